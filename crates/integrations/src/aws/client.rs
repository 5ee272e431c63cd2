//! Makes calls: endpoint, credentials, signature, attempts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use bytes::Bytes;
use engine::TaskFailure;
use http::{Request, Response};
use runtime::TaskCall;
use serde_json::Value;
use uuid::Uuid;

use super::call::{AwsCall, AwsError, AwsResponse, CallContext, ServiceFault};
use super::credentials::{CredentialCache, describe, dummy};
use super::discovery::DiscoveredEndpoints;
use super::endpoint::{Target, address, endpoint_variable, is_s3, refuse_endpoint, target};
use super::parse::{Headers, header, parse_error, parse_response};
use super::profile::Profile;
use super::retry::{self, ATTEMPTS_MAX, Failure};
use super::serialize::{WireRequest, serialize};
use super::{input, output};
use crate::client::{HttpClient, SendError};
use crate::config::{IntegrationsConfig, OwnKey};
use crate::failure::task_failure;
use crate::routes::{RouteTarget, Routes};
use crate::sign::{Signing, sign_for};

/// Calls AWS's services, or what stands in their place. Cheap to clone.
#[derive(Clone)]
pub struct AwsClient(Arc<Inner>);

struct Inner {
    http: HttpClient,
    environment: BTreeMap<String, String>,
    container_endpoint: Option<String>,
    asks_instance: bool,
    routes: Routes,
    own_key: Option<OwnKey>,
    cache: CredentialCache,
    /// How far the services' clocks are ahead of ours.
    skew_milliseconds: AtomicI64,
    endpoints: DiscoveredEndpoints,
}

/// Why an attempt failed, and whether another one may do better.
struct AttemptError {
    failure: Failure,
    error: AwsError,
    /// How long the service wants to be left alone.
    wait: Option<Duration>,
}

impl AwsClient {
    pub(crate) fn new(config: &IntegrationsConfig) -> AwsClient {
        AwsClient(Arc::new(Inner {
            http: HttpClient::new(),
            environment: config.environment.clone(),
            container_endpoint: config.container_endpoint.clone(),
            asks_instance: config.aws.instance_metadata,
            routes: Routes::new(&config.routes),
            own_key: config.own_key.clone(),
            cache: CredentialCache::default(),
            skew_milliseconds: AtomicI64::new(0),
            endpoints: DiscoveredEndpoints::default(),
        }))
    }

    pub(super) fn environment(&self) -> &BTreeMap<String, String> {
        &self.0.environment
    }

    pub(super) fn endpoints(&self) -> &DiscoveredEndpoints {
        &self.0.endpoints
    }

    pub(super) fn cache(&self) -> &CredentialCache {
        &self.0.cache
    }

    pub(super) fn http(&self) -> &HttpClient {
        &self.0.http
    }

    /// Where a container's agent is that is named by a path alone.
    pub(super) fn container_endpoint(&self) -> &str {
        self.0.container_endpoint.as_deref().unwrap_or(super::credentials::CONTAINER_ENDPOINT)
    }

    pub(super) fn asks_instance(&self) -> bool {
        self.0.asks_instance
    }

    /// Makes a call. Attempts that fail for passing reasons are made again; the whole has no
    /// bound in time but that the future is dropped.
    ///
    /// # Errors
    /// See [`AwsError`].
    pub async fn call(&self, call: &AwsCall<'_>) -> Result<AwsResponse, AwsError> {
        let credentials = self.role_credentials(&call.context).await?;
        self.send(call, credentials).await
    }

    /// The credentials of the role that a task names, if it names one.
    async fn role_credentials(
        &self,
        context: &CallContext<'_>,
    ) -> Result<Option<Credentials>, AwsError> {
        let Some(role) = context.role_arn else { return Ok(None) };
        match self.assume_for_task(role, context.region).await {
            Ok(credentials) => Ok(Some(credentials)),
            Err(AwsError::NotConfigured(message)) => Err(AwsError::NotConfigured(message)),
            Err(other) => {
                let own = context.own_role_arn.filter(|_| is_denied(&other));
                let message = match own {
                    Some(own) => format!(
                        "The role {own} is not authorized to assume the task state's role, {role}."
                    ),
                    None => describe(&other),
                };
                Err(AwsError::Role { role_arn: role.to_owned(), message })
            }
        }
    }

