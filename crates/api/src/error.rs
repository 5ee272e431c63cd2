//! What goes wrong, in AWS's error types, texts and status codes. The only place that knows how
//! an error looks on the wire.

use asl::{Diagnostic, Severity};
use http::StatusCode;
use runtime::RuntimeError;

use crate::json::JsonObject;

/// AWS's name of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorType {
    /// The caller's role or account does not allow it.
    AccessDenied,
    ActivityAlreadyExists,
    ActivityDoesNotExist,
    ActivityLimitExceeded,
    ActivityWorkerLimitExceeded,
    Conflict,
    ExecutionAlreadyExists,
    ExecutionDoesNotExist,
    ExecutionLimitExceeded,
    ExecutionNotRedrivable,
    /// What a signature needs is not all there.
    IncompleteSignature,
    InvalidArn,
    InvalidDefinition,
    InvalidEncryptionConfiguration,
    InvalidExecutionInput,
    InvalidLoggingConfiguration,
    InvalidName,
    InvalidOutput,
    /// The signature is not what the key makes of the request, or not of now.
    InvalidSignature,
    InvalidToken,
    /// The request is not signed.
    MissingAuthenticationToken,
    MissingRequiredParameter,
    ResourceNotFound,
    ServiceQuotaExceeded,
    StateMachineAlreadyExists,
    StateMachineDeleting,
    StateMachineDoesNotExist,
    StateMachineLimitExceeded,
    StateMachineTypeNotSupported,
    TaskTimedOut,
    /// It came too soon.
    Throttling,
    TooManyTags,
    /// A rule of the service that is not one of the request's shape.
    Validation,
    /// A member of the request violates its constraint.
    ConstraintViolation,
    /// The body is not what the protocol wants.
    Serialization,
    /// No such operation, or none that this server has.
    UnknownOperation,
    /// No such access key.
    UnrecognizedClient,
    RequestEntityTooLarge,
    ServiceUnavailable,
    InternalFailure,
}

/// Where AWS's own errors of Step Functions come from.
macro_rules! service {
    ($name:literal) => {
        concat!("com.amazonaws.swf.service.v2.model#", $name)
    };
}

/// Where the errors of AWS's common server framework come from.
macro_rules! framework {
    ($name:literal) => {
        concat!("com.amazon.coral.service#", $name)
    };
}

