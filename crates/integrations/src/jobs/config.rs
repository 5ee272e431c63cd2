//! What the operator declares of jobs and containers: definitions and queues, as they stand in
//! the configuration file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::cluster::KubernetesConfig;
use super::container_engine::check_host;
use super::retries::{self, RetryRule};
use super::run::{Container, Limits, Runner};

/// Attempts of a job at most (AWS Batch).
const ATTEMPTS_MAX: u32 = 10;
/// Seconds that the timeout of a job has at least (AWS Batch).
const TIMEOUT_SECONDS_MIN: u64 = 60;
/// Megabytes of memory at least (AWS Batch).
const MEMORY_MEGABYTES_MIN: u64 = 4;

/// The parts of the configuration file about jobs.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobsConfig {
    /// What `batch:submitJob` names as `JobDefinition`, by name.
    #[serde(default)]
    pub job_definitions: BTreeMap<String, JobDefinitionConfig>,
    /// What `batch:submitJob` names as `JobQueue`, by name.
    #[serde(default)]
    pub job_queues: BTreeMap<String, JobQueueConfig>,
    /// What `ecs:runTask` names as `TaskDefinition`, by family.
    #[serde(default)]
    pub task_definitions: BTreeMap<String, TaskDefinitionConfig>,
    #[serde(default)]
    pub containers: ContainersConfig,
    /// The cluster of those that run there.
    #[serde(default)]
    pub kubernetes: KubernetesConfig,
}

/// How images are run.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainersConfig {
    /// Who runs those that do not say it themselves. Default: a container engine.
    #[serde(default)]
    pub runner: Runner,
    /// Where the engine listens: `unix:///run/podman/podman.sock`, `tcp://127.0.0.1:2375`.
    /// Default: `DOCKER_HOST`, else where Docker and Podman listen.
    #[serde(default)]
    pub host: Option<String>,
    /// When the engine fetches an image. Default: when it does not have it.
    #[serde(default)]
    pub pull: Pull,
}

/// When images are fetched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pull {
    #[default]
    Missing,
    Always,
    Never,
}

/// How the image of a program is run, and what it may use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Image<'c> {
    pub(super) name: Option<&'c String>,
    runner: Option<Runner>,
    engine_options: Option<&'c Value>,
    pod_options: Option<&'c Value>,
    vcpus: Option<f64>,
    memory_megabytes: Option<u64>,
}

impl Image<'_> {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            memory_megabytes: self.memory_megabytes,
            milli_cpus: self.vcpus.and_then(milli_cpus),
        }
    }

    /// The container of a program that has an image.
    pub(super) fn container(&self, containers: &ContainersConfig) -> Option<Container> {
        let runner = self.runner.unwrap_or(containers.runner);
        let settings = match runner {
            Runner::Engine => self.engine_options,
            Runner::Kubernetes => self.pod_options,
        };
        Some(Container {
            runner,
            image: self.name?.clone(),
            settings: settings.cloned().unwrap_or(Value::Null),
        })
    }

    fn check(&self, what: &str) -> Vec<String> {
        let mut problems = Vec::new();
        if self.name.is_none() && self.runner.is_some() {
            problems.push(format!("{what}: 'runner' needs an 'image'"));
        }
        for (name, options) in
            [("engine_options", self.engine_options), ("pod_options", self.pod_options)]
        {
            if options.is_some_and(|options| !options.is_object()) {
                problems.push(format!("{what}: '{name}' is no table"));
            }
        }
        if self.vcpus.is_some_and(|vcpus| milli_cpus(vcpus).is_none()) {
            problems.push(format!("{what}: 'vcpus' must be more than 0"));
        }
        if self.memory_megabytes.is_some_and(|megabytes| megabytes < MEMORY_MEGABYTES_MIN) {
            problems.push(format!(
                "{what}: 'memory_megabytes' must be at least {MEMORY_MEGABYTES_MIN}"
            ));
        }
        problems
    }
}

/// Thousandths of a processor, if it is something.
pub(super) fn milli_cpus(vcpus: f64) -> Option<u64> {
    let milli = (vcpus * 1000.0).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was bounded")]
    (1.0..=1e9).contains(&milli).then_some(milli as u64)
}

