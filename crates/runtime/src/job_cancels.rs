//! Jobs that nobody waits for any more and that are not cancelled yet: each is kept in the same
//! transaction as the turn that gave it up, and removed once it was cancelled. So a crash loses
//! none; it may have one cancelled twice.

use asl::{Payload, Resource, Timestamp};
use engine::{Effect, TaskDispatch, TaskId};
use serde::{Deserialize, Serialize};
use store::{ExecutionKey, Store, Write};

use crate::definitions::LoadError;
use crate::limits::RECORD_PAGE;
use crate::load;
use crate::node::{ParentRecord, ParentState};
use crate::records::{self, kind};
use crate::{ChildExecutions, Submission, TaskCall};

/// The call of a task whose job is to be cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobCancelRecord {
    pub(crate) execution: Box<str>,
    pub(crate) key: u64,
    pub(crate) task: u32,
    pub(crate) region: Box<str>,
    pub(crate) state: Box<str>,
    pub(crate) resource: Box<str>,
    /// JSON, as texts.
    pub(crate) parameters: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) credentials: Option<Box<str>>,
    /// When the attempt began, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) started: Option<i64>,
    /// What submitting the job gave; absent where that was not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) submitted: Option<Box<str>>,
}

/// The record's key.
pub(crate) fn key_of(key: ExecutionKey, task: TaskId) -> String {
    format!("{}-{}", key.0, task.0)
}

/// The writes that remember what a turn gives up.
pub(crate) fn remember<'a>(
    effects: &'a [Effect],
    key: ExecutionKey,
    execution: &'a str,
    region: &'a str,
) -> impl Iterator<Item = Write> + 'a {
    effects.iter().filter_map(move |effect| match effect {
        Effect::CancelJob(dispatch) if !is_execution(&dispatch.resource) => {
            Some(record(key, execution, region, dispatch).write())
        }
        _ => None,
    })
}

/// Executions of this runtime find out by themselves that nobody waits for them.
fn is_execution(resource: &Resource) -> bool {
    matches!(resource, Resource::Service { service, .. } if &**service == "states")
}

fn record(
    key: ExecutionKey,
    execution: &str,
    region: &str,
    dispatch: &TaskDispatch,
) -> JobCancelRecord {
    let text = |payload: &Payload| payload.text().into();
    JobCancelRecord {
        execution: execution.into(),
        key: key.0,
        task: dispatch.task.0,
        region: region.into(),
        state: (&*dispatch.state_name).into(),
        resource: dispatch.resource.arn().into(),
        parameters: text(&dispatch.parameters),
        credentials: dispatch.credentials.as_ref().map(text),
        started: dispatch.started.map(|moment| moment.0),
        submitted: dispatch.submitted.as_ref().map(text),
    }
}

/// The write that remembers the same job by what submitting it gave.
pub(crate) fn remember_submitted(key: ExecutionKey, call: &TaskCall, output: &Payload) -> Write {
    let mut record = record(key, &call.execution_arn, &call.region, &call.dispatch);
    record.submitted = Some(output.text().into());
    record.write()
}

/// The write that forgets a job.
pub(crate) fn forget(key: ExecutionKey, task: TaskId) -> Write {
    Write::DeleteRecord { kind: kind::JOB_CANCEL, key: key_of(key, task) }
}

impl JobCancelRecord {
    fn write(&self) -> Write {
        let key = key_of(ExecutionKey(self.key), TaskId(self.task));
        Write::PutRecord { kind: kind::JOB_CANCEL, key, body: records::encode(self) }
    }

    /// The call, as the process that ended would have had it cancelled.
    fn call(&self) -> Option<TaskCall> {
        let payload = |text: &str| Payload::parse(text).ok();
        Some(TaskCall {
            execution_arn: self.execution.clone(),
            region: self.region.clone(),
            // Only told in a failure, and nobody learns of this one.
            role_arn: Box::default(),
            dispatch: TaskDispatch {
                task: TaskId(self.task),
                state_name: (&*self.state).into(),
                resource: Resource::parse(&self.resource)?,
                parameters: payload(&self.parameters)?,
                credentials: self.credentials.as_deref().and_then(payload),
                task_token: None,
                submitted: self.submitted.as_deref().and_then(payload),
                started: self.started.map(Timestamp),
                deadline: None,
                recovered: true,
            },
            submission: Submission::unrecorded(),
            inspector: None,
            executions: ChildExecutions::default(),
        })
    }
}

/// What earlier processes left: jobs to cancel, and jobs whose record means nothing (its turn
/// was not kept, or the task ended by itself). May block.
pub(crate) fn left_behind(store: &dyn Store) -> Result<LeftBehind, LoadError> {
    let mut found = LeftBehind::default();
    let mut after = String::new();
    loop {
        let page = store.records(kind::JOB_CANCEL, "", &after, RECORD_PAGE)?;
        let is_last = page.len() < RECORD_PAGE;
        for (name, body) in page {
            let record: JobCancelRecord = records::decode(&body)
                .map_err(|error| LoadError::record(kind::JOB_CANCEL, &name, &error))?;
            after = name;
            let place = (ExecutionKey(record.key), TaskId(record.task));
            let task = ParentRecord {
                execution: record.execution.clone(),
                key: record.key,
                task: record.task,
                awaited: true,
            };
            match (load::parent_state(store, &task)?, record.call()) {
                (ParentState::Gone, Some(call)) => found.to_cancel.push((place.0, call)),
                _ => found.void.push(place),
            }
        }
        if is_last {
            return Ok(found);
        }
    }
}

/// See [`left_behind`].
#[derive(Default)]
pub(crate) struct LeftBehind {
    pub(crate) to_cancel: Vec<(ExecutionKey, TaskCall)>,
    pub(crate) void: Vec<(ExecutionKey, TaskId)>,
}
