//! AWS's Signature Version 4, from the side that checks it: what a request says about its
//! signature, in a header or in its query, and what the signature must then be.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::Mac as _;
use http::header::AUTHORIZATION;
use http::request::Parts;
use sha2::{Digest as _, Sha256};

use super::encoding::{canonical_path, canonical_query, decode_pairs};
use crate::error::{ApiError, ErrorType};

/// The only algorithm that there is.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The last part of a credential scope.
const TERMINATOR: &str = "aws4_request";
/// The parameter that holds the signature of a presigned request.
const QUERY_SIGNATURE: &str = "X-Amz-Signature";

/// What a request says about its signature.
#[derive(Debug)]
pub(crate) struct Signature<'r> {
    credential: Cow<'r, str>,
    /// As the request names them: `host;x-amz-date`.
    pub(crate) signed_headers: Cow<'r, str>,
    /// Hexadecimal.
    signature: Cow<'r, str>,
    /// `YYYYMMDDTHHMMSSZ`.
    pub(crate) date: Cow<'r, str>,
    pub(crate) session_token: Option<Cow<'r, str>>,
    /// Seconds a presigned request is good for; none for a signature in a header.
    pub(crate) expires: Option<u64>,
}

/// The parts of a credential: whose key, and what it was derived for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Credential<'s> {
    pub(crate) key_id: &'s str,
    pub(crate) date: &'s str,
    pub(crate) region: &'s str,
    pub(crate) service: &'s str,
    pub(crate) terminator: &'s str,
}

/// The text of a header; none if it is absent or no plain text.
fn header<'r>(head: &'r Parts, name: &str) -> Option<&'r str> {
    head.headers.get(name)?.to_str().ok()
}

impl<'r> Signature<'r> {
    /// Reads the signature of a request. One without any is AWS's
    /// MissingAuthenticationTokenException, an unfinished one its IncompleteSignatureException.
    pub(crate) fn read(head: &'r Parts) -> Result<Signature<'r>, ApiError> {
        if let Some(authorization) = head.headers.get(AUTHORIZATION) {
            let text = authorization.to_str().map_err(|_| incomplete_header(authorization))?;
            return Signature::in_header(head, text);
        }
        let query = head.uri.query().unwrap_or_default();
        if query.contains(QUERY_SIGNATURE) || query.contains("X-Amz-Algorithm") {
            return Signature::in_query(query);
        }
        Err(ApiError::new(ErrorType::MissingAuthenticationToken, "Missing Authentication Token"))
    }

    fn in_header(head: &'r Parts, text: &'r str) -> Result<Signature<'r>, ApiError> {
        let date = header(head, "x-amz-date").or_else(|| header(head, "date"));
        let (mut credential, mut signature, mut signed_headers) = (None, None, None);
        if let Some(fields) = text.strip_prefix(ALGORITHM) {
            for field in fields.split(',').map(str::trim_ascii) {
                let Some((name, value)) = field.split_once('=') else {
                    return Err(not_a_pair(text));
                };
                match name {
                    "Credential" => credential = Some(value),
                    "Signature" => signature = Some(value),
                    "SignedHeaders" => signed_headers = Some(value),
                    _ => {}
                }
            }
        }
        if let (Some(credential), Some(signature), Some(signed_headers), Some(date)) =
            (credential, signature, signed_headers, date)
        {
            return Ok(Signature {
                credential: credential.into(),
                signed_headers: signed_headers.into(),
                signature: signature.into(),
                date: date.into(),
                session_token: header(head, "x-amz-security-token").map(Cow::from),
                expires: None,
            });
        }
        let mut message = String::new();
        for (name, value) in [
            ("Credential", credential),
            ("Signature", signature),
            ("SignedHeaders", signed_headers),
        ] {
            if value.is_none() {
                let _ = write!(message, "Authorization header requires '{name}' parameter. ");
            }
        }
        if date.is_none() {
            message.push_str(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' \
                 header. ",
            );
        }
        let _ = write!(
            message,
            "(Hashed with SHA-256 and encoded with Base64) Authorization={}",
            hashed(text.as_bytes())
        );
        Err(ApiError::new(ErrorType::IncompleteSignature, message))
    }

