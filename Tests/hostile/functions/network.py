# SPDX-License-Identifier: Apache-2.0
"""Connections, names and requests to the platform's own services, in every wrong way."""

import os
import random
import resource
import select
import socket
import struct
import time

API = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
ADDRESS = (API[0], int(API[1]))


def attempt(action):
    try:
        found = action()
    except OSError:
        return None
    return None if found is None else repr(found)


def reach(host, port, seconds=2):
    """What the other end says; None for a connection that is refused, or ended at once."""
    with socket.create_connection((host, port), timeout=seconds) as connection:
        connection.settimeout(seconds)
        try:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return connection.recv(100) or None
        except TimeoutError:
            return None


def reach_all(event):
    return {f"{host}:{port}": attempt(lambda: reach(host, port)) for host in event["hosts"] for port in event["ports"]}


def resolve_and_reach(event):
    found = {}
    for name in event["names"]:
        try:
            addresses = {entry[4][0] for entry in socket.getaddrinfo(name, event["port"], type=socket.SOCK_STREAM)}
        except OSError:
            addresses = set()
        found[name] = {"addresses": sorted(addresses), "reached": attempt(lambda: reach(name, event["port"]))}
    return found


def connections(event):
    """Opens as many connections as it is asked for, from several processes, keeps them, and counts those that are alive."""
    each = event["count"] // event["processes"]
    results = []
    for _ in range(event["processes"]):
        read, write = os.pipe()
        if os.fork() == 0:
            os.close(read)
            os.write(write, struct.pack("II", *hold(event, each)))
            time.sleep(event.get("seconds", 1))
            os._exit(0)
        os.close(write)
        results.append(read)
    alive = refused = 0
    for read in results:
        a, r = struct.unpack("II", os.read(read, 8).ljust(8, b"\0"))
        alive, refused = alive + a, refused + r
    for _ in results:
        os.wait()
    return {"alive": alive, "refused": refused}


def hold(event, count):
    held, refused = [], 0
    for _ in range(count):
        try:
            held.append(socket.create_connection((event["host"], event["port"]), timeout=5))
        except OSError:
            refused += 1
    time.sleep(0.5)
    alive = 0
    for connection in held:
        connection.setblocking(False)
        try:
            connection.recv(1)
        except BlockingIOError:
            alive += 1
            continue
        except OSError:
            pass
        refused += 1
    return alive, refused


def slow(event):
    """Connections that are half closed, or read nothing of what comes."""
    held = []
    for index in range(event["count"]):
        try:
            connection = socket.create_connection((event["host"], event["port"]), timeout=5)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            if index % 2:
                connection.shutdown(socket.SHUT_WR)
            else:
                connection.sendall(b"flood\n")
            held.append(connection)
        except OSError:
            pass
    time.sleep(event["seconds"])
    return {"held": len(held)}


def server_address():
    for line in open("/etc/resolv.conf"):
        if line.startswith("nameserver"):
            return line.split()[1], 53
    raise FileNotFoundError("resolv.conf names no server")


def query(name, kind=1):
    labels = b"".join(bytes([len(label)]) + label for label in name.encode().split(b".")) + b"\0"
    return struct.pack(">HHHHHH", random.randrange(65536), 0x0100, 1, 0, 0, 0) + labels + struct.pack(">HH", kind, 1)


def dns_flood(event):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setblocking(False)
    sent = answered = 0
    stop = time.monotonic() + event["seconds"]
    while time.monotonic() < stop and sent < event["count"]:
        try:
            s.sendto(query(f"n{sent}.{event['zone']}"), server_address())
            sent += 1
        except BlockingIOError:
            select.select([], [s], [], 0.01)
        except OSError:
            pass
        try:
            while s.recv(4096):
                answered += 1
        except OSError:
            pass
    return {"sent": sent, "answered": answered}


def dns_malformed(event):
    rng = random.Random(event["seed"])
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    base = query("localhost")
    for _ in range(event["count"]):
        bytes_ = bytearray(base + rng.randbytes(rng.choice([0, 0, 20, 500])))
        for _ in range(rng.randrange(1, 6)):
            bytes_[rng.randrange(len(bytes_))] = rng.randrange(256)
        try:
            s.sendto(bytes(bytes_[:rng.randrange(1, len(bytes_) + 1)]), server_address())
        except OSError:
            pass
    for size in (65_507, 4097, 0, 11, 12):
        s.sendto(b"\x00" * size, server_address())
    for frame in (b"", b"\0", b"\xff\xff" + b"x" * 100, b"\0\0", struct.pack(">H", len(base)) + base[:5]):
        attempt(lambda: stream(frame))
    s.settimeout(0.1)
    try:
        while s.recv(4096):
            pass
    except OSError:
        pass
    s.settimeout(30)
    s.sendto(query("localhost"), server_address())
    return {"answers": len(s.recv(4096)) > 12}


