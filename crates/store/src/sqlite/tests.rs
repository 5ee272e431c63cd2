//! Tests that need to see inside: small limits, damage, a full disk, and crashes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use expect_test::{Expect, expect};
use proptest::prelude::*;
use tempfile::TempDir;

use super::{Options, SqliteStore};
use crate::{
    DayUsage, ExecutionKey, ExecutionQuery, ExecutionsOf, MemoryStore, NewExecution, PurgeQuery,
    RowState, Store, StoreError, TurnWrite, Usage, Write, check_store,
};

/// Meets with little data what takes much: hashes collide, move into the index, and the log is
/// brought into the file.
fn small() -> Options {
    Options {
        arn_hash: |arn| arn.len() as i64 % 5,
        recent_arns_max: 7,
        log_pages: 20,
        log_room_pages: 300,
    }
}

/// Files change with commits only, and the log's length says where the last commit ends.
fn roomless() -> Options {
    Options { log_room_pages: 0, ..Options::default() }
}

#[test]
fn the_contract_holds_at_every_limit() {
    let folder = tempfile::tempdir().unwrap();
    check_store(&SqliteStore::open_with(folder.path(), &small()).unwrap());
}

// --- Batches that are made up, on both stores ---

const MACHINES: [&str; 2] = ["arn:aws:states:::stateMachine:a", "arn:aws:states:::stateMachine:b"];

/// A write, from which the state of the stores makes a real one.
#[derive(Debug, Clone)]
enum Action {
    Turn { key: u64, off: i8, name: u8, of: u8, state: RowState, bytes: usize },
    Put { key: u8, bytes: usize },
    Delete { key: u8 },
    Purge { key: u64, off: i8 },
}

fn action() -> impl Strategy<Value = Action> {
    let redrive = (0..3_u32, proptest::option::of(-3..10_i64));
    let state = (0..3_u8, -3..10_i64, proptest::option::of(0..20_i64), any::<bool>(), redrive);
    let state = state.prop_map(|(status, moment, wake, recover, redrive)| {
        let stop_date = (status > 0).then_some(moment);
        let (redrive_count, redrive_date) = redrive;
        RowState { status, stop_date, wake, recover, redrive_count, redrive_date }
    });
    let off = prop_oneof![8 => Just(0_i8), 1 => Just(1), 1 => Just(-1)];
    let bytes = prop_oneof![6 => 0..600_usize, 1 => 900..5_000_usize];
    let turn = (1..25_u64, off, 0..40_u8, any::<u8>(), state, bytes);
    prop_oneof![
        8 => turn.prop_map(|(key, off, name, of, state, bytes)| {
            Action::Turn { key, off, name, of, state, bytes }
        }),
        1 => (0..6_u8, 0..2_000_usize).prop_map(|(key, bytes)| Action::Put { key, bytes }),
        1 => (0..6_u8).prop_map(|key| Action::Delete { key }),
        2 => (1..25_u64, 0..2_i8).prop_map(|(key, off)| Action::Purge { key, off }),
    ]
}

fn real(action: &Action, now: &MemoryStore) -> Write {
    let record_key = |key: u8| format!("{}/{key}", key % 2);
    match *action {
        Action::Turn { key, off, name, of, state, bytes } => {
            let key = ExecutionKey(key);
            let turns = now.execution(key).unwrap().map_or(0, |row| row.turns);
            let turns_before = turns.saturating_add_signed(off.into());
            let journal = vec![turns as u8; bytes];
            let new = (turns_before == 0).then(|| new_execution(name, of, bytes));
            let usage = Usage { transitions: bytes as u64, ..Usage::default() };
            let usage = DayUsage { day: i64::from(name % 3), usage };
            Write::Turn(TurnWrite { key, turns_before, journal, state, usage, new })
        }
        Action::Put { key, bytes } => {
            Write::PutRecord { kind: "kind", key: record_key(key), body: vec![key; bytes] }
        }
        Action::Purge { key, off } => {
            let key = ExecutionKey(key);
            let turns = now.execution(key).unwrap().map_or(0, |row| row.turns);
            Write::Purge { key, turns: turns.saturating_add_signed(off.into()) }
        }
        Action::Delete { key } => Write::DeleteRecord { kind: "kind", key: record_key(key) },
    }
}

