"""Nothing secret reaches the server's own log, whatever its level: every operation, tasks of every
kind, refusals and a crash, all with marked keys, tokens, payloads, errors' causes."""

import base64
import http.server
import json
import os
import threading
import urllib.error
import urllib.request

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from stepwell_server import REGION, ROLE, Server, function_arn, wait_for_end

# What no other text has.
MARK = "qzmarkedqz"
SECRET = f"{MARK}/Secret+Key="
SESSION_TOKEN = f"{MARK}/Session+Token="
PAYLOAD = json.dumps({"value": f"{MARK}-payload", "fail": f"{MARK}-error"})
CONNECTION = "arn:aws:events:us-east-1:123456789012:connection/web/1"


class Web(http.server.BaseHTTPRequestHandler):
    """Takes everything, and answers with marks."""

    protocol_version = "HTTP/1.1"
    seen = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        Web.seen.append((self.path, dict(self.headers), body))
        answer = json.dumps({"answer": f"{MARK}-answer"}).encode()
        self.send_response(404 if "fails" in self.path else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Answer", f"{MARK}-header")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST

    def log_message(self, *_):
        pass


@pytest.fixture
def web():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def server(tmp_path, web, moto, monkeypatch):
    server = Server(tmp_path, ["echo", "refuse", "keep_token"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOUT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET + "out")
    monkeypatch.setenv("AWS_SESSION_TOKEN", SESSION_TOKEN + "out")
    monkeypatch.setenv("HOOK_TOKEN", f"{MARK}-hook")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"x-key={MARK}-collector")
    text = f"""
[server]
log = "trace"
[[access_keys]]
id = "AKIDADMIN"
secret = "{SECRET}"
session_token = "{SESSION_TOKEN}"
role = "admin"
[connections.web]
api_key = {{ name = "X-Key", value = "{MARK}-api-key" }}
query = {{ k = "{MARK}-query" }}
body = {{ b = "{MARK}-body" }}
[http]
allow_http = ["127.0.0.1"]
[status_events]
webhook = "{web}/hook"
webhook_token_env = "HOOK_TOKEN"
[traces]
endpoint = "{web}"
[execution_logs]
cloudwatch_logs = true
[[routes]]
resource = "aws-sdk:*"
endpoint = "{moto}"
[[routes]]
resource = "sqs:*"
endpoint = "{moto}"
"""
    server.config.write_text(server.config.read_text() + text)
    server.start()
    yield server
    if server.process.poll() is None:
        server.kill()


def client_of(server, secret=SECRET, token=SESSION_TOKEN):
    return boto3.client(
        "stepfunctions",
        endpoint_url=server.url,
        region_name=REGION,
        aws_access_key_id="AKIDADMIN",
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"max_attempts": 0}, inject_host_prefix=False),
    )


def machine(client, name, states, start, **members):
    members = {"loggingConfiguration": logging(), **members}
    return client.create_state_machine(
        name=name,
        definition=json.dumps({"Comment": MARK, "StartAt": start, "States": states}),
        roleArn=ROLE,
        **members,
    )["stateMachineArn"]


def logging():
    group = f"arn:aws:logs:{REGION}:123456789012:log-group:is-not-there:*"
    return {
        "level": "ALL",
        "includeExecutionData": True,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}],
    }


def task(resource, parameters, **fields):
    resource = resource if resource.startswith("arn:") else f"arn:aws:states:::{resource}"
    state = {"Type": "Task", "Resource": resource, "Parameters": parameters, "ResultPath": None}
    catch = [{"ErrorEquals": ["States.ALL"], "Next": fields.get("Next", "End"), "ResultPath": None}]
    return {**state, "Catch": catch, "Next": "End", **fields}


