# SPDX-License-Identifier: Apache-2.0
"""What is shown of functions, versions and aliases, and AWS's texts for what they may not be or do."""

import base64
import hashlib
import json
import platform
import re

import pytest

from harness import PYTHON, ROLE, zip_of
from refusals import refusal, status

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
ECHO = "def handler(event, context): return event"
CODE = zip_of({"app.py": ECHO})
ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), "x86_64")
INVALID = 400, "InvalidParameterValueException"
CONFLICT = 409, "ResourceConflictException"
NOT_FOUND = 404, "ResourceNotFoundException"
CREATING = "The function is being created."
STATES = {"State", "StateReason", "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason",
          "LastUpdateStatusReasonCode", "RuntimeVersionConfig"}


def settle(client, name):
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def plain(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


@pytest.fixture
def made(server, name):
    """A function from nothing but what has to be given: the answer to its creation, when it is active."""
    client = server.client()
    answer = plain(client.create_function(
        FunctionName=name, Runtime=PYTHON, Handler="app.handler", Role=ROLE, Code={"ZipFile": CODE}))
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    return answer


@pytest.fixture
def published(server, name):
    """A function with version 1 and the alias `live`."""
    server.deploy(name, ECHO)
    client = server.client()
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return name


# What is shown


def test_all_that_is_shown_of_a_function_with_defaults(server, name, made):
    revisions = {made.pop("RevisionId")}
    times = {made.pop("LastModified")}
    runtime = made.pop("RuntimeVersionConfig")["RuntimeVersionArn"]
    assert re.fullmatch(r"arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}", runtime)
    always = {
        "Architectures": [ARCHITECTURE], "CodeSha256": base64.b64encode(hashlib.sha256(CODE).digest()).decode(),
        "CodeSize": len(CODE), "Description": "", "EphemeralStorage": {"Size": 512}, "FunctionArn": ARN + name,
        "FunctionName": name, "Handler": "app.handler",
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"}, "MemorySize": 128, "PackageType": "Zip",
        "Role": ROLE, "Runtime": PYTHON, "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"}, "Timeout": 3,
        "TracingConfig": {"Mode": "PassThrough"}, "Version": "$LATEST"}
    assert made == {**always, "State": "Pending", "StateReason": CREATING, "StateReasonCode": "Creating"}
    client = server.client()
    shown = plain(client.get_function_configuration(FunctionName=name))
    revisions.add(shown.pop("RevisionId"))
    times.add(shown.pop("LastModified"))
    assert shown.pop("RuntimeVersionConfig") == {"RuntimeVersionArn": runtime}
    assert shown == {**always, "State": "Active", "LastUpdateStatus": "Successful"}
    assert len(revisions) == 2 and len(times) == 1
    pages = client.get_paginator("list_functions").paginate()
    listed = next(item for page in pages for item in page["Functions"] if item["FunctionName"] == name)
    assert set(listed) == set(always) | {"RevisionId", "LastModified"} and not STATES & set(listed)


def test_the_environment_is_shown_once_it_was_given(server, name, made):
    client = server.client()
    assert "Environment" not in made
    client.update_function_configuration(FunctionName=name, Environment={"Variables": {"AA": "b"}})
    settle(client, name)
    client.update_function_configuration(FunctionName=name, Environment={"Variables": {}})
    settle(client, name)
    assert client.get_function_configuration(FunctionName=name)["Environment"] == {"Variables": {}}


def test_get_function_has_code_and_configuration(server, name, made):
    answer = plain(server.client().get_function(FunctionName=name))
    assert set(answer) == {"Configuration", "Code"} and set(answer["Code"]) == {"RepositoryType", "Location"}


def test_the_arn_ends_as_it_was_asked_for(server, name, made):
    client = server.client()
    for arguments, end in [({}, ""), ({"Qualifier": "$LATEST"}, ":$LATEST")]:
        for shown in (client.get_function_configuration(FunctionName=name, **arguments),
                      client.get_function(FunctionName=name, **arguments)["Configuration"]):
            assert (shown["FunctionArn"], shown["Version"]) == (ARN + name + end, "$LATEST")


