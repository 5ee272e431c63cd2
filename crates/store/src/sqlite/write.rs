//! Commits: a batch in one transaction.

use std::collections::BTreeMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Result, params};

use super::Writer;
use super::arn_index::{ArnIndex, ArnWriter};
use super::arns::{self, Interned};
use super::read;
use crate::records::{
    DayUsage, ExecutionKey, NewExecution, Outcome, RowState, TurnWrite, Usage, Write,
};

/// A header of at most so many bytes is kept in the execution's row.
const ROW_HEADER_BYTES: usize = 1_024;
/// The first turn's journal is kept in the row where it has, with the header, at most so many.
const ROW_BYTES: usize = 2_048;

/// Where a long header is in the journal. Turns count from 1.
pub(super) const HEADER_TURN: u32 = 0;

/// Updates of a row, by whether its end or its redrive, its wake-up and its recovery change.
const UPDATES: [[[&str; 2]; 2]; 2] = [
    [
        [
            "UPDATE executions SET turns = turns + 1 WHERE key = ?8",
            "UPDATE executions SET turns = turns + 1, recover = ?5 WHERE key = ?8",
        ],
        [
            "UPDATE executions SET turns = turns + 1, wake = ?4 WHERE key = ?8",
            "UPDATE executions SET turns = turns + 1, wake = ?4, recover = ?5 WHERE key = ?8",
        ],
    ],
    [
        [
            "UPDATE executions SET turns = turns + 1, status = ?1, stopped = ?2, moment = ?3, redrives = ?6, redrive_date = ?7 WHERE key = ?8",
            "UPDATE executions SET turns = turns + 1, status = ?1, stopped = ?2, moment = ?3, redrives = ?6, redrive_date = ?7, recover = ?5 WHERE key = ?8",
        ],
        [
            "UPDATE executions SET turns = turns + 1, status = ?1, stopped = ?2, moment = ?3, redrives = ?6, redrive_date = ?7, wake = ?4 WHERE key = ?8",
            "UPDATE executions SET turns = turns + 1, status = ?1, stopped = ?2, moment = ?3, redrives = ?6, redrive_date = ?7, wake = ?4, recover = ?5 WHERE key = ?8",
        ],
    ],
];

/// Commits a batch; nothing of it is kept on an error.
pub(super) fn commit(
    writer: &mut Writer,
    arn_index: &ArnIndex,
    writes: &[Write],
) -> Result<Vec<Outcome>> {
    let done = transact(writer, arn_index, writes);
    if done.is_ok() {
        writer.arns.committed(arn_index);
    } else {
        writer.interned.clear();
        writer.arns.rolled_back(arn_index);
        if !writer.connection.is_autocommit() {
            // Where this fails too, the next commit fails at its begin.
            let _ = writer.connection.execute_batch("ROLLBACK");
        }
    }
    done
}

fn transact(writer: &mut Writer, arn_index: &ArnIndex, writes: &[Write]) -> Result<Vec<Outcome>> {
    let Writer { connection, interned, arns } = writer;
    let connection = &*connection;
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let statements = Statements::prepare(connection)?;
    let usage = BTreeMap::new();
    let mut batch = Batch { connection, statements, interned, arns, arn_index, usage };
    let outcomes = writes.iter().map(|write| batch.write(write)).collect::<Result<_>>()?;
    batch.arns.write(arn_index, connection)?;
    batch.write_usage()?;
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(outcomes)
}

struct Batch<'a> {
    connection: &'a Connection,
    statements: Statements<'a>,
    interned: &'a mut Interned,
    arns: &'a mut ArnWriter,
    arn_index: &'a ArnIndex,
    /// What the batch adds, by day and state machine: one write for all its turns.
    usage: BTreeMap<(i64, i64), Usage>,
}

/// The statements that most writes need.
struct Statements<'a> {
    insert_execution: CachedStatement<'a>,
    insert_turn: CachedStatement<'a>,
    select_state: CachedStatement<'a>,
}

