//! The functions AWS adds to JSONata, and those of JSONata that AWS answers differently.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use jlens_core::{Bindings, Error, HostFunction};
use serde_json::Value;

use crate::intrinsics::{digest, uuid_from};
use crate::java;
use crate::json::parse_value;

/// How many numbers `$range` may give.
const RANGE_LENGTH_MAX: i128 = 360_145;

/// The code of a failure whose text AWS shows without a code.
pub(super) const UNCODED: &str = "U1001";
/// AWS's text for an expression that needs too much memory.
pub(super) const MEMORY_EXCEEDED: &str =
    "Expression evaluation memory limit exceeded: Check for excessive memory usage";
/// The code of a failure for an evaluation that takes too long.
pub(super) const TIME_EXCEEDED: &str = "U1006";
/// How many comparisons of values `$distinct` and the equality of built values may make in one
/// evaluation. The evaluator counts neither as steps.
const COMPARISONS_MAX: u64 = 100_000_000;
/// The code of a failure that AWS reports as internal.
pub(super) const INTERNAL: &str = "internal";

type Arguments<'a> = &'a [Option<Value>];
type Outcome = Result<Option<Value>, Error>;

/// Whether a name is that of a function, without its `$`.
pub(super) fn is_function(name: &str) -> bool {
    static NAMES: OnceLock<BTreeSet<&'static str>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let built_in = jlens_core::function_catalog().into_iter().map(|function| function.name);
        built_in.chain(["partition", "range", "hash", "uuid", "parse"]).collect()
    });
    names.contains(name)
}

/// Whether a function takes no longer than its arguments are large, and gives nothing larger.
pub(super) fn is_quick(name: &str) -> bool {
    const QUICK: [&str; 42] = [
        "abs",
        "append",
        "average",
        "base64decode",
        "base64encode",
        "boolean",
        "ceil",
        "count",
        "decodeUrl",
        "decodeUrlComponent",
        "encodeUrl",
        "encodeUrlComponent",
        "exists",
        "floor",
        "formatInteger",
        "fromMillis",
        "hash",
        "join",
        "length",
        "lookup",
        "lowercase",
        "max",
        "merge",
        "millis",
        "min",
        "not",
        "now",
        "number",
        "parse",
        "power",
        "random",
        "round",
        "sqrt",
        "string",
        "substring",
        "substringAfter",
        "substringBefore",
        "sum",
        "trim",
        "type",
        "uppercase",
        "uuid",
    ];
    QUICK.contains(&name)
}

/// The functions without those that need random numbers, made once.
pub(super) fn fixed() -> &'static Bindings {
    static FIXED: OnceLock<Bindings> = OnceLock::new();
    FIXED.get_or_init(|| {
        Bindings::new()
            .function("parse", HostFunction::new(1, |args, _| parse(args)).without_input())
            .function("partition", HostFunction::new(2, |args, _| partition(args)).without_input())
            .function("range", HostFunction::new(3, |args, _| range(args)).without_input())
            .function("hash", HostFunction::new(2, |args, _| hash(args)).without_input())
            .function(
                "base64decode",
                HostFunction::with_signature("<s-:s>", |args, _| base64_decode(args))
                    .expect("the signature is that of the built-in function"),
            )
    })
}

/// All functions; the random ones go on from `seed`.
pub(super) fn with_random(seed: u64) -> Bindings {
    let numbers = AtomicU64::new(seed);
    let random = HostFunction::new(1, move |args, _| random(args, &numbers)).without_input();
    let numbers = AtomicU64::new(seed.rotate_left(32));
    let uuid = HostFunction::new(0, move |args, _| {
        surplus(args, "uuid", 0)?;
        Ok(Some(uuid_from(next(&numbers), next(&numbers)).into()))
    });
    fixed().clone().function("random", random).function("uuid", uuid.without_input())
}

/// Functions that count what the evaluator does not count, each before it is done:
/// `$__distinct(values)` and `$__equal(left, right)`. Values that share their parts many times
/// over are refused for their size.
pub(super) fn counting(bindings: Bindings) -> Bindings {
    let spent = Arc::new(AtomicU64::new(0));
    let charge = |spent: &AtomicU64, cost: u64| {
        let before = spent.fetch_add(cost, Ordering::Relaxed);
        if before.saturating_add(cost) > COMPARISONS_MAX {
            return Err(Error::new(TIME_EXCEEDED));
        }
        Ok(None)
    };
    let spent_on_distinct = Arc::clone(&spent);
    let distinct = HostFunction::new(1, move |args, _| match argument(args, 0) {
        Some(Value::Array(items)) => {
            let different: BTreeSet<String> = items.iter().map(Value::to_string).collect();
            charge(&spent_on_distinct, items.len() as u64 * different.len() as u64)
        }
        _ => Ok(None),
    });
    let equal = HostFunction::new(2, move |args, _| {
        let left = argument(args, 0).map_or(0, values_in);
        let right = argument(args, 1).map_or(0, values_in);
        charge(&spent, left.min(right))
    });
    bindings
        .function("__distinct", distinct.without_input())
        .function("__equal", equal.without_input())
}

/// How many values there are in a value, itself included.
fn values_in(value: &Value) -> u64 {
    match value {
        Value::Array(items) => 1 + items.iter().map(values_in).sum::<u64>(),
        Value::Object(object) => 1 + object.values().map(values_in).sum::<u64>(),
        _ => 1,
    }
}

