//! The project's chores: `cargo xtask --help` lists them. Continuous integration runs the same.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "chores talk to a person")]

mod bench;
mod example;
mod fuzz;
mod nodejs;
mod process;
mod python;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's chores")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run all tests; the last line is the count
    Test(test::Options),
    /// Check formatting, clippy and tidy, as continuous integration does
    Lint,
    /// Check what compilers don't: layers, lengths, purity, links, reasons for dependencies
    Tidy,
    /// Run simulated worlds; a seed that fails is named with the command that replays it
    Sim {
        /// Which seeds, as FROM..TO
        #[arg(default_value = "0..20000")]
        seeds: String,
    },
    /// Set up and run the order-fulfilment example, with a worker and an order
    Example(example::Options),
    /// Run recorded executions against a server in this process, and say what differs
    Conformance {
        /// Names of cases, or parts of them; none: all
        cases: Vec<String>,
        /// Show both sides whole
        #[arg(long)]
        both: bool,
        /// Show what differs in known gaps as well
        #[arg(long)]
        gaps: bool,
        /// Bring the lists up to date: new gaps want a reason, what passes goes
        #[arg(long)]
        bless: bool,
    },
    /// Make up requests to every operation, and texts in every language; a failure names the
    /// seed that replays it
    Fuzz(fuzz::Options),
    /// Trim AWS's service models anew: those of all services, and the API's own
    Models {
        /// Write nothing; fail where the files are not as this would make them
        #[arg(long)]
        check: bool,
    },
    /// Make up calls of AWS's services anew, with the requests that botocore makes of them
    Requests {
        /// Write nothing; fail where the files are not as this would make them
        #[arg(long)]
        check: bool,
    },
    /// Measure the release binary over HTTP, beside a bare server (docs/benchmarks.md)
    Bench {
        /// Options of the benchmarks; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    std::env::set_current_dir(process::root())?;
    match Arguments::parse().chore {
        Chore::Test(options) => test::run(&options),
        Chore::Lint => lint(),
        Chore::Tidy => tidy::run(),
        Chore::Sim { seeds } => {
            let mut command = process::cargo(["test", "--release", "-p", "sim", "--test", "seeds"]);
            command.args(["every_world", "--", "--nocapture"]).env("STEPWELL_SIM_SEEDS", seeds);
            process::run(&mut command)
        }
        Chore::Example(options) => example::run(&options),
        Chore::Conformance { cases, both, gaps, bless } => {
            let mut command = process::cargo(["run", "--quiet", "-p", "conformance", "--"]);
            let flags = [("--both", both), ("--gaps", gaps), ("--bless", bless)];
            command.args(cases).args(flags.iter().filter(|(_, on)| *on).map(|(flag, _)| flag));
            process::run(&mut command)
        }
        Chore::Fuzz(options) => fuzz::run(&options),
        Chore::Models { check } => run_python("xtask/service_models.py", check),
        Chore::Requests { check } => run_python("xtask/aws_requests.py", check),
        Chore::Bench { options } => bench::run(&options),
    }
}

/// Runs a chore that is written in Python, since it needs botocore.
fn run_python(program: &str, check: bool) -> Result<()> {
    let programs = python::environment()?;
    let mut command = python::python(&programs)?;
    process::run(command.arg(program).args(check.then_some("--check")))
}

/// Formatting first since it is the fastest; tidy last since it wants code that compiles.
fn lint() -> Result<()> {
    process::run(&mut process::cargo(["fmt", "--all", "--check"]))?;
    process::run(&mut process::cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--keep-going",
        "--",
        "-D",
        "warnings",
    ]))?;
    // What can be left out of the program can be left out.
    let program = ["clippy", "--package", "stepwell", "--no-default-features"];
    process::run(&mut process::cargo(program.into_iter().chain(["--", "-D", "warnings"])))?;
    tidy::run()
}
