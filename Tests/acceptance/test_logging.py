# SPDX-License-Identifier: Apache-2.0
"""LoggingConfig, trace headers, and wrappers: what a function is started with, and what is written of it."""

import base64
import json
import re

import botocore.exceptions
import pytest

from harness import NODE

HEADER = re.compile(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01];Lineage=\d+:[0-9a-f]{8}:\d+")


def invoke(server, name, event=None, trace=None):
    """The result, the log's tail, and the answer's header."""
    client = server.client()
    if trace:
        client.meta.events.register(
            "before-call.lambda.Invoke", lambda params, **_: params["headers"].update({"X-Amzn-Trace-Id": trace}))
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    return json.loads(answer["Payload"].read()), base64.b64decode(answer["LogResult"]).decode(), headers.get("x-amzn-trace-id")


def events(lines):
    return [json.loads(line) for line in lines if line.startswith('{"time"')]


# Log format and levels


def test_the_json_format_from_initialisation_to_report(server, name):
    server.deploy(
        name, "import logging\ndef handler(event, context):\n    logging.getLogger().info('hello')\n    return 'x' * 10\n",
        LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "DEBUG", "ApplicationLogLevel": "INFO"})
    _, tail, _ = invoke(server, name)
    written = events(tail.splitlines())
    assert [event["type"] for event in written] == [
        "platform.initStart", "platform.initRuntimeDone", "platform.initReport", "platform.start", "platform.runtimeDone",
        "platform.report"], tail
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"]) for event in written)
    begin, done, init, start, runtime, report = (event["record"] for event in written)
    assert (begin["initializationType"], begin["phase"], begin["functionName"]) == ("on-demand", "init", name)
    configuration = server.client().get_function_configuration(FunctionName=name)
    assert begin["runtimeVersionArn"] == configuration["RuntimeVersionConfig"]["RuntimeVersionArn"]
    assert done == {"initializationType": "on-demand", "phase": "init", "status": "success"}
    assert init["status"] == "success" and init["metrics"]["durationMs"] > 0
    assert start == {"requestId": report["requestId"], "version": "$LATEST"}
    assert runtime["metrics"]["producedBytes"] == 12 and runtime["status"] == "success"
    assert [span["name"] for span in runtime["spans"]] == ["responseLatency", "runtimeOverhead"]
    metrics = report["metrics"]
    assert report["status"] == "success" and metrics["memorySizeMB"] == 128 and 0 < metrics["maxMemoryUsedMB"] <= 128
    assert metrics["billedDurationMs"] == -int(-(metrics["durationMs"] + metrics["initDurationMs"]) // 1)
    own = [json.loads(line) for line in tail.splitlines() if "hello" in line]
    assert len(own) == 1 and own[0]["level"] == "INFO" and own[0]["requestId"] == report["requestId"]


def test_levels_leave_out_what_is_below(server, name):
    server.deploy(name, """
import logging
def handler(event, context):
    print('plain')
    for level in ('debug', 'info', 'warning', 'error'):
        getattr(logging.getLogger(), level)('a ' + level)
        print('{"level": "%s", "timestamp": "2026-01-01T00:00:00Z", "message": "printed %s"}' % (level, level))
    if event: raise ValueError
""", LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "WARN", "ApplicationLogLevel": "WARN"})
    _, tail, _ = invoke(server, name)
    assert re.findall(r"(?:a|printed) (?:debug|info|warning|error)", tail) == [
        "a warning", "printed warning", "a error", "printed error"], tail
    assert "platform." not in tail and "plain" not in tail
    _, tail, _ = invoke(server, name, 1)
    assert [event["type"] for event in events(tail.splitlines())] == ["platform.runtimeDone", "platform.report"], tail
    client = server.client()
    client.update_function_configuration(FunctionName=name, LoggingConfig={"ApplicationLogLevel": "DEBUG", "SystemLogLevel": "INFO"})
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    _, tail, _ = invoke(server, name)
    assert len(re.findall(r"(?:a|printed) (?:debug|info|warning|error)", tail)) == 8 and "plain" in tail, tail
    assert [event["type"] for event in events(tail.splitlines())] == [
        "platform.initStart", "platform.start", "platform.report"], tail


