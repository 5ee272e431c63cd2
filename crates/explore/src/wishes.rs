//! What a Choice rule wants of its data, to match or not to match.

use std::sync::OnceLock;

use regex::Regex;
use serde_json::{Value, json};

use crate::reads::{Read, Root, path_of, paths_in};
use crate::shape::{Change, Shape};

/// A wish: what a path should lead to.
pub(crate) type Wish = (Read, Change);

/// How many ways to fulfil a rule are looked at.
const WAYS_MAX: usize = 24;

/// Ways to make a rule of a Choice match, or not.
pub(crate) fn ways(rule: &Value, matches: bool) -> Vec<Vec<Wish>> {
    let mut ways = match rule["Condition"].as_str() {
        Some(condition) => expression_ways(condition, matches),
        None => test_ways(rule, matches),
    };
    ways.truncate(WAYS_MAX);
    ways
}

fn test_ways(rule: &Value, matches: bool) -> Vec<Vec<Wish>> {
    let rules = |key: &str| rule[key].as_array().cloned().unwrap_or_default();
    if rule.get("Not").is_some() {
        return test_ways(&rule["Not"], !matches);
    }
    let is_and = rule.get("And").is_some();
    if is_and || rule.get("Or").is_some() {
        let inner = rules(if is_and { "And" } else { "Or" });
        let each = inner.iter().map(|rule| test_ways(rule, matches));
        return match is_and == matches {
            true => each.fold(vec![Vec::new()], together),
            false => each.flatten().collect(),
        };
    }
    let Some(variable) = rule["Variable"].as_str() else { return Vec::new() };
    let Some(read) = path_of(variable, &Root::Effective) else { return Vec::new() };
    let fields = rule.as_object().into_iter().flatten();
    let operator =
        fields.filter(|(key, _)| !matches!(key.as_str(), "Variable" | "Next")).find(|(key, _)| {
            key.starts_with("Is")
                || ["Equals", "Than", "Matches", "Path"].iter().any(|end| key.ends_with(end))
        });
    let Some((operator, operand)) = operator else { return Vec::new() };
    if let Some(base) = operator.strip_suffix("Path") {
        return path_ways(&read, base, operand, matches);
    }
    let changes = changes(operator, operand, matches);
    changes.into_iter().map(|change| vec![(read.clone(), change)]).collect()
}

/// Every way of one list with every way of another.
fn together(left: Vec<Vec<Wish>>, right: Vec<Vec<Wish>>) -> Vec<Vec<Wish>> {
    let mut both = Vec::new();
    for one in &left {
        for other in &right {
            both.push(one.iter().chain(other).cloned().collect());
        }
    }
    both.truncate(WAYS_MAX);
    both
}

/// A comparison with what another path leads to.
fn path_ways(read: &Read, operator: &str, operand: &Value, matches: bool) -> Vec<Vec<Wish>> {
    let other = operand.as_str().and_then(|path| path_of(path, &Root::Effective));
    let Some(other) = other else { return Vec::new() };
    let fixed = match operator {
        _ if operator.starts_with("Numeric") => json!(5),
        _ if operator.starts_with("Boolean") => json!(true),
        _ if operator.starts_with("Timestamp") => json!("2020-01-01T00:00:00Z"),
        _ => json!("m"),
    };
    let changes = changes(operator, &fixed, matches);
    changes
        .into_iter()
        .map(|change| {
            vec![(other.clone(), Change::Set(Shape::Value(fixed.clone()))), (read.clone(), change)]
        })
        .collect()
}

/// What makes a test true or false.
fn changes(operator: &str, operand: &Value, matches: bool) -> Vec<Change> {
    let set = |value: Value| Change::Set(Shape::Value(value));
    let truth = operand.as_bool().unwrap_or(true) == matches;
    match operator {
        "IsPresent" if truth => vec![Change::Provide(Shape::Free)],
        "IsPresent" => vec![Change::Remove],
        "IsNull" => vec![if truth { set(Value::Null) } else { set(json!("text")) }],
        "IsNumeric" => vec![if truth { set(json!(1)) } else { set(json!("text")) }],
        "IsString" => vec![if truth { set(json!("text")) } else { set(json!(1)) }],
        "IsBoolean" => vec![if truth { set(json!(true)) } else { set(json!("text")) }],
        "IsTimestamp" => {
            vec![if truth { set(json!("2020-01-01T00:00:00Z")) } else { set(json!("text")) }]
        }
        "BooleanEquals" => vec![set(json!(truth))],
        "StringMatches" if matches => {
            let pattern = operand.as_str().unwrap_or_default();
            let filled = |with: &str| {
                let kept = pattern.replace(r"\\*", "\u{0}");
                json!(kept.replace('*', with).replace('\u{0}', "*"))
            };
            vec![set(filled("x")), set(filled(""))]
        }
        "StringMatches" => vec![set(json!("")), set(json!("\u{b7}"))],
        _ => compared(operator, operand, matches).into_iter().map(set).collect(),
    }
}

