//! `eks:call` and `eks:runJob`: calls of a cluster's Kubernetes API, and Jobs that are followed to
//! their end.

use std::collections::BTreeMap;
use std::time::Duration;

use asl::{Pattern, Payload, Resource};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use engine::TaskFailure;
use engine::limits::PAYLOAD_BYTES_MAX;
use http::{Request, Response, Uri};
use runtime::TaskCall;
use serde_json::{Map, Value, json};

use crate::aws::AwsClient;
use crate::client::{HttpClient, SendError};
use crate::failure::{NOT_CONFIGURED, bad_parameters, task_failure};
use crate::http_task::form::append_pair;
use crate::http_task::{HttpConfig, body_value, status_text};
use crate::optimized::PollIntervals;
use crate::sign::eks_token;

const CALL_FIELDS: [&str; 7] = [
    "CertificateAuthority",
    "ClusterName",
    "Endpoint",
    "Method",
    "Path",
    "QueryParameters",
    "RequestBody",
];
const JOB_FIELDS: [&str; 6] =
    ["CertificateAuthority", "ClusterName", "Endpoint", "Job", "LogOptions", "Namespace"];
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"];
/// Of a log, before the result is known to be too large.
const LOG_BYTES_MAX: usize = 4 * PAYLOAD_BYTES_MAX;

/// Calls Kubernetes.
pub(crate) struct Kubernetes {
    plain: HttpClient,
    config: HttpConfig,
    aws: AwsClient,
    intervals: PollIntervals,
}

/// A cluster as the task describes it.
struct Cluster {
    client: HttpClient,
    endpoint: String,
    token: Option<String>,
}

/// A request to a cluster.
struct Ask<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a [(String, String)],
    body: Option<&'a Value>,
}

impl Kubernetes {
    pub(crate) fn new(
        client: HttpClient,
        config: HttpConfig,
        aws: AwsClient,
        intervals: PollIntervals,
    ) -> Kubernetes {
        Kubernetes { plain: client, config, aws, intervals }
    }

    /// Whether there is work for a call here.
    pub(crate) fn knows(service: &str, action: &str) -> bool {
        service == "eks" && matches!(action, "call" | "runJob")
    }

    pub(crate) async fn run(&self, call: &TaskCall) -> Result<Payload, TaskFailure> {
        match &call.dispatch.resource {
            Resource::Service { action, .. } if &**action == "call" => self.call(call).await,
            Resource::Service { pattern: Pattern::Sync, .. } => self.run_job_to_its_end(call).await,
            _ => self.submit(call).await.map(|(_, output)| output),
        }
    }

    /// The work of `eks:call`.
    async fn call(&self, call: &TaskCall) -> Result<Payload, TaskFailure> {
        let given = &call.dispatch.parameters;
        let fields = given.value();
        let mut problems =
            check(fields, &CALL_FIELDS, &["Endpoint", "ClusterName", "Method", "Path"]);
        let method = METHODS.into_iter().find(|method| fields["Method"] == *method);
        if method.is_none() && fields.get("Method").is_some() {
            problems.push(invalid("Method"));
        }
        if fields.get("Path").is_some_and(|path| !path.is_string()) {
            problems.push(invalid("Path"));
        }
        let query = pairs(fields.get("QueryParameters")).unwrap_or_else(|| {
            problems.push(invalid("QueryParameters"));
            Vec::new()
        });
        if !problems.is_empty() {
            return Err(bad_parameters(given.text(), &problems));
        }
        let cluster = self.cluster(call).await?;
        let path = fields["Path"].as_str().unwrap_or_default();
        let body = fields.get("RequestBody").filter(|body| !body.is_null());
        let ask = Ask { method: method.unwrap_or("GET"), path, query: &query, body };
        let response = cluster.ask(&ask, PAYLOAD_BYTES_MAX).await?;
        success(&response)
    }

