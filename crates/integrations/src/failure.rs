//! How failed calls are told to a state machine: error names and cause texts.

use engine::TaskFailure;

/// The error of a task whose call may have been made before a crash, where the operator asked
/// that it is not made twice.
pub const INTERRUPTED_BY_CRASH: &str = "Stepwell.InterruptedByCrash";
/// The error of a task that this version cannot do.
pub const NOT_SUPPORTED: &str = "Stepwell.NotSupported";

/// The error of a task whose call has nowhere to go; the cause says what to configure.
pub const NOT_CONFIGURED: &str = "Stepwell.NotConfigured";

pub(crate) fn task_failure(error: impl Into<Box<str>>, cause: impl Into<Box<str>>) -> TaskFailure {
    TaskFailure { error: Some(error.into()), cause: Some(cause.into()) }
}

/// A failure of parameters that came out wrong at run time.
pub(crate) fn bad_parameters(parameters: &str, problems: &[String]) -> TaskFailure {
    task_failure(
        "States.Runtime",
        format!(
            "The Parameters '{parameters}' could not be used to start the Task: [{}]",
            problems.join(", ")
        ),
    )
}

/// An error that a service answered, told in the words of the optimized integrations.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ServiceError<'a> {
    /// Before the dot of the error's name: `Lambda`.
    pub(crate) prefix: &'a str,
    /// In the cause's text: `AWSLambda`.
    pub(crate) service: &'a str,
    /// The error's name after the dot.
    pub(crate) exception: &'a str,
    pub(crate) message: Option<&'a str>,
    pub(crate) status: u16,
    pub(crate) code: Option<&'a str>,
    pub(crate) request_id: &'a str,
}

impl ServiceError<'_> {
    pub(crate) fn into_failure(self) -> TaskFailure {
        task_failure(
            format!("{}.{}", self.prefix, self.exception),
            format!(
                "{} (Service: {}; Status Code: {}; Error Code: {}; Request ID: {}; Proxy: null)",
                self.message.unwrap_or("null"),
                self.service,
                self.status,
                self.code.unwrap_or("null"),
                self.request_id
            ),
        )
    }
}
