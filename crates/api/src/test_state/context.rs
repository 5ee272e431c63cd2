//! The context object of a test: which fields it may have.

use asl::{Payload, StateKind};
use serde_json::{Map, Value};

use super::mock;
use crate::error::ApiError;

/// What a field of the context object may be.
enum Field {
    Text,
    Number,
    Any,
    Object(&'static [(&'static str, Field)]),
}

/// The fields that a test may give. `Map` is not among them.
const FIELDS: &[(&str, Field)] = &[
    (
        "Execution",
        Field::Object(&[
            ("Id", Field::Text),
            ("Input", Field::Any),
            ("Name", Field::Text),
            ("RoleArn", Field::Text),
            ("StartTime", Field::Text),
            ("RedriveCount", Field::Number),
            ("RedriveTime", Field::Text),
        ]),
    ),
    (
        "State",
        Field::Object(&[
            ("EnteredTime", Field::Text),
            ("Name", Field::Text),
            ("RetryCount", Field::Number),
        ]),
    ),
    ("StateMachine", Field::Object(&[("Id", Field::Text), ("Name", Field::Text)])),
    ("Task", Field::Object(&[("Token", Field::Text)])),
];

/// Reads and checks a context object for a state.
pub(crate) fn read(text: &str, state: &StateKind) -> Result<Payload, ApiError> {
    let context = asl::parse_json(text).map_err(|_| invalid("Context must be valid JSON"))?;
    let Some(object) = context.value().as_object() else {
        return Err(invalid("Context must be a JSON object"));
    };
    if object.contains_key("Map") {
        return Err(invalid("'Map' field is not supported when mocking a Context object"));
    }
    check(object, FIELDS, "")?;
    let has_task = matches!(state, StateKind::Task(task) if mock::has_token(&task.resource));
    if object.contains_key("Task") && !has_task {
        return Err(invalid(
            "Context object contains 'Task' when state is not a Task state with a '.sync' or \
             '.waitForTaskToken' service integration pattern",
        ));
    }
    Ok(context)
}

/// `State.RetryCount` of a context object.
pub(crate) fn retry_count(text: &str) -> Option<u64> {
    asl::parse_json(text).ok()?.value().pointer("/State/RetryCount")?.as_u64()
}

fn check(
    object: &Map<String, Value>,
    fields: &[(&str, Field)],
    place: &str,
) -> Result<(), ApiError> {
    for (name, value) in object {
        let Some((_, field)) = fields.iter().find(|(known, _)| known == name) else {
            return Err(invalid(&format!("Field '{name}' is not allowed")));
        };
        let (fits, wanted) = match field {
            Field::Text => (value.is_string(), "a string"),
            Field::Number => (value.is_number(), "a number"),
            Field::Any => (true, ""),
            Field::Object(_) => (value.is_object(), "an object"),
        };
        if !fits {
            return Err(invalid(&format!("{place}{name} must be {wanted}")));
        }
        if let (Field::Object(inner), Value::Object(object)) = (field, value) {
            check(object, inner, &format!("{place}{name}."))?;
        }
    }
    Ok(())
}

fn invalid(detail: &str) -> ApiError {
    ApiError::validation(format!("Invalid Context object provided: {detail}"))
}
