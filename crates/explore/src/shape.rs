//! The data that an exploration makes up: the execution's input and what tasks give.
//!
//! While it searches, every object and every text that nobody asked anything of carries where it
//! comes from. Wherever such a piece turns up in an execution, behind whatever paths and
//! templates, it tells what to change so that another value turns up there.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use regex::Regex;
use serde_json::{Map, Value};

/// The member of an object that tells where it comes from.
const MARK: &str = "\u{ab}origin\u{bb}";
/// What stands before and behind the origin of a free value, wherever its text goes.
const FREE: (&str, &str) = ("\u{ab}origin:", "\u{bb}");
/// What a free value is shown as.
const TEXT: &str = "text";

/// One step from a value to what is in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Name(String),
    Index(usize),
    /// What a JSON text says.
    Parsed,
}

/// A place in made-up data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    pub(crate) source: String,
    pub(crate) path: Vec<Key>,
}

/// A made-up value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// Some text.
    Free,
    Value(Value),
    Object(BTreeMap<String, Shape>),
    Array(Vec<Shape>),
    /// A JSON text.
    Text(Box<Shape>),
}

impl Shape {
    pub(crate) fn object() -> Shape {
        Shape::Object(BTreeMap::new())
    }

    pub(crate) fn array() -> Shape {
        Shape::Array(vec![Shape::object()])
    }

    pub(crate) fn text() -> Shape {
        Shape::Text(Box::new(Shape::object()))
    }

    /// The place at a path; what stands in the way gives way.
    fn place(&mut self, path: &[Key]) -> &mut Shape {
        let Some((key, rest)) = path.split_first() else { return self };
        let inner = match key {
            Key::Name(name) => {
                if !matches!(self, Shape::Object(_)) {
                    *self = Shape::object();
                }
                let Shape::Object(members) = self else { unreachable!("it was just made one") };
                members.entry(name.clone()).or_insert(Shape::Free)
            }
            Key::Index(index) => {
                if !matches!(self, Shape::Array(_)) {
                    *self = Shape::Array(Vec::new());
                }
                let Shape::Array(items) = self else { unreachable!("it was just made one") };
                while items.len() <= *index {
                    items.push(Shape::object());
                }
                &mut items[*index]
            }
            Key::Parsed => {
                if !matches!(self, Shape::Text(_)) {
                    *self = Shape::text();
                }
                let Shape::Text(inner) = self else { unreachable!("it was just made one") };
                inner
            }
        };
        inner.place(rest)
    }

    fn find(&self, path: &[Key]) -> Option<&Shape> {
        let Some((key, rest)) = path.split_first() else { return Some(self) };
        let inner = match (key, self) {
            (Key::Name(name), Shape::Object(members)) => members.get(name)?,
            (Key::Index(index), Shape::Array(items)) => items.get(*index)?,
            (Key::Parsed, Shape::Text(inner)) => inner,
            _ => return None,
        };
        inner.find(rest)
    }

    fn remove(&mut self, path: &[Key]) {
        match (path, self) {
            ([Key::Name(name)], Shape::Object(members)) => {
                members.remove(name);
            }
            ([Key::Name(name), rest @ ..], Shape::Object(members)) => {
                if let Some(inner) = members.get_mut(name) {
                    inner.remove(rest);
                }
            }
            ([Key::Index(index), rest @ ..], Shape::Array(items)) => {
                if let Some(inner) = items.get_mut(*index) {
                    inner.remove(rest);
                }
            }
            ([Key::Parsed, rest @ ..], Shape::Text(inner)) => inner.remove(rest),
            _ => {}
        }
    }

    /// The value, with or without its origins.
    fn value(&self, origin: &mut Origin, marked: bool) -> Value {
        match self {
            Shape::Free if marked => format!("{}{}{}", FREE.0, origin.to_text(), FREE.1).into(),
            Shape::Free => TEXT.into(),
            Shape::Value(value) => value.clone(),
            Shape::Object(members) => {
                let mut object = Map::new();
                if marked {
                    object.insert(MARK.into(), origin.to_text().into());
                }
                for (name, shape) in members {
                    origin.path.push(Key::Name(name.clone()));
                    object.insert(name.clone(), shape.value(origin, marked));
                    origin.path.pop();
                }
                Value::Object(object)
            }
            Shape::Array(items) => {
                let items = items.iter().enumerate().map(|(index, item)| {
                    origin.path.push(Key::Index(index));
                    let value = item.value(origin, marked);
                    origin.path.pop();
                    value
                });
                Value::Array(items.collect())
            }
            Shape::Text(inner) => {
                origin.path.push(Key::Parsed);
                let text = inner.value(origin, marked).to_string();
                origin.path.pop();
                text.into()
            }
        }
    }
}

