//! The test of a Choice rule.

use crate::{Environment, EvaluationError};

/// The compiled test of one Choice rule.
#[derive(Debug)]
pub struct Condition {}

impl Condition {
    /// Whether the rule matches. `location` names the field for JSONata's failure texts, as in
    /// `Choices[0]/Condition`.
    pub fn evaluate(
        &self,
        environment: &Environment<'_>,
        location: &str,
    ) -> Result<bool, EvaluationError> {
        let _ = (environment, location);
        todo!()
    }
}
