//! What every store must do, as a function that any store's tests call.

use crate::{
    DayUsage, ExecutionKey, ExecutionQuery, ExecutionRow, ExecutionsOf, ListPlace, NewExecution,
    Outcome, PurgeQuery, RowState, Store, TurnWrite, Usage, UsageEntry, Write,
};

/// Drives an empty store through the whole contract and panics where it is not kept.
pub fn check_store(store: &dyn Store) {
    check_empty(store);
    check_turns(store);
    check_refusals(store);
    check_batches(store);
    check_arns(store);
    check_journals(store);
    check_lists(store);
    check_list_pages(store);
    check_keys_before(store);
    check_wakes(store);
    check_recovery(store);
    check_open_counts(store);
    check_records(store);
    check_record_pages(store);
    check_usage(store);
    check_purge(store);
    check_bounds(store);
}

const ARN_STEM: &str = "arn:aws:states:eu-central-1:123456789012";

const RUNNING: RowState = RowState {
    status: 0,
    stop_date: None,
    wake: None,
    recover: true,
    redrive_count: 0,
    redrive_date: None,
};

fn machine(name: &str) -> String {
    format!("{ARN_STEM}:stateMachine:{name}")
}

fn stopped(status: u8, stop_date: i64) -> RowState {
    RowState { status, stop_date: Some(stop_date), recover: false, ..RUNNING }
}

fn new_execution(of: &str, name: &str, start_date: i64) -> NewExecution {
    NewExecution {
        arn: format!("{ARN_STEM}:execution:{of}:{name}").into(),
        name: name.into(),
        state_machine_arn: machine(of).into(),
        version_arn: None,
        alias_arn: None,
        map_run_arn: None,
        start_date,
        listed: true,
        header: format!("header of {name}").into_bytes(),
    }
}

fn first_turn(key: u64, new: NewExecution, state: RowState) -> TurnWrite {
    let journal = format!("turn 1 of {key}").into_bytes();
    let (key, usage) = (ExecutionKey(key), DayUsage::default());
    TurnWrite { key, turns_before: 0, journal, state, usage, new: Some(new) }
}

fn later_turn(key: u64, turns_before: u32, state: RowState) -> TurnWrite {
    let journal = format!("turn {} of {key}", turns_before + 1).into_bytes();
    let (key, usage) = (ExecutionKey(key), DayUsage::default());
    TurnWrite { key, turns_before, journal, state, usage, new: None }
}

/// Commits turns as one batch and compares what came of each.
#[track_caller]
fn commit(store: &dyn Store, turns: &[TurnWrite], outcomes: &[Outcome]) {
    let writes: Vec<Write> = turns.iter().cloned().map(Write::Turn).collect();
    assert_eq!(store.commit(&writes).expect("a batch commits"), outcomes);
}

#[track_caller]
fn accept(store: &dyn Store, turns: &[TurnWrite]) {
    commit(store, turns, &vec![Outcome::Committed; turns.len()]);
}

#[track_caller]
fn row(store: &dyn Store, key: u64) -> ExecutionRow {
    let row = store.execution(ExecutionKey(key)).expect("a row can be read");
    row.expect("an execution that was committed has a row")
}

#[track_caller]
fn listed(store: &dyn Store, query: &ExecutionQuery) -> Vec<u64> {
    let rows = store.list_executions(query).expect("a list can be read");
    for row in &rows {
        let same = store.execution(row.key).expect("a row can be read");
        assert_eq!(Some(row), same.as_ref(), "a list holds whole rows");
    }
    rows.iter().map(|row| row.key.0).collect()
}

fn of_machine(name: &str, status: Option<u8>) -> ExecutionQuery {
    let of = ExecutionsOf::StateMachine(machine(name));
    ExecutionQuery { of, status, after: None, limit: 1_000 }
}

fn check_empty(store: &dyn Store) {
    assert_eq!(store.commit(&[]).expect("an empty batch commits"), []);
    assert_eq!(store.highest_key().expect("read"), ExecutionKey(0));
    assert_eq!(store.execution(ExecutionKey(1)).expect("read"), None);
    assert_eq!(store.execution_by_arn("arn:aws:states").expect("read"), None);
    assert_eq!(store.journal(ExecutionKey(1)).expect("read"), Vec::<Vec<u8>>::new());
    assert_eq!(listed(store, &of_machine("none", None)), [0_u64; 0]);
    assert_eq!(listed(store, &of_machine("none", Some(0))), [0_u64; 0]);
    assert_eq!(store.due(i64::MAX, 10).expect("read"), []);
    assert_eq!(store.to_recover(ExecutionKey(0), 10).expect("read"), []);
    assert_eq!(store.count_open(&machine("none")).expect("read"), 0);
    assert_eq!(store.record("definition", "none").expect("read"), None);
    assert_eq!(store.records("definition", "", "", 10).expect("read"), []);
}

