//! A call of Lambda's Invoke, as a Task state asks for it.

use asl::Payload;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use engine::TaskFailure;
use serde_json::Value;

use super::function_name::{FUNCTION_NAME_PATTERN, FunctionName};
use super::service_error;
use crate::failure::bad_parameters;

/// What `arn:aws:states:::lambda:invoke` understands.
const PARAMETERS: [&str; 6] =
    ["ClientContext", "FunctionName", "InvocationType", "LogType", "Payload", "Qualifier"];

/// A call of Invoke.
#[derive(Debug, Clone)]
pub(crate) struct InvokeRequest {
    /// With the qualifier, wherever it was given.
    pub(crate) function: FunctionName,
    /// As it was given.
    pub(crate) function_name: String,
    /// As it was given beside the name.
    pub(crate) qualifier: Option<String>,
    pub(crate) invocation_type: InvocationType,
    pub(crate) wants_log: bool,
    pub(crate) client_context: Option<ClientContext>,
    pub(crate) payload: Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InvocationType {
    RequestResponse,
    Event,
    DryRun,
}

impl InvocationType {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            InvocationType::RequestResponse => "RequestResponse",
            InvocationType::Event => "Event",
            InvocationType::DryRun => "DryRun",
        }
    }
}

/// Data about the caller's device.
#[derive(Debug, Clone)]
pub(crate) struct ClientContext {
    /// As it was given.
    pub(crate) base64: String,
    /// The JSON text in it, in ASCII.
    pub(crate) json: String,
}

impl InvokeRequest {
    /// The call behind a Task state whose resource is a function's ARN.
    pub(crate) fn of_function(arn: &str, input: &Payload) -> Result<InvokeRequest, TaskFailure> {
        Ok(InvokeRequest {
            function: function(arn)?,
            function_name: arn.to_owned(),
            qualifier: None,
            invocation_type: InvocationType::RequestResponse,
            wants_log: false,
            client_context: None,
            payload: Bytes::from(input.text().to_owned()),
        })
    }

    /// The call that the parameters of `lambda:invoke` describe.
    pub(crate) fn of_parameters(parameters: &Payload) -> Result<InvokeRequest, TaskFailure> {
        let mut problems = Vec::new();
        let empty = serde_json::Map::new();
        let fields = parameters.value().as_object().unwrap_or(&empty);
        for name in fields.keys().filter(|name| !PARAMETERS.contains(&name.as_str())) {
            problems.push(format!("The field \"{name}\" is not supported by Step Functions"));
        }
        let mut text = |name: &str| match fields.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                problems.push(format!("The value of the field '{name}' has an invalid format"));
                Some(String::new())
            }
        };
        let function_name = text("FunctionName");
        let qualifier = text("Qualifier");
        let invocation_type = text("InvocationType");
        let log_type = text("LogType");
        let client_context = text("ClientContext");
        if function_name.is_none() {
            problems.push("The field \"FunctionName\" is required but was missing".to_owned());
        }
        if !problems.is_empty() {
            return Err(bad_parameters(parameters.text(), &problems));
        }
        let function_name = function_name.expect("its absence is a problem");
        let function = with_qualifier(function(&function_name)?, qualifier.as_deref())?;
        let payload = match fields.get("Payload") {
            // Invoke without a payload gives the function an empty object.
            None | Some(Value::Null) => Bytes::from_static(b"{}"),
            Some(payload) => Bytes::from(payload.to_string()),
        };
        Ok(InvokeRequest {
            function,
            function_name,
            qualifier,
            invocation_type: invocation_type_of(invocation_type.as_deref())?,
            wants_log: wants_log(log_type.as_deref())?,
            client_context: client_context.map(decode_client_context).transpose()?,
            payload,
        })
    }
}

fn function(text: &str) -> Result<FunctionName, TaskFailure> {
    FunctionName::parse(text).ok_or_else(|| {
        validation(
            "functionName",
            text,
            &format!("Member must satisfy regular expression pattern: {FUNCTION_NAME_PATTERN}"),
        )
    })
}

fn with_qualifier(
    mut function: FunctionName,
    qualifier: Option<&str>,
) -> Result<FunctionName, TaskFailure> {
    let Some(qualifier) = qualifier else { return Ok(function) };
    if function.qualifier.as_deref().is_some_and(|derived| derived != qualifier) {
        return Err(service_error(
            "InvalidParameterValueException",
            400,
            "The derived qualifier from the function name does not match the specified qualifier.",
        ));
    }
    function.qualifier = Some(qualifier.to_owned());
    Ok(function)
}

fn invocation_type_of(text: Option<&str>) -> Result<InvocationType, TaskFailure> {
    match text {
        None | Some("RequestResponse") => Ok(InvocationType::RequestResponse),
        Some("Event") => Ok(InvocationType::Event),
        Some("DryRun") => Ok(InvocationType::DryRun),
        Some(other) => Err(validation(
            "invocationType",
            other,
            "Member must satisfy enum value set: [Event, RequestResponse, DryRun]",
        )),
    }
}

fn wants_log(text: Option<&str>) -> Result<bool, TaskFailure> {
    match text {
        None | Some("None") => Ok(false),
        Some("Tail") => Ok(true),
        Some(other) => {
            Err(validation("logType", other, "Member must satisfy enum value set: [Tail, None]"))
        }
    }
}

fn decode_client_context(base64: String) -> Result<ClientContext, TaskFailure> {
    let json = BASE64
        .decode(&base64)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        .filter(Value::is_object);
    match json {
        Some(json) => Ok(ClientContext { base64, json: ascii(&json.to_string()) }),
        None => Err(service_error(
            "InvalidRequestContentException",
            400,
            "Client context must be a valid Base64-encoded JSON object.",
        )),
    }
}

/// JSON text with escapes for everything that cannot stand in a header.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

fn validation(field: &str, value: &str, constraint: &str) -> TaskFailure {
    service_error(
        "ValidationException",
        400,
        &format!(
            "1 validation error detected: Value '{value}' at '{field}' failed to satisfy \
             constraint: {constraint}"
        ),
    )
}
