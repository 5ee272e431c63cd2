//! An execution's state, and the only function that changes it.

use std::sync::Arc;

use asl::{Payload, Resource, Timestamp};

use crate::{Event, TaskId};

/// What never changes about an execution and is decided when it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    pub arn: Box<str>,
    pub name: Box<str>,
    /// Without version or alias.
    pub state_machine_arn: Box<str>,
    pub state_machine_name: Box<str>,
    pub state_machine_version_arn: Option<Box<str>>,
    pub state_machine_alias_arn: Option<Box<str>>,
    pub role_arn: Box<str>,
    pub region: Box<str>,
    pub express: bool,
}

/// The status of an execution, in AWS's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Aborted,
}

impl Status {
    /// `RUNNING`, `SUCCEEDED`, …
    pub fn name(self) -> &'static str {
        match self {
            Status::Running => "RUNNING",
            Status::Succeeded => "SUCCEEDED",
            Status::Failed => "FAILED",
            Status::TimedOut => "TIMED_OUT",
            Status::Aborted => "ABORTED",
        }
    }
}

/// One execution. Equal executions behave equally for ever.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    pub identity: Arc<Identity>,
    pub status: Status,
}

/// How far an open task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// An activity task that no worker has taken.
    Offered,
    /// Its call is under way, or a worker has it.
    Started,
    /// Its call came back; only the token can end it.
    Submitted,
}

/// A task that is not over.
#[derive(Debug, Clone)]
pub struct OpenTask {
    pub task: TaskId,
    pub state_name: Arc<str>,
    pub resource: Resource,
    pub state: TaskState,
}

impl Execution {
    /// An execution before its first event.
    pub fn new(identity: Arc<Identity>) -> Execution {
        Execution { identity, status: Status::Running }
    }

    /// Remembers a fact. The only function that changes an execution.
    pub fn apply(&mut self, event: &Event) {
        let _ = event;
        todo!()
    }

    /// The next moment at which [`crate::Command::WakeUp`] would do something; none if the
    /// execution is over or only waits for others.
    pub fn next_wake(&self) -> Option<Timestamp> {
        todo!()
    }

    /// Whether the last turn stopped in the middle and wants [`crate::Command::Continue`] at once.
    pub fn wants_to_continue(&self) -> bool {
        todo!()
    }

    /// Whether tasks are under way that a new process must take up ([`crate::recover`]).
    pub fn needs_recovery(&self) -> bool {
        todo!()
    }

    /// The state of an attempt; none if it is over or never was.
    pub fn task_state(&self, task: TaskId) -> Option<TaskState> {
        let _ = task;
        todo!()
    }

    pub fn input(&self) -> &Payload {
        todo!()
    }

    pub fn output(&self) -> Option<&Payload> {
        todo!()
    }

    pub fn error(&self) -> Option<&str> {
        todo!()
    }

    pub fn cause(&self) -> Option<&str> {
        todo!()
    }

    pub fn start_date(&self) -> Timestamp {
        todo!()
    }

    pub fn stop_date(&self) -> Option<Timestamp> {
        todo!()
    }

    /// The number of history events so far.
    pub fn event_count(&self) -> u32 {
        todo!()
    }

    /// State transitions so far, as AWS bills them: states entered plus retries.
    pub fn transitions(&self) -> u64 {
        todo!()
    }
}