/// A life of three turns, each seen whole.
fn check_turns(store: &dyn Store) {
    let mut new = new_execution("turns", "life", 1_000);
    new.version_arn = Some(format!("{}:7", machine("turns")).into());
    new.alias_arn = Some(format!("{}:live", machine("turns")).into());
    let waiting = RowState { wake: Some(5_000), recover: false, ..RUNNING };
    for (turns_before, state) in [RUNNING, waiting, stopped(1, 6_000)].into_iter().enumerate() {
        let turns_before = u32::try_from(turns_before).expect("three");
        let turn = match turns_before {
            0 => first_turn(100, new.clone(), state),
            _ => later_turn(100, turns_before, state),
        };
        accept(store, &[turn]);
        let expected = ExecutionRow {
            key: ExecutionKey(100),
            turns: turns_before + 1,
            new: new.clone(),
            state,
        };
        assert_eq!(row(store, 100), expected);
        assert_eq!(store.execution_by_arn(&new.arn).expect("read"), Some(expected));
    }
    let journal = store.journal(ExecutionKey(100)).expect("read");
    assert_eq!(journal, [b"turn 1 of 100", b"turn 2 of 100", b"turn 3 of 100"]);
    assert_eq!(store.highest_key().expect("read"), ExecutionKey(100));

    // An execution that was over goes on: a redrive.
    let redriven = RowState { redrive_count: 1, redrive_date: Some(7_000), ..RUNNING };
    accept(store, &[later_turn(100, 3, redriven)]);
    assert_eq!(row(store, 100).state, redriven);
    let over = RowState { status: 2, stop_date: Some(9_000), recover: false, ..redriven };
    accept(store, &[later_turn(100, 4, over)]);
    assert_eq!(row(store, 100).state, over);
    assert_eq!(store.journal(ExecutionKey(100)).expect("read").len(), 5);
}

/// What is refused leaves no trace.
fn check_refusals(store: &dyn Store) {
    let name = |name| new_execution("refusals", name, 1_000);
    accept(store, &[first_turn(200, name("kept"), RUNNING)]);
    let kept = row(store, 200);

    commit(store, &[first_turn(201, name("kept"), RUNNING)], &[Outcome::NameTaken]);
    assert_eq!(store.execution(ExecutionKey(201)).expect("read"), None);
    assert_eq!(store.highest_key().expect("read"), ExecutionKey(200));

    // The key is taken: a conflict, whether the ARN is taken too or not.
    commit(store, &[first_turn(200, name("other"), RUNNING)], &[Outcome::Conflict]);
    commit(store, &[first_turn(200, name("kept"), RUNNING)], &[Outcome::Conflict]);
    assert_eq!(store.execution_by_arn(&name("other").arn).expect("read"), None);

    for turns_before in [0, 2, u32::MAX - 1] {
        let turn = later_turn(200, turns_before, stopped(1, 2_000));
        commit(store, &[turn], &[Outcome::Conflict]);
    }
    commit(store, &[later_turn(202, 0, RUNNING)], &[Outcome::Conflict]);
    commit(store, &[later_turn(202, 1, RUNNING)], &[Outcome::Conflict]);
    let late = TurnWrite { turns_before: 1, ..first_turn(202, name("late"), RUNNING) };
    commit(store, &[late], &[Outcome::Conflict]);
    let again = TurnWrite { turns_before: 1, ..first_turn(200, name("kept"), RUNNING) };
    commit(store, &[again], &[Outcome::Conflict]);

    assert_eq!(store.execution(ExecutionKey(202)).expect("read"), None);
    assert_eq!(row(store, 200), kept);
    assert_eq!(store.journal(ExecutionKey(200)).expect("read"), [b"turn 1 of 200"]);
    assert_eq!(listed(store, &of_machine("refusals", None)), [200]);
    assert_eq!(store.count_open(&machine("refusals")).expect("read"), 1);
    // A name that was refused once is free.
    accept(store, &[first_turn(202, name("other"), RUNNING)]);
}

