# SPDX-License-Identifier: Apache-2.0
"""Versions and aliases: published, named, weighted, invoked and deleted, in AWS's words."""

import base64
import collections
import hashlib
import json
import re

import botocore.exceptions
import pytest

from harness import PYTHON, ROLE, wait_until, zip_of

CALLER = "arn:aws:lambda:us-east-1:000000000000"


def refusal(call, *arguments, **keywords):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(*arguments, **keywords)
    error = caught.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"], error["Error"]["Message"]


def code(word):
    return zip_of({"index.py": (
        "import os\n"
        f"def handler(event, context):\n"
        f"    return [{word!r}, context.function_version, context.invoked_function_arn, os.environ.get('STAGE')]\n")})


@pytest.fixture
def function(server, name):
    """A function that is active; its client and name."""
    client = server.client()
    client.create_function(
        FunctionName=name, Role=ROLE, Runtime=PYTHON, Handler="index.handler", Code={"ZipFile": code("one")},
        Description="the first", Environment={"Variables": {"STAGE": "a"}}, Timeout=30)
    settle(client, name)
    return client, name


def settle(client, name, qualifier=None):
    waiter = client.get_waiter("function_active_v2" if qualifier else "function_updated_v2")
    arguments = {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}
    client.get_waiter("function_active_v2").wait(WaiterConfig={"Delay": 1, "MaxAttempts": 60}, **arguments)
    waiter.wait(WaiterConfig={"Delay": 1, "MaxAttempts": 60}, **arguments)


def update(client, name, word=None, **configuration):
    if word:
        client.update_function_code(FunctionName=name, ZipFile=code(word))
    else:
        client.update_function_configuration(FunctionName=name, **configuration)
    settle(client, name)


def invoke(client, name, **arguments):
    answer = client.invoke(FunctionName=name, **arguments)
    payload = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, payload
    assert answer["ExecutedVersion"] == payload[1]
    return payload


# Versions

