//! The dispatch of commands. It holds calls, no logic.

use asl::Program;

use crate::{Command, Effect, Event, Execution, Stamp};

/// What came of a command.
#[derive(Debug, Default)]
pub struct Decision {
    /// Already applied to the execution; to be made durable before anything else happens.
    pub events: Vec<Event>,
    /// To be done once the events are durable.
    pub effects: Vec<Effect>,
    /// Set when the command changed nothing because it came too late or never fitted.
    pub refused: Option<Refusal>,
}

/// Why a command changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The attempt is over: timed out, retried, answered already.
    TaskOver,
    /// The execution is over.
    ExecutionOver,
}

/// Decides what happens on a command, and applies it. The execution runs until every frame
/// waits or ends, or a bound on states per turn is reached.
///
/// If the events cannot be made durable the execution must be dropped and folded again.
pub fn step(
    program: &Program,
    execution: &mut Execution,
    command: Command,
    stamp: Stamp<'_>,
) -> Decision {
    let _ = (program, execution, command, stamp);
    todo!()
}

/// The effects that a process must perform for an execution it has just loaded: calls that
/// were under way, activity tasks that no worker had taken. Does not change the execution.
pub fn recover(program: &Program, execution: &Execution, stamp: Stamp<'_>) -> Vec<Effect> {
    let _ = (program, execution, stamp);
    todo!()
}
