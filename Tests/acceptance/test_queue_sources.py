# SPDX-License-Identifier: Apache-2.0
"""Queues that functions read: the server's own, and those of moto's server."""

import json
import time
import uuid

import botocore.exceptions
import pytest

from aws_services import Services
from harness import wait_until

ACCOUNT = "000000000000"
# Writes what it gets to another queue, whose URL it is given, by the server's own API.
LISTING = """
import json

def handler(event, context):
    print("BATCH " + json.dumps(event))
    bodies = [record["body"] for record in event["Records"]]
    if any(body.startswith("throw") for body in bodies):
        raise ValueError("as asked for")
    return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in event["Records"] if r["body"].startswith("fail")]}
"""


def arn(name):
    return f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"


@pytest.fixture
def make_queue(server):
    """Makes queues; gives URL and ARN."""
    sqs, made = server.client("sqs"), []

    def make(suffix="", **attributes):
        name = "q-" + uuid.uuid4().hex[:12] + suffix
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        made.append(url)
        return url, arn(name)

    yield make
    for url in made:
        sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def mapped(server):
    """Makes mappings that are enabled, and deletes them in the end."""
    client, made = server.client(), []

    def make(name, source, **settings):
        mapping = client.create_event_source_mapping(FunctionName=name, EventSourceArn=source, **settings)["UUID"]
        made.append(mapping)
        wait_for_state(client, mapping, "Enabled")
        return mapping

    yield make
    for mapping in made:
        try:
            client.delete_event_source_mapping(UUID=mapping)
        except client.exceptions.ResourceNotFoundException:
            continue
        wait_until(lambda: gone(client, mapping), 60, "the mapping's end")


def gone(client, mapping):
    try:
        client.get_event_source_mapping(UUID=mapping)
    except client.exceptions.ResourceNotFoundException:
        return True
    return False


def wait_for_state(client, mapping, state):
    wait_until(lambda: client.get_event_source_mapping(UUID=mapping)["State"] == state, 60, state)


def batches(server, name):
    """The events that a function was invoked with, in their order."""
    found = []
    for _, line in server.log(name):
        if "BATCH " in line:
            found.append(json.loads(line[line.index("BATCH ") + 6:])["Records"])
    return found


def bodies(server, name):
    return [record["body"] for batch in batches(server, name) for record in batch]


