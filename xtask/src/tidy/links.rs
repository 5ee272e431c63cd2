//! Links in Markdown files lead somewhere: to files that exist, and to headings in them.

use std::path::Path;

pub(super) fn check(root: &Path, name: &str, text: &str) -> Vec<String> {
    let folder = root.join(name);
    let folder = folder.parent().expect("a file is in a folder");
    let mut findings = Vec::new();
    for (number, line) in prose(text) {
        for target in targets(line) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, heading) = match target.split_once('#') {
                Some((path, heading)) => (path, Some(heading)),
                None => (target, None),
            };
            let file = if path.is_empty() { root.join(name) } else { folder.join(path) };
            if !file.exists() {
                findings.push(format!("{name}:{number}: link to {target}, which does not exist"));
                continue;
            }
            let Some(heading) = heading else { continue };
            let there = std::fs::read_to_string(&file).unwrap_or_default();
            if !prose(&there).any(|(_, line)| slug(line).as_deref() == Some(heading)) {
                findings.push(format!("{name}:{number}: link to {target}: no such heading"));
            }
        }
    }
    findings
}

/// The lines outside fenced code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            return None;
        }
        (!in_code).then_some((index + 1, line))
    })
}

/// The targets of `[text](target)` and `![text](target)` in a line, outside of inline code.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let outside = line.split('`').step_by(2);
    outside
        .flat_map(|text| text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()))
}

/// The anchor that a heading gets on the usual web views.
fn slug(line: &str) -> Option<String> {
    let title = line.trim_start_matches('#');
    (title.len() < line.len()).then(|| {
        let kept = title.trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_and_slugs() {
        let line = "See [a](docs/a.md) and ![b](b.png \"title\"), not `[c](c)`.";
        assert_eq!(targets(line).collect::<Vec<_>>(), ["docs/a.md", "b.png"]);
        assert_eq!(
            slug("## What it is, in one screen").as_deref(),
            Some("what-it-is-in-one-screen")
        );
        assert_eq!(slug("text"), None);
    }
}