def test_a_custom_runtimes_json_lines_are_filtered(server, name):
    script = """#!/bin/sh
while :; do
    id=$(curl -sD - -o /tmp/event "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next" \\
        | tr -d '\\r' | awk 'tolower($1) == "lambda-runtime-aws-request-id:" {print $2}')
    now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    echo '{"level":"debug","time":"'$now'","msg":"quiet"}'
    echo '{"level":"error","time":"'$now'","msg":"loud"}'
    printf '"%s %s"' "$AWS_LAMBDA_LOG_FORMAT" "$AWS_LAMBDA_LOG_LEVEL" | curl -s -o /dev/null -X POST --data-binary @- \\
        "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response"
done
"""
    server.deploy(
        name, {"bootstrap": script}, modes={"bootstrap": 0o755}, Runtime="provided.al2023", Handler="x",
        LoggingConfig={"LogFormat": "JSON"})
    result, tail, _ = invoke(server, name)
    assert result == "JSON INFO" and "loud" in tail and "quiet" not in tail, tail
    assert events(tail.splitlines())[0]["record"]["runtimeVersion"] == "provided:al2023.v1"


def test_logging_configuration_is_kept_and_checked(server, name):
    client = server.client()
    server.deploy(name, "def handler(event, context): pass")
    assert client.get_function_configuration(FunctionName=name)["LoggingConfig"] == {
        "LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"}
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        client.update_function_configuration(FunctionName=name, LoggingConfig={"SystemLogLevel": "WARN"})
    assert raised.value.response["Error"] == {
        "Code": "InvalidParameterValueException",
        "Message": 'LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change '
                   'the LogFormat to "JSON" and try again.'}
    changed = client.update_function_configuration(FunctionName=name, LoggingConfig={"LogFormat": "JSON"})
    assert changed["LoggingConfig"] == {
        "LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", "LogGroup": f"/aws/lambda/{name}"}
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    changed = client.update_function_configuration(FunctionName=name, LoggingConfig={"LogFormat": "Text"})
    assert changed["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"}


def test_functions_may_share_a_log_group(server, name):
    group = f"/shared/{name}"
    source = "import os\ndef handler(event, context):\n    print('from', context.function_name)\n    return context.log_group_name"
    for each in (name + "-a", name + "-b"):
        server.deploy(each, source, LoggingConfig={"LogGroup": group})
        assert server.invoke(each) == group
    streams = {stream for stream, _ in server.log(name, group)}
    assert len(streams) == 2
    assert all(re.fullmatch(rf"\d{{4}}/\d\d/\d\d/{name}-[ab]\[\$LATEST\][0-9a-f]{{32}}", stream) for stream in streams), streams
    printed = server.martlet("logs", name + "-a").stdout
    assert f"from {name}-a" in printed and f"from {name}-b" not in printed


def test_a_message_of_several_lines_is_one_event(server, name):
    server.deploy(name, "import logging\ndef handler(event, context): logging.getLogger().warning('one\\ntwo\\nthree')")
    server.invoke(name)
    assert len([message for _, message in server.log(name) if "one\ntwo\nthree" in message]) == 1


def test_init_start_and_the_order_of_lines(server, name):
    server.deploy(name, "print('loading')\ndef handler(event, context): print('handling')")
    _, tail, _ = invoke(server, name)
    assert re.fullmatch(
        r"INIT_START Runtime Version: python:3\.\d+\.v\S+\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}\n"
        r"loading\nSTART RequestId: \S+ Version: \$LATEST\nhandling\nEND RequestId: \S+\nREPORT .*\t\n", tail), tail
    _, tail, _ = invoke(server, name)
    assert re.fullmatch(r"START .*\nhandling\nEND .*\nREPORT .*\t\n", tail), tail


# Traces

TRACED = {
    "python": ("import os\ndef handler(event, context): return os.environ.get('_X_AMZN_TRACE_ID')", {}),
    "node": ({"index.js": "exports.handler = async () => process.env._X_AMZN_TRACE_ID"}, {"Runtime": NODE, "Handler": "index.handler"}),
}