    fn in_query(query: &'r str) -> Result<Signature<'r>, ApiError> {
        let pairs = decode_pairs(query);
        let find = |wanted: &str| {
            let found = pairs.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.clone())
        };
        let wanted =
            ["X-Amz-Algorithm", "X-Amz-Credential", QUERY_SIGNATURE, "X-Amz-SignedHeaders"];
        let values = wanted.map(find);
        let date = find("X-Amz-Date");
        if let (
            [Some(algorithm), Some(credential), Some(signature), Some(signed_headers)],
            Some(date),
        ) = (values.clone(), date.clone())
            && algorithm == ALGORITHM
        {
            let expires = find("X-Amz-Expires");
            // Without it AWS takes the window of a signature in a header.
            let expires = expires.map(|seconds| seconds.parse().map_err(|_| wrong_expiry()));
            return Ok(Signature {
                credential,
                signed_headers,
                signature,
                date,
                session_token: find("X-Amz-Security-Token"),
                expires: expires.transpose()?,
            });
        }
        let mut message = String::new();
        let names = wanted.into_iter().chain(["X-Amz-Date"]);
        for (name, value) in names.zip(values.into_iter().chain([date])) {
            let is_right =
                value.is_some_and(|value| name != "X-Amz-Algorithm" || value == ALGORITHM);
            if !is_right {
                let _ = write!(message, "AWS query-string parameters must include '{name}'. ");
            }
        }
        message.push_str("Re-examine the query-string parameters.");
        Err(ApiError::new(ErrorType::IncompleteSignature, message))
    }

    /// The credential's five parts.
    pub(crate) fn credential(&self) -> Result<Credential<'_>, ApiError> {
        let mut parts = self.credential.split('/');
        let mut next = || parts.next();
        if let (Some(key_id), Some(date), Some(region), Some(service), Some(terminator), None) =
            (next(), next(), next(), next(), next(), next())
        {
            return Ok(Credential { key_id, date, region, service, terminator });
        }
        let message = format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. \
             keyid/date/region/service/term, got '{}'",
            self.credential
        );
        Err(ApiError::new(ErrorType::IncompleteSignature, message))
    }

    pub(crate) fn signs(&self, header: &str) -> bool {
        self.signed_headers.split(';').any(|signed| signed.eq_ignore_ascii_case(header))
    }

    /// Whether the signature is what `signing`, a key derived for the credential's scope, makes
    /// of the request. Takes the same time whatever is wrong.
    pub(crate) fn is_made_by(&self, mut signing: Hmac<Sha256>, head: &Parts, body: &[u8]) -> bool {
        let mut given = [0; 32];
        if !read_hex(&self.signature, &mut given) {
            return false;
        }
        signing.update(self.string_to_sign(head, body).as_bytes());
        signing.verify_slice(&given).is_ok()
    }

    fn string_to_sign(&self, head: &Parts, body: &[u8]) -> String {
        let canonical = Sha256::digest(self.canonical_request(head, body));
        let scope = self.credential.split_once('/').map_or("", |(_, scope)| scope);
        let mut text = format!("{ALGORITHM}\n{}\n{scope}\n", self.date);
        write_hex(&mut text, &canonical);
        text
    }

    fn canonical_request(&self, head: &Parts, body: &[u8]) -> String {
        let mut text = String::with_capacity(512);
        text.push_str(head.method.as_str());
        text.push('\n');
        canonical_path(&mut text, head.uri.path());
        text.push('\n');
        canonical_query(&mut text, head.uri.query().unwrap_or_default(), QUERY_SIGNATURE);
        text.push('\n');
        for name in self.signed_headers.split(';') {
            text.push_str(name);
            text.push(':');
            for (at, value) in head.headers.get_all(name).iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                push_value(&mut text, value.as_bytes());
            }
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.signed_headers);
        text.push('\n');
        write_hex(&mut text, &Sha256::digest(body));
        text
    }
}

/// The credential's terminator is right.
pub(crate) fn is_terminated(credential: Credential<'_>) -> bool {
    credential.terminator == TERMINATOR
}

/// A header's value without blanks around it, and with one blank for each run of them.
fn push_value(text: &mut String, value: &[u8]) {
    let value = String::from_utf8_lossy(value);
    for (at, word) in value.split(' ').filter(|word| !word.is_empty()).enumerate() {
        if at > 0 {
            text.push(' ');
        }
        text.push_str(word);
    }
}

fn write_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

fn read_hex(text: &str, bytes: &mut [u8; 32]) -> bool {
    let text = text.as_bytes();
    if text.len() != 2 * bytes.len() {
        return false;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    for (byte, digits) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let (Some(high), Some(low)) = (digit(digits[0]), digit(digits[1])) else { return false };
        *byte = high << 4 | low;
    }
    true
}

/// AWS shows no credentials in its answers, only what they hash to.
fn hashed(text: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(text))
}

fn incomplete_header(value: &http::HeaderValue) -> ApiError {
    not_a_pair_of(value.as_bytes())
}

fn not_a_pair(text: &str) -> ApiError {
    not_a_pair_of(text.as_bytes())
}

fn not_a_pair_of(header: &[u8]) -> ApiError {
    let message = format!(
        "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with \
         SHA-256 and encoded with Base64): '{}'.",
        hashed(header)
    );
    ApiError::new(ErrorType::IncompleteSignature, message)
}

fn wrong_expiry() -> ApiError {
    ApiError::new(ErrorType::IncompleteSignature, "X-Amz-Expires should be a number")
}
