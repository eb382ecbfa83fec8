# SPDX-License-Identifier: Apache-2.0
"""Signed requests as they are on the wire, and their answers, without what a client makes of them."""

import http.client
import json
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials


class Answer:
    def __init__(self, response, body):
        self.status, self.body = response.status, body
        self.headers = {name.lower(): value for name, value in response.getheaders()}

    @property
    def json(self):
        return json.loads(self.body)


def signed(server, method, target, body=b"", headers=None):
    """The headers of a request, its signature among them."""
    known = server.credentials
    request = botocore.awsrequest.AWSRequest(
        method, server.url + target, data=body,
        headers={"Host": urllib.parse.urlsplit(server.url).netloc, **(headers or {})})
    key = botocore.credentials.Credentials(known["accessKeyId"], known["secretAccessKey"])
    botocore.auth.SigV4Auth(key, "lambda", known["region"]).add_auth(request)
    return dict(request.headers.items())


def exchange(server, method, target, body=b"", headers=None):
    """Sends a request; a body that is no bytes is JSON."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    address = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    try:
        connection.request(method, target, body=body, headers=signed(server, method, target, body, headers))
        response = connection.getresponse()
        return Answer(response, response.read())
    finally:
        connection.close()
