//! GetExecutionHistory, from the oldest event or from the newest.

use crate::arn::execution_arn;
use crate::constraints::{Kind, Member};
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::{ARN, MAX_RESULTS, NEXT_TOKEN, page_items};
use crate::{history, pages};

pub(crate) const OPERATION: Operation = Operation {
    name: "GetExecutionHistory",
    request: &[
        Member::required("executionArn", ARN),
        Member::optional("maxResults", MAX_RESULTS),
        Member::optional("reverseOrder", Kind::Boolean),
        Member::optional("nextToken", NEXT_TOKEN),
        Member::optional("includeExecutionData", Kind::Boolean),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let execution = call.request.required_text("executionArn");
    execution_arn(execution)?;
    let reverse = call.request.boolean("reverseOrder").unwrap_or(false);
    let with_data = call.request.boolean("includeExecutionData").unwrap_or(true);
    let binding = [OPERATION.name, execution, if reverse { "reverse" } else { "" }];
    let from = match pages::number_places(&call, &binding)? {
        Some([id]) => u32::try_from(id).map_err(|_| ApiError::invalid_token())?,
        None => 0,
    };
    let items = page_items(call.request.integer("maxResults"));
    let page = call.api.runtime.history(execution, from, items, reverse).await?;

    let mut response = JsonObject::with_capacity(128 + 512 * page.events.len());
    response.objects("events", &page.events, |item, event| history::write(item, event, with_data));
    if let Some(next) = page.next {
        pages::write_next(&mut response, &call, &binding, &u64::from(next).to_be_bytes());
    }
    Ok(response.finish())
}
