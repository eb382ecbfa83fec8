# SPDX-License-Identifier: Apache-2.0
"""How things may be named, and from where to where values go: the last that is taken and the first that is not."""

import base64
import platform
import uuid

import pytest

import absent
from harness import PYTHON, ROLE, zip_of
from refusals import refusal, status

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
CODE = {"ZipFile": zip_of({"app.py": "def handler(event, context): return event"})}
INVALID, VALIDATION = (400, "InvalidParameterValueException"), (400, "ValidationException")
ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), "x86_64")
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/"
KAFKA = {
    "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["k.example.com:9092"]}}, "Topics": ["orders"],
    "SourceAccessConfigurations": [
        {"Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:000000000000:secret:kafka"}]}


@pytest.fixture(scope="module")
def function(server):
    """A function with version 1 and the alias `live`."""
    name = "f-" + uuid.uuid4().hex[:12]
    server.deploy(name, "def handler(event, context): return event")
    client = server.client()
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return name


def create(server, name, **members):
    request = {"Runtime": PYTHON, "Handler": "app.handler", "Role": ROLE, "Code": CODE, **members}
    return server.client().create_function(FunctionName=name, **request)


def violation(value, field, constraint):
    return (*VALIDATION, f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: "
            f"Member must {constraint}")


# Functions


@pytest.mark.parametrize("form, shown", [
    ("{}", ""), ("{}:1", ":1"), ("{}:live", ":live"), ("000000000000:function:{}", ""), (ARN + "{}", ""),
    (ARN + "{}:1", ":1"), (ARN + "{}:live", ":live"), (ARN + "{}:$LATEST", ":$LATEST")])
def test_ways_to_name_a_function(server, function, form, shown):
    answer = server.client().get_function_configuration(FunctionName=form.format(function))
    assert answer["FunctionArn"] == ARN + function + shown


@pytest.mark.parametrize("form", ["{}", "000000000000:function:{}", ARN + "{}"])
def test_a_function_is_made_by_any_of_its_names(server, name, form):
    assert create(server, form.format(name))["FunctionArn"] == ARN + name


def test_a_name_has_64_characters_and_another_form_140(server, name):
    longest = (name + "x" * 64)[:64]
    assert create(server, longest)["FunctionName"] == longest
    assert refusal(create, server=server, name=longest + "x") == (
        *INVALID, f"1 validation error detected: Value '{longest}x' at 'functionName' failed to satisfy constraint: Member "
        "must have length less than or equal to 64")
    arn = ARN + "x" * (141 - len(ARN))
    assert refusal(create, server=server, name=arn) == violation(
        arn, "functionName", "have length less than or equal to 140")
    # Where only something is read, a name may be longer, and is then of no function.
    assert refusal(server.client().get_function, FunctionName="x" * 256)[:2] == (404, "ResourceNotFoundException")
    assert refusal(server.client().get_function, FunctionName="x" * 257) == violation(
        "x" * 257, "functionName", "have length less than or equal to 256")


def test_the_front_door_looks_before_anything_is_looked_up(server):
    assert refusal(server.client().get_function, FunctionName="absent", Qualifier="a b") == violation(
        "a b", "qualifier", r"satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+")


def test_several_faults_are_told_at_once(server, name):
    status, code, message = refusal(create, server=server, name=name, Handler="a b", Timeout=0, Description="x" * 257)
    assert (status, code) == VALIDATION and message.startswith("3 validation errors detected: ")
    faults = message.removeprefix("3 validation errors detected: ").split("; ")
    assert sorted(faults) == [
        "Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1",
        r"Value 'a b' at 'handler' failed to satisfy constraint: Member must satisfy regular expression pattern: [^\s]+",
        "Value '" + "x" * 257 + "' at 'description' failed to satisfy constraint: Member must have length less than or "
        "equal to 256"]


# Qualifiers and statements


