# SPDX-License-Identifier: Apache-2.0
"""Code that is kept in a bucket of a real object store: what is there, what never is, and what holds while it is away."""

import os
import secrets
import socket
import subprocess
import threading
import urllib.parse
import urllib.request

import botocore.exceptions
import pytest

import s3_server
from harness import BINARY, PYTHON, ROLE, wait_until, zip_of

HANDLER = "def handler(event, context):\n    return "


class Relay:
    """Passes connections on to the object store, and can be taken down and up again on its port."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.target = (parts.hostname, parts.port)
        self.port, self.listener, self.sockets = 0, None, []
        self.up()
        self.url = f"http://127.0.0.1:{self.port}"

    def up(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def down(self):
        listener, self.listener = self.listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for end in self.sockets:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
        self.sockets = []

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(self.target)
            except OSError:
                return
            self.sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Bucket:
    def __init__(self, store):
        self.name = "kept-" + secrets.token_hex(6)
        self.store, self.s3 = store, store.client()
        self.s3.create_bucket(
            Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": s3_server.REGION})

    def objects(self):
        """Content by key."""
        listed = self.s3.list_objects_v2(Bucket=self.name).get("Contents", [])
        return {item["Key"]: self.s3.get_object(Bucket=self.name, Key=item["Key"])["Body"].read() for item in listed}

    def options(self, url=None, key=s3_server.KEY, prefix="/team/one"):
        return ("--code-store", f"s3://{self.name}{prefix}", "--s3-endpoint", url or self.store.url, "--s3-region",
                s3_server.REGION, "--s3-access-key-id", key)


SECRET = {"MARTLET_S3_SECRET_ACCESS_KEY": s3_server.SECRET}


@pytest.fixture
def bucket(object_store):
    return Bucket(object_store)


@pytest.fixture
def relay(object_store):
    relay = Relay(object_store.url)
    yield relay
    relay.down()


def refused_start(server):
    """The line that a start ends with."""
    with pytest.raises(AssertionError):
        server.start()
    assert server.process.wait(120) == 1
    server._reader.join(60)
    lines = [line for line in server.lines if line.startswith("martlet: ")]
    assert len(lines) == 1, server.lines
    return lines[0]


def refused(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def create(server, name, text, **settings):
    return server.client().create_function(
        FunctionName=name, Runtime=PYTHON, Handler="app.handler", Role=ROLE, Timeout=30,
        Code={"ZipFile": zip_of({"app.py": text})}, **settings)


def test_code_lives_in_the_bucket_as_ciphertext_and_nowhere_else(make_server, bucket, name):
    server = make_server(*bucket.options(), env=SECRET)
    client = server.client()
    words = [secrets.token_hex(16) for _ in range(3)]
    layer = client.publish_layer_version(
        LayerName=name, Content={"ZipFile": zip_of({"python/word.py": f"WORD = '{words[0]}'\n"})})["LayerVersionArn"]
    text = "import word\ndef handler(event, context):\n    return [word.WORD, '{}']\n"
    server.deploy(name, text.format(words[1]), Layers=[layer])
    assert server.invoke(name) == words[:2]
    first = bucket.objects()
    assert len(first) == 2
    for key, content in first.items():
        assert key.startswith("team/one/") and key.endswith(".code")
        assert content.startswith(b"MRTE") and b"PK\x03\x04" not in content and b"app.py" not in content
    files = [path for path in server.data.rglob("*") if path.is_file() and not path.name.startswith("lock")]
    for content in [*first.values(), *(path.read_bytes() for path in files)]:
        assert not any(word.encode() in content for word in words)
    assert not (server.data / "code").exists()
    location = client.get_function(FunctionName=name)["Code"]["Location"]
    assert len(urllib.request.urlopen(location).read()) == client.get_function_configuration(FunctionName=name)["CodeSize"]

    # What was unpacked went with the server.
    server.terminate()
    server.start()
    client = server.client()
    assert server.invoke(name) == words[:2]
    client.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": text.format(words[2])}))
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert server.invoke(name) == [words[0], words[2]]
    server.terminate()
    # A start deletes what nothing uses any more.
    server.start()
    assert len(bucket.objects()) == 2
    assert server.invoke(name) == [words[0], words[2]]
    server.client().delete_function(FunctionName=name)
    server.client().delete_layer_version(LayerName=name, VersionNumber=1)
    server.terminate()
    server.start()
    assert bucket.objects() == {}


def test_one_object_does_not_pass_for_another(make_server, bucket):
    server = make_server(*bucket.options(prefix=""), env=SECRET)
    for word in ("one", "two"):
        server.deploy(word, HANDLER + repr(word))
    server.terminate()
    objects = bucket.objects()
    assert len(objects) == 2
    for key, content in zip(objects, reversed(list(objects.values()))):
        bucket.s3.put_object(Bucket=bucket.name, Key=key, Body=content)
    server.start()
    for word in ("one", "two"):
        assert refused(server.client().invoke, FunctionName=word)[:2] == (500, "ServiceException")
    server.wait_for_line("changed")
    server.terminate()
    for key, content in objects.items():
        bucket.s3.put_object(Bucket=bucket.name, Key=key, Body=content)
    server.start()
    assert [server.invoke(word) for word in ("one", "two")] == ["one", "two"]


def test_while_the_bucket_is_away(make_server, bucket, relay):
    server = make_server(*bucket.options(relay.url), env=SECRET)
    server.deploy("warm", HANDLER + "'warm'")
    relay.down()
    status, code, message = refused(
        server.client().create_function, FunctionName="lost", Runtime=PYTHON, Handler="app.handler", Role=ROLE,
        Code={"ZipFile": zip_of({"app.py": HANDLER + "1"})})
    assert (status, code) == (500, "ServiceException") and "--code-store" in message, message
    assert server.invoke("warm") == "warm"
    assert refused(server.client().get_function, FunctionName="lost")[0] == 404
    server.wait_for_line("can't be reached", "--code-store")
    relay.up()
    server.deploy("lost", HANDLER + "'found'")
    assert server.invoke("lost") == "found"
    assert len(bucket.objects()) == 2
    assert server.terminate() == 0
    relay.down()
    line = refused_start(server)
    assert "--code-store" in line and "can't be reached" in line
    relay.up()
    server.start()
    assert server.invoke("warm") == "warm"


def test_a_kill_leaves_what_was_acknowledged_and_nothing_else(make_server, bucket):
    server = make_server(*bucket.options(), env=SECRET)
    acknowledged = []

    def deploy():
        while True:
            name = "f-" + secrets.token_hex(6)
            try:
                create(server, name, HANDLER + repr(name))
            except Exception:
                return
            acknowledged.append(name)

    threads = [threading.Thread(target=deploy) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(acknowledged) >= 12, 60, "functions")
    server.kill()
    for thread in threads:
        thread.join()
    server.start()
    client = server.client()
    there = [function["FunctionName"] for function in client.list_functions()["Functions"]]
    assert set(acknowledged) <= set(there)
    assert len(bucket.objects()) == len(there)
    for name in there:
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    for name in there[:3]:
        assert server.invoke(name) == name


def test_moving_code_from_the_directory_to_the_bucket(make_server, bucket):
    server = make_server()
    server.deploy("f", HANDLER + "'moved'")
    server.terminate()
    server.options, server.extra_env = bucket.options(), SECRET
    line = refused_start(server)
    assert "none of the 1 code objects" in line and "--code-store" in line
    place = line.split(" is in ")[1].split(" ")[0]
    assert place.startswith(f"s3://{bucket.name}/team/one/") and place.endswith("/")
    prefix = place.removeprefix(f"s3://{bucket.name}/")
    for path in (server.data / "code").iterdir():
        bucket.s3.put_object(Bucket=bucket.name, Key=prefix + path.name, Body=path.read_bytes())
        path.unlink()
    server.start()
    assert server.invoke("f") == "moved"
    assert server.terminate() == 0
    server.options, server.extra_env = (), {}
    assert "none of the 1 code objects" in refused_start(server)
    server.options, server.extra_env = bucket.options(), SECRET
    server.start()


def test_servers_that_share_a_bucket_leave_each_other_alone(make_server, bucket):
    servers = [make_server(*bucket.options(), env=SECRET) for _ in range(2)]
    for number, server in enumerate(servers):
        server.deploy("f", HANDLER + str(number))
    servers[1].terminate()
    servers[1].start()
    assert len(bucket.objects()) == 2
    assert [server.invoke("f") for server in servers] == [0, 1]


def test_a_bucket_that_is_not_there_or_not_ours_ends_the_start(make_server, bucket):
    server = make_server()
    server.terminate()
    options = list(bucket.options())
    options[1] = "s3://no-such-bucket-here/x"
    server.options, server.extra_env = options, SECRET
    line = refused_start(server)
    assert "NoSuchBucket" in line and "--code-store" in line
    server.options = bucket.options(key=s3_server.STRANGER)
    server.extra_env = {"MARTLET_S3_SECRET_ACCESS_KEY": s3_server.STRANGERS_SECRET}
    line = refused_start(server)
    assert "AccessDenied" in line and "--code-store" in line
    server.options, server.extra_env = (), {}
    server.start()


def test_doctor_tries_the_bucket(bucket):
    def doctor(*options):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MARTLET_"))}
        return subprocess.run(
            [str(BINARY), "doctor", *options], env={**environment, **SECRET}, capture_output=True, text=True, timeout=120)

    good = doctor(*bucket.options())
    assert f"ok  code store: s3://{bucket.name}/team/one/" in good.stdout, good.stdout
    assert bucket.objects() == {}
    bad = doctor(*bucket.options(key="shop:nobody"))
    assert bad.returncode == 1 and f"NO  code store: code store s3://{bucket.name}" in bad.stdout, bad.stdout
