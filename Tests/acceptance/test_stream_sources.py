# SPDX-License-Identifier: Apache-2.0
"""Streams of Kinesis and of DynamoDB's tables that functions read, of moto's server."""

import base64
import collections
import datetime
import json
import sqlite3
import time
import uuid

import pytest

from aws_services import Services
from harness import wait_until, zip_of
from refusals import refusal

WAIT = 120
LISTING = """
import base64, json

def handler(event, context):
    print("BATCH " + json.dumps(event))
    texts = [base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"] if "kinesis" in r]
    if any(text.startswith("throw") for text in texts):
        raise ValueError("as asked for")
    return {"batchItemFailures": [
        {"itemIdentifier": r["kinesis"]["sequenceNumber"]} for r, text in zip(event["Records"], texts)
        if text.startswith("fail")]}
"""


@pytest.fixture(scope="module")
def services():
    services = Services()
    yield services
    services.close()


@pytest.fixture
def reading(make_server, services):
    """A server that reads moto's streams."""
    return make_server("--aws-endpoint", services.url, "--region", "us-east-1", env=services.environment)


@pytest.fixture
def stream(services):
    """Makes streams; gives name and ARN."""
    client = services.client("kinesis")

    def make(shards=1):
        made = "s-" + uuid.uuid4().hex[:12]
        client.create_stream(StreamName=made, ShardCount=shards)

        def described():
            return client.describe_stream(StreamName=made)["StreamDescription"]

        wait_until(lambda: described()["StreamStatus"] == "ACTIVE", WAIT, "the stream")
        return made, described()["StreamARN"]

    return make


def put(services, name, *texts, key="k"):
    services.client("kinesis").put_records(
        StreamName=name, Records=[{"Data": text.encode(), "PartitionKey": key} for text in texts])


def mapped(server, name, source, start="TRIM_HORIZON", **settings):
    client = server.client()
    mapping = client.create_event_source_mapping(
        FunctionName=name, EventSourceArn=source, StartingPosition=start, **settings)["UUID"]
    wait_for_state(client, mapping, "Enabled")
    return mapping


def wait_for_state(client, mapping, state):
    wait_until(lambda: client.get_event_source_mapping(UUID=mapping)["State"] == state, WAIT, state)


def positions(server, mapping):
    """How far a mapping is, durably, by shard."""
    database = sqlite3.connect(server.data / "metadata.sqlite", timeout=30)
    try:
        return dict(database.execute(
            "SELECT shard, position FROM streamPositions WHERE mapping = ? AND shard <> ''", (mapping,)).fetchall())
    finally:
        database.close()


def wait_for_positions(server, mapping, *sequences):
    """Until all before and with one of those sequence numbers is done in each of as many shards."""
    wanted = sorted(f"after {sequence}" for sequence in sequences)
    wait_until(lambda: sorted(positions(server, mapping).values()) == wanted, WAIT, "the positions")


def lasts(server, name):
    """The last sequence number of each shard that a function was invoked with."""
    found = {}
    for batch in batches(server, name):
        for record in batch:
            shard, sequence = record["eventID"].split(":")
            found[shard] = max(found.get(shard, "0"), sequence, key=int)
    return found.values()


def batches(server, name):
    """The events that a function was invoked with, in their order."""
    return [
        json.loads(line[line.index("BATCH ") + 6:])["Records"] for _, line in server.log(name) if "BATCH " in line]


def text(record):
    return base64.b64decode(record["kinesis"]["data"]).decode()


def texts(server, name):
    return [[text(record) for record in batch] for batch in batches(server, name)]


def flat(server, name):
    return [one for batch in texts(server, name) for one in batch]


