//! Functions behind a server that speaks Lambda's Invoke API.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use expect_test::expect;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::gate::Gate;
use crate::world::World;

/// A server of functions: the name says what it answers.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<(http::request::Parts, Bytes)>>>,
}

impl Server {
    async fn start() -> Server {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let seen = Arc::clone(&seen);
                let service = service_fn(move |request| respond(Arc::clone(&seen), request));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Server { url, requests }
    }

    fn last_request(&self) -> (http::request::Parts, Bytes) {
        self.requests.lock().unwrap().last().unwrap().clone()
    }
}

async fn respond(
    seen: Arc<Mutex<Vec<(http::request::Parts, Bytes)>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    seen.lock().unwrap().push((parts.clone(), body.clone()));
    let name = parts.uri.path().split('/').nth(3).unwrap_or_default().to_owned();
    let name = name.rsplit("%3A").next().unwrap();
    let response = Response::builder().header("x-amzn-requestid", "R");
    let (response, body) = match name {
        "slow" => {
            let gate: Value = serde_json::from_slice(&body).unwrap();
            let port = u16::try_from(gate["gate"].as_u64().unwrap()).unwrap();
            let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            stream.write_all(b"slow\n").await.unwrap();
            let _ = stream.read_u8().await;
            (response, Bytes::from_static(b"1"))
        }
        "failing" => (
            response.header("x-amz-function-error", "Unhandled"),
            Bytes::from_static(br#"{"errorMessage":"no","errorType":"CustomError"}"#),
        ),
        "absent" => (
            response.status(404).header("x-amzn-errortype", "ResourceNotFoundException"),
            Bytes::from_static(br#"{"Type":"User","Message":"Function not found: arn:aws:lambda:us-east-1:111111111111:function:absent"}"#),
        ),
        "busy" => (
            response.status(429).header("x-amzn-errortype", "TooManyRequestsException"),
            Bytes::from_static(br#"{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#),
        ),
        "denied" => (
            response.status(403),
            Bytes::from_static(br#"{"__type":"com.amazon#AccessDeniedException:x","message":"User is not authorized"}"#),
        ),
        "broken" => (response.status(500), Bytes::from_static(b"<html>")),
        _ => (
            response
                .header("x-amz-executed-version", "$LATEST")
                .header("content-type", "application/json"),
            body,
        ),
    };
    Ok(response.body(Full::new(body)).unwrap())
}

fn world(server: &Server) -> World {
    World::with_environment(&[], json!({}), &[("AWS_ENDPOINT_URL_LAMBDA", &server.url)])
}

#[tokio::test]
async fn calls_are_signed_and_answers_wrapped() {
    let server = Server::start().await;
    let world = world(&server);
    let parameters = json!({"FunctionName": "arn:aws:lambda:eu-west-1:111111111111:function:echo",
        "Qualifier": "prod", "LogType": "Tail", "Payload": {"größe": 1}});
    let mut output = world.invoke(parameters).await.unwrap();
    for headers in ["AllHttpHeaders", "HttpHeaders"] {
        output["SdkHttpMetadata"][headers].as_object_mut().unwrap().shift_remove("Date");
    }
    expect![[r#"{"ExecutedVersion":"$LATEST","Payload":{"größe":1},"SdkHttpMetadata":{"AllHttpHeaders":{"X-Amz-Executed-Version":["$LATEST"],"x-amzn-RequestId":["R"],"Content-Length":["13"],"Content-Type":["application/json"]},"HttpHeaders":{"Content-Length":"13","Content-Type":"application/json","X-Amz-Executed-Version":"$LATEST","x-amzn-RequestId":"R"},"HttpStatusCode":200},"SdkResponseMetadata":{"RequestId":"R"},"StatusCode":200}"#]]
        .assert_eq(&output.to_string());
    let (request, body) = server.last_request();
    expect!["POST /2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A111111111111%3Afunction%3Aecho/invocations?Qualifier=prod"]
        .assert_eq(&format!("{} {}", request.method, request.uri));
    assert_eq!(&*body, r#"{"größe":1}"#.as_bytes());
    assert_eq!(request.headers["x-amz-invocation-type"], "RequestResponse");
    assert_eq!(request.headers["x-amz-log-type"], "Tail");
    let authorization = request.headers["authorization"].to_str().unwrap();
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=test/"), "{authorization}");
    assert!(authorization.contains("/eu-west-1/lambda/aws4_request, SignedHeaders="));
}

#[tokio::test]
async fn the_credentials_of_the_server_sign() {
    let server = Server::start().await;
    let world = World::with_environment(
        &[],
        json!({}),
        &[
            ("AWS_ENDPOINT_URL", &server.url),
            ("AWS_ACCESS_KEY_ID", "AKIAMINE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", "token"),
        ],
    );
    world.call("echo", json!({})).await.unwrap();
    let (request, _) = server.last_request();
    let authorization = request.headers["authorization"].to_str().unwrap();
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIAMINE/"), "{authorization}");
    assert_eq!(request.headers["x-amz-security-token"], "token");
}

#[tokio::test]
async fn errors_are_failures() {
    let server = Server::start().await;
    let world = world(&server);
    let mut failures = String::new();
    for function in ["failing", "absent", "busy", "denied", "broken"] {
        failures += &world.call(function, json!({})).await.unwrap_err().to_string();
        failures += "\n";
    }
    expect![[r#"
        CustomError: {"errorMessage":"no","errorType":"CustomError"}
        Lambda.ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111111111111:function:absent (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: R; Proxy: null)
        Lambda.TooManyRequestsException: Rate Exceeded. (Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException; Request ID: R; Proxy: null)
        Lambda.AWSLambdaException: User is not authorized (Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException; Request ID: R; Proxy: null)
        Lambda.AWSLambdaException: null (Service: AWSLambda; Status Code: 500; Error Code: null; Request ID: R; Proxy: null)
    "#]]
    .assert_eq(&failures);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_failure() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let world = World::new(&[], json!({"f": {"endpoint": format!("http://{address}")}}));
    let failure = world.call("f", json!({})).await.unwrap_err().to_string();
    expect!["Lambda.SdkClientException: Unable to execute HTTP request: Connect to <address> failed: Connection refused"]
        .assert_eq(&failure.replace(&address.to_string(), "<address>"));
}

#[tokio::test]
async fn a_declared_endpoint_comes_before_the_default_one() {
    let [server, other] = [Server::start().await, Server::start().await];
    let whole = format!("{}/2015-03-31/functions/function/invocations", other.url);
    let world = World::with_environment(
        &[],
        json!({"f": {"endpoint": other.url.clone() + "/"}, "g": {"endpoint": whole}}),
        &[("AWS_ENDPOINT_URL", &server.url)],
    );
    for (function, path) in [
        ("f", "/2015-03-31/functions/f/invocations"),
        ("g", "/2015-03-31/functions/function/invocations"),
    ] {
        world.invoke(json!({"FunctionName": function})).await.unwrap();
        assert_eq!(other.last_request().0.uri.path(), path);
    }
    assert!(server.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_slow_answer_is_awaited_and_a_dropped_call_ends_it() {
    let gate = Gate::open().await;
    let server = Server::start().await;
    let world = world(&server);
    let input = json!({"gate": gate.port()});
    let awaited = world.spawn("slow", input.clone());
    gate.visitor().await.let_go().await;
    assert_eq!(awaited.await.unwrap(), Ok(json!(1)));
    let dropped = world.spawn("slow", input);
    let visitor = gate.visitor().await;
    dropped.abort();
    visitor.gone().await;
}
