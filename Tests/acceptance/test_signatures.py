# SPDX-License-Identifier: Apache-2.0
"""Signature Version 4 against botocore's own signers, over raw HTTP."""

import datetime
import http.client
import json
import urllib.parse
from unittest import mock

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

PATH = "/2015-03-31/functions"


@pytest.fixture
def credentials(server):
    known = server.credentials
    return botocore.credentials.Credentials(known["accessKeyId"], known["secretAccessKey"])


def send(server, request):
    """Sends a prepared request as it is; gives status, type and body."""
    url = urllib.parse.urlsplit(request.url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    target = url.path + (f"?{url.query}" if url.query else "")
    headers = {k: v for k, v in request.headers.items()}
    connection.request(request.method, target, body=request.body, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, (response.getheader("x-amzn-ErrorType") or "").split(":")[0], body


def signed(server, credentials, signer=botocore.auth.SigV4Auth, *arguments, path=PATH, method="GET", body=b"",
           headers=None, region="us-east-1", service="lambda", at=None):
    request = botocore.awsrequest.AWSRequest(
        method=method, url=server.url + path, data=body, headers={"Host": urllib.parse.urlsplit(server.url).netloc, **(headers or {})})
    now = at or datetime.datetime.now(datetime.timezone.utc)
    # Signers take the time without its zone.
    with mock.patch("botocore.auth.get_current_datetime", return_value=now.replace(tzinfo=None)):
        signer(credentials, service, region, *arguments).add_auth(request)
    return request.prepare()


@pytest.mark.parametrize("path", [
    PATH, PATH + "/", PATH + "?MaxItems=2&Marker=", PATH + "?MaxItems=2&FunctionVersion=ALL",
    PATH + "/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Aabsent",
    PATH + "/absent?Qualifier=%24LATEST",
])
def test_a_header_signature_of_botocore_is_accepted(server, credentials, path):
    status, kind, body = send(server, signed(server, credentials, path=path))
    assert status in (200, 400, 404) and "Signature" not in kind, (status, kind, body)


def test_a_presigned_request_of_botocore_is_accepted_until_it_expires(server, credentials):
    assert send(server, signed(server, credentials, botocore.auth.SigV4QueryAuth, 60))[0] == 200
    past = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=120)
    status, kind, body = send(server, signed(server, credentials, botocore.auth.SigV4QueryAuth, 60, at=past))
    assert status == 403 and kind == "InvalidSignatureException" and b"expired" in body.lower(), body


@pytest.mark.parametrize("minutes,word", [(-6, b"Signature expired"), (6, b"Signature not yet current")])
def test_clock_skew(server, credentials, minutes, word):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    status, kind, body = send(server, signed(server, credentials, at=at))
    assert (status, kind) == (403, "InvalidSignatureException") and word in body, body
    within = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes * 4 / 6)
    assert send(server, signed(server, credentials, at=within))[0] == 200


def test_wrong_key_and_wrong_secret(server, credentials):
    stranger = botocore.credentials.Credentials("AKIAAAAAAAAAAAAAAAAA", credentials.secret_key)
    status, kind, body = send(server, signed(server, stranger))
    assert (status, kind) == (403, "UnrecognizedClientException")
    assert json.loads(body)["message"] == "The security token included in the request is invalid."
    wrong = botocore.credentials.Credentials(credentials.access_key, "wrong")
    status, kind, body = send(server, signed(server, wrong))
    assert (status, kind) == (403, "InvalidSignatureException")
    assert json.loads(body)["message"].startswith("The request signature we calculated does not match")


def test_nothing_may_be_changed_after_signing(server, credentials):
    request = signed(server, credentials, path=PATH + "?MaxItems=2")
    request.url = request.url.replace("MaxItems=2", "MaxItems=3")
    assert send(server, request)[:2] == (403, "InvalidSignatureException")
    request = signed(server, credentials, method="POST", path=PATH + "/f/invocations", body=b'{"a":1}')
    request.body = b'{"a":2}'
    assert send(server, request)[0] in (400, 403)
    request = signed(server, credentials, headers={"X-Amz-Log-Type": "Tail"}, method="POST", path=PATH + "/f/invocations")
    request.headers["X-Amz-Log-Type"] = "None"
    assert send(server, request)[:2] == (403, "InvalidSignatureException")


@pytest.mark.parametrize("region,service", [("nowhere", "lambda"), ("", "lambda"), ("us-east-1", "s3")])
def test_another_scope_is_refused(server, credentials, region, service):
    status, kind, body = send(server, signed(server, credentials, region=region, service=service))
    assert (status, kind) == (403, "InvalidSignatureException") and b"Credential should be scoped" in body


def test_unsigned_and_broken_requests_are_refused(server):
    host = {"Host": urllib.parse.urlsplit(server.url).netloc}
    plain = botocore.awsrequest.AWSRequest(method="GET", url=server.url + PATH, headers=host).prepare()
    assert send(server, plain)[:2] == (403, "MissingAuthenticationTokenException")
    for text in ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=, Signature=", "Basic eDp5",
                 "AWS4-HMAC-SHA256 " + "a" * 7000, "AWS4-HMAC-SHA256 Credential=////, SignedHeaders=host, Signature=0"):
        broken = botocore.awsrequest.AWSRequest(
            method="GET", url=server.url + PATH, headers={**host, "Authorization": text}).prepare()
        status, kind, body = send(server, broken)
        assert 400 <= status < 500, (text, status, body)


def test_streaming_chunks_are_refused_cleanly(server, credentials):
    request = signed(
        server, credentials, method="POST", path=PATH + "/f/invocations", body=b"{}",
        headers={"X-Amz-Content-SHA256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"})
    status, kind, _ = send(server, request)
    assert 400 <= status < 500 and kind


def test_without_authentication_anybody_on_the_machine_may_call(make_server):
    open_server = make_server("--auth", "none")
    host = {"Host": urllib.parse.urlsplit(open_server.url).netloc}
    plain = botocore.awsrequest.AWSRequest(method="GET", url=open_server.url + PATH, headers=host).prepare()
    assert send(open_server, plain)[0] == 200
    client = open_server.client(aws_access_key_id="test", aws_secret_access_key="test")
    assert client.list_functions()["Functions"] == []
