//! What is read, each with one connection.

use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::arns;
use super::write::HEADER_TURN;
use crate::records::{
    ExecutionKey, ExecutionQuery, ExecutionRow, ExecutionsOf, ListPlace, NewExecution, PurgeQuery,
    Purgeable, RowState, Usage, UsageEntry,
};

/// An execution's row, as [`row`] reads it.
const EXECUTION: &str = "SELECT e.key, e.turns, e.status, e.stopped, e.moment, e.wake, e.recover, \
     e.listed, e.start_date, machine.arn, version.arn, alias.arn, stem.arn, e.name, e.rest, \
     coalesce(e.header, (SELECT bytes FROM journal WHERE execution = e.key AND turn = 0)), \
     e.redrives, e.redrive_date, map_run.arn \
     FROM executions e JOIN arns machine ON machine.id = e.state_machine \
     LEFT JOIN arns version ON version.id = e.version \
     LEFT JOIN arns alias ON alias.id = e.alias \
     LEFT JOIN arns stem ON stem.id = e.stem \
     LEFT JOIN arns map_run ON map_run.id = e.map_run \
     WHERE e.key = ?1";
const _: () = assert!(HEADER_TURN == 0, "the statement above names it");

const FIRST_TURN: &str = "SELECT first_turn FROM executions WHERE key = ?1";
const TURNS: &str = "SELECT bytes FROM journal WHERE execution = ?1 AND turn > 0 ORDER BY turn";
const KEYS_BEFORE: &str = "SELECT key FROM executions WHERE key < ?1 ORDER BY key DESC LIMIT ?2";
const DUE: &str = "SELECT key, wake FROM executions WHERE wake <= ?1 ORDER BY wake, key LIMIT ?2";
const TO_RECOVER: &str =
    "SELECT key FROM executions WHERE recover = 1 AND key > ?1 ORDER BY key LIMIT ?2";
const COUNT_OPEN: &str = "SELECT \
     (SELECT count(*) FROM executions WHERE listed = 1 AND state_machine = ?1 AND status = 0) + \
     (SELECT count(*) FROM executions WHERE listed = 0 AND status = 0 AND state_machine = ?1)";
const COUNT_CHILDREN: &str =
    "SELECT status, count(*) FROM executions WHERE map_run = ?1 GROUP BY status ORDER BY status";
const HIGHEST_KEY: &str = "SELECT max(key) FROM executions";
const PURGEABLE: &str = "SELECT key, turns, stopped, moment, \
     listed OR map_run IS NOT NULL, start_date \
     FROM executions WHERE key > ?1 ORDER BY key LIMIT ?2";
/// Sorted by day where it is read, then by ARN in memory: the table has no order of ARNs.
const USAGE: &str = "SELECT usage.day, arns.arn, usage.executions, usage.transitions, \
     usage.requests, usage.milliseconds, usage.megabyte_milliseconds \
     FROM usage JOIN arns ON arns.id = usage.state_machine \
     WHERE usage.day >= ?1 AND usage.day < ?2 ORDER BY usage.day";
const RECORD: &str = "SELECT body FROM records WHERE kind = ?1 AND key = ?2";
const RECORDS: &str = "SELECT key, body FROM records WHERE kind = ?1 AND key >= ?2 AND key > ?3 \
     ORDER BY key LIMIT ?4";

fn row(row: &Row<'_>) -> Result<ExecutionRow> {
    let text = |at: usize| -> Result<Box<str>> { Ok(row.get_ref(at)?.as_str()?.into()) };
    let optional = |at: usize| -> Result<Option<Box<str>>> {
        Ok(row.get_ref(at)?.as_str_or_null()?.map(Box::from))
    };
    let stopped: bool = row.get(3)?;
    let moment: i64 = row.get(4)?;
    let name = text(13)?;
    let rest = row.get_ref(14)?.as_str()?;
    let arn = match row.get_ref(12)?.as_str_or_null()? {
        Some(stem) => [stem, &name, rest].concat(),
        None => rest.to_owned(),
    };
    Ok(ExecutionRow {
        key: ExecutionKey(row.get::<_, i64>(0)?.cast_unsigned()),
        turns: row.get(1)?,
        new: NewExecution {
            arn: arn.into(),
            name,
            state_machine_arn: text(9)?,
            version_arn: optional(10)?,
            alias_arn: optional(11)?,
            map_run_arn: optional(18)?,
            start_date: row.get(8)?,
            listed: row.get(7)?,
            header: row.get(15)?,
        },
        state: RowState {
            status: row.get(2)?,
            stop_date: stopped.then_some(moment),
            wake: row.get(5)?,
            recover: row.get(6)?,
            redrive_count: row.get(16)?,
            redrive_date: row.get(17)?,
        },
    })
}

