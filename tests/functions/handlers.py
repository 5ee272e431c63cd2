"""Functions for the tests: ordinary Lambda handlers."""

import os
import time


def double(event, context):
    return {"value": event["value"] * 2}


def echo(event, context):
    return event


class TooEarly(Exception):
    pass


def fail_once(event, context):
    """Fails in its first call for a key, so that a retry is needed."""
    marker = os.path.join(os.environ["MARKERS"], event["key"])
    if not os.path.exists(marker):
        open(marker, "w").close()
        raise TooEarly(event["key"])
    return {"key": event["key"], "attempts": 2}


def refuse(event, context):
    raise ValueError("no: " + event["why"])


def slow(event, context):
    time.sleep(event.get("seconds", 0.05))
    return {"slept": True, "value": event.get("value")}


def record(event, context):
    """Answers with a result that it has written down first: what it returned must not be lost."""
    with open(os.path.join(os.environ["MARKERS"], "results.txt"), "a") as results:
        results.write(f"{event['key']}\n")
    return {"key": event["key"], "by": context.aws_request_id}


def keep_token(event, context):
    """Leaves the task token for whoever answers it."""
    folder = os.path.join(os.environ["MARKERS"], "tokens")
    os.makedirs(folder, exist_ok=True)
    name = os.path.join(folder, f"{event['key']}-{context.aws_request_id}")
    with open(name + ".new", "w") as token:
        token.write(event["token"])
    os.rename(name + ".new", name)
    return {}


def own_api(event, context):
    """Asks the API of the server that runs it, as any SDK would."""
    import boto3

    machines = boto3.client("stepfunctions").list_state_machines()["stateMachines"]
    return [machine["name"] for machine in machines]
