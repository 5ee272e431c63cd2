//! Turns: beginning one, taking it in, releasing what it holds once it is durable, and what
//! becomes of an execution afterwards.

use std::sync::Arc;

use asl::{Payload, Timestamp};
use engine::{Command, Effect, Execution, Refusal, Status, TaskDispatch, TaskId};
use store::{ExecutionKey, StoreError};

use super::executions::{Entry, Phase, Reader, Resident, Then, Turn};
use super::{Answer, Node, Output, ReplyId};
use crate::activities::Offer;
use crate::limits;
use crate::turn::{JournalPolicy, TurnDone, TurnJob};
use crate::{ChildExecutions, ParentTask, Progress, RuntimeError, Started, Submission, TaskCall};

impl Node {
    /// Adds a command to an execution's next turn.
    pub(super) fn command(&mut self, key: ExecutionKey, entry: Entry) {
        if !self.ensure(key) {
            return self.answer_isolated(key, entry);
        }
        let resident = self.executions.get_mut(key).expect("it is in memory now");
        if let Some(reply) = entry.then.caller()
            && resident.queue.len() >= limits::QUEUED_COMMANDS_MAX
        {
            return self.reply(
                reply,
                Err(RuntimeError::Overloaded("too many commands wait for the execution")),
            );
        }
        resident.queue.push_back(entry);
        self.visit(key);
    }

    /// Looks at an execution as soon as what is in memory of it is durable.
    pub(super) fn read(&mut self, key: ExecutionKey, reader: Reader) {
        if !self.ensure(key) {
            return self.refuse_reader(key, reader);
        }
        let resident = self.executions.get_mut(key).expect("it is in memory now");
        resident.readers.push(reader);
        self.visit(key);
    }

    /// Brings an execution on if it can be brought on now.
    pub(super) fn visit(&mut self, key: ExecutionKey) {
        if self.ensure(key) {
            self.settle(key);
        }
    }

    /// Its alarm rang.
    pub(super) fn wake(&mut self, key: ExecutionKey) {
        if !self.ensure(key) {
            return;
        }
        let resident = self.executions.get_mut(key).expect("it is in memory now");
        if matches!(resident.phase, Phase::Unread) {
            resident.phase = Phase::Loading;
            self.load(key);
        } else {
            self.settle(key);
        }
    }

    /// Decides what comes next for an execution that is as the store has it: nothing for any
    /// other one, its commit or reading will come here again.
    pub(super) fn settle(&mut self, key: ExecutionKey) {
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        let Phase::Idle(execution) = &resident.phase else {
            return;
        };
        let status = execution.status;
        for reader in std::mem::take(&mut resident.readers) {
            self.answer_reader(key, reader);
        }
        if status != Status::Running {
            return self.settle_ended(key);
        }
        let is_stopping = self.is_stopping();
        if !is_stopping {
            self.feed_map_runs(key);
        }
        let now = self.now.0;
        let Some(resident) = self.executions.get(key) else {
            return;
        };
        let has_own = !is_stopping && wants_turn(resident, now);
        if resident.queue.is_empty() && !has_own {
            self.rest(key);
        } else {
            self.begin_turn(key);
        }
    }

    /// Nothing happens to it for now: it is woken at its moment, and may leave memory.
    fn rest(&mut self, key: ExecutionKey) {
        let now = self.now.0;
        let Some(resident) = self.executions.get(key) else {
            return;
        };
        let Phase::Idle(execution) = &resident.phase else {
            return;
        };
        let wake = execution.next_wake().map(|moment| moment.0.max(resident.hold_until));
        let is_near = |at: i64| at <= self.reading.horizon() || !resident.is_journalled();
        let alarm = wake.filter(|at| is_near(*at));
        let only_waits = (!execution.needs_recovery() || self.is_parked(key, execution))
            && wake.is_some_and(|at| at > now.saturating_add(limits::EVICT_WAIT_MS));
        let is_journalled = resident.is_journalled();
        // What is in memory only in order to wait leaves it at once.
        if is_journalled && only_waits && !self.is_stopping() {
            self.timers.wake_exactly(key, alarm);
            self.executions.remove(key);
            return;
        }
        if let Some(at) = alarm {
            self.timers.wake_by(key, at);
        }
        if is_journalled {
            self.executions.mark_idle(key);
            self.evict_surplus();
        }
    }

