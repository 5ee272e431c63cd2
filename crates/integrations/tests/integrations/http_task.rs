//! HTTP Tasks against a server with faults.

use std::sync::Arc;

use asl::Payload;
use bytes::Bytes;
use expect_test::{Expect, expect};
use http::Response;
use runtime::{HttpInspector, TaskRunner};
use serde_json::{Value, json};

use crate::web::{self, Web};
use crate::world::{Failure, World, call, service_resource};

const ARN: &str = "arn:aws:events:us-east-1:111111111111:connection/web/1";

fn world(connections: Value) -> World {
    World::with_config(|config| {
        config.connections = serde_json::from_value(connections).unwrap();
        config.http =
            serde_json::from_value(json!({"allow_http": ["127.0.0.1:*"], "timeout_seconds": 1}))
                .unwrap();
    })
}

fn open_world() -> World {
    world(json!({"web": {}}))
}

/// The parameters of a GET, with more.
fn parameters(url: &str, more: Value) -> Value {
    let mut parameters =
        json!({"ApiEndpoint": url, "Method": "GET", "InvocationConfig": {"ConnectionArn": ARN}});
    for (name, value) in more.as_object().unwrap() {
        parameters[name] = value.clone();
    }
    parameters
}

async fn get(world: &World, url: &str) -> Result<Value, Failure> {
    world.run(service_resource("http", "invoke"), parameters(url, json!({}))).await
}

async fn check_failure(world: &World, web: &Web, path: &str, expected: Expect) {
    let failure = get(world, &web.url(path)).await.unwrap_err();
    expected.assert_eq(&failure.to_string().replace(&web.port.to_string(), "PORT"));
}

