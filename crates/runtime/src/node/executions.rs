//! The executions in memory: what each is doing, and which leaves first.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use asl::Payload;
use engine::{Branch, Command, Effect, Event, Execution, Identity, Refusal, TaskId};
use serde_json::Value;
use store::ExecutionKey;

use super::ReplyId;
use super::map_runs::ChildOf;
use crate::definitions::Definition;
use crate::metering::Billing;
use crate::records::{ExecutionHeader, ParentRecord};
use crate::{ExecutionDescription, StartRequest};

/// A command that waits for its turn, and what to do once it is durable.
pub(crate) struct Entry {
    pub(crate) command: Command,
    pub(crate) then: Then,
}

impl Entry {
    pub(crate) fn is_redrive(&self) -> bool {
        matches!(self.then, Then::Redrive { .. } | Then::RedriveChild { .. })
    }
}

/// Who waits for a command.
pub(crate) enum Then {
    /// StopExecution: answer with the moment of the end.
    Stop(ReplyId),
    /// RedriveExecution: answer with its moment.
    Redrive { reply: ReplyId, client_token: Option<Box<str>> },
    /// The redrive of a Map Run has this child run again.
    RedriveChild { child: ChildOf, arn: Box<str> },
    /// SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat.
    Token(ReplyId),
    /// GetActivityTask: hand the task over.
    Activity { poll: ReplyId, task: TaskId, input: Option<Payload> },
    /// A call has submitted its job.
    Submit(TaskId),
    /// A call came back.
    Return(TaskId),
    /// UpdateMapRun.
    Update(ReplyId),
    /// Whoever waited was told that nobody knows what became of it.
    Nothing,
}

impl Then {
    /// The caller that gets an error if the command cannot be made durable. Polls just go on.
    pub(crate) fn caller(&self) -> Option<ReplyId> {
        match self {
            Then::Stop(reply)
            | Then::Token(reply)
            | Then::Update(reply)
            | Then::Redrive { reply, .. } => Some(*reply),
            Then::RedriveChild { .. }
            | Then::Activity { .. }
            | Then::Submit(_)
            | Then::Return(_)
            | Then::Nothing => None,
        }
    }
}

/// Who waits for a look at an execution in a durable state.
pub(crate) enum Reader {
    Describe(ReplyId),
    /// DescribeMapRun, ListMapRuns.
    MapRuns(ReplyId),
    /// A child of a Map Run asks whether it is still waited for.
    MapRunChild {
        key: ExecutionKey,
        child: ChildOf,
    },
    /// A child of a Map Run that is not in the store is to be started again.
    LostMapRunChild(ChildOf),
    /// StartExecution with a name that is taken: is it the same start?
    StartAgain {
        reply: ReplyId,
        input: Payload,
        /// The task that starts it, if one does.
        parent: Option<Arc<ParentRecord>>,
    },
    /// GetActivityTask: hand a task over whose start is recorded already.
    HandOver {
        poll: ReplyId,
        task: TaskId,
        input: Option<Payload>,
    },
}

/// Who started an execution and waits for the start to be durable.
pub(crate) struct Starter {
    pub(crate) reply: ReplyId,
    /// Set where the name was made up: another one can be made up.
    pub(crate) request: Option<StartRequest>,
}

/// What is needed until the first turn is durable.
pub(crate) struct FirstTurn {
    pub(crate) starter: Option<Starter>,
}

/// A turn that has run and waits for its commit.
pub(crate) struct Turn {
    pub(crate) entries: Vec<Entry>,
    pub(crate) refusals: Vec<Option<Refusal>>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) events: Option<Arc<Vec<Event>>>,
    pub(crate) branches: Vec<Branch>,
    pub(crate) has_events: bool,
    /// Whether it opened (1) or closed (-1) a Standard execution.
    pub(crate) opened: i8,
}

/// What an execution in memory is doing.
pub(crate) enum Phase {
    /// It is being read, or is in the queue for it.
    Loading,
    /// It could not be read, and will be tried again when it is woken.
    Unread,
    /// It is as the store has it.
    Idle(Box<Execution>),
    /// Somebody runs a turn. `own` commands of the node come before those of the entries.
    Running { entries: Vec<Entry>, own: usize },
    /// It is ahead of the store by one turn.
    Committing { execution: Box<Execution>, turn: Turn },
}

/// An execution in memory.
pub(crate) struct Resident {
    pub(crate) phase: Phase,
    pub(crate) queue: VecDeque<Entry>,
    pub(crate) readers: Vec<Reader>,
    /// Known once it is loaded or started.
    pub(crate) known: Option<Known>,
    /// Turns in the store.
    pub(crate) turns: u32,
    pub(crate) first: Option<Box<FirstTurn>>,
    /// Set where it lives in memory only: a synchronous Express execution, and who waits for
    /// its end.
    pub(crate) sync: Option<ReplyId>,
    /// The input, as long as the start may have to be run again.
    pub(crate) input: Option<Payload>,
    /// The text of a panic that is to end it.
    pub(crate) panic: Option<String>,
    /// Not to be woken before this moment, because waking it changed nothing.
    pub(crate) hold_until: i64,
    /// How often in a row it could not be read.
    pub(crate) load_failures: u32,
    /// Its place in the order of leaving, while it is idle.
    stamp: Option<u64>,
    /// Bytes of memory that it takes, while it is idle.
    weight: usize,
}

/// What never changes about an execution in memory.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) identity: Arc<Identity>,
    pub(crate) definition: Arc<Definition>,
    /// What its row says of it once and for ever.
    pub(crate) header: Arc<ExecutionHeader>,
    /// `loggingConfiguration` of the state machine when it started.
    pub(crate) logging: Option<Arc<Value>>,
    /// The task that started it, if one did.
    pub(crate) parent: Option<Arc<ParentRecord>>,
}

