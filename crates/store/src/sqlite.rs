//! The embedded store: one SQLite file in write-ahead mode, fsync at every commit.
//!
//! One connection writes; readers take one of a few others and see what was committed. The
//! write-ahead log is brought into the file by a thread of its own, away from commits.

mod arn_index;
mod arns;
mod checkpoint;
mod error;
mod folder;
#[cfg(test)]
mod formats;
mod log_room;
mod read;
mod readers;
mod schema;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use rusqlite::Connection;

use self::arn_index::{ArnHash, ArnIndex, ArnWriter};
use self::arns::Interned;
use self::checkpoint::Checkpointer;
use self::error::{failed, is_sync_failure, unusable};
use self::folder::FolderLock;
use self::readers::Readers;
use crate::records::{
    ExecutionKey, ExecutionQuery, ExecutionRow, Outcome, PurgeQuery, Purgeable, UsageEntry, Write,
};
use crate::{Store, StoreError};

/// A store in a data directory.
pub struct SqliteStore {
    /// Stopped first. The other fields are dropped in this order.
    checkpointer: Option<Checkpointer>,
    readers: Readers,
    shared: Arc<Shared>,
    _lock: FolderLock,
}

/// What the commit and the checkpoint threads share.
struct Shared {
    file: PathBuf,
    arn_index: ArnIndex,
    writer: Mutex<Writer>,
    /// Set for good once the disk failed to make a write durable: what it holds since is unknown,
    /// and a later success would say nothing.
    broken: AtomicBool,
}

struct Writer {
    connection: Connection,
    interned: Interned,
    arns: ArnWriter,
}

/// What tests set otherwise, to meet with little data what takes much.
struct Options {
    arn_hash: ArnHash,
    recent_arns_max: usize,
    log_pages: u32,
    log_room_pages: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            arn_hash: arn_index::hash,
            recent_arns_max: arn_index::RECENT_MAX,
            log_pages: checkpoint::LOG_PAGES,
            log_room_pages: checkpoint::LOG_PAGES + checkpoint::LOG_PAGES / 4,
        }
    }
}

impl SqliteStore {
    /// Opens the store in a data directory and creates both where they are not there. The
    /// directory is locked until the store is dropped.
    ///
    /// # Errors
    /// `Unusable` where the directory is in use by another process, cannot be written, or holds
    /// something that is not a store of this version or an older one; then nothing was changed.
    pub fn open(folder: &Path) -> Result<SqliteStore, StoreError> {
        SqliteStore::open_with(folder, &Options::default())
    }

    fn open_with(folder: &Path, options: &Options) -> Result<SqliteStore, StoreError> {
        let lock = folder::lock(folder)?;
        let file = folder::prepare(folder)?;
        let connection = schema::open_writer(&file)?;
        let arn_index = ArnIndex::load(&connection, options.arn_hash)
            .map_err(|error| unusable(&file, &error))?;
        let readers = Readers::new(&file)?;
        let arns = ArnWriter::new(options.recent_arns_max);
        let writer = Mutex::new(Writer { connection, interned: Interned::default(), arns });
        let broken = AtomicBool::new(false);
        let shared = Arc::new(Shared { file, arn_index, writer, broken });
        let checkpointer =
            Some(Checkpointer::start(&shared, options.log_pages, options.log_room_pages)?);
        Ok(SqliteStore { checkpointer, readers, shared, _lock: lock })
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, StoreError> {
        self.readers.with(read).map_err(|error| failed(&self.shared.file, &error))
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        drop(self.checkpointer.take());
    }
}

impl Shared {
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn check_sound(&self) -> Result<(), StoreError> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(StoreError::Failed(format!(
                "the disk failed to keep a write to {} earlier: check the disk, then start again",
                self.file.display()
            )));
        }
        Ok(())
    }

    fn note(&self, error: &rusqlite::Error) -> StoreError {
        if is_sync_failure(error) {
            self.broken.store(true, Ordering::Relaxed);
        }
        failed(&self.file, error)
    }
}

impl Store for SqliteStore {
    fn commit(&self, writes: &[Write]) -> Result<Vec<Outcome>, StoreError> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        self.shared.check_sound()?;
        let outcomes = {
            let mut writer = self.shared.writer();
            write::commit(&mut writer, &self.shared.arn_index, writes)
                .map_err(|error| self.shared.note(&error))?
        };
        self.shared.check_sound()?;
        Ok(outcomes)
    }

    fn execution(&self, key: ExecutionKey) -> Result<Option<ExecutionRow>, StoreError> {
        self.read(|connection| read::execution(connection, key))
    }

    fn execution_by_arn(&self, arn: &str) -> Result<Option<ExecutionRow>, StoreError> {
        let arn_index = &self.shared.arn_index;
        self.read(|connection| {
            let keys = arn_index.find(connection, (arn_index.hash)(arn))?;
            read::execution_of(connection, &keys, arn)
        })
    }

    fn journal(&self, key: ExecutionKey) -> Result<Vec<Vec<u8>>, StoreError> {
        self.read(|connection| read::journal(connection, key))
    }

    fn list_executions(&self, query: &ExecutionQuery) -> Result<Vec<ExecutionRow>, StoreError> {
        self.read(|connection| read::list_executions(connection, query))
    }

    fn executions_before(
        &self,
        before: ExecutionKey,
        limit: usize,
    ) -> Result<Vec<ExecutionRow>, StoreError> {
        self.read(|connection| read::executions_before(connection, before, limit))
    }

    fn due(&self, until: i64, limit: usize) -> Result<Vec<(ExecutionKey, i64)>, StoreError> {
        self.read(|connection| read::due(connection, until, limit))
    }

    fn to_recover(
        &self,
        after: ExecutionKey,
        limit: usize,
    ) -> Result<Vec<ExecutionKey>, StoreError> {
        self.read(|connection| read::to_recover(connection, after, limit))
    }

    fn count_open(&self, state_machine_arn: &str) -> Result<u64, StoreError> {
        self.read(|connection| read::count_open(connection, state_machine_arn))
    }

    fn count_children(&self, map_run_arn: &str) -> Result<Vec<(u8, u64)>, StoreError> {
        self.read(|connection| read::count_children(connection, map_run_arn))
    }

    fn highest_key(&self) -> Result<ExecutionKey, StoreError> {
        self.read(read::highest_key)
    }

    fn purgeable(&self, query: &PurgeQuery) -> Result<Purgeable, StoreError> {
        self.read(|connection| read::purgeable(connection, query))
    }

    fn usage(&self, from: i64, until: i64) -> Result<Vec<UsageEntry>, StoreError> {
        self.read(|connection| read::usage(connection, from, until))
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|connection| read::record(connection, kind, key))
    }

    fn records(
        &self,
        kind: &str,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.read(|connection| read::records(connection, kind, prefix, after, limit))
    }
}
