//! Usage of executions that have no turns in the store: summed up for a moment, then written.

use store::{DayUsage, Write};

use super::Node;
use crate::limits;
use crate::timers::Alarm;

impl Node {
    /// Takes in what a turn has used that is not kept.
    pub(super) fn used(&mut self, machine_arn: &str, usage: DayUsage) {
        if self.unwritten_usage.add(machine_arn, usage) {
            self.timers.set(self.now.0.saturating_add(limits::USAGE_PAUSE_MS), Alarm::Usage);
        }
    }

    /// Brings the sums on their way.
    pub(super) fn write_usage(&mut self) {
        if !self.unwritten_usage.is_empty() {
            let writes = self.unwritten_usage.take().map(Write::AddUsage).collect();
            self.keep_unattended(writes);
        }
    }
}
