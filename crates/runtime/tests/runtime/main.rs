//! The whole runtime over a store in memory, with a clock that the test moves and calls that the
//! test answers.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod harness;

mod activities;
mod executions;
mod faults;
mod node_bench;
mod resources;
mod restarts;
