//! One turn: the commands that wait for an execution, run through the engine. Pure work on one
//! execution, done outside of every lock; the boundary that catches panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use asl::{MachineType, Payload, Timestamp};
use engine::{
    Branch, Command, Effect, Event, EventKind, Execution, Refusal, Stamp, Status, World,
    encode_turn, step,
};
use store::{DayUsage, ExecutionKey, NewExecution, RowState, TurnWrite, Write};

use crate::definitions::Definition;
use crate::job_cancels;
use crate::load::panic_text;
use crate::long_turns::Watch;
use crate::metering;
use crate::records::{self, ExecutionHeader, MapRunRecord, kind};
use crate::status::status_code;
use crate::status_changes;
use crate::surroundings::Surroundings;

/// The error of an execution whose step panicked.
const PANIC_ERROR: &str = "States.Runtime";

/// A turn to run. Nobody else has the execution meanwhile.
pub struct TurnJob {
    pub(crate) key: ExecutionKey,
    pub(crate) execution: Box<Execution>,
    pub(crate) definition: Arc<Definition>,
    pub(crate) commands: Vec<Command>,
    pub(crate) now: Timestamp,
    pub(crate) seed: u64,
    pub(crate) surroundings: Surroundings,
    pub(crate) turns_before: u32,
    pub(crate) journal: JournalPolicy,
    /// Set where the first turn panicked: the execution only starts, with this input, and the
    /// commands do the rest.
    pub(crate) started_with: Option<Payload>,
    /// Whether somebody wants to see the events.
    pub(crate) is_watched: bool,
    /// Whether changes of status are to be told.
    pub(crate) keeps_status_changes: bool,
    /// Whether a task of another execution waits for its end.
    pub(crate) is_awaited: bool,
}

/// Whether and how a turn is kept.
pub(crate) enum JournalPolicy {
    /// A synchronous Express execution: nothing is kept.
    None,
    /// Not the first turn.
    Append,
    /// The first turn also makes the row.
    Create { header: Arc<ExecutionHeader> },
}

/// What came of a turn.
pub struct TurnDone {
    pub(crate) key: ExecutionKey,
    /// The text of the panic, if there was one; then the execution is lost.
    pub(crate) result: Result<TurnResult, String>,
}

pub(crate) struct TurnResult {
    pub(crate) execution: Box<Execution>,
    /// For each command, whether and why it changed nothing.
    pub(crate) refusals: Vec<Option<Refusal>>,
    pub(crate) effects: Vec<Effect>,
    /// Whether anything happened.
    pub(crate) has_events: bool,
    /// The events, if somebody watches.
    pub(crate) events: Option<Arc<Vec<Event>>>,
    /// The ways taken, where a test case runs.
    pub(crate) branches: Vec<Branch>,
    /// Absent if nothing happened or nothing is kept.
    pub(crate) write: Option<Box<TurnWrite>>,
    /// What it used, if nothing is kept of it.
    pub(crate) usage: Option<DayUsage>,
    /// What is kept with the turn.
    pub(crate) records: Vec<Write>,
    /// Whether it opened (1) or closed (-1) a Standard execution.
    pub(crate) opened: i8,
}

impl TurnJob {
    /// The command that ends an execution whose step panicked.
    pub(crate) fn failure_of_panic(text: &str) -> Command {
        Command::Fail {
            error: PANIC_ERROR.into(),
            cause: format!("The execution was ended by an internal error: {text}").into(),
        }
    }

    /// Whether the turn must not run where others wait for it.
    pub(crate) fn may_take_long(&self) -> bool {
        self.definition.may_take_long
    }

    /// Runs the turn. Never panics.
    pub fn run(self) -> TurnDone {
        let surroundings = self.surroundings.clone();
        let world = surroundings.of(self.key);
        self.run_in(&world)
    }

    /// As [`TurnJob::run`], where somebody keeps an eye on it.
    pub(crate) fn run_watched(self, watch: &Watch) -> TurnDone {
        let surroundings = self.surroundings.clone();
        let world = surroundings.watched(self.key, watch);
        self.run_in(&world)
    }

    fn run_in(self, world: &dyn World) -> TurnDone {
        let key = self.key;
        let result = catch_unwind(AssertUnwindSafe(|| self.run_unguarded(world)))
            .map_err(|panic| panic_text(&*panic));
        TurnDone { key, result }
    }

