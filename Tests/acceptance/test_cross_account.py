# SPDX-License-Identifier: Apache-2.0
"""Resource policies as a part of who may do what: within an account either policy is enough, between two both are needed."""

import json
import uuid

import pytest

from harness import zip_of
from test_accounts import deploy
from test_keys import allow, key, refusal

OWNER, OTHER, THIRD = "111111111111", "222222222222", "333333333333"
ECHO = "def handler(event, context):\n    return event\n"


def client(server, account, *options, policy=None, tmp_path=None):
    return server.client(**key(server, "--account", account, *options, policy=policy, tmp_path=tmp_path))


@pytest.fixture(scope="module")
def owner(server):
    return client(server, OWNER)


@pytest.fixture(scope="module")
def other(server):
    return client(server, OTHER, "--name", "bob")


@pytest.fixture(scope="module")
def shared(owner):
    """A function of the owner's with version 1 and the alias `live`."""
    name = "f-" + uuid.uuid4().hex[:12]
    deploy(owner, name, OWNER, ECHO)
    owner.publish_version(FunctionName=name)
    owner.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return name


@pytest.fixture
def function(owner, shared):
    """Its ARN; without any policy."""
    yield f"arn:aws:lambda:us-east-1:{OWNER}:function:{shared}"
    for qualifier in ({}, {"Qualifier": "live"}):
        try:
            policy = json.loads(owner.get_policy(FunctionName=shared, **qualifier)["Policy"])
        except owner.exceptions.ResourceNotFoundException:
            continue
        for statement in policy["Statement"]:
            owner.remove_permission(FunctionName=shared, StatementId=statement["Sid"], **qualifier)


def grant(owner, function, principal, action="lambda:InvokeFunction", **arguments):
    owner.add_permission(
        FunctionName=function, StatementId="s-" + uuid.uuid4().hex[:8], Action=action, Principal=principal, **arguments)


def denied(user, action, resource, why):
    reason = f"because no {why} policy allows the {action} action"
    return 403, "AccessDeniedException", f"User: {user} is not authorized to perform: {action} on resource: {resource} {reason}"


BOB = f"arn:aws:iam::{OTHER}:user/bob"


def test_between_accounts_both_policies_are_needed(server, owner, other, function, tmp_path):
    invoke = "lambda:InvokeFunction"
    assert refusal(other.invoke, FunctionName=function) == denied(BOB, invoke, function, "resource-based")
    grant(owner, function, OTHER)
    # By the ARN, and by the partial ones that name the account.
    for name in (function, function.removeprefix("arn:aws:lambda:us-east-1:"), function.replace("arn:aws:", "arn:aws-cn:")):
        assert other.invoke(FunctionName=name, Payload=b'"x"')["Payload"].read() == b'"x"'
    assert other.invoke(FunctionName=function, InvocationType="Event")["StatusCode"] == 202
    stream = other.invoke_with_response_stream(FunctionName=function, Payload=b'"y"')["EventStream"]
    assert b"".join(event["PayloadChunk"]["Payload"] for event in stream if "PayloadChunk" in event) == b'"y"'
    # Neither another action, another qualifier nor another account's.
    assert refusal(other.get_function, FunctionName=function) == denied(
        BOB, "lambda:GetFunction", function, "resource-based")
    for qualifier in ("live", "1", "$LATEST"):
        assert refusal(other.invoke, FunctionName=function, Qualifier=qualifier) == denied(
            BOB, invoke, f"{function}:{qualifier}", "resource-based")
    assert refusal(client(server, THIRD).invoke, FunctionName=function)[1] == "AccessDeniedException"
    # The name alone is the caller's own.
    assert refusal(other.invoke, FunctionName=function.split(":")[-1])[1] == "ResourceNotFoundException"
    # The other account's users need it from their own account as well.
    limited = client(server, OTHER, "--name", "eve", policy=allow("lambda:ListFunctions"), tmp_path=tmp_path)
    eve = f"arn:aws:iam::{OTHER}:user/eve"
    assert refusal(limited.invoke, FunctionName=function) == denied(eve, invoke, function, "identity-based")
    allowed = client(server, OTHER, policy=allow(invoke, resource=function), tmp_path=tmp_path)
    assert allowed.invoke(FunctionName=function)["StatusCode"] == 200
    policy = allow("lambda:*")
    policy["Statement"].append({"Effect": "Deny", "Action": invoke, "Resource": function})
    banned = client(server, OTHER, policy=policy, tmp_path=tmp_path)
    assert "with an explicit deny in an identity-based policy" in refusal(banned.invoke, FunctionName=function)[2]


