//! Jobs (`.sync`): how one is followed until it is over, and stopped.

use std::time::Duration;

use asl::Payload;
use engine::TaskFailure;
use runtime::TaskCall;
use serde_json::{Map, Value, json};

use super::repetition::Repetition;
use super::spelling::{Moments, respelled};
use super::table::Row;
use super::{Optimized, failure_of, rules};
use crate::aws::AwsError;
use crate::failure::task_failure;

/// How often a job that was just submitted may be unknown to the service, which tells its own
/// news late.
const UNKNOWN_MAX: u32 = 5;
/// How often a job is tried to be stopped while its service is out of order: for a quarter of an
/// hour, at the usual intervals.
const STOP_ATTEMPTS_MAX: u32 = 50;

/// A kind of job.
pub(crate) struct Job {
    pub(crate) poll: Call,
    /// JSON Pointer to the state in the answer of `poll`.
    pub(crate) status: &'static str,
    pub(crate) succeeded: &'static [&'static str],
    pub(crate) failed: &'static [&'static str],
    pub(crate) output: JobOutput,
    pub(crate) gone: Gone,
    pub(crate) cancel: Option<Call>,
    /// Whether what is shown of a job with a state of success is a success.
    pub(crate) check: fn(&Value) -> bool,
}

/// What of the last answer is the task's result.
#[derive(Clone, Copy)]
pub(crate) enum JobOutput {
    Whole,
    /// JSON Pointer.
    At(&'static str),
    /// An object with one member: its name, JSON Pointer to its value.
    Named(&'static str, &'static str),
    /// All of it, and what the submission answered. EMR's results are read by both
    /// (`$.ClusterId`, `$.Cluster.Id`).
    WithSubmitted,
}

/// What it means that the service does not know the job's subject any more.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Gone {
    IsFailure,
    /// The job was to remove it.
    IsSuccess,
}

/// A call about a job.
pub(crate) struct Call {
    pub(crate) operation: &'static str,
    pub(crate) arguments: &'static [Argument],
}

/// A member of the call's parameters.
pub(crate) struct Argument {
    name: &'static str,
    source: Source,
    is_list: bool,
}

enum Source {
    /// JSON Pointer into what the submission answered.
    Submitted(&'static str),
    /// JSON Pointer into the task's parameters.
    Given(&'static str),
    Text(&'static str),
}

pub(crate) const fn submitted(name: &'static str, place: &'static str) -> Argument {
    Argument { name, source: Source::Submitted(place), is_list: false }
}

pub(crate) const fn given(name: &'static str, place: &'static str) -> Argument {
    Argument { name, source: Source::Given(place), is_list: false }
}

pub(crate) const fn text(name: &'static str, text: &'static str) -> Argument {
    Argument { name, source: Source::Text(text), is_list: false }
}

impl Argument {
    /// As the only item of an array.
    pub(crate) const fn in_list(self) -> Argument {
        Argument { is_list: true, ..self }
    }
}

impl Call {
    /// The parameters for a job, or the place at which something is missing.
    pub(crate) fn parameters(
        &self,
        given: &Value,
        submitted: &Value,
    ) -> Result<Value, &'static str> {
        let mut parameters = Map::new();
        for argument in self.arguments {
            let value = match argument.source {
                Source::Submitted(place) => submitted.pointer(place).ok_or(place)?.clone(),
                Source::Given(place) => given.pointer(place).ok_or(place)?.clone(),
                Source::Text(text) => Value::from(text),
            };
            let value = if argument.is_list { json!([value]) } else { value };
            parameters.insert(argument.name.to_owned(), value);
        }
        Ok(Value::Object(parameters))
    }
}

impl Job {
    /// What of an answer is the task's result, or the cause of its failure.
    fn shown(&self, submitted: &Value, answer: &Value) -> Value {
        match self.output {
            JobOutput::WithSubmitted => {
                let mut all = answer.as_object().cloned().unwrap_or_default();
                for (name, value) in submitted.as_object().into_iter().flatten() {
                    if !matches!(name.as_str(), "SdkHttpMetadata" | "SdkResponseMetadata") {
                        all.entry(name.as_str()).or_insert_with(|| value.clone());
                    }
                }
                all.sort_keys();
                Value::Object(all)
            }
            JobOutput::Whole => answer.clone(),
            JobOutput::At(place) => answer.pointer(place).cloned().unwrap_or(Value::Null),
            JobOutput::Named(name, place) => {
                json!({ name: answer.pointer(place).cloned().unwrap_or(Value::Null) })
            }
        }
    }
}

/// How often jobs are asked for: at first, and at most after a while. Each wait is half as long
/// again as the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollIntervals {
    pub first: Duration,
    pub longest: Duration,
}

impl Default for PollIntervals {
    fn default() -> PollIntervals {
        PollIntervals { first: Duration::from_millis(500), longest: Duration::from_secs(20) }
    }
}

/// What an answer says about a job.
enum Progress {
    Running(Value),
    Succeeded(Value),
    Failed(Value),
}

impl Optimized {
    /// The work of a task that waits for its job: submits it, unless it is known to be
    /// submitted, and follows it to its end.
    pub(super) async fn run_job(
        &self,
        call: &TaskCall,
        row: &Row,
        job: &Job,
    ) -> Result<Payload, TaskFailure> {
        let output = match &call.dispatch.submitted {
            Some(output) => output.clone(),
            None => {
                let output = self.submit_job(call, row, job).await?;
                call.submission.submitted(output.clone()).await;
                output
            }
        };
        self.follow(call, row, job, output.value()).await
    }