impl Known {
    /// The execution as DescribeExecution shows it.
    pub(crate) fn describe(&self, execution: &Execution) -> ExecutionDescription {
        let bytes = Some(self.definition.text.len());
        let trace_header = self.header.trace_header.clone();
        description(execution, trace_header, self.parent.as_deref(), bytes)
    }
}

impl Resident {
    /// One that is yet to be read.
    pub(crate) fn loading() -> Resident {
        Resident {
            phase: Phase::Loading,
            queue: VecDeque::new(),
            readers: Vec::new(),
            known: None,
            turns: 0,
            first: None,
            sync: None,
            input: None,
            panic: None,
            hold_until: i64::MIN,
            load_failures: 0,
            stamp: None,
            weight: 0,
        }
    }

    /// Whether somebody wants it redriven.
    pub(crate) fn is_to_be_redriven(&self) -> bool {
        self.queue.iter().any(Entry::is_redrive)
    }

    /// How many commands the next turn takes: a redrive is the first of its turn.
    pub(crate) fn turn_length(&self) -> usize {
        let next = self.queue.iter().skip(1).position(Entry::is_redrive);
        next.map_or(self.queue.len(), |at| at + 1)
    }

    /// Whether its turns are kept in the store.
    pub(crate) fn is_journalled(&self) -> bool {
        self.sync.is_none()
    }
}

/// The executions in memory.
#[derive(Default)]
pub(crate) struct Executions {
    residents: HashMap<ExecutionKey, Resident>,
    by_arn: HashMap<Box<str>, ExecutionKey>,
    /// Idle ones, the longest idle first.
    idle: BTreeMap<u64, ExecutionKey>,
    idle_bytes: usize,
    next_stamp: u64,
    /// Those that live in memory only.
    sync: usize,
}

impl Executions {
    pub(crate) fn get(&self, key: ExecutionKey) -> Option<&Resident> {
        self.residents.get(&key)
    }

    pub(crate) fn get_mut(&mut self, key: ExecutionKey) -> Option<&mut Resident> {
        self.residents.get_mut(&key)
    }

    pub(crate) fn key_of(&self, arn: &str) -> Option<ExecutionKey> {
        self.by_arn.get(arn).copied()
    }

    pub(crate) fn insert(&mut self, key: ExecutionKey, resident: Resident) {
        self.sync += usize::from(!resident.is_journalled());
        if let Some(known) = &resident.known {
            self.by_arn.insert(known.identity.arn.clone(), key);
        }
        let before = self.residents.insert(key, resident);
        assert!(before.is_none(), "an execution is in memory once");
    }

    /// Notes what has become known of an execution.
    pub(crate) fn know(&mut self, key: ExecutionKey, known: Known) {
        self.by_arn.insert(known.identity.arn.clone(), key);
        if let Some(resident) = self.residents.get_mut(&key) {
            resident.known = Some(known);
        }
    }

    pub(crate) fn remove(&mut self, key: ExecutionKey) -> Option<Resident> {
        self.mark_busy(key);
        let resident = self.residents.remove(&key)?;
        self.sync -= usize::from(!resident.is_journalled());
        if let Some(known) = &resident.known
            && self.by_arn.get(&known.identity.arn) == Some(&key)
        {
            self.by_arn.remove(&known.identity.arn);
        }
        Some(resident)
    }

    /// Puts an idle execution last in the order of leaving.
    pub(crate) fn mark_idle(&mut self, key: ExecutionKey) {
        self.mark_busy(key);
        if let Some(resident) = self.residents.get_mut(&key) {
            self.next_stamp += 1;
            resident.stamp = Some(self.next_stamp);
            resident.weight = match &resident.phase {
                Phase::Idle(execution) => execution.memory(),
                _ => 0,
            };
            self.idle.insert(self.next_stamp, key);
            self.idle_bytes += resident.weight;
        }
    }

    /// Takes an execution out of the order of leaving.
    pub(crate) fn mark_busy(&mut self, key: ExecutionKey) {
        if let Some(resident) = self.residents.get_mut(&key)
            && let Some(stamp) = resident.stamp.take()
        {
            self.idle.remove(&stamp);
            self.idle_bytes -= resident.weight;
        }
    }

    /// The one to leave next, if there are more idle ones than these bounds allow.
    pub(crate) fn surplus(&self, count_max: usize, bytes_max: usize) -> Option<ExecutionKey> {
        if self.idle.len() <= count_max && self.idle_bytes <= bytes_max {
            return None;
        }
        self.idle.first_key_value().map(|(_, key)| *key)
    }

    /// How many live in memory only.
    pub(crate) fn sync_count(&self) -> usize {
        self.sync
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Resident> {
        self.residents.values()
    }
}

/// An execution as DescribeExecution shows it.
pub(crate) fn description(
    execution: &Execution,
    trace_header: Option<String>,
    parent: Option<&ParentRecord>,
    definition_bytes: Option<usize>,
) -> ExecutionDescription {
    ExecutionDescription {
        identity: Arc::clone(&execution.identity),
        status: execution.status,
        start_date: execution.start_date(),
        stop_date: execution.stop_date(),
        input: execution.input().clone(),
        output: execution.output().cloned(),
        error: execution.error().map(Into::into),
        cause: execution.cause().map(Into::into),
        trace_header,
        parent_execution_arn: parent.map(|parent| parent.execution.clone()),
        transitions: execution.transitions(),
        redrive_count: execution.redrive_count(),
        redrive_date: execution.redrive_date(),
        redrivability: execution.redrivability(),
        pending_redrive: false,
        billing: definition_bytes.and_then(|bytes| Billing::of(execution, bytes)),
    }
}