    fn run_unguarded(self, world: &dyn World) -> TurnResult {
        let TurnJob { key, mut execution, definition, commands, now, seed, .. } = self;
        let before = metering::Before::of(&execution);
        let was_open = execution.event_count() > 0 && execution.status == Status::Running;
        let mut events = Vec::new();
        let mut effects = Vec::new();
        let mut branches = Vec::new();
        let mut refusals = Vec::with_capacity(commands.len());
        if let Some(input) = self.started_with {
            // The one fact that is certain. The deadline does not matter: it ends in this turn.
            let kind = EventKind::ExecutionStarted { input, deadline: now };
            let started = Event { id: 1, previous: 0, at: now, kind };
            execution.apply(&started);
            events.push(started);
        }
        for (at, command) in commands.into_iter().enumerate() {
            let seed = seed.wrapping_add(at as u64);
            let stamp = Stamp { now, seed, world };
            let decision = step(&definition.program, &mut execution, command, stamp);
            refusals.push(decision.refused);
            if events.is_empty() {
                events = decision.events;
            } else {
                events.extend(decision.events);
            }
            effects.extend(decision.effects);
            branches.extend(decision.branches);
        }
        let usage = before.used(&execution, definition.text.len(), now);
        let has_events = !events.is_empty();
        let counts = !execution.identity.express && execution.identity.map_run.is_none();
        let is_open = execution.status == Status::Running;
        let opened = if counts { i8::from(is_open) - i8::from(was_open) } else { 0 };
        let new = match &self.journal {
            JournalPolicy::Create { header } => Some(new_execution(&execution, header)),
            _ => None,
        };
        let is_kept = has_events && !matches!(self.journal, JournalPolicy::None);
        let tells = is_kept && self.keeps_status_changes && !execution.identity.express;
        let write = is_kept.then(|| {
            Box::new(TurnWrite {
                key,
                turns_before: self.turns_before,
                journal: encode_turn(&events),
                state: row_state(&execution, self.is_awaited),
                usage,
                new,
            })
        });
        let mut records = match is_kept {
            true => map_run_records(&execution, &events),
            false => Vec::new(),
        };
        if is_kept {
            let identity = &execution.identity;
            let kept = job_cancels::remember(&effects, key, &identity.arn, &identity.region);
            records.extend(kept);
        }
        if tells {
            let arn = &execution.identity.arn;
            records.extend(status_changes::remember(&events, arn, key.0, self.turns_before));
        }
        let events = self.is_watched.then(|| Arc::new(events));
        let usage = write.is_none().then_some(usage);
        TurnResult {
            execution,
            refusals,
            effects,
            has_events,
            events,
            branches,
            write,
            usage,
            records,
            opened,
        }
    }
}

/// The part of the row that follows from the execution.
fn row_state(execution: &Execution, is_awaited: bool) -> RowState {
    let is_open = execution.status == Status::Running;
    RowState {
        status: status_code(execution.status),
        stop_date: execution.stop_date().map(|moment| moment.0),
        wake: if is_open { execution.next_wake().map(|moment| moment.0) } else { None },
        // A task that waits for it may be stopped in the moment in which the process ends.
        // The same is true of a Map Run.
        recover: execution.needs_recovery()
            || (is_open && (is_awaited || execution.identity.map_run.is_some())),
        redrive_count: execution.redrive_count(),
        redrive_date: execution.redrive_date().map(|moment| moment.0),
    }
}

fn new_execution(execution: &Execution, header: &ExecutionHeader) -> NewExecution {
    let identity = &execution.identity;
    let is_child = identity.map_run.is_some();
    NewExecution {
        arn: identity.arn.clone(),
        name: identity.name.clone(),
        state_machine_arn: identity.state_machine_arn.clone(),
        version_arn: identity.state_machine_version_arn.clone(),
        alias_arn: identity.state_machine_alias_arn.clone(),
        map_run_arn: identity.map_run.as_ref().map(|child| child.map_run_arn.clone()),
        start_date: execution.start_date().0,
        // Children are listed by their Map Run.
        listed: header.machine_type == MachineType::Standard && !is_child,
        header: records::encode(header),
    }
}

/// The records of Map Runs that started in a turn, by which they are found by their ARNs.
fn map_run_records(execution: &Execution, events: &[Event]) -> Vec<Write> {
    let record = |event: &Event| {
        let EventKind::MapRunStarted { settings, .. } = &event.kind else { return None };
        let execution_arn = execution.identity.arn.clone();
        let body = records::encode(&MapRunRecord { execution_arn, run: event.id });
        let key = settings.arn.to_string();
        Some(Write::PutRecord { kind: kind::MAP_RUN, key, body })
    };
    events.iter().filter_map(record).collect()
}
