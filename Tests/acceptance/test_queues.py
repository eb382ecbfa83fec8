# SPDX-License-Identifier: Apache-2.0
"""SQS in the server itself, by boto3 and the AWS CLI."""

import collections
import concurrent.futures
import http.client
import json
import socket
import threading
import time
import urllib.parse
import uuid

import botocore.config
import botocore.exceptions
import botocore.session
import pytest

from harness import wait_until
from test_keys import allow, key


@pytest.fixture(scope="module")
def sqs(server):
    return server.client("sqs")


@pytest.fixture
def queue(sqs):
    """Makes queues: name and attributes to a URL."""
    made = []

    def make(suffix="", **attributes):
        url = sqs.create_queue(QueueName="q-" + uuid.uuid4().hex[:12] + suffix, Attributes=attributes)["QueueUrl"]
        made.append(url)
        return url

    yield make
    for url in made:
        try:
            sqs.delete_queue(QueueUrl=url)
        except sqs.exceptions.QueueDoesNotExist:
            pass


def arn(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def receive(sqs, url, **arguments):
    arguments.setdefault("MaxNumberOfMessages", 10)
    return sqs.receive_message(QueueUrl=url, **arguments).get("Messages", [])


def bodies(messages):
    return [message["Body"] for message in messages]


def refused(call, *arguments, **named):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(*arguments, **named)
    return caught.value.response["Error"]


def test_send_receive_delete(sqs, queue):
    url = queue()
    sent = sqs.send_message(
        QueueUrl=url, MessageBody="bödy", MessageAttributes={
            "text": {"DataType": "String.x", "StringValue": "välue"}, "number": {"DataType": "Number", "StringValue": "1.5"},
            "bytes": {"DataType": "Binary", "BinaryValue": bytes(range(256))}},
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-2-3"}})
    # boto3 verifies every digest that is there.
    assert sent["MD5OfMessageAttributes"] and sent["MD5OfMessageSystemAttributes"]
    before = time.time()
    message, = receive(sqs, url, MessageAttributeNames=["All"], AttributeNames=["All"])
    assert message["Body"] == "bödy" and message["MessageId"] == sent["MessageId"]
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MessageAttributes"]["bytes"]["BinaryValue"] == bytes(range(256))
    assert message["MessageAttributes"]["text"] == {"DataType": "String.x", "StringValue": "välue"}
    shown = message["Attributes"]
    assert shown["ApproximateReceiveCount"] == "1" and shown["SenderId"] == "000000000000"
    assert shown["AWSTraceHeader"] == "Root=1-2-3" and abs(int(shown["SentTimestamp"]) / 1000 - before) < 60
    assert receive(sqs, url) == []
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessagesNotVisible"] == "1" and counts["ApproximateNumberOfMessages"] == "0"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
    assert counts["Attributes"] == {"ApproximateNumberOfMessagesNotVisible": "0"}


def test_selected_attributes(sqs, queue):
    url = queue()
    attributes = {name: {"DataType": "String", "StringValue": name} for name in ["a.1", "a.2", "b"]}
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=attributes)

    def seen(*names, **arguments):
        message, = receive(sqs, url, VisibilityTimeout=0, MessageAttributeNames=list(names), **arguments)
        return sorted(message.get("MessageAttributes", {}))

    assert seen("a.*") == ["a.1", "a.2"] and seen("b") == ["b"] and seen(".*") == ["a.1", "a.2", "b"] and seen() == []
    message, = receive(sqs, url, MessageSystemAttributeNames=["SentTimestamp"])
    assert list(message["Attributes"]) == ["SentTimestamp"]


def test_batches(sqs, queue):
    url = queue()
    entries = [{"Id": f"e{n}", "MessageBody": f"body {n}"} for n in range(10)]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == [f"e{n}" for n in range(10)] and "Failed" not in answer
    messages = receive(sqs, url)
    assert sorted(bodies(messages)) == sorted(entry["MessageBody"] for entry in entries)
    handles = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
    changed = sqs.change_message_visibility_batch(
        QueueUrl=url, Entries=[{**handles[0], "VisibilityTimeout": 0}, {**handles[1], "VisibilityTimeout": 43201}])
    assert [e["Id"] for e in changed["Successful"]] == ["0"]
    assert [(e["Id"], e["Code"], e["SenderFault"]) for e in changed["Failed"]] == [("1", "InvalidParameterValue", True)]
    deleted = sqs.delete_message_batch(QueueUrl=url, Entries=handles[1:] + [{"Id": "bad", "ReceiptHandle": "no"}])
    assert len(deleted["Successful"]) == 9 and deleted["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
    assert bodies(receive(sqs, url)) == [messages[0]["Body"]]


def test_visibility_and_delay(sqs, queue):
    url = queue(VisibilityTimeout="8")
    sqs.send_message(QueueUrl=url, MessageBody="a")
    first, = receive(sqs, url)
    assert receive(sqs, url) == []
    second, = receive(sqs, url, WaitTimeSeconds=20, AttributeNames=["ApproximateReceiveCount"])
    assert second["Attributes"] == {"ApproximateReceiveCount": "2"}
    assert first["ReceiptHandle"] != second["ReceiptHandle"]
    # The older receive's handle deletes nothing.
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0)
    third, = receive(sqs, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=third["ReceiptHandle"])
    started = time.monotonic()
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=8)
    assert receive(sqs, url) == []
    assert bodies(receive(sqs, url, WaitTimeSeconds=20)) == ["later"] and time.monotonic() - started >= 7.9


