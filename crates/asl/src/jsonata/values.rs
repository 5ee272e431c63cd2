//! JSON values into an evaluation, read where they are when it reaches them, and out of it.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use jlens_core::input::{Sink, Source, Sources};
use jlens_core::output::{Builder, Member};
use serde_json::{Map, Number, Value};

use crate::Environment;

/// The values an expression can reach: an object of `$states` and the variables, and whatever
/// of them was looked at so far.
pub(super) struct Inputs<'a> {
    environment: &'a Environment<'a>,
    /// The values that were handed out; the number of each is its index plus [`FIRST`].
    handed_out: RefCell<Vec<&'a Value>>,
    this: Weak<Inputs<'a>>,
}

/// The numbers of the object of everything and of `$states`.
const ROOT: u32 = 0;
const STATES: u32 = 1;
const FIRST: u32 = 2;

impl<'a> Inputs<'a> {
    pub(super) fn new(environment: &'a Environment<'a>) -> Rc<Inputs<'a>> {
        Rc::new_cyclic(|this| Inputs {
            environment,
            handed_out: RefCell::new(Vec::new()),
            this: this.clone(),
        })
    }

    fn value(&self, index: u32) -> Option<&'a Value> {
        self.handed_out.borrow().get(index.checked_sub(FIRST)? as usize).copied()
    }

    fn this(&self) -> Rc<Inputs<'a>> {
        self.this.upgrade().expect("the evaluation holds the inputs")
    }

    fn write(&self, value: &'a Value, sink: &mut Sink<'_, 'a>) {
        let hand_out = || {
            let mut handed_out = self.handed_out.borrow_mut();
            handed_out.push(value);
            u32::try_from(handed_out.len() - 1).expect("less values than bytes") + FIRST
        };
        match value {
            Value::Null => sink.null(),
            Value::Bool(value) => sink.bool(*value),
            Value::Number(number) => sink.number(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => sink.string(text),
            Value::Array(_) => sink.array_of(&self.this(), hand_out()),
            Value::Object(_) => sink.object_of(&self.this(), hand_out()),
        }
    }

    /// A member of `$states`.
    fn states_member(&self, key: &str) -> Option<&'a Value> {
        let environment = self.environment;
        match key {
            "input" => Some(environment.states_input.unwrap_or(environment.input)),
            "result" => environment.result,
            "errorOutput" => environment.error_output,
            "context" => Some(environment.context.value()),
            _ => None,
        }
    }
}

/// The members of `$states` in their order.
pub(super) const STATES_MEMBERS: [&str; 4] = ["input", "result", "errorOutput", "context"];

impl<'a> Sources<'a> for Inputs<'a> {
    fn read(&self, index: u32, sink: &mut Sink<'_, 'a>) -> Result<(), String> {
        match index {
            ROOT => {
                sink.key("states");
                sink.object_of(&self.this(), STATES);
                for (name, value) in self.environment.variables.iter() {
                    sink.key(name);
                    self.write(value, sink);
                }
            }
            STATES => {
                for key in STATES_MEMBERS {
                    if let Some(value) = self.states_member(key) {
                        sink.key(key);
                        self.write(value, sink);
                    }
                }
            }
            _ => match self.value(index) {
                Some(Value::Array(items)) => {
                    sink.reserve(items.len());
                    items.iter().for_each(|item| self.write(item, sink));
                }
                Some(Value::Object(object)) => {
                    sink.reserve(object.len());
                    for (key, value) in object {
                        sink.key(key);
                        self.write(value, sink);
                    }
                }
                _ => return Err("there is no such value".to_owned()),
            },
        }
        Ok(())
    }

    fn read_field(&self, index: u32, key: &str, sink: &mut Sink<'_, 'a>) -> Result<bool, String> {
        match index {
            ROOT if key == "states" => sink.object_of(&self.this(), STATES),
            ROOT => {
                if let Some(value) = self.environment.variables.get(key) {
                    self.write(value, sink);
                }
            }
            STATES => {
                if let Some(value) = self.states_member(key) {
                    self.write(value, sink);
                }
            }
            _ => {
                if let Some(value) = self.value(index).and_then(|value| value.get(key)) {
                    self.write(value, sink);
                }
            }
        }
        Ok(true)
    }

    fn length(&self, index: u32) -> Option<usize> {
        self.value(index)?.as_array().map(Vec::len)
    }

    fn read_item(&self, index: u32, item: usize, sink: &mut Sink<'_, 'a>) -> Result<bool, String> {
        if let Some(value) = self.value(index).and_then(|value| value.get(item)) {
            self.write(value, sink);
        }
        Ok(true)
    }
}

/// The input of the whole evaluation: the object of everything, or nothing at all.
pub(super) struct Root<'a>(pub(super) Option<Rc<Inputs<'a>>>);

impl<'a> Source<'a> for Root<'a> {
    fn read(&self, sink: &mut Sink<'_, 'a>) -> Result<(), String> {
        if let Root(Some(inputs)) = self {
            sink.object_of(inputs, ROOT);
        }
        Ok(())
    }
}

/// Builds the result: what the evaluation left as it was comes from where it is.
pub(super) struct ValueBuilder<'b, 'a>(pub(super) Option<&'b Rc<Inputs<'a>>>);

impl Builder for ValueBuilder<'_, '_> {
    type Value = Value;
    type Array = Vec<Value>;
    type Object = Map<String, Value>;

    fn null(&mut self) -> Value {
        Value::Null
    }

    fn bool(&mut self, value: bool) -> Value {
        Value::Bool(value)
    }

    fn number(&mut self, value: f64) -> Value {
        Value::Number(number(value))
    }

    fn string(&mut self, value: &str) -> Value {
        Value::String(value.to_owned())
    }

    fn array(&mut self, len: usize) -> Vec<Value> {
        Vec::with_capacity(len)
    }

    fn push(&mut self, array: &mut Vec<Value>, item: Value) {
        array.push(item);
    }

    fn end_array(&mut self, array: Vec<Value>) -> Value {
        Value::Array(array)
    }

    fn object(&mut self, len: usize) -> Map<String, Value> {
        Map::with_capacity(len)
    }

    fn insert(&mut self, object: &mut Map<String, Value>, key: &str, value: Value) {
        object.insert(key.to_owned(), value);
    }

    fn end_object(&mut self, object: Map<String, Value>) -> Value {
        Value::Object(object)
    }

    fn input(&mut self, member: Member) -> Option<Value> {
        let inputs = self.0?;
        member.of(inputs).then(|| inputs.value(member.index()).map(normalised)).flatten()
    }
}

/// A copy with its numbers as AWS writes them: `1.0` is `1`.
pub(super) fn normalised(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            Value::Number(self::number(number.as_f64().unwrap_or(0.0)))
        }
        Value::Array(items) => items.iter().map(normalised).collect(),
        Value::Object(object) => {
            object.iter().map(|(key, value)| (key.clone(), normalised(value))).collect()
        }
        other => other.clone(),
    }
}

/// A finite number in the fewest digits that name it; without a fraction it is an integer.
fn number(value: f64) -> Number {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 {
        if value.abs() < EXACT_MAX {
            #[expect(clippy::cast_possible_truncation, reason = "it is an exact integer")]
            return Number::from(value as i64);
        }
        let digits = value.to_string();
        if let Ok(integer) = digits.parse::<i64>() {
            return Number::from(integer);
        }
        if let Ok(integer) = digits.parse::<u64>() {
            return Number::from(integer);
        }
    }
    Number::from_f64(value).expect("the number is finite")
}
