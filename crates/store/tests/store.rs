//! The stores as their users see them.

use store::{MemoryStore, check_store};

#[test]
fn memory_keeps_the_contract() {
    check_store(&MemoryStore::default());
}
