# SPDX-License-Identifier: Apache-2.0
"""Code signing configurations, and what they do to deployments."""

import re

import pytest

from harness import PYTHON, ROLE, wait_until, zip_of
from refusals import refusal, status

ECHO = "def handler(event, context):\n    return event\n"
PUBLISHERS = {"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/test"]}
ABSENT = "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-00000000000000000"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


def make(server, policy, **arguments):
    return server.client().create_code_signing_config(
        AllowedPublishers=PUBLISHERS, CodeSigningPolicies={"UntrustedArtifactOnDeployment": policy},
        **arguments)["CodeSigningConfig"]["CodeSigningConfigArn"]


def unsigned(name):
    return (400, "CodeVerificationFailedException",
            "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is "
            f"not configured to accept. Check the provided signature for {name}.")


def gone(arn):
    return 404, "ResourceNotFoundException", f"The Lambda code signing configuration {arn} can not be found."


def test_the_life_of_a_configuration(server, name):
    client = server.client()
    server.deploy(name, ECHO)
    answer = client.create_code_signing_config(AllowedPublishers=PUBLISHERS, Description="d")
    made = answer["CodeSigningConfig"]
    arn = made["CodeSigningConfigArn"]
    assert status(answer) == 201 and re.fullmatch(r"csc-[a-z0-9]{17}", made["CodeSigningConfigId"])
    assert arn.endswith(":code-signing-config:" + made["CodeSigningConfigId"]) and made["Description"] == "d"
    assert made["AllowedPublishers"] == PUBLISHERS
    assert made["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Warn"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", made["LastModified"])
    changed = client.update_code_signing_config(
        CodeSigningConfigArn=arn, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"})["CodeSigningConfig"]
    assert changed["Description"] == "d" and changed["CodeSigningPolicies"]["UntrustedArtifactOnDeployment"] == "Enforce"
    assert client.get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"] == changed
    pages = client.get_paginator("list_code_signing_configs").paginate(PaginationConfig={"PageSize": 1})
    assert changed in [item for page in pages for item in page["CodeSigningConfigs"]]

    answer = client.put_function_code_signing_config(CodeSigningConfigArn=arn, FunctionName=name)
    assert (answer["CodeSigningConfigArn"], answer["FunctionName"]) == (arn, name)
    answer = client.get_function_code_signing_config(FunctionName=name)
    assert (answer["CodeSigningConfigArn"], answer["FunctionName"]) == (arn, name)
    assert client.list_functions_by_code_signing_config(CodeSigningConfigArn=arn)["FunctionArns"] == [ARN + name]
    assert refusal(client.delete_code_signing_config, CodeSigningConfigArn=arn)[:2] == (409, "ResourceConflictException")
    assert status(client.delete_function_code_signing_config(FunctionName=name)) == 204
    assert "CodeSigningConfigArn" not in client.get_function_code_signing_config(FunctionName=name)
    assert client.list_functions_by_code_signing_config(CodeSigningConfigArn=arn)["FunctionArns"] == []
    assert status(client.delete_code_signing_config(CodeSigningConfigArn=arn)) == 204
    assert refusal(client.get_code_signing_config, CodeSigningConfigArn=arn) == gone(arn)


@pytest.mark.parametrize("operation", [
    "get_code_signing_config", "update_code_signing_config", "delete_code_signing_config",
    "list_functions_by_code_signing_config"])
def test_an_absent_configuration_is_not_found(server, operation):
    assert refusal(getattr(server.client(), operation), CodeSigningConfigArn=ABSENT) == gone(ABSENT)


def test_what_is_attached_has_to_be_there(server, name):
    client = server.client()
    server.deploy(name, ECHO)
    no_config = (404, "CodeSigningConfigNotFoundException",
                 "The code signing configuration cannot be found. Check that the provided configuration is not deleted: "
                 f"{ABSENT}.")
    no_function = 404, "ResourceNotFoundException", f"Function not found: {ARN}absent"
    put = client.put_function_code_signing_config
    assert refusal(put, CodeSigningConfigArn=ABSENT, FunctionName=name) == no_config
    assert refusal(put, CodeSigningConfigArn=ABSENT, FunctionName="absent") == no_config
    assert refusal(put, CodeSigningConfigArn=make(server, "Warn"), FunctionName="absent") == no_function
    assert refusal(client.get_function_code_signing_config, FunctionName="absent") == no_function
    assert refusal(client.delete_function_code_signing_config, FunctionName="absent") == no_function
    assert refusal(
        client.create_function, FunctionName=name + "-2", Role=ROLE, Runtime=PYTHON, Handler="app.handler",
        Code={"ZipFile": zip_of({"app.py": ECHO})}, CodeSigningConfigArn=ABSENT) == no_config


def test_enforce_refuses_code_without_a_signature(server, name):
    client = server.client()
    arn = make(server, "Enforce")
    zip = zip_of({"app.py": ECHO})
    assert refusal(
        client.create_function, FunctionName=name, Role=ROLE, Runtime=PYTHON, Handler="app.handler",
        Code={"ZipFile": zip}, CodeSigningConfigArn=arn) == unsigned(name)
    assert refusal(client.get_function, FunctionName=name)[0] == 404
    server.deploy(name, ECHO)
    client.put_function_code_signing_config(CodeSigningConfigArn=arn, FunctionName=name)
    # What was deployed before goes on.
    assert server.invoke(name, 1) == 1
    assert refusal(client.update_function_code, FunctionName=name, ZipFile=zip) == unsigned(name)
    assert refusal(client.update_function_code, FunctionName=name, ZipFile=zip, DryRun=True) == unsigned(name)
    client.update_function_configuration(FunctionName=name, Timeout=9)


def test_warn_deploys_and_says_so(server, name):
    arn = make(server, "Warn")
    server.deploy(name, ECHO, CodeSigningConfigArn=arn)
    assert server.client().get_function_code_signing_config(FunctionName=name)["CodeSigningConfigArn"] == arn
    assert server.invoke(name, 1) == 1

    def warnings():
        return sum("without a verified signature" in line and name in line for line in server.lines)

    wait_until(lambda: warnings() == 1, 60, "the warning of the code")
    client = server.client()
    layer = client.publish_layer_version(LayerName=name, Content={"ZipFile": zip_of({"a.txt": "a"})})["LayerVersionArn"]
    client.update_function_configuration(FunctionName=name, Layers=[layer])
    wait_until(lambda: warnings() == 2, 60, "the warning of the layer")
