//! What a node does when the store fails, loses answers or disagrees, when steps panic, and when
//! everything comes at once. Deterministic: the test decides what comes of each commit.

use asl::{MachineType, Payload};
use runtime::node::{Answer, Input, Request};
use runtime::{RuntimeError, limits, status_code};
use serde_json::json;
use store::{Outcome, RowState, Store, StoreError, TurnWrite, Write};

use crate::harness::{one_activity, one_call};
use crate::node_bench::{Bench, down, full, given, started};

const SUCCEEDED: u8 = 1;
const FAILED: u8 = 2;

fn payload(text: &str) -> Payload {
    Payload::from_valid_text(text)
}

fn worker() -> (Bench, String) {
    let mut bench = Bench::new();
    let machine = bench.machine("Work", MachineType::Standard, &one_call());
    (bench, machine)
}

#[test]
fn nothing_leaves_before_its_commit() {
    let (mut bench, machine) = worker();
    let reply = bench.start(&machine, Some("one"), payload("1"));
    assert!(bench.calls.is_empty() && bench.answer(reply).is_none());
    bench.commit_works();
    let arn = started(bench.expect_ok(reply));
    assert_eq!(bench.calls.len(), 1);
    let waiting = bench.ask(Request::WaitForEnd { execution_arn: arn.as_str().into() });
    bench.call_returns(Ok(payload("2")));
    assert!(bench.answer(waiting).is_none());
    // A look at what is not durable yet waits too.
    let looking = bench.ask(Request::Describe { execution_arn: arn.as_str().into() });
    assert!(bench.answer(looking).is_none());
    bench.commit_works();
    assert!(matches!(bench.expect_ok(waiting), Answer::Ended));
    let Answer::Described(described) = bench.expect_ok(looking) else {
        panic!("a description");
    };
    assert_eq!(status_code(described.status), SUCCEEDED);
    assert!(bench.commit.is_none());
}

#[test]
fn a_batch_is_what_came_during_the_one_before() {
    let (mut bench, machine) = worker();
    let first = bench.start(&machine, None, payload("0"));
    let others: Vec<_> = (0..50).map(|_| bench.start(&machine, None, payload("0"))).collect();
    assert_eq!(bench.commit.as_ref().unwrap().len(), 1);
    bench.commit_works();
    started(bench.expect_ok(first));
    assert_eq!(bench.commit.as_ref().unwrap().len(), 50);
    bench.commit_works();
    for other in others {
        started(bench.expect_ok(other));
    }
    // More than one transaction takes are split.
    let many = limits::COMMIT_WRITES_MAX + 10;
    for _ in 0..=many {
        bench.start(&machine, None, payload("0"));
    }
    bench.commit_works();
    assert_eq!(bench.commit.as_ref().unwrap().len(), limits::COMMIT_WRITES_MAX);
    bench.commit_works();
    assert_eq!(bench.commit.as_ref().unwrap().len(), 10);
}

#[test]
fn commands_that_wait_share_a_turn() {
    let mut bench = Bench::new();
    let activity = bench.activity("Approve");
    let branch = |name: &str| {
        let state = json!({"Type": "Task", "Resource": activity, "End": true});
        json!({"StartAt": name, "States": {name: state}})
    };
    let branches: Vec<_> = ["A", "B", "C", "D"].map(branch).to_vec();
    let states = json!({"P": {"Type": "Parallel", "Branches": branches, "End": true}});
    let machine = bench.machine("Fan", MachineType::Standard, &states);
    let reply = bench.start(&machine, Some("one"), payload("1"));
    bench.settle();
    let arn = started(bench.expect_ok(reply));
    let polls: Vec<_> = (0..4).map(|_| bench.poll(&activity)).collect();
    bench.settle();
    let tokens: Vec<_> =
        polls.into_iter().map(|poll| given(bench.expect_ok(poll)).task_token).collect();
    let turns = bench.turns(&arn);
    let answers: Vec<_> = tokens.iter().map(|token| bench.succeed(token, payload("2"))).collect();
    bench.settle();
    for answer in answers {
        assert!(matches!(bench.expect_ok(answer), Answer::Done));
    }
    assert_eq!(bench.stored_status(&arn), Some(SUCCEEDED));
    assert_eq!(bench.turns(&arn), turns + 2, "the first alone, the other three together");
}

