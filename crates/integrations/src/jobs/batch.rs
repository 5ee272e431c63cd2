//! AWS Batch: a job is a program with attempts and a timeout, or an array of such.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::TaskFailure;
use runtime::TaskCall;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use super::config::milli_cpus;
use super::parameters::{batch_error, number, pairs, show_pairs, text, texts, with_metadata};
use super::pods::Array;
use super::retries::{self, RetryRule};
use super::run::{Attempt, Ended, Limits, Program, Run, Runner};
use super::{Job, Jobs, Origin, Spec, bare_name, scope};
use crate::clock::now_milliseconds;

/// Children of an array job (AWS Batch).
const ARRAY_SIZES: std::ops::RangeInclusive<u64> = 2..=10_000;
/// Attempts of a job (AWS Batch).
const ATTEMPTS: std::ops::RangeInclusive<u64> = 1..=10;
/// Seconds of a timeout at least (AWS Batch).
const TIMEOUT_SECONDS_MIN: u64 = 60;
/// Tells jobs of Step Functions from others, as on AWS.
const MANAGED: (&str, &str) = ("MANAGED_BY_AWS", "STARTED_BY_STEP_FUNCTIONS");
const TIMED_OUT: &str = "Job attempt duration exceeded timeout";
const ENDED: &str = "Essential container in task exited";

/// A job of AWS Batch, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct BatchJob {
    id: String,
    pub(super) name: String,
    arn: String,
    /// The names of the queue and the definition, and their ARNs.
    pub(super) queue: String,
    queue_arn: String,
    pub(super) definition_arn: String,
    parameters: BTreeMap<String, String>,
    pub(super) program: Program,
    /// The variables that the job itself was given.
    environment: Vec<(String, String)>,
    pub(super) attempts: u64,
    timeout_seconds: Option<u64>,
    pub(super) array_size: Option<u64>,
    depends_on: Vec<String>,
    tags: Option<Value>,
    pub(super) created_at: i64,
    #[serde(default)]
    evaluate_on_exit: Vec<RetryRule>,
    /// As they were asked for: type and value.
    #[serde(default)]
    resources: Vec<(String, String)>,
    #[serde(default)]
    pub(super) origin: Origin,
}

