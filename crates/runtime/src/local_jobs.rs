//! Jobs that a task runner runs by itself, as the API and the command line show them. The runtime
//! knows nothing of them; this is where those who have them and those who show them meet.

use std::pin::Pin;

use asl::Timestamp;
use serde_json::Value;

/// A job that was submitted by a task.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalJob {
    /// A UUID.
    pub id: String,
    /// `batch` or `ecs`.
    pub service: &'static str,
    /// The job's name, or the family of the task.
    pub name: String,
    /// `RUNNABLE`, `RUNNING`, `SUCCEEDED` or `FAILED`.
    pub status: &'static str,
    /// Where it waited for its turn.
    pub queue: Option<String>,
    pub definition_arn: String,
    pub execution_arn: String,
    pub state_name: String,
    pub created_at: Timestamp,
}

/// One run of one program of a job: an attempt, or a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalJobRun {
    /// `attempt-1`, `child-3-attempt-2`, `container-main`.
    pub name: String,
    /// None while it runs, and of children that a cluster runs by itself.
    pub exit_code: Option<i32>,
    pub started_at: Option<Timestamp>,
    pub stopped_at: Option<Timestamp>,
    /// Bytes of what it printed, as far as they are here.
    pub log_bytes: u64,
}

/// A job with all that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalJobDetail {
    pub job: LocalJob,
    pub runs: Vec<LocalJobRun>,
    /// What came of it, in AWS's words, once it is over.
    pub result: Option<Value>,
}

/// Where a list of jobs goes on: the moment when the last one was made, and its id.
pub type LocalJobPlace = (Timestamp, String);

/// What part of a log is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogRange {
    /// So many bytes from a place on.
    From { offset: u64, bytes: u64 },
    /// About so many bytes at the end, from the beginning of a line on.
    Tail { bytes: u64 },
}

/// A part of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPart {
    /// Whose it is.
    pub run: String,
    /// Where the text begins, and where the next part does.
    pub offset: u64,
    pub next_offset: u64,
    /// Bytes of the log now.
    pub bytes: u64,
    /// What is no UTF-8 is replaced.
    pub text: String,
    /// Whether the program has ended, so that nothing is added.
    pub is_complete: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum LocalJobError {
    #[error("There is no such job")]
    NoJob,
    #[error("The job has no such run")]
    NoRun,
    #[error("{0}")]
    Failed(std::io::Error),
}

/// Who waits for what of a job.
pub type LocalJobAnswer<'a, T> =
    Pin<Box<dyn Future<Output = Result<T, LocalJobError>> + Send + 'a>>;

/// Shows jobs.
pub trait LocalJobs: std::fmt::Debug + Send + Sync {
    /// The newest jobs first, at most so many; those of one account, if one is given; those that
    /// come after a place.
    fn list<'a>(
        &'a self,
        account: Option<&'a str>,
        status: Option<&'a str>,
        after: Option<LocalJobPlace>,
        most: usize,
    ) -> LocalJobAnswer<'a, Vec<LocalJob>>;

    fn describe<'a>(&'a self, id: &'a str) -> LocalJobAnswer<'a, LocalJobDetail>;

    /// What a run printed; of the one that was started last, if none is named.
    fn log<'a>(
        &'a self,
        id: &'a str,
        run: Option<&'a str>,
        range: LogRange,
    ) -> LocalJobAnswer<'a, LogPart>;
}
