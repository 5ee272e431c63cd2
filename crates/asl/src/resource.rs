//! What a Task state's `Resource` names.

use service_models::{Operation, Service};

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
    /// Takes a `Resource` apart; `None` for what is no ARN, names nothing that a Task can use,
    /// or asks an integration for a pattern it does not have.
    pub fn parse(arn: &str) -> Option<Resource> {
        let mut parts = arn.splitn(6, ':');
        if parts.next() != Some("arn") || !parts.next()?.starts_with("aws") {
            return None;
        }
        let (service, region, account, rest) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let (kind, name) = rest.split_once(':')?;
        // The console writes integrations with a region and an account in some exports.
        if service == "states" && kind != "activity" {
            return parse_integration(arn, rest);
        }
        if region.is_empty() || account.is_empty() {
            return None;
        }
        match (service, kind) {
            ("lambda", "function") => {
                let (function, qualifier) = name.split_once(':').unwrap_or((name, "$LATEST"));
                let valid = is_function_name(function) && is_qualifier(qualifier);
                valid.then(|| Resource::LambdaFunction { arn: arn.into() })
            }
            ("states", "activity") => (!name.is_empty() && !name.contains(':'))
                .then(|| Resource::Activity { arn: arn.into() }),
            _ => None,
        }
    }

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
                // `arn:aws:states:<region>:<account>:`, the service, a colon.
                let call = arn.splitn(6, ':').last().unwrap_or(arn);
                call.get(service.len() + 1..).unwrap_or(call)
            }
        }
    }

    /// Whether the task ends when a job is over (`.sync`, `.sync:2`): its call comes back twice,
    /// once when the job is submitted and once at its end.
    pub fn waits_for_job(&self) -> bool {
        matches!(self, Resource::Service { pattern: Pattern::Sync | Pattern::Sync2, .. })
    }

    /// Whether a task token can end the task: with `.waitForTaskToken` nothing else does, with
    /// `.sync` it comes before the job's end.
    pub fn takes_task_token(&self) -> bool {
        self.waits_for_task_token() || self.waits_for_job()
    }

    /// The operation behind an `aws-sdk:` integration.
    pub fn sdk_call(&self) -> Option<(&'static Service, &'static Operation)> {
        let Resource::Service { service, action, .. } = self else { return None };
        sdk_operation(service.strip_prefix("aws-sdk:")?, action)
    }

    /// Whether the task ends by a token that comes back, not by its call's answer.
    pub fn waits_for_task_token(&self) -> bool {
        matches!(self, Resource::Service { pattern: Pattern::WaitForTaskToken, .. })
    }
}

/// Takes the part behind `arn:aws:states:::` apart, which ends the ARN.
fn parse_integration(arn: &str, rest: &str) -> Option<Resource> {
    let (service, call) = match rest.strip_prefix("aws-sdk:") {
        Some(rest) => {
            let colon = rest.find(':')?;
            let service = &rest[..colon];
            let known = !service.is_empty()
                && service.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
            (known.then(|| &arn[arn.len() - rest.len() - 8..][..8 + colon])?, &rest[colon + 1..])
        }
        None => rest.split_once(':')?,
    };
    let (action, pattern) = match call.split_once('.') {
        None => (call, Pattern::RequestResponse),
        Some((action, "sync")) => (action, Pattern::Sync),
        Some((action, "sync:2")) => (action, Pattern::Sync2),
        Some((action, "waitForTaskToken")) => (action, Pattern::WaitForTaskToken),
        Some(_) => return None,
    };
    let offered = if let Some(id) = service.strip_prefix("aws-sdk:") {
        sdk_operation(id, action).is_some()
            && matches!(pattern, Pattern::RequestResponse | Pattern::WaitForTaskToken)
    } else {
        OPTIMIZED.iter().any(|offer| {
            offer.service == service
                && offer.actions.contains(&action)
                && offer.patterns.contains(&pattern)
        })
    };
    offered.then(|| Resource::Service {
        arn: arn.into(),
        service: service.into(),
        action: action.into(),
        pattern,
    })
}