def test_a_record_of_kinesis_reaches_its_function(reading, name, services, stream):
    reading.deploy(name, LISTING)
    made, arn = stream()
    mapping = mapped(reading, name, arn)
    shown = reading.client().get_event_source_mapping(UUID=mapping)
    assert (shown["StateTransitionReason"], shown["LastProcessingResult"]) == ("User action", "No records processed")
    before = time.time()
    sent = services.client("kinesis").put_record(StreamName=made, Data="bödy".encode(), PartitionKey="päge")
    (record,), = wait_until(lambda: batches(reading, name), WAIT, "the event")
    arrival = record["kinesis"].pop("approximateArrivalTimestamp")
    assert before - 5 < arrival < time.time() + 5
    role = reading.client().get_function_configuration(FunctionName=name)["Role"]
    assert record == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0", "partitionKey": "päge", "sequenceNumber": sent["SequenceNumber"],
            "data": base64.b64encode("bödy".encode()).decode()},
        "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventID": f"{sent['ShardId']}:{sent['SequenceNumber']}",
        "eventName": "aws:kinesis:record", "invokeIdentityArn": role, "awsRegion": "us-east-1", "eventSourceARN": arn}
    wait_until(
        lambda: reading.client().get_event_source_mapping(UUID=mapping)["LastProcessingResult"] == "OK", WAIT, "OK")


def test_batches_of_a_shard_are_full_and_in_order(reading, name, services, stream):
    reading.deploy(name, LISTING)
    made, arn = stream()
    sent = [str(number) for number in range(50)]
    put(services, made, *sent)
    mapped(reading, name, arn, BatchSize=25, MaximumBatchingWindowInSeconds=300)
    wait_until(lambda: len(flat(reading, name)) >= 50, WAIT, "two batches")
    assert texts(reading, name) == [sent[:25], sent[25:]]


def test_a_window_ends(reading, name, services, stream):
    reading.deploy(name, LISTING)
    made, arn = stream()
    mapped(reading, name, arn, MaximumBatchingWindowInSeconds=20)
    put(services, made, "a", "b")
    wait_until(lambda: texts(reading, name) == [["a", "b"]], WAIT, "the batch")


def test_the_latest_leaves_out_what_was_there(reading, name, services, stream):
    reading.deploy(name, LISTING)
    made, arn = stream()
    put(services, made, "old")
    mapped(reading, name, arn, "LATEST")

    # Where it begins is known only from what comes.
    def found():
        put(services, made, "new")
        time.sleep(1)
        return flat(reading, name)

    assert "old" not in wait_until(found, WAIT, "the event")


def test_a_time_to_begin_with_and_the_latest_after_a_kill(reading, name, services, stream):
    reading.deploy(name, LISTING)
    made, arn = stream()
    put(services, made, "old")
    time.sleep(2)
    begin = time.time()
    time.sleep(2)
    put(services, made, "young")
    mapped(reading, name, arn, "AT_TIMESTAMP", StartingPositionTimestamp=begin)
    wait_until(lambda: flat(reading, name), WAIT, "the event")
    assert flat(reading, name) == ["young"]
    other, other_arn = stream()
    put(services, other, "older")
    mapping = mapped(reading, name, other_arn, "LATEST")
    wait_until(lambda: positions(reading, mapping), WAIT, "the beginning")
    reading.kill()
    # Nobody reads, but the mapping has begun.
    put(services, other, "newer")
    reading.start()
    wait_until(lambda: flat(reading, name) == ["young", "newer"], WAIT, "what came meanwhile")


def test_a_partial_failure_is_tried_again_from_there(reading, name, services, stream):
    reading.deploy(name, LISTING)
    made, arn = stream()
    put(services, made, "a", "b", "fail", "c")
    mapped(reading, name, arn, FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=2)
    wait_until(lambda: len(texts(reading, name)) >= 3, WAIT, "three tries")
    assert texts(reading, name)[:3] == [["a", "b", "fail", "c"], ["fail", "c"], ["fail", "c"]]


