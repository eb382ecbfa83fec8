# SPDX-License-Identifier: Apache-2.0
"""Traces: a collector of one's own is told of invocations' phases, within the caller's trace."""

import collections
import http.server
import json
import threading

import pytest

from harness import wait_until
from prometheus_server import samples, total
from wire import exchange

SOURCE = """
import os, time
time.sleep(0.1)
def handler(event, context):
    if event.get("fail"):
        raise ValueError("as asked for")
    return os.environ["_X_AMZN_TRACE_ID"]
"""
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
XRAY = f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={PARENT};Sampled=1"


class Collector:
    """Takes OTLP in JSON; `statuses` are answered first, then `answers`, which take what they say."""

    def __init__(self):
        self.statuses, self.answers, self.requests, self.spans = collections.deque(), collections.deque(), [], []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.requests.append((self.path, self.headers["Content-Type"]))
                status = collector.statuses.popleft() if collector.statuses else 200
                if status == 200:
                    for resource in json.loads(body)["resourceSpans"]:
                        attributes = {each["key"]: each["value"] for each in resource["resource"]["attributes"]}
                        for scope in resource["scopeSpans"]:
                            collector.spans += [{"resource": attributes, **span} for span in scope["spans"]]
                answer = collector.answers.popleft() if status == 200 and collector.answers else b"{}"
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def of(self, name):
        """A trace that is whole, its spans by their names."""
        return wait_until(lambda: self.found(name), 60, f"spans of {name}")

    def found(self, name):
        traces = collections.defaultdict(dict)
        for span in self.spans:
            if span["resource"]["service.name"]["stringValue"] == name:
                traces[span["traceId"]][span["name"]] = span
        return next((trace for trace in traces.values() if name in trace and "invoke" in trace), None)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.close()


def invoke(server, name, event, **headers):
    answer = exchange(server, "POST", f"/2015-03-31/functions/{name}/invocations", event, headers)
    assert answer.status == 200
    return answer


