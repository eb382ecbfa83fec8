# SPDX-License-Identifier: Apache-2.0
"""The commands for functions, versions, aliases, layers, sources and schedules, and what runs now."""

import json
import os
import pathlib
import pty
import re
import subprocess
import threading

from harness import BINARY, PYTHON, ROOT, wait_until

CODE = "def handler(event, context):\n    print('ERROR' if event else 'fine', event)\n    return event\n"


def run(server, *arguments):
    answer = server.martlet(*arguments)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def show(server, *arguments):
    text = run(server, *arguments, "--output", "json")
    return json.loads(text) if text else None


def test_functions_versions_and_aliases(server, name):
    server.deploy(name, CODE)
    assert name in [each["FunctionName"] for each in show(server, "function", "list")]
    assert name in run(server, "function", "list")
    assert show(server, "function", "get", name)["Configuration"]["FunctionName"] == name
    changed = show(server, "function", "update-configuration", name, "--memory-size", "192", "--timeout", "7")
    assert (changed["MemorySize"], changed["Timeout"]) == (192, 7)
    wait_until(lambda: show(server, "function", "get-configuration", name)["LastUpdateStatus"] == "Successful", 60, "change")
    assert show(server, "version", "publish", name, "--description", "first")["State"] == "Active"
    run(server, "function", "update-configuration", name, "--memory-size", "256")
    wait_until(lambda: show(server, "function", "get-configuration", name)["LastUpdateStatus"] == "Successful", 60, "change")
    assert show(server, "version", "publish", name)["Version"] == "2"
    assert [each["Version"] for each in show(server, "version", "list", name)] == ["$LATEST", "1", "2"]
    assert show(server, "version", "get", name, "1")["Description"] == "first"
    made = show(server, "alias", "create", name, "live", "--function-version", "1", "--routing-config", "2=0.25")
    assert made["RoutingConfig"]["AdditionalVersionWeights"] == {"2": 0.25}
    assert "2 (0.25)" in run(server, "alias", "list", name)
    moved = show(server, "alias", "update", name, "live", "--function-version", "2", "--routing-config", "none")
    assert moved["FunctionVersion"] == "2" and not moved.get("RoutingConfig", {}).get("AdditionalVersionWeights")
    assert show(server, "alias", "get", name, "live")["FunctionVersion"] == "2"
    run(server, "alias", "delete", name, "live")
    run(server, "version", "delete", name, "1")
    assert [each["Version"] for each in show(server, "version", "list", name)] == ["$LATEST", "2"]
    assert show(server, "function", "put-concurrency", name, "--reserved-concurrent-executions", "3") == {
        "ReservedConcurrentExecutions": 3}
    assert show(server, "function", "get-concurrency", name) == {"ReservedConcurrentExecutions": 3}
    run(server, "function", "delete-concurrency", name)
    run(server, "function", "tag-resource", name, "--tags", "team=x", "stage=y z")
    assert show(server, "function", "list-tags", name) == {"team": "x", "stage": "y z"}
    run(server, "function", "untag-resource", name, "--tag-keys", "team", "stage")
    assert show(server, "function", "list-tags", name) == {}
    run(server, "function", "delete", name)
    absent = server.martlet("function", "get", name)
    assert absent.returncode == 2 and absent.stderr.startswith("martlet: ResourceNotFoundException: Function not found")


