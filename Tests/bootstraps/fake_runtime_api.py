# SPDX-License-Identifier: Apache-2.0
"""A Runtime API on loopback that plays one execution environment's platform to a real bootstrap process.

It hands out the events it was given, keeps every byte the runtime sent, and then closes the connection, which ends
the runtime.
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

BOOTSTRAPS = os.path.normpath(os.path.join(os.path.dirname(__file__), "../../Sources/Runtimes/Bootstraps"))
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
FRAME_TYPE = 0xA55A0003


class Request:
    def __init__(self, method, path, headers, body, segment, connection):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        # Which recv its first byte came in: equal for two requests that were sent in one write.
        self.segment = segment
        # The number of its connection, from 1.
        self.connection = connection
        # Of a chunked body: time.time() and bytes of each chunk, and what came after the last (None: it never came).
        self.chunks = []
        self.trailers = None


class Event:
    """What one `next` is answered with. The rest is for a streamed response:

    pause_after: bytes after which it isn't read for three seconds; answer_status: sent after `answer_after` bytes
    (None: at its end); a status of 0 closes the connection instead.
    """

    def __init__(
        self, body=b"{}", headers=None, timeout_ms=30_000, answer_status=202, pause_after=None,
        answer_after=None,
    ):
        self.body = body if isinstance(body, bytes) else body.encode()
        self.headers = headers or {}
        self.timeout_ms = timeout_ms
        self.answer_status = answer_status
        self.pause_after, self.answer_after = pause_after, answer_after


class FakeRuntimeAPI:
    def __init__(self, events, split=None, until_killed=None):
        self.events = list(events)
        self.requests = []
        self.error = None
        # Bytes of an answer are sent in pieces of this size, to try the parser.
        self.split = split
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self.used_up = threading.Event()
        # Where given: what keeps the last connection open.
        self.until_killed = until_killed
        self.handed_out = 0
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def join(self):
        # Ends accept, which closing alone doesn't.
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(120)
        self._listener.close()

    def _accept(self):
        number = 0
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            number += 1
            connection = _Connection(self, connected, number)
            self._threads.append(threading.Thread(target=connection.serve, daemon=True))
            self._threads[-1].start()


class _Connection:
    def __init__(self, api, connected, number):
        self.api, self.socket, self.number = api, connected, number
        self._buffer = b""
        self._segment = 0
        self._segment_of_buffer = 0

    def serve(self):
        try:
            self.socket.settimeout(120)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.socket:
                self._talk()
        except (OSError, ValueError) as error:
            self.api.error = error

    def _talk(self):
        api = self.api
        while True:
            request = self._read()
            if request is None:
                return
            if request.path.endswith("/invocation/next"):
                if api.handed_out == len(api.events):
                    api.used_up.set()
                    if api.until_killed is not None:
                        api.until_killed.wait(300)
                    return
                event = api.events[api.handed_out]
                api.handed_out += 1
                headers = {
                    "Content-Type": "application/json",
                    "Lambda-Runtime-Aws-Request-Id": "request-%d" % api.handed_out,
                    "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + event.timeout_ms),
                    "Lambda-Runtime-Invoked-Function-Arn": ARN,
                    "Lambda-Runtime-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
                }
                headers.update(event.headers)
                self._answer(200, {k: v for k, v in headers.items() if v is not None}, event.body)
                continue
            event = api.events[api.handed_out - 1] if api.handed_out else Event()
            if request.headers.get("transfer-encoding") == "chunked":
                if self._stream(request, event) and event.answer_status:
                    self._answer(event.answer_status, {"Connection": "close"}, b"{}")
                return
            self._answer(event.answer_status, {"Content-Type": "application/json"}, b'{"status":"OK"}\n')

    def _stream(self, request, event):
        """Reads a chunked body; False if it broke off."""
        while True:
            have = len(request.body)
            if event.answer_after is not None and have >= event.answer_after:
                return True
            if event.pause_after is not None and have >= event.pause_after:
                event.pause_after = None
                time.sleep(3)
            line = self._line()
            if line is None:
                return False
            length = int(line, 16)
            if length == 0:
                break
            while len(self._buffer) < length + 2:
                if not self._fill():
                    return False
            assert self._buffer[length : length + 2] == b"\r\n"
            request.chunks.append((time.time(), self._buffer[:length]))
            request.body += self._buffer[:length]
            self._buffer = self._buffer[length + 2 :]
        request.trailers = {}
        while True:
            line = self._line()
            if line is None:
                return False
            if not line:
                return True
            name, _, value = line.decode("latin-1").partition(":")
            request.trailers[name] = value.strip()

    def _line(self):
        while b"\r\n" not in self._buffer:
            if not self._fill():
                return None
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _answer(self, status, headers, body):
        head = "HTTP/1.1 %d X\r\n" % status
        for name, value in headers.items():
            head += "%s: %s\r\n" % (name, value)
        data = (head + "Content-Length: %d\r\n\r\n" % len(body)).encode() + body
        step = self.api.split or len(data)
        for start in range(0, len(data), step):
            self.socket.sendall(data[start : start + step])
            if self.api.split:
                time.sleep(0.0002)

    def _fill(self):
        data = self.socket.recv(65536 if self.number > 1 else 16 * 1024 * 1024)
        if not self._buffer:
            self._segment_of_buffer = self._segment + 1
        self._segment += 1
        self._buffer += data
        return bool(data)

    def _read(self):
        while b"\r\n\r\n" not in self._buffer:
            if not self._fill():
                return None
        segment = self._segment_of_buffer
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, path, version = lines[0].split(" ")
        assert version == "HTTP/1.1", version
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        while len(rest) < length:
            if not self._fill():
                raise ValueError("truncated request")
            rest = self._buffer.partition(b"\r\n\r\n")[2]
        self._buffer = rest[length:]
        request = Request(method, path, headers, rest[:length], segment, self.number)
        self.api.requests.append(request)
        return request


class Outcome:
    """What one run of a bootstrap did."""

    def __init__(self, api, process_status, output, frames, seconds):
        self.api = api
        self.status = process_status
        self.output = output
        self.frames = [text for _, text in frames]
        # The types' last byte: two bits of format, and the level.
        self.frame_types = [kind for kind, _ in frames]
        self.seconds = seconds
        self.answers = [r for r in api.requests if not r.path.endswith("/next")]


def parse_frames(data):
    frames = []
    while data:
        kind, length, micros = struct.unpack(">IIQ", data[:16])
        # The low bits carry format and level.
        assert kind >> 8 == FRAME_TYPE >> 8, hex(kind)
        assert abs(micros / 1e6 - time.time()) < 300, micros
        assert len(data) >= 16 + length, "a frame was cut short"
        frames.append((kind & 0xFF, data[16 : 16 + length].decode()))
        data = data[16 + length :]
    return frames


# Of these a blank process has the values of every function.
READ_AT_START = ("AWS_LAMBDA_RUNTIME_API", "PATH", "LANG", "TZ", "PYTHONDONTWRITEBYTECODE")
BLANK_BYTES = 8 * 1024


def popen_numbered(command, descriptors, **options):
    """subprocess.Popen with descriptors under numbers of their own."""
    # Out of the way first: the numbers wanted may be those of others.
    high = {number: fcntl.fcntl(own, fcntl.F_DUPFD_CLOEXEC, 64) for number, own in descriptors.items()}

    def arrange():
        for number, own in high.items():
            os.dup2(own, number)
        # Those of whoever runs the tests too.
        os.closerange(max(high) + 1, 1024)

    process = subprocess.Popen(command, close_fds=False, preexec_fn=arrange, **options)
    for own in high.values():
        os.close(own)
    return process


def start_blank(command, root, environment, log):
    """Starts a process that is nobody's, and makes it the function's when it says that it waits."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    before = {name: environment[name] for name in READ_AT_START if name in environment}
    used = sum(len(name) + len(value) + 2 for name, value in before.items())
    before["_MARTLET_BLANK"] = "." * (BLANK_BYTES - used - len("_MARTLET_BLANK=") - 1)
    process = popen_numbered(
        command, {3: log.fileno(), 4: theirs.fileno()}, cwd="/", env=before, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    theirs.close()
    ours.settimeout(120)
    with ours:
        assert ours.recv(100) == b"ready"
        variables = ["%s=%s" % item for item in sorted(environment.items())]
        ours.sendall("".join(variable + "\0" for variable in variables).encode())
        ours.sendall(b"go")
    return process


def run(command, files, handler, events, env=None, framed=False, split=None, kill=False, blank=False):
    """Runs `command` as the runtime of a function made of `files`, until the events are used up or it exits.

    With `blank` the process is started before it knows whose it is; then it has the platform's descriptor in any case.
    With `kill` the process is killed when the events are used up: AWS's own client would connect again and again.
    """
    root = tempfile.mkdtemp(prefix="bootstrap-test-")
    try:
        for name, text in files.items():
            path = os.path.join(root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        killed = threading.Event() if kill else None
        api = FakeRuntimeAPI(events, split, killed)
        environment = {
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "LAMBDA_TASK_ROOT": root,
            "_HANDLER": handler,
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2025/01/01/[$LATEST]0123456789abcdef0123456789abcdef",
            "PATH": "/usr/bin:/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            # What lies beside the bootstraps is built into the server.
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        environment.update(env or {})
        descriptors = ()
        log = tempfile.TemporaryFile()
        if framed:
            descriptors = (log.fileno(),)
            environment["_LAMBDA_TELEMETRY_LOG_FD"] = "3" if blank else str(log.fileno())
        begin = time.monotonic()
        if blank:
            process = start_blank(command, root, environment, log)
        else:
            process = subprocess.Popen(
                command, cwd=root, env=environment, pass_fds=descriptors, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT)
        if kill:
            threading.Thread(target=lambda: api.used_up.wait(300) and process.kill(), daemon=True).start()
        try:
            output, _ = process.communicate(timeout=300)
        finally:
            process.kill()
            if kill:
                killed.set()
        seconds = time.monotonic() - begin
        api.join()
        log.seek(0)
        with log:
            frames = parse_frames(log.read()) if framed else []
        text = output.decode("utf-8", "replace").replace(root, "/var/task")
        return Outcome(api, process.returncode, text, frames, seconds)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def interpreters(kind):
    """Every interpreter of `kind` (python3, node) that tests should try: $MARTLET_TEST_PYTHONS, or what is found."""
    named = os.environ.get("MARTLET_TEST_%sS" % kind.rstrip("3").upper())
    if named:
        return named.split(":")
    home = os.path.expanduser("~")
    found = []
    if kind == "python3":
        root = os.environ.get("PYENV_ROOT", home + "/.pyenv") + "/versions"
        candidates = ["/usr/bin/python3", "/usr/local/bin/python3"]
        candidates += [os.path.join(root, v, "bin/python3") for v in (os.listdir(root) if os.path.isdir(root) else [])]
        check = "import sys; sys.exit(sys.version_info < (3, 8))"
        arguments = ["-c", check]
    else:
        root = home + "/.nvm/versions/node"
        candidates = ["/usr/bin/node", "/usr/local/bin/node"]
        candidates += [os.path.join(root, v, "bin/node") for v in (os.listdir(root) if os.path.isdir(root) else [])]
        arguments = ["-e", "process.exit(parseInt(process.versions.node) < 16 ? 1 : 0)"]
    seen = set()
    for path in sorted(candidates):
        real = os.path.realpath(path)
        if real in seen or not os.path.exists(real):
            continue
        seen.add(real)
        if subprocess.run([path] + arguments, stderr=subprocess.DEVNULL).returncode == 0:
            found.append(path)
    return found
