//! The access keys that callers sign with: ids, secrets, roles, and the keys derived from the
//! secrets for a day and a region, kept because deriving one costs as much as four signatures.

use std::collections::HashMap;
use std::fmt;
use std::sync::RwLock;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Derived keys kept for one access key: two days at midnight, in a few regions.
const DERIVED_KEYS_MAX: usize = 16;

/// The service that requests must be signed for.
pub(crate) const SERVICE: &str = "states";

/// What the holder of a key may do. What each role may call is in `rights`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// Runs executions, and does what workers and readers do.
    Operator,
    /// Does the work of tasks.
    Worker,
    /// Looks.
    Reader,
}

/// An access key.
#[derive(Clone)]
pub struct AccessKey {
    pub id: String,
    pub secret: String,
    /// If set, every request must send this token too, as with AWS's temporary keys; if not,
    /// none may.
    pub session_token: Option<String>,
    pub role: Role,
    /// The account that the holder acts in: twelve digits.
    pub account: String,
    /// What the holder is called in texts that refuse something.
    pub user: String,
}

impl fmt::Debug for AccessKey {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey")
            .field("id", &self.id)
            .field("role", &self.role)
            .field("account", &self.account)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// All access keys of a server, by id. Without any, signatures are not checked.
#[derive(Debug, Default)]
pub struct AccessKeys(HashMap<String, Entry>);

/// A key, and what was derived from its secret.
struct Entry {
    key: AccessKey,
    derived: RwLock<Vec<Derived>>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}

/// The signing key of one day and region, ready to sign.
struct Derived {
    date: String,
    region: String,
    signing: Hmac<Sha256>,
}

impl AccessKeys {
    /// The keys by id. A later one with the same id takes the place of an earlier one.
    pub fn new(keys: impl IntoIterator<Item = AccessKey>) -> AccessKeys {
        let entry = |key: AccessKey| (key.id.clone(), Entry { key, derived: RwLock::default() });
        AccessKeys(keys.into_iter().map(entry).collect())
    }

    /// Whether nobody has to sign.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&AccessKey> {
        self.0.get(id).map(|entry| &entry.key)
    }

    /// What signs a text with the secret of the key, for a day (`YYYYMMDD`) and a region.
    pub(crate) fn signing(&self, id: &str, date: &str, region: &str) -> Option<Hmac<Sha256>> {
        let entry = self.0.get(id)?;
        let is_it = |derived: &&Derived| derived.date == date && derived.region == region;
        let kept = entry.derived.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(derived) = kept.iter().find(is_it) {
            return Some(derived.signing.clone());
        }
        drop(kept);
        let signing = derive(&entry.key.secret, date, region);
        let derived =
            Derived { date: date.to_owned(), region: region.to_owned(), signing: signing.clone() };
        let mut kept = entry.derived.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if kept.len() >= DERIVED_KEYS_MAX {
            kept.remove(0);
        }
        kept.push(derived);
        Some(signing)
    }
}

/// AWS's chain from a secret to the key of a day, a region and this service.
fn derive(secret: &str, date: &str, region: &str) -> Hmac<Sha256> {
    let first = mac(format!("AWS4{secret}").as_bytes());
    [date, region, SERVICE, "aws4_request"].into_iter().fold(first, |mut key, part| {
        key.update(part.as_bytes());
        mac(&key.finalize().into_bytes())
    })
}

pub(crate) fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("a key of any length will do for HMAC")
}
