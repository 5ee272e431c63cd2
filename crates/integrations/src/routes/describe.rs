//! Where a task would go, in words.

use asl::Resource;
use service_models::Service;

use super::Routes;
use crate::aws::{endpoint_for_display, has_credentials};
use crate::config::IntegrationsConfig;
use crate::lambda::FunctionName;

/// Where the task of a resource would go with this configuration, as a text for people. Nothing
/// is called. Functions that are named by parameters are those that the parameters will name.
pub fn describe_destination(
    config: &IntegrationsConfig,
    resource: &Resource,
    region: &str,
) -> String {
    if let Some((pattern, target)) = Routes::new(&config.routes).named(resource) {
        return format!("{target} (route '{pattern}')");
    }
    let asked = &config.approvals.targets;
    if resource.waits_for_task_token() && !asked.is_empty() {
        let asked = asked.join(", ");
        let other = integration(config, resource, region);
        return format!("people, if it names one of {asked} ([approvals]); else {other}");
    }
    integration(config, resource, region)
}

/// Where it would go without routes and approvals.
fn integration(config: &IntegrationsConfig, resource: &Resource, region: &str) -> String {
    match resource {
        Resource::Activity { .. } => "workers that poll this server".to_owned(),
        Resource::LambdaFunction { arn } => function(config, Some(arn), region),
        Resource::Service { service, action, .. } => match &**service {
            "lambda" => function(config, None, region),
            "states" => "this server".to_owned(),
            "http" | "apigateway" => "the address in its parameters".to_owned(),
            "eks" if matches!(&**action, "call" | "runJob") => {
                "the Kubernetes cluster at the Endpoint in its parameters".to_owned()
            }
            "batch" | "ecs" => {
                let model = service_models::find(service).expect("the data has the service");
                let declared = config.jobs.destinations(service);
                let other = api(config, model, region);
                if !declared.is_empty() {
                    let names = declared.join(", ");
                    return format!("the one of {names} that its parameters name; else {other}");
                }
                let table = if **service == *"batch" { "job" } else { "task" };
                match other.starts_with("nowhere") {
                    true => format!("{other}, nothing in [{table}_definitions]"),
                    false => other,
                }
            }
            other => {
                let id = other.strip_prefix("aws-sdk:").unwrap_or_else(|| model_of(other));
                match service_models::find(id) {
                    Some(service) => api(config, service, region),
                    None => "nothing: no service model has it".to_owned(),
                }
            }
        },
    }
}

/// The model behind an optimized integration.
fn model_of(service: &str) -> &str {
    match service {
        "bedrock" => "bedrockruntime",
        "elasticmapreduce" => "emr",
        "emr-containers" => "emrcontainers",
        "emr-serverless" => "emrserverless",
        "events" => "eventbridge",
        other => other,
    }
}

fn api(config: &IntegrationsConfig, service: &Service, region: &str) -> String {
    if &*service.id == "sfn" && !config.environment.contains_key("AWS_ENDPOINT_URL_SFN") {
        return "this server".to_owned();
    }
    match endpoint_for_display(service, region, &config.environment) {
        Err(error) => error,
        Ok((url, false)) => format!("endpoint {url}"),
        Ok((url, true)) if has_credentials(&config.environment, config.aws.instance_metadata) => {
            format!("AWS: {url}")
        }
        Ok(_) => format!(
            "nowhere: no endpoint ({}, AWS_ENDPOINT_URL), no AWS credentials, no route",
            crate::aws::endpoint_variable(service)
        ),
    }
}

fn function(config: &IntegrationsConfig, arn: Option<&str>, region: &str) -> String {
    let called = arn.and_then(FunctionName::parse);
    let declared = config.functions.functions.iter().filter_map(|(key, function)| {
        let precision = match (&called, arn) {
            (Some(called), Some(arn)) => FunctionName::parse(key)?.precision(called, arn),
            _ => None,
        };
        Some((precision?, key, function))
    });
    match declared.max_by_key(|(precision, ..)| *precision) {
        Some((_, key, function)) => match &function.endpoint {
            Some(url) => format!("function '{key}' at endpoint {url}"),
            None => format!("function '{key}' as a process of this machine"),
        },
        None => {
            let lambda = service_models::find("lambda").expect("the data has the service");
            let declared = match (arn, config.functions.functions.is_empty()) {
                (None, false) => "the function that its parameters name, if declared; else ",
                _ => "",
            };
            match endpoint_for_display(lambda, region, &config.environment) {
                Ok((url, false)) => format!("{declared}endpoint {url}"),
                Err(error) => format!("{declared}{error}"),
                Ok(_) => format!("{declared}nowhere: the function is not declared"),
            }
        }
    }
}
