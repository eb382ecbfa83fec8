# SPDX-License-Identifier: Apache-2.0
"""What becomes of an environment whose initialisation or runtime fails: reruns, resets, and what is said of them."""

import base64
import json
import re
import time

import pytest

from harness import NODE

COUNTING = """
import pathlib, time
mark = pathlib.Path('/tmp/count')
count = int(mark.read_text()) + 1 if mark.exists() else 1
mark.write_text(str(count))
print('loading', count)
"""
HANDLER = "\ndef handler(event, context): return count\n"


def platform_lines(server, name):
    """The first words of the platform's lines, and the rest of each."""
    pattern = re.compile(r"(INIT_START|INIT_REPORT|START|END|REPORT) (.*)\n?", re.DOTALL)
    return [match.groups() for _, message in server.log(name) if (match := pattern.fullmatch(message))]


def failed(server, name, event=None):
    """The error, and the tail of the log."""
    answer = server.client().invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
    body = answer["Payload"].read()
    assert answer.get("FunctionError") == "Unhandled", body
    return json.loads(body), base64.b64decode(answer["LogResult"]).decode()


def test_an_init_error_runs_again_in_the_first_invocation(server, name):
    server.deploy(name, COUNTING + "if count < 3: raise KeyError('no %d' % count)\n" + HANDLER)
    error, tail = failed(server, name)
    # The initialisation before it is no answer to anybody; the one inside it is.
    assert error["errorType"] == "KeyError" and "no 2" in error["errorMessage"] and error["requestId"] == ""
    order = re.findall(
        r"^(INIT_START|loading \d|INIT_REPORT.*Phase: \w+|START|END|REPORT)", tail, re.MULTILINE)
    order = [re.sub(r" Init Duration: .*ms", "", each).replace("\t", " ") for each in order]
    assert order == [
        "INIT_START", "loading 1", "INIT_REPORT Phase: init", "loading 2", "INIT_REPORT Phase: invoke", "START", "END",
        "REPORT"], tail
    for phase in ("init", "invoke"):
        assert re.search(rf"^INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: {phase}\tStatus: error\tError Type: \S+$",
                         tail, re.MULTILINE), tail
    report = re.search(r"REPORT RequestId: \S+\tDuration: (\S+) ms\tBilled Duration: (\d+) ms\t(.*)\n", tail)
    assert int(report[2]) == -int(-float(report[1]) // 1) or int(report[2]) == int(float(report[1])) + 1, report
    assert "Init Duration" not in report[3] and re.search(r"\tStatus: error\tError Type: \S+$", report[3]), report
    # The next one finds the environment as it was left, and initialises it once more.
    assert server.invoke(name) == 3
    assert len({stream for stream, _ in server.log(name)}) == 1
    assert server.invoke(name) == 3


def test_an_init_of_ten_seconds_is_cut_off_and_runs_again(server, name):
    # The best of three, so that a busy machine does not decide it.
    for number in range(3):
        each = f"{name}{number}"
        server.deploy(each, COUNTING + "if count == 1: time.sleep(100)\n" + HANDLER, Timeout=60)
        start = time.monotonic()
        answer = server.client().invoke(FunctionName=each, LogType="Tail")
        took = time.monotonic() - start
        assert json.loads(answer["Payload"].read()) == 2
        if took < 15:
            break
    assert 10 <= took < 20, took
    tail = base64.b64decode(answer["LogResult"]).decode()
    cut = re.search(r"INIT_REPORT Init Duration: (\S+) ms\tPhase: init\tStatus: timeout\n", tail)
    assert cut and 10_000 <= float(cut[1]) < 15_000, tail
    report = re.search(r"REPORT .*\tDuration: (\S+) ms\tBilled Duration: (\d+) ms\t.*", tail)
    assert float(report[1]) < 10_000 and "Init Duration" not in report[0], tail
    assert tail.index("loading 2") < tail.index("START RequestId"), tail


def test_a_rerun_that_overruns_the_functions_timeout(server, name):
    server.deploy(name, COUNTING + "if count == 1: raise KeyError\nif count == 2: time.sleep(100)\n" + HANDLER, Timeout=8)
    error, tail = failed(server, name)
    assert error["errorType"] == "Sandbox.Timedout" and "Task timed out after 8.00 seconds" in error["errorMessage"]
    assert re.search(r"INIT_REPORT Init Duration: \S+ ms\tPhase: invoke\tStatus: timeout\n", tail), tail
    assert re.search(r"REPORT .*\tStatus: timeout\n", tail), tail
    assert server.invoke(name) == 3


@pytest.mark.parametrize("files,handler,kind", [
    ({"app.py": "import absent"}, "app.handler", "Runtime.ImportModuleError"),
    ({"app.py": "def handler(:"}, "app.handler", "Runtime.UserCodeSyntaxError"),
    ({"app.py": "x = 1"}, "app.handler", "Runtime.HandlerNotFound"),
    ({"app.py": "x = 1"}, "other.handler", "Runtime.ImportModuleError"),
    ({"app.py": "x = 1"}, "handler", "Runtime.MalformedHandlerName"),
])
def test_what_python_cannot_load(server, name, files, handler, kind):
    server.deploy(name, files, Handler=handler)
    error, tail = failed(server, name)
    assert error["errorType"] == kind and error["requestId"] == "", error
    assert re.search(rf"Phase: init\tStatus: error\tError Type: {kind}\n", tail), tail
    assert re.search(rf"Phase: invoke\tStatus: error\tError Type: {kind}\n", tail), tail
    assert re.search(rf"REPORT .*\tStatus: error\tError Type: {kind}\n", tail), tail


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("files,handler,kind", [
    ({"index.js": "require('absent')"}, "index.handler", "Runtime.ImportModuleError"),
    ({"index.js": "exports.handler = (;"}, "index.handler", "Runtime.UserCodeSyntaxError"),
    ({"index.js": "exports.x = 1"}, "index.handler", "Runtime.HandlerNotFound"),
    ({"index.js": "exports.x = 1"}, "other.handler", "Runtime.ImportModuleError"),
    ({"index.js": "exports.x = 1"}, "handler", "Runtime.MalformedHandlerName"),
])
def test_what_node_cannot_load(server, name, files, handler, kind):
    server.deploy(name, files, Runtime=NODE, Handler=handler)
    error, tail = failed(server, name)
    assert error["errorType"] == kind, error
    assert re.search(rf"Phase: init\tStatus: error\tError Type: {kind}\n", tail), tail
    assert re.search(rf"REPORT .*\tStatus: error\tError Type: {kind}\n", tail), tail


# The first bytes of a program for aarch64, and for x86_64 where the machine is an aarch64.
def foreign_program():
    import platform

    machine = 0xB7 if platform.machine() == "x86_64" else 0x3E
    return b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\0" + bytes([machine, 0]) + b"\x01\0\0\0" + b"\0" * 1_000


@pytest.mark.parametrize("files,modes,text", [
    ({"readme": "x"}, {}, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
    ({"bootstrap": "#!/bin/sh\n"}, {}, "fork/exec /var/task/bootstrap: permission denied"),
    ({"bootstrap": foreign_program()}, {"bootstrap": 0o755}, "fork/exec /var/task/bootstrap: exec format error"),
    ({"bootstrap": "echo no shebang\n"}, {"bootstrap": 0o755}, "fork/exec /var/task/bootstrap: exec format error"),
], ids=["missing", "not executable", "another machine's", "text"])
def test_a_bootstrap_that_cannot_be_run(server, name, files, modes, text):
    server.deploy(name, files, modes=modes, Runtime="provided.al2023", Handler="x")
    for _ in range(2):
        error, tail = failed(server, name)
        assert error["errorType"] == "Runtime.InvalidEntrypoint"
        assert re.fullmatch(rf"RequestId: \S+ Error: {re.escape(text)}", error["errorMessage"]), error
        assert re.search(r"REPORT .*\tStatus: error\tError Type: Runtime.InvalidEntrypoint\n", tail), tail
        assert f"Error: {text}\nRuntime.InvalidEntrypoint\n" in tail, tail


ENDS = [
    ("os._exit(1)", "Runtime exited with error: exit status 1"),
    ("os._exit(255)", "Runtime exited with error: exit status 255"),
    ("os._exit(0)", "Runtime exited without providing a reason"),
    ("os.kill(os.getpid(), signal.SIGKILL)", "Runtime exited with error: signal: killed"),
    ("os.kill(os.getpid(), signal.SIGTERM)", "Runtime exited with error: signal: terminated"),
    ("os.abort()", "Runtime exited with error: signal: aborted"),
    ("ctypes.string_at(0)", "Runtime exited with error: signal: segmentation fault"),
]


@pytest.mark.parametrize("end,message", ENDS, ids=[end for end, _ in ENDS])
def test_a_runtime_that_ends(server, name, end, message):
    """In its initialisation, and in an invocation: each time it is said in the same words."""
    imports = "import ctypes, os, signal\n"
    server.deploy(name, imports + COUNTING + f"if count < 3: {end}\n" + HANDLER)
    error, tail = failed(server, name)
    assert error["errorType"] == "Runtime.ExitError" and error["errorMessage"].endswith(f" Error: {message}"), error
    assert re.search(r"Phase: init\tStatus: error\tError Type: Runtime.ExitError\n", tail), tail
    assert re.search(r"Phase: invoke\tStatus: error\tError Type: Runtime.ExitError\n", tail), tail
    assert server.invoke(name) == 3

    server.deploy(name + "x", imports + COUNTING + f"def handler(event, context):\n    if event: {end}\n    return count\n")
    assert server.invoke(name + "x") == 1
    error, tail = failed(server, name + "x", 1)
    assert error["errorType"] == "Runtime.ExitError" and error["errorMessage"].endswith(f" Error: {message}"), error
    assert "INIT_REPORT" not in tail, tail
    assert re.search(r"REPORT .*\tStatus: error\tError Type: Runtime.ExitError\n", tail), tail
    assert f"Error: {message}\nRuntime.ExitError\n" in tail, tail
    assert server.invoke(name + "x") == 2


def test_what_a_reset_keeps_and_loses(server, name):
    server.deploy(name, """
import os, pathlib, time, uuid
identity = str(uuid.uuid4())
calls = 0
def handler(event, context):
    global calls
    calls += 1
    pathlib.Path('/dev/shm/mark').touch()
    seen = sorted(p.name for p in pathlib.Path('/tmp').iterdir())
    pathlib.Path('/tmp/%d' % len(seen)).write_text('x')
    if event == 'crash': os._exit(9)
    if event == 'overrun': time.sleep(100)
    return {'tmp': seen, 'calls': calls, 'identity': identity, 'stream': context.log_stream_name}
""", Timeout=8)
    first = server.invoke(name)
    assert (first["tmp"], first["calls"]) == ([], 1)
    assert server.fail(name, "crash")["errorType"] == "Runtime.ExitError"
    second = server.invoke(name)
    assert (second["tmp"], second["calls"]) == (["0", "1"], 1)
    assert server.fail(name, "overrun")["errorType"] == "Sandbox.Timedout"
    third = server.invoke(name)
    assert (third["tmp"], third["calls"]) == (["0", "1", "2", "3"], 1)
    assert len({each["identity"] for each in (first, second, third)}) == 3
    assert {each["stream"] for each in (first, second, third)} == {stream for stream, _ in server.log(name)}
    # A timeout has no line of its own any more, and a rerun that went well has none either.
    lines = platform_lines(server, name)
    assert [word for word, _ in lines] == ["INIT_START"] + ["START", "END", "REPORT"] * 5, lines
    reports = [rest for word, rest in lines if word == "REPORT"]
    assert ["Init Duration" in rest for rest in reports] == [True, False, False, False, False]
    assert [rest.rpartition("MB\t")[2] for rest in reports[1:]] == [
        "Status: error\tError Type: Runtime.ExitError\n", "\n", "Status: timeout\n", "\n"]