def test_a_version_is_what_latest_was(function):
    client, name = function
    published = client.publish_version(FunctionName=name, Description="as it is")
    assert published["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (published["Version"], published["State"], published["LastUpdateStatus"]) == ("1", "Active", "Successful")
    assert published["FunctionArn"] == f"{CALLER}:function:{name}:1"
    assert published["Description"] == "as it is"
    assert published["CodeSha256"] == base64.b64encode(hashlib.sha256(code("one")).digest()).decode()
    update(client, name, "two")
    update(client, name, Environment={"Variables": {"STAGE": "b"}})
    assert invoke(client, name) == ["two", "$LATEST", f"{CALLER}:function:{name}", "b"]
    assert invoke(client, name, Qualifier="1") == ["one", "1", f"{CALLER}:function:{name}:1", "a"]
    assert invoke(client, f"{name}:1")[:2] == ["one", "1"]
    assert invoke(client, f"{CALLER}:function:{name}:1")[:2] == ["one", "1"]
    shown = client.get_function(FunctionName=name, Qualifier="1")["Configuration"]
    assert {key: shown[key] for key in published if key != "ResponseMetadata"} == {
        key: value for key, value in published.items() if key != "ResponseMetadata"}
    assert client.get_function_configuration(FunctionName=f"{name}:1")["RevisionId"] == published["RevisionId"]


def test_unchanged_is_the_same_version(function):
    client, name = function
    before = client.get_function_configuration(FunctionName=name)["RevisionId"]
    first = client.publish_version(FunctionName=name)
    # Publishing gives $LATEST another revision.
    assert client.get_function_configuration(FunctionName=name)["RevisionId"] != before
    again = client.publish_version(FunctionName=name, Description="another word for it")
    assert (again["Version"], again["RevisionId"], again["Description"]) == ("1", first["RevisionId"], "the first")
    client.update_function_code(FunctionName=name, ZipFile=code("one"))
    settle(client, name)
    assert client.publish_version(FunctionName=name)["Version"] == "1"
    update(client, name, Description="the second")
    assert client.publish_version(FunctionName=name)["Version"] == "2"


def test_numbers_are_never_reused(function):
    client, name = function
    for number, word in enumerate(["a", "b", "c"], 1):
        update(client, name, word)
        assert client.publish_version(FunctionName=name)["Version"] == str(number)
    client.delete_function(FunctionName=name, Qualifier="3")
    assert client.publish_version(FunctionName=name)["Version"] == "4"
    versions = client.list_versions_by_function(FunctionName=name)["Versions"]
    assert [item["Version"] for item in versions] == ["$LATEST", "1", "2", "4"]
    assert [item["FunctionArn"] for item in versions][:2] == [
        f"{CALLER}:function:{name}:$LATEST", f"{CALLER}:function:{name}:1"]
    assert not any({"State", "LastUpdateStatus", "RuntimeVersionConfig"} & set(item) for item in versions)
    page = client.list_versions_by_function(FunctionName=name, MaxItems=2)
    assert [item["Version"] for item in page["Versions"]] == ["$LATEST", "1"]
    rest = client.list_versions_by_function(FunctionName=name, Marker=page["NextMarker"])
    assert [item["Version"] for item in rest["Versions"]] == ["2", "4"] and "NextMarker" not in rest
    listed = client.get_paginator("list_functions").paginate(FunctionVersion="ALL").build_full_result()["Functions"]
    assert [item["Version"] for item in listed if item["FunctionName"] == name] == ["$LATEST", "1", "2", "4"]


def test_conditions_of_publishing(function):
    client, name = function
    sha = client.get_function_configuration(FunctionName=name)["CodeSha256"]
    assert refusal(client.publish_version, FunctionName=name, CodeSha256="other") == (
        400, "InvalidParameterValueException",
        f"CodeSHA256 (other) is different from current CodeSHA256 in $LATEST ({sha}). Please try again with the "
        "CodeSHA256 in $LATEST.")
    assert refusal(client.publish_version, FunctionName=name, RevisionId="other") == (
        412, "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve "
        "the latest Revision Id")
    revision = client.get_function_configuration(FunctionName=name)["RevisionId"]
    assert client.publish_version(FunctionName=name, CodeSha256=sha, RevisionId=revision)["Version"] == "1"
    assert refusal(client.publish_version, FunctionName="absent-" + name) == (
        404, "ResourceNotFoundException", f"Function not found: {CALLER}:function:absent-{name}")


def test_publish_with_creation_and_with_code(server, name):
    client = server.client()
    created = client.create_function(
        FunctionName=name, Role=ROLE, Runtime=PYTHON, Handler="index.handler", Code={"ZipFile": code("one")}, Publish=True,
        Timeout=30)
    assert (created["Version"], created["State"], created["FunctionArn"]) == (
        "1", "Pending", f"{CALLER}:function:{name}")
    settle(client, name, "1")
    settle(client, name)
    assert invoke(client, name, Qualifier="1")[:2] == ["one", "1"]
    updated = client.update_function_code(FunctionName=name, ZipFile=code("two"), Publish=True)
    assert (updated["Version"], updated["State"], updated["FunctionArn"]) == (
        "2", "Pending", f"{CALLER}:function:{name}:2")
    assert "LastUpdateStatus" not in updated
    settle(client, name, "2")
    settle(client, name)
    assert invoke(client, name, Qualifier="2")[:2] == ["two", "2"]
    assert invoke(client, name)[:2] == ["two", "$LATEST"]
    assert invoke(client, name, Qualifier="1")[:2] == ["one", "1"]
    # The same code once more makes no version, as with PublishVersion.
    again = client.update_function_code(FunctionName=name, ZipFile=code("two"), Publish=True)
    assert (again["Version"], again["State"], again["FunctionArn"]) == ("2", "Active", f"{CALLER}:function:{name}:2")
    settle(client, name)
    versions = client.list_versions_by_function(FunctionName=name)["Versions"]
    assert [item["Version"] for item in versions] == ["$LATEST", "1", "2"]
    update(client, name, Timeout=29)
    changed = client.update_function_code(FunctionName=name, ZipFile=code("two"), Publish=True)
    assert (changed["Version"], changed["Timeout"]) == ("3", 29)


def test_a_version_can_not_be_changed(function):
    client, name = function
    client.publish_version(FunctionName=name)
    for call, arguments in [
        (client.update_function_configuration, {"Timeout": 5}), (client.update_function_code, {"ZipFile": code("x")}),
        (client.publish_version, {}),
    ]:
        status, error, text = refusal(call, FunctionName=f"{name}:1", **arguments)
        assert (status, error) == (400, "InvalidParameterValueException")
        assert text.startswith("This operation is permitted on Lambda functions only.")


def test_deletion_with_a_qualifier(function):
    client, name = function
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    assert refusal(client.delete_function, FunctionName=name, Qualifier="1") == (
        409, "ResourceConflictException",
        "Unable to delete version because the following aliases reference it: [live]")
    assert refusal(client.delete_function, FunctionName=name, Qualifier="$LATEST")[2] == (
        "$LATEST version cannot be deleted without deleting the function.")
    assert refusal(client.delete_function, FunctionName=name, Qualifier="live")[:2] == (
        400, "InvalidParameterValueException")
    client.delete_alias(FunctionName=name, Name="live")
    assert client.delete_function(FunctionName=f"{name}:1")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.delete_function(FunctionName=name, Qualifier="1")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(client.get_function, FunctionName=name, Qualifier="1") == (
        404, "ResourceNotFoundException", f"Function not found: {CALLER}:function:{name}:1")
    assert refusal(client.invoke, FunctionName=name, Qualifier="1")[2] == (
        f"Function not found: {CALLER}:function:{name}:1")
    assert invoke(client, name)[1] == "$LATEST"
    client.publish_version(FunctionName=name)
    client.delete_function(FunctionName=name)
    assert refusal(client.get_function, FunctionName=name, Qualifier="2")[2] == (
        f"Function not found: {CALLER}:function:{name}")
    assert refusal(client.list_versions_by_function, FunctionName=name)[2] == (
        f"Function not found: {CALLER}:function:{name}")


def test_versions_survive_a_restart(make_server, name):
    server = make_server()
    client = server.client()
    client.create_function(
        FunctionName=name, Role=ROLE, Runtime=PYTHON, Handler="index.handler", Code={"ZipFile": code("one")},
        Environment={"Variables": {"STAGE": "secret-of-one"}}, Publish=True, Timeout=30)
    settle(client, name, "1")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    update(client, name, Environment={"Variables": {"STAGE": "b"}})
    server.terminate()
    assert not any(b"secret-of-one" in path.read_bytes() for path in server.data.rglob("*") if path.is_file())
    server.start()
    client = server.client()
    assert invoke(client, name, Qualifier="live") == ["one", "1", f"{CALLER}:function:{name}:live", "secret-of-one"]
    assert client.publish_version(FunctionName=name)["Version"] == "2"


# Aliases

def test_the_life_of_an_alias(function):
    client, name = function
    client.publish_version(FunctionName=name)
    update(client, name, "two")
    client.publish_version(FunctionName=name)
    created = client.create_alias(FunctionName=name, Name="live", FunctionVersion="1", Description="what runs")
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert {key: value for key, value in created.items() if key not in ("ResponseMetadata", "RevisionId")} == {
        "AliasArn": f"{CALLER}:function:{name}:live", "Name": "live", "FunctionVersion": "1", "Description": "what runs"}
    assert re.fullmatch(r"[0-9a-f-]{36}", created["RevisionId"])
    assert invoke(client, name, Qualifier="live")[:3] == ["one", "1", f"{CALLER}:function:{name}:live"]
    moved = client.update_alias(
        FunctionName=name, Name="live", FunctionVersion="2", RevisionId=created["RevisionId"])
    assert (moved["FunctionVersion"], moved["Description"]) == ("2", "what runs")
    assert moved["RevisionId"] != created["RevisionId"]
    assert invoke(client, f"{name}:live")[:2] == ["two", "2"]
    assert refusal(client.update_alias, FunctionName=name, Name="live", RevisionId=created["RevisionId"])[:2] == (
        412, "PreconditionFailedException")
    shown = client.get_function(FunctionName=name, Qualifier="live")["Configuration"]
    assert (shown["FunctionArn"], shown["Version"]) == (f"{CALLER}:function:{name}:live", "2")
    assert client.get_alias(FunctionName=name, Name="live")["RevisionId"] == moved["RevisionId"]
    assert client.delete_alias(FunctionName=name, Name="live")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.delete_alias(FunctionName=name, Name="live")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(client.get_alias, FunctionName=name, Name="live") == (
        404, "ResourceNotFoundException", f"Cannot find alias arn: {CALLER}:function:{name}:live")
    assert refusal(client.update_alias, FunctionName=name, Name="live")[2] == (
        f"Alias not found: {CALLER}:function:{name}:live")
    assert refusal(client.invoke, FunctionName=name, Qualifier="live")[2] == (
        f"Function not found: {CALLER}:function:{name}:live")


def test_weighted_routing(function):
    client, name = function
    client.publish_version(FunctionName=name)
    update(client, name, "two")
    client.publish_version(FunctionName=name)
    alias = client.create_alias(
        FunctionName=name, Name="canary", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})
    assert alias["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.5}}
    count = collections.Counter(invoke(client, name, Qualifier="canary")[1] for _ in range(60))
    # By chance alone fewer than ten of one: once in 5 million runs.
    assert set(count) == {"1", "2"} and min(count.values()) >= 10, count
    client.update_alias(FunctionName=name, Name="canary", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}})
    assert {invoke(client, name, Qualifier="canary")[1] for _ in range(10)} == {"2"}
    cleared = client.update_alias(FunctionName=name, Name="canary", RoutingConfig={})
    assert "RoutingConfig" not in cleared
    assert {invoke(client, name, Qualifier="canary")[1] for _ in range(10)} == {"1"}
    assert refusal(client.delete_function, FunctionName=name, Qualifier="1")[0] == 409


