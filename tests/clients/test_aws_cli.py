"""The ordinary AWS CLI, command by command."""

import json

from stepwell_server import ROLE, arn

PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": {"done": True}, "End": True}}}


def test_a_life_of_a_machine(server, new_name):
    name = new_name("cli")
    aws = server.aws
    status, created, errors = aws(
        *["create-state-machine", "--name", name, "--definition", json.dumps(PASS)],
        *["--role-arn", ROLE, "--tags", "key=team,value=tests"],
    )
    assert status == 0, errors
    machine = created["stateMachineArn"]
    status, described, _ = aws("describe-state-machine", "--state-machine-arn", machine)
    assert (status, described["status"]) == (0, "ACTIVE")
    status, tags, _ = aws("list-tags-for-resource", "--resource-arn", machine)
    assert tags == {"tags": [{"key": "team", "value": "tests"}]}

    status, started, errors = aws(
        *["start-execution", "--state-machine-arn", machine, "--input", '{"a": 1}']
    )
    assert status == 0, errors
    execution = started["executionArn"]
    while True:
        status, described, _ = aws("describe-execution", "--execution-arn", execution)
        if described["status"] != "RUNNING":
            break
    assert described["status"] == "SUCCEEDED"
    status, history, _ = aws("get-execution-history", "--execution-arn", execution)
    assert [event["type"] for event in history["events"]][-1] == "ExecutionSucceeded"
    status, listed, _ = aws("list-executions", "--state-machine-arn", machine, "--page-size", "1")
    assert [item["executionArn"] for item in listed["executions"]] == [execution]
    status, listed, _ = aws("list-state-machines", "--page-size", "2")
    assert machine in [item["stateMachineArn"] for item in listed["stateMachines"]]

    status, _, errors = aws("delete-state-machine", "--state-machine-arn", machine)
    assert status == 0, errors
    status, _, errors = aws("describe-state-machine", "--state-machine-arn", machine)
    assert status in (254, 255)  # the second and the first version of the CLI
    assert "(StateMachineDoesNotExist) when calling the DescribeStateMachine operation" in errors


def test_redrive(server, new_name):
    definition = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Mine"}}}
    _, created, errors = server.aws(
        *["create-state-machine", "--name", new_name("cli"), "--role-arn", ROLE],
        *["--definition", json.dumps(definition)],
    )
    machine = created["stateMachineArn"]
    _, started, errors = server.aws("start-execution", "--state-machine-arn", machine)
    execution = started["executionArn"]
    while True:
        _, described, _ = server.aws("describe-execution", "--execution-arn", execution)
        if described["status"] != "RUNNING":
            break
    status, redriven, errors = server.aws("redrive-execution", "--execution-arn", execution)
    assert status == 0, errors
    assert list(redriven) == ["redriveDate"]
    while True:
        _, described, _ = server.aws("describe-execution", "--execution-arn", execution)
        if described["status"] != "RUNNING":
            break
    assert described["redriveCount"] == 1
    _, history, _ = server.aws("get-execution-history", "--execution-arn", execution)
    assert [event["type"] for event in history["events"]] == [
        "ExecutionStarted",
        "FailStateEntered",
        "ExecutionFailed",
        "ExecutionRedriven",
        "ExecutionFailed",
    ]


def test_sync_execution(server, new_name):
    _, created, errors = server.aws(
        *["create-state-machine", "--name", new_name("cli"), "--definition", json.dumps(PASS)],
        *["--role-arn", ROLE, "--type", "EXPRESS"],
    )
    status, answer, errors = server.aws(
        "start-sync-execution", "--state-machine-arn", created["stateMachineArn"]
    )
    assert status == 0, errors
    assert answer["status"] == "SUCCEEDED"


def test_an_activity_worker_of_two_commands(server, client, create, new_name):
    activity = client.create_activity(name=new_name("cli"))["activityArn"]
    machine = create(
        {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": activity, "End": True}}}
    )
    execution = client.start_execution(stateMachineArn=machine, input="[1]")["executionArn"]
    status, task, errors = server.aws("get-activity-task", "--activity-arn", activity)
    assert status == 0, errors
    assert task["input"] == "[1]"
    status, _, errors = server.aws(
        "send-task-success", "--task-token", task["taskToken"], "--task-output", "[2]"
    )
    assert status == 0, errors
    _, described, _ = server.aws("describe-execution", "--execution-arn", execution)
    assert (described["status"], described["output"]) == ("SUCCEEDED", "[2]")


def test_errors(server):
    status, _, errors = server.aws("stop-execution", "--execution-arn", arn("execution", "a:b"))
    assert status in (254, 255)  # the second and the first version of the CLI
    assert "(ExecutionDoesNotExist)" in errors
    status, _, errors = server.aws("send-task-heartbeat", "--task-token", "none")
    assert status in (254, 255)  # the second and the first version of the CLI
    assert "(InvalidToken)" in errors