def test_a_split_finds_the_record_and_tells_the_destination(reading, name, services, stream):
    reading.deploy(name, LISTING)
    made, arn = stream()
    failed = services.queue()
    put(services, made, "a", "b", "throw", "c", "d")
    mapping = mapped(
        reading, name, arn, BisectBatchOnFunctionError=True, MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": failed.arn}})
    message, = failed.wait(1, WAIT)
    wait_until(lambda: flat(reading, name)[-1:] == ["d"], WAIT, "the last record")
    good = [batch for batch in texts(reading, name) if "throw" not in batch]
    assert [one for batch in good for one in batch] == ["a", "b", "c", "d"]
    assert ["throw"] in texts(reading, name)
    record = json.loads(message["Body"])
    poison = next(r for batch in batches(reading, name) for r in batch if text(r) == "throw")
    info = record.pop("KinesisBatchInfo")
    assert info["approximateArrivalOfFirstRecord"].endswith("Z")
    assert info["approximateArrivalOfFirstRecord"] == info["approximateArrivalOfLastRecord"]
    sequence = poison["kinesis"]["sequenceNumber"]
    assert (info["startSequenceNumber"], info["endSequenceNumber"], info["batchSize"]) == (sequence, sequence, 1)
    assert (info["shardId"], info["streamArn"]) == (poison["eventID"].split(":")[0], arn)
    context = record["requestContext"]
    function = reading.client().get_function_configuration(FunctionName=name)["FunctionArn"]
    assert (context["functionArn"], context["condition"]) == (function, "RetryAttemptsExhausted")
    assert record["responseContext"] == {
        "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert record["version"] == "1.0" and record["timestamp"].endswith("Z") and "payload" not in record
    assert mapping


def test_retries_end_in_a_bucket_with_the_event(reading, name, services, stream):
    reading.deploy(name, LISTING)
    made, arn = stream()
    bucket = "b-" + uuid.uuid4().hex[:12]
    s3 = services.client("s3")
    s3.create_bucket(Bucket=bucket)
    put(services, made, "throw", "beside")
    mapping = mapped(
        reading, name, arn, MaximumRetryAttempts=1, DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}})
    found = wait_until(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"), WAIT, "the object")
    record = json.loads(s3.get_object(Bucket=bucket, Key=found[0]["Key"])["Body"].read())
    assert found[0]["Key"].startswith(f"aws/lambda/{mapping}/{record['KinesisBatchInfo']['shardId']}/")
    assert record["requestContext"]["approximateInvokeCount"] == 2 and record["KinesisBatchInfo"]["batchSize"] == 2
    assert [text(one) for one in json.loads(record["payload"])["Records"]] == ["throw", "beside"]
    put(services, made, "after")
    wait_until(lambda: flat(reading, name)[-1:] == ["after"], WAIT, "what follows")


def test_what_is_too_old_is_not_run(reading, name, services, stream):
    reading.deploy(name, LISTING)
    made, arn = stream()
    failed = services.queue()
    put(services, made, "throw")
    mapped(
        reading, name, arn, MaximumRecordAgeInSeconds=60, DestinationConfig={"OnFailure": {"Destination": failed.arn}})
    message, = failed.wait(1, 240)
    record = json.loads(message["Body"])
    assert record["requestContext"]["condition"] == "RecordAgeExceeded" and "responseContext" not in record


def test_a_filter_passes_over_records(reading, name, services, stream):
    reading.deploy(name, LISTING)
    made, arn = stream()
    pattern = {"data": {"kind": ["order"]}}
    mapped(reading, name, arn, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    wanted = '{"kind": "order"}'
    put(services, made, '{"kind": "other"}', "no JSON", wanted, '{"kind": "other"}')
    wait_until(lambda: flat(reading, name), WAIT, "the event")
    put(services, made, '{"kind": "other"}', wanted)
    wait_until(lambda: len(flat(reading, name)) >= 2, WAIT, "the second event")
    assert flat(reading, name) == [wanted, wanted]


def test_a_kill_repeats_nothing_that_was_done_and_skips_nothing(reading, name, services, stream):
    reading.deploy(name, LISTING)
    made, arn = stream(2)
    mapping = mapped(reading, name, arn, BatchSize=10)
    sent = []
    for turn in range(3):
        some = [f"{turn}-{number}" for number in range(30)]
        for number, one in enumerate(some):
            put(services, made, one, key=str(number))
        sent += some
        if turn == 0:
            wait_until(lambda: set(flat(reading, name)) == set(sent), WAIT, "all records")
            wait_for_positions(reading, mapping, *lasts(reading, name))
            done = len(flat(reading, name))
        reading.kill()
        reading.start()
    wait_until(lambda: set(flat(reading, name)) == set(sent), WAIT, "all records")
    again = flat(reading, name)[done:]
    assert not any(one.startswith("0-") for one in again), "what was done before came again"


def test_children_follow_their_parent(reading, name, services, stream):
    reading.deploy(name, LISTING)
    made, arn = stream()
    mapped(reading, name, arn)
    put(services, made, "before")
    wait_until(lambda: flat(reading, name) == ["before"], WAIT, "the first record")
    kinesis = services.client("kinesis")
    kinesis.split_shard(StreamName=made, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2 ** 127))
    for number in range(10):
        put(services, made, f"after{number}", key=str(number))
    wait_until(lambda: {f"after{number}" for number in range(10)} <= set(flat(reading, name)), WAIT, "the children's")


def test_batches_beside_each_other_keep_the_order_of_their_keys(reading, name, services, stream):
    reading.deploy(name, LISTING)
    made, arn = stream()
    for number in range(40):
        put(services, made, f"{number % 4}-{number:02}", key=str(number % 4))
    put(services, made, "throw", key="throw")
    mapping = mapped(
        reading, name, arn, BatchSize=5, ParallelizationFactor=4, MaximumRetryAttempts=0,
        BisectBatchOnFunctionError=True)
    put(services, made, "0-99", key="0")

    def good():
        return [one for batch in texts(reading, name) if "throw" not in batch for one in batch]

    wait_until(lambda: len(good()) >= 41, WAIT, "all records")
    for key in range(4):
        found = [one for one in good() if one.startswith(f"{key}-")]
        assert found == sorted(found)
    # The record that failed holds up nobody: what follows is done, and is not run again.
    wait_for_positions(reading, mapping, *lasts(reading, name))
    reading.kill()
    reading.start()
    put(services, made, "0-100", key="0")
    wait_until(lambda: "0-100" in good(), WAIT, "what follows")
    assert len(good()) == 42


def test_what_is_disabled_waits(reading, name, services, stream):
    reading.deploy(name, LISTING)
    client = reading.client()
    made, arn = stream()
    mapping = mapped(reading, name, arn)
    put(services, made, "first")
    wait_until(lambda: flat(reading, name) == ["first"], WAIT, "the first record")
    client.update_event_source_mapping(UUID=mapping, Enabled=False)
    wait_for_state(client, mapping, "Disabled")
    put(services, made, "second")
    time.sleep(2)
    assert flat(reading, name) == ["first"]
    client.update_event_source_mapping(UUID=mapping, Enabled=True)
    wait_until(lambda: flat(reading, name) == ["first", "second"], WAIT, "the second record")
    client.delete_event_source_mapping(UUID=mapping)
    # A new mapping knows nothing of the old one.
    mapped(reading, name, arn)
    wait_until(lambda: flat(reading, name) == ["first", "second"] * 2, WAIT, "both records again")


def test_changes_of_a_table(reading, name, services):
    reading.deploy(name, LISTING)
    table = "t-" + uuid.uuid4().hex[:12]
    dynamodb = services.client("dynamodb")
    made = dynamodb.create_table(
        TableName=table, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    arn = made["TableDescription"]["LatestStreamArn"]
    mapped(reading, name, arn, FilterCriteria={"Filters": [{"Pattern": '{"dynamodb": {"Keys": {"id": {"S": ["1"]}}}}'}]})
    dynamodb.put_item(TableName=table, Item={"id": {"S": "1"}, "n": {"N": "1"}})
    dynamodb.put_item(TableName=table, Item={"id": {"S": "2"}})
    dynamodb.put_item(TableName=table, Item={"id": {"S": "1"}, "n": {"N": "2"}})
    dynamodb.delete_item(TableName=table, Key={"id": {"S": "1"}})

    def changes():
        return [record for batch in batches(reading, name) for record in batch]

    wait_until(lambda: len(changes()) >= 3, WAIT, "three changes")
    insert, modify, remove = changes()
    assert [one["eventName"] for one in (insert, modify, remove)] == ["INSERT", "MODIFY", "REMOVE"]
    for one in (insert, modify, remove):
        assert (one["eventSource"], one["eventSourceARN"], one["awsRegion"]) == ("aws:dynamodb", arn, "us-east-1")
        assert one["eventID"] and one["dynamodb"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
        assert one["dynamodb"]["Keys"] == {"id": {"S": "1"}} and one["dynamodb"]["ApproximateCreationDateTime"] > 0
    assert insert["dynamodb"]["NewImage"] == {"id": {"S": "1"}, "n": {"N": "1"}}
    assert modify["dynamodb"]["OldImage"]["n"] == {"N": "1"} and modify["dynamodb"]["NewImage"]["n"] == {"N": "2"}
    assert "NewImage" not in remove["dynamodb"]


def test_a_stream_that_is_not_there_is_refused_and_one_that_goes_says_so(reading, name, services, stream):
    reading.deploy(name, LISTING)
    client = reading.client()
    for absent in ("arn:aws:kinesis:us-east-1:123456789012:stream/nobody",
                   "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2025-02-17T16:33:01.784"):
        assert refusal(
            client.create_event_source_mapping, FunctionName=name, EventSourceArn=absent, StartingPosition="LATEST") == (
            400, "InvalidParameterValueException", f"Stream not found: {absent}")
    assert client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"] == []
    made, arn = stream()
    mapping = mapped(reading, name, arn)
    services.client("kinesis").delete_stream(StreamName=made)
    result = wait_until(
        lambda: (lambda one: one if "PROBLEM" in one else None)(
            client.get_event_source_mapping(UUID=mapping)["LastProcessingResult"]), WAIT, "the problem")
    assert "ResourceNotFoundException" in result


def test_without_an_endpoint_a_mapping_says_so(make_server, name):
    server = make_server()
    server.deploy(name, LISTING)
    client = server.client()
    source = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2025-02-17T16:33:01.784"
    mapping = client.create_event_source_mapping(
        FunctionName=name, EventSourceArn=source, StartingPosition="LATEST")["UUID"]
    shown = client.get_event_source_mapping(UUID=mapping)
    assert shown["State"] == "Disabled"
    assert "(--dynamodb-streams-endpoint or --aws-endpoint" in shown["StateTransitionReason"]


# Tumbling windows

SUMMING = """
import base64, json

def handler(event, context):
    state = event["state"]
    print("BATCH " + json.dumps({**event, "state": {key: value for key, value in state.items() if key != "filler"}}))
    for record in event["Records"]:
        text = base64.b64decode(record["kinesis"]["data"]).decode() if "kinesis" in record else record["eventName"]
        state[text] = state.get(text, 0) + 1
        if text == "large":
            state["filler"] = "x" * 1_048_576
        if text == "mute":
            return None
    return {"state": state}
"""


def window_events(server, name):
    return [json.loads(line[line.index("BATCH ") + 6:]) for _, line in server.log(name) if "BATCH " in line]


def seconds(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()


def counted(server, name):
    """What all windows together made of their records; what a kill repeated counts once."""
    total, known = collections.Counter(), set()
    for event in window_events(server, name):
        key = (event["window"]["start"], json.dumps(event["state"], sort_keys=True))
        if (event["isFinalInvokeForWindow"] or event["isWindowTerminatedEarly"]) and key not in known:
            known.add(key)
            total.update(event["state"])
    return dict(total)


def check_windows(server, name, arn, length):
    for event in window_events(server, name):
        start, end = seconds(event["window"]["start"]), seconds(event["window"]["end"])
        assert end - start == length and start % length == 0
        assert event["eventSourceARN"] == arn and event["shardId"].startswith("shardId-")
        assert set(event) == {
            "Records", "window", "state", "shardId", "eventSourceARN", "isFinalInvokeForWindow", "isWindowTerminatedEarly"}
        assert not (event["isFinalInvokeForWindow"] and event["isWindowTerminatedEarly"])
        if event["isFinalInvokeForWindow"] or event["isWindowTerminatedEarly"]:
            assert event["Records"] == []
        for record in event["Records"]:
            arrival = record.get("kinesis", {}).get("approximateArrivalTimestamp") \
                or record["dynamodb"]["ApproximateCreationDateTime"]
            # What is a moment late is of the window that is open then.
            assert start - 1 <= arrival < end


def test_a_windows_state_survives_a_kill(reading, name, services, stream):
    reading.deploy(name, SUMMING)
    made, arn = stream()
    secret = "secret-" + uuid.uuid4().hex
    mapping = mapped(reading, name, arn, BatchSize=2, TumblingWindowInSeconds=30)
    assert reading.client().get_event_source_mapping(UUID=mapping)["TumblingWindowInSeconds"] == 30
    # Most often both sides of the kill are in one window.
    wait_until(lambda: time.time() % 30 < 8, 60, "the beginning of a window")
    put(services, made, secret, "a", "a")
    wait_until(lambda: len(flat(reading, name)) >= 3, WAIT, "the first records")
    wait_for_positions(reading, mapping, *lasts(reading, name))
    before = window_events(reading, name)
    reading.kill()
    for file in reading.data.glob("metadata.sqlite*"):
        assert secret.encode() not in file.read_bytes()
    reading.start()
    put(services, made, "b", "a")
    wait_until(lambda: counted(reading, name) == {secret: 1, "a": 3, "b": 1}, WAIT, "the windows' ends")
    check_windows(reading, name, arn, 30)
    after = window_events(reading, name)[len(before):]
    for event in after[:1]:
        if event["window"] == before[-1]["window"] and not before[-1]["isFinalInvokeForWindow"]:
            print("the window went on after the kill")
            assert event["state"] == {secret: 1, "a": 2}


def test_a_state_that_is_lacking_and_one_that_is_too_large(reading, name, services, stream):
    reading.deploy(name, SUMMING)
    made, arn = stream()
    put(services, made, "a", "large", "mute", "b")
    mapping = mapped(reading, name, arn, BatchSize=1, TumblingWindowInSeconds=10, MaximumRetryAttempts=0)
    wait_until(lambda: counted(reading, name) == {"a": 1, "large": 1, "b": 1}, WAIT, "the windows' ends")
    check_windows(reading, name, arn, 10)
    events = window_events(reading, name)
    early, = [number for number, event in enumerate(events) if event["isWindowTerminatedEarly"]]
    assert events[early]["state"]["large"] == 1 and events[early + 1]["state"] == {}
    # Without windows what comes next has none.
    reading.client().update_event_source_mapping(UUID=mapping, TumblingWindowInSeconds=0)
    wait_for_state(reading.client(), mapping, "Enabled")
    reading.client().update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": LISTING}))
    reading.client().get_waiter("function_updated_v2").wait(FunctionName=name)
    put(services, made, "c")
    wait_until(lambda: flat(reading, name)[-1:] == ["c"], WAIT, "what comes next")
    assert set(window_events(reading, name)[-1]) == {"Records"}


def test_windows_of_a_table(reading, name, services):
    reading.deploy(name, SUMMING)
    table = "t-" + uuid.uuid4().hex[:12]
    dynamodb = services.client("dynamodb")
    made = dynamodb.create_table(
        TableName=table, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    arn = made["TableDescription"]["LatestStreamArn"]
    mapped(reading, name, arn, TumblingWindowInSeconds=5, ParallelizationFactor=4)
    for number in range(4):
        dynamodb.put_item(TableName=table, Item={"id": {"S": str(number)}})
    wait_until(lambda: counted(reading, name) == {"INSERT": 4}, WAIT, "the windows' ends")
    check_windows(reading, name, arn, 5)
