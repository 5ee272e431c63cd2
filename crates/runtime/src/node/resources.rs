//! Operations on what is registered. Two on one resource never overlap: the second waits until
//! the first is durable and then sees what it did.

use std::collections::{HashMap, HashSet, VecDeque};

use store::{StoreError, Write};

use super::executions::Phase;
use super::{Answer, Node, Output, ReplyId, ResourceRequest};
use crate::records::kind;
use crate::registry::Change;
use crate::timers::Alarm;
use crate::{RuntimeError, arns};

/// Changes on their way to the store.
pub(super) struct Operation {
    arn: Box<str>,
    changes: Vec<Change>,
    /// Who gets which answer; nobody for what the node does by itself.
    answer: Option<(ReplyId, Answer)>,
}

impl Operation {
    /// One on nothing that is registered, so that it meets no other. `name` is no ARN.
    pub(super) fn unregistered(name: String, reply: ReplyId) -> Operation {
        let answer = Some((reply, Answer::Done));
        Operation { arn: name.into(), changes: Vec::new(), answer }
    }

    /// Who waited for it, and is not told any more what became of it.
    pub(super) fn give_up(&mut self) -> Option<ReplyId> {
        self.answer.take().map(|(reply, _)| reply)
    }
}

/// What is on its way, and what waits for it.
#[derive(Default)]
pub(super) struct Resources {
    /// By the ARN of the resource that is being changed.
    waiting: HashMap<Box<str>, VecDeque<(ReplyId, ResourceRequest)>>,
    /// State machines whose running executions are being counted.
    counting: HashSet<Box<str>>,
    /// Answers to deletions, until it is known whether something runs still.
    deletions: HashMap<Box<str>, (ReplyId, Answer)>,
    count_failures: u32,
}

impl ResourceRequest {
    fn arn(&self) -> &str {
        match self {
            ResourceRequest::CreateMachine { new, .. } => &new.arn,
            ResourceRequest::CreateActivity { activity, .. } => &activity.arn,
            // What is decided of versions and aliases depends on their state machine and on each
            // other.
            ResourceRequest::CreateAlias { new } => &new.state_machine_arn,
            ResourceRequest::DeleteVersion { arn }
            | ResourceRequest::UpdateAlias { arn, .. }
            | ResourceRequest::DeleteAlias { arn } => arns::machine_of(arn),
            ResourceRequest::UpdateMachine { arn, .. }
            | ResourceRequest::PublishVersion { arn, .. }
            | ResourceRequest::DeleteMachine { arn }
            | ResourceRequest::DeleteActivity { arn }
            | ResourceRequest::Tag { arn, .. }
            | ResourceRequest::Untag { arn, .. } => arn,
        }
    }
}

impl Node {
    /// Decides an operation, or lets it wait for the one before it.
    pub(super) fn resource(&mut self, reply: ReplyId, request: ResourceRequest) {
        if let Some(waiting) = self.resources.waiting.get_mut(request.arn()) {
            return waiting.push_back((reply, request));
        }
        let arn: Box<str> = request.arn().into();
        match self.decide(request) {
            Ok((changes, answer)) => self.change(arn, changes, Some((reply, answer))),
            Err(error) => self.reply(reply, Err(error)),
        }
    }

    fn decide(&mut self, request: ResourceRequest) -> Result<(Vec<Change>, Answer), RuntimeError> {
        let now = self.now;
        let done = |changes| (changes, Answer::Done);
        match request {
            ResourceRequest::CreateMachine { new, definition } => self
                .registry
                .create_machine(&new, &definition, now)
                .map(|(changes, answer)| (changes, Answer::Machine(answer))),
            ResourceRequest::UpdateMachine { arn, update, definition } => self
                .registry
                .update_machine(&arn, &update, definition.as_ref(), now, &mut self.seeds)
                .map(|(changes, answer)| (changes, Answer::Machine(answer))),
            ResourceRequest::DeleteMachine { arn } => Ok(done(self.registry.begin_deletion(&arn))),
            ResourceRequest::PublishVersion { arn, revision_id, description } => self
                .registry
                .publish_version(&arn, revision_id.as_deref(), description, now)
                .map(|(changes, version)| (changes, Answer::Version(version))),
            ResourceRequest::DeleteVersion { arn } => self.registry.delete_version(&arn).map(done),
            ResourceRequest::CreateAlias { new } => self
                .registry
                .create_alias(&new, now)
                .map(|(changes, alias)| (changes, Answer::Alias(alias))),
            ResourceRequest::UpdateAlias { arn, update } => self
                .registry
                .update_alias(&arn, &update, now)
                .map(|(changes, alias)| (changes, Answer::Alias(alias))),
            ResourceRequest::DeleteAlias { arn } => Ok(done(self.registry.delete_alias(&arn))),
            ResourceRequest::CreateActivity { activity, tags } => self
                .registry
                .create_activity(&activity, &tags, now)
                .map(|(changes, record)| (changes, Answer::Activity(record))),
            ResourceRequest::DeleteActivity { arn } => {
                Ok(done(self.registry.delete_activity(&arn)))
            }
            ResourceRequest::Tag { arn, tags } => self.registry.tag(&arn, &tags).map(done),
            ResourceRequest::Untag { arn, keys } => self.registry.untag(&arn, &keys).map(done),
        }
    }

