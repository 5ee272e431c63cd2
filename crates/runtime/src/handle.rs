//! The handle: everything the API, the command line and tests can ask of a runtime.

use std::sync::Arc;

use asl::{Diagnostic, Payload, Program, Timestamp};
use engine::{HistoryEvent, Identity, Status};
use store::{ExecutionQuery, ListPlace, Store, StoreError};

use crate::{
    Activity, NewStateMachine, StateMachine, StateMachineUpdate, StateMachineVersion, TaskRunner,
};

/// Why the runtime did not do what it was asked to. The API layer turns each into AWS's error.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    #[error("state machine does not exist: {0}")]
    StateMachineDoesNotExist(String),
    #[error("state machine already exists: {0}")]
    StateMachineAlreadyExists(String),
    #[error("state machine is being deleted: {0}")]
    StateMachineDeleting(String),
    /// At least one diagnostic is an error.
    #[error("the definition is not valid")]
    InvalidDefinition(Vec<Diagnostic>),
    #[error("execution does not exist: {0}")]
    ExecutionDoesNotExist(String),
    /// The ARN of the execution that has the name.
    #[error("execution already exists: {0}")]
    ExecutionAlreadyExists(String),
    #[error("activity does not exist: {0}")]
    ActivityDoesNotExist(String),
    #[error("too many workers poll the activity {0}")]
    ActivityWorkerLimitExceeded(String),
    /// The resource of a tag operation.
    #[error("resource not found: {0}")]
    ResourceNotFound(String),
    #[error("too many tags on {0}")]
    TooManyTags(String),
    /// The token is not one of ours.
    #[error("invalid token")]
    InvalidToken,
    /// The attempt is over: timed out, answered, retried.
    #[error("the task timed out or is over")]
    TaskTimedOut,
    /// The execution of the token is over or gone.
    #[error("the task does not exist")]
    TaskDoesNotExist,
    /// An operation that only the other type of state machine has.
    #[error("not supported by this type of state machine")]
    StateMachineTypeNotSupported,
    #[error("the runtime is stopping")]
    Stopping,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a runtime is set up.
#[derive(Debug, Clone)]
pub struct RuntimeOptions {
    /// Executions kept in memory at the same time while nothing happens to them.
    pub resident_executions_max: usize,
    /// How long GetActivityTask waits for a task before it answers with none.
    pub activity_poll: std::time::Duration,
}

impl Default for RuntimeOptions {
    fn default() -> Self {
        RuntimeOptions {
            resident_executions_max: 10_000,
            activity_poll: std::time::Duration::from_secs(60),
        }
    }
}

/// What StartExecution needs.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// Plain, version or alias ARN.
    pub state_machine_arn: String,
    /// Made up (UUID v4) if absent.
    pub name: Option<String>,
    pub input: Payload,
    pub trace_header: Option<String>,
}

/// What StartExecution answers.
#[derive(Debug, Clone)]
pub struct Started {
    pub execution_arn: Box<str>,
    pub start_date: Timestamp,
}

/// An execution as DescribeExecution shows it.
#[derive(Debug, Clone)]
pub struct ExecutionDescription {
    pub identity: Arc<Identity>,
    pub status: Status,
    pub start_date: Timestamp,
    pub stop_date: Option<Timestamp>,
    pub input: Payload,
    pub output: Option<Payload>,
    pub error: Option<Box<str>>,
    pub cause: Option<Box<str>>,
    pub trace_header: Option<String>,
    /// State transitions so far, as AWS bills them.
    pub transitions: u64,
}

/// An execution as ListExecutions shows it.
#[derive(Debug, Clone)]
pub struct ExecutionSummary {
    pub execution_arn: Box<str>,
    pub state_machine_arn: Box<str>,
    pub version_arn: Option<Box<str>>,
    pub alias_arn: Option<Box<str>>,
    pub name: Box<str>,
    pub status: Status,
    pub start_date: Timestamp,
    pub stop_date: Option<Timestamp>,
    /// Where a following page goes on.
    pub place: ListPlace,
}

