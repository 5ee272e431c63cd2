//! From a rule to its test.

use serde_json::{Map, Value};

use super::{
    Comparison, Condition, ConditionError, DataTest, Family, Kind, Operand, Operator, PatternPart,
};
use crate::timestamp::parse_instant;
use crate::{Path, TemplateStep};

/// The operators that a rule with a `Variable` has one of.
const OPERATORS: &str = "StringEquals, StringEqualsPath, StringLessThan, StringLessThanPath, \
    StringGreaterThan, StringGreaterThanPath, StringLessThanEquals, StringLessThanEqualsPath, \
    StringGreaterThanEquals, StringGreaterThanEqualsPath, StringMatches, NumericEquals, \
    NumericEqualsPath, NumericLessThan, NumericLessThanPath, NumericGreaterThan, \
    NumericGreaterThanPath, NumericLessThanEquals, NumericLessThanEqualsPath, \
    NumericGreaterThanEquals, NumericGreaterThanEqualsPath, BooleanEquals, BooleanEqualsPath, \
    TimestampEquals, TimestampEqualsPath, TimestampLessThan, TimestampLessThanPath, \
    TimestampGreaterThan, TimestampGreaterThanPath, TimestampLessThanEquals, \
    TimestampLessThanEqualsPath, TimestampGreaterThanEquals, TimestampGreaterThanEqualsPath, \
    IsNull, IsPresent, IsNumeric, IsString, IsBoolean, IsTimestamp";

pub(super) fn rule(rule: &Value) -> Result<Condition, Vec<ConditionError>> {
    let mut compiler = Compiler { steps: Vec::new(), errors: Vec::new() };
    let condition = compiler.rule(rule);
    match condition {
        Some(condition) if compiler.errors.is_empty() => Ok(condition),
        _ => Err(compiler.errors),
    }
}

struct Compiler {
    /// Where the compiler is.
    steps: Vec<TemplateStep>,
    errors: Vec<ConditionError>,
}

impl Compiler {
    fn error<T>(&mut self, message: impl Into<String>) -> Option<T> {
        self.errors.push(ConditionError { steps: self.steps.clone(), message: message.into() });
        None
    }

    fn inside<T>(&mut self, step: TemplateStep, compile: impl FnOnce(&mut Self) -> T) -> T {
        self.steps.push(step);
        let result = compile(self);
        self.steps.pop();
        result
    }

    fn rule(&mut self, rule: &Value) -> Option<Condition> {
        let Value::Object(rule) = rule else {
            return self.error("Expected value of type [OBJECT]");
        };
        let is_top = self.steps.is_empty();
        let mut tests = Vec::new();
        for field in rule.keys() {
            match field.as_str() {
                "Comment" | "Variable" => {}
                "Next" | "Assign" | "Output" if is_top => {}
                "And" | "Or" | "Not" => tests.push(field.as_str()),
                _ if operator(field).is_some() => tests.push(field.as_str()),
                _ => {
                    self.error::<()>(format!("Field '{field}' is not supported"));
                }
            }
        }
        let selectors = ["And", "Or", "Not", "Variable"];
        if selectors.iter().filter(|selector| rule.contains_key(**selector)).count() != 1 {
            return self.error(
                "The object must have only one of the following fields, [And, Or, Not, Variable, \
                 Condition]",
            );
        }
        match tests.as_slice() {
            [test] => self.test(rule, test),
            [] => self.error(format!(
                "This object should have only one of the following fields: [{OPERATORS}]"
            )),
            _ => self
                .error(format!("There should only be one of the following fields: [{OPERATORS}]")),
        }
    }

    fn test(&mut self, rule: &Map<String, Value>, test: &str) -> Option<Condition> {
        let operand = &rule[test];
        let step = TemplateStep::Key(test.to_owned());
        match test {
            "Not" => {
                let condition = self.inside(step, |compiler| compiler.rule(operand));
                condition.map(|condition| Condition::Not(Box::new(condition)))
            }
            "And" => self.inside(step, |compiler| compiler.rules(operand)).map(Condition::And),
            "Or" => self.inside(step, |compiler| compiler.rules(operand)).map(Condition::Or),
            _ => {
                let variable = self.variable(rule);
                let operator = self.inside(step, |compiler| compiler.operator(test, operand));
                Some(Condition::Test(DataTest { variable: variable?, operator: operator? }))
            }
        }
    }

    fn rules(&mut self, rules: &Value) -> Option<Vec<Condition>> {
        let Value::Array(rules) = rules else {
            return self.error("Expected value of type [ARRAY]");
        };
        if rules.is_empty() {
            return self.error("Value cannot be empty");
        }
        let mut conditions = Vec::with_capacity(rules.len());
        for (at, rule) in rules.iter().enumerate() {
            let condition = self.inside(TemplateStep::Index(at), |compiler| compiler.rule(rule));
            conditions.extend(condition);
        }
        (conditions.len() == rules.len()).then_some(conditions)
    }

