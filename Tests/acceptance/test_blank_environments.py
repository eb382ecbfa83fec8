# SPDX-License-Identifier: Apache-2.0
"""Environments that are started ahead of need: what a function sees in one is what it sees in one of its own.

Nothing tells a function which kind it has but what is only in the one: modules that our bootstrap has loaded ahead.
"""

import os
import pathlib
import signal
import subprocess
import uuid

import pytest

from harness import NODE, children, wait_until, zip_of

SEEN = """
import os, pathlib, re, resource, sys, threading

ahead = "ssl" in sys.modules


def handler(event, context):
    return {
        "ahead": ahead,
        "variables": {k: v for k, v in os.environ.items()},
        "shown": sorted(v for v in pathlib.Path("/proc/self/environ").read_text().split("\\0") if v),
        "command": pathlib.Path("/proc/self/cmdline").read_text(),
        "arguments": sys.argv,
        "path": sys.path,
        "directory": os.getcwd(),
        "threads": threading.active_count(),
        "descriptors": {n: link("/proc/self/fd/" + n) for n in os.listdir("/proc/self/fd")},
        "mounts": sorted(re.sub(r",[ug]id=\\d+", "", line).split()[1:4] for line in open("/proc/self/mounts")),
        "opt": sorted(os.listdir("/opt")),
        "task": sorted(os.listdir("/var/task")),
        "temporary": os.listdir("/tmp"),
        "limits": [resource.getrlimit(n) for n in range(16)],
        "shared": os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize,
        "processes": len([n for n in os.listdir("/proc") if n.isdigit()]),
        "parent": os.getppid(),
        "session": os.getsid(0) == os.getpid(),
        "groups": pathlib.Path("/proc/self/cgroup").read_text(),
        "status": [line for line in open("/proc/self/status") if line.startswith(("Cap", "NoNew", "Seccomp:", "Uid", "Gid", "Groups"))],
        "root": sorted(os.listdir("/")),
    }


def link(path):
    try:
        return os.readlink(path).split(":")[0]
    except OSError:
        return None
"""


def cold(server, name):
    """A cold start's answer, of a new revision of the function."""
    client = server.client()
    client.update_function_configuration(FunctionName=name, Description=uuid.uuid4().hex)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    return server.invoke(name)


def until_ahead(server, name, ahead=True):
    """Cold starts until one began in a blank environment: they are made in the background."""
    return wait_until(
        lambda: (lambda seen: seen if seen["ahead"] == ahead else None)(cold(server, name)), 60, "a blank environment")


def test_what_a_function_sees_is_the_same(server, name):
    server.deploy(name, SEEN, MemorySize=192, Environment={"Variables": {"MINE": "ü=x", "EMPTY": ""}})
    blank = until_ahead(server, name)
    client = server.client()
    # Read when an interpreter starts, so that this one begins by itself.
    variables = {"MINE": "ü=x", "EMPTY": "", "PYTHONHASHSEED": "1"}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    own = cold(server, name)
    assert (blank.pop("ahead"), own.pop("ahead")) == (True, False)
    for seen in (blank, own):
        # Of each start its own.
        for key in ("AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                    "_X_AMZN_TRACE_ID", "PYTHONHASHSEED"):
            value = seen["variables"].pop(key, None)
            if f"{key}={value}" in seen["shown"]:
                seen["shown"].remove(f"{key}={value}")
    for key in own:
        assert blank[key] == own[key], key
    assert blank["shared"] == 192 << 20
    assert not [value for value in blank["shown"] if "MARTLET" in value]


def test_a_blank_environment_is_used_once(server):
    """Two functions with the same runtime: nothing of the one is where the other begins."""
    source = """
import os, pathlib, sys
ahead = "ssl" in sys.modules
secret = os.environ["SECRET"]
def handler(event, context):
    found = [str(p) for d in ("/tmp", "/dev/shm", "/var/task", "/opt") for p in pathlib.Path(d).rglob("*")]
    pathlib.Path("/tmp/" + secret).write_text(secret)
    pathlib.Path("/dev/shm/" + secret).write_text(secret)
    return {"ahead": ahead, "found": found, "pid": os.getpid(), "environ": pathlib.Path("/proc/self/environ").read_text()}
"""
    names = ["f-" + uuid.uuid4().hex[:12] for _ in range(2)]
    for name in names:
        server.deploy(name, source, Environment={"Variables": {"SECRET": "secret-of-" + name}})
    for name, other in (names, names[::-1]):
        seen = until_ahead(server, name)
        assert seen["found"] == ["/var/task/app.py"]
        assert other not in seen["environ"] and name in seen["environ"]


@pytest.mark.skipif(NODE is None, reason="there is no Node.js")
def test_node(server, name):
    source = (
        "const ahead = process.moduleLoadList.includes('NativeModule https');"
        "exports.handler = async () => ({ahead, env: process.env, cwd: process.cwd(), argv: process.execArgv,"
        " shown: require('fs').readFileSync('/proc/self/environ', 'utf8').split('\\0').filter((v) => v)})")
    server.deploy(name, {"app.js": source}, Runtime=NODE, MemorySize=256,
                  Environment={"Variables": {"MINE": "x", "NODE_ENV": "production"}})
    seen = until_ahead(server, name)
    assert (seen["cwd"], seen["env"]["MINE"], seen["env"]["NODE_ENV"]) == ("/var/task", "x", "production")
    assert seen["argv"] == ["--max-semi-space-size=12", "--max-old-space-size=231"]
    assert seen["env"]["AWS_LAMBDA_FUNCTION_NAME"] == name
    seen["env"].pop("_X_AMZN_TRACE_ID", None)
    shown = dict(value.split("=", 1) for value in seen["shown"])
    shown.pop("_LAMBDA_TELEMETRY_LOG_FD")
    assert shown == seen["env"]


def test_own_libraries_are_found(server, name, tmp_path):
    """The dynamic linker has looked through LD_LIBRARY_PATH before the code was there."""
    for directory, number in (("lib", 7), ("layer", 8)):
        (tmp_path / "x.c").write_text(f"int martlet_number(void) {{ return {number}; }}")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(tmp_path / f"{directory}.so"), str(tmp_path / "x.c")], check=True)
    layer = server.client().publish_layer_version(
        LayerName=name, Content={"ZipFile": zip_of({"lib/libmine_layer.so": (tmp_path / "layer.so").read_bytes()})})
    source = """
import sys
ahead = "ssl" in sys.modules
import ctypes
def handler(event, context):
    return {"ahead": ahead, "numbers": [ctypes.CDLL(n).martlet_number() for n in ("libmine.so", "libmine_layer.so")]}
"""
    files = {"app.py": source, "lib/libmine.so": (tmp_path / "lib.so").read_bytes()}
    server.deploy(name, files, Layers=[layer["LayerVersionArn"]])
    assert until_ahead(server, name)["numbers"] == [7, 8]


