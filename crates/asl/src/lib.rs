//! Amazon States Language as data: parse, diagnose, compile; JSONPath, JSONata, payload
//! templates, intrinsic functions and choice rules.
//!
//! Nothing here reads a clock, draws a random number, performs I/O or logs. What an evaluation
//! needs from outside comes in through [`Environment`].

mod budget;
mod choice;
mod compile;
mod definition;
mod diagnostic;
pub mod document;
mod environment;
mod intrinsics;
mod java;
mod json;
mod jsonata;
mod lint;
mod long_evaluations;
mod path;
mod payload;
mod program;
mod reference_path;
mod resource;
mod template;
mod timestamp;
mod uuid;
mod validate;
mod variable_references;
mod yaml;

pub use choice::{Condition, ConditionError};
pub use compile::{Compiled, compile, compile_state};
pub use definition::Definition;
pub use diagnostic::{Diagnostic, Position, Severity, describe_diagnostics, render_diagnostic};
pub use environment::{
    ContextObject, Environment, EvaluationError, VariableMap, Variables, next_random,
};
pub use intrinsics::IntrinsicCall;
pub use java::json_text;
pub use json::{JsonSyntaxError, parse_document, parse_json};
pub use jsonata::{
    Answering, Elsewhere, Expression, ExpressionError, Interrupt, StatesReferences, Unanswered,
};
pub use lint::{LINTS, Lint, lint};
pub use path::{Path, PathMiss, PathRoot, PathSyntaxError};
pub use payload::Payload;
pub use program::*;
pub use reference_path::ReferencePath;
pub use resource::{Pattern, Resource};
pub use template::{Template, TemplateError, TemplateErrorKind, TemplateStep};
pub use timestamp::Timestamp;
pub use uuid::name_based_uuid;