    /// With what a task's own request is signed, which is no call of this client: as the role
    /// that the task names, else as the server. None where nothing says that there are any.
    ///
    /// # Errors
    /// There should be some, and they cannot be had; `prefix` is that of the error's name.
    pub(crate) async fn signing_credentials(
        &self,
        task: &TaskCall,
        prefix: &str,
    ) -> Result<Option<Credentials>, TaskFailure> {
        let context = super::task::context_of(task);
        let of_role = self.role_credentials(&context).await;
        if let Some(credentials) = of_role.map_err(|error| error.into_failure(""))? {
            return Ok(Some(credentials));
        }
        self.credentials(&task.region).await.map_err(|reason| {
            let error = format!("{prefix}.SdkClientException");
            let cause = format!(
                "Unable to load credentials from any of the providers in the chain: {reason}"
            );
            task_failure(error, cause)
        })
    }

    /// Whether a route says that a task's resource is AWS's own.
    pub(crate) fn is_routed_to_aws(&self, task: &TaskCall) -> bool {
        matches!(self.0.routes.find(&task.dispatch.resource), Some(RouteTarget::Aws))
    }

    /// Makes a call with the given credentials, or the server's own.
    pub(super) async fn send(
        &self,
        call: &AwsCall<'_>,
        credentials: Option<Credentials>,
    ) -> Result<AwsResponse, AwsError> {
        let AwsCall { service, operation, .. } = *call;
        let input =
            input::service_spelling(service, operation, call.parameters, call.payload.is_some())
                .map_err(AwsError::Parameters)?;
        let token = Uuid::new_v4().to_string();
        let wire = serialize(service, operation, &input, call.payload.clone(), &token)
            .map_err(|problem| AwsError::Parameters(vec![problem]))?;
        let region = call.context.region;
        let target = target(service, region, self.route(call), self.environment(), &self.profile())
            .map_err(AwsError::NotConfigured)?;
        refuse_endpoint(call, &target, &input)
            .map_err(|message| AwsError::Client { prefix: service.prefix.clone(), message })?;
        let credentials = self.credentials_for(call, &target, credentials).await?;
        let target = self.discovered(call, target, credentials.as_ref()).await?;
        let mut attempt = 1;
        loop {
            let outcome = self.attempt(call, &target, &input, &wire, credentials.as_ref()).await;
            match outcome {
                Ok(response) => return Ok(response),
                Err(AttemptError { failure, mut error, .. })
                    if failure == Failure::Final || attempt == ATTEMPTS_MAX =>
                {
                    if let AwsError::Service(fault) = &mut error {
                        fault.attempts = attempt;
                    }
                    return Err(error);
                }
                Err(AttemptError { failure, wait, .. }) => {
                    let random = f64::from(Uuid::new_v4().as_bytes()[0]) / 256.0;
                    let own = retry::wait(failure, attempt, random);
                    tokio::time::sleep(wait.map_or(own, |wait| wait.max(own))).await;
                    attempt += 1;
                }
            }
        }
    }

    /// Now, by the clock of the services, as far as it is known.
    fn service_time(&self) -> SystemTime {
        let skew = self.0.skew_milliseconds.load(Ordering::Relaxed);
        let distance = Duration::from_millis(skew.unsigned_abs());
        match skew < 0 {
            true => SystemTime::now() - distance,
            false => SystemTime::now() + distance,
        }
    }

    /// What the operator says about where this call goes.
    fn route(&self, call: &AwsCall<'_>) -> Option<&RouteTarget> {
        match call.context.resource {
            Some(resource) => self.0.routes.find(resource),
            None => {
                let mut letters = call.operation.name.chars();
                let first = letters.next().map(|first| first.to_ascii_lowercase());
                let action: String = first.into_iter().chain(letters).collect();
                self.0.routes.find_call(&call.service.id, &action)
            }
        }
    }

