//! Where two JSON values differ, for people.

use serde_json::Value;

/// Whether they are equal, as a reader of JSON in Python sees it: `1` is `1.0`, and the order of
/// members does not matter.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    first(left, right).is_none()
}

/// The first place where they differ.
pub(crate) fn first(recorded: &Value, actual: &Value) -> Option<String> {
    let mut differences = Vec::new();
    collect(recorded, actual, "", &mut differences, 1);
    differences.pop()
}

/// Up to `limit` places where they differ.
pub(crate) fn all(recorded: &Value, actual: &Value, limit: usize) -> Vec<String> {
    let mut differences = Vec::new();
    collect(recorded, actual, "", &mut differences, limit);
    differences
}

fn collect(recorded: &Value, actual: &Value, place: &str, out: &mut Vec<String>, limit: usize) {
    if out.len() >= limit {
        return;
    }
    match (recorded, actual) {
        (Value::Object(left), Value::Object(right)) => {
            for (name, value) in left {
                let place = format!("{place}/{name}");
                match right.get(name) {
                    Some(other) => collect(value, other, &place, out, limit),
                    None => out.push(format!("{place}: recorded {}, absent here", short(value))),
                }
            }
            for (name, value) in right.iter().filter(|(name, _)| !left.contains_key(*name)) {
                out.push(format!("{place}/{name}: absent in the recording, here {}", short(value)));
            }
        }
        (Value::Array(left), Value::Array(right)) => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                collect(left, right, &format!("{place}/{index}"), out, limit);
            }
            if left.len() != right.len() {
                let (there, here) = (left.len(), right.len());
                let next = left.get(here).or(right.get(there)).map(short).unwrap_or_default();
                out.push(format!("{place}: {there} items recorded, {here} here; then {next}"));
            }
        }
        (Value::Number(left), Value::Number(right)) if left.as_f64() == right.as_f64() => {}
        (left, right) if left == right => {}
        (left, right) => {
            out.push(format!(
                "{place}:\n    recorded {}\n    here     {}",
                short(left),
                short(right)
            ));
        }
    }
    out.truncate(limit);
}

/// The text of a value, cut where it is very long.
fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(600) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_have_places() {
        assert!(equal(&json!({"a": 1, "b": [2.0]}), &json!({"b": [2], "a": 1.0})));
        let there = json!({"a": [1, {"b": "x"}], "c": 1});
        let here = json!({"a": [1, {"b": "y"}, 3], "d": 1});
        let places = all(&there, &here, 10);
        assert_eq!(
            places,
            [
                "/a/1/b:\n    recorded \"x\"\n    here     \"y\"",
                "/a: 2 items recorded, 3 here; then 3",
                "/c: recorded 1, absent here",
                "/d: absent in the recording, here 1",
            ]
        );
    }
}
