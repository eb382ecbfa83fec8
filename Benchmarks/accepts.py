# SPDX-License-Identifier: Apache-2.0
"""Asynchronous events that are durable when they are answered, by 64 callers, beside single inserts of the same bytes into SQLite with the
same durability, alternating in one run."""

import json
import os
import sqlite3
import tempfile
import time

from load import load, request_of

SECONDS = float(os.environ.get("MARTLET_BENCH_SECONDS", 4))
ROUNDS = int(os.environ.get("MARTLET_BENCH_ROUNDS", 3))
CALLERS = 64
BODY = json.dumps({"text": "x" * 200}).encode()


def inserts(directory):
    """A second, each in a transaction of its own that is on the disk when it ends."""
    with tempfile.TemporaryDirectory(dir=directory) as own:
        database = sqlite3.connect(f"{own}/floor.sqlite", isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, payload BLOB NOT NULL)")
        count, begin = 0, time.perf_counter()
        while time.perf_counter() < begin + SECONDS:
            database.execute("INSERT INTO events (payload) VALUES (?)", (BODY,))
            count += 1
        rate = count / (time.perf_counter() - begin)
        database.close()
        return rate


def accept(server_of, connection_of, results):
    # What is accepted waits: its function has one place, and is in it.
    server = server_of("--account-concurrency", "1", "--async-events", "10000000")
    try:
        server.start()
        server.deploy("slow", "import time\ndef handler(event, context): time.sleep(290)", Timeout=300)
        path = "/2015-03-31/functions/slow/invocations"
        rates, floors = [], []
        for _ in range(ROUNDS):
            headers = connection_of(server).sign("POST", path, BODY, {"X-Amz-Invocation-Type": "Event"})
            request = request_of(server.url, "POST", path, headers, BODY)
            rates.append(load(server.url, request, CALLERS, SECONDS)[0])
            floors.append(inserts(server.data.parent))
        results.add(
            f"asynchronous events accepted, {CALLERS} callers", rates, "a second", "single inserts into SQLite", floors,
            0.5, more_is_better=True)
        server.kill()
    finally:
        server.close()
