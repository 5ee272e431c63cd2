//! The way of the data through a state, for both query languages.

use asl::{
    EvaluationError, PathSetting, Payload, QueryLanguage, ResultPath, State, StateIndex, Template,
};
use serde_json::Value;

use crate::failure::Failure;
use crate::turn::{Flow, Sight, Stop, Turn};
use crate::{EventKind, FrameId};

impl Turn<'_> {
    /// The input after `InputPath`; the raw input of a JSONata state.
    pub(crate) fn effective_input(&self, frame: FrameId) -> Result<Payload, Failure> {
        let raw_input = self.raw_input(frame);
        let effective = apply_path(self, frame, &self.state(frame).input_path, &raw_input)?;
        self.inspect(|inspection| inspection.after_input_path = Some(effective.clone()));
        Ok(effective)
    }

    /// The input after `Parameters` or `Arguments`; `field` is the name of the field.
    pub(crate) fn arguments(
        &self,
        frame: FrameId,
        effective: &Payload,
        extra: &crate::context::Extra,
    ) -> Result<Payload, Failure> {
        let state = self.state(frame);
        let arguments = match &state.arguments {
            None => effective.clone(),
            Some(template) => {
                let field = match state.query_language {
                    QueryLanguage::JsonPath => "Parameters",
                    QueryLanguage::Jsonata => "Arguments",
                };
                let sight = Sight::input(effective.value());
                self.evaluate_with(frame, sight, extra, |environment| {
                    template.evaluate_payload(environment, field)
                })?
            }
        };
        let arguments = Failure::check_data(arguments, &state.name, &self.limits)?;
        self.inspect(|inspection| inspection.after_arguments = Some(arguments.clone()));
        Ok(arguments)
    }

    /// Leaves the state with the result of its work: selector, assignment, result path, output.
    pub(crate) fn finish(&mut self, frame: FrameId, result: Payload) -> Result<(), Stop> {
        let state = self.state(frame);
        let raw_input = self.raw_input(frame);
        self.inspect(|inspection| inspection.result = Some(result.clone()));
        let (output, assigned) = match state.query_language {
            QueryLanguage::Jsonata => {
                let sight = Sight {
                    input: raw_input.value(),
                    result: Some(result.value()),
                    error_output: None,
                };
                self.output_and_assign(frame, sight, &result, Exit::of(state))?
            }
            QueryLanguage::JsonPath => {
                let sight = Sight::input(result.value());
                let assigned = match &state.assign {
                    Some(template) => assign(self, frame, template, "Assign", sight)?,
                    None => Vec::new(),
                };
                let selected = match &state.result_selector {
                    None => result.clone(),
                    Some(template) => self.evaluate(frame, sight, |environment| {
                        template.evaluate_payload(environment, "ResultSelector")
                    })?,
                };
                self.inspect(|inspection| {
                    inspection.after_result_selector = Some(selected.clone());
                });
                let combined =
                    apply_result_path(self, frame, &state.result_path, &raw_input, selected)?;
                self.inspect(|inspection| inspection.after_result_path = Some(combined.clone()));
                let output = apply_path(self, frame, &state.output_path, &combined)?;
                (output, assigned)
            }
        };
        self.leave(frame, output, assigned, state.next)
    }

    /// Leaves a state that has no result of its own: Choice, Wait, Succeed.
    pub(crate) fn pass_on(
        &mut self,
        frame: FrameId,
        effective: &Payload,
        exit: Exit<'_>,
        next: Option<StateIndex>,
    ) -> Result<(), Stop> {
        let state = self.state(frame);
        let sight = Sight::input(effective.value());
        let (output, assigned) = match state.query_language {
            QueryLanguage::Jsonata => self.output_and_assign(frame, sight, effective, exit)?,
            QueryLanguage::JsonPath => {
                let assigned = match exit.assign {
                    Some((template, location)) => assign(self, frame, template, location, sight)?,
                    None => Vec::new(),
                };
                let output = apply_path(self, frame, &state.output_path, effective)?;
                (output, assigned)
            }
        };
        self.leave(frame, output, assigned, next)
    }

    fn output_and_assign(
        &self,
        frame: FrameId,
        sight: Sight<'_>,
        default: &Payload,
        exit: Exit<'_>,
    ) -> Result<(Payload, Assigned), Failure> {
        let assigned = match exit.assign {
            Some((template, location)) => assign(self, frame, template, location, sight)?,
            None => Vec::new(),
        };
        let output = match exit.output {
            Some((template, location)) => self.evaluate(frame, sight, |environment| {
                template.evaluate_payload(environment, location)
            })?,
            None => default.clone(),
        };
        Ok((output, assigned))
    }

    /// Emits the …StateExited event.
    pub(crate) fn leave(
        &mut self,
        frame: FrameId,
        output: Payload,
        assigned: Assigned,
        next: Option<StateIndex>,
    ) -> Result<(), Stop> {
        let output = Failure::check_data(output, &self.state(frame).name, &self.limits)?;
        let state = self.execution.current(frame).state;
        self.emit(frame, EventKind::StateExited { frame, state, output, assigned, next })?;
        Ok(())
    }

    /// Turns the failure of a state's work into what follows from it.
    pub(crate) fn settle(&mut self, frame: FrameId, outcome: Result<(), Stop>) -> Flow {
        match outcome {
            Ok(()) => Ok(()),
            Err(Stop::Over) => Err(crate::turn::Over),
            Err(Stop::Failed(failure)) => self.state_failed(frame, failure),
        }
    }
}

