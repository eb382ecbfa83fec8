# SPDX-License-Identifier: Apache-2.0
"""Provisioned concurrency: environments that are initialised before anybody asks for them, and stay."""

import base64
import concurrent.futures
import json
import time

import pytest

from harness import wait_until, zip_of
from refusals import refusal, status

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
# Tells where it ran, how that came to be, and by what it was started. A number is slept for, "die" ends it.
SOURCE = """
import os, time, uuid
environment = str(uuid.uuid4())
def handler(event, context):
    if event == "die":
        os._exit(3)
    time.sleep(event or 0)
    return [environment, os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], WORD]
"""


def source(word="one"):
    return SOURCE.replace("WORD", repr(word))


def provision(server, name, qualifier, executions):
    return server.client().put_provisioned_concurrency_config(
        FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=executions)


def shown(server, name, qualifier):
    return server.client().get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)


def ready(server, name, qualifier):
    """Waits until all that was asked for is there."""
    answer = wait_until(
        lambda: (lambda answer: answer["Status"] != "IN_PROGRESS" and answer)(shown(server, name, qualifier)), 60,
        "provisioned environments")
    assert answer["Status"] == "READY", answer
    requested = answer["RequestedProvisionedConcurrentExecutions"]
    assert answer["AvailableProvisionedConcurrentExecutions"] == requested
    assert answer["AllocatedProvisionedConcurrentExecutions"] == requested
    return answer


def invoke(server, name, event=None, qualifier="1", client=None):
    """What the function says, and the REPORT line."""
    answer = (client or server.client()).invoke(
        FunctionName=name, Qualifier=qualifier, Payload=json.dumps(event), LogType="Tail")
    payload = answer["Payload"].read()
    assert "FunctionError" not in answer, payload
    tail = base64.b64decode(answer["LogResult"]).decode()
    return json.loads(payload), next(line for line in tail.splitlines() if line.startswith("REPORT"))


def invoke_at_once(server, name, count, qualifier):
    """The same of invocations that run at one time, each in an environment of its own."""
    client = server.client()
    # On a machine that is busy with something else one may end before another has begun.
    for seconds in (1, 5, 20):
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            seen = list(pool.map(lambda _: invoke(server, name, seconds, qualifier, client), range(count)))
        if len({environment for (environment, _, _), _ in seen}) == count:
            return seen
    raise AssertionError(seen)


@pytest.fixture
def published(server, name):
    """A function with version 1 and its alias `live`."""
    server.deploy(name, source())
    publish(server, name)
    server.client().create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    yield name
    server.client().delete_function(FunctionName=name)


def publish(server, name, text=None):
    client = server.client()
    if text:
        client.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": text}))
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    return client.publish_version(FunctionName=name)["Version"]


def test_nobody_waits_for_what_is_provisioned(server, published):
    made = provision(server, published, "1", 3)
    assert status(made) == 202 and made["Status"] == "IN_PROGRESS"
    assert made["RequestedProvisionedConcurrentExecutions"] == 3
    assert made["AvailableProvisionedConcurrentExecutions"] == made["AllocatedProvisionedConcurrentExecutions"] == 0
    answer = ready(server, published, "1")
    assert "StatusReason" not in answer and answer["LastModified"] == made["LastModified"]
    seen = invoke_at_once(server, published, 3, "1")
    assert {kind for (_, kind, _), _ in seen} == {"provisioned-concurrency"}
    assert all("Init Duration" not in report for _, report in seen), seen
    # All three were initialised ahead, each in a stream of its own, and that is logged and billed by itself.
    messages = [message for _, message in server.log(published)]
    assert sum(message.startswith("INIT_START") for message in messages) == 3
    reports = [message for message in messages if message.startswith("INIT_REPORT")]
    assert len(reports) == 3 and all("\tPhase: init\t" in report for report in reports)


def test_what_a_function_has_is_listed(server, published):
    provision(server, published, "1", 1)
    ready(server, published, "1")
    listed = server.client().list_provisioned_concurrency_configs(FunctionName=published)
    (only,) = listed["ProvisionedConcurrencyConfigs"]
    assert (only["FunctionArn"], only["Status"]) == (ARN + published + ":1", "READY")
    assert only["AvailableProvisionedConcurrentExecutions"] == 1


def test_what_is_beyond_spills_over(server, published):
    provision(server, published, "live", 1)
    ready(server, published, "live")
    seen = invoke_at_once(server, published, 2, "live")
    assert sorted(kind for (_, kind, _), _ in seen) == ["on-demand", "provisioned-concurrency"]
    assert all("Init Duration" not in report for (_, kind, _), report in seen if kind != "on-demand")
    # The one that is there already serves both ways of calling the version, and $LATEST has none.
    assert invoke(server, published, qualifier="1")[0][1] == "provisioned-concurrency"
    assert invoke(server, published, qualifier="$LATEST")[0][1] == "on-demand"


def test_an_alias_takes_what_it_has_along(server, published):
    provision(server, published, "live", 2)
    ready(server, published, "live")
    before = invoke(server, published, qualifier="live")[0]
    assert publish(server, published, source("two")) == "2"
    server.client().update_alias(FunctionName=published, Name="live", FunctionVersion="2")
    ready(server, published, "live")
    for _ in range(2):
        answer, report = invoke(server, published, qualifier="live")
        assert answer[1:] == ["provisioned-concurrency", "two"] and "Init Duration" not in report
    # The old version's have gone.
    answer, _ = invoke(server, published, qualifier="1")
    assert answer[1:] == ["on-demand", "one"] and answer[0] != before[0]


