# SPDX-License-Identifier: Apache-2.0
"""A version with SnapStart whose initialisation imports boto3: first invocations of its environments, beside that import alone."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import boto3

from harness import ROLE, SNAPSTART, SNAPSTART_PATH, zip_of

CALLS = int(os.environ.get("MARTLET_BENCH_SNAPSTART", 40))
PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py")
SOURCE = """
import boto3
client = boto3.client("sqs", region_name="us-east-1")
def handler(event, context):
    return client.meta.region_name
"""


def package(directory):
    """What a package with the SDK has, of it the models that its client needs: the whole is over Lambda's limit for a request."""
    files = {"app.py": SOURCE}
    site = pathlib.Path(boto3.__file__).parents[1]
    for name in PACKAGES:
        paths = [site / name] if name.endswith(".py") else sorted((site / name).rglob("*"))
        for path in paths:
            inner = path.relative_to(site)
            is_other = inner.parts[:2] == ("botocore", "data") and len(inner.parts) > 3 and inner.parts[2] != "sqs"
            if path.is_file() and "__pycache__" not in inner.parts and not is_other:
                files[str(inner)] = path.read_bytes()
                target = pathlib.Path(directory) / inner
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
    return zip_of(files)


def snapstart(server_of, connection_of, quantile, results):
    if SNAPSTART is None:
        print("snapstart: needs root, and a Python from 3.12 on")
        return
    server = server_of("--keep-alive", "1s")
    with tempfile.TemporaryDirectory() as directory:
        try:
            code = package(directory)
            server.start()
            client = server.client()
            client.create_function(
                FunctionName="sdk", Role=ROLE, Runtime=SNAPSTART, Handler="app.handler", MemorySize=1792, Timeout=60,
                Code={"ZipFile": code}, SnapStart={"ApplyOn": "PublishedVersions"})
            client.get_waiter("function_active_v2").wait(FunctionName="sdk")
            version = client.publish_version(FunctionName="sdk")["Version"]
            client.get_waiter("published_version_active").wait(FunctionName="sdk", Qualifier=version)
            shown = client.get_function_configuration(FunctionName="sdk", Qualifier=version)["SnapStart"]
            assert shown["OptimizationStatus"] == "On", server.log("sdk")
            connection = connection_of(server)
            path = f"/2015-03-31/functions/sdk/invocations?Qualifier={version}"
            command = [SNAPSTART_PATH, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {directory!r}); import boto3"]
            subprocess.run(command, check=True)
            calls, floors = [], []
            for _ in range(CALLS):
                time.sleep(1.6)
                headers = connection.sign("POST", path, b"{}")
                data, elapsed = connection.send("POST", path, headers, b"{}")
                assert json.loads(data) == "us-east-1", data
                calls.append(elapsed)
                start = time.perf_counter()
                subprocess.run(command, check=True)
                floors.append((time.perf_counter() - start) * 1_000)
            restored = [text for _, text in server.log("sdk") if text.startswith("RESTORE_REPORT")]
            assert len(restored) >= CALLS * 0.9, "environments were not restored"
            for what, share, goal in (("p50", 0.5, 0.1), ("p99", 0.99, None)):
                results.add(
                    f"a cold invocation, Python with boto3, SnapStart, {what}", quantile(calls, share), "ms",
                    'python3 -c "import boto3"', quantile(floors, share), goal)
        finally:
            server.close()
