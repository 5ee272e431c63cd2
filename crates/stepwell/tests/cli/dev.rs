//! `stepwell dev`.

use expect_test::expect;
use rustix::process::Signal;
use serde_json::json;

use crate::Folder;
use crate::server::Process;
use crate::validate::VALID;

fn machine(name: &str) -> String {
    format!("arn:aws:states:us-east-1:123456789012:stateMachine:{name}")
}

#[test]
fn definitions_become_state_machines_and_follow_their_files() {
    let folder = Folder::with(&[
        ("ok.asl.json", VALID),
        ("broken.asl.json", "{\n  \"StartAt\": \"A\"\n}"),
        ("not-a-name [1].asl.json", VALID),
        ("elsewhere/fast.json", VALID),
        ("notes.json", "{}"),
        (
            "stepwell.toml",
            "[machines.fast]\ndefinition = \"elsewhere/fast.json\"\ntype = \"EXPRESS\"\n",
        ),
    ]);
    let mut dev = Process::start(folder.command(&["dev", "--listen", "127.0.0.1:0"]));
    expect![[r#"
        stepwell [VERSION]  .  data in .stepwell
        broken.asl.json:1:1: error[SCHEMA_VALIDATION_FAILED]: These fields are required: [States]
          |
        1 | {
          | ^
          = at /
        broken is not valid and is not there
        ● fast  EXPRESS  1 state  created
        `not-a-name [1]` cannot be the name of a state machine: 1 to 80 characters without spaces, brackets and most punctuation; rename its file
        ● ok  STANDARD  1 state  created
    "#]].assert_eq(&dev.preparations.replace(env!("CARGO_PKG_VERSION"), "[VERSION]"));
    dev.line_with("start an execution:");

    // A new one, a mended one, a changed one, one that is gone.
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("new.asl.json", VALID);
    dev.line_with("new  STANDARD  1 state  created");
    write("broken.asl.json", VALID);
    dev.line_with("broken  STANDARD  1 state  created");
    write("broken.asl.json", "{");
    dev.line_with("INVALID_JSON_DESCRIPTION");
    dev.line_with("broken is not valid and stays as it was");
    let other = VALID.replace("\"A\"", "\"B\"");
    write("ok.asl.json", &other);
    dev.line_with("ok  STANDARD  1 state  updated");
    let described = dev.call("DescribeStateMachine", &json!({"stateMachineArn": machine("ok")}));
    assert_eq!(described["definition"], other.as_str());
    std::fs::remove_file(folder.path().join("new.asl.json")).unwrap();
    dev.line_with("new.asl.json is gone; its state machine stays until it is deleted");
    write("stepwell.toml", "");
    dev.line_with("stepwell.toml changed; start again to use it");

    dev.signal(Signal::INT);
    assert_eq!(dev.wait(), 0);
}

#[test]
fn definitions_in_yaml_become_state_machines() {
    let folder = Folder::with(&[
        ("a.asl.yaml", "StartAt: A\nStates:\n  A: {Type: Succeed}\n"),
        ("b.asl.json", VALID),
        ("b.asl.yaml", "StartAt: A\n"),
        ("c.asl.yml", "StartAt: A\nStates:\n  A: {Type: Pass}\n"),
    ]);
    let mut dev = Process::start(folder.command(&["dev", "--listen", "127.0.0.1:0"]));
    expect![[r#"
        stepwell [VERSION]  .  data in .stepwell
        b.asl.yaml is left out: b.asl.json has its name
        ● a  STANDARD  1 state  created
        ● b  STANDARD  1 state  created
        c.asl.yml:3:3: error[SCHEMA_VALIDATION_FAILED]: This object should have only one of the following fields: [Next, End]
          |
        3 |   A: {Type: Pass}
          |   ^
          = at /States/A
        c is not valid and is not there
    "#]]
    .assert_eq(&dev.preparations.replace(env!("CARGO_PKG_VERSION"), "[VERSION]"));
    let described = dev.call("DescribeStateMachine", &json!({"stateMachineArn": machine("a")}));
    let expected = "{\n  \"StartAt\": \"A\",\n  \"States\": {\n    \"A\": {\n      \"Type\": \
                    \"Succeed\"\n    }\n  }\n}";
    assert_eq!(described["definition"], expected);
    let mended = "StartAt: A\nStates:\n  A: {Type: Pass, End: true}\n";
    std::fs::write(folder.path().join("c.asl.yml"), mended).unwrap();
    dev.line_with("c  STANDARD  1 state  created");
    dev.signal(Signal::INT);
    assert_eq!(dev.wait(), 0);
}

#[test]
fn executions_are_shown_as_they_go() {
    let activity = "arn:aws:states:us-east-1:123456789012:activity:pack";
    let definition = format!(
        r#"{{"StartAt": "P", "States": {{"P": {{"Type": "Task", "Resource": "{activity}", "End": true}}}}}}"#
    );
    let folder = Folder::with(&[("order.asl.json", &definition)]);
    let mut dev = Process::start(folder.command(&["dev", "--listen", "127.0.0.1:0"]));
    let start = json!({"stateMachineArn": machine("order"), "name": "one", "input": "[7]"});
    dev.call("StartExecution", &start);
    dev.line_with(
        "order/one    0.000  ▶ arn:aws:states:us-east-1:123456789012:execution:order:one",
    );
    dev.line_with("P  waits for a worker of pack");

    // It goes on after a crash, and is still shown.
    dev.signal(Signal::KILL);
    drop(dev);
    let mut dev = Process::start(folder.command(&["dev", "--listen", "127.0.0.1:0"]));
    assert!(dev.preparations.contains("order  STANDARD  1 state  as before"));
    let task = dev.call("GetActivityTask", &json!({"activityArn": activity, "workerName": "w"}));
    assert_eq!(task["input"], "[7]");
    dev.line_with("P  taken by worker w");
    dev.call("SendTaskFailure", &json!({"taskToken": task["taskToken"], "error": "Torn"}));
    dev.line_with("✗ P  Torn");
    dev.line_with("✗ order  FAILED after ");
}

#[test]
fn functions_follow_their_code() {
    let function = "arn:aws:lambda:us-east-1:123456789012:function";
    let definition = format!(
        r#"{{"StartAt": "F", "States": {{
            "F": {{"Type": "Task", "Resource": "{function}:greet", "Next": "G"}},
            "G": {{"Type": "Task", "Resource": "{function}:nobody", "End": true}}}}}}"#
    );
    let code = |word: &str| format!("def greet(event, context):\n    print('{word}')\n");
    let folder = Folder::with(&[
        ("greet.asl.json", &definition),
        ("code/app.py", &code("hello")),
        (
            "stepwell.toml",
            "[functions.greet]\nruntime = \"python\"\nhandler = \"app.greet\"\n\
             working_directory = \"code\"\n",
        ),
    ]);
    let mut dev = Process::start(folder.command(&["dev", "--listen", "127.0.0.1:0"]));
    assert!(dev.preparations.contains("  function nobody is not declared: [functions.nobody] in"));
    let start = json!({"stateMachineArn": machine("greet")});
    dev.call("StartExecution", &start);
    dev.line_with("│ greet: hello");
    dev.line_with("FAILED after");
    std::fs::write(folder.path().join("code/app.py"), code("good morning")).unwrap();
    dev.line_with("code/app.py changed: functions start anew");
    dev.call("StartExecution", &start);
    dev.line_with("│ greet: good morning");
}
