//! UpdateStateMachine. What is under way goes on with the definition it started with.

use runtime::StateMachineUpdate;

use crate::arn::{role_arn, state_machine_arn};
use crate::configuration::{self, ENCRYPTION, LOGGING, TRACING};
use crate::constraints::{Kind, Member};
use crate::dispatch::{Call, Operation};
use crate::error::{ApiError, ErrorType};
use crate::json::JsonObject;
use crate::shapes::{ARN, DEFINITION, VERSION_DESCRIPTION};
use crate::state_machine::publish;

pub(crate) const OPERATION: Operation = Operation {
    name: "UpdateStateMachine",
    request: &[
        Member::required("stateMachineArn", ARN),
        Member::optional("definition", DEFINITION),
        Member::optional("roleArn", ARN),
        Member::optional("loggingConfiguration", LOGGING),
        Member::optional("tracingConfiguration", TRACING),
        Member::optional("publish", Kind::Boolean),
        Member::optional("versionDescription", VERSION_DESCRIPTION),
        Member::optional("encryptionConfiguration", ENCRYPTION),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let request = &call.request;
    let arn = request.required_text("stateMachineArn");
    // Recorded for versions and aliases; that labels are told apart is AWS's documentation.
    if state_machine_arn(arn)?.without_label()?.qualifier.is_some() {
        return Err(ApiError::state_machine_does_not_exist(arn));
    }
    let publish = publish(request)?;
    let role = request.text("roleArn");
    role.map_or(Ok(()), role_arn)?;
    let update = StateMachineUpdate {
        role_arn: role.map(Into::into),
        definition: request.text("definition").map(Into::into),
        logging_configuration: configuration::logging(request)?,
        tracing_configuration: configuration::tracing(request),
        encryption_configuration: configuration::encryption(request)?,
        publish,
    };
    if changes_nothing(&update) {
        return Err(ApiError::new(
            ErrorType::MissingRequiredParameter,
            "Either the definition, the role ARN, the LoggingConfiguration, or the \
             TracingConfiguration must be specified",
        ));
    }
    let (machine, version) = call.api.runtime.update_state_machine(arn, update).await?;

    let mut response = JsonObject::new();
    response.time("updateDate", machine.update_date);
    response.optional_text("revisionId", machine.revision_id.as_deref());
    response.optional_text("stateMachineVersionArn", version.as_ref().map(|version| &*version.arn));
    Ok(response.finish())
}

fn changes_nothing(update: &StateMachineUpdate) -> bool {
    update.role_arn.is_none()
        && update.definition.is_none()
        && update.logging_configuration.is_none()
        && update.tracing_configuration.is_none()
        && update.encryption_configuration.is_none()
}
