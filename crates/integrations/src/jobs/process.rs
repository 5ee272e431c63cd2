//! A program that outlives the server: a small shell process runs it, and writes down how it
//! ended. The next server finds it by its files instead of starting it twice.
//!
//! Each run has a prefix in its job's folder. `<prefix>.claim` is a folder made by the one shell
//! that runs the program; `<prefix>.pid` holds that shell's process, which leads a group;
//! `<prefix>.exit` holds the program's exit code; `<prefix>.log` what it printed.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

use crate::lambda::INHERITED;

/// Whoever makes the claim runs the program; every other shell leaves at once. Signals to the
/// group are for the program: the shell stays to write its exit code.
const SCRIPT: &str = r#"
prefix=$1
shift
mkdir "$prefix.claim" 2>/dev/null || exit 0
trap : HUP INT TERM
echo $$ > "$prefix.pid.new" && mv "$prefix.pid.new" "$prefix.pid"
"$@" < /dev/null > "$prefix.log" 2>&1 &
program=$!
wait $program
code=$?
while kill -0 $program 2>/dev/null; do
    wait $program
    code=$?
done
echo $code > "$prefix.exit.new" && mv "$prefix.exit.new" "$prefix.exit"
"#;

/// How often the files of a program are looked at that another server started.
const LOOK: Duration = Duration::from_millis(100);
/// How long a program may take to end after it was asked to (AWS Batch and ECS: 30 seconds).
const GRACE: Duration = Duration::from_secs(30);
/// How long a shell may take from its claim to its number.
const CLAIM_PATIENCE: Duration = Duration::from_secs(10);
/// The exit code of a program that was killed with its shell.
const KILLED: i32 = 137;

/// What is to be run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
}

/// A container by an engine's command line, which passes signals and the exit code on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Container {
    pub(super) engine: String,
    pub(super) image: String,
    pub(super) options: Vec<String>,
}

impl Program {
    /// The command line that runs it. A container is told the names of its variables, not their
    /// values: those it gets from the engine's own environment.
    fn command_line(&self, name: &str, environment: &BTreeMap<String, String>) -> Vec<String> {
        let Some(Container { engine, image, options }) = &self.container else {
            return self.command.clone();
        };
        let mut line: Vec<String> =
            [engine, "run", "--rm", "--name", name].map(str::to_owned).into();
        for variable in environment.keys() {
            if self.environment.contains_key(variable) || !INHERITED.contains(&variable.as_str()) {
                line.extend(["--env".to_owned(), variable.clone()]);
            }
        }
        line.extend(options.iter().cloned());
        line.push(image.clone());
        line.extend(self.command.iter().cloned());
        line
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) exit_code: i32,
    /// Milliseconds since 1970.
    pub(super) started_at: i64,
    pub(super) stopped_at: i64,
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

    fn file(&self, extension: &str) -> PathBuf {
        let mut path = self.prefix.clone().into_os_string();
        path.push(".");
        path.push(extension);
        path.into()
    }

    /// Whether some server has started it.
    pub(super) fn is_started(&self) -> bool {
        self.file("claim").is_dir()
    }

    /// When it was started, in milliseconds since 1970.
    pub(super) fn started_at(&self) -> Option<i64> {
        modified(&self.file("claim"))
    }

    /// Starts the program, with these variables, unless that was done before, and waits for its
    /// end.
    pub(super) async fn finish(
        &self,
        program: &Program,
        environment: &BTreeMap<String, String>,
    ) -> io::Result<Ended> {
        if !self.is_started() {
            let mut shell = self.start(program, environment)?;
            // It is another server's if the shell leaves without an exit code.
            shell.wait().await?;
        }
        loop {
            if let Some(ended) = self.ended() {
                return Ok(ended);
            }
            let claimed = self.started_at().unwrap_or_default();
            let is_fresh = now() - claimed < CLAIM_PATIENCE.as_millis() as i64;
            let is_coming = self.pid().is_none() && is_fresh;
            if !is_coming && !self.is_running() {
                // It may have written its exit code just now.
                return Ok(self.ended().unwrap_or(Ended {
                    exit_code: KILLED,
                    started_at: claimed,
                    stopped_at: now(),
                }));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn start(
        &self,
        program: &Program,
        environment: &BTreeMap<String, String>,
    ) -> io::Result<tokio::process::Child> {
        Command::new("/bin/sh")
            .args(["-c", SCRIPT, "stepwell-job"])
            .arg(&self.prefix)
            .args(program.command_line(&self.container_name(), environment))
            .current_dir(&program.working_directory)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
    }

    fn ended(&self) -> Option<Ended> {
        let file = self.file("exit");
        let exit_code = std::fs::read_to_string(&file).ok()?.trim().parse().ok()?;
        let started_at = self.started_at().unwrap_or_default();
        Some(Ended { exit_code, started_at, stopped_at: modified(&file).unwrap_or(started_at) })
    }

    /// The name of the container: of the job, and of the run in it.
    fn container_name(&self) -> String {
        let mut parts = self.prefix.iter().rev().map(|part| part.to_string_lossy());
        let (run, job) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        format!("stepwell-{job}-{run}")
    }

    /// Asks the program to end, and kills it if it does not.
    pub(super) async fn stop(&self, program: &Program) {
        self.signal(Signal::TERM);
        let end = tokio::time::Instant::now() + GRACE;
        while self.ended().is_none() && self.is_running() {
            if tokio::time::Instant::now() >= end {
                self.signal(Signal::KILL);
                if let Some(container) = &program.container {
                    let mut remove = Command::new(&container.engine);
                    remove.args(["rm", "--force", &self.container_name()]).stdin(Stdio::null());
                    if let Err(error) = remove.output().await {
                        tracing::error!(%error, "a container cannot be removed");
                    }
                }
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn signal(&self, signal: Signal) {
        if self.is_running()
            && let Some(group) = self.pid()
        {
            // An error means that nobody is left in the group.
            let _ = kill_process_group(group, signal);
        }
    }

    fn pid(&self) -> Option<Pid> {
        let text = std::fs::read_to_string(self.file("pid")).ok()?;
        text.trim().parse().ok().and_then(Pid::from_raw)
    }

    /// Whether the shell lives. Its number may be another process's by now, so that its command
    /// line is looked at, which names the run.
    fn is_running(&self) -> bool {
        let Some(pid) = self.pid() else { return false };
        let prefix = self.prefix.as_os_str().as_encoded_bytes();
        let holds = |text: &[u8]| text.windows(prefix.len()).any(|window| window == prefix);
        let number = pid.as_raw_nonzero().get();
        match std::fs::read(format!("/proc/{number}/cmdline")) {
            // A process that has ended and was not waited for has no command line.
            Ok(line) => holds(&line),
            Err(_) if Path::new("/proc/self").exists() => false,
            Err(_) => std::process::Command::new("ps")
                .args(["-o", "command=", "-p", &number.to_string()])
                .output()
                .is_ok_and(|output| holds(&output.stdout)),
        }
    }
}

fn modified(path: &Path) -> Option<i64> {
    let moment = std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()?;
    milliseconds(moment)
}

fn milliseconds(moment: SystemTime) -> Option<i64> {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

fn now() -> i64 {
    crate::clock::now_milliseconds()
}
