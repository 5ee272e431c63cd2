//! Who sees everything that happens, for metrics, logs and events: told after it is durable,
//! outside of every lock.

use std::time::Duration;

use crate::Progress;

/// Sees what becomes durable. Called on threads that must not be kept: it may count and pass
/// on, and must not wait.
pub trait Observer: std::fmt::Debug + Send + Sync {
    /// A turn is durable; or it was one of an execution that is kept in memory only.
    fn turn(&self, progress: Progress);
    /// A commit of so many writes came back from the store, which failed or not.
    fn commit(&self, writes: usize, took: Duration, succeeded: bool);
}

/// What a runtime holds at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Executions in memory.
    pub resident_executions: usize,
    /// Turns and operations that wait for the next commit.
    pub waiting_commits: usize,
    /// Requests that wait for an answer, long polls included.
    pub open_requests: usize,
    /// GetActivityTask calls that wait for a task.
    pub activity_polls: usize,
    /// Calls of tasks under way.
    pub task_calls: usize,
    /// Standard executions that are open, without children of Map Runs.
    pub open_executions: u64,
}

/// Why a runtime is not ready to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotReady {
    /// What a former process left behind is still being taken up.
    Recovering,
    /// The last commit failed.
    StoreFails,
    Stopping,
}
