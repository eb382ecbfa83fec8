# SPDX-License-Identifier: Apache-2.0
"""The way out, names, and the Runtime API: bounded, refused, and nobody else's business."""

import socket
import socketserver
import struct
import threading
import time

import pytest

import hostility
from harness import Server, wait_until

# What names resolve to on the test's name server, each a way to call the host's own.
REBINDING = {
    "a": "127.0.0.1", "b": "127.1.2.3", "c": "0.0.0.0", "d": "169.254.169.254", "e": "::1", "f": "::ffff:127.0.0.1", "g": "::",
    "h": "::ffff:169.254.169.254", "i": "64:ff9b::7f00:1", "j": "fe80::1", "k": "255.255.255.255", "l": "::127.0.0.1", "m": "2002:7f00:1::1",
}


class Sink(socketserver.BaseRequestHandler):
    """Says a word, so that a connection that reaches it is told from one that is ended; holds it until the other end goes."""

    def handle(self):
        with self.server.lock:
            self.server.count += 1
            self.server.open += 1
            self.server.most = max(self.server.most, self.server.open)
        try:
            while self.request.recv(1000):
                self.request.sendall(b"reached" * 100)
        except OSError:
            pass
        finally:
            with self.server.lock:
                self.server.open -= 1


class SinkServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 512
    count = open = most = 0
    lock = threading.Lock()


class Names(socketserver.BaseRequestHandler):
    def handle(self):
        data, s = self.request
        self.server.count += 1
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        kind = struct.unpack_from(">H", data, at + 1)[0]
        address = REBINDING.get(labels[0], "")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        fits = address and kind == (28 if family == socket.AF_INET6 else 1)
        packed = socket.inet_pton(family, address) if fits else b""
        answer = data[:2] + struct.pack(">HHHHH", 0x8180, 1, bool(fits), 0, 0) + data[12:at + 5]
        if fits:
            answer += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(packed)) + packed
        s.sendto(answer, self.client_address)


