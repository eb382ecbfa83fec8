# SPDX-License-Identifier: Apache-2.0
"""What waits for work: a thousand environments of one function, and a server that has nothing to do."""

import os
import pathlib
import time

from burst import at_once, descends

COUNT = int(os.environ.get("MARTLET_BENCH_IDLE", 1_000))
SECONDS = float(os.environ.get("MARTLET_BENCH_REST", 20))
# Each has an environment of its own until a moment that all know; an environment tells whether it is the same as before.
HOLDING = """
import time
mine = open("/proc/sys/kernel/random/uuid").read().strip()

def handler(event, context):
    time.sleep(max(0, event["until"] - time.time()))
    return mine
"""


def available():
    """MiB that the machine has for others."""
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) / 1_024
    raise AssertionError("no MemAvailable")


def environments(answers):
    """Which of them have answered; not those of invocations that were refused."""
    return {answer.rpartition(b"\r\n")[2] for answer in answers if answer.startswith(b"HTTP/1.1 200")}


def idle(server_of, connection_of, python, results):
    thousand(server_of, connection_of, python, results)
    rest(server_of, connection_of, python, results)


def thousand(server_of, connection_of, python, results):
    server = server_of(
        "--pool", "fork", "--account-concurrency", str(COUNT + 100), "--memory", "6144", "--keep-alive", "10m")
    try:
        server.start()
        server.deploy("many", HOLDING, Runtime=python, MemorySize=128, Timeout=300)
        time.sleep(3)
        connection, path = connection_of(server), "/2015-03-31/functions/many/invocations"
        before = available()
        # What one takes is known from its first answer on; before, each counts for its size.
        at_once(connection, path, b'{"until": 0}', 1)
        # Longer than it takes to make them all, so that none serves twice.
        body = f'{{"until": {time.time() + COUNT / 20}}}'.encode()
        first = environments(at_once(connection, path, body, COUNT, may_refuse=True)[1])
        time.sleep(5)
        taken = before - available()
        body = f'{{"until": {time.time() + 20}}}'.encode()
        same = len(first & environments(at_once(connection, path, body, COUNT, may_refuse=True)[1]))
        results.add(f"{COUNT:,} idle environments of one function: memory of the machine", taken, "MiB", None, None, 6_144)
        results.add(
            f"{COUNT:,} idle environments of one function: answer again", same, "of them", None, None, COUNT, more_is_better=True)
    finally:
        server.close()


def processes(ancestor):
    """A process and all that are below it."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if descends(int(entry.name), ancestor):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def used(pid):
    """Clock ticks of a process and of its children that have ended."""
    return sum(int(field) for field in (pathlib.Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[11:15])


def rest(server_of, connection_of, python, results):
    server = server_of()
    try:
        server.start()
        server.deploy("one", "def handler(event, context): return event", Runtime=python)
        path = "/2015-03-31/functions/one/invocations"
        connection = connection_of(server)
        connection.send("POST", path, connection.sign("POST", path, b"{}"), b"{}")
        time.sleep(10)
        pids = processes(server.process.pid)
        ticks = {pid: used(pid) for pid in pids}
        time.sleep(SECONDS)
        spent = sum(used(pid) - before for pid, before in ticks.items()) / os.sysconf("SC_CLK_TCK")
        status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
        resident = int(status.split("\nVmRSS:")[1].split()[0]) / 1_024
        results.add("a server at rest, Python pooled: resident", resident, "MiB", None, None, 60)
        results.add("a server at rest, with all that it started: processor", spent / SECONDS * 100, "% of one", None, None, 1)
    finally:
        server.close()
