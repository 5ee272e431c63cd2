//! Amazon ECS: a task is one or several programs that run together.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::TaskFailure;
use runtime::TaskCall;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::config::milli_cpus;
use super::parameters::{ecs_error, number, pairs, text, texts, with_metadata};
use super::run::{Attempt, Ended, Limits, Program, Run};
use super::{Job, Jobs, Origin, Spec, bare_name, scope};
use crate::clock::now_milliseconds;

const STARTED_BY: &str = "AWS Step Functions";
/// Tasks of one call (Amazon ECS).
const COUNTS: std::ops::RangeInclusive<u64> = 1..=10;
/// Units in which ECS counts a processor.
const CPU_UNITS: f64 = 1024.0;
const ESSENTIAL_ENDED: &str = "Essential container in task exited";

/// A task of Amazon ECS, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct EcsTask {
    arn: String,
    cluster_arn: String,
    pub(super) definition_arn: String,
    group: String,
    launch_type: String,
    started_by: String,
    /// Overrides as they were given.
    overrides: Value,
    tags: Value,
    containers: Vec<Container>,
    pub(super) created_at: i64,
    /// How many of it are run.
    #[serde(default = "one")]
    count: u64,
    #[serde(default)]
    pub(super) origin: Origin,
}

fn one() -> u64 {
    1
}

/// One program of a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Container {
    name: String,
    arn: String,
    essential: bool,
    program: Program,
}

impl Jobs {
    /// The task that a call of `ecs:runTask` asks for.
    pub(super) fn ecs_task(&self, id: &str, call: &TaskCall) -> Result<EcsTask, TaskFailure> {
        let parameters = call.dispatch.parameters.value();
        let definition = text(parameters, "TaskDefinition").unwrap_or_default();
        let family = bare_name(&definition);
        let config = self.config.task_definitions.get(family);
        let config = config
            .ok_or_else(|| ecs_error("ClientException", "Unable to describe task definition."))?;
        let count = number(parameters, "Count").unwrap_or(1);
        if !COUNTS.contains(&count) {
            return Err(ecs_error("InvalidParameterException", "count must be between 1 and 10."));
        }
        let (region, account) = scope(&call.execution_arn);
        let arn = |rest: &str| format!("arn:aws:ecs:{region}:{account}:{rest}");
        let cluster = text(parameters, "Cluster").unwrap_or_else(|| "default".to_owned());
        let cluster = bare_name(cluster.rsplit('/').next().unwrap_or_default()).to_owned();
        let id = id.replace('-', "");
        let overrides = &parameters["Overrides"];
        let given = overrides["ContainerOverrides"].as_array().cloned().unwrap_or_default();
        let mut given: BTreeMap<String, Value> =
            given.into_iter().filter_map(|one| Some((text(&one, "Name")?, one))).collect();
        let mut containers = Vec::new();
        for (name, container) in &config.containers {
            let own = given.remove(name).unwrap_or_default();
            let limits = limits(&own, container.image().limits());
            let environment =
                container.environment.clone().into_iter().chain(pairs(&own, "Environment"));
            containers.push(Container {
                arn: arn(&format!("container/{cluster}/{id}/{name}")),
                name: name.clone(),
                essential: container.essential,
                program: Program {
                    command: texts(&own, "Command").unwrap_or_else(|| container.command.clone()),
                    working_directory: container
                        .working_directory
                        .clone()
                        .unwrap_or_else(|| ".".into()),
                    environment: environment.collect(),
                    inherit_environment: container.inherit_environment.clone(),
                    region: region.to_owned(),
                    container: container.image().container(&self.config.containers),
                    limits,
                },
            });
        }
        if !given.is_empty() {
            return Err(ecs_error(
                "InvalidParameterException",
                "Override for container named does not match a container in the Task.",
            ));
        }
        Ok(EcsTask {
            arn: arn(&format!("task/{cluster}/{id}")),
            cluster_arn: arn(&format!("cluster/{cluster}")),
            definition_arn: arn(&format!("task-definition/{family}:1")),
            group: text(parameters, "Group").unwrap_or_else(|| format!("family:{family}")),
            launch_type: text(parameters, "LaunchType").unwrap_or_else(|| "EC2".to_owned()),
            started_by: text(parameters, "StartedBy").unwrap_or_else(|| STARTED_BY.to_owned()),
            overrides: match overrides {
                Value::Null => {
                    json!({ "ContainerOverrides": [], "InferenceAcceleratorOverrides": [] })
                }
                given => given.clone(),
            },
            tags: parameters.get("Tags").cloned().unwrap_or_else(|| json!([])),
            containers,
            created_at: now_milliseconds(),
            count,
            origin: Origin::of(call),
        })
    }
}

