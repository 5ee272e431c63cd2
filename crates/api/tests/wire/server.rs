//! A server on a free port over a store in memory, and a client that sends bytes.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use api::{AccessKeys, Api, ApiOptions, Tls};
use asl::Payload;
use engine::TaskFailure;
use runtime::{
    Clock, ExpressExecutions, ExpressLimits, Observer, Runtime, RuntimeOptions, SystemClock,
    TaskCall, TaskRunner,
};
use serde_json::Value;
use store::MemoryStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Answers every call with its own payload.
struct Echo;

impl TaskRunner for Echo {
    fn run(
        &self,
        call: TaskCall,
    ) -> Pin<Box<dyn Future<Output = Result<Payload, TaskFailure>> + Send>> {
        Box::pin(async move { Ok(call.dispatch.parameters) })
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) runtime: Arc<Runtime>,
    shutdown: Option<oneshot::Sender<()>>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(crate) async fn start() -> Server {
        Server::start_polling(RuntimeOptions::default().activity_poll).await
    }

    /// One where GetActivityTask waits only so long.
    pub(crate) async fn start_polling(activity_poll: Duration) -> Server {
        Server::start_with(activity_poll, ApiOptions::default()).await
    }

    /// One whose requests have to be signed.
    pub(crate) async fn start_signed(access_keys: AccessKeys) -> Server {
        let options = ApiOptions { access_keys: Arc::new(access_keys), ..ApiOptions::default() };
        Server::start_with(RuntimeOptions::default().activity_poll, options).await
    }

    async fn start_with(activity_poll: Duration, api: ApiOptions) -> Server {
        let express = ExpressExecutions::new(ExpressLimits::default(), None);
        let observer: Option<Arc<dyn Observer>> = Some(express.clone());
        let options = RuntimeOptions { activity_poll, observer, ..RuntimeOptions::default() };
        Server::start_over(options, api, Some(express), Arc::new(SystemClock)).await
    }

    /// One over a runtime of one's own, by another clock.
    pub(crate) async fn start_over(
        options: RuntimeOptions,
        api: ApiOptions,
        express: Option<Arc<ExpressExecutions>>,
        clock: Arc<dyn Clock>,
    ) -> Server {
        let store = Arc::new(MemoryStore::default());
        let runtime = Runtime::start_with_clock(store, Arc::new(Echo), options, clock);
        let runtime = runtime.await.unwrap();
        let api = Api::new(Arc::clone(&runtime), ApiOptions { express, ..api });
        Server::start_api(runtime, api, None).await
    }

    /// One to which clients connect with TLS.
    pub(crate) async fn start_tls(tls: Arc<Tls>, access_keys: AccessKeys) -> Server {
        let store = Arc::new(MemoryStore::default());
        let runtime = Runtime::start(store, Arc::new(Echo), RuntimeOptions::default());
        let runtime = runtime.await.unwrap();
        let options = ApiOptions { access_keys: Arc::new(access_keys), ..ApiOptions::default() };
        let api = Api::new(Arc::clone(&runtime), options);
        Server::start_api(runtime, api, Some(tls)).await
    }

    async fn start_api(runtime: Arc<Runtime>, api: Arc<Api>, tls: Option<Arc<Tls>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, stopped) = oneshot::channel::<()>();
        let stopped = async move {
            let _ = stopped.await;
        };
        let serving = match tls {
            None => tokio::spawn(api::serve(listener, api, stopped)),
            Some(tls) => tokio::spawn(api::serve_tls(listener, tls, api, stopped)),
        };
        Server { address, runtime, shutdown: Some(shutdown), serving }
    }

    /// Asks the server to stop.
    pub(crate) fn begin_stop(&mut self) {
        if let Some(shutdown) = self.shutdown.take() {
            let _ = shutdown.send(());
        }
    }

    /// Stops the server and waits for its end.
    pub(crate) async fn stop(mut self) {
        self.begin_stop();
        self.serving.await.unwrap().unwrap();
        self.runtime.shutdown().await;
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection { stream: TcpStream::connect(self.address).await.unwrap(), read: Vec::new() }
    }

    /// Makes one call on a connection of its own.
    pub(crate) async fn call(&self, operation: &str, body: &str) -> Response {
        self.connect().await.call(operation, body.as_bytes()).await
    }
}

/// A connection to the server.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    /// Bytes that were read beyond the last response.
    read: Vec<u8>,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The status and the error's type without its namespace, with its message.
    pub(crate) fn error(&self) -> String {
        let body = self.json();
        let name = body["__type"].as_str().unwrap_or_default();
        let name = name.split('#').next_back().unwrap_or_default();
        match body["message"].as_str() {
            Some(message) => format!("{} {name}: {message}", self.status),
            None => format!("{} {name}", self.status),
        }
    }
}

/// The bytes of a call.
pub(crate) fn request(operation: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "POST / HTTP/1.1\r\nHost: sync-localhost\r\nContent-Type: application/x-amz-json-1.0\r\n\
         X-Amz-Target: AWSStepFunctions.{operation}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

impl Connection {
    pub(crate) async fn call(&mut self, operation: &str, body: &[u8]) -> Response {
        self.send(&request(operation, body)).await;
        self.response().await.expect("the server answers")
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next response; none if the server closed the connection.
    pub(crate) async fn response(&mut self) -> Option<Response> {
        let head_end = loop {
            if let Some(at) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break at;
            }
            self.read_more().await?;
        };
        let head = String::from_utf8(self.read[..head_end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
        let end = head_end + 4 + length;
        while self.read.len() < end {
            self.read_more().await?;
        }
        let body = String::from_utf8(self.read[head_end + 4..end].to_vec()).unwrap();
        self.read.drain(..end);
        Some(Response { status, headers, body })
    }

    /// Reads a body that goes on until a text comes.
    pub(crate) async fn read_until(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.read).contains(text) {
            self.read_more().await.expect("the stream goes on");
        }
    }

    /// Reads a chunked response to its end; its head and chunks, as they came.
    pub(crate) async fn read_to_end_of_stream(&mut self) -> String {
        self.read_until("\r\n0\r\n\r\n").await;
        String::from_utf8(std::mem::take(&mut self.read)).unwrap()
    }

    async fn read_more(&mut self) -> Option<()> {
        self.read.reserve(16 * 1024);
        let read = self.stream.read_buf(&mut self.read).await.unwrap_or(0);
        (read > 0).then_some(())
    }
}