/// Writes of one batch are done in order, see each other, and refusals disturb nobody.
fn check_batches(store: &dyn Store) {
    let name = |name| new_execution("batches", name, 1_000);
    let put =
        |body: &[u8]| Write::PutRecord { kind: "batch", key: "k".to_owned(), body: body.to_vec() };
    let writes = [
        Write::Turn(first_turn(300, name("a"), RUNNING)),
        put(b"first"),
        Write::Turn(first_turn(301, name("a"), RUNNING)),
        Write::Turn(first_turn(301, name("b"), RUNNING)),
        Write::Turn(later_turn(300, 1, RUNNING)),
        Write::Turn(later_turn(300, 1, stopped(3, 1))),
        Write::Turn(later_turn(300, 2, stopped(1, 2_000))),
        Write::DeleteRecord { kind: "batch", key: "k".to_owned() },
        put(b"second"),
        Write::DeleteRecord { kind: "batch", key: "absent".to_owned() },
        Write::Turn(later_turn(999, 4, RUNNING)),
    ];
    use Outcome::{Committed, Conflict, NameTaken};
    let expected = [
        Committed, Committed, NameTaken, Committed, Committed, Conflict, Committed, Committed,
        Committed, Committed, Conflict,
    ];
    assert_eq!(store.commit(&writes).expect("a batch commits"), expected);
    assert_eq!((row(store, 300).turns, row(store, 300).state), (3, stopped(1, 2_000)));
    assert_eq!((row(store, 301).turns, row(store, 301).state), (1, RUNNING));
    assert_eq!(store.record("batch", "k").expect("read"), Some(b"second".to_vec()));
    assert_eq!(listed(store, &of_machine("batches", None)), [300, 301]);
}

/// ARNs of every shape are found, and only whole.
fn check_arns(store: &dyn Store) {
    let express = |key: u64, name: &str, uuid: &str| {
        let mut new = new_execution("arns", name, 1_000);
        new.arn = format!("{ARN_STEM}:express:arns:{name}:{uuid}").into();
        new.listed = false;
        first_turn(key, new, RUNNING)
    };
    let with_arn = |key: u64, name: &str, arn: &str| {
        let new = NewExecution { arn: arn.into(), ..new_execution("arns", name, 1_000) };
        first_turn(key, new, RUNNING)
    };
    let turns = [
        first_turn(400, new_execution("arns", "name", 1_000), RUNNING),
        first_turn(401, new_execution("arns2", "name", 1_000), RUNNING),
        express(402, "name", "11111111-1111"),
        express(403, "name", "22222222-2222"),
        express(404, "11111111-1111", "name"),
        with_arn(405, "", "no stem"),
        with_arn(406, "x", ""),
        with_arn(407, "a:b", &format!("{ARN_STEM}:execution:arns:a:b")),
        with_arn(408, "b", &format!("{ARN_STEM}:execution:arns:a:b:b")),
        with_arn(409, "Größe-名前", &format!("{ARN_STEM}:execution:arns:Größe-名前")),
    ];
    accept(store, &turns);
    for turn in &turns {
        let new = turn.new.as_ref().expect("a first turn");
        let found = store.execution_by_arn(&new.arn).expect("read").expect("its ARN is known");
        assert_eq!((found.key, &found.new), (turn.key, new));
        let again = TurnWrite { key: ExecutionKey(450), ..turn.clone() };
        commit(store, &[again], &[Outcome::NameTaken]);
    }
    let name = new_execution("arns", "name", 1_000).arn;
    for absent in [&name[1..], &name[..name.len() - 1], &format!("{name}:"), &name.to_uppercase()] {
        assert_eq!(store.execution_by_arn(absent).expect("read"), None, "{absent}");
    }
}

/// Turns of every size come back in order and byte for byte.
fn check_journals(store: &dyn Store) {
    let sizes = [0, 1, 300, 1_000, 1_024, 3_000, 4_096, 10_000, 70_000, 600_000, 2, 0, 500];
    let mut expected: Vec<Vec<u8>> = Vec::new();
    for first in 0..sizes.len() {
        let key = 500 + first as u64;
        expected.clear();
        for size in &sizes[first..] {
            let turns_before = u32::try_from(expected.len()).expect("a few");
            let mut turn = match turns_before {
                0 => first_turn(key, new_execution("journals", &key.to_string(), 1_000), RUNNING),
                _ => later_turn(key, turns_before, RUNNING),
            };
            turn.journal = (0..*size).map(|at| (at * 31 + first) as u8).collect();
            expected.push(turn.journal.clone());
            accept(store, &[turn]);
        }
        assert!(store.journal(ExecutionKey(key)).expect("read") == expected, "journal of {key}");
    }
    let long = 550;
    accept(store, &[first_turn(long, new_execution("journals", "long", 1_000), RUNNING)]);
    let turns: Vec<_> = (1..400).map(|before| later_turn(long, before, RUNNING)).collect();
    accept(store, &turns);
    let journal = store.journal(ExecutionKey(long)).expect("read");
    for (before, turn) in journal.iter().enumerate() {
        assert_eq!(*turn, format!("turn {} of {long}", before + 1).into_bytes());
    }
    assert_eq!((journal.len(), row(store, long).turns), (400, 400));
}

