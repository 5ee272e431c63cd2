//! ListStateMachines, by name.

use crate::arn::arn_prefix;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::pages;
use crate::shapes::{MAX_RESULTS, NEXT_TOKEN, page_items};
use crate::state_machine::type_name;

pub(crate) const OPERATION: Operation = Operation {
    name: "ListStateMachines",
    request: &[
        Member::optional("maxResults", MAX_RESULTS),
        Member::optional("nextToken", NEXT_TOKEN),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let prefix = arn_prefix(call.caller.region, call.caller.account, "stateMachine");
    let binding = [OPERATION.name, &prefix];
    let after = pages::text_place(&call, &binding)?;
    let items = page_items(call.request.integer("maxResults"));
    let mut machines = call.api.runtime.list_state_machines(&prefix, &after, items + 1)?;
    let has_more = machines.len() > items;
    machines.truncate(items);

    let mut response = JsonObject::with_capacity(128 + 256 * machines.len());
    response.objects("stateMachines", &machines, |item, machine| {
        item.text("stateMachineArn", &machine.arn);
        item.text("name", &machine.name);
        item.text("type", type_name(machine.machine_type));
        item.time("creationDate", machine.creation_date);
    });
    if let Some(last) = machines.last().filter(|_| has_more) {
        pages::write_next(&mut response, &call, &binding, last.arn.as_bytes());
    }
    Ok(response.finish())
}
