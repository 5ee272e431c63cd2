//! What came of a call of Invoke, and what a Task state makes of it.

use asl::Payload;
use bytes::Bytes;
use engine::TaskFailure;
use engine::limits::PAYLOAD_BYTES_MAX;
use serde_json::{Map, Value};

use crate::failure::task_failure;
use crate::metadata::{Headers, sdk_metadata};

/// What Invoke answered.
#[derive(Debug, Clone)]
pub(crate) struct InvokeResponse {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) request_id: String,
    pub(crate) executed_version: Option<String>,
    /// `Handled` or `Unhandled` if the payload is an error of the function.
    pub(crate) function_error: Option<String>,
    /// Base64 of the last 4 KB that the function printed.
    pub(crate) log_result: Option<String>,
    pub(crate) payload: Bytes,
}

impl InvokeResponse {
    /// The output of a Task state whose resource is a function's ARN: the function's own
    /// answer, to the letter.
    pub(crate) fn into_function_output(self) -> Result<Payload, TaskFailure> {
        if self.function_error.is_some() {
            return Err(function_failure(&String::from_utf8_lossy(&self.payload)));
        }
        let text = self.payload_text()?;
        if text.is_empty() {
            return Ok(Payload::from_value(Value::from("")));
        }
        Payload::parse(text).or_else(|error| unreadable(text, &error).map(Payload::from_value))
    }

    /// The output of `lambda:invoke`.
    pub(crate) fn into_task_output(self) -> Result<Payload, TaskFailure> {
        if self.function_error.is_some() {
            // Unlike a function's own ARN, the integration writes the error anew.
            let error = String::from_utf8_lossy(&self.payload);
            let parsed = serde_json::from_str::<Value>(&error);
            return Err(function_failure(&parsed.map_or(error.into(), |error| error.to_string())));
        }
        let text = self.payload_text()?;
        let payload = if text.is_empty() {
            Value::from("")
        } else {
            serde_json::from_str(text).or_else(|error| unreadable(text, &error))?
        };
        let (http, response) = sdk_metadata(&self.headers, self.status, &self.request_id);
        let mut output = Map::new();
        if let Some(version) = self.executed_version {
            output.insert("ExecutedVersion".to_owned(), Value::from(version));
        }
        if let Some(log_result) = self.log_result {
            output.insert("LogResult".to_owned(), Value::from(log_result));
        }
        output.insert("Payload".to_owned(), payload);
        output.insert("SdkHttpMetadata".to_owned(), http);
        output.insert("SdkResponseMetadata".to_owned(), response);
        output.insert("StatusCode".to_owned(), Value::from(self.status));
        Ok(Payload::from_value(Value::Object(output)))
    }

    fn payload_text(&self) -> Result<&str, TaskFailure> {
        std::str::from_utf8(&self.payload)
            .map_err(|error| no_json(&String::from_utf8_lossy(&self.payload), &error))
    }
}

/// The failure of a task whose function failed.
fn function_failure(payload: &str) -> TaskFailure {
    let error_type = serde_json::from_str::<Value>(payload)
        .ok()
        .and_then(|error| error.get("errorType")?.as_str().map(str::to_owned))
        .filter(|error_type| !error_type.is_empty());
    match error_type {
        Some(error_type) => task_failure(error_type, payload),
        None => task_failure(
            "Lambda.Unknown",
            format!(
                "The cause could not be determined because Lambda did not return an error type. \
                 Returned payload: {payload}"
            ),
        ),
    }
}

/// What becomes of a payload that is not JSON. One that is too large as well goes on as a text:
/// the engine refuses it for its size, as AWS does.
fn unreadable(text: &str, error: &serde_json::Error) -> Result<Value, TaskFailure> {
    if text.len() > PAYLOAD_BYTES_MAX { Ok(Value::from(text)) } else { Err(no_json(text, error)) }
}

/// Functions of the managed runtimes always answer with JSON; others can answer anything.
fn no_json(text: &str, error: &dyn std::error::Error) -> TaskFailure {
    let mut end = text.len().min(1_000);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    task_failure(
        "Lambda.Unknown",
        format!("The function returned a payload that is not JSON ({error}): {}", &text[..end]),
    )
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn response(payload: &str, function_error: Option<&str>) -> InvokeResponse {
        InvokeResponse {
            status: 200,
            headers: vec![("content-length".to_owned(), payload.len().to_string())],
            request_id: "R".to_owned(),
            executed_version: Some("$LATEST".to_owned()),
            function_error: function_error.map(str::to_owned),
            log_result: None,
            payload: Bytes::from(payload.to_owned()),
        }
    }

    fn check(payload: &str, function_error: Option<&str>, expected: &Expect) {
        let show = |result: Result<Payload, TaskFailure>| match result {
            Ok(payload) => payload.text().to_owned(),
            Err(failure) => {
                format!(
                    "{}: {}",
                    failure.error.unwrap_or_default(),
                    failure.cause.unwrap_or_default()
                )
            }
        };
        let task = show(response(payload, function_error).into_task_output());
        let function = show(response(payload, function_error).into_function_output());
        expected.assert_eq(&format!("{task}\n{function}\n"));
    }

    #[test]
    fn answers_become_outputs() {
        check(
            r#"{"b": 1.0, "a": [1, 2]}"#,
            None,
            &expect![[r#"
                {"ExecutedVersion":"$LATEST","Payload":{"b":1.0,"a":[1,2]},"SdkHttpMetadata":{"AllHttpHeaders":{"Content-Length":["23"]},"HttpHeaders":{"Content-Length":"23"},"HttpStatusCode":200},"SdkResponseMetadata":{"RequestId":"R"},"StatusCode":200}
                {"b": 1.0, "a": [1, 2]}
            "#]],
        );
        check(
            "",
            None,
            &expect![[r#"
                {"ExecutedVersion":"$LATEST","Payload":"","SdkHttpMetadata":{"AllHttpHeaders":{"Content-Length":["0"]},"HttpHeaders":{"Content-Length":"0"},"HttpStatusCode":200},"SdkResponseMetadata":{"RequestId":"R"},"StatusCode":200}
                ""
            "#]],
        );
    }

    #[test]
    fn errors_become_failures() {
        check(
            r#"{"errorMessage": "no", "errorType": "KeyError"}"#,
            Some("Unhandled"),
            &expect![[r#"
                KeyError: {"errorMessage":"no","errorType":"KeyError"}
                KeyError: {"errorMessage": "no", "errorType": "KeyError"}
            "#]],
        );
        check(
            r#"{"errorMessage":"no"}"#,
            Some("Handled"),
            &expect![[r#"
                Lambda.Unknown: The cause could not be determined because Lambda did not return an error type. Returned payload: {"errorMessage":"no"}
                Lambda.Unknown: The cause could not be determined because Lambda did not return an error type. Returned payload: {"errorMessage":"no"}
            "#]],
        );
        check(
            "SUCCESS",
            None,
            &expect![[r#"
                Lambda.Unknown: The function returned a payload that is not JSON (expected value at line 1 column 1): SUCCESS
                Lambda.Unknown: The function returned a payload that is not JSON (expected value at line 1 column 1): SUCCESS
            "#]],
        );
    }
}
