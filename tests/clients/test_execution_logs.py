"""Execution logs that go to CloudWatch Logs; moto's server stands in for it."""

import json
import re
import urllib.request

import boto3
import pytest

from stepwell_server import ACCOUNT, REGION, ROLE, Server, wait_for_end

FAILS = json.dumps(
    {
        "StartAt": "P",
        "States": {
            "P": {"Type": "Pass", "Next": "F"},
            "F": {"Type": "Fail", "Error": "E", "Cause": "C"},
        },
    }
)


@pytest.fixture
def logs(moto):
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client("logs", endpoint_url=moto, region_name=REGION, **keys)


@pytest.fixture
def server(tmp_path, moto):
    server = Server(tmp_path)
    server.config.write_text(
        '[execution_logs]\noutput = "none"\ncloudwatch_logs = true\n'
        f'[[routes]]\nresource = "aws-sdk:cloudwatchlogs:*"\nendpoint = "{moto}"\n'
    )
    return server.start()


@pytest.fixture
def group(request):
    """The name of a log group that no other test has: moto keeps them for the whole process."""
    return f"/aws/vendedlogs/states/{request.node.name}"


def create(client, name, level, with_data, group, kind="STANDARD"):
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*"
    return client.create_state_machine(
        name=name,
        definition=FAILS,
        roleArn=ROLE,
        type=kind,
        loggingConfiguration={
            "level": level,
            "includeExecutionData": with_data,
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}],
        },
    )["stateMachineArn"]


def metric(server, name):
    with urllib.request.urlopen(f"{server.url}/metrics") as answer:
        return int(re.search(rf"^{name} (\d+)$", answer.read().decode(), re.MULTILINE)[1])


def streams(logs, group):
    """By log stream, the messages and their moments."""
    found = {}
    for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
        name = stream["logStreamName"]
        events = logs.get_log_events(
            logGroupName=group, logStreamName=name, startFromHead=True, limit=1000
        )["events"]
        found[name] = [(event["timestamp"], json.loads(event["message"])) for event in events]
    return found


def test_records_arrive_by_level_in_a_log_stream_for_each_machine(server, logs, group):
    logs.create_log_group(logGroupName=group)
    client = server.client()
    every = create(client, "every", "ALL", True, group)
    fatal = create(client, "fatal", "FATAL", False, group, "EXPRESS")
    off = create(client, "off", "OFF", True, group)
    started = client.start_execution(stateMachineArn=every, input='{"a": 1}')["executionArn"]
    assert wait_for_end(client, started)["status"] == "FAILED"
    assert client.start_sync_execution(stateMachineArn=fatal)["status"] == "FAILED"
    wait_for_end(client, client.start_execution(stateMachineArn=off)["executionArn"])
    # What is under way is sent before the end.
    assert server.stop() == 0

    found = streams(logs, group)
    names = sorted(found)
    assert len(names) == 2
    for name, machine in zip(names, ("every", "fatal")):
        pattern = rf"states/{machine}/\d{{4}}-\d\d-\d\d-\d\d-\d\d/[0-9a-f]{{8}}"
        assert re.fullmatch(pattern, name), name
    records = [record for _, record in found[names[0]]]
    assert [record["type"] for record in records] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "FailStateEntered",
        "ExecutionFailed",
    ]
    assert {record["execution_arn"] for record in records} == {started}
    assert records[0]["details"]["input"] == '{"a": 1}'
    assert all(str(at) == record["event_timestamp"] for at, record in found[names[0]])
    ((_, record),) = found[names[1]]
    assert record["type"] == "ExecutionFailed"
    assert record["details"] == {"error": "E", "cause": "C"}


def test_executions_do_not_wait_for_a_log_group_that_is_not_there(server, logs, group):
    client = server.client()
    machine = create(client, "early", "ALL", False, group)
    for _ in range(20):
        wait_for_end(client, client.start_execution(stateMachineArn=machine)["executionArn"])
    while metric(server, "stepwell_log_records_waiting") < 100:
        pass
    assert metric(server, "stepwell_log_records_delivered_total") == 0
    # Somebody creates it, and nothing is lost.
    logs.create_log_group(logGroupName=group)
    while metric(server, "stepwell_log_records_delivered_total") < 100:
        pass
    assert metric(server, "stepwell_log_records_dropped_total") == 0
    assert sum(map(len, streams(logs, group).values())) == 100
    assert server.stop() == 0
