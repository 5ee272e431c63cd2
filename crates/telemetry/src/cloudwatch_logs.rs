//! Execution logs on their way to CloudWatch Logs, or to whatever stands in its place.
//!
//! [`CloudWatchLogs`] takes records and never waits: what does not fit into its bounds is dropped
//! and counted. [`LogDelivery`] sends them, each log stream by itself and in its order, so that
//! one that fails holds up no other. The rules of a batch are in `batch`, the calls in `service`.

mod batch;
mod service;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use asl::Timestamp;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

pub use batch::LogEvent;
pub use service::{AwsLogService, LogService, Refusal};

use crate::logs::{LogRecord, LogSink};
use batch::{EVENT_BYTES_MAX, Waiting};

/// Bytes of records that may wait for one log stream, and for all together.
const STREAM_BYTES_MAX: usize = 16 * 1024 * 1024;
const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Log streams that are remembered. Beyond that idle ones are forgotten, and begun anew.
const STREAMS_MAX: usize = 1_000;
/// How long records are gathered before they are sent.
const LINGER: Duration = Duration::from_millis(250);
/// Calls under way at once.
const CALLS_MAX: usize = 8;
/// The pause after a failure; doubled every time.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// How long a batch is tried.
const PATIENCE: Duration = Duration::from_secs(60 * 60);
/// Milliseconds for which a log stream is written to before the next is begun.
const STREAM_AGE_MAX_MS: i64 = 60 * 60 * 1_000;

/// What became of the records, for metrics.
#[derive(Debug, Default)]
pub struct LogCounts {
    delivered: AtomicU64,
    dropped: AtomicU64,
    waiting: AtomicU64,
}

impl LogCounts {
    /// Records that were taken.
    pub fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Records that were given up: too many waited, or they were refused.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Records that wait, or are being sent.
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    fn drop_one(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// Where a record goes: one log stream at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Destination {
    region: Box<str>,
    log_group: Box<str>,
    state_machine: Box<str>,
}

/// What is known of a destination.
#[derive(Debug, Default)]
struct Stream {
    waiting: Waiting,
    /// Whether a task takes care of it.
    is_under_way: bool,
    /// The log stream in use, and when it was begun.
    name: Option<(String, Timestamp)>,
}

#[derive(Debug, Default)]
struct Streams {
    by_destination: HashMap<Destination, Stream>,
    waiting_bytes: usize,
}

struct Shared {
    streams: Mutex<Streams>,
    counts: Arc<LogCounts>,
    /// Tells the log streams of this process from those of others.
    id: String,
}

impl Shared {
    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes records for CloudWatch Logs.
pub struct CloudWatchLogs {
    shared: Arc<Shared>,
    /// Destinations that nobody takes care of.
    sender: UnboundedSender<Destination>,
}

/// Sends what [`CloudWatchLogs`] took.
pub struct LogDelivery {
    shared: Arc<Shared>,
    receiver: UnboundedReceiver<Destination>,
    service: Arc<dyn LogService>,
}

impl fmt::Debug for CloudWatchLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudWatchLogs").field("counts", &self.shared.counts).finish()
    }
}

impl fmt::Debug for LogDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogDelivery").field("service", &self.service).finish_non_exhaustive()
    }
}

impl CloudWatchLogs {
    /// A sink, and what has to run for its records to leave.
    pub fn new(service: Arc<dyn LogService>) -> (CloudWatchLogs, LogDelivery) {
        let (sender, receiver) = unbounded_channel();
        let shared = Arc::new(Shared {
            streams: Mutex::default(),
            counts: Arc::default(),
            id: Uuid::new_v4().simple().to_string()[..8].to_owned(),
        });
        let logs = CloudWatchLogs { shared: Arc::clone(&shared), sender };
        (logs, LogDelivery { shared, receiver, service })
    }

    /// What became of the records so far; goes on counting.
    pub fn counts(&self) -> Arc<LogCounts> {
        Arc::clone(&self.shared.counts)
    }
}

impl LogSink for CloudWatchLogs {
    fn write(&mut self, record: LogRecord<'_>) {
        let event = LogEvent { at: record.at, message: record.text.to_owned() };
        let bytes = event.bytes();
        let destination = Destination {
            region: record.log_group_region.into(),
            log_group: record.log_group.into(),
            state_machine: record.state_machine.into(),
        };
        let counts = &self.shared.counts;
        let mut streams = self.shared.streams();
        if bytes > EVENT_BYTES_MAX || streams.waiting_bytes + bytes > WAITING_BYTES_MAX {
            return counts.drop_one();
        }
        if streams.by_destination.len() >= STREAMS_MAX
            && !streams.by_destination.contains_key(&destination)
        {
            streams.by_destination.retain(|_, stream| stream.is_under_way);
        }
        let stream = streams.by_destination.entry(destination.clone()).or_default();
        if stream.waiting.bytes() + bytes > STREAM_BYTES_MAX {
            return counts.drop_one();
        }
        stream.waiting.push(event);
        let is_new = !std::mem::replace(&mut stream.is_under_way, true);
        streams.waiting_bytes += bytes;
        counts.waiting.fetch_add(1, Ordering::Relaxed);
        // Whoever delivered has ended: so does the process.
        if is_new && self.sender.send(destination).is_err() {
            tracing::debug!("an execution log record came after the end of delivery");
        }
    }

