# SPDX-License-Identifier: Apache-2.0
"""Requests for every operation, made from the service model and then spoilt: each is answered, and never with a 5xx.

Fixed by MARTLET_FUZZ_SEED (1); MARTLET_MODEL_REQUESTS for each operation (40).
"""

import collections
import json
import os
import random
import re
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.session
import pytest
import urllib3

from harness import PYTHON, ROLE, zip_of

MODEL = botocore.session.get_session().get_service_model("lambda")
OPERATIONS = sorted(MODEL.operation_names)
REQUESTS = int(os.environ.get("MARTLET_MODEL_REQUESTS", 40))
SEED = int(os.environ.get("MARTLET_FUZZ_SEED", 1))
SECONDS = 60
FUNCTION = "fuzzed"
ARN = "arn:aws:lambda:us-east-1:000000000000"

# What patterns let through, by the shape's name; the rest is made from its type.
KNOWN = {
    "FunctionName": FUNCTION, "NamespacedFunctionName": FUNCTION, "UnqualifiedFunctionName": FUNCTION,
    "Alias": "live", "Version": "1", "VersionWithLatestPublished": "1", "AdditionalVersion": "2",
    "Qualifier": "live", "NumericLatestPublishedOrAliasQualifier": "live", "FunctionUrlQualifier": "live",
    "PublishedFunctionQualifier": "1", "RoleArn": ROLE, "Handler": "index.handler", "Runtime": PYTHON,
    "LayerName": "fuzzed", "LayerVersionArn": f"{ARN}:layer:fuzzed:1", "LayerArn": f"{ARN}:layer:fuzzed",
    "Arn": "arn:aws:sqs:us-east-1:000000000000:queue", "Action": "lambda:InvokeFunction",
    "Principal": "s3.amazonaws.com", "LayerPermissionAllowedPrincipal": "*",
    "LayerPermissionAllowedAction": "lambda:GetLayerVersion", "StatementId": "s1", "NamespacedStatementId": "s1",
    "SourceOwner": "000000000000", "CodeSigningConfigArn": f"{ARN}:code-signing-config:csc-0123456789abcdefg",
    "TaggableResource": f"{ARN}:function:{FUNCTION}", "FunctionArn": f"{ARN}:function:{FUNCTION}",
    "KMSKeyArn": "", "ResourceArn": "arn:aws:sqs:us-east-1:000000000000:queue", "DestinationArn":
    "arn:aws:sqs:us-east-1:000000000000:queue", "S3Bucket": "bucket", "S3Key": "key", "S3ObjectVersion": "1",
    "EventSourceToken": "token", "PrincipalOrgID": "o-0123456789", "OrganizationId": "o-0123456789",
    "MasterRegion": "ALL", "EnvironmentVariableName": "NAME", "LogGroup": "/group", "LocalMountPath": "/mnt/x",
    "FileSystemArn": "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0",
    "Endpoint": "localhost:9092", "Topic": "topic", "Queue": "queue", "URI": "uri", "Pattern": '{"body":["a"]}',
    "RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:0123456789abcdef0123456789abcdef",
    "ClientToken": "token", "CallbackId": "abcd", "CheckpointToken": "abcd", "TenantId": "tenant",
    "DurableExecutionArn": f"{ARN}:function:{FUNCTION}:1/durable-execution/a/b", "DurableExecutionName": "name",
    "CapacityProviderName": "provider", "Tags": {"tag": "value"}, "TagKey": "tag",
}
HOSTILE = [
    "", " ", "\0", "a" * 300, "a" * 70_000, "../../etc/passwd", "%00%2e%2e", "é\u202e😀", "'; DROP TABLE functions; --",
    "${jndi:ldap://x}", "$LATEST", "$LATEST.PUBLISHED", "arn:aws:lambda:us-east-1:000000000000:function:" + FUNCTION + ":9",
    "arn:aws:lambda:eu-west-1:000000000000:function:other", "arn:aws:lambda:us-east-1:111111111111:function:other",
    -1, 0, 1, 2**31, 2**63, -2**63, 1e308, 0.5, True, None, [], {}, [[]], {"a": {"b": []}}, ["x"] * 2_000,
    {f"k{number}": "v" for number in range(500)}, "2020-01-01T00:00:00Z",
]


def sample(shape, chance, depth=0):
    """A value that the model lets through, mostly."""
    if shape.name in KNOWN:
        return KNOWN[shape.name]
    match shape.type_name:
        case "structure":
            members = {}
            for name, member in shape.members.items():
                if name in shape.required_members or (depth < 4 and chance.random() < 0.4):
                    members[name] = sample(member, chance, depth + 1)
            return members
        case "list":
            return [sample(shape.member, chance, depth + 1) for _ in range(max(1, shape.metadata.get("min", 1)))]
        case "map":
            return {str(sample(shape.key, chance, depth + 1)): sample(shape.value, chance, depth + 1)}
        case "string":
            if getattr(shape, "enum", None):
                return chance.choice(shape.enum)
            return "x" * max(1, min(shape.metadata.get("min", 1), 64))
        case "integer" | "long":
            return max(1, shape.metadata.get("min", 1))
        case "float" | "double":
            return 0.5
        case "boolean":
            return chance.random() < 0.5
        case "timestamp":
            return 1_700_000_000
        case "blob":
            return "UEsDBA=="
    raise AssertionError(shape.type_name)


