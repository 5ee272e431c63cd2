//! Responses, written by hand: objects whose absent members have no key, timestamps as epoch
//! seconds with milliseconds.

use asl::Timestamp;
use serde_json::Value;

/// Writes one JSON object. Nested objects and arrays are written through closures, so that
/// brackets always match.
pub(crate) struct JsonObject {
    buffer: Vec<u8>,
    /// Whether the innermost open object or array has a member already.
    has_members: bool,
}

impl JsonObject {
    pub(crate) fn new() -> JsonObject {
        JsonObject::with_capacity(160)
    }

    pub(crate) fn with_capacity(bytes: usize) -> JsonObject {
        let mut buffer = Vec::with_capacity(bytes);
        buffer.push(b'{');
        JsonObject { buffer, has_members: false }
    }

    /// The object's text.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.buffer.push(b'}');
        self.buffer
    }

    fn separate(&mut self) {
        if self.has_members {
            self.buffer.push(b',');
        }
        self.has_members = true;
    }

    fn key(&mut self, key: &str) {
        self.separate();
        self.string(key);
        self.buffer.push(b':');
    }

    fn string(&mut self, text: &str) {
        serde_json::to_writer(&mut self.buffer, text).expect("a string serialises into memory");
    }

    pub(crate) fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        self.string(text);
    }

    pub(crate) fn optional_text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    pub(crate) fn number(&mut self, key: &str, number: u64) {
        use std::io::Write as _;
        self.key(key);
        write!(self.buffer, "{number}").expect("memory takes every byte");
    }

    pub(crate) fn boolean(&mut self, key: &str, value: bool) {
        self.key(key);
        self.buffer.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// Seconds since 1970, with milliseconds.
    pub(crate) fn time(&mut self, key: &str, at: Timestamp) {
        self.key(key);
        write_time(&mut self.buffer, at);
    }

    pub(crate) fn optional_time(&mut self, key: &str, at: Option<Timestamp>) {
        if let Some(at) = at {
            self.time(key, at);
        }
    }

    pub(crate) fn value(&mut self, key: &str, value: &Value) {
        self.key(key);
        serde_json::to_writer(&mut self.buffer, value).expect("a value serialises into memory");
    }

    pub(crate) fn object(&mut self, key: &str, fill: impl FnOnce(&mut JsonObject)) {
        self.key(key);
        self.nested(b'{', b'}', fill);
    }

    /// An array of objects.
    pub(crate) fn objects<T>(
        &mut self,
        key: &str,
        items: impl IntoIterator<Item = T>,
        mut fill: impl FnMut(&mut JsonObject, T),
    ) {
        self.key(key);
        self.nested(b'[', b']', |array| {
            for item in items {
                array.separate();
                array.nested(b'{', b'}', |object| fill(object, item));
            }
        });
    }

    /// An array of strings.
    pub(crate) fn texts<'t>(&mut self, key: &str, items: impl IntoIterator<Item = &'t str>) {
        self.key(key);
        self.nested(b'[', b']', |array| {
            for item in items {
                array.separate();
                array.string(item);
            }
        });
    }

    fn nested(&mut self, open: u8, close: u8, fill: impl FnOnce(&mut JsonObject)) {
        self.buffer.push(open);
        let has_members = std::mem::replace(&mut self.has_members, false);
        fill(self);
        self.has_members = has_members;
        self.buffer.push(close);
    }
}

fn write_time(buffer: &mut Vec<u8>, at: Timestamp) {
    use std::io::Write as _;
    let sign = if at.0 < 0 { "-" } else { "" };
    let magnitude = at.0.unsigned_abs();
    write!(buffer, "{sign}{}.{:03}", magnitude / 1000, magnitude % 1000)
        .expect("memory takes every byte");
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(fill: impl FnOnce(&mut JsonObject), expected: Expect) {
        let mut object = JsonObject::new();
        fill(&mut object);
        let text = String::from_utf8(object.finish()).unwrap();
        serde_json::from_str::<Value>(&text).unwrap();
        expected.assert_eq(&text);
    }

    #[test]
    fn objects_nest_and_separate_their_members() {
        check(|_| {}, expect!["{}"]);
        check(
            |object| {
                object.text("a", "x\"\n\u{1}é");
                object.object("b", |_| {});
                object.object("c", |inner| {
                    inner.number("d", 7);
                    inner.boolean("e", true);
                });
                object.objects("f", [1_u64, 2], |item, number| item.number("n", number));
                object.texts("g", ["p", "q"]);
                object.objects("h", [0_u64; 0], |item, number| item.number("n", number));
                object.optional_text("i", None);
                object.value("j", &serde_json::json!({"z": 1, "a": [null]}));
            },
            expect![[
                r#"{"a":"x\"\n\u0001é","b":{},"c":{"d":7,"e":true},"f":[{"n":1},{"n":2}],"g":["p","q"],"h":[],"j":{"z":1,"a":[null]}}"#
            ]],
        );
    }

    #[test]
    fn times_are_epoch_seconds() {
        let check = |milliseconds, expected: &str| {
            let mut buffer = Vec::new();
            write_time(&mut buffer, Timestamp(milliseconds));
            assert_eq!(String::from_utf8(buffer).unwrap(), expected);
        };
        check(1_667_510_400_123, "1667510400.123");
        check(1_667_510_400_120, "1667510400.120");
        check(1_667_510_400_005, "1667510400.005");
        check(1_667_510_400_000, "1667510400.000");
        check(-1_500, "-1.500");
    }
}