def test_one_user_of_another_account(server, owner, other, function):
    grant(owner, function, BOB, Qualifier="live")
    assert other.invoke(FunctionName=function + ":live")["ExecutedVersion"] == "1"
    assert other.invoke(FunctionName=function, Qualifier="live")["ExecutedVersion"] == "1"
    assert refusal(other.invoke, FunctionName=function)[1] == "AccessDeniedException"
    carol = client(server, OTHER, "--name", "carol")
    assert refusal(carol.invoke, FunctionName=function + ":live")[1] == "AccessDeniedException"


def test_within_an_account_either_policy_is_enough(server, owner, function, tmp_path):
    dora = f"arn:aws:iam::{OWNER}:user/dora"
    user = client(server, OWNER, "--name", "dora", policy=allow("lambda:ListFunctions"), tmp_path=tmp_path)
    assert refusal(user.invoke, FunctionName=function) == denied(
        dora, "lambda:InvokeFunction", function, "identity-based")
    # The account's own number leaves it to the account's policies.
    grant(owner, function, OWNER)
    assert refusal(user.invoke, FunctionName=function)[1] == "AccessDeniedException"
    grant(owner, function, dora)
    assert user.invoke(FunctionName=function)["StatusCode"] == 200
    grant(owner, function, dora, action="lambda:GetFunctionConfiguration")
    assert user.get_function_configuration(FunctionName=function.split(":")[-1])["FunctionArn"] == function
    assert refusal(user.get_function, FunctionName=function)[1] == "AccessDeniedException"
    policy = allow("lambda:ListFunctions")
    policy["Statement"].append({"Effect": "Deny", "Action": "lambda:InvokeFunction", "Resource": function})
    banned = client(server, OWNER, "--name", "dora", policy=policy, tmp_path=tmp_path)
    for name in (function, function + ":$LATEST", function.replace("arn:aws:", "arn:aws-cn:"), function.split(":")[-1]):
        assert "with an explicit deny in an identity-based policy" in refusal(banned.invoke, FunctionName=name)[2]


def test_a_functions_policy_lets_another_account_do_what_aws_lets_it(owner, other, name):
    deploy(owner, name, OWNER, ECHO)
    arn = f"arn:aws:lambda:us-east-1:{OWNER}:function:{name}"
    grant(owner, name, OTHER, action="lambda:*")
    assert other.get_function(FunctionName=arn)["Configuration"]["FunctionArn"] == arn
    assert other.get_function_configuration(FunctionName=arn)["FunctionName"] == name
    assert other.publish_version(FunctionName=arn)["Version"] == "1"
    assert len(other.list_versions_by_function(FunctionName=arn)["Versions"]) == 2
    assert other.create_alias(FunctionName=arn, Name="a", FunctionVersion="1")["AliasArn"] == arn + ":a"
    assert other.update_alias(FunctionName=arn, Name="a", Description="d")["Description"] == "d"
    assert other.get_alias(FunctionName=arn, Name="a")["Name"] == "a"
    assert len(other.list_aliases(FunctionName=arn)["Aliases"]) == 1
    other.delete_alias(FunctionName=arn, Name="a")
    other.tag_resource(Resource=arn, Tags={"k": "v"})
    assert other.list_tags(Resource=arn)["Tags"] == {"k": "v"}
    other.untag_resource(Resource=arn, TagKeys=["k"])
    assert other.get_policy(FunctionName=arn)["Policy"]
    assert other.put_function_concurrency(FunctionName=arn, ReservedConcurrentExecutions=1)
    other.delete_function_concurrency(FunctionName=arn)
    assert other.update_function_code(FunctionName=arn, ZipFile=zip_of({"app.py": ECHO + "#\n"}))["FunctionArn"] == arn
    owner.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    # What a policy can't give away, whatever it says.
    for call, action, more in [
        (other.update_function_configuration, "UpdateFunctionConfiguration", {"Timeout": 5}),
        (other.add_permission, "AddPermission",
         {"StatementId": "x", "Action": "lambda:InvokeFunction", "Principal": THIRD}),
        (other.remove_permission, "RemovePermission", {"StatementId": "x"}),
        (other.create_function_url_config, "CreateFunctionUrlConfig", {"AuthType": "NONE"}),
        (other.put_function_event_invoke_config, "PutFunctionEventInvokeConfig", {"MaximumRetryAttempts": 0}),
        (other.get_function_concurrency, "GetFunctionConcurrency", {}),
    ]:
        assert refusal(call, FunctionName=arn, **more) == denied(BOB, "lambda:" + action, arn, "resource-based")
    other.delete_function(FunctionName=arn)
    assert refusal(owner.get_function, FunctionName=name)[1] == "ResourceNotFoundException"


