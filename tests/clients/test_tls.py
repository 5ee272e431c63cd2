"""A server with TLS: boto3, the AWS CLI, the AWS SDK for JavaScript and the program's own commands."""

import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import time

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config

from stepwell_server import BINARY, REGION, ROLE, Server, wait_for_end

PASS = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("tls"))
    server.config.write_text('[tls]\nself_signed = true\nnames = ["stepwell.example"]\n')
    server.start()
    assert server.url.startswith("https://")
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def authority(server):
    path = server.folder / "data" / "tls" / "ca.pem"
    line = server.process.stdout.readline().decode()
    assert line == f"clients trust it with AWS_CA_BUNDLE={path}\n"
    return path


def client(server, authority):
    return boto3.client(
        "stepfunctions",
        endpoint_url=server.url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        verify=authority if authority is True else str(authority),
        config=Config(retries={"max_attempts": 0}, inject_host_prefix=False),
    )


def test_boto3(server, authority):
    trusting = client(server, authority)
    machine = trusting.create_state_machine(name="boto3", definition=PASS, roleArn=ROLE)
    started = trusting.start_execution(stateMachineArn=machine["stateMachineArn"], input='"ü"')
    assert wait_for_end(trusting, started["executionArn"])["output"] == '"ü"'
    with pytest.raises(botocore.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        client(server, True).list_state_machines()


def test_the_aws_cli(server, authority):
    status, _, error = server.aws("list-state-machines")
    assert status != 0 and "SSL validation failed" in error
    status, output, error = server.aws("list-state-machines", "--ca-bundle", str(authority))
    assert status == 0 and "stateMachines" in output, error


def test_the_aws_sdk_for_javascript(server, authority):
    driver = pathlib.Path(__file__).parent / "driver.mjs"
    call = json.dumps({"operation": "ListStateMachines", "input": {}})

    def answer(**extra):
        done = subprocess.run(
            ["node", str(driver)],
            input=call + "\n",
            env={**os.environ, **server.environment(), **extra},
            capture_output=True,
            text=True,
        )
        return json.loads(done.stdout)

    assert "stateMachines" in answer(NODE_EXTRA_CA_CERTS=str(authority))["output"]
    assert "certificate" in answer()["message"]


def test_its_own_commands(server, authority):
    def cost(*arguments, **extra):
        return subprocess.run(
            [BINARY, "cost", "--json", "--endpoint", server.url, *arguments],
            env={**server.environment(), **extra},
            capture_output=True,
            text=True,
        )

    for done in [cost("--ca-bundle", str(authority)), cost(AWS_CA_BUNDLE=str(authority))]:
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["currency"] == "USD"
    for done in [cost(), cost("--ca-bundle", str(server.config))]:
        assert done.returncode != 0
        assert "--ca-bundle" in done.stderr or "CA bundle" in done.stderr, done.stderr


def test_protocols_and_names(server, authority):
    host, port = server.url.removeprefix("https://").split(":")

    def connect(context, name="localhost"):
        with socket.create_connection((host, int(port)), timeout=30) as plain:
            with context.wrap_socket(plain, server_hostname=name) as stream:
                return stream.version(), stream.selected_alpn_protocol()

    def context(protocols=()):
        context = ssl.create_default_context(cafile=str(authority))
        if protocols:
            context.set_alpn_protocols(protocols)
        return context

    assert connect(context()) == ("TLSv1.3", None)
    assert connect(context(["h2", "http/1.1"])) == ("TLSv1.3", "h2")
    for name in ["127.0.0.1", "sync-localhost", "stepwell.example", "sync-stepwell.example"]:
        assert connect(context(["http/1.1"]), name) == ("TLSv1.3", "http/1.1")
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(context(), "example.org")
    old = context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert connect(old)[0] == "TLSv1.2"
    strict = context()
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    assert connect(strict)[0] == "TLSv1.3"


def test_the_authority_stays_and_its_key_is_hidden(server, authority, tmp_path):
    key = authority.parent / "ca-key.pem"
    assert key.stat().st_mode & 0o077 == 0
    before = authority.read_bytes()
    assert server.stop() == 0
    server.start()
    server.process.stdout.readline()
    assert authority.read_bytes() == before
    client(server, authority).list_state_machines()


def test_functions_reach_the_api_without_the_certificate(tmp_path):
    server = Server(tmp_path, ["own_api"])
    with server.config.open("a") as config:
        config.write("[tls]\nself_signed = true\n")
    server.start()
    try:
        trusting = client(server, tmp_path / "data" / "tls" / "ca.pem")
        function = f"arn:aws:lambda:{REGION}:123456789012:function:own_api"
        task = {"Type": "Task", "Resource": function, "End": True}
        definition = json.dumps({"StartAt": "T", "States": {"T": task}})
        machine = trusting.create_state_machine(name="own", definition=definition, roleArn=ROLE)
        started = trusting.start_execution(stateMachineArn=machine["stateMachineArn"])
        ended = wait_for_end(trusting, started["executionArn"])
        assert ended["status"] == "SUCCEEDED", ended
        assert json.loads(ended["output"]) == ["own"]
    finally:
        assert server.stop() == 0


def make_pair(folder, name):
    """A certificate that vouches for itself, by OpenSSL."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        + ["-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
        + ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True,
        capture_output=True,
    )
    return (folder / "cert.pem").read_bytes()


@pytest.mark.parametrize("how", ["signal", "change"])
def test_certificates_in_files_are_read_again(tmp_path, how):
    server = Server(tmp_path)
    first = make_pair(tmp_path, "first")
    server.config.write_text('[tls]\ncertificate = "cert.pem"\nprivate_key = "key.pem"\n')
    server.start()
    port = int(server.url.split(":")[-1])

    def shown():
        return ssl.get_server_certificate(("127.0.0.1", port), timeout=30).strip().encode()

    try:
        client(server, tmp_path / "cert.pem").list_state_machines()
        assert shown() == first.strip()
        second = make_pair(tmp_path, "second")
        end = time.monotonic() + 60
        while shown() != second.strip():
            assert time.monotonic() < end, server.log.read_text()
            if how == "signal":
                server.process.send_signal(signal.SIGHUP)
        client(server, tmp_path / "cert.pem").list_state_machines()
        # One that is no good changes nothing.
        (tmp_path / "key.pem").write_text("nothing")
        server.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 60
        while "the TLS certificate stays as it was" not in server.log.read_text():
            assert time.monotonic() < end
        assert shown() == second.strip()
    finally:
        assert server.stop() == 0
