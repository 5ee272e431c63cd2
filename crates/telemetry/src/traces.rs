//! OpenTelemetry traces: a span for each execution, each state and each attempt of a task, made
//! from durable turns and sent to a collector.
//!
//! `context` reads where a trace comes from, `tracker` makes spans, `export` sends them.

mod context;
mod export;
mod tracker;

use std::sync::Arc;

use runtime::Progress;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Sender, channel};

pub use export::{SpanDelivery, TraceOptions};

use crate::observe::{SpanCounts, TurnSink};
use opentelemetry_proto::tonic::trace::v1::Span;
use tracker::Tracker;

/// Spans that may wait to be sent. Further ones are dropped, and counted.
const QUEUE_MAX: usize = 16_384;

/// Makes spans of turns.
#[derive(Debug)]
pub struct Traces {
    tracker: Tracker,
    sender: Sender<Span>,
    counts: Arc<SpanCounts>,
}

impl Traces {
    /// What sees turns, and what has to run for spans to leave.
    ///
    /// # Errors
    /// The endpoint or a header cannot be used; in words.
    pub fn new(options: TraceOptions) -> Result<(Traces, SpanDelivery), String> {
        let (sender, receiver) = channel(QUEUE_MAX);
        let counts = Arc::new(SpanCounts::default());
        let tracker = Tracker::new(options.sampling_ratio);
        let delivery = SpanDelivery::new(options, receiver, Arc::clone(&counts))?;
        Ok((Traces { tracker, sender, counts: Arc::clone(&counts) }, delivery))
    }

    /// What became of spans so far; goes on counting.
    pub fn counts(&self) -> Arc<SpanCounts> {
        Arc::clone(&self.counts)
    }
}

impl TurnSink for Traces {
    fn turn(&mut self, progress: &Progress) {
        for span in self.tracker.turn(progress) {
            match self.sender.try_send(span) {
                Ok(()) => {}
                Err(TrySendError::Full(_) | TrySendError::Closed(_)) => self.counts.add_dropped(1),
            }
        }
    }
}
