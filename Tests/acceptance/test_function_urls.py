# SPDX-License-Identifier: Apache-2.0
"""Function URLs: made with boto3, called over HTTP by their host name and by their path."""

import base64
import http.client
import json
import re
import time
import urllib.parse
import uuid

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import pytest

from harness import NODE, wait_until

ECHO = "def handler(event, context): return event"
# Answers with what the body says, as JSON.
MIRROR = """
import base64, json
def handler(event, context):
    body = event.get("body") or "null"
    return json.loads(base64.b64decode(body) if event["isBase64Encoded"] else body)
"""
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
FORBIDDEN = ("Forbidden. For troubleshooting Function URL authorization issues, see: "
             "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html")


def allow(server, name, principal="*", auth_type="NONE", **arguments):
    """The two statements that a URL needs."""
    client = server.client()
    client.add_permission(FunctionName=name, StatementId="url", Action="lambda:InvokeFunctionUrl", Principal=principal,
                          FunctionUrlAuthType=auth_type, **arguments)
    client.add_permission(FunctionName=name, StatementId="via", Action="lambda:InvokeFunction", Principal=principal,
                          InvokedViaFunctionUrl=True, **arguments)


def make_url(server, name, auth_type="NONE", public=True, **arguments):
    if auth_type == "NONE" and public:
        allow(server, name)
    return server.client().create_function_url_config(FunctionName=name, AuthType=auth_type, **arguments)["FunctionUrl"]


class Answer:
    def __init__(self, response, body):
        self.status, self.body = response.status, body
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.cookies = [v for k, v in response.getheaders() if k.lower() == "set-cookie"]

    @property
    def json(self):
        return json.loads(self.body)


def connect(server):
    port = urllib.parse.urlsplit(server.url).port
    return http.client.HTTPConnection("127.0.0.1", port, timeout=60)


def call(server, url, method="GET", path="", body=None, headers=None, credentials=None):
    """Sends a request as a client does that has looked the URL's host name up; signed where there are credentials."""
    parts = urllib.parse.urlsplit(urllib.parse.urljoin(url, path))
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = {"Host": parts.netloc, **(headers or {})}
    if credentials:
        request = botocore.awsrequest.AWSRequest(
            method, f"http://{parts.netloc}{target}", data=body, headers={k: v for k, v in headers.items() if k != "Host"})
        key = botocore.credentials.Credentials(credentials["accessKeyId"], credentials["secretAccessKey"])
        botocore.auth.SigV4Auth(key, "lambda", credentials["region"]).add_auth(request)
        headers.update(dict(request.headers.items()))
    connection = connect(server)
    try:
        connection.request(method, target, body=body, headers=headers)
        response = connection.getresponse()
        return Answer(response, response.read())
    finally:
        connection.close()


def refusal(call, *arguments, **keywords):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(*arguments, **keywords)
    error = caught.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"], error["Error"]["Message"]


@pytest.fixture(scope="module")
def echo(server):
    """A public URL that answers with its event."""
    name = "f-" + uuid.uuid4().hex[:12]
    server.deploy(name, ECHO)
    return make_url(server, name)


@pytest.fixture(scope="module")
def mirror(server):
    """A public URL that answers with what it is sent."""
    name = "f-" + uuid.uuid4().hex[:12]
    server.deploy(name, MIRROR)
    url = make_url(server, name)

    def answer(payload, **arguments):
        return call(server, url, "POST", body=json.dumps(payload), headers={"Content-Type": "application/json"}, **arguments)

    return answer


# The configuration


