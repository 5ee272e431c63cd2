//! JSON text to values, with AWS's (Jackson's) words for what is wrong with it.
//!
//! Valid texts from outside go through `serde_json`. The parser here reads definitions, because
//! it remembers where everything stands, and texts that `serde_json` refuses, because it says
//! what AWS says.

use std::fmt::Write as _;

use serde_json::{Number, Value};

use crate::Payload;
use crate::document::{Member, Node, NodeKind, ObjectNode, Span};
use crate::payload::nesting;

/// How deep arrays and objects may be nested: as deep as `serde_json` reads.
pub(crate) const MAX_DEPTH: usize = 127;

/// Digits of a number that is surely in range.
const MAX_PLAIN_DIGITS: u32 = 300;

/// How many characters of an unknown word an error text shows.
const MAX_TOKEN_CHARACTERS: usize = 256;

/// How many characters of the source a location shows.
const MAX_SOURCE_CHARACTERS: usize = 500;

/// What may stand where a value is expected.
const VALUES: &str = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

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
///
/// Most texts are only looked through here: they are parsed when somebody looks inside.
pub fn parse_json(text: &str) -> Result<Payload, JsonSyntaxError> {
    if is_plainly_valid(text) {
        return Ok(Payload::from_valid_text(text));
    }
    match Payload::parse(text) {
        Ok(payload) => Ok(payload),
        Err(error) => Err(match parse_document(text) {
            Err(worded) => worded,
            Ok(Some(_)) => JsonSyntaxError {
                message: error.to_string(),
                line: u32::try_from(error.line()).unwrap_or(u32::MAX),
                column: u32::try_from(error.column()).unwrap_or(u32::MAX),
            },
            Ok(None) => JsonSyntaxError {
                message: "No content to map due to end-of-input".to_owned(),
                line: 1,
                column: 1,
            },
        }),
    }
}

/// Whether a text is JSON that [`parse_value`] reads, told without building the value. It may
/// deny it of texts that have escaped characters, exponents or very long numbers: what skips a
/// value does not check surrogates and the range of numbers.
fn is_plainly_valid(text: &str) -> bool {
    let mut digits = 0;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' if digits < MAX_PLAIN_DIGITS => digits += 1,
            b'0'..=b'9' => return false,
            b'e' | b'E' if digits > 0 => return false,
            b'.' => {}
            _ => digits = 0,
        }
    }
    !text.contains("\\u")
        && nesting(text) <= MAX_DEPTH
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// The value of a JSON text, as Java reads it: `-0` is the integer 0.
pub(crate) fn parse_value(text: &str) -> Result<Value, serde_json::Error> {
    let value = serde_json::from_str(text)?;
    if !has_negative_zero(text) {
        return Ok(value);
    }
    // It nests no deeper than the reader above goes.
    Ok(parse_document(text).ok().flatten().map_or(value, |node| node.to_value()))
}

/// Whether `-0` stands in a text where a number may stand, and is all of it.
fn has_negative_zero(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Texts are full of hyphens and have no such number: a search for one character is fast.
    text.match_indices('-').any(|(at, _)| {
        let begins = at == 0 || matches!(bytes[at - 1], b'[' | b',' | b':' | b' ' | b'\n' | b'\t');
        let is_zero = bytes.get(at + 1) == Some(&b'0');
        let goes_on = matches!(bytes.get(at + 2), Some(b'.' | b'e' | b'E'));
        begins && is_zero && !goes_on
    })
}

/// Parses a definition; `None` where there is nothing but white space.
pub fn parse_document(text: &str) -> Result<Option<Node>, JsonSyntaxError> {
    let mut parser = Parser { text, at: 0, line: 1, line_start: 0, open: Vec::new() };
    if parser.skip_white_space()?.is_none() {
        return Ok(None);
    }
    let node = parser.value()?;
    match parser.skip_white_space()? {
        None => Ok(Some(node)),
        Some(_) => Err(parser.trailing_text()),
    }
}

/// A place in a text as Jackson shows it: `[Source: (String)"{}"; line: 1, column: 3]`.
pub(crate) fn source_location(text: &str, line: u32, column: u32) -> String {
    let mut shown = String::from("[Source: (String)\"");
    let cut = text.char_indices().nth(MAX_SOURCE_CHARACTERS).map_or(text.len(), |(at, _)| at);
    for character in text[..cut].chars() {
        match character {
            '\n' | '\r' => shown.push(character),
            control if control.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(shown, "\\u{:04X}", u32::from(control));
            }
            other => shown.push(other),
        }
    }
    shown.push('"');
    let left = text[cut..].chars().count();
    if left > 0 {
        let _ = write!(shown, "[truncated {left} chars]");
    }
    let _ = write!(shown, "; line: {line}, column: {column}]");
    shown
}