impl Jobs {
    /// The job that a call of `batch:submitJob` asks for.
    pub(super) fn batch_job(&self, id: &str, call: &TaskCall) -> Result<BatchJob, TaskFailure> {
        let parameters = call.dispatch.parameters.value();
        let required = |name: &str| {
            text(parameters, name).ok_or_else(|| {
                batch_error(&format!(
                    "Error executing request, Exception : {name} must be specified."
                ))
            })
        };
        let (name, queue, definition) =
            (required("JobName")?, required("JobQueue")?, required("JobDefinition")?);
        let (queue_name, definition_name) = (bare_name(&queue), bare_name(&definition));
        let config = &self.config.job_definitions;
        let config = config.get(definition_name).ok_or_else(|| {
            batch_error(&format!("JobDefinition {definition} not found or is inactive."))
        })?;
        if !self.config.job_queues.is_empty() && !self.config.job_queues.contains_key(queue_name) {
            return Err(batch_error(&format!("JobQueue {queue} not found.")));
        }
        let overrides = &parameters["ContainerOverrides"];
        let mut values = config.parameters.clone();
        let given = parameters["Parameters"].as_object().into_iter().flatten();
        values.extend(
            given.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))),
        );
        let command = texts(overrides, "Command").unwrap_or_else(|| config.command.clone());
        let command: Vec<String> = command
            .into_iter()
            .map(|word| match word.strip_prefix("Ref::").and_then(|name| values.get(name)) {
                Some(value) => value.clone(),
                None => word,
            })
            .collect();
        if command.is_empty() && config.image.is_none() {
            return Err(batch_error("The command of the job is empty."));
        }
        let mut environment = pairs(overrides, "Environment");
        environment.push((MANAGED.0.to_owned(), MANAGED.1.to_owned()));
        let attempts = number(&parameters["RetryStrategy"], "Attempts")
            .unwrap_or_else(|| u64::from(config.attempts));
        if !ATTEMPTS.contains(&attempts) {
            return Err(batch_error("Retry attempts must be between 1 and 10."));
        }
        let evaluate_on_exit = retries::read(&parameters["RetryStrategy"])
            .unwrap_or_else(|| config.evaluate_on_exit.clone());
        retries::check(&evaluate_on_exit).map_err(|problem| batch_error(&problem))?;
        let (resources, limits) = resources(overrides, config.image().limits());
        let timeout_seconds =
            number(&parameters["Timeout"], "AttemptDurationSeconds").or(config.timeout_seconds);
        if timeout_seconds.is_some_and(|seconds| seconds < TIMEOUT_SECONDS_MIN) {
            return Err(batch_error("Timeout attemptDurationSeconds must be at least 60."));
        }
        let array_size = number(&parameters["ArrayProperties"], "Size");
        if array_size.is_some_and(|size| !ARRAY_SIZES.contains(&size)) {
            return Err(batch_error("Array size must be between 2 and 10000."));
        }
        let depends_on = parameters["DependsOn"].as_array().into_iter().flatten();
        let (region, account) = scope(&call.execution_arn);
        let arn =
            |kind: &str, name: &str| format!("arn:aws:batch:{region}:{account}:{kind}/{name}");
        let whole = config.environment.clone().into_iter().chain(environment.clone()).chain([
            ("AWS_BATCH_JOB_ID".to_owned(), id.to_owned()),
            ("AWS_BATCH_JQ_NAME".to_owned(), queue_name.to_owned()),
        ]);
        Ok(BatchJob {
            id: id.to_owned(),
            arn: arn("job", id),
            queue: queue_name.to_owned(),
            queue_arn: arn("job-queue", queue_name),
            definition_arn: arn("job-definition", &format!("{definition_name}:1")),
            program: Program {
                command,
                working_directory: config.working_directory.clone().unwrap_or_else(|| ".".into()),
                environment: whole.collect(),
                inherit_environment: config.inherit_environment.clone(),
                region: region.to_owned(),
                container: config.image().container(&self.config.containers),
                limits,
            },
            parameters: values,
            environment,
            attempts,
            timeout_seconds,
            array_size,
            depends_on: depends_on.filter_map(|one| text(one, "JobId")).collect(),
            tags: parameters.get("Tags").cloned(),
            name,
            created_at: now_milliseconds(),
            evaluate_on_exit,
            resources,
            origin: Origin::of(call),
        })
    }
}

/// What a job asks for by its overrides, as it says it, and what it may use then.
fn resources(overrides: &Value, mut limits: Limits) -> (Vec<(String, String)>, Limits) {
    let mut asked = Vec::new();
    // The older way to say it.
    for (name, kind) in [("Vcpus", "VCPU"), ("Memory", "MEMORY")] {
        if let Some(number) = number(overrides, name) {
            asked.push((kind.to_owned(), number.to_string()));
        }
    }
    for one in overrides["ResourceRequirements"].as_array().into_iter().flatten() {
        if let (Some(kind), Some(value)) = (text(one, "Type"), text(one, "Value")) {
            asked.retain(|(known, _)| *known != kind);
            asked.push((kind, value));
        }
    }
    for (kind, value) in &asked {
        match kind.as_str() {
            "VCPU" => limits.milli_cpus = value.parse().ok().and_then(milli_cpus),
            "MEMORY" => limits.memory_megabytes = value.parse().ok(),
            _ => {}
        }
    }
    (asked, limits)
}

impl BatchJob {
    /// The answer of SubmitJob.
    pub(super) fn submitted(&self) -> Value {
        let mut answer = Map::new();
        answer.insert("JobArn".to_owned(), self.arn.as_str().into());
        answer.insert("JobId".to_owned(), self.id.as_str().into());
        answer.insert("JobName".to_owned(), self.name.as_str().into());
        with_metadata(answer, "application/json")
    }
}

/// Whether a job, as DescribeJobs shows it, succeeded.
pub(super) fn is_success(shown: &Value) -> bool {
    shown["Status"] == "SUCCEEDED"
}

