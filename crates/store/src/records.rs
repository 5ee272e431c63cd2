//! The plain records that go in and out of a store.

/// Names an execution inside one store. Given out rising by the runtime, never reused; from 1
/// to `i64::MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ExecutionKey(pub u64);

/// One write of a batch.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly every write is a turn")]
pub enum Write {
    Turn(TurnWrite),
    /// Creates or replaces a record.
    PutRecord {
        kind: &'static str,
        key: String,
        body: Vec<u8>,
    },
    DeleteRecord {
        kind: &'static str,
        key: String,
    },
    /// Adds to the sums of a day and state machine, for what no turn is kept of.
    AddUsage(UsageEntry),
    /// Deletes an execution that is over, with its journal. Its name is free again, its key is
    /// not. A conflict if the number of turns is another one, if it is not over, or if its key
    /// is the highest of all. What is not there is deleted already.
    Purge {
        key: ExecutionKey,
        turns: u32,
    },
}

/// One turn of an execution: its events and the row as it is afterwards.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnWrite {
    pub key: ExecutionKey,
    /// The number of turns committed before this one. Another number in the store is a
    /// conflict: somebody else wrote.
    pub turns_before: u32,
    /// The opaque bytes of the turn's events.
    pub journal: Vec<u8>,
    pub state: RowState,
    /// What the turn adds to the sums of its state machine.
    pub usage: DayUsage,
    /// What never changes; present exactly for the first turn.
    pub new: Option<NewExecution>,
}

/// The part of an execution's row that is written once.
#[derive(Debug, Clone, PartialEq)]
pub struct NewExecution {
    /// Unique in the store.
    pub arn: Box<str>,
    pub name: Box<str>,
    /// Without version or alias.
    pub state_machine_arn: Box<str>,
    pub version_arn: Option<Box<str>>,
    pub alias_arn: Option<Box<str>>,
    /// Of a child of a Map Run; lists of that Map Run show it, whether `listed` or not.
    pub map_run_arn: Option<Box<str>>,
    /// Milliseconds since 1970.
    pub start_date: i64,
    /// Whether lists of its state machine, version and alias show it (Standard executions).
    pub listed: bool,
    /// Opaque to the store.
    pub header: Vec<u8>,
}

/// The part of an execution's row that turns change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowState {
    /// Opaque, except that 0 means that it is not over.
    pub status: u8,
    /// Milliseconds since 1970.
    pub stop_date: Option<i64>,
    /// When it wants to be woken, in milliseconds since 1970.
    pub wake: Option<i64>,
    /// Whether a new process must take it up at start.
    pub recover: bool,
    /// How often it was redriven.
    pub redrive_count: u32,
    /// When it was redriven last, in milliseconds since 1970.
    pub redrive_date: Option<i64>,
}

impl RowState {
    /// What lists are ordered by.
    pub(crate) fn moment(&self, start_date: i64) -> i64 {
        self.stop_date.or(self.redrive_date).unwrap_or(start_date)
    }
}

/// Sums of what executions used, as AWS bills it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Standard executions that started.
    pub executions: u64,
    /// State transitions of Standard executions.
    pub transitions: u64,
    /// Express executions that started.
    pub requests: u64,
    /// Billed time of Express executions.
    pub milliseconds: u64,
    /// Billed time of Express executions, each multiplied by its billed megabytes.
    pub megabyte_milliseconds: u64,
}

impl Usage {
    /// Whether there is nothing to add.
    pub fn is_zero(&self) -> bool {
        *self == Usage::default()
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        self.executions += other.executions;
        self.transitions += other.transitions;
        self.requests += other.requests;
        self.milliseconds += other.milliseconds;
        self.megabyte_milliseconds += other.megabyte_milliseconds;
    }
}

/// Usage and the day it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayUsage {
    /// Days since 1970, UTC.
    pub day: i64,
    pub usage: Usage,
}

/// Usage of one state machine on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageEntry {
    /// Days since 1970, UTC.
    pub day: i64,
    /// Without version or alias.
    pub state_machine_arn: Box<str>,
    pub usage: Usage,
}

/// An execution's row.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionRow {
    pub key: ExecutionKey,
    /// Turns committed so far.
    pub turns: u32,
    pub new: NewExecution,
    pub state: RowState,
}

/// Which executions may be purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurgeQuery {
    /// Those that lists show, those of Map Runs among them, if they were over before this moment
    /// (milliseconds since 1970).
    pub listed_before: i64,
    /// The others.
    pub unlisted_before: i64,
    /// Beyond this key.
    pub after: ExecutionKey,
    /// Executions to look at.
    pub limit: usize,
}

impl PurgeQuery {
    /// Whether a row is to be purged.
    pub(crate) fn takes(&self, listed: bool, stop_date: Option<i64>) -> bool {
        let before = if listed { self.listed_before } else { self.unlisted_before };
        stop_date.is_some_and(|stop_date| stop_date < before)
    }

    /// Whether nothing that starts at this moment or later can be over before.
    pub(crate) fn is_beyond(&self, start_date: i64) -> bool {
        start_date >= self.listed_before.max(self.unlisted_before)
    }
}

/// Executions that may be purged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Purgeable {
    /// With their turns.
    pub executions: Vec<(ExecutionKey, u32)>,
    /// Go on beyond this key; none where there is nothing beyond.
    pub looked_to: Option<ExecutionKey>,
}

/// What came of one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Committed,
    /// A first turn whose ARN is taken already.
    NameTaken,
    /// `turns_before` does not fit what is stored.
    Conflict,
}

/// Which executions to list.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionQuery {
    pub of: ExecutionsOf,
    /// Only with this status.
    pub status: Option<u8>,
    /// Go on behind this place of an earlier answer.
    pub after: Option<ListPlace>,
    pub limit: usize,
}

/// Whose executions to list.
#[derive(Debug, Clone, PartialEq)]
pub enum ExecutionsOf {
    StateMachine(String),
    Version(String),
    Alias(String),
    /// The children of a Map Run.
    MapRun(String),
}

/// A place in a list: the order is by `moment`, then by `key`, both falling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListPlace {
    /// `stop_date` where it is over, else `redrive_date`, else `start_date`.
    pub moment: i64,
    pub key: ExecutionKey,
}

impl ExecutionRow {
    /// Where the row stands in a list.
    pub fn place(&self) -> ListPlace {
        ListPlace { moment: self.state.moment(self.new.start_date), key: self.key }
    }
}
