# SPDX-License-Identifier: Apache-2.0
"""Resource policies of functions, versions, aliases and layer versions, through boto3 and the AWS CLI."""

import json
import uuid

import botocore.exceptions
import pytest

from harness import zip_of

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
ACTION = "lambda:InvokeFunction"


@pytest.fixture(scope="module")
def shared(server):
    """A function with version 1 and the alias `live`."""
    name = "f-" + uuid.uuid4().hex[:12]
    server.deploy(name, "def handler(event, context): return 1")
    client = server.client()
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return name


@pytest.fixture
def function(server, shared):
    """The same, without any policy."""
    yield shared
    client = server.client()
    for qualifier in (None, "1", "live"):
        beside = {"Qualifier": qualifier} if qualifier else {}
        try:
            policy = json.loads(client.get_policy(FunctionName=shared, **beside)["Policy"])
        except client.exceptions.ResourceNotFoundException:
            continue
        for statement in policy["Statement"]:
            client.remove_permission(FunctionName=shared, StatementId=statement["Sid"], **beside)


def add(server, function, sid="s", principal="s3.amazonaws.com", action=ACTION, **arguments):
    answer = server.client().add_permission(
        FunctionName=function, StatementId=sid, Action=action, Principal=principal, **arguments)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    return answer["Statement"]


def refusal(call, *arguments, **keywords):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(*arguments, **keywords)
    error = caught.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"], error["Error"]["Message"]


# Statements


def test_a_service_with_the_arn_of_a_source(server, function):
    assert add(server, function, SourceArn="arn:aws:s3:::bucket") == (
        '{"Sid":"s","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction",'
        f'"Resource":"{ARN}{function}","Condition":{{"ArnLike":{{"AWS:SourceArn":"arn:aws:s3:::bucket"}}}}}}')


@pytest.mark.parametrize("principal, shown", [
    ("*", "*"),
    ("lambda.amazonaws.com", {"Service": "lambda.amazonaws.com"}),
    ("111111111111", {"AWS": "arn:aws:iam::111111111111:root"}),
    ("arn:aws:iam::111111111111:user/someone", {"AWS": "arn:aws:iam::111111111111:user/someone"}),
])
def test_principals(server, function, principal, shown):
    assert json.loads(add(server, function, principal=principal))["Principal"] == shown


@pytest.mark.parametrize("action, given, condition", [
    (ACTION, {"SourceAccount": "111111111111"}, {"StringEquals": {"AWS:SourceAccount": "111111111111"}}),
    (ACTION, {"EventSourceToken": "amzn1.ask.skill.x"}, {"StringEquals": {"lambda:EventSourceToken": "amzn1.ask.skill.x"}}),
    (ACTION, {"PrincipalOrgID": "o-1234567890"}, {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}),
    (ACTION, {"InvokedViaFunctionUrl": True}, {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}),
    (ACTION + "Url", {"FunctionUrlAuthType": "AWS_IAM"}, {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}),
])
def test_conditions(server, function, action, given, condition):
    assert json.loads(add(server, function, principal="*", action=action, **given))["Condition"] == condition


