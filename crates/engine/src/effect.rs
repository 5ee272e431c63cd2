//! What an execution wants done outside. Effects leave only after the turn's events are durable.

use std::sync::Arc;

use asl::{Payload, Resource, ScopeIndex, Timestamp};

use crate::{MapRunId, TaskId};

/// A wish to the outside. There is none for timers ([`crate::Execution::next_wake`] tells the
/// next moment of interest) and none for answers to callers (the status tells).
#[derive(Debug, Clone)]
pub enum Effect {
    /// Call a function or service; answer with [`crate::Command::ReturnTask`].
    RunTask(Box<TaskDispatch>),
    /// Put a task in front of an activity's workers.
    OfferActivity(Box<ActivityOffer>),
    /// Nobody waits for this task any more: stop its call, withdraw its offer.
    CancelTask { task: TaskId },
    /// Nobody waits for this task's job any more: stop its call, and the job, if there is one.
    CancelJob(Box<TaskDispatch>),
    /// The task is over by its token while its job runs: stop the call, let the job run.
    ReleaseJob { task: TaskId },
    /// Read the items of a Map Run and keep them; answer with [`crate::Command::ItemsRead`].
    ReadItems { map_run: MapRunId },
    /// Export the results of a Map Run; answer with [`crate::Command::ResultsWritten`], which
    /// nobody waits for where the Map Run is over: it has failed or was stopped.
    WriteResults { map_run: MapRunId },
    /// Start a child of a Map Run; answer with [`crate::Command::EndChild`] when it has ended.
    StartChild(Box<ChildStart>),
    /// Stop these children of a Map Run, by their indexes and ARNs. Nobody waits for them.
    StopChildren { map_run: MapRunId, children: Vec<(u32, Box<str>)> },
}

/// The work of a Task state that calls out.
#[derive(Debug, Clone)]
pub struct TaskDispatch {
    pub task: TaskId,
    pub state_name: Arc<str>,
    pub resource: Resource,
    /// The effective input: `Parameters`/`Arguments`, or the whole input of a function.
    pub parameters: Payload,
    pub credentials: Option<Payload>,
    /// For `.waitForTaskToken`.
    pub task_token: Option<String>,
    /// Of a task that waits for its job (`.sync`): what submitting it gave, if that is recorded.
    /// The job must be found again, not started.
    pub submitted: Option<Payload>,
    /// When the attempt began.
    pub started: Option<Timestamp>,
    /// When the task will be timed out, if ever.
    pub deadline: Option<Timestamp>,
    /// Whether the call may have been made before, by a process that ended.
    pub recovered: bool,
}

/// An activity task that waits for a worker.
#[derive(Debug, Clone)]
pub struct ActivityOffer {
    pub task: TaskId,
    pub activity_arn: Box<str>,
    pub input: Payload,
}

/// A child of a Map Run that is to run.
#[derive(Debug, Clone)]
pub struct ChildStart {
    pub map_run: MapRunId,
    pub map_run_arn: Box<str>,
    pub index: u32,
    /// How many items it works on.
    pub items: u32,
    /// The scope of the program that it runs.
    pub processor: ScopeIndex,
    pub express: bool,
    /// Which redrive of the Map Run wants it; 0 before the first. A child that ran for an
    /// earlier one and was not successful is redriven.
    pub attempt: u32,
    /// Absent where it may have been started by a process that ended: then it is looked for, and
    /// where it is not, [`crate::Command::RestartChild`] gives its input.
    pub input: Option<Payload>,
}
