# SPDX-License-Identifier: Apache-2.0
"""What a queue's policy lets other accounts, and keys with policies of their own, do with it."""

import json

import pytest

from test_keys import allow, key
from test_queues import queue, refused, sqs  # noqa: F401

ABSENT = "AWS.SimpleQueueService.NonExistentQueue"
OTHER = "111111111111"


@pytest.fixture(scope="module")
def other(server):
    return server.client("sqs", **key(server, "--account", OTHER))


def policy_of(sqs, url):
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
    return json.loads(shown["Policy"]) if shown else None


def test_another_account_may_do_what_it_was_given(sqs, queue, other):
    url = queue()
    assert refused(other.send_message, QueueUrl=url, MessageBody="x")["Code"] == ABSENT
    sqs.add_permission(QueueUrl=url, Label="senders", AWSAccountIds=[OTHER], Actions=["SendMessage", "GetQueueUrl"])
    other.send_message(QueueUrl=url, MessageBody="x")
    other.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "y"}])
    name, owner = url.rsplit("/", 2)[2], url.rsplit("/", 2)[1]
    assert other.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=owner)["QueueUrl"] == url
    assert refused(other.receive_message, QueueUrl=url)["Code"] == ABSENT
    bodies = [message["Body"] for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]]
    assert sorted(bodies) == ["x", "y"]
    sqs.add_permission(QueueUrl=url, Label="all", AWSAccountIds=[OTHER, "222222222222"], Actions=["*"])
    other.send_message(QueueUrl=url, MessageBody="z")
    message, = other.receive_message(QueueUrl=url)["Messages"]
    other.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=60)
    other.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    # What is the owner's stays the owner's.
    for call, more in [
            (other.delete_queue, {}), (other.set_queue_attributes, {"Attributes": {"DelaySeconds": "1"}}),
            (other.add_permission, {"Label": "mine", "AWSAccountIds": [OTHER], "Actions": ["*"]}),
            (other.remove_permission, {"Label": "all"}), (other.tag_queue, {"Tags": {"a": "b"}}), (other.list_queue_tags, {})]:
        assert refused(call, QueueUrl=url, **more)["Code"] == ABSENT
    assert url not in other.list_queues().get("QueueUrls", [])
    sqs.remove_permission(QueueUrl=url, Label="all")
    assert refused(other.receive_message, QueueUrl=url)["Code"] == ABSENT
    sqs.remove_permission(QueueUrl=url, Label="senders")
    assert refused(other.send_message, QueueUrl=url, MessageBody="x")["Code"] == ABSENT
    assert policy_of(sqs, url) is None


def test_a_permission_is_a_statement_of_the_policy(sqs, queue):
    url = queue()
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.add_permission(QueueUrl=url, Label="one", AWSAccountIds=[OTHER], Actions=["ReceiveMessage"])
    assert policy_of(sqs, url) == {"Version": "2012-10-17", "Id": f"{arn}/SQSDefaultPolicy", "Statement": [
        {"Sid": "one", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
         "Action": "SQS:ReceiveMessage", "Resource": arn}]}
    for expected, arguments in [
            ("Already exists.", {"Label": "one", "AWSAccountIds": [OTHER], "Actions": ["SendMessage"]}),
            ("valid actions", {"Label": "two", "AWSAccountIds": [OTHER], "Actions": ["DeleteQueue"]}),
            ("Unable to verify", {"Label": "two", "AWSAccountIds": ["nobody"], "Actions": ["SendMessage"]}),
            ("alphanumeric", {"Label": "a b", "AWSAccountIds": [OTHER], "Actions": ["SendMessage"]})]:
        error = refused(sqs.add_permission, QueueUrl=url, **arguments)
        assert error["Code"] == "InvalidParameterValue" and expected in error["Message"], error
    assert refused(sqs.add_permission, QueueUrl=url, Label="two", AWSAccountIds=[OTHER], Actions=["SendMessage"] * 8)["Code"] == "OverLimit"
    assert "can't find label" in refused(sqs.remove_permission, QueueUrl=url, Label="two")["Message"]
    for number in range(19):
        sqs.add_permission(QueueUrl=url, Label=f"more-{number}", AWSAccountIds=[OTHER], Actions=["SendMessage"])
    assert refused(sqs.add_permission, QueueUrl=url, Label="last", AWSAccountIds=[OTHER], Actions=["SendMessage"])["Code"] == "OverLimit"


def test_a_policy_of_ones_own_words(server, sqs, queue, other, tmp_path):
    url = queue()
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def say(*statements):
        document = {"Version": "2012-10-17", "Statement": [dict({"Resource": arn, "Action": "sqs:*"}, **one) for one in statements]}
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(document)})

    say({"Effect": "Allow", "Principal": "*"}, {"Effect": "Deny", "Principal": {"AWS": [OTHER]}, "Action": "sqs:ReceiveMessage"})
    other.send_message(QueueUrl=url, MessageBody="x")
    assert refused(other.receive_message, QueueUrl=url)["Code"] in (ABSENT, "AccessDenied")
    # A key of the queue's own account whose policy says nothing of it.
    reader = server.client("sqs", **key(server, policy=allow("sqs:ListQueues"), tmp_path=tmp_path))
    assert reader.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "x"
    say({"Effect": "Allow", "Principal": {"AWS": OTHER}, "Condition": {"StringEquals": {"aws:PrincipalAccount": "222222222222"}}})
    assert refused(other.send_message, QueueUrl=url, MessageBody="x")["Code"] == ABSENT
    assert refused(reader.receive_message, QueueUrl=url)["Code"] == "AccessDenied"
    # What is not understood grants nothing.
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": '{"Statement": [{"Effect": "Allow", "Principal": "*"}]}'})
    assert refused(other.send_message, QueueUrl=url, MessageBody="x")["Code"] == ABSENT
    # And it may deny anything to keys with policies, but to mend it.
    mine = server.client("sqs", **key(server, policy=allow("sqs:*"), tmp_path=tmp_path))
    assert refused(mine.send_message, QueueUrl=url, MessageBody="x")["Code"] == "AccessDenied"
    assert refused(mine.delete_queue, QueueUrl=url)["Code"] == "AccessDenied"
    assert mine.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"].startswith('{"Statement"')
    # A denial holds for what is its owner's, too.
    say({"Effect": "Deny", "Principal": "*", "Action": ["sqs:DeleteQueue", "sqs:SendMessage"]})
    assert refused(mine.send_message, QueueUrl=url, MessageBody="x")["Code"] == "AccessDenied"
    assert refused(mine.delete_queue, QueueUrl=url)["Code"] == "AccessDenied"
    mine.receive_message(QueueUrl=url)
    # The caller's own account has to allow it as well.
    say({"Effect": "Allow", "Principal": {"AWS": OTHER}})
    kept = server.client("sqs", **key(server, "--account", OTHER, policy=allow("sqs:ReceiveMessage"), tmp_path=tmp_path))
    assert refused(kept.send_message, QueueUrl=url, MessageBody="x")["Code"] == "AccessDenied"
    kept.receive_message(QueueUrl=url)
