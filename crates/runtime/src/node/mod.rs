//! The logic of many executions: who has a turn, what goes into a commit, what is released by
//! it, what is read and forgotten, who gets which activity task.
//!
//! A [`Node`] performs no I/O, reads no clock and draws no random numbers of its own: inputs come
//! in with the moment, outputs say what is to be done, and what came of it is the next input.
//! `driver` does so with threads and a store; a simulation does it with a virtual world.
//!
//! One turn of an execution is under way at a time; commands that arrive meanwhile wait and are
//! taken together by the next turn. One commit is under way at a time; turns that end meanwhile
//! wait and go together into the next commit. Effects and answers leave when the commit is done.

mod children;
mod commits;
mod executions;
mod items;
mod lost_turns;
mod map_runs;
mod mocked;
mod purging;
mod reading;
mod redrives;
mod requests;
mod resources;
mod secret;
mod starts;
mod tasks;
mod turns;
mod usage;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use asl::{MachineType, Payload, Timestamp};
use engine::limits::Limits;
use engine::{MapRunId, ReadItem, TaskFailure, TaskId};
use store::{ExecutionKey, ExecutionRow, Outcome, PurgeQuery, Purgeable, Store, StoreError, Write};

use crate::activities::Activities;
use crate::children::ChildResult;
use crate::definitions::{Definition, Definitions, LoadError};
use crate::evaluators::Evaluators;
use crate::items::{ItemFetch, ItemReading};
use crate::job_cancels;
use crate::limits;
use crate::load::{Finding, Loaded};
use crate::metering::UnwrittenUsage;
use crate::mocks::Mocks;
use crate::quotas::OpenExecutions;
use crate::records::DefinitionHash;
pub use crate::records::{ActivityRecord, AliasRecord, ParentRecord, VersionRecord};
pub use crate::registry::MachineAnswer;
use crate::registry::Registry;
use crate::results::ResultExport;
use crate::seeds::Seeds;
use crate::surroundings::Surroundings;
use crate::timers::{Alarm, Timers};
use crate::tokens::Tokens;
use crate::turn::{TurnDone, TurnJob};
use crate::{
    ExecutionDescription, NotReady, Progress, Quotas, RuntimeError, RuntimeOptions, Statistics,
    TaskCall,
};
pub use children::ParentState;
pub(crate) use executions::description;
pub use items::{MapRunCall, MapRunReturn};
pub(crate) use map_runs::child_end;
pub use map_runs::{ChildOf, FoundChild};
pub use requests::{Answer, AssignedTask, Request, ResourceRequest, TaskReport};

use children::Children;
use commits::Commits;
use executions::Executions;
use reading::{ByArn, Reading};
use resources::Resources;
use starts::StartAs;

/// Names a request whose answer is awaited. Given out by the driver, never twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyId(pub u64);

