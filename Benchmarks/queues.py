# SPDX-License-Identifier: Apache-2.0
"""Messages of a queue to their function, beside ministack's, alternating in one run."""

import os
import time

from harness import wait_until
from peers import Ministack

MESSAGES = int(os.environ.get("MARTLET_BENCH_MESSAGES", 10_000))
SINGLE = int(os.environ.get("MARTLET_BENCH_SINGLE", 40))
ROUNDS = int(os.environ.get("MARTLET_BENCH_ROUNDS", 3))
# A part of ours is enough to see how fast another one is.
PEER_PART, SINGLE_PART = 10, 4
# Each message says when it was sent.
HANDLER = """
import time

def handler(event, context):
    now = time.time()
    for record in event["Records"]:
        if record["body"] != "work":
            print("TOOK", now - float(record["body"]))
"""


def lines(server, name, word):
    """What a function logged after that word."""
    pages = server.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
    found = [line for page in pages for event in page["events"] for line in event["message"].splitlines()]
    return [line.split(word + " ")[1] for line in found if word + " " in line]


def deploy(server, name, source):
    """A function that has run once: its first start is measured elsewhere."""
    client = server.client()
    server.deploy(name, source, Timeout=10)
    wait_until(lambda: client.get_function_configuration(FunctionName=name)["State"] == "Active", 60, "the function")
    answer = client.invoke(FunctionName=name, Payload=b'{"Records": []}')
    assert "FunctionError" not in answer, answer["Payload"].read()


def left(sqs, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(shown[name]) for name in names)


def make_queue(sqs, name):
    url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "120"})["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def alone(server, turn, count):
    """Milliseconds from SendMessage to the handler, of messages that come alone to a queue that is read."""
    client, sqs, name = server.client(), server.client("sqs"), f"alone-{turn}"
    deploy(server, name, HANDLER)
    url, arn = make_queue(sqs, name)
    mapping = client.create_event_source_mapping(FunctionName=name, EventSourceArn=arn, BatchSize=10)["UUID"]
    wait_until(lambda: client.get_event_source_mapping(UUID=mapping)["State"] == "Enabled", 60, "the mapping")
    for _ in range(count):
        # So that who reads it waits for the next.
        time.sleep(0.2)
        sqs.send_message(QueueUrl=url, MessageBody=repr(time.time()))
        wait_until(lambda: left(sqs, url) == 0, 60, "the message")
    taken = wait_until(lambda: (lambda all: all if len(all) >= count else None)(lines(server, name, "TOOK")), 60, "all in the log")
    client.delete_event_source_mapping(UUID=mapping)
    return [float(one) * 1_000 for one in taken]


def together(server, turn, count):
    """Messages a second, of a queue that has many when its mapping is made, until the last is deleted."""
    client, sqs, name = server.client(), server.client("sqs"), f"together-{turn}"
    deploy(server, name, HANDLER)
    url, arn = make_queue(sqs, name)
    for start in range(0, count, 10):
        sqs.send_message_batch(
            QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": "work"} for n in range(min(10, count - start))])
    begin = time.perf_counter()
    mapping = client.create_event_source_mapping(FunctionName=name, EventSourceArn=arn, BatchSize=10)["UUID"]

    def is_empty():
        # Looked at seldom: what looks takes of the processors, too.
        time.sleep(0.2)
        return left(sqs, url) == 0

    wait_until(is_empty, 600, "all messages")
    rate = count / (time.perf_counter() - begin)
    client.delete_event_source_mapping(UUID=mapping)
    return rate


def queue(server_of, quantile, results):
    server, peer = server_of(), None
    times, peer_times, rates, peer_rates = [], [], [], []
    try:
        server.start()
        peer = Ministack()
        for turn in range(ROUNDS):
            times += alone(server, turn, SINGLE)
            peer_times += alone(peer, turn, max(2, SINGLE // SINGLE_PART))
            rates.append(together(server, turn, MESSAGES))
            peer_rates.append(together(peer, turn, max(100, MESSAGES // PEER_PART)))
    finally:
        if peer:
            peer.close()
        server.close()
    for what, share in (("p50", 0.5), ("p99", 0.99)):
        results.add(
            f"from SendMessage to the handler, {what}", quantile(times, share), "ms", "ministack", quantile(peer_times, share), 100,
            of_value=True)
    results.add(
        "messages through a mapping of a queue, batches of 10", rates, "a second", "ministack", peer_rates,
        10, more_is_better=True)
