//! The facts an execution consists of.
//!
//! Kinds are as close to AWS's history events as they can be. The numbers are given when the
//! event is made and kept with it: a later change of the numbering rules cannot change a past
//! history. Facts that AWS's history does not show have the id 0.

use asl::{Payload, StateIndex, Timestamp};

use crate::map_run::{MapRunId, MapRunSettings, MapRunUpdate};
use crate::{Status, TaskFailure};

/// Names one line of progress: the machine (0), a Parallel branch, a Map iteration. Never
/// reused within an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameId(pub u32);

/// Names one attempt of a Task state: the id of its …Scheduled event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u32);

/// A fact.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// AWS's event id, dense from 1; 0 where AWS's history has no such event.
    pub id: u32,
    /// AWS's `previousEventId`.
    pub previous: u32,
    pub at: Timestamp,
    pub kind: EventKind,
}

/// What happened. `frame` is where; `state` is the state the frame is in.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// `deadline` is when the execution is timed out as a whole.
    ExecutionStarted {
        input: Payload,
        deadline: Timestamp,
    },
    ExecutionSucceeded {
        output: Payload,
    },
    ExecutionFailed {
        error: Option<Box<str>>,
        cause: Option<Box<str>>,
    },
    ExecutionAborted {
        error: Option<Box<str>>,
        cause: Option<Box<str>>,
    },
    ExecutionTimedOut {
        error: Option<Box<str>>,
        cause: Option<Box<str>>,
    },

    /// The execution goes on where it stopped. `deadline` is when it is timed out as a whole;
    /// the client token means this redrive for some time.
    ExecutionRedriven {
        redrive_count: u32,
        deadline: Timestamp,
        client_token: Option<Box<str>>,
    },

    StateEntered {
        frame: FrameId,
        state: StateIndex,
        input: Payload,
    },
    /// `next` is where the frame goes; none where it ends.
    StateExited {
        frame: FrameId,
        state: StateIndex,
        output: Payload,
        assigned: Vec<(Box<str>, Payload)>,
        next: Option<StateIndex>,
    },
    /// A state inside the container that `frame` is in was cut off: by the failure of another,
    /// or by its own.
    StateAborted {
        frame: FrameId,
        state: StateIndex,
    },
    EvaluationFailed {
        frame: FrameId,
        state: StateIndex,
        error: Box<str>,
        cause: Box<str>,
        location: Option<Box<str>>,
    },
    /// Not in AWS's history: a Wait state waits until then.
    WaitScheduled {
        frame: FrameId,
        state: StateIndex,
        until: Timestamp,
    },
    /// Not in AWS's history: the state is tried again then.
    RetryScheduled {
        frame: FrameId,
        state: StateIndex,
        retrier: u32,
        until: Timestamp,
    },

    /// LambdaFunctionScheduled, ActivityScheduled or TaskScheduled, by the state's resource.
    TaskScheduled {
        frame: FrameId,
        state: StateIndex,
        parameters: Payload,
        timeout_seconds: Option<u64>,
        heartbeat_seconds: Option<u64>,
        credentials: Option<Payload>,
    },
    /// `by_worker`: an activity task that a worker took.
    TaskStarted {
        frame: FrameId,
        state: StateIndex,
        by_worker: bool,
        worker_name: Option<Box<str>>,
    },
    TaskSubmitted {
        frame: FrameId,
        state: StateIndex,
        output: Payload,
    },
    /// TaskSubmitted of a task that waits for its job (`.sync`): the job is under way, and
    /// `output` says which.
    JobSubmitted {
        frame: FrameId,
        state: StateIndex,
        output: Payload,
    },
    /// The call that was to submit a job, or to carry a token out, failed.
    TaskSubmitFailed {
        frame: FrameId,
        state: StateIndex,
        error: Option<Box<str>>,
        cause: Option<Box<str>>,
    },
    TaskSucceeded {
        frame: FrameId,
        state: StateIndex,
        output: Payload,
    },
    TaskFailed {
        frame: FrameId,
        state: StateIndex,
        error: Option<Box<str>>,
        cause: Option<Box<str>>,
    },
    TaskTimedOut {
        frame: FrameId,
        state: StateIndex,
        error: Box<str>,
        cause: Option<Box<str>>,
    },
    /// Not in AWS's history: the task's worker gave a sign of life.
    HeartbeatRecorded {
        frame: FrameId,
        state: StateIndex,
    },
    /// Not in AWS's history: the token came back with this result before the call that carried
    /// it out did. It counts once the call is back.
    CallbackRecorded {
        frame: FrameId,
        state: StateIndex,
        result: Result<Payload, TaskFailure>,
    },

    /// The branches' frames are numbered on from the execution's next free frame.
    ParallelStarted {
        frame: FrameId,
        state: StateIndex,
        branches: u32,
        input: Payload,
    },
    ParallelSucceeded {
        frame: FrameId,
        state: StateIndex,
    },
    ParallelFailed {
        frame: FrameId,
        state: StateIndex,
    },

    MapStarted {
        frame: FrameId,
        state: StateIndex,
        /// An array, or an object whose pairs are the items.
        items: Payload,
        length: u32,
        /// 0: no limit.
        max_concurrency: u32,
    },
    /// The iteration's frame is the execution's next free one. `item` is what
    /// `$$.Map.Item.Value` shows, `key` its name where the items are an object's pairs; `input`
    /// is what the first state gets.
    IterationStarted {
        frame: FrameId,
        state: StateIndex,
        index: u32,
        item: Payload,
        key: Option<Box<str>>,
        input: Payload,
    },
    IterationSucceeded {
        frame: FrameId,
        state: StateIndex,
        index: u32,
    },
    IterationFailed {
        frame: FrameId,
        state: StateIndex,
        index: u32,
    },
    IterationAborted {
        frame: FrameId,
        state: StateIndex,
        index: u32,
    },
    MapSucceeded {
        frame: FrameId,
        state: StateIndex,
    },
    MapFailed {
        frame: FrameId,
        state: StateIndex,
    },

    /// MapStateStarted of a distributed Map: `length` is 0 where items are read.
    DistributedMapStarted {
        frame: FrameId,
        state: StateIndex,
        length: u32,
    },
    /// `items` are those of the state's data as an array, and whether they are the pairs of an
    /// object; none where items are read.
    MapRunStarted {
        frame: FrameId,
        state: StateIndex,
        settings: Box<MapRunSettings>,
        items: Option<(Payload, bool)>,
    },
    MapRunSucceeded {
        frame: FrameId,
        state: StateIndex,
    },
    MapRunFailed {
        frame: FrameId,
        state: StateIndex,
        error: Option<Box<str>>,
        cause: Option<Box<str>>,
    },
    MapRunAborted {
        frame: FrameId,
        state: StateIndex,
    },
    /// A Map Run that was not successful goes on: the run of this id, whose redrive this is.
    MapRunRedriven {
        frame: FrameId,
        state: StateIndex,
        map_run: MapRunId,
        map_run_arn: Box<str>,
        redrive_count: u32,
    },
    /// Not in AWS's history: these children of the Map Run, which were not successful, run again.
    ChildrenRedriven {
        frame: FrameId,
        state: StateIndex,
        children: Vec<u32>,
    },
    /// Not in AWS's history: this child of the Map Run cannot be redriven and stays as it ended.
    ChildNotRedriven {
        frame: FrameId,
        state: StateIndex,
        index: u32,
    },
    /// Not in AWS's history: a child of a Map Run runs again because this redrive of the Map Run
    /// wants it. An Express one is as before its first event, and starts anew.
    AttemptStarted {
        attempt: u32,
    },
    /// Not in AWS's history: the items that the Map Run reads are kept, so many.
    ItemsRead {
        frame: FrameId,
        state: StateIndex,
        total: u64,
    },
    /// Not in AWS's history: the next children of the Map Run, with the number of items of each.
    ChildrenStarted {
        frame: FrameId,
        state: StateIndex,
        items: Vec<u32>,
    },
    /// Not in AWS's history: a child of the Map Run has ended. `result` is what it adds to the
    /// state's output, absent where it adds nothing or the output is too large anyway; `bytes`
    /// is what it takes there.
    ChildEnded {
        frame: FrameId,
        state: StateIndex,
        index: u32,
        status: Status,
        result: Option<Payload>,
        bytes: u64,
    },
    /// Not in AWS's history: the results of the Map Run were exported.
    ResultsWritten {
        frame: FrameId,
        state: StateIndex,
        output: Payload,
    },
    /// Not in AWS's history: the Map Run goes on with other bounds.
    MapRunUpdated {
        map_run: MapRunId,
        update: MapRunUpdate,
    },
}

