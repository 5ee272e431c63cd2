//! What only distributed Maps have: reading, batching and writing items.

use super::Compiler;
use super::map::ProcessorConfig;
use super::state::{BOTH, StateReader};
use super::values::{NumberRules, Range, Visible};
use crate::validate::fields::{FieldTable, Support, check_table, require};
use crate::validate::{Field, Reader, warnings};
use crate::{
    CsvHeaders, DistributedMap, InputType, ItemBatcher, ItemReader, ItemSource, ManifestType,
    QueryLanguage, ReaderConfig, ResultTransformation, ResultWriter, Template,
};

const READER_FIELDS: FieldTable = &[
    ("Arguments", Support::JsonataOnly),
    ("Comment", BOTH),
    ("Parameters", Support::JsonPathOnly),
    ("ReaderConfig", BOTH),
    ("Resource", BOTH),
];

const READER_CONFIG_FIELDS: FieldTable = &[
    ("CSVDelimiter", BOTH),
    ("CSVHeaderLocation", BOTH),
    ("CSVHeaders", BOTH),
    ("Comment", BOTH),
    ("InputType", BOTH),
    ("ItemsPointer", BOTH),
    ("ManifestType", BOTH),
    ("MaxItems", BOTH),
    ("MaxItemsPath", Support::JsonPathOnly),
    ("Transformation", BOTH),
];

const BATCHER_FIELDS: FieldTable = &[
    ("BatchInput", BOTH),
    ("Comment", BOTH),
    ("MaxInputBytesPerBatch", BOTH),
    ("MaxInputBytesPerBatchPath", Support::JsonPathOnly),
    ("MaxItemsPerBatch", BOTH),
    ("MaxItemsPerBatchPath", Support::JsonPathOnly),
];

/// Of these a batcher must have one.
const BATCH_LIMITS: &[&str] = &[
    "MaxItemsPerBatch",
    "MaxItemsPerBatchPath",
    "MaxInputBytesPerBatch",
    "MaxInputBytesPerBatchPath",
];

const WRITER_FIELDS: FieldTable = &[
    ("Arguments", Support::JsonataOnly),
    ("Comment", BOTH),
    ("Parameters", Support::JsonPathOnly),
    ("Resource", BOTH),
    ("WriterConfig", BOTH),
];

const WRITER_CONFIG_FIELDS: FieldTable =
    &[("Comment", BOTH), ("OutputType", BOTH), ("Transformation", BOTH)];

const MAX_ITEMS: NumberRules =
    NumberRules { range: Range::Integer(0, 100_000_000), from_context: false };
const MAX_BATCH_ITEMS: NumberRules =
    NumberRules { range: Range::Integer(0, 100_000_000), from_context: false };
/// The size of a batch, in bytes: at most the size of an execution's input.
const MAX_BATCH_BYTES: NumberRules =
    NumberRules { range: Range::Integer(0, 262_144), from_context: false };

impl<'n> Compiler<'n> {
    /// Reads the fields of distributed mode; they are refused in an inline Map.
    pub(super) fn distributed(
        &mut self,
        state: &StateReader<'n, '_>,
        config: &ProcessorConfig,
        label: Option<String>,
    ) -> Option<Box<DistributedMap>> {
        if !config.is_distributed {
            self.refuse_distributed_fields(state);
            return None;
        }
        let field = |key: &str| state.field(key);
        let as_written = |key: &str| field(key).map(|field| field.node.to_value());
        let language = state.language;
        Some(Box::new(DistributedMap {
            execution_type: config.execution_type,
            label,
            item_reader: as_written("ItemReader"),
            item_batcher: as_written("ItemBatcher"),
            result_writer: as_written("ResultWriter"),
            reader: field("ItemReader").and_then(|field| self.item_reader(&field, language)),
            batcher: field("ItemBatcher").and_then(|field| self.item_batcher(&field, language)),
            writer: field("ResultWriter").and_then(|field| self.result_writer(&field, language)),
        }))
    }

    fn item_reader(&mut self, field: &Field<'n>, language: QueryLanguage) -> Option<ItemReader> {
        let reader = self.object(field)?;
        check_table(&mut self.findings, &reader, Some(language), READER_FIELDS);
        self.comment(&reader);
        require(&mut self.findings, &reader, &["Resource"]);
        let action = self.s3_action(&reader, &["getObject", "listObjectsV2"]);
        let arguments = self.arguments(&reader, language);
        let config = reader.field("ReaderConfig");
        let config = config.and_then(|field| self.reader_config(&field, language));
        let source = match action? {
            "getObject" => ItemSource::Object,
            _ => ItemSource::Listing,
        };
        Some(ItemReader { source, arguments, config: config.unwrap_or_default() })
    }