/// What came of a job or of one child of an array.
struct Outcome {
    /// Each with why it ended.
    attempts: Vec<(Ended, String)>,
    /// Why it is as it is.
    reason: String,
}

impl Outcome {
    fn is_success(&self) -> bool {
        self.reason == ENDED && self.attempts.last().is_some_and(|(last, _)| last.exit_code == 0)
    }
}

/// Runs a job to its end, and shows it as DescribeJobs does.
pub(super) async fn carry_out(jobs: &Arc<Jobs>, job: &Arc<Job>, spec: &BatchJob) -> Value {
    if let Some(reason) = failed_dependency(jobs, job, spec).await {
        return show(spec, &Outcome { attempts: Vec::new(), reason }, None);
    }
    let Some(size) = spec.array_size else {
        let outcome = attempts(jobs, job, spec, None).await;
        return show(spec, &outcome, None);
    };
    let is_in_cluster = |container: &super::run::Container| container.runner == Runner::Kubernetes;
    if spec.program.container.as_ref().is_some_and(is_in_cluster) {
        let (succeeded, reason) = array_in_cluster(jobs, job, spec, size).await;
        let outcome = Outcome { attempts: Vec::new(), reason };
        return show(spec, &outcome, Some((size, succeeded)));
    }
    let mut children = JoinSet::new();
    for index in 0..size {
        let (jobs, job) = (Arc::clone(jobs), Arc::clone(job));
        children.spawn(async move {
            let Spec::Batch(spec) = &job.spec else { unreachable!("it is a job of Batch") };
            attempts(&jobs, &job, spec, Some(index)).await.is_success()
        });
    }
    let succeeded = children.join_all().await.into_iter().filter(|success| *success).count() as u64;
    let reason = match succeeded == size {
        true => ENDED.to_owned(),
        false => job.stop_reason().unwrap_or_else(|| "Array Child Job failed".to_owned()),
    };
    let attempts = Vec::new();
    show(spec, &Outcome { attempts, reason }, Some((size, succeeded)))
}

/// Waits for the jobs that this one depends on. Why it cannot run, if it cannot.
async fn failed_dependency(jobs: &Arc<Jobs>, job: &Job, spec: &BatchJob) -> Option<String> {
    for id in &spec.depends_on {
        let Ok(Some(needed)) = jobs.find(id) else {
            return Some(format!("Dependent Job {id} not found"));
        };
        let ended = tokio::select! {
            ended = needed.ended() => ended,
            reason = job.stopped() => return Some(reason),
        };
        if !is_success(&ended) {
            return Some("Dependent Job failed".to_owned());
        }
    }
    None
}

/// Runs an array as one Job of a cluster, which tries each child by itself. Gives how many
/// succeeded, and why the others did not.
async fn array_in_cluster(
    jobs: &Arc<Jobs>,
    job: &Job,
    spec: &BatchJob,
    size: u64,
) -> (u64, String) {
    let Some(container) = &spec.program.container else {
        return (0, "the job has no image".to_owned());
    };
    let runners = match jobs.runners() {
        Ok(runners) => runners,
        Err(reason) => return (0, reason),
    };
    let run = Run::new(&job.folder, "array");
    // The cluster's scheduler starts them one after another; to the queue they are one.
    let _slot = match run.is_started() {
        true => jobs.queues.enter_at_once(&spec.queue),
        false => tokio::select! {
            biased;
            reason = job.stopped() => return (0, reason),
            slot = jobs.queues.enter(&spec.queue) => slot,
        },
    };
    let environment = jobs.environment(&spec.program);
    let parallelism =
        jobs.config.job_queues.get(&spec.queue).map_or(u64::MAX, |queue| queue.limit as u64);
    let final_exit_codes = retries::final_exit_codes(&spec.evaluate_on_exit, ENDED);
    let array =
        Array { size, parallelism, attempts: spec.attempts, final_exit_codes: &final_exit_codes };
    let attempt = Attempt {
        program: &spec.program,
        environment: &environment,
        timeout_seconds: spec.timeout_seconds,
        title: &spec.name,
    };
    let finished = runners.pods.finish_array(&runners, &run, attempt, container, array);
    let result = tokio::select! {
        result = finished => result,
        never = async {
            job.stopped().await;
            runners.stop(&run, &spec.program).await
        } => match never {},
    };
    match result {
        Ok(succeeded) if succeeded == size => (succeeded, ENDED.to_owned()),
        Ok(succeeded) => {
            (succeeded, job.stop_reason().unwrap_or_else(|| "Array Child Job failed".to_owned()))
        }
        Err(error) => (0, format!("CannotStartContainerError: {error}")),
    }
}

