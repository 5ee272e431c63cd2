//! Recorded answers, written in the protocols of the services.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};
use service_models::{Location, Operation, Protocol, Reference, Service, ShapeType};

/// The id that every answer has.
const REQUEST_ID: &str = "6a5ed2f6-7d3c-5ab4-a9ff-ce54dfea72a0";

/// An answer to what nobody expected.
pub(crate) fn nothing() -> Response<Full<Bytes>> {
    let response = Response::builder().status(404).header("x-amzn-errortype", "NotRecorded");
    response.body(Full::default()).expect("the parts are valid")
}

/// The answer of an entry.
pub(crate) fn write(
    service: &Service,
    operation: &Operation,
    recorded: &Value,
) -> Response<Full<Bytes>> {
    match recorded["error"]["code"].as_str() {
        Some(code) => {
            let status = recorded["status"].as_u64().and_then(|it| u16::try_from(it).ok());
            let message = recorded["error"]["message"].as_str();
            error(service, status.unwrap_or(400), code, message)
        }
        None => success(service, operation, &recorded["body"]),
    }
}

/// What services say of a request that lacks a member that they require, in their own words.
pub(crate) fn refusal(
    service: &Service,
    operation: &Operation,
    request: &Bytes,
) -> Option<Response<Full<Bytes>>> {
    let request: Value = serde_json::from_slice(request).ok()?;
    let shape = operation.input.as_ref().map(|input| service.shape(input))?;
    let missing = shape.required().find(|name| request.get(*name).is_none())?;
    let (code, message) = match &*service.id {
        "sqs" => ("MissingParameter", format!("The request must contain the parameter {missing}.")),
        "dynamodb" => {
            let name = missing[..1].to_ascii_lowercase() + &missing[1..];
            (
                "ValidationException",
                format!(
                    "1 validation error detected: Value null at '{name}' failed to satisfy \
                     constraint: Member must not be null"
                ),
            )
        }
        _ => return None,
    };
    Some(error(service, 400, code, Some(&message)))
}

