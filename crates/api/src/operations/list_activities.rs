//! ListActivities.

use crate::arn::arn_prefix;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::pages;
use crate::shapes::{MAX_RESULTS, NEXT_TOKEN, page_items};

pub(crate) const OPERATION: Operation = Operation {
    name: "ListActivities",
    request: &[
        Member::optional("maxResults", MAX_RESULTS),
        Member::optional("nextToken", NEXT_TOKEN),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let prefix = arn_prefix(call.caller.region, call.caller.account, "activity");
    let binding = [OPERATION.name, &prefix];
    let after = pages::text_place(&call, &binding)?;
    let items = page_items(call.request.integer("maxResults"));
    let mut activities = call.api.runtime.list_activities(&prefix, &after, items + 1)?;
    let has_more = activities.len() > items;
    activities.truncate(items);

    let mut response = JsonObject::with_capacity(128 + 256 * activities.len());
    response.objects("activities", &activities, |item, activity| {
        item.text("activityArn", &activity.arn);
        item.text("name", &activity.name);
        item.time("creationDate", activity.creation_date);
    });
    if let Some(last) = activities.last().filter(|_| has_more) {
        pages::write_next(&mut response, &call, &binding, last.arn.as_bytes());
    }
    Ok(response.finish())
}
