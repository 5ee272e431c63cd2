//! Executions of ten calls of a function: a warm local process that speaks the Lambda Runtime
//! API, which is this program again.

use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::client::{Client, request};
use crate::load::{self, Until};
use crate::server::Server;
use crate::{Options, machines};

/// Calls of each execution.
const STEPS: usize = 10;
const CALLERS: usize = 64;
/// Executions that make the processes warm.
const WARM_UP: u64 = 100;

pub(crate) fn measure(options: &Options) -> Result<()> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let data = tempfile::tempdir_in(&options.folder)?;
    let config = data.path().join("stepwell.toml");
    let program = std::env::current_exe()?;
    let command = json!([program.to_str().context("the program's path is text")?, "function"]);
    std::fs::write(
        &config,
        format!("[functions.echo]\nruntime = \"provided\"\ncommand = {command}\nconcurrency = 4\n"),
    )?;
    let folder = data.path().join("data");
    let server = Server::stepwell(&options.stepwell, &folder, Some(&config))?;
    let resource = "arn:aws:lambda:us-east-1:123456789012:function:echo";
    let definition = machines::chain(STEPS, &json!({"Type": "Task", "Resource": resource}));
    let machine = tokio.block_on(async {
        machines::create(&mut server.client().await?, "Functions", &definition).await
    })?;
    let start = request("StartExecution", &machines::start(&machine));
    let run = |count: u64| -> Result<f64> {
        let begin = Instant::now();
        let until = Until::Requests(count);
        let seen = load::run(&server.address, start.clone(), CALLERS, until, || ())?;
        tokio.block_on(async {
            let mut client = server.client().await?;
            machines::all_over(&mut client, &machine).await?;
            let took = begin.elapsed();
            machines::check(&mut client, &seen.samples, "SUCCEEDED").await?;
            Ok(count as f64 / took.as_secs_f64())
        })
    };
    run(WARM_UP)?;
    let cpu = server.cpu()?;
    let rate = run(options.function_executions)?;
    let cpu = (server.cpu()?.saturating_sub(cpu)).as_secs_f64() * 1e6;
    println!(
        "{} executions of {STEPS} function calls, all under way at once, 4 processes",
        options.function_executions
    );
    println!("  {rate:>8.0} executions/s, {:.0} calls/s", rate * STEPS as f64);
    println!(
        "  {:>8.0} µs of the server's CPU for a call",
        cpu / (options.function_executions as f64 * STEPS as f64)
    );
    Ok(())
}

/// Answers every invocation with its event, until the server goes away.
pub(crate) fn run() -> Result<()> {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").context("AWS_LAMBDA_RUNTIME_API")?;
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio.block_on(async {
        let mut client = Client::connect(&api).await?;
        let next =
            format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {api}\r\n\r\n");
        loop {
            let (head, event) = client.exchange(next.as_bytes()).await?;
            let id = head
                .lines()
                .find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("lambda-runtime-aws-request-id").then(|| value.trim())
                })
                .context("an invocation has an id")?;
            let mut answer = format!(
                "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nHost: {api}\r\n\
                 Content-Length: {}\r\n\r\n",
                event.len()
            )
            .into_bytes();
            answer.extend_from_slice(event);
            client.exchange(&answer).await?;
        }
    })
}