impl EventKind {
    /// The frame and the state the event is about; none for events of the whole execution.
    pub fn place(&self) -> Option<(FrameId, StateIndex)> {
        match self {
            EventKind::ExecutionStarted { .. }
            | EventKind::ExecutionSucceeded { .. }
            | EventKind::ExecutionFailed { .. }
            | EventKind::ExecutionAborted { .. }
            | EventKind::ExecutionTimedOut { .. }
            | EventKind::ExecutionRedriven { .. }
            | EventKind::AttemptStarted { .. }
            | EventKind::MapRunUpdated { .. } => None,
            EventKind::StateEntered { frame, state, .. }
            | EventKind::StateExited { frame, state, .. }
            | EventKind::StateAborted { frame, state }
            | EventKind::EvaluationFailed { frame, state, .. }
            | EventKind::WaitScheduled { frame, state, .. }
            | EventKind::RetryScheduled { frame, state, .. }
            | EventKind::TaskScheduled { frame, state, .. }
            | EventKind::TaskStarted { frame, state, .. }
            | EventKind::TaskSubmitted { frame, state, .. }
            | EventKind::JobSubmitted { frame, state, .. }
            | EventKind::TaskSubmitFailed { frame, state, .. }
            | EventKind::TaskSucceeded { frame, state, .. }
            | EventKind::TaskFailed { frame, state, .. }
            | EventKind::TaskTimedOut { frame, state, .. }
            | EventKind::HeartbeatRecorded { frame, state }
            | EventKind::CallbackRecorded { frame, state, .. }
            | EventKind::ParallelStarted { frame, state, .. }
            | EventKind::ParallelSucceeded { frame, state }
            | EventKind::ParallelFailed { frame, state }
            | EventKind::MapStarted { frame, state, .. }
            | EventKind::IterationStarted { frame, state, .. }
            | EventKind::IterationSucceeded { frame, state, .. }
            | EventKind::IterationFailed { frame, state, .. }
            | EventKind::IterationAborted { frame, state, .. }
            | EventKind::MapSucceeded { frame, state }
            | EventKind::MapFailed { frame, state }
            | EventKind::DistributedMapStarted { frame, state, .. }
            | EventKind::MapRunStarted { frame, state, .. }
            | EventKind::MapRunSucceeded { frame, state }
            | EventKind::MapRunFailed { frame, state, .. }
            | EventKind::MapRunAborted { frame, state }
            | EventKind::MapRunRedriven { frame, state, .. }
            | EventKind::ChildrenRedriven { frame, state, .. }
            | EventKind::ChildNotRedriven { frame, state, .. }
            | EventKind::ItemsRead { frame, state, .. }
            | EventKind::ChildrenStarted { frame, state, .. }
            | EventKind::ChildEnded { frame, state, .. }
            | EventKind::ResultsWritten { frame, state, .. } => Some((*frame, *state)),
        }
    }

