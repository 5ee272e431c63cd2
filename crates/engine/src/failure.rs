//! What happens when a state fails: Retry, Catch, or the failure of what it is in.

use asl::{Catcher, EvaluationError, Payload, QueryLanguage, StateKind};
use serde_json::{Value, json};

use crate::frame::Phase;
use crate::limits::{Limits, PAYLOAD_NESTING_MAX};
use crate::retry;
use crate::turn::{Flow, Over, Sight, Stop, Turn};
use crate::{Branch, EventKind, FrameId, dataflow, limits};

/// Why a state failed.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) error: Option<Box<str>>,
    pub(crate) cause: Option<Box<str>>,
    /// A Task state failed, so that `States.TaskFailed` matches.
    pub(crate) of_task: bool,
    /// Of a Parallel: a branch failed, so that `States.BranchFailed` matches.
    pub(crate) of_branch: bool,
    /// No Retry, no Catch, no container can take it: the execution fails.
    pub(crate) is_fatal: bool,
    /// Of a JSONata evaluation: the field, which makes an EvaluationFailed event.
    pub(crate) location: Option<String>,
}

impl Failure {
    pub(crate) fn new(error: impl Into<Box<str>>, cause: impl Into<Box<str>>) -> Failure {
        Failure::given(Some(error.into()), Some(cause.into()))
    }

    /// As a task or a Fail state gives it, with what is longer than AWS keeps cut off.
    pub(crate) fn given(error: Option<Box<str>>, cause: Option<Box<str>>) -> Failure {
        Failure {
            error: error.map(|error| cut(error, limits::ERROR_CHARACTERS_MAX)),
            cause: cause.map(|cause| cut(cause, limits::CAUSE_CHARACTERS_MAX)),
            of_task: false,
            of_branch: false,
            is_fatal: false,
            location: None,
        }
    }

    /// `States.Runtime`, which nothing catches.
    pub(crate) fn runtime(cause: impl Into<Box<str>>) -> Failure {
        Failure { is_fatal: true, ..Failure::new(RUNTIME, cause) }
    }

    /// Variables that are too large, which nothing catches.
    pub(crate) fn variables_too_large(state: &str) -> Failure {
        Failure { is_fatal: true, ..Failure::too_large(state) }
    }

    /// `States.DataLimitExceeded` of a state or task of this name.
    pub(crate) fn too_large(name: &str) -> Failure {
        let cause = format!(
            "The state/task '{name}' returned a result with a size exceeding the maximum number \
             of bytes service limit."
        );
        Failure::new(DATA_LIMIT_EXCEEDED, cause)
    }

    /// Checks the size and the nesting of a task's result.
    pub(crate) fn check_result(
        result: Payload,
        name: &str,
        limits: &Limits,
    ) -> Result<Payload, Failure> {
        if result.size() > limits.payload_bytes {
            return Err(Failure::too_large(name));
        }
        if result.nesting() > PAYLOAD_NESTING_MAX {
            let most = PAYLOAD_NESTING_MAX;
            let cause = format!(
                "The state/task '{name}' returned a result nested deeper than {most} levels."
            );
            return Err(Failure::new(DATA_LIMIT_EXCEEDED, cause));
        }
        Ok(result)
    }

    /// Checks what a state takes or gives. Nothing catches that it is too large.
    pub(crate) fn check_data(
        data: Payload,
        state: &str,
        limits: &Limits,
    ) -> Result<Payload, Failure> {
        Failure::check_result(data, state, limits)
            .map_err(|error| Failure { is_fatal: true, ..error })
    }

    /// An evaluation error of a state, with AWS's prefix.
    pub(crate) fn of_state(error: EvaluationError, prefix: String) -> Failure {
        let mut failure = Failure::from(error);
        let cause = failure.cause.as_deref().unwrap_or_default();
        let cause = format!("{prefix}{cause}").into();
        failure.cause = Some(cut(cause, limits::CAUSE_CHARACTERS_MAX));
        failure
    }
}

impl From<EvaluationError> for Failure {
    fn from(error: EvaluationError) -> Failure {
        Failure {
            is_fatal: error.error == RUNTIME,
            location: error.location,
            ..Failure::new(error.error, error.cause)
        }
    }
}

/// A text of at most so many characters.
fn cut(text: Box<str>, most: usize) -> Box<str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => text[..end].into(),
        None => text,
    }
}

