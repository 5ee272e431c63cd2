//! One file per command. Dispatch only.

mod completions;
mod cost;
mod dev;
mod evaluate;
mod explore;
mod history;
mod jobs;
mod routes;
mod run;
mod serve;
mod test;
mod validate;

use std::process::ExitCode;

pub(crate) use self::evaluate::NAME as EVALUATE;
use crate::cli::Command;

/// Runs a command and says how the process ends.
pub(crate) fn dispatch(command: Command) -> ExitCode {
    let outcome = match command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Dev(arguments) => dev::run(&arguments),
        Command::Routes(arguments) => routes::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::History(arguments) => history::run(&arguments),
        Command::Jobs(arguments) => jobs::run(&arguments),
        Command::Cost(arguments) => cost::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Explore(arguments) => explore::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Evaluate => evaluate::run(),
    };
    outcome.unwrap_or_else(|failure| failure.report())
}
