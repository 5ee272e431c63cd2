//! One run of one program: where it runs, how it ended, and the files that tell the next server.
//!
//! Each run has a prefix in its job's folder. `<prefix>.claim` is a folder that is made before
//! anything is started; `<prefix>.log` is what the program printed. A process has further files
//! (see [`super::process`]). A container or a pod has `<prefix>.made` once it was made, and
//! `<prefix>.ended` with how it ended; both carry a name that follows from the run, so that it
//! is found again.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::container_engine::Engine;
use super::pods::Pods;
use super::{process, write_file};

/// How long a program may take to end after it was asked to (AWS Batch and ECS: 30 seconds).
pub(super) const GRACE: Duration = Duration::from_secs(30);
/// How often files are looked at, and things asked for that are about to be there.
pub(super) const LOOK: Duration = Duration::from_millis(100);
/// The exit code of a program that was killed, or that is gone without a word.
pub(super) const KILLED: i32 = 137;

/// What is to be run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Program {
    pub(super) command: Vec<String>,
    pub(super) working_directory: PathBuf,
    /// Its own variables.
    pub(super) environment: BTreeMap<String, String>,
    /// Names of the server's variables that it sees, too.
    pub(super) inherit_environment: Vec<String>,
    pub(super) region: String,
    /// The container that it runs in, if it is not a process of this machine.
    pub(super) container: Option<Container>,
    #[serde(default)]
    pub(super) limits: Limits,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Container {
    #[serde(default)]
    pub(super) runner: Runner,
    pub(super) image: String,
    /// Members for the request that makes it.
    #[serde(default)]
    pub(super) settings: Value,
}

/// Who runs images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runner {
    /// Docker or Podman, by Docker's Engine API.
    #[default]
    #[serde(alias = "docker", alias = "podman")]
    Engine,
    /// A cluster, as Jobs.
    Kubernetes,
}

/// What a program may use.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Limits {
    pub(super) memory_megabytes: Option<u64>,
    /// Thousandths of a processor.
    pub(super) milli_cpus: Option<u64>,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ended {
    pub(super) exit_code: i32,
    /// Milliseconds since 1970.
    pub(super) started_at: i64,
    pub(super) stopped_at: i64,
    /// Why it ended so, where the exit code alone does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// It took longer than it may; told by a runner that looks at the time itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) timed_out: bool,
}

/// AWS's words for a program that used too much memory.
pub(super) const OUT_OF_MEMORY: &str = "OutOfMemoryError: Container killed due to memory usage";

/// What a run is told.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) program: &'a Program,
    /// All variables of a process, or those of a container.
    pub(super) environment: &'a BTreeMap<String, String>,
    pub(super) timeout_seconds: Option<u64>,
    /// What the job is called, for people who look at containers.
    pub(super) title: &'a str,
}

/// Those who run images.
pub(super) struct Runners {
    pub(super) engine: Arc<Engine>,
    pub(super) pods: Pods,
    /// Sets this server's containers apart from those of another.
    server: String,
}

impl Runners {
    pub(super) fn new(engine: Engine, pods: Pods, folder: &Path) -> io::Result<Runners> {
        Ok(Runners { engine: Arc::new(engine), pods, server: server_id(folder)? })
    }

    /// The name of the container of a run.
    pub(super) fn name_of(&self, run: &Run) -> String {
        self.name(&run.job(), &run.name())
    }

    /// The name of the container of something in a job.
    pub(super) fn name(&self, job: &str, run: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("{} {job} {run}", self.server));
        let hash: [u8; 32] = hash.finalize().into();
        let digits: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("stepwell-{digits}")
    }

    /// Starts the program unless that was done before, and waits for its end.
    pub(super) async fn finish(&self, run: &Run, attempt: Attempt<'_>) -> io::Result<Ended> {
        match &attempt.program.container {
            None => process::finish(run, attempt).await,
            Some(container) => match container.runner {
                Runner::Engine => self.engine.finish(self, run, attempt, container).await,
                Runner::Kubernetes => self.pods.finish(self, run, attempt, container).await,
            },
        }
    }

    /// Asks the program to end and kills it if it does not, until [`Runners::finish`] knows that
    /// it has: also one that is only being started.
    pub(super) async fn stop(&self, run: &Run, program: &Program) -> Infallible {
        match program.container.as_ref().map(|container| container.runner) {
            None => process::stop(run).await,
            Some(Runner::Engine) => self.engine.stop(&self.name_of(run)).await,
            Some(Runner::Kubernetes) => self.pods.stop(&self.name_of(run)).await,
        }
    }

    /// Has what a container printed until now in the run's log.
    pub(super) async fn refresh_log(&self, run: &Run, runner: Runner) -> io::Result<()> {
        if run.is_over() || !run.is_made() {
            return Ok(());
        }
        match runner {
            Runner::Engine => self.engine.keep_log(&self.name_of(run), run).await,
            Runner::Kubernetes => self.pods.keep_log(&self.name_of(run), run).await,
        }
    }
}