/// Values that compare with an operand as an operator wants, or not.
fn compared(operator: &str, operand: &Value, matches: bool) -> Vec<Value> {
    let (less, equal, greater) = if let Some(number) = operand.as_f64() {
        let whole = number.fract() == 0.0 && number.abs() < 1e15;
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
        let value = |number: f64| if whole { json!(number as i64) } else { json!(number) };
        (value(number - 1.0), operand.clone(), value(number + 1.0))
    } else if operator.starts_with("Timestamp") {
        (json!("1970-01-01T00:00:00Z"), operand.clone(), json!("2999-01-01T00:00:00Z"))
    } else {
        let text = operand.as_str().unwrap_or_default();
        (json!(""), operand.clone(), json!(format!("{text}~")))
    };
    let accepted = if operator.ends_with("GreaterThanEquals") {
        [false, true, true]
    } else if operator.ends_with("LessThanEquals") {
        [true, true, false]
    } else if operator.ends_with("GreaterThan") {
        [false, false, true]
    } else if operator.ends_with("LessThan") {
        [true, false, false]
    } else {
        [false, true, false]
    };
    let values = [less, equal, greater].into_iter().zip(accepted);
    let mut found: Vec<Value> =
        values.filter(|(_, accepts)| *accepts == matches).map(|(value, _)| value).collect();
    // A difference that people would give comes before an empty text.
    found.reverse();
    found
}

/// Ways to fulfil a JSONata condition, by what can be read from it without evaluating it.
fn expression_ways(condition: &str, matches: bool) -> Vec<Vec<Wish>> {
    static TEST: OnceLock<Regex> = OnceLock::new();
    let test = TEST.get_or_init(|| {
        Regex::new(
            r#"(?x) ^\s* (<=|>=|!=|=|<|>|in\b) \s*
               ( "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | -?\d+(?:\.\d+)? | true | false | null | \[[^\]]*\] )"#,
        )
        .expect("the pattern is right")
    });
    let Some(condition) = asl::Expression::delimited(condition) else { return Vec::new() };
    let mut all: Vec<Wish> = Vec::new();
    let mut others: Vec<Wish> = Vec::new();
    let set = |value: Value| Change::Set(Shape::Value(value));
    let mut rest = condition;
    for (read, text) in paths_in(condition) {
        let Some(at) = rest.find(&text) else { continue };
        let before = &rest[..at];
        rest = &rest[at + text.len()..];
        let is_negated = before.trim_end().ends_with("$not(");
        let wants = matches != is_negated;
        if before.trim_end().ends_with("$exists(") {
            let is_negated = before.trim_end().trim_end_matches("$exists(").ends_with("$not(");
            let change = match matches != is_negated {
                true => Change::Provide(Shape::Free),
                false => Change::Remove,
            };
            all.push((read, change));
            continue;
        }
        let literal = test.captures(rest).and_then(|found| {
            let text = found[2].replace('\'', "\"");
            Some((found[1].to_owned(), serde_json::from_str::<Value>(&text).ok()?))
        });
        match literal {
            Some((operator, Value::Array(items))) if operator == "in" => {
                let item = items.first().cloned().unwrap_or(Value::Null);
                all.push((read, set(if wants { item } else { json!("\u{b7}") })));
            }
            Some((operator, literal)) => {
                let (operator, wants) = match operator.as_str() {
                    "=" => ("Equals", wants),
                    "!=" => ("Equals", !wants),
                    "<" => ("LessThan", wants),
                    "<=" => ("LessThanEquals", wants),
                    ">" => ("GreaterThan", wants),
                    _ => ("GreaterThanEquals", wants),
                };
                let value = match &literal {
                    Value::Bool(value) => Some(json!(*value == wants)),
                    Value::Null if wants => Some(Value::Null),
                    literal => compared(operator, literal, wants).into_iter().next(),
                };
                all.extend(value.map(|value| (read, set(value))));
            }
            None => others.push((read, set(json!(wants)))),
        }
    }
    let mut ways = Vec::new();
    if !all.is_empty() {
        ways.push(all.clone());
    }
    ways.push(all.iter().chain(&others).cloned().collect());
    ways.extend(all.into_iter().chain(others).map(|wish| vec![wish]));
    ways
}
