//! `stepwell validate`: every finding about definitions, for people or for programs.

use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use asl::{Definition, Diagnostic, Severity, render_diagnostic};
use serde_json::{Value, json};

use crate::cli::{OutputFormat, Validate};
use crate::failure::{Failure, UNSUCCESSFUL};

/// What was found about one file.
struct Report {
    name: String,
    text: String,
    diagnostics: Vec<Diagnostic>,
}

impl Report {
    fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count()
    }
}

/// Checks every file, reports everything.
pub(crate) fn run(arguments: &Validate) -> Result<ExitCode, Failure> {
    let mut reports = Vec::new();
    for path in &arguments.files {
        let (name, text) = read(path)?;
        let definition = match arguments.yaml {
            true => Definition::from_yaml(&text),
            false => crate::machines::definition(path, &text),
        };
        let machine_type = arguments.r#type.into();
        let mut diagnostics = definition.compile(machine_type).diagnostics;
        if arguments.lint {
            diagnostics.extend(definition.lint(machine_type));
        }
        reports.push(Report { name, text, diagnostics });
    }
    let shown = match arguments.format {
        OutputFormat::Text => as_text(&reports),
        OutputFormat::Json => as_json(&reports),
    };
    std::io::stdout()
        .write_all(shown.as_bytes())
        .map_err(|error| Failure::unsuccessful(format!("cannot write the report: {error}")))?;
    let valid = reports.iter().all(|report| report.count(Severity::Error) == 0);
    Ok(if valid { ExitCode::SUCCESS } else { ExitCode::from(UNSUCCESSFUL) })
}

/// The name and the text of a definition; `-` is standard input.
fn read(path: &Path) -> Result<(String, String), Failure> {
    let name = path.display().to_string();
    let bytes = if name == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let bytes = bytes.map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        Failure::usage(format!("{name} is not UTF-8 text: invalid byte at offset {offset}"))
    })?;
    Ok((name, text))
}

fn as_text(reports: &[Report]) -> String {
    let mut shown = String::new();
    for report in reports {
        for diagnostic in &report.diagnostics {
            shown.push_str(&render_diagnostic(&report.name, &report.text, diagnostic));
        }
        let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
        let verdict = match (errors, warnings) {
            (0, 0) => "valid".to_owned(),
            (0, warnings) => format!("valid, {}", counted(warnings, "warning")),
            (errors, 0) => format!("not valid, {}", counted(errors, "error")),
            (errors, warnings) => {
                format!("not valid, {}, {}", counted(errors, "error"), counted(warnings, "warning"))
            }
        };
        shown.push_str(&format!("{}: {verdict}\n", report.name));
    }
    shown
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// An array with one object per file: `file`, `result` and `diagnostics` as
/// ValidateStateMachineDefinition answers, and the place in the text with each.
fn as_json(reports: &[Report]) -> String {
    let files: Vec<Value> = reports
        .iter()
        .map(|report| {
            json!({
                "file": report.name,
                "result": if report.count(Severity::Error) == 0 { "OK" } else { "FAIL" },
                "diagnostics": report.diagnostics.iter().map(diagnostic_json).collect::<Vec<_>>(),
            })
        })
        .collect();
    format!("{:#}\n", Value::Array(files))
}

fn diagnostic_json(diagnostic: &Diagnostic) -> Value {
    let mut shown = json!({
        "severity": match diagnostic.severity {
            Severity::Error => "ERROR",
            Severity::Warning => "WARNING",
        },
        "code": diagnostic.code,
        "message": diagnostic.message,
    });
    if let Some(location) = &diagnostic.location {
        shown["location"] = json!(location);
    }
    if let Some((start, end)) = diagnostic.span {
        shown["start"] = json!({ "line": start.line, "column": start.column });
        shown["end"] = json!({ "line": end.line, "column": end.column });
    }
    shown
}
