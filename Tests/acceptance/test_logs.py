# SPDX-License-Identifier: Apache-2.0
"""CloudWatch Logs in the server itself, by boto3 and the AWS CLI."""

import contextlib
import json
import sqlite3
import subprocess
import threading
import time
import urllib.error
import urllib.request
import uuid

import botocore.config
import botocore.exceptions
import pytest

from harness import wait_until
from test_keys import allow, key

ACCOUNT = "000000000000"
PREFIX = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:"
DAY = 86_400_000


@pytest.fixture(scope="module")
def logs(server):
    return server.client("logs")


@pytest.fixture
def group(logs):
    """A group with a stream `s`."""
    name = "/test/" + uuid.uuid4().hex[:12]
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    yield name
    try:
        logs.delete_log_group(logGroupName=name)
    except logs.exceptions.ResourceNotFoundException:
        pass


def now():
    return int(time.time() * 1_000)


def put(logs, group, messages, stream="s", start=None):
    """Puts messages, each a millisecond after the one before."""
    start = now() if start is None else start
    events = [{"timestamp": start + n, "message": message} for n, message in enumerate(messages)]
    return logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def read(logs, group, **arguments):
    """All messages that FilterLogEvents finds."""
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, **arguments)
    return [event["message"] for page in pages for event in page["events"]]


