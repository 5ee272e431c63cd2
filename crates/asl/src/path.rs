//! JSONPath as AWS understands it: Jayway's rules (2.9.0) with AWS's exceptions.
//!
//! The exceptions: a path starts from one of three roots, a path that can select several values
//! gives an array and never fails, and an index past the end is told apart from a missing
//! property, because payload templates read it as `null`.
//!
//! Here are the compiled form and its evaluation; `parse` reads the text, `filter` evaluates
//! `[?(…)]`, `function` the functions a path may end with.

mod filter;
mod function;
mod parse;

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde_json::{Map, Value};

use self::filter::Filter;
use self::function::Function;
use crate::budget::{Budget, Exceeded};
use crate::java::json_text;
use crate::{Environment, EvaluationError};

/// A text that is no path.
#[derive(Debug, Clone, PartialEq)]
pub struct PathSyntaxError {
    pub message: String,
}

/// What a path starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathRoot {
    /// `$`
    Input,
    /// `$$`
    Context,
    /// `$name`
    Variable(Box<str>),
}

/// A compiled path: `$…` (input), `$$…` (context object) or `$name…` (variable).
#[derive(Debug)]
pub struct Path {
    text: Box<str>,
    root: PathRoot,
    steps: Steps,
}

/// What follows the root.
#[derive(Debug)]
struct Steps {
    steps: Vec<Step>,
    function: Option<Function>,
    /// Whether the steps, without the function, can select at most one value.
    definite: bool,
}

#[derive(Debug)]
enum Step {
    Property(Box<str>),
    /// `['a','b']`: as the last step one object of those properties, else each in turn.
    Properties(Vec<Box<str>>),
    Index(i64),
    Indexes(Vec<i64>),
    /// `[from:to]`, at least one of them given.
    Slice(Option<i64>, Option<i64>),
    Wildcard,
    /// `..`: the following step is applied to the value and everything inside it.
    Scan,
    Filter(Filter),
}

/// Why a path selects nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum PathMiss {
    /// The last step finds nothing: Jayway's `No results for path: $['a']`.
    NoResults { path: String },
    /// A step before the last one finds nothing: Jayway's `Missing property in path $['a']`.
    MissingProperty { path: String },
    /// The last step is an index past either end of an array; `path` is the whole path. Its
    /// text is that of [`PathMiss::NoResults`]; payload templates read `null` instead.
    IndexOutOfRange { path: String },
    /// A property is asked of a value that is no object. The text is Jayway's.
    NotAnObject { message: String },
    /// An index is asked of a value that is no array, or a function of what it can't be applied
    /// to. The text is Jayway's.
    NotAnArray { message: String },
    /// The path selects more than an evaluation may build.
    TooMuch,
}

impl fmt::Display for PathMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathMiss::NoResults { path } | PathMiss::IndexOutOfRange { path } => {
                write!(f, "No results for path: {path}")
            }
            PathMiss::MissingProperty { path } => write!(f, "Missing property in path {path}"),
            PathMiss::TooMuch => f.write_str("The path selects too many values"),
            PathMiss::NotAnObject { message } | PathMiss::NotAnArray { message } => {
                f.write_str(message)
            }
        }
    }
}

impl Path {
    /// Parses a path.
    pub fn parse(text: &str) -> Result<Path, PathSyntaxError> {
        parse::path(text)
    }

    /// The path as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the path starts from.
    pub fn root(&self) -> &PathRoot {
        &self.root
    }

    /// The variable the path reads, without its `$`.
    pub fn variable_name(&self) -> Option<&str> {
        match &self.root {
            PathRoot::Variable(name) => Some(name),
            PathRoot::Input | PathRoot::Context => None,
        }
    }

    /// Whether the path can select at most one value: no wildcard, slice, union, filter or `..`,
    /// or a function at the end.
    pub fn is_definite(&self) -> bool {
        self.steps.definite || self.steps.function.is_some()
    }

