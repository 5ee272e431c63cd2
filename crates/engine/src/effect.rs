//! What an execution wants done outside. Effects leave only after the turn's events are durable.

use std::sync::Arc;

use asl::{Payload, Resource, Timestamp};

use crate::TaskId;

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