def test_statements_stand_in_the_order_in_which_they_were_added(server, function):
    client = server.client()
    for sid in ("second", "first"):
        add(server, function, sid)
    answer = client.get_policy(FunctionName=function)
    policy = json.loads(answer["Policy"])
    assert list(policy) == ["Version", "Id", "Statement"]
    assert (policy["Version"], policy["Id"]) == ("2012-10-17", "default")
    assert [statement["Sid"] for statement in policy["Statement"]] == ["second", "first"]
    client.remove_permission(FunctionName=function, StatementId="second")
    policy = json.loads(client.get_policy(FunctionName=function)["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == ["first"]
    assert client.remove_permission(
        FunctionName=function, StatementId="first")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(client.get_policy, FunctionName=function) == (
        404, "ResourceNotFoundException", "The resource you requested does not exist.")


@pytest.mark.parametrize("qualifier", ["1", "live"])
def test_a_version_and_an_alias_have_policies_of_their_own(server, function, qualifier):
    client = server.client()
    statement = json.loads(add(server, function, Qualifier=qualifier))
    assert statement["Resource"] == f"{ARN}{function}:{qualifier}"
    assert refusal(client.get_policy, FunctionName=function)[1] == "ResourceNotFoundException"
    assert json.loads(client.get_policy(FunctionName=f"{ARN}{function}:{qualifier}")["Policy"])["Statement"] == [statement]


# Revisions


def test_the_revision_of_a_policy_is_the_functions(server, function):
    client = server.client()
    before = client.get_function_configuration(FunctionName=function)["RevisionId"]
    stale = (412, "PreconditionFailedException",
             "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the "
             "latest Revision Id")
    assert refusal(add, server, function, RevisionId="wrong") == stale
    add(server, function, RevisionId=before)
    revision = client.get_policy(FunctionName=function)["RevisionId"]
    assert revision == client.get_function_configuration(FunctionName=function)["RevisionId"] != before
    assert refusal(client.remove_permission, FunctionName=function, StatementId="s", RevisionId=before) == stale
    client.remove_permission(FunctionName=function, StatementId="s", RevisionId=revision)


def test_the_revision_of_an_aliass_policy_is_the_aliass(server, function):
    client = server.client()
    before = client.get_alias(FunctionName=function, Name="live")["RevisionId"]
    add(server, function, Qualifier="live", RevisionId=before)
    revision = client.get_policy(FunctionName=function, Qualifier="live")["RevisionId"]
    assert revision == client.get_alias(FunctionName=function, Name="live")["RevisionId"] != before


# Refusals


@pytest.mark.parametrize("arguments, code, message", [
    ({"sid": "example.com"}, "ValidationException",
     "1 validation error detected: Value 'example.com' at 'statementId' failed to satisfy constraint: Member must satisfy "
     "regular expression pattern: ([a-zA-Z0-9-_]+)"),
    ({"principal": "invalid.nonaws.com"}, "InvalidParameterValueException",
     "The provided principal was invalid. Please check the principal and try again."),
    ({"Qualifier": "$LATEST"}, "InvalidParameterValueException",
     "We currently do not support adding policies for $LATEST."),
    ({"FunctionUrlAuthType": "NONE"}, "InvalidParameterValueException",
     "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"),
    ({"Qualifier": "42"}, "ResourceNotFoundException", "Function not found: {arn}:42"),
    ({"Qualifier": "valid-with-$-but-doesnotexist"}, "ResourceNotFoundException",
     "Function not found: {arn}:valid-with-$-but-doesnotexist"),
    ({"Qualifier": "nobody"}, "ResourceNotFoundException", "Cannot find alias arn: {arn}:nobody"),
])
def test_what_is_not_added(server, function, arguments, code, message):
    assert refusal(add, server, function, **arguments)[1:] == (code, message.format(arn=ARN + function))


def test_an_id_that_is_there(server, function):
    add(server, function)
    assert refusal(add, server, function) == (
        409, "ResourceConflictException",
        "The statement id (s) provided already exists. Please provide a new statement id, or remove the existing "
        "statement.")


def test_functions_that_are_not_there(server):
    client = server.client()
    assert refusal(add, server, "absent") == (404, "ResourceNotFoundException", f"Function not found: {ARN}absent")
    assert refusal(client.get_policy, FunctionName="absent") == (
        404, "ResourceNotFoundException", "The resource you requested does not exist.")
    assert refusal(client.remove_permission, FunctionName="absent", StatementId="s") == (
        404, "ResourceNotFoundException", f"No policy found for: {ARN}absent")


def test_what_is_not_removed(server, function):
    client = server.client()
    assert refusal(client.remove_permission, FunctionName=function, StatementId="s") == (
        404, "ResourceNotFoundException", "No policy is associated with the given resource.")
    add(server, function)
    assert refusal(client.remove_permission, FunctionName=function, StatementId="other") == (
        404, "ResourceNotFoundException", "Statement other is not found in resource policy.")


def test_a_policy_of_20_kb_is_the_longest(server, function):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        for number in range(200):
            add(server, function, f"statement-{number}", SourceArn="arn:aws:s3:::" + "b" * 60)
    error = caught.value.response
    assert (error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"]) == (400, "PolicyLengthExceededException")
    length = len(server.client().get_policy(FunctionName=function)["Policy"])
    assert 20_000 < length <= 20_480


def test_a_policy_survives_a_restart_and_goes_with_its_function(make_server, name):
    server = make_server()
    server.deploy(name, "def handler(event, context): return 1")
    add(server, name)
    server.kill()
    server.start()
    client = server.client()
    assert json.loads(client.get_policy(FunctionName=name)["Policy"])["Statement"][0]["Sid"] == "s"
    client.delete_function(FunctionName=name)
    server.deploy(name, "def handler(event, context): return 1")
    assert refusal(client.get_policy, FunctionName=name)[1] == "ResourceNotFoundException"


def test_the_aws_cli(server, function, aws):
    aws(server, "lambda", "add-permission", "--function-name", function, "--statement-id", "cli", "--action", ACTION,
        "--principal", "sns.amazonaws.com", "--source-arn", "arn:aws:sns:us-east-1:000000000000:topic")
    policy = json.loads(json.loads(aws(server, "lambda", "get-policy", "--function-name", function).stdout)["Policy"])
    assert policy["Statement"][0]["Principal"] == {"Service": "sns.amazonaws.com"}
    aws(server, "lambda", "remove-permission", "--function-name", function, "--statement-id", "cli")


# Layers


@pytest.fixture
def layer(server):
    name = "l-" + uuid.uuid4().hex[:12]
    server.client().publish_layer_version(LayerName=name, Content={"ZipFile": zip_of({"a": "b"})})
    return name


def add_to_layer(server, layer, sid="s", number=1, principal="*", **arguments):
    return server.client().add_layer_version_permission(
        LayerName=layer, VersionNumber=number, StatementId=sid, Action="lambda:GetLayerVersion", Principal=principal,
        **arguments)


def test_the_life_of_a_layers_policy(server, layer):
    client = server.client()
    arn = f"arn:aws:lambda:us-east-1:000000000000:layer:{layer}:1"
    which = {"LayerName": layer, "VersionNumber": 1}
    assert refusal(client.get_layer_version_policy, **which) == (
        404, "ResourceNotFoundException", "No policy is associated with the given resource.")
    first = add_to_layer(server, layer, "s1")
    assert first["ResponseMetadata"]["HTTPStatusCode"] == 201
    statement = {"Sid": "s1", "Effect": "Allow", "Principal": "*", "Action": "lambda:GetLayerVersion", "Resource": arn}
    assert json.loads(first["Statement"]) == statement
    shown = client.get_layer_version_policy(**which)
    assert json.loads(shown["Policy"]) == {"Version": "2012-10-17", "Id": "default", "Statement": [statement]}
    assert shown["RevisionId"] == first["RevisionId"]
    second = add_to_layer(server, layer, "s2", RevisionId=first["RevisionId"], OrganizationId="o-1234567890")
    assert json.loads(second["Statement"])["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}
    removed = client.remove_layer_version_permission(StatementId="s2", RevisionId=second["RevisionId"], **which)
    assert removed["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert len(json.loads(client.get_layer_version_policy(**which)["Policy"])["Statement"]) == 1


def test_what_a_layers_policy_may_not_be(server, layer):
    client = server.client()
    stale = (412, "PreconditionFailedException",
             "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve "
             "the latest Revision Id")
    assert refusal(client.add_layer_version_permission, LayerName=layer, VersionNumber=1, StatementId="s", Action="*",
                   Principal="*") == (
        400, "ValidationException",
        "1 validation error detected: Value '*' at 'action' failed to satisfy constraint: Member must satisfy regular "
        "expression pattern: lambda:GetLayerVersion")
    add_to_layer(server, layer)
    assert refusal(add_to_layer, server, layer)[1] == "ResourceConflictException"
    assert refusal(add_to_layer, server, layer, "t", RevisionId="wrong") == stale
    which = {"LayerName": layer, "VersionNumber": 1}
    assert refusal(client.remove_layer_version_permission, StatementId="s", RevisionId="wrong", **which) == stale
    assert refusal(client.remove_layer_version_permission, StatementId="other", **which) == (
        404, "ResourceNotFoundException", "Statement other is not found in resource policy.")
    for number, name in ((2, layer), (1, layer + "-absent")):
        missing = (404, "ResourceNotFoundException",
                   f"Layer version arn:aws:lambda:us-east-1:000000000000:layer:{name}:{number} does not exist.")
        which = {"LayerName": name, "VersionNumber": number}
        assert refusal(add_to_layer, server, name, number=number) == missing
        assert refusal(client.get_layer_version_policy, **which) == missing
        assert refusal(client.remove_layer_version_permission, StatementId="s", **which) == missing


def test_a_layers_policy_goes_with_the_version(server, layer):
    client = server.client()
    add_to_layer(server, layer)
    client.delete_layer_version(LayerName=layer, VersionNumber=1)
    assert refusal(client.get_layer_version_policy, LayerName=layer, VersionNumber=1)[1] == "ResourceNotFoundException"
