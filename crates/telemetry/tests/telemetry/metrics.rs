use std::collections::BTreeSet;

use asl::MachineType;
use expect_test::expect;
use telemetry::TelemetryOptions;

use crate::world::World;

const MACHINE: &str = r#"{"StartAt": "P", "States": {
    "P": {"Type": "Pass", "Next": "T"},
    "T": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f", "Payload.$": "$"},
          "Retry": [{"ErrorEquals": ["Broken"], "IntervalSeconds": 1, "MaxAttempts": 0}], "Next": "F"},
    "F": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "End": true}}}"#;

/// The samples of counters and of counts that are not zero, without what depends on the clock.
fn shown(text: &str) -> String {
    let is_steady = |line: &&str| {
        !line.starts_with('#')
            && !line.ends_with(" 0")
            && !line.contains("_bucket")
            && !line.contains("_sum")
            && line.starts_with("states_")
            && !line.starts_with("states_api_")
    };
    text.lines().filter(is_steady).map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn what_executions_do_is_counted() {
    let world = World::start(TelemetryOptions::default()).await;
    let standard = world.create("m", MachineType::Standard, MACHINE, None).await;
    let express = world.create("e", MachineType::Express, MACHINE, None).await;
    world.run(&standard, "one", r#"{"a": 1}"#).await;
    world.run(&standard, "two", r#""fail""#).await;
    world.run(&express, "three", r#"{"a": 1}"#).await;
    let wait = r#"{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 9, "End": true}}}"#;
    let waits = world.create("w", MachineType::Standard, wait, None).await;
    let execution = world.begin(&waits, "four", "{}").await;
    world.runtime.stop_execution(&execution, None, None).await.unwrap();
    expect![[r#"
        states_open_execution_limit 1000000
        states_executions_started_total{state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:e"} 1
        states_executions_started_total{state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:m"} 2
        states_executions_started_total{state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:w"} 1
        states_executions_succeeded_total{state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:e"} 1
        states_executions_succeeded_total{state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:m"} 1
        states_executions_failed_total{state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:m"} 1
        states_executions_aborted_total{state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:w"} 1
        states_consumed_capacity_total{state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:e"} 3
        states_consumed_capacity_total{state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:m"} 5
        states_consumed_capacity_total{state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:w"} 1
        states_execution_time_seconds_count{state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:e"} 1
        states_execution_time_seconds_count{state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:m"} 2
        states_execution_time_seconds_count{state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:w"} 1
        states_lambda_functions_scheduled_total{lambda_function_arn="arn:aws:lambda:us-east-1:123456789012:function:f"} 2
        states_lambda_functions_started_total{lambda_function_arn="arn:aws:lambda:us-east-1:123456789012:function:f"} 2
        states_lambda_functions_succeeded_total{lambda_function_arn="arn:aws:lambda:us-east-1:123456789012:function:f"} 2
        states_lambda_function_schedule_time_seconds_count{lambda_function_arn="arn:aws:lambda:us-east-1:123456789012:function:f"} 2
        states_lambda_function_run_time_seconds_count{lambda_function_arn="arn:aws:lambda:us-east-1:123456789012:function:f"} 2
        states_lambda_function_time_seconds_count{lambda_function_arn="arn:aws:lambda:us-east-1:123456789012:function:f"} 2
        states_service_integrations_scheduled_total{service_integration_resource_arn="arn:aws:states:::lambda:invoke"} 3
        states_service_integrations_started_total{service_integration_resource_arn="arn:aws:states:::lambda:invoke"} 3
        states_service_integrations_succeeded_total{service_integration_resource_arn="arn:aws:states:::lambda:invoke"} 2
        states_service_integrations_failed_total{service_integration_resource_arn="arn:aws:states:::lambda:invoke"} 1
        states_service_integration_schedule_time_seconds_count{service_integration_resource_arn="arn:aws:states:::lambda:invoke"} 3
        states_service_integration_run_time_seconds_count{service_integration_resource_arn="arn:aws:states:::lambda:invoke"} 3
        states_service_integration_time_seconds_count{service_integration_resource_arn="arn:aws:states:::lambda:invoke"} 3
    "#]].assert_eq(&shown(&world.final_metrics().await));
}

#[tokio::test]
async fn every_metric_is_documented() {
    let world = World::start(TelemetryOptions::default()).await;
    let text = world.final_metrics().await;
    let mut served = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            served.insert(format!("`{name}` {kind}"));
        }
    }
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut documented = BTreeSet::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = line.split('|').map(str::trim);
        let (name, kind) = (cells.nth(1).unwrap(), cells.next().unwrap());
        documented.insert(format!("{name} {kind}"));
    }
    assert_eq!(documented, served);
    assert!(served.len() > 40);
}

#[tokio::test]
async fn a_server_that_took_everything_up_is_ready() {
    let world = World::start(TelemetryOptions::default()).await;
    // Taking up nothing takes a moment, too.
    let mut answer = world.get("/readyz").await;
    while answer.1.contains("recovering") {
        answer = world.get("/readyz").await;
    }
    assert_eq!(answer, (200, r#"{"status":"ok"}"#.to_owned()));
    world.runtime.shutdown().await;
    assert_eq!(world.get("/readyz").await, (503, r#"{"status":"stopping"}"#.to_owned()));
}
