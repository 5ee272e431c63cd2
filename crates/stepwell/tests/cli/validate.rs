//! `stepwell validate`.

use expect_test::expect;

use crate::Folder;

#[test]
fn a_file_that_is_not_there() {
    Folder::with(&[]).check(
        &["validate", "missing.asl.json"],
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: cannot read missing.asl.json: No such file or directory (os error 2)
    "#]],
    );
}

#[test]
fn a_file_that_is_not_text() {
    let folder = Folder::with(&[]);
    std::fs::write(folder.path().join("a.asl.json"), b"{\xff}").unwrap();
    folder.check(
        &["validate", "a.asl.json"],
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: a.asl.json is not UTF-8 text: invalid byte at offset 1
    "#]],
    );
}

pub(crate) const VALID: &str = r#"{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}"#;

/// Several mistakes, on several lines.
const INVALID: &str = r#"{
  "StartAt": "Pack",
  "States": {
    "Pack": {"Type": "Pass", "Next": "Ship"},
    "Ship": {
      "Type": "Task",
      "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
      "Parameters": {"Payload.$": "$.["},
      "Timeout": 3,
      "Next": "Bill"
    }
  }
}
"#;

#[test]
fn valid_and_invalid_definitions() {
    let folder = Folder::with(&[("valid.asl.json", VALID), ("invalid.asl.json", INVALID)]);
    folder.check(
        &["validate", "valid.asl.json"],
        &expect![[r#"
        exit status: 0
        ----- stdout -----
        valid.asl.json: valid
    "#]],
    );
    folder.check(&["validate", "valid.asl.json", "invalid.asl.json"], &expect![[r#"
        exit status: 1
        ----- stdout -----
        valid.asl.json: valid
        invalid.asl.json:9:7: error[SCHEMA_VALIDATION_FAILED]: Field 'Timeout' is not supported
          |
        9 |       "Timeout": 3,
          |       ^^^^^^^^^
          = at /States/Ship
        invalid.asl.json:8:21: error[SCHEMA_VALIDATION_FAILED]: The field 'FunctionName' is required but was missing
          |
        8 |       "Parameters": {"Payload.$": "$.["},
          |                     ^^^^^^^^^^^^^^^^^^^^
          = at /States/Ship/Parameters
        invalid.asl.json:8:21: error[SCHEMA_VALIDATION_FAILED]: The value for the field 'Payload.$' must be a valid JSONPath or a valid intrinsic function call
          |
        8 |       "Parameters": {"Payload.$": "$.["},
          |                     ^^^^^^^^^^^^^^^^^^^^
          = at /States/Ship/Parameters
        invalid.asl.json:10:15: error[MISSING_TRANSITION_TARGET]: Missing 'Next' target: Bill
           |
        10 |       "Next": "Bill"
           |               ^^^^^^
          = at /States/Ship/Next
        invalid.asl.json: error[MISSING_END_STATE]: Workflow has no terminal state
        invalid.asl.json: not valid, 5 errors
    "#]]);
    folder.check_with_input(
        &["validate", "-"],
        VALID,
        &expect![[r#"
        exit status: 0
        ----- stdout -----
        -: valid
    "#]],
    );
}

#[test]
fn for_programs() {
    let folder =
        Folder::with(&[("valid.asl.json", VALID), ("broken.asl.json", "{\n  \"StartAt\": \n}")]);
    folder.check(
        &["validate", "--format", "json", "valid.asl.json", "broken.asl.json"],
        &expect![[r#"
            exit status: 1
            ----- stdout -----
            [
              {
                "file": "valid.asl.json",
                "result": "OK",
                "diagnostics": []
              },
              {
                "file": "broken.asl.json",
                "result": "FAIL",
                "diagnostics": [
                  {
                    "severity": "ERROR",
                    "code": "INVALID_JSON_DESCRIPTION",
                    "message": "Unexpected character ('}' (code 125)): expected a value\n at [Source: (String)\"{\n  \"StartAt\": \n}\"; line: 3, column: 2]",
                    "location": "[Source: (String)\"{\n  \"StartAt\": \n}\"; line: 3, column: 2]",
                    "start": {
                      "line": 3,
                      "column": 1
                    },
                    "end": {
                      "line": 3,
                      "column": 2
                    }
                  }
                ]
              }
            ]
        "#]],
    );
}

#[test]
fn as_express() {
    let definition = r#"{"StartAt": "A", "States": {"A": {"Type": "Task", "End": true,
        "Resource": "arn:aws:states:us-east-1:123456789012:activity:pack"}}}"#;
    let folder = Folder::with(&[("a.asl.json", definition)]);
    folder.check(
        &["validate", "a.asl.json"],
        &expect![[r#"
        exit status: 0
        ----- stdout -----
        a.asl.json: valid
    "#]],
    );
    folder.check(&["validate", "--type", "express", "a.asl.json"], &expect![[r#"
        exit status: 1
        ----- stdout -----
        a.asl.json:2:21: error[SCHEMA_VALIDATION_FAILED]: Express state machine does not support Activity ARN
          |
        2 |         "Resource": "arn:aws:states:us-east-1:123456789012:activity:pack"}}}
          |                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          = at /States/A/Resource
        a.asl.json: not valid, 1 error
    "#]]);
}

const YAML: &str = "\
# Waits for an answer
StartAt: Ask
States:
  Ask:
    Type: Task
    Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
    Parameters: {QueueUrl: q, MessageBody.$: $$.Task.Token}
    Next: Check
  Check:
    Type: Choice
    Choices:
      - {Variable: $.ok, BooleanEquals: true, Next: Done}
  Done: {Type: Succeed}
";

#[test]
fn definitions_in_yaml() {
    let wrong = YAML.replace("Next: Done", "Next: Gone");
    let broken = YAML.replace("$$.Task.Token}", "$$.Task.Token");
    let folder = Folder::with(&[
        ("ask.asl.yaml", YAML),
        ("wrong.asl.yml", &wrong),
        ("broken.yaml", &broken),
        ("plain.txt", YAML),
    ]);
    folder.check(
        &["validate", "ask.asl.yaml", "wrong.asl.yml", "broken.yaml"],
        &expect![[r#"
            exit status: 1
            ----- stdout -----
            ask.asl.yaml: valid
            wrong.asl.yml:12:53: error[MISSING_TRANSITION_TARGET]: Missing 'Next' target: Gone
               |
            12 |       - {Variable: $.ok, BooleanEquals: true, Next: Gone}
               |                                                     ^^^^
              = at /States/Check/Choices[0]/Next
            wrong.asl.yml:13:3: error[MISSING_TRANSITION_TARGET]: State "Done" is not reachable.
               |
            13 |   Done: {Type: Succeed}
               |   ^^^^
              = at /States/Done
            wrong.asl.yml: not valid, 2 errors
            broken.yaml:8:9: error[INVALID_YAML_DESCRIPTION]: while parsing a flow mapping, did not find expected ',' or '}'
              |
            8 |     Next: Check
              |         ^
            broken.yaml: not valid, 1 error
        "#]],
    );
    folder.check(
        &["validate", "--yaml", "plain.txt"],
        &expect![[r#"
        exit status: 0
        ----- stdout -----
        plain.txt: valid
    "#]],
    );
}

#[test]
fn advice_when_it_is_asked_for() {
    let folder = Folder::with(&[("ask.asl.yaml", YAML)]);
    folder.check(&["validate", "--lint", "ask.asl.yaml"], &expect![[r#"
        exit status: 0
        ----- stdout -----
        ask.asl.yaml:6:15: warning[LINT_TASK_WITHOUT_TIMEOUT]: Without TimeoutSeconds or HeartbeatSeconds this task waits for its token as long as the execution may take: a year.
          |
        6 |     Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
          |               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          = at /States/Ask/Resource
        ask.asl.yaml:9:3: warning[LINT_CHOICE_WITHOUT_DEFAULT]: Where no rule matches the execution fails, which nothing catches: a Default says what happens then.
          |
        9 |   Check:
          |   ^^^^^
          = at /States/Check
        ask.asl.yaml: valid, 2 warnings
    "#]]);
    folder.check(
        &["validate", "--lint", "--format", "json", "ask.asl.yaml"],
        &expect![[r#"
            exit status: 0
            ----- stdout -----
            [
              {
                "file": "ask.asl.yaml",
                "result": "OK",
                "diagnostics": [
                  {
                    "severity": "WARNING",
                    "code": "LINT_TASK_WITHOUT_TIMEOUT",
                    "message": "Without TimeoutSeconds or HeartbeatSeconds this task waits for its token as long as the execution may take: a year.",
                    "location": "/States/Ask/Resource",
                    "start": {
                      "line": 6,
                      "column": 15
                    },
                    "end": {
                      "line": 6,
                      "column": 64
                    }
                  },
                  {
                    "severity": "WARNING",
                    "code": "LINT_CHOICE_WITHOUT_DEFAULT",
                    "message": "Where no rule matches the execution fails, which nothing catches: a Default says what happens then.",
                    "location": "/States/Check",
                    "start": {
                      "line": 9,
                      "column": 3
                    },
                    "end": {
                      "line": 9,
                      "column": 8
                    }
                  }
                ]
              }
            ]
        "#]],
    );
}