def test_what_an_alias_may_not_be(function):
    client, name = function
    client.publish_version(FunctionName=name)
    update(client, name, "two")
    client.publish_version(FunctionName=name)

    def weights(**weights):
        return {"AdditionalVersionWeights": {key.lstrip("v"): value for key, value in weights.items()}}

    def create(**arguments):
        return refusal(client.create_alias, **{"FunctionName": name, "Name": "a", "FunctionVersion": "1", **arguments})

    assert create(RoutingConfig=weights(v1=0.1, v2=0.2)) == (
        400, "InvalidParameterValueException", "Number of items in AdditionalVersionWeights cannot be greater than 1")
    assert create(RoutingConfig=weights(v2=2.0)) == (
        400, "ValidationException",
        "1 validation error detected: Value '{2=2.0}' at 'routingConfig.additionalVersionWeights' failed to satisfy "
        "constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must "
        "have value greater than or equal to 0.0, Member must not be null]")
    assert create(RoutingConfig=weights(v1=0.5))[2] == (
        "Invalid function version 1. Function version 1 is already included in routing configuration.")
    assert create(FunctionVersion="10") == (
        404, "ResourceNotFoundException", f"Function not found: {CALLER}:function:{name}:10")
    assert create(RoutingConfig=weights(v10=0.5))[2] == f"Function not found: {CALLER}:function:{name}:10"
    assert create(FunctionVersion="$LATEST", RoutingConfig=weights(v1=0.5))[2] == (
        "$LATEST is not supported for an alias pointing to more than 1 version")
    assert create(RoutingConfig={"AdditionalVersionWeights": {"$LATEST": 0.5}})[2] == (
        "1 validation error detected: Value '{$LATEST=0.5}' at 'routingConfig.additionalVersionWeights' failed to satisfy "
        "constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must "
        "have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not "
        "be null]")
    assert create(FunctionName="absent-" + name)[2] == f"Function not found: {CALLER}:function:absent-{name}:1"
    assert create(Name="12")[1] == "ValidationException"
    client.create_alias(FunctionName=name, Name="latest", FunctionVersion="$LATEST")
    assert invoke(client, name, Qualifier="latest")[:2] == ["two", "$LATEST"]
    client.create_alias(FunctionName=name, Name="a", FunctionVersion="1")
    assert create() == (409, "ResourceConflictException", f"Alias already exists: {CALLER}:function:{name}:a")


