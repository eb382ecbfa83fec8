# SPDX-License-Identifier: Apache-2.0
"""A cluster of Kafka for tests: librdkafka's own mock of one, in this process, by ctypes; and a broker's door with TLS and SASL."""

import base64
import contextlib
import ctypes
import hashlib
import hmac
import os
import socket
import ssl
import struct
import threading

_library = None


def library():
    """librdkafka, with the types of what is called here."""
    global _library
    if _library is None:
        found = ctypes.CDLL("librdkafka.so.1")
        pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
        for name, result, arguments in [
                ("rd_kafka_conf_new", pointer, []),
                ("rd_kafka_conf_set", number, [pointer, text, text, text, ctypes.c_size_t]),
                ("rd_kafka_new", pointer, [number, pointer, text, ctypes.c_size_t]),
                ("rd_kafka_destroy", None, [pointer]),
                ("rd_kafka_flush", number, [pointer, number]),
                ("rd_kafka_poll", number, [pointer, number]),
                ("rd_kafka_produceva", pointer, [pointer, pointer, ctypes.c_size_t]),
                ("rd_kafka_error_string", text, [pointer]),
                ("rd_kafka_committed", number, [pointer, pointer, number]),
                ("rd_kafka_topic_partition_list_new", pointer, [number]),
                ("rd_kafka_topic_partition_list_add", pointer, [pointer, text, ctypes.c_int32]),
                ("rd_kafka_topic_partition_list_destroy", None, [pointer]),
                ("rd_kafka_subscribe", number, [pointer, pointer]),
                ("rd_kafka_consumer_poll", pointer, [pointer, number]),
                ("rd_kafka_consumer_close", number, [pointer]),
                ("rd_kafka_poll_set_consumer", number, [pointer]),
                ("rd_kafka_message_destroy", None, [pointer]),
                ("rd_kafka_mock_cluster_new", pointer, [pointer, number]),
                ("rd_kafka_mock_cluster_destroy", None, [pointer]),
                ("rd_kafka_mock_cluster_bootstraps", text, [pointer]),
                ("rd_kafka_mock_topic_create", number, [pointer, text, number, number]),
                ("rd_kafka_mock_broker_set_down", number, [pointer, ctypes.c_int32]),
                ("rd_kafka_mock_broker_set_up", number, [pointer, ctypes.c_int32])]:
            function = getattr(found, name)
            function.restype, function.argtypes = result, arguments
        _library = found
    return _library


class _Memory(ctypes.Structure):
    _fields_ = [("start", ctypes.c_char_p), ("size", ctypes.c_size_t)]


class _Header(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("value", ctypes.c_char_p), ("size", ctypes.c_ssize_t)]


class _Value(ctypes.Union):
    _fields_ = [
        ("text", ctypes.c_char_p), ("i32", ctypes.c_int32), ("i64", ctypes.c_int64), ("memory", _Memory),
        ("header", _Header), ("padding", ctypes.c_char * 64)]


class _Argument(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("value", _Value)]


class _Partition(ctypes.Structure):
    _fields_ = [
        ("topic", ctypes.c_char_p), ("partition", ctypes.c_int32), ("offset", ctypes.c_int64),
        ("metadata", ctypes.c_void_p), ("metadata_size", ctypes.c_size_t), ("opaque", ctypes.c_void_p),
        ("error", ctypes.c_int), ("private", ctypes.c_void_p)]


TOPIC, PARTITION, VALUE, KEY, FLAGS, TIMESTAMP, HEADER = 1, 3, 4, 5, 7, 8, 9
PRODUCER, CONSUMER = 0, 1
COPY = 2


def client(kind, **settings):
    rd = library()
    reason = ctypes.create_string_buffer(512)
    configuration = rd.rd_kafka_conf_new()
    for name, value in {"log_level": "0", **settings}.items():
        code = rd.rd_kafka_conf_set(configuration, name.replace("_", ".").replace("log.level", "log_level").encode(),
                                    str(value).encode(), reason, 512)
        assert code == 0, reason.value
    made = rd.rd_kafka_new(kind, configuration, reason, 512)
    assert made, reason.value
    return made


