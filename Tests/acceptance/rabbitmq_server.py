# SPDX-License-Identifier: Apache-2.0
"""A RabbitMQ broker on loopback, from Debian's rabbitmq-server (Scripts/setup.sh installs it): a node of one's own, with a port mapper of
its own, in a directory. Needs no privilege, and leaves the package's own service alone."""

import base64
import contextlib
import hashlib
import json
import logging
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pika

# Of connections that fail, those that count raise an error.
logging.getLogger("pika").setLevel(logging.CRITICAL)

PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"
# May do everything, and may look at nothing.
USER, PASSWORD = "reader", "pass wörd/+"
STRANGER, STRANGERS_PASSWORD = "stranger", "another"
# May read, and nothing else; with the first one's password.
WATCHER = "watcher"
OTHER_HOST = "other"


def _free_ports(count):
    """Below those that the kernel gives to connections, so that none takes one of them before the node has it, or when it starts anew."""
    with contextlib.ExitStack() as stack:
        ports = []
        while len(ports) < count:
            listener = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                listener.bind(("127.0.0.1", random.randrange(10_000, 32_000)))
                ports.append(listener.getsockname()[1])
        return ports


def _hash(password):
    salt = os.urandom(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


class Broker:
    """`tls` is a directory with authority.pem, server.pem and server.key, for a port with TLS beside the other."""

    def __init__(self, tls=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="martlet-rabbitmq-"))
        self.port, self.tls_port, self._distribution, self._mapper_port = _free_ports(4)
        self._mapper = self._node = None
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        (self.directory / "definitions.json").write_text(json.dumps({
            "users": [{"name": name, "password_hash": _hash(password), "tags": "",
                       "hashing_algorithm": "rabbit_password_hashing_sha256"}
                      for name, password in ((USER, PASSWORD), (STRANGER, STRANGERS_PASSWORD), (WATCHER, PASSWORD))],
            "vhosts": [{"name": "/"}, {"name": OTHER_HOST}],
            "permissions": [{"user": USER, "vhost": host, **everything} for host in ("/", OTHER_HOST)]
            + [{"user": STRANGER, "vhost": "/", "configure": "", "write": "", "read": ""},
               {"user": WATCHER, "vhost": "/", "configure": "", "write": "", "read": ".*"}]}))
        settings = {
            "listeners.tcp.1": f"127.0.0.1:{self.port}", "load_definitions": self.directory / "definitions.json",
            "log.console": "true", "log.console.level": "warning", "loopback_users": "none", "default_user": "nobody"}
        if tls:
            settings |= {
                "listeners.ssl.1": f"127.0.0.1:{self.tls_port}", "ssl_options.cacertfile": tls / "authority.pem",
                "ssl_options.certfile": tls / "server.pem", "ssl_options.keyfile": tls / "server.key",
                "ssl_options.verify": "verify_none", "ssl_options.fail_if_no_peer_cert": "false"}
        (self.directory / "rabbitmq.conf").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
        (self.directory / "plugins").write_text("[].\n")
        self._environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.directory), "LANG": "C.UTF-8",
            "ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": str(self._mapper_port),
            "RABBITMQ_NODENAME": f"martlet{self.port}@localhost", "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(self.directory / "mnesia"), "RABBITMQ_LOG_BASE": str(self.directory / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.directory / "rabbitmq.conf"), "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.directory / "none.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.directory / "plugins"),
            "RABBITMQ_PID_FILE": str(self.directory / "pid"),
            # Without the shell that would wait for the node: the process that is started is the node.
            "RUNNING_UNDER_SYSTEMD": "true"}

    @property
    def endpoint(self):
        return f"amqp://127.0.0.1:{self.port}"

    def start(self):
        if self._mapper is None:
            self._mapper = subprocess.Popen(
                ["epmd", "-address", "127.0.0.1", "-port", str(self._mapper_port), "-relaxed_command_check"],
                env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(self.directory / "console", "ab") as console:
            self._node = subprocess.Popen(
                [PROGRAM], env=self._environment, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        deadline = time.monotonic() + 180
        while True:
            try:
                self.connect().close()
                return self
            except (pika.exceptions.AMQPError, OSError):
                assert self._node.poll() is None and time.monotonic() < deadline, (self.directory / "console").read_text()[-5000:]
                time.sleep(0.2)

    def kill(self):
        self._node.kill()
        self._node.wait(60)

    def stop(self):
        """In good order."""
        self._node.send_signal(signal.SIGTERM)
        self._node.wait(120)

    def close(self):
        for process in (self._node, self._mapper):
            if process and process.poll() is None:
                process.kill()
                process.wait(60)
        # The node's helpers end with it, and may be writing still.
        shutil.rmtree(self.directory, ignore_errors=True)

    def connect(self, host="/", user=USER, password=PASSWORD):
        return pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", self.port, host, pika.PlainCredentials(user, password), heartbeat=0, socket_timeout=20,
            stack_timeout=20, blocked_connection_timeout=60))

    @contextlib.contextmanager
    def channel(self, host="/"):
        """One that tells when the broker has what was published."""
        connection = self.connect(host)
        try:
            channel = connection.channel()
            channel.confirm_delivery()
            yield channel
        finally:
            with contextlib.suppress(pika.exceptions.AMQPError):
                connection.close()

    def left(self, queue, host="/"):
        """Messages that nobody has, of a queue that is there."""
        with self.channel(host) as channel:
            return channel.queue_declare(queue, passive=True).method.message_count
