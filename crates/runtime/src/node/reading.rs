//! What a node reads from the store: executions somebody asks for, those that are due, those
//! that a former process left behind.

use std::collections::VecDeque;
use std::sync::Arc;

use asl::Timestamp;
use engine::{Effect, MapRunId, MapRunUpdate, TaskId};
use store::{ExecutionKey, ExecutionRow, StoreError};

use super::executions::{Entry, Known, Phase, Reader, Resident, Then};
use super::{Answer, Node, Output, ReplyId, copy_of};
use crate::children::ChildResult;
use crate::definitions::LoadError;
use crate::limits;
use crate::load::{self, Loaded, OpenExecution};
use crate::records::ParentRecord;
use crate::timers::Alarm;
use crate::{RuntimeError, Started};

/// A request that names an execution by its ARN.
pub(super) enum ByArn {
    Stop {
        reply: ReplyId,
        error: Option<Box<str>>,
        cause: Option<Box<str>>,
    },
    Redrive {
        reply: ReplyId,
        client_token: Option<Box<str>>,
    },
    WaitForEnd(ReplyId),
    StartAgain {
        reply: ReplyId,
        input: asl::Payload,
        parent: Option<Arc<ParentRecord>>,
    },
    UpdateMapRun {
        reply: ReplyId,
        map_run: MapRunId,
        update: MapRunUpdate,
    },
    /// The call of a task has ended and waits for the execution.
    Await {
        place: (ExecutionKey, TaskId),
        result: ChildResult,
    },
}

impl ByArn {
    fn reply(&self) -> Option<ReplyId> {
        match self {
            ByArn::Stop { reply, .. }
            | ByArn::Redrive { reply, .. }
            | ByArn::WaitForEnd(reply)
            | ByArn::StartAgain { reply, .. }
            | ByArn::UpdateMapRun { reply, .. } => Some(*reply),
            ByArn::Await { .. } => None,
        }
    }
}

/// How far a node has read.
pub(super) struct Reading {
    waiting: VecDeque<ExecutionKey>,
    under_way: usize,
    /// Wake-ups up to here are in memory.
    horizon: i64,
    /// The end of the window being read.
    asked_until: Option<i64>,
    due_failures: u32,
    recovered_to: ExecutionKey,
    recovery: Recovery,
    recovery_failures: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Recovery {
    /// The next page can be asked for.
    Ready,
    Asked,
    Done,
}

impl Reading {
    pub(super) fn new(now: Timestamp) -> Reading {
        Reading {
            waiting: VecDeque::new(),
            under_way: 0,
            horizon: now.0,
            asked_until: None,
            due_failures: 0,
            recovered_to: ExecutionKey(0),
            recovery: Recovery::Ready,
            recovery_failures: 0,
        }
    }

    /// Up to which moment wake-ups must be kept in memory.
    pub(super) fn horizon(&self) -> i64 {
        self.asked_until.map_or(self.horizon, |until| until.max(self.horizon))
    }
}

impl Node {
    /// Takes a request that names an execution by its ARN to that execution.
    pub(super) fn by_arn(&mut self, arn: &str, request: ByArn) {
        if let Some(key) = self.executions.key_of(arn) {
            return self.by_key(key, request);
        }
        if let Some(waiting) = self.awaiting_arn.get_mut(arn) {
            return waiting.push(request);
        }
        self.awaiting_arn.insert(arn.into(), vec![request]);
        self.outputs.push_back(Output::Resolve(arn.into()));
    }

