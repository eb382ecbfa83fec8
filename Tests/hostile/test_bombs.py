# SPDX-License-Identifier: Apache-2.0
"""Functions that take as much as they can get: what is bounded, by what, and that nobody else notices."""

import ctypes
import os
import subprocess
import sys
import threading
import time

import pytest

import hostility

FORMS = ["anonymous", "shared_memory", "memory_file", "pipes", "socket_buffers", "page_tables", "system_v"]


@pytest.fixture(scope="module")
def bombs(server):
    server.deploy("bombs", {"app.py": hostility.source("bombs.py")}, MemorySize=512, Timeout=240)

    def set_off(what, **event):
        return server.invoke("bombs", {"what": what, **event})

    return set_off


def deploy(server, name, **settings):
    server.deploy(name, {"app.py": hostility.source("bombs.py")}, **{"MemorySize": 256, "Timeout": 120, **settings})


def test_fork_bomb(server, tally, neighbour):
    deploy(server, "fork-bomb", MemorySize=2048)
    with neighbour.undisturbed():
        result = server.invoke("fork-bomb", {"what": "fork_bomb"})
    assert result["errno"] == "EAGAIN" and result["processes"] <= 1024, result
    tally.count(result["count"])


def test_fork_bomb_that_a_timeout_ends(server, tally, neighbour):
    deploy(server, "bomb-timeout", Timeout=8)
    with neighbour.undisturbed():
        error = server.fail("bomb-timeout", {"what": "fork_storm", "seconds": 60, "forkers": 50})
    assert "timed out" in error["errorMessage"]
    assert server.invoke("bomb-timeout", {"what": "sleep", "seconds": 0}) == {}
    tally.count(50)


def test_orphans_that_keep_init_busy(server, tally, neighbour):
    """The storm goes on after its invocation; the next one gets an answer, and the environment can be ended."""
    deploy(server, "storm", MemorySize=128, Timeout=60)
    with neighbour.undisturbed():
        server.invoke("storm", {"what": "lower_init"})
        storm = {"what": "fork_storm", "seconds": 1, "forkers": 20, "longer": 600}
        server.invoke("storm", storm, LogType="None")
        began = time.monotonic()
        assert server.invoke("storm", {"what": "sleep", "seconds": 0}, LogType="None") == {}
        assert time.monotonic() - began < 40
        server.client().delete_function(FunctionName="storm")
    tally.count(20)


def test_thread_bomb(bombs, tally, neighbour):
    with neighbour.undisturbed():
        result = bombs("thread_bomb")
    assert result["errno"] in ("EAGAIN", "RuntimeError") and result["count"] < 1024, result
    tally.count(result["count"])


def test_descriptors(bombs, server, tally, neighbour):
    with neighbour.undisturbed(), hostility.Size(server) as size:
        result = bombs("descriptors")
    assert all(entry["errno"] == "EMFILE" and entry["count"] < 1024 for entry in result.values()), result
    assert size.grown_descriptors < 100
    tally.count(len(result))


def host_inotify():
    """How many inotify instances root may still have on the host, up to 130."""
    libc = ctypes.CDLL(None)
    held = []
    while len(held) < 130 and (descriptor := libc.inotify_init1(0)) >= 0:
        held.append(descriptor)
    for descriptor in held:
        os.close(descriptor)
    return len(held)


# docs/sandbox.md, "Known limits": an ordinary user's functions share what the kernel counts for that user.
shared_by_an_ordinary_user = pytest.mark.skipif(
    os.geteuid() != 0, reason="an ordinary user's functions share what the kernel counts for that user")


without_a_bound_for_an_ordinary_user = pytest.mark.skipif(
    os.geteuid() != 0, reason="docs/hosts.md: without a control group this memory has no bound, and the machine's would be taken")


@shared_by_an_ordinary_user
def test_inotify_is_missing_nowhere_else(server, bombs, tally, neighbour):
    """The kernel counts instances for a namespace's owner too: it is each sandbox's own."""
    before = host_inotify()
    deploy(server, "other")
    outcome = {}
    thread = threading.Thread(target=lambda: outcome.update(bombs("inotify", seconds=3)))
    thread.start()
    time.sleep(1.5)
    during = host_inotify()
    other = server.invoke("other", {"what": "inotify"})
    thread.join()
    assert outcome["instances"]["count"] <= 32 and outcome["watches"]["count"] <= 8192, outcome
    assert other["instances"]["count"] == outcome["instances"]["count"], (other, outcome)
    # Other programs of the host come and go; sixteen are more than they do, and fewer than the function had.
    assert during >= before - 16, (before, during)
    tally.count(4)


@shared_by_an_ordinary_user
@pytest.mark.parametrize("what, of", [("pending_signals", "signals"), ("message_queues", "posix")])
def test_what_is_counted_for_a_user_is_missing_nowhere_else(server, bombs, tally, neighbour, what, of):
    deploy(server, "other-" + of)
    alone = server.invoke("other-" + of, {"what": what})
    outcome = {}
    thread = threading.Thread(target=lambda: outcome.update(bombs(what, seconds=4)))
    thread.start()
    time.sleep(2)
    beside = server.invoke("other-" + of, {"what": what})
    thread.join()
    assert beside[of]["count"] == alone[of]["count"] > 0, (alone, beside)
    assert outcome[of]["errno"] in ("EAGAIN", "EMFILE", "ENOSPC"), outcome
    tally.count(2)


