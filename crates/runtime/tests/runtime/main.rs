//! The whole runtime over a store in memory, with a clock that the test moves and calls that the
//! test answers.

mod harness;

mod activities;
mod executions;
mod faults;
mod node_bench;
mod resources;
mod restarts;
