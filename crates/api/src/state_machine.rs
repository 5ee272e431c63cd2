//! What CreateStateMachine and UpdateStateMachine read alike, and how state machines are shown.

use asl::MachineType;
use runtime::StateMachine;
use serde_json::Value;

use crate::configuration;
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::request::Members;

/// `STANDARD`, `EXPRESS`.
pub(crate) fn type_name(machine_type: MachineType) -> &'static str {
    match machine_type {
        MachineType::Standard => "STANDARD",
        MachineType::Express => "EXPRESS",
    }
}

/// The request's `type`.
pub(crate) fn machine_type(request: &Members<'_>) -> MachineType {
    match request.text("type") {
        Some("EXPRESS") => MachineType::Express,
        _ => MachineType::Standard,
    }
}

/// The version to publish with a change: none, one, or one with a description.
pub(crate) fn publish(request: &Members<'_>) -> Result<Option<Option<String>>, ApiError> {
    let publish = request.boolean("publish").unwrap_or(false);
    let description = request.text("versionDescription");
    if description.is_some() && !publish {
        return Err(ApiError::validation(
            "Version description can only be set when publish is true",
        ));
    }
    Ok(publish.then(|| description.map(str::to_owned)))
}

/// Writes the members that all descriptions of a state machine share.
pub(crate) fn write(response: &mut JsonObject, machine: &StateMachine, with_definition: bool) {
    response.text("name", &machine.name);
    response.text("definition", if with_definition { &machine.definition } else { "{}" });
    response.text("roleArn", &machine.role_arn);
    let write =
        |response: &mut JsonObject, key, given: &Option<Value>, default: fn() -> Value| match given
        {
            Some(given) => response.value(key, given),
            None => response.value(key, &default()),
        };
    let logging = &machine.logging_configuration;
    write(response, "loggingConfiguration", logging, configuration::default_logging);
    let tracing = &machine.tracing_configuration;
    write(response, "tracingConfiguration", tracing, configuration::default_tracing);
    let encryption = &machine.encryption_configuration;
    write(response, "encryptionConfiguration", encryption, configuration::default_encryption);
    response.optional_text("revisionId", machine.revision_id.as_deref());
    let references = machine.program.variable_references();
    if with_definition && !references.is_empty() {
        response.object("variableReferences", |response| {
            for (state, variables) in &references {
                response.texts(state, variables.iter().map(String::as_str));
            }
        });
    }
}
