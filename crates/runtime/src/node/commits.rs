//! Group commit: what waits for the next transaction, and what comes of one.
//!
//! A batch is everything that came while the one before was on its way, so it grows with the
//! load. If the store fails, what became of each write is looked up before anything else is
//! committed: nothing is released that is not durable, and nothing that is durable is lost.

use std::collections::VecDeque;

use store::{ExecutionKey, Outcome, StoreError, TurnWrite, Write};

use super::resources::Operation;
use super::{Node, Output, copy_of};
use crate::limits;
use crate::load::Finding;
use crate::timers::Alarm;

/// What waits for a commit or is in one.
enum Pending {
    /// With what is kept beside it.
    Turn {
        key: ExecutionKey,
        write: Box<TurnWrite>,
        records: Vec<Write>,
    },
    Operation {
        operation: Operation,
        writes: Vec<Write>,
    },
    /// What nobody waits for.
    Unattended(Vec<Write>),
}

/// What a part of a batch belongs to.
enum Part {
    /// With the number of its records.
    Turn(ExecutionKey, usize),
    /// With the number of its writes.
    Operation(Operation, usize),
    Unattended(usize),
}

/// How far the present batch is.
#[derive(Default)]
enum Progress {
    #[default]
    None,
    Committing(Vec<Part>),
    /// The store gave an error: it is asked what became of the batch.
    Checking(Vec<Part>, StoreError),
    /// It could not answer that either, and is asked again later.
    Unchecked(Vec<Part>, Vec<Write>, StoreError),
}

/// The way to the store.
#[derive(Default)]
pub(super) struct Commits {
    pending: VecDeque<Pending>,
    progress: Progress,
    /// Commits that failed in a row.
    failures: u32,
    /// No commit before this moment.
    pause_until: i64,
}

impl Commits {
    /// How much waits for the next commit.
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Whether the last commit failed.
    pub(super) fn fails(&self) -> bool {
        self.failures > 0
    }

    /// Whether nothing is on its way.
    pub(super) fn is_quiet(&self) -> bool {
        self.pending.is_empty() && matches!(self.progress, Progress::None)
    }
}

impl Node {
    /// Brings a turn on its way.
    pub(super) fn keep_turn(
        &mut self,
        key: ExecutionKey,
        write: Box<TurnWrite>,
        records: Vec<Write>,
    ) {
        self.commits.pending.push_back(Pending::Turn { key, write, records });
        self.flush();
    }

    /// Brings an operation's writes on their way, all of them in one transaction.
    pub(super) fn keep_operation(&mut self, operation: Operation, writes: Vec<Write>) {
        self.commits.pending.push_back(Pending::Operation { operation, writes });
        self.flush();
    }

    /// Brings writes on their way that nobody waits for.
    pub(super) fn keep_unattended(&mut self, writes: Vec<Write>) {
        self.commits.pending.push_back(Pending::Unattended(writes));
        self.flush();
    }

    /// Begins a commit if none is on its way.
    fn flush(&mut self) {
        let commits = &mut self.commits;
        if !matches!(commits.progress, Progress::None)
            || commits.pending.is_empty()
            || commits.pause_until > self.now.0
        {
            return;
        }
        let mut writes = Vec::with_capacity(commits.pending.len().min(limits::COMMIT_WRITES_MAX));
        let mut parts = Vec::with_capacity(writes.capacity());
        let mut bytes = 0;
        while let Some(next) = commits.pending.front() {
            let (more_writes, more_bytes) = next.size();
            let is_too_much = writes.len() + more_writes > limits::COMMIT_WRITES_MAX
                || bytes + more_bytes > limits::COMMIT_BYTES_MAX;
            if is_too_much && !writes.is_empty() {
                break;
            }
            bytes += more_bytes;
            match commits.pending.pop_front().expect("looked at above") {
                Pending::Turn { key, write, records } => {
                    parts.push(Part::Turn(key, records.len()));
                    writes.extend(records);
                    writes.push(Write::Turn(*write));
                }
                Pending::Operation { operation, writes: more } => {
                    parts.push(Part::Operation(operation, more.len()));
                    writes.extend(more);
                }
                Pending::Unattended(more) => {
                    parts.push(Part::Unattended(more.len()));
                    writes.extend(more);
                }
            }
        }
        commits.progress = Progress::Committing(parts);
        self.outputs.push_back(Output::Commit(writes));
    }