/// What a container may use, with its overrides.
fn limits(overrides: &Value, limits: Limits) -> Limits {
    #[expect(clippy::cast_precision_loss, reason = "units of processors are few")]
    let cpus = number(overrides, "Cpu").and_then(|units| milli_cpus(units as f64 / CPU_UNITS));
    Limits {
        memory_megabytes: number(overrides, "Memory").or(limits.memory_megabytes),
        milli_cpus: cpus.or(limits.milli_cpus),
    }
}

impl EcsTask {
    /// The answer of RunTask.
    pub(super) fn submitted(&self) -> Value {
        let mut answer = Map::new();
        answer.insert("Failures".to_owned(), json!([]));
        let tasks = (0..self.count).map(|index| self.show(index, None));
        answer.insert("Tasks".to_owned(), tasks.collect());
        with_metadata(answer, "application/x-amz-json-1.1")
    }

    /// The first task of those that are over of which not every essential container ended well.
    pub(super) fn failed<'r>(&self, result: &'r Value) -> Option<&'r Value> {
        match result {
            Value::Array(tasks) => tasks.iter().find(|task| !self.is_success(task)),
            task => Some(task).filter(|task| !self.is_success(task)),
        }
    }

    fn is_success(&self, shown: &Value) -> bool {
        let shown = shown["Containers"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.containers.iter().filter(|container| container.essential).all(|container| {
            shown.iter().any(|one| one["Name"] == container.name.as_str() && one["ExitCode"] == 0)
        })
    }

    /// Every run, with what runs in it.
    pub(super) fn runs(&self) -> impl Iterator<Item = (String, &Program)> {
        (0..self.count).flat_map(move |index| {
            let containers = self.containers.iter();
            containers.map(move |container| (run_name(index, container), &container.program))
        })
    }

    /// The ARN of one of several tasks, or of something in it.
    fn arn_of(&self, index: u64, arn: &str) -> String {
        let id = self.arn.rsplit('/').next().unwrap_or_default();
        match index {
            0 => arn.to_owned(),
            _ => {
                let name = uuid::Uuid::parse_str(id).unwrap_or_default();
                let hash = Sha256::digest(format!("{name} {index}"));
                let own: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
                arn.replace(id, &own)
            }
        }
    }

    /// One of the tasks as DescribeTasks shows it, with how its containers ended if it is over.
    fn show(&self, index: u64, over: Option<&Over>) -> Value {
        let task_arn = self.arn_of(index, &self.arn);
        let status = if over.is_some() { "STOPPED" } else { "PROVISIONING" };
        let containers = self.containers.iter().map(|container| {
            let mut shown = json!({
                "ContainerArn": self.arn_of(index, &container.arn),
                "Cpu": container.program.limits.milli_cpus.map_or(0, cpu_units).to_string()
            });
            let ended = over.and_then(|over| over.ended.get(&container.name));
            match ended {
                Some(Ok(ended)) => {
                    shown["ExitCode"] = ended.exit_code.into();
                    if let Some(reason) = &ended.reason {
                        shown["Reason"] = reason.as_str().into();
                    }
                }
                Some(Err(reason)) => shown["Reason"] = reason.as_str().into(),
                None => {}
            }
            shown["LastStatus"] = (if over.is_some() { "STOPPED" } else { "PENDING" }).into();
            shown["ManagedAgents"] = json!([]);
            if let Some(megabytes) = container.program.limits.memory_megabytes {
                shown["Memory"] = megabytes.to_string().into();
            }
            shown["Name"] = container.name.as_str().into();
            shown["NetworkBindings"] = json!([]);
            shown["NetworkInterfaces"] = json!([]);
            shown["TaskArn"] = task_arn.as_str().into();
            shown
        });
        let mut task = json!({
            "Attachments": [],
            "Attributes": [],
            "ClusterArn": self.cluster_arn,
            "Containers": containers.collect::<Vec<Value>>(),
            "CreatedAt": self.created_at,
            "DesiredStatus": if over.is_some() { "STOPPED" } else { "RUNNING" },
            "EnableExecuteCommand": false,
            "Group": self.group,
            "InferenceAccelerators": [],
            "LastStatus": status,
            "LaunchType": self.launch_type,
            "Overrides": self.overrides
        });
        if let Some(over) = over {
            task["StartedAt"] = over.started_at.into();
        }
        task["StartedBy"] = self.started_by.as_str().into();
        if let Some(over) = over {
            task["StopCode"] = over.stop_code.into();
            task["StoppedAt"] = over.stopped_at.into();
            task["StoppedReason"] = over.reason.as_str().into();
            task["StoppingAt"] = over.stopped_at.into();
        }
        task["Tags"] = self.tags.clone();
        task["TaskArn"] = task_arn.as_str().into();
        task["TaskDefinitionArn"] = self.definition_arn.as_str().into();
        task["Version"] = (if over.is_some() { 3 } else { 1 }).into();
        task
    }
}

