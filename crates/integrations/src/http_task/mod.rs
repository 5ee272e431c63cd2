//! HTTP Tasks (`http:invoke`): calls of web services, with the authorization of an EventBridge
//! connection.
//!
//! `parameters` reads what the definition says, `connections` what the operator (or EventBridge)
//! says (`stored_connections` asks it), `request` merges the two, `oauth` gets tokens. Redirects are not followed: on AWS they
//! are failures, too.

pub(crate) mod connections;
pub(crate) mod form;
mod oauth;
mod parameters;
mod request;
mod stored_connections;

use std::collections::BTreeMap;
use std::time::Duration;

use asl::Payload;
use bytes::Bytes;
use engine::TaskFailure;
use engine::limits::PAYLOAD_BYTES_MAX;
use http::Response;
use http::header::CONTENT_TYPE;
use runtime::{HttpResponseSeen, TaskCall};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use connections::{
    ApiKeyConfig, BasicConfig, ClientAuthentication, ConnectionConfig, ConnectionsConfig,
    OAuthConfig, OAuthMethod, Secret, SecretPlace,
};

use crate::aws::AwsClient;
use crate::client::{HttpClient, SendError};
use crate::failure::task_failure;
use connections::{Authorization, Connection};
use oauth::TokenCache;
use parameters::HttpTask;
use request::Outgoing;

/// Seconds that a call may take (AWS quota).
pub const HTTP_TIMEOUT_SECONDS: u64 = 60;

/// What the operator says about HTTP Tasks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// Hosts that may be called without TLS, as `host`, `host:port`, `*.domain` or `*`. AWS
    /// allows none.
    #[serde(default)]
    pub allow_http: Vec<String>,
    /// Seconds that a call may take, from 1. Default 60, as on AWS.
    #[serde(default = "default_timeout_seconds")]
    pub timeout_seconds: u64,
}

fn default_timeout_seconds() -> u64 {
    HTTP_TIMEOUT_SECONDS
}

impl Default for HttpConfig {
    fn default() -> HttpConfig {
        HttpConfig { allow_http: Vec::new(), timeout_seconds: HTTP_TIMEOUT_SECONDS }
    }
}

impl HttpConfig {
    /// Everything that is wrong.
    pub fn check(&self) -> Vec<String> {
        let mut messages = Vec::new();
        if self.timeout_seconds == 0 {
            messages.push("http: 'timeout_seconds' is 0, but must be at least 1".to_owned());
        }
        for host in self.allow_http.iter().filter(|host| host.is_empty() || host.contains('/')) {
            messages.push(format!(
                "http: 'allow_http' has \"{host}\", which is no host (\"host\", \"host:port\", \"*.domain\")"
            ));
        }
        messages
    }

    /// Whether a host may be called without TLS.
    pub(crate) fn allows(&self, host: &str, port: Option<u16>) -> bool {
        let host = host.to_ascii_lowercase();
        let port = port.unwrap_or(80).to_string();
        self.allow_http.iter().any(|pattern| {
            let pattern = pattern.to_ascii_lowercase();
            let (name, wanted) = match pattern.rsplit_once(':') {
                // The colons of an IPv6 address stand in brackets.
                Some((name, wanted)) if !wanted.ends_with(']') => (name, Some(wanted)),
                _ => (pattern.as_str(), None),
            };
            let is_host = match name.strip_prefix('*') {
                Some(suffix) => host.ends_with(suffix),
                None => host == name,
            };
            is_host && wanted.is_none_or(|wanted| wanted == "*" || wanted == port)
        })
    }
}

/// Everything that HTTP Tasks need.
pub(crate) struct HttpTasks {
    client: HttpClient,
    config: HttpConfig,
    connections: ConnectionsConfig,
    environment: BTreeMap<String, String>,
    /// For connections that are not declared.
    aws: AwsClient,
    tokens: TokenCache,
}

