"""Functions declared in the configuration run as local processes."""

import json
import time

from stepwell_server import check_history, function_arn, history, wait_for_end


def run(client, create, definition, machine_input):
    machine = create(definition)
    started = client.start_execution(stateMachineArn=machine, input=json.dumps(machine_input))
    description = wait_for_end(client, started["executionArn"])
    events = history(client, started["executionArn"])
    check_history(events, description["status"])
    return description, events


def task(resource, **members):
    members = {"Type": "Task", "Resource": resource, **members}
    if "Next" not in members:
        members["End"] = True
    return members


def invoke(name, **members):
    return task(
        "arn:aws:states:::lambda:invoke",
        Parameters={"FunctionName": name, "Payload.$": "$"},
        **members,
    )


def test_plain_arn(client, create):
    definition = {"StartAt": "D", "States": {"D": task(function_arn("double"))}}
    description, events = run(client, create, definition, {"value": 4})
    assert json.loads(description["output"]) == {"value": 8}
    assert [event["type"] for event in events][2:5] == [
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionSucceeded",
    ]


def test_invoke(client, create):
    definition = {"StartAt": "D", "States": {"D": invoke("double", OutputPath="$.Payload")}}
    description, _ = run(client, create, definition, {"value": 5})
    assert json.loads(description["output"]) == {"value": 10}


def test_retry_and_catch(client, create, new_name):
    retry = [{"ErrorEquals": ["TooEarly"], "IntervalSeconds": 1, "MaxAttempts": 2}]
    definition = {"StartAt": "F", "States": {"F": task(function_arn("fail_once"), Retry=retry)}}
    description, events = run(client, create, definition, {"key": new_name("retry")})
    assert json.loads(description["output"])["attempts"] == 2
    assert [event["type"] for event in events].count("LambdaFunctionFailed") == 1

    definition = {
        "StartAt": "R",
        "States": {
            "R": task(
                function_arn("refuse"),
                Catch=[{"ErrorEquals": ["ValueError"], "Next": "C", "ResultPath": "$.error"}],
                Next="C",
            ),
            "C": {"Type": "Pass", "End": True},
        },
    }
    description, _ = run(client, create, definition, {"why": "I say so"})
    error = json.loads(description["output"])["error"]
    assert error["Error"] == "ValueError"
    cause = json.loads(error["Cause"])
    assert cause["errorMessage"] == "no: I say so"
    assert cause["errorType"] == "ValueError"


def test_parallel_and_map(client, create):
    def double(name):
        return {"StartAt": name, "States": {name: task(function_arn("double"))}}

    echo = {"StartAt": "E", "States": {"E": task(function_arn("echo"))}}
    definition = {
        "StartAt": "P",
        "States": {
            "P": {"Type": "Parallel", "Branches": [double("D1"), echo], "Next": "M"},
            "M": {"Type": "Map", "ItemProcessor": double("D2"), "MaxConcurrency": 2, "End": True},
        },
    }
    description, _ = run(client, create, definition, {"value": 1})
    assert json.loads(description["output"]) == [{"value": 4}, {"value": 2}]


def test_callback(server, client, create, new_name):
    key = new_name("callback")
    definition = {
        "StartAt": "C",
        "States": {
            "C": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                "Parameters": {
                    "FunctionName": "keep_token",
                    "Payload": {"key": key, "token.$": "$$.Task.Token"},
                },
                "End": True,
            }
        },
    }
    machine = create(definition)
    execution = client.start_execution(stateMachineArn=machine)["executionArn"]
    end = time.monotonic() + 30
    while not (tokens := list((server.markers / "tokens").glob(f"{key}-*[!w]"))):
        assert time.monotonic() < end, "the function was not called"
        time.sleep(0.02)
    token = tokens[0].read_text()
    client.send_task_heartbeat(taskToken=token)
    client.send_task_success(taskToken=token, output='{"approved": true}')
    description = wait_for_end(client, execution)
    assert json.loads(description["output"]) == {"approved": True}
    check_history(history(client, execution), "SUCCEEDED")


def test_timeout(client, create):
    definition = {"StartAt": "S", "States": {"S": task(function_arn("slow"), TimeoutSeconds=1)}}
    description, events = run(client, create, definition, {"seconds": 20})
    assert description["status"] == "FAILED"
    assert description["error"] == "States.Timeout"
    assert "LambdaFunctionTimedOut" in [event["type"] for event in events]
