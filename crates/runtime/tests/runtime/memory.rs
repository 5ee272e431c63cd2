//! Memory: what executions with large payloads keep of it.

use std::sync::Arc;

use runtime::RuntimeOptions;
use serde_json::{Value, json};
use store::MemoryStore;

use crate::harness::{FUNCTION, World};

/// Megabytes when parsed.
fn large_input() -> Value {
    json!((0..80_000).collect::<Vec<u32>>().iter().map(|number| number % 10).collect::<Vec<_>>())
}

/// Looks into its input, and calls a function.
fn looks_inside(next: &str) -> Value {
    json!({
        "Look": {"Type": "Choice", "Default": "Work",
            "Choices": [{"Variable": "$[0]", "IsPresent": true, "Next": next}]},
        "Work": {"Type": "Task", "Resource": FUNCTION, "ResultPath": null, "Next": "Done"},
        "Done": {"Type": "Pass", "End": true},
    })
}

#[tokio::test]
async fn executions_that_wait_are_bounded_by_what_they_take_when_parsed() {
    let world = World::over(Arc::new(MemoryStore::default()), RuntimeOptions::default()).await;
    let machine = world.machine("m", looks_inside("Work")).await;
    let mut arns = Vec::new();
    for _ in 0..40 {
        arns.push(world.start_one(&machine, large_input()).await);
    }
    let mut calls = Vec::new();
    for _ in 0..40 {
        calls.push(world.call().await);
    }
    for arn in &arns {
        world.runtime.describe_execution(arn).await.unwrap();
    }
    // 64 MiB are fewer than half of them.
    let held = world.runtime.statistics().resident_executions;
    assert!((1..20).contains(&held), "{held} are in memory");
    for call in calls {
        call.succeed(json!(1));
    }
    for arn in &arns {
        assert_eq!(world.output(arn).await, large_input());
    }
}

#[tokio::test]
async fn executions_that_are_over_keep_texts_only() {
    let world = World::over(Arc::new(MemoryStore::default()), RuntimeOptions::default()).await;
    let machine = world.machine("m", looks_inside("Done")).await;
    let mut arns = Vec::new();
    for _ in 0..40 {
        arns.push(world.start_one(&machine, large_input()).await);
    }
    for arn in &arns {
        world.runtime.wait_for_end(arn).await.unwrap();
    }
    // 160 KB each instead of megabytes: all stay.
    assert_eq!(world.runtime.statistics().resident_executions, 40);
    for arn in &arns {
        let described = world.runtime.describe_execution(arn).await.unwrap();
        assert_eq!(described.output.unwrap().value(), &large_input());
    }
}
