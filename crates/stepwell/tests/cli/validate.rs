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