    /// Lets those leave memory that have been idle the longest.
    fn evict_surplus(&mut self) {
        let count_max = self.options.resident_executions_max;
        while let Some(key) = self.executions.surplus(count_max, limits::RESIDENT_BYTES_MAX) {
            let Some(resident) = self.executions.remove(key) else {
                return;
            };
            let Phase::Idle(execution) = &resident.phase else {
                continue;
            };
            let wake = execution.next_wake().filter(|_| execution.status == Status::Running);
            let alarm = wake.map(|moment| moment.0).filter(|at| *at <= self.reading.horizon());
            self.timers.wake_exactly(key, alarm);
        }
    }

    /// Gives an execution its turn.
    pub(super) fn begin_turn(&mut self, key: ExecutionKey) {
        self.fill_inputs(key);
        self.executions.mark_busy(key);
        let now = self.now;
        let seed = self.seeds.next_number();
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        let known = resident.known.clone().expect("what is idle is known");
        let length = resident.turn_length();
        let entries: Vec<Entry> = resident.queue.drain(..length).collect();
        let is_first = resident.turns == 0;
        let mut own = Vec::new();
        let mut started_with = None;
        if let Some(text) = resident.panic.clone() {
            own.push(TurnJob::failure_of_panic(&text));
            started_with = resident.input.clone();
        } else if is_first {
            let input =
                resident.input.clone().expect("the input is kept until the start is durable");
            own.push(Command::Start { input });
        } else if let Phase::Idle(execution) = &resident.phase {
            if execution.next_wake().is_some_and(|moment| moment <= now) {
                own.push(Command::WakeUp);
            }
            if execution.wants_to_continue() {
                own.push(Command::Continue);
            }
            let is_transition = !own.is_empty() || entries.iter().any(moves_on);
            if is_transition && self.registry.is_deleting(&known.identity.state_machine_arn) {
                own.clear();
                own.push(Command::Stop { error: None, cause: None });
            }
        }
        let mut commands = own;
        let own = commands.len();
        commands.extend(entries.iter().map(|entry| entry.command.clone()));
        let journal = match &resident.first {
            _ if resident.sync.is_some() => JournalPolicy::None,
            Some(_) => JournalPolicy::Create { header: Arc::clone(&known.header) },
            None => JournalPolicy::Append,
        };
        let turns_before = resident.turns;
        let is_awaited = known.parent.as_ref().is_some_and(|parent| parent.awaited);
        let running = Phase::Running { entries, own };
        let Phase::Idle(execution) = std::mem::replace(&mut resident.phase, running) else {
            panic!("only an idle execution begins a turn");
        };
        self.outputs.push_back(Output::Run(Box::new(TurnJob {
            key,
            execution,
            definition: known.definition,
            commands,
            now,
            seed,
            surroundings: self.surroundings.clone(),
            turns_before,
            journal,
            started_with,
            is_watched: self.is_watched,
            keeps_status_changes: self.options.keeps_status_changes,
            is_awaited,
        })));
    }

    /// Finds the inputs of activity tasks that go to workers and were not kept in memory.
    fn fill_inputs(&mut self, key: ExecutionKey) {
        let Some(resident) = self.executions.get(key) else {
            return;
        };
        let mut found = Vec::new();
        for (at, entry) in resident.queue.iter().enumerate() {
            if let Then::Activity { task, input: None, .. } = entry.then {
                found.push((at, self.offered_input(key, resident, task)));
            }
        }
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        for (at, read) in found {
            if let Then::Activity { input, .. } = &mut resident.queue[at].then {
                *input = read;
            }
        }
    }

