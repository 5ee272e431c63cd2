//! The secret of the data directory, which seals the tokens of tasks.

use store::{Store, Write};

use crate::definitions::LoadError;
use crate::records::{self, SECRET_KEY, SecretRecord, kind};

/// The secret of the data directory; `fresh` becomes it if there is none.
pub(super) fn load_secret(store: &dyn Store, fresh: [u8; 32]) -> Result<[u8; 32], LoadError> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let Some(bytes) = store.record(kind::SECRET, SECRET_KEY)? else {
        let body = records::encode(&SecretRecord { secret: STANDARD.encode(fresh) });
        let key = SECRET_KEY.to_owned();
        store.commit(&[Write::PutRecord { kind: kind::SECRET, key, body }])?;
        return Ok(fresh);
    };
    let record: SecretRecord = records::decode(&bytes)
        .map_err(|error| LoadError::record(kind::SECRET, SECRET_KEY, &error))?;
    let decoded = STANDARD.decode(&record.secret).ok().and_then(|bytes| bytes.try_into().ok());
    decoded.ok_or_else(|| LoadError::Damaged("the secret of the tokens is damaged".to_owned()))
}
