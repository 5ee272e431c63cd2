//! One turn: the events and effects of a command while they come about. Every event is applied
//! as soon as it is emitted, so deciding and replaying share [`Execution::apply`].

use std::cell::{Cell, RefCell};

use asl::{
    ContextObject, Environment, EvaluationError, Payload, Program, State, VariableMap, Variables,
};
use serde_json::Value;

use crate::failure::Failure;
use crate::inspection::{Inspection, Probe};
use crate::limits::Limits;
use crate::{Branch, Effect, Event, EventKind, Execution, FrameId, Stamp, Status, TaskId, context};

/// A turn under way.
pub(crate) struct Turn<'a> {
    pub(crate) program: &'a Program,
    pub(crate) execution: &'a mut Execution,
    pub(crate) stamp: Stamp<'a>,
    pub(crate) limits: Limits,
    pub(crate) events: Vec<Event>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) branches: Vec<Branch>,
    /// States entered in this turn.
    pub(crate) states_passed: u32,
    /// Set where a state is tested alone.
    pub(crate) probe: Option<RefCell<Probe>>,
    random: Cell<u64>,
}

/// The turn is over because the execution is.
pub(crate) struct Over;

/// How every part of a turn ends.
pub(crate) type Flow = Result<(), Over>;

/// Why a state cannot go on: its evaluation failed, or the whole execution is over.
pub(crate) enum Stop {
    Failed(Failure),
    Over,
}

impl From<Over> for Stop {
    fn from(_: Over) -> Stop {
        Stop::Over
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

impl From<EvaluationError> for Stop {
    fn from(error: EvaluationError) -> Stop {
        Stop::Failed(Failure::from(error))
    }
}

/// The values an evaluation sees besides context and variables.
#[derive(Clone, Copy)]
pub(crate) struct Sight<'v> {
    /// `$` of a JSONPath, `$states.input` of JSONata.
    pub(crate) input: &'v Value,
    pub(crate) result: Option<&'v Value>,
    pub(crate) error_output: Option<&'v Value>,
}

impl<'v> Sight<'v> {
    pub(crate) fn input(input: &'v Value) -> Sight<'v> {
        Sight { input, result: None, error_output: None }
    }
}

impl<'a> Turn<'a> {
    pub(crate) fn new(
        program: &'a Program,
        execution: &'a mut Execution,
        stamp: Stamp<'a>,
    ) -> Self {
        Turn {
            program,
            execution,
            stamp,
            limits: stamp.world.limits(),
            events: Vec::new(),
            effects: Vec::new(),
            branches: Vec::new(),
            states_passed: 0,
            probe: None,
            random: Cell::new(stamp.seed),
        }
    }

    /// Notes which way was taken, if somebody tests the execution.
    pub(crate) fn note(&mut self, branch: Branch) {
        if self.execution.identity.test_case.is_some() {
            self.branches.push(branch);
        }
    }

    /// Emits an event of a frame, pointing at the frame's last one.
    pub(crate) fn emit(&mut self, frame: FrameId, kind: EventKind) -> Result<u32, Over> {
        let previous = self.execution.frame(frame).last_id;
        self.emit_after(previous, kind)
    }

    /// Emits an event that points at `previous`. A history that is full ends the execution.
    pub(crate) fn emit_after(&mut self, previous: u32, kind: EventKind) -> Result<u32, Over> {
        let is_last = self.execution.last_id + 1 >= self.limits.history_events;
        if is_last && kind.is_history() && !kind.is_end() && !self.execution.identity.express {
            let cause = format!(
                "The execution reached the maximum number of history events ({}).",
                self.limits.history_events
            );
            return Err(self.fail_execution(previous, &Failure::runtime(cause)));
        }
        Ok(self.record(previous, self.stamp.now, kind))
    }

    pub(crate) fn record(&mut self, previous: u32, at: asl::Timestamp, kind: EventKind) -> u32 {
        let id = if kind.is_history() { self.execution.last_id + 1 } else { 0 };
        let event = Event { id, previous, at, kind };
        self.execution.apply(&event);
        self.events.push(event);
        id
    }

