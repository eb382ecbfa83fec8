# SPDX-License-Identifier: Apache-2.0
"""Requests for AWS's other services, passed on to the endpoint that --aws-endpoint names."""

import http.client
import http.server
import json
import socket
import threading
import urllib.parse

import botocore.config
import botocore.exceptions
import pytest

from test_keys import allow, key


class Elsewhere(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body, size = b"", None
            while size != 0:
                size = int(self.rfile.readline().split(b";")[0], 16)
                body += self.rfile.read(size)
                self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, self.headers, body))
        status, headers, content = self.server.reply(self)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if isinstance(content, bytes):
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in content:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

    def log_message(self, *arguments):
        pass


@pytest.fixture
def elsewhere():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    server.seen = []
    server.reply = lambda request: (200, [], b"")
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_services_by_target_and_by_scope(make_server, elsewhere):
    server = make_server("--aws-endpoint", elsewhere.url)
    elsewhere.reply = lambda request: (200, [("x-amzn-RequestId", "theirs")], b'{"TableNames": ["t"]}')
    answer = server.client("dynamodb").list_tables(Limit=3)
    assert answer["TableNames"] == ["t"] and answer["ResponseMetadata"]["RequestId"] == "theirs"
    method, path, headers, body = elsewhere.seen.pop()
    assert (method, path, json.loads(body)) == ("POST", "/", {"Limit": 3})
    assert headers["X-Amz-Target"] == "DynamoDB_20120810.ListTables"
    # Unchanged: the signature is still that of the request.
    assert headers["Host"] == urllib.parse.urlsplit(server.url).netloc and "AWS4-HMAC-SHA256" in headers["Authorization"]
    elsewhere.reply = lambda request: (
        200, [("Content-Type", "text/xml")],
        b"<CreateTopicResponse><CreateTopicResult><TopicArn>arn:t</TopicArn></CreateTopicResult></CreateTopicResponse>")
    assert server.client("sns").create_topic(Name="t")["TopicArn"] == "arn:t"
    assert b"Action=CreateTopic" in elsewhere.seen.pop()[3]
    # What is here stays here.
    assert server.client().list_functions()["Functions"] == []
    assert server.client("logs").describe_log_groups()["logGroups"] == []
    assert elsewhere.seen == []


def test_s3_with_streams_both_ways(make_server, elsewhere):
    server = make_server("--aws-endpoint", elsewhere.url)
    s3 = server.client("s3")
    content = bytes(range(256)) * 40_000
    s3.put_object(Bucket="b", Key="a/ü +(1)//x", Body=content)
    method, path, headers, body = elsewhere.seen.pop()
    assert (method, path) == ("PUT", "/b/a/%C3%BC%20%2B%281%29//x")
    assert content in body or body == content
    parts = [bytes([number]) * 100_000 for number in range(50)]
    elsewhere.reply = lambda request: (200, [("ETag", '"e"')], iter(parts))
    assert s3.get_object(Bucket="b", Key="k")["Body"].read() == b"".join(parts)
    elsewhere.reply = lambda request: (200, [], content)
    found = s3.get_object(Bucket="b", Key="k", Range="bytes=0-")
    assert found["ContentLength"] == len(content) and found["Body"].read() == content
    assert s3.head_object(Bucket="b", Key="k")["ContentLength"] == len(content)
    elsewhere.reply = lambda request: (204, [], b"")
    assert s3.delete_object(Bucket="b", Key="k")["ResponseMetadata"]["HTTPStatusCode"] == 204
    elsewhere.reply = lambda request: (404, [], b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>")
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="b", Key="absent")
    elsewhere.reply = lambda request: (307, [("Location", "http://127.0.0.1:1/")], b"")
    s3 = server.client("s3", config=botocore.config.Config(signature_version="s3v4"))
    url = urllib.parse.urlsplit(s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"}))
    assert get(url.geturl())[0] == 307
    assert elsewhere.seen.pop()[1] == f"{url.path}?{url.query}"


def test_who_may_pass(make_server, elsewhere, tmp_path):
    server = make_server("--aws-endpoint", elsewhere.url)
    elsewhere.reply = lambda request: (200, [], b'{"TableNames": []}')

    def refused(service, call, **overrides):
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            getattr(server.client(service, **overrides), call)()
        return caught.value.response["Error"]["Code"]

    assert refused("dynamodb", "list_tables", aws_secret_access_key="wrong") == "InvalidSignatureException"
    assert refused("s3", "list_buckets", aws_access_key_id="stranger") == "UnrecognizedClientException"
    reader = key(server, policy=allow("dynamodb:List*"), tmp_path=tmp_path)
    assert server.client("dynamodb", **reader).list_tables()["TableNames"] == []
    assert refused("dynamodb", "describe_limits", **reader) == "AccessDeniedException"
    assert refused("s3", "list_buckets", **reader) == "AccessDeniedException"
    elsewhere.seen.clear()
    old = server.client("s3", config=botocore.config.Config(signature_version="s3"))
    status, body = get(old.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"}))
    assert status == 403 and b"signed with version 4" in body
    connection = http.client.HTTPConnection(*urllib.parse.urlsplit(server.url).netloc.split(":"), timeout=60)
    connection.request("POST", "/", b"{}", {"X-Amz-Target": "DynamoDB_20120810.ListTables"})
    assert connection.getresponse().status in (400, 403) and elsewhere.seen == []


def test_without_signatures_anybody_passes(make_server, elsewhere):
    server = make_server("--auth", "none", "--aws-endpoint", elsewhere.url)
    elsewhere.reply = lambda request: (200, [], b'{"TableNames": ["x"]}')
    stranger = {"aws_access_key_id": "123456789012", "aws_secret_access_key": "x"}
    assert server.client("dynamodb", **stranger).list_tables()["TableNames"] == ["x"]
    old = server.client("s3", config=botocore.config.Config(signature_version="s3"), **stranger)
    elsewhere.reply = lambda request: (200, [], b"content")
    assert get(old.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})) == (200, b"content")