/// What happens to a node.
pub enum Input {
    /// Somebody wants something. There will be exactly one [`Output::Reply`].
    Request {
        reply: ReplyId,
        request: Request,
    },
    /// Whoever made a request does not wait for its answer any more.
    Abandoned {
        reply: ReplyId,
    },
    /// An activity task was given to a worker that was gone.
    Undelivered(Box<AssignedTask>),
    /// A turn has run.
    Ran(TurnDone),
    /// The store answered a commit; the writes come back with the answer.
    Committed {
        writes: Vec<Write>,
        result: Result<Vec<Outcome>, StoreError>,
    },
    /// The store was asked what became of a batch.
    Checked {
        writes: Vec<Write>,
        result: Result<Vec<Finding>, StoreError>,
    },
    Loaded {
        key: ExecutionKey,
        result: Result<Option<Box<Loaded>>, LoadError>,
    },
    Resolved {
        arn: Box<str>,
        result: Result<Option<ExecutionRow>, StoreError>,
    },
    DefinitionLoaded {
        hash: DefinitionHash,
        result: Result<Arc<Definition>, LoadError>,
    },
    DueListed {
        until: i64,
        result: Result<Vec<(ExecutionKey, i64)>, StoreError>,
    },
    RecoveryListed {
        result: Result<Vec<ExecutionKey>, StoreError>,
    },
    /// The store was asked for a child of a Map Run.
    MapRunChildFound {
        child: ChildOf,
        result: Result<FoundChild, LoadError>,
    },
    /// Kept items were read.
    ItemsFetched {
        fetch: ItemFetch,
        result: Result<Vec<ReadItem>, LoadError>,
    },
    /// Kept items that are to be removed.
    KeptItemsListed {
        key: ExecutionKey,
        map_run: MapRunId,
        result: Result<Vec<String>, StoreError>,
    },
    /// The reading of items or the export of results has ended.
    MapRunReturned {
        call: MapRunCall,
        outcome: MapRunReturn,
    },
    OpenCounted {
        machine_arn: Box<str>,
        result: Result<u64, StoreError>,
    },
    PurgeableListed {
        /// With the keys of items that are kept for them.
        result: Result<(Purgeable, Vec<String>), StoreError>,
    },
    /// The call of a task came back.
    TaskReturned {
        key: ExecutionKey,
        task: TaskId,
        result: Result<Payload, TaskFailure>,
    },
    /// A call has submitted the job that its task waits for; answered with
    /// [`Output::SubmissionRecorded`] if the task still waits.
    TaskSubmitted {
        key: ExecutionKey,
        task: TaskId,
        output: Payload,
    },
    /// A job that nobody waits for was submitted all the same, and is about to be cancelled.
    JobGivenUp {
        key: ExecutionKey,
        call: Box<TaskCall>,
        output: Payload,
    },
    /// A job that nobody waits for was cancelled, as far as that was possible, or there is none.
    JobCancelled {
        key: ExecutionKey,
        task: TaskId,
    },
    /// The call of a task has ended: its result is what `result` makes of this execution, once
    /// that is over.
    AwaitExecution {
        key: ExecutionKey,
        task: TaskId,
        execution_arn: Box<str>,
        result: ChildResult,
    },
    /// An execution that a task awaits was read.
    ChildDescribed {
        place: (ExecutionKey, TaskId),
        arn: Box<str>,
        result: ChildResult,
        described: Result<ExecutionDescription, RuntimeError>,
    },
    /// What became of the task that started an execution.
    ParentChecked {
        child: ExecutionKey,
        parent: Arc<ParentRecord>,
        result: Result<ParentState, StoreError>,
    },
    /// The moment of the last [`Output::WakeAt`] has come, or any other.
    Tick,
    /// Whether somebody wants to see progress from now on.
    Watched(bool),
    /// Take no more requests; answer this one once everything under way is durable.
    Stop {
        reply: ReplyId,
    },
}

