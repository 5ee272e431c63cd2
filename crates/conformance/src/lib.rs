//! Runs executions that were recorded on AWS against a server in this process, and compares every
//! field of every answer. The data and its format: `testdata/conformance/executions/README.md`.

mod answers;
mod bindings;
mod buckets;
pub mod case;
mod client;
mod difference;
mod lambda;
pub mod lists;
mod maps;
mod normalise;
pub mod run;
mod select;
mod server;
mod services;
pub mod suite;
mod text;

use anyhow::{Context, Result};
use serde_json::Value;

/// The lists of rules that all cases share.
fn shared_rules() -> Result<Value> {
    let text = std::fs::read_to_string(case::folder().join("placeholders.json"))
        .context("placeholders.json")?;
    Ok(serde_json::from_str(&text)?)
}
