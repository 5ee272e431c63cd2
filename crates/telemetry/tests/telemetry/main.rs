//! Metrics, logs and events of real executions.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod logs;
mod metrics;
mod status_events;
#[cfg(feature = "otel")]
mod traces;
mod world;
