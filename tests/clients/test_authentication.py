"""A server with access keys: boto3 and the AWS CLI with right and wrong secrets."""

import datetime
import json
import subprocess
import urllib.error
import urllib.request

import boto3
import botocore.auth
import botocore.exceptions
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from stepwell_server import BINARY, REGION, ROLE, Server, arn, wait_for_end

PASS = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
ROLES = ["admin", "operator", "worker", "reader"]
OTHER_ACCOUNT = "210987654321"


def secret(user):
    return f"{user}/Secret+of{user}="


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signed")
    server = Server(folder)
    (folder / "reader.secret").write_text(secret("reader") + "\n")
    text = ""
    for user in [*ROLES, "other", "temporary"]:
        role = user if user in ROLES else "admin"
        text += f'[[access_keys]]\nid = "AKID{user.upper()}"\nrole = "{role}"\n'
        text += f'user = "{user}"\n'
        text += 'secret_file = "reader.secret"\n' if user == "reader" else f'secret = "{secret(user)}"\n'
        if user == "other":
            text += f'account = "{OTHER_ACCOUNT}"\n'
        if user == "temporary":
            text += 'session_token = "a/token+=="\n'
    server.config.write_text(text)
    server.start()
    yield server
    assert server.stop() == 0
    log = server.log.read_text()
    assert not [user for user in [*ROLES, "other"] if secret(user) in log]
    assert "a/token" not in log


def client(server, user, wrong=None, token=None):
    return boto3.client(
        "stepfunctions",
        endpoint_url=server.url,
        region_name=REGION,
        aws_access_key_id=f"AKID{user.upper()}",
        aws_secret_access_key=wrong or secret(user),
        aws_session_token=token,
        config=Config(retries={"max_attempts": 0}, inject_host_prefix=False),
    )


def refused(call, code, message=None):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    error = caught.value.response
    assert error["Error"]["Code"] == code
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    if message:
        assert error["Error"]["Message"] == message


def test_right_secrets(server):
    admin = client(server, "admin")
    machine = admin.create_state_machine(name="signed", definition=PASS, roleArn=ROLE)
    machine = machine["stateMachineArn"]
    execution = client(server, "operator").start_execution(
        stateMachineArn=machine, input='"Grüße, 🙂"'
    )["executionArn"]
    description = wait_for_end(client(server, "reader"), execution)
    assert description["output"] == '"Grüße, 🙂"'
    other = client(server, "other").create_activity(name="a")
    assert other["activityArn"].split(":")[4] == OTHER_ACCOUNT
    assert client(server, "temporary", token="a/token+==").list_activities()["activities"] == []


def test_wrong_secrets(server):
    refused(
        client(server, "admin", wrong="wrong").list_activities,
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your"
        " AWS Secret Access Key and signing method. Consult the service documentation for details.",
    )
    for unknown in [
        client(server, "nobody"),
        client(server, "temporary"),
        client(server, "temporary", token="another"),
        client(server, "admin", token="any"),
    ]:
        refused(
            unknown.list_activities,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        )


def test_roles(server):
    machine = arn("stateMachine", "signed")
    refused(
        lambda: client(server, "reader").start_execution(stateMachineArn=machine),
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/reader is not authorized to perform: "
        f"states:StartExecution on resource: {machine} because no identity-based policy allows "
        "the states:StartExecution action",
    )
    refused(
        lambda: client(server, "worker").describe_state_machine(stateMachineArn=machine),
        "AccessDeniedException",
    )
    refused(
        lambda: client(server, "operator").delete_state_machine(stateMachineArn=machine),
        "AccessDeniedException",
    )
    refused(
        lambda: client(server, "other").describe_state_machine(stateMachineArn=machine),
        "AccessDeniedException",
    )


def test_a_clock_that_is_wrong(server, monkeypatch):
    def late(remove_tzinfo=True):
        now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=6)
        return now.replace(tzinfo=None) if remove_tzinfo else now

    monkeypatch.setattr(botocore.auth, "get_current_datetime", late)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client(server, "admin").list_activities()
    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidSignatureException"
    assert error["Message"].startswith("Signature expired: ")
    assert error["Message"].endswith(" - 5 min.)")


def test_requests_without_signature(server):
    request = urllib.request.Request(
        server.url,
        data=b"{}",
        headers={
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "AWSStepFunctions.ListActivities",
        },
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    body = json.loads(caught.value.read())
    assert body["__type"].endswith("#MissingAuthenticationTokenException")
    assert urllib.request.urlopen(server.url + "/healthz").status == 200


def test_presigned_requests(server):
    def ask(user, wrong=None):
        request = AWSRequest(
            "POST",
            server.url + "/",
            headers={
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": "AWSStepFunctions.ListActivities",
            },
        )
        key = Credentials(f"AKID{user.upper()}", wrong or secret(user))

        class Signer(botocore.auth.SigV4QueryAuth):
            def payload(self, request):
                return botocore.auth.sha256(b"{}").hexdigest()

        Signer(key, "states", REGION, expires=60).add_auth(request)
        prepared = request.prepare()
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "AWSStepFunctions.ListActivities",
        }
        sent = urllib.request.Request(prepared.url, data=b"{}", headers=headers)
        return json.loads(urllib.request.urlopen(sent).read())

    assert ask("reader") == {"activities": []}
    with pytest.raises(urllib.error.HTTPError):
        ask("reader", wrong="wrong")


def test_the_aws_cli(server):
    def aws(user, secret, *arguments):
        environment = {
            **server.environment(),
            "AWS_ACCESS_KEY_ID": f"AKID{user.upper()}",
            "AWS_SECRET_ACCESS_KEY": secret,
        }
        command = ["aws", "stepfunctions", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    done = aws("reader", secret("reader"), "list-activities")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"activities": []}), done.stderr
    done = aws("reader", "wrong", "list-activities")
    assert "(InvalidSignatureException) when calling the ListActivities" in done.stderr
    done = aws("reader", secret("reader"), "create-activity", "--name", "x")
    assert "(AccessDeniedException) when calling the CreateActivity operation: User: arn" in done.stderr
    done = aws("reader", secret("reader"), "list-activities", "--no-sign-request")
    assert "(MissingAuthenticationTokenException)" in done.stderr


def test_stepwell_itself_signs(server):
    machine = client(server, "admin").create_state_machine(
        name="shown", definition=PASS, roleArn=ROLE
    )["stateMachineArn"]
    execution = client(server, "operator").start_execution(stateMachineArn=machine)["executionArn"]
    wait_for_end(client(server, "reader"), execution)
    command = [BINARY, "history", "--endpoint", server.url, execution]
    environment = {
        **server.environment(),
        "AWS_ACCESS_KEY_ID": "AKIDREADER",
        "AWS_SECRET_ACCESS_KEY": secret("reader"),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "ExecutionSucceeded" in done.stdout
    environment["AWS_SECRET_ACCESS_KEY"] = "wrong"
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "InvalidSignatureException" in done.stderr
