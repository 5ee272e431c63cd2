//! PublishStateMachineVersion. What is published already keeps its number and description.

use crate::arn::plain_state_machine_arn;
use crate::constraints::{Kind, Member};
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::{ARN, VERSION_DESCRIPTION};

pub(crate) const OPERATION: Operation = Operation {
    name: "PublishStateMachineVersion",
    request: &[
        Member::required("stateMachineArn", ARN),
        Member::optional("revisionId", Kind::any_text()),
        Member::optional("description", VERSION_DESCRIPTION),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let request = &call.request;
    let arn = request.required_text("stateMachineArn");
    plain_state_machine_arn(arn)?;
    let revision_id = request.text("revisionId").map(str::to_owned);
    let description = request.text("description").map(str::to_owned);
    let runtime = &call.api.runtime;
    let version = runtime.publish_state_machine_version(arn, revision_id, description).await?;

    let mut response = JsonObject::new();
    response.time("creationDate", version.creation_date);
    response.text("stateMachineVersionArn", &version.arn);
    Ok(response.finish())
}
