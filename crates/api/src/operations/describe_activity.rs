//! DescribeActivity.

use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::ARN;
use crate::{arn, configuration};

pub(crate) const OPERATION: Operation = Operation {
    name: "DescribeActivity",
    request: &[Member::required("activityArn", ARN)],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let activity = call.request.required_text("activityArn");
    arn::activity_arn(activity)?;
    let activity = call.api.runtime.activity(activity)?;
    let encryption =
        activity.encryption_configuration.unwrap_or_else(configuration::default_encryption);
    let mut response = JsonObject::new();
    response.text("activityArn", &activity.arn);
    response.text("name", &activity.name);
    response.time("creationDate", activity.creation_date);
    response.value("encryptionConfiguration", &encryption);
    Ok(response.finish())
}
