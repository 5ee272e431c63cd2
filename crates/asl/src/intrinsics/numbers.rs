//! `States.MathAdd`, `States.MathRandom`.

use serde_json::Value;

use super::{Failure, INVALID, Outcome};
use crate::{Environment, java};

/// A number without its fraction, within 32 bits.
pub(super) fn truncated(value: &Value) -> Result<i64, Failure> {
    integer(value, f64::trunc)
}

fn integer(value: &Value, round: fn(f64) -> f64) -> Result<i64, Failure> {
    let Value::Number(number) = value else { return Err(INVALID) };
    let number = round(number.as_f64().ok_or(INVALID)?);
    if number < f64::from(i32::MIN) || number > f64::from(i32::MAX) {
        return Err(INVALID);
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is within 32 bits")]
    let number = number as i64;
    Ok(number)
}

/// Each is rounded half up first; the sum must fit 32 bits too.
pub(super) fn add(left: &Value, right: &Value) -> Outcome {
    let sum = integer(left, java::round)? + integer(right, java::round)?;
    i32::try_from(sum).map(Value::from).map_err(|_| INVALID)
}

/// At least `start` and less than `end`.
pub(super) fn random(start: &Value, end: &Value, environment: &Environment<'_>) -> Outcome {
    let (start, width) = bounds(start, end)?;
    let scaled = u128::from(environment.next_random()) * u128::from(width.unsigned_abs());
    let offset = i64::try_from(scaled >> 64).expect("less than the width");
    Ok((start + offset).into())
}

pub(super) fn random_from_seed(start: &Value, end: &Value, seed: &Value) -> Outcome {
    let (start, width) = bounds(start, end)?;
    let mut random = java::Random::new(integer(seed, f64::trunc)?);
    let offset = match i32::try_from(width) {
        Ok(width) => i64::from(random.next_int(width)),
        Err(_) => {
            #[expect(clippy::cast_precision_loss, reason = "it is less than two to the 33")]
            #[expect(clippy::cast_possible_truncation, reason = "the fraction is cut off")]
            let offset = (random.next_double() * width as f64) as i64;
            offset
        }
    };
    Ok((start + offset).into())
}

/// The start and the width of a range that has at least one number.
fn bounds(start: &Value, end: &Value) -> Result<(i64, i64), Failure> {
    let (start, end) = (truncated(start)?, truncated(end)?);
    if start < end { Ok((start, end - start)) } else { Err(INVALID) }
}
