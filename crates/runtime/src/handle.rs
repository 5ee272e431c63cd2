//! The handle: everything the API, the command line and tests can ask of a runtime.

mod map_runs;
mod state_tests;
mod tasks;
mod versions;

use std::sync::Arc;

use asl::{Diagnostic, MachineType, Payload, Timestamp};
use engine::limits::Limits;
use engine::{HistoryEvent, Identity, NotRedrivable, Redrivability, Status};
use sha2::{Digest, Sha256};
use store::{ExecutionQuery, ListPlace, Store, StoreError, UsageEntry};
use tokio::sync::oneshot;

use crate::clock::{Clock, SystemClock};
use crate::definitions::Definition;
use crate::driver::Driver;
use crate::limits;
use crate::metering::Billing;
use crate::mocks::{Mocks, split_test_case};
use crate::node::{Answer, Input, Node, ReplyId, Request, ResourceRequest};
use crate::query;
use crate::records::{StateMachineRecord, VersionRecord};
use crate::registry::MachineAnswer;
use crate::seeds::Seeds;
use crate::status_changes::{self, StatusChanges};
use crate::{
    Activity, ChildExecution, EvaluatorProgram, ExecutionSearch, NewStateMachine, NotReady,
    Observer, Progress, Quotas, SearchPage, StateMachine, StateMachineSummary, StateMachineUpdate,
    StateMachineVersion, Statistics, TaskRunner,
};

pub use map_runs::{ChildFilter, MapRunDescription};
pub use state_tests::{StateTestError, StateTestRequest};

/// Why the runtime did not do what it was asked to. The API layer turns each into AWS's error.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    #[error("state machine does not exist: {0}")]
    StateMachineDoesNotExist(String),
    #[error("state machine already exists: {0}")]
    StateMachineAlreadyExists(String),
    /// The name of the test case and why it cannot be run.
    #[error("test case '{name}' does not exist: {reason}")]
    TestCaseDoesNotExist { name: String, reason: String },
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
    /// It is not over, was successful, or too much has happened since.
    #[error("execution {arn} cannot be redriven: {}", reason.reason())]
    ExecutionNotRedrivable { arn: String, reason: NotRedrivable },
    #[error("activity does not exist: {0}")]
    ActivityDoesNotExist(String),
    /// There may not be more in its account and Region.
    #[error("too many state machines for {0}")]
    StateMachineLimitExceeded(String),
    #[error("too many activities for {0}")]
    ActivityLimitExceeded(String),
    /// Of the state machine's account and Region.
    #[error("too many executions are open for one of {0}")]
    ExecutionLimitExceeded(String),
    #[error("too many workers poll the activity {0}")]
    ActivityWorkerLimitExceeded(String),
    /// The resource of a tag operation.
    #[error("resource not found: {0}")]
    ResourceNotFound(String),
    /// An alias, or a version that an alias is to lead to.
    #[error("no such resource: {0}")]
    ReferenceNotFound(String),
    /// It does not fit what is there; in AWS's words.
    #[error("{0}")]
    Conflict(String),
    /// There may not be more of them; the text says of what.
    #[error("{0}")]
    ServiceQuotaExceeded(String),
    #[error("more than {most} tags on {arn}")]
    TooManyTags { arn: String, most: usize },
    /// The token is not one of ours.
    #[error("invalid token")]
    InvalidToken,
    /// The attempt is over: timed out, answered, retried.
    #[error("the task timed out or is over")]
    TaskTimedOut,
    /// The execution of the token is over or gone.
    #[error("the task does not exist")]
    TaskDoesNotExist,
    /// The attempt is over, or its execution is: of a task that a worker of this activity had.
    #[error("the task of activity {0} is over")]
    ActivityTaskTimedOut(String),
    /// UpdateMapRun of one that is over.
    #[error("the Map Run is over")]
    MapRunCompleted,
    /// An operation that only the other type of state machine has.
    #[error("not supported by this type of state machine")]
    StateMachineTypeNotSupported,
    #[error("the runtime is stopping")]
    Stopping,
    /// A bound of [`crate::limits`] is reached. Nothing was done; it may work later.
    #[error("{0}")]
    Overloaded(&'static str),
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
    /// How far into the future wake-ups are kept in memory, at least a minute. With a clock that
    /// skips waits it should be as far as executions wait.
    pub wake_window: std::time::Duration,
    /// Test cases that executions can be started with; without them, an ARN that names one
    /// names nothing.
    pub mocks: Option<Arc<dyn Mocks>>,
    /// How long executions are kept after their end.
    pub retention: Retention,
    /// How much there may be.
    pub quotas: Quotas,
    /// How large data and histories may be.
    pub limits: Limits,
    /// Whether changes of the status of Standard executions are kept until they were told.
    pub keeps_status_changes: bool,
    /// Sees everything that becomes durable.
    pub observer: Option<Arc<dyn Observer>>,
    /// Evaluates expressions that may take long in processes; without it, here.
    pub evaluator: Option<EvaluatorProgram>,
}

