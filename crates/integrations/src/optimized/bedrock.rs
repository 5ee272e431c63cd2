//! `bedrock:invokeModel`: the model's input in the task or in S3, its answer in the result or in
//! S3.

use asl::Payload;
use bytes::Bytes;
use engine::TaskFailure;
use runtime::TaskCall;
use serde_json::{Map, Value, json};

use super::table::{BEDROCK_RUNTIME, Family};
use super::{Optimized, context, family_failure, not_supported};
use crate::aws::{AwsCall, AwsResponse};
use crate::failure::{bad_parameters, task_failure};
use crate::metadata::sdk_metadata;

const S3: Family = Family { prefix: "S3", service: "AmazonS3", exception: "AmazonS3Exception" };
const JSON: &str = "application/json";

/// Whether an action is done here.
pub(super) fn knows(service: &str, action: &str) -> bool {
    service == "bedrock" && action == "invokeModel"
}

/// `s3://bucket/key`
fn bucket_and_key(uri: &str) -> Option<(&str, &str)> {
    let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
    (!bucket.is_empty() && !key.is_empty()).then_some((bucket, key))
}

/// What the parameters are for.
struct Invocation {
    /// For the operation.
    parameters: Map<String, Value>,
    body: Option<Bytes>,
    input: Option<String>,
    output: Option<String>,
}

impl Invocation {
    fn read(given: &Payload) -> Result<Invocation, TaskFailure> {
        let mut parameters = given.value().as_object().cloned().unwrap_or_default();
        let mut problems = Vec::new();
        let mut place = |name: &str, parameters: &mut Map<String, Value>| {
            let place = parameters.shift_remove(name).filter(|place| !place.is_null())?;
            let uri = place["S3Uri"].as_str().map(str::to_owned);
            if uri.as_deref().and_then(bucket_and_key).is_none() {
                problems.push(format!("The value of the field '{name}' has an invalid format"));
            }
            uri
        };
        let input = place("Input", &mut parameters);
        let output = place("Output", &mut parameters);
        let body = parameters.shift_remove("Body").filter(|body| !body.is_null());
        if parameters.get("ModelId").is_none_or(Value::is_null) {
            problems.push("The field \"ModelId\" is required but was missing".to_owned());
        }
        match (&body, &input) {
            (Some(_), Some(_)) => {
                problems.push("Only one of the fields 'Body' and 'Input' may be given".to_owned())
            }
            (None, None) if problems.is_empty() => {
                problems.push("The field \"Body\" is required but was missing".to_owned());
            }
            _ => {}
        }
        if !problems.is_empty() {
            return Err(bad_parameters(given.text(), &problems));
        }
        let body = body.map(|body| match body {
            Value::String(text) => Bytes::from(text),
            other => Bytes::from(Payload::from_value(other).text().to_owned()),
        });
        Ok(Invocation { parameters, body, input, output })
    }
}

impl Optimized {
    pub(super) async fn invoke_model(&self, call: &TaskCall) -> Result<Payload, TaskFailure> {
        let mut invocation = Invocation::read(&call.dispatch.parameters)?;
        let mut default_type = JSON.to_owned();
        if let Some((bucket, key)) = invocation.input.as_deref().and_then(bucket_and_key) {
            let parameters = json!({ "Bucket": bucket, "Key": key });
            let object = self.request(call, ("s3", "GetObject"), S3, &parameters, None).await?;
            if let Some(content_type) = object.output["ContentType"].as_str() {
                default_type = content_type.to_owned();
            }
            invocation.body = object.payload;
        }
        let parameters = &mut invocation.parameters;
        parameters.entry("ContentType").or_insert_with(|| Value::from(default_type));
        parameters.entry("Accept").or_insert_with(|| Value::from(JSON));
        let parameters = Value::Object(invocation.parameters);
        let operation = ("bedrockruntime", "InvokeModel");
        let answer =
            self.request(call, operation, BEDROCK_RUNTIME, &parameters, invocation.body).await?;
        let bytes = answer.payload.clone().unwrap_or_default();
        let (http, metadata) = sdk_metadata(&answer.headers, answer.status, &answer.request_id);
        let mut result = answer.output.as_object().cloned().unwrap_or_default();
        let body =
            match invocation.output.as_deref().and_then(|uri| Some((uri, bucket_and_key(uri)?))) {
                None => body_of(&bytes),
                Some((uri, (bucket, key))) => {
                    let content_type =
                        result.get("ContentType").cloned().unwrap_or(Value::from(JSON));
                    let parameters =
                        json!({ "Bucket": bucket, "Key": key, "ContentType": content_type });
                    self.request(call, ("s3", "PutObject"), S3, &parameters, Some(bytes)).await?;
                    Value::from(uri)
                }
            };
        result.insert("Body".to_owned(), body);
        result.insert("SdkHttpMetadata".to_owned(), http);
        result.insert("SdkResponseMetadata".to_owned(), metadata);
        result.sort_keys();
        Ok(Payload::from_value(Value::Object(result)))
    }

    async fn request(
        &self,
        call: &TaskCall,
        (service, name): (&str, &str),
        family: Family,
        parameters: &Value,
        payload: Option<Bytes>,
    ) -> Result<AwsResponse, TaskFailure> {
        let service = service_models::find(service).ok_or_else(|| not_supported(call))?;
        let operation = super::operation(service, name, call)?;
        let aws = AwsCall { service, operation, parameters, payload, context: context(call) };
        let answer = self.client.call(&aws).await;
        answer.map_err(|error| match error {
            // The parameters are ours: nothing that the task could mend.
            crate::aws::AwsError::Parameters(problems) if family == S3 => {
                task_failure("States.TaskFailed", problems.join(", "))
            }
            error => family_failure(family, error, &call.dispatch.parameters),
        })
    }
}

/// JSON as it is, anything else as text.
fn body_of(bytes: &Bytes) -> Value {
    let text = String::from_utf8_lossy(bytes);
    match asl::parse_json(&text) {
        Ok(parsed) => parsed.value().clone(),
        Err(_) => Value::from(text),
    }
}