/// The operation that an action of an `aws-sdk:` integration names, if AWS offers it there.
fn sdk_operation(id: &str, action: &str) -> Option<(&'static Service, &'static Operation)> {
    let service = service_models::find(id).filter(|service| service.offered)?;
    let operation = service.action(action).filter(|operation| !operation.is_refused)?;
    Some((service, operation))
}

/// Letters, digits, `-` and `_`, as Lambda names its functions.
fn is_function_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// A version or an alias.
fn is_qualifier(qualifier: &str) -> bool {
    qualifier == "$LATEST" || is_function_name(qualifier)
}

/// Actions of an optimized integration that offer the same patterns.
struct Offer {
    service: &'static str,
    actions: &'static [&'static str],
    patterns: &'static [Pattern],
}

const CALL: &[Pattern] = &[Pattern::RequestResponse];
const CALL_OR_JOB: &[Pattern] = &[Pattern::RequestResponse, Pattern::Sync];
const CALL_OR_TOKEN: &[Pattern] = &[Pattern::RequestResponse, Pattern::WaitForTaskToken];
const CALL_JOB_OR_TOKEN: &[Pattern] =
    &[Pattern::RequestResponse, Pattern::Sync, Pattern::WaitForTaskToken];
const CALL_ANY: &[Pattern] =
    &[Pattern::RequestResponse, Pattern::Sync, Pattern::Sync2, Pattern::WaitForTaskToken];

const fn offer(
    service: &'static str,
    actions: &'static [&'static str],
    patterns: &'static [Pattern],
) -> Offer {
    Offer { service, actions, patterns }
}

