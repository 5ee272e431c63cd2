//! What AWS warns of: values that look like paths where no path is read.

use super::{Field, Findings};
use crate::document::{Node, NodeKind};

/// Warns of strings in a JSONPath template that look like paths or calls, in fields whose names
/// do not end with `.$`.
pub(crate) fn check_template(findings: &mut Findings, field: &Field<'_>) {
    visit(field, &mut |inner, node| {
        if let Some(text) = node.as_str()
            && !inner.key.ends_with(".$")
            && (looks_like_path(text) || looks_like_call(text))
        {
            findings.warning(
                "NO_DOLLAR",
                "No .$ on a field that appears to be a JSONPath or Intrinsic Function.",
                &inner.site,
            );
        }
    });
}

/// Warns of a `Result` with something that looks like a path in it.
pub(crate) fn check_result(findings: &mut Findings, field: &Field<'_>) {
    let mut is_suspicious = field.node.as_str().is_some_and(looks_like_path);
    visit(field, &mut |inner, node| {
        is_suspicious |= inner.key.ends_with(".$") || node.as_str().is_some_and(looks_like_path);
    });
    if is_suspicious {
        findings.warning(
            "PASS_RESULT_IS_STATIC",
            "Attempt to use a path in the result of a pass state.",
            &field.site,
        );
    }
}

/// Warns of a constant that looks like a path, in a field whose name does not end with `Path`.
pub(crate) fn check_constant(findings: &mut Findings, field: &Field<'_>) {
    if field.node.as_str().is_some_and(looks_like_path) {
        findings.warning(
            "NO_PATH",
            "Field value looks like a path, but field name does not end with 'Path'.",
            &field.site,
        );
    }
}

fn looks_like_path(text: &str) -> bool {
    text == "$" || text.starts_with("$.") || text.starts_with("$$.") || text.starts_with("$[")
}

fn looks_like_call(text: &str) -> bool {
    text.starts_with("States.") && text.contains('(') && text.ends_with(')')
}

/// Calls `visit` for every member of every object in a field, at any depth.
fn visit<'n>(field: &Field<'n>, look: &mut dyn FnMut(&Field<'n>, &'n Node)) {
    match &field.node.kind {
        NodeKind::Object(object) => {
            for member in object.iter() {
                let site = field.site.inside(&member.key, member.value.span);
                let inner = Field { key: &member.key, node: &member.value, site };
                look(&inner, inner.node);
                visit(&inner, look);
            }
        }
        NodeKind::Array(_) => {
            for element in field.elements() {
                visit(&element, look);
            }
        }
        _ => {}
    }
}
