//! Checksums of bodies, where an operation wants one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde_json::Value;
use service_models::Operation;
use sha1::Sha1;
use sha2::Sha256;

use super::serialize::WireRequest;

/// The headers with the checksum of a request's body: by the algorithm that the parameters
/// choose, else MD5 where the operation must have one.
pub(super) fn headers(
    operation: &Operation,
    input: &Value,
    wire: &WireRequest,
) -> Vec<(&'static str, String)> {
    let is_given = wire.headers.iter().any(|(name, _)| {
        let name = name.to_ascii_lowercase();
        name == "content-md5"
            || name.starts_with("x-amz-checksum-") && name != "x-amz-checksum-algorithm"
    });
    if is_given {
        return Vec::new();
    }
    let chosen = operation.checksum_member.as_deref().and_then(|name| input.get(name)?.as_str());
    let body = &wire.body;
    let (name, bytes) = match chosen {
        Some("SHA256") => ("x-amz-checksum-sha256", Sha256::digest(body).to_vec()),
        Some("SHA1") => ("x-amz-checksum-sha1", Sha1::digest(body).to_vec()),
        Some("CRC32") => ("x-amz-checksum-crc32", crc32(body).to_be_bytes().to_vec()),
        Some("CRC32C") => ("x-amz-checksum-crc32c", crc(body, 0x82F6_3B78).to_be_bytes().to_vec()),
        _ if operation.needs_checksum => ("content-md5", Md5::digest(body).to_vec()),
        _ => return Vec::new(),
    };
    vec![(name, STANDARD.encode(bytes))]
}

/// The check that ZIP uses.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    crc(bytes, 0xEDB8_8320)
}

/// A cyclic redundancy check of 32 bits, its polynomial with the lowest bit first.
fn crc(bytes: &[u8], polynomial: u32) -> u32 {
    let mut rest = u32::MAX;
    for byte in bytes {
        rest ^= u32::from(*byte);
        for _ in 0..8 {
            rest = if rest & 1 == 1 { (rest >> 1) ^ polynomial } else { rest >> 1 };
        }
    }
    !rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_those_of_the_standard() {
        assert_eq!(crc(b"123456789", 0xEDB8_8320), 0xCBF4_3926);
        assert_eq!(crc(b"123456789", 0x82F6_3B78), 0xE306_9283);
    }
}
