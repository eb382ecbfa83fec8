# SPDX-License-Identifier: Apache-2.0
"""Numbered events for each kind of source, a recorder outside of the server that says what the function does with each, and what became
of them all."""

import base64
import collections
import datetime
import json
import os
import socketserver
import threading
import time
import urllib.parse
import urllib.request
import uuid

import botocore.exceptions

from harness import ROLE, wait_until
from test_s3_events import MINIO, permit, url_of

FUNCTION = "recorded"
# Seconds. A queue shows its messages again after a little more than the function may take.
TIMEOUT, VISIBILITY = 2, 3
HANG = 30
# How often what always fails is tried before it is a dead letter.
RECEIVES, RETRIES = 3, 2
BATCH = 5
# Bytes; a file system gives no less.
PAGE = 4096
# What a send that was not acknowledged ends with; it is sent again under its number.
NOT_TAKEN = (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, OSError)
# Asks the recorder what to do, once in each attempt.
HANDLER = """
import json, socket, time

def handler(event, context):
    with socket.create_connection(("host.martlet.internal", PORT), timeout=20) as connection:
        connection.sendall(json.dumps(event).encode() + b"\\n")
        with connection.makefile() as lines:
            answer = json.loads(lines.readline())
    time.sleep(answer["seconds"])
    if answer["throws"]:
        raise RuntimeError("as planned")
    return answer["result"]
"""


def single(event):
    """The number in an event that is no batch: of an invocation, a schedule or a bucket."""
    if "Records" in event:
        return urllib.parse.unquote_plus(event["Records"][0]["s3"]["object"]["key"])
    return event["id"]


def records_of(event):
    """The kind of a batch, and pairs of number and what a partial failure names it by; None for what is no batch."""
    source = event["Records"][0]["eventSource"] if "Records" in event else None
    if source == "aws:sqs":
        kind = "fifo" if event["Records"][0]["eventSourceARN"].endswith(".fifo") else "queue"
        return kind, [(json.loads(record["body"])["id"], record["messageId"]) for record in event["Records"]]
    if source == "aws:kinesis":
        return "stream", [
            (json.loads(base64.b64decode(record["kinesis"]["data"]))["id"], record["kinesis"]["sequenceNumber"])
            for record in event["Records"]]
    if source == "aws:dynamodb":
        return "stream", [
            (record["dynamodb"]["NewImage"]["event"]["S"], record["dynamodb"]["SequenceNumber"]) for record in event["Records"]]
    return None, [(single(event), None)]


class Recorder:
    """Listens on the host's loopback. Knows what each attempt was given, and lets those fail that are planned to."""

    def __init__(self):
        recorder = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                # Who is killed while it asks says nothing, or reads no answer.
                line = self.rfile.readline()
                if line.endswith(b"\n"):
                    try:
                        self.wfile.write(json.dumps(recorder.answer(json.loads(line))).encode() + b"\n")
                    except OSError:
                        pass

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads, request_queue_size = True, 128

        self.lock = threading.Lock()
        # What fails: "throw" and "hang" the first time, with all of its batch; "fail" each time.
        self.plan = {}
        self.attempts = collections.Counter()
        self.answered = collections.Counter()
        # Numbers in the order in which their attempts were told to succeed, each as often as it was.
        self.done = []
        self.listener = Listener(("127.0.0.1", 0), Handler)
        self.port = self.listener.server_address[1]
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    def close(self):
        self.listener.shutdown()
        self.listener.server_close()

    def answer(self, event):
        if "hold" in event:
            return {"seconds": event["hold"], "throws": False, "result": None}
        kind, records = records_of(event)
        with self.lock:
            verdicts = [self._verdict(number) for number, _ in records]
            self.answered.update(verdicts)
            if "hang" in verdicts:
                return {"seconds": HANG, "throws": False, "result": None}
            failing = [index for index, verdict in enumerate(verdicts) if verdict == "fail"]
            if "throw" in verdicts or (failing and kind is None):
                return {"seconds": 0, "throws": True, "result": None}
            if failing and kind == "fifo":
                failing = list(range(failing[0], len(records)))
            done = records[:failing[0]] if failing and kind == "stream" else [
                record for index, record in enumerate(records) if index not in failing]
            self.done += [number for number, _ in done]
            result = {"batchItemFailures": [{"itemIdentifier": records[index][1]} for index in failing]}
            return {"seconds": 0, "throws": False, "result": result}

    def _verdict(self, number):
        self.attempts[number] += 1
        planned = self.plan.get(number)
        return planned if planned == "fail" or self.attempts[number] == 1 else None


