"""Optimized integrations against moto: SQS, SNS, DynamoDB, EventBridge, end to end."""

import itertools
import json
import os
import re
import subprocess
import sys

import boto3
import pytest

from stepwell_server import ACCOUNT, REGION, ROLE, Server, wait_for_end

NUMBERS = itertools.count(1)
SERVICES = ["SQS", "SNS", "DYNAMODB", "EVENTBRIDGE"]


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    """The address of a server that stands in for AWS's services."""
    log = tmp_path_factory.mktemp("moto") / "moto.log"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", "from moto.server import main; main(['-p', '0'])"],
        stdout=log.open("wb"),
        stderr=subprocess.STDOUT,
        env={**os.environ, "MOTO_ACCOUNT_ID": ACCOUNT},
    )
    found = None
    while found is None:
        assert process.poll() is None, log.read_text()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())
    yield f"http://127.0.0.1:{found[1]}"
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def aws(moto):
    def client(service):
        return boto3.client(
            service,
            endpoint_url=moto,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    return client


@pytest.fixture(scope="module")
def stepwell(tmp_path_factory, moto):
    server = Server(tmp_path_factory.mktemp("services"))
    variables = {f"AWS_ENDPOINT_URL_{service}": moto for service in SERVICES}
    kept = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    server.start()
    for name, value in kept.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
    yield server.client()
    assert server.stop() == 0


@pytest.fixture
def start(stepwell, request):
    """Starts an execution of these states, which are tasks, one after the other."""

    def start(*tasks, machine_input=None):
        states = {}
        for number, (resource, parameters) in enumerate(tasks):
            state = {
                "Type": "Task",
                "Resource": f"arn:aws:states:::{resource}",
                "Parameters": parameters,
                "ResultPath": f"$.t{number}",
            }
            state |= {"Next": f"T{number + 1}"} if number + 1 < len(tasks) else {"End": True}
            states[f"T{number}"] = state
        machine = stepwell.create_state_machine(
            name=f"{request.node.name}-{next(NUMBERS)}",
            definition=json.dumps({"StartAt": "T0", "States": states}),
            roleArn=ROLE,
        )["stateMachineArn"]
        return stepwell.start_execution(
            stateMachineArn=machine, input=json.dumps(machine_input or {})
        )["executionArn"]

    return start


def receive(sqs, queue):
    for _ in range(20):
        answer = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)
        if answer.get("Messages"):
            message = answer["Messages"][0]
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            return json.loads(message["Body"])
    raise AssertionError("no message came")


@pytest.fixture
def queue(aws, request):
    name = re.sub(r"\W", "-", request.node.name)
    return aws("sqs").create_queue(QueueName=name)["QueueUrl"]


def test_sqs(aws, stepwell, start, queue):
    execution = start(
        ("sqs:sendMessage", {"QueueUrl": queue, "MessageBody": {"n.$": "$.n"}}),
        machine_input={"n": 1},
    )
    description = wait_for_end(stepwell, execution)
    result = json.loads(description["output"])["t0"]
    assert result["MessageId"] and result["MD5OfMessageBody"]
    assert result["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert receive(aws("sqs"), queue) == {"n": 1}


def test_callback(aws, stepwell, start, queue):
    execution = start(
        (
            "sqs:sendMessage.waitForTaskToken",
            {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token", "x": 1}},
        )
    )
    message = receive(aws("sqs"), queue)
    stepwell.send_task_heartbeat(taskToken=message["token"])
    stepwell.send_task_success(taskToken=message["token"], output='{"done": true}')
    description = wait_for_end(stepwell, execution)
    assert json.loads(description["output"]) == {"t0": {"done": True}}
    events = stepwell.get_execution_history(executionArn=execution)["events"]
    submitted = [event for event in events if event["type"] == "TaskSubmitted"]
    assert json.loads(submitted[0]["taskSubmittedEventDetails"]["output"])["MessageId"]


def test_missing_queue(aws, stepwell, start, queue):
    execution = start(("sqs:sendMessage", {"QueueUrl": queue + "-no", "MessageBody": "x"}))
    description = wait_for_end(stepwell, execution)
    assert description["error"] == "SQS.QueueDoesNotExistException"
    assert "(Service: AmazonSQS; Status Code: 400; Error Code: " in description["cause"]


def test_sns(aws, stepwell, start, queue):
    topic = aws("sns").create_topic(Name="news")["TopicArn"]
    queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue.rsplit('/', 1)[1]}"
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    execution = start(
        ("sns:publish", {"TopicArn": topic, "Subject": "s", "Message": {"a": [1]}}),
    )
    assert wait_for_end(stepwell, execution)["status"] == "SUCCEEDED"
    message = receive(aws("sqs"), queue)
    assert (message["Subject"], json.loads(message["Message"])) == ("s", {"a": [1]})
    execution = start(("sns:publish", {"TopicArn": topic + "-no", "Message": "x"}))
    assert wait_for_end(stepwell, execution)["error"] == "SNS.NotFoundException"


def test_dynamodb(aws, stepwell, start):
    aws("dynamodb").create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    key = {"TableName": "orders", "Key": {"id": {"S": "1"}}}
    item = {"id": {"S": "1"}, "open": {"BOOL": True}, "tags": {"SS": ["a"]}, "n": {"N": "1"}}
    execution = start(
        ("dynamodb:putItem", {"TableName": "orders", "Item": item}),
        (
            "dynamodb:updateItem",
            key
            | {
                "UpdateExpression": "SET n = n + :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}},
                "ReturnValues": "UPDATED_NEW",
            },
        ),
        ("dynamodb:getItem", key),
        ("dynamodb:deleteItem", key),
    )
    output = json.loads(wait_for_end(stepwell, execution)["output"])
    assert output["t1"]["Attributes"] == {"n": {"N": "2"}}
    assert output["t2"]["Item"] == {
        "id": {"S": "1"},
        "open": {"Bool": True},
        "tags": {"Ss": ["a"]},
        "n": {"N": "2"},
    }
    assert "Item" not in aws("dynamodb").get_item(**key)
    condition = {"TableName": "orders", "Item": item, "ConditionExpression": "attribute_exists(id)"}
    execution = start(("dynamodb:putItem", condition))
    description = wait_for_end(stepwell, execution)
    assert description["error"] == "DynamoDB.ConditionalCheckFailedException"


def test_event_bridge(aws, stepwell, start, queue):
    queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue.rsplit('/', 1)[1]}"
    events = aws("events")
    events.put_rule(Name="ours", EventPattern=json.dumps({"source": ["stepwell.test"]}))
    events.put_targets(Rule="ours", Targets=[{"Id": "q", "Arn": queue_arn}])
    entry = {"Detail": {"a": 1}, "DetailType": "T", "Source": "stepwell.test", "Resources": ["r"]}
    execution = start(("events:putEvents", {"Entries": [entry]}))
    output = json.loads(wait_for_end(stepwell, execution)["output"])
    assert output["t0"]["FailedEntryCount"] == 0 and output["t0"]["Entries"][0]["EventId"]
    event = receive(aws("sqs"), queue)
    machine = execution.replace(":execution:", ":stateMachine:").rsplit(":", 1)[0]
    assert event["detail"] == {"a": 1}
    assert event["resources"] == ["r", execution, machine]
    execution = start(("events:putEvents", {"Entries": [{"Detail": {}, "DetailType": "T"}]}))
    description = wait_for_end(stepwell, execution)
    assert description["error"] == "EventBridge.FailedEntry"
    assert json.loads(description["cause"])["FailedEntryCount"] == 1
