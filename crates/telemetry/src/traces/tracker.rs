//! Makes spans of what happens in executions. A span leaves when it is over; what is needed until
//! then is remembered, within bounds. Names, ARNs, numbers and errors' names go into spans, never
//! payloads or causes.

use std::collections::HashMap;

use asl::{Resource, StateIndex, StateKind, Timestamp};
use engine::{Event, EventKind, FrameId, Status};
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyKind;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::{Event as SpanEvent, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status as SpanStatus};
use runtime::Progress;

use super::context::{SpanId, TraceContext, TraceId, made_id};

/// Executions and open states that are remembered. Of further executions there is one span, at
/// their end.
const OPEN_MAX: usize = 100_000;
/// Retries that a span tells one by one.
const SPAN_EVENTS_MAX: usize = 32;
/// The W3C flag of a trace that is recorded.
const SAMPLED: u32 = 1;

/// The spans that are not over.
#[derive(Debug)]
pub(super) struct Tracker {
    sampling_ratio: f64,
    executions: HashMap<Box<str>, OpenExecution>,
    /// The Map state of each Map Run under way: its children are below it.
    map_runs: HashMap<Box<str>, Place>,
    open_states: usize,
}

/// Where in a trace something hangs.
#[derive(Debug, Clone, Copy)]
struct Place {
    trace: TraceId,
    span: SpanId,
    is_sampled: bool,
}

#[derive(Debug)]
struct OpenExecution {
    place: Place,
    parent: Option<SpanId>,
    links: Vec<Link>,
    begun: Timestamp,
    /// The span that the states of each frame are below, by the frame's number.
    frames: Vec<SpanId>,
    states: HashMap<FrameId, OpenState>,
}

#[derive(Debug)]
struct OpenState {
    state: StateIndex,
    span: SpanId,
    parent: SpanId,
    begun: Timestamp,
    attempts: i64,
    task: Option<OpenTask>,
    /// The name of the error that nothing has made good yet.
    error: Option<Box<str>>,
    events: Vec<SpanEvent>,
    map_run: Option<Box<str>>,
}

/// An attempt of a Task state.
#[derive(Debug)]
struct OpenTask {
    span: SpanId,
    begun: Timestamp,
}

impl Tracker {
    pub(super) fn new(sampling_ratio: f64) -> Tracker {
        Tracker {
            sampling_ratio,
            executions: HashMap::new(),
            map_runs: HashMap::new(),
            open_states: 0,
        }
    }

    /// The spans that end with a turn.
    pub(super) fn turn(&mut self, progress: &Progress) -> Vec<Span> {
        let arn = &*progress.identity.arn;
        let known = self.executions.remove(arn);
        self.open_states -= known.as_ref().map_or(0, |execution| execution.states.len());
        let mut execution = known.unwrap_or_else(|| self.begin(progress));
        let mut turn =
            Turn { progress, spans: Vec::new(), map_runs: Vec::new(), ended: Vec::new() };
        for event in progress.events.iter() {
            turn.event(&mut execution, event);
        }
        self.map_runs.extend(turn.map_runs);
        for map_run in turn.ended {
            self.map_runs.remove(&map_run);
        }
        let is_sampled = execution.place.is_sampled;
        let spans = turn.spans;
        let is_open = progress.status == Status::Running;
        let open = self.executions.len() + self.open_states + execution.states.len();
        if is_open && open < OPEN_MAX {
            self.open_states += execution.states.len();
            self.executions.insert(arn.into(), execution);
        }
        if is_sampled { spans } else { Vec::new() }
    }

    /// An execution that nothing is known of: a new one, or one from before the server started.
    fn begin(&self, progress: &Progress) -> OpenExecution {
        let arn = &*progress.identity.arn;
        let given = progress.trace_header.as_deref().and_then(TraceContext::of_header);
        let above = self.above(progress);
        let trace = above
            .map(|place| place.trace)
            .or(given.map(|given| given.trace))
            .unwrap_or_else(|| made_id("trace", arn, progress.start_date.0.unsigned_abs()));
        let parent = above.map(|place| place.span).or(given.and_then(|given| given.parent));
        let is_sampled = above
            .map(|place| place.is_sampled)
            .or(given.and_then(|given| given.sampled))
            .unwrap_or_else(|| is_sampled(trace, self.sampling_ratio));
        // One that was redriven goes on under a span of its own.
        let span = made_id("execution", arn, u64::from(progress.redrive_count));
        OpenExecution {
            place: Place { trace, span, is_sampled },
            parent,
            links: Vec::new(),
            begun: progress.start_date,
            frames: vec![span],
            states: HashMap::new(),
        }
    }

