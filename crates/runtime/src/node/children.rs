//! Executions that tasks of other executions started: one for each attempt of a task, however
//! often it is started; the parent goes on when its child is over; the child is stopped when
//! nobody waits for it any more.
//!
//! A parent that waits costs one entry here and may leave memory. What is not durable here is
//! found again: a parent that was waiting is taken up by its `needs_recovery`, and so is every
//! child that somebody waits for, which then looks whether its parent still does.

use std::collections::HashMap;
use std::sync::Arc;

use engine::{Command, TaskFailure, TaskId};
use sha2::{Digest as _, Sha256};
use store::{ExecutionKey, StoreError};

use super::executions::{Entry, Then};
use super::reading::ByArn;
use super::{Node, Output};
use crate::children::ChildResult;
use crate::records::ParentRecord;
use crate::timers::Alarm;
use crate::{ExecutionDescription, RuntimeError};

/// An attempt of a task, which waits for an execution.
type Place = (ExecutionKey, TaskId);

/// Who waits for whom.
#[derive(Default)]
pub(super) struct Children {
    by_child: HashMap<ExecutionKey, Vec<Waiting>>,
    by_parent: HashMap<Place, ExecutionKey>,
    /// What the store could not answer, and is asked again.
    unanswered: Vec<Question>,
    failures: u32,
}

struct Waiting {
    place: Place,
    /// Set once the parent's call has ended, so that only the child's end goes to the parent.
    result: Option<ChildResult>,
}

/// What is to be asked again.
enum Question {
    Await { place: Place, arn: Box<str>, result: ChildResult },
    Parent(ExecutionKey),
}

/// What became of the task that started an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParentState {
    /// It waits.
    Waits,
    /// It ended by itself; the execution may run on.
    Left,
    /// It was stopped, timed out or cut off: the execution is to be stopped.
    Gone,
    /// The journal has no such task: its turn was not kept, or its execution is no more.
    Unknown,
}

impl Children {
    /// Notes that a task waits for an execution, or is about to.
    pub(super) fn link(&mut self, child: ExecutionKey, place: Place) {
        if self.by_parent.insert(place, child) != Some(child) {
            self.by_child.entry(child).or_default().push(Waiting { place, result: None });
        }
    }

    /// The task waits for nothing more. The execution, and whether the task's call had ended.
    pub(super) fn unlink(&mut self, place: Place) -> Option<(ExecutionKey, bool)> {
        let child = self.by_parent.remove(&place)?;
        let waiting = self.by_child.get_mut(&child)?;
        let at = waiting.iter().position(|waiting| waiting.place == place)?;
        let removed = waiting.swap_remove(at);
        if waiting.is_empty() {
            self.by_child.remove(&child);
        }
        Some((child, removed.result.is_some()))
    }

    fn is_parked(&self, place: Place) -> bool {
        self.by_parent
            .get(&place)
            .and_then(|child| self.by_child.get(child))
            .is_some_and(|all| all.iter().any(|one| one.place == place && one.result.is_some()))
    }

    fn park(&mut self, child: ExecutionKey, place: Place, result: ChildResult) {
        self.link(child, place);
        for waiting in self.by_child.get_mut(&child).into_iter().flatten() {
            if waiting.place == place {
                waiting.result = Some(result);
            }
        }
    }

    /// Whether somebody waits for an execution.
    pub(super) fn is_awaited(&self, child: ExecutionKey) -> bool {
        self.by_child.contains_key(&child)
    }

    /// Everybody who waited for an execution. Those whose call has not ended will ask for the
    /// end themselves.
    fn take(&mut self, child: ExecutionKey) -> Vec<(Place, ChildResult)> {
        let waiting = self.by_child.remove(&child).unwrap_or_default();
        let places = waiting.into_iter().filter_map(|waiting| {
            self.by_parent.remove(&waiting.place);
            Some((waiting.place, waiting.result?))
        });
        places.collect()
    }
}

impl Node {
    /// The call of a task has nothing more to do than to wait for an execution.
    pub(super) fn await_execution(&mut self, place: Place, arn: &str, result: ChildResult) {
        // Without its mark it was cancelled.
        if self.calls.contains(&place) {
            self.by_arn(arn, ByArn::Await { place, result });
        }
    }

    /// The awaited execution is there and was running when that was looked up.
    pub(super) fn park(&mut self, child: ExecutionKey, place: Place, result: ChildResult) {
        if !self.calls.contains(&place) {
            return;
        }
        self.children.park(child, place, result);
        // It may be over by now.
        self.visit(child);
        if self.executions.get(place.0).is_some() {
            self.settle(place.0);
        }
    }

    /// Whether an execution only waits for others, each of which will find it again.
    pub(super) fn is_parked(&self, key: ExecutionKey, execution: &engine::Execution) -> bool {
        let has_map_run =
            execution.map_runs().any(|run| run.status == engine::MapRunStatus::Running);
        !has_map_run
            && !execution.wants_to_continue()
            && execution.tasks_of_this_process().all(|task| self.children.is_parked((key, task)))
    }

    /// Stops the execution that a task waits for. False if it waits for none.
    pub(super) fn stop_child_of(&mut self, place: Place) -> bool {
        let Some((child, is_parked)) = self.children.unlink(place) else {
            return false;
        };
        if self.calls.remove(&place) && !is_parked {
            self.outputs.push_back(Output::CancelCall { key: place.0, task: place.1 });
        }
        self.stop_child(child);
        true
    }

