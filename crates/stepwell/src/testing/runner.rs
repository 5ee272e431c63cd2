//! Runs test cases in this process: a runtime of its own for each, whose clock skips waits.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use asl::{MachineType, Payload, Program, Timestamp};
use engine::{Branch, Event, EventKind, Status};
use integrations::Integrations;
use integrations::mocks::{MockConfig, MockedIntegrations};
use runtime::{
    ExecutionDescription, Progress, Runtime, RuntimeError, RuntimeOptions, SkippingClock,
    StartRequest, StateMachine,
};
use store::MemoryStore;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::config::Settings;
use crate::failure::Failure;
use crate::machines::{Refused, Registrar};
use crate::wiring::{evaluator_program, integrations_config};

use super::case_file::Case;

/// How far ahead wake-ups are kept in memory: farther than an execution can wait.
const WAKE_WINDOW: Duration = Duration::from_secs(10 * 366 * 86_400);
/// How long the last events may come behind the end itself.
const LAST_PROGRESS: Duration = Duration::from_secs(5);

/// What an execution did.
#[derive(Debug)]
pub(crate) struct Observed {
    pub(crate) status: &'static str,
    pub(crate) output: Option<Payload>,
    pub(crate) error: Option<String>,
    pub(crate) cause: Option<String>,
    pub(crate) transitions: u64,
    /// By its own clock.
    pub(crate) milliseconds: i64,
    /// The states entered, in order.
    pub(crate) path: Vec<String>,
    /// Tasks, and what they were called with.
    pub(crate) calls: Vec<(String, Payload)>,
    /// All its events, and those of the children that run its own states.
    pub(crate) events: Vec<Event>,
    pub(crate) branches: Vec<Branch>,
}

/// A definition that executions may need: the one under test, and those that it starts.
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) definition: Arc<str>,
}

/// What runs cases.
pub(crate) struct Runner<'s> {
    pub(crate) settings: &'s Settings,
    pub(crate) machines: &'s [Machine],
    /// The test cases of the mock file.
    pub(crate) config: &'s MockConfig,
    /// Whether tasks without a mock fail.
    pub(crate) is_strict: bool,
    /// How long a case may take on this machine.
    pub(crate) patience: Duration,
}

impl Runner<'_> {
    /// Runs a case of a state machine. None if it does not end in time.
    pub(crate) fn run(&self, name: &str, case: &Case) -> Result<Option<Observed>, Failure> {
        // One thread, so that the clock sees whoever was woken.
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let tokio = tokio.map_err(|error| {
            Failure::unsuccessful(format!("cannot start an asynchronous runtime: {error}"))
        })?;
        let observed = tokio.block_on(self.run_here(name, case));
        tokio.shutdown_background();
        observed
    }

    async fn run_here(&self, name: &str, case: &Case) -> Result<Option<Observed>, Failure> {
        let mut config = self.config.clone();
        config.add(name, &case.name, case.mocks.clone());
        let clock = Arc::new(SkippingClock::new(case.start));
        let integrations = Integrations::new(integrations_config(self.settings));
        let options = RuntimeOptions {
            mocks: Some(MockedIntegrations::fixed(config, self.is_strict)),
            wake_window: WAKE_WINDOW,
            evaluator: evaluator_program(),
            ..RuntimeOptions::default()
        };
        let runtime = Runtime::start_with_clock(
            Arc::new(MemoryStore::default()),
            integrations.clone(),
            options,
            clock.clone(),
        );
        let runtime = runtime.await.map_err(|error| failed(&error))?;
        let machine = self.register(&runtime, name).await?;
        let watch = runtime.watch();
        let request = StartRequest {
            state_machine_arn: format!("{}#{}", machine.arn, case.name),
            name: None,
            input: case.input.clone(),
            trace_header: None,
        };
        let follow = follow(&runtime, &clock, &machine, request, watch);
        let outcome = tokio::time::timeout(self.patience, follow).await;
        clock.stop();
        runtime.shutdown().await;
        integrations.shutdown().await;
        outcome.ok().transpose()
    }

    /// Registers every definition of the folder; the one under test is given back.
    async fn register(&self, runtime: &Runtime, name: &str) -> Result<StateMachine, Failure> {
        let registrar = Registrar { runtime, settings: self.settings };
        let mut under_test = None;
        for machine in self.machines {
            let settings = self.settings.machines.get(&machine.name).cloned().unwrap_or_default();
            let definition = Arc::clone(&machine.definition);
            match registrar.register(&machine.name, definition, &settings).await {
                Ok(registered) if machine.name == name => {
                    under_test = Some(registered.machine().clone());
                }
                Ok(_) | Err(Refused::Invalid(_)) => {}
                Err(Refused::Other(message)) => {
                    return Err(Failure::usage(format!("{}: {message}", machine.path.display())));
                }
            }
        }
        under_test.ok_or_else(|| Failure::usage(format!("the definition of {name} is not valid")))
    }
}

