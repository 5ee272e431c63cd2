"""The load: state machines that together use everything that can be under way in a crash, and
what each execution's end must be."""

from stepwell_server import arn, function_arn

ACTIVITY = "worked-by-hand"

# A call may have failed because the server was killed while the function ran.
AGAIN = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 50}]


def task(name, **members):
    return {"Type": "Task", "Resource": function_arn(name), "End": True, **members}


DEFINITIONS = {
    "chain": {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Next": "B"},
            "B": task("record", Retry=AGAIN, ResultPath="$.recorded", End=False, Next="C"),
            "C": {"Type": "Pass", "Parameters": {"key.$": "$.key"}, "End": True},
        },
    },
    "retry": {"StartAt": "R", "States": {"R": task("fail_once", Retry=AGAIN)}},
    "catch": {
        "StartAt": "R",
        "States": {
            "R": {
                "Type": "Task",
                "Resource": function_arn("refuse"),
                "Parameters": {"why.$": "$.key"},
                "Catch": [{"ErrorEquals": ["ValueError"], "Next": "C", "ResultPath": "$.error"}],
                "Next": "C",
            },
            "C": {"Type": "Pass", "Parameters": {"key.$": "$.key", "e.$": "$.error.Error"}, "End": True},
        },
    },
    "wait": {
        "StartAt": "W",
        "States": {
            "W": {"Type": "Wait", "Seconds": 2, "Next": "F"},
            "F": {"Type": "Fail", "Error": "Waited", "CausePath": "$.key"},
        },
    },
    "callback": {
        "StartAt": "C",
        "States": {
            "C": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                "Parameters": {
                    "FunctionName": "keep_token",
                    "Payload": {"key.$": "$.key", "token.$": "$$.Task.Token"},
                },
                "Retry": AGAIN,
                "End": True,
            }
        },
    },
    "map": {
        "StartAt": "P",
        "States": {
            "P": {
                "Type": "Parallel",
                "Branches": [
                    {
                        "StartAt": "M",
                        "States": {
                            "M": {
                                "Type": "Map",
                                "ItemsPath": "$.items",
                                "MaxConcurrency": 2,
                                "ItemProcessor": {
                                    "StartAt": "S",
                                    "States": {
                                        "S": {
                                            **task("slow", Retry=AGAIN),
                                            "Parameters": {"value.$": "$", "seconds": 0.02},
                                        }
                                    },
                                },
                                "End": True,
                            }
                        },
                    },
                    {
                        "StartAt": "W",
                        "States": {"W": {"Type": "Wait", "Seconds": 1, "End": True}},
                    },
                ],
                "End": True,
            }
        },
    },
    "activity": {
        "StartAt": "A",
        "States": {
            "A": {
                "Type": "Task",
                "Resource": arn("activity", ACTIVITY),
                "TimeoutSeconds": 4,
                "HeartbeatSeconds": 3,
                "Retry": AGAIN,
                "End": True,
            }
        },
    },
}

# Starts one execution of `chain`, and waits for it.
DEFINITIONS["nested"] = {
    "StartAt": "N",
    "States": {
        "N": {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": {
                "StateMachineArn": arn("stateMachine", "chain"),
                "Input": {"key.$": "$.key"},
            },
            "ResultSelector": {"child.$": "$.Output"},
            "End": True,
        }
    },
}

ITEMS = [1, 2, 3, 4]


def is_expected(kind, key, status, output, possible_answers):
    """Whether an execution ended as it must. `possible_answers` are results of workers."""
    if kind == "wait":
        return status == "FAILED"
    if status != "SUCCEEDED":
        return False
    if kind in ("activity", "callback"):
        return output in possible_answers
    slept = [{"slept": True, "value": value} for value in ITEMS]
    outputs = {
        "chain": {"key": key},
        "retry": {"key": key, "attempts": 2},
        "catch": {"key": key, "e": "ValueError"},
        "nested": {"child": {"key": key}},
        "map": [slept, {"key": key, "items": ITEMS}],
    }
    return output == outputs[kind]
