//! Which ways an execution under test took: what its events do not say.

use asl::StateIndex;

/// A way out of a state. Noted for executions that run a test case, nowhere kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Branch {
    /// A rule of a Choice state, by its place; none for its Default.
    Choice { state: StateIndex, rule: Option<u32> },
    /// A catcher of a state, by its place.
    Catch { state: StateIndex, catcher: u32 },
}