    /// What an execution is below that another one started: the attempt of its task, or the Map
    /// state.
    fn above(&self, progress: &Progress) -> Option<Place> {
        if let Some(child) = &progress.identity.map_run {
            return self.map_runs.get(&child.map_run_arn).copied();
        }
        let parent = progress.parent.as_ref()?;
        let execution = self.executions.get(&parent.execution_arn)?;
        let span = made_id("task", &parent.execution_arn, u64::from(parent.task.0));
        Some(Place { span, ..execution.place })
    }
}

/// Whether a trace is among those that are kept: the same answer for every span of it.
fn is_sampled(trace: TraceId, ratio: f64) -> bool {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&trace[8..]);
    // The top 53 bits, which a float holds exactly.
    let place = (u64::from_be_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64;
    place < ratio
}

/// One turn on its way to spans.
struct Turn<'p> {
    progress: &'p Progress,
    spans: Vec<Span>,
    /// Map Runs that began and ended.
    map_runs: Vec<(Box<str>, Place)>,
    ended: Vec<Box<str>>,
}

impl Turn<'_> {
    fn event(&mut self, execution: &mut OpenExecution, event: &Event) {
        if let Some(status) = ended(&event.kind) {
            return self.end(execution, event, status);
        }
        if let EventKind::ExecutionRedriven { redrive_count, .. } = event.kind {
            return self.redrive(execution, event, redrive_count);
        }
        let Some((frame, state)) = event.kind.place() else { return };
        match &event.kind {
            EventKind::StateEntered { .. } => {
                let open = self.open(execution, frame, state, event);
                execution.states.insert(frame, open);
            }
            EventKind::StateExited { .. } => self.exit(execution, frame, event),
            EventKind::StateAborted { .. } => {
                // The frame is that of the container.
                let container = execution.states.get(&frame).map(|open| open.span);
                let is_it =
                    |open: &OpenState| open.state == state && container == Some(open.parent);
                let found = execution.states.iter().filter(|(_, open)| is_it(open));
                if let Some(frame) = found.map(|(at, _)| *at).min() {
                    self.cut_off(execution, frame, event.at);
                }
            }
            _ => {
                if !execution.states.contains_key(&frame) {
                    if !begins_work(&event.kind) {
                        return;
                    }
                    // One that was entered before a redrive, or before the server started.
                    let open = self.open(execution, frame, state, event);
                    execution.states.insert(frame, open);
                }
                self.progress_of_state(execution, frame, event);
            }
        }
    }

    /// What happens within a state that is open.
    fn progress_of_state(&mut self, execution: &mut OpenExecution, frame: FrameId, event: &Event) {
        let arn = &*self.progress.identity.arn;
        let Some(open) = execution.states.get_mut(&frame) else { return };
        match &event.kind {
            EventKind::TaskScheduled { .. } => {
                open.attempts += 1;
                let span = made_id("task", arn, u64::from(event.id));
                open.task = Some(OpenTask { span, begun: event.at });
            }
            EventKind::TaskSucceeded { .. } => {
                open.error = None;
                self.close_task(execution, frame, event.at, Status::Succeeded.name());
            }
            EventKind::TaskFailed { error, .. } | EventKind::TaskSubmitFailed { error, .. } => {
                open.error = Some(error.clone().unwrap_or_default());
                self.close_task(execution, frame, event.at, Status::Failed.name());
            }
            EventKind::TaskTimedOut { error, .. } => {
                open.error = Some(error.clone());
                self.close_task(execution, frame, event.at, Status::TimedOut.name());
            }
            EventKind::EvaluationFailed { error, .. } => open.error = Some(error.clone()),
            EventKind::RetryScheduled { retrier, .. } if open.events.len() < SPAN_EVENTS_MAX => {
                open.events.push(SpanEvent {
                    time_unix_nano: nanoseconds(event.at),
                    name: "retry".to_owned(),
                    attributes: vec![number("stepwell.retrier", i64::from(*retrier))],
                    dropped_attributes_count: 0,
                });
            }
            EventKind::ParallelStarted { branches, .. } => {
                open.attempts += 1;
                let span = open.span;
                execution.frames.extend((0..*branches).map(|_| span));
            }
            EventKind::IterationStarted { .. } => {
                let span = open.span;
                execution.frames.push(span);
            }
            EventKind::MapStarted { .. } | EventKind::DistributedMapStarted { .. } => {
                open.attempts += 1;
            }
            EventKind::MapRunStarted { settings, .. } => {
                let place = Place { span: open.span, ..execution.place };
                open.map_run = Some(settings.arn.clone());
                self.map_runs.push((settings.arn.clone(), place));
            }
            EventKind::ParallelSucceeded { .. }
            | EventKind::MapSucceeded { .. }
            | EventKind::MapRunSucceeded { .. } => open.error = None,
            EventKind::MapRunFailed { error, .. } => {
                open.error = Some(error.clone().unwrap_or_default());
            }
            EventKind::ParallelFailed { .. } | EventKind::MapFailed { .. } => {
                open.error.get_or_insert_default();
                let span = open.span;
                self.close_below(execution, span, event.at);
            }
            _ => {}
        }
    }

    fn open(
        &self,
        execution: &OpenExecution,
        frame: FrameId,
        state: StateIndex,
        event: &Event,
    ) -> OpenState {
        let above = execution.frames.get(frame.0 as usize).copied();
        OpenState {
            state,
            span: made_id("state", &self.progress.identity.arn, u64::from(event.id)),
            parent: above.unwrap_or(execution.place.span),
            begun: event.at,
            attempts: 0,
            task: None,
            error: None,
            events: Vec::new(),
            map_run: None,
        }
    }

    fn exit(&mut self, execution: &mut OpenExecution, frame: FrameId, event: &Event) {
        let was_caught = execution.states.get(&frame).is_some_and(|open| open.error.is_some());
        let status = if was_caught { "CAUGHT_ERROR" } else { Status::Succeeded.name() };
        self.close(execution, frame, event.at, status);
    }

    /// Ends the spans of all states below another one, deepest ones too.
    fn close_below(&mut self, execution: &mut OpenExecution, above: SpanId, at: Timestamp) {
        let mut below: Vec<FrameId> = execution
            .states
            .iter()
            .filter(|(_, open)| open.parent == above)
            .map(|(frame, _)| *frame)
            .collect();
        below.sort_unstable();
        for frame in below {
            self.cut_off(execution, frame, at);
        }
    }

    /// Ends the span of a state that failed itself, or did not come to its end.
    fn cut_off(&mut self, execution: &mut OpenExecution, frame: FrameId, at: Timestamp) {
        let failed = execution.states.get(&frame).is_some_and(|open| open.error.is_some());
        let status = if failed { Status::Failed } else { Status::Aborted };
        self.close(execution, frame, at, status.name());
    }

    /// Ends the span of a state.
    fn close(
        &mut self,
        execution: &mut OpenExecution,
        frame: FrameId,
        at: Timestamp,
        status: &str,
    ) {
        self.close_task(execution, frame, at, status);
        let Some(open) = execution.states.remove(&frame) else { return };
        self.ended.extend(open.map_run);
        self.close_below(execution, open.span, at);
        let state = self.progress.program.state(open.state);
        let mut attributes = vec![
            text("stepwell.state.name", &state.name),
            text("stepwell.state.type", state.kind.name()),
            text("stepwell.state.status", status),
            text("stepwell.execution.arn", &self.progress.identity.arn),
        ];
        if open.attempts > 0 {
            attributes.push(number("stepwell.state.attempts", open.attempts));
        }
        let is_failure = !matches!(status, "SUCCEEDED" | "CAUGHT_ERROR");
        if let Some(error) = open.error.filter(|error| !error.is_empty()) {
            attributes.push(text("error.type", &error));
        }
        self.spans.push(Span {
            trace_id: execution.place.trace.to_vec(),
            span_id: open.span.to_vec(),
            parent_span_id: open.parent.to_vec(),
            flags: SAMPLED,
            name: state.name.to_string(),
            kind: SpanKind::Internal as i32,
            start_time_unix_nano: nanoseconds(open.begun),
            end_time_unix_nano: nanoseconds(at),
            attributes,
            events: open.events,
            status: span_status(is_failure),
            ..Span::default()
        });
    }

    /// Ends the span of a task's attempt, if one is under way.
    fn close_task(
        &mut self,
        execution: &mut OpenExecution,
        frame: FrameId,
        at: Timestamp,
        status: &str,
    ) {
        let Some(open) = execution.states.get_mut(&frame) else { return };
        let Some(task) = open.task.take() else { return };
        let StateKind::Task(definition) = &self.progress.program.state(open.state).kind else {
            return;
        };
        let resource = &definition.resource;
        let mut attributes = vec![
            text("stepwell.task.resource", resource.arn()),
            number("stepwell.task.attempt", open.attempts),
            text("stepwell.task.status", status),
            text("stepwell.execution.arn", &self.progress.identity.arn),
        ];
        if let Resource::Activity { arn } = resource {
            attributes.push(text("aws.step_functions.activity.arn", arn));
        }
        if let Some(error) = open.error.as_deref().filter(|error| !error.is_empty()) {
            attributes.push(text("error.type", error));
        }
        self.spans.push(Span {
            trace_id: execution.place.trace.to_vec(),
            span_id: task.span.to_vec(),
            parent_span_id: open.span.to_vec(),
            flags: SAMPLED,
            name: format!("{} {}", resource.resource_type(), resource.resource_name()),
            kind: SpanKind::Client as i32,
            start_time_unix_nano: nanoseconds(task.begun),
            end_time_unix_nano: nanoseconds(at),
            attributes,
            status: span_status(status != "SUCCEEDED"),
            ..Span::default()
        });
    }

    /// A redrive is another span, which points at the one before.
    fn redrive(&mut self, execution: &mut OpenExecution, event: &Event, redrive_count: u32) {
        let arn = &*self.progress.identity.arn;
        let before = made_id("execution", arn, u64::from(redrive_count.saturating_sub(1)));
        execution.place.span = made_id("execution", arn, u64::from(redrive_count));
        execution.begun = event.at;
        execution.frames = vec![execution.place.span];
        execution.links = vec![link(execution.place.trace, before)];
    }

    /// Ends the span of the execution, and all below it.
    fn end(&mut self, execution: &mut OpenExecution, event: &Event, status: Status) {
        let mut open: Vec<FrameId> = execution.states.keys().copied().collect();
        open.sort_unstable();
        for frame in open {
            self.close(execution, frame, event.at, status.name());
        }
        let identity = &self.progress.identity;
        let mut attributes = vec![
            text("aws.step_functions.state_machine.arn", &identity.state_machine_arn),
            text("stepwell.execution.arn", &identity.arn),
            text("stepwell.execution.name", &identity.name),
            text("stepwell.execution.status", status.name()),
            number("stepwell.execution.redrive_count", i64::from(self.progress.redrive_count)),
        ];
        if let Some(version) = &identity.state_machine_version_arn {
            attributes.push(text("stepwell.state_machine.version_arn", version));
        }
        if let Some(alias) = &identity.state_machine_alias_arn {
            attributes.push(text("stepwell.state_machine.alias_arn", alias));
        }
        if let Some(error) = error_of(&event.kind).filter(|error| !error.is_empty()) {
            attributes.push(text("error.type", error));
        }
        self.spans.push(Span {
            trace_id: execution.place.trace.to_vec(),
            span_id: execution.place.span.to_vec(),
            parent_span_id: execution.parent.map(|parent| parent.to_vec()).unwrap_or_default(),
            flags: SAMPLED,
            name: identity.state_machine_name.to_string(),
            kind: SpanKind::Server as i32,
            start_time_unix_nano: nanoseconds(execution.begun),
            end_time_unix_nano: nanoseconds(event.at),
            attributes,
            links: std::mem::take(&mut execution.links),
            status: span_status(status != Status::Succeeded),
            ..Span::default()
        });
    }
}

