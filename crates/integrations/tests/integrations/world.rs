//! A task runner with functions in a directory of its own, and calls to it.

use std::path::Path;
use std::sync::Arc;

use asl::{Pattern, Payload, Resource};
use engine::{TaskDispatch, TaskFailure, TaskId};
use integrations::{FunctionsConfig, Integrations, IntegrationsConfig};
use runtime::{Submission, TaskCall, TaskRunner};
use serde_json::{Value, json};

pub(crate) struct World {
    pub(crate) integrations: Arc<Integrations>,
    pub(crate) directory: tempfile::TempDir,
}

impl World {
    /// `files` are written into the functions' directory. `functions` is as in the
    /// configuration file; each gets the directory for its code.
    pub(crate) fn new(files: &[(&str, &str)], functions: Value) -> World {
        World::with_environment(files, functions, &[])
    }

    pub(crate) fn with_environment(
        files: &[(&str, &str)],
        functions: Value,
        environment: &[(&str, &str)],
    ) -> World {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let mut functions: FunctionsConfig =
            serde_json::from_value(json!({ "functions": functions })).unwrap();
        functions.resolve_paths(directory.path());
        let mut config = IntegrationsConfig::from_process_environment(functions);
        config.environment.retain(|name, _| !name.starts_with("AWS_"));
        for (name, value) in environment {
            config.environment.insert((*name).to_owned(), (*value).to_owned());
        }
        config.log_directory = Some(directory.path().join("logs"));
        World { integrations: Integrations::new(config), directory }
    }

    /// Without functions, with whatever else is configured.
    pub(crate) fn with_config(configure: impl FnOnce(&mut IntegrationsConfig)) -> World {
        let mut config = IntegrationsConfig::from_process_environment(FunctionsConfig::default());
        config.environment.retain(|name, _| !name.starts_with("AWS_"));
        configure(&mut config);
        World { integrations: Integrations::new(config), directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// What a state with the function's ARN for a resource gives.
    pub(crate) async fn call(&self, function: &str, input: Value) -> Result<Value, Failure> {
        self.run(function_resource(function), input).await
    }

    /// What a state with `lambda:invoke` gives.
    pub(crate) async fn invoke(&self, parameters: Value) -> Result<Value, Failure> {
        self.run(service_resource("lambda", "invoke"), parameters).await
    }

    pub(crate) async fn run(&self, resource: Resource, input: Value) -> Result<Value, Failure> {
        let result = self.integrations.run(call(resource, input)).await;
        result.map(|output| output.value().clone()).map_err(Failure::from)
    }

    /// Like [`World::call`], in the background.
    pub(crate) fn spawn(
        &self,
        function: &str,
        input: Value,
    ) -> tokio::task::JoinHandle<Result<Value, Failure>> {
        let run = self.integrations.run(call(function_resource(function), input));
        tokio::spawn(async move {
            run.await.map(|output| output.value().clone()).map_err(Failure::from)
        })
    }
}

pub(crate) fn function_resource(function: &str) -> Resource {
    let arn = format!("arn:aws:lambda:us-east-1:111111111111:function:{function}");
    Resource::LambdaFunction { arn: arn.into() }
}

pub(crate) fn service_resource(service: &str, action: &str) -> Resource {
    Resource::Service {
        arn: format!("arn:aws:states:::{service}:{action}").into(),
        service: service.into(),
        action: action.into(),
        pattern: Pattern::RequestResponse,
    }
}

pub(crate) fn call(resource: Resource, input: Value) -> TaskCall {
    TaskCall {
        execution_arn: "arn:aws:states:us-east-1:111111111111:execution:machine:name".into(),
        region: "us-east-1".into(),
        role_arn: "arn:aws:iam::111111111111:role/machine".into(),
        dispatch: TaskDispatch {
            task: TaskId(3),
            state_name: "Start".into(),
            resource,
            parameters: Payload::from_value(input),
            credentials: None,
            task_token: None,
            submitted: None,
            started: None,
            deadline: None,
            recovered: false,
        },
        submission: Submission::unrecorded(),
        executions: runtime::ChildExecutions::default(),
        inspector: None,
    }
}

/// A failure with the request ids taken out of its cause.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    pub(crate) error: String,
    pub(crate) cause: String,
}

impl From<TaskFailure> for Failure {
    fn from(failure: TaskFailure) -> Failure {
        Failure {
            error: failure.error.unwrap_or_default().into(),
            cause: without_ids(&failure.cause.unwrap_or_default()),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.error, self.cause)
    }
}

/// Replaces everything that looks like a UUID by `<id>`.
pub(crate) fn without_ids(text: &str) -> String {
    const LENGTH: usize = 36;
    let mut result = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match rest.get(..LENGTH) {
            Some(id) if uuid::Uuid::try_parse(id).is_ok() => {
                result.push_str("<id>");
                rest = &rest[LENGTH..];
            }
            _ => {
                result.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    result
}