/// The next 64 bits of a generator that is shared with the function that holds it.
fn next(numbers: &AtomicU64) -> u64 {
    let state = std::cell::Cell::new(numbers.load(Ordering::Relaxed));
    let bits = crate::environment::next_random(&state);
    numbers.store(state.get(), Ordering::Relaxed);
    bits
}

fn mismatch(function: &str, argument: usize) -> Error {
    Error::new("T0410").with("token", function).with("index", argument)
}

fn failure(message: impl Into<String>) -> Error {
    Error::new("D3137").with("message", message.into())
}

/// Refuses an argument behind the last one that the function takes.
fn surplus(arguments: Arguments<'_>, function: &str, count: usize) -> Result<(), Error> {
    match arguments.get(count) {
        Some(_) => Err(mismatch(function, count + 1)),
        None => Ok(()),
    }
}

/// An integer argument; a fraction is cut off.
fn integer(arguments: Arguments<'_>, function: &str, at: usize) -> Result<i64, Error> {
    match arguments.get(at).and_then(Option::as_ref).and_then(Value::as_f64) {
        #[expect(clippy::cast_possible_truncation, reason = "saturates, as in Java")]
        Some(number) => Ok(number as i64),
        None => Err(mismatch(function, at + 1)),
    }
}

fn argument(arguments: Arguments<'_>, at: usize) -> Option<&Value> {
    arguments.get(at).and_then(Option::as_ref)
}

fn parse(arguments: Arguments<'_>) -> Outcome {
    surplus(arguments, "parse", 1)?;
    match argument(arguments, 0) {
        None => Ok(None),
        Some(Value::String(text)) => {
            parse_value(text).map(Some).map_err(|_| failure("Invalid JSON"))
        }
        Some(_) => Err(mismatch("parse", 1)),
    }
}

fn partition(arguments: Arguments<'_>) -> Outcome {
    surplus(arguments, "partition", 2)?;
    let items = match argument(arguments, 0) {
        None => return Ok(None),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(Error::new("T0412").with("token", "partition").with("index", 1)),
    };
    if items.is_empty() {
        return Ok(None);
    }
    if argument(arguments, 1).is_none() {
        return Ok(Some(Value::Array(vec![Value::Array(items.clone())])));
    }
    match usize::try_from(integer(arguments, "partition", 1)?) {
        Err(_) => Err(failure("Second argument must be zero or greater")),
        Ok(0) => Ok(None),
        Ok(size) => Ok(Some(items.chunks(size).map(<[Value]>::to_vec).collect())),
    }
}

/// The end is included where a step hits it; a single number is given as it is.
fn range(arguments: Arguments<'_>) -> Outcome {
    surplus(arguments, "range", 3)?;
    let start = integer(arguments, "range", 0)?;
    let end = integer(arguments, "range", 1)?;
    if argument(arguments, 2).is_none() {
        return Ok(None);
    }
    let step = integer(arguments, "range", 2)?;
    let distance = i128::from(end) - i128::from(start);
    if step == 0 || distance.signum() * i128::from(step.signum()) < 0 {
        return Ok(None);
    }
    let last = distance / i128::from(step);
    if last == 0 {
        return Ok(Some(start.into()));
    }
    if last >= RANGE_LENGTH_MAX {
        return Err(Error::new(UNCODED).with("message", MEMORY_EXCEEDED));
    }
    let mut number = start;
    let mut numbers = vec![Value::from(start)];
    for _ in 0..last {
        number += step;
        numbers.push(number.into());
    }
    Ok(Some(Value::Array(numbers)))
}

fn hash(arguments: Arguments<'_>) -> Outcome {
    surplus(arguments, "hash", 2)?;
    let Some(Value::String(text)) = argument(arguments, 0) else {
        return Err(mismatch("hash", 1));
    };
    match argument(arguments, 1) {
        None => Ok(None),
        Some(Value::String(algorithm)) => match digest(text, algorithm) {
            Some(digest) => Ok(Some(digest.into())),
            None => Err(failure(format!(
                "Hash algorithm '{algorithm}' must be one of SHA-1, SHA-384, SHA-256, SHA-512, MD5"
            ))),
        },
        Some(_) => Err(mismatch("hash", 2)),
    }
}

fn random(arguments: Arguments<'_>, numbers: &AtomicU64) -> Outcome {
    surplus(arguments, "random", 1)?;
    let number = if argument(arguments, 0).is_none() {
        #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
        let number = (next(numbers) >> 11) as f64 / (1_u64 << 53) as f64;
        number
    } else {
        java::Random::new(integer(arguments, "random", 0)?).next_double()
    };
    Ok(Some(number.into()))
}

/// Each byte is a character, as in JSONata. What is no Base64 is an internal error on AWS.
fn base64_decode(arguments: Arguments<'_>) -> Outcome {
    use base64::alphabet;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let Some(Value::String(text)) = argument(arguments, 0) else { return Ok(None) };
    match ENGINE.decode(text) {
        Ok(bytes) => Ok(Some(bytes.into_iter().map(char::from).collect::<String>().into())),
        Err(_) => Err(Error::new(INTERNAL)),
    }
}
