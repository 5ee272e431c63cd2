//! Intrinsic functions (`States.Format(…)`, …) of JSONPath states.
//!
//! A call's number of arguments and their types are looked at when it runs, as on AWS: what
//! does not fit fails the execution with `States.Runtime`, although AWS's guide speaks of
//! `States.IntrinsicFailure`.

mod arrays;
mod encodings;
mod numbers;
mod parse;
mod strings;

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub(crate) use self::encodings::digest;

use crate::budget::{Budget, Exceeded};
use crate::java::json_text;
use crate::{Environment, EvaluationError, Path, PathMiss};

/// A parsed call of an intrinsic function.
#[derive(Debug)]
pub struct IntrinsicCall {
    /// As it was written: failure texts show it.
    text: Box<str>,
    call: Call,
}

#[derive(Debug)]
struct Call {
    function: Function,
    arguments: Vec<Argument>,
}

#[derive(Debug)]
enum Argument {
    /// A number, `true`, `false` or `null`.
    Literal(Value),
    /// A text in quotes. `template` is the text with its escapes, for `States.Format`.
    Text {
        value: Value,
        template: Box<str>,
    },
    Path(Path),
    Call(Call),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Array,
    ArrayContains,
    ArrayGetItem,
    ArrayLength,
    ArrayPartition,
    ArrayRange,
    ArrayUnique,
    Base64Decode,
    Base64Encode,
    Format,
    Hash,
    JsonMerge,
    JsonToString,
    MathAdd,
    MathRandom,
    StringSplit,
    StringToJson,
    Uuid,
}

/// Every function with its name.
const FUNCTIONS: [(&str, Function); 18] = [
    ("States.Array", Function::Array),
    ("States.ArrayContains", Function::ArrayContains),
    ("States.ArrayGetItem", Function::ArrayGetItem),
    ("States.ArrayLength", Function::ArrayLength),
    ("States.ArrayPartition", Function::ArrayPartition),
    ("States.ArrayRange", Function::ArrayRange),
    ("States.ArrayUnique", Function::ArrayUnique),
    ("States.Base64Decode", Function::Base64Decode),
    ("States.Base64Encode", Function::Base64Encode),
    ("States.Format", Function::Format),
    ("States.Hash", Function::Hash),
    ("States.JsonMerge", Function::JsonMerge),
    ("States.JsonToString", Function::JsonToString),
    ("States.MathAdd", Function::MathAdd),
    ("States.MathRandom", Function::MathRandom),
    ("States.StringSplit", Function::StringSplit),
    ("States.StringToJson", Function::StringToJson),
    ("States.UUID", Function::Uuid),
];

impl Function {
    fn name(self) -> &'static str {
        let (name, _) = FUNCTIONS
            .iter()
            .find(|(_, function)| *function == self)
            .expect("every function has a name");
        name
    }
}

/// Why a call fails.
enum Failure {
    /// `Invalid arguments in States.X`, and what more there is to say.
    InvalidArguments(&'static str),
    InvalidTemplate(&'static str),
    Miss {
        path: Box<str>,
        miss: PathMiss,
    },
    TooMuch,
}

impl From<Exceeded> for Failure {
    fn from(_: Exceeded) -> Failure {
        Failure::TooMuch
    }
}

/// What a call can reach.
#[derive(Clone, Copy)]
struct Scope<'e> {
    environment: &'e Environment<'e>,
    budget: &'e Budget,
}

/// What a function gives.
type Outcome = Result<Value, Failure>;

/// The arguments don't fit.
const INVALID: Failure = Failure::InvalidArguments("");

impl IntrinsicCall {
    /// Parses a whole call; `None` if the text is no valid call. Calls may nest ten deep.
    pub fn parse(text: &str) -> Option<IntrinsicCall> {
        parse::call(text).map(|call| IntrinsicCall { text: text.into(), call })
    }

    /// Adds the names of the variables the call reads.
    pub fn collect_variables(&self, names: &mut BTreeSet<String>) {
        self.call.collect_variables(names);
    }

    /// Whether the call can give a string: what `ErrorPath` and `CausePath` accept.
    pub(crate) fn may_give_string(&self) -> bool {
        matches!(
            self.call.function,
            Function::Format
                | Function::JsonToString
                | Function::ArrayGetItem
                | Function::Base64Encode
                | Function::Base64Decode
                | Function::Hash
                | Function::Uuid
        )
    }

    /// Evaluates the call.
    pub fn evaluate(&self, environment: &Environment<'_>) -> Result<Value, EvaluationError> {
        self.evaluate_within(environment, &Budget::new())
    }