impl ErrorType {
    /// The value of `__type`. Clients look only at what follows the `#`.
    fn wire_name(self) -> &'static str {
        use ErrorType as E;
        match self {
            E::AccessDenied => framework!("AccessDeniedException"),
            E::IncompleteSignature => framework!("IncompleteSignatureException"),
            E::InvalidSignature => framework!("InvalidSignatureException"),
            E::MissingAuthenticationToken => framework!("MissingAuthenticationTokenException"),
            E::UnrecognizedClient => framework!("UnrecognizedClientException"),
            E::ActivityAlreadyExists => service!("ActivityAlreadyExists"),
            E::ActivityDoesNotExist => service!("ActivityDoesNotExist"),
            E::ActivityLimitExceeded => service!("ActivityLimitExceeded"),
            E::ActivityWorkerLimitExceeded => service!("ActivityWorkerLimitExceeded"),
            E::Conflict => service!("ConflictException"),
            E::ExecutionAlreadyExists => service!("ExecutionAlreadyExists"),
            E::ExecutionDoesNotExist => service!("ExecutionDoesNotExist"),
            E::ExecutionLimitExceeded => service!("ExecutionLimitExceeded"),
            E::ExecutionNotRedrivable => service!("ExecutionNotRedrivable"),
            E::InvalidArn => service!("InvalidArn"),
            E::InvalidDefinition => service!("InvalidDefinition"),
            E::InvalidEncryptionConfiguration => service!("InvalidEncryptionConfiguration"),
            E::InvalidExecutionInput => service!("InvalidExecutionInput"),
            E::InvalidLoggingConfiguration => service!("InvalidLoggingConfiguration"),
            E::InvalidName => service!("InvalidName"),
            E::InvalidOutput => service!("InvalidOutput"),
            E::InvalidToken => service!("InvalidToken"),
            E::MissingRequiredParameter => service!("MissingRequiredParameter"),
            E::ResourceNotFound => service!("ResourceNotFound"),
            E::ServiceQuotaExceeded => service!("ServiceQuotaExceededException"),
            E::StateMachineAlreadyExists => service!("StateMachineAlreadyExists"),
            E::StateMachineDeleting => service!("StateMachineDeleting"),
            E::StateMachineDoesNotExist => service!("StateMachineDoesNotExist"),
            E::StateMachineLimitExceeded => service!("StateMachineLimitExceeded"),
            E::StateMachineTypeNotSupported => service!("StateMachineTypeNotSupported"),
            E::TaskTimedOut => service!("TaskTimedOut"),
            E::Throttling => "com.amazon.coral.availability#ThrottlingException",
            E::TooManyTags => service!("TooManyTags"),
            E::Validation => service!("ValidationException"),
            E::ConstraintViolation => "com.amazon.coral.validate#ValidationException",
            E::Serialization => framework!("SerializationException"),
            E::UnknownOperation => framework!("UnknownOperationException"),
            E::RequestEntityTooLarge => framework!("RequestEntityTooLargeException"),
            E::ServiceUnavailable => framework!("ServiceUnavailable"),
            E::InternalFailure => framework!("InternalFailure"),
        }
    }

    fn status(self) -> StatusCode {
        match self {
            ErrorType::RequestEntityTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorType::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorType::InternalFailure => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// An error on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) error_type: ErrorType,
    /// Absent where AWS sends none.
    pub(crate) message: Option<String>,
    /// `reason` of a ValidationException.
    pub(crate) reason: Option<&'static str>,
    /// `resourceName` of ResourceNotFound and TooManyTags.
    pub(crate) resource_name: Option<String>,
}

impl ApiError {
    pub(crate) fn new(error_type: ErrorType, message: impl Into<String>) -> ApiError {
        ApiError { error_type, message: Some(message.into()), reason: None, resource_name: None }
    }

    /// An error that AWS sends without a text.
    pub(crate) fn bare(error_type: ErrorType) -> ApiError {
        ApiError { error_type, message: None, reason: None, resource_name: None }
    }

    pub(crate) fn validation(message: impl Into<String>) -> ApiError {
        ApiError::new(ErrorType::Validation, message)
    }

    pub(crate) fn invalid_name(name: &str) -> ApiError {
        ApiError::new(ErrorType::InvalidName, format!("Invalid Name: '{name}'"))
    }

    pub(crate) fn invalid_token() -> ApiError {
        ApiError::new(ErrorType::InvalidToken, "Invalid Token: 'Invalid token'")
    }

    pub(crate) fn state_machine_does_not_exist(arn: &str) -> ApiError {
        ApiError::new(
            ErrorType::StateMachineDoesNotExist,
            format!("State Machine Does Not Exist: '{arn}'"),
        )
    }

    pub(crate) fn execution_does_not_exist(arn: &str) -> ApiError {
        ApiError::new(
            ErrorType::ExecutionDoesNotExist,
            format!("Execution Does Not Exist: '{arn}'"),
        )
    }

    pub(crate) fn resource_not_found(arn: &str) -> ApiError {
        ApiError {
            resource_name: Some(arn.to_owned()),
            ..ApiError::new(ErrorType::ResourceNotFound, format!("Resource not found: '{arn}'"))
        }
    }

    /// An alias, a version, a Map Run that is not there.
    pub(crate) fn reference_not_found(arn: &str) -> ApiError {
        ApiError {
            resource_name: Some(arn.to_owned()),
            ..ApiError::new(
                ErrorType::ResourceNotFound,
                "Request references a resource that does not exist.",
            )
        }
    }

    /// A ValidationException with a reason of AWS's list.
    pub(crate) fn validation_because(reason: &'static str, message: impl Into<String>) -> ApiError {
        ApiError { reason: Some(reason), ..ApiError::validation(message) }
    }

    pub(crate) fn too_many_tags(arn: &str, most: usize) -> ApiError {
        ApiError {
            resource_name: Some(arn.to_owned()),
            ..ApiError::new(
                ErrorType::TooManyTags,
                format!("Too many tags: '{arn}'. A resource can have up to {most} tags"),
            )
        }
    }

    pub(crate) fn type_not_supported() -> ApiError {
        ApiError::new(
            ErrorType::StateMachineTypeNotSupported,
            "This operation is not supported by this type of state machine",
        )
    }

    /// The error for a definition with at least one error among its diagnostics.
    pub(crate) fn invalid_definition(diagnostics: &[Diagnostic]) -> ApiError {
        let mut text = String::from("Invalid State Machine Definition: '");
        let errors = diagnostics.iter().filter(|found| found.severity == Severity::Error);
        for (index, diagnostic) in errors.enumerate() {
            if index > 0 {
                text.push_str(", ");
            }
            text.push_str(diagnostic.code);
            text.push_str(": ");
            text.push_str(&diagnostic.message);
            text.push_str(" at ");
            text.push_str(diagnostic.location.as_deref().unwrap_or("null"));
        }
        text.push('\'');
        ApiError::new(ErrorType::InvalidDefinition, text)
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.error_type.status()
    }

    /// The error's name without its namespace.
    pub(crate) fn code(&self) -> &'static str {
        let name = self.error_type.wire_name();
        name.rsplit('#').next().unwrap_or(name)
    }

    /// The status beside AWS's API, where what does not exist is not found and
    /// what is not allowed is forbidden.
    pub(crate) fn plain_status(&self) -> StatusCode {
        match self.error_type {
            ErrorType::ExecutionDoesNotExist
            | ErrorType::StateMachineDoesNotExist
            | ErrorType::ResourceNotFound => StatusCode::NOT_FOUND,
            ErrorType::AccessDenied => StatusCode::FORBIDDEN,
            other => other.status(),
        }
    }

    /// The body of the response.
    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = JsonObject::new();
        body.text("__type", self.error_type.wire_name());
        if let Some(message) = &self.message {
            // AWS spells it so in this one.
            let is_denial = self.error_type == ErrorType::AccessDenied;
            body.text(if is_denial { "Message" } else { "message" }, message);
        }
        if let Some(reason) = self.reason {
            body.text("reason", reason);
        }
        if let Some(resource_name) = &self.resource_name {
            body.text("resourceName", resource_name);
        }
        body.finish()
    }
}

