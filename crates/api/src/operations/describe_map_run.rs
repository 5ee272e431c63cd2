//! DescribeMapRun. There are no Map Runs yet, so that none is found.

use crate::arn::map_run_arn;
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::shapes::LONG_ARN;

pub(crate) const OPERATION: Operation = Operation {
    name: "DescribeMapRun",
    request: &[Member::required("mapRunArn", LONG_ARN)],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let map_run = call.request.required_text("mapRunArn");
    map_run_arn(map_run)?;
    Err(ApiError::reference_not_found(map_run))
}
