//! RedriveExecution: an execution that is over is read again, and its next turn redrives it.

use engine::{Command, NotRedrivable, Refusal};
use store::{ExecutionKey, StoreError};

use super::executions::{Entry, Phase, Resident, Then};
use super::map_runs::{ChildOf, child_end};
use super::{Answer, Node, ReplyId};
use crate::RuntimeError;

impl Node {
    pub(super) fn redrive_entry(reply: ReplyId, client_token: Option<Box<str>>) -> Entry {
        Entry {
            command: Command::Redrive { client_token: client_token.clone() },
            then: Then::Redrive { reply, client_token },
        }
    }

    /// Has an execution read that is over and not in memory.
    pub(super) fn reopen(&mut self, key: ExecutionKey, entry: Entry) {
        if self.executions.get(key).is_some() || self.quarantine.contains_key(&key) {
            return self.command(key, entry);
        }
        let mut resident = Resident::loading();
        resident.queue.push_back(entry);
        self.executions.insert(key, resident);
        self.load(key);
    }

    /// The execution is over, and a redrive is the next command.
    pub(super) fn begin_redrive(&mut self, key: ExecutionKey) {
        let now = self.now;
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        let (Phase::Idle(execution), Some(known)) = (&resident.phase, &resident.known) else {
            return;
        };
        // The state machine of a Map Run's child is a part of another.
        let arn = &known.identity.state_machine_arn;
        let arn = arn.split_once('/').map_or(&**arn, |(arn, _)| arn);
        let is_gone = self.registry.is_deleting(arn) || self.registry.machine(arn).is_err();
        let is_known = |token: &str| execution.redriven_with(token, now).is_some();
        if let Some(Entry { then: Then::RedriveChild { child, .. }, .. }) = resident.queue.front() {
            let (child, has_panicked) = (*child, resident.panic.take().is_some());
            return self.begin_child_redrive(key, child, has_panicked);
        }
        let why = match resident.queue.front().map(|entry| &entry.then) {
            // A panic in the redrive's turn leaves the execution as it was.
            _ if resident.panic.is_some() => {
                let text = resident.panic.take().unwrap_or_default();
                StoreError::Failed(format!("redriving ended in an internal error: {text}")).into()
            }
            Some(Then::Redrive { client_token, .. })
                if is_gone && !client_token.as_deref().is_some_and(is_known) =>
            {
                let reason = NotRedrivable::StateMachineDeleting;
                RuntimeError::ExecutionNotRedrivable { arn: known.identity.arn.to_string(), reason }
            }
            Some(Then::Redrive { client_token, .. })
                if self.open.of(arn) >= self.options.quotas.open_executions
                    && !client_token.as_deref().is_some_and(is_known) =>
            {
                RuntimeError::ExecutionLimitExceeded(arn.to_string())
            }
            _ => return self.begin_turn(key),
        };
        let refused = resident.queue.pop_front();
        if let Some(reply) = refused.and_then(|entry| entry.then.caller()) {
            self.reply(reply, Err(why));
        }
        self.settle(key);
    }

    /// The child of a Map Run is over, and its redrive is the next command.
    fn begin_child_redrive(&mut self, key: ExecutionKey, child: ChildOf, has_panicked: bool) {
        if self.is_child_wanted(child) && !has_panicked {
            return self.begin_turn(key);
        }
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        resident.queue.pop_front();
        // A panic in the redrive's turn leaves the child as it was.
        if let Phase::Idle(execution) = &resident.phase
            && has_panicked
        {
            let end = Box::new(child_end(execution));
            self.keep_child(child, end);
        }
        self.settle(key);
    }

    /// Answers a redrive whose turn is durable or changed nothing.
    pub(super) fn answer_redrive(
        &mut self,
        key: ExecutionKey,
        reply: ReplyId,
        client_token: Option<&str>,
        refusal: Option<Refusal>,
    ) {
        let Some(Phase::Idle(execution)) = self.executions.get(key).map(|held| &held.phase) else {
            return;
        };
        let made_by = client_token.and_then(|token| execution.redriven_with(token, self.now));
        let arn = execution.identity.arn.to_string();
        let answer = match (refusal, made_by.or(execution.redrive_date())) {
            (Some(Refusal::NotRedrivable(reason)), _) => {
                Err(RuntimeError::ExecutionNotRedrivable { arn, reason })
            }
            (_, Some(moment)) => Ok(Answer::Redriven(moment)),
            (_, None) => Err(RuntimeError::ExecutionDoesNotExist(arn)),
        };
        self.reply(reply, answer);
    }
}
