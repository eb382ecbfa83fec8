# SPDX-License-Identifier: Apache-2.0
"""Queues of a real RabbitMQ broker that functions read."""

import base64
import contextlib
import datetime
import decimal
import json
import os
import struct
import subprocess
import time
import uuid

import pika
import pika.data
import pytest

from harness import Server, wait_until
from rabbitmq_server import OTHER_HOST, PASSWORD, STRANGER, STRANGERS_PASSWORD, USER, Broker

ACCOUNT = "000000000000"
SOURCE = f"arn:aws:mq:us-east-1:{ACCOUNT}:broker:orders:b-0123"
SECURE_SOURCE = f"arn:aws:mq:us-east-1:{ACCOUNT}:broker:secure:b-0123"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:reader"
STRANGERS_SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:stranger"
# Lists what it gets; fails for what asks for that, until it is shown again.
LISTING = """
import base64, json, time

def handler(event, context):
    (messages,) = event["rmqMessagesByQueue"].values()
    bodies = [base64.b64decode(message["data"]) for message in messages]
    print("EVENT " + json.dumps(event if len(json.dumps(event)) < 100000 else {"sizes": [len(body) for body in bodies]}))
    if any(body.startswith(b"slow") for body in bodies):
        time.sleep(3)
    if any(body.startswith(b"throw") and not message["redelivered"] for body, message in zip(bodies, messages)):
        raise ValueError("as asked for")
"""


