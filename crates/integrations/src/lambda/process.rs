//! Processes of functions: their groups, their ends, and the register of all that live.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::guardian::Guardian;

/// All processes of all functions that live.
pub(super) struct Processes {
    state: Mutex<State>,
    /// How many live.
    count: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    guardian: Guardian,
    groups: BTreeSet<u32>,
    is_closed: bool,
}

/// A process and its descendants. Dropping it kills them.
pub(super) struct ProcessGroup {
    id: u32,
    processes: Arc<Processes>,
    exit: watch::Receiver<Option<Exit>>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exit(Option<ExitStatus>);

impl Processes {
    pub(super) fn new() -> Processes {
        Processes { state: Mutex::default(), count: watch::Sender::new(0) }
    }

    /// Starts a process in a group of its own and waits for its end in the background.
    pub(super) fn spawn(self: &Arc<Self>, mut command: Command) -> std::io::Result<ProcessGroup> {
        let mut state = self.state();
        if state.is_closed {
            return Err(std::io::Error::other("the server is shutting down"));
        }
        let child = command.spawn()?;
        // The writing ends of its output must not stay open here.
        drop(command);
        let id = child.id().expect("nobody has waited for it yet");
        state.guardian.add(id);
        state.groups.insert(id);
        drop(state);
        self.count.send_modify(|count| *count += 1);
        let (ended, exit) = watch::channel(None);
        tokio::spawn(Arc::clone(self).reap(child, id, ended));
        Ok(ProcessGroup { id, processes: Arc::clone(self), exit })
    }

    async fn reap(self: Arc<Self>, mut child: Child, id: u32, ended: watch::Sender<Option<Exit>>) {
        let status = child.wait().await.ok();
        // Whatever the process has left behind in its group goes with it, as on Lambda.
        let mut state = self.state();
        kill_group(id);
        state.groups.remove(&id);
        state.guardian.remove(id);
        drop(state);
        ended.send_replace(Some(Exit(status)));
        self.count.send_modify(|count| *count -= 1);
    }

    /// Kills all processes and lets no new one start; returns when all have ended.
    pub(super) async fn close(&self) {
        {
            let mut state = self.state();
            state.is_closed = true;
            state.groups.iter().for_each(|group| kill_group(*group));
        }
        let mut count = self.count.subscribe();
        count.wait_for(|count| *count == 0).await.expect("the sender is borrowed from self");
        self.state().guardian.stop();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProcessGroup {
    pub(super) fn has_ended(&self) -> bool {
        self.exit.borrow().is_some()
    }

    /// Waits for the end of the first process of the group.
    pub(super) async fn ended(&self) -> Exit {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await {
            Ok(exit) => exit.expect("it was waited for"),
            // The task that waits for the process was stopped with the whole runtime.
            Err(_) => Exit(None),
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // The register knows whether the process has been waited for; after that its number
        // may mean another one.
        let state = self.processes.state();
        if state.groups.contains(&self.id) {
            kill_group(self.id);
        }
    }
}

fn kill_group(id: u32) {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // An error means that nobody is left in the group.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

impl Exit {
    /// Lambda's words for the end of a process that should have gone on.
    pub(super) fn describe(self) -> String {
        match self.0 {
            Some(status) if status.success() => "Runtime exited without providing a reason".into(),
            Some(status) => match (status.code(), status.signal()) {
                (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
                (None, Some(signal)) => {
                    let core = if status.core_dumped() { " (core dumped)" } else { "" };
                    format!("Runtime exited with error: signal: {}{core}", signal_name(signal))
                }
                (None, None) => "Runtime exited without providing a reason".into(),
            },
            None => "Runtime exited without providing a reason".into(),
        }
    }
}

fn signal_name(signal: i32) -> String {
    let name = match Signal::from_named_raw(signal) {
        Some(Signal::HUP) => "hangup",
        Some(Signal::INT) => "interrupt",
        Some(Signal::QUIT) => "quit",
        Some(Signal::ILL) => "illegal instruction",
        Some(Signal::TRAP) => "trace/breakpoint trap",
        Some(Signal::ABORT) => "aborted",
        Some(Signal::BUS) => "bus error",
        Some(Signal::FPE) => "floating point exception",
        Some(Signal::KILL) => "killed",
        Some(Signal::SEGV) => "segmentation fault",
        Some(Signal::PIPE) => "broken pipe",
        Some(Signal::ALARM) => "alarm clock",
        Some(Signal::TERM) => "terminated",
        _ => return format!("signal {signal}"),
    };
    name.to_owned()
}