    fn change(&mut self, arn: Box<str>, changes: Vec<Change>, answer: Option<(ReplyId, Answer)>) {
        if changes.is_empty() {
            if let Some((reply, answer)) = answer {
                self.reply(reply, Ok(answer));
            }
            return;
        }
        let writes = changes.iter().map(Change::write).collect();
        self.resources.waiting.insert(arn.clone(), VecDeque::new());
        self.keep_operation(Operation { arn, changes, answer }, writes);
    }

    /// Removes changes of status that were told.
    pub(super) fn forget_status_changes(&mut self, reply: ReplyId, keys: Vec<String>) {
        let Some(first) = keys.first() else { return self.reply(reply, Ok(Answer::Done)) };
        let operation = Operation::unregistered(format!("status changes {first}"), reply);
        let kind = kind::STATUS_CHANGES;
        let writes = keys.into_iter().map(|key| Write::DeleteRecord { kind, key }).collect();
        self.keep_operation(operation, writes);
    }

    /// The changes are durable: they show from now on.
    pub(super) fn operation_committed(&mut self, operation: Operation) {
        let Operation { arn, changes, answer } = operation;
        for change in changes {
            self.registry.apply(change);
        }
        if self.registry.is_deleting(&arn) {
            // Where nothing runs, whoever deletes sees it gone.
            if let Some(answer) = answer
                && let Some(earlier) = self.resources.deletions.insert(arn.clone(), answer)
            {
                self.reply(earlier.0, Ok(earlier.1));
            }
            self.count_open(&arn);
        } else if let Some((reply, answer)) = answer {
            self.reply(reply, Ok(answer));
        }
        self.go_on(&arn);
    }

    /// The changes did not become durable.
    pub(super) fn operation_lost(&mut self, operation: Operation, error: StoreError) {
        if let Some((reply, _)) = operation.answer {
            self.reply(reply, Err(error.into()));
        } else {
            let at = self.retry_moment(1);
            self.timers.set(at, Alarm::CountOpen);
        }
        self.go_on(&operation.arn);
    }

    /// Decides the operations that waited for one on the same resource.
    fn go_on(&mut self, arn: &str) {
        let mut waiting = self.resources.waiting.remove(arn).unwrap_or_default();
        while let Some((reply, request)) = waiting.pop_front() {
            self.resource(reply, request);
            if let Some(held) = self.resources.waiting.get_mut(arn) {
                held.extend(waiting);
                return;
            }
        }
    }

    /// Asks how many executions of a deleted state machine still run.
    pub(super) fn count_open(&mut self, machine_arn: &str) {
        if self.resources.counting.insert(machine_arn.into()) {
            self.outputs.push_back(Output::CountOpen(machine_arn.into()));
        }
    }

    pub(super) fn count_open_of_deleting(&mut self) {
        let deleting: Vec<Box<str>> = self.registry.deleting().map(Into::into).collect();
        for arn in deleting {
            self.count_open(&arn);
        }
    }

    /// A deleted state machine goes when nothing of it runs any more.
    pub(super) fn open_counted(&mut self, machine_arn: &str, result: Result<u64, StoreError>) {
        self.resources.counting.remove(machine_arn);
        let deletion = self.resources.deletions.remove(machine_arn);
        let changes = self.changes_of_end(machine_arn, result);
        if changes.is_empty() {
            if let Some((reply, answer)) = deletion {
                self.reply(reply, Ok(answer));
            }
        } else {
            self.change(machine_arn.into(), changes, deletion);
        }
    }

    /// What removes a deleted state machine; nothing if it has to stay for now.
    fn changes_of_end(
        &mut self,
        machine_arn: &str,
        result: Result<u64, StoreError>,
    ) -> Vec<Change> {
        match result {
            Ok(0) => {}
            // The end of the last one comes here again.
            Ok(_) => return Vec::new(),
            Err(error) => {
                tracing::warn!(%error, "running executions could not be counted, trying again");
                self.resources.count_failures += 1;
                let at = self.retry_moment(self.resources.count_failures);
                self.timers.set(at, Alarm::CountOpen);
                return Vec::new();
            }
        }
        self.resources.count_failures = 0;
        if self.resources.waiting.contains_key(machine_arn) {
            let at = self.retry_moment(1);
            self.timers.set(at, Alarm::CountOpen);
            return Vec::new();
        }
        // One that was being started when the machine was deleted is not counted yet.
        let is_starting = self.executions.values().any(|held| {
            let known = held.known.as_ref();
            let is_of_it =
                known.is_some_and(|known| &*known.identity.state_machine_arn == machine_arn);
            let is_over = matches!(&held.phase, Phase::Idle(execution)
                if execution.status != engine::Status::Running);
            is_of_it && !is_over
        });
        if is_starting { Vec::new() } else { self.registry.finish_deletion(machine_arn) }
    }
}
