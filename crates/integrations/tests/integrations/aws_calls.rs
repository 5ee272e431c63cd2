//! Calls of AWS's services that meet trouble: what is tried again and how often, what a task is
//! told in the end. Nothing of the attempts shows: a task has one result.

use std::sync::atomic::{AtomicUsize, Ordering};

use asl::Resource;
use bytes::Bytes;
use expect_test::{Expect, expect};
use http::Response;
use jiff::{Timestamp, ToSpan};
use runtime::TaskRunner;
use serde_json::{Value, json};

use crate::web::{Seen, Web};
use crate::world::{Failure, World, call};

/// A certificate in PEM, in Base64: an authority that signs nothing.
const CERTIFICATE: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJkVENDQVJ1Z0F3SUJBZ0lVYVhKZ1R5OGhhTUdyN0tp\
    V29wRFFXcjNmai84d0NnWUlLb1pJemowRUF3SXcKRHpFTk1Bc0dBMVVFQXd3RWRHVnpkREFnRncweU5qRXhN\
    akl5TWpVME1qVmFHQTh5TVRJMk1UQXlPVEl5TlRReQpOVm93RHpFTk1Bc0dBMVVFQXd3RWRHVnpkREJaTUJN\
    R0J5cUdTTTQ5QWdFR0NDcUdTTTQ5QXdFSEEwSUFCS0E5CjEzZkJHR1VQd1dwa2lZV1lvczNubmtKaTdOR2hM\
    b0dpUmZHaFZsMHlzS3RjNkI5Y3Awam1pTzFjbHAwQUNQU0gKN201b2FZTTNJejB3QkMzeXQzR2pVekJSTUIw\
    R0ExVWREZ1FXQkJUMzg1ckhBVUZIRGRaK1lHNnhBTElkSTZBRwp0REFmQmdOVkhTTUVHREFXZ0JUMzg1ckhB\
    VUZIRGRaK1lHNnhBTElkSTZBR3REQVBCZ05WSFJNQkFmOEVCVEFECkFRSC9NQW9HQ0NxR1NNNDlCQU1DQTBn\
    QU1FVUNJR0k2QUlncUxGbWdISTNIUGVWN1R2b3RUdTltd1ExeGdJakIKWDVVRVZoMmVBaUVBeXNINjVaelpu\
    WW5QZjdBTFpKZE9oNkREbTRuZm55MHRFRTE1U0NOdkN3ST0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";

