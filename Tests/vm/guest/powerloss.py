# SPDX-License-Identifier: Apache-2.0
"""A server whose data is on a disk that will lose its power: says what it finds there, then what is asked and acknowledged."""

import base64
import hashlib
import http.client
import io
import json
import random
import subprocess
import time
import zipfile

from report import tell, wait_until
from servers import RUNTIME, Server
from settings import Root

DISK = "/dev/vda"
NAMES = [f"f{number}" for number in range(5)]
ROLE = "arn:aws:iam::000000000000:role/power"


class Disk(Root):
    """Root, with the data directory on the disk."""

    def __init__(self):
        super().__init__()
        self.home = "/disk"


class Client:
    def __init__(self, port):
        self.port = port

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        connection.request(method, f"/2015-03-31/functions{path}", None if body is None else json.dumps(body))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, json.loads(content) if content else None

    def settled(self, name):
        """The configuration, when nothing about the function is under way any more."""

        def look():
            status, configuration = self.call("GET", f"/{name}/configuration")
            assert status == 200, (status, configuration)
            # A function that is being made has no last update.
            states = configuration["State"], configuration.get("LastUpdateStatus")
            assert "Failed" not in states, configuration
            return states == ("Active", "Successful") and configuration

        return wait_until(look, 120, f"{name} settled")


def package(marker):
    """A zip whose handler says the marker, and some bulk so that it is not one block; the bytes and Lambda's sum of them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in (("app.py", f"def handler(event, context):\n    return {marker!r}\n"),
                              ("bulk", random.randbytes(random.randrange(200_000)))):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return out.getvalue(), base64.b64encode(hashlib.sha256(out.getvalue()).digest()).decode()


def find(client):
    """What is there, and that it can be invoked."""
    status, listed = client.call("GET", "/")
    assert status == 200, (status, listed)
    found = {}
    for function in listed["Functions"]:
        name = function["FunctionName"]
        configuration = client.settled(name)
        status, result = client.call("POST", f"/{name}/invocations", {})
        found[name] = {
            "sha256": configuration["CodeSha256"], "description": configuration["Description"],
            "result": result if status == 200 and isinstance(result, str) else f"{status}: {result}"}
    return found


def change(client, name, exists, number):
    """One change, told before it is asked for and after it was acknowledged."""
    marker = f"{name}-{number}"
    kind = random.choice(["code", "code", "configuration", "delete"]) if exists else "create"
    zipped, sha256 = package(marker)
    asked = {"change": kind, "name": name, "number": number}
    if kind in ("create", "code"):
        asked.update(sha256=sha256, result=marker)
    if kind in ("create", "configuration"):
        asked.update(description=marker)
    tell("asked", **asked)
    encoded = base64.b64encode(zipped).decode()
    if kind == "create":
        answer = client.call("POST", "", {
            "FunctionName": name, "Runtime": RUNTIME, "Handler": "app.handler", "Role": ROLE, "Description": marker,
            "Timeout": 60, "MemorySize": 1_024, "Code": {"ZipFile": encoded}})
    elif kind == "code":
        answer = client.call("PUT", f"/{name}/code", {"ZipFile": encoded})
    elif kind == "configuration":
        answer = client.call("PUT", f"/{name}/configuration", {"Description": marker})
    else:
        answer = client.call("DELETE", f"/{name}")
    assert answer[0] in (200, 201, 204), answer
    tell("acknowledged", number=number)
    if kind != "delete":
        client.settled(name)
    return kind != "delete"


def run(seed, seconds):
    random.seed(seed)
    subprocess.run(["modprobe", "-a", "virtio_pci", "virtio_blk"], check=True)
    wait_until(lambda: subprocess.run(["ls", DISK], capture_output=True).returncode == 0, 120, DISK)
    subprocess.run(["mount", "-t", "ext4", DISK, "/disk"], check=True)
    server = Server(Disk(), "--auth", "none")
    server.start()
    client = Client(int(server.said().split("martlet ready on http://127.0.0.1:")[1].split()[0]))
    found = find(client)
    tell("found", functions=found)
    exists = {name: name in found for name in NAMES}
    # The host says when it ends; this is only so that it does end.
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        name = random.choice(NAMES)
        exists[name] = change(client, name, exists[name], number)
        number += 1
