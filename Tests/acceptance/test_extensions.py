# SPDX-License-Identifier: Apache-2.0
"""Internal extensions: a thread of the runtime that registers, hears of invocations, and has its share in their time."""

import base64
import json
import pathlib
import time

import lambda_sigterm
import urllib3
from harness import wait_until

CODE = """
import http.client, json, os, signal, sys, threading, time
API = os.environ["AWS_LAMBDA_RUNTIME_API"]
BASE = "/2020-01-01/extension/"

def call(method, path, headers=None, body=None):
    connection = http.client.HTTPConnection(API)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read().decode()

def register(name, events, **headers):
    return call("POST", BASE + "register", {"Lambda-Extension-Name": name, **headers}, json.dumps({"events": events}))

refused = [register("inner", ["SHUTDOWN"])[::2], register("inner", ["NONE"])[::2], register("", [])[::2],
           call("GET", BASE + "event/next")[::2],
           call("GET", BASE + "event/next", {"Lambda-Extension-Identifier": "x"})[::2]]
status, headers, body = register("inner", ["INVOKE"], **{"Lambda-Extension-Accept-Feature": "accountId"})
identifier = headers["Lambda-Extension-Identifier"]
registration = [status, json.loads(body)]
events = []

def listen():
    while True:
        status, headers, body = call("GET", BASE + "event/next", {"Lambda-Extension-Identifier": identifier})
        events.append([status, "Lambda-Extension-Event-Identifier" in headers, json.loads(body)])
        time.sleep(float(os.environ["EXTENSION_WORK"]))

threading.Thread(target=listen, daemon=True).start()

def ended(signum, frame):
    print("the runtime was asked to end", flush=True)
    os._exit(0)

signal.signal(signal.SIGTERM, ended)

def handler(event, context):
    if event.get("late"):
        return register("late", [])[::2]
    deadline = time.monotonic() + 20
    while not events and time.monotonic() < deadline:
        time.sleep(0.005)
    return {"refused": refused, "registration": registration, "events": events, "id": context.aws_request_id,
            "arn": context.invoked_function_arn}
"""


def deploy(server, name, work, timeout=60):
    server.deploy(
        name, CODE, Timeout=timeout, MemorySize=1024, Environment={"Variables": {"EXTENSION_WORK": str(work)}})


def logged(server, name, text, seconds=60):
    """Waits until the function's log has that text."""
    wait_until(lambda: any(text in message for _, message in server.log(name)), seconds, f"{text!r} in the log")


def ended(server, name, text):
    """Ends environments until one has written that: it has 0.6 s, of which a busy machine may leave it little."""
    for number in range(5):
        server.invoke(name, {})
        server.client().update_function_configuration(FunctionName=name, Description=f"another revision {number}")
        server.client().get_waiter("function_updated_v2").wait(FunctionName=name)
        try:
            return logged(server, name, text, 12)
        except AssertionError:
            continue
    raise AssertionError(f"{text!r} is not in the log")


def test_an_internal_extension_registers_and_hears_of_invocations(server, name):
    deploy(server, name, 0)
    body = server.invoke(name, {})
    errors = [(status, json.loads(text)["errorType"]) for status, text in body["refused"]]
    assert errors == [
        (403, "Extension.InvalidEventType"), (403, "Extension.InvalidEventType"),
        (403, "Extension.InvalidExtensionName"), (403, "Extension.MissingExtensionIdentifier"),
        (403, "Extension.InvalidExtensionIdentifier")]
    assert body["registration"] == [200, {
        "functionName": name, "functionVersion": "$LATEST", "handler": "app.handler", "accountId": "000000000000"}]
    (status, has_identifier, event), = body["events"]
    assert (status, has_identifier, event["eventType"]) == (200, True, "INVOKE")
    assert (event["requestId"], event["invokedFunctionArn"]) == (body["id"], body["arn"])
    assert 0 < event["deadlineMs"] / 1000 - time.time() <= 60
    status, text = server.invoke(name, {"late": True})
    assert (status, json.loads(text)["errorType"]) == (403, "Extension.RegistrationClosed")


def test_an_extensions_work_is_billed_and_the_answer_does_not_wait_for_it(server, name):
    deploy(server, name, 4)
    # The first one starts the environment; on a busy machine others may be late too, but not all as late as the extension.
    took = []
    while not took or (min(took) >= 3.9 and len(took) < 6):
        began = time.monotonic()
        server.invoke(name, {}, LogType="None")
        took.append(time.monotonic() - began)
    assert min(took) < 3.9, took
    answer = server.client().invoke(FunctionName=name, Payload=b"{}", LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert float(tail.split("\tDuration: ")[1].split(" ms")[0]) >= 3990
    assert int(tail.split("Billed Duration: ")[1].split(" ms")[0]) >= 1490


def test_an_extension_that_overruns_the_timeout_does_not_take_the_answer_back(server, name):
    deploy(server, name, 60, timeout=8)
    assert server.invoke(name, {}, LogType="None")["events"]
    logged(server, name, "Status: timeout")
    # The environment was reset: globals are new, and so is the registration.
    assert len(server.invoke(name, {}, LogType="None")["events"]) == 1


def test_a_runtime_with_an_extension_is_asked_before_it_is_killed(server, name):
    deploy(server, name, 0)
    ended(server, name, "the runtime was asked to end")


PUBLISHED_CLIENT = """
import os, signal
import lambda_sigterm

def ended(signum, frame):
    print("asked to end", flush=True)
    os._exit(0)

signal.signal(signal.SIGTERM, ended)
lambda_sigterm.register()

def handler(event, context):
    return "answered"
"""


def test_an_extension_client_from_pypi_unmodified(server, name):
    """lambda-sigterm registers for no event at all, with the one purpose that the runtime hears of its end."""
    files = {"app.py": PUBLISHED_CLIENT}
    for package in (lambda_sigterm, urllib3):
        directory = pathlib.Path(package.__file__).parent
        for path in directory.rglob("*.py"):
            files[str(path.relative_to(directory.parent))] = path.read_text()
    server.deploy(name, files, MemorySize=1024)
    for _ in range(2):
        assert server.invoke(name, {}) == "answered"
    logged(server, name, "EXTENSION\tName: lambda-sigterm\tState: Ready\tEvents: []")
    ended(server, name, "asked to end")
