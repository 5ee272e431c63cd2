//! What the tests share: a runtime whose surroundings are in the test's hands.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asl::{MachineType, Payload, Timestamp};
use engine::TaskFailure;
use runtime::{
    Activity, EndedChild, ItemReading, ItemSink, ManualClock, MapRunWork, NewStateMachine,
    ResultExport, ResultSource, Runtime, RuntimeError, RuntimeOptions, StartRequest, Started,
    TaskCall, TaskRunner,
};
use serde_json::{Value, json};
use store::{MemoryStore, Store};
use tokio::sync::{mpsc, oneshot};

pub(crate) const SCOPE: &str = "arn:aws:states:us-east-1:123456789012";
pub(crate) const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:work";

/// A call that waits for the test's answer. Dropping it leaves the call hanging.
pub(crate) struct Call {
    pub(crate) call: TaskCall,
    answer: oneshot::Sender<Result<Payload, TaskFailure>>,
}

impl Call {
    /// Says that the job of the call is submitted; true once that is recorded.
    pub(crate) fn submit(&self, output: Value) -> oneshot::Receiver<()> {
        let (sender, recorded) = oneshot::channel();
        let submission = self.call.submission.clone();
        tokio::spawn(async move {
            submission.submitted(output.into()).await;
            let _ = sender.send(());
        });
        recorded
    }

    pub(crate) fn succeed(self, output: Value) {
        let _ = self.answer.send(Ok(output.into()));
    }

    pub(crate) fn fail(self, error: &str) {
        let failure = TaskFailure { error: Some(error.into()), cause: None };
        let _ = self.answer.send(Err(failure));
    }

    /// Waits until nobody waits for the answer any more.
    pub(crate) async fn cancelled(&mut self) {
        tokio::time::timeout(Duration::from_secs(20), self.answer.closed())
            .await
            .expect("the call is stopped");
    }
}

/// Items that a Map Run wants read; the test gives them.
pub(crate) struct Reading {
    pub(crate) reading: ItemReading,
    items: oneshot::Sender<Result<Vec<Value>, TaskFailure>>,
}

impl Reading {
    pub(crate) fn give(self, items: Vec<Value>) {
        let _ = self.items.send(Ok(items));
    }

    pub(crate) fn fail(self, error: &str) {
        let failure = TaskFailure { error: Some(error.into()), cause: None };
        let _ = self.items.send(Err(failure));
    }

    /// Waits until nobody waits for the items any more.
    pub(crate) async fn cancelled(&mut self) {
        tokio::time::timeout(Duration::from_secs(20), self.items.closed())
            .await
            .expect("the reading is stopped");
    }
}

/// Results that a Map Run wants exported, all of them; the test says what comes of it.
pub(crate) struct Export {
    pub(crate) export: ResultExport,
    pub(crate) children: Vec<EndedChild>,
    answer: oneshot::Sender<Result<Payload, TaskFailure>>,
}

impl Export {
    pub(crate) fn succeed(self, output: Value) {
        let _ = self.answer.send(Ok(output.into()));
    }
}

/// Puts every call in front of the test.
struct Runner {
    calls: mpsc::UnboundedSender<Call>,
    cancelled: mpsc::UnboundedSender<Cancelled>,
    readings: mpsc::UnboundedSender<Reading>,
    exports: mpsc::UnboundedSender<Export>,
    holds_cancels: Arc<AtomicBool>,
}

/// A job that is to be cancelled.
pub(crate) struct Cancelled {
    pub(crate) call: TaskCall,
    pub(crate) submitted: Option<Payload>,
}

