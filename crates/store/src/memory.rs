//! The store in memory: the oracle the others are compared with, and what `run` uses.

/// Keeps everything until it is dropped.
#[derive(Default)]
pub struct MemoryStore {}
