# SPDX-License-Identifier: Apache-2.0
"""More access keys, and what their policies allow."""

import json
import sqlite3
import time

import botocore.exceptions
import pytest

from harness import PYTHON, ROLE, zip_of

CODE = {"app.py": "def handler(event, context):\n    return event\n"}
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:"


def key(server, *options, policy=None, tmp_path=None):
    """Makes a key with our command; gives what a client is made with."""
    if policy is not None:
        path = tmp_path / "policy.json"
        path.write_text(policy if isinstance(policy, str) else json.dumps(policy))
        options += ("--policy", str(path))
    made = server.martlet("key", "create", "--json", *options)
    assert made.returncode == 0, made.stderr
    made = json.loads(made.stdout)
    return {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}


def allow(*actions, resource="*", **more):
    return {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}]}


def refusal(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


def create(client, name, **settings):
    request = {"Runtime": PYTHON, "Handler": "app.handler", "Role": ROLE, "Timeout": 30, **settings}
    return client.create_function(FunctionName=name, Code={"ZipFile": zip_of(CODE)}, **request)


def test_a_key_is_good_at_once_and_after_a_restart_and_no_more_when_it_is_deleted(make_server):
    server = make_server()
    made = server.martlet("key", "create", "--id", "test", "--secret", "test", "--name", "tester")
    assert made.stdout == "export AWS_ACCESS_KEY_ID=test\nexport AWS_SECRET_ACCESS_KEY=test\n", made.stderr
    again = server.martlet("key", "create", "--id", "test", "--secret", "other")
    assert again.returncode == 2 and "There is an access key test already." in again.stderr
    test = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    assert server.client(**test).list_functions()["Functions"] == []
    server.terminate()
    server.start()
    client = server.client(**test)
    assert client.list_functions()["Functions"] == []
    listed = server.martlet("key", "list")
    assert "tester" in listed.stdout and "000000000000" in listed.stdout and listed.stdout.count("test ") == 1
    assert server.martlet("key", "delete", "test").returncode == 0
    assert refusal(client.list_functions)[:2] == (403, "UnrecognizedClientException")
    gone = server.martlet("key", "delete", "test")
    assert gone.returncode == 2 and "There is no access key test." in gone.stderr
    server.terminate()
    server.start()
    assert refusal(server.client(**test).list_functions)[:2] == (403, "UnrecognizedClientException")


def test_no_secret_is_shown_or_readable_in_the_data_directory(make_server):
    server = make_server()
    secret = "a-secret-that-nobody-else-has"
    assert server.martlet("key", "create", "--id", "named", "--secret", secret).returncode == 0
    random = key(server)
    listed = server.martlet("key", "list", "--json")
    assert {entry["AccessKeyId"] for entry in json.loads(listed.stdout)} == {"named", random["aws_access_key_id"]}
    assert secret not in listed.stdout and random["aws_secret_access_key"] not in listed.stdout
    server.terminate()
    sqlite3.connect(server.data / "metadata.sqlite").execute("PRAGMA wal_checkpoint").close()
    for path in server.data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert secret.encode() not in content and random["aws_secret_access_key"].encode() not in content, path
    server.start()
    assert server.client(**random).list_functions()["Functions"] == []


def test_only_the_administrator_manages_keys(server, tmp_path, name):
    other = key(server, "--name", name)
    environment = {"AWS_ACCESS_KEY_ID": other["aws_access_key_id"], "AWS_SECRET_ACCESS_KEY": other["aws_secret_access_key"]}
    import os
    import subprocess

    from harness import BINARY
    for arguments in (["create"], ["list"], ["delete", other["aws_access_key_id"]]):
        done = subprocess.run(
            [str(BINARY), "key", *arguments, "--endpoint", server.url], env={**server.environment, **environment},
            capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and "only the administrator's key may manage access keys" in done.stderr
    admin = server.martlet("key", "delete", server.credentials["accessKeyId"])
    assert admin.returncode == 2 and "can't be deleted" in admin.stderr
    for wrong in (["--id", "a/b", "--secret", "s"], ["--account", "12"], ["--name", "a b"], ["--id", "x", "--secret", "a b"]):
        done = server.martlet("key", "create", *wrong)
        assert done.returncode == 2 and "InvalidParameterValueException" in done.stderr, done.stderr


def test_a_policy_allows_what_it_names_and_nothing_else(server, tmp_path, name):
    create(server.client(), name)
    server.client().get_waiter("function_active_v2").wait(FunctionName=name)
    client = server.client(**key(
        server, "--name", "reader", policy=allow("lambda:Get*", "lambda:InvokeFunction", resource=FUNCTION + name),
        tmp_path=tmp_path))
    assert client.get_function_configuration(FunctionName=name)["FunctionName"] == name
    assert client.invoke(FunctionName=name, Payload=b'"x"')["Payload"].read() == b'"x"'
    user = "User: arn:aws:iam::000000000000:user/reader is not authorized to perform: "
    assert refusal(client.list_functions) == (
        403, "AccessDeniedException", user + "lambda:ListFunctions on resource: * because no identity-based policy allows "
        "the lambda:ListFunctions action")
    assert refusal(client.get_function, FunctionName="other-" + name) == (
        403, "AccessDeniedException", user + f"lambda:GetFunction on resource: {FUNCTION}other-{name} because no "
        "identity-based policy allows the lambda:GetFunction action")
    # A qualified function is another resource, as on AWS.
    assert refusal(client.invoke, FunctionName=name, Qualifier="1")[2].startswith(
        user + f"lambda:InvokeFunction on resource: {FUNCTION}{name}:1 because")
    assert "lambda:InvokeAsync on" in refusal(client.invoke_async, FunctionName=name, InvokeArgs=b"{}")[2]
    assert refusal(client.delete_function, FunctionName=name)[1] == "AccessDeniedException"
    assert refusal(create, client=client, name=name)[1] == "AccessDeniedException"
    logs = server.client("logs", **key(
        server, policy=allow("logs:FilterLogEvents", resource="arn:aws:logs:*:*:log-group:/aws/lambda/a:*"),
        tmp_path=tmp_path))
    assert refusal(logs.filter_log_events, logGroupName="/aws/lambda/a")[1] == "ResourceNotFoundException"
    status, code, text = refusal(logs.filter_log_events, logGroupName="/aws/lambda/b")
    assert (status, code) == (400, "AccessDeniedException") and "logs:FilterLogEvents on resource: " \
        "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/b:log-stream: because" in text


def test_an_explicit_deny_wins(server, tmp_path, name):
    policy = allow("lambda:*")
    policy["Statement"].append({"Effect": "Deny", "Action": "lambda:Delete*", "Resource": "*"})
    client = server.client(**key(server, "--name", "careful", policy=policy, tmp_path=tmp_path))
    client.list_functions()
    assert refusal(client.delete_function, FunctionName=name) == (
        403, "AccessDeniedException", "User: arn:aws:iam::000000000000:user/careful is not authorized to perform: "
        f"lambda:DeleteFunction on resource: {FUNCTION}{name} with an explicit deny in an identity-based policy")


def test_conditions(server, tmp_path, name):
    here = allow("lambda:ListFunctions", Condition={
        "IpAddress": {"aws:SourceIp": "127.0.0.0/8"}, "Bool": {"aws:SecureTransport": "false"},
        "StringEquals": {"aws:RequestedRegion": ["us-east-1", "eu-west-1"]}})
    assert server.client(**key(server, policy=here, tmp_path=tmp_path)).list_functions()
    limited = key(server, policy=here, tmp_path=tmp_path)
    assert refusal(server.client(**limited, region_name="eu-north-1").list_functions)[1] == "AccessDeniedException"
    elsewhere = allow("lambda:ListFunctions", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    assert refusal(server.client(**key(server, policy=elsewhere, tmp_path=tmp_path)).list_functions)[0] == 403
    past = allow("lambda:ListFunctions", Condition={"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})
    assert refusal(server.client(**key(server, policy=past, tmp_path=tmp_path)).list_functions)[0] == 403
    own = allow("lambda:GetFunctionConfiguration", resource=FUNCTION + "${aws:username}")
    client = server.client(**key(server, "--name", name, policy=own, tmp_path=tmp_path))
    assert refusal(client.get_function_configuration, FunctionName=name)[1] == "ResourceNotFoundException"
    assert refusal(client.get_function_configuration, FunctionName="x")[1] == "AccessDeniedException"


def test_layers_and_roles_need_their_own_permission(server, tmp_path, name):
    layer = server.client().publish_layer_version(LayerName=name, Content={"ZipFile": zip_of({"a": "b"})})["LayerVersionArn"]
    policy = allow("lambda:CreateFunction")
    client = server.client(**key(server, policy=policy, tmp_path=tmp_path))
    assert f"iam:PassRole on resource: {ROLE} because" in refusal(create, client=client, name=name)[2]
    policy["Statement"].append({
        "Effect": "Allow", "Action": "iam:PassRole", "Resource": ROLE,
        "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}})
    client = server.client(**key(server, policy=policy, tmp_path=tmp_path))
    text = refusal(create, client=client, name=name, Layers=[layer])[2]
    assert f"lambda:GetLayerVersion on resource: {layer} because" in text
    create(client, name)
    banned = allow("lambda:*", "iam:PassRole")
    banned["Statement"].append({
        "Effect": "Deny", "Action": "lambda:CreateFunction", "Resource": "*",
        "Condition": {"ForAnyValue:StringLike": {"lambda:Layer": [layer]}}})
    client = server.client(**key(server, policy=banned, tmp_path=tmp_path))
    assert "explicit deny" in refusal(create, client=client, name=name + "-2", Layers=[layer])[2]


@pytest.mark.parametrize("policy,place", [
    ("{", "the document is not JSON"), ("[]", "the document must be an object"),
    ('{"Version": "2012-10-17"}', "the document has no Statement"),
    ('{"Version": "2013-01-01", "Statement": []}', "Version must be"),
    ({"Statement": []}, "Statement has 0 statements"),
    ({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}] * 101}, "Statement has 101 statements"),
    ({"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]}, "Statement[0].Effect must be Allow or Deny"),
    ({"Statement": {"Effect": "Allow", "Action": "lambda", "Resource": "*"}}, "Statement.Action has 'lambda'"),
    ({"Statement": {"Effect": "Allow", "Action": "lambda:*", "Resource": "f"}}, "Statement.Resource has 'f'"),
    ({"Statement": {"Effect": "Allow", "Resource": "*"}}, "must have either Action or NotAction"),
    ({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}}, "Statement.Principal is not allowed"),
    (allow("*", Condition={"StringIs": {"a:b": "c"}}), "Statement[0].Condition has an unknown operator 'StringIs'"),
    (allow("*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/40"}}), "Condition.IpAddress.aws:SourceIp has '10.0.0.0/40'"),
    (allow("*" + " " * 21000), "the document has"),
])
def test_a_malformed_policy_is_refused_with_its_place(server, tmp_path, policy, place):
    path = tmp_path / "policy.json"
    path.write_text(policy if isinstance(policy, str) else json.dumps(policy))
    done = server.martlet("key", "create", "--policy", str(path))
    assert done.returncode == 2 and place in done.stderr, done.stderr


def test_throttled_as_on_aws(make_server, name):
    server = make_server("--throttle-api")
    client = server.client()
    start = time.monotonic()
    codes = []
    for _ in range(40):
        try:
            client.list_functions()
            codes.append(200)
        except botocore.exceptions.ClientError as error:
            codes.append(error.response["ResponseMetadata"]["HTTPStatusCode"])
            assert error.response["Error"]["Code"] == "TooManyRequestsException"
            assert error.response["Error"]["Message"] == "Rate exceeded"
            assert error.response["Reason"] == "CallerRateLimitExceeded"
    passed = time.monotonic() - start
    assert codes[:15] == [200] * 15 and codes.count(200) <= 16 + 15 * passed
    assert 429 in codes or passed > 1.5
    # Another region, GetFunction and invocations have their own.
    server.client(region_name="eu-west-1").list_functions()
    assert refusal(client.get_function, FunctionName=name)[0] == 404
    assert refusal(client.invoke, FunctionName=name)[0] == 404


def test_a_function_url_asks_the_callers_policy(server, tmp_path, name):
    import http.client
    import urllib.parse

    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials

    create(server.client(), name)
    server.client().get_waiter("function_active_v2").wait(FunctionName=name)
    address = server.client().create_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"]
    url = server.url + "/_martlet/url/" + urllib.parse.urlsplit(address).hostname.split(".")[0] + "/"

    def status(credentials, region="us-east-1"):
        request = botocore.awsrequest.AWSRequest(method="GET", url=url, headers={"Host": urllib.parse.urlsplit(url).netloc})
        botocore.auth.SigV4Auth(
            botocore.credentials.Credentials(*credentials.values()), "lambda", region).add_auth(request)
        connection = http.client.HTTPConnection(*urllib.parse.urlsplit(url).netloc.split(":"), timeout=60)
        connection.request("GET", urllib.parse.urlsplit(url).path, headers=dict(request.headers.items()))
        return connection.getresponse().status

    both = ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]
    here = {"IpAddress": {"aws:SourceIp": "127.0.0.1"}}
    assert status(key(server)) == 200
    assert status(key(server), "eu-west-1") == 403
    assert status(key(server, policy=allow(*both, resource=FUNCTION + name, Condition=here), tmp_path=tmp_path)) == 200
    assert status(key(server, policy=allow(both[0]), tmp_path=tmp_path)) == 403
    assert status(key(server, "--account", "111111111111")) == 403
