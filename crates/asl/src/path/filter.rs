//! Filters: `[?(@.price > 8 && @.category == 'fiction')]`.
//!
//! The comparisons are Jayway's: equality converts between numbers and strings, order compares
//! only numbers with numbers and strings with strings, a regular expression must match the
//! whole text, and a value that is missing equals nothing.

use std::borrow::Cow;
use std::cmp::Ordering;

use regex::Regex;
use serde_json::Value;

use super::{PathMiss, Steps};
use crate::budget::{Budget, Exceeded};

#[derive(Debug)]
pub(super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Exists(FilterPath),
    Compare(Operand, Operator, Operand),
}

/// A path inside a filter: `@…`, or `$…` from the root of the whole path.
#[derive(Debug)]
pub(super) struct FilterPath {
    pub(super) from_root: bool,
    pub(super) steps: Steps,
}

#[derive(Debug)]
pub(super) enum Operand {
    Path(FilterPath),
    Literal(Value),
    Pattern(Regex),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    SameTypeAndEqual,
    NotSameTypeAndEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
    In,
    NotIn,
    Contains,
    All,
    Size,
    Empty,
    SubsetOf,
    AnyOf,
    NoneOf,
}

impl Filter {
    /// Whether the filter lets `item` pass.
    pub(super) fn accepts(
        &self,
        item: &Value,
        root: &Value,
        budget: &Budget,
    ) -> Result<bool, Exceeded> {
        budget.spend(1)?;
        match self {
            Filter::And(filters) => {
                for filter in filters {
                    if !filter.accepts(item, root, budget)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Filter::Or(filters) => {
                for filter in filters {
                    if filter.accepts(item, root, budget)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Filter::Not(filter) => Ok(!filter.accepts(item, root, budget)?),
            // A path that can select several values exists even where it selects none.
            Filter::Exists(path) => Ok(path.value(item, root, budget)?.is_some()),
            Filter::Compare(left, operator, right) => {
                let left = left.resolve(item, root, budget)?;
                let right = right.resolve(item, root, budget)?;
                Ok(operator.holds(&left, &right))
            }
        }
    }
}

impl FilterPath {
    /// What the path selects; none where it selects nothing.
    fn value<'a>(
        &self,
        item: &'a Value,
        root: &'a Value,
        budget: &Budget,
    ) -> Result<Option<Cow<'a, Value>>, Exceeded> {
        let start = if self.from_root { root } else { item };
        match self.steps.evaluate(start, root, budget) {
            Ok(value) => Ok(Some(value)),
            Err(PathMiss::TooMuch) => Err(Exceeded),
            Err(_) => Ok(None),
        }
    }
}

/// An operand with its value.
enum Resolved<'a> {
    Undefined,
    Value(Cow<'a, Value>),
    Pattern(&'a Regex),
}

impl Operand {
    fn resolve<'a>(
        &'a self,
        item: &'a Value,
        root: &'a Value,
        budget: &Budget,
    ) -> Result<Resolved<'a>, Exceeded> {
        Ok(match self {
            Operand::Path(path) => {
                path.value(item, root, budget)?.map_or(Resolved::Undefined, Resolved::Value)
            }
            Operand::Literal(value) => Resolved::Value(Cow::Borrowed(value)),
            Operand::Pattern(pattern) => Resolved::Pattern(pattern),
        })
    }
}

impl Resolved<'_> {
    fn value(&self) -> Option<&Value> {
        match self {
            Resolved::Value(value) => Some(value),
            Resolved::Undefined | Resolved::Pattern(_) => None,
        }
    }

    fn items(&self) -> Option<&[Value]> {
        self.value().and_then(Value::as_array).map(Vec::as_slice)
    }
}

