//! What executions use, as AWS bills it: state transitions of Standard executions; requests,
//! time and memory of Express executions.

use asl::Timestamp;
use engine::Execution;
use store::{DayUsage, Usage};

use crate::definitions::Definition;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What was counted of an execution before a turn.
pub(crate) struct Before {
    transitions: u64,
    is_new: bool,
}

impl Before {
    pub(crate) fn of(execution: &Execution) -> Before {
        Before { transitions: execution.transitions(), is_new: execution.event_count() == 0 }
    }
}

/// What a turn adds, on the day it was taken.
pub(crate) fn of_turn(
    before: &Before,
    execution: &Execution,
    _definition: &Definition,
    now: Timestamp,
) -> DayUsage {
    let mut usage = Usage::default();
    if !execution.identity.express {
        usage.executions = u64::from(before.is_new);
        usage.transitions = execution.transitions() - before.transitions;
    }
    DayUsage { day: day_of(now), usage }
}

/// Days since 1970, UTC.
pub(crate) fn day_of(moment: Timestamp) -> i64 {
    moment.0.div_euclid(DAY_MS)
}
