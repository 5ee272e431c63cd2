//! Map states.

use super::Compiler;
use super::scope::Container;
use super::state::{BOTH, StateReader};
use super::values::{NumberRules, Range, Visible};
use crate::validate::fields::{FieldTable, at_most_one, check_table, exactly_one, require};
use crate::validate::{Field, Reader, warnings};
use crate::{Items, MachineType, Map, NumberField, QueryLanguage, StateKind, Template};

/// The fields that make sense in distributed mode only.
const DISTRIBUTED_FIELDS: &[&str] = &["ItemReader", "ItemBatcher", "ResultWriter"];

const CONCURRENCY: NumberRules =
    NumberRules { range: Range::Integer(0, i64::MAX), from_context: false };
const FAILURE_COUNT: NumberRules =
    NumberRules { range: Range::Integer(0, i64::MAX), from_context: false };
const FAILURE_PERCENTAGE: NumberRules =
    NumberRules { range: Range::Number(0.0, 100.0), from_context: false };

/// `ProcessorConfig`.
pub(super) struct ProcessorConfig {
    pub(super) is_distributed: bool,
    /// Standard if it is absent or wrong.
    pub(super) execution_type: MachineType,
}

impl<'n> Compiler<'n> {
    pub(super) fn map(&mut self, state: &StateReader<'n, '_>) -> Option<StateKind> {
        let reader = &state.reader;
        exactly_one(&mut self.findings, reader, &["ItemProcessor", "Iterator"]);
        at_most_one(&mut self.findings, reader, &["ItemSelector", "Parameters"]);
        let config = self.processor_config(state);
        let processor = state.field("ItemProcessor").or_else(|| state.field("Iterator"));
        let processor = processor.and_then(|field| {
            let reader = self.object(&field)?;
            let container = Container {
                state: state.index,
                scope: state.surroundings.scope,
                is_distributed: config.is_distributed,
            };
            let machine_type = match config.execution_type {
                MachineType::Express => MachineType::Express,
                MachineType::Standard => state.surroundings.machine_type,
            };
            Some(self.processor(&reader, container, machine_type))
        });
        let items = self.items(state);
        let item_selector = self.item_selector(state);
        let language = state.language;
        let max_concurrency = self.number_field(reader, "MaxConcurrency", language, CONCURRENCY);
        let tolerated_failure_count =
            self.number_field(reader, "ToleratedFailureCount", language, FAILURE_COUNT);
        let tolerated_failure_percentage =
            self.number_field(reader, "ToleratedFailurePercentage", language, FAILURE_PERCENTAGE);
        let label = state.field("Label").and_then(|field| {
            let label = self.string(&field)?;
            self.names.label(&mut self.findings, label, &field.site);
            Some(label.to_owned())
        });
        let distributed = self.distributed(state, &config, label);
        Some(StateKind::Map(Box::new(Map {
            processor: processor?,
            items,
            item_selector,
            max_concurrency: max_concurrency.filter(|limit| !is_zero(limit)),
            tolerated_failure_count,
            tolerated_failure_percentage,
            distributed,
        })))
    }

    /// `ProcessorConfig` of the processor.
    fn processor_config(&mut self, state: &StateReader<'n, '_>) -> ProcessorConfig {
        let mut config =
            ProcessorConfig { is_distributed: false, execution_type: MachineType::Standard };
        let processor = state.field("ItemProcessor").or_else(|| state.field("Iterator"));
        let field = processor.and_then(|field| {
            let object = field.node.as_object()?;
            Reader { object, site: field.site }.field("ProcessorConfig")
        });
        let Some(reader) = field.and_then(|field| self.object(&field)) else { return config };
        let mode = self.one_of(&reader, "Mode", &["INLINE", "DISTRIBUTED"]);
        config.is_distributed = mode == Some("DISTRIBUTED");
        let table: FieldTable = if config.is_distributed {
            &[("ExecutionType", BOTH), ("Mode", BOTH)]
        } else {
            &[("Mode", BOTH)]
        };
        check_table(&mut self.findings, &reader, None, table);
        if config.is_distributed {
            if state.surroundings.machine_type == MachineType::Express
                && let Some(field) = reader.field("Mode")
            {
                let message = "The field 'Mode' with value 'DISTRIBUTED' is not supported inside \
                               'EXPRESS' state machines";
                self.findings.schema(message, &field.site);
            }
            require(&mut self.findings, &reader, &["ExecutionType"]);
            let execution_type = self.one_of(&reader, "ExecutionType", &["STANDARD", "EXPRESS"]);
            if execution_type == Some("EXPRESS") {
                config.execution_type = MachineType::Express;
            }
        }
        config
    }

    fn items(&mut self, state: &StateReader<'n, '_>) -> Items {
        let field = state.field("ItemsPath");
        if let Some(path) = field.and_then(|field| self.reference_path(&field)) {
            return Items::Path(path);
        }
        let Some(field) = state.field("Items") else { return Items::Input };
        let template = self.items_template(&field, state.language);
        template.map_or(Items::Input, Items::Template)
    }

    /// `Items`: an array, an object or an expression.
    fn items_template(&mut self, field: &Field<'n>, language: QueryLanguage) -> Option<Template> {
        let is_collection = field.node.as_array().is_some() || field.node.as_object().is_some();
        if is_collection {
            return self.template(field, language, Visible::default());
        }
        if field.node.as_str().is_none() {
            self.findings.wrong_type("[ARRAY, OBJECT, STRING]", field);
            return None;
        }
        self.expression(field, Visible::default()).map(Template::Expression)
    }

    /// `ItemSelector`, or `Parameters` as it was called before.
    fn item_selector(&mut self, state: &StateReader<'n, '_>) -> Option<Template> {
        let field = state.field("ItemSelector").or_else(|| state.field("Parameters"))?;
        if state.language == QueryLanguage::JsonPath {
            warnings::check_template(&mut self.findings, &field);
        }
        self.template(&field, state.language, Visible::default())
    }

    /// Reports fields of distributed mode in a Map that runs inline.
    pub(super) fn refuse_distributed_fields(&mut self, state: &StateReader<'n, '_>) {
        for key in DISTRIBUTED_FIELDS {
            if let Some(member) = state.reader.object.member(key) {
                let site = state.reader.site.pointing_at(member.key_span);
                self.findings.schema(format!("Field '{key}' is not supported"), &site);
            }
        }
    }
}

fn is_zero(number: &NumberField) -> bool {
    matches!(number, NumberField::Literal(value) if *value == 0.0)
}
