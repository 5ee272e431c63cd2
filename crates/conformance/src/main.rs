//! Plays recorded executions and shows both sides: `cargo xtask conformance --help`.
#![expect(clippy::print_stdout, reason = "it talks to a person")]

use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo xtask conformance", about = "Play executions recorded on AWS")]
struct Arguments {
    /// Names of cases, or parts of them; none: all
    cases: Vec<String>,
    /// Show what differs in known gaps as well
    #[arg(long)]
    gaps: bool,
    /// Show both sides whole
    #[arg(long)]
    both: bool,
    /// Bring the list of known gaps up to date
    #[arg(long)]
    bless: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<bool> {
    if arguments.both {
        return show(arguments).await;
    }
    let report = conformance::suite::run(&arguments.cases).await?;
    let gaps = if arguments.gaps { report.gaps() } else { &[] };
    for (name, differences) in report.failed.iter().chain(gaps) {
        println!("{name}\n  {differences}\n");
    }
    for fault in &report.list_faults {
        println!("{fault}");
    }
    println!("{}", report.summary());
    if arguments.bless {
        ensure!(arguments.cases.is_empty(), "bless wants all cases");
        report.bless()?;
    }
    Ok(report.is_good())
}

/// Both sides of each wanted case, as they are compared.
async fn show(arguments: &Arguments) -> Result<bool> {
    let cases = conformance::case::load_all()?;
    let wanted = |name: &str| arguments.cases.iter().any(|part| name.contains(part.as_str()));
    let mut all_pass = true;
    for case in cases.iter().filter(|case| wanted(&case.name)) {
        let comparison = conformance::run::play(case).await?;
        println!(
            "{}\nrecorded: {:#}\nhere: {:#}",
            case.name, comparison.recorded, comparison.actual
        );
        let differences = comparison.differences();
        all_pass &= differences.is_empty();
        println!("{} differences\n  {}", differences.len(), differences.join("\n  "));
    }
    Ok(all_pass)
}
