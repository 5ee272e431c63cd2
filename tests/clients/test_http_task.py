"""HTTP Tasks call a web server, authorized by a connection of the configuration."""

import http.server
import json
import threading

import pytest

from stepwell_server import ROLE, Server, wait_for_end

CONNECTION = "arn:aws:events:us-east-1:123456789012:connection/web/1"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        authorized = self.headers["x-key"] == "hush"
        answer = json.dumps({"path": self.path, "body": body}).encode()
        self.send_response(200 if authorized else 403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def web():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def http_client(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("http"))
    server.config.write_text(
        '[connections.web]\napi_key = { name = "X-Key", value = "hush" }\nquery = { k = "hidden" }\n'
        '[http]\nallow_http = ["127.0.0.1"]\n'
    )
    server.start()
    yield server.client()
    assert server.stop() == 0


def state(web, connection=CONNECTION):
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::http:invoke",
        "Parameters": {
            "ApiEndpoint": web + "/orders?a=1",
            "Method": "POST",
            "InvocationConfig": {"ConnectionArn": connection},
            "RequestBody.$": "$",
        },
        "End": True,
    }


def test_execution(http_client, web):
    machine = http_client.create_state_machine(
        name="http",
        roleArn=ROLE,
        definition=json.dumps({"StartAt": "H", "States": {"H": state(web)}}),
    )["stateMachineArn"]
    started = http_client.start_execution(stateMachineArn=machine, input='{"x": 1}')
    description = wait_for_end(http_client, started["executionArn"])
    output = json.loads(description["output"])
    assert output["StatusCode"] == 200
    assert output["ResponseBody"] == {"path": "/orders?a=1&k=hidden", "body": '{"x":1}'}
    history = http_client.get_execution_history(executionArn=started["executionArn"])
    shown = json.dumps(history, default=str)
    assert "http" in shown and "hush" not in shown


@pytest.mark.parametrize("reveal", [False, True])
def test_trace(http_client, web, reveal):
    answer = http_client.test_state(
        definition=json.dumps(state(web)),
        roleArn=ROLE,
        input='{"x": 1}',
        inspectionLevel="TRACE",
        revealSecrets=reveal,
    )
    assert answer["status"] == "SUCCEEDED"
    data = answer["inspectionData"]
    own = "User-Agent: Amazon|StepFunctions|HttpInvoke|us-east-1, Range: bytes=0-262144]"
    assert data["request"] == {
        "protocol": "http",
        "method": "POST",
        "url": web + "/orders?a=1" + ("&k=hidden" if reveal else ""),
        "headers": ("[X-Key: hush, " if reveal else "[") + own,
        "body": '{"x":1}',
    }
    response = data["response"]
    assert (response["protocol"], response["statusCode"], response["statusMessage"]) == (
        "http",
        "200",
        "OK",
    )
    assert "content-type: application/json" in response["headers"]
    assert json.loads(response["body"])["path"] == "/orders?a=1&k=hidden"


def test_undeclared_connection(http_client, web):
    other = CONNECTION.replace("web", "other")
    answer = http_client.test_state(
        definition=json.dumps(state(web, other)), roleArn=ROLE, input="{}"
    )
    assert answer["error"] == "Events.ConnectionResource.ResourceNotFound"
    assert "[connections.other] in stepwell.toml" in answer["cause"]