def test_lists_of_aliases(function):
    client, name = function
    client.publish_version(FunctionName=name)
    update(client, name, "two")
    client.publish_version(FunctionName=name)
    for alias, version in [("c", "1"), ("a", "2"), ("B", "1"), ("d", "2")]:
        client.create_alias(FunctionName=name, Name=alias, FunctionVersion=version)

    def names(**arguments):
        answer = client.list_aliases(FunctionName=name, **arguments)
        return [item["Name"] for item in answer["Aliases"]], answer.get("NextMarker")

    assert names() == (["B", "a", "c", "d"], None)
    assert names(FunctionVersion="1") == (["B", "c"], None)
    first, marker = names(MaxItems=3)
    assert first == ["B", "a", "c"] and names(Marker=marker) == (["d"], None)
    assert refusal(client.list_aliases, FunctionName="absent-" + name)[0] == 404


def test_the_command_line_publishes_and_waits(server, aws, function):
    client, name = function
    version = json.loads(aws(server, "lambda", "publish-version", "--function-name", name).stdout)
    assert version["Version"] == "1"
    aws(server, "lambda", "wait", "published-version-active", "--function-name", name, "--qualifier", "1")
    aws(server, "lambda", "create-alias", "--function-name", name, "--name", "live", "--function-version", "1")
    listed = json.loads(aws(server, "lambda", "list-aliases", "--function-name", name).stdout)
    assert [item["AliasArn"] for item in listed["Aliases"]] == [f"{CALLER}:function:{name}:live"]


