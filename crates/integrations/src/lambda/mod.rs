//! Lambda functions: processes of our own, or endpoints that speak Lambda's Invoke API.
//!
//! A call goes to the most exact declaration of its function in the configuration, then to the
//! endpoint in `AWS_ENDPOINT_URL_LAMBDA` or `AWS_ENDPOINT_URL`, and if there is none fails as
//! for a function that does not exist.

mod endpoint;
mod execution_environment;
mod function_name;
mod guardian;
mod launch;
mod logs;
mod output;
mod pool;
mod process;
mod request;
mod response;
mod runtime_api;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use asl::Payload;
use engine::TaskFailure;
use http::Uri;
use runtime::TaskCall;
use tokio::task::JoinSet;
use uuid::Uuid;

pub(crate) use function_name::FunctionName;
pub(crate) use launch::INHERITED;
pub(crate) use logs::FunctionLogs;
pub use logs::{FunctionLogLine, LogStream};

use endpoint::EndpointClient;
use execution_environment::{Event, Outcome};
use launch::Launch;
use pool::Pool;
use process::Processes;
use request::{InvocationType, InvokeRequest};
use response::InvokeResponse;

use crate::clock;
use crate::config::{FunctionConfig, IntegrationsConfig, OnCrash, check_endpoint};
use crate::failure::{INTERRUPTED_BY_CRASH, ServiceError, task_failure};
use crate::routes::{RouteTarget, Routes};

/// Waits before an asynchronous invocation that failed is tried again, as on Lambda.
const EVENT_RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// All functions that tasks can call.
pub(crate) struct Functions {
    /// By bare name.
    routes: BTreeMap<String, Vec<Route>>,
    /// Where the operator sends tasks by their resource.
    task_routes: Routes,
    /// Where functions go that are not declared.
    default_endpoint: Option<Uri>,
    endpoints: EndpointClient,
    processes: Arc<Processes>,
    pub(crate) logs: Arc<FunctionLogs>,
    /// Asynchronous invocations that are under way.
    background: Mutex<JoinSet<()>>,
}

/// A declared function.
struct Route {
    declared: FunctionName,
    key: Arc<str>,
    config: FunctionConfig,
    target: Target,
}

enum Target {
    Pool(Arc<Pool>),
    Endpoint(Uri),
    /// The declaration is wrong, with the reason.
    Wrong(String),
}

/// Who calls, as far as it matters to a function.
struct Caller<'a> {
    execution_arn: &'a str,
    region: &'a str,
    recovered: bool,
}

impl Functions {
    pub(crate) fn new(config: IntegrationsConfig) -> Functions {
        let processes = Arc::new(Processes::new());
        let endpoints = EndpointClient::new(&config);
        let logs = Arc::new(FunctionLogs::new(config.log_directory));
        let mut routes: BTreeMap<String, Vec<Route>> = BTreeMap::new();
        for (key, function) in config.functions.functions {
            let Some(declared) = FunctionName::parse(&key) else {
                tracing::warn!(function = key, "declared under what is not a function's name");
                continue;
            };
            let key: Arc<str> = key.into();
            let target = target(&key, &declared, &function, &config.environment, &processes, &logs);
            let route = Route { key, config: function, target, declared };
            routes.entry(route.declared.name.clone()).or_default().push(route);
        }
        Functions {
            routes,
            task_routes: Routes::new(&config.routes),
            default_endpoint: default_endpoint(&config.environment),
            endpoints,
            processes,
            logs,
            background: Mutex::default(),
        }
    }

    /// The work of a Task state whose resource is a function's ARN.
    pub(crate) async fn run_function(
        &self,
        call: &TaskCall,
        arn: &str,
    ) -> Result<Payload, TaskFailure> {
        let request = InvokeRequest::of_function(arn, &call.dispatch.parameters)?;
        self.invoke(call, request).await?.into_function_output()
    }

    /// The work of `arn:aws:states:::lambda:invoke`.
    pub(crate) async fn run_invoke(&self, call: &TaskCall) -> Result<Payload, TaskFailure> {
        self.run_invoke_of(call, None).await
    }

    /// The same; `name` is the function that a route says, whatever the parameters say.
    pub(crate) async fn run_invoke_of(
        &self,
        call: &TaskCall,
        name: Option<&str>,
    ) -> Result<Payload, TaskFailure> {
        let mut request = InvokeRequest::of_parameters(&call.dispatch.parameters)?;
        if let Some(function) = name.and_then(FunctionName::parse) {
            request.function = function;
        }
        self.invoke(call, request).await?.into_task_output()
    }

    /// Has every process replaced before the next call.
    pub(crate) fn replace_processes(&self) {
        for route in self.routes.values().flatten() {
            if let Target::Pool(pool) = &route.target {
                pool.replace_all();
            }
        }
    }

    /// Kills all processes. Calls that are under way never return.
    pub(crate) async fn shutdown(&self) {
        self.processes.close().await;
        self.background.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }

