//! What every store must do, as a function that any store's tests call.

use crate::Store;

/// Drives an empty store through the whole contract and panics where it is not kept.
pub fn check_store(store: &dyn Store) {
    let _ = store;
    todo!()
}