/// What is to be done for a node. The order matters within one batch of outputs. What concerns
/// the store is done by [`crate::load::perform`].
pub enum Output {
    /// Run a turn, answer with [`Input::Ran`].
    Run(Box<TurnJob>),
    /// [`Store::commit`], answer with [`Input::Committed`]. Never two at a time.
    Commit(Vec<Write>),
    /// Look what became of a batch, answer with [`Input::Checked`].
    Check(Vec<Write>),
    /// Read an execution, answer with [`Input::Loaded`].
    Load(ExecutionKey),
    /// Read an execution that is over, to redrive it; answer with [`Input::Loaded`].
    Reopen(ExecutionKey),
    /// [`Store::execution_by_arn`], answer with [`Input::Resolved`].
    Resolve(Box<str>),
    /// Read and compile a definition, answer with [`Input::DefinitionLoaded`].
    LoadDefinition(DefinitionHash),
    /// [`Store::due`], answer with [`Input::DueListed`].
    ListDue {
        until: i64,
        limit: usize,
    },
    /// [`Store::to_recover`], answer with [`Input::RecoveryListed`].
    ListRecovery {
        after: ExecutionKey,
        limit: usize,
    },
    /// Look for a child of a Map Run, answer with [`Input::MapRunChildFound`].
    FindMapRunChild {
        child: ChildOf,
        arn: Box<str>,
    },
    /// Read kept items, answer with [`Input::ItemsFetched`].
    FetchItems(ItemFetch),
    /// List items that are to be removed, answer with [`Input::KeptItemsListed`].
    ListKeptItems {
        key: ExecutionKey,
        map_run: MapRunId,
        after: String,
    },
    /// Read the items of a Map Run, keep them by [`Request::KeepItems`], answer with
    /// [`Input::MapRunReturned`].
    ReadItems {
        call: MapRunCall,
        reading: Box<ItemReading>,
        /// 0: all.
        max_items: u64,
    },
    /// Stop reading items; no answer is awaited any more.
    CancelReading {
        call: MapRunCall,
    },
    /// Export the results of a Map Run, answer with [`Input::MapRunReturned`].
    WriteResults {
        call: MapRunCall,
        export: Box<ResultExport>,
    },
    /// Executions that are to be purged ([`crate::load::purgeable`]), answer with [`Input::PurgeableListed`].
    ListPurgeable(PurgeQuery),
    /// [`Store::count_open`], answer with [`Input::OpenCounted`].
    CountOpen(Box<str>),
    /// Read an execution that is over, answer with [`Input::ChildDescribed`].
    DescribeChild {
        place: (ExecutionKey, TaskId),
        arn: Box<str>,
        result: ChildResult,
    },
    /// Look what became of the task that started an execution, answer with
    /// [`Input::ParentChecked`].
    CheckParent {
        child: ExecutionKey,
        parent: Arc<ParentRecord>,
    },
    /// Make a call, answer with [`Input::TaskReturned`].
    Dispatch {
        key: ExecutionKey,
        call: Box<TaskCall>,
    },
    /// Stop a call. The job of a task that waits for one runs on.
    CancelCall {
        key: ExecutionKey,
        task: TaskId,
    },
    /// Stop a call and its job. A call that is about to submit the job is let to do so first.
    /// Answer with [`Input::JobCancelled`].
    CancelJob {
        key: ExecutionKey,
        call: Box<TaskCall>,
    },
    /// Cancel the job of a call that an earlier process made; answer with
    /// [`Input::JobCancelled`].
    CancelJobLeftBehind {
        key: ExecutionKey,
        call: Box<TaskCall>,
    },
    /// The submission of a job is durable.
    SubmissionRecorded {
        key: ExecutionKey,
        task: TaskId,
    },
    Reply {
        reply: ReplyId,
        answer: Result<Answer, RuntimeError>,
    },
    /// Send [`Input::Tick`] at this moment; earlier demands are void.
    WakeAt(Timestamp),
    /// Show what became durable.
    Publish(Progress),
}

/// Whether a node is to end.
#[derive(Clone, Copy)]
enum Stopping {
    No,
    /// Who waits for everything under way to be durable.
    Waiting(ReplyId),
    Done,
}

/// Many executions.
pub struct Node {
    options: RuntimeOptions,
    /// Never goes back.
    now: Timestamp,
    seeds: Seeds,
    surroundings: Surroundings,
    registry: Registry,
    executions: Executions,
    next_key: u64,
    timers: Timers,
    activities: Activities,
    children: Children,
    commits: Commits,
    unwritten_usage: UnwrittenUsage,
    open: OpenExecutions,
    map_runs: map_runs::MapRunChildren,
    items: items::MapRunItems,
    purging: purging::Purging,
    reading: Reading,
    resources: Resources,
    /// Starts that wait for a definition to be read.
    awaiting_definition: HashMap<DefinitionHash, Vec<starts::WaitingStart>>,
    /// Requests that wait for an execution to be found by its ARN.
    awaiting_arn: HashMap<Box<str>, Vec<ByArn>>,
    /// Who waits for an execution's end.
    awaiting_end: HashMap<ExecutionKey, Vec<ReplyId>>,
    /// The calls under way in this process.
    calls: HashSet<(ExecutionKey, TaskId)>,
    /// Executions that panicked even while they were failed, or whose journal is damaged, and
    /// why. Left alone until the next start.
    quarantine: HashMap<ExecutionKey, String>,
    open_requests: usize,
    is_watched: bool,
    /// Whether what a former process left behind was all taken up once.
    recovered: bool,
    stopping: Stopping,
    /// The moment last asked for with [`Output::WakeAt`].
    announced: Option<i64>,
    outputs: VecDeque<Output>,
}

