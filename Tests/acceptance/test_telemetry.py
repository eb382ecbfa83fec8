# SPDX-License-Identifier: Apache-2.0
"""The Telemetry API and the Logs API, as an extension inside a function sees them."""

import json
import pathlib
import re
import time

import pytest

from extension_programs import layer_of
from harness import wait_until

EXTENSION = (pathlib.Path(__file__).parent / "telemetry_extension.py").read_text()
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def deploy(server, name, source, **settings):
    files = {"telemetry_extension.py": EXTENSION, "app.py": "from telemetry_extension import *\n" + source}
    server.deploy(name, files, **{"MemorySize": 1792, "Timeout": 60, **settings})


def of(events, kind):
    return [event["record"] for event in events if event["type"] == kind]


def resident_kib(server):
    """The server's own memory."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))


PLATFORM = """
print("written before the subscription", flush=True)
identifier = register("inner", ["INVOKE"])
listener = Listener(8080)
small = {"buffering": {"timeoutMs": 25}}
answer = subscribe(identifier, subscription(8080, %(version)r, path="/batches?of=events", **small), %(api)r)
again = subscribe(identifier, subscription(8080, %(version)r, path="/batches?of=events", **small), %(api)r)
wait_for_events(identifier)

def handler(event, context):
    if event.get("fail"):
        raise ValueError("asked for")
    print("hello from the function", flush=True)
    listener.wait(lambda events: has(events, event["wait"], event.get("count", 1)))
    return {"answers": [answer, again], "events": listener.events, "head": listener.heads[0], "id": context.aws_request_id}
