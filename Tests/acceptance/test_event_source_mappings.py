# SPDX-License-Identifier: Apache-2.0
"""Event source mappings as boto3 and the AWS CLI see them; queues and streams of Kinesis are read, of others the server says that they are not."""

import datetime
import json
import time

import botocore.exceptions
import pytest

from harness import wait_until

ECHO = "def handler(event, context):\n    return event\n"
ACCOUNT = "000000000000"
NOT_POLLED = (
    "This version of Martlet doesn't poll this kind of event source yet: the mapping is stored, and no records are read.")
NO_BROKER = (
    "The queue is not read: this server knows no RabbitMQ broker (--rabbitmq-endpoint of martlet serve). The mapping is stored.")
NO_STREAM = (
    "The stream is not read: this server knows no {} endpoint ({} or --aws-endpoint of martlet serve). The mapping is stored.")
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:kafka"


def queue(name):
    return f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"


def made(server, name):
    """The ARN of a queue that is there."""
    fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    server.client("sqs").create_queue(QueueName=name, Attributes=fifo)
    return queue(name)


def settled(client, uuid):
    """A mapping that is on its way to nothing else."""
    return wait_until(
        lambda: (lambda shown: shown if shown["State"] in ("Enabled", "Disabled") else None)(
            client.get_event_source_mapping(UUID=uuid)), 60, "the mapping's state")


def table(name):
    return f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{name}/stream/2025-02-17T16:33:01.784"


def made_stream(server, name):
    """The ARN of a stream that is there."""
    server.client("kinesis").create_stream(StreamName=name, ShardCount=1)
    return stream(name)


def stream(name):
    return f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}"


