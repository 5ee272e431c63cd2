//! `States.Format`, `States.StringSplit`, `States.StringToJson`.

use serde_json::Value;

use super::{Failure, INVALID, Outcome};
use crate::budget::Budget;
use crate::java;
use crate::json::parse_value;

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
    parse_value(text).map_err(|_| INVALID)
}