/// What a service does with an attempt.
#[derive(Clone, Copy)]
enum Act {
    Answer,
    /// Status and code.
    Refuse(u16, &'static str),
    /// The same, with how long it wants to be left alone.
    RefuseFor(u16, &'static str, &'static str),
    /// The same, by a clock that is so many hours ahead.
    RefuseAt(u16, &'static str, i64),
    Reset,
    /// The connection ends in the middle of the answer.
    Garbage,
    Huge,
}

fn act(act: Act) -> Response<Bytes> {
    let refuse = |status: u16, code: &str| {
        let body = json!({"__type": code, "message": "no"}).to_string();
        let response = Response::builder().status(status).header("x-amzn-requestid", "R");
        (response, Bytes::from(body))
    };
    let (response, body) = match act {
        Act::Answer => (Response::builder(), Bytes::from(r#"{"TableNames": []}"#)),
        Act::Refuse(status, code) => refuse(status, code),
        Act::RefuseFor(status, code, seconds) => {
            let (response, body) = refuse(status, code);
            (response.header("retry-after", seconds), body)
        }
        Act::RefuseAt(status, code, hours) => {
            let (response, body) = refuse(status, code);
            let date = Timestamp::now() + hours.hours();
            let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            (response.header("date", date), body)
        }
        Act::Reset => (Response::builder().header("x-fault", "reset"), Bytes::new()),
        Act::Garbage => (Response::builder(), Bytes::from("<html>")),
        Act::Huge => (Response::builder(), Bytes::from(vec![b' '; 32 * 1024 * 1024 + 1])),
    };
    response.body(body).unwrap()
}

async fn service(acts: Vec<Act>) -> Web {
    let next = AtomicUsize::new(0);
    Web::answering(move |_| act(acts[next.fetch_add(1, Ordering::Relaxed).min(acts.len() - 1)]))
        .await
}

fn world(web: &Web) -> World {
    World::with_config(|config| {
        config.environment.insert("AWS_ENDPOINT_URL".to_owned(), web.url(""));
    })
}

async fn run(world: &World, resource: &str, parameters: Value) -> Result<Value, Failure> {
    let resource = Resource::parse(&format!("arn:aws:states:::{resource}")).unwrap();
    let result = world.integrations.run(call(resource, parameters)).await;
    result.map(|output| output.value().clone()).map_err(Failure::from)
}

async fn check(acts: &[Act], attempts: usize, expected: Expect) {
    let web = service(acts.to_vec()).await;
    let shown = match run(&world(&web), "aws-sdk:dynamodb:listTables", json!({})).await {
        Ok(output) => output.to_string(),
        Err(failure) => failure.to_string().replace(&web.port.to_string(), "PORT"),
    };
    expected.assert_eq(&shown);
    assert_eq!(web.requests().len(), attempts);
}

#[tokio::test]
async fn passing_trouble_is_tried_three_times() {
    let ok = || expect![[r#"{"TableNames":[]}"#]];
    check(&[Act::Refuse(500, "InternalServerError"), Act::Answer], 2, ok()).await;
    check(&[Act::Refuse(400, "ThrottlingException"), Act::Answer], 2, ok()).await;
    check(&[Act::Refuse(429, ""), Act::Reset, Act::Answer], 3, ok()).await;
    check(&[Act::RefuseFor(503, "SlowDown", "1"), Act::Answer], 2, ok()).await;
    check(
        &[Act::Refuse(400, "ThrottlingException")],
        3,
        expect![
            "DynamoDb.ThrottlingException: no (Service: DynamoDb, Status Code: 400, Request ID: R)"
        ],
    )
    .await;
    check(
        &[Act::Refuse(502, "")],
        3,
        expect![
            "DynamoDb.DynamoDbException: no (Service: DynamoDb, Status Code: 502, Request ID: R)"
        ],
    )
    .await;
    check(
        &[Act::Reset],
        3,
        expect!["DynamoDb.SdkClientException: Unable to execute HTTP request: connection closed before message completed"],
    )
    .await;
}

#[tokio::test]
async fn other_trouble_is_told_at_once() {
    check(
        &[Act::Refuse(400, "ValidationException")],
        1,
        expect![
            "DynamoDb.DynamoDbException: no (Service: DynamoDb, Status Code: 400, Request ID: R)"
        ],
    )
    .await;
    check(
        &[Act::Refuse(501, "")],
        1,
        expect![
            "DynamoDb.DynamoDbException: no (Service: DynamoDb, Status Code: 501, Request ID: R)"
        ],
    )
    .await;
    check(
        &[Act::Garbage],
        1,
        expect!["DynamoDb.SdkClientException: Unable to unmarshall response (the answer is not JSON: expected value at line 1 column 1)"],
    )
    .await;
    check(
        &[Act::Huge],
        1,
        expect!["DynamoDb.SdkClientException: Unable to execute HTTP request: the answer is longer than 33554432 bytes"],
    )
    .await;
}

/// A clock that is wrong is found out by the first refusal; later calls are right at once.
#[tokio::test]
async fn signatures_follow_the_clock_of_the_service() {
    let skewed = Act::RefuseAt(403, "InvalidSignatureException", 5);
    let web = service(vec![skewed, Act::Answer]).await;
    let world = world(&web);
    for _ in 0..2 {
        run(&world, "aws-sdk:dynamodb:listTables", json!({})).await.unwrap();
    }
    let hour = |request: &Seen| {
        let date = request.header("x-amz-date").unwrap();
        let date = format!("{}:{}:{}", &date[..11], &date[11..13], &date[13..]);
        date.replace('Z', "").parse::<jiff::civil::DateTime>().unwrap()
    };
    let requests = web.requests();
    assert_eq!(requests.len(), 3);
    let ahead = |at: usize| (hour(&requests[at]) - hour(&requests[0])).get_hours();
    assert_eq!((ahead(1), ahead(2)), (5, 5));
    // A signature that is wrong by itself is not tried again.
    check(
        &[Act::RefuseAt(403, "InvalidSignatureException", 0)],
        1,
        expect![
            "DynamoDb.DynamoDbException: no (Service: DynamoDb, Status Code: 403, Request ID: R)"
        ],
    )
    .await;
}

#[tokio::test]
async fn endpoints_are_discovered_where_the_service_wants_it() {
    let web = Web::answering(|request| {
        let target = request.header("x-amz-target").unwrap();
        let host = request.header("host").unwrap();
        let port = host.rsplit(':').next().unwrap();
        let body = match target.rsplit('.').next().unwrap() {
            "DescribeEndpoints" => {
                let address = format!("localhost:{port}");
                json!({"Endpoints": [{"Address": address, "CachePeriodInMinutes": 60}]})
            }
            _ => json!({"Databases": [{"DatabaseName": host.split(':').next()}]}),
        };
        Response::builder().body(Bytes::from(body.to_string())).unwrap()
    })
    .await;
    let operations = |web: &Web| {
        let targets = web.requests();
        let names = targets.iter().filter_map(|request| request.header("x-amz-target"));
        names.map(|name| name.rsplit('.').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let task = "aws-sdk:timestreamwrite:listDatabases";
    // What stands in AWS's place is called as it is,
    let output = run(&world(&web), task, json!({})).await.unwrap();
    assert_eq!(output["Databases"][0]["DatabaseName"], "127.0.0.1");
    assert_eq!(operations(&web), ["ListDatabases"]);
    // unless it tells endpoints, too.
    let world = World::with_config(|config| {
        config.environment.insert("AWS_ENDPOINT_URL".to_owned(), web.url(""));
        config.environment.insert("AWS_ENABLE_ENDPOINT_DISCOVERY".to_owned(), "true".to_owned());
    });
    for _ in 0..2 {
        let output = run(&world, task, json!({})).await.unwrap();
        assert_eq!(output["Databases"][0]["DatabaseName"], "localhost");
    }
    assert_eq!(operations(&web)[1..], ["DescribeEndpoints", "ListDatabases", "ListDatabases"]);
}

#[tokio::test]
async fn what_needs_other_signatures_is_refused() {
    let world = World::with_config(|config| {
        let variables = [("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "s")];
        for (name, value) in variables {
            config.environment.insert(name.to_owned(), value.to_owned());
        }
    });
    for (resource, parameters, expected) in [
        (
            "aws-sdk:eventbridge:putEvents",
            json!({"EndpointId": "abc.123", "Entries": []}),
            expect![
                "EventBridge.SdkClientException: The field 'EndpointId' names a global endpoint, which wants signatures of version 4a. That is not supported by Stepwell"
            ],
        ),
        (
            "aws-sdk:s3:getObject",
            json!({"Bucket": "arn:aws:s3::123456789012:accesspoint/m.mrap", "Key": "k"}),
            expect![
                "S3.SdkClientException: The field 'Bucket' names a multi-Region access point, which wants signatures of version 4a. That is not supported by Stepwell"
            ],
        ),
        (
            "aws-sdk:s3:getObject",
            json!({"Bucket": "arn:aws:s3-outposts:us-east-1:123456789012:outpost/o/accesspoint/p", "Key": "k"}),
            expect![
                "S3.SdkClientException: The field 'Bucket' names something else than a bucket or an access point. That is not supported by Stepwell"
            ],
        ),
    ] {
        let failure = run(&world, resource, parameters).await.unwrap_err();
        expected.assert_eq(&failure.to_string());
    }
}

/// Parameters of resources that have no job, or other ones than with a job.
fn calls() -> Vec<(&'static str, Value)> {
    let bus = json!({"Entries": [{"Detail": {}, "DetailType": "t", "Source": "s"}]});
    let key = json!({"TableName": "t", "Key": {"id": {"S": "1"}}});
    let cluster = |more: Value| {
        let mut parameters = json!({"ClusterId": "j-1"});
        parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        parameters
    };
    let connection = "arn:aws:events:us-east-1:111111111111:connection/c/1";
    vec![
        ("lambda:invoke", json!({"FunctionName": "f"})),
        (
            "apigateway:invoke",
            json!({"ApiEndpoint": "x.execute-api.us-east-1.amazonaws.com", "Method": "GET"}),
        ),
        (
            "apigateway:invoke",
            json!({"ApiEndpoint": "x.execute-api.us-east-1.amazonaws.com", "Method": "GET", "AuthType": "IAM_ROLE"}),
        ),
        ("athena:stopQueryExecution", json!({"QueryExecutionId": "q"})),
        ("athena:getQueryExecution", json!({"QueryExecutionId": "q"})),
        ("athena:getQueryResults", json!({"QueryExecutionId": "q"})),
        ("bedrock:invokeModel", json!({"ModelId": "m", "Body": {}})),
        ("bedrockagentcore:invokeHarness", json!({"HarnessArn": "h", "Messages": []})),
        ("codebuild:stopBuild", json!({"Id": "b"})),
        ("codebuild:batchDeleteBuilds", json!({"Ids": ["b"]})),
        ("codebuild:batchGetReports", json!({"ReportArns": ["r"]})),
        ("codebuild:stopBuildBatch", json!({"Id": "b"})),
        ("codebuild:deleteBuildBatch", json!({"Id": "b"})),
        ("dynamodb:getItem", key.clone()),
        ("dynamodb:deleteItem", key.clone()),
        ("dynamodb:updateItem", key),
        ("dynamodb:putItem", json!({"TableName": "t", "Item": {}})),
        (
            "eks:call",
            json!({"ClusterName": "c", "CertificateAuthority": CERTIFICATE, "Endpoint": "https://example.com", "Method": "GET", "Path": "/"}),
        ),
        (
            "eks:runJob.sync",
            json!({"ClusterName": "c", "CertificateAuthority": CERTIFICATE, "Endpoint": "https://example.com", "Job": {}}),
        ),
        ("elasticmapreduce:cancelStep", cluster(json!({"StepId": "s"}))),
        (
            "elasticmapreduce:setClusterTerminationProtection",
            cluster(json!({"TerminationProtected": true})),
        ),
        (
            "elasticmapreduce:modifyInstanceFleetByName",
            cluster(json!({"InstanceFleetName": "f", "InstanceFleet": {}})),
        ),
        (
            "elasticmapreduce:modifyInstanceGroupByName",
            cluster(json!({"InstanceGroupName": "g", "InstanceGroup": {}})),
        ),
        (
            "emr-containers:createVirtualCluster",
            json!({"Name": "v", "ContainerProvider": {"Id": "c", "Type": "EKS"}}),
        ),
        ("events:putEvents", bus),
        (
            "http:invoke",
            json!({"ApiEndpoint": "https://example.com", "Method": "GET", "InvocationConfig": {"ConnectionArn": connection}}),
        ),
        ("sagemaker:createEndpoint", json!({"EndpointName": "e", "EndpointConfigName": "c"})),
        (
            "sagemaker:createEndpointConfig",
            json!({"EndpointConfigName": "c", "ProductionVariants": []}),
        ),
        ("sagemaker:createModel", json!({"ModelName": "m"})),
        ("sagemaker:updateEndpoint", json!({"EndpointName": "e", "EndpointConfigName": "c"})),
        ("sns:publish", json!({"TopicArn": "arn:aws:sns:us-east-1:1:t", "Message": "m"})),
        (
            "sqs:sendMessage",
            json!({"QueueUrl": "https://sqs.us-east-1.amazonaws.com/1/q", "MessageBody": "m"}),
        ),
        ("aws-sdk:s3:listBuckets", json!({})),
        ("aws-sdk:ec2:describeInstances", json!({})),
    ]
}

/// Nothing leaves this machine unless something says so, and the task says what to configure.
#[tokio::test]
async fn nothing_is_called_that_nobody_configured() {
    let world = World::with_config(|config| {
        // No file of whoever runs the tests.
        config.environment.remove("HOME");
    });
    let mut all: Vec<(String, Value)> = Vec::new();
    for (resource, parameters) in crate::optimized_jobs::resources_and_parameters() {
        all.push((format!("{resource}.sync"), parameters.clone()));
        all.push((resource, parameters));
    }
    let others = calls().into_iter();
    all.extend(others.map(|(resource, parameters)| (resource.to_owned(), parameters)));
    for (resource, parameters) in all {
        let failure = run(&world, &resource, parameters).await.unwrap_err();
        match resource.as_str() {
            "lambda:invoke" => {
                assert_eq!(failure.error, "Lambda.ResourceNotFoundException");
                continue;
            }
            "http:invoke" => {
                assert_eq!(failure.error, "Events.ConnectionResource.ResourceNotFound");
                assert!(failure.cause.ends_with("declare it as [connections.c] in stepwell.toml"));
                continue;
            }
            _ => {}
        }
        assert_eq!(failure.error, "Stepwell.NotConfigured", "{resource}: {failure}");
        assert!(failure.cause.contains("AWS_ACCESS_KEY_ID"), "{resource}: {failure}");
    }
}