def test_a_layer_is_another_accounts_only_by_its_versions_policy(owner, other, name, tmp_path, server):
    arns = [owner.publish_layer_version(
        LayerName=name, Content={"ZipFile": zip_of({"python/shared.py": f"x = {n}"})})["LayerVersionArn"] for n in (1, 2)]
    layer = arns[0].rsplit(":", 1)[0]
    action = "lambda:GetLayerVersion"

    def create(function, *layers):
        return other.create_function(
            FunctionName=function, Runtime="provided.al2023", Handler="h", Role=f"arn:aws:iam::{OTHER}:role/r",
            Code={"ZipFile": zip_of({"bootstrap": "#!/bin/sh\n"}, {"bootstrap": 0o755})}, Layers=list(layers))

    ways = [
        lambda: other.get_layer_version(LayerName=layer, VersionNumber=1),
        lambda: other.get_layer_version_by_arn(Arn=arns[0]),
        lambda: create(name, arns[0]),
        lambda: create(name, arns[0].replace("arn:aws:", "arn:aws-cn:")),
    ]
    for way in ways:
        assert refusal(way) == denied(BOB, action, arns[0], "resource-based")
    owner.add_layer_version_permission(
        LayerName=name, VersionNumber=1, StatementId="s", Action=action, Principal=OTHER)
    assert other.get_layer_version(LayerName=layer, VersionNumber=1)["LayerVersionArn"] == arns[0]
    assert other.get_layer_version_by_arn(Arn=arns[0])["Version"] == 1
    assert [used["Arn"] for used in create(name, arns[0])["Layers"]] == [arns[0]]
    # One version only, for one action only.
    assert refusal(lambda: create(name + "-2", arns[1])) == denied(BOB, action, arns[1], "resource-based")
    assert refusal(other.list_layer_versions, LayerName=layer) == denied(
        BOB, "lambda:ListLayerVersions", layer, "resource-based")
    assert refusal(other.delete_layer_version, LayerName=layer, VersionNumber=1) == denied(
        BOB, "lambda:DeleteLayerVersion", arns[0], "resource-based")
    assert refusal(
        other.publish_layer_version, LayerName=layer, Content={"ZipFile": zip_of({"a": "b"})}) == denied(
        BOB, "lambda:PublishLayerVersion", layer, "resource-based")
    # A user whose own policy does not have it is told so.
    eve = client(server, OTHER, "--name", "eve", policy=allow("lambda:ListLayers"), tmp_path=tmp_path)
    assert refusal(eve.get_layer_version_by_arn, Arn=arns[0]) == denied(
        f"arn:aws:iam::{OTHER}:user/eve", action, arns[0], "identity-based")
    # Everybody, and what the function has stays when it is taken back.
    owner.add_layer_version_permission(
        LayerName=name, VersionNumber=2, StatementId="all", Action=action, Principal="*")
    assert client(server, THIRD).get_layer_version_by_arn(Arn=arns[1])["Version"] == 2
    owner.remove_layer_version_permission(LayerName=name, VersionNumber=1, StatementId="s")
    assert refusal(ways[1])[1] == "AccessDeniedException"
    assert other.get_function_configuration(FunctionName=name)["Layers"][0]["Arn"] == arns[0]
    other.delete_function(FunctionName=name)
