//! Calls of `aws-sdk:sfn`, by which some recordings let a second state machine be the worker: they
//! are made, over HTTP, to the very server under test. Everything else goes to the real runner.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use asl::{Payload, Resource};
use engine::TaskFailure;
use runtime::{TaskCall, TaskRunner};
use serde_json::Value;

use crate::client::Api;

/// A task runner that makes the calls of `aws-sdk:sfn` itself.
pub(crate) struct StepFunctionsCalls {
    others: Arc<dyn TaskRunner>,
    api: Arc<Api>,
}

impl StepFunctionsCalls {
    pub(crate) fn new(others: Arc<dyn TaskRunner>, address: SocketAddr) -> StepFunctionsCalls {
        StepFunctionsCalls { others, api: Arc::new(Api::new(address)) }
    }
}

impl TaskRunner for StepFunctionsCalls {
    fn run(
        &self,
        call: TaskCall,
    ) -> Pin<Box<dyn Future<Output = Result<Payload, TaskFailure>> + Send>> {
        match &call.dispatch.resource {
            Resource::Service { service, action, .. } if **service == *"aws-sdk:sfn" => {
                let operation = rename(action, char::to_ascii_uppercase);
                let request = rename_members(call.dispatch.parameters.value(), |first| {
                    first.to_ascii_lowercase()
                });
                let api = self.api.clone();
                Box::pin(async move { call_api(&api, &operation, &request).await })
            }
            _ => self.others.run(call),
        }
    }

    fn cancel(
        &self,
        call: TaskCall,
        submitted: Option<Payload>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.others.cancel(call, submitted)
    }
}

async fn call_api(api: &Api, operation: &str, request: &Value) -> Result<Payload, TaskFailure> {
    let failure = |error: String, cause: String| TaskFailure {
        error: Some(error.into()),
        cause: Some(cause.into()),
    };
    match api.call(operation, request).await {
        Ok(answer) if answer.is_success() => {
            let output = rename_members(&answer.body, |first| first.to_ascii_uppercase());
            Ok(Payload::from_value(output))
        }
        Ok(answer) => {
            let code = answer.code().trim_end_matches("Exception");
            let cause = format!("{} (Service: Sfn, Status Code: 400)", answer.message());
            Err(failure(format!("Sfn.{code}Exception"), cause))
        }
        Err(error) => Err(failure("Sfn.SdkClientException".to_owned(), error.to_string())),
    }
}

/// The members of an object under names with another first letter; the SDK's names are those of
/// the API in another case. Payloads are texts in both.
fn rename_members(value: &Value, first: fn(&char) -> char) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (rename(name, first), rename_members(value, first)))
            .collect(),
        Value::Array(items) => items.iter().map(|item| rename_members(item, first)).collect(),
        other => other.clone(),
    }
}

fn rename(name: &str, first: fn(&char) -> char) -> String {
    let mut characters = name.chars();
    characters.next().iter().map(first).chain(characters).collect()
}