/// Lists by state machine, version and alias, with and without status, newest first.
fn check_keys_before(store: &dyn Store) {
    let highest = store.highest_key().expect("read").0;
    let turn = |key: u64| first_turn(key, new_execution("before", &format!("b{key}"), 5), RUNNING);
    let keys = [highest + 1, highest + 3, highest + 4];
    accept(store, &keys.map(turn));
    let before = |key: u64, limit| -> Vec<u64> {
        let rows = store.executions_before(ExecutionKey(key), limit).expect("read");
        for row in &rows {
            let same = store.execution(row.key).expect("a row can be read");
            assert_eq!(Some(row), same.as_ref(), "whole rows are given");
        }
        rows.iter().map(|row| row.key.0).collect()
    };
    assert_eq!(before(u64::MAX, 2), [highest + 4, highest + 3]);
    assert_eq!(before(highest + 4, 2), [highest + 3, highest + 1]);
    assert_eq!(before(highest + 3, 1), [highest + 1]);
    assert_eq!(before(highest + 2, 0), Vec::<u64>::new());
    assert_eq!(before(0, 9), Vec::<u64>::new());
}

fn check_lists(store: &dyn Store) {
    let version = |number: u32| format!("{}:{number}", machine("lists"));
    let new = |name: &str, start: i64, number: Option<u32>, alias: Option<&str>| NewExecution {
        version_arn: number.map(|number| version(number).into()),
        alias_arn: alias.map(|alias| format!("{}:{alias}", machine("lists")).into()),
        ..new_execution("lists", name, start)
    };
    let hidden = NewExecution { listed: false, ..new("hidden", 9_999, Some(1), Some("live")) };
    accept(
        store,
        &[
            first_turn(600, new("a", 1_000, None, None), RUNNING),
            first_turn(601, new("b", 3_000, Some(1), None), RUNNING),
            first_turn(602, new("c", 2_000, Some(1), Some("live")), RUNNING),
            first_turn(603, new("d", 2_000, Some(2), Some("live")), stopped(1, 2_500)),
            first_turn(604, new("e", 2_000, None, Some("test")), stopped(2, 2_000)),
            first_turn(605, hidden, stopped(1, 9_999)),
            first_turn(606, new_execution("lists2", "f", 9_999), RUNNING),
            first_turn(607, new("g", -5, Some(2), None), stopped(u8::MAX, i64::MAX)),
        ],
    );
    let of_version = |number| ExecutionsOf::Version(version(number));
    let of_alias = |alias: &str| ExecutionsOf::Alias(format!("{}:{alias}", machine("lists")));
    let of_all = || ExecutionsOf::StateMachine(machine("lists"));
    let check = |of: ExecutionsOf, status: Option<u8>, expected: &[u64]| {
        let query = ExecutionQuery { of, status, after: None, limit: 100 };
        assert_eq!(listed(store, &query), expected, "{query:?}");
    };
    check(of_all(), None, &[607, 601, 603, 604, 602, 600]);
    check(of_all(), Some(0), &[601, 602, 600]);
    check(of_all(), Some(1), &[603]);
    check(of_all(), Some(2), &[604]);
    check(of_all(), Some(3), &[]);
    check(of_all(), Some(u8::MAX), &[607]);
    check(of_version(1), None, &[601, 602]);
    check(of_version(1), Some(0), &[601, 602]);
    check(of_version(1), Some(1), &[]);
    check(of_version(2), None, &[607, 603]);
    check(of_version(3), None, &[]);
    check(of_alias("live"), None, &[603, 602]);
    check(of_alias("live"), Some(0), &[602]);
    check(of_alias("test"), None, &[604]);
    // A Map Run's children, whether lists of their state machine show them or not.
    let run = format!("{}:run", machine("lists"));
    let child = |name: &str, listed| NewExecution {
        map_run_arn: Some(run.as_str().into()),
        listed,
        ..new_execution("children", name, 1_000)
    };
    accept(
        store,
        &[
            first_turn(620, child("a", false), RUNNING),
            first_turn(621, child("b", true), RUNNING),
            first_turn(622, child("c", false), stopped(1, 3_000)),
        ],
    );
    let of_run = || ExecutionsOf::MapRun(run.clone());
    check(of_run(), None, &[622, 621, 620]);
    check(of_run(), Some(0), &[621, 620]);
    check(ExecutionsOf::StateMachine(machine("children")), None, &[621]);
    let count = || store.count_children(&run).expect("count");
    assert_eq!(count(), [(0, 2), (1, 1)]);
    accept(store, &[later_turn(620, 1, stopped(2, 4_000))]);
    assert_eq!(count(), [(0, 1), (1, 1), (2, 1)]);
    check(of_run(), Some(2), &[620]);
    assert_eq!(store.count_children("nothing").expect("count"), []);
    // A version's ARN is no state machine's.
    check(ExecutionsOf::StateMachine(version(1)), None, &[]);
    check(ExecutionsOf::Version(machine("lists")), None, &[]);

    accept(store, &[later_turn(601, 1, stopped(1, 3_500)), later_turn(600, 1, RUNNING)]);
    check(of_all(), None, &[607, 601, 603, 604, 602, 600]);
    check(of_all(), Some(0), &[602, 600]);
    check(of_all(), Some(1), &[601, 603]);
    check(of_version(1), Some(1), &[601]);
    // A redrive puts it to the redrive's moment.
    let redriven = RowState { redrive_count: 1, redrive_date: Some(9_000), ..RUNNING };
    accept(store, &[later_turn(603, 1, redriven)]);
    check(of_all(), Some(0), &[603, 602, 600]);
    check(of_all(), None, &[607, 603, 601, 604, 602, 600]);
    check(of_alias("live"), None, &[603, 602]);
    check(of_alias("live"), Some(1), &[]);
}

