//! A small client of the Step Functions API, for the commands that ask a running server.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use integrations::{find_credentials, sign_request};
use serde_json::Value;

use crate::config::{REGION, environment};
use crate::failure::Failure;

/// How long a server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Calls one server.
pub(crate) struct Client {
    endpoint: http::Uri,
    tokio: tokio::runtime::Runtime,
    http: HttpClient<HttpConnector, Full<Bytes>>,
}

impl Client {
    /// A client of the server at a URL such as `http://127.0.0.1:8083`.
    pub(crate) fn new(endpoint: &str) -> Result<Client, Failure> {
        let endpoint: http::Uri = endpoint
            .parse()
            .map_err(|error| Failure::usage(format!("`{endpoint}` is not a URL: {error}")))?;
        if endpoint.scheme_str() != Some("http") {
            return Err(Failure::usage(format!("`{endpoint}` does not begin with http://")));
        }
        let tokio = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::unsuccessful(format!("cannot start: {error}")))?;
        let http = HttpClient::builder(TokioExecutor::new()).build_http();
        Ok(Client { endpoint, tokio, http })
    }

    /// Calls an operation and gives its answer. Signed, where the environment has credentials.
    pub(crate) fn call(&self, operation: &str, request: &Value) -> Result<Value, Failure> {
        let endpoint = &self.endpoint;
        let cannot = |error: String| Failure::usage(format!("cannot ask {endpoint}: {error}"));
        let host = endpoint.authority().map_or("", http::uri::Authority::as_str);
        let mut request = http::Request::post(endpoint)
            .header("host", host)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AWSStepFunctions.{operation}"))
            .body(Bytes::from(request.to_string()))
            .map_err(|error| cannot(error.to_string()))?;
        let variables = std::env::vars().collect();
        if let Some(credentials) = find_credentials(&variables) {
            let region = ["AWS_REGION", "AWS_DEFAULT_REGION"];
            let region = region.into_iter().find_map(environment);
            let region = region.as_deref().unwrap_or(REGION);
            sign_request(&mut request, credentials, region, "states").map_err(cannot)?;
        }
        let request = request.map(Full::new);
        let answer = self.tokio.block_on(async {
            tokio::time::timeout(TIMEOUT, async {
                let response =
                    self.http.request(request).await.map_err(|error| error.to_string())?;
                let status = response.status();
                let body = response.into_body().collect().await;
                let body = body.map_err(|error| error.to_string())?.to_bytes();
                Ok::<_, String>((status, body))
            })
            .await
        });
        let (status, body) = match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                return Err(Failure::unsuccessful(format!("cannot reach {endpoint}: {error}"))
                    .hint("is the server running? --endpoint names another one"));
            }
            Err(_) => {
                let seconds = TIMEOUT.as_secs();
                return Err(Failure::unsuccessful(format!(
                    "{endpoint} did not answer within {seconds} s"
                )));
            }
        };
        let answer: Value = serde_json::from_slice(&body).map_err(|_| {
            Failure::unsuccessful(format!("{endpoint} answered {status} without JSON"))
        })?;
        if status.is_success() {
            return Ok(answer);
        }
        let kind = answer["__type"].as_str().unwrap_or("an unknown error");
        let kind = kind.rsplit('#').next().unwrap_or(kind);
        let message = answer["message"].as_str().unwrap_or("no message");
        Err(Failure::unsuccessful(format!("{kind}: {message}")))
    }
}
