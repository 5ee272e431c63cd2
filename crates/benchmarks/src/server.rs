//! Servers in processes of their own, and what they use of the machine.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::client::Client;

/// How long a server may take to say where it listens.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// A server, killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    /// From the start of the process until it said where it listens.
    pub(crate) started_in: Duration,
}

impl Server {
    /// The bare server.
    pub(crate) fn constant() -> Result<Server> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("constant-server");
        Server::start(command)
    }

    /// Stepwell on a data directory.
    pub(crate) fn stepwell(program: &Path, data: &Path, config: Option<&Path>) -> Result<Server> {
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        command.args(["--log", "warn"]);
        if let Some(config) = config {
            command.arg("--config").arg(config);
        }
        Server::start(command)
    }

    fn start(mut command: Command) -> Result<Server> {
        let begin = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("cannot start {command:?}"))?;
        let stdout = child.stdout.take().context("standard output was asked for")?;
        let mut server = Server { child, address: String::new(), started_in: Duration::ZERO };
        for line in BufReader::new(stdout).lines() {
            if let Some(address) = line?.strip_prefix("listening on http://") {
                server.address = address.to_owned();
                server.started_in = begin.elapsed();
                return Ok(server);
            }
            if begin.elapsed() > START_PATIENCE {
                break;
            }
        }
        bail!("{command:?} did not say where it listens")
    }

    pub(crate) async fn client(&self) -> Result<Client> {
        Client::connect(&self.address).await
    }

    /// Kills it as a crash would.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// CPU time so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu_of(self.child.id())
    }

    /// Resident memory, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// The most resident memory it has had, in bytes.
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kilobytes.context("the system tells no memory")?.trim().parse::<u64>()? * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU time of a process and its threads so far.
pub(crate) fn cpu_of(process: u32) -> Result<Duration> {
    /// What the kernel counts in, on every Linux that matters.
    const TICKS_PER_SECOND: u64 = 100;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in parentheses may hold spaces.
    let (_, rest) = stat.rsplit_once(") ").context("/proc/PID/stat has a name")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    let (user, system) = (ticks(11).context("user time")?, ticks(12).context("system time")?);
    Ok(Duration::from_millis((user + system) * 1000 / TICKS_PER_SECOND))
}
