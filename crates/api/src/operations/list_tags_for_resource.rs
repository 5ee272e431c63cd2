//! ListTagsForResource.

use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::json::JsonObject;
use crate::shapes::ARN;
use crate::tags;

pub(crate) const OPERATION: Operation = Operation {
    name: "ListTagsForResource",
    request: &[Member::required("resourceArn", ARN)],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let resource = call.request.required_text("resourceArn");
    tags::check_resource(resource)?;
    let tags = call.api.runtime.tags(resource)?;
    let mut response = JsonObject::new();
    response.objects("tags", &tags, |item, (key, value)| {
        item.text("key", key);
        item.text("value", value);
    });
    Ok(response.finish())
}
