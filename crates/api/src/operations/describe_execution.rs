//! DescribeExecution.

use asl::Timestamp;
use engine::Status;
use runtime::ExecutionDescription;

use crate::arn::execution_arn;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::{ARN, INCLUDED_DATA, METADATA_ONLY};

pub(crate) const OPERATION: Operation = Operation {
    name: "DescribeExecution",
    request: &[
        Member::required("executionArn", ARN),
        Member::optional("includedData", INCLUDED_DATA),
    ],
    run: Some(|call| Box::pin(run(call))),
};

/// Seconds after its end in which an execution can be redriven (AWS quota): 14 days.
const REDRIVABLE_SECONDS: u64 = 14 * 24 * 60 * 60;

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let arn = call.request.required_text("executionArn");
    execution_arn(arn)?;
    let with_data = call.request.text("includedData") != Some(METADATA_ONLY);
    let execution = call.api.runtime.describe_execution(arn).await?;
    let is_deleting = execution.status != Status::Running
        && call
            .api
            .runtime
            .state_machine(&execution.identity.state_machine_arn)
            .is_ok_and(|machine| machine.deleting);
    Ok(describe(&execution, with_data, not_redrivable(&execution, is_deleting, call.api.now())))
}

/// Why an execution cannot be redriven; none if it can.
fn not_redrivable(
    execution: &ExecutionDescription,
    is_deleting: bool,
    now: Timestamp,
) -> Option<String> {
    let reason = match execution.status {
        Status::Running | Status::Succeeded => {
            let status = execution.status.name();
            return Some(format!("Execution is {status} and cannot be redriven"));
        }
        Status::Failed | Status::TimedOut | Status::Aborted => {
            let expired = |since: Timestamp, seconds| since.plus_seconds(seconds) < now;
            if is_deleting {
                "State machine is in DELETING status"
            } else if expired(execution.start_date, engine::limits::STANDARD_SECONDS_MAX) {
                "Execution has exceeded the max execution time"
            } else if execution.stop_date.is_some_and(|stop| expired(stop, REDRIVABLE_SECONDS)) {
                "Execution redrivable period exceeded"
            } else {
                return None;
            }
        }
    };
    Some(reason.to_owned())
}

fn describe(
    execution: &ExecutionDescription,
    with_data: bool,
    not_redrivable: Option<String>,
) -> Vec<u8> {
    let identity = &execution.identity;
    let output = execution.output.as_ref();
    let payloads = execution.input.size() + output.map_or(0, asl::Payload::size);
    let mut response = JsonObject::with_capacity(1024 + if with_data { payloads } else { 0 });
    response.text("executionArn", &identity.arn);
    response.text("stateMachineArn", &identity.state_machine_arn);
    response.text("name", &identity.name);
    response.text("status", execution.status.name());
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
    response.optional_text("traceHeader", execution.trace_header.as_deref());
    // The States.Timeout of a timed out execution is only in its history.
    if execution.status != Status::TimedOut {
        response.optional_text("error", execution.error.as_deref());
        response.optional_text("cause", execution.cause.as_deref());
    }
    response.optional_text("stateMachineVersionArn", identity.state_machine_version_arn.as_deref());
    response.optional_text("stateMachineAliasArn", identity.state_machine_alias_arn.as_deref());
    response.number("redriveCount", 0);
    match not_redrivable {
        None => response.text("redriveStatus", "REDRIVABLE"),
        Some(reason) => {
            response.text("redriveStatus", "NOT_REDRIVABLE");
            response.text("redriveStatusReason", &reason);
        }
    }
    response.finish()
}
