//! The connections that read.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, Result};

use super::error::unusable;
use crate::StoreError;

/// The most connections kept while nobody reads. More readers at once open more for themselves.
const IDLE_MAX: usize = 8;
/// Page cache of one connection, in KiB.
const CACHE_KIB: i64 = 8 * 1024;

pub(super) struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(file: &Path) -> std::result::Result<Readers, StoreError> {
        let first = open(file).map_err(|error| unusable(file, &error))?;
        Ok(Readers { file: file.to_owned(), idle: Mutex::new(vec![first]) })
    }

    /// Reads with a connection that nobody else has meanwhile.
    pub(super) fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open(&self.file)?,
        };
        let answer = read(&connection)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
        Ok(answer)
    }
}

fn open(file: &Path) -> Result<Connection> {
    // Read-only connections cannot take part in write-ahead mode in every case; this one may
    // write the log's index, and the pragma keeps it from anything else.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}
