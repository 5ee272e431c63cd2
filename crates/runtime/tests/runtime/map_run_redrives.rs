//! Redrives of executions whose distributed Maps failed or were stopped: the same Map Run goes
//! on, with what was not successful, through crashes.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::{MapRunCounts, MapRunStatus, Status};
use runtime::{ChildFilter, ExecutionSummary, MapRunDescription, RuntimeOptions};
use serde_json::{Value, json};
use store::{MemoryStore, SqliteStore};

use crate::harness::{Call, FUNCTION, World};

/// A Map over the input whose children call a function twice each.
fn each(execution_type: &str, more: Value) -> Value {
    let mut state = json!({
        "Type": "Map",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": execution_type},
            "StartAt": "First",
            "States": {
                "First": {"Type": "Task", "Resource": FUNCTION, "Next": "Second"},
                "Second": {"Type": "Task", "Resource": FUNCTION, "End": true},
            },
        },
        "Label": "L",
        "End": true,
    });
    state.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"Each": state})
}

/// What a call is about: the item, and the state.
fn place(call: &Call) -> (Value, String) {
    let dispatch = &call.call.dispatch;
    (dispatch.parameters.value().clone(), dispatch.state_name.to_string())
}

async fn the_run(world: &World, execution: &str) -> MapRunDescription {
    let runs = world.runtime.list_map_runs(execution).await.unwrap();
    assert_eq!(runs.len(), 1, "there is one Map Run, whatever was redriven");
    let run = world.runtime.describe_map_run(&runs[0].settings.arn).await.unwrap();
    assert_eq!(runs[0].redrive_count, run.redrive_count);
    run
}

async fn children(world: &World, execution: &str, filter: ChildFilter) -> Vec<ExecutionSummary> {
    let run = the_run(world, execution).await;
    world.runtime.list_map_run_children(&run.settings.arn, filter, None, 100).await.unwrap()
}

async fn redrive(world: &World, execution: &str) {
    world.runtime.redrive_execution(execution, None).await.unwrap();
}

/// Answers the next calls, each by its place. The places, sorted.
async fn answer(world: &World, count: usize, bad: &[(u32, &str)]) -> Vec<String> {
    let mut places = Vec::new();
    for _ in 0..count {
        let call = world.call().await;
        let (item, state) = place(&call);
        let is_bad = bad.iter().any(|(bad, at)| json!(bad) == item && *at == state);
        places.push(format!("{state} {item}{}", if is_bad { " fails" } else { "" }));
        match is_bad {
            true => call.fail("Bad"),
            false => call.succeed(item),
        }
    }
    places.sort();
    places
}

