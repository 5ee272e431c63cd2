//! DeleteActivity. Deleting what is not there is no error.

use crate::arn;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::ARN;

pub(crate) const OPERATION: Operation = Operation {
    name: "DeleteActivity",
    request: &[Member::required("activityArn", ARN)],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let activity = call.request.required_text("activityArn");
    arn::activity_arn(activity)?;
    call.api.runtime.delete_activity(activity).await?;
    Ok(JsonObject::new().finish())
}