impl Origin {
    pub(crate) fn of(source: &str) -> Origin {
        Origin { source: source.to_owned(), path: Vec::new() }
    }

    /// `task%20Get/Items/#0/~`: letters and digits that no quoting changes.
    fn to_text(&self) -> String {
        let mut text = escaped(&self.source);
        for key in &self.path {
            text.push('/');
            match key {
                Key::Name(name) => text.push_str(&escaped(name)),
                Key::Index(index) => text.push_str(&format!("#{index}")),
                Key::Parsed => text.push('~'),
            }
        }
        text
    }

    fn from_text(text: &str) -> Option<Origin> {
        let mut parts = text.split('/');
        let source = unescaped(parts.next()?)?;
        let path = parts.map(|part| match part.strip_prefix('#') {
            Some(index) => Some(Key::Index(index.parse().ok()?)),
            None if part == "~" => Some(Key::Parsed),
            None => Some(Key::Name(unescaped(part)?)),
        });
        Some(Origin { source, path: path.collect::<Option<_>>()? })
    }

    fn extended(mut self, keys: &[Key]) -> Origin {
        self.path.extend_from_slice(keys);
        self
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            _ if character.is_ascii_alphanumeric() => escaped.push(character),
            other => escaped.push_str(&format!("%{:x}.", u32::from(other))),
        }
    }
    escaped
}

fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let (code, rest) = part.split_once('.')?;
        plain.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
        plain.push_str(rest);
    }
    Some(plain)
}

/// All made-up data, by source.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct World {
    sources: BTreeMap<String, Shape>,
}

/// A change of made-up data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    Set(Shape),
    /// As [`Change::Set`], but only where nothing was asked for yet.
    Provide(Shape),
    Remove,
}

impl World {
    /// The value of a source.
    pub(crate) fn value(&self, source: &str, marked: bool) -> Value {
        let shape = self.sources.get(source).cloned().unwrap_or_else(Shape::object);
        shape.value(&mut Origin::of(source), marked)
    }

    pub(crate) fn change(&mut self, origin: &Origin, change: &Change) {
        let source = self.sources.entry(origin.source.clone()).or_insert_with(Shape::object);
        match change {
            Change::Set(shape) => *source.place(&origin.path) = shape.clone(),
            Change::Provide(shape) => {
                if matches!(source.find(&origin.path), None | Some(Shape::Free)) {
                    *source.place(&origin.path) = shape.clone();
                }
            }
            Change::Remove => source.remove(&origin.path),
        }
    }
}

/// Where a walk through a real value comes to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Located {
    /// There is a value, and it was made up.
    Present(Origin),
    /// There is none; it would have to be made up here.
    Missing(Origin),
    /// Nothing that was made up decides this.
    Fixed,
}

/// Walks through a value of an execution.
pub(crate) fn locate(value: &Value, keys: &[Key]) -> Located {
    let mut value = value;
    let mut parent: Option<Origin> = None;
    for (at, key) in keys.iter().enumerate() {
        if let Some(origin) = origin_of(value) {
            parent = Some(origin);
        }
        let next = match (key, value) {
            (Key::Name(name), Value::Object(object)) => object.get(name),
            (Key::Index(index), Value::Array(items)) => items.get(*index),
            _ => None,
        };
        match next {
            Some(next) => {
                // An item of an array knows its place only from what is around it.
                parent = origin_of(next).or_else(|| parent.map(|p| p.extended(&keys[at..=at])));
                value = next;
            }
            None => {
                let own = origin_of(value).or(parent.filter(|_| !value.is_null() || at > 0));
                return match own {
                    Some(origin) => Located::Missing(origin.extended(&keys[at..])),
                    None => Located::Fixed,
                };
            }
        }
    }
    match origin_of(value).or(parent) {
        Some(origin) => Located::Present(origin),
        None => Located::Fixed,
    }
}