class Cluster:
    """Brokers on loopback ports of their own; what is produced is in memory."""

    def __init__(self, brokers=1):
        rd = library()
        self.handle = client(PRODUCER)
        self.mock = rd.rd_kafka_mock_cluster_new(self.handle, brokers)
        assert self.mock
        self.servers = rd.rd_kafka_mock_cluster_bootstraps(self.mock).decode().split(",")
        self.producer = client(PRODUCER, bootstrap_servers=",".join(self.servers), message_max_bytes=20_000_000)

    def close(self):
        rd = library()
        rd.rd_kafka_destroy(self.producer)
        rd.rd_kafka_mock_cluster_destroy(self.mock)
        rd.rd_kafka_destroy(self.handle)

    def topic(self, name, partitions=1):
        assert library().rd_kafka_mock_topic_create(self.mock, name.encode(), partitions, 1) == 0
        return name

    def put(self, topic, *values, partition=0, key=None, headers=(), timestamp=None):
        """Produces values, in their order; a value of None is a tombstone."""
        rd = library()
        for value in values:
            raw = value.encode() if isinstance(value, str) else value
            arguments = [
                _Argument(TOPIC, _Value(text=topic.encode())), _Argument(PARTITION, _Value(i32=partition)),
                _Argument(FLAGS, _Value(i32=COPY)),
                _Argument(VALUE, _Value(memory=_Memory(raw, len(raw or b""))))]
            if key is not None:
                arguments.append(_Argument(KEY, _Value(memory=_Memory(key, len(key)))))
            if timestamp is not None:
                arguments.append(_Argument(TIMESTAMP, _Value(i64=timestamp)))
            for name, content in headers:
                arguments.append(_Argument(HEADER, _Value(header=_Header(name.encode(), content, len(content)))))
            array = (_Argument * len(arguments))(*arguments)
            error = rd.rd_kafka_produceva(self.producer, ctypes.byref(array), len(arguments))
            assert not error, rd.rd_kafka_error_string(error)
        assert rd.rd_kafka_flush(self.producer, 60_000) == 0

    def down(self, broker=1):
        assert library().rd_kafka_mock_broker_set_down(self.mock, broker) == 0

    def up(self, broker=1):
        assert library().rd_kafka_mock_broker_set_up(self.mock, broker) == 0

    def committed(self, group, topic, partition=0):
        """The group's offset; -1001 for none."""
        rd = library()
        asking = client(CONSUMER, bootstrap_servers=",".join(self.servers), group_id=group)
        partitions = rd.rd_kafka_topic_partition_list_new(1)
        try:
            added = rd.rd_kafka_topic_partition_list_add(partitions, topic.encode(), partition)
            assert rd.rd_kafka_committed(asking, partitions, 30_000) == 0
            return ctypes.cast(added, ctypes.POINTER(_Partition)).contents.offset
        finally:
            rd.rd_kafka_topic_partition_list_destroy(partitions)
            rd.rd_kafka_destroy(asking)

    @contextlib.contextmanager
    def member(self, group, topic):
        """Another member of a group, for as long as it is wanted."""
        rd = library()
        other = client(CONSUMER, bootstrap_servers=",".join(self.servers), group_id=group, session_timeout_ms=6000,
                       enable_auto_commit="false")
        rd.rd_kafka_poll_set_consumer(other)
        partitions = rd.rd_kafka_topic_partition_list_new(1)
        rd.rd_kafka_topic_partition_list_add(partitions, topic.encode(), -1)
        assert rd.rd_kafka_subscribe(other, partitions) == 0
        rd.rd_kafka_topic_partition_list_destroy(partitions)
        ending = threading.Event()

        def poll():
            while not ending.is_set():
                message = rd.rd_kafka_consumer_poll(other, 100)
                if message:
                    rd.rd_kafka_message_destroy(message)

        thread = threading.Thread(target=poll, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join(60)
            rd.rd_kafka_consumer_close(other)
            rd.rd_kafka_destroy(other)


class Hang:
    """A broker that hangs, when it is told to: it takes connections and requests still, and answers none."""

    def __init__(self, cluster):
        host, port = cluster.servers[0].rsplit(":", 1)
        self.behind = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.server = f"127.0.0.1:{self.port}"
        self.hangs = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, front):
        try:
            with front, socket.create_connection(self.behind) as back:
                while True:
                    request = _frame(front)
                    if self.hangs.is_set():
                        continue
                    _send(back, request)
                    answer = _frame(back)
                    if not self.hangs.is_set():
                        # A host, and its port in four bytes.
                        _send(front, answer.replace(struct.pack(">i", self.behind[1]), struct.pack(">i", self.port)))
        except (OSError, EOFError):
            pass


API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE = 18, 17, 36


