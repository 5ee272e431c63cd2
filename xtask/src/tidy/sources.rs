//! Rules for the text of files: lengths, leftover notes, paths of one machine, purity.

use std::collections::BTreeSet;

/// The longest file, without the unit tests at its end.
const LINES_MAX: usize = 800;
/// The longest file with everything, and the longest file of tests.
const TEST_LINES_MAX: usize = 1500;

/// Files that are longer than the rule, with the length that they may have at most. Entries may
/// only shrink, and go once the file is within the rule.
const TOO_LONG: &[(&str, usize)] = &[];

/// Left-over notes. Spelled apart so that this file passes.
const NOTES: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];

/// Folders that exist on one machine only. Spelled apart so that this file passes.
const MACHINE_PATHS: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/tm", "p/"),
];

/// What a pure crate has no business with.
const IMPURE: &[&str] = &[
    "SystemTime",
    "Instant",
    "Timestamp::now",
    "Zoned::now",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "async fn",
    "async move",
    "tokio",
    "tracing",
    "rand::",
    "HashSet",
    "HashMap",
];

/// An import of a map without order may stand with this comment: it is a promise for the file.
const NEVER_ITERATED: &str = "// Never iterated";

/// An import of the traits of reading and writing may stand with this comment: it is a promise
/// for the file that they are about bytes in memory.
const ONLY_MEMORY: &str = "// Only memory";

/// The files that are compiled for tests only: those in folders of tests, and modules that are
/// declared so.
pub(super) fn test_files(files: &[(String, String)]) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for (name, text) in files {
        if name.split('/').any(|part| part == "tests") {
            tests.insert(name.clone());
        }
        let Some(module) = name.strip_suffix(".rs") else { continue };
        let folder = match module.rsplit_once('/') {
            Some((folder, "lib" | "main" | "mod")) => folder,
            _ => module,
        };
        for declaration in text.split("#[cfg(test)]\nmod ").skip(1) {
            let (child, _) = declaration.split_once([';', ' ']).unwrap_or_default();
            tests.insert(format!("{folder}/{child}.rs"));
            tests.insert(format!("{folder}/{child}/mod.rs"));
        }
    }
    tests
}

pub(super) fn check(name: &str, text: &str, is_test: bool) -> Vec<String> {
    let mut findings = Vec::new();
    if name.ends_with(".lock") || name.ends_with("LICENSE") {
        return findings;
    }
    findings.extend(check_length(name, text, is_test));
    for (number, line) in (1..).zip(text.lines()) {
        for note in NOTES.iter().filter(|note| has_word(line, note)) {
            findings.push(format!("{name}:{number}: {note}: do it, or write it up elsewhere"));
        }
        for path in MACHINE_PATHS.iter().filter(|path| starts_path(line, path)) {
            findings.push(format!("{name}:{number}: a path of one machine: {path}"));
        }
    }
    if ["crates/asl/src/", "crates/engine/src/"].iter().any(|pure| name.starts_with(pure))
        && !is_test
    {
        findings.extend(check_purity(name, text));
    }
    findings
}

fn check_length(name: &str, text: &str, is_test: bool) -> Option<String> {
    let is_code =
        [".rs", ".py", ".ts", ".tsx", ".js", ".mjs"].iter().any(|end| name.ends_with(end));
    if !is_code {
        return None;
    }
    let whole = text.lines().count();
    let shipped = without_tests(text).lines().count();
    let listed = TOO_LONG.iter().find(|(file, _)| *file == name).map(|(_, lines)| *lines);
    let too_long = whole > TEST_LINES_MAX || (!is_test && shipped > LINES_MAX);
    match listed {
        None if too_long => Some(format!("{name}: {shipped} lines ({whole} with tests): split it")),
        Some(_) if !too_long => Some(format!("{name}: is short enough now: take it off the list")),
        Some(most) if whole > most => Some(format!("{name}: {whole} lines, was {most}: split it")),
        _ => None,
    }
}

fn check_purity(name: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(without_tests(text).lines()) {
        let code = line.split("//").next().unwrap_or_default();
        for word in IMPURE.iter().filter(|word| has_word(code, word)) {
            let is_map = word.starts_with("Hash");
            if is_map && (!code.contains("std::collections") || line.contains(NEVER_ITERATED)) {
                continue;
            }
            if *word == "std::io" && line.contains(ONLY_MEMORY) {
                continue;
            }
            findings.push(format!("{name}:{number}: {word} in a pure crate"));
        }
    }
    findings
}

/// The text before the unit tests at its end.
fn without_tests(text: &str) -> &str {
    text.find("\n#[cfg(test)]\nmod ").map_or(text, |end| &text[..end])
}

/// Whether the word stands in the line, and is not a part of a longer word.
fn has_word(line: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        let open = word.ends_with([':', '/']);
        !before.is_some_and(joins) && (open || !after.is_some_and(joins))
    })
}

/// Whether a path that starts so stands in the line: not in the middle of a longer one.
fn starts_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        !before
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '}' | '>'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_finds_what_it_should() {
        let note = format!("// {} later", NOTES[0]);
        assert_eq!(check("a.rs", &note, false).len(), 1);
        assert_eq!(check("a.rs", "// a mastodon", false).len(), 0);
        let path = format!("cd {}someone", MACHINE_PATHS[0]);
        assert_eq!(check("a.md", &path, false).len(), 1);
        assert_eq!(check("crates/engine/src/a.rs", "let now = Instant::now();", false).len(), 1);
        assert_eq!(check("crates/store/src/a.rs", "let now = Instant::now();", false).len(), 0);
        assert_eq!(check("crates/asl/src/a.rs", "use std::collections::HashMap;", false).len(), 1);
        assert_eq!(
            check("crates/asl/src/a.rs", "use std::collections::HashMap; // Never iterated", false)
                .len(),
            0
        );
        assert_eq!(check("crates/asl/src/a.rs", "use std::io;", false).len(), 1);
        assert_eq!(check("crates/asl/src/a.rs", "use std::io; // Only memory", false).len(), 0);
        assert_eq!(check("a.rs", &"let a = 1;\n".repeat(LINES_MAX + 1), false).len(), 1);
        let tested =
            format!("{}\n#[cfg(test)]\nmod tests {{\n", "let a = 1;\n".repeat(LINES_MAX - 1));
        assert_eq!(check("a.rs", &tested, false).len(), 0);
    }
}
