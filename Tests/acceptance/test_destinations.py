# SPDX-License-Identifier: Apache-2.0
"""Queues, topics, buses and buckets as destinations of asynchronous events, of a server that we did not write."""

import json
import re
import socket
import urllib.request
import uuid

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from aws_services import ACCOUNT, REGION, Queue, Services
from harness import Server, wait_until
from prometheus_server import samples, total
from refusals import refusal
from test_async import COUNTING, attempts, send

OWN = f"arn:aws:lambda:{REGION}:000000000000:function:"


@pytest.fixture(scope="module")
def services():
    services = Services()
    yield services
    services.close()


@pytest.fixture(scope="module")
def server(services):
    server = Server("--async-retry-delay", "100ms", "--aws-endpoint", services.url, env=services.environment)
    server.start()
    yield server
    server.close()


def configure(server, name, *, retries=0, success=None, failure=None):
    config = {}
    if success:
        config["OnSuccess"] = {"Destination": success}
    if failure:
        config["OnFailure"] = {"Destination": failure}
    server.client().put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=retries, DestinationConfig=config)


def requested(server, name, event, **arguments):
    return send(server, name, event, **arguments)["ResponseMetadata"]["RequestId"]


def check_success(record, name, request, event):
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("timestamp"))
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request, "functionArn": f"{OWN}{name}:$LATEST", "condition": "Success",
            "approximateInvokeCount": 1},
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": event,
    }


def check_failure(record, name, request, event, count):
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("timestamp"))
    payload = record.pop("responsePayload")
    assert (payload["errorMessage"], payload["errorType"]) == ("as asked", "ValueError")
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request, "functionArn": f"{OWN}{name}:$LATEST", "condition": "RetriesExhausted",
            "approximateInvokeCount": count},
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    }


def check_dead_letter(message, request, event):
    assert json.loads(message["body"]) == event
    assert message["attributes"] == {
        "RequestID": ("String", request), "ErrorCode": ("Number", "200"), "ErrorMessage": ("String", "as asked")}


def test_queues_get_records_and_dead_letters(server, services, name):
    good, bad, dead = services.queue(), services.queue(), services.queue()
    server.deploy(name, COUNTING, DeadLetterConfig={"TargetArn": dead.arn})
    configure(server, name, retries=1, success=good.arn, failure=bad.arn)
    request = requested(server, name, {"x": [1, "ü\n"]})
    (message,) = good.wait()
    check_success(json.loads(message["Body"]), name, request, {"x": [1, "ü\n"]})
    assert "MessageAttributes" not in message
    # The trace goes on, with the function in it.
    assert re.fullmatch(
        r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0;Lineage=1:[0-9a-f]{8}:0",
        message["Attributes"]["AWSTraceHeader"])
    request = requested(server, name, {"fail": True})
    (message,) = bad.wait()
    check_failure(json.loads(message["Body"]), name, request, {"fail": True}, 2)
    (message,) = dead.wait()
    check_dead_letter(
        {"body": message["Body"], "attributes": {
            key: (value["DataType"], value["StringValue"]) for key, value in message["MessageAttributes"].items()}},
        request, {"fail": True})
    assert not good.take() and not bad.take() and not dead.take()


def test_topics_get_records_and_dead_letters(server, services, name):
    sns, inbox = services.client("sns"), services.queue()
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=inbox.arn)
    server.deploy(name, COUNTING, DeadLetterConfig={"TargetArn": topic})
    configure(server, name, success=topic)
    request = requested(server, name, {"x": "a+b & ü"})
    notification = json.loads(inbox.wait()[0]["Body"])
    assert notification["TopicArn"] == topic and "MessageAttributes" not in notification
    check_success(json.loads(notification["Message"]), name, request, {"x": "a+b & ü"})
    request = requested(server, name, {"fail": True})
    notification = json.loads(inbox.wait()[0]["Body"])
    check_dead_letter(
        {"body": notification["Message"], "attributes": {
            key: (value["Type"], value["Value"]) for key, value in notification["MessageAttributes"].items()}},
        request, {"fail": True})


