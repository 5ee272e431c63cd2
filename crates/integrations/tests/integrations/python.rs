//! Functions in Python, and everything about processes that does not depend on the language.

use expect_test::{Expect, expect};
use integrations::LogStream;
use runtime::TaskRunner;
use serde_json::{Value, json};

use crate::gate::Gate;
use crate::world::{World, call, function_resource, without_ids};

const APP: &str = r#"
import os, signal, socket, sys

visits = 0
kept = []


class CustomException(Exception):
    pass


def connect(event):
    connection = socket.create_connection(("127.0.0.1", event["gate"]))
    connection.sendall(f"{os.getpid()}\n".encode())
    return connection


def echo(event, context):
    return event


def wait(event, context):
    connect(event).recv(1)
    return os.getpid()


def keep(event, context):
    kept.append(connect(event))
    return os.getpid()


def visit(event, context):
    global visits
    visits += 1
    return [os.getpid(), visits]


def describe(event, context):
    assert 2000 < context.get_remaining_time_in_millis() <= 3000
    return {
        "function_name": context.function_name,
        "function_version": context.function_version,
        "invoked_function_arn": context.invoked_function_arn,
        "memory_limit_in_mb": context.memory_limit_in_mb,
        "log_group_name": context.log_group_name,
        "log_stream_name": context.log_stream_name[10:20],
        "aws_request_id": context.aws_request_id,
        "custom": context.client_context and context.client_context.custom,
        "directory": os.getcwd() == os.environ["LAMBDA_TASK_ROOT"],
        "handler": os.environ["_HANDLER"],
        "trace": os.environ["_X_AMZN_TRACE_ID"][:7],
        "execution_env": os.environ["AWS_EXECUTION_ENV"][:17],
    }


def fail(event, context):
    def inner():
        raise CustomException(event["message"])
    inner()


def look_up(event, context):
    return {}["key"]


def unserializable(event, context):
    return {1, 2}


def end(event, context):
    if "signal" in event:
        os.kill(os.getpid(), event["signal"])
    sys.exit(event["status"])


def size(event, context):
    return "x" * event["size"]


def talk(event, context):
    import logging
    print("größer")
    print("to stderr", file=sys.stderr)
    logging.getLogger().warning("warned")
    sys.stdout.write("without line break")
    if event.get("fail"):
        raise ValueError("bad")
"#;

fn python(handler: &str) -> Value {
    json!({"runtime": "python", "handler": format!("app.{handler}")})
}

fn with(mut function: Value, name: &str, value: impl Into<Value>) -> Value {
    function[name] = value.into();
    function
}

fn one(handler: &str) -> World {
    World::new(&[("app.py", APP)], json!({"f": python(handler)}))
}

async fn check_failure(handler: &str, event: Value, expected: &Expect) {
    let world = one(handler);
    let failure = world.call("f", event).await.unwrap_err();
    let cause = failure.cause.replace(world.path().to_str().unwrap(), "/var/task");
    expected.assert_eq(&format!("{}\n{cause}\n", failure.error));
}

#[tokio::test]
async fn an_answer_is_the_output() {
    let world = one("echo");
    for value in [
        json!({"b": 1, "a": [1.5, "größer 😀 \u{2028}"]}),
        json!(null),
        json!("text"),
        json!(0.0),
        json!([]),
        json!("x".repeat(300_000)),
    ] {
        assert_eq!(world.call("f", value.clone()).await, Ok(value));
    }
}

