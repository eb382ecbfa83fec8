# SPDX-License-Identifier: Apache-2.0
"""Queries of CloudWatch Logs over a million lines of one group, in rows as they came and packed, each until its last page."""

import json
import os
import sqlite3
import time

from harness import wait_until

LINES = int(os.environ.get("MARTLET_BENCH_LINES", 1_000_000))
ROUNDS = int(os.environ.get("MARTLET_BENCH_ROUNDS", 3))
BATCH = 8_000
GROUP, STREAM = "/bench/lines", "s"
TARGET = "Logs_20140328."
# What is looked for is in one line of so many.
SPARSE = 100_000
QUERIES = [
    ("a term", "wanted"),
    ("two terms and not a third", "shop wanted -passed"),
    ("a regular expression", "%want.d%"),
    ("a text in JSON", '{ $.level = "FATAL" }'),
    ("a number in JSON", "{ $.took > 5000 }"),
    ("a text and a number in JSON", "{ $.path = /shop* && $.took > 5000 }"),
    ("a number between spaces", "[begin, bytes > 5000, end]"),
]


def call(connection, operation, **members):
    headers = {"X-Amz-Target": TARGET + operation, "Content-Type": "application/x-amz-json-1.1"}
    body = json.dumps(members).encode()
    return json.loads(connection.send("POST", "/", connection.sign("POST", "/", body, headers, "logs"), body)[0] or b"{}")


def line(number):
    """A hundred bytes, which are JSON and have spaces too."""
    level, text, took = ("FATAL", "wanted", 9_999) if number % SPARSE == 0 else ("INFO", "passed", 100 + number % 900)
    return (f'{{"level":"{level}","number":{10_000_000 + number},"path":"/shop/items?q=honey","took":{took},'
            f'"text":"{text} {took} B"}}').ljust(100)


def fill(connection):
    call(connection, "CreateLogGroup", logGroupName=GROUP)
    call(connection, "CreateLogStream", logGroupName=GROUP, logStreamName=STREAM)
    for start in range(0, LINES, BATCH):
        now = int(time.time() * 1_000)
        events = [{"timestamp": now, "message": line(number)} for number in range(start, min(start + BATCH, LINES))]
        answer = call(connection, "PutLogEvents", logGroupName=GROUP, logStreamName=STREAM, logEvents=events)
        assert "rejectedLogEventsInfo" not in answer, answer


def query(connection, pattern):
    """Seconds until the last page, of which all together have what is looked for."""
    start, found, token, pages = time.perf_counter(), 0, None, 0
    while True:
        more = {"nextToken": token} if token else {}
        answer = call(connection, "FilterLogEvents", logGroupName=GROUP, filterPattern=pattern, **more)
        found, pages, token = found + len(answer["events"]), pages + 1, answer.get("nextToken")
        if not token:
            break
    assert found == (LINES + SPARSE - 1) // SPARSE, found
    return time.perf_counter() - start


def read(connection):
    """Seconds until the stream's last line was read by GetLogEvents, a mebibyte at a time."""
    start, found, token = time.perf_counter(), 0, None
    while True:
        more = {"nextToken": token} if token else {}
        answer = call(
            connection, "GetLogEvents", logGroupName=GROUP, logStreamName=STREAM, startFromHead=True, **more)
        if answer["nextForwardToken"] == token:
            break
        found, token = found + len(answer["events"]), answer["nextForwardToken"]
    assert found == LINES, found
    return time.perf_counter() - start


def rows(server):
    database = sqlite3.connect(f"file:{server.data}/logs.sqlite?mode=ro", uri=True)
    try:
        return database.execute("SELECT COUNT(*) FROM logEvents").fetchone()[0]
    finally:
        database.close()


def measure(connection, results, state):
    for what, pattern in QUERIES:
        values = [query(connection, pattern) for _ in range(ROUNDS)]
        results.add(f"{what} in {LINES:,} log lines, {state}", values, "s", None, None, 1)
    results.add(f"{LINES:,} log lines read by GetLogEvents, {state}", read(connection), "s", None, None)


def loglines(server_of, connection_of, results):
    server = server_of()
    try:
        server.start()
        connection = connection_of(server)
        fill(connection)
        unpacked = rows(server)
        assert unpacked >= LINES * 0.9, f"{unpacked} lines are not packed yet: a slower machine needs fewer, see MARTLET_BENCH_LINES"
        measure(connection, results, "not packed yet")
        # A minute after they came; less than is packed together stays.
        wait_until(lambda: time.sleep(1) or rows(server) < 20_000, 300, "lines packed")
        measure(connection, results, "packed")
    finally:
        server.close()