def test_buses_get_records(server, services, name):
    events, inbox = services.client("events"), services.queue()
    bus = events.create_event_bus(Name=name)["EventBusArn"]
    events.put_rule(Name=name, EventBusName=name, EventPattern=json.dumps({"source": ["lambda"]}))
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "1", "Arn": inbox.arn}])
    server.deploy(name, COUNTING)
    configure(server, name, success=bus, failure=bus)
    request = requested(server, name, {"x": 1})
    event = json.loads(inbox.wait()[0]["Body"])
    assert event["source"] == "lambda" and event["detail-type"] == "Lambda Function Invocation Result - Success"
    assert event["resources"] == [bus, f"{OWN}{name}:$LATEST"]
    check_success(event["detail"], name, request, {"x": 1})
    request = requested(server, name, {"fail": True})
    event = json.loads(inbox.wait()[0]["Body"])
    assert event["detail-type"] == "Lambda Function Invocation Result - Failure"
    check_failure(event["detail"], name, request, {"fail": True}, 1)


def test_buckets_get_failures_under_lambdas_keys(server, services, name):
    s3, bucket = services.client("s3"), f"b-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    server.deploy(name, COUNTING)
    configure(server, name, failure=f"arn:aws:s3:::{bucket}")
    request = requested(server, name, {"fail": True})
    found = wait_until(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"), 60, "the object")
    assert len(found) == 1
    key = found[0]["Key"]
    day = r"(\d{4})/(\d\d)/(\d\d)/\1-\2-\3T\d\d\.\d\d\.\d\d"
    assert re.fullmatch(rf"aws/lambda/async/{name}/{day}-[0-9a-f-]{{36}}", key), key
    record = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    check_failure(record, name, request, {"fail": True}, 1)


def signed_get(server, path):
    known = server.credentials
    credentials = botocore.credentials.Credentials(known["accessKeyId"], known["secretAccessKey"])
    request = botocore.awsrequest.AWSRequest("GET", server.url + path)
    botocore.auth.SigV4Auth(credentials, "lambda", known["region"]).add_auth(request)
    return urllib.request.urlopen(urllib.request.Request(server.url + path, headers=dict(request.headers)), timeout=60)


def notes(server, name):
    return [text for stream, text in server.log(name) if stream.endswith("]asynchronous")]


@pytest.mark.parametrize("fifo", [False, True])
def test_what_is_refused_is_dropped_and_said_in_the_functions_log(server, services, name, fifo):
    gone = f"arn:aws:sqs:{REGION}:{ACCOUNT}:absent-{name}"
    if fifo:
        gone = services.queue(FifoQueue="true").arn
    server.deploy(name, COUNTING, DeadLetterConfig={"TargetArn": gone})
    configure(server, name, failure=gone)
    request = requested(server, name, {"fail": True})
    found = wait_until(lambda: len(notes(server, name)) == 2 and notes(server, name), 60, "two lines in the log")
    reason = "Lambda sends to standard queues and topics only" if fifo else "SQS answered 400, AWS.SimpleQueueService.NonExistentQueue: "
    record, letter = sorted(found, key=lambda text: "dead-letter" in text)
    assert record.startswith(f"[WARNING] The record of request {request} was not sent to {gone}: {reason}")
    assert letter.startswith(f"[WARNING] The event of request {request} was not sent to the dead-letter queue {gone}: ")


def metrics(server):
    """What the server measures."""
    answer = signed_get(server, "/metrics")
    assert answer.status == 200
    return samples(answer.read().decode())


def test_what_waits_and_what_became_of_events_is_counted(make_server, services, name):
    queue = services.queue()
    server = make_server(
        "--async-retry-delay", "300s", "--sqs-endpoint", services.url, env=services.environment)
    server.deploy(name, COUNTING, DeadLetterConfig={"TargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:absent"})
    server.client().put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": queue.arn}})
    requested(server, name, {"x": 1})
    queue.wait()
    requested(server, name, {"fail": True})
    seen = wait_until(
        lambda: total(metrics(server), "martlet_async_retries_total") == 1 and metrics(server), 60, "the first failure")
    assert total(seen, "martlet_async_events_waiting") == 1 and total(seen, "martlet_deliveries_waiting") == 0
    of = {"function_name": name}
    assert total(seen, "martlet_lambda_async_events_received_total", **of) == 2
    assert total(seen, "martlet_async_events_ended_total", condition="Success") == 1
    assert total(seen, "martlet_deliveries_total", service="sqs") == 1
    # The queue that is absent gets what is given up: nobody waits for the five minutes.
    server.client().put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    requested(server, name, {"x": 2})
    seen = wait_until(
        lambda: total(metrics(server), "martlet_lambda_dead_letter_errors_total", **of) and metrics(server), 60,
        "the dead letter's end")
    assert total(seen, "martlet_lambda_dead_letter_errors_total", **of) == 1
    assert total(seen, "martlet_async_events_ended_total", condition="ZeroReservedConcurrency") == 1
    assert total(seen, "martlet_lambda_async_events_dropped_total", **of) == 1
    assert total(seen, "martlet_async_events_waiting") == 1
    assert 0 < total(seen, "martlet_async_oldest_event_age_seconds") < 600
    assert total(seen, "martlet_lambda_async_event_age_seconds_count", **of) == 2


def test_a_bucket_is_for_failures_only_and_a_dead_letter_queue_is_a_queue_or_topic(server, name):
    client = server.client()
    server.deploy(name, COUNTING)
    bucket = "arn:aws:s3:::bucket"
    assert refusal(
        client.put_function_event_invoke_config, FunctionName=name,
        DestinationConfig={"OnSuccess": {"Destination": bucket}}) == (
        400, "InvalidParameterValueException",
        f"The provided destination config DestinationConfig(onSuccess=OnSuccess(destination={bucket}), onFailure=null) "
        "is invalid.")
    assert refusal(
        client.update_function_configuration, FunctionName=name, DeadLetterConfig={"TargetArn": bucket})[:2] == (
        400, "InvalidParameterValueException")


def test_without_an_endpoint_the_functions_log_names_the_option(make_server, name):
    server = make_server("--async-retry-delay", "100ms")
    arn = f"arn:aws:sns:{REGION}:000000000000:t"
    server.deploy(name, COUNTING, DeadLetterConfig={"TargetArn": arn})
    configure(server, name, success=f"arn:aws:events:{REGION}:000000000000:event-bus/b")

    def said():
        return [text for stream, text in server.log(name) if stream.endswith("]configuration")]

    found = wait_until(lambda: len(said()) == 2 and said(), 60, "two notes")
    assert f"DeadLetterConfig is kept and shown, and nothing is sent to {arn}: " in found[0] + found[1]
    assert any("--sns-endpoint or --aws-endpoint" in text for text in found)
    assert any("DestinationConfig" in text and "--events-endpoint or --aws-endpoint" in text for text in found)
    request = requested(server, name, {"fail": True})
    found = wait_until(lambda: notes(server, name), 60, "the note of what was dropped")
    assert f"The event of request {request} was not sent" in found[0] and "--sns-endpoint" in found[0]


def test_the_servers_own_queues_are_destinations_of_their_account(make_server, name):
    server = make_server("--async-retry-delay", "100ms")
    queue = Queue(server.client("sqs"), name, {}, account="000000000000")
    other = f"arn:aws:sqs:{REGION}:111111111111:{name}"
    server.deploy(name, COUNTING, DeadLetterConfig={"TargetArn": queue.arn})
    configure(server, name, success=queue.arn, failure=other)
    request = requested(server, name, {"x": "\u00fc"})
    (message,) = queue.wait()
    check_success(json.loads(message["Body"]), name, request, {"x": "\u00fc"})
    assert message["Attributes"]["AWSTraceHeader"].startswith("Root=1-") and "MessageAttributes" not in message
    request = requested(server, name, {"fail": True})
    (message,) = queue.wait()
    check_dead_letter(
        {"body": message["Body"], "attributes": {
            key: (value["DataType"], value["StringValue"]) for key, value in message["MessageAttributes"].items()}},
        request, {"fail": True})
    found = wait_until(lambda: notes(server, name), 60, "the note of what was dropped")
    assert found[0].startswith(
        f"[WARNING] The record of request {request} was not sent to {other}: the queue is another account's")


def test_no_dead_letter_is_lost_by_kills_nor_by_a_service_that_is_away(make_server, services, name):
    """Killed in the middle of attempts and of deliveries; the queue is out of reach at first."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    dead = services.queue()
    server = make_server("--async-retry-delay", "100ms", "--sqs-endpoint", nobody, env=services.environment)
    server.deploy(name, COUNTING, DeadLetterConfig={"TargetArn": dead.arn})
    accepted = {}
    for round in range(2):
        for number in range(8):
            event = {"fail": True, "n": f"{round}-{number}"}
            accepted[requested(server, name, event)] = event
        wait_until(lambda: len(attempts(server, name)) > round * 8, 60, "an attempt of this round")
        server.kill()
        if round == 0:
            server.options = (*server.options[:2], "--sqs-endpoint", services.url)
        server.start()
    letters = {}

    def complete():
        for message in dead.take():
            letters[message["MessageAttributes"]["RequestID"]["StringValue"]] = json.loads(message["Body"])
        return letters.keys() >= accepted.keys()

    wait_until(complete, 120, "every event that was accepted")
    assert letters == accepted
