//! Payload templates, one type for both query languages.

mod field_order;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use crate::budget::{Budget, Exceeded};
use crate::java::json_text;
use crate::{
    Environment, EvaluationError, Expression, ExpressionError, IntrinsicCall, Path, PathMiss,
    Payload,
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
            TemplateErrorKind::UnbalancedDelimiters => "INVALID_JSONATA_EXPRESSION",
            TemplateErrorKind::InvalidPath | TemplateErrorKind::DuplicateField => {
                "SCHEMA_VALIDATION_FAILED"
            }
        }
    }

    /// AWS's text of the diagnostic.
    pub fn message(&self) -> String {
        match &self.kind {
            TemplateErrorKind::InvalidPath => format!(
                "The value for the field '{}' must be a valid JSONPath or a valid intrinsic \
                 function call",
                self.field
            ),
            TemplateErrorKind::DuplicateField => {
                let name = self.field.trim_end_matches(".$");
                format!("The fields '{name}' and '{name}.$' cannot be used together")
            }
            TemplateErrorKind::UnbalancedDelimiters => {
                "A JSONata expression must start with '{%' and end with '%}'".to_owned()
            }
            TemplateErrorKind::Expression(error) => error.message().to_owned(),
        }
    }
}

/// The way from the template's value to a value inside it.
#[derive(Clone, Copy)]
struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    step: PlaceStep<'p>,
}

