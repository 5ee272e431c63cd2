//! StartExecution.

use crate::constraints::{Kind, Member, Pattern};
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::input::start_request;
use crate::json::JsonObject;
use crate::name::NAME;
use crate::shapes::ARN;

pub(crate) const OPERATION: Operation = Operation {
    name: "StartExecution",
    request: &[
        Member::required("stateMachineArn", ARN),
        Member::optional("name", NAME),
        Member::optional("input", Kind::payload()),
        Member::optional("traceHeader", Kind::pattern(0, 256, Pattern::Ascii)),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let started = call.api.runtime.start_execution(start_request(&call)?).await?;
    let mut response = JsonObject::with_capacity(64 + started.execution_arn.len());
    response.text("executionArn", &started.execution_arn);
    response.time("startDate", started.start_date);
    Ok(response.finish())
}