    fn by_key(&mut self, key: ExecutionKey, request: ByArn) {
        if let Some(why) = self.quarantine.get(&key) {
            let error = StoreError::Failed(why.clone());
            // A task waits for the next start, as the execution does.
            if let Some(reply) = request.reply() {
                self.reply(reply, Err(error.into()));
            }
            return;
        }
        match request {
            ByArn::Stop { reply, error, cause } => {
                let command = engine::Command::Stop { error, cause };
                self.command(key, Entry { command, then: Then::Stop(reply) });
            }
            ByArn::Redrive { reply, client_token } => {
                self.command(key, Node::redrive_entry(reply, client_token));
            }
            ByArn::WaitForEnd(reply) => {
                self.awaiting_end.entry(key).or_default().push(reply);
                self.visit(key);
            }
            ByArn::StartAgain { reply, input, parent } => {
                self.read(key, Reader::StartAgain { reply, input, parent });
            }
            ByArn::UpdateMapRun { reply, map_run, update } => {
                let command = engine::Command::UpdateMapRun { map_run, update };
                self.command(key, Entry { command, then: Then::Update(reply) });
            }
            ByArn::Await { place, result } => self.park(key, place, result),
        }
    }

    pub(super) fn resolved(&mut self, arn: &str, result: Result<Option<ExecutionRow>, StoreError>) {
        let Some(requests) = self.awaiting_arn.remove(arn) else {
            return;
        };
        // It may have come into memory meanwhile.
        let in_memory = self.executions.key_of(arn);
        for request in requests {
            match (&result, in_memory) {
                (_, Some(key)) => self.by_key(key, request),
                (Ok(Some(row)), None) if row.state.status != 0 => self.by_ended_row(row, request),
                (Ok(Some(row)), None) => self.by_key(row.key, request),
                (Ok(None), None) => {
                    let is_full = self.open.of(arn) >= self.options.quotas.open_executions;
                    let error = match request {
                        ByArn::StartAgain { .. } if is_full => {
                            RuntimeError::ExecutionLimitExceeded(arn.to_owned())
                        }
                        _ => RuntimeError::ExecutionDoesNotExist(arn.to_owned()),
                    };
                    match request {
                        ByArn::Await { place, .. } => self.child_lost(place, &error),
                        other => self.reply_all(other.reply(), Err(error)),
                    }
                }
                (Err(error), None) => match request {
                    ByArn::Await { place, result } => self.ask_again(place, arn, result, error),
                    other => self.reply_all(other.reply(), Err(copy_of(error).into())),
                },
            }
        }
    }

    fn reply_all(
        &mut self,
        replies: impl IntoIterator<Item = ReplyId>,
        answer: Result<Answer, RuntimeError>,
    ) {
        if let Some(reply) = replies.into_iter().next() {
            self.reply(reply, answer);
        }
    }

    /// Answers a request about an execution that is over.
    fn by_ended_row(&mut self, row: &ExecutionRow, request: ByArn) {
        let reply = request.reply();
        let answer = match request {
            ByArn::Await { place, result } => {
                return self.describe_child(place, &row.new.arn, result);
            }
            ByArn::Stop { .. } => {
                Ok(Answer::Stopped(Timestamp(row.state.stop_date.unwrap_or(row.new.start_date))))
            }
            ByArn::Redrive { reply, client_token } => {
                return self.reopen(row.key, Node::redrive_entry(reply, client_token));
            }
            ByArn::WaitForEnd(_) => Ok(Answer::Ended),
            ByArn::UpdateMapRun { .. } => Err(RuntimeError::MapRunCompleted),
            ByArn::StartAgain { parent, .. } => {
                same_ended_start(row, parent.as_deref()).map(Answer::Started)
            }
        };
        self.reply_all(reply, answer);
    }

    /// Has an execution read if it is not in memory. False if it must be left alone.
    pub(super) fn ensure(&mut self, key: ExecutionKey) -> bool {
        if self.executions.get(key).is_some() {
            return true;
        }
        if self.quarantine.contains_key(&key) {
            return false;
        }
        self.executions.insert(key, Resident::loading());
        self.load(key);
        true
    }

    /// Asks for an execution to be read, once its turn comes.
    pub(super) fn load(&mut self, key: ExecutionKey) {
        self.reading.waiting.push_back(key);
        self.load_more();
    }

    fn load_more(&mut self) {
        while self.reading.under_way < limits::LOADS_MAX
            && let Some(key) = self.reading.waiting.pop_front()
        {
            self.reading.under_way += 1;
            let is_over = self.executions.get(key).is_some_and(Resident::is_to_be_redriven);
            self.outputs.push_back(if is_over { Output::Reopen(key) } else { Output::Load(key) });
        }
    }