#[derive(Clone, Copy)]
enum PlaceStep<'p> {
    /// The template itself; its location where failure texts need one.
    Start(&'p str),
    Key(&'p str),
    Index(usize),
}

impl<'p> Place<'p> {
    fn start(location: &'p str) -> Self {
        Place { parent: None, step: PlaceStep::Start(location) }
    }

    fn key(&'p self, key: &'p str) -> Self {
        Place { parent: Some(self), step: PlaceStep::Key(key) }
    }

    fn index(&'p self, index: usize) -> Self {
        Place { parent: Some(self), step: PlaceStep::Index(index) }
    }

    fn steps(&self) -> Vec<TemplateStep> {
        let mut steps = self.parent.map_or(Vec::new(), Place::steps);
        match self.step {
            PlaceStep::Start(_) => {}
            PlaceStep::Key(key) => steps.push(TemplateStep::Key(key.to_owned())),
            PlaceStep::Index(index) => steps.push(TemplateStep::Index(index)),
        }
        steps
    }

    /// The field of a JSONPath failure text: the innermost key with `.$`, or the whole template's
    /// field.
    fn path_field(&self) -> String {
        match self.step {
            PlaceStep::Start(location) => location.to_owned(),
            PlaceStep::Key(key) => format!("{key}.$"),
            PlaceStep::Index(_) => self.to_string(),
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            PlaceStep::Start(location) => f.write_str(location),
            PlaceStep::Key(key) => write!(f, "/{key}"),
            PlaceStep::Index(index) => write!(f, "[{index}]"),
        }
    }
}

impl Template {
    /// Compiles a JSONPath payload template. Gives every error, in document order.
    pub fn compile_json_path(value: &Value) -> Result<Template, Vec<TemplateError>> {
        let mut compiler = Compiler { errors: Vec::new() };
        let template = compiler.json_path(value, &Place::start(""));
        if compiler.errors.is_empty() { Ok(template) } else { Err(compiler.errors) }
    }

    /// Compiles a JSONata template: any JSON value, with `{% … %}` strings at any depth. Gives
    /// every error, in document order.
    pub fn compile_jsonata(value: &Value) -> Result<Template, Vec<TemplateError>> {
        let mut compiler = Compiler { errors: Vec::new() };
        let template = compiler.jsonata(value, &Place::start(""));
        if compiler.errors.is_empty() { Ok(template) } else { Err(compiler.errors) }
    }

    /// Compiles the text of a field that is itself a path or a call: `ErrorPath`, `CausePath`.
    /// `None` if it is neither a reference path nor a call that can give a string.
    pub fn from_path_text(text: &str) -> Option<Template> {
        if text.starts_with('$') {
            let path = Path::parse(text).ok()?;
            return path.is_reference_path().then_some(Template::Path(path));
        }
        let call = IntrinsicCall::parse(text)?;
        call.may_give_string().then_some(Template::Intrinsic(call))
    }

    /// Fills the holes. `location` is the name of the field the template is the value of
    /// (`Arguments`, `Output`, `Assign`, …): JSONata's failure texts extend it with the keys on
    /// the way (`Arguments/FunctionName`), JSONPath's name the innermost key (`value.$`).
    pub fn evaluate(
        &self,
        environment: &Environment<'_>,
        location: &str,
    ) -> Result<Value, EvaluationError> {
        self.fill(environment, &Place::start(location), &Budget::new())
    }

    /// As [`Template::evaluate`], but a literal is shared and not copied.
    pub fn evaluate_payload(
        &self,
        environment: &Environment<'_>,
        location: &str,
    ) -> Result<Payload, EvaluationError> {
        match self {
            Template::Literal(payload) => Ok(payload.clone()),
            template => template.evaluate(environment, location).map(Payload::from_value),
        }
    }

    fn fill(
        &self,
        environment: &Environment<'_>,
        place: &Place<'_>,
        budget: &Budget,
    ) -> Result<Value, EvaluationError> {
        match self {
            Template::Literal(payload) => Ok(payload.value().clone()),
            Template::Path(path) => match path.evaluate_within(environment, budget) {
                Ok(Cow::Borrowed(value)) => Ok(budget.copy(value)?),
                Ok(Cow::Owned(value)) => Ok(value),
                Err(PathMiss::TooMuch) => Err(Exceeded.into()),
                Err(PathMiss::IndexOutOfRange { .. }) => Ok(Value::Null),
                Err(_) => Err(EvaluationError::runtime(format!(
                    "The JSONPath '{}' specified for the field '{}' could not be found in the \
                     input '{}'",
                    path.text(),
                    place.path_field(),
                    json_text(environment.input)
                ))),
            },
            Template::Intrinsic(call) => call.evaluate_within(environment, budget),
            Template::Expression(expression) => expression.evaluate_at(environment, place),
            Template::Object(fields) => {
                let mut object = Map::with_capacity(fields.len());
                for (key, template) in fields {
                    let value = template.fill(environment, &place.key(key), budget)?;
                    object.insert(String::from(&**key), value);
                }
                Ok(Value::Object(object))
            }
            Template::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| item.fill(environment, &place.index(index), budget))
                .collect(),
        }
    }

    /// Adds the names of the variables the template reads.
    pub fn collect_variables(&self, names: &mut BTreeSet<String>) {
        match self {
            Template::Literal(_) => {}
            Template::Path(path) => names.extend(path.variable_name().map(str::to_owned)),
            Template::Intrinsic(call) => call.collect_variables(names),
            Template::Expression(expression) => {
                names.extend(expression.variables().iter().cloned());
            }
            Template::Object(fields) => {
                fields.iter().for_each(|(_, field)| field.collect_variables(names));
            }
            Template::Array(items) => items.iter().for_each(|item| item.collect_variables(names)),
        }
    }

    /// Calls `visit` with every JSONata expression in the template and its location, extended
    /// from `location` as failure texts do.
    pub fn visit_expressions(&self, location: &str, visit: &mut dyn FnMut(&Expression, &str)) {
        self.visit_at(&Place::start(location), visit);
    }

    fn visit_at(&self, place: &Place<'_>, visit: &mut dyn FnMut(&Expression, &str)) {
        match self {
            Template::Literal(_) | Template::Path(_) | Template::Intrinsic(_) => {}
            Template::Expression(expression) => visit(expression, &place.to_string()),
            Template::Object(fields) => {
                fields.iter().for_each(|(key, field)| field.visit_at(&place.key(key), visit));
            }
            Template::Array(items) => {
                let items = items.iter().enumerate();
                items.for_each(|(index, item)| item.visit_at(&place.index(index), visit));
            }
        }
    }

    fn is_literal(&self) -> bool {
        matches!(self, Template::Literal(_))
    }
}

