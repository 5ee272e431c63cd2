//! Tasks that call a web server on loopback: what a task adds to the call itself, and what tasks
//! in flight take.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::client::{Client, request};
use crate::load::{self, Until};
use crate::server::Server;
use crate::{Options, machines};

/// Tasks of an execution.
const CHAIN: usize = 10;
/// Executions that are timed, and those before them that are not.
const EXECUTIONS: usize = 200;
const WARM_UP: usize = 20;
/// Tasks in flight.
const IN_FLIGHT: usize = 1_000;
const CALLERS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn measure(options: &Options) -> Result<()> {
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let target = tokio.block_on(Target::start())?;
    let folder = tempfile::tempdir_in(&options.folder)?;
    let config = folder.path().join("stepwell.toml");
    std::fs::write(&config, "[connections.bench]\n[http]\nallow_http = [\"127.0.0.1\"]\n")?;
    let data = folder.path().join("data");
    let server = Server::stepwell(&options.stepwell, &data, Some(&config))?;
    println!("HTTP Tasks that call a web server on loopback");
    tokio.block_on(latency(&server, &target))?;
    let machine = tokio.block_on(async {
        let held = machines::chain(1, &target.task("held"));
        machines::create(&mut server.client().await?, "Held", &held).await
    })?;
    let before = server.memory()?;
    let request = request("StartExecution", &machines::start(&machine));
    load::run(&server.address, request, CALLERS, Until::Requests(IN_FLIGHT as u64), || ())?;
    let begin = Instant::now();
    while target.held.load(Ordering::Relaxed) < IN_FLIGHT {
        ensure!(begin.elapsed() < PATIENCE, "not all tasks came to the web server");
        std::thread::sleep(Duration::from_millis(10));
    }
    let after = server.memory()?;
    let more = after.saturating_sub(before) as f64 / 1e6;
    println!("  {IN_FLIGHT} tasks in flight take        {more:>8.1} MB more");
    Ok(())
}

/// How long a task of an Express execution takes, beside the bare call.
async fn latency(server: &Server, target: &Target) -> Result<()> {
    let mut bare = Client::connect(&target.address).await?;
    let bare_request = b"POST /now HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}";
    let mut client = server.client().await?;
    let definition = machines::chain(CHAIN, &target.task("now"));
    let created = client
        .call(
            "CreateStateMachine",
            &json!({
                "name": "Tasks",
                "type": "EXPRESS",
                "definition": definition.to_string(),
                "roleArn": "arn:aws:iam::123456789012:role/benchmark",
            }),
        )
        .await?;
    let machine = created["stateMachineArn"].as_str().context("the state machine has an ARN")?;
    let start = json!({ "stateMachineArn": machine });
    let (mut calls, mut tasks) = (Vec::new(), Vec::new());
    for round in 0..WARM_UP + EXECUTIONS {
        let begin = Instant::now();
        for _ in 0..CHAIN {
            bare.send(bare_request).await?;
        }
        let called = begin.elapsed();
        let begin = Instant::now();
        let ended = client.call("StartSyncExecution", &start).await?;
        let ran = begin.elapsed();
        ensure!(ended["status"] == "SUCCEEDED", "an execution did not go well: {ended}");
        if round >= WARM_UP {
            calls.push(called.as_secs_f64() * 1e3 / CHAIN as f64);
            tasks.push(ran.as_secs_f64() * 1e3 / CHAIN as f64);
        }
    }
    let (call, task) = (median(calls), median(tasks));
    println!("  the call itself               {call:>8.3} ms");
    println!("  the call in a task            {task:>8.3} ms (the execution, a tenth of it)");
    println!("  a task adds                   {:>8.3} ms", task - call);
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The web server: `/now` answers at once, `/held` never.
struct Target {
    address: String,
    held: Arc<AtomicUsize>,
}

impl Target {
    async fn start() -> Result<Target> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let held = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&held);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Only costs time where it fails.
                let _ = stream.set_nodelay(true);
                let count = Arc::clone(&count);
                let service = service_fn(move |request| answer(Arc::clone(&count), request));
                tokio::spawn(async move {
                    // A client that goes away ends its connection, nothing else.
                    let _ =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Ok(Target { address, held })
    }

    fn task(&self, path: &str) -> Value {
        json!({
            "Type": "Task",
            "Resource": "arn:aws:states:::http:invoke",
            "Parameters": {
                "ApiEndpoint": format!("http://{}/{path}", self.address),
                "Method": "POST",
                "InvocationConfig": {
                    "ConnectionArn": "arn:aws:events:us-east-1:123456789012:connection/bench/1",
                },
                "RequestBody": {},
            },
        })
    }
}

async fn answer(
    held: Arc<AtomicUsize>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_held = request.uri().path() == "/held";
    // The body must be read as a real server would.
    let _ = request.into_body().collect().await;
    if is_held {
        held.fetch_add(1, Ordering::Relaxed);
        std::future::pending::<()>().await;
    }
    let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
    Ok(response)
}
