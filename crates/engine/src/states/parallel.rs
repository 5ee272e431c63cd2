//! Parallel: the same input to every branch, the outputs in branch order.

use asl::{Payload, ScopeIndex};

use crate::context::Extra;
use crate::turn::{Stop, Turn};
use crate::{EventKind, FrameId};

impl Turn<'_> {
    pub(super) fn parallel(&mut self, frame: FrameId, branches: &[ScopeIndex]) -> Result<(), Stop> {
        let effective = self.effective_input(frame)?;
        let input = self.arguments(frame, &effective, &Extra::default())?;
        let state = self.execution.current(frame).state;
        let branches =
            u32::try_from(branches.len()).expect("a definition of 1 MB has fewer branches");
        self.emit(frame, EventKind::ParallelStarted { frame, state, branches, input })?;
        Ok(())
    }

    /// Every branch has ended.
    pub(crate) fn parallel_is_over(
        &mut self,
        frame: FrameId,
        outputs: &[Option<Payload>],
    ) -> Result<(), Stop> {
        let result = join(outputs);
        let state = self.execution.current(frame).state;
        self.emit(frame, EventKind::ParallelSucceeded { frame, state })?;
        self.finish(frame, result)
    }
}

/// The outputs as one array, each spelled as it was.
pub(crate) fn join(outputs: &[Option<Payload>]) -> Payload {
    let outputs = outputs.iter().flatten();
    let size = outputs.clone().map(|output| output.size() + 1).sum::<usize>() + 2;
    let mut text = String::with_capacity(size);
    text.push('[');
    for (index, output) in outputs.enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(output.text());
    }
    text.push(']');
    Payload::from_valid_text(text)
}
