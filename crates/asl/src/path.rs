//! JSONPath as AWS understands it: Jayway's rules with AWS's exceptions.

use std::borrow::Cow;

use serde_json::Value;

use crate::{Environment, EvaluationError};

/// A text that is no path.
#[derive(Debug, Clone, PartialEq)]
pub struct PathSyntaxError {
    pub message: String,
}

/// What a path starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathRoot {
    /// `$`
    Input,
    /// `$$`
    Context,
    /// `$name`
    Variable(Box<str>),
}

/// A compiled path: `$…` (input), `$$…` (context object) or `$name…` (variable).
#[derive(Debug)]
pub struct Path {}

/// Why a path selects nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum PathMiss {
    /// The last step finds nothing: Jayway's `No results for path: $['a']`.
    NoResults { path: String },
    /// A step before the last one finds nothing: Jayway's `Missing property in path $['a']`.
    MissingProperty { path: String },
}

impl Path {
    /// Parses a path.
    pub fn parse(text: &str) -> Result<Path, PathSyntaxError> {
        let _ = text;
        todo!()
    }

    /// The path as it was written.
    pub fn text(&self) -> &str {
        todo!()
    }

    /// What the path starts from.
    pub fn root(&self) -> &PathRoot {
        todo!()
    }

    /// The variable the path reads, without its `$`.
    pub fn variable_name(&self) -> Option<&str> {
        todo!()
    }

    /// Whether the path can select at most one value: no wildcard, slice, union, filter or `..`.
    pub fn is_definite(&self) -> bool {
        todo!()
    }

    /// Whether the path can only name one node: a definite path without functions.
    pub fn is_reference_path(&self) -> bool {
        todo!()
    }

    /// What the path selects; borrowed where it selects one existing value. A path that is not
    /// definite always selects an array.
    pub fn evaluate<'a>(
        &self,
        environment: &'a Environment<'_>,
    ) -> Result<Cow<'a, Value>, PathMiss> {
        let _ = environment;
        todo!()
    }

    /// As [`Path::evaluate`], with AWS's cause for a field that is itself a path (`InputPath`,
    /// `OutputPath`, `TimeoutSecondsPath`, …):
    /// `Invalid path '$.a' : No results for path: $['a']`.
    pub fn evaluate_field<'a>(
        &self,
        environment: &'a Environment<'_>,
    ) -> Result<Cow<'a, Value>, EvaluationError> {
        let _ = environment;
        todo!()
    }
}
