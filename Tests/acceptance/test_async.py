# SPDX-License-Identifier: Apache-2.0
"""Asynchronous invocation: accepted when durable, tried and tried again, and never lost."""

import collections
import json
import sqlite3
import threading
import time

import botocore.exceptions
import pytest

from harness import PYTHON, ROLE, wait_until, zip_of
from test_keys import key

COUNTING = """
import json
def handler(event, context):
    print("attempt", context.aws_request_id, json.dumps(event), flush=True)
    if event.get("fail"):
        raise ValueError("as asked")
    return event
"""


@pytest.fixture
def quick(make_server):
    """A server that tries again soon."""
    return make_server("--async-retry-delay", "300ms")


def attempts(server, name):
    """The events of a function's attempts by request id, in the order of its log."""
    found = collections.defaultdict(list)
    for _, message in server.log(name):
        words = message.split(" ", 2)
        if words[0] == "attempt":
            found[words[1]].append(json.loads(words[2]))
    return found


def send(server, name, event, **arguments):
    return server.client().invoke(
        FunctionName=name, InvocationType="Event", Payload=json.dumps(event), **arguments)


def test_an_event_is_accepted_and_run(quick, name):
    quick.deploy(name, COUNTING)
    answer = send(quick, name, {"x": 1})
    assert answer["StatusCode"] == 202 and answer["Payload"].read() == b""
    assert "ExecutedVersion" not in answer and "FunctionError" not in answer
    request = answer["ResponseMetadata"]["RequestId"]
    found = wait_until(lambda: attempts(quick, name), 60, "the attempt")
    assert dict(found) == {request: [{"x": 1}]}
    usage = [line for _, line in quick.log(name) if line.startswith("REPORT")]
    assert len(usage) == 1 and request in usage[0]


def test_invoke_async_is_the_same(quick, name):
    quick.deploy(name, COUNTING)
    answer = quick.client().invoke_async(FunctionName=name, InvokeArgs=b'{"y": 2}')
    assert (answer["Status"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (202, 202)
    found = wait_until(lambda: attempts(quick, name), 60, "the attempt")
    assert list(found.values()) == [[{"y": 2}]]


def test_a_failing_event_is_tried_three_times_under_one_id(quick, name):
    quick.deploy(name, COUNTING)
    begin = time.monotonic()
    request = send(quick, name, {"fail": True})["ResponseMetadata"]["RequestId"]
    wait_until(lambda: len(attempts(quick, name)[request]) >= 3, 60, "three attempts")
    # Twice the base delay, and once more.
    assert time.monotonic() - begin >= 0.9
    time.sleep(2)
    assert {key: len(value) for key, value in attempts(quick, name).items()} == {request: 3}


@pytest.mark.parametrize("payload", [b"no json", b'{"a":}', b"\xff"])
def test_what_is_no_event_is_refused(server, name, payload):
    server.deploy(name, COUNTING)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        server.client().invoke(FunctionName=name, InvocationType="Event", Payload=payload)
    assert caught.value.response["Error"]["Code"] == "InvalidRequestContentException"


def test_bounds_of_events(server, name):
    server.deploy(name, COUNTING)
    client = server.client()

    def refusal(call, **arguments):
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            call(FunctionName=name, **arguments)
        error = caught.value.response
        return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Message"]

    large = json.dumps("x" * 1_048_576)
    assert refusal(client.invoke, InvocationType="Event", Payload=large) == (
        413, "Request must be smaller than 1048576 bytes for the InvokeFunction operation")
    assert refusal(client.invoke_async, InvokeArgs=json.dumps("x" * 262_144)) == (
        413, "Request must be smaller than 262144 bytes for the InvokeAsync operation")
    assert client.invoke(
        FunctionName=name, InvocationType="Event", Payload=json.dumps({"x": "y" * 1_000_000}))["StatusCode"] == 202
    assert refusal(client.invoke, InvocationType="Event", Qualifier="absent")[0] == 404
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client.invoke(FunctionName="absent-" + name, InvocationType="Event")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_more_events_than_may_wait_are_answered_with_429(make_server, name):
    server = make_server("--async-events", "3", "--account-concurrency", "1", "--drain-timeout", "1s")
    server.deploy(name, "import time\ndef handler(event, context): time.sleep(100)", Timeout=120)
    for _ in range(3):
        send(server, name, {})
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        send(server, name, {})
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert caught.value.response["Error"]["Code"] == "TooManyRequestsException"


def test_throttled_events_wait_and_use_up_no_attempt(make_server, name):
    server = make_server("--account-concurrency", "2", "--async-retry-delay", "300ms")
    server.deploy(name, COUNTING.replace("def handler", "import time\ndef handler").replace(
        "    if event", "    time.sleep(0.5)\n    if event"), Timeout=30)
    requests = [send(server, name, {"n": n})["ResponseMetadata"]["RequestId"] for n in range(12)]
    wait_until(lambda: len(attempts(server, name)) == 12, 120, "every event")
    assert {request: len(tries) for request, tries in attempts(server, name).items()} == dict.fromkeys(requests, 1)


def test_an_event_outlives_kills(make_server, name):
    server = make_server("--async-retry-delay", "300ms")
    server.deploy(name, COUNTING)
    accepted = []
    for round in range(4):
        stop = threading.Event()

        def produce():
            number = 0
            client = server.client()
            while not stop.is_set():
                event = {"n": f"{round}-{number}", "fail": False}
                try:
                    client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))
                except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                    return
                accepted.append(event["n"])
                number += 1

        producer = threading.Thread(target=produce)
        producer.start()
        # Killed while more are on their way, however fast they come.
        wait_until(lambda: len(accepted) >= 6 * (round + 1), 60, "events to be accepted")
        server.kill()
        stop.set()
        producer.join(60)
        server.start()
    assert len(accepted) > 20

    def seen():
        return {event["n"] for tries in attempts(server, name).values() for event in tries}

    wait_until(lambda: seen() >= set(accepted), 120, "every accepted event")


