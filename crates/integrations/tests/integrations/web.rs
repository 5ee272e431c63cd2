//! A small web server with faults: what it does is in the path of a request.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

type Answer = dyn Fn(&Seen) -> Response<Bytes> + Send + Sync;

#[derive(Clone)]
pub(crate) struct Web {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<Seen>>>,
}

impl Web {
    /// A server with the faults of [`faults`].
    pub(crate) async fn start() -> Web {
        Web::answering(faults).await
    }

    /// A server that answers as it is told. Where the answer has the header `x-fault`, the
    /// connection is treated badly instead: `reset` ends it, `silent` keeps it without a word,
    /// `cut` ends it in the middle of the body.
    pub(crate) async fn answering(
        answer: impl Fn(&Seen) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Web {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let web = Web { port, requests: Arc::default() };
        let (seen, answer): (_, Arc<Answer>) = (Arc::clone(&web.requests), Arc::new(answer));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&answer)));
            }
        });
        web
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> Seen {
        self.requests().pop().expect("a request came")
    }
}

async fn serve(stream: TcpStream, seen: Arc<Mutex<Vec<Seen>>>, answer: Arc<Answer>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let request = Seen {
                method: head.method.to_string(),
                target: head.uri.path_and_query().unwrap().to_string(),
                headers: head
                    .headers
                    .iter()
                    .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                    .collect(),
                body: String::from_utf8_lossy(&body).into_owned(),
            };
            seen.lock().unwrap().push(request.clone());
            let answer = answer(&request);
            match answer.headers().get("x-fault").map(|fault| fault.to_str().unwrap()) {
                None => Ok::<_, Refused>(answer.map(Full::new)),
                Some("silent") => std::future::pending().await,
                Some(_) => Err(Refused),
            }
        }
    });
    // An error of the service closes the connection without an answer.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

#[derive(Debug)]
struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

/// Answers by the first part of the path: `/status/404`, `/echo`, `/huge`, …
pub(crate) fn faults(request: &Seen) -> Response<Bytes> {
    let path = request.target.split('?').next().unwrap();
    let response = Response::builder().header("x-seen", "1").header("X-Seen", "2");
    let text = |content_type: &str, body: &str| (content_type.to_owned(), body.as_bytes().to_vec());
    let (response, (content_type, body)) = match path {
        "/reset" | "/silent" => {
            (response.header("x-fault", path.trim_start_matches('/')), text("text/plain", ""))
        }
        "/huge" => (response, text("text/plain", &"x".repeat(262_145))),
        "/full" => (response, text("text/plain", &"x".repeat(262_144))),
        "/image" => (response, text("image/png", "PNG")),
        "/binary" => (response, text("application/octet-stream", "text")),
        "/latin" => (response, ("text/plain".to_owned(), vec![b'a', 0xE4])),
        "/html" => (response, text("text/html; charset=utf-8", "<p>{}</p>")),
        "/broken" => (response, text("application/json", "{\"a\":")),
        "/problem" => {
            (response, text("application/problem+json; charset=utf-8", "[1.0,{\"a\":null}]"))
        }
        "/empty" => (response.status(204), text("", "")),
        "/redirect" => (response.status(302).header("location", "/echo"), text("text/plain", "")),
        _ => match path.strip_prefix("/status/") {
            Some(status) => (
                response.status(status.parse::<u16>().unwrap()),
                text("application/json", "{\"message\":\"no\"}"),
            ),
            None => {
                let echo: Value = json!({
                    "method": request.method,
                    "target": request.target,
                    "body": request.body,
                });
                (response, text("application/json", &echo.to_string()))
            }
        },
    };
    let response = match content_type.as_str() {
        "" => response,
        content_type => response.header("content-type", content_type),
    };
    response.body(Bytes::from(body)).unwrap()
}

/// A server that speaks no HTTP: it writes `bytes` to everybody and closes.
pub(crate) async fn raw(bytes: &'static [u8]) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut request).await;
            stream.write_all(bytes).await.unwrap();
        }
    });
    port
}