    /// Whether the path can only name one node: properties and indexes, nothing else.
    pub fn is_reference_path(&self) -> bool {
        self.steps.function.is_none()
            && self
                .steps
                .steps
                .iter()
                .all(|step| matches!(step, Step::Property(_) | Step::Index(_)))
    }

    /// What the path selects; borrowed where it selects one existing value. A path that is not
    /// definite always selects an array.
    pub fn evaluate<'a>(
        &self,
        environment: &'a Environment<'_>,
    ) -> Result<Cow<'a, Value>, PathMiss> {
        self.evaluate_within(environment, &Budget::new())
    }

    /// As [`Path::evaluate`], with what the whole evaluation may still build.
    pub(crate) fn evaluate_within<'a>(
        &self,
        environment: &'a Environment<'_>,
        budget: &Budget,
    ) -> Result<Cow<'a, Value>, PathMiss> {
        let root = match &self.root {
            PathRoot::Input => environment.input,
            PathRoot::Context => environment.context.value(),
            PathRoot::Variable(name) => environment
                .variables
                .get(name)
                .ok_or_else(|| PathMiss::NoResults { path: format!("${name}") })?,
        };
        self.steps.evaluate(root, root, budget)
    }

    /// As [`Path::evaluate`], with AWS's cause for a field that is itself a path (`InputPath`,
    /// `OutputPath`, `TimeoutSecondsPath`, …):
    /// `Invalid path '$.a' : No results for path: $['a']`.
    pub fn evaluate_field<'a>(
        &self,
        environment: &'a Environment<'_>,
    ) -> Result<Cow<'a, Value>, EvaluationError> {
        self.evaluate(environment).map_err(|miss| {
            EvaluationError::runtime(format!("Invalid path '{}' : {miss}", self.text))
        })
    }
}

impl Steps {
    fn new(steps: Vec<Step>, function: Option<Function>) -> Steps {
        let last = steps.len().wrapping_sub(1);
        let definite = steps.iter().enumerate().all(|(at, step)| match step {
            Step::Property(_) | Step::Index(_) => true,
            Step::Properties(_) => at == last,
            _ => false,
        });
        Steps { steps, function, definite }
    }

    /// What the steps select, starting from `start`; `root` is what `$` means in filters.
    fn evaluate<'a>(
        &self,
        start: &'a Value,
        root: &'a Value,
        budget: &Budget,
    ) -> Result<Cow<'a, Value>, PathMiss> {
        let selected = if self.definite {
            self.follow(start)?
        } else {
            Cow::Owned(Value::Array(self.select_all(start, root, budget)?))
        };
        match &self.function {
            None => Ok(selected),
            Some(function) => function.apply(&selected).map(Cow::Owned),
        }
    }

    /// Every value that steps select of which some are not definite.
    fn select_all(
        &self,
        start: &Value,
        root: &Value,
        budget: &Budget,
    ) -> Result<Vec<Value>, PathMiss> {
        let mut selection = Selection { root, budget, found: Vec::new() };
        selection.select(&self.steps, start).map_err(|Exceeded| PathMiss::TooMuch)?;
        Ok(selection.found)
    }

    /// The one value that definite steps name.
    fn follow<'a>(&self, start: &'a Value) -> Result<Cow<'a, Value>, PathMiss> {
        let mut value = start;
        for (at, step) in self.steps.iter().enumerate() {
            let next = match (step, value) {
                (Step::Property(name), Value::Object(object)) => object.get(&**name),
                (Step::Index(index), Value::Array(items)) => item(items, *index),
                (Step::Properties(names), Value::Object(object)) => {
                    return Ok(Cow::Owned(merged(names, object)));
                }
                _ => return Err(self.not_applicable(at, value)),
            };
            match next {
                Some(found) => value = found,
                None => return Err(self.miss(at)),
            }
        }
        Ok(Cow::Borrowed(value))
    }

    /// Why nothing is found at step `at`.
    #[cold]
    fn miss(&self, at: usize) -> PathMiss {
        let is_last = at + 1 == self.steps.len();
        match &self.steps[at] {
            Step::Index(_) if is_last => PathMiss::IndexOutOfRange { path: self.rendered(at) },
            Step::Index(_) => {
                PathMiss::NotAnObject { message: self.expected_object(at + 1, "null") }
            }
            _ if is_last => PathMiss::NoResults { path: self.rendered(at) },
            _ => PathMiss::MissingProperty { path: self.rendered(at) },
        }
    }

    #[cold]
    fn not_applicable(&self, at: usize, value: &Value) -> PathMiss {
        match &self.steps[at] {
            Step::Index(_) => {
                let mut rest = String::new();
                for step in &self.steps[at..] {
                    step.render(&mut rest);
                }
                let message = format!(
                    "Filter: {rest} can only be applied to arrays. Current context is: {}",
                    json_text(value)
                );
                PathMiss::NotAnArray { message }
            }
            _ => PathMiss::NotAnObject { message: self.expected_object(at, node_class(value)) },
        }
    }

    fn expected_object(&self, at: usize, found: &str) -> String {
        let mut fragment = String::new();
        self.steps[at].render(&mut fragment);
        let path = if at == 0 { "$".to_owned() } else { self.rendered(at - 1) };
        format!(
            "Expected to find an object with property {fragment} in path {path} but found \
             '{found}'. This is not a json object according to the JsonProvider: \
             'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'."
        )
    }

    /// The path up to and including step `last`, as Jayway prints it.
    fn rendered(&self, last: usize) -> String {
        let mut path = String::from("$");
        for step in &self.steps[..=last] {
            step.render(&mut path);
        }
        path
    }
}

