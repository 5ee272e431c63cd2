//! `stepwell history`.

use expect_test::expect;

use crate::Folder;

/// As the AWS CLI prints it, with a retry, a Map and a failure.
const EVENTS: &str = include_str!("history.json");

#[test]
fn a_table_from_a_file() {
    Folder::with(&[("h.json", EVENTS)]).check(&["history", "h.json"], &expect![[r#"
        exit status: 0
        ----- stdout -----
        id  seconds  event                    state             took  detail
         1    0.000  ExecutionStarted
         2    0.004  TaskStateEntered         LoadOrders
         3    0.004  LambdaFunctionScheduled  LoadOrders              arn:aws:lambda:us-east-1:123456789012:function:load
         4    0.010  LambdaFunctionStarted    LoadOrders
         5    0.120  LambdaFunctionFailed     LoadOrders      116 ms  ConnectionError: the database is away
         6    2.121  LambdaFunctionScheduled  LoadOrders              arn:aws:lambda:us-east-1:123456789012:function:load
         7    2.130  LambdaFunctionStarted    LoadOrders
         8    2.200  LambdaFunctionSucceeded  LoadOrders       79 ms
         9    2.201  TaskStateExited          LoadOrders      2.19 s
        10    2.201  MapStateEntered          EachOrder
        11    2.202  MapStateStarted          EachOrder               2 items
        12    2.202  MapIterationStarted      EachOrder               iteration 0
        13    2.203  TaskStateEntered         Ship[0]
        14    2.203  TaskScheduled            Ship[0]                 sqs:sendMessage.waitForTaskToken
        15    2.240  TaskStarted              Ship[0]                 sqs:sendMessage.waitForTaskToken
        16    2.300  TaskSubmitted            Ship[0]                 sqs:sendMessage.waitForTaskToken
        17   92.300  TaskTimedOut             Ship[0]     1 min 30 s  sqs:sendMessage.waitForTaskToken  States.Timeout
        18   92.301  MapIterationFailed       EachOrder   1 min 30 s  iteration 0
        19   92.301  MapStateFailed           EachOrder
        20   92.301  ExecutionFailed                      1 min 32 s  States.Timeout
    "#]]);
}

#[test]
fn with_data_from_standard_input() {
    let events = r#"{"events": [
        {"id": 3, "previousEventId": 2, "timestamp": 1667510400.75, "type": "PassStateExited",
         "stateExitedEventDetails": {"name": "A", "output": "{\"b\": 1}", "outputDetails": {"truncated": false}}},
        {"id": 2, "previousEventId": 0, "timestamp": 1667510400.5, "type": "PassStateEntered",
         "stateEnteredEventDetails": {"name": "A", "input": "{}", "inputDetails": {"truncated": false}}},
        {"id": 1, "previousEventId": 0, "timestamp": 1667510400.5, "type": "ExecutionStarted",
         "executionStartedEventDetails": {"input": "{}", "roleArn": "arn:aws:iam::123456789012:role/r"}}]}"#;
    Folder::with(&[]).check_with_input(
        &["history", "-", "--data"],
        events,
        &expect![[r#"
        exit status: 0
        ----- stdout -----
        id  seconds  event             state    took  detail
         1    0.000  ExecutionStarted
                       input: {}
         2    0.000  PassStateEntered  A
                       input: {}
         3    0.250  PassStateExited   A      250 ms
                       output: {"b": 1}
    "#]],
    );
}

#[test]
fn what_is_no_history() {
    let folder = Folder::with(&[
        ("empty.json", "{}"),
        ("broken.json", "{"),
        ("odd.json", r#"{"events": [{"id": 1}]}"#),
    ]);
    for (source, expected) in [
        (
            "empty.json",
            expect![[r#"
            exit status: 2
            ----- stderr -----
            error: empty.json is not an execution history: it has no list `events`
            hint: aws stepfunctions get-execution-history --execution-arn ARN > FILE writes one
        "#]],
        ),
        (
            "broken.json",
            expect![[r#"
            exit status: 2
            ----- stderr -----
            error: broken.json is not JSON: EOF while parsing an object at line 1 column 1
        "#]],
        ),
        (
            "odd.json",
            expect![[r#"
            exit status: 2
            ----- stderr -----
            error: not an event of an execution history: {"id":1}
        "#]],
        ),
        (
            "missing.json",
            expect![[r#"
            exit status: 2
            ----- stderr -----
            error: cannot read missing.json: No such file or directory (os error 2)
        "#]],
        ),
    ] {
        folder.check(&["history", source], &expected);
    }
}

#[test]
fn a_server_that_is_not_there() {
    let arn = "arn:aws:states:us-east-1:123456789012:execution:a:b";
    let folder = Folder::with(&[]);
    folder.check(
        &["history", arn, "--endpoint", "ftp://x"],
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: `ftp://x/` does not begin with http:// or https://
    "#]],
    );
    // Port 1 of this machine: nobody listens there.
    let output =
        folder.command(&["history", arn, "--endpoint", "http://127.0.0.1:1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: cannot reach http://127.0.0.1:1/: "), "{stderr}");
}