def spoil(value, chance):
    """One place of a value is taken away or replaced by something that doesn't belong there."""
    if isinstance(value, dict) and value and chance.random() < 0.7:
        value = dict(value)
        name = chance.choice(sorted(value))
        if chance.random() < 0.2:
            del value[name]
        else:
            value[name] = spoil(value[name], chance)
        return value
    if isinstance(value, list) and value and chance.random() < 0.5:
        return [spoil(value[0], chance)] + value[1:]
    return chance.choice(HOSTILE)


@pytest.fixture(scope="module")
def target():
    from harness import Server

    server = Server()
    server.start()
    make(server)
    yield server
    errors = [line for line in server.lines if re.match(r"\S+ (error|critical)\b", line)]
    server.close()
    assert not errors, errors[:20]


def make(server):
    """The function that requests are about, as often as one of them has deleted it."""
    client = server.client()
    try:
        client.create_function(
            FunctionName=FUNCTION, Role=ROLE, Runtime=PYTHON, Handler="index.handler", Publish=True,
            Code={"ZipFile": zip_of({"index.py": "def handler(event, context): return event"})})
        client.get_waiter("function_active_v2").wait(FunctionName=FUNCTION, WaiterConfig={"Delay": 1})
        client.create_alias(FunctionName=FUNCTION, Name="live", FunctionVersion="1")
    except client.exceptions.ResourceConflictException:
        pass


def text(value):
    return value if isinstance(value, str) else json.dumps(value)


def send(server, pool, operation, members, raw=None):
    """Signed and sent as the model binds the members; status, headers and body."""
    model = MODEL.operation_model(operation)
    path, _, fixed = model.http["requestUri"].partition("?")
    query = [tuple(fixed.split("="))] if fixed else []
    headers, body = {}, dict(members)
    shape = model.input_shape
    for name, member in (shape.members if shape else {}).items():
        location = member.serialization.get("location")
        if location is None or (name not in body and location != "uri"):
            continue
        value = body.pop(name, "")
        wire = member.serialization.get("name", name)
        if location == "uri":
            path = path.replace("{" + wire + "}", urllib.parse.quote(text(value)[:4_000], safe=""))
        elif location == "querystring":
            for item in value if isinstance(value, list) else [value]:
                query.append((wire, text(item)[:4_000]))
        else:
            printable = "".join(c for c in text(value) if 32 <= ord(c) < 127)[:1_000].strip()
            headers[wire] = printable
    payload = shape.serialization.get("payload") if shape else None
    content = b"" if model.http["method"] in ("GET", "DELETE") else json.dumps(
        body.get(payload, {}) if payload else body).encode()
    if raw is not None:
        content = raw
    url = server.url + path + ("?" + urllib.parse.urlencode(query) if query else "")
    request = botocore.awsrequest.AWSRequest(model.http["method"], url, headers=headers, data=content)
    known = server.credentials
    botocore.auth.SigV4Auth(
        botocore.credentials.Credentials(known["accessKeyId"], known["secretAccessKey"]), "lambda", "us-east-1",
    ).add_auth(request)
    prepared = request.prepare()
    answer = pool.request(
        prepared.method, prepared.url, body=content, headers=dict(prepared.headers), timeout=SECONDS, retries=False,
        preload_content=True)
    return answer.status, answer.headers, answer.data


def check(operation, members, status, headers, data):
    where = f"{operation} {json.dumps(members)[:2_000]} -> {status} {data[:500]!r}"
    assert status < 500, where
    if status >= 400:
        assert headers.get("x-amzn-errortype"), where
        answer = json.loads(data)
        assert isinstance(answer.get("message", answer.get("Message")), str), where
    assert headers.get("x-amzn-requestid"), where


@pytest.mark.parametrize("operation", OPERATIONS)
def test_spoilt_requests(target, operation):
    chance = random.Random(f"{SEED} {operation}")
    pool = urllib3.PoolManager()
    shape = MODEL.operation_model(operation).input_shape
    seen = collections.Counter()
    for number in range(REQUESTS):
        members = sample(shape, chance) if shape else {}
        raw = None
        if number % 10 == 9:
            raw = chance.choice([b"", b"[]", b"null", b"{", b'{"a":' * 90 + b"1" + b"}" * 90, b"\xff\xfe", b'{"a":1}x'])
        elif number:
            for _ in range(chance.randint(1, 3)):
                members = spoil(members, chance)
                if not isinstance(members, dict):
                    members = {}
        status, headers, data = send(target, pool, operation, members, raw)
        check(operation, members, status, headers, data)
        seen[status] += 1
    if operation in ("DeleteFunction", "DeleteAlias"):
        make(target)
    # A signature that was not accepted would make all of it say nothing.
    assert set(seen) != {403}, seen
