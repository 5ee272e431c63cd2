//! Stores of every format that was ever released can be read. `testdata/formats/store-vN` is the
//! store that version N made of the writes below, as SQL.

use std::fmt::Write as _;

use expect_test::expect_file;
use rusqlite::Connection;

use super::{Options, SqliteStore, schema};
use crate::{
    DayUsage, ExecutionKey, ExecutionQuery, ExecutionRow, ExecutionsOf, MemoryStore, NewExecution,
    RowState, Store, TurnWrite, Usage, UsageEntry, Write,
};

const MACHINES: [&str; 2] = ["Orders", "Größe"];
const MAP_RUN: &str = "arn:aws:states:eu-central-1:123456789012:mapRun:Orders/Each:0b1e6d1c";

/// Batches that meet each part of a format. They are never changed; a part that is new in a later
/// format is met by more of them.
fn batches(version: u32) -> Vec<Vec<Write>> {
    let running = RowState { recover: true, ..RowState::default() };
    let waiting = RowState { wake: Some(1_800_000_000_000), recover: false, ..running };
    let over =
        |status, stop_date| RowState { status, stop_date: Some(stop_date), ..RowState::default() };
    let long = |byte: u8| vec![byte; 2_200];
    let standard = |key: u64, machine: &str| NewExecution {
        arn: format!("arn:aws:states:eu-central-1:123456789012:execution:{machine}:run-{key}")
            .into(),
        name: format!("run-{key}").into(),
        state_machine_arn: machine_arn(machine).into(),
        version_arn: None,
        alias_arn: None,
        map_run_arn: None,
        start_date: 1_700_000_000_000 + key.cast_signed(),
        listed: true,
        header: format!("header {key}").into_bytes(),
    };
    let first = |key, new, state, journal| {
        Write::Turn(TurnWrite {
            key: ExecutionKey(key),
            turns_before: 0,
            journal,
            state,
            usage: DayUsage::default(),
            new: Some(new),
        })
    };
    let later = |key, turns_before, state, journal| {
        let (key, usage) = (ExecutionKey(key), DayUsage::default());
        Write::Turn(TurnWrite { key, turns_before, journal, state, usage, new: None })
    };
    let put = |kind, key: &str, body: &str| Write::PutRecord {
        kind,
        key: key.to_owned(),
        body: body.as_bytes().to_vec(),
    };
    let of_version = Some(format!("{}:7", machine_arn("Orders")).into());
    let alias = Some(format!("{}:live", machine_arn("Orders")).into());
    let express = "arn:aws:states:eu-central-1:123456789012:express:Orders:run-4:0aa4e7c1".into();
    let mut batches = vec![
        vec![
            put("stateMachine", "Orders", "definition"),
            first(1, standard(1, "Orders"), running, b"one".to_vec()),
            first(2, standard(2, "Orders"), waiting, b"two".to_vec()),
            first(3, standard(3, "Größe"), over(1, 1_700_000_000_500), Vec::new()),
        ],
        vec![
            first(
                4,
                NewExecution { arn: express, listed: false, ..standard(4, "Orders") },
                running,
                b"4".to_vec(),
            ),
            first(
                5,
                NewExecution { version_arn: of_version.clone(), ..standard(5, "Orders") },
                over(2, 1_700_000_000_600),
                long(5),
            ),
            first(6, NewExecution { header: long(6), ..standard(6, "Orders") }, waiting, long(66)),
            first(
                7,
                NewExecution { arn: "of another shape".into(), ..standard(7, "Größe") },
                running,
                b"7".to_vec(),
            ),
            later(1, 1, waiting, b"one again".to_vec()),
        ],
        vec![
            first(
                8,
                NewExecution { version_arn: of_version, alias_arn: alias, ..standard(8, "Orders") },
                over(1, 1_700_000_000_700),
                b"8".to_vec(),
            ),
            later(1, 2, over(1, 1_700_000_000_800), b"one at last".to_vec()),
            put("tag", "Orders/1", ""),
            put("tag", "Orders/2", "gone"),
            Write::DeleteRecord { kind: "tag", key: "Orders/2".to_owned() },
        ],
    ];
    if version >= 2 {
        let redriven =
            RowState { redrive_count: 3, redrive_date: Some(1_700_000_000_900), ..running };
        let usage = Usage {
            executions: 1,
            transitions: 2,
            requests: 3,
            milliseconds: 4,
            megabyte_milliseconds: 5,
        };
        let entry =
            UsageEntry { day: 19_675, state_machine_arn: machine_arn("Größe").into(), usage };
        batches.push(vec![Write::AddUsage(entry), later(5, 1, redriven, b"5 again".to_vec())]);
    }
    if version >= 3 {
        let child = |key| NewExecution {
            state_machine_arn: machine_arn("Orders/Each").into(),
            map_run_arn: Some(MAP_RUN.into()),
            listed: false,
            ..standard(key, "Orders/Each")
        };
        batches.push(vec![
            first(9, child(9), running, b"9".to_vec()),
            first(10, child(10), over(1, 1_700_000_000_900), b"10".to_vec()),
        ]);
    }
    batches
}

