//! Golden histories as data: a folder in `testdata/histories` for each case.
//!
//! `definition.json` is the machine; `script.jsonl` is what the outside does and when, a line
//! each; `history.txt` is what AWS's API would show. `UPDATE_EXPECT=1` rewrites the last.
//! A case runs in both query languages, with one history: in JSONata by `definition_jsonata.json`,
//! or by the same definition. Where AWS's histories differ there is a `history_jsonata.txt`.
//! After every command the events, written and read back, are folded anew: the result must
//! equal the live execution.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use asl::{MachineType, Payload, Program, Timestamp};
use engine::{
    ChildEnd, Command, Detail, Effect, Event, EventKind, Execution, Identity, MapRunId,
    MapRunUpdate, Stamp, Status, TaskFailure, TaskId, World, decode_turn, encode_turn, project,
    step,
};
use expect_test::expect_file;
use serde_json::{Value, json};

struct TestWorld {
    missing_activities: Vec<String>,
}

impl World for TestWorld {
    fn task_token(&self, task: TaskId) -> String {
        format!("token-{}", task.0)
    }

    fn activity_exists(&self, arn: &str) -> bool {
        !self.missing_activities.iter().any(|missing| missing == arn)
    }
}

fn identity(express: bool) -> Identity {
    Identity {
        arn: "arn:aws:states:us-east-1:123456789012:execution:machine:run".into(),
        name: "run".into(),
        state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:machine".into(),
        state_machine_name: "machine".into(),
        state_machine_version_arn: None,
        state_machine_alias_arn: None,
        role_arn: "arn:aws:iam::123456789012:role/role".into(),
        region: "us-east-1".into(),
        express,
        test_case: None,
        map_run: None,
    }
}

/// Runs the script of a case and gives the history, with the effects beside the commands.
fn run(program: &Program, script: &str) -> String {
    let identity = Arc::new(identity(false));
    let mut execution = Execution::new(identity.clone());
    let mut world = TestWorld { missing_activities: Vec::new() };
    let mut journal: Vec<Vec<u8>> = Vec::new();
    let mut text = String::new();
    for line in script.lines().filter(|line| !line.trim().is_empty()) {
        let line: Value = serde_json::from_str(line).expect("a script line is JSON");
        if let Some(missing) = line.get("missing_activity") {
            world.missing_activities.push(missing.as_str().unwrap().into());
            continue;
        }
        let at = line["at"].as_i64().unwrap();
        let command = command(&line, &execution);
        let stamp = Stamp { now: Timestamp(at), seed: 7, world: &world };
        let decision = step(program, &mut execution, command, stamp);
        writeln!(text, "# {line}").unwrap();
        for event in &decision.events {
            write_event(&mut text, event, program, &identity);
        }
        for effect in &decision.effects {
            write_effect(&mut text, effect);
        }
        if let Some(refused) = decision.refused {
            writeln!(text, "    refused: {refused:?}").unwrap();
        }
        if !decision.events.is_empty() {
            journal.push(encode_turn(&decision.events));
        }
        let mut folded = Execution::new(identity.clone());
        for turn in &journal {
            for event in decode_turn(turn).expect("what was written can be read") {
                folded.apply(&event);
            }
        }
        assert_eq!(folded, execution, "folding the events gives the live execution");
    }
    writeln!(text, "= {}, {} transitions", execution.status.name(), execution.transitions())
        .unwrap();
    if let Some(wake) = execution.next_wake() {
        writeln!(text, "= wakes at {}", wake.0).unwrap();
    }
    text
}