def test_dead_letters(sqs, queue):
    dead = queue()
    policy = json.dumps({"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": 2})
    url = queue(RedrivePolicy=policy)
    sent = sqs.send_message(QueueUrl=url, MessageBody="poison")
    for _ in range(2):
        assert bodies(receive(sqs, url, VisibilityTimeout=0)) == ["poison"]
    assert receive(sqs, url) == []
    message, = receive(sqs, dead, AttributeNames=["All"])
    assert message["MessageId"] == sent["MessageId"]
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn(sqs, url)
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    error = refused(queue, RedrivePolicy=json.dumps({"deadLetterTargetArn": arn(sqs, dead) + "x", "maxReceiveCount": 2}))
    assert error["Code"] == "InvalidParameterValue"


def test_fifo(sqs, queue):
    url = queue(".fifo", FifoQueue="true", ContentBasedDeduplication="true", VisibilityTimeout="300")
    first = sqs.send_message(QueueUrl=url, MessageBody="a1", MessageGroupId="a")
    again = sqs.send_message(QueueUrl=url, MessageBody="a1", MessageGroupId="a")
    assert again["MessageId"] == first["MessageId"] and again["SequenceNumber"] == first["SequenceNumber"]
    for body, group in [("a2", "a"), ("b1", "b"), ("a3", "a")]:
        last = sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group)
    assert int(last["SequenceNumber"]) > int(first["SequenceNumber"]) and len(last["SequenceNumber"]) == 20
    message, = receive(sqs, url, MaxNumberOfMessages=1, AttributeNames=["All"])
    assert message["Body"] == "a1" and message["Attributes"]["MessageGroupId"] == "a"
    # Group a is locked, group b is not.
    other, = receive(sqs, url)
    assert other["Body"] == "b1"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert bodies(receive(sqs, url, VisibilityTimeout=0)) == ["a2", "a3"]
    messages = receive(sqs, url)
    assert bodies(messages) == ["a2", "a3"]
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="x")["Code"] == "MissingParameter"
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="x", MessageGroupId="a", DelaySeconds=1)["Code"] == "InvalidParameterValue"


def test_a_long_poll_is_answered_by_a_send(sqs, queue):
    url = queue()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(receive, sqs, url, WaitTimeSeconds=20, MaxNumberOfMessages=1) for _ in range(3)]
        for n in range(3):
            sqs.send_message(QueueUrl=url, MessageBody=str(n))
        found = [body for future in waiting for body in bodies(future.result(60))]
        assert sorted(found) == ["0", "1", "2"]
    started = time.monotonic()
    assert receive(sqs, url, WaitTimeSeconds=1) == [] and time.monotonic() - started >= 0.9