/// How a task ended.
struct Over {
    ended: BTreeMap<String, Result<Ended, String>>,
    started_at: i64,
    stopped_at: i64,
    stop_code: &'static str,
    reason: String,
}

fn cpu_units(milli_cpus: u64) -> u64 {
    milli_cpus * 1024 / 1000
}

fn run_name(index: u64, container: &Container) -> String {
    match index {
        0 => format!("container-{}", container.name),
        _ => format!("task-{}-container-{}", index + 1, container.name),
    }
}

/// Runs the tasks to their end, and shows them as DescribeTasks does: one as it is, several in a
/// list.
pub(super) async fn carry_out(jobs: &Arc<Jobs>, job: &Arc<Job>, spec: &EcsTask) -> Value {
    if spec.count == 1 {
        return run_task(Arc::clone(jobs), Arc::clone(job), 0).await;
    }
    let tasks = (0..spec.count)
        .map(|index| tokio::spawn(run_task(Arc::clone(jobs), Arc::clone(job), index)));
    let tasks: Vec<_> = tasks.collect();
    let mut shown = Vec::new();
    for task in tasks {
        match task.await {
            Ok(task) => shown.push(task),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    Value::Array(shown)
}

/// Runs one of the tasks.
async fn run_task(jobs: Arc<Jobs>, job: Arc<Job>, index: u64) -> Value {
    let Spec::Ecs(spec) = &job.spec else { unreachable!("it is a task of ECS") };
    // Set when the containers that still run are to stop.
    let (stop_others, _) = watch::channel(false);
    let stop_others = Arc::new(stop_others);
    let mut running = JoinSet::new();
    for at in 0..spec.containers.len() {
        let (jobs, job) = (Arc::clone(&jobs), Arc::clone(&job));
        let stop_others = Arc::clone(&stop_others);
        running.spawn(async move {
            let Spec::Ecs(spec) = &job.spec else { unreachable!("it is a task of ECS") };
            let container = &spec.containers[at];
            let run = Run::new(&job.folder, &run_name(index, container));
            let ended = run_container(&jobs, &job, &run, container, &stop_others).await;
            if container.essential {
                stop_others.send_replace(true);
            }
            (container.name.clone(), ended)
        });
    }
    let ended: BTreeMap<String, Result<Ended, String>> =
        running.join_all().await.into_iter().collect();
    let times = || ended.values().filter_map(|ended| ended.as_ref().ok());
    let (stop_code, reason) = match job.stop_reason() {
        Some(reason) => ("UserInitiated", reason),
        None if times().count() < ended.len() => {
            ("TaskFailedToStart", "Task failed to start".to_owned())
        }
        None => ("EssentialContainerExited", ESSENTIAL_ENDED.to_owned()),
    };
    let over = Over {
        started_at: times().map(|ended| ended.started_at).min().unwrap_or(spec.created_at),
        stopped_at: times().map(|ended| ended.stopped_at).max().unwrap_or_else(now_milliseconds),
        stop_code,
        reason,
        ended,
    };
    spec.show(index, Some(&over))
}

async fn run_container(
    jobs: &Jobs,
    job: &Job,
    run: &Run,
    container: &Container,
    stop_others: &watch::Sender<bool>,
) -> Result<Ended, String> {
    if !run.is_started()
        && let Some(reason) = job.stop_reason()
    {
        return Err(reason);
    }
    let cannot_start = |error: String| format!("CannotStartContainerError: {error}");
    let mut others = stop_others.subscribe();
    let is_to_stop = async move {
        tokio::select! {
            _ = job.stopped() => {}
            // The sender outlives the containers.
            _ = others.wait_for(|stop| *stop) => {}
        }
    };
    let environment = jobs.environment(&container.program);
    let runners = jobs.runners().map_err(cannot_start)?;
    let told = Attempt {
        program: &container.program,
        environment: &environment,
        timeout_seconds: None,
        title: &container.name,
    };
    let stopped = async {
        is_to_stop.await;
        runners.stop(run, &container.program).await
    };
    let result = tokio::select! {
        result = runners.finish(run, told) => result,
        never = stopped => match never {},
    };
    result.map_err(|error| cannot_start(error.to_string()))
}
