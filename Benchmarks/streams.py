# SPDX-License-Identifier: Apache-2.0
"""Records of a stream to their function in batches of 500, beside ministack's, alternating in one run."""

import os
import time

from harness import wait_until
from peers import Ministack
from queues import deploy, lines

RECORDS = int(os.environ.get("MARTLET_BENCH_RECORDS", 100_000))
ROUNDS = int(os.environ.get("MARTLET_BENCH_ROUNDS", 3))
SHARDS = 2
BATCH = 500
# A part of ours is enough to see how fast another one is.
PEER_PART = 10
# As long as a line of an access log.
LINE = 'GET /shop?q=honey HTTP/1.1" 200 12345 "-" "Mozilla/5.0 (X11; Linux x86_64)"'
HANDLER = """
import base64, time

def handler(event, context):
    for record in event["Records"]:
        base64.b64decode(record["kinesis"]["data"])
    print("HAD", len(event["Records"]), time.time())
"""


def through(server, turn, count):
    """Records a second, of a stream that has them all when its mapping is made, until the last was handled."""
    client, kinesis, name = server.client(), server.client("kinesis"), f"clicks-{turn}"
    deploy(server, name, HANDLER)
    kinesis.create_stream(StreamName=name, ShardCount=SHARDS)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    for start in range(0, count, BATCH):
        records = [{"Data": f"{number} {LINE}".encode(), "PartitionKey": str(number)} for number in range(start, start + BATCH)]
        assert kinesis.put_records(StreamName=name, Records=records)["FailedRecordCount"] == 0

    def had():
        # Looked at seldom: what looks takes of the processors, too.
        time.sleep(1.5)
        batches = [line.split() for line in lines(server, name, "HAD")]
        return batches if sum(int(number) for number, _ in batches) >= count else None

    begin = time.time()
    mapping = client.create_event_source_mapping(
        FunctionName=name, EventSourceArn=arn, BatchSize=BATCH, StartingPosition="TRIM_HORIZON")["UUID"]
    batches = wait_until(had, 600, "all records")
    client.delete_event_source_mapping(UUID=mapping)
    return count / (max(float(moment) for _, moment in batches) - begin)


def stream(server_of, results):
    server, peer = server_of(), None
    rates, peer_rates = [], []
    try:
        server.start()
        peer = Ministack()
        for turn in range(ROUNDS):
            rates.append(through(server, turn, RECORDS))
            peer_rates.append(through(peer, turn, max(BATCH * SHARDS, RECORDS // PEER_PART // BATCH * BATCH)))
    finally:
        if peer:
            peer.close()
        server.close()
    results.add(
        f"records through a mapping of a stream, batches of {BATCH}", rates, "a second", "ministack", peer_rates,
        10, more_is_better=True)