/// Runs a job, or a child of an array, as often as it may be tried.
async fn attempts(jobs: &Arc<Jobs>, job: &Job, spec: &BatchJob, index: Option<u64>) -> Outcome {
    let mut ended = Vec::new();
    // What runs already does not wait for its turn again.
    let _slot = match run_of(job, index, 1).is_started() {
        true => jobs.queues.enter_at_once(&spec.queue),
        false => tokio::select! {
            biased;
            reason = job.stopped() => return Outcome { attempts: ended, reason },
            slot = jobs.queues.enter(&spec.queue) => slot,
        },
    };
    let mut reason = ENDED.to_owned();
    for number in 1..=spec.attempts {
        let run = run_of(job, index, number);
        if !run.is_started()
            && let Some(stopped) = job.stop_reason()
        {
            reason = stopped;
            break;
        }
        let end = match attempt(jobs, job, spec, (index, number), &run).await {
            Ok((end, why)) => {
                reason = why;
                end
            }
            Err(error) => {
                reason = format!("CannotStartContainerError: {error}");
                break;
            }
        };
        // What took too long is not tried again, as on AWS.
        let goes_on = end.exit_code != 0
            && reason != TIMED_OUT
            && job.stop_reason().is_none()
            && retries::is_retried(
                &spec.evaluate_on_exit,
                end.exit_code,
                end.reason.as_deref().unwrap_or_default(),
                &reason,
            );
        ended.push((end, reason.clone()));
        if !goes_on {
            break;
        }
    }
    Outcome { attempts: ended, reason }
}

fn run_of(job: &Job, index: Option<u64>, number: u64) -> Run {
    match index {
        None => Run::new(&job.folder, &format!("attempt-{number}")),
        Some(index) => Run::new(&job.folder, &format!("child-{index}-attempt-{number}")),
    }
}

/// One attempt: how it ended, and why.
async fn attempt(
    jobs: &Arc<Jobs>,
    job: &Job,
    spec: &BatchJob,
    (index, number): (Option<u64>, u64),
    run: &Run,
) -> std::io::Result<(Ended, String)> {
    let mut environment = jobs.environment(&spec.program);
    environment.insert("AWS_BATCH_JOB_ATTEMPT".to_owned(), number.to_string());
    if let Some(index) = index {
        environment.insert("AWS_BATCH_JOB_ARRAY_INDEX".to_owned(), index.to_string());
    }
    let runners = jobs.runners().map_err(std::io::Error::other)?;
    let told = Attempt {
        program: &spec.program,
        environment: &environment,
        timeout_seconds: spec.timeout_seconds,
        title: &spec.name,
    };
    let finished = runners.finish(run, told);
    tokio::pin!(finished);
    let ends_early = async {
        tokio::select! {
            stopped = job.stopped() => stopped,
            () = time_is_up(run, spec) => TIMED_OUT.to_owned(),
        }
    };
    tokio::select! {
        result = &mut finished => {
            let end = result?;
            let reason = if end.timed_out { TIMED_OUT } else { ENDED };
            Ok((end, reason.to_owned()))
        }
        reason = ends_early => tokio::select! {
            result = finished => Ok((result?, reason)),
            never = runners.stop(run, &spec.program) => match never {},
        },
    }
}

