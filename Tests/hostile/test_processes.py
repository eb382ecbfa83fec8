# SPDX-License-Identifier: Apache-2.0
"""Processes that will not end: the caller has its answer in time, the next invocation works, and nothing is left."""

import signal
import threading
import time

import pytest

import hostility
from harness import Server


def deploy(server, name, timeout=6, memory=256):
    server.deploy(name, {"app.py": hostility.source("processes.py")}, Timeout=timeout, MemorySize=memory)


@pytest.mark.parametrize("what", [
    "ignore", "block_and_spin", "stop_self", "stop_all", "suspended_vfork", "pipe_wait", "sync_wait", "kill_all", "exit_handlers"])
def test_who_does_not_end_is_ended(server, tally, neighbour, what):
    name = "end-" + what.replace("_", "-")
    deploy(server, name)
    with neighbour.undisturbed():
        began = time.monotonic()
        error = server.fail(name, {"what": what})
        assert time.monotonic() - began < 6 + 14, error
        assert server.invoke(name, {"what": "count"})["processes"] <= 3
    tally.count()


def test_detached_processes_end_with_the_invocation_that_times_out(server, tally, neighbour):
    deploy(server, "detach")
    with neighbour.undisturbed():
        for _ in range(5):
            server.invoke("detach", {"what": "detach"})
        assert server.invoke("detach", {"what": "count"})["processes"] >= 7
        server.fail("detach", {"what": "detach", "then": "spin"})
        assert server.invoke("detach", {"what": "count"})["processes"] <= 3
    tally.count(6)


def test_zombies(server, tally, neighbour):
    deploy(server, "zombies", timeout=60, memory=1024)
    with neighbour.undisturbed():
        found = server.invoke("zombies", {"what": "zombies"})
        assert 100 < found["zombies"] < 1024
        server.fail("zombies", {"what": "kill_all"})
        assert server.invoke("zombies", {"what": "count"})["processes"] <= 3
    tally.count(found["zombies"])


def test_init_takes_no_signal(server, tally):
    deploy(server, "signals", timeout=60)
    assert server.invoke("signals", {"what": "signal_init"}) == {"there": True}
    assert server.invoke("signals", {"what": "count"})["processes"] >= 2
    tally.count(128)


@pytest.mark.parametrize("what", ["ignore", "block_and_spin", "stop_all", "suspended_vfork", "pipe_wait"])
def test_the_server_ends_all_the_same(tally, what):
    """While such a function runs: within the time that running invocations get."""
    server = Server("--drain-timeout", "1s").start()
    try:
        deploy(server, "runs", timeout=60)
        server.client().invoke(FunctionName="runs", Payload=b'{"what": "count"}')
        thread = threading.Thread(target=lambda: swallow(server, what))
        thread.start()
        time.sleep(1)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(120) == 0
        assert time.monotonic() - began < 45
        thread.join()
    finally:
        server.close()
    tally.count()


def swallow(server, what):
    """The answer of an invocation that the server's end cuts off does not matter here."""
    try:
        server.client().invoke(FunctionName="runs", Payload=b'{"what": "%s"}' % what.encode())
    except Exception:  # noqa: BLE001
        pass