    /// A turn has run: now it must become durable.
    pub(super) fn ran(&mut self, done: TurnDone) {
        let TurnDone { key, result } = done;
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        let Phase::Running { entries, own } =
            std::mem::replace(&mut resident.phase, Phase::Loading)
        else {
            panic!("a turn comes back to the execution that runs it");
        };
        let result = match result {
            Ok(result) => result,
            Err(text) => return self.panicked(key, entries, text),
        };
        let turn = Turn {
            entries,
            refusals: result.refusals.into_iter().skip(own).collect(),
            effects: result.effects,
            events: result.events,
            branches: result.branches,
            has_events: result.has_events,
            opened: result.opened,
        };
        if let Some(write) = result.write {
            resident.phase = Phase::Committing { execution: result.execution, turn };
            return self.keep_turn(key, write, result.records);
        }
        let machine_arn = result.execution.identity.state_machine_arn.clone();
        resident.phase = Phase::Idle(result.execution);
        if !resident.is_journalled() {
            resident.turns += 1;
        }
        self.used(&machine_arn, result.usage.unwrap_or_default());
        self.release(key, turn);
        self.settle(key);
    }

    /// A step panicked. The execution is read again and failed; if that panics too it is left
    /// alone.
    fn panicked(&mut self, key: ExecutionKey, entries: Vec<Entry>, text: String) {
        tracing::error!(execution = key.0, panic = text, "a step of an execution panicked");
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        for entry in entries.into_iter().rev() {
            resident.queue.push_front(entry);
        }
        if resident.panic.is_some() {
            let starter = resident.first.take().and_then(|first| first.starter);
            let waiting = starter.map(|starter| starter.reply).into_iter().chain(resident.sync);
            let why = format!("the execution could not be failed after an internal error: {text}");
            let waiting: Vec<ReplyId> = waiting.collect();
            for reply in waiting {
                self.reply(reply, Err(StoreError::Failed(why.clone()).into()));
            }
            return self.isolate(key, why);
        }
        resident.panic = Some(text);
        if resident.input.is_some() {
            // Nothing of it is kept: it begins again, to fail at once.
            self.cancel_calls(key);
            let Some(resident) = self.executions.get_mut(key) else {
                return;
            };
            let known = resident.known.clone().expect("what has run is known");
            resident.turns = 0;
            resident.phase = Phase::Idle(Box::new(Execution::new(known.identity)));
            self.begin_turn(key);
        } else {
            self.load(key);
        }
    }

    /// Stops all calls of an execution that has forgotten them.
    fn cancel_calls(&mut self, key: ExecutionKey) {
        let mut tasks: Vec<_> =
            self.calls.iter().filter(|(held, _)| *held == key).map(|(_, task)| *task).collect();
        tasks.sort_unstable();
        for task in tasks {
            self.calls.remove(&(key, task));
            self.outputs.push_back(Output::CancelCall { key, task });
        }
    }

    /// The commit of a turn is done.
    pub(super) fn turn_committed(&mut self, key: ExecutionKey) {
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        let Phase::Committing { execution, turn } =
            std::mem::replace(&mut resident.phase, Phase::Loading)
        else {
            panic!("a commit comes back to the execution whose turn it holds");
        };
        match turn.opened {
            1 => self.open.add(&execution.identity.arn, 1),
            -1 => self.open.close(&execution.identity.arn),
            _ => {}
        }
        resident.phase = Phase::Idle(execution);
        resident.turns += 1;
        resident.input = None;
        resident.panic = None;
        self.release(key, turn);
        self.settle(key);
    }

    /// Lets out what a turn holds: it is durable.
    fn release(&mut self, key: ExecutionKey, turn: Turn) {
        let Turn { entries, refusals, effects, events, branches, has_events, .. } = turn;
        if entries.is_empty() && !has_events {
            let pause = limits::FUTILE_WAKE_PAUSE_MS;
            let hold_until = self.now.0.saturating_add(pause);
            if let Some(resident) = self.executions.get_mut(key) {
                resident.hold_until = hold_until;
            }
        }
        self.tend_items(key);
        for effect in effects {
            self.perform(key, effect);
        }
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        let Phase::Idle(execution) = &resident.phase else {
            return;
        };
        let stop_date = execution.stop_date();
        let status = execution.status;
        let start_date = execution.start_date();
        let redrive_count = execution.redrive_count();
        let known = resident.known.clone().expect("what has run is known");
        if let Some(first) = resident.first.take()
            && let Some(starter) = first.starter
        {
            let execution_arn = known.identity.arn.clone();
            let started = Started { execution_arn, start_date };
            self.reply(starter.reply, Ok(Answer::Started(started)));
        }
        if let Some(events) = events
            && has_events
        {
            self.outputs.push_back(Output::Publish(Progress {
                identity: Arc::clone(&known.identity),
                program: Arc::clone(&known.definition.program),
                events,
                branches: Arc::new(branches),
                status,
                start_date,
                redrive_count,
                logging: known.logging,
                trace_header: known.header.trace_header.as_deref().map(Into::into),
                parent: known.header.parent.as_ref().map(|parent| ParentTask {
                    execution_arn: parent.execution.clone(),
                    task: TaskId(parent.task),
                }),
            }));
        }
        for (entry, refusal) in entries.into_iter().zip(refusals) {
            self.answer_entry(key, entry, refusal, stop_date);
        }
    }

