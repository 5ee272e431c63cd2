//! CreateActivity.

use runtime::Activity;

use crate::arn::arn_prefix;
use crate::configuration::{self, ENCRYPTION};
use crate::constraints::Member;
use crate::dispatch::{Call, Operation};
use crate::error::{ApiError, ErrorType};
use crate::json::JsonObject;
use crate::name::{self, NAME};
use crate::tags::{self, TAGS};

pub(crate) const OPERATION: Operation = Operation {
    name: "CreateActivity",
    request: &[
        Member::required("name", NAME),
        Member::optional("tags", TAGS),
        Member::optional("encryptionConfiguration", ENCRYPTION),
    ],
    run: Some(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let name = call.request.required_text("name");
    name::check(name)?;
    let arn = arn_prefix(call.caller.region, call.caller.account, "activity") + name;
    let tags = tags::read(&call, &arn)?;
    let encryption =
        configuration::encryption(&call.request)?.unwrap_or_else(configuration::default_encryption);
    let new = Activity {
        arn: arn.into(),
        name: name.into(),
        creation_date: call.api.now(),
        encryption_configuration: Some(encryption.clone()),
    };
    let activity = call.api.runtime.create_activity(new, tags).await?;
    if activity.encryption_configuration.is_some_and(|existing| existing != encryption) {
        let message = format!("Activity Already Exists: '{}'", activity.arn);
        return Err(ApiError::new(ErrorType::ActivityAlreadyExists, message));
    }
    let mut response = JsonObject::new();
    response.text("activityArn", &activity.arn);
    response.time("creationDate", activity.creation_date);
    Ok(response.finish())
}