fn command(line: &Value, execution: &Execution) -> Command {
    let payload = |value: &Value| Payload::from_value(value.clone());
    let text = |value: &Value| value.as_str().map(Box::from);
    let failure =
        |value: &Value| TaskFailure { error: text(&value["error"]), cause: text(&value["cause"]) };
    let task = |value: &Value| TaskId(u32::try_from(value["task"].as_u64().unwrap()).unwrap());
    let (name, value) = line
        .as_object()
        .unwrap()
        .iter()
        .find(|(name, _)| *name != "at")
        .expect("a script line has a command");
    match name.as_str() {
        "start" => Command::Start { input: payload(value) },
        "continue" => {
            assert!(execution.wants_to_continue());
            Command::Continue
        }
        "wake" => Command::WakeUp,
        "submit" => Command::SubmitTask { task: task(value), output: payload(&value["output"]) },
        "return" => {
            Command::ReturnTask { task: task(value), result: Ok(payload(&value["output"])) }
        }
        "return_failure" => Command::ReturnTask { task: task(value), result: Err(failure(value)) },
        "take" => Command::StartActivity { task: task(value), worker_name: text(&value["worker"]) },
        "succeed" => Command::SucceedTask { task: task(value), output: payload(&value["output"]) },
        "fail" => Command::FailTask { task: task(value), failure: failure(value) },
        "heartbeat" => Command::Heartbeat { task: task(value) },
        "redrive" => Command::Redrive { client_token: text(&value["token"]) },
        "child" | "keep_child" => {
            let status = match value["status"].as_str() {
                None => Status::Succeeded,
                Some("FAILED") => Status::Failed,
                Some("TIMED_OUT") => Status::TimedOut,
                Some("ABORTED") => Status::Aborted,
                other => panic!("unknown status {other:?}"),
            };
            let number = |name: &str| u32::try_from(value[name].as_u64().unwrap()).unwrap();
            let end = ChildEnd {
                status,
                start_date: Timestamp(0),
                stop_date: Timestamp(1_500),
                input: payload(&json!("in")),
                output: value.get("output").map(payload),
                error: text(&value["error"]),
                cause: text(&value["cause"]),
                redrive_count: 0,
                redrive_date: None,
            };
            let (map_run, index) = (MapRunId(number("run")), number("index"));
            match name.as_str() {
                "child" => Command::EndChild { map_run, index, end: Box::new(end) },
                _ => Command::KeepChild { map_run, index, end: Box::new(end) },
            }
        }
        "restart_child" => Command::RestartChild {
            map_run: MapRunId(u32::try_from(value["run"].as_u64().unwrap()).unwrap()),
            index: u32::try_from(value["index"].as_u64().unwrap()).unwrap(),
            items: None,
        },
        "update_map_run" => Command::UpdateMapRun {
            map_run: MapRunId(u32::try_from(value["run"].as_u64().unwrap()).unwrap()),
            update: MapRunUpdate {
                max_concurrency: value["concurrency"].as_u64().map(|most| most as u32),
                tolerated_failure_count: value["count"].as_u64(),
                tolerated_failure_percentage: value["percentage"].as_f64(),
            },
        },
        "stop" => Command::Stop { error: text(&value["error"]), cause: text(&value["cause"]) },
        other => panic!("unknown command {other}"),
    }
}

fn write_event(text: &mut String, event: &Event, program: &Program, identity: &Identity) {
    let Some(shown) = project(event, program, identity) else {
        assert_eq!(event.id, 0);
        let name = format!("{:?}", event.kind);
        let name = name.split(' ').next().unwrap_or_default();
        let until = match &event.kind {
            EventKind::WaitScheduled { until, .. } | EventKind::RetryScheduled { until, .. } => {
                format!(" until={}", until.0)
            }
            _ => String::new(),
        };
        writeln!(text, "       - {name}{until}").unwrap();
        return;
    };
    write!(
        text,
        "{:>4} < {:<3} {} {}",
        shown.id, shown.previous_event_id, shown.timestamp.0, shown.event_type
    )
    .unwrap();
    if let Some((key, members)) = shown.details {
        assert!(key.ends_with("EventDetails"));
        for (name, detail) in members {
            let value = match detail {
                Detail::Text(text) => format!("{text:?}"),
                Detail::Number(number) => number.to_string(),
                Detail::Data(payload) | Detail::Parameters(payload) => payload.text().to_owned(),
                Detail::Variables(variables) => format!("{variables:?}"),
                Detail::RoleArn(arn) => arn.into(),
            };
            if name != "roleArn" {
                write!(text, " {name}={value}").unwrap();
            }
        }
    }
    text.push('\n');
}

fn write_effect(text: &mut String, effect: &Effect) {
    match effect {
        Effect::RunTask(dispatch) => writeln!(
            text,
            "    > run {} {} {} token={:?} deadline={:?}",
            dispatch.task.0,
            dispatch.state_name,
            dispatch.parameters.text(),
            dispatch.task_token,
            dispatch.deadline.map(|deadline| deadline.0),
        ),
        Effect::OfferActivity(offer) => {
            writeln!(text, "    > offer {} {}", offer.task.0, offer.input.text())
        }
        Effect::CancelTask { task } => writeln!(text, "    > cancel {}", task.0),
        Effect::CancelJob(dispatch) => writeln!(
            text,
            "    > cancel job {} submitted={}",
            dispatch.task.0,
            dispatch.submitted.as_ref().map_or("-", |output| output.text()),
        ),
        Effect::ReleaseJob { task } => writeln!(text, "    > release job {}", task.0),
        Effect::ReadItems { map_run } => writeln!(text, "    > read items of {}", map_run.0),
        Effect::WriteResults { map_run } => {
            writeln!(text, "    > write results of {}", map_run.0)
        }
        Effect::StartChild(start) => writeln!(
            text,
            "    > start child {} of {} ({} items){} {}",
            start.index,
            start.map_run.0,
            start.items,
            match start.attempt {
                0 => String::new(),
                attempt => format!(" redrive={attempt}"),
            },
            start.input.as_ref().map_or("?", |input| input.text()),
        ),
        Effect::StopChildren { map_run, children } => {
            let indexes: Vec<u32> = children.iter().map(|(index, _)| *index).collect();
            writeln!(text, "    > stop children {indexes:?} of {}", map_run.0)
        }
    }
    .unwrap();
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/histories")
}

