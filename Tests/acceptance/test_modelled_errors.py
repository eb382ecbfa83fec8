# SPDX-License-Identifier: Apache-2.0
"""The errors of the service model, operation by operation. conftest.py holds the whole run to seeing every one of them."""

import contextlib
import os
import socket
import sqlite3
import threading
import urllib.parse
import uuid

import botocore.exceptions
import pytest
from botocore import xform_name

import absent
import modelled_errors
from harness import Server, wait_until, zip_of
from refusals import refusal
from test_recursion import STOPPED, run, tracing
from wire import signed

PREFIX = absent.PREFIX
ECHO = "def handler(event, context): return event"
OPERATIONS = modelled_errors.available()
NOT_FOUND = [name for name in OPERATIONS if absent.REQUESTS[name][1]]


def call(client, operation, arguments=None):
    return getattr(client, xform_name(operation))(**(absent.REQUESTS[operation][0] if arguments is None else arguments))


# What the table of excuses is good for


def test_what_no_test_saw_is_found():
    found = modelled_errors.problems({})
    assert "GetAlias: ResourceNotFoundException was not seen, and no reason is given why it can't occur" in found
    assert not any(line.startswith(("GetCapacityProvider:", "StopDurableExecution:")) for line in found)
    everything = {name: dict.fromkeys(modelled_errors.modelled(name), 1) for name in OPERATIONS}
    belied = modelled_errors.problems(everything)
    assert len(belied) == sum(len(modelled_errors.excused(name)) for name in OPERATIONS)
    assert all(" was seen, for all the reason why it can't occur: " in line for line in belied)
    for name, seen in everything.items():
        for error in modelled_errors.excused(name):
            del seen[error]
    assert modelled_errors.problems(everything) == []


def test_no_excuse_is_for_what_the_model_does_not_have():
    assert modelled_errors.stale() == []


# ResourceNotFoundException


@pytest.mark.parametrize("operation", NOT_FOUND)
def test_what_is_not_there(server, operation):
    assert refusal(lambda: call(server.client(), operation)) == (
        404, "ResourceNotFoundException", absent.REQUESTS[operation][1])


# ServiceException: what is the machine's fault


@pytest.fixture(scope="module")
def broken():
    """A server whose store has lost its tables; none of this is told to callers."""
    server = Server().start()
    database = sqlite3.connect(server.data / "metadata.sqlite", isolation_level=None, timeout=60)
    tables = [name for name, in database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]

    def rename(suffix_before, suffix_after):
        database.execute("BEGIN IMMEDIATE")
        for name in tables:
            database.execute(f'ALTER TABLE "{name}{suffix_before}" RENAME TO "{name}{suffix_after}"')
        database.execute("COMMIT")

    rename("", "Lost")
    yield server
    rename("Lost", "")
    # It goes on where the store does.
    assert server.client().list_functions()["Functions"] == []
    database.close()
    server.close()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_the_machines_fault(broken, operation):
    arguments = absent.REQUESTS[operation][0]
    # Not refused for its region, and so looked up.
    here = {key: value.replace("eu-west-1", "us-east-1") if isinstance(value, str) else value
            for key, value in arguments.items()}
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(broken.client(), operation, here)
    answer = caught.value.response
    request = answer["ResponseMetadata"]["RequestId"]
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (500, "ServiceException")
    assert answer["Error"]["Message"] == f"An internal error occurred. Request id: {request}"
    assert answer["Type"] == "Service"
    broken.wait_for_line("request failed", request, "no such table")


# TooManyRequestsException of the control plane


@pytest.fixture(scope="module")
def throttled():
    server = Server("--throttle-api").start()
    yield server
    server.close()


@contextlib.contextmanager
def used_up(server, target):
    """A rate of calls that is used up, and goes on being used for a moment."""
    head = f"GET {target} HTTP/1.1\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in signed(server, "GET", target).items()) + "\r\n"
    address = urllib.parse.urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=120) as connection:

        def send():
            # One request again and again, faster than a client could make them.
            with contextlib.suppress(OSError):
                connection.sendall(head.encode() * 2_000)

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        seen = b""
        while b"HTTP/1.1 429 " not in seen:
            more = connection.recv(65_536)
            assert more, "the connection ended before a refusal"
            seen = seen[-20:] + more
        yield
        connection.shutdown(socket.SHUT_RDWR)
        sender.join()


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name not in modelled_errors.INVOCATIONS])
def test_too_many_requests(throttled, operation):
    targets = {"GetFunction": "/2015-03-31/functions/absent", "GetPolicy": "/2015-03-31/functions/absent/policy"}

    def refused():
        with used_up(throttled, targets.get(operation, "/2015-03-31/functions")):
            try:
                call(throttled.client(), operation)
            except botocore.exceptions.ClientError as error:
                return error.response["Error"]["Code"] == "TooManyRequestsException" and error.response

    # The one token of the moment may have been this call's.
    answer = wait_until(refused, 120, "a refusal")
    assert (answer["Error"]["Message"], answer["Reason"]) == ("Rate exceeded", "CallerRateLimitExceeded")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429


