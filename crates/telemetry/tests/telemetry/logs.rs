use asl::MachineType;
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use telemetry::{LogFiles, TelemetryOptions};

use crate::world::World;

const MACHINE: &str = r#"{"StartAt": "P", "States": {
    "P": {"Type": "Pass", "Assign": {"x": 1}, "Next": "T"},
    "T": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
          "Parameters": {"FunctionName": "f", "Payload.$": "$"}, "End": true}}}"#;

fn logging(level: &str, with_data: bool) -> Option<Value> {
    let arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/states/m:*";
    Some(json!({
        "level": level,
        "includeExecutionData": with_data,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}],
    }))
}

/// Runs an execution, and shows the lines of its log.
async fn check(machine_type: MachineType, logging: Option<Value>, input: &str, expected: Expect) {
    let folder = tempfile::tempdir().unwrap();
    let logs = LogFiles::in_folder(folder.path().join("logs"));
    let world = World::start(TelemetryOptions {
        logs: vec![Box::new(logs)],
        ..TelemetryOptions::default()
    })
    .await;
    let machine = world.create("m", machine_type, MACHINE, logging).await;
    let execution = world.run(&machine, "one", input).await;
    world.final_metrics().await;
    let path = folder.path().join("logs/aws_vendedlogs_states_m.log");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut shown = String::new();
    for line in text.lines() {
        let mut record: Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["execution_arn"], execution);
        let moment = record["event_timestamp"].take();
        assert!(moment.as_str().unwrap().parse::<u64>().unwrap() > 1_600_000_000_000);
        record.as_object_mut().unwrap().shift_remove("execution_arn");
        record.as_object_mut().unwrap().shift_remove("event_timestamp");
        shown += &format!("{record}\n");
    }
    expected.assert_eq(&shown);
}

#[tokio::test]
async fn a_standard_execution_with_data() {
    check(MachineType::Standard, logging("ALL", true), r#"{"a": 1}"#, expect![[r#"
        {"id":"1","type":"ExecutionStarted","details":{"input":"{\"a\": 1}","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::123456789012:role/r"},"previous_event_id":"0","redrive_count":"0"}
        {"id":"2","type":"PassStateEntered","details":{"name":"P","input":"{\"a\": 1}","inputDetails":{"truncated":false}},"previous_event_id":"0","redrive_count":"0"}
        {"id":"3","type":"PassStateExited","details":{"name":"P","output":"{\"a\": 1}","outputDetails":{"truncated":false},"assignedVariables":{"x":"1"},"assignedVariablesDetails":{"truncated":false}},"previous_event_id":"2","redrive_count":"0"}
        {"id":"4","type":"TaskStateEntered","details":{"name":"T","input":"{\"a\": 1}","inputDetails":{"truncated":false}},"previous_event_id":"3","redrive_count":"0"}
        {"id":"5","type":"TaskScheduled","details":{"resourceType":"lambda","resource":"invoke","region":"us-east-1","parameters":"{\"FunctionName\":\"f\",\"Payload\":{\"a\":1}}"},"previous_event_id":"4","redrive_count":"0"}
        {"id":"6","type":"TaskStarted","details":{"resourceType":"lambda","resource":"invoke"},"previous_event_id":"5","redrive_count":"0"}
        {"id":"7","type":"TaskSucceeded","details":{"resourceType":"lambda","resource":"invoke","output":"{\"FunctionName\":\"f\",\"Payload\":{\"a\":1}}","outputDetails":{"truncated":false}},"previous_event_id":"6","redrive_count":"0"}
        {"id":"8","type":"TaskStateExited","details":{"name":"T","output":"{\"FunctionName\":\"f\",\"Payload\":{\"a\":1}}","outputDetails":{"truncated":false}},"previous_event_id":"7","redrive_count":"0"}
        {"id":"9","type":"ExecutionSucceeded","details":{"output":"{\"FunctionName\":\"f\",\"Payload\":{\"a\":1}}","outputDetails":{"truncated":false}},"previous_event_id":"8","redrive_count":"0"}
    "#]]).await;
}

#[tokio::test]
async fn an_express_execution_without_data() {
    check(MachineType::Express, logging("ALL", false), r#"{"a": 1}"#, expect![[r#"
        {"id":"1","type":"ExecutionStarted","details":{"roleArn":"arn:aws:iam::123456789012:role/r"},"previous_event_id":"0","redrive_count":"0"}
        {"id":"2","type":"PassStateEntered","details":{"name":"P"},"previous_event_id":"0","redrive_count":"0"}
        {"id":"3","type":"PassStateExited","details":{"name":"P"},"previous_event_id":"2","redrive_count":"0"}
        {"id":"4","type":"TaskStateEntered","details":{"name":"T"},"previous_event_id":"3","redrive_count":"0"}
        {"id":"5","type":"TaskScheduled","details":{"resourceType":"lambda","resource":"invoke","region":"us-east-1"},"previous_event_id":"4","redrive_count":"0"}
        {"id":"6","type":"TaskStarted","details":{"resourceType":"lambda","resource":"invoke"},"previous_event_id":"5","redrive_count":"0"}
        {"id":"7","type":"TaskSucceeded","details":{"resourceType":"lambda","resource":"invoke"},"previous_event_id":"6","redrive_count":"0"}
        {"id":"8","type":"TaskStateExited","details":{"name":"T"},"previous_event_id":"7","redrive_count":"0"}
        {"id":"9","type":"ExecutionSucceeded","details":{},"previous_event_id":"8","redrive_count":"0"}
    "#]]).await;
}

#[tokio::test]
async fn levels() {
    let express = MachineType::Express;
    check(express, logging("ERROR", true), r#""fail""#, expect![[r#"
        {"id":"7","type":"TaskFailed","details":{"resourceType":"lambda","resource":"invoke","error":"Broken"},"previous_event_id":"6","redrive_count":"0"}
        {"id":"8","type":"ExecutionFailed","details":{"error":"Broken"},"previous_event_id":"7","redrive_count":"0"}
    "#]]).await;
    check(express, logging("FATAL", true), r#""fail""#, expect![[r#"
        {"id":"8","type":"ExecutionFailed","details":{"error":"Broken"},"previous_event_id":"7","redrive_count":"0"}
    "#]]).await;
    check(express, logging("FATAL", true), "{}", expect![[""]]).await;
    check(express, logging("OFF", true), r#""fail""#, expect![[""]]).await;
    check(express, None, r#""fail""#, expect![[""]]).await;
}