impl Step {
    fn render(&self, path: &mut String) {
        match self {
            Step::Property(name) => {
                let _ = write!(path, "['{name}']");
            }
            Step::Properties(names) => {
                let _ = write!(path, "['{}']", names.join("','"));
            }
            Step::Index(index) => {
                let _ = write!(path, "[{index}]");
            }
            Step::Indexes(indexes) => {
                let indexes: Vec<String> = indexes.iter().map(i64::to_string).collect();
                let _ = write!(path, "[{}]", indexes.join(","));
            }
            Step::Slice(from, to) => {
                let text = |bound: &Option<i64>| bound.map_or(String::new(), |at| at.to_string());
                let _ = write!(path, "[{}:{}]", text(from), text(to));
            }
            Step::Wildcard => path.push_str("[*]"),
            Step::Scan => path.push_str(".."),
            Step::Filter(_) => path.push_str("[?]"),
        }
    }
}

/// The values found so far by a path that is not definite.
struct Selection<'r> {
    root: &'r Value,
    budget: &'r Budget,
    found: Vec<Value>,
}

impl Selection<'_> {
    fn select(&mut self, steps: &[Step], value: &Value) -> Result<(), Exceeded> {
        let Some((step, rest)) = steps.split_first() else {
            self.found.push(self.budget.copy(value)?);
            return Ok(());
        };
        // Looking at a value costs, too: `$..*..*` looks at each many times over.
        self.budget.spend(1)?;
        match (step, value) {
            (Step::Property(name), Value::Object(object)) => {
                self.select_each(rest, object.get(&**name))
            }
            (Step::Properties(names), Value::Object(object)) if rest.is_empty() => {
                self.found.push(self.budget.copy(&merged(names, object))?);
                Ok(())
            }
            (Step::Properties(names), Value::Object(object)) => {
                self.select_each(rest, names.iter().filter_map(|name| object.get(&**name)))
            }
            (Step::Index(index), Value::Array(items)) => {
                self.select_each(rest, item(items, *index))
            }
            (Step::Indexes(indexes), Value::Array(items)) => {
                self.select_each(rest, indexes.iter().filter_map(|index| item(items, *index)))
            }
            (Step::Slice(from, to), Value::Array(items)) => {
                let indexes = slice(*from, *to, items.len());
                self.select_each(rest, indexes.filter_map(|index| item(items, index)))
            }
            (Step::Wildcard, Value::Array(items)) => self.select_each(rest, items),
            (Step::Wildcard, Value::Object(object)) => self.select_each(rest, object.values()),
            (Step::Filter(filter), Value::Array(items)) => {
                for found in items {
                    if filter.accepts(found, self.root, self.budget)? {
                        self.select(rest, found)?;
                    }
                }
                Ok(())
            }
            (Step::Filter(filter), Value::Object(_)) => {
                if filter.accepts(value, self.root, self.budget)? {
                    self.select(rest, value)?;
                }
                Ok(())
            }
            (Step::Scan, _) => self.scan(rest, value),
            _ => Ok(()),
        }
    }

    fn select_each<'v>(
        &mut self,
        steps: &[Step],
        values: impl IntoIterator<Item = &'v Value>,
    ) -> Result<(), Exceeded> {
        values.into_iter().try_for_each(|value| self.select(steps, value))
    }

    /// Applies the step behind `..` to the value, then to everything inside it, in order.
    fn scan(&mut self, steps: &[Step], value: &Value) -> Result<(), Exceeded> {
        // A filter behind `..` tests each value itself; applied to an array it would test the
        // items a second time.
        match (&steps[0], value) {
            (Step::Filter(_), Value::Array(_)) => {}
            (_, Value::Array(_) | Value::Object(_)) => self.select(steps, value)?,
            _ => return Ok(()),
        }
        match value {
            Value::Array(items) => items.iter().try_for_each(|item| self.scan(steps, item)),
            Value::Object(object) => object.values().try_for_each(|field| self.scan(steps, field)),
            _ => Ok(()),
        }
    }
}