def test_an_attempt_whose_outcome_cant_be_written_is_not_made_again(quick, name):
    quick.deploy(name, COUNTING.replace("    if event", "    import time; time.sleep(8)\n    if event"))
    request = send(quick, name, {"x": 1})["ResponseMetadata"]["RequestId"]
    # As if the disk were full: nobody else can write while this one does.
    database = sqlite3.connect(quick.data / "events.sqlite", isolation_level=None, timeout=30)
    database.execute("BEGIN IMMEDIATE")

    def failures():
        return sum("an attempt's outcome was not written" in line for line in quick.lines)

    try:
        wait_until(lambda: failures() >= 2, 60, "the outcome to be tried twice")
    finally:
        database.execute("ROLLBACK")
    wait_until(lambda: database.execute("SELECT COUNT(*) FROM events").fetchone() == (0,), 60, "the outcome")
    database.close()
    assert {key: len(tries) for key, tries in attempts(quick, name).items()} == {request: 1}


def test_one_account_leaves_room_for_the_events_of_another(make_server, name):
    server = make_server("--async-events", "2", "--account-concurrency", "1", "--drain-timeout", "1s")
    code = {"app.py": "import time\ndef handler(event, context): time.sleep(100)"}
    clients = [server.client(), server.client(**key(server, "--account", "111111111111"))]
    for client in clients:
        client.create_function(
            FunctionName=name, Runtime=PYTHON, Handler="app.handler", Role=ROLE, Code={"ZipFile": zip_of(code)}, Timeout=120)
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    def taken(client):
        count = 0
        try:
            while client.invoke(FunctionName=name, InvocationType="Event")["StatusCode"] == 202:
                count += 1
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "TooManyRequestsException"
        return count

    assert [taken(client) for client in clients] == [2, 1]


def test_events_wait_for_a_server_that_was_stopped(make_server, name):
    server = make_server("--async-retry-delay", "2s")
    server.deploy(name, COUNTING)
    request = send(server, name, {"fail": True})["ResponseMetadata"]["RequestId"]
    wait_until(lambda: attempts(server, name)[request], 60, "the first attempt")
    assert server.terminate() == 0
    server.start()
    wait_until(lambda: len(attempts(server, name)[request]) == 3, 60, "the other attempts")


def test_an_event_that_somebody_has_copied_runs_twice_and_ends_no_server(make_server, name):
    server = make_server("--async-retry-delay", "2s")
    server.deploy(name, COUNTING)
    request = send(server, name, {"fail": True})["ResponseMetadata"]["RequestId"]
    wait_until(lambda: attempts(server, name)[request], 60, "the first attempt")
    assert server.terminate() == 0
    with sqlite3.connect(server.data / "events.sqlite") as database:
        columns = "accountID, region, name, due, errors, delays, isDelivery, envelope, payload"
        database.execute(f"INSERT INTO events ({columns}) SELECT {columns} FROM events")
        database.execute("UPDATE events SET due = 0")
    database.close()
    server.start()
    # Both fall due with the start, and the second waits until the first has its environment.
    wait_until(lambda: len(attempts(server, name)[request]) == 5, 60, "the other attempts of both")
    assert server.process.poll() is None


def test_no_event_is_readable_in_the_data_directory(make_server, name):
    server = make_server()
    server.deploy(name, "def handler(event, context): raise ValueError('later')")
    send(server, name, {"word": "a-marker-of-an-event"})
    time.sleep(1)
    assert not any(
        b"a-marker-of-an-event" in path.read_bytes() for path in server.data.glob("events.sqlite*") if path.is_file())


def test_dry_run_and_unknown_types(server, name):
    server.deploy(name, COUNTING)
    assert server.client().invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        server.client().invoke(FunctionName=name, InvocationType="Later")
    assert "Member must satisfy enum value set: [Event, RequestResponse, DryRun]" in str(caught.value)


# What the function's configuration says