@pytest.mark.parametrize("header", [{"traceparent": TRACEPARENT}, {"X-Amzn-Trace-Id": XRAY}])
def test_a_cold_invocations_phases_are_spans_of_the_callers_trace(make_server, collector, name, header):
    server = make_server("--otlp-endpoint", collector.url)
    server.deploy(name, SOURCE)
    seen = invoke(server, name, {}, **header).json
    spans = collector.of(name)
    assert set(spans) == {name, "queue", "environment start", "init", "invoke"}
    whole = spans[name]
    assert whole["traceId"] == TRACE and whole["parentSpanId"] == PARENT and whole["kind"] == 2
    # The function's own work belongs to this invocation.
    assert seen.startswith(f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={whole['spanId']};Sampled=1")
    assert spans["queue"]["parentSpanId"] == spans["invoke"]["parentSpanId"] == whole["spanId"]
    assert spans["init"]["parentSpanId"] == spans["environment start"]["parentSpanId"] == spans["queue"]["spanId"]
    start, end = ({name: int(span[at]) for name, span in spans.items()} for at in ("startTimeUnixNano", "endTimeUnixNano"))
    assert end["init"] - start["init"] >= 100_000_000
    assert start[name] == start["queue"] <= start["environment start"] <= start["init"] < end["init"] <= start["invoke"] <= end[name]
    assert collector.requests[0] == ("/v1/traces", "application/json")


def test_a_failure_is_an_error_and_an_unsampled_trace_is_not_told(make_server, collector, name):
    server = make_server("--otlp-endpoint", collector.url)
    server.deploy(name, SOURCE)
    invoke(server, name, {"fail": True}, **{"X-Amzn-Trace-Id": XRAY.replace("Sampled=1", "Sampled=0")})
    # A trace that begins here is told.
    invoke(server, name, {"fail": True})
    spans = collector.of(name)
    assert spans["invoke"]["status"]["code"] == spans[name]["status"]["code"] == 2 and spans["invoke"]["status"]["message"]
    assert "parentSpanId" not in spans[name]
    assert TRACE not in {span["traceId"] for span in collector.spans}


def test_what_is_throttled_is_an_error_in_its_callers_trace(make_server, collector, name):
    server = make_server("--otlp-endpoint", collector.url)
    server.deploy(name, SOURCE)
    client = server.client()
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    path = f"/2015-03-31/functions/{name}/invocations"
    for headers in ({"X-Amzn-Trace-Id": XRAY.replace("Sampled=1", "Sampled=0")}, {"traceparent": TRACEPARENT}):
        assert exchange(server, "POST", path, {}, headers).status == 429
    (span,) = wait_until(lambda: list(collector.spans), 60, "the span of what was refused")
    assert span["traceId"] == TRACE and span["parentSpanId"] == PARENT and span["name"] == name and span["kind"] == 2
    assert span["status"] == {"code": 2, "message": "TooManyRequestsException"}
    attributes = {each["key"]: each["value"] for each in span["attributes"]}
    assert attributes["error.type"] == {"stringValue": "TooManyRequestsException"}
    assert attributes["http.response.status_code"] == {"intValue": "429"}
    assert attributes["martlet.throttle"] == {"boolValue": True} and attributes["martlet.fault"] == {"boolValue": False}
    assert attributes["martlet.throttle_reason"] == {"stringValue": "ReservedFunctionConcurrentInvocationLimitExceeded"}
    # What is run again afterwards is told as ever.
    client.delete_function_concurrency(FunctionName=name)
    invoke(server, name, {}, traceparent=TRACEPARENT)
    assert "status" not in collector.of(name)["invoke"]


def test_an_events_attempts_are_in_its_callers_trace(make_server, collector, name):
    server = make_server("--otlp-endpoint", collector.url)
    server.deploy(name, SOURCE)
    answer = exchange(
        server, "POST", f"/2015-03-31/functions/{name}/invocations", {},
        {"X-Amz-Invocation-Type": "Event", "traceparent": TRACEPARENT})
    assert answer.status == 202
    spans = collector.of(name)
    assert spans[name]["traceId"] == TRACE and spans[name]["parentSpanId"] == PARENT


def test_a_collector_that_is_away_loses_nothing_that_has_room_and_slows_nothing_down(make_server, collector, name):
    collector.statuses.extend([503, 429])
    server = make_server("--otlp-endpoint", collector.url)
    server.deploy(name, SOURCE)
    for _ in range(20):
        invoke(server, name, {})
    wait_until(lambda: sum(span["name"] == "invoke" for span in collector.spans) == 20, 60, "all spans")
    count = len(collector.spans)
    found = wait_until(
        lambda: (lambda each: total(each, "martlet_trace_spans_sent_total") == count and each)(
            samples(exchange(server, "GET", "/metrics").body.decode())), 60, "the count of spans")
    assert total(found, "martlet_trace_spans_dropped_total") == 0
    # What it refuses for good is dropped and counted.
    collector.statuses.append(400)
    invoke(server, name, {})
    wait_until(
        lambda: total(samples(exchange(server, "GET", "/metrics").body.decode()), "martlet_trace_spans_dropped_total") >= 3,
        60, "the count of dropped spans")
    # So are those of a batch that it says it did not take; an answer that is much too long is one that it took.
    dropped = total(samples(exchange(server, "GET", "/metrics").body.decode()), "martlet_trace_spans_dropped_total")
    collector.answers.extend([b'{"partialSuccess":{"rejectedSpans":"2"}}', b" " * 100_000])
    for _ in range(2):
        before = len(collector.requests)
        invoke(server, name, {})
        wait_until(lambda: len(collector.requests) > before, 60, "a batch")
    wait_until(
        lambda: total(samples(exchange(server, "GET", "/metrics").body.decode()), "martlet_trace_spans_dropped_total") == dropped + 2,
        60, "the count of spans that were not taken")
    # What waits at the end of the server is sent.
    invoke(server, name, {})
    assert server.terminate() == 0
    assert sum(span["name"] == "invoke" for span in collector.spans) == 23
