# SPDX-License-Identifier: Apache-2.0
"""Recursion, runtime management, and the operations that are not there."""

import pytest

from refusals import refusal

ECHO = "def handler(event, context):\n    return event\n"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


def test_recursion_is_terminated_until_it_is_allowed(server, name):
    client = server.client()
    server.deploy(name, ECHO)
    assert client.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Terminate"
    assert client.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")["RecursiveLoop"] == "Allow"
    assert client.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"
    assert refusal(client.get_function_recursion_config, FunctionName="absent") == (
        404, "ResourceNotFoundException", f"Function not found: {ARN}absent")
    assert refusal(client.put_function_recursion_config, FunctionName=name, RecursiveLoop="x")[1] == "ValidationException"


def test_runtime_management_is_per_version(server, name):
    client = server.client()
    server.deploy(name, ECHO)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    shown = client.get_runtime_management_config(FunctionName=name)
    assert (shown["UpdateRuntimeOn"], shown["FunctionArn"]) == ("Auto", ARN + name)
    runtime = client.get_function_configuration(FunctionName=name)["RuntimeVersionConfig"]["RuntimeVersionArn"]
    client.put_runtime_management_config(
        FunctionName=name, Qualifier="1", UpdateRuntimeOn="Manual", RuntimeVersionArn=runtime)
    shown = client.get_runtime_management_config(FunctionName=name, Qualifier="1")
    assert (shown["UpdateRuntimeOn"], shown["RuntimeVersionArn"]) == ("Manual", runtime)
    assert client.get_runtime_management_config(FunctionName=name)["UpdateRuntimeOn"] == "Auto"
    assert refusal(
        client.put_runtime_management_config, FunctionName=name, Qualifier="live", UpdateRuntimeOn="Auto") == (
        400, "InvalidParameterValueException",
        f"The provided function name {ARN}{name}:live is invalid. Aliases are not allowed.")
    assert refusal(
        client.put_runtime_management_config, FunctionName=name, UpdateRuntimeOn="Manual",
        RuntimeVersionArn="arn:aws:lambda:us-east-1::runtime:other")[:2] == (400, "InvalidParameterValueException")


@pytest.mark.parametrize("operation, arguments, reason", [
    ("list_capacity_providers", {}, "capacity providers"),
    ("get_capacity_provider", {"CapacityProviderName": "p"}, "capacity providers"),
    ("delete_capacity_provider", {"CapacityProviderName": "p"}, "capacity providers"),
    ("list_function_versions_by_capacity_provider", {"CapacityProviderName": "p"}, "capacity providers"),
    ("get_function_scaling_config", {"FunctionName": "f", "Qualifier": "1"}, "capacity providers"),
    ("list_durable_executions_by_function", {"FunctionName": "f"}, "durable executions are not available"),
])
def test_what_is_not_there_says_why(server, operation, arguments, reason):
    status, code, message = refusal(getattr(server.client(), operation), **arguments)
    assert (status, code) == (404, "UnknownOperationException")
    assert operation.replace("_", "") in message.lower() and reason in message
