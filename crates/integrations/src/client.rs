//! The HTTP client of all outgoing calls.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Time in which a connection must be there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Keeps connections open between calls.
#[derive(Clone)]
pub(crate) struct HttpClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl HttpClient {
    pub(crate) fn new() -> HttpClient {
        let connector = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(http_connector());
        HttpClient(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// A client that believes the authorities in these PEM certificates, and no others.
    pub(crate) fn trusting(pem: &[u8]) -> Result<HttpClient, String> {
        HttpClient::of_cluster(Some(pem), None)
    }

    /// A client for one server: it believes the authorities in these PEM certificates (those that
    /// everybody believes, if none are given), and shows a certificate of its own if it has one,
    /// as PEM with its key.
    pub(crate) fn of_cluster(
        authorities: Option<&[u8]>,
        own: Option<(&[u8], &[u8])>,
    ) -> Result<HttpClient, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let config = match authorities {
            None => config.with_webpki_roots(),
            Some(pem) => {
                let mut roots = rustls::RootCertStore::empty();
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    let certificate = certificate.map_err(|error| format!("{error:?}"))?;
                    roots.add(certificate).map_err(|error| error.to_string())?;
                }
                if roots.is_empty() {
                    return Err("there is no certificate".to_owned());
                }
                config.with_root_certificates(roots)
            }
        };
        let config = match own {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain: Result<Vec<CertificateDer<'static>>, _> =
                    CertificateDer::pem_slice_iter(certificate).collect();
                let chain = chain.map_err(|error| format!("the certificate: {error:?}"))?;
                let key = PrivateKeyDer::from_pem_slice(key)
                    .map_err(|error| format!("the key: {error:?}"))?;
                config.with_client_auth_cert(chain, key).map_err(|error| error.to_string())?
            }
        };
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http_connector());
        Ok(HttpClient(Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// Sends a request, and gives the answer as it comes in. The error is a text that follows
    /// `Unable to execute HTTP request: `.
    pub(crate) async fn stream(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<Incoming>, String> {
        self.0.request(request.map(Full::new)).await.map_err(|error| innermost(&error))
    }

    /// Sends a request and reads the whole answer, at most `limit` bytes of it. There is no
    /// other bound in time than that somebody drops the future. The error is a text that
    /// follows `Unable to execute HTTP request: `.
    pub(crate) async fn send(
        &self,
        request: Request<Bytes>,
        limit: usize,
    ) -> Result<Response<Bytes>, String> {
        self.exchange(request, limit).await.map_err(|error| match error {
            SendError::TooLarge => format!("the answer is longer than {limit} bytes"),
            SendError::Failed(reason) => reason,
        })
    }

    /// Like [`HttpClient::send`], with an error that tells an answer that is too long.
    pub(crate) async fn exchange(
        &self,
        request: Request<Bytes>,
        limit: usize,
    ) -> Result<Response<Bytes>, SendError> {
        let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let response = self.0.request(request.map(Full::new)).await.map_err(|error| {
            let reason = innermost(&error);
            SendError::Failed(if error.is_connect() {
                format!("Connect to {authority} failed: {reason}")
            } else {
                reason
            })
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, limit).collect().await.map_err(|error| match error
            .is::<LengthLimitError>(
        ) {
            true => SendError::TooLarge,
            false => {
                SendError::Failed(format!("failed to read the answer of {authority}: {error}"))
            }
        })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

fn http_connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SendError {
    /// It is longer than the limit.
    TooLarge,
    /// A text that follows `Unable to execute HTTP request: `.
    Failed(String),
}

/// The reason at the bottom of an error, without the number of the operating system's error.
fn innermost(error: &hyper_util::client::legacy::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = error.to_string();
        source = error.source();
    }
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