#[test]
fn a_lost_answer_is_found_out() {
    let (mut bench, machine) = worker();
    let reply = bench.start(&machine, Some("one"), payload("1"));
    bench.commit_is_lost();
    assert!(bench.answer(reply).is_none() && bench.calls.is_empty());
    bench.check_works();
    let arn = started(bench.expect_ok(reply));
    assert_eq!(bench.calls.len(), 1);
    assert!(!bench.calls[0].1.dispatch.recovered, "it was never made before");
    // The same for a turn that is not the first.
    bench.call_returns(Ok(payload("2")));
    bench.pass(60_000);
    bench.commit_is_lost();
    bench.check_works();
    assert_eq!(bench.stored_status(&arn), Some(SUCCEEDED));
    assert_eq!(bench.turns(&arn), 2);
    bench.pass(60_000);
    assert!(bench.commit.is_none() && bench.calls.is_empty());
}

#[test]
fn a_start_that_failed_never_was() {
    let (mut bench, machine) = worker();
    let reply = bench.start(&machine, Some("one"), payload("1"));
    let arn = format!("{}:one", machine.replace("stateMachine", "execution"));
    let stop =
        bench.ask(Request::Stop { execution_arn: arn.as_str().into(), error: None, cause: None });
    let again = bench.start(&machine, Some("one"), payload("1"));
    bench.commit_fails(down());
    bench.check_works();
    for reply in [reply, stop, again] {
        assert!(matches!(bench.expect_error(reply), RuntimeError::Store(StoreError::Failed(_))));
    }
    bench.pass(60_000);
    assert!(bench.calls.is_empty() && bench.stored_status(&arn).is_none());
    // The name is free.
    let reply = bench.start(&machine, Some("one"), payload("2"));
    bench.settle();
    assert_eq!(started(bench.expect_ok(reply)), arn);
}

#[test]
fn a_result_outlives_a_full_disk() {
    let (mut bench, machine) = worker();
    let reply = bench.start(&machine, Some("one"), payload("1"));
    bench.settle();
    let arn = started(bench.expect_ok(reply));
    bench.call_returns(Ok(payload("2")));
    let mut pauses = Vec::new();
    for _ in 0..12 {
        bench.commit_fails(full());
        bench.check_works();
        // The next attempt comes by itself, after a pause that grows.
        assert!(bench.commit.is_none(), "not at once");
        let before = bench.now;
        while bench.commit.is_none() {
            bench.pass(10);
        }
        pauses.push(bench.now - before);
    }
    assert!(pauses.is_sorted() && *pauses.last().unwrap() <= limits::RETRY_MAX_MS + 10);
    bench.settle();
    assert_eq!(bench.stored_status(&arn), Some(SUCCEEDED));
    assert!(bench.calls.is_empty(), "the call is not made again");
}

#[test]
fn callers_learn_of_a_full_disk_and_can_try_again() {
    let mut bench = Bench::new();
    let activity = bench.activity("Approve");
    let machine = bench.machine("Work", MachineType::Standard, &one_activity(&activity));
    let reply = bench.start(&machine, None, payload("1"));
    let poll = bench.poll(&activity);
    bench.settle();
    let arn = started(bench.expect_ok(reply));
    let token = given(bench.expect_ok(poll)).task_token;
    let sent = bench.succeed(&token, payload("2"));
    bench.commit_fails(full());
    bench.check_works();
    assert!(matches!(bench.expect_error(sent), RuntimeError::Store(StoreError::Full(_))));
    let sent = bench.succeed(&token, payload("3"));
    bench.pass(10_000);
    bench.settle();
    assert!(matches!(bench.expect_ok(sent), Answer::Done));
    assert_eq!(bench.stored_status(&arn), Some(SUCCEEDED));
}

