//! SendTaskHeartbeat.

use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::TASK_TOKEN;

pub(crate) const OPERATION: Operation = Operation {
    name: "SendTaskHeartbeat",
    request: &[Member::required("taskToken", TASK_TOKEN)],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    call.api.runtime.send_task_heartbeat(call.request.required_text("taskToken")).await?;
    Ok(JsonObject::new().finish())
}