/// A key as SQLite keeps it; keys beyond are never given out, so that the highest stands for them.
fn number(key: ExecutionKey) -> Option<i64> {
    i64::try_from(key.0).ok()
}

fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn execution(
    connection: &Connection,
    key: ExecutionKey,
) -> Result<Option<ExecutionRow>> {
    let Some(key) = number(key) else { return Ok(None) };
    connection.prepare_cached(EXECUTION)?.query_row([key], row).optional()
}

/// The one of a few executions that has an ARN.
pub(super) fn execution_of(
    connection: &Connection,
    keys: &[i64],
    arn: &str,
) -> Result<Option<ExecutionRow>> {
    for key in keys {
        let mut select = connection.prepare_cached(EXECUTION)?;
        let found = select.query_row([key], row).optional()?;
        if found.as_ref().is_some_and(|found| *found.new.arn == *arn) {
            return Ok(found);
        }
    }
    Ok(None)
}

pub(super) fn journal(connection: &Connection, key: ExecutionKey) -> Result<Vec<Vec<u8>>> {
    let Some(key) = number(key) else { return Ok(Vec::new()) };
    let mut first = connection.prepare_cached(FIRST_TURN)?;
    let first: Option<Option<Vec<u8>>> = first.query_row([key], |row| row.get(0)).optional()?;
    let mut turns: Vec<Vec<u8>> = first.flatten().into_iter().collect();
    let mut rest = connection.prepare_cached(TURNS)?;
    for turn in rest.query_map([key], |row| row.get(0))? {
        turns.push(turn?);
    }
    Ok(turns)
}

/// The statements of one kind of list.
struct ListStatements {
    /// The first status beyond one.
    next_status: &'static str,
    first_page: &'static str,
    next_page: &'static str,
}

macro_rules! list_statements {
    ($which:literal, $column:literal) => {
        ListStatements {
            next_status: concat!(
                "SELECT status FROM executions WHERE ",
                $which,
                " AND ",
                $column,
                " = ?1 AND status > ?2 ORDER BY status LIMIT 1"
            ),
            first_page: concat!(
                "SELECT moment, key FROM executions WHERE ",
                $which,
                " AND ",
                $column,
                " = ?1 AND status = ?2 ORDER BY moment DESC, key DESC LIMIT ?3"
            ),
            next_page: concat!(
                "SELECT moment, key FROM executions WHERE ",
                $which,
                " AND ",
                $column,
                " = ?1 AND status = ?2 AND (moment, key) < (?4, ?5) ",
                "ORDER BY moment DESC, key DESC LIMIT ?3"
            ),
        }
    };
}

static BY_STATE_MACHINE: ListStatements = list_statements!("listed = 1", "state_machine");
static BY_VERSION: ListStatements = list_statements!("listed = 1", "version");
static BY_ALIAS: ListStatements = list_statements!("listed = 1", "alias");
static BY_MAP_RUN: ListStatements = list_statements!("map_run IS NOT NULL", "map_run");

