# SPDX-License-Identifier: Apache-2.0
"""boto3 and the AWS CLI, unmodified, over a function's whole life."""

import base64
import hashlib
import json
import re
import urllib.error
import urllib.request

import botocore.exceptions
import pytest

from harness import PYTHON, ROLE, zip_of

ONE = "def handler(event, context): return {'code': 1, 'event': event}"
TWO = "def handler(event, context): return {'code': 2, 'version': context.function_version}"


def error_of(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**arguments)
    return raised.value.response


def test_boto3_cycle(server, name):
    client = server.client()
    code = zip_of({"app.py": ONE})
    created = client.create_function(
        FunctionName=name, Runtime=PYTHON, Handler="app.handler", Role=ROLE, Code={"ZipFile": code}, Tags={"a": "b"},
        Environment={"Variables": {"AA": "1"}})
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert created["State"] == "Pending" and created["StateReasonCode"] == "Creating"
    assert "LastUpdateStatus" not in created
    assert (created["MemorySize"], created["Timeout"], created["Version"]) == (128, 3, "$LATEST")
    assert created["CodeSha256"] == base64.b64encode(hashlib.sha256(code).digest()).decode()
    assert created["CodeSize"] == len(code)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", created["LastModified"])
    client.get_waiter("function_active").wait(FunctionName=name)
    client.get_waiter("function_exists").wait(FunctionName=name)
    active = client.get_function_configuration(FunctionName=name)
    assert active["State"] == "Active" and active["LastUpdateStatus"] == "Successful"
    assert active["RevisionId"] != created["RevisionId"]
    # The three seconds that are the default may be too few for a busy machine.
    client.update_function_configuration(FunctionName=name, Timeout=30)
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    assert server.invoke(name, {"x": 1}) == {"code": 1, "event": {"x": 1}}

    updated = client.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": TWO}))
    assert updated["State"] == "Active" and updated["LastUpdateStatus"] == "InProgress"
    client.get_waiter("function_updated").wait(FunctionName=name)
    assert server.invoke(name) == {"code": 2, "version": "$LATEST"}
    client.update_function_configuration(FunctionName=name, MemorySize=256, Timeout=35, Description="d")
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    function = client.get_function(FunctionName=name)
    assert function["Configuration"]["MemorySize"] == 256
    assert function["Tags"] == {"a": "b"}
    assert name in [
        f["FunctionName"] for f in client.get_paginator("list_functions").paginate().build_full_result()["Functions"]]
    deleted = client.delete_function(FunctionName=name)
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    response = error_of(client.get_function, FunctionName=name)
    assert response["Error"]["Code"] == "ResourceNotFoundException"
    assert response["Error"]["Message"] == f"Function not found: {created['FunctionArn']}"


def test_aws_cli_cycle(server, name, aws, tmp_path):
    archive = tmp_path / "code.zip"
    archive.write_bytes(zip_of({"app.py": ONE}))
    aws(server, "lambda", "create-function", "--function-name", name, "--runtime", PYTHON, "--handler", "app.handler",
        "--role", ROLE, "--timeout", "30", "--zip-file", f"fileb://{archive}")
    aws(server, "lambda", "wait", "function-active-v2", "--function-name", name)
    out = tmp_path / "out.json"
    answer = aws(server, "lambda", "invoke", "--function-name", name, "--payload", '{"a": 1}', "--log-type", "Tail", str(out))
    assert json.loads(out.read_text()) == {"code": 1, "event": {"a": 1}}
    assert b"REPORT RequestId:" in base64.b64decode(json.loads(answer.stdout)["LogResult"])
    archive.write_bytes(zip_of({"app.py": TWO}))
    aws(server, "lambda", "update-function-code", "--function-name", name, "--zip-file", f"fileb://{archive}")
    aws(server, "lambda", "wait", "function-updated", "--function-name", name)
    aws(server, "lambda", "invoke", "--function-name", name, str(out))
    assert json.loads(out.read_text())["code"] == 2
    listed = aws(server, "lambda", "list-functions", "--query", "Functions[].FunctionName", "--output", "json")
    assert name in json.loads(listed.stdout)
    events = aws(server, "logs", "filter-log-events", "--log-group-name", f"/aws/lambda/{name}", "--output", "json")
    assert any(e["message"].startswith("START") for e in json.loads(events.stdout)["events"])
    aws(server, "lambda", "delete-function", "--function-name", name)
    gone = aws(server, "lambda", "get-function", "--function-name", name, check=False)
    assert gone.returncode in (254, 255) and "ResourceNotFoundException" in gone.stderr


def test_list_functions_pages(make_server):
    server = make_server()
    client = server.client()
    names = [f"page-{i:02}" for i in range(7)]
    for each in names:
        server.deploy(each, ONE)
    found, pages = [], 0
    for page in client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 3}):
        found += [f["FunctionName"] for f in page["Functions"]]
        pages += 1
        assert all("State" not in f and "LastUpdateStatus" not in f for f in page["Functions"])
    assert (found, pages) == (names, 3)
    assert error_of(client.list_functions, Marker="forged")["Error"]["Code"] == "InvalidParameterValueException"


def test_location_downloads_the_zip(server, name):
    code = zip_of({"app.py": ONE, "data/ünï.txt": "x"})
    client = server.client()
    client.create_function(
        FunctionName=name, Runtime=PYTHON, Handler="app.handler", Role=ROLE, Code={"ZipFile": code})
    answer = client.get_function(FunctionName=name)["Code"]
    assert answer["RepositoryType"] == "S3"
    with urllib.request.urlopen(answer["Location"]) as response:
        assert response.read() == code
    forged = answer["Location"][:-1] + ("0" if answer["Location"][-1] != "0" else "1")
    for url in (forged, answer["Location"].split("?")[0]):
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(url)
        assert raised.value.code == 403


def test_conflicts_and_preconditions(server, name):
    client = server.client()
    server.deploy(name, ONE)
    again = error_of(
        client.create_function, FunctionName=name, Runtime=PYTHON, Handler="app.handler", Role=ROLE,
        Code={"ZipFile": zip_of({"app.py": ONE})})
    assert again["Error"] == {"Code": "ResourceConflictException", "Message": f"Function already exist: {name}"}
    stale = error_of(
        client.update_function_configuration, FunctionName=name, Timeout=4,
        RevisionId="00000000-0000-0000-0000-000000000000")
    assert stale["Error"]["Code"] == "PreconditionFailedException"
    before = client.get_function_configuration(FunctionName=name)
    client.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": TWO}), DryRun=True)
    after = client.get_function_configuration(FunctionName=name)
    assert (after["CodeSha256"], after["RevisionId"]) == (before["CodeSha256"], before["RevisionId"])


def test_a_function_made_anew_never_runs_old_code(server, name):
    for text, expected in ((ONE, 1), (TWO, 2), (ONE, 1)):
        server.deploy(name, text)
        assert server.invoke(name)["code"] == expected
        server.client().delete_function(FunctionName=name)


@pytest.mark.parametrize("operation", ["list_capacity_providers", "list_durable_executions_by_function"])
def test_an_operation_that_is_not_there_says_so(server, operation):
    client = server.client()
    arguments = {} if operation == "list_capacity_providers" else {"FunctionName": "f"}
    response = error_of(getattr(client, operation), **arguments)
    assert 400 <= response["ResponseMetadata"]["HTTPStatusCode"] < 500
    assert operation.replace("_", "") in response["Error"]["Message"].lower()
