//! What the operations of services answer, by AWS's service models, and whether a mock could be
//! such an answer. What no model knows is not checked.

use serde_json::{Map, Value};
use service_models::{Operation, Reference, Service, Shape, ShapeType};

/// How much is checked of what an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Also that what the service always answers is there.
    Strict,
    /// Only what is there.
    Present,
}

/// An operation of a service.
pub(super) struct Call<'r> {
    /// As `aws-sdk:` resources name it.
    pub(super) service: &'r str,
    /// In camelCase, as resources name it.
    pub(super) operation: &'r str,
    /// A member of the answer that is any JSON.
    pub(super) payload: Option<&'static str>,
}

impl Call<'_> {
    fn model(&self) -> Option<(&'static Service, &'static Operation)> {
        let service = service_models::find(self.service)?;
        Some((service, service.action(self.operation)?))
    }
}

/// Whether an operation is known that answers something.
#[cfg(test)]
pub(super) fn is_known(service: &str, operation: &str) -> bool {
    let call = Call { service, operation, payload: None };
    call.model().is_some_and(|(_, operation)| operation.output.is_some())
}

/// Checks an answer. What is wrong with it is in AWS's words.
pub(super) fn check(answer: &Value, call: &Call<'_>, mode: Mode) -> Result<(), String> {
    let Some((service, operation)) = call.model() else { return Ok(()) };
    let Some(output) = &operation.output else { return Ok(()) };
    let Value::Object(given) = answer else {
        return Err("Mocked result must be a JSON object".to_owned());
    };
    Check { service, mode }.structure(given, service.shape(output), call.payload)
}

struct Check {
    service: &'static Service,
    mode: Mode,
}

impl Check {
    fn value(&self, value: &Value, reference: &Reference, field: &str) -> Result<(), String> {
        let shape = self.service.shape(reference);
        if shape.is_document {
            return Ok(());
        }
        match (shape.shape_type, value) {
            (ShapeType::Structure, Value::Object(given)) => self.structure(given, shape, None),
            (ShapeType::Structure | ShapeType::Map, _) if !value.is_object() => {
                Err(must_be(field, "an object"))
            }
            (ShapeType::List, Value::Array(elements)) => {
                let element = shape.element();
                elements.iter().try_for_each(|value| self.value(value, element, field))
            }
            (ShapeType::List, _) => Err(must_be(field, "an array")),
            (ShapeType::Map, _) => {
                let mut members = value.as_object().into_iter().flat_map(Map::values);
                members.try_for_each(|value| self.value(value, shape.value(), field))
            }
            (ShapeType::Boolean, _) if !value.is_boolean() => Err(must_be(field, "a boolean")),
            (ShapeType::Integer | ShapeType::Long | ShapeType::Float, _) if !value.is_number() => {
                Err(must_be(field, "a number"))
            }
            (ShapeType::String | ShapeType::Blob | ShapeType::Timestamp, _)
                if !value.is_string() =>
            {
                Err(must_be(field, "a string"))
            }
            _ if !shape.values.is_empty() => {
                let is_one = shape.values.iter().any(|known| value.as_str() == Some(known));
                let message = || format!("Field '{field}' is not an expected value");
                is_one.then_some(()).ok_or_else(message)
            }
            _ => bounds(value, shape, field),
        }
    }

    /// `skipped` is a member that is any JSON.
    fn structure(
        &self,
        given: &Map<String, Value>,
        shape: &Shape,
        skipped: Option<&str>,
    ) -> Result<(), String> {
        if self.mode == Mode::Strict {
            for member in shape.required().filter_map(|name| shape.member(name)) {
                if !given.contains_key(&*member.property) {
                    return Err(format!("Required field '{}' is missing", member.property));
                }
            }
        }
        for member in &shape.members {
            let name = &*member.property;
            let is_skipped = skipped == Some(name);
            let Some(value) = given.get(name).filter(|value| !value.is_null() && !is_skipped)
            else {
                continue;
            };
            self.value(value, &member.reference, name)?;
        }
        Ok(())
    }
}

fn bounds(value: &Value, shape: &Shape, field: &str) -> Result<(), String> {
    let (size, too_small, too_large) = match value {
        Value::String(text) => (
            text.chars().count() as f64,
            "is smaller than the minimum length",
            "exceeds the maximum length",
        ),
        _ => (
            value.as_f64().unwrap_or_default(),
            "is less than the minimum value",
            "exceeds the maximum value",
        ),
    };
    if shape.min.is_some_and(|min| size < min) {
        return Err(format!("Field '{field}' {too_small}"));
    }
    if shape.max.is_some_and(|max| size > max) {
        return Err(format!("Field '{field}' {too_large}"));
    }
    Ok(())
}

fn must_be(field: &str, what: &str) -> String {
    format!("Field '{field}' must be {what}")
}
