//! `stepwell history`: the events of an execution as a table, from a server or from a file.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::History;
use crate::client::Client;
use crate::failure::Failure;
use crate::progress::{failure, one_line};
use crate::style::{Style, Tone, duration};

/// Events of one page; AWS's maximum.
const PAGE: u32 = 1000;
/// Characters of an input or output that are shown with `--data`.
const DATA_CHARACTERS_MAX: usize = 2000;

/// Fetches or reads the events and prints the table.
pub(crate) fn run(arguments: &History) -> Result<ExitCode, Failure> {
    let events = if arguments.source.starts_with("arn:") {
        fetch(arguments)?
    } else {
        read(&arguments.source)?
    };
    let mut stdout = std::io::stdout();
    let table = table(&events, arguments.data, Style::of(&stdout))?;
    stdout
        .write_all(table.as_bytes())
        .map_err(|error| Failure::unsuccessful(format!("cannot write the table: {error}")))?;
    Ok(ExitCode::SUCCESS)
}

/// All events from a server, page by page.
fn fetch(arguments: &History) -> Result<Vec<Value>, Failure> {
    let client = Client::of(arguments.endpoint.as_deref(), arguments.ca_bundle.as_deref())?;
    let mut events = Vec::new();
    let mut token = Value::Null;
    loop {
        let mut request = json!({ "executionArn": arguments.source, "maxResults": PAGE });
        if !token.is_null() {
            request["nextToken"] = token;
        }
        let mut page = client.call("GetExecutionHistory", &request)?;
        events.extend(take_events(&mut page).ok_or_else(|| {
            let endpoint = client.endpoint();
            Failure::unsuccessful(format!("the answer of {endpoint} has no list of events"))
        })?);
        token = page["nextToken"].take();
        if token.is_null() {
            return Ok(events);
        }
    }
}

/// All events of a file with the output of GetExecutionHistory.
fn read(source: &str) -> Result<Vec<Value>, Failure> {
    let mut text = String::new();
    let outcome = if source == "-" {
        std::io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(source).map(|read| text = read)
    };
    outcome.map_err(|error| Failure::usage(format!("cannot read {source}: {error}")))?;
    let mut document: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::usage(format!("{source} is not JSON: {error}")))?;
    let mut events = take_events(&mut document).ok_or_else(|| {
        Failure::usage(format!("{source} is not an execution history: it has no list `events`"))
            .hint("aws stepfunctions get-execution-history --execution-arn ARN > FILE writes one")
    })?;
    // Also a history that was fetched with --reverse-order.
    events.sort_by_key(|event| event["id"].as_u64());
    Ok(events)
}

fn take_events(document: &mut Value) -> Option<Vec<Value>> {
    match document.get_mut("events")?.take() {
        Value::Array(events) => Some(events),
        _ => None,
    }
}

/// One row of the table.
struct Row {
    id: String,
    elapsed: String,
    event_type: String,
    state: String,
    took: String,
    detail: String,
    tone: Tone,
    data: Vec<String>,
}

/// What the rows need to know of earlier events.
struct Earlier<'e> {
    event_type: &'e str,
    previous: u64,
    at: i64,
    /// The state that is entered, where it is such an event.
    entered: Option<&'e str>,
    /// The iteration, where it is an event of one.
    index: Option<u64>,
}

fn table(events: &[Value], with_data: bool, style: Style) -> Result<String, Failure> {
    let mut earlier: HashMap<u64, Earlier<'_>> = HashMap::new();
    let mut rows = Vec::new();
    let mut started = None;
    for event in events {
        let (id, at) = (event["id"].as_u64(), moment(&event["timestamp"]));
        let (Some(id), Some(at), Some(event_type)) = (id, at, event["type"].as_str()) else {
            return Err(Failure::usage(format!(
                "not an event of an execution history: {}",
                one_line(&event.to_string(), 100)
            )));
        };
        let started = *started.get_or_insert(at);
        let details = details(event);
        let previous = event["previousEventId"].as_u64().unwrap_or(0);
        let entered = details["name"].as_str().filter(|_| event_type.ends_with("StateEntered"));
        let index = details["index"].as_u64();
        earlier.insert(id, Earlier { event_type, previous, at, entered, index });
        rows.push(row(id, started, details, &earlier, with_data));
    }
    Ok(lay_out(&rows, style))
}

