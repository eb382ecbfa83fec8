# SPDX-License-Identifier: Apache-2.0
"""Our own commands, against a running server."""

import base64
import json
import os
import re
import shlex
import subprocess
import threading
import time

from harness import BINARY, PYTHON, Server, wait_until, zip_of

CODE = "def handler(event, context):\n    print('seen', event)\n    return {'got': event}\n"


def code_directory(tmp_path, source=CODE):
    directory = tmp_path / "code"
    directory.mkdir(exist_ok=True)
    (directory / "app.py").write_text(source)
    return str(directory)


def test_env_is_what_a_shell_needs(server):
    printed = server.martlet("env").stdout
    script = printed + 'printf "%s\\n" "$AWS_ENDPOINT_URL_LAMBDA" "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$AWS_REGION"'
    values = subprocess.run(["sh", "-c", script], capture_output=True, text=True).stdout.splitlines()
    known = server.credentials
    assert values == [server.url, known["accessKeyId"], known["secretAccessKey"], known["region"]]
    assert all(shlex.split(line)[0] == "export" for line in printed.splitlines())


def test_deploy_creates_then_updates(server, name, tmp_path):
    path = code_directory(tmp_path)
    incomplete = server.martlet("deploy", path, "--name", name)
    assert incomplete.returncode == 2 and "--runtime and --handler" in incomplete.stderr
    made = server.martlet("deploy", path, "--name", name, "--runtime", PYTHON, "--handler", "app.handler", "--memory",
                          "192", "--env", "AA=b=c")
    assert made.returncode == 0, made.stderr
    assert re.match(rf"Created arn:aws:lambda:us-east-1:000000000000:function:{name} \(version \$LATEST, \d+ bytes\) in", made.stdout)
    configuration = server.client().get_function_configuration(FunctionName=name)
    assert (configuration["MemorySize"], configuration["Environment"]["Variables"]) == (192, {"AA": "b=c"})
    path = code_directory(tmp_path, "def handler(event, context): return 'new'\n")
    updated = server.martlet("deploy", path, "--name", name, "--timeout", "29")
    assert updated.returncode == 0 and updated.stdout.startswith("Updated arn:")
    assert server.invoke(name) == "new"
    assert server.client().get_function_configuration(FunctionName=name)["Timeout"] == 29
    archive = tmp_path / "code.zip"
    archive.write_bytes(zip_of({"app.py": CODE}))
    assert server.martlet("deploy", str(archive), "--name", name).returncode == 0
    assert server.invoke(name, 5) == {"got": 5}


def test_invoke_results_and_exit_codes(server, name, tmp_path):
    server.deploy(name, CODE)
    answer = server.martlet("invoke", name, "--payload", '{"a": "ü"}', "--log")
    assert (answer.returncode, json.loads(answer.stdout)) == (0, {"got": {"a": "ü"}})
    assert "REPORT RequestId:" in answer.stderr and "seen" in answer.stderr
    (tmp_path / "event.json").write_text("[1]")
    assert json.loads(server.martlet("invoke", name, "--payload", f"@{tmp_path}/event.json").stdout) == {"got": [1]}
    assert json.loads(server.martlet("invoke", name, "--payload", "-", input="2").stdout) == {"got": 2}
    assert server.martlet("invoke", name).stderr == ""
    absent = server.martlet("invoke", "absent")
    assert absent.returncode == 2 and absent.stdout == ""
    assert re.fullmatch(r"martlet: ResourceNotFoundException: Function not found: .*\n", absent.stderr)
    assert server.martlet("invoke", name, "--payload", "{").returncode == 2
    server.deploy(name + "-bad", "def handler(event, context): raise ValueError('no')")
    failed = server.martlet("invoke", name + "-bad")
    assert failed.returncode == 1 and json.loads(failed.stdout)["errorMessage"] == "no"
    assert failed.stderr.count("\n") == 1


