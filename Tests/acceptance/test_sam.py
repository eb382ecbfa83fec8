# SPDX-License-Identifier: Apache-2.0
"""A SAM template, made into CloudFormation's resources by AWS's own translator, and each of them made here with boto3."""

import json
import urllib.request

import boto3
import pytest
from samtranslator.translator.transform import transform

from harness import PYTHON, ROLE, zip_of

ACCOUNT, REGION = "000000000000", "us-east-1"
SOURCE = (
    "import os\n"
    "def handler(event, context):\n"
    "    return {'statusCode': 200, 'body': os.environ['STAGE'] + ' ' + context.function_version}\n")
TEMPLATE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Transform": "AWS::Serverless-2016-10-31",
    "Globals": {"Function": {"Runtime": PYTHON, "Handler": "index.handler", "Timeout": 30, "MemorySize": 192}},
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Rest": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "InlineCode": SOURCE, "Role": ROLE, "AutoPublishAlias": "live", "Tags": {"team": "orders"},
                "Environment": {"Variables": {"STAGE": "prod"}}, "ReservedConcurrentExecutions": 5,
                "FunctionUrlConfig": {
                    "AuthType": "NONE", "Cors": {"AllowOrigins": ["https://example.com"], "AllowMethods": ["GET"]}},
                "EventInvokeConfig": {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 120},
                "Events": {
                    "Nightly": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 day)"}},
                    "Items": {
                        "Type": "SQS", "Properties": {"Queue": {"Fn::GetAtt": ["Queue", "Arn"]}, "BatchSize": 5}},
                },
            },
        },
    },
}


class Policies:
    """The translator asks AWS for managed policies otherwise; this template names none."""

    def load(self):
        return {}


@pytest.fixture
def resources(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    return transform(TEMPLATE, {}, Policies())["Resources"]


class Stack:
    """Makes resources one after another, as what they refer to is there."""

    def __init__(self, server, name, resources):
        self.server, self.name, self.resources = server, name, resources
        self.client, self.sqs = server.client(), server.client("sqs")
        self.made = {}

    def value(self, value):
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Ref"}:
            known = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws"}
            return known.get(value["Ref"]) or self.make(value["Ref"])["Ref"]
        if set(value) == {"Fn::GetAtt"}:
            return self.make(value["Fn::GetAtt"][0])[value["Fn::GetAtt"][1]]
        if set(value) == {"Fn::Sub"}:
            return value["Fn::Sub"].replace("${AWS::Partition}", "aws")
        return {key: self.value(item) for key, item in value.items()}

    def make(self, logical):
        if logical not in self.made:
            resource = self.resources[logical]
            for other in [resource.get("DependsOn", [])] if isinstance(resource.get("DependsOn"), str) else resource.get(
                    "DependsOn", []):
                self.make(other)
            kind = resource["Type"].removeprefix("AWS::").replace("::", "_").lower()
            self.made[logical] = getattr(self, kind)(logical, self.value(resource.get("Properties", {})))
        return self.made[logical]

    # What is not Lambda's.

    def sqs_queue(self, logical, properties):
        queue = f"{self.name}-{logical}"
        url = self.sqs.create_queue(QueueName=queue, Attributes=properties)["QueueUrl"]
        return {"Ref": url, "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"}

    def events_rule(self, logical, properties):
        return {"Ref": logical, "Arn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{logical}"}

    # Lambda's.

    def lambda_function(self, logical, properties):
        name = f"{self.name}-{logical}"
        properties["Code"] = {"ZipFile": zip_of({"index.py": properties["Code"]["ZipFile"]})}
        properties["Tags"] = {tag["Key"]: tag["Value"] for tag in properties["Tags"]}
        reserved = properties.pop("ReservedConcurrentExecutions", None)
        answer = self.client.create_function(FunctionName=name, **properties)
        self.client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        if reserved is not None:
            self.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
        return {"Ref": name, "Arn": answer["FunctionArn"]}

    def lambda_version(self, logical, properties):
        answer = self.client.publish_version(**properties)
        return {"Ref": answer["FunctionArn"], "Version": answer["Version"]}

    def lambda_alias(self, logical, properties):
        return {"Ref": self.client.create_alias(**properties)["AliasArn"]}

    def lambda_permission(self, logical, properties):
        self.client.add_permission(StatementId=logical, **properties)
        return {"Ref": logical}

    def lambda_url(self, logical, properties):
        properties["FunctionName"] = properties.pop("TargetFunctionArn")
        answer = self.client.create_function_url_config(**properties)
        return {"Ref": answer["FunctionArn"], "FunctionUrl": answer["FunctionUrl"]}

    def lambda_eventinvokeconfig(self, logical, properties):
        self.client.put_function_event_invoke_config(**properties)
        return {"Ref": logical}

    def lambda_eventsourcemapping(self, logical, properties):
        return {"Ref": self.client.create_event_source_mapping(**properties)["UUID"]}


def test_the_translators_resources_are_made_and_run(server, name, resources):
    stack = Stack(server, name, resources)
    for logical in resources:
        stack.make(logical)
    kinds = {resource["Type"] for resource in resources.values()}
    assert kinds >= {
        "AWS::Lambda::" + kind
        for kind in ["Function", "Version", "Alias", "Permission", "Url", "EventInvokeConfig", "EventSourceMapping"]}
    client, function = stack.client, f"{name}-Rest"
    assert json.loads(client.invoke(FunctionName=function, Qualifier="live")["Payload"].read())["body"] == "prod 1"
    shown = client.get_function(FunctionName=function)
    assert shown["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    assert shown["Tags"]["team"] == "orders"
    config = client.get_function_event_invoke_config(FunctionName=function, Qualifier="live")
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (1, 120)
    assert [mapping["BatchSize"] for mapping in client.list_event_source_mappings(
        FunctionName=f"{function}:live")["EventSourceMappings"]] == [5]
    url = client.get_function_url_config(FunctionName=function, Qualifier="live")["FunctionUrl"]
    host = url.split("/")[2]
    request = urllib.request.Request(server.url + "/", headers={"Host": host, "Origin": "https://example.com"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.read() == b"prod 1"
        assert answer.headers["Access-Control-Allow-Origin"] == "https://example.com"
