# SPDX-License-Identifier: Apache-2.0
"""Kinesis Data Streams in the server itself, by boto3 and the AWS CLI."""

import base64
import collections
import datetime
import hashlib
import http.client
import json
import socket
import threading
import time
import urllib.parse
import uuid

import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions
import botocore.session
import pytest

from harness import wait_until
from test_keys import allow, key

ACCOUNT = "000000000000"
KEYS = 2**128


@pytest.fixture(scope="module")
def kinesis(server):
    return server.client("kinesis")


@pytest.fixture
def stream(kinesis):
    """Makes streams: shards and settings to a name."""
    made = []

    def make(shards=1, **settings):
        name = "s-" + uuid.uuid4().hex[:12]
        if shards:
            settings["ShardCount"] = shards
        kinesis.create_stream(StreamName=name, **settings)
        made.append(name)
        return name

    yield make
    for name in made:
        try:
            kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)
        except kinesis.exceptions.ResourceNotFoundException:
            pass


def refused(call, *arguments, **named):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(*arguments, **named)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def shards(kinesis, name, **arguments):
    return kinesis.list_shards(StreamName=name, **arguments)["Shards"]


def read(kinesis, name, shard="shardId-000000000000", kind="TRIM_HORIZON", **arguments):
    """All that is there from an iterator on, and whether the shard has ended."""
    iterator = kinesis.get_shard_iterator(
        StreamName=name, ShardId=shard, ShardIteratorType=kind, **arguments)["ShardIterator"]
    found = []
    while iterator:
        answer = kinesis.get_records(ShardIterator=iterator)
        found += answer["Records"]
        iterator = answer.get("NextShardIterator")
        if not answer["Records"] and answer["MillisBehindLatest"] == 0:
            break
    return found, iterator is None


def texts(records):
    return [record["Data"].decode() for record in records]


def bounds(shard):
    span = shard["HashKeyRange"]
    return int(span["StartingHashKey"]), int(span["EndingHashKey"])


def test_put_and_get(kinesis, stream):
    name = stream()
    before = time.time()
    first = kinesis.put_record(StreamName=name, PartitionKey="ключ", Data=bytes(range(256)))
    assert first["ShardId"] == "shardId-000000000000" and first["EncryptionType"] == "NONE"
    arn = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}"
    second = kinesis.put_record(
        StreamARN=arn, StreamName=name, PartitionKey="b", Data=b"", SequenceNumberForOrdering=first["SequenceNumber"])
    assert int(second["SequenceNumber"]) > int(first["SequenceNumber"])
    assert len(first["SequenceNumber"]) == 56 and first["SequenceNumber"].startswith("4")
    (one, two), ended = read(kinesis, name)
    assert one["Data"] == bytes(range(256)) and one["PartitionKey"] == "ключ"
    assert one["SequenceNumber"] == first["SequenceNumber"] and two["Data"] == b"" and not ended
    assert abs(one["ApproximateArrivalTimestamp"].timestamp() - before) < 60


def test_many_records_by_their_hash_keys(kinesis, stream):
    name = stream(3)
    found = shards(kinesis, name)
    # As Kinesis cuts them: the last one takes what is left over.
    step = KEYS // 3
    assert [bounds(shard) for shard in found] == [(0, step - 1), (step, 2 * step - 1), (2 * step, KEYS - 1)]
    keys = [f"key {n}" for n in range(497)]
    records = [{"PartitionKey": text, "Data": text.encode()} for text in keys]
    for edge in (0, 2 * step, KEYS - 1):
        records.append({"PartitionKey": "x", "Data": str(edge).encode(), "ExplicitHashKey": str(edge)})
    answer = kinesis.put_records(StreamName=name, Records=records)
    assert answer["FailedRecordCount"] == 0 and len(answer["Records"]) == 500
    for record, put in zip(records, answer["Records"]):
        digest = int(record.get("ExplicitHashKey") or int(hashlib.md5(record["PartitionKey"].encode()).hexdigest(), 16))
        low, high = next(bounds(shard) for shard in found if shard["ShardId"] == put["ShardId"])
        assert low <= digest <= high
    for shard in found:
        expected = [r["Data"] for r, put in zip(records, answer["Records"]) if put["ShardId"] == shard["ShardId"]]
        there, _ = read(kinesis, name, shard["ShardId"])
        assert [record["Data"] for record in there] == expected and expected
        numbers = [int(record["SequenceNumber"]) for record in there]
        assert numbers == sorted(set(numbers))