@pytest.mark.parametrize("alias, constraint", [
    ("x" * 128, None), ("x" * 129, "have length less than or equal to 128"),
    ("1", r"satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"),
    ("a.b", r"satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)")])
def test_names_of_aliases(server, function, alias, constraint):
    call, arguments = server.client().create_alias, {"FunctionName": function, "Name": alias, "FunctionVersion": "1"}
    if constraint:
        assert refusal(call, **arguments) == violation(alias, "name", constraint)
    else:
        assert call(**arguments)["Name"] == alias


def test_numbers_of_versions(server, function):
    def message(version):
        status, code, text = refusal(
            server.client().create_alias, FunctionName=function, Name="other", FunctionVersion=version)
        assert (status, code) == VALIDATION and " at 'functionVersion' failed to satisfy constraint: " in text
        return text

    assert message("live").endswith(r"pattern: (\$LATEST(\.PUBLISHED)?|[0-9]+)")
    assert message("1" * 1025).endswith("Member must have length less than or equal to 1024")
    assert refusal(
        server.client().create_alias, FunctionName=function, Name="other", FunctionVersion="1" * 1024)[:2] == (
            404, "ResourceNotFoundException")


def test_a_qualifier_has_128_characters(server, function):
    call = server.client().get_function
    assert refusal(call, FunctionName=function, Qualifier="y" * 128)[:2] == (404, "ResourceNotFoundException")
    assert refusal(call, FunctionName=function, Qualifier="y" * 129) == violation(
        "y" * 129, "qualifier", "have length less than or equal to 128")