fn machine_arn(name: &str) -> String {
    format!("arn:aws:states:eu-central-1:123456789012:stateMachine:{name}")
}

/// The whole file as SQL.
fn dump(connection: &Connection) -> String {
    let number = |pragma: &str| -> i64 {
        connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).unwrap()
    };
    let texts = |select: &str| -> Vec<String> {
        let mut select = connection.prepare(select).unwrap();
        let rows = select.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let mut dump = String::new();
    for pragma in ["page_size", "application_id", "user_version"] {
        writeln!(dump, "PRAGMA {pragma} = {};", number(pragma)).unwrap();
    }
    for create in texts("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid") {
        writeln!(dump, "{create};").unwrap();
    }
    for table in texts("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid") {
        let columns =
            texts(&format!("SELECT 'quote(' || name || ')' FROM pragma_table_info('{table}')"));
        let values = columns.join(" || ', ' || ");
        for values in texts(&format!("SELECT {values} FROM {table} ORDER BY 1")) {
            writeln!(dump, "INSERT INTO {table} VALUES ({values});").unwrap();
        }
    }
    dump
}

/// Everything that was kept, by each way to read it.
fn read(store: &dyn Store) -> Vec<ExecutionRow> {
    let mut rows = Vec::new();
    for key in 1..=store.highest_key().unwrap().0 {
        let row = store.execution(ExecutionKey(key)).unwrap().unwrap();
        assert_eq!(store.execution_by_arn(&row.new.arn).unwrap().as_ref(), Some(&row));
        rows.push(row);
    }
    let children = ExecutionsOf::MapRun(MAP_RUN.to_owned());
    let query = ExecutionQuery { of: children, status: None, after: None, limit: 100 };
    rows.extend(store.list_executions(&query).unwrap());
    for machine in MACHINES.map(machine_arn) {
        for of in [
            ExecutionsOf::Version(format!("{machine}:7")),
            ExecutionsOf::Alias(format!("{machine}:live")),
            ExecutionsOf::StateMachine(machine),
        ] {
            for status in [None, Some(0), Some(1), Some(2)] {
                let query = ExecutionQuery { of: of.clone(), status, after: None, limit: 100 };
                rows.extend(store.list_executions(&query).unwrap());
            }
        }
    }
    rows
}

/// The format of this version has not changed since its fixture was made. A change needs a new
/// number, a migration, and a fixture beside the old ones.
#[test]
fn this_version_writes_its_format() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { recent_arns_max: 3, ..Options::default() };
    let store = SqliteStore::open_with(folder.path(), &options).unwrap();
    for batch in batches(schema::VERSION) {
        store.commit(&batch).unwrap();
    }
    let dump = dump(&store.shared.writer().connection);
    expect_file!["../../../../testdata/formats/store-v3/store.sql"].assert_eq(&dump);
}

#[test]
fn every_format_can_be_read_and_written() {
    let formats = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/formats");
    for version in 1..=schema::VERSION {
        let sql = std::fs::read_to_string(format!("{formats}/store-v{version}/store.sql")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = Connection::open(folder.path().join("stepwell.sqlite")).unwrap();
        file.execute_batch(&sql).unwrap();
        drop(file);

        let store = SqliteStore::open(folder.path()).unwrap();
        let oracle = MemoryStore::default();
        for batch in batches(version) {
            oracle.commit(&batch).unwrap();
            let refused = store.commit(&batch[1..2]).unwrap();
            assert_eq!(refused, [crate::Outcome::Conflict], "version {version}");
        }
        assert_eq!(read(&store), read(&oracle), "version {version}");
        let count = |store: &dyn Store| store.count_children(MAP_RUN).unwrap();
        assert_eq!(count(&store), count(&oracle));
        for key in (1..=oracle.highest_key().unwrap().0).map(ExecutionKey) {
            assert_eq!(store.journal(key).unwrap(), oracle.journal(key).unwrap());
        }
        assert_eq!(store.due(i64::MAX, 9).unwrap(), oracle.due(i64::MAX, 9).unwrap());
        let recover = |store: &dyn Store| store.to_recover(ExecutionKey(0), 9).unwrap();
        assert_eq!(recover(&store), recover(&oracle));
        for machine in MACHINES.map(machine_arn) {
            assert_eq!(store.count_open(&machine).unwrap(), oracle.count_open(&machine).unwrap());
        }
        let usage = |store: &dyn Store| store.usage(i64::MIN, i64::MAX).unwrap();
        assert_eq!(usage(&store), usage(&oracle));
        for kind in ["stateMachine", "tag"] {
            let records = |store: &dyn Store| store.records(kind, "", "", 9).unwrap();
            assert_eq!(records(&store), records(&oracle));
        }
    }
}