/// Pages of any size, put together, are the whole list, also among equal moments.
fn check_list_pages(store: &dyn Store) {
    let turns: Vec<_> = (0..40_u64)
        .map(|at| {
            let moment = 1_000 + at as i64 * 7 % 5;
            let state = match at % 3 {
                0 => RUNNING,
                status => stopped(status as u8, moment),
            };
            first_turn(700 + at, new_execution("pages", &format!("p{at}"), moment), state)
        })
        .collect();
    accept(store, &turns);
    for status in [None, Some(0), Some(1), Some(2)] {
        let whole = listed(store, &of_machine("pages", status));
        let mut sorted: Vec<_> = turns
            .iter()
            .filter(|turn| status.is_none_or(|status| turn.state.status == status))
            .map(|turn| row(store, turn.key.0).place())
            .collect();
        sorted.sort_by_key(|place| std::cmp::Reverse((place.moment, place.key)));
        assert_eq!(whole, sorted.iter().map(|place| place.key.0).collect::<Vec<_>>());
        for limit in [1, 3, 7, 100] {
            let mut query = ExecutionQuery { limit, ..of_machine("pages", status) };
            let mut pages = Vec::new();
            loop {
                let page = listed(store, &query);
                let Some(last) = page.last() else { break };
                assert!(page.len() <= limit);
                query.after = Some(row(store, *last).place());
                pages.extend(page);
            }
            assert_eq!(pages, whole, "status {status:?}, pages of {limit}");
        }
    }
    assert_eq!(
        listed(store, &ExecutionQuery { limit: 0, ..of_machine("pages", None) }),
        [0_u64; 0]
    );
    // A place need not be that of an execution that is listed.
    let after = Some(ListPlace { moment: 1_002, key: ExecutionKey(0) });
    let rest = listed(store, &ExecutionQuery { after, ..of_machine("pages", None) });
    assert!(!rest.is_empty() && rest.iter().all(|key| row(store, *key).place().moment < 1_002));
}

fn check_wakes(store: &dyn Store) {
    let wake = |wake| RowState { wake: Some(wake), recover: false, ..RUNNING };
    let new = |name| new_execution("wakes", name, 1_000);
    accept(
        store,
        &[
            first_turn(800, new("a"), wake(30)),
            first_turn(801, new("b"), wake(10)),
            first_turn(802, new("c"), wake(20)),
            first_turn(803, new("d"), wake(10)),
            first_turn(804, new("e"), RowState { wake: None, ..RUNNING }),
            first_turn(805, new("f"), wake(-1)),
        ],
    );
    let check = |until: i64, limit: usize, expected: &[(u64, i64)]| {
        let expected: Vec<_> = expected.iter().map(|(k, wake)| (ExecutionKey(*k), *wake)).collect();
        assert_eq!(store.due(until, limit).expect("read"), expected, "until {until}");
    };
    check(-2, 10, &[]);
    check(9, 10, &[(805, -1)]);
    check(20, 10, &[(805, -1), (801, 10), (803, 10), (802, 20)]);
    check(30, 2, &[(805, -1), (801, 10)]);
    check(30, 0, &[]);
    // Wake-ups move, go and come.
    accept(store, &[later_turn(801, 1, wake(25)), later_turn(805, 1, stopped(1, 50))]);
    accept(store, &[later_turn(804, 1, wake(22)), later_turn(803, 1, RUNNING)]);
    check(30, 10, &[(802, 20), (804, 22), (801, 25), (800, 30)]);
    let over: Vec<_> = [(800, 1), (801, 2), (802, 1), (804, 2)]
        .map(|(key, before)| later_turn(key, before, stopped(1, 60)))
        .into();
    accept(store, &over);
    check(1_000, 10, &[]);
}

