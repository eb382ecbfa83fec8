# SPDX-License-Identifier: Apache-2.0
"""Budgets: told, stopped, given back."""

import json

import pytest

from harness import wait_until
from wire import exchange

CODE = "def handler(event, context): return event"


def budget(server, *arguments):
    answer = server.martlet("budget", *arguments)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def listed(server):
    return {each["Name"]: each for each in json.loads(budget(server, "list", "--output", "json"))}


def reason(server, name, **arguments):
    """AWS's reason where an invocation is refused, nothing where it runs."""
    client = server.client()
    try:
        client.invoke(FunctionName=name, LogType="Tail", **arguments)
    except client.exceptions.TooManyRequestsException as error:
        return error.response["Reason"]
    return None


def stopped(server, name, **arguments):
    wait_until(
        lambda: reason(server, name, **arguments) == "ReservedFunctionConcurrentInvocationLimitExceeded", 60,
        f"{name} is stopped")


def reserved(server, name):
    return server.client().get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")


def test_a_budget_stops_a_function_and_gives_it_back(make_server):
    server = make_server()
    server.deploy("runaway", CODE)
    server.deploy("other", CODE)
    budget(server, "put", "three", "--function", "runaway", "--limit", "3", "--unit", "requests", "--period", "day",
           "--action", "stop")
    for _ in range(3):
        assert reason(server, "runaway") is None
    stopped(server, "runaway")
    assert reason(server, "other") is None and reserved(server, "runaway") == 0
    state = listed(server)["three"]
    assert (state["Used"], state["IsReached"], state["StoppedFunctions"]) == ("3", True, ["runaway"])
    server.wait_for_line("a budget is reached", "three")
    server.kill()
    server.start()
    stopped(server, "runaway")
    assert "stopped runaway" in budget(server, "list")
    # A higher limit is not reached: what was taken comes back.
    budget(server, "put", "three", "--function", "runaway", "--limit", "5", "--unit", "requests", "--period", "day",
           "--action", "stop")
    assert reserved(server, "runaway") is None
    assert reason(server, "runaway") is None and reason(server, "runaway") is None
    stopped(server, "runaway")
    budget(server, "delete", "three")
    assert reason(server, "runaway") is None and listed(server) == {}
    assert server.martlet("budget", "delete", "three").returncode == 2


def test_what_somebody_reserves_meanwhile_stays(make_server):
    server = make_server()
    client = server.client()
    for name, team in (("a", "x"), ("b", "x"), ("c", "y")):
        server.deploy(name, CODE, Tags={"team": team})
    client.put_function_concurrency(FunctionName="a", ReservedConcurrentExecutions=7)
    budget(server, "put", "team", "--tag", "team=x", "--limit", "1", "--unit", "requests", "--period", "month", "--action", "stop")
    assert reason(server, "a") is None
    stopped(server, "a")
    stopped(server, "b")
    assert reason(server, "c") is None
    # Somebody lets one of them go on: it does, to the end of the period and beyond.
    client.put_function_concurrency(FunctionName="b", ReservedConcurrentExecutions=2)
    assert reason(server, "b") is None
    assert reserved(server, "b") == 2
    # A function that gets the tag later is the budget's too.
    client.tag_resource(Resource="arn:aws:lambda:us-east-1:000000000000:function:c", Tags={"team": "x"})
    stopped(server, "c")
    client.untag_resource(Resource="arn:aws:lambda:us-east-1:000000000000:function:c", TagKeys=["team"])
    wait_until(lambda: reason(server, "c") is None, 60, "the function to go on")
    budget(server, "delete", "team")
    assert (reserved(server, "a"), reserved(server, "b"), reserved(server, "c")) == (7, 2, None)


def test_a_budget_that_warns_stops_nothing(make_server):
    server = make_server()
    server.deploy("noisy", CODE)
    budget(server, "put", "warn", "--function", "noisy", "--limit", "0.5", "--unit", "requests")
    for _ in range(3):
        assert reason(server, "noisy") is None
    server.wait_for_line("a budget is reached", "warn")
    for _ in range(3):
        assert reason(server, "noisy") is None
    assert listed(server)["warn"]["IsReached"] and "reached" in budget(server, "list")
    assert sum("a budget is reached" in line for line in server.lines) == 1
    text = exchange(server, "GET", "/metrics").body.decode()
    assert 'martlet_budget_events_total{event="reached"} 1' in text
    assert 'martlet_budget_events_total{event="stopped"} 0' in text


def test_provisioned_environments_of_a_stopped_function_end(make_server):
    server = make_server()
    client = server.client()
    server.deploy("kept", CODE)
    client.publish_version(FunctionName="kept")
    client.get_waiter("published_version_active").wait(FunctionName="kept", Qualifier="1")
    client.put_provisioned_concurrency_config(FunctionName="kept", Qualifier="1", ProvisionedConcurrentExecutions=1)
    status = lambda: client.get_provisioned_concurrency_config(FunctionName="kept", Qualifier="1")
    wait_until(lambda: status()["Status"] == "READY", 60, "provisioned")
    budget(server, "put", "none", "--function", "kept", "--limit", "0", "--unit", "gb-seconds", "--action", "stop")
    stopped(server, "kept", Qualifier="1")
    wait_until(lambda: status().get("AvailableProvisionedConcurrentExecutions", 0) == 0, 60, "they have ended")
    budget(server, "delete", "none")
    wait_until(lambda: status()["Status"] == "READY", 60, "provisioned again")


@pytest.mark.parametrize("arguments", [
    ("put", "b", "--limit", "1"), ("put", "b", "--function", "f", "--tag", "a=b", "--limit", "1"),
    ("put", "b", "--function", "f", "--limit", "1", "--unit", "euros"), ("put", "b", "--function", "f")])
def test_mistakes_are_told_before_anything_is_asked(server, arguments):
    assert server.martlet("budget", *arguments).returncode == 64


@pytest.mark.parametrize("name,limit,text", [
    ("a b", "1", "A budget's name"), ("b", "x", "Limit is"), ("b", "1.0000001", "Limit is"), ("b", "1" * 13, "Limit is"),
    ("b", "", "Limit is")])
def test_the_server_refuses_what_is_no_budget(server, name, limit, text):
    answer = server.martlet("budget", "put", name, "--function", "f", "--limit", limit)
    assert answer.returncode == 2 and f"InvalidParameterValueException: {text}" in answer.stderr
