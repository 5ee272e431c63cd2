//! Many executions: turns, group commit, durable timers, activities, task tokens, recovery.
//!
//! [`Runtime`] is the cheap-to-share handle everything else talks to. The logic is in `node`,
//! which takes inputs and gives outputs and performs no I/O; `driver` connects it to the clock,
//! the store and the task runner.

mod handle;
mod resources;
mod status;
mod task_runner;

pub use handle::*;
pub use resources::*;
pub use status::{status_code, status_of_code};
pub use store::{ExecutionKey, ExecutionQuery, ExecutionsOf, ListPlace, StoreError};
pub use task_runner::{TaskCall, TaskRunner};
