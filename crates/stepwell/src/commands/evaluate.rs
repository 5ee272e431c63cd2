//! `stepwell evaluate`: what the server starts for expressions that may take long. Nobody else
//! calls it, and it is not in the help.

use std::process::ExitCode;

use crate::failure::Failure;

/// The name of the command.
pub(crate) const NAME: &str = "evaluate";

/// Answers until the process that started it has no more questions.
pub(super) fn run() -> Result<ExitCode, Failure> {
    runtime::answer_questions()
        .map(|()| ExitCode::SUCCESS)
        .map_err(|error| Failure::unsuccessful(format!("cannot evaluate: {error}")))
}
