# SPDX-License-Identifier: Apache-2.0
"""Servers of others, from PyPI and Debian: what users would take otherwise, to be measured beside, and whose queues and streams are read."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import uuid

import boto3
import botocore.config

from aws_services import REGION, Queue
from harness import ROLE, ROOT, wait_until, zip_of

# In an environment of their own: ministack needs another botocore than the AWS CLI does.
PEERS = pathlib.Path(os.environ.get("MARTLET_PEERS", ROOT / ".venv-peers"))


class _Peer:
    """A program of others that serves HTTP on a port of its own, in a directory that goes with it."""

    name = ""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="martlet-peer-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command, variables = self.command(port)
        self.process = subprocess.Popen(
            command, env=dict(os.environ, HOME=self.directory.name, **variables), cwd=self.directory.name,
            start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def listens():
            assert self.process.poll() is None, f"{self.name} did not start"
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_until(listens, 60, self.name)

    def close(self):
        # Its workers are in its group.
        os.killpg(self.process.pid, 9)
        self.process.wait(30)
        self.directory.cleanup()


class Gunicorn(_Peer):
    """Flask with as many workers as the machine has processors; what answers has no sandbox and no signature."""

    name = "gunicorn"
    application = """
import flask

app = flask.Flask(__name__)


@app.post("/")
def handler():
    return flask.request.get_json()
"""

    def command(self, port):
        pathlib.Path(self.directory.name, "application.py").write_text(self.application)
        return [PEERS / "bin/gunicorn", "--workers", str(os.cpu_count()), "--worker-class", "gthread", "--threads", "4",
                "--keep-alive", "60", "--bind", f"127.0.0.1:{port}", "application:app"], {}


class HummingbirdEcho(_Peer):
    """What answers each request with its body, in Swift: the program is built with the server."""

    name = "hummingbird-echo"

    def __init__(self, program):
        self.program = program
        super().__init__()

    def command(self, port):
        return [self.program, str(port)], {"LOG_LEVEL": "error"}


class Nginx(_Peer):
    """What answers each request with the same bytes of JSON, by as many workers as the machine has processors; from Debian."""

    name = "nginx"

    def __init__(self, answer):
        self.answer = answer
        super().__init__()

    def command(self, port):
        program = shutil.which("nginx", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin")
        assert program, "nginx is not installed: Scripts/setup.sh bench installs it"
        kept = " ".join(
            f"{name}_temp_path {self.directory.name}/{name};" for name in ("client_body", "fastcgi", "proxy", "scgi", "uwsgi"))
        configuration = pathlib.Path(self.directory.name, "nginx.conf")
        # A connection is kept for as many requests as come, as the others keep theirs.
        configuration.write_text(f"""
daemon off;
worker_processes {os.cpu_count()};
pid {self.directory.name}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    {kept}
    server {{
        listen 127.0.0.1:{port} reuseport;
        location / {{ default_type application/json; return 200 '{self.answer}'; }}
    }}
}}
""")
        return [program, "-p", self.directory.name, "-e", "stderr", "-c", configuration], {}


class Ministack(_Peer):
    """AWS's services in one process: functions run without sandboxes, and signatures are not verified."""

    name = "ministack"
    account = "000000000000"
    # For a server of ours that asks this one.
    environment = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    # As a server of ours has them.
    credentials = {"accessKeyId": "test", "secretAccessKey": "test"}

    def command(self, port):
        return [PEERS / "bin/ministack"], {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1"}

    def client(self, service="lambda"):
        return boto3.session.Session().client(
            service, endpoint_url=self.url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test",
            config=botocore.config.Config(retries={"max_attempts": 0}, read_timeout=60, s3={"addressing_style": "path"}))

    def queue(self, **attributes):
        """A queue that is there."""
        return Queue(self.client("sqs"), "q-" + uuid.uuid4().hex[:12], attributes, self.account)

    def deploy(self, name, source, **settings):
        client = self.client()
        client.create_function(
            FunctionName=name, Role=ROLE, Runtime="python3.12", Handler="index.handler",
            Code={"ZipFile": zip_of({"index.py": source})}, **settings)