    /// Does what an execution wants done outside.
    pub(super) fn perform(&mut self, key: ExecutionKey, effect: Effect) {
        if self.perform_mocked(key, &effect) {
            if let Effect::CancelJob(dispatch) = &effect {
                self.job_cancelled(key, dispatch.task);
            }
            return;
        }
        match effect {
            Effect::RunTask(dispatch) => {
                let Some(call) = self.call_of(key, *dispatch) else {
                    return;
                };
                self.calls.insert((key, call.dispatch.task));
                self.outputs.push_back(Output::Dispatch { key, call: Box::new(call) });
            }
            Effect::OfferActivity(offer) => {
                let input = Some(offer.input);
                let offered = Offer { key, task: offer.task, input, is_started: false };
                self.activities.offer(&offer.activity_arn, offered);
            }
            Effect::CancelTask { task } => {
                if self.calls.remove(&(key, task)) {
                    self.outputs.push_back(Output::CancelCall { key, task });
                }
                self.activities.close(key, task);
            }
            Effect::ReleaseJob { task } => {
                if !self.leave_child_of((key, task)) && self.calls.remove(&(key, task)) {
                    self.outputs.push_back(Output::CancelCall { key, task });
                }
            }
            Effect::ReadItems { .. }
            | Effect::WriteResults { .. }
            | Effect::StartChild(_)
            | Effect::StopChildren { .. } => self.perform_for_map_run(key, effect),
            Effect::CancelJob(dispatch) => {
                if self.stop_child_of((key, dispatch.task)) {
                    return;
                }
                let Some(call) = self.call_of(key, *dispatch) else {
                    return;
                };
                self.calls.remove(&(key, call.dispatch.task));
                self.outputs.push_back(Output::CancelJob { key, call: Box::new(call) });
            }
        }
    }

    /// The call of a task of an execution in memory.
    fn call_of(&self, key: ExecutionKey, dispatch: TaskDispatch) -> Option<TaskCall> {
        let known = self.executions.get(key)?.known.as_ref()?;
        Some(TaskCall {
            execution_arn: known.identity.arn.clone(),
            region: known.identity.region.clone(),
            role_arn: known.identity.role_arn.clone(),
            dispatch,
            submission: Submission::unrecorded(),
            inspector: None,
            executions: ChildExecutions::default(),
        })
    }

    /// Answers who waited for a command of a durable turn.
    fn answer_entry(
        &mut self,
        key: ExecutionKey,
        entry: Entry,
        refusal: Option<Refusal>,
        stop_date: Option<Timestamp>,
    ) {
        match entry.then {
            Then::Update(reply) => {
                let answer = match refusal {
                    None => Ok(Answer::Done),
                    Some(_) => Err(RuntimeError::MapRunCompleted),
                };
                self.reply(reply, answer);
            }
            Then::Stop(reply) => {
                let stopped = stop_date.expect("an execution that was stopped is over");
                self.reply(reply, Ok(Answer::Stopped(stopped)));
            }
            Then::Redrive { reply, client_token } => {
                self.answer_redrive(key, reply, client_token.as_deref(), refusal);
            }
            Then::RedriveChild { child, .. } => self.child_redriven(key, child, refusal),
            Then::Token(reply) => {
                let answer = match refusal {
                    None => Ok(Answer::Done),
                    Some(Refusal::TaskOver) => Err(RuntimeError::TaskTimedOut),
                    Some(Refusal::ExecutionOver | Refusal::NotRedrivable(_)) => {
                        Err(RuntimeError::TaskDoesNotExist)
                    }
                };
                self.reply(reply, answer);
            }
            Then::Activity { poll, task, input } => match (refusal, input) {
                (None, Some(input)) => self.hand_over(key, poll, task, input),
                _ => self.not_handed_over(key, poll, task),
            },
            Then::Submit(task) => {
                if refusal.is_none() {
                    self.outputs.push_back(Output::SubmissionRecorded { key, task });
                }
            }
            Then::Return(task) => {
                self.calls.remove(&(key, task));
            }
            Then::Nothing => {}
        }
    }