    /// Makes a Job; gives it, and the result of the submission.
    async fn submit(&self, call: &TaskCall) -> Result<(Value, Payload), TaskFailure> {
        let given = &call.dispatch.parameters;
        let fields = given.value();
        let problems = check(fields, &JOB_FIELDS, &["Endpoint", "ClusterName", "Job"]);
        if !problems.is_empty() {
            return Err(bad_parameters(given.text(), &problems));
        }
        let cluster = self.cluster(call).await?;
        let path = jobs_path(fields, None);
        let ask = Ask { method: "POST", path: &path, query: &[], body: fields.get("Job") };
        let mut response = cluster.ask(&ask, PAYLOAD_BYTES_MAX).await?;
        let name = fields.pointer("/Job/metadata/name").and_then(Value::as_str);
        if let (409, true, Some(name)) = (response.status().as_u16(), call.dispatch.recovered, name)
        {
            // It was made before the server stopped.
            let path = jobs_path(fields, Some(name));
            let ask = Ask { method: "GET", path: &path, query: &[], body: None };
            response = cluster.ask(&ask, PAYLOAD_BYTES_MAX).await?;
        }
        let output = success(&response)?;
        Ok((output.value()["ResponseBody"].clone(), output))
    }

    /// The work of `eks:runJob.sync`.
    async fn run_job_to_its_end(&self, call: &TaskCall) -> Result<Payload, TaskFailure> {
        let submitted = match &call.dispatch.submitted {
            Some(submitted) => submitted.value()["ResponseBody"].clone(),
            None => {
                let (job, output) = self.submit(call).await?;
                call.submission.submitted(output).await;
                job
            }
        };
        let fields = call.dispatch.parameters.value();
        let name = submitted["metadata"]["name"].as_str().unwrap_or_default();
        let cluster = self.cluster(call).await?;
        let path = jobs_path(fields, Some(name));
        let mut wait = self.intervals.first;
        let (mut job, succeeded) = loop {
            tokio::time::sleep(wait).await;
            wait = (wait + wait / 2).min(self.intervals.longest);
            let ask = Ask { method: "GET", path: &path, query: &[], body: None };
            match cluster.ask(&ask, PAYLOAD_BYTES_MAX).await {
                Ok(response) if response.status().is_success() => {
                    let job = body_of(&response);
                    if let Some(succeeded) = ended(&job) {
                        break (job, succeeded);
                    }
                }
                // It passes, or the token is renewed with the next question.
                Ok(response) if response.status().as_u16() >= 500 => {}
                Ok(response) => return Err(failure(&response)),
                Err(_) => {}
            }
        };
        if fields["LogOptions"]["RetrieveLogs"] == true {
            job["logs"] = cluster.logs(fields, name).await;
        }
        let output = Payload::from_value(job);
        match succeeded {
            true => Ok(output),
            false => Err(task_failure("States.TaskFailed", output.text())),
        }
    }

    /// Removes a Job, as far as that is possible.
    pub(crate) async fn cancel(&self, call: &TaskCall, submitted: &Value) {
        let Some(name) = submitted["ResponseBody"]["metadata"]["name"].as_str() else { return };
        let Ok(cluster) = self.cluster(call).await else { return };
        let path = jobs_path(call.dispatch.parameters.value(), Some(name));
        let query = [("propagationPolicy".to_owned(), "Background".to_owned())];
        let ask = Ask { method: "DELETE", path: &path, query: &query, body: None };
        let deleted = cluster.ask(&ask, PAYLOAD_BYTES_MAX).await;
        if !deleted.is_ok_and(|response| response.status().is_success()) {
            tracing::warn!(
                state = &*call.dispatch.state_name,
                execution = &*call.execution_arn,
                "the Kubernetes Job of a task that was stopped could not be removed"
            );
        }
    }

