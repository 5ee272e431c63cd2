//! Definitions in YAML 1.2: its core schema, as far as JSON can say the same.
//!
//! Anchors, aliases and merge keys are followed; tags of one's own, keys that are no scalars and
//! more than one document are refused, and so is a key that comes twice.

use std::collections::{HashMap, HashSet}; // Never iterated

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};
use serde_json::Number;

use crate::document::{LineTable, Member, Node, NodeKind, ObjectNode, Span};
use crate::json::MAX_DEPTH;
use crate::{Diagnostic, Severity};

/// How many values there may be when aliases are followed.
const VALUES_MAX: usize = 200_000;

/// Reads a document to its tree; places are those of the YAML.
pub(crate) fn yaml_root(text: &str) -> Result<Node, Diagnostic> {
    let mut builder = Builder {
        offsets: text.char_indices().map(|(at, _)| at).collect(),
        text_end: text.len(),
        open: Vec::new(),
        anchors: HashMap::new(),
        values: 0,
        root: None,
    };
    for event in Parser::new_from_str(text) {
        let outcome = match event {
            Ok((event, span)) => {
                let span = Span {
                    start: builder.offset(span.start.index()),
                    end: builder.offset(span.end.index()),
                };
                builder.event(event, span)
            }
            Err(error) => Err(builder.syntax(&error)),
        };
        outcome.map_err(|Refusal { message, span }| Diagnostic {
            severity: Severity::Error,
            code: "INVALID_YAML_DESCRIPTION",
            message,
            location: None,
            span: Some(LineTable::new(text).positions(span)),
        })?;
    }
    let end = Span { start: 0, end: text.len().min(1) };
    match builder.root {
        Some(root) if root.as_object().is_some() => Ok(root),
        root => {
            let span = root.map_or(end, |root| root.span);
            Err(crate::compile::no_object(Some(LineTable::new(text).positions(span))))
        }
    }
}

/// Why a text is refused, and where.
struct Refusal {
    message: String,
    span: Span,
}

fn refuse<T>(message: impl Into<String>, span: Span) -> Result<T, Refusal> {
    Err(Refusal { message: message.into(), span })
}

/// A collection whose end has not come.
struct Open {
    anchor: usize,
    span: Span,
    kind: OpenKind,
}

enum OpenKind {
    Sequence(Vec<Node>),
    Mapping {
        members: Vec<Member>,
        key: Option<(String, Span)>,
        /// What `<<` brings in.
        merged: Vec<Node>,
    },
}

struct Builder {
    /// The byte offset of each character.
    offsets: Vec<usize>,
    text_end: usize,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    values: usize,
    root: Option<Node>,
}

impl Builder {
    fn offset(&self, character: usize) -> usize {
        self.offsets.get(character).copied().unwrap_or(self.text_end)
    }

    fn syntax(&self, error: &ScanError) -> Refusal {
        let start = self.offset(error.marker().index());
        let end = self.offset(error.marker().index() + 1);
        Refusal { message: error.info().to_owned(), span: Span { start, end } }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Refusal> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.root.is_some() => {
                refuse("a definition is one document, and here begins another", span)
            }
            Event::DocumentStart(_) => Ok(()),
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(node) => {
                    let node = node.clone();
                    self.values += count(&node);
                    self.put(node, span, true)
                }
                None => refuse("an alias cannot name what it stands in", span),
            },
            Event::Scalar(text, style, anchor, tag) => {
                if self.awaits_key() {
                    return self.key(text.into_owned(), span);
                }
                let kind = scalar(&text, style, tag.as_deref(), span)?;
                let node = Node { kind, span };
                self.remember(anchor, &node);
                self.put(node, span, false)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(anchor, tag.as_deref(), span, OpenKind::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                let kind = OpenKind::Mapping { members: Vec::new(), key: None, merged: Vec::new() };
                self.begin(anchor, tag.as_deref(), span, kind)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
        }
    }

    /// Whether the next event names a member.
    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { kind: OpenKind::Mapping { key: None, .. }, .. }))
    }

    fn key(&mut self, name: String, span: Span) -> Result<(), Refusal> {
        if let Some(Open { kind: OpenKind::Mapping { key, .. }, .. }) = self.open.last_mut() {
            *key = Some((name, span));
        }
        Ok(())
    }

    fn begin(
        &mut self,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
        kind: OpenKind,
    ) -> Result<(), Refusal> {
        if self.awaits_key() {
            return refuse("a key must be a scalar", span);
        }
        let fitting = match kind {
            OpenKind::Sequence(_) => "seq",
            OpenKind::Mapping { .. } => "map",
        };
        if let Some(tag) = tag.filter(|tag| !(tag.is_yaml_core_schema() && tag.suffix == fitting)) {
            return refuse(format!("the tag {} has no meaning here", shown(tag)), span);
        }
        if self.open.len() == MAX_DEPTH {
            return refuse(format!("nested deeper than {MAX_DEPTH} levels"), span);
        }
        self.open.push(Open { anchor, span, kind });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Refusal> {
        let Some(Open { anchor, span: start, kind }) = self.open.pop() else { return Ok(()) };
        let (kind, last) = match kind {
            OpenKind::Sequence(items) => {
                let last = items.last().map(|item| item.span.end);
                (NodeKind::Array(items), last)
            }
            OpenKind::Mapping { members, merged, .. } => {
                let last = members.last().map(|member| member.value.span.end);
                let mut object = ObjectNode::new(members);
                if let Some((key, span)) = object.repeated().first() {
                    return refuse(format!("the key '{key}' comes again further down"), *span);
                }
                for node in merged {
                    object = merge(object, node)?;
                }
                (NodeKind::Object(object), last)
            }
        };
        // In block style the end comes with what follows, lines further down.
        let is_flow = span.end > span.start;
        let end = match last {
            Some(last) if !is_flow && last > start.start => last,
            _ => span.end.max(start.end),
        };
        let node = Node { kind, span: Span { start: start.start, end } };
        self.remember(anchor, &node);
        self.put(node, span, false)
    }

    fn remember(&mut self, anchor: usize, node: &Node) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
    }

    /// Puts a complete value where it belongs.
    fn put(&mut self, node: Node, span: Span, is_alias: bool) -> Result<(), Refusal> {
        self.values += 1;
        if self.values > VALUES_MAX {
            return refuse(format!("more than {VALUES_MAX} values"), span);
        }
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.root = Some(node),
            Some(OpenKind::Sequence(items)) => items.push(node),
            Some(OpenKind::Mapping { members, key, merged }) => match key.take() {
                None if is_alias => return refuse("a key must be a scalar", span),
                None => return refuse("a value without a key", span),
                Some((name, _)) if name == "<<" => merged.push(node),
                Some((key, key_span)) => members.push(Member { key, key_span, value: node }),
            },
        }
        Ok(())
    }
}

