//! What SQLite's errors mean to the callers of a store.

use std::path::Path;

use rusqlite::{Error, ErrorCode, ffi};

use crate::StoreError;

/// The error of a store that is open.
pub(super) fn failed(file: &Path, error: &Error) -> StoreError {
    let file = file.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            StoreError::Full(format!("{file} cannot grow; it goes on when there is room again"))
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Failed(format!(
            "{file} is damaged ({error}): stop the server and restore the directory from a backup"
        )),
        Some(ErrorCode::ReadOnly) => {
            StoreError::Failed(format!("{file} cannot be written: {error}"))
        }
        _ => StoreError::Failed(format!("{file}: {error}")),
    }
}

/// The error of a store that cannot be opened.
pub(super) fn unusable(file: &Path, error: &Error) -> StoreError {
    let file = file.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full(format!("{file} cannot be opened")),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Unusable(
            format!("{file} is damaged ({error}): restore the directory from a backup"),
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Unusable(format!(
            "{file} is in use by another program that writes to it: end that program"
        )),
        _ => StoreError::Unusable(format!("{file} cannot be opened: {error}")),
    }
}

/// Whether the disk failed to make durable what was written.
pub(super) fn is_sync_failure(error: &Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        matches!(error.extended_code, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
    })
}