#[tokio::test]
async fn lambda_invoke_wraps_the_answer() {
    let world = one("echo");
    let parameters = json!({"FunctionName": "f", "Payload": {"größe": 1}});
    let mut output = world.invoke(parameters).await.unwrap();
    let metadata = &mut output["SdkHttpMetadata"];
    for name in ["Date", "X-Amzn-Trace-Id"] {
        metadata["AllHttpHeaders"][name] = json!([name]);
        metadata["HttpHeaders"][name] = json!(name);
    }
    expect![[r#"{"ExecutedVersion":"$LATEST","Payload":{"größe":1},"SdkHttpMetadata":{"AllHttpHeaders":{"X-Amz-Executed-Version":["$LATEST"],"x-amzn-Remapped-Content-Length":["0"],"Connection":["keep-alive"],"x-amzn-RequestId":["<id>"],"Content-Length":["14"],"Date":["Date"],"X-Amzn-Trace-Id":["X-Amzn-Trace-Id"],"Content-Type":["application/json"]},"HttpHeaders":{"Connection":"keep-alive","Content-Length":"14","Content-Type":"application/json","Date":"Date","X-Amz-Executed-Version":"$LATEST","x-amzn-Remapped-Content-Length":"0","x-amzn-RequestId":"<id>","X-Amzn-Trace-Id":"X-Amzn-Trace-Id"},"HttpStatusCode":200},"SdkResponseMetadata":{"RequestId":"<id>"},"StatusCode":200}"#]]
        .assert_eq(&without_ids(&output.to_string()));
    for absent in [json!({"FunctionName": "f"}), json!({"FunctionName": "f", "Payload": null})] {
        assert_eq!(world.invoke(absent).await.unwrap()["Payload"], json!({}));
    }
    let versioned = json!({"FunctionName": "f", "Qualifier": "7"});
    assert_eq!(world.invoke(versioned).await.unwrap()["ExecutedVersion"], "7");
}

#[tokio::test]
async fn the_context_describes_the_invocation() {
    let world = one("describe");
    // {"custom":{"größe":"1"}}
    let client_context = "eyJjdXN0b20iOnsiZ3LDtsOfZSI6IjEifX0=";
    let parameters =
        json!({"FunctionName": "f", "Qualifier": "prod", "ClientContext": client_context});
    let output = world.invoke(parameters).await.unwrap();
    expect![[r#"{"function_name":"f","function_version":"$LATEST","invoked_function_arn":"arn:aws:lambda:us-east-1:111111111111:function:f:prod","memory_limit_in_mb":"128","log_group_name":"/aws/lambda/f","log_stream_name":"/[$LATEST]","aws_request_id":"<id>","custom":{"größe":"1"},"directory":true,"handler":"app.describe","trace":"Root=1-","execution_env":"AWS_Lambda_python"}"#]]
        .assert_eq(&without_ids(&output["Payload"].to_string()));
    assert_eq!(output["Payload"]["aws_request_id"], output["SdkResponseMetadata"]["RequestId"]);
}

#[tokio::test]
async fn an_exception_is_the_failure() {
    check_failure("fail", json!({"message": "größer"}), &expect![[r#"
        CustomException
        {"errorMessage": "größer", "errorType": "CustomException", "requestId": "<id>", "stackTrace": ["  File \"/var/task/app.py\", line 59, in fail\n    inner()\n", "  File \"/var/task/app.py\", line 58, in inner\n    raise CustomException(event[\"message\"])\n"]}
    "#]]).await;
    check_failure("look_up", json!({}), &expect![[r#"
        KeyError
        {"errorMessage": "'key'", "errorType": "KeyError", "requestId": "<id>", "stackTrace": ["  File \"/var/task/app.py\", line 63, in look_up\n    return {}[\"key\"]\n"]}
    "#]]).await;
    check_failure("unserializable", json!({}), &expect![[r#"
        Runtime.MarshalError
        {"errorMessage": "Unable to marshal response: Object of type set is not JSON serializable", "errorType": "Runtime.MarshalError", "requestId": "<id>", "stackTrace": []}
    "#]]).await;
}

#[tokio::test]
async fn a_handler_that_cannot_be_loaded_is_the_failure() {
    check_failure("missing", json!({}), &expect![[r#"
        Runtime.HandlerNotFound
        {"errorMessage": "Handler 'missing' missing on module 'app'", "errorType": "Runtime.HandlerNotFound", "requestId": "", "stackTrace": []}
    "#]]).await;
    let world = World::new(
        &[("broken.py", "def f(:\n"), ("raising.py", "1 / 0\n")],
        json!({
            "absent": {"runtime": "python", "handler": "absent.f"},
            "broken": {"runtime": "python", "handler": "broken.f"},
            "raising": {"runtime": "python", "handler": "raising.f"},
        }),
    );
    let mut failures = String::new();
    for function in ["absent", "broken"] {
        let failure = world.call(function, json!({})).await.unwrap_err().to_string();
        failures += &failure.replace(world.path().to_str().unwrap(), "/var/task");
        failures += "\n";
    }
    expect![[r#"
        Runtime.ImportModuleError: {"errorMessage": "Unable to import module 'absent': No module named 'absent'", "errorType": "Runtime.ImportModuleError", "requestId": "", "stackTrace": []}
        Runtime.UserCodeSyntaxError: {"errorMessage": "Syntax error in module 'broken': invalid syntax (broken.py, line 1)", "errorType": "Runtime.UserCodeSyntaxError", "requestId": "", "stackTrace": ["  File \"/var/task/broken.py\" Line 1\n    def f(:\n"]}
    "#]]
    .assert_eq(&failures);
    // Like Lambda's, this trace begins within Python's own import machinery.
    let failure = world.call("raising", json!({})).await.unwrap_err();
    assert_eq!(failure.error, "ZeroDivisionError");
    assert!(
        failure.cause.ends_with(r#"raising.py\", line 1, in <module>\n    1 / 0\n"]}"#),
        "{failure}"
    );
}

#[tokio::test]
async fn a_process_that_ends_is_the_failure() {
    check_failure("end", json!({"status": 3}), &expect![[r#"
        Runtime.ExitError
        {"errorType":"Runtime.ExitError","errorMessage":"RequestId: <id> Error: Runtime exited with error: exit status 3"}
    "#]]).await;
    check_failure("end", json!({"status": 0}), &expect![[r#"
        Runtime.ExitError
        {"errorType":"Runtime.ExitError","errorMessage":"RequestId: <id> Error: Runtime exited without providing a reason"}
    "#]]).await;
    check_failure("end", json!({"signal": 9}), &expect![[r#"
        Runtime.ExitError
        {"errorType":"Runtime.ExitError","errorMessage":"RequestId: <id> Error: Runtime exited with error: signal: killed"}
    "#]]).await;
}

#[tokio::test]
async fn an_answer_over_six_megabytes_is_a_failure() {
    let world = one("size");
    let failure = world.call("f", json!({"size": 6_300_000})).await.unwrap_err();
    expect![[r#"Function.ResponseSizeTooLarge: {"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}"#]]
        .assert_eq(&failure.to_string());
    let large = world.call("f", json!({"size": 6_000_000})).await.unwrap();
    assert_eq!(large.as_str().unwrap().len(), 6_000_000);
}

#[tokio::test]
async fn a_timeout_kills_the_process() {
    let gate = Gate::open().await;
    let slow = with(python("wait"), "timeout_seconds", 1);
    let world = World::new(&[("app.py", APP)], json!({"f": slow}));
    let running = world.spawn("f", json!({"gate": gate.port()}));
    gate.visitor().await.gone().await;
    expect![[r#"Sandbox.Timedout: {"errorType":"Sandbox.Timedout","errorMessage":"RequestId: <id> Error: Task timed out after 1.00 seconds"}"#]]
        .assert_eq(&running.await.unwrap().unwrap_err().to_string());
    let running = world.spawn("f", json!({"gate": gate.port()}));
    gate.visitor().await.let_go().await;
    assert!(running.await.unwrap().is_ok());
}

#[tokio::test]
async fn warm_processes_are_used_again() {
    let world = one("visit");
    let first = world.call("f", json!({})).await.unwrap();
    let second = world.call("f", json!({})).await.unwrap();
    assert_eq!(first[0], second[0]);
    assert_eq!((&first[1], &second[1]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn a_process_that_died_while_idle_is_replaced() {
    let gate = Gate::open().await;
    let world = one("keep");
    let first = world.call("f", json!({"gate": gate.port()})).await.unwrap();
    let visitor = gate.visitor().await;
    let pid = rustix::process::Pid::from_raw(first.as_i64().unwrap().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    visitor.gone().await;
    let second = world.call("f", json!({"gate": gate.port()})).await.unwrap();
    assert_ne!(first, second);
}

#[tokio::test]
async fn concurrency_grows_to_the_limit_and_further_calls_wait() {
    let gate = Gate::open().await;
    let function = with(python("wait"), "concurrency", 2);
    let world = World::new(&[("app.py", APP)], json!({"f": function}));
    let mut calls: Vec<_> =
        (0..5).map(|_| world.spawn("f", json!({"gate": gate.port()}))).collect();
    let mut first = gate.visitor().await;
    let mut second = gate.visitor().await;
    assert_ne!(first.line, second.line);
    // All others can only come after one has gone, and then into the same processes.
    let processes = [first.line.clone(), second.line.clone()];
    first.let_go().await;
    second.let_go().await;
    for _ in 2..5 {
        let mut next = gate.visitor().await;
        assert!(processes.contains(&next.line), "{} is a third process", next.line);
        next.let_go().await;
    }
    for call in calls.drain(..) {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn an_idle_process_ends() {
    let gate = Gate::open().await;
    let function = with(python("keep"), "idle_seconds", 0);
    let world = World::new(&[("app.py", APP)], json!({"f": function}));
    world.call("f", json!({"gate": gate.port()})).await.unwrap();
    gate.visitor().await.gone().await;
}

#[tokio::test]
async fn changed_code_is_seen_once_processes_are_replaced() {
    let world = World::new(
        &[("app.py", "def version(event, context): return 1")],
        json!({"f": python("version")}),
    );
    assert_eq!(world.call("f", json!({})).await.unwrap(), 1);
    std::fs::write(world.path().join("app.py"), "def version(event, context):  return 22").unwrap();
    assert_eq!(world.call("f", json!({})).await.unwrap(), 1);
    world.integrations.replace_processes();
    assert_eq!(world.call("f", json!({})).await.unwrap(), 22);
}

#[tokio::test]
async fn a_process_that_is_to_be_replaced_ends_its_call_first() {
    let gate = Gate::open().await;
    let world = one("wait");
    let input = json!({"gate": gate.port()});
    let first = world.spawn("f", input.clone());
    let mut visitor = gate.visitor().await;
    world.integrations.replace_processes();
    visitor.let_go().await;
    assert_eq!(first.await.unwrap().unwrap().to_string(), visitor.line);
    let second = world.spawn("f", input);
    let mut other = gate.visitor().await;
    assert_ne!(visitor.line, other.line);
    other.let_go().await;
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_dropped_call_kills_its_process_and_no_other() {
    let gate = Gate::open().await;
    let world = one("wait");
    let input = json!({"gate": gate.port()});
    let dropped = world.spawn("f", input.clone());
    let visitor = gate.visitor().await;
    let kept = world.spawn("f", input);
    let mut other = gate.visitor().await;
    dropped.abort();
    visitor.gone().await;
    other.let_go().await;
    assert_eq!(kept.await.unwrap().unwrap().to_string(), other.line);
}

#[tokio::test]
async fn shutdown_ends_all_processes_and_leaves_calls_open() {
    let gate = Gate::open().await;
    let world = World::new(&[("app.py", APP)], json!({"f": python("wait"), "g": python("keep")}));
    let input = json!({"gate": gate.port()});
    world.call("g", input.clone()).await.unwrap();
    let idle = gate.visitor().await;
    let mut running = Box::pin(world.integrations.run(call(function_resource("f"), input.clone())));
    let busy = tokio::select! {
        _ = &mut running => panic!("it waits"),
        visitor = gate.visitor() => visitor,
    };
    tokio::select! {
        biased;
        _ = &mut running => panic!("a call that was cut off has no result"),
        () = world.integrations.shutdown() => {}
    }
    idle.gone().await;
    busy.gone().await;
    let later = world.integrations.run(call(function_resource("f"), input));
    tokio::select! {
        biased;
        _ = later => panic!("nothing runs any more"),
        _ = &mut running => panic!("a call that was cut off has no result"),
        () = tokio::task::yield_now() => {}
    }
}

#[tokio::test]
async fn events_run_in_the_background() {
    let gate = Gate::open().await;
    let world = one("wait");
    let parameters =
        json!({"FunctionName": "f", "InvocationType": "Event", "Payload": {"gate": gate.port()}});
    let output = world.invoke(parameters).await.unwrap();
    assert_eq!(output["StatusCode"], 202);
    assert_eq!(output["Payload"], "");
    assert_eq!(output.get("ExecutedVersion"), None);
    gate.visitor().await.let_go().await;
}

#[tokio::test]
async fn output_is_kept_and_told() {
    let world = one("talk");
    let mut listener = world.integrations.subscribe_function_logs();
    let output = world
        .invoke(json!({"FunctionName": "f", "LogType": "Tail", "Payload": {"fail": false}}))
        .await
        .unwrap();
    let request_id = output["SdkResponseMetadata"]["RequestId"].as_str().unwrap().to_owned();
    let lines = world.integrations.function_logs(Some("f"), 0);
    let show = |stream: LogStream| {
        let lines = lines.iter().filter(|line| line.stream == stream);
        lines.map(|line| &*line.text).collect::<Vec<_>>().join("|")
    };
    assert_eq!(show(LogStream::Stderr), "to stderr");
    let stdout = show(LogStream::Stdout);
    assert!(stdout.starts_with("größer|[WARNING]\t"), "{stdout}");
    assert!(stdout.ends_with(&format!("\t{request_id}\twarned")), "{stdout}");
    for line in &lines {
        assert_eq!(line.request_id.as_deref(), Some(&*request_id));
        assert_eq!(
            line.execution_arn.as_deref(),
            Some("arn:aws:states:us-east-1:111111111111:execution:machine:name")
        );
    }
    assert_eq!(listener.try_recv().unwrap(), lines[0]);
    let file = std::fs::read_to_string(world.path().join("logs/f.log")).unwrap();
    assert_eq!(file.lines().count(), lines.len());

    use base64::Engine as _;
    let log = output["LogResult"].as_str().unwrap();
    let log = base64::engine::general_purpose::STANDARD.decode(log).unwrap();
    let log = String::from_utf8(log).unwrap().replace(&request_id, "<id>");
    assert!(log.starts_with("START RequestId: <id> Version: $LATEST\n"), "{log}");
    assert!(log.contains("\ngrößer\n") && log.contains("END RequestId: <id>\nREPORT"), "{log}");

    let last = lines.last().unwrap().sequence;
    world.call("f", json!({"fail": true})).await.unwrap_err();
    let text: Vec<_> =
        world.integrations.function_logs(None, last).into_iter().map(|line| line.text).collect();
    assert!(text.iter().any(|line| line.ends_with("[ERROR] ValueError: bad")), "{text:?}");
}

#[tokio::test]
async fn the_environment_holds_no_secrets() {
    let files = [("app.py", "import os\ndef f(event, context):\n    return dict(os.environ)\n")];
    let world = World::with_environment(
        &files,
        json!({"f": {"runtime": "python", "handler": "app.f", "environment": {"MINE": "1"}}}),
        &[("AWS_SECRET_ACCESS_KEY", "real"), ("DATABASE_URL", "postgres://secret")],
    );
    let variables = world.call("f", json!({})).await.unwrap();
    assert_eq!(variables["AWS_SECRET_ACCESS_KEY"], "test");
    assert_eq!(variables.get("DATABASE_URL"), None);
    assert_eq!(variables["MINE"], "1");
    assert_eq!(variables["AWS_REGION"], "us-east-1");
}

/// This test plays two parts: it starts itself again as the server that will be killed.
#[tokio::test]
async fn a_killed_server_leaves_no_function_behind() {
    const PORT: &str = "STEPWELL_TEST_GATE_PORT";
    if let Ok(port) = std::env::var(PORT) {
        let port: u16 = port.parse().unwrap();
        one("wait").call("f", json!({"gate": port})).await.unwrap();
        panic!("nobody lets the function go");
    }
    let gate = Gate::open().await;
    let directory = tempfile::tempdir().unwrap();
    let mut server = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "python::a_killed_server_leaves_no_function_behind"])
        .env(PORT, gate.port().to_string())
        .env("TMPDIR", directory.path())
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    // The function waits for the gate, not for the server: only somebody else can end it.
    let visitor = gate.visitor().await;
    server.kill().await.unwrap();
    visitor.gone().await;
}
