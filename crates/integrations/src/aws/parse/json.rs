//! Bodies in JSON.

use bytes::Bytes;
use serde_json::{Map, Value};
use service_models::{Reference, Service, Shape, ShapeType};

use super::{encoded_blob, timestamp};

/// The whole body as a structure.
pub(super) fn body(
    service: &Service,
    reference: &Reference,
    body: &Bytes,
) -> Result<Value, String> {
    let value = read(body)?;
    Ok(self::value(service, reference, &value))
}

/// An empty body counts as an empty object.
pub(super) fn read(body: &Bytes) -> Result<Value, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    serde_json::from_slice(body).map_err(|error| format!("the answer is not JSON: {error}"))
}

/// The members of a structure that stand in the body.
pub(super) fn structure(
    service: &Service,
    shape: &Shape,
    given: &Map<String, Value>,
) -> Map<String, Value> {
    let mut members = Map::new();
    for member in shape.members.iter().filter(|member| member.reference.location.is_none()) {
        match given.get(member.wire_name()) {
            None | Some(Value::Null) => {}
            Some(found) => {
                let found = value(service, &member.reference, found);
                members.insert(member.name.to_string(), found);
            }
        }
    }
    members
}

pub(super) fn value(service: &Service, reference: &Reference, value: &Value) -> Value {
    let shape = service.shape(reference);
    if shape.is_document {
        return value.clone();
    }
    match (shape.shape_type, value) {
        (ShapeType::Structure, Value::Object(given)) => {
            Value::Object(structure(service, shape, given))
        }
        (ShapeType::List, Value::Array(items)) => {
            items.iter().map(|item| self::value(service, shape.element(), item)).collect()
        }
        (ShapeType::Map, Value::Object(given)) => {
            let of = shape.value();
            given.iter().map(|(key, item)| (key.clone(), self::value(service, of, item))).collect()
        }
        (ShapeType::Blob, Value::String(text)) => encoded_blob(text),
        (ShapeType::Timestamp, _) => timestamp(value),
        _ => value.clone(),
    }
}
