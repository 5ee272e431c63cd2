//! A server with access keys: who may call what, over real connections.

use std::time::SystemTime;

use api::{AccessKey, AccessKeys, Role};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use expect_test::{Expect, expect};
use serde_json::json;

use crate::server::{Response, Server};

const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:m";
const ROLES: [(&str, Role); 4] = [
    ("reader", Role::Reader),
    ("worker", Role::Worker),
    ("operator", Role::Operator),
    ("admin", Role::Admin),
];

pub(crate) fn keys() -> AccessKeys {
    AccessKeys::new(ROLES.map(|(name, role)| AccessKey {
        id: name.to_uppercase(),
        secret: format!("secret of {name}"),
        session_token: None,
        role,
        account: "123456789012".to_owned(),
        user: name.to_owned(),
    }))
}

/// The bytes of a call that is signed with a role's key.
fn signed(role: &str, operation: &str, body: &str) -> Vec<u8> {
    let mut text = "POST / HTTP/1.1\r\n".to_owned();
    for (name, value) in signed_headers(role, operation, body) {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("content-length: {}\r\n\r\n{body}", body.len());
    text.into_bytes()
}

/// The headers of such a call.
pub(crate) fn signed_headers(role: &str, operation: &str, body: &str) -> Vec<(String, String)> {
    let target = format!("AWSStepFunctions.{operation}");
    let headers = [
        ("host", "localhost"),
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-target", target.as_str()),
    ];
    let secret = format!("secret of {role}");
    let identity = Credentials::new(role.to_uppercase(), secret, None, None, "test").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("states")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let signable = SignableRequest::new(
        "POST",
        "http://localhost/",
        headers.into_iter(),
        SignableBody::Bytes(body.as_bytes()),
    );
    let (instructions, _) = sign(signable.unwrap(), &parameters).unwrap().into_parts();
    let all = headers.into_iter().chain(instructions.headers());
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

async fn call(server: &Server, role: &str, operation: &str, body: &str) -> Response {
    let mut connection = server.connect().await;
    connection.send(&signed(role, operation, body)).await;
    connection.response().await.unwrap()
}

/// A request that fits every operation: members that one does not know it passes over.
fn any_request() -> String {
    let routes = json!([{"stateMachineVersionArn": format!("{MACHINE}:1"), "weight": 100}]);
    json!({
        "stateMachineArn": MACHINE,
        "stateMachineAliasArn": format!("{MACHINE}:live"),
        "stateMachineVersionArn": format!("{MACHINE}:1"),
        "executionArn": "arn:aws:states:us-east-1:123456789012:execution:m:e",
        "activityArn": "arn:aws:states:us-east-1:123456789012:activity:a",
        "mapRunArn": "arn:aws:states:us-east-1:123456789012:mapRun:m/l:r",
        "resourceArn": MACHINE,
        "roleArn": "arn:aws:iam::123456789012:role/any",
        "name": "m",
        "definition": "{}",
        "routingConfiguration": routes,
        "taskToken": "t",
        "output": "{}",
        "tags": [],
        "tagKeys": [],
        "input": "{}",
    })
    .to_string()
}

#[tokio::test]
async fn each_role_may_call_its_operations() {
    let server = Server::start_signed(keys()).await;
    let body = any_request();
    let mut table = String::new();
    for (operation, _) in api::operations().filter(|(_, is_there)| *is_there) {
        let mut may = Vec::new();
        for (role, _) in ROLES {
            let response = call(&server, role, operation, &body).await;
            assert!(!response.body.contains("coral.validate"), "{operation}: {}", response.body);
            let error = response.error();
            assert!(!error.contains("Signature"), "{operation}: {error}");
            if !error.contains("AccessDenied") {
                may.push(role);
            }
        }
        table += &format!("{operation}: {}\n", may.join(" "));
    }
    expect![[r#"
        CreateActivity: admin
        CreateStateMachine: admin
        CreateStateMachineAlias: admin
        DeleteActivity: admin
        DeleteStateMachine: admin
        DeleteStateMachineAlias: admin
        DeleteStateMachineVersion: admin
        DescribeActivity: reader operator admin
        DescribeExecution: reader operator admin
        DescribeMapRun: reader operator admin
        DescribeStateMachine: reader operator admin
        DescribeStateMachineAlias: reader operator admin
        DescribeStateMachineForExecution: reader operator admin
        GetActivityTask: worker operator admin
        GetExecutionHistory: reader operator admin
        ListActivities: reader operator admin
        ListExecutions: reader operator admin
        ListMapRuns: reader operator admin
        ListStateMachineAliases: reader operator admin
        ListStateMachineVersions: reader operator admin
        ListStateMachines: reader operator admin
        ListTagsForResource: reader operator admin
        PublishStateMachineVersion: admin
        RedriveExecution: operator admin
        SendTaskFailure: worker operator admin
        SendTaskHeartbeat: worker operator admin
        SendTaskSuccess: worker operator admin
        StartExecution: operator admin
        StartSyncExecution: operator admin
        StopExecution: operator admin
        TagResource: admin
        TestState: admin
        UntagResource: admin
        UpdateMapRun: operator admin
        UpdateStateMachine: admin
        UpdateStateMachineAlias: admin
        ValidateStateMachineDefinition: reader operator admin
    "#]]
    .assert_eq(&table);
    server.stop().await;
}

#[tokio::test]
async fn refusals_have_awss_words() {
    let server = Server::start_signed(keys()).await;
    let check = async |role: &str, operation: &str, body: &str, expected: Expect| {
        let response = call(&server, role, operation, body).await;
        expected.assert_eq(&format!("{} {}", response.status, response.body));
    };
    let start = json!({ "stateMachineArn": MACHINE }).to_string();
    check("reader", "StartExecution", &start, expect![[r#"400 {"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User: arn:aws:iam::123456789012:user/reader is not authorized to perform: states:StartExecution on resource: arn:aws:states:us-east-1:123456789012:stateMachine:m because no identity-based policy allows the states:StartExecution action"}"#]]).await;
    let create = json!({ "name": "new", "definition": "{}", "roleArn": "arn:aws:iam::1:role/r" });
    check("operator", "CreateStateMachine", &create.to_string(), expect![[r#"400 {"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User: arn:aws:iam::123456789012:user/operator is not authorized to perform: states:CreateStateMachine on resource: arn:aws:states:us-east-1:123456789012:stateMachine:new because no identity-based policy allows the states:CreateStateMachine action"}"#]]).await;
    check("worker", "ListActivities", "{}", expect![[r#"400 {"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User: arn:aws:iam::123456789012:user/worker is not authorized to perform: states:ListActivities on resource: arn:aws:states:us-east-1:123456789012:activity:* because no identity-based policy allows the states:ListActivities action"}"#]]).await;
    check("reader", "SendTaskHeartbeat", r#"{"taskToken": "t"}"#, expect![[r#"400 {"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User: arn:aws:iam::123456789012:user/reader is not authorized to perform: states:SendTaskHeartbeat on resource: * because no identity-based policy allows the states:SendTaskHeartbeat action"}"#]]).await;
    let foreign = start.replace("123456789012", "999999999999");
    check("admin", "StartExecution", &foreign, expect![[r#"400 {"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User: arn:aws:iam::123456789012:user/admin is not authorized to perform: states:StartExecution on resource: arn:aws:states:us-east-1:999999999999:stateMachine:m because no resource-based policy allows the states:StartExecution action"}"#]]).await;
    check("admin", "StartExecution", &start, expect![[r#"400 {"__type":"com.amazonaws.swf.service.v2.model#StateMachineDoesNotExist","message":"State Machine Does Not Exist: 'arn:aws:states:us-east-1:123456789012:stateMachine:m'"}"#]]).await;
    server.stop().await;
}

#[tokio::test]
async fn requests_that_nobody_signed_are_refused() {
    let server = Server::start_signed(keys()).await;
    let response = server.call("ListActivities", "{}").await;
    assert_eq!(
        response.error(),
        "400 MissingAuthenticationTokenException: Missing Authentication Token"
    );
    // Nor do they learn what else there is.
    let mut connection = server.connect().await;
    for (authorization, status) in [
        ("x: y", 400),
        // READER:secret of reader
        ("authorization: Basic UkVBREVSOnNlY3JldCBvZiByZWFkZXI=", 404),
        // WORKER:secret of worker
        ("authorization: Basic V09SS0VSOnNlY3JldCBvZiB3b3JrZXI=", 400),
        // READER:secret of worker
        ("authorization: Basic UkVBREVSOnNlY3JldCBvZiB3b3JrZXI=", 400),
    ] {
        let request = format!("GET /nothing HTTP/1.1\r\nhost: x\r\n{authorization}\r\n\r\n");
        connection.send(request.as_bytes()).await;
        assert_eq!(connection.response().await.unwrap().status, status, "{authorization}");
    }
    // Whether it is alive, everybody may ask.
    let mut connection = server.connect().await;
    connection.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(connection.response().await.unwrap().status, 200);
    server.stop().await;
}

#[tokio::test]
async fn each_role_may_ask_beside_awss_api_what_is_like_its_operations() {
    let server = Server::start_signed(keys()).await;
    let described: serde_json::Value =
        serde_json::from_str(include_str!("../../../../docs/openapi.json")).unwrap();
    let execution = "arn:aws:states:us-east-1:123456789012:execution:m:e";
    let mut table = String::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        let method = methods.as_object().unwrap().keys().next().unwrap();
        let asked = path.replace("{executionArn}", execution).replace("{jobId}", "j");
        let mut may = Vec::new();
        for role in ["nobody", "reader", "worker", "operator", "admin"] {
            let user = STANDARD.encode(format!("{}:secret of {role}", role.to_uppercase()));
            let mut connection = server.connect().await;
            let request = format!(
                "{} {asked} HTTP/1.1\r\nhost: x\r\nauthorization: Basic {user}\r\n\
                 content-length: 2\r\n\r\n{{}}",
                method.to_uppercase()
            );
            connection.send(request.as_bytes()).await;
            let response = connection.response().await.unwrap();
            let refused = ["AccessDenied", "UnrecognizedClient"];
            if !refused.iter().any(|error| response.body.contains(error)) {
                may.push(role);
            }
        }
        table += &format!("{method} {path}: {}\n", may.join(" "));
    }
    expect![[r#"
        get /api/openapi.json: reader operator admin
        get /api/executions: reader operator admin
        get /api/executions/{executionArn}: reader operator admin
        get /api/executions/{executionArn}/events: reader operator admin
        get /api/executions/{executionArn}/tree: reader operator admin
        get /api/express: reader operator admin
        get /api/express/{executionArn}: reader operator admin
        get /api/express/{executionArn}/history: reader operator admin
        get /api/jobs: reader operator admin
        get /api/jobs/{jobId}: reader operator admin
        get /api/jobs/{jobId}/log: reader operator admin
        get /api/usage: reader operator admin
        post /api/approvals: operator admin
    "#]]
    .assert_eq(&table);
    server.stop().await;
}

#[tokio::test]
async fn the_account_is_that_of_the_key_and_the_region_that_of_the_signature() {
    let server = Server::start_signed(keys()).await;
    let response = call(&server, "admin", "CreateActivity", r#"{"name": "a"}"#).await;
    assert_eq!(response.json()["activityArn"], "arn:aws:states:us-east-1:123456789012:activity:a");
    server.stop().await;
}
