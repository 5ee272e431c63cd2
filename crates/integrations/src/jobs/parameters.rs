//! Reading the parameters of a call, and AWS's words for what is wrong with them.

use engine::TaskFailure;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::clock::{http_date, now_milliseconds};
use crate::failure::ServiceError;

/// The member of this name, if it is a text.
pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().map(str::to_owned)
}

/// A list of texts.
pub(super) fn texts(value: &Value, name: &str) -> Option<Vec<String>> {
    let items = value.get(name)?.as_array()?;
    Some(items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
}

/// A whole number; a text that holds one counts, too.
pub(super) fn number(value: &Value, name: &str) -> Option<u64> {
    match value.get(name)? {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64(),
    }
}

/// `[{"Name": …, "Value": …}]`
pub(super) fn pairs(value: &Value, name: &str) -> Vec<(String, String)> {
    let items = value.get(name).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| Some((text(item, "Name")?, text(item, "Value")?))).collect()
}

/// The reverse of [`pairs`].
pub(super) fn show_pairs(pairs: &[(String, String)]) -> Value {
    pairs.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect()
}

/// An answer with what the client of an optimized integration tells about it.
pub(super) fn with_metadata(mut answer: Map<String, Value>, content_type: &str) -> Value {
    let length = Value::Object(answer.clone()).to_string().len().to_string();
    let request_id = Uuid::new_v4().to_string();
    let date = http_date(now_milliseconds());
    let http = json!({
        "AllHttpHeaders": {
            "x-amzn-RequestId": [request_id],
            "Content-Length": [length],
            "Date": [date],
            "Content-Type": [content_type]
        },
        "HttpHeaders": {
            "Content-Length": length,
            "Content-Type": content_type,
            "Date": date,
            "x-amzn-RequestId": request_id
        },
        "HttpStatusCode": 200
    });
    answer.insert("SdkHttpMetadata".to_owned(), http);
    answer.insert("SdkResponseMetadata".to_owned(), json!({ "RequestId": request_id }));
    let mut members: Vec<(String, Value)> = answer.into_iter().collect();
    members.sort_by(|one, other| one.0.cmp(&other.0));
    Value::Object(members.into_iter().collect())
}

/// An error of AWS Batch.
pub(super) fn batch_error(message: &str) -> TaskFailure {
    service_error("Batch", "AWSBatch", "ClientException", message)
}

/// An error of Amazon ECS.
pub(super) fn ecs_error(exception: &str, message: &str) -> TaskFailure {
    service_error("ECS", "AmazonECS", exception, message)
}

fn service_error(prefix: &str, service: &str, exception: &str, message: &str) -> TaskFailure {
    let request_id = Uuid::new_v4().to_string();
    ServiceError {
        prefix,
        service,
        exception,
        message: Some(message),
        status: 400,
        code: Some(exception),
        request_id: &request_id,
    }
    .into_failure()
}
