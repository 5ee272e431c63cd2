//! A JSON file: the elements of an array, or the members of an object, which may stand somewhere
//! inside. The file is never in memory as a whole.

use std::cell::Cell;
use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Give, ITEM_BYTES_MAX, ReadError, failed, too_long};

/// Bytes before the place that `ItemsPointer` names, and of anything that is passed over (AWS:
/// the items must begin within the first 16 MB).
const SKIPPED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Reads a file and gives its items.
pub(super) fn read(
    input: impl Read,
    pointer: Option<&str>,
    give: &mut Give<'_>,
) -> Result<(), ReadError> {
    let path = tokens(pointer.unwrap_or_default());
    let since_item = Cell::new(0);
    let input = Counted { input, since_item: &since_item };
    let mut outcome = None;
    let mut deserializer =
        serde_json::Deserializer::from_reader(std::io::BufReader::with_capacity(64 * 1024, input));
    // An item may be nested as deeply as a payload may; it is only passed over here.
    let find = Find { path: &path, pointer, since_item: &since_item, outcome: &mut outcome, give };
    let parsed = find.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    if let Some(outcome) = outcome {
        return outcome;
    }
    match parsed {
        Ok(()) => Ok(()),
        Err(error) => match error.io_error_kind() {
            Some(std::io::ErrorKind::FileTooLarge) => Err(too_long()),
            Some(kind) => Err(super::object::read_error(&kind.into())),
            None => Err(failed(format!("The file is not valid JSON: {error}"))),
        },
    }
}

/// The parts of a JSON Pointer.
fn tokens(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

/// Counts what is read between two items.
struct Counted<'c, R> {
    input: R,
    since_item: &'c Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.since_item.get() > SKIPPED_BYTES_MAX {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        let count = self.input.read(buffer)?;
        self.since_item.set(self.since_item.get() + count as u64);
        Ok(count)
    }
}

/// Goes to a place and gives what is there.
struct Find<'f, 'g> {
    path: &'f [String],
    pointer: Option<&'f str>,
    since_item: &'f Cell<u64>,
    /// Set where the reading ends before the file does.
    outcome: &'f mut Option<Result<(), ReadError>>,
    give: &'f mut Give<'g>,
}

impl Find<'_, '_> {
    /// Ends the reading with this outcome.
    fn stop<E: serde::de::Error>(self, outcome: Result<(), ReadError>) -> E {
        *self.outcome = Some(outcome);
        E::custom("it is enough")
    }

    fn not_found<E: serde::de::Error>(self) -> E {
        let pointer = self.pointer.unwrap_or_default();
        let cause = format!("The ItemsPointer '{pointer}' leads nowhere in the file.");
        self.stop(Err(failed(cause)))
    }

    fn item<E: serde::de::Error>(&mut self, text: String, is_pair: bool) -> Result<(), E> {
        self.since_item.set(0);
        let given = match text.len() > ITEM_BYTES_MAX {
            true => Err(too_long()),
            false => (self.give)(text, is_pair),
        };
        given.map_err(|error| {
            *self.outcome = Some(Err(error));
            E::custom("nobody takes it")
        })
    }

    /// What is no array and no object.
    fn scalar<E: serde::de::Error>(self) -> Result<(), E> {
        match self.path.is_empty() {
            true => Err(self.stop(Err(failed("Attempting to map over non-iterable node.")))),
            false => Err(self.not_found()),
        }
    }

    fn further<'n>(&'n mut self) -> Find<'n, 'n> {
        Find {
            path: &self.path[1..],
            pointer: self.pointer,
            since_item: self.since_item,
            outcome: self.outcome,
            give: &mut *self.give,
        }
    }
}

/// The text of a value as AWS writes it.
fn respelled<E: serde::de::Error>(raw: &RawValue) -> Result<Value, E> {
    serde_json::from_str(raw.get()).map_err(E::custom)
}

