//! Many executions: turns, group commit, durable timers, activities, task tokens, recovery.
//!
//! [`Runtime`] is the cheap-to-share handle everything else talks to. The logic is in [`node`],
//! which takes inputs and gives outputs and performs no I/O; `driver` connects it to the clock,
//! the store and the task runner.

mod activities;
mod approvals;
mod arns;
mod children;
mod clock;
mod definitions;
mod driver;
mod evaluators;
mod express;
mod handle;
mod http_inspection;
mod items;
mod job_cancels;
pub mod limits;
pub mod load;
mod local_jobs;
mod long_turns;
mod metering;
mod mocks;
pub mod node;
mod observer;
mod query;
mod quotas;
mod records;
mod registry;
mod resources;
mod results;
mod search;
mod seeds;
mod status;
mod status_changes;
mod surroundings;
mod task_runner;
mod timers;
mod token_bucket;
mod tokens;
mod turn;

pub use approvals::{APPROVAL_MESSAGE_BYTES_MAX, Approval, ApprovalError};
pub use children::{ChildExecution, ChildExecutions, ChildResult, Parent};
pub use clock::{Clock, ManualClock, SkippingClock, SystemClock};
pub use definitions::{Definition, Definitions, LoadError};
pub use evaluators::{EvaluatorProgram, answer_questions};
pub use express::{ExpressExecution, ExpressExecutions, ExpressLimits};
pub use handle::*;
pub use http_inspection::{HttpInspection, HttpInspector, HttpRequestSeen, HttpResponseSeen};
pub use items::{ItemFetch, ItemReading, ItemSink, MapRunWork};
pub use local_jobs::{
    LocalJob, LocalJobAnswer, LocalJobDetail, LocalJobError, LocalJobPlace, LocalJobRun, LocalJobs,
    LogPart, LogRange,
};
pub use metering::Billing;
pub use mocks::{MockedAttempt, Mocks, split_test_case};
pub use observer::{NotReady, Observer, ParentTask, Progress, Statistics};
pub use quotas::Quotas;
pub use records::DefinitionHash;
pub use resources::*;
pub use results::{EndedChild, ResultExport, ResultSource};
pub use search::{ExecutionSearch, SearchPage};
pub use seeds::Seeds;
pub use status::{status_code, status_of_code};
pub use status_changes::{StatusChange, StatusChanges};
pub use store::{
    ExecutionKey, ExecutionQuery, ExecutionsOf, ListPlace, StoreError, Usage, UsageEntry,
};
pub use surroundings::Surroundings;
pub use task_runner::{Recorded, Submission, TaskCall, TaskRunner};
pub use token_bucket::{Rate, TokenBucket};
pub use turn::{TurnDone, TurnJob};
