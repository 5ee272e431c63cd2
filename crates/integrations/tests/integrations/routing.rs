//! Where calls go, and what is refused before anything is called.

use expect_test::{Expect, expect};
use runtime::TaskRunner;
use serde_json::{Value, json};

use crate::web::Web;
use crate::world::{Failure, World, call, function_resource};

const APP: &str = "import os\ndef f(event, context):\n    return os.environ['NAME']\n";

fn named(name: &str) -> Value {
    json!({"runtime": "python", "handler": "app.f", "environment": {"NAME": name}})
}

#[tokio::test]
async fn the_most_exact_declaration_wins() {
    let world = World::new(
        &[("app.py", APP)],
        json!({
            "f": named("bare"),
            "f:prod": named("alias"),
            "arn:aws:lambda:us-west-2:111111111111:function:f": named("west"),
        }),
    );
    for (name, expected) in [
        ("f", "bare"),
        ("f:test", "bare"),
        ("f:prod", "alias"),
        ("111111111111:function:f", "bare"),
        ("arn:aws:lambda:us-west-2:111111111111:function:f", "west"),
        ("arn:aws:lambda:us-west-2:222222222222:function:f", "bare"),
    ] {
        let output = world.invoke(json!({"FunctionName": name})).await.unwrap();
        assert_eq!(output["Payload"], expected, "{name}");
    }
    let output = world.invoke(json!({"FunctionName": "f", "Qualifier": "prod"})).await.unwrap();
    assert_eq!(output["Payload"], "alias");
}

async fn check_refused(parameters: Value, expected: &Expect) {
    let world = World::new(&[], json!({"f": {"runtime": "provided"}}));
    let failure = world.invoke(parameters).await.unwrap_err();
    expected.assert_eq(&failure.to_string());
}

