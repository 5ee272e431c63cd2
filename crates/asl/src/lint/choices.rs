//! Choice rules: those that nothing reaches, and the case that none is for.

use serde_json::Value;

use super::{ALWAYS_MATCHES, CHOICE_WITHOUT_DEFAULT, Linter, NEVER_MATCHES, StateSite};
use crate::Expression;
use crate::document::NodeKind;
use crate::validate::Field;

/// The fields of a rule that are not its test.
const NOT_TESTS: &[&str] = &["Next", "Assign", "Output", "Comment"];

impl Linter {
    pub(super) fn choice(&mut self, state: &StateSite<'_>) {
        let Some(choices) = state.field("Choices") else { return };
        let mut tests: Vec<Value> = Vec::new();
        let mut always = false;
        for rule in choices.elements() {
            match constant(&rule) {
                Some(true) => {
                    let message = "This rule always matches: nothing behind it is reached.";
                    self.advise(ALWAYS_MATCHES, message, &rule.site);
                    always = true;
                }
                Some(false) => {
                    self.advise(NEVER_MATCHES, "The condition of this rule is false.", &rule.site);
                }
                None => {}
            }
            let test = test(&rule);
            if let Some(earlier) = tests.iter().position(|earlier| *earlier == test) {
                let message = format!("This is the test of Choices[{earlier}] again.");
                self.advise(NEVER_MATCHES, message, &rule.site);
            }
            tests.push(test);
        }
        if !always && !state.has("Default") && !is_exhaustive(&tests) {
            let message = "Where no rule matches the execution fails, which nothing catches: a \
                           Default says what happens then.";
            self.advise(CHOICE_WITHOUT_DEFAULT, message, &state.reader.site);
        }
    }
}

/// Whether a rule's condition is written down as true or false.
fn constant(rule: &Field<'_>) -> Option<bool> {
    let condition = rule.node.as_object()?.get("Condition")?;
    match &condition.kind {
        NodeKind::Boolean(value) => Some(*value),
        NodeKind::String(text) => match Expression::delimited(text)? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// What a rule tests, without what follows from it.
fn test(rule: &Field<'_>) -> Value {
    let mut value = rule.node.to_value();
    if let Value::Object(members) = &mut value {
        members.retain(|key, _| !NOT_TESTS.contains(&key.as_str()));
        members.sort_keys();
    }
    value
}

/// Whether one of the tests is the opposite of another: `IsPresent` true and false, a test and
/// its `Not`.
fn is_exhaustive(tests: &[Value]) -> bool {
    tests.iter().any(|test| {
        let opposite = opposite(test);
        opposite.is_some_and(|opposite| tests.contains(&opposite))
    })
}

fn opposite(test: &Value) -> Option<Value> {
    let members = test.as_object()?;
    if let Some(inner) = members.get("Not") {
        let mut inner = inner.clone();
        if let Value::Object(members) = &mut inner {
            members.sort_keys();
        }
        return Some(inner);
    }
    // The opposite of these fails where there is no value, so that it is none.
    let (operator, value) = members.iter().find(|(key, _)| *key == "IsPresent")?;
    let mut opposite = members.clone();
    opposite.insert(operator.clone(), Value::Bool(!value.as_bool()?));
    Some(Value::Object(opposite))
}
