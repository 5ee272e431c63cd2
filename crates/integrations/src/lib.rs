//! The work of Task states outside: Lambda functions, every AWS service, and what else will come.
//!
//! [`Integrations`] is the task runner. `services` is the table of integrations; each has its
//! own module, which builds the request, reads the response and names the errors. This crate
//! and `api` are the only ones that know AWS's wire formats.

mod apigateway;
mod approvals;
pub mod aws;
mod client;
mod clock;
mod config;
mod credentials;
mod failure;
mod http_endpoint;
mod http_task;
mod integrations;
mod item_reader;
mod jobs;
mod kubernetes;
mod lambda;
mod metadata;
pub mod mocks;
mod optimized;
mod result_writer;
mod routes;
mod s3;
mod services;
mod sign;
mod states;
mod webhook;

pub use approvals::{ApprovalsConfig, WebhookConfig};
pub use config::{
    AwsConfig, FUNCTION_MEMORY_MEGABYTES_MAX, FUNCTION_TIMEOUT_SECONDS_MAX, FunctionConfig,
    FunctionConfigError, FunctionRuntime, FunctionsConfig, IntegrationsConfig, OnCrash, OwnKey,
};
pub use credentials::find_credentials;
pub use failure::{INTERRUPTED_BY_CRASH, NOT_CONFIGURED, NOT_SUPPORTED};
pub use http_endpoint::{HttpAnswer, HttpEndpoint};
pub use http_task::{
    ApiKeyConfig, BasicConfig, ClientAuthentication, ConnectionConfig, ConnectionsConfig,
    HTTP_TIMEOUT_SECONDS, HttpConfig, OAuthConfig, OAuthMethod, Secret, SecretPlace,
};
pub use integrations::Integrations;
pub use jobs::{
    ContainerConfig, ContainersConfig, JobDefinitionConfig, JobQueueConfig, JobsConfig,
    KubernetesConfig, Pull, RetryRule, Runner, TaskDefinitionConfig,
};
pub use lambda::{FunctionLogLine, LogStream};
pub use optimized::PollIntervals;
pub use routes::{ContainerRoute, MockRoute, RouteConfig, describe_destination};
pub use sign::sign_request;
pub use webhook::Webhook;
