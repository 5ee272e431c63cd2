//! DescribeExecution.

use engine::{NotRedrivable, Status};
use runtime::ExecutionDescription;

use crate::arn::described_execution_arn;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::operations::list_executions::status_name;
use crate::shapes::{ARN, INCLUDED_DATA, METADATA_ONLY};

pub(crate) const OPERATION: Operation = Operation {
    name: "DescribeExecution",
    request: &[
        Member::required("executionArn", ARN),
        Member::optional("includedData", INCLUDED_DATA),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let arn = call.request.required_text("executionArn");
    described_execution_arn(arn)?;
    let with_data = call.request.text("includedData") != Some(METADATA_ONLY);
    let execution = call.api.runtime.describe_execution(arn).await?;
    let machine_arn = &execution.identity.state_machine_arn;
    // The state machine of a Map Run's child is a part of another.
    let machine_arn = machine_arn.split_once('/').map_or(&**machine_arn, |(arn, _)| arn);
    let machine = call.api.runtime.state_machine(machine_arn);
    let is_gone = machine.map_or(true, |machine| machine.deleting);
    let refusal = execution.redrivability.refusal(call.api.now());
    let refusal = match refusal {
        None if is_gone => Some(NotRedrivable::StateMachineDeleting),
        other => other,
    };
    Ok(describe(&execution, with_data, refusal))
}

fn describe(
    execution: &ExecutionDescription,
    with_data: bool,
    not_redrivable: Option<NotRedrivable>,
) -> Vec<u8> {
    let identity = &execution.identity;
    let output = execution.output.as_ref();
    let payloads = execution.input.size() + output.map_or(0, asl::Payload::size);
    let mut response = JsonObject::with_capacity(1024 + if with_data { payloads } else { 0 });
    response.text("executionArn", &identity.arn);
    response.text("stateMachineArn", &identity.state_machine_arn);
    response.text("name", &identity.name);
    response.text("status", status_name(execution.status, execution.pending_redrive));
    response.time("startDate", execution.start_date);
    response.optional_time("stopDate", execution.stop_date);
    if with_data {
        response.text("input", execution.input.text());
    }
    response.object("inputDetails", |details| details.boolean("included", with_data));
    if let Some(output) = output {
        if with_data {
            response.text("output", output.text());
        }
        response.object("outputDetails", |details| details.boolean("included", with_data));
    }
    let map_run = identity.map_run.as_ref().map(|child| &*child.map_run_arn);
    response.optional_text("mapRunArn", map_run);
    response.optional_text("traceHeader", execution.trace_header.as_deref());
    // The States.Timeout of a timed out execution is only in its history.
    if execution.status != Status::TimedOut {
        response.optional_text("error", execution.error.as_deref());
        response.optional_text("cause", execution.cause.as_deref());
    }
    response.optional_text("stateMachineVersionArn", identity.state_machine_version_arn.as_deref());
    response.optional_text("stateMachineAliasArn", identity.state_machine_alias_arn.as_deref());
    response.number("redriveCount", u64::from(execution.redrive_count));
    response.optional_time("redriveDate", execution.redrive_date);
    match not_redrivable {
        None if map_run.is_some() => response.text("redriveStatus", "REDRIVABLE_BY_MAP_RUN"),
        None => response.text("redriveStatus", "REDRIVABLE"),
        Some(reason) => {
            response.text("redriveStatus", "NOT_REDRIVABLE");
            response.text("redriveStatusReason", reason.reason());
        }
    }
    response.finish()
}
