//! `States.Base64Encode`, `States.Base64Decode`, `States.Hash`.

use std::fmt::Write as _;

use base64::Engine as _;
use md5::Md5;
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{Failure, INVALID, Outcome};
use crate::java;

/// How many characters (UTF-16 units) these functions accept.
const LENGTH_MAX: usize = 10_000;

fn limited(text: &str) -> Result<&str, Failure> {
    let is_short = text.len() <= LENGTH_MAX || text.encode_utf16().count() <= LENGTH_MAX;
    if is_short { Ok(text) } else { Err(INVALID) }
}

pub(super) fn base64_encode(text: &Value) -> Outcome {
    let text = limited(text.as_str().ok_or(INVALID)?)?;
    Ok(base64::engine::general_purpose::STANDARD.encode(text).into())
}

/// As lenient as AWS: characters outside both alphabets are skipped, padding ends the text and
/// may be left out.
pub(super) fn base64_decode(text: &Value) -> Outcome {
    let text = limited(text.as_str().ok_or(INVALID)?)?;
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for character in text.bytes() {
        let sextet = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => continue,
        };
        bits = bits << 6 | u32::from(sextet);
        count += 6;
        if count >= 8 {
            count -= 8;
            #[expect(clippy::cast_possible_truncation, reason = "the higher bits are written")]
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned().into())
}

/// Anything but a text is hashed as its JSON text.
pub(super) fn hash(value: &Value, algorithm: &Value) -> Outcome {
    let algorithm = algorithm.as_str().ok_or(INVALID)?;
    let digest = match value {
        Value::String(text) => digest(limited(text)?, algorithm),
        other => digest(limited(&java::json_text(other))?, algorithm),
    };
    digest.map(Value::from).ok_or(INVALID)
}

/// The digest in lower-case hexadecimal digits; nothing for an algorithm AWS does not know.
pub(crate) fn digest(text: &str, algorithm: &str) -> Option<String> {
    fn hexadecimal(bytes: &[u8]) -> String {
        let mut text = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
    Some(match algorithm {
        "MD5" => hexadecimal(&Md5::digest(text)),
        "SHA-1" => hexadecimal(&Sha1::digest(text)),
        "SHA-256" => hexadecimal(&Sha256::digest(text)),
        "SHA-384" => hexadecimal(&Sha384::digest(text)),
        "SHA-512" => hexadecimal(&Sha512::digest(text)),
        _ => return None,
    })
}
