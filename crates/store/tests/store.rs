//! The stores as their users see them.

use store::{MemoryStore, SqliteStore, check_store};

#[test]
fn memory_keeps_the_contract() {
    check_store(&MemoryStore::default());
}

#[test]
fn sqlite_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    check_store(&SqliteStore::open(folder.path()).unwrap());
}