/// What a value says of its origin.
fn origin_of(value: &Value) -> Option<Origin> {
    match value {
        Value::Object(object) => Origin::from_text(object.get(MARK)?.as_str()?),
        Value::String(text) => {
            // A JSON text of something made up, as it was made up.
            if text.starts_with('{')
                && let Ok(inner) = serde_json::from_str::<Value>(text)
                && let Some(mut origin) = origin_of(&inner)
                && origin.path.pop() == Some(Key::Parsed)
            {
                return Some(origin);
            }
            // A free value, or a text that was made of one.
            let (_, rest) = text.split_once(FREE.0)?;
            Origin::from_text(rest.split_once(FREE.1)?.0)
        }
        _ => None,
    }
}

/// A text without what origins add to it.
pub(crate) fn without_marks(text: &str) -> String {
    static MARKS: OnceLock<Regex> = OnceLock::new();
    let marks = MARKS.get_or_init(|| {
        let member = r#"\\?"«origin»\\?":\\?"[^"\\]*\\?",?"#;
        Regex::new(&format!("{member}|«origin:[^»]*»")).expect("the pattern is right")
    });
    marks.replace_all(text, "").into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn name(name: &str) -> Key {
        Key::Name(name.into())
    }

    #[test]
    fn pieces_tell_where_they_come_from() {
        let mut world = World::default();
        let origin = Origin { source: "input".into(), path: vec![name("a"), name("b")] };
        world.change(&origin, &Change::Set(Shape::Free));
        let value = world.value("input", true);
        assert_eq!(locate(&value, &origin.path), Located::Present(origin.clone()));
        // Behind a template that only copies the text.
        let copied = json!({"x": value["a"]["b"], "y": 1, "z": value["a"]});
        assert_eq!(locate(&copied, &[name("x")]), Located::Present(origin.clone()));
        assert_eq!(locate(&copied, &[name("y")]), Located::Fixed);
        assert_eq!(locate(&copied, &[name("w")]), Located::Fixed);
        let deeper = Origin { source: "input".into(), path: vec![name("a"), name("c"), name("d")] };
        assert_eq!(locate(&copied, &[name("z"), name("c"), name("d")]), Located::Missing(deeper));
        world.change(&origin, &Change::Set(Shape::Value(json!(7))));
        let value = world.value("input", true);
        assert_eq!(locate(&value, &origin.path), Located::Present(origin.clone()));
        assert_eq!(world.value("input", false), json!({"a": {"b": 7}}));
        world.change(&origin, &Change::Remove);
        assert_eq!(world.value("input", false), json!({"a": {}}));
    }

    #[test]
    fn texts_that_are_made_of_free_values_tell_it_too() {
        let mut world = World::default();
        let path = vec![name("a/b \"é\""), Key::Index(3), name("")];
        let origin = Origin { source: "task Get it".into(), path };
        world.change(&origin, &Change::Set(Shape::Free));
        let free = world.value("task Get it", true)["a/b \"é\""][3][""].clone();
        let text = json!(format!("Hello {}!", json!({"x": free})));
        assert_eq!(locate(&text, &[]), Located::Present(origin));
        assert_eq!(without_marks(text.as_str().unwrap()), "Hello {\"x\":\"\"}!");
        assert_eq!(without_marks(&world.value("input", true).to_string()), "{}");
    }

    #[test]
    fn json_texts_are_made_of_shapes() {
        let mut world = World::default();
        let text = Origin { source: "task".into(), path: vec![name("Body")] };
        world.change(&text, &Change::Set(Shape::text()));
        let inner = text.clone().extended(&[Key::Parsed, name("id")]);
        world.change(&inner, &Change::Provide(Shape::Free));
        assert_eq!(world.value("task", false), json!({"Body": r#"{"id":"text"}"#}));
        let value = world.value("task", true);
        assert_eq!(locate(&value, &[name("Body")]), Located::Present(text));
        let parsed: Value = serde_json::from_str(value["Body"].as_str().unwrap()).unwrap();
        assert_eq!(locate(&parsed, &[name("id")]), Located::Present(inner));
    }
}
