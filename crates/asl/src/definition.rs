//! A definition as somebody wrote it, in JSON or in YAML.

use crate::compile::{Compiled, compile_document, json_root};
use crate::document::{LineTable, Node};
use crate::lint::lint_document;
use crate::{Diagnostic, MachineType, java};

/// The text of a definition and what was read from it. Diagnostics point into this text,
/// whatever language it is in.
#[derive(Debug)]
pub struct Definition<'t> {
    text: &'t str,
    /// Or why it could not be read.
    root: Result<Node, Diagnostic>,
}

impl<'t> Definition<'t> {
    /// Reads JSON.
    pub fn from_json(text: &'t str) -> Definition<'t> {
        Definition { text, root: json_root(text) }
    }

    /// Checks and compiles it, as [`crate::compile`] does.
    pub fn compile(&self, machine_type: MachineType) -> Compiled {
        match &self.root {
            Ok(root) => compile_document(self.text, root, machine_type),
            Err(diagnostic) => Compiled { program: None, diagnostics: vec![diagnostic.clone()] },
        }
    }

    /// Advice about it, as [`crate::lint`] gives it.
    pub fn lint(&self, machine_type: MachineType) -> Vec<Diagnostic> {
        let Ok(root) = &self.root else { return Vec::new() };
        let Some(program) = self.compile(machine_type).program else { return Vec::new() };
        let findings = lint_document(root, &program, machine_type);
        findings.into_diagnostics(&LineTable::new(self.text))
    }

    /// The definition as compact JSON; none if it could not be read.
    pub fn to_json(&self) -> Option<String> {
        self.root.as_ref().ok().map(|root| java::json_text(&root.to_value()))
    }
}
