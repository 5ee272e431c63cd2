//! The way from the runtime to whatever counts and writes: a queue, and one thread behind it.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::MetricsSource;
use runtime::{Observer, Progress};

use crate::cloudwatch_logs::LogCounts;
use crate::logs::{self, LogSink};
use crate::metrics::{Metrics, write_log_counts, write_span_counts};

/// Turns that may wait to be counted and logged. Beyond that they are dropped, and counted as
/// such: executions never wait for their logs.
const QUEUE_MAX: usize = 100_000;

/// What telemetry there shall be beyond metrics.
#[derive(Debug, Default)]
pub struct TelemetryOptions {
    /// Where execution logs go, each record to all of them; none: nowhere.
    pub logs: Vec<Box<dyn LogSink>>,
    /// What becomes of records that are sent.
    pub log_counts: Option<Arc<LogCounts>>,
    /// Who else sees turns.
    pub turns: Vec<Box<dyn TurnSink>>,
    /// What becomes of spans that are sent.
    pub span_counts: Option<Arc<SpanCounts>>,
}

/// Sees every turn, on the thread of telemetry.
pub trait TurnSink: Debug + Send {
    fn turn(&mut self, progress: &Progress);
}

/// What became of the spans of traces, for metrics.
#[derive(Debug, Default)]
pub struct SpanCounts {
    exported: AtomicU64,
    dropped: AtomicU64,
}

impl SpanCounts {
    /// Spans that a collector took.
    pub fn exported(&self) -> u64 {
        self.exported.load(Ordering::Relaxed)
    }

    /// Spans that were given up: too many waited, or nobody took them.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    #[cfg(feature = "otel")]
    pub(crate) fn add_exported(&self, count: u64) {
        self.exported.fetch_add(count, Ordering::Relaxed);
    }

    #[cfg(feature = "otel")]
    pub(crate) fn add_dropped(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }
}

/// Counts and logs what executions do.
#[derive(Debug)]
pub struct Telemetry {
    sender: Mutex<Option<Sender<Progress>>>,
    /// Turns in the queue.
    waiting: Arc<AtomicUsize>,
    metrics: Arc<Mutex<Metrics>>,
    log_counts: Option<Arc<LogCounts>>,
    span_counts: Option<Arc<SpanCounts>>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Telemetry {
    /// Starts its thread.
    pub fn start(options: TelemetryOptions) -> std::io::Result<Arc<Telemetry>> {
        let (sender, receiver) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let metrics = Arc::new(Mutex::new(Metrics::default()));
        let work = Work {
            waiting: Arc::clone(&waiting),
            metrics: Arc::clone(&metrics),
            logs: options.logs,
            turns: options.turns,
        };
        let thread = std::thread::Builder::new()
            .name("stepwell-telemetry".to_owned())
            .spawn(move || work.run(&receiver))?;
        Ok(Arc::new(Telemetry {
            sender: Mutex::new(Some(sender)),
            waiting,
            metrics,
            log_counts: options.log_counts,
            span_counts: options.span_counts,
            thread: Mutex::new(Some(thread)),
        }))
    }

    /// Handles what waits and ends. May block. Later turns are not seen.
    pub fn stop(&self) {
        lock(&self.sender).take();
        let thread = lock(&self.thread).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of metrics and logs panicked");
        }
    }
}

impl Observer for Telemetry {
    fn turn(&self, progress: Progress) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= QUEUE_MAX {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            lock(&self.metrics).drop_turn();
            return;
        }
        let sent = lock(&self.sender).as_ref().is_some_and(|sender| sender.send(progress).is_ok());
        if !sent {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn commit(&self, writes: usize, took: Duration, succeeded: bool) {
        lock(&self.metrics).commit(writes, took, succeeded);
    }
}

impl MetricsSource for Telemetry {
    fn write(&self, text: &mut String) {
        lock(&self.metrics).write(text, self.waiting.load(Ordering::Relaxed));
        write_log_counts(text, self.log_counts.as_deref());
        write_span_counts(text, self.span_counts.as_deref());
    }
}

/// What the thread has.
struct Work {
    waiting: Arc<AtomicUsize>,
    metrics: Arc<Mutex<Metrics>>,
    logs: Vec<Box<dyn LogSink>>,
    turns: Vec<Box<dyn TurnSink>>,
}

impl Work {
    fn run(mut self, receiver: &Receiver<Progress>) {
        while let Ok(progress) = receiver.recv() {
            self.turn(&progress);
            while let Ok(progress) = receiver.try_recv() {
                self.turn(&progress);
            }
            self.logs.iter_mut().for_each(|logs| logs.flush());
        }
    }

    fn turn(&mut self, progress: &Progress) {
        lock(&self.metrics).turn(progress);
        logs::log(&mut self.logs, progress);
        self.turns.iter_mut().for_each(|sink| sink.turn(progress));
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
