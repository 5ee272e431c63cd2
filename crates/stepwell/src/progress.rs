//! What executions do, as lines for a person: one for every state that is entered, left, tried
//! again or fails, indented like the definition, with times.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use asl::{Payload, Program, Resource, State, StateIndex, StateKind, Timestamp};
use engine::{Event, EventKind, FrameId};
use integrations::FunctionLogLine;
use runtime::Progress;
use serde_json::Value;

use crate::style::{Style, Tone, duration};

/// Characters of a cause that are shown; the whole is in the history.
const CAUSE_CHARACTERS_MAX: usize = 160;

/// Turns progress into lines, and remembers what it needs for durations.
#[derive(Debug)]
pub(crate) struct Narrator {
    style: Style,
    /// Whether lines say which execution they are about.
    several: bool,
    executions: HashMap<Box<str>, Track>,
}

/// What is remembered of one execution.
#[derive(Debug)]
struct Track {
    started: Timestamp,
    frames: HashMap<FrameId, Frame>,
    /// The number of the next frame that begins; unknown where the start was not seen.
    next_frame: Option<u32>,
    /// The state whose failure was shown last: that it is cut off is no news.
    failed_state: Option<StateIndex>,
}

/// What is remembered of one line of progress inside an execution.
#[derive(Debug, Default, Clone)]
struct Frame {
    /// The iteration of a Map, on every level: `[2]`, `[2][0]`.
    label: String,
    entered: Option<Timestamp>,
    retries: u32,
    /// The state's last attempt failed, and nothing has come of it yet.
    failed: bool,
    /// The state is left in the moment in which it was entered: one line for both.
    at_once: bool,
}

