//! The dispatch of commands, and the loop that runs an execution until it waits.

use asl::{Program, StateIndex, Timestamp};

use crate::frame::{At, Phase};
use crate::turn::{Flow, Over, Turn};
use crate::{
    Branch, Command, Effect, Event, EventKind, Execution, FrameId, NotRedrivable, Stamp, Status,
    limits,
};

/// What came of a command.
#[derive(Debug, Default)]
pub struct Decision {
    /// Already applied to the execution; to be made durable before anything else happens.
    pub events: Vec<Event>,
    /// To be done once the events are durable.
    pub effects: Vec<Effect>,
    /// The ways that were taken, where a test case runs.
    pub branches: Vec<Branch>,
    /// Set when the command changed nothing because it came too late or never fitted.
    pub refused: Option<Refusal>,
}

/// Why a command changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The attempt is over: timed out, retried, answered already.
    TaskOver,
    /// The execution is over.
    ExecutionOver,
    /// It cannot be redriven.
    NotRedrivable(NotRedrivable),
}

/// Decides what happens on a command, and applies it. The execution runs until every frame
/// waits or ends, or a bound on states per turn is reached.
///
/// If the events cannot be made durable the execution must be dropped and folded again.
pub fn step(
    program: &Program,
    execution: &mut Execution,
    command: Command,
    stamp: Stamp<'_>,
) -> Decision {
    let is_redrive = matches!(command, Command::Redrive { .. } | Command::RedriveChild { .. });
    if execution.status != Status::Running && !is_redrive {
        return Decision { refused: Some(Refusal::ExecutionOver), ..Decision::default() };
    }
    let mut turn = Turn::new(program, execution, stamp);
    let continues = matches!(command, Command::Continue);
    let refused = match turn.obey(command) {
        // A redrive that was refused leaves an execution that is over.
        Ok(refused) if turn.execution.status != Status::Running => refused,
        Ok(refused) => match turn.run(continues) {
            Ok(()) | Err(Over) => refused,
        },
        Err(Over) => None,
    };
    let Turn { events, effects, branches, .. } = turn;
    Decision { events, effects, branches, refused }
}

/// The effects that a process must perform for an execution it has just loaded: calls that
/// were under way, activity tasks that no worker had taken, children of Map Runs. Does not change the execution.
pub fn recover(program: &Program, execution: &Execution, stamp: Stamp<'_>) -> Vec<Effect> {
    let mut copy = execution.clone();
    let frames: Vec<FrameId> = execution.tasks.values().copied().collect();
    let maps: Vec<FrameId> = execution.frames.keys().copied().collect();
    let turn = Turn::new(program, &mut copy, stamp);
    let tasks = frames.into_iter().filter_map(|frame| turn.task_effect(frame, true));
    let children = maps.into_iter().flat_map(|frame| turn.child_effects(frame));
    tasks.chain(children).collect()
}

