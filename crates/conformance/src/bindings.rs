//! Names for values that only a run knows: `{{exec-1}}`, `{{task-token-1}}`, `{{now+1d|ms}}`.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use anyhow::{Context, Result, bail};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use regex::Regex;
use serde_json::Value;

static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\{\{([^{}]+)\}\}").expect("the pattern is correct"));

/// The values seen so far.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    values: Mutex<BTreeMap<String, String>>,
}

impl Bindings {
    fn get(&self, name: &str) -> Option<String> {
        if name.starts_with("now") {
            let mut values = self.values.lock().expect("nothing panics while it is held");
            if let Some(value) = values.get(name) {
                return Some(value.clone());
            }
            let value = moment(name, Timestamp::now()).ok()?;
            values.insert(name.to_owned(), value.clone());
            return Some(value);
        }
        self.values.lock().expect("nothing panics while it is held").get(name).cloned()
    }

    /// The text with values in place of names; names without a value stay.
    pub(crate) fn fill(&self, text: &str) -> String {
        self.fill_with(text, |value| value.to_owned())
    }

    /// The same for a pattern: values stand for themselves there.
    pub(crate) fn fill_pattern(&self, pattern: &str) -> String {
        self.fill_with(pattern, regex::escape)
    }

    fn fill_with(&self, text: &str, form: impl Fn(&str) -> String) -> String {
        let filled = NAME.replace_all(text, |found: &regex::Captures<'_>| {
            self.get(&found[1]).map_or_else(|| form(&found[0]), |value| form(&value))
        });
        filled.into_owned()
    }

    /// A request with values in place of names, and `$concat` written out.
    pub(crate) fn fill_value(&self, value: &Value) -> Result<Value> {
        Ok(match value {
            Value::String(text) => Value::String(self.fill(text)),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.fill_value(item)).collect::<Result<_>>()?)
            }
            Value::Object(members) => match members.get("$concat") {
                Some(parts) => Value::String(concatenate(parts)?),
                None => {
                    let filled = members.iter().map(|(k, v)| Ok((k.clone(), self.fill_value(v)?)));
                    Value::Object(filled.collect::<Result<_>>()?)
                }
            },
            other => other.clone(),
        })
    }

    /// Takes the values of a template's names out of an actual text. `false`: it does not match.
    pub(crate) fn bind(&self, template: &str, actual: &str) -> bool {
        let mut pattern = String::from("(?s)^");
        let mut names = Vec::new();
        let mut end = 0;
        for found in NAME.captures_iter(template) {
            let whole = found.get(0).expect("a match has a place");
            pattern.push_str(&regex::escape(&template[end..whole.start()]));
            end = whole.end();
            match self.get(&found[1]) {
                // A second answer may name what is known already.
                Some(value) if found[1].starts_with("now") => {
                    pattern.push_str(&regex::escape(&value));
                }
                _ => {
                    pattern.push_str("(.+)");
                    names.push(found[1].to_owned());
                }
            }
        }
        pattern.push_str(&regex::escape(&template[end..]));
        pattern.push('$');
        let pattern = Regex::new(&pattern).expect("parts are escaped");
        let Some(found) = pattern.captures(actual) else { return false };
        let mut values = self.values.lock().expect("nothing panics while it is held");
        for (index, name) in names.into_iter().enumerate() {
            values.insert(name, found[index + 1].to_owned());
        }
        true
    }

    /// The same through two JSON values: binds at each string of `template` that has names.
    pub(crate) fn bind_value(&self, template: &Value, actual: &Value) {
        match (template, actual) {
            (Value::String(template), Value::String(actual)) if template.contains("{{") => {
                self.bind(template, actual);
            }
            (Value::Array(templates), Value::Array(actual)) => {
                for (template, actual) in templates.iter().zip(actual) {
                    self.bind_value(template, actual);
                }
            }
            (Value::Object(templates), Value::Object(actual)) => {
                for (name, template) in templates {
                    if let Some(actual) = actual.get(name) {
                        self.bind_value(template, actual);
                    }
                }
            }
            _ => {}
        }
    }
}

/// `{"$concat": ["text", ["a", 3]]}`: texts, and characters repeated so many times.
fn concatenate(parts: &Value) -> Result<String> {
    let mut whole = String::new();
    for part in parts.as_array().context("$concat has a list")? {
        match part {
            Value::String(text) => whole.push_str(text),
            Value::Array(pair) => {
                let text = pair.first().and_then(Value::as_str).context("a text to repeat")?;
                let times = pair.get(1).and_then(Value::as_u64).context("how often")?;
                whole.push_str(&text.repeat(usize::try_from(times)?));
            }
            other => bail!("$concat: {other}"),
        }
    }
    Ok(whole)
}

/// `now+1d|us local`: a shifted moment, with so many decimals and such an offset.
fn moment(name: &str, now: Timestamp) -> Result<String> {
    let (shift, form) = name.split_once('|').unwrap_or((name, "ms"));
    let shift = shift.strip_prefix("now").context("starts with now")?;
    let mut moment = now;
    if !shift.is_empty() {
        let number: i64 = shift[..shift.len() - 1].trim_start_matches('+').parse()?;
        let seconds = match &shift[shift.len() - 1..] {
            "d" => number * 86_400,
            "s" => number,
            other => bail!("unknown unit {other}"),
        };
        moment = now.checked_add(seconds.seconds())?;
    }
    let (mut digits, mut zone) = ("", "Z");
    for word in form.split(' ') {
        match word {
            "s" => digits = "",
            "ms" => digits = "%.3f",
            "us" => digits = "%.6f",
            "local" => zone = "",
            "offset" => zone = "+00:00",
            other => bail!("unknown form {other}"),
        }
    }
    let form = format!("%Y-%m-%dT%H:%M:%S{digits}{zone}");
    Ok(moment.to_zoned(TimeZone::UTC).strftime(&form).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_bound_and_filled() {
        let bindings = Bindings::default();
        assert!(bindings.bind("arn:execution:sm-1:{{exec-1}}", "arn:execution:sm-1:a.b"));
        assert!(!bindings.bind("arn:execution:sm-2:{{exec-2}}", "arn:execution:sm-1:a.b"));
        assert_eq!(bindings.fill("x {{exec-1}} {{exec-2}}"), "x a.b {{exec-2}}");
        assert_eq!(bindings.fill_pattern("x.*{{exec-1}}"), r"x.*a\.b");
        let request = json!({"a": ["{{exec-1}}"], "b": {"$concat": ["<", ["ab", 2], ">"]}});
        let filled = json!({"a": ["a.b"], "b": "<abab>"});
        assert_eq!(bindings.fill_value(&request).unwrap(), filled);
        let once = bindings.fill("{{now+1d|us}}");
        assert_eq!(bindings.fill("{{now+1d|us}}"), once, "one moment for the whole case");
    }

    #[test]
    fn moments_have_forms() {
        let now: Timestamp = "2026-01-31T10:00:00.123456Z".parse().unwrap();
        let check = |name: &str, text: &str| assert_eq!(moment(name, now).unwrap(), text, "{name}");
        check("now|s", "2026-01-31T10:00:00Z");
        check("now+1d|ms", "2026-02-01T10:00:00.123Z");
        check("now-10s|us", "2026-01-31T09:59:50.123456Z");
        check("now|us local", "2026-01-31T10:00:00.123456");
        check("now|s offset", "2026-01-31T10:00:00+00:00");
        assert!(moment("now+1y|ms", now).is_err());
    }
}
