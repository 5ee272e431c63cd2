"""Every operation, through boto3, with what it answers and how it refuses."""

import datetime
import json
import threading

import pytest

from stepwell_server import ACCOUNT, REGION, ROLE, arn, check_history, history, wait_for_end

PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": {"done": True}, "End": True}}}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}


def refused(client, code, call, **members):
    with pytest.raises(client.exceptions.ClientError) as error:
        call(**members)
    assert error.value.response["Error"]["Code"] == code, error.value
    return error.value.response["Error"]["Message"]


def test_state_machines(client, new_name):
    name = new_name()
    created = client.create_state_machine(name=name, definition=json.dumps(PASS), roleArn=ROLE)
    machine = created["stateMachineArn"]
    assert machine == f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"
    assert isinstance(created["creationDate"], datetime.datetime)

    again = client.create_state_machine(name=name, definition=json.dumps(PASS), roleArn=ROLE)
    assert again["creationDate"] == created["creationDate"]
    refused(
        client,
        "StateMachineAlreadyExists",
        client.create_state_machine,
        name=name,
        definition=json.dumps(WAIT),
        roleArn=ROLE,
    )

    described = client.describe_state_machine(stateMachineArn=machine)
    assert described["status"] == "ACTIVE"
    assert described["type"] == "STANDARD"
    assert json.loads(described["definition"]) == PASS
    assert described["roleArn"] == ROLE
    assert described["loggingConfiguration"] == {"level": "OFF", "includeExecutionData": False}

    updated = client.update_state_machine(stateMachineArn=machine, definition=json.dumps(WAIT))
    described = client.describe_state_machine(stateMachineArn=machine)
    assert described["revisionId"] == updated["revisionId"]
    assert json.loads(described["definition"]) == WAIT

    pages = client.get_paginator("list_state_machines").paginate(
        PaginationConfig={"PageSize": 3}
    )
    assert name in [item["name"] for page in pages for item in page["stateMachines"]]

    client.delete_state_machine(stateMachineArn=machine)
    client.delete_state_machine(stateMachineArn=machine)
    message = refused(
        client,
        "StateMachineDoesNotExist",
        client.describe_state_machine,
        stateMachineArn=machine,
    )
    assert message == f"State Machine Does Not Exist: '{machine}'"


def test_refused_definitions(client, new_name):
    def message(definition):
        return refused(
            client,
            "InvalidDefinition",
            client.create_state_machine,
            name=new_name(),
            definition=definition,
            roleArn=ROLE,
        )

    assert "INVALID_JSON_DESCRIPTION" in message("{")
    assert "SCHEMA_VALIDATION_FAILED" in message("{}")
    assert "MISSING_TRANSITION_TARGET" in message(
        '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}'
    )


def test_refused_requests(client, create):
    machine = create(PASS)
    start = client.start_execution
    refused(client, "InvalidArn", start, stateMachineArn="no-arn")
    refused(client, "StateMachineDoesNotExist", start, stateMachineArn=arn("stateMachine", "none"))
    refused(client, "InvalidExecutionInput", start, stateMachineArn=machine, input="{")
    refused(client, "InvalidName", start, stateMachineArn=machine, name="a b")
    refused(client, "ValidationException", start, stateMachineArn=machine, name="a" * 81)
    refused(client, "ValidationException", start, stateMachineArn=machine, input='"' + "a" * 300_000 + '"')
    nothing = arn("execution", "none:none")
    refused(client, "ExecutionDoesNotExist", client.describe_execution, executionArn=nothing)
    refused(client, "ExecutionDoesNotExist", client.get_execution_history, executionArn=nothing)
    refused(client, "ExecutionDoesNotExist", client.stop_execution, executionArn=nothing)
    refused(client, "InvalidToken", client.send_task_success, taskToken="x", output="{}")
    refused(client, "InvalidToken", client.send_task_failure, taskToken="x")
    refused(client, "InvalidToken", client.send_task_heartbeat, taskToken="x")
    refused(
        client, "InvalidToken", client.list_state_machines, nextToken="not-one-of-ours"
    )
    refused(
        client,
        "ActivityDoesNotExist",
        client.get_activity_task,
        activityArn=arn("activity", "none"),
    )


def test_executions(client, create):
    machine = create(PASS)
    started = client.start_execution(stateMachineArn=machine, name="one", input='{"a": 1}')
    execution = started["executionArn"]
    assert execution == machine.replace(":stateMachine:", ":execution:") + ":one"

    again = client.start_execution(stateMachineArn=machine, name="two")
    description = wait_for_end(client, execution)
    wait_for_end(client, again["executionArn"])
    assert description["status"] == "SUCCEEDED"
    assert description["name"] == "one"
    assert json.loads(description["input"]) == {"a": 1}
    assert json.loads(description["output"]) == {"done": True}
    assert description["startDate"] == started["startDate"]
    assert description["stopDate"] >= description["startDate"]
    assert description["stateMachineArn"] == machine

    refused(
        client,
        "ExecutionAlreadyExists",
        client.start_execution,
        stateMachineArn=machine,
        name="one",
        input='{"a": 1}',
    )

    events = history(client, execution)
    check_history(events, "SUCCEEDED")
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    backwards = client.get_execution_history(executionArn=execution, reverseOrder=True)["events"]
    assert backwards == events[::-1]
    first = client.get_execution_history(executionArn=execution, maxResults=3)
    second = client.get_execution_history(
        executionArn=execution, maxResults=3, nextToken=first["nextToken"]
    )
    assert first["events"] + second["events"] == events
    assert "nextToken" not in second
    bare = client.get_execution_history(executionArn=execution, includeExecutionData=False)
    assert "input" not in bare["events"][0]["executionStartedEventDetails"]

    machine_then = client.describe_state_machine_for_execution(executionArn=execution)
    assert json.loads(machine_then["definition"]) == PASS


