//! Amazon ECS: a task is one or several programs that run together.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::TaskFailure;
use runtime::TaskCall;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::parameters::{ecs_error, pairs, text, texts, with_metadata};
use super::process::{Ended, Program, Run};
use super::{Job, Jobs, Spec, bare_name, scope};
use crate::clock::now_milliseconds;

const STARTED_BY: &str = "AWS Step Functions";
const ESSENTIAL_ENDED: &str = "Essential container in task exited";

/// A task of Amazon ECS, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct EcsTask {
    arn: String,
    cluster_arn: String,
    definition_arn: String,
    group: String,
    launch_type: String,
    started_by: String,
    /// Overrides as they were given.
    overrides: Value,
    tags: Value,
    containers: Vec<Container>,
    created_at: i64,
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
        if parameters.get("Count").and_then(Value::as_u64).is_some_and(|count| count != 1) {
            return Err(ecs_error(
                "InvalidParameterException",
                "Only one task can be run at a time by this server.",
            ));
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
                    container: self.container(container.image.as_ref(), &container.engine_options),
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
        })
    }
}

impl EcsTask {
    /// The answer of RunTask.
    pub(super) fn submitted(&self) -> Value {
        let mut answer = Map::new();
        answer.insert("Failures".to_owned(), json!([]));
        answer.insert("Tasks".to_owned(), json!([self.show(None)]));
        with_metadata(answer, "application/x-amz-json-1.1")
    }

    /// Whether every essential container of a task that is over ended well.
    pub(super) fn is_success(&self, shown: &Value) -> bool {
        let shown = shown["Containers"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.containers.iter().filter(|container| container.essential).all(|container| {
            shown.iter().any(|one| one["Name"] == container.name.as_str() && one["ExitCode"] == 0)
        })
    }

    /// The task as DescribeTasks shows it, with how its containers ended if it is over.
    fn show(&self, over: Option<&Over>) -> Value {
        let status = if over.is_some() { "STOPPED" } else { "PROVISIONING" };
        let containers = self.containers.iter().map(|container| {
            let mut shown = json!({ "ContainerArn": container.arn, "Cpu": "0" });
            let ended = over.and_then(|over| over.ended.get(&container.name));
            match ended {
                Some(Ok(ended)) => shown["ExitCode"] = ended.exit_code.into(),
                Some(Err(reason)) => shown["Reason"] = reason.as_str().into(),
                None => {}
            }
            shown["LastStatus"] = (if over.is_some() { "STOPPED" } else { "PENDING" }).into();
            shown["ManagedAgents"] = json!([]);
            shown["Name"] = container.name.as_str().into();
            shown["NetworkBindings"] = json!([]);
            shown["NetworkInterfaces"] = json!([]);
            shown["TaskArn"] = self.arn.as_str().into();
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
        task["TaskArn"] = self.arn.as_str().into();
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

/// Runs a task to its end, and shows it as DescribeTasks does.
pub(super) async fn carry_out(jobs: &Arc<Jobs>, job: &Arc<Job>, spec: &EcsTask) -> Value {
    // Set when the containers that still run are to stop.
    let (stop_others, _) = watch::channel(false);
    let stop_others = Arc::new(stop_others);
    let mut running = JoinSet::new();
    for index in 0..spec.containers.len() {
        let (jobs, job) = (Arc::clone(jobs), Arc::clone(job));
        let stop_others = Arc::clone(&stop_others);
        running.spawn(async move {
            let Spec::Ecs(spec) = &job.spec else { unreachable!("it is a task of ECS") };
            let container = &spec.containers[index];
            let ended = run_container(&jobs, &job, container, &stop_others).await;
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
    spec.show(Some(&over))
}

async fn run_container(
    jobs: &Jobs,
    job: &Job,
    container: &Container,
    stop_others: &watch::Sender<bool>,
) -> Result<Ended, String> {
    let run = Run::new(&job.folder, &format!("container-{}", container.name));
    if !run.is_started()
        && let Some(reason) = job.stop_reason()
    {
        return Err(reason);
    }
    let mut others = stop_others.subscribe();
    let others_end = async move {
        // The sender outlives the containers.
        let _ = others.wait_for(|stop| *stop).await;
    };
    let environment = jobs.environment(&container.program);
    let finished = run.finish(&container.program, &environment);
    tokio::pin!(finished);
    let result = tokio::select! {
        result = &mut finished => result,
        _ = job.stopped() => tokio::join!(finished, run.stop(&container.program)).0,
        () = others_end => tokio::join!(finished, run.stop(&container.program)).0,
    };
    result.map_err(|error| format!("CannotStartContainerError: {error}"))
}
