//! Which service integration does what: the table of those that are there.

use std::future::Future;
use std::pin::Pin;

use asl::{Pattern, Payload, Resource};
use engine::TaskFailure;
use runtime::TaskCall;

use crate::aws::run_sdk_task;
use crate::failure::{NOT_SUPPORTED, task_failure};
use crate::integrations::Services;
use crate::kubernetes::Kubernetes;
use crate::optimized;
use crate::routes::{self, RouteTarget};
use crate::states;

/// The work of one call.
pub(crate) type Work<'a> = Pin<Box<dyn Future<Output = Result<Payload, TaskFailure>> + Send + 'a>>;

/// Finds the work behind a resource.
pub(crate) fn dispatch<'a>(services: &'a Services, call: &'a TaskCall) -> Work<'a> {
    match services.routes.find(&call.dispatch.resource) {
        None => integrate(services, call, false),
        Some(RouteTarget::Aws | RouteTarget::Endpoint(_)) => integrate(services, call, true),
        Some(target) => Box::pin(routes::run(services, call, target)),
    }
}

/// Finds the integration of a resource. `is_routed`: the operator sends it to a server of the
/// service's own API, not to what this machine could do itself.
fn integrate<'a>(services: &'a Services, call: &'a TaskCall, is_routed: bool) -> Work<'a> {
    match &call.dispatch.resource {
        Resource::LambdaFunction { arn } => Box::pin(services.functions.run_function(call, arn)),
        Resource::Service { service, action, pattern, .. } => {
            if !is_routed && services.approvals.serves(call) {
                return Box::pin(services.approvals.run(call));
            }
            if let Some(service) = service.strip_prefix("aws-sdk:") {
                return Box::pin(run_sdk_task(&services.aws, call, service, action));
            }
            if !is_routed && services.jobs.is_local(call) {
                return Box::pin(services.jobs.run(call));
            }
            match (&**service, &**action, pattern) {
                ("lambda", "invoke", Pattern::RequestResponse | Pattern::WaitForTaskToken) => {
                    Box::pin(services.functions.run_invoke(call))
                }
                ("apigateway", "invoke", Pattern::RequestResponse | Pattern::WaitForTaskToken) => {
                    Box::pin(services.api_gateway.run(call))
                }
                ("states", "startExecution", _) => Box::pin(states::start_execution(call)),
                ("http", "invoke", Pattern::RequestResponse) => Box::pin(services.http.run(call)),
                (service, action, _) if Kubernetes::knows(service, action) => {
                    Box::pin(services.kubernetes.run(call))
                }
                (service, action, pattern) if optimized::knows(service, action, *pattern) => {
                    Box::pin(services.optimized.run(call))
                }
                _ => not_supported(call),
            }
        }
        Resource::Activity { .. } => not_supported(call),
    }
}

/// Stops the job of a call whose task is over before the job is.
pub(crate) async fn cancel(services: &Services, call: &TaskCall, submitted: Option<Payload>) {
    match services.routes.find(&call.dispatch.resource) {
        None if services.jobs.is_local(call) => return services.jobs.cancel(call),
        None | Some(RouteTarget::Aws | RouteTarget::Endpoint(_)) => {}
        // A process ends when its call is dropped, and the others have no jobs.
        Some(_) => return,
    }
    if let (Resource::Service { service, action, .. }, Some(submitted)) =
        (&call.dispatch.resource, &submitted)
        && Kubernetes::knows(service, action)
    {
        return services.kubernetes.cancel(call, submitted.value()).await;
    }
    services.optimized.cancel(call, submitted).await;
}

fn not_supported(call: &TaskCall) -> Work<'_> {
    let failure = task_failure(
        NOT_SUPPORTED,
        format!(
            "The resource '{}' of state '{}' is not supported by this version of Stepwell",
            call.dispatch.resource.arn(),
            call.dispatch.state_name
        ),
    );
    Box::pin(std::future::ready(Err(failure)))
}
