//! Reading the values of fields: constants, paths, templates and expressions.

use super::{Compiler, node_at};
use crate::validate::fields::at_most_one;
use crate::validate::{Field, Reader, Site};
use crate::{
    Expression, NumberField, Path, PathRoot, PathSetting, QueryLanguage, ReferencePath, ResultPath,
    Template, TemplateError, TemplateErrorKind,
};

/// AWS's text for a string with only one of the delimiters, or none where an expression is due.
pub(super) const NOT_DELIMITED: &str = "JSONata string must start with {% and end with %}";

/// Which members of `$states` beyond `input` and `context` a field may read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Visible {
    pub(super) result: bool,
    pub(super) error_output: bool,
}

/// Which numbers a field takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Range {
    Integer(i64, i64),
    Number(f64, f64),
}

/// What a field of numbers takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct NumberRules {
    pub(super) range: Range,
    /// Whether its `…Path` field may read the context object.
    pub(super) from_context: bool,
}

impl<'n> Compiler<'n> {
    /// The value of a field that takes a string.
    pub(super) fn string(&mut self, field: &Field<'n>) -> Option<&'n str> {
        let text = field.node.as_str();
        if text.is_none() {
            self.findings.wrong_type("[STRING]", field);
        }
        text
    }

    /// The value of a field that takes `true` or `false`.
    pub(super) fn boolean(&mut self, field: &Field<'n>) -> Option<bool> {
        let value = field.node.as_bool();
        if value.is_none() {
            self.findings.wrong_type("[BOOLEAN]", field);
        }
        value
    }

    /// The value of a field that takes an object.
    pub(super) fn object(&mut self, field: &Field<'n>) -> Option<Reader<'n>> {
        let object = field.node.as_object();
        if object.is_none() {
            self.findings.wrong_type("[OBJECT]", field);
        }
        Some(Reader { object: object?, site: field.site.clone() })
    }

    /// The elements of a field that takes an array; with `required` it may not be empty.
    pub(super) fn array(&mut self, field: &Field<'n>, required: bool) -> Vec<Field<'n>> {
        match field.node.as_array() {
            None => self.findings.wrong_type("[ARRAY]", field),
            Some([]) if required => self.findings.schema("Value cannot be empty", &field.site),
            Some(_) => {}
        }
        field.elements()
    }

    /// The value of a field that takes one of some words.
    pub(super) fn one_of(
        &mut self,
        reader: &Reader<'n>,
        key: &str,
        words: &[&str],
    ) -> Option<&'n str> {
        let field = reader.field(key)?;
        let text = self.string(&field)?;
        if words.contains(&text) {
            return Some(text);
        }
        let message = format!("Value should be one of the following: [{}]", words.join(", "));
        self.findings.schema(message, &field.site);
        None
    }

    /// Checks `Comment`.
    pub(super) fn comment(&mut self, reader: &Reader<'n>) {
        if let Some(field) = reader.field("Comment") {
            self.string(&field);
        }
    }

    /// Checks the value of `QueryLanguage`.
    pub(super) fn query_language(&mut self, reader: &Reader<'n>) {
        self.one_of(reader, "QueryLanguage", &["JSONPath", "JSONata"]);
    }

    /// The value of a field that takes an integer between two bounds.
    pub(super) fn integer(&mut self, field: &Field<'n>, min: i64, max: i64) -> Option<u64> {
        let number = field.node.as_number();
        let whole = number.and_then(|number| {
            number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
        });
        match whole {
            None => self.findings.wrong_type("Integer", field),
            Some(value) if value < i128::from(min) => {
                self.findings.schema(format!("Minimum value is {min}"), &field.site);
            }
            Some(value) if value > i128::from(max) => {
                self.findings.schema(format!("Maximum value is {max}"), &field.site);
            }
            Some(value) => return u64::try_from(value).ok(),
        }
        None
    }

    /// The value of a field that takes any number between two bounds.
    pub(super) fn number(&mut self, field: &Field<'n>, min: f64, max: f64) -> Option<f64> {
        let value = field.node.as_number().and_then(serde_json::Number::as_f64);
        match value {
            None => self.findings.wrong_type("[NUMBER]", field),
            Some(value) if value < min => {
                self.findings.schema(format!("Minimum value is {min:?}"), &field.site);
            }
            Some(value) if value > max => {
                self.findings.schema(format!("Maximum value is {max:?}"), &field.site);
            }
            Some(value) => return Some(value),
        }
        None
    }

    /// A number that is written down, is an expression of a JSONata state, or is read from the
    /// `…Path` field of a JSONPath state.
    pub(super) fn number_field(
        &mut self,
        reader: &Reader<'n>,
        key: &str,
        language: QueryLanguage,
        rules: NumberRules,
    ) -> Option<NumberField> {
        let path_key = format!("{key}Path");
        at_most_one(&mut self.findings, reader, &[key, &path_key]);
        if let Some(field) = reader.field(key) {
            if language == QueryLanguage::Jsonata && field.node.as_str().is_some() {
                return self.expression(&field, Visible::default()).map(NumberField::Expression);
            }
            let value = match rules.range {
                // The bounds of integers are below 2^53, except where there is none.
                Range::Integer(min, max) => self.integer(&field, min, max).map(|v| v as f64),
                Range::Number(min, max) => self.number(&field, min, max),
            };
            return value.map(NumberField::Literal);
        }
        let field = reader.field(&path_key).filter(|_| language == QueryLanguage::JsonPath)?;
        let path = self.reference_path(&field)?;
        if *path.root() == PathRoot::Context && !rules.from_context {
            self.findings.schema("Value is not a Reference Path", &field.site);
            return None;
        }
        Some(NumberField::Path(path))
    }

    /// `InputPath`, `OutputPath`.
    pub(super) fn path_setting(&mut self, field: &Field<'n>) -> PathSetting {
        if field.node.is_null() {
            return PathSetting::Nothing;
        }
        let Some(text) = self.string(field) else { return PathSetting::Whole };
        if text == "$" {
            return PathSetting::Whole;
        }
        match Path::parse(text) {
            Ok(path) => PathSetting::Path(path),
            Err(_) => {
                self.findings.schema("Value must be a valid JSONPath.", &field.site);
                PathSetting::Whole
            }
        }
    }

    /// `ResultPath`.
    pub(super) fn result_path(&mut self, field: &Field<'n>) -> ResultPath {
        if field.node.is_null() {
            return ResultPath::Discard;
        }
        let Some(text) = self.string(field) else { return ResultPath::Whole };
        if text == "$" {
            return ResultPath::Whole;
        }
        match ReferencePath::parse(text) {
            Ok(path) => ResultPath::Path(path),
            Err(_) => {
                self.findings.schema(not_a_reference_path(text), &field.site);
                ResultPath::Whole
            }
        }
    }

    /// A field whose value is a path to one node: of the input, the context object or a variable.
    pub(super) fn reference_path(&mut self, field: &Field<'n>) -> Option<Path> {
        let text = self.string(field)?;
        let path = Path::parse(text).ok().filter(Path::is_reference_path);
        if path.is_none() {
            self.findings.schema(not_a_reference_path(text), &field.site);
        }
        path
    }

    /// A payload template in the state's language.
    pub(super) fn template(
        &mut self,
        field: &Field<'n>,
        language: QueryLanguage,
        visible: Visible,
    ) -> Option<Template> {
        let value = field.node.to_value();
        let compiled = match language {
            QueryLanguage::JsonPath => Template::compile_json_path(&value),
            QueryLanguage::Jsonata => Template::compile_jsonata(&value),
        };
        match compiled {
            Ok(template) => {
                self.check_expressions(&template, field, visible);
                Some(template)
            }
            Err(errors) => {
                for error in &errors {
                    self.template_error(error, field);
                }
                None
            }
        }
    }

    fn template_error(&mut self, error: &TemplateError, field: &Field<'n>) {
        let node = node_at(field.node, &error.steps);
        let mut site = field.site.pointing_at(node.span);
        site.location.push_str(&error.location);
        site.order = node.span.start;
        match error.kind {
            TemplateErrorKind::UnbalancedDelimiters => self.findings.schema(NOT_DELIMITED, &site),
            _ => self.findings.error(error.code(), error.message(), &site),
        }
    }

    /// Reports expressions of a template that read what is not there.
    fn check_expressions(&mut self, template: &Template, field: &Field<'n>, visible: Visible) {
        let mut unknown: Vec<(String, String)> = Vec::new();
        template.visit_expressions(&field.site.location, &mut |expression, location| {
            for member in invisible(expression, visible) {
                unknown.push((member, location.to_owned()));
            }
        });
        for (member, location) in unknown {
            let mut site = field.site.clone();
            site.location = location;
            self.unknown_member(&member, &site);
        }
    }

    fn unknown_member(&mut self, member: &str, site: &Site) {
        let message = format!("Field '$states.{member}' does not exist.");
        self.findings.error("UNSUPPORTED_JSONATA_EXPRESSION", message, site);
    }

    /// A field whose string is an expression.
    pub(super) fn expression(&mut self, field: &Field<'n>, visible: Visible) -> Option<Expression> {
        let text = self.string(field)?;
        let Some(inner) = Expression::delimited(text) else {
            self.findings.schema(NOT_DELIMITED, &field.site);
            return None;
        };
        match Expression::compile(inner) {
            Ok(expression) => {
                for member in invisible(&expression, visible) {
                    self.unknown_member(&member, &field.site);
                }
                Some(expression)
            }
            Err(error) => {
                self.findings.error(error.code(), error.message(), &field.site);
                None
            }
        }
    }
}

/// The members of `$states` that an expression reads and may not.
fn invisible(expression: &Expression, visible: Visible) -> Vec<String> {
    let read = expression.states_references();
    let mut members: Vec<String> = expression.unknown_states_members().iter().cloned().collect();
    // An expression that takes `$states` whole mentions every member.
    if read.input && read.result && read.error_output && read.context {
        return members;
    }
    if read.result && !visible.result {
        members.push("result".to_owned());
    }
    if read.error_output && !visible.error_output {
        members.push("errorOutput".to_owned());
    }
    members
}

fn not_a_reference_path(text: &str) -> &'static str {
    if text.starts_with('$') {
        "Value is not a Reference Path"
    } else {
        "Value is not a Reference Path: Reference path didn't start with '$'"
    }
}