struct Compiler {
    errors: Vec<TemplateError>,
}

impl Compiler {
    fn error(&mut self, place: &Place<'_>, field: &str, kind: TemplateErrorKind) -> Template {
        self.errors.push(TemplateError {
            location: place.to_string(),
            steps: place.steps(),
            field: field.to_owned(),
            kind,
        });
        Template::Literal(Value::Null.into())
    }

    fn json_path(&mut self, value: &Value, place: &Place<'_>) -> Template {
        match value {
            Value::Object(object) => {
                let mut fields = Vec::with_capacity(object.len());
                let mut dynamic: Vec<(Box<str>, Template)> = Vec::new();
                for (key, field) in object {
                    let Some(name) = key.strip_suffix(".$") else {
                        fields.push((key.as_str().into(), self.json_path(field, &place.key(key))));
                        continue;
                    };
                    if object.contains_key(name) {
                        self.error(place, key, TemplateErrorKind::DuplicateField);
                    }
                    let template = match field.as_str().and_then(path_or_call) {
                        Some(template) => template,
                        None => self.error(place, key, TemplateErrorKind::InvalidPath),
                    };
                    dynamic.push((name.into(), template));
                }
                field_order::sort(&mut dynamic, |(name, _)| name);
                fields.append(&mut dynamic);
                collapsed(value, Template::Object(fields))
            }
            Value::Array(items) => collapsed(value, self.items(items, place, Self::json_path)),
            _ => Template::Literal(value.clone().into()),
        }
    }

    fn jsonata(&mut self, value: &Value, place: &Place<'_>) -> Template {
        match value {
            Value::Object(object) => {
                let mut fields = Vec::with_capacity(object.len());
                for (key, field) in object {
                    fields.push((key.as_str().into(), self.jsonata(field, &place.key(key))));
                }
                collapsed(value, Template::Object(fields))
            }
            Value::Array(items) => collapsed(value, self.items(items, place, Self::jsonata)),
            Value::String(text) => match Expression::delimited(text) {
                Some(inner) => match Expression::compile(inner) {
                    Ok(expression) => Template::Expression(expression),
                    Err(error) => self.error(place, "", TemplateErrorKind::Expression(error)),
                },
                None if text.starts_with("{%") || text.ends_with("%}") => {
                    self.error(place, "", TemplateErrorKind::UnbalancedDelimiters)
                }
                None => Template::Literal(value.clone().into()),
            },
            _ => Template::Literal(value.clone().into()),
        }
    }

    fn items(
        &mut self,
        items: &[Value],
        place: &Place<'_>,
        compile: fn(&mut Self, &Value, &Place<'_>) -> Template,
    ) -> Template {
        let items = items.iter().enumerate();
        Template::Array(items.map(|(at, item)| compile(self, item, &place.index(at))).collect())
    }
}

/// The template of a container, or the value itself where nothing in it is a hole.
fn collapsed(value: &Value, template: Template) -> Template {
    let is_literal = match &template {
        Template::Object(fields) => fields.iter().all(|(_, field)| field.is_literal()),
        Template::Array(items) => items.iter().all(Template::is_literal),
        _ => false,
    };
    if is_literal { Template::Literal(value.clone().into()) } else { template }
}

/// What a field `name.$` holds.
fn path_or_call(text: &str) -> Option<Template> {
    if text.starts_with('$') {
        Path::parse(text).ok().map(Template::Path)
    } else {
        IntrinsicCall::parse(text).map(Template::Intrinsic)
    }
}

#[cfg(test)]
mod tests;