impl Operator {
    fn holds(self, left: &Resolved<'_>, right: &Resolved<'_>) -> bool {
        let equal = |left: &Resolved<'_>, right: &Resolved<'_>| match (left.value(), right.value())
        {
            (Some(left), Some(right)) => loosely_equal(left, right),
            _ => false,
        };
        let ordered = || compare(left.value()?, right.value()?);
        match self {
            Operator::Equal => equal(left, right),
            Operator::NotEqual => !equal(left, right),
            Operator::SameTypeAndEqual => same_type(left, right) && equal(left, right),
            Operator::NotSameTypeAndEqual => !(same_type(left, right) && equal(left, right)),
            Operator::Less => ordered() == Some(Ordering::Less),
            Operator::LessOrEqual => ordered().is_some_and(Ordering::is_le),
            Operator::Greater => ordered() == Some(Ordering::Greater),
            Operator::GreaterOrEqual => ordered().is_some_and(Ordering::is_ge),
            Operator::Matches => matches(left, right),
            Operator::In => is_in(left, right),
            Operator::NotIn => !is_in(left, right),
            Operator::Contains => contains(left, right),
            Operator::All => match (left.items(), right.items()) {
                (Some(left), Some(right)) => right.iter().all(|item| has(left, item)),
                _ => false,
            },
            Operator::SubsetOf => match (left.items(), right.items()) {
                (Some(left), Some(right)) => left.iter().all(|item| has(right, item)),
                _ => false,
            },
            Operator::AnyOf => match (left.items(), right.items()) {
                (Some(left), Some(right)) => left.iter().any(|item| has(right, item)),
                _ => false,
            },
            Operator::NoneOf => match (left.items(), right.items()) {
                (Some(left), Some(right)) => !left.iter().any(|item| has(right, item)),
                _ => false,
            },
            Operator::Size => match (size(left), right.value().and_then(Value::as_u64)) {
                (Some(size), Some(expected)) => size as u64 == expected,
                _ => false,
            },
            Operator::Empty => match (size(left), right.value().and_then(Value::as_bool)) {
                (Some(size), Some(expected)) => (size == 0) == expected,
                _ => false,
            },
        }
    }
}

fn same_type(left: &Resolved<'_>, right: &Resolved<'_>) -> bool {
    match (left.value(), right.value()) {
        (Some(left), Some(right)) => std::mem::discriminant(left) == std::mem::discriminant(right),
        _ => false,
    }
}

fn has(items: &[Value], item: &Value) -> bool {
    items.iter().any(|other| loosely_equal(item, other))
}

fn is_in(left: &Resolved<'_>, right: &Resolved<'_>) -> bool {
    match (left.value(), right.items()) {
        (Some(left), Some(items)) => has(items, left),
        _ => false,
    }
}

fn contains(left: &Resolved<'_>, right: &Resolved<'_>) -> bool {
    match (left.value(), right.value()) {
        (Some(Value::String(text)), Some(Value::String(part))) => text.contains(part.as_str()),
        (Some(Value::Array(items)), Some(item)) => has(items, item),
        _ => false,
    }
}

fn size(value: &Resolved<'_>) -> Option<usize> {
    match value.value()? {
        Value::String(text) => Some(text.encode_utf16().count()),
        Value::Array(items) => Some(items.len()),
        Value::Object(object) => Some(object.len()),
        _ => None,
    }
}

fn matches(left: &Resolved<'_>, right: &Resolved<'_>) -> bool {
    let (pattern, other) = match (left, right) {
        (Resolved::Pattern(_), Resolved::Pattern(_)) => return false,
        (Resolved::Pattern(pattern), other) | (other, Resolved::Pattern(pattern)) => {
            (*pattern, other)
        }
        _ => return false,
    };
    let is_match = |value: &Value| match value {
        Value::String(text) => pattern.is_match(text),
        Value::Number(number) => pattern.is_match(&number.to_string()),
        Value::Bool(value) => pattern.is_match(if *value { "true" } else { "false" }),
        _ => pattern.is_match(""),
    };
    match other.value() {
        Some(Value::Array(items)) => items.iter().any(is_match),
        Some(value) => is_match(value),
        None => pattern.is_match(""),
    }
}

/// Equality that converts: `'5' == 5`.
fn loosely_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Number(number), Value::String(text)) => {
            text.parse::<f64>().is_ok_and(|parsed| number.as_f64() == Some(parsed))
        }
        (Value::String(text), Value::Number(number)) => *text == number.to_string(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| strictly_equal(left, right))
        }
        _ => strictly_equal(left, right),
    }
}

/// Equality as AWS's intrinsic functions and Jayway's parsed JSON have it: numbers by value,
/// objects whatever their order.
pub(crate) fn strictly_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left == right || ((left.is_f64() || right.is_f64()) && left.as_f64() == right.as_f64())
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| strictly_equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| {
                    right.get(key).is_some_and(|right| strictly_equal(left, right))
                })
        }
        _ => left == right,
    }
}

fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64()?.partial_cmp(&right.as_f64()?),
        (Value::String(left), Value::String(right)) => {
            Some(left.encode_utf16().cmp(right.encode_utf16()))
        }
        _ => None,
    }
}
