//! What is refused and how, what is accepted, and what a program holds.

mod hostile;
mod programs;
mod recorded;
mod refusals;

use std::fmt::Write as _;

use expect_test::Expect;

use super::compile;
use crate::{MachineType, Severity};

/// The diagnostics of a definition, a line each.
fn diagnose(definition: &str, machine_type: MachineType) -> String {
    let compiled = compile(definition, machine_type);
    let has_errors = compiled.diagnostics.iter().any(|found| found.severity == Severity::Error);
    assert_eq!(compiled.program.is_none(), has_errors, "{definition}");
    let mut lines = String::new();
    for found in &compiled.diagnostics {
        let severity = if found.is_error() { "" } else { "warning " };
        let _ = writeln!(lines, "    {severity}{found}");
    }
    lines
}

/// Compares the diagnostics of some definitions, after what each is made of.
fn check_all(definitions: &[String], expected: Expect) {
    let mut shown = String::new();
    for definition in definitions {
        let _ = write!(shown, "{definition}\n{}", diagnose(definition, MachineType::Standard));
    }
    expected.assert_eq(&shown);
}

/// Machines of these top-level fields.
fn machines(machines: &[&str]) -> Vec<String> {
    machines.iter().map(|fields| format!("{{{fields}}}")).collect()
}

/// JSONPath machines of these states, the first of which is `A`.
fn states(states: &[&str]) -> Vec<String> {
    states.iter().map(|fields| format!(r#"{{"StartAt":"A","States":{{{fields}}}}}"#)).collect()
}

/// JSONPath machines of one state `A` with these fields.
fn single(states: &[&str]) -> Vec<String> {
    let states = states.iter();
    states.map(|fields| format!(r#"{{"StartAt":"A","States":{{"A":{{{fields}}}}}}}"#)).collect()
}

/// JSONata machines of one state `A` with these fields.
fn jsonata(states: &[&str]) -> Vec<String> {
    let states = states.iter();
    let machine = |fields| {
        format!(r#"{{"QueryLanguage":"JSONata","StartAt":"A","States":{{"A":{{{fields}}}}}}}"#)
    };
    states.map(machine).collect()
}