/// Fills in what recordings leave open: checksums, moments, handles.
pub(crate) fn complete(
    recorded: Value,
    service: &Service,
    operation: &Operation,
    request: &Bytes,
) -> Value {
    let mut text = recorded.to_string();
    if &*service.id == "sqs" && &*operation.name == "SendMessage" {
        let request: Value = serde_json::from_slice(request).unwrap_or(Value::Null);
        let body = request["MessageBody"].as_str().unwrap_or_default();
        let digest = hexadecimal(&Md5::digest(body));
        let named = |digest: &str| format!("\"MD5OfMessageBody\":\"{digest}\"");
        text = text.replace(&named("{{md5}}"), &named(&digest));
    }
    for (name, value) in [
        ("{{md5}}", "d41d8cd98f00b204e9800998ecf8427e"),
        ("{{time}}", "2024-06-26T10:00:00Z"),
        ("{{etag}}", "\\\"d41d8cd98f00b204e9800998ecf8427e\\\""),
        ("{{receipt-handle}}", "receipt-handle-1"),
    ] {
        text = text.replace(name, value);
    }
    serde_json::from_str(&text).unwrap_or(recorded)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A success with this output, by member name.
pub(crate) fn success(
    service: &Service,
    operation: &Operation,
    output: &Value,
) -> Response<Full<Bytes>> {
    let nothing = Map::new();
    let given = output.as_object().unwrap_or(&nothing);
    let mut response = Response::builder().status(200);
    for (name, value) in headers(service) {
        response = response.header(name, value);
    }
    let body = match (service.protocol, &operation.output) {
        (Protocol::Json | Protocol::RestJson, None) => "{}".to_owned(),
        (Protocol::Json, Some(reference)) => json_value(service, reference, output).to_string(),
        (Protocol::Query | Protocol::Ec2, output) => {
            query_answer(service, operation, output.as_ref(), given)
        }
        (_, None) => String::new(),
        (_, Some(reference)) => {
            let shape = service.shape(reference);
            let mut inside = Map::new();
            for (name, value) in given {
                let Some(member) = shape.member(name) else { continue };
                let wire_name = member.wire_name();
                match member.reference.location {
                    Some(Location::Header) => {
                        let is_moment =
                            service.shape(&member.reference).shape_type == ShapeType::Timestamp;
                        let text = if is_moment { http_date(value) } else { plain(value) };
                        response = response.header(wire_name, text);
                    }
                    Some(Location::Headers) => {
                        for (key, value) in value.as_object().into_iter().flatten() {
                            response = response.header(format!("{wire_name}{key}"), plain(value));
                        }
                    }
                    Some(_) => {}
                    None => _ = inside.insert(name.clone(), value.clone()),
                }
            }
            rest_body(service, operation, reference, &inside)
        }
    };
    // The recorded length may be of other bytes than these.
    let headers = response.headers_mut().expect("the parts are valid");
    headers.remove("content-length");
    response.body(Full::new(body.into())).expect("the parts are valid")
}

/// Headers that services send, in their spelling, in their order.
fn headers(service: &Service) -> Vec<(&'static str, String)> {
    let id = ("x-amzn-RequestId", REQUEST_ID.to_owned());
    let json =
        || format!("application/x-amz-json-{}", service.json_version.as_deref().unwrap_or("1.0"));
    match (&*service.id, service.protocol) {
        ("dynamodb", _) => vec![
            ("Server", "Server".to_owned()),
            id,
            ("x-amz-crc32", "2745614147".to_owned()),
            ("Content-Type", json()),
        ],
        ("s3", _) => vec![
            ("x-amz-request-id", "2FQ6SY4QNV1ZRP3B".to_owned()),
            ("x-amz-id-2", "kYfFpPmv3bGgvJc0pYk3=".to_owned()),
        ],
        (_, Protocol::Json) => vec![id, ("Content-Type", json())],
        (_, Protocol::Query | Protocol::Ec2) => vec![id, ("Content-Type", "text/xml".to_owned())],
        (_, Protocol::RestJson) => vec![id, ("Content-Type", "application/json".to_owned())],
        _ => vec![id],
    }
}

fn error(
    service: &Service,
    status: u16,
    code: &str,
    message: Option<&str>,
) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers(service) {
        response = response.header(name, value);
    }
    // Recordings call errors by the codes of the query protocol where the service had it once.
    let shape = service
        .operations
        .iter()
        .find_map(|operation| service.error(operation, code))
        .map_or(code, |shape| &shape.name);
    let message_text = message.map(escape).unwrap_or_default();
    let body = match service.protocol {
        Protocol::Json | Protocol::RestJson | Protocol::Cbor => {
            if service.query_compatible {
                response = response.header("x-amzn-query-error", format!("{code};Sender"));
            }
            json!({"__type": format!("com.amazonaws.service#{shape}"), "message": message})
                .to_string()
        }
        Protocol::Query | Protocol::Ec2 => format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message_text}\
             </Message></Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
        ),
        Protocol::RestXml => {
            format!("<Error><Code>{code}</Code><Message>{message_text}</Message></Error>")
        }
    };
    response.body(Full::new(body.into())).expect("the parts are valid")
}

/// As the query protocol has it, in AWS's layout: its length is recorded.
fn query_answer(
    service: &Service,
    operation: &Operation,
    output: Option<&Reference>,
    given: &Map<String, Value>,
) -> String {
    let name = &operation.name;
    let namespace = service.xml_namespace.as_deref().unwrap_or_default();
    let mut text = format!("<{name}Response xmlns=\"{namespace}\">\n");
    if let Some(reference) = output {
        let wrapper = operation.result_wrapper.as_deref();
        let depth = if wrapper.is_some() { 2 } else { 1 };
        if let Some(wrapper) = wrapper {
            let _ = writeln!(text, "  <{wrapper}>");
        }
        for (name, value) in given {
            if let Some(member) = service.shape(reference).member(name) {
                xml(service, &member.reference, member.wire_name(), value, depth, &mut text);
            }
        }
        if let Some(wrapper) = wrapper {
            let _ = writeln!(text, "  </{wrapper}>");
        }
    }
    let _ = write!(
        text,
        "  <ResponseMetadata>\n    <RequestId>{REQUEST_ID}</RequestId>\n  </ResponseMetadata>\n\
         </{name}Response>\n"
    );
    text
}

