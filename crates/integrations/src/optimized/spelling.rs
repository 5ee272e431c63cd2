//! Answers as optimized integrations show them. Unlike `aws-sdk:` they keep a service's own names
//! of members but for the first letter (`MD5OfMessageBody`), in alphabetical order, and have
//! moments as numbers.

use jiff::Timestamp;
use serde_json::{Map, Number, Value};
use service_models::{Reference, Service, ShapeType};

/// How moments are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moments {
    /// As the service's own JSON has them: seconds since 1970.
    Seconds,
    /// As results of jobs have them: milliseconds since 1970.
    Milliseconds,
}

/// Respells an answer that is spelled as for `aws-sdk:`.
pub(super) fn respelled(
    service: &Service,
    output: Option<&Reference>,
    value: Value,
    moments: Moments,
) -> Value {
    let Some(reference) = output else { return value };
    let shape = service.shape(reference);
    if shape.is_document {
        return value;
    }
    match (shape.shape_type, value) {
        (ShapeType::Structure, Value::Object(mut given)) => {
            let mut members: Vec<(String, Value)> = Vec::with_capacity(given.len());
            for member in &shape.members {
                if let Some(value) = given.shift_remove(&*member.property) {
                    let value = respelled(service, Some(&member.reference), value, moments);
                    members.push((name(service, &member.name, &member.property), value));
                }
            }
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(Map::from_iter(members))
        }
        (ShapeType::List, Value::Array(items)) => {
            let element = shape.element();
            let items = items.into_iter();
            items.map(|item| respelled(service, Some(element), item, moments)).collect()
        }
        (ShapeType::Map, Value::Object(entries)) => {
            let of = shape.value();
            let entries = entries.into_iter();
            entries
                .map(|(key, value)| (key, respelled(service, Some(of), value, moments)))
                .collect()
        }
        (ShapeType::Timestamp, value) => moment(&value, moments).unwrap_or(value),
        (_, value) => value,
    }
}

/// The service's name with an upper-case first letter. DynamoDB's types of attributes have the
/// names of the newer SDK (`Bool`) here, too.
fn name(service: &Service, own: &str, property: &str) -> String {
    let mut letters = own.chars();
    match letters.next() {
        Some(first) if &*service.id != "dynamodb" => {
            first.to_ascii_uppercase().to_string() + letters.as_str()
        }
        _ => property.to_owned(),
    }
}

fn moment(value: &Value, moments: Moments) -> Option<Value> {
    let milliseconds = value.as_str()?.parse::<Timestamp>().ok()?.as_millisecond();
    let number = match moments {
        Moments::Milliseconds => Number::from(milliseconds),
        Moments::Seconds if milliseconds % 1_000 == 0 => Number::from(milliseconds / 1_000),
        Moments::Seconds => Number::from_f64(milliseconds as f64 / 1_000.0)?,
    };
    Some(Value::Number(number))
}