#[tokio::test]
async fn wrong_parameters_are_refused() {
    check_refused(json!({"FunctionName": "f", "Name": 1}), &expect![[r#"States.Runtime: The Parameters '{"FunctionName":"f","Name":1}' could not be used to start the Task: [The field "Name" is not supported by Step Functions]"#]]).await;
    check_refused(json!({"Payload": 1}), &expect![[r#"States.Runtime: The Parameters '{"Payload":1}' could not be used to start the Task: [The field "FunctionName" is required but was missing]"#]]).await;
    check_refused(json!({"FunctionName": 1}), &expect![[r#"States.Runtime: The Parameters '{"FunctionName":1}' could not be used to start the Task: [The value of the field 'FunctionName' has an invalid format]"#]]).await;
    check_refused(json!({"FunctionName": "a b"}), &expect![[r#"Lambda.AWSLambdaException: 1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST|[a-zA-Z0-9-_]+))? (Service: AWSLambda; Status Code: 400; Error Code: ValidationException; Request ID: <id>; Proxy: null)"#]]).await;
    check_refused(json!({"FunctionName": "f", "InvocationType": "Later"}), &expect!["Lambda.AWSLambdaException: 1 validation error detected: Value 'Later' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun] (Service: AWSLambda; Status Code: 400; Error Code: ValidationException; Request ID: <id>; Proxy: null)"]).await;
    check_refused(json!({"FunctionName": "f:1", "Qualifier": "2"}), &expect!["Lambda.InvalidParameterValueException: The derived qualifier from the function name does not match the specified qualifier. (Service: AWSLambda; Status Code: 400; Error Code: InvalidParameterValueException; Request ID: <id>; Proxy: null)"]).await;
    check_refused(json!({"FunctionName": "f", "ClientContext": "?"}), &expect!["Lambda.InvalidRequestContentException: Client context must be a valid Base64-encoded JSON object. (Service: AWSLambda; Status Code: 400; Error Code: InvalidRequestContentException; Request ID: <id>; Proxy: null)"]).await;
}

#[tokio::test]
async fn a_function_that_is_not_declared_is_not_found() {
    check_refused(json!({"FunctionName": "absent", "Payload": null}), &expect!["Lambda.ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111111111111:function:absent:$LATEST (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: <id>; Proxy: null)"]).await;
    check_refused(json!({"FunctionName": "absent:prod"}), &expect!["Lambda.ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111111111111:function:absent:prod (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: <id>; Proxy: null)"]).await;
    check_refused(json!({"FunctionName": "absent", "InvocationType": "DryRun"}), &expect!["Lambda.ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111111111111:function:absent:$LATEST (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: <id>; Proxy: null)"]).await;
}

#[tokio::test]
async fn a_dry_run_starts_nothing() {
    let world = World::new(&[], json!({"f": {"runtime": "provided"}}));
    let output = world.invoke(json!({"FunctionName": "f", "InvocationType": "DryRun"})).await;
    assert_eq!(output.unwrap()["StatusCode"], 204);
}

#[tokio::test]
async fn a_wrong_declaration_fails_its_tasks() {
    let world = World::new(&[], json!({"f": {"runtime": "python"}}));
    expect![[
        r#"Stepwell.InvalidConfiguration: function 'f': needs a 'handler', as in "module.function""#
    ]]
    .assert_eq(&world.call("f", json!({})).await.unwrap_err().to_string());
}

#[tokio::test]
async fn a_call_that_may_have_been_made_is_made_again_only_if_that_is_wanted() {
    let careful = json!({"runtime": "python", "handler": "app.f", "on_crash": "fail",
        "environment": {"NAME": "careful"}});
    let world = World::new(&[("app.py", APP)], json!({"f": named("again"), "g": careful}));
    let recovered = |function: &str| {
        let mut call = call(function_resource(function), json!({}));
        call.dispatch.recovered = true;
        world.integrations.run(call)
    };
    assert_eq!(recovered("f").await.unwrap().text(), "\"again\"");
    expect![[r#"Stepwell.InterruptedByCrash: The server stopped while function 'g' may have been at work, and its configuration says on_crash = "fail""#]]
        .assert_eq(&Failure::from(recovered("g").await.unwrap_err()).to_string());
    assert_eq!(world.call("g", json!({})).await, Ok(json!("careful")));
}

/// The first route that fits takes the task, whatever integration it would be.
#[tokio::test]
async fn routes_take_tasks_in_their_order() {
    let web = Web::answering(|request| {
        let (status, body) = match request.target.as_str() {
            "/hook" => (200, request.body.clone()),
            "/broken" => (503, "\"later\"".to_owned()),
            _ => (200, json!({"MessageId": request.header("x-amz-target")}).to_string()),
        };
        http::Response::builder().status(status).body(body.into()).unwrap()
    })
    .await;
    let world = World::with_config(|config| {
        config.routes = serde_json::from_value(json!([
            {"resource": "sqs:sendMessage.waitForTaskToken", "mock": {"result": {"taken": 1}}},
            {"resource": "sqs:*", "endpoint": web.url("")},
            {"resource": "*", "mock": {"error": "Never", "cause": "an earlier one fits"}},
        ]))
        .unwrap();
        config.routes.splice(
            2..2,
            serde_json::from_value::<Vec<_>>(json!([
                {"resource": "arn:aws:states:::glue:startJobRun.sync", "process": ["sh", "-c", "cat"]},
                {"resource": "glue:*", "process": ["sh", "-c", "echo '{\"Error\": \"Mine\", \"Cause\": \"so\"}'; exit 3"]},
                {"resource": "aws-sdk:*:get*", "http": web.url("/hook")},
                {"resource": "aws-sdk:s3:*", "http": web.url("/broken")},
            ]))
            .unwrap(),
        );
    });
    let parameters = json!({"QueueUrl": "http://q/1/q", "MessageBody": "m"});
    for (resource, expected) in [
        ("sqs:sendMessage.waitForTaskToken", expect![[r#"{"taken":1}"#]]),
        ("sqs:sendMessage", expect![[r#""AmazonSQS.SendMessage""#]]),
        ("glue:startJobRun.sync", expect![[r#"{"QueueUrl":"http://q/1/q","MessageBody":"m"}"#]]),
        ("glue:startJobRun", expect!["Mine: so"]),
        ("aws-sdk:s3:getObject", expect![[r#"{"QueueUrl":"http://q/1/q","MessageBody":"m"}"#]]),
        ("aws-sdk:s3:putObject", expect!["States.Http.StatusCode.503: \"later\""]),
        ("dynamodb:getItem", expect!["Never: an earlier one fits"]),
        ("http:invoke", expect!["Never: an earlier one fits"]),
    ] {
        let resource = asl::Resource::parse(&format!("arn:aws:states:::{resource}")).unwrap();
        let shown = match world.run(resource, parameters.clone()).await {
            Ok(output) => output.get("MessageId").unwrap_or(&output).to_string(),
            Err(failure) => failure.to_string(),
        };
        expected.assert_eq(&shown);
    }
}
