//! The REST protocols: members in the path, the query, headers; the rest as JSON or XML.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value};
use service_models::{
    Location, Member, Operation, Protocol, Reference, Service, Shape, ShapeType, TimestampFormat,
};

use super::{WireRequest, json, percent_encode, plain, timestamp, xml_body};

pub(super) fn serialize(
    service: &Service,
    operation: &Operation,
    input: &Value,
    payload: Option<Bytes>,
) -> Result<WireRequest, String> {
    let mut request =
        WireRequest { method: operation.method.to_string(), ..WireRequest::default() };
    let nothing = Map::new();
    let given = input.as_object().unwrap_or(&nothing);
    let Some(reference) = &operation.input else {
        set_address(&mut request, &operation.uri, &[])?;
        return Ok(request);
    };
    let shape = service.shape(reference);
    let mut labels = Vec::new();
    let mut query = Vec::new();
    let mut body = Map::new();
    for (name, value) in given {
        let Some(member) = shape.member(name) else { continue };
        let wire_name = member.wire_name().to_owned();
        match member.reference.location {
            Some(Location::Uri) => {
                labels.push((wire_name, text(service, &member.reference, value)));
            }
            Some(Location::QueryString) => push_query(service, member, value, &mut query),
            Some(Location::Header) => {
                if !value.as_array().is_some_and(Vec::is_empty) {
                    let value = header(service, &member.reference, value);
                    request.headers.push((wire_name, value));
                }
            }
            Some(Location::Headers) => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    request.headers.push((format!("{wire_name}{key}"), plain(value)));
                }
            }
            Some(Location::StatusCode) => {}
            None => _ = body.insert(name.clone(), value.clone()),
        }
    }
    set_address(&mut request, &operation.uri, &labels)?;
    request.query.extend(query);
    set_body(service, reference, body, payload, &mut request);
    Ok(request)
}

/// Fills in the path's labels; what stands behind `?` goes to the query.
fn set_address(
    request: &mut WireRequest,
    template: &str,
    labels: &[(String, String)],
) -> Result<(), String> {
    let (path, query) = template.split_once('?').unwrap_or((template, ""));
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let (label, after) = after.split_once('}').unwrap_or((after, ""));
        request.path.push_str(before);
        let name = label.trim_end_matches('+');
        let value = labels.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str());
        match value {
            Some(value) if !value.is_empty() => {
                request.path.push_str(&percent_encode(value, label.ends_with('+')));
            }
            _ => return Err(format!("The value of the field '{name}' must not be empty")),
        }
        rest = after;
    }
    request.path.push_str(rest);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        request.query.push((name.to_owned(), value.to_owned()));
    }
    Ok(())
}

fn push_query(
    service: &Service,
    member: &Member,
    value: &Value,
    query: &mut Vec<(String, String)>,
) {
    let name = member.wire_name();
    let shape = service.shape(&member.reference);
    match value {
        Value::Array(items) => {
            for item in items {
                query.push((name.to_owned(), text(service, shape.element(), item)));
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::Array(items) => {
                        query.extend(items.iter().map(|item| (key.clone(), plain(item))));
                    }
                    value => query.push((key.clone(), plain(value))),
                }
            }
        }
        value => query.push((name.to_owned(), text(service, &member.reference, value))),
    }
}

/// A value in the path or the query.
fn text(service: &Service, reference: &Reference, value: &Value) -> String {
    let shape = service.shape(reference);
    match shape.shape_type {
        ShapeType::Timestamp => {
            plain(&timestamp(value, reference, shape, TimestampFormat::Iso8601))
        }
        _ => plain(value),
    }
}

fn header(service: &Service, reference: &Reference, value: &Value) -> String {
    let shape = service.shape(reference);
    match (shape.shape_type, value) {
        (ShapeType::Timestamp, _) => {
            plain(&timestamp(value, reference, shape, TimestampFormat::Rfc822))
        }
        (ShapeType::List, Value::Array(items)) => {
            let element = shape.element();
            let is_text = service.shape(element).shape_type == ShapeType::String;
            let items: Vec<String> = items
                .iter()
                .map(|item| match item {
                    Value::String(text) if is_text && text.contains(['"', ',']) => {
                        format!("\"{}\"", text.replace('"', "\\\""))
                    }
                    item => header(service, element, item),
                })
                .collect();
            items.join(",")
        }
        _ if reference.is_json => STANDARD.encode(match value {
            // A text is taken for JSON that is written already.
            Value::String(text) => text.clone(),
            value => value.to_string(),
        }),
        _ => plain(value),
    }
}

fn set_body(
    service: &Service,
    reference: &Reference,
    body: Map<String, Value>,
    payload: Option<Bytes>,
    request: &mut WireRequest,
) {
    let shape = service.shape(reference);
    let is_json = service.protocol == Protocol::RestJson;
    let member = shape.payload.as_deref().and_then(|name| shape.member(name));
    if let Some(member) = member {
        let of = service.shape(&member.reference);
        if matches!(of.shape_type, ShapeType::Blob | ShapeType::String) {
            let text = || body.get(&*member.name).map(|value| Bytes::from(plain(value)));
            request.body = payload.or_else(text).unwrap_or_default();
            return;
        }
    }
    let given = member.map(|member| (member, body.get(&*member.name)));
    request.body = match (is_json, given) {
        (true, Some((member, Some(value)))) => {
            json::value(service, &member.reference, value).to_string().into()
        }
        (true, Some((_, None))) => Bytes::from_static(b"{}"),
        (true, None) if !body.is_empty() || has_body(shape) => {
            Value::Object(json::structure(service, shape, &body)).to_string().into()
        }
        (false, Some((member, Some(value)))) => {
            xml_body::write(service, &member.reference, value).into()
        }
        (false, None) if !body.is_empty() => {
            xml_body::write(service, reference, &Value::Object(body)).into()
        }
        _ => Bytes::new(),
    };
    let is_named =
        request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if !request.body.is_empty() && !is_named {
        let kind = if is_json { "application/json" } else { "application/xml" };
        request.headers.push(("Content-Type".to_owned(), kind.to_owned()));
    }
}

/// Whether a shape has members that stand in the body.
fn has_body(shape: &Shape) -> bool {
    shape.members.iter().any(|member| member.reference.location.is_none())
}
