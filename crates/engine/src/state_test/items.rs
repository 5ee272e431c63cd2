//! The items of a Map under test: selected, read, batched.

use std::collections::BTreeMap;

use asl::{CsvHeaders, InputType, ItemReader, Items, Map, NumberField, Path, PathRoot, Payload};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{FRAME, StateTest};
use crate::failure::Failure;
use crate::states::{self, Bounds};
use crate::turn::{Sight, Stop, Turn};

/// What a distributed Map fails with that cannot read its items.
const ITEM_READER_FAILED: &str = "States.ItemReaderFailed";

/// How many items there are.
pub(super) fn count(items: &Payload) -> u32 {
    let count = match items.value() {
        Value::Array(items) => items.len(),
        Value::Object(pairs) => pairs.len(),
        _ => 0,
    };
    u32::try_from(count).expect("a payload has fewer than 2^32 items")
}

impl Turn<'_> {
    /// The items, from what the reader read or from the input.
    pub(super) fn test_items(
        &self,
        map: &Map,
        effective: &Payload,
        test: &StateTest,
    ) -> Result<Payload, Stop> {
        let distributed = map.distributed.as_deref();
        let reader = distributed.and_then(|distributed| distributed.reader.as_ref());
        if let (Some(reader), Some(data)) = (reader, &test.item_reader_data) {
            return self.read_items(reader, effective, data);
        }
        let mut items = self.items(FRAME, effective, map)?;
        if let (Items::Path(path), Some(context)) = (&map.items, &test.context)
            && let Some(text) = self.context_text(path, context)
        {
            items = Payload::from_valid_text(text);
        }
        self.inspect(|inspection| inspection.after_items_path = Some(items.clone()));
        Ok(items)
    }

    /// What a path into a given context object selects, as it is spelled there.
    fn context_text(&self, path: &Path, context: &Payload) -> Option<Box<str>> {
        if path.root() != &PathRoot::Context {
            return None;
        }
        let nothing = Value::Null;
        self.evaluate(FRAME, Sight::input(&nothing), |environment| {
            let selected = path.evaluate_field(environment)?;
            let whole = environment.context.value();
            Ok(spelling(whole, context.text(), &raw const *selected).map(Box::from))
        })
        .ok()?
    }

    fn read_items(
        &self,
        reader: &ItemReader,
        effective: &Payload,
        data: &str,
    ) -> Result<Payload, Stop> {
        let failed = |cause: &str| Stop::from(Failure::new(ITEM_READER_FAILED, cause));
        let config = &reader.config;
        let mut items = match config.input_type {
            Some(InputType::Csv) => Value::Array(
                csv_items(data, config.csv_delimiter.unwrap_or(','), config.csv_headers.as_ref())
                    .map_err(failed)?,
            ),
            Some(InputType::JsonLines) => data
                .lines()
                .filter(|line| !line.trim().is_empty())
                .map(|line| asl::parse_json(line).map(|item| item.value().clone()))
                .collect::<Result<_, _>>()
                .map_err(|error| failed(&error.message))?,
            _ => {
                let read = asl::parse_json(data).map_err(|error| failed(&error.message))?;
                match &config.items_pointer {
                    None => read.value().clone(),
                    Some(pointer) => {
                        let pointed = read.value().pointer(pointer).cloned();
                        let pointed = pointed
                            .ok_or_else(|| failed("Attempting to map over non-iterable node."))?;
                        let shown = Payload::from_value(pointed.clone());
                        self.inspect(|inspection| inspection.after_items_pointer = Some(shown));
                        pointed
                    }
                }
            }
        };
        let most = self.optional_number(
            effective,
            config.max_items.as_ref(),
            "ItemReader/ReaderConfig/MaxItems",
        )?;
        match (&mut items, most) {
            (Value::Array(items), Some(most)) => items.truncate(most),
            (Value::Array(_) | Value::Object(_), _) => {}
            _ => return Err(failed("Attempting to map over non-iterable node.")),
        }
        Ok(Payload::from_value(items))
    }

    fn optional_number(
        &self,
        effective: &Payload,
        number: Option<&NumberField>,
        field: &str,
    ) -> Result<Option<usize>, Stop> {
        let Some(number) = number else { return Ok(None) };
        let number = self.whole_number(FRAME, effective, number, field, Bounds::COUNT)?;
        // As in an execution: none at all is no limit.
        Ok((number > 0).then_some(usize::try_from(number).unwrap_or(usize::MAX)))
    }

    /// What each iteration gets.
    pub(super) fn iteration_inputs(
        &self,
        items: &Payload,
        count: u32,
    ) -> Result<Vec<Option<Payload>>, Stop> {
        (0..count)
            .map(|index| self.iteration_input(FRAME, &states::item(items, index)).map(Some))
            .collect()
    }

    /// Groups the items as `ItemBatcher` says.
    pub(super) fn test_batches(
        &self,
        map: &Map,
        effective: &Payload,
        items: &Payload,
        count: u32,
    ) -> Result<(), Stop> {
        let distributed = map.distributed.as_deref();
        let Some(batcher) = distributed.and_then(|distributed| distributed.batcher.as_ref()) else {
            return Ok(());
        };
        let most_items = self.optional_number(
            effective,
            batcher.max_items.as_ref(),
            "ItemBatcher/MaxItemsPerBatch",
        )?;
        let field = "ItemBatcher/MaxInputBytesPerBatch";
        let most_bytes =
            self.optional_number(effective, batcher.max_input_bytes.as_ref(), field)?;
        let most_bytes = most_bytes.unwrap_or(self.limits.payload_bytes);
        let batch_input = match &batcher.batch_input {
            None => None,
            Some(template) => {
                let sight = Sight::input(effective.value());
                Some(self.evaluate(FRAME, sight, |environment| {
                    template.evaluate(environment, "ItemBatcher/BatchInput")
                })?)
            }
        };
        let mut batches: Vec<Vec<Value>> = Vec::new();
        let mut bytes = 0;
        for input in self.iteration_inputs(items, count)?.into_iter().flatten() {
            let has_room = batches.last().is_some_and(|batch| {
                most_items.is_none_or(|most| batch.len() < most)
                    && bytes + input.size() <= most_bytes
            });
            match batches.last_mut().filter(|_| has_room) {
                Some(batch) => batch.push(input.value().clone()),
                None => {
                    bytes = 0;
                    batches.push(vec![input.value().clone()]);
                }
            }
            bytes += input.size();
        }
        let batches = batches.into_iter().map(|items| match &batch_input {
            Some(input) => json!({ "BatchInput": input, "Items": items }),
            None => json!({ "Items": items }),
        });
        let batches = Payload::from_value(Value::Array(batches.collect()));
        self.inspect(|inspection| inspection.after_item_batcher = Some(batches));
        Ok(())
    }
}

