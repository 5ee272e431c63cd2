//! A definition as it is written: order kept, every key and value with its place in the text.

use std::collections::HashMap; // Never iterated

use serde_json::{Map, Number, Value};

use crate::Position;

/// A range of bytes of the definition's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
}

/// A value and its place.
#[derive(Debug, Clone)]
pub struct Node {
    pub kind: NodeKind,
    pub span: Span,
}

/// What a value is.
#[derive(Debug, Clone)]
pub enum NodeKind {
    Null,
    Boolean(bool),
    Number(Number),
    String(String),
    Array(Vec<Node>),
    Object(ObjectNode),
}

/// The members of an object in order. A key that is written more than once keeps its first
/// place and its last value.
#[derive(Debug, Clone, Default)]
pub struct ObjectNode {
    members: Vec<Member>,
    /// Keys that come again later: what they name there counts.
    repeated: Vec<(String, Span)>,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub struct Member {
    pub key: String,
    pub key_span: Span,
    pub value: Node,
}

impl ObjectNode {
    /// An object of these members, in the order in which they are written.
    pub fn new(written: Vec<Member>) -> ObjectNode {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut members: Vec<Member> = Vec::with_capacity(written.len());
        let mut repeated = Vec::new();
        for member in written {
            // Small objects are searched, large ones hashed: a hostile object of 100,000 keys
            // must not cost their square.
            let place = if members.len() < 16 {
                members.iter().position(|earlier| earlier.key == member.key)
            } else {
                if places.is_empty() {
                    let known = members.iter().enumerate();
                    places.extend(known.map(|(place, member)| (member.key.clone(), place)));
                }
                places.get(&member.key).copied()
            };
            match place {
                Some(place) => {
                    let earlier = std::mem::replace(&mut members[place], member);
                    repeated.push((earlier.key, earlier.key_span));
                }
                None => {
                    if !places.is_empty() {
                        places.insert(member.key.clone(), members.len());
                    }
                    members.push(member);
                }
            }
        }
        ObjectNode { members, repeated }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.member(key).map(|member| &member.value)
    }

    /// The member with this key.
    pub fn member(&self, key: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.key == key)
    }

    /// Whether there is such a key.
    pub fn contains(&self, key: &str) -> bool {
        self.member(key).is_some()
    }

    /// The members in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Member> {
        self.members.iter()
    }

    /// Keys that are written again further down, with their places.
    pub fn repeated(&self) -> &[(String, Span)] {
        &self.repeated
    }

    /// The members in order, to be taken apart.
    pub fn into_members(self) -> Vec<Member> {
        self.members
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl Node {
    /// The members, if this is an object.
    pub fn as_object(&self) -> Option<&ObjectNode> {
        match &self.kind {
            NodeKind::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The elements, if this is an array.
    pub fn as_array(&self) -> Option<&[Node]> {
        match &self.kind {
            NodeKind::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::String(text) => Some(text),
            _ => None,
        }
    }

    /// The truth, if this is `true` or `false`.
    pub fn as_bool(&self) -> Option<bool> {
        match self.kind {
            NodeKind::Boolean(value) => Some(value),
            _ => None,
        }
    }

    /// The number, if this is one.
    pub fn as_number(&self) -> Option<&Number> {
        match &self.kind {
            NodeKind::Number(number) => Some(number),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.kind, NodeKind::Null)
    }

    /// The value without its places.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            NodeKind::Null => Value::Null,
            NodeKind::Boolean(value) => Value::Bool(*value),
            NodeKind::Number(number) => Value::Number(number.clone()),
            NodeKind::String(text) => Value::String(text.clone()),
            NodeKind::Array(elements) => {
                Value::Array(elements.iter().map(Node::to_value).collect())
            }
            NodeKind::Object(object) => {
                let members = object.iter();
                Value::Object(
                    members
                        .map(|member| (member.key.clone(), member.value.to_value()))
                        .collect::<Map<_, _>>(),
                )
            }
        }
    }
}

/// How many bytes lie between two places of which the number of characters is known.
const STRIDE: usize = 1024;

/// Finds lines and columns in a text.
#[derive(Debug)]
pub struct LineTable<'t> {
    text: &'t str,
    /// Where each line starts.
    starts: Vec<usize>,
    /// How many characters start before each multiple of [`STRIDE`]: a definition may be one
    /// line of a megabyte, with many findings.
    characters: Vec<usize>,
}

impl<'t> LineTable<'t> {
    pub fn new(text: &'t str) -> LineTable<'t> {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        let mut count = 0;
        let blocks = text.as_bytes().chunks(STRIDE).map(|block| {
            count += count_characters(block);
            count
        });
        let characters = std::iter::once(0).chain(blocks).collect();
        LineTable { text, starts, characters }
    }

    /// How many characters start before a byte offset.
    fn characters_before(&self, offset: usize) -> usize {
        let block = offset / STRIDE;
        let rest = &self.text.as_bytes()[block * STRIDE..offset];
        self.characters[block] + count_characters(rest)
    }

    /// The place of the character at a byte offset.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts[line - 1];
        let column = self.characters_before(offset) - self.characters_before(start) + 1;
        Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }

    /// The places of both ends of a span.
    pub fn positions(&self, span: Span) -> (Position, Position) {
        (self.position(span.start), self.position(span.end))
    }
}

/// How many characters start in some bytes of UTF-8: those that continue none.
fn count_characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte & 0xc0) != 0x80).count()
}
