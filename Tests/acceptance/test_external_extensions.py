# SPDX-License-Identifier: Apache-2.0
"""External extensions: programs of a layer's extensions directory, from their start to their end."""

import base64
import json
import re
import time
import uuid

import pytest

from extension_programs import FUNCTION, TINY, layer_of, python_extension
from harness import wait_until

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def deploy(server, name, programs, code=FUNCTION, modes=None, **settings):
    """A function with a layer that has those programs in its extensions directory."""
    layer = "l-" + uuid.uuid4().hex[:12]
    arn = server.client().publish_layer_version(
        LayerName=layer, Content={"ZipFile": layer_of(programs, modes)})["LayerVersionArn"]
    settings.setdefault("MemorySize", 1024)
    server.deploy(name, code, Layers=[arn], **settings)


def lines(server, name):
    return [message.rstrip("\n") for _, message in server.log(name)]


def logged(server, name, pattern, count=1, seconds=60):
    """Waits until that many lines of the log match; all of the log then."""
    def look():
        found = lines(server, name)
        return found if sum(bool(re.search(pattern, line)) for line in found) >= count else None
    return wait_until(look, seconds, f"{count} times {pattern!r} in the log of {name}")


def tail(server, name, event=None):
    answer = server.client().invoke(FunctionName=name, Payload=json.dumps(event or {}), LogType="Tail")
    return json.loads(answer["Payload"].read()), base64.b64decode(answer["LogResult"]).decode()


def number(text, what):
    return float(re.search(rf"\t{what}: ([\d.]+) ms", text).group(1))


def extension_lines(found):
    return [line for line in found if line.startswith("EXTENSION")]


# The usual


WATCHER = """
identifier, body = register(["INVOKE", "SHUTDOWN"], **{"Lambda-Extension-Accept-Feature": "accountId"})
note({"registered": body, "variables": dict(os.environ), "directory": os.getcwd(), "arguments": sys.argv,
      "descriptors": sorted(os.listdir("/proc/self/fd"))[:3]})
print("watcher is here", flush=True)
while True:
    event = next_event(identifier)
    note(event)
    if event["eventType"] == "SHUTDOWN":
        print("watcher ends for", event["shutdownReason"], flush=True)
        sys.exit(0)
"""


def test_an_extension_registers_under_its_files_name_and_hears_of_invocations(server, name):
    deploy(server, name, {"watcher": python_extension(WATCHER), "listless": python_extension("wait(register([])[0])")},
           Environment={"Variables": {"MINE": "a value"}}, Timeout=60)
    for turn in (1, 2):
        seen = server.invoke(name, {"notes": "watcher", "atleast": turn + 1})
        assert len(seen["notes"]) == turn + 1
    first, invoke = seen["notes"][0], seen["notes"][2]
    assert first["registered"] == {
        "functionName": name, "functionVersion": "$LATEST", "handler": "app.handler", "accountId": "000000000000"}
    assert first["arguments"] == ["/opt/extensions/watcher"] and first["directory"] == "/"
    assert set(invoke) == {"eventType", "deadlineMs", "requestId", "invokedFunctionArn", "tracing"}
    assert (invoke["eventType"], invoke["requestId"], invoke["invokedFunctionArn"]) == (
        "INVOKE", seen["id"], seen["arn"])
    assert 0 < invoke["deadlineMs"] / 1000 - time.time() <= 60
    assert invoke["tracing"]["type"] == "X-Amzn-Trace-Id" and invoke["tracing"]["value"].startswith("Root=1-")
    # What the extension has of the function's variables, and what is the runtime's alone.
    variables = first["variables"]
    assert variables["MINE"] == "a value" and variables["AWS_LAMBDA_FUNCTION_NAME"] == name
    for shown in ("AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                  "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_INITIALIZATION_TYPE",
                  "PATH", "TZ"):
        assert shown in variables, shown
    for hidden in ("AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "LAMBDA_TASK_ROOT",
                   "LAMBDA_RUNTIME_DIR", "AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS"):
        assert hidden not in variables and hidden in seen["variables"] or hidden == "AWS_EXECUTION_ENV", hidden
    # `_` itself is what the shell-like env program sets.
    assert not [key for key in variables if key.startswith("_") and key != "_"]


