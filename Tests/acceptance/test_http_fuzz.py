# SPDX-License-Identifier: Apache-2.0
"""Requests that no client would send, against a running server: every one is answered as AWS would, or its connection is closed.

Fixed by MARTLET_FUZZ_SEED (1), bounded by MARTLET_FUZZ_EXAMPLES for each test (150).
"""

import base64
import datetime
import io
import json
import os
import pathlib
import re
import socket
import urllib.parse
import zipfile
from unittest import mock

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import hypothesis
import pytest
from hypothesis import strategies as st

from harness import PYTHON, ROLE

SECONDS = 60
fuzz = lambda test: hypothesis.seed(int(os.environ.get("MARTLET_FUZZ_SEED", 1)))(hypothesis.settings(  # noqa: E731
    max_examples=int(os.environ.get("MARTLET_FUZZ_EXAMPLES", 150)), deadline=None, database=None, derandomize=False,
    suppress_health_check=list(hypothesis.HealthCheck), print_blob=False)(test))


@pytest.fixture(scope="module")
def target():
    """A server of this module's own: its memory is measured."""
    from harness import Server

    server = Server()
    server.start()
    exchange(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    before = resident(server)
    yield server
    code, _, _ = only(exchange(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    grown = resident(server) - before
    errors = [line for line in server.lines if re.match(r"\S+ (error|critical)\b", line)]
    server.close()
    assert code == 200
    assert grown < 96 << 20, f"{grown >> 20} MiB more than before"
    assert not errors, errors[:20]


def resident(server):
    text = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) * 1024


def exchange(server, data, pieces=1):
    """All that comes back on a connection that is sent `data` and then nothing; fails when it is not closed in time."""
    url = urllib.parse.urlsplit(server.url)
    with socket.create_connection((url.hostname, url.port), timeout=SECONDS) as connection:
        answer = b""
        try:
            size = max(1, -(-len(data) // pieces))
            for start in range(0, len(data), size):
                connection.sendall(data[start:start + size])
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
        except (ConnectionResetError, BrokenPipeError):
            # Closed while there was still something to read: what has come counts.
            pass
        return answer


def responses(data):
    """Status, headers and body of each answer; they must follow each other without a gap."""
    found = []
    while data:
        assert data.startswith(b"HTTP/1.1 "), data[:200]
        head, separator, data = data.partition(b"\r\n\r\n")
        assert separator, head[:200]
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines[1:]}
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while True:
                size, _, data = data.partition(b"\r\n")
                count = int(size, 16)
                body, data = body + data[:count], data[count + 2:]
                if count == 0:
                    break
        else:
            length = int(headers.get("content-length", 0))
            assert len(data) >= length, head
            body, data = data[:length], data[length:]
        if status != 100:
            found.append((status, headers, body))
    return found


def only(data):
    found = responses(data)
    assert len(found) == 1, data[:500]
    return found[0]


def check(answer, allowed=range(200, 500)):
    """As AWS answers: a success, or the caller's error with its type and message."""
    status, headers, body = answer
    assert status in allowed, answer
    if status < 300:
        return
    if "x-amzn-errortype" not in headers:
        # No HTTP at all is answered by the parser, before there is a request.
        assert status in (400, 413, 414, 431) and not body, answer
        return
    assert headers["x-amzn-requestid"], answer
    if headers["content-type"] == "text/xml":
        assert b"<Message>" in body, answer
    else:
        error = json.loads(body)
        assert isinstance(error.get("message", error.get("Message")), str), answer


# Requests

SMALL_ZIP = io.BytesIO()
with zipfile.ZipFile(SMALL_ZIP, "w") as archive:
    archive.writestr("app.py", "def handler(event, context): return event\n")
CREATE = {
    "FunctionName": "fuzzed", "Runtime": PYTHON, "Handler": "app.handler", "Role": ROLE, "Timeout": 3, "MemorySize": 128,
    "Code": {"ZipFile": base64.b64encode(SMALL_ZIP.getvalue()).decode()}, "Environment": {"Variables": {"A": "b"}},
    "Tags": {"k": "v"}, "Architectures": ["x86_64"], "EphemeralStorage": {"Size": 512}, "LoggingConfig": {"LogFormat": "JSON"},
    "TracingConfig": {"Mode": "Active"}, "VpcConfig": {"SubnetIds": []}, "Description": "d", "PackageType": "Zip", "Publish": False,
}
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-2**70, 2**70), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=40),
    st.sampled_from(["", "\0", "a" * 300, "arn:aws:lambda:us-east-1:000000000000:function:fuzzed", "$LATEST", "../..", "\u212a", "1e999"]))
values = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)), max_leaves=12)
names = st.one_of(
    st.sampled_from(["fuzzed", "absent", "fuzzed:$LATEST", "arn:aws:lambda:us-east-1:000000000000:function:fuzzed", "a.b", "..", "%", "%00"]),
    st.text(min_size=1, max_size=80))