/// A run of a program.
#[derive(Debug, Clone)]
pub(super) struct Run {
    prefix: PathBuf,
}

impl Run {
    pub(super) fn new(folder: &Path, name: &str) -> Run {
        Run { prefix: folder.join(name) }
    }

    /// Another run of the same job.
    pub(super) fn sibling(&self, name: &str) -> Run {
        Run { prefix: self.prefix.with_file_name(name) }
    }

    pub(super) fn prefix(&self) -> &Path {
        &self.prefix
    }

    pub(super) fn file(&self, extension: &str) -> PathBuf {
        let mut path = self.prefix.clone().into_os_string();
        path.push(".");
        path.push(extension);
        path.into()
    }

    /// The name of the run in its job.
    pub(super) fn name(&self) -> String {
        self.prefix.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The id of its job.
    pub(super) fn job(&self) -> String {
        let folder = self.prefix.parent().and_then(Path::file_name);
        folder.unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Whether some server has started it, or was about to.
    pub(super) fn is_started(&self) -> bool {
        self.file("claim").is_dir()
    }

    /// When it was started, in milliseconds since 1970.
    pub(super) fn started_at(&self) -> Option<i64> {
        modified(&self.file("claim"))
    }

    pub(super) fn claim(&self) -> io::Result<()> {
        match std::fs::create_dir(self.file("claim")) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            outcome => outcome,
        }
    }

    /// Whether its container is known to have been made.
    pub(super) fn is_made(&self) -> bool {
        self.file("made").exists()
    }

    pub(super) fn note_made(&self, id: &str) -> io::Result<()> {
        write_file(&self.file("made"), id.as_bytes())
    }

    fn is_over(&self) -> bool {
        self.file("ended").exists()
    }

    /// How it ended, if it has.
    pub(super) fn ended(&self) -> Option<Ended> {
        if let Ok(text) = std::fs::read(self.file("ended")) {
            return serde_json::from_slice(&text).ok();
        }
        let file = self.file("exit");
        let exit_code = std::fs::read_to_string(&file).ok()?.trim().parse().ok()?;
        let started_at = self.started_at().unwrap_or_default();
        let stopped_at = modified(&file).unwrap_or(started_at);
        Some(Ended { exit_code, started_at, stopped_at, reason: None, timed_out: false })
    }

    /// Keeps how a container ended.
    pub(super) fn note_ended(&self, ended: &Ended) -> io::Result<()> {
        let text = serde_json::to_vec(ended).expect("it is JSON");
        write_file(&self.file("ended"), &text)
    }

    /// A container that is gone without anybody having seen its end.
    pub(super) fn lost(&self, reason: &str) -> Ended {
        Ended {
            exit_code: KILLED,
            started_at: self.started_at().unwrap_or_default(),
            stopped_at: crate::clock::now_milliseconds(),
            reason: Some(reason.to_owned()),
            timed_out: false,
        }
    }

    /// A file for the log, which takes the place of the one that is there when it is whole.
    pub(super) fn log_writer(&self) -> io::Result<LogWriter> {
        let new = self.file("log.new");
        Ok(LogWriter { file: std::fs::File::create(&new)?, new, log: self.file("log") })
    }
}

/// Writes a log.
pub(super) struct LogWriter {
    file: std::fs::File,
    new: PathBuf,
    log: PathBuf,
}

impl LogWriter {
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(&mut self.file, bytes)
    }

    pub(super) fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(self.new, self.log)
    }
}

/// Puts what is given over what is there, member by member.
pub(super) fn merge(into: &mut Value, given: &Value) {
    match (into, given) {
        (Value::Object(into), Value::Object(given)) => {
            for (name, value) in given {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, given) => *into = given.clone(),
    }
}

/// The moment when a file was last written, in milliseconds since 1970.
pub(super) fn modified(path: &Path) -> Option<i64> {
    let moment = std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()?;
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

/// What sets a server's folder of jobs apart from every other, made once.
fn server_id(folder: &Path) -> io::Result<String> {
    let path = folder.join("server-id");
    match std::fs::read_to_string(&path) {
        Ok(id) => return Ok(id),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    std::fs::create_dir_all(folder)?;
    let id = uuid::Uuid::new_v4().to_string();
    write_file(&path, id.as_bytes())?;
    Ok(id)
}

/// Shared by the runs of a server.
pub(super) type SharedRunners = Arc<Runners>;
