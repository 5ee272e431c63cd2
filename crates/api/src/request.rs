//! From the body of a request to its members, guided by the operation's table: texts are
//! borrowed from the body wherever they hold no escapes, members nobody knows are passed over.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::constraints::{Kind, Member};
use crate::error::{ApiError, ErrorType};

/// The members of a structure, in the order of its table.
#[derive(Debug)]
pub(crate) struct Members<'b> {
    rules: &'static [Member],
    values: Vec<Option<Value<'b>>>,
}

/// The value of a member: always of the kind that the table states.
#[derive(Debug)]
pub(crate) enum Value<'b> {
    Text(Cow<'b, str>),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Structure(Members<'b>),
    /// `null` elements are absent ones.
    List(Vec<Option<Value<'b>>>),
}

impl<'b> Members<'b> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static Member, Option<&Value<'b>>)> {
        self.rules.iter().zip(self.values.iter().map(Option::as_ref))
    }

    /// The value of a member.
    ///
    /// # Panics
    /// The table must have the member.
    fn get(&self, name: &str) -> Option<&Value<'b>> {
        self.values[self.index(name)].as_ref()
    }

    fn index(&self, name: &str) -> usize {
        let index = self.rules.iter().position(|rule| rule.name == name);
        index.expect("an operation asks only for members that its table has")
    }

    /// A text, if it was given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A text, if the table has it and it was given.
    pub(crate) fn known_text(&self, name: &str) -> Option<&str> {
        let named = self.iter().find(|(rule, _)| rule.name == name);
        match named.and_then(|(_, value)| value) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The ARNs of Step Functions' resources that a request is about, the one that it mainly is
    /// about first.
    pub(crate) fn arns(&self) -> Vec<&str> {
        let mut arns = Vec::new();
        for (rule, value) in self.iter() {
            match value {
                Some(Value::Text(text)) if rule.name.ends_with("Arn") && rule.name != "roleArn" => {
                    arns.push(text.as_ref());
                }
                Some(Value::List(values)) if rule.name == "routingConfiguration" => {
                    for value in values.iter().flatten() {
                        if let Value::Structure(members) = value {
                            arns.extend(members.arns());
                        }
                    }
                }
                _ => {}
            }
        }
        arns
    }

    /// A text that the table requires.
    pub(crate) fn required_text(&self, name: &str) -> &str {
        self.text(name).expect("the constraints were checked, and the table requires it")
    }

    /// A number, if it was given.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    /// A number that may have a fraction, if it was given.
    pub(crate) fn float(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            Some(Value::Float(number)) => Some(*number),
            _ => None,
        }
    }

    /// A truth, if it was given.
    pub(crate) fn boolean(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Value::Boolean(value)) => Some(*value),
            _ => None,
        }
    }

    /// A structure, if it was given.
    pub(crate) fn structure(&self, name: &str) -> Option<&Members<'b>> {
        match self.get(name) {
            Some(Value::Structure(members)) => Some(members),
            _ => None,
        }
    }

    /// The structures of a list, if it was given.
    pub(crate) fn structures(&self, name: &str) -> Option<impl Iterator<Item = &Members<'b>>> {
        match self.get(name) {
            Some(Value::List(values)) => Some(values.iter().filter_map(|value| match value {
                Some(Value::Structure(members)) => Some(members),
                _ => None,
            })),
            _ => None,
        }
    }

    /// The texts of a list, if it was given.
    pub(crate) fn texts(&self, name: &str) -> Option<impl Iterator<Item = &str>> {
        match self.get(name) {
            Some(Value::List(values)) => Some(values.iter().filter_map(|value| match value {
                Some(Value::Text(text)) => Some(text.as_ref()),
                _ => None,
            })),
            _ => None,
        }
    }
}

/// Decodes a body by the table of its operation.
pub(crate) fn decode<'b>(
    rules: &'static [Member],
    body: &'b [u8],
) -> Result<Members<'b>, ApiError> {
    let mismatch = Cell::new(None);
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let seed = StructureSeed { rules, mismatch: &mismatch };
    let decoded = (&mut deserializer)
        .deserialize_map(seed)
        .and_then(|members| deserializer.end().map(|()| members));
    decoded.map_err(|_| match mismatch.get() {
        Some(text) => ApiError::new(ErrorType::Serialization, text),
        None => ApiError::bare(ErrorType::Serialization),
    })
}

/// Where the text for a value of the wrong kind is left: `serde` would add a place to it.
type Mismatch = Cell<Option<&'static str>>;

#[derive(Clone, Copy)]
struct StructureSeed<'m> {
    rules: &'static [Member],
    mismatch: &'m Mismatch,
}

impl<'b> Visitor<'b> for StructureSeed<'_> {
    type Value = Members<'b>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<Members<'b>, A::Error> {
        let mut values: Vec<Option<Value<'b>>> = Vec::new();
        values.resize_with(self.rules.len(), || None);
        while let Some(index) = map.next_key_seed(KeySeed { rules: self.rules })? {
            match index {
                Some(index) => {
                    let kind = &self.rules[index].kind;
                    let seed = ValueSeed { kind, mismatch: self.mismatch };
                    values[index] = map.next_value_seed(seed)?;
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Members { rules: self.rules, values })
    }
}

/// Reads a key as the index of its rule; none for a member that the table does not have.
struct KeySeed {
    rules: &'static [Member],
}

impl<'b> DeserializeSeed<'b> for KeySeed {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.rules.iter().position(|rule| rule.name == key))
    }
}

