//! UUIDs that follow from a name.

use md5::{Digest, Md5};

/// The UUID of version 3 that Java's `UUID.nameUUIDFromBytes` makes of a name: the same name
/// always has the same one. AWS names the Map Runs and their children so.
pub fn name_based_uuid(name: &str) -> String {
    use std::fmt::Write as _;
    let mut bytes: [u8; 16] = Md5::digest(name).into();
    bytes[6] = (bytes[6] & 0x0F) | 0x30;
    bytes[8] = (bytes[8] & 0x3F) | 0x80;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        write!(text, "{byte:02x}").expect("a String takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_those_of_java() {
        // `UUID.nameUUIDFromBytes("hello".getBytes())`
        assert_eq!(name_based_uuid("hello"), "5d41402a-bc4b-3a76-b971-9d911017c592");
        assert_ne!(name_based_uuid("hello"), name_based_uuid("Hello"));
    }
}