    /// Ends the execution with an event of its own, and withdraws every open task.
    pub(crate) fn end_execution(
        &mut self,
        previous: u32,
        at: asl::Timestamp,
        kind: EventKind,
    ) -> Over {
        self.abort_map_runs(at);
        let open: Vec<TaskId> = self.execution.tasks.keys().copied().collect();
        for task in open {
            self.cancel_task(task);
        }
        self.record(previous, at, kind);
        Over
    }

    /// Ends the execution as failed.
    pub(crate) fn fail_execution(&mut self, previous: u32, failure: &Failure) -> Over {
        let kind = EventKind::ExecutionFailed {
            error: failure.error.clone(),
            cause: failure.cause.clone(),
        };
        // A state that fails again at once after a redrive has no event since.
        let previous = previous.max(self.execution.redrives.event);
        self.end_execution(previous, self.stamp.now, kind)
    }

    /// Whether the execution is not over.
    pub(crate) fn is_running(&self) -> bool {
        self.execution.status == Status::Running
    }

    /// The state that a frame is in, as compiled.
    pub(crate) fn state(&self, frame: FrameId) -> &'a State {
        self.program.state(self.execution.current(frame).state)
    }

    /// The raw input of the state that a frame is in.
    pub(crate) fn raw_input(&self, frame: FrameId) -> Payload {
        self.execution.current(frame).input.clone()
    }

    /// Evaluates something for the state that a frame is in.
    pub(crate) fn evaluate<R>(
        &self,
        frame: FrameId,
        sight: Sight<'_>,
        evaluate: impl FnOnce(&Environment<'_>) -> Result<R, EvaluationError>,
    ) -> Result<R, Failure> {
        self.evaluate_with(frame, sight, &context::Extra::default(), evaluate)
    }

    /// As [`Turn::evaluate`], with more in the context object.
    pub(crate) fn evaluate_with<R>(
        &self,
        frame: FrameId,
        sight: Sight<'_>,
        extra: &context::Extra,
        evaluate: impl FnOnce(&Environment<'_>) -> Result<R, EvaluationError>,
    ) -> Result<R, Failure> {
        let build = || {
            let mocked = self.probe.as_ref().and_then(|probe| probe.borrow().context(extra));
            mocked.unwrap_or_else(|| context::build(self.program, self.execution, frame, extra))
        };
        let context = ContextObject::new(&build);
        let mut scopes: Vec<&VariableMap> = Vec::new();
        let mut next = Some(frame);
        while let Some(id) = next {
            let frame = self.execution.frame(id);
            if !frame.variables.is_empty() {
                scopes.push(&frame.variables);
            }
            next = frame.parent;
        }
        let environment = Environment {
            input: sight.input,
            states_input: None,
            result: sight.result,
            error_output: sight.error_output,
            context: &context,
            variables: Variables { scopes: &scopes },
            now: self.stamp.now,
            random: &self.random,
            interrupt: Some(&|| self.stamp.world.interrupt()),
            elsewhere: self.stamp.world.elsewhere(),
        };
        evaluate(&environment).map_err(|error| match error.error {
            // What is too large to be built is too large to be given.
            crate::failure::DATA_LIMIT_EXCEEDED => {
                let name = &self.state(frame).name;
                Failure { is_fatal: true, ..Failure::too_large(name) }
            }
            _ => Failure::of_state(error, self.prefix(frame)),
        })
    }

    /// Notes something for whoever tests the state.
    pub(crate) fn inspect(&self, note: impl FnOnce(&mut Inspection)) {
        if let Some(probe) = &self.probe {
            note(&mut probe.borrow_mut().inspection);
        }
    }

    /// What AWS writes before the cause of an error of a state; nothing where the state is tested
    /// alone.
    pub(crate) fn prefix(&self, frame: FrameId) -> String {
        if self.probe.is_some() {
            return String::new();
        }
        let current = self.execution.current(frame);
        format!(
            "An error occurred while executing the state '{}' (entered at the event id #{}). ",
            self.program.state(current.state).name,
            current.entered_id
        )
    }

    /// The next random number below 1, from the turn's seed.
    pub(crate) fn random_fraction(&self) -> f64 {
        let bits = asl::next_random(&self.random) >> 11;
        bits as f64 / (1_u64 << 53) as f64
    }
}
