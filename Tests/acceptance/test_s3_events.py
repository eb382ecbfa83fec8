# SPDX-License-Identifier: Apache-2.0
"""Notifications of buckets, in the form that MinIO posts them, as events of functions."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request

from harness import wait_until

ECHO = "import json\n\ndef handler(event, context):\n    print('EVENT', json.dumps(event))\n"
# As MinIO's documentation shows it, with its own members beside AWS's.
MINIO = {
    "EventName": "s3:ObjectCreated:Put", "Key": "images/a+b.jpg", "Records": [{
        "eventVersion": "2.0", "eventSource": "minio:s3", "awsRegion": "", "eventTime": "2025-11-20T10:11:12.131Z",
        "eventName": "s3:ObjectCreated:Put", "userIdentity": {"principalId": "minioadmin"},
        "requestParameters": {"principalId": "minioadmin", "region": "", "sourceIPAddress": "192.168.1.10"},
        "responseElements": {
            "x-amz-id-2": "dd9025bab4ad464b", "x-amz-request-id": "17A9B0CBE9F0B3F1", "x-minio-deployment-id": "2",
            "x-minio-origin-endpoint": "http://192.168.1.31:9000"},
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "Config",
            "bucket": {"name": "images", "ownerIdentity": {"principalId": "minioadmin"}, "arn": "arn:aws:s3:::images"},
            "object": {
                "key": "a%2Bb.jpg", "size": 84452, "eTag": "eb01ef6e", "contentType": "image/jpeg",
                "userMetadata": {"content-type": "image/jpeg"}, "versionId": "", "sequencer": "17A9B0CBE9F12F1C"}},
        "source": {"host": "192.168.1.31", "port": "", "userAgent": "MinIO (linux; amd64)"}}]}


def post(url, body):
    """Status and the answer's text."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def permit(server, name, bucket="images", **more):
    server.client().add_permission(
        FunctionName=name, StatementId=bucket, Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}", **more)


def url_of(server, name, *options):
    return server.martlet("s3-url", name, *options).stdout.strip()


def events(server, name):
    return [json.loads(line.split("EVENT ", 1)[1]) for _, line in server.log(name) if "EVENT " in line]


def test_a_notification_reaches_its_function_as_awss_event(server, name):
    server.deploy(name, ECHO)
    permit(server, name)
    url = url_of(server, name)
    assert url.startswith(server.url + "/_martlet/s3-events/")
    assert post(url, MINIO) == (200, "")
    event, = wait_until(lambda: events(server, name), 60, "the event")
    assert event == {"Records": [{
        "eventVersion": "2.0", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventTime": "2025-11-20T10:11:12.131Z",
        "eventName": "ObjectCreated:Put", "userIdentity": {"principalId": "minioadmin"},
        "requestParameters": {"sourceIPAddress": "192.168.1.10"},
        "responseElements": {"x-amz-id-2": "dd9025bab4ad464b", "x-amz-request-id": "17A9B0CBE9F0B3F1"},
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "Config",
            "bucket": {"name": "images", "ownerIdentity": {"principalId": "minioadmin"}, "arn": "arn:aws:s3:::images"},
            "object": {"key": "a%2Bb.jpg", "size": 84452, "eTag": "eb01ef6e", "sequencer": "17A9B0CBE9F12F1C"}}}]}


def test_the_functions_policy_decides(server, name):
    server.deploy(name, ECHO)
    client = server.client()
    url = url_of(server, name)
    status, text = post(url, MINIO)
    assert status == 403 and "does not permit s3.amazonaws.com to invoke it for arn:aws:s3:::images" in text
    permit(server, name, "other")
    assert post(url, MINIO)[0] == 403
    permit(server, name, SourceAccount="000000000000")
    assert post(url, MINIO)[0] == 200
    # One bucket that may not keeps all out.
    both = {"Records": [MINIO["Records"][0], json.loads(json.dumps(MINIO["Records"][0]).replace("images", "secret"))]}
    assert post(url, both)[0] == 403
    client.remove_permission(FunctionName=name, StatementId="images")
    assert post(url, MINIO)[0] == 403
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    alias = url_of(server, name, "--qualifier", "live")
    assert post(alias, MINIO)[0] == 403
    permit(server, name, "images", Qualifier="live")
    assert post(alias, MINIO)[0] == 200 and post(url, MINIO)[0] == 403


def test_who_has_no_url_or_no_notification_is_refused(server, name):
    server.deploy(name, ECHO)
    permit(server, name)
    url = url_of(server, name)
    other = url_of(server, name, "--qualifier", "$LATEST")
    for wrong in (url[:-1] + ("A" if url[-1] != "A" else "B"), url[:-4], url + "x", url.rsplit("/", 1)[0] + "/" + other.rsplit("/", 1)[1]):
        status, text = post(wrong, MINIO)
        assert status == 403 and "martlet s3-url" in text, wrong
    # Nobody waits for the body of who has no URL.
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
    connection.putrequest("POST", address.path[:-4])
    connection.putheader("Content-Length", "1000000")
    connection.endheaders()
    assert connection.getresponse().status == 403
    connection.close()
    broken = [
        b"", b"{", b"[]", b"{}", {"Records": []}, {"Records": {}}, {"Records": [1]}, {"Records": [{}]},
        {"Records": [{"eventName": "s3:ObjectCreated:Put", "s3": {"bucket": {"name": ""}, "object": {"key": "k"}}}]},
        {"Records": [{"eventName": "s3:ObjectCreated:Put", "s3": {"bucket": {"name": "images"}, "object": {"key": 1}}}]},
        {"Records": [MINIO["Records"][0]] * 1_001}]
    for body in broken:
        status, text = post(url, body)
        assert status == 400 and "is no notification of a bucket" in text, (body, text)
    assert post(url, b"x" * 1_100_000)[0] == 413
    assert server.martlet("s3-url", name + "-gone").returncode != 0
    assert events(server, name) == []


def test_a_notification_that_was_taken_survives_a_kill(make_server, name):
    server = make_server()
    server.deploy(name, ECHO)
    permit(server, name)
    url = url_of(server, name)
    assert post(url, MINIO)[0] == 200
    server.kill()
    server.start()
    wait_until(lambda: events(server, name), 60, "the event")
    # The path is good as long as the server's key is.
    assert url_of(server, name).rsplit("/", 3)[1:] == url.rsplit("/", 3)[1:]