def refused(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


# Groups and streams


def test_the_life_of_a_group(logs, group):
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    (shown,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert abs(shown.pop("creationTime") - now()) < 60_000
    assert shown == {
        "logGroupName": group, "retentionInDays": 7, "metricFilterCount": 0, "storedBytes": 0, "arn": PREFIX + group + ":*",
        "logGroupArn": PREFIX + group, "logGroupClass": "STANDARD"}
    logs.delete_retention_policy(logGroupName=group)
    put(logs, group, ["12345"])
    (shown,) = logs.describe_log_groups(logGroupNamePattern=group[6:])["logGroups"]
    assert shown["storedBytes"] == 31 and "retentionInDays" not in shown
    logs.tag_resource(resourceArn=PREFIX + group, tags={"team": "ü"})
    assert logs.list_tags_for_resource(resourceArn=PREFIX + group)["tags"] == {"team": "ü"}
    assert refused(logs.create_log_group, logGroupName=group) == (
        "ResourceAlreadyExistsException", "The specified log group already exists")
    logs.delete_log_group(logGroupName=group)
    assert refused(logs.delete_log_group, logGroupName=group) == (
        "ResourceNotFoundException", "The specified log group does not exist.")
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []


def test_many_groups_and_streams_in_pages(logs, group):
    names = [f"{group}/{n:03}" for n in range(120)]
    for name in names:
        logs.create_log_group(logGroupName=name)
    pages = list(logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=group + "/"))
    assert [len(page["logGroups"]) for page in pages] == [50, 50, 20]
    assert [found["logGroupName"] for page in pages for found in page["logGroups"]] == names
    start = now()
    for n in range(60):
        logs.create_log_stream(logGroupName=group, logStreamName=f"t/{n:02}")
        put(logs, group, ["x"], f"t/{n:02}", start - n)
    pages = logs.get_paginator("describe_log_streams").paginate(
        logGroupName=group, orderBy="LastEventTime", descending=True, PaginationConfig={"PageSize": 7})
    streams = [stream for page in pages for stream in page["logStreams"]]
    assert [stream["logStreamName"] for stream in streams] == [f"t/{n:02}" for n in range(60)] + ["s"]
    assert streams[3]["firstEventTimestamp"] == streams[3]["lastEventTimestamp"] == start - 3
    assert streams[3]["arn"] == f"{PREFIX}{group}:log-stream:t/03" and "lastEventTimestamp" not in streams[-1]
    logs.delete_log_stream(logGroupName=group, logStreamName="t/05")
    assert len(read(logs, group)) == 59
    for name in names:
        logs.delete_log_group(logGroupName=name)


def test_refusals_in_awss_words(server, logs, group):
    assert refused(logs.create_log_group, logGroupName="a b") == (
        "InvalidParameterException", "1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy "
        r"constraint: Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+")
    code, message = refused(logs.put_retention_policy, logGroupName=group, retentionInDays=2)
    assert code == "InvalidParameterException" and "enum value set: [1, 3, 5, 7, 14, 30, " in message
    assert refused(logs.get_log_events, logGroupName=group, logStreamName="none") == (
        "ResourceNotFoundException", "The specified log stream does not exist.")
    assert refused(logs.filter_log_events, logGroupName=group, filterPattern="a-b") == (
        "InvalidParameterException", "Invalid character(s) in term 'a-b'")
    assert refused(logs.filter_log_events, logGroupName=group, filterPattern="{ $.a }")[0] == "InvalidParameterException"
    assert refused(logs.start_query, logGroupName=group, startTime=0, endTime=1, queryString="x") == (
        "UnknownOperationException", "CloudWatch Logs' StartQuery is not available in this version of Martlet.")
    assert refused(server.client("logs", region_name="eu-west-1").describe_log_streams, logGroupName=group)[0] \
        == "ResourceNotFoundException"


# Events


def test_put_and_get(logs, group):
    start = now()
    messages = [f"line {n} ünï \t\0 {'x' * n}" for n in range(300)]
    assert "rejectedLogEventsInfo" not in put(logs, group, messages, start=start)
    events, token = [], None
    while True:
        arguments = {"nextToken": token} if token else {}
        page = logs.get_log_events(
            logGroupName=group, logStreamName="s", startFromHead=True, limit=70, **arguments)
        events += page["events"]
        if page["nextForwardToken"] == token:
            break
        token = page["nextForwardToken"]
    assert [event["message"] for event in events] == messages
    assert [event["timestamp"] for event in events] == list(range(start, start + 300))
    last = logs.get_log_events(logGroupName=group, logStreamName="s", limit=3)
    assert [event["message"] for event in last["events"]] == messages[-3:]
    before = logs.get_log_events(logGroupName=group, logStreamName="s", limit=2, nextToken=last["nextBackwardToken"])
    assert [event["message"] for event in before["events"]] == messages[-5:-3]
    page = logs.get_log_events(logGroupName=group, logStreamName="s", startTime=start + 5, endTime=start + 7)
    assert [event["message"] for event in page["events"]] == messages[5:7]


def test_what_a_put_rejects(logs, group):
    rejected = put(logs, group, ["old", "older than 14 days too"], start=now() - 15 * DAY)["rejectedLogEventsInfo"]
    assert rejected == {"tooOldLogEventEndIndex": 2}
    events = [{"timestamp": now(), "message": "now"}, {"timestamp": now() + 3 * 3_600_000, "message": "new"}]
    answer = logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1} and answer["nextSequenceToken"]
    assert read(logs, group) == ["now"]
    assert refused(logs.put_log_events, logGroupName=group, logStreamName="s", logEvents=events[::-1])[1] == \
        "Log events in a single PutLogEvents request must be in chronological order."
    # The largest that is taken, each character of it escaped.
    large = "\x01" * (1_048_576 - 26)
    put(logs, group, [large])
    assert read(logs, group)[-1] == large
    assert refused(put, logs=logs, group=group, messages=[large + "x"]) == (
        "InvalidParameterException", "Upload too large: 1048577 bytes exceeds limit of 1048576")


def test_patterns(logs, group):
    lines = ["[ERROR 401] UNAUTHORIZED REQUEST", "[WARN] slow", json.dumps({"level": "error", "ms": 501, "tags": ["a"]}),
             '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534']
    put(logs, group, lines)
    for pattern, found in [
            ("ERROR", [0]), ("?ERROR ?WARN", [0, 1]), ("-ERROR", [1, 2, 3]), ('"ERROR 401" REQUEST', [0]), ("%[Ss]low$%", [1]),
            ('{ $.level = "err*" && $.ms > 500 && $.tags[0] = a && $.x NOT EXISTS }', [2]), ("{ $.ms > 501 }", []),
            ("[ip, user, ..., request = *html*, status = 4*, bytes > 1000]", [3]), ("[a, b]", [1]), ("", [0, 1, 2, 3])]:
        assert read(logs, group, filterPattern=pattern) == [lines[n] for n in found], pattern


def test_retention_is_kept(logs, group):
    put(logs, group, ["old"], start=now() - 2 * DAY)
    put(logs, group, ["new"])
    assert read(logs, group) == ["old", "new"]
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    assert read(logs, group) == ["new"]

    def stored():
        return logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["storedBytes"]

    # It is not only hidden.
    wait_until(lambda: stored() == 29, 60, "the old event's end")
    logs.delete_retention_policy(logGroupName=group)
    assert read(logs, group) == ["new"]


