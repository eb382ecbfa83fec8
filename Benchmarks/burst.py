# SPDX-License-Identifier: Apache-2.0
"""A function that has no environment is invoked many times at once: how soon all are answered, how many environments are made a
second, and what each takes of the machine's memory."""

import json
import os
import pathlib
import selectors
import socket
import statistics
import time
import urllib.parse

AT_ONCE = int(os.environ.get("MARTLET_BENCH_BURST", 100))
ROUNDS = int(os.environ.get("MARTLET_BENCH_ROUNDS", 3))
HELLO = "def handler(event, context): return 'hello'"
# Seconds, long enough that nobody's environment serves a second one.
HOLD = 8
HOLDING = f"import time\ndef handler(event, context): time.sleep({HOLD})"


def at_once(connection, path, body=b"{}", count=AT_ONCE, may_refuse=False):
    """Seconds from the first byte of as many requests until each is answered, in the order of the answers, and the answers."""
    url = urllib.parse.urlsplit(connection.server.url)
    headers = connection.sign("POST", path, body)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if name.lower() not in ("host", "content-length"))
    request = f"POST {path} HTTP/1.1\r\nHost: {url.netloc}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body
    clients = [socket.create_connection((url.hostname, url.port)) for _ in range(count)]
    selector = selectors.DefaultSelector()
    for client in clients:
        selector.register(client, selectors.EVENT_READ)
    start, times, answers = time.perf_counter(), [], []
    for client in clients:
        client.sendall(request)
    while len(times) < count:
        ready = selector.select(120)
        assert ready, f"{count - len(times)} of {count} were not answered"
        for key, _ in ready:
            answer = key.fileobj.recv(4_096)
            assert answer.startswith(b"HTTP/1.1 200") or may_refuse, answer[:300]
            times.append(time.perf_counter() - start)
            answers.append(answer)
            selector.unregister(key.fileobj)
            key.fileobj.close()
    return times, answers


def environments(spawner, function):
    """Proportional set sizes of the Python processes that have a function, in MiB."""
    sizes = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes()
            if f"AWS_LAMBDA_FUNCTION_NAME={function}\0".encode() in variables and descends(int(process.name), spawner):
                rollup = (process / "smaps_rollup").read_text()
                sizes.append(int(rollup.split("\nPss:")[1].split()[0]) / 1_024)
        except (OSError, IndexError):
            continue
    return sizes


def descends(pid, ancestor):
    """Whether a process is another or below it; raises where one on the way has ended."""
    while pid > 1:
        if pid == ancestor:
            return True
        pid = int((pathlib.Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    return False


def burst(server_of, connection_of, python, results):
    """For each way in which environments begin; alternates between them."""
    answers, made, memory = {}, {}, {}
    for _ in range(ROUNDS):
        for mode in ("fork", "blank", "exec"):
            server = server_of("--pool", mode, "--account-concurrency", "1000")
            try:
                server.start()
                for name, source in (("hello", HELLO), ("holding", HOLDING)):
                    server.deploy(name, source, Runtime=python, MemorySize=128, Timeout=60)
                time.sleep(3)
                connection = connection_of(server)
                times, _ = at_once(connection, "/2015-03-31/functions/hello/invocations")
                answers.setdefault(mode, []).append(max(times))
                # What was taken is there again.
                time.sleep(3)
                times, _ = at_once(connection, "/2015-03-31/functions/holding/invocations")
                made.setdefault(mode, []).append(AT_ONCE / (max(times) - HOLD))
                sizes = environments(server.spawner, "holding")
                assert len(sizes) >= AT_ONCE, (len(sizes), json.dumps(sizes))
                memory.setdefault(mode, []).append(statistics.median(sizes))
            finally:
                server.close()
    for mode, times in answers.items():
        goals = (0.7, 150, 4) if mode == "fork" else (None, None, None)
        name = f"{AT_ONCE} invocations at once, Python, --pool {mode}"
        results.add(f"{name}: all answered", times, "s", None, None, goals[0])
        results.add(f"{name}: environments", made[mode], "a second", None, None, goals[1], more_is_better=True)
        results.add(f"{name}: memory of each (PSS)", memory[mode], "MiB", None, None, goals[2])
