"""Tasks call AWS's services; moto's server stands in for them, and boto3 sets them up."""

import json

import boto3
import pytest

from stepwell_server import REGION, ROLE, Server, wait_for_end


@pytest.fixture(scope="module")
def stepwell(moto, tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("services"))
    services = ["aws-sdk:*", "sqs:*", "sns:*", "dynamodb:*", "events:*"]
    routes = [f'[[routes]]\nresource = "{one}"\nendpoint = "{moto}"\n' for one in services]
    process = ["python3", "-c", "import json,sys; print(json.dumps({'got': json.load(sys.stdin)}))"]
    routes.insert(0, f'[[routes]]\nresource = "aws-sdk:kms:encrypt"\nprocess = {json.dumps(process)}\n')
    mock = '[[routes]]\nresource = "aws-sdk:kms:decrypt"\nmock = { error = "Kms.Broken", cause = "so" }\n'
    server.config.write_text("".join([mock, *routes]))
    server.start()
    yield server
    assert server.stop() == 0


@pytest.fixture
def service(moto):
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return lambda name: boto3.client(name, endpoint_url=moto, region_name=REGION, **keys)


@pytest.fixture
def run(stepwell, new_name):
    """Runs one task, and answers with its result, or its error and cause."""
    client = stepwell.client()

    def run(resource, parameters, **fields):
        state = {
            "Type": "Task",
            "Resource": f"arn:aws:states:::{resource}",
            "Parameters": parameters,
            "End": True,
            **fields,
        }
        definition = json.dumps({"StartAt": "A", "States": {"A": state}})
        machine = client.create_state_machine(name=new_name(), definition=definition, roleArn=ROLE)
        started = client.start_execution(stateMachineArn=machine["stateMachineArn"])
        ended = wait_for_end(client, started["executionArn"])
        if ended["status"] == "SUCCEEDED":
            return json.loads(ended["output"])
        return ended["error"], ended["cause"]

    return run


def test_dynamodb(service, run):
    service("dynamodb").create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"id": {"S": "1"}, "paid": {"Bool": True}, "tags": {"Ss": ["a", "b"]}, "none": {"Nul": True}}
    assert run("aws-sdk:dynamodb:putItem", {"TableName": "orders", "Item": item}) == {}
    there = service("dynamodb").get_item(TableName="orders", Key={"id": {"S": "1"}})["Item"]
    assert there["paid"] == {"BOOL": True} and sorted(there["tags"]["SS"]) == ["a", "b"]
    answer = run("aws-sdk:dynamodb:getItem", {"TableName": "orders", "Key": {"id": {"S": "1"}}})
    assert answer["Item"]["paid"] == {"Bool": True} and answer["Item"]["none"] == {"Nul": True}
    answer = run(
        "aws-sdk:dynamodb:query",
        {
            "TableName": "orders",
            "KeyConditionExpression": "id = :id",
            "ExpressionAttributeValues": {":id": {"S": "1"}},
        },
    )
    assert answer["Count"] == 1
    again = {"TableName": "orders", "Item": item, "ConditionExpression": "attribute_not_exists(id)"}
    error, cause = run("aws-sdk:dynamodb:putItem", again)
    assert error == "DynamoDb.ConditionalCheckFailedException"
    assert "(Service: DynamoDb, Status Code: 400, Request ID: " in cause
    assert run("dynamodb:getItem", {"TableName": "orders", "Key": {"id": {"S": "1"}}})["Item"]["id"] == {"S": "1"}


def test_s3(service, run):
    service("s3").create_bucket(Bucket="files")
    answer = run("aws-sdk:s3:putObject", {"Bucket": "files", "Key": "a b/ü.json", "Body": {"x": 1}})
    assert answer["ETag"].startswith('"')
    there = service("s3").get_object(Bucket="files", Key="a b/ü.json")["Body"].read()
    assert json.loads(there) == {"x": 1}
    answer = run("aws-sdk:s3:getObject", {"Bucket": "files", "Key": "a b/ü.json"})
    assert json.loads(answer["Body"]) == {"x": 1} and answer["ContentLength"] == len(there)
    answer = run("aws-sdk:s3:listObjectsV2", {"Bucket": "files"})
    assert [one["Key"] for one in answer["Contents"]] == ["a b/ü.json"]
    assert answer["Contents"][0]["LastModified"].endswith("Z")
    copy = {"DestinationBucket": "files", "DestinationKey": "copy", "CopySource": "files/a%20b/%C3%BC.json"}
    assert run("aws-sdk:s3:copyObject", copy)["CopyObjectResult"]["ETag"].startswith('"')
    delete = {"Bucket": "files", "Delete": {"Objects": [{"Key": "copy"}]}}
    assert run("aws-sdk:s3:deleteObjects", delete)["Deleted"][0]["Key"] == "copy"
    assert run("aws-sdk:s3:getBucketLocation", {"Bucket": "files"}) in ({}, {"LocationConstraint": "us-east-1"})
    error, cause = run("aws-sdk:s3:getObject", {"Bucket": "files", "Key": "nothing"})
    assert error == "S3.NoSuchKeyException"
    assert cause.startswith("The specified key does not exist. (Service: S3, Status Code: 404, Request ID: ")
    error, _ = run("aws-sdk:s3:listObjects", {"Bucket": "no-such-bucket"})
    assert error == "S3.NoSuchBucketException"


