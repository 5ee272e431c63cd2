//! What must hold in every world: nothing acknowledged is lost, no effect before its commit, one
//! end for each execution, tokens used once.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Event, EventKind, TaskId, decode_turn};
use store::{ExecutionKey, ExecutionRow, MemoryStore, Store};

use crate::nested::rows;
use crate::world::Summary;

/// What an effect says has become durable before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The task was scheduled.
    Scheduled,
    /// The task is over, or the execution is.
    Over,
}

/// What was seen so far.
#[derive(Default)]
pub(crate) struct Checkers {
    /// Acknowledged starts, by ARN, with their inputs.
    started: BTreeMap<String, String>,
    /// Acknowledged results, by token.
    reported: BTreeMap<String, (bool, u64)>,
    /// Reports whose answer was lost: they may count or not.
    unknown: BTreeSet<String>,
    /// Acknowledged redrives: ARN, client token, moment.
    redriven: BTreeSet<(String, String, i64)>,
    /// Tokens of tasks that a worker was given.
    assigned: BTreeSet<String>,
}

impl Checkers {
    /// A call leaves the node: its task must be in the journal.
    pub(crate) fn claim(&self, store: &MemoryStore, key: ExecutionKey, task: TaskId, claim: Claim) {
        let events = events(store, key);
        let scheduled = events.iter().find_map(|event| match event.kind {
            EventKind::TaskScheduled { frame, .. } if event.id == task.0 => Some(frame),
            _ => None,
        });
        let found = match claim {
            Claim::Scheduled => scheduled.is_some(),
            Claim::Over => events.iter().any(|event| match &event.kind {
                EventKind::TaskTimedOut { frame, .. } => {
                    event.id > task.0 && Some(*frame) == scheduled
                }
                EventKind::StateAborted { .. } => event.id > task.0,
                kind => kind.is_end(),
            }),
        };
        assert!(found, "an effect left before its events were durable: {key:?} {task:?} {claim:?}");
    }

    /// What the journal says of the submission of a task's job.
    pub(crate) fn submission(
        store: &MemoryStore,
        key: ExecutionKey,
        task: TaskId,
    ) -> Option<asl::Payload> {
        let events = events(store, key);
        let from = events.iter().position(|event| event.id == task.0)?;
        let EventKind::TaskScheduled { frame: scheduled, .. } = events[from].kind else {
            return None;
        };
        events[from + 1..]
            .iter()
            .take_while(|event| {
                !matches!(event.kind, EventKind::TaskScheduled { frame, .. } if frame == scheduled)
            })
            .find_map(|event| match &event.kind {
                EventKind::JobSubmitted { frame, output, .. } if *frame == scheduled => {
                    Some(output.clone())
                }
                _ => None,
            })
    }

    pub(crate) fn started(&mut self, store: &MemoryStore, arn: &str, input: &str) {
        let row = store.execution_by_arn(arn).expect("a store in memory answers");
        let row = row.unwrap_or_else(|| panic!("an acknowledged start is not durable: {arn}"));
        let events = events(store, row.key);
        let Some(EventKind::ExecutionStarted { input: kept, .. }) = events.first().map(|e| &e.kind)
        else {
            panic!("a journal does not begin with its start: {arn}");
        };
        assert_eq!(kept.text(), input, "an acknowledged start has its caller's input");
        self.started.insert(arn.to_owned(), input.to_owned());
    }

    /// A worker was given a task: nobody else was, and the journal says so.
    pub(crate) fn assigned(&mut self, store: &MemoryStore, token: &str) {
        assert!(self.assigned.insert(token.to_owned()), "one task was given to two workers");
        let taken = all_events(store)
            .iter()
            .any(|event| matches!(event.kind, EventKind::TaskStarted { by_worker: true, .. }));
        assert!(taken, "a task was given to a worker before that was durable");
    }

    /// A redrive was acknowledged: it is in the journal, made with this client token.
    pub(crate) fn redriven(&mut self, store: &MemoryStore, arn: &str, token: &str, at: i64) {
        let row = store.execution_by_arn(arn).expect("a store in memory answers");
        let row = row.unwrap_or_else(|| panic!("what was redriven is lost: {arn}"));
        assert!(row.state.redrive_count > 0 && row.state.redrive_date >= Some(at));
        let is_kept = events(store, row.key).iter().any(|event| {
            event.at.0 == at
                && matches!(
                    &event.kind,
                    EventKind::ExecutionRedriven { client_token: Some(kept), .. } if **kept == *token
                )
        });
        assert!(is_kept, "an acknowledged redrive is not durable: {arn}");
        self.redriven.insert((arn.to_owned(), token.to_owned(), at));
    }

    pub(crate) fn report_unknown(&mut self, token: &str) {
        self.unknown.insert(token.to_owned());
    }

    /// A result was acknowledged: it is in the journal, and the first of its token.
    pub(crate) fn reported(&mut self, store: &MemoryStore, token: &str, ok: bool, value: u64) {
        let earlier = self.reported.insert(token.to_owned(), (ok, value));
        assert!(earlier.is_none(), "a token was used twice");
        if !self.unknown.contains(token) {
            assert!(holds_result(&all_events(store), ok, value), "an acknowledged result is lost");
        }
    }

    /// Whether every acknowledged execution is over.
    pub(crate) fn all_ended(&self, store: &MemoryStore) -> bool {
        self.started.keys().all(|arn| {
            let row = store.execution_by_arn(arn).expect("a store in memory answers");
            row.is_some_and(|row| row.state.status != 0)
        })
    }