#[test]
fn nobody_waits_for_a_store_that_is_gone() {
    let mut bench = Bench::new();
    let activity = bench.activity("Approve");
    let machine = bench.machine("Work", MachineType::Standard, &one_activity(&activity));
    let running = bench.start(&machine, Some("running"), payload("1"));
    let poll = bench.poll(&activity);
    bench.settle();
    let arn = started(bench.expect_ok(running));
    let token = given(bench.expect_ok(poll)).task_token;

    let sent = bench.succeed(&token, payload("2"));
    let start = bench.start(&machine, Some("waiting"), payload("1"));
    bench.commit_is_lost();
    bench.check_fails();
    for reply in [sent, start] {
        assert!(matches!(bench.expect_error(reply), RuntimeError::Store(_)));
    }
    for _ in 0..5 {
        bench.pass(limits::RETRY_MAX_MS);
        bench.check_fails();
    }
    bench.pass(limits::RETRY_MAX_MS);
    bench.check_works();
    bench.pass(limits::RETRY_MAX_MS);
    bench.settle();
    // What was durable all the time shows; what was only waiting does not.
    assert_eq!(bench.stored_status(&arn), Some(SUCCEEDED));
    assert_eq!(bench.stored_status(&arn.replace("running", "waiting")), None);
}

#[test]
fn a_conflict_is_resolved_by_reading_again() {
    let (mut bench, machine) = worker();
    let reply = bench.start(&machine, Some("one"), payload("1"));
    bench.settle();
    let arn = started(bench.expect_ok(reply));
    bench.call_returns(Ok(payload("2")));
    // Somebody else writes a turn in which nothing of note happens.
    let row = bench.store.execution_by_arn(&arn).unwrap().unwrap();
    let foreign = TurnWrite {
        usage: store::DayUsage::default(),
        key: row.key,
        turns_before: 1,
        journal: engine::encode_turn(&[]),
        state: RowState { wake: Some(bench.now + 1), ..row.state },
        new: None,
    };
    assert_eq!(bench.store.commit(&[Write::Turn(foreign)]).unwrap(), [Outcome::Committed]);
    assert_eq!(bench.commit_works(), [Outcome::Conflict]);
    bench.settle();
    assert_eq!((bench.stored_status(&arn), bench.turns(&arn)), (Some(SUCCEEDED), 3));
    assert!(bench.calls.is_empty(), "the call is not made again");
}

#[test]
fn a_name_that_is_taken_in_the_store_is_compared_there() {
    let (mut bench, machine) = worker();
    let reply = bench.start(&machine, Some("one"), payload("1"));
    bench.settle();
    started(bench.expect_ok(reply));
    let mut bench = bench.crash();
    let same = bench.start(&machine, Some("one"), payload("1"));
    let other = bench.start(&machine, Some("one"), payload("2"));
    bench.settle();
    started(bench.expect_ok(same));
    let error = bench.expect_error(other);
    assert!(matches!(error, RuntimeError::ExecutionAlreadyExists(_)), "{error}");
    bench.call_returns(Ok(payload("2")));
    bench.settle();
    let mut bench = bench.crash();
    let same = bench.start(&machine, Some("one"), payload("1"));
    bench.settle();
    let error = bench.expect_error(same);
    assert!(matches!(error, RuntimeError::ExecutionAlreadyExists(_)), "{error}");
}

#[test]
fn a_store_that_cannot_be_read_refuses_callers_and_keeps_the_rest() {
    let (mut bench, machine) = worker();
    let reply = bench.start(&machine, Some("one"), payload("1"));
    bench.settle();
    let arn = started(bench.expect_ok(reply));
    let mut bench = bench.crash();
    bench.calls.clear();
    let mut bench = {
        // A process whose first reads fail.
        bench.is_blind = true;
        bench
    };
    let other = arn.replace("one", "two");
    let stop = bench.ask(Request::Stop { execution_arn: other.into(), error: None, cause: None });
    assert!(matches!(bench.expect_error(stop), RuntimeError::Store(_)));
    bench.is_blind = false;
    let stop =
        bench.ask(Request::Stop { execution_arn: arn.as_str().into(), error: None, cause: None });
    bench.settle();
    assert!(matches!(bench.expect_ok(stop), Answer::Stopped(_)));
}

#[test]
fn a_sleeper_that_cannot_be_read_is_tried_again() {
    let mut bench = Bench::new();
    let states = json!({"W": {"Type": "Wait", "Seconds": 3600, "End": true}});
    let machine = bench.machine("Sleep", MachineType::Standard, &states);
    let reply = bench.start(&machine, None, payload("1"));
    bench.settle();
    let arn = started(bench.expect_ok(reply));
    bench.pass(3_599_000);
    assert_eq!(bench.loads, 0, "it is not even looked at before");
    bench.is_blind = true;
    bench.pass(10_000);
    assert!(bench.loads > 3 && bench.commit.is_none());
    bench.is_blind = false;
    bench.pass(limits::RETRY_MAX_MS);
    bench.settle();
    assert_eq!(bench.stored_status(&arn), Some(SUCCEEDED));
}

