//! Measures the release binary over HTTP beside a bare server, in one run on one machine:
//! `cargo xtask bench`. Figures and how to read them are in `docs/benchmarks.md`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the figures are the product")]

mod client;
mod constant;
mod function;
mod load;
mod machines;
mod map_runs;
mod report;
mod server;
mod sleepers;
mod starts;
mod tasks;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};

#[derive(Parser)]
#[command(name = "benchmarks", about = "Measures the release binary over HTTP")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure
    Run(Options),
    /// The baseline, in a process of its own
    #[command(hide = true)]
    ConstantServer,
    /// A function that speaks the Lambda Runtime API
    #[command(hide = true)]
    Function,
}

#[derive(Args)]
pub(crate) struct Options {
    /// The program to measure
    #[arg(long, value_name = "FILE")]
    stepwell: PathBuf,
    /// Where data directories are made; they are deleted afterwards
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// Only these parts
    #[arg(long, value_delimiter = ',', value_enum)]
    only: Vec<Part>,
    /// How long each figure is measured, after a warm-up of a fifth of it
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How often all is measured; the figure shown is the median
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: u32,
    /// Numbers of callers
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    callers: Vec<usize>,
    /// How many executions wait
    #[arg(long, default_value_t = 100_000)]
    sleepers: u64,
    /// How many executions call functions
    #[arg(long, default_value_t = 2_000)]
    function_executions: u64,
    /// How many children a distributed Map has; its output must fit a state's
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=40_000))]
    children: u64,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Part {
    /// StartExecution of one state, and of ten
    Starts,
    /// Executions of ten calls of a function
    Functions,
    /// Executions in a one-hour Wait
    Sleepers,
    /// Tasks that call a web server
    Tasks,
    /// A distributed Map
    Map,
}

impl Options {
    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(options) => run(&options),
        Command::ConstantServer => constant::run(),
        Command::Function => function::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    std::fs::create_dir_all(&options.folder)?;
    if wanted(Part::Starts) {
        starts::measure(options)?;
    }
    if wanted(Part::Functions) {
        function::measure(options)?;
    }
    if wanted(Part::Sleepers) {
        sleepers::measure(options)?;
    }
    if wanted(Part::Tasks) {
        tasks::measure(options)?;
    }
    if wanted(Part::Map) {
        map_runs::measure(options)?;
    }
    Ok(())
}
