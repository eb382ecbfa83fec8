# SPDX-License-Identifier: Apache-2.0
"""Accounts and regions: each has its own functions, layers, logs and usage."""

import json

import botocore.exceptions
import pytest

from harness import PYTHON, zip_of
from test_keys import key

CODE = """
import os, json
def handler(event, context):
    print('region', os.environ['AWS_REGION'])
    return [context.invoked_function_arn, os.environ['AWS_REGION'], os.environ['AWS_DEFAULT_REGION']]
"""


def deploy(client, name, account, code=CODE):
    client.create_function(
        FunctionName=name, Runtime=PYTHON, Handler="app.handler", Role=f"arn:aws:iam::{account}:role/r",
        Timeout=30, Code={"ZipFile": zip_of({"app.py": code})})
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def names(client):
    return [function["FunctionName"] for function in client.list_functions()["Functions"]]


def code_of(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def test_accounts_and_regions_are_separate(make_server, tmp_path):
    server = make_server()
    one = key(server, "--account", "111111111111")
    two = key(server, "--account", "222222222222")
    places = [("111111111111", one, "us-east-1"), ("111111111111", one, "eu-west-1"), ("222222222222", two, "us-east-1")]
    clients = [server.client(**credentials, region_name=region) for _, credentials, region in places]
    for client, (account, _, region) in zip(clients, places):
        assert names(client) == []
        deploy(client, "same", account)
        # With its log's tail an answer comes when the log is written.
        answer = json.loads(client.invoke(FunctionName="same", LogType="Tail")["Payload"].read())
        assert answer == [f"arn:aws:lambda:{region}:{account}:function:same", region, region]
    assert names(server.client()) == []
    # Logs
    for _, credentials, region in places:
        logs = server.client("logs", **credentials, region_name=region)
        messages = [event["message"].strip() for event in logs.filter_log_events(logGroupName="/aws/lambda/same")["events"]]
        assert [message for message in messages if message.startswith("region")] == [f"region {region}"]
    assert server.log("same") == []
    # Usage
    assert "No function was invoked" in server.martlet("usage").stdout
    # What is another's is not reachable, by an ARN neither.
    arn = "arn:aws:lambda:us-east-1:222222222222:function:same"
    assert code_of(clients[0].get_function, FunctionName=arn) == "AccessDeniedException"
    assert code_of(clients[1].get_function, FunctionName="arn:aws:lambda:us-east-1:111111111111:function:same") \
        == "ResourceNotFoundException"
    clients[0].delete_function(FunctionName="same")
    assert names(clients[0]) == [] and names(clients[1]) == ["same"] and names(clients[2]) == ["same"]
    layer = clients[1].publish_layer_version(LayerName="l", Content={"ZipFile": zip_of({"a": "b"})})
    assert layer["LayerVersionArn"] == "arn:aws:lambda:eu-west-1:111111111111:layer:l:1"
    assert clients[0].list_layers()["Layers"] == [] and clients[2].list_layers()["Layers"] == []
    # All of it is still so after a restart.
    server.terminate()
    server.start()
    again = server.client(**two, region_name="us-east-1")
    assert names(again) == ["same"] and json.loads(again.invoke(FunctionName="same")["Payload"].read())[1] == "us-east-1"


def test_a_functions_session_is_of_its_account_in_every_region(make_server):
    server = make_server("--region", "eu-north-1", "--account-id", "999999999999")
    credentials = key(server, "--account", "123456789012")
    client = server.client(**credentials, region_name="ap-south-1")
    deploy(client, "f", "123456789012", """
import os
def handler(event, context):
    names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']
    return [os.environ[name] for name in names]
""")
    found = json.loads(client.invoke(FunctionName="f")["Payload"].read())
    session = dict(zip(("aws_access_key_id", "aws_secret_access_key", "aws_session_token"), found))
    assert names(server.client(**session, region_name="ap-south-1")) == ["f"]
    assert names(server.client(**session, region_name="eu-north-1")) == []
    assert names(server.client()) == []


def test_without_signatures_the_key_names_the_account(make_server):
    server = make_server("--auth", "none")
    secret = {"aws_secret_access_key": "anything"}
    one = server.client(aws_access_key_id="111111111111", **secret, region_name="eu-west-3")
    other = server.client(aws_access_key_id="test", **secret, region_name="us-east-1")
    deploy(one, "f", "111111111111")
    assert one.get_function(FunctionName="f")["Configuration"]["FunctionArn"] \
        == "arn:aws:lambda:eu-west-3:111111111111:function:f"
    assert names(other) == []
    deploy(other, "g", "000000000000")
    assert other.get_function(FunctionName="g")["Configuration"]["FunctionArn"] \
        == "arn:aws:lambda:us-east-1:000000000000:function:g"
    assert names(server.client(aws_access_key_id="111111111111", **secret, region_name="us-east-1")) == []
    assert server.martlet("key", "create", "--id", "known", "--secret", "s", "--account", "111111111111").returncode == 0
    assert names(server.client(aws_access_key_id="known", **secret, region_name="eu-west-3")) == ["f"]


def test_a_region_that_is_made_up_is_refused(server, make_server):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        server.client(region_name="us-middle-1").list_functions()
    assert caught.value.response["Error"]["Code"] == "InvalidSignatureException"
    assert "Credential should be scoped to a valid region, not 'us-middle-1'." in str(caught.value)
    # The server's own may have any name.
    assert names(make_server("--region", "us-middle-1").client(region_name="us-middle-1")) == []
