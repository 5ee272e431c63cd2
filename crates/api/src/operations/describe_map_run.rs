//! DescribeMapRun.

use engine::MapRunCounts;
use runtime::MapRunDescription;

use crate::arn::map_run_arn;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::LONG_ARN;

pub(crate) const OPERATION: Operation = Operation {
    name: "DescribeMapRun",
    request: &[Member::required("mapRunArn", LONG_ARN)],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let arn = call.request.required_text("mapRunArn");
    map_run_arn(arn)?;
    let run = call.api.runtime.describe_map_run(arn).await?;
    Ok(describe(&run))
}

fn describe(run: &MapRunDescription) -> Vec<u8> {
    let settings = &run.settings;
    let mut response = JsonObject::with_capacity(1024);
    response.text("mapRunArn", &settings.arn);
    response.text("executionArn", &run.execution_arn);
    response.text("status", run.status.name());
    response.time("startDate", run.start_date);
    response.optional_time("stopDate", run.stop_date);
    response.number("maxConcurrency", u64::from(settings.max_concurrency));
    let percentage = serde_json::json!(settings.tolerated_failure_percentage);
    response.value("toleratedFailurePercentage", &percentage);
    response.number("toleratedFailureCount", settings.tolerated_failure_count);
    for (key, counts) in
        [("itemCounts", &run.item_counts), ("executionCounts", &run.execution_counts)]
    {
        let written = run.results_written;
        response.object(key, |object| write_counts(object, counts, written));
    }
    response.number("redriveCount", u64::from(run.redrive_count));
    response.optional_time("redriveDate", run.redrive_date);
    response.finish()
}

/// Writes `itemCounts` or `executionCounts`.
pub(crate) fn write_counts(object: &mut JsonObject, counts: &MapRunCounts, results_written: u64) {
    object.number("pending", counts.pending);
    object.number("running", counts.running);
    object.number("succeeded", counts.succeeded);
    object.number("failed", counts.failed);
    object.number("timedOut", counts.timed_out);
    object.number("aborted", counts.aborted);
    object.number("total", counts.total());
    object.number("resultsWritten", results_written);
    object.number("failuresNotRedrivable", counts.failures_not_redrivable);
    object.number("pendingRedrive", counts.pending_redrive);
}