/// Ready when an attempt has taken too long. A cluster looks at the time itself.
async fn time_is_up(run: &Run, spec: &BatchJob) {
    let is_in_cluster = spec
        .program
        .container
        .as_ref()
        .is_some_and(|container| container.runner == Runner::Kubernetes);
    let Some(seconds) = spec.timeout_seconds.filter(|_| !is_in_cluster) else {
        return std::future::pending().await;
    };
    let allowed = Duration::from_secs(seconds);
    let since = run.started_at().map_or(0, |started| now_milliseconds() - started);
    let since = Duration::from_millis(u64::try_from(since).unwrap_or(0));
    tokio::time::sleep(allowed.saturating_sub(since)).await;
}

/// A job as DescribeJobs shows it; `array` has the number of children and of successes.
fn show(spec: &BatchJob, outcome: &Outcome, array: Option<(u64, u64)>) -> Value {
    let is_success = match array {
        None => outcome.is_success(),
        Some((size, succeeded)) => size == succeeded,
    };
    let log_stream = |attempt: usize| {
        format!("{}/default/{}-{}", bare_name(&spec.definition_arn), spec.id, attempt + 1)
    };
    let attempts: Vec<Value> = outcome
        .attempts
        .iter()
        .enumerate()
        .map(|(number, (attempt, reason))| {
            let mut container = json!({
                "ExitCode": attempt.exit_code,
                "LogStreamName": log_stream(number),
                "NetworkInterfaces": []
            });
            if let Some(reason) = &attempt.reason {
                container["Reason"] = reason.as_str().into();
            }
            json!({
                "Container": container,
                "StartedAt": attempt.started_at,
                "StatusReason": reason,
                "StoppedAt": attempt.stopped_at
            })
        })
        .collect();
    let mut container = json!({
        "Command": spec.program.command,
        "Environment": show_pairs(&spec.environment)
    });
    if let Some((last, _)) = outcome.attempts.last() {
        container["ExitCode"] = last.exit_code.into();
        container["LogStreamName"] = log_stream(outcome.attempts.len() - 1).into();
    }
    container["MountPoints"] = json!([]);
    container["NetworkInterfaces"] = json!([]);
    if let Some(reason) = outcome.attempts.last().and_then(|(last, _)| last.reason.as_deref()) {
        container["Reason"] = reason.into();
    }
    let resources = spec.resources.iter();
    let resources = resources.map(|(kind, value)| json!({ "Type": kind, "Value": value }));
    container["ResourceRequirements"] = resources.collect();
    container["Ulimits"] = json!([]);
    container["Volumes"] = json!([]);
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    if let Some((size, succeeded)) = array {
        let summary = json!({ "FAILED": size - succeeded, "SUCCEEDED": succeeded });
        put("ArrayProperties", json!({ "Size": size, "StatusSummary": summary }));
    }
    put("Attempts", attempts.into());
    put("Container", container);
    put("CreatedAt", spec.created_at.into());
    let depends_on: Vec<Value> = spec.depends_on.iter().map(|id| json!({ "JobId": id })).collect();
    put("DependsOn", depends_on.into());
    put("JobArn", spec.arn.as_str().into());
    put("JobDefinition", spec.definition_arn.as_str().into());
    put("JobId", spec.id.as_str().into());
    put("JobName", spec.name.as_str().into());
    put("JobQueue", spec.queue_arn.as_str().into());
    put("Parameters", json!(spec.parameters));
    let rules: Vec<Value> = spec.evaluate_on_exit.iter().map(RetryRule::show).collect();
    put("RetryStrategy", json!({ "Attempts": spec.attempts, "EvaluateOnExit": rules }));
    if let Some((last, _)) = outcome.attempts.last() {
        put("StartedAt", last.started_at.into());
    }
    put("Status", if is_success { "SUCCEEDED" } else { "FAILED" }.into());
    put("StatusReason", outcome.reason.as_str().into());
    let stopped_at =
        outcome.attempts.last().map_or_else(now_milliseconds, |(last, _)| last.stopped_at);
    put("StoppedAt", stopped_at.into());
    if let Some(tags) = &spec.tags {
        put("Tags", tags.clone());
    }
    if let Some(seconds) = spec.timeout_seconds {
        put("Timeout", json!({ "AttemptDurationSeconds": seconds }));
    }
    Value::Object(shown)
}
