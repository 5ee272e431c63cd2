//! A finding about a definition as a person reads it: what, where, and the line with a caret.

use std::fmt::Write;

use asl::{Diagnostic, Severity};

/// Several lines: the message, the place, the line of text and a caret under what it is about.
pub(crate) fn render(file: &str, text: &str, diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut shown = format!("{severity}[{}]: {}\n", diagnostic.code, diagnostic.message);
    let location = diagnostic.location.as_deref().filter(|location| location.starts_with('/'));
    let Some((start, end)) = diagnostic.span else {
        let _ = writeln!(shown, "  --> {file}{}", in_brackets(location));
        return shown;
    };
    let _ =
        writeln!(shown, "  --> {file}:{}:{}{}", start.line, start.column, in_brackets(location));
    let Some(line) = text.split('\n').nth(start.line as usize - 1) else {
        return shown;
    };
    let line = line.trim_end_matches('\r');
    let number = start.line.to_string();
    let margin = " ".repeat(number.len());
    let before: String = line
        .chars()
        .take(start.column as usize - 1)
        .map(|character| if character == '\t' { '\t' } else { ' ' })
        .collect();
    let line_end = line.chars().count() as u32 + 1;
    let until = if end.line == start.line { end.column } else { line_end };
    let width = until.min(line_end).saturating_sub(start.column).max(1) as usize;
    let _ = writeln!(shown, "{margin} |\n{number} | {line}");
    let _ = writeln!(shown, "{margin} | {before}{}", "^".repeat(width));
    shown
}

fn in_brackets(location: Option<&str>) -> String {
    location.map(|location| format!(" ({location})")).unwrap_or_default()
}
