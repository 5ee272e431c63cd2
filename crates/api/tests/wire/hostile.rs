//! Clients that do not keep to the protocol: each gets an error, nobody else notices.

use expect_test::{Expect, expect};
use tokio::io::AsyncWriteExt as _;

use crate::server::{Server, request};

/// What a plain call gets after all the hostility.
async fn check_alive(server: &Server) {
    let response = server.call("ListStateMachines", "{}").await;
    assert_eq!((response.status, response.body.as_str()), (200, r#"{"stateMachines":[]}"#));
}

async fn check_bytes(bytes: &[u8], expected: Expect) {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    connection.send(bytes).await;
    let shown = match connection.response().await {
        Some(response) if response.body.is_empty() => response.status.to_string(),
        Some(response) if response.body.contains("__type") => response.error(),
        Some(response) => format!("{} {}", response.status, response.body),
        None => "closed".to_owned(),
    };
    expected.assert_eq(&shown);
    check_alive(&server).await;
    server.stop().await;
}

async fn check_body(body: &[u8], expected: Expect) {
    check_bytes(&request("ListStateMachines", body), expected).await;
}

#[tokio::test]
async fn bodies_that_are_not_json() {
    for body in [
        &b""[..],
        b"{",
        b"{\"maxResults\":",
        b"not json",
        b"[]",
        b"null",
        b"\0",
        b"{\0}",
        b"{\"nextToken\":\"\0\"}",
        b"\xff\xfe",
        b"{\"nextToken\":\"\xc3\x28\"}",
        b"{\"nextToken\":\"\\ud800\"}",
        b"{}{}",
    ] {
        check_body(body, expect!["400 SerializationException"]).await;
    }
}

#[tokio::test]
async fn json_that_is_nested_very_deep() {
    let deep = format!("{{\"maxResults\":{}", "[".repeat(10_000));
    check_body(
        deep.as_bytes(),
        expect!["400 SerializationException: Start of list found where not expected."],
    )
    .await;
    let deep = format!("{{\"unknown\":{}", "{\"a\":".repeat(10_000));
    check_body(deep.as_bytes(), expect!["400 SerializationException"]).await;
    let input = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let arn = "arn:aws:states:us-east-1:123456789012:stateMachine:none";
    let body = format!(r#"{{"stateMachineArn":"{arn}","input":"{input}"}}"#);
    check_bytes(&request("StartExecution", body.as_bytes()), expect!["400 StateMachineDoesNotExist: State Machine Does Not Exist: 'arn:aws:states:us-east-1:123456789012:stateMachine:none'"]).await;
    let body = format!(r#"{{"definition":"{input}"}}"#);
    let call = request("ValidateStateMachineDefinition", body.as_bytes());
    check_bytes(&call, expect![[r#"200 {"result":"FAIL","diagnostics":[{"severity":"ERROR","code":"INVALID_JSON_DESCRIPTION","message":"Document nesting depth (128) exceeds the maximum allowed (127)\n at [Source: (String)\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"[truncated 19500 chars]; line: 1, column: 129]","location":"[Source: (String)\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"[truncated 19500 chars]; line: 1, column: 129]"}],"truncated":false}"#]]).await;
}

#[tokio::test]
async fn heads_that_are_not_ours() {
    let post = |headers: &str| {
        format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n{headers}\r\n{{}}")
    };
    let json = "Content-Type: application/x-amz-json-1.0\r\n";
    let target = "X-Amz-Target: AWSStepFunctions.ListStateMachines\r\n";
    check_bytes(
        post("").as_bytes(),
        expect![
            "400 UnknownOperationException: The Content-Type must be application/x-amz-json-1.0"
        ],
    )
    .await;
    check_bytes(post(json).as_bytes(), expect!["400 UnknownOperationException: The header X-Amz-Target, which names the operation, is missing"]).await;
    check_bytes(
        post(target).as_bytes(),
        expect![
            "400 UnknownOperationException: The Content-Type must be application/x-amz-json-1.0"
        ],
    )
    .await;
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    check_bytes(
        post(&format!("{form}{target}")).as_bytes(),
        expect![
            "400 UnknownOperationException: The Content-Type must be application/x-amz-json-1.0"
        ],
    )
    .await;
    for target in [
        "X-Amz-Target: AWSStepFunctions.\r\n",
        "X-Amz-Target: AWSStepFunctions.liststatemachines\r\n",
        "X-Amz-Target: DynamoDB_20120810.ListTables\r\n",
        "X-Amz-Target: ListStateMachines\r\n",
        "X-Amz-Target: \r\n",
    ] {
        check_bytes(
            post(&format!("{json}{target}")).as_bytes(),
            expect!["400 UnknownOperationException"],
        )
        .await;
    }
    let latin = [json.as_bytes(), b"X-Amz-Target: \xe4\r\n"].concat();
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n";
    check_bytes(&[&head[..], &latin, b"\r\n{}"].concat(), expect!["400 UnknownOperationException: The header X-Amz-Target, which names the operation, is missing"]).await;
    let authorization = "Authorization: AWS4-HMAC-SHA256 Credential=/////\r\n";
    check_bytes(
        post(&format!("{json}{target}{authorization}")).as_bytes(),
        expect![[r#"200 {"stateMachines":[]}"#]],
    )
    .await;
    let charset = "Content-Type: Application/X-Amz-Json-1.0; charset=utf-8\r\n";
    check_bytes(
        post(&format!("{charset}{target}")).as_bytes(),
        expect![[r#"200 {"stateMachines":[]}"#]],
    )
    .await;
}

#[tokio::test]
async fn other_paths_and_methods() {
    check_bytes(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", expect![[r#"200 {"status":"ok"}"#]])
        .await;
    check_bytes(
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        expect![[r#"404 {"message":"Nothing is here. The API is at POST /"}"#]],
    )
    .await;
    check_bytes(
        b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        expect![[r#"404 {"message":"Nothing is here. The API is at POST /"}"#]],
    )
    .await;
    check_bytes(
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        expect![[r#"404 {"message":"Nothing is here. The API is at POST /"}"#]],
    )
    .await;
    check_bytes(b"GET /healthz HTTP/1.0\r\n\r\n", expect![[r#"200 {"status":"ok"}"#]]).await;
}

#[tokio::test]
async fn what_is_not_http() {
    check_bytes(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", expect!["400"]).await;
    check_bytes(b"hello\r\n\r\n", expect!["400"]).await;
    check_bytes(b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", expect!["400"]).await;
    check_bytes(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", expect!["400"]).await;
    let two = b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}";
    check_bytes(two, expect!["400"]).await;
    check_bytes(
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        expect!["400 SerializationException"],
    )
    .await;
}

#[tokio::test]
async fn heads_that_are_huge() {
    let name = "a".repeat(200_000);
    let head = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Huge: {name}\r\n\r\n");
    check_bytes(head.as_bytes(), expect!["431"]).await;
    let many = "X-Many: 1\r\n".repeat(1_000);
    let head = format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{many}\r\n");
    check_bytes(head.as_bytes(), expect!["431"]).await;
}

#[tokio::test]
async fn bodies_that_are_too_large() {
    let body = vec![b' '; 5 * 1024 * 1024];
    check_body(
        &body,
        expect!["413 RequestEntityTooLargeException: Request must be smaller than 4194304 bytes"],
    )
    .await;
    let mut chunked = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..5 {
        chunked.extend_from_slice(b"100000\r\n");
        chunked.extend_from_slice(&[b' '; 0x10_0000]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    check_bytes(
        &chunked,
        expect!["413 RequestEntityTooLargeException: Request must be smaller than 4194304 bytes"],
    )
    .await;
}

#[tokio::test]
async fn a_body_in_many_pieces_is_put_together() {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.0\r\n\
                X-Amz-Target: AWSStepFunctions.ListStateMachines\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    connection.send(head.as_bytes()).await;
    for piece in ["{\"max", "Results\"", ":", "7}"] {
        connection.send(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes()).await;
        connection.stream.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    connection.send(b"0\r\n\r\n").await;
    let response = connection.response().await.unwrap();
    assert_eq!((response.status, response.body.as_str()), (200, r#"{"stateMachines":[]}"#));
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_ends_early_harms_nobody() {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    let call = request("ListStateMachines", b"{\"maxResults\":100}");
    connection.send(&call[..call.len() - 5]).await;
    connection.stream.shutdown().await.unwrap();
    assert_eq!(connection.response().await.unwrap().error(), "400 SerializationException");
    assert!(connection.response().await.is_none());
    check_alive(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_is_longer_than_announced_spoils_only_its_connection() {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    let mut call = request("ListStateMachines", b"{}");
    call.extend_from_slice(b"}}}\r\n\r\n");
    connection.send(&call).await;
    assert_eq!(connection.response().await.unwrap().status, 200);
    assert_eq!(connection.response().await.unwrap().status, 400);
    assert!(connection.response().await.is_none());
    check_alive(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn requests_in_a_pipeline_are_answered_in_order() {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    let mut calls = request("ListStateMachines", b"{}");
    calls.extend(request("ListActivities", b"{}"));
    calls.extend(request("StopExecution", b"{\"executionArn\":\"x\"}"));
    connection.send(&calls).await;
    assert_eq!(connection.response().await.unwrap().body, r#"{"stateMachines":[]}"#);
    assert_eq!(connection.response().await.unwrap().body, r#"{"activities":[]}"#);
    assert_eq!(connection.response().await.unwrap().status, 400);
    server.stop().await;
}

#[tokio::test]
async fn a_worker_that_goes_away_loses_no_task() {
    let server = Server::start().await;
    let activity = "arn:aws:states:us-east-1:123456789012:activity:work";
    server.call("CreateActivity", r#"{"name":"work"}"#).await;
    let definition = format!(
        r#"{{\"StartAt\":\"A\",\"States\":{{\"A\":{{\"Type\":\"Task\",\"Resource\":\"{activity}\",\"End\":true}}}}}}"#
    );
    let create =
        format!(r#"{{"name":"m","roleArn":"arn:aws:iam::1:role/r","definition":"{definition}"}}"#);
    assert_eq!(server.call("CreateStateMachine", &create).await.status, 200);

    let poll = format!(r#"{{"activityArn":"{activity}"}}"#);
    for _ in 0..20 {
        let mut gone = server.connect().await;
        gone.send(&request("GetActivityTask", poll.as_bytes())).await;
        // The end of the connection arrives while the poll waits.
        drop(gone);
    }
    // Test and server share a thread: whatever had arrived before is noticed in these rounds.
    for _ in 0..3 {
        assert_eq!(server.call("ListActivities", "{}").await.status, 200);
    }
    let mut worker = server.connect().await;
    worker.send(&request("GetActivityTask", poll.as_bytes())).await;
    let machine = "arn:aws:states:us-east-1:123456789012:stateMachine:m";
    let start = format!(r#"{{"stateMachineArn":"{machine}","input":"{{\"n\":1}}"}}"#);
    assert_eq!(server.call("StartExecution", &start).await.status, 200);
    let task = worker.response().await.unwrap();
    assert_eq!(task.json()["input"], r#"{"n":1}"#);
    server.stop().await;
}

#[tokio::test]
async fn stopping_ends_long_polls_without_a_task() {
    let mut server = Server::start().await;
    server.call("CreateActivity", r#"{"name":"work"}"#).await;
    let mut worker = server.connect().await;
    let poll = r#"{"activityArn":"arn:aws:states:us-east-1:123456789012:activity:work"}"#;
    worker.send(&request("GetActivityTask", poll.as_bytes())).await;
    // A second call on the same connection is behind the poll: both are read before the end.
    let mut other = server.connect().await;
    assert_eq!(other.call("ListActivities", b"{}").await.status, 200);
    server.begin_stop();
    let response = worker.response().await;
    if let Some(response) = response {
        assert_eq!((response.status, response.body.as_str()), (200, "{}"));
    }
    server.stop().await;
}