def refused(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def plain(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def test_the_life_of_a_mapping(server, name):
    server.deploy(name, ECHO)
    client = server.client()
    before = time.time()
    answer = client.create_event_source_mapping(FunctionName=name, EventSourceArn=made(server, name))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    created = plain(answer)
    uuid, modified = created["UUID"], created.pop("LastModified")
    assert isinstance(modified, datetime.datetime) and before - 1 < modified.timestamp() < time.time() + 1
    assert created == {
        "UUID": uuid, "BatchSize": 10, "MaximumBatchingWindowInSeconds": 0, "EventSourceArn": queue(name),
        "FunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}", "FunctionResponseTypes": [],
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:event-source-mapping:{uuid}",
        "State": "Creating", "StateTransitionReason": "USER_INITIATED"}
    got = settled(client, uuid)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert (got["State"], got["StateTransitionReason"]) == ("Enabled", "USER_INITIATED")

    updated = client.update_event_source_mapping(
        UUID=uuid, BatchSize=100, MaximumBatchingWindowInSeconds=5, FunctionResponseTypes=["ReportBatchItemFailures"],
        FilterCriteria={"Filters": [{"Pattern": json.dumps({"body": {"kind": ["order"]}})}]})
    assert updated["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (updated["State"], updated["BatchSize"], updated["MaximumBatchingWindowInSeconds"]) == ("Updating", 100, 5)
    again = client.get_event_source_mapping(UUID=uuid)
    assert again["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert again["FilterCriteria"] == {"Filters": [{"Pattern": '{"body": {"kind": ["order"]}}'}]}
    assert client.update_event_source_mapping(UUID=uuid, Enabled=False)["State"] == "Disabling"
    got = settled(client, uuid)
    assert (got["State"], got["StateTransitionReason"]) == ("Disabled", "USER_INITIATED")

    deleted = client.delete_event_source_mapping(UUID=uuid)
    assert (deleted["ResponseMetadata"]["HTTPStatusCode"], deleted["State"]) == (202, "Deleting")
    missing = (404, "ResourceNotFoundException", "The resource you requested does not exist.")
    assert refused(client.get_event_source_mapping, UUID=uuid) == missing
    assert refused(client.update_event_source_mapping, UUID=uuid, BatchSize=1) == missing
    assert refused(client.delete_event_source_mapping, UUID=uuid) == missing


def test_the_aws_cli(server, name, aws):
    server.deploy(name, ECHO)
    created = json.loads(aws(
        server, "lambda", "create-event-source-mapping", "--function-name", name, "--event-source-arn", table(name),
        "--starting-position", "LATEST", "--destination-config",
        json.dumps({"OnFailure": {"Destination": queue("failed")}})).stdout)
    assert created["State"] == "Creating" and created["StartingPosition"] == "LATEST"
    assert created["DestinationConfig"] == {"OnFailure": {"Destination": queue("failed")}}
    assert created["LastProcessingResult"] == "No records processed"
    listed = json.loads(aws(server, "lambda", "list-event-source-mappings", "--function-name", name).stdout)
    assert [item["UUID"] for item in listed["EventSourceMappings"]] == [created["UUID"]]
    assert listed["EventSourceMappings"][0]["State"] == "Disabled"
    aws(server, "lambda", "delete-event-source-mapping", "--uuid", created["UUID"])
    listed = json.loads(aws(server, "lambda", "list-event-source-mappings", "--function-name", name).stdout)
    assert listed["EventSourceMappings"] == []


def test_every_kind_of_source(server, name):
    server.deploy(name, ECHO)
    client = server.client()
    server_list = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["k1.example.com:9092", "k2.example.com:9092"]}}
    access = [{"Type": "BASIC_AUTH", "URI": SECRET}]
    requests = [
        {"EventSourceArn": made(server, name)},
        {"EventSourceArn": made(server, name + ".fifo")},
        {"EventSourceArn": made_stream(server, name), "StartingPosition": "AT_TIMESTAMP",
         "StartingPositionTimestamp": 1700000000},
        {"EventSourceArn": table(name), "StartingPosition": "TRIM_HORIZON", "TumblingWindowInSeconds": 30},
        {"EventSourceArn": f"arn:aws:kafka:us-east-1:{ACCOUNT}:cluster/{name}/1-2-3", "Topics": ["orders"]},
        {"SelfManagedEventSource": server_list, "Topics": ["orders"], "SourceAccessConfigurations": access},
        {"EventSourceArn": f"arn:aws:mq:us-east-1:{ACCOUNT}:broker:{name}:b-1", "Queues": ["q"],
         "SourceAccessConfigurations": access},
        {"EventSourceArn": f"arn:aws:rds:us-east-1:{ACCOUNT}:cluster:{name}", "SourceAccessConfigurations": access,
         "DocumentDBEventSourceConfig": {"DatabaseName": "d"}},
    ]
    for request in requests:
        created = client.create_event_source_mapping(FunctionName=name, **request)
        shown = settled(client, created["UUID"])
        for member, value in request.items():
            if member != "StartingPositionTimestamp":
                assert shown[member] == value
        if "sqs" in request.get("EventSourceArn", ""):
            assert (shown["State"], shown["StateTransitionReason"]) == ("Enabled", "USER_INITIATED")
        elif "SelfManagedEventSource" in request:
            assert (shown["State"], shown["StateTransitionReason"]) == ("Enabled", "USER_INITIATED")
            assert SECRET in shown["LastProcessingResult"] and "--secrets" in shown["LastProcessingResult"]
        elif "kinesis" in request.get("EventSourceArn", ""):
            assert (shown["State"], shown["StateTransitionReason"]) == ("Enabled", "User action")
        else:
            source = request.get("EventSourceArn", "")
            reason = {"dynamodb": NO_STREAM.format("DynamoDB Streams", "--dynamodb-streams-endpoint"), "mq": NO_BROKER}
            expected = reason.get(source.split(":")[2] if source else "", NOT_POLLED)
            assert (shown["State"], shown["StateTransitionReason"]) == ("Disabled", expected)
            server.wait_for_line(created["UUID"], "not polled")
        status, code, message = refused(client.create_event_source_mapping, FunctionName=name, **request)
        assert (status, code) == (409, "ResourceConflictException")
        assert message.endswith(f"already exists. Please update or delete the existing mapping with UUID {created['UUID']}")


def test_what_is_refused(server, name):
    server.deploy(name, ECHO)
    client = server.client()

    def message(**arguments):
        status, code, text = refused(client.create_event_source_mapping, **{"FunctionName": name, **arguments})
        assert (status, code) == (400, "InvalidParameterValueException"), (status, code, text)
        return text

    assert message() == "Unrecognized event source."
    assert message(EventSourceArn="arn:aws:s3:::bucket") == "Unrecognized event source."
    assert message(FunctionName=name + "-gone", EventSourceArn=queue(name)) == "Function does not exist"
    assert message(FunctionName=name + ":live", EventSourceArn=queue(name)) == "Function does not exist"
    assert message(EventSourceArn=queue(name), BatchSize=11).startswith("Maximum batch window in seconds must be greater")
    assert message(EventSourceArn=stream(name)).startswith("1 validation error detected: Value null at 'startingPosition'")
    assert message(EventSourceArn=queue(name), StartingPosition="LATEST") == (
        "StartingPosition is not valid for SQS event sources.")
    for pattern in ("simple string", '{"eventSource":"aws:sqs"}', '{"eventSource":[]}', "[" * 4000):
        assert message(EventSourceArn=queue(name), FilterCriteria={"Filters": [{"Pattern": pattern}]}) == (
            "Invalid filter pattern definition.")
    assert refused(
        client.create_event_source_mapping, FunctionName=name, EventSourceArn=stream(name), StartingPosition="0")[:2] == (
            400, "ValidationException")
    assert client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"] == []


def test_pages_by_function_and_by_source_and_after_the_function_is_gone(server, name):
    server.deploy(name, ECHO)
    client = server.client()
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    created = sorted(
        client.create_event_source_mapping(FunctionName=name, EventSourceArn=made(server, f"{name}-{number}"))["UUID"]
        for number in range(5))
    alias = client.create_event_source_mapping(FunctionName=f"{name}:live", EventSourceArn=queue(f"{name}-0"))
    assert alias["FunctionArn"].endswith(f":{name}:live")
    client.delete_alias(FunctionName=name, Name="live")
    pages = list(client.get_paginator("list_event_source_mappings").paginate(
        FunctionName=name, PaginationConfig={"PageSize": 2}))
    assert [len(page["EventSourceMappings"]) for page in pages] == [2, 2, 1]
    assert [item["UUID"] for page in pages for item in page["EventSourceMappings"]] == created
    by_source = client.list_event_source_mappings(EventSourceArn=queue(f"{name}-0"))["EventSourceMappings"]
    assert len(by_source) == 2 and alias["UUID"] in [item["UUID"] for item in by_source]
    client.delete_function(FunctionName=name)
    left = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    assert [item["UUID"] for item in left] == created


def test_mappings_outlive_the_server(make_server, name):
    server = make_server()
    server.deploy(name, ECHO)
    created = server.client().create_event_source_mapping(
        FunctionName=name, EventSourceArn=made(server, name), BatchSize=7)
    server.kill()
    server.start()
    shown = settled(server.client(), created["UUID"])
    assert (shown["BatchSize"], shown["State"], shown["LastModified"]) == (7, "Enabled", created["LastModified"])
