//! What the steps of the data's way through a state gave, for whoever tests a state.

use asl::Payload;
use serde_json::Value;

use crate::TaskFailure;
use crate::context::{self, Extra};
use crate::failure::Failure;

/// What was seen of a state while it did its work, in AWS's words. Only what came about is there.
#[derive(Debug, Clone, Default)]
pub struct Inspection {
    pub input: Option<Payload>,
    pub after_input_path: Option<Payload>,
    /// After `Parameters` of JSONPath, after `Arguments` of JSONata.
    pub after_arguments: Option<Payload>,
    pub result: Option<Payload>,
    pub after_result_selector: Option<Payload>,
    pub after_result_path: Option<Payload>,
    pub after_items_path: Option<Payload>,
    pub after_items_pointer: Option<Payload>,
    /// An array with the input of each iteration.
    pub after_item_selector: Option<Payload>,
    /// An array with the input of each batch.
    pub after_item_batcher: Option<Payload>,
    pub max_concurrency: Option<i64>,
    pub tolerated_failure_count: Option<i64>,
    pub tolerated_failure_percentage: Option<f64>,
    /// An object of all variables afterwards; absent where there are none.
    pub variables: Option<Payload>,
    /// The retrier that matches the error, whether it has attempts left or not.
    pub retry_index: Option<usize>,
    /// Whole seconds until the next attempt, without jitter.
    pub retry_backoff_seconds: Option<i64>,
    pub catch_index: Option<usize>,
    /// What the state failed with, whatever followed from it.
    pub(crate) failure: Option<TaskFailure>,
}

impl Inspection {
    pub(crate) fn failed(&mut self, failure: &Failure) {
        let Failure { error, cause, .. } = failure;
        self.failure = Some(TaskFailure { error: error.clone(), cause: cause.clone() });
    }
}

/// What a turn that tests a state carries with it.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) inspection: Inspection,
    /// Stands for the context object.
    pub(crate) context: Option<Value>,
    /// How often the retrier that matches was used before.
    pub(crate) retries: u32,
}

impl Probe {
    /// The context object that was given, with what a field sees besides.
    pub(crate) fn context(&self, extra: &Extra) -> Option<Value> {
        let mut given = self.context.clone()?;
        if let (Some(item), Value::Object(object)) = (&extra.item, &mut given) {
            object.insert("Map".to_owned(), context::of_item(item, extra.item_source.as_deref()));
        }
        Some(given)
    }
}
