//! RedriveExecution: from memory and from the store, across restarts, and beside other requests.

use std::sync::Arc;

use engine::NotRedrivable;
use runtime::{RuntimeError, RuntimeOptions};
use serde_json::{Value, json};
use store::{MemoryStore, Write};

use crate::harness::{FUNCTION, World, one_call};

/// A machine whose first state succeeds and whose second fails where its input says so.
fn two_steps() -> Value {
    json!({
        "First": {"Type": "Task", "Resource": FUNCTION, "ResultPath": "$.first", "Next": "Second"},
        "Second": {"Type": "Task", "Resource": FUNCTION, "End": true},
    })
}

async fn redrive(world: &World, arn: &str, token: &str) -> Result<i64, RuntimeError> {
    let token = (!token.is_empty()).then(|| token.to_owned());
    world.runtime.redrive_execution(arn, token).await.map(|moment| moment.0)
}

#[track_caller]
fn check_refused(answer: Result<i64, RuntimeError>, expected: NotRedrivable) {
    match answer {
        Err(RuntimeError::ExecutionNotRedrivable { reason, .. }) => assert_eq!(reason, expected),
        other => panic!("it was not refused: {other:?}"),
    }
}

/// An execution that was stopped in its second state.
async fn stopped(world: &World, machine: &str) -> String {
    let arn = world.start_one(machine, json!({})).await;
    world.call().await.succeed(json!("once"));
    world.call().await;
    world.runtime.stop_execution(&arn, None, None).await.unwrap();
    arn
}

#[tokio::test]
async fn a_redrive_goes_on_from_memory_and_from_the_store() {
    for (resident_executions_max, crashes) in [(1_000, false), (0, false), (1_000, true)] {
        let options = RuntimeOptions { resident_executions_max, ..RuntimeOptions::default() };
        let mut world = World::over(Arc::new(MemoryStore::default()), options).await;
        let machine = world.machine("Steps", two_steps()).await;
        let arn = stopped(&world, &machine).await;
        if crashes {
            world = world.crash().await;
        }
        world.advance(60);
        let before = world.clock_now();
        assert_eq!(redrive(&world, &arn, "a").await.unwrap(), before);
        let described = world.runtime.describe_execution(&arn).await.unwrap();
        assert_eq!(described.status.name(), "RUNNING");
        assert_eq!(described.stop_date, None);
        assert_eq!(described.redrive_count, 1);
        assert_eq!(described.redrive_date.map(|moment| moment.0), Some(before));
        let call = world.call().await;
        assert_eq!(call.call.dispatch.parameters.text(), r#"{"first":"once"}"#);
        call.succeed(json!("twice"));
        assert_eq!(world.output(&arn).await, json!("twice"));
        assert!(world.try_call().is_none());
        check_refused(redrive(&world, &arn, "b").await, NotRedrivable::Succeeded);
        let row = world.store.execution_by_arn(&arn).unwrap().unwrap();
        assert_eq!((row.state.redrive_count, row.state.redrive_date), (1, Some(before)));
    }
}

#[tokio::test]
async fn a_crash_after_the_redrive_loses_nothing() {
    let world = World::new().await;
    let machine = world.machine("Steps", two_steps()).await;
    let arn = stopped(&world, &machine).await;
    let date = redrive(&world, &arn, "a").await.unwrap();
    // The call that follows was made or not: it is made again.
    let world = world.crash().await;
    world.advance(899);
    assert_eq!(redrive(&world, &arn, "a").await.unwrap(), date, "the token is known after a crash");
    check_refused(redrive(&world, &arn, "b").await, NotRedrivable::Running);
    let call = world.call().await;
    assert!(call.call.dispatch.recovered);
    call.succeed(json!(2));
    assert_eq!(world.output(&arn).await, json!(2));
    // The token means this redrive for 15 minutes.
    assert_eq!(redrive(&world, &arn, "a").await.unwrap(), date);
    world.advance(1);
    check_refused(redrive(&world, &arn, "a").await, NotRedrivable::Succeeded);
}

#[tokio::test]
async fn ten_tokens_are_known() {
    let world = World::new().await;
    let fail = json!({"F": {"Type": "Fail"}});
    let machine = world.machine("Fails", fail).await;
    let arn = world.start_one(&machine, json!({})).await;
    world.runtime.wait_for_end(&arn).await.unwrap();
    let mut dates = Vec::new();
    for number in 0..11 {
        world.advance(1);
        dates.push(redrive(&world, &arn, &format!("t{number}")).await.unwrap());
        // Those without a token push none out.
        redrive(&world, &arn, "").await.unwrap();
    }
    let world = world.crash().await;
    for (number, date) in dates.iter().enumerate().skip(1) {
        assert_eq!(redrive(&world, &arn, &format!("t{number}")).await.unwrap(), *date);
    }
    let before = world.runtime.describe_execution(&arn).await.unwrap().redrive_count;
    assert_eq!(before, 22);
    redrive(&world, &arn, "t0").await.unwrap();
    assert_eq!(world.runtime.describe_execution(&arn).await.unwrap().redrive_count, 23);
}

#[tokio::test]
async fn of_many_at_once_one_redrives() {
    for resident_executions_max in [0, 1_000] {
        let options = RuntimeOptions { resident_executions_max, ..RuntimeOptions::default() };
        let world = World::over(Arc::new(MemoryStore::default()), options).await;
        let machine = world.machine("Steps", two_steps()).await;
        let arn = stopped(&world, &machine).await;
        let tokens: Vec<String> = (0..8).map(|number| format!("t{number}")).collect();
        let (one, two, three, stop, four) = tokio::join!(
            redrive(&world, &arn, &tokens[0]),
            redrive(&world, &arn, &tokens[1]),
            redrive(&world, &arn, &tokens[2]),
            world.runtime.stop_execution(&arn, None, None),
            redrive(&world, &arn, &tokens[3]),
        );
        stop.unwrap();
        let redriven = [one, two, three, four].into_iter().filter(Result::is_ok).count();
        let described = world.runtime.describe_execution(&arn).await.unwrap();
        assert_eq!(redriven, described.redrive_count as usize, "each is answered as it was");
        assert!(redriven >= 1);
        if described.status.name() == "RUNNING" {
            world.runtime.stop_execution(&arn, None, None).await.unwrap();
        }
        let events = world.history(&arn).await;
        let count = |name| events.iter().filter(|event| **event == name).count();
        assert_eq!(count("ExecutionRedriven"), redriven);
        assert_eq!(count("ExecutionAborted"), redriven + 1);
    }
}

#[tokio::test]
async fn what_is_gone_or_too_old_is_refused() {
    let world = World::new().await;
    let machine = world.machine("Steps", two_steps()).await;
    let unknown = "arn:aws:states:us-east-1:123456789012:execution:Steps:nobody";
    let answer = redrive(&world, unknown, "").await;
    assert!(matches!(answer, Err(RuntimeError::ExecutionDoesNotExist(_))), "{answer:?}");

    let late = stopped(&world, &machine).await;
    let arn = stopped(&world, &machine).await;
    world.advance(14 * 24 * 60 * 60 - 1);
    redrive(&world, &arn, "").await.unwrap();
    world.advance(1);
    check_refused(redrive(&world, &late, "").await, NotRedrivable::RedrivablePeriodExceeded);

    // A machine that is deleted while the execution runs stops it; then nothing redrives it.
    world.runtime.delete_state_machine(&machine).await.unwrap();
    world.runtime.stop_execution(&arn, None, None).await.unwrap();
    check_refused(redrive(&world, &arn, "").await, NotRedrivable::StateMachineDeleting);
}

#[tokio::test]
async fn a_machine_that_is_updated_does_not_change_what_is_redriven() {
    let world = World::new().await;
    let machine = world.machine("Work", one_call()).await;
    let arn = world.start_one(&machine, json!(1)).await;
    world.call().await;
    world.runtime.stop_execution(&arn, None, None).await.unwrap();
    let other = json!({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}});
    let update = runtime::StateMachineUpdate {
        definition: Some(other.to_string().into()),
        ..runtime::StateMachineUpdate::default()
    };
    world.runtime.update_state_machine(&machine, update).await.unwrap();
    let world = world.crash().await;
    redrive(&world, &arn, "").await.unwrap();
    world.call().await.succeed(json!("of the old definition"));
    assert_eq!(world.output(&arn).await, json!("of the old definition"));
}

