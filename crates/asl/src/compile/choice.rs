//! Choice states.

use super::state::{BOTH, StateReader};
use super::values::{NOT_DELIMITED, Visible};
use super::{Compiler, node_at};
use crate::document::NodeKind;
use crate::validate::fields::{Support, check_fields, require};
use crate::validate::{Field, Reader};
use crate::{ChoiceRule, Condition, QueryLanguage, StateKind, TemplateStep};

/// The operators of JSONPath rules that are not made of a family and a relation.
const OTHER_OPERATORS: &[&str] = &[
    "And",
    "Or",
    "Not",
    "Variable",
    "BooleanEquals",
    "BooleanEqualsPath",
    "StringMatches",
    "IsNull",
    "IsPresent",
    "IsNumeric",
    "IsString",
    "IsBoolean",
    "IsTimestamp",
];

/// The relations of the families String, Numeric and Timestamp.
const RELATIONS: &[&str] =
    &["Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals"];

/// AWS's text for a rule that tests nothing.
const NO_SELECTOR: &str = "The object must have only one of the following fields, \
                           [And, Or, Not, Variable, Condition]";

impl<'n> Compiler<'n> {
    pub(super) fn choice(&mut self, state: &StateReader<'n, '_>) -> Option<StateKind> {
        require(&mut self.findings, &state.reader, &["Choices"]);
        let default = state.field("Default").map(|field| self.target(&field, state.surroundings));
        let field = state.field("Choices")?;
        let mut rules = Vec::new();
        let mut is_complete = field.node.as_array().is_some();
        for element in self.array(&field, true) {
            let rule = self.object(&element).and_then(|reader| self.rule(&element, &reader, state));
            is_complete &= rule.is_some();
            rules.extend(rule);
        }
        let default = match default {
            Some(target) => Some(target?),
            None => None,
        };
        is_complete.then_some(StateKind::Choice { rules, default })
    }

    fn rule(
        &mut self,
        element: &Field<'n>,
        reader: &Reader<'n>,
        state: &StateReader<'n, '_>,
    ) -> Option<ChoiceRule> {
        let language = state.language;
        check_fields(&mut self.findings, reader, Some(language), |key| rule_field(key, language));
        self.comment(reader);
        require(&mut self.findings, reader, &["Next"]);
        let next = reader.field("Next").and_then(|field| self.target(&field, state.surroundings));
        let condition = match state.language {
            QueryLanguage::JsonPath => self.json_path_condition(element, reader),
            QueryLanguage::Jsonata => self.jsonata_condition(reader),
        };
        let assign = reader.field("Assign").and_then(|field| {
            let scope = state.surroundings.scope;
            self.assign(&field, state.language, Visible::default(), scope)
        });
        let output = match state.language {
            QueryLanguage::JsonPath => None,
            QueryLanguage::Jsonata => reader
                .field("Output")
                .and_then(|field| self.template(&field, state.language, Visible::default())),
        };
        Some(ChoiceRule { condition: condition?, next: next?, assign, output })
    }

    fn json_path_condition(
        &mut self,
        element: &Field<'n>,
        reader: &Reader<'n>,
    ) -> Option<Condition> {
        if reader.object.contains("Condition") {
            // Reported as a field of the other language.
            return None;
        }
        match Condition::compile_json_path(&element.node.to_value()) {
            Ok(condition) => Some(condition),
            Err(errors) => {
                for error in errors {
                    let node = node_at(element.node, &error.steps);
                    let mut site = element.site.pointing_at(node.span);
                    site.order = node.span.start;
                    for step in &error.steps {
                        match step {
                            TemplateStep::Key(key) => {
                                site.location.push('/');
                                site.location.push_str(key);
                            }
                            TemplateStep::Index(index) => {
                                site.location.push_str(&format!("[{index}]"));
                            }
                        }
                    }
                    self.findings.schema(error.message, &site);
                }
                None
            }
        }
    }

    fn jsonata_condition(&mut self, reader: &Reader<'n>) -> Option<Condition> {
        let Some(field) = reader.field("Condition") else {
            // A rule of the other language has been reported.
            if !reader.object.iter().any(|member| is_operator(&member.key)) {
                self.findings.schema(NO_SELECTOR, &reader.site);
            }
            return None;
        };
        match &field.node.kind {
            NodeKind::Boolean(value) => Some(Condition::Constant(*value)),
            NodeKind::String(_) => {
                self.expression(&field, Visible::default()).map(Condition::Expression)
            }
            _ => {
                self.findings.schema(NOT_DELIMITED, &field.site);
                None
            }
        }
    }
}

/// How a field is supported in a top-level rule; `None` if not at all.
fn rule_field(key: &str, language: QueryLanguage) -> Option<Support> {
    match key {
        "Next" | "Assign" | "Comment" => Some(BOTH),
        "Condition" | "Output" => Some(Support::JsonataOnly),
        _ if is_operator(key) => Some(Support::JsonPathOnly),
        // What compiles a JSONPath rule refuses what it does not know.
        _ => (language == QueryLanguage::JsonPath).then_some(BOTH),
    }
}

/// Whether a key belongs to the test of a JSONPath rule.
fn is_operator(key: &str) -> bool {
    let families = ["String", "Numeric", "Timestamp"];
    OTHER_OPERATORS.contains(&key)
        || families
            .iter()
            .filter_map(|family| key.strip_prefix(family))
            .any(|relation| RELATIONS.contains(&relation.strip_suffix("Path").unwrap_or(relation)))
}
