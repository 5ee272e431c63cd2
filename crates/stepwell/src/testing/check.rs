//! Holds what an execution did against what a test case expects.

use std::fmt::Write as _;

use asl::Payload;
use serde_json::Value;

use super::case_file::Expectation;
use super::runner::Observed;

/// Lines of a difference that are shown.
const LINES_MAX: usize = 60;

/// What is otherwise than expected, each in one or more lines.
pub(crate) fn differences(expect: &Expectation, observed: &Observed) -> Vec<String> {
    let mut found = Vec::new();
    check_end(expect, observed, &mut found);
    if let Some(output) = &expect.output
        && let Some(actual) = &observed.output
        && !same(output.value(), actual.value())
    {
        found.push(format!("the output differs:\n{}", diff(output.value(), actual.value())));
    }
    if let Some(part) = &expect.output_includes
        && let Some(actual) = &observed.output
        && let Some(place) = missing(part.value(), actual.value(), "$")
    {
        found.push(format!("the output lacks what is expected at {place}: {}", actual.text()));
    }
    check_states(expect, observed, &mut found);
    for (state, expected) in &expect.calls {
        let calls = observed.calls.iter().filter(|(name, _)| name == state);
        let actual: Vec<Value> = calls.map(|(_, given)| given.value().clone()).collect();
        let expected: Vec<Value> = expected.iter().map(|given| given.value().clone()).collect();
        let (expected, actual) = (Value::Array(expected), Value::Array(actual));
        if !same(&expected, &actual) {
            found.push(format!("the calls of {state} differ:\n{}", diff(&expected, &actual)));
        }
    }
    if let Some(seconds) = expect.seconds {
        let actual = observed.milliseconds as f64 / 1000.0;
        if (seconds - actual).abs() > 0.0005 {
            found.push(format!("expected to take {seconds} s, took {actual} s"));
        }
    }
    found
}

fn check_end(expect: &Expectation, observed: &Observed, found: &mut Vec<String>) {
    let failed = expect.error.is_some() || expect.cause.is_some();
    let default = if failed { "FAILED" } else { "SUCCEEDED" };
    let status = expect.status.as_deref().unwrap_or(default);
    if status != observed.status {
        let mut text = format!("expected {status}, ended {}", observed.status);
        for (name, value) in [("error", &observed.error), ("cause", &observed.cause)] {
            if let Some(value) = value {
                let _ = write!(text, "\n{name}: {value}");
            }
        }
        if expect.status.is_none() && !failed {
            text.push_str("\nif that is right, say so by \"Expect\": {\"Status\": …}");
        }
        found.push(text);
    }
    let pairs =
        [("error", &expect.error, &observed.error), ("cause", &expect.cause, &observed.cause)];
    for (name, expected, actual) in pairs {
        if let Some(expected) = expected
            && actual.as_ref() != Some(expected)
        {
            let actual = actual.as_deref().unwrap_or("none");
            found.push(format!("expected the {name} {expected}, got {actual}"));
        }
    }
    if (expect.output.is_some() || expect.output_includes.is_some()) && observed.output.is_none() {
        found.push("expected an output, got none".to_owned());
    }
}

fn check_states(expect: &Expectation, observed: &Observed, found: &mut Vec<String>) {
    if let Some(path) = &expect.path
        && path != &observed.path
    {
        let list =
            |names: &[String]| names.iter().map(|name| format!("{name}\n")).collect::<String>();
        let lines = diff_lines(&list(path), &list(&observed.path));
        found.push(format!("the path differs:\n{lines}"));
    }
    for state in &expect.reaches {
        if !observed.path.contains(state) {
            found.push(format!("expected to reach {state}"));
        }
    }
    for state in &expect.avoids {
        if observed.path.contains(state) {
            found.push(format!("expected to avoid {state}"));
        }
    }
}

/// Whether two values mean the same: the order of members and the spelling of numbers do not
/// count.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, one)| other.get(key).is_some_and(|other| same(one, other)))
        }
        _ => one == other,
    }
}

/// The first place at which a value lacks what a part of it should be.
fn missing(part: &Value, whole: &Value, place: &str) -> Option<String> {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part.iter().find_map(|(key, part)| {
            let place = format!("{place}.{key}");
            match whole.get(key) {
                Some(whole) => missing(part, whole, &place),
                None => Some(place),
            }
        }),
        (Value::Array(part), Value::Array(whole)) if part.len() == whole.len() => {
            part.iter().zip(whole).enumerate().find_map(|(index, (part, whole))| {
                missing(part, whole, &format!("{place}[{index}]"))
            })
        }
        _ => (!same(part, whole)).then(|| place.to_owned()),
    }
}

fn diff(expected: &Value, actual: &Value) -> String {
    // The order of members does not count, so it shall not show.
    let pretty = |value: &Value| {
        let sorted = Payload::from_value(sorted(value));
        serde_json::to_string_pretty(sorted.value()).unwrap_or_default()
    };
    diff_lines(&pretty(expected), &pretty(actual))
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            Value::Object(
                members.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect(),
            )
        }
        Value::Array(elements) => Value::Array(elements.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// Lines that are only expected with `-`, those that are only there with `+`.
fn diff_lines(expected: &str, actual: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    if old.len().saturating_mul(new.len()) > 4_000_000 {
        return "too much to be shown".to_owned();
    }
    // The length of the longest common subsequence behind each pair of places.
    let mut common = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = match old[i] == new[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(format!("  {}", old[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || common[i + 1][j] >= common[i][j + 1]) {
            lines.push(format!("- {}", old[i]));
            i += 1;
        } else {
            lines.push(format!("+ {}", new[j]));
            j += 1;
        }
    }
    if lines.len() > LINES_MAX {
        // What is equal at the beginning says the least.
        let first = lines.iter().position(|line| !line.starts_with("  ")).unwrap_or(0);
        let from = first.saturating_sub(3);
        let more = lines.len() - from;
        lines = lines.split_off(from);
        lines.truncate(LINES_MAX);
        if more > LINES_MAX {
            lines.push(format!("… {} more lines", more - LINES_MAX));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_order_do_not_differ_by_spelling() {
        assert!(same(&json!({"a": 1, "b": [2.0]}), &json!({"b": [2], "a": 1.0})));
        assert!(!same(&json!([1, 2]), &json!([2, 1])));
        assert!(!same(&json!({"a": null}), &json!({})));
    }

    #[test]
    fn a_part_is_found_or_its_place_is_said() {
        let whole = json!({"a": {"b": [1, {"c": 2, "d": 3}]}, "e": 4});
        let check = |part: Value, place: Option<&str>| {
            assert_eq!(missing(&part, &whole, "$").as_deref(), place, "{part}");
        };
        check(json!({"a": {"b": [1, {"d": 3}]}}), None);
        check(json!({"a": {"b": [1, {"d": 4}]}}), Some("$.a.b[1].d"));
        check(json!({"a": {"b": [1]}}), Some("$.a.b"));
        check(json!({"f": null}), Some("$.f"));
    }

    #[test]
    fn lines_differ() {
        let check = |one: Value, other: Value, expected: Expect| {
            expected.assert_eq(&diff(&one, &other));
        };
        check(
            json!({"b": 1, "a": [1, 2]}),
            json!({"a": [1, 3], "b": 1}),
            expect![[r#"
                  {
                    "a": [
                      1,
                -     2
                +     3
                    ],
                    "b": 1
                  }"#]],
        );
        let many: Vec<u32> = (0..1000).collect();
        let shown = diff(&json!(many), &json!([]));
        assert_eq!(shown.lines().count(), LINES_MAX + 1);
    }
}