def test_fewer_and_none(server, published):
    provision(server, published, "1", 2)
    ready(server, published, "1")
    provision(server, published, "1", 1)
    ready(server, published, "1")
    client = server.client()
    for _ in range(2):
        answer = client.delete_provisioned_concurrency_config(FunctionName=published, Qualifier="1")
        assert status(answer) == 204
    assert refusal(client.get_provisioned_concurrency_config, FunctionName=published, Qualifier="1") == (
        404, "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function")
    assert invoke(server, published)[0][1] == "on-demand"


def test_what_dies_is_replaced(server, published):
    provision(server, published, "1", 1)
    ready(server, published, "1")
    first = invoke(server, published)[0][0]
    failed = server.client().invoke(FunctionName=published, Qualifier="1", Payload=b'"die"')
    assert failed["FunctionError"] == "Unhandled"

    def replaced():
        (environment, kind, _), report = invoke(server, published)
        return environment != first and kind == "provisioned-concurrency" and "Init Duration" not in report

    # Until the new one is there what is on demand serves.
    wait_until(replaced, 60, "another provisioned environment")
    ready(server, published, "1")


def test_an_initialisation_that_fails_is_told(server, name):
    server.deploy(name, "raise Exception('never')\n")
    publish(server, name)
    provision(server, name, "1", 2)
    answer = wait_until(
        lambda: (lambda answer: answer["Status"] == "FAILED" and answer)(shown(server, name, "1")), 60, "a failure")
    assert answer["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    assert answer["AvailableProvisionedConcurrentExecutions"] == 0
    messages = wait_until(
        lambda: [m for _, m in server.log(name) if m.startswith("INIT_REPORT")], 60, "the log of an initialisation")
    assert "Status: error\tError Type: Exception" in messages[0] or "Runtime." in messages[0], messages
    server.client().delete_function(FunctionName=name)


def test_what_is_provisioned_outlives_a_kill_and_keep_alive(make_server, name):
    server = make_server("--keep-alive", "1s", "--memory", "256")
    # As large as it may be: what an environment counts for is what it uses.
    for each in (name, name + "-other"):
        server.deploy(each, source() + "\nheld = bytearray(104 << 20)\n")
    publish(server, name)
    provision(server, name, "1", 2)
    made = ready(server, name, "1")
    before = invoke(server, name)[0][0]
    # They have all the memory there is, and make room for nobody.
    assert refusal(lambda: invoke(server, name + "-other", qualifier="$LATEST"))[:2] == (429, "TooManyRequestsException")
    server.kill()
    server.start()
    assert ready(server, name, "1")["LastModified"] == made["LastModified"]
    (environment, kind, _), report = invoke(server, name)
    assert environment != before and kind == "provisioned-concurrency" and "Init Duration" not in report
    # An idle environment expires; the provisioned one does not.
    time.sleep(3)
    assert invoke(server, name)[0][0] == environment
    server.client().delete_function(FunctionName=name)
    wait_until(lambda: has_room(server, name + "-other"), 60, "the provisioned environments' end")


def has_room(server, name):
    try:
        return invoke(server, name, qualifier="$LATEST")[0][1] == "on-demand"
    except server.client().exceptions.TooManyRequestsException:
        return False


def test_refusals(server, published):
    client = server.client()
    arguments = {"FunctionName": published, "ProvisionedConcurrentExecutions": 1}
    put = client.put_provisioned_concurrency_config
    assert refusal(put, Qualifier="$LATEST", **arguments) == (
        400, "InvalidParameterValueException",
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
    assert refusal(put, Qualifier="absent", **arguments) == (
        404, "ResourceNotFoundException", f"Cannot find alias arn: {ARN}{published}:absent")
    assert refusal(put, Qualifier="7", **arguments) == (
        404, "ResourceNotFoundException", f"Function not found: {ARN}{published}:7")
    assert refusal(put, Qualifier="1", FunctionName=published, ProvisionedConcurrentExecutions=0)[:2] == (
        400, "ValidationException")
    publish(server, published, source("two"))
    client.update_alias(
        FunctionName=published, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})
    assert refusal(put, Qualifier="live", **arguments) == (
        400, "InvalidParameterValueException", "Alias with weights can not be used with Provisioned Concurrency")
    client.update_alias(FunctionName=published, Name="live", RoutingConfig={})
    put(Qualifier="live", **arguments)
    assert refusal(put, Qualifier="1", **arguments) == (
        409, "ResourceConflictException", "Version is pointed by a Provisioned Concurrency alias")


def test_what_is_provisioned_counts(make_server, name):
    server = make_server("--account-concurrency", "102")
    server.deploy(name, source())
    publish(server, name)
    client = server.client()
    assert refusal(lambda: provision(server, name, "1", 3)) == (
        400, "InvalidParameterValueException",
        "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum "
        "value of [100].")
    provision(server, name, "1", 2)
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 100
    assert refusal(client.put_function_concurrency, FunctionName=name, ReservedConcurrentExecutions=1) == (
        400, "InvalidParameterValueException",
        " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [2].")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    assert client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 2
    ready(server, name, "1")
    client.delete_function(FunctionName=name)
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 102


def test_provisioned_concurrency_with_the_aws_cli(server, published, aws):
    arguments = ["--function-name", published, "--qualifier", "live"]
    aws(server, "lambda", "put-provisioned-concurrency-config", *arguments, "--provisioned-concurrent-executions", "1")
    ready(server, published, "live")
    listed = json.loads(aws(
        server, "lambda", "list-provisioned-concurrency-configs", "--function-name", published).stdout)
    assert [(each["FunctionArn"], each["Status"]) for each in listed["ProvisionedConcurrencyConfigs"]] == [
        (f"{ARN}{published}:live", "READY")]
    aws(server, "lambda", "delete-provisioned-concurrency-config", *arguments)
