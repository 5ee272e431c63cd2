import itertools

import pytest

from stepwell_server import ROLE, Server

FUNCTIONS = ["double", "echo", "fail_once", "refuse", "slow", "keep_token"]


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for all tests that do not kill theirs."""
    server = Server(tmp_path_factory.mktemp("server"), FUNCTIONS, "timeout_seconds = 30")
    server.start()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="session")
def client(server):
    return server.client()


@pytest.fixture(scope="session")
def moto():
    """The address of a server that stands in for AWS's services. What is made there stays."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def new_name():
    numbers = itertools.count(1)
    return lambda prefix="machine": f"{prefix}-{next(numbers)}"


@pytest.fixture(scope="session")
def create(client, new_name):
    """Creates a state machine from a definition, and answers with its ARN."""
    import json

    def create(definition, kind="STANDARD", **members):
        answer = client.create_state_machine(
            name=members.pop("name", None) or new_name(),
            definition=definition if isinstance(definition, str) else json.dumps(definition),
            roleArn=ROLE,
            type=kind,
            **members,
        )
        return answer["stateMachineArn"]

    return create