def test_a_client_that_goes_loses_its_wait(server, sqs, queue):
    url = queue()
    # A busy server may hear of it after the message.
    for pause in (0, 2, 10):
        client = server.client("sqs", config=botocore.config.Config(retries={"max_attempts": 0}, read_timeout=1))
        with pytest.raises(botocore.exceptions.ReadTimeoutError):
            client.receive_message(QueueUrl=url, WaitTimeSeconds=20)
        # Its connection is closed: what comes now is for others.
        client.close()
        time.sleep(pause)
        sqs.send_message(QueueUrl=url, MessageBody=f"for others after {pause} s")
        if bodies(receive(sqs, url, WaitTimeSeconds=10)) == [f"for others after {pause} s"]:
            return
        sqs.delete_queue(QueueUrl=url)
        url = queue()
    raise AssertionError("the message was given to who had gone")


def test_large_messages(sqs, queue):
    url = queue()
    text = "ü" * (512 * 1024)
    sqs.send_message(QueueUrl=url, MessageBody=text)
    assert bodies(receive(sqs, url)) == [text]
    error = refused(sqs.send_message, QueueUrl=url, MessageBody=text + "a")
    assert error["Code"] == "InvalidParameterValue" and "1048576" in error["Message"]
    entries = [{"Id": str(n), "MessageBody": "x" * 200_000} for n in range(6)]
    error = refused(sqs.send_message_batch, QueueUrl=url, Entries=entries)
    assert error["Code"] == "AWS.SimpleQueueService.BatchRequestTooLong"


def test_queues_attributes_and_tags(sqs, queue, server):
    url = queue(VisibilityTimeout="5")
    name = url.rsplit("/", 1)[1]
    assert url == f"{server.url}/000000000000/{name}"
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    assert sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "5"})["QueueUrl"] == url
    with pytest.raises(sqs.exceptions.QueueNameExists):
        sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "6"})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "3", "Policy": '{"Statement": []}'})
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert shown["DelaySeconds"] == "3" and shown["VisibilityTimeout"] == "5" and shown["Policy"] == '{"Statement": []}'
    assert shown["MaximumMessageSize"] == "1048576" and shown["MessageRetentionPeriod"] == "345600"
    assert shown["QueueArn"] == f"arn:aws:sqs:us-east-1:000000000000:{name}"
    sqs.tag_queue(QueueUrl=url, Tags={"a": "1", "b": "2"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["a"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"b": "2"}
    assert sqs.list_queues(QueueNamePrefix=name)["QueueUrls"] == [url]
    others = [queue() for _ in range(3)]
    pages = sqs.get_paginator("list_queues").paginate(PaginationConfig={"PageSize": 2})
    listed = [url for page in pages for url in page.get("QueueUrls", [])]
    assert set(others + [url]) <= set(listed) and listed == sorted(listed)
    sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=0)
    sqs.purge_queue(QueueUrl=url)
    assert receive(sqs, url) == []
    with pytest.raises(sqs.exceptions.PurgeQueueInProgress):
        sqs.purge_queue(QueueUrl=url)
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=url, MessageBody="x")


def test_refusals_in_awss_codes(sqs, queue):
    url = queue()
    assert refused(sqs.get_queue_url, QueueName="absent")["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert refused(sqs.create_queue, QueueName="a b")["Code"] == "InvalidParameterValue"
    assert refused(sqs.create_queue, QueueName="a", Attributes={"Nothing": "1"})["Code"] == "InvalidAttributeName"
    assert refused(sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=11)["Code"] == "InvalidParameterValue"
    assert refused(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=21)["Code"] == "InvalidParameterValue"
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="\0")["Code"] == "InvalidMessageContents"
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="")["Code"] == "MissingParameter"
    assert refused(sqs.delete_message, QueueUrl=url, ReceiptHandle="x")["Code"] == "ReceiptHandleIsInvalid"
    with pytest.raises(sqs.exceptions.EmptyBatchRequest):
        sqs.send_message_batch(QueueUrl=url, Entries=[])
    entry = {"Id": "a", "MessageBody": "x"}
    with pytest.raises(sqs.exceptions.BatchEntryIdsNotDistinct):
        sqs.send_message_batch(QueueUrl=url, Entries=[entry, entry])
    with pytest.raises(sqs.exceptions.UnsupportedOperation) as caught:
        sqs.start_message_move_task(SourceArn=arn(sqs, url))
    assert "not available" in caught.value.response["Error"]["Message"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    handle = receive(sqs, url, VisibilityTimeout=0)[0]["ReceiptHandle"]
    with pytest.raises(sqs.exceptions.MessageNotInflight):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=1)