    /// Submits a job, or finds the one that was submitted before a crash.
    async fn submit_job(
        &self,
        call: &TaskCall,
        row: &Row,
        job: &Job,
    ) -> Result<Payload, TaskFailure> {
        if let Some(found) = self.found_submission(call, row).await? {
            return Ok(found);
        }
        match self.submit(call, row).await {
            Ok(output) => Ok(output),
            Err(refused) => {
                let code = refused.code.as_deref().unwrap_or_default();
                let is_gone = job.gone == Gone::IsSuccess && is_not_found(code);
                let is_repeated = call.dispatch.recovered && (is_gone || is_taken(code));
                match is_repeated && self.was_submitted(call, row, job).await {
                    true => Ok(self.named_by_task(call, row)),
                    false => Err(refused.failure),
                }
            }
        }
    }

    /// What submitting would have given that is about what the task itself names.
    fn named_by_task(&self, call: &TaskCall, row: &Row) -> Payload {
        Payload::from_value((row.response)(call.dispatch.parameters.value(), json!({})))
    }

    /// What a submission gave that an earlier process may have made, if there is one. Asked until
    /// the service answers, for as long as somebody waits.
    ///
    /// # Errors
    /// The service refuses to tell.
    pub(super) async fn found_submission(
        &self,
        call: &TaskCall,
        row: &Row,
    ) -> Result<Option<Payload>, TaskFailure> {
        if !call.dispatch.recovered {
            return Ok(None);
        }
        let mut wait = self.intervals.first;
        loop {
            match self.find_submission(call, row).await {
                Ok(found) => return Ok(found.map(Payload::from_value)),
                Err(error) if passes(&error) => {
                    tokio::time::sleep(wait).await;
                    wait = (wait + wait / 2).min(self.intervals.longest);
                }
                Err(error) => return Err(failure_of(row, error, &call.dispatch.parameters)),
            }
        }
    }

    /// Asks for a job until it is over.
    async fn follow(
        &self,
        call: &TaskCall,
        row: &Row,
        job: &Job,
        submitted: &Value,
    ) -> Result<Payload, TaskFailure> {
        let parameters = job.poll.parameters(call.dispatch.parameters.value(), submitted);
        let parameters = parameters.map_err(|place| {
            let cause = format!("The answer to {} has nothing at {place}", row.operation);
            task_failure("States.TaskFailed", cause)
        })?;
        let mut wait = self.intervals.first;
        let mut unknown = 0;
        let mut last = submitted.clone();
        loop {
            tokio::time::sleep(wait).await;
            wait = (wait + wait / 2).min(self.intervals.longest);
            match self.call(call, row, job.poll.operation, &parameters).await {
                Ok(response) => {
                    let service = self.model(call, row)?;
                    let operation = super::operation(service, job.poll.operation, call)?;
                    let answer = operation.output.as_ref();
                    let answer = respelled(service, answer, response.output, Moments::Milliseconds);
                    let mut shown = job.shown(submitted, &answer);
                    let given = call.dispatch.parameters.value();
                    row.repetition.hide_mark(given, &mut shown);
                    match self.progress(call, row, job, &answer, shown).await {
                        Progress::Running(shown) => last = shown,
                        Progress::Succeeded(shown) => return Ok(Payload::from_value(shown)),
                        Progress::Failed(shown) => return Err(job_failure(&shown)),
                    }
                }
                Err(error) if is_unknown(&error) && job.gone == Gone::IsSuccess => {
                    return Ok(Payload::from_value(last));
                }
                Err(error) if passes(&error) => {}
                Err(error) => {
                    unknown += 1;
                    if unknown > UNKNOWN_MAX {
                        return Err(failure_of(row, error, &call.dispatch.parameters));
                    }
                }
            }
        }
    }

