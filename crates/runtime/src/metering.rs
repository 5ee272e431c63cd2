//! What executions use, as AWS bills it: state transitions of Standard executions; requests,
//! time and memory of Express executions.
//!
//! The sums of a day and state machine are written in the transaction of the turn that adds to
//! them. Synchronous executions have no turns in the store: theirs are written a moment later.

use std::collections::BTreeMap;

use asl::Timestamp;
use engine::{Execution, Status};
use store::{DayUsage, Usage, UsageEntry};

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Milliseconds in which AWS bills the time of Express executions.
const BILLED_MILLISECONDS: u64 = 100;
const MEGABYTE: u64 = 1024 * 1024;
/// Megabytes in which AWS bills memory.
const BILLED_MEGABYTES: u64 = 64;
/// Megabytes that every execution takes, as AWS documents it.
const EXECUTION_MEGABYTES: u64 = 50;

/// What AWS bills an Express execution by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Billing {
    /// A multiple of 100.
    pub milliseconds: u64,
    /// A multiple of 64.
    pub megabytes: u64,
}

impl Billing {
    /// Of an Express execution that is over; none of others. AWS's documented estimate of memory:
    /// 50 MB, the definition, and the data once for each branch and iteration.
    pub(crate) fn of(execution: &Execution, definition_bytes: usize) -> Option<Billing> {
        let stop_date = execution.stop_date().filter(|_| execution.identity.express)?;
        let milliseconds = u64::try_from(stop_date.0 - execution.start_date().0).unwrap_or(0);
        let data = execution.data_use();
        let bytes = EXECUTION_MEGABYTES * MEGABYTE
            + definition_bytes as u64
            + data.largest.saturating_mul(data.parts.max(1));
        let chunk = BILLED_MEGABYTES * MEGABYTE;
        Some(Billing {
            milliseconds: milliseconds.max(1).next_multiple_of(BILLED_MILLISECONDS),
            megabytes: bytes.div_ceil(chunk) * BILLED_MEGABYTES,
        })
    }
}

/// What was counted of an execution before a turn.
pub(crate) struct Before {
    transitions: u64,
    is_new: bool,
    attempt: u32,
    was_running: bool,
}

impl Before {
    pub(crate) fn of(execution: &Execution) -> Before {
        Before {
            transitions: execution.transitions(),
            is_new: execution.event_count() == 0,
            attempt: execution.attempt(),
            was_running: execution.status == Status::Running,
        }
    }

    /// What a turn has added, on the day it was taken.
    pub(crate) fn used(
        &self,
        execution: &Execution,
        definition_bytes: usize,
        now: Timestamp,
    ) -> DayUsage {
        let mut usage = Usage::default();
        if execution.identity.express {
            // An Express child of a Map Run that is redriven is started anew.
            let is_again = execution.attempt() != self.attempt;
            usage.requests = u64::from(self.is_new || is_again);
            let billing = Billing::of(execution, definition_bytes);
            if let Some(billing) = billing.filter(|_| self.was_running || is_again) {
                usage.milliseconds = billing.milliseconds;
                usage.megabyte_milliseconds =
                    billing.milliseconds.saturating_mul(billing.megabytes);
            }
        } else {
            usage.executions = u64::from(self.is_new);
            usage.transitions = execution.transitions() - self.transitions;
        }
        DayUsage { day: day_of(now), usage }
    }
}

/// Days since 1970, UTC.
fn day_of(moment: Timestamp) -> i64 {
    moment.0.div_euclid(DAY_MS)
}

/// Sums that are not written yet.
#[derive(Default)]
pub(crate) struct UnwrittenUsage {
    sums: BTreeMap<(i64, Box<str>), Usage>,
}

impl UnwrittenUsage {
    /// Adds to the sums. True if there were none before.
    pub(crate) fn add(&mut self, machine_arn: &str, added: DayUsage) -> bool {
        let is_first = self.sums.is_empty();
        if added.usage.is_zero() {
            return false;
        }
        *self.sums.entry((added.day, machine_arn.into())).or_default() += added.usage;
        is_first
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    pub(crate) fn take(&mut self) -> impl Iterator<Item = UsageEntry> + use<> {
        std::mem::take(&mut self.sums)
            .into_iter()
            .map(|((day, state_machine_arn), usage)| UsageEntry { day, state_machine_arn, usage })
    }
}
