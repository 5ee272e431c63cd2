//! Executions that were over long ago leave the store, and their names are free.

use std::sync::Arc;
use std::time::Duration;

use asl::MachineType;
use runtime::{Retention, RuntimeError, RuntimeOptions};
use serde_json::json;
use store::{MemoryStore, SqliteStore, Store};

use crate::harness::{World, one_call};

const DAY: u64 = 24 * 60 * 60;

fn options(standard: u64, express: u64) -> RuntimeOptions {
    let days = |days: u64| (days > 0).then(|| Duration::from_secs(days * DAY));
    let retention = Retention { standard: days(standard), express: days(express) };
    RuntimeOptions { retention, ..RuntimeOptions::default() }
}

/// Lets hours pass, one by one, and what is due in them happen.
async fn pass(world: &World, hours: u64, machine: &str) {
    for _ in 0..hours {
        world.advance(3_600);
        // Each question is taken in after what was due before.
        for _ in 0..20 {
            let _ = world.runtime.state_machine(machine);
            tokio::task::yield_now().await;
            tokio::task::spawn_blocking(|| ()).await.unwrap();
        }
    }
}

/// Waits until an execution is gone.
async fn gone(world: &World, arn: &str) {
    let wait = async {
        while world.store.execution_by_arn(arn).unwrap().is_some() {
            world.advance(1);
            tokio::task::spawn_blocking(|| ()).await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("it is purged");
}

#[tokio::test]
async fn what_ended_long_ago_is_gone_and_its_name_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let stores: [Arc<dyn Store>; 2] =
        [Arc::new(MemoryStore::default()), Arc::new(SqliteStore::open(folder.path()).unwrap())];
    for store in stores {
        let world = World::over(store, options(90, 0)).await;
        let pass_state = json!({"P": {"Type": "Pass", "End": true}});
        let machine = world.machine("Quick", pass_state.clone()).await;
        let express = world.machine_of("Express", MachineType::Express, pass_state).await;
        let working = world.machine("Work", one_call()).await;
        let old = world.start_named(&machine, "old", json!(1)).await.unwrap().execution_arn;
        world.output(&old).await;
        let kept = world.start_one(&express, json!(1)).await;
        let open = world.start_one(&working, json!(1)).await;
        world.call().await;
        world.advance(DAY);
        let young = world.start_named(&machine, "young", json!(1)).await.unwrap().execution_arn;
        world.output(&young).await;
        let again = world.start_named(&machine, "old", json!(1)).await;
        assert!(matches!(again, Err(RuntimeError::ExecutionAlreadyExists(_))), "{again:?}");

        world.advance(89 * DAY - 1);
        pass(&world, 1, &machine).await;
        gone(&world, &old).await;
        let answer = world.runtime.describe_execution(&old).await;
        assert!(matches!(answer, Err(RuntimeError::ExecutionDoesNotExist(_))), "{answer:?}");
        for arn in [&*young, &*open, &*kept] {
            assert!(world.store.execution_by_arn(arn).unwrap().is_some(), "{arn}");
        }
        // What was counted stays.
        let usage = world.runtime.usage(i64::MIN, i64::MAX).await.unwrap();
        assert_eq!(usage.iter().map(|entry| entry.usage.executions).sum::<u64>(), 3);
        world.start_named(&machine, "old", json!(2)).await.unwrap();
        assert_eq!(world.output(&old).await, json!(2));
    }
}

#[tokio::test]
async fn many_leave_in_small_commits_and_keys_are_not_given_out_again() {
    let world = World::over(Arc::new(MemoryStore::default()), options(1, 1)).await;
    let machine = world.machine("Quick", json!({"P": {"Type": "Pass", "End": true}})).await;
    let mut arns = Vec::new();
    for _ in 0..600 {
        arns.push(world.start_one(&machine, json!(1)).await);
    }
    let last = arns.pop().unwrap();
    world.output(&last).await;
    let highest = world.store.highest_key().unwrap();
    world.advance(DAY + 61);
    for arn in &arns {
        gone(&world, arn).await;
    }
    // The last one holds its key.
    assert!(world.store.execution_by_arn(&last).unwrap().is_some());
    let world = world.crash().await;
    let next = world.start_one(&machine, json!(1)).await;
    world.output(&next).await;
    assert!(world.store.highest_key().unwrap() > highest);
    gone(&world, &last).await;
}

#[tokio::test]
async fn nothing_leaves_where_nobody_says_so() {
    let world = World::new().await;
    let machine = world.machine("Quick", json!({"P": {"Type": "Pass", "End": true}})).await;
    let arn = world.start_one(&machine, json!(1)).await;
    world.output(&arn).await;
    world.start_one(&machine, json!(1)).await;
    world.advance(1_000 * DAY);
    pass(&world, 2, &machine).await;
    assert_eq!(world.output(&arn).await, json!(1));
}
