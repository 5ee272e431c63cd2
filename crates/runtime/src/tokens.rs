//! Task tokens: the names under which workers and callbacks report on one attempt of a task.
//!
//! A token is not stored. It carries the execution's key and the attempt's id, sealed with a
//! secret of the data directory: nobody can make one up, and the token of one attempt is never
//! that of another.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::TaskId;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use store::ExecutionKey;

/// The first byte of every token; other layouts get other numbers.
const LAYOUT: u8 = 1;
/// Layout, execution key, task id.
const BODY_BYTES: usize = 1 + 8 + 4;
/// What is kept of the seal's 32 bytes: 184 bits, so that a token is 48 characters without padding.
const SEAL_BYTES: usize = 23;

/// Seals and opens task tokens.
pub(crate) struct Tokens {
    /// Keyed once; cloned for every use.
    seal: Hmac<Sha256>,
    page_secret: [u8; 32],
    approval_secret: [u8; 32],
}

impl Tokens {
    /// Tokens sealed with this secret.
    pub(crate) fn new(secret: &[u8; 32]) -> Tokens {
        let keyed = |purpose: &[u8]| {
            let mut derive =
                Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a secret of any length");
            derive.update(purpose);
            <[u8; 32]>::from(derive.finalize().into_bytes())
        };
        let seal = Hmac::new_from_slice(&keyed(b"task tokens"))
            .expect("HMAC takes a secret of any length");
        Tokens {
            seal,
            page_secret: keyed(b"page tokens"),
            approval_secret: keyed(b"approval links"),
        }
    }

    /// The token of an attempt.
    pub(crate) fn seal(&self, execution: ExecutionKey, task: TaskId) -> String {
        let mut bytes = [0_u8; BODY_BYTES + SEAL_BYTES];
        bytes[0] = LAYOUT;
        bytes[1..9].copy_from_slice(&execution.0.to_be_bytes());
        bytes[9..BODY_BYTES].copy_from_slice(&task.0.to_be_bytes());
        let mut seal = self.seal.clone();
        seal.update(&bytes[..BODY_BYTES]);
        bytes[BODY_BYTES..].copy_from_slice(&seal.finalize().into_bytes()[..SEAL_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Whose token this is; none if it is not one of ours.
    pub(crate) fn open(&self, token: &str) -> Option<(ExecutionKey, TaskId)> {
        let mut bytes = [0_u8; BODY_BYTES + SEAL_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()?;
        if length != bytes.len() || bytes[0] != LAYOUT {
            return None;
        }
        let mut seal = self.seal.clone();
        seal.update(&bytes[..BODY_BYTES]);
        // Compares in constant time.
        seal.verify_truncated_left(&bytes[BODY_BYTES..]).ok()?;
        let key = u64::from_be_bytes(bytes[1..9].try_into().expect("eight bytes"));
        let task = u32::from_be_bytes(bytes[9..BODY_BYTES].try_into().expect("four bytes"));
        Some((ExecutionKey(key), TaskId(task)))
    }

    /// A secret for opaque page tokens, unrelated to that of the task tokens.
    pub(crate) fn page_secret(&self) -> [u8; 32] {
        self.page_secret
    }

    /// A secret for links of approvals, unrelated to that of the task tokens.
    pub(crate) fn approval_secret(&self) -> [u8; 32] {
        self.approval_secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_one_attempt() {
        let tokens = Tokens::new(&[7; 32]);
        for (key, task) in [(0, 0), (1, 2), (u64::MAX, u32::MAX)] {
            let token = tokens.seal(ExecutionKey(key), TaskId(task));
            assert_eq!(tokens.open(&token), Some((ExecutionKey(key), TaskId(task))));
        }
        assert_ne!(
            tokens.seal(ExecutionKey(1), TaskId(2)),
            tokens.seal(ExecutionKey(1), TaskId(3))
        );
    }

    #[test]
    fn nothing_else_opens() {
        let tokens = Tokens::new(&[7; 32]);
        let token = tokens.seal(ExecutionKey(5), TaskId(9));
        assert_eq!(Tokens::new(&[8; 32]).open(&token), None);
        for other in ["", "x", "AAAA", "not base64 at all", &token[1..], &format!("{token}A")] {
            assert_eq!(tokens.open(other), None, "{other}");
        }
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(tokens.open(&URL_SAFE_NO_PAD.encode(forged)), None, "bit {bit}");
        }
    }

    /// Tokens leave the process and come back after upgrades.
    #[test]
    fn old_tokens_still_open() {
        let token = include_str!("../../../testdata/formats/task_token_1.txt").trim();
        let tokens = Tokens::new(&[42; 32]);
        assert_eq!(tokens.open(token), Some((ExecutionKey(0x0102_0304_0506), TaskId(77))));
        assert_eq!(tokens.seal(ExecutionKey(0x0102_0304_0506), TaskId(77)), token);
    }
}
