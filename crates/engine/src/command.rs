//! What can be asked of an execution, and what comes in with the asking.

use std::sync::Arc;

use asl::{Payload, Timestamp};

use crate::limits::Limits;
use crate::{ChildEnd, MapRunId, MapRunUpdate, ReadItem, TaskId};

/// A request to an execution. Commands are imperative; what came of them are events.
#[derive(Debug, Clone)]
pub enum Command {
    /// Begin. Only for an execution without events.
    Start { input: Payload },
    /// Go on after a turn that stopped because it had passed many states.
    Continue,
    /// Time has passed: act on everything that is due at the stamp's moment.
    WakeUp,
    /// A worker took an activity task.
    StartActivity { task: TaskId, worker_name: Option<Box<str>> },
    /// A task that waits for its job (`.sync`) has submitted it. [`Command::ReturnTask`] comes
    /// when the job is over.
    SubmitTask { task: TaskId, output: Payload },
    /// The call of a task came back (a function, a service). For a task that waits for its
    /// token a successful call only means that it was submitted.
    ReturnTask { task: TaskId, result: Result<Payload, TaskFailure> },
    /// SendTaskSuccess, for token tasks and activities.
    SucceedTask { task: TaskId, output: Payload },
    /// SendTaskFailure, for token tasks and activities.
    FailTask { task: TaskId, failure: TaskFailure },
    /// SendTaskHeartbeat.
    Heartbeat { task: TaskId },
    /// A child of a Map Run has ended.
    EndChild { map_run: MapRunId, index: u32, end: Box<ChildEnd> },
    /// A child was lost before its start became durable. `items` are those that it works on,
    /// where they are not in the state's data.
    RestartChild { map_run: MapRunId, index: u32, items: Option<Vec<ReadItem>> },
    /// A child cannot be redriven: it stays as it ended.
    KeepChild { map_run: MapRunId, index: u32, end: Box<ChildEnd> },
    /// Run again, as a child of a Map Run of which this is the redrive. One that still runs for
    /// an earlier one is stopped first.
    RedriveChild { attempt: u32 },
    /// All items that a Map Run reads are kept; how many there are.
    ItemsRead { map_run: MapRunId, result: Result<u64, TaskFailure> },
    /// Items that were read, from `first` on. `is_end` where no more follow these.
    ItemsFetched { map_run: MapRunId, first: u64, items: Vec<ReadItem>, is_end: bool },
    /// The results of a Map Run were exported; the state's result.
    ResultsWritten { map_run: MapRunId, result: Result<Payload, TaskFailure> },
    /// UpdateMapRun.
    UpdateMapRun { map_run: MapRunId, update: MapRunUpdate },
    /// StopExecution.
    Stop { error: Option<Box<str>>, cause: Option<Box<str>> },
    /// RedriveExecution: an execution that was not successful goes on where it stopped.
    Redrive { client_token: Option<Box<str>> },
    /// End the execution as failed because running it panicked.
    Fail { error: Box<str>, cause: Box<str> },
}

/// How a task failed; both may be absent, as with a bare SendTaskFailure.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskFailure {
    pub error: Option<Box<str>>,
    pub cause: Option<Box<str>>,
}

/// What comes in with a command from the impure world.
#[derive(Clone, Copy)]
pub struct Stamp<'a> {
    /// The moment of the turn.
    pub now: Timestamp,
    /// Seeds everything random in the turn.
    pub seed: u64,
    pub world: &'a dyn World,
}

/// What an execution may ask of its surroundings while it decides. Answers that matter are
/// recorded in events, so recovery never asks again.
pub trait World {
    /// The task token of an attempt of this execution.
    fn task_token(&self, task: TaskId) -> String;
    /// Whether an activity is registered under this ARN.
    fn activity_exists(&self, arn: &str) -> bool;
    /// The bounds on data.
    fn limits(&self) -> Limits {
        Limits::default()
    }
    /// What stops an evaluation that may take long: whoever has a clock keeps an eye on it for
    /// as long as it is held.
    fn interrupt(&self) -> Arc<asl::Interrupt> {
        Arc::default()
    }
    /// Where evaluations that may take long are done instead of in the step.
    fn elsewhere(&self) -> Option<&dyn asl::Elsewhere> {
        None
    }
    /// Whether the turn has taken so long that it should end with the state it is at.
    fn is_late(&self) -> bool {
        false
    }
}
