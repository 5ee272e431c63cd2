//! DescribeStateMachineForExecution: the state machine as it was when the execution started.

use crate::arn::execution_arn;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::{ARN, INCLUDED_DATA, METADATA_ONLY};
use crate::state_machine;

pub(crate) const OPERATION: Operation = Operation {
    name: "DescribeStateMachineForExecution",
    request: &[
        Member::required("executionArn", ARN),
        Member::optional("includedData", INCLUDED_DATA),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let execution = call.request.required_text("executionArn");
    execution_arn(execution)?;
    let with_definition = call.request.text("includedData") != Some(METADATA_ONLY);
    let machine = call.api.runtime.state_machine_of_execution(execution).await?;
    let mut response = JsonObject::with_capacity(1024 + machine.definition.len());
    response.text("stateMachineArn", &machine.arn);
    state_machine::write(&mut response, &machine, with_definition);
    response.time("updateDate", machine.update_date);
    Ok(response.finish())
}