def test_the_log_has_a_line_for_each_extension_and_what_they_write(server, name):
    deploy(server, name, {"watcher": python_extension(WATCHER), "listless": python_extension("wait(register([])[0])")})
    server.invoke(name)
    found = logged(server, name, "^REPORT")
    kinds = [line.split("\t")[0].split(" ")[0] for line in found]
    assert kinds == ["INIT_START", "watcher", "EXTENSION", "EXTENSION", "START", "END", "REPORT"], found
    assert extension_lines(found) == [
        "EXTENSION\tName: listless\tState: Ready\tEvents: []",
        "EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE, SHUTDOWN]"]


def test_the_json_format_has_platform_extension(server, name):
    deploy(server, name, {"watcher": python_extension(WATCHER)},
           LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "DEBUG"})
    server.invoke(name)
    found = [json.loads(line) for line in logged(server, name, "platform.report") if line.startswith("{")]
    types = [entry["type"] for entry in found if "type" in entry]
    assert types[:5] == [
        "platform.initStart", "platform.initRuntimeDone", "platform.extension", "platform.initReport", "platform.start"]
    entry = next(entry for entry in found if entry.get("type") == "platform.extension")
    assert entry["record"] == {"name": "watcher", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]}


def test_all_start_at_once_and_before_the_runtime(server, name):
    program = python_extension("""
note(time.monotonic())
time.sleep(2)
identifier, _ = register([])
note(time.monotonic())
wait(identifier)
""")
    # A busy machine may start one of them two seconds late, but hardly so each time.
    for number in range(5):
        each = f"{name}{number}"
        deploy(server, each, {"one": program, "two": program, "three": program},
               "import time\nLOADED = time.monotonic()\n" + FUNCTION.replace("return {", 'return {"loaded": LOADED, '))
        seen = [server.invoke(each, {"notes": extension}) for extension in ("one", "two", "three")]
        times = [answer["notes"] for answer in seen]
        assert seen[0]["loaded"] > max(registered for _, registered in times)
        if max(start for start, _ in times) < min(registered for _, registered in times):
            return
    raise AssertionError(times)


def test_an_extensions_share_in_init_duration_and_bill(server, name):
    deploy(server, name, {"worker": python_extension("""
identifier, _ = register(["INVOKE"])
time.sleep(1.2)
while True:
    next_event(identifier)
    time.sleep(4)
""")})
    # The initialisation lasts until the extension has asked for its first event.
    _, text = tail(server, name)
    assert number(text, "Init Duration") >= 1200
    assert number(text, "Duration") >= 4000
    assert number(text, "Billed Duration") >= number(text, "Duration") + number(text, "Init Duration")
    # The answer does not wait for the extension; the invocation does, and so does the next one.
    client = server.client()
    # The best of some, so that a busy machine does not decide it.
    took, durations = [], []
    while not took or (min(took) >= 3.9 or min(durations) >= 8000) and len(took) < 6:
        began = time.monotonic()
        client.invoke(FunctionName=name, Payload=b"{}")
        took.append(time.monotonic() - began)
        _, text = tail(server, name)
        durations.append(number(text, "Duration"))
        assert 4000 <= number(text, "Billed Duration")
    assert min(took) < 3.9 and 4000 <= min(durations) < 8000, (took, durations)


# The end


def test_an_idle_environments_extensions_are_told_and_end(make_server, name):
    server = make_server("--keep-alive", "1s")
    deploy(server, name, {"watcher": python_extension(WATCHER)})
    seen = 0
    # They have two seconds together, of which a busy machine may leave them little.
    for _ in range(5):
        server.invoke(name)
        try:
            found = logged(server, name, "^watcher ends for spindown", 1 + seen, 20)
        except AssertionError:
            continue
        # The runtime before the extensions.
        ends = [line for line in found if "ends for" in line or "asked to end" in line]
        if ends[-2:] == ["the runtime was asked to end", "watcher ends for spindown"]:
            return
        seen = ends.count("watcher ends for spindown")
    raise AssertionError(lines(server, name))