"""


@pytest.mark.parametrize("version", ["2022-07-01", "2022-12-13", "2025-01-29"])
def test_every_event_of_the_telemetry_api(server, name, version):
    deploy(server, name, PLATFORM % {"version": version, "api": "/2022-07-01/telemetry/"})
    first = server.invoke(name, {"wait": "function", "count": 2})
    assert first["answers"] == [[200, "OK"], [200, "AlreadySubscribed"]]
    assert first["head"][0] == "POST /batches?of=events HTTP/1.1"
    assert "Host: sandbox.localdomain:8080" in first["head"] and "Content-Type: application/json" in first["head"]
    second = server.invoke(name, {"wait": "platform.start", "count": 2})
    events = second["events"]
    assert [event["type"] for event in events if event["type"] != "function"][:7] == [
        "platform.initStart", "platform.telemetrySubscription", "platform.telemetrySubscription",
        "platform.initRuntimeDone", "platform.extension", "platform.initReport", "platform.start"]
    for event in events:
        assert set(event) == {"time", "type", "record"} and TIME.fullmatch(event["time"])
    start, = of(events, "platform.initStart")
    assert start.pop("runtimeVersion").startswith("python:") and start.pop("runtimeVersionArn").startswith("arn:")
    named = {} if version == "2022-07-01" else {"functionName": name, "functionVersion": "$LATEST"}
    assert start == {"initializationType": "on-demand", "phase": "init", **named}
    assert of(events, "platform.telemetrySubscription") == [
        {"name": "inner", "state": state, "types": ["platform", "function", "extension"]}
        for state in ("Subscribed", "Already subscribed")]
    assert of(events, "platform.initRuntimeDone") == [
        {"initializationType": "on-demand", "phase": "init", "status": "success"}]
    assert of(events, "platform.extension") == [{"name": "inner", "state": "Ready", "events": ["INVOKE"]}]
    report, = of(events, "platform.initReport")
    assert report.pop("metrics")["durationMs"] > 0
    status = {} if version == "2022-07-01" else {"status": "success"}
    assert report == {"initializationType": "on-demand", "phase": "init", **status}
    assert of(events, "platform.start") == [
        {"requestId": identifier, "version": "$LATEST"} for identifier in (first["id"], second["id"])]
    assert of(events, "function")[:2] == ["written before the subscription", "hello from the function"]
    done, = of(events, "platform.runtimeDone")
    assert (done["requestId"], done["status"]) == (first["id"], "success")
    assert done["metrics"]["producedBytes"] > 0 and done["metrics"]["durationMs"] > 0
    assert {"responseLatency", "runtimeOverhead"} <= {span["name"] for span in done["spans"]}
    report, = of(events, "platform.report")
    assert (report["requestId"], report["status"]) == (first["id"], "success")
    assert set(report["metrics"]) == {
        "durationMs", "billedDurationMs", "memorySizeMB", "maxMemoryUsedMB", "initDurationMs"}
    assert not of(events, "platform.end") and not of(events, "platform.fault")
    # Lambda's own log has all of it as well.
    log = "".join(message for _, message in server.log(name))
    assert "TELEMETRY\tName: inner\tState: Subscribed\tTypes: [Platform, Function, Extension]" in log
    assert "EXTENSION\tName: inner\tState: Ready\tEvents: [INVOKE]" in log
    assert "hello from the function" in log


def test_an_error_is_told(server, name):
    deploy(server, name, PLATFORM % {"version": "2022-12-13", "api": "/2022-07-01/telemetry"})
    server.fail(name, {"fail": True})
    events = server.invoke(name, {"wait": "platform.report"})["events"]
    done, report = of(events, "platform.runtimeDone")[0], of(events, "platform.report")[0]
    assert (done["status"], report["status"]) == ("error", "error")
    assert done["errorType"] == report["errorType"]


@pytest.mark.parametrize("version", ["2020-08-15", "2021-03-18"])
def test_every_event_of_the_logs_api(server, name, version):
    deploy(server, name, PLATFORM % {"version": version, "api": "/2020-08-15/logs"})
    first = server.invoke(name, {"wait": "function", "count": 2})
    assert first["answers"] == [[200, "OK"], [200, "AlreadySubscribed"]]
    second = server.invoke(name, {"wait": "platform.report"})
    events = second["events"]
    types = {event["type"] for event in events}
    done = {"platform.runtimeDone"} if version == "2021-03-18" else set()
    assert types == done | {"platform.logsSubscription", "platform.extension", "platform.start", "platform.end",
                            "platform.report", "function"}
    assert of(events, "platform.logsSubscription")[0] == {
        "name": "inner", "state": "Subscribed", "types": ["platform", "function", "extension"]}
    assert of(events, "platform.end") == [{"requestId": first["id"]}]
    report, = of(events, "platform.report")
    assert set(report) == {"requestId", "metrics"}
    if done:
        assert of(events, "platform.runtimeDone") == [{"requestId": first["id"], "status": "success"}]
    assert "LOGS\tName: inner\tState: Subscribed\tTypes: [Platform, Function, Extension]" in "".join(
        message for _, message in server.log(name))


REFUSALS = """
import socket
identifier = register("inner")
def http(uri):
    return {"schemaVersion": "2022-12-13", "types": ["platform"], "destination": {"protocol": "HTTP", "URI": uri}}
good = subscription(8080)
answers = [subscribe(identifier, body) for body in [
    "{", "[]", {**good, "extensionName": "x"}, {"types": []}, {"destination": good["destination"]},
    {**good, "types": ["logs"]}, {**good, "types": ["platform.start"]}, {**good, "types": []},
    {**good, "schemaVersion": "2020-08-15"}, {**good, "schemaVersion": "2021-01-01"},
    {key: value for key, value in good.items() if key != "schemaVersion"},
    {**good, "buffering": {"maxItems": 999}}, {**good, "buffering": {"maxBytes": 1}},
    {**good, "buffering": {"timeoutMs": 30001}}, {**good, "buffering": {"timeoutMs": "25"}},
    {**good, "destination": {"protocol": "UDP"}}, {**good, "destination": {"protocol": "TCP"}},
    http("http://sandbox.localdomain"), http("http://sandbox.localdomain:9001/x"), http("http://127.0.0.1:8080"),
    http("https://sandbox.localdomain:8080"), {**good, "x" * 70000: 1}]]