def executions_with_tasks(client, server, web, moto):
    """Tasks that succeed, fail, and are answered with tokens."""
    keys = {"aws_access_key_id": "t", "aws_secret_access_key": "t", "region_name": REGION}
    queue = boto3.client("sqs", endpoint_url=moto, **keys).create_queue(QueueName="secrets")
    activity = client.create_activity(name="secrets")["activityArn"]
    child = machine(client, "child", {"P": {"Type": "Pass", "End": True}}, "P")
    body = {"text": MARK, "given.$": "$"}
    message = {"QueueUrl": queue["QueueUrl"], "MessageBody": body}
    secret = {"Name": "secrets", "SecretString": f"{MARK}-stored"}
    states = {
        "Echo": task(function_arn("echo"), body, Next="Refuse"),
        "Refuse": task(function_arn("refuse"), {"why": f"{MARK}-cause"}, Next="Invoke"),
        "Invoke": task("lambda:invoke", {"FunctionName": "echo", "Payload": body}, Next="Http"),
        "Http": task("http:invoke", http_call(f"{web}/ok"), Next="HttpFails"),
        "HttpFails": task("http:invoke", http_call(f"{web}/fails"), Next="Sqs"),
        "Sqs": task("sqs:sendMessage", message, Next="Sdk"),
        "Sdk": task("aws-sdk:secretsmanager:createSecret", secret, Next="SdkAgain"),
        "SdkAgain": task("aws-sdk:secretsmanager:createSecret", secret, Next="Child"),
        "Child": task(
            "states:startExecution.sync:2", {"StateMachineArn": child, "Input": body}, Next="Token"
        ),
        "Token": task(
            "lambda:invoke.waitForTaskToken",
            {"FunctionName": "keep_token", "Payload": {"key": "k", "token.$": "$$.Task.Token"}},
            Next="Activity",
        ),
        "Activity": task(activity, body, Next="ActivityFails"),
        "ActivityFails": task(activity, body, Next="End"),
        "End": {"Type": "Fail", "Error": "E", "Cause": f"{MARK}-cause"},
    }
    # An expression that fails ends its execution.
    expression = {
        "Type": "Pass",
        "Parameters": {"a.$": f"States.Format('{MARK}{{}}', $.missing)"},
        "End": True,
    }
    failing = machine(client, "failing", {"X": expression}, "X")
    arn = machine(client, "tasks", states, "Echo")
    started = client.start_execution(stateMachineArn=failing, input=PAYLOAD)["executionArn"]
    assert wait_for_end(client, started)["status"] == "FAILED"
    started = client.start_execution(stateMachineArn=arn, input=PAYLOAD)["executionArn"]
    folder = server.markers / "tokens"
    while not folder.exists() or not [name for name in os.listdir(folder) if "." not in name]:
        pass
    (name,) = [name for name in os.listdir(folder) if "." not in name]
    tokens = [(folder / name).read_text()]
    client.send_task_heartbeat(taskToken=tokens[0])
    refused(client, "SendTaskSuccess", taskToken=tokens[0], output=f"{MARK} no JSON")
    client.send_task_success(taskToken=tokens[0], output=json.dumps(MARK))
    given = client.get_activity_task(activityArn=activity, workerName="w")
    assert MARK in given["input"]
    tokens.append(given["taskToken"])
    client.send_task_success(taskToken=tokens[1], output=json.dumps(MARK))
    given = client.get_activity_task(activityArn=activity, workerName="w")
    tokens.append(given["taskToken"])
    client.send_task_failure(taskToken=tokens[2], error="E", cause=f"{MARK}-cause")
    refused(client, "SendTaskFailure", taskToken=tokens[2], error="E", cause=MARK)
    refused(client, "SendTaskSuccess", taskToken=MARK, output="{}")
    ended = wait_for_end(client, started)
    assert MARK in ended["cause"] and MARK in ended["input"]
    types = [event["type"] for event in client.get_execution_history(executionArn=started)["events"]]
    assert types.count("TaskFailed") >= 2 and types.count("ActivityFailed") == 1, types
    return arn, started, tokens


def http_call(url):
    return {
        "ApiEndpoint": url,
        "Method": "POST",
        "InvocationConfig": {"ConnectionArn": CONNECTION},
        "Headers": {"x-given": MARK},
        "QueryParameters": {"q": MARK},
        "RequestBody.$": "$",
    }


