//! `stepwell test`.

use std::path::Path;

use expect_test::expect;

use crate::Folder;

const MACHINE: &str = r#"{"StartAt": "Wait", "States": {
    "Wait": {"Type": "Wait", "SecondsPath": "$.wait", "Next": "Work"},
    "Work": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "f", "Payload.$": "$"},
        "TimeoutSeconds": 5,
        "Retry": [{"ErrorEquals": ["Slow"], "IntervalSeconds": 60, "MaxAttempts": 1},
                  {"ErrorEquals": ["Never"], "MaxAttempts": 1}],
        "Catch": [{"ErrorEquals": ["A"], "Next": "Bad"}, {"ErrorEquals": ["B"], "Next": "Bad"}],
        "Next": "Big"},
    "Big": {"Type": "Choice", "Choices": [
        {"Variable": "$.n", "NumericGreaterThan": 10, "Next": "Good"},
        {"Variable": "$.n", "NumericGreaterThan": 5, "Next": "Good"}], "Default": "Lost"},
    "Good": {"Type": "Succeed"}, "Lost": {"Type": "Fail", "Error": "Lost"},
    "Bad": {"Type": "Fail", "Error": "Bad"}}}"#;

const MOCKS: &str = r#"{
  "StateMachines": {"m": {"TestCases": {
    "Large": {"Work": "large"}, "Slow": {"Work": "slow"}, "Broken": {"Work": "broken"}}}},
  "MockedResponses": {
    "large": {"0": {"Return": {"n": 20}}},
    "slow": {"0": {"Throw": {"Error": "Slow"}}, "1": {"Return": {"n": 20}}},
    "broken": {"0": {"Throw": {"Error": "B", "Cause": "because"}}}}}"#;

const TESTS: &str = r#"{"TestCases": {
  "Large": {"Input": {"wait": 25920000, "a": 1}, "Expect": {
    "Output": {"n": 20.0}, "Path": ["Wait", "Work", "Big", "Good"], "Seconds": 25920000,
    "Calls": {"Work": [{"FunctionName": "f", "Payload": {"a": 1, "wait": 25920000}}]}}},
  "Slow": {"Input": {"wait": 1}, "Expect": {"OutputIncludes": {"n": 20}, "Seconds": 61}},
  "Broken": {"Input": {"wait": 1}, "Expect": {"Error": "Bad"}}}}"#;