def test_parameters_without_effect_are_kept_shown_and_said_once(server, name):
    client = server.client()
    files = [{
        "Arn": "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0",
        "LocalMountPath": "/mnt/data"}]
    client.create_function(
        FunctionName=name, Role=ROLE, Runtime=PYTHON, Handler="index.handler", Code={"ZipFile": code("one")},
        VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}, FileSystemConfigs=files,
        TracingConfig={"Mode": "Active"})
    settle(client, name)
    update(client, name, Description="again", TracingConfig={"Mode": "PassThrough"})
    update(client, name, TracingConfig={"Mode": "PassThrough"})
    shown = client.get_function_configuration(FunctionName=name)
    assert shown["VpcConfig"] == {
        "SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"], "VpcId": "", "Ipv6AllowedForDualStack": False}
    assert (shown["FileSystemConfigs"], shown["TracingConfig"]) == (files, {"Mode": "PassThrough"})
    logs = server.client("logs")

    def lines():
        try:
            return [event["message"] for event in logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []

    said = wait_until(lambda: len(lines()) >= 3 and lines(), 60, "the notes")
    assert sorted(line.split(" ")[1] for line in said) == ["FileSystemConfigs", "TracingConfig", "VpcConfig"]
    assert all("is kept and shown, and has no effect:" in line for line in said)
    doctor = server.martlet("doctor").stdout
    assert "--  VpcConfig: kept and shown without effect" in doctor