def test_what_is_read_when_an_interpreter_starts(server, name):
    source = """
import sys, time
ahead = "ssl" in sys.modules
def handler(event, context):
    return {"ahead": ahead, "zone": time.tzname[0]}
"""
    server.deploy(name, source, Environment={"Variables": {"TZ": "MINE-3"}})
    for _ in range(3):
        assert cold(server, name) == {"ahead": False, "zone": "MINE"}


def ahead_of_need(server):
    """Processes that are no function's, by what only they have among their variables, with the depth of their pid namespace."""
    found = {}
    for init in children(server.spawner):
        for pid in children(init):
            try:
                variables = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            if b"_MARTLET_BLANK=" in variables:
                found[pid] = (b"_MARTLET_ZYGOTE=" in variables, len(status.split("NSpid:")[1].split("\n")[0].split()))
    return found


def zygotes(server):
    return [pid for pid, (is_of_one, depth) in ahead_of_need(server).items() if is_of_one and depth == 2]


def forked(server):
    return [pid for pid, (is_of_one, depth) in ahead_of_need(server).items() if is_of_one and depth == 3]


def waiting(server):
    """Processes of blank environments."""
    return sorted(set(ahead_of_need(server)) - set(zygotes(server)))


def test_one_that_dies_is_replaced_and_nobody_gets_it(make_server):
    server = make_server()
    server.deploy("f", "import os\ndef handler(event, context): return os.getpid()")
    first = wait_until(lambda: len(waiting(server)) >= 2 and waiting(server), 60, "two blank environments")
    for pid in first:
        os.kill(pid, signal.SIGKILL)
    assert server.invoke("f") > 1
    wait_until(lambda: len(set(waiting(server)) - set(first)) >= 2, 60, "two others")
    # Those that exist at the start are waited for before anybody asks.
    server.terminate()
    server.start()
    wait_until(lambda: len(waiting(server)) >= 2, 60, "two at the start")


def test_they_are_forked_from_one_process(make_server):
    server = make_server("--pool", "fork")
    source = """
import os, pathlib, random, socket, ssl, tempfile, uuid
def handler(event, context):
    filters = [line.split()[1] for line in open("/proc/self/status") if line.startswith("Seccomp_filters")]
    return {
        "filters": filters, "random": random.random(), "uuid": str(uuid.uuid4()), "urandom": os.urandom(8).hex(),
        "ssl": ssl.RAND_bytes(8).hex(), "temporary": tempfile.mktemp(), "name": os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        "seen": [str(p) for d in ("/tmp", "/dev/shm") for p in pathlib.Path(d).rglob("*")],
    }
"""
    for name in ("f", "g"):
        server.deploy(name, source)
    wait_until(lambda: len(forked(server)) >= 2 and len(zygotes(server)) == 1, 60, "two forked from one")
    seen = [cold(server, name) for name in ("f", "g", "f", "g")]
    for answer in seen:
        # Their zygote's filter, and that of every function.
        assert answer["filters"] in (["2"], []), answer
        assert answer["seen"] == []
    assert [answer["name"] for answer in seen] == ["f", "g", "f", "g"]
    for what in ("random", "uuid", "urandom", "ssl", "temporary"):
        assert len({answer[what] for answer in seen}) == 4, what
    # The zygote ends: what it has forked goes on, and another takes its place.
    (zygote,) = zygotes(server)
    os.kill(zygote, signal.SIGKILL)
    wait_until(lambda: zygote not in ahead_of_need(server), 60, "the zygote's end")
    assert server.invoke("g")["name"] == "g"
    for _ in range(10):
        # More than are waiting: these take what is there, and are executed or forked where nothing is.
        assert cold(server, "f")["name"] == "f"
    wait_until(lambda: [pid for pid in zygotes(server) if pid != zygote], 120, "another zygote")
    server.terminate()


