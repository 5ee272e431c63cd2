//! The Express executions of late: list, description, history.

use std::sync::Arc;

use runtime::{ExpressExecution, ExpressExecutions};

use super::Refusal;
use super::executions::{PAGE, PAGE_MAX};
use super::parameters::Parameters;
use crate::api::Api;
use crate::error::ApiError;
use crate::history;
use crate::json::JsonObject;

fn kept(api: &Api) -> Result<&Arc<ExpressExecutions>, Refusal> {
    api.options.express.as_ref().ok_or(Refusal::NotFound)
}

/// `GET /api/express`
pub(super) fn list(
    api: &Api,
    query: &Parameters,
    account: Option<&str>,
) -> Result<Vec<u8>, Refusal> {
    let machine = query.text("stateMachineArn");
    let status = query.status("status")?;
    let items = query.number("maxResults", 1, PAGE_MAX)?.unwrap_or(PAGE);
    let name = status.map_or("", engine::Status::name);
    let binding = ["/api/express", account.unwrap_or_default(), machine.unwrap_or_default(), name];
    let before = match query.text("nextToken") {
        None => None,
        Some(token) => {
            let place = api.page_tokens.open(&binding, token, api.now())?;
            let place = place.try_into().map_err(|_| ApiError::invalid_token())?;
            Some(u64::from_be_bytes(place))
        }
    };
    query.check_known()?;
    let mut executions = kept(api)?.list(account, machine, status, before, items + 1);
    let has_more = executions.len() > items;
    executions.truncate(items);
    let mut response = JsonObject::with_capacity(128 + 512 * executions.len());
    response.objects("executions", &executions, write);
    if let Some(last) = executions.last().filter(|_| has_more) {
        let token = api.page_tokens.seal(&binding, &last.number.to_be_bytes(), api.now());
        response.text("nextToken", &token);
    }
    Ok(response.finish())
}

/// `GET /api/express/{executionArn}`
pub(super) fn describe(api: &Api, arn: &str, query: &Parameters) -> Result<Vec<u8>, Refusal> {
    query.check_known()?;
    Ok(one(&find(api, arn)?))
}

fn find(api: &Api, arn: &str) -> Result<ExpressExecution, Refusal> {
    let found = kept(api)?.describe(arn);
    found.ok_or_else(|| ApiError::execution_does_not_exist(arn).into())
}

/// `GET /api/express/{executionArn}/history`
pub(super) fn history(api: &Api, arn: &str, query: &Parameters) -> Result<Vec<u8>, Refusal> {
    let items = query.number("maxResults", 1, PAGE_MAX)?.unwrap_or(PAGE);
    let with_data = query.boolean("includeExecutionData")?.unwrap_or(true);
    let binding = ["/api/express/history", arn];
    let from = match query.text("nextToken") {
        None => 0,
        Some(token) => {
            let place = api.page_tokens.open(&binding, token, api.now())?;
            let place = place.try_into().map_err(|_| ApiError::invalid_token())?;
            u32::from_be_bytes(place)
        }
    };
    query.check_known()?;
    let page = kept(api)?.history(arn, from, items);
    let page = page.ok_or_else(|| ApiError::execution_does_not_exist(arn))?;
    let mut response = JsonObject::with_capacity(128 + 512 * page.events.len());
    response.objects("events", &page.events, |item, event| history::write(item, event, with_data));
    if let Some(next) = page.next {
        let token = api.page_tokens.seal(&binding, &next.to_be_bytes(), api.now());
        response.text("nextToken", &token);
    }
    Ok(response.finish())
}

fn write(item: &mut JsonObject, execution: &ExpressExecution) {
    let identity = &execution.identity;
    item.text("executionArn", &identity.arn);
    item.text("stateMachineArn", &identity.state_machine_arn);
    item.text("name", &identity.name);
    item.text("status", execution.status.name());
    item.time("startDate", execution.start_date);
    item.optional_time("stopDate", execution.stop_date);
    item.optional_text("stateMachineVersionArn", identity.state_machine_version_arn.as_deref());
    item.optional_text("stateMachineAliasArn", identity.state_machine_alias_arn.as_deref());
}

/// The description of one.
pub(super) fn one(execution: &ExpressExecution) -> Vec<u8> {
    let mut response = JsonObject::with_capacity(1024 + execution.input.size());
    write(&mut response, execution);
    response.text("type", "EXPRESS");
    response.text("input", execution.input.text());
    response.optional_text("output", execution.output.as_ref().map(asl::Payload::text));
    response.optional_text("error", execution.error.as_deref());
    response.optional_text("cause", execution.cause.as_deref());
    response.number("stateTransitions", execution.transitions);
    response.finish()
}