#[derive(Clone, Copy)]
struct ValueSeed<'m> {
    kind: &'static Kind,
    mismatch: &'m Mismatch,
}

/// The kind of a value that was found where another one is wanted.
#[derive(Clone, Copy)]
enum Found {
    Text,
    Number,
    True,
    False,
    List,
    Structure,
}

impl ValueSeed<'_> {
    fn refuse<T, E: de::Error>(self, found: Found) -> Result<T, E> {
        self.mismatch.set(Some(mismatch_text(self.kind, found)));
        Err(E::custom("a value of the wrong kind"))
    }

    #[expect(clippy::cast_precision_loss, reason = "the double nearest to it will do")]
    fn integer<'b, E: de::Error>(self, number: i64) -> Result<Option<Value<'b>>, E> {
        match self.kind {
            Kind::Integer { .. } => Ok(Some(Value::Integer(number))),
            Kind::Float { .. } => Ok(Some(Value::Float(number as f64))),
            _ => self.refuse(Found::Number),
        }
    }
}

/// AWS's words for a value of the wrong kind.
fn mismatch_text(kind: &Kind, found: Found) -> &'static str {
    match (kind, found) {
        (_, Found::Structure) => "Start of structure or map found where not expected.",
        (_, Found::List) => "Start of list found where not expected.",
        (Kind::Structure(_), _) => "Expected null",
        (Kind::List(_), _) => "Expected list or null",
        (Kind::Text(_), Found::Number) => "NUMBER_VALUE can not be converted to a String",
        (Kind::Text(_), Found::True) => "TRUE_VALUE can not be converted to a String",
        (Kind::Text(_), _) => "FALSE_VALUE can not be converted to a String",
        (Kind::Integer { .. }, Found::Text) => "STRING_VALUE can not be converted to an Integer",
        (Kind::Integer { .. }, Found::True) => "TRUE_VALUE can not be converted to an Integer",
        (Kind::Integer { .. }, _) => "FALSE_VALUE can not be converted to an Integer",
        (Kind::Float { .. }, Found::Text) => "STRING_VALUE can not be converted to a Float",
        (Kind::Float { .. }, Found::True) => "TRUE_VALUE can not be converted to a Float",
        (Kind::Float { .. }, _) => "FALSE_VALUE can not be converted to a Float",
        (Kind::Boolean, Found::Text) => "STRING_VALUE can not be converted to a Boolean",
        (Kind::Boolean, _) => "NUMBER_VALUE can not be converted to a Boolean",
    }
}

impl<'b> DeserializeSeed<'b> for ValueSeed<'_> {
    type Value = Option<Value<'b>>;

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'b> Visitor<'b> for ValueSeed<'_> {
    type Value = Option<Value<'b>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'b str) -> Result<Self::Value, E> {
        match self.kind {
            Kind::Text(_) => Ok(Some(Value::Text(Cow::Borrowed(text)))),
            _ => self.refuse(Found::Text),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        match self.kind {
            Kind::Text(_) => Ok(Some(Value::Text(Cow::Owned(text.to_owned())))),
            _ => self.refuse(Found::Text),
        }
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        match self.kind {
            Kind::Boolean => Ok(Some(Value::Boolean(value))),
            _ => self.refuse(if value { Found::True } else { Found::False }),
        }
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        self.integer(number)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        self.integer(i64::try_from(number).unwrap_or(i64::MAX))
    }

    #[expect(clippy::cast_possible_truncation, reason = "AWS drops the fraction too")]
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        match self.kind {
            Kind::Float { .. } => Ok(Some(Value::Float(number))),
            _ => self.integer(number as i64),
        }
    }

    fn visit_map<A: MapAccess<'b>>(self, map: A) -> Result<Self::Value, A::Error> {
        match self.kind {
            Kind::Structure(rules) => {
                let seed = StructureSeed { rules, mismatch: self.mismatch };
                Ok(Some(Value::Structure(seed.visit_map(map)?)))
            }
            _ => self.refuse(Found::Structure),
        }
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        match self.kind {
            Kind::List(list) => {
                let seed = ValueSeed { kind: list.element, mismatch: self.mismatch };
                let mut values = Vec::new();
                while let Some(value) = elements.next_element_seed(seed)? {
                    values.push(value);
                }
                Ok(Some(Value::List(values)))
            }
            _ => self.refuse(Found::List),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &[Member] = &[
        Member::optional("text", Kind::text(0, 10)),
        Member::optional("list", Kind::list(&Kind::text(0, 10))),
    ];

    #[test]
    fn texts_without_escapes_are_borrowed() {
        let body = br#"{"other":[{}],"text":"plain","text":"plain too"}"#;
        let members = decode(RULES, body).unwrap();
        assert!(matches!(members.get("text"), Some(Value::Text(Cow::Borrowed("plain too")))));
        let members = decode(RULES, br#"{"text":"a\nb","list":["x",null]}"#).unwrap();
        assert_eq!(members.text("text"), Some("a\nb"));
        assert_eq!(members.texts("list").unwrap().collect::<Vec<_>>(), ["x"]);
        assert!(members.structure("text").is_none());
    }

    #[test]
    fn invalid_utf_8_is_refused() {
        for body in [&b"{\"text\":\"\xff\"}"[..], b"{\"\xff\":1}", b"\xff"] {
            let error = decode(RULES, body).unwrap_err();
            assert_eq!(error.error_type, ErrorType::Serialization);
        }
    }
}
