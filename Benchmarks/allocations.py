#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the server's allocations for each request of a kind, and fails where there are more than its budget: what a loaded machine
does not change, so that continuous integration can hold it.

A budget is what was measured when it was written here and a tenth. Lower it when a change needs less. MARTLET_BIN names the server,
which has to be an optimised build.
"""

import json
import mmap
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests/acceptance"))

from connection import Connection  # noqa: E402
from harness import Server  # noqa: E402

REQUESTS = int(os.environ.get("MARTLET_BENCH_REQUESTS", 1_000))
SOURCE = pathlib.Path(__file__).with_suffix(".c")
FUNCTION = "/2015-03-31/functions/echo"
# Allocations of one request.
BUDGETS = {
    "a warm invocation": 460, "GetFunctionConfiguration": 500, "SendMessage to an embedded queue": 290, "an asynchronous event": 1_190}


def kinds(server, connection):
    """What is counted: a name, and what sends one such request."""
    event = b'{"x": 1}'
    queue = server.client("sqs").create_queue(QueueName="count")["QueueUrl"]
    message = json.dumps({"QueueUrl": queue, "MessageBody": "x" * 200}).encode()

    def sender(method, path, body=b"", service="lambda", **headers):
        signed = connection.sign(method, path, body, service=service, headers=headers)
        return lambda: connection.send(method, path, signed, body)

    return {
        "a warm invocation": sender("POST", f"{FUNCTION}/invocations", event),
        "GetFunctionConfiguration": sender("GET", f"{FUNCTION}/configuration"),
        "SendMessage to an embedded queue": sender(
            "POST", "/", message, service="sqs",
            **{"X-Amz-Target": "AmazonSQS.SendMessage", "Content-Type": "application/x-amz-json-1.0"}),
        # The last, as what is kept is looked at now and then.
        "an asynchronous event": sender("POST", "/2015-03-31/functions/off/invocations", event, **{"X-Amz-Invocation-Type": "Event"}),
    }


def counted():
    """Allocations of one request and their budget, by kind."""
    with tempfile.TemporaryDirectory(prefix="martlet-bench-") as directory:
        library, file = pathlib.Path(directory, "allocations.so"), pathlib.Path(directory, "count")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
        server = Server(env={"LD_PRELOAD": str(library), "COUNTED_ALLOCATIONS": str(file)})
        try:
            server.start()
            server.deploy("echo", "def handler(event, context): return event", MemorySize=1_792)
            server.deploy("off", "def handler(event, context): return event")
            server.client().put_function_concurrency(FunctionName="off", ReservedConcurrentExecutions=0)
            with open(file, "rb") as opened, mmap.mmap(opened.fileno(), 8, prot=mmap.PROT_READ) as count:
                found = {}
                for name, send in kinds(server, Connection(server)).items():
                    for _ in range(REQUESTS // 5):
                        send()
                    before = struct.unpack("Q", count)[0]
                    for _ in range(REQUESTS):
                        send()
                    found[name] = (struct.unpack("Q", count)[0] - before) / REQUESTS, BUDGETS[name]
                return found
        finally:
            server.close()


def main():
    over = []
    for name, (found, budget) in counted().items():
        print(f"{name:<36} {found:8.1f} allocations, budget {budget}")
        if found > budget:
            over.append(name)
        # A budget that is never reached holds nothing.
        if found < budget / 2:
            over.append(f"{name}: far below its budget, which is to be lowered")
    if over:
        sys.exit(f"allocations: {'; '.join(over)}")


if __name__ == "__main__":
    main()
