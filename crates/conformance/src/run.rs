//! Plays one case: its calls in order, over HTTP, against a server of its own.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use crate::bindings::Bindings;
use crate::case::{Case, Expect, Step};
use crate::client::{Answer, Api};
use crate::normalise::Rules;
use crate::select::Path;
use crate::server::Server;
use crate::{difference, maps, services};

/// How long a case may take. The longest waits about ten seconds on AWS.
const CASE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a poll waits between calls that are no wait for an execution's end.
const POLL: Duration = Duration::from_millis(5);

/// What was recorded, and what is answered here, both in the form of the recordings.
#[derive(Debug)]
pub struct Comparison {
    pub recorded: Value,
    pub actual: Value,
    /// What went wrong beside the answers, such as calls that nobody expected.
    pub remarks: Vec<String>,
}

impl Comparison {
    /// The places where the two differ; none: the case passes.
    pub fn differences(&self) -> Vec<String> {
        let mut differences = difference::all(&self.recorded, &self.actual, 12);
        if !differences.is_empty() {
            differences.extend(self.remarks.iter().cloned());
        }
        differences
    }
}

/// Plays a case.
///
/// # Errors
/// A call that had to succeed did not, a wait took too long, or the server could not be reached.
pub async fn play(case: &Case) -> Result<Comparison> {
    let played = tokio::time::timeout(CASE_TIMEOUT, play_to_end(case)).await;
    played.with_context(|| format!("took longer than {} seconds", CASE_TIMEOUT.as_secs()))?
}

async fn play_to_end(case: &Case) -> Result<Comparison> {
    let bindings = Arc::new(Bindings::default());
    let script = Arc::new(services::Script::new(case, bindings.clone()));
    let server = Server::start(script.clone()).await?;
    let api = Api::new(server.address());
    let mut run = Run { case, api, server: &server, bindings: &bindings, answers: json!({}) };
    let mut outcome = Ok(());
    for (index, step) in case.steps.iter().enumerate() {
        outcome = run.step(step).await.with_context(|| format!("step {index}, {}", step.operation));
        if outcome.is_err() {
            break;
        }
    }
    if outcome.is_ok() && case.derived.iter().any(|derived| derived == STATUS_EVENTS) {
        run.answers[STATUS_EVENTS] = server.status_events().await?.into();
    }
    let answers = run.answers;
    server.stop().await;
    let remarks = script.surprises();
    outcome.with_context(|| remarks.join("; "))?;

    let mut answers = answers;
    leave_out_newer(case, &mut answers)?;
    if case.validated_on.as_deref().is_some_and(|day| day < MAP_EXIT_CHANGED) {
        point_at_map_run_succeeded(&mut answers);
    }
    if maps::is_old(case) {
        point_at_map_run_succeeded(&mut answers);
        maps::compact_entered_inputs(&mut answers);
    }
    each_text(&mut answers, &mut |text| maps::spell_listings(case, text));
    let rules = Rules::new(&case.placeholders, &crate::shared_rules()?, &case.noise)?;
    let mut recorded = case.recorded.clone();
    rules.remove_noise(&mut recorded);
    if let Value::Object(members) = &mut recorded {
        // What the recording's test made from several answers, or in its own process, is
        // compared where it can be made again.
        members.retain(|key, _| answers.get(key).is_some() || !case.derived.contains(key));
    }
    Ok(Comparison { recorded, actual: rules.normalise(&answers, &bindings)?, remarks })
}

/// Members that AWS has added, and the day from which on recordings show them.
const ADDED: &[(&str, &str)] = &[
    ("$..encryptionConfiguration", "2024-07-25"),
    ("$..Execution.RedriveCount", "2023-11-15"),
    ("$..redriveCount", "2023-11-15"),
];

/// From this day on recordings show MapStateExited of a distributed Map pointing at MapRunStarted;
/// before, it pointed at MapRunSucceeded.
const MAP_EXIT_CHANGED: &str = "2024-11-01";