/// How long executions are kept after their end: their history, their name and what lists show.
/// None: for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    pub standard: Option<std::time::Duration>,
    pub express: Option<std::time::Duration>,
}

impl Retention {
    /// Whether anything is ever purged.
    pub(crate) fn is_limited(&self) -> bool {
        self.standard.is_some() || self.express.is_some()
    }
}

impl Default for RuntimeOptions {
    fn default() -> Self {
        RuntimeOptions {
            resident_executions_max: 10_000,
            activity_poll: std::time::Duration::from_secs(60),
            wake_window: std::time::Duration::from_millis(limits::DUE_WINDOW_MS.unsigned_abs()),
            mocks: None,
            retention: Retention::default(),
            quotas: Quotas::default(),
            limits: Limits::default(),
            keeps_status_changes: false,
            observer: None,
            evaluator: None,
        }
    }
}

/// What StartExecution needs.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// Plain, version or alias ARN; where there are mocks also one of them with `#` and a test
    /// case behind it.
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
    /// The execution whose task started it (`states:startExecution`).
    pub parent_execution_arn: Option<Box<str>>,
    /// State transitions so far, as AWS bills them.
    pub transitions: u64,
    pub redrive_count: u32,
    /// When it was redriven last.
    pub redrive_date: Option<Timestamp>,
    pub redrivability: Redrivability,
    /// A child of a Map Run that was not successful and waits to be redriven.
    pub pending_redrive: bool,
    /// What AWS bills an Express execution by, once it is over.
    pub billing: Option<Billing>,
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
    pub redrive_count: u32,
    /// When it was redriven last.
    pub redrive_date: Option<Timestamp>,
    /// Of a child of a Map Run: whose, and how many items it works on.
    pub map_run: Option<(Box<str>, u32)>,
    /// A child of a Map Run that was not successful and waits to be redriven.
    pub pending_redrive: bool,
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

/// Many executions over one store.
pub struct Runtime {
    pub(crate) driver: Arc<Driver>,
}

impl Runtime {
    /// Opens the store's contents, takes up what was under way, and starts.
    pub async fn start(
        store: Arc<dyn Store>,
        runner: Arc<dyn TaskRunner>,
        options: RuntimeOptions,
    ) -> Result<Arc<Runtime>, RuntimeError> {
        Self::start_with_clock(store, runner, options, Arc::new(SystemClock)).await
    }