    fn profile(&self) -> Profile {
        Profile::load(self.environment())
    }

    /// What to sign with. AWS itself is called only if there are credentials.
    async fn credentials_for(
        &self,
        call: &AwsCall<'_>,
        target: &Target,
        given: Option<Credentials>,
    ) -> Result<Option<Credentials>, AwsError> {
        if call.operation.is_unsigned {
            return Ok(None);
        }
        if given.is_some() {
            return Ok(given);
        }
        if let Some(key) = self.0.own_key.as_ref().filter(|key| key.url == target.url) {
            let (id, secret) = (key.access_key_id.clone(), key.secret_access_key.clone());
            return Ok(Some(Credentials::new(id, secret, key.session_token.clone(), None, "own")));
        }
        let found = self.credentials(call.context.region).await;
        match found {
            Ok(Some(credentials)) => Ok(Some(credentials)),
            Ok(None) if target.is_aws => Err(nowhere_to_go(call)),
            Ok(None) => Ok(Some(dummy())),
            Err(_) if !target.is_aws => Ok(Some(dummy())),
            Err(reason) => Err(AwsError::Client {
                prefix: call.service.prefix.clone(),
                message: format!(
                    "Unable to load credentials from any of the providers in the chain: {reason}"
                ),
            }),
        }
    }

    async fn attempt(
        &self,
        call: &AwsCall<'_>,
        target: &Target,
        input: &Value,
        wire: &WireRequest,
        credentials: Option<&Credentials>,
    ) -> Result<AwsResponse, AttemptError> {
        let client_error = |failure: Failure, message: String| AttemptError {
            failure,
            error: AwsError::Client { prefix: call.service.prefix.clone(), message },
            wait: None,
        };
        let request = build(call, target, input, wire, credentials, self.service_time())
            .map_err(|error| client_error(Failure::Final, error))?;
        let bytes_max = call.context.response_bytes_max;
        let sent = self.0.http.exchange(request, bytes_max);
        let answer = match tokio::time::timeout(call.timeout(), sent).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(SendError::TooLarge)) => {
                let message = format!(
                    "Unable to execute HTTP request: the answer is longer than {bytes_max} bytes"
                );
                return Err(client_error(Failure::Final, message));
            }
            Ok(Err(SendError::Failed(reason))) => {
                let message = format!("Unable to execute HTTP request: {reason}");
                return Err(client_error(Failure::Transient, message));
            }
            // It may have been done; nobody knows.
            Err(_) => {
                let message = "Unable to execute HTTP request: Read timed out".to_owned();
                return Err(client_error(Failure::Final, message));
            }
        };
        read(call, &answer).map_err(|error| match error {
            ReadError::Answered(failure, fault, headers) => {
                let skew = retry::clock_skew(fault.code.as_deref(), &headers, self.service_time());
                if let Some(more) = skew {
                    self.0.skew_milliseconds.fetch_add(more, Ordering::Relaxed);
                }
                let failure = if skew.is_some() { Failure::Transient } else { failure };
                let wait = retry::wanted_wait(&headers);
                AttemptError { failure, error: AwsError::Service(*fault), wait }
            }
            ReadError::Unreadable(reason) => {
                client_error(Failure::Final, format!("Unable to unmarshall response ({reason})"))
            }
        })
    }
}

/// Whether STS refuses a role.
fn is_denied(error: &AwsError) -> bool {
    matches!(error, AwsError::Service(fault) if fault.status == 403)
}

/// The error of a call that nothing says where to make.
fn nowhere_to_go(call: &AwsCall<'_>) -> AwsError {
    let service = call.service;
    AwsError::NotConfigured(format!(
        "Nothing says where {} of {} is to be called. Set {} or AWS_ENDPOINT_URL to an endpoint, \
         give AWS credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE), or \
         add a route for 'aws-sdk:{}' to stepwell.toml",
        call.operation.name,
        service.service_id,
        endpoint_variable(service),
        service.id
    ))
}

