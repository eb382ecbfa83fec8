# SPDX-License-Identifier: Apache-2.0
"""What is shown of event source mappings by the kind of source, and AWS's texts for what they may not be."""

import json
import uuid

import pytest

from harness import wait_until
from refusals import refusal, status

ACCOUNT = "000000000000"
INVALID = 400, "InvalidParameterValueException"
CONFLICT = 409, "ResourceConflictException"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:kafka"
ACCESS = [{"Type": "BASIC_AUTH", "URI": SECRET}]
UPDATE_OR_DELETE = "already exists. Please update or delete the existing mapping with UUID"


def stream(name):
    return f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}"


def made_stream(server, name):
    """The ARN of a stream that is there."""
    server.client("kinesis").create_stream(StreamName=name, ShardCount=1)
    return stream(name)


def table(name):
    return f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{name}/stream/2025-02-17T16:33:01.784"


def cluster(name):
    return f"arn:aws:kafka:us-east-1:{ACCOUNT}:cluster/{name}/1-2-3"


def brokers(*names):
    return {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": list(names)}}


@pytest.fixture(scope="module")
def function(server):
    """A function with version 1 and the alias `live`."""
    name = "f-" + uuid.uuid4().hex[:12]
    server.deploy(name, "def handler(event, context):\n    print('EVENT ' + __import__('json').dumps(event))\n")
    client = server.client()
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return name


@pytest.fixture
def make(server, function):
    """Makes mappings of the function; deletes them in the end."""
    client, made = server.client(), []

    def make(**arguments):
        answer = client.create_event_source_mapping(**{"FunctionName": function, **arguments})
        made.append(answer["UUID"])
        return answer

    yield make
    for mapping in made:
        client.delete_event_source_mapping(UUID=mapping)


@pytest.fixture
def queue(server):
    """Makes queues; gives URL and ARN."""
    sqs, made = server.client("sqs"), []

    def make(suffix="", **attributes):
        name = "q-" + uuid.uuid4().hex[:12] + suffix
        made.append(sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])
        return made[-1], f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"

    yield make
    for url in made:
        sqs.delete_queue(QueueUrl=url)


def shown(answer, *more):
    """What is set, beside what names the mapping and says how far it is."""
    names = {"ResponseMetadata", "UUID", "EventSourceArn", "FunctionArn", "EventSourceMappingArn", "LastModified", "State",
             "StateTransitionReason", "LastProcessingResult", *more}
    return {key: value for key, value in answer.items() if key not in names}


@pytest.mark.parametrize("source, position", [(stream, "LATEST"), (table, "TRIM_HORIZON")])
def test_the_defaults_of_a_streams_mapping(server, function, name, make, source, position):
    arn = made_stream(server, name) if source is stream else source(name)
    answer = make(EventSourceArn=arn, StartingPosition=position)
    assert status(answer) == 202 and answer["State"] == "Creating"
    assert answer["LastProcessingResult"] == "No records processed"
    assert shown(answer) == {
        "BatchSize": 100, "MaximumBatchingWindowInSeconds": 0, "ParallelizationFactor": 1, "StartingPosition": position,
        "DestinationConfig": {"OnFailure": {}}, "MaximumRecordAgeInSeconds": -1, "BisectBatchOnFunctionError": False,
        "MaximumRetryAttempts": -1, "TumblingWindowInSeconds": 0, "FunctionResponseTypes": []}


def test_the_defaults_of_a_kafka_mapping(name, make):
    managed = make(EventSourceArn=cluster(name), Topics=["orders"])
    # The half second that is its window is no number of seconds.
    assert "MaximumBatchingWindowInSeconds" not in managed
    assert (managed["BatchSize"], managed["StartingPosition"]) == (100, "TRIM_HORIZON")
    assert managed["AmazonManagedKafkaEventSourceConfig"] == {"ConsumerGroupId": managed["UUID"]}
    own = make(SelfManagedEventSource=brokers(name + ":1"), Topics=["orders"], SourceAccessConfigurations=ACCESS,
               SelfManagedKafkaEventSourceConfig={"ConsumerGroupId": "group"})
    assert "EventSourceArn" not in own and own["SelfManagedEventSource"] == brokers(name + ":1")
    assert own["SelfManagedKafkaEventSourceConfig"] == {"ConsumerGroupId": "group"}


def test_a_consumer_group_stays(server, name, make):
    made = make(EventSourceArn=cluster(name), Topics=["orders"])
    assert refusal(
        server.client().update_event_source_mapping, UUID=made["UUID"],
        AmazonManagedKafkaEventSourceConfig={"ConsumerGroupId": "other"})[:2] == INVALID


@pytest.mark.parametrize("qualifier", ["1", "live", "$LATEST"])
def test_a_qualifier_is_kept(server, function, name, make, qualifier):
    made = make(FunctionName=f"{function}:{qualifier}", EventSourceArn=made_stream(server, name), StartingPosition="LATEST")
    assert made["FunctionArn"] == f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}:{qualifier}"


