//! ListStateMachineAliases: those of a state machine, or of one of its versions, by name.

use crate::arn::{Qualifier, state_machine_arn};
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::pages;
use crate::shapes::{ARN, MAX_RESULTS, NEXT_TOKEN, page_items};

pub(crate) const OPERATION: Operation = Operation {
    name: "ListStateMachineAliases",
    request: &[
        Member::required("stateMachineArn", ARN),
        Member::optional("nextToken", NEXT_TOKEN),
        Member::optional("maxResults", MAX_RESULTS),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let arn = call.request.required_text("stateMachineArn");
    if let Some(Qualifier::Alias(_)) = state_machine_arn(arn)?.without_label()?.qualifier {
        return Err(ApiError::state_machine_does_not_exist(arn));
    }
    let binding = [OPERATION.name, arn];
    let after = pages::text_place(&call, &binding)?;
    let items = page_items(call.request.integer("maxResults"));
    let runtime = &call.api.runtime;
    let mut aliases = runtime.list_state_machine_aliases(arn, &after, items + 1)?;
    let has_more = aliases.len() > items;
    aliases.truncate(items);

    let mut response = JsonObject::with_capacity(128 + 192 * aliases.len());
    response.objects("stateMachineAliases", &aliases, |item, alias| {
        item.text("stateMachineAliasArn", &alias.arn);
        item.time("creationDate", alias.creation_date);
    });
    if let Some(last) = aliases.last().filter(|_| has_more) {
        pages::write_next(&mut response, &call, &binding, last.arn.as_bytes());
    }
    Ok(response.finish())
}