def test_many_lines_are_packed_and_read_as_before(make_server):
    server = make_server()
    logs = server.client("logs")
    logs.create_log_group(logGroupName="many")
    start = now() - 3_600_000
    for stream in range(4):
        logs.create_log_stream(logGroupName="many", logStreamName=f"s{stream}")
    for batch in range(12):
        put(logs, "many", [f"line {batch} {n} of some length, as lines of logs have it" for n in range(4_000)],
            f"s{batch % 4}", start + 4_000 * batch)
    before = read(logs, "many", filterPattern='"999 of"')
    assert len(before) == 48
    file = server.data / "logs.sqlite"

    def segments():
        out = subprocess.run(
            ["python3", "-c", "import sqlite3, sys; print(sqlite3.connect('file:' + sys.argv[1] + '?mode=ro', uri=True)"
             ".execute('SELECT COUNT(*) FROM logSegments').fetchone()[0])", str(file)], capture_output=True, text=True)
        return int(out.stdout or 0)

    # What is a minute old is packed.
    wait_until(lambda: segments() >= 8, 180, "segments")
    assert read(logs, "many", filterPattern='"999 of"') == before
    assert len(read(logs, "many")) == 48_000
    page = logs.get_log_events(logGroupName="many", logStreamName="s1", limit=2)
    assert [event["message"].split(" of")[0] for event in page["events"]] == ["line 9 3998", "line 9 3999"]
    server.kill()
    server.start()
    logs = server.client("logs")
    assert read(logs, "many", filterPattern='"999 of"') == before
    logs.delete_log_stream(logGroupName="many", logStreamName="s1")
    assert len(read(logs, "many")) == 36_000


def test_killed_at_any_moment_nothing_acknowledged_is_lost(make_server):
    server = make_server()
    server.client("logs").create_log_group(logGroupName="durable")
    acknowledged, stop = [], threading.Event()

    def send(worker):
        client = server.client("logs")
        client.create_log_stream(logGroupName="durable", logStreamName=f"s{worker}")
        for n in range(100_000):
            messages = [f"{worker} {n} {m}" for m in range(20)]
            try:
                put(client, "durable", messages, f"s{worker}")
            except Exception:
                return
            acknowledged.extend(messages)
            if stop.is_set():
                return

    workers = [threading.Thread(target=send, args=(n,)) for n in range(4)]
    for worker in workers:
        worker.start()
    wait_until(lambda: len(acknowledged) > 1_000, 120, "events put")
    server.kill()
    stop.set()
    for worker in workers:
        worker.join(60)
    server.start()
    found = read(server.client("logs"), "durable")
    assert set(acknowledged) <= set(found) and len(found) == len(set(found))


def test_killed_at_any_moment_no_answered_invocation_is_lost(make_server):
    server = make_server()
    server.deploy("ends", "def handler(event, context):\n    print('line', event)\n    return event\n", MemorySize=256)
    answered = {}

    def send(worker, round_number, stop):
        client = server.client()
        for n in range(100_000):
            event = f"{round_number} {worker} {n}"
            try:
                answer = client.invoke(FunctionName="ends", Payload=json.dumps(event))
            except Exception:
                return
            answered[event] = answer["ResponseMetadata"]["RequestId"]
            if stop.is_set():
                return

    for round_number in range(3):
        stop = threading.Event()
        workers = [threading.Thread(target=send, args=(n, round_number, stop)) for n in range(4)]
        for worker in workers:
            worker.start()
        target = len(answered) + 50 + 37 * round_number
        wait_until(lambda: len(answered) > target, 120, "invocations answered")
        server.kill()
        stop.set()
        for worker in workers:
            worker.join(60)
        server.start()
    found = read(server.client("logs"), "/aws/lambda/ends")
    lines = [message.strip().removeprefix("line ") for message in found if message.startswith("line ")]
    reports = [message.split()[2] for message in found if message.startswith("REPORT ")]
    assert set(answered) <= set(lines) and len(lines) == len(set(lines))
    assert set(answered.values()) <= set(reports) and len(reports) == len(set(reports))
    with contextlib.closing(sqlite3.connect(f"file:{server.data}/logs.sqlite?mode=ro", uri=True)) as database:
        used = [row[0] for row in database.execute("SELECT requestID FROM usageRecords WHERE outcome <> 'init'")]
    assert sorted(used) == sorted(reports)


