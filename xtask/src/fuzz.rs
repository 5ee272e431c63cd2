//! `cargo xtask fuzz`: made-up requests to the API, made-up texts in the languages.

use anyhow::Result;

use crate::process;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many requests
    #[arg(default_value = "10000")]
    requests: u64,
    /// Only this part
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Which requests, and the first texts
    #[arg(long, default_value = "1")]
    seed: u64,
    /// How long texts are made up; what fails is written to a file
    #[arg(long, default_value = "1")]
    minutes: u64,
    /// Only these kinds of text: definition, path, template, intrinsic, jsonata, execution
    #[arg(long, value_delimiter = ',')]
    targets: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Part {
    /// Requests to every operation
    Requests,
    /// Definitions, paths, templates, intrinsic calls, JSONata; executions of what is valid
    Language,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.only != Some(Part::Language) {
        let mut command = process::cargo(["test", "-p", "api", "--test", "wire", "fuzz"]);
        command.env("STEPWELL_FUZZ_REQUESTS", options.requests.to_string());
        process::run(command.env("STEPWELL_FUZZ_SEED", options.seed.to_string()))?;
    }
    if options.only != Some(Part::Requests) {
        let mut command = process::cargo(["run", "--quiet", "--release", "-p", "fuzz", "--"]);
        command.arg(options.minutes.to_string()).arg(options.seed.to_string());
        process::run(command.args(&options.targets))?;
    }
    Ok(())
}
