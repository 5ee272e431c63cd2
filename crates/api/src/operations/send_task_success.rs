//! SendTaskSuccess.

use crate::constraints::{Kind, Member};
use crate::dispatch::{Call, Operation};
use crate::error::{ApiError, ErrorType};
use crate::json::JsonObject;
use crate::shapes::TASK_TOKEN;

pub(crate) const OPERATION: Operation = Operation {
    name: "SendTaskSuccess",
    request: &[
        Member::required("taskToken", TASK_TOKEN),
        Member::required("output", Kind::payload()),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let token = call.request.required_text("taskToken");
    let output = asl::parse_json(call.request.required_text("output")).map_err(|error| {
        let message = format!("Invalid Output: '{}'", error.message);
        ApiError::new(ErrorType::InvalidOutput, message)
    })?;
    call.api.runtime.send_task_success(token, output).await?;
    Ok(JsonObject::new().finish())
}
