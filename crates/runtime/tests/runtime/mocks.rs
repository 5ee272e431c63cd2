//! Executions that run a test case: mocks answer their tasks.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asl::{MachineType, Payload, Timestamp};
use engine::TaskFailure;
use expect_test::{Expect, expect};
use runtime::{
    MockedAttempt, Mocks, Runtime, RuntimeError, RuntimeOptions, SkippingClock, TaskCall,
    TaskRunner,
};
use serde_json::{Value, json};
use store::MemoryStore;

use crate::harness::{FUNCTION, World, new_machine, request};

/// The test case `C` of every machine: states with the answers to their attempts, in order. An
/// object with `Error` is a failure.
#[derive(Debug)]
struct Table {
    answers: BTreeMap<String, Vec<Value>>,
    seen: Mutex<Vec<String>>,
}

impl Mocks for Table {
    fn refresh(&self) {}

    fn check(&self, _state_machine_name: &str, test_case: &str) -> Result<(), String> {
        if test_case == "C" { Ok(()) } else { Err("there is only C".to_owned()) }
    }

    fn answer(&self, attempt: &MockedAttempt<'_>) -> Option<Result<Payload, TaskFailure>> {
        let answers = self.answers.get(attempt.state_name)?;
        let MockedAttempt { state_machine_name, state_name, number, .. } = attempt;
        self.seen.lock().unwrap().push(format!("{state_machine_name} {state_name} {number}"));
        let answer = answers.get(*number as usize).cloned().unwrap_or(json!({"Error": "None"}));
        Some(match answer["Error"].as_str() {
            Some(error) => Err(TaskFailure { error: Some(error.into()), cause: Some("c".into()) }),
            None => Ok(Payload::from_value(answer)),
        })
    }
}

async fn world(answers: Value) -> (World, Arc<Table>) {
    let answers = serde_json::from_value(answers).unwrap();
    let table = Arc::new(Table { answers, seen: Mutex::default() });
    let mocks: Option<Arc<dyn Mocks>> = Some(table.clone());
    let options = RuntimeOptions { mocks, ..RuntimeOptions::default() };
    (World::over(Arc::new(MemoryStore::default()), options).await, table)
}

/// Runs a machine of one Task state with an answer, and shows its history.
async fn check(resource: &str, answer: Value, expected: Expect) {
    let (world, _) = world(json!({"S": [answer]})).await;
    world.activity("a").await;
    let parameters = match resource.trim_start_matches("arn:aws:states:::") {
        "lambda:invoke" => json!({"FunctionName": "f"}),
        "lambda:invoke.waitForTaskToken" => {
            json!({"FunctionName": "f", "Payload": {"t.$": "$$.Task.Token"}})
        }
        "http:invoke" => json!({"ApiEndpoint": "https://a", "Method": "GET",
            "Authentication": {"ConnectionArn": "arn:aws:events:us-east-1:123456789012:connection/c"}}),
        "ecs:runTask.sync" => json!({"TaskDefinition": "t"}),
        _ => json!({}),
    };
    let mut state = json!({"Type": "Task", "Resource": resource, "TimeoutSeconds": 9, "End": true});
    if resource.contains(":::") {
        state["Parameters"] = parameters;
    }
    let machine = world.machine("M", json!({"S": state})).await;
    let arn = world.start_one(&format!("{machine}#C"), json!({})).await;
    let ended = world.runtime.wait_for_end(&arn).await.unwrap();
    assert!(world.try_call().is_none(), "nothing is called");
    let output = ended.output.as_ref().map_or("", Payload::text);
    let error = ended.error.as_deref().unwrap_or_default();
    let history = world.history(&arn).await.join(" ");
    expected.assert_eq(&format!("{} {output}{error}: {history}", ended.status.name()));
}