    async fn cluster(&self, call: &TaskCall) -> Result<Cluster, TaskFailure> {
        let given = &call.dispatch.parameters;
        let refused = |problem: String| bad_parameters(given.text(), &[problem]);
        let fields = given.value();
        let endpoint = fields["Endpoint"].as_str().unwrap_or_default().trim_end_matches('/');
        let uri: Uri = endpoint.parse().map_err(|_| refused(invalid("Endpoint")))?;
        let host = uri.host().unwrap_or_default();
        match uri.scheme_str() {
            // A proxy that authorizes by itself.
            Some("http") if self.config.allows(host, uri.port_u16()) => Ok(Cluster {
                client: self.plain.clone(),
                endpoint: endpoint.to_owned(),
                token: None,
            }),
            Some("https") => {
                let authority = fields["CertificateAuthority"].as_str().unwrap_or_default();
                let authority = BASE64
                    .decode(authority)
                    .ok()
                    .filter(|authority| !authority.is_empty())
                    .and_then(|authority| HttpClient::trusting(&authority).ok())
                    .ok_or_else(|| refused(invalid("CertificateAuthority")))?;
                let credentials = self.aws.signing_credentials(call, "EKS").await?;
                let credentials = credentials.ok_or_else(|| {
                    let cause = format!(
                        "Nothing says as whom '{host}' is to be called. Give AWS credentials \
                         (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE), or use an \
                         endpoint that authorizes by itself and is listed in 'allow_http' of \
                         [http] in stepwell.toml"
                    );
                    task_failure(NOT_CONFIGURED, cause)
                })?;
                let name = fields["ClusterName"].as_str().unwrap_or_default();
                let token = eks_token(name, credentials, &call.region)
                    .map_err(|reason| task_failure("EKS.SdkClientException", reason))?;
                let endpoint = endpoint.to_owned();
                Ok(Cluster { client: authority, endpoint, token: Some(token) })
            }
            _ => Err(refused(invalid("Endpoint"))),
        }
    }
}

impl Cluster {
    async fn ask(&self, ask: &Ask<'_>, limit: usize) -> Result<Response<Bytes>, TaskFailure> {
        const PATIENCE: Duration = Duration::from_secs(60);
        let failed = |reason: &str| {
            task_failure(
                "EKS.SdkClientException",
                format!("Unable to execute HTTP request: {reason}"),
            )
        };
        let mut url = format!("{}/{}", self.endpoint, ask.path.trim_start_matches('/'));
        let mut query = String::new();
        for (name, value) in ask.query {
            append_pair(&mut query, name, value);
        }
        if !query.is_empty() {
            url.push('?');
            url.push_str(&query);
        }
        let mut builder =
            Request::builder().method(ask.method).uri(url).header("Accept", "application/json");
        if let Some(token) = &self.token {
            builder = builder.header("Authorization", format!("Bearer {token}"));
        }
        let body = match ask.body {
            None => Bytes::new(),
            Some(body) => {
                let patches = ask.method == "PATCH";
                let kind =
                    if patches { "application/merge-patch+json" } else { "application/json" };
                builder = builder.header("Content-Type", kind);
                let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
                Bytes::from(text)
            }
        };
        let request = builder.body(body).map_err(|error| failed(&error.to_string()))?;
        match tokio::time::timeout(PATIENCE, self.client.exchange(request, limit)).await {
            Err(_) => Err(failed("Read timed out")),
            Ok(Ok(response)) => Ok(response),
            Ok(Err(SendError::Failed(reason))) => Err(failed(&reason)),
            Ok(Err(SendError::TooLarge)) => Err(task_failure(
                "States.DataLimitExceeded",
                "The state/task 'eks' returned a result with a size exceeding the maximum number \
                 of bytes service limit.",
            )),
        }
    }

    /// The logs of a Job's containers, as far as they are there.
    async fn logs(&self, fields: &Value, job: &str) -> Value {
        let options = &fields["LogOptions"];
        let namespace = namespace(fields);
        let path = format!("/api/v1/namespaces/{namespace}/pods");
        let query = [("labelSelector".to_owned(), format!("job-name={job}"))];
        let ask = Ask { method: "GET", path: &path, query: &query, body: None };
        let listed = match self.ask(&ask, LOG_BYTES_MAX).await {
            Ok(response) => body_of(&response),
            Err(_) => Value::Null,
        };
        let mut pods = Map::new();
        for pod in listed["items"].as_array().into_iter().flatten() {
            let Some(name) = pod["metadata"]["name"].as_str() else { continue };
            let mut containers = Map::new();
            for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
                let Some(container) = container["name"].as_str() else { continue };
                let path = format!("/api/v1/namespaces/{namespace}/pods/{name}/log");
                let mut query = pairs(options.get("LogParameters")).unwrap_or_default();
                query.push(("container".to_owned(), container.to_owned()));
                let ask = Ask { method: "GET", path: &path, query: &query, body: None };
                let shown = match self.ask(&ask, LOG_BYTES_MAX).await {
                    Ok(response) if response.status().is_success() => {
                        json!({ "log": log(&response, options["RawLogs"] == true) })
                    }
                    Ok(response) => shown(&failure(&response)),
                    Err(failure) => shown(&failure),
                };
                containers.insert(container.to_owned(), shown);
            }
            pods.insert(name.to_owned(), json!({ "containers": containers }));
        }
        json!({ "pods": pods })
    }
}

