//! CreateStateMachineAlias. Creating again what is there already is no error.

use runtime::NewStateMachineAlias;

use crate::constraints::{Kind, Member, Pattern};
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::routing::{self, ROUTING_CONFIGURATION};
use crate::shapes::ALIAS_DESCRIPTION;

pub(crate) const OPERATION: Operation = Operation {
    name: "CreateStateMachineAlias",
    request: &[
        Member::optional("description", ALIAS_DESCRIPTION),
        Member::required("name", Kind::pattern(1, 80, Pattern::CharacterRestrictedName)),
        Member::required("routingConfiguration", ROUTING_CONFIGURATION),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let request = &call.request;
    let routes = routing::read(request)?.unwrap_or_default();
    let new = NewStateMachineAlias {
        state_machine_arn: routing::state_machine(&routes).into(),
        name: request.required_text("name").into(),
        description: request.text("description").map(str::to_owned),
        routes,
    };
    let alias = call.api.runtime.create_state_machine_alias(new).await?;

    let mut response = JsonObject::new();
    response.text("stateMachineAliasArn", &alias.arn);
    response.time("creationDate", alias.creation_date);
    Ok(response.finish())
}
