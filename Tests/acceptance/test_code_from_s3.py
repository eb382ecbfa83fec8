# SPDX-License-Identifier: Apache-2.0
"""Code that a request names by bucket and key, from a real object store that verifies signatures: see s3_server.py."""

import base64
import hashlib
import json
import os
import socket
import threading
import urllib.request

import botocore.exceptions
import pytest

import s3_server
from harness import PYTHON, ROLE, zip_of

BUCKET = "deployments"


def source(word):
    return zip_of({"app.py": f"def handler(event, context):\n    return {word!r}\n"})


@pytest.fixture(scope="module")
def store(object_store):
    object_store.client().create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": s3_server.REGION})
    return object_store


def options(store):
    return "--s3-endpoint", store.url, "--s3-region", s3_server.REGION, "--s3-access-key-id", s3_server.KEY


def secret(text=s3_server.SECRET):
    return {"MARTLET_S3_SECRET_ACCESS_KEY": text}


@pytest.fixture(scope="module")
def connected(store):
    from harness import Server

    server = Server(*options(store), env=secret())
    server.start()
    yield server
    server.close()


def create(server, name, **code):
    client = server.client()
    answer = client.create_function(
        FunctionName=name, Runtime=PYTHON, Handler="app.handler", Role=ROLE, Timeout=30,
        Code={"S3Bucket": BUCKET, **code})
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    return answer


def refused(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def refused_creation(server, **code):
    return refused(
        server.client().create_function, FunctionName="refused", Runtime=PYTHON, Handler="app.handler", Role=ROLE, Code=code)


@pytest.mark.parametrize("key", ["f.zip", "team a/ü+~$%&='()*,;:@!.zip", "a//b/./c.zip", "x" * 900])
def test_a_function_from_an_object_of_any_name(connected, store, name, key):
    code = source(key)
    store.client().put_object(Bucket=BUCKET, Key=key, Body=code)
    answer = create(connected, name, S3Key=key)
    assert answer["CodeSha256"] == base64.b64encode(hashlib.sha256(code).digest()).decode()
    assert answer["CodeSize"] == len(code)
    assert connected.invoke(name) == key
    location = connected.client().get_function(FunctionName=name)["Code"]["Location"]
    assert urllib.request.urlopen(location).read() == code


def test_an_update_and_versions_of_an_object(connected, store, name):
    s3 = store.client()
    s3.create_bucket(Bucket="versioned", CreateBucketConfiguration={"LocationConstraint": s3_server.REGION})
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="versioned", Key="f.zip", Body=source("first"))["VersionId"]
    s3.put_object(Bucket="versioned", Key="f.zip", Body=source("second"))
    client = connected.client()
    create(connected, name, S3Bucket="versioned", S3Key="f.zip")
    assert connected.invoke(name) == "second"
    client.update_function_code(FunctionName=name, S3Bucket="versioned", S3Key="f.zip", S3ObjectVersion=first)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert connected.invoke(name) == "first"
    status, code, message = refused(
        client.update_function_code, FunctionName=name, S3Bucket="versioned", S3Key="f.zip",
        S3ObjectVersion="1111111111.11111")
    assert (status, code) == (400, "InvalidParameterValueException")
    assert message.startswith("Error occurred while GetObject. S3 Error Code: NoSuch")
    assert connected.invoke(name) == "first"


def test_a_layer_from_an_object(connected, store, name):
    layer = zip_of({"python/greeting.py": "WORD = 'from the layer'\n"})
    store.client().put_object(Bucket=BUCKET, Key="layer.zip", Body=layer)
    published = connected.client().publish_layer_version(
        LayerName=name, Content={"S3Bucket": BUCKET, "S3Key": "layer.zip"})
    assert published["Content"]["CodeSize"] == len(layer)
    connected.deploy(
        name, "import greeting\ndef handler(event, context):\n    return greeting.WORD\n",
        Layers=[published["LayerVersionArn"]])
    assert connected.invoke(name) == "from the layer"


def test_an_object_beyond_the_limit_of_uploads(connected, store, name):
    """50 MB are the limit of zips in requests only."""
    code = zip_of({"app.py": "def handler(event, context):\n    return 'large'\n", "data": os.urandom(60 << 20)})
    assert len(code) > 52_428_800
    store.client().put_object(Bucket=BUCKET, Key="large.zip", Body=code)
    assert create(connected, name, S3Key="large.zip")["CodeSize"] == len(code)
    assert connected.invoke(name) == "large"