    async fn invoke(
        &self,
        call: &TaskCall,
        request: InvokeRequest,
    ) -> Result<InvokeResponse, TaskFailure> {
        let caller = Caller {
            execution_arn: &call.execution_arn,
            region: &call.region,
            recovered: call.dispatch.recovered,
        };
        let arn = request.function.arn(caller.execution_arn, caller.region);
        let route = self.route(&request.function, &arn);
        let routed = match self.task_routes.find(&call.dispatch.resource) {
            Some(RouteTarget::Endpoint(endpoint)) => Some(endpoint.clone()),
            Some(RouteTarget::Aws) => Some(aws_endpoint(caller.region)?),
            _ => None,
        };
        let endpoint = match (&routed, route) {
            (Some(endpoint), _) => endpoint,
            (None, None) => {
                self.default_endpoint.as_ref().ok_or_else(|| not_found(&request, &arn))?
            }
            (None, Some(route)) => {
                route.check_recovered(caller.recovered)?;
                match &route.target {
                    Target::Wrong(reason) => {
                        return Err(task_failure("Stepwell.InvalidConfiguration", reason.as_str()));
                    }
                    Target::Pool(pool) => {
                        return Ok(self.invoke_pool(route, pool, &caller, request, arn).await);
                    }
                    Target::Endpoint(endpoint) => endpoint,
                }
            }
        };
        let region = request.function.region.as_deref().unwrap_or(caller.region);
        self.endpoints.invoke(call, endpoint, &request, region).await
    }

    /// The most exact declaration of a function.
    fn route(&self, called: &FunctionName, arn: &str) -> Option<&Route> {
        self.routes
            .get(&called.name)?
            .iter()
            .filter_map(|route| Some((route.declared.precision(called, arn)?, route)))
            .max_by_key(|(precision, _)| *precision)
            .map(|(_, route)| route)
    }

    async fn invoke_pool(
        &self,
        route: &Route,
        pool: &Arc<Pool>,
        caller: &Caller<'_>,
        request: InvokeRequest,
        arn: String,
    ) -> InvokeResponse {
        let event = Event {
            request_id: Uuid::new_v4().to_string().into(),
            execution_arn: caller.execution_arn.into(),
            invoked_function_arn: arn,
            trace_id: trace_id(),
            client_context: request.client_context.map(|context| context.json),
            payload: request.payload,
            timeout: Duration::from_secs(u64::from(route.config.timeout_seconds)),
        };
        match request.invocation_type {
            InvocationType::DryRun => answer(204, &event, None, None),
            InvocationType::Event => {
                let accepted = answer(202, &event, None, None);
                let background =
                    invoke_in_background(Arc::clone(pool), event, caller.region.into());
                let mut tasks = self.background.lock().unwrap_or_else(PoisonError::into_inner);
                while tasks.try_join_next().is_some() {}
                tasks.spawn(background);
                accepted
            }
            InvocationType::RequestResponse => {
                let started = tokio::time::Instant::now();
                let outcome = pool.invoke(&event, caller.region).await;
                let log =
                    request.wants_log.then(|| self.log_result(route, &event, started.elapsed()));
                let version = executed_version(request.function.qualifier.as_deref());
                let mut response = answer(200, &event, Some(outcome), log);
                response.headers.push(("X-Amz-Executed-Version".to_owned(), version.clone()));
                response.executed_version = Some(version);
                response
            }
        }
    }

    fn log_result(&self, route: &Route, event: &Event, duration: Duration) -> String {
        let id = &event.request_id;
        let printed = self.logs.text_of_request(&route.key, id);
        let milliseconds = duration.as_secs_f64() * 1000.0;
        let memory = route.config.memory_megabytes;
        endpoint::log_result(&format!(
            "START RequestId: {id} Version: $LATEST\n{printed}END RequestId: {id}\nREPORT RequestId: \
             {id}\tDuration: {milliseconds:.2} ms\tBilled Duration: {:.0} ms\tMemory Size: {memory} MB\t\n",
            milliseconds.ceil()
        ))
    }
}

impl Route {
    /// A call that may have been made before is made again only if the operator agrees.
    fn check_recovered(&self, recovered: bool) -> Result<(), TaskFailure> {
        match self.config.on_crash {
            OnCrash::Fail if recovered => Err(task_failure(
                INTERRUPTED_BY_CRASH,
                format!(
                    "The server stopped while function '{}' may have been at work, and its \
                     configuration says on_crash = \"fail\"",
                    self.key
                ),
            )),
            _ => Ok(()),
        }
    }
}

/// Lambda's own endpoint.
fn aws_endpoint(region: &str) -> Result<Uri, TaskFailure> {
    let lambda = service_models::find("lambda").expect("the data has the service");
    let url = lambda.endpoint(region).url;
    url.parse().map_err(|error| {
        task_failure("Lambda.SdkClientException", format!("{url} is no address: {error}"))
    })
}