#[tokio::test]
async fn a_redriven_execution_is_counted_listed_and_woken() {
    let world = World::new().await;
    let wait = json!({"W": {"Type": "Wait", "Seconds": 100, "End": true}});
    let machine = world.machine("Sleep", wait).await;
    let arn = world.start_one(&machine, json!(1)).await;
    world.advance(50);
    world.runtime.stop_execution(&arn, None, None).await.unwrap();
    assert_eq!(world.store.count_open(&machine).unwrap(), 0);
    world.advance(1_000);
    redrive(&world, &arn, "").await.unwrap();
    assert_eq!(world.store.count_open(&machine).unwrap(), 1);
    let world = world.crash().await;
    world.advance(99);
    assert_eq!(world.runtime.describe_execution(&arn).await.unwrap().status.name(), "RUNNING");
    world.advance(1);
    assert_eq!(world.output(&arn).await, json!(1));
    // State transitions: the entry, and the redrive.
    let usage = world.store.usage(i64::MIN, i64::MAX).unwrap();
    assert_eq!(usage.iter().map(|entry| entry.usage.transitions).sum::<u64>(), 2);
    assert_eq!(usage.iter().map(|entry| entry.usage.executions).sum::<u64>(), 1);
}

#[tokio::test]
async fn an_execution_whose_journal_is_gone_harms_nobody() {
    let world = World::new().await;
    let machine = world.machine("Steps", two_steps()).await;
    let arn = stopped(&world, &machine).await;
    let other = stopped(&world, &machine).await;
    let row = world.store.execution_by_arn(&arn).unwrap().unwrap();
    let world = world.crash().await;
    world.store.commit(&[Write::Purge { key: row.key, turns: row.turns }]).unwrap();
    let answer = redrive(&world, &arn, "").await;
    assert!(matches!(answer, Err(RuntimeError::ExecutionDoesNotExist(_))), "{answer:?}");
    redrive(&world, &other, "").await.unwrap();
}