def stream(frame):
    with socket.create_connection(server_address(), timeout=0.2) as connection:
        connection.sendall(frame)
        connection.recv(100)


# The Runtime API

def say(payload, seconds=0.3):
    """The first bytes of the answer to raw bytes."""
    with socket.create_connection(ADDRESS, timeout=30) as connection:
        connection.settimeout(seconds)
        try:
            connection.sendall(payload)
            return connection.recv(200)
        except OSError:
            return b""


def post(path, body=b"{}", headers=b""):
    return b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: " + str(len(body)).encode() + b"\r\n" + headers + b"\r\n" + body


INVOCATION = b"/2018-06-01/runtime/invocation/"


def shapes(event):
    identity = event["id"].encode()
    other = event.get("other", "00000000-0000-0000-0000-000000000000").encode()
    chunked = b"POST " + INVOCATION + identity + b"/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield "other_id_response", post(INVOCATION + other + b"/response")
    yield "other_id_error", post(INVOCATION + other + b"/error")
    for wrong in (b"..%2f", b"%00", b"x" * 7000, b"\xff\xfe", b"../../x", identity + b"x", identity[:-1], identity.upper() + b"0"):
        yield f"id_{wrong[:12]!r}", post(INVOCATION + wrong + b"/response")
    yield "init_error_late", post(b"/2018-06-01/runtime/init/error")
    yield "restore_error", post(b"/2018-06-01/runtime/restore/error")
    yield "restore_next", b"GET /2018-06-01/runtime/restore/next HTTP/1.1\r\nHost: x\r\n\r\n"
    for line in (b"", b"\r\n\r\n", b"\0" * 500, b"GET", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                 b"CONNECT x:1 HTTP/1.1\r\n\r\n", b"G\xc3\x89T / HTTP/1.1\r\n\r\n", b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n"):
        yield f"line_{line[:12]!r}", line
    yield "headers_many", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n"
    yield "header_huge", b"GET / HTTP/1.1\r\nX: " + b"y" * 300_000 + b"\r\n\r\n"
    for size in (b"FFFFFFFFFFFFFFFF", b"10000000000000000", b"7fffffffffffffff", b"-1", b"0x10", b"", b"g", b"1;" + b"e" * 100_000):
        yield f"chunk_{size[:20]!r}", chunked + size + b"\r\nx\r\n"
    for length in (b"-1", b"18446744073709551616", b"9223372036854775808", b"1e3", b"0x1", b"1,1", b"+1", b" "):
        yield f"length_{length!r}", b"POST " + INVOCATION + identity + b"/response HTTP/1.1\r\nContent-Length: " + length + b"\r\n\r\nx"
    both = b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + post(INVOCATION + other + b"/response")
    yield "smuggle_both", b"POST /2018-06-01/ping HTTP/1.1\r\n" + both
    yield "smuggle_two_lengths", b"POST /2018-06-01/ping HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 60\r\n\r\nx" + post(INVOCATION + other + b"/error")
    yield "smuggle_folded", b"GET /2018-06-01/ping HTTP/1.1\r\nX: a\r\n Content-Length: 50\r\n\r\n" + post(INVOCATION + other + b"/error")
    yield "smuggle_name", b"POST /2018-06-01/ping HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"
    yield "smuggle_encoding", b"POST /2018-06-01/ping HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"
    for name in (b"", b"x" * 10_000, b"../x", b"a\tb"):
        yield f"extension_{name[:5]!r}", post(b"/2020-01-01/extension/register", b'{"events":["INVOKE"]}', b"Lambda-Extension-Name: " + name + b"\r\n")
    yield "extension_depth", post(b"/2020-01-01/extension/register", b"[" * 100_000, b"Lambda-Extension-Name: x\r\n")


def abuse(event):
    """Whatever is sent is not accepted: only a true answer is, and that comes from the runtime."""
    found = {}
    for name, payload in shapes(event):
        answer = say(payload)
        found[name] = answer.decode(errors="replace") if b" 202 " in answer[:14] else None
    for number in range(event.get("registrations", 200)):
        answer = say(post(b"/2020-01-01/extension/register", b'{"events":["INVOKE"]}', b"Lambda-Extension-Name: e%d\r\n" % number), 2)
        found[f"registration_{number}"] = None if b" 200 " not in answer[:14] else answer.decode(errors="replace")
    return found


def api_connections(event):
    """Idle connections, slow requests, resets, and many requests in one write."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
    held = []
    for _ in range(event["idle"]):
        try:
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex(ADDRESS)
            held.append(connection)
        except OSError:
            for old in held[:500]:
                old.close()
            del held[:500]
    for connection in held:
        attempt(lambda: connection.send(b"GET /2018-06"))
    for connection in held:
        connection.close()
    for _ in range(event["resets"]):
        try:
            with socket.create_connection(ADDRESS, timeout=2) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.send(b"POST " + INVOCATION + b"x/response HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nx")
        except OSError:
            pass
    pipelined = b"GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n" * event["pipelined"]
    attempt(lambda: say(pipelined, 1))
    return {"answers": b" 200 " in say(b"GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n", 60)}


# A call, and what stands once in each answer to it.
CHEAP = {
    "ping": (b"GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n", b"pong"),
    # Nobody's: refused as is any without an identifier.
    "exit error": (b"POST /2020-01-01/extension/exit/error HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 "),
    "the same event": (b"GET " + INVOCATION + b"next HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 "),
    "a large response of nobody's": (
        b"POST " + INVOCATION + b"00000000-0000-4000-8000-000000000000/response HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"
        + b"x" * 1048576, b"HTTP/1.1 "),
}


def cheap_connections(event):
    """Connections that say nothing, one after the other, as many as are taken in a time."""
    made, began = 0, time.monotonic()
    while (elapsed := time.monotonic() - began) < event["seconds"]:
        connection = socket.create_connection(ADDRESS, timeout=10)
        # Reset, so that no port has to wait before it is used again.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        made += 1
    return {"made": made, "seconds": elapsed}


def cheap_calls(event):
    """Calls that are no part of an invocation, as many as are answered in a time: many in one write, over many connections."""
    request, mark = CHEAP[event["call"]]
    pipelined = 16 if len(request) < 1_024 else 1
    request *= pipelined
    connections = [socket.create_connection(ADDRESS, timeout=10) for _ in range(32 if pipelined > 1 else 4)]
    waiting, rest, answers, began = {}, {}, 0, time.monotonic()
    while (elapsed := time.monotonic() - began) < event["seconds"]:
        for connection in connections:
            if not waiting.get(connection):
                connection.sendall(request)
                waiting[connection], rest[connection] = pipelined, b""
        for connection in select.select(connections, [], [], 0.1)[0]:
            data = rest[connection] + connection.recv(65536)
            found = data.count(mark)
            # What may be the beginning of one more.
            rest[connection] = b"" if data.endswith(mark) else data[1 - len(mark):]
            waiting[connection] -= found
            answers += found
    for connection in connections:
        connection.close()
    return {"answers": answers, "seconds": elapsed}


def endless(event):
    """A response that never ends."""
    sent = 0
    try:
        with socket.create_connection(ADDRESS, timeout=5) as connection:
            connection.sendall(b"POST " + INVOCATION + event["id"].encode() + b"/error HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
            while sent < event["mebibytes"] << 20:
                connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                sent += 65536
    except OSError:
        pass
    return {"mebibytes": sent >> 20}


ACTIONS = {
    "reach_all": reach_all, "resolve_and_reach": resolve_and_reach, "connections": connections, "slow": slow,
    "dns_flood": dns_flood, "dns_malformed": dns_malformed, "abuse": abuse, "api_connections": api_connections,
    "cheap_calls": cheap_calls, "cheap_connections": cheap_connections,
}


def handler(event, context):
    event["id"] = "11111111-" + context.aws_request_id[9:] if event.get("wrong") else context.aws_request_id
    if event["what"] == "endless":
        # Nobody's id, so that the answer of this invocation is the function's own.
        return endless({**event, "id": ("1" if event["id"].startswith("0") else "0") + event["id"][1:]})
    return ACTIONS[event["what"]](event)
