//! `eks:call` and `eks:runJob` against a stand-in of a cluster.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use asl::{Payload, Resource};
use bytes::Bytes;
use expect_test::{Expect, expect};
use http::Response;
use integrations::PollIntervals;
use runtime::TaskRunner;
use serde_json::{Value, json};

use crate::web::{Seen, Web};
use crate::world::{World, call};

const JOBS: &str = "/apis/batch/v1/namespaces/default/jobs";

/// A cluster in which a Job is over, in this way, when it is asked for a second time.
async fn cluster(end: &'static str) -> Web {
    let asked = AtomicUsize::new(0);
    Web::answering(move |request: &Seen| {
        let job = |status: Value| json!({"kind": "Job", "metadata": {"name": "pi"}, "status": status});
        let path = request.target.split('?').next().unwrap();
        let (status, body) = match (request.method.as_str(), path) {
            ("POST", JOBS) if request.body.contains("taken") => (409, json!({"reason": "AlreadyExists"})),
            ("POST", JOBS) => (201, job(json!({}))),
            ("GET", "/apis/batch/v1/namespaces/default/jobs/pi") => {
                match asked.fetch_add(1, Ordering::Relaxed) {
                    0 => (200, job(json!({"active": 1}))),
                    _ => (200, job(json!({"conditions": [
                        {"type": "FailureTarget", "status": "True"}, {"type": end, "status": "True"}]}))),
                }
            }
            ("GET", "/api/v1/namespaces/default/pods") => (200, json!({"items": [{"metadata": {"name": "pi-x"},
                "spec": {"containers": [{"name": "c"}, {"name": "gone"}]}}]})),
            ("GET", "/api/v1/namespaces/default/pods/pi-x/log") if request.target.contains("=c") => (200, json!({"pi": 3})),
            ("DELETE", _) => (200, json!({})),
            _ => (404, json!({"reason": "NotFound"})),
        };
        let response = Response::builder().status(status).header("content-type", "application/json");
        response.body(Bytes::from(body.to_string())).unwrap()
    })
    .await
}

fn world() -> World {
    World::with_config(|config| {
        config.http.allow_http = vec!["127.0.0.1".to_owned()];
        config.poll_intervals =
            PollIntervals { first: Duration::from_millis(1), longest: Duration::from_millis(2) };
    })
}

fn resource(action: &str) -> Resource {
    Resource::parse(&format!("arn:aws:states:::eks:{action}")).unwrap()
}

fn parameters(web: &Web, more: Value) -> Value {
    let mut parameters = json!({"ClusterName": "c", "Endpoint": web.url("/")});
    for (name, value) in more.as_object().unwrap() {
        parameters[name] = value.clone();
    }
    parameters
}

async fn check(end: &'static str, action: &str, more: Value, expected: Expect) {
    let web = cluster(end).await;
    let mut shown = match world().run(resource(action), parameters(&web, more)).await {
        Ok(mut output) => {
            if let Some(headers) = output.get_mut("Headers").and_then(Value::as_object_mut) {
                headers.shift_remove("date");
            }
            format!("{output}\n")
        }
        Err(failure) => format!("{failure}\n").replace(&web.port.to_string(), "PORT"),
    };
    for request in web.requests() {
        shown.push_str(&format!("{} {} {}\n", request.method, request.target, request.body));
    }
    expected.assert_eq(&shown);
}

