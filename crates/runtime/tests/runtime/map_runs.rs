//! Distributed Maps: children that are executions of their own, through crashes and stops.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::{MapRunCounts, MapRunStatus, MapRunUpdate};
use runtime::{ExecutionQuery, ExecutionsOf, RuntimeError, RuntimeOptions};
use serde_json::{Value, json};
use store::SqliteStore;

use crate::harness::{Call, World, one_call};

/// A Map over the input whose children call a function each.
fn each(execution_type: &str, more: Value) -> Value {
    let mut processor = json!({
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": execution_type},
        "StartAt": "Work",
    });
    processor["States"] = one_call();
    let mut state = json!({"Type": "Map", "ItemProcessor": processor, "Label": "L", "End": true});
    state.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"Each": state})
}

fn parameters(call: &Call) -> Value {
    call.call.dispatch.parameters.value().clone()
}

async fn the_run(world: &World, execution: &str) -> String {
    let runs = world.runtime.list_map_runs(execution).await.unwrap();
    assert_eq!(runs.len(), 1);
    runs[0].settings.arn.to_string()
}

async fn children(world: &World, run: &str) -> Vec<runtime::ExecutionSummary> {
    let of = ExecutionsOf::MapRun(run.to_owned());
    let query = ExecutionQuery { of, status: None, after: None, limit: 1_000 };
    world.runtime.list_executions(query).await.unwrap()
}

async fn counts(world: &World, run: &str) -> MapRunCounts {
    world.runtime.describe_map_run(run).await.unwrap().execution_counts
}

