//! What an operator sees of executions: metrics, and execution logs.
//!
//! The runtime tells a [`Telemetry`] about every turn that became durable. It only passes that
//! on to a thread of its own, so that nobody who runs executions waits for it.

mod logs;
mod metrics;
mod observe;

pub use logs::{LogFiles, LogOutput, LogRecord, LogSink};
pub use observe::{Telemetry, TelemetryOptions};
