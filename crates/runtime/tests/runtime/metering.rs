//! What executions use, as AWS bills it, and that it is counted once whatever happens.

use asl::MachineType;
use serde_json::{Value, json};
use store::Usage;

use crate::harness::{FUNCTION, World, one_call, request};

/// The sums of all days.
fn usage(world: &World) -> Usage {
    let mut sum = Usage::default();
    for entry in world.store.usage(i64::MIN, i64::MAX).unwrap() {
        sum += entry.usage;
    }
    sum
}

fn retried() -> Value {
    let retry = json!([{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 2}]);
    let items = json!({"StartAt": "I", "States": {"I": {"Type": "Pass", "End": true}}});
    json!({
        "Work": {"Type": "Task", "Resource": FUNCTION, "TimeoutSeconds": 5, "Retry": retry, "Next": "Each"},
        "Each": {"Type": "Map", "ItemProcessor": items, "End": true},
    })
}

#[tokio::test]
async fn states_entered_and_retries_are_transitions_and_waits_are_none() {
    let world = World::new().await;
    let machine = world.machine("Retried", retried()).await;
    let arn = world.start_one(&machine, json!({})).await;
    let mut first = world.call().await;
    // The first attempt times out: a retry, one second later.
    world.advance(5);
    first.cancelled().await;
    world.advance(1);
    world.call().await.succeed(json!([1, 2, 3]));
    world.output(&arn).await;
    // Work, its retry, Each, and I three times.
    let described = world.runtime.describe_execution(&arn).await.unwrap();
    assert_eq!(described.transitions, 6);
    let expected = Usage { executions: 1, transitions: 6, ..Usage::default() };
    assert_eq!(usage(&world), expected);
    let world = world.crash().await;
    assert_eq!(usage(&world), expected);
    assert_eq!(world.runtime.describe_execution(&arn).await.unwrap().transitions, 6);
}

#[tokio::test]
async fn usage_belongs_to_the_day_of_its_turn() {
    let world = World::new().await;
    let wait = json!({
        "W": {"Type": "Wait", "Seconds": 86_400, "Next": "P"},
        "P": {"Type": "Pass", "End": true},
    });
    let machine = world.machine("Sleep", wait).await;
    let arn = world.start_one(&machine, json!(1)).await;
    for _ in 0..24 {
        world.advance(3_600);
        world.runtime.describe_execution(&arn).await.unwrap();
    }
    world.output(&arn).await;
    let entries = world.store.usage(i64::MIN, i64::MAX).unwrap();
    let found: Vec<_> = entries
        .iter()
        .map(|entry| (entry.day, &*entry.state_machine_arn, entry.usage.transitions))
        .collect();
    let day = 1_700_000_000 / 86_400;
    assert_eq!(found, [(day, &*machine, 1), (day + 1, &*machine, 1)]);
    assert_eq!(world.runtime.usage(day, day + 1).await.unwrap(), entries[..1]);
}

#[tokio::test]
async fn express_executions_are_billed_by_requests_time_and_memory() {
    let world = World::new().await;
    let machine = world.machine_of("Quick", MachineType::Express, one_call()).await;
    world.start_one(&machine, json!({})).await;
    let call = world.call().await;
    assert_eq!(usage(&world), Usage { requests: 1, ..Usage::default() }, "billed at the start");
    world.advance(2);
    call.succeed(json!(1));
    let expected = Usage {
        requests: 1,
        milliseconds: 2_000,
        megabyte_milliseconds: 2_000 * 64,
        ..Usage::default()
    };
    while usage(&world) != expected {
        tokio::task::yield_now().await;
    }

    // A synchronous one is not kept; its sums are written a second later, or at the stop.
    let runtime = std::sync::Arc::clone(&world.runtime);
    let start = request(&machine, json!({"data": "x".repeat(1_000)}));
    let running = tokio::spawn(async move { runtime.start_sync_execution(start).await });
    let call = world.call().await;
    world.clock.advance(std::time::Duration::from_millis(250));
    call.succeed(json!(2));
    let described = running.await.unwrap().unwrap();
    let billing = described.billing.unwrap();
    assert_eq!((billing.milliseconds, billing.megabytes), (300, 64));
    world.runtime.shutdown().await;
    let expected = Usage {
        requests: 2,
        milliseconds: 2_300,
        megabyte_milliseconds: 2_300 * 64,
        ..Usage::default()
    };
    assert_eq!(usage(&world), expected);
}

/// AWS's documented estimate: 50 MB and the data once for each iteration.
#[tokio::test]
async fn iterations_take_memory() {
    let world = World::new().await;
    let pass = json!({"Type": "Pass", "Result": 1, "End": true});
    let items = json!({"StartAt": "I", "States": {"I": pass}});
    let map = json!({"M": {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemSelector": {"data.$": "$.data"},
        "ItemProcessor": items,
        "ResultPath": null,
        "End": true,
    }});
    let machine = world.machine_of("Each", MachineType::Express, map).await;
    let check = async |items: usize, bytes: usize, megabytes: u64| {
        let input = json!({"items": vec![0; items], "data": "x".repeat(bytes)});
        let described = world.runtime.start_sync_execution(request(&machine, input)).await.unwrap();
        assert_eq!(described.status.name(), "SUCCEEDED", "{:?}", described.cause);
        assert_eq!(described.billing.unwrap().megabytes, megabytes);
    };
    check(1, 10, 64).await;
    check(100, 100_000, 64).await;
    check(200, 100_000, 128).await;
}
