//! The texts in `testdata/` that inputs are made from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Target;

/// Texts by target, and the values that fields of definitions have.
#[derive(Debug, Default)]
pub struct Corpus {
    pub(crate) definitions: Vec<String>,
    pub(crate) paths: Vec<String>,
    pub(crate) templates: Vec<String>,
    pub(crate) intrinsics: Vec<String>,
    pub(crate) expressions: Vec<String>,
    /// By the name of a field, the values that definitions give it.
    pub(crate) fields: BTreeMap<String, Vec<Value>>,
}

/// How many values of a field are kept.
const VALUES_MAX: usize = 200;
/// How many bytes a definition may have that inputs are made from: more slows everything down.
const DEFINITION_BYTES_MAX: usize = 16_000;

impl Corpus {
    /// Reads the texts. Panics where `testdata/` is not as it should be.
    pub fn read() -> Corpus {
        let mut corpus = Corpus::default();
        let folder = testdata();
        let mut definitions = BTreeSet::new();
        for file in files(&folder.join("corpus")) {
            if file.extension().is_some_and(|extension| extension == "json") {
                definitions.insert(text(&file));
            }
        }
        for seeds in ["seed_json_path.json", "seed_jsonata.json"] {
            definitions.insert(text(&folder.join("../crates/asl/src/compile/tests").join(seeds)));
        }
        for file in files(&folder.join("conformance/executions")) {
            if let Ok(value) = serde_json::from_str::<Value>(&text(&file)) {
                collect_definitions(&value, &mut definitions);
            }
        }
        for file in files(&folder.join("histories")) {
            if let Ok(value) = serde_json::from_str::<Value>(&text(&file)) {
                collect_definitions(&value, &mut definitions);
            }
        }
        let mut seen = BTreeSet::new();
        for definition in definitions {
            let Ok(value) = serde_json::from_str::<Value>(&definition) else { continue };
            corpus.collect(&value, &mut seen);
            if definition.len() <= DEFINITION_BYTES_MAX {
                corpus.definitions.push(value.to_string());
            }
        }
        corpus.collect_cases(&folder);
        corpus
    }

    /// The texts that inputs for a target are made from.
    pub(crate) fn texts(&self, target: Target) -> &[String] {
        match target {
            Target::Definition | Target::Execution => &self.definitions,
            Target::Path => &self.paths,
            Target::Template => &self.templates,
            Target::Intrinsic => &self.intrinsics,
            Target::Jsonata => &self.expressions,
        }
    }

    /// Takes what stands in a value: fields, paths, templates, calls, expressions.
    fn collect(&mut self, value: &Value, seen: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    let values = self.fields.entry(key.clone()).or_default();
                    if values.len() < VALUES_MAX
                        && seen.insert(format!("{key}\n{member}"))
                        && key != "States"
                    {
                        values.push(member.clone());
                    }
                    let is_template = matches!(
                        key.as_str(),
                        "Parameters"
                            | "ResultSelector"
                            | "ItemSelector"
                            | "Assign"
                            | "Arguments"
                            | "Output"
                            | "Choices"
                    );
                    if is_template {
                        self.templates.push(member.to_string());
                    }
                    self.collect(member, seen);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(item, seen)),
            Value::String(text) if !seen.insert(text.clone()) => {}
            Value::String(text) if text.starts_with('$') => self.paths.push(text.clone()),
            Value::String(text) if text.starts_with("States.") => {
                self.intrinsics.push(text.clone());
            }
            Value::String(text) => {
                if let Some(expression) = asl::Expression::delimited(text) {
                    self.expressions.push(expression.to_owned());
                }
            }
            _ => {}
        }
    }

    fn collect_cases(&mut self, folder: &Path) {
        let cases: Value =
            serde_json::from_str(&text(&folder.join("jsonpath/cases.json"))).expect("JSON");
        for case in cases["cases"].as_array().expect("there are cases") {
            self.paths.push(case["path"].as_str().expect("a case has a path").to_owned());
        }
        for line in text(&folder.join("jsonata-2.0.6/cases.jsonl")).lines() {
            // Some hold half a surrogate pair.
            let Ok(case) = serde_json::from_str::<Value>(line) else { continue };
            self.expressions.extend(case["expr"].as_str().map(str::to_owned));
        }
        for line in text(&folder.join("intrinsics.jsonl")).lines() {
            let case: Value = serde_json::from_str(line).expect("JSON");
            self.intrinsics.extend(case[0].as_str().map(str::to_owned));
        }
    }
}

/// The folder of test data.
pub(crate) fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

/// All files below a folder, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("the folder is readable").path()).collect();
    paths.sort();
    paths
        .into_iter()
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}

fn text(file: &Path) -> String {
    let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The definitions that stand in a value, as objects or as texts.
fn collect_definitions(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if members.contains_key("StartAt") && members.contains_key("States") {
                found.insert(value.to_string());
                return;
            }
            members.values().for_each(|member| collect_definitions(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_definitions(item, found)),
        Value::String(text) if text.contains("StartAt") => {
            if let Ok(inner) = serde_json::from_str::<Value>(text) {
                collect_definitions(&inner, found);
            }
        }
        _ => {}
    }
}
