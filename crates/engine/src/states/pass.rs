//! Pass: hands its input, its `Result` or its `Parameters` on.

use asl::Payload;

use crate::FrameId;
use crate::context::Extra;
use crate::dataflow::Exit;
use crate::turn::{Stop, Turn};

impl Turn<'_> {
    pub(super) fn pass(&mut self, frame: FrameId, result: Option<&Payload>) -> Result<(), Stop> {
        let state = self.state(frame);
        if state.query_language == asl::QueryLanguage::Jsonata {
            let input = self.raw_input(frame);
            return self.pass_on(frame, &input, Exit::of(state), state.next);
        }
        let result = match result {
            Some(result) => result.clone(),
            None => {
                let effective = self.effective_input(frame)?;
                self.arguments(frame, &effective, &Extra::default())?
            }
        };
        self.finish(frame, result)
    }
}