fn check_recovery(store: &dyn Store) {
    let base = ExecutionKey(899);
    let keys = |after: ExecutionKey, limit: usize| -> Vec<u64> {
        let keys = store.to_recover(after, limit).expect("read");
        keys.into_iter().map(|key| key.0).collect()
    };
    let new = |name| new_execution("recovery", name, 1_000);
    let idle = RowState { recover: false, ..RUNNING };
    accept(
        store,
        &[
            first_turn(902, new("c"), RUNNING),
            first_turn(900, new("a"), RUNNING),
            first_turn(901, new("b"), idle),
            first_turn(903, new("d"), RUNNING),
        ],
    );
    assert_eq!(keys(base, 10), [900, 902, 903]);
    assert_eq!(keys(base, 2), [900, 902]);
    assert_eq!(keys(ExecutionKey(902), 10), [903]);
    assert_eq!(keys(base, 0), [0; 0]);
    accept(
        store,
        &[
            later_turn(900, 1, stopped(1, 5)),
            later_turn(901, 1, RUNNING),
            later_turn(902, 1, idle),
            later_turn(903, 1, RUNNING),
        ],
    );
    assert_eq!(keys(base, 10), [901, 903]);
}

fn check_open_counts(store: &dyn Store) {
    let open = |name: &str| store.count_open(&machine(name)).expect("read");
    let hidden = NewExecution { listed: false, ..new_execution("open", "hidden", 1_000) };
    accept(
        store,
        &[
            first_turn(1_000, new_execution("open", "a", 1_000), RUNNING),
            first_turn(1_001, new_execution("open", "b", 1_000), stopped(1, 1_000)),
            first_turn(1_002, hidden, RUNNING),
            first_turn(1_003, new_execution("open2", "a", 1_000), RUNNING),
        ],
    );
    assert_eq!((open("open"), open("open2"), open("open3")), (2, 1, 0));
    accept(store, &[later_turn(1_000, 1, RUNNING), later_turn(1_002, 1, stopped(4, 2_000))]);
    assert_eq!((open("open"), open("open2")), (1, 1));
    accept(store, &[later_turn(1_000, 2, stopped(1, 2_000)), later_turn(1_001, 1, RUNNING)]);
    assert_eq!((open("open"), open("open2")), (1, 1));
}

fn check_records(store: &dyn Store) {
    let put = |kind, key: &str, body: &[u8]| {
        let write = Write::PutRecord { kind, key: key.to_owned(), body: body.to_vec() };
        assert_eq!(store.commit(&[write]).expect("a record commits"), [Outcome::Committed]);
    };
    let delete = |kind, key: &str| {
        let write = Write::DeleteRecord { kind, key: key.to_owned() };
        assert_eq!(store.commit(&[write]).expect("a record is deleted"), [Outcome::Committed]);
    };
    let large: Vec<u8> = (0..1_100_000_u32).map(|at| (at % 251) as u8).collect();
    put("machine", "a", b"one");
    put("machine", "b", b"");
    put("alias", "a", b"other kind");
    put("machine", "large", &large);
    assert_eq!(store.record("machine", "a").expect("read"), Some(b"one".to_vec()));
    assert_eq!(store.record("machine", "b").expect("read"), Some(Vec::new()));
    assert_eq!(store.record("alias", "a").expect("read"), Some(b"other kind".to_vec()));
    assert_eq!(store.record("alias", "b").expect("read"), None);
    assert!(store.record("machine", "large").expect("read") == Some(large), "a large record");
    put("machine", "a", b"two");
    assert_eq!(store.record("machine", "a").expect("read"), Some(b"two".to_vec()));
    delete("machine", "a");
    delete("machine", "never there");
    assert_eq!(store.record("machine", "a").expect("read"), None);
    assert_eq!(store.record("alias", "a").expect("read"), Some(b"other kind".to_vec()));
}

fn check_record_pages(store: &dyn Store) {
    let keys = ["a", "a/", "a/1", "a/10", "a/2", "a0", "b", "b/1", "A/1", "ä", "a/\u{10FFFF}x"];
    for key in keys {
        let body = key.as_bytes().to_vec();
        let writes = [
            Write::PutRecord { kind: "tag", key: key.to_owned(), body },
            Write::PutRecord { kind: "tagged", key: key.to_owned(), body: Vec::new() },
        ];
        assert_eq!(store.commit(&writes).expect("commits"), [Outcome::Committed; 2]);
    }
    let check = |prefix: &str, after: &str, limit: usize| {
        let mut expected: Vec<&str> =
            keys.into_iter().filter(|key| key.starts_with(prefix) && *key > after).collect();
        expected.sort_unstable();
        expected.truncate(limit);
        let found = store.records("tag", prefix, after, limit).expect("read");
        for (key, body) in &found {
            assert_eq!(body, key.as_bytes());
        }
        let found: Vec<_> = found.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(found, expected, "prefix {prefix:?}, after {after:?}, limit {limit}");
    };
    for prefix in ["", "a", "a/", "a/1", "b", "c", "ä", "\u{10FFFF}", "A"] {
        for after in ["", "A", "a", "a/", "a/10", "a/2", "a/\u{10FFFF}x", "b", "z", "\u{10FFFF}"] {
            for limit in [0, 1, 2, 100] {
                check(prefix, after, limit);
            }
        }
    }
    assert_eq!(store.records("ta", "", "", 10).expect("read"), []);
}

