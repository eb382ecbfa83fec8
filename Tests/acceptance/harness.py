# SPDX-License-Identifier: Apache-2.0
"""A server of one's own for a test: started on a free port with an empty data directory, and gone without a trace."""

import collections
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

import boto3
import botocore.config

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("MARTLET_BIN", ROOT / ".build/debug/martlet"))
PYTHON = os.environ.get("MARTLET_TEST_PYTHON", "python3.%d" % sys.version_info[1])
NODE = "nodejs%s.x" % subprocess.run(
    ["node", "--version"], capture_output=True, text=True).stdout.lstrip("v").split(".")[0] if shutil.which("node") else None
def _snapstart_runtime():
    """A Python that AWS has snapshots of, its name and its path, where the server can take them: control groups hold what they are
    forked from."""
    if os.geteuid() != 0:
        return None, None
    candidates = [("python3.%d" % minor, "python3.%d" % minor) for minor in (14, 13, 12)]
    for path in sorted(pathlib.Path.home().glob(".pyenv/versions/3.*/bin/python3.*"), reverse=True):
        candidates.append((path.name, str(path)))
    for name, command in candidates:
        if re.fullmatch(r"python3\.1[234]", name) and shutil.which(command) \
                and subprocess.run([command, "-c", ""], capture_output=True).returncode == 0:
            return name, shutil.which(command)
    return None, None


SNAPSTART, SNAPSTART_PATH = _snapstart_runtime()
ROLE = "arn:aws:iam::000000000000:role/acceptance"
READY = re.compile(r"martlet ready on (https?://\S+)")


# What each operation was answered with, by its name: an error's code, or "ok".
ANSWERS = collections.defaultdict(collections.Counter)


def _record(model, http_response, parsed, **_):
    error = parsed.get("Error", {}).get("Code") if http_response.status_code >= 300 else None
    ANSWERS[model.name][error or "ok"] += 1


def _assert_json(model, http_response, **_):
    """botocore gives an empty answer for a body that is no JSON, which shows as a key that is missing, far away."""
    if http_response.status_code >= 300 or model.has_event_stream_output or not http_response.content:
        return
    try:
        json.loads(http_response.content)
    except ValueError:
        raise AssertionError("%s was answered with %d and %r" % (
            model.name, http_response.status_code, http_response.content[:2_000])) from None


def zip_of(files, modes=None):
    """The bytes of a zip; `files` maps names to text or bytes, `modes` names to permission bits (0644)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3
            entry.external_attr = (0o100000 | (modes or {}).get(name, 0o644)) << 16
            archive.writestr(entry, content)
    return out.getvalue()


def children(pid):
    """The direct children of a process."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
        try:
            found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