@pytest.mark.parametrize("operation, arguments", [
    ("update_function_configuration", {"Timeout": 5}), ("update_function_code", {"ZipFile": zip_of({"app.py": ECHO + "\n"})})])
def test_an_update_says_how_far_it_is(server, name, made, operation, arguments):
    client = server.client()
    answer = getattr(client, operation)(FunctionName=name, **arguments)
    assert (answer["State"], answer["LastUpdateStatus"], answer["LastUpdateStatusReason"],
            answer["LastUpdateStatusReasonCode"]) == ("Active", "InProgress", CREATING, "Creating")
    assert "StateReason" not in answer
    settle(client, name)
    shown = client.get_function_configuration(FunctionName=name)
    assert shown["LastUpdateStatus"] == "Successful" and "LastUpdateStatusReason" not in shown


# Versions and aliases


def test_a_function_that_is_not_there_has_no_versions_to_delete(server):
    assert refusal(server.client().delete_function, FunctionName="absent", Qualifier="1") == (
        *NOT_FOUND, f"Function not found: {ARN}absent")


@pytest.mark.parametrize("qualifier", ["10", "nobody"])
@pytest.mark.parametrize("operation", ["get_function", "get_function_configuration", "invoke"])
def test_an_unknown_qualifier_ends_the_arn(server, published, operation, qualifier):
    assert refusal(getattr(server.client(), operation), FunctionName=published, Qualifier=qualifier) == (
        *NOT_FOUND, f"Function not found: {ARN}{published}:{qualifier}")


def test_a_policy_of_a_version_that_is_not_there(server, published):
    assert refusal(server.client().get_policy, FunctionName=published, Qualifier="10") == (
        *NOT_FOUND, "The resource you requested does not exist.")


def test_what_an_alias_has_stays_its_own_when_it_moves(server, published):
    client = server.client()
    client.add_permission(FunctionName=published, Qualifier="live", StatementId="s", Action="lambda:InvokeFunction",
                          Principal="s3.amazonaws.com")
    client.put_function_event_invoke_config(FunctionName=published, Qualifier="live", MaximumRetryAttempts=1)
    client.update_function_code(FunctionName=published, ZipFile=zip_of({"app.py": ECHO + "\n"}))
    settle(client, published)
    assert client.publish_version(FunctionName=published)["Version"] == "2"
    client.update_alias(FunctionName=published, Name="live", FunctionVersion="2")
    policy = json.loads(client.get_policy(FunctionName=published, Qualifier="live")["Policy"])
    assert policy["Statement"][0]["Resource"] == f"{ARN}{published}:live"
    shown = client.get_function_event_invoke_config(FunctionName=published, Qualifier="live")
    assert (shown["MaximumRetryAttempts"], shown["FunctionArn"]) == (1, f"{ARN}{published}:live")


