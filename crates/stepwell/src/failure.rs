//! How a command ends that cannot do what it was asked to.

use std::fmt;
use std::process::ExitCode;

/// Exit status of a command whose work had a bad outcome: a failed execution, an invalid
/// definition under `validate`.
pub(crate) const UNSUCCESSFUL: u8 = 1;
/// Exit status of wrong usage: options, files, a configuration that is not right. The same as
/// the option parser's.
pub(crate) const USAGE: u8 = 2;

/// What a person needs to know, with the exit status it leads to.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
    status: u8,
}

impl Failure {
    /// Somebody used the program wrongly.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), hint: None, status: USAGE }
    }

    /// Something did not work out.
    pub(crate) fn unsuccessful(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), hint: None, status: UNSUCCESSFUL }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// Tells the person, and gives the exit status.
    #[expect(clippy::print_stderr, reason = "the one place that reports a command's failure")]
    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("{self}");
        ExitCode::from(self.status)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}
