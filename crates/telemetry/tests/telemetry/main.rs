//! Metrics of real executions, over HTTP.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod metrics;
mod world;
