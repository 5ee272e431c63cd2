//! Calls and answers as text files in `testdata/wire`, one per theme. A file holds calls
//! (`> Operation` and a body) and the answers; `UPDATE_EXPECT=1` writes the answers anew.
//!
//! What differs from run to run is shown by a name: `{{time}}`, `{{uuid-1}}`, `{{nextToken-1}}`,
//! `{{taskToken-1}}`. Requests may use the names of earlier answers. `! wait ARN` waits for the
//! end of an execution.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use expect_test::expect_file;
use serde_json::Value;

use crate::server::Server;

async fn check(name: &str) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../testdata/wire", &format!("{name}.txt")]
        .iter()
        .collect();
    let text = std::fs::read_to_string(&path).unwrap();
    let server = Server::start().await;
    let mut connection = server.connect().await;
    let mut names = Names::default();
    let mut transcript = String::new();
    for step in steps(&text) {
        match step {
            Step::Comment(line) => writeln!(transcript, "{line}").unwrap(),
            Step::Wait(arn) => {
                writeln!(transcript, "! wait {arn}\n").unwrap();
                server.runtime.wait_for_end(&names.fill_in(&arn)).await.unwrap();
            }
            Step::Call(operation, body) => {
                let response = connection.call(&operation, names.fill_in(&body).as_bytes()).await;
                assert_eq!(response.header("content-type"), Some("application/x-amz-json-1.0"));
                assert_eq!(response.header("x-amzn-requestid").map(str::len), Some(36));
                let mut answer = response.json();
                names.replace(&mut answer, "");
                let answer = serde_json::to_string_pretty(&answer).unwrap();
                write!(transcript, "> {operation}\n{body}").unwrap();
                writeln!(transcript, "< {}\n{answer}\n", response.status).unwrap();
            }
        }
    }
    server.stop().await;
    expect_file![path].assert_eq(&transcript);
}

enum Step {
    /// A line that begins with `#`, or is one of those empty ones that follow it.
    Comment(String),
    Wait(String),
    /// Its body ends with a line break.
    Call(String, String),
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with('#') {
            steps.push(Step::Comment(line.to_owned()));
        } else if let Some(arn) = line.strip_prefix("! wait ") {
            steps.push(Step::Wait(arn.to_owned()));
        } else if let Some(operation) = line.strip_prefix("> ") {
            let mut body = String::new();
            let ends = |line: &&str| line.is_empty() || line.starts_with(['<', '>', '#', '!']);
            while let Some(line) = lines.next_if(|line| !ends(line)) {
                body.push_str(line);
                body.push('\n');
            }
            steps.push(Step::Call(operation.to_owned(), body));
        }
    }
    steps
}

/// The names of what differs from run to run.
#[derive(Default)]
struct Names {
    name_of: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, usize>,
}

impl Names {
    fn fill_in(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (value, name) in &self.name_of {
            text = text.replace(name, value);
        }
        text
    }

    fn name(&mut self, kind: &'static str, value: &str) -> String {
        if let Some(name) = self.name_of.get(value) {
            return name.clone();
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let name = format!("{{{{{kind}-{count}}}}}");
        self.name_of.insert(value.to_owned(), name.clone());
        name
    }

    fn replace(&mut self, value: &mut Value, key: &str) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    self.replace(value, key);
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.replace(value, key)),
            Value::Number(number) if key.ends_with("Date") || key == "timestamp" => {
                let seconds = number.as_f64().unwrap();
                assert!(seconds > 1.7e9 && seconds < 1e11, "{seconds} is not about now");
                *value = Value::from("{{time}}");
            }
            Value::String(text) => match key {
                "nextToken" => *text = self.name("nextToken", text),
                "taskToken" => *text = self.name("taskToken", text),
                _ => self.replace_uuids(text),
            },
            _ => {}
        }
    }

    fn replace_uuids(&mut self, text: &mut String) {
        let mut start = 0;
        while let Some(candidate) = text.get(start..start + 36) {
            let is_uuid = candidate.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            });
            if is_uuid {
                let name = self.name("uuid", candidate);
                text.replace_range(start..start + 36, &name);
            }
            start += 1;
            while start < text.len() && !text.is_char_boundary(start) {
                start += 1;
            }
        }
    }
}

