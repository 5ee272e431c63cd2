//! The query protocol, and EC2's variant of it: everything in one form.

use serde_json::{Map, Value};
use service_models::{Operation, Protocol, Reference, Service, Shape, ShapeType, TimestampFormat};

use super::{WireRequest, base64, encode_query, plain, timestamp};

pub(super) fn serialize(service: &Service, operation: &Operation, input: &Value) -> WireRequest {
    let mut form = Form { service, is_ec2: service.protocol == Protocol::Ec2, pairs: Vec::new() };
    form.push("Action", operation.name.to_string());
    form.push("Version", service.api_version.to_string());
    if let (Some(reference), Value::Object(given)) = (&operation.input, input) {
        form.structure("", service.shape(reference), given);
    }
    WireRequest {
        method: operation.method.to_string(),
        path: "/".to_owned(),
        headers: vec![(
            "Content-Type".to_owned(),
            "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
        )],
        body: encode_query(&form.pairs).into(),
        ..WireRequest::default()
    }
}

struct Form<'s> {
    service: &'s Service,
    is_ec2: bool,
    pairs: Vec<(String, String)>,
}

impl Form<'_> {
    fn push(&mut self, name: &str, value: String) {
        self.pairs.push((name.to_owned(), value));
    }

    /// The name of a member: EC2 has names for queries, and capital letters.
    fn name(&self, reference: &Reference, name: &str) -> String {
        if !self.is_ec2 {
            return reference.wire_name(name).to_owned();
        }
        if let Some(name) = &reference.query_name {
            return name.to_string();
        }
        let mut letters = reference.wire_name(name).chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        first.chain(letters).collect()
    }

    fn structure(&mut self, prefix: &str, shape: &Shape, given: &Map<String, Value>) {
        for (name, value) in given {
            let Some(member) = shape.member(name) else { continue };
            let mut name = self.name(&member.reference, name);
            if !prefix.is_empty() {
                name = format!("{prefix}.{name}");
            }
            self.value(&name, &member.reference, value);
        }
    }

    fn value(&mut self, name: &str, reference: &Reference, value: &Value) {
        let service = self.service;
        let shape = service.shape(reference);
        match (shape.shape_type, value) {
            (ShapeType::Structure, Value::Object(given)) => self.structure(name, shape, given),
            (ShapeType::List, Value::Array(items)) => self.list(name, reference, shape, items),
            (ShapeType::Map, Value::Object(given)) => {
                let is_flattened = shape.is_flattened || reference.is_flattened;
                let prefix = if is_flattened { name.to_owned() } else { format!("{name}.entry") };
                let (key, of) = (shape.key(), shape.value());
                for (at, (text, value)) in given.iter().enumerate() {
                    let at = at + 1;
                    let text_name = format!("{prefix}.{at}.{}", self.name(key, "key"));
                    self.push(&text_name, text.clone());
                    let value_name = format!("{prefix}.{at}.{}", self.name(of, "value"));
                    self.value(&value_name, of, value);
                }
            }
            (ShapeType::Blob, _) => self.push(name, base64(value)),
            (ShapeType::Timestamp, _) => {
                let moment = timestamp(value, reference, shape, TimestampFormat::Iso8601);
                self.push(name, plain(&moment));
            }
            _ => self.push(name, plain(value)),
        }
    }

    fn list(&mut self, name: &str, reference: &Reference, shape: &Shape, items: &[Value]) {
        let element = shape.element();
        if self.is_ec2 {
            for (at, item) in items.iter().enumerate() {
                self.value(&format!("{name}.{}", at + 1), element, item);
            }
            return;
        }
        if items.is_empty() {
            self.push(name, String::new());
            return;
        }
        let is_flattened = shape.is_flattened || reference.is_flattened;
        let prefix = match (is_flattened, &element.location_name) {
            (false, _) => format!("{name}.{}", element.wire_name("member")),
            (true, None) => name.to_owned(),
            // The element's name instead of the list's.
            (true, Some(of)) => match name.rsplit_once('.') {
                Some((above, _)) => format!("{above}.{of}"),
                None => of.to_string(),
            },
        };
        for (at, item) in items.iter().enumerate() {
            self.value(&format!("{prefix}.{}", at + 1), element, item);
        }
    }
}
