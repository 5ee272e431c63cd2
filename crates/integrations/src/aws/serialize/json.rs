//! AWS JSON 1.0 and 1.1: the operation in a header, the input as an object. The body of
//! rest-json is written here, too.

use serde_json::{Map, Value};
use service_models::{Operation, Reference, Service, Shape, ShapeType, TimestampFormat};

use super::{WireRequest, base64, timestamp};

pub(super) fn serialize(service: &Service, operation: &Operation, input: &Value) -> WireRequest {
    let target = service.target_prefix.as_deref().unwrap_or_default();
    let version = service.json_version.as_deref().unwrap_or("1.0");
    let body = match (&operation.input, input) {
        (Some(reference), Value::Object(given)) => {
            structure(service, service.shape(reference), given)
        }
        _ => Map::new(),
    };
    let mut headers = vec![
        ("X-Amz-Target".to_owned(), format!("{target}.{}", operation.name)),
        ("Content-Type".to_owned(), format!("application/x-amz-json-{version}")),
    ];
    if service.query_compatible {
        headers.push(("x-amzn-query-mode".to_owned(), "true".to_owned()));
    }
    WireRequest {
        method: operation.method.to_string(),
        path: "/".to_owned(),
        headers,
        body: Value::Object(body).to_string().into(),
        ..WireRequest::default()
    }
}

/// The members of a structure under their names on the wire.
pub(super) fn structure(
    service: &Service,
    shape: &Shape,
    given: &Map<String, Value>,
) -> Map<String, Value> {
    let mut members = Map::new();
    for (name, value) in given {
        let Some(member) = shape.member(name) else { continue };
        let value = self::value(service, &member.reference, value);
        members.insert(member.wire_name().to_owned(), value);
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
        (ShapeType::Blob, _) => Value::String(base64(value)),
        (ShapeType::Timestamp, _) => {
            timestamp(value, reference, shape, TimestampFormat::UnixTimestamp)
        }
        // A text that is to be JSON.
        (ShapeType::String, value) if reference.is_json && !value.is_string() => {
            Value::String(value.to_string())
        }
        _ => value.clone(),
    }
}
