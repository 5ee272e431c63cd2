//! The program `stepwell`: command line, configuration, wiring. Everything else is in the
//! libraries.

mod cli;
mod client;
mod code;
mod commands;
mod config;
mod failure;
mod machines;
mod progress;
mod stop;
mod style;
mod telemetry;
mod tokens;
mod watcher;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    commands::dispatch(cli::Cli::parse().command)
}
