# SPDX-License-Identifier: Apache-2.0
"""Invoke: results, errors, limits, logs."""

import base64
import json
import re
import time

import botocore.exceptions
import pytest

from harness import wait_until

ECHO = "def handler(event, context): return event"


def test_results_are_what_the_handler_returned(server, name):
    server.deploy(name, ECHO)
    for event in (None, 0, "ünïcode \u2028 😀", [], {"a": {"b": [1, 2.5, None, True]}}):
        assert server.invoke(name, event) == event
    assert json.loads(server.client().invoke(FunctionName=name)["Payload"].read()) == {}


def test_headers_and_log_tail(server, name):
    server.deploy(name, "def handler(event, context):\n    print('x' * 1000 + str(event))\n")
    answer = server.client().invoke(FunctionName=name, Payload="1", LogType="Tail")
    assert answer["StatusCode"] == 200 and answer["ExecutedVersion"] == "$LATEST"
    request = answer["ResponseMetadata"]["RequestId"]
    log = base64.b64decode(answer["LogResult"]).decode()
    assert len(log) <= 4096
    assert f"START RequestId: {request} Version: $LATEST\n" in log and f"END RequestId: {request}\n" in log
    report = rf"REPORT RequestId: {request}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t" \
        r"Max Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t\n"
    assert re.search(report, log), log
    assert "LogResult" not in server.client().invoke(FunctionName=name, LogType="None")
    warm = base64.b64decode(server.client().invoke(FunctionName=name, LogType="Tail")["LogResult"]).decode()
    assert "Init Duration" not in warm
    server.deploy(name + "-long", "def handler(event, context):\n    for i in range(500): print('line', i, 'y' * 80)\n")
    tail = base64.b64decode(server.client().invoke(FunctionName=name + "-long", LogType="Tail")["LogResult"])
    assert len(tail) == 4096 and b"REPORT" in tail