    /// As [`IntrinsicCall::evaluate`], with what the whole evaluation may still build.
    pub(crate) fn evaluate_within(
        &self,
        environment: &Environment<'_>,
        budget: &Budget,
    ) -> Result<Value, EvaluationError> {
        let scope = Scope { environment, budget };
        self.call.evaluate(&scope).map_err(|(function, failure)| {
            let error = match failure {
                Failure::TooMuch | Failure::Miss { miss: PathMiss::TooMuch, .. } => {
                    return Exceeded.into();
                }
                Failure::InvalidArguments("") => {
                    format!("Invalid arguments in {}", function.name())
                }
                Failure::InvalidArguments(detail) => {
                    format!("Invalid arguments in {}: {detail}", function.name())
                }
                Failure::InvalidTemplate(detail) => {
                    format!("Invalid template in {}: {detail}", function.name())
                }
                Failure::Miss { miss: miss @ PathMiss::NotAnArray { .. }, .. } => miss.to_string(),
                Failure::Miss { path, .. } => format!(
                    "The JsonPath argument for the field '{path}' could not be found in the \
                     input '{}'",
                    json_text(environment.input)
                ),
            };
            EvaluationError::runtime(format!(
                "The function '{}' had the following error: {error}",
                self.text
            ))
        })
    }
}

impl Call {
    fn collect_variables(&self, names: &mut BTreeSet<String>) {
        for argument in &self.arguments {
            match argument {
                Argument::Literal(_) | Argument::Text { .. } => {}
                Argument::Path(path) => names.extend(path.variable_name().map(str::to_owned)),
                Argument::Call(call) => call.collect_variables(names),
            }
        }
    }

    fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, (Function, Failure)> {
        let mut arguments = Vec::with_capacity(self.arguments.len());
        for argument in &self.arguments {
            arguments.push(match argument {
                Argument::Literal(value) | Argument::Text { value, .. } => Cow::Borrowed(value),
                Argument::Path(path) => {
                    path.evaluate_within(scope.environment, scope.budget).map_err(|miss| {
                        (self.function, Failure::Miss { path: path.text().into(), miss })
                    })?
                }
                Argument::Call(call) => Cow::Owned(call.evaluate(scope)?),
            });
        }
        self.apply(arguments, scope).map_err(|failure| (self.function, failure))
    }

    fn apply(&self, arguments: Vec<Cow<'_, Value>>, scope: &Scope<'_>) -> Outcome {
        let Scope { environment, budget } = *scope;
        let values: Vec<&Value> = arguments.iter().map(Cow::as_ref).collect();
        match (self.function, values.as_slice()) {
            (Function::Array, _) => {
                let mut items = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    items.push(match argument {
                        Cow::Borrowed(value) => budget.copy(value)?,
                        Cow::Owned(value) => value,
                    });
                }
                Ok(Value::Array(items))
            }

            (Function::ArrayContains, [array, value]) => arrays::contains(array, value),
            (Function::ArrayGetItem, [array, index]) => arrays::get_item(array, index),
            (Function::ArrayLength, [array]) => arrays::length(array),
            (Function::ArrayPartition, [array, size]) => arrays::partition(array, size),
            (Function::ArrayRange, [start, end, step]) => arrays::range(start, end, step),
            (Function::ArrayUnique, [array]) => arrays::unique(array),
            (Function::Base64Decode, [text]) => encodings::base64_decode(text),
            (Function::Base64Encode, [text]) => encodings::base64_encode(text),
            (Function::Format, [template, inserts @ ..]) => {
                let template = match &self.arguments[0] {
                    Argument::Text { template, .. } => template,
                    _ => template.as_str().ok_or(INVALID)?,
                };
                strings::format(template, inserts, budget)
            }
            (Function::Hash, [value, algorithm]) => encodings::hash(value, algorithm),
            (Function::JsonMerge, [left, right, deep]) => merge(left, right, deep, budget),
            (Function::JsonToString, [value]) => {
                let text = json_text(value);
                budget.spend(text.len())?;
                Ok(text.into())
            }
            (Function::MathAdd, [left, right]) => numbers::add(left, right),
            (Function::MathRandom, [start, end]) => numbers::random(start, end, environment),
            (Function::MathRandom, [start, end, seed]) => {
                numbers::random_from_seed(start, end, seed)
            }
            (Function::StringSplit, [text, delimiters]) => strings::split(text, delimiters),
            (Function::StringToJson, [text]) => strings::parse_json(text),
            (Function::Uuid, []) => Ok(uuid(environment).into()),
            _ => Err(INVALID),
        }
    }
}

/// `States.JsonMerge`: shallow; the right one wins. Only `true` asks for a deep merge, which
/// AWS does not support.
fn merge(left: &Value, right: &Value, deep: &Value, budget: &Budget) -> Outcome {
    match (left, right, deep) {
        (_, _, Value::Bool(true)) => Err(INVALID),
        (Value::Object(left), Value::Object(right), _) => {
            let mut merged: Map<String, Value> = Map::with_capacity(left.len() + right.len());
            for (key, value) in left.iter().chain(right) {
                merged.insert(key.clone(), budget.copy(value)?);
            }
            Ok(Value::Object(merged))
        }
        _ => Err(INVALID),
    }
}

/// A version 4 UUID from the environment's random numbers.
pub(crate) fn uuid(environment: &Environment<'_>) -> String {
    uuid_from(environment.next_random(), environment.next_random())
}

/// A version 4 UUID from 128 random bits.
pub(crate) fn uuid_from(high: u64, low: u64) -> String {
    let high = (high & !0xF000) | 0x4000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFFF,
        low >> 48,
        low & 0xFFFF_FFFF_FFFF
    )
}

#[cfg(test)]
mod tests;