@pytest.fixture(scope="module")
def sink():
    server = SinkServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def closed_sink():
    """Listens on all of the host's addresses; the policy does not open it."""
    server = SinkServer(("0.0.0.0", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def names():
    server = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Names)
    server.count = 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def server(sink, names):
    server = Server("--egress", f"allow=127.0.0.1:{sink.server_address[1]}", "--resolver", f"127.0.0.1:{names.server_address[1]}")
    server.start()
    server.deploy("network", {"app.py": hostility.source("network.py")}, MemorySize=1024, Timeout=120)
    yield server
    server.close()


@pytest.fixture(scope="module")
def network(server):
    return lambda what, **event: server.invoke("network", {"what": what, **event})


def test_a_name_does_not_open_what_the_policy_closes(network, server, names, closed_sink, tally, neighbour):
    wanted = [f"{label}.rebind.test" for label in REBINDING]
    with neighbour.undisturbed():
        for port in (closed_sink.server_address[1], int(server.url.rsplit(":", 1)[1])):
            found = network("resolve_and_reach", names=wanted, port=port)
            tally.check({name: entry["reached"] for name, entry in found.items()})
    # They were resolved indeed.
    assert found["a.rebind.test"]["addresses"] == ["127.0.0.1"] and found["d.rebind.test"]["addresses"] == ["169.254.169.254"]
    assert names.count > 0 and closed_sink.count == 0


def host_addresses():
    found = {"127.0.0.1", "127.0.0.2", "127.1", "0.0.0.0", "0", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "::1", "::",
             "::ffff:127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "host.martlet.internal", "169.254.169.254", "169.254.100.3"}
    for family, address in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as s:
                # Nothing is sent: connecting a datagram socket only asks the routing table for the host's own address.
                s.connect((address, 9))
                found.add(s.getsockname()[0])
        except OSError:
            continue
    return sorted(found)


def test_the_server_in_every_spelling(network, server, closed_sink, tally, neighbour):
    ports = [int(server.url.rsplit(":", 1)[1]), closed_sink.server_address[1], 22, 25]
    with neighbour.undisturbed():
        found = network("reach_all", hosts=host_addresses(), ports=ports)
    # 127.0.0.1 and its like are the sandbox's own loopback; nothing listens there on these ports.
    tally.check(found)
    assert closed_sink.count == 0


def test_ten_thousand_connections(network, server, sink, tally, neighbour):
    with neighbour.undisturbed(), hostility.Size(server) as size:
        found = network("connections", host="host.martlet.internal", port=sink.server_address[1], count=10_000, processes=12, seconds=10)
    # Those that the server has not got to yet count as alive inside; outside there are never more than these.
    assert 0 < sink.most <= 1024 and found["refused"] >= 5_000, (sink.most, found)
    # Two for each connection, and what the neighbour and the accepting itself take.
    assert size.grown_descriptors < 2 * 1024 + 600, size.grown_descriptors
    assert size.grown_mib < 300
    tally.count(found["refused"])


def test_few_descriptors_are_shared_fairly(sink, tally):
    """With 1,100 descriptors for all of the server one function's connections leave enough for the others and the API."""

    class Small(Server):
        def command(self):
            return ["prlimit", "--nofile=1100:1100", *super().command()]

    sink.most = 0
    server = Small("--egress", f"allow=127.0.0.1:{sink.server_address[1]}").start()
    try:
        server.deploy("network", {"app.py": hostility.source("network.py")}, MemorySize=512, Timeout=60)
        neighbour = hostility.Neighbour(server)
        with neighbour.undisturbed():
            found = server.invoke("network", {
                "what": "connections", "host": "host.martlet.internal", "port": sink.server_address[1], "count": 1000, "processes": 4})
        # A fourth of the half that is for this, two for each connection.
        assert 0 < sink.most <= 68, (sink.most, found)
        server.deploy("another", {"app.py": hostility.source("network.py")}, Timeout=60)
    finally:
        server.close()
    tally.count(found["refused"])


def test_slow_and_half_open_connections(network, server, sink, tally, neighbour):
    with neighbour.undisturbed(), hostility.Size(server) as size:
        assert network("slow", host="host.martlet.internal", port=sink.server_address[1], count=400, seconds=3)["held"] > 100
    assert size.grown_mib < 200
    tally.count(400)


def test_a_flood_of_queries(network, server, names, tally, neighbour):
    with neighbour.undisturbed(), hostility.Size(server) as size:
        found = network("dns_flood", count=20_000, seconds=5, zone="flood.test")
    assert size.grown_descriptors < 600 and size.grown_mib < 200, (size.grown_descriptors, size.grown_mib)
    assert network("resolve_and_reach", names=["a.rebind.test"], port=9)["a.rebind.test"]["addresses"] == ["127.0.0.1"]
    tally.count(found["sent"])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_malformed_queries(network, tally, neighbour, seed):
    with neighbour.undisturbed():
        assert network("dns_malformed", seed=seed, count=1000) == {"answers": True}
    tally.count(1010)


def test_the_runtime_api_takes_only_what_is_true(network, server, tally, neighbour):
    """Malformed, smuggled, out of order and other functions' ids; the function itself still answers by its runtime."""
    with neighbour.undisturbed():
        found = network("abuse", registrations=50, wrong=True)
    tally.check(found)
    assert server.invoke("network", {"what": "reach_all", "hosts": [], "ports": []}) == {}


def test_another_functions_invocation_is_not_answered(server, tally):
    """Its id is known; it is running; the answer goes nowhere."""
    server.deploy("victim", "import time\ndef handler(event, context):\n    time.sleep(8)\n    return context.aws_request_id\n", Timeout=60)
    outcome = {}
    thread = threading.Thread(target=lambda: outcome.update(answer=server.invoke("victim")))
    thread.start()
    identity, = wait_until(
        lambda: [line.split()[2] for _, line in server.log("victim") if line.startswith("START")], 60, "the invocation")
    found = server.invoke("network", {"what": "abuse", "registrations": 0, "wrong": True, "other": identity})
    thread.join()
    assert outcome["answer"] == identity
    tally.check(found)


def test_connections_to_the_runtime_api(network, server, tally, neighbour):
    with neighbour.undisturbed(), hostility.Size(server) as size:
        assert network("api_connections", idle=10_000, resets=2_000, pipelined=5_000) == {"answers": True}
    assert size.grown_descriptors < 300 and size.grown_mib < 200, (size.grown_descriptors, size.grown_mib)
    tally.count(12_000)


@pytest.mark.parametrize(
    "call, cost, sent",
    [("ping", 1, 32 * 16), ("exit error", 1, 32 * 16), ("the same event", 1, 32 * 16), ("a large response of nobody's", 65, 4)],
)
def test_calls_that_cost_nothing(network, tally, neighbour, call, cost, sent):
    """The event loop that answers them is that of others' invocations."""
    with neighbour.undisturbed():
        found = network("cheap_calls", seconds=8, call=call)
    # A thousand at once, 200 a second, of calls with many bytes fewer, and what the connections had sent when those were used up.
    assert 0 < found["answers"] < (1_000 + 200 * (found["seconds"] + 1)) / cost + 2 * sent, found
    tally.count(found["answers"])


def test_connections_that_cost_nothing(network, tally, neighbour):
    """They are accepted on the same event loop."""
    with neighbour.undisturbed():
        found = network("cheap_connections", seconds=8)
    # Eight count as a call, and the kernel keeps some that nobody has accepted.
    assert 0 < found["made"] < 8 * (1_000 + 200 * (found["seconds"] + 1)) + 500, found
    tally.count(found["made"])


def test_an_endless_body(network, server, tally, neighbour):
    with neighbour.undisturbed(), hostility.Size(server) as size:
        sent = network("endless", mebibytes=500)["mebibytes"]
    assert sent < 200 and size.grown_mib < 150, (sent, size.grown_mib)
    tally.count()
