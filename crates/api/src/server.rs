//! The HTTP server: connections, bodies and headers in, operations called, responses out.
//!
//! Any `Host` is served, so that clients which put `sync-` before it find the server too.

use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use runtime::NotReady;
use tokio::net::{TcpListener, TcpStream};

use crate::api::Api;
use crate::approvals;
use crate::beyond::{self, EventBody};
use crate::constraints;
use crate::dispatch::{self, Answer, Call, Operation};
use crate::error::{ApiError, ErrorType};
use crate::json::JsonObject;
use crate::metrics;
use crate::request;
use crate::throttling;
use crate::tls::{self, Tls};
use crate::usage;

/// Bytes of a request's body: a definition of 1 MB, every character of it escaped, and what
/// else a request may hold.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes that are read and thrown away after a body that is too large, so that the client gets
/// to read the answer.
const DISCARDED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of a request's line and headers, and of a piece of body that is read at once.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long a connection may take to send the head of its next request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(90);
/// How long a connection may take to agree on TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long open requests may take to finish when the server stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait when the system has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

const JSON_1_0: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// What `X-Amz-Target` holds in front of the operation's name.
const TARGET_PREFIX: &str = "AWSStepFunctions.";

/// Serves the API to everybody who connects, until `shutdown` is ready; then open requests are
/// answered, long polls end without a task, and idle connections are closed.
pub async fn serve(
    listener: TcpListener,
    api: Arc<Api>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_each(listener, &api, shutdown, |stream, connections| {
        open_connection(stream, &api, connections);
    })
    .await
}

/// As [`serve`], to those who connect with TLS.
pub async fn serve_tls(
    listener: TcpListener,
    tls: Arc<Tls>,
    api: Arc<Api>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_each(listener, &api, shutdown, |stream, connections| {
        let (tls, api) = (Arc::clone(&tls), Arc::clone(&api));
        tokio::spawn(open_tls_connection(stream, tls, api, connections.watcher()));
    })
    .await
}

async fn serve_each(
    listener: TcpListener,
    api: &Api,
    shutdown: impl Future<Output = ()>,
    open: impl Fn(TcpStream, &GracefulShutdown),
) -> io::Result<()> {
    let connections = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => open(stream, &connections),
                Err(error) if is_one_connections(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            () = &mut shutdown => break,
        }
    }
    drop(listener);
    api.stop();
    if tokio::time::timeout(STOP_TIMEOUT, connections.shutdown()).await.is_err() {
        tracing::warn!("requests were still open when the server stopped");
    }
    Ok(())
}

/// Whether accepting failed because of the one connection that was to be accepted.
fn is_one_connections(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn open_connection(stream: TcpStream, api: &Arc<Api>, connections: &GracefulShutdown) {
    // Without it, small answers wait for the client's acknowledgement of earlier ones.
    let _ = stream.set_nodelay(true);
    let api = Arc::clone(api);
    let service = service_fn(move |request| {
        let api = Arc::clone(&api);
        async move { Ok::<_, std::convert::Infallible>(respond(&api, request).await) }
    });
    let connection = connections.watch(http_1().serve_connection(TokioIo::new(stream), service));
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}

/// The request came with TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encrypted;

async fn open_tls_connection(stream: TcpStream, tls: Arc<Tls>, api: Arc<Api>, watcher: Watcher) {
    let _ = stream.set_nodelay(true);
    let stream = tokio::select! {
        stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)) => stream,
        () = api.stopping() => return,
    };
    let stream = match stream {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => return tracing::debug!("a TLS handshake took too long"),
    };
    let is_http_2 = tls::speaks_http_2(&stream);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let api = Arc::clone(&api);
        request.extensions_mut().insert(Encrypted);
        // HTTP/2 has the host in another place, which is what clients sign.
        let authority = request.uri().authority().filter(|_| is_http_2);
        if let Some(Ok(host)) = authority.map(|host| HeaderValue::from_str(host.as_str())) {
            request.headers_mut().insert(HOST, host);
        }
        async move { Ok::<_, std::convert::Infallible>(respond(&api, request).await) }
    });
    let stream = TokioIo::new(stream);
    let ended = if is_http_2 {
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(HEAD_TIMEOUT)
            .max_header_list_size(HEAD_BYTES_MAX as u32)
            .serve_connection(stream, service);
        watcher.watch(connection).await
    } else {
        watcher.watch(http_1().serve_connection(stream, service)).await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn http_1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES_MAX);
    builder
}

/// The body of a response: whole, or one that goes on.
enum ResponseBody {
    Whole(Full<Bytes>),
    Events(EventBody),
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            ResponseBody::Whole(body) => Pin::new(body).poll_frame(context),
            ResponseBody::Events(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            ResponseBody::Whole(body) => body.is_end_stream(),
            ResponseBody::Events(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            ResponseBody::Whole(body) => body.size_hint(),
            ResponseBody::Events(body) => body.size_hint(),
        }
    }
}