def test_layers_sources_and_schedules(server, name, tmp_path):
    (tmp_path / "python").mkdir()
    (tmp_path / "python/shared.py").write_text("X = 1\n")
    layer = show(server, "layer", "publish", name, str(tmp_path), "--compatible-runtimes", PYTHON)
    assert layer["Version"] == 1
    assert name in run(server, "layer", "list") and PYTHON in run(server, "layer", "list-versions", name)
    assert show(server, "layer", "get", name, "1")["Content"]["CodeSize"] > 0
    run(server, "layer", "delete", name, "1")
    assert show(server, "layer", "list-versions", name) == []
    server.deploy(name, CODE)
    queue = server.client("sqs")
    url = queue.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    mapping = show(server, "source", "create", "--function-name", name, "--event-source-arn", arn, "--batch-size", "3",
                   "--no-enabled")
    uuid = mapping["UUID"]
    wait_until(lambda: show(server, "source", "get", uuid)["State"] == "Disabled", 60, "the mapping")
    assert show(server, "source", "update", uuid, "--batch-size", "5")["BatchSize"] == 5
    wait_until(lambda: show(server, "source", "get", uuid)["State"] == "Disabled", 60, "the mapping")
    assert uuid in run(server, "source", "list", "--function-name", name)
    run(server, "source", "delete", uuid)
    wait_until(lambda: show(server, "source", "list", "--function-name", name) == [], 60, "no mapping")
    queue.delete_queue(QueueUrl=url)
    run(server, "schedule", "create", name, "--schedule-expression", "rate(1 hour)", "--target", name, "--input", "{}")
    assert show(server, "schedule", "get", name)["ScheduleExpression"] == "rate(1 hour)"
    assert name in run(server, "schedule", "list", "--name-prefix", name[:6])
    run(server, "schedule", "delete", name)
    assert show(server, "schedule", "list", "--name-prefix", name) == []


def test_top_shows_what_runs(make_server):
    server = make_server()
    assert "No function runs" in run(server, "top")
    server.deploy("slow", "import time\ndef handler(event, context): time.sleep(event)", MemorySize=192)
    for _ in range(3):
        server.invoke("slow", 0)
    client = server.client()
    caller = threading.Thread(target=lambda: client.invoke(FunctionName="slow", Payload=b"5"))
    caller.start()
    try:
        wait_until(lambda: show(server, "top", "--window", "60")["Functions"][0]["ConcurrentExecutions"] == 1, 30, "a call")
        state = show(server, "top", "--window", "60")
    finally:
        caller.join()
    function = state["Functions"][0]
    assert function["FunctionName"] == "slow" and function["Invocations"] == 3 and function["Errors"] == 0
    assert 0 < function["DurationMedianMs"] <= function["Duration95thPercentileMs"]
    busy = [each for each in state["Environments"] if each["State"] == "busy"]
    assert len(busy) == 1 and busy[0]["MemoryMiB"] == 192 and busy[0]["LogGroupName"] == "/aws/lambda/slow"
    assert re.search(r"\[\$LATEST\][0-9a-f]{32}$", busy[0]["LogStreamName"])
    assert re.search(r"slow .* 192 ", run(server, "top"))
    key = json.loads(server.martlet("key", "create", "--account", "111111111111", "--json").stdout)
    other = server.client(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    assert other.list_functions()["Functions"] == []
    environment = dict(server.environment, AWS_ACCESS_KEY_ID=key["AccessKeyId"],
                       AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"], AWS_ENDPOINT_URL_LAMBDA=server.url)
    foreign = subprocess.run([str(BINARY), "top", "--output", "json"], env=environment, capture_output=True, text=True)
    assert json.loads(foreign.stdout)["Environments"] == [] and json.loads(foreign.stdout)["Functions"] == []


def test_logs_are_filtered(server, name):
    server.deploy(name, CODE)
    client = server.client()
    client.publish_version(FunctionName=name)
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1")
    server.invoke(name, 0)
    server.invoke(name, 1, Qualifier="1")
    assert run(server, "logs", name, "--filter-pattern", "ERROR").count("\n") == 1
    assert "fine" not in run(server, "logs", name, "--version", "1") and "ERROR" in run(server, "logs", name, "--version", "1")
    events = [json.loads(line) for line in run(server, "logs", name, "--json", "--filter-pattern", "fine").splitlines()]
    assert len(events) == 1 and events[0]["message"].startswith("fine 0") and "[$LATEST]" in events[0]["logStreamName"]


def deploy(server, path, name, *arguments):
    return server.martlet(
        "deploy", str(path), "--name", name, "--runtime", PYTHON, "--handler", "app.handler", "--alias", "live", *arguments)


def test_an_alias_shifts_step_by_step(server, name, tmp_path):
    (tmp_path / "app.py").write_text("def handler(event, context): return 1\n")
    first = deploy(server, tmp_path, name)
    assert first.returncode == 0 and "Alias live is new, at version 1" in first.stdout, first.stderr
    assert "is at version 1 already" in deploy(server, tmp_path, name).stdout
    (tmp_path / "app.py").write_text("def handler(event, context): return 2\n")
    weights = []
    done = threading.Event()
    client = server.client()

    def look():
        alias = client.get_alias(FunctionName=name, Name="live")
        seen = (alias["FunctionVersion"], *alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}).items())
        if not weights or weights[-1] != seen:
            weights.append(seen)

    def follow():
        while not done.wait(0.05):
            look()

    look()
    follower = threading.Thread(target=follow)
    follower.start()
    shifted = deploy(server, tmp_path, name, "--shift", "linear:40%:4s")
    done.set()
    follower.join()
    look()
    assert shifted.returncode == 0 and "live is at version 2, before at 1" in shifted.stdout, shifted.stderr
    assert weights == [("1",), ("1", ("2", 0.4)), ("1", ("2", 0.8)), ("2",)]
    assert server.invoke(name, Qualifier="live") == 2


