//! Spans, as a collector on this machine gets them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use asl::{MachineType, Payload};
use expect_test::{Expect, expect};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyKind;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use runtime::StartRequest;
use telemetry::{SpanDelivery, TelemetryOptions, TraceOptions, Traces};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::world::World;

/// Takes what comes the second time.
#[derive(Default)]
struct Collector {
    heads: Mutex<Vec<String>>,
    spans: Mutex<Vec<Span>>,
}

impl Collector {
    async fn start() -> (Arc<Collector>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let collector = Arc::new(Collector::default());
        let taking = Arc::clone(&collector);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                taking.take(stream).await;
            }
        });
        (collector, url)
    }

    async fn take(&self, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        let head_length = loop {
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
        };
        let head = String::from_utf8(bytes[..head_length].to_vec()).unwrap().to_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        while bytes.len() < head_length + length {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
        }
        let is_first = self.heads.lock().unwrap().is_empty();
        self.heads.lock().unwrap().push(head);
        let status = if is_first { "503 Service Unavailable\r\nretry-after: 0" } else { "200 OK" };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        if !is_first {
            let request = ExportTraceServiceRequest::decode(&bytes[head_length..]).unwrap();
            for resource in request.resource_spans {
                let name = &resource.resource.unwrap().attributes[0];
                assert_eq!(name.key, "service.name");
                for scope in resource.scope_spans {
                    self.spans.lock().unwrap().extend(scope.spans);
                }
            }
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
    }

    /// Everything in a tree: name, kind, attributes, error.
    fn shown(&self) -> String {
        let spans = self.spans.lock().unwrap();
        let mut below: BTreeMap<&[u8], Vec<&Span>> = BTreeMap::new();
        for span in spans.iter() {
            assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
            assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
            below.entry(&span.parent_span_id).or_default().push(span);
        }
        let roots = spans
            .iter()
            .filter(|span| !spans.iter().any(|other| other.span_id == span.parent_span_id));
        let mut text = String::new();
        for root in roots {
            show(root, 0, &below, &mut text);
        }
        text
    }
}

fn show(span: &Span, depth: usize, below: &BTreeMap<&[u8], Vec<&Span>>, text: &mut String) {
    *text += &format!("{}{} {}", "  ".repeat(depth), span.name, span.kind().as_str_name());
    for attribute in &span.attributes {
        let key = attribute.key.trim_start_matches("stepwell.");
        match attribute.value.as_ref().unwrap().value.as_ref().unwrap() {
            AnyKind::StringValue(_) if key == "execution.arn" => {}
            AnyKind::StringValue(value) => *text += &format!(" {key}={value}"),
            AnyKind::IntValue(value) => *text += &format!(" {key}={value}"),
            other => panic!("{other:?}"),
        }
    }
    let events: Vec<&str> = span.events.iter().map(|event| &*event.name).collect();
    *text += &format!(" {events:?}");
    if span.status.as_ref().is_some_and(|status| status.code == 2) {
        *text += " ERROR";
    }
    if !span.links.is_empty() {
        *text += " linked";
    }
    *text += "\n";
    let mut children = below.get(&*span.span_id).cloned().unwrap_or_default();
    children
        .sort_by(|a, b| (a.start_time_unix_nano, &a.name).cmp(&(b.start_time_unix_nano, &b.name)));
    for child in children {
        assert_eq!(child.trace_id, span.trace_id);
        show(child, depth + 1, below, text);
    }
}

/// A world whose spans go to a collector.
async fn world(ratio: f64) -> (World, Arc<Collector>, tokio::task::JoinHandle<()>) {
    let (collector, url) = Collector::start().await;
    let options = TraceOptions {
        url,
        headers: vec![("x-key".to_owned(), "secret".to_owned())],
        service_name: "test".to_owned(),
        sampling_ratio: ratio,
    };
    let (traces, delivery): (Traces, SpanDelivery) = Traces::new(options).unwrap();
    let options = TelemetryOptions {
        span_counts: Some(traces.counts()),
        turns: vec![Box::new(traces)],
        ..TelemetryOptions::default()
    };
    (World::start(options).await, collector, tokio::spawn(delivery.run()))
}

