#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""measure-neighbour.py [COUNT]: what a function at its limits does to another one's latency.

For each aggressor and memory size COUNT warm invocations (200) of a small function are timed with the aggressor and as many
without, in turns of 25, so that whatever else the machine does is in both. Prints a table in Markdown.
"""

import pathlib
import statistics
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "Tests/acceptance"), str(ROOT / "Tests/hostile")]

from harness import Server  # noqa: E402

TURN = 25
AGGRESSOR = '''
import mmap, os, socket, threading, time

def spin():
    import hashlib
    block = b"x" * (1 << 20)
    while True:
        hashlib.sha256(block)

def processor(until):
    for _ in range(8):
        threading.Thread(target=spin, daemon=True).start()
    time.sleep(max(0, until - time.time()))

def memory(until):
    while time.time() < until:
        block = mmap.mmap(-1, SIZE << 20)
        for offset in range(0, SIZE << 20, 4096):
            block[offset] = 1
        block.close()

def log(until):
    line = b"x" * 99 + b"\\n"
    while time.time() < until:
        os.write(1, line * 600)

def forks(until):
    while time.time() < until:
        children = []
        for _ in range(20):
            child = os.fork()
            if child == 0:
                os._exit(0)
            children.append(child)
        for child in children:
            os.waitpid(child, 0)

def egress(until):
    while time.time() < until:
        try:
            socket.create_connection(("192.0.2.1", 9), timeout=1).recv(1)
        except OSError:
            pass

def handler(event, context):
    try:
        globals()[event["what"]](event["until"])
    finally:
        # Threads of this turn must not go on in the next.
        if event["what"] == "processor":
            os._exit(0)
'''
NAMES = {
    "processor": "8 threads that compute", "memory": "memory touched and given back", "log": "a log without end",
    "forks": "children without end", "egress": "refused connections without end",
}


def timed(client, times):
    began = time.perf_counter()
    client.invoke(FunctionName="neighbour", Payload=b"1")["Payload"].read()
    times.append((time.perf_counter() - began) * 1_000)


def measure(server, name, what, count):
    client, aggressor = server.client(), server.client()
    times = {"alone": [], "beside": []}
    for turn in range(count // TURN):
        for _ in range(TURN):
            timed(client, times["alone"])
        until = time.time() + 3
        payload = b'{"what": "%s", "until": %f}' % (what.encode(), until)
        thread = threading.Thread(target=lambda: aggressor.invoke(FunctionName=name, Payload=payload))
        thread.start()
        time.sleep(0.5)
        for _ in range(TURN):
            timed(client, times["beside"])
        thread.join()
        time.sleep(0.3)
    return times


def percentiles(times):
    cuts = statistics.quantiles(times, n=100)
    return statistics.median(times), cuts[98]


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print("| Beside it | MB | p50 alone | p50 beside | p99 alone | p99 beside |")
    print("|---|---|---|---|---|---|")
    server = Server("--limits", "current", "--egress", "deny=192.0.2.0/24").start()
    try:
        server.deploy("neighbour", "def handler(event, context):\n    return event\n", MemorySize=1769)
        for size in (128, 1769):
            for what, words in NAMES.items():
                name = f"aggressor-{what}-{size}"
                server.deploy(name, AGGRESSOR.replace("SIZE", str(size // 4)), MemorySize=size, Timeout=60)
                times = measure(server, name, what, count)
                (alone, alone99), (beside, beside99) = percentiles(times["alone"]), percentiles(times["beside"])
                print(f"| {words} | {size} | {alone:.1f} ms | {beside:.1f} ms | {alone99:.1f} ms | {beside99:.1f} ms |", flush=True)
                server.client().delete_function(FunctionName=name)
    finally:
        server.close()


main()