    pub(super) fn loaded(
        &mut self,
        key: ExecutionKey,
        result: Result<Option<Box<Loaded>>, LoadError>,
    ) {
        self.reading.under_way = self.reading.under_way.saturating_sub(1);
        self.load_more();
        if self.reading.waiting.len() < limits::RECOVERY_PAGE / 2 {
            self.list_recovery();
        }
        let is_awaited =
            self.executions.get(key).is_some_and(|held| matches!(held.phase, Phase::Loading));
        if !is_awaited {
            return;
        }
        match result {
            Ok(Some(loaded)) => self.adopt(key, *loaded),
            Ok(None) => self.vanished(key),
            Err(LoadError::Store(error)) => self.load_failed(key, &error),
            Err(LoadError::Damaged(why)) => self.isolate(key, why),
        }
    }

    /// Takes an execution as the store has it.
    pub(super) fn adopt(&mut self, key: ExecutionKey, loaded: Loaded) {
        let Loaded { row, open } = loaded;
        let Some(open) = open else {
            return self.adopt_ended(key, &row);
        };
        let OpenExecution { execution, definition, header, effects } = open;
        let logging = header.configurations.logging.clone().map(Arc::new);
        let parent = header.parent.clone();
        let identity = Arc::clone(&execution.identity);
        let is_child = parent.is_some() && execution.redrive_count() == 0;
        let parent = parent.map(Arc::new);
        self.executions.know(key, Known { identity, definition, header, logging, parent });
        if let Some(resident) = self.executions.get_mut(key) {
            resident.turns = row.turns;
            resident.load_failures = 0;
            resident.phase = Phase::Idle(execution);
        }
        let is_new = |node: &Node, effect: &Effect| match effect {
            Effect::RunTask(dispatch) => !node.calls.contains(&(key, dispatch.task)),
            Effect::OfferActivity(offer) => !node.activities.is_open(key, offer.task),
            Effect::CancelTask { .. }
            | Effect::CancelJob(_)
            | Effect::ReleaseJob { .. }
            // Known where they are taken care of.
            | Effect::StartChild(_)
            | Effect::ReadItems { .. }
            | Effect::WriteResults { .. }
            | Effect::StopChildren { .. } => true,
        };
        for effect in effects {
            // What this process does already was not left behind by another.
            if is_new(self, &effect) {
                self.perform(key, effect);
            }
        }
        if is_child {
            self.look_for_parent(key);
        }
        self.check_child(key);
        self.settle(key);
    }

    fn adopt_ended(&mut self, key: ExecutionKey, row: &ExecutionRow) {
        if let Some(resident) = self.executions.get_mut(key)
            && resident.is_to_be_redriven()
        {
            resident.phase = Phase::Loading;
            return self.load(key);
        }
        let Some(resident) = self.executions.remove(key) else {
            return;
        };
        self.timers.wake_exactly(key, None);
        if let Ok((_, header)) = load::identity(row)
            && let Some(link) = &header.map_run
        {
            self.child_ended_in_store(&row.new.arn, link);
        }
        let stop_date = Timestamp(row.state.stop_date.unwrap_or(row.new.start_date));
        for reader in resident.readers {
            match reader {
                Reader::Describe(reply) | Reader::MapRuns(reply) => {
                    self.reply(reply, Ok(Answer::Elsewhere));
                }
                Reader::MapRunChild { key, child } => self.child_checked(key, child, None),
                Reader::LostMapRunChild(_) => {}
                Reader::StartAgain { reply, parent, .. } => {
                    let answer = same_ended_start(row, parent.as_deref()).map(Answer::Started);
                    self.reply(reply, answer);
                }
                Reader::HandOver { poll, task, .. } => self.not_handed_over(key, poll, task),
            }
        }
        for entry in resident.queue {
            self.answer_too_late(key, entry, stop_date);
        }
        self.child_found_ended(key, &row.new.arn);
        self.end_of(key, &row.new.state_machine_arn);
    }