/// Adds the members of a merged mapping, or of a sequence of them, that are not there already.
fn merge(into: ObjectNode, node: Node) -> Result<ObjectNode, Refusal> {
    match node.kind {
        NodeKind::Object(object) => {
            let mut members = into.into_members();
            let own: HashSet<String> = members.iter().map(|member| member.key.clone()).collect();
            let added = object.into_members().into_iter();
            members.extend(added.filter(|member| !own.contains(&member.key)));
            Ok(ObjectNode::new(members))
        }
        NodeKind::Array(items) => items.into_iter().try_fold(into, |into, item| match item.kind {
            NodeKind::Object(_) => merge(into, item),
            _ => refuse("<< takes mappings", item.span),
        }),
        _ => refuse("<< takes mappings", node.span),
    }
}

/// How many values a value consists of.
fn count(node: &Node) -> usize {
    match &node.kind {
        NodeKind::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        NodeKind::Object(object) => 1 + object.iter().map(|m| count(&m.value)).sum::<usize>(),
        _ => 1,
    }
}

/// The value of a scalar by its tag, or by the core schema if it is plain.
fn scalar(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    span: Span,
) -> Result<NodeKind, Refusal> {
    let string = || Ok(NodeKind::String(text.to_owned()));
    let resolved = || match plain(text) {
        Some(Plain::Value(kind)) => Ok(kind),
        Some(Plain::NotFinite) => refuse(format!("{text} cannot be said in JSON"), span),
        None => string(),
    };
    let Some(tag) = tag else {
        return if style == ScalarStyle::Plain { resolved() } else { string() };
    };
    if !tag.is_yaml_core_schema() {
        return refuse(format!("the tag {} has no meaning here", shown(tag)), span);
    }
    let kind = match tag.suffix.as_str() {
        "str" => return string(),
        _ => resolved()?,
    };
    let fits = match (tag.suffix.as_str(), &kind) {
        ("null", NodeKind::Null) | ("bool", NodeKind::Boolean(_)) => true,
        ("int", NodeKind::Number(number)) => number.is_i64() || number.is_u64(),
        ("float", NodeKind::Number(_)) => true,
        _ => false,
    };
    if fits {
        Ok(kind)
    } else {
        refuse(format!("'{text}' does not fit the tag {}", shown(tag)), span)
    }
}

/// A tag as it is written.
fn shown(tag: &Tag) -> String {
    match tag.is_yaml_core_schema() {
        true => format!("!!{}", tag.suffix),
        false => tag.to_string(),
    }
}

enum Plain {
    Value(NodeKind),
    NotFinite,
}

/// What a plain scalar is if it is no string.
fn plain(text: &str) -> Option<Plain> {
    let kind = match text {
        "" | "~" | "null" | "Null" | "NULL" => NodeKind::Null,
        "true" | "True" | "TRUE" => NodeKind::Boolean(true),
        "false" | "False" | "FALSE" => NodeKind::Boolean(false),
        ".nan" | ".NaN" | ".NAN" => return Some(Plain::NotFinite),
        _ => {
            let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
            if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
                return Some(Plain::NotFinite);
            }
            NodeKind::Number(number(text, unsigned)?)
        }
    };
    Some(Plain::Value(kind))
}

fn number(text: &str, unsigned: &str) -> Option<Number> {
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let is_number = digits.starts_with(|first: char| first.is_digit(radix));
            return is_number.then(|| u64::from_str_radix(digits, radix).ok())?.map(Number::from);
        }
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digits = !whole.is_empty() || !fraction.is_empty();
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && are_digits(digits)
    });
    if !(has_digits && are_digits(whole) && are_digits(fraction) && exponent_fits) {
        return None;
    }
    let signed = text.strip_prefix('+').unwrap_or(text);
    if mantissa.bytes().all(|byte| byte.is_ascii_digit()) && exponent.is_none() {
        if let Ok(integer) = signed.parse::<i64>() {
            return Some(Number::from(integer));
        }
        if let Ok(integer) = signed.parse::<u64>() {
            return Some(Number::from(integer));
        }
    }
    Number::from_f64(signed.parse().ok()?)
}

#[cfg(test)]
mod tests;
