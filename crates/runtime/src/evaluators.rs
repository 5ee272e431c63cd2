//! Processes that evaluate the expressions that may take long. A step of an evaluation heeds
//! nothing and takes what memory it wants, a process can be ended and has limits: a hostile
//! expression costs a second of one processor and half a gibibyte, and then nothing.
//!
//! A question and an answer are each four bytes of length (little endian) and that much JSON.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use asl::{Answering, Elsewhere, Unanswered};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::limits;

/// How a process is started that calls [`answer_questions`].
#[derive(Debug, Clone)]
pub struct EvaluatorProgram {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
}

/// The first byte of a process: it is there.
const READY: u8 = b'!';
/// How long a process may take to be there, before its first question.
const START_MAX: Duration = Duration::from_secs(30);
/// A process whose answer took longer is not kept: it may have grown.
const KEPT_WITHIN: Duration = Duration::from_millis(100);

/// The processes that wait for a question.
#[derive(Debug)]
pub(crate) struct Evaluators {
    program: EvaluatorProgram,
    idle: Mutex<Vec<Evaluator>>,
}

impl Evaluators {
    pub(crate) fn new(program: EvaluatorProgram) -> Evaluators {
        Evaluators { program, idle: Mutex::default() }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Evaluator>> {
        self.idle.lock().expect("no holder of the lock panics")
    }

    /// A process that took the question.
    fn put(&self, question: &str) -> io::Result<Evaluator> {
        let idle = self.idle().pop();
        if let Some(mut evaluator) = idle {
            // It may have been ended by somebody while it waited.
            match write_frame(&mut evaluator.stream, question.as_bytes()) {
                Ok(()) => return Ok(evaluator),
                Err(error) => tracing::debug!("an idle evaluator is gone: {error}"),
            }
        }
        let mut evaluator = Evaluator::start(&self.program)?;
        write_frame(&mut evaluator.stream, question.as_bytes())?;
        Ok(evaluator)
    }
}

impl Elsewhere for Evaluators {
    fn ask(&self, question: &str) -> Result<String, Unanswered> {
        let mut evaluator = self.put(question).map_err(|error| {
            tracing::error!("no process for an expression: {error}");
            Unanswered::NotAsked
        })?;
        let begun = Instant::now();
        let answer = evaluator.answer()?;
        let mut idle = self.idle();
        if begun.elapsed() < KEPT_WITHIN && idle.len() < limits::IDLE_EVALUATORS_MAX {
            idle.push(evaluator);
        }
        Ok(answer)
    }
}

/// A process. It is ended with this.
#[derive(Debug)]
struct Evaluator {
    process: Child,
    stream: UnixStream,
}

impl Evaluator {
    fn start(program: &EvaluatorProgram) -> io::Result<Evaluator> {
        let (ours, its) = UnixStream::pair()?;
        let process = Command::new(&program.program)
            .args(&program.arguments)
            // Nothing of ours is its business. Memory is taken as it is used, not set aside.
            .env_clear()
            .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
            .stdin(Stdio::from(OwnedFd::from(its.try_clone()?)))
            .stdout(Stdio::from(OwnedFd::from(its)))
            .stderr(Stdio::null())
            // What a terminal sends to this process is not for that one.
            .process_group(0)
            .spawn()?;
        let mut evaluator = Evaluator { process, stream: ours };
        evaluator.stream.set_read_timeout(Some(START_MAX))?;
        let mut ready = [0];
        evaluator.stream.read_exact(&mut ready)?;
        match ready {
            [READY] => Ok(evaluator),
            _ => Err(io::Error::new(ErrorKind::InvalidData, "it is another program")),
        }
    }

    /// The answer, if it comes in time.
    fn answer(&mut self) -> Result<String, Unanswered> {
        let deadline = Instant::now() + Duration::from_millis(limits::EVALUATION_MS);
        let mut frame = TimedReader { stream: &self.stream, deadline };
        match read_frame(&mut frame) {
            Ok(Some(answer)) => {
                String::from_utf8(answer).map_err(|_| self.failed("it answered with no text"))
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Err(Unanswered::TookTooLong)
            }
            Ok(None) => Err(self.cause_of_end()),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(self.cause_of_end()),
            Err(error) => Err(self.failed(&error.to_string())),
        }
    }

    fn failed(&self, text: &str) -> Unanswered {
        tracing::error!(process = self.process.id(), "an expression was not evaluated: {text}");
        Unanswered::NotAsked
    }

    /// What ended the process.
    fn cause_of_end(&mut self) -> Unanswered {
        let status = match self.process.wait() {
            Ok(status) => status,
            Err(error) => return self.failed(&error.to_string()),
        };
        match status.signal().and_then(Signal::from_named_raw) {
            Some(Signal::XCPU) => Unanswered::TookTooLong,
            // What cannot be allocated ends a program; so does the system where there is no
            // memory left, or a stack that is used up.
            Some(Signal::ABORT | Signal::KILL | Signal::SEGV) => Unanswered::TookTooMuchMemory,
            _ => self.failed(&format!("the process ended with {status}")),
        }
    }
}

impl Drop for Evaluator {
    fn drop(&mut self) {
        // It may be over, and then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads until a moment.
struct TimedReader<'s> {
    stream: &'s UnixStream,
    deadline: Instant,
}

impl Read for TimedReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer)
    }
}

fn write_frame(to: &mut impl Write, content: &[u8]) -> io::Result<()> {
    let length = u32::try_from(content.len()).map_err(|_| ErrorKind::FileTooLarge)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(content)?;
    to.flush()
}

/// A frame; nothing at the end.
fn read_frame(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    let mut filled = 0;
    while filled < length.len() {
        match from.read(&mut length[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let length = u32::from_le_bytes(length);
    let mut content = Vec::new();
    from.take(length.into()).read_to_end(&mut content)?;
    match content.len() as u64 == u64::from(length) {
        true => Ok(Some(content)),
        false => Err(ErrorKind::UnexpectedEof.into()),
    }
}

/// Answers questions on standard input, on standard output, until there are no more: the whole
/// work of a process that [`EvaluatorProgram`] starts. Sets limits on itself.
pub fn answer_questions() -> io::Result<()> {
    let (mut questions, mut answers) = (io::stdin().lock(), io::stdout().lock());
    // One that is ended for its hunger leaves no image of itself.
    limit(Resource::Core, 0)?;
    let mut answering = Answering::default();
    answers.write_all(&[READY])?;
    answers.flush()?;
    while let Some(question) = read_frame(&mut questions)? {
        let question = String::from_utf8(question).map_err(|_| ErrorKind::InvalidData)?;
        let used = u64::try_from(clock_gettime(ClockId::ProcessCPUTime).tv_sec).unwrap_or(0);
        limit(Resource::Cpu, used + limits::EVALUATION_CPU_SECONDS)?;
        let mut limited = Ok(());
        let answer = answering.answer(&question, |stack| {
            limited = limit(Resource::Data, limits::EVALUATION_BYTES + stack as u64);
        });
        limited?;
        write_frame(&mut answers, answer.ok_or(ErrorKind::InvalidData)?.as_bytes())?;
    }
    Ok(())
}

/// Limits what this process may use; it may be raised again.
fn limit(resource: Resource, to: u64) -> io::Result<()> {
    let maximum = getrlimit(resource).maximum;
    let current = Some(maximum.map_or(to, |maximum| maximum.min(to)));
    Ok(setrlimit(resource, Rlimit { current, maximum })?)
}
