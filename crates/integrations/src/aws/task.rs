//! Tasks of `arn:aws:states:::aws-sdk:<service>:<action>`.

use asl::Payload;
use engine::TaskFailure;
use runtime::TaskCall;

use super::call::{AwsCall, CallContext};
use super::client::AwsClient;
use crate::failure::{NOT_SUPPORTED, task_failure};

/// Makes the call of a task. `service` is the id behind `aws-sdk:`.
pub(crate) async fn run_sdk_task(
    client: &AwsClient,
    task: &TaskCall,
    service: &str,
    action: &str,
) -> Result<Payload, TaskFailure> {
    let parameters = &task.dispatch.parameters;
    let found =
        service_models::find(service).and_then(|service| Some((service, service.action(action)?)));
    let Some((service, operation)) = found else {
        return Err(task_failure(
            NOT_SUPPORTED,
            format!(
                "The resource '{}' is in no service model that this version of Stepwell has",
                task.dispatch.resource.arn()
            ),
        ));
    };
    let context = context_of(task);
    let call =
        AwsCall { service, operation, parameters: parameters.value(), payload: None, context };
    match client.call(&call).await {
        Ok(response) => Ok(Payload::from_value(response.output)),
        Err(error) => Err(error.into_failure(parameters.text())),
    }
}

/// Region, role and resource of a task's calls.
pub(crate) fn context_of(task: &TaskCall) -> CallContext<'_> {
    CallContext {
        role_arn: role_of(task),
        own_role_arn: Some(&*task.role_arn).filter(|arn| !arn.is_empty()),
        resource: Some(&task.dispatch.resource),
        ..CallContext::new(&task.region)
    }
}

/// `RoleArn` of the task's credentials.
fn role_of(task: &TaskCall) -> Option<&str> {
    task.dispatch.credentials.as_ref()?.value().get("RoleArn")?.as_str()
}
