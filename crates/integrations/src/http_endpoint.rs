//! An address that bodies are posted to: a webhook, a collector.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri};

use crate::client::HttpClient;

/// Time in which a body must be taken.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// An `http` or `https` address with the headers that every request has.
pub struct HttpEndpoint {
    client: HttpClient,
    url: Uri,
    headers: HeaderMap,
}

/// What an endpoint answered.
#[derive(Debug, Clone)]
pub struct HttpAnswer {
    pub status: StatusCode,
    /// How long it wants to be left alone, where it says so in seconds.
    pub retry_after: Option<Duration>,
    pub body: Bytes,
}

impl fmt::Debug for HttpEndpoint {
    /// Without what proves who we are; the URL may do so too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpEndpoint").field("host", &self.url.host()).finish_non_exhaustive()
    }
}

impl HttpEndpoint {
    /// # Errors
    /// The URL or a header cannot be used; in words, without what they say.
    pub fn new(url: &str, headers: &[(String, String)]) -> Result<HttpEndpoint, String> {
        let uri: Uri = url.parse().map_err(|error| format!("the URL: {error}"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            return Err("the URL must begin with http:// or https://".to_owned());
        }
        let mut checked = HeaderMap::new();
        for (name, value) in headers {
            let key = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("'{name}' is not the name of a header"))?;
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| format!("the header {name} has characters that no header can have"))?;
            value.set_sensitive(true);
            checked.insert(key, value);
        }
        Ok(HttpEndpoint { client: HttpClient::new(), url: uri, headers: checked })
    }

    /// Sends a body.
    ///
    /// # Errors
    /// There was no answer; why, in words.
    pub async fn post(&self, content_type: &str, body: Bytes) -> Result<HttpAnswer, String> {
        let mut request = Request::post(self.url.clone())
            .header(CONTENT_TYPE, content_type)
            .body(body)
            .map_err(|error| error.to_string())?;
        for (name, value) in &self.headers {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        let sent = tokio::time::timeout(TIMEOUT, self.client.send(request, ANSWER_BYTES_MAX));
        let answer =
            sent.await.map_err(|_| format!("no answer within {} seconds", TIMEOUT.as_secs()))??;
        let retry_after = answer.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Ok(HttpAnswer {
            status: answer.status(),
            retry_after: retry_after.map(Duration::from_secs),
            body: answer.into_body(),
        })
    }
}
