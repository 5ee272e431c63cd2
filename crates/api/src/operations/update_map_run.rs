//! UpdateMapRun.

use engine::MapRunUpdate;

use crate::arn::map_run_arn;
use crate::constraints::{Kind, Member};
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::LONG_ARN;

pub(crate) const OPERATION: Operation = Operation {
    name: "UpdateMapRun",
    request: &[
        Member::required("mapRunArn", LONG_ARN),
        Member::optional("maxConcurrency", Kind::at_least(0)),
        Member::optional("toleratedFailurePercentage", Kind::Float { min: 0, max: 100 }),
        Member::optional("toleratedFailureCount", Kind::at_least(0)),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let request = &call.request;
    let arn = request.required_text("mapRunArn");
    map_run_arn(arn)?;
    let concurrency = request.integer("maxConcurrency");
    let update = MapRunUpdate {
        max_concurrency: concurrency.map(|most| u32::try_from(most).unwrap_or(u32::MAX)),
        tolerated_failure_count: request.integer("toleratedFailureCount").map(i64::unsigned_abs),
        tolerated_failure_percentage: request.float("toleratedFailurePercentage"),
    };
    call.api.runtime.update_map_run(arn, update).await?;
    Ok(JsonObject::new().finish())
}
