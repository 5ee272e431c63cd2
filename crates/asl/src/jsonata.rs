//! JSONata expressions (`{% … %}`): the one place that knows the crate `jlens-core`.

use serde_json::Value;

use crate::{Environment, EvaluationError};

/// A compiled JSONata expression.
#[derive(Debug)]
pub struct Expression {}

impl Expression {
    /// Compiles the text between `{%` and `%}`. The error is the parser's message without its code.
    pub fn compile(text: &str) -> Result<Expression, String> {
        let _ = text;
        todo!()
    }

    /// The text between `{%` and `%}`, trimmed.
    pub fn text(&self) -> &str {
        todo!()
    }

    /// Evaluates the expression for the field at `location` (`Output/total`). An undefined
    /// result is an error, as on AWS.
    pub fn evaluate(
        &self,
        environment: &Environment<'_>,
        location: &str,
    ) -> Result<Value, EvaluationError> {
        let _ = (environment, location);
        todo!()
    }
}