@pytest.mark.parametrize("language", TRACED)
def test_the_trace_header_reaches_the_function_and_the_caller(server, name, language):
    source, settings = TRACED[language]
    if language == "node" and NODE is None:
        pytest.skip("node is not installed")
    server.deploy(name, source, **settings)
    seen, tail, answered = invoke(server, name)
    assert HEADER.fullmatch(seen) and "Sampled=0" in seen and answered == seen and "XRAY" not in tail
    another, _, _ = invoke(server, name)
    assert another.split(";")[0] != seen.split(";")[0]
    given = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    seen, tail, answered = invoke(server, name, trace=given)
    assert seen.startswith(given + ";Lineage=1:") and answered == seen
    assert tail.endswith(
        "\nXRAY TraceId: 1-5759e988-bd862e3fe1be46a994272793\tSegmentId: 53995c3f42cd8ad8\tSampled: true\t\n"), tail
    seen, _, _ = invoke(server, name, trace="Root=1-5759e988-bd862e3fe1be46a994272793")
    assert HEADER.fullmatch(seen) and seen.startswith("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=")
    for hostile in ("Root=1-5759e988-bd862e3fe1be46a99427279", "x" * 5_000, "Root=1-2-3;A=<script>"):
        seen, _, answered = invoke(server, name, trace=hostile)
        assert HEADER.fullmatch(seen) and answered == seen and "Sampled=0" in seen
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        invoke(server, name, trace="Root=1-5759e988-bd862e3fe1be46a994272793;\x01")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_active_tracing_samples(server, name):
    server.deploy(name, TRACED["python"][0], TracingConfig={"Mode": "Active"})
    seen, tail, _ = invoke(server, name)
    assert "Sampled=1" in seen and "\nXRAY TraceId: " in tail
    seen, tail, _ = invoke(server, name, trace="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0")
    assert "Sampled=0" in seen and "XRAY" not in tail


# Wrappers


def wrapped(server, name, files, wrapper="/var/task/wrap", modes=None, **settings):
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": wrapper, "GREETING": "hello"}
    server.deploy(name, files, modes=modes or {"wrap": 0o755}, Environment={"Variables": variables}, **settings)


def test_python_through_a_wrapper(server, name):
    script = '#!/bin/sh\nexport FROM_WRAPPER="$GREETING"\ninterpreter=$1\nshift\nexec "$interpreter" -X dev "$@"\n'
    wrapped(server, name, {
        "wrap": script,
        "app.py": "import os, sys\ndef handler(event, context): return [os.environ['FROM_WRAPPER'], sys.flags.dev_mode]"})
    assert server.invoke(name) == ["hello", True]
    assert server.invoke(name) == ["hello", True]


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_node_through_a_wrapper(server, name):
    script = '#!/bin/bash\nargs=("$@")\nexec "${args[0]}" --require /var/task/early.js "${args[@]:1}"\n'
    wrapped(server, name, {
        "wrap": script, "early.js": "globalThis.early = process.env.GREETING",
        "index.js": "exports.handler = async () => [globalThis.early, process.env.AWS_LAMBDA_EXEC_WRAPPER]"},
        Runtime=NODE, Handler="index.handler")
    assert server.invoke(name) == ["hello", "/var/task/wrap"]


@pytest.mark.parametrize("wrapper,mode,line,status", [
    ("/opt/absent", 0o755, "/opt/absent: does not exist", 127), ("/var/task/wrap", 0o644, "/var/task/wrap: is not an executable", 126)])
def test_a_wrapper_that_cannot_be_run(server, name, wrapper, mode, line, status):
    wrapped(server, name, {"wrap": "#!/bin/sh\n", "app.py": "def handler(event, context): pass"}, wrapper, {"wrap": mode})
    answer = server.client().invoke(FunctionName=name, LogType="Tail")
    error = json.loads(answer["Payload"].read())
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith(f" Error: Runtime exited with error: exit status {status}")
    assert line + "\n" in base64.b64decode(answer["LogResult"]).decode()


def test_a_wrapper_that_ends_instead(server, name):
    wrapped(server, name, {"wrap": "#!/bin/sh\necho stopped\nexit 3\n", "app.py": "x = 1"})
    error = server.fail(name)
    assert error["errorMessage"].endswith("Runtime exited with error: exit status 3")


def test_a_custom_runtime_is_not_wrapped(server, name, primes):
    wrapped(
        server, name, {"bootstrap": primes}, "/var/task/absent", {"bootstrap": 0o755}, Runtime="provided.al2023", Handler="x")
    assert server.invoke(name, {"limit": 10}) == {"limit": 10, "primes": 4}
