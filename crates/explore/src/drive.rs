//! One execution with made-up data: tasks answer at once, time passes by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use asl::{Payload, Program, StateIndex, StateKind, Timestamp};
use engine::{
    Command, Decision, Effect, Event, EventKind, Execution, FrameId, Identity, Stamp, Status,
    TaskFailure, TaskId,
};
use serde_json::Value;

use crate::shape::World;

/// How many commands one execution may take.
const COMMANDS_MAX: usize = 3_000;
/// How many states one execution may pass.
const TRANSITIONS_MAX: u64 = 2_000;

/// What is given to an execution.
pub(crate) struct Scenario<'s> {
    pub(crate) program: &'s Program,
    pub(crate) world: &'s World,
    /// Tasks that fail, with what.
    pub(crate) fails: &'s BTreeMap<StateIndex, String>,
    /// Whether pieces of data tell where they come from.
    pub(crate) marked: bool,
    pub(crate) is_express: bool,
}

/// What an execution did.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) visits: Vec<Visit>,
    pub(crate) status: Option<Status>,
    pub(crate) error: Option<String>,
    pub(crate) cause: Option<String>,
    /// The visit in which it failed.
    pub(crate) failed_in: Option<usize>,
}

/// One stay in a state.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) state: StateIndex,
    entered_id: u32,
    attempt: Option<TaskId>,
    pub(crate) input: Payload,
    /// Variables as they were on entry.
    pub(crate) variables: Arc<BTreeMap<String, Value>>,
    /// What its work gave.
    pub(crate) result: Option<Value>,
    /// What a Map goes over.
    pub(crate) items: Option<Value>,
    /// Its last attempt failed.
    pub(crate) has_failed: bool,
    /// Where it went: none while it has not been left, `Some(None)` where it ended its scope.
    pub(crate) left: Option<Option<StateIndex>>,
}

/// The name of the source that a task's output is.
pub(crate) fn task_source(name: &str) -> String {
    format!("task {name}")
}

/// The source that is the execution's input.
pub(crate) const INPUT: &str = "input";

/// Runs an execution to its end, or as far as it is worth.
pub(crate) fn drive(scenario: &Scenario<'_>) -> Trace {
    let mut driver = Driver {
        scenario,
        execution: Execution::new(Arc::new(identity(scenario.is_express))),
        trace: Trace::default(),
        now: 1_700_000_000_000,
        next_frame: 0,
        current: BTreeMap::new(),
        containers: BTreeMap::new(),
        variables: Arc::default(),
    };
    driver.run();
    driver.trace
}

fn identity(express: bool) -> Identity {
    Identity {
        arn: "arn:aws:states:us-east-1:123456789012:execution:explored:run".into(),
        name: "run".into(),
        state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:explored".into(),
        state_machine_name: "explored".into(),
        state_machine_version_arn: None,
        state_machine_alias_arn: None,
        role_arn: "arn:aws:iam::123456789012:role/stepwell".into(),
        region: "us-east-1".into(),
        express,
        test_case: None,
        map_run: None,
    }
}

struct Surroundings;

impl engine::World for Surroundings {
    fn task_token(&self, task: TaskId) -> String {
        format!("token-{}", task.0)
    }

    fn activity_exists(&self, _arn: &str) -> bool {
        true
    }
}

struct Driver<'s> {
    scenario: &'s Scenario<'s>,
    execution: Execution,
    trace: Trace,
    now: i64,
    next_frame: u32,
    /// The visit each frame is in.
    current: BTreeMap<FrameId, usize>,
    /// The visit of the Parallel or Map that a frame belongs to.
    containers: BTreeMap<FrameId, usize>,
    variables: Arc<BTreeMap<String, Value>>,
}

