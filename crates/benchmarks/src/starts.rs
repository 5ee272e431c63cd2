//! How many executions a second are started, and with their ten states brought to their end.

use std::cell::Cell;

use anyhow::Result;
use serde_json::json;

use crate::client::request;
use crate::load::{self, Until};
use crate::report::{self, Figure};
use crate::server::{Server, cpu_of};
use crate::{Options, machines};

/// What is measured, and the states of the chain.
const WORKFLOWS: [(&str, usize); 2] = [("one Pass state", 1), ("ten Pass states", 10)];

pub(crate) fn measure(options: &Options) -> Result<()> {
    println!("StartExecution, Standard, every answer after its fsync; a turn runs all states");
    report::print_head();
    for &callers in &options.callers {
        let mut rounds: Vec<Vec<Figure>> = Vec::new();
        for _ in 0..options.rounds {
            let bare = baseline(options, callers)?;
            let mut figures = Vec::new();
            for (name, length) in WORKFLOWS {
                let mut figure = one(options, name, length, callers)?;
                figure.of_baseline = Some(figure.rate / bare.rate);
                figures.push(figure);
            }
            figures.insert(0, bare);
            rounds.push(figures);
        }
        for _ in 0..=WORKFLOWS.len() {
            let same = rounds.iter_mut().map(|round| round.remove(0)).collect();
            if let Some(figure) = report::median(same) {
                figure.print();
            }
        }
    }
    Ok(())
}

fn baseline(options: &Options, callers: usize) -> Result<Figure> {
    let server = Server::constant()?;
    let machine = "arn:aws:states:us-east-1:123456789012:stateMachine:Measured";
    under_load(options, &server, "bare hyper server", 0, machine, callers).map(|(figure, _)| figure)
}

fn one(options: &Options, name: &'static str, length: usize, callers: usize) -> Result<Figure> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let data = tempfile::tempdir_in(&options.folder)?;
    let server = Server::stepwell(&options.stepwell, data.path(), None)?;
    let definition = machines::chain(length, &json!({"Type": "Pass"}));
    let machine = tokio.block_on(async {
        machines::create(&mut server.client().await?, "Measured", &definition).await
    })?;
    let transitions = u32::try_from(length)?;
    let (figure, samples) = under_load(options, &server, name, transitions, &machine, callers)?;
    tokio.block_on(async {
        let mut client = server.client().await?;
        machines::all_over(&mut client, &machine).await?;
        machines::check(&mut client, &samples, "SUCCEEDED").await
    })?;
    Ok(figure)
}

fn under_load(
    options: &Options,
    server: &Server,
    name: &'static str,
    transitions: u32,
    machine: &str,
    callers: usize,
) -> Result<(Figure, Vec<Vec<u8>>)> {
    let cpu = || Ok::<_, anyhow::Error>((server.cpu()?, cpu_of(std::process::id())?));
    let before = Cell::new(None);
    let request = request("StartExecution", &machines::start(machine));
    let until = Until::Elapsed(options.time());
    let seen = load::run(&server.address, request, callers, until, || before.set(Some(cpu())))?;
    let after = cpu()?;
    let mut figure = Figure::new(name, callers, transitions, &seen);
    if let Some(before) = before.take() {
        let before = before?;
        let each = |time: std::time::Duration| time.as_secs_f64() * 1e6 / seen.requests as f64;
        figure.server_cpu = each(after.0.saturating_sub(before.0));
        figure.generator_cpu = each(after.1.saturating_sub(before.1));
    }
    Ok((figure, seen.samples))
}
