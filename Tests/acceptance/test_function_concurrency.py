# SPDX-License-Identifier: Apache-2.0
"""Reserved concurrency: shown, kept, and in force; and what an account uses."""

import concurrent.futures
import json
import threading

import botocore.exceptions
import pytest

from refusals import refusal, status

SLEEPER = """
import time
def handler(event, context):
    time.sleep(event)
    return event
"""
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"
BEYOND = ("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
          "minimum value of [100].")


def reserve(server, name, executions):
    return server.client().put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=executions)


def throttle(server, name, event=0):
    """The reason why an invocation is throttled; nil when it is not."""
    try:
        # With its log's tail an answer comes when what it took of the concurrency is free again.
        server.client().invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
        return None
    except botocore.exceptions.ClientError as error:
        assert status(error.response) == 429 and error.response["Error"]["Code"] == "TooManyRequestsException"
        assert error.response["Error"]["Message"] == "Rate Exceeded."
        return error.response["Reason"]


def test_a_reservation_is_kept_and_shown(make_server, name):
    server = make_server()
    client = server.client()
    server.deploy(name, SLEEPER)
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=name)
    for executions in (0, 1):
        answer = reserve(server, name, executions)
        assert status(answer) == 200 and answer["ReservedConcurrentExecutions"] == executions
    assert client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 1
    assert client.get_function(FunctionName=name)["Concurrency"] == {"ReservedConcurrentExecutions": 1}
    assert status(client.delete_function_concurrency(FunctionName=name)) == 204
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=name)
    assert "Concurrency" not in client.get_function(FunctionName=name)


def test_zero_switches_a_function_off_at_once_and_after_a_kill(make_server, name):
    server = make_server()
    server.deploy(name, SLEEPER)
    assert throttle(server, name) is None
    reserve(server, name, 0)
    assert throttle(server, name) == RESERVED
    server.kill()
    server.start()
    assert throttle(server, name) == RESERVED
    server.client().delete_function_concurrency(FunctionName=name)
    assert throttle(server, name) is None


def test_a_reservation_is_a_ceiling(server, name):
    server.deploy(name, SLEEPER)
    reserve(server, name, 2)
    assert throttle(server, name) is None
    # On a machine that is busy with something else the first may end before the last has begun.
    for seconds in (2, 10, 25):
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            reasons = list(pool.map(lambda _: throttle(server, name, seconds), range(6)))
        if reasons.count(None) <= 2:
            break
    assert sorted(reason or "" for reason in reasons) == ["", "", RESERVED, RESERVED, RESERVED, RESERVED]
    server.client().delete_function_concurrency(FunctionName=name)


def test_a_reservation_is_a_floor(make_server, name):
    server = make_server("--account-concurrency", "102")
    for each in (name, name + "-other"):
        server.deploy(each, "def handler(event, context):\n    return event\n")
    assert refusal(lambda: reserve(server, name, 3)) == (400, "InvalidParameterValueException", BEYOND)
    reserve(server, name, 2)
    account = server.client().get_account_settings()["AccountLimit"]
    assert (account["ConcurrentExecutions"], account["UnreservedConcurrentExecutions"]) == (102, 100)
    # The other function has what is unreserved, however much it asks for; the reservation stays.
    stop, seen = threading.Event(), []

    def flood():
        while not stop.is_set():
            seen.append(throttle(server, name + "-other"))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(flood)
        try:
            assert [throttle(server, name) for _ in range(20)] == [None] * 20
        finally:
            stop.set()
    assert RESERVED not in seen


def test_one_hundred_stay_unreserved(make_server, name):
    server = make_server()
    server.deploy(name, SLEEPER)
    assert refusal(lambda: reserve(server, name, 901)) == (400, "InvalidParameterValueException", BEYOND)
    reserve(server, name, 900)
    assert server.client().get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 100


def test_a_function_that_goes_gives_its_reservation_back(make_server, name):
    server = make_server()
    server.deploy(name, SLEEPER)
    reserve(server, name, 0)
    server.client().delete_function(FunctionName=name)
    server.deploy(name, SLEEPER)
    assert throttle(server, name) is None
    assert server.client().get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 1000


@pytest.mark.parametrize("executions", [1, 5000])
def test_an_absent_function_is_not_found(server, executions):
    assert refusal(lambda: reserve(server, "absent", executions)) == (
        404, "ResourceNotFoundException", f"Function not found: {ARN}absent:$LATEST")
    assert refusal(server.client().get_function_concurrency, FunctionName="absent") == (
        404, "ResourceNotFoundException", f"Function not found: {ARN}absent")


def test_a_version_has_no_reservation(server, name):
    server.deploy(name, SLEEPER)
    assert refusal(lambda: reserve(server, f"{ARN}{name}:1", 1)) == (
        400, "InvalidParameterValueException",
        "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please "
        "specify either a function name or an unqualified function ARN.")


def test_account_settings_say_what_is_used(make_server, name):
    server = make_server()
    client = server.client()
    assert client.get_account_settings()["AccountUsage"] == {"TotalCodeSize": 0, "FunctionCount": 0}
    server.deploy(name, SLEEPER)
    size = client.get_function_configuration(FunctionName=name)["CodeSize"]
    settings = client.get_account_settings()
    assert settings["AccountUsage"] == {"TotalCodeSize": size, "FunctionCount": 1}
    assert settings["AccountLimit"] == {
        "TotalCodeSize": 80530636800, "CodeSizeUnzipped": 262144000, "CodeSizeZipped": 52428800,
        "ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}


def test_concurrency_with_the_aws_cli(server, name, aws):
    server.deploy(name, SLEEPER)
    answer = aws(
        server, "lambda", "put-function-concurrency", "--function-name", name, "--reserved-concurrent-executions", "5")
    assert json.loads(answer.stdout) == {"ReservedConcurrentExecutions": 5}
    aws(server, "lambda", "delete-function-concurrency", "--function-name", name)
    assert aws(server, "lambda", "get-function-concurrency", "--function-name", name).stdout.strip() in ("", "{}")
