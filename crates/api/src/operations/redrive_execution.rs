//! RedriveExecution: an execution that was not successful goes on where it stopped.

use crate::arn::execution_arn;
use crate::constraints::{Kind, Member, Pattern};
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::ARN;

pub(crate) const OPERATION: Operation = Operation {
    name: "RedriveExecution",
    request: &[
        Member::required("executionArn", ARN),
        Member::optional("clientToken", Kind::pattern(1, 64, Pattern::Visible)),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let execution = call.request.required_text("executionArn");
    execution_arn(execution)?;
    let client_token = call.request.text("clientToken").map(str::to_owned);
    let redrive_date = call.api.runtime.redrive_execution(execution, client_token).await?;
    let mut response = JsonObject::new();
    response.time("redriveDate", redrive_date);
    Ok(response.finish())
}