/// The item at an index; a negative one counts from the end.
fn item(items: &[Value], index: i64) -> Option<&Value> {
    let index = match usize::try_from(index) {
        Ok(index) => index,
        Err(_) => items.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
    };
    items.get(index)
}

/// The indexes of a slice. As in Jayway, negative bounds count from the end only where the
/// other bound is left out; with both given the range is taken as it is written, and each
/// negative index in it counts from the end.
fn slice(from: Option<i64>, to: Option<i64>, length: usize) -> std::ops::Range<i64> {
    let length = i64::try_from(length).expect("an array's length fits");
    let from_end = |index: i64| if index < 0 { length + index } else { index };
    match (from, to) {
        (Some(from), Some(to)) => from.max(-length)..to.min(length),
        (Some(from), None) => from_end(from).max(0)..length,
        (None, Some(to)) => 0..from_end(to).min(length),
        (None, None) => 0..length,
    }
}

/// An object of those properties that exist.
fn merged(names: &[Box<str>], object: &Map<String, Value>) -> Value {
    let properties = names
        .iter()
        .filter_map(|name| object.get(&**name).map(|value| (String::from(&**name), value.clone())));
    Value::Object(properties.collect())
}

/// The class of the JSON library behind AWS's evaluator that a value has.
fn node_class(value: &Value) -> &'static str {
    match value {
        Value::Null => "com.fasterxml.jackson.databind.node.NullNode",
        Value::Bool(_) => "com.fasterxml.jackson.databind.node.BooleanNode",
        Value::Number(number) if number.is_f64() => {
            "com.fasterxml.jackson.databind.node.DoubleNode"
        }
        Value::Number(number) => match number.as_i64().map(i32::try_from) {
            Some(Ok(_)) => "com.fasterxml.jackson.databind.node.IntNode",
            Some(Err(_)) => "com.fasterxml.jackson.databind.node.LongNode",
            None => "com.fasterxml.jackson.databind.node.BigIntegerNode",
        },
        Value::String(_) => "com.fasterxml.jackson.databind.node.TextNode",
        Value::Array(_) => "com.fasterxml.jackson.databind.node.ArrayNode",
        Value::Object(_) => "com.fasterxml.jackson.databind.node.ObjectNode",
    }
}

#[cfg(test)]
mod tests;
