//! UntagResource. Keys that the resource does not have are no error.

use crate::constraints::{Kind, Member};
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::ARN;
use crate::tags;

pub(crate) const OPERATION: Operation = Operation {
    name: "UntagResource",
    request: &[
        Member::required("resourceArn", ARN),
        Member::required("tagKeys", Kind::list(&tags::KEY)),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let resource = call.request.required_text("resourceArn");
    tags::check_resource(resource)?;
    let keys = call.request.texts("tagKeys").into_iter().flatten().map(str::to_owned).collect();
    call.api.runtime.untag_resource(resource, keys).await?;
    Ok(JsonObject::new().finish())
}