impl Node {
    /// A node over what the store holds. Makes the data directory's secret of `secret` if there
    /// is none yet. May block; the outputs waiting afterwards take up what was under way.
    pub fn open(
        store: &dyn Store,
        options: RuntimeOptions,
        seeds: Seeds,
        secret: [u8; 32],
        now: Timestamp,
    ) -> Result<Node, StoreError> {
        let secret = secret::load_secret(store, secret).map_err(LoadError::into_store_error)?;
        let registry =
            Registry::load(store, options.quotas).map_err(LoadError::into_store_error)?;
        let surroundings = Surroundings {
            tokens: Arc::new(Tokens::new(&secret)),
            directory: Arc::clone(registry.directory()),
            definitions: Arc::new(Definitions::default()),
            limits: options.limits,
            evaluators: options.evaluator.clone().map(|program| Arc::new(Evaluators::new(program))),
        };
        let mut node = Node {
            options,
            now,
            seeds,
            surroundings,
            registry,
            executions: Executions::default(),
            next_key: store.highest_key()?.0 + 1,
            timers: Timers::default(),
            activities: Activities::default(),
            children: Children::default(),
            commits: Commits::default(),
            unwritten_usage: UnwrittenUsage::default(),
            open: OpenExecutions::default(),
            map_runs: map_runs::MapRunChildren::default(),
            items: items::MapRunItems::default(),
            purging: purging::Purging::default(),
            reading: Reading::new(now),
            resources: Resources::default(),
            awaiting_definition: HashMap::new(),
            awaiting_arn: HashMap::new(),
            awaiting_end: HashMap::new(),
            calls: HashSet::new(),
            quarantine: HashMap::new(),
            open_requests: 0,
            is_watched: false,
            recovered: false,
            stopping: Stopping::No,
            announced: None,
            outputs: VecDeque::new(),
        };
        let left = job_cancels::left_behind(store).map_err(LoadError::into_store_error)?;
        node.cancel_left_behind(left);
        for machine in node.registry.list_machines("", "", usize::MAX) {
            if machine.machine_type == MachineType::Standard {
                node.open.add(&machine.arn, store.count_open(&machine.arn)?);
            }
        }
        node.list_recovery();
        node.list_due();
        node.count_open_of_deleting();
        node.plan_purge();
        Ok(node)
    }

    /// What the node shares with those who run steps and read the store for it.
    pub fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// The test cases there are.
    pub(crate) fn mocks(&self) -> Option<Arc<dyn Mocks>> {
        self.options.mocks.clone()
    }

    pub(crate) fn limits(&self) -> Limits {
        self.options.limits
    }