def test_every_type_of_iterator(kinesis, stream):
    name = stream()
    numbers = [kinesis.put_record(StreamName=name, PartitionKey="k", Data=d)["SequenceNumber"] for d in (b"a", b"b")]
    # boto3 sends whole seconds.
    time.sleep(1.1)
    moment = datetime.datetime.now(datetime.timezone.utc)
    latest = kinesis.get_shard_iterator(StreamName=name, ShardId="0", ShardIteratorType="LATEST")["ShardIterator"]
    kinesis.put_record(StreamName=name, PartitionKey="k", Data=b"c")
    assert texts(kinesis.get_records(ShardIterator=latest)["Records"]) == ["c"]

    def seen(kind, **arguments):
        return texts(read(kinesis, name, kind=kind, **arguments)[0])

    assert seen("TRIM_HORIZON") == ["a", "b", "c"]
    assert seen("AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]) == ["b", "c"]
    assert seen("AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]) == ["c"]
    assert seen("AT_TIMESTAMP", Timestamp=moment) == ["c"]
    assert seen("AT_TIMESTAMP", Timestamp=datetime.datetime(2015, 1, 1)) == ["a", "b", "c"]
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId="0", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    page = kinesis.get_records(ShardIterator=iterator, Limit=2)
    assert texts(page["Records"]) == ["a", "b"] and page["MillisBehindLatest"] > 0
    page = kinesis.get_records(ShardIterator=page["NextShardIterator"], Limit=2)
    assert texts(page["Records"]) == ["c"] and page["MillisBehindLatest"] == 0 and page["NextShardIterator"]


def test_large_records_and_calls(kinesis, stream):
    name = stream()
    kinesis.put_record(StreamName=name, PartitionKey="k", Data=b"x" * (1024 * 1024 - 1))
    code, text = refused(kinesis.put_record, StreamName=name, PartitionKey="k", Data=b"x" * (1024 * 1024))
    assert code == "InvalidArgumentException" and "MaxRecordSizeInKiB" in text
    code, text = refused(kinesis.put_record, StreamName=name, PartitionKey="k", Data=b"x" * (1024 * 1024 + 1))
    assert code == "ValidationException" and text.endswith("'data' failed to satisfy constraint: Member must have length less than or equal to 1048576")
    kinesis.update_max_record_size(
        StreamARN=f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}", MaxRecordSizeInKiB=10240)
    kinesis.put_record(StreamName=name, PartitionKey="k", Data=b"y" * (10 * 1024 * 1024 - 1))
    half = {"PartitionKey": "k", "Data": b"z" * (5 * 1024 * 1024 - 1)}
    assert kinesis.put_records(StreamName=name, Records=[half, half])["FailedRecordCount"] == 0
    code, text = refused(kinesis.put_records, StreamName=name, Records=[half, half, {"PartitionKey": "k", "Data": b""}])
    assert (code, text) == ("InvalidArgumentException", "Records size exceeds 10 MB limit")
    sizes = []
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId="0", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    mib = 1024 * 1024
    while True:
        page = kinesis.get_records(ShardIterator=iterator)
        sizes.append([len(record["Data"]) for record in page["Records"]])
        iterator = page["NextShardIterator"]
        if page["MillisBehindLatest"] == 0:
            break
        # Each brings one at least.
        assert sizes[-1] and len(sizes) < 5
    assert [size for page in sizes for size in page] == [mib - 1, 10 * mib - 1, 5 * mib - 1, 5 * mib - 1]
    assert all(sum(page) <= 10 * mib for page in sizes)


def test_a_split_and_a_merge(kinesis, stream):
    name = stream()
    kinesis.put_record(StreamName=name, PartitionKey="k", Data=b"before")
    latest = kinesis.get_shard_iterator(StreamName=name, ShardId="0", ShardIteratorType="LATEST")["ShardIterator"]
    kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    kinesis.get_waiter("stream_exists").wait(StreamName=name)
    for edge in (0, 2**127):
        kinesis.put_record(StreamName=name, PartitionKey="k", Data=str(edge).encode(), ExplicitHashKey=str(edge))
    parent, left, right = shards(kinesis, name)
    assert bounds(left) == (0, 2**127 - 1) and bounds(right) == (2**127, KEYS - 1)
    assert left["ParentShardId"] == right["ParentShardId"] == parent["ShardId"] and "AdjacentParentShardId" not in left
    ending = parent["SequenceNumberRange"]["EndingSequenceNumber"]
    assert "EndingSequenceNumber" not in left["SequenceNumberRange"]
    found, ended = read(kinesis, name)
    assert texts(found) == ["before"] and ended and int(found[0]["SequenceNumber"]) < int(ending)
    answer = kinesis.get_records(ShardIterator=latest)
    assert answer["Records"] == [] and "NextShardIterator" not in answer
    assert [child["ShardId"] for child in answer["ChildShards"]] == [left["ShardId"], right["ShardId"]]
    assert answer["ChildShards"][0]["ParentShards"] == [parent["ShardId"]]
    kinesis.merge_shards(StreamName=name, ShardToMerge=left["ShardId"], AdjacentShardToMerge=right["ShardId"])
    *_, merged = shards(kinesis, name)
    assert (merged["ParentShardId"], merged["AdjacentParentShardId"]) == (left["ShardId"], right["ShardId"])
    assert bounds(merged) == (0, KEYS - 1)
    put = kinesis.put_record(StreamName=name, PartitionKey="k", Data=b"after")
    assert put["ShardId"] == merged["ShardId"]
    # By the lineage, all of it in its order.
    assert texts(read(kinesis, name, left["ShardId"])[0]) == ["0"]
    assert texts(read(kinesis, name, right["ShardId"])[0]) == [str(2**127)]
    assert texts(read(kinesis, name, merged["ShardId"])[0]) == ["after"]
    assert len(shards(kinesis, name, ShardFilter={"Type": "AT_LATEST"})) == 1
    assert len(shards(kinesis, name, ShardFilter={"Type": "AT_TRIM_HORIZON"})) == 1
    assert len(shards(kinesis, name, ShardFilter={"Type": "FROM_TRIM_HORIZON"})) == 4
    after = shards(kinesis, name, ShardFilter={"Type": "AFTER_SHARD_ID", "ShardId": left["ShardId"]})
    assert [shard["ShardId"] for shard in after] == [right["ShardId"], merged["ShardId"]]
    time.sleep(1.1)
    now = datetime.datetime.now(datetime.timezone.utc)
    assert len(shards(kinesis, name, ShardFilter={"Type": "AT_TIMESTAMP", "Timestamp": now})) == 1
    assert kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["OpenShardCount"] == 1


def test_the_number_of_shards(kinesis, stream):
    name = stream(4)
    for target in (8, 5, 3, 6, 3, 2):
        before = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["OpenShardCount"]
        answer = kinesis.update_shard_count(StreamName=name, TargetShardCount=target, ScalingType="UNIFORM_SCALING")
        assert (answer["CurrentShardCount"], answer["TargetShardCount"]) == (before, target)
        found = sorted(map(bounds, shards(kinesis, name, ShardFilter={"Type": "AT_LATEST"})))
        assert len(found) == target and found[0][0] == 0 and found[-1][1] == KEYS - 1
        for number, (low, _) in enumerate(found):
            assert abs(low - number * KEYS // target) < 20
        assert all(left[1] + 1 == right[0] for left, right in zip(found, found[1:]))
    code, text = refused(kinesis.update_shard_count, StreamName=name, TargetShardCount=5, ScalingType="UNIFORM_SCALING")
    assert code == "InvalidArgumentException" and "scale up over double" in text
    kinesis.update_shard_count(StreamName=name, TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    code, text = refused(kinesis.update_shard_count, StreamName=name, TargetShardCount=1, ScalingType="UNIFORM_SCALING")
    assert code == "InvalidArgumentException" and "scale down below half" in text


def test_streams_described_and_listed(kinesis, stream):
    name = stream(3, Tags={"a": "1"})
    kinesis.get_waiter("stream_exists").wait(StreamName=name)
    shown = kinesis.describe_stream(StreamName=name, Limit=2)["StreamDescription"]
    assert shown["StreamStatus"] == "ACTIVE" and shown["RetentionPeriodHours"] == 24 and shown["HasMoreShards"]
    assert shown["EncryptionType"] == "NONE" and shown["EnhancedMonitoring"] == [{"ShardLevelMetrics": []}]
    assert shown["StreamARN"] == f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}"
    assert shown["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}
    rest = kinesis.describe_stream(StreamARN=shown["StreamARN"], ExclusiveStartShardId=shown["Shards"][-1]["ShardId"])
    assert [shard["ShardId"] for shard in rest["StreamDescription"]["Shards"]] == ["shardId-000000000002"]
    assert not rest["StreamDescription"]["HasMoreShards"]
    page = kinesis.list_shards(StreamName=name, MaxResults=2)
    assert [shard["ShardId"][-1] for shard in page["Shards"]] == ["0", "1"]
    page = kinesis.list_shards(NextToken=page["NextToken"], MaxResults=2)
    assert [shard["ShardId"][-1] for shard in page["Shards"]] == ["2"] and "NextToken" not in page
    others = sorted([name] + [stream() for _ in range(4)])
    pages = kinesis.get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 2})
    assert [found for page in pages for found in page["StreamNames"] if found in others] == others
    page = kinesis.list_streams(Limit=1, ExclusiveStartStreamName=others[0])
    assert page["StreamNames"] == [others[1]] and page["HasMoreStreams"]
    assert page["StreamSummaries"][0]["StreamStatus"] == "ACTIVE"
    assert kinesis.list_streams(Limit=1, NextToken=page["NextToken"])["StreamNames"] == [others[2]]
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == 3 and summary["ConsumerCount"] == 0 and summary["MaxRecordSizeInKiB"] == 1024
    demand = stream(0, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    assert len(shards(kinesis, demand)) == 4
    limits = kinesis.describe_limits()
    assert limits["OpenShardCount"] >= 11 and limits["OnDemandStreamCount"] >= 1 and limits["ShardLimit"] == 1000
    code, text = refused(
        kinesis.split_shard, StreamName=demand, ShardToSplit="shardId-000000000000", NewStartingHashKey="100")
    assert code == "ValidationException" and "is in On-Demand mode" in text
    arn = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{demand}"
    kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": "PROVISIONED"})
    kinesis.split_shard(StreamName=demand, ShardToSplit="shardId-000000000000", NewStartingHashKey="100")
    kinesis.delete_stream(StreamName=name)
    kinesis.get_waiter("stream_not_exists").wait(StreamName=name)


def test_retention_and_tags(kinesis, stream):
    name = stream()
    kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=8760)
    kinesis.decrease_stream_retention_period(StreamName=name, RetentionPeriodHours=48)
    assert kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["RetentionPeriodHours"] == 48
    code, text = refused(kinesis.increase_stream_retention_period, StreamName=name, RetentionPeriodHours=24)
    assert code == "InvalidArgumentException" and "can not be shorter than existing retention period (48 hours)" in text
    code, text = refused(kinesis.decrease_stream_retention_period, StreamName=name, RetentionPeriodHours=72)
    assert code == "InvalidArgumentException" and "can not be longer than existing retention period (48 hours)" in text
    for hours, word in ((23, "short"), (8761, "long")):
        code, text = refused(kinesis.increase_stream_retention_period, StreamName=name, RetentionPeriodHours=hours)
        assert code == "InvalidArgumentException" and text.endswith(f"({hours} hours) is too {word}.")
    kinesis.add_tags_to_stream(StreamName=name, Tags={"a": "1", "b": "", "c": "ж"})
    page = kinesis.list_tags_for_stream(StreamName=name, Limit=2)
    assert page == {**page, "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}], "HasMoreTags": True}
    page = kinesis.list_tags_for_stream(StreamName=name, ExclusiveStartTagKey="b")
    assert page["Tags"] == [{"Key": "c", "Value": "ж"}] and not page["HasMoreTags"]
    kinesis.remove_tags_from_stream(StreamName=name, TagKeys=["a", "nothing"])
    arn = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}"
    kinesis.tag_resource(ResourceARN=arn, Tags={"d": "4"})
    kinesis.untag_resource(ResourceARN=arn, TagKeys=["b"])
    assert kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "c", "Value": "ж"}, {"Key": "d", "Value": "4"}]
    code, text = refused(kinesis.add_tags_to_stream, StreamName=name, Tags={f"t{n}": "" for n in range(49)})
    assert code == "InvalidArgumentException" and "cannot have more than 50 tags" in text


