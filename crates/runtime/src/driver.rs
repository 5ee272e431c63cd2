//! Connects a node to the clock, the store, the task runner and those who ask: the only place
//! that locks the node, and the only one that spawns.
//!
//! Whoever has an input for the node takes its lock, hands it in, and performs the outputs after
//! the lock is free again. Turns run where they came up, on the thread of the request, except
//! that the writer's thread passes them on: it must be back at the store with the next batch.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::Poll;
use std::time::Duration;

use asl::{Payload, Timestamp};
use engine::{TaskFailure, TaskId};
use store::{ExecutionKey, Store, StoreError};
use tokio::sync::{Semaphore, broadcast, oneshot, watch};
use tokio::task::AbortHandle;

use crate::clock::{Clock, Working};
use crate::limits;
use crate::load::{self, panic_text};
use crate::mocks::Mocks;
use crate::node::{Answer, Input, MapRunCall, MapRunReturn, Node, Output, ReplyId, Request};
use crate::surroundings::Surroundings;
use crate::{
    ChildExecutions, ChildResult, ItemSink, Observer, Parent, Progress, ResultSource, RuntimeError,
    Submission, TaskCall, TaskRunner, long_turns,
};

type Reply = Result<Answer, RuntimeError>;

/// Everything around a node.
pub(crate) struct Driver {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) surroundings: Surroundings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) mocks: Option<Arc<dyn Mocks>>,
    runner: Arc<dyn TaskRunner>,
    state: Mutex<State>,
    writer: mpsc::Sender<WriterJob>,
    writer_thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    calls: Mutex<HashMap<(ExecutionKey, TaskId), Call>>,
    /// Readings of items and exports of results under way.
    map_run_calls: Mutex<HashMap<MapRunCall, AbortHandle>>,
    /// How many jobs are being cancelled.
    cancelling: watch::Sender<usize>,
    /// When the node wants to be woken.
    wake: watch::Sender<Option<Timestamp>>,
    /// Places for turns that may take long.
    long_turns: Arc<Semaphore>,
    progress: broadcast::Sender<Progress>,
    observer: Option<Arc<dyn Observer>>,
    tokio: tokio::runtime::Handle,
}

/// The node, and who waits for its answers.
struct State {
    node: Node,
    replies: HashMap<ReplyId, oneshot::Sender<Reply>>,
    next_reply: u64,
}

/// What the writer's thread does.
enum WriterJob {
    /// A commit, or a look at what became of one.
    Do(Output, Working),
    Stop,
}

/// A call as the driver knows it.
enum Call {
    UnderWay(CallUnderWay),
    /// Cancelled before another thread came to making it.
    Cancelled,
    /// The same of a call whose job is to be cancelled with it.
    Withdrawn(Box<TaskCall>),
}

struct CallUnderWay {
    handle: AbortHandle,
    /// What it has said of submitting its job.
    submitted: Option<Payload>,
    /// Waits for that to be recorded.
    waiting: Option<oneshot::Sender<()>>,
    /// Set where the job is to be cancelled as soon as it is submitted.
    withdrawn: Option<Box<TaskCall>>,
}

/// Where outputs are performed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A thread that may run a turn.
    Anywhere,
    /// The writer's thread, or another that must not be kept.
    Passing,
}

