//! The few forms of JSONPath that the rules use: members by name, as children (`.name`) or at any
//! depth (`..name`).

use anyhow::{Result, bail, ensure};
use serde_json::Value;

/// A parsed path.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
struct Step {
    name: String,
    any_depth: bool,
}

impl Path {
    pub(crate) fn parse(text: &str) -> Result<Path> {
        let Some(mut rest) = text.strip_prefix('$') else { bail!("not a path: {text}") };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let any_depth = rest.starts_with("..");
            rest = rest.trim_start_matches('.');
            let end = rest.find('.').unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            ensure!(
                !name.is_empty() && !name.contains(['[', '*', '(']),
                "the runner does not know this form of path: {text}"
            );
            steps.push(Step { name: name.to_owned(), any_depth });
            rest = after;
        }
        Ok(Path { steps })
    }

    /// Calls `visit` with each value that the path selects.
    pub(crate) fn each(&self, root: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
        walk(root, &self.steps, &mut |members, name| {
            if let Some(value) = members.get_mut(name) {
                visit(value);
            }
        });
    }

    /// Removes each member that the path selects.
    pub(crate) fn remove(&self, root: &mut Value) {
        walk(root, &self.steps, &mut |members, name| {
            members.shift_remove(name);
        });
    }
}

type Members = serde_json::Map<String, Value>;

/// Calls `visit` with each object that may hold the path's last member, and that member's name.
fn walk(value: &mut Value, steps: &[Step], visit: &mut dyn FnMut(&mut Members, &str)) {
    let Some((step, later)) = steps.split_first() else { return };
    if let Value::Object(members) = value {
        if later.is_empty() {
            visit(members, &step.name);
        } else if let Some(child) = members.get_mut(&step.name) {
            walk(child, later, visit);
        }
    }
    if !step.any_depth {
        return;
    }
    match value {
        Value::Object(members) => {
            for child in members.values_mut() {
                walk(child, steps, visit);
            }
        }
        Value::Array(items) => {
            for child in items {
                walk(child, steps, visit);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_select() {
        let check = |path: &str, expected: Value| {
            let mut root = json!({
                "a": {"b": 1, "c": {"b": 2}},
                "list": [{"b": 3}, {"a": {"x": {"b": 4}}}],
            });
            let mut found = Vec::new();
            Path::parse(path).unwrap().each(&mut root, &mut |value| found.push(value.clone()));
            assert_eq!(Value::Array(found), expected, "{path}");
        };
        check("$.a.b", json!([1]));
        check("$..b", json!([1, 2, 3, 4]));
        check("$..a.b", json!([1]));
        check("$..a..b", json!([1, 2, 4]));
        check("$..nothing", json!([]));
        assert!(Path::parse("$..a[*]").is_err());
    }
}
