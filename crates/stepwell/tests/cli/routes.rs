//! `stepwell routes`.

use expect_test::expect;

use crate::Folder;

const MACHINE: &str = r#"{"StartAt": "Ship", "States": {
    "Ship": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:ship", "Next": "Bill"},
    "Bill": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "bill"}, "Next": "Keep"},
    "Keep": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:putObject", "Parameters": {"Bucket": "b", "Key": "k"}, "Next": "Tell"},
    "Tell": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"QueueUrl": "q", "MessageBody": "m"}, "Next": "Each"},
    "Each": {"Type": "Parallel", "End": true, "Branches": [{"StartAt": "Ask", "States": {
        "Ask": {"Type": "Task", "Resource": "arn:aws:states:us-east-1:123456789012:activity:ask", "Next": "Count"},
        "Count": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:dynamodb:scan", "Parameters": {"TableName": "t"}, "End": true}}}]}}}"#;

const CONFIG: &str = r#"
[functions.ship]
runtime = "python"
handler = "ship.main"

[[routes]]
resource = "aws-sdk:s3:*"
endpoint = "http://127.0.0.1:9000"

[[routes]]
resource = "sqs:sendMessage*"
function = "ship"
"#;

#[test]
fn each_task_has_a_destination() {
    Folder::with(&[("a.asl.json", MACHINE), ("stepwell.toml", CONFIG)])
        .check(&["routes", "a.asl.json"], &expect![[r#"
            exit status: 0
            ----- stdout -----
            a.asl.json
              Ship
                arn:aws:lambda:us-east-1:123456789012:function:ship
                -> function 'ship' as a process of this machine
              Bill
                arn:aws:states:::lambda:invoke
                -> the function that its parameters name, if declared; else nowhere: the function is not declared
              Keep
                arn:aws:states:::aws-sdk:s3:putObject
                -> endpoint http://127.0.0.1:9000/ (route 'aws-sdk:s3:*')
              Tell
                arn:aws:states:::sqs:sendMessage
                -> function 'ship' (route 'sqs:sendMessage*')
              Ask
                arn:aws:states:us-east-1:123456789012:activity:ask
                -> workers that poll this server
              Count
                arn:aws:states:::aws-sdk:dynamodb:scan
                -> nowhere: no endpoint (AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL), no AWS credentials, no route
        "#]]);
}

#[test]
fn a_definition_that_is_not_valid() {
    Folder::with(&[("a.asl.json", "{}")]).check(
        &["routes", "a.asl.json"],
        &expect![[r#"
        exit status: 1
        ----- stdout -----
        a.asl.json
          not valid; see stepwell validate
    "#]],
    );
}

#[test]
fn jobs_people_and_containers_are_destinations() {
    let machine = r#"{"StartAt": "Batch", "States": {
        "Batch": {"Type": "Task", "Resource": "arn:aws:states:::batch:submitJob.sync", "Parameters": {"JobName": "n", "JobQueue": "q", "JobDefinition": "d"}, "Next": "Ecs"},
        "Ecs": {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync", "Parameters": {"TaskDefinition": "t"}, "Next": "Ask"},
        "Ask": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish.waitForTaskToken", "Parameters": {"TopicArn": "t", "Message.$": "$$.Task.Token"}, "Next": "Eks"},
        "Eks": {"Type": "Task", "Resource": "arn:aws:states:::eks:runJob.sync", "Parameters": {"ClusterName": "c", "CertificateAuthority": "a", "Endpoint": "https://e", "Job": {}}, "Next": "Scan"},
        "Scan": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:dynamodb:scan", "Parameters": {"TableName": "t"}, "End": true}}}"#;
    let config = r#"
        [job_definitions.a]
        command = ["a"]
        [job_definitions.b]
        image = "b"
        [job_definitions.c]
        image = "c"
        runner = "kubernetes"
        [approvals]
        base_url = "http://127.0.0.1:8083"
        targets = ["arn:aws:sns:*:*:approvals"]
        webhook = { url = "http://127.0.0.1:9000" }
        [[routes]]
        resource = "aws-sdk:dynamodb:*"
        container = { image = "scan:1" }
    "#;
    Folder::with(&[("a.asl.json", machine), ("stepwell.toml", config)])
        .check(&["routes", "a.asl.json"], &expect![[r#"
            exit status: 0
            ----- stdout -----
            a.asl.json
              Batch
                arn:aws:states:::batch:submitJob.sync
                -> the one of a (process), b (container), c (Kubernetes) that its parameters name; else nowhere: no endpoint (AWS_ENDPOINT_URL_BATCH, AWS_ENDPOINT_URL), no AWS credentials, no route
              Ecs
                arn:aws:states:::ecs:runTask.sync
                -> nowhere: no endpoint (AWS_ENDPOINT_URL_ECS, AWS_ENDPOINT_URL), no AWS credentials, no route, nothing in [task_definitions]
              Ask
                arn:aws:states:::sns:publish.waitForTaskToken
                -> people, if it names one of arn:aws:sns:*:*:approvals ([approvals]); else nowhere: no endpoint (AWS_ENDPOINT_URL_SNS, AWS_ENDPOINT_URL), no AWS credentials, no route
              Eks
                arn:aws:states:::eks:runJob.sync
                -> the Kubernetes cluster at the Endpoint in its parameters
              Scan
                arn:aws:states:::aws-sdk:dynamodb:scan
                -> container of image scan:1 (route 'aws-sdk:dynamodb:*')
        "#]]);
}
