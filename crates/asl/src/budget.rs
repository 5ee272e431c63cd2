//! How much one evaluation may build: far more than a payload may hold, and far less than would
//! harm the node.

use std::cell::Cell;

use serde_json::{Map, Value};

use crate::EvaluationError;

/// What an evaluation may still build, in bytes, counted roughly.
pub(crate) struct Budget(Cell<usize>);

/// The budget is spent.
#[derive(Debug)]
pub(crate) struct Exceeded;

/// How many bytes an evaluation may build.
const BYTES_MAX: usize = 32 << 20;
/// What a value costs beside its texts.
const VALUE_BYTES: usize = 16;

impl Budget {
    pub(crate) fn new() -> Budget {
        Budget(Cell::new(BYTES_MAX))
    }

    pub(crate) fn spend(&self, bytes: usize) -> Result<(), Exceeded> {
        let left = self.0.get().checked_sub(bytes).ok_or(Exceeded)?;
        self.0.set(left);
        Ok(())
    }

    /// A copy of a value.
    pub(crate) fn copy(&self, value: &Value) -> Result<Value, Exceeded> {
        self.spend(VALUE_BYTES)?;
        Ok(match value {
            Value::String(text) => {
                self.spend(text.len())?;
                Value::String(text.clone())
            }
            Value::Array(items) => {
                let mut copies = Vec::with_capacity(items.len());
                for item in items {
                    copies.push(self.copy(item)?);
                }
                Value::Array(copies)
            }
            Value::Object(object) => {
                let mut copies = Map::with_capacity(object.len());
                for (key, field) in object {
                    self.spend(key.len())?;
                    copies.insert(key.clone(), self.copy(field)?);
                }
                Value::Object(copies)
            }
            scalar => scalar.clone(),
        })
    }
}

impl From<Exceeded> for EvaluationError {
    fn from(_: Exceeded) -> EvaluationError {
        EvaluationError {
            error: "States.DataLimitExceeded",
            cause: "The evaluation returned a result with a size exceeding the maximum number of \
                    bytes service limit."
                .to_owned(),
            location: None,
        }
    }
}