def test_start_is_idempotent_while_it_runs(client, create):
    machine = create(WAIT)
    first = client.start_execution(stateMachineArn=machine, name="same", input="{}")
    second = client.start_execution(stateMachineArn=machine, name="same", input="{}")
    assert first["executionArn"] == second["executionArn"]
    assert first["startDate"] == second["startDate"]
    refused(
        client,
        "ExecutionAlreadyExists",
        client.start_execution,
        stateMachineArn=machine,
        name="same",
        input='{"other": 1}',
    )
    stopped = client.stop_execution(executionArn=first["executionArn"], error="E", cause="because")
    description = wait_for_end(client, first["executionArn"])
    assert description["status"] == "ABORTED"
    assert (description["error"], description["cause"]) == ("E", "because")
    assert description["stopDate"] == stopped["stopDate"]
    check_history(history(client, first["executionArn"]), "ABORTED")


def test_lists_of_executions(client, create):
    machine = create(PASS)
    arns = [client.start_execution(stateMachineArn=machine)["executionArn"] for _ in range(7)]
    for execution in arns:
        wait_for_end(client, execution)
    pages = list(
        client.get_paginator("list_executions").paginate(
            stateMachineArn=machine, PaginationConfig={"PageSize": 3}
        )
    )
    assert [len(page["executions"]) for page in pages] == [3, 3, 1]
    listed = [item["executionArn"] for page in pages for item in page["executions"]]
    assert sorted(listed) == sorted(arns)
    running = client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")
    assert running["executions"] == []
    succeeded = client.list_executions(stateMachineArn=machine, statusFilter="SUCCEEDED")
    assert len(succeeded["executions"]) == 7


def test_express_machines_answer_at_once(client, create):
    machine = create(PASS, kind="EXPRESS")
    answer = client.start_sync_execution(stateMachineArn=machine, name="now", input='{"a": 1}')
    assert answer["status"] == "SUCCEEDED"
    assert json.loads(answer["output"]) == {"done": True}
    assert answer["executionArn"].startswith(machine.replace(":stateMachine:", ":express:"))
    assert "billingDetails" in answer
    client.start_execution(stateMachineArn=machine)
    refused(
        client,
        "StateMachineTypeNotSupported",
        client.start_sync_execution,
        stateMachineArn=create(PASS),
    )
    failing = create(
        {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E", "Cause": "C"}}},
        kind="EXPRESS",
    )
    answer = client.start_sync_execution(stateMachineArn=failing)
    assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "E", "C")


def test_tags(client, create):
    machine = create(PASS, tags=[{"key": "a", "value": "1"}])
    client.tag_resource(
        resourceArn=machine, tags=[{"key": "a", "value": "2"}, {"key": "b", "value": "3"}]
    )
    tags = client.list_tags_for_resource(resourceArn=machine)["tags"]
    assert {tag["key"]: tag["value"] for tag in tags} == {"a": "2", "b": "3"}
    client.untag_resource(resourceArn=machine, tagKeys=["a", "none"])
    tags = client.list_tags_for_resource(resourceArn=machine)["tags"]
    assert tags == [{"key": "b", "value": "3"}]
    refused(
        client,
        "ResourceNotFound",
        client.list_tags_for_resource,
        resourceArn=arn("stateMachine", "none"),
    )