def test_refusals_in_awss_words(kinesis, stream):
    name = stream()
    absent = ("ResourceNotFoundException", f"Stream absent under account {ACCOUNT} not found.")
    for call, arguments in [
        (kinesis.describe_stream, {}), (kinesis.describe_stream_summary, {}), (kinesis.delete_stream, {}),
        (kinesis.put_record, {"Data": b"", "PartitionKey": "k"}), (kinesis.list_shards, {}),
        (kinesis.put_records, {"Records": [{"Data": b"", "PartitionKey": "k"}]}),
        (kinesis.get_shard_iterator, {"ShardId": "shardId-000000000000", "ShardIteratorType": "LATEST"}),
        (kinesis.list_tags_for_stream, {}), (kinesis.add_tags_to_stream, {"Tags": {"a": "b"}}),
        (kinesis.split_shard, {"ShardToSplit": "shardId-000000000000", "NewStartingHashKey": "1"}),
        (kinesis.increase_stream_retention_period, {"RetentionPeriodHours": 48}),
    ]:
        assert refused(call, StreamName="absent", **arguments) == absent
    assert refused(kinesis.create_stream, StreamName=name, ShardCount=1) == (
        "ResourceInUseException", f"Stream {name} under account {ACCOUNT} already exists.")
    code, text = refused(kinesis.create_stream, StreamName="too-many", ShardCount=1001)
    assert code == "LimitExceededException" and "would exceed the shard limit" in text
    assert refused(kinesis.create_stream, StreamName="none")[0] == "ValidationException"
    shard = "shardId-000000000000"
    assert refused(kinesis.get_shard_iterator, StreamName=name, ShardId="shardId-000000000009", ShardIteratorType="LATEST") == (
        "ResourceNotFoundException", f"Shard shardId-000000000009 in stream {name} under account {ACCOUNT} does not exist")
    code, text = refused(kinesis.get_shard_iterator, StreamName=name, ShardId=shard, ShardIteratorType="AT_SEQUENCE_NUMBER")
    assert code == "InvalidArgumentException" and text.endswith("Request specified AT_SEQUENCE_NUMBER and no StartingSequenceNumber.")
    code, text = refused(
        kinesis.get_shard_iterator, StreamName=name, ShardId=shard, ShardIteratorType="LATEST", StartingSequenceNumber="1")
    assert code == "InvalidArgumentException" and text.endswith("LATEST and also a StartingSequenceNumber.")
    code, text = refused(
        kinesis.get_shard_iterator, StreamName=name, ShardId=shard, ShardIteratorType="AT_TIMESTAMP",
        Timestamp=datetime.datetime.now() + datetime.timedelta(days=2))
    assert code == "InvalidArgumentException" and "cannot be greater than the currentTimestampInMillis" in text
    other = stream(2)
    number = kinesis.put_record(StreamName=other, PartitionKey="k", Data=b"", ExplicitHashKey=str(KEYS - 1))["SequenceNumber"]
    code, text = refused(
        kinesis.get_shard_iterator, StreamName=name, ShardId=shard, ShardIteratorType="AFTER_SEQUENCE_NUMBER",
        StartingSequenceNumber=number)
    assert code == "InvalidArgumentException" and text.startswith("Invalid StartingSequenceNumber. It encodes shardId-000000000001")
    code, text = refused(
        kinesis.put_record, StreamName=name, PartitionKey="k", Data=b"", ExplicitHashKey=str(KEYS))
    assert code == "InvalidArgumentException" and text.startswith("Invalid ExplicitHashKey.")
    assert refused(kinesis.get_records, ShardIterator="AAAA") == ("InvalidArgumentException", "Invalid ShardIterator.")
    assert refused(kinesis.merge_shards, StreamName=other, ShardToMerge=shard, AdjacentShardToMerge=shard)[0] == "InvalidArgumentException"
    code, text = refused(kinesis.split_shard, StreamName=name, ShardToSplit="shardId-000000000005", NewStartingHashKey="1")
    assert text == f"Could not find shard shardId-000000000005 in stream {name} under account {ACCOUNT}."


