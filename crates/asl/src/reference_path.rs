//! Reference paths: paths that name one node, where a `ResultPath` puts its result.

use serde_json::Value;

use crate::{EvaluationError, PathSyntaxError};

/// A compiled `ResultPath`.
#[derive(Debug)]
pub struct ReferencePath {}

impl ReferencePath {
    /// Parses a reference path that starts with `$`; `$$` and variables are refused.
    pub fn parse(text: &str) -> Result<ReferencePath, PathSyntaxError> {
        let _ = text;
        todo!()
    }

    /// The input with `result` put at this path: objects on the way are created, an array index
    /// must exist. The error is `States.ResultPathMatchFailure`.
    pub fn assign(&self, input: Value, result: Value) -> Result<Value, EvaluationError> {
        let _ = (input, result);
        todo!()
    }
}