impl TaskRunner for Runner {
    fn run(
        &self,
        call: TaskCall,
    ) -> Pin<Box<dyn Future<Output = Result<Payload, TaskFailure>> + Send>> {
        let calls = self.calls.clone();
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let _ = calls.send(Call { call, answer });
            match answered.await {
                Ok(result) => result,
                Err(_) => std::future::pending().await,
            }
        })
    }

    fn cancel(
        &self,
        call: TaskCall,
        submitted: Option<Payload>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let _ = self.cancelled.send(Cancelled { call, submitted });
        match self.holds_cancels.load(Ordering::Relaxed) {
            true => Box::pin(std::future::pending()),
            false => Box::pin(std::future::ready(())),
        }
    }

    fn read_items(&self, reading: ItemReading, mut sink: ItemSink) -> MapRunWork<u64> {
        let readings = self.readings.clone();
        Box::pin(async move {
            let (items, given) = oneshot::channel();
            let _ = readings.send(Reading { reading, items });
            let items = match given.await {
                Ok(result) => result?,
                Err(_) => std::future::pending().await,
            };
            sink.set_source("S3://bucket/key", false);
            for item in items {
                sink.put(item.to_string()).await.unwrap();
            }
            Ok(sink.finish().await)
        })
    }

    fn write_results(
        &self,
        export: ResultExport,
        mut results: ResultSource,
    ) -> MapRunWork<Payload> {
        let exports = self.exports.clone();
        Box::pin(async move {
            let mut children = Vec::new();
            while let Some(child) = results.next().await {
                children.push(child);
            }
            let (answer, answered) = oneshot::channel();
            let _ = exports.send(Export { export, children, answer });
            match answered.await {
                Ok(result) => result,
                Err(_) => std::future::pending().await,
            }
        })
    }
}

/// A runtime and everything around it.
pub(crate) struct World {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) options: RuntimeOptions,
    calls: Mutex<mpsc::UnboundedReceiver<Call>>,
    readings: Mutex<mpsc::UnboundedReceiver<Reading>>,
    exports: Mutex<mpsc::UnboundedReceiver<Export>>,
    cancelled: Mutex<mpsc::UnboundedReceiver<Cancelled>>,
    /// Set where cancelling a job takes for ever.
    pub(crate) holds_cancels: Arc<AtomicBool>,
}

impl World {
    pub(crate) async fn new() -> World {
        World::over(Arc::new(MemoryStore::default()), RuntimeOptions::default()).await
    }