impl Driver {
    /// Starts the writer and the timer, and takes up what was under way.
    pub(crate) fn start(
        node: Node,
        store: Arc<dyn Store>,
        runner: Arc<dyn TaskRunner>,
        clock: Arc<dyn Clock>,
        observer: Option<Arc<dyn Observer>>,
    ) -> Result<Arc<Driver>, RuntimeError> {
        let (writer, jobs) = mpsc::channel();
        let driver = Arc::new(Driver {
            store,
            surroundings: node.surroundings().clone(),
            clock,
            mocks: node.mocks(),
            runner,
            state: Mutex::new(State { node, replies: HashMap::new(), next_reply: 0 }),
            writer,
            writer_thread: Mutex::new(None),
            calls: Mutex::new(HashMap::new()),
            map_run_calls: Mutex::new(HashMap::new()),
            cancelling: watch::Sender::new(0),
            wake: watch::Sender::new(None),
            long_turns: Arc::new(Semaphore::new(limits::LONG_TURNS_MAX)),
            progress: broadcast::Sender::new(limits::WATCH_BUFFER),
            observer,
            tokio: tokio::runtime::Handle::current(),
        });
        let writing = Arc::clone(&driver);
        let thread = std::thread::Builder::new()
            .name("stepwell-writer".to_owned())
            .spawn(move || writing.write(&jobs))
            .map_err(|error| StoreError::Failed(format!("no thread for the writer: {error}")))?;
        *lock(&driver.writer_thread) = Some(thread);
        driver.tokio.spawn(keep_time(Arc::downgrade(&driver)));
        if driver.observer.is_some() {
            driver.act(Input::Watched(true));
        }
        driver.act(Input::Tick);
        Ok(driver)
    }

    /// Hands an input in and does what follows.
    pub(crate) fn act(self: &Arc<Self>, input: Input) {
        self.act_at(input, Place::Anywhere);
    }

    /// Asks the node. The receiver gets the one answer, or none if the runtime stops.
    pub(crate) fn ask(self: &Arc<Self>, request: Request) -> (ReplyId, oneshot::Receiver<Reply>) {
        let (sender, receiver) = oneshot::channel();
        self.clock.begin_work();
        let now = self.clock.now();
        let mut state = self.state();
        let reply = state.expect_reply(sender);
        let outputs = state.handle(Input::Request { reply, request }, now);
        drop(state);
        self.perform_all(outputs, Place::Anywhere);
        self.clock.end_work();
        (reply, receiver)
    }

    /// Nobody waits for this answer any more.
    pub(crate) fn abandon(self: &Arc<Self>, reply: ReplyId) {
        self.state().replies.remove(&reply);
        self.act(Input::Abandoned { reply });
    }