def test_a_servers_end_is_told_too_and_waits_two_seconds_at_most(make_server, name):
    server = make_server()
    deploy(server, name, {"watcher": python_extension(WATCHER)})
    deploy(server, name + "deaf", {"deaf": python_extension("""
identifier, _ = register(["SHUTDOWN"])
event = next_event(identifier)
print("deaf has", round(event["deadlineMs"] / 1000 - time.time(), 1), "s", flush=True)
time.sleep(60)
print("never written")
""")})
    told = []
    # A busy machine may leave them little of the two seconds.
    for _ in range(5):
        for each in (name, name + "deaf"):
            server.invoke(each)
        began = time.monotonic()
        assert server.terminate() == 0
        assert 1.5 < time.monotonic() - began < 50
        server.start()
        told = [line for line in lines(server, name + "deaf") if line.startswith("deaf has")]
        assert "never written" not in lines(server, name + "deaf")
        if told and "watcher ends for spindown" in lines(server, name):
            break
    assert "watcher ends for spindown" in lines(server, name)
    assert told and all(0 < float(line.split()[2]) <= 2.0 for line in told), told


@pytest.mark.parametrize("reason", ["timeout", "failure"])
def test_a_reset_is_told_and_everything_starts_anew(server, name, reason):
    function = name
    # The extension has two seconds, of which a busy machine may leave it little.
    for number in range(4):
        name = f"{function}{number}"
        deploy(server, name, {"watcher": python_extension(WATCHER)}, Timeout=10)
        before = server.invoke(name, {"notes": "watcher"})
        error = server.fail(name, {"sleep": 60} if reason == "timeout" else {"exit": 1})
        assert error["errorType"] == ("Sandbox.Timedout" if reason == "timeout" else "Runtime.ExitError")
        try:
            logged(server, name, f"^watcher ends for {reason}", seconds=15)
            break
        except AssertionError:
            if number == 3:
                raise
    after = server.invoke(name, {"notes": "watcher"})
    assert after["pid"] != before["pid"] or after["loads"] != before["loads"]
    # /tmp is kept: both lives of the extension are in it.
    kinds = [note.get("eventType", "start") for note in after["notes"]]
    assert kinds[:2] == ["start", "INVOKE"] and kinds.count("SHUTDOWN") == 1 and kinds.count("start") == 2
    assert kinds.index("SHUTDOWN") < len(kinds) - 1 - kinds[::-1].index("start")
    assert len(extension_lines(lines(server, name))) == 2


# Failures


def test_a_crash_in_an_invocation(server, name):
    deploy(server, name, {"fragile": python_extension("""
identifier, _ = register(["INVOKE"])
while True:
    next_event(identifier)
    if once("crash"):
        time.sleep(0.2)
        os._exit(3)
""")})
    error = server.fail(name, {"sleep": 25})
    assert error["errorType"] == "Extension.Crash"
    assert re.fullmatch(rf"RequestId: {UUID} Error: exit status 3", error["errorMessage"])
    found = logged(server, name, r"^REPORT .*\tStatus: error\tError Type: Extension.Crash$")
    assert any(re.match(rf"RequestId: {UUID} Error: exit status 3\b", line) for line in found)
    server.invoke(name)


def test_a_crash_between_invocations_fails_the_next(server, name):
    function, fragile = name, python_extension("""
identifier, _ = register(["INVOKE"])
while True:
    next_event(identifier)
    # The runtime is back by then; what follows happens while nothing is invoked.
    time.sleep(0.2)
    if once("crash"):
        threading.Timer(0.04, os._exit, [0]).start()
""")
    # On a busy machine it may crash while the first invocation is not quite over: that is the first one's.
    for number in range(5):
        name = f"{function}{number}"
        deploy(server, name, {"fragile": fragile})
        server.invoke(name, LogType="None")
        time.sleep(1)
        if not any("Error Type" in line for line in lines(server, name)):
            break
    error = server.fail(name)
    assert error["errorType"] == "Extension.Crash" and error["errorMessage"].endswith(" Error: exit code 0"), error
    server.invoke(name)


def test_an_init_error_names_itself_and_fails_the_invocation(server, name):
    deploy(server, name, {"keyless": python_extension("""
identifier, _ = register(["INVOKE"])
status = call("POST", "init/error", {"Lambda-Extension-Identifier": identifier,
              "Lambda-Extension-Function-Error-Type": "Extension.NoKey"},
              json.dumps({"errorMessage": "no key", "errorType": "NoKey", "stackTrace": []}))[0]
print("reported", status, flush=True)
sys.exit(1)
"""), "other": python_extension("wait(register([])[0])")})
    error = server.fail(name)
    assert error["errorType"] == "Extension.InitError" and error["errorMessage"].endswith("Error: exit status 1"), error
    found = logged(server, name, "^REPORT")
    assert found.count("reported 202") == 2
    failing = "EXTENSION\tName: keyless\tState: InitError\tEvents: [INVOKE]\tError Type: Extension.NoKey"
    assert found.count(failing) == 2
    reports = [line.split("\t", 1)[1] for line in found if line.startswith("INIT_REPORT")]
    assert reports == ["Phase: init\tStatus: error\tError Type: Extension.InitError",
                       "Phase: invoke\tStatus: error\tError Type: Extension.InitError"]


