//! UpdateMapRun. There are no Map Runs yet, so that none is found.

use crate::arn::map_run_arn;
use crate::constraints::{Kind, Member};
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
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
    let map_run = call.request.required_text("mapRunArn");
    map_run_arn(map_run)?;
    Err(ApiError::reference_not_found(map_run))
}