async fn respond(api: &Arc<Api>, request: Request<Incoming>) -> Response<ResponseBody> {
    if request.uri().path().starts_with(approvals::PATH) {
        return approvals::respond(api, request).await.map(ResponseBody::Whole);
    }
    if request.uri().path().starts_with(beyond::PREFIX)
        && !beyond::OF_OTHERS.contains(&request.uri().path())
    {
        return respond_beyond(api, request).await;
    }
    let mut content_type = match request.uri().path().starts_with(beyond::PREFIX) {
        true => JSON,
        false => JSON_1_0,
    };
    let (status, body) = match route(api, request).await {
        Ok(body) => (StatusCode::OK, body),
        Err(Refusal::Api(error)) => (error.status(), error.body()),
        Err(Refusal::NotFound) => (StatusCode::NOT_FOUND, not_found()),
        Err(Refusal::NotReady(why)) => (StatusCode::SERVICE_UNAVAILABLE, status_body(why)),
        Err(Refusal::Metrics(text)) => {
            content_type = PROMETHEUS;
            (StatusCode::OK, text.into_bytes())
        }
    };
    response(api, status, content_type, ResponseBody::Whole(Full::new(Bytes::from(body))))
}

/// Answers a path of our own.
async fn respond_beyond(api: &Arc<Api>, request: Request<Incoming>) -> Response<ResponseBody> {
    let (head, _) = request.into_parts();
    let looks = matches!(head.method, Method::GET | Method::HEAD);
    let answer = match api.check_path(&head, b"") {
        Err(error) => Err(error.into()),
        // Without keys everybody is everybody's account.
        Ok(caller) if looks => {
            let account = caller.key.map(|_| caller.account);
            beyond::answer(api, &head, account).await
        }
        Ok(_) => Err(beyond::Refusal::NotFound),
    };
    let whole = |body: Vec<u8>| ResponseBody::Whole(Full::new(Bytes::from(body)));
    match answer {
        Ok(beyond::Answer::Json(body)) => response(api, StatusCode::OK, JSON, whole(body)),
        Ok(beyond::Answer::Events(body)) => {
            let body = ResponseBody::Events(body);
            let mut response = response(api, StatusCode::OK, EVENT_STREAM, body);
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Ok(beyond::Answer::NoContent) => {
            let mut response = response(api, StatusCode::NO_CONTENT, JSON, whole(Vec::new()));
            response.headers_mut().remove(CONTENT_TYPE);
            response
        }
        Err(refusal) => {
            let (status, body) = refusal.answer();
            response(api, status, JSON, whole(body))
        }
    }
}

fn response(
    api: &Api,
    status: StatusCode,
    content_type: HeaderValue,
    body: ResponseBody,
) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(4);
    headers.insert(CONTENT_TYPE, content_type);
    let mut id = [0; uuid::fmt::Hyphenated::LENGTH];
    let id = api.request_ids.next().hyphenated().encode_lower(&mut id);
    let id = HeaderValue::from_str(id).expect("a UUID is plain text");
    headers.insert(REQUEST_ID, id);
    response
}

/// Why there is no answer of AWS's API.
enum Refusal {
    Api(ApiError),
    NotFound,
    NotReady(&'static str),
    /// It was another question.
    Metrics(String),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Refusal {
        Refusal::Api(error)
    }
}

fn status_body(status: &str) -> Vec<u8> {
    let mut body = JsonObject::new();
    body.text("status", status);
    body.finish()
}

fn not_found() -> Vec<u8> {
    let mut body = JsonObject::new();
    body.text("message", "Nothing is here. The API is at POST /");
    body.finish()
}

fn not_ready(why: NotReady) -> &'static str {
    match why {
        NotReady::Recovering => "recovering",
        NotReady::StoreFails => "the store fails",
        NotReady::Stopping => "stopping",
    }
}

async fn route(api: &Api, request: Request<Incoming>) -> Result<Vec<u8>, Refusal> {
    let method = request.method();
    match request.uri().path() {
        "/" if method == Method::POST => Ok(call(api, request).await?),
        "/healthz" if method == Method::GET || method == Method::HEAD => Ok(status_body("ok")),
        "/readyz" if method == Method::GET || method == Method::HEAD => {
            match api.runtime.readiness() {
                Ok(()) => Ok(status_body("ok")),
                Err(why) => Err(Refusal::NotReady(not_ready(why))),
            }
        }
        "/metrics" if method == Method::GET || method == Method::HEAD => {
            let (head, _) = request.into_parts();
            api.check_path(&head, b"")?;
            Err(Refusal::Metrics(metrics::text(api)))
        }
        "/api/approvals" if method == Method::POST => {
            let (head, body) = request.into_parts();
            let body = read_body(api, &head.headers, body).await?;
            api.check_path(&head, &body)?;
            Ok(approvals::create(api, &head, &body)?)
        }
        "/api/usage" if method == Method::GET => {
            let (head, _) = request.into_parts();
            let caller = api.check_path(&head, b"")?;
            // Without keys everybody is everybody's account.
            let account = caller.key.map(|_| caller.account);
            Ok(usage::answer(api, head.uri.query().unwrap_or_default(), account).await?)
        }
        _ => {
            let (head, _) = request.into_parts();
            api.check_path(&head, b"")?;
            Err(Refusal::NotFound)
        }
    }
}

