//! The program `stepwell`: command line, configuration, wiring. Everything else is in the
//! libraries.

mod cli;
mod client;
mod commands;
mod config;
mod diagnostics;
mod failure;
mod progress;
mod style;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    commands::dispatch(cli::Cli::parse().command)
}