def test_rules_of_the_model_and_what_is_not_there(server, kinesis, stream):
    name = stream()
    loose = server.client("kinesis", config=botocore.config.Config(parameter_validation=False, retries={"max_attempts": 1}))
    code, text = refused(loose.describe_stream, StreamName="no name!")
    assert (code, text) == (
        "ValidationException", "1 validation error detected: Value 'no name!' at 'streamName' failed to satisfy constraint: Member "
        "must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
    code, text = refused(loose.put_records, StreamName=name, Records=[{"Data": b"", "PartitionKey": ""}, {"Data": b"", "PartitionKey": "k" * 257}])
    assert code == "ValidationException" and text.startswith("2 validation errors detected: ")
    assert "'records.1.member.partitionKey'" in text and "'records.2.member.partitionKey'" in text
    code, text = refused(loose.put_records, StreamName=name, Records=[{"Data": b"", "PartitionKey": "k"}] * 501)
    assert code == "ValidationException" and text.endswith("'records' failed to satisfy constraint: Member must have length less than or equal to 500")
    assert refused(loose.get_records, ShardIterator="x", Limit=10001)[0] == "ValidationException"
    assert refused(loose.get_shard_iterator, StreamName=name, ShardId="0", ShardIteratorType="NEWEST")[0] == "ValidationException"
    arn = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}"
    for call, arguments in [
        (kinesis.register_stream_consumer, {"StreamARN": arn, "ConsumerName": "c"}),
        (kinesis.list_stream_consumers, {"StreamARN": arn}),
        (kinesis.start_stream_encryption, {"StreamName": name, "EncryptionType": "KMS", "KeyId": "k"}),
        (kinesis.enable_enhanced_monitoring, {"StreamName": name, "ShardLevelMetrics": ["ALL"]}),
        (kinesis.put_resource_policy, {"ResourceARN": arn, "Policy": "{}"}),
    ]:
        code, text = refused(call, **arguments)
        assert code == "UnknownOperationException" and "is not available in this version of Martlet: " in text


