//! The functions a path may end with, such as `length()`.

use serde_json::{Number, Value};

use super::PathMiss;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Function {
    Length,
    Keys,
    First,
    Last,
    Minimum,
    Maximum,
    Sum,
    Average,
    StandardDeviation,
}

impl Function {
    pub(super) fn by_name(name: &str) -> Option<Function> {
        Some(match name {
            "length" => Function::Length,
            "keys" => Function::Keys,
            "first" => Function::First,
            "last" => Function::Last,
            "min" => Function::Minimum,
            "max" => Function::Maximum,
            "sum" => Function::Sum,
            "avg" => Function::Average,
            "stddev" => Function::StandardDeviation,
            _ => return None,
        })
    }

    pub(super) fn apply(self, value: &Value) -> Result<Value, PathMiss> {
        Ok(match (self, value) {
            (Function::Length, Value::Array(items)) => items.len().into(),
            (Function::Length, Value::Object(object)) => object.len().into(),
            (Function::Keys, Value::Object(object)) => {
                object.keys().map(|key| Value::from(key.as_str())).collect()
            }
            (Function::First, Value::Array(items)) => items.first().cloned().unwrap_or_default(),
            (Function::Last, Value::Array(items)) => items.last().cloned().unwrap_or_default(),
            (Function::Length | Function::Keys | Function::First | Function::Last, _) => {
                Value::Null
            }
            _ => return self.aggregate(value),
        })
    }

    fn aggregate(self, value: &Value) -> Result<Value, PathMiss> {
        let items = value.as_array().map_or(&[][..], Vec::as_slice);
        let numbers: Vec<f64> = items.iter().filter_map(Value::as_f64).collect();
        if numbers.is_empty() {
            let message =
                "Aggregation function attempted to calculate value using empty array".to_owned();
            return Err(PathMiss::NotAnArray { message });
        }
        let sum: f64 = numbers.iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "a count of items in memory is exact")]
        let count = numbers.len() as f64;
        let result = match self {
            Function::Minimum => numbers.iter().copied().fold(f64::INFINITY, f64::min),
            Function::Maximum => numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Function::Average => sum / count,
            Function::StandardDeviation => {
                let squares: f64 = numbers.iter().map(|number| number * number).sum();
                (squares / count - sum * sum / count / count).sqrt()
            }
            _ => sum,
        };
        Ok(Number::from_f64(result).map_or(Value::Null, Value::Number))
    }
}