    async fn progress(
        &self,
        call: &TaskCall,
        row: &Row,
        job: &Job,
        answer: &Value,
        shown: Value,
    ) -> Progress {
        let status = answer.pointer(job.status).and_then(Value::as_str).unwrap_or_default();
        if job.failed.contains(&status) {
            return Progress::Failed(shown);
        }
        if !job.succeeded.contains(&status) {
            return Progress::Running(shown);
        }
        let is_success = (job.check)(&shown)
            || (row.service == "ecs"
                && self.essential_containers_succeeded(call, row, &shown).await);
        match is_success {
            true => Progress::Succeeded(shown),
            false => Progress::Failed(shown),
        }
    }

    /// ECS: only containers that are essential decide. Which are stands in the task definition;
    /// without it every container counts.
    async fn essential_containers_succeeded(
        &self,
        call: &TaskCall,
        row: &Row,
        task: &Value,
    ) -> bool {
        let Some(definition) = task.get("TaskDefinitionArn") else { return false };
        let parameters = json!({ "TaskDefinition": definition });
        let answer = self.call(call, row, "DescribeTaskDefinition", &parameters).await;
        answer.is_ok_and(|answer| {
            let definitions = &answer.output["TaskDefinition"]["ContainerDefinitions"];
            rules::essential_containers_succeeded(task, definitions)
        })
    }

    /// Stops a job, as far as that is possible.
    pub(crate) async fn cancel(&self, call: &TaskCall, submitted: Option<Payload>) {
        let Some((row, job)) = super::row_of(call).and_then(|row| Some((row, row.job.as_ref()?)))
        else {
            return;
        };
        let Some(cancel) = &job.cancel else { return };
        let stopped = async {
            let submitted = match submitted {
                Some(submitted) => Some(submitted),
                None => self.name_of_job(call, row, job).await?,
            };
            match submitted {
                Some(submitted) => self.stop(call, row, cancel, submitted.value()).await,
                None => Ok(()),
            }
        };
        if let Err(failure) = stopped.await {
            tracing::warn!(
                state = &*call.dispatch.state_name,
                execution = &*call.execution_arn,
                error = failure.error.as_deref().unwrap_or_default(),
                "the job of a task that was stopped could not be stopped"
            );
        }
    }

    /// What submitting a job gave, where the process that did so ended before it said so. Where
    /// only the submission's token is known, it is made again, which starts nothing new.
    async fn name_of_job(
        &self,
        call: &TaskCall,
        row: &Row,
        job: &Job,
    ) -> Result<Option<Payload>, TaskFailure> {
        match row.repetition {
            Repetition::Token => {
                self.submit(call, row).await.map(Some).map_err(|refused| refused.failure)
            }
            Repetition::Created(_) | Repetition::Harmless => {
                let is_there = self.was_submitted(call, row, job).await;
                Ok(is_there.then(|| self.named_by_task(call, row)))
            }
            Repetition::Marked(_) => self.found_submission(call, row).await,
            Repetition::Again => Ok(None),
        }
    }

    /// Makes the call that stops a job, again and again while its failures pass.
    async fn stop(
        &self,
        call: &TaskCall,
        row: &Row,
        cancel: &Call,
        submitted: &Value,
    ) -> Result<(), TaskFailure> {
        let given = &call.dispatch.parameters;
        let Ok(parameters) = cancel.parameters(given.value(), submitted) else { return Ok(()) };
        let mut wait = self.intervals.first;
        for _ in 0..STOP_ATTEMPTS_MAX {
            match self.call(call, row, cancel.operation, &parameters).await {
                Err(error) if passes(&error) => {
                    tokio::time::sleep(wait).await;
                    wait = (wait + wait / 2).min(self.intervals.longest);
                }
                Err(error) => return Err(failure_of(row, error, given)),
                Ok(_) => return Ok(()),
            }
        }
        Err(task_failure("States.TaskFailed", "The service did not answer"))
    }
}

fn job_failure(shown: &Value) -> TaskFailure {
    task_failure("States.TaskFailed", Payload::from_value(shown.clone()).text())
}

/// Whether asking again may help.
fn passes(error: &AwsError) -> bool {
    match error {
        AwsError::Client { .. } => true,
        AwsError::Service(fault) => {
            let code = fault.code.as_deref().unwrap_or_default();
            fault.status >= 500
                || fault.status == 429
                || code.contains("Throttl")
                || code.contains("TooManyRequests")
        }
        _ => false,
    }
}

/// What a service calls its error.
pub(super) fn code_of(error: &AwsError) -> Option<&str> {
    match error {
        AwsError::Service(fault) => fault.code.as_deref(),
        _ => None,
    }
}

fn is_unknown(error: &AwsError) -> bool {
    let AwsError::Service(fault) = error else { return false };
    fault.status == 404 || is_not_found(code_of(error).unwrap_or_default())
}

fn is_not_found(code: &str) -> bool {
    code.contains("NotFound")
}

/// Whether a name is taken, or its owner is being worked on: by the same call, made before.
fn is_taken(code: &str) -> bool {
    ["InUse", "Conflict", "AlreadyExists"].iter().any(|word| code.contains(word))
}