/// What every bit of `of` says is different.
fn new_execution(name: u8, of: u8, bytes: usize) -> NewExecution {
    let machine = MACHINES[usize::from(of & 1)];
    let rest = if of & 2 == 0 { ":uuid" } else { "" };
    NewExecution {
        arn: format!("arn:aws:states:::execution:m:{name}{rest}").into(),
        name: name.to_string().into(),
        state_machine_arn: machine.into(),
        version_arn: (of & 4 == 0).then(|| format!("{machine}:1").into()),
        alias_arn: (of & 8 == 0).then(|| format!("{machine}:live").into()),
        map_run_arn: (of & 16 == 0).then(|| format!("{machine}:run").into()),
        start_date: i64::from(of >> 4),
        listed: of & 0b11_0000 != 0,
        header: vec![of; bytes / 2],
    }
}

/// Everything that can be read.
fn compare(one: &dyn Store, other: &dyn Store) {
    macro_rules! same {
        ($read:expr) => {{
            let read = $read;
            assert_eq!(read(one).unwrap(), read(other).unwrap(), "{}", stringify!($read));
        }};
    }
    same!(|store: &dyn Store| store.highest_key());
    for key in (0..27).map(ExecutionKey) {
        same!(|store: &dyn Store| store.execution(key));
        same!(|store: &dyn Store| store.journal(key));
        same!(|store: &dyn Store| store.to_recover(key, 4));
    }
    for name in 0..42 {
        for of in [0, 2] {
            let arn = new_execution(name, of, 0).arn;
            same!(|store: &dyn Store| store.execution_by_arn(&arn));
        }
    }
    for wake in -1..21 {
        same!(|store: &dyn Store| store.due(wake, 5));
    }
    for machine in MACHINES {
        same!(|store: &dyn Store| store.count_open(machine));
        for of in [
            ExecutionsOf::StateMachine(machine.to_owned()),
            ExecutionsOf::Version(format!("{machine}:1")),
            ExecutionsOf::Alias(format!("{machine}:live")),
        ] {
            for status in [None, Some(0), Some(1), Some(2), Some(3)] {
                compare_list(one, other, &of, status);
            }
        }
    }
    same!(|store: &dyn Store| store.usage(0, 2));
    for (listed_before, unlisted_before) in [(5, 5), (9, 2), (0, 10)] {
        for after in [0, 7, 20].map(ExecutionKey) {
            let query = PurgeQuery { listed_before, unlisted_before, after, limit: 6 };
            same!(|store: &dyn Store| store.purgeable(&query));
        }
    }
    for prefix in ["", "0", "1/", "2"] {
        for after in ["", "0/2", "1/1", "3"] {
            same!(|store: &dyn Store| store.records("kind", prefix, after, 2));
        }
    }
    same!(|store: &dyn Store| store.record("kind", "1/3"));
}

