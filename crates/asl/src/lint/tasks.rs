//! Timeouts of tasks, and of Wait states.

use super::{
    CONCURRENCY_ABOVE_LIMIT, HEARTBEAT_NEVER_AWAITED, HEARTBEAT_WITHOUT_TIMEOUT, Linter, StateSite,
    TASK_WITHOUT_TIMEOUT, TOO_LONG_FOR_EXPRESS, WAIT_ZERO,
};
use crate::{MachineType, Resource};

/// Iterations of an inline Map that AWS runs at once.
const INLINE_CONCURRENCY_MAX: f64 = 40.0;

impl Linter {
    pub(super) fn task(&mut self, state: &StateSite<'_>) {
        let (Some(resource), Some(field)) = (&state.resource, state.field("Resource")) else {
            return;
        };
        let is_activity = matches!(resource, Resource::Activity { .. });
        let is_answered = is_activity || resource.waits_for_task_token();
        let has = |key: &str| state.has(key) || state.has(&format!("{key}Path"));
        let heartbeat =
            state.field("HeartbeatSeconds").or_else(|| state.field("HeartbeatSecondsPath"));
        match (is_answered, has("TimeoutSeconds"), heartbeat) {
            (true, false, None) => {
                let who = if is_activity { "a worker" } else { "its token" };
                let message = format!(
                    "Without TimeoutSeconds or HeartbeatSeconds this task waits for {who} as long \
                     as the execution may take: a year."
                );
                self.advise(TASK_WITHOUT_TIMEOUT, message, &field.site);
            }
            (true, false, Some(heartbeat)) => {
                let message = "Without TimeoutSeconds this task goes on for as long as heartbeats \
                               come.";
                self.advise(HEARTBEAT_WITHOUT_TIMEOUT, message, &heartbeat.site);
            }
            (false, _, Some(heartbeat)) => {
                let message = "Heartbeats come from activities and task tokens only: here \
                               HeartbeatSeconds has no effect.";
                self.advise(HEARTBEAT_NEVER_AWAITED, message, &heartbeat.site);
            }
            _ => {}
        }
        self.express_seconds(state, "TimeoutSeconds");
    }

    pub(super) fn wait(&mut self, state: &StateSite<'_>) {
        if let Some((seconds, field)) = state.number("Seconds")
            && seconds == 0.0
        {
            self.advise(WAIT_ZERO, "This state waits for 0 seconds.", &field.site);
        }
        self.express_seconds(state, "Seconds");
    }

    /// A time that is over only when the execution is.
    fn express_seconds(&mut self, state: &StateSite<'_>, key: &str) {
        if self.machine_type == MachineType::Express
            && let Some((seconds, field)) = state.number(key)
            && seconds >= self.seconds_max()
        {
            let message = format!(
                "An Express execution is timed out after 300 seconds, before these {seconds} \
                 seconds are over."
            );
            self.advise(TOO_LONG_FOR_EXPRESS, message, &field.site);
        }
    }

    /// `MaxConcurrency` of an inline Map.
    pub(super) fn concurrency(&mut self, state: &StateSite<'_>) {
        if let Some((most, field)) = state.number("MaxConcurrency")
            && most > INLINE_CONCURRENCY_MAX
        {
            let message = format!(
                "An inline Map runs at most {INLINE_CONCURRENCY_MAX} iterations at once; more \
                 need the mode DISTRIBUTED."
            );
            self.advise(CONCURRENCY_ABOVE_LIMIT, message, &field.site);
        }
    }
}
