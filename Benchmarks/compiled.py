# SPDX-License-Identifier: Apache-2.0
"""A function that is a program of its own: first invocations beside its bare start, warm ones beside an echo by the HTTP server that
Martlet's API is built on, and beside nginx that answers with the same bytes."""

import contextlib
import os
import pathlib
import subprocess
import tempfile
import time

from harness import BINARY, ROLE, ROOT, wait_until, zip_of
from load import load, request_of
from peers import HummingbirdEcho, Nginx

COLD = int(os.environ.get("MARTLET_BENCH_COLD", 200))
SECONDS = float(os.environ.get("MARTLET_BENCH_SECONDS", 4))
ROUNDS = int(os.environ.get("MARTLET_BENCH_ROUNDS", 3))
# Callers at once, and the memory size with which so many environments have room and none lacks processor time.
SIZES = ((16, 832), (64, 192))
EVENT = b'{"limit": 3}'
ANSWER = b'{"limit":3,"primes":1}'


def program(directory):
    path = pathlib.Path(directory, "bootstrap")
    subprocess.run(["cc", "-O2", "-static", "-o", path, ROOT / "examples/compiled/bootstrap.c"], check=True)
    return path


def milliseconds_of_a_start(path):
    """fork, exec and end: without the address of a Runtime API the program ends at once."""
    start = time.perf_counter()
    pid = os.posix_spawn(path, [str(path)], {}, file_actions=[(os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)])
    _, status = os.waitpid(pid, 0)
    elapsed = (time.perf_counter() - start) * 1_000
    assert os.waitstatus_to_exitcode(status) == 1, status
    return elapsed


def deploy(server, names, code, **settings):
    client = server.client()
    for name in names:
        client.create_function(
            FunctionName=name, Role=ROLE, Runtime="provided.al2023", Handler="none", Code={"ZipFile": code}, **settings)
    wait_until(
        lambda: client.get_function_configuration(FunctionName=names[-1])["State"] == "Active", 120, "functions active")


def compiled(server_of, connection_of, quantile, results):
    with tempfile.TemporaryDirectory(prefix="martlet-bench-") as directory:
        path = program(directory)
        code = zip_of({"bootstrap": path.read_bytes()}, {"bootstrap": 0o755})
        cold(server_of, connection_of, quantile, results, path, code)
        warm(server_of, connection_of, results, code)


def cold(server_of, connection_of, quantile, results, path, code):
    server = server_of("--keep-alive", "1s", "--account-concurrency", "1000")
    try:
        server.start()
        names = [f"program-{number}" for number in range(COLD)]
        deploy(server, names, code, MemorySize=1_792)
        connection, calls, floors = connection_of(server), [], []
        for name in names:
            target = f"/2015-03-31/functions/{name}/invocations"
            data, elapsed = connection.send("POST", target, connection.sign("POST", target, EVENT), EVENT)
            assert data == ANSWER, data
            calls.append(elapsed)
            time.sleep(0.1)
            floors.append(milliseconds_of_a_start(path))
        for what, share, goal in (("p50", 0.5, 5), ("p99", 0.99, None)):
            results.add(
                f"a cold invocation, compiled, {what}", quantile(calls, share), "ms", "fork, exec and end of the program",
                quantile(floors, share), goal)
    finally:
        server.close()


def warm(server_of, connection_of, results, code):
    floor = BINARY.parent / "hummingbird-echo"
    if not floor.exists():
        print("compiled: there is no hummingbird-echo beside the server, so nothing to compare warm invocations with")
        return
    with contextlib.ExitStack() as stack:
        server, echo, nginx = [
            stack.enter_context(contextlib.closing(made()))
            for made in (
                lambda: server_of("--account-concurrency", "1000"), lambda: HummingbirdEcho(floor), lambda: Nginx(ANSWER.decode()))]
        server.start()
        peers = [(peer.url, request_of(peer.url, "POST", "/", {"Content-Type": "application/json"}, EVENT)) for peer in (echo, nginx)]
        for at_once, size in SIZES:
            name = f"program-{at_once}"
            deploy(server, [name], code, MemorySize=size)
            target = f"/2015-03-31/functions/{name}/invocations"
            ours = request_of(server.url, "POST", target, connection_of(server).sign("POST", target, EVENT), EVENT)
            targets = [(server.url, ours), *peers]
            rounds = [[load(*target, at_once, SECONDS)[0] for target in targets] for _ in range(ROUNDS)]
            rates, echoed, constant = (list(column) for column in zip(*rounds))
            label = f"warm invocations, compiled, {at_once} callers"
            results.add(label, rates, "a second", "Hummingbird's echo", echoed, 1 / 3, more_is_better=True)
            results.add(f"{label}, beside nginx", rates, "a second", "nginx", constant, more_is_better=True)
