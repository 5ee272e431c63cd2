//! An execution's state, and the only function that changes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use asl::{Payload, StateIndex, Timestamp, VariableMap};

use crate::frame::{At, Callback, Current, CutOff, Frame, MapItem, MapProgress, Phase, TaskPhase};
use crate::map_run::{MapRun, MapRunChild, MapRunId, MapRunStatus};
use crate::redrive::Redrives;
use crate::{DataUse, Event, EventKind, FrameId, TaskId};

/// What never changes about an execution and is decided when it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    pub arn: Box<str>,
    pub name: Box<str>,
    /// Without version or alias.
    pub state_machine_arn: Box<str>,
    pub state_machine_name: Box<str>,
    pub state_machine_version_arn: Option<Box<str>>,
    pub state_machine_alias_arn: Option<Box<str>>,
    pub role_arn: Box<str>,
    pub region: Box<str>,
    pub express: bool,
    /// The test case it runs: tasks that the case mocks are answered by mocks.
    pub test_case: Option<Box<str>>,
    /// Set where it is the child of a Map Run.
    pub map_run: Option<MapRunChild>,
}

/// The status of an execution, in AWS's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Aborted,
}

impl Status {
    /// `RUNNING`, `SUCCEEDED`, …
    pub fn name(self) -> &'static str {
        match self {
            Status::Running => "RUNNING",
            Status::Succeeded => "SUCCEEDED",
            Status::Failed => "FAILED",
            Status::TimedOut => "TIMED_OUT",
            Status::Aborted => "ABORTED",
        }
    }
}

/// How far an open task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// An activity task that no worker has taken.
    Offered,
    /// Its call is under way, or a worker has it.
    Started,
    /// Its call came back; only the token, or the end of its job, can end it.
    Submitted,
}

/// One execution. It is what its events say, nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    pub identity: Arc<Identity>,
    pub status: Status,
    pub(crate) frames: BTreeMap<FrameId, Frame>,
    /// Attempts that are not over, and the frames they are in.
    pub(crate) tasks: BTreeMap<TaskId, FrameId>,
    /// Every Map Run that was started.
    pub(crate) map_runs: BTreeMap<MapRunId, MapRun>,
    pub(crate) next_frame: u32,
    pub(crate) last_id: u32,
    pub(crate) deadline: Option<Timestamp>,
    /// Attempts so far, by state. Counted only where a test case runs.
    attempts: BTreeMap<StateIndex, u32>,
    started_at: Timestamp,
    stopped_at: Option<Timestamp>,
    input: Payload,
    output: Option<Payload>,
    pub(crate) error: Option<Box<str>>,
    cause: Option<Box<str>>,
    transitions: u64,
    last_event_at: Timestamp,
    pub(crate) redrives: Redrives,
    /// The redrive of its Map Run that it runs for; 0 where none had to come first.
    attempt: u32,
    data_use: DataUse,
    /// Whether its caller waits for it (StartSyncExecution).
    pub(crate) is_synchronous: bool,
}

impl Execution {
    /// One whose caller waits for it (StartSyncExecution).
    pub fn new_synchronous(identity: Arc<Identity>) -> Execution {
        Execution { is_synchronous: true, ..Execution::new(identity) }
    }

    /// An execution before its first event.
    pub fn new(identity: Arc<Identity>) -> Execution {
        Execution {
            identity,
            status: Status::Running,
            frames: BTreeMap::new(),
            tasks: BTreeMap::new(),
            map_runs: BTreeMap::new(),
            next_frame: 0,
            last_id: 0,
            deadline: None,
            attempts: BTreeMap::new(),
            started_at: Timestamp::default(),
            stopped_at: None,
            input: Payload::from_valid_text("{}"),
            output: None,
            error: None,
            cause: None,
            transitions: 0,
            last_event_at: Timestamp::default(),
            redrives: Redrives::default(),
            attempt: 0,
            data_use: DataUse::default(),
            is_synchronous: false,
        }
    }

    /// The next moment at which [`crate::Command::WakeUp`] would do something; none if the
    /// execution is over.
    pub fn next_wake(&self) -> Option<Timestamp> {
        if self.status != Status::Running {
            return None;
        }
        self.frames.values().filter_map(Frame::due_at).chain(self.deadline).min()
    }