def test_an_exit_error_names_itself(server, name):
    deploy(server, name, {"weary": python_extension("""
identifier, _ = register(["INVOKE"])
while True:
    next_event(identifier)
    if once("error"):
        print("reported", call("POST", "exit/error", {
            "Lambda-Extension-Identifier": identifier, "Lambda-Extension-Function-Error-Type": "Extension.Weary"},
            "{}")[0], flush=True)
        sys.exit(1)
""")})
    error = server.fail(name, {"sleep": 25})
    assert error["errorType"] == "Extension.ExitError" and error["errorMessage"].endswith("Error: exit status 1"), error
    assert "reported 202" in logged(server, name, "^REPORT")
    server.invoke(name)


LAUNCH = {
    "not executable": ({"e": python_extension("")}, {"extensions/e": 0o644}, "permission denied", "PermissionDenied"),
    "no program": ({"e": b"\x00\x01\x02\x03"}, {}, "exec format error", "UnknownError"),
    "no interpreter": ({"e": "#!/opt/none\n"}, {}, "no such file or directory", "UnknownError"),
}


@pytest.mark.parametrize("what", LAUNCH)
def test_a_program_that_cannot_be_started(server, name, what):
    programs, modes, reason, word = LAUNCH[what]
    deploy(server, name, programs, modes=modes)
    error = server.fail(name)
    assert error["errorType"] == "Extension.LaunchError"
    assert error["errorMessage"].endswith(f"Error: fork/exec /opt/extensions/e: {reason}"), error
    found = logged(server, name, "^REPORT")
    assert extension_lines(found) == [f"EXTENSION\tName: e\tState: LaunchError\tEvents: []\tError Type: {word}"] * 2


def test_ten_are_started_and_eleven_are_not(server, name, compiled):
    tiny = compiled(TINY)
    deploy(server, name, {f"e{index:02}": tiny for index in range(10)})
    server.invoke(name)
    found = logged(server, name, "^REPORT")
    assert extension_lines(found) == [
        f"EXTENSION\tName: e{index:02}\tState: Ready\tEvents: [INVOKE, SHUTDOWN]" for index in range(10)]
    deploy(server, name + "x", {f"e{index:02}": tiny for index in range(11)})
    assert server.fail(name + "x")["errorType"] == "Extension.LaunchError"
    assert "EXTENSION\tName: e10\tState: LaunchError\tEvents: []\tError Type: TooManyExtensions" in lines(server, name + "x")


def test_hostile_names_and_what_is_no_program(server, name, compiled):
    tiny = compiled(TINY)
    # A directory is none; a link to a program is one, under its own name.
    deploy(server, name, {"directory/program": tiny, "link": ("../bin/tiny",), "../bin/tiny": tiny})
    server.invoke(name)
    assert extension_lines(logged(server, name, "^REPORT")) == [
        "EXTENSION\tName: link\tState: Ready\tEvents: [INVOKE, SHUTDOWN]"]
    for index, hostile in enumerate(["a b", "tab\tand\nline", "n" * 200, "é", "$(reboot)"]):
        each = f"{name}{index}"
        deploy(server, each, {hostile: tiny})
        if hostile == "$(reboot)":
            server.invoke(each)
            continue
        assert server.fail(each)["errorType"] == "Extension.LaunchError", hostile
        # Whatever it is called, it is one line of the log.
        assert len(extension_lines(lines(server, each))) == 2, hostile
    for kind, programs in (("none", {}), ("file", {"../extensions": tiny}), ("link", {"../extensions": ("bin",), "../bin/tiny": tiny})):
        deploy(server, name + kind, programs)
        server.invoke(name + kind)
        assert extension_lines(lines(server, name + kind)) == [], kind


