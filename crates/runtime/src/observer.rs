//! Who sees everything that happens, for metrics, logs and events: told after it is durable,
//! outside of every lock.

use std::sync::Arc;
use std::time::Duration;

use asl::{Program, Timestamp};
use engine::{Identity, Status, TaskId};
use serde_json::Value;

/// Sees what becomes durable. Called on threads that must not be kept: it may count and pass
/// on, and must not wait.
pub trait Observer: std::fmt::Debug + Send + Sync {
    /// A turn is durable; or it was one of an execution that is kept in memory only.
    fn turn(&self, progress: Progress);
    /// A commit of so many writes came back from the store, which failed or not.
    fn commit(&self, writes: usize, took: Duration, succeeded: bool);
}

/// A moment in the life of an execution, for those who watch (`stepwell dev`, `stepwell run`,
/// server-sent events). Sent after the events are durable.
#[derive(Debug, Clone)]
pub struct Progress {
    pub identity: Arc<Identity>,
    pub program: Arc<Program>,
    pub events: Arc<Vec<engine::Event>>,
    /// The ways taken, where a test case runs.
    pub branches: Arc<Vec<engine::Branch>>,
    pub status: Status,
    pub start_date: Timestamp,
    pub redrive_count: u32,
    /// `loggingConfiguration` of the state machine when the execution started.
    pub logging: Option<Arc<Value>>,
    pub trace_header: Option<Arc<str>>,
    /// The task of another execution that started this one.
    pub parent: Option<ParentTask>,
}

/// An attempt of a task that started an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentTask {
    pub execution_arn: Box<str>,
    /// The id of its TaskScheduled event.
    pub task: TaskId,
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
