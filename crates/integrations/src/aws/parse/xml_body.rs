//! Bodies in XML: of the query protocols, and of rest-xml.

use bytes::Bytes;
use serde_json::{Map, Value};
use service_models::{Member, Operation, Reference, Service, Shape, ShapeType};

use super::{encoded_blob, timestamp};
use crate::aws::xml::Element;

/// The result of a query.
pub(super) fn result(
    service: &Service,
    operation: &Operation,
    reference: &Reference,
    body: &Bytes,
) -> Result<Value, String> {
    let root = read(body)?;
    let nothing = Element::default();
    let start = match &operation.result_wrapper {
        Some(wrapper) => root.child(wrapper).unwrap_or(&nothing),
        None => &root,
    };
    Ok(Value::Object(structure(service, service.shape(reference), start)))
}

/// The document; of an empty body an element without a name.
pub(super) fn read(body: &Bytes) -> Result<Element, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Element::default());
    }
    let text = std::str::from_utf8(body).map_err(|error| format!("the answer: {error}"))?;
    Element::parse(text).map_err(|error| format!("the answer is not XML: {error}"))
}

/// The members of a structure that stand in the body.
pub(super) fn structure(service: &Service, shape: &Shape, element: &Element) -> Map<String, Value> {
    let mut members = Map::new();
    for member in shape.members.iter().filter(|member| member.reference.location.is_none()) {
        let found = match member.reference.is_xml_attribute {
            true => attribute(element, member.wire_name()),
            false => self::member(service, member, element),
        };
        if let Some(value) = found {
            members.insert(member.name.to_string(), value);
        }
    }
    members
}

/// An attribute, whatever its namespace is called.
fn attribute(element: &Element, name: &str) -> Option<Value> {
    let local = |name: &str| name.rsplit(':').next().unwrap_or_default().to_owned();
    let found = element.attributes.iter().find(|(of, _)| local(of) == local(name));
    found.map(|(_, value)| value.as_str().into())
}

fn member(service: &Service, member: &Member, parent: &Element) -> Option<Value> {
    let reference = &member.reference;
    let shape = service.shape(reference);
    let is_flattened = shape.is_flattened || reference.is_flattened;
    let mut name = member.wire_name();
    match shape.shape_type {
        ShapeType::List if is_flattened => {
            // The element's name goes before the list's.
            name = shape.element().wire_name(name);
            let items: Vec<Value> =
                parent.all(name).map(|item| value(service, shape.element(), item)).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        ShapeType::Map if is_flattened => {
            let entries: Vec<&Element> = parent.all(name).collect();
            (!entries.is_empty()).then(|| map(service, shape, entries.into_iter()))
        }
        _ => parent.child(name).map(|element| value(service, reference, element)),
    }
}

fn map<'e>(service: &Service, shape: &Shape, entries: impl Iterator<Item = &'e Element>) -> Value {
    let (key, of) = (shape.key(), shape.value());
    let mut members = Map::new();
    for entry in entries {
        let name = entry.child(key.wire_name("key")).map(|key| key.text.clone());
        let found = entry.child(of.wire_name("value")).map(|it| value(service, of, it));
        members.insert(name.unwrap_or_default(), found.unwrap_or(Value::Null));
    }
    Value::Object(members)
}

pub(super) fn value(service: &Service, reference: &Reference, element: &Element) -> Value {
    let shape = service.shape(reference);
    let text = element.text.as_str();
    let number = || serde_json::from_str::<Value>(text.trim()).ok().filter(Value::is_number);
    match shape.shape_type {
        ShapeType::Structure => Value::Object(structure(service, shape, element)),
        ShapeType::List => {
            let of = shape.element();
            let items = element.all(of.wire_name("member"));
            items.map(|item| value(service, of, item)).collect()
        }
        ShapeType::Map => map(service, shape, element.all("entry")),
        ShapeType::String => text.into(),
        ShapeType::Blob => encoded_blob(text),
        ShapeType::Boolean => Value::Bool(text.trim() == "true"),
        ShapeType::Timestamp => timestamp(&Value::from(text.trim())),
        ShapeType::Integer | ShapeType::Long | ShapeType::Float => {
            number().unwrap_or_else(|| text.into())
        }
    }
}
