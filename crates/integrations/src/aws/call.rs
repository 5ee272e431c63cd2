//! One call of an operation: what goes in, what comes out, what can go wrong.

use std::time::Duration;

use asl::Resource;
use bytes::Bytes;
use engine::TaskFailure;
use serde_json::Value;
use service_models::{Operation, Service};

use crate::failure::{NOT_CONFIGURED, bad_parameters, task_failure};

/// Time in which an attempt must be answered, if nothing else is said: longer than the longest
/// poll of a service (60 seconds).
const TIMEOUT: Duration = Duration::from_secs(70);
/// The same for services that run something while the caller waits.
const TIMEOUT_OF_WORK: Duration = Duration::from_secs(900);
const WORKING: [&str; 6] = [
    "bedrockagentcore",
    "bedrockagentruntime",
    "bedrockruntime",
    "lambda",
    "rdsdata",
    "sagemakerruntime",
];
/// Bytes of an answer, if nothing else is said: more than any result of a task may have.
const RESPONSE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Services whose causes tell how often the call was tried, as AWS's SDK does since 2025. Of the
/// others there are only recordings without it.
const COUNTING: [&str; 1] = ["Sfn"];

/// A call to make.
#[derive(Debug, Clone)]
pub struct AwsCall<'a> {
    pub service: &'static Service,
    pub operation: &'static Operation,
    /// An object, in the spelling of tasks.
    pub parameters: &'a Value,
    /// The body, where the operation has one that is bytes, instead of a member of `parameters`.
    pub payload: Option<Bytes>,
    pub context: CallContext<'a>,
}

/// The surroundings of a call.
#[derive(Debug, Clone)]
pub struct CallContext<'a> {
    pub region: &'a str,
    /// A role to assume for this call.
    pub role_arn: Option<&'a str>,
    /// The role of the state machine, which is told where it may not assume the other.
    pub own_role_arn: Option<&'a str>,
    /// The resource of the task that is called for, by which a route may say where to call; a
    /// call for no task goes by `aws-sdk:<service>:<action>`.
    pub resource: Option<&'a Resource>,
    /// Bound of each attempt; the usual one of the service if absent.
    pub timeout: Option<Duration>,
    /// Bound of the answer's body, in bytes.
    pub response_bytes_max: usize,
}

impl AwsCall<'_> {
    /// Time in which an attempt must be answered.
    pub(super) fn timeout(&self) -> Duration {
        let usual = || match WORKING.contains(&&*self.service.id) {
            true => TIMEOUT_OF_WORK,
            false => TIMEOUT,
        };
        self.context.timeout.unwrap_or_else(usual)
    }
}

impl<'a> CallContext<'a> {
    /// The usual bounds, no role, no route.
    pub fn new(region: &'a str) -> CallContext<'a> {
        CallContext {
            region,
            role_arn: None,
            own_role_arn: None,
            resource: None,
            timeout: None,
            response_bytes_max: RESPONSE_BYTES_MAX,
        }
    }
}

/// A successful answer.
#[derive(Debug, Clone, PartialEq)]
pub struct AwsResponse {
    /// An object, in the spelling of tasks.
    pub output: Value,
    /// The bytes of the member that is the body, where there is such a member.
    pub payload: Option<Bytes>,
    pub status: u16,
    /// In the order and spelling of the answer.
    pub headers: Vec<(String, String)>,
    pub request_id: String,
}

/// Why a call did not succeed.
#[derive(Debug, Clone, PartialEq)]
pub enum AwsError {
    /// The parameters are wrong; nothing was sent. Each in AWS's words.
    Parameters(Vec<String>),
    /// The service answered an error.
    Service(ServiceFault),
    /// There was no answer, or none that could be understood; the text follows AWS's
    /// `Unable to execute HTTP request: ` where it applies.
    Client { prefix: Box<str>, message: String },
    /// Nothing says where the call should go; the text says what to configure.
    NotConfigured(String),
    /// The role of the task could not be assumed.
    Role { role_arn: String, message: String },
}

/// An error that a service answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceFault {
    /// Of the SDK's names: `DynamoDb`.
    pub prefix: Box<str>,
    /// Of the SDK's class: `ConditionalCheckFailedException`; `DynamoDbException` where the
    /// model does not have it.
    pub exception: String,
    /// The name of the error's shape in the model, if it is there: `NoSuchKey`.
    pub shape: Option<Box<str>>,
    /// As it came: `ConditionalCheckFailedException`, `AWS.SimpleQueueService.NonExistentQueue`.
    pub code: Option<String>,
    pub message: Option<String>,
    pub status: u16,
    pub request_id: Option<String>,
    /// S3's second id.
    pub extended_request_id: Option<String>,
    /// How often the call was tried.
    pub attempts: u32,
}

impl AwsError {
    /// The failure of a task with an `aws-sdk:` resource.
    pub fn into_failure(self, parameters: &str) -> TaskFailure {
        match self {
            AwsError::Parameters(problems) => bad_parameters(parameters, &problems),
            AwsError::Service(fault) => fault.into_failure(),
            AwsError::Client { prefix, message } => {
                task_failure(format!("{prefix}.SdkClientException"), message)
            }
            AwsError::NotConfigured(message) => task_failure(NOT_CONFIGURED, message),
            AwsError::Role { message, .. } => task_failure("States.TaskFailed", message),
        }
    }
}

impl ServiceFault {
    /// In the words of AWS's SDK for Java 2.
    pub fn cause(&self) -> String {
        let mut details = format!(
            "(Service: {}, Status Code: {}, Request ID: {}",
            self.prefix,
            self.status,
            self.request_id.as_deref().unwrap_or("null")
        );
        if let Some(id) = &self.extended_request_id {
            details.push_str(", Extended Request ID: ");
            details.push_str(id);
        }
        details.push(')');
        if COUNTING.contains(&&*self.prefix) {
            details.push_str(&format!(" (SDK Attempt Count: {})", self.attempts));
        }
        match &self.message {
            Some(message) => format!("{message} {details}"),
            None => details,
        }
    }

    fn into_failure(self) -> TaskFailure {
        task_failure(format!("{}.{}", self.prefix, self.exception), self.cause())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_those_of_the_java_sdk() {
        let check = |prefix: &str, message: Option<&str>, extended: Option<&str>, cause: &str| {
            let fault = ServiceFault {
                prefix: prefix.into(),
                exception: "E".to_owned(),
                shape: None,
                code: None,
                message: message.map(str::to_owned),
                status: 404,
                request_id: Some("R".to_owned()),
                extended_request_id: extended.map(str::to_owned),
                attempts: 2,
            };
            assert_eq!(fault.cause(), cause);
        };
        check(
            "DynamoDb",
            Some("No."),
            None,
            "No. (Service: DynamoDb, Status Code: 404, Request ID: R)",
        );
        check(
            "S3",
            Some("No."),
            Some("X"),
            "No. (Service: S3, Status Code: 404, Request ID: R, Extended Request ID: X)",
        );
        check("S3", None, None, "(Service: S3, Status Code: 404, Request ID: R)");
        check(
            "Sfn",
            Some("No."),
            None,
            "No. (Service: Sfn, Status Code: 404, Request ID: R) (SDK Attempt Count: 2)",
        );
    }
}
