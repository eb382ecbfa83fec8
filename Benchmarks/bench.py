#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the server beside a floor in the same run, alternating, and prints medians, 99th percentiles and ratios.

bench.py [NAME …]: only those benchmarks. What has a place in docs/performance.md is written there. MARTLET_BIN names the server,
MARTLET_BENCH_FUNCTIONS how many functions there are (10,000), MARTLET_BENCH_INVOCATIONS, MARTLET_BENCH_COLD, MARTLET_BENCH_MESSAGES and
MARTLET_BENCH_RECORDS how many of those are measured. Exit code 1 when a goal is missed by more than MARTLET_BENCH_SLACK times (2), which
no noise explains.
"""

import concurrent.futures
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests/acceptance"))

import accepts  # noqa: E402
import allocations as allocation_counts  # noqa: E402
import burst as bursts  # noqa: E402
import compiled as compiled_programs  # noqa: E402
import idle as idle_environments  # noqa: E402
import queues  # noqa: E402
import snapstart as snapstarts  # noqa: E402
import streams  # noqa: E402
import throughput as throughputs  # noqa: E402
from connection import Connection  # noqa: E402
from results import Results  # noqa: E402

from harness import NODE, PYTHON, ROLE, Server, wait_until, zip_of  # noqa: E402

FUNCTIONS = int(os.environ.get("MARTLET_BENCH_FUNCTIONS", 10_000))
INVOCATIONS = int(os.environ.get("MARTLET_BENCH_INVOCATIONS", 2_000))
COLD = int(os.environ.get("MARTLET_BENCH_COLD", 200))
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
        results.add(f"start of a server with {found:,} functions", statistics.median(starts), "ms", None, None, 1_000)
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
    """First invocations of functions that say hello, in Python and in Node.js, beside the start of the bare interpreters.

    One at a time, each when an environment can be ready for it: MARTLET_BENCH_POOL names another way to begin than fork.
    """
    mode = os.environ.get("MARTLET_BENCH_POOL", "fork")
    server = Server("--pool", mode, "--keep-alive", "1s", "--account-concurrency", "1000")
    kinds = [
        ("Python", {"Runtime": PYTHON, "Handler": "app.handler"}, {"app.py": "def handler(event, context): return 'hello'"},
         ["/usr/bin/python3", "-c", "pass"], 1 / 3, 1),
        ("Node.js", {"Runtime": NODE, "Handler": "app.handler"}, {"app.js": "exports.handler = async () => 'hello'"},
         ["node", "-e", "0"], 0.15, None),
    ]
    kinds = [kind for kind in kinds if kind[1]["Runtime"]]
    try:
        server.start()
        client, connection = server.client(), Connection(server)
        for label, settings, files, _, _, _ in kinds:
            for number in range(COLD):
                client.create_function(
                    FunctionName=f"{label[0].lower()}-{number}", Role=ROLE, MemorySize=1792,
                    Code={"ZipFile": zip_of(files)}, **settings)
        last = f"{kinds[-1][0][0].lower()}-{COLD - 1}"
        wait_until(
            lambda: client.get_function_configuration(FunctionName=last)["State"] == "Active", 120, "functions active")
        time.sleep(2)
        calls = {kind[0]: [] for kind in kinds}
        floors = {kind[0]: [] for kind in kinds}
        for number in range(COLD):
            for label, _, _, command, _, _ in kinds:
                path, body = f"{PATH}/{label[0].lower()}-{number}/invocations", b"{}"
                headers = connection.sign("POST", path, body)
                data, elapsed = connection.send("POST", path, headers, body)
                assert data == b'"hello"', data
                calls[label].append(elapsed)
                # What was taken is made anew; the floor is measured when that is done.
                time.sleep(0.4)
                start = time.perf_counter()
                subprocess.run(command, check=True)
                floors[label].append((time.perf_counter() - start) * 1_000)
        for label, _, _, command, median_goal, p99_goal in kinds:
            values, floor = calls[label], floors[label]
            for what, share, goal in (("p50", 0.5, median_goal), ("p99", 0.99, p99_goal)):
                results.add(
                    f"a cold invocation, {label}, --pool {mode}, {what}", quantile(values, share), "ms",
                    " ".join(command[-3:]).replace("/usr/bin/", ""), quantile(floor, share), goal)
    finally:
        server.close()


def burst():
    bursts.burst(Server, Connection, PYTHON, results)


def throughput():
    throughputs.throughput(Server, Connection, PYTHON, quantile, results)


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
    "burst": burst, "idle": idle, "throughput": throughput, "accept": accept, "queue": queue, "stream": stream}


def main():
    names = sys.argv[1:] or list(BENCHMARKS)
    for name in names:
        if name not in BENCHMARKS:
            sys.exit(f"bench: there is no benchmark {name}: {', '.join(BENCHMARKS)}")
    for name in names:
        BENCHMARKS[name]()
    results.write()
    if missed:
        sys.exit(f"bench: far from the goal: {', '.join(missed)}")


if __name__ == "__main__":
    main()
