//! What the calls of optimized integrations must be given.

use super::{Field, Findings, Reader};
use crate::{QueryLanguage, Resource};

/// Calls and the fields they require.
const REQUIRED: &[(&str, &str, &[&str])] = &[
    ("dynamodb", "deleteItem", &["TableName", "Key"]),
    ("dynamodb", "getItem", &["TableName", "Key"]),
    ("dynamodb", "putItem", &["TableName", "Item"]),
    ("dynamodb", "updateItem", &["TableName", "Key"]),
    ("ecs", "runTask", &["TaskDefinition"]),
    ("events", "putEvents", &["Entries"]),
    ("glue", "startJobRun", &["JobName"]),
    ("lambda", "invoke", &["FunctionName"]),
    ("sns", "publish", &["Message"]),
    ("sqs", "sendMessage", &["QueueUrl", "MessageBody"]),
    ("states", "startExecution", &["StateMachineArn"]),
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
    // An expression's value is not known yet.
    let Some(given) = parameters.node.as_object() else { return };
    let call = REQUIRED.iter().find(|(of, name, _)| *of == &**service && *name == &**action);
    for field in call.map_or(&[][..], |(_, _, fields)| fields) {
        let dynamic = language == QueryLanguage::JsonPath && given.contains(&format!("{field}.$"));
        if !given.contains(field) && !dynamic {
            let message = format!("The field '{field}' is required but was missing");
            findings.schema(message, &parameters.site);
        }
    }
}