    pub(super) fn committed(
        &mut self,
        writes: Vec<Write>,
        result: Result<Vec<Outcome>, StoreError>,
    ) {
        let Progress::Committing(parts) = std::mem::take(&mut self.commits.progress) else {
            panic!("a commit comes back only when one is on its way");
        };
        let outcomes = match result {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::warn!(%error, "a commit failed; looking what became of it");
                self.commits.failures += 1;
                self.commits.progress = Progress::Checking(parts, error);
                return self.outputs.push_back(Output::Check(writes));
            }
        };
        assert_eq!(outcomes.len(), writes.len(), "a store answers for every write");
        self.commits.failures = 0;
        let mut outcomes = outcomes.into_iter();
        for part in parts {
            match part {
                Part::Turn(key, records) => match outcomes.nth(records).expect("counted above") {
                    Outcome::Committed => self.turn_committed(key),
                    Outcome::NameTaken => self.name_taken(key),
                    Outcome::Conflict => self.turn_conflicts(key),
                },
                Part::Unattended(count) => {
                    for _ in 0..count {
                        outcomes.next().expect("counted above");
                    }
                }
                Part::Operation(operation, count) => {
                    for _ in 0..count {
                        outcomes.next().expect("counted above");
                    }
                    self.operation_committed(operation);
                }
            }
        }
        self.flush();
    }

    pub(super) fn checked(&mut self, writes: Vec<Write>, result: Result<Vec<Finding>, StoreError>) {
        let Progress::Checking(parts, error) = std::mem::take(&mut self.commits.progress) else {
            panic!("a check comes back only when one is on its way");
        };
        let findings = match result {
            Ok(findings) => findings,
            Err(check_error) => {
                tracing::warn!(error = %check_error, "the store cannot be read, trying again");
                self.commits.failures += 1;
                let at = self.retry_moment(self.commits.failures);
                self.timers.set(at, Alarm::Commit);
                return self.give_up_waiting(parts, writes, error);
            }
        };
        let at = self.retry_moment(self.commits.failures);
        self.commits.pause_until = at;
        self.timers.set(at, Alarm::Commit);
        let mut findings = findings.into_iter();
        for part in parts {
            match part {
                // The records are in the same transaction.
                Part::Turn(key, records) => {
                    match findings.nth(records).expect("one finding for each write") {
                        Finding::Durable => self.turn_committed(key),
                        Finding::Absent(loaded) => {
                            self.turn_lost(key, loaded.map(|loaded| *loaded), &error);
                        }
                    }
                }
                Part::Unattended(count) => {
                    for _ in 0..count {
                        findings.next().expect("one finding for each write");
                    }
                }
                Part::Operation(operation, count) => {
                    let is_durable = (0..count)
                        .map(|_| findings.next().expect("one finding for each write"))
                        .fold(true, |all, finding| all & matches!(finding, Finding::Durable));
                    if is_durable {
                        self.operation_committed(operation);
                    } else {
                        self.operation_lost(operation, copy_of(&error));
                    }
                }
            }
        }
    }

    /// The store answers nothing at all. Nobody is kept waiting for it: callers get the error,
    /// starts that were not tried yet are dropped, and the rest waits for the store.
    fn give_up_waiting(&mut self, mut parts: Vec<Part>, writes: Vec<Write>, error: StoreError) {
        for part in &mut parts {
            match part {
                Part::Turn(key, _) => self.turn_unsettled(*key, &error),
                Part::Unattended(_) => {}
                Part::Operation(operation, _) => {
                    if let Some(reply) = operation.give_up() {
                        self.reply(reply, Err(copy_of(&error).into()));
                    }
                }
            }
        }
        for pending in std::mem::take(&mut self.commits.pending) {
            match pending {
                Pending::Turn { key, .. } if self.is_starting(key) => {
                    self.turn_lost(key, None, &error);
                }
                Pending::Turn { key, write, records } => {
                    self.turn_unsettled(key, &error);
                    self.commits.pending.push_back(Pending::Turn { key, write, records });
                }
                Pending::Unattended(writes) => {
                    self.commits.pending.push_back(Pending::Unattended(writes));
                }
                Pending::Operation { operation, .. } => {
                    self.operation_lost(operation, copy_of(&error));
                }
            }
        }
        self.commits.progress = Progress::Unchecked(parts, writes, error);
    }

    /// The pause after a failure is over.
    pub(super) fn retry_commit(&mut self) {
        match std::mem::take(&mut self.commits.progress) {
            Progress::Unchecked(parts, writes, error) => {
                self.commits.progress = Progress::Checking(parts, error);
                self.outputs.push_back(Output::Check(writes));
            }
            other => {
                self.commits.progress = other;
                self.flush();
            }
        }
    }
}

impl Pending {
    /// Writes and bytes.
    fn size(&self) -> (usize, usize) {
        match self {
            Pending::Turn { write, records, .. } => (1 + records.len(), turn_size(write)),
            Pending::Operation { writes, .. } | Pending::Unattended(writes) => {
                let size = |write: &Write| match write {
                    Write::Turn(turn) => turn_size(turn),
                    Write::PutRecord { key, body, .. } => key.len() + body.len(),
                    Write::DeleteRecord { key, .. } => key.len(),
                    Write::AddUsage(entry) => entry.state_machine_arn.len(),
                    Write::Purge { .. } => 0,
                };
                (writes.len(), writes.iter().map(size).sum())
            }
        }
    }
}

fn turn_size(write: &TurnWrite) -> usize {
    write.journal.len() + write.new.as_ref().map_or(0, |new| new.header.len() + new.arn.len())
}
