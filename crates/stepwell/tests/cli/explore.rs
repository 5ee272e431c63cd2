//! `stepwell explore`.

use expect_test::expect;

use crate::Folder;

const YAML: &str = "\
StartAt: Check
States:
  Check:
    Type: Choice
    Choices:
      - {Variable: $.total, NumericGreaterThan: 100, Next: Approve}
    Default: Ship
  Approve:
    Type: Task
    Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
    Parameters: {QueueUrl: q, MessageBody.$: $$.Task.Token}
    TimeoutSeconds: 60
    Catch:
      - {ErrorEquals: [States.Timeout], Next: Late}
      - {ErrorEquals: [States.HeartbeatTimeout], Next: Silent}
    Next: Ship
  Ship: {Type: Succeed}
  Late: {Type: Fail, Error: Late}
  Silent: {Type: Fail, Error: Silent}
";

#[test]
fn paths_to_every_end() {
    let folder = Folder::with(&[("order.asl.yaml", YAML)]);
    folder.check(
        &["explore", "order.asl.yaml"],
        &expect![[r#"
        exit status: 1
        ----- stdout -----
        ● Ship  Succeed
            Check (Default) → Ship
            input {"total":"text"}
        ● Late  Fail
            Check (Choices[0]) → Approve (Catch[0]) → Late
            input {"total":101}
            Approve fails with States.Timeout
        ○ Silent  Fail
            not reached: no failure leads here
        order.asl.yaml: 2 of 3 ends reached
    "#]],
    );
    let reached =
        YAML.replace("      - {ErrorEquals: [States.HeartbeatTimeout], Next: Silent}\n", "");
    let reached = reached.replace("  Silent: {Type: Fail, Error: Silent}\n", "");
    let folder = Folder::with(&[("order.asl.yaml", &reached)]);
    folder.check(
        &["explore", "--format", "json", "order.asl.yaml"],
        &expect![[r#"
        exit status: 0
        ----- stdout -----
        [
          {
            "inside": [],
            "state": "Ship",
            "type": "Succeed",
            "reached": true,
            "path": [
              {
                "state": "Check",
                "exit": "Default"
              },
              {
                "state": "Ship",
                "exit": null
              }
            ],
            "input": {
              "total": "text"
            },
            "tasks": {}
          },
          {
            "inside": [],
            "state": "Late",
            "type": "Fail",
            "reached": true,
            "path": [
              {
                "state": "Check",
                "exit": "Choices[0]"
              },
              {
                "state": "Approve",
                "exit": "Catch[0]"
              },
              {
                "state": "Late",
                "exit": null
              }
            ],
            "input": {
              "total": 101
            },
            "tasks": {
              "Approve": {
                "error": "States.Timeout"
              }
            }
          }
        ]
    "#]],
    );
}

#[test]
fn a_definition_that_is_not_valid() {
    let folder = Folder::with(&[("a.asl.json", r#"{"StartAt": "A"}"#)]);
    folder.check(
        &["explore", "a.asl.json"],
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        a.asl.json:1:1: error[SCHEMA_VALIDATION_FAILED]: These fields are required: [States]
          |
        1 | {"StartAt": "A"}
          | ^
          = at /
        error: a.asl.json is not valid
    "#]],
    );
    folder.check(
        &["explore", "b.asl.json"],
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: cannot read b.asl.json: No such file or directory (os error 2)
    "#]],
    );
}
