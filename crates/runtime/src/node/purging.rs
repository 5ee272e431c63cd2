//! Executions that were over long ago leave the store: a few at a time, so that no commit waits
//! long for them, in passes over all that are old enough.

use store::{ExecutionKey, PurgeQuery, Purgeable, StoreError, Write};

use super::executions::{Phase, Resident};
use super::{Node, Output};
use crate::items::deletions;
use crate::limits;
use crate::timers::Alarm;

/// How far the present pass is.
#[derive(Default)]
pub(super) struct Purging {
    after: ExecutionKey,
    is_asked: bool,
}

impl Node {
    /// Sets the moment of the first pass, where anything is ever purged.
    pub(super) fn plan_purge(&mut self) {
        if self.options.retention.is_limited() {
            self.purge_in(limits::PURGE_FIRST_MS);
        }
    }

    fn purge_in(&mut self, milliseconds: i64) {
        self.timers.set(self.now.0.saturating_add(milliseconds), Alarm::Purge);
    }

    /// Asks for the next executions of the pass.
    pub(super) fn list_purgeable(&mut self) {
        if self.purging.is_asked || self.is_stopping() {
            return;
        }
        self.purging.is_asked = true;
        let before = |kept: Option<std::time::Duration>| {
            kept.map_or(i64::MIN, |kept| {
                let kept = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
                self.now.0.saturating_sub(kept)
            })
        };
        self.outputs.push_back(Output::ListPurgeable(PurgeQuery {
            listed_before: before(self.options.retention.standard),
            unlisted_before: before(self.options.retention.express),
            after: self.purging.after,
            limit: limits::PURGE_PAGE,
        }));
    }

    pub(super) fn purgeable_listed(
        &mut self,
        result: Result<(Purgeable, Vec<String>), StoreError>,
    ) {
        self.purging.is_asked = false;
        let (found, items) = match result {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "old executions could not be listed and are tried again");
                return self.purge_in(limits::PURGE_PASS_MS);
            }
        };
        let mut writes = Vec::with_capacity(found.executions.len());
        for (key, turns) in found.executions {
            // Somebody may just be looking at it, or about to redrive it.
            let is_busy = self.executions.get(key).is_some_and(|held| !is_at_rest(held));
            if !is_busy {
                self.executions.remove(key);
                writes.push(Write::Purge { key, turns });
            }
        }
        if !items.is_empty() {
            self.keep_unattended(deletions(items));
        }
        if !writes.is_empty() {
            tracing::debug!(executions = writes.len(), "purging executions that ended long ago");
            self.keep_unattended(writes);
        }
        self.purging.after = found.looked_to.unwrap_or_default();
        let is_over = found.looked_to.is_none();
        self.purge_in(if is_over { limits::PURGE_PASS_MS } else { limits::PURGE_PAUSE_MS });
    }
}

/// Whether an execution is in memory only because it was of use a moment ago.
fn is_at_rest(resident: &Resident) -> bool {
    matches!(&resident.phase, Phase::Idle(execution) if execution.status != engine::Status::Running)
        && resident.queue.is_empty()
        && resident.readers.is_empty()
}