def test_who_may(server, kinesis, stream, tmp_path):
    name, other = stream(), stream()
    arn = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}"
    policy = allow("kinesis:PutRecord", "kinesis:Get*", resource=arn)
    limited = server.client("kinesis", **key(server, policy=policy, tmp_path=tmp_path))
    limited.put_record(StreamName=name, PartitionKey="k", Data=b"x")
    limited.put_record(StreamARN=arn, PartitionKey="k", Data=b"y")
    assert texts(read(limited, name)[0]) == ["x", "y"]
    for call, arguments in [
        (limited.put_record, {"StreamName": other, "PartitionKey": "k", "Data": b""}),
        (limited.put_records, {"StreamName": name, "Records": [{"PartitionKey": "k", "Data": b""}]}),
        (limited.delete_stream, {"StreamName": name}), (limited.list_streams, {}),
        (limited.list_shards, {"StreamName": name}),
    ]:
        assert refused(call, **arguments)[0] == "AccessDeniedException"
    # An iterator of another stream is that stream's, whatever else the request names.
    iterator = kinesis.get_shard_iterator(StreamName=other, ShardId="0", ShardIteratorType="LATEST")["ShardIterator"]
    assert refused(limited.get_records, ShardIterator=iterator, StreamARN=arn)[0] == "AccessDeniedException"