paths = st.one_of(
    st.builds(
        lambda date, name, rest: f"/{date}/functions/{urllib.parse.quote(name, safe='')}{rest}",
        st.sampled_from(["2015-03-31", "2015-03-31", "2021-11-15", "2014-11-13", "x"]), names,
        st.sampled_from(["", "/", "/configuration", "/code", "/invocations", "/response-streaming-invocations", "/versions", "/a/b/c"])),
    st.sampled_from(["/", "/2015-03-31/functions", "/2015-03-31/functions/", "/_martlet/usage", "/_martlet/code/x", "/healthz", "//", "/2018-10-31/layers"]))
queries = st.one_of(
    st.just(""),
    st.dictionaries(
        st.sampled_from(["Qualifier", "MaxItems", "Marker", "FunctionVersion", "month", "expires", "sha256", "size", "signature", "x"]),
        st.text(max_size=20), max_size=4).map(urllib.parse.urlencode))
extra_headers = st.dictionaries(
    st.sampled_from(["X-Amz-Invocation-Type", "X-Amz-Log-Type", "X-Amz-Client-Context", "X-Amzn-Trace-Id", "X-Amz-Tenant-Id", "Content-Type",
                     "X-Amz-Target", "X-Fuzz"]),
    st.one_of(
        st.sampled_from(["Event", "RequestResponse", "DryRun", "Tail", "e30=", "Root=1-67c1e3a0-0123456789abcdef01234567", "AAAA",
                         "Logs_20140328.FilterLogEvents", "Logs_20140328.X", "application/x-www-form-urlencoded"]),
        st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)), max_size=3)


@st.composite
def bodies(draw):
    """A request's members, some of them changed, left out or more; or no JSON at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=60))
    members = dict(CREATE)
    for name in draw(st.lists(st.sampled_from(sorted(CREATE)), max_size=3)):
        members[name] = draw(values)
    for name in draw(st.lists(st.sampled_from(sorted(CREATE)), max_size=2)):
        members.pop(name, None)
    members.update(draw(st.dictionaries(
        st.sampled_from(["ZipFile", "RevisionId", "DryRun", "logGroupName", "startTime", "endTime", "limit", "nextToken", "Layers", "ImageUri"]),
        values, max_size=3)))
    return json.dumps(members).encode()


def wire(server, method, path, query, headers, body, service="lambda"):
    """The bytes of a request, signed as botocore does."""
    host = urllib.parse.urlsplit(server.url).netloc
    url = server.url + path + (f"?{query}" if query else "")
    request = botocore.awsrequest.AWSRequest(method=method, url=url, data=body, headers={"Host": host, **headers})
    known = server.credentials
    credentials = botocore.credentials.Credentials(known["accessKeyId"], known["secretAccessKey"])
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    with mock.patch("botocore.auth.get_current_datetime", return_value=now):
        botocore.auth.SigV4Auth(credentials, service, "us-east-1").add_auth(request)
    lines = [f"{method} {path}{'?' + query if query else ''} HTTP/1.1"] + [f"{k}: {v}" for k, v in request.headers.items()]
    lines += [f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


# Tests

@fuzz
@hypothesis.given(data=st.binary(max_size=300), prefix=st.sampled_from(
    [b"", b"GET / HTTP/1.1\r\n", b"POST /2015-03-31/functions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
     b"GET /2015-03-31/functions HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 ", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]),
    pieces=st.integers(1, 5))
def test_bytes_that_are_no_request(target, data, prefix, pieces):
    for answer in responses(exchange(target, prefix + data, pieces)):
        check(answer, range(200, 500))


@fuzz
@hypothesis.given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]), path=paths, query=queries, headers=extra_headers, body=bodies())
def test_signed_requests_with_anything_in_them(target, method, path, query, headers, body):
    if headers.get("X-Amz-Target", "").startswith("Logs_"):
        data = wire(target, "POST", "/", "", headers, body, "logs")
    else:
        data = wire(target, method, path, query, headers, body)
    if method == "HEAD" and b"HEAD" == data[:4]:
        assert exchange(target, data).startswith((b"HTTP/1.1 4", b"HTTP/1.1 2"))
        return
    check(only(exchange(target, data)))


@fuzz
@hypothesis.given(body=bodies(), method=st.sampled_from(["POST", "PUT-configuration", "PUT-code"]))
def test_functions_of_any_kind(target, body, method):
    path = "/2015-03-31/functions" + {"POST": "", "PUT-configuration": "/fuzzed/configuration", "PUT-code": "/fuzzed/code"}[method]
    check(only(exchange(target, wire(target, method[:4].rstrip("-"), path, "", {}, body))))
    check(only(exchange(target, wire(target, "DELETE", "/2015-03-31/functions/fuzzed", "", {}, b""))))


@fuzz
@hypothesis.given(
    path=paths, body=bodies(), position=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255), kind=st.sampled_from(["flip", "cut", "insert"]),
    pieces=st.integers(1, 4))
def test_signed_requests_with_a_byte_changed(target, path, body, position, change, kind, pieces):
    data = bytearray(wire(target, "POST", path, "Qualifier=1", {"X-Amz-Log-Type": "Tail"}, body))
    index = int(position * len(data))
    if kind == "flip":
        data[index] ^= change
    elif kind == "cut":
        del data[index:index + change]
    else:
        data[index:index] = bytes([change]) * change
    for answer in responses(exchange(target, bytes(data), pieces)):
        check(answer)