pub(super) fn list_executions(
    connection: &Connection,
    query: &ExecutionQuery,
) -> Result<Vec<ExecutionRow>> {
    let (statements, arn) = match &query.of {
        ExecutionsOf::StateMachine(arn) => (&BY_STATE_MACHINE, arn),
        ExecutionsOf::Version(arn) => (&BY_VERSION, arn),
        ExecutionsOf::Alias(arn) => (&BY_ALIAS, arn),
        ExecutionsOf::MapRun(arn) => (&BY_MAP_RUN, arn),
    };
    // One view of the store for all statements: an execution that ends meanwhile is not missed.
    let transaction = connection.unchecked_transaction()?;
    let Some(id) = arns::find(&transaction, arn)? else { return Ok(Vec::new()) };
    let mut places = Vec::new();
    match query.status {
        Some(status) => list_status(&transaction, statements, id, status, query, &mut places)?,
        None => {
            let mut last = -1;
            let mut next_status = transaction.prepare_cached(statements.next_status)?;
            while let Some(status) =
                next_status.query_row(params![id, last], |row| row.get(0)).optional()?
            {
                list_status(&transaction, statements, id, status, query, &mut places)?;
                last = i64::from(status);
            }
            places.sort_unstable_by_key(|place| std::cmp::Reverse(*place));
            places.truncate(query.limit);
        }
    }
    let mut select = transaction.prepare_cached(EXECUTION)?;
    places.into_iter().map(|(_, key)| select.query_row([key], row)).collect()
}

/// Adds the moments and keys of a page of executions with one status.
fn list_status(
    connection: &Connection,
    statements: &ListStatements,
    id: i64,
    status: u8,
    query: &ExecutionQuery,
    places: &mut Vec<(i64, i64)>,
) -> Result<()> {
    let place = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let limit = limit(query.limit);
    let page = match query.after {
        None => &mut connection.prepare_cached(statements.first_page)?,
        Some(_) => &mut connection.prepare_cached(statements.next_page)?,
    };
    let found = match query.after {
        None => page.query_map(params![id, status, limit], place)?,
        Some(ListPlace { moment, key }) => {
            let key = number(key).unwrap_or(i64::MAX);
            page.query_map(params![id, status, limit, moment, key], place)?
        }
    };
    for place in found {
        places.push(place?);
    }
    Ok(())
}

pub(super) fn executions_before(
    connection: &Connection,
    before: ExecutionKey,
    count: usize,
) -> Result<Vec<ExecutionRow>> {
    let before = number(before).unwrap_or(i64::MAX);
    // One view of the store for both statements.
    let transaction = connection.unchecked_transaction()?;
    let mut select = transaction.prepare_cached(KEYS_BEFORE)?;
    let keys = select.query_map(params![before, limit(count)], |row| row.get::<_, i64>(0))?;
    let keys = keys.collect::<Result<Vec<i64>>>()?;
    let mut select = transaction.prepare_cached(EXECUTION)?;
    keys.into_iter().map(|key| select.query_row([key], row)).collect()
}

pub(super) fn due(
    connection: &Connection,
    until: i64,
    count: usize,
) -> Result<Vec<(ExecutionKey, i64)>> {
    let mut select = connection.prepare_cached(DUE)?;
    let found = select.query_map(params![until, limit(count)], |row| {
        Ok((ExecutionKey(row.get::<_, i64>(0)?.cast_unsigned()), row.get(1)?))
    })?;
    found.collect()
}

pub(super) fn to_recover(
    connection: &Connection,
    after: ExecutionKey,
    count: usize,
) -> Result<Vec<ExecutionKey>> {
    let after = number(after).unwrap_or(i64::MAX);
    let mut select = connection.prepare_cached(TO_RECOVER)?;
    let found = select.query_map(params![after, limit(count)], |row| {
        Ok(ExecutionKey(row.get::<_, i64>(0)?.cast_unsigned()))
    })?;
    found.collect()
}

pub(super) fn count_open(connection: &Connection, state_machine_arn: &str) -> Result<u64> {
    let Some(id) = arns::find(connection, state_machine_arn)? else { return Ok(0) };
    let mut select = connection.prepare_cached(COUNT_OPEN)?;
    select.query_row([id], |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()))
}

pub(super) fn count_children(connection: &Connection, map_run: &str) -> Result<Vec<(u8, u64)>> {
    let Some(id) = arns::find(connection, map_run)? else { return Ok(Vec::new()) };
    let mut select = connection.prepare_cached(COUNT_CHILDREN)?;
    let count = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()));
    select.query_map([id], count)?.collect()
}

pub(super) fn highest_key(connection: &Connection) -> Result<ExecutionKey> {
    let mut select = connection.prepare_cached(HIGHEST_KEY)?;
    let highest: Option<i64> = select.query_row([], |row| row.get(0))?;
    Ok(ExecutionKey(highest.map_or(0, i64::cast_unsigned)))
}

