# SPDX-License-Identifier: Apache-2.0
"""SQS, SNS, EventBridge and S3 by moto, a server that others wrote: it verifies every request's signature."""

import json
import pathlib
import socket
import subprocess
import sys
import uuid

import boto3
import botocore.config

from harness import wait_until

REGION = "us-east-1"
# moto's own, whatever the account of a request.
ACCOUNT = "123456789012"


class Services:
    """One moto server and a user of it who may do everything."""

    # Requests that are not verified: those that make the user.
    UNVERIFIED = 3

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = pathlib.Path(sys.executable).with_name("moto_server")
        self.process = subprocess.Popen(
            [str(command), "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"INITIAL_NO_AUTH_ACTION_COUNT": str(self.UNVERIFIED), "PATH": "/usr/bin:/bin"})
        self.key = ("unverified", "unverified")
        try:
            wait_until(lambda: self._listens(port), 60, "moto")
            iam = self.client("iam")
            iam.create_user(UserName="martlet")
            everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
            iam.put_user_policy(
                UserName="martlet", PolicyName="all",
                PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}))
            made = iam.create_access_key(UserName="martlet")["AccessKey"]
            self.key = (made["AccessKeyId"], made["SecretAccessKey"])
        except BaseException:
            self.close()
            raise

    def _listens(self, port):
        assert self.process.poll() is None, "moto did not start"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def close(self):
        self.process.kill()
        self.process.wait(30)

    def client(self, service):
        return boto3.session.Session().client(
            service, endpoint_url=self.url, region_name=REGION, aws_access_key_id=self.key[0],
            aws_secret_access_key=self.key[1],
            config=botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}))

    @property
    def environment(self):
        """The key, for a server of ours."""
        return {"AWS_ACCESS_KEY_ID": self.key[0], "AWS_SECRET_ACCESS_KEY": self.key[1]}

    def queue(self, **attributes):
        """A queue that is there."""
        name = "q-" + uuid.uuid4().hex[:12] + (".fifo" if "FifoQueue" in attributes else "")
        return Queue(self.client("sqs"), name, attributes)


class Queue:
    def __init__(self, client, name, attributes, account=ACCOUNT):
        self.client = client
        self.arn = f"arn:aws:sqs:{REGION}:{account}:{name}"
        self.url = client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def take(self):
        """The messages that are there, which then are there no more."""
        found = []
        while True:
            messages = self.client.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"],
            ).get("Messages", [])
            if not messages:
                return found
            for message in messages:
                self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            found += messages

    def wait(self, count=1, seconds=60):
        """So many messages, or more."""
        found = []

        def enough():
            found.extend(self.take())
            return len(found) >= count

        wait_until(enough, seconds, f"{count} messages")
        return found