/// Starts an execution, lets time pass, and gathers what it does.
async fn follow(
    runtime: &Runtime,
    clock: &SkippingClock,
    machine: &StateMachine,
    request: StartRequest,
    watch: Receiver<Progress>,
) -> Result<Observed, Failure> {
    let run = async {
        match machine.machine_type {
            MachineType::Express => runtime.start_sync_execution(request).await,
            MachineType::Standard => {
                let started = runtime.start_execution(request).await?;
                runtime.wait_for_end(&started.execution_arn).await
            }
        }
    };
    let gather = tokio::spawn(gather(watch, Arc::clone(&machine.program), machine.arn.clone()));
    // The clock begins to skip once the start is under way.
    let (ended, ()) = tokio::join!(run, async { clock.start() });
    let ended = ended.map_err(|error| failed(&error))?;
    let seen = tokio::time::timeout(LAST_PROGRESS, gather).await;
    let seen = match seen {
        Ok(Ok(Ok(seen))) => seen,
        Ok(Ok(Err(lost))) => {
            return Err(Failure::unsuccessful(format!("{lost} steps went by unseen")));
        }
        _ => return Err(Failure::unsuccessful("the last steps were not seen")),
    };
    Ok(observed(&ended, seen, &machine.program))
}

/// What was seen of an execution.
#[derive(Debug, Default)]
struct Seen {
    /// Of the execution itself.
    own: Vec<Event>,
    events: Vec<Event>,
    branches: Vec<Branch>,
}

/// Gathers what happens until the execution of this machine is over; or how much was lost.
async fn gather(
    mut watch: Receiver<Progress>,
    program: Arc<Program>,
    machine_arn: Box<str>,
) -> Result<Seen, u64> {
    let mut seen = Seen::default();
    loop {
        match watch.recv().await {
            Ok(piece) => {
                let is_own = piece.identity.state_machine_arn == machine_arn
                    && piece.identity.test_case.is_some();
                if is_own {
                    seen.own.extend(piece.events.iter().cloned());
                }
                if Arc::ptr_eq(&piece.program, &program) {
                    seen.events.extend(piece.events.iter().cloned());
                    seen.branches.extend(piece.branches.iter().copied());
                }
                if is_own && piece.status != Status::Running {
                    return Ok(seen);
                }
            }
            Err(RecvError::Lagged(pieces)) => return Err(pieces),
            Err(RecvError::Closed) => return Ok(seen),
        }
    }
}

fn observed(ended: &ExecutionDescription, seen: Seen, program: &Program) -> Observed {
    let mut path = Vec::new();
    let mut calls = Vec::new();
    for event in &seen.own {
        match &event.kind {
            EventKind::StateEntered { state, .. } => {
                path.push(program.state(*state).name.to_string());
            }
            EventKind::TaskScheduled { state, parameters, .. } => {
                calls.push((program.state(*state).name.to_string(), parameters.clone()));
            }
            _ => {}
        }
    }
    let Timestamp(start) = ended.start_date;
    Observed {
        status: ended.status.name(),
        output: ended.output.clone(),
        error: ended.error.as_deref().map(str::to_owned),
        cause: ended.cause.as_deref().map(str::to_owned),
        transitions: ended.transitions,
        milliseconds: ended.stop_date.map_or(0, |stop| stop.0 - start),
        path,
        calls,
        events: seen.events,
        branches: seen.branches,
    }
}

fn failed(error: &RuntimeError) -> Failure {
    Failure::unsuccessful(format!("the case cannot run: {error}"))
}