/// Lets a distributed Map's MapStateExited point where it did before.
fn point_at_map_run_succeeded(answers: &mut Value) {
    let Value::Object(answers) = answers else { return };
    for answer in answers.values_mut() {
        let Some(events) = answer.get_mut("events").and_then(Value::as_array_mut) else { continue };
        let ids_of = |kind: &str| -> Vec<u64> {
            let of_kind = events.iter().filter(|event| event["type"] == kind);
            of_kind.filter_map(|event| event["id"].as_u64()).collect()
        };
        let (started, succeeded) = (ids_of("MapRunStarted"), ids_of("MapRunSucceeded"));
        for event in events.iter_mut().filter(|event| event["type"] == "MapStateExited") {
            let previous = event["previousEventId"].as_u64().unwrap_or_default();
            if started.contains(&previous) && succeeded.contains(&(previous + 1)) {
                event["previousEventId"] = json!(previous + 1);
            }
        }
    }
}

/// Removes what AWS added after the recording was made.
fn leave_out_newer(case: &Case, answers: &mut Value) -> Result<()> {
    let Some(recorded_on) = &case.validated_on else { return Ok(()) };
    for (path, _) in ADDED.iter().filter(|(_, added)| recorded_on.as_str() < *added) {
        let path = Path::parse(path)?;
        path.remove(answers);
        // Payloads are texts still.
        each_text(answers, &mut |text| {
            if let Ok(mut payload @ Value::Object(_)) = serde_json::from_str(text) {
                let before = payload.clone();
                path.remove(&mut payload);
                if payload != before {
                    *text = payload.to_string();
                }
            }
        });
    }
    Ok(())
}

fn each_text(value: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, visit)),
        Value::Object(members) => members.values_mut().for_each(|member| each_text(member, visit)),
        _ => {}
    }
}

struct Run<'a> {
    case: &'a Case,
    api: Api,
    server: &'a Server,
    bindings: &'a Bindings,
    /// Key in `recorded` -> what is answered here.
    answers: Value,
}

