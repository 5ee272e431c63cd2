//! The whole runtime over a store in memory, with a clock that the test moves and calls that the
//! test answers; and its node alone, with a store whose every answer the test decides.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod harness;
mod node_bench;

mod activities;
mod children;
mod executions;
mod faults;
mod item_readers;
mod jobs;
mod map_run_redrives;
mod map_runs;
mod memory;
mod metering;
mod mocks;
mod purging;
mod quotas;
mod redrives;
mod resources;
mod restarts;
mod state_tests;
mod versions;