/// What a state is left with: `Output` and `Assign`, each with its location in the state.
#[derive(Clone, Copy)]
pub(crate) struct Exit<'t> {
    pub(crate) output: Option<(&'t Template, &'t str)>,
    pub(crate) assign: Option<(&'t Template, &'t str)>,
}

impl<'t> Exit<'t> {
    /// The fields of the state itself.
    pub(crate) fn of(state: &'t State) -> Exit<'t> {
        Exit {
            output: state.output.as_ref().map(|template| (template, "Output")),
            assign: state.assign.as_ref().map(|template| (template, "Assign")),
        }
    }
}

/// Names and values that a state assigns.
pub(crate) type Assigned = Vec<(Box<str>, Payload)>;

/// Evaluates `Assign`, which is at `location` in the state.
pub(crate) fn assign(
    turn: &Turn<'_>,
    frame: FrameId,
    template: &Template,
    location: &str,
    sight: Sight<'_>,
) -> Result<Assigned, Failure> {
    let value =
        turn.evaluate(frame, sight, |environment| template.evaluate(environment, location))?;
    let Value::Object(fields) = value else {
        return Err(Failure::runtime("Assign did not evaluate to an object."));
    };
    let assigned: Assigned = fields
        .into_iter()
        .map(|(name, value)| {
            let value = Failure::check_data(
                Payload::from_value(value),
                &turn.state(frame).name,
                &turn.limits,
            )?;
            Ok((name.into_boxed_str(), value))
        })
        .collect::<Result<_, Failure>>()?;
    let size: usize = assigned.iter().map(|(_, value)| value.size()).sum();
    let replaced: usize = {
        let before = &turn.execution.frame(frame).variables;
        assigned.iter().filter_map(|(name, _)| before.get(name)).map(Payload::size).sum()
    };
    if size > turn.limits.variable_bytes
        || turn.execution.variables_size() - replaced + size > turn.limits.variables_bytes
    {
        return Err(Failure::variables_too_large(&turn.state(frame).name));
    }
    Ok(assigned)
}

/// Applies `InputPath` or `OutputPath`.
fn apply_path(
    turn: &Turn<'_>,
    frame: FrameId,
    setting: &PathSetting,
    data: &Payload,
) -> Result<Payload, Failure> {
    match setting {
        PathSetting::Whole => Ok(data.clone()),
        PathSetting::Nothing => Ok(Payload::from_valid_text("{}")),
        PathSetting::Path(path) => {
            turn.evaluate(frame, Sight::input(data.value()), |environment| {
                let value = path.evaluate_field(environment)?;
                Ok(Payload::from_value(value.into_owned()))
            })
        }
    }
}

/// Applies a state's or a catcher's `ResultPath`.
pub(crate) fn apply_result_path(
    turn: &Turn<'_>,
    frame: FrameId,
    setting: &ResultPath,
    raw_input: &Payload,
    result: Payload,
) -> Result<Payload, Failure> {
    match setting {
        ResultPath::Whole => Ok(result),
        ResultPath::Discard => Ok(raw_input.clone()),
        ResultPath::Path(path) => {
            let assign = || -> Result<Payload, EvaluationError> {
                let value = path.assign(raw_input.value().clone(), result.value().clone())?;
                Ok(Payload::from_value(value))
            };
            assign().map_err(|error| Failure::of_state(error, turn.prefix(frame)))
        }
    }
}
