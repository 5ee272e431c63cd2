//! The raw API: AWS JSON 1.0 over HTTP.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::normalise::INSTANT;

/// The account of the recordings, given as access key id.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 \
    Credential=111111111111/20260131/us-east-1/states/aws4_request, \
    SignedHeaders=host;x-amz-date;x-amz-target, Signature=00";

/// Sends operations to one server.
pub(crate) struct Api {
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
}

/// What came back: members of the answer, or the error.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Moments are [`INSTANT`].
    pub(crate) body: Value,
}

impl Api {
    pub(crate) fn new(address: SocketAddr) -> Api {
        Api { client: Client::builder(TokioExecutor::new()).build_http(), address }
    }

    pub(crate) async fn call(&self, operation: &str, request: &Value) -> Result<Answer> {
        let request = Request::post(format!("http://{}/", self.address))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AWSStepFunctions.{operation}"))
            .header("x-amz-date", "20260131T100000Z")
            .header("authorization", AUTHORIZATION)
            .body(Full::new(Bytes::from(request.to_string())))?;
        let response = self.client.request(request).await.context(operation.to_owned())?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        let mut body = if body.is_empty() {
            json!({})
        } else {
            serde_json::from_slice(&body).with_context(|| format!("{operation}: answer"))?
        };
        mark_instants(&mut body);
        Ok(Answer { status, body })
    }
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        self.status == 200
    }

    /// The error's name, without the part before `#`.
    pub(crate) fn code(&self) -> &str {
        let name = self.body["__type"].as_str().unwrap_or("no __type");
        name.rsplit('#').next().unwrap_or(name)
    }

    pub(crate) fn message(&self) -> &str {
        let message = self.body.get("message").or(self.body.get("Message"));
        message.and_then(Value::as_str).unwrap_or("no message")
    }

    /// What the client library of the recordings makes of a success.
    pub(crate) fn as_response(&self) -> Value {
        let mut response = self.body.clone();
        if let Value::Object(members) = &mut response {
            members.insert("ResponseMetadata".to_owned(), self.metadata());
        }
        response
    }

    /// What the client library makes of an error, in the form that was recorded.
    pub(crate) fn as_error(&self, operation: &str, recorded: Option<&Value>) -> Value {
        let text = format!(
            "An error occurred ({}) when calling the {operation} operation: {}",
            self.code(),
            self.message()
        );
        match recorded {
            Some(Value::String(_)) => text.into(),
            Some(Value::Object(members)) if members.contains_key("exception_value") => {
                json!({"exception_typename": self.code(), "exception_value": text})
            }
            _ => {
                let mut error = json!({"Error": {"Code": self.code(), "Message": self.message()}});
                let members = self.body.as_object().into_iter().flatten();
                for (name, value) in members.filter(|(name, _)| *name != "__type") {
                    error[name] = value.clone();
                }
                error["ResponseMetadata"] = self.metadata();
                error
            }
        }
    }

    fn metadata(&self) -> Value {
        json!({"HTTPHeaders": {}, "HTTPStatusCode": self.status})
    }
}

/// Members that the API's model calls timestamps. Payloads are texts here, so no name in them can
/// be taken for one.
fn mark_instants(value: &mut Value) {
    const NAMES: &[&str] =
        &["creationDate", "startDate", "stopDate", "updateDate", "redriveDate", "timestamp"];
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if NAMES.contains(&name.as_str()) && value.is_number() {
                    *value = INSTANT.into();
                } else {
                    mark_instants(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mark_instants),
        _ => {}
    }
}
