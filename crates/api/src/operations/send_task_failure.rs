//! SendTaskFailure.

use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::{CAUSE, ERROR, TASK_TOKEN};

pub(crate) const OPERATION: Operation = Operation {
    name: "SendTaskFailure",
    request: &[
        Member::required("taskToken", TASK_TOKEN),
        Member::optional("error", ERROR),
        Member::optional("cause", CAUSE),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let token = call.request.required_text("taskToken");
    let error = call.request.text("error").map(str::to_owned);
    let cause = call.request.text("cause").map(str::to_owned);
    call.api.runtime.send_task_failure(token, error, cause).await?;
    Ok(JsonObject::new().finish())
}
