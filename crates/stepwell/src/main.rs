//! The program `stepwell`: command line, configuration, wiring. Everything else is in the
//! libraries.

mod cli;
mod commands;
mod diagnostics;
mod failure;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    commands::dispatch(cli::Cli::parse().command)
}