def secrets(path, password=PASSWORD):
    """Writes a file of secrets."""
    path.write_text(json.dumps({
        SECRET: {"username": USER, "password": password},
        STRANGERS_SECRET: json.dumps({"username": STRANGER, "password": STRANGERS_PASSWORD})}))
    path.chmod(0o600)
    return path


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, a certificate of its for localhost, and somebody else."""
    directory = tmp_path_factory.mktemp("certificates")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("authority", "stranger"):
        openssl("req", "-x509", *key, "-days", 30, "-keyout", directory / f"{name}.key", "-out", directory / f"{name}.pem",
                "-subj", f"/CN={name}")
    openssl("req", *key, "-keyout", directory / "server.key", "-out", directory / "server.csr", "-subj", "/CN=localhost")
    (directory / "names").write_text("subjectAltName=DNS:localhost\n")
    openssl("x509", "-req", "-in", directory / "server.csr", "-CA", directory / "authority.pem", "-CAkey",
            directory / "authority.key", "-CAcreateserial", "-days", 30, "-extfile", directory / "names", "-out",
            directory / "server.pem")
    return directory


@pytest.fixture(scope="module")
def broker(certificates):
    broker = Broker(tls=certificates)
    try:
        yield broker.start()
    finally:
        broker.close()


@pytest.fixture(scope="module")
def reading(broker, tmp_path_factory):
    """A server that reads the broker's queues, for all tests that don't change it."""
    path = secrets(tmp_path_factory.mktemp("secrets") / "secrets.json")
    server = Server("--rabbitmq-endpoint", broker.endpoint, "--secrets", str(path))
    server.start()
    yield server
    server.close()


@pytest.fixture
def own(make_server, broker, tmp_path):
    """A server of one's own, whose secrets are in a file of the test's directory."""
    return make_server("--rabbitmq-endpoint", broker.endpoint, "--secrets", str(secrets(tmp_path / "secrets.json")))


@pytest.fixture
def queue(broker):
    """The name of a durable queue."""
    name = "q-" + uuid.uuid4().hex[:12]
    with broker.channel() as channel:
        channel.queue_declare(name, durable=True)
    yield name
    with broker.channel() as channel:
        channel.queue_delete(name)


def publish(broker, queue, *bodies, host="/", **properties):
    properties.setdefault("delivery_mode", 2)
    with broker.channel(host) as channel:
        for body in bodies:
            channel.basic_publish("", queue, body, pika.BasicProperties(**properties))


def mapping(server, name, queue, source=SOURCE, secret=SECRET, host=None, state="Enabled", **settings):
    access = [{"Type": "BASIC_AUTH", "URI": secret}] + ([{"Type": "VIRTUAL_HOST", "URI": host}] if host else [])
    client = server.client()
    made = client.create_event_source_mapping(
        FunctionName=name, EventSourceArn=source, Queues=[queue], SourceAccessConfigurations=access, **settings)["UUID"]
    if state:
        wait_for_state(server, made, state)
    return made


def shown(server, made):
    return server.client().get_event_source_mapping(UUID=made)


def wait_for_state(server, made, state):
    wait_until(lambda: shown(server, made)["State"] == state, 60, state)


def wait_for_result(server, made, *words):
    """Until what the mapping says of its processing has all of the words."""
    return wait_until(
        lambda: (lambda text: text if all(word in text for word in words) else None)(shown(server, made)["LastProcessingResult"]),
        90, f"a result with {words}")


def events(server, name):
    return [json.loads(line[line.index("EVENT ") + 6:]) for _, line in server.log(name) if "EVENT " in line]


def batches(server, name):
    return [next(iter(event["rmqMessagesByQueue"].values())) for event in events(server, name)]


def bodies(server, name):
    return [base64.b64decode(message["data"]).decode() for batch in batches(server, name) for message in batch]


def assert_nothing_is_left(server, broker, made, queue, host="/"):
    """Of what was not acknowledged, a mapping that ends gives back everything."""
    server.client().update_event_source_mapping(UUID=made, Enabled=False)
    wait_for_state(server, made, "Disabled")
    assert broker.left(queue, host) == 0


def test_a_message_reaches_its_function_as_aws_has_it(reading, broker, name, queue):
    reading.deploy(name, LISTING)
    made = mapping(reading, name, queue, MaximumBatchingWindowInSeconds=1)
    assert shown(reading, made)["LastProcessingResult"] == "No records processed"
    assert shown(reading, made)["StateTransitionReason"] == "USER_INITIATED" and shown(reading, made)["BatchSize"] == 100
    with broker.channel() as channel:
        channel.basic_publish("", queue, b"\x00\xffb\xc3\xb6dy", pika.BasicProperties(
            content_type="text/plain", content_encoding="utf-8", delivery_mode=2, priority=34, correlation_id="c",
            reply_to="r", expiration="600000", message_id="m", timestamp=2021, type="t", user_id=USER, app_id="a",
            cluster_id="cl", headers={
                "text": "v\u00e4l", "bytes": b"\x00\xff", "number": 10, "large": 2**40, "is": True, "nothing": None,
                "list": [1, "a", {"x": 1}], "table": {"a": {"b": "c"}}, "decimal": decimal.Decimal("-1.05"),
                "when": datetime.datetime(2026, 3, 1, 0, 5, 9)}))
        channel.basic_publish("", queue, b"")
    (event,) = wait_until(lambda: events(reading, name), 60, "the event")
    assert set(event) == {"eventSource", "eventSourceArn", "rmqMessagesByQueue"}
    assert (event["eventSource"], event["eventSourceArn"]) == ("aws:rmq", SOURCE)
    assert list(event["rmqMessagesByQueue"]) == [f"{queue}::/"]
    first, second = event["rmqMessagesByQueue"][f"{queue}::/"]
    assert first == {
        "redelivered": False, "data": base64.b64encode(b"\x00\xffb\xc3\xb6dy").decode(), "basicProperties": {
            "contentType": "text/plain", "contentEncoding": "utf-8", "deliveryMode": 2, "priority": 34,
            "correlationId": "c", "replyTo": "r", "expiration": "600000", "messageId": "m",
            "timestamp": "Jan 1, 1970, 12:33:41 AM", "type": "t", "userId": USER, "appId": "a", "clusterId": "cl",
            "bodySize": 7, "headers": {
                # Java's bytes are signed.
                "text": {"bytes": [118, -61, -92, 108]}, "bytes": [0, -1], "number": 10, "large": 2**40, "is": True,
                "nothing": None, "list": [1, {"bytes": [97]}, {"x": 1}], "table": {"a": {"b": {"bytes": [99]}}},
                "decimal": -1.05, "when": "Mar 1, 2026, 12:05:09 AM"}}}
    assert second["data"] == "" and second["basicProperties"].pop("bodySize") == 0
    assert set(second["basicProperties"]) == set(first["basicProperties"]) - {"bodySize"}
    assert set(second["basicProperties"].values()) == {None}
    wait_for_result(reading, made, "OK")
    assert_nothing_is_left(reading, broker, made, queue)


def test_a_batch_is_full_or_its_window_is_over(reading, broker, name, queue):
    reading.deploy(name, LISTING)
    made = mapping(reading, name, queue, BatchSize=25, MaximumBatchingWindowInSeconds=300)
    publish(broker, queue, *[str(number).encode() for number in range(50)])
    found = wait_until(lambda: (lambda all: all if len(all) == 2 else None)(batches(reading, name)), 60, "two batches")
    assert [len(batch) for batch in found] == [25, 25] and bodies(reading, name) == [str(number) for number in range(50)]
    publish(broker, queue, b"a", b"b", b"c")
    # Another window, while they wait for theirs.
    reading.client().update_event_source_mapping(UUID=made, MaximumBatchingWindowInSeconds=1)
    wait_until(lambda: bodies(reading, name)[50:] == ["a", "b", "c"], 60, "the batch")
    reading.client().update_event_source_mapping(UUID=made, BatchSize=1)
    wait_until(lambda: shown(reading, made)["BatchSize"] == 1, 60, "the change")
    publish(broker, queue, b"d", b"e")
    wait_until(lambda: bodies(reading, name)[53:] == ["d", "e"], 60, "the batches")
    assert_nothing_is_left(reading, broker, made, queue)


def test_a_batch_that_failed_comes_again_whole(reading, broker, name, queue):
    reading.deploy(name, LISTING)
    publish(broker, queue, b"first", b"throw", b"last")
    made = mapping(reading, name, queue)
    wait_until(lambda: len(batches(reading, name)) == 2, 60, "the second try")
    assert bodies(reading, name) == ["first", "throw", "last"] * 2
    assert [[message["redelivered"] for message in batch] for batch in batches(reading, name)] == [[False] * 3, [True] * 3]
    wait_for_result(reading, made, "OK")
    assert_nothing_is_left(reading, broker, made, queue)


def test_a_function_that_always_fails_gives_back_its_messages(reading, broker, name, queue):
    reading.deploy(name, "def handler(event, context):\n    raise ValueError('always')\n")
    publish(broker, queue, b"a")
    made = mapping(reading, name, queue)
    wait_for_result(reading, made, "PROBLEM: Function call failed")
    reading.client().update_event_source_mapping(UUID=made, Enabled=False)
    wait_for_state(reading, made, "Disabled")
    with broker.channel() as channel:
        method, _, body = channel.basic_get(queue)
        assert body == b"a" and method.redelivered
        channel.basic_ack(method.delivery_tag)


def test_a_quorum_queue_counts_failures(reading, broker, name, queue):
    reading.deploy(name, "def handler(event, context):\n    raise ValueError('always')\n")
    with broker.channel() as channel:
        channel.queue_declare(queue + "-dead")
        channel.queue_delete(queue)
        channel.queue_declare(queue, durable=True, arguments={
            "x-queue-type": "quorum", "x-delivery-limit": 2, "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": queue + "-dead"})
    publish(broker, queue, b"a")
    mapping(reading, name, queue)
    wait_until(lambda: broker.left(queue + "-dead") == 1, 90, "the dead letter")
    with broker.channel() as channel:
        _, properties, _ = channel.basic_get(queue + "-dead", auto_ack=True)
        assert properties.headers["x-death"][0]["reason"] == "delivery_limit"
        channel.queue_delete(queue + "-dead")


def test_a_throttled_batch_is_tried_again_as_it_is(reading, broker, name, queue):
    reading.deploy(name, LISTING)
    client = reading.client()
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    publish(broker, queue, b"a")
    made = mapping(reading, name, queue)
    wait_for_result(reading, made, "PROBLEM: Rate Exceeded")
    client.delete_function_concurrency(FunctionName=name)
    wait_for_result(reading, made, "OK")
    ((message,),) = batches(reading, name)
    assert not message["redelivered"]
    assert_nothing_is_left(reading, broker, made, queue)


def test_what_no_filter_lets_through_is_acknowledged(reading, broker, name, queue):
    reading.deploy(name, LISTING)
    pattern = {"data": {"kind": ["order"], "amount": [{"numeric": [">", 10]}]}, "basicProperties": {"type": ["wanted"]}}
    made = mapping(reading, name, queue, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    for kind, amount, type_ in (("order", 9, "wanted"), ("order", 11, "other"), ("other", 99, "wanted"), ("order", 12, "wanted")):
        publish(broker, queue, json.dumps({"kind": kind, "amount": amount}).encode(), type=type_)
    (body,) = wait_until(lambda: bodies(reading, name), 60, "the event")
    assert json.loads(body)["amount"] == 12
    # As on AWS, what is no JSON is filtered by its other members.
    publish(broker, queue, b"no JSON", type="other")
    publish(broker, queue, b"text", type="wanted")
    wait_until(lambda: bodies(reading, name)[1:] == ["text"], 60, "the text")
    assert_nothing_is_left(reading, broker, made, queue)


def test_a_virtual_host(reading, broker, name, queue):
    reading.deploy(name, LISTING)
    with broker.channel(OTHER_HOST) as channel:
        channel.queue_declare(queue)
    publish(broker, queue, b"elsewhere", host=OTHER_HOST)
    publish(broker, queue, b"here")
    made = mapping(reading, name, queue, host=OTHER_HOST)
    (event,) = wait_until(lambda: events(reading, name), 60, "the event")
    assert list(event["rmqMessagesByQueue"]) == [f"{queue}::{OTHER_HOST}"] and bodies(reading, name) == ["elsewhere"]
    assert_nothing_is_left(reading, broker, made, queue, OTHER_HOST)
    assert broker.left(queue) == 1


def test_a_wrong_password_says_so_until_the_secret_is_right(own, broker, name, queue, tmp_path):
    own.deploy(name, LISTING)
    secrets(tmp_path / "secrets.json", password="wrong one")
    publish(broker, queue, b"a")
    made = mapping(own, name, queue)
    wait_for_result(own, made, "PROBLEM: EVENT_SOURCE_AUTHN_ERROR")
    assert not any("wrong one" in line or PASSWORD in line for line in own.lines)
    secrets(tmp_path / "secrets.json")
    wait_until(lambda: bodies(own, name) == ["a"], 120, "the event")
    wait_for_result(own, made, "OK")
    assert not any("wrong one" in line or PASSWORD in line for line in own.lines)


def test_what_keeps_a_queue_from_being_read_is_said(reading, broker, name, queue):
    reading.deploy(name, LISTING)
    made = mapping(reading, name, queue, secret=STRANGERS_SECRET)
    wait_for_result(reading, made, "PROBLEM: EVENT_SOURCE_AUTHZ_ERROR", queue)
    others = [
        (dict(host="nowhere"), ("PROBLEM: EVENT_SOURCE_AUTHZ_ERROR", "nowhere")),
        (dict(secret=SECRET + "2"), ("PROBLEM: ESM_CONFIG_NOT_VALID", SECRET + "2", "--secrets")),
        (dict(secret=SECRET.replace(ACCOUNT, "1" * 12)), ("PROBLEM: ESM_CONFIG_NOT_VALID", "account"))]
    for settings, words in others:
        # A queue and a function have one mapping.
        reading.client().delete_event_source_mapping(UUID=made)
        wait_until(lambda: not reading.client().list_event_source_mappings(FunctionName=name)["EventSourceMappings"], 60, "the end")
        made = mapping(reading, name, queue, **settings)
        wait_for_result(reading, made, *words)
    made = mapping(reading, name, queue + "-later")
    wait_for_result(reading, made, "PROBLEM: ESM_CONFIG_NOT_VALID", queue + "-later")
    with broker.channel() as channel:
        channel.queue_declare(queue + "-later")
    publish(broker, queue + "-later", b"late")
    wait_until(lambda: bodies(reading, name) == ["late"], 120, "the event")
    wait_for_result(reading, made, "OK")
    with broker.channel() as channel:
        channel.queue_delete(queue + "-later")
    wait_for_result(reading, made, "PROBLEM: ESM_CONFIG_NOT_VALID")


def test_without_an_endpoint_a_mapping_says_so(make_server, broker, name):
    server = make_server("--rabbitmq-endpoint", f"secure={broker.endpoint}")
    server.deploy(name, LISTING)
    made = mapping(server, name, "q", state="Disabled")
    assert "the broker orders is (--rabbitmq-endpoint" in shown(server, made)["StateTransitionReason"]
    server.wait_for_line("not polled", made)


def test_what_is_not_enabled_is_not_read(reading, broker, name, queue):
    reading.deploy(name, LISTING)
    client = reading.client()
    made = mapping(reading, name, queue)
    publish(broker, queue, b"slow")
    wait_until(lambda: bodies(reading, name) == ["slow"], 60, "the event")
    # Its batch comes to its end.
    assert client.update_event_source_mapping(UUID=made, Enabled=False)["State"] == "Disabling"
    wait_for_state(reading, made, "Disabled")
    publish(broker, queue, b"early")
    time.sleep(2)
    assert broker.left(queue) == 1 and bodies(reading, name) == ["slow"]
    assert client.update_event_source_mapping(UUID=made, Enabled=True)["State"] == "Enabling"
    wait_until(lambda: bodies(reading, name) == ["slow", "early"], 60, "the event")
    client.delete_event_source_mapping(UUID=made)
    wait_until(lambda: not client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"], 60, "the mapping's end")
    # The consumer may be there for a moment more.
    time.sleep(3)
    publish(broker, queue, b"late")
    time.sleep(2)
    assert broker.left(queue) == 1 and bodies(reading, name) == ["slow", "early"]


def test_large_messages_are_in_batches_that_a_function_may_be_sent(reading, broker, name, queue):
    reading.deploy(name, LISTING, MemorySize=512)
    size = 1_500_000
    publish(broker, queue, *[os.urandom(size) for _ in range(14)])
    made = mapping(reading, name, queue)
    wait_until(lambda: sum(len(event["sizes"]) for event in events(reading, name)) == 14, 120, "all messages")
    # 2,000,000 bytes each in base64; how many of them are there when a window ends is a matter of speed.
    assert max(len(event["sizes"]) for event in events(reading, name)) == 3
    assert_nothing_is_left(reading, broker, made, queue)


def test_a_message_that_is_too_large_is_a_dead_letter(reading, broker, name, queue):
    reading.deploy(name, LISTING)
    with broker.channel() as channel:
        channel.queue_declare(queue + "-dead")
        channel.queue_delete(queue)
        channel.queue_declare(queue, durable=True, arguments={
            "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue + "-dead"})
    # The one has too large a body, the other a body that is too large as Base64 only.
    publish(broker, queue, b"before", bytes(7_000_000), bytes(5_000_000), b"after")
    made = mapping(reading, name, queue)
    wait_until(lambda: bodies(reading, name) == ["before", "after"], 60, "the others")
    wait_until(lambda: broker.left(queue + "-dead") == 2, 60, "the dead letters")
    reading.wait_for_line("larger than a function may be sent", made)
    assert_nothing_is_left(reading, broker, made, queue)
    with broker.channel() as channel:
        channel.queue_delete(queue + "-dead")


@contextlib.contextmanager
def raw_headers(raw):
    """Publishes with those bytes for the headers."""
    encode = pika.data.encode_table
    pika.data.encode_table = lambda pieces, table: (pieces.append(raw), len(raw))[1] if "raw" in table else encode(pieces, table)
    try:
        yield {"raw": True}
    finally:
        pika.data.encode_table = encode


def test_headers_of_any_depth_do_no_harm(reading, broker, name, queue):
    reading.deploy(name, LISTING)
    table = items = b"\x00\x00\x00\x00"
    for _ in range(18_000):
        table = struct.pack(">I", len(table) + 3) + b"\x01kF" + table
    for _ in range(25_000):
        items = struct.pack(">I", len(items) + 1) + b"A" + items
    for raw in (table, struct.pack(">I", len(items) + 3) + b"\x01kA" + items):
        with raw_headers(raw) as headers:
            publish(broker, queue, b"deep", headers=headers)
    publish(broker, queue, b"after")
    made = mapping(reading, name, queue)
    wait_until(lambda: bodies(reading, name) == ["deep", "deep", "after"], 60, "the events")
    wait_for_result(reading, made, "OK")
    assert_nothing_is_left(reading, broker, made, queue)


def test_tls_with_the_authority_that_is_named_and_no_other(make_server, broker, certificates, name, queue, tmp_path):
    path = str(secrets(tmp_path / "secrets.json"))
    publish(broker, queue, b"in secret")
    for authority, words in (("stranger", ("PROBLEM: EVENT_SOURCE_AUTHN_ERROR", "certificate")), ("authority", ("OK",))):
        # By another name than the certificate's, the broker is none.
        server = make_server(
            "--rabbitmq-endpoint", f"secure=amqps://localhost:{broker.tls_port}", "--rabbitmq-endpoint",
            f"orders=amqps://127.0.0.1:{broker.tls_port}", "--rabbitmq-ca", str(certificates / f"{authority}.pem"),
            "--secrets", path)
        server.deploy(name, LISTING)
        misnamed = mapping(server, name, queue)
        wait_for_result(server, misnamed, "PROBLEM: EVENT_SOURCE_AUTHN_ERROR", "certificate")
        made = mapping(server, name, queue, source=SECURE_SOURCE)
        wait_for_result(server, made, *words)
    assert bodies(server, name) == ["in secret"]
    assert_nothing_is_left(server, broker, made, queue)


def test_a_kill_loses_no_message(own, broker, name, queue):
    own.deploy(name, LISTING)
    made = mapping(own, name, queue, BatchSize=10)
    sent = 0
    for _ in range(3):
        publish(broker, queue, *[str(number).encode() for number in range(sent, sent + 40)])
        sent += 40
        own.kill()
        own.start()
    wait_until(lambda: set(bodies(own, name)) == {str(number) for number in range(sent)}, 180, "all messages")
    assert_nothing_is_left(own, broker, made, queue)


def test_a_broker_that_goes_and_comes_back(own, name):
    broker = Broker()
    try:
        broker.start()
        with broker.channel() as channel:
            channel.queue_declare("work", durable=True)
        # The same data, with another broker.
        own.terminate()
        options = list(own.options)
        options[options.index("--rabbitmq-endpoint") + 1] = broker.endpoint
        own.options = options
        own.start()
        own.deploy(name, LISTING)
        made = mapping(own, name, "work", BatchSize=10)
        sent = 0
        for end in (broker.kill, broker.stop):
            publish(broker, "work", *[str(number).encode() for number in range(sent, sent + 40)], b"slow")
            sent += 40
            end()
            wait_for_result(own, made, "PROBLEM: ", "broker")
            broker.start()
        publish(broker, "work", b"end")
        wanted = {str(number) for number in range(sent)} | {"slow", "end"}
        try:
            wait_until(lambda: set(bodies(own, name)) == wanted, 300, "all messages")
        except AssertionError:
            raise AssertionError({
                "missing": wanted - set(bodies(own, name)), "waiting": broker.left("work"), "mapping": shown(own, made),
                "log": own.lines[-20:]}) from None
        wait_for_result(own, made, "OK")
        assert_nothing_is_left(own, broker, made, "work")
    finally:
        broker.close()