/// An array or object that is not closed yet.
struct Open {
    is_array: bool,
    line: u32,
    line_start: usize,
    at: usize,
}

struct Parser<'t> {
    text: &'t str,
    /// The next byte; always at the start of a character.
    at: usize,
    line: u32,
    line_start: usize,
    open: Vec<Open>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn peek_character(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    /// The column, counted from 1, of the character at `at` in the line from `line_start`.
    fn column(&self, line_start: usize, at: usize) -> u32 {
        let before = self.text[line_start..at].chars().count();
        u32::try_from(before + 1).unwrap_or(u32::MAX)
    }

    /// Where the innermost open array or object starts, as Jackson shows it.
    fn start_of_open(&self) -> String {
        self.open.last().map_or_else(String::new, |open| {
            source_location(self.text, open.line, self.column(open.line_start, open.at))
        })
    }

    /// An error at the place reading has come to.
    fn error(&self, message: impl Into<String>) -> JsonSyntaxError {
        JsonSyntaxError {
            message: message.into(),
            line: self.line,
            column: self.column(self.line_start, self.at),
        }
    }

    fn end_of_input(&self, what: &str) -> JsonSyntaxError {
        self.error(format!("Unexpected end-of-input{what}"))
    }

    /// The error for the next character, which is read, or for the end of the text.
    fn unexpected_character(&mut self, expected: &str) -> JsonSyntaxError {
        match self.peek_character() {
            None => self.end_of_input(""),
            Some(character) => {
                self.at += character.len_utf8();
                self.error(format!("Unexpected character ({}): {expected}", describe(character)))
            }
        }
    }

    fn unexpected_in_number(&mut self, expected: &str) -> JsonSyntaxError {
        let character = self.peek_character().unwrap_or('\0');
        if self.at < self.text.len() {
            self.at += character.len_utf8();
        }
        self.error(format!(
            "Unexpected character ({}) in numeric value: {expected}",
            describe(character)
        ))
    }

    /// `Object` or `Array`: what encloses the place reading has come to.
    fn enclosing(&self) -> &'static str {
        match self.open.last() {
            Some(open) if open.is_array => "Array",
            Some(_) => "Object",
            None => "root",
        }
    }

    /// Skips white space and gives the next byte, `None` at the end of the text.
    fn skip_white_space(&mut self) -> Result<Option<u8>, JsonSyntaxError> {
        loop {
            match self.peek() {
                Some(b'\n') => {
                    self.at += 1;
                    self.line += 1;
                    self.line_start = self.at;
                }
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(control) if control < b' ' => {
                    self.at += 1;
                    return Err(self.error(format!(
                        "Illegal character ({}): only regular white space (\\r, \\n, \\t) is \
                         allowed between tokens",
                        describe(char::from(control))
                    )));
                }
                Some(b'/') => {
                    return Err(self.unexpected_character(
                        "maybe a (non-standard) comment? (not recognized as one since Feature \
                         'ALLOW_COMMENTS' not enabled for parser)",
                    ));
                }
                other => return Ok(other),
            }
        }
    }

    /// Skips white space inside an array or object, where the text may not end; `within` says
    /// whether an element has just begun or a separator was read.
    fn skip_inside(&mut self, within: bool) -> Result<u8, JsonSyntaxError> {
        if let Some(byte) = self.skip_white_space()? {
            return Ok(byte);
        }
        if within {
            return Err(self.end_of_input(&format!(" within/between {} entries", self.enclosing())));
        }
        let start = self.start_of_open();
        Err(self.end_of_input(&format!(
            ": expected close marker for {} (start marker at {start})",
            self.enclosing()
        )))
    }

    /// Reads the value that starts here.
    fn value(&mut self) -> Result<Node, JsonSyntaxError> {
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => self.object()?,
            Some(b'[') => self.array()?,
            Some(b'"') => NodeKind::String(self.string("string value")?),
            Some(b'-' | b'0'..=b'9') => NodeKind::Number(self.number()?),
            Some(close @ (b'}' | b']')) if self.open.is_empty() => {
                return Err(self.close_at_root(close));
            }
            Some(b'}') => return Err(self.unexpected_character("expected a value")),
            _ => self.word()?,
        };
        Ok(Node { kind, span: Span { start, end: self.at } })
    }

    fn enter(&mut self, is_array: bool) -> Result<(), JsonSyntaxError> {
        let at = self.at;
        self.at += 1;
        if self.open.len() >= MAX_DEPTH {
            return Err(self.error(format!(
                "Document nesting depth ({}) exceeds the maximum allowed ({MAX_DEPTH})",
                self.open.len() + 1
            )));
        }
        self.open.push(Open { is_array, line: self.line, line_start: self.line_start, at });
        Ok(())
    }

    fn leave(&mut self) {
        self.at += 1;
        self.open.pop();
    }

    /// The error for `]` where `}` is due, or the other way round.
    fn mismatched_close(&mut self, found: char, due: char) -> JsonSyntaxError {
        self.at += 1;
        let start = self.start_of_open();
        self.error(format!(
            "Unexpected close marker '{found}': expected '{due}' (for {} starting at {start})",
            self.enclosing()
        ))
    }

    fn array(&mut self) -> Result<NodeKind, JsonSyntaxError> {
        self.enter(true)?;
        let mut elements = Vec::new();
        match self.skip_inside(false)? {
            b']' => {
                self.leave();
                return Ok(NodeKind::Array(elements));
            }
            b'}' => return Err(self.mismatched_close('}', ']')),
            _ => {}
        }
        loop {
            elements.push(self.value()?);
            match self.skip_inside(false)? {
                b',' => {
                    self.at += 1;
                    self.skip_inside(true)?;
                }
                b']' => {
                    self.leave();
                    return Ok(NodeKind::Array(elements));
                }
                b'}' => return Err(self.mismatched_close('}', ']')),
                _ => {
                    return Err(
                        self.unexpected_character("was expecting comma to separate Array entries")
                    );
                }
            }
        }
    }

    fn object(&mut self) -> Result<NodeKind, JsonSyntaxError> {
        self.enter(false)?;
        let mut members = Vec::new();
        match self.skip_inside(false)? {
            b'}' => {
                self.leave();
                return Ok(NodeKind::Object(ObjectNode::default()));
            }
            b']' => return Err(self.mismatched_close(']', '}')),
            _ => {}
        }
        loop {
            members.push(self.member()?);
            match self.skip_inside(false)? {
                b',' => {
                    self.at += 1;
                    self.skip_inside(true)?;
                }
                b'}' => {
                    self.leave();
                    return Ok(NodeKind::Object(ObjectNode::new(members)));
                }
                b']' => return Err(self.mismatched_close(']', '}')),
                _ => {
                    return Err(
                        self.unexpected_character("was expecting comma to separate Object entries")
                    );
                }
            }
        }
    }

    fn member(&mut self) -> Result<Member, JsonSyntaxError> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected_character("was expecting double-quote to start field name"));
        }
        let start = self.at;
        let key = self.string("name")?;
        let key_span = Span { start, end: self.at };
        if self.skip_inside(true)? != b':' {
            return Err(
                self.unexpected_character("was expecting a colon to separate field name and value")
            );
        }
        self.at += 1;
        self.skip_inside(true)?;
        Ok(Member { key, key_span, value: self.value()? })
    }

    /// Reads a string; `what` is `string value` or `name`.
    fn string(&mut self, what: &str) -> Result<String, JsonSyntaxError> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            let Some(plain) = plain else {
                self.at = self.text.len();
                return Err(self.end_of_input(match what {
                    "name" => " in field name",
                    _ => ": was expecting closing quote for a string value",
                }));
            };
            text.push_str(&self.text[self.at..self.at + plain]);
            let special = rest[plain];
            self.at += plain + 1;
            match special {
                b'"' => return Ok(text),
                b'\\' => text.push(self.escape()?),
                control => {
                    return Err(self.error(format!(
                        "Illegal unquoted character ({}): has to be escaped using backslash to \
                         be included in {what}",
                        describe(char::from(control))
                    )));
                }
            }
        }
    }

    /// Reads what follows a backslash.
    fn escape(&mut self) -> Result<char, JsonSyntaxError> {
        let Some(character) = self.peek_character() else {
            return Err(self.end_of_input(" in character escape sequence"));
        };
        self.at += character.len_utf8();
        Ok(match character {
            '"' | '\\' | '/' => character,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode_escape(),
            other => {
                return Err(
                    self.error(format!("Unrecognized character escape {}", describe(other)))
                );
            }
        })
    }

    fn unicode_escape(&mut self) -> Result<char, JsonSyntaxError> {
        let unit = self.hex_digits()?;
        if !(0xd800..0xe000).contains(&unit) {
            return char::from_u32(unit).ok_or_else(|| self.error("Invalid character"));
        }
        // Java keeps half a surrogate pair; JSON text in UTF-8 cannot.
        if unit < 0xdc00 && self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            let low = self.hex_digits()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                return char::from_u32(code).ok_or_else(|| self.error("Invalid character"));
            }
        }
        Err(self.error(format!(
            "Incomplete surrogate pair in character escape sequence: \\u{unit:04x}"
        )))
    }

    fn hex_digits(&mut self) -> Result<u32, JsonSyntaxError> {
        let mut unit = 0;
        for _ in 0..4 {
            let Some(character) = self.peek_character() else {
                return Err(self.end_of_input(" in character escape sequence"));
            };
            let Some(digit) = character.to_digit(16) else {
                return Err(
                    self.unexpected_character("expected a hex-digit for character escape sequence")
                );
            };
            unit = unit * 16 + digit;
            self.at += 1;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<Number, JsonSyntaxError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.unexpected_in_number(
                    "expected digit (0-9) to follow minus sign, for valid numeric value",
                ));
            }
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.error("Invalid numeric value: Leading zeroes not allowed"));
            }
        } else {
            self.digits();
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.unexpected_in_number("Decimal point not followed by a digit"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.unexpected_in_number("Exponent indicator not followed by a digit"));
            }
        }
        let text = &self.text[start..self.at];
        if self.open.is_empty() && !matches!(self.peek(), None | Some(b' ' | b'\t' | b'\r' | b'\n'))
        {
            return Err(self.unexpected_character("Expected space separating root-level values"));
        }
        if text == "-0" {
            return Ok(0.into());
        }
        text.parse().map_err(|_| self.error(format!("Numeric value ({text}) out of range")))
    }

    /// Skips digits and says how many there were.
    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    /// Reads `true`, `false` or `null`.
    fn word(&mut self) -> Result<NodeKind, JsonSyntaxError> {
        let start = self.at;
        let rest = &self.text[start..];
        if !rest.starts_with(is_identifier_start) {
            return Err(self.unexpected_character(&format!("expected a valid value {VALUES}")));
        }
        let length = rest.find(|c| !is_identifier_part(c)).unwrap_or(rest.len());
        let word = &rest[..length];
        let kind = match word {
            "true" => NodeKind::Boolean(true),
            "false" => NodeKind::Boolean(false),
            "null" => NodeKind::Null,
            _ => {
                let cut = word.char_indices().nth(MAX_TOKEN_CHARACTERS).map(|(at, _)| at);
                self.at += cut.unwrap_or(length);
                let more = if cut.is_some() { "..." } else { "" };
                let shown = &word[..cut.unwrap_or(length)];
                return Err(self.error(match shown {
                    "NaN" | "Infinity" => format!(
                        "Non-standard token '{shown}': enable \
                         `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"
                    ),
                    _ => format!("Unrecognized token '{shown}{more}': was expecting {VALUES}"),
                }));
            }
        };
        self.at += length;
        Ok(kind)
    }

    /// The error for a bracket that closes nothing.
    fn close_at_root(&mut self, close: u8) -> JsonSyntaxError {
        self.at += 1;
        let (found, due) = if close == b']' { (']', '}') } else { ('}', ']') };
        let start = source_location(self.text, 1, 0);
        self.error(format!(
            "Unexpected close marker '{found}': expected '{due}' (for root starting at {start})"
        ))
    }

    /// The error for what follows the only value of a text.
    fn trailing_text(&mut self) -> JsonSyntaxError {
        let token = match self.peek() {
            Some(b'{') => "START_OBJECT",
            Some(b'[') => "START_ARRAY",
            Some(b'"') => "VALUE_STRING",
            Some(close @ (b'}' | b']')) => return self.close_at_root(close),
            _ => match self.value() {
                Err(error) => return error,
                Ok(node) => match node.kind {
                    NodeKind::Null => "VALUE_NULL",
                    NodeKind::Boolean(true) => "VALUE_TRUE",
                    NodeKind::Boolean(false) => "VALUE_FALSE",
                    NodeKind::Number(number) if number.is_f64() => "VALUE_NUMBER_FLOAT",
                    _ => "VALUE_NUMBER_INT",
                },
            },
        };
        self.error(format!(
            "Trailing token (of type {token}) found after value (bound as \
             `com.fasterxml.jackson.databind.JsonNode`): not allowed as per \
             `DeserializationFeature.FAIL_ON_TRAILING_TOKENS`"
        ))
    }
}

/// A character in an error text.
fn describe(character: char) -> String {
    let code = u32::from(character);
    match character {
        control if control.is_control() => format!("(CTRL-CHAR, code {code})"),
        '\u{100}'.. => format!("'{character}' (code {code} / 0x{code:x})"),
        _ => format!("'{character}' (code {code})"),
    }
}

/// What Java takes for the start of an identifier, nearly.
fn is_identifier_start(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '_' | '$')
}

/// What Java takes for a part of an identifier, nearly.
fn is_identifier_part(character: char) -> bool {
    is_identifier_start(character)
        || character.is_numeric()
        || matches!(character, '\0'..='\u{8}' | '\u{e}'..='\u{1b}' | '\u{7f}'..='\u{9f}')
}

#[cfg(test)]
mod tests;
