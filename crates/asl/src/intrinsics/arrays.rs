//! `States.Array…`

use serde_json::Value;

use super::numbers::truncated;
use super::{INVALID, Outcome};
use crate::java;

/// How many items `States.ArrayRange` may give.
const RANGE_LENGTH_MAX: i64 = 1000;
/// How many bytes the result of `States.ArrayPartition` may have.
const PARTITION_BYTES_MAX: usize = 262_144;

pub(super) fn contains(array: &Value, value: &Value) -> Outcome {
    let items = array.as_array().ok_or(INVALID)?;
    Ok(items.contains(value).into())
}

/// A fraction of the index is cut off. AWS gives `null` for any index into an empty array.
pub(super) fn get_item(array: &Value, index: &Value) -> Outcome {
    let items = array.as_array().ok_or(INVALID)?;
    let index = truncated(index)?;
    if items.is_empty() {
        return Ok(Value::Null);
    }
    let item = usize::try_from(index).ok().and_then(|index| items.get(index));
    item.cloned().ok_or(INVALID)
}

pub(super) fn length(array: &Value) -> Outcome {
    let items = array.as_array().ok_or(INVALID)?;
    Ok(items.len().into())
}

pub(super) fn partition(array: &Value, size: &Value) -> Outcome {
    let items = array.as_array().ok_or(INVALID)?;
    let size = usize::try_from(truncated(size)?).map_err(|_| INVALID)?;
    if size == 0 {
        return Err(INVALID);
    }
    let chunks: Value = items.chunks(size).map(<[Value]>::to_vec).collect();

    if java::json_text(&chunks).len() > PARTITION_BYTES_MAX {
        return Err(INVALID);
    }
    Ok(chunks)
}

/// The end is included where a step hits it.
pub(super) fn range(start: &Value, end: &Value, step: &Value) -> Outcome {
    let (start, end, step) = (truncated(start)?, truncated(end)?, truncated(step)?);
    if step == 0 {
        return Err(INVALID);
    }
    let distance = if step > 0 { end - start } else { start - end };
    if distance < 0 {
        return Ok(Value::Array(Vec::new()));
    }
    let last = distance / step.abs();
    if last >= RANGE_LENGTH_MAX {
        return Err(INVALID);
    }
    Ok((0..=last).map(|at| start + at * step).collect())
}

/// In the order of Java's hash sets.
pub(super) fn unique(array: &Value) -> Outcome {
    let items = array.as_array().ok_or(INVALID)?;
    Ok(Value::Array(java::distinct_in_hash_order(items)))
}
