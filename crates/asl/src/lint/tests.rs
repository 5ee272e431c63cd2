use std::fmt::Write as _;
use std::path::Path;

use expect_test::{Expect, expect, expect_file};

use super::{LINTS, lint};
use crate::{MachineType, Severity, compile};

/// The advice about a machine of these states, a line each: place, code, text, location.
fn advice(states: &str, machine_type: MachineType) -> String {
    let definition = format!("{{\"StartAt\": \"A\", \"States\": {{\n{states}\n}}}}");
    let errors = compile(&definition, machine_type).diagnostics;
    let errors: Vec<_> = errors.iter().filter(|found| found.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let mut shown = String::new();
    for found in lint(&definition, machine_type) {
        assert_eq!(found.severity, Severity::Warning);
        assert!(LINTS.iter().any(|lint| lint.code == found.code));
        let (start, end) = found.span.expect("advice points somewhere");
        let width = end.column.saturating_sub(start.column);
        let _ = writeln!(shown, "{}:{}+{width} {found}", start.line, start.column);
    }
    shown
}

fn check(states: &str, expected: Expect) {
    expected.assert_eq(&advice(states, MachineType::Standard));
}

#[test]
fn tasks_that_wait_for_ever() {
    check(
        r#"
"A": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Parameters": {"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"}, "Next": "B"},
"B": {"Type": "Task", "Resource": "arn:aws:states:us-east-1:123456789012:activity:a", "Next": "C"},
"C": {"Type": "Task", "Resource": "arn:aws:states:us-east-1:123456789012:activity:a", "HeartbeatSeconds": 5, "Next": "D"},
"D": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "HeartbeatSecondsPath": "$.beat", "Next": "E"},
"E": {"Type": "Task", "Resource": "arn:aws:states:us-east-1:123456789012:activity:a", "TimeoutSecondsPath": "$.t", "Next": "F"},
"F": {"Type": "Wait", "Seconds": 0, "End": true}"#,
        expect![[r#"
            3:35+51 LINT_TASK_WITHOUT_TIMEOUT: Without TimeoutSeconds or HeartbeatSeconds this task waits for its token as long as the execution may take: a year. at /States/A/Resource
            4:35+50 LINT_TASK_WITHOUT_TIMEOUT: Without TimeoutSeconds or HeartbeatSeconds this task waits for a worker as long as the execution may take: a year. at /States/B/Resource
            5:107+1 LINT_HEARTBEAT_WITHOUT_TIMEOUT: Without TimeoutSeconds this task goes on for as long as heartbeats come. at /States/C/HeartbeatSeconds
            6:111+8 LINT_HEARTBEAT_NEVER_AWAITED: Heartbeats come from activities and task tokens only: here HeartbeatSeconds has no effect. at /States/D/HeartbeatSecondsPath
            8:34+1 LINT_WAIT_ZERO: This state waits for 0 seconds. at /States/F/Seconds
        "#]],
    );
}

#[test]
fn retriers_and_catchers_that_never_match() {
    check(
        r#"
"A": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f",
  "Retry": [
    {"ErrorEquals": ["States.TaskFailed"]},
    {"ErrorEquals": ["Mine", "States.HeartbeatTimeout"]},
    {"ErrorEquals": ["Mine", "States.Timeout"]},
    {"ErrorEquals": ["States.DataLimitExceeded", "States.Runtime"]},
    {"ErrorEquals": ["States.ALL"], "MaxAttempts": 99999999, "MaxDelaySeconds": 60}
  ],
  "Catch": [
    {"ErrorEquals": ["States.IntrinsicFailure"], "Next": "B"},
    {"ErrorEquals": ["States.Timeout"], "Next": "B"},
    {"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "B"},
    {"ErrorEquals": ["States.ALL"], "Next": "B"}
  ], "Next": "B"},
"B": {"Type": "Parallel", "Branches": [{"StartAt": "C", "States": {
    "C": {"Type": "Fail", "Error": "Mine"}}}],
  "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "D"}, {"ErrorEquals": ["Mine"], "Next": "D"}],
  "End": true},
"D": {"Type": "Succeed"}"#,
        expect![[r#"
            6:5+52 LINT_RETRIER_NEVER_MATCHES: This never matches: Mine is retried further up as States.TaskFailed; States.HeartbeatTimeout is retried further up as States.TaskFailed. at /States/A/Retry[1]
            8:5+63 LINT_RETRIER_NEVER_MATCHES: This never matches: States.DataLimitExceeded is never tried again; nothing takes States.Runtime. at /States/A/Retry[3]
            9:5+79 LINT_FALLBACK_NEVER_REACHED: These retries take longer than an execution may: what they were tried for is never caught. at /States/A/Retry[4]
            12:5+57 LINT_CATCHER_NEVER_MATCHES: This never matches: a failure of this kind is States.Runtime, not States.IntrinsicFailure. at /States/A/Catch[0]
            14:5+57 LINT_CATCHER_NEVER_MATCHES: This never matches: States.HeartbeatTimeout is caught further up as States.Timeout. at /States/A/Catch[2]
        "#]],
    );
}

#[test]
fn rules_that_nothing_reaches() {
    check(
        r#"
"A": {"Type": "Choice", "Choices": [
    {"Variable": "$.a", "IsPresent": true, "Next": "B"},
    {"Next": "C", "IsPresent": true, "Variable": "$.a"},
    {"Variable": "$.a", "StringEquals": "x", "Next": "C"}]},
"B": {"Type": "Choice", "Choices": [
    {"Variable": "$.a", "IsPresent": true, "Next": "C"},
    {"Variable": "$.a", "IsPresent": false, "Next": "C"}]},
"C": {"Type": "Choice", "QueryLanguage": "JSONata", "Choices": [
    {"Condition": false, "Next": "D"},
    {"Condition": "{% $states.input.a %}", "Next": "D"},
    {"Condition": "{% true %}", "Next": "D"},
    {"Condition": "{% $states.input.b %}", "Next": "D"}]},
"D": {"Type": "Succeed"}"#,
        expect![[r#"
            3:1+3 LINT_CHOICE_WITHOUT_DEFAULT: Where no rule matches the execution fails, which nothing catches: a Default says what happens then. at /States/A
            5:5+51 LINT_NEVER_MATCHES: This is the test of Choices[0] again. at /States/A/Choices[1]
            11:5+33 LINT_NEVER_MATCHES: The condition of this rule is false. at /States/C/Choices[0]
            13:5+40 LINT_ALWAYS_MATCHES: This rule always matches: nothing behind it is reached. at /States/C/Choices[2]
        "#]],
    );
}

#[test]
fn loops_without_a_way_out() {
    check(
        r#"
"A": {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsPresent": true, "Next": "B"}], "Default": "E"},
"B": {"Type": "Wait", "Seconds": 1, "Next": "C"},
"C": {"Type": "Pass", "Next": "B"},
"E": {"Type": "Map", "MaxConcurrency": 41, "ItemProcessor": {"StartAt": "X", "States": {
    "X": {"Type": "Pass", "Next": "Y"}, "Y": {"Type": "Pass", "Next": "X"}}}, "End": true}"#,
        expect![[r#"
            4:1+3 LINT_NO_WAY_OUT: From "B" on no state is reached that ends: this goes round for ever. at /States/B
            6:40+2 LINT_CONCURRENCY_ABOVE_LIMIT: An inline Map runs at most 40 iterations at once; more need the mode DISTRIBUTED. at /States/E/MaxConcurrency
            7:5+3 LINT_NO_WAY_OUT: From "X" on no state is reached that ends: this goes round for ever. at /States/E/ItemProcessor/States/X
        "#]],
    );
}

#[test]
fn data_that_is_lost_or_too_large() {
    let large = "x".repeat(262_143);
    let states = format!(
        r#"
"A": {{"Type": "Pass", "Assign": {{"used": 1, "unused.$": "$.a"}}, "Comment": "one", "Comment": "two", "Next": "B"}},
"B": {{"Type": "Pass", "Parameters": {{"a.$": "$used"}}, "ResultPath": "$.b", "OutputPath": null, "Next": "C"}},
"C": {{"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "ResultSelector": {{"a.$": "$.b"}}, "ResultPath": null,
  "Catch": [{{"ErrorEquals": ["States.ALL"], "Assign": {{"caught": 1}}, "Next": "D"}}], "Next": "D"}},
"D": {{"Type": "Pass", "Result": "{large}", "End": true}}"#
    );
    check(
        &states,
        expect![[r#"
        3:45+10 LINT_VARIABLE_NEVER_READ: No state reads the variable $unused. at /States/A/Assign/unused.$
        3:65+9 LINT_KEY_TWICE: The key 'Comment' comes again further down, and only the last one counts. at /States/A/Comment
        4:90+4 LINT_RESULT_DISCARDED: The output is {} whatever the result is: OutputPath is null. at /States/B/OutputPath
        5:135+4 LINT_RESULT_DISCARDED: ResultSelector has no effect where ResultPath is null. at /States/C/ResultPath
        6:56+8 LINT_VARIABLE_NEVER_READ: No state reads the variable $caught. at /States/C/Catch[0]/Assign/caught
        7:33+262145 LINT_PAYLOAD_TOO_LARGE: Result has 262145 bytes without what is filled in, and a payload may have 262144. at /States/D/Result
    "#]],
    );
}

#[test]
fn states_too_long_for_express() {
    let shown = advice(
        r#"
"A": {"Type": "Wait", "Seconds": 300, "Next": "B"},
"B": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "TimeoutSeconds": 299,
  "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 100, "BackoffRate": 3.0}],
  "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "C"}], "Next": "C"},
"C": {"Type": "Succeed"}"#,
        MachineType::Express,
    );
    expect![[r#"
        3:34+3 LINT_TOO_LONG_FOR_EXPRESS: An Express execution is timed out after 300 seconds, before these 300 seconds are over. at /States/A/Seconds
        5:13+75 LINT_FALLBACK_NEVER_REACHED: These retries take longer than an execution may: what they were tried for is never caught. at /States/B/Retry[0]
    "#]].assert_eq(&shown);
}

#[test]
fn advice_is_about_valid_definitions_only() {
    assert!(lint("{", MachineType::Standard).is_empty());
    let invalid = r#"{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":0,"Next":"B"}}}"#;
    assert!(lint(invalid, MachineType::Standard).is_empty());
}

#[test]
fn every_lint_is_on_its_page() {
    let page = std::fs::read_to_string("../../docs/lints.md").expect("the page is there");
    let headings: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    let codes: Vec<&str> = LINTS.iter().map(|lint| lint.code).collect();
    assert_eq!(headings, codes);
    for lint in LINTS {
        assert!(page.contains(lint.summary), "{}", lint.code);
    }
}

/// What is said of definitions that others published: each was looked at, and is true.
#[test]
fn advice_about_published_definitions() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/corpus");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut shown = String::from("# What `stepwell validate --lint` says of these definitions.\n");
    let mut count = 0;
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "json")) {
        count += 1;
        let advice = lint(&std::fs::read_to_string(file).unwrap(), MachineType::Standard);
        if !advice.is_empty() {
            let name = file.file_name().unwrap().to_string_lossy();
            let _ = writeln!(shown, "{}", name.trim_end_matches(".asl.json"));
        }
        for found in advice {
            let _ = writeln!(shown, "    {found}");
        }
    }
    assert!(count > 50, "{count}");
    expect_file![folder.join("lints.txt")].assert_eq(&shown);
}
