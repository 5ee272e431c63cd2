//! Payload templates, one type for both query languages.

use serde_json::Value;

use crate::{Environment, EvaluationError, Expression, IntrinsicCall, Path, Payload};

/// A compiled template: a JSON value with holes.
#[derive(Debug)]
pub enum Template {
    /// A value without any hole, at any depth.
    Literal(Payload),
    /// JSONPath: the value of a field `name.$` that holds a path.
    Path(Path),
    /// JSONPath: the value of a field `name.$` that holds a call.
    Intrinsic(IntrinsicCall),
    /// JSONata: `{% … %}`.
    Expression(Expression),
    /// Fields in order; the key is the one of the result (without `.$`).
    Object(Vec<(Box<str>, Template)>),
    Array(Vec<Template>),
}

impl Template {
    /// Fills the holes. `location` is the name of the field the template is the value of
    /// (`Arguments`, `Output`, `Assign`, …): JSONata's failure texts extend it with the keys on
    /// the way (`Arguments/FunctionName`), JSONPath's name the innermost key (`value.$`).
    pub fn evaluate(
        &self,
        environment: &Environment<'_>,
        location: &str,
    ) -> Result<Value, EvaluationError> {
        let _ = (environment, location);
        todo!()
    }
}
