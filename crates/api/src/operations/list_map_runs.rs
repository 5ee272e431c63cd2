//! ListMapRuns, newest first.

use crate::arn::execution_arn;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::pages;
use crate::shapes::{ARN, MAX_RESULTS, NEXT_TOKEN, page_items};

pub(crate) const OPERATION: Operation = Operation {
    name: "ListMapRuns",
    request: &[
        Member::required("executionArn", ARN),
        Member::optional("maxResults", MAX_RESULTS),
        Member::optional("nextToken", NEXT_TOKEN),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let execution = call.request.required_text("executionArn");
    execution_arn(execution)?;
    let binding = [OPERATION.name, execution];
    let after = pages::text_place(&call, &binding)?;
    let items = page_items(call.request.integer("maxResults"));
    let runs = call.api.runtime.list_map_runs(execution).await?;
    // Newest first: a page goes on behind the last one of the page before.
    let beyond = runs.iter().position(|run| *run.settings.arn == *after).map_or(0, |at| at + 1);
    let page = &runs[beyond..runs.len().min(beyond + items)];
    let mut response = JsonObject::with_capacity(128 + 512 * page.len());
    response.objects("mapRuns", page, |object, run| {
        object.text("executionArn", &run.execution_arn);
        object.text("mapRunArn", &run.settings.arn);
        object.text("stateMachineArn", &engine::labelled_machine_arn(&run.settings.arn));
        object.time("startDate", run.start_date);
        object.optional_time("stopDate", run.stop_date);
    });
    if let Some(last) = page.last().filter(|_| beyond + items < runs.len()) {
        pages::write_next(&mut response, &call, &binding, last.settings.arn.as_bytes());
    }
    Ok(response.finish())
}
