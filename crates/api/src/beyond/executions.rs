//! Search among executions, and the description of one, whatever its type.

use std::sync::Arc;

use runtime::{ExecutionDescription, ExecutionKey, ExecutionSearch, ExecutionSummary, ListPlace};

use super::parameters::Parameters;
use super::{Refusal, express};
use crate::api::Api;
use crate::arn::{Arn, Resource};
use crate::error::ApiError;
use crate::json::JsonObject;

/// Items of a page where nothing else is said, and at most.
pub(super) const PAGE: usize = 100;
pub(super) const PAGE_MAX: usize = 1_000;

/// `GET /api/executions`
pub(super) async fn search(
    api: &Arc<Api>,
    query: &Parameters,
    account: Option<&str>,
) -> Result<Vec<u8>, Refusal> {
    let text = |name| query.text(name).map(str::to_owned);
    let mut search = ExecutionSearch {
        account: account.map(str::to_owned),
        state_machine_arn: text("stateMachineArn"),
        name_prefix: text("namePrefix"),
        status: query.status("status")?,
        started: (query.moment("startedFrom")?, query.moment("startedBefore")?),
        ended: (query.moment("endedFrom")?, query.moment("endedBefore")?),
        error: text("error"),
        state: text("state"),
        text: text("text"),
        after: None,
        limit: query.number("maxResults", 1, PAGE_MAX)?.unwrap_or(PAGE),
    };
    let filters = format!("{search:?}");
    let binding = ["/api/executions", filters.as_str()];
    if let Some(token) = query.text("nextToken") {
        search.after = Some(open_place(api, &binding, token)?);
    }
    query.check_known()?;
    let page = api.runtime.search_executions(search).await?;
    let mut response = JsonObject::with_capacity(128 + 512 * page.executions.len());
    response.objects("executions", &page.executions, write);
    if let Some(ListPlace { moment, key }) = page.next {
        let place = [moment.to_be_bytes(), key.0.to_be_bytes()].concat();
        let token = api.page_tokens.seal(&binding, &place, api.now());
        response.text("nextToken", &token);
    }
    Ok(response.finish())
}

fn open_place(api: &Api, binding: &[&str], token: &str) -> Result<ListPlace, ApiError> {
    let place = api.page_tokens.open(binding, token, api.now())?;
    let (moment, key) = place.split_at_checked(8).ok_or_else(ApiError::invalid_token)?;
    let number = |bytes: &[u8]| <[u8; 8]>::try_from(bytes).map_err(|_| ApiError::invalid_token());
    let moment = i64::from_be_bytes(number(moment)?);
    Ok(ListPlace { moment, key: ExecutionKey(u64::from_be_bytes(number(key)?)) })
}

fn write(item: &mut JsonObject, execution: &ExecutionSummary) {
    item.text("executionArn", &execution.execution_arn);
    item.text("stateMachineArn", &execution.state_machine_arn);
    item.text("name", &execution.name);
    item.text("status", execution.status.name());
    item.time("startDate", execution.start_date);
    item.optional_time("stopDate", execution.stop_date);
    item.optional_text("stateMachineVersionArn", execution.version_arn.as_deref());
    item.optional_text("stateMachineAliasArn", execution.alias_arn.as_deref());
}

/// `GET /api/executions/{executionArn}`
pub(super) async fn describe(
    api: &Arc<Api>,
    arn: &str,
    query: &Parameters,
) -> Result<Vec<u8>, Refusal> {
    query.check_known()?;
    let parsed = Arn::parse(arn).map_err(ApiError::from)?;
    if let Resource::Express { .. } = parsed.resource
        && let Some(found) = api.options.express.as_ref().and_then(|held| held.describe(arn))
    {
        return Ok(express::one(&found));
    }
    let execution = api.runtime.describe_execution(arn).await?;
    Ok(one(&execution))
}

fn one(execution: &ExecutionDescription) -> Vec<u8> {
    let identity = &execution.identity;
    let mut response = JsonObject::with_capacity(1024 + execution.input.size());
    response.text("executionArn", &identity.arn);
    response.text("stateMachineArn", &identity.state_machine_arn);
    response.text("name", &identity.name);
    response.text("type", if identity.express { "EXPRESS" } else { "STANDARD" });
    response.text("status", execution.status.name());
    response.time("startDate", execution.start_date);
    response.optional_time("stopDate", execution.stop_date);
    response.text("input", execution.input.text());
    response.optional_text("output", execution.output.as_ref().map(asl::Payload::text));
    response.optional_text("error", execution.error.as_deref());
    response.optional_text("cause", execution.cause.as_deref());
    response.number("stateTransitions", execution.transitions);
    response.optional_text("testCase", identity.test_case.as_deref());
    response.finish()
}