# Functions' logs


def test_a_functions_log_by_every_reader(server, logs, name):
    server.deploy(name, "def handler(event, context):\n    print('said', event)\n    return context.log_stream_name")
    group = f"/aws/lambda/{name}"
    stream = server.invoke(name, 1)
    (shown,) = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True)["logStreams"]
    assert shown["logStreamName"] == stream and abs(shown["lastIngestionTime"] - now()) < 600_000
    lines = [event["message"] for event in logs.get_log_events(
        logGroupName=group, logStreamName=stream, startFromHead=True)["events"]]
    assert lines[0].startswith("INIT_START") and "said 1" in lines[2] and lines[-1].startswith("REPORT"), lines
    assert read(logs, group, filterPattern="said", logStreamNamePrefix=stream[:10]) == [lines[2]]
    assert read(logs, group, filterPattern="[type=REPORT, ...]") == [lines[-1]]
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    logs.delete_log_group(logGroupName=group)
    assert server.log(name) == []
    server.invoke(name, 2)
    assert any("said 2" in line for _, line in server.log(name))


def test_hostile_output_is_answered(server, logs, name):
    server.deploy(name, """
import os
def handler(event, context):
    os.write(1, b'bad \\xff\\xfe \\xc3( \\x00 \\x1b[2J \\xed\\xa0\\x80 end\\n')
    os.write(1, b'y' * 600_000 + b'\\n')
    os.write(1, b'{"a": ' + b'[' * 100_000 + b'\\n')
    os.write(1, b'\\n')
""")
    server.invoke(name)
    group = f"/aws/lambda/{name}"
    lines = read(logs, group)
    assert any(line.startswith("bad ") and line.rstrip().endswith(" end") and "\0" in line for line in lines)
    long = [line for line in lines if line.startswith("y")]
    assert sum(line.count("y") for line in long) == 600_000 and max(map(len, long)) <= 262_144 - 26
    for pattern in ["{ $.a = 1 }", "[a, b, ...]", "%y{5}[^y]%", "end", '"bad "']:
        assert len(read(logs, group, filterPattern=pattern)) <= len(lines), pattern


# Tools


def follow_as_aws_logs_tail(client, group, seen, stop, pattern=None):
    """What `aws logs tail --follow` of the AWS CLI 2 does, without its five seconds between two looks."""
    arguments = {"logGroupName": group, "interleaved": True, "startTime": now() - 600_000}
    if pattern:
        arguments["filterPattern"] = pattern
    newest = {}
    while not stop.is_set():
        answer = client.filter_log_events(**arguments)
        for event in answer["events"]:
            ids = newest.setdefault(event["timestamp"], set())
            if event["eventId"] not in ids:
                ids.add(event["eventId"])
                seen.append((event["message"], time.time()))
        if newest:
            newest = {max(newest): newest[max(newest)]}
        if "nextToken" in answer:
            arguments["nextToken"] = answer["nextToken"]
        else:
            if newest:
                arguments["startTime"] = max(newest)
            arguments.pop("nextToken", None)
            time.sleep(0.02)


def test_a_tail_shows_lines_while_the_invocation_runs(server, logs, name):
    server.deploy(name, """
import time
def handler(event, context):
    for n in range(5):
        print('tick', n, time.time(), flush=True)
        time.sleep(1)
""")
    server.invoke(name)
    seen, stop = [], threading.Event()
    thread = threading.Thread(target=follow_as_aws_logs_tail, args=(logs, f"/aws/lambda/{name}", seen, stop, "tick"))
    thread.start()
    try:
        wait_until(lambda: len(seen) == 5, 60, "the first invocation's lines")
        server.invoke(name)
        wait_until(lambda: len(seen) == 10, 60, "the second one's")
    finally:
        stop.set()
        thread.join(60)
    ticks = [(message.split(), at) for message, at in seen[5:]]
    assert [words[1] for words, _ in ticks] == ["0", "1", "2", "3", "4"]
    # Each was there before the next one was printed, or the log would only come with the invocation's end.
    assert all(at < float(after[2]) + 0.9 for (_, at), (after, _) in zip(ticks, ticks[1:]))
    print("print to reader: " + ", ".join(f"{at - float(words[2]):.3f} s" for words, at in ticks))