fn compare_list(one: &dyn Store, other: &dyn Store, of: &ExecutionsOf, status: Option<u8>) {
    let mut query = ExecutionQuery { of: of.clone(), status, after: None, limit: 3 };
    loop {
        let page = one.list_executions(&query).unwrap();
        assert_eq!(page, other.list_executions(&query).unwrap(), "{query:?}");
        let Some(last) = page.last() else { break };
        query.after = Some(last.place());
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if std::env::var_os("STEPWELL_SLOW").is_some() { 300 } else { 10 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Any batches do the same to both stores, with crashes between them.
    #[test]
    fn both_stores_do_the_same(
        batches in prop::collection::vec(
            (prop::collection::vec(action(), 1..20), prop::bool::weighted(0.3)),
            1..8,
        ),
    ) {
        let oracle = MemoryStore::default();
        let mut folder = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open_with(folder.path(), &small()).unwrap();
        for (actions, crash) in batches {
            let now = oracle.fork();
            let mut writes = Vec::new();
            for action in &actions {
                let write = real(action, &now);
                now.commit(std::slice::from_ref(&write)).unwrap();
                writes.push(write);
            }
            prop_assert_eq!(oracle.commit(&writes).unwrap(), store.commit(&writes).unwrap());
            compare(&oracle, &store);
            if crash {
                let left = copy(folder.path());
                store = SqliteStore::open_with(left.path(), &small()).unwrap();
                folder = left;
                compare(&oracle, &store);
            }
        }
        drop(store);
        let reopened = SqliteStore::open_with(folder.path(), &small()).unwrap();
        compare(&oracle, &reopened);
        compare(&oracle, now_whole(&reopened));
    }
}

/// The store, after SQLite found nothing wrong with its file.
fn now_whole(store: &SqliteStore) -> &SqliteStore {
    let writer = store.shared.writer();
    let check = "PRAGMA integrity_check";
    let found: String = writer.connection.query_row(check, [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok");
    store
}

// --- Crashes ---

/// The files of a folder as they are at this moment, in a folder of their own.
fn copy(folder: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for (name, bytes) in files(folder) {
        // The log's index is shared memory: a crash of the machine leaves none.
        if !name.ends_with("-shm") {
            fs::write(to.path().join(name), bytes).unwrap();
        }
    }
    to
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let read =
        |path| if fs::metadata(&path).unwrap().is_dir() { vec![] } else { fs::read(path).unwrap() };
    entries.map(|entry| (entry.file_name().into_string().unwrap(), read(entry.path()))).collect()
}

/// A first turn of an execution that runs.
fn first_turn(key: u64, bytes: usize) -> Write {
    let state = RowState { recover: true, ..RowState::default() };
    let new = NewExecution {
        arn: format!("arn:aws:states:::execution:m:{key}").into(),
        ..new_execution(key as u8, 0, 20)
    };
    let (key, journal) = (ExecutionKey(key), vec![key as u8; bytes]);
    let usage = DayUsage::default();
    Write::Turn(TurnWrite { key, turns_before: 0, journal, state, usage, new: Some(new) })
}

/// A log that ends anywhere, or is damaged anywhere, holds whole commits and never a part of one,
/// also where there is room behind it.
#[test]
fn a_torn_log_holds_whole_commits() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open_with(folder.path(), &roomless()).unwrap();
    let log = folder.path().join("stepwell.sqlite-wal");
    let mut key = 0;
    // After which length of the log there are how many executions.
    let mut commits = vec![(0, 0)];
    for size in [1, 7, 30, 2] {
        let writes: Vec<_> = (0..size).map(|at| first_turn(key + 1 + at, 700)).collect();
        store.commit(&writes).unwrap();
        key += size;
        commits.push((fs::metadata(&log).unwrap().len(), key));
    }
    let length = commits.last().unwrap().0;
    let kept = |until: u64| commits.iter().rfind(|commit| commit.0 <= until).unwrap().1;
    for place in (0..=length).step_by(9_973).chain(commits.iter().map(|commit| commit.0)) {
        for flip in [false, true] {
            let left = copy(folder.path());
            let log = left.path().join("stepwell.sqlite-wal");
            let mut bytes = fs::read(&log).unwrap();
            match bytes.get_mut(place as usize) {
                Some(byte) if flip => *byte ^= 0x10,
                _ => bytes.truncate(place as usize),
            }
            if place % 2 == 1 {
                bytes.resize(bytes.len() + 20_000, 0);
            }
            fs::write(&log, bytes).unwrap();
            let left = SqliteStore::open(left.path()).unwrap();
            // The log's head has bytes that say nothing about its pages.
            let highest = left.highest_key().unwrap().0;
            assert!(highest == kept(place) || flip && place < 32 && highest == key, "{place}");
            let recovered = left.to_recover(ExecutionKey(0), 100).unwrap();
            assert_eq!(recovered.len() as u64, highest);
            for key in recovered {
                let arn = left.execution(key).unwrap().unwrap().new.arn;
                assert_eq!(left.execution_by_arn(&arn).unwrap().unwrap().key, key);
                assert_eq!(left.journal(key).unwrap(), [vec![key.0 as u8; 700]]);
            }
        }
    }
}

/// Readers see whole commits while others write and the log is brought into the file.
#[test]
fn readers_and_the_writer_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open_with(folder.path(), &small()).unwrap();
    let done = AtomicBool::new(false);
    let read = || {
        while !done.load(Ordering::Relaxed) {
            let highest = store.highest_key().unwrap();
            assert_eq!(highest.0 % 5, 0, "part of a commit");
            if highest.0 > 0 {
                let row = store.execution(highest).unwrap().unwrap();
                assert_eq!(store.execution_by_arn(&row.new.arn).unwrap(), Some(row));
                assert_eq!(store.journal(highest).unwrap().len(), 1);
                assert!(
                    store.to_recover(ExecutionKey(0), 1_000).unwrap().len() as u64 >= highest.0
                );
            }
        }
    };
    std::thread::scope(|scope| {
        let readers = [scope.spawn(read), scope.spawn(read), scope.spawn(read)];
        for group in 0..30 {
            let writes: Vec<_> = (1..=5).map(|at| first_turn(group * 5 + at, 400)).collect();
            store.commit(&writes).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.join().unwrap();
        }
    });
    now_whole(&store);
}

#[test]
fn the_log_starts_over_when_it_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let connection = super::checkpoint::connect(&store.shared.file).unwrap();
    for key in 1..50 {
        store.commit(&[first_turn(key, 3_000)]).unwrap();
    }
    let (log, done) = super::checkpoint::checkpoint(&store.shared, &connection).unwrap();
    assert!(log > 100 && done == log, "{log} {done}");
    store.commit(&[first_turn(50, 10)]).unwrap();
    let (log, done) = super::checkpoint::checkpoint(&store.shared, &connection).unwrap();
    assert!(log < 20 && done == log, "{log} {done}");
}

#[test]
fn a_full_disk_is_said_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    let oracle = MemoryStore::default();
    let store = SqliteStore::open_with(folder.path(), &small()).unwrap();
    let limit = |pages: u32| {
        let writer = store.shared.writer();
        writer.connection.pragma_update(None, "max_page_count", pages).unwrap();
    };
    limit(60);
    let mut key = 0;
    let full = loop {
        let writes = [first_turn(key + 1, 900), first_turn(key + 2, 900)];
        match store.commit(&writes) {
            Ok(outcomes) => assert_eq!(outcomes, oracle.commit(&writes).unwrap()),
            Err(error) => break error,
        }
        key += 2;
    };
    let text = full.to_string().replace(&folder.path().display().to_string(), "DIR");
    expect!["the disk that holds the data directory is full: DIR/stepwell.sqlite cannot grow; it goes on when there is room again"].assert_eq(&text);
    assert!(matches!(full, StoreError::Full(_)));
    assert!(key > 10);
    compare(&oracle, &store);
    assert!(matches!(store.commit(&[first_turn(key + 1, 5_000)]), Err(StoreError::Full(_))));
    limit(10_000);
    let writes: Vec<_> = (1..40).map(|at| first_turn(key + at, 900)).collect();
    assert_eq!(store.commit(&writes).unwrap(), oracle.commit(&writes).unwrap());
    compare(&oracle, now_whole(&store));
}

