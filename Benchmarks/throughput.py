# SPDX-License-Identifier: Apache-2.0
"""A warm Python function that answers with its event, beside gunicorn and Flask that do the same, alternating in one run."""

import os
import statistics

from load import load, request_of
from peers import Gunicorn

SECONDS = float(os.environ.get("MARTLET_BENCH_SECONDS", 4))
ROUNDS = int(os.environ.get("MARTLET_BENCH_ROUNDS", 3))
BODY = b'{"x": 1}'
# Callers at once, and the memory size with which so many environments have room and none lacks processor time.
SIZES = ((1, 1_792), (16, 832), (64, 192))


def throughput(server_of, connection_of, python, quantile, results):
    server, peer = server_of("--account-concurrency", "1000"), Gunicorn()
    try:
        server.start()
        theirs = request_of(peer.url, "POST", "/", {"Content-Type": "application/json"}, BODY)
        for at_once, size in SIZES:
            name = f"echo-{at_once}"
            server.deploy(name, "def handler(event, context): return event", Runtime=python, MemorySize=size)
            # One signature for all: making it is the client's work.
            path = f"/2015-03-31/functions/{name}/invocations"
            ours = request_of(server.url, "POST", path, connection_of(server).sign("POST", path, BODY), BODY)
            rates, times, peer_rates, peer_times = [], [], [], []
            for _ in range(ROUNDS):
                rate, taken = load(server.url, ours, at_once, SECONDS)
                rates.append(rate)
                times += taken
                rate, taken = load(peer.url, theirs, at_once, SECONDS)
                peer_rates.append(rate)
                peer_times += taken
            if at_once == 1:
                for what, share, goal in (("p50", 0.5, 1), ("p99", 0.99, 3)):
                    results.add(
                        f"a warm invocation, Python, one caller, {what}", quantile(times, share), "ms", "gunicorn and Flask",
                        quantile(peer_times, share), goal)
            else:
                results.add(
                    f"warm invocations, Python, {at_once} callers", statistics.median(rates), "a second", "gunicorn and Flask",
                    statistics.median(peer_rates), 1.5, more_is_better=True)
    finally:
        peer.close()
        server.close()