    fn flush(&mut self) {}
}

impl LogDelivery {
    /// Sends records until the sink is gone and all that it took was sent or given up.
    pub async fn run(mut self) {
        let calls = Arc::new(Semaphore::new(CALLS_MAX));
        let mut tasks = JoinSet::new();
        loop {
            let destination = tokio::select! {
                destination = self.receiver.recv() => destination,
                Some(_) = tasks.join_next() => continue,
            };
            let Some(destination) = destination else { break };
            let sender = Sender {
                shared: Arc::clone(&self.shared),
                service: Arc::clone(&self.service),
                calls: Arc::clone(&calls),
                destination,
            };
            tasks.spawn(sender.run());
        }
        while tasks.join_next().await.is_some() {}
    }
}

/// Sends the records of one destination.
struct Sender {
    shared: Arc<Shared>,
    service: Arc<dyn LogService>,
    calls: Arc<Semaphore>,
    destination: Destination,
}

impl Sender {
    async fn run(self) {
        loop {
            if !self.has_full_batch() {
                tokio::time::sleep(LINGER).await;
            }
            let Some(batch) = self.next_batch() else { return };
            let (count, bytes) = (batch.len() as u64, batch.iter().map(LogEvent::bytes).sum());
            let delivered = self.send(&batch).await;
            let counts = &self.shared.counts;
            counts.delivered.fetch_add(delivered, Ordering::Relaxed);
            counts.dropped.fetch_add(count.saturating_sub(delivered), Ordering::Relaxed);
            counts.waiting.fetch_sub(count, Ordering::Relaxed);
            let mut streams = self.shared.streams();
            streams.waiting_bytes = streams.waiting_bytes.saturating_sub(bytes);
        }
    }

    fn has_full_batch(&self) -> bool {
        let streams = self.shared.streams();
        let stream = streams.by_destination.get(&self.destination);
        stream.is_some_and(|stream| stream.waiting.bytes() >= batch::BATCH_BYTES_MAX)
    }

    /// What to send next; none ends the care for this destination.
    fn next_batch(&self) -> Option<Vec<LogEvent>> {
        let mut streams = self.shared.streams();
        let stream = streams.by_destination.get_mut(&self.destination)?;
        let batch = stream.waiting.take_batch();
        stream.is_under_way = !batch.is_empty();
        (!batch.is_empty()).then_some(batch)
    }

    /// Sends a batch, however often it has to be tried; how many of its records were taken.
    async fn send(&self, batch: &[LogEvent]) -> u64 {
        let begun = Instant::now();
        let mut pause = PAUSE_FIRST;
        let log_group = &*self.destination.log_group;
        loop {
            let reason = match self.try_to_send(batch).await {
                Ok(rejected) => {
                    if rejected > 0 {
                        tracing::warn!(log_group, rejected, "log records were rejected: too old");
                    }
                    return (batch.len() as u64).saturating_sub(rejected);
                }
                Err(Refusal::NoSuchStream) => {
                    self.forget_stream();
                    "the log group or log stream does not exist".to_owned()
                }
                Err(Refusal::Never(reason)) => {
                    tracing::error!(log_group, reason, "log records were refused, and are dropped");
                    return 0;
                }
                Err(Refusal::Later(reason)) => reason,
            };
            if begun.elapsed() > PATIENCE {
                tracing::error!(log_group, reason, "nobody took log records for an hour: dropped");
                return 0;
            }
            tracing::warn!(log_group, reason, "log records were not taken, trying again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// How many records were rejected.
    async fn try_to_send(&self, batch: &[LogEvent]) -> Result<u64, Refusal> {
        let Destination { region, log_group, state_machine } = &self.destination;
        // A semaphore that nobody closes.
        let _permit = self.calls.acquire().await.expect("the semaphore is never closed");
        let first = batch.first().map_or(Timestamp(0), |event| event.at);
        let known = self.stream_name(first);
        let name = match known {
            Some(name) => name,
            None => {
                let name = stream_name(state_machine, first, &self.shared.id);
                self.service.create_log_stream(region, log_group, &name).await?;
                let mut streams = self.shared.streams();
                if let Some(stream) = streams.by_destination.get_mut(&self.destination) {
                    stream.name = Some((name.clone(), first));
                }
                name
            }
        };
        self.service.put_log_events(region, log_group, &name, batch).await
    }

    /// The log stream in use, unless it is time for another.
    fn stream_name(&self, at: Timestamp) -> Option<String> {
        let streams = self.shared.streams();
        let (name, begun) = streams.by_destination.get(&self.destination)?.name.as_ref()?;
        (at.0.saturating_sub(begun.0) < STREAM_AGE_MAX_MS).then(|| name.clone())
    }

    fn forget_stream(&self) {
        let mut streams = self.shared.streams();
        if let Some(stream) = streams.by_destination.get_mut(&self.destination) {
            stream.name = None;
        }
    }
}

/// As AWS names them: `states/orders/2022-11-10-15-50/7851b2d9`. What the last part is on AWS is
/// not documented; here it tells processes apart.
fn stream_name(state_machine: &str, at: Timestamp, id: &str) -> String {
    let moment = at.to_iso_8601();
    let minute = moment.get(..16).unwrap_or(&moment).replace(['T', ':'], "-");
    format!("states/{state_machine}/{minute}/{id}")
}

#[cfg(test)]
mod tests;
