//! The test of one state, as TestState makes it: the state does its work by the very code that
//! executions run, with a result that somebody made up or that comes from outside.

use std::cell::RefCell;
use std::sync::Arc;

use asl::{Map, Payload, Program, StateIndex, StateKind, Timestamp, VariableMap};
use serde_json::Value;

use crate::failure::{Failure, TIMEOUT};
use crate::frame::{MapItem, Phase};
use crate::inspection::{Inspection, Probe};
use crate::states::Bounds;
use crate::turn::{Flow, Stop, Turn};
use crate::{
    Effect, Event, EventKind, Execution, FrameId, Identity, Stamp, TaskDispatch, TaskFailure,
    limits,
};

mod items;

/// What is tested.
#[derive(Debug, Clone)]
pub struct StateTest {
    /// May be inside a Parallel or a Map.
    pub state: StateIndex,
    pub input: Payload,
    /// Those that were assigned before.
    pub variables: VariableMap,
    /// Stands for the context object.
    pub context: Option<Payload>,
    /// What the state's work gives. A Map and a Parallel need it: their states are not run.
    pub mock: Option<Result<Payload, TaskFailure>>,
    /// How often the retrier that takes the error was used before.
    pub retries: u32,
    /// Whether the mocked error of a Map or Parallel comes from a Task inside it.
    pub error_is_of_task: bool,
    /// How many iterations of a Map failed.
    pub failed_iterations: Option<u64>,
    /// What the `ItemReader` of a distributed Map read, as it stands at its source.
    pub item_reader_data: Option<Box<str>>,
}

/// How a test came out, in AWS's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestStatus {
    Succeeded,
    Failed,
    Retriable,
    CaughtError,
}

impl TestStatus {
    /// `SUCCEEDED`, `FAILED`, `RETRIABLE`, `CAUGHT_ERROR`.
    pub fn name(self) -> &'static str {
        match self {
            TestStatus::Succeeded => "SUCCEEDED",
            TestStatus::Failed => "FAILED",
            TestStatus::Retriable => "RETRIABLE",
            TestStatus::CaughtError => "CAUGHT_ERROR",
        }
    }
}

/// What came of a test.
#[derive(Debug, Clone)]
pub struct TestedState {
    pub state: StateIndex,
    pub status: TestStatus,
    pub output: Option<Payload>,
    pub error: Option<Box<str>>,
    pub cause: Option<Box<str>>,
    /// Where the state leads to.
    pub next: Option<StateIndex>,
    pub inspection: Inspection,
}

/// How far a test is.
#[derive(Debug)]
pub enum TestStep {
    Over(Box<TestedState>),
    /// A Wait state: go on with [`StateTestRun::wait_is_over`] at this moment.
    Wait(Timestamp),
    /// Make this call and go on with [`StateTestRun::task_returned`].
    Call(Box<TaskDispatch>),
    /// More iterations failed than there are.
    TooManyFailedIterations,
}

/// A test under way.
#[derive(Debug)]
pub struct StateTestRun {
    test: StateTest,
    execution: Execution,
    inspection: Inspection,
}

/// The frame that the tested state is in.
const FRAME: FrameId = FrameId(0);

impl StateTestRun {
    /// Enters the state. `identity` is what the context object shows where none is given.
    pub fn new(
        program: &Program,
        identity: Arc<Identity>,
        test: StateTest,
        now: Timestamp,
    ) -> StateTestRun {
        // Recorded: a test shows no count of redrives, as a synchronous execution does not.
        let mut execution = Execution::new_synchronous(identity);
        let deadline = now.plus_seconds(limits::EXPRESS_SECONDS_MAX);
        let started = EventKind::ExecutionStarted { input: test.input.clone(), deadline };
        execution.apply(&Event { id: 1, previous: 0, at: now, kind: started });
        let item = is_in_map(program, test.state).then(|| MapItem {
            index: 0,
            value: test.input.clone(),
            key: None,
        });
        execution.prepare_test(test.variables.clone(), item);
        let entered =
            EventKind::StateEntered { frame: FRAME, state: test.state, input: test.input.clone() };
        execution.apply(&Event { id: 2, previous: 0, at: now, kind: entered });
        execution.set_test_retries(test.retries);
        let inspection = Inspection { input: Some(test.input.clone()), ..Inspection::default() };
        StateTestRun { test, execution, inspection }
    }

