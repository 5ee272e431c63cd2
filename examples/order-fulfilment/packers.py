#!/usr/bin/env python3
"""A worker of the activity pack-order: asks for parcels to pack and packs them.

    python packers.py [ENDPOINT]

It needs boto3 and nothing else. Start as many as you like; each parcel goes to one of them. Kill
one while it packs: after 5 s without a sign of life the state machine gives the parcel to
another.
"""

import json
import os
import sys
import time

import boto3
from botocore.config import Config

ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:pack-order"
SECONDS_PER_PARCEL = float(os.environ.get("SECONDS_PER_PARCEL", "2"))


def main():
    """Packs until it is stopped; a server that is away is asked again."""
    endpoint = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8083"
    states = boto3.client(
        "stepfunctions",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="packer",
        aws_secret_access_key="packer",
        # A long poll lasts 60 s.
        config=Config(read_timeout=65, retries={"total_max_attempts": 1}),
    )
    name = f"packer-{os.getpid()}"
    while True:
        try:
            task = states.get_activity_task(activityArn=ACTIVITY, workerName=name)
            if task.get("taskToken"):
                pack(states, task["taskToken"], json.loads(task["input"]))
        except states.exceptions.TaskTimedOut:
            print("too late: the parcel went to somebody else", flush=True)
        except Exception as error:
            print(f"{error}; asking again", flush=True)
            time.sleep(1)


def pack(states, token, work):
    """Packs one parcel, with a sign of life for every item."""
    print(f"packing {work['orderId']}", flush=True)
    for _ in work["reservations"]:
        time.sleep(SECONDS_PER_PARCEL / len(work["reservations"]))
        states.send_task_heartbeat(taskToken=token)
    parcel = {"id": f"parcel-{work['orderId']}", "items": len(work["reservations"])}
    states.send_task_success(taskToken=token, output=json.dumps(parcel))
    print(f"packed {work['orderId']}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