    /// There is no such execution: its start never became durable.
    pub(super) fn vanished(&mut self, key: ExecutionKey) {
        let Some(resident) = self.executions.remove(key) else {
            return;
        };
        self.timers.wake_exactly(key, None);
        self.child_vanished(key);
        let nothing = || RuntimeError::ExecutionDoesNotExist(String::new());
        for reader in resident.readers {
            match reader {
                Reader::Describe(reply)
                | Reader::MapRuns(reply)
                | Reader::StartAgain { reply, .. } => self.reply(reply, Err(nothing())),
                Reader::MapRunChild { key, child } => self.child_checked(key, child, None),
                Reader::LostMapRunChild(_) => {}
                Reader::HandOver { poll, task, .. } => self.not_handed_over(key, poll, task),
            }
        }
        for entry in resident.queue {
            match entry.then {
                Then::Stop(reply) | Then::Update(reply) | Then::Redrive { reply, .. } => {
                    self.reply(reply, Err(nothing()));
                }
                Then::Token(reply) => self.reply(reply, Err(RuntimeError::TaskDoesNotExist)),
                Then::Activity { poll, task, .. } => self.not_handed_over(key, poll, task),
                Then::Return(task) => {
                    self.calls.remove(&(key, task));
                }
                Then::RedriveChild { child, arn } => self.child_to_redrive_vanished(child, arn),
                Then::Submit(_) | Then::Nothing => {}
            }
        }
        for reply in self.awaiting_end.remove(&key).unwrap_or_default() {
            self.reply(reply, Err(nothing()));
        }
    }

    /// Callers get the error; what has no caller waits and is tried again.
    fn load_failed(&mut self, key: ExecutionKey, error: &StoreError) {
        self.refuse_callers(key, error);
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        resident.phase = Phase::Unread;
        resident.load_failures += 1;
        let failures = resident.load_failures;
        let at = self.retry_moment(failures);
        self.timers.wake_by(key, at);
    }

    /// Leaves an execution alone until the next start, because it cannot go on.
    pub(super) fn isolate(&mut self, key: ExecutionKey, why: String) {
        tracing::error!(execution = key.0, why, "an execution is left alone until the next start");
        let error = StoreError::Failed(why.clone());
        self.quarantine.insert(key, why);
        self.refuse_callers(key, &error);
        self.timers.wake_exactly(key, None);
        let Some(resident) = self.executions.remove(key) else {
            return;
        };
        for reply in self.awaiting_end.remove(&key).unwrap_or_default() {
            self.reply(reply, Err(copy_of(&error).into()));
        }
        for reader in resident.readers {
            if let Reader::HandOver { poll, task, .. } = reader {
                self.not_handed_over(key, poll, task);
            }
        }
        for entry in resident.queue {
            if let Then::Activity { poll, task, .. } = entry.then {
                self.not_handed_over(key, poll, task);
            }
        }
    }

    /// Answers everybody who can be told that it did not work.
    pub(super) fn refuse_callers(&mut self, key: ExecutionKey, error: &StoreError) {
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        let mut replies = Vec::new();
        let mut without_caller = Vec::new();
        for reader in std::mem::take(&mut resident.readers) {
            match reader {
                Reader::Describe(reply)
                | Reader::MapRuns(reply)
                | Reader::StartAgain { reply, .. } => replies.push(reply),
                reader @ (Reader::HandOver { .. }
                | Reader::MapRunChild { .. }
                | Reader::LostMapRunChild(_)) => {
                    without_caller.push(reader);
                }
            }
        }
        resident.readers = without_caller;
        resident.queue.retain(|entry| match entry.then.caller() {
            Some(reply) => {
                replies.push(reply);
                false
            }
            None => true,
        });
        for reply in replies {
            self.reply(reply, Err(copy_of(error).into()));
        }
    }

    /// Reads the next window of wake-ups.
    pub(super) fn list_due(&mut self) {
        if self.reading.asked_until.is_none() {
            let window = i64::try_from(self.options.wake_window.as_millis()).unwrap_or(i64::MAX);
            let until = self.now.0.saturating_add(window.max(limits::DUE_WINDOW_MS));
            self.reading.asked_until = Some(until);
            self.outputs.push_back(Output::ListDue { until, limit: limits::DUE_PAGE });
        }
    }