# InvalidParameterValueException


@pytest.fixture(scope="module")
def shared(server):
    """A function with version 1 and the alias `live`."""
    name = "f-" + uuid.uuid4().hex[:12]
    server.deploy(name, ECHO)
    client = server.client()
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return name


FUNCTIONS_ONLY = (
    "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please "
    "specify either a function name or an unqualified function ARN.")
CONTRADICTION = "The derived qualifier from the function name does not match the specified qualifier."
NO_MARKER = "Invalid Marker."
NO_NUMBER = "Layer Version Cannot be less than 1"
TAGS = "Tags on function aliases and versions are not supported. Please specify a function ARN."
UNPUBLISHED = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
NOT_PROVISIONABLE = "The function resource provided must be an alias or a published version."


@pytest.mark.parametrize("operation", [
    "CreateAlias", "DeleteAlias", "DeleteFunctionCodeSigningConfig", "DeleteFunctionConcurrency", "GetAlias",
    "GetFunctionCodeSigningConfig", "GetFunctionConcurrency", "ListAliases", "ListFunctionEventInvokeConfigs",
    "ListFunctionUrlConfigs", "ListProvisionedConcurrencyConfigs", "ListVersionsByFunction", "PublishVersion",
    "PutFunctionCodeSigningConfig", "PutFunctionConcurrency", "UpdateAlias", "UpdateFunctionCode",
    "UpdateFunctionConfiguration"])
def test_what_is_for_whole_functions(server, shared, operation):
    arguments = {**absent.REQUESTS[operation][0], "FunctionName": f"{shared}:1"}
    assert refusal(lambda: call(server.client(), operation, arguments)) == (
        400, "InvalidParameterValueException", FUNCTIONS_ONLY)


@pytest.mark.parametrize("operation", [
    "AddPermission", "CreateFunctionUrlConfig", "DeleteFunction", "DeleteFunctionEventInvokeConfig", "GetFunction",
    "GetFunctionConfiguration", "GetFunctionEventInvokeConfig", "GetFunctionUrlConfig", "GetPolicy",
    "GetRuntimeManagementConfig", "Invoke", "InvokeWithResponseStream", "PutFunctionEventInvokeConfig",
    "PutRuntimeManagementConfig", "RemovePermission", "UpdateFunctionEventInvokeConfig", "UpdateFunctionUrlConfig"])
def test_qualifiers_that_contradict_each_other(server, shared, operation):
    arguments = {**absent.REQUESTS[operation][0], "FunctionName": f"{PREFIX}:function:{shared}:live", "Qualifier": "other"}
    assert refusal(lambda: call(server.client(), operation, arguments)) == (
        400, "InvalidParameterValueException", CONTRADICTION)


@pytest.mark.parametrize("operation", [
    "ListAliases", "ListCodeSigningConfigs", "ListEventSourceMappings", "ListFunctionEventInvokeConfigs",
    "ListFunctionUrlConfigs", "ListFunctions", "ListFunctionsByCodeSigningConfig", "ListLayerVersions", "ListLayers",
    "ListProvisionedConcurrencyConfigs", "ListVersionsByFunction"])
def test_markers_that_no_list_gave(server, shared, operation):
    client, arguments = server.client(), {"Marker": "!"}
    if "FunctionName" in absent.REQUESTS[operation][0]:
        arguments["FunctionName"] = shared
    if operation == "ListLayerVersions":
        arguments["LayerName"] = "absent"
    if operation == "ListFunctionsByCodeSigningConfig":
        made = client.create_code_signing_config(AllowedPublishers=absent.PUBLISHERS)["CodeSigningConfig"]
        arguments["CodeSigningConfigArn"] = made["CodeSigningConfigArn"]
    assert refusal(lambda: call(client, operation, arguments)) == (400, "InvalidParameterValueException", NO_MARKER)


@pytest.mark.parametrize("operation, change, message", [
    *((name, {"VersionNumber": 0}, NO_NUMBER) for name in [
        "AddLayerVersionPermission", "GetLayerVersion", "GetLayerVersionPolicy", "RemoveLayerVersionPermission"]),
    ("GetLayerVersionByArn", {"Arn": absent.LAYER + ":0"}, NO_NUMBER),
    *((name, {"Resource": absent.FUNCTION + ":1"}, TAGS) for name in ["ListTags", "TagResource", "UntagResource"]),
    ("PutProvisionedConcurrencyConfig", {"Qualifier": "$LATEST"}, UNPUBLISHED),
    *((name, {"Qualifier": "$LATEST"}, NOT_PROVISIONABLE) for name in [
        "GetProvisionedConcurrencyConfig", "DeleteProvisionedConcurrencyConfig"]),
    ("CreateCodeSigningConfig", {"Tags": {str(number): "" for number in range(51)}},
     "Number of tags exceeds resource tag limit."),
    ("CreateEventSourceMapping", {"FunctionName": "absent", "EventSourceArn": "arn:aws:s3:::bucket"},
     "Unrecognized event source."),
    ("CreateFunction", {"FunctionName": "absent", "Code": {}}, "Please provide a source for function code."),
    ("PublishLayerVersion", {"LayerName": "absent", "Content": {}}, "Please provide a source for function code."),
    ("PutFunctionEventInvokeConfig", {"MaximumRetryAttempts": None},
     "You must specify at least one of error handling or destination setting."),
])
def test_values_that_are_good_for_nothing(server, operation, change, message):
    arguments = {key: value for key, value in {**absent.REQUESTS[operation][0], **change}.items() if value is not None}
    assert refusal(lambda: call(server.client(), operation, arguments)) == (
        400, "InvalidParameterValueException", message)


