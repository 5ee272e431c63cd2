//! JSON text to values, with AWS's (Jackson's) words for what is wrong with it.

use crate::Payload;

/// Why a text is not JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonSyntaxError {
    /// The parser's text, as in `Unrecognized token 'not': was expecting (JSON String, Number,
    /// Array, Object or token 'null', 'true' or 'false')`.
    pub message: String,
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
}

/// Parses a text from outside: an execution's input, a task's output.
pub fn parse_json(text: &str) -> Result<Payload, JsonSyntaxError> {
    let _ = text;
    todo!()
}