/// Sums of days and state machines; refused writes add nothing.
fn check_usage(store: &dyn Store) {
    let used = |transitions, requests| Usage { transitions, requests, ..Usage::default() };
    let on = |day, usage| DayUsage { day, usage };
    let entry =
        |day, name: &str, usage| UsageEntry { day, state_machine_arn: machine(name).into(), usage };
    let first = |key, of: &str, name: &str, usage| TurnWrite {
        usage,
        ..first_turn(key, new_execution(of, name, 1_000), RUNNING)
    };
    assert_eq!(store.usage(i64::MIN, i64::MAX).expect("read"), []);
    let all = Usage {
        executions: 1,
        transitions: 2,
        requests: 3,
        milliseconds: 4,
        megabyte_milliseconds: u64::from(u32::MAX) * 5,
    };
    accept(store, &[first(1_200, "usage-b", "one", on(10, all))]);
    accept(store, &[first(1_201, "usage-a", "two", on(10, used(7, 0)))]);
    let later = TurnWrite { usage: on(11, used(1, 0)), ..later_turn(1_200, 1, RUNNING) };
    let again = TurnWrite { usage: on(11, used(2, 0)), ..later_turn(1_200, 2, RUNNING) };
    accept(store, &[later, again]);
    let late = TurnWrite { usage: on(11, used(50, 0)), ..later_turn(1_200, 2, RUNNING) };
    commit(store, &[late], &[Outcome::Conflict]);
    let taken = first(1_202, "usage-b", "one", on(11, used(50, 0)));
    commit(store, &[taken], &[Outcome::NameTaken]);
    let added = Write::AddUsage(entry(10, "usage-c", used(0, 9)));
    assert_eq!(store.commit(&[added.clone(), added]).expect("commits"), [Outcome::Committed; 2]);

    let ten = [
        entry(10, "usage-a", used(7, 0)),
        entry(10, "usage-b", all),
        entry(10, "usage-c", used(0, 18)),
    ];
    assert_eq!(store.usage(10, 11).expect("read"), ten);
    assert_eq!(store.usage(11, 12).expect("read"), [entry(11, "usage-b", used(3, 0))]);
    assert_eq!(store.usage(10, 12).expect("read").len(), 4);
    assert_eq!(store.usage(12, 10).expect("read"), []);
}

/// The children of a Map Run stay as long as what lists show: its redrive needs them.
fn check_purge_of_children(store: &dyn Store) {
    let run = Some("arn:aws:states:us-east-1:123456789012:mapRun:purge/L:1".into());
    let new = |name, map_run_arn| NewExecution {
        listed: false,
        map_run_arn,
        ..new_execution("purge", name, 1_000)
    };
    accept(store, &[first_turn(1_290, new("child", run), stopped(1, 2_000))]);
    accept(store, &[first_turn(1_291, new("other", None), stopped(1, 2_000))]);
    let found = |listed_before, unlisted_before| {
        let after = ExecutionKey(1_289);
        let query = PurgeQuery { listed_before, unlisted_before, after, limit: 2 };
        let found = store.purgeable(&query).expect("read").executions;
        found.into_iter().map(|(key, _)| key.0).collect::<Vec<_>>()
    };
    assert_eq!(found(2_000, 2_001), [1_291]);
    assert_eq!(found(2_001, 2_001), [1_290, 1_291]);
}