impl HttpTasks {
    pub(crate) fn new(
        client: HttpClient,
        config: HttpConfig,
        connections: ConnectionsConfig,
        environment: BTreeMap<String, String>,
        aws: AwsClient,
    ) -> HttpTasks {
        HttpTasks { client, config, connections, environment, aws, tokens: TokenCache::default() }
    }

    /// The work of `arn:aws:states:::http:invoke`.
    pub(crate) async fn run(&self, call: &TaskCall) -> Result<Payload, TaskFailure> {
        let allows = |host: &str, port| self.config.allows(host, port);
        let task = HttpTask::read(&call.dispatch.parameters, &allows)?;
        let patience = Duration::from_secs(self.config.timeout_seconds);
        match tokio::time::timeout(patience, self.call(call, &task)).await {
            Ok(result) => result,
            Err(_) => Err(socket("Read timed out")),
        }
    }

    async fn call(&self, call: &TaskCall, task: &HttpTask) -> Result<Payload, TaskFailure> {
        let connection = self.connection(&task.connection_arn, &call.region).await?;
        let mut response;
        loop {
            let token = match &connection.authorization {
                Authorization::OAuth(oauth) => {
                    let token = self.tokens.token(&self.client, oauth).await;
                    Some(token.map_err(|reason| {
                        connection_failure(
                            "InvalidConnectionState",
                            &task.connection_arn,
                            &format!("is not authorized: {reason}"),
                        )
                    })?)
                }
                _ => None,
            };
            let text = token.as_ref().map(|token| &*token.text);
            let outgoing = Outgoing::assemble(task, Some(&connection), text, &call.region)?;
            response = self.send(call, task, &outgoing).await?;
            match token {
                // The token may have been withdrawn since: once more, with a new one.
                Some(token) if matches!(response.status().as_u16(), 401 | 407) => {
                    self.tokens.forget(&token.text);
                    if !token.is_kept {
                        break;
                    }
                }
                _ => break,
            }
        }
        output(&response)
    }

    async fn send(
        &self,
        call: &TaskCall,
        task: &HttpTask,
        outgoing: &Outgoing,
    ) -> Result<Response<Bytes>, TaskFailure> {
        if let Some(inspector) = &call.inspector {
            let shown = match inspector.reveals_secrets {
                true => outgoing.seen(),
                false => Outgoing::assemble(task, None, None, &call.region)?.seen(),
            };
            inspector.saw_request(shown);
        }
        let request = outgoing.to_http().map_err(|error| {
            task_failure("States.Runtime", format!("The request cannot be made: {error}"))
        })?;
        let response = self.client.exchange(request, PAYLOAD_BYTES_MAX).await;
        let response = response.map_err(|error| match error {
            SendError::TooLarge => too_large(),
            SendError::Failed(reason) => socket(&reason),
        })?;
        if let Some(inspector) = &call.inspector {
            inspector.saw_response(seen(outgoing.protocol(), &response));
        }
        Ok(response)
    }

    /// A connection that is declared, or else EventBridge's.
    async fn connection(&self, arn: &str, region: &str) -> Result<Connection, TaskFailure> {
        match self.connections.find(arn) {
            None => stored_connections::read(&self.aws, arn, region).await,
            Some(config) => Connection::of_config(config, &self.environment).map_err(|reason| {
                let what = format!("is not usable: {reason}");
                connection_failure("InvalidConnectionState", arn, &what)
            }),
        }
    }
}

fn connection_failure(kind: &str, arn: &str, what: &str) -> TaskFailure {
    task_failure(format!("Events.ConnectionResource.{kind}"), format!("Connection {arn} {what}"))
}

fn socket(reason: &str) -> TaskFailure {
    task_failure("States.Http.Socket", format!("Unable to execute HTTP request: {reason}"))
}

fn too_large() -> TaskFailure {
    task_failure(
        "States.DataLimitExceeded",
        "The state/task 'http' returned a result with a size exceeding the maximum number of \
         bytes service limit.",
    )
}