strangers = [subscribe(who, good) for who in ("", "x", "00000000-0000-4000-8000-000000000000")]
first = subscribe(identifier, {**good, "schemaVersion": "2020-08-15"}, "/2020-08-15/logs")
other = subscribe(identifier, good)
methods = [call(method, "/2022-07-01/telemetry", {"Lambda-Extension-Identifier": identifier})[0] for method in ("GET", "POST")]
unknown = [call("PUT", path, {"Lambda-Extension-Identifier": identifier})[0] for path in ("/2022-07-01/telemetries", "/2022-07-01/logs")]
wait_for_events(identifier)

def handler(event, context):
    return {"answers": answers, "strangers": strangers, "first": first, "other": other, "methods": methods, "unknown": unknown,
            "late": [subscribe(identifier, good), subscribe(identifier, good, "/2020-08-15/logs")],
            "names": [socket.gethostbyname(name) for name in ("sandbox.localdomain", "sandbox")]}
"""


def test_refusals_have_awss_types_and_texts(server, name):
    deploy(server, name, REFUSALS)
    result = server.invoke(name, {})
    told = [(status, body["errorType"], body["errorMessage"]) for status, body in result["answers"]]
    malformed, invalid, denied = (
        "Telemetry.DeserializationError", "Telemetry.ValidationError", "Telemetry.AccessDenied")
    expected = [
        (400, malformed, ""), (400, malformed, ""),
        (400, malformed, "unknown field `extensionName`, expected one of `schemaVersion`, `types`, `buffering`, `destination`"),
        (400, malformed, "missing field `destination`"), (400, malformed, "missing field `types`"),
        (400, malformed, "unknown variant `logs`, expected one of `platform.start`, "),
        (400, invalid, "Unrecognized enum variant"), (400, invalid, "types should not be empty"),
        (400, invalid, "TelemetryAPI only supports the SchemaVersion released after 2021-03-18"),
        (400, malformed, "unknown variant `2021-01-01`, expected one of `2020-08-15`, "),
        (400, invalid, "TelemetryAPI only supports the SchemaVersion released after 2021-03-18"),
        (400, invalid, "maxItems should be between 1000 and 10000"),
        (400, invalid, "maxBytes should be between 262144 and 1048576"),
        (400, invalid, "timeoutMs should be between 25 and 30000"), (400, malformed, "invalid type for `timeoutMs`"),
        (400, malformed, "unknown variant `UDP`, expected one of `HTTP`, `TCP`"),
        (400, malformed, "missing field `port`"), (400, invalid, "URI port is not provided"),
        (400, invalid, "port 9001 is reserved"), (403, denied, "Only 'sandbox.localdomain' hostname is supported."),
        (403, denied, "Only 'http' scheme is supported."), (400, malformed, "the body is too large")]
    assert len(told) == len(expected)
    for (status, kind, text), (expected_status, expected_kind, expected_text) in zip(told, expected):
        assert (status, kind) == (expected_status, expected_kind) and text.startswith(expected_text), text
    assert [(status, body["errorType"]) for status, body in result["strangers"]] == [
        (403, "Extension.MissingExtensionIdentifier"), (403, "Extension.InvalidExtensionIdentifier"),
        (403, "Extension.UnknownExtensionIdentifier")]
    assert result["first"] == [200, "OK"]
    assert result["other"] == [400, {
        "errorType": "Telemetry.AccessDenied",
        "errorMessage": "The extension inner is already subscribed to the LogsAPI. "
                        "You must either subscribe to the LogsAPI or the TelemetryAPI"}]
    assert result["late"] == [
        [403, {"errorType": f"{api}.SubscriptionClosed", "errorMessage": f"{api} API subscription is closed already"}]
        for api in ("Telemetry", "Logs")]
    assert result["methods"] == [405, 405] and result["unknown"] == [404, 404]
    assert result["names"] == ["127.0.0.1", "127.0.0.1"]


TCP = """
identifier = register("inner")
listener = Listener(7000, lambda connection: listener.lines(connection))
answer = subscribe(identifier, {"schemaVersion": "2022-07-01", "types": ["function"], "buffering": {"timeoutMs": 25},
                                "destination": {"protocol": "TCP", "port": 7000}})
