//! The two pipes on which a process prints, cut into lines.

use std::io::PipeReader;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::unix::pipe;

use super::logs::{FunctionLogs, LogStream, RequestContext};

/// A line that grows longer is cut here (Lambda's bound of a log event).
const LINE_BYTES_MAX: usize = 256 * 1024;
/// What one look into a pipe takes at most, so that a function that never stops printing
/// cannot hold up its own answer.
const READ_BYTES_MAX: usize = 1024 * 1024;

/// What one process prints, and on behalf of which invocation.
pub(super) struct Output {
    function: Arc<str>,
    logs: Arc<FunctionLogs>,
    request: Mutex<Option<RequestContext>>,
    pipes: [Pipe; 2],
}

struct Pipe {
    receiver: pipe::Receiver,
    stream: LogStream,
    line: Mutex<Vec<u8>>,
}

#[derive(PartialEq, Eq)]
enum Progress {
    Empty,
    Ended,
}

impl Output {
    pub(super) fn new(
        function: Arc<str>,
        logs: Arc<FunctionLogs>,
        stdout: PipeReader,
        stderr: PipeReader,
    ) -> std::io::Result<Output> {
        let pipe = |reader: PipeReader, stream| {
            let receiver = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
            Ok::<_, std::io::Error>(Pipe { receiver, stream, line: Mutex::default() })
        };
        let pipes = [pipe(stdout, LogStream::Stdout)?, pipe(stderr, LogStream::Stderr)?];
        Ok(Output { function, logs, request: Mutex::default(), pipes })
    }

    /// From now on lines belong to this invocation.
    pub(super) fn set_request(&self, request: Option<RequestContext>) {
        *self.request.lock().unwrap_or_else(PoisonError::into_inner) = request;
    }

    /// Says something that the function did not say itself.
    pub(super) fn say(&self, text: &str) {
        self.append(LogStream::Platform, text);
    }

    /// Takes in what has been printed up to now. A process that answered has written its lines
    /// before, so that they stand in the log when the answer is seen.
    pub(super) fn drain(&self) {
        for pipe in &self.pipes {
            let mut line = pipe.line.lock().unwrap_or_else(PoisonError::into_inner);
            self.read(pipe.stream, &mut line, |buffer| {
                rustix::io::read(&pipe.receiver, buffer).map_err(std::io::Error::from)
            });
        }
    }

    /// Like [`Output::drain`] at a process's end: a last line needs no line break.
    pub(super) fn finish(&self) {
        self.drain();
        for pipe in &self.pipes {
            let mut line = pipe.line.lock().unwrap_or_else(PoisonError::into_inner);
            if !line.is_empty() {
                self.append(pipe.stream, &String::from_utf8_lossy(&line));
                line.clear();
            }
        }
    }

    /// Reads both pipes until their ends.
    pub(super) async fn follow(&self) {
        tokio::join!(self.follow_pipe(&self.pipes[0]), self.follow_pipe(&self.pipes[1]));
    }

    async fn follow_pipe(&self, pipe: &Pipe) {
        loop {
            if pipe.receiver.readable().await.is_err() {
                return;
            }
            let mut line = pipe.line.lock().unwrap_or_else(PoisonError::into_inner);
            let progress =
                self.read(pipe.stream, &mut line, |buffer| pipe.receiver.try_read(buffer));
            drop(line);
            if progress == Progress::Ended {
                return;
            }
        }
    }

    fn read(
        &self,
        stream: LogStream,
        line: &mut Vec<u8>,
        mut read: impl FnMut(&mut [u8]) -> std::io::Result<usize>,
    ) -> Progress {
        let mut buffer = [0; 8 * 1024];
        let mut total = 0;
        while total < READ_BYTES_MAX {
            let count = match read(&mut buffer) {
                Ok(0) => return Progress::Ended,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(_) => return Progress::Ended,
            };
            total += count;
            for piece in buffer[..count].split_inclusive(|byte| *byte == b'\n') {
                line.extend_from_slice(piece);
                if line.ends_with(b"\n") || line.len() >= LINE_BYTES_MAX {
                    let text = String::from_utf8_lossy(line);
                    self.append(stream, text.trim_end_matches(['\n', '\r']));
                    line.clear();
                }
            }
        }
        Progress::Empty
    }

    fn append(&self, stream: LogStream, text: &str) {
        let request = self.request.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.logs.append(&self.function, request.as_ref(), stream, text);
    }
}
