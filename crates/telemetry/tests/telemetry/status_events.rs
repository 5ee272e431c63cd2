use std::pin::Pin;
use std::sync::{Arc, Mutex};

use asl::{MachineType, Payload};
use expect_test::expect;
use runtime::{Runtime, RuntimeOptions, StartRequest};
use serde_json::Value;
use store::MemoryStore;
use telemetry::{EventTarget, TelemetryOptions, Undelivered, deliver};

use crate::world::{Echo, World};

/// Takes every event the second time it comes.
#[derive(Debug, Default)]
struct Target {
    seen: Mutex<Vec<Value>>,
    taken: Mutex<Vec<Value>>,
}

impl EventTarget for Target {
    fn send<'s>(
        &'s self,
        event: &'s Value,
    ) -> Pin<Box<dyn Future<Output = Result<(), Undelivered>> + Send + 's>> {
        Box::pin(async move {
            let mut seen = self.seen.lock().unwrap();
            let is_known = seen.contains(event);
            seen.push(event.clone());
            if !is_known {
                return Err(Undelivered::Later("not yet".to_owned()));
            }
            self.taken.lock().unwrap().push(event.clone());
            Ok(())
        })
    }
}

impl Target {
    async fn wait_for(&self, count: usize) -> Vec<Value> {
        loop {
            let taken = self.taken.lock().unwrap().clone();
            if taken.len() >= count {
                return taken;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}

const MACHINE: &str = r#"{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}"#;

#[tokio::test]
async fn a_change_is_told_until_it_is_taken_even_after_a_restart() {
    let store = Arc::new(MemoryStore::default());
    let world = World::start_over(Arc::clone(&store), TelemetryOptions::default()).await;
    let machine = world.create("m", MachineType::Standard, MACHINE, None).await;
    let express = world.create("e", MachineType::Express, MACHINE, None).await;
    world.run(&machine, "one", r#"{"a": 1}"#).await;
    // The same name again makes no change of its own.
    let again = StartRequest {
        state_machine_arn: machine,
        name: Some("one".to_owned()),
        input: Payload::from_valid_text("{}"),
        trace_header: None,
    };
    assert!(world.runtime.start_execution(again).await.is_err());
    world.run(&express, "two", "{}").await;
    // Nobody told anything before the end.
    world.runtime.shutdown().await;

    let options = RuntimeOptions { keeps_status_changes: true, ..RuntimeOptions::default() };
    let runtime = Runtime::start(store, Arc::new(Echo), options).await.unwrap();
    let target = Arc::new(Target::default());
    tokio::time::pause();
    let telling = {
        let (runtime, target) = (Arc::clone(&runtime), Arc::clone(&target));
        tokio::spawn(async move { deliver(&runtime, &*target).await })
    };
    let mut events = target.wait_for(2).await;
    assert_eq!(events.len(), 2);
    while !runtime.status_changes(String::new(), 10).await.unwrap().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let ids: Vec<Value> = events.iter_mut().map(|event| event["id"].take()).collect();
    assert_ne!(ids[0], ids[1]);
    let mut shown = String::new();
    for event in &mut events {
        event["time"].take();
        let detail = &mut event["detail"];
        assert!(detail["startDate"].take().as_i64().unwrap() > 1_600_000_000_000);
        assert_eq!(detail["stopDate"].take().is_i64(), detail["status"] != "RUNNING");
        shown += &format!("{event}\n");
    }
    expect![[r#"
        {"version":"0","id":null,"detail-type":"Step Functions Execution Status Change","source":"aws.states","account":"123456789012","time":null,"region":"us-east-1","resources":["arn:aws:states:us-east-1:123456789012:execution:m:one"],"detail":{"executionArn":"arn:aws:states:us-east-1:123456789012:execution:m:one","stateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:m","name":"one","status":"RUNNING","startDate":null,"stopDate":null,"input":"{\"a\": 1}","output":null,"stateMachineVersionArn":null,"stateMachineAliasArn":null,"redriveCount":0,"redriveDate":null,"redriveStatus":"NOT_REDRIVABLE","redriveStatusReason":"Execution is RUNNING and cannot be redriven","inputDetails":{"included":true},"outputDetails":null,"error":null,"cause":null}}
        {"version":"0","id":null,"detail-type":"Step Functions Execution Status Change","source":"aws.states","account":"123456789012","time":null,"region":"us-east-1","resources":["arn:aws:states:us-east-1:123456789012:execution:m:one"],"detail":{"executionArn":"arn:aws:states:us-east-1:123456789012:execution:m:one","stateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:m","name":"one","status":"SUCCEEDED","startDate":null,"stopDate":null,"input":"{\"a\": 1}","output":"{\"a\": 1}","stateMachineVersionArn":null,"stateMachineAliasArn":null,"redriveCount":0,"redriveDate":null,"redriveStatus":"NOT_REDRIVABLE","redriveStatusReason":"Execution is SUCCEEDED and cannot be redriven","inputDetails":{"included":true},"outputDetails":{"included":true},"error":null,"cause":null}}
    "#]].assert_eq(&shown);
    telling.abort();
}