/// What is purged is gone, its name is free, its key is not.
fn check_purge(store: &dyn Store) {
    let new = |name, start_date, listed| NewExecution {
        listed,
        ..new_execution("purge", name, start_date)
    };
    accept(
        store,
        &[
            first_turn(1_300, new("old", 1_000, true), stopped(1, 2_000)),
            first_turn(1_301, new("open", 1_100, true), RUNNING),
            first_turn(1_302, new("late", 1_200, true), stopped(1, 9_000)),
            first_turn(1_303, new("express", 1_300, false), stopped(2, 2_000)),
            first_turn(1_304, new("new", 5_000, true), stopped(1, 5_001)),
        ],
    );
    check_purge_of_children(store);
    accept(store, &[later_turn(1_300, 1, stopped(2, 2_500))]);
    let query = |listed_before, unlisted_before, after, limit| {
        let after = ExecutionKey(after);
        let query = PurgeQuery { listed_before, unlisted_before, after, limit };
        let found = store.purgeable(&query).expect("read");
        let keys: Vec<_> = found.executions.iter().map(|(key, turns)| (key.0, *turns)).collect();
        (keys, found.looked_to.map(|key| key.0))
    };
    assert_eq!(query(5_000, 5_000, 1_299, 100), (vec![(1_300, 2), (1_303, 1)], None));
    assert_eq!(query(2_500, 5_000, 1_299, 100), (vec![(1_303, 1)], None));
    assert_eq!(query(5_000, 0, 1_299, 100), (vec![(1_300, 2)], None));
    assert_eq!(query(5_000, 5_000, 1_299, 2), (vec![(1_300, 2)], Some(1_301)));
    assert_eq!(query(5_000, 5_000, 1_300, 2), (vec![], Some(1_302)));
    assert_eq!(query(9_999, 9_999, 1_303, 100), (vec![(1_304, 1)], Some(1_304)));
    assert_eq!(query(9_999, 9_999, 1_304, 100), (vec![], None));

    let purge = |key, turns| {
        let write = Write::Purge { key: ExecutionKey(key), turns };
        store.commit(&[write]).expect("commits")[0]
    };
    let before = listed(store, &of_machine("purge", None));
    assert_eq!(before, [1_302, 1_304, 1_300, 1_301]);
    // Another number of turns, not over, the highest key.
    assert_eq!(purge(1_300, 1), Outcome::Conflict);
    assert_eq!(purge(1_301, 1), Outcome::Conflict);
    assert_eq!(purge(1_304, 1), Outcome::Conflict);
    assert_eq!(listed(store, &of_machine("purge", None)), before);

    assert_eq!(purge(1_300, 2), Outcome::Committed);
    assert_eq!(purge(1_300, 2), Outcome::Committed);
    assert_eq!(purge(1_303, 1), Outcome::Committed);
    assert_eq!(listed(store, &of_machine("purge", None)), [1_302, 1_304, 1_301]);
    assert_eq!(store.execution(ExecutionKey(1_300)).expect("read"), None);
    assert_eq!(store.journal(ExecutionKey(1_300)).expect("read"), Vec::<Vec<u8>>::new());
    let old = new("old", 6_000, true);
    assert_eq!(store.execution_by_arn(&old.arn).expect("read"), None);
    commit(store, &[later_turn(1_300, 2, RUNNING)], &[Outcome::Conflict]);

    accept(store, &[first_turn(1_305, old.clone(), RUNNING)]);
    let found = store.execution_by_arn(&old.arn).expect("read").expect("it is there");
    assert_eq!(found.key, ExecutionKey(1_305));
    assert_eq!(store.count_open(&machine("purge")).expect("read"), 2);
    // In one batch: the name of what goes is free for what comes.
    accept(store, &[later_turn(1_305, 1, stopped(1, 7_000))]);
    accept(store, &[first_turn(1_306, new("last", 7_000, true), RUNNING)]);
    let writes = [
        Write::Purge { key: ExecutionKey(1_305), turns: 2 },
        Write::Turn(first_turn(1_307, old.clone(), RUNNING)),
    ];
    assert_eq!(store.commit(&writes).expect("commits"), [Outcome::Committed; 2]);
    let found = store.execution_by_arn(&old.arn).expect("read").expect("it is there");
    assert_eq!(found.key, ExecutionKey(1_307));
}

/// Bounds of numbers and odd texts.
fn check_bounds(store: &dyn Store) {
    let far = ExecutionKey(u64::MAX >> 1);
    let mut new = new_execution("bounds", "far", i64::MIN);
    new.header = vec![0, 255, 0];
    let state = RowState { wake: Some(i64::MAX), ..RUNNING };
    accept(store, &[first_turn(far.0, new.clone(), state)]);
    assert_eq!(row(store, far.0).new, new);
    assert_eq!(store.highest_key().expect("read"), far);
    assert_eq!(store.due(i64::MAX, 10).expect("read"), [(far, i64::MAX)]);
    let long = NewExecution {
        arn: format!("{ARN_STEM}:execution:bounds:{}", "n".repeat(5_000)).into(),
        header: vec![7; 300_000],
        ..new_execution("bounds", "quote ' and \0 nul", 0)
    };
    accept(store, &[first_turn(1_100, long.clone(), stopped(1, i64::MAX))]);
    assert_eq!(row(store, 1_100).new, long);
    let found = store.execution_by_arn(&long.arn).expect("read");
    assert_eq!(found.map(|row| row.key), Some(ExecutionKey(1_100)));
    assert_eq!(listed(store, &of_machine("bounds", None)), [1_100, far.0]);
    assert_eq!(store.execution(ExecutionKey(u64::MAX)).expect("read"), None);
    assert_eq!(store.journal(ExecutionKey(u64::MAX)).expect("read"), Vec::<Vec<u8>>::new());
    assert_eq!(store.to_recover(ExecutionKey(u64::MAX), 10).expect("read"), []);
}