    /// The same with another clock.
    pub async fn start_with_clock(
        store: Arc<dyn Store>,
        runner: Arc<dyn TaskRunner>,
        options: RuntimeOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Runtime>, RuntimeError> {
        let opened = Arc::clone(&store);
        let observer = options.observer.clone();
        let now = clock.now();
        let node = blocking(move || {
            let seeds = Seeds::from_bytes(random_bytes());
            Ok(Node::open(&*opened, options, seeds, random_bytes(), now)?)
        })
        .await?;
        let driver = Driver::start(node, store, runner, clock, observer)?;
        Ok(Arc::new(Runtime { driver }))
    }

    /// Takes no more requests, lets turns under way become durable, stops the calls of tasks
    /// (they are made again at the next start) and ends.
    pub async fn shutdown(&self) {
        self.driver.shutdown().await;
    }

    /// Ends as a crash would, and returns when nothing of it writes any more: for who goes on with
    /// the same store in the same process, which no crash of a process leaves.
    pub async fn crash(&self) {
        self.driver.end();
        self.driver.last_commit().await;
    }

    /// Changes of status that were not told yet, beyond the key `after`, oldest first.
    pub async fn status_changes(
        &self,
        after: String,
        limit: usize,
    ) -> Result<Vec<StatusChanges>, RuntimeError> {
        let store = Arc::clone(&self.driver.store);
        let pending = blocking(move || status_changes::pending(&*store, &after, limit));
        let mut pending = pending.await?;
        let history_events_max = self.limits().history_events;
        for change in pending.iter_mut().flat_map(|turn| &mut turn.changes) {
            change.execution.redrivability.history_events_max = history_events_max;
        }
        Ok(pending)
    }

    /// Forgets changes that were told.
    pub async fn status_changes_told(&self, keys: Vec<String>) -> Result<(), RuntimeError> {
        match self.ask(Request::StatusChangesTold { keys }).await? {
            Answer::Done => Ok(()),
            _ => Err(wrong_answer()),
        }
    }

    /// How large data and histories may be.
    pub fn limits(&self) -> Limits {
        self.driver.look(Node::limits)
    }

    /// How much there may be.
    pub fn quotas(&self) -> Quotas {
        self.driver.look(Node::quotas)
    }

    /// The moment that the runtime's clock shows.
    pub fn now(&self) -> Timestamp {
        self.driver.clock.now()
    }

    /// What it holds now, for metrics.
    pub fn statistics(&self) -> Statistics {
        self.driver.look(Node::statistics)
    }

    /// Whether it can do its work: everything is taken up, and the store takes writes.
    pub fn readiness(&self) -> Result<(), NotReady> {
        self.driver.look(Node::readiness)
    }

    /// CreateStateMachine. Equal to an existing one: that one, as on AWS.
    pub async fn create_state_machine(
        &self,
        new: NewStateMachine,
    ) -> Result<(StateMachine, Option<StateMachineVersion>), RuntimeError> {
        let definition = self.compile(&new.definition, new.machine_type).await?;
        let request = ResourceRequest::CreateMachine { new, definition };
        let Answer::Machine(answer) = self.ask_resource(request).await? else {
            return Err(wrong_answer());
        };
        self.machine_answer(&answer)
    }

    /// UpdateStateMachine. Where nothing changes the revision stays, and the answer names it.
    pub async fn update_state_machine(
        &self,
        arn: &str,
        update: StateMachineUpdate,
    ) -> Result<(StateMachine, Option<StateMachineVersion>), RuntimeError> {
        let definition = match &update.definition {
            Some(text) => {
                let machine = self.driver.look(|node| node.registry().machine(arn))?;
                Some(self.compile(text, machine.machine_type).await?)
            }
            None => None,
        };
        let request = ResourceRequest::UpdateMachine { arn: arn.into(), update, definition };
        let Answer::Machine(answer) = self.ask_resource(request).await? else {
            return Err(wrong_answer());
        };
        self.machine_answer(&answer)
    }

    /// DeleteStateMachine: gone at once where nothing runs; otherwise its executions are
    /// stopped at their next transition. Unknown ARNs are no error.
    pub async fn delete_state_machine(&self, arn: &str) -> Result<(), RuntimeError> {
        self.change_resource(ResourceRequest::DeleteMachine { arn: arn.into() }).await
    }

    /// The state machine with this plain ARN. Reads the store if its definition is not in
    /// memory.
    pub fn state_machine(&self, arn: &str) -> Result<StateMachine, RuntimeError> {
        let record = self.driver.look(|node| node.registry().machine(arn))?;
        self.machine(&record)
    }

    /// The version with this ARN. Reads the store if its definition is not in memory.
    pub fn state_machine_version(&self, arn: &str) -> Result<StateMachineVersion, RuntimeError> {
        let record = self.driver.look(|node| node.registry().version(arn))?;
        self.version(&record)
    }

    /// State machines whose ARN starts with `prefix` (account and region), by name, beyond the
    /// ARN `after`.
    pub fn list_state_machines(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<StateMachineSummary>, RuntimeError> {
        let records = self.driver.look(|node| node.registry().list_machines(prefix, after, limit));
        let summary = |record: &Arc<StateMachineRecord>| StateMachineSummary {
            arn: record.arn.clone(),
            name: record.name.clone(),
            machine_type: record.machine_type,
            creation_date: Timestamp(record.creation_date),
        };
        Ok(records.iter().map(summary).collect())
    }

    /// StartExecution. Answers once the start is durable.
    pub async fn start_execution(&self, request: StartRequest) -> Result<Started, RuntimeError> {
        let _working = self.driver.working();
        self.refresh_mocks(&request).await?;
        match self.ask(Request::Start(request)).await? {
            Answer::Started(started) => Ok(started),
            _ => Err(wrong_answer()),
        }
    }

    /// StartSyncExecution: answers when the Express execution is over.
    pub async fn start_sync_execution(
        &self,
        request: StartRequest,
    ) -> Result<ExecutionDescription, RuntimeError> {
        let working = self.driver.working();
        self.refresh_mocks(&request).await?;
        let (_, answer) = self.driver.ask(Request::StartSync(request));
        drop(working);
        match answer.await.unwrap_or(Err(RuntimeError::Stopping))? {
            Answer::Described(described) => Ok(*described),
            _ => Err(wrong_answer()),
        }
    }

    /// StopExecution: the moment of the end, also if it was over before.
    pub async fn stop_execution(
        &self,
        execution_arn: &str,
        error: Option<String>,
        cause: Option<String>,
    ) -> Result<Timestamp, RuntimeError> {
        let request = Request::Stop {
            execution_arn: execution_arn.into(),
            error: error.map(Into::into),
            cause: cause.map(Into::into),
        };
        match self.ask(request).await? {
            Answer::Stopped(moment) => Ok(moment),
            _ => Err(wrong_answer()),
        }
    }

    /// What executions used, by day and state machine: the days from `from` to before `until`,
    /// counted from 1970, UTC.
    pub async fn usage(&self, from: i64, until: i64) -> Result<Vec<UsageEntry>, RuntimeError> {
        let driver = Arc::clone(&self.driver);
        blocking(move || Ok(driver.store.usage(from, until)?)).await
    }

    /// RedriveExecution: the moment of the redrive, also if this client token made it before.
    pub async fn redrive_execution(
        &self,
        execution_arn: &str,
        client_token: Option<String>,
    ) -> Result<Timestamp, RuntimeError> {
        let request = Request::Redrive {
            execution_arn: execution_arn.into(),
            client_token: client_token.map(Into::into),
        };
        match self.ask(request).await? {
            Answer::Redriven(moment) => Ok(moment),
            _ => Err(wrong_answer()),
        }
    }

    /// DescribeExecution.
    pub async fn describe_execution(
        &self,
        execution_arn: &str,
    ) -> Result<ExecutionDescription, RuntimeError> {
        let _working = self.driver.working();
        let mut described =
            match self.ask(Request::Describe { execution_arn: execution_arn.into() }).await? {
                Answer::Described(described) => *described,
                Answer::Elsewhere => {
                    let (driver, arn) = (Arc::clone(&self.driver), execution_arn.to_owned());
                    blocking(move || query::describe(&*driver.store, &arn)).await?
                }
                _ => return Err(wrong_answer()),
            };
        described.redrivability.history_events_max = self.limits().history_events;
        described.pending_redrive = self.is_pending_redrive(&described).await?;
        Ok(described)
    }

    /// The state machine as it was when the execution started.
    pub async fn state_machine_of_execution(
        &self,
        execution_arn: &str,
    ) -> Result<StateMachine, RuntimeError> {
        let (driver, arn) = (Arc::clone(&self.driver), execution_arn.to_owned());
        blocking(move || {
            query::machine_of_execution(&*driver.store, &driver.surroundings.definitions, &arn)
        })
        .await
    }

    /// The executions that the tasks of an execution started (`states:startExecution`), in the
    /// order of its history.
    pub async fn children(&self, execution_arn: &str) -> Result<Vec<ChildExecution>, RuntimeError> {
        let (driver, arn) = (Arc::clone(&self.driver), execution_arn.to_owned());
        blocking(move || query::children(&*driver.store, &driver.surroundings.definitions, &arn))
            .await
    }

    /// ListExecutions.
    pub async fn list_executions(
        &self,
        query: ExecutionQuery,
    ) -> Result<Vec<ExecutionSummary>, RuntimeError> {
        let driver = Arc::clone(&self.driver);
        blocking(move || query::list(&*driver.store, &query)).await
    }

    /// Looks for executions, newest first. A request looks at a bounded number of them.
    pub async fn search_executions(
        &self,
        search: ExecutionSearch,
    ) -> Result<SearchPage, RuntimeError> {
        let driver = Arc::clone(&self.driver);
        blocking(move || {
            crate::search::search(&*driver.store, &driver.surroundings.definitions, &search)
        })
        .await
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
        let (driver, arn) = (Arc::clone(&self.driver), execution_arn.to_owned());
        blocking(move || {
            let definitions = &driver.surroundings.definitions;
            query::history(&*driver.store, definitions, &arn, from, limit, reverse)
        })
        .await
    }

    /// Waits until the execution is over, and describes it.
    pub async fn wait_for_end(
        &self,
        execution_arn: &str,
    ) -> Result<ExecutionDescription, RuntimeError> {
        self.ask(Request::WaitForEnd { execution_arn: execution_arn.into() }).await?;
        self.describe_execution(execution_arn).await
    }

    /// CreateActivity; an existing one is answered as it is.
    pub async fn create_activity(
        &self,
        activity: Activity,
        tags: Vec<(String, String)>,
    ) -> Result<Activity, RuntimeError> {
        match self.ask_resource(ResourceRequest::CreateActivity { activity, tags }).await? {
            Answer::Activity(record) => Ok(record.shown()),
            _ => Err(wrong_answer()),
        }
    }

    /// DeleteActivity. Unknown ARNs are no error.
    pub async fn delete_activity(&self, arn: &str) -> Result<(), RuntimeError> {
        self.change_resource(ResourceRequest::DeleteActivity { arn: arn.into() }).await
    }

    /// The activity with this ARN.
    pub fn activity(&self, arn: &str) -> Result<Activity, RuntimeError> {
        self.driver.look(|node| node.registry().activity(arn)).map(|record| record.shown())
    }

    /// Activities whose ARN starts with `prefix`, by ARN, beyond `after`.
    pub fn list_activities(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Activity>, RuntimeError> {
        let records =
            self.driver.look(|node| node.registry().list_activities(prefix, after, limit));
        Ok(records.iter().map(|record| record.shown()).collect())
    }

    /// GetActivityTask: waits up to [`RuntimeOptions::activity_poll`]. Dropping the future gives
    /// the place in the queue back; no task is lost to a client that went away before.
    pub async fn get_activity_task(
        &self,
        activity_arn: &str,
        worker_name: Option<String>,
    ) -> Result<Option<ActivityTask>, RuntimeError> {
        let request = Request::Poll {
            activity_arn: activity_arn.into(),
            worker_name: worker_name.map(Into::into),
        };
        let mut polling = Polling::begin(&self.driver, request);
        let answer = (&mut polling.answer).await;
        polling.is_answered = true;
        match answer.unwrap_or(Err(RuntimeError::Stopping))? {
            Answer::Task(task) => Ok(task.map(|assigned| assigned.given)),
            _ => Err(wrong_answer()),
        }
    }

    /// TagResource: adds or replaces.
    pub async fn tag_resource(
        &self,
        arn: &str,
        tags: Vec<(String, String)>,
    ) -> Result<(), RuntimeError> {
        self.change_resource(ResourceRequest::Tag { arn: arn.into(), tags }).await
    }

    /// UntagResource. Keys that are not there are no error.
    pub async fn untag_resource(&self, arn: &str, keys: Vec<String>) -> Result<(), RuntimeError> {
        self.change_resource(ResourceRequest::Untag { arn: arn.into(), keys }).await
    }

    /// ListTagsForResource.
    pub fn tags(&self, arn: &str) -> Result<Vec<(String, String)>, RuntimeError> {
        self.driver.look(|node| node.registry().tags(arn))
    }

    /// Everything that happens from now on. A watcher that lags loses the oldest.
    pub fn watch(&self) -> tokio::sync::broadcast::Receiver<Progress> {
        self.driver.watch()
    }

    /// A secret of this data directory for signing opaque page tokens.
    pub fn page_token_secret(&self) -> [u8; 32] {
        self.driver.surroundings.tokens.page_secret()
    }

    /// Whether executions can be started with test cases.
    pub fn has_mocks(&self) -> bool {
        self.driver.mocks.is_some()
    }

    /// A test case is started as its file is now.
    async fn refresh_mocks(&self, request: &StartRequest) -> Result<(), RuntimeError> {
        let names_one = split_test_case(&request.state_machine_arn).1.is_some();
        let Some(mocks) = self.driver.mocks.as_ref().filter(|_| names_one).map(Arc::clone) else {
            return Ok(());
        };
        blocking(move || {
            mocks.refresh();
            Ok(())
        })
        .await
    }

    async fn ask(&self, request: Request) -> Result<Answer, RuntimeError> {
        let (_, answer) = self.driver.ask(request);
        answer.await.unwrap_or(Err(RuntimeError::Stopping))
    }

    async fn ask_resource(&self, request: ResourceRequest) -> Result<Answer, RuntimeError> {
        self.ask(Request::Resource(Box::new(request))).await
    }

    async fn change_resource(&self, request: ResourceRequest) -> Result<(), RuntimeError> {
        self.ask_resource(request).await.map(|_| ())
    }

    /// Compiles on a thread that may be kept: a definition can be large.
    async fn compile(
        &self,
        text: &Arc<str>,
        machine_type: MachineType,
    ) -> Result<Arc<Definition>, RuntimeError> {
        let (driver, text) = (Arc::clone(&self.driver), Arc::clone(text));
        blocking(move || {
            let compiled = driver.surroundings.definitions.compile(&text, machine_type);
            compiled.map_err(RuntimeError::InvalidDefinition)
        })
        .await
    }

    fn machine(&self, record: &StateMachineRecord) -> Result<StateMachine, RuntimeError> {
        query::machine(&*self.driver.store, &self.driver.surroundings.definitions, record)
    }

    fn version(&self, record: &VersionRecord) -> Result<StateMachineVersion, RuntimeError> {
        Ok(StateMachineVersion {
            arn: record.arn.clone(),
            creation_date: Timestamp(record.creation_date),
            description: record.description.clone(),
            machine: self.machine(&record.machine)?,
        })
    }

    fn machine_answer(
        &self,
        answer: &MachineAnswer,
    ) -> Result<(StateMachine, Option<StateMachineVersion>), RuntimeError> {
        let version = answer.version.as_ref().map(|record| self.version(record)).transpose()?;
        Ok((self.machine(&answer.machine)?, version))
    }
}

impl Drop for Runtime {
    /// Ends at once, as a crash would: what is durable goes on at the next start.
    fn drop(&mut self) {
        self.driver.end();
    }
}

/// A place in the queue of an activity's workers.
struct Polling {
    driver: Arc<Driver>,
    reply: ReplyId,
    answer: oneshot::Receiver<Result<Answer, RuntimeError>>,
    is_answered: bool,
}

impl Polling {
    fn begin(driver: &Arc<Driver>, request: Request) -> Polling {
        let (reply, answer) = driver.ask(request);
        Polling { driver: Arc::clone(driver), reply, answer, is_answered: false }
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        self.answer.close();
        match self.answer.try_recv() {
            Ok(Ok(Answer::Task(Some(assigned)))) => {
                self.driver.act(Input::Undelivered(assigned));
            }
            Ok(_) => {}
            Err(_) => self.driver.abandon(self.reply),
        }
    }
}

/// Does something on a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RuntimeError> + Send + 'static,
) -> Result<T, RuntimeError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(RuntimeError::Stopping),
    }
}

/// The node gave an answer of another kind than the request has.
fn wrong_answer() -> RuntimeError {
    RuntimeError::Store(StoreError::Failed("the answer does not fit the request".to_owned()))
}

/// Bytes from the operating system's source of randomness, by way of UUIDs.
fn random_bytes() -> [u8; 32] {
    let mut hash = Sha256::new();
    for _ in 0..4 {
        hash.update(uuid::Uuid::new_v4().as_bytes());
    }
    hash.finalize().into()
}