/// What a line says about a state: a sign, what it means, and the rest.
type Shown = (&'static str, Tone, String);

impl Frame {
    /// The state is left: because its failure was caught, or because its work is done.
    fn exit(&mut self, at: Timestamp, state: &State, next: Option<&str>) -> Shown {
        let took = self.entered.take().map(|entered| duration(at.0 - entered.0));
        let took = took.unwrap_or_default();
        if std::mem::take(&mut self.failed) {
            let next = next.unwrap_or("the end");
            return ("↪", Tone::Waiting, format!("caught, goes on with {next}  {took}"));
        }
        let kind = if self.at_once { state.kind.name() } else { "" };
        let what = match (&state.kind, next) {
            (StateKind::Choice { .. }, Some(next)) => format!("goes on with {next}"),
            _ if self.at_once => String::new(),
            _ => took,
        };
        let gap = if kind.is_empty() || what.is_empty() { "" } else { "  " };
        ("✓", Tone::Good, format!("{kind}{gap}{what}"))
    }

    /// The same frame in a state about which nothing is known yet.
    fn begun(&self) -> Frame {
        Frame { label: self.label.clone(), ..Frame::default() }
    }
}

/// One line before it is laid out.
struct Line {
    depth: usize,
    sign: &'static str,
    tone: Tone,
    name: String,
    detail: String,
}

impl Narrator {
    /// For one execution.
    pub(crate) fn of_one(style: Style) -> Narrator {
        Narrator { style, several: false, executions: HashMap::new() }
    }

    /// For several at the same time: every line begins with the execution's name.
    pub(crate) fn of_several(style: Style) -> Narrator {
        Narrator { style, several: true, executions: HashMap::new() }
    }

    /// Whether this is about an execution whose start was not seen.
    pub(crate) fn is_unknown(&self, progress: &Progress) -> bool {
        !self.executions.contains_key(&progress.identity.arn)
            && !progress
                .events
                .iter()
                .any(|event| matches!(event.kind, EventKind::ExecutionStarted { .. }))
    }

    /// Takes up an execution that started earlier.
    pub(crate) fn join(&mut self, arn: &str, started: Timestamp) {
        let track = Track { started, frames: HashMap::new(), next_frame: None, failed_state: None };
        self.executions.insert(arn.into(), track);
    }

    /// The lines for a piece of progress.
    pub(crate) fn lines(&mut self, progress: &Progress) -> Vec<String> {
        let Some(first) = progress.events.first() else {
            return Vec::new();
        };
        let arn = &progress.identity.arn;
        let mut track = self.executions.remove(arn).unwrap_or_else(|| Track {
            started: first.at,
            frames: HashMap::from([(FrameId(0), Frame::default())]),
            next_frame: Some(1),
            failed_state: None,
        });
        let mut lines = Vec::new();
        let mut events = progress.events.iter().peekable();
        while let Some(event) = events.next() {
            if events.peek().is_some_and(|next| passes_at_once(event, next)) {
                track.pass_at_once(&event.kind);
                continue;
            }
            let line = match &event.kind {
                EventKind::ExecutionStarted { .. } => Some(Line::new(0, "▶", Tone::Name, arn, "")),
                kind if kind.is_end() => {
                    Some(end_line(&track, event, &progress.identity.state_machine_name))
                }
                _ => track.line(event, &progress.program),
            };
            lines.extend(line.map(|line| self.lay_out(progress, &track, event.at, &line)));
        }
        if progress.status == engine::Status::Running {
            self.executions.insert(arn.clone(), track);
        }
        lines
    }

    /// A line that a function printed, without what the function put before it for the cloud's
    /// logs.
    pub(crate) fn function_line(&self, line: &FunctionLogLine) -> String {
        let title = line.execution_arn.as_deref().map(|arn| self.title(arn)).unwrap_or_default();
        let name = self.style.paint(Tone::Dim, &format!("          │ {}:", line.function));
        format!("{title}{name} {}", message(&line.text))
    }

    /// Which execution a line is about: `MACHINE/NAME `.
    fn title(&self, arn: &str) -> String {
        if !self.several {
            return String::new();
        }
        let mut parts = arn.split(':').skip(6);
        let machine = parts.next().unwrap_or(arn);
        let name = short_name(parts.next().unwrap_or_default());
        let mut title = self.style.paint(series(arn), &format!("{machine}/{name}"));
        title.push(' ');
        title
    }

    fn lay_out(&self, progress: &Progress, track: &Track, at: Timestamp, line: &Line) -> String {
        let style = self.style;
        let mut shown = self.title(&progress.identity.arn);
        let elapsed = (at.0 - track.started.0).max(0);
        let time = format!("{:>4}.{:03}", elapsed / 1000, elapsed % 1000);
        shown.push_str(&style.paint(Tone::Dim, &time));
        shown.push_str("  ");
        shown.push_str(&"  ".repeat(line.depth));
        shown.push_str(&style.paint(line.tone, line.sign));
        shown.push(' ');
        shown.push_str(&style.paint(Tone::Name, &line.name));
        if !line.detail.is_empty() {
            shown.push_str("  ");
            let tone = if line.tone == Tone::Name { Tone::Dim } else { line.tone };
            shown.push_str(&style.paint(tone, &line.detail));
        }
        shown
    }
}

impl Line {
    fn new(
        depth: usize,
        sign: &'static str,
        tone: Tone,
        name: &str,
        detail: impl Into<String>,
    ) -> Line {
        Line { depth, sign, tone, name: name.to_owned(), detail: detail.into() }
    }
}

impl Track {
    /// The line for an event inside the machine; most events of tasks and containers have none.
    fn line(&mut self, event: &Event, program: &Program) -> Option<Line> {
        let (frame_id, index) = event.kind.place()?;
        self.begin_frames(&event.kind, frame_id);
        if let Some(failure) = failure_of(&event.kind) {
            self.failed_state = Some(index);
            self.frames.entry(frame_id).or_default().failed = true;
            return Some(self.line_of(frame_id, index, program, ("✗", Tone::Bad, failure)));
        }
        let cut_off_by_itself = self.failed_state == Some(index);
        let frame = self.frames.entry(frame_id).or_default();
        let state = program.state(index);
        let shown = match &event.kind {
            EventKind::StateEntered { .. } => {
                *frame = Frame { entered: Some(event.at), ..frame.begun() };
                ("→", Tone::Dim, state.kind.name().to_owned())
            }
            EventKind::StateExited { next, .. } => {
                frame.exit(event.at, state, next.map(|next| &*program.state(next).name))
            }
            EventKind::StateAborted { .. } if cut_off_by_itself => return None,
            EventKind::StateAborted { .. } => ("✗", Tone::Dim, "aborted".to_owned()),
            EventKind::WaitScheduled { until, .. } => {
                ("…", Tone::Waiting, format!("waits {}", duration(until.0 - event.at.0)))
            }
            EventKind::RetryScheduled { until, .. } => {
                frame.retries += 1;
                frame.failed = false;
                let (retries, time) = (frame.retries, duration(until.0 - event.at.0));
                ("↻", Tone::Waiting, format!("retry {retries} in {time}"))
            }
            EventKind::ParallelFailed { .. } | EventKind::MapFailed { .. } => {
                frame.failed = true;
                return None;
            }
            EventKind::MapStarted { length, .. } => {
                ("…", Tone::Dim, format!("{length} item{}", if *length == 1 { "" } else { "s" }))
            }
            kind => task_waits(kind, state)?,
        };
        Some(self.line_of(frame_id, index, program, shown))
    }

    fn line_of(
        &self,
        frame: FrameId,
        index: StateIndex,
        program: &Program,
        (sign, tone, detail): Shown,
    ) -> Line {
        let label = self.frames.get(&frame).map(|frame| &*frame.label).unwrap_or_default();
        let name = format!("{}{label}", program.state(index).name);
        Line::new(depth(program, index) + 1, sign, tone, &name, detail)
    }

    /// A state is entered, and left by the next event.
    fn pass_at_once(&mut self, kind: &EventKind) {
        if let Some((frame_id, _)) = kind.place() {
            let frame = self.frames.entry(frame_id).or_default();
            *frame = Frame { at_once: true, ..frame.begun() };
        }
    }

    /// Keeps count of the frames that begin, so that iterations can be told apart.
    fn begin_frames(&mut self, kind: &EventKind, parent: FrameId) {
        let label = self.frames.get(&parent).map(|frame| frame.label.clone()).unwrap_or_default();
        let Some(next) = self.next_frame.as_mut() else {
            return;
        };
        match kind {
            EventKind::ParallelStarted { branches, .. } => {
                for _ in 0..*branches {
                    let frame = Frame { label: label.clone(), ..Frame::default() };
                    self.frames.insert(FrameId(*next), frame);
                    *next += 1;
                }
            }
            EventKind::IterationStarted { index, .. } => {
                let frame = Frame { label: format!("{label}[{index}]"), ..Frame::default() };
                self.frames.insert(FrameId(*next), frame);
                *next += 1;
            }
            _ => {}
        }
    }
}

/// The error of an attempt or an evaluation that failed.
fn failure_of(kind: &EventKind) -> Option<String> {
    match kind {
        EventKind::TaskFailed { error, cause, .. }
        | EventKind::TaskSubmitFailed { error, cause, .. } => {
            Some(failure(error.as_deref(), cause.as_deref()))
        }
        EventKind::TaskTimedOut { error, cause, .. } => {
            Some(failure(Some(error), cause.as_deref()))
        }
        EventKind::EvaluationFailed { error, cause, .. } => Some(failure(Some(error), Some(cause))),
        _ => None,
    }
}

/// What a task waits for, where that is somebody outside.
fn task_waits(kind: &EventKind, state: &State) -> Option<Shown> {
    match (kind, &state.kind) {
        (EventKind::TaskScheduled { .. }, StateKind::Task(task)) => match &task.resource {
            Resource::Activity { arn } => {
                let name = arn.rsplit(':').next().unwrap_or(arn);
                Some(("…", Tone::Waiting, format!("waits for a worker of {name}")))
            }
            _ => None,
        },
        (EventKind::TaskStarted { by_worker: true, worker_name, .. }, _) => {
            let worker = worker_name.as_deref().unwrap_or("without a name");
            Some(("…", Tone::Dim, format!("taken by worker {worker}")))
        }
        (EventKind::TaskSubmitted { .. }, StateKind::Task(task))
            if task.resource.waits_for_task_token() =>
        {
            Some(("…", Tone::Waiting, "waits for its task token".to_owned()))
        }
        (EventKind::JobSubmitted { .. }, _) => {
            Some(("…", Tone::Dim, "waits for its job".to_owned()))
        }
        _ => None,
    }
}

/// Whether a state is entered and left in the same moment, with nothing in between.
fn passes_at_once(event: &Event, next: &Event) -> bool {
    match (&event.kind, &next.kind) {
        (EventKind::StateEntered { .. }, EventKind::StateExited { .. }) => {
            event.kind.place() == next.kind.place() && event.at == next.at
        }
        _ => false,
    }
}

/// How many containers a state is in.
fn depth(program: &Program, state: StateIndex) -> usize {
    let mut depth = 0;
    let mut scope = program.state(state).scope;
    while let Some(container) = program.scope(scope).container {
        depth += 1;
        scope = program.state(container).scope;
    }
    depth
}

fn end_line(track: &Track, event: &Event, name: &str) -> Line {
    let took = duration(event.at.0 - track.started.0);
    let (tone, status, error, cause) = match &event.kind {
        EventKind::ExecutionSucceeded { .. } => (Tone::Good, "SUCCEEDED", None, None),
        EventKind::ExecutionFailed { error, cause } => {
            (Tone::Bad, "FAILED", error.as_deref(), cause.as_deref())
        }
        EventKind::ExecutionTimedOut { error, cause } => {
            (Tone::Bad, "TIMED_OUT", error.as_deref(), cause.as_deref())
        }
        EventKind::ExecutionAborted { error, cause } => {
            (Tone::Bad, "ABORTED", error.as_deref(), cause.as_deref())
        }
        _ => (Tone::Plain, "", None, None),
    };
    let mut detail = format!("{status} after {took}");
    if error.is_some() || cause.is_some() {
        detail.push_str(": ");
        detail.push_str(&failure(error, cause));
    }
    let sign = if tone == Tone::Good { "■" } else { "✗" };
    Line::new(0, sign, tone, name, detail)
}

/// An error and its cause on one line of bounded length.
pub(crate) fn failure(error: Option<&str>, cause: Option<&str>) -> String {
    let error = error.unwrap_or("failed without an error name");
    let Some(cause) = cause.filter(|cause| !cause.is_empty()) else {
        return error.to_owned();
    };
    format!("{error}: {}", one_line(&cause_text(cause), CAUSE_CHARACTERS_MAX))
}

/// A function's cause is an object around the message; the message is what a person looks for.
fn cause_text(cause: &str) -> String {
    let Ok(Value::Object(object)) = serde_json::from_str::<Value>(cause) else {
        return cause.to_owned();
    };
    match object.get("errorMessage") {
        Some(Value::String(message)) => message.clone(),
        _ => cause.to_owned(),
    }
}

/// Text without line breaks and not longer than a number of characters.
pub(crate) fn one_line(text: &str, characters_max: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    if text.chars().count() <= characters_max {
        return text;
    }
    let cut: String = text.chars().take(characters_max - 1).collect();
    format!("{cut}…")
}

/// A UUID's first part, or the name as it is.
fn short_name(name: &str) -> &str {
    let is_uuid = name.len() == 36 && name.bytes().filter(|byte| *byte == b'-').count() == 4;
    if is_uuid { &name[..8] } else { name }
}

fn series(arn: &str) -> Tone {
    let mut hasher = DefaultHasher::new();
    arn.hash(&mut hasher);
    Tone::Series((hasher.finish() % 6) as u8)
}

/// Node.js puts `TIME<tab>REQUEST ID<tab>LEVEL<tab>` before every message.
fn message(text: &str) -> &str {
    let mut parts = text.splitn(4, '\t');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(time), Some(_), Some(level), Some(message))
            if time.ends_with('Z') && level.bytes().all(|byte| byte.is_ascii_uppercase()) =>
        {
            message
        }
        _ => text,
    }
}

