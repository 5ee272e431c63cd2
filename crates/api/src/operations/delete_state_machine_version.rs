//! DeleteStateMachineVersion. Deleting what is not there is no error.

use crate::arn::version_arn;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::LONG_ARN;

pub(crate) const OPERATION: Operation = Operation {
    name: "DeleteStateMachineVersion",
    request: &[Member::required("stateMachineVersionArn", LONG_ARN)],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let arn = call.request.required_text("stateMachineVersionArn");
    version_arn(arn)?;
    call.api.runtime.delete_state_machine_version(arn).await?;
    Ok(JsonObject::new().finish())
}
