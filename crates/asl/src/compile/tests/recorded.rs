//! Definitions of others: those published, and those that AWS was given while it was recorded.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use serde_json::Value;

use super::diagnose;
use crate::{MachineType, compile, describe_diagnostics};

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

/// The JSON files in a folder, at any depth, sorted.
fn json_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(json_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn the_corpus_is_accepted() {
    let files = json_files(&testdata("corpus"));
    assert_eq!(files.len(), 70);
    let mut refused = String::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let compiled = compile(&text, MachineType::Standard);
        if compiled.program.is_some() {
            continue;
        }
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let _ = writeln!(refused, "{name}");
        for error in compiled.diagnostics.iter().filter(|found| found.is_error()) {
            let _ = writeln!(refused, "    {error}");
        }
        // The only reason to refuse a published definition is a placeholder in it.
        assert!(text.contains("${") || text.contains("TASKNAME"), "{name}");
    }
    expect_file![testdata("corpus/refused.txt")].assert_eq(&refused);
}

/// What AWS's answers say about the definitions of a case.
#[derive(Debug, Default, PartialEq)]
struct Answer {
    /// The text inside `Invalid State Machine Definition: '…'`, where it was refused.
    refusal: Option<String>,
    /// The diagnostics of ValidateStateMachineDefinition.
    diagnostics: Option<Value>,
}

/// The recorded answer to a step: an error's text, or an answer with diagnostics.
fn answer(case: &Value, step: &Value) -> Answer {
    let resolve = |member: &str| {
        let pointer = step[member]["$ref"].as_str()?.strip_prefix('#')?;
        case.pointer(pointer)
    };
    let text = resolve("error").and_then(|error| {
        let text = error.pointer("/Error/Message").or(error.get("exception_value"));
        let text = text.unwrap_or(error);
        let text = text.as_str()?.split_once("Invalid State Machine Definition: '")?.1;
        Some(text.strip_suffix('\'')?.replace("<partition>", "aws"))
    });
    let diagnostics = resolve("response").and_then(|response| response.get("diagnostics"));
    Answer { refusal: text, diagnostics: diagnostics.cloned() }
}

/// Ours in the form of the API.
fn as_answered(definition: &str, machine_type: MachineType) -> Value {
    let compiled = compile(definition, machine_type);
    let diagnostics = compiled.diagnostics.iter().filter(|found| found.is_error());
    let shown = diagnostics.map(|found| {
        let mut shown = serde_json::json!({"code": found.code});
        if let Some(location) = &found.location {
            shown["location"] = location.as_str().into();
        }
        shown["message"] = found.message.as_str().into();
        shown["severity"] = "ERROR".into();
        shown
    });
    shown.collect()
}

#[test]
fn aws_accepted_and_refused_the_same() {
    let mut count = BTreeMap::new();
    for file in json_files(&testdata("conformance/executions")) {
        let case: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        for step in case["steps"].as_array().into_iter().flatten() {
            let operation = step["operation"].as_str().unwrap();
            let request = &step["request"];
            let Some(definition) = request["definition"].as_str() else { continue };
            // TestState takes one state as well.
            if operation == "TestState" && request["stateName"].is_null() {
                continue;
            }
            let machine_type = match request["type"].as_str() {
                Some("EXPRESS") => MachineType::Express,
                _ => MachineType::Standard,
            };
            let answer = answer(&case, step);
            if let Some(diagnostics) = answer.diagnostics {
                let ours = as_answered(definition, machine_type);
                assert_eq!(ours, diagnostics, "{}", file.display());
            } else if let Some(refusal) = answer.refusal {
                let compiled = compile(definition, machine_type);
                let ours = describe_diagnostics(&compiled.diagnostics);
                assert_eq!(ours, refusal, "{}", file.display());
                *count.entry("refused").or_insert(0) += 1;
            } else {
                let accepted = compile(definition, machine_type).program.is_some();
                let ours = diagnose(definition, machine_type);
                assert!(accepted, "{} {operation}\n{definition}\n{ours}", file.display());
                *count.entry("accepted").or_insert(0) += 1;
            }
        }
    }
    assert!(count["accepted"] > 900 && count["refused"] > 5, "{count:?}");
}
