# SPDX-License-Identifier: Apache-2.0
"""System calls: by every number, through every table, and with the arguments that would do harm."""

import errno
import json
import re
import signal

import pytest

import hostility
from harness import ROOT

REFUSED = {errno.EPERM, errno.ENOSYS}
GROUPS = ["tracing", "mounts", "namespaces", "kernel", "clocks", "identity", "limits", "nodes", "socket_options", "outside"]


def denied_calls():
    """Number and name of every call of this machine that the filter's list does not allow."""
    groups = json.loads((ROOT / "Sources/SandboxPolicy/Resources/syscalls.json").read_text())["groups"]
    # Allowed, with or without conditions, or done in name only.
    allowed = {
        call if isinstance(call, str) else call["call"]
        for group in groups if group["answer"] in ("allow", "0") for call in group["calls"]}
    macros = hostility.run("cc", "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null").stdout
    numbers = {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)\n", macros)}
    named = set(numbers.values())
    # Numbers that this C library has no name for yet are calls of newer kernels, or none.
    nameless = {f"number_{number}": number for number in range(700) if number not in named}
    # Nothing is set free for them before the kernel knows them; these few are allowed and newer than some headers.
    newer = {452: "fchmodat2", 449: "futex_waitv", 454: "futex_wake", 455: "futex_wait", 456: "futex_requeue", 462: "mseal"}
    nameless = {name: number for name, number in nameless.items() if newer.get(number) not in allowed}
    # uretprobe and uprobe: the kernel takes them past every filter, and kills a caller that it has put no probe into.
    past = {335, 336}
    return {name: number for name, number in {**numbers, **nameless}.items() if name not in allowed and number not in past}


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """functions/calls.c, compiled."""
    directory = tmp_path_factory.mktemp("calls")
    entries = "".join(f'    {{{number}, "{name}"}},\n' for name, number in sorted(denied_calls().items()))
    (directory / "denied.h").write_text(
        "static const struct { long number; const char *name; } DENIED[] = {\n" + entries + "};\n")
    out = directory / "calls"
    hostility.run("cc", "-O1", "-static", "-w", f"-I{directory}", "-o", out, hostility.FUNCTIONS / "calls.c")
    return out.read_bytes()


def deploy(server, program):
    server.deploy(
        "attempts", {"app.py": hostility.source("attempts.py"), "calls": program}, modes={"calls": 0o755},
        MemorySize=512, Timeout=150)


@pytest.fixture(scope="module")
def attempts(server, program):
    deploy(server, program)
    return lambda **event: server.invoke("attempts", event)


def outcomes(answer, accepts):
    """What each line of the program's output achieved, by what was tried."""
    assert answer["status"] == 0, answer
    found = {}
    for line in answer["lines"]:
        name, result, code, signalled = line.split("\t")
        result, code, signalled = int(result), int(code), int(signalled)
        while name in found:
            name += "'"
        found[name] = None if accepts(result, code, signalled) else line
    return found


def is_refused(result, code, signalled):
    return result == -1 and code in REFUSED and signalled == 0


def is_refused_or_killed(result, code, signalled):
    return is_refused(result, code, signalled) or signalled in (signal.SIGSYS, signal.SIGSEGV)


MODES = [
    ("denied", is_refused, 500),
    # Another table's numbers end the process; a kernel without that table says that there is no such call.
    ("compat", is_refused_or_killed, 0),
    ("x32", is_refused_or_killed, 0),
    ("clones", is_refused, 30),
    ("sockets", lambda r, c, s: r == -1 and s == 0, 1500),
    ("terminals", lambda r, c, s: r == -1 and c in (errno.EPERM, errno.ENOTTY) and s == 0, 8),
]


@pytest.mark.parametrize("mode, accepts, least", MODES)
def test_by_number(attempts, tally, neighbour, mode, accepts, least):
    with neighbour.undisturbed():
        found = outcomes(attempts(what="program", mode=mode), accepts)
    assert len(found) >= least
    tally.check(found)


def test_every_exotic_socket_is_refused_by_the_filter(attempts):
    """Not by a kernel that happens to lack the family."""
    for line in attempts(what="program", mode="sockets")["lines"]:
        name, result, code, _ = line.split("\t")
        family = name.split("_")[1]
        if family not in ("1", "2", "10", "inet"):
            assert int(code) in REFUSED, line


@pytest.mark.parametrize("group", GROUPS)
def test_with_harmful_arguments(attempts, tally, neighbour, group):
    with neighbour.undisturbed():
        found = attempts(what=group)
    tally.check(found)


def test_a_function_does_not_write_back_the_machines_file_systems(attempts, tally):
    # The best of some, so that what the machine does besides does not decide it.
    took = attempts(what="sync")
    for _ in range(10):
        if max(took.values()) < 0.05:
            break
        took = {name: min(took[name], again) for name, again in attempts(what="sync").items()}
    assert max(took.values()) < 0.05, took
    tally.count(len(took))


def test_a_crash_starts_no_program_of_the_host(attempts, tally):
    """A limit of 1 is what keeps the kernel from it; 0, "none", does not."""
    assert attempts(what="core") == {"limits": [1, 1], "lowered": None, "after": [1, 1]}
    tally.count()