def raw(server, body, headers):
    address = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    connection.request("POST", "/", body, headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def test_who_may(server, sqs, queue, tmp_path):
    url = queue()
    name = url.rsplit("/", 1)[1]
    assert refused(server.client("sqs", aws_secret_access_key="wrong").list_queues)["Code"] == "SignatureDoesNotMatch"
    assert refused(server.client("sqs", aws_access_key_id="stranger").list_queues)["Code"] == "InvalidClientTokenId"
    policy = allow("sqs:SendMessage", resource=f"arn:aws:sqs:*:*:{name}")
    sender = server.client("sqs", **key(server, policy=policy, tmp_path=tmp_path))
    sender.send_message(QueueUrl=url, MessageBody="x")
    sender.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "y"}])
    assert refused(sender.receive_message, QueueUrl=url)["Code"] == "AccessDenied"
    assert refused(sender.send_message, QueueUrl=queue(), MessageBody="x")["Code"] == "AccessDenied"
    status, headers, body = raw(server, b"{}", {"X-Amz-Target": "AmazonSQS.ListQueues"})
    assert status == 403 and json.loads(body)["__type"].startswith("com.amazon.coral.service#")
    other = server.client("sqs", region_name="eu-west-1")
    assert refused(other.send_message, QueueUrl=url, MessageBody="x")["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert url not in other.list_queues().get("QueueUrls", [])


def test_requests_that_are_none(make_server):
    server = make_server("--auth", "none")
    target = {"X-Amz-Target": "AmazonSQS.SendMessage", "Content-Type": "application/x-amz-json-1.0"}
    status, headers, body = raw(server, b"{", target)
    assert status == 400 and json.loads(body)["__type"].endswith("#SerializationException")
    assert headers["x-amzn-query-error"] == "MalformedInput;Sender"
    status, headers, body = raw(server, b"{}", {**target, "X-Amz-Target": "AmazonSQS.Nothing"})
    assert status == 400 and headers["x-amzn-query-error"] == "InvalidAction;Sender"
    status, headers, body = raw(server, b"{}", target)
    assert json.loads(body)["__type"] == "com.amazonaws.sqs#QueueDoesNotExist"
    # Each member of each operation in turn is something else than it should be: the caller's fault, and no long answer.
    good = {"QueueUrl": "/000000000000/q", "ReceiptHandle": "x", "MessageBody": "a", "QueueName": "q"}
    raw(server, json.dumps(good), {**target, "X-Amz-Target": "AmazonSQS.CreateQueue"})
    model = botocore.session.get_session().get_service_model("sqs")
    for operation in model.operation_names:
        for member in model.operation_model(operation).input_shape.members:
            for value in [None, "", "a" * 100_000, -1, 2**64, 0.5, [], {}, [None], {"a": None}]:
                header = {**target, "X-Amz-Target": f"AmazonSQS.{operation}"}
                status, headers, body = raw(server, json.dumps({**good, member: value}), header)
                assert status < 500 and len(body) < 10_000, (operation, member, value)
                assert status == 200 or headers["x-amzn-query-error"].endswith(";Sender"), (operation, member, value)
    scope = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=00"
    form = {"Authorization": scope, "Content-Type": "application/x-www-form-urlencoded"}
    status, headers, body = raw(server, b"Action=ListQueues", form)
    assert status == 404 and b"Query protocol is not available" in body


def test_killed_at_any_moment_nothing_acknowledged_is_lost(make_server):
    server = make_server()
    sqs = server.client("sqs")
    # As long as the whole test may last: nothing becomes visible again by itself.
    url, taken = (
        sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "3600"})["QueueUrl"]
        for name in ("durable", "taken"))
    sqs.send_message(QueueUrl=taken, MessageBody="deleted")
    message, = receive(sqs, taken)
    sqs.delete_message(QueueUrl=taken, ReceiptHandle=message["ReceiptHandle"])
    sqs.send_message(QueueUrl=taken, MessageBody="in flight")
    flying, = receive(sqs, taken)
    acknowledged = set()
    stop = threading.Event()

    def send(worker):
        client = server.client("sqs")
        for n in range(100_000):
            body = f"{worker} {n}"
            try:
                client.send_message(QueueUrl=url, MessageBody=body)
            except Exception:
                return
            acknowledged.add(body)
            if stop.is_set():
                return

    workers = [threading.Thread(target=send, args=(n,)) for n in range(4)]
    for worker in workers:
        worker.start()
    wait_until(lambda: len(acknowledged) > 100, 60, "messages sent")
    server.kill()
    stop.set()
    for worker in workers:
        worker.join(60)
    server.start()
    sqs = server.client("sqs")
    url = sqs.get_queue_url(QueueName="durable")["QueueUrl"]
    found = collections.Counter()
    while messages := receive(sqs, url):
        found.update(bodies(messages))
    assert acknowledged <= set(found) and max(found.values()) == 1
    # What was in flight is so still, and its handle is good.
    taken = sqs.get_queue_url(QueueName="taken")["QueueUrl"]
    assert receive(sqs, taken) == []
    sqs.delete_message(QueueUrl=taken, ReceiptHandle=flying["ReceiptHandle"])
    counts = sqs.get_queue_attributes(QueueUrl=taken, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessages"] == counts["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_no_byte_of_a_message_is_readable_on_disk(make_server):
    server = make_server()
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    marker = "marker-" + uuid.uuid4().hex
    sqs.send_message(
        QueueUrl=url, MessageBody=marker, MessageGroupId=marker, MessageDeduplicationId=marker,
        MessageAttributes={marker: {"DataType": "String", "StringValue": marker}})
    for path in server.data.rglob("*"):
        if path.is_file():
            assert marker.encode() not in path.read_bytes(), path
    assert (server.data / "queues.sqlite").stat().st_mode & 0o777 == 0o600


def test_the_shutdown_answers_who_waits(make_server):
    server = make_server()
    server.client("sqs").create_queue(QueueName="q")
    # Nothing says when the server has the receive: on a busy machine the end may come before it.
    for pause in (0.5, 2, 4):
        sqs, probe = server.client("sqs"), server.client("sqs")
        url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(receive, sqs, url, WaitTimeSeconds=20)
            time.sleep(pause)
            probe.list_queues()
            started = time.monotonic()
            assert server.terminate() == 0
            try:
                if waiting.result(60) == [] and time.monotonic() - started < 15:
                    return
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                pass
        server.start()
    raise AssertionError("who waited was not answered")


def test_the_aws_cli(server, aws, sqs):
    name = "cli-" + uuid.uuid4().hex[:12]

    # Version 1 of the CLI has an endpoint of its own for SQS, and takes another from this option only.
    endpoint = ["--endpoint-url", server.url]

    def run(*arguments):
        output = aws(server, "sqs", *arguments, "--output", "json", *endpoint).stdout
        return json.loads(output) if output.strip() else {}

    url = run("create-queue", "--queue-name", name)["QueueUrl"]
    try:
        sent = run("send-message", "--queue-url", url, "--message-body", "from the CLI")
        message, = run("receive-message", "--queue-url", url, "--wait-time-seconds", "5")["Messages"]
        assert message["Body"] == "from the CLI" and message["MessageId"] == sent["MessageId"]
        run("delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"])
        assert run("receive-message", "--queue-url", url) == {}
    finally:
        run("delete-queue", "--queue-url", url)
    assert aws(server, "sqs", "get-queue-url", "--queue-name", name, *endpoint, check=False).returncode != 0


def test_with_another_endpoint_queues_are_there_unless_said_otherwise(make_server):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    server = make_server("--aws-endpoint", endpoint)
    assert refused(server.client("sqs").list_queues)["Code"] == "BadGatewayException"
    server = make_server("--aws-endpoint", endpoint, "--sqs", "embedded")
    assert server.client("sqs").list_queues().get("QueueUrls", []) == []
