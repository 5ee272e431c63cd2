//! What is kept: journals of executions, the rows derived from them, and records of everything
//! else. The store knows bytes, keys and moments; no word of Amazon States Language.
//!
//! Every method blocks; callers choose the thread. One thread commits, any thread reads.

mod conformance;
mod memory;
mod records;
mod sqlite;

pub use conformance::check_store;
pub use memory::{MemorySizes, MemoryStore};
pub use records::*;
pub use sqlite::SqliteStore;

/// A place where executions are kept.
pub trait Store: Send + Sync + 'static {
    /// Makes a batch of writes durable in one transaction, in order, and says what came of each.
    /// A refused write (name taken, conflict) leaves no trace and does not disturb the others.
    /// When this returns `Ok`, everything that was accepted survives a crash of the machine.
    /// On `Err` nothing of the batch may be relied on: it may or may not have become durable.
    ///
    /// Writes of one batch see those before them. A first turn whose key is taken is a conflict,
    /// whether its ARN is taken too or not; so is a turn that has `new` where it is not the
    /// first, or lacks it where it is. Deleting a record that is not there is accepted.
    fn commit(&self, writes: &[Write]) -> Result<Vec<Outcome>, StoreError>;

    /// An execution's row, by key.
    fn execution(&self, key: ExecutionKey) -> Result<Option<ExecutionRow>, StoreError>;
    /// An execution's row, by its ARN.
    fn execution_by_arn(&self, arn: &str) -> Result<Option<ExecutionRow>, StoreError>;
    /// The turns of an execution, in order, each as its bytes were committed.
    fn journal(&self, key: ExecutionKey) -> Result<Vec<Vec<u8>>, StoreError>;
    /// Executions of one state machine (or of one version, alias or Map Run), newest first: those
    /// that are not over by their last redrive or else their start, those that are by end. By
    /// index, never by scan.
    fn list_executions(&self, query: &ExecutionQuery) -> Result<Vec<ExecutionRow>, StoreError>;
    /// Executions whose key is below `before`, the highest key first. By key, never by scan.
    fn executions_before(
        &self,
        before: ExecutionKey,
        limit: usize,
    ) -> Result<Vec<ExecutionRow>, StoreError>;
    /// Keys of executions whose wake-up is at or before `until` (milliseconds since 1970), the
    /// earliest first, with the moment.
    fn due(&self, until: i64, limit: usize) -> Result<Vec<(ExecutionKey, i64)>, StoreError>;
    /// Keys of executions marked for recovery, rising, beyond `after`.
    fn to_recover(
        &self,
        after: ExecutionKey,
        limit: usize,
    ) -> Result<Vec<ExecutionKey>, StoreError>;
    /// The number of executions of a state machine that are not over.
    fn count_open(&self, state_machine_arn: &str) -> Result<u64, StoreError>;
    /// The numbers of a Map Run's children by status, those of no child left out.
    fn count_children(&self, map_run_arn: &str) -> Result<Vec<(u8, u64)>, StoreError>;
    /// The highest key ever committed; key 0 where there is none.
    fn highest_key(&self) -> Result<ExecutionKey, StoreError>;

    /// Executions that were over before some moment, in the order of their keys: a part of the
    /// way through all that started before it. By key, so that nothing has to be kept for it.
    fn purgeable(&self, query: &PurgeQuery) -> Result<Purgeable, StoreError>;
    /// Sums of the days from `from` to before `until` (days since 1970), by day, then ARN.
    fn usage(&self, from: i64, until: i64) -> Result<Vec<UsageEntry>, StoreError>;

    /// A record.
    fn record(&self, kind: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Records of a kind in key order: those whose key starts with `prefix` and is beyond `after`.
    fn records(
        &self,
        kind: &str,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError>;
}

/// Why the store did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or file is not a store of ours, is newer than this program, or is in use by
    /// another process. The text says which, and what to do.
    #[error("{0}")]
    Unusable(String),
    /// There is no room left.
    #[error("the disk that holds the data directory is full: {0}")]
    Full(String),
    #[error("the store failed: {0}")]
    Failed(String),
}