impl From<RuntimeError> for ApiError {
    fn from(error: RuntimeError) -> ApiError {
        match error {
            RuntimeError::StateMachineDoesNotExist(arn) => {
                ApiError::state_machine_does_not_exist(&arn)
            }
            RuntimeError::StateMachineAlreadyExists(arn) => ApiError::new(
                ErrorType::StateMachineAlreadyExists,
                format!("State Machine Already Exists: '{arn}'"),
            ),
            RuntimeError::TestCaseDoesNotExist { name, reason } => {
                ApiError::new(ErrorType::InvalidName, format!("Invalid Name: '{name}': {reason}"))
            }
            RuntimeError::StateMachineDeleting(arn) => ApiError::new(
                ErrorType::StateMachineDeleting,
                format!("State Machine is being deleted: '{arn}'"),
            ),
            RuntimeError::InvalidDefinition(diagnostics) => {
                ApiError::invalid_definition(&diagnostics)
            }
            RuntimeError::ExecutionNotRedrivable { arn, reason } => ApiError::new(
                ErrorType::ExecutionNotRedrivable,
                format!("Execution {arn} invalid for redrive as: {}", reason.reason()),
            ),
            RuntimeError::ExecutionDoesNotExist(arn) => ApiError::execution_does_not_exist(&arn),
            RuntimeError::ExecutionAlreadyExists(arn) => ApiError::new(
                ErrorType::ExecutionAlreadyExists,
                format!("Execution Already Exists: '{arn}'"),
            ),
            RuntimeError::ActivityDoesNotExist(arn) => ApiError::new(
                ErrorType::ActivityDoesNotExist,
                format!("Activity Does Not Exist: '{arn}'"),
            ),
            RuntimeError::StateMachineLimitExceeded(arn) => ApiError::new(
                ErrorType::StateMachineLimitExceeded,
                format!("State Machine Limit Exceeded: '{arn}'"),
            ),
            RuntimeError::ActivityLimitExceeded(arn) => ApiError::new(
                ErrorType::ActivityLimitExceeded,
                format!("Activity Limit Exceeded: '{arn}'"),
            ),
            RuntimeError::ExecutionLimitExceeded(arn) => ApiError::new(
                ErrorType::ExecutionLimitExceeded,
                format!("Execution Limit Exceeded: '{arn}'"),
            ),
            RuntimeError::ActivityWorkerLimitExceeded(arn) => ApiError::new(
                ErrorType::ActivityWorkerLimitExceeded,
                format!("Activity Worker Limit Exceeded: '{arn}'"),
            ),
            RuntimeError::ResourceNotFound(arn) => ApiError::resource_not_found(&arn),
            RuntimeError::ReferenceNotFound(arn) => ApiError::reference_not_found(&arn),
            RuntimeError::Conflict(message) => ApiError::new(ErrorType::Conflict, message),
            RuntimeError::ServiceQuotaExceeded(message) => {
                ApiError::new(ErrorType::ServiceQuotaExceeded, message)
            }
            RuntimeError::TooManyTags { arn, most } => ApiError::too_many_tags(&arn, most),
            RuntimeError::InvalidToken => ApiError::invalid_token(),
            // AWS makes no difference between an attempt that is over and one whose execution is.
            // Of an activity it names the activity, of a task with a token nothing.
            RuntimeError::ActivityTaskTimedOut(arn) => {
                ApiError::new(ErrorType::TaskTimedOut, format!("Task Timed Out: '{arn}'"))
            }
            RuntimeError::TaskTimedOut | RuntimeError::TaskDoesNotExist => ApiError::new(
                ErrorType::TaskTimedOut,
                "Task Timed Out: 'Provided task does not exist anymore'",
            ),
            RuntimeError::MapRunCompleted => ApiError::validation_because(
                "CANNOT_UPDATE_COMPLETED_MAP_RUN",
                "Cannot update a Map Run that has completed.",
            ),
            RuntimeError::StateMachineTypeNotSupported => ApiError::type_not_supported(),
            RuntimeError::Stopping => {
                ApiError::new(ErrorType::ServiceUnavailable, "The server is stopping")
            }
            RuntimeError::Overloaded(what) => ApiError::new(ErrorType::ServiceUnavailable, what),
            RuntimeError::Store(error) => {
                tracing::error!(%error, "the store did not answer a request");
                ApiError::new(ErrorType::InternalFailure, error.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(error: ApiError, expected: Expect) {
        let status = error.status().as_u16();
        let body = String::from_utf8(error.body()).unwrap();
        expected.assert_eq(&format!("{status} {body}"));
    }

    #[test]
    fn errors_look_as_on_aws() {
        check(
            ApiError::invalid_name("a b"),
            expect![[
                r#"400 {"__type":"com.amazonaws.swf.service.v2.model#InvalidName","message":"Invalid Name: 'a b'"}"#
            ]],
        );
        check(
            ApiError::bare(ErrorType::Serialization),
            expect![[r#"400 {"__type":"com.amazon.coral.service#SerializationException"}"#]],
        );
        check(
            ApiError::resource_not_found("arn:x"),
            expect![[
                r#"400 {"__type":"com.amazonaws.swf.service.v2.model#ResourceNotFound","message":"Resource not found: 'arn:x'","resourceName":"arn:x"}"#
            ]],
        );
        check(
            RuntimeError::Stopping.into(),
            expect![[
                r#"503 {"__type":"com.amazon.coral.service#ServiceUnavailable","message":"The server is stopping"}"#
            ]],
        );
    }

    #[test]
    fn a_definition_error_joins_errors_and_leaves_warnings_out() {
        let found = |severity, message: &str, location: Option<&str>| Diagnostic {
            severity,
            code: "CODE",
            message: message.to_owned(),
            location: location.map(str::to_owned),
            span: None,
        };
        check(
            ApiError::invalid_definition(&[
                found(Severity::Error, "one", Some("/States/A")),
                found(Severity::Warning, "two", Some("/")),
                found(Severity::Error, "three", None),
            ]),
            expect![[
                r#"400 {"__type":"com.amazonaws.swf.service.v2.model#InvalidDefinition","message":"Invalid State Machine Definition: 'CODE: one at /States/A, CODE: three at null'"}"#
            ]],
        );
    }
}