def records(server, name, seconds=60):
    """What a destination function was given."""
    return wait_until(
        lambda: [event for tries in attempts(server, name).values() for event in tries], seconds, "a record")


def test_functions_as_destinations_get_records(quick, name):
    client = quick.client()
    quick.deploy(name, COUNTING)
    good, bad = name + "-good", name + "-bad"
    quick.deploy(good, COUNTING)
    quick.deploy(bad, COUNTING)
    arn = "arn:aws:lambda:us-east-1:000000000000:function:"
    client.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=1,
        DestinationConfig={"OnSuccess": {"Destination": arn + good}, "OnFailure": {"Destination": arn + bad}})
    request = send(quick, name, {"x": 1.50})["ResponseMetadata"]["RequestId"]
    record = records(quick, good)[0]
    assert record["requestContext"] == {
        "requestId": request, "functionArn": f"{arn}{name}:$LATEST", "condition": "Success", "approximateInvokeCount": 1}
    assert (record["version"], record["requestPayload"], record["responsePayload"]) == ("1.0", {"x": 1.5}, {"x": 1.5})
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    failed = send(quick, name, {"fail": True})["ResponseMetadata"]["RequestId"]
    record = records(quick, bad)[0]
    assert record["requestContext"]["requestId"] == failed
    assert (record["requestContext"]["condition"], record["requestContext"]["approximateInvokeCount"]) == (
        "RetriesExhausted", 2)
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorMessage"] == "as asked"
    wait_until(lambda: len(attempts(quick, name)[failed]) == 2, 60, "both attempts in the log")


def test_a_configuration_is_the_qualifiers(quick, name):
    client = quick.client()
    quick.deploy(name, COUNTING)
    client.publish_version(FunctionName=name)
    client.put_function_event_invoke_config(FunctionName=name, Qualifier="1", MaximumRetryAttempts=0)
    once = send(quick, name, {"fail": True}, Qualifier="1")["ResponseMetadata"]["RequestId"]
    thrice = send(quick, name, {"fail": True})["ResponseMetadata"]["RequestId"]
    wait_until(lambda: len(attempts(quick, name)[thrice]) == 3, 60, "three attempts")
    wait_until(lambda: attempts(quick, name)[once], 60, "the one attempt")
    assert len(attempts(quick, name)[once]) == 1


def test_an_event_that_would_be_too_old_fails_at_once(make_server, name):
    server = make_server("--async-retry-delay", "61s")
    client = server.client()
    server.deploy(name, COUNTING)
    server.deploy(name + "-bad", COUNTING)
    client.put_function_event_invoke_config(
        FunctionName=name, MaximumEventAgeInSeconds=60, DestinationConfig={
            "OnFailure": {"Destination": f"arn:aws:lambda:us-east-1:000000000000:function:{name}-bad"}})
    send(server, name, {"fail": True})
    record = records(server, name + "-bad")[0]
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == 1


def test_a_function_that_is_switched_off_is_not_tried(quick, name):
    client = quick.client()
    quick.deploy(name, COUNTING)
    quick.deploy(name + "-bad", COUNTING)
    client.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={
            "OnFailure": {"Destination": f"arn:aws:lambda:us-east-1:000000000000:function:{name}-bad"}})
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    send(quick, name, {"x": 1})
    record = records(quick, name + "-bad")[0]
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert "responsePayload" not in record
    assert not attempts(quick, name)


def test_a_loop_of_destinations_ends(quick, name):
    client = quick.client()
    arn = "arn:aws:lambda:us-east-1:000000000000:function:"
    code = "def handler(event, context): print('attempt', context.aws_request_id, '{}', flush=True)"
    for own, other in [("-a", "-b"), ("-b", "-a")]:
        quick.deploy(name + own, code)
    for own, other in [("-a", "-b"), ("-b", "-a")]:
        client.put_function_event_invoke_config(
            FunctionName=name + own, DestinationConfig={"OnSuccess": {"Destination": arn + name + other}})
    send(quick, name + "-a", {"x": 1})

    def counts():
        return [sum(len(tries) for tries in attempts(quick, name + own).values()) for own in ("-a", "-b")]

    wait_until(lambda: any("a recursive loop was stopped" in line for line in quick.lines), 60, "the end of the loop")
    wait_until(lambda: sum(counts()) == 32, 60, "its last attempts in the log")
    assert counts() == [16, 16]


def test_a_record_that_is_too_large_is_dropped_and_said(quick, name):
    quick.deploy(name, "def handler(event, context): return 'x' * 1_100_000")
    quick.deploy(name + "-good", COUNTING)
    quick.client().put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={
            "OnSuccess": {"Destination": f"arn:aws:lambda:us-east-1:000000000000:function:{name}-good"}})
    send(quick, name, {"x": 1})
    wait_until(
        lambda: any(
            "more than an event may have" in text for stream, text in quick.log(name) if stream.endswith("]asynchronous")),
        60, "the warning")
