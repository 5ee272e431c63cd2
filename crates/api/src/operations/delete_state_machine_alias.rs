//! DeleteStateMachineAlias. Deleting what is not there is no error.

use crate::arn::alias_arn;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::ARN;

pub(crate) const OPERATION: Operation = Operation {
    name: "DeleteStateMachineAlias",
    request: &[Member::required("stateMachineAliasArn", ARN)],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let arn = call.request.required_text("stateMachineAliasArn");
    alias_arn(arn)?;
    call.api.runtime.delete_state_machine_alias(arn).await?;
    Ok(JsonObject::new().finish())
}
