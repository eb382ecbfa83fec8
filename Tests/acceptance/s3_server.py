# SPDX-License-Identifier: Apache-2.0
"""OpenStack Swift with its S3 API on loopback: a real object store that verifies signatures, for a test of its own.

From Debian's python3-swift (Scripts/setup.sh installs it), with one replica in a directory. Needs no privilege. Started as
`python3 s3_server.py KIND FILE` this is one of Swift's four servers, run by the system's Python, which has the package.
"""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

REGION = "eu-north-1"
# Swift's names have a colon; AWS's have none. Both go through a signature the same way.
KEY, SECRET = "shop:deployer", "not-a-secret/but+a=test"
STRANGER, STRANGERS_SECRET = "shop:reader", "another"
KINDS = ("account", "container", "object", "proxy")

STORAGE = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {directory}
devices = {directory}/devices
mount_check = false
fallocate_reserve = 0
log_level = WARNING
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""

PROXY = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {directory}
log_level = WARNING
[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats bulk s3api tempauth copy slo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:cache]
paste.filter_factory = s3_server:dictionary_cache
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = {region}
[filter:tempauth]
use = egg:swift#tempauth
user_{key} = {secret} .admin
user_{stranger} = {strangers_secret}
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:symlink]
use = egg:swift#symlink
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class S3Server:
    """Started when made; `close` ends what it started and removes what it stored."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="martlet-swift-")
        self.ports = {kind: free_port() for kind in KINDS}
        self.url = f"http://127.0.0.1:{self.ports['proxy']}"
        self.processes = []
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self):
        directory = pathlib.Path(self.directory)
        for kind in KINDS[:3]:
            (directory / "devices/d1").mkdir(parents=True, exist_ok=True)
        (directory / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = martlet\n")
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        for kind in KINDS:
            text = (PROXY if kind == "proxy" else STORAGE).format(
                kind=kind, port=self.ports[kind], user=user, directory=directory, region=REGION,
                key=KEY.replace(":", "_"), secret=SECRET, stranger=STRANGER.replace(":", "_"),
                strangers_secret=STRANGERS_SECRET)
            (directory / f"{kind}.conf").write_text(text)
        self._run("rings", *(str(self.ports[kind]) for kind in KINDS[:3])).wait(120)
        for kind in KINDS:
            self.processes.append(self._run(kind))
        deadline = time.monotonic() + 120
        for kind in KINDS:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", self.ports[kind]), 1).close()
                    break
                except OSError:
                    dead = [process for process in self.processes if process.poll() is not None]
                    assert not dead and time.monotonic() < deadline, "Swift did not start:\n" + self.log()
                    time.sleep(0.05)

    def _run(self, kind, *arguments):
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(pathlib.Path(__file__).parent), "HOME": self.directory}
        with open(pathlib.Path(self.directory) / "log", "ab") as log:
            return subprocess.Popen(
                ["/usr/bin/python3", __file__, kind, self.directory, *arguments], env=environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)

    def log(self):
        return (pathlib.Path(self.directory) / "log").read_text(errors="replace")[-4000:]

    def client(self, key=KEY, secret=SECRET):
        import boto3
        import botocore.config

        return boto3.session.Session().client(
            "s3", endpoint_url=self.url, region_name=REGION, aws_access_key_id=key, aws_secret_access_key=secret,
            config=botocore.config.Config(
                s3={"addressing_style": "path"}, request_checksum_calculation="when_required",
                response_checksum_validation="when_required"))

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait(60)
        shutil.rmtree(self.directory, ignore_errors=True)


class DictionaryCache:
    """What the proxy keeps in memcached, kept in its own memory: it is one process."""

    def __init__(self):
        self.values = {}

    def get(self, key, *_, **__):
        return self.values.get(key)

    def set(self, key, value, *_, **__):
        self.values[key] = value

    def delete(self, key, *_, **__):
        self.values.pop(key, None)

    def incr(self, key, delta=1, *_, **__):
        self.values[key] = self.values.get(key, 0) + delta
        return self.values[key]

    decr = incr

    def get_multi(self, keys, *_, **__):
        return [self.get(key) for key in keys]

    def set_multi(self, mapping, *_, **__):
        self.values.update(mapping)


def dictionary_cache(_configuration, **_settings):
    cache = DictionaryCache()

    def wrap(application):
        def handle(environment, start_response):
            environment["swift.cache"] = cache
            return application(environment, start_response)

        return handle

    return wrap


def _make_rings(directory, ports):
    from swift.common.ring import RingBuilder

    for kind, port in zip(KINDS, ports):
        builder = RingBuilder(1, 1, 0)
        builder.add_dev({
            "id": 0, "region": 1, "zone": 1, "weight": 1, "ip": "127.0.0.1", "port": int(port), "device": "d1",
            "replication_ip": "127.0.0.1", "replication_port": int(port), "meta": ""})
        builder.rebalance()
        builder.get_ring().save(os.path.join(directory, f"{kind}.ring.gz"))


def _main(kind, directory, *arguments):
    from swift.common import utils

    utils.SWIFT_CONF_FILE = os.path.join(directory, "swift.conf")
    if kind == "rings":
        _make_rings(directory, arguments)
        return 0
    from swift.common.wsgi import run_wsgi

    settings = {"verbose": True}
    if kind == "object":
        from swift.obj import server

        settings["global_conf_callback"] = server.global_conf_callback
    return run_wsgi(os.path.join(directory, f"{kind}.conf"), f"{kind}-server", **settings)


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