/// A page of history.
#[derive(Debug)]
pub struct HistoryPage {
    pub events: Vec<HistoryEvent>,
    /// The id of the first event of the next page, in the order asked for.
    pub next: Option<u32>,
}

/// A task that a worker got.
#[derive(Debug, Clone)]
pub struct ActivityTask {
    pub task_token: String,
    pub input: Payload,
}

/// A moment in the life of an execution, for those who watch (`stepwell dev`, `stepwell run`,
/// server-sent events). Sent after the events are durable.
#[derive(Debug, Clone)]
pub struct Progress {
    pub identity: Arc<Identity>,
    pub program: Arc<Program>,
    pub events: Arc<Vec<engine::Event>>,
    pub status: Status,
}

/// Many executions over one store.
pub struct Runtime {}

impl Runtime {
    /// Opens the store's contents, takes up what was under way, and starts.
    pub async fn start(
        store: Arc<dyn Store>,
        runner: Arc<dyn TaskRunner>,
        options: RuntimeOptions,
    ) -> Result<Arc<Runtime>, RuntimeError> {
        let _ = (store, runner, options);
        todo!()
    }

    /// Takes no more requests, lets turns under way become durable, stops the calls of tasks
    /// (they are made again at the next start) and ends.
    pub async fn shutdown(&self) {
        todo!()
    }

    /// CreateStateMachine. Equal to an existing one: that one, as on AWS.
    pub async fn create_state_machine(
        &self,
        new: NewStateMachine,
    ) -> Result<(StateMachine, Option<StateMachineVersion>), RuntimeError> {
        let _ = new;
        todo!()
    }

    /// UpdateStateMachine. The answer's `revision_id` is absent if nothing changed.
    pub async fn update_state_machine(
        &self,
        arn: &str,
        update: StateMachineUpdate,
    ) -> Result<(StateMachine, Option<StateMachineVersion>), RuntimeError> {
        let _ = (arn, update);
        todo!()
    }

    /// DeleteStateMachine: gone at once where nothing runs; otherwise its executions are
    /// stopped at their next transition. Unknown ARNs are no error.
    pub async fn delete_state_machine(&self, arn: &str) -> Result<(), RuntimeError> {
        let _ = arn;
        todo!()
    }

    /// The state machine with this plain ARN.
    pub fn state_machine(&self, arn: &str) -> Result<StateMachine, RuntimeError> {
        let _ = arn;
        todo!()
    }

    /// The version with this ARN.
    pub fn state_machine_version(&self, arn: &str) -> Result<StateMachineVersion, RuntimeError> {
        let _ = arn;
        todo!()
    }

