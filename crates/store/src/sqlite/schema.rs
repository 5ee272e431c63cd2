//! The file's format: how a new one is made, how an older one is brought up to date.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Result};

use super::error::unusable;
use crate::StoreError;

/// Says in the file's head whose it is.
pub(super) const APPLICATION_ID: u32 = 0x5357_454C;

/// Each brings the format from its place in the list to the next version. Never changed once
/// released; the version is SQLite's `user_version`.
const MIGRATIONS: &[&str] = &[
    include_str!("0001_first.sql"),
    include_str!("0002_redrives_and_usage.sql"),
    include_str!("0003_map_runs.sql"),
];

/// The format that this program writes.
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Bytes of a page.
pub(super) const PAGE_BYTES: u32 = 4096;
/// Page cache of the writer, in KiB.
const CACHE_KIB: i64 = 64 * 1024;
/// To what the log shrinks when it starts over, in bytes.
const LOG_BYTES: i64 = 128 * 1024 * 1024;

/// An error where a format is newer than this program knows.
pub(super) fn check_version(file: &Path, version: u32) -> Result<(), StoreError> {
    if version > VERSION {
        return Err(StoreError::Unusable(format!(
            "{} was written by a newer version of Stepwell (format {version}, while this version \
             knows formats up to {VERSION}): use that version",
            file.display()
        )));
    }
    Ok(())
}

/// Makes a new file, whole and durable when this returns.
pub(super) fn create(file: &Path) -> Result<(), StoreError> {
    let make = || -> Result<()> {
        let connection = Connection::open(file)?;
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        migrate(&connection, 0)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.close().map_err(|(_, error)| error)
    };
    make().map_err(|error| unusable(file, &error))?;
    std::fs::File::open(file).and_then(|file| file.sync_all()).map_err(|error| {
        StoreError::Unusable(format!("{} cannot be written: {error}", file.display()))
    })
}

/// Opens the connection that writes and brings the format up to date.
pub(super) fn open_writer(file: &Path) -> Result<Connection, StoreError> {
    let connection = connect(file).map_err(|error| unusable(file, &error))?;
    if connection.is_readonly("main").map_err(|error| unusable(file, &error))? {
        return Err(StoreError::Unusable(format!("{} cannot be written", file.display())));
    }
    // The log may hold another version than the file's head.
    let version = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|error| unusable(file, &error))?;
    check_version(file, version)?;
    if version < VERSION {
        migrate(&connection, version).map_err(|error| unusable(file, &error))?;
    }
    Ok(connection)
}

fn connect(file: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(64);
    // Reads the schema, so that damage there is found now.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

fn migrate(connection: &Connection, from: u32) -> Result<()> {
    let transaction = connection.unchecked_transaction()?;
    for migration in &MIGRATIONS[from as usize..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}