def test_refusals_in_awss_words(connected, store):
    store.client().put_object(Bucket=BUCKET, Key="text", Body=b"no zip")
    assert refused_creation(connected, S3Bucket=BUCKET, S3Key="absent.zip") == (
        400, "InvalidParameterValueException",
        "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.")
    assert refused_creation(connected, S3Bucket="no-such-bucket", S3Key="f.zip") == (
        400, "InvalidParameterValueException",
        "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist.")
    assert refused_creation(connected, S3Bucket=BUCKET, S3Key="text") == (
        400, "InvalidParameterValueException",
        "Could not unzip uploaded file. Please check your file, then try to upload again.")
    status, code, message = refused_creation(connected, S3Bucket=BUCKET, S3Key="f.zip", ZipFile=source("both"))
    assert (status, code) == (400, "InvalidParameterValueException")
    assert message == "Please do not provide other FunctionCode parameters when providing a ZipFile."
    names = [function["FunctionName"] for function in connected.client().list_functions()["Functions"]]
    assert "refused" not in names


def test_the_store_knows_us_by_the_signature(make_server, store):
    wrong = make_server(*options(store), env=secret("wrong"))
    status, code, message = refused_creation(wrong, S3Bucket=BUCKET, S3Key="f.zip")
    assert (status, code) == (400, "InvalidParameterValueException")
    assert "S3 Error Code: SignatureDoesNotMatch." in message
    reader = make_server(
        *options(store)[:4], "--s3-access-key-id", s3_server.STRANGER, env=secret(s3_server.STRANGERS_SECRET))
    status, code, message = refused_creation(reader, S3Bucket=BUCKET, S3Key="f.zip")
    assert (status, code) == (403, "AccessDeniedException")
    assert message.startswith("Your access has been denied by S3") and f"{BUCKET}/f.zip" in message
    for server, text in ((wrong, "wrong"), (reader, s3_server.STRANGERS_SECRET)):
        assert not any(text in line.split() for line in server.lines)


def test_awss_own_variables_and_the_one_endpoint_for_all(make_server, store, name):
    store.client().put_object(Bucket=BUCKET, Key="own.zip", Body=source("own"))
    server = make_server(
        "--aws-endpoint", store.url, "--s3-region", s3_server.REGION,
        env={"AWS_ACCESS_KEY_ID": s3_server.KEY, "AWS_SECRET_ACCESS_KEY": s3_server.SECRET})
    create(server, name, S3Key="own.zip")
    assert server.invoke(name) == "own"
    server.deploy(name + "-env", "import os\ndef handler(event, context):\n    return dict(os.environ)\n")
    assert s3_server.SECRET not in server.invoke(name + "-env").values()


def test_without_an_endpoint_or_a_key_the_option_is_named(server, make_server, store):
    status, code, message = refused_creation(server, S3Bucket=BUCKET, S3Key="f.zip")
    assert (status, code) == (400, "InvalidParameterValueException") and "--s3-endpoint" in message
    keyless = make_server("--s3-endpoint", store.url)
    status, code, message = refused_creation(keyless, S3Bucket=BUCKET, S3Key="f.zip")
    assert (status, code) == (400, "InvalidParameterValueException") and "--s3-access-key-id" in message


def test_a_store_that_is_away_or_cuts_off_leaves_the_server_whole(make_server, name):
    """Nobody listens; then somebody who announces more than he sends, for each of three tries."""
    closed = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    closed.close()
    away = make_server("--s3-endpoint", url, "--s3-access-key-id", "k", env=secret())
    assert refused_creation(away, S3Bucket=BUCKET, S3Key="f.zip")[:2] == (500, "ServiceException")

    listener = socket.create_server(("127.0.0.1", 0))
    requests = []

    def cut_off():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                requests.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nPK")

    threading.Thread(target=cut_off, daemon=True).start()
    cutting = make_server(
        "--s3-endpoint", f"http://127.0.0.1:{listener.getsockname()[1]}", "--s3-access-key-id", "k", env=secret())
    status, code, message = refused_creation(cutting, S3Bucket=BUCKET, S3Key="f.zip")
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    assert (status, code) == (500, "ServiceException"), message
    assert len(requests) == 3 and all(b"AWS4-HMAC-SHA256" in request for request in requests)
    cutting.deploy(name, "def handler(event, context):\n    return 1\n")
    assert cutting.invoke(name) == 1


def test_the_aws_cli(connected, store, name, aws):
    store.client().put_object(Bucket=BUCKET, Key="cli.zip", Body=source("cli"))
    created = json.loads(aws(
        connected, "lambda", "create-function", "--function-name", name, "--runtime", PYTHON, "--handler", "app.handler",
        "--role", ROLE, "--timeout", "30", "--code", f"S3Bucket={BUCKET},S3Key=cli.zip").stdout)
    assert created["State"] == "Pending"
    aws(connected, "lambda", "wait", "function-active-v2", "--function-name", name)
    assert connected.invoke(name) == "cli"
