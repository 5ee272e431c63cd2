//! Text delimited files, by AWS's rules: a row ends with a line; fields may stand in double
//! quotes, which are doubled inside of fields, quoted or not; a backslash protects a backslash, a
//! quote or the delimiter, and is dropped before anything else. What is missing in a row is empty,
//! what is too much is left out; all values are texts.

use std::collections::HashSet;
use std::io::Read;

use asl::CsvHeaders;

use super::{Give, HEADER_BYTES_MAX, ITEM_BYTES_MAX, ReadError, failed, java_map, too_long};

/// Reads a file and gives its rows.
pub(super) fn read(
    input: impl Read,
    delimiter: u8,
    headers: &CsvHeaders,
    give: &mut Give<'_>,
) -> Result<(), ReadError> {
    let mut rows = Rows::new(input, delimiter);
    let mut headers = match headers {
        CsvHeaders::Given(names) => {
            Some(Headers::new(names.iter().map(|name| name.to_string()).collect())?)
        }
        CsvHeaders::FirstRow => None,
    };
    while let Some(row) = rows.next_row()? {
        match &headers {
            None => headers = Some(Headers::new(row)?),
            Some(headers) => give(headers.item(row), false)?,
        }
    }
    Ok(())
}

/// The names of the columns.
struct Headers {
    names: Vec<String>,
    /// In which order the members of items come.
    order: Vec<usize>,
}

impl Headers {
    fn new(names: Vec<String>) -> Result<Headers, ReadError> {
        if names.iter().map(|name| name.len() + 1).sum::<usize>() > HEADER_BYTES_MAX {
            return Err(failed("CSV headers cannot be larger than 10 KiB."));
        }
        let different: HashSet<&String> = names.iter().collect();
        if different.len() < names.len() {
            return Err(failed("CSV headers cannot contain duplicates."));
        }
        let order = java_map::order(&names);
        Ok(Headers { names, order })
    }

    fn item(&self, mut row: Vec<String>) -> String {
        row.resize(self.names.len(), String::new());
        java_map::object(
            self.order.iter().map(|at| (self.names[*at].as_str(), std::mem::take(&mut row[*at]))),
        )
    }
}

/// Takes a file apart.
struct Rows<R> {
    bytes: Bytes<R>,
    delimiter: u8,
}

/// Bytes with a look at the next one.
struct Bytes<R> {
    input: R,
    buffer: Box<[u8]>,
    at: usize,
    length: usize,
}

impl<R: Read> Bytes<R> {
    fn peek(&mut self) -> Result<Option<u8>, ReadError> {
        while self.at == self.length {
            self.at = 0;
            self.length = super::object::read_some(&mut self.input, &mut self.buffer)?;
            if self.length == 0 {
                return Ok(None);
            }
        }
        Ok(Some(self.buffer[self.at]))
    }

    fn next(&mut self) -> Result<Option<u8>, ReadError> {
        let byte = self.peek()?;
        self.at += usize::from(byte.is_some());
        Ok(byte)
    }

    /// The end of a line whose first byte was taken.
    fn end_line(&mut self, byte: u8) -> Result<(), ReadError> {
        if byte == b'\r' && self.peek()? == Some(b'\n') {
            self.at += 1;
        }
        Ok(())
    }
}

/// A field while it is read.
#[derive(Default)]
struct Field {
    bytes: Vec<u8>,
    is_quoted: bool,
    /// Whether something of it has been read, be it a quote.
    is_begun: bool,
}

