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

use asl::{EvaluationError, NumberField, Payload, StateKind};
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

    /// A number that must be whole and within bounds, from a literal, a path or an expression.
    /// `location` is that of the field in the state, without `Path`.
    pub(crate) fn whole_number(
        &self,
        frame: FrameId,
        effective: &Payload,
        number: &NumberField,
        location: &str,
        bounds: Bounds,
    ) -> Result<i64, Stop> {
        let sight = Sight::input(effective.value());
        let field = location.rsplit('/').next().unwrap_or(location);
        match number {
            NumberField::Literal(value) => Ok(*value as i64),
            NumberField::Path(path) => {
                let value = self.evaluate(frame, sight, |environment| {
                    Ok(path.evaluate_field(environment)?.into_owned())
                })?;
                // AWS takes a string of digits too, and Java's `int` ends here.
                let digits = value.as_str().and_then(|text| text.trim().parse().ok());
                let number = whole(&value).or(digits);
                let number = number.filter(|number| i32::try_from(*number).is_ok());
                let cause = match number {
                    Some(number) => match bounds.excess(field, number) {
                        None => return Ok(number),
                        Some(cause) => cause,
                    },
                    None => format!(
                        "The {field}Path field refers to value \"{}\" which is not a valid \
                         integer: {}",
                        plain(&value),
                        path.text()
                    ),
                };
                Err(self.runtime_error(frame, cause).into())
            }
            NumberField::Expression(expression) => {
                let value = self.evaluate(frame, sight, |environment| {
                    expression.evaluate(environment, location)
                })?;
                let error = match (&value, whole(&value)) {
                    (_, Some(number)) => match bounds.excess(field, number) {
                        None => return Ok(number),
                        Some(cause) => EvaluationError::query(cause, location),
                    },
                    (Value::Number(_), None) => EvaluationError::query(
                        format!(
                            "The {field} field cannot be parsed as an integer: {}",
                            plain(&value)
                        ),
                        location,
                    ),
                    _ => expression.unexpected_type("number", &value, location),
                };
                Err(Failure::of_state(error, self.prefix(frame)).into())
            }
        }
    }

    /// A `States.Runtime` failure of the state that `frame` is in, with AWS's prefix.
    pub(crate) fn runtime_error(&self, frame: FrameId, cause: impl AsRef<str>) -> Failure {
        Failure::runtime(format!("{}{}", self.prefix(frame), cause.as_ref()))
    }
}

/// The least and the most that a field takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    least: i64,
    most: i64,
}

impl Bounds {
    /// Of a number of seconds until a task times out.
    pub(crate) const SECONDS: Bounds = Bounds { least: 1, most: 99_999_999 };
    /// Of a count: no negative one.
    pub(crate) const COUNT: Bounds = Bounds { least: 0, most: i64::MAX };
    /// Of what is judged elsewhere.
    pub(crate) const NONE: Bounds = Bounds { least: i64::MIN, most: i64::MAX };

    /// What is wrong with a number that is out of bounds. AWS's words are known for a negative
    /// count, and for bounds on both sides from `ToleratedFailurePercentage`.
    fn excess(self, field: &str, number: i64) -> Option<String> {
        let Bounds { least, most } = self;
        if (least..=most).contains(&number) {
            return None;
        }
        Some(match self {
            Bounds { least: 0, .. } => format!("{field} cannot be negative."),
            _ => format!("{field} must be between {least} and {most}."),
        })
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