#[test]
fn a_year_passes_at_once_and_what_no_case_reached_is_told() {
    let folder = Folder::with(&[
        ("m.asl.json", MACHINE),
        ("MockConfigFile.json", MOCKS),
        ("m.test.json", TESTS),
    ]);
    folder.check(
        &["test", "--junit", "report.xml"],
        &expect![[r#"
            exit status: 0
            ----- stdout -----
            m  m.asl.json
              ✓ Large   SUCCEEDED  [N] ms  4 transitions  after 300 d
              ✓ Slow    SUCCEEDED  [N] ms  5 transitions  after 1 min 1 s
              ✓ Broken  FAILED  [N] ms  3 transitions  after 1 s
              not reached by any case:
                state Lost
                Work: Retry[1] of Never
                Work: Catch[0] of A to Bad
                Big: Choices[1] to Good
                Big: Default to Lost

            3 passed, 0 failed; reached 5 of 6 states, 3 of 7 branches
        "#]],
    );
    let report = std::fs::read_to_string(folder.path().join("report.xml")).unwrap();
    assert!(report.contains(r#"<testcase classname="m" name="Broken""#), "{report}");
    folder.check(
        &["test", "m.asl.json", "--filter", "m#Sl"],
        &expect![[r#"
            exit status: 0
            ----- stdout -----
            m  m.asl.json
              ✓ Slow  SUCCEEDED  [N] ms  5 transitions  after 1 min 1 s
              not reached by any case:
                state Lost
                state Bad
                Work: Retry[1] of Never
                Work: Catch[0] of A to Bad
                Work: Catch[1] of B to Bad
                Big: Choices[1] to Good
                Big: Default to Lost

            1 passed, 0 failed; reached 4 of 6 states, 2 of 7 branches
        "#]],
    );
    folder.check(
        &["test", "--filter", "nothing"],
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: no test case has `nothing` in its name
    "#]],
    );
}

#[test]
fn what_differs_is_shown() {
    let tests = r#"{"TestCases": {
      "Large": {"Input": {"wait": 2}, "Expect": {"Output": {"n": 21}, "Path": ["Wait", "Big", "Good"],
        "Reaches": ["Bad"], "Avoids": ["Good"], "Seconds": 1, "Calls": {"Work": []}}},
      "Broken": {"Input": {"wait": 0}, "Expect": {"OutputIncludes": {"n": 1}}},
      "New": {"Input": {"wait": 0}, "Mocks": {"Work": {"Return": {"n": 0}}}, "Expect": {"Status": "TIMED_OUT", "Error": "Gone"}},
      "Unmocked": {"Input": {"wait": 0}}}}"#;
    let folder = Folder::with(&[
        ("m.asl.json", MACHINE),
        ("MockConfigFile.json", MOCKS),
        ("m.test.json", tests),
    ]);
    folder.check(&["test", "--junit", "report.xml"], &expect![[r#"
        exit status: 1
        ----- stdout -----
        m  m.asl.json
          ✗ Large     SUCCEEDED  [N] ms  4 transitions  after 2 s
              the output differs:
                {
              -   "n": 21
              +   "n": 20
                }
              the path differs:
                Wait
              + Work
                Big
                Good
              expected to reach Bad
              expected to avoid Good
              the calls of Work differ:
              - []
              + [
              +   {
              +     "FunctionName": "f",
              +     "Payload": {
              +       "wait": 2
              +     }
              +   }
              + ]
              expected to take 1 s, took 2 s
          ✗ Broken    FAILED  [N] ms  3 transitions
              expected SUCCEEDED, ended FAILED
              error: Bad
              if that is right, say so by "Expect": {"Status": …}
              expected an output, got none
          ✗ New       FAILED  [N] ms  4 transitions
              expected TIMED_OUT, ended FAILED
              error: Lost
              expected the error Gone, got Lost
          ✗ Unmocked  FAILED  [N] ms  2 transitions
              expected SUCCEEDED, ended FAILED
              error: States.Runtime
              cause: An error occurred while executing the state 'Work' (entered at the event id #4). The test case 'Unmocked' has no mock for the state.
              if that is right, say so by "Expect": {"Status": …}
          ✗ Slow      FAILED  [N] ms   1 transition
              expected SUCCEEDED, ended FAILED
              error: States.Runtime
              cause: An error occurred while executing the state 'Wait' (entered at the event id #2). The SecondsPath parameter does not reference an input value: $.wait
              if that is right, say so by "Expect": {"Status": …}
          not reached by any case:
            Work: Retry[0] of Slow
            Work: Retry[1] of Never
            Work: Catch[0] of A to Bad
            Big: Choices[1] to Good

        0 passed, 5 failed; reached 6 of 6 states, 3 of 7 branches
    "#]]);
    let report = std::fs::read_to_string(folder.path().join("report.xml")).unwrap();
    assert!(report.contains("<failure message=\"expected SUCCEEDED, ended FAILED\">"), "{report}");
    assert!(report.contains("tests=\"5\" failures=\"5\""), "{report}");
}

#[test]
fn files_that_are_wrong_are_refused() {
    let check = |tests: &str, expected: &expect_test::Expect| {
        Folder::with(&[("m.asl.json", MACHINE), ("m.test.json", tests)]).check(&["test"], expected);
    };
    check(
        "{",
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: m.test.json:1:2: Unexpected end-of-input: expected close marker for Object (start marker at [Source: (String)"{"; line: 1, column: 1])
    "#]],
    );
    check(
        "{\n  \"TestCases\": {\"C\": {\"Expects\": {}}}}",
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: m.test.json:2:23: a test case has no field 'Expects': Input, StartTime, Mocks, Expect are known
    "#]],
    );
    check(
        r#"{"TestCases": {"C": {"Expect": {"Status": "GOOD"}}}}"#,
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: m.test.json:1:43: 'Status' is one of SUCCEEDED, FAILED, TIMED_OUT, ABORTED
    "#]],
    );
    check(
        r#"{"TestCases": {"C": {"Mocks": {"Elsewhere": {"Return": 1}}}}}"#,
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: the test case C names the state 'Elsewhere', which m.asl.json does not have
    "#]],
    );
    check(
        r#"{"TestCases": {"C": {"Mocks": {"Work": "nothing"}}}}"#,
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: m.test.json:1:40: there is no mocked response 'nothing'
    "#]],
    );
    check(
        r#"{"TestCases": {"C": {"StartTime": "now"}}}"#,
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: m.test.json:1:35: 'StartTime' must be a timestamp such as "2026-01-01T00:00:00Z"
    "#]],
    );
    check(
        r#"{"TestCases": {}}"#,
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: there are no test cases
        hint: write them to MockConfigFile.json beside the definitions, or to NAME.test.json beside NAME.asl.json
    "#]],
    );
    let folder = Folder::with(&[("m.asl.json", "{}"), ("m.test.json", TESTS)]);
    folder.check(&["test"], &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: m.asl.json is not valid
        m.asl.json:1:1: error[SCHEMA_VALIDATION_FAILED]: These fields are required: [States, StartAt]
          |
        1 | {}
          | ^
          = at /
    "#]]);
}

#[test]
fn express_machines_parallel_branches_and_time_of_its_own() {
    let machine = r#"{"QueryLanguage": "JSONata", "StartAt": "P", "States": {"P": {
        "Type": "Parallel", "End": true, "Branches": [
            {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 100, "End": true}}},
            {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage",
                "Arguments": {"QueueUrl": "q", "MessageBody": "b"}, "TimeoutSeconds": 3, "End": true,
                "Output": "{% $states.context.State.EnteredTime %}"}}}]}}}"#;
    let tests = r#"{"TestCases": {"C": {"Mocks": {"T": {"Return": {}}}, "Expect": {
        "Output": [{}, "2026-01-01T00:00:00Z"], "Seconds": 100}},
        "D": {"StartTime": "2024-02-29T12:00:00+01:00", "Mocks": {"T": {"Return": {}}}, "Expect": {
        "Output": [{}, "2024-02-29T11:00:00Z"]}}}}"#;
    let configuration = "[machines.fast]\ntype = \"EXPRESS\"\n";
    let folder = Folder::with(&[
        ("fast.asl.json", machine),
        ("fast.test.json", tests),
        ("stepwell.toml", configuration),
    ]);
    folder.check(
        &["test"],
        &expect![[r#"
            exit status: 0
            ----- stdout -----
            fast  fast.asl.json
              ✓ C  SUCCEEDED  [N] ms  3 transitions  after 1 min 40 s
              ✓ D  SUCCEEDED  [N] ms  3 transitions  after 1 min 40 s

            2 passed, 0 failed; reached 3 of 3 states, 0 of 0 branches
        "#]],
    );
}

#[test]
fn nested_executions_take_their_own_time() {
    let parent = r#"{"StartAt": "S", "States": {"S": {"Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2", "TimeoutSeconds": 2000,
        "Parameters": {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:child#C"},
        "OutputPath": "$.Output", "End": true}}}"#;
    let child = r#"{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1000, "Next": "T"},
        "T": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "End": true}}}"#;
    let mocks = r#"{"StateMachines": {"parent": {"TestCases": {"P": {}}}, "child": {"TestCases": {"C": {"T": "r"}}}},
        "MockedResponses": {"r": {"0": {"Return": 7}}}}"#;
    let tests = r#"{"TestCases": {"P": {"Expect": {"Output": 7, "Seconds": 1000}}}}"#;
    let folder = Folder::with(&[
        ("parent.asl.json", parent),
        ("child.asl.json", child),
        ("parent.test.json", tests),
        ("MockConfigFile.json", mocks),
    ]);
    folder.check(
        &["test", "--calls", "parent.asl.json"],
        &expect![[r#"
        exit status: 0
        ----- stdout -----
        parent  parent.asl.json
          ✓ P  SUCCEEDED  [N] ms  1 transition  after 16 min 40 s

        1 passed, 0 failed; reached 1 of 1 states, 0 of 0 branches
    "#]],
    );
}

#[test]
fn children_of_a_distributed_map_run_the_same_case() {
    let machine = r#"{"StartAt": "Each", "States": {"Each": {"Type": "Map", "MaxConcurrency": 1, "End": true,
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 86400, "Next": "T"},
            "T": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "End": true}}}}}}"#;
    let tests = r#"{"TestCases": {"C": {"Input": [1, 2, 3], "Mocks": {"T": {"0": {"Return": 5}}},
        "Expect": {"Output": [5, 5, 5], "Path": ["Each"], "Seconds": 259200}}}}"#;
    let folder = Folder::with(&[("m.asl.json", machine), ("m.test.json", tests)]);
    folder.check(
        &["test"],
        &expect![[r#"
        exit status: 0
        ----- stdout -----
        m  m.asl.json
          ✓ C  SUCCEEDED  [N] ms  1 transition  after 3 d

        1 passed, 0 failed; reached 3 of 3 states, 0 of 0 branches
    "#]],
    );
}

#[test]
fn the_examples_pass() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let folder = Folder::with(&[]);
    for name in ["saga-rollback", "polling-loop"] {
        let example = examples.join(name);
        let output = folder.command(&["test", example.to_str().unwrap()]).output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{stdout}");
    }
}
