//! What a state reads: the paths in its fields, what each starts from, and what would suit it.

use std::sync::OnceLock;

use regex::Regex;
use serde_json::{Value, json};

use crate::drive::Visit;
use crate::shape::{Key, Located, Origin, Shape, locate};

/// What a path starts from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Root {
    /// The input of the state.
    Raw,
    /// The input behind `InputPath`.
    Effective,
    /// What the state's work gave.
    Result,
    /// The input with the result put into it by `ResultPath`.
    Combined,
    /// The first of the items of a Map.
    Item,
    /// The execution's input.
    Execution,
    Variable(String),
}

/// A path that a state reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Read {
    pub(crate) root: Root,
    pub(crate) keys: Vec<Key>,
    /// What would suit it.
    pub(crate) hint: Option<Shape>,
}

impl Read {
    /// Where its value comes from, seen in a visit.
    pub(crate) fn located(&self, visit: &Visit, state: &Value, execution_input: &Value) -> Located {
        let prefix = |field: &str| match state[field].as_str() {
            Some(path) => path_of(path, &Root::Raw).map_or(Vec::new(), |read| read.keys),
            None => Vec::new(),
        };
        let through = |before: Vec<Key>| -> Vec<Key> {
            before.into_iter().chain(self.keys.iter().cloned()).collect()
        };
        match &self.root {
            Root::Raw => locate(visit.input.value(), &self.keys),
            Root::Effective => locate(visit.input.value(), &through(prefix("InputPath"))),
            Root::Result => match &visit.result {
                Some(result) => locate(result, &self.keys),
                None => locate(visit.input.value(), &through(prefix("InputPath"))),
            },
            Root::Combined => {
                let Some(result) = &visit.result else {
                    return locate(visit.input.value(), &self.keys);
                };
                let put = prefix("ResultPath");
                match (state.get("ResultPath"), self.keys.strip_prefix(put.as_slice())) {
                    (Some(Value::Null), _) | (_, None) => locate(visit.input.value(), &self.keys),
                    (_, Some(rest)) => locate(result, rest),
                }
            }
            Root::Item => match visit.items.as_ref().and_then(|items| items.get(0)) {
                Some(item) => locate(item, &self.keys),
                None => Located::Fixed,
            },
            Root::Execution => locate(execution_input, &self.keys),
            Root::Variable(name) => match visit.variables.get(name) {
                Some(value) => locate(value, &self.keys),
                None => Located::Fixed,
            },
        }
    }
}

/// The place that a located value has, whether it is there or not.
pub(crate) fn origin(located: Located) -> Option<Origin> {
    match located {
        Located::Present(origin) | Located::Missing(origin) => Some(origin),
        Located::Fixed => None,
    }
}

/// Every path that a state reads.
pub(crate) fn reads(state: &Value, is_jsonata: bool) -> Vec<Read> {
    let mut reads = Vec::new();
    let Some(fields) = state.as_object() else { return reads };
    let goes_over_input = !["ItemsPath", "Items"].iter().any(|field| state.get(field).is_some());
    if state["Type"] == "Map" && goes_over_input {
        reads.push(Read { root: Root::Effective, keys: Vec::new(), hint: Some(Shape::array()) });
    }
    if is_jsonata {
        for (key, value) in fields {
            if !matches!(key.as_str(), "Branches" | "ItemProcessor" | "Iterator" | "Comment") {
                in_expressions(value, hint_of(key), &mut reads);
            }
        }
        return reads;
    }
    let has_work = matches!(state["Type"].as_str(), Some("Task" | "Map" | "Parallel"));
    for (key, value) in fields {
        let root = match key.as_str() {
            "InputPath" | "ErrorPath" | "CausePath" => Root::Raw,
            "OutputPath" if has_work || state["Type"] == "Pass" => Root::Combined,
            "OutputPath" => Root::Effective,
            "ResultSelector" => Root::Result,
            "Assign" if has_work => Root::Result,
            _ => Root::Effective,
        };
        match key.as_str() {
            "Branches" | "ItemProcessor" | "Iterator" | "Comment" | "Result" | "ResultPath" => {}
            "Catch" => {}
            "Choices" => in_rules(value, &mut reads),
            _ if key.ends_with("Path") => {
                if let Some(text) = value.as_str() {
                    in_text(text, &root, hint_of(key), &mut reads);
                }
            }
            _ => in_template(value, &root, &mut reads),
        }
    }
    reads
}

/// What a field that is a path takes.
fn hint_of(field: &str) -> Option<Shape> {
    Some(match field {
        "ItemsPath" | "Items" => Shape::array(),
        "TimestampPath" | "Timestamp" => Shape::Value(json!("2000-01-01T00:00:00Z")),
        "SecondsPath" | "Seconds" => Shape::Value(json!(1)),
        "TimeoutSecondsPath" | "TimeoutSeconds" => Shape::Value(json!(60)),
        "HeartbeatSecondsPath" | "HeartbeatSeconds" => Shape::Value(json!(30)),
        "MaxConcurrencyPath" | "MaxConcurrency" => Shape::Value(json!(1)),
        _ => return None,
    })
}

