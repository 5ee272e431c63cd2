//! `stepwell completions`: a completion script on standard output.

use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::{Cli, Completions};
use crate::failure::Failure;

/// Prints the script.
pub(crate) fn run(arguments: &Completions) -> Result<ExitCode, Failure> {
    clap_complete::generate(
        arguments.shell,
        &mut Cli::command(),
        "stepwell",
        &mut std::io::stdout().lock(),
    );
    Ok(ExitCode::SUCCESS)
}