async fn call(api: &Api, request: Request<Incoming>) -> Result<Vec<u8>, ApiError> {
    let (head, body) = request.into_parts();
    let body = read_body(api, &head.headers, body).await?;
    let text = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if !text(CONTENT_TYPE).is_some_and(is_json) {
        return Err(ApiError::new(
            ErrorType::UnknownOperation,
            "The Content-Type must be application/x-amz-json-1.0",
        ));
    }
    let Some(target) = text(TARGET) else {
        return Err(ApiError::new(
            ErrorType::UnknownOperation,
            "The header X-Amz-Target, which names the operation, is missing",
        ));
    };
    let operation = target.strip_prefix(TARGET_PREFIX).and_then(dispatch::find);
    let Some(operation) = operation else {
        return Err(ApiError::bare(ErrorType::UnknownOperation));
    };
    let began = Instant::now();
    let answer = perform(api, operation, &head, &body).await;
    let error = answer.as_ref().err().map(|error| error.error_type);
    api.request_metrics.count(operation, began.elapsed(), error);
    answer
}

/// One call of an operation.
async fn perform(
    api: &Api,
    operation: &Operation,
    head: &Parts,
    body: &[u8],
) -> Result<Vec<u8>, ApiError> {
    let Some(run) = operation.run else {
        let message = format!("{} is not supported yet", operation.name);
        return Err(ApiError::new(ErrorType::UnknownOperation, message));
    };
    let caller = api.authenticate(head, body)?;
    let request = request::decode(operation.request, body)?;
    throttling::check(api, operation, &caller, &request)?;
    constraints::check(&request, &api.bounds)?;
    check_size(api, head, body)?;
    caller.check_operation(operation.name, &request)?;
    let text = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    let (trace_header, trace_parent) = (text(TRACE_ID), text(TRACE_PARENT));
    let answer = run(Call { api, caller, request, trace_header, trace_parent });
    guard(operation.name, answer).await
}

/// Whether a content type is one that AWS's JSON protocols use. Others are refused, so that no
/// web page can call the API with a plain form.
fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim_ascii();
    ["application/x-amz-json-1.0", "application/x-amz-json-1.1", "application/json"]
        .iter()
        .any(|known| media_type.eq_ignore_ascii_case(known))
}

/// Turns a panic of an operation into AWS's InternalFailure: the connection and everybody else
/// go on.
async fn guard(operation: &str, mut answer: Answer<'_>) -> Result<Vec<u8>, ApiError> {
    std::future::poll_fn(move |context| {
        let poll = AssertUnwindSafe(|| answer.as_mut().poll(context));
        std::panic::catch_unwind(poll).unwrap_or_else(|_| {
            tracing::error!(operation, "an operation panicked");
            Poll::Ready(Err(ApiError::bare(ErrorType::InternalFailure)))
        })
    })
    .await
}

/// Reads a body, whole.
async fn read_body(api: &Api, headers: &HeaderMap, mut body: Incoming) -> Result<Bytes, ApiError> {
    let most = BODY_BYTES_MAX.max(api.options.request_bytes_max);
    let announced =
        headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > most as u64) {
        return Err(discard(body, 0, most).await);
    }
    let mut first = Bytes::new();
    let mut rest: Option<BytesMut> = None;
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::bare(ErrorType::Serialization))?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length > most {
            return Err(discard(body, length, most).await);
        }
        match &mut rest {
            Some(rest) => rest.extend_from_slice(&data),
            None if first.is_empty() => first = data,
            None => {
                let more = usize::try_from(body.size_hint().lower()).unwrap_or(most);
                let capacity = (length + more).min(most);
                let mut joined = BytesMut::with_capacity(capacity);
                joined.extend_from_slice(&first);
                joined.extend_from_slice(&data);
                rest = Some(joined);
            }
        }
    }
    Ok(rest.map_or(first, BytesMut::freeze))
}

/// Reads what is left of a body that is too large, of which `length` bytes were read.
async fn discard(mut body: Incoming, mut length: usize, most: usize) -> ApiError {
    while let Some(Ok(frame)) = body.frame().await {
        length += frame.data_ref().map_or(0, Bytes::len);
        if length > DISCARDED_BYTES_MAX {
            break;
        }
    }
    too_large(most)
}

fn too_large(most: usize) -> ApiError {
    let message = format!("Request must be smaller than {most} bytes");
    ApiError::new(ErrorType::RequestEntityTooLarge, message)
}

/// Refuses a request that fits its operation and is too large all the same, its head included.
fn check_size(api: &Api, head: &Parts, body: &[u8]) -> Result<(), ApiError> {
    let most = api.options.request_bytes_max;
    if body.len() + HEAD_BYTES_MAX <= most {
        return Ok(());
    }
    let headers = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    let line = head.uri.path_and_query().map_or(0, |path| path.as_str().len());
    match body.len() + headers.sum::<usize>() + line > most {
        true => Err(too_large(most)),
        false => Ok(()),
    }
}
