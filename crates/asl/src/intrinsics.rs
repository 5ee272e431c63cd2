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

    /// Evaluates the call. `field` names the template field for failure texts (`value.$`).
    pub fn evaluate(
        &self,
        environment: &Environment<'_>,
        field: &str,
    ) -> Result<Value, EvaluationError> {
        let _ = (environment, field);
        todo!()
    }
}
