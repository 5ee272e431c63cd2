//! DescribeStateMachineForExecution: the state machine as it was when the execution started.

use crate::arn::described_execution_arn;
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
    described_execution_arn(execution)?;
    let with_definition = call.request.text("includedData") != Some(METADATA_ONLY);
    let machine = call.api.runtime.state_machine_of_execution(execution).await?;
    // Of a child of a Map Run: whose. Its state machine has a label.
    let map_run = match machine.arn.split_once('/') {
        None => None,
        Some((_, label)) => {
            let described = call.api.runtime.describe_execution(execution).await?;
            let map_run = described.identity.map_run.as_ref();
            map_run.map(|child| (label.to_owned(), child.map_run_arn.clone()))
        }
    };
    let mut response = JsonObject::with_capacity(1024 + machine.definition.len());
    response.text("stateMachineArn", &machine.arn);
    state_machine::write(&mut response, &machine, with_definition);
    response.time("updateDate", machine.update_date);
    if let Some((label, arn)) = map_run {
        response.text("mapRunArn", &arn);
        response.text("label", &label);
    }
    Ok(response.finish())
}
