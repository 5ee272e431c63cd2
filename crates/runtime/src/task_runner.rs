//! The trait behind which the outside does the work of Task states.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use asl::Payload;
use engine::{TaskDispatch, TaskFailure};

use crate::{
    ChildExecutions, HttpInspector, ItemReading, ItemSink, MapRunWork, ResultExport, ResultSource,
};

/// Does the work of Task states that call out.
pub trait TaskRunner: Send + Sync + 'static {
    /// Performs one call. Dropping the future means that nobody waits any more: the work is
    /// stopped as far as possible.
    ///
    /// The call of a task that waits for its job (`.sync`, `.sync:2`) has two parts: it submits
    /// the job, says so by [`Submission::submitted`], and returns when the job is over. Dropping
    /// its future leaves the job alone: the process may be about to end, and the next one asks
    /// for the job again, with [`TaskDispatch::submitted`] set where the submission was recorded,
    /// and with [`TaskDispatch::recovered`] alone where it may have come about unrecorded. If the
    /// job must end [`TaskRunner::cancel`] is called.
    fn run(
        &self,
        call: TaskCall,
    ) -> Pin<Box<dyn Future<Output = Result<Payload, TaskFailure>> + Send>>;

    /// Stops the job of a call, as far as that is possible: its execution or task was stopped or
    /// timed out. `submitted` is what [`Submission::submitted`] was told; none where a process
    /// that ended may have submitted the job and could not say so. Not called when the process
    /// shuts down. Nobody learns the result.
    fn cancel(
        &self,
        call: TaskCall,
        submitted: Option<Payload>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let _ = (call, submitted);
        Box::pin(std::future::ready(()))
    }

    /// Reads the items of a Map Run and gives them to the sink; what [`ItemSink::finish`] says is
    /// the result. Dropping the future means that nobody waits any more.
    fn read_items(&self, reading: ItemReading, sink: ItemSink) -> MapRunWork<u64> {
        let _ = (reading, sink);
        let failure = no_s3("States.ItemReaderFailed");
        Box::pin(std::future::ready(Err(failure)))
    }

    /// Exports the results of a Map Run; the result is that of the Map state.
    fn write_results(&self, export: ResultExport, results: ResultSource) -> MapRunWork<Payload> {
        let _ = (export, results);
        let failure = no_s3("States.ResultWriterFailed");
        Box::pin(std::future::ready(Err(failure)))
    }
}

/// What a Map Run fails with where nobody can reach S3.
fn no_s3(error: &str) -> TaskFailure {
    let cause = "This runtime cannot reach Amazon S3 from a Map state.";
    TaskFailure { error: Some(error.into()), cause: Some(cause.into()) }
}

/// One call of a task.
#[derive(Debug, Clone)]
pub struct TaskCall {
    pub execution_arn: Box<str>,
    pub region: Box<str>,
    /// The role of the state machine. Nobody assumes it.
    pub role_arn: Box<str>,
    pub dispatch: TaskDispatch,
    /// Where an HTTP Task notes what it sends and receives, if somebody wants to see it.
    pub inspector: Option<Arc<HttpInspector>>,
    /// Where a call that waits for its job says that it has submitted it.
    pub submission: Submission,
    /// Where a call starts executions of this runtime.
    pub executions: ChildExecutions,
}

/// What becomes of a report; ready once it is recorded.
pub type Recorded = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where the submission of a job is reported.
#[derive(Clone, Default)]
pub struct Submission(Option<Arc<dyn Fn(Payload) -> Recorded + Send + Sync>>);

impl Submission {
    /// One that gives reports to a function.
    pub fn to(report: impl Fn(Payload) -> Recorded + Send + Sync + 'static) -> Submission {
        Submission(Some(Arc::new(report)))
    }

    /// One that forgets what it is told: for calls that belong to no execution.
    pub fn unrecorded() -> Submission {
        Submission(None)
    }

    /// Says that the job is submitted, with what becomes the output of TaskSubmitted. Ready when
    /// that is durable: from then on the call is made again only with this output, never without.
    /// If nobody waits for the job any more it is never ready, and [`TaskRunner::cancel`] is
    /// called with the output instead. For a call that came with [`TaskDispatch::submitted`] this
    /// has been done.
    pub async fn submitted(&self, output: Payload) {
        if let Some(report) = &self.0 {
            report(output).await;
        }
    }
}

impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Submission")
    }
}
