//! DeleteStateMachine. Deleting what is not there is no error.

use crate::arn::state_machine_arn;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::ARN;

pub(crate) const OPERATION: Operation = Operation {
    name: "DeleteStateMachine",
    request: &[Member::required("stateMachineArn", ARN)],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let arn = call.request.required_text("stateMachineArn");
    let parsed = state_machine_arn(arn)?;
    if parsed.qualifier.is_some() || parsed.label.is_some() {
        return Err(ApiError::validation(format!(
            "This operation takes a state machine ARN without version, alias or label, not '{arn}'"
        )));
    }
    call.api.runtime.delete_state_machine(arn).await?;
    Ok(JsonObject::new().finish())
}
