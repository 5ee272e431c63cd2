//! Turns actual answers into the form of the recordings: names, ids and moments that differ from
//! run to run become placeholders. The rules are explained beside the data.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use regex::{NoExpand, Regex};
use serde_json::{Map, Value};

use crate::bindings::Bindings;
use crate::select::Path;
use crate::text::{escape, to_text};

/// Stands for a moment in an answer, where the client library of the recordings had a date.
pub(crate) const INSTANT: &str = "\u{e000}instant";

static UUID: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$")
});
static ARN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^arn:aws[a-z-]*:[^:]*:[^:]*:(\d{12})?:.+$"));
static CAUSE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?s)'(\{.*\})'"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is correct")
}

/// The rules of one case, with the lists that all cases share written out.
pub(crate) struct Rules {
    rules: Vec<Value>,
    noise: Vec<Path>,
}

/// A replacement in the text of everything.
enum Replacement {
    Pattern(Regex, String),
    Literal(String, String),
}

/// What the rules have found so far.
#[derive(Default)]
struct Found {
    replacements: Vec<Replacement>,
    /// Placeholder -> the strings that got it, in the order of their numbers.
    numbers: BTreeMap<String, Vec<String>>,
}

impl Rules {
    pub(crate) fn new(rules: &[Value], shared: &Value, noise: &[String]) -> Result<Rules> {
        let mut all = Vec::new();
        for rule in rules {
            match rule["base"].as_str() {
                Some(base) => {
                    all.extend(shared[base].as_array().context("a list")?.iter().cloned())
                }
                None => all.push(rule.clone()),
            }
        }
        let noise = noise.iter().map(|path| Path::parse(path)).collect::<Result<_>>()?;
        Ok(Rules { rules: all, noise })
    }

    /// `answers` is an object of one member for each recorded answer, as it came.
    pub(crate) fn normalise(&self, answers: &Value, bindings: &Bindings) -> Result<Value> {
        self.rewrite(parse_texts(&sort_below(answers)), bindings)
    }

    /// Everything but the parsing of texts.
    fn rewrite(&self, mut answers: Value, bindings: &Bindings) -> Result<Value> {
        let mut found = Found::default();
        for rule in &self.rules {
            apply(rule, &mut answers, &mut found, bindings).with_context(|| rule.to_string())?;
        }
        let Value::Object(members) = &mut answers else { bail!("answers are an object") };
        for value in members.values_mut() {
            let mut text = to_text(value);
            for replacement in &found.replacements {
                text = match replacement {
                    Replacement::Pattern(pattern, with) => {
                        pattern.replace_all(&text, NoExpand(with)).into_owned()
                    }
                    Replacement::Literal(what, with) => text.replace(what, with),
                };
            }
            *value = serde_json::from_str(&text)
                .with_context(|| format!("replacements broke the JSON: {text}"))?;
        }
        self.remove_noise(&mut answers);
        Ok(answers)
    }

    pub(crate) fn remove_noise(&self, value: &mut Value) {
        for path in &self.noise {
            path.remove(value);
        }
    }
}

impl Found {
    /// A string that becomes `<with:N>` wherever it stands.
    fn number(&mut self, value: &Value, with: &str) {
        let Value::String(string) = value else { return };
        let known = self.numbers.entry(with.to_owned()).or_default();
        if string.is_empty() || known.contains(string) {
            return;
        }
        known.push(string.clone());
        let placeholder = format!("<{with}:{}>", known.len());
        self.replacements.push(Replacement::Literal(escape(string), placeholder));
    }
}

fn apply(rule: &Value, root: &mut Value, found: &mut Found, bindings: &Bindings) -> Result<()> {
    let with = rule["with"].as_str().unwrap_or_default();
    let everywhere = rule["everywhere"] == true;
    if let Some(regex) = rule["regex"].as_str() {
        // Only the two rules for messages that SNS delivers look behind; none is compared here.
        if regex.contains("(?<=") {
            return Ok(());
        }
        let regex = Regex::new(&bindings.fill_pattern(regex))?;
        found.replacements.push(Replacement::Pattern(regex, with.to_owned()));
        return Ok(());
    }
    if let Some(path) = rule["jsonpath"].as_str() {
        Path::parse(path)?.each(root, &mut |value| {
            if everywhere {
                found.number(value, with);
            } else {
                *value = with.into();
            }
        });
        return Ok(());
    }
    if let Some(key) = rule["key"].as_str() {
        each_member(root, &mut |name, value| {
            if name != key {
                return false;
            }
            if everywhere {
                found.number(value, with);
            } else {
                *value = with.into();
            }
            true
        });
        return Ok(());
    }
    let named = rule["named"].as_str().context("a rule of no known kind")?;
    apply_named(named, with, root, found)
}