def left(sqs, url):
    """Messages that are visible, and that are in flight."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return tuple(int(shown[name]) for name in names)


def test_a_message_reaches_its_function_and_is_deleted(server, name, make_queue, mapped):
    server.deploy(name, LISTING)
    sqs = server.client("sqs")
    url, source = make_queue()
    mapping = mapped(name, source)
    shown = server.client().get_event_source_mapping(UUID=mapping)
    assert shown["StateTransitionReason"] == "USER_INITIATED" and "LastProcessingResult" not in shown
    before = time.time()
    sent = sqs.send_message(
        QueueUrl=url, MessageBody="bödy \"1\"", MessageAttributes={
            "text": {"DataType": "String", "StringValue": "välue"},
            "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}})
    (record,), = wait_until(lambda: batches(server, name), 60, "the event")
    assert record["body"] == "bödy \"1\"" and record["messageId"] == sent["MessageId"] and record["receiptHandle"]
    assert record["md5OfBody"] == sent["MD5OfMessageBody"]
    assert record["md5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert (record["eventSource"], record["eventSourceARN"], record["awsRegion"]) == ("aws:sqs", source, "us-east-1")
    attributes = record["attributes"]
    assert attributes["ApproximateReceiveCount"] == "1" and attributes["SenderId"]
    assert before * 1000 - 1000 < int(attributes["SentTimestamp"]) <= int(attributes["ApproximateFirstReceiveTimestamp"])
    assert record["messageAttributes"] == {
        "text": {"stringValue": "välue", "stringListValues": [], "binaryListValues": [], "dataType": "String"},
        "bytes": {"binaryValue": "AP8=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"}}
    assert set(record) == {
        "messageId", "receiptHandle", "body", "attributes", "messageAttributes", "md5OfBody", "md5OfMessageAttributes",
        "eventSource", "eventSourceARN", "awsRegion"}
    wait_until(lambda: left(sqs, url) == (0, 0), 60, "the deletion")


def test_a_window_gathers_a_batch(server, name, make_queue, mapped):
    server.deploy(name, LISTING)
    sqs = server.client("sqs")
    url, source = make_queue()
    mapped(name, source, BatchSize=25, MaximumBatchingWindowInSeconds=300)
    for start in range(0, 50, 10):
        entries = [{"Id": str(i), "MessageBody": str(start + i)} for i in range(10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    found = wait_until(lambda: (lambda all: all if len(all) == 2 else None)(batches(server, name)), 60, "two batches")
    # Two batches that are full, long before their window is over.
    assert [len(batch) for batch in found] == [25, 25]
    assert sorted(bodies(server, name), key=int) == [str(i) for i in range(50)]
    wait_until(lambda: left(sqs, url) == (0, 0), 60, "the deletion")


def test_a_window_ends(server, name, make_queue, mapped):
    server.deploy(name, LISTING)
    url, source = make_queue()
    mapped(name, source, BatchSize=100, MaximumBatchingWindowInSeconds=2)
    for text in ("a", "b", "c"):
        server.client("sqs").send_message(QueueUrl=url, MessageBody=text)
    wait_until(lambda: sorted(bodies(server, name)) == ["a", "b", "c"], 60, "the batch")


def test_partial_failures_come_again_and_end_in_the_dead_letter_queue(server, name, make_queue, mapped):
    server.deploy(name, LISTING, Timeout=10)
    sqs = server.client("sqs")
    dead, dead_arn = make_queue()
    # A start of the function, which may last long on a busy machine, is no part of the time in which a batch is invisible.
    server.invoke(name, {"Records": []})
    url, source = make_queue(
        VisibilityTimeout="10", RedrivePolicy=json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2}))
    mapped(name, source, FunctionResponseTypes=["ReportBatchItemFailures"])
    entries = [{"Id": str(i), "MessageBody": text} for i, text in enumerate(["good", "fail", "fine"])]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    wait_until(lambda: left(sqs, dead)[0] == 1, 120, "the dead letter")
    counted = bodies(server, name)
    assert (counted.count("good"), counted.count("fine"), counted.count("fail")) == (1, 1, 2)
    wait_until(lambda: left(sqs, url) == (0, 0), 60, "the deletion")


def test_a_function_error_leaves_its_batch_in_the_queue(server, name, make_queue, mapped):
    server.deploy(name, LISTING, Timeout=10)
    sqs = server.client("sqs")
    url, source = make_queue(VisibilityTimeout="10")
    mapped(name, source)
    sqs.send_message(QueueUrl=url, MessageBody="throw")
    wait_until(lambda: len(bodies(server, name)) >= 2, 120, "the second try")
    second = batches(server, name)[1][0]
    assert second["attributes"]["ApproximateReceiveCount"] == "2"


def test_what_no_filter_lets_through_is_deleted(server, name, make_queue, mapped):
    server.deploy(name, LISTING)
    sqs = server.client("sqs")
    url, source = make_queue()
    pattern = {"body": {"kind": ["order"], "amount": [{"numeric": [">", 10]}]}}
    mapped(name, source, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    for body in ({"kind": "order", "amount": 11}, {"kind": "order", "amount": 9}, {"kind": "other", "amount": 99}):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))
    sqs.send_message(QueueUrl=url, MessageBody="no JSON")
    wait_until(lambda: left(sqs, url) == (0, 0) and bodies(server, name), 60, "the deletion")
    assert [json.loads(body)["amount"] for body in bodies(server, name)] == [11]


def test_a_fifo_queue_keeps_the_order_of_its_groups(server, name, make_queue, mapped):
    server.deploy(name, LISTING)
    sqs = server.client("sqs")
    url, source = make_queue(".fifo", FifoQueue="true", ContentBasedDeduplication="true")
    mapped(name, source, BatchSize=3)
    for number in range(30):
        sqs.send_message(QueueUrl=url, MessageBody=str(number), MessageGroupId=str(number % 3))
    wait_until(lambda: len(bodies(server, name)) == 30, 60, "all messages")
    by_group = {}
    for batch in batches(server, name):
        for record in batch:
            by_group.setdefault(record["attributes"]["MessageGroupId"], []).append(record)
    assert set(by_group) == {"0", "1", "2"}
    wait_until(lambda: left(sqs, url) == (0, 0), 60, "the deletion")


def test_what_is_not_enabled_is_not_read(server, name, make_queue, mapped):
    server.deploy(name, LISTING)
    sqs, client = server.client("sqs"), server.client()
    url, source = make_queue()
    mapping = mapped(name, source)
    assert client.update_event_source_mapping(UUID=mapping, Enabled=False)["State"] == "Disabling"
    wait_for_state(client, mapping, "Disabled")
    sqs.send_message(QueueUrl=url, MessageBody="early")
    time.sleep(1)
    assert left(sqs, url) == (1, 0) and not batches(server, name)
    assert client.update_event_source_mapping(UUID=mapping, Enabled=True)["State"] == "Enabling"
    wait_until(lambda: bodies(server, name) == ["early"], 60, "the event")
    client.update_event_source_mapping(UUID=mapping, FilterCriteria={"Filters": [{"Pattern": '{"body":["wanted"]}'}]})
    # Nothing says when it is read with the new filter.
    time.sleep(3)
    for text in ("unwanted", "wanted"):
        sqs.send_message(QueueUrl=url, MessageBody=text)
    wait_until(lambda: bodies(server, name) == ["early", "wanted"], 60, "the event")
    client.delete_event_source_mapping(UUID=mapping)
    time.sleep(3)
    sqs.send_message(QueueUrl=url, MessageBody="wanted")
    time.sleep(1)
    assert left(sqs, url) == (1, 0)


def test_a_queue_that_is_not_there_or_too_short_is_refused(server, name, make_queue):
    server.deploy(name, LISTING, Timeout=60)
    client = server.client()
    with pytest.raises(client.exceptions.InvalidParameterValueException) as caught:
        client.create_event_source_mapping(FunctionName=name, EventSourceArn=arn("nobody"))
    assert caught.value.response["Error"]["Message"] == (
        "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error "
        "Message: The specified queue does not exist.")
    _, source = make_queue(VisibilityTimeout="59")
    with pytest.raises(client.exceptions.InvalidParameterValueException) as caught:
        client.create_event_source_mapping(FunctionName=name, EventSourceArn=source)
    assert caught.value.response["Error"]["Message"] == (
        "Queue visibility timeout: 59 seconds is less than Function timeout: 60 seconds")


def test_a_queue_that_goes_says_so_and_comes_back(server, name, mapped):
    server.deploy(name, LISTING)
    sqs, client = server.client("sqs"), server.client()
    queue_name = "q-" + uuid.uuid4().hex[:12]
    url = sqs.create_queue(QueueName=queue_name)["QueueUrl"]
    mapping = mapped(name, arn(queue_name))
    sqs.delete_queue(QueueUrl=url)
    shown = wait_until(
        lambda: client.get_event_source_mapping(UUID=mapping).get("LastProcessingResult"), 60, "the problem")
    assert shown.startswith("PROBLEM: Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService")
    sqs.create_queue(QueueName=queue_name)
    sqs.send_message(QueueUrl=url, MessageBody="again")
    wait_until(lambda: bodies(server, name) == ["again"], 90, "the event")
    wait_until(
        lambda: "LastProcessingResult" not in client.get_event_source_mapping(UUID=mapping), 60, "the problem's end")
    sqs.delete_queue(QueueUrl=url)


def test_at_most_so_many_at_once(server, name, make_queue, mapped):
    server.deploy(name, (
        "import time\n\ndef handler(event, context):\n    begun = time.time()\n    time.sleep(0.7)\n"
        "    print('RAN', begun, time.time())\n"))
    sqs = server.client("sqs")
    url, source = make_queue()
    mapped(name, source, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "MessageBody": str(i)} for i in range(8)])
    wait_until(lambda: left(sqs, url) == (0, 0), 60, "all messages")
    ran = wait_until(
        lambda: (lambda all: all if len(all) >= 8 else None)([line for _, line in server.log(name) if "RAN " in line]), 60,
        "all invocations in the log")
    spans = [tuple(map(float, line.split("RAN ")[1].split())) for line in ran]
    assert len(spans) == 8
    moments = sorted([(begun, 1) for begun, _ in spans] + [(ended, -1) for _, ended in spans])
    running = most = 0
    for _, change in moments:
        running += change
        most = max(most, running)
    assert most == 2


def test_a_kill_loses_no_message(make_server, name):
    server = make_server()
    server.deploy(name, LISTING, Timeout=5)
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "5"})["QueueUrl"]
    mapping = server.client().create_event_source_mapping(FunctionName=name, EventSourceArn=arn("work"))["UUID"]
    wait_for_state(server.client(), mapping, "Enabled")
    sent = 0
    for _ in range(3):
        for _ in range(4):
            sqs.send_message_batch(
                QueueUrl=url, Entries=[{"Id": str(i), "MessageBody": str(sent + i)} for i in range(10)])
            sent += 10
        server.kill()
        server.start()
        sqs = server.client("sqs")
    wait_until(lambda: left(sqs, url) == (0, 0), 180, "all messages")
    assert set(bodies(server, name)) == {str(i) for i in range(sent)}


@pytest.fixture(scope="module")
def services():
    services = Services()
    yield services
    services.close()


def test_a_queue_of_another_server(make_server, name, services):
    server = make_server("--sqs-endpoint", services.url, env=services.environment)
    server.deploy(name, LISTING, Timeout=10)
    server.invoke(name, {"Records": []})
    queue = services.queue(VisibilityTimeout="10")
    client = server.client()
    mapping = client.create_event_source_mapping(
        FunctionName=name, EventSourceArn=queue.arn, FunctionResponseTypes=["ReportBatchItemFailures"])["UUID"]
    wait_for_state(client, mapping, "Enabled")
    sqs = services.client("sqs")
    entries = [{"Id": str(i), "MessageBody": text} for i, text in enumerate(["good", "fail", "fine"])]
    sqs.send_message_batch(QueueUrl=queue.url, Entries=entries)
    wait_until(lambda: bodies(server, name).count("fail") >= 2, 120, "the second try")
    counted = bodies(server, name)
    assert (counted.count("good"), counted.count("fine")) == (1, 1)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client.create_event_source_mapping(FunctionName=name, EventSourceArn=queue.arn + "x")
    assert "SQS Error Code: " in caught.value.response["Error"]["Message"]
    client.delete_event_source_mapping(UUID=mapping)


def test_without_a_way_to_queues_a_mapping_says_so(make_server, name):
    server = make_server("--aws-endpoint", "http://127.0.0.1:9", "--sqs", "aws-endpoint")
    server.deploy(name, LISTING)
    client = server.client()
    mapping = client.create_event_source_mapping(FunctionName=name, EventSourceArn=arn("any"))
    assert "The queue is not read: this server has no key for its SQS endpoint" in mapping["StateTransitionReason"]
    assert client.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Disabled"
