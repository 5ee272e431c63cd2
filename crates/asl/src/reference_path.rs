//! Reference paths: paths that name one node, where a `ResultPath` puts its result.

use serde_json::{Map, Value};

use crate::{EvaluationError, PathSyntaxError, java};

/// A compiled `ResultPath`.
#[derive(Debug)]
pub struct ReferencePath {
    text: Box<str>,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Property(Box<str>),
    Index(usize),
}

/// Characters that must be escaped with a backslash in a name behind a dot.
const RESERVED: &str = "@.,:?*[]() ";

impl ReferencePath {
    /// Parses a reference path that starts with `$`; `$$` and variables are refused.
    pub fn parse(text: &str) -> Result<ReferencePath, PathSyntaxError> {
        let syntax_error = || PathSyntaxError { message: format!("'{text}' is no reference path") };
        let mut rest = text.strip_prefix('$').ok_or_else(syntax_error)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, behind) = step(rest).ok_or_else(syntax_error)?;
            steps.push(step);
            rest = behind;
        }
        Ok(ReferencePath { text: text.into(), steps })
    }

    /// The path as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The input with `result` put at this path: objects on the way are created, an array index
    /// must exist. The error is `States.ResultPathMatchFailure`.
    pub fn assign(&self, mut input: Value, result: Value) -> Result<Value, EvaluationError> {
        match self.place(&mut input) {
            Some(place) => *place = result,
            None => {
                return Err(EvaluationError {
                    error: "States.ResultPathMatchFailure",
                    cause: format!(
                        "Unable to apply ReferencePath {} to input {}",
                        self.text,
                        java::json_text(&input)
                    ),
                    location: None,
                });
            }
        }
        Ok(input)
    }

    /// Where the result goes. What is missing on the way is only created where the rest of the
    /// path can be followed, so a failure leaves the input as it was.
    fn place<'v>(&self, input: &'v mut Value) -> Option<&'v mut Value> {
        if !self.applies_to(input) {
            return None;
        }
        let mut place = input;
        for step in &self.steps {
            place = match (step, place) {
                (Step::Property(name), Value::Object(object)) => {
                    object.entry(String::from(&**name)).or_insert_with(|| Value::Object(Map::new()))
                }
                (Step::Index(index), Value::Array(items)) => items.get_mut(*index)?,
                _ => return None,
            };
        }
        Some(place)
    }

    fn applies_to(&self, input: &Value) -> bool {
        let mut value = input;
        for (at, step) in self.steps.iter().enumerate() {
            let next = match (step, value) {
                (Step::Property(name), Value::Object(object)) => object.get(&**name),
                (Step::Index(index), Value::Array(items)) if *index < items.len() => {
                    items.get(*index)
                }
                _ => return false,
            };
            match next {
                Some(found) => value = found,
                None => {
                    let mut created = self.steps[at + 1..].iter();
                    return created.all(|step| matches!(step, Step::Property(_)));
                }
            }
        }
        true
    }
}

/// The step at the start of `text`, and what follows it.
fn step(text: &str) -> Option<(Step, &str)> {
    if let Some(inside) = text.strip_prefix('[').or_else(|| text.strip_prefix(".[")) {
        let inside = inside.trim_start();
        return match inside.chars().next()? {
            quote @ ('\'' | '"') => {
                let (name, behind) = name(&inside[1..], |character| character == quote)?;
                let behind = behind.strip_prefix(quote)?.trim_start().strip_prefix(']')?;
                Some((Step::Property(name), behind))
            }
            _ => {
                let (digits, behind) = inside.split_once(']')?;
                let digits = digits.trim_end();
                let is_index = digits.bytes().all(|byte| byte.is_ascii_digit());
                let index = if is_index { digits.parse().ok()? } else { return None };
                Some((Step::Index(index), behind))
            }
        };
    }
    let (name, behind) = name(text.strip_prefix('.')?, |character| RESERVED.contains(character))?;
    (!name.is_empty()).then_some((Step::Property(name), behind))
}

/// A name up to the first character that ends it and is not escaped.
fn name(text: &str, ends: impl Fn(char) -> bool) -> Option<(Box<str>, &str)> {
    let mut name = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            name.push(characters.next()?.1);
        } else if ends(character) {
            return Some((name.into(), &text[at..]));
        } else {
            name.push(character);
        }
    }
    Some((name.into(), ""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn results_are_put_where_the_path_says() {
        let check = |path: &str, input: Value, expected: &str| {
            let outcome = ReferencePath::parse(path).unwrap().assign(input, json!("R"));
            let text = outcome.map_or_else(|error| error.cause, |value| value.to_string());
            assert_eq!(text, expected, "{path}");
        };
        check("$", json!({"a": 1}), r#""R""#);
        check("$.b", json!({"a": 1}), r#"{"a":1,"b":"R"}"#);
        check("$.a", json!({"a": 1, "b": 2}), r#"{"a":"R","b":2}"#);
        check("$.b.c['d e']", json!({"a": 1}), r#"{"a":1,"b":{"c":{"d e":"R"}}}"#);
        check("$.a[1]", json!({"a": [1, 2]}), r#"{"a":[1,"R"]}"#);
        check("$.a[1].b", json!({"a": [1, {}]}), r#"{"a":[1,{"b":"R"}]}"#);
        check(r"$.foo\.bar", json!({}), r#"{"foo.bar":"R"}"#);
        check(
            "$.a[2]",
            json!({"a": [1, 2]}),
            r#"Unable to apply ReferencePath $.a[2] to input {"a":[1,2]}"#,
        );
        check("$.a.b", json!({"a": 1}), r#"Unable to apply ReferencePath $.a.b to input {"a":1}"#);
        check(
            "$.b[0]",
            json!({"a": 1}),
            r#"Unable to apply ReferencePath $.b[0] to input {"a":1}"#,
        );
        check("$.b", json!([1]), "Unable to apply ReferencePath $.b to input [1]");
    }

    #[test]
    fn other_paths_are_refused() {
        for text in [
            "",
            "a",
            "$$",
            "$$.a",
            "$name",
            "$.a[*]",
            "$..a",
            "$.a[-1]",
            "$.a[0:1]",
            "$.a[0,1]",
            "$.",
            "$.a.",
            "$.a[",
            "$.a[?(@.b)]",
            "$.*",
            "$['a'",
            "$['a','b']",
            "$.a[]",
            "$.a b",
        ] {
            assert!(ReferencePath::parse(text).is_err(), "{text}");
        }
        for text in [
            "$",
            "$.a",
            r"$.foo\@bar.baz\[\[.\?pretty",
            "$.ledgers[0][22][315].foo",
            "$['a'][0]['b']",
            "$.&Ж中",
            "$.foo-bar",
            "$.[0]",
        ] {
            assert!(ReferencePath::parse(text).is_ok(), "{text}");
        }
    }
}
