//! Containers and batch jobs without AWS: `ecs:runTask` and `batch:submitJob` run programs that are
//! declared in the configuration file, as processes of this machine, as containers of an engine or
//! as Jobs of a Kubernetes cluster.
//!
//! A job belongs to the attempt of a task that asks for it: its id follows from the attempt, so
//! that an attempt that is made again after a crash finds its job. Each job has a folder: what it
//! is (`job.json`), that it is to stop (`stop`), how its programs run (see [`run`]) and what
//! came of it (`result.json`). Jobs outlive the server; the next one goes on waiting for them.

mod batch;
mod cluster;
mod config;
mod container_engine;
mod ecs;
mod listing;
mod parameters;
mod pods;
mod process;
mod queues;
mod retries;
mod run;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use asl::{Pattern, Payload, Resource};
use engine::TaskFailure;
use runtime::TaskCall;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use crate::failure::task_failure;
use crate::lambda::INHERITED;
use crate::optimized::PollIntervals;
use crate::routes::ContainerRoute;
use cluster::Cluster;
use container_engine::{Engine, Printed, body_of_once};
use pods::Pods;
use queues::Queues;
use run::{Program, Runners, SharedRunners};

pub use cluster::KubernetesConfig;
pub use config::{
    ContainerConfig, ContainersConfig, JobDefinitionConfig, JobQueueConfig, JobsConfig, Pull,
    TaskDefinitionConfig,
};
pub use retries::RetryRule;
pub use run::Runner;

/// Jobs of all queues that run at the same time.
const RUNNING_MAX: usize = 1_000;

/// The jobs of a server.
pub(crate) struct Jobs {
    config: JobsConfig,
    /// Where the folders of jobs are.
    folder: PathBuf,
    server_environment: BTreeMap<String, String>,
    queues: Arc<Queues>,
    intervals: PollIntervals,
    /// Made when the first job needs them.
    runners: OnceLock<Result<SharedRunners, String>>,
    open: Mutex<BTreeMap<String, Arc<Job>>>,
}

/// Which task asked for a job.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Origin {
    execution_arn: String,
    state_name: String,
}

impl Origin {
    fn of(call: &TaskCall) -> Origin {
        Origin {
            execution_arn: (*call.execution_arn).to_owned(),
            state_name: (*call.dispatch.state_name).to_owned(),
        }
    }
}

impl fmt::Debug for Jobs {
    /// Without what jobs are told.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// A job that is not over, or was not when it was last asked for.
struct Job {
    id: String,
    spec: Spec,
    folder: PathBuf,
    /// What came of it.
    result: watch::Sender<Option<Value>>,
    /// Why it is to stop, if it is.
    stop: watch::Sender<Option<String>>,
}

/// What a job is, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Spec {
    Batch(Box<batch::BatchJob>),
    Ecs(Box<ecs::EcsTask>),
}

impl Spec {
    /// What a task gets of the result: of several tasks of ECS the first one, since that is where
    /// a single one stands.
    fn output<'r>(&self, result: &'r Value) -> &'r Value {
        match (self, result) {
            (Spec::Ecs(_), Value::Array(tasks)) => tasks.first().unwrap_or(result),
            _ => result,
        }
    }
}