#[tokio::test]
async fn children_run_side_by_side_up_to_the_bound() {
    for execution_type in ["STANDARD", "EXPRESS"] {
        let world = World::new().await;
        let more = json!({"MaxConcurrency": 2});
        let machine = world.machine("m", each(execution_type, more)).await;
        let arn = world.start_one(&machine, json!([1, 2, 3])).await;
        let (first, second) = (world.call().await, world.call().await);
        let run = the_run(&world, &arn).await;
        let expected = MapRunCounts { pending: 1, running: 2, ..MapRunCounts::default() };
        assert_eq!(counts(&world, &run).await, expected);
        assert!(world.try_call().is_none());
        let (first, second) = match parameters(&first) == json!(1) {
            true => (first, second),
            false => (second, first),
        };
        second.succeed(json!("two"));
        let third = world.call().await;
        assert_eq!(parameters(&third), json!(3));
        third.succeed(json!("three"));
        first.succeed(json!("one"));
        assert_eq!(world.output(&arn).await, json!(["one", "two", "three"]));
        assert_eq!(
            world.history(&arn).await[2..],
            [
                "MapStateStarted",
                "MapRunStarted",
                "MapRunSucceeded",
                "MapStateSucceeded",
                "MapStateExited",
                "ExecutionSucceeded"
            ]
        );
        let described = world.runtime.describe_map_run(&run).await.unwrap();
        assert_eq!(described.status, MapRunStatus::Succeeded);
        assert_eq!(&*described.execution_arn, arn);
        let expected = MapRunCounts { succeeded: 3, ..MapRunCounts::default() };
        assert_eq!((described.item_counts, described.execution_counts), (expected, expected));
        let listed = children(&world, &run).await;
        assert_eq!(listed.len(), 3);
        for child in listed {
            let expected = format!("stateMachine:m/{}", "L");
            assert!(child.state_machine_arn.ends_with(&expected), "{}", child.state_machine_arn);
            assert_eq!(child.map_run, Some((run.as_str().into(), 1)));
            let described = world.runtime.describe_execution(&child.execution_arn).await.unwrap();
            assert_eq!(
                described.identity.map_run.as_ref().unwrap().map_run_arn,
                run.as_str().into()
            );
            let machine = world.runtime.state_machine_of_execution(&child.execution_arn).await;
            let definition: Value = serde_json::from_str(&machine.unwrap().definition).unwrap();
            assert_eq!(definition["StartAt"], "Work");
            assert_eq!(
                world.history(&child.execution_arn).await[..2],
                ["ExecutionStarted", "TaskStateEntered"]
            );
        }
        // Lists of the state machine do not show them.
        let of = ExecutionsOf::StateMachine(machine);
        let query = ExecutionQuery { of, status: None, after: None, limit: 10 };
        assert_eq!(world.runtime.list_executions(query).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_run_goes_on_after_a_crash_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let mut world = World::over(store, RuntimeOptions::default()).await;
    let more = json!({"MaxConcurrency": 4, "ToleratedFailureCount": 1});
    let machine = world.machine("m", each("STANDARD", more)).await;
    let items: Vec<u32> = (0..12).collect();
    let arn = world.start_one(&machine, json!(items)).await;
    let mut done: BTreeSet<String> = BTreeSet::new();
    for round in 0.. {
        assert!(round < 50, "it ends");
        let mut calls = Vec::new();
        while calls.len() < 4.min(12 - done.len()) {
            let call = world.call().await;
            assert!(!done.contains(&parameters(&call).to_string()), "no child runs twice");
            calls.push(call);
        }
        let call = calls.pop().unwrap();
        let child = call.call.execution_arn.clone();
        let item = parameters(&call);
        match item == json!(7) {
            true => call.fail("Seven"),
            false => call.succeed(item.clone()),
        }
        // Whether its parent has been told by then is left open.
        if round % 2 == 0 {
            world.runtime.wait_for_end(&child).await.unwrap();
        }
        drop(calls);
        world = world.crash().await;
        let ended = world.runtime.describe_execution(&child).await.unwrap();
        if ended.stop_date.is_some() {
            done.insert(item.to_string());
        } else {
            assert!(round % 2 == 1, "what was durable stays");
        }
        if done.len() == 12 {
            break;
        }
    }
    let expected: Vec<u32> = items.into_iter().filter(|item| *item != 7).collect();
    assert_eq!(world.output(&arn).await, json!(expected));
    let run = the_run(&world, &arn).await;
    let expected = MapRunCounts { succeeded: 11, failed: 1, ..MapRunCounts::default() };
    assert_eq!(counts(&world, &run).await, expected);
    assert_eq!(children(&world, &run).await.len(), 12);
}

#[tokio::test]
async fn the_children_of_a_stopped_execution_are_stopped() {
    let world = World::new().await;
    let more = json!({"MaxConcurrency": 2});
    let machine = world.machine("m", each("STANDARD", more)).await;
    let arn = world.start_one(&machine, json!([1, 2, 3])).await;
    let (mut first, mut second) = (world.call().await, world.call().await);
    let run = the_run(&world, &arn).await;
    world.runtime.stop_execution(&arn, None, None).await.unwrap();
    first.cancelled().await;
    second.cancelled().await;
    for child in children(&world, &run).await {
        world.runtime.wait_for_end(&child.execution_arn).await.unwrap();
    }
    let expected = MapRunCounts { pending: 1, aborted: 2, ..MapRunCounts::default() };
    assert_eq!(counts(&world, &run).await, expected);
    let described = world.runtime.describe_map_run(&run).await.unwrap();
    assert_eq!(described.status, MapRunStatus::Aborted);
    assert_eq!(
        world.history(&arn).await[4..],
        ["MapRunAborted", "MapStateAborted", "ExecutionAborted"]
    );
    let update = MapRunUpdate { max_concurrency: Some(1), ..MapRunUpdate::default() };
    let refused = world.runtime.update_map_run(&run, update).await;
    assert!(matches!(refused, Err(RuntimeError::MapRunCompleted)));
}

#[tokio::test]
async fn children_that_nobody_waits_for_are_stopped_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let world = World::over(Arc::clone(&store) as _, RuntimeOptions::default()).await;
    let machine = world.machine("m", each("STANDARD", json!({}))).await;
    let arn = world.start_one(&machine, json!([1])).await;
    let _call = world.call().await;
    let run = the_run(&world, &arn).await;
    let child = children(&world, &run).await[0].execution_arn.clone();
    // The parent's end is durable; the process ends before it stops the child.
    let World { runtime, clock, options, .. } = world;
    runtime.crash().await;
    let row = store::Store::execution_by_arn(&*store, &arn).unwrap().unwrap();
    let aborted = engine::Event {
        id: row.turns, // replaced below
        previous: 0,
        at: asl::Timestamp(1_700_000_000_000),
        kind: engine::EventKind::ExecutionAborted { error: None, cause: None },
    };
    let history = {
        let journal = store::Store::journal(&*store, row.key).unwrap();
        let events = journal.iter().flat_map(|turn| engine::decode_turn(turn).unwrap());
        events.filter(|event| event.id != 0).count()
    };
    let aborted = engine::Event { id: u32::try_from(history).unwrap() + 1, ..aborted };
    let write = store::Write::Turn(store::TurnWrite {
        key: row.key,
        turns_before: row.turns,
        journal: engine::encode_turn(&[aborted]),
        state: store::RowState {
            status: runtime::status_code(engine::Status::Aborted),
            stop_date: Some(1_700_000_000_000),
            ..store::RowState::default()
        },
        usage: store::DayUsage::default(),
        new: None,
    });
    store::Store::commit(&*store, &[write]).unwrap();
    let world = World::start(store, options, clock).await;
    let ended = world.runtime.wait_for_end(&child).await.unwrap();
    assert_eq!(ended.status, engine::Status::Aborted);
}

#[tokio::test]
async fn bounds_change_while_a_run_goes_on() {
    let world = World::new().await;
    let machine = world.machine("m", each("EXPRESS", json!({"MaxConcurrency": 1}))).await;
    let arn = world.start_one(&machine, json!([1, 2, 3])).await;
    let first = world.call().await;
    let run = the_run(&world, &arn).await;
    let update = MapRunUpdate {
        max_concurrency: Some(2),
        tolerated_failure_percentage: Some(34.0),
        ..MapRunUpdate::default()
    };
    world.runtime.update_map_run(&run, update).await.unwrap();
    let second = world.call().await;
    let described = world.runtime.describe_map_run(&run).await.unwrap();
    assert_eq!(described.settings.max_concurrency, 2);
    first.fail("One");
    let third = world.call().await;
    second.succeed(json!("two"));
    third.succeed(json!("three"));
    assert_eq!(world.output(&arn).await, json!(["two", "three"]));
}

#[tokio::test]
async fn too_many_failures_fail_the_run_and_stop_the_rest() {
    let world = World::new().await;
    let machine = world.machine("m", each("STANDARD", json!({}))).await;
    let arn = world.start_one(&machine, json!([1, 2])).await;
    let (first, mut second) = (world.call().await, world.call().await);
    first.fail("Bad");
    second.cancelled().await;
    let ended = world.runtime.wait_for_end(&arn).await.unwrap();
    assert_eq!(ended.error.as_deref(), Some("States.ExceedToleratedFailureThreshold"));
    assert_eq!(
        ended.cause.as_deref(),
        Some("The specified tolerated failure threshold was exceeded")
    );
    let run = the_run(&world, &arn).await;
    for child in children(&world, &run).await {
        world.runtime.wait_for_end(&child.execution_arn).await.unwrap();
    }
    let expected = MapRunCounts { failed: 1, aborted: 1, ..MapRunCounts::default() };
    assert_eq!(counts(&world, &run).await, expected);
}

#[tokio::test]
async fn many_items_need_no_more_than_their_turn() {
    let world = World::new().await;
    let mut states = each("EXPRESS", json!({"ItemBatcher": {"MaxItemsPerBatch": 10}}));
    states["Each"]["ItemProcessor"]["States"] =
        json!({"Work": {"Type": "Pass", "Result": 1, "End": true}});
    let machine = world.machine("m", states).await;
    let items: Vec<u32> = (0..20_000).collect();
    let arn = world.start_one(&machine, json!(items)).await;
    assert_eq!(world.output(&arn).await, json!(vec![1; 2_000]));
    let run = the_run(&world, &arn).await;
    let described = world.runtime.describe_map_run(&run).await.unwrap();
    assert_eq!(described.item_counts.succeeded, 20_000);
    assert_eq!(described.execution_counts.succeeded, 2_000);
}

#[tokio::test]
async fn a_deleted_state_machine_takes_its_map_runs_along() {
    let world = World::new().await;
    let machine = world.machine("m", each("STANDARD", json!({"MaxConcurrency": 2}))).await;
    let arn = world.start_one(&machine, json!([1, 2, 3])).await;
    let (first, mut second) = (world.call().await, world.call().await);
    let run = the_run(&world, &arn).await;
    world.runtime.delete_state_machine(&machine).await.unwrap();
    first.succeed(json!(1));
    second.cancelled().await;
    let ended = world.runtime.wait_for_end(&arn).await.unwrap();
    assert_eq!(ended.status, engine::Status::Aborted);
    for child in children(&world, &run).await {
        world.runtime.wait_for_end(&child.execution_arn).await.unwrap();
    }
    let expected = MapRunCounts { pending: 1, succeeded: 1, aborted: 1, ..MapRunCounts::default() };
    assert_eq!(counts(&world, &run).await, expected);
}
