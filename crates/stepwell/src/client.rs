//! A small client of the Step Functions API, for the commands that ask a running server.

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use integrations::{find_credentials, sign_request};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;

use crate::config::{REGION, environment};
use crate::failure::Failure;

/// The server that is asked if nobody names another one.
const ENDPOINT: &str = "http://127.0.0.1:8083";
/// How long a server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Calls one server.
pub(crate) struct Client {
    endpoint: http::Uri,
    tokio: tokio::runtime::Runtime,
    http: HttpClient<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Client {
    /// A client of the server that was named, or that the environment names.
    pub(crate) fn of(endpoint: Option<&str>, ca_bundle: Option<&Path>) -> Result<Client, Failure> {
        let endpoint = endpoint.map(str::to_owned);
        let endpoint = endpoint
            .or_else(|| environment("AWS_ENDPOINT_URL_SFN"))
            .or_else(|| environment("AWS_ENDPOINT_URL"));
        let ca_bundle = ca_bundle.map(Path::to_owned);
        let ca_bundle = ca_bundle.or_else(|| environment("AWS_CA_BUNDLE").map(PathBuf::from));
        Client::new(endpoint.as_deref().unwrap_or(ENDPOINT), ca_bundle.as_deref())
    }

    /// The server that is asked.
    pub(crate) fn endpoint(&self) -> &http::Uri {
        &self.endpoint
    }

    /// A client of the server at a URL such as `http://127.0.0.1:8083`. Where a bundle is given,
    /// it trusts the authorities in it, and no others.
    pub(crate) fn new(endpoint: &str, ca_bundle: Option<&Path>) -> Result<Client, Failure> {
        let endpoint: http::Uri = endpoint
            .parse()
            .map_err(|error| Failure::usage(format!("`{endpoint}` is not a URL: {error}")))?;
        if !matches!(endpoint.scheme_str(), Some("http" | "https")) {
            let error = format!("`{endpoint}` does not begin with http:// or https://");
            return Err(Failure::usage(error));
        }
        let tokio = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::unsuccessful(format!("cannot start: {error}")))?;
        let http = HttpClient::builder(TokioExecutor::new()).build(connector(ca_bundle)?);
        Ok(Client { endpoint, tokio, http })
    }

    /// Calls an operation of AWS's API and gives its answer.
    pub(crate) fn call(&self, operation: &str, request: &Value) -> Result<Value, Failure> {
        let builder = http::Request::post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AWSStepFunctions.{operation}"));
        self.send(builder, Bytes::from(request.to_string()))
    }

    /// Reads something beside AWS's API: a path, with its query.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Failure> {
        let mut parts = self.endpoint.clone().into_parts();
        parts.path_and_query = path.parse().ok();
        let uri = http::Uri::from_parts(parts)
            .map_err(|error| Failure::usage(format!("cannot ask {}: {error}", self.endpoint)))?;
        self.send(http::Request::get(uri), Bytes::new())
    }

    /// Signs, where the environment has credentials, sends, and reads the answer.
    fn send(&self, builder: http::request::Builder, body: Bytes) -> Result<Value, Failure> {
        let endpoint = &self.endpoint;
        let cannot = |error: String| Failure::usage(format!("cannot ask {endpoint}: {error}"));
        let host = endpoint.authority().map_or("", http::uri::Authority::as_str);
        let request = builder.header("host", host).body(body);
        let mut request = request.map_err(|error| cannot(error.to_string()))?;
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
                    self.http.request(request).await.map_err(|error| innermost(&error))?;
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
                let hint = match error.contains("certificate") {
                    true => "--ca-bundle or AWS_CA_BUNDLE names the authority to trust",
                    false => "is the server running? --endpoint names another one",
                };
                let error = format!("cannot reach {endpoint}: {error}");
                return Err(Failure::unsuccessful(error).hint(hint));
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
        let kind = answer["__type"].as_str().or(answer["code"].as_str());
        let kind = kind.unwrap_or("an unknown error");
        let kind = kind.rsplit('#').next().unwrap_or(kind);
        let message = answer["message"].as_str().unwrap_or("no message");
        Err(Failure::unsuccessful(format!("{kind}: {message}")))
    }
}

/// Connects with TLS or without it.
fn connector(ca_bundle: Option<&Path>) -> Result<HttpsConnector<HttpConnector>, Failure> {
    let builder = HttpsConnectorBuilder::new();
    let builder = match ca_bundle {
        None => builder.with_webpki_roots(),
        Some(path) => builder.with_tls_config(trusting(path).map_err(|problem| {
            Failure::usage(format!("the CA bundle {}: {problem}", path.display()))
        })?),
    };
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    Ok(builder.https_or_http().enable_http1().wrap_connector(connector))
}

/// What trusts the authorities of a PEM file.
fn trusting(path: &Path) -> Result<rustls::ClientConfig, String> {
    let pem = std::fs::read(path).map_err(|error| format!("cannot read it: {error}"))?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("there is no certificate in it".to_owned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// What went wrong, without what that led to.
fn innermost(error: &hyper_util::client::legacy::Error) -> String {
    let mut innermost = error.source();
    while let Some(next) = innermost.and_then(std::error::Error::source) {
        innermost = Some(next);
    }
    innermost.map_or_else(|| error.to_string(), ToString::to_string)
}