    fn variable(&mut self, rule: &Map<String, Value>) -> Option<Path> {
        let Some(variable) = rule.get("Variable") else {
            return self.error("These fields are required: [Variable]");
        };
        self.inside(TemplateStep::Key("Variable".to_owned()), |compiler| compiler.path(variable))
    }

    fn path(&mut self, value: &Value) -> Option<Path> {
        let Value::String(text) = value else {
            return self.error("Expected value of type [STRING]");
        };
        match Path::parse(text) {
            Ok(path) if path.is_reference_path() => Some(path),
            Ok(_) => self.error("Value is not a Reference Path"),
            Err(_) if !text.starts_with('$') => {
                self.error("Value is not a Reference Path: Reference path didn't start with '$'")
            }
            Err(error) => self.error(format!("Value is not a Reference Path: {}", error.message)),
        }
    }

    fn operator(&mut self, name: &str, operand: &Value) -> Option<Operator> {
        match operator(name)? {
            Named::IsPresent => Some(Operator::IsPresent(self.boolean(operand)?)),
            Named::Is(kind) => Some(Operator::Is(kind, self.boolean(operand)?)),
            Named::StringMatches => match operand {
                Value::String(pattern) => Some(Operator::StringMatches(pattern_parts(pattern))),
                _ => self.error("Expected value of type [STRING]"),
            },
            Named::ComparePath(family, comparison) => {
                let path = self.path(operand)?;
                Some(Operator::Compare(family, comparison, Operand::Path(path)))
            }
            Named::Compare(family, comparison) => {
                let expected = match (family, operand) {
                    (Family::String | Family::Timestamp, Value::String(_))
                    | (Family::Numeric, Value::Number(_))
                    | (Family::Boolean, Value::Bool(_)) => None,
                    (Family::String | Family::Timestamp, _) => Some("STRING"),
                    (Family::Numeric, _) => Some("NUMBER"),
                    (Family::Boolean, _) => Some("BOOLEAN"),
                };
                if let Some(expected) = expected {
                    return self.error(format!("Expected value of type [{expected}]"));
                }
                if family == Family::Timestamp
                    && operand.as_str().is_none_or(|text| parse_instant(text).is_none())
                {
                    return self.error("String does not match RFC3339 timestamp");
                }
                Some(Operator::Compare(family, comparison, Operand::Literal(operand.clone())))
            }
        }
    }

    fn boolean(&mut self, value: &Value) -> Option<bool> {
        match value {
            Value::Bool(value) => Some(*value),
            _ => self.error("Expected value of type [BOOLEAN]"),
        }
    }
}

enum Named {
    IsPresent,
    Is(Kind),
    StringMatches,
    Compare(Family, Comparison),
    ComparePath(Family, Comparison),
}

/// The operator with this name, as in `NumericLessThanEqualsPath`.
fn operator(name: &str) -> Option<Named> {
    Some(match name {
        "IsPresent" => Named::IsPresent,
        "IsNull" => Named::Is(Kind::Null),
        "IsNumeric" => Named::Is(Kind::Numeric),
        "IsString" => Named::Is(Kind::String),
        "IsBoolean" => Named::Is(Kind::Boolean),
        "IsTimestamp" => Named::Is(Kind::Timestamp),
        "StringMatches" => Named::StringMatches,
        _ => {
            let (plain, is_path) = match name.strip_suffix("Path") {
                Some(plain) => (plain, true),
                None => (name, false),
            };
            const FAMILIES: [(&str, Family); 4] = [
                ("String", Family::String),
                ("Numeric", Family::Numeric),
                ("Boolean", Family::Boolean),
                ("Timestamp", Family::Timestamp),
            ];
            let (family, comparison) = FAMILIES
                .into_iter()
                .find_map(|(word, family)| Some((family, plain.strip_prefix(word)?)))?;
            let comparison = match comparison {
                "Equals" => Comparison::Equals,
                _ if family == Family::Boolean => return None,
                "LessThan" => Comparison::LessThan,
                "GreaterThan" => Comparison::GreaterThan,
                "LessThanEquals" => Comparison::LessThanEquals,
                "GreaterThanEquals" => Comparison::GreaterThanEquals,
                _ => return None,
            };
            if is_path {
                Named::ComparePath(family, comparison)
            } else {
                Named::Compare(family, comparison)
            }
        }
    })
}

/// `*` is any run of characters; a backslash makes the next character an ordinary one.
fn pattern_parts(pattern: &str) -> Vec<PatternPart> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '*' => {
                if !text.is_empty() {
                    parts.push(PatternPart::Text(std::mem::take(&mut text).into()));
                }
                if parts.last() != Some(&PatternPart::Any) {
                    parts.push(PatternPart::Any);
                }
            }
            '\\' => text.push(characters.next().unwrap_or('\\')),
            _ => text.push(character),
        }
    }
    if !text.is_empty() {
        parts.push(PatternPart::Text(text.into()));
    }
    parts
}