@pytest.mark.parametrize("source,kind,message", [
    ("def handler(event, context): raise ValueError('no')", "ValueError", "no"),
    ("raise KeyError('at import')\ndef handler(event, context): pass", "KeyError", "at import"),
    ("import absent_module", "Runtime.ImportModuleError", "absent_module"),
    ("x = 1", "Runtime.HandlerNotFound", "handler"),
    ("def handler(:", "Runtime.UserCodeSyntaxError", "app"),
    ("def handler(event, context): return object()", "Runtime.MarshalError", "object"),
    ("import os\ndef handler(event, context): os._exit(3)", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
    ("import os\ndef handler(event, context): os._exit(0)", "Runtime.ExitError", "Runtime exited without providing a reason"),
    ("import os\ndef handler(event, context): os.kill(os.getpid(), 9)", "Runtime.ExitError", "signal: killed"),
])
def test_function_errors(server, name, source, kind, message):
    server.deploy(name, source)
    error = server.fail(name)
    assert error["errorType"] == kind and message in error["errorMessage"], error
    # The next one meets a fresh process, and the same error.
    assert server.fail(name)["errorType"] == kind


def test_a_crash_does_not_disturb_the_next_call(server, name):
    server.deploy(name, "import os\ndef handler(event, context):\n    if event: os.abort()\n    return 'fine'\n")
    for event in (0, 1, 0, 1, 1, 0):
        if event:
            server.fail(name, event)
        else:
            assert server.invoke(name, event) == "fine"


def test_timeouts_are_exact(server, name):
    server.deploy(name, "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'ok'\n", Timeout=2)
    assert server.invoke(name, 0) == "ok"
    client = server.client()
    late = []
    # What the machine does besides may delay one of them; never may one be early.
    while len(late) < 3 or (min(late) > 0.07 and len(late) < 12):
        start = time.monotonic()
        answer = client.invoke(FunctionName=name, Payload="60", LogType="Tail")
        late.append(time.monotonic() - start - 2)
        error = json.loads(answer["Payload"].read())
        assert answer["FunctionError"] == "Unhandled"
        assert error["errorType"] == "Sandbox.Timedout"
        assert error["errorMessage"].endswith("Error: Task timed out after 2.00 seconds")
        # The processes are new, and have no longer to start than the invocation has.
        wait_until(lambda: json.loads(client.invoke(FunctionName=name, Payload="0")["Payload"].read()) == "ok", 60, "ok")
    assert min(late) >= 0 and min(late) <= 0.07, late


def test_a_timeout_kills_the_whole_tree_and_keeps_tmp(server, name):
    server.deploy(name, """
import os, pathlib, subprocess, time
def handler(event, context):
    mark = pathlib.Path('/tmp/mark')
    if event == 'look':
        return [mark.exists(), [p for p in os.listdir('/proc') if p.isdigit() and 'sleep' in open(f'/proc/{p}/cmdline').read()]]
    mark.write_text('x')
    subprocess.Popen(['setsid', 'sleep', '1000'], start_new_session=True)
    time.sleep(60)
""", Timeout=8)
    assert server.fail(name)["errorType"] == "Sandbox.Timedout"
    assert server.invoke(name, "look") == [True, []]


def test_out_of_memory_is_named(server, name):
    server.deploy(name, "def handler(event, context):\n    return len(bytearray(event << 20))\n", MemorySize=128)
    assert server.invoke(name, 20) == 20 << 20
    error = server.fail(name, 400)
    assert error["errorType"] == "Runtime.OutOfMemory" and "signal: killed" in error["errorMessage"]
    assert server.invoke(name, 20) == 20 << 20


def test_payload_limits(server, name):
    server.deploy(name, "def handler(event, context):\n    return 'x' * event if isinstance(event, int) else len(event)\n")
    client = server.client()
    limit = 6_291_456
    assert json.loads(client.invoke(FunctionName=name, Payload='"' + "a" * (limit - 2) + '"')["Payload"].read()) == limit - 2
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        client.invoke(FunctionName=name, Payload='"' + "a" * (limit - 1) + '"')
    assert raised.value.response["Error"]["Code"] in ("RequestTooLargeException", "RequestEntityTooLargeException")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    most = 6_291_556 - 2
    assert len(server.invoke(name, most)) == most
    error = server.fail(name, most + 1)
    assert error["errorType"] == "Function.ResponseSizeTooLarge"
    assert server.invoke(name, 1) == "x"


@pytest.mark.parametrize("body", [b"{", b"\xff", b"nul", b"{} {}", b"[1,]", b'"\x01"', b"'a'", b"[" * 100_000])
def test_a_body_that_is_not_json_is_refused(server, name, body):
    server.deploy(name, ECHO)
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        server.client().invoke(FunctionName=name, Payload=body)
    assert raised.value.response["Error"]["Code"] == "InvalidRequestContentException"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_dry_run_and_absent_functions(server, name):
    client = server.client()
    for kind in ("RequestResponse", "DryRun"):
        with pytest.raises(botocore.exceptions.ClientError) as raised:
            client.invoke(FunctionName=name, InvocationType=kind)
        assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"
    server.deploy(name, "import os\nos._exit(1)")
    answer = client.invoke(FunctionName=name, InvocationType="DryRun")
    assert answer["StatusCode"] == 204 and answer["Payload"].read() == b""


def test_names_and_arns(server, name):
    server.deploy(name, "def handler(event, context): return context.invoked_function_arn")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    for form, expected in (
            (name, arn), (arn, arn), (f"000000000000:function:{name}", arn), (f"{arn}:$LATEST", f"{arn}:$LATEST"),
            (f"{name}:$LATEST", f"{arn}:$LATEST")):
        assert server.invoke(form) == expected
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        server.client().invoke(FunctionName=name, Qualifier="7")
    assert raised.value.response["Error"]["Message"] == f"Function not found: {arn}:7"


def test_context_and_environment(server, name):
    server.deploy(name, """
import os
seen = []
def handler(event, context):
    seen.append(1)
    return {
        'left': context.get_remaining_time_in_millis(), 'id': context.aws_request_id, 'name': context.function_name,
        'memory': context.memory_limit_in_mb, 'group': context.log_group_name, 'stream': context.log_stream_name,
        'client': context.client_context.custom if context.client_context else None, 'calls': len(seen),
        'env': {k: os.environ.get(k) for k in ('AA', 'TZ', 'LAMBDA_TASK_ROOT', '_HANDLER', 'AWS_REGION',
            'AWS_LAMBDA_FUNCTION_NAME', 'AWS_LAMBDA_FUNCTION_MEMORY_SIZE', 'AWS_EXECUTION_ENV')}, 'cwd': os.getcwd()}
""", Timeout=60, Environment={"Variables": {"AA": "ü =\n"}})
    client = server.client()
    custom = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
    answer = client.invoke(FunctionName=name, ClientContext=custom)
    result = json.loads(answer["Payload"].read())
    assert 30_000 < result.pop("left") <= 60_000
    assert result.pop("id") == answer["ResponseMetadata"]["RequestId"]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", result.pop("stream"))
    environment = result.pop("env")
    assert environment.pop("AWS_EXECUTION_ENV").startswith("AWS_Lambda_python3.")
    assert environment == {
        "AA": "ü =\n", "TZ": ":UTC", "LAMBDA_TASK_ROOT": "/var/task", "_HANDLER": "app.handler",
        "AWS_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_NAME": name, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"}
    assert result == {
        "name": name, "memory": "128", "group": f"/aws/lambda/{name}", "client": {"k": "v"}, "calls": 1,
        "cwd": "/var/task"}
    assert server.invoke(name)["calls"] == 2
