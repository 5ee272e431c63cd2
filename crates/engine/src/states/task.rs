//! Task: work outside, which ends by an answer, a token or a timeout.

use asl::{EvaluationError, Payload, QueryLanguage, Resource, Task, Timestamp};
use serde_json::Value;

use super::Bounds;
use crate::context::Extra;
use crate::failure::{Failure, HEARTBEAT_TIMEOUT, TIMEOUT};
use crate::frame::{Callback, TaskPhase};
use crate::turn::{Flow, Sight, Stop, Turn};
use crate::{
    ActivityOffer, Effect, EventKind, FrameId, Refusal, TaskDispatch, TaskFailure, TaskId,
};

impl Turn<'_> {
    pub(super) fn task(&mut self, frame: FrameId, task: &Task) -> Result<(), Stop> {
        let effective = self.effective_input(frame)?;
        // The attempt is named by its Scheduled event, which is the next one.
        let id = TaskId(self.execution.last_id + 1);
        let takes = task.resource.takes_task_token();
        let extra = Extra {
            task_token: takes.then(|| self.stamp.world.task_token(id)),
            ..Extra::default()
        };
        let parameters = self.arguments(frame, &effective, &extra)?;
        let credentials = self.credentials(frame, &effective, task, &extra)?;
        let seconds = |number: &Option<asl::NumberField>, field| match number {
            None => Ok(None),
            Some(number) => self
                .whole_number(frame, &effective, number, field, Bounds::SECONDS)
                .map(|seconds| Some(seconds.unsigned_abs())),
        };
        let timeout_seconds = seconds(&task.timeout_seconds, "TimeoutSeconds")?;
        let heartbeat_seconds = seconds(&task.heartbeat_seconds, "HeartbeatSeconds")?;
        if let Resource::Activity { arn } = &task.resource
            && self.probe.is_none()
            && !self.stamp.world.activity_exists(arn)
        {
            let cause = format!("The activity {arn} does not exist.");
            return Err(self.runtime_error(frame, cause).into());
        }
        let state = self.execution.current(frame).state;
        self.emit(
            frame,
            EventKind::TaskScheduled {
                frame,
                state,
                parameters,
                timeout_seconds,
                heartbeat_seconds,
                credentials,
            },
        )?;
        if !matches!(task.resource, Resource::Activity { .. }) {
            let kind = EventKind::TaskStarted { frame, state, by_worker: false, worker_name: None };
            self.emit(frame, kind)?;
        }
        let effect = self.task_effect(frame, false);
        self.effects.extend(effect);
        Ok(())
    }

    /// `Credentials`, where the state has them.
    fn credentials(
        &self,
        frame: FrameId,
        effective: &Payload,
        task: &Task,
        extra: &Extra,
    ) -> Result<Option<Payload>, Failure> {
        let Some(template) = &task.credentials else { return Ok(None) };
        let sight = Sight::input(effective.value());
        let credentials = self.evaluate_with(frame, sight, extra, |environment| {
            template.evaluate_payload(environment, "Credentials")
        })?;
        if role_arn(&credentials).is_some() {
            return Ok(Some(credentials));
        }
        // Without a role the task would run with the rights of the state machine.
        let found = credentials.value().get("RoleArn").map_or("nothing".into(), asl::json_text);
        let cause = format!("The RoleArn field must refer to a string, but was: {found}");
        Err(match self.state(frame).query_language {
            QueryLanguage::JsonPath => self.runtime_error(frame, cause),
            QueryLanguage::Jsonata => {
                let error = EvaluationError::query(cause, "Credentials/RoleArn");
                Failure::of_state(error, self.prefix(frame))
            }
        })
    }

    /// What this process must do for the attempt that a frame is in, if anything.
    pub(crate) fn task_effect(&self, frame: FrameId, recovered: bool) -> Option<Effect> {
        let phase = self.execution.frame(frame).task().filter(|task| task.needs_this_process())?;
        let state = self.state(frame);
        let asl::StateKind::Task(task) = &state.kind else { return None };
        if let Resource::Activity { arn } = &task.resource {
            return Some(Effect::OfferActivity(Box::new(ActivityOffer {
                task: phase.task,
                activity_arn: arn.clone(),
                input: phase.parameters.clone(),
            })));
        }
        Some(Effect::RunTask(Box::new(self.dispatch(frame, phase, task, recovered))))
    }

    fn dispatch(
        &self,
        frame: FrameId,
        phase: &TaskPhase,
        task: &Task,
        recovered: bool,
    ) -> TaskDispatch {
        let waits = task.resource.waits_for_task_token();
        TaskDispatch {
            task: phase.task,
            state_name: self.state(frame).name.clone(),
            resource: task.resource.clone(),
            parameters: phase.parameters.clone(),
            credentials: phase.credentials.clone(),
            task_token: waits.then(|| self.stamp.world.task_token(phase.task)),
            submitted: phase.job.clone(),
            started: phase.started,
            deadline: phase.timeout_at(),
            recovered,
        }
    }

    /// Nobody waits for an open task any more.
    pub(crate) fn cancel_task(&mut self, task: TaskId) {
        let Some((frame, phase)) = self.open_task(task) else { return };
        let effect = match &self.state(frame).kind {
            asl::StateKind::Task(work) if work.resource.waits_for_job() => {
                Effect::CancelJob(Box::new(self.dispatch(frame, phase, work, false)))
            }
            _ => Effect::CancelTask { task },
        };
        self.effects.push(effect);
    }

    /// A worker took an activity task.
    pub(crate) fn start_activity(
        &mut self,
        task: TaskId,
        worker_name: Option<Box<str>>,
    ) -> Result<Option<Refusal>, crate::turn::Over> {
        let Some((frame, phase)) = self.open_task(task) else { return Ok(Some(Refusal::TaskOver)) };
        if phase.started.is_some() {
            return Ok(Some(Refusal::TaskOver));
        }
        let state = self.execution.current(frame).state;
        self.emit(frame, EventKind::TaskStarted { frame, state, by_worker: true, worker_name })?;
        Ok(None)
    }

    /// A task has submitted the job that it waits for.
    pub(crate) fn submit_task(
        &mut self,
        task: TaskId,
        output: Payload,
    ) -> Result<Option<Refusal>, crate::turn::Over> {
        let Some((frame, phase)) = self.open_task(task) else { return Ok(Some(Refusal::TaskOver)) };
        if phase.by_worker || !self.task_of(frame).resource.waits_for_job() {
            return Ok(Some(Refusal::TaskOver));
        }
        if phase.submitted {
            // Said twice: it is recorded.
            return Ok(None);
        }
        let callback = phase.callback.clone();
        let state = self.execution.current(frame).state;
        self.emit(frame, EventKind::JobSubmitted { frame, state, output })?;
        if let Some(Callback(result)) = callback {
            self.effects.push(Effect::ReleaseJob { task });
            self.end_task(frame, result)?;
        }
        Ok(None)
    }

    /// The call of a task came back.
    pub(crate) fn return_task(
        &mut self,
        task: TaskId,
        result: Result<Payload, TaskFailure>,
    ) -> Result<Option<Refusal>, crate::turn::Over> {
        let Some((frame, phase)) = self.open_task(task) else { return Ok(Some(Refusal::TaskOver)) };
        if (phase.submitted && phase.job.is_none()) || phase.by_worker {
            return Ok(Some(Refusal::TaskOver));
        }
        let callback = phase.callback.clone();
        if !self.task_of(frame).resource.waits_for_task_token() {
            self.end_task(frame, result)?;
            return Ok(None);
        }
        match result {
            Err(failure) => self.end_task(frame, Err(failure))?,
            Ok(output) => {
                let state = self.execution.current(frame).state;
                self.emit(frame, EventKind::TaskSubmitted { frame, state, output })?;
                if let Some(Callback(result)) = callback {
                    self.end_task(frame, result)?;
                }
            }
        }
        Ok(None)
    }

    /// The token of a task came back.
    pub(crate) fn answer_task(
        &mut self,
        task: TaskId,
        result: Result<Payload, TaskFailure>,
    ) -> Result<Option<Refusal>, crate::turn::Over> {
        let Some((frame, phase)) = self.open_task(task) else { return Ok(Some(Refusal::TaskOver)) };
        if phase.callback.is_some() || phase.started.is_none() {
            return Ok(Some(Refusal::TaskOver));
        }
        if phase.submitted || phase.by_worker {
            if phase.job.is_some() {
                self.effects.push(Effect::ReleaseJob { task });
            }
            self.end_task(frame, result)?;
        } else if self.task_of(frame).resource.takes_task_token() {
            let state = self.execution.current(frame).state;
            self.emit(frame, EventKind::CallbackRecorded { frame, state, result })?;
        } else {
            return Ok(Some(Refusal::TaskOver));
        }
        Ok(None)
    }

    /// A sign of life from a worker.
    pub(crate) fn heartbeat(&mut self, task: TaskId) -> Result<Option<Refusal>, crate::turn::Over> {
        let Some((frame, phase)) = self.open_task(task) else { return Ok(Some(Refusal::TaskOver)) };
        // Without HeartbeatSeconds there is nothing to remember.
        if phase.heartbeat_seconds.is_some() && phase.last_beat.is_some() {
            let state = self.execution.current(frame).state;
            self.emit(frame, EventKind::HeartbeatRecorded { frame, state })?;
        }
        Ok(None)
    }

    pub(crate) fn end_task(
        &mut self,
        frame: FrameId,
        result: Result<Payload, TaskFailure>,
    ) -> Flow {
        let result = result.and_then(|output| {
            let name = match &self.task_of(frame).resource {
                Resource::Service { service, .. } => service,
                Resource::LambdaFunction { arn } | Resource::Activity { arn } => arn,
            };
            Failure::check_result(output, name, &self.limits)
                .map_err(|Failure { error, cause, .. }| TaskFailure { error, cause })
        });
        let state = self.execution.current(frame).state;
        // Only what has a TaskSubmitted event can fail before it.
        let has_submission = self.task_of(frame).resource.takes_task_token();
        let task = self.execution.frame(frame).task();
        let was_submitted = !has_submission || task.is_none_or(|task| task.submitted);
        match result {
            Ok(output) => {
                let kind = EventKind::TaskSucceeded { frame, state, output: output.clone() };
                self.emit(frame, kind)?;
                let outcome = self.finish(frame, output);
                self.settle(frame, outcome)
            }
            Err(TaskFailure { error, cause }) => {
                let Failure { error, cause, .. } = Failure::given(error, cause);
                let (shown_error, shown_cause) = (error.clone(), cause.clone());
                let kind = match was_submitted {
                    true => EventKind::TaskFailed {
                        frame,
                        state,
                        error: shown_error,
                        cause: shown_cause,
                    },
                    false => EventKind::TaskSubmitFailed {
                        frame,
                        state,
                        error: shown_error,
                        cause: shown_cause,
                    },
                };
                self.emit(frame, kind)?;
                // The runner refused the parameters. It does not know the state's prefix.
                let is_fatal = error.as_deref() == Some(crate::failure::RUNTIME);
                let cause = match (is_fatal, cause) {
                    (true, Some(cause)) => Some(format!("{}{cause}", self.prefix(frame)).into()),
                    (_, cause) => cause,
                };
                let failure = Failure { is_fatal, ..Failure::given(error, cause) };
                self.state_failed(frame, failure)
            }
        }
    }

    /// Times out every task whose time is up, in the order of their moments. All of them first,
    /// then what follows from each.
    pub(crate) fn time_out_tasks(&mut self) -> Flow {
        let now = self.stamp.now;
        let mut late: Vec<(Timestamp, FrameId, &'static str)> = Vec::new();
        for frame in self.execution.tasks.values() {
            let Some(task) = self.execution.frame(*frame).task() else { continue };
            let timeout = task.timeout_at().map(|at| (at, TIMEOUT));
            let beat = task.heartbeat_due_at().map(|at| (at, HEARTBEAT_TIMEOUT));
            // Where both are due at the same moment it is the timeout.
            let first = timeout.into_iter().chain(beat).min_by_key(|(at, _)| *at);
            late.extend(first.filter(|(at, _)| *at <= now).map(|(at, error)| (at, *frame, error)));
        }
        late.sort_by_key(|(at, _, _)| *at);
        for (_, frame, error) in &late {
            let frame = *frame;
            let current = self.execution.current(frame);
            let state = current.state;
            let task = self.execution.frame(frame).task().expect("a late task is open").task;
            self.cancel_task(task);
            let error = Box::from(*error);
            self.emit(frame, EventKind::TaskTimedOut { frame, state, error, cause: None })?;
        }
        for (_, frame, error) in late {
            // The failure of an earlier one may have cut this one off.
            if self.execution.frames.contains_key(&frame) {
                self.state_failed(frame, Failure::given(Some(error.into()), None))?;
            }
        }
        Ok(())
    }

    fn open_task(&self, task: TaskId) -> Option<(FrameId, &TaskPhase)> {
        let frame = *self.execution.tasks.get(&task)?;
        Some((frame, self.execution.frame(frame).task()?))
    }

    fn task_of(&self, frame: FrameId) -> &Task {
        match &self.state(frame).kind {
            asl::StateKind::Task(task) => task,
            _ => unreachable!("an open task is in a Task state"),
        }
    }
}

/// `RoleArn` of evaluated `Credentials`.
pub(crate) fn role_arn(credentials: &Payload) -> Option<&str> {
    credentials.value().get("RoleArn").and_then(Value::as_str)
}
