//! Parameters of tasks, checked against the model and respelled as the service has them.

use std::borrow::Cow;

use serde_json::{Map, Value};
use service_models::{Member, Operation, Reference, Service, Shape, ShapeType};

/// The parameters in the service's own spelling, without nulls. Names of tasks
/// (`DbInstanceIdentifier`) and of the service (`DBInstanceIdentifier`) are understood.
///
/// Texts stand for numbers and booleans where they read as such; objects and lists in the place
/// of a text are written as JSON where the model says that the text is JSON, or bytes, and where it
/// is data of Step Functions' own API.
///
/// # Errors
/// Everything that is wrong, in AWS's words where they are known.
pub fn service_spelling(
    service: &Service,
    operation: &Operation,
    parameters: &Value,
    has_payload: bool,
) -> Result<Value, Vec<String>> {
    let mut input = Input { service, problems: Vec::new() };
    let Value::Object(given) = parameters else {
        return Err(vec!["The value must be a MAP".to_owned()]);
    };
    let value = match &operation.input {
        Some(reference) => {
            let shape = service.shape(reference);
            let skipped = shape.payload.as_deref().filter(|_| has_payload);
            input.structure(given, shape, skipped)
        }
        None => {
            for name in given.keys() {
                input.not_supported(name);
            }
            Value::Object(Map::new())
        }
    };
    if input.problems.is_empty() { Ok(value) } else { Err(input.problems) }
}

struct Input<'s> {
    service: &'s Service,
    problems: Vec<String>,
}

/// The member that a name means: in the spelling of tasks, else in the service's.
fn member_of<'s>(shape: &'s Shape, name: &str) -> Option<&'s Member> {
    shape.property(name).or_else(|| shape.member(name)).or_else(|| {
        // `DestinationBucket` of copies is `Bucket` in the service's own words, and both hold.
        let pascal = |member: &&Member| service_models::property_name(&member.name) == name;
        shape.members.iter().find(pascal)
    })
}

impl Input<'_> {
    fn not_supported(&mut self, name: &str) {
        self.problems.push(format!("The field \"{name}\" is not supported by Step Functions"));
    }

    fn must_be(&mut self, field: &str, kind: &str) -> Value {
        self.problems.push(format!("The value for the field '{field}' must be {kind}"));
        Value::Null
    }

    fn structure(
        &mut self,
        given: &Map<String, Value>,
        shape: &Shape,
        skipped: Option<&str>,
    ) -> Value {
        let mut members = Map::new();
        for (name, value) in given {
            match member_of(shape, name) {
                None => self.not_supported(name),
                Some(_) if value.is_null() => {}
                Some(member) => {
                    let value = self.value(name, value, &member.reference);
                    members.insert(member.name.to_string(), value);
                }
            }
        }
        for required in shape.required() {
            // A token that makes a call idempotent is made up where it is absent.
            let Some(member) = shape.member(required) else { continue };
            // What is null is left out, and the service says what it thinks of that.
            let is_null = given.iter().any(|(name, value)| {
                value.is_null() && member_of(shape, name).is_some_and(|it| it.name == member.name)
            });
            let is_there = members.contains_key(required)
                || is_null
                || member.reference.is_idempotency_token
                || skipped == Some(required);
            if !is_there {
                let name = &member.property;
                self.problems.push(format!("The field \"{name}\" is required but was missing"));
            }
        }
        Value::Object(members)
    }

    fn value(&mut self, field: &str, value: &Value, reference: &Reference) -> Value {
        let shape = self.service.shape(reference);
        if shape.is_document {
            return value.clone();
        }
        match (shape.shape_type, value) {
            (ShapeType::Structure, Value::Object(given)) => self.structure(given, shape, None),
            (ShapeType::Structure, _) => self.must_be(field, "a MAP"),
            (ShapeType::List, Value::Array(items)) => {
                let element = shape.element();
                let items = items.iter().filter(|item| !item.is_null());
                items.map(|item| self.value(field, item, element)).collect()
            }
            (ShapeType::List, _) => self.must_be(field, "a LIST"),
            (ShapeType::Map, Value::Object(given)) => {
                let of = shape.value();
                let given = given.iter().filter(|(_, value)| !value.is_null());
                given.map(|(key, value)| (key.clone(), self.value(key, value, of))).collect()
            }
            (ShapeType::Map, _) => self.must_be(field, "a MAP"),
            (ShapeType::String, Value::String(_)) => value.clone(),
            (ShapeType::String, _) if reference.is_json => value.clone(),
            (ShapeType::String, Value::Object(_) | Value::Array(_)) if self.is_data(field) => {
                Value::String(value.to_string())
            }
            (ShapeType::String, _) => self.must_be(field, "a STRING"),
            (ShapeType::Blob, Value::String(_)) => value.clone(),
            (ShapeType::Blob, Value::Number(_)) => self.must_be(field, "a STRING"),
            (ShapeType::Blob, _) => Value::String(value.to_string()),
            (ShapeType::Boolean, Value::Bool(_)) => value.clone(),
            (ShapeType::Boolean, Value::String(text)) if text == "true" => Value::Bool(true),
            (ShapeType::Boolean, Value::String(text)) if text == "false" => Value::Bool(false),
            (ShapeType::Boolean, _) => self.must_be(field, "a BOOLEAN"),
            (ShapeType::Timestamp, Value::String(_) | Value::Number(_)) => {
                match super::moment::parse(value) {
                    Some(_) => value.clone(),
                    None => self.must_be(field, "a TIMESTAMP"),
                }
            }
            (ShapeType::Timestamp, _) => self.must_be(field, "a TIMESTAMP"),
            (ShapeType::Integer | ShapeType::Long, _) => self.integer(field, value),
            (ShapeType::Float, Value::Number(_)) => value.clone(),
            (ShapeType::Float, Value::String(text)) => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Value::from(number),
                // `NaN` and infinities are texts on the wire, too.
                Ok(_) => value.clone(),
                Err(_) => self.must_be(field, "a NUMBER"),
            },
            (ShapeType::Float, _) => self.must_be(field, "a NUMBER"),
        }
    }

    /// Whether a text of Step Functions' own API is an execution's or a task's data: published
    /// definitions give it as it is.
    fn is_data(&self, field: &str) -> bool {
        &*self.service.id == "sfn" && matches!(field, "Input" | "Output")
    }

    fn integer(&mut self, field: &str, value: &Value) -> Value {
        let number = match value {
            Value::Number(number) => match number.as_f64() {
                Some(float) if number.is_f64() && float.fract() == 0.0 => {
                    // 5.0 is an integer to JSONata.
                    Some(Cow::Owned(Value::from(float as i64)))
                }
                _ if number.is_f64() => None,
                _ => Some(Cow::Borrowed(value)),
            },
            Value::String(text) => text.parse::<i64>().ok().map(|it| Cow::Owned(Value::from(it))),
            _ => None,
        };
        match number {
            Some(number) => number.into_owned(),
            None => self.must_be(field, "a NUMBER"),
        }
    }
}
