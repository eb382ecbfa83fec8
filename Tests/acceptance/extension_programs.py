# SPDX-License-Identifier: Apache-2.0
"""Programs that tests put into a layer's extensions directory, and a function that looks at what they did."""

import io
import zipfile

PRELUDE = '''#!/usr/bin/env python3
import http.client, json, os, sys, threading, time

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
NAME = os.path.basename(__file__)


def call(method, path, headers=None, body=None):
    connection = http.client.HTTPConnection(API)
    connection.request(method, "/2020-01-01/extension/" + path, body, headers or {})
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read().decode()


def register(events, **headers):
    """The identifier, and the body of the answer."""
    status, answer, body = call(
        "POST", "register", {"Lambda-Extension-Name": NAME, **headers}, json.dumps({"events": events}))
    assert status == 200, body
    return answer["Lambda-Extension-Identifier"], json.loads(body)


def next_event(identifier):
    status, headers, body = call("GET", "event/next", {"Lambda-Extension-Identifier": identifier})
    assert status == 200 and "Lambda-Extension-Event-Identifier" in headers, (status, body)
    return json.loads(body)


def wait(identifier):
    """Takes every event, and ends when told to."""
    while next_event(identifier)["eventType"] != "SHUTDOWN":
        pass


def note(what):
    """For the function, which sees the same /tmp."""
    with open("/tmp/" + NAME, "a") as file:
        file.write(json.dumps(what) + "\\n")


def once(what):
    """True the first time in this environment, resets included."""
    try:
        os.close(os.open("/tmp/once-" + what, os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False

'''


def python_extension(text):
    return PRELUDE + text


# Answers with what the extension named in the event has noted, when there is enough of it.
FUNCTION = '''
import json, os, signal, time

with open("/tmp/loads", "a") as file:
    file.write("x")


def ended(signum, frame):
    print("the runtime was asked to end", flush=True)
    os._exit(0)


signal.signal(signal.SIGTERM, ended)


def notes(name):
    try:
        return [json.loads(line) for line in open("/tmp/" + name) if line.endswith("\\n")]
    except FileNotFoundError:
        return []


def handler(event, context):
    event = event or {}
    time.sleep(event.get("sleep", 0))
    if "exit" in event:
        os._exit(event["exit"])
    deadline = time.monotonic() + 20
    while len(notes(event.get("notes", "none"))) < event.get("atleast", 0) and time.monotonic() < deadline:
        time.sleep(0.005)
    return {"notes": notes(event["notes"]) if "notes" in event else [], "id": context.aws_request_id,
            "arn": context.invoked_function_arn, "pid": os.getpid(), "loads": os.path.getsize("/tmp/loads"),
            "variables": sorted(os.environ)}
'''

# A static program that takes every event: ten of it are small.
TINY = r'''
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char answer[65536];

static void call(const char *request) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[64];
    snprintf(host, sizeof host, "%s", getenv("AWS_LAMBDA_RUNTIME_API"));
    char *colon = strchr(host, ':');
    *colon = 0;
    address.sin_port = htons(atoi(colon + 1));
    inet_pton(AF_INET, host, &address.sin_addr);
    int socket_ = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(socket_, (struct sockaddr *)&address, sizeof address)) exit(10);
    if (write(socket_, request, strlen(request)) < 0) exit(11);
    size_t length = 0;
    ssize_t count;
    while ((count = read(socket_, answer + length, sizeof answer - 1 - length)) > 0) {
        length += count;
        answer[length] = 0;
        char *end = strstr(answer, "\r\n\r\n"), *size = strcasestr(answer, "\r\ncontent-length:");
        if (end && size && size < end && length >= (size_t)(end + 4 - answer) + atoi(size + 17)) break;
    }
    close(socket_);
}

int main(int count, char **arguments) {
    static char request[4096], identifier[64];
    const char *body = "{\"events\":[\"INVOKE\",\"SHUTDOWN\"]}";
    const char *name = strrchr(arguments[0], '/') + 1;
    snprintf(request, sizeof request,
             "POST /2020-01-01/extension/register HTTP/1.1\r\nHost: x\r\nLambda-Extension-Name: %s\r\n"
             "Content-Length: %zu\r\n\r\n%s", name, strlen(body), body);
    call(request);
    char *header = strcasestr(answer, "lambda-extension-identifier:");
    if (!header || sscanf(header + 28, " %60[0-9a-f-]", identifier) != 1) return 12;
    do {
        snprintf(request, sizeof request,
                 "GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: x\r\nLambda-Extension-Identifier: %s\r\n\r\n",
                 identifier);
        call(request);
    } while (strstr(answer, "\"INVOKE\""));
    return strstr(answer, "\"SHUTDOWN\"") ? 0 : 13;
}
'''
TINY = "#define _GNU_SOURCE\n" + TINY

# The shape of python-example-extension in AWS's own collection of examples.
PUBLISHED = '''#!/usr/bin/env python3
import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, "/opt/published-example")
import requests

LAMBDA_EXTENSION_NAME = Path(__file__).name


def handle_signal(signal, frame):
    # Passed on by the runtime before it ends; the extension leaves by its SHUTDOWN event.
    pass


def execute_custom_processing(event):
    print(f"[{LAMBDA_EXTENSION_NAME}] Received event: {json.dumps(event)}", flush=True)


def register_extension():
    response = requests.post(
        url=f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2020-01-01/extension/register",
        json={"events": ["INVOKE", "SHUTDOWN"]}, headers={"Lambda-Extension-Name": LAMBDA_EXTENSION_NAME})
    return response.headers["Lambda-Extension-Identifier"]


def process_events(ext_id):
    while True:
        response = requests.get(
            url=f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2020-01-01/extension/event/next",
            headers={"Lambda-Extension-Identifier": ext_id}, timeout=None)
        event = json.loads(response.text)
        if event["eventType"] == "SHUTDOWN":
            print(f"[{LAMBDA_EXTENSION_NAME}] Received SHUTDOWN event. Exiting.", flush=True)
            sys.exit(0)
        execute_custom_processing(event)


signal.signal(signal.SIGINT, handle_signal)
signal.signal(signal.SIGTERM, handle_signal)
process_events(register_extension())
'''


def layer_of(programs, modes=None):
    """A layer's zip: names below extensions/ to a program's text or bytes, or to a tuple of a link's target."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("readme", "a layer")
        for name, content in programs.items():
            path = name[3:] if name.startswith("../") else "extensions/" + name
            entry = zipfile.ZipInfo(path)
            link = isinstance(content, tuple)
            entry.create_system, entry.compress_type = 3, zipfile.ZIP_DEFLATED
            entry.external_attr = (0o120777 if link else 0o100000 | (modes or {}).get(path, 0o755)) << 16
            made.writestr(entry, content[0] if link else content)
    return out.getvalue()
