//! The test of a Choice rule.

mod compile;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::timestamp::parse_instant;
use crate::{Environment, EvaluationError, Expression, Path, TemplateStep};

/// The compiled test of one Choice rule.
#[derive(Debug)]
pub enum Condition {
    /// JSONata: `Condition` is a boolean constant.
    Constant(bool),
    /// JSONata: `Condition` is an expression.
    Expression(Expression),
    /// JSONPath: `And`; stops at the first that fails.
    And(Vec<Condition>),
    /// JSONPath: `Or`; stops at the first that holds.
    Or(Vec<Condition>),
    /// JSONPath: `Not`.
    Not(Box<Condition>),
    /// JSONPath: a test of one `Variable`.
    Test(DataTest),
}

/// A test of one `Variable`, such as `{"Variable": "$.a", "StringEquals": "x"}`.
#[derive(Debug)]
pub struct DataTest {
    variable: Path,
    operator: Operator,
}

#[derive(Debug)]
enum Operator {
    IsPresent(bool),
    Is(Kind, bool),
    StringMatches(Vec<PatternPart>),
    Compare(Family, Comparison, Operand),
}

/// What an `Is…` operator asks for.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Null,
    Numeric,
    String,
    Boolean,
    Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    String,
    Numeric,
    Boolean,
    Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equals,
    LessThan,
    GreaterThan,
    LessThanEquals,
    GreaterThanEquals,
}

#[derive(Debug)]
enum Operand {
    Literal(Value),
    Path(Path),
}

#[derive(Debug, PartialEq)]
enum PatternPart {
    Text(Box<str>),
    /// `*`: any run of characters.
    Any,
}

/// One thing that is wrong with a JSONPath rule.
#[derive(Debug, Clone, PartialEq)]
pub struct ConditionError {
    /// Steps from the rule to the value the finding is about (`And`, index, field).
    pub steps: Vec<TemplateStep>,
    /// AWS's text; its code is `SCHEMA_VALIDATION_FAILED`.
    pub message: String,
}

impl Condition {
    /// Compiles the test of a JSONPath rule from the whole rule object; `Next`, `Assign`,
    /// `Output` and `Comment` are left to the caller at the top and refused below it (but for
    /// `Comment`). Gives every error, in document order.
    pub fn compile_json_path(rule: &Value) -> Result<Condition, Vec<ConditionError>> {
        compile::rule(rule)
    }

    /// Whether the rule matches. `location` names the field for JSONata's failure texts, as in
    /// `Choices[0]/Condition`.
    pub fn evaluate(
        &self,
        environment: &Environment<'_>,
        location: &str,
    ) -> Result<bool, EvaluationError> {
        self.evaluate_at(environment, &location)
    }

