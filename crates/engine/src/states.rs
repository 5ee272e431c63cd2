//! The work of each type of state. One file a type, named as AWS names it.

mod choice;
mod fail;
mod map;
mod map_run;
mod parallel;
mod pass;
mod succeed;
mod task;
mod wait;

pub(crate) use map::item;
pub(crate) use parallel::join;
pub(crate) use task::role_arn;

use asl::{NumberField, Payload, StateKind};
use serde_json::Value;

use crate::FrameId;
use crate::failure::Failure;
use crate::turn::{Flow, Sight, Stop, Turn};

impl Turn<'_> {
    /// Does the work of the state that `frame` has just entered, or tries again.
    pub(crate) fn work(&mut self, frame: FrameId) -> Flow {
        let outcome = match &self.state(frame).kind {
            StateKind::Pass { result } => self.pass(frame, result.as_ref()),
            StateKind::Task(task) => self.task(frame, task),
            StateKind::Choice { rules, default } => self.choice(frame, rules, *default),
            StateKind::Wait(until) => self.wait(frame, until),
            StateKind::Succeed => self.succeed(frame),
            StateKind::Fail { error, cause } => self.fail(frame, error.as_ref(), cause.as_ref()),
            StateKind::Parallel { branches } => self.parallel(frame, branches),
            StateKind::Map(map) => self.map(frame, map),
        };
        self.settle(frame, outcome)
    }

    /// A number that must be whole and at least `least`, from a literal, a path or an expression.
    /// `field` is the name without `Path`; `words` are AWS's for a path's bad value.
    pub(crate) fn whole_number(
        &self,
        frame: FrameId,
        effective: &Payload,
        number: &NumberField,
        field: &str,
        least: i64,
    ) -> Result<i64, Stop> {
        let sight = Sight::input(effective.value());
        match number {
            NumberField::Literal(value) => Ok(*value as i64),
            NumberField::Path(path) => {
                let path_field = format!("{field}Path");
                let value = self.evaluate(frame, sight, |environment| {
                    Ok(path.evaluate_field(environment)?.into_owned())
                })?;
                // AWS takes a string of digits too.
                let digits = value.as_str().and_then(|text| text.trim().parse().ok());
                let whole = whole(&value).or(digits).ok_or_else(|| {
                    let cause = format!(
                        "The {path_field} field refers to value \"{}\" which is not a valid \
                         integer: {}",
                        plain(&value),
                        path.text()
                    );
                    self.runtime_error(frame, cause)
                })?;
                match whole < least {
                    true => {
                        let cause = match least {
                            0 => format!("{field} cannot be negative."),
                            _ => format!("{field} must be at least {least}."),
                        };
                        Err(self.runtime_error(frame, cause).into())
                    }
                    false => Ok(whole),
                }
            }
            NumberField::Expression(expression) => {
                let value = self.evaluate(frame, sight, |environment| {
                    expression.evaluate(environment, field)
                })?;
                match whole(&value) {
                    Some(whole) if whole >= least => Ok(whole),
                    _ => {
                        let expected = match least {
                            0 => "non-negative integer",
                            _ => "positive integer",
                        };
                        let error = expression.unexpected_type(expected, &value, field);
                        Err(Failure::of_state(error, self.prefix(frame)).into())
                    }
                }
            }
        }
    }

    /// A `States.Runtime` failure of the state that `frame` is in, with AWS's prefix.
    pub(crate) fn runtime_error(&self, frame: FrameId, cause: impl AsRef<str>) -> Failure {
        Failure::runtime(format!("{}{}", self.prefix(frame), cause.as_ref()))
    }
}

/// A JSON number without a fraction.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64()?;
            (float.fract() == 0.0 && float.abs() < 9.0e15).then_some(float as i64)
        }),
        _ => None,
    }
}

/// A value inside a sentence: a string without quotes, anything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => asl::json_text(other),
    }
}