def test_members_that_an_operation_does_not_have_open_no_other_stream(server, kinesis, stream, tmp_path):
    mine, other = stream(), stream()
    arn, of_other = (f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}" for name in (mine, other))
    keys = key(server, policy=allow("kinesis:*", resource=arn), tmp_path=tmp_path)
    credentials = botocore.credentials.Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])

    def ask(operation, members):
        headers = {"X-Amz-Target": f"Kinesis_20131202.{operation}", "Content-Type": "application/x-amz-json-1.1"}
        request = botocore.awsrequest.AWSRequest("POST", server.url + "/", headers, json.dumps(members))
        botocore.auth.SigV4Auth(credentials, "kinesis", "us-east-1").add_auth(request)
        status, _, body = raw(server, json.dumps(members), dict(request.headers.items()))
        return status, json.loads(body)["__type"] if status != 200 else None

    # It may do all of this to its own.
    assert ask("TagResource", {"ResourceARN": arn, "Tags": {"a": "b"}}) == (200, None)
    for operation, members in [
        ("DeleteStream", {"StreamName": other, "ResourceARN": arn}),
        ("DeleteStream", {"StreamName": other, "ConsumerARN": arn}),
        ("TagResource", {"StreamARN": arn, "ResourceARN": of_other, "Tags": {"a": "b"}}),
        ("UntagResource", {"StreamARN": arn, "ResourceARN": of_other, "TagKeys": ["a"]}),
        ("ListTagsForResource", {"StreamARN": arn, "ResourceARN": of_other}),
        ("CreateStream", {"StreamName": other + "-x", "ShardCount": 1, "StreamARN": arn}),
        ("PutRecord", {"StreamName": other, "ResourceARN": arn, "PartitionKey": "k", "Data": ""}),
    ]:
        status, kind = ask(operation, members)
        assert (status, kind) == (400, "AccessDeniedException"), (operation, status, kind)
    assert kinesis.list_tags_for_resource(ResourceARN=of_other)["Tags"] == []
    assert other in kinesis.list_streams(Limit=100)["StreamNames"]


