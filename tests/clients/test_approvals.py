"""People answer tasks that wait for their token."""

import html
import http.server
import json
import re
import threading
import urllib.error
import urllib.parse
import urllib.request

import pytest

from stepwell_server import ROLE, Server, wait_for_end

TOPIC = "arn:aws:sns:us-east-1:123456789012:approvals"


class Webhook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.questions.append((self.headers["x-key"], body))
        self.server.asked.release()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def webhook():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    server.questions = []
    server.asked = threading.Semaphore(0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def server(tmp_path_factory, webhook):
    server = Server(tmp_path_factory.mktemp("approvals"))
    server.config.write_text(
        '[approvals]\nbase_url = "https://people.example.com/"\n'
        'targets = ["arn:aws:sns:*:approvals", "https://sqs.*/approvals", "*ask-a-person", '
        '"approvals.execute-api.*", "approvals-bus"]\n'
        f'[approvals.webhook]\nurl = "http://127.0.0.1:{webhook.server_port}/ask"\n'
        'headers = { X-Key = "k" }\n'
    )
    server.start()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def client(server):
    return server.client()


@pytest.fixture
def ask(client, webhook, request):
    """Starts an execution that asks, and answers with its ARN and the question."""

    def ask(message):
        definition = {
            "StartAt": "Ask",
            "States": {
                "Ask": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::sns:publish.waitForTaskToken",
                    "Parameters": {
                        "TopicArn": TOPIC,
                        "Subject": "Payment",
                        "Message": {"Text.$": "$.message", "Token.$": "$$.Task.Token"},
                    },
                    "End": True,
                }
            },
        }
        machine = client.create_state_machine(
            name="ask", definition=json.dumps(definition), roleArn=ROLE
        )["stateMachineArn"]
        execution = client.start_execution(
            stateMachineArn=machine, input=json.dumps({"message": message})
        )["executionArn"]
        assert webhook.asked.acquire(timeout=30)
        key, question = webhook.questions[-1]
        assert key == "k"
        assert question["executionArn"] == execution
        return execution, question

    return ask