/// The status that an event ends an execution with.
fn ended(kind: &EventKind) -> Option<Status> {
    match kind {
        EventKind::ExecutionSucceeded { .. } => Some(Status::Succeeded),
        EventKind::ExecutionFailed { .. } => Some(Status::Failed),
        EventKind::ExecutionTimedOut { .. } => Some(Status::TimedOut),
        EventKind::ExecutionAborted { .. } => Some(Status::Aborted),
        _ => None,
    }
}

fn error_of(kind: &EventKind) -> Option<&str> {
    match kind {
        EventKind::ExecutionFailed { error, .. }
        | EventKind::ExecutionTimedOut { error, .. }
        | EventKind::ExecutionAborted { error, .. } => error.as_deref(),
        _ => None,
    }
}

/// Whether a state's work begins with it: what follows without it is no news of an open state.
fn begins_work(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::TaskScheduled { .. }
            | EventKind::ParallelStarted { .. }
            | EventKind::MapStarted { .. }
            | EventKind::DistributedMapStarted { .. }
    )
}

fn link(trace: TraceId, span: SpanId) -> Link {
    Link { trace_id: trace.to_vec(), span_id: span.to_vec(), flags: SAMPLED, ..Link::default() }
}

/// Only failures are told; that nothing failed is the default, as the specification wants it.
fn span_status(is_failure: bool) -> Option<SpanStatus> {
    is_failure.then(|| SpanStatus { message: String::new(), code: StatusCode::Error as i32 })
}

fn nanoseconds(at: Timestamp) -> u64 {
    u64::try_from(at.0).unwrap_or(0).saturating_mul(1_000_000)
}

pub(super) fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, AnyKind::StringValue(value.to_owned()))
}

fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, AnyKind::IntValue(value))
}

fn attribute(key: &str, value: AnyKind) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
