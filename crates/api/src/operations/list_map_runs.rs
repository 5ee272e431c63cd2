//! ListMapRuns. No execution has Map Runs yet: a distributed Map state fails.

use crate::arn::execution_arn;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::pages;
use crate::shapes::{ARN, MAX_RESULTS, NEXT_TOKEN};

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
    // No page was ever given out, so that any token is one of somebody else.
    let binding = [OPERATION.name, execution];
    pages::place(&call, &binding)?;
    call.api.runtime.describe_execution(execution).await?;
    let mut response = JsonObject::new();
    response.objects("mapRuns", [(); 0], |_, ()| {});
    Ok(response.finish())
}