def test_activities(client, create, new_name):
    name = new_name("activity")
    activity = client.create_activity(name=name)["activityArn"]
    assert activity == arn("activity", name)
    assert client.create_activity(name=name)["activityArn"] == activity
    assert client.describe_activity(activityArn=activity)["name"] == name
    pages = client.get_paginator("list_activities").paginate(PaginationConfig={"PageSize": 1})
    assert activity in [item["activityArn"] for page in pages for item in page["activities"]]

    machine = create(
        {
            "StartAt": "A",
            "States": {
                "A": {
                    "Type": "Task",
                    "Resource": activity,
                    "HeartbeatSeconds": 60,
                    "Retry": [{"ErrorEquals": ["Again"], "IntervalSeconds": 1, "MaxAttempts": 1}],
                    "End": True,
                }
            },
        }
    )
    execution = client.start_execution(stateMachineArn=machine, input='{"n": 7}')["executionArn"]
    task = client.get_activity_task(activityArn=activity, workerName="worker")
    assert json.loads(task["input"]) == {"n": 7}
    client.send_task_heartbeat(taskToken=task["taskToken"])
    client.send_task_failure(taskToken=task["taskToken"], error="Again", cause="first time")
    refused(client, "TaskTimedOut", client.send_task_heartbeat, taskToken=task["taskToken"])
    second = client.get_activity_task(activityArn=activity)
    assert second["taskToken"] != task["taskToken"]
    client.send_task_success(taskToken=second["taskToken"], output='{"ok": true}')
    description = wait_for_end(client, execution)
    assert json.loads(description["output"]) == {"ok": True}
    refused(
        client,
        "TaskTimedOut",
        client.send_task_success,
        taskToken=second["taskToken"],
        output="{}",
    )
    events = history(client, execution)
    check_history(events, "SUCCEEDED")
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "ActivityScheduled",
        "ActivityStarted",
        "ActivityFailed",
        "ActivityScheduled",
        "ActivityStarted",
        "ActivitySucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    client.delete_activity(activityArn=activity)
    client.delete_activity(activityArn=activity)
    refused(client, "ActivityDoesNotExist", client.describe_activity, activityArn=activity)


def test_a_worker_that_polls_first_gets_the_task(server, client, create, new_name):
    activity = client.create_activity(name=new_name("activity"))["activityArn"]
    task = {"Type": "Task", "Resource": activity, "End": True}
    machine = create({"StartAt": "A", "States": {"A": task}})
    got = []

    def work():
        worker = server.client(read_timeout=70)
        answer = worker.get_activity_task(activityArn=activity, workerName="w")
        got.append(answer)
        worker.send_task_success(taskToken=answer["taskToken"], output=answer["input"])

    worker = threading.Thread(target=work)
    worker.start()
    execution = client.start_execution(stateMachineArn=machine, input='{"n": 1}')["executionArn"]
    description = wait_for_end(client, execution)
    worker.join()
    assert len(got) == 1
    assert json.loads(description["output"]) == {"n": 1}


def test_redrive(client, create, new_name):
    name = new_name()
    activity = client.create_activity(name=name)["activityArn"]
    branch = {"StartAt": "Work", "States": {"Work": {"Type": "Task", "Resource": activity, "End": True}}}
    kept = {"StartAt": "Kept", "States": {"Kept": {"Type": "Pass", "Result": "kept", "End": True}}}
    both = {"Type": "Parallel", "Branches": [kept, branch], "End": True}
    machine = create({"StartAt": "Both", "States": {"Both": both}})
    execution = client.start_execution(stateMachineArn=machine)["executionArn"]

    task = client.get_activity_task(activityArn=activity)
    message = refused(
        client, "ExecutionNotRedrivable", client.redrive_execution, executionArn=execution
    )
    assert message == (
        f"Execution {execution} invalid for redrive as: "
        "Execution is RUNNING and cannot be redriven"
    )
    client.send_task_failure(taskToken=task["taskToken"], error="Boom")
    described = wait_for_end(client, execution)
    assert (described["status"], described["redriveStatus"]) == ("FAILED", "REDRIVABLE")
    assert described["redriveCount"] == 0
    assert "redriveDate" not in described

    redriven = client.redrive_execution(executionArn=execution, clientToken="one")
    again = client.redrive_execution(executionArn=execution, clientToken="one")
    assert again["redriveDate"] == redriven["redriveDate"]
    described = client.describe_execution(executionArn=execution)
    assert described["status"] == "RUNNING"
    assert described["redriveDate"] == redriven["redriveDate"]
    assert "stopDate" not in described and "error" not in described
    refused(
        client,
        "TaskTimedOut",
        client.send_task_success,
        taskToken=task["taskToken"],
        output="1",
    )
    task = client.get_activity_task(activityArn=activity)
    client.send_task_success(taskToken=task["taskToken"], output='"fixed"')
    described = wait_for_end(client, execution)
    assert json.loads(described["output"]) == ["kept", "fixed"]
    assert described["redriveCount"] == 1
    assert described["redriveStatusReason"] == "Execution is SUCCEEDED and cannot be redriven"
    events = history(client, execution)
    types = [event["type"] for event in events]
    assert types.count("ParallelStateStarted") == 1
    assert types.count("ActivityScheduled") == 2
    at = types.index("ExecutionRedriven")
    assert types[at - 1] == "ExecutionFailed"
    assert events[at]["executionRedrivenEventDetails"] == {"redriveCount": 1}
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    [listed] = client.list_executions(stateMachineArn=machine)["executions"]
    assert (listed["redriveCount"], listed["redriveDate"]) == (1, redriven["redriveDate"])

    refused(
        client,
        "ExecutionDoesNotExist",
        client.redrive_execution,
        executionArn=execution.replace(execution.rsplit(":", 1)[1], "nobody"),
    )
    refused(client, "InvalidArn", client.redrive_execution, executionArn="nonsense")
    refused(
        client,
        "ValidationException",
        client.redrive_execution,
        executionArn=execution,
        clientToken="two words",
    )
