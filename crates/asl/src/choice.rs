//! The test of a Choice rule.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{Environment, EvaluationError, Expression, TemplateStep};

/// The compiled test of one Choice rule.
#[derive(Debug)]
pub enum Condition {
    /// JSONata: `Condition` is a boolean constant.
    Constant(bool),
    /// JSONata: `Condition` is an expression.
    Expression(Expression),
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
    /// Compiles the test of a JSONPath rule from the whole rule object; `Next`, `Assign` and
    /// `Comment` are left to the caller (and refused below the top where AWS refuses them).
    /// Gives every error, in document order.
    pub fn compile_json_path(rule: &Value) -> Result<Condition, Vec<ConditionError>> {
        let _ = rule;
        todo!()
    }

    /// Whether the rule matches. `location` names the field for JSONata's failure texts, as in
    /// `Choices[0]/Condition`.
    pub fn evaluate(
        &self,
        environment: &Environment<'_>,
        location: &str,
    ) -> Result<bool, EvaluationError> {
        let _ = (environment, location);
        todo!()
    }

    /// Adds the names of the variables the condition reads.
    pub fn collect_variables(&self, names: &mut BTreeSet<String>) {
        let _ = names;
        todo!()
    }
}
