//! DescribeStateMachineAlias.

use crate::arn::alias_arn;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::ARN;

pub(crate) const OPERATION: Operation = Operation {
    name: "DescribeStateMachineAlias",
    request: &[Member::required("stateMachineAliasArn", ARN)],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let arn = call.request.required_text("stateMachineAliasArn");
    alias_arn(arn)?;
    let alias = call.api.runtime.state_machine_alias(arn)?;
    let mut response = JsonObject::with_capacity(1024);
    response.text("stateMachineAliasArn", &alias.arn);
    response.text("name", &alias.name);
    response.optional_text("description", alias.description.as_deref());
    response.objects("routingConfiguration", &alias.routes, |item, route| {
        item.text("stateMachineVersionArn", &route.version_arn);
        item.number("weight", u64::from(route.weight));
    });
    response.time("creationDate", alias.creation_date);
    response.time("updateDate", alias.update_date);
    Ok(response.finish())
}
