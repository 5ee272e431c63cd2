//! The plain records that go in and out of a store.

/// Names an execution inside one store. Given out rising by the runtime, never reused; from 1
/// to `i64::MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ExecutionKey(pub u64);

/// One write of a batch.
#[derive(Debug, Clone, PartialEq)]
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
    /// Milliseconds since 1970.
    pub start_date: i64,
    /// Whether lists show it (Standard executions).
    pub listed: bool,
    /// Opaque to the store.
    pub header: Vec<u8>,
}

/// The part of an execution's row that turns change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowState {
    /// Opaque, except that 0 means that it is not over.
    pub status: u8,
    /// Milliseconds since 1970.
    pub stop_date: Option<i64>,
    /// When it wants to be woken, in milliseconds since 1970.
    pub wake: Option<i64>,
    /// Whether a new process must take it up at start.
    pub recover: bool,
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
}

/// A place in a list: the order is by `moment`, then by `key`, both falling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListPlace {
    /// `stop_date` where it is over, else `start_date`.
    pub moment: i64,
    pub key: ExecutionKey,
}

impl ExecutionRow {
    /// Where the row stands in a list.
    pub fn place(&self) -> ListPlace {
        ListPlace { moment: self.state.stop_date.unwrap_or(self.new.start_date), key: self.key }
    }
}
