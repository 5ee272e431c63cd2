//! Room in the log's file, made ahead of the commits that use it. A commit that makes the file
//! longer has to make its new length durable, too, which can take longer than all the rest; one
//! that writes over zeros need not. SQLite ends the log where a page does not carry on the sums
//! of those before it, so that zeros behind it say nothing.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::Shared;
use super::schema::PAGE_BYTES;

/// Room at the start, in pages.
const PAGES_MIN: u32 = 1_024;
/// Zeros written at once, in pages: commits are held up for so long only.
const STEP_PAGES: u32 = 256;
/// What the log has before each page.
const HEAD_BYTES: u64 = 24;
/// What the log has before the first page.
const LOG_HEAD_BYTES: u64 = 32;

/// Makes room.
pub(super) struct LogRoom {
    /// None where no room is made.
    file: Option<File>,
    /// Pages there is room for.
    pages: u32,
    /// Never made for more pages.
    pages_max: u32,
}

impl LogRoom {
    /// For the log of a store's file, which is there already; 0 pages at most: for none.
    pub(super) fn new(file: &Path, pages_max: u32) -> LogRoom {
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        // Without it the log grows with the commits, as it always can.
        let opened = OpenOptions::new().write(true).open(log);
        LogRoom { file: opened.ok().filter(|_| pages_max > 0), pages: 0, pages_max }
    }

    /// From how many pages in the log on there should be more room.
    pub(super) fn is_short_at(&self) -> u32 {
        match self.file {
            Some(_) if self.pages < self.pages_max => self.pages - self.pages / 4,
            _ => u32::MAX,
        }
    }

    /// Makes room for twice so many pages as the log has.
    pub(super) fn make(&mut self, shared: &Shared, pages: u32) {
        let Some(file) = &self.file else { return };
        let wanted = pages.saturating_mul(2).max(PAGES_MIN).min(self.pages_max);
        while self.pages < wanted {
            let more = (self.pages + STEP_PAGES).min(wanted);
            if let Err(error) = lengthen(file, shared, more) {
                tracing::debug!(%error, "the log has no room made ahead");
                self.file = None;
                return;
            }
            self.pages = more;
        }
    }
}

fn lengthen(file: &File, shared: &Shared, pages: u32) -> io::Result<()> {
    let wanted = LOG_HEAD_BYTES + u64::from(pages) * (HEAD_BYTES + u64::from(PAGE_BYTES));
    {
        // Nobody else lengthens it meanwhile.
        let _writer = shared.writer();
        let length = file.metadata()?.len();
        if length >= wanted {
            return Ok(());
        }
        let zeros = usize::try_from(wanted - length).map_err(io::Error::other)?;
        file.write_all_at(&vec![0; zeros], length)?;
    }
    file.sync_data()
}