wait_for_events(identifier)

def handler(event, context):
    print("one", flush=True)
    print("zwei \\u00e4", flush=True)
    listener.wait(lambda events: has(events, "function", 2))
    return {"answer": answer, "events": listener.events, "connections": listener.connections}
"""


def test_delivery_over_tcp(server, name):
    deploy(server, name, TCP)
    result = server.invoke(name, {})
    assert result["answer"] == [200, "OK"]
    assert [(event["type"], event["record"]) for event in result["events"]] == [
        ("function", "one"), ("function", "zwei \u00e4")]
    assert server.invoke(name, {})["connections"] == 1


BUFFERING = """
import sys
identifier = register("inner")
settings = json.loads(os.environ["BUFFERING"])
listener = Listener(8080)
assert subscribe(identifier, subscription(8080, types=["function"], buffering=settings))[0] == 200
wait_for_events(identifier)

def handler(event, context):
    began = time.time()
    for turn in range(event.get("turns", 1)):
        lines = range(turn * event["lines"], (turn + 1) * event["lines"])
        sys.stdout.write("".join("%05d " % n + "x" * event["size"] + "\\n" for n in lines))
        sys.stdout.flush()
        listener.wait(lambda events: len(events) >= (turn + 1) * event["expect"])
    return {"batches": [[at - began, len(batch), length] for at, batch, length in listener.batches],
            "order": [int(event["record"][:5]) for event in listener.events], "connections": listener.connections}
"""


def test_a_batch_is_sent_after_its_time(server, name):
    deploy(server, name, BUFFERING, Environment={"Variables": {"BUFFERING": json.dumps({"timeoutMs": 1500})}})
    result = server.invoke(name, {"lines": 10, "size": 10, "expect": 10})
    (after, count, _), = result["batches"]
    # The least and the most that can be set are 25 ms and 30 s.
    assert count == 10 and 1.4 <= after <= 20


def test_a_batch_is_sent_when_it_has_its_items(server, name):
    settings = {"maxItems": 1000, "timeoutMs": 30000}
    deploy(server, name, BUFFERING, Environment={"Variables": {"BUFFERING": json.dumps(settings)}})
    # The buffer holds one batch beside the one on its way: what is written before that has gone may be lost.
    result = server.invoke(name, {"turns": 2, "lines": 1000, "size": 10, "expect": 1000})
    assert [count for _, count, _ in result["batches"]] == [1000, 1000]
    assert result["order"] == list(range(2000)) and result["connections"] == 1


def test_a_batch_is_sent_when_it_has_its_bytes(server, name):
    settings = {"maxBytes": 262144, "timeoutMs": 30000}
    deploy(server, name, BUFFERING, Environment={"Variables": {"BUFFERING": json.dumps(settings)}})
    result = server.invoke(name, {"lines": 400, "size": 990, "expect": 240})
    (_, count, length), = result["batches"]
    assert 230 <= count <= 262 and 262144 <= length <= 2 * 262144


SLOW = """
import sys
identifier = register("inner")
listener = Listener(8080, lambda connection: listener.answer(connection, delay=0.5))
assert subscribe(identifier, subscription(8080, buffering={"maxItems": 1000, "timeoutMs": 25}))[0] == 200
wait_for_events(identifier)
total = 0