# What else there is


def test_a_layers_policy_of_20_kb_is_the_longest(server, name):
    client = server.client()
    client.publish_layer_version(LayerName=name, Content={"ZipFile": absent.ZIP})

    def add(number):
        client.add_layer_version_permission(
            LayerName=name, VersionNumber=1, StatementId=f"statement-{number:03}" + "x" * 80, Principal="111111111111",
            Action="lambda:GetLayerVersion")

    def fill():
        for number in range(200):
            add(number)

    status, code, message = refusal(fill)
    assert (status, code) == (400, "PolicyLengthExceededException")
    assert message.startswith("The final policy size (") and message.endswith(") is bigger than the limit (20480).")


def test_new_code_counts_among_an_accounts(make_server, name):
    server = make_server("--account-code-storage", "1")
    server.deploy(name, ECHO)
    large = zip_of({"app.py": ECHO, "data": os.urandom(1 << 20)})
    assert refusal(server.client().update_function_code, FunctionName=name, ZipFile=large) == (
        400, "CodeStorageExceededException", "Code storage limit exceeded.")
    assert server.invoke(name, 1) == 1


def test_a_layer_without_a_signature_is_refused_where_they_are_enforced(server, name):
    client = server.client()
    server.deploy(name, ECHO)
    arn = client.create_code_signing_config(
        AllowedPublishers=absent.PUBLISHERS,
        CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"})["CodeSigningConfig"]["CodeSigningConfigArn"]
    client.put_function_code_signing_config(FunctionName=name, CodeSigningConfigArn=arn)
    layer = client.publish_layer_version(LayerName=name, Content={"ZipFile": absent.ZIP})["LayerVersionArn"]
    assert refusal(client.update_function_configuration, FunctionName=name, Layers=[layer])[:2] == (
        400, "CodeVerificationFailedException")
    assert "Layers" not in client.get_function_configuration(FunctionName=name)


def test_revisions_of_code(server, shared):
    assert refusal(server.client().update_function_code, FunctionName=shared, ZipFile=absent.ZIP, RevisionId="stale") == (
        412, "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the "
        "latest Revision Id")


def test_a_mapping_does_not_move_to_where_another_is(server, name):
    client = server.client()
    server.client("sqs").create_queue(QueueName=name)
    source = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    made = []
    for each in (name, name + "-other"):
        server.deploy(each, ECHO)
        made.append(client.create_event_source_mapping(FunctionName=each, EventSourceArn=source)["UUID"])
    assert refusal(client.update_event_source_mapping, UUID=made[1], FunctionName=name) == (
        409, "ResourceConflictException",
        f'An event source mapping with SQS arn (" {source} ") and function (" {name} ") already exists. Please update or '
        f"delete the existing mapping with UUID {made[0]}")
    assert refusal(client.update_event_source_mapping, UUID=made[1], BatchSize=11) == (
        400, "InvalidParameterValueException",
        "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
    for each in made:
        client.delete_event_source_mapping(UUID=each)


@pytest.mark.parametrize("operation", ["InvokeAsync", "InvokeWithResponseStream"])
def test_payloads_that_are_no_json(server, shared, operation):
    body = {"InvokeArgs" if operation == "InvokeAsync" else "Payload": b"{"}
    status, code, message = refusal(lambda: call(server.client(), operation, {"FunctionName": shared, **body}))
    assert (status, code) == (400, "InvalidRequestContentException")
    assert message.startswith("Could not parse request body into json: Could not parse payload into json: ")


def test_a_stream_that_is_not_begun(server, name):
    client = server.client()
    server.deploy(name, ECHO)
    stream = client.invoke_with_response_stream
    assert refusal(stream, FunctionName=name, Payload=b'"' + b"a" * 6_291_455 + b'"') == (
        413, "RequestEntityTooLargeException",
        "Request must be smaller than 6291456 bytes for the InvokeWithResponseStream operation")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert refusal(stream, FunctionName=name) == (429, "TooManyRequestsException", "Rate Exceeded.")


def test_a_stream_of_a_loop(server, name):
    server.deploy(name, ECHO)
    trace = [None]
    client = tracing(server, trace)
    run(client, name, trace, 16)
    client.meta.events.register(
        "before-call.lambda.InvokeWithResponseStream",
        lambda params, **_: params["headers"].update({"X-Amzn-Trace-Id": trace[0]}))
    assert refusal(client.invoke_with_response_stream, FunctionName=name) == STOPPED