/// An error of Lambda itself, with a request id of our own.
fn service_error(code: &str, status: u16, message: &str) -> TaskFailure {
    let exception = if code == "ValidationException" { "AWSLambdaException" } else { code };
    ServiceError {
        prefix: "Lambda",
        service: "AWSLambda",
        exception,
        message: Some(message),
        status,
        code: Some(code),
        request_id: &Uuid::new_v4().to_string(),
    }
    .into_failure()
}

fn not_found(request: &InvokeRequest, arn: &str) -> TaskFailure {
    let name = &request.function.name;
    tracing::warn!(
        function = arn,
        "no such function: declare [functions.\"{name}\"] in the configuration, or name a server \
         of functions in AWS_ENDPOINT_URL_LAMBDA"
    );
    let latest = if request.function.qualifier.is_none() { ":$LATEST" } else { "" };
    let message = format!("Function not found: {arn}{latest}");
    service_error("ResourceNotFoundException", 404, &message)
}

fn target(
    key: &Arc<str>,
    declared: &FunctionName,
    function: &FunctionConfig,
    environment: &BTreeMap<String, String>,
    processes: &Arc<Processes>,
    logs: &Arc<FunctionLogs>,
) -> Target {
    let problems = function.check();
    if !problems.is_empty() {
        let reason = format!("function '{key}': {}", problems.join("; "));
        tracing::warn!("{reason}");
        return Target::Wrong(reason);
    }
    if let Some(endpoint) = &function.endpoint {
        return match check_endpoint(endpoint) {
            Ok(uri) => Target::Endpoint(uri),
            Err(reason) => Target::Wrong(reason),
        };
    }
    let launch = Launch::new(declared.name.clone(), function.clone(), environment.clone());
    Target::Pool(Arc::new(Pool::new(
        Arc::clone(key),
        launch,
        function.concurrency,
        Duration::from_secs(function.idle_seconds),
        Arc::clone(processes),
        Arc::clone(logs),
    )))
}

fn default_endpoint(environment: &BTreeMap<String, String>) -> Option<Uri> {
    let (name, value) = ["AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL"]
        .iter()
        .find_map(|name| Some((name, environment.get(*name).filter(|value| !value.is_empty())?)))?;
    match check_endpoint(value) {
        Ok(uri) => Some(uri),
        Err(error) => {
            tracing::warn!("{name} is ignored: {error}");
            None
        }
    }
}

/// Nobody waits for an asynchronous invocation. It is tried again twice, and lost if the server
/// stops.
async fn invoke_in_background(pool: Arc<Pool>, event: Event, region: String) {
    for wait in EVENT_RETRIES.iter().map(Some).chain([None]) {
        match (pool.invoke(&event, &region).await, wait) {
            (Outcome::Error(_), Some(wait)) => tokio::time::sleep(*wait).await,
            _ => return,
        }
    }
}

/// Lambda's answer to a call of Invoke.
fn answer(
    status: u16,
    event: &Event,
    outcome: Option<Outcome>,
    log_result: Option<String>,
) -> InvokeResponse {
    let (payload, function_error) = match outcome {
        Some(Outcome::Response(payload)) => (payload, None),
        Some(Outcome::Error(payload)) => (payload, Some("Unhandled".to_owned())),
        None => (bytes::Bytes::new(), None),
    };
    let request_id = event.request_id.to_string();
    let mut headers = vec![
        ("Connection".to_owned(), "keep-alive".to_owned()),
        ("Date".to_owned(), clock::http_date(clock::now_milliseconds())),
        ("X-Amzn-Trace-Id".to_owned(), event.trace_id.clone()),
        ("x-amzn-Remapped-Content-Length".to_owned(), "0".to_owned()),
        ("x-amzn-RequestId".to_owned(), request_id.clone()),
    ];
    if status != 204 {
        headers.push(("Content-Length".to_owned(), payload.len().to_string()));
    }
    if status == 200 {
        headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
    }
    if let Some(log_result) = &log_result {
        headers.push(("X-Amz-Log-Result".to_owned(), log_result.clone()));
    }
    InvokeResponse {
        status,
        headers,
        request_id,
        executed_version: None,
        function_error,
        log_result,
        payload,
    }
}

/// A version is called by its number; behind an alias stands the only code that there is.
fn executed_version(qualifier: Option<&str>) -> String {
    match qualifier {
        Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => number.to_owned(),
        _ => "$LATEST".to_owned(),
    }
}

/// `Root=1-…;Parent=…;Sampled=0`, as X-Ray has it.
fn trace_id() -> String {
    let seconds = clock::now_milliseconds() / 1000;
    let root = Uuid::new_v4().simple().to_string();
    let parent = Uuid::new_v4().simple().to_string();
    format!("Root=1-{seconds:08x}-{};Parent={};Sampled=0", &root[..24], &parent[..16])
}