/// Errors of AWS's model that no transcript shows, and why. An operation of `*` is every one.
const NOT_SHOWN: &[(&str, &str, &str)] = &[
    ("*", "KmsAccessDeniedException", "no key is used"),
    ("*", "KmsInvalidStateException", "no key is used"),
    ("*", "KmsThrottlingException", "no key is used"),
    ("*", "ActivityLimitExceeded", "a quota: runtime/tests/runtime/quotas.rs"),
    ("*", "ActivityWorkerLimitExceeded", "a quota: runtime/tests/runtime/quotas.rs"),
    ("*", "ExecutionLimitExceeded", "a quota: runtime/tests/runtime/quotas.rs"),
    ("*", "ServiceQuotaExceededException", "a quota: runtime/tests/runtime/versions.rs"),
    ("*", "StateMachineLimitExceeded", "a quota: runtime/tests/runtime/quotas.rs"),
    ("*", "InvalidTracingConfiguration", "both configurations that the model has are valid"),
    ("*", "TaskDoesNotExist", "recorded on AWS: TaskTimedOut, also where the execution is over"),
    ("CreateStateMachine", "ConflictException", "only between requests at the same moment"),
    ("CreateStateMachine", "StateMachineTypeNotSupported", "both types are supported everywhere"),
    ("CreateStateMachineAlias", "InvalidName", "the model's pattern refuses the same names"),
    ("DeleteStateMachineAlias", "ConflictException", "only between requests at the same moment"),
    ("DeleteStateMachineAlias", "ResourceNotFound", "recorded on AWS: deleting is idempotent"),
    ("ListStateMachineAliases", "ResourceNotFound", "StateMachineDoesNotExist says the same"),
    ("UpdateStateMachine", "ConflictException", "only between requests at the same moment"),
    ("UpdateStateMachineAlias", "ConflictException", "only between requests at the same moment"),
];

/// What each operation answers in the transcripts: `OK`, and the types of errors.
fn shown() -> BTreeMap<String, BTreeSet<String>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/wire");
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let mut operation = String::new();
        for line in text.lines() {
            let trimmed = line.trim();
            let answer = if let Some(name) = line.strip_prefix("> ") {
                name.clone_into(&mut operation);
                continue;
            } else if line == "< 200" {
                "OK"
            } else if let Some(name) = trimmed.strip_prefix("\"__type\": \"") {
                name.trim_end_matches("\",").rsplit('#').next().unwrap()
            } else {
                continue;
            };
            shown.entry(operation.clone()).or_default().insert(answer.to_owned());
        }
    }
    shown
}

#[test]
fn every_operation_answers_and_refuses_in_some_transcript() {
    let model = "../../testdata/service_model/stepfunctions-2016-11-23.json";
    let model = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(model);
    let model: Value = serde_json::from_slice(&std::fs::read(model).unwrap()).unwrap();
    let shown = shown();
    let mut excuses: BTreeSet<usize> = (0..NOT_SHOWN.len()).collect();
    let mut missing = Vec::new();
    for (operation, described) in model["operations"].as_object().unwrap() {
        let errors = described["errors"].as_array().into_iter().flatten();
        let errors = errors.map(|error| error["shape"].as_str().unwrap());
        let known = shown.get(operation);
        for answer in ["OK"].into_iter().chain(errors) {
            let excuse = NOT_SHOWN
                .iter()
                .position(|(of, error, _)| (*of == "*" || of == operation) && *error == answer);
            match (known.is_some_and(|known| known.contains(answer)), excuse) {
                (true, None) => {}
                (false, Some(excuse)) => {
                    excuses.remove(&excuse);
                }
                (true, Some(_)) => missing.push(format!("{operation} {answer} is shown after all")),
                (false, None) => missing.push(format!("{operation} {answer} is not shown")),
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    assert!(excuses.is_empty(), "excuses for nothing: {excuses:?}");
}

macro_rules! transcripts {
    ($($name:ident)*) => {
        $(#[tokio::test]
        async fn $name() {
            check(stringify!($name)).await;
        })*
    };
}

transcripts! {
    activities
    aliases
    definitions
    executions
    express
    histories
    map_runs
    missing_operations
    pages
    redrives
    refusals
    state_machines
    tags
    test_state
    versions
}
