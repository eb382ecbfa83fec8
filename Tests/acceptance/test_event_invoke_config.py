# SPDX-License-Identifier: Apache-2.0
"""What is set for asynchronous invocations, per qualifier."""

import datetime

import pytest

from refusals import refusal, status

ECHO = "def handler(event, context):\n    return event\n"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
NOBODY = {"OnSuccess": {}, "OnFailure": {}}
NO_FUNCTION = 404, "ResourceNotFoundException", "The function doesn't exist."


@pytest.fixture
def function(server, name):
    """A function with version 1 and the alias live."""
    server.deploy(name, ECHO)
    client = server.client()
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return name


def none(arn):
    return 404, "ResourceNotFoundException", f"The function {arn} doesn't have an EventInvokeConfig"


def test_put_replaces_and_update_merges(server, function):
    client = server.client()
    answer = client.put_function_event_invoke_config(
        FunctionName=function, MaximumRetryAttempts=2, MaximumEventAgeInSeconds=60)
    assert status(answer) == 200 and answer["FunctionArn"] == f"{ARN}{function}:$LATEST"
    assert (answer["MaximumRetryAttempts"], answer["MaximumEventAgeInSeconds"]) == (2, 60)
    assert answer["DestinationConfig"] == NOBODY and isinstance(answer["LastModified"], datetime.datetime)
    answer = client.update_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    assert (answer["MaximumRetryAttempts"], answer["MaximumEventAgeInSeconds"]) == (0, 60)
    answer = client.put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=1)
    assert answer["MaximumRetryAttempts"] == 1 and "MaximumEventAgeInSeconds" not in answer
    shown = client.get_function_event_invoke_config(FunctionName=function, Qualifier="$LATEST")
    assert shown["MaximumRetryAttempts"] == 1 and shown["LastModified"] == answer["LastModified"]


def test_each_qualifier_has_its_own(server, function):
    client = server.client()
    for attempts, qualifier in enumerate(["$LATEST", "1", "live"]):
        client.put_function_event_invoke_config(
            FunctionName=function, Qualifier=qualifier, MaximumRetryAttempts=attempts)
    found = client.list_function_event_invoke_configs(FunctionName=function)["FunctionEventInvokeConfigs"]
    assert [(item["FunctionArn"], item["MaximumRetryAttempts"]) for item in found] == [
        (f"{ARN}{function}:$LATEST", 0), (f"{ARN}{function}:1", 1), (f"{ARN}{function}:live", 2)]
    pages = client.get_paginator("list_function_event_invoke_configs").paginate(
        FunctionName=function, PaginationConfig={"PageSize": 1})
    assert [len(page["FunctionEventInvokeConfigs"]) for page in pages] == [1, 1, 1]
    assert status(client.delete_function_event_invoke_config(FunctionName=function)) == 204
    assert refusal(client.delete_function_event_invoke_config, FunctionName=function) == none(f"{ARN}{function}:$LATEST")


def test_what_is_deleted_takes_its_own_along(server, function):
    client = server.client()
    client.put_function_event_invoke_config(FunctionName=function, Qualifier="live", MaximumRetryAttempts=1)
    client.delete_alias(FunctionName=function, Name="live")
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    assert refusal(client.get_function_event_invoke_config, FunctionName=function, Qualifier="live") == none(
        f"{ARN}{function}:live")


@pytest.mark.parametrize("qualifier", ["absent", "7"])
def test_an_absent_qualifier_is_not_found(server, function, qualifier):
    client = server.client()
    arguments = {"FunctionName": function, "Qualifier": qualifier}
    assert refusal(client.put_function_event_invoke_config, MaximumRetryAttempts=1, **arguments) == NO_FUNCTION
    assert refusal(client.update_function_event_invoke_config, MaximumRetryAttempts=1, **arguments) == NO_FUNCTION
    assert refusal(client.get_function_event_invoke_config, **arguments) == none(f"{ARN}{function}:{qualifier}")


def test_an_absent_function_is_not_found(server):
    client = server.client()
    assert refusal(client.put_function_event_invoke_config, FunctionName="absent", MaximumRetryAttempts=1) == NO_FUNCTION
    assert refusal(client.list_function_event_invoke_configs, FunctionName="absent") == NO_FUNCTION
    assert refusal(client.get_function_event_invoke_config, FunctionName="absent") == none(f"{ARN}absent:$LATEST")


def test_something_has_to_be_set(server, function):
    assert refusal(server.client().put_function_event_invoke_config, FunctionName=function) == (
        400, "InvalidParameterValueException",
        "You must specify at least one of error handling or destination setting.")


def test_qualifiers_may_not_contradict_each_other(server, function):
    assert refusal(
        server.client().put_function_event_invoke_config, FunctionName=f"{ARN}{function}:live", Qualifier="1",
        MaximumRetryAttempts=1) == (
        400, "InvalidParameterValueException",
        "The derived qualifier from the function name does not match the specified qualifier.")


def test_destinations(server, function, name):
    client = server.client()

    def put(arn, side="OnSuccess"):
        return client.put_function_event_invoke_config(
            FunctionName=function, DestinationConfig={side: {"Destination": arn}})

    server.deploy(name + "-other", ECHO)
    assert put(f"{ARN}{name}-other")["DestinationConfig"] == {
        "OnSuccess": {"Destination": f"{ARN}{name}-other"}, "OnFailure": {}}
    put("arn:aws:sqs:us-east-1:000000000000:queue", "OnFailure")
    assert refusal(lambda: put(f"{ARN}doesnotexist")) == (
        400, "InvalidParameterValueException", f"The destination ARN {ARN}doesnotexist is invalid.")
    assert refusal(lambda: put(ARN + function)) == (
        400, "InvalidParameterValueException", "You can't specify the function as a destination for itself.")
    iam = f"arn:aws:iam:us-east-1:000000000000:function:{function}"
    assert refusal(lambda: put(iam)) == (
        400, "InvalidParameterValueException",
        f"The provided destination config DestinationConfig(onSuccess=OnSuccess(destination={iam}), onFailure=null) is "
        "invalid.")
    assert refusal(lambda: put("arn:aws:_-/!lambda:x", "OnFailure"))[1] == "ValidationException"
