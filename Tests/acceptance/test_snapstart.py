# SPDX-License-Identifier: Apache-2.0
"""SnapStart: a published version is initialised once, and its environments are forked from that process."""

import concurrent.futures
import itertools
import json
import pathlib
import re

import pytest
from botocore.exceptions import ClientError, WaiterError

from harness import NODE, ROLE, SNAPSTART, children, wait_until, zip_of

pytestmark = pytest.mark.skipif(
    SNAPSTART is None, reason="needs root, for control groups, and a Python from 3.12 on: without them no version has a snapshot")
ON = {"SnapStart": {"ApplyOn": "PublishedVersions"}}


def deploy(server, name, source, **settings):
    server.deploy(name, source, **{"Runtime": SNAPSTART, **ON, **settings})


def publish(server, name, waits=True):
    client = server.client()
    version = client.publish_version(FunctionName=name)
    if waits:
        try:
            client.get_waiter("published_version_active").wait(
                FunctionName=name, Qualifier=version["Version"], WaiterConfig={"Delay": 0.2, "MaxAttempts": 300})
        except WaiterError:
            raise AssertionError(server.log(name)) from None
        version = client.get_function_configuration(FunctionName=name, Qualifier=version["Version"])
    return version


def optimized(server, name, source, **settings):
    """The number of a version with a snapshot."""
    deploy(server, name, source, **settings)
    version = publish(server, name)
    assert version["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}, server.log(name)
    return version["Version"]


def at_once(server, name, version, count, event=None):
    """Answers of so many environments: a client takes longer to make than an invocation, so they are made before."""
    clients = [server.client() for _ in range(count)]
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        calls = [
            pool.submit(client.invoke, FunctionName=name, Qualifier=version, Payload=json.dumps(event)) for client in clients
        ]
    answers = [(call.result(), call.result()["Payload"].read()) for call in calls]
    assert not any("FunctionError" in answer for answer, _ in answers), answers
    return [json.loads(body) for _, body in answers]


COUNTED = """
import os, random, socket, ssl, sys, time, uuid
marker = uuid.uuid4().hex
began = time.monotonic()
os.environ["SET_IN_INIT"] = marker
print("initialised", marker)

def handler(event, context):
    time.sleep((event or {}).get("sleep", 0))
    return {
        "marker": marker, "pid": os.getpid(), "parent": os.getppid(), "random": random.random(), "uuid": uuid.uuid4().hex,
        "tls": ssl.RAND_bytes(16).hex(), "began": began, "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"],
        "variables": dict(os.environ), "stream": context.log_stream_name,
        "shown": open("/proc/self/environ").read(),
        "status": [l for l in open("/proc/self/status") if l.startswith(("Cap", "NoNew", "Seccomp:", "Uid", "Gid", "Groups"))],
        "localhost": socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)[0][4][0],
        "descriptors": sorted(os.listdir("/proc/self/fd"), key=int), "host": socket.gethostname(), "path": sys.path,
    }
"""


def test_environments_begin_where_the_initialisation_ended(server, name):
    version = optimized(server, name, COUNTED)
    answers = at_once(server, name, version, 4, {"sleep": 3})
    assert len({answer["marker"] for answer in answers}) == 1
    assert {answer["began"] for answer in answers} == {answers[0]["began"]}
    for each in ("random", "uuid", "tls"):
        assert len({answer[each] for answer in answers}) == 4, each
    for answer in answers:
        assert answer["type"] == "snap-start" and answer["parent"] == 1
        assert answer["variables"]["SET_IN_INIT"] == answer["marker"]
        assert "AWS_LAMBDA_LOG_STREAM_NAME" not in answer["variables"] and answer["stream"] is None
        assert not [variable for variable in answer["variables"] if "MARTLET" in variable]
        assert "MARTLET" not in answer["shown"]
        assert "AWS_SECRET_ACCESS_KEY=" + answer["variables"]["AWS_SECRET_ACCESS_KEY"] in answer["shown"].split("\0")
    streams = {}
    for stream, message in server.log(name):
        streams.setdefault(stream, []).append(message)
    # One that was initialised, and four that were restored.
    first = [lines for lines in streams.values() if any("initialised" in line for line in lines)]
    assert len(first) == 1 and len(streams) == 5
    assert first[0][0].startswith("INIT_START Runtime Version: python:3.")
    assert re.fullmatch(r"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\t\n?", first[0][-1])
    for lines in streams.values():
        if lines is first[0]:
            continue
        assert lines[0].startswith("RESTORE_START Runtime Version: python:3.")
        assert re.fullmatch(r"RESTORE_REPORT Restore Duration: [\d.]+ ms\n?", lines[1])
        assert lines[2].startswith("START RequestId")
        assert re.search(r"Max Memory Used: \d+ MB\tRestore Duration: [\d.]+ ms\tBilled Restore Duration: \d+ ms\t", lines[-1])
        assert "Init Duration" not in lines[-1]


def test_what_a_restored_function_may_do_is_what_any_may(server, name):
    """Its walls are those of a function without SnapStart."""
    deploy(server, name, COUNTED)
    plain = server.invoke(name)
    assert plain["type"] == "on-demand"
    version = publish(server, name)["Version"]
    restored = server.invoke(name, Qualifier=version)
    assert restored["type"] == "snap-start"
    for each in ("status", "path", "host", "descriptors", "localhost"):
        assert restored[each] == plain[each], each


def test_hooks(server, name):
    version = optimized(server, name, """
import snapshot_restore_py as hooks
calls = []
hooks.register_before_snapshot(calls.append, "before-1")
hooks.register_before_snapshot(lambda *a, **k: calls.append(["before-2", a, k]), 1, x=2)

@hooks.register_after_restore
def after():
    calls.append("after-1")

hooks.register_after_restore(calls.append, "after-2")

def handler(event, context):
    return calls
""")
    for answer in at_once(server, name, version, 2):
        assert answer == [["before-2", [1], {"x": 2}], "before-1", "after-1", "after-2"]
    assert server.invoke(name) == []


def test_files_and_descriptors(server, name):
    """What the initialisation has left in /tmp and has open is each environment's own; connections are not there any more."""
    version = optimized(server, name, """
import asyncio, os, pathlib, select, socket, subprocess, time
pathlib.Path("/tmp/d").mkdir()
pathlib.Path("/tmp/d/a").write_text("abc")
os.chmod("/tmp/d/a", 0o640)
os.symlink("a", "/tmp/d/link")
written = open("/tmp/d/a", "r+")
written.read(1)
task = open("/var/task/app.py", "rb")
task.seek(7)
loop = asyncio.new_event_loop()
reading, writing = os.pipe()
event = os.eventfd(3)
poller = select.epoll()
poller.register(reading, select.EPOLLIN)
listening = socket.create_server(("127.0.0.1", 0))
connected = socket.create_connection(listening.getsockname())
listening.close()
finished = subprocess.run(["true"]).returncode

async def later():
    await asyncio.sleep(0.01)
    return await loop.run_in_executor(None, lambda: "from the loop")

def handler(event_, context):
    time.sleep(event_["sleep"])
    rest = written.read()
    written.write(event_["text"])
    written.flush()
    os.write(writing, b"x")
    polled = poller.poll(1)
    try:
        connected.sendall(b"x")
        connection = "works"
    except OSError as error:
        connection = type(error).__name__
    return {
        "rest": rest, "file": pathlib.Path("/tmp/d/link").read_text(), "mode": oct(os.stat("/tmp/d/a").st_mode & 0o777),
        "task": task.tell(), "piped": os.read(reading, 10).decode(), "polled": polled == [(reading, select.EPOLLIN)],
        "event": os.eventfd_read(event), "loop": loop.run_until_complete(later()), "connection": connection,
        "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], "blocking": os.get_blocking(reading),
    }
""")
    # Environments of their own: a handler changes what is in /tmp.
    for answer in at_once(server, name, version, 2, {"text": "one", "sleep": 3}):
        assert answer == {
            "type": "snap-start", "rest": "bc", "file": "abcone", "mode": "0o640", "task": 7, "piped": "x", "polled": True,
            "event": 3, "loop": "from the loop", "connection": "BrokenPipeError", "blocking": True}


@pytest.mark.parametrize("what, reason", [
    ("import threading, time\nthreading.Thread(target=time.sleep, args=(99,), name='beat', daemon=True).start()",
     "it has started threads that still run: beat"),
    ("import subprocess\nchild = subprocess.Popen(['sleep', '99'])", "it has started processes that run"),
    ("import mmap\nshared = mmap.mmap(-1, 4096)", "it shares memory with other processes"),
    ("import socket\nlistening = socket.create_server(('127.0.0.1', 0))", "is a socket that listens"),
    ("import os\nhidden = os.memfd_create('x')", "which has no name to open it by"),
], ids=["threads", "processes", "shared-memory", "listener", "memfd"])
def test_what_can_not_be_forked_starts_as_ever(server, name, what, reason):
    deploy(server, name, what + "\nimport os\ndef handler(event, context):\n    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n")
    version = publish(server, name)
    assert (version["State"], version["SnapStart"]["OptimizationStatus"]) == ("Active", "Off")
    assert server.invoke(name, Qualifier=version["Version"]) == "on-demand"
    said = wait_until(lambda: [text for _, text in server.log(name) if "SnapStart is kept" in text], 10, "the note")
    assert reason in said[0], said


def test_a_version_that_does_not_initialise_fails(server, name):
    deploy(server, name, "raise ValueError('no')\ndef handler(event, context):\n    pass\n")
    client = server.client()
    number = publish(server, name, waits=False)["Version"]
    version = wait_until(
        lambda: (lambda v: v if v["State"] != "Pending" else None)(
            client.get_function_configuration(FunctionName=name, Qualifier=number)), 60, "a state")
    assert (version["State"], version["StateReasonCode"]) == ("Failed", "FunctionError")
    assert version["StateReason"] == "The function failed to initialize: Runtime.Unknown"
    with pytest.raises(ClientError) as refused:
        client.invoke(FunctionName=name, Qualifier=number)
    assert refused.value.response["Error"]["Code"] == "ResourceConflictException"
    assert any("ValueError" in text for _, text in server.log(name))


def test_a_failing_before_hook_fails_the_version(server, name):
    deploy(server, name, """
import snapshot_restore_py
@snapshot_restore_py.register_before_snapshot
def before():
    raise KeyError("x")
def handler(event, context):
    pass
""")
    number = publish(server, name, waits=False)["Version"]
    version = wait_until(
        lambda: (lambda v: v if v["State"] != "Pending" else None)(
            server.client().get_function_configuration(FunctionName=name, Qualifier=number)), 60, "a state")
    assert version["StateReason"] == "The function failed to initialize: Runtime.BeforeSnapshotError"


@pytest.mark.parametrize("hook, error, line", [
    ("raise KeyError('x')", "SnapStartException", "Status: error\tError Type: Runtime.AfterRestoreError"),
    ("import time; time.sleep(60)", "SnapStartTimeoutException", "Status: timeout"),
], ids=["error", "timeout"])
def test_a_failing_after_hook_fails_the_invocation(server, name, hook, error, line):
    version = optimized(server, name, f"""
import snapshot_restore_py
@snapshot_restore_py.register_after_restore
def after():
    {hook}
def handler(event, context):
    pass
""")
    client = server.client()
    for call in (client.invoke, client.invoke_with_response_stream):
        with pytest.raises(ClientError) as refused:
            call(FunctionName=name, Qualifier=version)
        assert refused.value.response["Error"]["Code"] == error
    assert wait_until(
        lambda: [t for _, t in server.log(name) if t.startswith("RESTORE_REPORT") and line in t], 10, "the report")


def test_a_version_that_is_being_initialised_is_not_ready(server, name):
    deploy(server, name, "import time\ntime.sleep(2)\ndef handler(event, context):\n    return 1\n")
    client = server.client()
    version = publish(server, name, waits=False)
    assert (version["State"], version["StateReasonCode"]) == ("Pending", "Creating")
    for call in (client.invoke, client.invoke_with_response_stream):
        with pytest.raises(ClientError) as refused:
            call(FunctionName=name, Qualifier=version["Version"])
        assert refused.value.response["Error"]["Code"] == "SnapStartNotReadyException"
    client.get_waiter("published_version_active").wait(
        FunctionName=name, Qualifier=version["Version"], WaiterConfig={"Delay": 0.2, "MaxAttempts": 100})
    assert server.invoke(name, Qualifier=version["Version"]) == 1
    # The same again is the same version.
    assert client.publish_version(FunctionName=name)["Version"] == version["Version"]


def test_what_aws_has_no_snapshots_of_is_refused(server, name):
    client = server.client()
    request = {"FunctionName": name, "Handler": "app.handler", "Role": ROLE, "Code": {"ZipFile": zip_of({"app.py": ""})}, **ON}
    for runtime in ["python3.11", *([NODE] if NODE else []), "provided.al2023"]:
        with pytest.raises(ClientError) as refused:
            client.create_function(Runtime=runtime, **request)
        error = refused.value.response["Error"]
        assert error["Code"] == "InvalidParameterValueException"
        if "not installed" not in error["Message"]:
            assert error["Message"] == f"{runtime} is not supported for SnapStart enabled functions."
    version = optimized(server, name, "def handler(event, context):\n    pass\n")
    with pytest.raises(ClientError) as refused:
        client.put_provisioned_concurrency_config(
            FunctionName=name, Qualifier=version, ProvisionedConcurrentExecutions=1)
    assert "SnapStart" in refused.value.response["Error"]["Message"]


HOSTILE = """
import ctypes, os, socket, sys
# What comes after the fork is to give up what entering the sandbox gave it: this does not.
sys.modules["_martlet_zygote"]._Library.confine = lambda *a: None
library = ctypes.CDLL(None, use_errno=True)

def call(name, *arguments):
    ctypes.set_errno(0)
    return os.strerror(ctypes.get_errno()) if getattr(library, name)(*arguments) < 0 else "done"

def attempt(body):
    try:
        body()
        return "done"
    except OSError as error:
        return os.strerror(error.errno)

def handler(event, context):
    tcp = socket.socket()
    return {
        "capabilities": [l.split()[1] for l in open("/proc/self/status") if l.startswith("CapEff")][0],
        "mount": call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
        "unmount": call("umount2", b"/proc", 2),
        "unshare": call("unshare", 0x10000000),
        "chroot": call("chroot", b"/tmp"),
        "hostname": call("sethostname", b"x", 1),
        "groups": call("setgroups", 0, None),
        "trace": call("ptrace", 16, 1, 0, 0),
        "netlink": attempt(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)),
        "packets": attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)),
        "tables": attempt(lambda: tcp.setsockopt(socket.SOL_IP, 64, bytes(96))),
        "device": attempt(lambda: os.mknod("/tmp/d", 0o020600, os.makedev(1, 1))),
        "init-memory": attempt(lambda: open("/proc/1/mem", "rb")),
        "init-root": attempt(lambda: os.listdir("/proc/1/root/")),
        "init-files": attempt(lambda: os.listdir("/proc/1/fd")),
        "settings": attempt(lambda: open("/proc/sys/net/ipv4/ip_forward", "w")),
        "init": attempt(lambda: os.kill(1, 9)),
        "zygote": attempt(lambda: os.kill(os.getpid(), 0)),
    }
"""


def test_one_that_keeps_its_capabilities_can_do_nothing_with_them(server, name):
    """The process that environments are forked from runs a function's code: what it does not do as it should gains it nothing."""
    version = optimized(server, name, HOSTILE, MemorySize=256)
    seen = server.invoke(name, Qualifier=version)
    done = {key for key, value in seen.items() if value == "done"}
    # A signal to init is taken, and has no effect: it answers the next invocation too.
    assert done <= {"init", "zygote"}, seen
    assert server.invoke(name, Qualifier=version)["capabilities"] == seen["capabilities"]


@pytest.mark.parametrize("what", [
    "os.write(4, b'ready')",
    "os.write(4, b'no \\n\\r\\x1b[31m' + b'x' * 1000)",
    "os.write(4, b'x' * 60000)",
    "sys.modules['_martlet_zygote'].serve = lambda settle: (time.sleep(1), os._exit(0))",
    "sys.modules['_martlet_zygote'].serve = lambda settle: time.sleep(9999)",
    "sys.modules['_martlet_zygote']._Library.fork_into = lambda *a: os.fork()",
    "sys.modules['_martlet_zygote']._settle_in = lambda *a: os._exit(0)",
    "sys.modules['_martlet_zygote']._settle_in = lambda *a: time.sleep(9999)",
    "sys.modules['_martlet_zygote']._settle_in = lambda *a: (os.fork(), os.fork(), time.sleep(9999))",
], ids=["says-ready", "says-no", "says-much", "ends", "hangs", "stays", "child-ends", "child-hangs", "children-hang"])
def test_one_that_does_not_fork_as_it_should_is_done_without(make_server, what):
    server = make_server()
    deploy(server, "bad", f"""
import os, sys, time
if os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start":
    {what}
def handler(event, context):
    return os.getpid()
""")
    version = publish(server, "bad")
    assert version["State"] == "Active"
    assert server.invoke("bad", Qualifier=version["Version"]) > 0
    server.deploy("good", "def handler(event, context):\n    return 1\n")
    assert server.invoke("good") == 1
    # Nothing is left of it: the server sees to that when it ends.
    server.client().delete_function(FunctionName="bad")
    assert server.terminate() == 0
    server.assert_nothing_left()


@pytest.mark.parametrize("what", [
    "sys.modules['_martlet_zygote'].serve = lambda settle: os._exit(0)",
    "os.close(4)",
    "os.dup2(os.open('/dev/null', os.O_RDWR), 4)",
], ids=["ends", "closes", "replaces"])
def test_one_that_ends_with_its_initialisation_makes_no_version_or_an_ordinary_one(make_server, what):
    """Whether its end or its last request is seen first, nobody can say: it has initialised, or it has ended before."""
    server = make_server()
    deploy(server, "bad", f"""
import os, sys
if os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start":
    {what}
def handler(event, context):
    return os.getpid()
""")
    number = publish(server, "bad", waits=False)["Version"]
    version = wait_until(
        lambda: (lambda shown: shown if shown["State"] != "Pending" else None)(
            server.client().get_function_configuration(FunctionName="bad", Qualifier=number)), 60, "a state")
    if version["State"] == "Active":
        assert server.invoke("bad", Qualifier=number) > 0
    else:
        assert (version["State"], version["StateReasonCode"]) == ("Failed", "FunctionError"), version
        assert "Runtime.ExitError" in version["StateReason"]
    server.client().delete_function(FunctionName="bad")
    assert server.terminate() == 0
    server.assert_nothing_left()


SPYING = """
import os, sys, time
zygote = sys.modules.get("_martlet_zygote")

def spy():
    # In the sandbox that is forked from, where those below it show in /proc from their first moment.
    if os.fork() != 0:
        return
    seen, found = set(), set()
    end = time.monotonic() + 3
    while time.monotonic() < end:
        for process in filter(str.isdigit, os.listdir("/proc")):
            try:
                if open(f"/proc/{process}/comm").read() != "martlet-spawner\\n":
                    continue
            except OSError:
                continue
            if process not in seen:
                seen.add(process)
                os.write(1, b"saw %s\\n" % process.encode())
            for name, attempt in (
                    ("root", lambda p: os.listdir(p + "/")), ("fd", os.listdir), ("ns/mnt", lambda p: os.open(p, os.O_RDONLY)),
                    ("mem", lambda p: os.open(p, os.O_RDWR)), ("environ", lambda p: open(p, "rb").read()), ("exe", os.readlink)):
                try:
                    attempt(f"/proc/{process}/{name}")
                except OSError:
                    continue
                if (process, name) not in found:
                    found.add((process, name))
                    os.write(1, b"looked at %s of %s\\n" % (name.encode(), process.encode()))
    os._exit(0)

if zygote:
    fork_into = zygote._Library.fork_into
    def spied(*arguments):
        spy()
        time.sleep(0.5)
        return fork_into(*arguments)
    zygote._Library.fork_into = spied

def handler(event, context):
    time.sleep(1)
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
"""


def test_what_is_made_below_does_not_let_itself_be_looked_at(server, name):
    """Not for a moment: it is the spawner's program until its walls stand, in the machine's namespaces at first."""
    version = optimized(server, name, SPYING, MemorySize=512)
    for _ in range(3):
        assert "snap-start" in at_once(server, name, version, 6)
    # Its log is complete when it has ended.
    server.client().delete_function(FunctionName=name, Qualifier=version)
    said = wait_until(
        lambda: (lambda lines: lines if len({l for l in lines if l.startswith("saw")}) > 3 else None)(
            [text for _, text in server.log(name)]), 20, "what was seen")
    assert not [line for line in said if line.startswith("looked")]


def test_a_process_that_is_never_waited_for_holds_up_no_end(make_server):
    server = make_server()
    version = optimized(server, "holds", """
import ctypes, os, sys, time
zygote = sys.modules.get("_martlet_zygote")
if zygote:
    fork_into = zygote._Library.fork_into
    libc = ctypes.CDLL(None)
    def holding(library, namespaces):
        if os.fork() == 0:
            libc.setns(namespaces[0], 0x10000000)
            libc.setns(namespaces[5], 0x20000000)
            if os.fork() == 0:
                os._exit(0)
            time.sleep(9999)
        return fork_into(library, namespaces)
    zygote._Library.fork_into = holding
def handler(event, context):
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
""")
    assert server.invoke("holds", Qualifier=version) == "snap-start"
    server.client().delete_function(FunctionName="holds")
    wait_until(lambda: not _inits(server, "holds"), 30, "the end of all that it had")
    assert server.terminate() == 0
    server.assert_nothing_left()


def test_after_a_crash_the_next_is_restored_anew(server, name):
    version = optimized(server, name, """
import os, uuid
marker = uuid.uuid4().hex
def handler(event, context):
    if event: os._exit(7)
    return [marker, os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]]
""")
    before = server.invoke(name, Qualifier=version)
    assert server.fail(name, 1, Qualifier=version)["errorType"] == "Runtime.ExitError"
    assert server.invoke(name, Qualifier=version) == before == [before[0], "snap-start"]


def test_a_server_that_was_started_anew_takes_it_again(make_server):
    source = """
import os, time, uuid
marker = uuid.uuid4().hex
def handler(event, context):
    time.sleep(event["sleep"] if event else 0)
    return [marker, os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]]
"""
    server = make_server()
    version = optimized(server, "again", source, Timeout=60)
    # Until the snapshot is there environments come without one, and stay: each look is for one more than there are.
    counts = itertools.count(2)
    first = server.invoke("again", Qualifier=version)
    server.kill()
    server.start()
    second = wait_until(
        lambda: next((answer for answer in at_once(server, "again", version, min(next(counts), 24), {"sleep": 1})
                      if answer[1] == "snap-start"), None), 120, "a snapshot")
    assert first[1] == "snap-start" and second[0] != first[0]


def test_without_blank_environments_there_are_no_snapshots(make_server):
    server = make_server("--pool", "exec")
    deploy(server, "plain", "import os\ndef handler(event, context):\n    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n")
    version = publish(server, "plain")
    assert version["SnapStart"]["OptimizationStatus"] == "Off"
    assert server.invoke("plain", Qualifier=version["Version"]) == "on-demand"
    assert wait_until(
        lambda: [t for _, t in server.log("plain") if "the server was started with --pool exec" in t], 10, "the note")


def test_a_restore_is_billed_by_what_the_hooks_take(server, name):
    version = optimized(server, name, """
import time, snapshot_restore_py
time.sleep(0.5)
@snapshot_restore_py.register_after_restore
def after():
    time.sleep(0.3)
def handler(event, context):
    return 1
""")
    server.invoke(name, Qualifier=version)
    server.invoke(name, Qualifier=version)
    first, second = (text for _, text in server.log(name) if text.startswith("REPORT"))
    billed = int(re.search(r"Billed Restore Duration: (\d+) ms", first)[1])
    assert billed >= 300 and float(re.search(r"\tRestore Duration: ([\d.]+) ms", first)[1]) > billed - 1
    assert "Restore" not in second and "Init Duration" not in first


def test_a_version_s_end_is_its_process_s(make_server):
    server = make_server()
    version = optimized(server, "ends", "def handler(event, context):\n    return 1\n")
    server.invoke("ends", Qualifier=version)
    # The process that is forked from, and the one that was; each below an init.
    before = _inits(server, "ends")
    assert before >= 2
    server.client().delete_function(FunctionName="ends", Qualifier=version)
    wait_until(lambda: _inits(server, "ends") <= before - 2, 30, "the end of both")


def _inits(server, name):
    """How many processes there are that run this function's code."""
    found = 0
    for process in descendants(server.spawner):
        try:
            found += b"AWS_LAMBDA_FUNCTION_NAME=" + name.encode() in pathlib.Path(f"/proc/{process}/environ").read_bytes()
        except OSError:
            continue
    return found


def descendants(pid):
    found = children(pid)
    return found + [other for child in found for other in descendants(child)]