def test_logs(server, name):
    server.deploy(name, CODE)
    for number in range(3):
        server.invoke(name, number)
    printed = server.martlet("logs", name).stdout.splitlines()
    assert [line.split(" ", 1)[1] for line in printed if "seen" in line] == ["seen 0", "seen 1", "seen 2"]
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", line) for line in printed)
    assert len(server.martlet("logs", name, "--limit", "2").stdout.splitlines()) == 2
    environment = dict(os.environ, MARTLET_DATA=str(server.data))
    follow = subprocess.Popen([str(BINARY), "logs", name, "--follow", "--since", "0s"], stdout=subprocess.PIPE, text=True, env=environment)
    followed = []
    reader = threading.Thread(target=lambda: [followed.append(line) for line in follow.stdout])
    reader.start()

    def came():
        # Nothing says when it has begun to follow.
        server.invoke(name, "late")
        time.sleep(0.5)
        return any("seen late" in line for line in followed)

    try:
        wait_until(came, 60, "the line")
    finally:
        follow.kill()
        follow.wait()
        reader.join()


def test_logs_follows_while_the_invocation_runs(server, name):
    lines, pause = 20, 0.3
    server.deploy(name, (
        "import time\n"
        "def handler(event, context):\n"
        "    print('begin', flush=True)\n"
        f"    for number in range({lines}):\n"
        f"        time.sleep({pause})\n"
        "        print('tick', number, time.time(), flush=True)\n"), Timeout=60)
    environment = dict(os.environ, MARTLET_DATA=str(server.data))
    follow = subprocess.Popen(
        [str(BINARY), "logs", name, "--follow", "--since", "1h", "--filter-pattern", "?tick ?begin"], stdout=subprocess.PIPE, text=True, env=environment)
    followed = []
    reader = threading.Thread(target=lambda: [followed.append((time.time(), line.split(" ", 1)[1].split())) for line in follow.stdout])
    reader.start()
    ended = []
    caller = threading.Thread(target=lambda: [server.invoke(name, {}), ended.append(time.time())])
    caller.start()
    try:
        wait_until(lambda: len(followed) == lines + 1, 60, "all lines")
    finally:
        follow.kill()
        follow.wait()
        reader.join()
        caller.join()
    assert [words[1] for _, words in followed[1:]] == [str(number) for number in range(lines)]
    # They come one by one, not with the invocation's end.
    assert followed[1][0] < ended[0]
    delays = sorted(arrived - float(words[2]) for arrived, words in followed[1:])
    print(f"a line is shown {delays[lines // 2] * 1000:.0f} ms after its print (median), {delays[-1] * 1000:.0f} ms at most")
    # Half of them at least came before the next one was printed but for what a busy machine takes.
    assert delays[0] >= 0 and delays[lines // 2] < 5


def test_usage_adds_up(make_server):
    server = make_server()
    assert server.martlet("usage").stdout.startswith("No function was invoked")
    server.deploy("paid", "import time\ndef handler(event, context): time.sleep(0.1)", MemorySize=256)
    billed = 0
    for _ in range(3):
        log = base64.b64decode(server.client().invoke(FunctionName="paid", LogType="Tail")["LogResult"]).decode()
        billed += int(re.search(r"Billed Duration: (\d+) ms", log)[1])
    usage = json.loads(server.martlet("usage", "--json").stdout)
    assert (usage["requests"], usage["billedMilliseconds"]) == (3, billed)
    seconds = 256 * billed / 1_024_000
    assert abs(usage["gbSeconds"] - seconds) < 1e-5
    price = 0.0000133334 if usage["lines"][0]["architecture"] == "arm64" else 0.0000166667
    assert abs(usage["usd"] - (seconds * price + 3 * 0.2e-6)) < 1e-8
    assert "paid" in server.martlet("usage").stdout and "Total" in server.martlet("usage").stdout
    assert server.martlet("usage", "--month", "2001-01").stdout.startswith("No function was invoked")
    assert server.martlet("usage", "--month", "2001-13").returncode != 0


def test_without_a_server_the_text_says_how_to_start_one(tmp_path):
    server = Server()
    server.start()
    server.terminate()
    answer = server.martlet("invoke", "f")
    assert answer.returncode == 2 and "martlet serve" in answer.stderr and answer.stderr.count("\n") == 1
    server.close()
    environment = dict(os.environ, MARTLET_DATA=str(tmp_path / "nothing"))
    for key in [key for key in environment if key.startswith("AWS_")]:
        del environment[key]
    answer = subprocess.run([str(BINARY), "env"], capture_output=True, text=True, env=environment)
    assert answer.returncode == 2 and "martlet serve" in answer.stderr


def test_help_names_every_option():
    text = subprocess.run([str(BINARY), "serve", "--help"], capture_output=True, text=True).stdout
    for option in ("--listen", "--data", "--limits", "--auth", "--region", "--account-id", "--runtime", "--egress"):
        assert option in text
    commands = subprocess.run([str(BINARY), "--help"], capture_output=True, text=True).stdout
    for command in ("serve", "env", "deploy", "invoke", "logs", "usage", "doctor"):
        assert command in commands


STREAMING = r"""#!/usr/bin/python3
import http.client, json, os, socket, time
host, port = os.environ['AWS_LAMBDA_RUNTIME_API'].split(':')
while True:
    poll = http.client.HTTPConnection(host, int(port))
    poll.request('GET', '/2018-06-01/runtime/invocation/next')
    answer = poll.getresponse()
    event, id = json.loads(answer.read()), answer.headers['Lambda-Runtime-Aws-Request-Id']
    poll.close()
    with socket.create_connection((host, int(port))) as post:
        post.sendall((
            'POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n'
            'Lambda-Runtime-Function-Response-Mode: streaming\r\n'
            'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n' % id).encode())
        post.sendall(b'6\r\nfirst\n\r\n')
        time.sleep(event['sleep'])
        post.sendall(b'2\r\n\0\xff\r\n0\r\n')
        if event.get('fail'):
            post.sendall(b'Lambda-Runtime-Function-Error-Type: Function.Late\r\n'
                         b'Lambda-Runtime-Function-Error-Body: eyJlcnJvck1lc3NhZ2UiOiJsYXRlIn0=\r\n')
        post.sendall(b'\r\n')
        assert post.recv(65536).startswith(b'HTTP/1.1 202 ')
"""


def test_invoke_writes_a_stream_as_it_comes(server, name):
    server.deploy(name, {"bootstrap": STREAMING}, modes={"bootstrap": 0o755}, Runtime="provided.al2023", Handler="x",
                  MemorySize=512)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MARTLET_"))}
    environment["MARTLET_DATA"] = str(server.data)
    command = [str(BINARY), "invoke", name, "--stream", "--log", "--payload", ""]
    # A busy machine may show us the first part late.
    for sleep in (3, 20):
        command[-1] = json.dumps({"sleep": sleep})
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            assert running.stdout.readline() == b"first\n"
            first = time.monotonic()
            rest, errors = running.communicate(timeout=120)
            took = time.monotonic() - first
            assert rest == b"\0\xff" and running.returncode == 0, errors
            assert b"REPORT RequestId:" in errors
        if took > 2:
            break
    assert took > 2
    command[-1] = '{"sleep": 0, "fail": true}'
    failed = subprocess.run(command, env=environment, capture_output=True, timeout=120)
    assert (failed.returncode, failed.stdout) == (1, b"first\n\0\xff")
    assert b"Function.Late" in failed.stderr and b'{"errorMessage":"late"}' in failed.stderr
    absent = subprocess.run(command[:2] + ["absent-" + name, "--stream"], env=environment, capture_output=True, timeout=120)
    assert absent.returncode == 2 and b"ResourceNotFoundException" in absent.stderr
