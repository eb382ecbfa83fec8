# SPDX-License-Identifier: Apache-2.0
"""A connection for measuring: nothing but what HTTP needs between it and the server."""

import http.client
import time
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials


class Connection:
    """One kept connection with signed requests, so that what is measured is not a client library."""

    def __init__(self, server):
        self.server = server
        url = urllib.parse.urlsplit(server.url)
        self.http = http.client.HTTPConnection(url.hostname, url.port)
        known = server.credentials
        self.credentials = botocore.credentials.Credentials(known["accessKeyId"], known["secretAccessKey"])

    def sign(self, method, path, body=b"", headers=None, service="lambda"):
        request = botocore.awsrequest.AWSRequest(method, self.server.url + path, data=body, headers=headers)
        botocore.auth.SigV4Auth(self.credentials, service, "us-east-1").add_auth(request)
        return dict(request.prepare().headers)

    def send(self, method, path, headers, body=b""):
        """The answer's body, and milliseconds from the first byte sent to the last one read."""
        start = time.perf_counter()
        self.http.request(method, path, body=body or None, headers=headers)
        answer = self.http.getresponse()
        data = answer.read()
        elapsed = (time.perf_counter() - start) * 1_000
        assert answer.status < 300, (answer.status, data[:500])
        return data, elapsed