def test_the_aws_cli(server, aws, group):
    events = [{"timestamp": now(), "message": "one ERROR"}, {"timestamp": now(), "message": "two"}]
    aws(server, "logs", "put-log-events", "--log-group-name", group, "--log-stream-name", "s", "--log-events",
        json.dumps(sorted(events, key=lambda event: event["timestamp"])))

    def query(*arguments):
        return json.loads(aws(server, "logs", *arguments, "--output", "json").stdout)

    assert query("filter-log-events", "--log-group-name", group, "--filter-pattern", "ERROR", "--query",
                 "events[].message") == ["one ERROR"]
    assert len(query("get-log-events", "--log-group-name", group, "--log-stream-name", "s")["events"]) == 2
    assert query("describe-log-streams", "--log-group-name", group, "--query", "logStreams[].logStreamName") == ["s"]
    assert group in query("describe-log-groups", "--query", "logGroups[].logGroupName")
    aws(server, "logs", "put-retention-policy", "--log-group-name", group, "--retention-in-days", "30")
    assert query("describe-log-groups", "--log-group-name-prefix", group)["logGroups"][0]["retentionInDays"] == 30
    missing = aws(server, "logs", "filter-log-events", "--log-group-name", group + "x", check=False)
    assert missing.returncode in (254, 255) and "ResourceNotFoundException" in missing.stderr


def test_live_tail_by_boto3(server, logs, group):
    # With an address for an endpoint there is no name that "stream-" could be put before.
    client = server.client("logs", config=botocore.config.Config(inject_host_prefix=False, read_timeout=60))
    answer = client.start_live_tail(logGroupIdentifiers=[PREFIX + group], logEventFilterPattern="wanted")
    stream = iter(answer["responseStream"])
    start = next(stream)["sessionStart"]
    assert start["logGroupIdentifiers"] == [PREFIX + group] and start["logEventFilterPattern"] == "wanted"
    put(logs, group, ["wanted 1", "not", "wanted 2"])
    results = []
    while len(results) < 2:
        update = next(stream)["sessionUpdate"]
        assert update["sessionMetadata"] == {"sampled": False}
        results += update["sessionResults"]
    assert [(result["message"], result["logStreamName"]) for result in results] == [("wanted 1", "s"), ("wanted 2", "s")]
    # One that has nothing to say says so.
    assert next(stream)["sessionUpdate"]["sessionResults"] == []
    answer["responseStream"].close()
    assert refused(client.start_live_tail, logGroupIdentifiers=[PREFIX + group + "x"])[0] == "ResourceNotFoundException"