impl Turn<'_> {
    fn obey(&mut self, command: Command) -> Result<Option<Refusal>, Over> {
        match command {
            Command::Start { input } => self.start(input).map(|()| None),
            Command::Continue => Ok(None),
            Command::WakeUp => self.wake_up().map(|()| None),
            Command::StartActivity { task, worker_name } => self.start_activity(task, worker_name),
            Command::SubmitTask { task, output } => self.submit_task(task, output),
            Command::ReturnTask { task, result } => self.return_task(task, result),
            Command::SucceedTask { task, output } => self.answer_task(task, Ok(output)),
            Command::FailTask { task, failure } => self.answer_task(task, Err(failure)),
            Command::Heartbeat { task } => self.heartbeat(task),
            Command::EndChild { map_run, index, end } => self.end_child(map_run, index, &end),
            Command::RestartChild { map_run, index, items } => {
                self.restart_child(map_run, index, items.as_deref())
            }
            Command::KeepChild { map_run, index, end } => self.keep_child(map_run, index, &end),
            Command::RedriveChild { attempt } => self.redrive_child(attempt),
            Command::ItemsRead { map_run, result } => self.items_read(map_run, result),
            Command::ItemsFetched { map_run, first, items, is_end } => {
                self.items_fetched(map_run, first, &items, is_end)
            }
            Command::ResultsWritten { map_run, result } => self.results_written(map_run, result),
            Command::UpdateMapRun { map_run, update } => self.update_map_run(map_run, update),
            Command::Stop { error, cause } => {
                let kind = EventKind::ExecutionAborted { error, cause };
                Err(self.end_execution(0, self.stamp.now, kind))
            }
            Command::Redrive { client_token } => self.redrive(client_token),
            Command::Fail { error, cause } => {
                let kind = EventKind::ExecutionFailed { error: Some(error), cause: Some(cause) };
                Err(self.end_execution(self.execution.last_id, self.stamp.now, kind))
            }
        }
    }

    pub(crate) fn start(&mut self, input: asl::Payload) -> Flow {
        assert_eq!(self.execution.last_id, 0, "an execution starts once");
        let most = match self.execution.identity.express {
            true => limits::EXPRESS_SECONDS_MAX,
            false => limits::STANDARD_SECONDS_MAX,
        };
        // The machine's own time is not that of a Map Run's children.
        let own = self.program.timeout_seconds;
        let own = own.filter(|_| self.execution.identity.map_run.is_none());
        let seconds = own.map_or(most, |seconds| seconds.min(most));
        let deadline = self.stamp.now.plus_seconds(seconds);
        self.emit_after(0, EventKind::ExecutionStarted { input, deadline })?;
        Ok(())
    }

    fn wake_up(&mut self) -> Flow {
        let now = self.stamp.now;
        if let Some(deadline) = self.execution.deadline.filter(|deadline| *deadline <= now) {
            return Err(self.time_out(deadline));
        }
        self.time_out_tasks()?;
        let frames = self.execution.frames.iter();
        let mut due: Vec<(Timestamp, FrameId)> = frames
            .filter_map(|(id, frame)| Some((frame.due_at()?, *id)))
            .filter(|(at, _)| *at <= now)
            .collect();
        // A process that was away finds many at once: what was due first comes first.
        due.sort_unstable();
        for (_, frame) in due {
            // An earlier one may have cut this one off.
            let Some(current) = self.execution.frames.get(&frame).and_then(|frame| frame.current())
            else {
                continue;
            };
            match current.phase {
                Phase::Waiting { .. } => {
                    let outcome = self.wait_is_over(frame);
                    self.settle(frame, outcome)?;
                }
                Phase::Backoff { .. } => self.work(frame)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The machine's own time is up. It ends at its deadline, however late the wake-up comes.
    fn time_out(&mut self, deadline: Timestamp) -> Over {
        let kind = EventKind::ExecutionTimedOut {
            error: Some(crate::failure::TIMEOUT.into()),
            cause: None,
        };
        let last = self.execution.last_event_at();
        self.end_execution(0, deadline.max(last), kind)
    }

    /// Runs every frame that can go on, until all wait or the turn has passed enough states.
    /// Where the turn before stopped in the middle (`continues`), those that have waited longest
    /// come first: a branch that loops holds up no other.
    fn run(&mut self, continues: bool) -> Flow {
        loop {
            let mut ready: Vec<FrameId> = self
                .execution
                .frames
                .iter()
                .filter(|(_, frame)| self.execution.is_ready(frame))
                .map(|(id, _)| *id)
                .collect();
            if ready.is_empty() {
                return Ok(());
            }
            if continues {
                ready.sort_by_key(|frame| self.execution.frame(*frame).last_id);
            }
            for frame in ready {
                self.advance(frame)?;
                if self.is_long_enough() {
                    return Ok(());
                }
            }
        }
    }

    /// Takes one frame as far as it goes by itself.
    fn advance(&mut self, id: FrameId) -> Flow {
        loop {
            // The frame may have been cut off by what another one did.
            let frame = self.execution.frames.get(&id);
            let Some(frame) = frame.filter(|frame| self.execution.is_ready(frame)) else {
                return Ok(());
            };
            if self.is_long_enough() {
                return Ok(());
            }
            match &frame.at {
                At::Start { input } => {
                    let (state, input) = (self.first_state(id), input.clone());
                    self.enter(id, state, input)?;
                }
                At::Between { next, input } => {
                    let (state, input) = (*next, input.clone());
                    self.enter(id, state, input)?;
                }
                At::Ended { output } => {
                    let output = output.clone();
                    match frame.parent {
                        Some(container) => self.iteration_is_over(container, id)?,
                        None => {
                            let previous = frame.last_id;
                            let kind = EventKind::ExecutionSucceeded { output };
                            return Err(self.end_execution(previous, self.stamp.now, kind));
                        }
                    }
                }
                At::In(current) => match &current.phase {
                    Phase::Parallel { results, .. } => {
                        let results = results.clone();
                        let outcome = self.parallel_is_over(id, &results);
                        self.settle(id, outcome)?;
                    }
                    Phase::Map(progress) if progress.is_complete() => {
                        let results = progress.results.clone();
                        let outcome = self.map_is_over(id, &results);
                        self.settle(id, outcome)?;
                    }
                    Phase::Map(_) => return self.start_iterations(id),
                    Phase::MapRun(run) => {
                        let run = *run;
                        self.bring_map_run_on(id, run)?;
                    }
                    Phase::MapRunToRedrive(run) => {
                        let run = *run;
                        self.redrive_map_run(id, run)?;
                    }
                    _ => self.work(id)?,
                },
            }
        }
    }

    /// Whether the turn ends here, so that one execution does not hold up others.
    fn is_long_enough(&self) -> bool {
        self.states_passed >= limits::TRANSITIONS_PER_TURN
            || self.states_passed > 0 && self.stamp.world.is_late()
    }

    fn enter(&mut self, frame: FrameId, state: StateIndex, input: asl::Payload) -> Flow {
        self.states_passed += 1;
        // AWS's first StateEntered points at nothing, not at ExecutionStarted.
        self.emit(frame, EventKind::StateEntered { frame, state, input })?;
        self.work(frame)
    }

    /// The state that a frame begins with.
    fn first_state(&self, id: FrameId) -> StateIndex {
        let frame = self.execution.frame(id);
        let Some(container) = frame.parent else {
            let child = self.execution.identity.map_run.as_ref();
            let scope = child.map_or(asl::ScopeIndex(0), |child| child.processor);
            return self.program.scope(scope).start_at;
        };
        let scope = match &self.state(container).kind {
            asl::StateKind::Parallel { branches } => branches[frame.index as usize],
            asl::StateKind::Map(map) => map.processor,
            _ => unreachable!("only Parallel and Map have frames inside"),
        };
        self.program.scope(scope).start_at
    }
}