impl Jobs {
    pub(crate) fn new(
        config: JobsConfig,
        folder: PathBuf,
        server_environment: BTreeMap<String, String>,
        intervals: PollIntervals,
    ) -> Arc<Jobs> {
        let queues = Queues::new(config.job_queues.clone(), RUNNING_MAX);
        // Programs run in folders of their own, and are told where theirs is.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        Arc::new(Jobs {
            config,
            folder,
            server_environment,
            queues,
            intervals,
            runners: OnceLock::new(),
            open: Mutex::default(),
        })
    }

    /// Those who run programs.
    fn runners(&self) -> Result<SharedRunners, String> {
        let made = self.runners.get_or_init(|| {
            let environment = &self.server_environment;
            let engine = Engine::new(&self.config.containers, environment);
            let cluster = Cluster::new(self.config.kubernetes.clone(), environment.clone());
            let pods = Pods::new(cluster, self.intervals);
            let runners = Runners::new(engine, pods, &self.folder);
            runners.map(Arc::new).map_err(|error| format!("{}: {error}", self.folder.display()))
        });
        made.clone()
    }

    /// Whether the job that a call asks for is declared here.
    pub(crate) fn is_local(&self, call: &TaskCall) -> bool {
        let Resource::Service { service, action, .. } = &call.dispatch.resource else {
            return false;
        };
        let parameters = call.dispatch.parameters.value();
        match (&**service, &**action) {
            ("batch", "submitJob") => parameters["JobDefinition"]
                .as_str()
                .is_some_and(|name| self.config.job_definitions.contains_key(bare_name(name))),
            ("ecs", "runTask") => parameters["TaskDefinition"]
                .as_str()
                .is_some_and(|name| self.config.task_definitions.contains_key(bare_name(name))),
            _ => false,
        }
    }

    /// Does what a call asks for, and waits for the job's end if its pattern says so.
    pub(crate) async fn run(self: &Arc<Self>, call: &TaskCall) -> Result<Payload, TaskFailure> {
        let id = job_id(call);
        let is_batch = matches!(&call.dispatch.resource, Resource::Service { service, .. } if **service == *"batch");
        let make = || match is_batch {
            true => self.batch_job(&id, call).map(|job| Spec::Batch(Box::new(job))),
            false => self.ecs_task(&id, call).map(|task| Spec::Ecs(Box::new(task))),
        };
        let job = self.submit(&id, make)?;
        let submitted = match &job.spec {
            Spec::Batch(spec) => spec.submitted(),
            Spec::Ecs(spec) => spec.submitted(),
        };
        let waits = matches!(
            &call.dispatch.resource,
            Resource::Service { pattern: Pattern::Sync | Pattern::Sync2, .. }
        );
        if !waits {
            return Ok(Payload::from_value(submitted));
        }
        if call.dispatch.submitted.is_none() {
            call.submission.submitted(Payload::from_value(submitted)).await;
        }
        let result = job.ended().await;
        let failed = match &job.spec {
            Spec::Batch(_) if batch::is_success(&result) => None,
            Spec::Batch(_) => Some(&result),
            Spec::Ecs(spec) => spec.failed(&result),
        };
        match failed {
            None => Ok(Payload::from_value(job.spec.output(&result).clone())),
            Some(shown) => {
                let cause = Payload::from_value(shown.clone());
                Err(task_failure("States.TaskFailed", cause.text()))
            }
        }
    }

    /// Runs an image for a call, with the call's parameters on its standard input.
    pub(crate) async fn run_image(
        &self,
        call: &TaskCall,
        route: &ContainerRoute,
        limits: (usize, usize),
    ) -> Result<Printed, String> {
        let runners = self.runners()?;
        let name = runners.name(&job_id(call), "route");
        let body = body_of_once(
            &route.image,
            &route.command,
            &route.environment,
            &call.dispatch.state_name,
            route.engine_options.as_ref(),
        );
        let input = call.dispatch.parameters.text().as_bytes();
        runners.engine.run_once(&name, &route.image, body, input, limits).await
    }

    /// Stops the job of a call, if there is one.
    pub(crate) fn cancel(self: &Arc<Self>, call: &TaskCall) {
        if let Ok(Some(job)) = self.find(&job_id(call)) {
            job.stop("Stopped by Step Functions");
        }
    }

    /// Goes on with the jobs that a server before this one left behind.
    pub(crate) fn resume(self: &Arc<Self>) {
        let folders = match std::fs::read_dir(&self.folder) {
            Ok(folders) => folders,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                return tracing::error!(%error, folder = %self.folder.display(), "cannot look for jobs");
            }
        };
        for folder in folders.filter_map(Result::ok) {
            let name = folder.file_name();
            let Some(id) = name.to_str() else { continue };
            if !folder.path().join("result.json").exists()
                && let Err(error) = self.find(id)
            {
                tracing::error!(%error, job = id, "a job cannot be taken up");
            }
        }
    }

    /// The job with this id; made if there is none yet.
    fn submit(
        self: &Arc<Self>,
        id: &str,
        make: impl FnOnce() -> Result<Spec, TaskFailure>,
    ) -> Result<Arc<Job>, TaskFailure> {
        let failed = |error: io::Error| {
            task_failure("Stepwell.JobFailed", format!("The job cannot be kept: {error}"))
        };
        let mut open = self.open();
        if let Some(job) = self.find_in(&mut open, id).map_err(failed)? {
            return Ok(job);
        }
        let spec = make()?;
        let folder = self.folder.join(id);
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let text = serde_json::to_vec(&spec).expect("a job is JSON");
        write_file(&folder.join("job.json"), &text).map_err(failed)?;
        Ok(self.begin(&mut open, id, spec, folder))
    }

    /// The job with this id, from memory or from its folder.
    fn find(self: &Arc<Self>, id: &str) -> io::Result<Option<Arc<Job>>> {
        self.find_in(&mut self.open(), id)
    }

    fn find_in(
        self: &Arc<Self>,
        open: &mut BTreeMap<String, Arc<Job>>,
        id: &str,
    ) -> io::Result<Option<Arc<Job>>> {
        if let Some(job) = open.get(id) {
            return Ok(Some(Arc::clone(job)));
        }
        let folder = self.folder.join(id);
        let text = match std::fs::read(folder.join("job.json")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let spec = serde_json::from_slice(&text)?;
        Ok(Some(self.begin(open, id, spec, folder)))
    }

    /// Goes on with a job, or takes note of what came of it.
    fn begin(
        self: &Arc<Self>,
        open: &mut BTreeMap<String, Arc<Job>>,
        id: &str,
        spec: Spec,
        folder: PathBuf,
    ) -> Arc<Job> {
        let result = std::fs::read(folder.join("result.json")).ok();
        let result = result.and_then(|text| serde_json::from_slice(&text).ok());
        let stop = std::fs::read_to_string(folder.join("stop")).ok();
        let is_over = result.is_some();
        let job = Arc::new(Job {
            id: id.to_owned(),
            spec,
            folder,
            result: watch::Sender::new(result),
            stop: watch::Sender::new(stop),
        });
        if !is_over {
            open.insert(id.to_owned(), Arc::clone(&job));
            tokio::spawn(Arc::clone(self).carry_out(Arc::clone(&job)));
        }
        job
    }

    async fn carry_out(self: Arc<Self>, job: Arc<Job>) {
        let result = match &job.spec {
            Spec::Batch(spec) => batch::carry_out(&self, &job, spec).await,
            Spec::Ecs(spec) => ecs::carry_out(&self, &job, spec).await,
        };
        let text = serde_json::to_vec(&result).expect("a result is JSON");
        if let Err(error) = write_file(&job.folder.join("result.json"), &text) {
            // The next server will find out again from the programs' own files.
            tracing::error!(%error, job = job.id, "the result of a job cannot be kept");
        }
        job.result.send_replace(Some(result));
        self.open().remove(&job.id);
    }

    /// The variables of a program: those that are asked for and its own; a process gets the few
    /// that everything needs, too.
    fn environment(&self, program: &Program) -> BTreeMap<String, String> {
        let always: &[&str] = if program.container.is_some() { &[] } else { &INHERITED };
        let asked_for = program.inherit_environment.iter().map(String::as_str);
        let names = always.iter().copied().chain(asked_for);
        let mut environment: BTreeMap<String, String> = names
            .filter_map(|name| {
                let value = self.server_environment.get(name)?;
                Some((name.to_owned(), value.clone()))
            })
            .collect();
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            environment.insert(name.to_owned(), program.region.clone());
        }
        let own = program.environment.iter();
        environment.extend(own.map(|(name, value)| (name.clone(), value.clone())));
        environment
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Job>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    /// What came of the job, once it is over.
    async fn ended(&self) -> Value {
        let mut result = self.result.subscribe();
        let ended = result.wait_for(Option::is_some).await.expect("the job holds the sender");
        ended.clone().expect("it was waited for")
    }

    /// Has the job stopped, also by the next server.
    fn stop(&self, reason: &str) {
        if self.result.borrow().is_some() || self.stop.borrow().is_some() {
            return;
        }
        if let Err(error) = write_file(&self.folder.join("stop"), reason.as_bytes()) {
            tracing::error!(%error, job = self.id, "that a job is to stop cannot be kept");
        }
        self.stop.send_replace(Some(reason.to_owned()));
    }

    /// Waits until the job is to stop, and says why.
    async fn stopped(&self) -> String {
        let mut stop = self.stop.subscribe();
        let reason = stop.wait_for(Option::is_some).await.expect("the job holds the sender");
        reason.clone().expect("it was waited for")
    }

    fn stop_reason(&self) -> Option<String> {
        self.stop.borrow().clone()
    }
}

/// The id of the job of a task's attempt: a UUID, the same every time.
fn job_id(call: &TaskCall) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("job {} {}", call.dispatch.task.0, call.execution_arn));
    let bytes: [u8; 32] = hash.finalize().into();
    let bytes = bytes.first_chunk::<16>().expect("a hash has 32 bytes");
    uuid::Builder::from_random_bytes(*bytes).into_uuid().to_string()
}

/// The name in an ARN or a name, without its revision.
fn bare_name(text: &str) -> &str {
    let name = text.rsplit('/').next().unwrap_or(text);
    name.split(':').next().unwrap_or(name)
}

/// `region` and account of an execution's ARN.
fn scope(execution_arn: &str) -> (&str, &str) {
    let mut parts = execution_arn.split(':').skip(3);
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// Writes a file that is there whole or not at all.
fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = std::fs::File::create(&new)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}
