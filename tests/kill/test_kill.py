"""The server is killed at random moments under load. Whatever it has acknowledged holds."""

import json
import os
import random
import time

from load import Load
from machines import ACTIVITY, DEFINITIONS, is_expected
from stepwell_server import (
    ROLE,
    Server,
    arn,
    check_history,
    history,
    lasting_address,
    wait_for_end,
)

FUNCTIONS = ["record", "fail_once", "refuse", "slow", "keep_token"]


def test_nothing_acknowledged_is_lost(tmp_path):
    kills = int(os.environ.get("STEPWELL_KILLS", "10"))
    seed = int(os.environ.get("STEPWELL_KILL_SEED") or random.randrange(1 << 32))
    print(f"STEPWELL_KILL_SEED={seed} repeats these moments")
    moments = random.Random(seed)

    options = "timeout_seconds = 30\nconcurrency = 4"
    server = Server(tmp_path, FUNCTIONS, options, listen=lasting_address()).start()
    client = server.client()
    client.create_activity(name=ACTIVITY)
    for name, definition in DEFINITIONS.items():
        client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)

    load = Load(server)
    try:
        for _ in range(kills):
            time.sleep(moments.uniform(0.05, 1.5))
            server.kill()
            server.start()
        time.sleep(1)
        load.stop_starting()
        ends = wait_for_all(server.client(), load)
    finally:
        load.stop()

    client = server.client()
    assert not load.conflicts, "the server took two results for one task"
    assert len(load.acknowledged) > kills
    wrong = []
    for key, kind in load.acknowledged.items():
        description = ends[key]
        output = json.loads(description["output"]) if "output" in description else None
        answers = load.possible_answers(key)
        if not is_expected(kind, key, description["status"], output, answers):
            wrong.append((description, answers))
        check_history(history(client, description["executionArn"]), description["status"])
    assert not wrong, wrong
    check_lists(client, ends)
    print(f"{kills} kills, {len(ends)} executions, {len(load.answers)} results of workers")
    assert server.stop() == 0


def wait_for_all(client, load):
    ends = {}
    end = time.monotonic() + 180
    for key, kind in load.acknowledged.items():
        execution = arn("execution", f"{kind}:{key}")
        ends[key] = wait_for_end(client, execution, timeout=end - time.monotonic())
    return ends


def check_lists(client, ends):
    """The lists, which are derived from the executions, agree with them."""
    for name in DEFINITIONS:
        pages = client.get_paginator("list_executions").paginate(
            stateMachineArn=arn("stateMachine", name)
        )
        listed = {item["name"]: item["status"] for page in pages for item in page["executions"]}
        known = {key: end["status"] for key, end in ends.items() if key.startswith(f"{name}-")}
        assert known.items() <= listed.items()
        assert "RUNNING" not in listed.values()
        if name == "chain":
            # Every parent has started one child, through all kills.
            parents = sum(key.startswith("nested-") for key in ends)
            assert len(listed) == len(known) + parents
