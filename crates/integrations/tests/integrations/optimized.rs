//! Optimized integrations against stand-ins of AWS's services.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asl::{Payload, Resource};
use bytes::Bytes;
use expect_test::{Expect, expect};
use http::Response;
use integrations::PollIntervals;
use runtime::{Submission, TaskCall, TaskRunner};
use serde_json::{Value, json};

use crate::web::{Seen, Web};
use crate::world::{Failure, World, call};

/// Answers of a service by operation, in order; the last one stays.
type Script = HashMap<&'static str, Vec<(u16, Value)>>;

/// A stand-in of services with AWS's JSON protocols (and SQS's).
async fn service(script: Script) -> Web {
    let script = Arc::new(Mutex::new(script));
    Web::answering(move |request: &Seen| {
        let operation = operation(request);
        let mut script = script.lock().unwrap();
        let answers = script.get_mut(operation.as_str()).unwrap_or_else(|| panic!("{operation}"));
        let (status, body) = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Response::builder()
            .status(status)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amzn-requestid", "R")
            .body(Bytes::from(body.to_string()))
            .unwrap()
    })
    .await
}

/// What a request is for: by its header, or by method and path.
fn operation(request: &Seen) -> String {
    match request.header("x-amz-target") {
        Some(target) => target.rsplit('.').next().unwrap().to_owned(),
        None => format!("{} {}", request.method, request.target),
    }
}

fn world(web: &Web) -> World {
    World::with_config(|config| {
        config.environment.insert("AWS_ENDPOINT_URL".to_owned(), web.url(""));
        config.poll_intervals =
            PollIntervals { first: Duration::from_millis(1), longest: Duration::from_millis(2) };
    })
}

fn resource(text: &str) -> Resource {
    Resource::parse(&format!("arn:aws:states:::{text}")).expect("a resource")
}

/// What a task gives, and the requests that it made, without what is not of interest.
async fn check(script: Script, task: &str, parameters: Value, expected: Expect) {
    let web = service(script).await;
    let world = world(&web);
    let result = world.run(resource(task), parameters).await;
    let mut shown = match result {
        Ok(mut output) => {
            if let Some(output) = output.as_object_mut() {
                output.shift_remove("SdkHttpMetadata");
            }
            format!("{output}\n")
        }
        Err(failure) => format!("{failure}\n"),
    };
    for request in web.requests() {
        shown.push_str(&format!("{} {}\n", operation(&request), request.body));
    }
    expected.assert_eq(&shown);
}