fn build(
    call: &AwsCall<'_>,
    target: &Target,
    input: &Value,
    wire: &WireRequest,
    credentials: Option<&Credentials>,
    time: SystemTime,
) -> Result<Request<Bytes>, String> {
    let address = address(call.service, target, call.context.region, input, wire);
    let uri: http::Uri = address.parse().map_err(|error| format!("{address}: {error}"))?;
    let host = uri.authority().ok_or("the endpoint has no host")?.to_string();
    let mut builder = Request::builder()
        .method(wire.method.as_str())
        .uri(uri)
        .header("host", host)
        .header("user-agent", concat!("Stepwell/", env!("CARGO_PKG_VERSION")));
    for (name, value) in &wire.headers {
        builder = builder.header(name, value);
    }
    for (name, value) in super::checksum::headers(call.operation, input, wire) {
        builder = builder.header(name, value);
    }
    let mut request = builder.body(wire.body.clone()).map_err(|error| error.to_string())?;
    if let Some(credentials) = credentials {
        if !matches!(&*call.service.signature, "v4" | "s3" | "s3v4") {
            return Err(format!(
                "{} wants signatures of the kind '{}', which are not supported",
                call.service.service_id, call.service.signature
            ));
        }
        let signing = Signing {
            region: &target.signing_region,
            name: &target.signing_name,
            is_s3: is_s3(call.service) || &*call.service.signature != "v4",
            has_unsigned_payload: call.operation.has_unsigned_payload,
            time,
        };
        sign_for(&mut request, credentials.clone(), &signing)?;
    }
    Ok(request)
}

enum ReadError {
    Answered(Failure, Box<ServiceFault>, Headers),
    Unreadable(String),
}

fn read(call: &AwsCall<'_>, answer: &Response<Bytes>) -> Result<AwsResponse, ReadError> {
    let AwsCall { service, operation, .. } = *call;
    let status = answer.status().as_u16();
    let headers: Headers = answer
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    // S3 finds out after it has begun to answer that a copy fails.
    let failed_late = is_s3(service)
        && status == 200
        && matches!(&*operation.name, "CopyObject" | "UploadPartCopy" | "CompleteMultipartUpload")
        && String::from_utf8_lossy(&answer.body()[..answer.body().len().min(200)])
            .contains("<Error>");
    if !(200..300).contains(&status) || failed_late {
        let status = if failed_late { 500 } else { status };
        let fault = fault(call, status, &headers, answer.body());
        let code = fault.code.as_deref();
        let failure = retry::classify(status, code);
        return Err(ReadError::Answered(failure, Box::new(fault), headers));
    }
    let (output, payload) = parse_response(service, operation, status, &headers, answer.body())
        .map_err(ReadError::Unreadable)?;
    let request_id = ["x-amzn-requestid", "x-amz-request-id"]
        .iter()
        .find_map(|name| header(&headers, name))
        .map(str::to_owned)
        .or_else(|| super::parse::request_id(service, answer.body()));
    Ok(AwsResponse {
        output: output::task_spelling(service, operation.output.as_ref(), output),
        payload,
        status,
        headers,
        request_id: request_id.unwrap_or_else(|| Uuid::new_v4().to_string()),
    })
}

fn fault(call: &AwsCall<'_>, status: u16, headers: &Headers, body: &Bytes) -> ServiceFault {
    let AwsCall { service, operation, .. } = *call;
    let error = parse_error(service, status, headers, body);
    let shape = [&error.code, &error.query_code]
        .into_iter()
        .flatten()
        .find_map(|code| service.error(operation, code));
    let exception = match shape {
        Some(shape) => service_models::exception_name(&shape.name),
        None => format!("{}Exception", service.prefix),
    };
    ServiceFault {
        prefix: service.prefix.clone(),
        exception,
        shape: shape.map(|shape| shape.name.clone()),
        code: error.query_code.or(error.code),
        message: error.message,
        status,
        request_id: error.request_id,
        extended_request_id: error.extended_request_id,
        attempts: 1,
    }
}