    /// A task has ended by its token: the execution that it waited for runs on. False if it
    /// waited for none.
    pub(super) fn leave_child_of(&mut self, place: Place) -> bool {
        let Some((_, is_parked)) = self.children.unlink(place) else {
            return false;
        };
        if self.calls.remove(&place) && !is_parked {
            self.outputs.push_back(Output::CancelCall { key: place.0, task: place.1 });
        }
        true
    }

    fn stop_child(&mut self, child: ExecutionKey) {
        let command = Command::Stop { error: None, cause: None };
        self.command(child, Entry { command, then: Then::Nothing });
    }

    /// An execution in memory is over.
    pub(super) fn child_ended(&mut self, child: ExecutionKey, described: &ExecutionDescription) {
        for (place, result) in self.children.take(child) {
            self.child_result(place, result(described));
        }
    }

    /// The same of one whose end is only in the store.
    pub(super) fn child_found_ended(&mut self, child: ExecutionKey, arn: &str) {
        for (place, result) in self.children.take(child) {
            self.describe_child(place, arn, result);
        }
    }

    /// Reads an execution that is over for the task that waits for it.
    pub(super) fn describe_child(&mut self, place: Place, arn: &str, result: ChildResult) {
        self.outputs.push_back(Output::DescribeChild { place, arn: arn.into(), result });
    }

    pub(super) fn child_described(
        &mut self,
        place: Place,
        arn: &str,
        result: ChildResult,
        described: Result<ExecutionDescription, RuntimeError>,
    ) {
        match described {
            Ok(described) => self.child_result(place, result(&described)),
            Err(RuntimeError::Store(error)) => self.ask_again(place, arn, result, &error),
            Err(error) => self.child_lost(place, &error),
        }
    }

    /// There is no such execution.
    pub(super) fn child_lost(&mut self, place: Place, error: &RuntimeError) {
        let failure = TaskFailure {
            error: Some("States.TaskFailed".into()),
            cause: Some(error.to_string().into()),
        };
        self.child_result(place, Err(failure));
    }

    fn child_result(&mut self, place: Place, result: Result<asl::Payload, TaskFailure>) {
        self.task_returned(place.0, place.1, result);
    }

    /// The store did not answer what an execution that a task waits for is doing.
    pub(super) fn ask_again(
        &mut self,
        place: Place,
        arn: &str,
        result: ChildResult,
        error: &StoreError,
    ) {
        tracing::warn!(%error, "an awaited execution could not be read and is tried again");
        self.unanswered(Question::Await { place, arn: arn.into(), result });
    }

    fn unanswered(&mut self, question: Question) {
        self.children.unanswered.push(question);
        self.children.failures += 1;
        let at = self.retry_moment(self.children.failures);
        self.timers.set(at, Alarm::Children);
    }

    pub(super) fn retry_children(&mut self) {
        for question in std::mem::take(&mut self.children.unanswered) {
            match question {
                Question::Await { place, arn, result } => {
                    self.await_execution(place, &arn, result);
                }
                Question::Parent(child) if self.executions.get(child).is_some() => {
                    self.look_for_parent(child);
                }
                // It has left memory: what is read is asked for its parent.
                Question::Parent(child) => self.visit(child),
            }
        }
    }

    /// An execution was read that a task may wait for: if this process does not know of it, what
    /// became of the task is looked up.
    pub(super) fn look_for_parent(&mut self, child: ExecutionKey) {
        let Some(known) = self.executions.get(child).and_then(|held| held.known.as_ref()) else {
            return;
        };
        let Some(parent) = known.parent.as_ref().filter(|parent| parent.awaited) else {
            return;
        };
        if self.children.is_awaited(child) {
            return;
        }
        // Linked first: if the task is cut off from now on that is seen here.
        let place = parent.place();
        let parent = Arc::clone(parent);
        self.children.link(child, place);
        self.outputs.push_back(Output::CheckParent { child, parent });
    }

    pub(super) fn parent_checked(
        &mut self,
        child: ExecutionKey,
        parent: &ParentRecord,
        result: Result<ParentState, StoreError>,
    ) {
        let place = parent.place();
        let is_linked = self.children.by_parent.get(&place) == Some(&child);
        match result {
            _ if !is_linked => {}
            Ok(ParentState::Waits) => self.children.failures = 0,
            Ok(ParentState::Left) => {
                self.children.unlink(place);
            }
            Ok(ParentState::Gone | ParentState::Unknown) => {
                self.children.unlink(place);
                self.stop_child(child);
            }
            Err(error) => {
                tracing::warn!(%error, "a parent could not be read and is tried again");
                self.children.unlink(place);
                self.unanswered(Question::Parent(child));
            }
        }
    }

    /// The start of an execution never became durable.
    pub(super) fn child_vanished(&mut self, child: ExecutionKey) {
        let gone = RuntimeError::ExecutionDoesNotExist(String::new());
        for (place, _) in self.children.take(child) {
            self.child_lost(place, &gone);
        }
    }
}

impl ParentRecord {
    pub(crate) fn place(&self) -> Place {
        (ExecutionKey(self.key), TaskId(self.task))
    }

    /// A UUID that is the same for the same attempt of a task. Its bytes are a hash, as random as
    /// those of any other.
    pub(super) fn uuid(&self, purpose: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("{purpose} {} {}", self.task, self.execution));
        let bytes: [u8; 32] = hash.finalize().into();
        let bytes = bytes.first_chunk::<16>().expect("a hash has 32 bytes");
        uuid::Builder::from_random_bytes(*bytes).into_uuid().to_string()
    }
}
