//! Intrinsic functions (`States.Format(…)`, …) of JSONPath states.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{Environment, EvaluationError};

/// A parsed call of an intrinsic function.
#[derive(Debug)]
pub struct IntrinsicCall {}

impl IntrinsicCall {
    /// Parses a whole call; `None` if the text is no valid call.
    pub fn parse(text: &str) -> Option<IntrinsicCall> {
        let _ = text;
        todo!()
    }

    /// Adds the names of the variables the call reads.
    pub fn collect_variables(&self, names: &mut BTreeSet<String>) {
        let _ = names;
        todo!()
    }

    /// Whether the call can give a string: what `ErrorPath` and `CausePath` accept.
    pub(crate) fn may_give_string(&self) -> bool {
        todo!()
    }

    /// Evaluates the call.
    pub fn evaluate(&self, environment: &Environment<'_>) -> Result<Value, EvaluationError> {
        let _ = environment;
        todo!()
    }
}