impl<'a> Statements<'a> {
    fn prepare(connection: &'a Connection) -> Result<Statements<'a>> {
        Ok(Statements {
            insert_execution: connection.prepare_cached(
                "INSERT INTO executions VALUES \
                 (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, \
                 ?19) \
                 ON CONFLICT DO NOTHING",
            )?,
            insert_turn: connection.prepare_cached("INSERT INTO journal VALUES (?1, ?2, ?3)")?,
            select_state: connection.prepare_cached(
                "SELECT turns, status, stopped, moment, wake, recover, start_date, redrives, \
                 redrive_date, state_machine \
                 FROM executions WHERE key = ?1",
            )?,
        })
    }
}

/// What the row says before a turn.
struct Before {
    turns: u32,
    state: RowState,
    start_date: i64,
    /// The id of its ARN.
    state_machine: i64,
}

impl Batch<'_> {
    fn write(&mut self, write: &Write) -> Result<Outcome> {
        match write {
            Write::Turn(turn) => return self.turn(turn),
            Write::PutRecord { kind, key, body } => {
                let mut put = self.connection.prepare_cached(
                    "INSERT INTO records VALUES (?1, ?2, ?3) \
                     ON CONFLICT DO UPDATE SET body = excluded.body",
                )?;
                put.execute(params![kind, key, body])?;
            }
            Write::DeleteRecord { kind, key } => {
                let mut delete = self
                    .connection
                    .prepare_cached("DELETE FROM records WHERE kind = ?1 AND key = ?2")?;
                delete.execute(params![kind, key])?;
            }
            Write::AddUsage(entry) => {
                let machine = self.interned.id(self.connection, &entry.state_machine_arn)?;
                self.add_usage(machine, &DayUsage { day: entry.day, usage: entry.usage });
            }
            Write::Purge { key, turns } => return self.purge(*key, *turns),
        }
        Ok(Outcome::Committed)
    }

    fn turn(&mut self, turn: &TurnWrite) -> Result<Outcome> {
        match &turn.new {
            Some(new) if turn.turns_before == 0 => self.first_turn(turn, new),
            None if turn.turns_before > 0 => self.later_turn(turn),
            _ => Ok(Outcome::Conflict),
        }
    }

    fn first_turn(&mut self, turn: &TurnWrite, new: &NewExecution) -> Result<Outcome> {
        let Ok(key) = i64::try_from(turn.key.0) else {
            return Err(rusqlite::Error::IntegralValueOutOfRange(0, -1));
        };
        let hash = (self.arn_index.hash)(&new.arn);
        let namesakes = self.arn_index.find(self.connection, hash)?;
        if read::execution_of(self.connection, &namesakes, &new.arn)?.is_some() {
            let known = self.before(key)?.is_some();
            return Ok(if known { Outcome::Conflict } else { Outcome::NameTaken });
        }
        let state_machine = self.interned.id(self.connection, &new.state_machine_arn)?;
        let version = self.optional_id(new.version_arn.as_deref())?;
        let alias = self.optional_id(new.alias_arn.as_deref())?;
        let map_run = self.optional_id(new.map_run_arn.as_deref())?;
        let (stem, rest) = match arns::split(&new.arn, &new.name) {
            Some((stem, rest)) => (Some(self.interned.id(self.connection, stem)?), rest),
            None => (None, &*new.arn),
        };
        let header = (new.header.len() <= ROW_HEADER_BYTES).then_some(&new.header);
        let in_row = turn.journal.len() + header.map_or(0, Vec::len) <= ROW_BYTES;
        let first_turn = in_row.then_some(&turn.journal);
        let inserted = self.statements.insert_execution.execute(params![
            key,
            turn.state.status,
            turn.state.stop_date.is_some(),
            turn.state.moment(new.start_date),
            turn.state.wake,
            turn.state.recover,
            new.listed,
            new.start_date,
            state_machine,
            version,
            alias,
            stem,
            new.name,
            rest,
            header,
            first_turn,
            turn.state.redrive_count,
            turn.state.redrive_date,
            map_run,
        ])?;
        if inserted == 0 {
            return Ok(Outcome::Conflict);
        }
        self.arns.add(self.arn_index, hash, key);
        self.add_usage(state_machine, &turn.usage);
        if header.is_none() {
            self.statements.insert_turn.execute(params![key, HEADER_TURN, new.header])?;
        }
        if !in_row {
            self.statements.insert_turn.execute(params![key, 1, turn.journal])?;
        }
        Ok(Outcome::Committed)
    }