    pub(crate) async fn over(store: Arc<dyn Store>, options: RuntimeOptions) -> World {
        let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000)));
        World::start(store, options, clock).await
    }

    pub(crate) async fn start(
        store: Arc<dyn Store>,
        options: RuntimeOptions,
        clock: Arc<ManualClock>,
    ) -> World {
        World::start_with(store, options, clock, Arc::default()).await
    }

    async fn start_with(
        store: Arc<dyn Store>,
        options: RuntimeOptions,
        clock: Arc<ManualClock>,
        holds_cancels: Arc<AtomicBool>,
    ) -> World {
        let (sender, calls) = mpsc::unbounded_channel();
        let (cancelled_sender, cancelled) = mpsc::unbounded_channel();
        let (readings_sender, readings) = mpsc::unbounded_channel();
        let (exports_sender, exports) = mpsc::unbounded_channel();
        let runtime = Runtime::start_with_clock(
            Arc::clone(&store),
            Arc::new(Runner {
                calls: sender,
                cancelled: cancelled_sender,
                readings: readings_sender,
                exports: exports_sender,
                holds_cancels: Arc::clone(&holds_cancels),
            }),
            options.clone(),
            Arc::clone(&clock) as Arc<dyn runtime::Clock>,
        )
        .await
        .unwrap();
        World {
            runtime,
            clock,
            store,
            options,
            calls: Mutex::new(calls),
            cancelled: Mutex::new(cancelled),
            readings: Mutex::new(readings),
            exports: Mutex::new(exports),
            holds_cancels,
        }
    }

    /// The process ends without a word, and another starts over the same store.
    pub(crate) async fn crash(self) -> World {
        let World { runtime, clock, store, options, holds_cancels, .. } = self;
        runtime.crash().await;
        World::start_with(store, options, clock, holds_cancels).await
    }

    /// The next call of a task.
    pub(crate) async fn call(&self) -> Call {
        let next = std::future::poll_fn(|context| self.calls.lock().unwrap().poll_recv(context));
        tokio::time::timeout(Duration::from_secs(20), next)
            .await
            .expect("a task is called")
            .expect("the runner lives")
    }

    /// The next Map Run that wants its items read.
    pub(crate) async fn reading(&self) -> Reading {
        let next = std::future::poll_fn(|context| self.readings.lock().unwrap().poll_recv(context));
        tokio::time::timeout(Duration::from_secs(20), next)
            .await
            .expect("items are read")
            .expect("the runner lives")
    }

    /// The next Map Run that wants its results exported.
    pub(crate) async fn export(&self) -> Export {
        let next = std::future::poll_fn(|context| self.exports.lock().unwrap().poll_recv(context));
        tokio::time::timeout(Duration::from_secs(20), next)
            .await
            .expect("results are exported")
            .expect("the runner lives")
    }

    /// The next job that is cancelled.
    pub(crate) async fn cancelled(&self) -> Cancelled {
        let next =
            std::future::poll_fn(|context| self.cancelled.lock().unwrap().poll_recv(context));
        tokio::time::timeout(Duration::from_secs(20), next)
            .await
            .expect("a job is cancelled")
            .expect("the runner lives")
    }

    /// A job that was cancelled, if there is one.
    pub(crate) fn try_cancelled(&self) -> Option<Cancelled> {
        self.cancelled.lock().unwrap().try_recv().ok()
    }

    /// A call of a task, if one was made.
    pub(crate) fn try_call(&self) -> Option<Call> {
        self.calls.lock().unwrap().try_recv().ok()
    }

    pub(crate) fn clock_now(&self) -> i64 {
        runtime::Clock::now(&*self.clock).0
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Registers a Standard state machine and gives its ARN.
    pub(crate) async fn machine(&self, name: &str, states: Value) -> String {
        self.machine_of(name, MachineType::Standard, states).await
    }

    pub(crate) async fn machine_of(
        &self,
        name: &str,
        machine_type: MachineType,
        states: Value,
    ) -> String {
        let new = new_machine(name, machine_type, &states);
        self.runtime.create_state_machine(new).await.unwrap().0.arn.into()
    }

    /// Starts an execution with this name and input.
    pub(crate) async fn start_named(
        &self,
        machine: &str,
        name: &str,
        input: Value,
    ) -> Result<Started, RuntimeError> {
        let request = StartRequest { name: Some(name.to_owned()), ..request(machine, input) };
        self.runtime.start_execution(request).await
    }

    /// Starts an execution and gives its ARN.
    pub(crate) async fn start_one(&self, machine: &str, input: Value) -> String {
        self.runtime.start_execution(request(machine, input)).await.unwrap().execution_arn.into()
    }

    /// The output of an execution once it is over.
    pub(crate) async fn output(&self, execution_arn: &str) -> Value {
        let wait = self.runtime.wait_for_end(execution_arn);
        let ended = tokio::time::timeout(Duration::from_secs(20), wait).await;
        let ended = ended.expect("the execution ends").unwrap();
        assert_eq!(ended.status.name(), "SUCCEEDED", "{:?} {:?}", ended.error, ended.cause);
        ended.output.unwrap().value().clone()
    }

    /// The types of an execution's history events.
    pub(crate) async fn history(&self, execution_arn: &str) -> Vec<&'static str> {
        let page = self.runtime.history(execution_arn, 0, 25_000, false).await.unwrap();
        page.events.iter().map(|event| event.event_type).collect()
    }

    pub(crate) async fn activity(&self, name: &str) -> String {
        let arn = format!("{SCOPE}:activity:{name}");
        let activity = Activity {
            arn: arn.as_str().into(),
            name: name.into(),
            creation_date: Timestamp(0),
            encryption_configuration: None,
        };
        self.runtime.create_activity(activity, Vec::new()).await.unwrap();
        arn
    }
}

pub(crate) fn request(machine: &str, input: Value) -> StartRequest {
    StartRequest {
        state_machine_arn: machine.to_owned(),
        name: None,
        input: input.into(),
        trace_header: None,
    }
}

pub(crate) fn new_machine(
    name: &str,
    machine_type: MachineType,
    states: &Value,
) -> NewStateMachine {
    let first = states.as_object().unwrap().keys().next().unwrap();
    NewStateMachine {
        arn: format!("{SCOPE}:stateMachine:{name}").into(),
        name: name.into(),
        machine_type,
        role_arn: "arn:aws:iam::123456789012:role/r".into(),
        definition: json!({"StartAt": first, "States": states}).to_string().into(),
        logging_configuration: None,
        tracing_configuration: None,
        encryption_configuration: None,
        tags: Vec::new(),
        publish: None,
    }
}

/// A machine of one Task state that calls a function.
pub(crate) fn one_call() -> Value {
    json!({"Work": {"Type": "Task", "Resource": FUNCTION, "End": true}})
}

/// A machine of one Task state that an activity's workers do.
pub(crate) fn one_activity(activity_arn: &str) -> Value {
    json!({"Work": {"Type": "Task", "Resource": activity_arn, "End": true}})
}
