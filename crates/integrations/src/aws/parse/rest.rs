//! Answers of the REST protocols: members in headers, the status and the body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value};
use service_models::{Location, Member, Operation, Protocol, Reference, Service, Shape, ShapeType};

use super::{Headers, blob, encoded_blob, header, json, timestamp, xml_body};

pub(super) fn read(
    service: &Service,
    operation: &Operation,
    reference: &Reference,
    status: u16,
    headers: &Headers,
    body: &Bytes,
) -> Result<(Value, Option<Bytes>), String> {
    let shape = service.shape(reference);
    let mut members = Map::new();
    for member in &shape.members {
        if let Some(value) = outside(service, member, status, headers) {
            members.insert(member.name.to_string(), value);
        }
    }
    let mut payload = None;
    match shape.payload.as_deref().and_then(|name| shape.member(name)) {
        Some(member) => {
            let of = service.shape(&member.reference);
            let value = if of.is_event_stream {
                payload = Some(body.clone());
                None
            } else if matches!(of.shape_type, ShapeType::Blob | ShapeType::String) {
                payload = Some(body.clone());
                Some(blob(body))
            } else {
                structured(service, member, body)?
            };
            if let Some(value) = value {
                members.insert(member.name.to_string(), value);
            }
        }
        None => members.extend(rest(service, operation, shape, body)?),
    }
    Ok((Value::Object(members), payload))
}

/// The body as one member.
fn structured(service: &Service, member: &Member, body: &Bytes) -> Result<Option<Value>, String> {
    if body.is_empty() {
        return Ok(None);
    }
    Ok(Some(match service.protocol {
        Protocol::RestXml => xml_body::value(service, &member.reference, &xml_body::read(body)?),
        _ => json::value(service, &member.reference, &json::read(body)?),
    }))
}

/// The members that stand in the body.
fn rest(
    service: &Service,
    operation: &Operation,
    shape: &Shape,
    body: &Bytes,
) -> Result<Map<String, Value>, String> {
    if !shape.members.iter().any(|member| member.reference.location.is_none()) {
        return Ok(Map::new());
    }
    if service.protocol == Protocol::RestXml {
        let root = xml_body::read(body)?;
        if &*service.id == "s3" && &*operation.name == "GetBucketLocation" {
            // The only answer whose root is the member itself.
            let region = [("LocationConstraint".to_owned(), root.text.into())];
            return Ok(region.into_iter().filter(|(_, text)| *text != "").collect());
        }
        return Ok(xml_body::structure(service, shape, &root));
    }
    match json::read(body)? {
        Value::Object(given) => Ok(json::structure(service, shape, &given)),
        _ => Err("the answer is not a JSON object".to_owned()),
    }
}

/// A member in the status or the headers.
fn outside(service: &Service, member: &Member, status: u16, headers: &Headers) -> Option<Value> {
    match member.reference.location? {
        Location::StatusCode => Some(status.into()),
        Location::Header => {
            let text = header(headers, member.wire_name())?;
            Some(of_header(service, &member.reference, text))
        }
        Location::Headers => {
            let prefix = member.reference.location_name.as_deref().unwrap_or_default();
            let found: Map<String, Value> = headers
                .iter()
                .filter_map(|(name, value)| {
                    let start = name.get(..prefix.len())?;
                    let is_it = start.eq_ignore_ascii_case(prefix);
                    is_it.then(|| (name[prefix.len()..].to_owned(), value.as_str().into()))
                })
                .collect();
            Some(Value::Object(found))
        }
        Location::Uri | Location::QueryString => None,
    }
}

fn of_header(service: &Service, reference: &Reference, text: &str) -> Value {
    let shape = service.shape(reference);
    match shape.shape_type {
        ShapeType::Timestamp => timestamp(&text.into()),
        ShapeType::Boolean => Value::Bool(text.eq_ignore_ascii_case("true")),
        ShapeType::Integer | ShapeType::Long | ShapeType::Float => {
            serde_json::from_str(text).ok().filter(Value::is_number).unwrap_or_else(|| text.into())
        }
        ShapeType::List => {
            let items = text.split(',').map(str::trim);
            items.map(|item| of_header(service, shape.element(), item)).collect()
        }
        ShapeType::Blob => encoded_blob(text),
        _ if reference.is_json => STANDARD
            .decode(text)
            .ok()
            .and_then(|json| String::from_utf8(json).ok())
            .map_or_else(|| text.into(), Value::String),
        _ => text.into(),
    }
}