def test_the_life_of_a_url_with_boto3(server, name):
    client = server.client()
    server.deploy(name, ECHO)
    made = client.create_function_url_config(FunctionName=name, AuthType="NONE")
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    host = urllib.parse.urlsplit(made["FunctionUrl"])
    assert host.hostname.endswith(".lambda-url.us-east-1.localhost")
    assert host.port == urllib.parse.urlsplit(server.url).port and len(host.hostname.split(".")[0]) == 32
    assert (made["FunctionArn"], made["AuthType"]) == (ARN + name, "NONE") and "InvokeMode" not in made
    shown = client.get_function_url_config(FunctionName=name)
    assert shown["InvokeMode"] == "BUFFERED" and shown["LastModifiedTime"] == shown["CreationTime"] == made["CreationTime"]
    assert refusal(client.create_function_url_config, FunctionName=name, AuthType="NONE") == (
        409, "ResourceConflictException",
        f"Failed to create function url config for [functionArn = {ARN}{name}]. Error message:  FunctionUrlConfig exists "
        "for this Lambda function")
    cors = {"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"], "MaxAge": 60}
    changed = client.update_function_url_config(FunctionName=name, AuthType="AWS_IAM", Cors=cors)
    assert (changed["FunctionUrl"], changed["AuthType"], changed["Cors"]) == (made["FunctionUrl"], "AWS_IAM", cors)
    assert changed["LastModifiedTime"] > changed["CreationTime"]
    listed = client.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]
    assert [item["FunctionUrl"] for item in listed] == [made["FunctionUrl"]]
    assert client.delete_function_url_config(FunctionName=name)["ResponseMetadata"]["HTTPStatusCode"] == 204
    missing = (404, "ResourceNotFoundException", "The resource you requested does not exist.")
    assert refusal(client.get_function_url_config, FunctionName=name) == missing
    assert refusal(client.delete_function_url_config, FunctionName=name) == missing
    assert client.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"] == []
    answer = call(server, made["FunctionUrl"])
    assert (answer.status, answer.json) == (403, {"Message": None})


def test_what_has_no_url(server, name):
    client = server.client()
    server.deploy(name, ECHO)
    client.publish_version(FunctionName=name)
    for qualifier in ("1", "$LATEST"):
        assert refusal(client.create_function_url_config, FunctionName=name, Qualifier=qualifier, AuthType="NONE") == (
            400, "ValidationException",
            f"1 validation error detected: Value '{qualifier}' at 'qualifier' failed to satisfy constraint: Member must "
            r"satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)")
    nothing = (404, "ResourceNotFoundException", "Function does not exist")
    assert refusal(client.create_function_url_config, FunctionName="absent", AuthType="NONE") == nothing
    assert refusal(client.create_function_url_config, FunctionName=name, Qualifier="nobody", AuthType="NONE") == nothing
    assert refusal(client.list_function_url_configs, FunctionName="absent") == nothing
    assert refusal(client.create_function_url_config, FunctionName=name, AuthType="OTHER")[1] == "ValidationException"


def test_the_aws_cli(server, name, aws):
    server.deploy(name, ECHO)
    made = json.loads(aws(server, "lambda", "create-function-url-config", "--function-name", name, "--auth-type", "NONE",
                          "--invoke-mode", "RESPONSE_STREAM").stdout)
    assert made["InvokeMode"] == "RESPONSE_STREAM"
    shown = json.loads(aws(server, "lambda", "get-function-url-config", "--function-name", name).stdout)
    assert shown["FunctionUrl"] == made["FunctionUrl"]


def test_a_url_survives_a_restart(make_server, name):
    server = make_server("--listen", "127.0.0.1:0")
    server.deploy(name, ECHO)
    url = make_url(server, name)
    assert call(server, url).status == 200
    server.kill()
    server.start()
    assert call(server, url).status == 200


# Events


def test_a_get_request(server, echo):
    answer = call(server, echo, path="/a/b%20c?x=1&x=2&y=a+b", headers={"User-Agent": "test/1", "X-Many": "a, b"})
    assert answer.status == 200 and answer.headers["content-type"] == "application/json"
    event = answer.json
    host = urllib.parse.urlsplit(echo)
    assert event["version"] == "2.0" and event["routeKey"] == "$default"
    assert event["rawPath"] == "/a/b%20c" and event["rawQueryString"] == "x=1&x=2&y=a+b"
    assert event["queryStringParameters"] == {"x": "1,2", "y": "a b"}
    assert event["headers"]["host"] == host.netloc and event["headers"]["x-many"] == "a, b"
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1" and event["headers"]["x-forwarded-proto"] == "http"
    assert event["isBase64Encoded"] is False and "body" not in event and "cookies" not in event
    context = event["requestContext"]
    assert context["accountId"] == "anonymous" and "authorizer" not in context
    assert context["apiId"] == context["domainPrefix"] == host.hostname.split(".")[0]
    assert context["domainName"] == host.hostname
    assert context["http"] == {"method": "GET", "path": "/a/b%20c", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                               "userAgent": "test/1"}
    assert context["stage"] == "$default" and abs(context["timeEpoch"] / 1000 - time.time()) < 60
    assert context["requestId"] == answer.headers["x-amzn-requestid"]
    assert event["headers"]["x-amzn-trace-id"].startswith("Root=1-")
    assert answer.headers["x-amzn-trace-id"].startswith(event["headers"]["x-amzn-trace-id"])