def test_weights_are_from_0_to_1(server, published):
    client = server.client()
    client.update_function_code(FunctionName=published, ZipFile=zip_of({"app.py": ECHO + "\n"}))
    settle(client, published)
    client.publish_version(FunctionName=published)
    for weight in (0.0, 1.0):
        alias = client.update_alias(
            FunctionName=published, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": weight}})
        assert alias["RoutingConfig"] == {"AdditionalVersionWeights": {"2": weight}}
    for weight in (-0.1, 1.1):
        assert refusal(
            client.update_alias, FunctionName=published, Name="live",
            RoutingConfig={"AdditionalVersionWeights": {"2": weight}}) == (
            400, "ValidationException", f"1 validation error detected: Value '{{2={weight}}}' at "
            "'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy constraint: "
            "[Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member "
            "must not be null]")


# Invocations


def test_an_answer_that_is_too_large(server, name):
    server.deploy(name, "def handler(event, context): return 'x' * 6_291_555")
    assert server.fail(name) == {
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        "errorType": "Function.ResponseSizeTooLarge"}


def test_a_handler_that_returns_nothing(server, name):
    server.deploy(name, "def handler(event, context): pass")
    assert server.client().invoke(FunctionName=name)["Payload"].read() == b"null"


@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_what_is_no_json_says_so(server, published, kind):
    status, code, message = refusal(server.client().invoke, FunctionName=published, Payload=b"{", InvocationType=kind)
    assert (status, code) == (400, "InvalidRequestContentException")
    assert message.startswith("Could not parse request body into json: Could not parse payload into json: ")


def test_a_dry_run_looks_at_its_parameters(server, published):
    call = server.client().invoke
    assert status(call(FunctionName=published, InvocationType="DryRun", Qualifier="live")) == 204
    assert refusal(call, FunctionName=published, InvocationType="DryRun", Qualifier="7")[:2] == NOT_FOUND
    assert refusal(call, FunctionName=published, InvocationType="DryRun", LogType="All")[1] == "ValidationException"


def test_a_name_of_another_region(server):
    other = ARN.replace("us-east-1", "eu-west-1") + "f"
    for call in (server.client().invoke, server.client().get_function, server.client().delete_function):
        assert refusal(call, FunctionName=other) == (
            *NOT_FOUND, "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')")


# What may not be


def test_an_image_is_no_code_of_a_zip_function(server, published):
    image = "000000000000.dkr.ecr.us-east-1.amazonaws.com/image:tag"
    assert refusal(server.client().update_function_code, FunctionName=published, ImageUri=image) == (
        *INVALID, "Please don't provide ImageUri when updating a function with packageType Zip.")


def test_provisioned_concurrency_is_bounded(server, published):
    client = server.client()
    put = client.put_provisioned_concurrency_config
    unreserved = client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    asked = {"FunctionName": published, "Qualifier": "live"}
    assert refusal(put, ProvisionedConcurrentExecutions=unreserved + 1, **asked) == (
        *INVALID,
        f"Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [{unreserved}].")
    assert refusal(put, ProvisionedConcurrentExecutions=unreserved - 99, **asked) == (
        *INVALID, "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
        "minimum value of [100].")
    client.put_function_concurrency(FunctionName=published, ReservedConcurrentExecutions=1)
    assert refusal(put, ProvisionedConcurrentExecutions=2, **asked) == (
        *INVALID, "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
    client.delete_function(FunctionName=published)


def test_a_version_is_provisioned_once(server, published):
    client = server.client()
    put = client.put_provisioned_concurrency_config
    already = (*CONFLICT,
               "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
    put(FunctionName=published, Qualifier="1", ProvisionedConcurrentExecutions=1)
    assert refusal(put, FunctionName=published, Qualifier="live", ProvisionedConcurrentExecutions=1) == already
    client.update_function_code(FunctionName=published, ZipFile=zip_of({"app.py": ECHO + "\n"}))
    settle(client, published)
    client.publish_version(FunctionName=published)
    client.create_alias(FunctionName=published, Name="next", FunctionVersion="2")
    put(FunctionName=published, Qualifier="next", ProvisionedConcurrentExecutions=1)
    # Nor does an alias take what it has there.
    assert refusal(client.update_alias, FunctionName=published, Name="next", FunctionVersion="1") == already
    client.delete_function(FunctionName=published)


def test_a_reservation_is_no_less_than_what_is_provisioned(server, published):
    client = server.client()
    client.put_provisioned_concurrency_config(FunctionName=published, Qualifier="1", ProvisionedConcurrentExecutions=2)
    assert refusal(client.put_function_concurrency, FunctionName=published, ReservedConcurrentExecutions=1) == (
        *INVALID, " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [2].")
    client.delete_function(FunctionName=published)