def test_batches_of_queues(server, function, queue, make):
    _, arn = queue()
    made = make(EventSourceArn=arn, BatchSize=10_000, MaximumBatchingWindowInSeconds=1)
    assert (made["BatchSize"], made["MaximumBatchingWindowInSeconds"]) == (10_000, 1)
    create = server.client().create_event_source_mapping
    _, other = queue()
    assert refusal(create, FunctionName=function, EventSourceArn=other, BatchSize=11) == (
        *INVALID, "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
    _, fifo = queue(".fifo", FifoQueue="true")
    assert make(EventSourceArn=fifo, BatchSize=10)["BatchSize"] == 10
    assert refusal(create, FunctionName=function, EventSourceArn=fifo, BatchSize=11)[:2] == INVALID
    assert refusal(create, FunctionName=function, EventSourceArn=fifo, MaximumBatchingWindowInSeconds=1)[:2] == INVALID


def test_a_record_of_a_fifo_queue_has_its_group_and_number(server, function, queue, make):
    url, arn = queue(".fifo", FifoQueue="true")
    make(EventSourceArn=arn)
    word = uuid.uuid4().hex
    server.client("sqs").send_message(
        QueueUrl=url, MessageBody=word, MessageGroupId="group", MessageDeduplicationId="once")
    lines = wait_until(
        lambda: [line for _, line in server.log(function) if "EVENT " in line and word in line], 60, "the event")
    attributes = json.loads(lines[0][lines[0].index("EVENT ") + 6:])["Records"][0]["attributes"]
    assert set(attributes) == {
        "ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp", "SequenceNumber",
        "MessageGroupId", "MessageDeduplicationId"}
    assert all(isinstance(value, str) for value in attributes.values())
    assert (attributes["MessageGroupId"], attributes["MessageDeduplicationId"]) == ("group", "once")


# What collides, in the kind's words


def test_a_queue_is_mapped_to_a_function_once(server, function, queue, make):
    _, arn = queue()
    first = make(EventSourceArn=arn)
    assert refusal(server.client().create_event_source_mapping, FunctionName=function, EventSourceArn=arn) == (
        *CONFLICT, f'An event source mapping with SQS arn (" {arn} ") and function (" {function} ") {UPDATE_OR_DELETE} '
        f'{first["UUID"]}')


@pytest.mark.parametrize("source", [stream, table])
def test_a_stream_is_mapped_to_a_function_once(server, function, name, make, source):
    arn = made_stream(server, name) if source is stream else source(name)
    first = make(EventSourceArn=arn, StartingPosition="LATEST")
    assert refusal(
        server.client().create_event_source_mapping, FunctionName=function, EventSourceArn=arn,
        StartingPosition="TRIM_HORIZON") == (
        *CONFLICT, f'The event source arn (" {arn} ") and function (" {function} ") provided mapping {UPDATE_OR_DELETE} '
        f'{first["UUID"]}')


def test_a_topic_is_mapped_to_a_function_once(server, function, name, make):
    servers = [f"{name}.example:9092", f"{name}.example:9093"]
    first = make(SelfManagedEventSource=brokers(*servers), Topics=["orders"], SourceAccessConfigurations=ACCESS)
    assert refusal(
        server.client().create_event_source_mapping, FunctionName=function, SelfManagedEventSource=brokers(*servers),
        Topics=["orders"], SourceAccessConfigurations=ACCESS) == (
        *CONFLICT, f'An event source mapping with event source ("{",".join(servers)}"), function '
        f'("arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}"), topics ("orders") {UPDATE_OR_DELETE} {first["UUID"]}')
    make(SelfManagedEventSource=brokers(*servers), Topics=["other"], SourceAccessConfigurations=ACCESS)


# What may not be


@pytest.mark.parametrize("arguments, message", [
    ({"EventSourceArn": stream("s")},
     "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."),
    ({"EventSourceArn": table("t"), "StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1700000000},
     f"Unsupported starting position for arn type: {table('t')}"),
    ({"EventSourceArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:q",
      "DestinationConfig": {"OnFailure": {"Destination": f"arn:aws:sqs:us-east-1:{ACCOUNT}:other"}}},
     "Unsupported DestinationConfig parameter for given event source mapping type."),
    ({"EventSourceArn": stream("s"), "StartingPosition": "LATEST",
      "DestinationConfig": {"OnSuccess": {"Destination": f"arn:aws:sqs:us-east-1:{ACCOUNT}:other"}}},
     "Unsupported DestinationConfig parameter for given event source mapping type."),
    ({"EventSourceArn": stream("s"), "StartingPosition": "LATEST",
      "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:lambda:us-east-1:000000000000:function:f"}}},
     "The destination ARN arn:aws:lambda:us-east-1:000000000000:function:f is invalid."),
    ({"SelfManagedEventSource": brokers("k:9092"), "Topics": ["orders"]},
     "Required 'sourceAccessConfigurations' parameter is missing."),
    ({"SelfManagedEventSource": brokers("k:9092"), "Topics": ["orders"], "SourceAccessConfigurations": ACCESS,
      "BisectBatchOnFunctionError": True},
     "BisectBatchOnFunctionError is only available for Provisioned Mode. Enable Provisioned Mode by specifying MinimumPollers "
     "in ProvisionedPollerConfig."),
])
def test_settings_that_a_source_does_not_have(server, function, arguments, message):
    assert refusal(server.client().create_event_source_mapping, FunctionName=function, **arguments) == (*INVALID, message)


def test_there_are_five_filters(server, function, name, make):
    filters = [{"Pattern": json.dumps({"data": {"n": [number]}})} for number in range(6)]
    arguments = {"EventSourceArn": made_stream(server, name), "StartingPosition": "LATEST"}
    assert refusal(
        server.client().create_event_source_mapping, FunctionName=function, FilterCriteria={"Filters": filters},
        **arguments)[:2] == INVALID
    assert make(FilterCriteria={"Filters": filters[:5]}, **arguments)["FilterCriteria"] == {"Filters": filters[:5]}


def test_provisioned_pollers_have_no_other_limit(server, function, queue):
    _, arn = queue()
    assert refusal(
        server.client().create_event_source_mapping, FunctionName=function, EventSourceArn=arn,
        ProvisionedPollerConfig={"MinimumPollers": 2}, ScalingConfig={"MaximumConcurrency": 5}) == (
        *INVALID, "Provisioned mode for SQS ESM does not support maximum concurrency feature. Use MaximumPollers as the "
        "control mechanism and remove maximum concurrency.")
