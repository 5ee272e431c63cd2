//! Express executions of late: what each was given, did and gave back. AWS shows nothing of them
//! but logs; here the last ones are kept in memory for a while.
//!
//! Fed by what becomes durable (or, for synchronous ones, by what happened); bounded in number,
//! bytes and age, whichever comes first. Nothing of it is written, and a restart forgets it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use asl::{Payload, Program, Timestamp};
use engine::{Event, EventKind, Identity, Status, project};

use crate::clock::{Clock, SystemClock};
use crate::{HistoryPage, Observer, Progress, arns};

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpressLimits {
    /// Executions; 0 keeps none.
    pub executions_max: usize,
    /// Bytes of their histories, estimated.
    pub bytes_max: usize,
    /// How long after its last event one is kept.
    pub age_max: Duration,
}

impl Default for ExpressLimits {
    fn default() -> ExpressLimits {
        ExpressLimits {
            executions_max: 1_000,
            bytes_max: 32 * 1024 * 1024,
            age_max: Duration::from_secs(60 * 60),
        }
    }
}

/// Bytes that an event takes beside its payloads.
const EVENT_BYTES: usize = 192;

/// An Express execution.
#[derive(Debug, Clone)]
pub struct ExpressExecution {
    pub identity: Arc<Identity>,
    pub status: Status,
    pub start_date: Timestamp,
    pub stop_date: Option<Timestamp>,
    pub input: Payload,
    pub output: Option<Payload>,
    pub error: Option<Box<str>>,
    pub cause: Option<Box<str>>,
    /// States entered and retries.
    pub transitions: u64,
    /// Rises with every execution: where a page of a list goes on.
    pub number: u64,
}

/// The last Express executions.
#[derive(Debug)]
pub struct ExpressExecutions {
    limits: ExpressLimits,
    /// Who sees everything, too.
    next: Option<Arc<dyn Observer>>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    by_number: VecDeque<Entry>,
    /// The number of the first in `by_number`.
    first: u64,
    numbers: HashMap<Box<str>, u64>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    identity: Arc<Identity>,
    program: Arc<Program>,
    status: Status,
    turns: Vec<Arc<Vec<Event>>>,
    last_event_at: Timestamp,
    bytes: usize,
}

impl ExpressExecutions {
    /// Keeps what happens within `limits`, and passes everything on.
    pub fn new(limits: ExpressLimits, next: Option<Arc<dyn Observer>>) -> Arc<ExpressExecutions> {
        Arc::new(ExpressExecutions { limits, next, held: Mutex::default() })
    }

    /// Executions, the newest first, whose number is below `before`; only those of an account,
    /// of a state machine or with a status, if one is given.
    pub fn list(
        &self,
        account: Option<&str>,
        state_machine_arn: Option<&str>,
        status: Option<Status>,
        before: Option<u64>,
        limit: usize,
    ) -> Vec<ExpressExecution> {
        let held = self.current();
        let fits = |entry: &Entry| {
            account.is_none_or(|account| arns::account(&entry.identity.arn) == account)
                && state_machine_arn.is_none_or(|arn| *entry.identity.state_machine_arn == *arn)
                && status.is_none_or(|status| entry.status == status)
        };
        let entries = held.by_number.iter().enumerate().rev();
        let found: Vec<ExpressExecution> = entries
            .map(|(index, entry)| (held.first + index as u64, entry))
            .filter(|(number, entry)| before.is_none_or(|before| *number < before) && fits(entry))
            .take(limit)
            .map(|(number, entry)| entry.describe(number))
            .collect();
        found
    }

    /// An execution by its ARN.
    pub fn describe(&self, arn: &str) -> Option<ExpressExecution> {
        let held = self.current();
        let number = *held.numbers.get(arn)?;
        Some(held.entry(number)?.describe(number))
    }

    /// A page of an execution's history, as [`crate::Runtime::history`] gives it.
    pub fn history(&self, arn: &str, from: u32, limit: usize) -> Option<HistoryPage> {
        let held = self.current();
        let entry = held.entry(*held.numbers.get(arn)?)?;
        let mut page = HistoryPage { events: Vec::new(), next: None };
        for event in entry.turns.iter().flat_map(|turn| turn.iter()) {
            if event.id == 0 || event.id < from {
                continue;
            }
            if page.events.len() == limit {
                page.next = Some(event.id);
                break;
            }
            page.events.extend(project(event, &entry.program, &entry.identity));
        }
        Some(page)
    }

    /// What is kept, without what is too old.
    fn current(&self) -> MutexGuard<'_, Held> {
        let mut held = self.held();
        held.shrink(&self.limits, SystemClock.now());
        held
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("nobody panics while holding it")
    }
}

