//! What the operator declares of jobs and containers: definitions and queues, as they stand in
//! the configuration file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Attempts of a job at most (AWS Batch).
const ATTEMPTS_MAX: u32 = 10;
/// Seconds that the timeout of a job has at least (AWS Batch).
const TIMEOUT_SECONDS_MIN: u64 = 60;

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
}

/// How images are run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainersConfig {
    /// The engine's program: `docker`, `podman`, or a path. Default `docker`.
    #[serde(default = "docker")]
    pub engine: String,
}

impl Default for ContainersConfig {
    fn default() -> ContainersConfig {
        ContainersConfig { engine: docker() }
    }
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
    /// Further options of the container engine's `run`.
    #[serde(default)]
    pub engine_options: Vec<String>,
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
    /// Further options of the container engine's `run`.
    #[serde(default)]
    pub engine_options: Vec<String>,
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

fn docker() -> String {
    "docker".to_owned()
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

impl JobsConfig {
    /// Makes relative working directories relative to `base` (the configuration file's place).
    pub fn resolve_paths(&mut self, base: &Path) {
        let resolve = |directory: &mut Option<PathBuf>| {
            *directory = Some(match directory.take() {
                Some(directory) => base.join(directory),
                None => base.to_path_buf(),
            });
        };
        for definition in self.job_definitions.values_mut() {
            resolve(&mut definition.working_directory);
        }
        for definition in self.task_definitions.values_mut() {
            for container in definition.containers.values_mut() {
                resolve(&mut container.working_directory);
            }
        }
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
        }
        for (name, queue) in &self.job_queues {
            if queue.limit == 0 {
                problems.push(format!("job queue '{name}': 'limit' is 0, but must be at least 1"));
            }
        }
        for (family, definition) in &self.task_definitions {
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
