//! The machines to be explored: a definition, and what each distributed Map in it runs.
//!
//! A distributed Map runs executions of their own. Where it stands, a task stands for the Map
//! Run; its processor is explored as a machine.

use serde_json::{Map, Value, json};

/// A machine of its own.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// The names of the distributed Maps around it, the outermost first.
    pub(crate) inside: Vec<String>,
    pub(crate) definition: Value,
    /// The states that stand for a Map Run.
    pub(crate) map_runs: Vec<String>,
    pub(crate) is_express: bool,
}

/// The task that stands for a Map Run.
const MAP_RUN: &str = "arn:aws:lambda:us-east-1:123456789012:function:map-run";
/// The fields of a Map that such a task has too.
const KEPT: &[&str] = &[
    "Assign",
    "Catch",
    "Comment",
    "End",
    "InputPath",
    "Next",
    "Output",
    "OutputPath",
    "QueryLanguage",
    "ResultPath",
    "ResultSelector",
    "Retry",
];

/// The machines of a definition, itself first.
pub(crate) fn split(definition: Value, is_express: bool) -> Vec<Machine> {
    let mut machines =
        vec![Machine { inside: Vec::new(), definition, map_runs: Vec::new(), is_express }];
    let mut at = 0;
    while at < machines.len() {
        let mut machine = machines[at].clone();
        let language = machine.definition.get("QueryLanguage").cloned();
        let mut children = Vec::new();
        let mut definition = std::mem::take(&mut machine.definition);
        replace(&mut definition, &mut machine.map_runs, &mut |name, mut processor| {
            let is_express = processor["ProcessorConfig"]["ExecutionType"] == "EXPRESS";
            if let Value::Object(members) = &mut processor {
                members.remove("ProcessorConfig");
                members.extend(language.iter().map(|word| ("QueryLanguage".into(), word.clone())));
            }
            let inside = machine.inside.iter().cloned().chain([name.to_owned()]).collect();
            children.push(Machine {
                inside,
                definition: processor,
                map_runs: Vec::new(),
                is_express,
            });
        });
        machine.definition = definition;
        machines[at] = machine;
        machines.extend(children);
        at += 1;
    }
    machines
}

/// Puts tasks in place of the distributed Maps of a scope and of those in it.
fn replace(scope: &mut Value, map_runs: &mut Vec<String>, found: &mut dyn FnMut(&str, Value)) {
    let Some(states) = scope.get_mut("States").and_then(Value::as_object_mut) else { return };
    for (name, state) in states.iter_mut() {
        let processor = match state.get("ItemProcessor").is_some() {
            true => "ItemProcessor",
            false => "Iterator",
        };
        if state.pointer(&format!("/{processor}/ProcessorConfig/Mode"))
            == Some(&json!("DISTRIBUTED"))
        {
            found(name, state[processor].take());
            map_runs.push(name.clone());
            *state = stand_in(state);
        } else if let Some(processor) = state.get_mut(processor) {
            replace(processor, map_runs, found);
        }
        for branch in state.get_mut("Branches").and_then(Value::as_array_mut).into_iter().flatten()
        {
            replace(branch, map_runs, found);
        }
    }
}

fn stand_in(state: &Value) -> Value {
    let mut task = Map::new();
    task.insert("Type".into(), json!("Task"));
    task.insert("Resource".into(), json!(MAP_RUN));
    for (key, value) in state.as_object().into_iter().flatten() {
        if KEPT.contains(&key.as_str()) {
            task.insert(key.clone(), value.clone());
        }
    }
    Value::Object(task)
}