/// The result of the task, or its failure.
fn output(response: &Response<Bytes>) -> Result<Payload, TaskFailure> {
    let status = response.status();
    if !status.is_success() {
        let error = format!("States.Http.StatusCode.{}", status.as_u16());
        return Err(task_failure(error, status_text(response)));
    }
    let body = response_body(response)?;
    let mut headers = Map::new();
    for (name, value) in response.headers() {
        let values = headers.entry(name.as_str()).or_insert_with(|| json!([]));
        if let Value::Array(values) = values {
            values.push(Value::from(String::from_utf8_lossy(value.as_bytes())));
        }
    }
    Ok(Payload::from_value(json!({
        "Headers": headers,
        "ResponseBody": body,
        "StatusCode": status.as_u16(),
        "StatusText": status_text(response),
    })))
}

/// The text beside the status: as the server sent it.
pub(crate) fn status_text(response: &Response<Bytes>) -> String {
    let sent = response.extensions().get::<hyper::ext::ReasonPhrase>();
    match sent {
        Some(phrase) => String::from_utf8_lossy(phrase.as_bytes()).into_owned(),
        None => response.status().canonical_reason().unwrap_or_default().to_owned(),
    }
}

/// JSON where the answer says so, otherwise text.
fn response_body(response: &Response<Bytes>) -> Result<Value, TaskFailure> {
    let media_type = media_type(response);
    let unsupported = |what: &str| {
        task_failure("States.Runtime", format!("The HTTP response {what}, which is not supported"))
    };
    let is_binary = ["image/", "video/", "audio/"].iter().any(|kind| media_type.starts_with(kind));
    if is_binary || media_type == "application/octet-stream" {
        return Err(unsupported(&format!("has the content type '{media_type}'")));
    }
    let text = std::str::from_utf8(response.body())
        .map_err(|_| unsupported("cannot be read as a string"))?;
    Ok(body_value(response, text))
}

/// JSON where the content type says so and it is, otherwise the text.
pub(crate) fn body_value(response: &Response<Bytes>, text: &str) -> Value {
    let media_type = media_type(response);
    let is_json =
        media_type.is_empty() || media_type.ends_with("/json") || media_type.ends_with("+json");
    let parsed = if is_json { asl::parse_json(text).ok() } else { None };
    parsed.map_or_else(|| Value::from(text), |parsed| parsed.value().clone())
}

fn media_type(response: &Response<Bytes>) -> String {
    let content_type = response.headers().get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn seen(protocol: &str, response: &Response<Bytes>) -> HttpResponseSeen {
    let texts: Vec<(&str, String)> = response
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    HttpResponseSeen {
        protocol: protocol.to_owned(),
        status_code: response.status().as_u16().to_string(),
        status_message: status_text(response),
        headers: request::list(texts.iter().map(|(name, value)| (*name, value.as_str()))),
        body: std::str::from_utf8(response.body()).ok().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_without_tls_are_those_that_are_named() {
        let allows = |pattern: &str, host: &str, port| {
            let config =
                HttpConfig { allow_http: vec![pattern.to_owned()], ..HttpConfig::default() };
            config.allows(host, port)
        };
        assert!(allows("localhost", "LocalHost", Some(9000)));
        assert!(allows("localhost:9000", "localhost", Some(9000)));
        assert!(!allows("localhost:9000", "localhost", None));
        assert!(allows("localhost:80", "localhost", None));
        assert!(allows("127.0.0.1:*", "127.0.0.1", Some(1)));
        assert!(allows("*.internal", "a.b.internal", None));
        assert!(!allows("*.internal", "internal.example.com", None));
        assert!(allows("[::1]", "[::1]", Some(8080)));
        assert!(allows("[::1]:8080", "[::1]", Some(8080)));
        assert!(!allows("[::1]:8081", "[::1]", Some(8080)));
        assert!(allows("*", "anything", None));
        assert!(!HttpConfig::default().allows("localhost", None));
    }
}
