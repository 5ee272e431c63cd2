//! Events on their way to a webhook: `POST` with a JSON body.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Request, StatusCode, Uri};

use crate::client::HttpClient;

/// Time in which an event must be taken.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read; nothing in it matters.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A webhook.
pub struct Webhook {
    client: HttpClient,
    url: Uri,
    authorization: Option<HeaderValue>,
}

impl fmt::Debug for Webhook {
    /// Without what proves who we are; the URL may do so too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("host", &self.url.host()).finish_non_exhaustive()
    }
}

impl Webhook {
    /// The webhook at an `http` or `https` URL. The token goes with every event as
    /// `Authorization: Bearer`.
    ///
    /// # Errors
    /// The URL or the token cannot be used; in words.
    pub fn new(url: &str, token: Option<&str>) -> Result<Webhook, String> {
        let uri: Uri = url.parse().map_err(|error| format!("the webhook's URL: {error}"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            return Err("the webhook's URL must begin with http:// or https://".to_owned());
        }
        let authorization = token.map(|token| {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| "the webhook's token has characters that no header can have")?;
            value.set_sensitive(true);
            Ok::<_, String>(value)
        });
        let authorization = authorization.transpose()?;
        Ok(Webhook { client: HttpClient::new(), url: uri, authorization })
    }

    /// Sends a body; the status of the answer.
    ///
    /// # Errors
    /// There was no answer; why, in words.
    pub async fn post(&self, body: Bytes) -> Result<StatusCode, String> {
        let mut request = Request::post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| error.to_string())?;
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        let sent = tokio::time::timeout(TIMEOUT, self.client.send(request, ANSWER_BYTES_MAX));
        match sent.await {
            Ok(answer) => answer.map(|answer| answer.status()),
            Err(_) => Err(format!("no answer within {} seconds", TIMEOUT.as_secs())),
        }
    }
}