    /// Answers a command that came when the execution was over.
    pub(super) fn answer_too_late(
        &mut self,
        key: ExecutionKey,
        entry: Entry,
        stop_date: Timestamp,
    ) {
        match entry.then {
            Then::Stop(reply) => self.reply(reply, Ok(Answer::Stopped(stop_date))),
            Then::Update(reply) => self.reply(reply, Err(RuntimeError::MapRunCompleted)),
            Then::Token(reply) => self.reply(reply, Err(RuntimeError::TaskDoesNotExist)),
            Then::Redrive { .. } | Then::RedriveChild { .. } => {
                unreachable!("a redrive never comes too late")
            }
            Then::Activity { poll, task, .. } => self.not_handed_over(key, poll, task),
            Then::Return(task) => {
                self.calls.remove(&(key, task));
            }
            Then::Submit(_) | Then::Nothing => {}
        }
    }

    fn answer_isolated(&mut self, key: ExecutionKey, entry: Entry) {
        let why = self.quarantine.get(&key).cloned().unwrap_or_default();
        match entry.then {
            Then::Stop(reply)
            | Then::Token(reply)
            | Then::Update(reply)
            | Then::Redrive { reply, .. } => {
                self.reply(reply, Err(StoreError::Failed(why).into()));
            }
            Then::Activity { poll, task, .. } => self.not_handed_over(key, poll, task),
            Then::Return(task) => {
                self.calls.remove(&(key, task));
            }
            Then::RedriveChild { .. } | Then::Submit(_) | Then::Nothing => {}
        }
    }

    fn refuse_reader(&mut self, key: ExecutionKey, reader: Reader) {
        let why = self.quarantine.get(&key).cloned().unwrap_or_default();
        match reader {
            Reader::Describe(reply) | Reader::MapRuns(reply) => {
                self.reply(reply, Ok(Answer::Elsewhere));
            }
            // Whether it is still waited for cannot be told: it goes on.
            Reader::MapRunChild { .. } | Reader::LostMapRunChild(_) => {}
            Reader::StartAgain { reply, .. } => {
                self.reply(reply, Err(StoreError::Failed(why).into()));
            }
            Reader::HandOver { poll, task, .. } => self.not_handed_over(key, poll, task),
        }
    }

    fn answer_reader(&mut self, key: ExecutionKey, reader: Reader) {
        let Some(resident) = self.executions.get(key) else {
            return;
        };
        let (Phase::Idle(execution), Some(known)) = (&resident.phase, &resident.known) else {
            return;
        };
        match reader {
            Reader::Describe(reply) => {
                let described = known.describe(execution);
                self.reply(reply, Ok(Answer::Described(Box::new(described))));
            }
            Reader::MapRuns(reply) => {
                let runs = execution.map_runs().cloned().collect();
                self.reply(reply, Ok(Answer::MapRuns(runs)));
            }
            Reader::MapRunChild { key: child_key, child } => {
                let run = execution.map_run(child.run);
                let run = run.filter(|run| run.is_running(child.index));
                self.child_checked(child_key, child, run.map(|run| run.redrive_count));
            }
            Reader::LostMapRunChild(child) => self.restart_child(child),
            Reader::StartAgain { reply, input, parent } => {
                let is_own = parent.is_some() && parent == known.parent;
                let answer = same_start(execution, &input, is_own);
                let is_running = execution.status == Status::Running;
                if let Some(parent) = parent.filter(|parent| parent.awaited)
                    && answer.is_ok()
                    && is_running
                    && self.calls.contains(&parent.place())
                {
                    self.children.link(key, parent.place());
                }
                self.reply(reply, answer);
            }
            Reader::HandOver { poll, task, input } => {
                let is_open = execution.task_state(task) == Some(engine::TaskState::Started);
                match input {
                    Some(input) if is_open => self.hand_over(key, poll, task, input),
                    _ => self.not_handed_over(key, poll, task),
                }
            }
        }
    }