class World:
    """A server, where its queues and streams are, and the sources that its function reads: those of the server itself, or of another one."""

    def __init__(self, server, recorder, services=None):
        self.server, self.recorder, self.services = server, recorder, services
        self.local = threading.local()
        # What was acknowledged, by source, in the order in which it was sent; and what ended as a dead letter.
        self.sent = collections.defaultdict(list)
        self.dead = set()
        self.refused = collections.Counter()
        # What a producer was refused with last.
        self.problem = ""
        server.deploy(FUNCTION, HANDLER.replace("PORT", str(recorder.port)), Timeout=TIMEOUT)
        self.failed, failed = self._queue("failed-" + uuid.uuid4().hex[:8])
        self.failed_arn = failed
        self.dead_letters = [self.failed]
        client = server.client()
        client.put_function_event_invoke_config(FunctionName=FUNCTION, DestinationConfig={"OnFailure": {"Destination": failed}})
        permit(server, FUNCTION)
        self.bucket_path = url_of(server, FUNCTION).removeprefix(server.url)
        self.function_arn = client.get_function(FunctionName=FUNCTION)["Configuration"]["FunctionArn"]
        self.work = self._source_queue("")
        self.fifo = self._source_queue(".fifo", FifoQueue="true")
        self.stream = "s-" + uuid.uuid4().hex[:8]
        kinesis = self.client("kinesis")
        kinesis.create_stream(StreamName=self.stream, ShardCount=2)
        kinesis.get_waiter("stream_exists").wait(StreamName=self.stream, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        self._map_stream(kinesis.describe_stream(StreamName=self.stream)["StreamDescription"]["StreamARN"])
        self.senders = {"async": self.invoke, "bucket": self.notify, "queue": self.send, "fifo": self.send_in_order, "stream": self.put}
        if services:
            self._make_table()
            self.senders["table"] = self.change
            # Not the groups of moto's queues: of two messages that become visible in the same moment it may skip the first, whose
            # group it takes to be locked by the second, and give out the second.
            self.ordered = {"stream", "table"}
        else:
            self.senders["schedule"] = self.schedule
            self.ordered = {"stream", "fifo"}

    # Making

    def _queue(self, name, **attributes):
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def _source_queue(self, suffix, **attributes):
        """A queue with its dead letters, and its mapping."""
        name = "q-" + uuid.uuid4().hex[:8]
        dead, dead_arn = self._queue(name + "-dead" + suffix, **attributes)
        self.dead_letters.append(dead)
        redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": RECEIVES})
        url, arn = self._queue(name + suffix, VisibilityTimeout=str(VISIBILITY), RedrivePolicy=redrive, **attributes)
        self._map(arn)
        return url

    def _map(self, arn, **settings):
        client = self.server.client()
        mapping = client.create_event_source_mapping(
            FunctionName=FUNCTION, EventSourceArn=arn, BatchSize=BATCH, FunctionResponseTypes=["ReportBatchItemFailures"],
            **settings)["UUID"]
        wait_until(lambda: client.get_event_source_mapping(UUID=mapping)["State"] == "Enabled", 60, "the mapping")

    def _map_stream(self, arn):
        self._map(
            arn, StartingPosition="TRIM_HORIZON", MaximumRetryAttempts=RETRIES, BisectBatchOnFunctionError=True,
            DestinationConfig={"OnFailure": {"Destination": self.failed_arn}})

    def _make_table(self):
        self.table = "t-" + uuid.uuid4().hex[:8]
        made = self.client("dynamodb").create_table(
            TableName=self.table, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
        self.table_stream = made["TableDescription"]["LatestStreamArn"]
        self._map_stream(self.table_stream)

    def client(self, service, own=False):
        """Of this thread, for where the server is now; queues and streams may be another server's."""
        place = self.server if own or not self.services else self.services
        if not place.url:
            raise ConnectionError("the server is not there")
        known = self.local.__dict__.setdefault("clients", {})
        if (service, place.url) not in known:
            known[service, place.url] = place.client(service)
        return known[service, place.url]

    # Sending. Who returns has sent durably.

    def invoke(self, number, key, filler):
        event = json.dumps({"id": number, "filler": filler})
        self.client("lambda", own=True).invoke(FunctionName=FUNCTION, InvocationType="Event", Payload=event)

    def notify(self, number, key, filler):
        if not self.server.url:
            raise ConnectionError("the server is not there")
        notification = json.loads(json.dumps(MINIO))
        notification["Records"][0]["s3"]["object"]["key"] = number
        request = urllib.request.Request(
            self.server.url + self.bucket_path, data=json.dumps(notification).encode(), headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60):
            pass

    def send(self, number, key, filler):
        self.client("sqs").send_message(QueueUrl=self.work, MessageBody=json.dumps({"id": number, "filler": filler}))

    def send_in_order(self, number, key, filler):
        self.client("sqs").send_message(
            QueueUrl=self.fifo, MessageBody=json.dumps({"id": number, "filler": filler}), MessageGroupId=key,
            MessageDeduplicationId=number)

    def put(self, number, key, filler):
        self.client("kinesis").put_record(
            StreamName=self.stream, Data=json.dumps({"id": number, "filler": filler}).encode(), PartitionKey=key)

    def change(self, number, key, filler):
        self.client("dynamodb").put_item(TableName=self.table, Item={"key": {"S": key}, "event": {"S": number}})

    def schedule(self, number, key, filler):
        client = self.client("scheduler", own=True)
        moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
        target = {
            "Arn": self.function_arn, "RoleArn": ROLE, "Input": json.dumps({"id": number}),
            "DeadLetterConfig": {"Arn": self.failed_arn}}
        try:
            client.create_schedule(
                Name=number, ScheduleExpression=moment.strftime("at(%Y-%m-%dT%H:%M:%S)"), FlexibleTimeWindow={"Mode": "OFF"},
                Target=target, ActionAfterCompletion="DELETE")
        except client.exceptions.ConflictException:
            # The one before was made, though its answer was lost.
            pass

    def taken(self, source, number, key, filler=""):
        """Whether an event was acknowledged, which is remembered then."""
        try:
            self.senders[source](number, key, filler)
        except NOT_TAKEN as error:
            self.refused[source] += 1
            self.problem = f"{source}: {error!r}"
            return False
        self.sent[source].append((number, key))
        return True

    # What became of them

    def gather(self):
        """Takes what has come to the dead-letter queues."""
        sqs, batches = self.client("sqs"), []
        for url in self.dead_letters:
            while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                for message in messages:
                    body = json.loads(message["Body"])
                    info = body.get("KinesisBatchInfo") or body.get("DDBStreamBatchInfo")
                    if info:
                        batches.append((info["streamArn"], info["shardId"], info["startSequenceNumber"], info["endSequenceNumber"]))
                    else:
                        self.dead.add(single(body.get("requestPayload", body)))
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        for arn, shard, first, last in batches:
            self.dead.update(
                number for sequence, number in self._records(arn, shard) if int(first) <= int(sequence) <= int(last))

    def _records(self, arn, shard):
        """Sequence numbers and numbers of what is in a shard."""
        is_table = ":dynamodb:" in arn
        client = self.client("dynamodbstreams" if is_table else "kinesis")
        stream = {"StreamArn": arn} if is_table else {"StreamName": self.stream}
        iterator = client.get_shard_iterator(ShardId=shard, ShardIteratorType="TRIM_HORIZON", **stream)["ShardIterator"]
        found, empty = [], 0
        # One that is open never ends: where it brings nothing twice, all was read.
        while iterator and empty < 2:
            answer = client.get_records(ShardIterator=iterator)
            iterator, empty = answer.get("NextShardIterator"), 0 if answer["Records"] else empty + 1
            for record in answer["Records"]:
                if is_table:
                    found.append((record["dynamodb"]["SequenceNumber"], record["dynamodb"]["NewImage"]["event"]["S"]))
                else:
                    found.append((record["SequenceNumber"], json.loads(record["Data"])["id"]))
        return found

    def missing(self):
        """What was acknowledged, and neither reached the function nor is a dead letter; looks at those, too."""
        try:
            self.gather()
        except NOT_TAKEN as error:
            self.problem = f"dead letters: {error!r}"
        with self.recorder.lock:
            known = self.dead.union(self.recorder.done)
        # What is to fail each time has come to its end as a dead letter only.
        return [number for sent in self.sent.values() for number, _ in sent if number not in known]

    def overtaken(self):
        """Pairs of the same group, key or item of which the later one was done first; dead letters are out of their order."""
        first = {}
        for place, number in enumerate(self.recorder.done):
            first.setdefault(number, place)
        found = []
        for source in self.ordered:
            before = {}
            for number, key in self.sent[source]:
                if number in self.dead or number not in first:
                    continue
                if key in before and first[before[key]] > first[number]:
                    found.append((before[key], number))
                else:
                    before[key] = number
        return found


class Producer(threading.Thread):
    """Sends so many numbered events to a source, each until it is taken; groups and keys are two in each round."""

    def __init__(self, world, source, turn, count, chance):
        super().__init__(daemon=True)
        self.world, self.source = world, source
        self.events = [
            (f"{source}.{turn}.{number}", f"{turn}-{number % 2}", "x" * chance.randrange(20_000), chance.uniform(0, 0.6))
            for number in range(count)]
        numbers = [event[0] for event in self.events]
        # One of each, so that no round is without them.
        for trouble, number in zip(("fail", "throw", "hang"), chance.sample(numbers, 3)):
            world.recorder.plan[number] = trouble
        self.is_stopped = threading.Event()

    def run(self):
        for number, key, filler, pause in self.events:
            while not self.world.taken(self.source, number, key, filler):
                if self.is_stopped.wait(0.1):
                    return
            time.sleep(pause)


class Filler:
    """Takes all that a file system has, and what becomes free on it, until it is told to give it back."""

    def __init__(self, directory):
        self.path = directory / "filler"
        self.is_over = threading.Event()
        self.is_full = threading.Event()
        self.thread = threading.Thread(target=self.fill, daemon=True)
        self.thread.start()

    def fill(self):
        size = 1 << 20
        with open(self.path, "wb", buffering=0) as file:
            while not self.is_over.is_set():
                try:
                    file.write(bytes(size))
                except OSError:
                    if size > PAGE:
                        size //= 2
                        continue
                    self.is_full.set()
                    self.is_over.wait(0.01)

    def end(self):
        self.is_over.set()
        self.thread.join(60)
        os.unlink(self.path)
