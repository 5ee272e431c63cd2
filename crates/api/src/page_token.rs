//! Page tokens: where a list goes on, sealed so that a client can neither read anything into
//! them nor make one up, and bound to the operation and the filters they were given for.

use asl::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::error::ApiError;

/// How long a token can be used (AWS: 24 hours), in seconds.
const VALID_SECONDS: u64 = 24 * 60 * 60;

/// The first byte of a token: the version of its layout.
const VERSION: u8 = 1;

const EXPIRY_BYTES: usize = 8;
const TAG_BYTES: usize = 32;

/// Seals and opens page tokens.
pub(crate) struct PageTokens {
    secret: [u8; 32],
}

impl PageTokens {
    pub(crate) fn new(secret: [u8; 32]) -> PageTokens {
        PageTokens { secret }
    }

    /// A token for going on at `place`. `binding` is everything that the next request must
    /// repeat: the operation and its filters.
    pub(crate) fn seal(&self, binding: &[&str], place: &[u8], now: Timestamp) -> String {
        let expiry = now.plus_seconds(VALID_SECONDS);
        let mut token = Vec::with_capacity(1 + EXPIRY_BYTES + place.len() + TAG_BYTES);
        token.push(VERSION);
        token.extend_from_slice(&expiry.0.to_be_bytes());
        token.extend_from_slice(place);
        let tag = self.authenticate(binding, &token).finalize().into_bytes();
        token.extend_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The place a token was sealed for. A token that is not ours, was given for something else
    /// or is too old is AWS's InvalidToken.
    pub(crate) fn open(
        &self,
        binding: &[&str],
        token: &str,
        now: Timestamp,
    ) -> Result<Vec<u8>, ApiError> {
        self.unseal(binding, token, now).ok_or_else(ApiError::invalid_token)
    }

    fn unseal(&self, binding: &[&str], token: &str, now: Timestamp) -> Option<Vec<u8>> {
        let token = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (sealed, tag) = token.split_at_checked(token.len().checked_sub(TAG_BYTES)?)?;
        self.authenticate(binding, sealed).verify_slice(tag).ok()?;
        let (&version, rest) = sealed.split_first()?;
        let (expiry, place) = rest.split_at_checked(EXPIRY_BYTES)?;
        let expiry = Timestamp(i64::from_be_bytes(expiry.try_into().ok()?));
        (version == VERSION && now <= expiry).then(|| place.to_vec())
    }

    fn authenticate(&self, binding: &[&str], sealed: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret)
            .expect("a key of any length will do for HMAC");
        // Lengths go in front, so that no two bindings give the same bytes.
        for part in binding.iter().map(|part| part.as_bytes()).chain([sealed]) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_667_510_400_123);

    #[test]
    fn a_token_leads_back_to_its_place() {
        let tokens = PageTokens::new([7; 32]);
        let token = tokens.seal(&["ListExecutions", "arn"], b"place", NOW);
        assert_eq!(tokens.open(&["ListExecutions", "arn"], &token, NOW).unwrap(), b"place");
        let last_moment = NOW.plus_seconds(VALID_SECONDS);
        assert!(tokens.open(&["ListExecutions", "arn"], &token, last_moment).is_ok());
        let too_late = last_moment.plus_milliseconds(1);
        assert!(tokens.open(&["ListExecutions", "arn"], &token, too_late).is_err());
    }

    #[test]
    fn a_token_serves_only_what_it_was_given_for() {
        let tokens = PageTokens::new([7; 32]);
        let token = tokens.seal(&["ListExecutions", "arn"], b"place", NOW);
        for binding in [&["ListMapRuns", "arn"][..], &["ListExecutions", "ar", "n"], &[]] {
            assert!(tokens.open(binding, &token, NOW).is_err());
        }
        let others = PageTokens::new([8; 32]);
        assert!(others.open(&["ListExecutions", "arn"], &token, NOW).is_err());
    }

    #[test]
    fn a_changed_token_is_refused() {
        let tokens = PageTokens::new([7; 32]);
        let token = tokens.seal(&["ListActivities"], b"place", NOW);
        for index in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(tokens.open(&["ListActivities"], &changed, NOW).is_err(), "{index}");
        }
        for other in ["", "x", "AAAA", "ü", &token[1..], &token[..token.len() - 1]] {
            assert!(tokens.open(&["ListActivities"], other, NOW).is_err());
        }
    }
}