impl Run<'_> {
    async fn step(&mut self, step: &Step) -> Result<()> {
        let mut request = self.bindings.fill_value(&step.request)?;
        // Some names are seen first in what a task sends.
        while request.to_string().contains("{{task-token")
            || step.wait_for.is_some() && request.to_string().contains("{{")
        {
            tokio::time::sleep(POLL).await;
            request = self.bindings.fill_value(&step.request)?;
        }
        let answer = match step.wait_for.as_deref() {
            None => self.api.call(&step.operation, &request).await?,
            Some(what) => self.wait(what, step, &request).await?,
        };
        for (pointer, template) in &step.bind {
            let actual = answer.body.pointer(pointer).and_then(Value::as_str);
            // The recording may not have what was to be looked at either.
            if actual.is_none() && self.case.recorded[HISTORY].pointer(pointer).is_none() {
                continue;
            }
            if !actual.is_some_and(|actual| self.bindings.bind(template, actual)) {
                bail!("{pointer} is to match {template}, and the answer is {}", answer.body);
            }
        }
        self.derive(step, &request, &answer);
        self.derive_end_event(step, &answer).await;
        match &step.expect {
            Expect::Success if answer.is_success() => {}
            Expect::Success => bail!("{}: {}", answer.code(), answer.message()),
            Expect::Response(place) | Expect::Error(place) => {
                let recorded = self.case.recorded.pointer(place);
                let actual = if answer.is_success() {
                    answer.as_response()
                } else {
                    answer.as_error(&step.operation, recorded)
                };
                self.put(place, actual)?;
                if let Some(above) = place.strip_suffix("/exception_value") {
                    self.put(&format!("{above}/exception_typename"), answer.code().into())?;
                }
            }
            Expect::Parts(parts) => {
                for (from, to) in parts {
                    let part = answer.body.pointer(from).cloned().unwrap_or(Value::Null);
                    self.put(to, part)?;
                }
            }
        }
        Ok(())
    }

    /// Repeats a call until what the recording waited for is there.
    async fn wait(&self, what: &str, step: &Step, request: &Value) -> Result<Answer> {
        let is_history = step.operation == "GetExecutionHistory";
        if what == "terminal status"
            && is_history
            && !self.case.derived.iter().any(|key| key == HISTORY)
        {
            let arn = request["executionArn"].as_str().context("an execution to wait for")?;
            self.server.wait_for_end(arn).await?;
            return self.api.call(&step.operation, request).await;
        }
        let enough = |answer: &Answer| match what {
            "terminal status" if step.operation == "ListExecutions" => all_ended(answer),
            "terminal status" => {
                let recorded = self.case.recorded[HISTORY]["events"].as_array().map_or(0, Vec::len);
                count(answer, "events") >= recorded
            }
            "state machine listed" => count(answer, "stateMachines") > 0,
            "state machine version listed" => count(answer, "stateMachineVersions") > 0,
            "list execution status" => count(answer, "executions") > 0,
            "on execution events" | "execution started" => count(answer, "events") > 0,
            // Deletions and lists are immediate here.
            "state machine not listed" | "state machine version not listed" | "condition" => true,
            _ => false,
        };
        loop {
            let answer = self.api.call(&step.operation, request).await?;
            if !answer.is_success() || enough(&answer) {
                return Ok(answer);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// What recordings made from several answers.
    fn derive(&mut self, step: &Step, request: &Value, answer: &Answer) {
        let is_derived = |key: &str| self.case.derived.iter().any(|derived| derived == key);
        let is_history = step.operation == "GetExecutionHistory" && answer.is_success();
        if is_derived("cases") {
            if step.operation == "StartExecution" {
                let cases = &mut self.answers["cases"];
                if cases.is_null() {
                    *cases = json!([]);
                }
                if let Value::Array(cases) = cases {
                    cases.push(json!({"input": request["input"]}));
                }
            } else if is_history && step.wait_for.is_none() {
                let last = answer.body["events"].as_array().and_then(|events| events.last());
                let output = last.map(|event| &event["executionSucceededEventDetails"]["output"]);
                let cases = self.answers["cases"].as_array_mut();
                if let (Some(output), Some(case)) = (output, cases.and_then(|c| c.last_mut())) {
                    case["output"] = output.clone();
                }
            }
        }
        if is_derived(HISTORY) && is_history {
            self.answers[HISTORY] = answer.as_response();
        }
    }

    /// The last event that was logged of an Express execution.
    async fn derive_end_event(&mut self, step: &Step, answer: &Answer) {
        let is_derived = self.case.derived.iter().any(|derived| derived == END_EVENT);
        if is_derived
            && step.operation == "StartExecution"
            && let Some(arn) = answer.body["executionArn"].as_str()
            && let Some(event) = self.server.end_event(arn).await
        {
            self.answers[END_EVENT] = event;
        }
    }

    /// Puts an answer at its place among those that are compared.
    fn put(&mut self, place: &str, value: Value) -> Result<()> {
        let mut target = &mut self.answers;
        for name in place.split('/').skip(1) {
            let name = name.replace("~1", "/").replace("~0", "~");
            match name.parse::<usize>() {
                Ok(index)
                    if !target.is_object() || target.as_object().is_some_and(Map::is_empty) =>
                {
                    if !target.is_array() {
                        *target = json!([]);
                    }
                    let items = target.as_array_mut().context("a list")?;
                    if items.len() <= index {
                        items.resize(index + 1, json!({}));
                    }
                    target = &mut items[index];
                }
                _ => {
                    let members = target.as_object_mut().context("an object")?;
                    target = members.entry(name).or_insert_with(|| json!({}));
                }
            }
        }
        *target = value;
        Ok(())
    }
}

const HISTORY: &str = "get_execution_history";
const END_EVENT: &str = "end_event";
const STATUS_EVENTS: &str = "stepfunctions_events";

/// Whether there are executions and none of them runs.
fn all_ended(answer: &Answer) -> bool {
    let executions = answer.body["executions"].as_array();
    executions.is_some_and(|executions| {
        !executions.is_empty()
            && executions.iter().all(|execution| execution["status"] != "RUNNING")
    })
}

fn count(answer: &Answer, name: &str) -> usize {
    answer.body[name].as_array().map_or(0, Vec::len)
}