def get(url):
    url = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    connection.request("GET", f"{url.path}?{url.query}")
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_a_dead_endpoint_is_502(make_server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = make_server("--aws-endpoint", f"http://127.0.0.1:{port}")
    for service, call in (("dynamodb", "list_tables"), ("s3", "list_buckets"), ("sns", "list_topics")):
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            getattr(server.client(service), call)()
        response = caught.value.response
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 502, response
        assert f"http://127.0.0.1:{port} (--aws-endpoint) can't be reached" in response["Error"]["Message"]
    assert server.client().list_functions()["Functions"] == []


def test_a_circle_ends(make_server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = make_server("--listen", f"127.0.0.1:{port}", "--aws-endpoint", f"http://127.0.0.1:{port}")
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        server.client("dynamodb").list_tables()
    assert "passes requests back to this server" in caught.value.response["Error"]["Message"]


def test_without_an_endpoint_the_error_is_clear(server):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        server.client("dynamodb").list_tables()
    assert "is not served here: this is the API of AWS Lambda" in caught.value.response["Error"]["Message"]


def test_a_target_that_is_no_path_goes_nowhere(make_server, elsewhere):
    server = make_server("--auth", "none", "--aws-endpoint", elsewhere.url)
    host, port = urllib.parse.urlsplit(server.url).netloc.split(":")
    scope = "AWS4-HMAC-SHA256 Credential=123456789012/20250101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    for target in (f"*@{urllib.parse.urlsplit(elsewhere.url).netloc}/x", "*"):
        connection = http.client.HTTPConnection(host, port, timeout=60)
        connection.putrequest("PUT", target, skip_accept_encoding=True)
        connection.putheader("Authorization", scope)
        connection.putheader("Content-Length", "0")
        connection.endheaders()
        assert connection.getresponse().status == 400
    assert elsewhere.seen == []


def test_what_a_policy_excepts_does_not_pass(make_server, elsewhere, tmp_path):
    server = make_server("--aws-endpoint", elsewhere.url)
    elsewhere.reply = lambda request: (200, [], b'{"TableNames": []}')

    def code(policy, service, call):
        try:
            getattr(server.client(service, **key(server, policy=policy, tmp_path=tmp_path)), call)()
            return "ok"
        except botocore.exceptions.ClientError as error:
            return error.response["Error"]["Code"]

    def statement(effect, action, **other):
        return {"Effect": effect, **{"Action": action, "Resource": "*", **other}}

    everything = statement("Allow", "*")
    for policy, expected in [
        ([everything, statement("Deny", "dynamodb:DeleteTable")], "AccessDeniedException"),
        ([everything, statement("Deny", "dynamodb:*", Resource="arn:aws:dynamodb:*:*:table/x")], "AccessDeniedException"),
        ([everything, statement("Deny", "s3:DeleteObject")], "ok"),
        ([everything], "ok"),
    ]:
        assert code({"Version": "2012-10-17", "Statement": policy}, "dynamodb", "list_tables") == expected, policy
    elsewhere.seen.clear()
    reader = key(server, policy=allow("s3:ListAllMyBuckets"), tmp_path=tmp_path)
    client = server.client("s3", **reader)
    client.meta.events.register(
        "before-sign.s3", lambda request, **_: request.headers.add_header("X-Amz-Target", "a.ListAllMyBuckets"))
    with pytest.raises(botocore.exceptions.ClientError):
        client.list_buckets()
    assert elsewhere.seen == []
