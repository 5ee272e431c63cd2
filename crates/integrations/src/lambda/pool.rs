//! The execution environments of one function: as many as calls ask for, up to a limit; warm
//! ones are used again, and end when they have had nothing to do for a while.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::execution_environment::{
    Attempt, Event, ExecutionEnvironment, Outcome, platform_error, request_error,
};
use super::launch::Launch;
use super::logs::{FunctionLogs, LogStream, RequestContext};
use super::process::Processes;

/// A function that runs here.
pub(super) struct Pool {
    function: Arc<str>,
    launch: Launch,
    idle_time: Duration,
    places: Semaphore,
    state: Mutex<State>,
    processes: Arc<Processes>,
    logs: Arc<FunctionLogs>,
}

#[derive(Default)]
struct State {
    /// The most recently used one is last.
    idle: Vec<Idle>,
    reaper_runs: bool,
    /// How often all environments were to be replaced. One that was started before the last time
    /// is not used again.
    generation: u64,
}

struct Idle {
    environment: ExecutionEnvironment,
    since: Instant,
}

impl Pool {
    pub(super) fn new(
        function: Arc<str>,
        launch: Launch,
        concurrency: u32,
        idle_time: Duration,
        processes: Arc<Processes>,
        logs: Arc<FunctionLogs>,
    ) -> Pool {
        let places = usize::try_from(concurrency)
            .map_or(Semaphore::MAX_PERMITS, |places| places.min(Semaphore::MAX_PERMITS));
        Pool {
            function,
            launch,
            idle_time,
            places: Semaphore::new(places),
            state: Mutex::default(),
            processes,
            logs,
        }
    }

    /// Has an event worked on, as soon as there is a place. If the future is dropped meanwhile,
    /// the process that works on it is killed, and no other.
    pub(super) async fn invoke(self: &Arc<Self>, event: &Event, region: &str) -> Outcome {
        let _place = self.places.acquire().await.expect("the places are never closed");
        let outcome = self.work(event, region).await;
        if self.processes.is_closed() {
            // The process was killed because the server stops. The call has neither succeeded
            // nor failed; it is made again after the next start.
            std::future::pending::<()>().await;
        }
        outcome
    }

    async fn work(self: &Arc<Self>, event: &Event, region: &str) -> Outcome {
        loop {
            let generation = self.state().generation;
            let (environment, is_warm) = match self.take_idle() {
                Some(environment) => (environment, true),
                None => {
                    let started = ExecutionEnvironment::start(
                        &self.function,
                        &self.launch,
                        region,
                        &self.processes,
                        &self.logs,
                    );
                    match started.await {
                        Ok(environment) => (environment, false),
                        Err(reason) => return self.cannot_start(event, &reason),
                    }
                }
            };
            match environment.invoke(event).await {
                Attempt::Answered(outcome) => {
                    self.put_idle(environment, generation);
                    return outcome;
                }
                Attempt::Ended(outcome) => return outcome,
                // It ended while it was idle: another one takes the event.
                Attempt::Unseen(_) if is_warm => {}
                Attempt::Unseen(outcome) => return outcome,
            }
        }
    }

    fn cannot_start(&self, event: &Event, reason: &str) -> Outcome {
        let message = request_error(&event.request_id, reason);
        let request = RequestContext {
            request_id: Arc::clone(&event.request_id),
            execution_arn: Arc::clone(&event.execution_arn),
        };
        self.logs.append(&self.function, Some(&request), LogStream::Platform, &message);
        Outcome::Error(platform_error("Runtime.InvalidEntrypoint", &message))
    }

    fn take_idle(&self) -> Option<ExecutionEnvironment> {
        let mut state = self.state();
        while let Some(idle) = state.idle.pop() {
            if !idle.environment.has_ended() {
                return Some(idle.environment);
            }
        }
        None
    }

    /// Ends the environments that are idle, and the others after the call they work on: the next
    /// call sees the code as it is by then.
    pub(super) fn replace_all(&self) {
        let mut state = self.state();
        state.generation += 1;
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        drop(idle);
    }

    fn put_idle(self: &Arc<Self>, environment: ExecutionEnvironment, generation: u64) {
        let mut state = self.state();
        if generation != state.generation {
            drop(state);
            drop(environment);
            return;
        }
        state.idle.push(Idle { environment, since: Instant::now() });
        if !state.reaper_runs {
            state.reaper_runs = true;
            tokio::spawn(reap(Arc::downgrade(self)));
        }
    }

    /// Ends those that have been idle for too long; the moment to look again, if any is left.
    fn end_idle(&self, now: Instant) -> Option<Instant> {
        let mut state = self.state();
        state.idle.retain(|idle| {
            !idle.environment.has_ended() && now.duration_since(idle.since) < self.idle_time
        });
        let next = state.idle.iter().map(|idle| idle.since + self.idle_time).min();
        state.reaper_runs = next.is_some();
        next
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs while there are idle environments.
async fn reap(pool: Weak<Pool>) {
    loop {
        let Some(next) = pool.upgrade().and_then(|pool| pool.end_idle(Instant::now())) else {
            return;
        };
        tokio::time::sleep_until(next).await;
    }
}
