//! The program `stepwell`: command line, configuration, wiring. Everything else is in the
//! libraries.

mod access;
mod cli;
mod client;
mod code;
mod commands;
mod config;
mod failure;
mod machines;
mod prices;
mod progress;
mod quotas;
mod stop;
mod style;
mod telemetry;
mod testing;
mod throttling;
mod tls;
mod tokens;
mod traces;
mod watcher;
mod wiring;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// What one thread allocates for an execution, another frees after the commit: the system's
/// allocator makes threads wait for each other there.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    commands::dispatch(cli::Cli::parse().command)
}
