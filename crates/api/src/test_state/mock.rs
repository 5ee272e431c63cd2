//! Mocked results: what the type of state wants, and what the service that a Task calls would
//! answer.

use asl::{Pattern, Payload, Resource, StateKind};
use serde_json::Value;

use super::outputs::{self, Mode};
use crate::constraints::Kind;
use crate::error::ApiError;

/// The rule of `fieldValidationMode`.
pub(crate) const MODE: Kind = Kind::one_of(&["STRICT", PRESENT, NONE]);
const PRESENT: &str = "PRESENT";
const NONE: &str = "NONE";

/// Whether a state with this resource can only be tested with a mock.
pub(crate) fn is_needed(resource: &Resource) -> bool {
    matches!(resource, Resource::Activity { .. }) || has_token(resource)
}

/// Whether a task of this resource has a token.
pub(crate) fn has_token(resource: &Resource) -> bool {
    matches!(
        resource,
        Resource::Service {
            pattern: Pattern::Sync | Pattern::Sync2 | Pattern::WaitForTaskToken,
            ..
        }
    )
}

/// Checks a mocked result.
pub(crate) fn check(
    result: &Payload,
    state: &StateKind,
    mode: Option<&str>,
) -> Result<(), ApiError> {
    let must_be = |what: &str| ApiError::validation(format!("Mocked result must be {what}."));
    match state {
        StateKind::Map(map) => {
            let distributed = map.distributed.as_deref();
            let writer = distributed.and_then(|distributed| distributed.writer.as_ref());
            match writer.is_some_and(|writer| writer.exports) {
                true if result.value().is_object() => Ok(()),
                true => Err(must_be("a JSON object")),
                false if result.value().is_array() => Ok(()),
                false => Err(must_be("an array")),
            }
        }
        StateKind::Parallel { branches } => {
            let Value::Array(results) = result.value() else { return Err(must_be("an array")) };
            match results.len() == branches.len() {
                true => Ok(()),
                false => Err(ApiError::validation(
                    "Mocked result must contain the same number of items as number of Parallel \
                     branches.",
                )),
            }
        }
        StateKind::Task(task) => {
            let mode = match mode {
                Some(NONE) => return Ok(()),
                Some(PRESENT) => Mode::Present,
                _ => Mode::Strict,
            };
            check_answer(result, &task.resource, mode)
        }
        _ => Ok(()),
    }
}

fn check_answer(result: &Payload, resource: &Resource, mode: Mode) -> Result<(), ApiError> {
    let Some(call) = call_behind(resource) else { return Ok(()) };
    outputs::check(result.value(), &call, mode).map_err(|finding| {
        ApiError::validation(format!("Mock result schema validation error: {finding}"))
    })
}

/// The operation whose answer is a task's result; none where it is not known, or the result is
/// not a service's answer.
fn call_behind(resource: &Resource) -> Option<outputs::Call<'_>> {
    let Resource::Service { service, action, pattern, .. } = resource else { return None };
    if *pattern == Pattern::WaitForTaskToken {
        return None;
    }
    if let Some(service) = service.strip_prefix("aws-sdk:") {
        return Some(outputs::Call { service, operation: action, payload: None });
    }
    if matches!(pattern, Pattern::Sync | Pattern::Sync2) {
        let (_, _, service, operation) =
            POLLED.iter().find(|(of, start, ..)| *of == &**service && *start == &**action)?;
        return Some(outputs::Call { service, operation, payload: None });
    }
    // The payloads of these are JSON here, and bytes in the service's own API.
    let payload = match (&**service, &**action) {
        ("lambda", "invoke") => Some("Payload"),
        ("bedrock", "invokeModel") => Some("Body"),
        ("apigateway" | "http", _) | ("eks", "call") => return None,
        _ => None,
    };
    let service = match (&**service, &**action) {
        ("bedrock", "invokeModel") => "bedrockruntime",
        ("elasticmapreduce", _) => "emr",
        ("emr-containers", _) => "emrcontainers",
        ("emr-serverless", _) => "emrserverless",
        ("events", _) => "eventbridge",
        ("states", _) => "sfn",
        (other, _) => other,
    };
    Some(outputs::Call { service, operation: action, payload })
}

