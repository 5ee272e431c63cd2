//! Single states, their input, and what comes of them: `testdata/evaluations`.
//!
//! A line `STATE <- INPUT` is a state without its way on, or a machine where it has `States`;
//! what comes of it stands below, indented. `UPDATE_EXPECT=1` writes that.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use asl::{MachineType, Timestamp};
use expect_test::expect_file;
use serde_json::{Map, Value, json};

use super::{TestWorld, identity};
use crate::{Command, Effect, EventKind, Execution, Stamp, Status, step};

#[test]
fn states_do_what_is_written_below_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/evaluations");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut shown = String::new();
        for line in text.lines().filter(|line| !line.starts_with("    ")) {
            shown.push_str(line);
            shown.push('\n');
            if let Some((state, input)) = line.split_once(" <- ") {
                outcome(state, input, &mut shown);
            }
        }
        expect_file![file].assert_eq(&shown);
    }
}

/// The machine that a line describes.
fn machine(state: &str) -> String {
    let mut fields: Map<String, Value> = serde_json::from_str(state).expect(state);
    if fields.contains_key("States") {
        fields.entry("StartAt").or_insert(json!("A"));
        return Value::Object(fields).to_string();
    }
    let goes_on = ["Choice", "Succeed", "Fail"].contains(&fields["Type"].as_str().unwrap());
    if !goes_on {
        fields.insert("End".to_owned(), json!(true));
    }
    let mut states = json!({ "A": fields });
    if state.contains("\"Next\"") || state.contains("\"Default\"") {
        states["B"] = json!({"Type": "Succeed"});
    }
    json!({"StartAt": "A", "States": states}).to_string()
}

fn outcome(state: &str, input: &str, shown: &mut String) {
    let compiled = asl::compile(&machine(state), MachineType::Standard);
    for diagnostic in &compiled.diagnostics {
        writeln!(shown, "    {diagnostic}").unwrap();
    }
    let Some(program) = compiled.program else { return };
    let mut execution = Execution::new(Arc::new(identity()));
    // 2024-01-02T03:04:05.678Z
    let stamp = Stamp { now: Timestamp(1_704_164_645_678), seed: 1, world: &TestWorld };
    let input = asl::parse_json(input).unwrap_or_else(|error| panic!("{input}: {error:?}"));
    let mut command = Command::Start { input };
    loop {
        let decision = step(&program, &mut execution, command, stamp);
        for event in &decision.events {
            write_event(&event.kind, shown);
        }
        for effect in &decision.effects {
            if let Effect::RunTask(task) = effect {
                writeln!(shown, "    task {}", task.parameters.text()).unwrap();
            }
        }
        if !execution.wants_to_continue() {
            break;
        }
        command = Command::Continue;
    }
    match execution.status {
        Status::Succeeded => {
            writeln!(shown, "    = {}", execution.output().unwrap().text()).unwrap();
        }
        Status::Failed => {
            let cause = execution.cause().unwrap_or("(none)");
            let prefix =
                "An error occurred while executing the state 'A' (entered at the event id #2). ";
            let cause = match cause.strip_prefix(prefix) {
                Some(rest) => format!("… {rest}"),
                None => cause.to_owned(),
            };
            writeln!(shown, "    {}: {cause}", execution.error().unwrap_or("(none)")).unwrap();
        }
        _ => writeln!(shown, "    {}", execution.status.name()).unwrap(),
    }
}

fn write_event(event: &EventKind, shown: &mut String) {
    match event {
        EventKind::EvaluationFailed { location, .. } => {
            writeln!(shown, "    EvaluationFailed at {location:?}").unwrap();
        }
        EventKind::WaitScheduled { until, .. } => {
            writeln!(shown, "    waits {} ms", until.0 - 1_704_164_645_678).unwrap();
        }
        EventKind::TaskScheduled { timeout_seconds, heartbeat_seconds, .. } => {
            writeln!(shown, "    timeout {timeout_seconds:?}, heartbeat {heartbeat_seconds:?}")
                .unwrap();
        }
        EventKind::MapStarted { length, max_concurrency, .. } => {
            writeln!(shown, "    length {length}, concurrency {max_concurrency}").unwrap();
        }
        EventKind::MapRunStarted { settings, .. } => {
            writeln!(
                shown,
                "    Map Run: concurrency {}, tolerates {}, {:?} %, {:?}",
                settings.max_concurrency,
                settings.tolerated_failure_count,
                settings.tolerated_failure_percentage,
                settings.batching
            )
            .unwrap();
        }
        EventKind::StateExited { assigned, .. } => {
            for (name, value) in assigned {
                writeln!(shown, "    ${name} = {}", value.text()).unwrap();
            }
        }
        _ => {}
    }
}
