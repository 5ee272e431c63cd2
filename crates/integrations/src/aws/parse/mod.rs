//! Answers, as each protocol writes them. Pure.

mod error;
mod json;
mod rest;
mod xml_body;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value};
use service_models::{Operation, Protocol, Service};

pub(super) use error::request_id;
pub use error::{WireError, parse_error};

use super::moment;

/// Headers of an answer, by name as they came.
pub(crate) type Headers = Vec<(String, String)>;

/// The first header of a name, however it is spelled.
pub(crate) fn header<'h>(headers: &'h Headers, name: &str) -> Option<&'h str> {
    headers.iter().find(|(of, _)| of.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Reads a successful answer: the output in the service's spelling, and the bytes of the body
/// where the body is one member.
///
/// # Errors
/// The body is not what the protocol says.
pub fn parse_response(
    service: &Service,
    operation: &Operation,
    status: u16,
    headers: &Headers,
    body: &Bytes,
) -> Result<(Value, Option<Bytes>), String> {
    let Some(reference) = &operation.output else {
        return Ok((Value::Object(Map::new()), None));
    };
    match service.protocol {
        Protocol::Json => Ok((json::body(service, reference, body)?, None)),
        Protocol::Query | Protocol::Ec2 => {
            Ok((xml_body::result(service, operation, reference, body)?, None))
        }
        Protocol::RestJson | Protocol::RestXml => {
            rest::read(service, operation, reference, status, headers, body)
        }
        Protocol::Cbor => Err(format!("The protocol of {} is not supported", service.service_id)),
    }
}

/// Bytes as tasks show them: their text, or Base64 of what is none.
fn blob(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => STANDARD.encode(bytes).into(),
    }
}

/// A blob that is written in Base64.
fn encoded_blob(text: &str) -> Value {
    let text = text.trim();
    STANDARD.decode(text).map_or_else(|_| text.into(), |bytes| blob(&bytes))
}

/// A moment as tasks show it; what is none stays as it is.
fn timestamp(value: &Value) -> Value {
    moment::parse(value).map_or_else(|| value.clone(), |moment| moment::show(moment).into())
}
