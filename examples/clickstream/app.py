# SPDX-License-Identifier: Apache-2.0
"""Adds up a web server's access log by windows of time: each window's state goes from batch to batch, and is told when it ends."""

import base64
import re

LINE = re.compile(r'^(\S+) - - \[[^]]+\] "(\S+) (\S+) HTTP/1\.1" (\d{3}) (\d+) "[^"]*" "[^"]*"$')


def add(state, line):
    match = LINE.match(line)
    if not match:
        state["strange"] = state.get("strange", 0) + 1
        return
    _, _, path, status, size = match.groups()
    state["requests"] = state.get("requests", 0) + 1
    state["bytes"] = state.get("bytes", 0) + int(size)
    state["errors"] = state.get("errors", 0) + (status >= "500")
    pages = state.setdefault("pages", {})
    pages[path] = pages.get(path, 0) + 1


def handler(event, context):
    state = event["state"]
    for record in event["Records"]:
        add(state, base64.b64decode(record["kinesis"]["data"]).decode())
    if event["Records"]:
        print(f"batch of {len(event['Records'])} from {event['shardId']}")
    if event["isFinalInvokeForWindow"] or event["isWindowTerminatedEarly"]:
        page, hits = max(state.get("pages", {"-": 0}).items(), key=lambda item: (item[1], item[0]))
        print(
            f"window {event['window']['start']} {event['shardId']} requests={state.get('requests', 0)} "
            f"bytes={state.get('bytes', 0)} errors={state.get('errors', 0)} strange={state.get('strange', 0)} "
            f"most={page} ({hits})")
    return {"state": state}
