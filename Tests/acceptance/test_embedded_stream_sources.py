# SPDX-License-Identifier: Apache-2.0
"""The server's own streams that functions read: what is asked of another server's, and that a record wakes its reader."""

import collections
import json
import sqlite3
import time
import uuid

import pytest

from harness import wait_until
from refusals import refusal
from test_stream_sources import (  # noqa: F401
    LISTING, WAIT, flat, mapped, put,
    test_a_filter_passes_over_records,
    test_a_kill_repeats_nothing_that_was_done_and_skips_nothing,
    test_a_partial_failure_is_tried_again_from_there,
    test_a_record_of_kinesis_reaches_its_function,
    test_a_split_finds_the_record_and_tells_the_destination,
    test_a_state_that_is_lacking_and_one_that_is_too_large,
    test_a_window_ends,
    test_a_windows_state_survives_a_kill,
    test_batches_beside_each_other_keep_the_order_of_their_keys,
    test_batches_of_a_shard_are_full_and_in_order,
    test_children_follow_their_parent,
    test_the_latest_leaves_out_what_was_there,
    test_what_is_disabled_waits,
)

ACCOUNT = "000000000000"


class OwnQueue:
    """A queue of the server itself, for what failed."""

    def __init__(self, server):
        self.server, name = server, "q-" + uuid.uuid4().hex[:12]
        self.url = server.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        self.arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"

    def wait(self, count, seconds):
        found = []

        def receive():
            found.extend(self.server.client("sqs").receive_message(
                QueueUrl=self.url, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", []))
            return found if len(found) >= count else None

        return wait_until(receive, seconds, "messages")


class OwnServices:
    """The services of the server itself, in the place of another's."""

    def __init__(self, server):
        self.server = server

    def client(self, service):
        return self.server.client(service)

    def queue(self):
        return OwnQueue(self.server)


@pytest.fixture
def reading(make_server):
    """A server that reads its own streams."""
    return make_server()


@pytest.fixture
def services(reading):
    return OwnServices(reading)


@pytest.fixture
def stream(reading):
    """Makes streams; gives name and ARN."""

    def make(shards=1):
        made = "s-" + uuid.uuid4().hex[:12]
        reading.client("kinesis").create_stream(StreamName=made, ShardCount=shards)
        return made, f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{made}"

    return make


def test_a_record_of_an_idle_stream_wakes_its_reader(reading, name, stream):
    reading.deploy(name, LISTING)
    made, arn = stream(2)
    mapped(reading, name, arn)
    kinesis = reading.client("kinesis")

    def found():
        return flat(reading, name)

    # One after the other, so that each finds its shard idle.
    for number in range(4):
        kinesis.put_record(StreamName=made, Data=f"{number}".encode(), PartitionKey="k")
        wait_until(lambda: found() == [f"{n}" for n in range(number + 1)], WAIT, "the record")


def test_the_end_of_a_shard_wakes_its_reader(reading, name, stream):
    reading.deploy(name, LISTING)
    made, arn = stream()
    mapped(reading, name, arn)
    kinesis = reading.client("kinesis")
    for number in range(3):
        shard = next(
            one["ShardId"] for one in kinesis.list_shards(StreamName=made, ShardFilter={"Type": "AT_LATEST"})["Shards"]
            if one["HashKeyRange"]["StartingHashKey"] == "0")
        kinesis.split_shard(StreamName=made, ShardToSplit=shard, NewStartingHashKey=str(2 ** (127 - number)))
        kinesis.put_record(StreamName=made, Data=f"{number}".encode(), PartitionKey="k", ExplicitHashKey="0")
    wait_until(lambda: flat(reading, name) == ["0", "1", "2"], WAIT, "what is in the children")


def test_batches_partial_failures_and_windows_of_a_stream(reading, name, stream):
    """Each record is counted once, in whichever window it came, however often its batch is tried."""
    reading.deploy(name, """
import base64

def handler(event, context):
    state = event.get("state") or {}
    assert len(event["Records"]) <= 100
    for number, record in enumerate(event["Records"]):
        text = base64.b64decode(record["kinesis"]["data"]).decode()
        # Every record that ends in 9 fails the first time that it is not the first of its batch.
        if text.endswith("9") and number > 0:
            return {"state": state, "batchItemFailures": [{"itemIdentifier": record["kinesis"]["sequenceNumber"]}]}
        state[text[0]] = state.get(text[0], 0) + 1
    print("BATCH " + __import__("json").dumps({**event, "Records": len(event["Records"])}))
    return {"state": state}
""")
    made, arn = stream(2)
    mapped(
        reading, name, arn, BatchSize=100, TumblingWindowInSeconds=10, FunctionResponseTypes=["ReportBatchItemFailures"])
    kinesis = reading.client("kinesis")
    expected = collections.Counter()
    for turn in range(4):
        records = [{"Data": f"{'abc'[n % 3]}{n}".encode(), "PartitionKey": f"{n}"} for n in range(turn * 50, turn * 50 + 50)]
        expected.update(record["Data"].decode()[0] for record in records)
        assert kinesis.put_records(StreamName=made, Records=records)["FailedRecordCount"] == 0
        time.sleep(1)

    def total():
        sums = collections.Counter()
        for event in (json.loads(line[line.index("BATCH ") + 6:]) for _, line in reading.log(name) if "BATCH " in line):
            if event["isFinalInvokeForWindow"]:
                sums.update(event["state"])
        return sums

    wait_until(lambda: total() == expected, WAIT, "the windows' ends")


def test_a_stream_that_is_not_there_is_refused_and_one_that_goes_says_so(reading, name, services, stream):
    reading.deploy(name, LISTING)
    client = reading.client()
    made, arn = stream()
    # Another account's streams are not there, whatever their names.
    for absent in (f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/nobody", arn.replace(ACCOUNT, "123456789012"),
                   arn.replace("us-east-1", "eu-west-1")):
        assert refusal(
            client.create_event_source_mapping, FunctionName=name, EventSourceArn=absent, StartingPosition="LATEST") == (
            400, "InvalidParameterValueException", f"Stream not found: {absent}")
    assert client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"] == []
    mapping = mapped(reading, name, arn)
    reading.client("kinesis").delete_stream(StreamName=made)
    result = wait_until(
        lambda: (lambda one: one if "PROBLEM" in one else None)(
            client.get_event_source_mapping(UUID=mapping)["LastProcessingResult"]), WAIT, "the problem")
    assert "ResourceNotFoundException" in result
    # Made anew, it is read from its first record.
    reading.client("kinesis").create_stream(StreamName=made, ShardCount=1)
    put(services, made, "anew")
    wait_until(lambda: flat(reading, name) == ["anew"], WAIT, "the record of the new stream")


def test_a_mapping_of_a_stream_that_is_damaged_is_made_and_says_so(reading, name, stream):
    reading.deploy(name, LISTING)
    made, arn = stream()
    reading.kill()
    with sqlite3.connect(reading.data / "streams.sqlite") as database:
        database.execute("UPDATE shards SET firstKey = 'x'")
    database.close()
    reading.start()
    client = reading.client()
    mapping = client.create_event_source_mapping(
        FunctionName=name, EventSourceArn=arn, StartingPosition="TRIM_HORIZON")["UUID"]
    result = wait_until(
        lambda: (lambda one: one if "PROBLEM" in one else None)(
            client.get_event_source_mapping(UUID=mapping)["LastProcessingResult"]), WAIT, "the problem")
    assert "InternalFailure" in result
    # It can be deleted still.
    reading.client("kinesis").delete_stream(StreamName=made)
    assert reading.client("kinesis").list_streams()["StreamNames"] == []
