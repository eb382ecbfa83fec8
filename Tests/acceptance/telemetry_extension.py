# SPDX-License-Identifier: Apache-2.0
"""Runs inside functions: an extension that registers, listens and subscribes, of the standard library alone."""

import http.client
import json
import os
import socket
import threading
import time

API = os.environ["AWS_LAMBDA_RUNTIME_API"]


def call(method, path, headers=None, body=None):
    connection = http.client.HTTPConnection(API)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read().decode()


def register(name, events=()):
    status, headers, body = call(
        "POST", "/2020-01-01/extension/register", {"Lambda-Extension-Name": name}, json.dumps({"events": events}))
    assert status == 200, body
    return headers["Lambda-Extension-Identifier"]


def wait_for_events(identifier):
    """An initialisation is over when every extension has asked for an event."""
    def ask():
        while True:
            call("GET", "/2020-01-01/extension/event/next", {"Lambda-Extension-Identifier": identifier})
    threading.Thread(target=ask, daemon=True).start()


def subscription(port, version="2022-12-13", types=("platform", "function", "extension"), path="", **more):
    return {"schemaVersion": version, "types": list(types),
            "destination": {"protocol": "HTTP", "URI": f"http://sandbox.localdomain:{port}{path}"}, **more}


def subscribe(identifier, body, api="/2022-07-01/telemetry"):
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {"Lambda-Extension-Identifier": identifier, "Content-Type": "application/json"} if identifier else {}
    status, headers, answer = call("PUT", api, headers, text)
    return [status, json.loads(answer) if answer else None]


class Listener:
    """Takes batches on a port; `behave` says what becomes of each connection."""

    def __init__(self, port, behave=None, host="sandbox.localdomain"):
        self.batches, self.heads, self.connections = [], [], 0
        self.socket = socket.create_server((host, port), backlog=16)
        self.behave = behave or self.answer
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection, _ = self.socket.accept()
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            self.behave(connection)
        except OSError:
            pass

    def read(self, stream):
        """One request, or None at the end."""
        head = []
        while True:
            line = stream.readline()
            if not line:
                return None
            if line == b"\r\n":
                break
            head.append(line.decode().rstrip())
        length = next(int(line.split(":")[1]) for line in head if line.lower().startswith("content-length"))
        body = stream.read(length)
        if len(body) < length:
            return None
        self.heads.append(head)
        self.batches.append([time.time(), json.loads(body), length])
        return body

    def answer(self, connection, status="200 OK", delay=0):
        stream = connection.makefile("rb")
        while self.read(stream) is not None:
            time.sleep(delay)
            connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nOK".encode())

    def lines(self, connection):
        for line in connection.makefile("rb"):
            self.batches.append([time.time(), [json.loads(line)], len(line)])

    @property
    def events(self):
        return [event for _, batch, _ in list(self.batches) for event in batch]

    def wait(self, condition, seconds=40):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not condition(self.events):
            time.sleep(0.005)
        return self.events


def has(events, kind, count=1):
    return sum(event["type"] == kind for event in events) >= count
