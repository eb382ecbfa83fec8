# SPDX-License-Identifier: Apache-2.0
"""The function that the servers' checks deploy: `what` names what it does."""

import mmap
import os
import time


def handler(event, context):
    return globals()[event.get("what", "echo")](event)


def echo(event):
    return {"echo": event.get("value"), "version": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")}


def take(event):
    """Memory, touched, until the end of the call."""
    # In one piece, of which the kernel gives huge pages: fast enough on a tenth of an emulated processor.
    size = event["mebibytes"] << 20
    held = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for place in range(0, size, 1 << 12):
        held[place] = 1
    time.sleep(event.get("seconds", 0))
    return len(held) >> 20


def sleep(event):
    time.sleep(event["seconds"])


def burn(event):
    wall, used = time.monotonic(), time.process_time()
    while time.monotonic() - wall < event["seconds"]:
        pass
    return (time.process_time() - used) / (time.monotonic() - wall)


def fork(event):
    children = []
    try:
        while len(children) < 2_000:
            child = os.fork()
            if child == 0:
                time.sleep(300)
                os._exit(0)
            children.append(child)
    except BlockingIOError:
        pass
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)
    return len(children)