def test_step_functions(service, run):
    # Those of another server: the route leads there.
    definition = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    create = {"Name": "elsewhere", "RoleArn": ROLE, "Definition": json.dumps(definition)}
    arn = run("aws-sdk:sfn:createStateMachine", create)["StateMachineArn"]
    assert service("stepfunctions").describe_state_machine(stateMachineArn=arn)["name"] == "elsewhere"
    started = run("aws-sdk:sfn:startExecution", {"StateMachineArn": arn, "Input": {"a": 1}})
    assert started["StartDate"].endswith("Z")
    described = run("aws-sdk:sfn:describeExecution", {"ExecutionArn": started["ExecutionArn"]})
    assert described["StateMachineArn"] == arn and json.loads(described["Input"]) == {"a": 1}
    named = {"StateMachineArn": arn, "Input": "{}", "Name": {"a": 1}}
    assert run("aws-sdk:sfn:startExecution", named)[0] == "States.Runtime"
    error, cause = run("aws-sdk:sfn:describeStateMachine", {"StateMachineArn": arn + "x"})
    assert error == "Sfn.StateMachineDoesNotExistException"
    assert "(Service: Sfn, Status Code: 400, Request ID: " in cause


def test_sqs_and_sns(service, run):
    queue = service("sqs").create_queue(QueueName="inbox")["QueueUrl"]
    topic = service("sns").create_topic(Name="news")["TopicArn"]
    queue_arn = "arn:aws:sqs:us-east-1:123456789012:inbox"
    service("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    sent = run("sqs:sendMessage", {"QueueUrl": queue, "MessageBody": {"a": 1}})
    assert sent["SdkHttpMetadata"]["HttpStatusCode"] == 200
    received = run("aws-sdk:sqs:receiveMessage", {"QueueUrl": queue, "AttributeNames": ["All"]})["Messages"][0]
    assert received["MessageId"] == sent["MessageId"] and json.loads(received["Body"]) == {"a": 1}
    assert received["Attributes"]["ApproximateReceiveCount"] == "1"
    run("aws-sdk:sqs:deleteMessage", {"QueueUrl": queue, "ReceiptHandle": received["ReceiptHandle"]})
    attribute = {"kind": {"DataType": "String", "StringValue": "test"}}
    published = run("aws-sdk:sns:publish", {"TopicArn": topic, "Message": "hi", "MessageAttributes": attribute})
    message = service("sqs").receive_message(QueueUrl=queue)["Messages"][0]
    body = json.loads(message["Body"])
    assert body["MessageId"] == published["MessageId"] and body["Message"] == "hi"
    assert body["MessageAttributes"]["kind"]["Value"] == "test"
    assert run("sns:publish", {"TopicArn": topic, "Message": {"b": 2}})["MessageId"]
    error, cause = run("aws-sdk:sqs:getQueueUrl", {"QueueName": "nothing"})
    assert error == "Sqs.QueueDoesNotExistException" and "(Service: Sqs, Status Code: 400" in cause


def test_eventbridge(service, run):
    entry = {"Source": "me", "DetailType": "t", "Detail": {"a": 1}, "EventBusName": "default"}
    answer = run("events:putEvents", {"Entries": [entry]})
    assert answer["FailedEntryCount"] == 0 and answer["Entries"][0]["EventId"]
    rule = {"Name": "every", "ScheduleExpression": "rate(1 day)"}
    assert run("aws-sdk:eventbridge:putRule", rule)["RuleArn"].endswith("rule/every")
    assert service("events").describe_rule(Name="every")["ScheduleExpression"] == "rate(1 day)"


def test_secrets_manager(service, run):
    created = run("aws-sdk:secretsmanager:createSecret", {"Name": "door", "SecretString": "key"})
    assert service("secretsmanager").get_secret_value(SecretId="door")["SecretString"] == "key"
    answer = run("aws-sdk:secretsmanager:getSecretValue", {"SecretId": created["Arn"]})
    assert answer["SecretString"] == "key" and answer["CreatedDate"].endswith("Z")
    error, _ = run("aws-sdk:secretsmanager:getSecretValue", {"SecretId": "window"})
    assert error == "SecretsManager.ResourceNotFoundException"


def test_sts_and_roles(run):
    own = run("aws-sdk:sts:getCallerIdentity", {})
    assert own["Account"] == "123456789012"
    role = "arn:aws:iam::210987654321:role/worker"
    other = run("aws-sdk:sts:getCallerIdentity", {}, Credentials={"RoleArn": role})
    assert other["Arn"] == "arn:aws:sts::210987654321:assumed-role/worker/stepwell"


def test_xml_services(service, run):
    run("aws-sdk:ec2:createVpc", {"CidrBlock": "10.0.0.0/16"})
    answer = run("aws-sdk:ec2:describeVpcs", {"Filters": [{"Name": "cidr", "Values": ["10.0.0.0/16"]}]})
    assert [one["CidrBlock"] for one in answer["Vpcs"]] == ["10.0.0.0/16"]
    policy = {"Version": "2012-10-17", "Statement": []}
    created = run("aws-sdk:iam:createRole", {"RoleName": "r", "AssumeRolePolicyDocument": json.dumps(policy)})
    assert created["Role"]["RoleName"] == "r" and created["Role"]["CreateDate"].endswith("Z")
    assert service("iam").get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"] == policy
    zone = run("aws-sdk:route53:createHostedZone", {"Name": "example.com.", "CallerReference": "1"})
    assert zone["HostedZone"]["Name"] == "example.com."


def test_wrong_parameters(run):
    error, cause = run("aws-sdk:dynamodb:getItem", {"TableName.$": "$$.State.RetryCount", "Key": {}})
    assert error == "States.Runtime"
    assert "could not be used to start the Task: [The value for the field 'TableName' must be a STRING]" in cause


def test_routes_to_local_things(run):
    assert run("aws-sdk:kms:encrypt", {"KeyId": "k", "Plaintext": "p"}) == {
        "got": {"KeyId": "k", "Plaintext": "p"}
    }
    assert run("aws-sdk:kms:decrypt", {"CiphertextBlob": "p"}) == ("Kms.Broken", "so")
