//! What functions print: a bounded ring for each function, a file each, and whoever listens.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::broadcast;

use crate::clock;

/// Lines kept for each function.
const LINES_MAX: usize = 1_000;
/// Bytes of text kept for each function.
const BYTES_MAX: usize = 1024 * 1024;
/// Lines that a slow listener may be behind before it loses some.
const LISTENER_LINES_MAX: usize = 4_096;

/// A line that a function printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionLogLine {
    /// Rises by one with each line of all functions, from 1.
    pub sequence: u64,
    /// The name under which the function is declared.
    pub function: Arc<str>,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// The invocation during which the line was printed.
    pub request_id: Option<Arc<str>>,
    /// The execution whose task made that invocation.
    pub execution_arn: Option<Arc<str>>,
    pub stream: LogStream,
    /// Without the line break; bytes that are not UTF-8 are replaced.
    pub text: Box<str>,
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogStream {
    Stdout,
    Stderr,
    /// Not the function but Stepwell said it: a crash, a timeout.
    Platform,
}

/// The invocation that a function works on.
#[derive(Debug, Clone)]
pub(super) struct RequestContext {
    pub(super) request_id: Arc<str>,
    pub(super) execution_arn: Arc<str>,
}

/// The output of all functions.
pub(crate) struct FunctionLogs {
    directory: Option<PathBuf>,
    state: Mutex<State>,
    listeners: broadcast::Sender<FunctionLogLine>,
}

#[derive(Default)]
struct State {
    sequence: u64,
    functions: BTreeMap<Arc<str>, Ring>,
}

#[derive(Default)]
struct Ring {
    lines: VecDeque<FunctionLogLine>,
    bytes: usize,
    /// `None` before the first line, and where files are not wanted or cannot be opened.
    file: Option<File>,
    file_tried: bool,
}

impl FunctionLogs {
    pub(super) fn new(directory: Option<PathBuf>) -> FunctionLogs {
        let (listeners, _) = broadcast::channel(LISTENER_LINES_MAX);
        FunctionLogs { directory, state: Mutex::default(), listeners }
    }

    /// Every line from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<FunctionLogLine> {
        self.listeners.subscribe()
    }

    /// The lines of one function, or of all, with a higher number than `after`, oldest first.
    pub(crate) fn lines(&self, function: Option<&str>, after: u64) -> Vec<FunctionLogLine> {
        let state = self.state();
        let mut lines: Vec<FunctionLogLine> = state
            .functions
            .iter()
            .filter(|(name, _)| function.is_none_or(|wanted| wanted == &***name))
            .flat_map(|(_, ring)| ring.lines.iter().filter(|line| line.sequence > after).cloned())
            .collect();
        lines.sort_by_key(|line| line.sequence);
        lines
    }

    /// The text that one invocation printed, as far as it is kept.
    pub(super) fn text_of_request(&self, function: &str, request_id: &str) -> String {
        let state = self.state();
        let mut text = String::new();
        for line in state.functions.get(function).iter().flat_map(|ring| &ring.lines) {
            if line.request_id.as_deref() == Some(request_id) {
                text.push_str(&line.text);
                text.push('\n');
            }
        }
        text
    }

    pub(super) fn append(
        &self,
        function: &Arc<str>,
        request: Option<&RequestContext>,
        stream: LogStream,
        text: &str,
    ) {
        let request_id = request.map(|request| &*request.request_id).unwrap_or_default();
        tracing::info!(target: "stepwell::function", function = &**function, request_id, "{text}");
        let mut state = self.state();
        state.sequence += 1;
        let line = FunctionLogLine {
            sequence: state.sequence,
            function: Arc::clone(function),
            timestamp: clock::now_milliseconds(),
            request_id: request.map(|request| Arc::clone(&request.request_id)),
            execution_arn: request.map(|request| Arc::clone(&request.execution_arn)),
            stream,
            text: text.into(),
        };
        let ring = state.functions.entry(Arc::clone(function)).or_default();
        if !ring.file_tried {
            ring.file_tried = true;
            ring.file = self.open(function);
        }
        if let Some(file) = &mut ring.file
            && let Err(error) = write_line(file, &line)
        {
            tracing::warn!(function = &**function, %error, "failed to write the function's log file");
            ring.file = None;
        }
        ring.bytes += line.text.len();
        ring.lines.push_back(line.clone());
        while ring.lines.len() > LINES_MAX || ring.bytes > BYTES_MAX && ring.lines.len() > 1 {
            let oldest = ring.lines.pop_front().expect("there is more than one line");
            ring.bytes -= oldest.text.len();
        }
        // An error means that nobody listens.
        let _ = self.listeners.send(line);
    }

    fn open(&self, function: &str) -> Option<File> {
        let directory = self.directory.as_ref()?;
        let path = directory.join(format!("{}.log", function.replace(':', "_")));
        let opened = std::fs::create_dir_all(directory)
            .and_then(|()| File::options().append(true).create(true).open(&path));
        match opened {
            Ok(file) => Some(file),
            Err(error) => {
                let path = path.display();
                tracing::warn!(function, %path, %error, "failed to open the function's log file");
                None
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_line(file: &mut File, line: &FunctionLogLine) -> std::io::Result<()> {
    let moment = clock::iso_8601(line.timestamp);
    let request_id = line.request_id.as_deref().unwrap_or("-");
    // One write, so that lines of two servers that share a file do not mix.
    file.write_all(format!("{moment}\t{request_id}\t{}\n", line.text).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_are_bounded_and_files_are_complete() {
        let directory = tempfile::tempdir().unwrap();
        let logs = FunctionLogs::new(Some(directory.path().join("logs")));
        let function: Arc<str> = "hello:prod".into();
        let mut listener = logs.subscribe();
        for number in 0..LINES_MAX + 5 {
            logs.append(&function, None, LogStream::Stdout, &format!("line {number}"));
        }
        let lines = logs.lines(Some("hello:prod"), 0);
        assert_eq!(lines.len(), LINES_MAX);
        assert_eq!(&*lines[0].text, "line 5");
        assert_eq!(logs.lines(None, 1_004).len(), 1);
        assert_eq!(logs.lines(Some("other"), 0), []);
        assert_eq!(&*listener.try_recv().unwrap().text, "line 0");
        logs.append(&function, None, LogStream::Stdout, &"x".repeat(BYTES_MAX));
        assert_eq!(logs.lines(None, 0).len(), 1);
        let text = std::fs::read_to_string(directory.path().join("logs/hello_prod.log")).unwrap();
        assert_eq!(text.lines().count(), LINES_MAX + 6);
        assert!(text.lines().next().unwrap().ends_with("\t-\tline 0"));
    }
}
