//! The executable form of a state machine. Everything is parsed once, by [`crate::compile`];
//! states refer to each other by index, and the run time never looks at the definition again.
//!
//! State indexes are part of the journal's format: states are numbered in document order, depth
//! first (a state, then the states of its branches or processor, then its next sibling).

use std::sync::Arc;

use serde_json::Value;

use crate::{Condition, Expression, Path, Payload, ReferencePath, Resource, Template, Timestamp};

/// Names one state of a [`Program`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StateIndex(pub u32);

/// Names one scope of a [`Program`]: the machine itself, a Parallel branch or a Map processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeIndex(pub u32);

/// How the expressions of a state are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QueryLanguage {
    #[default]
    JsonPath,
    Jsonata,
}

/// Whether the machine is a Standard or an Express workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MachineType {
    #[default]
    Standard,
    Express,
}

/// A compiled state machine.
#[derive(Debug)]
pub struct Program {
    pub query_language: QueryLanguage,
    /// The machine's own `TimeoutSeconds`.
    pub timeout_seconds: Option<u64>,
    /// The machine is scope 0.
    pub scopes: Vec<Scope>,
    pub states: Vec<State>,
}

impl Program {
    /// The state with this index.
    pub fn state(&self, index: StateIndex) -> &State {
        &self.states[index.0 as usize]
    }

    /// The scope with this index.
    pub fn scope(&self, index: ScopeIndex) -> &Scope {
        &self.scopes[index.0 as usize]
    }
}

/// A set of states with one start: the machine, a branch or a processor.
#[derive(Debug)]
pub struct Scope {
    pub start_at: StateIndex,
    /// The Parallel or Map state this scope belongs to; none for the machine.
    pub container: Option<StateIndex>,
}

/// One state.
#[derive(Debug)]
pub struct State {
    pub name: Arc<str>,
    pub scope: ScopeIndex,
    pub query_language: QueryLanguage,
    /// `Next`; none where the state ends its scope, and for Choice, Succeed and Fail.
    pub next: Option<StateIndex>,
    /// JSONPath `InputPath`.
    pub input_path: PathSetting,
    /// JSONPath `Parameters` of Task, Pass and Parallel; JSONata `Arguments` of Task and Parallel.
    pub arguments: Option<Template>,
    /// JSONPath `ResultSelector`.
    pub result_selector: Option<Template>,
    /// JSONPath `ResultPath`.
    pub result_path: ResultPath,
    /// JSONPath `OutputPath`.
    pub output_path: PathSetting,
    /// JSONata `Output`.
    pub output: Option<Template>,
    pub assign: Option<Template>,
    pub retry: Vec<Retrier>,
    pub catch: Vec<Catcher>,
    pub kind: StateKind,
}

/// `InputPath`, `OutputPath`.
#[derive(Debug, Default)]
pub enum PathSetting {
    /// Absent or `$`: everything.
    #[default]
    Whole,
    /// `null`: `{}`.
    Nothing,
    Path(Path),
}

/// `ResultPath`.
#[derive(Debug, Default)]
pub enum ResultPath {
    /// Absent or `$`: the result replaces the input.
    #[default]
    Whole,
    /// `null`: the result is discarded.
    Discard,
    Path(ReferencePath),
}

/// What is particular to a type of state.
#[derive(Debug)]
pub enum StateKind {
    Pass {
        result: Option<Payload>,
    },
    Task(Box<Task>),
    Choice {
        rules: Vec<ChoiceRule>,
        default: Option<StateIndex>,
    },
    Wait(WaitUntil),
    Succeed,
    /// JSONPath `ErrorPath`/`CausePath` and JSONata expressions are templates too.
    Fail {
        error: Option<Template>,
        cause: Option<Template>,
    },
    Parallel {
        branches: Vec<ScopeIndex>,
    },
    Map(Box<Map>),
}

impl StateKind {
    /// The state's `Type` as it is written in a definition.
    pub fn name(&self) -> &'static str {
        match self {
            StateKind::Pass { .. } => "Pass",
            StateKind::Task(_) => "Task",
            StateKind::Choice { .. } => "Choice",
            StateKind::Wait(_) => "Wait",
            StateKind::Succeed => "Succeed",
            StateKind::Fail { .. } => "Fail",
            StateKind::Parallel { .. } => "Parallel",
            StateKind::Map(_) => "Map",
        }
    }
}

/// The particulars of a Task state.
#[derive(Debug)]
pub struct Task {
    pub resource: Resource,
    /// `TimeoutSeconds`, `TimeoutSecondsPath`.
    pub timeout_seconds: Option<NumberField>,
    /// `HeartbeatSeconds`, `HeartbeatSecondsPath`.
    pub heartbeat_seconds: Option<NumberField>,
    /// `Credentials`, whole.
    pub credentials: Option<Template>,
}

/// A number that is written down, read from a path (`…Path` fields) or computed (JSONata).
#[derive(Debug)]
pub enum NumberField {
    Literal(f64),
    Path(Path),
    Expression(Expression),
}