    /// Whether AWS's history shows the event, so that it takes an id.
    pub fn is_history(&self) -> bool {
        !matches!(
            self,
            EventKind::WaitScheduled { .. }
                | EventKind::RetryScheduled { .. }
                | EventKind::HeartbeatRecorded { .. }
                | EventKind::CallbackRecorded { .. }
                | EventKind::ChildrenRedriven { .. }
                | EventKind::ChildNotRedriven { .. }
                | EventKind::AttemptStarted { .. }
                | EventKind::ItemsRead { .. }
                | EventKind::ChildrenStarted { .. }
                | EventKind::ChildEnded { .. }
                | EventKind::ResultsWritten { .. }
                | EventKind::MapRunUpdated { .. }
        )
    }

    /// Whether this ends the execution.
    pub fn is_end(&self) -> bool {
        matches!(
            self,
            EventKind::ExecutionSucceeded { .. }
                | EventKind::ExecutionFailed { .. }
                | EventKind::ExecutionAborted { .. }
                | EventKind::ExecutionTimedOut { .. }
        )
    }

    /// Whether later events of the frame point at this one. Some kinds point at the frame's
    /// last event but do not become it.
    pub fn advances_chain(&self) -> bool {
        self.is_history()
            && !matches!(
                self,
                EventKind::ParallelSucceeded { .. }
                    | EventKind::MapSucceeded { .. }
                    | EventKind::MapRunSucceeded { .. }
                    | EventKind::IterationFailed { .. }
                    | EventKind::IterationAborted { .. }
                    | EventKind::StateAborted { .. }
            )
    }
}