impl<'de> DeserializeSeed<'de> for Find<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Find<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        let Some(token) = self.path.first() else {
            while let Some(raw) = elements.next_element::<Box<RawValue>>()? {
                let value = respelled(&raw)?;
                self.item(asl::json_text(&value), false)?;
            }
            return Ok(());
        };
        let Ok(index) = token.parse::<u64>() else { return Err(self.not_found()) };
        for _ in 0..index {
            if elements.next_element::<IgnoredAny>()?.is_none() {
                return Err(self.not_found());
            }
        }
        match elements.next_element_seed(self.further())? {
            // What follows is of no interest.
            Some(()) => Err(self.stop(Ok(()))),
            None => Err(self.not_found()),
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        while let Some(key) = members.next_key::<String>()? {
            match self.path.first() {
                None => {
                    let raw = members.next_value::<Box<RawValue>>()?;
                    let value: Value = respelled(&raw)?;
                    let pair = json!({ "Key": key, "Value": value });
                    self.item(asl::json_text(&pair), true)?;
                }
                Some(token) if *token == key => {
                    members.next_value_seed(self.further())?;
                    return Err(self.stop(Ok(())));
                }
                Some(_) => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        match self.path.is_empty() {
            true => Ok(()),
            false => Err(self.not_found()),
        }
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.scalar()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        self.scalar()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.scalar()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn items(text: &str, pointer: Option<&str>, most: usize) -> String {
        let mut found = Vec::new();
        let outcome = read(text.as_bytes(), pointer, &mut |item, is_pair| {
            if found.len() == most {
                return Err(ReadError::Unwanted);
            }
            found.push(if is_pair { format!("pair {item}") } else { item });
            Ok(())
        });
        if let Err(error) = outcome {
            found.push(format!("{error:?}"));
        }
        found.join("\n")
    }

    #[test]
    fn elements_and_members() {
        let check = |text: &str, expected: Expect| expected.assert_eq(&items(text, None, 99));
        check(
            r#" [1, "a" , {"b" : [ 2.50 ]}, null] "#,
            expect![[r#"
            1
            "a"
            {"b":[2.5]}
            null"#]],
        );
        check(
            r#"{"x": 1, "y": {"z": []}}"#,
            expect![[r#"
            pair {"Key":"x","Value":1}
            pair {"Key":"y","Value":{"z":[]}}"#]],
        );
        check("[]", expect![[""]]);
        check("{}", expect![[""]]);
        check("7", expect![[r#"Failed("Attempting to map over non-iterable node.")"#]]);
        check("\"text\"", expect![[r#"Failed("Attempting to map over non-iterable node.")"#]]);
        check("null", expect![[r#"Failed("Attempting to map over non-iterable node.")"#]]);
        check(
            "[1, 2",
            expect![[r#"
            1
            2
            Failed("The file is not valid JSON: EOF while parsing a list at line 1 column 5")"#]],
        );
        check(
            "[1] x",
            expect![[r#"
            1
            Failed("The file is not valid JSON: trailing characters at line 1 column 5")"#]],
        );
        check(
            "",
            expect![[
                r#"Failed("The file is not valid JSON: EOF while parsing a value at line 1 column 0")"#
            ]],
        );
    }

    #[test]
    fn pointers_lead_inside() {
        let text = r#"{"skip": [1, {"a": 2}], "in/out": {"~": [[], [3, 4]]}, "after": "#;
        let check = |pointer: &str, expected: Expect| {
            expected.assert_eq(&items(text, Some(pointer), 99));
        };
        // The rest of the file is not looked at.
        check(
            "/in~1out/~0/1",
            expect![[r#"
            3
            4"#]],
        );
        check(
            "/in~1out/~0",
            expect![[r#"
            []
            [3,4]"#]],
        );
        check("/skip/1", expect![[r#"pair {"Key":"a","Value":2}"#]]);
        check("/skip/0", expect![[r#"Failed("Attempting to map over non-iterable node.")"#]]);
        check(
            "/skip/2",
            expect![[r#"Failed("The ItemsPointer '/skip/2' leads nowhere in the file.")"#]],
        );
        check(
            "/skip/x",
            expect![[r#"Failed("The ItemsPointer '/skip/x' leads nowhere in the file.")"#]],
        );
        check(
            "/skip/0/a",
            expect![[r#"Failed("The ItemsPointer '/skip/0/a' leads nowhere in the file.")"#]],
        );
    }

    #[test]
    fn nobody_reads_more_than_is_wanted() {
        let text = "[1, 2, 3, this is never seen";
        expect![[r#"
            1
            2
            Unwanted"#]]
        .assert_eq(&items(text, None, 2));
    }

    #[test]
    fn long_items_are_refused() {
        let text = format!("[\"{}\"]", "x".repeat(ITEM_BYTES_MAX));
        expect![[r#"Failed("An item is longer than 8388608 bytes.")"#]]
            .assert_eq(&items(&text, None, 99));
    }
}
