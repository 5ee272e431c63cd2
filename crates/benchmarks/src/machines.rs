//! The state machines that are measured, and whether their executions came to their end.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::client::Client;

/// How long executions may take to end after the last answer.
const END_PATIENCE: Duration = Duration::from_secs(120);

/// A chain of states that all look the same.
pub(crate) fn chain(length: usize, state: &Value) -> Value {
    let mut states = serde_json::Map::new();
    for at in 0..length {
        let mut state = state.clone();
        if at + 1 == length {
            state["End"] = json!(true);
        } else {
            state["Next"] = json!(format!("Step{}", at + 1));
        }
        states.insert(format!("Step{at}"), state);
    }
    json!({"StartAt": "Step0", "States": states})
}

/// Makes a Standard state machine; gives its ARN.
pub(crate) async fn create(client: &mut Client, name: &str, definition: &Value) -> Result<String> {
    let body = json!({
        "name": name,
        "definition": definition.to_string(),
        "roleArn": "arn:aws:iam::123456789012:role/benchmark",
    });
    let made = client.call("CreateStateMachine", &body).await?;
    Ok(made["stateMachineArn"].as_str().context("the state machine has an ARN")?.to_owned())
}

/// The body of StartExecution.
pub(crate) fn start(machine: &str) -> String {
    let input = json!({"order": 12345, "items": ["a", "b"], "customer": {"name": "Somebody"}});
    json!({"stateMachineArn": machine, "input": input.to_string()}).to_string()
}

/// Waits until nothing of a state machine runs any more.
pub(crate) async fn all_over(client: &mut Client, machine: &str) -> Result<()> {
    let query = json!({"stateMachineArn": machine, "statusFilter": "RUNNING", "maxResults": 1});
    let begin = Instant::now();
    loop {
        let page = client.call("ListExecutions", &query).await?;
        if page["executions"].as_array().is_some_and(Vec::is_empty) {
            return Ok(());
        }
        ensure!(begin.elapsed() < END_PATIENCE, "executions of {machine} do not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Sees that executions, of which these are answers to their start, have this status.
pub(crate) async fn check(client: &mut Client, samples: &[Vec<u8>], status: &str) -> Result<()> {
    for sample in samples {
        let started: Value = serde_json::from_slice(sample)?;
        let query = json!({"executionArn": started["executionArn"]});
        let described = client.call("DescribeExecution", &query).await?;
        ensure!(described["status"] == status, "an execution did not go well: {described}");
    }
    Ok(())
}
