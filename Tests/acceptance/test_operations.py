# SPDX-License-Identifier: Apache-2.0
"""What docs/operations.md says: a backup is restored elsewhere with all that was in it, and a server that can't go on says why."""

import contextlib
import datetime
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import threading

import botocore.exceptions
import pytest

from event_faults import Filler
from harness import PYTHON, ROLE, ROOT, Server, children, wait_until, zip_of
from test_event_faults import small_disk  # noqa: F401

SOURCE = """
import os, sys
sys.path.insert(0, "/opt")
def handler(event, context):
    print("seen", event)
    try:
        from shared import WORD
    except ImportError:
        WORD = None
    return [event, os.environ.get("HIDDEN"), WORD, context.function_version]
"""
QUEUE = "http://localhost/000000000000/jobs"


def processes(pid):
    """A process and all below it."""
    return [pid] + [each for child in children(pid) for each in processes(child)]


def fill(server):
    """Something in every store; the server's second key."""
    client = server.client()
    layer = client.publish_layer_version(
        LayerName="words", Content={"ZipFile": zip_of({"shared.py": "WORD = 'shared'\n"})})["LayerVersionArn"]
    server.deploy("kept", SOURCE, Environment={"Variables": {"HIDDEN": "secret"}}, Layers=[layer])
    version = client.publish_version(FunctionName="kept")["Version"]
    client.get_waiter("published_version_active").wait(FunctionName="kept", Qualifier=version)
    client.create_alias(FunctionName="kept", Name="live", FunctionVersion=version)
    assert server.invoke("kept", {"n": 1}, Qualifier="live") == [{"n": 1}, "secret", "shared", "1"]
    queues, streams, schedules = server.client("sqs"), server.client("kinesis"), server.client("scheduler")
    queues.create_queue(QueueName="jobs")
    queues.send_message(QueueUrl=QUEUE, MessageBody="job 1")
    streams.create_stream(StreamName="clicks", ShardCount=1)
    streams.get_waiter("stream_exists").wait(StreamName="clicks", WaiterConfig={"Delay": 1})
    streams.put_record(StreamName="clicks", Data=b"click 1", PartitionKey="k")
    schedules.create_schedule(
        Name="nightly", ScheduleExpression="cron(0 2 * * ? *)", FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": client.get_function(FunctionName="kept")["Configuration"]["FunctionArn"], "RoleArn": ROLE})
    # An event whose attempt the server does not wait for at its end.
    server.deploy("slow", "import time\n" + SOURCE.replace("print(", "time.sleep(30); print("), Timeout=60)
    client.invoke(FunctionName="slow", InvocationType="Event", Payload=b'{"n": 2}')
    made = server.martlet("key", "create", "--name", "second", "--json")
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def check(server, key, usage):
    """All that `fill` has put there is there, once."""
    client = server.client()
    assert server.invoke("kept", {"n": 3}, Qualifier="live") == [{"n": 3}, "secret", "shared", "1"]
    log = [message for _, message in server.log("kept")]
    assert sum("seen {'n': 1}" in message for message in log) == 1
    bill = json.loads(usage)["lines"]
    after = json.loads(server.martlet("usage", "--json").stdout)["lines"]
    assert sum(line["requests"] for line in after if line["function"] == "kept") == sum(
        line["requests"] for line in bill if line["function"] == "kept") + 1
    wait_until(lambda: any("seen {'n': 2}" in message for _, message in server.log("slow")), 240, "the event's second attempt")
    queues, streams = server.client("sqs"), server.client("kinesis")
    messages = queues.receive_message(QueueUrl=QUEUE, MaxNumberOfMessages=10).get("Messages", [])
    assert [message["Body"] for message in messages] == ["job 1"]
    shard = streams.list_shards(StreamName="clicks")["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamName="clicks", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    assert [record["Data"] for record in records] == [b"click 1"]
    assert [each["Name"] for each in server.client("scheduler").list_schedules()["Schedules"]] == ["nightly"]
    second = server.client(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    assert {each["FunctionName"] for each in second.list_functions()["Functions"]} >= {"kept", "slow"}


def test_a_backup_of_a_stopped_server_is_restored_elsewhere(make_server, tmp_path):
    server = make_server("--drain-timeout", "1s")
    key = fill(server)
    usage = server.martlet("usage", "--json").stdout
    assert server.terminate() == 0
    archive = tmp_path / "martlet.tar"
    subprocess.run(
        ["tar", "--create", "--file", archive, "--directory", server.data, "--exclude=./sandboxes", "."], check=True)
    shutil.rmtree(server.data)
    place = tmp_path / "elsewhere"
    place.mkdir(mode=0o700)
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", place, "--preserve-permissions"], check=True)
    check(make_server(data=place), key, usage)


def test_a_snapshot_of_a_running_server_has_all_that_was_answered(make_server, tmp_path):
    """All files as of one moment, as a file system's snapshot has them: here all processes are halted for it."""
    server = make_server("--drain-timeout", "1s")
    key = fill(server)
    server.deploy("busy", SOURCE)
    server.invoke("busy", 0)
    is_over, answered, sent = threading.Event(), [0], []

    def call(first):
        client, queues, number = server.client(), server.client("sqs"), first
        while not is_over.is_set():
            number += 4
            client.invoke(FunctionName="busy", Payload=json.dumps(number))
            answered.append(number)
            queues.send_message(QueueUrl=QUEUE, MessageBody=str(number))
            sent.append(str(number))

    callers = [threading.Thread(target=call, args=(first,)) for first in range(1, 5)]
    [caller.start() for caller in callers]
    place = tmp_path / "elsewhere"
    try:
        wait_until(lambda: len(sent) >= 200, 120, "200 calls")
        halted = processes(server.process.pid)
        try:
            for pid in halted:
                os.kill(pid, signal.SIGSTOP)
            # What was answered by now is in the files.
            calls, messages = list(answered), list(sent)
            shutil.copytree(server.data, place, ignore=shutil.ignore_patterns("sandboxes", "*.lock", "lock"))
        finally:
            for pid in reversed(halted):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
    finally:
        is_over.set()
        [caller.join() for caller in callers]
    server.terminate()
    copy = make_server(data=place)
    log = [message for _, message in copy.log("busy")]
    for number in calls:
        assert sum(message.rstrip() == f"seen {number}" for message in log) == 1, number
    count = sum(message.startswith("REPORT ") for message in log)
    lines = json.loads(copy.martlet("usage", "--json").stdout)["lines"]
    assert count >= len(calls) and sum(line["requests"] for line in lines if line["function"] == "busy") == count
    queues, found = copy.client("sqs"), []
    while True:
        batch = queues.receive_message(QueueUrl=QUEUE, MaxNumberOfMessages=10).get("Messages", [])
        if not batch:
            break
        for message in batch:
            found.append(message["Body"])
            queues.delete_message(QueueUrl=QUEUE, ReceiptHandle=message["ReceiptHandle"])
    assert len(found) == len(set(found)) and set(found) >= set(messages) | {"job 1"}
    queues.send_message(QueueUrl=QUEUE, MessageBody="job 1")
    check(copy, key, copy.martlet("usage", "--json").stdout)


def refusal(data, *options):
    """What a server that does not start says, and its exit code."""
    server = Server(*options, data=data)
    with pytest.raises(AssertionError):
        server.start()
    return server.lines, server.process.returncode


def test_a_database_of_a_newer_version_is_refused_in_one_line(make_server):
    server = make_server()
    server.deploy("kept", SOURCE)
    assert server.terminate() == 0
    databases = sorted(server.data.glob("*.sqlite"))
    assert [path.stem for path in databases] == ["events", "logs", "metadata", "metrics", "queues", "schedules", "streams"]
    for path in databases:
        with sqlite3.connect(path) as database:
            database.execute("INSERT INTO grdb_migrations VALUES ('99 of a later version')")
        lines, code = refusal(server.data)
        assert code == 1 and len(lines) == 1 and path.name in lines[0] and "newer" in lines[0], lines
        with sqlite3.connect(path) as database:
            database.execute("DELETE FROM grdb_migrations WHERE identifier LIKE '99%'")
        database.close()
    server.start()
    assert server.invoke("kept", 1)[0] == 1


def test_a_lost_master_key_stops_the_start_and_is_put_back(make_server, tmp_path):
    server = make_server()
    server.deploy("kept", SOURCE)
    assert server.terminate() == 0
    shutil.move(server.data / "master.key", tmp_path / "kept.key")
    lines, code = refusal(server.data)
    assert code == 1 and "made under the master key" in lines[-1], lines
    # A new one was made in its place.
    shutil.copy(tmp_path / "kept.key", server.data / "master.key")
    server.start()
    assert server.invoke("kept", 1)[0] == 1


def test_a_lost_administrators_key_is_made_anew(make_server):
    server = make_server()
    server.deploy("kept", SOURCE)
    before = server.credentials
    assert server.terminate() == 0
    os.unlink(server.data / "credentials")
    server.start()
    assert server.credentials["accessKeyId"] != before["accessKeyId"]
    assert server.invoke("kept", 1)[0] == 1
    old = server.client(
        aws_access_key_id=before["accessKeyId"], aws_secret_access_key=before["secretAccessKey"])
    with pytest.raises(botocore.exceptions.ClientError):
        old.list_functions()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system that is small")
def test_a_full_disk_stops_what_writes_and_nothing_else(make_server, small_disk):  # noqa: F811
    server = make_server(data=small_disk / "data")
    server.deploy("kept", SOURCE)
    server.invoke("kept", 0)
    client, queues = server.client(), server.client("sqs")
    queues.create_queue(QueueName="jobs")
    queues.send_message(QueueUrl=QUEUE, MessageBody="before")
    streams = server.client("kinesis")
    streams.create_stream(StreamName="clicks", ShardCount=1)
    streams.get_waiter("stream_exists").wait(StreamName="clicks", WaiterConfig={"Delay": 1})
    shard = streams.put_record(StreamName="clicks", Data=b"click", PartitionKey="k")["ShardId"]
    filler = Filler(small_disk)
    try:
        assert filler.is_full.wait(60), "the disk can't be filled"

        def refused():
            with pytest.raises(botocore.exceptions.ClientError) as caught:
                client.create_function(
                    FunctionName="new", Runtime=PYTHON, Handler="app.handler", Role=ROLE,
                    Code={"ZipFile": zip_of({"app.py": SOURCE, "pad": os.urandom(1 << 20)})})
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500, caught.value
            with pytest.raises(botocore.exceptions.ClientError) as caught:
                for _ in range(100):
                    client.invoke(FunctionName="kept", InvocationType="Event", Payload=json.dumps("x" * 200_000))
            assert caught.value.response["Error"]["Code"] == "TooManyRequestsException", caught.value
            with pytest.raises(botocore.exceptions.ClientError):
                for _ in range(100):
                    queues.send_message(QueueUrl=QUEUE, MessageBody="x" * 200_000)
            # That a message was received is written, too.
            with pytest.raises(botocore.exceptions.ClientError, match="disk is full"):
                for _ in range(1_000):
                    queues.receive_message(QueueUrl=QUEUE, VisibilityTimeout=0)
            with pytest.raises(botocore.exceptions.ClientError, match="disk is full"):
                for _ in range(1_000):
                    streams.put_record(StreamName="clicks", Data=bytes(100_000), PartitionKey="k")

        refused()
        assert server.process.poll() is None
        assert client.get_function_configuration(FunctionName="kept")["State"] == "Active"
        for number in range(20):
            assert server.invoke("kept", number)[0] == number
        iterator = streams.get_shard_iterator(StreamName="clicks", ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        assert streams.get_records(ShardIterator=iterator, Limit=1)["Records"][0]["Data"] == b"click"
    finally:
        filler.end()
    server.deploy("new", SOURCE)
    assert server.invoke("new", 1)[0] == 1
    message = queues.receive_message(QueueUrl=QUEUE)["Messages"][0]
    assert message["Body"] == "before"
    server.kill()
    server.start()
    assert server.invoke("kept", "after")[0] == "after"
    # What was invoked while the disk was full is in the log, and on the bill.
    assert seen(server, "kept") >= {*map(str, range(20)), "after"}
    assert not any("lost" in line for line in server.lines), server.lines


def seen(server, name):
    return {message.strip()[5:] for _, message in server.log(name) if message.startswith("seen ")}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system that is small")
def test_what_a_full_disk_lets_be_invoked_is_in_the_log_and_on_the_bill(make_server, small_disk):  # noqa: F811
    """As much as --journal-reserve keeps room for, half of it for what runs already; then invocations are refused, until there is room."""
    server = make_server("--journal-reserve", "2", data=small_disk / "data")
    server.deploy("wordy", 'def handler(event, context):\n    print("seen", event, "x" * 20_000)\n    return event\n')
    server.invoke("wordy", -1)
    answered, refusals, client = [-1], [], server.client()

    def invoke(number):
        try:
            answer = client.invoke(FunctionName="wordy", Payload=json.dumps(number))
        except botocore.exceptions.ClientError as error:
            refusals.append(error)
            return False
        assert json.loads(answer["Payload"].read()) == number
        answered.append(number)
        return True

    filler = Filler(small_disk)
    try:
        assert filler.is_full.wait(60), "the disk can't be filled"
        number = 0
        # The database has some room of its own at first.
        while invoke(number) and number < 5_000:
            number += 1
        assert refusals and number >= (1 << 20) // 21_000, number
        error = refusals[0].response
        assert error["Error"]["Code"] == "ServiceException" and error["ResponseMetadata"]["HTTPStatusCode"] == 500, error
        assert "can't be written" in error["Error"]["Message"] and "--journal-reserve" in error["Error"]["Message"], error
        assert not invoke("again") and server.process.poll() is None
    finally:
        filler.end()
    wait_until(lambda: invoke("there is room"), 30, "an invocation on a disk that has room again")
    server.kill()
    server.start()
    assert {text.split(" x")[0] for text in seen(server, "wordy")} == {str(number) for number in answered}
    lines = json.loads(server.martlet("usage", "--json").stdout)["lines"]
    assert sum(line["requests"] for line in lines if line["function"] == "wordy") == len(answered)
    assert not any("lost" in line for line in server.lines), server.lines


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system that is small")
def test_a_full_disk_that_had_no_room_for_a_reserve(make_server, small_disk):  # noqa: F811
    """The log says so at the start, which takes none of what there is; what is lost is told, and nothing is run from then on."""
    server = make_server("--journal-reserve", "32", data=small_disk / "data")
    server.deploy("wordy", 'def handler(event, context):\n    print("seen", event, "x" * 20_000)\n    return event\n')
    assert server.terminate() == 0
    for journal in (small_disk / "data").glob("logs-*.journal"):
        journal.unlink()
    free = os.statvfs(small_disk)
    with open(small_disk / "pad", "wb") as pad:
        os.posix_fallocate(pad.fileno(), 0, free.f_bavail * free.f_frsize - (12 << 20))
    server.start()
    assert any("no room could be kept" in line for line in server.lines), server.lines
    assert sum(journal.stat().st_blocks for journal in (small_disk / "data").glob("logs-*.journal")) < 2048
    answered, client = [], server.client()

    def invoke(number):
        try:
            client.invoke(FunctionName="wordy", Payload=json.dumps(number))
        except botocore.exceptions.ClientError as error:
            assert "--journal-reserve" in error.response["Error"]["Message"], error
            return False
        answered.append(number)
        return True

    def lost():
        return sum("log events lost" in line for line in server.lines)

    filler = Filler(small_disk)
    try:
        assert filler.is_full.wait(60), "the disk can't be filled"
        number = 0
        # The database has some room of its own at first.
        while invoke(number) and number < 5_000:
            number += 1
        assert 0 < number < 5_000
    finally:
        filler.end()
    wait_until(lambda: invoke("there is room"), 30, "an invocation on a disk that has room again")
    # Of each commit that a full disk still takes there may be one, before the next refusal.
    wait_until(lambda: len(seen(server, "wordy")) == len(answered) - lost(), 10, "what was answered in the log, or told as lost")
    assert lost() <= 3, server.lines


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system that is small")
def test_schedules_on_a_full_disk(make_server, small_disk):  # noqa: F811
    """Changes are refused, deletions too; what falls due runs when there is room, once, and what is refused has not been done."""
    server = make_server(data=small_disk / "data")
    server.deploy("due", 'def handler(event, context):\n    print("seen", event)\n')
    server.invoke("due", "before")
    schedules = server.client("scheduler")
    target = {
        "Arn": server.client().get_function(FunctionName="due")["Configuration"]["FunctionArn"], "RoleArn": ROLE,
        "Input": '"at its time"'}

    def create(name, expression="cron(0 2 * * ? *)", **arguments):
        schedules.create_schedule(
            Name=name, ScheduleExpression=expression, FlexibleTimeWindow={"Mode": "OFF"}, Target=target, **arguments)

    def names():
        pages = schedules.get_paginator("list_schedules").paginate()
        return {each["Name"] for page in pages for each in page["Schedules"]}

    def until_refused(call, names):
        """Those for which the call was answered; what the database has room for is taken still."""
        done = set()
        with pytest.raises(botocore.exceptions.ClientError, match="disk is full") as caught:
            for name in names:
                call(name)
                done.add(name)
        assert caught.value.response["Error"]["Code"] == "InternalServerException", caught.value
        return done

    nightly = {f"nightly-{number}" for number in range(200)}
    for name in nightly:
        create(name)
    due = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=8)
    create("once", f"at({due:%Y-%m-%dT%H:%M:%S})")
    filler = Filler(small_disk)
    try:
        assert filler.is_full.wait(60), "the disk can't be filled"
        deleted = until_refused(lambda name: schedules.delete_schedule(Name=name), nightly)
        created = until_refused(create, [f"new-{number}" for number in range(200)])
        kept = nightly - deleted | created | {"once"}
        assert names() == kept
        assert schedules.get_schedule(Name=min(nightly - deleted))["Target"]["Input"] == target["Input"]
        wait_until(lambda: datetime.datetime.now(datetime.UTC) > due + datetime.timedelta(seconds=2), 30, "the time that is past")
    finally:
        filler.end()

    def times():
        return [message.strip() for _, message in server.log("due")].count("seen at its time")

    wait_until(times, 60, "the occurrence that was due")
    schedules.delete_schedule(Name=min(nightly - deleted))
    assert server.terminate() == 0
    server.start()
    assert times() == 1
    schedules = server.client("scheduler")
    assert names() == kept - {min(nightly - deleted)}


def test_the_page_names_every_alert_and_no_other():
    rules = re.findall(r"^ *- alert: (\w+)$", (ROOT / "Resources/monitoring/martlet-rules.yml").read_text(), re.M)
    assert rules and set(rules) == set(re.findall(r"`(Martlet\w+)`", (ROOT / "docs/operations.md").read_text()))
