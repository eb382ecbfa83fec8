# SPDX-License-Identifier: Apache-2.0
"""Limits profiles, and the texts of refused values."""

import os

import botocore.exceptions
import pytest

from harness import PYTHON, ROLE, zip_of

CODE = {"ZipFile": zip_of({"app.py": "def handler(event, context): return 1"})}


def create(server, name, **members):
    request = {"FunctionName": name, "Runtime": PYTHON, "Handler": "app.handler", "Role": ROLE, "Code": CODE}
    request.update(members)
    return server.client().create_function(**{k: v for k, v in request.items() if v is not None})


def refused(server, name, **members):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        create(server, name, **members)
    return raised.value.response["Error"]["Code"], raised.value.response["Error"]["Message"]


@pytest.mark.parametrize("members", [
    {"MemorySize": 128}, {"MemorySize": 192}, {"MemorySize": 3008}, {"MemorySize": 3072}, {"Timeout": 1}, {"Timeout": 300},
    {"EphemeralStorage": {"Size": 512}},
])
def test_classic_accepts(server, name, members):
    answer = create(server, name, **members)
    assert all(answer[key] == value for key, value in members.items())


@pytest.mark.parametrize("members", [
    {"MemorySize": 129}, {"MemorySize": 3136}, {"MemorySize": 10240}, {"Timeout": 301},
    {"Timeout": 900}, {"EphemeralStorage": {"Size": 1024}},
])
def test_classic_refuses_and_names_the_option(server, name, members):
    code, message = refused(server, name, **members)
    assert code in ("InvalidParameterValueException", "ValidationException")
    assert "classic" in message and "--limits current" in message, message


def test_current_accepts_what_aws_does(make_server):
    server = make_server("--limits", "current")
    for number, members in enumerate((
            {"MemorySize": 129}, {"MemorySize": 10240}, {"Timeout": 900}, {"EphemeralStorage": {"Size": 10240}})):
        assert create(server, f"f{number}", **members)["State"] == "Pending"
    for members in ({"MemorySize": 10241}, {"MemorySize": 127}, {"Timeout": 901}, {"EphemeralStorage": {"Size": 511}}):
        assert refused(server, "g", **members)[0] in ("InvalidParameterValueException", "ValidationException")


@pytest.mark.parametrize("members", [
    {"Timeout": 0}, {"Timeout": -1}, {"MemorySize": 0}, {"MemorySize": 64}, {"Handler": ""}, {"Handler": "a b"}, {"Handler": "x" * 129},
    {"Role": "nobody"}, {"Description": "x" * 257}, {"Runtime": "cobol"}, {"Runtime": "python2.7"}, {"Runtime": None},
    {"Handler": None}, {"Code": {}}, {"Code": {"S3Bucket": "b", "S3Key": "k"}}, {"Architectures": ["x86_64", "arm64"]},
    {"Environment": {"Variables": {"AWS_REGION": "x"}}}, {"Environment": {"Variables": {"_A": "x"}}},
    {"Environment": {"Variables": {"AA": "x" * 4096}}}, {"PackageType": "Image"},
])
def test_wrong_values_are_refused(server, name, members):
    code, message = refused(server, name, **members)
    assert code in ("InvalidParameterValueException", "ValidationException"), message
    assert message


@pytest.mark.parametrize("bad", ["", "a b", "x" * 65, "ü", "a/b", "..", "a.b"])
def test_wrong_names_are_refused(server, bad):
    assert refused(server, bad)[0] in ("InvalidParameterValueException", "ValidationException")


def test_reserved_variables_have_the_text_of_aws(server, name):
    _, message = refused(server, name, Environment={"Variables": {"AWS_REGION": "x"}})
    assert message.startswith("Lambda was unable to configure your environment variables because the environment variables")
    assert "AWS_REGION" in message


def test_a_runtime_that_is_not_here_says_which_are(server, name):
    for runtime in ("java21", "ruby3.4", "dotnet8"):
        code, message = refused(server, name, Runtime=runtime)
        assert code == "InvalidParameterValueException" and PYTHON in message


def test_an_accounts_code_has_a_limit(make_server, name):
    server = make_server("--account-code-storage", "1")
    client = server.client()
    large = {"ZipFile": zip_of({"app.py": "def handler(event, context): return 1", "data": os.urandom(600_000)})}
    exceeded = "CodeStorageExceededException", "Code storage limit exceeded."
    assert client.get_account_settings()["AccountLimit"]["TotalCodeSize"] == 1 << 20
    create(server, name, Code=large)
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert refused(server, name + "-2", Code=large) == exceeded
    for call, arguments in [
        (client.publish_version, {"FunctionName": name}),
        (client.publish_layer_version, {"LayerName": name, "Content": large}),
    ]:
        with pytest.raises(botocore.exceptions.ClientError) as raised:
            call(**arguments)
        error = raised.value.response
        assert (error["Error"]["Code"], error["Error"]["Message"]) == exceeded
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    usage = client.get_account_settings()["AccountUsage"]
    assert usage["FunctionCount"] == 1 and 600_000 < usage["TotalCodeSize"] < 1 << 20
    assert len(list((server.data / "code").iterdir())) == 1
    client.delete_function(FunctionName=name)
    create(server, name + "-2", Code=large)
