//! What a node can be asked, and what it answers.

use std::sync::Arc;

use asl::{Payload, Timestamp};
use engine::{MapRun, MapRunId, MapRunUpdate, TaskFailure, TaskId};
use store::{ExecutionKey, Write};

use crate::children::Parent;
use crate::definitions::Definition;
use crate::records::{ActivityRecord, AliasRecord, VersionRecord};
use crate::registry::MachineAnswer;
use crate::{
    Activity, ActivityTask, ExecutionDescription, NewStateMachine, NewStateMachineAlias,
    StartRequest, Started, StateMachineAliasUpdate, StateMachineUpdate,
};

/// What can be asked of a node.
pub enum Request {
    Start(StartRequest),
    StartSync(StartRequest),
    /// A task starts an execution.
    StartChild {
        request: StartRequest,
        parent: Parent,
    },
    Stop {
        execution_arn: Box<str>,
        error: Option<Box<str>>,
        cause: Option<Box<str>>,
    },
    Redrive {
        execution_arn: Box<str>,
        client_token: Option<Box<str>>,
    },
    /// Answered with [`Answer::Elsewhere`] for an execution that is not in memory.
    Describe {
        execution_arn: Box<str>,
    },
    WaitForEnd {
        execution_arn: Box<str>,
    },
    /// The Map Runs of an execution. Answered with [`Answer::Elsewhere`] for an execution that is
    /// not in memory.
    MapRuns {
        execution_arn: Box<str>,
    },
    UpdateMapRun {
        execution_arn: Box<str>,
        map_run: MapRunId,
        update: MapRunUpdate,
    },
    Task {
        token: String,
        report: TaskReport,
    },
    Poll {
        activity_arn: Box<str>,
        worker_name: Option<Box<str>>,
    },
    Resource(Box<ResourceRequest>),
    /// Items that were read are to be kept, or removed.
    KeepItems {
        writes: Vec<Write>,
    },
    /// Changes of status were told, and need not be kept.
    StatusChangesTold {
        keys: Vec<String>,
    },
}

/// What the holder of a task token says.
pub enum TaskReport {
    Success(Payload),
    Failure(TaskFailure),
    Heartbeat,
}

/// An operation on what is registered.
pub enum ResourceRequest {
    CreateMachine {
        new: NewStateMachine,
        definition: Arc<Definition>,
    },
    UpdateMachine {
        arn: Box<str>,
        update: StateMachineUpdate,
        definition: Option<Arc<Definition>>,
    },
    DeleteMachine {
        arn: Box<str>,
    },
    /// Of the revision, if one is named: `INITIAL` before the first update.
    PublishVersion {
        arn: Box<str>,
        revision_id: Option<String>,
        description: Option<String>,
    },
    DeleteVersion {
        arn: Box<str>,
    },
    CreateAlias {
        new: NewStateMachineAlias,
    },
    UpdateAlias {
        arn: Box<str>,
        update: StateMachineAliasUpdate,
    },
    DeleteAlias {
        arn: Box<str>,
    },
    CreateActivity {
        activity: Activity,
        tags: Vec<(String, String)>,
    },
    DeleteActivity {
        arn: Box<str>,
    },
    Tag {
        arn: Box<str>,
        tags: Vec<(String, String)>,
    },
    Untag {
        arn: Box<str>,
        keys: Vec<String>,
    },
}

/// What a request is answered with.
#[derive(Debug)]
pub enum Answer {
    Done,
    Started(Started),
    Described(Box<ExecutionDescription>),
    MapRuns(Vec<MapRun>),
    /// The execution is not in memory; the store has it, if there is one.
    Elsewhere,
    /// The execution is over.
    Ended,
    Stopped(Timestamp),
    Redriven(Timestamp),
    Task(Option<Box<AssignedTask>>),
    Machine(MachineAnswer),
    Version(Arc<VersionRecord>),
    Alias(Arc<AliasRecord>),
    Activity(Arc<ActivityRecord>),
}

/// A task that goes to a worker.
#[derive(Debug)]
pub struct AssignedTask {
    pub activity_arn: Box<str>,
    pub key: ExecutionKey,
    pub task: TaskId,
    /// What the worker sees of it.
    pub given: ActivityTask,
}

impl AssignedTask {
    /// What the worker gets.
    pub fn given(&self) -> &ActivityTask {
        &self.given
    }
}
