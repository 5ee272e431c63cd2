//! `stepwell run`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use expect_test::expect;
use serde_json::json;

use crate::Folder;
use crate::server::call;

/// Passes its input on, or fails.
const MACHINE: &str = r#"{"StartAt": "Big", "States": {
    "Big": {"Type": "Choice", "Default": "Small", "Choices": [
        {"Variable": "$.n", "NumericGreaterThan": 9, "Next": "TooBig"}]},
    "Small": {"Type": "Pass", "Result": {"fits": true}, "ResultPath": "$.verdict", "End": true},
    "TooBig": {"Type": "Fail", "Error": "TooBig", "Cause": "nine is enough"}}}"#;

fn folder() -> Folder {
    Folder::with(&[("size.asl.json", MACHINE), ("four.json", "{\"n\": 4}")])
}

#[test]
fn an_execution_that_succeeds() {
    let arguments = ["run", "size.asl.json", "--name", "one", "--input", r#"{"n": 1.0}"#];
    folder().check(
        &arguments,
        &expect![[r#"
            exit status: 0
            ----- stdout -----
            {"n":1.0,"verdict":{"fits":true}}
            ----- stderr -----
              [TIME]  ▶ arn:aws:states:us-east-1:123456789012:execution:size:one
              [TIME]    ✓ Big  Choice  goes on with Small
              [TIME]    ✓ Small  Pass
              [TIME]  ■ size  SUCCEEDED after [N] ms
        "#]],
    );
}

#[test]
fn an_execution_that_fails() {
    let arguments = ["run", "size.asl.json", "--name", "one", "--input", r#"{"n": 10}"#];
    folder().check(
        &arguments,
        &expect![[r#"
            exit status: 1
            ----- stderr -----
              [TIME]  ▶ arn:aws:states:us-east-1:123456789012:execution:size:one
              [TIME]    ✓ Big  Choice  goes on with TooBig
              [TIME]    → TooBig  Fail
              [TIME]  ✗ size  FAILED after [N] ms: TooBig: nine is enough
        "#]],
    );
    let quiet = ["run", "size.asl.json", "--quiet", "--input", r#"{"n": 10}"#];
    folder().check(
        &quiet,
        &expect![[r#"
        exit status: 1
        ----- stderr -----
        FAILED: TooBig: nine is enough
    "#]],
    );
}

#[test]
fn where_the_input_comes_from() {
    folder().check(
        &["run", "-q", "size.asl.json", "-i", "@four.json"],
        &expect![[r#"
        exit status: 0
        ----- stdout -----
        {"n":4,"verdict":{"fits":true}}
    "#]],
    );
    let arguments = ["run", "-q", "size.asl.json", "-i", "-"];
    folder().check_with_input(
        &arguments,
        "{\"n\": 5}\n",
        &expect![[r#"
        exit status: 0
        ----- stdout -----
        {"n":5,"verdict":{"fits":true}}
    "#]],
    );
}

#[test]
fn as_express() {
    let arguments = ["run", "-q", "size.asl.json", "--type", "EXPRESS", "-i", "@four.json"];
    folder().check(
        &arguments,
        &expect![[r#"
        exit status: 0
        ----- stdout -----
        {"n":4,"verdict":{"fits":true}}
    "#]],
    );
    let configured = Folder::with(&[
        ("size.asl.json", MACHINE),
        ("four.json", "{\"n\": 4}"),
        ("stepwell.toml", "[machines.size]\ntype = \"EXPRESS\"\n"),
    ]);
    configured.check(
        &["run", "-q", "size.asl.json", "-i", "{\"n\": 10}"],
        &expect![[r#"
        exit status: 1
        ----- stderr -----
        FAILED: TooBig: nine is enough
    "#]],
    );
    let output = configured.command(&["run", "size.asl.json", "-i", "@four.json"]).output();
    let stderr = String::from_utf8(output.unwrap().stderr).unwrap();
    assert!(stderr.contains("▶ arn:aws:states:us-east-1:123456789012:express:size:"), "{stderr}");
}

#[test]
fn what_cannot_be_started() {
    let folder = Folder::with(&[
        ("a.asl.json", r#"{"StartAt": "B", "States": {}}"#),
        ("size.asl.json", MACHINE),
    ]);
    folder.check(
        &["run", "a.asl.json"],
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        a.asl.json:1:28: error[SCHEMA_VALIDATION_FAILED]: Value cannot be empty
          |
        1 | {"StartAt": "B", "States": {}}
          |                            ^^
          = at /States
        error: a.asl.json is not valid
    "#]],
    );
    folder.check(
        &["run", "missing.asl.json"],
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: cannot read missing.asl.json: No such file or directory (os error 2)
    "#]],
    );
    folder.check(&["run", "size.asl.json", "-i", "{'n': 1}"], &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: the input is not JSON: line 1, column 3: Unexpected character (''' (code 39)): was expecting double-quote to start field name
        hint: --input takes JSON such as '{"a": 1}', @FILE, or - for standard input
    "#]]);
    folder.check(
        &["run", "size.asl.json", "-i", "@nowhere.json"],
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: cannot read the input @nowhere.json: No such file or directory (os error 2)
    "#]],
    );
    folder.check_with_input(
        &["run", "size.asl.json", "-i", "-"],
        &"1".repeat(300_000),
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: the input has 300000 bytes; 262144 is the most that an execution takes
        "#]],
    );
    folder.check(&["run", "size.asl.json", "--name", "a/b"], &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: `a/b` cannot be the name of an execution: 1 to 80 characters without spaces, brackets and most punctuation
    "#]]);
}

#[test]
fn a_function_that_is_not_declared() {
    let folder = Folder::with(&[(
        "f.asl.json",
        r#"{"StartAt": "F", "States": {"F": {"Type": "Task", "End": true,
            "Resource": "arn:aws:lambda:us-east-1:123456789012:function:nobody"}}}"#,
    )]);
    let output = folder.command(&["run", "-q", "--log", "error", "f.asl.json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with("FAILED: Lambda.ResourceNotFoundException: Function not found: "),
        "{stderr}"
    );
}

/// A worker takes the task and answers it over the API that `run` serves meanwhile.
#[test]
fn somebody_answers() {
    let activity = "arn:aws:states:us-east-1:123456789012:activity:pack";
    let definition = format!(
        r#"{{"StartAt": "P", "States": {{"P": {{"Type": "Task", "Resource": "{activity}", "End": true}}}}}}"#
    );
    let folder = Folder::with(&[("pack.asl.json", &definition)]);
    let mut command = folder.command(&["run", "pack.asl.json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let address =
        lines.find_map(|line| Some(line.strip_prefix("listening on http://")?.to_owned())).unwrap();

    let task = call(&address, "GetActivityTask", &json!({"activityArn": activity}));
    let answer = json!({"taskToken": task["taskToken"], "output": "[1]"});
    call(&address, "SendTaskSuccess", &answer);

    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "[1]\n");
    assert!(output.status.success());
}

#[test]
fn a_definition_in_yaml() {
    let folder = Folder::with(&[
        (
            "add.asl.yaml",
            "QueryLanguage: JSONata\nStartAt: Add\nStates:\n  Add:\n    Type: Pass\n    \
             Output: '{% $states.input.a + 1 %}'\n    End: true\n",
        ),
        ("wrong.asl.yaml", "StartAt: Add\nStates:\n  Add:\n    Type: Pass\n    End: maybe\n"),
    ]);
    folder.check(
        &["run", "-q", "add.asl.yaml", "--input", "{\"a\": 1}"],
        &expect![[r#"
            exit status: 0
            ----- stdout -----
            2
        "#]],
    );
    folder.check(
        &["run", "wrong.asl.yaml"],
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        wrong.asl.yaml:5:10: error[SCHEMA_VALIDATION_FAILED]: Expected value of type [BOOLEAN]
          |
        5 |     End: maybe
          |          ^^^^^
          = at /States/Add/End
        error: wrong.asl.yaml is not valid
    "#]],
    );
}