def test_a_post_request(server, echo):
    event = call(server, echo, "POST", body='{"a": "ü"}'.encode(), headers={"Content-Type": "application/json"}).json
    assert (event["body"], event["isBase64Encoded"]) == ('{"a": "ü"}', False)
    assert event["requestContext"]["http"]["method"] == "POST"


@pytest.mark.parametrize("type", ["application/octet-stream", "application/x-www-form-urlencoded", None])
def test_a_binary_body_is_base64(server, echo, type):
    body = bytes(range(256))
    event = call(server, echo, "PUT", body=body, headers={"Content-Type": type} if type else {}).json
    assert event["isBase64Encoded"] is True and base64.b64decode(event["body"]) == body


def test_cookies(server, echo):
    event = call(server, echo, headers={"Cookie": "a=1; b=2"}).json
    assert event["cookies"] == ["a=1", "b=2"] and "cookie" not in event["headers"]


def test_the_same_url_by_its_path(server, echo):
    id = urllib.parse.urlsplit(echo).hostname.split(".")[0]
    event = call(server, server.url, path=f"/_martlet/url/{id}/x/y?z=1").json
    assert (event["rawPath"], event["rawQueryString"], event["requestContext"]["apiId"]) == ("/x/y", "z=1", id)
    assert call(server, server.url, path=f"/_martlet/url/{id}").json["rawPath"] == "/"


def test_hosts_and_paths_that_are_no_urls(server, echo):
    for url in ("http://abc.lambda-url.us-east-1.localhost/", server.url + "/_martlet/url/abc/"):
        answer = call(server, url)
        assert (answer.status, answer.json) == (403, {"Message": None})
        assert answer.headers["x-amzn-errortype"] == "AccessDeniedException"


# Answers


def test_an_answer_with_everything(mirror):
    answer = mirror({"statusCode": 201, "headers": {"Content-Type": "text/html", "X-A": "b", "Connection": "close"},
                     "cookies": ["a=1; Secure", "b=2"], "body": "<p>ü"})
    assert (answer.status, answer.body) == (201, "<p>ü".encode())
    assert answer.headers["content-type"] == "text/html" and answer.headers["x-a"] == "b"
    assert answer.cookies == ["a=1; Secure", "b=2"] and "connection" not in answer.headers


def test_a_binary_answer(mirror):
    body = bytes(range(256))
    answer = mirror({"statusCode": 200, "headers": {"content-type": "image/png"}, "isBase64Encoded": True,
                     "body": base64.b64encode(body).decode()})
    assert answer.body == body and answer.headers["content-type"] == "image/png"


@pytest.mark.parametrize("value", [{"a": 1}, [1, 2], 42, True, None])
def test_any_json_is_a_body(mirror, value):
    answer = mirror(value)
    assert (answer.status, answer.headers["content-type"], answer.json) == (200, "application/json", value)


def test_a_string_has_no_quotes(mirror):
    assert mirror('hello "you"').body == b'hello "you"'


@pytest.mark.parametrize("value", [
    {"statusCode": "x"}, {"statusCode": 99}, {"statusCode": 200, "headers": {"a": "x\r\nb: c"}},
    {"statusCode": 200, "headers": "x"}, {"statusCode": 200, "cookies": ["a\nb"]},
    {"statusCode": 200, "isBase64Encoded": True, "body": "!"}])
def test_a_shape_that_is_no_answer(mirror, value):
    answer = mirror(value)
    assert (answer.status, answer.body) == (502, b"Internal Server Error")


def test_a_function_error(server, name):
    server.deploy(name, "def handler(event, context): raise ValueError('secret')")
    answer = call(server, make_url(server, name))
    assert (answer.status, answer.body) == (502, b"Internal Server Error")


def test_statuses_without_a_body_leave_the_connection_usable(server, mirror, echo):
    assert (mirror({"statusCode": 204, "body": "x"}).status, mirror({"statusCode": 304}).status) == (204, 304)
    connection = connect(server)
    host = urllib.parse.urlsplit(echo).netloc
    for method in ("HEAD", "GET", "HEAD"):
        connection.request(method, "/", headers={"Host": host})
        response = connection.getresponse()
        assert response.status == 200 and bool(response.read()) == (method == "GET")
    connection.close()


def test_too_large_a_request(server, echo):
    assert call(server, echo, "POST", body=b"a" * 5_000_000).status == 413
    answer = call(server, echo, "POST", body=b"a" * 2_000_000, headers={"Content-Type": "text/plain"})
    assert answer.status == 200 and len(answer.json["body"]) == 2_000_000