def refused(client, operation, **request):
    with pytest.raises(ClientError):
        getattr(client, xform_name(operation))(**request)


def other_operations(client, arn, execution):
    """Every operation that has not been called yet, with what it may take of free text."""
    client.describe_execution(executionArn=execution)
    client.describe_state_machine(stateMachineArn=arn)
    client.describe_state_machine_for_execution(executionArn=execution)
    client.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=3)
    client.list_state_machines()
    client.list_executions(stateMachineArn=arn)
    refused(client, "ListExecutions", stateMachineArn=arn, nextToken=MARK)
    client.list_activities()
    client.list_map_runs(executionArn=execution)
    tags = [{"key": "k", "value": MARK}]
    client.tag_resource(resourceArn=arn, tags=tags)
    client.list_tags_for_resource(resourceArn=arn)
    client.untag_resource(resourceArn=arn, tagKeys=["k"])
    version = client.publish_state_machine_version(stateMachineArn=arn, description=MARK)
    version = version["stateMachineVersionArn"]
    routing = [{"stateMachineVersionArn": version, "weight": 100}]
    alias = client.create_state_machine_alias(
        name="live", description=MARK, routingConfiguration=routing
    )["stateMachineAliasArn"]
    client.update_state_machine_alias(stateMachineAliasArn=alias, description=MARK + "2")
    client.describe_state_machine_alias(stateMachineAliasArn=alias)
    client.list_state_machine_aliases(stateMachineArn=arn)
    client.list_state_machine_versions(stateMachineArn=arn)
    client.delete_state_machine_alias(stateMachineAliasArn=alias)
    client.delete_state_machine_version(stateMachineVersionArn=version)
    states = {"P": {"Type": "Pass", "Result": MARK, "End": True}}
    definition = json.dumps({"StartAt": "P", "States": states})
    client.update_state_machine(stateMachineArn=arn, definition=definition)
    refused(client, "UpdateStateMachine", stateMachineArn=arn, definition=f'{{"{MARK}')
    client.validate_state_machine_definition(definition=f'{{"{MARK}": 1}}')
    express = machine(client, "express", states, "P", type="EXPRESS")
    client.start_sync_execution(stateMachineArn=express, input=PAYLOAD)
    refused(client, "StartSyncExecution", stateMachineArn=express, input=f"{MARK} no JSON")
    refused(client, "StartExecution", stateMachineArn=arn, input=f"{MARK} no JSON")
    again = client.start_execution(stateMachineArn=arn, name="n", input=PAYLOAD)["executionArn"]
    wait_for_end(client, again)
    refused(client, "StartExecution", stateMachineArn=arn, name="n", input=json.dumps(MARK))
    client.test_state(definition=json.dumps(states["P"]), input=PAYLOAD, inspectionLevel="DEBUG")
    mock = {"errorOutput": {"error": "E", "cause": MARK}}
    state = {"Type": "Task", "Resource": function_arn("echo"), "End": True}
    client.test_state(definition=json.dumps(state), mock=mock, input=PAYLOAD)
    client.test_state(definition=json.dumps(state), roleArn=ROLE, input=PAYLOAD)
    wait = machine(client, "wait", {"W": {"Type": "Wait", "Seconds": 900, "End": True}}, "W")
    waits = client.start_execution(stateMachineArn=wait, input=PAYLOAD)["executionArn"]
    client.stop_execution(executionArn=waits, error="E", cause=MARK)
    client.redrive_execution(executionArn=waits, clientToken=MARK)
    client.stop_execution(executionArn=waits, cause=MARK)
    items = {
        "Type": "Map",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "P",
            "States": {"P": {"Type": "Pass", "End": True}},
        },
        "End": True,
    }
    maps = machine(client, "maps", {"M": items}, "M")
    mapped = client.start_execution(stateMachineArn=maps, input=json.dumps([MARK]))["executionArn"]
    wait_for_end(client, mapped)
    run = client.list_map_runs(executionArn=mapped)["mapRuns"][0]["mapRunArn"]
    client.describe_map_run(mapRunArn=run)
    refused(client, "UpdateMapRun", mapRunArn=run, maxConcurrency=1)
    activity = client.list_activities()["activities"][0]["activityArn"]
    client.describe_activity(activityArn=activity)
    client.delete_activity(activityArn=activity)
    client.delete_state_machine(stateMachineArn=maps)


