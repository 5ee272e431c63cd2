"""Threads that start executions and do their work, and go on through every kill."""

import collections
import json
import threading
import time
import uuid

from botocore.exceptions import BotoCoreError, ClientError

from machines import ACTIVITY, DEFINITIONS, ITEMS
from stepwell_server import arn

# Executions that may be under way: more would only make the end of the test longer.
UNDER_WAY_MAX = 60


class Load:
    def __init__(self, server):
        self.server = server
        self.lock = threading.Lock()
        # Name of the execution -> kind; only what the server has acknowledged.
        self.acknowledged = {}
        # Key of the execution -> the result that the server has taken.
        self.answers = {}
        # Key of the execution -> results that were sent; the server may have been killed between
        # taking one and saying so.
        self.sent = collections.defaultdict(list)
        self.conflicts = []
        self.starting = threading.Event()
        self.working = threading.Event()
        self.starting.set()
        self.working.set()
        self.ended = set()
        self.threads = [
            threading.Thread(target=self.run, args=work)
            for work in [
                (self.start_some, self.starting),
                (self.start_some, self.starting),
                (self.work_on_activity, self.working),
                (self.work_on_activity, self.working),
                (self.answer_callbacks, self.working),
                (self.count_ended, self.starting),
            ]
        ]
        self.starters = self.threads[:2]
        for thread in self.threads:
            thread.start()

    def run(self, work, while_set):
        """Repeats work with a client of its own. A server that is away is no failure."""
        client = None
        while while_set.is_set():
            try:
                client = client or self.server.client(connect_timeout=2, read_timeout=8)
                work(client)
            except BotoCoreError:
                time.sleep(0.02)

    def start_some(self, client):
        for kind in DEFINITIONS:
            while self.starting.is_set() and len(self.acknowledged) - len(self.ended) > UNDER_WAY_MAX:
                time.sleep(0.02)
            key = f"{kind}-{uuid.uuid4()}"
            while self.starting.is_set():
                try:
                    client.start_execution(
                        stateMachineArn=arn("stateMachine", kind),
                        name=key,
                        input=json.dumps({"key": key, "items": ITEMS}),
                    )
                except BotoCoreError:
                    # Nobody knows whether it was started: ask again, under the same name.
                    time.sleep(0.02)
                    continue
                except ClientError as error:
                    # It was, and is over already.
                    assert error.response["Error"]["Code"] == "ExecutionAlreadyExists", error
                with self.lock:
                    self.acknowledged[key] = kind
                break

    def answer(self, client, key, token, output):
        """Sends a result. Where the server took it, it is the one that must count."""
        self.sent[key].append(output)
        try:
            client.send_task_success(taskToken=token, output=json.dumps(output))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            assert code in ("TaskTimedOut", "TaskDoesNotExist"), error
            return
        with self.lock:
            if key in self.answers:
                self.conflicts.append((key, self.answers[key], output))
            self.answers[key] = output

    def work_on_activity(self, client):
        task = client.get_activity_task(activityArn=arn("activity", ACTIVITY), workerName="w")
        if token := task.get("taskToken"):
            key = json.loads(task["input"])["key"]
            self.answer(client, key, token, {"by": str(uuid.uuid4())})

    def answer_callbacks(self, client):
        for file in (self.server.markers / "tokens").glob("callback-*"):
            if file.suffix == ".new":
                continue
            key = file.name[: len("callback-") + 36]
            self.answer(client, key, file.read_text(), {"by": str(uuid.uuid4())})
            file.unlink()
        time.sleep(0.02)

    def count_ended(self, client):
        for key, kind in list(self.acknowledged.items()):
            if key not in self.ended and self.starting.is_set():
                execution = arn("execution", f"{kind}:{key}")
                if client.describe_execution(executionArn=execution)["status"] != "RUNNING":
                    self.ended.add(key)
        time.sleep(0.1)

    def possible_answers(self, key):
        """The one that the server has taken; else any that was sent."""
        return [self.answers[key]] if key in self.answers else self.sent[key]

    def stop_starting(self):
        """No execution is started any more once this returns."""
        self.starting.clear()
        for thread in self.starters:
            thread.join()

    def stop(self):
        self.starting.clear()
        self.working.clear()
        for thread in self.threads:
            thread.join()