fn row(
    id: u64,
    started: i64,
    details: &Value,
    earlier: &HashMap<u64, Earlier<'_>>,
    with_data: bool,
) -> Row {
    let event = &earlier[&id];
    let event_type = event.event_type;
    let elapsed = (event.at - started).max(0);
    let begin = begin_of(id, details, earlier);
    let state = match event_type.split_once("State") {
        Some((kind @ ("Map" | "Parallel"), "Started" | "Succeeded" | "Failed")) => {
            container_of(id, kind, earlier)
        }
        _ => details["name"].as_str().or_else(|| state_of(id, earlier)),
    };
    let state = state.map(|state| {
        let iterations = if event_type.starts_with("MapIteration") {
            String::new()
        } else {
            iterations_of(id, earlier)
        };
        format!("{state}{iterations}")
    });
    let took = match begin {
        Some(begin) => duration(event.at - begin),
        None if is_end(event_type) => duration(event.at - started),
        None => String::new(),
    };
    let good = ["Succeeded", "StateExited"].iter().any(|suffix| event_type.ends_with(suffix));
    let bad = ["Failed", "TimedOut", "Aborted"].iter().any(|suffix| event_type.ends_with(suffix));
    Row {
        id: id.to_string(),
        elapsed: format!("{}.{:03}", elapsed / 1000, elapsed % 1000),
        event_type: event_type.to_owned(),
        state: if is_end(event_type) || event_type == "ExecutionStarted" {
            String::new()
        } else {
            state.unwrap_or_default()
        },
        took,
        detail: detail(details, bad),
        tone: if bad {
            Tone::Bad
        } else if good {
            Tone::Good
        } else {
            Tone::Plain
        },
        data: if with_data { data(details) } else { Vec::new() },
    }
}

/// When that began what this event ends: a state, an attempt of a task, an iteration.
fn begin_of(id: u64, details: &Value, earlier: &HashMap<u64, Earlier<'_>>) -> Option<i64> {
    let event_type = earlier[&id].event_type;
    let name = details["name"].as_str();
    let begins = |candidate: &Earlier<'_>| -> bool {
        if event_type.ends_with("StateExited") {
            return candidate.entered == name;
        }
        let ends = ["Succeeded", "TimedOut", "Failed"];
        let Some(subject) = ends.iter().find_map(|end| event_type.strip_suffix(end)) else {
            return false;
        };
        match subject {
            "Task" | "LambdaFunction" | "Activity" => {
                candidate.event_type.strip_prefix(subject) == Some("Scheduled")
            }
            "MapIteration" => candidate.event_type == "MapIterationStarted",
            "MapRun" => candidate.event_type == "MapRunStarted",
            _ => false,
        }
    };
    walk(id, earlier).find(|candidate| begins(candidate)).map(|begin| begin.at)
}

/// The state an event belongs to: the last one entered on its chain.
fn state_of<'e>(id: u64, earlier: &HashMap<u64, Earlier<'e>>) -> Option<&'e str> {
    walk(id, earlier).find_map(|candidate| candidate.entered)
}

/// The Map or Parallel state an event of that state itself belongs to. Its chain may come out
/// of the states inside, so inner containers that are over are passed by.
fn container_of<'e>(id: u64, kind: &str, earlier: &HashMap<u64, Earlier<'e>>) -> Option<&'e str> {
    let mut inside = 0;
    let mut after = "";
    for event in walk(id, earlier) {
        match event.event_type.strip_prefix(kind) {
            Some("StateExited") => inside += 1,
            // A caught failure is followed by the exit, which was counted.
            Some("StateFailed") if after != "StateExited" => inside += 1,
            Some("StateEntered") if inside == 0 => return event.entered,
            Some("StateEntered") => inside -= 1,
            _ => {}
        }
        after = event.event_type.strip_prefix(kind).unwrap_or("");
    }
    None
}

/// The iterations of Maps an event is in, the outermost first: `[2][0]`. The chain of a later
/// iteration may lead through an earlier one, so only the first that is met on each level counts.
fn iterations_of(id: u64, earlier: &HashMap<u64, Earlier<'_>>) -> String {
    let mut iterations = String::new();
    let mut after = earlier[&id].event_type;
    // What a Map says of itself comes after its iterations, and is in none of them.
    let mut is_known = after.starts_with("MapState") && after != "MapStateEntered";
    let mut inside = 0;
    for event in walk(id, earlier) {
        match event.event_type {
            "MapIterationStarted" if inside == 0 && !is_known => {
                iterations.insert_str(0, &format!("[{}]", event.index.unwrap_or(0)));
                is_known = true;
            }
            "MapStateExited" => inside += 1,
            "MapStateFailed" if after != "MapStateExited" => inside += 1,
            "MapStateEntered" if inside == 0 => is_known = false,
            "MapStateEntered" => inside -= 1,
            _ => {}
        }
        after = event.event_type;
    }
    iterations
}