/// When a Wait state ends.
#[derive(Debug)]
pub enum WaitUntil {
    Seconds(u64),
    Timestamp(Timestamp),
    SecondsPath(Path),
    TimestampPath(Path),
    SecondsExpression(Expression),
    TimestampExpression(Expression),
}

/// One rule of a Choice state.
#[derive(Debug)]
pub struct ChoiceRule {
    pub condition: Condition,
    pub next: StateIndex,
    pub assign: Option<Template>,
    /// JSONata `Output` of the rule.
    pub output: Option<Template>,
}

/// The particulars of a Map state.
#[derive(Debug)]
pub struct Map {
    pub processor: ScopeIndex,
    pub items: Items,
    /// `ItemSelector`, or `Parameters` in its legacy spelling.
    pub item_selector: Option<Template>,
    /// 0 or absent: no limit.
    pub max_concurrency: Option<NumberField>,
    pub tolerated_failure_count: Option<NumberField>,
    pub tolerated_failure_percentage: Option<NumberField>,
    /// Set where the processor runs in distributed mode.
    pub distributed: Option<Box<DistributedMap>>,
}

/// Where the items of a Map come from.
#[derive(Debug)]
pub enum Items {
    /// The whole effective input.
    Input,
    /// JSONPath `ItemsPath`.
    Path(Path),
    /// JSONata `Items`.
    Template(Template),
}

/// The fields that only a distributed Map has: as they are written, and compiled.
#[derive(Debug)]
pub struct DistributedMap {
    pub execution_type: MachineType,
    pub label: Option<String>,
    pub item_reader: Option<Value>,
    pub item_batcher: Option<Value>,
    pub result_writer: Option<Value>,
    pub reader: Option<ItemReader>,
    pub batcher: Option<ItemBatcher>,
    pub writer: Option<ResultWriter>,
}

/// `ItemReader`: where a distributed Map finds its items.
#[derive(Debug)]
pub struct ItemReader {
    pub source: ItemSource,
    /// `Parameters` or `Arguments`.
    pub arguments: Option<Template>,
    pub config: ReaderConfig,
}

/// The `Resource` of an [`ItemReader`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemSource {
    /// `arn:aws:states:::s3:getObject`
    Object,
    /// `arn:aws:states:::s3:listObjectsV2`
    Listing,
}

/// `ReaderConfig` of an [`ItemReader`].
#[derive(Debug, Default)]
pub struct ReaderConfig {
    pub input_type: Option<InputType>,
    /// `Transformation` is `LOAD_AND_FLATTEN`.
    pub load_and_flatten: bool,
    pub manifest_type: Option<ManifestType>,
    /// The character of `CSVDelimiter`; a comma if absent.
    pub csv_delimiter: Option<char>,
    pub csv_headers: Option<CsvHeaders>,
    pub items_pointer: Option<Box<str>>,
    /// `MaxItems`, `MaxItemsPath`.
    pub max_items: Option<NumberField>,
}

/// What the items of an [`ItemReader`] are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputType {
    Csv,
    Json,
    JsonLines,
    Parquet,
    Manifest,
}

/// The kind of manifest an [`ItemReader`] reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestType {
    AthenaData,
    S3Inventory,
}

/// Where the column names of a CSV file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CsvHeaders {
    FirstRow,
    Given(Vec<Box<str>>),
}

/// `ItemBatcher`: how a distributed Map groups its items.
#[derive(Debug)]
pub struct ItemBatcher {
    /// `MaxItemsPerBatch(Path)`.
    pub max_items: Option<NumberField>,
    /// `MaxInputBytesPerBatch(Path)`: at most 262,144.
    pub max_input_bytes: Option<NumberField>,
    pub batch_input: Option<Template>,
}

/// `ResultWriter`: what a distributed Map does with its results.
#[derive(Debug)]
pub struct ResultWriter {
    /// `Resource` is there: results are exported to S3.
    pub exports: bool,
    /// `Parameters` or `Arguments`.
    pub arguments: Option<Template>,
    /// `WriterConfig.Transformation`; absent: `NONE` when exporting, else `COMPACT`.
    pub transformation: Option<ResultTransformation>,
    /// `WriterConfig.OutputType` is `JSONL`.
    pub json_lines: bool,
}

/// `WriterConfig.Transformation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultTransformation {
    None,
    Compact,
    Flatten,
}

/// One entry of `Retry`.
#[derive(Debug)]
pub struct Retrier {
    pub error_equals: Vec<Box<str>>,
    /// 1 to 99,999,999; default 1.
    pub interval_seconds: u64,
    /// 0 to 99,999,999; default 3; 0 never retries.
    pub max_attempts: u64,
    /// At least 1.0; default 2.0.
    pub backoff_rate: f64,
    /// 1 to 31,622,400.
    pub max_delay_seconds: Option<u64>,
    /// `JitterStrategy` is `FULL`.
    pub full_jitter: bool,
}

/// One entry of `Catch`.
#[derive(Debug)]
pub struct Catcher {
    pub error_equals: Vec<Box<str>>,
    pub next: StateIndex,
    /// JSONPath `ResultPath`.
    pub result_path: ResultPath,
    /// JSONata `Output`.
    pub output: Option<Template>,
    pub assign: Option<Template>,
}
