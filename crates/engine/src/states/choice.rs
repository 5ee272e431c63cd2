//! Choice: goes on by the first rule that matches.

use asl::{ChoiceRule, QueryLanguage, StateIndex};

use crate::dataflow::Exit;
use crate::turn::{Sight, Stop, Turn};
use crate::{Branch, FrameId};

impl Turn<'_> {
    pub(super) fn choice(
        &mut self,
        frame: FrameId,
        rules: &[ChoiceRule],
        default: Option<StateIndex>,
    ) -> Result<(), Stop> {
        let effective = self.effective_input(frame)?;
        let state_index = self.execution.current(frame).state;
        let state = self.state(frame);
        let sight = Sight::input(effective.value());
        let is_jsonata = state.query_language == QueryLanguage::Jsonata;
        let matching = self.evaluate(frame, sight, |environment| {
            for (index, rule) in rules.iter().enumerate() {
                let location = format_args!("Choices[{index}]/Condition");
                if rule.condition.evaluate_at(environment, &location)? {
                    return Ok(Some((index, rule)));
                }
            }
            Ok(None)
        })?;
        if let Some((index, rule)) = matching {
            self.note(Branch::Choice { state: state_index, rule: u32::try_from(index).ok() });
            let at = |field| format!("Choices[{index}]/{field}");
            let (output_at, assign_at) = (at("Output"), at("Assign"));
            let output = rule.output.as_ref().filter(|_| is_jsonata);
            let exit = Exit {
                output: output.map_or(Exit::of(state).output, |output| Some((output, &output_at))),
                assign: rule.assign.as_ref().map(|assign| (assign, assign_at.as_str())),
            };
            return self.pass_on(frame, &effective, exit, Some(rule.next));
        }
        let Some(default) = default else {
            let cause =
                "Failed to transition out of the state. The state does not point to a next state.";
            return Err(self.runtime_error(frame, cause).into());
        };
        self.note(Branch::Choice { state: state_index, rule: None });
        self.pass_on(frame, &effective, Exit::of(state), Some(default))
    }
}
