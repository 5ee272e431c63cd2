//! Changes of status on their way to whoever wants to be told: kept in the same transaction as
//! the turn that made them, read back with the journal, removed once they were told. So a crash
//! loses none; it may tell one twice.

use std::sync::Arc;

use asl::Timestamp;
use engine::{Event, EventKind, Status};
use serde::{Deserialize, Serialize};
use store::{Store, Write};

use crate::definitions::LoadError;
use crate::load;
use crate::node::description;
use crate::records::{self, kind};
use crate::{ExecutionDescription, RuntimeError};

/// A change of an execution's status.
#[derive(Debug, Clone)]
pub struct StatusChange {
    pub status: Status,
    pub at: Timestamp,
    /// The execution as it was right after the change.
    pub execution: ExecutionDescription,
}

/// What one turn changed, until it is told.
#[derive(Debug, Clone)]
pub struct StatusChanges {
    /// Names it: [`crate::Runtime::status_changes_told`].
    pub key: String,
    /// When the turn was made.
    pub at: Timestamp,
    /// In the order in which they happened. Empty where the turn was not kept after all.
    pub changes: Vec<StatusChange>,
}

/// The record of a turn with changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StatusChangesRecord {
    pub(crate) execution: Box<str>,
    /// The number of turns up to and with this one.
    pub(crate) turns: u32,
}

/// The write that remembers the changes of a turn; none if there are none.
pub(crate) fn remember(
    events: &[Event],
    execution_arn: &str,
    key: u64,
    turns_before: u32,
) -> Option<Write> {
    let first = events.iter().find(|event| status_after(&event.kind).is_some())?;
    let turns = turns_before + 1;
    // By moment, so that they are told in their order.
    let key = format!("{:013}-{key}-{turns}", first.at.0.max(0));
    let record = StatusChangesRecord { execution: execution_arn.into(), turns };
    Some(Write::PutRecord { kind: kind::STATUS_CHANGES, key, body: records::encode(&record) })
}

/// The status that an event brings about.
fn status_after(kind: &EventKind) -> Option<Status> {
    match kind {
        EventKind::ExecutionStarted { .. } | EventKind::ExecutionRedriven { .. } => {
            Some(Status::Running)
        }
        EventKind::ExecutionSucceeded { .. } => Some(Status::Succeeded),
        EventKind::ExecutionFailed { .. } => Some(Status::Failed),
        EventKind::ExecutionAborted { .. } => Some(Status::Aborted),
        EventKind::ExecutionTimedOut { .. } => Some(Status::TimedOut),
        _ => None,
    }
}

/// The changes beyond the key `after`, oldest first. May block.
pub(crate) fn pending(
    store: &dyn Store,
    after: &str,
    limit: usize,
) -> Result<Vec<StatusChanges>, RuntimeError> {
    let records = store.records(kind::STATUS_CHANGES, "", after, limit)?;
    records.into_iter().map(|(key, body)| read(store, key, &body)).collect()
}

fn read(store: &dyn Store, key: String, body: &[u8]) -> Result<StatusChanges, RuntimeError> {
    let record: StatusChangesRecord = records::decode(body)
        .map_err(|error| LoadError::record("change of status", &key, &error))?;
    let at = key.split('-').next().and_then(|moment| moment.parse().ok()).unwrap_or_default();
    let mut found = StatusChanges { key, at: Timestamp(at), changes: Vec::new() };
    let Some(mut row) = store.execution_by_arn(&record.execution)? else { return Ok(found) };
    // A start whose name was taken left the record of an execution that there is not.
    let is_its_own = found.key.split('-').nth(1) == Some(&row.key.0.to_string());
    if !is_its_own || row.turns < record.turns {
        return Ok(found);
    }
    let mut journal = store.journal(row.key)?;
    journal.truncate(record.turns as usize);
    row.turns = record.turns;
    let (identity, header) = load::identity(&row)?;
    let last = journal.last().map(Vec::as_slice).unwrap_or_default();
    let events = engine::decode_turn(last).map_err(|error| {
        LoadError::Damaged(format!("a turn of {} cannot be read: {error}", record.execution))
    })?;
    let execution = load::fold(Arc::new(identity), &journal, &row)?;
    let after = description(&execution, header.trace_header, header.parent.as_ref(), None);
    for event in &events {
        let Some(status) = status_after(&event.kind) else { continue };
        let mut execution = ExecutionDescription { status, ..after.clone() };
        if status == Status::Running {
            execution.stop_date = None;
            execution.output = None;
            execution.error = None;
            execution.cause = None;
        }
        found.changes.push(StatusChange { status, at: event.at, execution });
    }
    Ok(found)
}
