//! Error names and causes as data: `testdata/errors.jsonl`, a state in each line.
//!
//! `state` runs with `input`, its task gives `result`, and it fails as `error` and `cause` say.
//! `event` is the event before ExecutionFailed where that is not …StateEntered; `caught` says
//! whether a catcher for `States.ALL` takes the error. `UPDATE_EXPECT=1` fills in a line that has
//! no `error`, and changes no other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use asl::{MachineType, Payload, Timestamp};
use engine::{Command, Execution, Identity, Stamp, TaskId, World, project, step};
use serde_json::{Value, json};

struct TestWorld;

impl World for TestWorld {
    fn task_token(&self, task: TaskId) -> String {
        format!("token-{}", task.0)
    }

    fn activity_exists(&self, arn: &str) -> bool {
        !arn.ends_with(":missing")
    }
}

fn identity() -> Identity {
    Identity {
        arn: "arn:aws:states:us-east-1:123456789012:execution:machine:run".into(),
        name: "run".into(),
        state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:machine".into(),
        state_machine_name: "machine".into(),
        state_machine_version_arn: None,
        state_machine_alias_arn: None,
        role_arn: "arn:aws:iam::123456789012:role/role".into(),
        region: "us-east-1".into(),
        express: false,
        test_case: None,
        map_run: None,
    }
}

/// Runs a state of this name: the execution, and the types of its events.
fn run(case: &Value, state: &Value) -> (Execution, Vec<&'static str>) {
    let mut states = json!({ "A": state });
    if state.to_string().contains("\"Next\":\"Z\"") {
        states["Z"] = json!({ "Type": "Succeed" });
    }
    let definition = json!({ "StartAt": "A", "States": states }).to_string();
    let compiled = asl::compile(&definition, MachineType::Standard);
    let program = compiled.program.unwrap_or_else(|| panic!("{case}: {:?}", compiled.diagnostics));
    let mut execution = Execution::new(Arc::new(identity()));
    let stamp = Stamp { now: Timestamp(0), seed: 1, world: &TestWorld };
    let start = Command::Start { input: Payload::from_value(case["input"].clone()) };
    let mut events = step(&program, &mut execution, start, stamp).events;
    if let Some(result) = case.get("result") {
        let result = Ok(Payload::from_value(result.clone()));
        let returned = Command::ReturnTask { task: TaskId(3), result };
        events.extend(step(&program, &mut execution, returned, stamp).events);
    }
    let shown = events.iter().filter_map(|event| project(event, &program, &execution.identity));
    let types = shown.map(|event| event.event_type).collect();
    (execution, types)
}

/// The state with a catcher for everything; none for a type of state that has no catchers.
fn with_catcher(state: &Value) -> Option<Value> {
    let mut state = state.clone();
    matches!(state["Type"].as_str(), Some("Task" | "Parallel" | "Map")).then_some(())?;
    state["Catch"] = json!([{ "ErrorEquals": ["States.ALL"], "Next": "Z" }]);
    Some(state)
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/errors.jsonl")
}

/// What comes of a case, in the members of a line.
fn outcome(case: &Value) -> Value {
    let (execution, types) = run(case, &case["state"]);
    let mut outcome = json!({ "error": execution.error(), "cause": execution.cause() });
    let before = types[types.len() - 2];
    if !before.ends_with("StateEntered") {
        outcome["event"] = json!(before);
    }
    if let Some(state) = with_catcher(&case["state"]) {
        let (execution, _) = run(case, &state);
        outcome["caught"] = json!(execution.status.name() == "SUCCEEDED");
    }
    outcome
}

#[test]
fn errors_are_as_on_aws() {
    let text = std::fs::read_to_string(file()).unwrap();
    let mut lines = Vec::new();
    let updates = std::env::var_os("UPDATE_EXPECT").is_some();
    for line in text.lines() {
        let mut case: Value = serde_json::from_str(line).expect("a line is JSON");
        let outcome = outcome(&case);
        let members = case.as_object_mut().unwrap();
        if updates && !members.contains_key("error") {
            members.extend(outcome.as_object().unwrap().clone());
        } else {
            for name in ["error", "cause", "event", "caught"] {
                let (is, should) = (outcome.get(name), members.get(name));
                assert_eq!(is, should, "{name} of {line}");
            }
        }
        lines.push(format!("{case}\n"));
    }
    assert!(lines.len() > 50, "the cases are there");
    if updates {
        std::fs::write(file(), lines.concat()).unwrap();
    }
}