    fn optional_id(&mut self, arn: Option<&str>) -> Result<Option<i64>> {
        arn.map(|arn| self.interned.id(self.connection, arn)).transpose()
    }

    fn later_turn(&mut self, turn: &TurnWrite) -> Result<Outcome> {
        let Ok(key) = i64::try_from(turn.key.0) else { return Ok(Outcome::Conflict) };
        let Some(before) = self.before(key)? else { return Ok(Outcome::Conflict) };
        if before.turns != turn.turns_before {
            return Ok(Outcome::Conflict);
        }
        // An index is written only where its columns are named, so they are where they changed.
        let (was, is) = (before.state, turn.state);
        let end = |state: &RowState| {
            (state.status, state.stop_date, state.redrive_count, state.redrive_date)
        };
        let ended = end(&was) != end(&is);
        let update = UPDATES[usize::from(ended)][usize::from(was.wake != is.wake)]
            [usize::from(was.recover != is.recover)];
        let moment = is.moment(before.start_date);
        self.connection.prepare_cached(update)?.execute(params![
            is.status,
            is.stop_date.is_some(),
            moment,
            is.wake,
            is.recover,
            is.redrive_count,
            is.redrive_date,
            key
        ])?;
        let number = turn.turns_before + 1;
        self.statements.insert_turn.execute(params![key, number, turn.journal])?;
        self.add_usage(before.state_machine, &turn.usage);
        Ok(Outcome::Committed)
    }

    fn add_usage(&mut self, machine: i64, added: &DayUsage) {
        if !added.usage.is_zero() {
            *self.usage.entry((added.day, machine)).or_default() += added.usage;
        }
    }

    /// Writes the sums that the batch changes.
    fn write_usage(&mut self) -> Result<()> {
        if self.usage.is_empty() {
            return Ok(());
        }
        let mut add = self.connection.prepare_cached(
            "INSERT INTO usage VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET \
             executions = executions + excluded.executions, \
             transitions = transitions + excluded.transitions, \
             requests = requests + excluded.requests, \
             milliseconds = milliseconds + excluded.milliseconds, \
             megabyte_milliseconds = megabyte_milliseconds + excluded.megabyte_milliseconds",
        )?;
        for ((day, machine), usage) in &self.usage {
            add.execute(params![
                day,
                machine,
                usage.executions.cast_signed(),
                usage.transitions.cast_signed(),
                usage.requests.cast_signed(),
                usage.milliseconds.cast_signed(),
                usage.megabyte_milliseconds.cast_signed(),
            ])?;
        }
        Ok(())
    }

    fn purge(&mut self, key: ExecutionKey, turns: u32) -> Result<Outcome> {
        let Some(row) = read::execution(self.connection, key)? else {
            return Ok(Outcome::Committed);
        };
        // Where the highest key went, it would be given out again.
        let is_last = read::highest_key(self.connection)? == key;
        if row.turns != turns || row.state.status == 0 || is_last {
            return Ok(Outcome::Conflict);
        }
        let number = key.0.cast_signed();
        let hash = (self.arn_index.hash)(&row.new.arn);
        for (delete, values) in [
            ("DELETE FROM executions WHERE key = ?1", &[number][..]),
            ("DELETE FROM journal WHERE execution = ?1", &[number]),
            ("DELETE FROM arn_index WHERE hash = ?1 AND execution = ?2", &[hash, number]),
        ] {
            let values = rusqlite::params_from_iter(values);
            self.connection.prepare_cached(delete)?.execute(values)?;
        }
        Ok(Outcome::Committed)
    }

    fn before(&mut self, key: i64) -> Result<Option<Before>> {
        let select = &mut self.statements.select_state;
        let before = select.query_row([key], |row| {
            let stopped: bool = row.get(2)?;
            let moment: i64 = row.get(3)?;
            let state = RowState {
                status: row.get(1)?,
                stop_date: stopped.then_some(moment),
                wake: row.get(4)?,
                recover: row.get(5)?,
                redrive_count: row.get(7)?,
                redrive_date: row.get(8)?,
            };
            Ok(Before {
                turns: row.get(0)?,
                state,
                start_date: row.get(6)?,
                state_machine: row.get(9)?,
            })
        });
        before.optional()
    }
}
