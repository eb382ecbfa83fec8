# SPDX-License-Identifier: Apache-2.0
"""The same attempts in sandboxes of an ordinary user's server, who has no control group.

What differs there is named in docs/design.md (known limits), and held here as it is.
"""

import os

import pytest

import hostility
import test_calls
import test_files
from test_calls import program  # noqa: F401: a fixture

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="everything else has run as an ordinary user already")


@pytest.fixture(scope="module")
def server():
    server = hostility.UserServer()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def attempts(server, program):  # noqa: F811
    test_calls.deploy(server, program)
    return lambda **event: server.invoke("attempts", event)


@pytest.fixture(scope="module")
def files(server):
    server.deploy("files", {"app.py": hostility.source("files.py")}, MemorySize=512, Timeout=60)
    return lambda what, **event: server.invoke("files", {"what": what, **event})


@pytest.mark.parametrize("mode, accepts, least", test_calls.MODES)
def test_calls_by_number(attempts, tally, mode, accepts, least):
    found = test_calls.outcomes(attempts(what="program", mode=mode), accepts)
    assert len(found) >= least
    tally.check(found)


@pytest.mark.parametrize("group", test_calls.GROUPS)
def test_calls_with_harmful_arguments(attempts, tally, group):
    tally.check(attempts(what=group))


def test_nothing_in_proc_tells_secrets(files, server, tally):
    tally.check(files("readable", words=test_files.secrets(server)))


def test_nothing_in_proc_is_writable(files, tally):
    tally.check(files("writable"))


@pytest.mark.parametrize("what", ["init_and_others", "settings", "own_process", "devices"])
def test_what_belongs_to_others(files, tally, what):
    # The score is the user's to lower, down to what it was: only a privileged spawner could keep it up.
    tally.check(files(what, floor=0))


def test_the_log_is_the_functions_own_to_read(files, tally):
    """By design: all sandboxes have the user's own id, so the pipes are the function's; they hold nothing but its own lines."""
    found = files("pass_descriptors")
    reopened = {name for name, result in found.items() if name.startswith("reopen") and result is not None}
    assert reopened <= {"reopen_1", "reopen_2", "reopen_3"}
    tally.check({name: result for name, result in found.items() if name not in reopened})


@pytest.fixture(scope="module")
def bombs(server):
    server.deploy("bombs", {"app.py": hostility.source("bombs.py")}, MemorySize=256, Timeout=240)
    return lambda what, **event: server.invoke("bombs", {"what": what, **event})


def test_memory_is_held_by_looking(server, bombs, tally):
    """By design: RLIMIT_DATA bounds each process, and what all have together is looked at every 50 ms."""
    for form in ("anonymous", "system_v"):
        error = server.fail("bombs", {"what": "memory", "form": form})
        assert error["errorType"] in ("Runtime.OutOfMemory", "Runtime.ExitError", "MemoryError", "OSError"), error
    tally.count(2)


def test_what_is_no_processs_memory_is_not_counted(server, bombs, tally):
    """By design: no control group counts what is in /tmp and /dev/shm; each ends at its own size all the same."""
    result = bombs("fill_tmp")
    assert result["mebibytes"]["errno"] == "ENOSPC" and result["mebibytes"]["count"] <= 512, result
    tally.count()


def test_processes_are_bounded_by_the_users_limit(bombs, tally):
    result = bombs("thread_bomb")
    assert result["count"] <= 1024, result
    tally.count(result["count"])


def test_inotify_is_the_users(bombs, tally):
    """By design: the instances are the user's own, of which a sandbox has a fourth at the most."""
    result = bombs("inotify")
    assert result["instances"]["count"] <= 32, result
    tally.count(2)
