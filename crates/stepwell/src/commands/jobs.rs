//! `stepwell jobs`: the batch jobs and containers of a running server, and what they print.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::{JobLogs, Jobs, JobsAction, JobsList};
use crate::client::Client;
use crate::failure::Failure;
use crate::style::{Style, Tone};

/// Jobs of one page.
const PAGE: usize = 1000;
/// Bytes that are asked for at once.
const PART: u64 = 1024 * 1024;
/// Between questions about a log that goes on.
const PAUSE: Duration = Duration::from_millis(500);

pub(crate) fn run(arguments: &Jobs) -> Result<ExitCode, Failure> {
    let client = Client::of(arguments.endpoint.as_deref(), arguments.ca_bundle.as_deref())?;
    match &arguments.action {
        None => list(&client, &JobsList { limit: 100, ..JobsList::default() }),
        Some(JobsAction::List(wanted)) => list(&client, wanted),
        Some(JobsAction::Logs(wanted)) => logs(&client, wanted),
    }
}

fn list(client: &Client, wanted: &JobsList) -> Result<ExitCode, Failure> {
    let mut jobs: Vec<Value> = Vec::new();
    let mut token: Option<String> = None;
    while jobs.len() < wanted.limit {
        let count = (wanted.limit - jobs.len()).min(PAGE);
        let mut path = format!("/api/jobs?maxResults={count}");
        if let Some(status) = &wanted.status {
            path.push_str(&format!("&status={}", encoded(status)));
        }
        if let Some(token) = &token {
            path.push_str(&format!("&nextToken={}", encoded(token)));
        }
        let mut page = client.get(&path)?;
        let Value::Array(more) = page["jobs"].take() else {
            let endpoint = client.endpoint();
            return Err(Failure::unsuccessful(format!("the answer of {endpoint} has no jobs")));
        };
        jobs.extend(more);
        token = page["nextToken"].as_str().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    let stdout = std::io::stdout();
    let text = if wanted.json {
        format!("{}\n", json!({ "jobs": jobs }))
    } else {
        table(&jobs, Style::of(&stdout))
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn table(jobs: &[Value], style: Style) -> String {
    if jobs.is_empty() {
        return "no jobs\n".to_owned();
    }
    let mut text = format!("{:36}  {:9}  {:20}  {:5}  NAME\n", "ID", "STATUS", "CREATED", "");
    for job in jobs {
        let word = |name: &str| job[name].as_str().unwrap_or_default();
        let tone = match word("status") {
            "SUCCEEDED" => Tone::Good,
            "FAILED" => Tone::Bad,
            _ => Tone::Plain,
        };
        // Coloured after it was made as wide as its column.
        let status = style.paint(tone, &format!("{:9}", word("status")));
        text.push_str(&format!(
            "{:36}  {status}  {:20}  {:5}  {}\n",
            word("jobId"),
            moment(&job["createdAt"]),
            word("service"),
            word("name"),
        ));
    }
    text
}

/// A moment in seconds since 1970, to the second.
fn moment(value: &Value) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "a moment of our time")]
    let seconds = value.as_f64().unwrap_or_default() as i64;
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

fn logs(client: &Client, wanted: &JobLogs) -> Result<ExitCode, Failure> {
    let path = format!("/api/jobs/{}/log", encoded(&wanted.id));
    let mut run = wanted.run.as_deref().map(str::to_owned);
    let mut place = match wanted.tail {
        Some(bytes) => format!("tail=true&maxBytes={}", bytes.clamp(1, PART)),
        None => format!("offset=0&maxBytes={PART}"),
    };
    loop {
        let mut query = place.clone();
        if let Some(run) = &run {
            query.push_str(&format!("&run={}", encoded(run)));
        }
        let part = client.get(&format!("{path}?{query}"))?;
        print(part["text"].as_str().unwrap_or_default())?;
        let (next, bytes) = (part["nextOffset"].as_u64(), part["bytes"].as_u64());
        let next = next.unwrap_or_default();
        let is_all = next >= bytes.unwrap_or_default();
        let is_over = part["isComplete"] == true || !wanted.follow;
        if is_all && is_over {
            return Ok(ExitCode::SUCCESS);
        }
        if is_all || (part["text"] == "" && !is_over) {
            std::thread::sleep(PAUSE);
        } else if part["text"] == "" {
            // The rest is no whole character, and nothing is added any more.
            return Ok(ExitCode::SUCCESS);
        }
        // The same one, even if another is started.
        run = part["run"].as_str().map(str::to_owned);
        place = format!("offset={next}&maxBytes={PART}");
    }
}

fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| Failure::unsuccessful(format!("cannot write: {error}")))
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                encoded.push(char::from(byte));
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