// --- Folders that cannot be opened ---

/// Opens a folder that cannot be opened and compares what is said; nothing may have changed.
#[track_caller]
fn check_unusable(folder: &Path, expected: &Expect) {
    let before = folder.is_dir().then(|| files(folder));
    let error = SqliteStore::open(folder).map(|_| ()).unwrap_err();
    assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
    let text = error.to_string().replace(&folder.display().to_string(), "DIR");
    expected.assert_eq(&text.replace(&format!("process {}", std::process::id()), "process N"));
    if let Some(mut before) = before {
        let mut after = files(folder);
        // The lock is ours alone.
        before.remove("stepwell.lock");
        after.remove("stepwell.lock");
        assert!(before == after, "something was changed");
    }
}

/// A folder with a store, which was closed.
fn closed_store() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let writes: Vec<_> = (1..100).map(|key| first_turn(key, 3_000)).collect();
    store.commit(&writes).unwrap();
    drop(store);
    assert_eq!(files(folder.path()).len(), 2, "the store and the lock");
    folder
}

#[test]
fn a_folder_is_made_and_is_locked() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data").join("deep");
    let store = SqliteStore::open_with(&folder, &roomless()).unwrap();
    check_unusable(
        &folder,
        &expect![
            "the data directory DIR is in use by process N: stop it, or use another directory"
        ],
    );
    drop(store);
    SqliteStore::open(&folder).unwrap();
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let not_ours = expect![
        "DIR/stepwell.sqlite is not a store of Stepwell: move it away, or use another data directory"
    ];
    for bytes in [&b""[..], b"SQLite format 3\0", &[b'x'; 5_000]] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("stepwell.sqlite"), bytes).unwrap();
        check_unusable(folder.path(), &not_ours);
        assert_eq!(files(folder.path()).len(), 1, "no lock either");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("stepwell.sqlite")).unwrap();
    check_unusable(folder.path(), &not_ours);

    let folder = tempfile::tempdir().unwrap();
    let other = rusqlite::Connection::open(folder.path().join("stepwell.sqlite")).unwrap();
    other.execute_batch("PRAGMA application_id = 7; CREATE TABLE songs (name)").unwrap();
    drop(other);
    check_unusable(
        folder.path(),
        &expect![
            "DIR/stepwell.sqlite is an SQLite file of another program: move it away, or use another data directory"
        ],
    );
}

#[test]
fn a_newer_store_is_left_alone() {
    let newer = expect![
        "DIR/stepwell.sqlite was written by a newer version of Stepwell (format 1000, while this version knows formats up to 3): use that version"
    ];
    let folder = closed_store();
    let connection = rusqlite::Connection::open(folder.path().join("stepwell.sqlite")).unwrap();
    connection.execute_batch("PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = 1000").unwrap();
    // The version is in the log alone, then in the file.
    let left = copy(folder.path());
    assert_eq!(files(left.path()).len(), 3);
    let error = SqliteStore::open(left.path()).map(|_| ()).unwrap_err();
    newer.assert_eq(&error.to_string().replace(&left.path().display().to_string(), "DIR"));
    drop(connection);
    check_unusable(folder.path(), &newer);
}