    /// State machines whose ARN starts with `prefix` (account and region), by name, beyond the
    /// ARN `after`.
    pub fn list_state_machines(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<StateMachine>, RuntimeError> {
        let _ = (prefix, after, limit);
        todo!()
    }

    /// StartExecution. Answers once the start is durable.
    pub async fn start_execution(&self, request: StartRequest) -> Result<Started, RuntimeError> {
        let _ = request;
        todo!()
    }

    /// StartSyncExecution: answers when the Express execution is over.
    pub async fn start_sync_execution(
        &self,
        request: StartRequest,
    ) -> Result<ExecutionDescription, RuntimeError> {
        let _ = request;
        todo!()
    }

    /// StopExecution: the moment of the end, also if it was over before.
    pub async fn stop_execution(
        &self,
        execution_arn: &str,
        error: Option<String>,
        cause: Option<String>,
    ) -> Result<Timestamp, RuntimeError> {
        let _ = (execution_arn, error, cause);
        todo!()
    }

    pub async fn describe_execution(
        &self,
        execution_arn: &str,
    ) -> Result<ExecutionDescription, RuntimeError> {
        let _ = execution_arn;
        todo!()
    }

    /// The state machine as it was when the execution started.
    pub async fn state_machine_of_execution(
        &self,
        execution_arn: &str,
    ) -> Result<StateMachine, RuntimeError> {
        let _ = execution_arn;
        todo!()
    }

    pub async fn list_executions(
        &self,
        query: ExecutionQuery,
    ) -> Result<Vec<ExecutionSummary>, RuntimeError> {
        let _ = query;
        todo!()
    }

    /// Events from the id `from` on (or from the newest down, with `reverse`; 0: from the
    /// beginning of that order), at most `limit`.
    pub async fn history(
        &self,
        execution_arn: &str,
        from: u32,
        limit: usize,
        reverse: bool,
    ) -> Result<HistoryPage, RuntimeError> {
        let _ = (execution_arn, from, limit, reverse);
        todo!()
    }

    /// Waits until the execution is over, and describes it.
    pub async fn wait_for_end(
        &self,
        execution_arn: &str,
    ) -> Result<ExecutionDescription, RuntimeError> {
        let _ = execution_arn;
        todo!()
    }

    /// CreateActivity; an existing one is answered as it is.
    pub async fn create_activity(
        &self,
        activity: Activity,
        tags: Vec<(String, String)>,
    ) -> Result<Activity, RuntimeError> {
        let _ = (activity, tags);
        todo!()
    }

    pub async fn delete_activity(&self, arn: &str) -> Result<(), RuntimeError> {
        let _ = arn;
        todo!()
    }

    pub fn activity(&self, arn: &str) -> Result<Activity, RuntimeError> {
        let _ = arn;
        todo!()
    }

    /// Activities whose ARN starts with `prefix`, by ARN, beyond `after`.
    pub fn list_activities(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Activity>, RuntimeError> {
        let _ = (prefix, after, limit);
        todo!()
    }

    /// GetActivityTask: waits up to [`RuntimeOptions::activity_poll`]. Dropping the future gives
    /// the place in the queue back; no task is lost to a client that went away before.
    pub async fn get_activity_task(
        &self,
        activity_arn: &str,
        worker_name: Option<String>,
    ) -> Result<Option<ActivityTask>, RuntimeError> {
        let _ = (activity_arn, worker_name);
        todo!()
    }

    /// SendTaskSuccess.
    pub async fn send_task_success(
        &self,
        token: &str,
        output: Payload,
    ) -> Result<(), RuntimeError> {
        let _ = (token, output);
        todo!()
    }

    /// SendTaskFailure.
    pub async fn send_task_failure(
        &self,
        token: &str,
        error: Option<String>,
        cause: Option<String>,
    ) -> Result<(), RuntimeError> {
        let _ = (token, error, cause);
        todo!()
    }

    /// SendTaskHeartbeat.
    pub async fn send_task_heartbeat(&self, token: &str) -> Result<(), RuntimeError> {
        let _ = token;
        todo!()
    }

    /// TagResource: adds or replaces.
    pub async fn tag_resource(
        &self,
        arn: &str,
        tags: Vec<(String, String)>,
    ) -> Result<(), RuntimeError> {
        let _ = (arn, tags);
        todo!()
    }

    pub async fn untag_resource(&self, arn: &str, keys: Vec<String>) -> Result<(), RuntimeError> {
        let _ = (arn, keys);
        todo!()
    }

    pub fn tags(&self, arn: &str) -> Result<Vec<(String, String)>, RuntimeError> {
        let _ = arn;
        todo!()
    }

    /// Everything that happens from now on. A watcher that lags loses the oldest.
    pub fn watch(&self) -> tokio::sync::broadcast::Receiver<Progress> {
        todo!()
    }

    /// A secret of this data directory for signing opaque page tokens.
    pub fn page_token_secret(&self) -> [u8; 32] {
        todo!()
    }
}
