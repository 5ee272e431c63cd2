//! GetActivityTask: a long poll. A client that goes away gives its place back.

use crate::arn::activity_arn;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::name::NAME;
use crate::shapes::ARN;

pub(crate) const OPERATION: Operation = Operation {
    name: "GetActivityTask",
    request: &[Member::required("activityArn", ARN), Member::optional("workerName", NAME)],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let activity = call.request.required_text("activityArn");
    activity_arn(activity)?;
    let worker = call.request.text("workerName").map(str::to_owned);
    let task = tokio::select! {
        task = call.api.runtime.get_activity_task(activity, worker) => task?,
        () = call.api.stopping() => None,
    };
    let mut response = JsonObject::new();
    if let Some(task) = task {
        response.text("taskToken", &task.task_token);
        response.text("input", task.input.text());
    }
    Ok(response.finish())
}
