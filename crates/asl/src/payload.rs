//! A JSON value that is shared, never changed, and parsed and serialised at most once.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::java;
use crate::json::parse_value;

/// An immutable JSON value. Cloning is a reference count; the text and the parsed form are each
/// made at most once, so a payload that only passes through keeps its very spelling and costs
/// no parsing.
#[derive(Clone)]
pub struct Payload(Arc<Inner>);

struct Inner {
    /// At least one of the two is always set.
    text: OnceLock<Box<str>>,
    value: OnceLock<Value>,
}

impl Payload {
    /// A payload from JSON text that is not known to be valid; it is parsed here.
    pub fn parse(text: impl Into<Box<str>>) -> Result<Payload, serde_json::Error> {
        let text = text.into();
        let value = parse_value(&text)?;
        Ok(Payload(Arc::new(Inner { text: OnceLock::from(text), value: OnceLock::from(value) })))
    }

    /// A payload from JSON text that was valid when it was written (a journal, a payload that
    /// was checked at the door). It is parsed when somebody first looks inside.
    ///
    /// # Panics
    /// [`Payload::value`] panics later if the text is not valid JSON after all.
    pub fn from_valid_text(text: impl Into<Box<str>>) -> Payload {
        Payload(Arc::new(Inner { text: OnceLock::from(text.into()), value: OnceLock::new() }))
    }

    /// A payload from a value; its text is made when somebody first asks for it.
    pub fn from_value(value: Value) -> Payload {
        Payload(Arc::new(Inner { text: OnceLock::new(), value: OnceLock::from(value) }))
    }

    /// The compact JSON text, or the text this payload was made from, to the letter.
    pub fn text(&self) -> &str {
        self.0.text.get_or_init(|| {
            let value = self.0.value.get().expect("a payload has a text or a value");
            java::json_text(value).into_boxed_str()
        })
    }

    /// The parsed value.
    pub fn value(&self) -> &Value {
        self.0.value.get_or_init(|| {
            let text = self.0.text.get().expect("a payload has a text or a value");
            parse_value(text).expect("the text of a payload was checked when it was made")
        })
    }

    /// The size in bytes of the text: what AWS's 262,144-byte limit counts.
    pub fn size(&self) -> usize {
        self.text().len()
    }

    /// About how many bytes of memory it takes: its text, and its parsed form where somebody has
    /// looked inside.
    pub fn memory(&self) -> usize {
        let text = self.0.text.get().map_or(0, |text| text.len());
        text + self.0.value.get().map_or(0, value_memory)
    }

    /// How many arrays and objects stand inside each other at the deepest place.
    pub fn nesting(&self) -> usize {
        nesting(self.text())
    }

    /// Whether both are the same shared value (not merely equal ones).
    pub fn is_same(&self, other: &Payload) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// An address that is equal for clones of one payload while any of them lives.
    pub fn identity(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}

/// How many arrays and objects stand inside each other at the deepest place of a JSON text.
pub(crate) fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                // Brackets in strings do not count.
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => _ = bytes.next(),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

/// Bytes of a parsed value with all that is in it.
fn value_memory(value: &Value) -> usize {
    let inside = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(value_memory).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| MEMBER_BYTES + name.len() + value_memory(value))
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + inside
}

/// Bytes of a member of an object beside its name's text and its value: the name itself, its hash
/// and its place in the index.
const MEMBER_BYTES: usize = 48;

impl From<Value> for Payload {
    fn from(value: Value) -> Payload {
        Payload::from_value(value)
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Payload) -> bool {
        self.is_same(other) || self.text() == other.text() || self.value() == other.value()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::Payload;

    #[test]
    fn nesting_counts_what_stands_inside_each_other() {
        let check = |text: &str, expected| {
            assert_eq!(Payload::parse(text).expect("it is JSON").nesting(), expected, "{text}");
        };
        check("1", 0);
        check("[]", 1);
        check(r#"{"a":[{"b":"[[[{\"\\"}],"c":[1]}"#, 3);
        check(r#"[[],[[]],{"[":{}}]"#, 3);
    }
}