def raw(server, body, headers):
    """A request whose body is whatever it is."""
    address = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
    try:
        connection.request("POST", "/", body, headers)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def test_requests_that_are_none(make_server):
    server = make_server("--auth", "none")
    target = {"X-Amz-Target": "Kinesis_20131202.PutRecord", "Content-Type": "application/x-amz-json-1.1"}
    status, _, body = raw(server, b"{", target)
    assert status == 400 and json.loads(body)["__type"] == "SerializationException"
    status, _, body = raw(server, b"{}", {**target, "X-Amz-Target": "Kinesis_20131202.Nothing"})
    assert status == 400 and json.loads(body)["__type"] == "UnknownOperationException"
    status, _, body = raw(server, b"\xa0", {**target, "Content-Type": "application/x-amz-cbor-1.1"})
    assert status == 400 and b"AWS_CBOR_DISABLE" in body
    good = {"StreamName": "s", "ShardCount": 1, "Data": "YQ==", "PartitionKey": "k", "ShardId": "0"}
    raw(server, json.dumps(good), {**target, "X-Amz-Target": "Kinesis_20131202.CreateStream"})
    model = botocore.session.get_session().get_service_model("kinesis")
    for operation in model.operation_names:
        if operation == "DeleteStream":
            continue
        for member in model.operation_model(operation).input_shape.members:
            for value in ["", "a" * 100_000, -1, 2**64, [None], {"a": None}]:
                header = {**target, "X-Amz-Target": f"Kinesis_20131202.{operation}"}
                status, _, body = raw(server, json.dumps({**good, member: value}), header)
                assert status < 500 and len(body) < 10_000, (operation, member, value)


def test_killed_at_any_moment_nothing_acknowledged_is_lost(make_server):
    server = make_server()
    kinesis = server.client("kinesis")
    kinesis.create_stream(StreamName="durable", ShardCount=2)
    acknowledged = {}
    stop = threading.Event()

    def send(worker):
        client = server.client("kinesis")
        for n in range(100_000):
            records = [{"Data": f"{worker} {n} {m}".encode(), "PartitionKey": f"{n} {m}"} for m in range(5)]
            try:
                answer = client.put_records(StreamName="durable", Records=records)
            except Exception:
                return
            for record, put in zip(records, answer["Records"]):
                acknowledged[record["Data"].decode()] = (put["ShardId"], put["SequenceNumber"])
            if stop.is_set():
                return

    workers = [threading.Thread(target=send, args=(n,)) for n in range(4)]
    for worker in workers:
        worker.start()
    wait_until(lambda: len(acknowledged) > 300, 60, "records put")
    kinesis.split_shard(StreamName="durable", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**126))
    count = len(acknowledged)
    wait_until(lambda: len(acknowledged) > count + 100, 60, "records put after the split")
    server.kill()
    stop.set()
    for worker in workers:
        worker.join(60)
    server.start()
    kinesis = server.client("kinesis")
    found = {}
    for shard in shards(kinesis, "durable"):
        records, ended = read(kinesis, "durable", shard["ShardId"])
        assert ended == (shard["ShardId"] == "shardId-000000000000")
        numbers = [int(record["SequenceNumber"]) for record in records]
        assert numbers == sorted(set(numbers))
        for record in records:
            text = record["Data"].decode()
            assert text not in found
            found[text] = (shard["ShardId"], record["SequenceNumber"])
    assert acknowledged.items() <= found.items() and len(acknowledged) > 400