    /// Lets the state do its work, with the mock if there is one.
    pub fn begin(&mut self, program: &Program, stamp: Stamp<'_>) -> TestStep {
        let test = self.test.clone();
        let mut too_many_failed = false;
        let step = self.turn(program, stamp, |turn| match (&turn.state(FRAME).kind, &test.mock) {
            (StateKind::Map(map), Some(mock)) => match turn.test_map(map, &test, mock) {
                Ok(MapTest::Over) => Ok(()),
                Ok(MapTest::TooManyFailed) => {
                    too_many_failed = true;
                    Ok(())
                }
                Err(stop) => turn.settle(FRAME, Err(stop)),
            },
            (StateKind::Parallel { .. }, Some(mock)) => {
                turn.work(FRAME)?;
                match turn.test_phase() {
                    Some(Phase::Parallel { .. }) => {
                        turn.end_container(mock, test.error_is_of_task, true)
                    }
                    // It failed before its branches began.
                    _ => Ok(()),
                }
            }
            (StateKind::Task(_), Some(mock)) => {
                turn.work(FRAME)?;
                match turn.test_phase() {
                    Some(Phase::Task(_)) => turn.end_task(FRAME, mock.clone()),
                    // It failed before it was scheduled.
                    _ => Ok(()),
                }
            }
            (StateKind::Fail { .. }, _) => {
                let input = test.input.clone();
                turn.inspect(|inspection| inspection.after_input_path = Some(input));
                turn.work(FRAME)
            }
            _ => turn.work(FRAME),
        });
        if too_many_failed { TestStep::TooManyFailedIterations } else { step }
    }

    /// The moment of a Wait state has come.
    pub fn wait_is_over(&mut self, program: &Program, stamp: Stamp<'_>) -> TestStep {
        self.turn(program, stamp, |turn| {
            let outcome = turn.wait_is_over(FRAME);
            turn.settle(FRAME, outcome)
        })
    }

    /// The call came back.
    pub fn task_returned(
        &mut self,
        program: &Program,
        stamp: Stamp<'_>,
        result: Result<Payload, TaskFailure>,
    ) -> TestStep {
        self.turn(program, stamp, |turn| turn.end_task(FRAME, result))
    }

    /// The test has taken too long: it fails, whatever the state would make of that.
    pub fn time_out(&mut self, program: &Program, stamp: Stamp<'_>) -> TestStep {
        self.turn(program, stamp, |turn| {
            let failure = Failure { is_fatal: true, ..Failure::given(Some(TIMEOUT.into()), None) };
            turn.state_failed(FRAME, failure)
        })
    }

    /// Does something with the execution and says how far the test is then.
    fn turn(
        &mut self,
        program: &Program,
        stamp: Stamp<'_>,
        act: impl FnOnce(&mut Turn<'_>) -> Flow,
    ) -> TestStep {
        let probe = Probe {
            inspection: std::mem::take(&mut self.inspection),
            context: self.test.context.as_ref().map(|context| context.value().clone()),
            retries: self.test.retries,
        };
        let mut turn = Turn::new(program, &mut self.execution, stamp);
        turn.probe = Some(RefCell::new(probe));
        // That the execution is over is among the events.
        let _ = act(&mut turn);
        let (events, effects) = (turn.events, turn.effects);
        let probe = turn.probe.map(RefCell::into_inner);
        self.inspection = probe.map(|probe| probe.inspection).unwrap_or_default();
        self.step(program, &events, effects)
    }

    fn step(&mut self, program: &Program, events: &[Event], effects: Vec<Effect>) -> TestStep {
        for event in events.iter().rev() {
            let (status, output, next) = match &event.kind {
                EventKind::StateExited { frame: FRAME, output, next, .. } => {
                    let caught = self.inspection.catch_index.is_some();
                    let status =
                        if caught { TestStatus::CaughtError } else { TestStatus::Succeeded };
                    (status, Some(output.clone()), *next)
                }
                EventKind::RetryScheduled { frame: FRAME, .. } => {
                    (TestStatus::Retriable, None, None)
                }
                EventKind::ExecutionFailed { error, cause } => {
                    let failure = TaskFailure { error: error.clone(), cause: cause.clone() };
                    self.inspection.failure = Some(failure);
                    (TestStatus::Failed, None, None)
                }
                EventKind::WaitScheduled { until, .. } => return TestStep::Wait(*until),
                _ => continue,
            };
            return TestStep::Over(Box::new(self.outcome(program, status, output, next)));
        }
        let call = effects.into_iter().find_map(|effect| match effect {
            Effect::RunTask(call) => Some(call),
            _ => None,
        });
        match call {
            Some(call) => TestStep::Call(call),
            // An activity, a Parallel: what they wait for does not come without a mock.
            None => {
                let status = TestStatus::Failed;
                TestStep::Over(Box::new(self.outcome(program, status, None, None)))
            }
        }
    }

    fn outcome(
        &self,
        program: &Program,
        status: TestStatus,
        output: Option<Payload>,
        next: Option<StateIndex>,
    ) -> TestedState {
        let mut inspection = self.inspection.clone();
        keep_what_aws_shows(&mut inspection, program, self.test.state);
        let variables = self.execution.test_variables().unwrap_or(&self.test.variables);
        if !variables.is_empty() {
            let object = variables
                .iter()
                .map(|(name, value)| (name.to_string(), value.value().clone()))
                .collect();
            inspection.variables = Some(Payload::from_value(Value::Object(object)));
        }
        let TaskFailure { error, cause } = match status {
            TestStatus::Succeeded => TaskFailure::default(),
            _ => inspection.failure.take().unwrap_or_default(),
        };
        TestedState { state: self.test.state, status, output, error, cause, next, inspection }
    }
}

/// Takes away what AWS does not show of this type of state.
fn keep_what_aws_shows(inspection: &mut Inspection, program: &Program, state: StateIndex) {
    let state = program.state(state);
    match &state.kind {
        StateKind::Parallel { .. } => {
            inspection.after_input_path = None;
            inspection.after_arguments = None;
            inspection.result = None;
        }
        StateKind::Map(_) => inspection.result = None,
        StateKind::Pass { result: None } => inspection.result = None,
        _ => {}
    }
    if state.query_language == asl::QueryLanguage::Jsonata {
        inspection.after_input_path = None;
        inspection.after_result_selector = None;
        inspection.after_result_path = None;
        inspection.after_items_path = None;
    }
}

/// Whether a state is inside a Map.
fn is_in_map(program: &Program, state: StateIndex) -> bool {
    let mut scope = program.state(state).scope;
    while let Some(container) = program.scope(scope).container {
        let container = program.state(container);
        if matches!(container.kind, StateKind::Map(_)) {
            return true;
        }
        scope = container.scope;
    }
    false
}

/// What came of a Map's test.
enum MapTest {
    Over,
    TooManyFailed,
}

impl Turn<'_> {
    /// What the tested state is doing; none once it was left or has failed for good.
    fn test_phase(&self) -> Option<&Phase> {
        let frame = self.execution.frames.get(&FRAME).filter(|_| self.is_running())?;
        frame.current().map(|current| &current.phase)
    }

