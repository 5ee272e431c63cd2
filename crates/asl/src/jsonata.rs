//! JSONata expressions (`{% … %}`): the one place that knows the crate `jlens-core`.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::{Environment, EvaluationError};

/// A compiled JSONata expression.
#[derive(Debug)]
pub struct Expression {}

/// Why an expression does not compile.
#[derive(Debug, Clone, PartialEq)]
pub enum ExpressionError {
    /// `INVALID_JSONATA_EXPRESSION`: the parser's message without its code.
    Invalid(String),
    /// `UNSUPPORTED_JSONATA_EXPRESSION`:
    /// `Reference to 'phone' at the top level is not supported.`
    Unsupported(String),
}

impl ExpressionError {
    /// AWS's code of the diagnostic.
    pub fn code(&self) -> &'static str {
        match self {
            ExpressionError::Invalid(_) => "INVALID_JSONATA_EXPRESSION",
            ExpressionError::Unsupported(_) => "UNSUPPORTED_JSONATA_EXPRESSION",
        }
    }

    /// AWS's text of the diagnostic.
    pub fn message(&self) -> &str {
        match self {
            ExpressionError::Invalid(message) | ExpressionError::Unsupported(message) => message,
        }
    }
}

/// Which members of `$states` an expression mentions. All are set where it uses `$states` whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatesReferences {
    pub input: bool,
    pub result: bool,
    pub error_output: bool,
    pub context: bool,
}

impl Expression {
    /// Whether a string is an expression: it starts with `{%` and ends with `%}`. Gives the
    /// text between, trimmed.
    pub fn delimited(text: &str) -> Option<&str> {
        let inner = text.strip_prefix("{%")?.strip_suffix("%}")?;
        Some(inner.trim())
    }

    /// Compiles the text between `{%` and `%}`.
    pub fn compile(text: &str) -> Result<Expression, ExpressionError> {
        let _ = text;
        todo!()
    }

    /// The text between `{%` and `%}`, trimmed.
    pub fn text(&self) -> &str {
        todo!()
    }

    /// The names of the variables the expression reads, without `$`; `states` and functions
    /// are not among them.
    pub fn variables(&self) -> &BTreeSet<String> {
        todo!()
    }

    /// Which members of `$states` the expression mentions.
    pub fn states_references(&self) -> StatesReferences {
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

    /// As [`Expression::evaluate`], with a location that is only printed for a failure.
    pub(crate) fn evaluate_at(
        &self,
        environment: &Environment<'_>,
        location: &dyn fmt::Display,
    ) -> Result<Value, EvaluationError> {
        let _ = (environment, location);
        todo!()
    }

    /// The error for a result of the wrong type: `The JSONata expression '1' specified for the
    /// field 'Items' returned an unexpected result type. Expected 'array', but was 'number' for
    /// value: 1`. `expected` is AWS's word (`array`, `boolean`, `integer`, `string`, `number`).
    pub fn unexpected_type(
        &self,
        expected: &str,
        value: &Value,
        location: &str,
    ) -> EvaluationError {
        let _ = (expected, value, location);
        todo!()
    }

    /// Evaluates to a boolean, or fails as [`Expression::unexpected_type`].
    pub fn evaluate_boolean(
        &self,
        environment: &Environment<'_>,
        location: &str,
    ) -> Result<bool, EvaluationError> {
        match self.evaluate(environment, location)? {
            Value::Bool(value) => Ok(value),
            value => Err(self.unexpected_type("boolean", &value, location)),
        }
    }

    /// Evaluates to a string, or fails as [`Expression::unexpected_type`].
    pub fn evaluate_string(
        &self,
        environment: &Environment<'_>,
        location: &str,
    ) -> Result<String, EvaluationError> {
        match self.evaluate(environment, location)? {
            Value::String(value) => Ok(value),
            value => Err(self.unexpected_type("string", &value, location)),
        }
    }

    /// Evaluates to an array, or fails as [`Expression::unexpected_type`].
    pub fn evaluate_array(
        &self,
        environment: &Environment<'_>,
        location: &str,
    ) -> Result<Vec<Value>, EvaluationError> {
        match self.evaluate(environment, location)? {
            Value::Array(items) => Ok(items),
            value => Err(self.unexpected_type("array", &value, location)),
        }
    }
}