    pub(crate) fn quotas(&self) -> Quotas {
        self.options.quotas
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn statistics(&self) -> Statistics {
        Statistics {
            resident_executions: self.executions.values().count(),
            waiting_commits: self.commits.waiting(),
            open_requests: self.open_requests,
            activity_polls: self.activities.poll_count(),
            task_calls: self.calls.len(),
            open_executions: self.open.count(),
        }
    }

    pub(crate) fn readiness(&self) -> Result<(), NotReady> {
        if self.is_stopping() {
            Err(NotReady::Stopping)
        } else if self.commits.fails() {
            Err(NotReady::StoreFails)
        } else if !self.recovered {
            Err(NotReady::Recovering)
        } else {
            Ok(())
        }
    }

    /// Takes an input in. Its consequences are in [`Node::take_outputs`].
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        self.now = self.now.max(now);
        match input {
            Input::Request { reply, request } => self.request(reply, request),
            Input::Abandoned { reply } => self.abandoned(reply),
            Input::Undelivered(task) => self.undelivered(*task),
            Input::Ran(done) => self.ran(done),
            Input::Committed { writes, result } => self.committed(writes, result),
            Input::Checked { writes, result } => self.checked(writes, result),
            Input::Loaded { key, result } => self.loaded(key, result),
            Input::Resolved { arn, result } => self.resolved(&arn, result),
            Input::DefinitionLoaded { hash, result } => self.definition_loaded(hash, result),
            Input::DueListed { until, result } => self.due_listed(until, result),
            Input::RecoveryListed { result } => self.recovery_listed(result),
            Input::MapRunChildFound { child, result } => self.child_found(child, result),
            Input::ItemsFetched { fetch, result } => self.items_fetched(fetch, result),
            Input::KeptItemsListed { key, map_run, result } => {
                self.kept_items_listed(key, map_run, result);
            }
            Input::MapRunReturned { call, outcome } => self.map_run_returned(call, outcome),
            Input::OpenCounted { machine_arn, result } => self.open_counted(&machine_arn, result),
            Input::PurgeableListed { result } => self.purgeable_listed(result),
            Input::TaskReturned { key, task, result } => self.task_returned(key, task, result),
            Input::TaskSubmitted { key, task, output } => self.task_submitted(key, task, output),
            Input::JobGivenUp { key, call, output } => {
                let write = job_cancels::remember_submitted(key, &call, &output);
                self.keep_unattended(vec![write]);
            }
            Input::JobCancelled { key, task } => self.job_cancelled(key, task),
            Input::AwaitExecution { key, task, execution_arn, result } => {
                self.await_execution((key, task), &execution_arn, result);
            }
            Input::ChildDescribed { place, arn, result, described } => {
                self.child_described(place, &arn, result, described);
            }
            Input::ParentChecked { child, parent, result } => {
                self.parent_checked(child, &parent, result);
            }
            Input::Tick => self.tick(),
            Input::Watched(is_watched) => self.is_watched = is_watched,
            Input::Stop { reply } => self.stop(reply),
        }
        self.recovered |= self.is_recovered();
        self.match_activities();
        self.finish_stopping();
        self.announce();
    }

    /// What is to be done now, in this order.
    pub fn take_outputs(&mut self) -> VecDeque<Output> {
        std::mem::take(&mut self.outputs)
    }

    fn request(&mut self, reply: ReplyId, request: Request) {
        self.open_requests += 1;
        if self.is_stopping() {
            return self.reply(reply, Err(RuntimeError::Stopping));
        }
        let waiting = self.open_requests.saturating_sub(self.activities.poll_count());
        if waiting > limits::REQUESTS_MAX && !matches!(request, Request::Poll { .. }) {
            return self
                .reply(reply, Err(RuntimeError::Overloaded("too many requests are waiting")));
        }
        match request {
            Request::Start(start) => self.start(reply, start, StartAs::Asynchronous),
            Request::StartSync(start) => self.start(reply, start, StartAs::Synchronous),
            Request::StartChild { request, parent } => {
                self.start(reply, request, StartAs::Child(Arc::new(parent.record())));
            }
            Request::Stop { execution_arn, error, cause } => {
                self.by_arn(&execution_arn, ByArn::Stop { reply, error, cause });
            }
            Request::Redrive { execution_arn, client_token } => {
                self.by_arn(&execution_arn, ByArn::Redrive { reply, client_token });
            }
            Request::Describe { execution_arn } => self.describe(reply, &execution_arn),
            Request::WaitForEnd { execution_arn } => {
                self.by_arn(&execution_arn, ByArn::WaitForEnd(reply));
            }
            Request::MapRuns { execution_arn } => self.map_runs_of(reply, &execution_arn),
            Request::UpdateMapRun { execution_arn, map_run, update } => {
                let request = ByArn::UpdateMapRun { reply, map_run, update };
                self.by_arn(&execution_arn, request);
            }
            Request::Task { token, report } => self.report(reply, &token, report),
            Request::Poll { activity_arn, worker_name } => {
                self.poll(reply, &activity_arn, worker_name);
            }
            Request::Resource(request) => self.resource(reply, *request),
            Request::KeepItems { writes } => self.keep_items(reply, writes),
            Request::StatusChangesTold { keys } => self.forget_status_changes(reply, keys),
        }
    }

