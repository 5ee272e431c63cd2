//! How Signature Version 4 writes paths and queries: percent-encoded by rules of its own, sorted.

use std::borrow::Cow;

/// Appends a path as it is signed: `.`, `..` and empty segments resolved, every byte that is
/// not unreserved encoded once more.
pub(super) fn canonical_path(text: &mut String, path: &str) {
    if path == "/" {
        text.push('/');
        return;
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    for segment in &segments {
        text.push('/');
        encode(text, segment.as_bytes());
    }
    if segments.is_empty() || path.ends_with('/') {
        text.push('/');
    }
}

/// Appends a query as it is signed: pairs sorted, without the parameter that holds the
/// signature itself.
pub(super) fn canonical_query(text: &mut String, query: &str, signature: &str) {
    if query.is_empty() {
        return;
    }
    let mut pairs: Vec<(String, String)> = decode_pairs(query)
        .into_iter()
        .filter(|(name, _)| name != signature)
        .map(|(name, value)| (encoded(&name), encoded(&value)))
        .collect();
    pairs.sort_unstable();
    for (at, (name, value)) in pairs.iter().enumerate() {
        if at > 0 {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
}

/// The names and values of a query, decoded.
pub(super) fn decode_pairs(query: &str) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let split = |pair| str::split_once(pair, '=').unwrap_or((pair, ""));
    pairs.map(split).map(|(name, value)| (decode(name), decode(value))).collect()
}

/// Decodes `%41`; what is no such triple stays as it is.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    encode(&mut encoded, text.as_bytes());
    encoded
}

fn encode(text: &mut String, bytes: &[u8]) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_and_encoded_again() {
        let check = |path: &str, expected: &str| {
            let mut text = String::new();
            canonical_path(&mut text, path);
            assert_eq!(text, expected, "{path}");
        };
        check("/", "/");
        check("", "/");
        check("//", "/");
        check("/metrics", "/metrics");
        check("/api//a/", "/api/a/");
        check("/a/./b/../c", "/a/c");
        check("/../..", "/");
        check("/a%20b/c:d", "/a%2520b/c%3Ad");
    }

    #[test]
    fn queries_are_sorted_and_encoded_once() {
        let check = |query: &str, expected: &str| {
            let mut text = String::new();
            canonical_query(&mut text, query, "X-Amz-Signature");
            assert_eq!(text, expected, "{query}");
        };
        check("", "");
        check("b=2&a=1&a", "a=&a=1&b=2");
        check("a=%2f~&X-Amz-Signature=00", "a=%2F~");
        check("%zz=%&ü=%C3%BC", "%25zz=%25&%C3%BC=%C3%BC");
    }
}
