#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Tests/AWSWireTests/Vectors/sigv4.json: requests signed by botocore, for the tests of our verifier and signer.

Run by `make vectors`, with the botocore that Tests/requirements.txt names. The output depends on nothing but botocore.
"""

import base64
import datetime
import json
import pathlib
from unittest import mock
from urllib.parse import urlsplit

import botocore
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

TIME = datetime.datetime(2025, 1, 31, 23, 59, 58)
ACCESS_KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
REGION = "us-east-1"
HOST = "127.0.0.1:4566"
FUNCTIONS = "/2015-03-31/functions"


def vector(name, method, target, headers=(), body=b"", service="lambda", token=None, expires=None, content_hash=True):
    request = AWSRequest(method=method, url=f"http://{HOST}{target}", data=body)
    request.headers = HTTPHeaders()
    for key, value in headers:
        request.headers.add_header(key, value)
    if expires is None:
        if content_hash is True:
            request.headers["X-Amz-Content-SHA256"] = auth.SigV4Auth(None, None, None).payload(request)
        elif content_hash:
            request.headers["X-Amz-Content-SHA256"] = content_hash
    credentials = Credentials(ACCESS_KEY, SECRET, token)
    if expires is None:
        signer = auth.SigV4Auth(credentials, service, REGION)
    else:
        signer = auth.SigV4QueryAuth(credentials, service, REGION, expires=expires)
    with mock.patch("botocore.auth.get_current_datetime", lambda: TIME):
        signer.add_auth(request)
    parts = urlsplit(request.url)
    wire = [["Host", HOST]] + [[key, value] for key, value in request.headers.items() if key.lower() != "host"]
    return {
        "name": name,
        "form": "header" if expires is None else "presigned",
        "method": method,
        "path": parts.path,
        "query": parts.query,
        "headers": wire,
        # botocore moves the body of a presigned request into its query.
        "body": base64.b64encode(request.data or b"").decode(),
        "service": service,
        "token": token,
        "expires": expires,
        "hasContentHash": bool(content_hash) and expires is None,
    }


def vectors():
    arn = "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Aword-count"
    json_type = [("Content-Type", "application/json")]
    yield vector("list", "GET", FUNCTIONS)
    yield vector("list, no content hash", "GET", FUNCTIONS, content_hash=False)
    yield vector("trailing slash", "GET", FUNCTIONS + "/")
    yield vector("create", "POST", FUNCTIONS, json_type, b'{"FunctionName":"f"}')
    yield vector("create, no content hash", "POST", FUNCTIONS, json_type, b'{"FunctionName":"f"}', content_hash=False)
    yield vector("name", "GET", FUNCTIONS + "/word-count")
    yield vector("name with a qualifier, bare colon", "GET", FUNCTIONS + "/word-count:1")
    yield vector("ARN", "POST", f"{FUNCTIONS}/{arn}/invocations", body=b"{}")
    yield vector("ARN, no content hash", "POST", f"{FUNCTIONS}/{arn}/invocations", body=b"{}", content_hash=False)
    yield vector("qualifier", "GET", FUNCTIONS + "/f?Qualifier=%24LATEST")
    yield vector("parameters out of order", "GET", FUNCTIONS + "?MaxItems=10&Marker=abc&FunctionVersion=ALL")
    yield vector("one parameter twice", "GET", FUNCTIONS + "?tagKeys=b&tagKeys=a&tagKeys=%C3%BC")
    yield vector("name that begins like another", "GET", FUNCTIONS + "?ab=1&a=2&a-b=3")
    yield vector("parameter without a value", "GET", FUNCTIONS + "?List")
    yield vector("unicode parameter", "GET", FUNCTIONS + "?Marker=%E6%97%A5%E6%9C%AC%E8%AA%9E%20x")
    yield vector("unreserved characters", "GET", FUNCTIONS + "/a-b_c.d~e?x=-_.~")
    yield vector("double slash", "GET", "/2015-03-31//functions")
    yield vector("dot segments", "GET", "/2015-03-31/x/../functions/./f")
    yield vector("root", "POST", "/", [("X-Amz-Target", "Logs_20140328.FilterLogEvents"),
                 ("Content-Type", "application/x-amz-json-1.1")], b'{"logGroupName":"g"}', service="logs")
    yield vector("white space in a header", "POST", FUNCTIONS + "/f/invocations",
                 [("X-Amz-Client-Context", "  a   b \t c  ")], b"{}")
    yield vector("header twice", "GET", FUNCTIONS, [("X-Amz-Meta", "b"), ("X-Amz-Meta", "a")])
    yield vector("empty header", "GET", FUNCTIONS, [("X-Amz-Meta", "")])
    yield vector("invoke headers", "POST", FUNCTIONS + "/f/invocations?Qualifier=%24LATEST",
                 [("X-Amz-Invocation-Type", "RequestResponse"), ("X-Amz-Log-Type", "Tail"), ("User-Agent", "Boto3/1"),
                  ("X-Amzn-Trace-Id", "Root=1-0-0")], b'{"k":"v"}')
    yield vector("session token", "GET", FUNCTIONS, token="FwoGZXIvYXdzE+/=token")
    yield vector("binary body", "POST", FUNCTIONS + "/f/invocations", body=bytes(range(256)))
    yield vector("unsigned payload", "POST", FUNCTIONS + "/f/invocations", body=b'{"any":1}',
                 content_hash="UNSIGNED-PAYLOAD")
    yield vector("presigned", "GET", FUNCTIONS + "/f", expires=60)
    yield vector("presigned with parameters", "GET", FUNCTIONS + "/f?Qualifier=%24LATEST&a=b%20c", expires=900)
    yield vector("presigned with a session token", "GET", FUNCTIONS, token="FwoGZXIvYXdzE+/=token", expires=60)
    yield vector("presigned POST", "POST", FUNCTIONS + "/f/invocations", body=b'{"k":"v w"}', expires=60)


def main():
    path = pathlib.Path(__file__).resolve().parent.parent / "Tests/AWSWireTests/Vectors/sigv4.json"
    document = {
        "generatedBy": f"Scripts/make-sigv4-vectors.py (make vectors), botocore {botocore.__version__}",
        "accessKey": ACCESS_KEY,
        "secret": SECRET,
        "region": REGION,
        "time": TIME.strftime("%Y%m%dT%H%M%SZ"),
        "vectors": list(vectors()),
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
