# SPDX-License-Identifier: Apache-2.0
"""What AWS's clients rely on of requests and answers, byte by byte: statuses, headers, keys and forms of values."""

import base64
import json
import re
import uuid

import botocore.eventstream
import pytest

import absent
from harness import PYTHON, ROLE, zip_of
from refusals import refusal, status
from wire import exchange

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
FUNCTIONS = "/2015-03-31/functions"
CODE = zip_of({"app.py": "def handler(event, context):\n    print('said')\n    return {}[event] if event else None\n"})
# The dates of other paths.
PROVISIONED, RESERVED, EVENTS = "/2019-09-30", "/2017-10-31", "/2019-09-25"


@pytest.fixture(scope="module")
def function(server):
    """A function with version 1, its alias `live`, a policy, a URL, settings for events, provisioned concurrency and a layer."""
    name = "f-" + uuid.uuid4().hex[:12]
    client = server.client()
    layer = client.publish_layer_version(LayerName=name, Content={"ZipFile": zip_of({"a": "b"})})["LayerVersionArn"]
    client.create_function(
        FunctionName=name, Runtime=PYTHON, Handler="app.handler", Role=ROLE, Code={"ZipFile": CODE}, Timeout=30,
        Layers=[layer])
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    client.add_permission(
        FunctionName=name, StatementId="s", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    client.put_provisioned_concurrency_config(FunctionName=name, Qualifier="live", ProvisionedConcurrentExecutions=1)
    client.add_layer_version_permission(
        LayerName=name, VersionNumber=1, StatementId="s", Action="lambda:GetLayerVersion", Principal="*")
    return name


@pytest.fixture(scope="module")
def signing(server):
    return server.client().create_code_signing_config(AllowedPublishers=absent.PUBLISHERS)["CodeSigningConfig"][
        "CodeSigningConfigArn"]


@pytest.fixture(scope="module")
def mapping(server, function):
    server.client("kinesis").create_stream(StreamName=function, ShardCount=1)
    made = server.client().create_event_source_mapping(
        FunctionName=function, EventSourceArn=f"arn:aws:kinesis:us-east-1:000000000000:stream/{function}",
        StartingPosition="LATEST")
    return made["UUID"]


# Statuses of what succeeds, where no other test has them


@pytest.mark.parametrize("operation, arguments", [
    ("get_function", {"FunctionName": "{F}"}), ("get_function_configuration", {"FunctionName": "{F}"}), ("list_functions", {}),
    ("list_versions_by_function", {"FunctionName": "{F}"}), ("list_aliases", {"FunctionName": "{F}"}),
    ("get_alias", {"FunctionName": "{F}", "Name": "live"}),
    ("update_alias", {"FunctionName": "{F}", "Name": "live", "Description": "d"}),
    ("get_policy", {"FunctionName": "{F}"}), ("list_event_source_mappings", {"FunctionName": "{F}"}),
    ("get_function_concurrency", {"FunctionName": "{F}"}),
    ("get_provisioned_concurrency_config", {"FunctionName": "{F}", "Qualifier": "live"}),
    ("list_provisioned_concurrency_configs", {"FunctionName": "{F}"}),
    ("update_function_event_invoke_config", {"FunctionName": "{F}", "MaximumRetryAttempts": 2}),
    ("get_function_event_invoke_config", {"FunctionName": "{F}"}),
    ("list_function_event_invoke_configs", {"FunctionName": "{F}"}), ("get_function_url_config", {"FunctionName": "{F}"}),
    ("update_function_url_config", {"FunctionName": "{F}", "AuthType": "AWS_IAM"}),
    ("list_function_url_configs", {"FunctionName": "{F}"}), ("get_layer_version", {"LayerName": "{F}", "VersionNumber": 1}),
    ("get_layer_version_by_arn", {"Arn": "arn:aws:lambda:us-east-1:000000000000:layer:{F}:1"}),
    ("get_layer_version_policy", {"LayerName": "{F}", "VersionNumber": 1}), ("list_layers", {}),
    ("list_layer_versions", {"LayerName": "{F}"}), ("list_tags", {"Resource": ARN + "{F}"}), ("get_account_settings", {}),
    ("get_code_signing_config", {"CodeSigningConfigArn": "{S}"}),
    ("update_code_signing_config", {"CodeSigningConfigArn": "{S}", "Description": "d"}), ("list_code_signing_configs", {}),
    ("list_functions_by_code_signing_config", {"CodeSigningConfigArn": "{S}"}),
    ("put_function_code_signing_config", {"CodeSigningConfigArn": "{S}", "FunctionName": "{F}"}),
    ("get_function_code_signing_config", {"FunctionName": "{F}"}), ("get_runtime_management_config", {"FunctionName": "{F}"}),
    ("put_runtime_management_config", {"FunctionName": "{F}", "UpdateRuntimeOn": "Auto"}),
    ("get_function_recursion_config", {"FunctionName": "{F}"}),
    ("put_function_recursion_config", {"FunctionName": "{F}", "RecursiveLoop": "Terminate"}),
])
def test_what_succeeds_with_200(server, function, signing, operation, arguments):
    filled = {
        key: value.format(F=function, S=signing) if isinstance(value, str) else value for key, value in arguments.items()}
    assert status(getattr(server.client(), operation)(**filled)) == 200


def test_updates_of_a_function_succeed_with_200(server, name):
    client = server.client()
    server.deploy(name, "def handler(event, context): pass")
    for call, arguments in [
            (client.update_function_configuration, {"Timeout": 20}), (client.update_function_code, {"ZipFile": CODE})]:
        assert status(call(FunctionName=name, **arguments)) == 200
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


# Paths of older SDKs


def test_functions_are_made_and_listed_with_a_slash_at_the_end(server, name):
    body = {"FunctionName": name, "Runtime": PYTHON, "Handler": "app.handler", "Role": ROLE,
            "Code": {"ZipFile": base64.b64encode(CODE).decode()}}
    made = exchange(server, "POST", FUNCTIONS + "/", body)
    assert (made.status, made.json["FunctionName"]) == (201, name)
    listed = exchange(server, "GET", FUNCTIONS + "/?MaxItems=1")
    assert (listed.status, len(listed.json["Functions"])) == (200, 1)


@pytest.mark.parametrize("end", ["", "/"])
def test_older_paths_of_account_settings_and_events(server, function, end):
    assert exchange(server, "GET", "/2016-08-19/account-settings" + end).json["AccountLimit"]["ConcurrentExecutions"] == 1000
    accepted = exchange(server, "POST", f"/2014-11-13/functions/{function}/invoke-async" + end, b"null")
    assert (accepted.status, accepted.json) == (202, {"Status": 202})


def test_concurrency_is_read_and_written_at_two_dates(server, name):
    server.deploy(name, "def handler(event, context): pass")
    written = exchange(
        server, "PUT", f"{RESERVED}/functions/{name}/concurrency", {"ReservedConcurrentExecutions": 2})
    assert (written.status, written.json) == (200, {"ReservedConcurrentExecutions": 2})
    assert exchange(server, "GET", f"{PROVISIONED}/functions/{name}/concurrency").json == written.json
    assert exchange(server, "DELETE", f"{RESERVED}/functions/{name}/concurrency").status == 204


# Errors


@pytest.mark.parametrize("method, target, body, expected", [
    ("GET", FUNCTIONS + "/absent", b"", (404, "ResourceNotFoundException", "Message", "User")),
    ("GET", FUNCTIONS + "?Marker=%21", b"", (400, "InvalidParameterValueException", "message", "User")),
    ("POST", FUNCTIONS + "/F/aliases", {"Name": "live", "FunctionVersion": "1"},
     (409, "ResourceConflictException", "message", "User")),
    ("PUT", FUNCTIONS + "/F/aliases/live", {"RevisionId": "stale"}, (412, "PreconditionFailedException", "message", "User")),
    ("POST", FUNCTIONS + "/F/invocations", b"{", (400, "InvalidRequestContentException", "message", "User")),
    ("POST", FUNCTIONS + "/F/invocations", b'"' + b"a" * 6_291_456 + b'"',
     (413, "RequestEntityTooLargeException", "message", "User")),
    ("GET", PROVISIONED + "/functions/F/provisioned-concurrency?Qualifier=1", b"",
     (404, "ProvisionedConcurrencyConfigNotFoundException", "message", "User")),
    ("PUT", "/2020-06-30/functions/F/code-signing-config", {"CodeSigningConfigArn": absent.SIGNING},
     (404, "CodeSigningConfigNotFoundException", "Message", "User")),
    ("GET", "/2020-04-22/code-signing-configs/" + absent.SIGNING.replace(":", "%3A"), b"",
     (404, "ResourceNotFoundException", "Message", None)),
    ("GET", FUNCTIONS + "/a%20b", b"", (400, "ValidationException", "message", None)),
])
def test_an_errors_name_key_and_type(server, function, method, target, body, expected):
    answer = exchange(server, method, target.replace("/F/", f"/{function}/"), body)
    error = answer.json
    key = next(name for name in ("Message", "message") if name in error)
    assert (answer.status, answer.headers["x-amzn-errortype"], key, error.get("Type")) == expected
    assert set(error) <= {key, "Type"} and error[key]
    assert answer.headers["content-type"] == "application/json" and answer.headers["x-amzn-requestid"]


def test_another_accounts_function_is_denied_without_a_type(server):
    other = ARN.replace("000000000000", "111111111111").replace(":", "%3A") + "f"
    answer = exchange(server, "GET", f"{FUNCTIONS}/{other}")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "AccessDeniedException")
    assert "Type" not in answer.json


