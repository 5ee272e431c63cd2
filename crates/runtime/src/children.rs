//! Executions that tasks of other executions start: who their parent is, and the handle by which
//! the runner of such a task starts and awaits them.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use asl::Payload;
use engine::{TaskFailure, TaskId};
use store::ExecutionKey;

use crate::driver::Driver;
use crate::node::{Answer, Request};
use crate::records::ParentRecord;
use crate::{ExecutionDescription, RuntimeError, StartRequest, Started, limits, query};

/// The attempt of a task that starts an execution. The same attempt starts one execution, however
/// often it asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    pub execution_arn: Box<str>,
    pub key: ExecutionKey,
    pub task: TaskId,
    /// Whether the execution is stopped when the task is stopped or timed out (`.sync`).
    pub is_awaited: bool,
}

impl Parent {
    pub(crate) fn record(&self) -> ParentRecord {
        ParentRecord {
            execution: self.execution_arn.clone(),
            key: self.key.0,
            task: self.task.0,
            awaited: self.is_awaited,
        }
    }
}

/// Makes the result of a task from the execution that it awaited, once that is over.
pub type ChildResult = fn(&ExecutionDescription) -> Result<Payload, TaskFailure>;

/// An execution that a task of another one started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildExecution {
    pub execution_arn: Box<str>,
    /// The Task state that started it.
    pub state_name: Box<str>,
    /// The attempt: the id of its TaskScheduled event.
    pub task: TaskId,
    /// Whether the task waits for its end (`.sync`).
    pub is_awaited: bool,
}

/// Where the runner of a task starts executions in the same runtime.
#[derive(Clone, Default)]
pub struct ChildExecutions {
    driver: Weak<Driver>,
    /// None for a call that belongs to no execution.
    parent: Option<Parent>,
}

impl ChildExecutions {
    pub(crate) fn new(driver: Weak<Driver>, parent: Option<Parent>) -> ChildExecutions {
        ChildExecutions { driver, parent }
    }

    pub(crate) fn driver(&self) -> Option<Arc<Driver>> {
        self.driver.upgrade()
    }

    /// Starts an execution for the task. Repeated after a crash, by the same attempt of the task,
    /// it answers with what was started before. A store that does not answer is asked again; a
    /// runtime that stops never answers.
    pub async fn start(&self, request: StartRequest) -> Result<Started, RuntimeError> {
        loop {
            let Some(driver) = self.driver.upgrade() else {
                return std::future::pending().await;
            };
            let request = match self.parent.clone() {
                Some(parent) => Request::StartChild { request: request.clone(), parent },
                None => Request::Start(request.clone()),
            };
            let (_, receiver) = driver.ask(request);
            match receiver.await {
                Ok(Ok(Answer::Started(started))) => return Ok(started),
                Ok(Err(RuntimeError::Store(_) | RuntimeError::Overloaded(_))) => {
                    let pause = Duration::from_millis(limits::RETRY_MAX_MS.unsigned_abs());
                    tokio::time::sleep(pause).await;
                }
                Ok(Err(RuntimeError::Stopping)) | Err(_) => return std::future::pending().await,
                Ok(Err(error)) => return Err(error),
                Ok(Ok(_)) => unreachable!("a start is answered with a start"),
            }
        }
    }

    /// Waits for the end of an execution, and gives what `result` makes of it. Within a call of
    /// an execution this is never ready: the call ends here and takes no memory; when the awaited
    /// execution is over its result goes to the task. To be called last, after the submission was
    /// reported.
    pub async fn finish(
        &self,
        execution_arn: &str,
        result: ChildResult,
    ) -> Result<Payload, TaskFailure> {
        let Some(driver) = self.driver.upgrade() else {
            return std::future::pending().await;
        };
        if let Some(parent) = &self.parent {
            driver.park(parent.key, parent.task, execution_arn, result);
            drop(driver);
            return std::future::pending().await;
        }
        match ended(&driver, execution_arn).await {
            Ok(described) => result(&described),
            Err(error) => Err(TaskFailure {
                error: Some("States.TaskFailed".into()),
                cause: Some(error.to_string().into()),
            }),
        }
    }
}

/// An execution once it is over.
async fn ended(driver: &Arc<Driver>, arn: &str) -> Result<ExecutionDescription, RuntimeError> {
    let (_, receiver) = driver.ask(Request::WaitForEnd { execution_arn: arn.into() });
    receiver.await.unwrap_or(Err(RuntimeError::Stopping))?;
    let (driver, arn) = (Arc::clone(driver), arn.to_owned());
    let read = tokio::task::spawn_blocking(move || query::describe(&*driver.store, &arn));
    read.await.unwrap_or(Err(RuntimeError::Stopping))
}

impl fmt::Debug for ChildExecutions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildExecutions").field("parent", &self.parent).finish_non_exhaustive()
    }
}