def handler(event, context):
    global total
    began = time.monotonic()
    for n in range(event["lines"]):
        sys.stdout.write("%06d\\n" % (total + n))
    sys.stdout.flush()
    total += event["lines"]
    took = time.monotonic() - began
    deadline = time.monotonic() + 40
    while True:
        time.sleep(1 if event["last"] else 0)
        events = listener.events
        drops = [event["record"] for event in events if event["type"] == "platform.logsDropped"]
        known = sum(event["type"] == "function" for event in events) + sum(drop["droppedRecords"] for drop in drops)
        if not event["last"] or known >= total or time.monotonic() > deadline:
            break
    return {"took": took, "total": total, "drops": drops, "received": [int(event["record"]) for event in events
            if event["type"] == "function"]}
"""


def test_a_slow_subscriber_loses_records_and_is_told_how_many(server, name):
    deploy(server, name, SLOW)
    # A function that waited for its subscriber would take 50 seconds for its hundred batches.
    took = server.invoke(name, {"lines": 100000, "last": False})["took"]
    result = server.invoke(name, {"lines": 10, "last": True})
    assert took < 25
    received, drops = result["received"], result["drops"]
    assert received == sorted(set(received))
    assert drops and all(set(drop) == {"reason", "droppedRecords", "droppedBytes"} for drop in drops)
    assert all(drop["reason"] == "Some logs were dropped because the downstream consumer is slower than the logs production rate"
               and drop["droppedBytes"] >= 70 * drop["droppedRecords"] for drop in drops)
    # Records of the platform's may be among the lost.
    assert 0 <= len(received) + sum(drop["droppedRecords"] for drop in drops) - result["total"] <= 5
    # The log has every line.
    logged = sum(message.strip().isdigit() for _, message in server.log(name))
    assert logged == result["total"]


JSON_LOGS = """
import logging
identifier = register("inner")
listeners = {version: Listener(port) for version, port in (("2022-07-01", 8001), ("2022-12-13", 8002))}
for version, listener in listeners.items():
    port = listener.socket.getsockname()[1]
    assert subscribe(identifier, subscription(port, version, buffering={"timeoutMs": 25}))[0] == 200
wait_for_events(identifier)
log = logging.getLogger()
log.setLevel("INFO")

def handler(event, context):
    log.info("a logger's message")
    print("plain", flush=True)
    for listener in listeners.values():
        listener.wait(lambda events: has(events, "function", 2))
    return {version: listener.events for version, listener in listeners.items()}
"""


def test_records_of_json_logs_are_objects(server, name):
    deploy(server, name, JSON_LOGS, LoggingConfig={"LogFormat": "JSON"})
    result = server.invoke(name, {})
    logged, plain = of(result["2022-12-13"], "function")
    assert logged["level"] == "INFO" and logged["message"] == "a logger's message" and "requestId" in logged
    assert plain == "plain"
    old, plain = of(result["2022-07-01"], "function")
    assert json.loads(old)["message"] == "a logger's message" and plain == "plain"
    # Whatever the system log's level, subscribers hear of all of the platform's events.
    assert of(result["2022-12-13"], "platform.initRuntimeDone")


FROZEN = """
identifier = register("inner")
listener = Listener(8080)
assert subscribe(identifier, subscription(8080, types=["platform"]))[0] == 200
wait_for_events(identifier)

def handler(event, context):
    began = time.time()
    listener.wait(lambda events: has(events, "platform.report", event["reports"]))
    return {"began": began, "ended": time.time(), "batches": [[at, [event["type"] for event in batch]]
            for at, batch, _ in listener.batches]}
"""


def test_what_a_frozen_environment_missed_comes_when_it_is_thawed(server, name):
    # A busy machine may freeze it late, or be slow to read what comes, but hardly each time.
    for number in range(5):
        deploy(server, f"{name}{number}", FROZEN)
        first = server.invoke(f"{name}{number}", {"reports": 0})
        time.sleep(3)
        second = server.invoke(f"{name}{number}", {"reports": 1})
        at = next(at for at, types in second["batches"] if "platform.report" in types)
        # The buffer's second was over long before; it comes as soon as the environment runs.
        if first["ended"] + 2.5 < at <= second["began"] + 1:
            return
    raise AssertionError((first["ended"], second["began"], at))


AT_THE_END = """
import signal
identifier = register("inner")
listener = Listener(8080)
assert subscribe(identifier, subscription(8080, buffering={"timeoutMs": 30000}))[0] == 200
wait_for_events(identifier)

