"""Asks a person. A real shop would send a mail or a chat message with a button."""

import os

ENDPOINT = os.environ.get("AWS_ENDPOINT_URL_SFN", "http://127.0.0.1:8083")
REGION = os.environ["AWS_REGION"]


def ask(event, context):
    """Prints the commands that answer, and returns: the task goes on waiting for the token."""
    order, risk = event["order"], event["risk"]
    print(f"Order {order['id']} over {order['total']:.2f} EUR has risk {risk['score']}. Approve it?")
    for word, answer in [("yes", '{"approved": true}'), ("no", '{"approved": false}')]:
        print(
            f"  {word}:  aws stepfunctions send-task-success --endpoint-url {ENDPOINT}"
            f" --region {REGION} --no-sign-request"
            f" --task-output '{answer}' --task-token {event['taskToken']}"
        )