/// The paths in rules of a JSONPath Choice.
fn in_rules(rules: &Value, reads: &mut Vec<Read>) {
    match rules {
        Value::Array(rules) => rules.iter().for_each(|rule| in_rules(rule, reads)),
        Value::Object(rule) => {
            for (key, value) in rule {
                match (key.as_str(), value.as_str()) {
                    ("And" | "Or" | "Not", _) => in_rules(value, reads),
                    ("Assign", _) => in_template(value, &Root::Effective, reads),
                    // What is asked for by IsPresent need not be there.
                    ("Variable", Some(_)) if rule.contains_key("IsPresent") => {}
                    ("Variable", Some(path)) => in_text(path, &Root::Effective, None, reads),
                    (key, Some(path)) if key.ends_with("Path") => {
                        in_text(path, &Root::Effective, None, reads);
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// The paths and calls in a payload template.
fn in_template(template: &Value, root: &Root, reads: &mut Vec<Read>) {
    match template {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str() {
                    Some(text) if key.ends_with(".$") => in_text(text, root, None, reads),
                    _ => in_template(value, root, reads),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| in_template(item, root, reads)),
        _ => {}
    }
}

/// The paths in a text that is a path or a call of an intrinsic function.
fn in_text(text: &str, root: &Root, hint: Option<Shape>, reads: &mut Vec<Read>) {
    let text = text.trim();
    if let Some((function, rest)) = text.strip_prefix("States.").and_then(|t| t.split_once('(')) {
        let arguments = arguments(rest.strip_suffix(')').unwrap_or(rest));
        for (at, argument) in arguments.iter().enumerate() {
            let hint = argument_hint(function, at, &arguments, hint.as_ref());
            in_text(argument, root, hint, reads);
        }
    } else if let Some(mut read) = path_of(text, root) {
        read.hint = hint;
        reads.push(read);
    }
}

/// The arguments of a call, at its own level.
fn arguments(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut depth, mut start, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                found.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(text[start..].trim());
    found
}

/// What an argument of an intrinsic function must be; `outer` is what its result must be.
fn argument_hint(
    function: &str,
    at: usize,
    arguments: &[&str],
    outer: Option<&Shape>,
) -> Option<Shape> {
    Some(match (function, at) {
        ("StringToJson", 0) => Shape::Text(Box::new(outer.cloned().unwrap_or_else(Shape::object))),
        ("ArrayGetItem", 0) => {
            let index = arguments.get(1).and_then(|index| index.parse::<usize>().ok());
            let item = outer.cloned().unwrap_or_else(Shape::object);
            Shape::Array(vec![item; index.unwrap_or(0) + 1])
        }
        ("ArrayLength" | "ArrayContains" | "ArrayUnique" | "ArrayPartition", 0) => Shape::array(),
        ("MathAdd" | "MathRandom" | "ArrayRange", _) | ("ArrayGetItem" | "ArrayPartition", 1) => {
            Shape::Value(json!(1))
        }
        ("StringSplit", 0) => {
            let delimiters = arguments.get(1).map_or(",", |text| text.trim_matches('\''));
            let delimiter = delimiters.chars().next().unwrap_or(',');
            let parts = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
            Shape::Value(json!(parts.join(&delimiter.to_string())))
        }
        ("Format", 0) => Shape::Value(json!(vec!["{}"; arguments.len() - 1].join(" "))),
        ("JsonMerge", 0 | 1) => Shape::object(),
        ("Base64Decode", 0) => Shape::Value(json!("dGV4dA==")),
        _ => return None,
    })
}

/// A path, as far as it can be followed key by key.
pub(crate) fn path_of(text: &str, root: &Root) -> Option<Read> {
    let (root, rest) = if let Some(rest) = text.strip_prefix("$$.Execution.Input") {
        (Root::Execution, rest)
    } else if let Some(rest) = text.strip_prefix("$$.Map.Item.Value") {
        (Root::Item, rest)
    } else if text.starts_with("$$") {
        return None;
    } else {
        let rest = text.strip_prefix('$')?;
        match rest.find(['.', '[']).unwrap_or(rest.len()) {
            0 => (root.clone(), rest),
            end => (Root::Variable(rest[..end].to_owned()), &rest[end..]),
        }
    };
    Some(Read { root, keys: keys(rest), hint: None })
}

/// The steps of a path: `.a`, `['a']`, `[0]`. What selects several items is taken as the first.
fn keys(text: &str) -> Vec<Key> {
    static STEP: OnceLock<Regex> = OnceLock::new();
    let step = STEP.get_or_init(|| {
        Regex::new(
            r"^(?x)(?: \.+ ( [^.\[\]\(\)\s*]+ ) (?: \( .* )? | \.? \[ \s* '([^']*)' \s* \]
               | \.? \[ \s* (\d+) \s* \] | ( \.? \* | \.? \[ [^\]]* \] ) )",
        )
        .expect("the pattern is right")
    });
    let mut keys = Vec::new();
    let mut rest = text;
    while let Some(found) = step.captures(rest) {
        if let Some(name) = found.get(1).or(found.get(2)) {
            // A function at the end selects nothing.
            if !found[0].ends_with(')') {
                keys.push(Key::Name(name.as_str().trim_matches('`').to_owned()));
            }
        } else if let Some(index) = found.get(3) {
            keys.push(Key::Index(index.as_str().parse().unwrap_or(0)));
        } else {
            keys.push(Key::Index(0));
        }
        rest = &rest[found[0].len()..];
    }
    keys
}

/// The paths in the expressions of a JSONata field.
fn in_expressions(value: &Value, hint: Option<Shape>, reads: &mut Vec<Read>) {
    match value {
        Value::String(text) => {
            if let Some(expression) = asl::Expression::delimited(text) {
                let is_whole = paths_in(expression).len() == 1;
                for (mut read, found) in paths_in(expression) {
                    if is_whole && found == expression {
                        read.hint.clone_from(&hint);
                    }
                    reads.push(read);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| in_expressions(item, None, reads)),
        Value::Object(fields) => {
            fields.values().for_each(|field| in_expressions(field, None, reads));
        }
        _ => {}
    }
}

/// The paths in an expression that start from `$states` or a variable, each with its text.
pub(crate) fn paths_in(expression: &str) -> Vec<(Read, String)> {
    static PATH: OnceLock<Regex> = OnceLock::new();
    let path = PATH.get_or_init(|| {
        Regex::new(r"\$([A-Za-z_]\w*)((?:\.(?:\w+|`[^`]*`)|\[\d+\])*)(\s*\()?")
            .expect("the pattern is right")
    });
    let mut found = Vec::new();
    for captures in path.captures_iter(expression) {
        if captures.get(3).is_some() && captures.get(2).is_none_or(|steps| steps.is_empty()) {
            continue;
        }
        let steps = captures.get(2).map_or("", |steps| steps.as_str());
        let (root, keys) = match (&captures[1], keys(steps)) {
            ("states", keys) => {
                let names: Vec<&str> = keys
                    .iter()
                    .map_while(|key| match key {
                        Key::Name(name) => Some(name.as_str()),
                        _ => None,
                    })
                    .collect();
                match names.as_slice() {
                    ["input", ..] => (Root::Raw, keys[1..].to_vec()),
                    ["result", ..] => (Root::Result, keys[1..].to_vec()),
                    ["context", "Execution", "Input", ..] => (Root::Execution, keys[3..].to_vec()),
                    ["context", "Map", "Item", "Value", ..] => (Root::Item, keys[4..].to_vec()),
                    _ => continue,
                }
            }
            (name, keys) => (Root::Variable(name.to_owned()), keys),
        };
        let text = format!("${}{steps}", &captures[1]);
        found.push((Read { root, keys, hint: None }, text));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Key {
        Key::Name(name.into())
    }

    #[test]
    fn paths_are_followed_key_by_key() {
        let check = |text: &str, root: Root, expected: &[Key]| {
            let read = path_of(text, &Root::Raw).unwrap();
            assert_eq!((read.root, read.keys.as_slice()), (root, expected), "{text}");
        };
        check("$", Root::Raw, &[]);
        check("$.a.b-c", Root::Raw, &[name("a"), name("b-c")]);
        check("$['a b'][2].c", Root::Raw, &[name("a b"), Key::Index(2), name("c")]);
        check("$.a.[0].b", Root::Raw, &[name("a"), Key::Index(0), name("b")]);
        check("$.a[*].b", Root::Raw, &[name("a"), Key::Index(0), name("b")]);
        check("$.a[?(@.x == 'y')].b", Root::Raw, &[name("a"), Key::Index(0), name("b")]);
        check("$.a.length()", Root::Raw, &[name("a")]);
        check("$v.a", Root::Variable("v".into()), &[name("a")]);
        check("$$.Execution.Input.a", Root::Execution, &[name("a")]);
        check("$$.Map.Item.Value", Root::Item, &[]);
        assert_eq!(path_of("$$.Execution.Name", &Root::Raw), None);
    }

    #[test]
    fn calls_say_what_suits_them() {
        let mut reads = Vec::new();
        let text = "States.ArrayGetItem(States.StringSplit($.key, '/'), 1)";
        in_text(text, &Root::Raw, None, &mut reads);
        assert_eq!(reads.len(), 1);
        assert_eq!(reads[0].hint, Some(Shape::Value(json!("a/b/c/d/e/f/g/h/i/j"))));
        reads.clear();
        in_text("States.StringToJson($.body)", &Root::Raw, None, &mut reads);
        assert_eq!(reads[0].hint, Some(Shape::text()));
    }

    #[test]
    fn expressions_are_searched_for_paths() {
        let found: Vec<String> = paths_in(
            "$states.input.a.`b c` > 1 and $exists($v[0].x) and $sum($states.result.n) = $w",
        )
        .into_iter()
        .map(|(_, text)| text)
        .collect();
        assert_eq!(found, ["$states.input.a.`b c`", "$v[0].x", "$states.result.n", "$w"]);
    }
}
