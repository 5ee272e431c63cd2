//! Testing one state: what it calls is called, what it waits for is waited for.

use std::sync::Arc;

use asl::{Payload, Program, Timestamp};
use engine::{Identity, Stamp, StateTest, StateTestRun, TaskFailure, TestStep, TestedState};
use store::ExecutionKey;

use crate::driver::Driver;
use crate::{ChildExecutions, HttpInspector, Runtime, Submission, TaskCall, limits, long_turns};

/// A state to test, and what surrounds it.
#[derive(Debug, Clone)]
pub struct StateTestRequest {
    pub program: Arc<Program>,
    pub test: StateTest,
    /// `arn:<partition>:states:<region>:<account>`
    pub arn_scope: String,
    pub role_arn: Option<Box<str>>,
    /// Where an HTTP Task notes what it sends and receives.
    pub inspector: Option<Arc<HttpInspector>>,
}

/// Why a test did not run to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateTestError {
    #[error("more iterations failed than there are")]
    TooManyFailedIterations,
    /// It heeded nothing.
    #[error("an expression did not end")]
    DoesNotEnd,
}

/// The error of a task that takes longer than its `TimeoutSeconds`.
const TIMEOUT: &str = "States.Timeout";

impl Runtime {
    /// TestState. Waits as the state waits, for five minutes at most.
    pub async fn test_state(
        &self,
        request: StateTestRequest,
    ) -> Result<TestedState, StateTestError> {
        let driver = &self.driver;
        let StateTestRequest { program, test, arn_scope, role_arn, inspector } = request;
        let identity = Arc::new(identity(&arn_scope, role_arn));
        let started = driver.clock.now();
        let deadline = started.plus_seconds(limits::STATE_TEST_SECONDS_MAX);
        let run = StateTestRun::new(&program, Arc::clone(&identity), test, started);
        let act = |run, act| act_on(driver, Arc::clone(&program), run, act);
        let (mut run, mut step) = act(run, Box::new(StateTestRun::begin)).await?;
        loop {
            (run, step) = match step {
                TestStep::Over(tested) => return Ok(*tested),
                TestStep::TooManyFailedIterations => {
                    return Err(StateTestError::TooManyFailedIterations);
                }
                TestStep::Wait(until) => {
                    wait(driver, until.min(deadline)).await;
                    match until <= deadline {
                        true => act(run, Box::new(StateTestRun::wait_is_over)).await?,
                        false => act(run, Box::new(StateTestRun::time_out)).await?,
                    }
                }
                TestStep::Call(call) => {
                    let call = TaskCall {
                        execution_arn: identity.arn.clone(),
                        region: identity.region.clone(),
                        role_arn: identity.role_arn.clone(),
                        dispatch: *call,
                        submission: Submission::unrecorded(),
                        inspector: inspector.clone(),
                        executions: ChildExecutions::new(Arc::downgrade(driver), None),
                    };
                    match call_task(driver, call, deadline).await {
                        Some(result) => {
                            let returned: Act = Box::new(move |run, program, stamp| {
                                run.task_returned(program, stamp, result)
                            });
                            act(run, returned).await?
                        }
                        None => act(run, Box::new(StateTestRun::time_out)).await?,
                    }
                }
            };
        }
    }
}

/// Makes a call; none if the test's time is up first.
async fn call_task(
    driver: &Driver,
    call: TaskCall,
    test_deadline: Timestamp,
) -> Option<Result<Payload, TaskFailure>> {
    let deadline = call.dispatch.deadline.map_or(test_deadline, |own| own.min(test_deadline));
    let is_own = deadline < test_deadline;
    tokio::select! {
        result = driver.call(call) => Some(result),
        () = wait(driver, deadline) => {
            is_own.then(|| Err(TaskFailure { error: Some(TIMEOUT.into()), cause: None }))
        }
    }
}

async fn wait(driver: &Driver, until: Timestamp) {
    while driver.clock.now() < until {
        driver.clock.wait(until).await;
    }
}

type Act = Box<dyn FnOnce(&mut StateTestRun, &Program, Stamp<'_>) -> TestStep + Send>;

/// Does the next part of a test, where nobody waits for it if it may take long.
async fn act_on(
    driver: &Driver,
    program: Arc<Program>,
    mut run: StateTestRun,
    act: Act,
) -> Result<(StateTestRun, TestStep), StateTestError> {
    // No execution has this key: a token of a test ends no task.
    const KEY: ExecutionKey = ExecutionKey(0);
    let seed = uuid::Uuid::new_v4().as_u64_pair().0;
    let now = driver.clock.now();
    let surroundings = driver.surroundings.clone();
    if !program.may_take_long() {
        let step = act(&mut run, &program, Stamp { now, seed, world: &surroundings.of(KEY) });
        return Ok((run, step));
    }
    let done = long_turns::watch(move |watch| {
        let world = surroundings.watched(KEY, watch);
        let step = act(&mut run, &program, Stamp { now, seed, world: &world });
        (run, step)
    });
    done.await.map_err(|text| {
        tracing::error!("{text}");
        StateTestError::DoesNotEnd
    })
}

/// Who the execution of a test is: AWS makes names up for it and its state machine.
fn identity(arn_scope: &str, role_arn: Option<Box<str>>) -> Identity {
    let machine = uuid::Uuid::new_v4().to_string();
    let name = uuid::Uuid::new_v4().to_string();
    Identity {
        arn: format!("{arn_scope}:express:{machine}:{name}").into(),
        name: name.into(),
        state_machine_arn: format!("{arn_scope}:stateMachine:{machine}").into(),
        state_machine_name: machine.into(),
        state_machine_version_arn: None,
        state_machine_alias_arn: None,
        role_arn: role_arn.unwrap_or_default(),
        region: crate::arns::region(&format!("{arn_scope}:")).into(),
        express: true,
        test_case: None,
        map_run: None,
    }
}