    /// Whether the last turn stopped in the middle and wants [`crate::Command::Continue`] at once.
    pub fn wants_to_continue(&self) -> bool {
        self.status == Status::Running && self.frames.values().any(|frame| self.is_ready(frame))
    }

    /// Whether tasks are under way that a new process must take up ([`crate::recover`]), or a
    /// turn stopped in the middle.
    pub fn needs_recovery(&self) -> bool {
        self.status == Status::Running
            && (self.wants_to_continue()
                || self.map_runs.values().any(|run| run.status == MapRunStatus::Running)
                || self.tasks.values().any(|frame| {
                    self.frames[frame].task().is_some_and(TaskPhase::needs_this_process)
                }))
    }

    /// The attempts for which the process that runs them must do something.
    pub fn tasks_of_this_process(&self) -> impl Iterator<Item = TaskId> + '_ {
        let needs =
            |frame: &FrameId| self.frames[frame].task().is_some_and(TaskPhase::needs_this_process);
        self.tasks.iter().filter(move |(_, frame)| needs(frame)).map(|(task, _)| *task)
    }

    /// Whether a frame can go on without anything happening first.
    pub(crate) fn is_ready(&self, frame: &Frame) -> bool {
        match frame.map_run() {
            Some(id) => self.map_runs[&id].is_ready(),
            None => frame.is_ready(),
        }
    }

    /// Its Map Runs, in order of their start.
    pub fn map_runs(&self) -> impl DoubleEndedIterator<Item = &MapRun> {
        self.map_runs.values()
    }

    /// A Map Run.
    pub fn map_run(&self, id: MapRunId) -> Option<&MapRun> {
        self.map_runs.get(&id)
    }

    pub(crate) fn map_run_expected(&self, id: MapRunId) -> &MapRun {
        &self.map_runs[&id]
    }

    /// The frame whose state a Map Run that is not over belongs to.
    pub(crate) fn frame_of_map_run(&self, id: MapRunId) -> Option<FrameId> {
        let held = self.frames.iter().find(|(_, frame)| frame.map_run() == Some(id));
        held.map(|(frame, _)| *frame)
    }

    /// The state of an attempt; none if it is over or never was.
    pub fn task_state(&self, task: TaskId) -> Option<TaskState> {
        let phase = self.frames[self.tasks.get(&task)?].task()?;
        Some(match phase {
            TaskPhase { started: None, .. } => TaskState::Offered,
            TaskPhase { submitted: true, .. } => TaskState::Submitted,
            TaskPhase { .. } => TaskState::Started,
        })
    }

    /// The state that an open attempt belongs to, and the attempt's number among all attempts of
    /// that state in the execution, from 0. Only where a test case runs.
    pub fn attempt_of(&self, task: TaskId) -> Option<(StateIndex, u32)> {
        let current = self.frames[self.tasks.get(&task)?].current()?;
        match &current.phase {
            Phase::Task(phase) => Some((current.state, phase.attempt)),
            _ => None,
        }
    }

    /// The execution's input; `{}` before its first event.
    pub fn input(&self) -> &Payload {
        &self.input
    }

    /// The output, once it has succeeded.
    pub fn output(&self) -> Option<&Payload> {
        self.output.as_ref()
    }

    /// The error it ended with, if one was given. A machine that timed out shows none, as on AWS.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The cause it ended with, if one was given.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    pub fn start_date(&self) -> Timestamp {
        self.started_at
    }

    pub fn stop_date(&self) -> Option<Timestamp> {
        self.stopped_at
    }

    /// When the last event happened.
    pub fn last_event_at(&self) -> Timestamp {
        self.last_event_at
    }

    /// The number of history events so far.
    pub fn event_count(&self) -> u32 {
        self.last_id
    }

    /// State transitions so far, as AWS bills them: states entered plus retries.
    pub fn transitions(&self) -> u64 {
        self.transitions
    }

    /// Of the child of a Map Run: the redrive of the run that it runs for, or ran for last; 0
    /// before the first.
    pub fn attempt(&self) -> u32 {
        let first = self.identity.map_run.as_ref().map_or(0, |child| child.first_attempt);
        self.attempt.max(first)
    }

    /// How much data an Express execution has handled; nothing of a Standard one.
    pub fn data_use(&self) -> DataUse {
        self.data_use
    }

    /// Remembers a fact. The only function that changes an execution.
    ///
    /// # Panics
    /// If the event does not fit the execution: a journal of another execution, or a damaged one.
    pub fn apply(&mut self, event: &Event) {
        self.last_event_at = event.at;
        if event.id != 0 {
            assert_eq!(event.id, self.last_id + 1, "history events have dense ids");
            self.last_id = event.id;
        }
        if let Some(frame) = self.frame_of(&event.kind) {
            self.frame_mut(frame).last_id = match event.kind.advances_chain() {
                true => event.id,
                // What comes next points where this one points.
                false => event.previous,
            };
        }
        self.remember(event);
    }

    /// The frame whose chain the event belongs to.
    fn frame_of(&self, kind: &EventKind) -> Option<FrameId> {
        match kind {
            // These take their own place in the chain, see `MapProgress`.
            EventKind::IterationStarted { .. } | EventKind::IterationSucceeded { .. } => None,
            // Points at MapRunSucceeded, which nothing else does.
            EventKind::MapSucceeded { frame, .. }
                if matches!(self.current(*frame).phase, Phase::Over) =>
            {
                None
            }
            other => other.place().map(|(frame, _)| frame),
        }
    }

    fn remember(&mut self, event: &Event) {
        if self.identity.express {
            self.data_use.remember(&event.kind);
        }
        match &event.kind {
            EventKind::ExecutionStarted { input, deadline } => {
                self.started_at = event.at;
                self.deadline = Some(*deadline);
                self.input = input.clone();
                self.add_frame(Frame::new(None, 0, 0, input.clone()));
            }
            EventKind::ExecutionSucceeded { output } => {
                self.output = Some(output.clone());
                self.end(Status::Succeeded, event.at);
            }
            EventKind::ExecutionFailed { error, cause } => {
                (self.error, self.cause) = (error.clone(), cause.clone());
                self.end(Status::Failed, event.at);
            }
            EventKind::ExecutionAborted { error, cause } => {
                (self.error, self.cause) = (error.clone(), cause.clone());
                self.end(Status::Aborted, event.at);
            }
            EventKind::ExecutionTimedOut { .. } => self.end(Status::TimedOut, event.at),
            EventKind::ExecutionRedriven { .. } => {
                self.transitions += 1;
                self.remember_redrive(event);
            }
            EventKind::AttemptStarted { attempt } => {
                if self.identity.express {
                    let identity = Arc::clone(&self.identity);
                    *self = Execution { input: self.input.clone(), ..Execution::new(identity) };
                }
                self.attempt = *attempt;
            }
            EventKind::StateEntered { frame, state, input } => {
                self.transitions += 1;
                self.frame_mut(*frame).enter(event, *state, input.clone());
            }
            EventKind::StateExited { frame, output, assigned, next, .. } => {
                self.exit(*frame, output, assigned, *next);
            }
            EventKind::WaitScheduled { frame, until, .. } => {
                self.current_mut(*frame).phase = Phase::Waiting { until: *until };
            }
            EventKind::RetryScheduled { frame, retrier, until, .. } => {
                self.transitions += 1;
                self.remove_descendants(*frame);
                self.current_mut(*frame).schedule_retry(*retrier, *until);
            }
            EventKind::StateAborted { .. } | EventKind::EvaluationFailed { .. } => {}
            EventKind::ParallelStarted { frame, branches, input, .. } => {
                self.start_parallel(*frame, event.id, *branches, input);
            }
            EventKind::MapStarted { frame, items, length, max_concurrency, .. } => {
                let progress = MapProgress::new(items.clone(), *length, *max_concurrency, event.id);
                self.current_mut(*frame).phase = Phase::Map(progress);
            }
            EventKind::IterationStarted { frame, index, item, key, input, .. } => {
                let item = MapItem { index: *index, value: item.clone(), key: key.clone() };
                let child = Frame::iteration(*frame, *index, event.id, input.clone(), item);
                self.add_frame(child);
                self.map_mut(*frame).start_iteration();
            }
            EventKind::IterationSucceeded { frame, index, .. } => {
                self.end_iteration(*frame, *index, event.id);
            }
            EventKind::ParallelFailed { frame, .. } | EventKind::MapFailed { frame, .. } => {
                self.cut_off(*frame);
            }
            EventKind::IterationFailed { .. }
            | EventKind::IterationAborted { .. }
            | EventKind::ParallelSucceeded { .. }
            | EventKind::MapSucceeded { .. } => {}
            EventKind::DistributedMapStarted { .. }
            | EventKind::MapRunStarted { .. }
            | EventKind::MapRunSucceeded { .. }
            | EventKind::MapRunFailed { .. }
            | EventKind::MapRunAborted { .. }
            | EventKind::MapRunRedriven { .. }
            | EventKind::ChildrenRedriven { .. }
            | EventKind::ChildNotRedriven { .. }
            | EventKind::ItemsRead { .. }
            | EventKind::ChildrenStarted { .. }
            | EventKind::ChildEnded { .. }
            | EventKind::ResultsWritten { .. }
            | EventKind::MapRunUpdated { .. } => self.remember_map_run(event),
            EventKind::TaskScheduled { .. }
            | EventKind::TaskStarted { .. }
            | EventKind::TaskSubmitted { .. }
            | EventKind::JobSubmitted { .. }
            | EventKind::TaskSubmitFailed { .. }
            | EventKind::TaskSucceeded { .. }
            | EventKind::TaskFailed { .. }
            | EventKind::TaskTimedOut { .. }
            | EventKind::HeartbeatRecorded { .. }
            | EventKind::CallbackRecorded { .. } => self.remember_task(event),
        }
    }

    fn remember_task(&mut self, event: &Event) {
        match &event.kind {
            EventKind::TaskScheduled {
                frame,
                state,
                parameters,
                timeout_seconds,
                heartbeat_seconds,
                credentials,
            } => {
                let task = TaskId(event.id);
                let attempt = self.count_attempt(*state);
                self.tasks.insert(task, *frame);
                self.current_mut(*frame).phase = Phase::Task(TaskPhase {
                    task,
                    attempt,
                    parameters: parameters.clone(),
                    credentials: credentials.clone(),
                    timeout_seconds: *timeout_seconds,
                    heartbeat_seconds: *heartbeat_seconds,
                    started: None,
                    by_worker: false,
                    submitted: false,
                    job: None,
                    last_beat: None,
                    callback: None,
                });
            }
            EventKind::TaskStarted { frame, by_worker, .. } => {
                let task = self.task_mut(*frame);
                task.started = Some(event.at);
                task.by_worker = *by_worker;
                task.last_beat = by_worker.then_some(event.at);
            }
            EventKind::TaskSubmitted { frame, .. } => {
                let task = self.task_mut(*frame);
                task.submitted = true;
                task.last_beat = Some(event.at);
            }
            EventKind::JobSubmitted { frame, output, .. } => {
                let task = self.task_mut(*frame);
                task.submitted = true;
                task.job = Some(output.clone());
            }
            EventKind::HeartbeatRecorded { frame, .. } => {
                self.task_mut(*frame).last_beat = Some(event.at);
            }
            EventKind::CallbackRecorded { frame, result, .. } => {
                self.task_mut(*frame).callback = Some(Callback(result.clone()));
            }
            EventKind::TaskSucceeded { frame, .. }
            | EventKind::TaskFailed { frame, .. }
            | EventKind::TaskSubmitFailed { frame, .. }
            | EventKind::TaskTimedOut { frame, .. } => {
                let task = self.task_mut(*frame).task;
                self.tasks.remove(&task);
                self.current_mut(*frame).phase = Phase::Over;
            }
            _ => unreachable!("only events of tasks come here"),
        }
    }

    /// The number of a new attempt among those of its state; 0 where no test case runs.
    fn count_attempt(&mut self, state: StateIndex) -> u32 {
        if self.identity.test_case.is_none() {
            return 0;
        }
        let count = self.attempts.entry(state).or_default();
        *count += 1;
        *count - 1
    }

    fn remember_map_run(&mut self, event: &Event) {
        match &event.kind {
            EventKind::DistributedMapStarted { .. } => {}
            EventKind::MapRunStarted { frame, state, settings, items } => {
                let id = MapRunId(event.id);
                let run = MapRun::new(id, *state, (**settings).clone(), event, items.clone());
                self.map_runs.insert(id, run);
                self.wait_for_map_run(*frame, id);
            }
            EventKind::MapRunSucceeded { frame, .. } => {
                self.end_map_run(*frame, MapRunStatus::Succeeded, None, event.at);
            }
            EventKind::MapRunFailed { frame, error, .. } => {
                self.end_map_run(*frame, MapRunStatus::Failed, error.as_deref(), event.at);
            }
            EventKind::MapRunAborted { frame, .. } => {
                self.end_map_run(*frame, MapRunStatus::Aborted, None, event.at);
            }
            EventKind::MapRunRedriven { frame, map_run, redrive_count, .. } => {
                self.wait_for_map_run(*frame, *map_run);
                self.map_run_mut(*frame).redrive(*redrive_count, event.at);
            }
            EventKind::ChildrenRedriven { frame, children, .. } => {
                self.map_run_mut(*frame).redrive_children(children);
            }
            EventKind::ChildNotRedriven { frame, index, .. } => {
                self.map_run_mut(*frame).keep_child(*index);
            }
            EventKind::ItemsRead { frame, total, .. } => self.map_run_mut(*frame).read(*total),
            EventKind::ChildrenStarted { frame, items, .. } => {
                self.map_run_mut(*frame).start_children(items);
            }
            EventKind::ChildEnded { frame, index, status, result, bytes, .. } => {
                self.map_run_mut(*frame).end_child(*index, *status, result.as_ref(), *bytes);
            }
            EventKind::ResultsWritten { frame, output, .. } => {
                self.map_run_mut(*frame).write(output.clone());
            }
            EventKind::MapRunUpdated { map_run, update } => {
                let run = self.map_runs.get_mut(map_run);
                run.expect("events are about Map Runs that exist").update(update);
            }
            _ => unreachable!("only events of Map Runs come here"),
        }
    }

    fn wait_for_map_run(&mut self, frame: FrameId, id: MapRunId) {
        let current = self.current_mut(frame);
        current.phase = Phase::MapRun(id);
        current.map_run = Some(id);
    }

    fn end_map_run(
        &mut self,
        frame: FrameId,
        status: MapRunStatus,
        error: Option<&str>,
        at: Timestamp,
    ) {
        self.map_run_mut(frame).end(status, error, at);
        self.current_mut(frame).phase = Phase::Over;
    }

    fn map_run_mut(&mut self, frame: FrameId) -> &mut MapRun {
        let id = self.frame(frame).map_run().expect("the frame is in a Map Run");
        self.map_runs.get_mut(&id).expect("a frame's Map Run is kept")
    }

    /// Bytes of all variables, in every scope.
    pub(crate) fn variables_size(&self) -> usize {
        let variables = self.frames.values().flat_map(|frame| frame.variables.values());
        variables.map(Payload::size).sum()
    }

    /// Makes the one frame of a state's test what the test says.
    pub(crate) fn prepare_test(&mut self, variables: VariableMap, item: Option<MapItem>) {
        let frame = self.frame_mut(FrameId(0));
        frame.variables = variables;
        frame.item = item;
    }

    /// Shows a number of retries in the context object of a state's test.
    pub(crate) fn set_test_retries(&mut self, retries: u32) {
        self.current_mut(FrameId(0)).retry_count = retries;
    }

    /// The variables of a state's test; none once it has failed.
    pub(crate) fn test_variables(&self) -> Option<&VariableMap> {
        let frame = self.frames.get(&FrameId(0)).filter(|_| self.status == Status::Running);
        frame.map(|frame| &frame.variables)
    }

    fn add_frame(&mut self, frame: Frame) -> FrameId {
        let id = FrameId(self.next_frame);
        self.next_frame += 1;
        self.frames.insert(id, frame);
        id
    }

    fn start_parallel(&mut self, frame: FrameId, event_id: u32, branches: u32, input: &Payload) {
        for index in 0..branches {
            self.add_frame(Frame::new(Some(frame), index, event_id, input.clone()));
        }
        self.current_mut(frame).phase =
            Phase::Parallel { results: vec![None; branches as usize], open: branches };
    }

    fn exit(
        &mut self,
        id: FrameId,
        output: &Payload,
        assigned: &[(Box<str>, Payload)],
        next: Option<StateIndex>,
    ) {
        let frame = self.frame_mut(id);
        for (name, value) in assigned {
            frame.variables.insert(name.clone(), value.clone());
        }
        if let Some(next) = next {
            frame.at = At::Between { next, input: output.clone() };
            return;
        }
        frame.at = At::Ended { output: output.clone() };
        let (parent, index, last_id) = (frame.parent, frame.index, frame.last_id);
        let Some(parent) = parent else { return };
        let parent_frame = self.frame_mut(parent);
        if let Phase::Parallel { results, open } = &mut parent_frame.current_mut().phase {
            results[index as usize] = Some(output.clone());
            *open -= 1;
            parent_frame.last_id = last_id;
            self.frames.remove(&id);
        }
    }

    /// The iteration's frame goes; its output becomes a result of the Map.
    fn end_iteration(&mut self, container: FrameId, index: u32, event_id: u32) {
        let (id, frame) = self
            .frames
            .iter()
            .find(|(_, frame)| frame.parent == Some(container) && frame.index == index)
            .expect("an iteration that succeeded was running");
        let (id, last_id) = (*id, frame.last_id);
        let At::Ended { output } = &frame.at else {
            panic!("an iteration that succeeded has ended")
        };
        let output = output.clone();
        self.frames.remove(&id);
        self.map_mut(container).end_iteration(index, output, last_id);
        self.frame_mut(container).last_id = event_id;
    }

    /// A container has failed: what is inside is over, and kept as long as the state is not left.
    fn cut_off(&mut self, container: FrameId) {
        let mut frames = BTreeMap::new();
        self.take_descendants(container, &mut frames);
        let is_kept = !self.identity.express;
        let current = self.current_mut(container);
        let phase = std::mem::replace(&mut current.phase, Phase::Over);
        current.cut_off = is_kept.then(|| Box::new(CutOff { phase, frames }));
    }

    /// Takes every frame below `container` out.
    fn take_descendants(&mut self, container: FrameId, taken: &mut BTreeMap<FrameId, Frame>) {
        let children: Vec<FrameId> = self.children(container).collect();
        for child in children {
            self.take_descendants(child, taken);
            taken.extend(self.frames.remove(&child).map(|frame| (child, frame)));
            self.tasks.retain(|_, frame| *frame != child);
        }
    }

    /// Removes every frame below `container`, with its tasks.
    pub(crate) fn remove_descendants(&mut self, container: FrameId) {
        let children: Vec<FrameId> = self.children(container).collect();
        for child in children {
            self.remove_descendants(child);
            self.frames.remove(&child);
            self.tasks.retain(|_, frame| *frame != child);
        }
    }

    fn end(&mut self, status: Status, at: Timestamp) {
        self.status = status;
        self.stopped_at = Some(at);
        // The frames say where a redrive goes on.
        if status == Status::Succeeded || self.identity.express {
            self.frames.clear();
        }
        self.tasks.clear();
        for run in self.map_runs.values_mut() {
            if run.status == MapRunStatus::Running {
                run.end(MapRunStatus::Aborted, None, at);
            }
        }
    }

    /// What went in, and what came out.
    pub(crate) fn ends_mut(&mut self) -> impl Iterator<Item = &mut Payload> {
        [&mut self.input].into_iter().chain(&mut self.output)
    }

    /// It runs again, until then at the latest.
    pub(crate) fn reopen(&mut self, deadline: Timestamp) {
        self.status = Status::Running;
        self.stopped_at = None;
        (self.error, self.cause) = (None, None);
        self.deadline = Some(deadline);
    }

    /// The frames directly inside the state that `container` is in, in order of their start.
    pub(crate) fn children(&self, container: FrameId) -> impl Iterator<Item = FrameId> + '_ {
        self.frames
            .range(container..)
            .filter(move |(_, frame)| frame.parent == Some(container))
            .map(|(id, _)| *id)
    }

    pub(crate) fn frame(&self, id: FrameId) -> &Frame {
        &self.frames[&id]
    }

    /// The state that a frame is in.
    pub(crate) fn current(&self, id: FrameId) -> &Current {
        self.frame(id).current().expect("the frame is in a state")
    }

    fn frame_mut(&mut self, id: FrameId) -> &mut Frame {
        self.frames.get_mut(&id).expect("events are about frames that exist")
    }

    fn current_mut(&mut self, id: FrameId) -> &mut Current {
        self.frame_mut(id).current_mut()
    }

    fn task_mut(&mut self, id: FrameId) -> &mut TaskPhase {
        match &mut self.current_mut(id).phase {
            Phase::Task(task) => task,
            other => panic!("an event of a task came in the phase {other:?}"),
        }
    }

    fn map_mut(&mut self, id: FrameId) -> &mut MapProgress {
        match &mut self.current_mut(id).phase {
            Phase::Map(progress) => progress,
            other => panic!("an event of a Map came in the phase {other:?}"),
        }
    }
}
