# SPDX-License-Identifier: Apache-2.0
"""Mistakes at start, signals, and kill -9 at any moment."""

import concurrent.futures
import os
import pathlib
import random
import signal
import socket
import subprocess
import threading
import time

import botocore.exceptions
import pytest

from harness import BINARY, PYTHON, ROLE, Server, children, wait_until, zip_of

ROUNDS = int(os.environ.get("MARTLET_KILL_ROUNDS", "100"))
# Time that a command's or a killed server's end may take on a busy machine, in seconds.
END = 120
HANDLER = "import time\ndef handler(event, context):\n    time.sleep(event or 0)\n    return 'done'\n"


def start(*arguments, env=None):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MARTLET_"))}
    return subprocess.run(
        [str(BINARY), "serve", *map(str, arguments)], capture_output=True, text=True, timeout=120, env={**clean, **(env or {})})


def one_line(result):
    """The complaint; fails unless it is one line and the exit code is not 0."""
    assert result.returncode not in (0, -signal.SIGSEGV, -signal.SIGILL, -signal.SIGTRAP), result
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.mark.parametrize("arguments,words", [
    (["--listen", "nowhere"], ["--listen", "MARTLET_LISTEN"]),
    (["--listen", "0.0.0.0:0"], ["TLS", "--insecure-http"]),
    (["--listen", "0.0.0.0:0", "--auth", "none"], ["--auth"]),
    (["--limits", "huge"], ["--limits", "classic, current"]),
    (["--account-id", "1"], ["--account-id"]),
    (["--runtime", "python3.12"], ["--runtime", "NAME=PATH"]),
    (["--runtime", "python3.12=/does/not/exist"], ["/does/not/exist"]),
    (["--egress", "allow=everything"], ["egress"]),
    (["--config", "/does/not/exist.yaml"], ["/does/not/exist.yaml"]),
    (["--master-key-command", "false"], ["master"]),
])
def test_mistakes_are_one_line(tmp_path, arguments, words):
    line = one_line(start("--data", tmp_path / "data", "--listen", "127.0.0.1:0", *arguments)
                    if "--listen" not in arguments else start("--data", tmp_path / "data", *arguments))
    assert all(word in line for word in words), line


def test_mistakes_in_variables_and_files_are_one_line(tmp_path):
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    assert "MARTLET_MEMORY" in one_line(start("--data", data, env={"MARTLET_MEMORY": "lots"}))
    (data / "martlet.yaml").write_text("memroy: 1\n")
    line = one_line(start("--data", data))
    assert "memroy" in line and str(data) in line


def test_a_port_in_use_is_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = one_line(start("--data", tmp_path / "data", "--listen", f"127.0.0.1:{port}"))
        assert str(port) in line and "in use" in line


def test_a_data_directory_in_use_is_one_line(server):
    line = one_line(start("--data", server.data, "--listen", "127.0.0.1:0"))
    assert str(server.data) in line
    assert server.client().list_functions()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_data_directory_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in one_line(start("--data", tmp_path / "file" / "data", "--listen", "127.0.0.1:0"))


def started(server, name):
    """How many invocations have begun, by the log."""
    return sum(text.startswith("START") for _, text in server.log(name))


def test_terminating_lets_invocations_finish(make_server):
    server = make_server()
    server.deploy("slow", HANDLER)
    client = server.client()

    def refused():
        try:
            client.invoke(FunctionName="slow", Payload="0")
        except (botocore.exceptions.ClientError, botocore.exceptions.ConnectionError, OSError,
                botocore.exceptions.HTTPClientError):
            return True
        # Served, but by an environment of its own, which is not one of the three.
        return False

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        running = [pool.submit(lambda: client.invoke(FunctionName="slow", Payload="8")["Payload"].read()) for _ in range(3)]
        wait_until(lambda: started(server, "slow") == 3, 60, "three invocations")
        server.process.send_signal(signal.SIGTERM)
        wait_until(refused, 60, "a refusal")
        assert [call.result() for call in running] == [b'"done"'] * 3
        begun = time.monotonic()
        assert server.process.wait(END) == 0
        # Not all of the minute that it would give them.
        assert time.monotonic() - begun < 40
    server.assert_nothing_left()


def test_draining_is_bounded(make_server):
    server = make_server("--drain-timeout", "1s")
    server.deploy("slow", HANDLER, Timeout=60)
    client = server.client()
    thread = threading.Thread(target=lambda: _ignore(lambda: client.invoke(FunctionName="slow", Payload="50")))
    thread.start()
    wait_until(lambda: started(server, "slow") == 1, 60, "the invocation")
    begun = time.monotonic()
    assert server.terminate() == 0
    assert time.monotonic() - begun < 30
    thread.join()


