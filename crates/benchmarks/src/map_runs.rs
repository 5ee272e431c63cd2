//! A distributed Map: how many children a second start and end, and the memory that takes.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::server::Server;
use crate::{Options, machines};

pub(crate) fn measure(options: &Options) -> Result<()> {
    println!("A distributed Map over {} numbers, one Pass state in each child", options.children);
    for kind in ["STANDARD", "EXPRESS"] {
        let mut rounds = Vec::new();
        for _ in 0..options.rounds {
            rounds.push(one(options, kind)?);
        }
        rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (rate, before, peak) = rounds[rounds.len() / 2];
        println!(
            "  {kind:8} {rate:>8.0} children/s   at most {peak:>5} MB (an empty server {before} MB)"
        );
    }
    Ok(())
}

/// Children a second, and megabytes of an empty server and at most.
fn one(options: &Options, kind: &str) -> Result<(f64, u64, u64)> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let data = tempfile::tempdir_in(&options.folder)?;
    let server = Server::stepwell(&options.stepwell, data.path(), None)?;
    let empty = server.memory()? / 1_000_000;
    let definition = json!({"StartAt": "Map", "States": {"Map": {
        "Type": "Map",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
            "StartAt": "Child",
            "States": {"Child": {"Type": "Pass", "End": true}},
        },
        "End": true,
    }}});
    let items: Vec<u64> = (0..options.children).collect();
    let elapsed = tokio.block_on(async {
        let mut client = server.client().await?;
        let machine = machines::create(&mut client, "Measured", &definition).await?;
        let input = Value::from(items.clone()).to_string();
        let start = json!({"stateMachineArn": machine, "input": input});
        let begin = Instant::now();
        let started = client.call("StartExecution", &start).await?;
        machines::all_over(&mut client, &machine).await?;
        let elapsed = begin.elapsed();
        let query = json!({"executionArn": started["executionArn"]});
        let described = client.call("DescribeExecution", &query).await?;
        ensure!(described["status"] == "SUCCEEDED", "the Map did not go well: {described}");
        let output: Value = serde_json::from_str(described["output"].as_str().unwrap_or_default())?;
        ensure!(output == json!(items), "children are missing");
        Ok::<_, anyhow::Error>(elapsed)
    })?;
    let rate = options.children as f64 / elapsed.as_secs_f64();
    Ok((rate, empty, server.peak_memory()? / 1_000_000))
}