impl Driver<'_> {
    fn run(&mut self) {
        let input = self.scenario.world.value(INPUT, self.scenario.marked);
        let mut commands = vec![Command::Start { input: Payload::from_value(input) }];
        for _ in 0..COMMANDS_MAX {
            let command = match commands.pop() {
                Some(command) => command,
                None if self.execution.wants_to_continue() => Command::Continue,
                None => match self.execution.next_wake() {
                    Some(moment) => {
                        self.now = self.now.max(moment.0);
                        Command::WakeUp
                    }
                    None => break,
                },
            };
            let stamp = Stamp { now: Timestamp(self.now), seed: 7, world: &Surroundings };
            let Decision { events, effects, .. } =
                engine::step(self.scenario.program, &mut self.execution, command, stamp);
            events.iter().for_each(|event| self.note(event));
            let mut answers: Vec<Command> =
                effects.iter().flat_map(|effect| self.answers(effect)).collect();
            answers.reverse();
            commands.extend(answers);
            if self.execution.transitions() > TRANSITIONS_MAX {
                break;
            }
        }
        self.trace.status = Some(self.execution.status);
        self.trace.error = self.execution.error().map(str::to_owned);
        self.trace.cause = self.execution.cause().map(str::to_owned);
        if self.execution.status == Status::Failed {
            self.trace.failed_in = self.failing_visit();
        }
    }

    /// What a task answers.
    fn answers(&self, effect: &Effect) -> Vec<Command> {
        let (task, is_token, is_activity, is_job) = match effect {
            Effect::RunTask(dispatch) => {
                let is_job = dispatch.resource.waits_for_job();
                (dispatch.task, dispatch.task_token.is_some(), false, is_job)
            }
            Effect::OfferActivity(offer) => (offer.task, false, true, false),
            // A task stands where a distributed Map is.
            Effect::StartChild(_)
            | Effect::ReadItems { .. }
            | Effect::WriteResults { .. }
            | Effect::StopChildren { .. }
            | Effect::CancelTask { .. }
            | Effect::CancelJob(_)
            | Effect::ReleaseJob { .. } => {
                return Vec::new();
            }
        };
        let Some(visit) = self.visit_of(task) else { return Vec::new() };
        let state = self.trace.visits[visit].state;
        let result = match self.scenario.fails.get(&state) {
            Some(error) => {
                let cause = Some("explored".into());
                Err(TaskFailure { error: Some(error.as_str().into()), cause })
            }
            None => {
                let source = task_source(&self.scenario.program.state(state).name);
                let value = self.scenario.world.value(&source, self.scenario.marked);
                Ok(Payload::from_value(value))
            }
        };
        if is_job {
            let output = Payload::from_valid_text("{}");
            let submit = Command::SubmitTask { task, output };
            return vec![submit, Command::ReturnTask { task, result }];
        }
        if !is_token && !is_activity {
            return vec![Command::ReturnTask { task, result }];
        }
        let first = match is_activity {
            true => Command::StartActivity { task, worker_name: None },
            false => Command::ReturnTask { task, result: Ok(Payload::from_valid_text("{}")) },
        };
        let last = match result {
            Ok(output) => Command::SucceedTask { task, output },
            Err(failure) => Command::FailTask { task, failure },
        };
        vec![first, last]
    }

    /// The visit whose attempt a task is: the one that scheduled it.
    fn visit_of(&self, task: TaskId) -> Option<usize> {
        self.trace.visits.iter().rposition(|visit| visit.attempt == Some(task))
    }

    fn note(&mut self, event: &Event) {
        match &event.kind {
            EventKind::ExecutionStarted { .. } => self.next_frame += 1,
            EventKind::StateEntered { frame, state, input } => {
                self.current.insert(*frame, self.trace.visits.len());
                self.trace.visits.push(Visit {
                    state: *state,
                    entered_id: event.id,
                    attempt: None,
                    input: input.clone(),
                    variables: Arc::clone(&self.variables),
                    result: None,
                    items: None,
                    has_failed: false,
                    left: None,
                });
            }
            EventKind::StateExited { frame, output, assigned, next, .. } => {
                if !assigned.is_empty() {
                    let variables = Arc::make_mut(&mut self.variables);
                    let values = assigned.iter();
                    variables.extend(values.map(|(name, v)| (name.to_string(), v.value().clone())));
                }
                if next.is_none()
                    && let Some(container) = self.containers.get(frame)
                    && let Some(Value::Array(results)) = &mut self.trace.visits[*container].result
                {
                    results.push(output.value().clone());
                }
                if let Some(visit) = self.visit(*frame) {
                    visit.left = Some(*next);
                }
            }
            // A task's attempt is known by its Scheduled event.
            EventKind::TaskScheduled { frame, .. } => {
                let attempt = TaskId(event.id);
                if let Some(visit) = self.visit(*frame) {
                    visit.attempt = Some(attempt);
                }
            }
            EventKind::TaskSucceeded { frame, output, .. } => {
                if let Some(visit) = self.visit(*frame) {
                    visit.result = Some(output.value().clone());
                    visit.has_failed = false;
                }
            }
            EventKind::ParallelStarted { frame, branches, .. } => {
                self.begin_container(*frame, None);
                for _ in 0..*branches {
                    self.begin_child(*frame);
                }
            }
            EventKind::MapStarted { frame, items, .. } => {
                self.begin_container(*frame, Some(items.value().clone()));
            }
            EventKind::IterationStarted { frame, .. } => self.begin_child(*frame),
            EventKind::TaskFailed { frame, .. }
            | EventKind::TaskSubmitFailed { frame, .. }
            | EventKind::TaskTimedOut { frame, .. }
            | EventKind::EvaluationFailed { frame, .. }
            | EventKind::ParallelFailed { frame, .. }
            | EventKind::MapFailed { frame, .. } => {
                if let Some(visit) = self.visit(*frame) {
                    visit.has_failed = true;
                }
            }
            _ => {}
        }
    }

    fn begin_container(&mut self, frame: FrameId, items: Option<Value>) {
        if let Some(visit) = self.visit(frame) {
            visit.result = Some(Value::Array(Vec::new()));
            visit.items = items;
            visit.has_failed = false;
        }
    }

    fn begin_child(&mut self, container: FrameId) {
        let child = FrameId(self.next_frame);
        self.next_frame += 1;
        if let Some(visit) = self.current.get(&container) {
            self.containers.insert(child, *visit);
        }
    }

    fn visit(&mut self, frame: FrameId) -> Option<&mut Visit> {
        let visit = *self.current.get(&frame)?;
        self.trace.visits.get_mut(visit)
    }

    /// The visit that the cause names, or the last one in which something failed.
    fn failing_visit(&self) -> Option<usize> {
        let cause = self.trace.cause.as_deref().unwrap_or_default();
        let named = cause.split_once("(entered at the event id #").and_then(|(_, rest)| {
            let id: u32 = rest.split(')').next()?.parse().ok()?;
            self.trace.visits.iter().position(|visit| visit.entered_id == id)
        });
        named.or_else(|| {
            self.trace.visits.iter().rposition(|visit| {
                let kind = &self.scenario.program.state(visit.state).kind;
                let is_container = matches!(kind, StateKind::Parallel { .. } | StateKind::Map(_));
                matches!(kind, StateKind::Fail { .. }) || visit.has_failed && !is_container
            })
        })
    }
}
