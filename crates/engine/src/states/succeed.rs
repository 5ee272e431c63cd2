//! Succeed: ends its scope with its input.

use crate::FrameId;
use crate::dataflow::Exit;
use crate::turn::{Stop, Turn};

impl Turn<'_> {
    pub(super) fn succeed(&mut self, frame: FrameId) -> Result<(), Stop> {
        let effective = self.effective_input(frame)?;
        let state = self.state(frame);
        self.pass_on(frame, &effective, Exit::of(state), None)
    }
}
