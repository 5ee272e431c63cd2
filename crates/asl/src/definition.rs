//! A definition as somebody wrote it, in JSON or in YAML.

use std::borrow::Cow;

use crate::compile::{Compiled, compile_document, json_root};
use crate::document::{LineTable, Node};
use crate::lint::lint_document;
use crate::yaml::yaml_root;
use crate::{Diagnostic, MachineType};

/// The text of a definition and what was read from it. Diagnostics point into this text,
/// whatever language it is in.
#[derive(Debug)]
pub struct Definition<'t> {
    text: &'t str,
    is_json: bool,
    /// Or why it could not be read.
    root: Result<Node, Diagnostic>,
}

impl<'t> Definition<'t> {
    /// Reads JSON.
    pub fn from_json(text: &'t str) -> Definition<'t> {
        Definition { text, is_json: true, root: json_root(text) }
    }

    /// Reads YAML, which AWS takes in its editors only.
    pub fn from_yaml(text: &'t str) -> Definition<'t> {
        Definition { text, is_json: false, root: yaml_root(text) }
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

    /// The definition in JSON, as a state machine is created from it: what it was read from, or
    /// the same written in lines. None if it could not be read.
    pub fn to_json(&self) -> Option<Cow<'t, str>> {
        let root = self.root.as_ref().ok()?;
        if self.is_json {
            return Some(Cow::Borrowed(self.text));
        }
        let text = serde_json::to_string_pretty(&root.to_value());
        Some(Cow::Owned(text.expect("a JSON value always serialises")))
    }
}