def test_many_bad_requests_do_not_harm(server):
    host, port = server.url.removeprefix("http://").rsplit(":", 1)
    garbage = [b"", b"\0" * 1000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
               b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 100_000, b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
               b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\nx",
               b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]
    for bytes_ in garbage:
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.settimeout(2)
            try:
                connection.sendall(bytes_)
                connection.recv(4096)
            except OSError:
                pass
    assert server.client().list_functions()["ResponseMetadata"]["HTTPStatusCode"] == 200


def _ignore(call):
    try:
        return call()
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, OSError):
        return None


class Load:
    """Deploys and invokes without pause; remembers what was acknowledged."""

    def __init__(self, server):
        self.client = server.client()
        self.acknowledged = {}
        self.deleted = set()
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.deploy, daemon=True), threading.Thread(target=self.invoke, daemon=True)]
        [thread.start() for thread in self.threads]

    def deploy(self):
        for number in range(1_000):
            if self.stop.is_set():
                return
            name = f"k{number}"
            source = f"def handler(event, context): return {number}"
            answer = _ignore(lambda: self.client.create_function(
                FunctionName=name, Runtime=PYTHON, Handler="app.handler", Role=ROLE, Timeout=30,
                Code={"ZipFile": zip_of({"app.py": source})}))
            if answer is None:
                return
            self.acknowledged[name] = number

    def invoke(self):
        while not self.stop.is_set():
            for name in list(self.acknowledged)[-3:]:
                _ignore(lambda: self.client.invoke(FunctionName=name)["Payload"].read())
            time.sleep(0.005)

    def end(self):
        self.stop.set()
        [thread.join(60) for thread in self.threads]


@pytest.mark.parametrize("victim", ["server", "spawner"])
def test_killed_at_any_moment_nothing_acknowledged_is_lost(victim):
    seed = int(os.environ.get("MARTLET_SEED", random.SystemRandom().randrange(2**32)))
    chance = random.Random(seed)
    print("MARTLET_SEED =", seed)
    for round_ in range((ROUNDS + 1) // 2):
        server = Server()
        server.start()
        load = Load(server)
        spawner = server.spawner
        pids = [server.process.pid, spawner]
        everything = pids + children(spawner)
        time.sleep(chance.uniform(0.05, 1.5))
        everything += children(spawner)
        os.kill(server.process.pid if victim == "server" else spawner, signal.SIGKILL)
        load_ended = threading.Thread(target=load.end)
        load_ended.start()
        # Without its spawner the server ends by itself.
        server.process.wait(END)
        load_ended.join(90)
        server.start()
        # The promise is about what is left after a restart: close() looks for the earlier run's processes too.
        server.pids = list(set(server.pids + everything))
        try:
            client = server.client()
            for name, number in load.acknowledged.items():
                client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 1200})
            sample = chance.sample(sorted(load.acknowledged), min(3, len(load.acknowledged)))
            for name in sample:
                assert server.invoke(name) == load.acknowledged[name], (seed, round_, name)
        finally:
            server.close()


def loop_devices(data):
    """How many loop devices have an image in that data directory."""
    files = []
    for file in pathlib.Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            files.append(file.read_text())
        except OSError:  # It went while it was looked at.
            continue
    return sum(str(data.resolve()) + "/" in file for file in files)


@pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists("/dev/loop-control"), reason="only root mounts images for /tmp")
@pytest.mark.parametrize("victim", ["server", "spawner"])
def test_a_kill_leaves_no_loop_device(make_server, victim):
    server = make_server()
    server.deploy("f", HANDLER)
    assert server.invoke("f") == "done"
    # One of the function's, and four that are made ahead; those of blank environments come and go.
    wait_until(lambda: loop_devices(server.data) >= 5, 60, "file systems ahead of need")
    os.kill(server.process.pid if victim == "server" else server.spawner, signal.SIGKILL)
    server.process.wait(END)
    wait_until(lambda: loop_devices(server.data) == 0, 60, "no loop device")
    # A restart removes the control groups that a kill leaves.
    server.start()
    assert server.invoke("f") == "done"


def test_a_killed_spawner_does_not_leave_a_server_that_hangs(make_server):
    server = make_server()
    server.deploy("f", HANDLER)
    assert server.invoke("f") == "done"
    os.kill(server.spawner, signal.SIGKILL)

    def settled():
        if server.process.poll() is not None:
            return "ended"
        answer = _ignore(lambda: server.invoke("f"))
        return "serves" if answer == "done" else None

    assert wait_until(settled, 60, "the server ends or recovers")
    if server.process.poll() is not None:
        server.start()
    assert server.invoke("f") == "done"
