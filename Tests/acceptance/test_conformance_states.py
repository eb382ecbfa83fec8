# SPDX-License-Identifier: Apache-2.0
"""What may be done with a function while it is Pending, and while an update of it is InProgress."""

import json
import socket
import threading

import pytest

from harness import PYTHON, ROLE, zip_of
from refusals import refusal, status
from test_code_store import SECRET, Bucket, Relay

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
CONFLICT = 409, "ResourceConflictException"
NOT_NOW = "The operation cannot be performed at this time. "
PENDING = (*CONFLICT, NOT_NOW + "The function is currently in the following state: Pending")
CREATING = "The function is being created."


class Gate(Relay):
    """Lets everything through to the object store, but no reading of code while it is shut."""

    def __init__(self, url):
        self.passage = threading.Event()
        self.passage.set()
        super().__init__(url)

    def _copy(self, source, sink):
        try:
            while data := source.recv(65536):
                if data.startswith(b"GET ") and b".code " in data.split(b"\r\n", 1)[0]:
                    self.passage.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.fixture(scope="module")
def gate(object_store):
    gate = Gate(object_store.url)
    yield gate
    gate.passage.set()
    gate.down()


@pytest.fixture
def server(make_server, object_store, gate):
    """A server that can't read code while the gate is shut, and so activates nothing."""
    server = make_server(*Bucket(object_store).options(gate.url), env=SECRET)
    yield server
    gate.passage.set()


def code(word):
    return zip_of({"app.py": f"def handler(event, context): return {word!r}"})


def changes(client, name):
    """What is refused while something is under way."""
    return [
        lambda: client.update_function_code(FunctionName=name, ZipFile=code("new")),
        lambda: client.update_function_configuration(FunctionName=name, Timeout=20),
        lambda: client.publish_version(FunctionName=name)]


def settle(client, name):
    for waiter in ("function_active_v2", "function_updated_v2"):
        client.get_waiter(waiter).wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})


def test_while_a_function_is_pending(server, gate, name):
    client = server.client()
    gate.passage.clear()
    client.create_function(
        FunctionName=name, Runtime=PYTHON, Handler="app.handler", Role=ROLE, Code={"ZipFile": code("first")}, Timeout=30)
    for change in changes(client, name):
        assert refusal(change) == PENDING
    for call, arguments in [
            (client.invoke, {}), (client.invoke_async, {"InvokeArgs": b"{}"}), (client.invoke_with_response_stream, {}),
            (client.invoke, {"InvocationType": "Event"}), (client.invoke, {"InvocationType": "DryRun"})]:
        assert refusal(call, FunctionName=name, **arguments) == PENDING
    # It can be read, tagged, granted, and deleted.
    shown = client.get_function_configuration(FunctionName=name)
    assert (shown["State"], shown["StateReason"], shown["StateReasonCode"]) == ("Pending", CREATING, "Creating")
    assert "LastUpdateStatus" not in shown
    client.tag_resource(Resource=ARN + name, Tags={"a": "b"})
    client.add_permission(FunctionName=name, StatementId="s", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    gate.passage.set()
    settle(client, name)
    assert client.get_function_configuration(FunctionName=name)["RevisionId"] != shown["RevisionId"]
    assert server.invoke(name) == "first"


def test_a_function_that_is_pending_can_be_deleted(server, gate, name):
    client = server.client()
    gate.passage.clear()
    client.create_function(
        FunctionName=name, Runtime=PYTHON, Handler="app.handler", Role=ROLE, Code={"ZipFile": code("first")})
    assert status(client.delete_function(FunctionName=name)) == 204
    gate.passage.set()
    server.deploy(name, {"app.py": "def handler(event, context): return 'second'"})
    assert server.invoke(name) == "second"


def test_while_an_update_is_in_progress(server, gate, name):
    client = server.client()
    server.deploy(name, {"app.py": "def handler(event, context): return 'first'"})
    gate.passage.clear()
    client.update_function_code(FunctionName=name, ZipFile=code("second"))
    busy = (*CONFLICT, f"{NOT_NOW}An update is in progress for resource: {ARN}{name}")
    for change in changes(client, name):
        assert refusal(change) == busy
    shown = client.get_function_configuration(FunctionName=name)
    assert (shown["State"], shown["LastUpdateStatus"]) == ("Active", "InProgress")
    assert (shown["LastUpdateStatusReason"], shown["LastUpdateStatusReasonCode"]) == (CREATING, "Creating")
    # The old code runs meanwhile.
    assert server.invoke(name) == "first"
    gate.passage.set()
    settle(client, name)
    assert json.loads(client.invoke(FunctionName=name)["Payload"].read()) == "second"
