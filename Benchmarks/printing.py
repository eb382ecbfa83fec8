# SPDX-License-Identifier: Apache-2.0
"""A warm Python function that prints ten lines, beside one that prints none, alternating in one run: what the log costs."""

import os

from load import load, request_of

SECONDS = float(os.environ.get("MARTLET_BENCH_SECONDS", 4))
ROUNDS = int(os.environ.get("MARTLET_BENCH_ROUNDS", 3))
CALLERS = 16
LINES = 10
BODY = b'{"x": 1}'
SOURCE = """
def handler(event, context):
    for number in range({lines}):
        print("line", number, "of an order that was paid by card and goes out tomorrow")
    return event
"""


def printing(server_of, connection_of, python, results):
    server = server_of("--account-concurrency", "1000")
    try:
        server.start()
        requests = {}
        for lines in (LINES, 0):
            server.deploy(f"prints-{lines}", SOURCE.format(lines=lines), Runtime=python, MemorySize=832)
            path = f"/2015-03-31/functions/prints-{lines}/invocations"
            requests[lines] = request_of(server.url, "POST", path, connection_of(server).sign("POST", path, BODY), BODY)
        rates = {lines: [] for lines in requests}
        for _ in range(ROUNDS):
            for lines, request in requests.items():
                rates[lines].append(load(server.url, request, CALLERS, SECONDS)[0])
        results.add(
            f"warm invocations that print {LINES} lines, Python, {CALLERS} callers", rates[LINES], "a second", "the same without lines",
            rates[0], 0.8, more_is_better=True)
    finally:
        server.close()