    /// Looks something up in the node, which must be quick.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Node) -> T) -> T {
        look(&self.state().node)
    }

    /// Makes a call that belongs to no execution.
    pub(crate) async fn call(&self, call: TaskCall) -> Result<asl::Payload, TaskFailure> {
        run_guarded(&*self.runner, call).await
    }

    /// A receiver of everything that becomes durable from now on.
    pub(crate) fn watch(self: &Arc<Self>) -> broadcast::Receiver<Progress> {
        let receiver = self.progress.subscribe();
        self.act(Input::Watched(true));
        receiver
    }

    /// Lets what is under way become durable and ends.
    pub(crate) async fn shutdown(self: &Arc<Self>) {
        let (sender, receiver) = oneshot::channel();
        let now = self.clock.now();
        let outputs = {
            let mut state = self.state();
            let reply = state.expect_reply(sender);
            state.handle(Input::Stop { reply }, now)
        };
        self.perform_all(outputs, Place::Anywhere);
        let patience = Duration::from_secs(limits::SHUTDOWN_SECONDS);
        if tokio::time::timeout(patience, receiver).await.is_err() {
            tracing::warn!("not everything under way became durable before the stop");
        }
        let mut cancelling = self.cancelling.subscribe();
        let all_cancelled = cancelling.wait_for(|count| *count == 0);
        if tokio::time::timeout(patience, all_cancelled).await.is_err() {
            tracing::warn!("not every job of a stopped task was cancelled before the stop");
        }
        self.end();
        self.last_commit().await;
    }

    /// Waits for a commit that may be on its way, after [`Driver::end`].
    pub(crate) async fn last_commit(&self) {
        let thread = lock(&self.writer_thread).take();
        if let Some(thread) = thread {
            let joined = self.tokio.spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the writer's thread ended badly");
            }
        }
    }

    /// Ends the writer, the timer and all calls, whatever is under way.
    pub(crate) fn end(&self) {
        // The thread may have ended already.
        let _ = self.writer.send(WriterJob::Stop);
        self.wake.send_replace(Some(Timestamp(i64::MIN)));
        for (_, call) in lock(&self.calls).drain() {
            if let Call::UnderWay(call) = call {
                call.handle.abort();
            }
        }
        for (_, call) in lock(&self.map_run_calls).drain() {
            call.abort();
        }
        self.state().replies.clear();
    }

    fn act_at(self: &Arc<Self>, input: Input, place: Place) {
        self.clock.begin_work();
        let now = self.clock.now();
        let outputs = self.state().handle(input, now);
        self.perform_all(outputs, place);
        self.clock.end_work();
    }

    /// Marks something as under way that ends elsewhere.
    pub(crate) fn working(&self) -> Working {
        Working::begin(&self.clock)
    }

    /// Performs outputs; runs one turn here, if this is the place for it.
    fn perform_all(self: &Arc<Self>, outputs: Vec<Act>, place: Place) {
        let mut here = None;
        let mut reads = Vec::new();
        let mut undelivered = Vec::new();
        for act in outputs {
            match act {
                // Whoever asked may be gone. Only a worker's task must not go with it.
                Act::Answer(sender, answer) => {
                    if let Err(Ok(Answer::Task(Some(assigned)))) = sender.send(answer) {
                        undelivered.push(assigned);
                    }
                }
                Act::Do(Output::Run(job))
                    if place == Place::Anywhere && here.is_none() && !job.may_take_long() =>
                {
                    here = Some(job);
                }
                Act::Do(output) => self.perform(output, &mut reads),
            }
        }
        self.read(reads);
        for assigned in undelivered {
            self.act_at(Input::Undelivered(assigned), Place::Passing);
        }
        if let Some(job) = here {
            // What follows is passed on, so that nobody is kept by a chain of turns.
            self.act_at(Input::Ran(job.run()), Place::Passing);
        }
    }

    fn perform(self: &Arc<Self>, output: Output, reads: &mut Vec<Output>) {
        match output {
            Output::Run(job) => {
                let (driver, working) = (Arc::clone(self), self.working());
                let places = Arc::clone(&self.long_turns);
                self.tokio.spawn(async move {
                    let done = match job.may_take_long() {
                        true => long_turns::run(*job, places).await,
                        false => job.run(),
                    };
                    driver.act(Input::Ran(done));
                    drop(working);
                });
            }
            write @ (Output::Commit(_) | Output::Check(_)) => {
                // Fails only after the end, when nobody waits for it.
                let _ = self.writer.send(WriterJob::Do(write, self.working()));
            }
            Output::Dispatch { key, call } => self.dispatch(key, *call),
            Output::CancelCall { key, task } => {
                let mut calls = lock(&self.calls);
                match calls.remove(&(key, task)) {
                    Some(Call::UnderWay(call)) => call.handle.abort(),
                    _ => {
                        calls.insert((key, task), Call::Cancelled);
                    }
                }
            }
            Output::CancelJob { key, call } => self.withdraw(key, call),
            Output::CancelJobLeftBehind { key, call } => {
                let submitted = call.dispatch.submitted.clone();
                self.cancel_job(key, *call, submitted);
            }
            Output::SubmissionRecorded { key, task } => {
                if let Some(Call::UnderWay(call)) = lock(&self.calls).get_mut(&(key, task))
                    && let Some(waiting) = call.waiting.take()
                {
                    // The call may be gone.
                    let _ = waiting.send(());
                }
            }
            Output::ReadItems { call, reading, max_items } => {
                let MapRunCall { key, map_run, .. } = call;
                let sink = ItemSink::in_store(Arc::downgrade(self), key, map_run, max_items);
                let runner = Arc::clone(&self.runner);
                self.work_for_map_run(call, MapRunReturn::ItemsRead, async move {
                    sink.clear().await;
                    runner.read_items(*reading, sink).await
                });
            }
            Output::WriteResults { call, export } => {
                let results = ResultSource::in_store(Arc::downgrade(self), &export);
                let work = self.runner.write_results(*export, results);
                self.work_for_map_run(call, MapRunReturn::ResultsWritten, work);
            }
            Output::CancelReading { call } => {
                if let Some(handle) = lock(&self.map_run_calls).remove(&call) {
                    handle.abort();
                }
            }
            Output::WakeAt(moment) => {
                self.wake.send_if_modified(|held| {
                    let is_earlier = held.is_none_or(|held| moment < held);
                    if is_earlier {
                        *held = Some(moment);
                    }
                    is_earlier
                });
            }
            Output::Publish(progress) => self.publish(progress),
            Output::Reply { .. } => unreachable!("replies were taken to their senders"),
            read @ (Output::Load(_)
            | Output::Reopen(_)
            | Output::ListPurgeable(_)
            | Output::Resolve(_)
            | Output::LoadDefinition(_)
            | Output::ListDue { .. }
            | Output::ListRecovery { .. }
            | Output::DescribeChild { .. }
            | Output::FindMapRunChild { .. }
            | Output::FetchItems(_)
            | Output::ListKeptItems { .. }
            | Output::CheckParent { .. }
            | Output::CountOpen(_)) => reads.push(read),
        }
    }

    /// The writer's thread: the only one that commits.
    fn write(self: &Arc<Self>, jobs: &mpsc::Receiver<WriterJob>) {
        while let Ok(WriterJob::Do(output, working)) = jobs.recv() {
            let began = std::time::Instant::now();
            let input = self.ask_store(output);
            if let Some(observer) = &self.observer
                && let Input::Committed { writes, result } = &input
            {
                observer.commit(writes.len(), began.elapsed(), result.is_ok());
            }
            self.act_at(input, Place::Passing);
            drop(working);
        }
    }

    fn ask_store(&self, output: Output) -> Input {
        let now = self.clock.now();
        match load::perform(&*self.store, &self.surroundings, output, now) {
            Ok(input) => input,
            Err(_) => unreachable!("only what is for the store comes here"),
        }
    }

    /// Reads from the store on threads that may block.
    fn read(self: &Arc<Self>, mut reads: Vec<Output>) {
        while !reads.is_empty() {
            let rest = reads.split_off(reads.len().min(limits::LOADS_PER_VISIT));
            let visit = std::mem::replace(&mut reads, rest);
            let (driver, working) = (Arc::clone(self), self.working());
            self.tokio.spawn_blocking(move || {
                for read in visit {
                    driver.act(driver.ask_store(read));
                }
                drop(working);
            });
        }
    }

    /// Makes a call in a task of its own.
    fn dispatch(self: &Arc<Self>, key: ExecutionKey, mut call: TaskCall) {
        let task = call.dispatch.task;
        let driver = Arc::clone(self);
        // Locked until the call is noted, so that it cannot be over before.
        let mut calls = lock(&self.calls);
        match calls.remove(&(key, task)) {
            None => {}
            Some(Call::Withdrawn(mut withdrawn)) if call.dispatch.recovered => {
                drop(calls);
                withdrawn.dispatch.recovered = true;
                return self.cancel_job(key, *withdrawn, call.dispatch.submitted);
            }
            Some(Call::Withdrawn(_)) => {
                drop(calls);
                return self.act_at(Input::JobCancelled { key, task }, Place::Passing);
            }
            Some(_) => return,
        }
        if call.dispatch.resource.waits_for_job() {
            let weak = Arc::downgrade(self);
            call.submission = Submission::to(move |output| {
                let weak = Weak::clone(&weak);
                Box::pin(async move { submitted(&weak, key, task, output).await })
            });
        }
        let parent = Parent {
            execution_arn: call.execution_arn.clone(),
            key,
            task,
            is_awaited: call.dispatch.resource.waits_for_job(),
        };
        call.executions = ChildExecutions::new(Arc::downgrade(self), Some(parent));
        let submitted = call.dispatch.submitted.clone();
        let working = self.working();
        let handle = self.tokio.spawn(async move {
            let result = run_guarded(&*driver.runner, call).await;
            driver.act(Input::TaskReturned { key, task, result });
            let ended = lock(&driver.calls).remove(&(key, task));
            if matches!(ended, Some(Call::UnderWay(CallUnderWay { withdrawn: Some(_), .. }))) {
                // It ended without a job.
                driver.act(Input::JobCancelled { key, task });
            }
            drop(working);
        });
        let handle = handle.abort_handle();
        let call = CallUnderWay { handle, submitted, waiting: None, withdrawn: None };
        calls.insert((key, task), Call::UnderWay(call));
    }

    /// Reads or writes for a Map Run, in a task of its own. What panics fails the Map Run.
    fn work_for_map_run<T: Send + 'static>(
        self: &Arc<Self>,
        call: MapRunCall,
        outcome: fn(Result<T, TaskFailure>) -> MapRunReturn,
        work: impl Future<Output = Result<T, TaskFailure>> + Send + 'static,
    ) {
        let driver = Arc::clone(self);
        let working = self.working();
        // Locked until the call is noted, so that it cannot be over before.
        let mut calls = lock(&self.map_run_calls);
        let handle = self.tokio.spawn(async move {
            let result = guarded(work).await.unwrap_or_else(|panic| {
                let cause = format!("An internal error: {panic}");
                Err(TaskFailure { error: Some("States.Runtime".into()), cause: Some(cause.into()) })
            });
            lock(&driver.map_run_calls).remove(&call);
            driver.act(Input::MapRunReturned { call, outcome: outcome(result) });
            drop(working);
        });
        calls.insert(call, handle.abort_handle());
    }

    /// A call has nothing more to do than to wait for an execution: the node does that.
    pub(crate) fn park(
        self: &Arc<Self>,
        key: ExecutionKey,
        task: TaskId,
        execution_arn: &str,
        result: ChildResult,
    ) {
        if let Some(Call::UnderWay(call)) = lock(&self.calls).remove(&(key, task)) {
            call.handle.abort();
        }
        let execution_arn = execution_arn.into();
        self.act_at(Input::AwaitExecution { key, task, execution_arn, result }, Place::Passing);
    }

    /// Nobody waits for a job any more. What is submitted is cancelled; what is being submitted
    /// is cancelled as soon as it is known by its name.
    fn withdraw(self: &Arc<Self>, key: ExecutionKey, call: Box<TaskCall>) {
        let place = (key, call.dispatch.task);
        let mut calls = lock(&self.calls);
        match calls.remove(&place) {
            Some(Call::UnderWay(mut running)) => match running.submitted.take() {
                Some(output) => {
                    running.handle.abort();
                    drop(calls);
                    self.cancel_job(key, *call, Some(output));
                }
                None => {
                    running.withdrawn = Some(call);
                    calls.insert(place, Call::UnderWay(running));
                }
            },
            _ => {
                calls.insert(place, Call::Withdrawn(call));
            }
        }
    }

    /// Has a job cancelled by whoever submitted it.
    fn cancel_job(self: &Arc<Self>, key: ExecutionKey, call: TaskCall, submitted: Option<Payload>) {
        self.cancelling.send_modify(|count| *count += 1);
        let (driver, working) = (Arc::clone(self), self.working());
        let task = call.dispatch.task;
        if let (None, Some(output)) = (&call.dispatch.submitted, &submitted) {
            let (call, output) = (Box::new(call.clone()), output.clone());
            self.act_at(Input::JobGivenUp { key, call, output }, Place::Passing);
        }
        self.tokio.spawn(async move {
            let cancelled = driver.tokio.spawn(driver.runner.cancel(call, submitted)).await;
            if let Err(error) = cancelled {
                tracing::error!(%error, "cancelling a job ended badly");
            }
            driver.act(Input::JobCancelled { key, task });
            drop(working);
            driver.cancelling.send_modify(|count| *count -= 1);
        });
    }

    fn publish(self: &Arc<Self>, progress: Progress) {
        if let Some(observer) = &self.observer {
            if self.progress.receiver_count() > 0 {
                // Whoever watched may be gone by now.
                let _ = self.progress.send(progress.clone());
            }
            observer.turn(progress);
        } else if self.progress.send(progress).is_err() {
            let mut state = self.state();
            let is_watched = self.progress.receiver_count() > 0;
            let now = self.clock.now();
            // Gives no outputs.
            state.node.handle(Input::Watched(is_watched), now);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the node does not panic")
    }
}

