//! Answers of services, respelled as tasks show them.

use serde_json::{Map, Value};
use service_models::{Reference, Service, ShapeType};

/// An answer in the spelling of tasks: members renamed at every level, keys of maps untouched.
/// What the model does not know is left out, as the SDK does.
pub fn task_spelling(service: &Service, output: Option<&Reference>, value: Value) -> Value {
    match output {
        Some(reference) => renamed(service, reference, value),
        None => Value::Object(Map::new()),
    }
}

fn renamed(service: &Service, reference: &Reference, value: Value) -> Value {
    let shape = service.shape(reference);
    if shape.is_document {
        return value;
    }
    match (shape.shape_type, value) {
        (ShapeType::Structure, Value::Object(mut given)) => {
            let mut members = Map::new();
            for member in &shape.members {
                if let Some(value) = given.remove(&*member.name) {
                    let value = renamed(service, &member.reference, value);
                    members.insert(member.property.to_string(), value);
                }
            }
            Value::Object(members)
        }
        (ShapeType::List, Value::Array(items)) => {
            let element = shape.element();
            items.into_iter().map(|item| renamed(service, element, item)).collect()
        }
        (ShapeType::Map, Value::Object(given)) => {
            let of = shape.value();
            given.into_iter().map(|(key, value)| (key, renamed(service, of, value))).collect()
        }
        (_, value) => value,
    }
}
