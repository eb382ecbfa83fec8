# SPDX-License-Identifier: Apache-2.0
"""A load of one request, again and again, over kept connections: a client that takes little of the processors itself."""

import selectors
import socket
import time
import urllib.parse


def request_of(url, method, path, headers, body):
    host = urllib.parse.urlsplit(url).netloc
    kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "content-length")}
    lines = "".join(f"{name}: {value}\r\n" for name, value in kept.items())
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


class _Client:
    """One connection; `answered` is true when the whole of an answer that is a success has come."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received, self.sent = b"", 0.0

    def send(self, request):
        self.received, self.sent = b"", time.perf_counter()
        self.socket.sendall(request)

    def answered(self):
        data = self.socket.recv(65_536)
        assert data, "the server closed a connection"
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return False
        assert head.startswith(b"HTTP/1.1 20"), self.received[:300]
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        return len(body) >= length


def load(url, request, at_once, seconds, warm_up=1.0):
    """Answers a second, and the milliseconds of each, with so many requests under way all the time."""
    clients = [_Client(url) for _ in range(at_once)]
    selector = selectors.DefaultSelector()
    for client in clients:
        selector.register(client.socket, selectors.EVENT_READ, client)
        client.send(request)
    begin = time.perf_counter() + warm_up
    end, times = begin + seconds, []
    while (now := time.perf_counter()) < end:
        for key, _ in selector.select(30):
            client = key.data
            if not client.answered():
                continue
            now = time.perf_counter()
            if now >= begin:
                times.append((now - client.sent) * 1_000)
            client.send(request)
    for client in clients:
        client.socket.close()
    assert times, "nothing was answered"
    return len(times) / seconds, times
