# SPDX-License-Identifier: Apache-2.0
"""What users would take otherwise, started for a benchmark: servers of others, from PyPI."""

import os
import pathlib
import socket
import subprocess
import tempfile

import boto3
import botocore.config

from harness import ROLE, ROOT, wait_until, zip_of

PEERS = pathlib.Path(os.environ.get("MARTLET_BENCH_PEERS", ROOT / ".venv-peers"))


class Ministack:
    """A server without sandboxes, which needs no container engine."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="martlet-bench-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        environment = dict(os.environ, GATEWAY_PORT=str(port), BIND_HOST="127.0.0.1", HOME=self.directory.name)
        self.process = subprocess.Popen(
            [PEERS / "bin/ministack"], env=environment, cwd=self.directory.name, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def listens():
            assert self.process.poll() is None, "ministack did not start"
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_until(listens, 60, "ministack")

    def client(self, service="lambda"):
        return boto3.session.Session().client(
            service, endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test",
            config=botocore.config.Config(retries={"max_attempts": 0}, read_timeout=60))

    def deploy(self, name, source, **settings):
        client = self.client()
        client.create_function(
            FunctionName=name, Role=ROLE, Runtime="python3.12", Handler="index.handler",
            Code={"ZipFile": zip_of({"index.py": source})}, **settings)

    def close(self):
        # Its workers are in its group.
        os.killpg(self.process.pid, 9)
        self.process.wait(30)
        self.directory.cleanup()
