//! The body of rest-xml.

use serde_json::Value;
use service_models::{Reference, Service, ShapeType, TimestampFormat, XmlNamespace};

use super::{base64, plain, timestamp};
use crate::aws::xml::Element;

/// The document of a value; its root is named by the reference.
pub(super) fn write(service: &Service, reference: &Reference, value: &Value) -> String {
    let shape = service.shape(reference);
    let name = shape.location_name.as_deref().unwrap_or(&shape.name);
    let mut holder = Element::new("");
    push(service, reference, reference.wire_name(name), value, &mut holder);
    holder.children.first().map(Element::to_text).unwrap_or_default()
}

fn push(service: &Service, reference: &Reference, name: &str, value: &Value, into: &mut Element) {
    let shape = service.shape(reference);
    let is_flattened = shape.is_flattened || reference.is_flattened;
    let mut element = Element::new(name);
    let namespace = reference.xml_namespace.as_ref().or(shape.xml_namespace.as_ref());
    element.attributes.extend(namespace.map(attribute));
    match (shape.shape_type, value) {
        (ShapeType::Structure, Value::Object(given)) => {
            for (name, value) in given {
                let Some(member) = shape.member(name) else { continue };
                if member.reference.is_xml_attribute {
                    element.attributes.push((member.wire_name().to_owned(), plain(value)));
                } else {
                    push(service, &member.reference, member.wire_name(), value, &mut element);
                }
            }
        }
        (ShapeType::List, Value::Array(items)) => {
            let of = shape.element();
            if is_flattened {
                for item in items {
                    push(service, of, name, item, into);
                }
                return;
            }
            for item in items {
                push(service, of, of.wire_name("member"), item, &mut element);
            }
        }
        (ShapeType::Map, Value::Object(given)) => {
            let (key, of) = (shape.key(), shape.value());
            for (text, value) in given {
                let mut entry = Element::new(if is_flattened { name } else { "entry" });
                let text = Value::from(text.as_str());
                push(service, key, key.wire_name("key"), &text, &mut entry);
                push(service, of, of.wire_name("value"), value, &mut entry);
                match is_flattened {
                    true => into.children.push(entry),
                    false => element.children.push(entry),
                }
            }
            if is_flattened {
                return;
            }
        }
        (ShapeType::Blob, _) => element.text = base64(value),
        (ShapeType::Timestamp, _) => {
            let moment = timestamp(value, reference, shape, TimestampFormat::Iso8601);
            element.text = plain(&moment);
        }
        _ => element.text = plain(value),
    }
    into.children.push(element);
}

fn attribute(namespace: &XmlNamespace) -> (String, String) {
    let name = match namespace.prefix() {
        Some(prefix) => format!("xmlns:{prefix}"),
        None => "xmlns".to_owned(),
    };
    (name, namespace.uri().to_owned())
}
