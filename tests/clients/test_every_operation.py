"""Every operation and its refusals, from one table, through three clients: boto3, the AWS CLI,
the AWS SDK for JavaScript."""

import json
import os
import pathlib
import re
import subprocess
import time

import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from stepwell_server import ACCOUNT, REGION, ROLE

FOLDER = pathlib.Path(__file__).parent
CASES = json.loads((FOLDER / "operations.json").read_text())
PASS = '{"StartAt":"P","States":{"P":{"Type":"Pass","Result":{"done":true},"End":true}}}'
WAIT = '{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":3600,"End":true}}}'
NODE_FOLDER = os.environ.get("STEPWELL_NODE_FOLDER")


class Boto3:
    name = "boto3"

    def __init__(self, server):
        self.client = server.client()

    def call(self, operation, request):
        try:
            output = getattr(self.client, xform_name(operation))(**request)
            output.pop("ResponseMetadata", None)
            return output, None
        except ClientError as error:
            return None, error.response["Error"]["Code"]

    def close(self):
        pass


class AwsCli:
    name = "cli"

    def __init__(self, server):
        self.server = server

    def call(self, operation, request):
        command = xform_name(operation, "-")
        status, output, errors = self.server.aws(
            command, "--cli-input-json", json.dumps(request), "--no-paginate"
        )
        if status == 0:
            return output or {}, None
        refused = re.search(r"An error occurred \((\w+)\)", errors)
        assert refused, errors
        return None, refused.group(1)

    def close(self):
        pass


class JavaScript:
    name = "javascript"

    def __init__(self, server):
        environment = {
            **server.environment(),
            "STEPWELL_NODE_FOLDER": NODE_FOLDER,
            "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true",
        }
        self.process = subprocess.Popen(
            ["node", str(FOLDER / "driver.mjs")],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, operation, request):
        line = json.dumps({"operation": operation, "input": request})
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            assert answer["isAwsError"], answer
            return None, answer["error"]
        return answer["output"], None

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=20) == 0


def fill_in(value, names):
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda found: names[found.group(1)], value)
    if isinstance(value, list):
        return [fill_in(element, names) for element in value]
    if isinstance(value, dict):
        return {key: fill_in(member, names) for key, member in value.items()}
    return value


def check(expected, found, place):
    """What is expected is there; there may be more members, but not more elements."""
    if expected == "*":
        assert found is not None, place
    elif isinstance(expected, dict):
        for key, member in expected.items():
            assert key in found, f"{place}.{key} is not in {found}"
            check(member, found[key], f"{place}.{key}")
    elif isinstance(expected, list):
        assert len(expected) == len(found), f"{place}: {found}"
        for index, element in enumerate(expected):
            check(element, found[index], f"{place}[{index}]")
    else:
        assert found == expected, place


@pytest.mark.parametrize("kind", [Boto3, AwsCli, JavaScript], ids=lambda kind: kind.name)
def test_every_operation(server, kind):
    if kind is JavaScript and not NODE_FOLDER:
        pytest.skip("the AWS SDK for JavaScript is installed by cargo xtask test")
    client = kind(server)
    names = {
        "name": f"every-{kind.name}",
        "scope": f"arn:aws:states:{REGION}:{ACCOUNT}",
        "role": ROLE,
        "pass": PASS,
        "wait": WAIT,
    }
    for number, case in enumerate(CASES):
        if "wait" in case:
            execution = {"executionArn": fill_in(case["wait"], names)}
            end = time.monotonic() + 30
            while client.call("DescribeExecution", execution)[0]["status"] == "RUNNING":
                assert time.monotonic() < end
            continue
        operation = case["do"]
        request = fill_in(case["with"], names)
        output, error = client.call(operation, request)
        place = f"case {number}: {operation} {json.dumps(request)}"
        assert error == case.get("refuses"), f"{place}: {error} {output}"
        check(fill_in(case.get("gives", {}), names), output or {}, place)
        for name, member in case.get("keep", {}).items():
            names[name] = output[member]
    client.close()


def test_the_table_has_every_operation_and_a_refusal_of_each():
    model = botocore.session.get_session().get_service_model("stepfunctions")
    assert {case["do"] for case in CASES if "do" in case} == set(model.operation_names)
    refused = {case["do"] for case in CASES if "refuses" in case}
    # What cannot be refused by a server when the request is well-formed.
    assert set(model.operation_names) - refused == set()