class Server:
    def __init__(self, *options, data=None, env=None):
        self.options = options
        self.extra_env = env or {}
        # PEM file of who vouches for the server's certificate, where it has one.
        self.authority = None
        self._own = None if data else tempfile.mkdtemp(prefix="martlet-acceptance-")
        self.data = pathlib.Path(data or self._own) / ("" if data else "data")
        self.process = None
        self.lines = []
        self.url = None
        self.pids = []

    # Life

    def start(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MARTLET_"))}
        environment.update(self.extra_env)
        self.process = subprocess.Popen(
            self.command(), stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=environment)
        self.lines, self.url = [], None
        self._reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self._reader.start()
        wait_until(lambda: self.url or self.process.poll() is not None, 60, "server ready")
        if self.process.poll() is not None:
            # What it said is in the pipe still, perhaps.
            self._reader.join(60)
        assert self.url, "the server did not start:\n" + "\n".join(self.lines[:200])
        self.pids = [self.process.pid] + children(self.process.pid)
        return self

    def command(self):
        command = [str(BINARY), "serve", "--data", str(self.data)]
        if "--listen" not in self.options:
            command += ["--listen", "127.0.0.1:0"]
        return command + list(self.options)

    def _read(self, stream):
        for line in stream:
            self.lines.append(line.rstrip("\n"))
            ready = READY.search(line)
            if ready:
                self.url = ready.group(1)

    def wait_for_line(self, *words):
        """A line of the server's own log that has all of them: it is read from a pipe by a thread, which may be late."""
        return wait_until(
            lambda: next((line for line in list(self.lines) if all(word in line for word in words)), None), 60,
            f"a line with {words}")

    @property
    def spawner(self):
        found = [pid for pid in children(self.process.pid) if "martlet-spawner" in _command(pid)]
        assert len(found) == 1, found
        return found[0]

    def terminate(self, timeout=120):
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def kill(self):
        self.process.kill()
        self.process.wait(60)

    def close(self):
        """Stops what still runs, and checks that nothing is left behind."""
        try:
            if self.process and self.process.poll() is None:
                code = self.terminate()
                assert code == 0, f"exit code {code}:\n" + "\n".join(self.lines[:200])
            self.assert_nothing_left()
        finally:
            if self.process and self.process.poll() is None:
                self.kill()
            if self._own:
                shutil.rmtree(self._own, ignore_errors=True)

    def assert_nothing_left(self):
        if not self.data.exists():
            return
        check = [str(ROOT / "Scripts/check-leftovers.sh"), str(self.data)] + [str(pid) for pid in self.pids]
        deadline = time.monotonic() + 60
        while True:
            result = subprocess.run(check, capture_output=True, text=True)
            if result.returncode == 0:
                return
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        raise AssertionError(result.stderr)

    # Access

    @property
    def credentials(self):
        return json.loads((self.data / "credentials").read_text())

    def client(self, service="lambda", **overrides):
        known = self.credentials
        arguments = {
            "endpoint_url": self.url, "region_name": known["region"], "aws_access_key_id": known["accessKeyId"],
            "aws_secret_access_key": known["secretAccessKey"],
            "config": botocore.config.Config(
                retries={"max_attempts": 0}, read_timeout=330, max_pool_connections=100, parameter_validation=False),
        }
        if self.authority:
            arguments["verify"] = str(self.authority)
        arguments.update(overrides)
        client = boto3.session.Session().client(service, **arguments)
        if service == "lambda":
            client.meta.events.register("after-call.lambda", _record)
        if client.meta.service_model.metadata["protocol"] == "json":
            client.meta.events.register("after-call.%s" % client.meta.service_model.service_id.hyphenize(), _assert_json)
        return client

    @property
    def environment(self):
        """For the AWS CLI and for our own commands."""
        known = self.credentials
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MARTLET_"))}
        environment.update(
            AWS_ENDPOINT_URL_LAMBDA=self.url, AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=self.url,
            AWS_ENDPOINT_URL_SQS=self.url, AWS_ENDPOINT_URL_KINESIS=self.url,
            AWS_ENDPOINT_URL_CLOUDWATCH=self.url, AWS_ENDPOINT_URL_SCHEDULER=self.url, AWS_ENDPOINT_URL_EVENTBRIDGE=self.url,
            AWS_ACCESS_KEY_ID=known["accessKeyId"], AWS_SECRET_ACCESS_KEY=known["secretAccessKey"],
            AWS_REGION=known["region"], AWS_DEFAULT_REGION=known["region"], AWS_PAGER="",
            AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null")
        if self.authority:
            environment["AWS_CA_BUNDLE"] = str(self.authority)
        return environment

    def martlet(self, *arguments, input=None):
        """Runs one of our commands against this server's data directory."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MARTLET_"))}
        environment["MARTLET_DATA"] = str(self.data)
        if self.authority:
            environment["AWS_CA_BUNDLE"] = str(self.authority)
        return subprocess.run(
            [str(BINARY), *arguments], env=environment, input=input, capture_output=True, text=True, timeout=300)

    # Functions

    def deploy(self, name, source, **settings):
        """Creates a Python function from the text of app.py, or from a dictionary of files; waits until it is active."""
        client = self.client()
        files = source if isinstance(source, dict) else {"app.py": source}
        modes = settings.pop("modes", None)
        request = {"Runtime": PYTHON, "Handler": "app.handler", "Role": ROLE, "Timeout": 30}
        request.update(settings)
        client.create_function(FunctionName=name, Code={"ZipFile": zip_of(files, modes)}, **request)
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    # With the log's tail an answer comes when the log is written and the environment takes the next event; without, on a
    # busy machine, sometimes before.

    def invoke(self, name, event=None, **arguments):
        """The decoded result; fails for a function error."""
        arguments.setdefault("LogType", "Tail")
        answer = self.client().invoke(FunctionName=name, Payload=json.dumps(event), **arguments)
        body = answer["Payload"].read()
        assert "FunctionError" not in answer, body
        return json.loads(body)

    def fail(self, name, event=None, **arguments):
        """The decoded error of a function that must fail."""
        arguments.setdefault("LogType", "Tail")
        answer = self.client().invoke(FunctionName=name, Payload=json.dumps(event), **arguments)
        body = answer["Payload"].read()
        assert answer.get("FunctionError") == "Unhandled", body
        return json.loads(body)

    def log(self, name, group=None):
        """The function's log: pairs of stream and message, in order; none before it has written anything."""
        client = self.client("logs")
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=group or f"/aws/lambda/{name}")
        try:
            return [(event["logStreamName"], event["message"]) for page in pages for event in page["events"]]
        except client.exceptions.ResourceNotFoundException:
            return []


def _command(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