/// What is to be done once the node's lock is free.
enum Act {
    Answer(oneshot::Sender<Reply>, Reply),
    Do(Output),
}

impl State {
    fn expect_reply(&mut self, sender: oneshot::Sender<Reply>) -> ReplyId {
        self.next_reply += 1;
        let reply = ReplyId(self.next_reply);
        self.replies.insert(reply, sender);
        reply
    }

    fn handle(&mut self, input: Input, now: Timestamp) -> Vec<Act> {
        self.node.handle(input, now);
        let outputs = self.node.take_outputs();
        let mut acts = Vec::with_capacity(outputs.len());
        for output in outputs {
            match output {
                Output::Reply { reply, answer } => {
                    if let Some(sender) = self.replies.remove(&reply) {
                        acts.push(Act::Answer(sender, answer));
                    }
                }
                other => acts.push(Act::Do(other)),
            }
        }
        acts
    }
}

/// A call has submitted its job. Ready once that is recorded; never, if nobody waits for the job.
async fn submitted(driver: &Weak<Driver>, key: ExecutionKey, task: TaskId, output: Payload) {
    if let Some(driver) = driver.upgrade() {
        let mut withdrawn = None;
        let recorded = {
            let mut calls = lock(&driver.calls);
            match calls.get_mut(&(key, task)) {
                Some(Call::UnderWay(call)) => {
                    call.submitted = Some(output.clone());
                    withdrawn = call.withdrawn.take();
                    match withdrawn {
                        Some(_) => {
                            call.handle.abort();
                            None
                        }
                        None => {
                            let (sender, receiver) = oneshot::channel();
                            call.waiting = Some(sender);
                            Some(receiver)
                        }
                    }
                }
                _ => None,
            }
        };
        if let Some(withdrawn) = withdrawn {
            driver.cancel_job(key, *withdrawn, Some(output));
        } else if let Some(receiver) = recorded {
            driver.act(Input::TaskSubmitted { key, task, output });
            drop(driver);
            if receiver.await.is_ok() {
                return;
            }
        }
    }
    std::future::pending().await
}

