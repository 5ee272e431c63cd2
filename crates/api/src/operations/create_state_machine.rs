//! CreateStateMachine. Creating again what is there already, text for text, is no error.

use runtime::NewStateMachine;

use crate::arn::{arn_prefix, role_arn};
use crate::configuration::{self, ENCRYPTION, LOGGING, TRACING};
use crate::constraints::{Kind, Member};
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::name::{self, NAME};
use crate::shapes::{ARN, DEFINITION, STATE_MACHINE_TYPE, VERSION_DESCRIPTION};
use crate::state_machine::{machine_type, publish};
use crate::tags::{self, TAGS};

pub(crate) const OPERATION: Operation = Operation {
    name: "CreateStateMachine",
    request: &[
        Member::required("name", NAME),
        Member::required("definition", DEFINITION),
        Member::required("roleArn", ARN),
        Member::optional("type", STATE_MACHINE_TYPE),
        Member::optional("loggingConfiguration", LOGGING),
        Member::optional("tags", TAGS),
        Member::optional("tracingConfiguration", TRACING),
        Member::optional("publish", Kind::Boolean),
        Member::optional("versionDescription", VERSION_DESCRIPTION),
        Member::optional("encryptionConfiguration", ENCRYPTION),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let request = &call.request;
    let name = request.required_text("name");
    name::check(name)?;
    let role = request.required_text("roleArn");
    role_arn(role)?;
    let publish = publish(request)?;
    let arn = arn_prefix(call.caller.region, call.caller.account, "stateMachine") + name;
    let logging = configuration::logging(request)?;
    let tracing = configuration::tracing(request);
    let encryption = configuration::encryption(request)?;
    let new = NewStateMachine {
        name: name.into(),
        machine_type: machine_type(request),
        role_arn: role.into(),
        definition: request.required_text("definition").into(),
        // Defaults are kept in full, so that giving them and leaving them out are equal.
        logging_configuration: logging.or_else(|| Some(configuration::default_logging())),
        tracing_configuration: tracing.or_else(|| Some(configuration::default_tracing())),
        encryption_configuration: encryption.or_else(|| Some(configuration::default_encryption())),
        tags: tags::read(&call, &arn)?,
        publish,
        arn: arn.into(),
    };
    let (machine, version) = call.api.runtime.create_state_machine(new).await?;

    let mut response = JsonObject::new();
    response.text("stateMachineArn", &machine.arn);
    response.time("creationDate", machine.creation_date);
    response.optional_text("stateMachineVersionArn", version.as_ref().map(|version| &*version.arn));
    Ok(response.finish())
}
