//! What an expression can see while it is evaluated, and how it fails.

use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::{Elsewhere, Interrupt, Payload, Timestamp};

/// The variables of one scope, by name without the `$`.
pub type VariableMap = BTreeMap<Box<str>, Payload>;

/// The variables an expression can read: scopes from the innermost to the outermost.
#[derive(Clone, Copy, Default)]
pub struct Variables<'a> {
    pub scopes: &'a [&'a VariableMap],
}

impl<'a> Variables<'a> {
    /// The value of the variable `name`, from the innermost scope that has it.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.scopes.iter().find_map(|scope| scope.get(name)).map(Payload::value)
    }

    /// Every visible variable, each name once, the innermost value.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let mut visible: BTreeMap<&'a str, &'a Payload> = BTreeMap::new();
        for scope in self.scopes.iter().rev() {
            visible.extend(scope.iter().map(|(name, value)| (&**name, value)));
        }
        visible.into_iter().map(|(name, value)| (name, value.value()))
    }
}

/// The context object (`$$`, `$states.context`), built when something first looks at it.
pub struct ContextObject<'a> {
    build: &'a dyn Fn() -> Value,
    built: OnceCell<Value>,
}

impl<'a> ContextObject<'a> {
    /// A context object made by `build` when it is first needed.
    pub fn new(build: &'a dyn Fn() -> Value) -> Self {
        ContextObject { build, built: OnceCell::new() }
    }

    /// The whole context object.
    pub fn value(&self) -> &Value {
        self.built.get_or_init(|| (self.build)())
    }
}

/// Everything an evaluation may look at. It has no clock and no source of randomness but the
/// ones given here.
pub struct Environment<'a> {
    /// `$` of a JSONPath; also `$states.input` unless `states_input` is set.
    pub input: &'a Value,
    /// `$states.input` where it differs from `input`.
    pub states_input: Option<&'a Value>,
    /// `$states.result`, where the field may see it.
    pub result: Option<&'a Value>,
    /// `$states.errorOutput`, in a catcher.
    pub error_output: Option<&'a Value>,
    pub context: &'a ContextObject<'a>,
    pub variables: Variables<'a>,
    /// The moment of the turn: `$now()`, `$millis()`.
    pub now: Timestamp,
    /// The state of the generator behind `States.UUID`, `States.MathRandom`, `$random`, `$uuid`;
    /// advanced by [`Environment::next_random`].
    pub random: &'a Cell<u64>,
    /// Makes what stops an evaluation that may take long; asked once for each.
    pub interrupt: Option<&'a dyn Fn() -> Arc<Interrupt>>,
    /// Where evaluations that may take long are done instead of here.
    pub elsewhere: Option<&'a dyn Elsewhere>,
}

impl Environment<'_> {
    /// The next 64 bits of this turn's random sequence (SplitMix64).
    pub fn next_random(&self) -> u64 {
        next_random(self.random)
    }
}

/// Advances a SplitMix64 generator and gives its next 64 bits.
pub fn next_random(state: &Cell<u64>) -> u64 {
    let next = state.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
    state.set(next);
    let mut bits = next;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A failed evaluation, in AWS's words.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationError {
    /// `States.Runtime`, `States.IntrinsicFailure`, `States.QueryEvaluationError`,
    /// `States.ResultPathMatchFailure`, …
    pub error: &'static str,
    /// The text after AWS's prefix "An error occurred while executing the state …", which the
    /// engine adds.
    pub cause: String,
    /// JSONata only: the field, as in `Arguments/FunctionName`. With a location AWS writes an
    /// EvaluationFailed event. `Some("")` writes the event without a location.
    pub location: Option<String>,
}

impl EvaluationError {
    /// A `States.Runtime` error.
    pub fn runtime(cause: impl Into<String>) -> Self {
        EvaluationError { error: "States.Runtime", cause: cause.into(), location: None }
    }

    /// A `States.IntrinsicFailure` error.
    pub fn intrinsic(cause: impl Into<String>) -> Self {
        EvaluationError { error: "States.IntrinsicFailure", cause: cause.into(), location: None }
    }

    /// A `States.QueryEvaluationError` of the field at `location`.
    pub fn query(cause: impl Into<String>, location: impl Into<String>) -> Self {
        EvaluationError {
            error: "States.QueryEvaluationError",
            cause: cause.into(),
            location: Some(location.into()),
        }
    }
}

/// Calls `test` with an environment of this input, in which there is little else.
#[cfg(test)]
pub(crate) fn with_environment<T>(input: &Value, test: impl FnOnce(&Environment<'_>) -> T) -> T {
    let context = ContextObject::new(&|| serde_json::json!({"Execution": {"Name": "n"}}));
    test(&Environment {
        input,
        states_input: None,
        result: None,
        error_output: None,
        context: &context,
        variables: Variables::default(),
        now: Timestamp(0),
        random: &Cell::new(7),
        interrupt: None,
        elsewhere: None,
    })
}
