//! Executions that start executions: what the runner of such a task does, and what must hold of
//! parents and children at the end.

use std::collections::{BTreeMap, BTreeSet};

use asl::{Pattern, Payload, Resource};
use engine::{Event, EventKind, Status, TaskFailure, TaskId};
use runtime::node::{Input, ParentRecord, ParentState, Request};
use runtime::{ExecutionDescription, Parent, StartRequest, TaskCall, load};
use serde_json::json;
use store::{ExecutionKey, ExecutionRow, MemoryStore, Store};

use crate::checkers::{Checkers, events};

/// Milliseconds after which a child that nobody waits for must be over. A crash, its downtime and
/// the faults of the store lie within.
pub(crate) const ORPHAN_MS: i64 = 300_000;

/// What is to be done for a call that starts an execution.
pub(crate) enum Step {
    Ask(Request),
    Put(Input),
}

/// A call that starts an execution, as long as the present process makes it.
#[derive(Debug, Clone)]
pub(crate) struct NestedCall {
    pub(crate) key: ExecutionKey,
    pub(crate) call: TaskCall,
}

impl NestedCall {
    /// None for other calls.
    pub(crate) fn of(key: ExecutionKey, call: &TaskCall) -> Option<NestedCall> {
        matches!(&call.dispatch.resource, Resource::Service { service, .. } if **service == *"states")
            .then(|| NestedCall { key, call: call.clone() })
    }

    fn task(&self) -> TaskId {
        self.call.dispatch.task
    }

    pub(crate) fn begin(&self, store: &MemoryStore) -> Step {
        let recorded = Checkers::submission(store, self.key, self.task());
        assert_eq!(recorded, self.call.dispatch.submitted, "a submission is as it was recorded");
        if self.call.dispatch.submitted.is_some() {
            return self.wait();
        }
        let parameters = self.call.dispatch.parameters.value();
        let text = |name: &str| parameters[name].as_str().map(str::to_owned);
        let request = StartRequest {
            state_machine_arn: text("StateMachineArn").expect("generated machines name a machine"),
            name: text("Name"),
            input: Payload::from_value(parameters["Input"].clone()),
            trace_header: None,
        };
        let parent = Parent {
            execution_arn: self.call.execution_arn.clone(),
            key: self.key,
            task: self.task(),
            is_awaited: self.call.dispatch.resource.waits_for_job(),
        };
        Step::Ask(Request::StartChild { request, parent })
    }

    /// The child runs.
    pub(crate) fn started(&self, execution_arn: &str) -> Input {
        let (key, task) = (self.key, self.task());
        let output = Payload::from_value(json!({ "ExecutionArn": execution_arn }));
        match &self.call.dispatch.resource {
            Resource::Service { pattern: Pattern::Sync | Pattern::Sync2, .. } => {
                Input::TaskSubmitted { key, task, output }
            }
            _ => Input::TaskReturned { key, task, result: Ok(output) },
        }
    }

    pub(crate) fn refused(&self) -> Input {
        let failure = TaskFailure { error: Some("Refused".into()), cause: None };
        Input::TaskReturned { key: self.key, task: self.task(), result: Err(failure) }
    }

    /// The submission is recorded: the node waits for the child.
    pub(crate) fn recorded(&self, store: &MemoryStore) -> Step {
        let mut call = self.clone();
        call.call.dispatch.submitted = Checkers::submission(store, self.key, self.task());
        call.wait()
    }

    fn wait(&self) -> Step {
        let submitted = self.call.dispatch.submitted.as_ref().expect("it was recorded");
        let execution_arn = submitted.value()["ExecutionArn"].as_str().expect("a text").into();
        let (key, task) = (self.key, self.task());
        Step::Put(Input::AwaitExecution { key, task, execution_arn, result })
    }
}

fn result(child: &ExecutionDescription) -> Result<Payload, TaskFailure> {
    match (&child.output, child.status) {
        (Some(output), Status::Succeeded) => Ok(output.clone()),
        (_, status) => Err(TaskFailure {
            error: Some("States.TaskFailed".into()),
            cause: Some(status.name().into()),
        }),
    }
}

/// Every execution, in the order of their keys.
pub(crate) fn rows(store: &MemoryStore) -> Vec<ExecutionRow> {
    let highest = store.highest_key().expect("a store in memory answers").0;
    let row = |key| store.execution(ExecutionKey(key)).expect("a store in memory answers");
    (1..=highest).filter_map(row).collect()
}

/// Whether no execution runs, asked for or not.
pub(crate) fn all_ended(store: &MemoryStore) -> bool {
    rows(store).iter().all(|row| row.state.status != 0)
}

/// What holds of parents and children when nothing happens any more. The number of children.
pub(crate) fn check(store: &MemoryStore) -> usize {
    let rows = rows(store);
    let mut attempts = BTreeSet::new();
    for row in &rows {
        let Some(parent) = load::parent(row).expect("a header reads") else { continue };
        let attempt = (parent.execution.clone(), parent.task);
        assert!(attempts.insert(attempt.clone()), "an attempt started two executions: {attempt:?}");
        assert_ne!(row.state.status, 0, "a child never ends: {}", row.new.arn);
        if parent.awaited {
            check_orphan(store, row, &parent);
        }
    }
    let by_arn: BTreeMap<&str, &ExecutionRow> =
        rows.iter().map(|row| (&*row.new.arn, row)).collect();
    for row in &rows {
        check_results(store, row, &by_arn);
    }
    attempts.len()
}

/// A child whose parent was stopped, timed out or cut off was stopped soon.
fn check_orphan(store: &MemoryStore, child: &ExecutionRow, parent: &ParentRecord) {
    let state = load::parent_state(store, parent).expect("a journal reads");
    assert_ne!(state, ParentState::Unknown, "a child was started before its task was durable");
    if state != ParentState::Gone {
        return;
    }
    let events = events(store, ExecutionKey(parent.key));
    let from = events.iter().position(|event| event.id == parent.task).expect("it was scheduled");
    let own = events[from].kind.place().map(|(frame, _)| frame);
    let is_end = |event: &&Event| match &event.kind {
        EventKind::TaskTimedOut { frame, .. } => Some(*frame) == own,
        kind => kind.is_end(),
    };
    let gone_at = events[from..].iter().find(is_end).expect("the parent is over").at.0;
    let stopped = child.state.stop_date.expect("the child is over");
    assert!(
        stopped <= gone_at + ORPHAN_MS,
        "a child ran on for {} ms after its parent: {}",
        stopped - gone_at,
        child.new.arn
    );
}

/// What a parent got is what its child gave.
fn check_results(store: &MemoryStore, row: &ExecutionRow, by_arn: &BTreeMap<&str, &ExecutionRow>) {
    let mut waiting = BTreeMap::new();
    for event in events(store, row.key) {
        match event.kind {
            EventKind::JobSubmitted { frame, output, .. } => {
                let arn = output.value()["ExecutionArn"].as_str().map(str::to_owned);
                waiting.insert(frame, arn);
            }
            EventKind::TaskScheduled { frame, .. } => {
                waiting.remove(&frame);
            }
            EventKind::TaskSucceeded { frame, output, .. } => {
                let Some(Some(arn)) = waiting.remove(&frame) else { continue };
                let child = by_arn[&*arn];
                let last = events(store, child.key).pop().map(|event| event.kind);
                let Some(EventKind::ExecutionSucceeded { output: given }) = last else {
                    panic!("a parent succeeded by a child that did not: {arn}");
                };
                assert_eq!(output, given, "a parent has what its child gave: {arn}");
            }
            _ => {}
        }
    }
}
