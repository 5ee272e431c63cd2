//! One execution as a pure state machine: a command comes in, events and effects go out.
//!
//! [`step`] decides and emits events; [`Execution::apply`] is the only thing that changes an
//! execution, in live running and in recovery alike. Nothing here can tell the time, make an
//! id, wait, log or perform I/O: time, seeds, tokens and what exists come in with the command.

mod branch;
mod codec;
mod command;
mod context;
mod data_use;
mod dataflow;
mod effect;
mod event;
mod execution;
mod failure;
mod frame;
mod history;
mod inspection;
pub mod limits;
mod map_run;
mod memory;
mod redrive;
mod retry;
mod state_test;
mod states;
mod step;
mod turn;

#[cfg(test)]
mod tests;

pub use branch::Branch;
pub use codec::{DecodeError, decode_turn, encode_turn};
pub use command::{Command, Stamp, TaskFailure, World};
pub use data_use::DataUse;
pub use effect::{ActivityOffer, ChildStart, Effect, TaskDispatch};
pub use event::{Event, EventKind, FrameId, TaskId};
pub use execution::{Execution, Identity, Status, TaskState};
pub use history::{Detail, Details, HistoryEvent, project};
pub use inspection::Inspection;
pub use map_run::{
    Batching, ChildEnd, ItemsWanted, MapRun, MapRunChild, MapRunCounts, MapRunId, MapRunSettings,
    MapRunStatus, MapRunUpdate, ReadItem, Reading, child_arn, child_name, child_record,
    labelled_machine_arn,
};
pub use redrive::{NotRedrivable, Redrivability};
pub use state_test::{StateTest, StateTestRun, TestStatus, TestStep, TestedState};
pub use step::{Decision, Refusal, recover, step};
