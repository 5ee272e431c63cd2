//! Requests that are too large: AWS's quota on a request counts its head, and comes after the
//! rules of its members.

use api::ApiOptions;
use engine::limits::Limits;
use expect_test::{Expect, expect};
use runtime::RuntimeOptions;
use serde_json::json;
use std::sync::Arc;

use crate::server::Server;

async fn check(server: &Server, operation: &str, body: &str, expected: Expect) {
    let response = server.call(operation, body).await;
    match response.status {
        200 => expected.assert_eq("200"),
        _ => expected.assert_eq(&response.error()),
    }
}

fn padded(bytes: usize) -> String {
    json!({ "unknown": "x".repeat(bytes - 14) }).to_string()
}

fn definition(characters: usize) -> String {
    let states = r#"{"StartAt":"A","States":{"A":{"Type":"Succeed","Comment":""#;
    let rest = r#""}}}"#;
    let comment = "x".repeat(characters - states.len() - rest.len());
    json!({ "definition": format!("{states}{comment}{rest}") }).to_string()
}

#[tokio::test]
async fn awss_quotas() {
    let server = Server::start().await;
    check(&server, "ListActivities", &padded(1_048_000), expect!["200"]).await;
    check(
        &server,
        "ListActivities",
        &padded(1_048_500),
        expect!["413 RequestEntityTooLargeException: Request must be smaller than 1048576 bytes"],
    )
    .await;
    let validate = "ValidateStateMachineDefinition";
    check(&server, validate, &definition(1_000_000), expect!["200"]).await;
    check(
        &server,
        validate,
        &definition(1_048_577),
        expect!["400 ValidationException: 1 validation error detected: Value at 'definition' failed to satisfy constraint: Member must have length less than or equal to 1048576"],
    )
    .await;
    server.stop().await;
}

#[tokio::test]
async fn raised_quotas() {
    let api = ApiOptions {
        request_bytes_max: 6_000_000,
        definition_characters_max: 1_500_000,
        ..ApiOptions::default()
    };
    let limits = Limits { payload_bytes: 1_000_000, ..Limits::default() };
    let options = RuntimeOptions { limits, ..RuntimeOptions::default() };
    let clock = Arc::new(runtime::SystemClock);
    let server = Server::start_over(options, api, None, clock).await;
    check(&server, "ListActivities", &padded(5_000_000), expect!["200"]).await;
    check(
        &server,
        "ListActivities",
        &padded(6_000_000),
        expect!["413 RequestEntityTooLargeException: Request must be smaller than 6000000 bytes"],
    )
    .await;
    let validate = "ValidateStateMachineDefinition";
    check(&server, validate, &definition(1_500_000), expect!["200"]).await;
    let output = |bytes: usize| json!({"taskToken": "t", "output": "x".repeat(bytes)}).to_string();
    let done = "SendTaskSuccess";
    let fits = server.call(done, &output(1_000_000)).await;
    assert!(fits.error().contains("InvalidOutput"), "{}", fits.error());
    check(
        &server,
        done,
        &output(1_000_001),
        expect!["400 ValidationException: 1 validation error detected: Value at 'output' failed to satisfy constraint: Member must have size less than or equal to 1000000 bytes in UTF-8 encoding"],
    )
    .await;
    server.stop().await;
}
