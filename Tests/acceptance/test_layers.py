# SPDX-License-Identifier: Apache-2.0
"""Layers: published, listed, fetched and deleted, and what functions see of them at /opt."""

import base64
import hashlib
import io
import json
import re
import urllib.error
import urllib.request
import uuid
import zipfile

import botocore.exceptions
import pytest

from harness import NODE, PYTHON, ROLE, wait_until, zip_of

CALLER = "arn:aws:lambda:us-east-1:000000000000"


@pytest.fixture
def layer():
    return "l-" + uuid.uuid4().hex[:12]


def publish(server, layer, files, modes=None, zip=None, **arguments):
    """Publishes a version; its ARN."""
    content = zip or zip_of(files, modes)
    answer = server.client().publish_layer_version(LayerName=layer, Content={"ZipFile": content}, **arguments)
    return answer["LayerVersionArn"]


def refusal(call, *arguments, **keywords):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(*arguments, **keywords)
    error = caught.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"], error["Error"]["Message"]


def settle(server, name):
    server.client().get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def test_the_life_of_a_layer_with_boto3(server, layer):
    client = server.client()
    zip = zip_of({"python/hello.py": "WORD = 'hello'"})
    first = client.publish_layer_version(
        LayerName=layer, Description="greets", LicenseInfo="Apache-2.0", Content={"ZipFile": zip},
        CompatibleRuntimes=["python3.12", "nodejs20.x"], CompatibleArchitectures=["x86_64", "arm64"])
    assert first["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (first["LayerArn"], first["LayerVersionArn"], first["Version"]) == (
        f"{CALLER}:layer:{layer}", f"{CALLER}:layer:{layer}:1", 1)
    assert (first["Description"], first["LicenseInfo"]) == ("greets", "Apache-2.0")
    assert (first["CompatibleRuntimes"], first["CompatibleArchitectures"]) == (
        ["python3.12", "nodejs20.x"], ["x86_64", "arm64"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", first["CreatedDate"])
    content = first["Content"]
    assert content["CodeSize"] == len(zip)
    assert content["CodeSha256"] == base64.b64encode(hashlib.sha256(zip).digest()).decode()
    assert urllib.request.urlopen(content["Location"]).read() == zip
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(re.sub(r"size=\d+", "size=1", content["Location"]))
    assert caught.value.code == 403

    second = client.publish_layer_version(LayerName=layer, Content={"ZipFile": zip})
    assert second["Version"] == 2 and "CompatibleRuntimes" not in second
    for answer in (client.get_layer_version(LayerName=layer, VersionNumber=1),
                   client.get_layer_version(LayerName=first["LayerArn"], VersionNumber=1),
                   client.get_layer_version_by_arn(Arn=first["LayerVersionArn"])):
        assert answer["Version"] == 1 and answer["Content"]["CodeSha256"] == content["CodeSha256"]
        assert urllib.request.urlopen(answer["Content"]["Location"]).read() == zip

    versions = client.list_layer_versions(LayerName=layer)["LayerVersions"]
    assert [version["Version"] for version in versions] == [2, 1]
    assert [v["Version"] for v in client.list_layer_versions(
        LayerName=layer, CompatibleRuntime="python3.12")["LayerVersions"]] == [1]
    pages = client.get_paginator("list_layers").paginate(PaginationConfig={"PageSize": 1})
    mine = [item for page in pages for item in page["Layers"] if item["LayerName"] == layer]
    assert [item["LatestMatchingVersion"]["Version"] for item in mine] == [2]
    matching = client.list_layers(CompatibleRuntime="nodejs20.x", CompatibleArchitecture="arm64")["Layers"]
    assert [item["LatestMatchingVersion"]["Version"] for item in matching if item["LayerName"] == layer] == [1]

    for number in (1, 2, 2, 9):
        answer = client.delete_layer_version(LayerName=layer, VersionNumber=number)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.list_layer_versions(LayerName=layer)["LayerVersions"] == []
    assert refusal(client.get_layer_version, LayerName=layer, VersionNumber=1) == (
        404, "ResourceNotFoundException", "The resource you requested does not exist.")
    # A number is never given twice.
    assert client.publish_layer_version(LayerName=layer, Content={"ZipFile": zip})["Version"] == 3


def test_the_life_of_a_layer_with_the_aws_cli(server, aws, layer, tmp_path):
    package = tmp_path / "layer.zip"
    package.write_bytes(zip_of({"python/hello.py": "WORD = 'cli'"}))
    published = json.loads(aws(
        server, "lambda", "publish-layer-version", "--layer-name", layer, "--zip-file", f"fileb://{package}",
        "--compatible-runtimes", "python3.12").stdout)
    arn = published["LayerVersionArn"]
    assert json.loads(aws(server, "lambda", "get-layer-version-by-arn", "--arn", arn).stdout)["Version"] == 1
    shown = json.loads(aws(server, "lambda", "get-layer-version", "--layer-name", layer, "--version-number", "1").stdout)
    assert urllib.request.urlopen(shown["Content"]["Location"]).read() == package.read_bytes()
    listed = json.loads(aws(server, "lambda", "list-layer-versions", "--layer-name", layer).stdout)
    assert [version["LayerVersionArn"] for version in listed["LayerVersions"]] == [arn]
    code = tmp_path / "code.zip"
    code.write_bytes(zip_of({"app.py": "import hello\ndef handler(event, context): return hello.WORD"}))
    made = json.loads(aws(
        server, "lambda", "create-function", "--function-name", layer, "--runtime", PYTHON, "--handler", "app.handler",
        "--role", ROLE, "--timeout", "30", "--zip-file", f"fileb://{code}", "--layers", arn).stdout)
    assert made["Layers"] == [{"Arn": arn, "CodeSize": published["Content"]["CodeSize"]}]
    aws(server, "lambda", "wait", "function-active-v2", "--function-name", layer)
    assert server.invoke(layer) == "cli"
    aws(server, "lambda", "delete-layer-version", "--layer-name", layer, "--version-number", "1")
    answer = aws(server, "lambda", "get-layer-version", "--layer-name", layer, "--version-number", "1", check=False)
    assert answer.returncode != 0 and "ResourceNotFoundException" in answer.stderr


LOOK = """
import os

def describe(path):
    if os.path.islink(path):
        return "-> " + os.readlink(path)
    if os.path.isdir(path):
        return {name: describe(os.path.join(path, name)) for name in sorted(os.listdir(path))}
    return "%o %s" % (os.stat(path).st_mode & 0o7777, open(path).read())

def handler(event, context):
    refused = []
    for attempt in (lambda: open("/opt/new", "w"), lambda: open("/opt/both", "a"), lambda: os.mkdir("/opt/d"),
                    lambda: os.unlink("/opt/both"), lambda: os.chmod("/opt/both", 0o777)):
        try:
            attempt()
            refused.append(None)
        except OSError as error:
            refused.append(error.errno)
    return {"opt": describe("/opt"), "refused": refused}
"""


def test_layers_are_laid_over_opt_in_their_order_and_read_only(server, name, layer):
    one = publish(server, layer + "1", {
        "both": "one", "only1": "one", "bin/tool": "one", "dir/kept": "one", "file-then-dir": "one",
        "dir-then-file/inner": "one"}, {"bin/tool": 0o755})
    links = zip_of({"both": "two", "only2": "two", "dir/added": "two", "file-then-dir/inner": "two", "dir-then-file": "two"})
    two = publish(server, layer + "2", None, zip=links)
    shared = {"dir": {"added": "644 two", "kept": "644 one"}, "only1": "644 one", "only2": "644 two",
              "bin": {"tool": "755 one"}}
    server.deploy(name, LOOK, Layers=[one, two])
    seen = server.invoke(name)
    assert seen["opt"] == {
        **shared, "both": "644 two", "file-then-dir": {"inner": "644 two"}, "dir-then-file": "644 two"}
    assert set(seen["refused"]) <= {1, 13, 30} and None not in seen["refused"]
    server.client().update_function_configuration(FunctionName=name, Layers=[two, one])
    settle(server, name)
    assert server.invoke(name)["opt"] == {
        **shared, "both": "644 one", "file-then-dir": "644 one", "dir-then-file": {"inner": "644 one"}}
    shown = server.client().get_function_configuration(FunctionName=name)["Layers"]
    assert [item["Arn"] for item in shown] == [two, one] and shown[0]["CodeSize"] == len(links)
    server.client().update_function_configuration(FunctionName=name, Layers=[])
    settle(server, name)
    assert server.invoke(name)["opt"] == {}
    assert "Layers" not in server.client().get_function_configuration(FunctionName=name)


def test_functions_share_a_list_and_nothing_else(server, name, layer):
    arn = publish(server, layer, {"both": "x"})
    for each in (name + "a", name + "b"):
        server.deploy(each, LOOK, Layers=[arn])
        assert server.invoke(each)["opt"] == {"both": "644 x"}
    server.client().delete_function(FunctionName=name + "a")
    assert server.invoke(name + "b")["opt"] == {"both": "644 x"}


def test_python_imports_from_a_layer(server, name, layer):
    version = PYTHON.removeprefix("python")
    arn = publish(server, layer, {
        "python/direct.py": "WHERE = __file__", "python/app_helper/__init__.py": "WHERE = __file__",
        f"python/lib/python{version}/site-packages/deep.py": "WHERE = __file__", "python/shadowed.py": "WHERE = 'layer'"})
    server.deploy(name, {
        "app.py": "import direct, deep, app_helper, shadowed\n"
                  "def handler(event, context): return [direct.WHERE, deep.WHERE, app_helper.WHERE, shadowed.WHERE]",
        "shadowed.py": "WHERE = 'function'"}, Layers=[arn])
    assert server.invoke(name) == [
        "/opt/python/direct.py", f"/opt/python/lib/python{version}/site-packages/deep.py",
        "/opt/python/app_helper/__init__.py", "function"]


def test_node_requires_from_a_layer(server, name, layer):
    assert NODE, "node is not installed"
    major = NODE.removeprefix("nodejs").removesuffix(".x")
    arn = publish(server, layer, {
        "nodejs/node_modules/plain/index.js": "module.exports = __filename;",
        f"nodejs/node{major}/node_modules/versioned/index.js": "module.exports = __filename;"})
    server.deploy(
        name, {"index.js": "exports.handler = async () => [require('plain'), require('versioned')];"},
        Runtime=NODE, Handler="index.handler", Layers=[arn])
    assert server.invoke(name) == [
        "/opt/nodejs/node_modules/plain/index.js", f"/opt/nodejs/node{major}/node_modules/versioned/index.js"]


def test_programs_and_libraries_of_a_layer_are_found(server, name, layer, compiled):
    arn = publish(server, layer, {"bin/say": "#!/bin/sh\necho from a layer\n", "lib/libx.so": "x"}, {"bin/say": 0o755})
    server.deploy(name, """
import os, subprocess
def handler(event, context):
    said = subprocess.run(["say"], capture_output=True, text=True).stdout
    return [said, "/opt/lib" in os.environ["LD_LIBRARY_PATH"].split(":"), os.path.exists("/opt/lib/libx.so")]
""", Layers=[arn])
    assert server.invoke(name) == ["from a layer\n", True, True]


def test_a_bootstrap_from_a_layer(server, name, layer, primes):
    arn = publish(server, layer, {"bootstrap": primes}, {"bootstrap": 0o755})
    server.deploy(name, {"readme": "the runtime is in the layer"}, Runtime="provided.al2023", Handler="x", Layers=[arn])
    assert server.invoke(name, {"limit": 100}) == {"limit": 100, "primes": 25}


def test_a_deleted_layer_goes_on_for_who_has_it(make_server, name, layer):
    server = make_server()
    arn = publish(server, layer, {"python/word.py": "WORD = 'still here'"})
    server.deploy(name, "import word\ndef handler(event, context): return word.WORD", Layers=[arn])
    client = server.client()
    client.delete_layer_version(LayerName=layer, VersionNumber=1)
    assert refusal(client.get_layer_version_by_arn, Arn=arn)[0] == 404
    assert refusal(client.update_function_configuration, FunctionName=name, Layers=[arn]) == (
        400, "InvalidParameterValueException", f"Layer version {arn} does not exist.")
    assert server.invoke(name) == "still here"
    # A start deletes code that nobody uses; this is used.
    assert server.terminate() == 0
    server.start()
    assert server.invoke(name) == "still here"
    server.client().update_function_configuration(FunctionName=name, Timeout=25)
    settle(server, name)
    assert server.invoke(name) == "still here"
    assert server.client().get_function_configuration(FunctionName=name)["Layers"][0]["Arn"] == arn
    server.client().delete_function(FunctionName=name)
    assert server.terminate() == 0
    server.start()
    assert list((server.data / "code").iterdir()) == []


def test_a_published_layer_survives_a_kill(make_server, name, layer):
    server = make_server()
    content = zip_of({"python/word.py": "WORD = 'kept'"})
    for number in range(1, 6):
        arn = publish(server, layer, None, zip=content)
        server.kill()
        server.start()
        answer = server.client().get_layer_version(LayerName=layer, VersionNumber=number)
        assert answer["LayerVersionArn"] == arn
        assert urllib.request.urlopen(answer["Content"]["Location"]).read() == content
    server.deploy(name, "import word\ndef handler(event, context): return word.WORD", Layers=[arn])
    assert server.invoke(name) == "kept"


def test_no_byte_of_a_layer_is_readable_on_disk(make_server, name, layer):
    server = make_server()
    marker = b"a-marker-of-the-layer-" + uuid.uuid4().hex.encode()
    arn = publish(server, layer, {"python/word.py": b"WORD = '" + marker + b"'"})
    server.deploy(name, "import word\ndef handler(event, context): return len(word.WORD)", Layers=[arn])
    assert server.invoke(name) == len(marker)
    for path in server.data.rglob("*"):
        if path.is_file():
            assert marker not in path.read_bytes(), path


def test_what_a_function_may_not_name(server, name, layer):
    client = server.client()
    arns = [publish(server, f"{layer}{number}", {"x": str(number)}) for number in range(6)]
    second = publish(server, layer + "0", {"x": "again"})
    code = {"ZipFile": zip_of({"app.py": "def handler(event, context): return sorted(__import__('os').listdir('/opt'))"})}

    def create(layers):
        return refusal(client.create_function, FunctionName=name, Runtime=PYTHON, Handler="app.handler", Role=ROLE,
                       Code=code, Layers=layers)

    invalid = (400, "InvalidParameterValueException")
    assert create(arns) == (*invalid, "Cannot reference more than 5 layers.")
    assert create([arns[0], second]) == (
        *invalid, "Two different versions of the same layer are not allowed to be referenced in the same function. "
        f"{arns[0]} and {second} are versions of the same layer.")
    assert create([arns[1], arns[1]]) == (
        *invalid, "Two different versions of the same layer are not allowed to be referenced in the same function. "
        f"{arns[1]} and {arns[1]} are versions of the same layer.")
    assert create([arns[0][:-1] + "9"]) == (*invalid, f"Layer version {arns[0][:-1]}9 does not exist.")
    assert create([arns[0].replace("us-east-1", "eu-west-1")]) == (
        *invalid, "Layers are not in the same region as the function. Layers are expected to be in region us-east-1.")
    assert create([arns[0].replace("000000000000", "111111111111")])[:2] == (403, "AccessDeniedException")
    status, code_name, message = create([arns[0][:-2]])
    assert (status, code_name) == (400, "ValidationException") and "at 'layers' failed to satisfy constraint" in message
    assert refusal(client.get_function_configuration, FunctionName=name)[0] == 404
    server.deploy(name, "def handler(event, context): return open('/opt/x').read()", Layers=arns[:5])
    assert server.invoke(name) == "4"


def test_function_and_layers_share_250_mb(server, name, layer):
    def deflated(files):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            for path, content in files.items():
                entry = zipfile.ZipInfo(path)
                entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
                made.writestr(entry, content)
        return out.getvalue()

    def megabytes(count, file):
        return deflated({file: bytes(count << 20)})

    client = server.client()
    arns = [publish(server, f"{layer}{number}", None, zip=megabytes(90, f"f{number}")) for number in range(2)]
    handler = {"app.py": "import os\ndef handler(event, context): return sorted(os.listdir('/opt'))"}
    large = {"ZipFile": deflated({**handler, "big": bytes(71 << 20)})}
    fits = {"ZipFile": deflated({**handler, "big": bytes(69 << 20)})}
    status, code, message = refusal(
        client.create_function, FunctionName=name, Runtime=PYTHON, Handler="app.handler", Role=ROLE, Code=large, Layers=arns)
    size = (90 * 2 + 71 << 20) + len(handler["app.py"])
    assert (status, code, message) == (
        400, "InvalidParameterValueException", "Function code combined with layers exceeds the maximum allowed size of "
        f"262144000 bytes. The actual size is {size} bytes.")
    client.create_function(
        FunctionName=name, Runtime=PYTHON, Handler="app.handler", Role=ROLE, Code=fits, Layers=arns, MemorySize=512,
        Timeout=30)
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    assert server.invoke(name) == ["f0", "f1"]
    assert "combined with layers" in refusal(client.update_function_code, FunctionName=name, **large)[2]
    third = publish(server, layer + "x", None, zip=megabytes(2, "f2"))
    assert "combined with layers" in refusal(
        client.update_function_configuration, FunctionName=name, Layers=arns + [third])[2]
    assert server.invoke(name) == ["f0", "f1"]
    assert refusal(client.publish_layer_version, LayerName=layer, Content={"ZipFile": megabytes(251, "f")})[2] == (
        "Unzipped size must be smaller than 262144000 bytes")


def test_hostile_layers_are_refused(server, layer):
    from test_archives import HOSTILE, REFUSAL

    client = server.client()
    for what, zip in HOSTILE.items():
        assert refusal(client.publish_layer_version, LayerName=layer, Content={"ZipFile": zip})[1:] == (
            "InvalidParameterValueException", REFUSAL), what
    assert client.list_layer_versions(LayerName=layer)["LayerVersions"] == []


def test_links_that_leave_opt_only_together_fail_the_function(server, name, layer):
    from test_archives import entry

    def links(**targets):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as made:
            made.writestr("t/x", "")
            for path, target in targets.items():
                made.writestr(*entry(path.replace("_", "/"), 0o120777, target))
        return out.getvalue()

    one = publish(server, layer + "1", None, zip=links(p_q_l=b"s/../../.."))
    two = publish(server, layer + "2", None, zip=links(p_q_s=b"../../t"))
    client = server.client()
    code = {"ZipFile": zip_of({"app.py": "def handler(event, context): return 1"})}
    client.create_function(
        FunctionName=name, Runtime=PYTHON, Handler="app.handler", Role=ROLE, Code=code, Layers=[one, two])
    state = wait_until(
        lambda: (shown := client.get_function_configuration(FunctionName=name))["State"] != "Pending" and shown, 60, "state")
    assert (state["State"], state["StateReasonCode"]) == ("Failed", "InvalidZipFileException")


def test_what_the_front_door_refuses(server, layer):
    client = server.client()
    zip = zip_of({"x": "1"})
    status, code, message = refusal(
        client.publish_layer_version, LayerName=layer, Content={"ZipFile": zip}, CompatibleRuntimes=["cobol"])
    assert (status, code) == (400, "ValidationException") and message.startswith(
        "1 validation error detected: Value '[cobol]' at 'compatibleRuntimes' failed to satisfy constraint: Member must "
        "satisfy enum value set: [")
    assert refusal(
        client.publish_layer_version, LayerName=layer, Content={"ZipFile": zip}, CompatibleArchitectures=["vax"])[2] == (
        "1 validation error detected: Value '[vax]' at 'compatibleArchitectures' failed to satisfy constraint: Member must "
        "satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]")
    assert refusal(client.get_layer_version, LayerName=layer, VersionNumber=0) == (
        400, "InvalidParameterValueException", "Layer Version Cannot be less than 1")
    assert refusal(client.get_layer_version_by_arn, Arn=f"{CALLER}:layer:{layer}")[1] == "ValidationException"
    assert refusal(client.list_layers, CompatibleRuntime="cobol")[1] == "ValidationException"
    assert refusal(client.list_layers, CompatibleArchitecture="vax") == (
        400, "ValidationException", "1 validation error detected: Value 'vax' at 'compatibleArchitecture' failed to satisfy "
        "constraint: Member must satisfy enum value set: [x86_64, arm64]")
    assert refusal(client.list_layers, MaxItems=51)[1] == "ValidationException"