/// A kind of job: a program that runs and ends.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobDefinitionConfig {
    /// The program and its arguments. `Ref::name` stands for a parameter. With an image it may be
    /// left out: then the image's own is run.
    #[serde(default)]
    pub command: Vec<String>,
    /// The container image to run it in. Default: none, it is a process of this machine.
    #[serde(default)]
    pub image: Option<String>,
    /// Who runs the image. Default: as `[containers]` says.
    #[serde(default)]
    pub runner: Option<Runner>,
    /// Members for the engine's request that makes the container, such as `User` or `HostConfig`.
    #[serde(default)]
    pub engine_options: Option<Value>,
    /// Members for the specification of the pod; the first of `containers` is the program's.
    #[serde(default)]
    pub pod_options: Option<Value>,
    /// Processors that it may use. Default: no limit. Processes are not held to it.
    #[serde(default)]
    pub vcpus: Option<f64>,
    /// Megabytes of memory that it may use. Default: no limit.
    #[serde(default)]
    pub memory_megabytes: Option<u64>,
    /// Where it runs. Default: the configuration file's folder.
    #[serde(default)]
    pub working_directory: Option<PathBuf>,
    /// Variables for the program.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Names of the server's own variables that the program shall see, too.
    #[serde(default)]
    pub inherit_environment: Vec<String>,
    /// Values of the command's parameters where a job gives none.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// How often it is tried, 1 to 10. Default 1.
    #[serde(default = "one")]
    pub attempts: u32,
    /// Seconds after which an attempt is ended. Default: none.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
    /// Which failures are tried again, and which are not. Default: all are.
    #[serde(default)]
    pub evaluate_on_exit: Vec<RetryRule>,
}

/// A queue of jobs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobQueueConfig {
    /// Jobs of queues with a higher number start first. Default 1.
    #[serde(default = "one")]
    pub priority: u32,
    /// Jobs of this queue that run at the same time. Default 10.
    #[serde(default = "ten")]
    pub limit: usize,
}

/// A kind of task: programs that run together and end together.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskDefinitionConfig {
    /// By name.
    pub containers: BTreeMap<String, ContainerConfig>,
}

/// One program of a task.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerConfig {
    /// The program and its arguments. With an image it may be left out.
    #[serde(default)]
    pub command: Vec<String>,
    /// The container image to run it in. Default: none, it is a process of this machine.
    #[serde(default)]
    pub image: Option<String>,
    /// Who runs the image. Default: as `[containers]` says.
    #[serde(default)]
    pub runner: Option<Runner>,
    /// Members for the engine's request that makes the container, such as `User` or `HostConfig`.
    #[serde(default)]
    pub engine_options: Option<Value>,
    /// Members for the specification of the pod; the first of `containers` is the program's.
    #[serde(default)]
    pub pod_options: Option<Value>,
    /// Processors that it may use. Default: no limit. Processes are not held to it.
    #[serde(default)]
    pub vcpus: Option<f64>,
    /// Megabytes of memory that it may use. Default: no limit.
    #[serde(default)]
    pub memory_megabytes: Option<u64>,
    /// Where it runs. Default: the configuration file's folder.
    #[serde(default)]
    pub working_directory: Option<PathBuf>,
    /// Variables for the program.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Names of the server's own variables that the program shall see, too.
    #[serde(default)]
    pub inherit_environment: Vec<String>,
    /// Whether its end ends the task. Default true.
    #[serde(default = "yes")]
    pub essential: bool,
}

fn one() -> u32 {
    1
}

fn ten() -> usize {
    10
}

fn yes() -> bool {
    true
}

impl JobDefinitionConfig {
    pub(super) fn image(&self) -> Image<'_> {
        Image {
            name: self.image.as_ref(),
            runner: self.runner,
            engine_options: self.engine_options.as_ref(),
            pod_options: self.pod_options.as_ref(),
            vcpus: self.vcpus,
            memory_megabytes: self.memory_megabytes,
        }
    }
}

impl ContainerConfig {
    pub(super) fn image(&self) -> Image<'_> {
        Image {
            name: self.image.as_ref(),
            runner: self.runner,
            engine_options: self.engine_options.as_ref(),
            pod_options: self.pod_options.as_ref(),
            vcpus: self.vcpus,
            memory_megabytes: self.memory_megabytes,
        }
    }
}