def test_a_throttled_invocations_whole_answer(server, name):
    server.deploy(name, "def handler(event, context): pass")
    server.client().put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    answer = exchange(server, "POST", f"{FUNCTIONS}/{name}/invocations", b"{}")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (429, "TooManyRequestsException")
    assert answer.json == {
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User", "message": "Rate Exceeded."}
    assert answer.headers["retry-after"].isdigit()


def test_every_answer_has_a_request_id_of_its_own(server):
    found = [exchange(server, "GET", FUNCTIONS).headers["x-amzn-requestid"] for _ in range(3)]
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", each) for each in found)
    assert len(set(found)) == 3


# Invocations


def test_headers_of_an_invocation(server, function):
    answer = exchange(
        server, "POST", f"{FUNCTIONS}/{function}/invocations?Qualifier=live", b"null", {"X-Amz-Log-Type": "Tail"})
    assert (answer.status, answer.body, answer.headers["x-amz-executed-version"]) == (200, b"null", "1")
    log = base64.b64decode(answer.headers["x-amz-log-result"]).decode()
    assert "x-amz-function-error" not in answer.headers
    # The number that the alias stands for is in the log too.
    assert f"START RequestId: {answer.headers['x-amzn-requestid']} Version: 1\n" in log and "said\n" in log
    failed = exchange(server, "POST", f"{FUNCTIONS}/{function}/invocations", b'"key"')
    assert (failed.status, failed.headers["x-amz-function-error"]) == (200, "Unhandled")
    assert (failed.headers["x-amz-executed-version"], failed.json["errorType"]) == ("$LATEST", "KeyError")


@pytest.mark.parametrize("type, expected", [("Event", 202), ("DryRun", 204)])
def test_answers_without_a_result_have_no_version(server, function, type, expected):
    answer = exchange(
        server, "POST", f"{FUNCTIONS}/{function}/invocations", b"null", {"X-Amz-Invocation-Type": type})
    assert (answer.status, answer.body) == (expected, b"")
    assert not {"x-amz-executed-version", "x-amz-function-error", "x-amz-log-result"} & set(answer.headers)


def test_frames_of_a_stream(server, function):
    answer = exchange(
        server, "POST", f"/2021-11-15/functions/{function}/response-streaming-invocations", b"null",
        {"X-Amz-Log-Type": "Tail"})
    assert (answer.status, answer.headers["content-type"]) == (200, "application/vnd.amazon.eventstream")
    buffer = botocore.eventstream.EventStreamBuffer()
    buffer.add_data(answer.body)
    # Which checks both sums of each.
    *chunks, last = list(buffer)
    assert b"".join(chunk.payload for chunk in chunks) == b"null"
    for chunk in chunks:
        assert chunk.headers == {
            ":message-type": "event", ":event-type": "PayloadChunk", ":content-type": "application/octet-stream"}
    assert last.headers == {
        ":message-type": "event", ":event-type": "InvokeComplete", ":content-type": "application/json"}
    assert set(json.loads(last.payload)) == {"LogResult"}


# Values


def test_which_times_are_numbers(server, function, mapping):
    events = exchange(server, "GET", f"{EVENTS}/functions/{function}/event-invoke-config").json
    assert isinstance(events["LastModified"], (int, float)) and events["FunctionArn"] == f"{ARN}{function}:$LATEST"
    shown = exchange(server, "GET", f"/2015-03-31/event-source-mappings/{mapping}").json
    assert isinstance(shown["LastModified"], (int, float))
    configuration = exchange(server, "GET", f"{FUNCTIONS}/{function}/configuration").json
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", configuration["LastModified"])
    provisioned = exchange(server, "GET", f"{PROVISIONED}/functions/{function}/provisioned-concurrency?Qualifier=live").json
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000", provisioned["LastModified"])


def test_fifty_are_on_a_page_whatever_is_asked_for(server, name):
    client = server.client()
    server.deploy(name, "def handler(event, context): pass")
    for number in range(51):
        client.create_alias(FunctionName=name, Name=f"a{number:02}", FunctionVersion="$LATEST")
    first = client.list_aliases(FunctionName=name, MaxItems=10_000)
    assert [alias["Name"] for alias in first["Aliases"]] == [f"a{number:02}" for number in range(50)]
    rest = exchange(server, "GET", f"{FUNCTIONS}/{name}/aliases?MaxItems=10000&Marker={first['NextMarker']}").json
    assert [alias["Name"] for alias in rest["Aliases"]] == ["a50"] and rest.get("NextMarker") is None


@pytest.mark.parametrize("operation, most", [
    ("list_aliases", 10_000), ("list_versions_by_function", 10_000), ("list_functions", 10_000),
    ("list_event_source_mappings", 10_000), ("list_code_signing_configs", 10_000), ("list_layers", 50),
    ("list_function_url_configs", 50), ("list_function_event_invoke_configs", 50),
    ("list_provisioned_concurrency_configs", 50)])
def test_how_many_may_be_asked_for(server, function, operation, most):
    whole = {"list_functions", "list_code_signing_configs", "list_layers"}
    arguments = {} if operation in whole else {"FunctionName": function}
    call = getattr(server.client(), operation)
    assert status(call(MaxItems=most, **arguments)) == 200
    for number, limit in [(0, "greater than or equal to 1"), (most + 1, f"less than or equal to {most}")]:
        assert refusal(call, MaxItems=number, **arguments) == (
            400, "ValidationException", f"1 validation error detected: Value '{number}' at 'maxItems' failed to satisfy "
            f"constraint: Member must have value {limit}")