fn script(answers: &[(&'static str, &[(u16, Value)])]) -> Script {
    answers.iter().map(|(operation, answers)| (*operation, answers.to_vec())).collect()
}

#[tokio::test]
async fn messages_may_be_json() {
    let sent = json!({"MD5OfMessageBody": "m", "MessageId": "i"});
    check(
        script(&[("SendMessage", &[(200, sent.clone())])]),
        "sqs:sendMessage",
        json!({"QueueUrl": "http://q/1/q", "MessageBody": {"a": [1, 2.50, "ä"]},
            "MessageAttributes": {"k": {"DataType": "String", "StringValue": "v"}}}),
        expect![[r#"
            {"MD5OfMessageBody":"m","MessageId":"i","SdkResponseMetadata":{"RequestId":"R"}}
            SendMessage {"QueueUrl":"http://q/1/q","MessageBody":"{\"a\":[1,2.5,\"ä\"]}","MessageAttributes":{"k":{"DataType":"String","StringValue":"v"}}}
        "#]],
    )
    .await;
    check(
        script(&[(
            "SendMessage",
            &[(400, json!({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "The specified queue does not exist."}))],
        )]),
        "sqs:sendMessage.waitForTaskToken",
        json!({"QueueUrl": "http://q/1/q", "MessageBody": "text"}),
        expect![[r#"
            SQS.QueueDoesNotExistException: The specified queue does not exist. (Service: AmazonSQS; Status Code: 400; Error Code: QueueDoesNotExist; Request ID: R; Proxy: null)
            SendMessage {"QueueUrl":"http://q/1/q","MessageBody":"text"}
        "#]],
    )
    .await;
}

#[tokio::test]
async fn errors_have_the_names_of_the_older_sdk() {
    check(
        script(&[(
            "PutItem",
            &[(400, json!({"__type": "com.amazon.coral.validate#ValidationException", "message": "Member must not be null"}))],
        )]),
        "dynamodb:putItem",
        json!({"TableName": "t", "Item": {"id": {"S": "1"}}}),
        expect![[r#"
            DynamoDB.AmazonDynamoDBException: Member must not be null (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ValidationException; Request ID: R; Proxy: null)
            PutItem {"TableName":"t","Item":{"id":{"S":"1"}}}
        "#]],
    )
    .await;
    check(
        script(&[("StartJobRun", &[(400, json!({"__type": "ConcurrentRunsExceededException", "Message": "Too many"}))])]),
        "glue:startJobRun.sync",
        json!({"JobName": "j"}),
        expect![[r#"
            Glue.ConcurrentRunsExceededException: Too many (Service: AWSGlue; Status Code: 400; Error Code: ConcurrentRunsExceededException; Request ID: R; Proxy: null)
            StartJobRun {"JobName":"j","Arguments":{"--stepwell-submission":"10e8a2e9caaf92e524e8cbbec8aedeb112d74f96"}}
        "#]],
    )
    .await;
    check(
        script(&[]),
        "dynamodb:getItem",
        json!({"TableName": "t", "Key": {}, "Keys": 1}),
        expect![[r#"
            States.Runtime: The Parameters '{"TableName":"t","Key":{},"Keys":1}' could not be used to start the Task: [The field "Keys" is not supported by Step Functions]
        "#]],
    )
    .await;
}

#[tokio::test]
async fn items_have_the_keys_of_the_sdk() {
    check(
        script(&[("GetItem", &[(200, json!({"Item": {"a": {"BOOL": true}, "b": {"SS": ["x"]}, "c": {"NULL": true}}}))])]),
        "dynamodb:getItem",
        json!({"TableName": "t", "Key": {"id": {"Bool": true}}}),
        expect![[r#"
            {"Item":{"a":{"Bool":true},"b":{"Ss":["x"]},"c":{"Nul":true}},"SdkResponseMetadata":{"RequestId":"R"}}
            GetItem {"TableName":"t","Key":{"id":{"BOOL":true}}}
        "#]],
    )
    .await;
}

#[tokio::test]
async fn events_tell_where_they_come_from() {
    let entries = json!({"Entries": [{"Detail": {"a": 1}, "DetailType": "T", "Source": "s"}]});
    check(
        script(&[("PutEvents", &[(200, json!({"Entries": [{"EventId": "e"}], "FailedEntryCount": 0}))])]),
        "events:putEvents",
        entries.clone(),
        expect![[r#"
            {"Entries":[{"EventId":"e"}],"FailedEntryCount":0}
            PutEvents {"Entries":[{"Detail":"{\"a\":1}","DetailType":"T","Source":"s","Resources":["arn:aws:states:us-east-1:111111111111:execution:machine:name","arn:aws:states:us-east-1:111111111111:stateMachine:machine"]}]}
        "#]],
    )
    .await;
    check(
        script(&[(
            "PutEvents",
            &[(200, json!({"Entries": [{"ErrorCode": "NotAuthorized", "ErrorMessage": "no"}], "FailedEntryCount": 1}))],
        )]),
        "events:putEvents.waitForTaskToken",
        json!({"Entries": [{"Detail": "text"}]}),
        expect![[r#"
            EventBridge.FailedEntry: {"Entries":[{"ErrorCode":"NotAuthorized","ErrorMessage":"no"}],"FailedEntryCount":1}
            PutEvents {"Entries":[{"Detail":"text","Resources":["arn:aws:states:us-east-1:111111111111:execution:machine:name","arn:aws:states:us-east-1:111111111111:stateMachine:machine"]}]}
        "#]],
    )
    .await;
}

#[tokio::test]
async fn jobs_are_followed_to_their_end() {
    let run = |state: &str| {
        (200, json!({"JobRun": {"Id": "r", "JobRunState": state, "StartedOn": 1_600_000_000.5}}))
    };
    let started = ("StartJobRun", &[(200, json!({"JobRunId": "r"}))][..]);
    let missing = (400, json!({"__type": "EntityNotFoundException", "message": "not yet"}));
    let busy = (400, json!({"__type": "ThrottlingException", "message": "slow down"}));
    check(
        script(&[started, ("GetJobRun", &[missing, run("RUNNING"), busy, run("SUCCEEDED")])]),
        "glue:startJobRun.sync",
        json!({"JobName": "j", "Arguments": {"--k": "v"}}),
        expect![[r#"
            {"Id":"r","JobRunState":"SUCCEEDED","StartedOn":1600000000500}
            StartJobRun {"JobName":"j","Arguments":{"--k":"v","--stepwell-submission":"10e8a2e9caaf92e524e8cbbec8aedeb112d74f96"}}
            GetJobRun {"JobName":"j","RunId":"r"}
            GetJobRun {"JobName":"j","RunId":"r"}
            GetJobRun {"JobName":"j","RunId":"r"}
            GetJobRun {"JobName":"j","RunId":"r"}
        "#]],
    )
    .await;
    check(
        script(&[started, ("GetJobRun", &[run("TIMEOUT")])]),
        "glue:startJobRun.sync",
        json!({"JobName": "j"}),
        expect![[r#"
            States.TaskFailed: {"Id":"r","JobRunState":"TIMEOUT","StartedOn":1600000000500}
            StartJobRun {"JobName":"j","Arguments":{"--stepwell-submission":"10e8a2e9caaf92e524e8cbbec8aedeb112d74f96"}}
            GetJobRun {"JobName":"j","RunId":"r"}
        "#]],
    )
    .await;
    let gone = (404, json!({"__type": "ResourceNotFoundException", "message": "No cluster found"}));
    check(
        script(&[
            (
                "DELETE /clusters/c",
                &[(200, json!({"cluster": {"name": "c", "status": "DELETING"}}))],
            ),
            (
                "GET /clusters/c",
                &[
                    (200, json!({"cluster": {"name": "c", "status": "DELETING", "createdAt": 1}})),
                    gone,
                ],
            ),
        ]),
        "eks:deleteCluster.sync",
        json!({"Name": "c"}),
        expect![[r#"
            {"Cluster":{"CreatedAt":1000,"Name":"c","Status":"DELETING"}}
            DELETE /clusters/c 
            GET /clusters/c 
            GET /clusters/c 
        "#]],
    )
    .await;
}

#[tokio::test]
async fn containers_decide_over_an_ecs_task() {
    let task = |status: &str, codes: [i64; 2]| {
        json!({"taskArn": "t", "clusterArn": "c", "taskDefinitionArn": "d", "lastStatus": status,
            "containers": [{"name": "a", "exitCode": codes[0]}, {"name": "b", "exitCode": codes[1]}]})
    };
    let started =
        ("RunTask", &[(200, json!({"tasks": [task("PROVISIONING", [0, 0])], "failures": []}))][..]);
    let definition = json!({"taskDefinition": {"containerDefinitions": [{"name": "a"}, {"name": "b", "essential": false}]}});
    let stopped = |codes| vec![(200, json!({"tasks": [task("STOPPED", codes)]}))];
    let parameters = json!({"TaskDefinition": "d", "ClientToken": "mine",
        "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["s"]}}});
    check(
        script(&[
            started,
            ("DescribeTasks", &stopped([0, 137])),
            ("DescribeTaskDefinition", &[(200, definition.clone())]),
        ]),
        "ecs:runTask.sync",
        parameters.clone(),
        expect![[r#"
            {"ClusterArn":"c","Containers":[{"ExitCode":0,"Name":"a"},{"ExitCode":137,"Name":"b"}],"LastStatus":"STOPPED","TaskArn":"t","TaskDefinitionArn":"d"}
            RunTask {"taskDefinition":"d","clientToken":"mine","networkConfiguration":{"awsvpcConfiguration":{"subnets":["s"]}}}
            DescribeTasks {"cluster":"c","tasks":["t"]}
            DescribeTaskDefinition {"taskDefinition":"d"}
        "#]],
    )
    .await;
    check(
        script(&[
            started,
            ("DescribeTasks", &stopped([3, 0])),
            ("DescribeTaskDefinition", &[(200, definition)]),
        ]),
        "ecs:runTask.sync",
        parameters.clone(),
        expect![[r#"
            States.TaskFailed: {"ClusterArn":"c","Containers":[{"ExitCode":3,"Name":"a"},{"ExitCode":0,"Name":"b"}],"LastStatus":"STOPPED","TaskArn":"t","TaskDefinitionArn":"d"}
            RunTask {"taskDefinition":"d","clientToken":"mine","networkConfiguration":{"awsvpcConfiguration":{"subnets":["s"]}}}
            DescribeTasks {"cluster":"c","tasks":["t"]}
            DescribeTaskDefinition {"taskDefinition":"d"}
        "#]],
    )
    .await;
    let full = json!({"tasks": [], "failures": [{"arn": "i", "reason": "RESOURCE:MEMORY"}]});
    for (task, expected) in [
        (
            "ecs:runTask.sync",
            expect![[r#"
                AmazonECS.Unknown: {"Failures":[{"Arn":"i","Reason":"RESOURCE:MEMORY"}],"Tasks":[]}
                RunTask {"taskDefinition":"d","clientToken":"mine","networkConfiguration":{"awsvpcConfiguration":{"subnets":["s"]}}}
            "#]],
        ),
        (
            "ecs:runTask",
            expect![[r#"
                {"Failures":[{"Arn":"i","Reason":"RESOURCE:MEMORY"}],"SdkResponseMetadata":{"RequestId":"R"},"Tasks":[]}
                RunTask {"taskDefinition":"d","clientToken":"mine","networkConfiguration":{"awsvpcConfiguration":{"subnets":["s"]}}}
            "#]],
        ),
    ] {
        check(script(&[("RunTask", &[(200, full.clone())])]), task, parameters.clone(), expected)
            .await;
    }
}

#[tokio::test]
async fn emr_has_operations_of_its_own() {
    check(
        script(&[
            ("AddJobFlowSteps", &[(200, json!({"StepIds": ["s-1"]}))]),
            (
                "DescribeStep",
                &[(200, json!({"Step": {"Id": "s-1", "Status": {"State": "COMPLETED"}}}))],
            ),
        ]),
        "elasticmapreduce:addStep.sync",
        json!({"ClusterId": "j-1", "Step": {"Name": "s", "HadoopJarStep": {"Jar": "x"}}}),
        expect![[r#"
            {"Step":{"Id":"s-1","Status":{"State":"COMPLETED"}},"StepId":"s-1"}
            AddJobFlowSteps {"JobFlowId":"j-1","Steps":[{"Name":"s","HadoopJarStep":{"Jar":"x"}}]}
            DescribeStep {"ClusterId":"j-1","StepId":"s-1"}
        "#]],
    )
    .await;
    check(
        script(&[
            (
                "ListInstanceGroups",
                &[
                    (200, json!({"InstanceGroups": [{"Id": "g-1", "Name": "other"}], "Marker": "m"})),
                    (200, json!({"InstanceGroups": [{"Id": "g-2", "Name": "workers"}]})),
                ],
            ),
            ("ModifyInstanceGroups", &[(200, json!({}))]),
        ]),
        "elasticmapreduce:modifyInstanceGroupByName",
        json!({"ClusterId": "j-1", "InstanceGroupName": "workers", "InstanceGroup": {"InstanceCount": 8}}),
        expect![[r#"
            {"SdkResponseMetadata":{"RequestId":"R"}}
            ListInstanceGroups {"ClusterId":"j-1"}
            ListInstanceGroups {"ClusterId":"j-1","Marker":"m"}
            ModifyInstanceGroups {"ClusterId":"j-1","InstanceGroups":[{"InstanceCount":8,"InstanceGroupId":"g-2"}]}
        "#]],
    )
    .await;
    check(
        script(&[]),
        "elasticmapreduce:createCluster.sync",
        json!({"Name": "c", "Instances": {}}),
        expect![[r#"
            States.Runtime: The Parameters '{"Name":"c","Instances":{}}' could not be used to start the Task: [The field "KeepJobFlowAliveWhenNoSteps" is required but was missing]
        "#]],
    )
    .await;
}

/// A call that came with what its submission answered follows the job and starts none.
#[tokio::test]
async fn a_submitted_job_is_found_again_and_not_started() {
    let web = service(script(&[(
        "GetQueryExecution",
        &[(
            200,
            json!({"QueryExecution": {"QueryExecutionId": "q", "Status": {"State": "SUCCEEDED"}}}),
        )],
    )]))
    .await;
    let world = world(&web);
    let mut call =
        call(resource("athena:startQueryExecution.sync"), json!({"QueryString": "SELECT 1"}));
    call.dispatch.submitted = Some(Payload::from_value(json!({"QueryExecutionId": "q"})));
    call.submission = Submission::to(|_| panic!("submitted twice"));
    let output = world.integrations.run(call).await.unwrap();
    assert_eq!(output.value()["QueryExecution"]["Status"]["State"], "SUCCEEDED");
    assert_eq!(web.requests().len(), 1);
}

/// A submission that is repeated after a crash is the same request.
#[tokio::test]
async fn repeated_submissions_have_one_token() {
    let started = json!({"QueryExecutionId": "q"});
    let web = service(script(&[("StartQueryExecution", &[(200, started)])])).await;
    let world = world(&web);
    let token = async |task: u32, resource_text: &str| {
        let mut call = call(resource(resource_text), json!({"QueryString": "SELECT 1"}));
        call.dispatch.task = engine::TaskId(task);
        world.integrations.run(call).await.unwrap();
        let body: Value = serde_json::from_str(&web.last().body).unwrap();
        body["ClientRequestToken"].as_str().unwrap().to_owned()
    };
    let first = token(3, "athena:startQueryExecution").await;
    assert_eq!(first, token(3, "athena:startQueryExecution").await);
    assert_ne!(first, token(4, "athena:startQueryExecution").await);
    assert!(first.len() >= 32, "{first}");
}

#[tokio::test]
async fn a_job_is_stopped_with_its_task() {
    let web = service(script(&[
        ("TerminateJob", &[(200, json!({}))]),
        ("POST /v1/terminatejob", &[(200, json!({}))]),
    ]))
    .await;
    let world = world(&web);
    let call: TaskCall = call(resource("batch:submitJob.sync"), json!({"JobName": "n"}));
    world.integrations.cancel(call.clone(), None).await;
    assert_eq!(web.requests().len(), 0);
    let submitted = Payload::from_value(json!({"JobId": "b-1", "JobName": "n"}));
    world.integrations.cancel(call, Some(submitted)).await;
    assert_eq!(
        web.last().body,
        r#"{"jobId":"b-1","reason":"The execution of the state machine was stopped"}"#
    );
}

#[tokio::test]
async fn a_call_with_nowhere_to_go_says_so() {
    let world = World::with_config(|_| {});
    let failure: Failure = world
        .run(
            resource("sns:publish"),
            json!({"TopicArn": "arn:aws:sns:us-east-1:1:t", "Message": {}}),
        )
        .await
        .unwrap_err();
    assert_eq!(failure.error, "Stepwell.NotConfigured");
    assert!(failure.cause.contains("AWS_ENDPOINT_URL_SNS"), "{failure}");
}

#[tokio::test]
async fn models_are_invoked_with_json_or_objects() {
    let script = script(&[
        ("POST /model/m/invoke", &[(200, json!({"completion": "hi", "n": 1.0}))]),
        ("GET /bucket/in.json?x-id=GetObject", &[(200, json!({"prompt": "p"}))]),
        ("GET /bucket/in.json", &[(200, json!({"prompt": "p"}))]),
        ("PUT /bucket/out.json", &[(200, json!({}))]),
        ("PUT /bucket/out.json?x-id=PutObject", &[(200, json!({}))]),
    ]);
    check(
        script.clone(),
        "bedrock:invokeModel",
        json!({"ModelId": "m", "Body": {"prompt": "p"}}),
        expect![[r#"
            {"Body":{"completion":"hi","n":1.0},"ContentType":"application/x-amz-json-1.1","SdkResponseMetadata":{"RequestId":"R"}}
            POST /model/m/invoke {"prompt":"p"}
        "#]],
    )
    .await;
    check(
        script,
        "bedrock:invokeModel",
        json!({"ModelId": "m", "Input": {"S3Uri": "s3://bucket/in.json"}, "Output": {"S3Uri": "s3://bucket/out.json"}}),
        expect![[r#"
            {"Body":"s3://bucket/out.json","ContentType":"application/x-amz-json-1.1","SdkResponseMetadata":{"RequestId":"R"}}
            GET /bucket/in.json 
            POST /model/m/invoke {"prompt":"p"}
            PUT /bucket/out.json {"completion":"hi","n":1.0}
        "#]],
    )
    .await;
    check(
        HashMap::new(),
        "bedrock:invokeModel",
        json!({"Body": {}, "Input": {"S3Uri": "http://x"}}),
        expect![[r#"
            States.Runtime: The Parameters '{"Body":{},"Input":{"S3Uri":"http://x"}}' could not be used to start the Task: [The value of the field 'Input' has an invalid format, The field "ModelId" is required but was missing, Only one of the fields 'Body' and 'Input' may be given]
        "#]],
    )
    .await;
}

/// A frame of an event stream, with headers that are texts.
fn frame(headers: &[(&str, &str)], payload: &Value) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        let step = |rest: u32| if rest & 1 == 1 { (rest >> 1) ^ 0xEDB8_8320 } else { rest >> 1 };
        !bytes
            .iter()
            .fold(u32::MAX, |rest, byte| (0..8).fold(rest ^ u32::from(*byte), |rest, _| step(rest)))
    };
    let mut packed = Vec::new();
    for (name, value) in headers {
        packed.push(u8::try_from(name.len()).unwrap());
        packed.extend(name.bytes());
        packed.push(7);
        packed.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        packed.extend(value.bytes());
    }
    let payload = payload.to_string();
    let length = u32::try_from(16 + packed.len() + payload.len()).unwrap();
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend(u32::try_from(packed.len()).unwrap().to_be_bytes());
    frame.extend(crc(&frame).to_be_bytes());
    frame.extend(packed);
    frame.extend(payload.bytes());
    frame.extend(crc(&frame).to_be_bytes());
    frame
}

#[tokio::test]
async fn an_agent_answers_with_its_last_turn() {
    let event = |name: &str, payload: Value| {
        frame(&[(":message-type", "event"), (":event-type", name)], &payload)
    };
    let start = event("messageStart", json!({"role": "assistant"}));
    let text = |text: &str| {
        event("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": text}}))
    };
    let stop = event("messageStop", json!({"stopReason": "end_turn"}));
    let usage = json!({"inputTokens": 1, "outputTokens": 2, "totalTokens": 3});
    let metadata = event("metadata", json!({"usage": usage, "metrics": {"latencyMs": 4}}));
    let whole = [start, text("Hel"), text("lo"), stop, metadata].concat();
    let broken = frame(
        &[(":message-type", "exception"), (":exception-type", "internalServerException")],
        &json!({"message": "out of order"}),
    );
    let cut = whole[..whole.len() - 1].to_vec();
    let harness = "arn:aws:bedrock-agentcore:us-east-1:111111111111:harness/h";
    let parameters = json!({"HarnessArn": harness, "SystemPrompt": [{"Text": "p"}],
        "Messages": [{"Role": "user", "Content": [{"Text": "hi"}]}]});
    for (body, expected) in [
        (
            whole,
            expect![[
                r#"{"Metrics":{"LatencyMs":4},"Output":{"Message":{"Content":[{"Text":"Hello"}],"Role":"assistant"}},"StopReason":"end_turn","Usage":{"InputTokens":1,"OutputTokens":2,"TotalTokens":3}}"#
            ]],
        ),
        (
            broken,
            expect![
                "BedrockAgentCore.InternalServerException: out of order (Service: BedrockAgentCore, Status Code: 200, Request ID: R)"
            ],
        ),
        (
            cut,
            expect![
                "BedrockAgentCore.SdkClientException: Unable to unmarshall response (the event stream is cut off)"
            ],
        ),
    ] {
        let web = Web::answering(move |_| {
            let response = Response::builder()
                .header("content-type", "application/vnd.amazon.eventstream")
                .header("x-amzn-requestid", "R");
            response.body(Bytes::from(body.clone())).unwrap()
        })
        .await;
        let task = resource("bedrockagentcore:invokeHarness");
        let shown = match world(&web).run(task, parameters.clone()).await {
            Ok(output) => output.to_string(),
            Err(failure) => failure.to_string(),
        };
        expected.assert_eq(&shown);
        let request = web.last();
        assert!(request.target.starts_with("/harnesses/invoke?harnessArn=arn%3Aaws"));
        let session = request.header("x-amzn-bedrock-agentcore-runtime-session-id").unwrap();
        assert!(session.len() >= 33, "{session}");
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(body["systemPrompt"], json!([{"text": "p"}]));
    }
    check(
        script(&[(
            "POST /harnesses/invoke?harnessArn=h",
            &[(429, json!({"__type": "ThrottlingException", "message": "slow down"}))],
        )]),
        "bedrockagentcore:invokeHarness",
        json!({"HarnessArn": "h", "RuntimeSessionId": "s", "Messages": []}),
        expect![[r#"
            BedrockAgentCore.ThrottlingException: slow down (Service: BedrockAgentCore, Status Code: 429, Request ID: R)
            POST /harnesses/invoke?harnessArn=h {"messages":[]}
            POST /harnesses/invoke?harnessArn=h {"messages":[]}
            POST /harnesses/invoke?harnessArn=h {"messages":[]}
        "#]],
    )
    .await;
}
