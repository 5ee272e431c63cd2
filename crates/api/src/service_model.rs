//! The tables of the operations, held against AWS's own service model
//! (`testdata/service_model/`): every member with its kind, bounds, pattern and values.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::constraints::{Kind, Member};
use crate::dispatch::OPERATIONS;

fn model() -> Value {
    let path = "../../testdata/service_model/stepfunctions-2016-11-23.json";
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Notes where a structure's table differs from the model's shape.
fn compare(model: &Value, members: &[Member], shape: &str, place: &str, found: &mut Vec<String>) {
    let shape = &model["shapes"][shape];
    let wanted = shape["members"].as_object().unwrap();
    let required: BTreeSet<&str> =
        shape["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let ours: BTreeSet<&str> = members.iter().map(|member| member.name).collect();
    let theirs: BTreeSet<&str> = wanted.keys().map(String::as_str).collect();
    for name in ours.symmetric_difference(&theirs) {
        found.push(format!("{place}.{name}: only in one of the two"));
    }
    for member in members.iter().filter(|member| theirs.contains(member.name)) {
        let place = format!("{place}.{}", member.name);
        if member.is_required() != required.contains(member.name) {
            found.push(format!("{place}: required in one of the two"));
        }
        let shape = wanted[member.name]["shape"].as_str().unwrap();
        compare_kind(model, &member.kind, shape, &place, found);
    }
}

fn compare_kind(model: &Value, kind: &Kind, name: &str, place: &str, found: &mut Vec<String>) {
    let shape = &model["shapes"][name];
    let ours = kind.describe();
    let theirs = describe(shape);
    if ours != theirs {
        found.push(format!("{place}: {ours} here, {theirs} in the model"));
    }
    match kind {
        Kind::Structure(members) => compare(model, members, name, place, found),
        Kind::List(list) => {
            let element = shape["member"]["shape"].as_str().unwrap();
            compare_kind(model, list.element, element, &format!("{place}[]"), found);
        }
        _ => {}
    }
}

/// A shape in the words of [`Kind::describe`].
fn describe(shape: &Value) -> String {
    let kind = match shape["type"].as_str().unwrap() {
        "integer" | "long" => "integer",
        "float" | "double" => "float",
        other => other,
    };
    let mut text = kind.to_owned();
    let bound = |name: &str| shape[name].as_i64();
    // No text and no list is shorter than nothing.
    let min = bound("min").filter(|min| *min > 0 || matches!(kind, "integer" | "float"));
    text.extend(min.map(|min| format!(" min {min}")));
    text.extend(bound("max").map(|max| format!(" max {max}")));
    if let Some(pattern) = shape["pattern"].as_str() {
        text.push_str(&format!(" pattern {pattern}"));
    }
    if let Some(values) = shape["enum"].as_array() {
        let mut values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        values.sort_unstable();
        text.push_str(&format!(" of {}", values.join(" ")));
    }
    if shape["sensitive"] == true && kind == "string" {
        text.push_str(" sensitive");
    }
    text
}

#[test]
fn every_member_is_as_in_aws_model() {
    let model = model();
    let operations = model["operations"].as_object().unwrap();
    let names: Vec<&str> = OPERATIONS.iter().map(|operation| operation.name).collect();
    assert_eq!(names, operations.keys().map(String::as_str).collect::<Vec<_>>());
    let mut found = Vec::new();
    for operation in OPERATIONS.iter().filter(|operation| operation.run.is_some()) {
        let input = operations[operation.name]["input"]["shape"].as_str().unwrap();
        compare(&model, operation.request, input, operation.name, &mut found);
    }
    assert_eq!(found, Vec::<String>::new(), "{}", found.join("\n"));
}
