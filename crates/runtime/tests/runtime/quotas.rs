//! How much there may be, and what is counted.

use std::sync::Arc;

use engine::limits::Limits;
use runtime::{Quotas, RuntimeError, RuntimeOptions};
use serde_json::json;
use store::{MemoryStore, Store};

use crate::harness::{World, new_machine, one_activity, request};

async fn world(quotas: Quotas) -> World {
    let options = RuntimeOptions { quotas, ..RuntimeOptions::default() };
    World::over(Arc::new(MemoryStore::default()), options).await
}

fn wait() -> serde_json::Value {
    json!({"Wait": {"Type": "Wait", "Seconds": 60, "End": true}})
}

#[tokio::test]
async fn state_machines_and_activities() {
    let quotas = Quotas { state_machines: 2, activities: 1, ..Quotas::default() };
    let world = world(quotas).await;
    let create = |name: &str| {
        world.runtime.create_state_machine(new_machine(name, asl::MachineType::Standard, &wait()))
    };
    create("one").await.unwrap();
    let (two, _) = create("two").await.unwrap();
    let error = create("three").await.unwrap_err();
    assert!(matches!(error, RuntimeError::StateMachineLimitExceeded(_)), "{error}");
    // The same again makes none more, nor does one of another account.
    create("two").await.unwrap();
    let mut foreign = new_machine("three", asl::MachineType::Standard, &wait());
    foreign.arn = foreign.arn.replace("123456789012", "210987654321").into();
    world.runtime.create_state_machine(foreign).await.unwrap();
    world.runtime.delete_state_machine(&two.arn).await.unwrap();
    create("three").await.unwrap();

    world.activity("one").await;
    world.activity("one").await;
    let activity = runtime::Activity {
        arn: "arn:aws:states:us-east-1:123456789012:activity:two".into(),
        name: "two".into(),
        creation_date: asl::Timestamp(0),
        encryption_configuration: None,
    };
    let error = world.runtime.create_activity(activity, Vec::new()).await.unwrap_err();
    assert!(matches!(error, RuntimeError::ActivityLimitExceeded(_)), "{error}");
}

#[tokio::test]
async fn open_executions_are_counted_through_a_crash() {
    let quotas = Quotas { open_executions: 2, ..Quotas::default() };
    let world = world(quotas).await;
    let machine = world.machine("wait", wait()).await;
    let express = world.machine_of("fast", asl::MachineType::Express, wait()).await;
    world.start_named(&machine, "one", json!({})).await.unwrap();
    world.start_named(&machine, "two", json!({})).await.unwrap();
    let full = |error: RuntimeError| {
        assert!(matches!(error, RuntimeError::ExecutionLimitExceeded(_)), "{error}");
    };
    full(world.start_named(&machine, "three", json!({})).await.unwrap_err());
    full(world.runtime.start_execution(request(&machine, json!({}))).await.unwrap_err());
    // The same start again is none, and Express executions do not count.
    world.start_named(&machine, "two", json!({})).await.unwrap();
    world.start_one(&express, json!({})).await;
    assert_eq!(world.runtime.statistics().open_executions, 2);

    let world = world.crash().await;
    assert_eq!(world.runtime.statistics().open_executions, 2);
    full(world.start_named(&machine, "three", json!({})).await.unwrap_err());
    // Found in the store, not in memory.
    world.start_named(&machine, "one", json!({})).await.unwrap();
    let arn = machine.replace(":stateMachine:", ":execution:") + ":one";
    world.runtime.stop_execution(&arn, None, None).await.unwrap();
    assert_eq!(world.runtime.statistics().open_executions, 1);
    world.start_named(&machine, "three", json!({})).await.unwrap();
    full(world.runtime.redrive_execution(&arn, None).await.unwrap_err());
    world.advance(61);
    let three = arn.replace(":one", ":three");
    world.runtime.wait_for_end(&three).await.unwrap();
    world.runtime.wait_for_end(&arn.replace(":one", ":two")).await.unwrap();
    assert_eq!(world.runtime.statistics().open_executions, 0);
    world.runtime.redrive_execution(&arn, None).await.unwrap();
    assert_eq!(world.runtime.statistics().open_executions, 1);
}

#[tokio::test]
async fn workers_that_poll_one_activity() {
    let quotas = Quotas { activity_pollers: 1, ..Quotas::default() };
    let world = world(quotas).await;
    let activity = world.activity("work").await;
    let runtime = Arc::clone(&world.runtime);
    let arn = activity.clone();
    let poll = tokio::spawn(async move { runtime.get_activity_task(&arn, None).await });
    while world.runtime.statistics().activity_polls == 0 {
        tokio::task::yield_now().await;
    }
    let error = world.runtime.get_activity_task(&activity, None).await.unwrap_err();
    assert!(matches!(error, RuntimeError::ActivityWorkerLimitExceeded(_)), "{error}");
    let machine = world.machine("m", one_activity(&activity)).await;
    world.start_one(&machine, json!({})).await;
    poll.await.unwrap().unwrap().unwrap();
}

/// A state that makes its input twice as large, and one before it that waits.
fn doubling() -> serde_json::Value {
    json!({
        "Wait": {"Type": "Wait", "Seconds": 60, "Next": "Twice"},
        "Twice": {"Type": "Pass", "Parameters": {"a.$": "$", "b.$": "$"}, "End": true},
    })
}

fn with_payload(payload_bytes: usize) -> RuntimeOptions {
    let limits = Limits { payload_bytes, ..Limits::default() };
    RuntimeOptions { limits, ..RuntimeOptions::default() }
}

/// How an execution with 200,000 bytes of input ends, whose limits are others from a crash on.
async fn end_of_doubling(before: usize, after: usize) -> (&'static str, Option<String>) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let world = World::over(Arc::clone(&store), with_payload(before)).await;
    let machine = world.machine_of("m", asl::MachineType::Standard, doubling()).await;
    let execution = world.start_one(&machine, json!("x".repeat(200_000))).await;
    let clock = Arc::clone(&world.clock);
    drop(world);
    let world = World::start(store, with_payload(after), clock).await;
    world.advance(61);
    let ended = world.runtime.wait_for_end(&execution).await.unwrap();
    (ended.status.name(), ended.error.map(Into::into))
}

#[tokio::test]
async fn a_raised_payload_counts_for_what_is_decided_from_then_on() {
    let failed = ("FAILED", Some("States.DataLimitExceeded".to_owned()));
    assert_eq!(end_of_doubling(262_144, 262_144).await, failed);
    assert_eq!(end_of_doubling(262_144, 1_000_000).await, ("SUCCEEDED", None));
    assert_eq!(end_of_doubling(1_000_000, 262_144).await, failed);
}

#[tokio::test]
async fn a_raised_history_ends_later() {
    let limits = Limits { history_events: 26_000, ..Limits::default() };
    let options = RuntimeOptions { limits, ..RuntimeOptions::default() };
    let world = World::over(Arc::new(MemoryStore::default()), options).await;
    let states = json!({
        "A": {"Type": "Pass", "Next": "B"},
        "B": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.never", "IsPresent": true, "Next": "C"}],
            "Default": "A",
        },
        "C": {"Type": "Succeed"},
    });
    let machine = world.machine("m", states).await;
    let execution = world.start_one(&machine, json!({})).await;
    let ended = world.runtime.wait_for_end(&execution).await.unwrap();
    let cause = "The execution reached the maximum number of history events (26000).";
    assert_eq!(ended.cause.as_deref(), Some(cause));
    assert_eq!(ended.redrivability.event_count, 26_000);
    assert_eq!(ended.redrivability.history_events_max, 26_000);
}