#[tokio::test]
async fn an_answer_becomes_the_result() {
    let (world, web) = (open_world(), Web::start().await);
    let more =
        json!({"Method": "POST", "RequestBody": {"a": "ä"}, "QueryParameters": {"q": ["1", "2"]}});
    let parameters = parameters(&web.url("/echo?p=0"), more);
    let mut output = world.run(service_resource("http", "invoke"), parameters).await.unwrap();
    output["Headers"].as_object_mut().unwrap().shift_remove("date");
    expect![[r#"{"Headers":{"x-seen":["1","2"],"content-type":["application/json"],"content-length":["70"]},"ResponseBody":{"method":"POST","target":"/echo?p=0&q=1&q=2","body":"{\"a\":\"ä\"}"},"StatusCode":200,"StatusText":"OK"}"#]]
        .assert_eq(&output.to_string());
    let request = web.last();
    assert_eq!(request.header("user-agent"), Some("Amazon|StepFunctions|HttpInvoke|us-east-1"));
    assert_eq!(request.header("range"), Some("bytes=0-262144"));
    assert_eq!(request.header("host"), Some(format!("127.0.0.1:{}", web.port).as_str()));
    assert_eq!(request.header("content-type"), Some("application/json; charset=UTF-8"));
}

#[tokio::test]
async fn bodies_are_read_by_their_type() {
    let (world, web) = (open_world(), Web::start().await);
    let mut shown = String::new();
    for path in ["/html", "/broken", "/problem", "/empty"] {
        let output = get(&world, &web.url(path)).await.unwrap();
        shown.push_str(&format!(
            "{} {} {}\n",
            output["StatusCode"], output["StatusText"], output["ResponseBody"]
        ));
    }
    expect![[r#"
        200 "OK" "<p>{}</p>"
        200 "OK" "{\"a\":"
        200 "OK" [1.0,{"a":null}]
        204 "No Content" ""
    "#]]
    .assert_eq(&shown);
}

#[tokio::test]
async fn failures_have_the_names_of_aws() {
    let (world, web) = (open_world(), Web::start().await);
    check_failure(&world, &web, "/status/404", expect!["States.Http.StatusCode.404: Not Found"])
        .await;
    check_failure(
        &world,
        &web,
        "/status/429",
        expect!["States.Http.StatusCode.429: Too Many Requests"],
    )
    .await;
    check_failure(
        &world,
        &web,
        "/status/500",
        expect!["States.Http.StatusCode.500: Internal Server Error"],
    )
    .await;
    check_failure(&world, &web, "/redirect", expect!["States.Http.StatusCode.302: Found"]).await;
    assert_eq!(web.last().target, "/redirect", "a redirect is not followed");
    check_failure(&world, &web, "/huge", expect!["States.DataLimitExceeded: The state/task 'http' returned a result with a size exceeding the maximum number of bytes service limit."]).await;
    check_failure(&world, &web, "/image", expect!["States.Runtime: The HTTP response has the content type 'image/png', which is not supported"]).await;
    check_failure(&world, &web, "/binary", expect!["States.Runtime: The HTTP response has the content type 'application/octet-stream', which is not supported"]).await;
    check_failure(
        &world,
        &web,
        "/latin",
        expect![
            "States.Runtime: The HTTP response cannot be read as a string, which is not supported"
        ],
    )
    .await;
    check_failure(&world, &web, "/reset", expect!["States.Http.Socket: Unable to execute HTTP request: connection closed before message completed"]).await;
    check_failure(
        &world,
        &web,
        "/silent",
        expect!["States.Http.Socket: Unable to execute HTTP request: Read timed out"],
    )
    .await;
    let port = web::raw(b"HTTP/1.1 299 Fine by me\r\ncontent-length: 100\r\n\r\nshort").await;
    let failure = get(&world, &format!("http://127.0.0.1:{port}/")).await.unwrap_err();
    assert_eq!(failure.error, "States.Http.Socket", "{failure}");
    let port = web::raw(b"HTTP/1.1 418 I am a teapot\r\ncontent-length: 0\r\n\r\n").await;
    let failure = get(&world, &format!("http://127.0.0.1:{port}/")).await.unwrap_err();
    assert_eq!(failure.to_string(), "States.Http.StatusCode.418: I am a teapot");
    let failure = get(&world, "http://127.0.0.1:1/").await.unwrap_err();
    expect!["States.Http.Socket: Unable to execute HTTP request: Connect to 127.0.0.1:1 failed: Connection refused"]
        .assert_eq(&failure.to_string());
}

#[tokio::test]
async fn connections_authorize_requests() {
    let web = Web::start().await;
    let world = world(json!({
        "web": {"basic": {"username": "me", "password": {"env": "WEB_PASSWORD"}}, "headers": {"X-Team": "a"},
            "query": {"q": "c"}, "body": {"k": "v"}},
    }));
    let failure = get(&world, &web.url("/echo")).await.unwrap_err();
    expect!["Events.ConnectionResource.InvalidConnectionState: Connection arn:aws:events:us-east-1:111111111111:connection/web/1 is not usable: the environment variable WEB_PASSWORD is not set"]
        .assert_eq(&failure.to_string());
    let world = World::with_config(|config| {
        config.connections = serde_json::from_value(json!({
            "web": {"basic": {"username": "me", "password": {"env": "WEB_PASSWORD"}}, "headers": {"X-Team": "a"},
                "query": {"q": "c"}, "body": {"k": "v"}},
        }))
        .unwrap();
        config.http.allow_http = vec!["*".to_owned()];
        config.environment.insert("WEB_PASSWORD".to_owned(), "hush".to_owned());
    });
    get(&world, &web.url("/echo?q=d")).await.unwrap();
    let request = web.last();
    assert_eq!(request.header("authorization"), Some("Basic bWU6aHVzaA=="));
    assert_eq!(request.header("x-team"), Some("a"));
    assert_eq!((request.target.as_str(), request.body.as_str()), ("/echo?q=d&q=c", r#"{"k":"v"}"#));
    let other = json!({"InvocationConfig": {"ConnectionArn": "arn:aws:events:us-east-1:1:connection/other/1"}});
    let failure = world
        .run(service_resource("http", "invoke"), parameters(&web.url("/"), other))
        .await
        .unwrap_err();
    expect!["Events.ConnectionResource.ResourceNotFound: Connection arn:aws:events:us-east-1:1:connection/other/1 does not exist; declare it as [connections.other] in stepwell.toml"]
        .assert_eq(&failure.to_string());
}

#[tokio::test]
async fn oauth_tokens_are_kept_until_they_are_refused() {
    let web = Web::answering(|request| {
        let count = |body: String| {
            Response::builder()
                .header("content-type", "application/json")
                .body(Bytes::from(body))
                .unwrap()
        };
        match request.target.as_str() {
            "/token" => count(json!({"access_token": "T1", "expires_in": "3600"}).to_string()),
            "/refused" => Response::builder().status(401).body(Bytes::new()).unwrap(),
            _ => count("{}".to_owned()),
        }
    })
    .await;
    let world = world(json!({"web": {"oauth": {
        "authorization_endpoint": web.url("/token"), "client_id": "id", "client_secret": "s&cret", "body": {"scope": "all"}}}}));
    get(&world, &web.url("/a")).await.unwrap();
    get(&world, &web.url("/b")).await.unwrap();
    let failure = get(&world, &web.url("/refused")).await.unwrap_err();
    assert_eq!(failure.to_string(), "States.Http.StatusCode.401: Unauthorized");
    let shown: Vec<String> = web
        .requests()
        .iter()
        .map(|seen| {
            format!(
                "{} {} {} {}\n",
                seen.method,
                seen.target,
                seen.header("authorization").unwrap_or("-"),
                seen.body
            )
        })
        .collect();
    // The token that was kept is refused, so a new one is asked for; that is refused, too.
    expect![[r#"
        POST /token - grant_type=client_credentials&client_id=id&client_secret=s%26cret&scope=all
        GET /a Bearer T1 
        GET /b Bearer T1 
        GET /refused Bearer T1 
        POST /token - grant_type=client_credentials&client_id=id&client_secret=s%26cret&scope=all
        GET /refused Bearer T1 
    "#]]
    .assert_eq(&shown.concat());
}

#[tokio::test]
async fn a_connection_without_a_token_is_not_authorized() {
    let web = Web::start().await;
    let oauth = |path: &str| {
        world(json!({"web": {"oauth": {
            "authorization_endpoint": web.url(path), "method": "GET", "client_authentication": "basic",
            "client_id": "id", "client_secret": "hush"}}}))
    };
    check_failure(&oauth("/status/403"), &web, "/echo", expect!["Events.ConnectionResource.InvalidConnectionState: Connection arn:aws:events:us-east-1:111111111111:connection/web/1 is not authorized: the authorization endpoint answered 403"]).await;
    let request = web.last();
    assert_eq!(request.target, "/status/403?grant_type=client_credentials");
    assert_eq!(request.header("authorization"), Some("Basic aWQ6aHVzaA=="));
    check_failure(&oauth("/echo"), &web, "/echo", expect!["Events.ConnectionResource.InvalidConnectionState: Connection arn:aws:events:us-east-1:111111111111:connection/web/1 is not authorized: the authorization endpoint answered without 'access_token'"]).await;
}

#[tokio::test]
async fn an_inspector_sees_the_request_without_secrets() {
    let web = Web::start().await;
    let world = world(
        json!({"web": {"api_key": {"name": "X-Key", "value": "hush"}, "query": {"k": "hush"}, "body": {"b": "hush"}}}),
    );
    for reveals in [false, true] {
        let inspector = Arc::new(HttpInspector::new(reveals));
        let more = json!({"Method": "PUT", "RequestBody": {"a": 1}});
        let mut call =
            call(service_resource("http", "invoke"), parameters(&web.url("/empty"), more));
        call.inspector = Some(Arc::clone(&inspector));
        let output: Payload = world.integrations.run(call).await.unwrap();
        assert_eq!(output.value()["StatusCode"], 204);
        let seen = inspector.seen();
        let request = seen.request.unwrap();
        assert_eq!(format!("{request:?}").contains("hush"), reveals, "{request:?}");
        assert!(request.body.unwrap().contains(r#""a":1"#));
        let response = seen.response.unwrap();
        assert_eq!(
            (response.status_code.as_str(), response.status_message.as_str()),
            ("204", "No Content")
        );
        assert!(response.headers.starts_with("[x-seen: 1, x-seen: 2, "), "{}", response.headers);
    }
    // The request that went out has them.
    assert_eq!(web.last().header("x-key"), Some("hush"));
}

/// What is not declared is asked of EventBridge and Secrets Manager.
#[tokio::test]
async fn connections_may_be_kept_by_event_bridge() {
    let web = Web::answering(|request| {
        let json = |status: u16, body: Value| {
            let response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.1");
            response.body(Bytes::from(body.to_string())).unwrap()
        };
        let wants = |name: &str| request.body.contains(name);
        match request.header("x-amz-target") {
            Some("AWSEvents.DescribeConnection") if wants("absent") => json(400, json!({
                "__type": "ResourceNotFoundException", "message": "Connection 'absent' does not exist."})),
            Some("AWSEvents.DescribeConnection") => json(200, json!({
                "ConnectionState": if wants("new") { "AUTHORIZING" } else { "AUTHORIZED" },
                "AuthorizationType": "BASIC", "SecretArn": "arn:secret"})),
            Some("secretsmanager.GetSecretValue") => json(200, json!({
                "SecretString": r#"{"username": "me", "password": "hush", "invocation_http_parameters": {
                    "query_string_parameters": [{"key": "q", "value": "1"}]}}"#})),
            _ => json(200, json!({})),
        }
    })
    .await;
    let world = World::with_config(|config| {
        config.environment.insert("AWS_ENDPOINT_URL".to_owned(), web.url(""));
        config.http.allow_http = vec!["*".to_owned()];
    });
    let run = async |name: &str| {
        let arn = ARN.replace("/web/", &format!("/{name}/"));
        let more = json!({"InvocationConfig": {"ConnectionArn": arn}});
        world.run(service_resource("http", "invoke"), parameters(&web.url("/x"), more)).await
    };
    run("kept").await.unwrap();
    let request = web.last();
    assert_eq!(
        (request.target.as_str(), request.header("authorization")),
        ("/x?q=1", Some("Basic bWU6aHVzaA=="))
    );
    assert_eq!(run("new").await.unwrap_err().error, "Events.ConnectionResource.AuthInProgress");
    assert_eq!(
        run("absent").await.unwrap_err().error,
        "Events.ConnectionResource.ResourceNotFound"
    );
}
