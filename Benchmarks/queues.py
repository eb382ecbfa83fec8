# SPDX-License-Identifier: Apache-2.0
"""Messages of a queue to their function, beside ministack's in the same run."""

import json
import os
import statistics
import time

from harness import Server, wait_until
from peers import Ministack

MESSAGES = int(os.environ.get("MARTLET_BENCH_MESSAGES", 2_000))
SINGLE = int(os.environ.get("MARTLET_BENCH_SINGLE", 100))
# Each message says when it was sent.
HANDLER = """
import json, time

def handler(event, context):
    now = time.time()
    for record in event["Records"]:
        if record["body"] != "work":
            print("TOOK", now - float(record["body"]))
"""


def took(server, name):
    """Milliseconds from SendMessage to the handler, of each message that said when."""
    pages = server.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
    lines = [line for page in pages for event in page["events"] for line in event["message"].splitlines()]
    return [float(line.split("TOOK ")[1]) * 1_000 for line in lines if "TOOK " in line]


def left(sqs, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(shown[name]) for name in names)


def measure(server, singles, messages):
    """Times of messages that come alone, and messages a second where there are many."""
    client, sqs = server.client(), server.client("sqs")
    server.deploy("reader", HANDLER, Timeout=10)
    wait_until(lambda: client.get_function_configuration(FunctionName="reader")["State"] == "Active", 60, "the function")
    url = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "120"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    mapping = client.create_event_source_mapping(FunctionName="reader", EventSourceArn=arn, BatchSize=10)["UUID"]

    def settled(state):
        wait_until(lambda: client.get_event_source_mapping(UUID=mapping)["State"] == state, 60, state)

    settled("Enabled")
    for _ in range(singles):
        sqs.send_message(QueueUrl=url, MessageBody=repr(time.time()))
        wait_until(lambda: left(sqs, url) == 0, 60, "the message")
    times = took(server, "reader")
    assert len(times) >= singles * 0.9, len(times)
    client.update_event_source_mapping(UUID=mapping, Enabled=False)
    settled("Disabled")
    for start in range(0, messages, 10):
        sqs.send_message_batch(
            QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": "work"} for n in range(min(10, messages - start))])
    client.update_event_source_mapping(UUID=mapping, Enabled=True)
    begin = time.perf_counter()
    wait_until(lambda: left(sqs, url) == 0, 600, "all messages")
    return times, messages / (time.perf_counter() - begin)


def queue():
    """From SendMessage to the handler, and messages a second at a batch size of ten; goal: at least 10 x ministack's rate."""
    server, peer = Server(), Ministack()
    try:
        server.start()
        ours, rate = measure(server, SINGLE, MESSAGES)
        # A tenth is enough to see it.
        theirs, floor = measure(peer, max(5, SINGLE // 10), max(100, MESSAGES // 10))
    finally:
        peer.close()
        server.close()
    for label, times in [("SendMessage to handler", ours), ("  the same, ministack", theirs)]:
        ordered = sorted(times)
        print(f"{label:<44} p50 {statistics.median(times):9.2f} ms  p99 {ordered[int(len(ordered) * 0.99)]:9.2f} ms  "
              f"max {max(times):9.2f} ms", flush=True)
    verdict = "met" if rate >= 10 * floor else "MISSED"
    print(f"{'messages through a mapping, batches of 10':<44} {rate:9.0f} /s   {rate / floor:7.1f} x ministack ({floor:.0f} /s)"
          f"  goal 10: {verdict}", flush=True)