#[tokio::test]
async fn standard_children_go_on_where_they_failed_and_express_ones_start_anew() {
    for (execution_type, resident_executions_max, crashes) in [
        ("STANDARD", 1_000, false),
        ("STANDARD", 0, false),
        ("STANDARD", 1_000, true),
        ("EXPRESS", 1_000, false),
        ("EXPRESS", 0, false),
        ("EXPRESS", 1_000, true),
    ] {
        let options = RuntimeOptions { resident_executions_max, ..RuntimeOptions::default() };
        let mut world = World::over(Arc::new(MemoryStore::default()), options).await;
        let more = json!({"MaxConcurrency": 1, "ToleratedFailureCount": 1});
        let machine = world.machine("m", each(execution_type, more)).await;
        let arn = world.start_one(&machine, json!([1, 2, 3, 4])).await;
        // The third failure is one too many; the fourth item is never begun.
        let places = answer(&world, 6, &[(2, "Second"), (3, "Second")]).await;
        assert_eq!(places[3..], ["Second 1", "Second 2 fails", "Second 3 fails"]);
        let ended = world.runtime.wait_for_end(&arn).await.unwrap();
        assert_eq!(ended.error.as_deref(), Some("States.ExceedToleratedFailureThreshold"));
        let before = the_run(&world, &arn).await;
        assert_eq!(before.status, MapRunStatus::Failed);
        let expected =
            MapRunCounts { pending: 1, succeeded: 1, failed: 2, ..MapRunCounts::default() };
        assert_eq!(before.execution_counts, expected);
        for child in children(&world, &arn, ChildFilter::default()).await {
            let described = world.runtime.describe_execution(&child.execution_arn).await.unwrap();
            let refusal = described.redrivability.refusal(asl::Timestamp(world.clock_now()));
            assert_eq!(refusal.is_none(), described.status == Status::Failed);
        }

        if crashes {
            world = world.crash().await;
        }
        world.advance(60);
        redrive(&world, &arn).await;
        let first = world.call().await;
        let state = if execution_type == "STANDARD" { "Second" } else { "First" };
        assert_eq!(place(&first), (json!(2), state.to_owned()));
        let run = the_run(&world, &arn).await;
        assert_eq!(run.settings.arn, before.settings.arn);
        assert_eq!((run.status, run.stop_date), (MapRunStatus::Running, None));
        assert_eq!(run.start_date, before.start_date);
        assert_eq!((run.redrive_count, run.redrive_date.unwrap().0), (1, world.clock_now()));
        let expected = MapRunCounts {
            pending: 1,
            running: 1,
            succeeded: 1,
            pending_redrive: 1,
            ..MapRunCounts::default()
        };
        assert_eq!((run.execution_counts, run.item_counts), (expected, expected));
        let waits = ChildFilter { pending_redrive: true, ..ChildFilter::default() };
        let waiting = children(&world, &arn, waits).await;
        assert_eq!(waiting.len(), 1);
        let failed = ChildFilter { status: Some(Status::Failed), ..ChildFilter::default() };
        assert!(children(&world, &arn, failed).await.is_empty());
        let described = world.runtime.describe_execution(&waiting[0].execution_arn).await.unwrap();
        assert!(described.pending_redrive);

        if crashes {
            drop(first);
            world = world.crash().await;
            assert_eq!(place(&world.call().await), (json!(2), state.to_owned()));
            world = world.crash().await;
            answer(&world, 1, &[]).await;
        } else {
            first.succeed(json!(2));
        }
        let rest = answer(&world, if state == "Second" { 3 } else { 5 }, &[]).await;
        assert!(rest.contains(&"Second 3".to_owned()) && rest.contains(&"First 4".to_owned()));
        assert_eq!(world.output(&arn).await, json!([1, 2, 3, 4]));
        assert!(world.try_call().is_none(), "what succeeded is not run again");

        let run = the_run(&world, &arn).await;
        let expected = MapRunCounts { succeeded: 4, ..MapRunCounts::default() };
        assert_eq!((run.execution_counts, run.item_counts), (expected, expected));
        let history = world.history(&arn).await;
        let from = history.iter().position(|event| *event == "ExecutionRedriven").unwrap();
        assert_eq!(
            history[from..],
            [
                "ExecutionRedriven",
                "MapRunRedriven",
                "MapRunSucceeded",
                "MapStateSucceeded",
                "MapStateExited",
                "ExecutionSucceeded"
            ]
        );
        let redriven = ChildFilter { redriven: Some(true), ..ChildFilter::default() };
        let redriven = children(&world, &arn, redriven).await;
        let not = ChildFilter { redriven: Some(false), ..ChildFilter::default() };
        let not = children(&world, &arn, not).await;
        // Redrives of Express children are not told apart.
        let expected = if state == "Second" { (2, 2) } else { (0, 4) };
        assert_eq!((redriven.len(), not.len()), expected);
        for child in redriven {
            assert_eq!(child.redrive_count, 1);
            let history = world.history(&child.execution_arn).await;
            let ends = |name: &str| history.iter().filter(|event| **event == name).count();
            assert_eq!((ends("ExecutionRedriven"), ends("ExecutionFailed")), (1, 1));
            assert_eq!(ends("TaskStateEntered"), 2, "nothing is entered twice");
        }
    }
}

#[tokio::test]
async fn a_redrive_that_fails_is_redriven_again() {
    for execution_type in ["STANDARD", "EXPRESS"] {
        let world = World::new().await;
        let machine = world.machine("m", each(execution_type, json!({}))).await;
        let arn = world.start_one(&machine, json!([1])).await;
        answer(&world, 2, &[(1, "Second")]).await;
        world.runtime.wait_for_end(&arn).await.unwrap();
        for round in 1..4 {
            redrive(&world, &arn).await;
            let calls = if execution_type == "STANDARD" { 1 } else { 2 };
            answer(&world, calls, &[(1, "Second")]).await;
            world.runtime.wait_for_end(&arn).await.unwrap();
            let run = the_run(&world, &arn).await;
            assert_eq!((run.status, run.redrive_count), (MapRunStatus::Failed, round));
            let expected = MapRunCounts { failed: 1, ..MapRunCounts::default() };
            assert_eq!(run.execution_counts, expected);
        }
    }
}