    /// The last look, when nothing happens any more.
    pub(crate) fn check_end(&self, store: &MemoryStore, summary: &mut Summary) {
        for arn in self.started.keys() {
            let row = store.execution_by_arn(arn).expect("a store in memory answers");
            let row = row.unwrap_or_else(|| panic!("an acknowledged execution is lost: {arn}"));
            assert_ne!(row.state.status, 0, "an execution never ends: {arn}");
            let events = events(store, row.key);
            check_history(arn, &events);
            summary.executions += 1;
            summary.events += events.len() as u64;
            let last = events.last().map(|event| &event.kind);
            summary.succeeded +=
                usize::from(matches!(last, Some(EventKind::ExecutionSucceeded { .. })));
        }
        check_usage(store);
        summary.redrives += self.redriven.len();
        summary.children += crate::nested::check(store);
        let (map_run_children, map_run_redrives) = crate::map_runs::check(store);
        summary.map_run_children += map_run_children;
        summary.map_run_redrives += map_run_redrives;
        let every_event = all_events(store);
        for (token, (ok, value)) in &self.reported {
            if !self.unknown.contains(token) {
                assert!(holds_result(&every_event, *ok, *value), "an acknowledged result is lost");
            }
        }
    }
}

/// The sums of state transitions are those of all journals: each turn was counted once.
fn check_usage(store: &MemoryStore) {
    let counted = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::StateEntered { .. }
                | EventKind::RetryScheduled { .. }
                | EventKind::ExecutionRedriven { .. }
        )
    };
    let (express, standard): (Vec<_>, Vec<_>) =
        rows(store).into_iter().partition(|row| row.new.arn.contains(":express:"));
    let of = |rows: &[ExecutionRow], is_counted: &dyn Fn(&EventKind) -> bool| {
        let events = rows.iter().flat_map(|row| events(store, row.key));
        events.filter(|event| is_counted(&event.kind)).count()
    };
    let expected = of(&standard, &counted);
    let usage = store.usage(i64::MIN, i64::MAX).expect("a store in memory answers");
    let found: u64 = usage.iter().map(|entry| entry.usage.transitions).sum();
    assert_eq!(found, expected as u64, "every state transition is counted once");
    let executions: u64 = usage.iter().map(|entry| entry.usage.executions).sum();
    assert_eq!(executions as usize, standard.len(), "every start is counted once");
    let requests: u64 = usage.iter().map(|entry| entry.usage.requests).sum();
    let starts = of(&express, &|kind| matches!(kind, EventKind::ExecutionStarted { .. }));
    assert_eq!(requests as usize, starts, "every start is counted once");
}

/// What holds of every finished history.
pub(crate) fn check_history(arn: &str, events: &[Event]) {
    let shown: Vec<&Event> = events.iter().filter(|event| event.kind.is_history()).collect();
    for (index, event) in shown.iter().enumerate() {
        assert_eq!(event.id as usize, index + 1, "ids are dense: {arn}");
        assert!(event.previous < event.id, "an event points back: {arn}");
    }
    let ends = shown.iter().filter(|event| event.kind.is_end()).count();
    let is_redrive = |event: &Event| matches!(event.kind, EventKind::ExecutionRedriven { .. });
    let redrives = shown.iter().filter(|event| is_redrive(event)).count();
    assert_eq!(ends, redrives + 1, "every run of an execution ends once: {arn}");
    for pair in shown.windows(2) {
        assert_eq!(pair[0].kind.is_end(), is_redrive(pair[1]), "only a redrive follows an end");
    }
    assert!(
        shown.last().is_some_and(|event| event.kind.is_end()),
        "nothing follows the end: {arn}"
    );
    let mut finished = BTreeSet::new();
    let mut submitted = BTreeSet::new();
    for event in &shown {
        if let EventKind::JobSubmitted { frame, .. } = event.kind {
            assert!(submitted.insert((frame, event.previous)), "a job is submitted once: {arn}");
        }
        if let EventKind::TaskSucceeded { frame, .. } = event.kind {
            assert!(finished.insert((frame, event.previous)), "a task ends once: {arn}");
        }
    }
}

pub(crate) fn events(store: &MemoryStore, key: ExecutionKey) -> Vec<Event> {
    let journal = store.journal(key).expect("a store in memory answers");
    journal.iter().flat_map(|turn| decode_turn(turn).expect("a journal reads")).collect()
}

fn all_events(store: &MemoryStore) -> Vec<Event> {
    let highest = store.highest_key().expect("a store in memory answers").0;
    (1..=highest).flat_map(|key| events(store, ExecutionKey(key))).collect()
}

/// Whether a result that somebody reported stands in the events.
fn holds_result(events: &[Event], ok: bool, value: u64) -> bool {
    let text = value.to_string();
    events.iter().any(|event| match &event.kind {
        EventKind::TaskSucceeded { output, .. } => ok && output.text() == text,
        EventKind::TaskFailed { cause, .. } => !ok && cause.as_deref() == Some(&text),
        EventKind::CallbackRecorded { result: Ok(output), .. } => ok && output.text() == text,
        EventKind::CallbackRecorded { result: Err(failure), .. } => {
            !ok && failure.cause.as_deref() == Some(&text)
        }
        _ => false,
    })
}