def test_a_statements_id_has_100_characters(server, function):
    client = server.client()
    arguments = {"FunctionName": function, "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    assert status(client.add_permission(StatementId="s" * 100, **arguments)) == 201
    assert refusal(client.add_permission, StatementId="s" * 101, **arguments) == violation(
        "s" * 101, "statementId", "have length less than or equal to 100")


# The configuration


@pytest.mark.parametrize("role", [
    "arn:aws:iam::123456789012:role/a", "arn:aws-us-gov:iam::123456789012:role/service-role/a_b+=,.@-c"])
def test_a_roles_arn(server, name, role):
    assert create(server, name, Role=role)["Role"] == role


@pytest.mark.parametrize("role", ["arn:aws:iam::12345678901:role/a", "arn:aws:iam::123456789012:user/a", "role/a"])
def test_what_is_no_roles_arn(server, name, role):
    assert refusal(create, server=server, name=name, Role=role) == violation(
        role, "role", r"satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+")


@pytest.mark.parametrize("member, value", [
    ("Handler", "h" * 128), ("Description", "d" * 256), ("EphemeralStorage", {"Size": 512}), ("Timeout", 1),
    ("Environment", {"Variables": {"AB": "", "a1_B": "x"}}), ("Architectures", [ARCHITECTURE])])
def test_the_last_that_a_function_may_have(server, name, member, value):
    assert create(server, name, **{member: value})[member] == value


@pytest.mark.parametrize("variable", ["A", "_AB", "1A", "A-B", "_HANDLER", "_X_AMZN_TRACE_ID"])
def test_names_of_variables(server, name, variable):
    status, code, message = refusal(create, server=server, name=name, Environment={"Variables": {variable: "x"}})
    assert (status, code) == VALIDATION and "at 'environment.variables' failed to satisfy constraint: Map keys must " in message
    assert "[a-zA-Z]([a-zA-Z0-9_])+" in message


RESERVED = [
    "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT"]


@pytest.mark.parametrize("variable", RESERVED)
def test_variables_that_lambda_sets(server, name, variable):
    assert refusal(create, server=server, name=name, Environment={"Variables": {variable: "x", "OWN": "y"}}) == (
        *INVALID, "Lambda was unable to configure your environment variables because the environment variables you have "
        "provided contains reserved keys that are currently not supported for modification. Reserved keys used in this "
        f"request: {variable}")


def test_variables_have_four_kilobytes_as_json(server, name):
    # {"AA":"…"} is nine bytes and the value.
    assert create(server, name, Environment={"Variables": {"AA": "x" * 4087}})["Environment"]
    text = '{"AA":"' + "x" * 4088 + '"}'
    assert refusal(create, server=server, name=name + "-2", Environment={"Variables": {"AA": "x" * 4088}}) == (
        *INVALID, "Lambda was unable to configure your environment variables because the environment variables you have "
        f"provided exceeded the 4KB limit. String measured: {text}")


def test_a_runtime_that_nobody_has_or_nobody_has_any_more(server, name):
    status, code, message = refusal(create, server=server, name=name, Runtime="cobol")
    assert (status, code) == INVALID
    assert message.startswith(
        "Value cobol at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [")
    assert message.endswith("] or be a valid ARN")
    for runtime in ("python2.7", "nodejs14.x", "go1.x", "provided", "java8", "python3.7"):
        assert refusal(create, server=server, name=name, Runtime=runtime) == (
            *INVALID, f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda "
            "functions. We recommend you use a supported runtime while creating or updating functions.")


def test_sizes_of_requests_have_awss_texts(server, name):
    client = server.client()
    assert refusal(create, server=server, name=name, Code={"ZipFile": bytes(53_000_000)}) == (
        413, "RequestEntityTooLargeException",
        "Request must be smaller than 70167211 bytes for the CreateFunction operation")
    assert refusal(create, server=server, name=name, Code={"ZipFile": bytes(52_428_801)}) == (
        413, "RequestEntityTooLargeException", "Zipped size must be smaller than 52428800 bytes")
    assert refusal(client.invoke, FunctionName=name, Payload=b'"' + b"a" * 6_291_455 + b'"') == (
        413, "RequestEntityTooLargeException", "Request must be smaller than 6291456 bytes for the InvokeFunction operation")


def test_a_client_context_has_3583_bytes(server, function):
    def context(size):
        frame = b'{"custom":{"k":""}}'
        return base64.b64encode(frame[:-3] + b"v" * (size // 4 * 3 - len(frame)) + frame[-3:]).decode()

    client = server.client()
    assert (len(context(3583)), len(context(3584))) == (3580, 3584)
    assert status(client.invoke(FunctionName=function, ClientContext=context(3583))) == 200
    assert refusal(client.invoke, FunctionName=function, ClientContext=context(3584))[:2] == (
        400, "InvalidRequestContentException")


# Ranges


def put(path, value):
    """`{"a": {"b": value}}` of `a.b`."""
    for part in reversed(path.split(".")):
        value = {part: value}
    return value


MAPPINGS = [
    # Path, first and last that are taken.
    ("BatchSize", 1, 10_000), ("MaximumBatchingWindowInSeconds", 0, 300), ("ParallelizationFactor", 1, 10),
    ("MaximumRecordAgeInSeconds", -1, 604_800), ("MaximumRetryAttempts", -1, 10_000), ("TumblingWindowInSeconds", 0, 900)]


def lower(path):
    return ".".join(part[0].lower() + part[1:] for part in path.split("."))


def check_range(call, path, first, last, taken):
    for value in (first, last):
        taken(call(**put(path, value)), value)
    for value, constraint in [(first - 1, f"greater than or equal to {first}"), (last + 1, f"less than or equal to {last}")]:
        assert refusal(call, **put(path, value)) == violation(value, lower(path), f"have value {constraint}")


@pytest.mark.parametrize("path, first, last", MAPPINGS)
def test_ranges_of_a_streams_mapping(server, function, name, path, first, last):
    client = server.client()
    server.client("kinesis").create_stream(StreamName=name, ShardCount=1)

    def make(**members):
        return client.create_event_source_mapping(
            FunctionName=function, EventSourceArn=STREAM + name, StartingPosition="LATEST", **members)

    def taken(answer, value):
        assert answer[path] == value
        client.delete_event_source_mapping(UUID=answer["UUID"])

    check_range(make, path, first, last, taken)


def test_records_live_for_a_minute_at_least(server, function, name):
    server.client("kinesis").create_stream(StreamName=name, ShardCount=1)
    call = server.client().create_event_source_mapping
    arguments = {"FunctionName": function, "EventSourceArn": STREAM + name, "StartingPosition": "LATEST"}
    assert refusal(call, MaximumRecordAgeInSeconds=59, **arguments)[:2] == INVALID
    assert call(MaximumRecordAgeInSeconds=60, **arguments)["MaximumRecordAgeInSeconds"] == 60


def test_ranges_of_a_queues_concurrency(server, function, name):
    client = server.client()
    client_of_queues = server.client("sqs")
    client_of_queues.create_queue(QueueName=name)

    def make(**members):
        return client.create_event_source_mapping(
            FunctionName=function, EventSourceArn=f"arn:aws:sqs:us-east-1:000000000000:{name}", **members)

    def taken(answer, value):
        assert answer["ScalingConfig"] == {"MaximumConcurrency": value}
        client.delete_event_source_mapping(UUID=answer["UUID"])

    check_range(make, "ScalingConfig.MaximumConcurrency", 2, 1000, taken)


@pytest.mark.parametrize("path, first, last", [
    ("ProvisionedPollerConfig.MinimumPollers", 1, 200), ("ProvisionedPollerConfig.MaximumPollers", 1, 2000)])
def test_ranges_of_pollers(server, function, path, first, last):
    client = server.client()

    def make(**members):
        return client.create_event_source_mapping(FunctionName=function, **KAFKA, **members)

    def taken(answer, value):
        assert answer["ProvisionedPollerConfig"][path.split(".")[1]] == value
        client.delete_event_source_mapping(UUID=answer["UUID"])

    check_range(make, path, first, last, taken)


@pytest.mark.parametrize("path, first, last", [("MaximumEventAgeInSeconds", 60, 21_600), ("MaximumRetryAttempts", 0, 2)])
def test_ranges_of_asynchronous_invocation(server, function, path, first, last):
    client = server.client()

    def make(**members):
        return client.put_function_event_invoke_config(FunctionName=function, **members)

    def taken(answer, value):
        assert answer[path] == value

    check_range(make, path, first, last, taken)


def test_ranges_of_cors(server, name):
    client = server.client()
    server.deploy(name, "def handler(event, context): return event")
    client.create_function_url_config(FunctionName=name, AuthType="NONE")

    def update(**cors):
        return client.update_function_url_config(FunctionName=name, Cors=cors)["Cors"]

    origins = [f"https://{number}.example" for number in range(101)]
    methods = ["GET", "PUT", "HEAD", "POST", "PATCH", "DELETE", "*"]
    for member, most in (("AllowOrigins", origins[:100]), ("AllowMethods", methods[:6]), ("AllowMethods", ["*"]),
                         ("MaxAge", 0), ("MaxAge", 86_400)):
        assert update(**{member: most}) == {member: most}
    for member, more in (("AllowOrigins", origins), ("AllowMethods", methods), ("MaxAge", 86_401), ("MaxAge", -1)):
        status, code, message = refusal(update, **{member: more})
        assert (status, code) == VALIDATION and f"at 'cors.{lower(member)}' failed to satisfy constraint" in message


def test_a_layer_has_fifteen_runtimes(server, name):
    client, content = server.client(), {"ZipFile": absent.ZIP}
    runtimes = [f"python3.{minor}" for minor in range(6, 14)] + [f"nodejs{major}.x" for major in range(10, 23, 2)]
    made = client.publish_layer_version(LayerName=name, Content=content, CompatibleRuntimes=runtimes)
    assert len(made["CompatibleRuntimes"]) == 15
    status, code, message = refusal(
        client.publish_layer_version, LayerName=name, Content=content, CompatibleRuntimes=runtimes + ["java21"])
    assert (status, code) == VALIDATION and message.endswith("Member must have length less than or equal to 15")