def open_page(server, url, form=None, headers=None):
    """Status, headers and text of a page."""
    url = server.url + urllib.parse.urlparse(url).path
    data = urllib.parse.urlencode(form).encode() if form else None
    request = urllib.request.Request(url, data=data, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.headers, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def test_approve(server, client, ask):
    message = "Pay 100 € to <script>alert(1)</script>?"
    execution, question = ask(message)
    assert question["message"] == message
    assert (question["subject"], question["state"]) == ("Payment", "Ask")
    assert question["url"].startswith("https://people.example.com/approve/")
    for _ in range(2):
        status, headers, text = open_page(server, question["url"])
        assert status == 200
        assert html.escape(message) in text and "<script" not in text
        assert "default-src 'none'" in headers["content-security-policy"]
        assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")
    assert client.describe_execution(executionArn=execution)["status"] == "RUNNING"
    form = {"decision": "approve", "reason": "fine & good"}
    assert open_page(server, question["url"], form)[0] == 200
    description = wait_for_end(client, execution)
    assert json.loads(description["output"]) == {"Approved": True, "Reason": "fine & good"}
    assert open_page(server, question["url"])[0] == 409
    assert open_page(server, question["url"], {"decision": "reject"})[0] == 409
    link = question["url"].rsplit("/", 1)[1]
    history = json.dumps(client.get_execution_history(executionArn=execution), default=str)
    assert link not in history and link not in server.log.read_text()


def test_reject(server, client, ask):
    execution, question = ask("Pay?")
    assert open_page(server, question["url"], {"decision": "maybe"})[0] == 400
    assert open_page(server, question["url"], {"decision": "reject", "reason": "no"})[0] == 200
    description = wait_for_end(client, execution)
    assert (description["error"], description["cause"]) == ("Approval.Rejected", "no")


def test_forged_links(server, ask):
    _, question = ask("Pay?")
    start, end = question["url"][:-1], question["url"][-1]
    assert open_page(server, start + ("A" if end != "A" else "B"))[0] == 404
    assert open_page(server, start, {"decision": "approve"})[0] == 404
    assert open_page(server, question["url"].rsplit("/", 1)[0] + "/")[0] == 404


def test_links_for_tokens(server, client):
    activity = client.create_activity(name="approve-by-link")["activityArn"]
    definition = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": activity, "End": True}}}
    machine = client.create_state_machine(
        name="links", definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    execution = client.start_execution(stateMachineArn=machine)["executionArn"]
    token = client.get_activity_task(activityArn=activity)["taskToken"]

    def create(**members):
        request = urllib.request.Request(
            server.url + "/api/approvals",
            data=json.dumps(members).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            return json.load(error)

    assert "InvalidToken" in create(taskToken="x")["__type"]
    assert "ValidationException" in create(taskToken=token, expiresInSeconds=0)["__type"]
    link = create(taskToken=token, message="Go?", expiresInSeconds=60)
    assert link["url"].startswith("https://people.example.com/approve/")
    assert token not in link["url"]
    assert "Go?" in open_page(server, link["url"])[2]
    assert open_page(server, link["url"], {"decision": "approve"})[0] == 200
    assert wait_for_end(client, execution)["status"] == "SUCCEEDED"


TOKEN = {"Question": "Pay?", "Token.$": "$$.Task.Token"}
WAYS = {
    "sqs:sendMessage": {
        "QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/approvals",
        "MessageBody": TOKEN,
    },
    "sns:publish": {"TopicArn": TOPIC, "Message.$": "States.Format('Pay? {}', $$.Task.Token)"},
    "lambda:invoke": {"FunctionName": "ask-a-person", "Payload": TOKEN},
    "states:startExecution": {
        "StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:ask-a-person",
        "Input": TOKEN,
    },
    "events:putEvents": {
        "Entries": [
            {"EventBusName": "approvals-bus", "Detail": TOKEN, "DetailType": "d", "Source": "s"}
        ]
    },
    "apigateway:invoke": {
        "ApiEndpoint": "approvals.execute-api.us-east-1.amazonaws.com",
        "Method": "POST",
        "RequestBody": TOKEN,
    },
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_ask(server, client, webhook, way):
    task = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{way}.waitForTaskToken",
        "Parameters": WAYS[way],
        "Catch": [{"ErrorEquals": ["Approval.Rejected"], "Next": "No", "ResultPath": "$.no"}],
        "End": True,
    }
    definition = {"StartAt": "A", "States": {"A": task, "No": {"Type": "Pass", "End": True}}}
    machine = client.create_state_machine(
        name="way-" + way.replace(":", "-"), definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    for decision, expected in [
        ("approve", {"Approved": True, "Reason": "r"}),
        ("reject", {"no": {"Error": "Approval.Rejected", "Cause": "r"}}),
    ]:
        execution = client.start_execution(stateMachineArn=machine)["executionArn"]
        assert webhook.asked.acquire(timeout=30)
        question = webhook.questions[-1][1]
        assert question["executionArn"] == execution
        assert question["message"].startswith("Pay?")
        history = client.get_execution_history(executionArn=execution)["events"]
        scheduled = next(event for event in history if event["type"] == "TaskScheduled")
        parameters = scheduled["taskScheduledEventDetails"]["parameters"]
        token = max(re.findall(r"[A-Za-z0-9+/=_-]+", parameters), key=len)
        assert len(token) > 40
        assert token not in json.dumps(question)
        form = {"decision": decision, "reason": "r"}
        assert open_page(server, question["url"], form)[0] == 200
        assert json.loads(wait_for_end(client, execution)["output"]) == expected


def test_answers_of_other_sites_do_not_count(server, client, ask):
    execution, question = ask("Pay?")
    form = {"decision": "approve"}
    for site in ("cross-site", "same-site"):
        assert open_page(server, question["url"], form, {"Sec-Fetch-Site": site})[0] == 403
    assert client.describe_execution(executionArn=execution)["status"] == "RUNNING"
    status, headers, _ = open_page(server, question["url"])
    assert status == 200 and "form-action 'self'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY" and headers["set-cookie"] is None
    assert open_page(server, question["url"], form, {"Sec-Fetch-Site": "same-origin"})[0] == 200
    assert wait_for_end(client, execution)["status"] == "SUCCEEDED"


def test_links_that_are_too_old_or_of_nobody(server, client):
    activity = client.create_activity(name="approve-too-late")["activityArn"]
    definition = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": activity, "End": True}}}
    machine = client.create_state_machine(
        name="too-late", definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    execution = client.start_execution(stateMachineArn=machine)["executionArn"]
    token = client.get_activity_task(activityArn=activity)["taskToken"]

    def create(seconds):
        body = json.dumps({"taskToken": token, "expiresInSeconds": seconds}).encode()
        request = urllib.request.Request(server.url + "/api/approvals", data=body)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)["url"]

    old, good = create(1), create(600)
    while open_page(server, old)[0] == 200:
        pass
    assert open_page(server, old)[0] == 410
    assert open_page(server, old, {"decision": "approve"})[0] == 410
    assert client.describe_execution(executionArn=execution)["status"] == "RUNNING"
    assert open_page(server, good)[0] == 200
    client.stop_execution(executionArn=execution)
    wait_for_end(client, execution)
    assert open_page(server, good)[0] == 409, "nobody waits any more"
    assert open_page(server, good, {"decision": "approve"})[0] == 409


def test_a_reason_that_is_too_long(server, client, ask):
    execution, question = ask("Pay?")
    form = {"decision": "reject", "reason": "x" * 400_000}
    assert open_page(server, question["url"], form)[0] == 413
    form["reason"] = "<b>\u20ac</b>" * 4_000
    assert open_page(server, question["url"], form)[0] == 200
    cause = wait_for_end(client, execution)["cause"]
    assert cause == form["reason"][:32_768]