#[test]
fn what_cannot_be_a_data_directory_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "text").unwrap();
    check_unusable(&file, &expect!["DIR is not a directory"]);
    let below = file.join("below");
    check_unusable(
        &below,
        &expect!["the data directory DIR cannot be written: Not a directory (os error 20)"],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_folder_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let set = |read_only| {
        let mut permissions = fs::metadata(folder.path()).unwrap().permissions();
        permissions.set_readonly(read_only);
        fs::set_permissions(folder.path(), permissions).unwrap();
    };
    set(true);
    // Permissions do not hold back the super-user, but nobody makes folders in /proc.
    let refused = fs::write(folder.path().join("probe"), "").is_err();
    let tried = if refused { folder.path() } else { Path::new("/proc/self/stepwell") };
    let error = SqliteStore::open(tried).map(|_| ()).unwrap_err().to_string();
    let start = format!("the data directory {} cannot be written: ", tried.display());
    assert!(error.starts_with(&start), "{error}");
    set(false);
}

/// The operator's guide says to make backups this way while the server runs.
#[test]
fn a_backup_by_sqlite_is_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let oracle = MemoryStore::default();
    let store = SqliteStore::open_with(folder.path(), &small()).unwrap();
    let writes: Vec<_> = (1..25).map(|key| first_turn(key, 1_500)).collect();
    assert_eq!(store.commit(&writes).unwrap(), oracle.commit(&writes).unwrap());
    let backup = tempfile::tempdir().unwrap();
    let operator = rusqlite::Connection::open(folder.path().join("stepwell.sqlite")).unwrap();
    let to = backup.path().join("stepwell.sqlite");
    operator.execute("VACUUM INTO ?1", [to.to_str().unwrap()]).unwrap();
    compare(&oracle, &SqliteStore::open_with(backup.path(), &small()).unwrap());
}

#[test]
fn a_log_without_its_store_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    store.commit(&[first_turn(1, 10)]).unwrap();
    let left = copy(folder.path());
    fs::remove_file(left.path().join("stepwell.sqlite")).unwrap();
    check_unusable(
        left.path(),
        &expect![
            "DIR/stepwell.sqlite is missing, though its log DIR/stepwell.sqlite-wal is there: restore both from a backup, or remove the log to start empty"
        ],
    );
}

#[test]
fn a_store_that_was_not_finished_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("stepwell.sqlite.new"), "half").unwrap();
    fs::write(folder.path().join("stepwell.sqlite.new-journal"), "half").unwrap();
    check_store(&SqliteStore::open(folder.path()).unwrap());
    let names: Vec<_> = files(folder.path()).into_keys().collect();
    assert_eq!(names, ["stepwell.lock", "stepwell.sqlite"]);
}

#[test]
fn damage_is_said() {
    let folder = closed_store();
    let file = folder.path().join("stepwell.sqlite");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..4096 * 3]).unwrap();
    check_unusable(
        folder.path(),
        &expect![
            "DIR/stepwell.sqlite is damaged (database disk image is malformed): restore the directory from a backup"
        ],
    );
    let mut schema = whole.clone();
    schema[4096..4096 * 20].fill(0xa5);
    fs::write(&file, &schema).unwrap();
    check_unusable(
        folder.path(),
        &expect![
            "DIR/stepwell.sqlite is damaged (database disk image is malformed): restore the directory from a backup"
        ],
    );

    // Damage in one table is found when it is read, and the rest can still be read.
    fs::write(&file, &whole).unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'journal'";
    let root: u32 = {
        let writer = store.shared.writer();
        writer.connection.query_row(root, [], |row| row.get(0)).unwrap()
    };
    drop(store);
    let root = root as usize;
    let mut journal = whole;
    journal[4096 * (root - 1)..4096 * root].fill(0xa5);
    fs::write(&file, &journal).unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    assert!(store.execution(ExecutionKey(1)).unwrap().is_some());
    let error = store.journal(ExecutionKey(1)).unwrap_err().to_string();
    expect!["the store failed: DIR/stepwell.sqlite is damaged (database disk image is malformed): stop the server and restore the directory from a backup"]
        .assert_eq(&error.replace(&folder.path().display().to_string(), "DIR"));
}
