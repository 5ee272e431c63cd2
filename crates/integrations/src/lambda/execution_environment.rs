//! An execution environment: one process of a function, that works on one event at a time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::launch::Launch;
use super::logs::{FunctionLogs, RequestContext};
use super::output::Output;
use super::process::{Exit, ProcessGroup, Processes};
use super::runtime_api::{Initialization, Invocation, RESPONSE_BYTES_MAX, Reply, RuntimeApi};
use crate::clock;

/// What a function may take to start, beside its own timeout.
const INITIALIZATION: Duration = Duration::from_secs(10);

/// Dropping it kills the process and everything that it has started.
pub(super) struct ExecutionEnvironment {
    process: ProcessGroup,
    runtime_api: RuntimeApi,
    output: Arc<Output>,
    follower: AbortHandle,
}

/// An event to work on.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) request_id: Arc<str>,
    pub(super) execution_arn: Arc<str>,
    pub(super) invoked_function_arn: String,
    pub(super) trace_id: String,
    /// JSON text.
    pub(super) client_context: Option<String>,
    pub(super) payload: Bytes,
    pub(super) timeout: Duration,
}

/// What came of an event.
#[derive(Debug)]
pub(super) enum Outcome {
    Response(Bytes),
    /// The function's own error, or one of the platform: a JSON text.
    Error(Bytes),
}

/// What came of an attempt to have an event worked on.
pub(super) enum Attempt {
    /// An answer, and the process can take another event.
    Answered(Outcome),
    /// An answer, or what stands for it; the process has ended or must end.
    Ended(Outcome),
    /// The process had ended before it saw the event; with what that means if nothing else is
    /// tried.
    Unseen(Outcome),
}

impl ExecutionEnvironment {
    /// Starts the process. The error is Lambda's text for what stands in the way.
    pub(super) async fn start(
        function: &Arc<str>,
        launch: &Launch,
        region: &str,
        processes: &Arc<Processes>,
        logs: &Arc<FunctionLogs>,
    ) -> Result<ExecutionEnvironment, String> {
        let runtime_api = RuntimeApi::start()
            .await
            .map_err(|error| format!("failed to open a port for the Runtime API: {error}"))?;
        let mut command = launch.command(runtime_api.address, region)?;
        let pipes = || Ok((std::io::pipe()?, std::io::pipe()?));
        let ((stdout, stdout_writer), (stderr, stderr_writer)) =
            pipes().map_err(|error: std::io::Error| format!("failed to open a pipe: {error}"))?;
        command.stdout(stdout_writer).stderr(stderr_writer);
        let process = processes.spawn(command).map_err(|error| launch.start_problem(&error))?;
        let output = Output::new(Arc::clone(function), Arc::clone(logs), stdout, stderr)
            .map_err(|error| format!("failed to read a pipe: {error}"))?;
        let output = Arc::new(output);
        let followed = Arc::clone(&output);
        let follower = tokio::spawn(async move { followed.follow().await }).abort_handle();
        Ok(ExecutionEnvironment { process, runtime_api, output, follower })
    }

    pub(super) fn has_ended(&self) -> bool {
        self.process.has_ended()
    }

    /// Has one event worked on.
    pub(super) async fn invoke(&self, event: &Event) -> Attempt {
        self.output.set_request(Some(RequestContext {
            request_id: Arc::clone(&event.request_id),
            execution_arn: Arc::clone(&event.execution_arn),
        }));
        let attempt = match self.initialized(event).await {
            Ok(()) => self.work(event).await,
            Err(outcome) => Attempt::Ended(outcome),
        };
        match &attempt {
            Attempt::Answered(_) => self.output.drain(),
            Attempt::Ended(_) | Attempt::Unseen(_) => self.output.finish(),
        }
        self.output.set_request(None);
        attempt
    }

    /// Waits until the process asks for its first event.
    async fn initialized(&self, event: &Event) -> Result<(), Outcome> {
        let mut initialization = self.runtime_api.initialization();
        let came_far = initialization.wait_for(|state| !matches!(state, Initialization::Running));
        tokio::select! {
            biased;
            state = came_far => match state.as_deref() {
                Ok(Initialization::Failed(error)) => Err(Outcome::Error(error.clone())),
                _ => Ok(()),
            },
            exit = self.process.ended() => Err(self.exited(event, exit)),
            () = tokio::time::sleep(INITIALIZATION + event.timeout) => Err(self.timed_out(event)),
        }
    }

    async fn work(&self, event: &Event) -> Attempt {
        let (reply, replied) = oneshot::channel();
        let timeout = i64::try_from(event.timeout.as_millis()).unwrap_or(i64::MAX);
        self.runtime_api.invoke(Invocation {
            request_id: Arc::clone(&event.request_id),
            payload: event.payload.clone(),
            invoked_function_arn: event.invoked_function_arn.clone(),
            deadline: clock::now_milliseconds().saturating_add(timeout),
            trace_id: event.trace_id.clone(),
            client_context: event.client_context.clone(),
            reply,
        });
        tokio::select! {
            biased;
            Ok(reply) = replied => Attempt::Answered(match reply {
                Reply::Response(payload) => Outcome::Response(payload),
                Reply::Error(error) => Outcome::Error(error),
                Reply::TooLarge => Outcome::Error(platform_error(
                    "Function.ResponseSizeTooLarge",
                    &format!(
                        "Response payload size exceeded maximum allowed payload size \
                         ({RESPONSE_BYTES_MAX} bytes)."
                    ),
                )),
            }),
            exit = self.process.ended() => {
                let fetched = self.runtime_api.is_fetched();
                let outcome = self.exited(event, exit);
                if fetched { Attempt::Ended(outcome) } else { Attempt::Unseen(outcome) }
            }
            () = tokio::time::sleep(event.timeout) => Attempt::Ended(self.timed_out(event)),
        }
    }

    fn exited(&self, event: &Event, exit: Exit) -> Outcome {
        self.fail(event, "Runtime.ExitError", &exit.describe())
    }

    fn timed_out(&self, event: &Event) -> Outcome {
        let seconds = event.timeout.as_secs_f64();
        self.fail(event, "Sandbox.Timedout", &format!("Task timed out after {seconds:.2} seconds"))
    }

    fn fail(&self, event: &Event, error_type: &str, reason: &str) -> Outcome {
        self.output.finish();
        let message = request_error(&event.request_id, reason);
        self.output.say(&message);
        Outcome::Error(platform_error(error_type, &message))
    }
}

impl Drop for ExecutionEnvironment {
    fn drop(&mut self) {
        self.follower.abort();
        self.output.finish();
    }
}

/// `RequestId: … Error: …`
pub(super) fn request_error(request_id: &str, reason: &str) -> String {
    format!("RequestId: {request_id} Error: {reason}")
}

/// The payload of an error that Lambda itself reports.
pub(super) fn platform_error(error_type: &str, message: &str) -> Bytes {
    let error = serde_json::json!({ "errorType": error_type, "errorMessage": message });
    Bytes::from(error.to_string())
}