def ended(signum, frame):
    listener.wait(lambda events: has(events, "platform.report"), 0.4)
    print("at the end there were", len(listener.events), "events and", sum(event["type"] == "platform.report" for event in
          listener.events), "reports", flush=True)
    os._exit(0)

signal.signal(signal.SIGTERM, ended)

def handler(event, context):
    return len(listener.events)
"""


def test_what_is_buffered_is_sent_before_the_processes_end(server, name):
    deploy(server, name, AT_THE_END)

    def complete():
        said = [re.search(r"^at the end there were (\d+) events and (\d+) reports", text) for _, text in server.log(name)]
        return any(int(found.group(1)) >= 8 and int(found.group(2)) == 1 for found in said if found)

    # The processes have half a second, as on Lambda, of which a busy machine may leave them little.
    for attempt in range(6):
        assert server.invoke(name, {}) == 0
        server.client().update_function_configuration(FunctionName=name, Description=f"another revision {attempt}")
        server.client().get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        try:
            wait_until(complete, 10, "a last line with all events")
            break
        except AssertionError:
            if attempt == 5:
                raise


EXTERNAL = """#!/usr/bin/env python3
%s
print("the extension speaks", flush=True)
identifier = register(os.path.basename(__file__), ["INVOKE", "SHUTDOWN"])
listener = Listener(8080)
assert subscribe(identifier, subscription(8080, "2025-01-29", buffering={"timeoutMs": 30000}))[0] == 200
while json.loads(call("GET", "/2020-01-01/extension/event/next",
                      {"Lambda-Extension-Identifier": identifier})[2])["eventType"] != "SHUTDOWN":
    pass
listener.wait(lambda events: has(events, "platform.report"), 1)
print("RECEIVED", json.dumps([[event["type"], event["record"]] for event in listener.events]), flush=True)
""" % EXTENSION


def test_an_external_extension_gets_all_of_it_before_it_ends(server, name):
    layer = server.client().publish_layer_version(
        LayerName=name, Content={"ZipFile": layer_of({"collector": EXTERNAL})})["LayerVersionArn"]
    code = "def handler(event, context):\n    print('the function speaks', flush=True)\n"
    # It has two seconds, of which a busy machine may leave it little.
    for number in range(5):
        function = f"{name}{number}"
        server.deploy(function, code, Layers=[layer], MemorySize=1024)
        server.invoke(function, {})
        server.client().update_function_configuration(FunctionName=function, Description="another revision")
        try:
            line = wait_until(
                lambda: [text for _, text in server.log(function) if text.startswith("RECEIVED")], 15, "the last line")
        except AssertionError:
            continue
        events = json.loads(line[0].removeprefix("RECEIVED "))
        if events[-1][0] == "platform.report":
            break
    assert [kind for kind, _ in events] == [
        "platform.initStart", "extension", "platform.telemetrySubscription", "platform.initRuntimeDone",
        "platform.extension", "platform.initReport", "platform.start", "function", "platform.runtimeDone",
        "platform.report"]
    records = dict(events)
    assert (records["extension"], records["function"]) == ("the extension speaks", "the function speaks")
    assert records["platform.extension"] == {"name": "collector", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]}
    assert records["platform.telemetrySubscription"]["name"] == "collector"


RESET = """
identifier = register("inner")
listener = Listener(8080)
answer = subscribe(identifier, subscription(8080, buffering={"timeoutMs": 25}))
wait_for_events(identifier)

def handler(event, context):
    if event.get("exit"):
        os._exit(3)
    listener.wait(lambda events: has(events, "platform.start"))
    return {"answer": answer, "events": listener.events}
