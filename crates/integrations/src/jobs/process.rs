//! A process that outlives the server: a small shell process runs it, and writes down how it
//! ended. The next server finds it by its files instead of starting it twice.
//!
//! `<prefix>.claim` is a folder made by the one shell that runs the program; `<prefix>.pid` holds
//! that shell's process, which leads a group; `<prefix>.exit` holds the program's exit code;
//! `<prefix>.log` what it printed.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

use super::run::{Attempt, Ended, GRACE, KILLED, LOOK, Run};

/// Whoever makes the claim runs the program; every other shell leaves at once. Signals to the
/// group are for the program: the shell stays to write its exit code, and is known to others only
/// when the program is there to get them. The limit is on the data
/// of each process, in KiB: address space that is only reserved does not count.
const SCRIPT: &str = r#"
prefix=$1
memory=$2
shift 2
mkdir "$prefix.claim" 2>/dev/null || exit 0
trap : HUP INT TERM
( if test -n "$memory"; then ulimit -d "$memory" || exit 126; fi; trap - HUP INT TERM; exec "$@" ) < /dev/null > "$prefix.log" 2>&1 &
program=$!
echo $$ > "$prefix.pid.new" && mv "$prefix.pid.new" "$prefix.pid"
wait $program
code=$?
while kill -0 $program 2>/dev/null; do
    wait $program
    code=$?
done
echo $code > "$prefix.exit.new" && mv "$prefix.exit.new" "$prefix.exit"
"#;

/// How long a shell may take from its claim to its number.
const CLAIM_PATIENCE: Duration = Duration::from_secs(10);

/// Starts the program, unless that was done before, and waits for its end.
pub(super) async fn finish(run: &Run, attempt: Attempt<'_>) -> io::Result<Ended> {
    if !run.is_started() {
        let mut shell = start(run, attempt)?;
        // It is another server's if the shell leaves without an exit code.
        shell.wait().await?;
    }
    loop {
        if let Some(ended) = run.ended() {
            return Ok(ended);
        }
        let claimed = run.started_at().unwrap_or_default();
        let age = crate::clock::now_milliseconds() - claimed;
        let is_fresh = age < CLAIM_PATIENCE.as_millis() as i64;
        let is_coming = pid(run).is_none() && is_fresh;
        if !is_coming && !is_running(run) {
            // It may have written its exit code just now.
            return Ok(run.ended().unwrap_or_else(|| Ended {
                exit_code: KILLED,
                started_at: claimed,
                stopped_at: crate::clock::now_milliseconds(),
                reason: None,
                timed_out: false,
            }));
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn start(run: &Run, attempt: Attempt<'_>) -> io::Result<tokio::process::Child> {
    let memory = attempt.program.limits.memory_megabytes;
    let memory =
        memory.map_or(String::new(), |megabytes| megabytes.saturating_mul(1024).to_string());
    Command::new("/bin/sh")
        .args(["-c", SCRIPT, "stepwell-job"])
        .arg(run.prefix())
        .arg(memory)
        .args(&attempt.program.command)
        .current_dir(&attempt.program.working_directory)
        .env_clear()
        .envs(attempt.environment)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

/// Asks the program to end, also one that is only being started, and kills it if it does not.
pub(super) async fn stop(run: &Run) -> Infallible {
    while !signal(run, Signal::TERM) {
        tokio::time::sleep(LOOK).await;
    }
    tokio::time::sleep(GRACE).await;
    loop {
        signal(run, Signal::KILL);
        tokio::time::sleep(LOOK).await;
    }
}

/// Whether there was somebody to be told.
fn signal(run: &Run, signal: Signal) -> bool {
    // An error means that nobody is left in the group.
    is_running(run) && pid(run).is_some_and(|group| kill_process_group(group, signal).is_ok())
}

fn pid(run: &Run) -> Option<Pid> {
    let text = std::fs::read_to_string(run.file("pid")).ok()?;
    text.trim().parse().ok().and_then(Pid::from_raw)
}

/// Whether the shell lives. Its number may be another process's by now, so that its command
/// line is looked at, which names the run.
fn is_running(run: &Run) -> bool {
    let Some(pid) = pid(run) else { return false };
    let prefix = run.prefix().as_os_str().as_encoded_bytes();
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