def test_an_alias_goes_back_on_errors(server, name, tmp_path):
    (tmp_path / "app.py").write_text("def handler(event, context): return 1\n")
    assert deploy(server, tmp_path, name).returncode == 0
    (tmp_path / "app.py").write_text("def handler(event, context): raise ValueError('new')\n")
    stop = threading.Event()

    def call():
        client = server.client()
        while not stop.is_set():
            client.invoke(FunctionName=name, Qualifier="live", LogType="Tail")

    caller = threading.Thread(target=call)
    caller.start()
    try:
        failed = deploy(server, tmp_path, name, "--shift", "canary:50%:60s")
    finally:
        stop.set()
        caller.join()
    assert failed.returncode == 2 and "alias live is back at version 1" in failed.stderr, failed.stderr
    alias = server.client().get_alias(FunctionName=name, Name="live")
    assert alias["FunctionVersion"] == "1" and not alias.get("RoutingConfig", {}).get("AdditionalVersionWeights")
    assert server.invoke(name, Qualifier="live") == 1


def test_uploads_show_how_far_they_are_on_a_terminal_only(server, name, tmp_path):
    (tmp_path / "app.py").write_text("def handler(event, context): return 1\n")
    (tmp_path / "data").write_bytes(os.urandom(6_000_000))
    command = [str(BINARY), "deploy", str(tmp_path), "--name", name, "--runtime", PYTHON, "--handler", "app.handler"]
    quiet = server.martlet(*command[1:])
    assert quiet.returncode == 0 and quiet.stderr == ""
    main, side = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MARTLET_"))}
    process = subprocess.Popen(
        command, env=dict(environment, MARTLET_DATA=str(server.data)), stderr=side, stdout=subprocess.PIPE)
    os.close(side)
    seen = b""
    while True:
        try:
            part = os.read(main, 65_536)
        except OSError:
            break
        if not part:
            break
        seen += part
    os.close(main)
    assert process.wait(120) == 0 and process.stdout.read().startswith(b"Updated")
    assert re.search(rb"Uploading .*\[=*>? *\] +\d+ %  \d+\.\d of 8\.0 MB", seen), seen[:400]


def test_completions_and_the_manual_are_the_programs(tmp_path):
    for shell, check in (("bash", ["bash", "-n"]), ("zsh", None), ("fish", None)):
        script = subprocess.run(
            [str(BINARY), "--generate-completion-script", shell], capture_output=True, text=True, check=True).stdout
        for word in ("budget", "update-configuration", "--group-by", "--shift"):
            assert word in script or word.lstrip("-") in script, (shell, word)
        if check:
            (tmp_path / shell).write_text(script)
            subprocess.run(check + [str(tmp_path / shell)], check=True)
    subprocess.run(["python3", str(ROOT / "Scripts/make-manual.py"), "--check", str(BINARY)], check=True)
    page = pathlib.Path(ROOT / "docs/man/martlet.1").read_text()
    assert page.startswith('.\\" SPDX') and ".SS deploy" in page and ".SS schedule create" in page
