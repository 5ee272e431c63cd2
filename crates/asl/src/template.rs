//! Payload templates, one type for both query languages.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    Environment, EvaluationError, Expression, ExpressionError, IntrinsicCall, Path, Payload,
};

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

/// One thing that is wrong with a template.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateError {
    /// Where the value is that the finding is about, as keys and `[index]` steps appended to
    /// the template's own location: `/a/b[0]`, or empty for the template itself. For
    /// [`TemplateErrorKind::InvalidPath`] and [`TemplateErrorKind::DuplicateField`] it is the
    /// object that has the field.
    pub location: String,
    /// The same as steps for finding the value in the document.
    pub steps: Vec<TemplateStep>,
    /// The field's name as it is written (`x.$`); empty where the value has none.
    pub field: String,
    pub kind: TemplateErrorKind,
}

/// One step into a template's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateStep {
    Key(String),
    Index(usize),
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum TemplateErrorKind {
    /// A field `x.$` that holds no path and no call:
    /// `The value for the field 'x.$' must be a valid JSONPath or a valid intrinsic function call`.
    InvalidPath,
    /// Both `x` and `x.$` in one object.
    DuplicateField,
    /// A JSONata string with only one of the delimiters `{%` and `%}`.
    UnbalancedDelimiters,
    /// A JSONata expression that does not compile.
    Expression(ExpressionError),
}

impl TemplateError {
    /// AWS's code of the diagnostic.
    pub fn code(&self) -> &'static str {
        match &self.kind {
            TemplateErrorKind::Expression(error) => error.code(),
            _ => "SCHEMA_VALIDATION_FAILED",
        }
    }

    /// AWS's text of the diagnostic.
    pub fn message(&self) -> String {
        todo!()
    }
}

impl Template {
    /// Compiles a JSONPath payload template. Gives every error, in document order.
    pub fn compile_json_path(value: &Value) -> Result<Template, Vec<TemplateError>> {
        let _ = value;
        todo!()
    }

    /// Compiles a JSONata template: any JSON value, with `{% … %}` strings at any depth. Gives
    /// every error, in document order.
    pub fn compile_jsonata(value: &Value) -> Result<Template, Vec<TemplateError>> {
        let _ = value;
        todo!()
    }

    /// Compiles the text of a field that is itself a path or a call: `ErrorPath`, `CausePath`.
    /// `None` if it is neither a reference path nor a call that can give a string.
    pub fn from_path_text(text: &str) -> Option<Template> {
        let _ = text;
        todo!()
    }

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

    /// As [`Template::evaluate`], but a literal is shared and not copied.
    pub fn evaluate_payload(
        &self,
        environment: &Environment<'_>,
        location: &str,
    ) -> Result<Payload, EvaluationError> {
        let _ = (environment, location);
        todo!()
    }

    /// Adds the names of the variables the template reads.
    pub fn collect_variables(&self, names: &mut BTreeSet<String>) {
        let _ = names;
        todo!()
    }

    /// Calls `visit` with every JSONata expression in the template and its location, extended
    /// from `location` as failure texts do.
    pub fn visit_expressions(&self, location: &str, visit: &mut dyn FnMut(&Expression, &str)) {
        let _ = (location, visit);
        todo!()
    }
}