/// The events before this one on its chain, the latest first.
fn walk<'h, 'e>(
    id: u64,
    earlier: &'h HashMap<u64, Earlier<'e>>,
) -> impl Iterator<Item = &'h Earlier<'e>> {
    let mut at = id;
    std::iter::from_fn(move || {
        let previous = earlier.get(&at)?.previous;
        // A file may say anything: only ever go back.
        if previous >= at {
            return None;
        }
        at = previous;
        earlier.get(&at)
    })
}

fn is_end(event_type: &str) -> bool {
    matches!(
        event_type,
        "ExecutionSucceeded" | "ExecutionFailed" | "ExecutionAborted" | "ExecutionTimedOut"
    )
}

/// The event's one member that ends in `EventDetails`.
fn details(event: &Value) -> &Value {
    const NONE: &Value = &Value::Null;
    let members = event.as_object().into_iter().flatten();
    members
        .filter(|(name, _)| name.ends_with("EventDetails"))
        .map(|(_, details)| details)
        .next()
        .unwrap_or(NONE)
}

fn detail(details: &Value, bad: bool) -> String {
    let text = |name: &str| details[name].as_str();
    let mut parts = Vec::new();
    if let Some(resource) = text("resource") {
        let integration = text("resourceType").map(|kind| format!("{kind}:")).unwrap_or_default();
        parts.push(format!("{integration}{resource}"));
    }
    if let Some(index) = details["index"].as_u64() {
        parts.push(format!("iteration {index}"));
    }
    if let Some(length) = details["length"].as_u64() {
        parts.push(format!("{length} items"));
    }
    if let Some(worker) = text("workerName") {
        parts.push(format!("worker {worker}"));
    }
    if let Some(location) = text("location") {
        parts.push(format!("in {location}"));
    }
    if bad && (text("error").is_some() || text("cause").is_some()) {
        parts.push(failure(text("error"), text("cause")));
    }
    parts.join("  ")
}

/// Inputs, outputs and the like, one line each.
fn data(details: &Value) -> Vec<String> {
    let members = details.as_object().into_iter().flatten();
    members
        .filter(|(name, _)| {
            matches!(
                name.as_str(),
                "input" | "output" | "parameters" | "cause" | "assignedVariables"
            )
        })
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{name}: {}", one_line(&text, DATA_CHARACTERS_MAX))
        })
        .collect()
}

/// A moment in milliseconds: seconds since 1970 as on the wire, or the CLI's ISO 8601 text.
fn moment(timestamp: &Value) -> Option<i64> {
    match timestamp {
        Value::Number(seconds) => Some((seconds.as_f64()? * 1000.0).round() as i64),
        Value::String(text) => text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond()),
        _ => None,
    }
}

fn lay_out(rows: &[Row], style: Style) -> String {
    let width = |column: fn(&Row) -> &str, title: &str| {
        let widths = rows.iter().map(|row| column(row).chars().count());
        widths.chain([title.len()]).max().unwrap_or(0)
    };
    let id = width(|row| &row.id, "id");
    let elapsed = width(|row| &row.elapsed, "seconds");
    let event = width(|row| &row.event_type, "event");
    let state = width(|row| &row.state, "state");
    let took = width(|row| &row.took, "took");
    let mut shown = format!(
        "{:>id$}  {:>elapsed$}  {:<event$}  {:<state$}  {:>took$}  detail",
        "id", "seconds", "event", "state", "took"
    );
    shown = style.paint(Tone::Dim, shown.trim_end());
    shown.push('\n');
    for row in rows {
        let event_type = style.paint(row.tone, &format!("{:<event$}", row.event_type));
        let line = format!(
            "{:>id$}  {:>elapsed$}  {event_type}  {:<state$}  {:>took$}  {}",
            row.id, row.elapsed, row.state, row.took, row.detail
        );
        shown.push_str(line.trim_end());
        shown.push('\n');
        for line in &row.data {
            let line = format!("{}{line}", " ".repeat(id + elapsed + 6));
            shown.push_str(&style.paint(Tone::Dim, &line));
            shown.push('\n');
        }
    }
    shown
}
