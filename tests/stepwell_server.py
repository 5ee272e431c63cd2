"""Starts, kills and talks to the real binary. Every server has its own folder and port."""

import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import threading
import time

import boto3
from botocore.config import Config

BINARY = os.environ.get("STEPWELL_BINARY") or str(
    pathlib.Path(__file__).parent.parent / "target" / "debug" / "stepwell"
)
FUNCTIONS = pathlib.Path(__file__).parent / "functions"
ACCOUNT = "123456789012"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"


def arn(kind, name):
    return f"arn:aws:states:{REGION}:{ACCOUNT}:{kind}:{name}"


def function_arn(name):
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def lasting_address():
    """An address that is free, and that no client gets as its own while the server is away: below
    the ports that systems give to clients."""
    while True:
        with socket.socket() as probe:
            port = random.randrange(15_000, 32_000)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return f"127.0.0.1:{port}"


class Server:
    """A server process. `kill` is SIGKILL; `start` may be called again afterwards."""

    def __init__(self, folder, functions=(), function_options="", listen="127.0.0.1:0"):
        self.folder = pathlib.Path(folder)
        self.markers = self.folder / "markers"
        self.markers.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "server.log"
        self.config = self.folder / "stepwell.toml"
        self.listen = listen
        self.process = None
        lines = []
        for name in functions:
            lines.append(f"[functions.{name}]")
            lines.append('runtime = "python"')
            lines.append(f'handler = "handlers.{name}"')
            lines.append(f"working_directory = {json.dumps(str(FUNCTIONS))}")
            lines.append(f"environment = {{ MARKERS = {json.dumps(str(self.markers))} }}")
            lines.append(function_options)
        self.config.write_text("\n".join(lines) + "\n")

    def start(self, timeout=60):
        """Starts it and waits for the line with its address."""
        self.process = subprocess.Popen(
            [BINARY, "serve", "--listen", self.listen, "--config", str(self.config)]
            + ["--data", str(self.folder / "data")],
            stdout=subprocess.PIPE,
            stderr=self.log.open("ab"),
            cwd=self.folder,
        )
        process = self.process
        watchdog = threading.Timer(timeout, process.kill)
        watchdog.start()
        try:
            for line in process.stdout:
                if line.startswith(b"listening on "):
                    self.url = line.split()[-1].decode()
                    return self
        finally:
            watchdog.cancel()
        status = process.wait()
        log = self.log.read_text()[-2000:]
        raise AssertionError(f"the server did not start, and ended with {status}:\n{log}")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        """Stops it gracefully, and answers with the exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the server did not stop within 30 seconds")
        self.process.stdout.close()
        return status

    def client(self, **options):
        options = {"retries": {"max_attempts": 0}, "inject_host_prefix": False, **options}
        return boto3.client(
            "stepfunctions",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(**options),
        )

    def environment(self):
        """Variables with which the AWS CLI reaches the server."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_PAGER": "",
            "AWS_MAX_ATTEMPTS": "1",
        }

    def aws(self, *arguments):
        """`aws stepfunctions …`: exit status, parsed output, standard error."""
        done = subprocess.run(
            [shutil.which("aws"), "stepfunctions", *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        output = json.loads(done.stdout) if done.stdout.strip() else None
        return done.returncode, output, done.stderr


def wait_for_end(client, execution_arn, timeout=60):
    """Asks until an execution is over, and answers with its description."""
    end = time.monotonic() + timeout
    while True:
        description = client.describe_execution(executionArn=execution_arn)
        if description["status"] != "RUNNING":
            return description
        assert time.monotonic() < end, f"still running: {history_types(client, execution_arn)}"
        time.sleep(0.02)


def history(client, execution_arn):
    pages = client.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    return [event for page in pages for event in page["events"]]


def history_types(client, execution_arn):
    return [event["type"] for event in history(client, execution_arn)]


TERMINAL = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "TIMED_OUT": "ExecutionTimedOut",
    "ABORTED": "ExecutionAborted",
}


def check_history(events, status):
    """What holds for every history: dense ids, known predecessors, one end."""
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "ExecutionStarted"
    for event in events:
        previous = event["previousEventId"]
        assert 0 <= previous < event["id"], event
        # AWS lets these follow nothing.
        apart = event["type"] in ("ExecutionAborted", "ExecutionTimedOut")
        assert previous > 0 or event["id"] <= 2 or apart, event
    moments = [event["timestamp"] for event in events]
    assert moments == sorted(moments)
    ends = [event["type"] for event in events if event["type"] in TERMINAL.values()]
    assert ends == [TERMINAL[status]]
    assert events[-1]["type"] == TERMINAL[status]
