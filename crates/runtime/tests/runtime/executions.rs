//! Starting, running, looking at and stopping executions.

use std::sync::Arc;

use asl::MachineType;
use expect_test::expect;
use runtime::{ExecutionQuery, ExecutionsOf, RuntimeError, RuntimeOptions, StartRequest};
use serde_json::json;
use store::MemoryStore;

use crate::harness::{World, one_call, request};

#[tokio::test]
async fn a_chain_of_states_is_one_turn() {
    let world = World::new().await;
    let machine = world
        .machine(
            "Chain",
            json!({
                "A": {"Type": "Pass", "Result": {"a": 1}, "Next": "B"},
                "B": {"Type": "Succeed"},
            }),
        )
        .await;
    let started = world.start_named(&machine, "one", json!({})).await.unwrap();
    let arn = &*started.execution_arn;
    assert_eq!(arn, "arn:aws:states:us-east-1:123456789012:execution:Chain:one");
    let described = world.runtime.describe_execution(arn).await.unwrap();
    assert_eq!(described.status.name(), "SUCCEEDED");
    assert_eq!(described.output.unwrap().text(), r#"{"a":1}"#);
    assert_eq!(described.start_date, started.start_date);
    let row = world.store.execution_by_arn(arn).unwrap().unwrap();
    assert_eq!(row.turns, 1);
    expect![[r#"
        [
            "ExecutionStarted",
            "PassStateEntered",
            "PassStateExited",
            "SucceedStateEntered",
            "SucceedStateExited",
            "ExecutionSucceeded",
        ]
    "#]]
    .assert_debug_eq(&world.history(arn).await);
}

#[tokio::test]
async fn a_function_is_called_and_its_result_goes_on() {
    let world = World::new().await;
    let machine = world.machine("Work", one_call()).await;
    let arn = world.start_one(&machine, json!({"n": 1})).await;
    let call = world.call().await;
    assert_eq!(&*call.call.execution_arn, arn);
    assert_eq!(call.call.dispatch.parameters.text(), r#"{"n":1}"#);
    assert!(!call.call.dispatch.recovered);
    call.succeed(json!({"n": 2}));
    assert_eq!(world.output(&arn).await, json!({"n": 2}));
}

#[tokio::test]
async fn a_name_starts_one_execution() {
    let world = World::new().await;
    let machine = world.machine("Work", one_call()).await;
    let first = world.start_named(&machine, "one", json!({"n": 1})).await.unwrap();
    world.advance(5);
    // The same start while it runs is that start.
    let second = world.start_named(&machine, "one", json!({"n": 1})).await.unwrap();
    assert_eq!((second.execution_arn, second.start_date), (first.execution_arn, first.start_date));
    let other = world.start_named(&machine, "one", json!({"n": 2})).await.unwrap_err();
    assert!(matches!(other, RuntimeError::ExecutionAlreadyExists(_)), "{other}");
    world.call().await.succeed(json!(null));
    world.output("arn:aws:states:us-east-1:123456789012:execution:Work:one").await;
    let over = world.start_named(&machine, "one", json!({"n": 1})).await.unwrap_err();
    assert!(matches!(over, RuntimeError::ExecutionAlreadyExists(_)), "{over}");
    assert!(world.try_call().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_starts_with_one_name_agree() {
    let world = Arc::new(World::new().await);
    let machine = world.machine("Work", one_call()).await;
    for round in 0..20 {
        let starts: Vec<_> = (0..8)
            .map(|n| {
                let (world, machine) = (Arc::clone(&world), machine.clone());
                let input = json!({"n": n % 2});
                tokio::spawn(async move {
                    world.start_named(&machine, &format!("r{round}"), input).await
                })
            })
            .collect();
        let mut started = Vec::new();
        let mut refused = 0;
        for start in starts {
            match start.await.unwrap() {
                Ok(start) => started.push(start.start_date),
                Err(RuntimeError::ExecutionAlreadyExists(_)) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!((started.len(), refused), (4, 4));
        world.call().await;
        assert!(world.try_call().is_none(), "one execution, one call");
    }
}

#[tokio::test]
async fn a_wait_ends_at_its_moment() {
    let world = World::new().await;
    let machine =
        world.machine("Sleep", json!({"W": {"Type": "Wait", "Seconds": 3600, "End": true}})).await;
    let arn = world.start_one(&machine, json!({"n": 1})).await;
    for _ in 0..59 {
        world.advance(60);
        tokio::task::yield_now().await;
    }
    let described = world.runtime.describe_execution(&arn).await.unwrap();
    assert_eq!(described.status.name(), "RUNNING");
    world.advance(60);
    assert_eq!(world.output(&arn).await, json!({"n": 1}));
    let ended = world.runtime.describe_execution(&arn).await.unwrap();
    assert_eq!(ended.stop_date.unwrap().0 - ended.start_date.0, 3_600_000);
}

#[tokio::test]
async fn a_task_times_out_and_its_call_is_stopped() {
    let world = World::new().await;
    let mut states = one_call();
    states["Work"]["TimeoutSeconds"] = json!(10);
    let machine = world.machine("Work", states).await;
    let arn = world.start_one(&machine, json!({})).await;
    let mut call = world.call().await;
    world.advance(10);
    let ended = world.runtime.wait_for_end(&arn).await.unwrap();
    assert_eq!((ended.status.name(), ended.error.as_deref()), ("FAILED", Some("States.Timeout")));
    call.cancelled().await;
}

#[tokio::test]
async fn stopping_answers_with_the_moment_of_the_end() {
    let world = World::new().await;
    let machine = world.machine("Work", one_call()).await;
    let arn = world.start_one(&machine, json!({})).await;
    let mut call = world.call().await;
    world.advance(1);
    let stop = |error: &str| world.runtime.stop_execution(&arn, Some(error.to_owned()), None);
    let stopped = stop("first").await.unwrap();
    assert_eq!(stopped.0, 1_700_000_001_000);
    call.cancelled().await;
    world.advance(1);
    assert_eq!(stop("second").await.unwrap(), stopped);
    let ended = world.runtime.describe_execution(&arn).await.unwrap();
    assert_eq!((ended.status.name(), ended.error.as_deref()), ("ABORTED", Some("first")));
    let unknown = format!("{arn}x");
    let error = world.runtime.stop_execution(&unknown, None, None).await.unwrap_err();
    assert!(matches!(error, RuntimeError::ExecutionDoesNotExist(_)), "{error}");
}

#[tokio::test]
async fn synchronous_executions_leave_nothing_behind() {
    let world = World::new().await;
    let machine = world.machine_of("Sync", MachineType::Express, one_call()).await;
    let runtime = Arc::clone(&world.runtime);
    let start = request(&machine, json!({"n": 1}));
    let running = tokio::spawn(async move { runtime.start_sync_execution(start).await });
    world.call().await.succeed(json!({"n": 2}));
    let ended = running.await.unwrap().unwrap();
    assert_eq!(ended.status.name(), "SUCCEEDED");
    assert_eq!(ended.output.unwrap().text(), r#"{"n":2}"#);
    assert!(ended.identity.arn.starts_with("arn:aws:states:us-east-1:123456789012:express:Sync:"));
    assert_eq!(world.store.highest_key().unwrap().0, 0);

    let standard = world.machine("Standard", one_call()).await;
    let error = world.runtime.start_sync_execution(request(&standard, json!({}))).await;
    assert!(matches!(error, Err(RuntimeError::StateMachineTypeNotSupported)));
}

/// AWS's quota. A caller who waits is told at that moment, and nobody waits for the task any more.
#[tokio::test]
async fn express_executions_end_after_five_minutes() {
    let world = World::new().await;
    let machine = world.machine_of("Slow", MachineType::Express, one_call()).await;
    let runtime = Arc::clone(&world.runtime);
    let start = request(&machine, json!({}));
    let waiting = tokio::spawn(async move { runtime.start_sync_execution(start).await });
    let mut call = world.call().await;
    let started = world.start_named(&machine, "one", json!({})).await.unwrap();
    let mut other = world.call().await;
    world.advance(299);
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished());
    world.advance(1);
    let ended = waiting.await.unwrap().unwrap();
    assert_eq!((ended.status.name(), ended.output, ended.error), ("TIMED_OUT", None, None));
    let took = ended.stop_date.unwrap().0 - ended.start_date.0;
    assert_eq!(took, 300_000);
    call.cancelled().await;
    other.cancelled().await;
    let history = world.history(&started.execution_arn).await;
    assert_eq!(history.last(), Some(&"ExecutionTimedOut"));
}

#[tokio::test]
async fn express_executions_share_names_and_are_not_listed() {
    let world = World::new().await;
    let states = json!({"A": {"Type": "Pass", "End": true}});
    let machine = world.machine_of("Fast", MachineType::Express, states).await;
    let first = world.start_named(&machine, "one", json!({})).await.unwrap();
    let second = world.start_named(&machine, "one", json!({})).await.unwrap();
    assert_ne!(first.execution_arn, second.execution_arn);
    let query = ExecutionQuery {
        of: ExecutionsOf::StateMachine(machine),
        status: None,
        after: None,
        limit: 10,
    };
    assert_eq!(world.runtime.list_executions(query).await.unwrap().len(), 0);
}

#[tokio::test]
async fn lists_are_newest_first_and_by_status() {
    let world = World::new().await;
    let machine = world.machine("Work", one_call()).await;
    for name in ["a", "b", "c"] {
        world.start_named(&machine, name, json!({})).await.unwrap();
        world.advance(1);
    }
    world
        .runtime
        .stop_execution(&machine.replace("stateMachine:Work", "execution:Work:b"), None, None)
        .await
        .unwrap();
    let list = async |status: Option<u8>| {
        let of = ExecutionsOf::StateMachine(machine.clone());
        let query = ExecutionQuery { of, status, after: None, limit: 10 };
        let listed = world.runtime.list_executions(query).await.unwrap();
        listed.iter().map(|held| (held.name.to_string(), held.status.name())).collect::<Vec<_>>()
    };
    let expected = [("b", "ABORTED"), ("c", "RUNNING"), ("a", "RUNNING")];
    let expected = expected.map(|(name, status)| (name.to_owned(), status)).to_vec();
    assert_eq!(list(None).await, expected);
    assert_eq!(list(Some(0)).await, expected[1..]);
}

#[tokio::test]
async fn history_comes_in_pages_in_both_orders() {
    let world = World::new().await;
    let machine = world
        .machine(
            "Chain",
            json!({
                "A": {"Type": "Pass", "Next": "B"},
                "B": {"Type": "Wait", "Seconds": 1, "Next": "C"},
                "C": {"Type": "Pass", "End": true},
            }),
        )
        .await;
    let arn = world.start_one(&machine, json!({})).await;
    world.advance(1);
    world.output(&arn).await;
    for reverse in [false, true] {
        let (mut ids, mut from) = (Vec::new(), 0);
        loop {
            let page = world.runtime.history(&arn, from, 3, reverse).await.unwrap();
            assert!(page.events.len() <= 3);
            ids.extend(page.events.iter().map(|event| event.id));
            match page.next {
                Some(next) => from = next,
                None => break,
            }
        }
        let mut expected: Vec<u32> = (1..=8).collect();
        if reverse {
            expected.reverse();
        }
        assert_eq!(ids, expected);
    }
    let error = world.runtime.history("nothing", 0, 3, false).await.unwrap_err();
    assert!(matches!(error, RuntimeError::ExecutionDoesNotExist(_)), "{error}");
}

#[tokio::test]
async fn executions_leave_memory_and_come_back() {
    let options = RuntimeOptions { resident_executions_max: 2, ..RuntimeOptions::default() };
    let world = World::over(Arc::new(MemoryStore::default()), options).await;
    let machine = world.machine("Work", one_call()).await;
    let mut executions = Vec::new();
    for n in 0..20 {
        let arn = world.start_one(&machine, json!({"n": n})).await;
        executions.push((arn, world.call().await));
    }
    for (n, (arn, call)) in executions.into_iter().enumerate() {
        assert_eq!(&*call.call.execution_arn, arn);
        let described = world.runtime.describe_execution(&arn).await.unwrap();
        assert_eq!(described.input.value(), &json!({"n": n}));
        call.succeed(json!(n));
        assert_eq!(world.output(&arn).await, json!(n));
    }
    assert!(world.try_call().is_none(), "no call is made twice");
}

#[tokio::test]
async fn watchers_see_what_is_durable() {
    let world = World::new().await;
    let machine = world.machine("Work", one_call()).await;
    let mut watching = world.runtime.watch();
    let arn = world.start_one(&machine, json!({})).await;
    let first = watching.recv().await.unwrap();
    assert_eq!((&*first.identity.arn, first.status.name()), (&*arn, "RUNNING"));
    world.call().await.succeed(json!(1));
    let mut last = watching.recv().await.unwrap();
    while last.status.name() == "RUNNING" {
        last = watching.recv().await.unwrap();
    }
    assert_eq!(last.status.name(), "SUCCEEDED");
}

#[tokio::test]
async fn a_start_names_its_trace() {
    let world = World::new().await;
    let machine = world.machine("Work", one_call()).await;
    let trace_header = Some("Root=1-2-3".to_owned());
    let start = StartRequest { trace_header: trace_header.clone(), ..request(&machine, json!(1)) };
    let started = world.runtime.start_execution(start).await.unwrap();
    let described = world.runtime.describe_execution(&started.execution_arn).await.unwrap();
    assert_eq!(described.trace_header, trace_header);
    let world = world.crash().await;
    let described = world.runtime.describe_execution(&started.execution_arn).await.unwrap();
    assert_eq!(described.trace_header, trace_header);
}

/// A state whose expression takes far longer than its second, in steps that are few and long.
fn hostile() -> serde_json::Value {
    let expression = "{% ($s := $pad('', 6000000, 'x'); $sum($map([1..100000], function($i){ $length($uppercase($s)) }))) %}";
    json!({"A": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": expression, "End": true}})
}

#[tokio::test]
async fn a_hostile_expression_fails_its_own_execution_and_stalls_no_other() {
    let world = World::new().await;
    let hostile = world.machine("Hostile", hostile()).await;
    let plain = world.machine("Plain", json!({"B": {"Type": "Pass", "End": true}})).await;
    let is_over = std::cell::Cell::new(false);
    let attack = async {
        let arn = world.start_one(&hostile, json!({})).await;
        is_over.set(true);
        world.runtime.wait_for_end(&arn).await.unwrap()
    };
    // There is one thread here. That this ends first shows that the attack does not have it.
    let other = async {
        let arn = world.start_one(&plain, json!({"n": 1})).await;
        assert_eq!(world.output(&arn).await, json!({"n": 1}));
        assert!(!is_over.get());
    };
    let (described, ()) = tokio::join!(attack, other);
    assert_eq!(described.status.name(), "FAILED");
    assert_eq!(described.error.as_deref(), Some("States.QueryEvaluationError"));
    let cause = described.cause.unwrap();
    assert!(cause.contains("Expression evaluation timeout"), "{cause}");
}
