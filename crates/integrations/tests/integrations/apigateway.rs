//! `apigateway:invoke` against a server with faults.

use expect_test::{Expect, expect};
use serde_json::json;

use crate::web::Web;
use crate::world::{World, service_resource};

async fn check(path: &str, expected: Expect) {
    let web = Web::start().await;
    let world = World::with_config(|config| {
        config.http.allow_http = vec!["127.0.0.1".to_owned()];
        config.http.timeout_seconds = 1;
    });
    let parameters = json!({"ApiEndpoint": format!("127.0.0.1:{}", web.port), "Method": "POST", "Path": path,
        "RequestBody": {"a": 1, "b": null}, "QueryParameters": {"q": ["1"]}});
    let shown = match world.run(service_resource("apigateway", "invoke"), parameters).await {
        Ok(mut output) => {
            output["Headers"].as_object_mut().unwrap().shift_remove("Date");
            output.to_string()
        }
        Err(failure) => failure.to_string(),
    };
    expected.assert_eq(&shown);
}

#[tokio::test]
async fn answers_and_failures() {
    check("echo", expect![[r#"{"Headers":{"Content-Length":["57"],"Content-Type":["application/json"],"X-Seen":["1","2"]},"ResponseBody":{"method":"POST","target":"/echo?q=1","body":"{\"a\":1}"},"StatusCode":200,"StatusText":"OK"}"#]]).await;
    check("status/403", expect![[r#"ApiGateway.403: {"message":"no"}"#]]).await;
    check("huge", expect!["States.DataLimitExceeded: The state/task 'apigateway' returned a result with a size exceeding the maximum number of bytes service limit."]).await;
    check(
        "silent",
        expect!["ApiGateway.SdkClientException: Unable to execute HTTP request: Read timed out"],
    )
    .await;
}