/// The optimized integrations. `s3` is not among them: it serves distributed Maps only.
const OPTIMIZED: &[Offer] = &[
    offer("apigateway", &["invoke"], CALL_OR_TOKEN),
    offer("athena", &["startQueryExecution"], CALL_OR_JOB),
    offer("athena", &["stopQueryExecution", "getQueryExecution", "getQueryResults"], CALL),
    offer("batch", &["submitJob"], CALL_OR_JOB),
    offer("bedrock", &["invokeModel"], CALL_OR_TOKEN),
    offer("bedrock", &["createModelCustomizationJob"], CALL_OR_JOB),
    offer("bedrockagentcore", &["invokeHarness"], CALL),
    offer("codebuild", &["startBuild", "startBuildBatch", "retryBuildBatch"], CALL_OR_JOB),
    offer(
        "codebuild",
        &[
            "stopBuild",
            "batchDeleteBuilds",
            "batchGetReports",
            "stopBuildBatch",
            "deleteBuildBatch",
        ],
        CALL,
    ),
    offer("databrew", &["startJobRun"], CALL_OR_JOB),
    offer("dynamodb", &["getItem", "putItem", "updateItem", "deleteItem"], CALL),
    offer("ecs", &["runTask"], CALL_JOB_OR_TOKEN),
    offer(
        "eks",
        &[
            "createCluster",
            "deleteCluster",
            "createNodegroup",
            "deleteNodegroup",
            "createFargateProfile",
            "deleteFargateProfile",
        ],
        CALL_OR_JOB,
    ),
    offer("eks", &["call"], CALL_OR_TOKEN),
    offer("eks", &["runJob"], CALL_JOB_OR_TOKEN),
    offer("elasticmapreduce", &["createCluster", "terminateCluster", "addStep"], CALL_OR_JOB),
    offer(
        "elasticmapreduce",
        &[
            "cancelStep",
            "setClusterTerminationProtection",
            "modifyInstanceFleetByName",
            "modifyInstanceGroupByName",
        ],
        CALL,
    ),
    offer("emr-containers", &["createVirtualCluster"], CALL),
    offer("emr-containers", &["deleteVirtualCluster", "startJobRun"], CALL_OR_JOB),
    offer(
        "emr-serverless",
        &[
            "createApplication",
            "startApplication",
            "stopApplication",
            "deleteApplication",
            "startJobRun",
            "cancelJobRun",
        ],
        CALL_OR_JOB,
    ),
    offer("events", &["putEvents"], CALL_OR_TOKEN),
    offer("glue", &["startJobRun"], CALL_OR_JOB),
    offer("http", &["invoke"], CALL),
    offer("lambda", &["invoke"], CALL_OR_TOKEN),
    offer("mediaconvert", &["createJob"], CALL_OR_JOB),
    offer("sagemaker", &["createEndpoint", "createEndpointConfig", "createModel"], CALL),
    offer("sagemaker", &["updateEndpoint"], CALL),
    offer(
        "sagemaker",
        &[
            "createHyperParameterTuningJob",
            "createLabelingJob",
            "createProcessingJob",
            "createTrainingJob",
            "createTransformJob",
        ],
        CALL_OR_JOB,
    ),
    offer("sns", &["publish"], CALL_OR_TOKEN),
    offer("sqs", &["sendMessage"], CALL_OR_TOKEN),
    offer("states", &["startExecution"], CALL_ANY),
];

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::{Expect, expect};

    use super::*;

    fn check(arns: &[&str], expected: Expect) {
        let mut shown = String::new();
        for arn in arns {
            let outcome = match Resource::parse(arn) {
                None => "not recognized".to_owned(),
                Some(resource) => {
                    assert_eq!(resource.arn(), *arn);
                    let (kind, name) = (resource.resource_type(), resource.resource_name());
                    match &resource {
                        Resource::Service { action, pattern, .. } => {
                            format!("{kind} | {name} | {action} {pattern:?}")
                        }
                        _ => format!("{kind} | {name}"),
                    }
                }
            };
            let _ = writeln!(shown, "{arn} -> {outcome}");
        }
        expected.assert_eq(&shown);
    }

    #[test]
    fn resources() {
        check(
            &[
                "arn:aws:lambda:us-east-1:123456789012:function:ship",
                "arn:aws:lambda:us-east-1:123456789012:function:ship:live",
                "arn:aws:lambda:us-east-1:123456789012:function:ship:$LATEST",
                "arn:aws-cn:lambda:cn-north-1:123456789012:function:ship:7",
                "arn:aws:states:us-east-1:123456789012:activity:paint",
                "arn:aws:states:::lambda:invoke",
                "arn:aws:states:::lambda:invoke.waitForTaskToken",
                "arn:aws-us-gov:states:::sqs:sendMessage",
                "arn:aws:states:::states:startExecution",
                "arn:aws:states:::states:startExecution.sync",
                "arn:aws:states:::states:startExecution.sync:2",
                "arn:aws:states:::states:startExecution.waitForTaskToken",
                "arn:aws:states:::aws-sdk:dynamodb:query",
                "arn:aws:states:::aws-sdk:sfn:startExecution.waitForTaskToken",
                "arn:aws:states:::http:invoke",
                "arn:aws:states:us-east-1:123456789012:aws-sdk:s3:getObject",
                "arn:aws:states:us-east-1:123456789012:sqs:sendMessage",
                "arn:aws:states:::dynamodb:query",
                "arn:aws:states:::lambda:invoke.sync",
                "arn:aws:states:::sqs:sendMessage.sync:2",
                "arn:aws:states:::aws-sdk:dynamodb:query.sync",
                "arn:aws:states:::aws-sdk:dynamodb:Query",
                "arn:aws:states:::aws-sdk:DynamoDb:query",
                "arn:aws:states:::aws-sdk:dynamodb:ask",
                "arn:aws:states:::aws-sdk:unheardof:query",
                "arn:aws:states:::aws-sdk:sts:assumeRole",
                "arn:aws:states:::aws-sdk:rds:describeDBInstances",
                "arn:aws:states:::s3:getObject",
                "arn:aws:states:::lambda",
                "arn:aws:states:us-east-1:123456789012:activity:",
                "arn:aws:lambda:::function:ship",
                "arn:aws:lambda:us-east-1:123456789012:function:",
                "arn:aws:lambda:us-east-1:123456789012:function:${name}",
                "arn:aws:swf:us-east-1:123456789012:task:X",
                "arn:gcp:states:::lambda:invoke",
                "ship",
                "${LambdaArn}",
                "",
            ],
            expect![[r#"
                arn:aws:lambda:us-east-1:123456789012:function:ship -> lambda | arn:aws:lambda:us-east-1:123456789012:function:ship
                arn:aws:lambda:us-east-1:123456789012:function:ship:live -> lambda | arn:aws:lambda:us-east-1:123456789012:function:ship:live
                arn:aws:lambda:us-east-1:123456789012:function:ship:$LATEST -> lambda | arn:aws:lambda:us-east-1:123456789012:function:ship:$LATEST
                arn:aws-cn:lambda:cn-north-1:123456789012:function:ship:7 -> lambda | arn:aws-cn:lambda:cn-north-1:123456789012:function:ship:7
                arn:aws:states:us-east-1:123456789012:activity:paint -> activity | arn:aws:states:us-east-1:123456789012:activity:paint
                arn:aws:states:::lambda:invoke -> lambda | invoke | invoke RequestResponse
                arn:aws:states:::lambda:invoke.waitForTaskToken -> lambda | invoke.waitForTaskToken | invoke WaitForTaskToken
                arn:aws-us-gov:states:::sqs:sendMessage -> sqs | sendMessage | sendMessage RequestResponse
                arn:aws:states:::states:startExecution -> states | startExecution | startExecution RequestResponse
                arn:aws:states:::states:startExecution.sync -> states | startExecution.sync | startExecution Sync
                arn:aws:states:::states:startExecution.sync:2 -> states | startExecution.sync:2 | startExecution Sync2
                arn:aws:states:::states:startExecution.waitForTaskToken -> states | startExecution.waitForTaskToken | startExecution WaitForTaskToken
                arn:aws:states:::aws-sdk:dynamodb:query -> aws-sdk:dynamodb | query | query RequestResponse
                arn:aws:states:::aws-sdk:sfn:startExecution.waitForTaskToken -> aws-sdk:sfn | startExecution.waitForTaskToken | startExecution WaitForTaskToken
                arn:aws:states:::http:invoke -> http | invoke | invoke RequestResponse
                arn:aws:states:us-east-1:123456789012:aws-sdk:s3:getObject -> aws-sdk:s3 | getObject | getObject RequestResponse
                arn:aws:states:us-east-1:123456789012:sqs:sendMessage -> sqs | sendMessage | sendMessage RequestResponse
                arn:aws:states:::dynamodb:query -> not recognized
                arn:aws:states:::lambda:invoke.sync -> not recognized
                arn:aws:states:::sqs:sendMessage.sync:2 -> not recognized
                arn:aws:states:::aws-sdk:dynamodb:query.sync -> not recognized
                arn:aws:states:::aws-sdk:dynamodb:Query -> not recognized
                arn:aws:states:::aws-sdk:DynamoDb:query -> not recognized
                arn:aws:states:::aws-sdk:dynamodb:ask -> not recognized
                arn:aws:states:::aws-sdk:unheardof:query -> not recognized
                arn:aws:states:::aws-sdk:sts:assumeRole -> not recognized
                arn:aws:states:::aws-sdk:rds:describeDBInstances -> aws-sdk:rds | describeDBInstances | describeDBInstances RequestResponse
                arn:aws:states:::s3:getObject -> not recognized
                arn:aws:states:::lambda -> not recognized
                arn:aws:states:us-east-1:123456789012:activity: -> not recognized
                arn:aws:lambda:::function:ship -> not recognized
                arn:aws:lambda:us-east-1:123456789012:function: -> not recognized
                arn:aws:lambda:us-east-1:123456789012:function:${name} -> not recognized
                arn:aws:swf:us-east-1:123456789012:task:X -> not recognized
                arn:gcp:states:::lambda:invoke -> not recognized
                ship -> not recognized
                ${LambdaArn} -> not recognized
                 -> not recognized
            "#]],
        );
    }
}