#[tokio::test]
async fn a_stopped_run_goes_on_with_what_was_stopped_even_before_its_children_are() {
    for execution_type in ["STANDARD", "EXPRESS"] {
        let world = World::new().await;
        let more = json!({"MaxConcurrency": 2});
        let machine = world.machine("m", each(execution_type, more)).await;
        let arn = world.start_one(&machine, json!([1, 2, 3])).await;
        let (mut one, mut two) = (world.call().await, world.call().await);
        let stop = world.runtime.stop_execution(&arn, None, None);
        let (stopped, ()) = tokio::join!(stop, async {
            // Often before the children have taken their stop in.
            while world.runtime.redrive_execution(&arn, None).await.is_err() {
                tokio::task::yield_now().await;
            }
        });
        stopped.unwrap();
        one.cancelled().await;
        two.cancelled().await;
        answer(&world, 6, &[]).await;
        assert_eq!(world.output(&arn).await, json!([1, 2, 3]));
        let run = the_run(&world, &arn).await;
        assert_eq!((run.status, run.redrive_count), (MapRunStatus::Succeeded, 1));
        let expected = MapRunCounts { succeeded: 3, ..MapRunCounts::default() };
        assert_eq!(run.execution_counts, expected);
    }
}

/// The redrivable period of a child ends by itself: one that ended long before its parent.
#[tokio::test]
async fn a_child_that_cannot_be_redriven_stays_as_it_ended() {
    let world = World::new().await;
    let more = json!({"MaxConcurrency": 2, "ToleratedFailureCount": 1});
    let machine = world.machine("m", each("STANDARD", more)).await;
    let arn = world.start_one(&machine, json!([1, 2, 3])).await;
    let (mut held, mut first) = (world.call().await, world.call().await);
    if place(&first).0 != json!(1) {
        std::mem::swap(&mut held, &mut first);
    }
    first.fail("Early");
    let third = world.call().await;
    world.advance(13 * 24 * 60 * 60);
    held.fail("Late");
    world.runtime.wait_for_end(&arn).await.unwrap();
    drop(third);
    world.advance(2 * 24 * 60 * 60);

    redrive(&world, &arn).await;
    let places = answer(&world, 4, &[]).await;
    assert_eq!(places, ["First 2", "First 3", "Second 2", "Second 3"]);
    assert_eq!(world.output(&arn).await, json!([2, 3]), "one failure is tolerated");
    let run = the_run(&world, &arn).await;
    let expected = MapRunCounts {
        succeeded: 2,
        failed: 1,
        failures_not_redrivable: 1,
        ..MapRunCounts::default()
    };
    assert_eq!((run.execution_counts, run.item_counts), (expected, expected));
}

#[tokio::test]
async fn a_redriven_run_goes_on_after_a_crash_at_any_moment() {
    for execution_type in ["STANDARD", "EXPRESS"] {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
        let mut world = World::over(store, RuntimeOptions::default()).await;
        let items: Vec<u32> = (0..8).collect();
        let machine = world.machine("m", each(execution_type, json!({"MaxConcurrency": 3}))).await;
        let arn = world.start_one(&machine, json!(items)).await;
        let bad: Vec<(u32, &str)> = vec![(1, "First"), (2, "Second")];
        let mut done: BTreeSet<String> = BTreeSet::new();
        let mut crashes = 0;
        // Every call is a moment to crash at, before or after what it gave is durable.
        loop {
            let described = world.runtime.describe_execution(&arn).await.unwrap();
            if described.status == Status::Succeeded {
                break;
            }
            if described.status != Status::Running {
                let runs = the_run(&world, &arn).await;
                assert!(runs.redrive_count < 3);
                redrive(&world, &arn).await;
                continue;
            }
            let call = tokio::select! {
                call = world.call() => call,
                _ = world.runtime.wait_for_end(&arn) => continue,
            };
            let (item, state) = place(&call);
            let child = call.call.execution_arn.clone();
            let run = the_run(&world, &arn).await;
            let fails = run.redrive_count == 0
                && bad.iter().any(|(bad, at)| json!(bad) == item && *at == state);
            assert!(!done.contains(&format!("{child}")), "what succeeded is not run again");
            match fails {
                true => call.fail("Bad"),
                false => call.succeed(item),
            }
            crashes += 1;
            if crashes % 3 == 0 && crashes < 60 {
                world = world.crash().await;
            }
            if state == "Second"
                && world.runtime.describe_execution(&child).await.unwrap().status
                    == Status::Succeeded
            {
                done.insert(child.to_string());
            }
        }
        assert_eq!(world.output(&arn).await, json!(items));
        let run = the_run(&world, &arn).await;
        assert!(run.redrive_count > 0);
        let expected = MapRunCounts { succeeded: 8, ..MapRunCounts::default() };
        assert_eq!(run.execution_counts, expected);
        assert_eq!(children(&world, &arn, ChildFilter::default()).await.len(), 8);
    }
}