    fn reply(&mut self, reply: ReplyId, answer: Result<Answer, RuntimeError>) {
        self.open_requests = self.open_requests.saturating_sub(1);
        self.outputs.push_back(Output::Reply { reply, answer });
    }

    fn tick(&mut self) {
        self.announced = None;
        while let Some(alarm) = self.timers.take(self.now.0) {
            match alarm {
                Alarm::Wake(key) => self.wake(key),
                Alarm::ListDue => self.list_due(),
                Alarm::Commit => self.retry_commit(),
                Alarm::Recovery => self.list_recovery(),
                Alarm::Children => self.retry_children(),
                Alarm::Purge => self.list_purgeable(),
                Alarm::Usage => self.write_usage(),
                Alarm::MapRunChildren => {
                    self.seek_again();
                    self.fetch_again();
                }
                Alarm::CountOpen => self.count_open_of_deleting(),
            }
        }
        while let Some(reply) = self.activities.take_expired(self.now.0) {
            self.reply(reply, Ok(Answer::Task(None)));
        }
    }

    /// Asks to be woken at the next moment of interest, if that is not known already.
    fn announce(&mut self) {
        let next = match (self.timers.next(), self.activities.next_deadline()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if let Some(next) = next
            && self.announced.is_none_or(|announced| next < announced)
        {
            self.announced = Some(next);
            self.outputs.push_back(Output::WakeAt(Timestamp(next)));
        }
    }

    fn stop(&mut self, reply: ReplyId) {
        self.open_requests += 1;
        self.stopping = Stopping::Waiting(reply);
        for poll in self.activities.end_all_waiting() {
            self.reply(poll, Ok(Answer::Task(None)));
        }
        let mut waiting: Vec<ReplyId> =
            std::mem::take(&mut self.awaiting_end).into_values().flatten().collect();
        waiting.sort_unstable();
        for reply in waiting {
            self.reply(reply, Err(RuntimeError::Stopping));
        }
    }

    /// Answers the stop once nothing is under way any more.
    fn finish_stopping(&mut self) {
        let Stopping::Waiting(reply) = self.stopping else {
            return;
        };
        let is_quiet = self.executions.values().all(turns::is_quiet);
        if is_quiet {
            self.write_usage();
        }
        if is_quiet && self.commits.is_quiet() {
            self.stopping = Stopping::Done;
            self.reply(reply, Ok(Answer::Done));
        }
    }

    fn is_stopping(&self) -> bool {
        !matches!(self.stopping, Stopping::No)
    }

    /// The moment after a pause that doubles with every failure in a row.
    fn retry_moment(&self, failures: u32) -> i64 {
        let pause = limits::RETRY_FIRST_MS << failures.saturating_sub(1).min(16);
        self.now.0.saturating_add(pause.min(limits::RETRY_MAX_MS))
    }
}

/// The same error once more: many callers may wait for one commit.
fn copy_of(error: &StoreError) -> StoreError {
    match error {
        StoreError::Unusable(text) => StoreError::Unusable(text.clone()),
        StoreError::Full(text) => StoreError::Full(text.clone()),
        StoreError::Failed(text) => StoreError::Failed(text.clone()),
    }
}