fn rest_body(
    service: &Service,
    operation: &Operation,
    reference: &Reference,
    inside: &Map<String, Value>,
) -> String {
    let shape = service.shape(reference);
    let member = shape.payload.as_deref().and_then(|name| shape.member(name));
    let is_json = service.protocol == Protocol::RestJson;
    match member {
        Some(member) => {
            let Some(value) = inside.get(&*member.name) else { return String::new() };
            let of = service.shape(&member.reference);
            if matches!(of.shape_type, ShapeType::Blob | ShapeType::String) {
                return plain(value);
            }
            if is_json {
                return json_value(service, &member.reference, value).to_string();
            }
            let mut text = String::new();
            xml(service, &member.reference, member.wire_name(), value, 0, &mut text);
            text
        }
        None if is_json => {
            json_value(service, reference, &Value::Object(inside.clone())).to_string()
        }
        None if inside.is_empty() => String::new(),
        None => {
            let mut text = String::new();
            let value = Value::Object(inside.clone());
            xml(service, reference, &format!("{}Result", operation.name), &value, 0, &mut text);
            text
        }
    }
}

fn json_value(service: &Service, reference: &Reference, value: &Value) -> Value {
    let shape = service.shape(reference);
    match (shape.shape_type, value) {
        (ShapeType::Structure, Value::Object(given)) if !shape.is_document => given
            .iter()
            .filter_map(|(name, value)| {
                let member = shape.member(name)?;
                let value = json_value(service, &member.reference, value);
                Some((member.wire_name().to_owned(), value))
            })
            .collect(),
        (ShapeType::List, Value::Array(items)) => {
            items.iter().map(|item| json_value(service, shape.element(), item)).collect()
        }
        (ShapeType::Map, Value::Object(given)) => given
            .iter()
            .map(|(key, value)| (key.clone(), json_value(service, shape.value(), value)))
            .collect(),
        (ShapeType::Blob, Value::String(text)) => STANDARD.encode(text).into(),
        (ShapeType::Timestamp, Value::String(text)) => match text.parse::<jiff::Timestamp>() {
            Ok(moment) => json!(moment.as_millisecond() as f64 / 1000.0),
            Err(_) => value.clone(),
        },
        _ => value.clone(),
    }
}

fn xml(
    service: &Service,
    reference: &Reference,
    name: &str,
    value: &Value,
    depth: usize,
    text: &mut String,
) {
    let shape = service.shape(reference);
    let indent = "  ".repeat(depth);
    let is_flattened = shape.is_flattened || reference.is_flattened;
    match (shape.shape_type, value) {
        (ShapeType::List, Value::Array(items)) if is_flattened => {
            let name = shape.element().wire_name(name);
            for item in items {
                xml(service, shape.element(), name, item, depth, text);
            }
        }
        (ShapeType::Structure | ShapeType::List | ShapeType::Map, _) => {
            let _ = writeln!(text, "{indent}<{name}>");
            match value {
                Value::Array(items) => {
                    let element = shape.element();
                    for item in items {
                        xml(service, element, element.wire_name("member"), item, depth + 1, text);
                    }
                }
                Value::Object(given) if shape.shape_type == ShapeType::Map => {
                    for (key, value) in given {
                        let _ = writeln!(text, "{indent}  <entry><key>{}</key>", escape(key));
                        xml(service, shape.value(), "value", value, depth + 1, text);
                        let _ = writeln!(text, "{indent}  </entry>");
                    }
                }
                Value::Object(given) => {
                    for (name, value) in given {
                        let Some(member) = shape.member(name) else { continue };
                        let name = member.wire_name();
                        xml(service, &member.reference, name, value, depth + 1, text);
                    }
                }
                _ => {}
            }
            let _ = writeln!(text, "{indent}</{name}>");
        }
        _ => _ = writeln!(text, "{indent}<{name}>{}</{name}>", escape(&plain(value))),
    }
}

fn http_date(value: &Value) -> String {
    let moment = value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let moment = moment.unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
