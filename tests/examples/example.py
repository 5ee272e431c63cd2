"""An example as a person runs it: a copy of its folder, served by `stepwell dev`."""

import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time

import boto3
from botocore.config import Config

from stepwell_server import ACCOUNT, BINARY, REGION, arn, lasting_address

EXAMPLES = pathlib.Path(__file__).parent.parent.parent / "examples"
PATIENCE = 60


class Example:
    """`stepwell dev` over a copy of an example. `kill` is SIGKILL; `start` goes on afterwards."""

    def __init__(self, name, folder):
        self.name = name
        self.folder = pathlib.Path(folder) / name
        ignore = shutil.ignore_patterns(".stepwell", ".shop", "__pycache__")
        shutil.copytree(EXAMPLES / name, self.folder, ignore=ignore)
        self.listen = lasting_address()
        self.lines = []
        self.news = threading.Condition()
        self.process = None
        self.others = []

    def start(self):
        """Starts it, each time on the same port."""
        self.process = subprocess.Popen(
            [BINARY, "dev", str(self.folder), "--listen", self.listen],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        )
        self.ended = False
        threading.Thread(target=self.read, args=[self.process], daemon=True).start()
        before = len(self.lines)
        line = self.wait_for_line("listening on http://", before)
        self.url = line.split()[-1]
        self.listen = self.url.removeprefix("http://")
        return self

    def read(self, process):
        for line in process.stdout:
            with self.news:
                self.lines.append(line.rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.ended = self.process is process
            self.news.notify_all()

    def wait_for_line(self, text, since=0):
        """Waits until a line with this text was printed, from the line number `since` on."""
        end = time.monotonic() + PATIENCE
        with self.news:
            while True:
                for line in self.lines[since:]:
                    if text in line:
                        return line
                left = end - time.monotonic()
                assert left > 0 and not self.ended, self.report(text)
                self.news.wait(left)

    def report(self, text):
        return f"nothing with {text!r} was printed:\n" + "\n".join(self.lines)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        for other in self.others:
            other.kill()
            other.wait()
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=PATIENCE)
        finally:
            self.process.kill()

    def run_beside(self, script, **variables):
        """Runs a Python program of the example beside the server."""
        process = subprocess.Popen(
            [sys.executable, str(self.folder / script), self.url],
            env={**os.environ, **variables},
            stdout=subprocess.DEVNULL,
        )
        self.others.append(process)
        return process

    def client(self):
        return boto3.client(
            "stepfunctions",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="any",
            config=Config(retries={"max_attempts": 0}),
        )

    def start_execution(self, name, machine_input):
        """Starts an execution; with boto3, since the AWS CLI takes a second to start itself."""
        started = self.client().start_execution(
            stateMachineArn=arn("stateMachine", self.name), name=name, input=machine_input
        )
        return started["executionArn"]

    def start_execution_as_described(self, name, order):
        """Starts an execution with the AWS CLI, as the example's README does."""
        subprocess.run(
            ["aws", "stepfunctions", "start-execution", "--name", name]
            + ["--endpoint-url", self.url, "--region", REGION, "--no-sign-request"]
            + ["--state-machine-arn", arn("stateMachine", self.name), "--input", f"file://{order}"],
            check=True,
            stdout=subprocess.DEVNULL,
            env=clean_environment(),
        )
        return arn("execution", f"{self.name}:{name}")

    def run_printed_command(self, word, since=0):
        """Runs a command that a function printed for a person to copy: `WORD:  aws …`."""
        line = self.wait_for_line(f" {word}:  aws ", since)
        command = shlex.split(line[line.index(" aws ") :])
        subprocess.run(command, check=True, env=clean_environment())


def clean_environment():
    """Nothing that would help the AWS CLI: no region, no credentials."""
    return {"PATH": os.environ["PATH"], "AWS_PAGER": ""}