#[tokio::test]
async fn every_kind_of_task_is_answered() {
    let service = "arn:aws:states:::lambda:invoke";
    check(FUNCTION, json!(1), expect!["SUCCEEDED 1: ExecutionStarted TaskStateEntered LambdaFunctionScheduled LambdaFunctionStarted LambdaFunctionSucceeded TaskStateExited ExecutionSucceeded"]).await;
    check(service, json!({"Payload": 2}), expect![[r#"SUCCEEDED {"Payload":2}: ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSucceeded TaskStateExited ExecutionSucceeded"#]]).await;
    check(service, json!({"Error": "E"}), expect!["FAILED E: ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskFailed ExecutionFailed"]).await;
    check(&format!("{service}.waitForTaskToken"), json!(3), expect!["SUCCEEDED 3: ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSubmitted TaskSucceeded TaskStateExited ExecutionSucceeded"]).await;
    check(&format!("{service}.waitForTaskToken"), json!({"Error": "E"}), expect!["FAILED E: ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSubmitFailed ExecutionFailed"]).await;
    check("arn:aws:states:us-east-1:123456789012:activity:a", json!(4), expect!["SUCCEEDED 4: ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted ActivitySucceeded TaskStateExited ExecutionSucceeded"]).await;
    check("arn:aws:states:us-east-1:123456789012:activity:a", json!({"Error": "E"}), expect!["FAILED E: ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted ActivityFailed ExecutionFailed"]).await;
    check("arn:aws:states:::http:invoke", json!(5), expect!["SUCCEEDED 5: ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSucceeded TaskStateExited ExecutionSucceeded"]).await;
    check("arn:aws:states:::aws-sdk:s3:listBuckets", json!(6), expect!["SUCCEEDED 6: ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSucceeded TaskStateExited ExecutionSucceeded"]).await;
    check("arn:aws:states:::ecs:runTask.sync", json!(7), expect!["SUCCEEDED 7: ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSubmitted TaskSucceeded TaskStateExited ExecutionSucceeded"]).await;
}

#[tokio::test]
async fn attempts_of_a_state_count_on_through_retries_iterations_and_restarts() {
    let (world, table) = world(json!({"S": [{"Error": "E"}, 1, {"Error": "E"}, 3, 4]})).await;
    let task = json!({"Type": "Task", "Resource": FUNCTION, "End": true,
        "Retry": [{"ErrorEquals": ["E"], "IntervalSeconds": 100}]});
    let processor = json!({"StartAt": "S", "States": {"S": task}});
    let map = json!({"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": processor, "End": true});
    let machine = world.machine("M", json!({"Each": map})).await;
    let arn = world.start_one(&format!("{machine}#C"), json!([0, 0, 0])).await;
    let world = world.crash().await;
    while table.seen.lock().unwrap().last().is_none_or(|last| last != "M S 2") {
        world.advance(100);
        world.runtime.describe_execution(&arn).await.unwrap();
    }
    let world = world.crash().await;
    while world.runtime.describe_execution(&arn).await.unwrap().stop_date.is_none() {
        world.advance(100);
    }
    assert_eq!(world.output(&arn).await, json!([1, 3, 4]));
    let seen: Vec<String> = (0..5).map(|number| format!("M S {number}")).collect();
    let mut given = table.seen.lock().unwrap().clone();
    // What was asked for right before a crash is asked for again.
    given.dedup();
    assert_eq!(given, seen);
    // The plain ARN is what AWS's API shows, and the test case is not forgotten.
    let shown = world.runtime.describe_execution(&arn).await.unwrap();
    assert_eq!(&*shown.identity.state_machine_arn, machine);
    assert_eq!(shown.identity.test_case.as_deref(), Some("C"));
}

#[tokio::test]
async fn what_is_not_mocked_does_its_work() {
    let (world, _) = world(json!({"Other": [1]})).await;
    let states = json!({
        "Other": {"Type": "Task", "Resource": FUNCTION, "Next": "Real"},
        "Real": {"Type": "Task", "Resource": FUNCTION, "End": true}});
    let machine = world.machine("M", states).await;
    let arn = world.start_one(&format!("{machine}#C"), json!({})).await;
    let call = world.call().await;
    assert_eq!(&*call.call.dispatch.state_name, "Real");
    assert_eq!(call.call.dispatch.parameters.text(), "1");
    call.succeed(json!(2));
    assert_eq!(world.output(&arn).await, json!(2));
    // Without a test case everything is real.
    let arn = world.start_one(&machine, json!({})).await;
    for _ in 0..2 {
        world.call().await.succeed(json!(3));
    }
    assert_eq!(world.output(&arn).await, json!(3));
}

#[tokio::test]
async fn test_cases_that_are_not_there_are_refused() {
    let (world, _) = world(json!({"S": [1]})).await;
    let states = json!({"S": {"Type": "Task", "Resource": FUNCTION, "End": true}});
    let machine = world.machine("M", states.clone()).await;
    let start = |arn: String| world.runtime.start_execution(request(&arn, json!({})));
    let refused = start(format!("{machine}#D")).await.unwrap_err();
    assert_eq!(refused.to_string(), "test case 'D' does not exist: there is only C");
    let refused = start(format!("{machine}x#C")).await.unwrap_err();
    assert!(matches!(refused, RuntimeError::StateMachineDoesNotExist(_)), "{refused}");
    // Express executions, too, kept or not.
    let express = world.machine_of("E", MachineType::Express, states).await;
    let ended = world.runtime.start_sync_execution(request(&format!("{express}#C"), json!({})));
    assert_eq!(ended.await.unwrap().output.unwrap().text(), "1");
    // Where there are no mocks the ARN names nothing.
    let plain = World::new().await;
    let machine = plain.machine("M", json!({"S": {"Type": "Succeed"}})).await;
    let arn = format!("{machine}#C");
    let refused = plain.runtime.start_execution(request(&arn, json!({}))).await.unwrap_err();
    assert!(matches!(refused, RuntimeError::StateMachineDoesNotExist(named) if named == arn));
}

#[tokio::test]
async fn a_clock_that_skips_waits_takes_no_time() {
    let clock = Arc::new(SkippingClock::new(Timestamp(1_700_000_000_000)));
    let answers = json!({"S": [{"Error": "E"}, 7]});
    let answers = serde_json::from_value(answers).unwrap();
    let table = Arc::new(Table { answers, seen: Mutex::default() });
    let wake_window = Duration::from_secs(400 * 86_400);
    let options = RuntimeOptions { mocks: Some(table), wake_window, ..RuntimeOptions::default() };
    let store = Arc::new(MemoryStore::default());
    let runtime = Runtime::start_with_clock(store, Arc::new(Never), options, clock.clone());
    let runtime = runtime.await.unwrap();
    // While one branch sleeps for a year, the task of the other has 9 seconds and gets its mock.
    let task = json!({"Type": "Task", "Resource": FUNCTION, "TimeoutSeconds": 9, "End": true,
        "Retry": [{"ErrorEquals": ["E"], "IntervalSeconds": 86_400}]});
    let sleep = json!({"Type": "Wait", "Seconds": 31_000_000, "End": true});
    let both = json!({"Type": "Parallel", "End": true, "Branches": [
        {"StartAt": "W", "States": {"W": sleep}}, {"StartAt": "S", "States": {"S": task}}]});
    let machine = new_machine("M", MachineType::Standard, &json!({"P": both}));
    let arn = runtime.create_state_machine(machine).await.unwrap().0.arn;
    for _ in 0..20 {
        let started = runtime.start_execution(request(&format!("{arn}#C"), json!(1)));
        let started = started.await.unwrap();
        clock.start();
        let ended = runtime.wait_for_end(&started.execution_arn).await.unwrap();
        clock.stop();
        assert_eq!(ended.output.unwrap().text(), "[1,7]");
        assert_eq!(ended.stop_date.unwrap().0 - ended.start_date.0, 31_000_000_000);
    }
    runtime.shutdown().await;
}

/// Does no work.
struct Never;

impl TaskRunner for Never {
    fn run(
        &self,
        _call: TaskCall,
    ) -> Pin<Box<dyn Future<Output = Result<Payload, TaskFailure>> + Send>> {
        Box::pin(std::future::pending())
    }
}
