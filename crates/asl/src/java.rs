//! What shows through of Java in AWS's results: `java.util.Random`, hash order, `toString`.

use std::io; // Only memory

use serde::Serialize as _;
use serde_json::Value;

/// `java.util.Random`: what seeded numbers on AWS come from.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    const MULTIPLIER: u64 = 0x5_DEEC_E66D;
    const MASK: u64 = (1 << 48) - 1;

    pub(crate) fn new(seed: i64) -> Random {
        Random { state: (seed.cast_unsigned() ^ Self::MULTIPLIER) & Self::MASK }
    }

    /// The next `bits` bits, at most 32.
    fn next(&mut self, bits: u32) -> i32 {
        self.state = self.state.wrapping_mul(Self::MULTIPLIER).wrapping_add(0xB) & Self::MASK;
        #[expect(clippy::cast_possible_truncation, reason = "Java keeps the low 32 bits")]
        let bits = (self.state >> (48 - bits)) as u32;
        bits.cast_signed()
    }

    /// At least 0 and less than `bound`, which is positive.
    pub(crate) fn next_int(&mut self, bound: i32) -> i32 {
        assert!(bound > 0, "the bound of a random number is positive");
        if bound & (bound - 1) == 0 {
            let scaled = i64::from(bound) * i64::from(self.next(31));
            return i32::try_from(scaled >> 31).expect("less than the bound");
        }
        loop {
            let bits = self.next(31);
            let value = bits % bound;
            if bits.wrapping_sub(value).wrapping_add(bound - 1) >= 0 {
                return value;
            }
        }
    }

    /// At least 0 and less than 1.
    pub(crate) fn next_double(&mut self) -> f64 {
        let high = u64::from(self.next(26).cast_unsigned()) << 27;
        let low = u64::from(self.next(27).cast_unsigned());
        #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
        let numerator = (high + low) as f64;
        #[expect(clippy::cast_precision_loss, reason = "a power of two is exact")]
        let denominator = (1_u64 << 53) as f64;
        numerator / denominator
    }
}

/// `Math.round`: half up.
pub(crate) fn round(number: f64) -> f64 {
    (number + 0.5).floor()
}

/// The distinct values, in the order in which a `HashSet` made from the list gives them.
pub(crate) fn distinct_in_hash_order(items: &[Value]) -> Vec<Value> {
    let capacity = u32::try_from(items.len() * 4 / 3 + 1).unwrap_or(1 << 30);
    let capacity = capacity.clamp(16, 1 << 30).next_power_of_two();
    let mut distinct: Vec<(u32, i32, &Value)> = Vec::new();
    let mut by_hash: std::collections::BTreeMap<i32, Vec<&Value>> =
        std::collections::BTreeMap::new();
    for item in items {
        let hash = hash_code(item);
        let same_hash = by_hash.entry(hash).or_default();
        if !same_hash.contains(&item) {
            same_hash.push(item);
            distinct.push((bucket(hash, capacity), hash, item));
        }
    }
    distinct.sort_by_key(|(bucket, _, _)| *bucket);
    distinct.into_iter().map(|(_, _, item)| item.clone()).collect()
}

/// The bucket of a hash code in a table of this size, a power of two.
pub(crate) fn bucket(hash: i32, capacity: u32) -> u32 {
    let hash = hash.cast_unsigned();
    (hash ^ (hash >> 16)) & (capacity - 1)
}

/// `hashCode` of the value as Java's `null`, `Boolean`, `Integer`, `Long`, `Double`, `String`,
/// `List` or `Map`.
fn hash_code(value: &Value) -> i32 {
    fn of_long(bits: u64) -> i32 {
        #[expect(clippy::cast_possible_truncation, reason = "Java keeps the low 32 bits")]
        let folded = (bits ^ (bits >> 32)) as u32;
        folded.cast_signed()
    }
    match value {
        Value::Null => 0,
        Value::Bool(true) => 1231,
        Value::Bool(false) => 1237,
        Value::Number(number) => match number.as_i64() {
            Some(number) => match i32::try_from(number) {
                Ok(number) => number,
                Err(_) => of_long(number.cast_unsigned()),
            },
            None => of_long(number.as_f64().unwrap_or(0.0).to_bits()),
        },
        Value::String(text) => hash_of_text(text),
        Value::Array(items) => items
            .iter()
            .fold(1_i32, |hash, item| hash.wrapping_mul(31).wrapping_add(hash_code(item))),
        Value::Object(object) => object.iter().fold(0_i32, |hash, (key, value)| {
            hash.wrapping_add(hash_of_text(key) ^ hash_code(value))
        }),
    }
}