def test_throttling(make_server, name):
    server = make_server("--account-concurrency", "1")
    server.deploy(name, "import time\ndef handler(event, context): time.sleep(8)")
    url = make_url(server, name)
    connection = connect(server)
    connection.request("GET", "/", headers={"Host": urllib.parse.urlsplit(url).netloc})
    wait_until(lambda: any(text.startswith("START") for _, text in server.log(name)), 60, "the invocation")
    answer = call(server, url)
    assert answer.status == 429 and answer.json["Reason"] == "ConcurrentInvocationLimitExceeded"
    assert connection.getresponse().status == 200
    connection.close()


# CORS


def test_cors(server, name):
    server.deploy(name, "def handler(event, context): return {'statusCode': 200, 'headers': {"
                        "'Access-Control-Allow-Origin': 'https://evil.example'}, 'body': event['rawPath']}")
    url = make_url(server, name, Cors={
        "AllowOrigins": ["https://a.example"], "AllowMethods": ["GET", "PUT"], "AllowHeaders": ["x-a"], "MaxAge": 60,
        "AllowCredentials": True, "ExposeHeaders": ["x-b"]})
    asked = call(server, url, "OPTIONS", headers={"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"})
    assert (asked.status, asked.body) == (200, b"")
    assert {k: v for k, v in asked.headers.items() if k.startswith("access-control-")} == {
        "access-control-allow-origin": "https://a.example", "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET,PUT", "access-control-allow-headers": "x-a", "access-control-max-age": "60"}
    known = call(server, url, path="/x", headers={"Origin": "https://a.example"})
    assert known.body == b"/x" and known.headers["vary"] == "Origin"
    assert known.headers["access-control-allow-origin"] == "https://a.example"
    assert known.headers["access-control-expose-headers"] == "x-b"
    for origin in ({"Origin": "https://evil.example"}, {}):
        assert "access-control-allow-origin" not in call(server, url, headers=origin).headers


def test_without_cors_the_function_answers_a_preflight(server, echo):
    answer = call(server, echo, "OPTIONS", headers={"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"})
    assert answer.json["requestContext"]["http"]["method"] == "OPTIONS"


# Who may


def test_without_permission_a_public_url_is_forbidden(server, name):
    client = server.client()
    server.deploy(name, ECHO)
    url = make_url(server, name, public=False)

    def forbidden():
        answer = call(server, url)
        assert answer.status in (200, 403)
        assert answer.status == 200 or (answer.json, answer.headers["x-amzn-errortype"]) == (
            {"Message": FORBIDDEN}, "AccessDeniedException")
        return answer.status == 403

    assert forbidden()
    client.add_permission(FunctionName=name, StatementId="one", Action="lambda:InvokeFunctionUrl", Principal="*",
                          FunctionUrlAuthType="NONE")
    assert forbidden()
    client.add_permission(FunctionName=name, StatementId="two", Action="lambda:InvokeFunction", Principal="*",
                          InvokedViaFunctionUrl=True)
    assert not forbidden()
    client.remove_permission(FunctionName=name, StatementId="one")
    assert forbidden()
    client.update_function_url_config(FunctionName=name, AuthType="AWS_IAM")
    client.add_permission(FunctionName=name, StatementId="one", Action="lambda:InvokeFunctionUrl", Principal="*",
                          FunctionUrlAuthType="NONE")
    assert forbidden()


def test_aws_iam(server, name):
    server.deploy(name, ECHO)
    url = make_url(server, name, "AWS_IAM")
    assert call(server, url).json == {"Message": FORBIDDEN}
    known = server.credentials
    answer = call(server, url, "POST", "/a%20b/c?x=%2F&y", b"\x00\xff", {"Content-Type": "image/png"}, known)
    assert answer.status == 200, answer.body
    event = answer.json
    iam = event["requestContext"]["authorizer"]["iam"]
    assert (iam["accessKey"], iam["userArn"]) == (known["accessKeyId"], "arn:aws:iam::000000000000:root")
    assert event["requestContext"]["accountId"] == iam["accountId"] == "000000000000"
    assert "authorization" not in event["headers"] and base64.b64decode(event["body"]) == b"\x00\xff"
    wrong = call(server, url, credentials={**known, "secretAccessKey": "wrong"})
    assert (wrong.status, wrong.headers["x-amzn-errortype"]) == (403, "InvalidSignatureException")
    path = "/_martlet/url/" + urllib.parse.urlsplit(url).hostname.split(".")[0] + "/x"
    assert call(server, server.url, path=path, credentials=known).json["rawPath"] == "/x"


