//! Requests, as each protocol writes them. Pure: no address, no credentials.

mod json;
mod query;
mod rest;
mod xml_body;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use service_models::{Operation, Protocol, Reference, Service, Shape, TimestampFormat};

use super::moment;

/// A request without its address.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WireRequest {
    pub method: String,
    /// Percent-encoded, with a slash at its beginning.
    pub path: String,
    /// Names and values, not encoded, in the order of the address.
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// Before the name of the host.
    pub host_prefix: Option<String>,
}

/// Writes the request of an operation. `input` is in the service's spelling, as
/// [`super::service_spelling`] returns it; `payload` takes the place of the member that is the
/// body. `token` is the value of a token for idempotency that is not given.
///
/// # Errors
/// A part of the address is missing, or the protocol is none that is spoken.
pub fn serialize(
    service: &Service,
    operation: &Operation,
    input: &Value,
    payload: Option<Bytes>,
    token: &str,
) -> Result<WireRequest, String> {
    let mut input = input.clone();
    fill_token(service, operation, &mut input, token);
    let mut request = match service.protocol {
        Protocol::Json => json::serialize(service, operation, &input),
        Protocol::Query | Protocol::Ec2 => query::serialize(service, operation, &input),
        Protocol::RestJson | Protocol::RestXml => {
            rest::serialize(service, operation, &input, payload)?
        }
        Protocol::Cbor => {
            return Err(format!("The protocol of {} is not supported", service.service_id));
        }
    };
    request.host_prefix = host_prefix(service, operation, &input)?;
    Ok(request)
}

fn fill_token(service: &Service, operation: &Operation, input: &mut Value, token: &str) {
    let (Some(reference), Value::Object(input)) = (&operation.input, input) else { return };
    for member in &service.shape(reference).members {
        if member.reference.is_idempotency_token && !input.contains_key(&*member.name) {
            input.insert(member.name.to_string(), token.into());
        }
    }
}

/// The part before the host's name, with the values of its labels.
fn host_prefix(
    service: &Service,
    operation: &Operation,
    input: &Value,
) -> Result<Option<String>, String> {
    let Some(template) = &operation.host_prefix else { return Ok(None) };
    let mut prefix = template.to_string();
    if let Some(reference) = &operation.input {
        let members = service.shape(reference).members.iter();
        for member in members.filter(|member| member.reference.is_host_label) {
            let value = input.get(&*member.name).and_then(Value::as_str).unwrap_or_default();
            let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
            if value.is_empty() || !value.bytes().all(valid) {
                return Err(format!(
                    "The value of the field '{}' must contain only alphanumeric characters, \
                     hyphens and periods",
                    member.property
                ));
            }
            prefix = prefix.replace(&format!("{{{}}}", member.name), value);
        }
    }
    Ok(Some(prefix))
}

/// Percent-encodes what is not unreserved; slashes stay where they may.
pub(super) fn percent_encode(text: &str, keep_slashes: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let is_kept = byte.is_ascii_alphanumeric()
            || b"-_.~".contains(&byte)
            || (keep_slashes && byte == b'/');
        match is_kept {
            true => encoded.push(char::from(byte)),
            false => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// `a=1&b=2`, encoded.
pub(super) fn encode_query(query: &[(String, String)]) -> String {
    let pairs: Vec<String> = query
        .iter()
        .map(|(name, value)| {
            format!("{}={}", percent_encode(name, false), percent_encode(value, false))
        })
        .collect();
    pairs.join("&")
}

/// A blob's text as Base64 of its bytes.
fn base64(value: &Value) -> String {
    match value {
        Value::String(text) => STANDARD.encode(text),
        other => STANDARD.encode(other.to_string()),
    }
}

/// A moment in the form that its use, its shape or else the protocol asks for.
fn timestamp(value: &Value, reference: &Reference, shape: &Shape, usual: TimestampFormat) -> Value {
    let format = reference.timestamp_format.or(shape.timestamp_format).unwrap_or(usual);
    match moment::parse(value) {
        Some(moment) => moment::write(moment, format),
        None => value.clone(),
    }
}

/// A scalar as text.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
