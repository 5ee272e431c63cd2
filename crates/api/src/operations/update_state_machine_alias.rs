//! UpdateStateMachineAlias. Starts use the new routes from then on.

use runtime::StateMachineAliasUpdate;

use crate::arn::alias_arn;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::routing::{self, ROUTING_CONFIGURATION};
use crate::shapes::{ALIAS_DESCRIPTION, ARN};

pub(crate) const OPERATION: Operation = Operation {
    name: "UpdateStateMachineAlias",
    request: &[
        Member::required("stateMachineAliasArn", ARN),
        Member::optional("description", ALIAS_DESCRIPTION),
        Member::optional("routingConfiguration", ROUTING_CONFIGURATION),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let request = &call.request;
    let arn = request.required_text("stateMachineAliasArn");
    alias_arn(arn)?;
    let update = StateMachineAliasUpdate {
        description: request.text("description").map(str::to_owned),
        routes: routing::read(request)?,
    };
    if update.description.is_none() && update.routes.is_none() {
        return Err(ApiError::validation_because(
            "MISSING_REQUIRED_PARAMETER",
            "Either the description or the routingConfiguration must be specified",
        ));
    }
    if let Some(routes) = &update.routes {
        routing::check_belong(routes, arn)?;
    }
    let alias = call.api.runtime.update_state_machine_alias(arn, update).await?;

    let mut response = JsonObject::new();
    response.time("updateDate", alias.update_date);
    Ok(response.finish())
}