/// The text of one value of a larger one, as it is spelled in the larger one's text.
fn spelling<'t>(whole: &Value, text: &'t str, wanted: *const Value) -> Option<&'t str> {
    if std::ptr::eq(whole, wanted) {
        return Some(text);
    }
    match whole {
        Value::Array(items) => {
            let texts: Vec<&'t RawValue> = serde_json::from_str(text).ok()?;
            items.iter().zip(texts).find_map(|(item, text)| spelling(item, text.get(), wanted))
        }
        Value::Object(members) => {
            let texts: BTreeMap<String, &'t RawValue> = serde_json::from_str(text).ok()?;
            members.iter().find_map(|(name, member)| {
                spelling(member, texts.get(name.as_str())?.get(), wanted)
            })
        }
        _ => None,
    }
}

/// The rows of a CSV text as objects of column and text. Missing fields are empty, surplus ones
/// are left out.
fn csv_items(
    text: &str,
    delimiter: char,
    headers: Option<&CsvHeaders>,
) -> Result<Vec<Value>, &'static str> {
    let mut rows = csv_rows(text, delimiter).into_iter();
    let names: Vec<String> = match headers {
        Some(CsvHeaders::Given(names)) => names.iter().map(|name| name.to_string()).collect(),
        _ => rows.next().unwrap_or_default(),
    };
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err("CSV headers cannot contain duplicates.");
        }
    }
    let item = |row: Vec<String>| {
        let mut fields = row.into_iter();
        let pairs = names
            .iter()
            .map(|name| (name.clone(), Value::String(fields.next().unwrap_or_default())));
        Value::Object(pairs.collect())
    };
    Ok(rows.map(item).collect())
}

/// Fields may stand in double quotes, then they may hold delimiters and line breaks, and quotes
/// twice. A backslash escapes a backslash, a quote and the delimiter.
fn csv_rows(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row: Vec<String> = Vec::new();
    let mut field = String::new();
    let mut is_quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => is_quoted = !is_quoted,
            '\\' => {
                let escaped = |next: &char| matches!(next, '\\' | '"') || *next == delimiter;
                field.extend(characters.next_if(escaped));
            }
            character if character == delimiter && !is_quoted => {
                row.push(std::mem::take(&mut field));
            }
            '\n' if !is_quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            '\r' if !is_quoted && characters.peek() == Some(&'\n') => {}
            other => field.push(other),
        }
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check_csv(text: &str, delimiter: char, expected: Expect) {
        let shown = match csv_items(text, delimiter, None) {
            Ok(items) => Value::Array(items).to_string(),
            Err(error) => error.to_owned(),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn rows_become_objects() {
        check_csv("a,b\n1,2\n3", ',', expect![[r#"[{"a":"1","b":"2"},{"a":"3","b":""}]"#]]);
        check_csv("a|b\r\n\"x|\"\"y\nz\"|2|3\r\n", '|', expect![[r#"[{"a":"x|\"y\nz","b":"2"}]"#]]);
        check_csv(
            "a,b\n1\\,\\x\\\\,2\n,\n",
            ',',
            expect![[r#"[{"a":"1,x\\","b":"2"},{"a":"","b":""}]"#]],
        );
        check_csv("a,a\n", ',', expect!["CSV headers cannot contain duplicates."]);
        check_csv("", ',', expect!["[]"]);
    }

    #[test]
    fn a_part_keeps_its_spelling() {
        let text = r#"{"a": {"b": [1,  2.50], "c": [ {"d": "e"} ]}}"#;
        let whole: Value = serde_json::from_str(text).expect("JSON");
        let part = &whole["a"]["c"];
        assert_eq!(spelling(&whole, text, part), Some(r#"[ {"d": "e"} ]"#));
        assert_eq!(spelling(&whole, text, &whole["a"]["b"]), Some("[1,  2.50]"));
        assert_eq!(spelling(&whole, text, &Value::Null), None);
    }
}
