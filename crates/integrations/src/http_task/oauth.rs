//! Tokens by OAuth 2.0 client credentials, kept until they expire or are refused.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::Request;
use serde_json::Value;

use super::connections::{ClientAuthentication, OAuth, OAuthMethod};
use super::form::append_pair;
use crate::client::HttpClient;

/// Bytes of an answer with a token.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// A token is renewed so long before it expires.
const MARGIN: Duration = Duration::from_secs(30);
/// How long a token is kept that does not say when it expires.
const LIFETIME: Duration = Duration::from_secs(3600);
/// How long a token may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Tokens by the way in which they were asked for.
#[derive(Default)]
pub(super) struct TokenCache(Mutex<Vec<Cached>>);

struct Cached {
    oauth: OAuth,
    token: Arc<str>,
    renew_at: Instant,
}

/// A token, and whether it was kept from an earlier request.
pub(super) struct Token {
    pub(super) text: Arc<str>,
    pub(super) is_kept: bool,
}

impl TokenCache {
    /// A token that was kept, or a new one. The error says why there is none.
    pub(super) async fn token(&self, client: &HttpClient, oauth: &OAuth) -> Result<Token, String> {
        if let Some(text) = self.kept(oauth) {
            return Ok(Token { text, is_kept: true });
        }
        let asked = tokio::time::timeout(PATIENCE, ask(client, oauth));
        let (text, lifetime) =
            asked.await.map_err(|_| "the authorization endpoint did not answer".to_owned())??;
        let renew_at = Instant::now() + lifetime.saturating_sub(MARGIN);
        let mut cache = self.lock();
        cache.retain(|cached| cached.oauth != *oauth && cached.renew_at > Instant::now());
        cache.push(Cached { oauth: oauth.clone(), token: Arc::clone(&text), renew_at });
        Ok(Token { text, is_kept: false })
    }

    /// A token was refused: the next request gets a new one.
    pub(super) fn forget(&self, token: &str) {
        self.lock().retain(|cached| &*cached.token != token);
    }

    fn kept(&self, oauth: &OAuth) -> Option<Arc<str>> {
        let now = Instant::now();
        let cache = self.lock();
        let found = cache.iter().find(|cached| cached.oauth == *oauth && cached.renew_at > now);
        found.map(|cached| Arc::clone(&cached.token))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Cached>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ask(client: &HttpClient, oauth: &OAuth) -> Result<(Arc<str>, Duration), String> {
    let request = build(oauth).map_err(|error| error.to_string())?;
    let response = client.send(request, ANSWER_BYTES_MAX).await?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("the authorization endpoint answered {}", status.as_u16()));
    }
    let answer: Value = serde_json::from_slice(response.body())
        .map_err(|_| "the authorization endpoint did not answer with JSON".to_owned())?;
    let token = answer["access_token"]
        .as_str()
        .ok_or_else(|| "the authorization endpoint answered without 'access_token'".to_owned())?;
    // Some servers send the number as a text.
    let seconds = match &answer["expires_in"] {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    };
    Ok((token.into(), seconds.map_or(LIFETIME, Duration::from_secs)))
}

fn build(oauth: &OAuth) -> Result<Request<Bytes>, http::Error> {
    let mut fields: Vec<(&str, &str)> = Vec::new();
    if !oauth.body.iter().chain(&oauth.query).any(|(name, _)| name == "grant_type") {
        fields.push(("grant_type", "client_credentials"));
    }
    if oauth.client_authentication == ClientAuthentication::Body {
        fields.extend([
            ("client_id", oauth.client_id.as_str()),
            ("client_secret", oauth.client_secret.as_str()),
        ]);
    }
    fields.extend(oauth.body.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let (mut form, mut query) = (String::new(), String::new());
    for (name, value) in &oauth.query {
        append_pair(&mut query, name, value);
    }
    // A GET has no body: its fields are in the URL.
    let in_url = oauth.method == OAuthMethod::Get;
    for (name, value) in fields {
        append_pair(if in_url { &mut query } else { &mut form }, name, value);
    }
    let separator = match (query.is_empty(), oauth.endpoint.contains('?')) {
        (true, _) => "",
        (false, true) => "&",
        (false, false) => "?",
    };
    let mut builder = Request::builder()
        .method(oauth.method.as_str())
        .uri(format!("{}{separator}{query}", oauth.endpoint))
        .header("Accept", "application/json");
    if oauth.client_authentication == ClientAuthentication::Basic {
        let basic = BASE64.encode(format!("{}:{}", oauth.client_id, oauth.client_secret));
        builder = builder.header("Authorization", format!("Basic {basic}"));
    }
    if !in_url {
        builder = builder.header("Content-Type", "application/x-www-form-urlencoded");
    }
    for (name, value) in &oauth.headers {
        builder = builder.header(name, value);
    }
    builder.body(Bytes::from(form))
}