    /// DescribeExecution.
    pub(super) fn describe(&mut self, reply: ReplyId, arn: &str) {
        match self.executions.key_of(arn) {
            Some(key) => self.read(key, Reader::Describe(reply)),
            None => self.reply(reply, Ok(Answer::Elsewhere)),
        }
    }

    /// An execution in memory is over, and that is durable.
    fn settle_ended(&mut self, key: ExecutionKey) {
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        let (Phase::Idle(execution), Some(known)) = (&resident.phase, &resident.known) else {
            return;
        };
        let stop_date = execution.stop_date().unwrap_or(execution.start_date());
        let machine_arn = known.identity.state_machine_arn.clone();
        let sync = resident.sync;
        let is_awaited = self.children.is_awaited(key);
        let described = (sync.is_some() || is_awaited).then(|| known.describe(execution));
        let redrive = resident.queue.iter().position(Entry::is_redrive);
        let late = redrive.unwrap_or(resident.queue.len());
        let late: Vec<Entry> = resident.queue.drain(..late).collect();
        for entry in late {
            self.answer_too_late(key, entry, stop_date);
        }
        self.timers.wake_exactly(key, None);
        if let Some(described) = described.as_ref().filter(|_| is_awaited) {
            self.child_ended(key, described);
        }
        self.map_run_child_ended(key);
        if redrive.is_some() {
            // It has ended all the same.
            self.end_of(key, &machine_arn);
            return self.begin_redrive(key);
        }
        if let Some((reply, described)) = sync.zip(described) {
            self.reply(reply, Ok(Answer::Described(Box::new(described))));
            self.executions.remove(key);
        } else {
            if let Some(Phase::Idle(execution)) =
                self.executions.get_mut(key).map(|held| &mut held.phase)
            {
                execution.forget_parsed();
            }
            self.executions.mark_idle(key);
            self.evict_surplus();
        }
        self.end_of(key, &machine_arn);
    }

    /// Tells everybody who waits for an execution's end.
    pub(super) fn end_of(&mut self, key: ExecutionKey, machine_arn: &str) {
        for reply in self.awaiting_end.remove(&key).unwrap_or_default() {
            self.reply(reply, Ok(Answer::Ended));
        }
        if self.registry.is_deleting(machine_arn) {
            self.count_open(machine_arn);
        }
    }
}

/// Whether an execution wants a turn without a command from outside.
fn wants_turn(resident: &Resident, now: i64) -> bool {
    let Phase::Idle(execution) = &resident.phase else {
        return false;
    };
    resident.panic.is_some()
        || execution.wants_to_continue()
        || (resident.hold_until <= now
            && execution.next_wake().is_some_and(|moment| moment.0 <= now))
}

/// Whether nothing of an execution is on its way to the store, or will be without being asked.
pub(super) fn is_quiet(resident: &Resident) -> bool {
    match resident.phase {
        Phase::Idle(_) => resident.queue.is_empty(),
        Phase::Loading | Phase::Unread => resident.queue.is_empty() && resident.readers.is_empty(),
        Phase::Running { .. } | Phase::Committing { .. } => false,
    }
}

/// Whether a command moves an execution on to other states.
fn moves_on(entry: &Entry) -> bool {
    matches!(
        entry.command,
        Command::ReturnTask { .. }
            | Command::SucceedTask { .. }
            | Command::FailTask { .. }
            | Command::EndChild { .. }
    )
}

/// What StartExecution says about a name that is taken: as on AWS, the same start while the
/// execution runs. A task that started it finds it again, whatever became of it.
fn same_start(
    execution: &Execution,
    input: &Payload,
    is_own: bool,
) -> Result<Answer, RuntimeError> {
    let execution_arn = execution.identity.arn.clone();
    if is_own || (execution.status == Status::Running && execution.input() == input) {
        let start_date = execution.start_date();
        return Ok(Answer::Started(Started { execution_arn, start_date }));
    }
    Err(RuntimeError::ExecutionAlreadyExists(execution_arn.into()))
}