/// Runs a call. A runner that panics fails the task, not the process.
async fn run_guarded(runner: &dyn TaskRunner, call: TaskCall) -> Result<asl::Payload, TaskFailure> {
    let failure = |panic: &(dyn std::any::Any + Send)| TaskFailure {
        error: Some("States.TaskFailed".into()),
        cause: Some(format!("The call ended in an internal error: {}", panic_text(panic)).into()),
    };
    let begin = AssertUnwindSafe(|| runner.run(call));
    let mut running = match catch_unwind(begin) {
        Ok(running) => running,
        Err(panic) => return Err(failure(&*panic)),
    };
    std::future::poll_fn(move |context| {
        let poll = AssertUnwindSafe(|| running.as_mut().poll(context));
        match catch_unwind(poll) {
            Ok(polled) => polled,
            Err(panic) => Poll::Ready(Err(failure(&*panic))),
        }
    })
    .await
}

/// What a future gives, or what its panic said.
async fn guarded<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(move |context| {
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(panic_text(&*panic))),
        }
    })
    .await
}

/// Wakes the node at the moments it asked for.
async fn keep_time(driver: Weak<Driver>) {
    let Some((clock, mut wake)) =
        driver.upgrade().map(|driver| (Arc::clone(&driver.clock), driver.wake.subscribe()))
    else {
        return;
    };
    loop {
        let until = *wake.borrow_and_update();
        let Some(until) = until else {
            if wake.changed().await.is_err() {
                return;
            }
            continue;
        };
        if until == Timestamp(i64::MIN) {
            return;
        }
        tokio::select! {
            changed = wake.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = clock.wait(until) => {
                let Some(driver) = driver.upgrade() else {
                    return;
                };
                if clock.now() >= until {
                    // The node says anew when it wants to be woken.
                    driver.wake.send_if_modified(|held| {
                        let is_this = *held == Some(until);
                        if is_this {
                            *held = None;
                        }
                        is_this
                    });
                    driver.act_at(Input::Tick, Place::Passing);
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of the lock panics")
}
