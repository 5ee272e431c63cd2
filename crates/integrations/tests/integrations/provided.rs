//! Executables that speak the Runtime API themselves.

use std::os::unix::fs::PermissionsExt;

use expect_test::expect;
use serde_json::json;

use crate::world::{World, without_ids};

/// A runtime in few words, with the plainest of clients.
const BOOTSTRAP: &str = r#"#!/usr/bin/env python3
import json, os, sys, urllib.request, urllib.error

base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime"

def post(path, body):
    request = urllib.request.Request(base + path, body, method="POST")
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()

if os.environ["_HANDLER"] == "refuse":
    assert post("/init/error", b'{"errorMessage":"no license","errorType":"Custom.Init"}')[0] == 202
    sys.exit(1)
if os.environ["_HANDLER"] == "die":
    sys.exit(7)

while True:
    with urllib.request.urlopen(base + "/invocation/next") as response:
        event = json.load(response)
        request_id = response.headers["Lambda-Runtime-Aws-Request-Id"]
    if event == "error":
        post(f"/invocation/{request_id}/error", b'{"errorMessage":"as asked"}')
    elif event == "empty":
        post(f"/invocation/{request_id}/response", b"")
    elif event == "text":
        post(f"/invocation/{request_id}/response", b"SUCCESS")
    elif event == "wrong":
        answers = [post("/invocation/nobody/response", b"1"), post("/elsewhere", b"")]
        answers = [[status, body.decode()] for status, body in answers]
        post(f"/invocation/{request_id}/response", json.dumps(answers).encode())
    else:
        post(f"/invocation/{request_id}/response", json.dumps([os.environ["_HANDLER"], event, sys.argv[1:]]).encode())
"#;

fn world(functions: serde_json::Value) -> World {
    let world = World::new(&[("bootstrap", BOOTSTRAP), ("plain.txt", "text")], functions);
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(world.path().join("bootstrap"), executable).unwrap();
    world
}

#[tokio::test]
async fn a_bootstrap_runs_unchanged() {
    let world = world(json!({
        "f": {"runtime": "provided", "handler": "hello"},
        "g": {"runtime": "provided", "command": ["bootstrap", "one", "two"]},
    }));
    assert_eq!(world.call("f", json!({"a": 1})).await, Ok(json!(["hello", {"a": 1}, []])));
    assert_eq!(world.call("g", json!(2)).await, Ok(json!(["", 2, ["one", "two"]])));
    assert_eq!(world.call("f", json!("empty")).await, Ok(json!("")));
    expect!["Lambda.Unknown: The function returned a payload that is not JSON (expected value at line 1 column 1): SUCCESS"]
        .assert_eq(&world.call("f", json!("text")).await.unwrap_err().to_string());
    expect![[r#"Lambda.Unknown: The cause could not be determined because Lambda did not return an error type. Returned payload: {"errorMessage":"as asked"}"#]]
        .assert_eq(&world.call("f", json!("error")).await.unwrap_err().to_string());
}

#[tokio::test]
async fn wrong_requests_are_refused() {
    let world = world(json!({"f": {"runtime": "provided"}}));
    let answers = world.call("f", json!("wrong")).await.unwrap();
    expect![[r#"[[400,"{\"errorMessage\":\"Invalid request ID\",\"errorType\":\"InvalidRequestID\"}"],[404,"{\"errorMessage\":\"404 page not found\",\"errorType\":\"NotFound\"}"]]"#]]
        .assert_eq(&answers.to_string());
}

#[tokio::test]
async fn what_cannot_start_is_a_failure() {
    let world = world(json!({
        "refuse": {"runtime": "provided", "handler": "refuse"},
        "die": {"runtime": "provided", "handler": "die"},
        "absent": {"runtime": "provided", "command": ["./absent"]},
        "plain": {"runtime": "provided", "command": ["plain.txt"]},
        "nowhere": {"runtime": "provided", "working_directory": "nowhere"},
    }));
    let mut failures = String::new();
    for function in ["refuse", "die", "absent", "plain", "nowhere"] {
        let failure = world.call(function, json!({})).await.unwrap_err().to_string();
        failures += &failure.replace(world.path().to_str().unwrap(), "/var/task");
        failures += "\n";
    }
    expect![[r#"
        Custom.Init: {"errorMessage":"no license","errorType":"Custom.Init"}
        Runtime.ExitError: {"errorType":"Runtime.ExitError","errorMessage":"RequestId: <id> Error: Runtime exited with error: exit status 7"}
        Runtime.InvalidEntrypoint: {"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: <id> Error: fork/exec /var/task/absent: no such file or directory"}
        Runtime.InvalidEntrypoint: {"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: <id> Error: fork/exec /var/task/plain.txt: permission denied"}
        Runtime.InvalidEntrypoint: {"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: <id> Error: working directory /var/task/nowhere: no such directory"}
    "#]]
    .assert_eq(&failures);
    let told: Vec<_> = world
        .integrations
        .function_logs(Some("die"), 0)
        .into_iter()
        .map(|line| without_ids(&line.text))
        .collect();
    assert_eq!(told, ["RequestId: <id> Error: Runtime exited with error: exit status 7"]);
}
