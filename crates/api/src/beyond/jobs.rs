//! The batch jobs and containers that run without AWS: list, description, logs.

use std::sync::Arc;

use asl::Timestamp;
use runtime::{
    LocalJob, LocalJobDetail, LocalJobError, LocalJobPlace, LocalJobRun, LocalJobs, LogRange,
};

use super::Refusal;
use super::executions::{PAGE, PAGE_MAX};
use super::parameters::Parameters;
use crate::api::Api;
use crate::arn::Arn;
use crate::error::{ApiError, ErrorType};
use crate::json::JsonObject;

/// Bytes of a part of a log, by default and at most.
const PART: usize = 64 * 1024;
const PART_MAX: usize = 1024 * 1024;
/// No log is longer.
const OFFSET_MAX: usize = 1 << 50;
const STATUSES: [&str; 4] = ["RUNNABLE", "RUNNING", "SUCCEEDED", "FAILED"];
/// Bytes of the moment in front of the id in a page token.
const MOMENT_BYTES: usize = 8;

fn jobs(api: &Api) -> Result<&Arc<dyn LocalJobs>, Refusal> {
    api.options.jobs.as_ref().ok_or(Refusal::NotFound)
}

fn refusal(id: &str, error: &LocalJobError) -> Refusal {
    match error {
        LocalJobError::NoJob | LocalJobError::NoRun => ApiError::resource_not_found(id).into(),
        LocalJobError::Failed(error) => {
            tracing::error!(%error, job = id, "a job cannot be read");
            ApiError::bare(ErrorType::InternalFailure).into()
        }
    }
}

/// `GET /api/jobs`
pub(super) async fn list(
    api: &Api,
    query: &Parameters,
    account: Option<&str>,
) -> Result<Vec<u8>, Refusal> {
    let status = query.text("status");
    if status.is_some_and(|status| !STATUSES.contains(&status)) {
        let names = STATUSES.join(", ");
        let message = format!("The parameter 'status' is one of {names}");
        return Err(ApiError::validation(message).into());
    }
    let items = query.number("maxResults", 1, PAGE_MAX)?.unwrap_or(PAGE);
    let binding = ["/api/jobs", account.unwrap_or_default(), status.unwrap_or_default()];
    let after = match query.text("nextToken") {
        None => None,
        Some(token) => Some(place(&api.page_tokens.open(&binding, token, api.now())?)?),
    };
    query.check_known()?;
    let found = jobs(api)?.list(account, status, after, items + 1).await;
    let mut found = found.map_err(|error| refusal("", &error))?;
    let has_more = found.len() > items;
    found.truncate(items);
    let mut response = JsonObject::with_capacity(128 + 512 * found.len());
    response.objects("jobs", &found, write);
    if let Some(last) = found.last().filter(|_| has_more) {
        let mut place = last.created_at.0.to_be_bytes().to_vec();
        place.extend_from_slice(last.id.as_bytes());
        let token = api.page_tokens.seal(&binding, &place, api.now());
        response.text("nextToken", &token);
    }
    Ok(response.finish())
}

fn place(bytes: &[u8]) -> Result<LocalJobPlace, ApiError> {
    let (moment, id) =
        bytes.split_first_chunk::<MOMENT_BYTES>().ok_or_else(ApiError::invalid_token)?;
    let id = String::from_utf8(id.to_vec()).map_err(|_| ApiError::invalid_token())?;
    Ok((Timestamp(i64::from_be_bytes(*moment)), id))
}

/// `GET /api/jobs/{jobId}`
pub(super) async fn describe(
    api: &Api,
    id: &str,
    query: &Parameters,
    account: Option<&str>,
) -> Result<Vec<u8>, Refusal> {
    query.check_known()?;
    let LocalJobDetail { job, runs, result } = find(api, id, account).await?;
    let mut response = JsonObject::with_capacity(1024);
    write(&mut response, &job);
    response.objects("runs", &runs, write_run);
    if let Some(result) = &result {
        response.value("result", result);
    }
    Ok(response.finish())
}

/// `GET /api/jobs/{jobId}/log`
pub(super) async fn log(
    api: &Api,
    id: &str,
    query: &Parameters,
    account: Option<&str>,
) -> Result<Vec<u8>, Refusal> {
    let run = query.text("run");
    let offset = query.number("offset", 0, OFFSET_MAX)?;
    let most = query.number("maxBytes", 1, PART_MAX)?.unwrap_or(PART) as u64;
    let is_tail = query.boolean("tail")?.unwrap_or(false);
    query.check_known()?;
    let range = match (offset, is_tail) {
        (Some(_), true) => {
            let message = "The parameters 'offset' and 'tail' exclude each other";
            return Err(ApiError::validation(message).into());
        }
        (_, true) => LogRange::Tail { bytes: most },
        (offset, false) => LogRange::From { offset: offset.unwrap_or(0) as u64, bytes: most },
    };
    if account.is_some() {
        find(api, id, account).await?;
    }
    let part = jobs(api)?.log(id, run, range).await;
    let part = part.map_err(|error| match &error {
        LocalJobError::NoRun => refusal(run.unwrap_or(id), &error),
        _ => refusal(id, &error),
    })?;
    let mut response = JsonObject::with_capacity(128 + part.text.len());
    response.text("run", &part.run);
    response.number("offset", part.offset);
    response.number("nextOffset", part.next_offset);
    response.number("bytes", part.bytes);
    response.boolean("isComplete", part.is_complete);
    response.text("text", &part.text);
    Ok(response.finish())
}

async fn find(api: &Api, id: &str, account: Option<&str>) -> Result<LocalJobDetail, Refusal> {
    let found = jobs(api)?.describe(id).await.map_err(|error| refusal(id, &error))?;
    if let Some(account) = account {
        let owner = Arn::parse(&found.job.execution_arn);
        if !owner.is_ok_and(|arn| arn.account == account) {
            let message = format!("The job {id} is in another account");
            return Err(ApiError::new(ErrorType::AccessDenied, message).into());
        }
    }
    Ok(found)
}

fn write(object: &mut JsonObject, job: &LocalJob) {
    object.text("jobId", &job.id);
    object.text("service", job.service);
    object.text("name", &job.name);
    object.text("status", job.status);
    object.optional_text("queue", job.queue.as_deref());
    object.text("definitionArn", &job.definition_arn);
    object.text("executionArn", &job.execution_arn);
    object.text("stateName", &job.state_name);
    object.time("createdAt", job.created_at);
}

fn write_run(object: &mut JsonObject, run: &LocalJobRun) {
    object.text("name", &run.name);
    if let Some(code) = run.exit_code {
        object.value("exitCode", &code.into());
    }
    object.optional_time("startedAt", run.started_at);
    object.optional_time("stoppedAt", run.stopped_at);
    object.number("logBytes", run.log_bytes);
}