#[tokio::test]
async fn calls_are_passed_on() {
    check(
        "Complete",
        "call",
        json!({"Method": "GET", "Path": "/api/v1/namespaces/default/pods",
            "QueryParameters": {"labelSelector": ["job-name=pi"]}}),
        expect![[r#"
            {"Headers":{"content-length":["93"],"content-type":["application/json"]},"ResponseBody":{"items":[{"metadata":{"name":"pi-x"},"spec":{"containers":[{"name":"c"},{"name":"gone"}]}}]},"StatusCode":200,"StatusText":"OK"}
            GET /api/v1/namespaces/default/pods?labelSelector=job-name%3Dpi 
        "#]],
    )
    .await;
    check(
        "Complete",
        "call",
        json!({"Method": "GET", "Path": "/none"}),
        expect![[r#"
            EKS.404: {"reason":"NotFound"}
            GET /none 
        "#]],
    )
    .await;
    check(
        "Complete",
        "call",
        json!({"Method": "get", "Path": 1, "Pfad": 2, "QueryParameters": {"a": "b"}}),
        expect![[r#"
            States.Runtime: The Parameters '{"ClusterName":"c","Endpoint":"http://127.0.0.1:PORT/","Method":"get","Path":1,"Pfad":2,"QueryParameters":{"a":"b"}}' could not be used to start the Task: [The field "Pfad" is not supported by Step Functions, The value of the field 'Method' has an invalid format, The value of the field 'Path' has an invalid format, The value of the field 'QueryParameters' has an invalid format]
        "#]],
    )
    .await;
}

#[tokio::test]
async fn jobs_are_followed_and_their_logs_read() {
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "pi"}});
    check(
        "Complete",
        "runJob.sync",
        json!({"Job": job, "LogOptions": {"RetrieveLogs": true, "LogParameters": {"tailLines": ["6"]}}}),
        expect![[r#"
            {"kind":"Job","metadata":{"name":"pi"},"status":{"conditions":[{"type":"FailureTarget","status":"True"},{"type":"Complete","status":"True"}]},"logs":{"pods":{"pi-x":{"containers":{"c":{"log":{"pi":3}},"gone":{"error":"EKS.404","cause":"{\"reason\":\"NotFound\"}"}}}}}}
            POST /apis/batch/v1/namespaces/default/jobs {"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"pi"}}
            GET /apis/batch/v1/namespaces/default/jobs/pi 
            GET /apis/batch/v1/namespaces/default/jobs/pi 
            GET /api/v1/namespaces/default/pods?labelSelector=job-name%3Dpi 
            GET /api/v1/namespaces/default/pods/pi-x/log?tailLines=6&container=c 
            GET /api/v1/namespaces/default/pods/pi-x/log?tailLines=6&container=gone 
        "#]],
    )
    .await;
    check(
        "Failed",
        "runJob.sync",
        json!({ "Job": job }),
        expect![[r#"
            States.TaskFailed: {"kind":"Job","metadata":{"name":"pi"},"status":{"conditions":[{"type":"FailureTarget","status":"True"},{"type":"Failed","status":"True"}]}}
            POST /apis/batch/v1/namespaces/default/jobs {"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"pi"}}
            GET /apis/batch/v1/namespaces/default/jobs/pi 
            GET /apis/batch/v1/namespaces/default/jobs/pi 
        "#]],
    )
    .await;
    check(
        "Failed",
        "runJob",
        json!({"Job": {"metadata": {"name": "taken"}}}),
        expect![[r#"
            EKS.409: {"reason":"AlreadyExists"}
            POST /apis/batch/v1/namespaces/default/jobs {"metadata":{"name":"taken"}}
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_job_that_was_submitted_is_found_again_and_can_be_removed() {
    let web = cluster("Complete").await;
    let world = world();
    let mut call = call(resource("runJob.sync"), parameters(&web, json!({"Job": {}})));
    let submitted = Payload::from_value(json!({"ResponseBody": {"metadata": {"name": "pi"}}}));
    call.dispatch.submitted = Some(submitted.clone());
    let output = world.integrations.run(call.clone()).await.unwrap();
    assert_eq!(output.value()["metadata"]["name"], "pi");
    assert!(web.requests().iter().all(|request| request.method == "GET"));
    world.integrations.cancel(call, Some(submitted)).await;
    let request = web.last();
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("DELETE", "/apis/batch/v1/namespaces/default/jobs/pi?propagationPolicy=Background")
    );
}