    /// The work of a Parallel or Map is over as the mock says.
    fn end_container(
        &mut self,
        mock: &Result<Payload, TaskFailure>,
        of_task: bool,
        of_branch: bool,
    ) -> Flow {
        match mock {
            Ok(result) => {
                let name = self.state(FRAME).name.clone();
                let outcome = Failure::check_data(result.clone(), &name, &self.limits)
                    .map_err(Stop::from)
                    .and_then(|result| self.finish(FRAME, result));
                self.settle(FRAME, outcome)
            }
            Err(TaskFailure { error, cause }) => {
                let failure =
                    Failure { of_task, of_branch, ..Failure::given(error.clone(), cause.clone()) };
                self.state_failed(FRAME, failure)
            }
        }
    }

    /// The way of the data through a Map, without its iterations.
    fn test_map(
        &mut self,
        map: &Map,
        test: &StateTest,
        mock: &Result<Payload, TaskFailure>,
    ) -> Result<MapTest, Stop> {
        let effective = self.effective_input(FRAME)?;
        let items = self.test_items(map, &effective, test)?;
        let count = items::count(&items);
        if map.item_selector.is_some() {
            let inputs = self.iteration_inputs(&items, count)?;
            let selected = crate::states::join(&inputs);
            self.inspect(|inspection| inspection.after_item_selector = Some(selected));
        }
        self.test_batches(map, &effective, &items, count)?;
        let max_concurrency = match &map.max_concurrency {
            None => 0,
            Some(number) => {
                self.whole_number(FRAME, &effective, number, "MaxConcurrency", Bounds::COUNT)?
            }
        };
        let tolerated_count = self.tolerated_failure_count(FRAME, &effective, map)?;
        let tolerated_percentage = self.tolerated_failure_percentage(FRAME, &effective, map)?;
        self.inspect(|inspection| {
            inspection.max_concurrency = Some(max_concurrency);
            inspection.tolerated_failure_count = tolerated_count;
            inspection.tolerated_failure_percentage = tolerated_percentage;
        });
        let failed = test.failed_iterations.unwrap_or(0);
        if failed > u64::from(count) {
            return Ok(MapTest::TooManyFailed);
        }
        let exceeds = tolerated_count.is_some_and(|most| failed > most.unsigned_abs())
            || tolerated_percentage
                .is_some_and(|most| failed as f64 * 100.0 > most * f64::from(count));
        let threshold = Err(TaskFailure {
            error: Some("States.ExceedToleratedFailureThreshold".into()),
            cause: Some("The specified tolerated failure threshold was exceeded".into()),
        });
        let outcome = if exceeds && mock.is_ok() { &threshold } else { mock };
        // That the execution is over is among the events.
        let _ = self.end_container(outcome, test.error_is_of_task, false);
        Ok(MapTest::Over)
    }
}
