//! The data directory: who holds it, and whether what is in it is ours.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::schema;
use crate::StoreError;

/// The store's file in a data directory.
const FILE: &str = "stepwell.sqlite";
/// The file whose lock says that the directory is in use. It holds the number of the process.
const LOCK_FILE: &str = "stepwell.lock";
/// How long a lock is waited for. When a process is killed while it starts another one, that one
/// holds its open files, and with them the lock, until it runs its own program.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Holds the directory as long as it lives.
pub(super) struct FolderLock {
    /// The lock goes with the open file.
    _file: File,
}

/// Locks a data directory, which is created where it is not there. Nothing is written where it
/// holds something that is not a store of ours.
pub(super) fn lock(folder: &Path) -> Result<FolderLock, StoreError> {
    inspect(&folder.join(FILE))?;
    if folder.exists() && !folder.is_dir() {
        return Err(StoreError::Unusable(format!("{} is not a directory", folder.display())));
    }
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let path = folder.join(LOCK_FILE);
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .map_err(|error| unwritable(folder, &error))?;
    match lock_patiently(&file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Whoever locked it may not have written its number yet.
            let known = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
            let holder = if known { holder.trim() } else { "of unknown number" };
            return Err(StoreError::Unusable(format!(
                "the data directory {} is in use by process {holder}: stop it, or use another \
                 directory",
                folder.display()
            )));
        }
        Err(TryLockError::Error(error)) => {
            return Err(StoreError::Unusable(format!(
                "the data directory {} cannot be locked: {error}",
                folder.display()
            )));
        }
    }
    let pid = format!("{}\n", std::process::id());
    file.set_len(0)
        .and_then(|()| file.write_all(pid.as_bytes()))
        .map_err(|error| unwritable(folder, &error))?;
    Ok(FolderLock { _file: file })
}

/// Tries until [`LOCK_PATIENCE`] has passed.
fn lock_patiently(file: &File) -> Result<(), TryLockError> {
    let end = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < end => thread::sleep(LOCK_PAUSE),
            outcome => return outcome,
        }
    }
}

/// The store's file, which is created where it is not there.
pub(super) fn prepare(folder: &Path) -> Result<PathBuf, StoreError> {
    let file = folder.join(FILE);
    if inspect(&file)? {
        return Ok(file);
    }
    let log = folder.join(format!("{FILE}-wal"));
    if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        return Err(StoreError::Unusable(format!(
            "{} is missing, though its log {} is there: restore both from a backup, or remove \
             the log to start empty",
            file.display(),
            log.display()
        )));
    }
    // Made under another name, so that there is a whole store or none.
    let unfinished = folder.join(format!("{FILE}.new"));
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let leftover = folder.join(format!("{FILE}.new{suffix}"));
        match fs::remove_file(&leftover) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(unwritable(folder, &error));
            }
            _ => {}
        }
    }
    schema::create(&unfinished)?;
    fs::rename(&unfinished, &file)
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(|error| unwritable(folder, &error))?;
    Ok(file)
}

/// Says whether there is a store that this program can open; an error where there is something
/// else. Reads the head of the file only.
fn inspect(file: &Path) -> Result<bool, StoreError> {
    let mut head = [0; 100];
    let opened = match File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        // The folder is a file, which the caller says.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(false),
        opened => opened.and_then(|mut opened| opened.read_exact(&mut head)),
    };
    let shown = file.display();
    match opened {
        Ok(()) if head.starts_with(b"SQLite format 3\0") => {}
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::IsADirectory
            ) =>
        {
            return Err(StoreError::Unusable(format!("{shown} cannot be read: {error}")));
        }
        _ => {
            return Err(StoreError::Unusable(format!(
                "{shown} is not a store of Stepwell: move it away, or use another data directory"
            )));
        }
    }
    let number =
        |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (application, version) = (number(68), number(60));
    if application != schema::APPLICATION_ID {
        return Err(StoreError::Unusable(format!(
            "{shown} is an SQLite file of another program: move it away, or use another data \
             directory"
        )));
    }
    schema::check_version(file, version)?;
    Ok(true)
}

fn unwritable(folder: &Path, error: &io::Error) -> StoreError {
    let folder = folder.display();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            StoreError::Full(format!("{folder}: {error}"))
        }
        _ => {
            StoreError::Unusable(format!("the data directory {folder} cannot be written: {error}"))
        }
    }
}
