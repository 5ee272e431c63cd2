//! `States.Format`, `States.StringSplit`, `States.StringToJson`.

use serde_json::Value;

use super::{Failure, INVALID, Outcome};
use crate::budget::Budget;
use crate::java;

/// Puts the values in the places of `{}`. A backslash makes the next character an ordinary one.
pub(super) fn format(template: &str, inserts: &[&Value], budget: &Budget) -> Outcome {
    const UNMATCHED: Failure = Failure::InvalidTemplate("matching '}' not found for '{'.");
    const COUNT: Failure =
        Failure::InvalidArguments("number of arguments do not match the occurrences of {}.");
    let mut inserts = inserts.iter();
    let mut text = String::with_capacity(template.len());
    let mut characters = template.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.push(characters.next().unwrap_or('\\')),
            '{' => {
                if characters.next() != Some('}') {
                    return Err(UNMATCHED);
                }
                let before = text.len();
                java::append_to_string(inserts.next().ok_or(COUNT)?, &mut text);
                budget.spend(text.len() - before)?;
            }
            '}' => return Err(Failure::InvalidTemplate("matching '{' not found for '}'.")),
            _ => text.push(character),
        }
    }
    if inserts.next().is_some() { Err(COUNT) } else { Ok(text.into()) }
}

/// Every character of `delimiters` is one; empty pieces are dropped.
pub(super) fn split(text: &Value, delimiters: &Value) -> Outcome {
    let text = text.as_str().ok_or(INVALID)?;
    let delimiters = delimiters.as_str().ok_or(INVALID)?;
    let pieces = text.split(|character| delimiters.contains(character));
    Ok(pieces.filter(|piece| !piece.is_empty()).map(Value::from).collect())
}

/// A blank text gives `null`.
pub(super) fn parse_json(text: &Value) -> Outcome {
    let text = text.as_str().ok_or(INVALID)?;
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    json_value(text).ok_or(INVALID)
}

/// The value of a JSON text; `-0` is the integer 0, as in Java.
pub(crate) fn json_value(text: &str) -> Option<Value> {
    fn without_negative_zero(value: &mut Value) {
        match value {
            Value::Number(number) if number.as_f64() == Some(0.0) => *value = 0.into(),
            Value::Array(items) => items.iter_mut().for_each(without_negative_zero),
            Value::Object(object) => object.values_mut().for_each(without_negative_zero),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(text).ok()?;
    if text.contains("-0") {
        without_negative_zero(&mut value);
    }
    Some(value)
}
