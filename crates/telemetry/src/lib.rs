//! What an operator sees of executions: metrics, execution logs, events of changed status.
//!
//! The runtime tells a [`Telemetry`] about every turn that became durable. It only passes that
//! on to a thread of its own, so that nobody who runs executions waits for it.

mod cloudwatch_logs;
mod event_targets;
mod logs;
mod metrics;
mod observe;
mod status_events;
#[cfg(feature = "otel")]
mod traces;

pub use cloudwatch_logs::{
    AwsLogService, CloudWatchLogs, LogCounts, LogDelivery, LogEvent, LogService, Refusal,
};
pub use event_targets::EventBus;
pub use logs::{LogFiles, LogOutput, LogRecord, LogSink};
pub use observe::{SpanCounts, Telemetry, TelemetryOptions, TurnSink};
pub use status_events::{EventTarget, Undelivered, deliver};
#[cfg(feature = "otel")]
pub use traces::{SpanDelivery, TraceOptions, Traces};