/// What `.sync` asks until the job is over: the service and action of the task, and the service
/// and operation that it polls.
const POLLED: &[(&str, &str, &str, &str)] = &[
    ("athena", "startQueryExecution", "athena", "getQueryExecution"),
    ("batch", "submitJob", "batch", "describeJobs"),
    ("bedrock", "createModelCustomizationJob", "bedrock", "getModelCustomizationJob"),
    ("codebuild", "retryBuildBatch", "codebuild", "batchGetBuildBatches"),
    ("codebuild", "startBuild", "codebuild", "batchGetBuilds"),
    ("codebuild", "startBuildBatch", "codebuild", "batchGetBuildBatches"),
    ("databrew", "startJobRun", "databrew", "describeJobRun"),
    ("ecs", "runTask", "ecs", "describeTasks"),
    ("eks", "createCluster", "eks", "describeCluster"),
    ("eks", "createFargateProfile", "eks", "describeFargateProfile"),
    ("eks", "createNodegroup", "eks", "describeNodegroup"),
    ("eks", "deleteCluster", "eks", "describeCluster"),
    ("eks", "deleteFargateProfile", "eks", "describeFargateProfile"),
    ("eks", "deleteNodegroup", "eks", "describeNodegroup"),
    ("elasticmapreduce", "addStep", "emr", "describeStep"),
    ("elasticmapreduce", "createCluster", "emr", "describeCluster"),
    ("elasticmapreduce", "terminateCluster", "emr", "describeCluster"),
    ("emr-containers", "deleteVirtualCluster", "emrcontainers", "describeVirtualCluster"),
    ("emr-containers", "startJobRun", "emrcontainers", "describeJobRun"),
    ("emr-serverless", "cancelJobRun", "emrserverless", "getJobRun"),
    ("emr-serverless", "createApplication", "emrserverless", "getApplication"),
    ("emr-serverless", "deleteApplication", "emrserverless", "getApplication"),
    ("emr-serverless", "startApplication", "emrserverless", "getApplication"),
    ("emr-serverless", "startJobRun", "emrserverless", "getJobRun"),
    ("emr-serverless", "stopApplication", "emrserverless", "getApplication"),
    ("glue", "startJobRun", "glue", "getJobRun"),
    ("mediaconvert", "createJob", "mediaconvert", "getJob"),
    ("sagemaker", "createHyperParameterTuningJob", "sagemaker", "describeHyperParameterTuningJob"),
    ("sagemaker", "createLabelingJob", "sagemaker", "describeLabelingJob"),
    ("sagemaker", "createProcessingJob", "sagemaker", "describeProcessingJob"),
    ("sagemaker", "createTrainingJob", "sagemaker", "describeTrainingJob"),
    ("sagemaker", "createTransformJob", "sagemaker", "describeTransformJob"),
    ("states", "startExecution", "sfn", "describeExecution"),
];

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(arn: &str, mode: Mode, result: &str, expected: Expect) {
        let resource = Resource::parse(arn).unwrap();
        let result = Payload::parse(result).unwrap();
        let shown = match check_answer(&result, &resource, mode) {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.message.unwrap_or_default(),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn results_are_held_against_the_services_model() {
        let put_item = "arn:aws:states:::dynamodb:putItem";
        check(put_item, Mode::Strict, "{}", expect!["ok"]);
        check(put_item, Mode::Strict, r#"{"Unknown": 1}"#, expect!["ok"]);
        check(
            put_item,
            Mode::Strict,
            "[]",
            expect!["Mock result schema validation error: Mocked result must be a JSON object"],
        );
        check(
            put_item,
            Mode::Present,
            r#"{"Attributes": {"a": {"S": 1}}}"#,
            expect!["Mock result schema validation error: Field 'S' must be a string"],
        );
        check(put_item, Mode::Present, r#"{"Attributes": {"a": {"S": "1"}}}"#, expect!["ok"]);
        check(
            put_item,
            Mode::Present,
            r#"{"Attributes": 1}"#,
            expect!["Mock result schema validation error: Field 'Attributes' must be an object"],
        );
        check(
            "arn:aws:states:::events:putEvents",
            Mode::Strict,
            r#"{"Entries": {}}"#,
            expect!["Mock result schema validation error: Field 'Entries' must be an array"],
        );
        let start = "arn:aws:states:::states:startExecution";
        check(
            start,
            Mode::Strict,
            "{}",
            expect![
                "Mock result schema validation error: Required field 'ExecutionArn' is missing"
            ],
        );
        check(start, Mode::Present, "{}", expect!["ok"]);
        // Polled until it is over.
        let sync = "arn:aws:states:::states:startExecution.sync:2";
        check(
            sync,
            Mode::Strict,
            r#"{"ExecutionArn": "a", "StartDate": "s"}"#,
            expect![
                "Mock result schema validation error: Required field 'StateMachineArn' is missing"
            ],
        );
        check(
            sync,
            Mode::Present,
            r#"{"Status": "DONE"}"#,
            expect!["Mock result schema validation error: Field 'Status' is not an expected value"],
        );
        // Nothing is known of what comes with a token.
        check(
            "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            Mode::Strict,
            "1",
            expect!["ok"],
        );
        check("arn:aws:states:::http:invoke", Mode::Strict, "1", expect!["ok"]);
        check("arn:aws:states:::lambda:invoke", Mode::Strict, r#"{"Payload": [1]}"#, expect!["ok"]);
        check(
            "arn:aws:states:::aws-sdk:lambda:invoke",
            Mode::Strict,
            r#"{"Payload": [1]}"#,
            expect!["Mock result schema validation error: Field 'Payload' must be a string"],
        );
    }

    #[test]
    fn what_waits_for_the_outside_needs_a_mock() {
        let needs = |arn: &str| is_needed(&Resource::parse(arn).unwrap());
        assert!(needs("arn:aws:states:us-east-1:123456789012:activity:a"));
        assert!(needs("arn:aws:states:::lambda:invoke.waitForTaskToken"));
        assert!(needs("arn:aws:states:::states:startExecution.sync:2"));
        assert!(!needs("arn:aws:states:::lambda:invoke"));
        assert!(!needs("arn:aws:lambda:us-east-1:123456789012:function:f"));
    }

    #[test]
    fn everything_that_is_polled_is_known() {
        for (_, _, service, operation) in POLLED {
            assert!(outputs::is_known(service, operation), "{service} {operation}");
        }
    }
}
