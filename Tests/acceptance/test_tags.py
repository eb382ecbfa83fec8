# SPDX-License-Identifier: Apache-2.0
"""Tags of functions, code signing configurations and event source mappings."""

import json

import pytest

from refusals import refusal, status

ECHO = "def handler(event, context):\n    return event\n"
PREFIX = "arn:aws:lambda:us-east-1:000000000000"
QUALIFIED = "Tags on function aliases and versions are not supported. Please specify a function ARN."
TOO_MANY = "Number of tags exceeds resource tag limit."


@pytest.fixture
def arn(server, name):
    server.deploy(name, ECHO)
    return f"{PREFIX}:function:{name}"


def tags(server, arn):
    return server.client().list_tags(Resource=arn)["Tags"]


def test_tags_come_and_go(server, arn):
    client = server.client()
    assert tags(server, arn) == {}
    assert status(client.tag_resource(Resource=arn, Tags={"a": "1"})) == 204
    client.tag_resource(Resource=arn, Tags={"a": "2", "b ü/&=": "3 ?"})
    assert tags(server, arn) == {"a": "2", "b ü/&=": "3 ?"}
    assert status(client.untag_resource(Resource=arn, TagKeys=["b ü/&=", "absent"])) == 204
    assert tags(server, arn) == {"a": "2"} == client.get_function(FunctionName=arn)["Tags"]
    client.untag_resource(Resource=arn, TagKeys=["a"])
    assert tags(server, arn) == {} and "Tags" not in client.get_function(FunctionName=arn)


def test_tags_change_the_revision_and_no_environment(server, name):
    client = server.client()
    server.deploy(name, "import uuid\nME = str(uuid.uuid4())\ndef handler(event, context):\n    return ME\n", Tags={"x": "y"})
    before, environment = client.get_function_configuration(FunctionName=name), server.invoke(name)
    arn = before["FunctionArn"]
    assert tags(server, arn) == {"x": "y"}
    client.tag_resource(Resource=arn, Tags={"a": "1"})
    after = client.get_function_configuration(FunctionName=name)
    assert after["RevisionId"] != before["RevisionId"] and after["LastModified"] == before["LastModified"]
    assert after["LastUpdateStatus"] == "Successful" and server.invoke(name) == environment


@pytest.mark.parametrize("qualifier", ["$LATEST", "1", "live"])
def test_a_version_has_no_tags(server, arn, qualifier):
    assert refusal(server.client().tag_resource, Resource=f"{arn}:{qualifier}", Tags={"a": "1"}) == (
        400, "InvalidParameterValueException", QUALIFIED)


def test_an_absent_function_is_not_found(server):
    client, absent = server.client(), f"{PREFIX}:function:absent"
    expected = 404, "ResourceNotFoundException", f"Function not found: {absent}"
    assert refusal(client.tag_resource, Resource=absent, Tags={"a": "1"}) == expected
    assert refusal(client.untag_resource, Resource=absent, TagKeys=["a"]) == expected
    assert refusal(client.list_tags, Resource=absent) == expected


def test_an_arn_of_nothing_is_refused_at_the_front_door(server):
    status, code, message = refusal(server.client().list_tags, Resource="arn:aws:something")
    assert (status, code) == (400, "ValidationException")
    assert message.startswith("1 validation error detected: Value 'arn:aws:something' at 'resource' failed to satisfy")


def test_no_tags_and_no_keys_are_refused(server, arn):
    assert refusal(server.client().tag_resource, Resource=arn, Tags={}) == (
        400, "InvalidParameterValueException", "An error occurred and the request cannot be processed.")
    assert refusal(server.client().untag_resource, Resource=arn, TagKeys=[]) == (
        400, "ValidationException", "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: "
        "Member must not be null")


def test_there_are_fifty_at_most(server, arn):
    client = server.client()
    fifty = {f"{i}_key": f"{i}_value" for i in range(50)}
    assert refusal(client.tag_resource, Resource=arn, Tags={**fifty, "more": ""}) == (
        400, "InvalidParameterValueException", TOO_MANY)
    client.tag_resource(Resource=arn, Tags=fifty)
    assert refusal(client.tag_resource, Resource=arn, Tags={"more": ""})[2] == TOO_MANY
    assert tags(server, arn) == fifty


def test_a_code_signing_configuration_has_tags(server):
    client = server.client()
    arn = client.create_code_signing_config(
        AllowedPublishers={"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/p"]},
        Tags={"team": "birds"})["CodeSigningConfig"]["CodeSigningConfigArn"]
    client.tag_resource(Resource=arn, Tags={"a": "1"})
    client.untag_resource(Resource=arn, TagKeys=["team"])
    assert tags(server, arn) == {"a": "1"}
    client.delete_code_signing_config(CodeSigningConfigArn=arn)
    assert refusal(client.list_tags, Resource=arn)[:2] == (404, "ResourceNotFoundException")


def test_an_event_source_mapping_has_tags(server, name):
    client = server.client()
    server.deploy(name, ECHO)
    server.client("sqs").create_queue(QueueName=name)
    made = client.create_event_source_mapping(
        FunctionName=name, EventSourceArn=f"arn:aws:sqs:us-east-1:000000000000:{name}", Tags={"team": "birds"})
    arn = made["EventSourceMappingArn"]
    assert tags(server, arn) == {"team": "birds"}
    client.tag_resource(Resource=arn, Tags={"a": "1"})
    client.untag_resource(Resource=arn, TagKeys=["team"])
    assert tags(server, arn) == {"a": "1"}
    absent = f"{PREFIX}:event-source-mapping:00000000-0000-0000-0000-000000000000"
    assert refusal(client.list_tags, Resource=absent) == (
        404, "ResourceNotFoundException", f"Event source mapping not found: {absent}")


def test_tags_with_the_aws_cli(server, arn, aws):
    aws(server, "lambda", "tag-resource", "--resource", arn, "--tags", "a=1,b=2")
    aws(server, "lambda", "untag-resource", "--resource", arn, "--tag-keys", "a")
    assert json.loads(aws(server, "lambda", "list-tags", "--resource", arn).stdout) == {"Tags": {"b": "2"}}
