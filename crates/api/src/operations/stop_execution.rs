//! StopExecution. Stopping what is over already changes nothing.

use crate::arn::execution_arn;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::{ARN, CAUSE, ERROR};

pub(crate) const OPERATION: Operation = Operation {
    name: "StopExecution",
    request: &[
        Member::required("executionArn", ARN),
        Member::optional("error", ERROR),
        Member::optional("cause", CAUSE),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let execution = call.request.required_text("executionArn");
    execution_arn(execution)?;
    let error = call.request.text("error").map(str::to_owned);
    let cause = call.request.text("cause").map(str::to_owned);
    let stop_date = call.api.runtime.stop_execution(execution, error, cause).await?;
    let mut response = JsonObject::new();
    response.time("stopDate", stop_date);
    Ok(response.finish())
}