def test_live_tail_by_the_aws_cli(server, aws, logs, group):
    environment = dict(server.environment, AWS_DISABLE_HOST_PREFIX_INJECTION="true", PYTHONUNBUFFERED="1")
    # Its output waits for no terminal.
    tail = subprocess.Popen(
        [aws.path, "logs", "start-live-tail", "--log-group-identifiers", PREFIX + group],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = []
    reader = threading.Thread(target=lambda: [lines.append(line) for line in tail.stdout])
    reader.start()

    def came():
        # Nothing says when it has begun.
        put(logs, group, ["over the wire"])
        time.sleep(0.5)
        return any("over the wire" in line for line in lines)

    try:
        wait_until(came, 60, f"the line, not {lines}")
    finally:
        tail.kill()
        tail.wait()
        reader.join(60)


def test_a_live_tail_ends_with_the_server(make_server):
    server = make_server()
    server.client("logs").create_log_group(logGroupName="g")
    client = server.client("logs", config=botocore.config.Config(inject_host_prefix=False, read_timeout=60))
    stream = iter(client.start_live_tail(logGroupIdentifiers=["g"])["responseStream"])
    assert "sessionStart" in next(stream)
    ended = []
    reader = threading.Thread(target=lambda: ended.append([event for event in stream]))
    reader.start()
    assert server.terminate() == 0
    reader.join(60)
    assert len(ended) == 1 and all("sessionUpdate" in event for event in ended[0])


def test_a_live_tail_of_a_client_that_does_not_read_ends_with_the_server(make_server):
    server = make_server()
    logs = server.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    client = server.client("logs", config=botocore.config.Config(inject_host_prefix=False, read_timeout=60))
    stream = client.start_live_tail(logGroupIdentifiers=["g"])["responseStream"]
    # More than sockets' buffers hold; six times as much as JSON.
    for _ in range(24):
        put(logs, "g", ["\x01" * 250_000] * 4)
    assert server.terminate() == 0
    stream.close()


@pytest.mark.parametrize("way", ["deleted", "expired"])
def test_a_live_tail_ends_when_its_key_is_no_longer_good(server, logs, group, tmp_path, way):
    policy = allow("logs:StartLiveTail")
    if way == "expired":
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
        policy = allow("logs:StartLiveTail", Condition={"DateLessThan": {"aws:CurrentTime": until}})
    credentials = key(server, policy=policy, tmp_path=tmp_path)
    client = server.client("logs", config=botocore.config.Config(inject_host_prefix=False, read_timeout=60), **credentials)
    stream = iter(client.start_live_tail(logGroupIdentifiers=[PREFIX + group])["responseStream"])
    assert "sessionStart" in next(stream)
    put(logs, group, ["before"])
    while not next(stream)["sessionUpdate"]["sessionResults"]:
        pass
    if way == "deleted":
        assert server.martlet("key", "delete", credentials["aws_access_key_id"]).returncode == 0
    with pytest.raises(botocore.exceptions.EventStreamError, match="SessionStreamingException.*no longer allowed"):
        # An update a second: the session is looked at every ten.
        for _ in range(90):
            assert next(stream)["sessionUpdate"]["sessionResults"] == []
    assert refused(client.start_live_tail, logGroupIdentifiers=[PREFIX + group])[0] in (
        "UnrecognizedClientException", "AccessDeniedException")


# Access


def test_who_may(server, logs, group, tmp_path):
    mine = server.client("logs", **key(server, policy=allow(
        "logs:Get*", "logs:FilterLogEvents", "logs:PutLogEvents", resource=f"{PREFIX}{group}:*"), tmp_path=tmp_path))
    put(mine, group, ["x"])
    assert read(mine, group) == ["x"]
    for identifier in (group, PREFIX + group, PREFIX + group + ":*"):
        assert mine.get_log_events(logGroupIdentifier=identifier, logStreamName="s")["events"][0]["message"] == "x"
    for call, arguments, resource in [
            (mine.delete_log_group, {"logGroupName": group}, group + ":log-stream:"),
            (mine.create_log_stream, {"logGroupName": group, "logStreamName": "t"}, group + ":log-stream:t"),
            (mine.describe_log_groups, {}, ":log-stream:"), (mine.filter_log_events, {"logGroupName": "o"}, "o:log-stream:"),
            (mine.tag_resource, {"resourceArn": PREFIX + group, "tags": {"a": "b"}}, group)]:
        code, message = refused(call, **arguments)
        assert code == "AccessDeniedException" and f"on resource: {PREFIX}{resource} because" in message, message
    # Neither a name beside the ARN nor another group among those of a tail gets around it.
    tail = server.client("logs", config=botocore.config.Config(inject_host_prefix=False), **key(
        server, policy=allow("logs:StartLiveTail", resource=f"{PREFIX}{group}:*"), tmp_path=tmp_path))
    assert refused(tail.start_live_tail, logGroupIdentifiers=[group, "other"])[0] == "AccessDeniedException"
    tail.start_live_tail(logGroupIdentifiers=[group])["responseStream"].close()
    code, message = refused(mine.filter_log_events, logGroupName=group, logGroupIdentifier=PREFIX + "other")
    assert code == "InvalidParameterException" and "mutually exclusive" in message
    other = server.client("logs", **key(server, "--account", "111111111111"))
    assert other.describe_log_groups()["logGroups"] == []
    assert refused(other.filter_log_events, logGroupIdentifier=PREFIX + group)[0] == "ResourceNotFoundException"


def test_an_unsigned_request_is_refused(server):
    request = urllib.request.Request(server.url, data=b"{}", headers={
        "X-Amz-Target": "Logs_20140328.DescribeLogGroups", "Content-Type": "application/x-amz-json-1.1"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 400 and b"MissingAuthenticationTokenException" in caught.value.read()
