//! What is wrong with a definition, in AWS's codes and words, with a place in the text.

use std::fmt::{self, Write as _};

/// How many characters of a source line a rendered diagnostic shows.
const SHOWN_COLUMNS: usize = 120;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

/// A place in the definition's text, counted from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

/// One finding about a definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// AWS's code, for example `SCHEMA_VALIDATION_FAILED`.
    pub code: &'static str,
    pub message: String,
    /// AWS's location, for example `/States/Ship/Next`; absent where AWS gives none.
    pub location: Option<String>,
    /// Where in the text: the value the finding is about, from its first to behind its last
    /// character. Absent only where there is no text to point at.
    pub span: Option<(Position, Position)>,
}

impl Diagnostic {
    /// Whether the definition cannot be used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// As inside `Invalid State Machine Definition: '…'`:
/// `MISSING_END_STATE: Workflow has no terminal state at null`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let location = self.location.as_deref().unwrap_or("null");
        write!(f, "{}: {} at {location}", self.code, self.message)
    }
}

/// The errors among the findings as CreateStateMachine joins them in its message
/// `Invalid State Machine Definition: '…'`. Warnings are left out.
pub fn describe_diagnostics(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
    errors.map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A finding for a terminal: the place, the text, the source line and carets below the value.
///
/// ```text
/// ship.asl.json:4:35: error[MISSING_TRANSITION_TARGET]: Missing 'Next' target: Pack
///   |
/// 4 |     "Ship": {"Type": "Pass", "Next": "Pack"}
///   |                                      ^^^^^^
///   = at /States/Ship/Next
/// ```
pub fn render_diagnostic(file_name: &str, text: &str, diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    // AWS repeats the source behind a JSON error; here the source line is below.
    let message = diagnostic.message.split("\n at [Source: ").next().unwrap_or_default();
    let mut shown = String::from(file_name);
    // Writing to a String cannot fail.
    if let Some((start, _)) = diagnostic.span {
        let _ = write!(shown, ":{}:{}", start.line, start.column);
    }
    let _ = writeln!(shown, ": {severity}[{}]: {message}", diagnostic.code);
    if let Some((start, end)) = diagnostic.span {
        render_source(&mut shown, text, start, end);
    }
    match &diagnostic.location {
        Some(location) if !location.starts_with('[') => {
            let _ = writeln!(shown, "  = at {location}");
        }
        _ => {}
    }
    shown
}

/// Adds the line at `start` and carets up to `end`, or to the line's end.
fn render_source(shown: &mut String, text: &str, start: Position, end: Position) {
    let Some(line) = text.lines().nth(start.line.saturating_sub(1) as usize) else { return };
    let characters: Vec<char> = line.chars().collect();
    let first = (start.column.saturating_sub(1) as usize).min(characters.len());
    let last =
        if end.line == start.line { end.column.saturating_sub(1) as usize } else { usize::MAX };
    let last = last.clamp(first, characters.len());
    // A definition may be one line of a megabyte: a window is shown.
    let from = if characters.len() <= SHOWN_COLUMNS { 0 } else { first.saturating_sub(40) };
    let to = characters.len().min(from + SHOWN_COLUMNS);
    let (before, after) =
        (if from > 0 { "…" } else { "" }, if to < characters.len() { "…" } else { "" });
    let number = start.line.to_string();
    let margin = " ".repeat(number.len());
    let window: String = characters[from..to].iter().map(|c| visible(*c)).collect();
    let padding: String = before
        .chars()
        .chain(characters[from..first].iter().copied())
        .map(|c| if c == '\t' { '\t' } else { ' ' })
        .collect();
    let carets = "^".repeat(last.min(to).saturating_sub(first).max(1));
    let _ = writeln!(shown, "{margin} |");
    let _ = writeln!(shown, "{number} | {before}{window}{after}");
    let _ = writeln!(shown, "{margin} | {padding}{carets}");
}

/// A character as it may be printed to a terminal.
fn visible(character: char) -> char {
    if character.is_control() && character != '\t' { '\u{fffd}' } else { character }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: Expect) {
        let compiled = crate::compile(text, crate::MachineType::Standard);
        let shown = compiled.diagnostics.iter();
        let shown: String = shown.map(|d| render_diagnostic("ship.asl.json", text, d)).collect();
        expected.assert_eq(&shown);
    }

    #[test]
    fn renders_a_value_with_carets() {
        check(
            "{\n  \"StartAt\": \"Ship\",\n  \"States\": {\n\t\"Ship\": {\"Type\": \"Pass\", \"Next\": \
             \"Pack\"},\n    \"Ünd\": {\"Type\": \"Succeed\"}\n  }\n}",
            expect![[r#"
                ship.asl.json:4:35: error[MISSING_TRANSITION_TARGET]: Missing 'Next' target: Pack
                  |
                4 | 	"Ship": {"Type": "Pass", "Next": "Pack"},
                  | 	                                 ^^^^^^
                  = at /States/Ship/Next
                ship.asl.json:5:5: error[MISSING_TRANSITION_TARGET]: State "Ünd" is not reachable.
                  |
                5 |     "Ünd": {"Type": "Succeed"}
                  |     ^^^^^
                  = at /States/Ünd
            "#]],
        );
    }

    #[test]
    fn renders_a_syntax_error() {
        check(
            "{\n  \"StartAt\" \"Ship\"\n}",
            expect![[r#"
            ship.asl.json:2:13: error[INVALID_JSON_DESCRIPTION]: Unexpected character ('"' (code 34)): was expecting a colon to separate field name and value
              |
            2 |   "StartAt" "Ship"
              |             ^
        "#]],
        );
        check(
            "{\"StartAt\": \"a\0b\"}",
            expect![[r#"
            ship.asl.json:1:15: error[INVALID_JSON_DESCRIPTION]: Illegal unquoted character ((CTRL-CHAR, code 0)): has to be escaped using backslash to be included in string value
              |
            1 | {"StartAt": "a�b"}
              |               ^
        "#]],
        );
        check(
            " ",
            expect![[r#"
            ship.asl.json: error[SCHEMA_VALIDATION_FAILED]: Definition must be a valid JSON object
        "#]],
        );
    }

    #[test]
    fn renders_a_window_of_a_long_line() {
        let comment = "c".repeat(500);
        check(
            &format!(
                "{{\"Comment\": \"{comment}\", \"StartAt\": \"A\", \"States\": {{\"A\": {{\"Type\": \
                 \"Pass\", \"End\": true, \"Foo\": 1, \"Comment\": \"{comment}\"}}}}}}"
            ),
            expect![[r#"
                ship.asl.json:1:579: error[SCHEMA_VALIDATION_FAILED]: Field 'Foo' is not supported
                  |
                1 | …s": {"A": {"Type": "Pass", "End": true, "Foo": 1, "Comment": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccc…
                  |                                          ^^^^^
                  = at /States/A
            "#]],
        );
    }
}