"""


def test_after_a_crash_an_extension_subscribes_anew(server, name):
    deploy(server, name, RESET)
    server.fail(name, {"exit": True})
    result = server.invoke(name, {})
    assert result["answer"] == [200, "OK"]
    start, = of(result["events"], "platform.initStart")
    assert start["phase"] == "invoke"
    assert len(of(result["events"], "platform.start")) == 1


HOSTILE = """
import sys

def closes(connection):
    connection.close()

def never_reads(connection):
    time.sleep(3600)

def never_answers(connection):
    stream = connection.makefile("rb")
    while listener.read(stream) is not None:
        pass

def endless(connection):
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n")
    while True:
        connection.sendall(b"x" * 65536)

def endless_head(connection):
    connection.sendall(b"HTTP/1.1 200 OK\\r\\n")
    while True:
        connection.sendall(b"X-A: " + b"a" * 4000 + b"\\r\\n")

def endless_interim(connection):
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\\r\\n\\r\\n" * 1000)

def talks_first(connection):
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n" * 1000)
    never_answers(connection)

def garbage(connection):
    connection.recv(65536)
    connection.sendall(os.urandom(60000))
    time.sleep(3600)

def refuses(connection):
    listener.answer(connection, "500 Internal Server Error")

behaviour = os.environ["BEHAVIOUR"]
identifier = register("inner")
listener = None
if behaviour != "nobody":
    listener = Listener(8080, globals()[behaviour])
for path in range(int(os.environ.get("SUBSCRIPTIONS", 1))):
    settings = {"timeoutMs": 25, "maxBytes": 1 << 20}
    assert subscribe(identifier, subscription(8080, path="/%d" % path, buffering=settings))[0] == 200
wait_for_events(identifier)

def handler(event, context):
    began = time.monotonic()
    for n in range(event.get("lines", 1)):
        sys.stdout.write("line" + "x" * event.get("size", 0) + "\\n")
    sys.stdout.flush()
    return {"took": time.monotonic() - began, "connections": listener.connections if listener else 0}
"""

BEHAVIOURS = ["nobody", "closes", "never_reads", "never_answers", "endless", "endless_head", "endless_interim", "talks_first",
              "garbage", "refuses"]


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_hostile_subscriber_hurts_nobody(server, name, behaviour):
    deploy(server, name, HOSTILE, Environment={"Variables": {"BEHAVIOUR": behaviour}})
    server.invoke(name, {})
    before = resident_kib(server)
    client, inside, outside = server.client(), [], []
    for _ in range(20):
        began = time.monotonic()
        answer = client.invoke(FunctionName=name, Payload=b'{"lines": 10}', LogType="Tail")
        inside.append(json.loads(answer["Payload"].read())["took"])
        outside.append(time.monotonic() - began)
        time.sleep(0.05)
    # Most of them: what the machine does besides may delay some.
    assert sorted(inside)[10] < 0.5 and sorted(outside)[10] < 1, (inside, outside)
    assert resident_kib(server) - before < 48 << 10
    assert sum(message.strip() == "line" for _, message in server.log(name)) == 201
    # Others are served meanwhile.
    assert server.client().list_functions(MaxItems=1)["Functions"]


def test_a_flood_with_stuck_subscribers_leaves_the_server_small(make_server, name):
    server = make_server("--limits", "current")
    deploy(server, name, HOSTILE, Environment={"Variables": {"BEHAVIOUR": "never_reads", "SUBSCRIPTIONS": "10"}})
    server.invoke(name, {})
    before, most = resident_kib(server), 0
    for _ in range(4):
        result = server.invoke(name, {"lines": 20000, "size": 1000})
        most = max(most, resident_kib(server))
    # 80 MB were written, and ten subscribers would have 1 MiB twice each: 4 MiB together are kept for them.
    assert most - before < 96 << 10, (before, most)
    assert result["took"] < 50