impl JobsConfig {
    /// Makes relative working directories relative to `base` (the configuration file's place).
    pub fn resolve_paths(&mut self, base: &Path) {
        // The file may be named without its folder, which is the one that we are in.
        let base = if base.as_os_str().is_empty() { Path::new(".") } else { base };
        let resolve = |directory: &mut Option<PathBuf>| {
            *directory = Some(match directory.take() {
                Some(directory) => base.join(directory),
                None => base.to_path_buf(),
            });
        };
        for definition in self.job_definitions.values_mut() {
            resolve(&mut definition.working_directory);
        }
        if let Some(path) = &mut self.kubernetes.kubeconfig {
            *path = base.join(&path);
        }
        for definition in self.task_definitions.values_mut() {
            for container in definition.containers.values_mut() {
                resolve(&mut container.working_directory);
            }
        }
    }

    /// What is declared of a service, each with who runs it, for people.
    pub(crate) fn destinations(&self, service: &str) -> Vec<String> {
        let place = |image: Image<'_>| match image.container(&self.containers) {
            None => "process",
            Some(container) if container.runner == Runner::Engine => "container",
            Some(_) => "Kubernetes",
        };
        if service == "batch" {
            let jobs = self.job_definitions.iter();
            return jobs.map(|(name, job)| format!("{name} ({})", place(job.image()))).collect();
        }
        let tasks = self.task_definitions.iter();
        let shown = tasks.map(|(family, task)| {
            let mut places: Vec<&str> =
                task.containers.values().map(|container| place(container.image())).collect();
            places.sort_unstable();
            places.dedup();
            format!("{family} ({})", places.join(", "))
        });
        shown.collect()
    }

    /// Everything that is wrong, in the order of the names.
    pub fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check_command = |what: &str, command: &[String], has_image: bool| {
            if command.first().map_or(!has_image, String::is_empty) {
                problems.push(format!("{what}: 'command' names no program"));
            }
        };
        for (name, definition) in &self.job_definitions {
            check_command(
                &format!("job definition '{name}'"),
                &definition.command,
                definition.image.is_some(),
            );
        }
        for (family, definition) in &self.task_definitions {
            for (name, container) in &definition.containers {
                let what = format!("container '{name}' of task definition '{family}'");
                check_command(&what, &container.command, container.image.is_some());
            }
        }
        for (name, definition) in &self.job_definitions {
            if !(1..=ATTEMPTS_MAX).contains(&definition.attempts) {
                problems.push(format!(
                    "job definition '{name}': 'attempts' is {}, but goes from 1 to {ATTEMPTS_MAX}",
                    definition.attempts
                ));
            }
            if definition.timeout_seconds.is_some_and(|seconds| seconds < TIMEOUT_SECONDS_MIN) {
                problems.push(format!(
                    "job definition '{name}': 'timeout_seconds' is less than {TIMEOUT_SECONDS_MIN}"
                ));
            }
            let what = format!("job definition '{name}'");
            problems.extend(definition.image().check(&what));
            if let Err(problem) = retries::check(&definition.evaluate_on_exit) {
                problems.push(format!("{what}: {problem}"));
            }
        }
        for (name, queue) in &self.job_queues {
            if queue.limit == 0 {
                problems.push(format!("job queue '{name}': 'limit' is 0, but must be at least 1"));
            }
        }
        if let Some(Err(problem)) = self.containers.host.as_deref().map(check_host) {
            problems.push(format!("containers: {problem}"));
        }
        for (family, definition) in &self.task_definitions {
            for (name, container) in &definition.containers {
                let what = format!("container '{name}' of task definition '{family}'");
                problems.extend(container.image().check(&what));
            }
            if !definition.containers.values().any(|container| container.essential) {
                problems.push(format!("task definition '{family}': no container is essential"));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn declarations_are_checked() {
        let config: JobsConfig = serde_json::from_str(
            r#"{"job_definitions": {"a": {"command": []}, "b": {"command": ["x"], "attempts": 11, "timeout_seconds": 5}},
                "job_queues": {"q": {"limit": 0}},
                "task_definitions": {"t": {"containers": {"c": {"command": [""], "essential": false}}}}}"#,
        )
        .unwrap();
        expect![[r#"
            job definition 'a': 'command' names no program
            container 'c' of task definition 't': 'command' names no program
            job definition 'b': 'attempts' is 11, but goes from 1 to 10
            job definition 'b': 'timeout_seconds' is less than 60
            job queue 'q': 'limit' is 0, but must be at least 1
            task definition 't': no container is essential"#]]
        .assert_eq(&config.check().join("\n"));
    }
}
