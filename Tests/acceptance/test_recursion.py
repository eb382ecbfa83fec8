# SPDX-License-Identifier: Apache-2.0
"""A function that comes round to itself sixteen times in one trace is stopped, unless it may."""

import json

from harness import wait_until
from refusals import refusal
from test_async import COUNTING, attempts

MESSAGE = ("Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped your "
           "function's invocation.")
STOPPED = 400, "RecursiveInvocationException", MESSAGE
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


def tracing(server, trace):
    """A client whose requests go on with a trace, as those of AWS's SDKs do within a function."""
    client = server.client()

    def add(params, **_):
        if trace[0]:
            params["headers"]["X-Amzn-Trace-Id"] = trace[0]

    client.meta.events.register("before-call.lambda.Invoke", add)
    return client


def run(client, name, trace, times):
    for _ in range(times):
        answer = client.invoke(FunctionName=name, Payload=b"{}")
        assert answer["StatusCode"] == 200 and "FunctionError" not in answer
        trace[0] = answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-trace-id"]


def test_the_seventeenth_invocation_in_one_trace_is_refused(server, name):
    server.deploy(name, COUNTING)
    trace = [None]
    client = tracing(server, trace)
    run(client, name, trace, 16)
    assert trace[0].endswith(":15")
    assert refusal(client.invoke, FunctionName=name, Payload=b"{}") == STOPPED
    server.client().put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    run(client, name, trace, 2)
    server.client().put_function_recursion_config(FunctionName=name, RecursiveLoop="Terminate")
    assert refusal(client.invoke, FunctionName=name, Payload=b"{}") == STOPPED
    # Another trace is no part of it.
    assert server.invoke(name, {}) == {}


def test_an_event_of_a_loop_goes_to_the_on_failure_destination(server, name):
    server.deploy(name, COUNTING)
    server.deploy(name + "-bad", COUNTING)
    server.client().put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnFailure": {"Destination": f"{ARN}{name}-bad"}})
    trace = [None]
    client = tracing(server, trace)
    run(client, name, trace, 16)
    answer = client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"n": 17}')
    assert answer["StatusCode"] == 202
    found = wait_until(
        lambda: [event for events in attempts(server, name + "-bad").values() for event in events], 60, "the record")
    assert found[0]["requestContext"]["requestId"] == answer["ResponseMetadata"]["RequestId"]
    assert found[0]["requestPayload"] == {"n": 17} and "responsePayload" not in found[0]
    assert {"n": 17} not in [event for events in attempts(server, name).values() for event in events]
    wait_until(
        lambda: any("recursive loop" in text for stream, text in server.log(name) if stream.endswith("]asynchronous")), 60,
        "the note of it")


def test_retries_are_no_loop(make_server, name):
    """All attempts of an event are one invocation of its trace."""
    server = make_server("--async-retry-delay", "50ms")
    server.deploy(
        name, "import os\ndef handler(event, context):\n    print('trace', os.environ['_X_AMZN_TRACE_ID'], flush=True)\n"
        "    raise ValueError")
    server.client().invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps({}))

    def traces():
        return [text.split()[1] for _, text in server.log(name) if text.startswith("trace ")]

    found = wait_until(lambda: len(traces()) == 3 and traces(), 60, "three attempts")
    assert len(set(found)) == 1 and found[0].endswith(":0")
