//! Stopping an evaluation from outside. There is no clock in here: whoever has one decides when.

use jlens_core::CancelToken;

/// Stops the evaluation that was given it, from any thread.
#[derive(Debug, Default)]
pub struct Interrupt(CancelToken);

impl Interrupt {
    /// Lets the evaluation fail before its next step, with AWS's words for one that takes too
    /// long.
    pub fn stop(&self) {
        self.0.cancel();
    }

    /// Whether it was stopped.
    pub fn is_stopped(&self) -> bool {
        self.0.is_cancelled()
    }

    pub(super) fn token(&self) -> CancelToken {
        self.0.clone()
    }
}
