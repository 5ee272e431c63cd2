//! JSON Lines: one value on each line.

use std::io::{BufRead, BufReader, Read};

use serde_json::Value;

use super::{Give, ITEM_BYTES_MAX, ReadError, failed, too_long};

/// Reads a file and gives its lines. Empty lines are passed over.
pub(super) fn read(input: impl Read, give: &mut Give<'_>) -> Result<(), ReadError> {
    let mut input = BufReader::with_capacity(64 * 1024, input);
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let most = ITEM_BYTES_MAX as u64 + 2;
        let read = (&mut input).take(most).read_until(b'\n', &mut line);
        if read.map_err(|error| super::object::read_error(&error))? == 0 {
            return Ok(());
        }
        if line.len() as u64 >= most && line.last() != Some(&b'\n') {
            return Err(too_long());
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let value: Value = serde_json::from_slice(text)
            .map_err(|error| failed(format!("Line {number} is not valid JSON: {error}")))?;
        give(asl::json_text(&value), false)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[test]
    fn lines_are_values() {
        let check = |text: &str, expected: Expect| {
            let mut found = Vec::new();
            let outcome = read(text.as_bytes(), &mut |item, _| {
                found.push(item);
                Ok(())
            });
            if let Err(error) = outcome {
                found.push(format!("{error:?}"));
            }
            expected.assert_eq(&found.join("\n"));
        };
        check(
            "{\"a\": 1}\n\n[2,  3]\r\n\"x\"",
            expect![[r#"
            {"a":1}
            [2,3]
            "x""#]],
        );
        check(
            "{}\n{",
            expect![[r#"
            {}
            Failed("Line 2 is not valid JSON: EOF while parsing an object at line 1 column 1")"#]],
        );
        check("", expect![[""]]);
        let long = format!("\"{}\"", "x".repeat(ITEM_BYTES_MAX));
        check(&long, expect![[r#"Failed("An item is longer than 8388608 bytes.")"#]]);
    }
}