    pub(super) fn due_listed(
        &mut self,
        until: i64,
        result: Result<Vec<(ExecutionKey, i64)>, StoreError>,
    ) {
        self.reading.asked_until = None;
        let due = match result {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "the wake-ups could not be read and are tried again");
                self.reading.due_failures += 1;
                let at = self.retry_moment(self.reading.due_failures);
                return self.timers.set(at, Alarm::ListDue);
            }
        };
        self.reading.due_failures = 0;
        let last = due.last().map(|(_, at)| *at);
        let is_full = due.len() >= limits::DUE_PAGE;
        for (key, at) in due {
            self.timers.wake_by(key, at);
        }
        let next = match last {
            // There is more up to `until`: go on when these have had their turn.
            Some(last) if is_full => {
                self.reading.horizon = self.reading.horizon.max(last - 1);
                last.max(self.now.0.saturating_add(limits::DUE_PAGE_PAUSE_MS))
            }
            _ => {
                self.reading.horizon = until;
                until - limits::DUE_MARGIN_MS
            }
        };
        self.timers.set(next, Alarm::ListDue);
    }

    /// Whether everything that a former process left behind is taken up.
    pub(super) fn is_recovered(&self) -> bool {
        self.reading.recovery == Recovery::Done
            && self.reading.waiting.is_empty()
            && self.reading.under_way == 0
    }

    /// Asks for the next page of executions that a former process left behind.
    pub(super) fn list_recovery(&mut self) {
        if self.reading.recovery == Recovery::Ready {
            self.reading.recovery = Recovery::Asked;
            let after = self.reading.recovered_to;
            self.outputs.push_back(Output::ListRecovery { after, limit: limits::RECOVERY_PAGE });
        }
    }

    pub(super) fn recovery_listed(&mut self, result: Result<Vec<ExecutionKey>, StoreError>) {
        let keys = match result {
            Ok(keys) => keys,
            Err(error) => {
                tracing::warn!(%error, "the executions to take up could not be read, trying again");
                self.reading.recovery = Recovery::Ready;
                self.reading.recovery_failures += 1;
                let at = self.retry_moment(self.reading.recovery_failures);
                return self.timers.set(at, Alarm::Recovery);
            }
        };
        let is_last = keys.len() < limits::RECOVERY_PAGE;
        self.reading.recovery = if is_last { Recovery::Done } else { Recovery::Ready };
        if let Some(last) = keys.last() {
            self.reading.recovered_to = *last;
        }
        for key in keys {
            self.ensure(key);
        }
        if self.reading.waiting.len() < limits::RECOVERY_PAGE / 2 {
            self.list_recovery();
        }
    }

    /// The input of an activity task that was not kept with its offer.
    pub(super) fn offered_input(
        &self,
        key: ExecutionKey,
        resident: &Resident,
        task: engine::TaskId,
    ) -> Option<asl::Payload> {
        let (Phase::Idle(execution), Some(known)) = (&resident.phase, &resident.known) else {
            return None;
        };
        let effects =
            load::recovery_effects(execution, &known.definition, &self.surroundings, key, self.now);
        effects.ok()?.into_iter().find_map(|effect| match effect {
            Effect::OfferActivity(offer) if offer.task == task => Some(offer.input),
            _ => None,
        })
    }
}

/// What a start says of an execution that is over: a task that started it finds it again.
fn same_ended_start(
    row: &ExecutionRow,
    parent: Option<&ParentRecord>,
) -> Result<Started, RuntimeError> {
    let is_own = match parent {
        Some(parent) => load::parent(row)?.as_ref() == Some(parent),
        None => false,
    };
    if is_own {
        let start_date = Timestamp(row.new.start_date);
        return Ok(Started { execution_arn: row.new.arn.clone(), start_date });
    }
    Err(RuntimeError::ExecutionAlreadyExists(row.new.arn.to_string()))
}
