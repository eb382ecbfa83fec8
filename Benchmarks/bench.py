#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the server beside a floor in the same run, alternating, and prints medians, 99th percentiles and ratios.

bench.py [NAME …]: only those benchmarks. What has a place in docs/performance.md is written there. MARTLET_BIN names the server,
MARTLET_BENCH_FUNCTIONS how many functions there are (10,000), MARTLET_BENCH_INVOCATIONS, MARTLET_BENCH_COLD, MARTLET_BENCH_MESSAGES and
MARTLET_BENCH_RECORDS how many of those are measured. Exit code 1 when a goal is missed by more than MARTLET_BENCH_SLACK times (2), which
no noise explains, and when a benchmark failed; the others go on.
"""

import concurrent.futures
import json
import os
import pathlib
import statistics
import sys
import time
import traceback
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests/acceptance"))

import accepts  # noqa: E402
import allocations as allocation_counts  # noqa: E402
import burst as bursts  # noqa: E402
import cold as cold_starts  # noqa: E402
import compiled as compiled_programs  # noqa: E402
import idle as idle_environments  # noqa: E402
import loglines as log_lines  # noqa: E402
import printing as printed_lines  # noqa: E402
import queues  # noqa: E402
import snapstart as snapstarts  # noqa: E402
import streams  # noqa: E402
import throughput as throughputs  # noqa: E402
from connection import Connection  # noqa: E402
from results import Results  # noqa: E402

from harness import PYTHON, ROLE, Server, zip_of  # noqa: E402

FUNCTIONS = int(os.environ.get("MARTLET_BENCH_FUNCTIONS", 10_000))
INVOCATIONS = int(os.environ.get("MARTLET_BENCH_INVOCATIONS", 2_000))
SLACK = float(os.environ.get("MARTLET_BENCH_SLACK", 2))
PATH = "/2015-03-31/functions"
missed = []
results = Results()


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def report(what, values, floor_name, floor, unit="ms", goal=None):
    median, floor_median = statistics.median(values), statistics.median(floor)
    p99 = quantile(values, 0.99)
    line = (f"{what:<44} p50 {median:9.2f} {unit}  p99 {p99:9.2f} {unit}  max {max(values):9.2f} {unit}  "
            f"{median / floor_median:7.1f} x {floor_name} ({floor_median:.2f} {unit})")
    if goal is not None:
        line += f"  goal {goal} {unit}: {'met' if p99 <= goal else 'MISSED'}"
        if p99 > goal * SLACK:
            missed.append(what)
    print(line, flush=True)


def create(server, first, count):
    connection = Connection(server)
    zip = zip_of({"index.py": "def handler(event, context): return event"})
    import base64

    code = {"ZipFile": base64.b64encode(zip).decode()}
    for number in range(first, first + count):
        body = json.dumps({
            "FunctionName": f"bench-{number:06}", "Role": ROLE, "Runtime": PYTHON, "Handler": "index.handler",
            "Code": code}).encode()
        connection.send("POST", PATH, connection.sign("POST", PATH, body), body)


def functions():
    """Listing many functions, and starting a server that has them."""
    full, empty = Server(), Server()
    try:
        full.start()
        empty.start()
        start = time.perf_counter()
        workers = 4
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            shares = [pool.submit(create, full, n * FUNCTIONS // workers, FUNCTIONS // workers) for n in range(workers)]
            for share in shares:
                share.result()
        print(f"{FUNCTIONS} functions made in {time.perf_counter() - start:.1f} s", flush=True)
        connection, floor_connection = Connection(full), Connection(full)
        pages, floor, marker, found = [], [], "", 0
        while True:
            path = PATH + (f"?Marker={marker}" if marker else "")
            data, elapsed = connection.send("GET", path, connection.sign("GET", path))
            pages.append(elapsed)
            floor.append(floor_connection.send("GET", "/healthz", {})[1])
            answer = json.loads(data)
            found += len(answer["Functions"])
            marker = urllib.parse.quote(answer.get("NextMarker") or "")
            if not marker:
                break
        assert found >= FUNCTIONS, found
        report(f"a page of 50 of {found} functions", pages, "GET /healthz", floor, goal=20)
        results.add(f"a page of 50 of {found:,} functions, p99", quantile(pages, 0.99), "ms", None, None, 20)
        starts, floor = [], []
        for _ in range(5):
            for server, times in [(full, starts), (empty, floor)]:
                server.terminate(90)
                begin = time.perf_counter()
                server.start()
                times.append((time.perf_counter() - begin) * 1_000)
        report(f"start with {found} functions", starts, "start with none", floor, goal=1_000)
        results.add(f"start of a server with {found:,} functions", starts, "ms", None, None, 1_000)
    finally:
        full.close()
        empty.close()


def invoke():
    """A warm Python function that answers with its event, one caller, beside the same server's health answer."""
    server = Server()
    try:
        server.start()
        server.deploy("echo", "def handler(event, context): return event", MemorySize=1792)
        path, body = f"{PATH}/echo/invocations", b'{"x": 1}'
        connection, floor_connection = Connection(server), Connection(server)
        # One signature for all: making it is the client's work.
        headers = connection.sign("POST", path, body)
        calls, floor = [], []
        for number in range(INVOCATIONS + 200):
            _, elapsed = connection.send("POST", path, headers, body)
            _, floor_elapsed = floor_connection.send("GET", "/healthz", {})
            if number >= 200:
                calls.append(elapsed)
                floor.append(floor_elapsed)
        report("a warm invocation, one caller", calls, "GET /healthz", floor)
    finally:
        server.close()


def cold():
    cold_starts.cold(Server, Connection, quantile, results)


def burst():
    bursts.burst(Server, Connection, PYTHON, results)


def throughput():
    throughputs.throughput(Server, Connection, PYTHON, quantile, results)


def printing():
    printed_lines.printing(Server, Connection, PYTHON, results)


def loglines():
    log_lines.loglines(Server, Connection, results)


def accept():
    accepts.accept(Server, Connection, results)


def queue():
    queues.queue(Server, quantile, results)


def stream():
    streams.stream(Server, results)


def snapstart():
    snapstarts.snapstart(Server, Connection, quantile, results)


def compiled():
    compiled_programs.compiled(Server, Connection, quantile, results)


def idle():
    idle_environments.idle(Server, Connection, PYTHON, results)


def allocations():
    for name, (found, budget) in allocation_counts.counted().items():
        results.add(f"allocations of the server, {name}", found, "a request", None, None, budget)


BENCHMARKS = {
    "allocations": allocations, "functions": functions, "invoke": invoke, "cold": cold, "compiled": compiled, "snapstart": snapstart,
    "burst": burst, "idle": idle, "throughput": throughput, "printing": printing, "loglines": loglines,
    "accept": accept, "queue": queue, "stream": stream}


def main():
    names = sys.argv[1:] or list(BENCHMARKS)
    for name in names:
        if name not in BENCHMARKS:
            sys.exit(f"bench: there is no benchmark {name}: {', '.join(BENCHMARKS)}")
    failed = []
    try:
        for name in names:
            # What the others measure is not lost.
            try:
                BENCHMARKS[name]()
            except Exception:
                traceback.print_exc()
                failed.append(name)
    finally:
        results.write()
    if failed:
        sys.exit(f"bench: not measured: {', '.join(failed)}")
    if missed:
        sys.exit(f"bench: far from the goal: {', '.join(missed)}")


if __name__ == "__main__":
    main()