def test_no_byte_of_a_record_is_readable_on_disk(make_server):
    server = make_server()
    kinesis = server.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    marker = "marker-" + uuid.uuid4().hex
    kinesis.put_record(StreamName="s", Data=marker.encode(), PartitionKey=marker)
    coded = base64.b64encode(marker.encode())
    for path in server.data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert marker.encode() not in content and coded not in content, path
    assert (server.data / "streams.sqlite").stat().st_mode & 0o777 == 0o600


def test_the_room_that_streams_have(make_server):
    server = make_server("--stream-storage", "2")
    kinesis = server.client("kinesis", config=botocore.config.Config(retries={"max_attempts": 1}))
    kinesis.create_stream(StreamName="s", ShardCount=1)
    record = {"Data": b"x" * 400_000, "PartitionKey": "k"}
    assert kinesis.put_records(StreamName="s", Records=[record] * 2)["FailedRecordCount"] == 0
    answer = kinesis.put_records(StreamName="s", Records=[record] * 4)
    assert answer["FailedRecordCount"] == 4
    assert {entry["ErrorCode"] for entry in answer["Records"]} == {"ProvisionedThroughputExceededException"}
    while True:
        try:
            kinesis.put_record(StreamName="s", **record)
        except kinesis.exceptions.ProvisionedThroughputExceededException as error:
            assert "have 2 MiB on its disk, all that they may have (--stream-storage of martlet serve)" in str(error)
            break
    assert 2 <= len(read(kinesis, "s")[0]) <= 5
    assert (server.data / "streams.sqlite").stat().st_size <= 2 * 1024 * 1024


def test_the_aws_cli(server, aws, kinesis):
    name = "cli-" + uuid.uuid4().hex[:12]

    def run(*arguments):
        output = aws(server, "kinesis", *arguments, "--output", "json").stdout
        return json.loads(output) if output.strip() else {}

    run("create-stream", "--stream-name", name, "--shard-count", "2")
    try:
        run("wait", "stream-exists", "--stream-name", name)
        put = run("put-record", "--stream-name", name, "--partition-key", "k", "--data", "from the CLI")
        iterator = run(
            "get-shard-iterator", "--stream-name", name, "--shard-id", put["ShardId"], "--shard-iterator-type",
            "TRIM_HORIZON")["ShardIterator"]
        record, = run("get-records", "--shard-iterator", iterator)["Records"]
        assert base64.b64decode(record["Data"]) == b"from the CLI"
        assert len(run("list-shards", "--stream-name", name)["Shards"]) == 2
        assert name in run("list-streams")["StreamNames"]
        assert run("describe-stream", "--stream-name", name)["StreamDescription"]["StreamStatus"] == "ACTIVE"
    finally:
        run("delete-stream", "--stream-name", name)
    assert name not in kinesis.list_streams()["StreamNames"]


def test_with_another_endpoint_streams_are_there_unless_said_otherwise(make_server):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    server = make_server("--aws-endpoint", endpoint)
    assert refused(server.client("kinesis").list_streams)[0] == "BadGatewayException"
    server = make_server("--aws-endpoint", endpoint, "--kinesis", "embedded")
    assert server.client("kinesis").list_streams()["StreamNames"] == []
    assert collections.Counter(refused(server.client("sqs").list_queues))["BadGatewayException"] == 1
