//! What the calls of integrations must be given.

use super::{Field, Findings, Reader, sdk_parameters};
use crate::{QueryLanguage, Resource};

/// What one call takes.
struct Call {
    service: &'static str,
    action: &'static str,
    required: &'static [&'static str],
    /// The other fields; none where they are not known.
    optional: Option<&'static [&'static str]>,
}

const fn call(
    service: &'static str,
    action: &'static str,
    required: &'static [&'static str],
    optional: Option<&'static [&'static str]>,
) -> Call {
    Call { service, action, required, optional }
}

const DELETE_OR_PUT: &[&str] = &[
    "ConditionExpression",
    "ConditionalOperator",
    "Expected",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ReturnConsumedCapacity",
    "ReturnItemCollectionMetrics",
    "ReturnValues",
    "ReturnValuesOnConditionCheckFailure",
];

/// The calls whose fields are known.
const CALLS: &[Call] = &[
    call("dynamodb", "deleteItem", &["TableName", "Key"], Some(DELETE_OR_PUT)),
    call(
        "dynamodb",
        "getItem",
        &["TableName", "Key"],
        Some(&[
            "AttributesToGet",
            "ConsistentRead",
            "ExpressionAttributeNames",
            "ProjectionExpression",
            "ReturnConsumedCapacity",
        ]),
    ),
    call("dynamodb", "putItem", &["TableName", "Item"], Some(DELETE_OR_PUT)),
    call(
        "dynamodb",
        "updateItem",
        &["TableName", "Key"],
        Some(&[
            "AttributeUpdates",
            "ConditionExpression",
            "ConditionalOperator",
            "Expected",
            "ExpressionAttributeNames",
            "ExpressionAttributeValues",
            "ReturnConsumedCapacity",
            "ReturnItemCollectionMetrics",
            "ReturnValues",
            "ReturnValuesOnConditionCheckFailure",
            "UpdateExpression",
        ]),
    ),
    call("ecs", "runTask", &["TaskDefinition"], None),
    call("events", "putEvents", &["Entries"], Some(&["EndpointId"])),
    call("glue", "startJobRun", &["JobName"], None),
    call(
        "lambda",
        "invoke",
        &["FunctionName"],
        Some(&[
            "ClientContext",
            "DurableExecutionName",
            "InvocationType",
            "LogType",
            "Payload",
            "Qualifier",
            "TenantId",
        ]),
    ),
    call(
        "sns",
        "publish",
        &["Message"],
        Some(&[
            "MessageAttributes",
            "MessageDeduplicationId",
            "MessageGroupId",
            "MessageStructure",
            "PhoneNumber",
            "Subject",
            "TargetArn",
            "TopicArn",
        ]),
    ),
    call(
        "sqs",
        "sendMessage",
        &["QueueUrl", "MessageBody"],
        Some(&[
            "DelaySeconds",
            "MessageAttributes",
            "MessageDeduplicationId",
            "MessageGroupId",
            "MessageSystemAttributes",
        ]),
    ),
    call("states", "startExecution", &["StateMachineArn"], Some(&["Input", "Name", "TraceHeader"])),
];

/// Checks that an integration is given what it needs in `Parameters` or `Arguments`.
pub(crate) fn check_parameters(
    findings: &mut Findings,
    resource: &Resource,
    resource_field: &Field<'_>,
    state: &Reader<'_>,
    language: QueryLanguage,
) {
    let Resource::Service { arn, service, action, .. } = resource else { return };
    let key = match language {
        QueryLanguage::JsonPath => "Parameters",
        QueryLanguage::Jsonata => "Arguments",
    };
    let Some(parameters) = state.field(key) else {
        let message = format!("{key} field is required for resource ARN: {arn}");
        findings.schema(message, &resource_field.site);
        return;
    };
    if let Some((service, operation)) = resource.sdk_call() {
        sdk_parameters::check(findings, service, operation, &parameters, language);
        return;
    }
    // An expression's value is not known yet.
    let Some(given) = parameters.node.as_object() else { return };
    let known = CALLS.iter().find(|call| call.service == &**service && call.action == &**action);
    let Some(call) = known else { return };
    let name = |key: &str| match language {
        QueryLanguage::JsonPath => key.strip_suffix(".$").unwrap_or(key).to_owned(),
        QueryLanguage::Jsonata => key.to_owned(),
    };
    for field in call.required {
        if !given.iter().any(|member| name(&member.key) == *field) {
            let message = format!("The field '{field}' is required but was missing");
            findings.schema(message, &parameters.site);
        }
    }
    let Some(optional) = call.optional else { return };
    for member in given.iter() {
        let field = name(&member.key);
        if !call.required.contains(&&*field) && !optional.contains(&&*field) {
            let message = format!("The field \"{field}\" is not supported by Step Functions");
            findings.schema(message, &parameters.site.pointing_at(member.key_span));
        }
    }
}