/// What the collector has once everything is told.
async fn finish(
    (world, collector, delivery): (World, Arc<Collector>, tokio::task::JoinHandle<()>),
    expected: Expect,
) {
    let metrics = world.final_metrics().await;
    delivery.await.unwrap();
    expected.assert_eq(&collector.shown());
    assert!(metrics.contains("\nstepwell_spans_dropped_total 0\n"));
}

#[tokio::test]
async fn every_execution_state_and_attempt_is_a_span_below_the_one_that_it_belongs_to() {
    let all = world(1.0).await;
    let definition = r#"{"StartAt": "Both", "States": {
        "Both": {"Type": "Parallel", "Next": "Each", "ResultPath": null, "Branches": [
            {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"},
                                        "B": {"Type": "Succeed"}}},
            {"StartAt": "T", "States": {"T": {"Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage",
                "Parameters": {"QueueUrl": "q", "MessageBody": "fail"},
                "Retry": [{"ErrorEquals": ["Broken"], "IntervalSeconds": 1, "MaxAttempts": 1,
                           "BackoffRate": 1, "MaxDelaySeconds": 2}],
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Mended"}], "End": true},
                "Mended": {"Type": "Pass", "End": true}}}]},
        "Each": {"Type": "Map", "ItemsPath": "$.items", "End": true, "ItemProcessor": {
            "StartAt": "I", "States": {"I": {"Type": "Pass", "End": true}}}}}}"#;
    let machine = all.0.create("m", MachineType::Standard, definition, None).await;
    all.0.run(&machine, "one", r#"{"items": [1, 2], "secret": "payload"}"#).await;
    finish(all, expect![[r#"
        m SPAN_KIND_SERVER aws.step_functions.state_machine.arn=arn:aws:states:us-east-1:123456789012:stateMachine:m execution.name=one execution.status=SUCCEEDED execution.redrive_count=0 []
          Both SPAN_KIND_INTERNAL state.name=Both state.type=Parallel state.status=SUCCEEDED state.attempts=1 []
            A SPAN_KIND_INTERNAL state.name=A state.type=Pass state.status=SUCCEEDED []
            B SPAN_KIND_INTERNAL state.name=B state.type=Succeed state.status=SUCCEEDED []
            T SPAN_KIND_INTERNAL state.name=T state.type=Task state.status=CAUGHT_ERROR state.attempts=2 error.type=Broken ["retry"]
              sqs sendMessage SPAN_KIND_CLIENT task.resource=arn:aws:states:::sqs:sendMessage task.attempt=1 task.status=FAILED error.type=Broken [] ERROR
              sqs sendMessage SPAN_KIND_CLIENT task.resource=arn:aws:states:::sqs:sendMessage task.attempt=2 task.status=FAILED error.type=Broken [] ERROR
            Mended SPAN_KIND_INTERNAL state.name=Mended state.type=Pass state.status=SUCCEEDED []
          Each SPAN_KIND_INTERNAL state.name=Each state.type=Map state.status=SUCCEEDED state.attempts=1 []
            I SPAN_KIND_INTERNAL state.name=I state.type=Pass state.status=SUCCEEDED []
            I SPAN_KIND_INTERNAL state.name=I state.type=Pass state.status=SUCCEEDED []
    "#]]).await;
}

#[tokio::test]
async fn failures_are_errors_and_close_what_is_open() {
    let all = world(1.0).await;
    let definition = r#"{"StartAt": "Both", "States": {
        "Both": {"Type": "Parallel", "End": true, "Branches": [
            {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 900, "End": true}}},
            {"StartAt": "T", "States": {"T": {"Type": "Task", "End": true,
                "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"QueueUrl": "q",
                "MessageBody": "fail"}}}}]}}}"#;
    let machine = all.0.create("m", MachineType::Standard, definition, None).await;
    let execution = all.0.run(&machine, "one", "{}").await;
    let redriven = all.0.runtime.redrive_execution(&execution, None).await;
    redriven.unwrap();
    all.0.runtime.wait_for_end(&execution).await.unwrap();
    finish(all, expect![[r#"
        m SPAN_KIND_SERVER aws.step_functions.state_machine.arn=arn:aws:states:us-east-1:123456789012:stateMachine:m execution.name=one execution.status=FAILED execution.redrive_count=0 error.type=Broken [] ERROR
          Both SPAN_KIND_INTERNAL state.name=Both state.type=Parallel state.status=FAILED state.attempts=1 [] ERROR
            T SPAN_KIND_INTERNAL state.name=T state.type=Task state.status=FAILED state.attempts=1 error.type=Broken [] ERROR
              sqs sendMessage SPAN_KIND_CLIENT task.resource=arn:aws:states:::sqs:sendMessage task.attempt=1 task.status=FAILED error.type=Broken [] ERROR
            W SPAN_KIND_INTERNAL state.name=W state.type=Wait state.status=ABORTED [] ERROR
        m SPAN_KIND_SERVER aws.step_functions.state_machine.arn=arn:aws:states:us-east-1:123456789012:stateMachine:m execution.name=one execution.status=FAILED execution.redrive_count=1 error.type=Broken [] ERROR linked
          T SPAN_KIND_INTERNAL state.name=T state.type=Task state.status=FAILED state.attempts=1 error.type=Broken [] ERROR
            sqs sendMessage SPAN_KIND_CLIENT task.resource=arn:aws:states:::sqs:sendMessage task.attempt=1 task.status=FAILED error.type=Broken [] ERROR
    "#]]).await;
}

#[tokio::test]
async fn executions_hang_below_their_caller_and_those_they_start_below_the_task() {
    let all = world(0.0).await;
    let child = r#"{"StartAt": "C", "States": {"C": {"Type": "Pass", "End": true}}}"#;
    let child = all.0.create("child", MachineType::Express, child, None).await;
    let parent = format!(
        r#"{{"StartAt": "S", "States": {{"S": {{"Type": "Task", "End": true,
            "Resource": "arn:aws:states:::states:startExecution",
            "Parameters": {{"StateMachineArn": "{child}"}}}}}}}}"#
    );
    let parent = all.0.create("parent", MachineType::Standard, &parent, None).await;
    let root = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8";
    // Of these nobody wants to know, and of the last nobody said so.
    for (name, header) in [
        ("wanted", Some(format!("{root};Sampled=1"))),
        ("unwanted", Some(format!("{root};Sampled=0"))),
        ("unsaid", None),
    ] {
        let request = StartRequest {
            state_machine_arn: parent.clone(),
            name: Some(name.to_owned()),
            input: Payload::from_valid_text("{}"),
            trace_header: header,
        };
        let started = all.0.runtime.start_execution(request).await.unwrap();
        all.0.runtime.wait_for_end(&started.execution_arn).await.unwrap();
    }
    let collector = Arc::clone(&all.1);
    finish(all, expect![[r#"
        parent SPAN_KIND_SERVER aws.step_functions.state_machine.arn=arn:aws:states:us-east-1:123456789012:stateMachine:parent execution.name=wanted execution.status=SUCCEEDED execution.redrive_count=0 []
          S SPAN_KIND_INTERNAL state.name=S state.type=Task state.status=SUCCEEDED state.attempts=1 []
            states startExecution SPAN_KIND_CLIENT task.resource=arn:aws:states:::states:startExecution task.attempt=1 task.status=SUCCEEDED []
              child SPAN_KIND_SERVER aws.step_functions.state_machine.arn=arn:aws:states:us-east-1:123456789012:stateMachine:child execution.name=child execution.status=SUCCEEDED execution.redrive_count=0 []
                C SPAN_KIND_INTERNAL state.name=C state.type=Pass state.status=SUCCEEDED []
    "#]]).await;
    for span in collector.spans.lock().unwrap().iter() {
        assert_eq!(span.trace_id[..4], [0x57, 0x59, 0xe9, 0x88]);
    }
    let heads = collector.heads.lock().unwrap();
    assert!(heads.len() >= 2);
    for head in heads.iter() {
        assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
        assert!(head.contains("\r\ncontent-type: application/x-protobuf\r\n"), "{head}");
        assert!(head.contains("\r\nx-key: secret\r\n"), "{head}");
    }
}
