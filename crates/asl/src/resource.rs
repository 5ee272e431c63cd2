//! What a Task state's `Resource` names.

/// How a service integration waits for its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pattern {
    RequestResponse,
    /// `.sync`
    Sync,
    /// `.sync:2`
    Sync2,
    /// `.waitForTaskToken`
    WaitForTaskToken,
}

/// A Task state's `Resource`, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Resource {
    /// A function's own ARN: events are LambdaFunction….
    LambdaFunction {
        arn: Box<str>,
    },
    Activity {
        arn: Box<str>,
    },
    /// `arn:aws:states:::<service>:<action>[suffix]`; the service of an SDK integration is
    /// written `aws-sdk:<service>`.
    Service {
        arn: Box<str>,
        service: Box<str>,
        action: Box<str>,
        pattern: Pattern,
    },
}

impl Resource {
    /// The ARN as it was written.
    pub fn arn(&self) -> &str {
        match self {
            Resource::LambdaFunction { arn }
            | Resource::Activity { arn }
            | Resource::Service { arn, .. } => arn,
        }
    }

    /// `resourceType` in the history: `lambda`, `sqs`, `aws-sdk:dynamodb`, …
    pub fn resource_type(&self) -> &str {
        match self {
            Resource::LambdaFunction { .. } => "lambda",
            Resource::Activity { .. } => "activity",
            Resource::Service { service, .. } => service,
        }
    }

    /// `resource` in the history: the ARN, or for a service its action with the suffix, as in
    /// `sendMessage.waitForTaskToken`.
    pub fn resource_name(&self) -> &str {
        match self {
            Resource::LambdaFunction { arn } | Resource::Activity { arn } => arn,
            Resource::Service { arn, service, .. } => {
                let start = arn.find(&**service).map_or(0, |at| at + service.len() + 1);
                &arn[start.min(arn.len())..]
            }
        }
    }

    /// Whether the task ends by a token that comes back, not by its call's answer.
    pub fn waits_for_task_token(&self) -> bool {
        matches!(self, Resource::Service { pattern: Pattern::WaitForTaskToken, .. })
    }
}