impl Field {
    fn take(&mut self) -> String {
        let bytes = std::mem::take(&mut self.bytes);
        (self.is_quoted, self.is_begun) = (false, false);
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

impl<R: Read> Rows<R> {
    fn new(input: R, delimiter: u8) -> Rows<R> {
        let buffer = vec![0; 64 * 1024].into_boxed_slice();
        Rows { bytes: Bytes { input, buffer, at: 0, length: 0 }, delimiter }
    }

    /// The fields of the next row; none at the end of the file.
    fn next_row(&mut self) -> Result<Option<Vec<String>>, ReadError> {
        if self.bytes.peek()?.is_none() {
            return Ok(None);
        }
        let mut row = Vec::new();
        let mut field = Field::default();
        let mut length = 0;
        while let Some(byte) = self.bytes.next()? {
            length += 1;
            if length > ITEM_BYTES_MAX {
                return Err(too_long());
            }
            match byte {
                b'\\' => {
                    let next = self.bytes.peek()?;
                    if let Some(next) =
                        next.filter(|next| matches!(next, b'\\' | b'"') || *next == self.delimiter)
                    {
                        self.bytes.next()?;
                        field.bytes.push(next);
                    }
                    field.is_begun = true;
                }
                b'"' => self.quote(&mut field)?,
                byte if byte == self.delimiter && !field.is_quoted => row.push(field.take()),
                b'\r' | b'\n' if !field.is_quoted => {
                    self.bytes.end_line(byte)?;
                    row.push(field.take());
                    return Ok(Some(row));
                }
                b'\r' => {
                    self.bytes.end_line(byte)?;
                    field.bytes.push(b'\n');
                }
                byte => {
                    field.bytes.push(byte);
                    field.is_begun = true;
                }
            }
        }
        row.push(field.take());
        Ok(Some(row))
    }

    /// A quote was read.
    fn quote(&mut self, field: &mut Field) -> Result<(), ReadError> {
        let next = self.bytes.peek()?;
        let is_inside = field.is_quoted || field.is_begun;
        if is_inside && next == Some(b'"') {
            self.bytes.next()?;
            field.bytes.push(b'"');
            return Ok(());
        }
        let is_last = matches!(next, None | Some(b'\r' | b'\n')) || next == Some(self.delimiter);
        if is_inside && !(field.is_quoted && is_last) {
            // In the middle of a field it stands for itself; white space before it does not.
            match !field.is_quoted && field.bytes.iter().all(u8::is_ascii_whitespace) {
                true => field.bytes.clear(),
                false => field.bytes.push(b'"'),
            }
        }
        field.is_quoted = !field.is_quoted;
        field.is_begun = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn items(text: &str, delimiter: u8, headers: &CsvHeaders) -> String {
        let mut found = Vec::new();
        let outcome = read(text.as_bytes(), delimiter, headers, &mut |item, _| {
            found.push(item);
            Ok(())
        });
        if let Err(error) = outcome {
            found.push(format!("{error:?}"));
        }
        found.join("\n")
    }

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&items(text, b',', &CsvHeaders::FirstRow));
    }

    #[test]
    fn rows_become_objects_of_texts() {
        check(
            "Col1,Col2,Col3\nValue1,Value2,Value3\n,,,\ntrue,1,'HelloWorld'\nNull,None,\n   \n",
            expect![[r#"
                {"Col1":"Value1","Col2":"Value2","Col3":"Value3"}
                {"Col1":"","Col2":"","Col3":""}
                {"Col1":"true","Col2":"1","Col3":"'HelloWorld'"}
                {"Col1":"Null","Col2":"None","Col3":""}
                {"Col1":"   ","Col2":"","Col3":""}"#]],
        );
        check(
            "a,b\r\n1,2\r\n3,4",
            expect![[r#"
            {"a":"1","b":"2"}
            {"a":"3","b":"4"}"#]],
        );
        check(
            "a,b\n1,2,3\n4\n\n",
            expect![[r#"
            {"a":"1","b":"2"}
            {"a":"4","b":""}
            {"a":"","b":""}"#]],
        );
        check("", expect![[""]]);
        check("a,b\n", expect![[""]]);
    }

    #[test]
    fn quotes_and_backslashes() {
        let given = CsvHeaders::Given(["a", "b", "c", "d", "e"].map(Into::into).to_vec());
        let check = |text: &str, expected: Expect| {
            expected.assert_eq(&items(text, b',', &given));
        };
        // The example of the developer guide.
        check(
            "abc,123,\"This string contains commas, a double quotation marks (\"\"), and a newline (\n)\",{\"\"MyKey\"\":\"\"MyValue\"\"},\"[1,2,3]\"\n",
            expect![[r#"
                {"a":"abc","b":"123","c":"This string contains commas, a double quotation marks (\"), and a newline (\n)","d":"{\"MyKey\":\"MyValue\"}","e":"[1,2,3]"}"#]],
        );
        check(
            "C:\\\\Program Files\\\\MyApp.exe,a\\,b,\\\"x\\\",\\n,\"\"",
            expect![[
                r#"{"a":"C:\\Program Files\\MyApp.exe","b":"a,b","c":"\"x\"","d":"n","e":""}"#
            ]],
        );
        check(
            "  \"x\",y\"z\"y,\"a\"\"\",\"\"\"\",\"p\"q",
            expect![[r#"{"a":"x","b":"y\"z\"y","c":"a\"","d":"\"","e":"p\"q"}"#]],
        );
    }

    #[test]
    fn other_delimiters() {
        let check = |text: &str, delimiter: u8, expected: Expect| {
            expected.assert_eq(&items(text, delimiter, &CsvHeaders::FirstRow));
        };
        let expected = || expect![[r#"{"a":"1,0","b":"2"}"#]];
        check("a|b\n1,0|2", b'|', expected());
        check("a;b\n1,0;2", b';', expected());
        check("a b\n1,0 2", b' ', expected());
        check("a\tb\n1,0\t2", b'\t', expected());
    }

    #[test]
    fn columns_have_different_names_of_bounded_length() {
        check("a,a\n1,2", expect![[r#"Failed("CSV headers cannot contain duplicates.")"#]]);
        let long = format!("a,{}\n1,2", "b".repeat(HEADER_BYTES_MAX));
        check(&long, expect![[r#"Failed("CSV headers cannot be larger than 10 KiB.")"#]]);
    }
}
