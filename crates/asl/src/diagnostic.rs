//! What is wrong with a definition, in AWS's codes and words, with a place in the text.

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
