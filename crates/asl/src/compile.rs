//! From the text of a definition to a [`Program`].
//!
//! One walk over the document checks and compiles at once: whatever is wrong becomes a finding,
//! and what could be read becomes a part of the program, which is handed out only if nothing was
//! wrong. Rules that need the whole machine (targets, reachability, variables) come afterwards.

mod choice;
mod distributed;
mod error_handling;
mod flow;
mod map;
mod scope;
mod single;
mod state;
mod task;
mod values;

#[cfg(test)]
mod tests;

use crate::definition::Definition;
use crate::document::{LineTable, Node, ObjectNode, Span};
use crate::json::{parse_document, source_location};
use crate::validate::findings::SCHEMA;
use crate::validate::graph::{ScopeGraph, check_graphs};
use crate::validate::names::UsedNames;
use crate::validate::variables::{ScopeVariables, check_shadowing};
use crate::validate::{Findings, Reader, Site};
use crate::{
    Diagnostic, JsonSyntaxError, MachineType, Position, Program, QueryLanguage, Scope, Severity,
    State,
};

/// What became of a definition.
#[derive(Debug)]
pub struct Compiled {
    /// Present when no diagnostic is an error.
    pub program: Option<Program>,
    /// Everything that was found, in stable order: errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses, checks and compiles a definition. Never fails and never panics: what is wrong comes
/// back as diagnostics.
pub fn compile(definition: &str, machine_type: MachineType) -> Compiled {
    Definition::from_json(definition).compile(machine_type)
}

/// As [`compile`], for the definition of one state, which is called `name`: state 0 of the
/// program. The states that it leads to need not exist; they follow as states of type Succeed.
/// Locations are those of a machine that has the state: `/States/<name>/…`.
pub fn compile_state(definition: &str, name: &str, machine_type: MachineType) -> Compiled {
    match json_root(definition) {
        Ok(root) => {
            let machine = single::machine_around(root, name);
            compile_document(definition, &machine, machine_type)
        }
        Err(diagnostic) => Compiled { program: None, diagnostics: vec![diagnostic] },
    }
}

/// Parses a definition in JSON to an object.
pub(crate) fn json_root(definition: &str) -> Result<Node, Diagnostic> {
    match parse_document(definition) {
        Ok(Some(root)) if root.as_object().is_some() => Ok(root),
        Ok(Some(root)) => Err(no_object(Some(LineTable::new(definition).positions(root.span)))),
        Ok(None) => Err(no_object(None)),
        Err(error) => Err(syntax_diagnostic(definition, &error)),
    }
}

/// Checks and compiles an object that was read from the text `definition`.
pub(crate) fn compile_document(
    definition: &str,
    root: &Node,
    machine_type: MachineType,
) -> Compiled {
    let empty = ObjectNode::default();
    let object = root.as_object().unwrap_or(&empty);
    let lines = LineTable::new(definition);
    let span = Span { start: root.span.start, end: root.span.start + 1 };
    let site = Site { location: String::new(), span, order: span.start };
    let mut compiler = Compiler::default();
    let machine = compiler.machine(&Reader { object, site }, machine_type);
    compiler.findings.end_of_document();
    check_shadowing(&mut compiler.findings, &compiler.variables);
    check_graphs(&mut compiler.findings, &compiler.graphs);
    let program = (!compiler.findings.has_errors()).then(|| Program {
        query_language: compiler.language,
        timeout_seconds: machine.timeout_seconds,
        scopes: compiler.scopes,
        states: compiler
            .states
            .into_iter()
            .map(|state| state.expect("a state about which nothing was found is compiled"))
            .collect(),
    });
    Compiled { program, diagnostics: compiler.findings.into_diagnostics(&lines) }
}

/// What is read from the machine itself.
struct Machine {
    timeout_seconds: Option<u64>,
}

/// The state of the walk.
#[derive(Default)]
struct Compiler<'n> {
    findings: Findings,
    /// The machine's query language.
    language: QueryLanguage,
    scopes: Vec<Scope>,
    /// In order of their indexes; none where something was wrong.
    states: Vec<Option<State>>,
    /// By scope index.
    graphs: Vec<ScopeGraph<'n>>,
    /// By scope index.
    variables: Vec<ScopeVariables>,
    names: UsedNames<'n>,
}

pub(crate) fn no_object(span: Option<(Position, Position)>) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: SCHEMA,
        message: "Definition must be a valid JSON object".to_owned(),
        location: None,
        span,
    }
}

fn syntax_diagnostic(definition: &str, error: &JsonSyntaxError) -> Diagnostic {
    let location = source_location(definition, error.line, error.column);
    let position = Position { line: error.line, column: error.column };
    // Parsing stopped behind the character or word that is wrong.
    let start = Position { column: error.column.saturating_sub(1).max(1), ..position };
    Diagnostic {
        severity: Severity::Error,
        code: "INVALID_JSON_DESCRIPTION",
        message: format!("{}\n at {location}", error.message),
        location: Some(location),
        span: Some((start, position)),
    }
}

/// The value below a node that template steps lead to, or the last one on the way.
fn node_at<'n>(node: &'n Node, steps: &[crate::TemplateStep]) -> &'n Node {
    let mut node = node;
    for step in steps {
        let next = match step {
            crate::TemplateStep::Key(key) => node.as_object().and_then(|object| object.get(key)),
            crate::TemplateStep::Index(index) => {
                node.as_array().and_then(|elements| elements.get(*index))
            }
        };
        match next {
            Some(next) => node = next,
            None => break,
        }
    }
    node
}
