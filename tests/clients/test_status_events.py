"""Events of changed status: to a webhook that is away at times, and to an event bus."""

import http.server
import json
import threading

import pytest

from stepwell_server import ACCOUNT, REGION, ROLE, Server

PASS = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
FAIL = json.dumps({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E", "Cause": "C"}}})


class Receiver:
    """Takes POSTs. While `refuses` it answers 503."""

    def __init__(self):
        self.refuses = False
        self.requests = []
        self.arrived = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with receiver.arrived:
                    status = 503 if receiver.refuses else 200
                    receiver.requests.append((self.headers, body, status))
                    receiver.arrived.notify_all()
                answer = b'{"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}'
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def taken(self):
        return [body for _, body, status in self.requests if status == 200]

    def wait(self, enough, timeout=60):
        with self.arrived:
            assert self.arrived.wait_for(lambda: enough(), timeout), self.requests


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()


def test_a_webhook_gets_every_event_even_after_kill(receiver, tmp_path, monkeypatch):
    monkeypatch.setenv("HOOK_TOKEN", "hook-secret")
    server = Server(tmp_path)
    server.config.write_text(
        f'[status_events]\nwebhook = "{receiver.url}/hook"\nwebhook_token_env = "HOOK_TOKEN"\n'
    )
    receiver.refuses = True
    server.start()
    client = server.client()
    machine = client.create_state_machine(name="m", definition=FAIL, roleArn=ROLE)
    machine = machine["stateMachineArn"]
    execution = client.start_execution(stateMachineArn=machine, name="one", input='{"a": 1}')
    execution = execution["executionArn"]
    receiver.wait(lambda: receiver.requests)
    server.kill()
    receiver.refuses = False
    server.start()
    receiver.wait(lambda: len({event["id"] for event in receiver.taken()}) >= 2)
    events = list({event["id"]: event for event in receiver.taken()}.values())
    assert [event["detail"]["status"] for event in events] == ["RUNNING", "FAILED"]
    assert receiver.requests[0][0]["Authorization"] == "Bearer hook-secret"
    failed = events[1]
    assert failed["source"] == "aws.states"
    assert failed["detail-type"] == "Step Functions Execution Status Change"
    assert (failed["account"], failed["region"]) == (ACCOUNT, REGION)
    assert failed["resources"] == [execution]
    detail = failed["detail"]
    assert detail["executionArn"] == execution
    assert detail["stateMachineArn"] == machine
    assert (detail["error"], detail["cause"]) == ("E", "C")
    assert detail["input"] == '{"a": 1}'
    assert (detail["output"], detail["outputDetails"]) == (None, None)
    assert detail["redriveStatus"] == "REDRIVABLE"
    assert detail["redriveStatusReason"] == "Execution is FAILED and is redrivable"
    assert isinstance(detail["startDate"], int) and detail["stopDate"] >= detail["startDate"]
    assert server.stop() == 0
    assert "hook-secret" not in server.log.read_text()


def test_an_event_bus_gets_them_with_put_events(receiver, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", receiver.url)
    server = Server(tmp_path)
    server.config.write_text('[status_events]\nevent_bus = "default"\n')
    server.start()
    client = server.client()
    machine = client.create_state_machine(name="m", definition=PASS, roleArn=ROLE)
    client.start_execution(stateMachineArn=machine["stateMachineArn"])
    receiver.wait(lambda: len(receiver.taken()) >= 2)
    headers, body, _ = receiver.requests[1]
    assert headers["X-Amz-Target"] == "AWSEvents.PutEvents"
    (entry,) = body["Entries"]
    assert entry["Source"] == "aws.states"
    assert entry["DetailType"] == "Step Functions Execution Status Change"
    assert entry["EventBusName"] == "default"
    assert json.loads(entry["Detail"])["status"] == "SUCCEEDED"
    assert server.stop() == 0
