//! From the text of a call to its parts.

use serde_json::Value;

use super::{Argument, Call, FUNCTIONS};
use crate::Path;

/// How deep calls may nest, the outermost included.
const NESTING_MAX: usize = 10;

pub(super) fn call(text: &str) -> Option<Call> {
    let (call, rest) = read_call(text.trim(), 1)?;
    rest.is_empty().then_some(call)
}

/// The call at the start of `text`, and what follows it.
fn read_call(text: &str, depth: usize) -> Option<(Call, &str)> {
    let (name, rest) = text.split_at_checked(text.find('(')?)?;
    let (_, function) = FUNCTIONS.iter().find(|(function, _)| *function == name)?;
    if depth > NESTING_MAX {
        return None;
    }
    let mut rest = rest[1..].trim_start();
    let mut arguments = Vec::new();
    if let Some(behind) = rest.strip_prefix(')') {
        return Some((Call { function: *function, arguments }, behind));
    }
    loop {
        let (argument, behind) = read_argument(rest, depth)?;
        arguments.push(argument);
        let behind = behind.trim_start();
        if let Some(behind) = behind.strip_prefix(')') {
            return Some((Call { function: *function, arguments }, behind));
        }
        rest = behind.strip_prefix(',')?.trim_start();
    }
}

fn read_argument(text: &str, depth: usize) -> Option<(Argument, &str)> {
    match text.chars().next()? {
        '\'' => read_text(text),
        '$' => {
            let (path, rest) = text.split_at(path_length(text)?);
            Some((Argument::Path(Path::parse(path.trim_end()).ok()?), rest))
        }
        'S' => read_call(text, depth + 1).map(|(call, rest)| (Argument::Call(call), rest)),
        _ => {
            let end = text.find([',', ')']).unwrap_or(text.len());
            let (literal, rest) = text.split_at(end);
            let value = match literal.trim_end() {
                "null" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                number => Value::Number(serde_json::from_str(number).ok()?),
            };
            Some((Argument::Literal(value), rest))
        }
    }
}

/// A text in single quotes. Only `\'`, `\{`, `\}` and `\\` are escapes.
fn read_text(text: &str) -> Option<(Argument, &str)> {
    let inside = text.strip_prefix('\'')?;
    let mut value = String::new();
    let mut characters = inside.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\'' => {
                let template = inside[..at].into();
                let argument = Argument::Text { value: Value::String(value), template };
                return Some((argument, &inside[at + 1..]));
            }
            '\\' => match characters.next()?.1 {
                escaped @ ('\'' | '{' | '}' | '\\') => value.push(escaped),
                _ => return None,
            },
            _ => value.push(character),
        }
    }
    None
}

/// Where a path ends: before a comma or parenthesis that is not inside brackets or quotes.
fn path_length(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (Some(_), '\\') => {
                characters.next();
            }
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') if depth > 0 => quote = Some(character),
            (None, '[' | '(') => depth += 1,
            (None, ')' | ',') if depth == 0 => return Some(at),
            (None, ']' | ')') => depth = depth.checked_sub(1)?,
            (None, _) => {}
        }
    }
    Some(text.len())
}
