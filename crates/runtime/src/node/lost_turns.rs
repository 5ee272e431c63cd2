//! Turns that did not become durable, or of which that is not known.

use store::{ExecutionKey, StoreError};

use super::executions::{Phase, Then};
use super::{Node, copy_of};

impl Node {
    /// The turn is not in the store. Its commands are given again to the execution as it is
    /// there; callers get the error.
    pub(super) fn turn_lost(
        &mut self,
        key: ExecutionKey,
        loaded: Option<crate::load::Loaded>,
        error: &StoreError,
    ) {
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        let Phase::Committing { turn, .. } = std::mem::replace(&mut resident.phase, Phase::Loading)
        else {
            panic!("a commit comes back to the execution whose turn it holds");
        };
        for entry in turn.entries.into_iter().rev() {
            resident.queue.push_front(entry);
        }
        if resident.first.is_some() && self.is_child(key) {
            self.refuse_callers(key, error);
            return self.child_start_lost(key);
        }
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        if let Some(first) = resident.first.take() {
            if let Some(starter) = first.starter {
                self.reply(starter.reply, Err(copy_of(error).into()));
            }
            self.refuse_callers(key, error);
            return self.vanished(key);
        }
        self.refuse_callers(key, error);
        match loaded {
            Some(loaded) => self.adopt(key, loaded),
            None => self.isolate(key, "its row has gone from the store".to_owned()),
        }
    }

    /// What became of a turn cannot be found out for now: callers get the error and are not
    /// answered again.
    pub(super) fn turn_unsettled(&mut self, key: ExecutionKey, error: &StoreError) {
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        let mut replies = Vec::new();
        if let Phase::Committing { turn, .. } = &mut resident.phase {
            for entry in &mut turn.entries {
                if let Some(reply) = entry.then.caller() {
                    entry.then = Then::Nothing;
                    replies.push(reply);
                }
            }
        }
        let starter = resident.first.as_mut().and_then(|first| first.starter.take());
        replies.extend(starter.map(|starter| starter.reply));
        for reply in replies {
            self.reply(reply, Err(copy_of(error).into()));
        }
        self.refuse_callers(key, error);
    }

    /// Whether an execution waits for its first turn to become durable.
    pub(super) fn is_starting(&self, key: ExecutionKey) -> bool {
        self.executions.get(key).is_some_and(|held| held.first.is_some())
    }

    /// The store has another turn there: the execution is read again and the commands are given
    /// to it as it is.
    pub(super) fn turn_conflicts(&mut self, key: ExecutionKey) {
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        tracing::warn!(execution = key.0, "a turn did not follow the one in the store");
        let Phase::Committing { turn, .. } = std::mem::replace(&mut resident.phase, Phase::Loading)
        else {
            panic!("a commit comes back to the execution whose turn it holds");
        };
        for entry in turn.entries.into_iter().rev() {
            resident.queue.push_front(entry);
        }
        if resident.first.is_some() {
            // The key is taken though none that high was in the store at start.
            return self.start_collided(key);
        }
        self.load(key);
    }
}
