//! The embedded store: one SQLite file in write-ahead mode, fsync at every commit.

/// A store in a data directory.
pub struct SqliteStore {}