#[test]
fn histories_are_as_on_aws() {
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 20, "the cases are there");
    let mut in_both = 0;
    for case in cases {
        let read = |name: &str| std::fs::read_to_string(case.join(name)).unwrap();
        let compiled = asl::compile(&read("definition.json"), MachineType::Standard);
        let program = compiled
            .program
            .unwrap_or_else(|| panic!("{}: {:?}", case.display(), compiled.diagnostics));
        let history = run(&program, &read("script.jsonl"));
        expect_file![case.join("history.txt")].assert_eq(&history);
        if let Some(program) = in_jsonata(&case) {
            let history = run(&program, &read("script.jsonl"));
            let own = case.join("history_jsonata.txt");
            let expected = if own.exists() { own } else { case.join("history.txt") };
            expect_file![expected].assert_eq(&history);
            in_both += 1;
        }
    }
    assert!(in_both > 50, "{in_both} cases run in both query languages");
}

/// The case in JSONata: `definition_jsonata.json`, or the definition itself where it has no field
/// that only JSONPath knows. None for a case of one language.
fn in_jsonata(case: &Path) -> Option<Program> {
    let read = |name: &str| std::fs::read_to_string(case.join(name));
    if let Ok(definition) = read("definition_jsonata.json") {
        let compiled = asl::compile(&definition, MachineType::Standard);
        let program = compiled.program;
        return Some(program.unwrap_or_else(|| panic!("{case:?}: {:?}", compiled.diagnostics)));
    }
    let definition = read("definition.json").unwrap();
    let mut definition: Value = serde_json::from_str(&definition).unwrap();
    // JSONata takes such a field for a name like any other.
    let has_template = definition.to_string().contains(".$\":");
    (!has_template).then_some(())?;
    definition.get("QueryLanguage").is_none().then_some(())?;
    definition["QueryLanguage"] = json!("JSONata");
    asl::compile(&definition.to_string(), MachineType::Standard).program
}

#[test]
fn a_full_history_ends_the_execution() {
    let definition = r#"{"StartAt":"A","States":{
        "A":{"Type":"Pass","Next":"B"},
        "B":{"Type":"Choice","Choices":[{"Variable":"$","IsPresent":true,"Next":"A"}]}
    ,"C":{"Type":"Succeed"}}}"#
        .replace("\"IsPresent\":true,\"Next\":\"A\"", "\"IsPresent\":false,\"Next\":\"C\"")
        .replace("}]}\n", "}],\"Default\":\"A\"}\n");
    let program = asl::compile(&definition, MachineType::Standard).program.expect("it compiles");
    let world = TestWorld { missing_activities: Vec::new() };
    let stamp = Stamp { now: Timestamp(0), seed: 1, world: &world };
    let mut execution = Execution::new(Arc::new(identity(false)));
    let start = Command::Start { input: Payload::from_valid_text("{}") };
    let mut last = step(&program, &mut execution, start, stamp).events;
    let mut turns = 1;
    while execution.wants_to_continue() {
        last = step(&program, &mut execution, Command::Continue, stamp).events;
        turns += 1;
    }
    assert!(turns > 20, "a turn passes a bounded number of states");
    let event = last.last().expect("the last turn has an event");
    assert_eq!(event.id, 25_000);
    let shown = project(event, &program, &execution.identity).expect("the end is shown");
    assert_eq!(shown.event_type, "ExecutionFailed");
    let expected = "The execution reached the maximum number of history events (25000).";
    assert_eq!(execution.cause(), Some(expected));
    assert_eq!(execution.error(), Some("States.Runtime"));
}

#[test]
fn a_loop_cannot_nest_its_payload_without_end() {
    let definition = r#"{"StartAt":"A","States":{
        "A":{"Type":"Pass","Parameters":{"a.$":"$"},"Next":"B"},
        "B":{"Type":"Choice","Choices":[{"Variable":"$.stop","IsPresent":true,"Next":"C"}],"Default":"A"},
        "C":{"Type":"Succeed"}}}"#;
    let program = asl::compile(definition, MachineType::Standard).program.expect("it compiles");
    let world = TestWorld { missing_activities: Vec::new() };
    let stamp = Stamp { now: Timestamp(0), seed: 1, world: &world };
    let mut execution = Execution::new(Arc::new(identity(false)));
    let start = Command::Start { input: Payload::from_valid_text("{}") };
    let events = step(&program, &mut execution, start, stamp).events;
    assert_eq!(execution.error(), Some("States.DataLimitExceeded"));
    for event in decode_turn(&encode_turn(&events)).expect("it was just written") {
        if let engine::EventKind::StateExited { output, .. } = event.kind {
            assert!(output.value().is_object(), "what was written reads back");
        }
    }
}