fn shown(failure: &TaskFailure) -> Value {
    json!({ "error": failure.error.as_deref(), "cause": failure.cause.as_deref() })
}

/// A log as JSON, where it is and nobody wants it raw.
fn log(response: &Response<Bytes>, is_raw: bool) -> Value {
    let text = String::from_utf8_lossy(response.body());
    let parsed = if is_raw { None } else { asl::parse_json(&text).ok() };
    parsed.map_or_else(|| Value::from(text), |parsed| parsed.value().clone())
}

fn body_of(response: &Response<Bytes>) -> Value {
    body_value(response, &String::from_utf8_lossy(response.body()))
}

/// Whether a Job is over, and if so whether it succeeded.
fn ended(job: &Value) -> Option<bool> {
    let conditions = job["status"]["conditions"].as_array().into_iter().flatten();
    conditions.filter(|condition| condition["status"] == "True").find_map(|condition| {
        match condition["type"].as_str() {
            Some("Complete") => Some(true),
            Some("Failed") => Some(false),
            _ => None,
        }
    })
}

fn success(response: &Response<Bytes>) -> Result<Payload, TaskFailure> {
    if !response.status().is_success() {
        return Err(failure(response));
    }
    let mut headers: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (name, value) in response.headers() {
        let value = Value::from(String::from_utf8_lossy(value.as_bytes()));
        headers.entry(name.as_str()).or_default().push(value);
    }
    Ok(Payload::from_value(json!({
        "Headers": headers,
        "ResponseBody": body_of(response),
        "StatusCode": response.status().as_u16(),
        "StatusText": status_text(response),
    })))
}

fn failure(response: &Response<Bytes>) -> TaskFailure {
    let cause = String::from_utf8_lossy(response.body()).into_owned();
    task_failure(format!("EKS.{}", response.status().as_u16()), cause)
}

fn namespace(fields: &Value) -> &str {
    let own = fields.pointer("/Job/metadata/namespace").and_then(Value::as_str);
    fields["Namespace"].as_str().or(own).unwrap_or("default")
}

fn jobs_path(fields: &Value, name: Option<&str>) -> String {
    let path = format!("/apis/batch/v1/namespaces/{}/jobs", namespace(fields));
    name.map_or(path.clone(), |name| format!("{path}/{name}"))
}

fn invalid(name: &str) -> String {
    format!("The value of the field '{name}' has an invalid format")
}

fn check(fields: &Value, known: &[&str], required: &[&str]) -> Vec<String> {
    let given = fields.as_object().into_iter().flat_map(|fields| fields.keys());
    let unknown = given
        .filter(|name| !known.contains(&name.as_str()))
        .map(|name| format!("The field \"{name}\" is not supported by Step Functions"));
    let missing = required
        .iter()
        .filter(|name| fields.get(**name).is_none_or(Value::is_null))
        .map(|name| format!("The field \"{name}\" is required but was missing"));
    unknown.chain(missing).collect()
}

/// Names with lists of texts.
fn pairs(given: Option<&Value>) -> Option<Vec<(String, String)>> {
    let Some(given) = given.filter(|given| !given.is_null()) else { return Some(Vec::new()) };
    let mut pairs = Vec::new();
    for (name, values) in given.as_object()? {
        for value in values.as_array()? {
            pairs.push((name.clone(), value.as_str()?.to_owned()));
        }
    }
    Some(pairs)
}