    /// As [`Condition::evaluate`], with a location that is only printed for a failure.
    pub fn evaluate_at(
        &self,
        environment: &Environment<'_>,
        location: &dyn fmt::Display,
    ) -> Result<bool, EvaluationError> {
        match self {
            Condition::Constant(value) => Ok(*value),
            Condition::Expression(expression) => {
                expression.evaluate_boolean_at(environment, location)
            }
            Condition::And(conditions) => {
                for condition in conditions {
                    if !condition.evaluate_at(environment, location)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Condition::Or(conditions) => {
                for condition in conditions {
                    if condition.evaluate_at(environment, location)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Condition::Not(condition) => Ok(!condition.evaluate_at(environment, location)?),
            Condition::Test(test) => test.holds(environment),
        }
    }

    /// Calls `visit` with every JSONata expression in the condition.
    pub(crate) fn visit_expressions(&self, visit: &mut dyn FnMut(&Expression)) {
        match self {
            Condition::Constant(_) | Condition::Test(_) => {}
            Condition::Expression(expression) => visit(expression),
            Condition::And(conditions) | Condition::Or(conditions) => {
                conditions.iter().for_each(|condition| condition.visit_expressions(visit));
            }
            Condition::Not(condition) => condition.visit_expressions(visit),
        }
    }

    /// Adds the names of the variables the condition reads.
    pub fn collect_variables(&self, names: &mut BTreeSet<String>) {
        match self {
            Condition::Constant(_) => {}
            Condition::Expression(expression) => {
                names.extend(expression.variables().iter().cloned());
            }
            Condition::And(conditions) | Condition::Or(conditions) => {
                conditions.iter().for_each(|condition| condition.collect_variables(names));
            }
            Condition::Not(condition) => condition.collect_variables(names),
            Condition::Test(test) => {
                names.extend(test.variable.variable_name().map(str::to_owned));
                if let Operator::Compare(_, _, Operand::Path(path)) = &test.operator {
                    names.extend(path.variable_name().map(str::to_owned));
                }
            }
        }
    }
}

impl DataTest {
    fn holds(&self, environment: &Environment<'_>) -> Result<bool, EvaluationError> {
        if let Operator::IsPresent(expected) = &self.operator {
            return Ok(self.variable.evaluate(environment).is_ok() == *expected);
        }
        let value = lookup(&self.variable, environment)?;
        Ok(match &self.operator {
            Operator::IsPresent(expected) => *expected,
            Operator::Is(kind, expected) => kind.fits(&value) == *expected,
            Operator::StringMatches(pattern) => {
                value.as_str().is_some_and(|text| matches(pattern, text))
            }
            Operator::Compare(family, comparison, operand) => {
                let operand = match operand {
                    Operand::Literal(value) => Cow::Borrowed(value),
                    Operand::Path(path) => lookup(path, environment)?,
                };
                family.compare(&value, &operand).is_some_and(|ordering| comparison.holds(ordering))
            }
        })
    }
}

fn lookup<'a>(
    path: &Path,
    environment: &'a Environment<'_>,
) -> Result<Cow<'a, Value>, EvaluationError> {
    path.evaluate(environment).map_err(|_| {
        EvaluationError::runtime(format!(
            "Invalid path '{}': The choice state's condition path references an invalid value.",
            path.text()
        ))
    })
}

impl Kind {
    fn fits(self, value: &Value) -> bool {
        match self {
            Kind::Null => value.is_null(),
            Kind::Numeric => value.is_number(),
            Kind::String => value.is_string(),
            Kind::Boolean => value.is_boolean(),
            Kind::Timestamp => value.as_str().is_some_and(|text| parse_instant(text).is_some()),
        }
    }
}

impl Family {
    /// How the values compare; nothing where one of them is not of this family.
    fn compare(self, left: &Value, right: &Value) -> Option<Ordering> {
        match self {
            Family::String => {
                let (left, right) = (left.as_str()?, right.as_str()?);
                Some(left.encode_utf16().cmp(right.encode_utf16()))
            }
            Family::Numeric => match (left, right) {
                (Value::Number(left), Value::Number(right)) => {
                    left.as_f64()?.partial_cmp(&right.as_f64()?)
                }
                _ => None,
            },
            Family::Boolean => Some(left.as_bool()?.cmp(&right.as_bool()?)),
            Family::Timestamp => {
                Some(parse_instant(left.as_str()?)?.cmp(&parse_instant(right.as_str()?)?))
            }
        }
    }
}

impl Comparison {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Comparison::Equals => ordering.is_eq(),
            Comparison::LessThan => ordering.is_lt(),
            Comparison::GreaterThan => ordering.is_gt(),
            Comparison::LessThanEquals => ordering.is_le(),
            Comparison::GreaterThanEquals => ordering.is_ge(),
        }
    }
}

/// Whether the whole text matches. Each text between two `*` is taken at its first place, which
/// never misses a match and takes time linear in the number of parts times the text.
fn matches(pattern: &[PatternPart], text: &str) -> bool {
    let mut rest = text;
    let mut anchored = true;
    for (at, part) in pattern.iter().enumerate() {
        match part {
            PatternPart::Any => anchored = false,
            PatternPart::Text(part) => {
                if anchored {
                    let Some(behind) = rest.strip_prefix(&**part) else { return false };
                    rest = behind;
                } else if at + 1 == pattern.len() {
                    return rest.ends_with(&**part);
                } else {
                    let Some(found) = rest.find(&**part) else { return false };
                    rest = &rest[found + part.len()..];
                }
                anchored = true;
            }
        }
    }
    !anchored || rest.is_empty()
}

#[cfg(test)]
mod tests;