def test_an_aliass_url(server, name):
    client = server.client()
    server.deploy(name, "def handler(event, context): return [context.function_version, context.invoked_function_arn]")
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    allow(server, name)
    url = make_url(server, name, public=False, Qualifier="live")
    assert call(server, url).status == 403
    allow(server, name, Qualifier="live")
    assert call(server, url).json == ["1", f"{ARN}{name}:live"]
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="$LATEST")
    assert call(server, url).json == ["$LATEST", f"{ARN}{name}:live"]
    client.delete_alias(FunctionName=name, Name="live")
    assert call(server, url).json == {"Message": None}


# Streams


STREAM = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const mode = event.rawPath.slice(1);
  if (mode === "early") throw new Error("early");
  if (mode !== "plain") {
    stream = awslambda.HttpResponseStream.from(stream, {
      statusCode: 201, headers: {"content-type": "text/plain", "x-a": "b"}, cookies: ["a=1"]});
  } else {
    stream.setContentType("text/css");
  }
  stream.write("first");
  await new Promise((resolve) => setTimeout(resolve, mode === "http" ? 4000 : 1500));
  if (mode === "late") throw new Error("late");
  if (mode === "large") {
    const began = Date.now();
    for (let n = 0; n < 64; n++) {
      if (!stream.write(Buffer.alloc(1048576))) await new Promise((resolve) => stream.once("drain", resolve));
    }
    console.log(`last write after ${Date.now() - began} ms`);
  }
  stream.write("second");
  stream.end();
});
"""


@pytest.fixture(scope="module")
def streamer(server):
    if not NODE:
        pytest.skip("no Node.js on this machine")
    name = "f-" + uuid.uuid4().hex[:12]
    server.deploy(name, {"index.js": STREAM}, Runtime=NODE, Handler="index.handler", MemorySize=512)
    return name


@pytest.fixture(scope="module")
def stream(server, streamer):
    return make_url(server, streamer, InvokeMode="RESPONSE_STREAM")


def opened(server, url, path):
    connection = connect(server)
    connection.request("GET", path, headers={"Host": urllib.parse.urlsplit(url).netloc})
    return connection, connection.getresponse()


def test_a_stream_comes_as_it_is_written(server, stream):
    call(server, stream, path="/plain")
    # A busy machine may show us one late; none that waits for its end looks like this.
    for _ in range(4):
        connection, response = opened(server, stream, "/http")
        assert response.status == 201 and response.headers["x-a"] == "b" and response.headers["set-cookie"] == "a=1"
        assert response.headers["content-type"] == "text/plain"
        began = time.monotonic()
        assert response.read(5) == b"first"
        first = time.monotonic() - began
        assert response.read() == b"second"
        last = time.monotonic() - began
        connection.close()
        if first < 3.5 < last:
            return
    raise AssertionError((first, last))


def test_a_stream_without_a_head(server, stream):
    answer = call(server, stream, path="/plain")
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "text/css", b"firstsecond")


def test_a_stream_that_fails_early_and_late(server, stream):
    early = call(server, stream, path="/early")
    assert (early.status, early.body) == (502, b"Internal Server Error")
    connection, response = opened(server, stream, "/late")
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        response.read()
    connection.close()
    assert call(server, stream, path="/plain").status == 200


def test_a_slow_client_slows_the_function(server, streamer, stream):
    def last_writes():
        found = [re.search(r"last write after (\d+) ms", message) for _, message in server.log(streamer)]
        return [int(match.group(1)) for match in found if match]

    # Where the function itself is late there is less of the pause left to wait for.
    for number, pause in enumerate((4, 20)):
        connection, response = opened(server, stream, "/large")
        assert response.read(5) == b"first"
        time.sleep(pause)
        assert len(response.read()) == 64 * 1_048_576 + len(b"second")
        connection.close()
        found = wait_until(lambda: len(last_writes()) > number and last_writes(), 60, "the function's line")
        if found[-1] > 2_000:
            return
    raise AssertionError(found)


def test_a_client_that_leaves_disturbs_nobody(server, stream):
    connection, response = opened(server, stream, "/large")
    assert response.read(5) == b"first"
    connection.close()
    assert call(server, stream, path="/plain").status == 200


def test_a_function_that_does_not_stream_in_stream_mode(server, name):
    server.deploy(name, "def handler(event, context): return {'statusCode': 201, 'body': 'x'}")
    answer = call(server, make_url(server, name, InvokeMode="RESPONSE_STREAM"))
    assert (answer.status, answer.json) == (200, {"statusCode": 201, "body": "x"})