/// An output as it is printed: indented for a terminal, to the letter for a program.
pub(crate) fn output(payload: &Payload, for_terminal: bool) -> String {
    if for_terminal { format!("{:#}", payload.value()) } else { payload.text().to_owned() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use engine::{
        Command, Effect, Execution, Identity, Stamp, Status, TaskFailure, TaskId, World, step,
    };
    use expect_test::{Expect, expect};

    use super::*;

    struct NoWorld;

    impl World for NoWorld {
        fn task_token(&self, _: TaskId) -> String {
            "token".to_owned()
        }

        fn activity_exists(&self, _: &str) -> bool {
            true
        }
    }

    /// Runs a definition: every task comes back after 100 ms with the next answer, timers are
    /// due at once. Shows all lines.
    fn check(definition: &str, answers: &[Result<&str, (&str, &str)>], expected: &Expect) {
        let program =
            Arc::new(asl::compile(definition, asl::MachineType::Standard).program.unwrap());
        let identity = Arc::new(Identity {
            arn: "arn:aws:states:us-east-1:123456789012:execution:order:one".into(),
            name: "one".into(),
            state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:order".into(),
            state_machine_name: "order".into(),
            state_machine_version_arn: None,
            state_machine_alias_arn: None,
            role_arn: "arn:aws:iam::123456789012:role/r".into(),
            region: "us-east-1".into(),
            express: false,
            test_case: None,
            map_run: None,
        });
        let mut execution = Execution::new(Arc::clone(&identity));
        let mut narrator = Narrator::of_one(Style::PLAIN);
        let mut answers = answers.iter();
        let mut commands = std::collections::VecDeque::from([Command::Start {
            input: Payload::parse("[1, 2]").unwrap(),
        }]);
        let (mut now, mut shown) = (Timestamp(1_000), String::new());
        while execution.status == Status::Running {
            let command = commands.pop_front().unwrap_or_else(|| {
                now = execution.next_wake().expect("something to wait for");
                Command::WakeUp
            });
            let stamp = Stamp { now, seed: 1, world: &NoWorld };
            let decision = step(&program, &mut execution, command, stamp);
            for effect in decision.effects {
                if let Effect::RunTask(dispatch) = effect {
                    let result = match answers.next().expect("an answer for every task") {
                        Ok(text) => Ok(Payload::parse(*text).unwrap()),
                        Err((error, cause)) => Err(TaskFailure {
                            error: Some((*error).into()),
                            cause: Some((*cause).into()),
                        }),
                    };
                    commands.push_back(Command::ReturnTask { task: dispatch.task, result });
                }
            }
            now = now.plus_milliseconds(100);
            let progress = Progress {
                identity: Arc::clone(&identity),
                program: Arc::clone(&program),
                events: Arc::new(decision.events),
                branches: Arc::default(),
                status: execution.status,
                start_date: execution.start_date(),
                redrive_count: 0,
                logging: None,
                trace_header: None,
                parent: None,
            };
            for line in narrator.lines(&progress) {
                // The bar keeps the expectation from being shifted to the left.
                shown.push_str(&format!("|{line}\n"));
            }
        }
        expected.assert_eq(&shown);
    }

    #[test]
    fn a_retry_and_a_wait() {
        check(
            r#"{"StartAt": "Load", "States": {
                "Load": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
                    "Parameters": {"FunctionName": "load"}, "Next": "Rest",
                    "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 90}]},
                "Rest": {"Type": "Wait", "Seconds": 2, "End": true}}}"#,
            &[Err(("Busy", "{\"errorMessage\": \"come\\nback\"}")), Ok("{}")],
            &expect![[r#"
                |   0.000  ▶ arn:aws:states:us-east-1:123456789012:execution:order:one
                |   0.000    → Load  Task
                |   0.100    ✗ Load  Busy: come back
                |   0.100    ↻ Load  retry 1 in 1 min 30 s
                |  90.200    ✓ Load  1 min 30 s
                |  90.200    → Rest  Wait
                |  90.200    … Rest  waits 2 s
                |  92.200    ✓ Rest  2 s
                |  92.200  ■ order  SUCCEEDED after 1 min 32 s
            "#]],
        );
    }

    #[test]
    fn containers_and_a_failure_that_is_caught() {
        check(
            r#"{"StartAt": "Both", "States": {
                "Both": {"Type": "Parallel", "Next": "End",
                    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Undo"}],
                    "Branches": [
                        {"StartAt": "Each", "States": {"Each": {"Type": "Map", "End": true,
                            "ItemProcessor": {"StartAt": "One", "States": {
                                "One": {"Type": "Pass", "End": true}}}}}},
                        {"StartAt": "Call", "States": {"Call": {"Type": "Task", "End": true,
                            "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f"}}}]},
                "End": {"Type": "Succeed"},
                "Undo": {"Type": "Fail", "Error": "Undone", "Cause": "it went wrong"}}}"#,
            &[Err(("Broken", "in two"))],
            &expect![[r#"
                |   0.000  ▶ arn:aws:states:us-east-1:123456789012:execution:order:one
                |   0.000    → Both  Parallel
                |   0.000      → Each  Map
                |   0.000      … Each  2 items
                |   0.000      → Call  Task
                |   0.000        ✓ One[0]  Pass
                |   0.000        ✓ One[1]  Pass
                |   0.000      ✓ Each  0 ms
                |   0.100      ✗ Call  Broken: in two
                |   0.100    ↪ Both  caught, goes on with Undo  100 ms
                |   0.100    → Undo  Fail
                |   0.100  ✗ order  FAILED after 100 ms: Undone: it went wrong
            "#]],
        );
    }

    #[test]
    fn a_path_that_misses() {
        check(
            r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "InputPath": "$.b", "End": true}}}"#,
            &[],
            &expect![[r#"
                |   0.000  ▶ arn:aws:states:us-east-1:123456789012:execution:order:one
                |   0.000    → A  Pass
                |   0.000  ✗ order  FAILED after 0 ms: States.Runtime: An error occurred while executing the state 'A' (entered at the event id #2). Invalid path '$.b' : Expected to find an object with property ['b'] in path $ but…
            "#]],
        );
    }

    #[test]
    fn text_on_one_line() {
        assert_eq!(one_line("a\n  b\tc", 10), "a b c");
        assert_eq!(one_line("abcdef", 6), "abcdef");
        assert_eq!(one_line("abcdefg", 6), "abcde…");
    }
}
