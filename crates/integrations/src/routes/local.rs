//! What stands in the place of an integration: a function, a process, a container, an HTTP URL, a
//! mock.

use std::process::Stdio;

use asl::{Payload, Resource};
use bytes::Bytes;
use engine::TaskFailure;
use http::{Request, Uri};
use runtime::TaskCall;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::config::{ContainerRoute, MockRoute, Target};
use crate::failure::{NOT_SUPPORTED, task_failure};
use crate::integrations::Services;

/// Bytes of a result; more than a task may have.
const RESULT_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of what a process prints about its failure that go into the cause.
const CAUSE_BYTES_MAX: usize = 4096;
/// The error of a process that does not name one.
const PROCESS_FAILED: &str = "Stepwell.ProcessFailed";
/// The same of a container.
const CONTAINER_FAILED: &str = "Stepwell.ContainerFailed";

/// Does the work of a task. Targets that are servers of the service's own API are none of these:
/// the integrations go there.
pub(crate) async fn run(
    services: &Services,
    call: &TaskCall,
    target: &Target,
) -> Result<Payload, TaskFailure> {
    let parameters = &call.dispatch.parameters;
    match target {
        Target::Aws | Target::Endpoint(_) => {
            Err(task_failure(NOT_SUPPORTED, format!("{target} is called by an integration")))
        }
        Target::Function(name) => match &call.dispatch.resource {
            Resource::Service { service, action, .. }
                if **service == *"lambda" && **action == *"invoke" =>
            {
                services.functions.run_invoke_of(call, Some(name)).await
            }
            _ => services.functions.run_function(call, name).await,
        },
        Target::Process(words) => process(words, parameters).await,
        Target::Container(container) => run_container(services, call, container).await,
        Target::Http(url) => post(services, url, parameters).await,
        Target::Mock(MockRoute { result: Some(result), .. }) => Ok(Payload::from(result.clone())),
        Target::Mock(mock) => Err(TaskFailure {
            error: mock.error.as_deref().map(Into::into),
            cause: mock.cause.as_deref().map(Into::into),
        }),
    }
}

/// Runs a program with the parameters on its standard input. It is killed when nobody waits any
/// more.
async fn process(words: &[String], parameters: &Payload) -> Result<Payload, TaskFailure> {
    let program = words.first().map_or("", String::as_str);
    let failed = |what: String| task_failure(PROCESS_FAILED, format!("{program}: {what}"));
    let mut child = Command::new(program)
        .args(words.get(1..).unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("cannot be started: {error}")))?;
    let mut stdin = child.stdin.take().expect("it was asked for");
    let stdout = child.stdout.take().expect("it was asked for");
    let stderr = child.stderr.take().expect("it was asked for");
    let write = async {
        // A program may not care for its parameters.
        let _ = stdin.write_all(parameters.text().as_bytes()).await;
        drop(stdin);
    };
    let ((), output, errors, status) = tokio::join!(
        write,
        read(stdout, RESULT_BYTES_MAX),
        read(stderr, CAUSE_BYTES_MAX),
        child.wait()
    );
    let status = status.map_err(|error| failed(error.to_string()))?;
    outcome(status.success(), &status.to_string(), &output, &errors, failed)
}

/// Runs an image with the parameters on its standard input. It is removed when nobody waits any
/// more.
async fn run_container(
    services: &Services,
    call: &TaskCall,
    route: &ContainerRoute,
) -> Result<Payload, TaskFailure> {
    let image = &route.image;
    let failed = |what: String| task_failure(CONTAINER_FAILED, format!("{image}: {what}"));
    let limits = (RESULT_BYTES_MAX, CAUSE_BYTES_MAX);
    let printed = services.jobs.run_image(call, route, limits).await.map_err(failed)?;
    let status = format!("exit status: {}", printed.exit_code);
    outcome(printed.exit_code == 0, &status, &printed.output, &printed.errors, failed)
}

/// What a program's end and output mean.
fn outcome(
    is_success: bool,
    status: &str,
    output: &[u8],
    errors: &[u8],
    failed: impl Fn(String) -> TaskFailure,
) -> Result<Payload, TaskFailure> {
    let output = String::from_utf8_lossy(output).trim().to_owned();
    if is_success {
        if output.is_empty() {
            return Ok(Payload::from(Value::Object(serde_json::Map::new())));
        }
        return Payload::parse(output).map_err(|error| failed(format!("printed no JSON: {error}")));
    }
    // A program may say which error it is.
    let named = serde_json::from_str::<Value>(&output).ok();
    if let Some(error) = named.as_ref().and_then(|it| it.get("Error")?.as_str()) {
        let cause = named.as_ref().and_then(|it| it.get("Cause")?.as_str()).unwrap_or_default();
        return Err(task_failure(error, cause));
    }
    Err(failed(format!("{status}: {}", String::from_utf8_lossy(errors).trim())))
}

/// Reads to the end, and keeps the first bytes.
async fn read(mut stream: impl tokio::io::AsyncRead + Unpin, limit: usize) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut buffer = vec![0; 8192];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let room = limit.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
    kept
}

/// Posts the parameters as JSON.
async fn post(
    services: &Services,
    url: &Uri,
    parameters: &Payload,
) -> Result<Payload, TaskFailure> {
    let request = Request::post(url.clone())
        .header("host", url.authority().map_or("", |authority| authority.as_str()))
        .header("content-type", "application/json")
        .body(Bytes::from(parameters.text().to_owned()))
        .map_err(|error| task_failure("States.Runtime", format!("{url}: {error}")))?;
    let answer = services
        .client
        .send(request, RESULT_BYTES_MAX)
        .await
        .map_err(|reason| task_failure("States.Http.Socket", format!("{url}: {reason}")))?;
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    if !answer.status().is_success() {
        let error = format!("States.Http.StatusCode.{}", answer.status().as_u16());
        return Err(task_failure(error, text));
    }
    if text.trim().is_empty() {
        return Ok(Payload::from(Value::Object(serde_json::Map::new())));
    }
    Payload::parse(text)
        .map_err(|error| task_failure("States.Runtime", format!("{url} answered no JSON: {error}")))
}
