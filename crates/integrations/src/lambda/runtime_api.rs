//! The Lambda Runtime API, version 2018-06-01, for one process: it asks for the next event and
//! posts the answer. Each process has its own loopback port, since many clients take no more
//! than `host:port` for an address.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};

/// Bytes of an answer (Lambda's quota: 6 MB and some room for its envelope).
pub(super) const RESPONSE_BYTES_MAX: usize = 6_291_556;

/// An event for a function.
pub(super) struct Invocation {
    pub(super) request_id: Arc<str>,
    pub(super) payload: Bytes,
    pub(super) invoked_function_arn: String,
    /// Milliseconds since 1970.
    pub(super) deadline: i64,
    pub(super) trace_id: String,
    /// JSON text.
    pub(super) client_context: Option<String>,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// What a process answered to an event.
#[derive(Debug)]
pub(super) enum Reply {
    Response(Bytes),
    Error(Bytes),
    TooLarge,
}

/// How far a process has come before its first event.
#[derive(Debug, Clone)]
pub(super) enum Initialization {
    Running,
    Done,
    /// It said why it cannot start: a JSON text.
    Failed(Bytes),
}

/// The server of one process. Dropping it closes the port.
pub(super) struct RuntimeApi {
    pub(super) address: SocketAddr,
    state: Arc<State>,
    invocations: mpsc::Sender<Invocation>,
    server: AbortHandle,
}

struct State {
    waiting: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    current: Mutex<Option<Current>>,
    initialization: watch::Sender<Initialization>,
}

/// The event that the process works on.
struct Current {
    request_id: Arc<str>,
    reply: oneshot::Sender<Reply>,
}

impl RuntimeApi {
    pub(super) async fn start() -> std::io::Result<RuntimeApi> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (invocations, waiting) = mpsc::channel(1);
        let state = Arc::new(State {
            waiting: tokio::sync::Mutex::new(waiting),
            current: Mutex::default(),
            initialization: watch::Sender::new(Initialization::Running),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&state))).abort_handle();
        Ok(RuntimeApi { address, state, invocations, server })
    }

    pub(super) fn initialization(&self) -> watch::Receiver<Initialization> {
        self.state.initialization.subscribe()
    }

    /// Hands over an event. The process must not have one already.
    pub(super) fn invoke(&self, invocation: Invocation) {
        let sent = self.invocations.try_send(invocation);
        assert!(sent.is_ok(), "a process has one event at a time");
    }

    /// Whether the process has fetched the event that was handed over.
    pub(super) fn is_fetched(&self) -> bool {
        self.invocations.capacity() == self.invocations.max_capacity()
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // The process sees a refused connection, which ends its invocation.
                Err(error) => {
                    tracing::warn!(%error, "failed to accept a function's connection");
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
        };
        // Answers are small; waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(|request| respond(&state, request));
            let connection = hyper::server::conn::http1::Builder::new()
                .title_case_headers(true)
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a function's connection broke");
            }
        });
    }
}

async fn respond(
    state: &State,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    Ok(match (request.method(), &segments[..]) {
        (&Method::GET, ["2018-06-01", "runtime", "invocation", "next"]) => state.next().await,
        (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "response"]) => {
            state.reply(request, id, Reply::Response).await
        }
        (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "error"]) => {
            state.reply(request, id, Reply::Error).await
        }
        (&Method::POST, ["2018-06-01", "runtime", "init", "error"]) => {
            state.fail_initialization(request).await
        }
        _ => problem(StatusCode::NOT_FOUND, "404 page not found", "NotFound"),
    })
}

impl State {
    async fn next(&self) -> Response<Full<Bytes>> {
        self.initialization.send_if_modified(|initialization| {
            let first = matches!(initialization, Initialization::Running);
            if first {
                *initialization = Initialization::Done;
            }
            first
        });
        let Some(invocation) = self.waiting.lock().await.recv().await else {
            return problem(StatusCode::INTERNAL_SERVER_ERROR, "shutting down", "ServiceError");
        };
        *self.current() = Some(Current {
            request_id: Arc::clone(&invocation.request_id),
            reply: invocation.reply,
        });
        let mut response = Response::builder()
            .header("content-type", "application/json")
            .header("lambda-runtime-aws-request-id", &*invocation.request_id)
            .header("lambda-runtime-deadline-ms", invocation.deadline)
            .header("lambda-runtime-invoked-function-arn", invocation.invoked_function_arn)
            .header("lambda-runtime-trace-id", invocation.trace_id);
        if let Some(client_context) = invocation.client_context {
            response = response.header("lambda-runtime-client-context", client_context);
        }
        response.body(Full::new(invocation.payload)).unwrap_or_else(|error| {
            tracing::warn!(%error, "an invocation has a header that cannot be sent");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "bad header", "ServiceError")
        })
    }

    async fn reply(
        &self,
        request: Request<Incoming>,
        request_id: &str,
        reply: impl FnOnce(Bytes) -> Reply,
    ) -> Response<Full<Bytes>> {
        let is_current =
            self.current().as_ref().is_some_and(|current| &*current.request_id == request_id);
        if !is_current {
            return problem(StatusCode::BAD_REQUEST, "Invalid request ID", "InvalidRequestID");
        }
        let body = match Limited::new(request.into_body(), RESPONSE_BYTES_MAX).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(()),
            Err(_) => {
                return problem(StatusCode::BAD_REQUEST, "truncated body", "InvalidRequest");
            }
        };
        let Some(current) = self.current().take() else {
            return problem(StatusCode::BAD_REQUEST, "Invalid request ID", "InvalidRequestID");
        };
        let (reply, response) = match body {
            Ok(body) => (reply(body), accepted()),
            Err(()) => (
                Reply::TooLarge,
                problem(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    &format!("Exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes)."),
                    "RequestEntityTooLarge",
                ),
            ),
        };
        // An error means that nobody waits for the answer any more.
        let _ = current.reply.send(reply);
        response
    }

    async fn fail_initialization(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        match Limited::new(request.into_body(), RESPONSE_BYTES_MAX).collect().await {
            Ok(body) => {
                self.initialization.send_replace(Initialization::Failed(body.to_bytes()));
                accepted()
            }
            Err(_) => problem(StatusCode::BAD_REQUEST, "truncated body", "InvalidRequest"),
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accepted() -> Response<Full<Bytes>> {
    json(StatusCode::ACCEPTED, r#"{"status":"OK"}"#.to_owned())
}

fn problem(status: StatusCode, message: &str, error_type: &str) -> Response<Full<Bytes>> {
    let body = serde_json::json!({ "errorMessage": message, "errorType": error_type });
    json(status, body.to_string())
}

fn json(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
