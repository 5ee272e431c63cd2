//! Changes to texts and to definitions.

use serde_json::{Value, json};

use crate::{Corpus, Random};

/// Pieces of every language here.
const PIECES: &[&str] = &[
    "$",
    "$$",
    "$.",
    "..",
    "[*]",
    "[?(@",
    "['",
    "']",
    "[-1]",
    "[0:",
    ":",
    "=~ /",
    "/i",
    ".length()",
    "States.",
    "States.Format('",
    "{}",
    "\\'",
    "(",
    ")",
    ",",
    "'",
    "\"",
    "{%",
    "%}",
    "{",
    "}",
    "[",
    "]",
    ":=",
    "~>",
    "function($a){",
    "$states.input",
    "$map(",
    "^(",
    "#$i",
    "@$v",
    "**",
    "%.",
    "|",
    "? 1 : 2",
    "?",
    "&",
    " and ",
    " in ",
    "/*",
    "*/",
    "\\u0000",
    "\\ud800",
    "\u{0}",
    "é",
    "💥",
    "1e999",
    "-0",
    "9007199254740993",
    "0.1",
    "null",
    "true",
    ".$",
    "\n",
];

/// A text with some changes.
pub(crate) fn text(random: &Random, text: &str, others: &[String]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(8)).min(bytes.len());
        match random.below(7) {
            0 => drop(bytes.drain(at..end)),
            1 | 2 => drop(bytes.splice(at..at, random.choose(PIECES).bytes())),
            3 => drop(bytes.splice(at..end, random.choose(PIECES).bytes())),
            4 => {
                let copy = bytes[at..end].repeat(1 + random.below(3));
                bytes.splice(at..at, copy);
            }
            5 if !others.is_empty() => {
                let other = others[random.below(others.len())].as_bytes();
                let from = random.below(other.len() + 1);
                let to = from + random.below(other.len() - from + 1);
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
    bytes
}

/// Mere bytes.
pub(crate) fn bytes(random: &Random) -> Vec<u8> {
    (0..random.below(64)).map(|_| random.bits().to_le_bytes()[0]).collect()
}

/// Values that fit hardly anywhere.
fn odd(random: &Random) -> Value {
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(0.5),
        json!(1e300),
        json!(99_999_999),
        json!(9_007_199_254_740_993_i64),
        json!(""),
        json!("$"),
        json!("$.a[*]"),
        json!("$.missing"),
        json!("$$.Map.Item.Index"),
        json!("$$.Execution.Input"),
        json!("States.Format('{}', $.a)"),
        json!("States.ArrayGetItem($, 7)"),
        json!("{% $states.input %}"),
        json!("{% $states.result %}"),
        json!("{% $states.missing %}"),
        json!("{% $states.context.Execution.Id %}"),
        json!("{% -1.5 %}"),
        json!("{% [1..9] %}"),
        json!("JSONata"),
        json!("JSONPath"),
        json!("States.ALL"),
        json!("2024-01-01T00:00:00Z"),
        json!([]),
        json!({}),
        json!([{}]),
        json!({"a.$": "$", "b.$": "$.missing"}),
        json!({"x": "{% $states.input %}"}),
    ];
    odd[random.below(odd.len())].clone()
}

/// A definition with some changes, mostly to what other definitions have in the same place.
pub(crate) fn definition(random: &Random, corpus: &Corpus, seed: &str) -> Value {
    let mut document: Value = serde_json::from_str(seed).unwrap_or(Value::Null);
    for _ in 0..=random.below(1 + random.below(5)) {
        let mut places = Vec::new();
        pointers(&document, "", &mut places);
        let place = &places[random.below(places.len())];
        let field = place.rsplit('/').next().unwrap_or_default();
        match random.below(8) {
            0 => remove(&mut document, place),
            1 => {
                let other = &places[random.below(places.len())];
                let copy = document.pointer(other).cloned().unwrap_or_default();
                put(&mut document, place, copy);
            }
            2 => put(&mut document, place, odd(random)),
            3..=5 => {
                if let Some(value) = field_value(random, corpus, field) {
                    put(&mut document, place, value);
                }
            }
            _ => {
                // Another field beside it.
                let names: Vec<&str> = corpus.fields.keys().map(String::as_str).collect();
                let name = random.choose(&names);
                if let Some(value) = field_value(random, corpus, name)
                    && let Some(Value::Object(members)) = document.pointer_mut(place)
                {
                    members.insert(name.to_owned(), value);
                }
            }
        }
    }
    document
}

fn field_value(random: &Random, corpus: &Corpus, field: &str) -> Option<Value> {
    let values = corpus.fields.get(field).filter(|values| !values.is_empty())?;
    Some(values[random.below(values.len())].clone())
}

fn put(document: &mut Value, place: &str, value: Value) {
    if let Some(held) = document.pointer_mut(place) {
        *held = value;
    }
}

fn remove(document: &mut Value, place: &str) {
    let Some((parent, key)) = place.rsplit_once('/') else { return };
    match document.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.shift_remove(&key.replace("~1", "/").replace("~0", "~"));
        }
        Some(Value::Array(items)) => {
            items.remove(key.parse().expect("a place in an array is a number"));
        }
        _ => {}
    }
}

/// Pointers to all values in a document.
fn pointers(value: &Value, prefix: &str, found: &mut Vec<String>) {
    found.push(prefix.to_owned());
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(member, &format!("{prefix}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{prefix}/{index}"), found);
            }
        }
        _ => {}
    }
}
