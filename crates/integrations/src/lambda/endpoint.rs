//! Functions behind a server that speaks Lambda's Invoke API: AWS itself, an emulator, a
//! container with the Runtime Interface Emulator.

use aws_credential_types::Credentials;
use base64::Engine as _;
use bytes::Bytes;
use engine::TaskFailure;
use http::{HeaderMap, Request, Response, Uri};
use runtime::TaskCall;
use serde_json::Value;

use super::request::InvokeRequest;
use super::response::InvokeResponse;
use super::runtime_api::RESPONSE_BYTES_MAX;
use crate::aws::AwsClient;
use crate::client::HttpClient;
use crate::config::IntegrationsConfig;
use crate::credentials::dummy_credentials;
use crate::failure::{ServiceError, task_failure};
use crate::sign::sign_request;

/// Errors that Lambda's Invoke names. Any other is an `AWSLambdaException`.
const EXCEPTIONS: [&str; 30] = [
    "EC2AccessDeniedException",
    "EC2ThrottledException",
    "EC2UnexpectedException",
    "EFSIOException",
    "EFSMountConnectivityException",
    "EFSMountFailureException",
    "EFSMountTimeoutException",
    "ENILimitReachedException",
    "InvalidParameterValueException",
    "InvalidRequestContentException",
    "InvalidRuntimeException",
    "InvalidSecurityGroupIDException",
    "InvalidSubnetIDException",
    "InvalidZipFileException",
    "KMSAccessDeniedException",
    "KMSDisabledException",
    "KMSInvalidStateException",
    "KMSNotFoundException",
    "RecursiveInvocationException",
    "RequestTooLargeException",
    "ResourceConflictException",
    "ResourceNotFoundException",
    "ResourceNotReadyException",
    "ServiceException",
    "SnapStartException",
    "SnapStartNotReadyException",
    "SnapStartTimeoutException",
    "SubnetIPAddressLimitReachedException",
    "TooManyRequestsException",
    "UnsupportedMediaTypeException",
];

/// Calls endpoints.
pub(super) struct EndpointClient {
    client: HttpClient,
    aws: AwsClient,
}

impl EndpointClient {
    pub(super) fn new(config: &IntegrationsConfig) -> EndpointClient {
        EndpointClient { client: HttpClient::new(), aws: AwsClient::new(config) }
    }

    /// Calls Invoke on behalf of a task. `region` is the one to sign for.
    pub(super) async fn invoke(
        &self,
        call: &TaskCall,
        endpoint: &Uri,
        request: &InvokeRequest,
        region: &str,
    ) -> Result<InvokeResponse, TaskFailure> {
        let credentials = self.credentials(call, endpoint).await?;
        let request = build(endpoint, request, credentials, region)
            .map_err(|error| sdk_client_exception(&error))?;
        let response = self
            .client
            .send(request, RESPONSE_BYTES_MAX)
            .await
            .map_err(|error| sdk_client_exception(&error))?;
        read(&response)
    }

    /// Roles matter to AWS alone; others get the server's own credentials, or made-up ones.
    async fn credentials(
        &self,
        call: &TaskCall,
        endpoint: &Uri,
    ) -> Result<Credentials, TaskFailure> {
        if is_aws(endpoint) {
            let found = self.aws.signing_credentials(call, "Lambda").await?;
            return found.ok_or_else(|| {
                task_failure(
                    "Lambda.SdkClientException",
                    "Unable to load AWS credentials from any provider in the chain",
                )
            });
        }
        let found = self.aws.credentials(&call.region).await;
        Ok(found.ok().flatten().unwrap_or_else(dummy_credentials))
    }
}

/// Whether an endpoint is AWS itself, so that credentials matter.
pub(super) fn is_aws(endpoint: &Uri) -> bool {
    let host = endpoint.host().unwrap_or_default().to_ascii_lowercase();
    [".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".amazonaws.eu"]
        .iter()
        .any(|domain| host.ends_with(domain))
}

fn build(
    endpoint: &Uri,
    request: &InvokeRequest,
    credentials: Credentials,
    region: &str,
) -> Result<Request<Bytes>, String> {
    let authority = endpoint.authority().ok_or("the endpoint has no host")?;
    let mut builder = Request::post(target(endpoint, request))
        .header("host", authority.as_str())
        .header("content-type", "application/json")
        .header("user-agent", concat!("Stepwell/", env!("CARGO_PKG_VERSION")))
        .header("x-amz-invocation-type", request.invocation_type.as_str());
    if request.wants_log {
        builder = builder.header("x-amz-log-type", "Tail");
    }
    if let Some(client_context) = &request.client_context {
        builder = builder.header("x-amz-client-context", &client_context.base64);
    }
    let mut request = builder.body(request.payload.clone()).map_err(|error| error.to_string())?;
    sign_request(&mut request, credentials, region, "lambda")?;
    Ok(request)
}

fn target(endpoint: &Uri, request: &InvokeRequest) -> String {
    let base = endpoint.to_string();
    let base = base.trim_end_matches('/');
    if base.ends_with("/invocations") {
        return base.to_owned();
    }
    let name = percent_encode(&request.function_name);
    let mut target = format!("{base}/2015-03-31/functions/{name}/invocations");
    if let Some(qualifier) = &request.qualifier {
        target.push_str("?Qualifier=");
        target.push_str(&percent_encode(qualifier));
    }
    target
}

fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn read(response: &Response<Bytes>) -> Result<InvokeResponse, TaskFailure> {
    let headers = response.headers();
    let status = response.status();
    let request_id = ["x-amzn-requestid", "x-amz-request-id"]
        .iter()
        .find_map(|name| header(headers, name))
        .unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    if !status.is_success() {
        return Err(service_failure(response, &request_id));
    }
    Ok(InvokeResponse {
        status: status.as_u16(),
        headers: headers
            .iter()
            .map(|(name, value)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect(),
        executed_version: header(headers, "x-amz-executed-version"),
        function_error: header(headers, "x-amz-function-error"),
        log_result: header(headers, "x-amz-log-result"),
        payload: response.body().clone(),
        request_id,
    })
}

fn service_failure(response: &Response<Bytes>, request_id: &str) -> TaskFailure {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    let code = header(response.headers(), "x-amzn-errortype")
        .or_else(|| body.get("__type")?.as_str().map(str::to_owned))
        .or_else(|| body.get("code")?.as_str().map(str::to_owned));
    // `prefix#Name:http://…`, of which only the name counts.
    let code = code.as_deref().map(|code| {
        let code = code.split(':').next().unwrap_or_default();
        code.rsplit('#').next().unwrap_or_default()
    });
    let exception = code.filter(|code| EXCEPTIONS.contains(code)).unwrap_or("AWSLambdaException");
    let message = ["message", "Message", "errorMessage"]
        .iter()
        .find_map(|name| body.get(name).and_then(Value::as_str));
    ServiceError {
        prefix: "Lambda",
        service: "AWSLambda",
        exception,
        message,
        status: response.status().as_u16(),
        code,
        request_id,
    }
    .into_failure()
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn sdk_client_exception(reason: &str) -> TaskFailure {
    task_failure("Lambda.SdkClientException", format!("Unable to execute HTTP request: {reason}"))
}

/// The text of a log that fits into an answer: Base64 of its last 4 KB.
pub(super) fn log_result(text: &str) -> String {
    let bytes = text.as_bytes();
    base64::engine::general_purpose::STANDARD.encode(&bytes[bytes.len().saturating_sub(4096)..])
}
