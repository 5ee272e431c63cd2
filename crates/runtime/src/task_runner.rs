//! The trait behind which the outside does the work of Task states.

use std::pin::Pin;

use asl::Payload;
use engine::{TaskDispatch, TaskFailure};

/// Does the work of Task states that call out.
pub trait TaskRunner: Send + Sync + 'static {
    /// Performs one call. Dropping the future means that nobody waits any more: the work is
    /// stopped as far as possible.
    fn run(
        &self,
        call: TaskCall,
    ) -> Pin<Box<dyn Future<Output = Result<Payload, TaskFailure>> + Send>>;
}

/// One call of a task.
#[derive(Debug, Clone)]
pub struct TaskCall {
    pub execution_arn: Box<str>,
    pub region: Box<str>,
    pub dispatch: TaskDispatch,
}
