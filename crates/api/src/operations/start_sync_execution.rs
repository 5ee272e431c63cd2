//! StartSyncExecution: starts an Express execution and answers when it is over, also with what
//! made it fail.

use asl::MachineType;
use runtime::ExecutionDescription;

use crate::arn::state_machine_arn;
use crate::constraints::{Kind, Member, Pattern};
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::input::{machine_type, start_request, without_test_case};
use crate::json::JsonObject;
use crate::name::NAME;
use crate::shapes::{ARN, INCLUDED_DATA, METADATA_ONLY};

pub(crate) const OPERATION: Operation = Operation {
    name: "StartSyncExecution",
    request: &[
        Member::required("stateMachineArn", ARN),
        Member::optional("name", NAME),
        Member::optional("input", Kind::payload()),
        Member::optional("traceHeader", Kind::pattern(0, 256, Pattern::Ascii)),
        Member::optional("includedData", INCLUDED_DATA),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let arn = without_test_case(&call, call.request.required_text("stateMachineArn"));
    if machine_type(&call, arn, state_machine_arn(arn)?)? == MachineType::Standard {
        return Err(ApiError::type_not_supported());
    }
    let with_data = call.request.text("includedData") != Some(METADATA_ONLY);
    let request = start_request(&call)?;
    let execution = call.api.runtime.start_sync_execution(request).await?;
    Ok(describe(&execution, with_data))
}

fn describe(execution: &ExecutionDescription, with_data: bool) -> Vec<u8> {
    let output = execution.output.as_ref();
    let payloads = execution.input.size() + output.map_or(0, asl::Payload::size);
    let mut response = JsonObject::with_capacity(1024 + if with_data { payloads } else { 0 });
    response.text("executionArn", &execution.identity.arn);
    response.text("stateMachineArn", &execution.identity.state_machine_arn);
    response.text("name", &execution.identity.name);
    response.time("startDate", execution.start_date);
    let stop_date = execution.stop_date.unwrap_or(execution.start_date);
    response.time("stopDate", stop_date);
    response.text("status", execution.status.name());
    response.optional_text("error", execution.error.as_deref());
    response.optional_text("cause", execution.cause.as_deref());
    if with_data {
        response.text("input", execution.input.text());
        response.optional_text("output", output.map(asl::Payload::text));
    }
    response.object("inputDetails", |details| details.boolean("included", with_data));
    response.object("outputDetails", |details| details.boolean("included", with_data));
    response.optional_text("traceHeader", execution.trace_header.as_deref());
    if let Some(billing) = execution.billing {
        response.object("billingDetails", |details| {
            details.number("billedMemoryUsedInMB", billing.megabytes);
            details.number("billedDurationInMilliseconds", billing.milliseconds);
        });
    }
    response.finish()
}