pub(crate) const RUNTIME: &str = "States.Runtime";
pub(crate) const DATA_LIMIT_EXCEEDED: &str = "States.DataLimitExceeded";
pub(crate) const TIMEOUT: &str = "States.Timeout";
pub(crate) const HEARTBEAT_TIMEOUT: &str = "States.HeartbeatTimeout";

impl Turn<'_> {
    /// The state that `frame` is in failed: tries it again, catches, or lets what it is in fail.
    pub(crate) fn state_failed(&mut self, frame: FrameId, failure: Failure) -> Flow {
        self.emit_evaluation_failed(frame, &failure)?;
        let last_id = self.execution.frame(frame).last_id;
        self.fail_state(frame, failure, last_id)
    }

    /// As [`Turn::state_failed`]; `last_id` is the event that tells of the failure.
    pub(crate) fn fail_state(&mut self, frame: FrameId, failure: Failure, last_id: u32) -> Flow {
        // AWS: `States.TaskFailed` applies to any failure of a Task state.
        let is_task = matches!(self.state(frame).kind, StateKind::Task(_));
        let failure = Failure { of_task: failure.of_task || is_task, ..failure };
        self.inspect(|inspection| inspection.failed(&failure));
        if failure.is_fatal {
            return Err(self.fail_execution(last_id, &failure));
        }
        let state = self.state(frame);
        if let Some((retrier, until)) = retry::next_attempt(self, frame, &failure) {
            let index = self.execution.current(frame).state;
            let kind = EventKind::RetryScheduled { frame, state: index, retrier, until };
            self.emit_after(last_id, kind)?;
            return Ok(());
        }
        self.emit_container_failed(frame, last_id)?;
        let takes = |catcher: &Catcher| {
            retry::matches(&catcher.error_equals, &failure, retry::Purpose::Catch)
        };
        match state.catch.iter().enumerate().find(|(_, catcher)| takes(catcher)) {
            Some((index, _)) => match self.catch(frame, index, &failure) {
                Ok(()) => Ok(()),
                Err(Stop::Over) => Err(Over),
                Err(Stop::Failed(error)) => {
                    self.emit_evaluation_failed(frame, &error)?;
                    if error.is_fatal {
                        let last_id = self.execution.frame(frame).last_id;
                        return Err(self.fail_execution(last_id, &error));
                    }
                    let of_task = matches!(state.kind, StateKind::Task(_));
                    self.propagate(frame, Failure { of_task, ..error })
                }
            },
            None => self.propagate(frame, failure),
        }
    }

    /// JSONata failures have an event of their own. It points where the state's Entered event
    /// points, as long as nothing came after that one; a Wait's points at the Entered event.
    pub(crate) fn emit_evaluation_failed(&mut self, frame: FrameId, failure: &Failure) -> Flow {
        let (Some(location), Some(error)) = (&failure.location, &failure.error) else {
            return Ok(());
        };
        let current = self.execution.current(frame);
        let last_id = self.execution.frame(frame).last_id;
        let is_wait = matches!(self.state(frame).kind, StateKind::Wait(_));
        let previous = match last_id == current.entered_id && !is_wait {
            true => current.entered_previous,
            false => last_id,
        };
        let kind = EventKind::EvaluationFailed {
            frame,
            state: current.state,
            error: error.clone(),
            cause: failure.cause.clone().unwrap_or_default(),
            location: (!location.is_empty()).then(|| location.as_str().into()),
        };
        self.emit_after(previous, kind)?;
        Ok(())
    }

    /// A Parallel or Map that will not be tried again: its frames go, its Failed event comes.
    fn emit_container_failed(&mut self, frame: FrameId, last_id: u32) -> Flow {
        let state = self.execution.current(frame).state;
        let kind = match self.program.state(state).kind {
            StateKind::Parallel { .. } => EventKind::ParallelFailed { frame, state },
            StateKind::Map(_) => EventKind::MapFailed { frame, state },
            _ => return Ok(()),
        };
        self.emit_after(last_id, kind)?;
        Ok(())
    }

    fn catch(&mut self, frame: FrameId, index: usize, failure: &Failure) -> Result<(), Stop> {
        let state = self.execution.current(frame).state;
        if let Ok(catcher) = u32::try_from(index) {
            self.note(Branch::Catch { state, catcher });
        }
        let catcher = &self.state(frame).catch[index];
        self.inspect(|inspection| inspection.catch_index = Some(index));
        let error_output = error_output(failure);
        let raw_input = self.raw_input(frame);
        let is_jsonata = self.state(frame).query_language == QueryLanguage::Jsonata;
        let sight = match is_jsonata {
            true => Sight {
                input: raw_input.value(),
                result: None,
                error_output: Some(error_output.value()),
            },
            false => Sight::input(error_output.value()),
        };
        let assigned = match &catcher.assign {
            Some(template) => {
                let location = format!("Catch[{index}]/Assign");
                dataflow::assign(self, frame, template, &location, sight)?
            }
            None => Vec::new(),
        };
        let output = match &catcher.output {
            Some(template) => self.evaluate(frame, sight, |environment| {
                template.evaluate_payload(environment, &format!("Catch[{index}]/Output"))
            })?,
            None if is_jsonata => error_output.clone(),
            None => dataflow::apply_result_path(
                self,
                frame,
                &catcher.result_path,
                &raw_input,
                error_output,
            )?,
        };
        self.leave(frame, output, assigned, Some(catcher.next))?;
        Ok(())
    }

    /// Nothing in the state took the failure: what the frame belongs to fails.
    fn propagate(&mut self, frame: FrameId, failure: Failure) -> Flow {
        let last_id = self.execution.frame(frame).last_id;
        let Some(container) = self.execution.frame(frame).parent else {
            return Err(self.fail_execution(last_id, &failure));
        };
        if self.execution.frame(frame).item.is_some() {
            let state = self.execution.current(container).state;
            let index = self.execution.frame(frame).index;
            let kind = EventKind::IterationFailed { frame: container, state, index };
            self.emit_after(last_id, kind)?;
        }
        // The siblings go first, the failing frame last; every event points at the failure.
        self.abort_frames(container, Some(frame), last_id)?;
        self.abort_state(container, frame, last_id)?;
        let of_branch = self.execution.frame(frame).item.is_none();
        let failure = Failure { location: None, of_branch, ..failure };
        self.fail_state(container, failure, last_id)
    }

    /// Cuts off every branch or iteration of a container but one.
    pub(crate) fn abort_frames(
        &mut self,
        container: FrameId,
        but: Option<FrameId>,
        last_id: u32,
    ) -> Flow {
        let frames: Vec<FrameId> =
            self.execution.children(container).filter(|child| Some(*child) != but).collect();
        for frame in frames {
            self.abort_frame(container, frame, last_id)?;
        }
        Ok(())
    }

    /// Cuts off a branch or iteration: the state it is in, then itself.
    fn abort_frame(&mut self, container: FrameId, frame: FrameId, last_id: u32) -> Flow {
        self.abort_state(container, frame, last_id)?;
        if self.execution.frame(frame).item.is_some() {
            let state = self.execution.current(container).state;
            let index = self.execution.frame(frame).index;
            let kind = EventKind::IterationAborted { frame: container, state, index };
            self.emit_after(last_id, kind)?;
        }
        Ok(())
    }

    /// Cuts off the state that `frame` is in, with everything inside it. One that has told of its
    /// own failure (…StateFailed) is over, as an iteration is that has failed.
    fn abort_state(&mut self, container: FrameId, frame: FrameId, last_id: u32) -> Flow {
        let Some(current) = self.execution.frame(frame).current() else { return Ok(()) };
        let state = current.state;
        let is_container = matches!(
            self.program.state(state).kind,
            StateKind::Parallel { .. } | StateKind::Map(_)
        );
        if is_container && matches!(current.phase, Phase::Over) {
            return Ok(());
        }
        let mut last_id = last_id;
        match &current.phase {
            Phase::Task(task) => self.cancel_task(task.task),
            Phase::MapRun(_) => last_id = self.abort_map_run(frame, last_id)?,
            _ => {}
        }
        self.abort_frames(frame, None, last_id)?;
        if is_container
            || matches!(self.program.state(state).kind, StateKind::Task(_) | StateKind::Wait(_))
        {
            self.emit_after(last_id, EventKind::StateAborted { frame: container, state })?;
        }
        Ok(())
    }
}

/// `{"Error": …, "Cause": …}`: what a catcher hands on. What was not given is null (recorded of a
/// task that failed without a name); a timeout's cause is empty (recorded).
fn error_output(failure: &Failure) -> Payload {
    let cause = match (failure.error.as_deref(), &failure.cause) {
        (_, Some(cause)) => json!(&**cause),
        (Some(TIMEOUT | HEARTBEAT_TIMEOUT), None) => json!(""),
        (_, None) => Value::Null,
    };
    Payload::from_value(json!({ "Error": failure.error.as_deref(), "Cause": cause }))
}