class Door:
    """TLS and SASL before a cluster of one broker, which has neither: what it says of its own port is the door's for clients.

    `users` maps names to passwords for the mechanism given; without one, whoever has come through TLS is let in.
    """

    def __init__(self, cluster, context, mechanism=None, users=None):
        self.context, self.mechanism, self.users = context, mechanism, users or {}
        host, port = cluster.servers[0].rsplit(":", 1)
        self.behind = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.server = f"localhost:{self.port}"
        self.let_in, self.turned_away = 0, 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with self.context.wrap_socket(connection, server_side=True) as front, socket.create_connection(self.behind) as back:
                if self.mechanism and not self._authenticate(front):
                    self.turned_away += 1
                    return
                self.let_in += 1
                while True:
                    _send(back, _frame(front))
                    answer = _frame(back)
                    # In metadata and in who coordinates a group: a host, and its port in four bytes.
                    _send(front, answer.replace(struct.pack(">i", self.behind[1]), struct.pack(">i", self.port)))
        except (OSError, EOFError, ssl.SSLError):
            connection.close()

    def _versions(self, back, correlation):
        """The broker's, and what the door has; in the form that every client reads."""
        offered = {}
        _send(back, struct.pack(">hhih", API_VERSIONS, 0, correlation, -1))
        answer = _frame(back)
        error, count = struct.unpack(">hi", answer[4:10])
        assert error == 0
        for index in range(count):
            key, low, high = struct.unpack(">hhh", answer[10 + 6 * index:16 + 6 * index])
            offered[key] = (low, high)
        offered[API_VERSIONS] = (0, 0)
        offered.update({SASL_HANDSHAKE: (0, 1), SASL_AUTHENTICATE: (0, 0)})
        items = b"".join(struct.pack(">hhh", key, *span) for key, span in sorted(offered.items()))
        return struct.pack(">ihi", correlation, 0, len(offered)) + items

    # SASL

    def _authenticate(self, front):
        state = {}
        while True:
            request = _frame(front)
            key, version, correlation = struct.unpack(">hhi", request[:8])
            length = struct.unpack(">h", request[8:10])[0]
            body = request[10 + max(0, length):]
            if key == API_VERSIONS:
                if version > 0:
                    _send(front, struct.pack(">ihi", correlation, 35, 0))
                    continue
                with socket.create_connection(self.behind) as back:
                    _send(front, self._versions(back, correlation))
            elif key == SASL_HANDSHAKE:
                asked = body[2:].decode()
                name = self.mechanism.encode()
                error = 0 if asked == self.mechanism else 33
                _send(front, struct.pack(">ihih", correlation, error, 1, len(name)) + name)
                if error:
                    return False
            elif key == SASL_AUTHENTICATE:
                token = body[4:4 + struct.unpack(">i", body[:4])[0]]
                answer, is_done = (self._plain if self.mechanism == "PLAIN" else self._scram)(token, state)
                if answer is None:
                    text = b"no such user\x1b[31m\n"
                    _send(front, struct.pack(">ihh", correlation, 58, len(text)) + text + struct.pack(">i", 0))
                    return False
                _send(front, struct.pack(">ihhi", correlation, 0, -1, len(answer)) + answer)
                if is_done:
                    return True
            else:
                return False

    def _plain(self, token, _):
        _, name, password = token.split(b"\0")
        return (b"" if self.users.get(name.decode()) == password.decode() else None), True

    def _scram(self, token, state):
        """RFC 5802, the server's part."""
        algorithm = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}[self.mechanism]
        text = token.decode()
        if not state:
            bare = text.split(",", 2)[2]
            fields = dict(part.split("=", 1) for part in bare.split(","))
            if fields["n"] not in self.users:
                return None, False
            salt = os.urandom(16)
            nonce = fields["r"] + base64.b64encode(os.urandom(12)).decode()
            first = f"r={nonce},s={base64.b64encode(salt).decode()},i=4096"
            state.update(bare=bare, first=first, nonce=nonce, salt=salt, name=fields["n"])
            return first.encode(), False
        fields = dict(part.split("=", 1) for part in text.split(","))
        without = text.rsplit(",p=", 1)[0]
        signed = f"{state['bare']},{state['first']},{without}".encode()

        def keyed(key, message):
            return hmac.digest(key, message, algorithm)

        salted = hashlib.pbkdf2_hmac(algorithm, self.users[state["name"]].encode(), state["salt"], 4096)
        client_key = keyed(salted, b"Client Key")
        expected = bytes(left ^ right for left, right in zip(
            client_key, keyed(hashlib.new(algorithm, client_key).digest(), signed)))
        # Kafka's brokers, too, look at the end alone: librdkafka before 2.6.1 has its own nonce twice before it.
        if not fields["r"].endswith(state["nonce"]) or base64.b64decode(fields["p"]) != expected:
            return None, True
        proof = keyed(keyed(salted, b"Server Key"), signed)
        return b"v=" + base64.b64encode(proof), True


def _frame(connection):
    return _exactly(connection, struct.unpack(">i", _exactly(connection, 4))[0])


def _exactly(connection, count):
    found = b""
    while len(found) < count:
        more = connection.recv(count - len(found))
        if not more:
            raise EOFError
        found += more
    return found


def _send(connection, content):
    connection.sendall(struct.pack(">i", len(content)) + content)
