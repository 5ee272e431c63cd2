//! DescribeStateMachine, for state machines and their versions.

use runtime::StateMachine;

use crate::arn::{Qualifier, state_machine_arn};
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::{ARN, INCLUDED_DATA, METADATA_ONLY};
use crate::state_machine::{self, type_name};

pub(crate) const OPERATION: Operation = Operation {
    name: "DescribeStateMachine",
    request: &[
        Member::required("stateMachineArn", ARN),
        Member::optional("includedData", INCLUDED_DATA),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let arn = call.request.required_text("stateMachineArn");
    let with_definition = call.request.text("includedData") != Some(METADATA_ONLY);
    // AWS's documentation: one that refers to a distributed Map state is a ValidationException.
    match state_machine_arn(arn)?.without_label()?.qualifier {
        None => {
            let machine = call.api.runtime.state_machine(arn)?;
            let creation_date = machine.creation_date;
            Ok(describe(arn, &machine, creation_date, None, with_definition))
        }
        Some(Qualifier::Version(_)) => {
            let version = call.api.runtime.state_machine_version(arn)?;
            let description = version.description.as_deref();
            let creation_date = version.creation_date;
            Ok(describe(arn, &version.machine, creation_date, description, with_definition))
        }
        Some(Qualifier::Alias(_)) => Err(ApiError::state_machine_does_not_exist(arn)),
    }
}

fn describe(
    arn: &str,
    machine: &StateMachine,
    creation_date: asl::Timestamp,
    description: Option<&str>,
    with_definition: bool,
) -> Vec<u8> {
    let mut response = JsonObject::with_capacity(1024 + machine.definition.len());
    response.text("stateMachineArn", arn);
    response.text("status", if machine.deleting { "DELETING" } else { "ACTIVE" });
    response.text("type", type_name(machine.machine_type));
    response.time("creationDate", creation_date);
    state_machine::write(&mut response, machine, with_definition);
    response.optional_text("description", description);
    response.finish()
}