fn apply_named(named: &str, with: &str, root: &mut Value, found: &mut Found) -> Result<()> {
    match named {
        "cause-json" => each_string(root, &mut |name, text| {
            if let (true, Some(json)) = (name == "cause", CAUSE.captures(text)) {
                found.number(&json[1].into(), with);
            }
        }),
        "resource-name" => each_string(root, &mut |_, text| {
            if ARN.is_match(text) {
                found.number(&resource_name(text).into(), with);
            }
        }),
        "id-uuid" => each_string(root, &mut |name, text| {
            if name.to_lowercase().ends_with("id") && UUID.is_match(text) {
                found.number(&text.as_str().into(), with);
            }
        }),
        "instant" => each_string(root, &mut |_, text| {
            if text == INSTANT {
                *text = with.to_owned();
            }
        }),
        "timestamp" => each_member(root, &mut |name, value| {
            let named = name.to_lowercase().contains("timestamp");
            let is_moment = named || name == "creationTime" || name == "ingestionTime";
            let is_iso = value.as_str().is_some_and(is_moment_text);
            if is_moment && !is_iso && !value.is_object() && !value.is_array() {
                *value = with.into();
            }
            is_moment
        }),
        "response-metadata" => each_member(root, &mut |name, value| {
            let is_metadata = name == "ResponseMetadata";
            if let (true, Value::Object(members)) = (is_metadata, value) {
                members.retain(|name, _| name == "HTTPStatusCode");
                members.shift_insert(0, "HTTPHeaders".to_owned(), Map::new().into());
            }
            is_metadata
        }),
        "output-json" => each_member(root, &mut |name, value| {
            let parsed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
            if let (true, Some(parsed)) = (name == "output", parsed) {
                *value = parsed;
            }
            false
        }),
        "parallel-order" => each_member(root, &mut |name, value| {
            if let (true, Value::Array(events)) = (name == "events", value) {
                order_parallel(events);
            }
            false
        }),
        // They name parts of messages that only other services write.
        "sns-pem" | "sns-unsubscribe" => {}
        other => bail!("no rule is named {other}"),
    }
    Ok(())
}

/// Events inside a Parallel state, in an order that does not depend on which branch was faster:
/// those up to the next event of a Parallel state lose their ids and are sorted by their text. The
/// recordings lack the events that end a Parallel state, and the exits of inner ones.
fn order_parallel(events: &mut Vec<Value>) {
    let mut depth = 0_usize;
    let mut ordered = Vec::new();
    let mut group: Vec<Value> = Vec::new();
    for mut event in std::mem::take(events) {
        let kind = event["type"].as_str().unwrap_or_default();
        let starts = kind == "ParallelStateStarted";
        let ends = kind.starts_with("ParallelState")
            && ["Succeeded", "Failed", "Aborted"].iter().any(|end| kind.ends_with(end));
        let exits = kind == "ParallelStateExited";
        if starts || ends || exits {
            group.sort_by_cached_key(to_text);
            ordered.append(&mut group);
        }
        if starts {
            depth += 1;
            ordered.push(event);
        } else if ends {
            depth = depth.saturating_sub(1);
        } else if depth == 0 {
            ordered.push(event);
        } else if !exits {
            event["id"] = serde_json::json!([0]);
            event["previousEventId"] = 0.into();
            group.push(event);
        }
    }
    group.sort_by_cached_key(to_text);
    ordered.append(&mut group);
    *events = ordered;
}

/// Whether a text is a moment with an offset, as the rules know it.
fn is_moment_text(text: &str) -> bool {
    text.contains('T') && text.parse::<Timestamp>().is_ok()
}

/// The last part of an ARN.
fn resource_name(arn: &str) -> &str {
    if let Some((_, name)) = arn.rsplit_once('/') {
        return name;
    }
    if let Some((_, name)) = arn.rsplit_once("function:") {
        return name;
    }
    arn.rsplit(':').next().unwrap_or(arn)
}

/// Calls `visit` with each member at any depth; not with members inside one for which it
/// answered `true`.
fn each_member(value: &mut Value, visit: &mut dyn FnMut(&str, &mut Value) -> bool) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if !visit(name, value) {
                    each_member(value, visit);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_member(item, visit)),
        _ => {}
    }
}

fn each_string(value: &mut Value, visit: &mut dyn FnMut(&str, &mut String)) {
    each_member(value, &mut |name, value| {
        if let Value::String(text) = value {
            visit(name, text);
        }
        false
    });
}

/// The answers in the order in which they came, each with its members by name.
fn sort_below(answers: &Value) -> Value {
    match answers {
        Value::Object(answers) => {
            Value::Object(answers.iter().map(|(key, answer)| (key.clone(), sort(answer))).collect())
        }
        other => other.clone(),
    }
}

/// Members by name at every depth, `ResponseMetadata` last.
fn sort(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_by_key(|name| (*name == "ResponseMetadata", *name));
            Value::Object(names.into_iter().map(|n| (n.clone(), sort(&members[n]))).collect())
        }
        Value::Array(items) => items.iter().map(sort).collect(),
        other => other.clone(),
    }
}