/// `hashCode` of a `String`.
pub(crate) fn hash_of_text(text: &str) -> i32 {
    text.encode_utf16()
        .fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// Appends `toString` of the value: texts without quotes, `{Arg1=1, Arg2=[]}`.
pub(crate) fn append_to_string(value: &Value, text: &mut String) {
    match value {
        Value::String(string) => text.push_str(string),
        Value::Number(number) if number.is_f64() => {
            text.push_str(&double_to_string(number.as_f64().unwrap_or(f64::NAN)));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { ", " });
                append_to_string(item, text);
            }
            text.push(']');
        }
        Value::Object(object) => {
            text.push('{');
            for (at, (key, value)) in object.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { ", " });
                text.push_str(key);
                text.push('=');
                append_to_string(value, text);
            }
            text.push('}');
        }
    }
}

/// The compact JSON text of a value with its numbers as Java writes them: `1.0E10`.
pub fn json_text(value: &Value) -> String {
    let mut text = Vec::with_capacity(128);
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, JavaFormatter);
    value.serialize(&mut serializer).expect("a JSON value always serialises");
    String::from_utf8(text).expect("JSON is UTF-8")
}

struct JavaFormatter;

impl serde_json::ser::Formatter for JavaFormatter {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(double_to_string(value).as_bytes())
    }
}

/// `Double.toString`: `1.5`, `1.0E10`, `1.0E-4`.
pub(crate) fn double_to_string(number: f64) -> String {
    let magnitude = number.abs();
    if !number.is_finite() || magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        return format!("{number:?}");
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("the format has an exponent");
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{point}E{exponent}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn random_numbers_are_those_of_java() {
        assert_eq!(Random::new(42).next_double(), 0.727_563_680_032_868_1);
        let mut random = Random::new(42);
        assert_eq!([random.next_int(10), random.next_int(10), random.next_int(10)], [0, 3, 8]);
        assert_eq!(Random::new(0).next_int(16), 11);
    }

    #[test]
    fn distinct_values_come_in_hash_order() {
        let check = |items: Value, expected: &str| {
            let distinct = distinct_in_hash_order(items.as_array().unwrap());
            assert_eq!(Value::from(distinct).to_string(), expected);
        };
        check(json!([1, 2, 3, 3, 3, 4]), "[1,2,3,4]");
        check(json!([true, false, true, false]), "[false,true]");
        check(json!([[1, 2], [1, 2], [2, 1]]), "[[2,1],[1,2]]");
        check(json!([null, null, 1, null]), "[null,1]");
        check(json!([1, "1", 1, "01"]), r#"[1,"1","01"]"#);
        check(json!([{"a": 1, "b": 2}, {"b": 2, "a": 1}]), r#"[{"a":1,"b":2}]"#);
        check(json!([]), "[]");
    }

    #[test]
    fn values_are_printed_as_java_prints_them() {
        let check = |value: Value, expected: &str| {
            let mut text = String::new();
            append_to_string(&value, &mut text);
            assert_eq!(text, expected);
        };
        check(
            json!({"Arg1": 1, "Arg2": [], "c": [null, "x", {"d": true}]}),
            "{Arg1=1, Arg2=[], c=[null, x, {d=true}]}",
        );
        check(json!(1.1), "1.1");
        check(json!(1.0), "1.0");
        check(json!(1.789_180_622e9), "1.789180622E9");
        check(json!(1e21), "1.0E21");
        check(json!(0.0001), "1.0E-4");
        check(json!(9_007_199_254_740_993_i64), "9007199254740993");
    }

    #[test]
    fn json_has_numbers_as_java_prints_them() {
        let value = json!({
            "a": [1.0, 1e3, 1e10, 1.5, 0.0001, 1e21, -0.0, 1.789_180_622e9],
            "b": [0, -7, 9_007_199_254_740_993_i64, u64::MAX, "\u{7}\u{e9}\"", null, true],
        });
        assert_eq!(
            json_text(&value),
            "{\"a\":[1.0,1000.0,1.0E10,1.5,1.0E-4,1.0E21,-0.0,1.789180622E9],\
             \"b\":[0,-7,9007199254740993,18446744073709551615,\"\\u0007\u{e9}\\\"\",null,true]}"
        );
    }

    #[test]
    fn halves_are_rounded_up() {
        assert_eq!([-1.5, 1.5, -0.5, 0.5, 2.4].map(round), [-1.0, 2.0, 0.0, 1.0, 2.0]);
    }
}
