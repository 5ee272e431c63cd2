//! A running `serve` or `dev` for tests: what it prints, line by line, and requests to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The longest that a test takes with a process.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that is killed when the test is over, however it ends.
pub(crate) struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// `ADDRESS:PORT`
    pub(crate) address: String,
    /// What it printed before it listened.
    pub(crate) preparations: String,
    /// Gone when the test is over.
    _watch: Sender<()>,
}

impl Process {
    /// Starts a command and waits until it listens.
    pub(crate) fn start(mut command: Command) -> Process {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (address, preparations) = (String::new(), String::new());
        let _watch = watch(&child);
        let mut process = Process { child, stdout, address, preparations, _watch };
        let (line, before) = process.read_until("listening on http://");
        process.address = line.rsplit('/').next().unwrap().to_owned();
        process.preparations = before;
        process
    }

    /// Reads on until a line with this text.
    pub(crate) fn line_with(&mut self, text: &str) -> String {
        self.read_until(text).0
    }

    /// The line with this text, and what was printed before it.
    fn read_until(&mut self, text: &str) -> (String, String) {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            if self.stdout.read_line(&mut line).unwrap() == 0 {
                panic!("it ended without `{text}`:\n{seen}\n{}", self.log());
            }
            if line.contains(text) {
                return (line.trim_end().to_owned(), seen);
            }
            seen.push_str(&line);
        }
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> i32 {
        pid(&self.child).as_raw_nonzero().get()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(pid(&self.child), signal).unwrap();
    }

    /// Waits for the end; the exit status.
    pub(crate) fn wait(&mut self) -> i32 {
        // What it still prints must not keep it from ending.
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        self.child.wait().unwrap().code().unwrap()
    }

    /// What it wrote to standard error, once it has ended.
    pub(crate) fn log(&mut self) -> String {
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }

    /// Calls an operation that must succeed.
    pub(crate) fn call(&self, operation: &str, request: &Value) -> Value {
        call(&self.address, operation, request)
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap()
}

/// A process that says nothing for too long ends, so that the test fails instead of hanging.
fn watch(child: &Child) -> Sender<()> {
    let (sender, receiver) = channel();
    let pid = pid(child);
    std::thread::spawn(move || {
        if receiver.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            let _ = kill_process(pid, Signal::KILL);
        }
    });
    sender
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Calls an operation that must succeed, without a client that could get in the way.
pub(crate) fn call(address: &str, operation: &str, request: &Value) -> Value {
    let (status, body) = answer(address, operation, request);
    assert_eq!(status, "200", "{body}");
    body
}

/// The status and body of an answer.
pub(crate) fn answer(address: &str, operation: &str, request: &Value) -> (String, Value) {
    let body = request.to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-amz-json-1.0\r\n\
         X-Amz-Target: AWSStepFunctions.{operation}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().to_owned();
    (status, serde_json::from_str(body).unwrap())
}
