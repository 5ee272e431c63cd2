//! `stepwell serve`.

use expect_test::expect;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::Folder;
use crate::server::{Process, answer, call};

const MACHINE: &str =
    r#"{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 3600, "End": true}}}"#;

#[test]
fn it_stops_gracefully_and_goes_on_at_the_next_start() {
    let folder = Folder::with(&[]);
    let mut server = Process::start(folder.command(&["serve", "--listen", "127.0.0.1:0"]));
    let role = "arn:aws:iam::123456789012:role/r";
    let created = server.call(
        "CreateStateMachine",
        &json!({"name": "wait", "definition": MACHINE, "roleArn": role}),
    );
    let started = server.call(
        "StartExecution",
        &json!({"stateMachineArn": created["stateMachineArn"], "name": "one"}),
    );
    server.signal(Signal::TERM);
    assert_eq!(server.wait(), 0);
    assert!(folder.path().join(".stepwell/.gitignore").exists());

    let mut server = Process::start(folder.command(&["serve", "--listen", "127.0.0.1:0"]));
    let execution = json!({"executionArn": started["executionArn"]});
    let description = server.call("DescribeExecution", &execution);
    assert_eq!(description["status"], "RUNNING");
    server.signal(Signal::INT);
    assert_eq!(server.wait(), 0);
}

/// The last of many calls until an execution is over.
fn ended(server: &Process, started: &Value) -> Value {
    loop {
        let execution = json!({"executionArn": started["executionArn"]});
        let description = server.call("DescribeExecution", &execution);
        if description["status"] != "RUNNING" {
            return description;
        }
    }
}

#[test]
fn mocks_answer_the_tasks_of_test_cases() {
    let mocks = |value: u32| {
        format!(
            r#"{{"StateMachines": {{"m": {{"TestCases": {{"Case": {{"T": "r"}}}}}}}},
                "MockedResponses": {{"r": {{"0": {{"Return": {value}}}}}}}}}"#
        )
    };
    let folder = Folder::with(&[("mocks.json", &mocks(1)), ("wrong.json", "{\n  \"a\": 1}")]);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data", ":memory:"];
    let mut command = folder.command(&arguments);
    command.env("SFN_MOCK_CONFIG", "mocks.json");
    let server = Process::start(command);
    let definition = json!({"StartAt": "T", "States": {"T": {
        "Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": "q", "MessageBody": {"t.$": "$$.Task.Token"}}, "End": true}}});
    let role = "arn:aws:iam::123456789012:role/r";
    let created = server.call(
        "CreateStateMachine",
        &json!({"name": "m", "definition": definition.to_string(), "roleArn": role}),
    );
    let arn = created["stateMachineArn"].as_str().unwrap();
    let case = json!({"stateMachineArn": format!("{arn}#Case")});
    for value in [1, 2] {
        std::fs::write(folder.path().join("mocks.json"), mocks(value)).unwrap();
        let started = server.call("StartExecution", &case);
        let description = ended(&server, &started);
        assert_eq!(description["output"], value.to_string());
        assert_eq!(description["stateMachineArn"], arn);
    }
    let other = json!({"stateMachineArn": format!("{arn}#Other")});
    let (status, refused) = answer(&server.address, "StartExecution", &other);
    assert_eq!(status, "400");
    assert_eq!(refused["message"], "Invalid Name: 'Other': no such test case of m; there are Case");
    folder.check(&[&arguments[..], &["--mocks", "wrong.json"]].concat(), &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: wrong.json:2:3: a mock file has no field 'a': StateMachines, MockedResponses are known
    "#]]);
}

#[test]
fn without_keys_other_machines_reach_it_when_told_so() {
    let folder = Folder::with(&[]);
    let arguments = ["serve", "--listen", "0.0.0.0:0", "--insecure", "--data", ":memory:"];
    let server = Process::start(folder.command(&arguments));
    let (host, port) = server.address.rsplit_once(':').unwrap();
    assert_eq!(host, "0.0.0.0");
    let listed = call(&format!("127.0.0.1:{port}"), "ListStateMachines", &json!({}));
    assert_eq!(listed, json!({"stateMachines": []}));
}

