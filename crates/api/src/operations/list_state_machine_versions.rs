//! ListStateMachineVersions, newest first.

use crate::arn::plain_state_machine_arn;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::pages;
use crate::shapes::{ARN, MAX_RESULTS, NEXT_TOKEN, page_items};

pub(crate) const OPERATION: Operation = Operation {
    name: "ListStateMachineVersions",
    request: &[
        Member::required("stateMachineArn", ARN),
        Member::optional("nextToken", NEXT_TOKEN),
        Member::optional("maxResults", MAX_RESULTS),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let arn = call.request.required_text("stateMachineArn");
    plain_state_machine_arn(arn)?;
    let binding = [OPERATION.name, arn];
    let below = pages::number_places(&call, &binding)?.map_or(u64::MAX, |[number]| number);
    let items = page_items(call.request.integer("maxResults"));
    let runtime = &call.api.runtime;
    let mut versions = runtime.list_state_machine_versions(arn, below, items + 1)?;
    let has_more = versions.len() > items;
    versions.truncate(items);

    let mut response = JsonObject::with_capacity(128 + 192 * versions.len());
    response.objects("stateMachineVersions", &versions, |item, (_, version)| {
        item.text("stateMachineVersionArn", &version.arn);
        item.time("creationDate", version.creation_date);
    });
    if let Some((number, _)) = versions.last().filter(|_| has_more) {
        pages::write_next(&mut response, &call, &binding, &number.to_be_bytes());
    }
    Ok(response.finish())
}
