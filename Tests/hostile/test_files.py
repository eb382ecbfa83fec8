# SPDX-License-Identifier: Apache-2.0
"""/proc, devices, names, links, descriptors: nothing of the host's is told, written or followed."""

import os
import pathlib
import socket
import stat
import threading
import time

import pytest

import hostility


@pytest.fixture(scope="module")
def files(server):
    server.deploy("files", {"app.py": hostility.source("files.py")}, MemorySize=512, Timeout=60)

    def ask(what, **event):
        return server.invoke("files", {"what": what, **event})

    return ask


def secrets(server):
    """Words that only the host and the server know."""
    words = [socket.gethostname(), server.credentials["secretAccessKey"], server.credentials["accessKeyId"]]
    words += [pathlib.Path("/etc/machine-id").read_text().strip()] if os.path.exists("/etc/machine-id") else []
    words += [pathlib.Path("/proc/cmdline").read_text().strip()[:60], str(server.process.pid) + " (martlet"]
    words += [pathlib.Path("/etc/shadow").read_text().splitlines()[0]] if os.access("/etc/shadow", os.R_OK) else []
    # A short host name such as "a" would be found anywhere.
    return [word for word in words if len(word) > 5]


def test_nothing_in_proc_tells_secrets(files, server, tally, neighbour):
    with neighbour.undisturbed():
        found = files("readable", words=secrets(server))
    assert len(found) > 300
    tally.check(found)


def test_nothing_in_proc_is_writable(files, tally, neighbour):
    with neighbour.undisturbed():
        found = files("writable")
    assert len(found) > 300
    tally.check(found)


@pytest.mark.parametrize("what", ["init_and_others", "settings", "own_process", "devices"])
def test_what_belongs_to_others(files, tally, neighbour, what):
    with neighbour.undisturbed():
        found = files(what, floor=hostility.oom_score_floor())
    tally.check(found)


def check_inherited(found):
    """Standard input is /dev/null, the others are write ends of pipes, and there is one connection to the Runtime API."""
    pipes = [entry for entry in found if entry[1] == stat.S_IFIFO]
    assert [entry[0] for entry in pipes] == [1, 2, 3] and {entry[2] for entry in pipes} == {os.O_WRONLY}, found
    rest = [entry for entry in found if entry[1] != stat.S_IFIFO and not entry[3].startswith("/proc/")]
    assert rest[0][3] == "/dev/null" and rest[0][2] == os.O_RDONLY, found
    assert [entry[1] for entry in rest[1:]] in ([stat.S_IFSOCK], []), found


def test_descriptors_are_the_usual_before_and_after_a_reset(server, tally):
    server.deploy("inherits", {"app.py": hostility.source("files.py")}, Timeout=8)
    check_inherited(server.invoke("inherits", {"what": "inherited"})["descriptors"])
    assert "timed out" in server.fail("inherits", {"what": "sleep", "seconds": 60})["errorMessage"]
    check_inherited(server.invoke("inherits", {"what": "inherited"})["descriptors"])
    tally.count(2)


def test_inherited_descriptors_give_nothing_but_the_log(files, tally, neighbour):
    with neighbour.undisturbed():
        found = files("pass_descriptors")
    if os.geteuid() != 0:
        # Its log's pipe is an ordinary user's own, as the function is.
        found = {name: result for name, result in found.items() if name not in ("reopen_1", "reopen_2", "reopen_3")}
    tally.check(found)


def test_frames_that_lie(server, tally):
    """Whatever a frame claims, the function's log goes on, the server holds little, and other logs are their own."""
    server.deploy("liar", {"app.py": hostility.source("files.py")}, MemorySize=256, Timeout=30)
    with hostility.Size(server) as size:
        for index in range(6):
            server.invoke("liar", {"what": "lie_in_frames", "from": index, "to": index + 1, "times": 10})
        tally.count(6 * 7)
    assert size.grown_mib < 100, size.grown_mib
    streams = {stream for stream, _ in server.log("liar")}
    assert len(streams) == 1
    assert [message for _, message in server.log("liar") if message.startswith("REPORT")] != []


def test_names_below_tmp_are_never_followed(server, files, tally, neighbour):
    before = {path: os.stat(path).st_mtime_ns for path in ("/etc", "/", "/dev/shm", "/etc/passwd")}
    with neighbour.undisturbed():
        swaps = files("races", seconds=3)["count"]
    assert swaps > 1000
    server.deploy("links", {"app.py": hostility.source("files.py")}, Timeout=8)
    server.invoke("links", {"what": "leave_links"})
    # A reset, an invocation in what is left, and the end of the environment.
    server.fail("links", {"what": "sleep", "seconds": 60})
    assert server.invoke("links", {"what": "sleep", "seconds": 0}) == {}
    server.client().delete_function(FunctionName="links")
    time.sleep(0.5)
    del before["/dev/shm"]
    assert {path: os.stat(path).st_mtime_ns for path in before} == before
    tally.count(10)


def test_abstract_sockets_are_the_sandboxes_own(server, files, tally):
    name = f"hostile-{os.getpid()}"
    host = socket.socket(socket.AF_UNIX)
    host.bind("\0" + name + "-host")
    host.listen()
    server.deploy("listener", {"app.py": hostility.source("files.py")}, Timeout=60)
    outcome = {}
    thread = threading.Thread(target=lambda: outcome.update(
        server.invoke("listener", {"what": "abstract_listen", "name": name, "seconds": 3})))
    thread.start()
    time.sleep(1)
    found = files("abstract_connect", names=[name, name + "-host", "/org/freedesktop/systemd1", "dbus"])
    with pytest.raises(ConnectionRefusedError):
        socket.socket(socket.AF_UNIX).connect("\0" + name)
    thread.join()
    host.close()
    assert outcome == {"accepted": 0}
    tally.check(found)
