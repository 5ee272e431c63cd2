//! Events on their way to a webhook: `POST` with a JSON body.

use bytes::Bytes;
use http::StatusCode;

use crate::http_endpoint::HttpEndpoint;

/// A webhook.
#[derive(Debug)]
pub struct Webhook(HttpEndpoint);

impl Webhook {
    /// The webhook at an `http` or `https` URL. The token goes with every event as
    /// `Authorization: Bearer`.
    ///
    /// # Errors
    /// The URL or the token cannot be used; in words.
    pub fn new(url: &str, token: Option<&str>) -> Result<Webhook, String> {
        let authorization =
            token.map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
        let headers: Vec<(String, String)> = authorization.into_iter().collect();
        HttpEndpoint::new(url, &headers)
            .map(Webhook)
            .map_err(|problem| format!("webhook: {problem}"))
    }

    /// Sends a body; the status of the answer.
    ///
    /// # Errors
    /// There was no answer; why, in words.
    pub async fn post(&self, body: Bytes) -> Result<StatusCode, String> {
        self.0.post("application/json", body).await.map(|answer| answer.status)
    }
}