#[test]
fn a_second_signal_stops_it_at_once() {
    let folder = Folder::with(&[]);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data", ":memory:"];
    let mut server = Process::start(folder.command(&arguments));
    // A request that is not complete: the graceful stop would wait for it.
    let mut stream = std::net::TcpStream::connect(&server.address).unwrap();
    std::io::Write::write_all(&mut stream, b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n{")
        .unwrap();
    server.call("ListStateMachines", &json!({}));
    server.signal(Signal::TERM);
    server.signal(Signal::INT);
    let status = server.wait();
    assert!(status == 130 || status == 143, "{status}");
}

#[test]
fn one_process_a_data_directory() {
    let folder = Folder::with(&[]);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data", "data"];
    let _server = Process::start(folder.command(&arguments));
    let output = folder.command(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: the data directory data is in use by process "), "{stderr}");
}

#[test]
fn one_process_a_port() {
    let folder = Folder::with(&[]);
    let server = Process::start(folder.command(&["serve", "--listen", "127.0.0.1:0"]));
    let arguments = ["serve", "--listen", &server.address, "--data", ":memory:"];
    let output = folder.command(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: cannot listen on 127.0.0.1:"), "{stderr}");
}

#[test]
fn a_data_directory_that_is_not_ours() {
    let folder = Folder::with(&[("data/stepwell.sqlite", "something else"), ("file", "")]);
    let listen = ["serve", "--listen", "127.0.0.1:0", "--data"];
    folder.check(&[&listen[..], &["data"]].concat(), &expect![[r#"
        exit status: 1
        ----- stderr -----
        error: data/stepwell.sqlite is not a store of Stepwell: move it away, or use another data directory
    "#]]);
    folder.check(
        &[&listen[..], &["file"]].concat(),
        &expect![[r#"
        exit status: 1
        ----- stderr -----
        error: file is not a directory
    "#]],
    );
}

#[test]
fn account_and_region() {
    let folder = Folder::with(&[(
        "stepwell.toml",
        "[server]\nlisten = \"127.0.0.1:0\"\ndata = \":memory:\"\n",
    )]);
    let mut command = folder.command(&["serve", "--account-id", "000000000001"]);
    command.env("AWS_REGION", "eu-central-1");
    let server = Process::start(command);
    let created = server.call("CreateActivity", &json!({"name": "a"}));
    assert_eq!(created["activityArn"], "arn:aws:states:eu-central-1:000000000001:activity:a");
    assert!(!folder.path().join(".stepwell").exists());
}

#[test]
fn the_log_as_json() {
    let folder = Folder::with(&[]);
    let arguments =
        ["serve", "--listen", "127.0.0.1:0", "--data", ":memory:", "--log-format", "json"];
    let mut server = Process::start(folder.command(&arguments));
    server.signal(Signal::TERM);
    assert_eq!(server.wait(), 0);
    let log = server.log();
    for line in log.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(record["timestamp"].is_string() && record["level"].is_string(), "{line}");
    }
    assert!(log.contains("\"message\":\"ready\""), "{log}");
}

/// A machine of one state that gives the value of an expression.
fn evaluating(expression: &str) -> String {
    let state = json!({"Type": "Pass", "QueryLanguage": "JSONata", "End": true,
        "Output": format!("{{% {expression} %}}")});
    json!({"StartAt": "A", "States": {"A": state}}).to_string()
}

/// The processes that were started by a process and are not over.
#[cfg(target_os = "linux")]
fn children(parent: i32) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        // One that ends meanwhile has none.
        let status = std::fs::read_to_string(entry.ok()?.path().join("stat")).ok()?;
        let (_, rest) = status.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        (fields.next()? != "Z").then_some(fields.next()?.parse::<i32>().ok()?)
    });
    processes.filter(|its_parent| *its_parent == parent).count()
}

#[test]
#[cfg(target_os = "linux")]
fn hostile_expressions_end_and_leave_nothing_behind() {
    let folder = Folder::with(&[]);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data", ":memory:"];
    let server = Process::start(folder.command(&arguments));
    let run = |name: &str, expression: &str| {
        let request = json!({"name": name, "definition": evaluating(expression),
            "roleArn": "arn:aws:iam::123456789012:role/r"});
        let created = server.call("CreateStateMachine", &request);
        let request = json!({"stateMachineArn": created["stateMachineArn"], "input": "[1, 2]"});
        let started = server.call("StartExecution", &request);
        ended(&server, &started)
    };
    let nested = |use_of_it: &str| {
        format!(
            "($f := function($a, $n) {{ $n = 0 ? $a : $f([[$a], [$a]], $n - 1) }}; \
             $x := $f([[0], [{{'b': 1}}]], 40); {use_of_it})"
        )
    };
    let cases = [
        ("truth", nested("$boolean([$x, 1])")),
        ("keys", nested("$keys($x)")),
        ("lookup", nested("$lookup($x, 'c')")),
        // These also take more and more memory.
        ("spread", nested("$count($spread($x))")),
        ("step", nested("$count($x.b)")),
        (
            "texts",
            "($s := $pad('', 6000000, 'x'); $count($map([1..5000], function($i) { $s & $i })))"
                .to_owned(),
        ),
    ];
    for (name, expression) in cases {
        let description = run(name, &expression);
        assert_eq!(description["error"], "States.QueryEvaluationError", "{name}: {description}");
        let cause = description["cause"].as_str().unwrap();
        assert!(
            cause.ends_with("evaluation: Expression evaluation timeout: Check for infinite loop")
                || cause.ends_with(
                    "evaluation: Expression evaluation memory limit exceeded: Check for excessive \
                     memory usage"
                ),
            "{name}: {cause}"
        );
    }
    assert_eq!(children(server.id()), 0);
    let description = run("fine", "$map($states.input, function($i) { $i * 2 })");
    assert_eq!(description["output"], "[2,4]");
    assert_eq!(children(server.id()), 1);
}