def requests_by_hand(server):
    """What no client sends: wrong signatures, bodies that are no JSON, other paths."""
    refused(client_of(server, secret=SECRET + "wrong"), "ListActivities")
    refused(client_of(server, token=SESSION_TOKEN + "wrong"), "ListActivities")
    basic = base64.b64encode(f"AKIDADMIN:{SECRET}".encode()).decode()
    for path, headers, body in [
        ("/", {"X-Amz-Target": "AWSStepFunctions.StartExecution"}, f"{MARK} no JSON"),
        ("/", {"X-Amz-Target": f"AWSStepFunctions.{MARK}"}, "{}"),
        ("/", {"Authorization": f"AWS4-HMAC-SHA256 Signature={MARK}"}, "{}"),
        (f"/{MARK}", {}, None),
        (f"/?X-Amz-Signature={MARK}&X-Amz-Security-Token={MARK}", {}, "{}"),
        (f"/metrics?token={MARK}", {"Authorization": f"Basic {basic}"}, None),
        (f"/api/executions?text={MARK}", {"Authorization": f"Basic {basic}"}, None),
        (f"/approvals/{MARK}", {}, None),
    ]:
        headers = {"Content-Type": "application/x-amz-json-1.0", **headers}
        data = None if body is None else body.encode()
        request = urllib.request.Request(server.url + path, data, headers)
        try:
            urllib.request.urlopen(request).read()
        except urllib.error.HTTPError as error:
            error.read()
    return basic


def test_nothing_secret_is_logged(server, web, moto):
    client = client_of(server)
    operations = set()
    client.meta.events.register(
        "before-call.sfn", lambda model, **_: operations.add(model.name)
    )
    signatures = []

    def remember(request, **_):
        value = request.headers["Authorization"]
        value = value.decode() if isinstance(value, bytes) else value
        signatures.append(value.rsplit("Signature=", 1)[1])

    client.meta.events.register("before-send.sfn", remember)
    arn, execution, tokens = executions_with_tasks(client, server, web, moto)
    other_operations(client, arn, execution)
    assert operations == set(client.meta.service_model.operation_names)
    basic = requests_by_hand(server)
    # What was under way is taken up again.
    server.kill()
    server.start()
    client = client_of(server)
    again = machine(client, "again", {"P": {"Type": "Pass", "End": True}}, "P", type="EXPRESS")
    # Its spans leave before the server has stopped, if no earlier ones did.
    client.start_sync_execution(stateMachineArn=again, input=PAYLOAD)
    assert server.stop() == 0

    secrets = {MARK, *signatures, *tokens, basic}
    secrets |= {token.split("=")[0] for token in tokens}
    for text in [MARK, SECRET, SESSION_TOKEN]:
        # By its place in a text, base64 has three spellings of what is in it.
        for before in ["", "x", "xx"]:
            coded = base64.b64encode((before + text).encode()).decode()
            secrets.add(coded[4 : len(coded) // 4 * 4 - 4])
    log = server.log.read_text(errors="replace")
    assert len(log) > 10_000 and "TRACE" in log
    # What functions print themselves is theirs, and shown as such.
    lines = [line for line in log.splitlines() if " stepwell::function: " not in line]
    found = {line[:600] for line in lines if any(secret in line for secret in secrets)}
    assert not found, "\n".join(found)
    # Nothing of that is only because nothing happened.
    seen = json.dumps([(path, headers, body.decode(errors="replace")) for path, headers, body in Web.seen])
    for secret in ["api-key", "query", "body", "hook", "collector", "payload"]:
        assert f"{MARK}-{secret}" in seen, secret
