//! One file per command. Dispatch only.

mod completions;
mod history;
mod validate;

use std::process::ExitCode;

use crate::cli::Command;
use crate::failure::Failure;

/// Runs a command and says how the process ends.
pub(crate) fn dispatch(command: Command) -> ExitCode {
    let outcome = match command {
        Command::Serve(_) | Command::Dev(_) | Command::Run(_) => {
            Err(Failure::usage("this command is not there yet"))
        }
        Command::History(arguments) => history::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    };
    outcome.unwrap_or_else(|failure| failure.report())
}