impl Observer for ExpressExecutions {
    fn turn(&self, progress: Progress) {
        if progress.identity.express && self.limits.executions_max > 0 {
            self.held().add(&progress, &self.limits);
        }
        if let Some(next) = &self.next {
            next.turn(progress);
        }
    }

    fn commit(&self, writes: usize, took: Duration, succeeded: bool) {
        if let Some(next) = &self.next {
            next.commit(writes, took, succeeded);
        }
    }
}

impl Held {
    fn add(&mut self, progress: &Progress, limits: &ExpressLimits) {
        let Some(last) = progress.events.last() else { return };
        let arn = &progress.identity.arn;
        let bytes: usize = progress.events.iter().map(event_bytes).sum();
        let number = match self.numbers.get(arn) {
            Some(number) => *number,
            // One that began before it was watched would be half an execution.
            None if !progress.events.iter().any(|event| event.id == 1) => return,
            None => {
                let number = self.first + self.by_number.len() as u64;
                self.numbers.insert(arn.clone(), number);
                self.by_number.push_back(Entry {
                    identity: Arc::clone(&progress.identity),
                    program: Arc::clone(&progress.program),
                    status: progress.status,
                    turns: Vec::new(),
                    last_event_at: last.at,
                    bytes: 0,
                });
                number
            }
        };
        let index = usize::try_from(number - self.first).unwrap_or(usize::MAX);
        if let Some(entry) = self.by_number.get_mut(index) {
            let starts_anew =
                |event: &Event| matches!(event.kind, EventKind::AttemptStarted { .. });
            if progress.events.iter().any(starts_anew) {
                // The child of a Map Run that is redriven: what it did before is over.
                entry.turns.clear();
                self.bytes -= std::mem::take(&mut entry.bytes);
            }
            entry.turns.push(Arc::clone(&progress.events));
            entry.status = progress.status;
            entry.last_event_at = last.at;
            entry.bytes += bytes;
            self.bytes += bytes;
        }
        self.shrink(limits, last.at);
    }

    /// Forgets the oldest until the rest is within the limits.
    fn shrink(&mut self, limits: &ExpressLimits, now: Timestamp) {
        let age = i64::try_from(limits.age_max.as_millis()).unwrap_or(i64::MAX);
        let oldest = now.0.saturating_sub(age);
        while let Some(entry) = self.by_number.front() {
            let is_old = entry.last_event_at.0 < oldest;
            let is_surplus =
                self.by_number.len() > limits.executions_max || self.bytes > limits.bytes_max;
            if !is_old && !is_surplus {
                return;
            }
            self.bytes -= entry.bytes;
            let arn = entry.identity.arn.clone();
            self.numbers.remove(&arn);
            self.by_number.pop_front();
            self.first += 1;
        }
    }

    fn entry(&self, number: u64) -> Option<&Entry> {
        self.by_number.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }
}

impl Entry {
    fn describe(&self, number: u64) -> ExpressExecution {
        let mut execution = ExpressExecution {
            identity: Arc::clone(&self.identity),
            status: self.status,
            start_date: self.last_event_at,
            stop_date: None,
            input: Payload::from_valid_text("{}"),
            output: None,
            error: None,
            cause: None,
            transitions: 0,
            number,
        };
        for event in self.turns.iter().flat_map(|turn| turn.iter()) {
            match &event.kind {
                EventKind::ExecutionStarted { input, .. } => {
                    execution.start_date = event.at;
                    execution.input = input.clone();
                }
                EventKind::StateEntered { .. } | EventKind::RetryScheduled { .. } => {
                    execution.transitions += 1;
                }
                EventKind::ExecutionSucceeded { output } => {
                    execution.output = Some(output.clone());
                }
                EventKind::ExecutionFailed { error, cause }
                | EventKind::ExecutionAborted { error, cause }
                | EventKind::ExecutionTimedOut { error, cause } => {
                    (execution.error, execution.cause) = (error.clone(), cause.clone());
                }
                _ => {}
            }
            if event.kind.is_end() {
                execution.stop_date = Some(event.at);
            }
        }
        execution
    }
}

/// About how much memory an event takes. Payloads are shared between events: only those are
/// counted that events bring in.
fn event_bytes(event: &Event) -> usize {
    let payload = match &event.kind {
        EventKind::ExecutionStarted { input, .. } => input.size(),
        EventKind::StateExited { output, .. }
        | EventKind::TaskSucceeded { output, .. }
        | EventKind::TaskSubmitted { output, .. } => output.size(),
        EventKind::TaskScheduled { parameters, .. } => parameters.size(),
        EventKind::IterationStarted { input, .. } => input.size(),
        EventKind::MapStarted { items, .. } => items.size(),
        _ => 0,
    };
    EVENT_BYTES + payload
}