/// A text that is no JSON makes the step panic that first looks inside.
fn poison() -> Payload {
    payload("no JSON")
}

fn looks_inside() -> serde_json::Value {
    json!({
        "Work": {"Type": "Task", "Resource": one_call()["Work"]["Resource"], "Next": "Look"},
        "Look": {"Type": "Pass", "InputPath": "$.a", "End": true},
    })
}

#[test]
fn a_panic_fails_one_execution() {
    let mut bench = Bench::new();
    let machine = bench.machine("Look", MachineType::Standard, &looks_inside());
    let replies = [Some("bad"), Some("good")].map(|name| bench.start(&machine, name, payload("1")));
    bench.settle();
    let [bad, good] = replies.map(|reply| started(bench.expect_ok(reply)));
    let waiting = bench.ask(Request::WaitForEnd { execution_arn: bad.as_str().into() });
    bench.call_returns(Ok(poison()));
    bench.call_returns(Ok(payload(r#"{"a":1}"#)));
    bench.settle();
    assert_eq!(bench.stored_status(&good), Some(SUCCEEDED));
    assert_eq!(bench.stored_status(&bad), Some(FAILED));
    assert!(matches!(bench.expect_ok(waiting), Answer::Ended));
    let looking = bench.ask(Request::Describe { execution_arn: bad.as_str().into() });
    let Answer::Described(described) = bench.expect_ok(looking) else {
        panic!("a description");
    };
    assert_eq!(described.error.as_deref(), Some("States.Runtime"));
    assert!(described.cause.unwrap().contains("internal error"));
}

#[test]
fn a_panic_in_the_first_turn_fails_the_execution_too() {
    let mut bench = Bench::new();
    let states = json!({"Look": {"Type": "Pass", "InputPath": "$.a", "End": true}});
    for (machine_type, name) in
        [(MachineType::Standard, "Standard"), (MachineType::Express, "Express")]
    {
        let machine = bench.machine(name, machine_type, &states);
        let reply = bench.start(&machine, Some("bad"), poison());
        bench.settle();
        let arn = started(bench.expect_ok(reply));
        assert_eq!((bench.stored_status(&arn), bench.turns(&arn)), (Some(FAILED), 1));
    }
    let machine = bench.machine("Sync", MachineType::Express, &looks_inside());
    let start = crate::harness::request(&machine, json!(1));
    let reply = bench.ask(Request::StartSync(start));
    bench.call_returns(Ok(poison()));
    let Answer::Described(described) = bench.expect_ok(reply) else {
        panic!("a description");
    };
    assert_eq!(status_code(described.status), FAILED);
}

#[test]
fn a_damaged_journal_harms_nobody_else() {
    let (mut bench, machine) = worker();
    let replies = [Some("bad"), Some("good")].map(|name| bench.start(&machine, name, payload("1")));
    bench.settle();
    let [bad, good] = replies.map(|reply| started(bench.expect_ok(reply)));
    let row = bench.store.execution_by_arn(&bad).unwrap().unwrap();
    let garbage = TurnWrite {
        usage: store::DayUsage::default(),
        key: row.key,
        turns_before: 1,
        journal: b"garbage".to_vec(),
        state: row.state,
        new: None,
    };
    bench.store.commit(&[Write::Turn(garbage)]).unwrap();
    let mut bench = bench.crash();
    assert_eq!(bench.calls.len(), 1);
    let stop =
        bench.ask(Request::Stop { execution_arn: bad.as_str().into(), error: None, cause: None });
    let error = bench.expect_error(stop).to_string();
    assert!(error.contains(&bad), "{error}");
    bench.call_returns(Ok(payload("2")));
    bench.settle();
    assert_eq!(bench.stored_status(&good), Some(SUCCEEDED));
}

#[test]
fn a_worker_that_goes_away_at_any_moment_costs_no_task() {
    for moment in 0..4 {
        let mut bench = Bench::new();
        let activity = bench.activity("Approve");
        let machine = bench.machine("Work", MachineType::Standard, &one_activity(&activity));
        let reply = bench.start(&machine, None, payload("1"));
        bench.settle();
        let arn = started(bench.expect_ok(reply));
        let gone = bench.poll(&activity);
        assert!(bench.commit.is_some(), "the start of the task is on its way");
        match moment {
            // While the commit is on its way.
            0 => {
                bench.input(Input::Abandoned { reply: gone });
                bench.settle();
            }
            // While what became of the commit is being found out: it is durable …
            1 => {
                bench.commit_is_lost();
                bench.input(Input::Abandoned { reply: gone });
                bench.check_works();
            }
            // … or not.
            2 => {
                bench.commit_fails(down());
                bench.input(Input::Abandoned { reply: gone });
                bench.check_works();
                bench.pass(10_000);
                bench.settle();
            }
            // After the answer.
            _ => {
                bench.settle();
                let Answer::Task(Some(assigned)) = bench.expect_ok(gone) else {
                    panic!("a task");
                };
                bench.input(Input::Undelivered(assigned));
            }
        }
        let poll = bench.poll(&activity);
        bench.settle();
        let task = given(bench.expect_ok(poll));
        assert_eq!(task.input.text(), "1", "moment {moment}");
        let sent = bench.succeed(&task.task_token, payload("2"));
        let none = bench.poll(&activity);
        bench.pass(1_000);
        bench.settle();
        assert!(matches!(bench.expect_ok(sent), Answer::Done));
        assert_eq!(bench.stored_status(&arn), Some(SUCCEEDED));
        assert!(bench.answer(none).is_none(), "nobody else gets it");
    }
}

#[test]
fn two_workers_never_get_one_task() {
    let mut bench = Bench::new();
    let activity = bench.activity("Approve");
    let machine = bench.machine("Work", MachineType::Standard, &one_activity(&activity));
    let polls: Vec<_> = (0..3).map(|_| bench.poll(&activity)).collect();
    let starts: Vec<_> =
        ["1", "2"].iter().map(|input| bench.start(&machine, None, payload(input))).collect();
    bench.commit_works();
    bench.commit_works();
    // The commit that hands a task over fails again and again.
    for _ in 0..3 {
        bench.settle_one_failure();
    }
    bench.settle();
    for start in starts {
        started(bench.expect_ok(start));
    }
    let mut inputs = Vec::new();
    for poll in polls {
        if let Some(answer) = bench.answer(poll) {
            inputs.push(given(answer.unwrap()).input.text().to_owned());
        }
    }
    inputs.sort();
    assert_eq!(inputs, ["1", "2"]);
}

#[test]
fn a_stop_waits_for_what_is_under_way() {
    let (mut bench, machine) = worker();
    let start = bench.start(&machine, None, payload("1"));
    let reply = runtime::node::ReplyId(9_999);
    bench.input(Input::Stop { reply });
    let late = bench.start(&machine, None, payload("1"));
    assert!(matches!(bench.expect_error(late), RuntimeError::Stopping));
    assert!(bench.answer(reply).is_none());
    bench.commit_works();
    started(bench.expect_ok(start));
    assert!(matches!(bench.expect_ok(reply), Answer::Done));
    bench.pass(10_000);
}

#[test]
fn requests_have_a_limit() {
    let (mut bench, machine) = worker();
    for _ in 0..limits::REQUESTS_MAX {
        bench.start(&machine, None, payload("1"));
    }
    let refused = bench.start(&machine, None, payload("1"));
    assert!(matches!(bench.expect_error(refused), RuntimeError::Overloaded(_)));
    bench.settle();
    let accepted = bench.start(&machine, None, payload("1"));
    bench.settle();
    started(bench.expect_ok(accepted));
}

fn two_branches(resource: &str) -> serde_json::Value {
    let branch = |name: &str| {
        let look = format!("{name}Look");
        let states = json!({
            name: {"Type": "Task", "Resource": resource, "Next": look},
            &look: {"Type": "Pass", "InputPath": "$.a", "End": true},
        });
        json!({"StartAt": name, "States": states})
    };
    let branches = [branch("A"), branch("B")];
    json!({"Both": {"Type": "Parallel", "Branches": branches, "End": true}})
}

#[test]
fn a_worker_that_goes_away_before_its_turn_frees_the_task() {
    let mut bench = Bench::new();
    let activity = bench.activity("Approve");
    let machine = bench.machine("Two", MachineType::Standard, &two_branches(&activity));
    let reply = bench.start(&machine, None, payload("1"));
    bench.settle();
    started(bench.expect_ok(reply));
    // The first task's start is on its way, so the second waits for its turn.
    let first = bench.poll(&activity);
    let gone = bench.poll(&activity);
    bench.input(Input::Abandoned { reply: gone });
    bench.settle();
    let first = given(bench.expect_ok(first));
    let second = bench.poll(&activity);
    bench.settle();
    assert_ne!(given(bench.expect_ok(second)).task_token, first.task_token);
}

#[test]
fn the_turn_of_somebody_else_is_not_taken_for_ours() {
    let (mut bench, machine) = worker();
    let reply = bench.start(&machine, Some("one"), payload("1"));
    bench.settle();
    let arn = started(bench.expect_ok(reply));
    bench.call_returns(Ok(payload("2")));
    let row = bench.store.execution_by_arn(&arn).unwrap().unwrap();
    let foreign = TurnWrite {
        usage: store::DayUsage::default(),
        key: row.key,
        turns_before: 1,
        journal: engine::encode_turn(&[]),
        state: row.state,
        new: None,
    };
    bench.store.commit(&[Write::Turn(foreign)]).unwrap();
    bench.commit_fails(down());
    bench.check_works();
    bench.pass(10_000);
    bench.settle();
    assert_eq!((bench.stored_status(&arn), bench.turns(&arn)), (Some(SUCCEEDED), 3));
}

#[test]
fn a_start_of_unknown_fate_is_answered_once_and_goes_on() {
    let (mut bench, machine) = worker();
    let reply = bench.start(&machine, Some("one"), payload("1"));
    bench.commit_is_lost();
    bench.check_fails();
    assert!(matches!(bench.expect_error(reply), RuntimeError::Store(_)));
    bench.pass(10_000);
    bench.check_works();
    assert_eq!(bench.calls.len(), 1);
    let again = bench.start(&machine, Some("one"), payload("1"));
    started(bench.expect_ok(again));
}

#[test]
fn a_run_cut_off_between_two_turns_goes_on() {
    let mut bench = Bench::new();
    let mut states = serde_json::Map::new();
    for n in 0..700 {
        states.insert(format!("S{n}"), json!({"Type": "Pass", "Next": format!("S{}", n + 1)}));
    }
    states.insert("S700".into(), one_call()["Work"].clone());
    let machine = bench.machine("Long", MachineType::Standard, &states.into());
    bench.start(&machine, Some("one"), payload("1"));
    bench.commit_works();
    assert!(bench.commit.is_some(), "the second turn is on its way");
    let mut bench = bench.crash();
    bench.settle();
    assert_eq!(bench.calls.len(), 1);
}

#[test]
fn a_sleeper_that_comes_while_the_index_is_read_is_woken() {
    let mut bench = Bench::new();
    let states = json!({"W": {"Type": "Wait", "Seconds": 30, "End": true}});
    let machine = bench.machine("Sleep", MachineType::Standard, &states);
    // The next window is being read …
    bench.slow_reads = Some(Vec::new());
    bench.pass(50_000);
    // … from a state of the store before this one.
    let reply = bench.start(&machine, None, payload("1"));
    bench.settle();
    let arn = started(bench.expect_ok(reply));
    bench.reads_arrive();
    bench.pass(29_999);
    assert!(bench.commit.is_none());
    bench.pass(1);
    bench.settle();
    assert_eq!(bench.stored_status(&arn), Some(SUCCEEDED));
}

#[test]
fn a_panic_stops_the_calls_of_what_is_kept_nowhere() {
    let mut bench = Bench::new();
    let function = one_call()["Work"]["Resource"].clone();
    let function = function.as_str().unwrap();
    let machine = bench.machine("Sync", MachineType::Express, &two_branches(function));
    let start = crate::harness::request(&machine, json!(1));
    let reply = bench.ask(Request::StartSync(start));
    assert_eq!(bench.calls.len(), 2);
    bench.call_returns(Ok(poison()));
    bench.expect_ok(reply);
    let (key, left) = &bench.calls[0];
    assert!(bench.cancelled.contains(&(*key, left.dispatch.task)));
}
