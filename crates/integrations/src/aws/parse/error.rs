//! Errors that services answer: code, message and ids, wherever the protocol has them.

use bytes::Bytes;
use serde_json::Value;
use service_models::{Protocol, Service};

use super::{Headers, header};
use crate::aws::xml::Element;

/// An error as it came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WireError {
    /// Without a namespace: `ResourceNotFoundException`, `NoSuchKey`.
    pub code: Option<String>,
    /// What the service called it in the query protocol that it spoke before:
    /// `AWS.SimpleQueueService.NonExistentQueue`.
    pub query_code: Option<String>,
    pub message: Option<String>,
    pub request_id: Option<String>,
    /// S3's second id.
    pub extended_request_id: Option<String>,
}

/// Reads an answer that is no success. Nothing is an error here: what cannot be read is absent.
pub fn parse_error(service: &Service, status: u16, headers: &Headers, body: &Bytes) -> WireError {
    let mut error = match service.protocol {
        Protocol::Json | Protocol::RestJson | Protocol::Cbor => of_json(headers, body),
        Protocol::Query | Protocol::Ec2 | Protocol::RestXml => of_xml(body),
    };
    let id =
        |names: &[&str]| names.iter().find_map(|name| header(headers, name)).map(str::to_owned);
    error.request_id =
        id(&["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"]).or(error.request_id);
    error.extended_request_id = id(&["x-amz-id-2"]).or(error.extended_request_id);
    if &*service.id == "s3" && error.code.is_none() && body.is_empty() {
        // Answers to HEAD have no body that could say it.
        let (code, message) = match status {
            404 => ("NoSuchKey", None),
            403 => ("AccessDenied", Some("Forbidden")),
            301 => ("PermanentRedirect", Some("Moved Permanently")),
            400 => ("BadRequest", Some("Bad Request")),
            _ => return error,
        };
        error.code = Some(code.to_owned());
        error.message = message.map(str::to_owned);
    }
    error
}

/// The id that stands in the body of a successful answer.
pub(in crate::aws) fn request_id(service: &Service, body: &Bytes) -> Option<String> {
    if !matches!(service.protocol, Protocol::Query | Protocol::Ec2) {
        return None;
    }
    let root = Element::parse(std::str::from_utf8(body).ok()?).ok()?;
    let metadata = root.child("ResponseMetadata").unwrap_or(&root);
    let id = metadata.child("RequestId").or_else(|| metadata.child("requestId"))?;
    Some(id.text.clone())
}

fn of_json(headers: &Headers, body: &Bytes) -> WireError {
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let code = header(headers, "x-amzn-errortype").or(text("__type")).or(text("code"));
    let message = ["message", "Message", "errorMessage", "error_message"];
    WireError {
        // `namespace#Name:http://…`, of which only the name counts.
        code: code.map(|code| {
            let code = code.split(':').next().unwrap_or_default();
            code.rsplit('#').next().unwrap_or_default().to_owned()
        }),
        query_code: header(headers, "x-amzn-query-error")
            .and_then(|error| error.split(';').next())
            .map(str::to_owned),
        message: message.iter().find_map(|name| text(name)).map(str::to_owned),
        ..WireError::default()
    }
}

/// `<ErrorResponse><Error>…`, `<Response><Errors><Error>…`, or S3's `<Error>…`.
fn of_xml(body: &Bytes) -> WireError {
    let root = std::str::from_utf8(body).ok().and_then(|text| Element::parse(text).ok());
    let Some(root) = root else { return WireError::default() };
    let text = |element: &Element, name: &str| element.child(name).map(|child| child.text.clone());
    let error = root.find("Error");
    let of_error = |name: &str| error.and_then(|error| text(error, name));
    WireError {
        code: of_error("Code"),
        query_code: None,
        message: of_error("Message"),
        request_id: ["RequestId", "RequestID"]
            .iter()
            .find_map(|name| text(&root, name))
            .or_else(|| of_error("RequestId")),
        extended_request_id: of_error("HostId"),
    }
}