/// Members whose text is a JSON object become that object, once.
fn parse_texts(value: &Value) -> Value {
    let parse_member = |value: &Value| match value {
        Value::String(text) if text.starts_with('{') => {
            serde_json::from_str(text).unwrap_or_else(|_| value.clone())
        }
        other => parse_texts(other),
    };
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), parse_member(value))).collect()
        }
        Value::Array(items) => items.iter().map(parse_texts).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(rules: Value, answers: Value, expected: Value) {
        let rules = Rules::new(rules.as_array().unwrap(), &json!({}), &[]).unwrap();
        let actual = rules.normalise(&answers, &Bindings::default()).unwrap();
        assert_eq!(actual, expected);
    }

    #[test]
    fn texts_are_parsed_once() {
        check(
            json!([]),
            json!({"a": {"input": "{\"b\": \"{}\"}", "list": ["{}", {"x": "{\"y\":1}"}], "z": "[]"}}),
            json!({"a": {"input": {"b": "{}"}, "list": ["{}", {"x": {"y": 1}}], "z": "[]"}}),
        );
    }

    #[test]
    fn patterns_replace_in_text() {
        check(
            json!([{"regex": "sm-\\d \\\\\"x\\\\\"", "with": "<name>"}]),
            json!({"a": {"text": "is sm-1 \"x\"!"}}),
            json!({"a": {"text": "is <name>!"}}),
        );
    }

    #[test]
    fn strings_are_numbered_over_everything() {
        // Answers count in the order in which they came, not by name.
        let first = "0d2ad8c0-1b6d-4c52-9b9b-1c2a3b4c5d6e";
        let second = "1d2ad8c0-1b6d-4c52-9b9b-1c2a3b4c5d6e";
        check(
            json!([{"named": "id-uuid", "with": "uuid", "everywhere": true}]),
            json!({"b": {"requestId": first, "text": format!("see {second}")}, "a": {"Id": second}}),
            json!({"b": {"requestId": "<uuid:1>", "text": "see <uuid:2>"}, "a": {"Id": "<uuid:2>"}}),
        );
    }

    #[test]
    fn moments_become_words() {
        check(
            json!([
                {"named": "instant", "with": "datetime"},
                {"named": "timestamp", "with": "timestamp"},
            ]),
            json!({"a": {"creationDate": INSTANT, "timestamp": INSTANT, "Timestamp": "2026-01-01T00:00:00Z"}}),
            json!({"a": {"creationDate": "datetime", "timestamp": "timestamp", "Timestamp": "2026-01-01T00:00:00Z"}}),
        );
    }

    #[test]
    fn causes_hide_their_input() {
        check(
            json!([{"named": "cause-json", "with": "json-input", "everywhere": true}]),
            json!({"a": {"cause": "not found in the input '{\"b\": 1}'"}}),
            json!({"a": {"cause": "not found in the input '<json-input:1>'"}}),
        );
    }

    #[test]
    fn parallel_events_have_one_order() {
        let event =
            |id: u32, kind: &str| json!({"id": id, "previousEventId": id - 1, "type": kind});
        let inside = |kind: &str| json!({"id": [0], "previousEventId": 0, "type": kind});
        check(
            json!([{"named": "parallel-order"}]),
            json!({"a": {"events": [
                event(1, "ParallelStateStarted"), event(2, "Z"), event(3, "A"),
                event(4, "ParallelStateSucceeded"), event(5, "ParallelStateExited"),
            ]}}),
            json!({"a": {"events": [
                event(1, "ParallelStateStarted"), inside("A"), inside("Z"),
                event(5, "ParallelStateExited"),
            ]}}),
        );
    }

    /// A recording is in the form already: the rules must not change it any further.
    #[test]
    fn recordings_stay_as_they_are() {
        let shared = crate::shared_rules().unwrap();
        let mut changed = Vec::new();
        for case in crate::case::load_all().unwrap() {
            // Events that this rule drops cannot be dropped again.
            let once = |rule: &&Value| rule["named"] != "parallel-order";
            let rules: Vec<Value> = case.placeholders.iter().filter(once).cloned().collect();
            let rules = Rules::new(&rules, &shared, &case.noise).unwrap();
            let mut recorded = case.recorded.clone();
            rules.remove_noise(&mut recorded);
            let mut before = recorded.clone();
            // What a rule about texts of moments had replaced must not look like another thing.
            each_string(&mut before, &mut |_, text| {
                if text == "date" {
                    *text = "2026-01-31T10:00:00Z".to_owned();
                }
            });
            let actual = rules.rewrite(before, &Bindings::default()).unwrap();
            if let Some(difference) = crate::difference::first(&recorded, &actual) {
                changed.push(format!("{}: {difference}", case.name));
            }
        }
        assert!(changed.is_empty(), "{} changed\n{}", changed.len(), changed.join("\n"));
    }
}