    /// The action of `Resource`: `arn:aws:states:::s3:<action>`.
    fn s3_action(&mut self, reader: &Reader<'n>, actions: &[&str]) -> Option<&'n str> {
        let field = reader.field("Resource")?;
        let arn = self.string(&field)?;
        let action = arn
            .strip_prefix("arn:aws")
            .and_then(|rest| rest.split_once(":states:::s3:"))
            .filter(|(partition, _)| !partition.contains(':'))
            .map(|(_, action)| action);
        let action = action.filter(|action| actions.contains(action));
        if action.is_none() {
            let examples: Vec<String> = actions
                .iter()
                .map(|action| format!("arn:<partition>:states:::s3:{action}"))
                .collect();
            let message = format!(
                "The field 'Resource' does not match any of the allowed values. Examples: [{}]",
                examples.join(", ")
            );
            self.findings.schema(message, &field.site);
        }
        action
    }

    /// `Parameters` or `Arguments`.
    fn arguments(&mut self, reader: &Reader<'n>, language: QueryLanguage) -> Option<Template> {
        match language {
            QueryLanguage::JsonPath => {
                reader.field("Parameters").and_then(|field| self.json_path_template(&field))
            }
            QueryLanguage::Jsonata => reader
                .field("Arguments")
                .and_then(|field| self.template(&field, language, Visible::default())),
        }
    }

    fn reader_config(
        &mut self,
        field: &Field<'n>,
        language: QueryLanguage,
    ) -> Option<ReaderConfig> {
        let reader = self.object(field)?;
        check_table(&mut self.findings, &reader, Some(language), READER_CONFIG_FIELDS);
        self.comment(&reader);
        let input_type = self.input_type(&reader);
        let transformation = self.one_of(&reader, "Transformation", &["NONE", "LOAD_AND_FLATTEN"]);
        let manifest_type = self.one_of(&reader, "ManifestType", &["ATHENA_DATA", "S3_INVENTORY"]);
        if transformation == Some("LOAD_AND_FLATTEN") && !reader.object.contains("InputType") {
            self.findings.schema("The field 'InputType' is required", &reader.site);
        }
        if input_type == Some(InputType::Json)
            && let Some(member) = reader.object.member("ManifestType")
        {
            let site = reader.site.pointing_at(member.key_span);
            self.findings.schema("Field 'ManifestType' is not supported", &site);
        }
        let delimiters = ["COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"];
        let delimiter = self.one_of(&reader, "CSVDelimiter", &delimiters);
        let items_pointer = self.items_pointer(&reader);
        Some(ReaderConfig {
            input_type,
            load_and_flatten: transformation == Some("LOAD_AND_FLATTEN"),
            manifest_type: manifest_type.map(|name| match name {
                "ATHENA_DATA" => ManifestType::AthenaData,
                _ => ManifestType::S3Inventory,
            }),
            csv_delimiter: delimiter.map(|name| match name {
                "PIPE" => '|',
                "SEMICOLON" => ';',
                "SPACE" => ' ',
                "TAB" => '\t',
                _ => ',',
            }),
            csv_headers: self.csv_headers(&reader, input_type),
            items_pointer: items_pointer.map(Into::into),
            max_items: self.number_field(&reader, "MaxItems", language, MAX_ITEMS),
        })
    }

    /// `ItemsPointer`: a JSON Pointer.
    fn items_pointer(&mut self, reader: &Reader<'n>) -> Option<&'n str> {
        let field = reader.field("ItemsPointer")?;
        let pointer = self.string(&field)?;
        if !pointer.is_empty() && !pointer.starts_with('/') {
            let message = format!(
                "Invalid input: JSON Pointer expression must start with '/': \"{pointer}\""
            );
            self.findings.schema(message, &field.site);
        }
        Some(pointer)
    }

    fn input_type(&mut self, reader: &Reader<'n>) -> Option<InputType> {
        let field = reader.field("InputType")?;
        Some(match self.string(&field)? {
            "CSV" => InputType::Csv,
            "JSON" => InputType::Json,
            "JSONL" => InputType::JsonLines,
            "PARQUET" => InputType::Parquet,
            "MANIFEST" => InputType::Manifest,
            _ => {
                let message = "The field 'InputType' should have one of these values: \
                               [MANIFEST, JSON, CSV, JSONL, PARQUET]";
                self.findings.schema(message, &field.site);
                return None;
            }
        })
    }

    fn csv_headers(
        &mut self,
        reader: &Reader<'n>,
        input_type: Option<InputType>,
    ) -> Option<CsvHeaders> {
        let location = self.one_of(reader, "CSVHeaderLocation", &["FIRST_ROW", "GIVEN"]);
        match input_type {
            Some(InputType::Csv) if !reader.object.contains("CSVHeaderLocation") => {
                let message = "The field 'CSVHeaderLocation' is required";
                self.findings.schema(message, &reader.site);
            }
            Some(InputType::Json | InputType::JsonLines | InputType::Parquet) => {
                for key in ["CSVHeaderLocation", "CSVHeaders", "CSVDelimiter"] {
                    if let Some(member) = reader.object.member(key) {
                        let site = reader.site.pointing_at(member.key_span);
                        self.findings.schema(format!("Field '{key}' is not supported"), &site);
                    }
                }
            }
            _ => {}
        }
        let headers = reader.field("CSVHeaders").map(|field| {
            let elements = self.array(&field, true);
            elements
                .iter()
                .filter_map(|element| self.string(element))
                .map(Into::into)
                .collect::<Vec<Box<str>>>()
        });
        match location? {
            "GIVEN" => {
                require(&mut self.findings, reader, &["CSVHeaders"]);
                headers.map(CsvHeaders::Given)
            }
            _ => Some(CsvHeaders::FirstRow),
        }
    }

    fn item_batcher(&mut self, field: &Field<'n>, language: QueryLanguage) -> Option<ItemBatcher> {
        let reader = self.object(field)?;
        check_table(&mut self.findings, &reader, Some(language), BATCHER_FIELDS);
        self.comment(&reader);
        if !BATCH_LIMITS.iter().any(|limit| reader.object.contains(limit)) {
            let message = format!(
                "This object should have at least one of the following fields: [{}]",
                BATCH_LIMITS.join(", ")
            );
            self.findings.schema(message, &reader.site);
        }
        let batch_input = reader.field("BatchInput").and_then(|field| {
            if language == QueryLanguage::JsonPath {
                warnings::check_template(&mut self.findings, &field);
            }
            self.template(&field, language, Visible::default())
        });
        Some(ItemBatcher {
            max_items: self.number_field(&reader, "MaxItemsPerBatch", language, MAX_BATCH_ITEMS),
            max_input_bytes: self.number_field(
                &reader,
                "MaxInputBytesPerBatch",
                language,
                MAX_BATCH_BYTES,
            ),
            batch_input,
        })
    }

    fn result_writer(
        &mut self,
        field: &Field<'n>,
        language: QueryLanguage,
    ) -> Option<ResultWriter> {
        let reader = self.object(field)?;
        check_table(&mut self.findings, &reader, Some(language), WRITER_FIELDS);
        self.comment(&reader);
        let arguments_key = match language {
            QueryLanguage::JsonPath => "Parameters",
            QueryLanguage::Jsonata => "Arguments",
        };
        let exports = reader.object.contains("Resource");
        if exports {
            self.s3_action(&reader, &["putObject"]);
            require(&mut self.findings, &reader, &[arguments_key]);
        } else if reader.object.contains(arguments_key) {
            require(&mut self.findings, &reader, &["Resource"]);
        } else if !reader.object.contains("WriterConfig") {
            self.findings.schema("Value cannot be empty", &reader.site);
        }
        let arguments = self.arguments(&reader, language);
        let config = reader.field("WriterConfig").and_then(|field| self.object(&field));
        let (mut transformation, mut output_type) = (None, None);
        if let Some(config) = config {
            check_table(&mut self.findings, &config, None, WRITER_CONFIG_FIELDS);
            self.comment(&config);
            require(&mut self.findings, &config, &["Transformation", "OutputType"]);
            let transformations = ["NONE", "COMPACT", "FLATTEN"];
            transformation = self.one_of(&config, "Transformation", &transformations);
            output_type = self.one_of(&config, "OutputType", &["JSON", "JSONL"]);
        }
        Some(ResultWriter {
            exports,
            arguments,
            transformation: transformation.map(|name| match name {
                "NONE" => ResultTransformation::None,
                "COMPACT" => ResultTransformation::Compact,
                _ => ResultTransformation::Flatten,
            }),
            json_lines: output_type == Some("JSONL"),
        })
    }
}
