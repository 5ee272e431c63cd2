//! TagResource: adds tags and replaces those with the same key.

use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::ARN;
use crate::tags::{self, TAGS};

pub(crate) const OPERATION: Operation = Operation {
    name: "TagResource",
    request: &[Member::required("resourceArn", ARN), Member::required("tags", TAGS)],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let resource = call.request.required_text("resourceArn");
    tags::check_resource(resource)?;
    let tags = tags::read(&call, resource)?;
    call.api.runtime.tag_resource(resource, tags).await?;
    Ok(JsonObject::new().finish())
}