def test_a_killed_server_leaves_no_zygote(make_server):
    server = make_server("--pool", "fork")
    server.deploy("f", "import time\ndef handler(event, context): time.sleep(event['seconds'])")
    wait_until(lambda: len(forked(server)) >= 2, 60, "two forked environments")
    for _ in range(2):
        # Idle ones beside those that wait.
        server.client().invoke(FunctionName="f", InvocationType="Event", Payload=b'{"seconds": 1}')
    wait_until(lambda: len(forked(server)) >= 2, 60, "two more")
    spawner = server.spawner
    server.kill()
    wait_until(lambda: not pathlib.Path(f"/proc/{spawner}").exists(), 60, "the spawner's end")
    server.start()
    assert server.invoke("f", {"seconds": 0}) is None


def test_without_forks_each_is_executed(make_server):
    server = make_server("--pool", "blank")
    server.deploy("f", "import os\ndef handler(event, context): return os.getpid()")
    wait_until(lambda: len(waiting(server)) >= 2, 60, "two blank environments")
    assert (zygotes(server), forked(server)) == ([], [])
    assert server.invoke("f") > 1


def test_by_itself_it_forks_where_each_keeps_its_limits(make_server):
    """Without CAP_SYS_RESOURCE root can't take away the limit of what all have together."""
    server = make_server()
    server.deploy("f", "def handler(event, context): return 1")
    wait_until(lambda: len(waiting(server)) >= 2, 60, "two blank environments")
    status = pathlib.Path("/proc/self/status").read_text()
    may_raise = int(status.split("CapEff:")[1].split()[0], 16) >> 24 & 1
    assert len(zygotes(server)) == (1 if os.geteuid() != 0 or may_raise else 0)


def test_without_a_pool_there_are_none(make_server):
    server = make_server("--pool", "exec")
    server.deploy("f", "import sys\ndef handler(event, context): return 'ssl' in sys.modules")
    for _ in range(3):
        assert cold(server, "f") is False
        assert waiting(server) == []


def test_the_initialisation_counts_from_the_assignment_on(server, name):
    source = """
import sys, time
ahead = "ssl" in sys.modules
time.sleep(0.3)
def handler(event, context): return {"ahead": ahead}
"""
    server.deploy(name, source)
    until_ahead(server, name)
    reports = [message for _, message in server.log(name) if message.startswith("REPORT")]
    times = [float(report.split("Init Duration: ")[1].split(" ms")[0]) for report in reports]
    assert times and all(300 <= taken < 20_000 for taken in times), times


def test_the_doctor_says_how_environments_begin(server):
    assert "ok  environments: Python's are forked from" in server.martlet("doctor", "--pool", "fork").stdout
    assert "ok  environments: Python's and Node.js's are started ahead" in server.martlet("doctor", "--pool", "blank").stdout
    assert "SnapStart is not available" in server.martlet("doctor", "--pool", "exec").stdout
    by_itself = server.martlet("doctor").stdout
    assert ("forked from" in by_itself) != ("no CAP_SYS_RESOURCE" in by_itself)


def test_a_program_of_the_functions_own_begins_in_walls_that_stand(make_server, name, primes):
    """Its sandbox is there before it is invoked, and nothing runs in it; with `--pool exec` it is not."""
    for mode, is_ahead in (("blank", True), ("exec", False)):
        server = make_server("--pool", mode)
        server.deploy(name, {"bootstrap": primes}, modes={"bootstrap": 0o755}, Runtime="provided.al2023", Handler="none")
        if is_ahead:
            wait_until(lambda: len(children(server.spawner)) >= 2, 60, "sandboxes ahead of need")
        before = set(children(server.spawner))
        assert bool(before) == is_ahead
        assert all(not children(init) for init in before)
        assert server.invoke(name, {"limit": 10}) == {"limit": 10, "primes": 4}
        home = next(init for init in children(server.spawner) if children(init))
        assert (home in before) == is_ahead
        # The next event finds the same process.
        running = children(home)
        assert server.invoke(name, {"limit": 100}) == {"limit": 100, "primes": 25}
        assert children(home) == running
