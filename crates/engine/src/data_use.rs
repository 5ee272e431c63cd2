//! How much data an Express execution handles, which is what AWS bills memory by.

use crate::EventKind;

/// What was seen of an execution's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DataUse {
    /// Bytes of the largest input or output of a state.
    pub largest: u64,
    /// Branches and iterations that were started.
    pub parts: u64,
}

impl DataUse {
    pub(crate) fn remember(&mut self, kind: &EventKind) {
        match kind {
            EventKind::StateEntered { input: data, .. }
            | EventKind::StateExited { output: data, .. } => {
                self.largest = self.largest.max(data.size() as u64);
            }
            EventKind::ParallelStarted { branches, .. } => self.parts += u64::from(*branches),
            EventKind::IterationStarted { .. } => self.parts += 1,
            _ => {}
        }
    }
}