def test_one_that_never_registers_costs_the_initialisation_ten_seconds(server, name):
    deploy(server, name, {"mute": python_extension("time.sleep(600)")}, "print('loading the function')\n" + FUNCTION, Timeout=2)
    began = time.monotonic()
    error = server.fail(name)
    assert error["errorType"] == "Sandbox.Timedout" and "Task timed out after 2.00 seconds" in error["errorMessage"]
    assert 11.9 < time.monotonic() - began < 60
    found = logged(server, name, "^REPORT")
    reports = [line.split("\t", 1)[1] for line in found if line.startswith("INIT_REPORT")]
    assert reports == ["Phase: init\tStatus: timeout", "Phase: invoke\tStatus: timeout"]
    assert extension_lines(found) == ["EXTENSION\tName: mute\tState: Started\tEvents: []"] * 2
    # The runtime never started.
    assert not [line for line in found if "loading the function" in line]


def test_one_that_registers_but_is_never_ready(server, name):
    deploy(server, name, {"slow": python_extension("""
identifier, _ = register(["INVOKE"])
if once("slow"):
    time.sleep(600)
wait(identifier)
""")}, Timeout=60)
    began = time.monotonic()
    # The rerun inside the invocation succeeds.
    server.invoke(name)
    assert 9.9 < time.monotonic() - began < 60
    assert extension_lines(lines(server, name)) == [
        "EXTENSION\tName: slow\tState: Registered\tEvents: [INVOKE]", "EXTENSION\tName: slow\tState: Ready\tEvents: [INVOKE]"]


def test_an_extension_may_not_have_what_is_anothers(server, name):
    """The protocol's refusals, from a program's side."""
    deploy(server, name, {"probe": python_extension("""
answers = [call("POST", "register", {"Lambda-Extension-Name": "probe"}, json.dumps({"events": ["REBOOT"]})),
           call("POST", "register", {"Lambda-Extension-Name": "other"}, json.dumps({"events": ["SHUTDOWN"]}))]
identifier, _ = register(["INVOKE", "SHUTDOWN"])
answers += [call("POST", "register", {"Lambda-Extension-Name": "probe"}, json.dumps({"events": []})),
            call("GET", "event/next", {"Lambda-Extension-Identifier": "00000000-0000-4000-8000-000000000000"}),
            call("POST", "exit/error", {"Lambda-Extension-Identifier": identifier}, "{}")]
note([[status, json.loads(body)["errorType"]] for status, headers, body in answers])
wait(identifier)
""")})
    assert server.invoke(name, {"notes": "probe"})["notes"][0] == [
        [403, "Extension.InvalidEventType"], [403, "Extension.InvalidEventType"], [403, "Extension.InvalidExtensionState"],
        [403, "Extension.UnknownExtensionIdentifier"], [403, "Extension.MissingHeader"]]


# Other people's clients


def test_awss_own_runtime_client_with_an_extension_in_awss_published_shape(server, name, client_packages):
    """Unmodified awslambdaric in a provided function, and an extension as AWS's examples write it, over requests."""
    bootstrap, runtime_files, extension = client_packages
    layer = "l-" + uuid.uuid4().hex[:12]
    arn = server.client().publish_layer_version(
        LayerName=layer, Content={"ZipFile": extension}, CompatibleRuntimes=["provided.al2023"])["LayerVersionArn"]
    server.deploy(
        name, {**runtime_files, "bootstrap": bootstrap, "app.py": FUNCTION}, modes={"bootstrap": 0o755},
        Runtime="provided.al2023", MemorySize=1024, Layers=[arn])
    for turn in range(3):
        seen = server.invoke(name, {})
        assert len(seen["id"]) == 36
    found = logged(server, name, "^REPORT", 3)
    assert extension_lines(found) == ["EXTENSION\tName: published-example\tState: Ready\tEvents: [INVOKE, SHUTDOWN]"]
    logged(server, name, r"^\[published-example\] Received event", 3)
    # It has two seconds, of which a busy machine may leave it little.
    for turn in range(4):
        server.client().update_function_configuration(FunctionName=name, Description=f"another revision {turn}")
        server.client().get_waiter("function_updated_v2").wait(FunctionName=name)
        try:
            logged(server, name, r"^\[published-example\] Received SHUTDOWN event\. Exiting\.", seconds=15)
            break
        except AssertionError:
            if turn == 3:
                raise
            server.invoke(name, {})
