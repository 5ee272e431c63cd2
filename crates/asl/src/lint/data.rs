//! Data that does not fit, is thrown away or is never looked at.

use super::{
    KEY_TWICE, Linter, PAYLOAD_TOO_LARGE, RESULT_DISCARDED, StateSite, VARIABLE_NEVER_READ,
};
use crate::Expression;
use crate::document::{Node, NodeKind};
use crate::validate::{Field, Site};

/// Bytes that a state may take or give.
const PAYLOAD_BYTES_MAX: usize = 262_144;

impl Linter {
    pub(super) fn data(&mut self, state: &StateSite<'_>) {
        for key in ["Result", "Parameters", "Arguments", "ResultSelector", "Output", "Assign"] {
            if let Some(field) = state.field(key) {
                self.too_large(key, &field);
            }
        }
        self.assigned(state.field("Assign"));
        for key in ["Catch", "Choices"] {
            for entry in state.field(key).iter().flat_map(Field::elements) {
                let object = entry.node.as_object();
                let assign = object.and_then(|object| object.get("Assign"));
                self.assigned(assign.map(|node| Field {
                    key: "Assign",
                    node,
                    site: entry.site.inside("Assign", node.span),
                }));
            }
        }
        let is_null = |key: &str| state.field(key).filter(|field| field.node.is_null());
        if let (Some(path), Some(_)) = (is_null("ResultPath"), state.field("ResultSelector")) {
            let message = "ResultSelector has no effect where ResultPath is null.";
            self.advise(RESULT_DISCARDED, message, &path.site);
        }
        if let Some(path) = is_null("OutputPath")
            && (state.has("ResultPath") || state.has("ResultSelector"))
        {
            let message = "The output is {} whatever the result is: OutputPath is null.";
            self.advise(RESULT_DISCARDED, message, &path.site);
        }
    }

    fn too_large(&mut self, key: &str, field: &Field<'_>) {
        let size = literal_size(field.node);
        if size > PAYLOAD_BYTES_MAX {
            let message = format!(
                "{key} has {size} bytes without what is filled in, and a payload may have \
                 {PAYLOAD_BYTES_MAX}."
            );
            self.advise(PAYLOAD_TOO_LARGE, message, &field.site);
        }
    }

    fn assigned(&mut self, assign: Option<Field<'_>>) {
        let Some(assign) = assign else { return };
        let Some(object) = assign.node.as_object() else { return };
        for member in object.iter() {
            let name = member.key.strip_suffix(".$").unwrap_or(&member.key);
            if !self.read.contains(name) {
                let message = format!("No state reads the variable ${name}.");
                let site = assign.site.inside(&member.key, member.key_span);
                self.advise(VARIABLE_NEVER_READ, message, &site);
            }
        }
    }

    /// Reports keys that are written more than once, at any depth.
    pub(super) fn repeated_keys(&mut self, node: &Node, site: &Site) {
        match &node.kind {
            NodeKind::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    let mut inner = site.pointing_at(element.span);
                    inner.location.push_str(&format!("[{index}]"));
                    self.repeated_keys(element, &inner);
                }
            }
            NodeKind::Object(object) => {
                for (key, span) in object.repeated() {
                    let message = format!(
                        "The key '{key}' comes again further down, and only the last one counts."
                    );
                    self.advise(KEY_TWICE, message, &site.inside(key, *span));
                }
                for member in object.iter() {
                    self.repeated_keys(&member.value, &site.inside(&member.key, member.value.span));
                }
            }
            _ => {}
        }
    }
}

/// The bytes of compact JSON without the strings that are filled in.
fn literal_size(node: &Node) -> usize {
    match &node.kind {
        NodeKind::Null => 4,
        NodeKind::Boolean(value) => 5 - usize::from(*value),
        NodeKind::Number(number) => number.to_string().len(),
        NodeKind::String(text) if Expression::delimited(text).is_some() => 0,
        NodeKind::String(text) => text.len() + 2,
        NodeKind::Array(elements) => {
            elements.iter().map(|e| literal_size(e) + 1).sum::<usize>() + 1
        }
        NodeKind::Object(object) => {
            let members = object.iter().map(|member| {
                let value = match member.key.ends_with(".$") {
                    true => 0,
                    false => literal_size(&member.value),
                };
                member.key.len() + 4 + value
            });
            members.sum::<usize>() + 1
        }
    }
}
