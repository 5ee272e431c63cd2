//! The thread that looks after the write-ahead log, so that commits need not: it brings the log
//! into the file, and makes room ahead of it.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, MAIN_DB, OpenFlags, Result};

use super::Shared;
use super::error::{is_sync_failure, unusable};
use super::log_room::LogRoom;
use crate::StoreError;

/// The log is brought into the file when it has grown to so many pages.
pub(super) const LOG_PAGES: u32 = 8_192;

/// Stops its thread when it is dropped.
pub(super) struct Checkpointer {
    signal: Arc<Signal>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Signal {
    /// The thread wants to know when the log has so many pages.
    wanted: AtomicU32,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Pages in the log.
    pages: u32,
    closing: bool,
}

impl Checkpointer {
    /// Starts the thread. The log is brought into the file when it has `log_pages`, and has room
    /// for `room_pages` at most.
    pub(super) fn start(
        shared: &Arc<Shared>,
        log_pages: u32,
        room_pages: u32,
    ) -> Result<Checkpointer, StoreError> {
        let failed = |error: rusqlite::Error| unusable(&shared.file, &error);
        let signal = Arc::new(Signal::default());
        let grown = Arc::clone(&signal);
        let hook = move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            grown.grown(u32::try_from(pages).unwrap_or(0));
            Ok(())
        };
        shared.writer().connection.wal_hook(Some(hook)).map_err(failed)?;
        let connection = connect(&shared.file).map_err(failed)?;
        let room = LogRoom::new(&shared.file, room_pages);
        let thread = std::thread::Builder::new().name("checkpoint".to_owned()).spawn({
            let (signal, shared) = (Arc::clone(&signal), Arc::clone(shared));
            move || run(&signal, &shared, &connection, log_pages, room)
        });
        let thread = thread
            .map_err(|error| StoreError::Failed(format!("a thread cannot be started: {error}")))?;
        Ok(Checkpointer { signal, thread: Some(thread) })
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.signal.state().closing = true;
        self.signal.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic there was reported where it happened.
            let _ = thread.join();
        }
    }
}

impl Signal {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called after every commit with the pages in the log.
    fn grown(&self, pages: u32) {
        if pages >= self.wanted.load(Ordering::Relaxed) {
            self.state().pages = pages;
            self.changed.notify_all();
        }
    }

    /// Waits until the log has so many pages and says how many it has; none where the store is
    /// being closed.
    fn wait(&self, pages: u32) -> Option<u32> {
        self.wanted.store(pages, Ordering::Relaxed);
        let mut state = self.state();
        while !state.closing && state.pages < pages {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let pages = std::mem::take(&mut state.pages);
        (!state.closing).then_some(pages)
    }
}

pub(super) fn connect(file: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

fn run(
    signal: &Signal,
    shared: &Shared,
    connection: &Connection,
    log_pages: u32,
    mut room: LogRoom,
) {
    // Where a reader held up the last attempt, the next is when the log has grown again.
    let retry_pages = log_pages / 4;
    let mut checkpoint_at = log_pages;
    room.make(shared, 0);
    while let Some(pages) = signal.wait(checkpoint_at.min(room.is_short_at())) {
        if pages >= room.is_short_at() {
            room.make(shared, pages);
        }
        if pages < checkpoint_at {
            continue;
        }
        checkpoint_at = match checkpoint(shared, connection) {
            Ok((log, done)) if done >= log => log_pages,
            Ok((log, _)) => log.max(log_pages) + retry_pages,
            Err(error) => {
                if is_sync_failure(&error) {
                    shared.broken.store(true, Ordering::Relaxed);
                }
                let file = shared.file.display();
                tracing::warn!(%file, %error, "the log could not be brought into the file");
                checkpoint_at.max(log_pages) + retry_pages
            }
        };
    }
}

/// Brings the whole log into the file, unless readers still need older pages of the file. Returns
/// the pages of the log, and how many of them are in the file now.
pub(super) fn checkpoint(shared: &Shared, connection: &Connection) -> Result<(u32, u32)> {
    let pass = || -> Result<(u32, u32)> {
        let (log, done) = connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE)?;
        Ok((u32::try_from(log).unwrap_or(0), u32::try_from(done).unwrap_or(0)))
    };
    pass()?;
    // What was committed meanwhile, with commits held up for that moment: only when the whole
    // log is in the file does the next commit start it over.
    let _writer = shared.writer();
    pass()
}