pub(super) fn purgeable(connection: &Connection, query: &PurgeQuery) -> Result<Purgeable> {
    let after = number(query.after).unwrap_or(i64::MAX);
    let mut select = connection.prepare_cached(PURGEABLE)?;
    let mut rows = select.query(params![after, limit(query.limit)])?;
    let mut found = Purgeable::default();
    while let Some(row) = rows.next()? {
        if query.is_beyond(row.get(5)?) {
            found.looked_to = None;
            break;
        }
        let key = ExecutionKey(row.get::<_, i64>(0)?.cast_unsigned());
        let stopped: bool = row.get(2)?;
        let moment: i64 = row.get(3)?;
        if query.takes(row.get(4)?, stopped.then_some(moment)) {
            found.executions.push((key, row.get(1)?));
        }
        found.looked_to = Some(key);
    }
    Ok(found)
}

pub(super) fn usage(connection: &Connection, from: i64, until: i64) -> Result<Vec<UsageEntry>> {
    let mut select = connection.prepare_cached(USAGE)?;
    let number =
        |row: &Row<'_>, at: usize| -> Result<u64> { Ok(row.get::<_, i64>(at)?.cast_unsigned()) };
    let found = select.query_map([from, until], |row| {
        let usage = Usage {
            executions: number(row, 2)?,
            transitions: number(row, 3)?,
            requests: number(row, 4)?,
            milliseconds: number(row, 5)?,
            megabyte_milliseconds: number(row, 6)?,
        };
        let arn: String = row.get(1)?;
        Ok(UsageEntry { day: row.get(0)?, state_machine_arn: arn.into(), usage })
    })?;
    let mut entries: Vec<UsageEntry> = found.collect::<Result<_>>()?;
    entries.sort_by(|a, b| (a.day, &a.state_machine_arn).cmp(&(b.day, &b.state_machine_arn)));
    Ok(entries)
}

pub(super) fn record(connection: &Connection, kind: &str, key: &str) -> Result<Option<Vec<u8>>> {
    let mut select = connection.prepare_cached(RECORD)?;
    select.query_row([kind, key], |row| row.get(0)).optional()
}

pub(super) fn records(
    connection: &Connection,
    kind: &str,
    prefix: &str,
    after: &str,
    count: usize,
) -> Result<Vec<(String, Vec<u8>)>> {
    let mut select = connection.prepare_cached(RECORDS)?;
    let mut found = select.query(params![kind, prefix, after, limit(count)])?;
    let mut records = Vec::new();
    while let Some(row) = found.next()? {
        let key = row.get_ref(0)?.as_str()?;
        if !key.starts_with(prefix) {
            break;
        }
        records.push((key.to_owned(), row.get(1)?));
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::schema;

    /// Every read finds what it needs by a key or an index and takes it in order.
    #[test]
    fn nothing_is_scanned_or_sorted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store");
        schema::create(&file).unwrap();
        let connection = schema::open_writer(&file).unwrap();
        let lists = [&BY_STATE_MACHINE, &BY_VERSION, &BY_ALIAS, &BY_MAP_RUN];
        let lists = lists.iter().flat_map(|of| [of.next_status, of.first_page, of.next_page]);
        let others = [
            EXECUTION,
            FIRST_TURN,
            TURNS,
            KEYS_BEFORE,
            DUE,
            TO_RECOVER,
            COUNT_OPEN,
            COUNT_CHILDREN,
            HIGHEST_KEY,
            PURGEABLE,
            USAGE,
            RECORD,
            RECORDS,
        ];
        for statement in others.into_iter().chain(lists) {
            let explain = format!("EXPLAIN QUERY PLAN {statement}");
            let mut explain = connection.prepare(&explain).unwrap();
            let mut steps = explain.raw_query();
            while let Some(step) = steps.next().unwrap() {
                let step: String = step.get(3).unwrap();
                let bad = step.contains("TEMP B-TREE")
                    || step.starts_with("SCAN") && step != "SCAN CONSTANT ROW";
                assert!(!bad, "{step}: {statement}");
            }
        }
    }
}