# docs/hosts.md, "Without": these forms have no bound there, and would take the machine's memory.
SEEN_BY_A_GROUP_ONLY = ("memory_file", "socket_buffers")


@pytest.mark.parametrize("form", [
    pytest.param(form, marks=without_a_bound_for_an_ordinary_user) if form in SEEN_BY_A_GROUP_ONLY else form for form in FORMS])
def test_memory_balloons(server, tally, neighbour, form):
    """Whatever the memory is called, it is the function's, and it is who is killed."""
    name = "balloon-" + form.replace("_", "-")
    deploy(server, name, MemorySize=256, Timeout=12)
    before = available_mib()
    least = [before]
    stop = threading.Event()

    def watch():
        while not stop.wait(0.1):
            least[0] = min(least[0], available_mib())

    thread = threading.Thread(target=watch)
    thread.start()
    with neighbour.undisturbed():
        error = server.fail(name, {"what": "memory", "form": form})
    stop.set()
    thread.join()
    assert error.get("errorType") in ("Runtime.OutOfMemory", "Runtime.ExitError", "MemoryError", "OSError") \
        or "timed out" in error["errorMessage"], error
    # The function's limit, once more for the buffers of its sockets, and what other programs took meanwhile.
    assert before - least[0] < 256 * 2 + 700, (before, least)
    server.client().delete_function(FunctionName=name)
    tally.count()


def available_mib():
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("MemAvailable:")) / 1024


def test_tmp_ends_where_it_should(bombs, tally, neighbour):
    with neighbour.undisturbed():
        result = bombs("fill_tmp")
    assert result["mebibytes"]["errno"] == "ENOSPC" and 440 <= result["mebibytes"]["count"] <= 512, result
    assert result["inodes"]["errno"] in ("ENOSPC", "TIME") and result["inodes"]["count"] < 200_000, result
    # An ordinary user's /tmp is a tmpfs, whose files may have holes of any size.
    assert result["sparse"]["errno"] == ("EFBIG" if os.geteuid() == 0 else None), result
    assert result["allocated"]["errno"] == "ENOSPC", result
    tally.count(5)


def test_names_and_depths(server, tally, neighbour):
    deploy(server, "names", MemorySize=512)
    with neighbour.undisturbed():
        result = server.invoke("names", {"what": "names", "depth": 300})
        assert result["name_255"]["errno"] is None
        assert {result[f"name_{n}"]["errno"] for n in (256, 4095, 4096, 65536, 1 << 20)} == {"ENAMETOOLONG"}, result
        assert result["depth"]["count"] > 100
        # What it leaves behind goes with the environment.
        server.client().delete_function(FunctionName="names")
    tally.count(6)


@pytest.mark.parametrize("kind, mebibytes, descriptor", [
    ("long", 200, 1), ("lines", 16, 1), ("empty", 1, 1), ("endless", 32, 1), ("json", 16, 1), ("binary", 16, 1), ("lines", 16, 3)])
def test_log_flood(server, tally, neighbour, kind, mebibytes, descriptor):
    """The server reads as fast as it can store, holds little, and the bill is written."""
    name = f"flood-{kind}-{descriptor}"
    deploy(server, name, Timeout=120)
    with neighbour.undisturbed(), hostility.Size(server) as size:
        server.invoke(name, {"what": "log_flood", "kind": kind, "mebibytes": mebibytes, "descriptor": descriptor})
    assert size.grown_mib < 200, size.grown_mib
    assert server.invoke(name, {"what": "sleep", "seconds": 0}) == {}
    server.client().delete_function(FunctionName=name)
    tally.count()


def test_a_log_written_behind_an_invocation(server, tally, neighbour):
    """Children that write for ever: the end of an invocation reads what is there, not what comes meanwhile."""
    deploy(server, "behind", MemorySize=1792, Timeout=60)
    with neighbour.undisturbed(), hostility.Size(server) as size:
        for _ in range(5):
            began = time.monotonic()
            server.invoke("behind", {"what": "log_behind", "writers": 2}, LogType="None")
            assert time.monotonic() - began < 30
    server.client().delete_function(FunctionName="behind")
    assert size.grown_mib < 200, size.grown_mib
    tally.count(10)


def test_together_they_leave_the_host_able_to_work(server, tally, neighbour):
    """Six bombs at once."""
    for index in range(6):
        deploy(server, f"many-{index}", MemorySize=128, Timeout=5)
    threads = [threading.Thread(target=server.client().invoke, kwargs={
        "FunctionName": f"many-{index}", "Payload": b'{"what": "fork_bomb", "seconds": 4}'}) for index in range(6)]
    with neighbour.undisturbed(60):
        [t.start() for t in threads]
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", "pass"], check=True, timeout=120)
        assert time.monotonic() - began < 60
        [t.join() for t in threads]
    tally.count(6)
