# SPDX-License-Identifier: Apache-2.0
"""Streamed responses of the Node.js bootstrap: `awslambda.streamifyResponse`."""

import base64
import json
import os
import time
import unittest

import test_node
from fake_runtime_api import Event

PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response"


def streaming(body, options=""):
    return "exports.h = awslambda.streamifyResponse(async (e, s, c) => { %s }%s)" % (body, options)


def failure(request):
    """The error that a streamed response ended with."""
    body = json.loads(base64.b64decode(request.trailers["Lambda-Runtime-Function-Error-Body"]))
    assert body["errorType"] == request.trailers["Lambda-Runtime-Function-Error-Type"], request.trailers
    return body["errorType"], body["errorMessage"]


class Streaming(test_node.NodeCase):
    def answers(self, body, events=None, **more):
        return self.call(body, events, **more).answers

    def test_a_stream_is_one_chunked_request_on_its_own_connection(self):
        body = streaming(
            "s.setContentType('text/x'); s.write('one'); s.write(new Uint8Array([0, 255])); s.end('three')"
        )
        outcome = self.call(body, [Event(), Event()])
        self.assertEqual(
            [(r.path.rsplit("/", 1)[1], r.connection) for r in outcome.api.requests],
            [("next", 1), ("response", 2), ("next", 1), ("response", 3), ("next", 1)],
        )
        for number, answer in enumerate(outcome.answers, 1):
            self.assertEqual(answer.path, "/2018-06-01/runtime/invocation/request-%d/response" % number)
            self.assertEqual(answer.body, b"one\0\xffthree")
            self.assertEqual(answer.trailers, {})
            self.assertEqual(answer.headers["content-type"], "text/x")
            self.assertEqual(answer.headers["lambda-runtime-function-response-mode"], "streaming")
            self.assertEqual(
                answer.headers["trailer"], "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"
            )
        self.assertEqual(outcome.output, "")

    def test_what_may_be_written(self):
        cases = [
            ("s.write({a: 1}); s.write([2]); s.write(3); s.end()", b'{"a":1}[2]3'),
            ("s.write(''); s.write('x'); s.end('')", b"x"),
            ("s.write('\u00fc'); s.write('fc', 'hex'); s.write('z', 'utf8', () => s.end())", b"\xc3\xbc\xfcz"),
            ("s.end()", b""),
            ("s.end('only')", b"only"),
            ("s.cork(); s.write('a'); s.write('b'); s.uncork(); s.end(() => {})", b"ab"),
            ("await require('stream/promises').pipeline(require('stream').Readable.from(['p', 'q']), s)", b"pq"),
            ("for (const x of 'xyz') { await new Promise((r) => setTimeout(r, 2)); s.write(x) } s.end()", b"xyz"),
            ("setTimeout(() => { s.write('late'); s.end() }, 30)", b"late"),
            ("await new Promise((r) => { s.on('finish', r); s.end('f') })", b"f"),
        ]
        for body, expected in cases:
            answer = self.answers(streaming(body))[0]
            self.assertEqual((answer.body, answer.trailers), (expected, {}), body)
            self.assertEqual(answer.headers["content-type"], "application/octet-stream")

    def test_the_first_byte_leaves_at_once(self):
        # On a busy machine whoever reads may be late himself.
        for wait in (1000, 5000, 20000):
            body = streaming(
                "s.write('first'); await new Promise((r) => setTimeout(r, %d)); s.write(String(Date.now())); s.end()" % wait
            )
            first, second = self.answers(body)[0].chunks
            self.assertEqual(first[1], b"first")
            if first[0] < int(second[1]) / 1000:
                break
        self.assertLess(first[0], int(second[1]) / 1000, "it had come before the second was written")

    def test_http_responses(self):
        body = streaming(
            "s = awslambda.HttpResponseStream.from(s, {statusCode: 201, headers: {a: 'b'}, cookies: ['c=d']});"
            " s.write('hi'); s.write('!'); s.end()"
        )
        answer = self.answers(body)[0]
        self.assertEqual(answer.headers["content-type"], PRELUDE_TYPE)
        prelude = b'{"statusCode":201,"headers":{"a":"b"},"cookies":["c=d"]}'
        self.assertEqual(answer.body, prelude + b"\0" * 8 + b"hi!")
        self.assertEqual(answer.chunks[0][1], prelude + b"\0" * 8 + b"hi", "the prelude leaves with the first data")
        for end, expected in (("s.end()", b""), ("s.end('x')", b"x")):
            answer = self.answers(streaming("s = awslambda.HttpResponseStream.from(s, {}); " + end))[0]
            self.assertEqual(answer.body, b"{}" + b"\0" * 8 + expected)

    def test_back_pressure(self):
        event = Event(pause_after=256 * 1024)
        body = streaming(
            "let n = 0; const block = Buffer.alloc(65536); let stuck = 0;"
            " while (n < 512) { n++; if (!s.write(block)) { const t = Date.now();"
            " await new Promise((r) => s.once('drain', r)); stuck = Math.max(stuck, Date.now() - t) } }"
            " s.end(); await new Promise((r) => s.on('finish', r));"
            " console.log(JSON.stringify([n, stuck, process.memoryUsage().external]))"
        )
        outcome = self.call(body, [event])
        self.assertEqual(len(outcome.answers[0].body), 512 * 65536)
        count, stuck, external = json.loads(outcome.output.split("\t")[-1])
        self.assertEqual(count, 512)
        self.assertGreater(stuck, 700, "the writer waited for the reader")
        self.assertLess(external, 24 << 20, "bytes that wait in the process")

    def test_high_water_mark(self):
        body = "s.end(String(s.writableHighWaterMark))"
        self.assertEqual(self.answers(streaming(body, ", {highWaterMark: 1234}"))[0].body, b"1234")
        self.assertGreaterEqual(int(self.answers(streaming(body))[0].body), 16384)

    def test_failure_before_the_first_write(self):
        cases = [
            ("throw new TypeError('early')", "TypeError", "early"),
            ("s.setContentType('a/b'); throw 'text'", "string", "text"),
            ("s.destroy(new RangeError('given up'))", "RangeError", "given up"),
        ]
        for body, kind, message in cases:
            outcome = self.call(streaming(body), [Event(), Event()])
            self.assertEqual([r.path.rsplit("/", 1)[1] for r in outcome.api.requests], ["next", "error"] * 2 + ["next"])
            payload = json.loads(outcome.answers[1].body)
            self.assertEqual((payload["errorType"], payload["errorMessage"]), (kind, message))
            self.assertIn("Invoke Error", outcome.output)
        source = "exports.h = awslambda.streamifyResponse((e, s) => { s.end })"
        payload = json.loads(self.call(source).answers[0].body)
        self.assertEqual(payload["errorMessage"], "Streaming does not support non-async handlers.")
        payload = json.loads(self.call(streaming("s.end()"), [Event("{bad")]).answers[0].body)
        self.assertEqual(payload["errorType"], "SyntaxError")

    def test_failure_midway(self):
        cases = [
            ("s.write('part'); throw new TypeError('mid\u00fc')", b"part", "TypeError", "mid\u00fc"),
            ("s.write('part'); throw null", b"part", "Error", "null"),
            ("s.write('a'); s.destroy(new RangeError('given up'))", b"a", "RangeError", "given up"),
            (
                "await require('stream/promises').pipeline("
                "async function* () { yield 'y'; throw new Error('src') }, s)",
                b"y",
                "Error",
                "src",
            ),
            ("for (let i = 0; i < 40; i++) s.write('z'.repeat(65536)); throw new Error('all')", b"z" * 40 * 65536,
             "Error", "all"),
        ]
        for body, written, kind, message in cases:
            outcome = self.call(streaming(body), [Event(), Event()])
            self.assertEqual(len(outcome.answers), 2, "the process goes on")
            for answer in outcome.answers:
                self.assertEqual(answer.body, written)
                self.assertEqual(failure(answer), (kind, message))
            self.assertIn("Invoke Error", outcome.output)

    def test_failure_after_the_end_is_logged_only(self):
        outcome = self.call(streaming("s.write('x'); s.end(); throw new Error('too late')"), [Event(), Event()])
        self.assertEqual([(r.body, r.trailers) for r in outcome.answers], [(b"x", {})] * 2)
        self.assertIn("too late", outcome.output)

    def test_what_nobody_caught_midway(self):
        for body, status, kind in (
            ("setTimeout(() => { throw new RangeError('thrown') }, 1)", 129, "RangeError"),
            ("Promise.reject(new Error('lost'))", 128, "Runtime.UnhandledPromiseRejection"),
        ):
            wait = "; await new Promise((r) => setTimeout(r, 5000))"
            outcome = self.call(streaming("s.write('w'); " + body + wait))
            self.assertEqual((outcome.status, outcome.answers[0].body), (status, b"w"))
            self.assertEqual(failure(outcome.answers[0])[0], kind)
            outcome = self.call(streaming(body + wait))
            self.assertEqual((outcome.status, outcome.answers[0].path.rsplit("/", 1)[1]), (status, "error"))

    def test_the_content_type_is_settled_by_the_first_write(self):
        body = streaming("s.write('x'); try { s.setContentType('a/b') } catch (e) { s.end(e.name + ': ' + e.message) }")
        self.assertEqual(
            self.answers(body)[0].body, b"xRuntime.InvalidStreamingOperation: Cannot set content-type, too late."
        )
        body = streaming("try { s.setContentType('a\\r\\nX: y') } catch (e) { s.end(e.name) }")
        self.assertEqual(self.answers(body)[0].body, b"TypeError")

    def test_a_response_that_is_refused_ends_the_stream_not_the_process(self):
        # Too large, say: the platform answers in the middle; or it closes the connection.
        for status in (413, 0):
            body = streaming(
                "if (e) { s.end('ok'); return } let error; s.on('error', (e) => { error = e });"
                " for (let i = 0; i < 12000 && !error; i++) { s.write('x'.repeat(i < 100 ? 65536 : 1));"
                " await new Promise((r) => setTimeout(r, 5)) } console.log('stopped:', !!error)"
            )
            events = [Event("0", answer_after=100_000, answer_status=status), Event("1")]
            outcome = self.call(body, events, settled=False)
            self.assertIn("stopped: true", outcome.output)
            self.assertIn("Invoke Error", outcome.output)
            self.assertEqual(outcome.answers[1].body, b"ok")
        outcome = self.call(streaming("s.end('x')"), [Event(answer_status=413), Event()])
        self.assertEqual(len(outcome.answers), 2)

    def test_return_values_are_ignored(self):
        outcome = self.call(streaming("s.end('x'); return 5"))
        self.assertEqual(outcome.answers[0].body, b"x")
        self.assertIn("WARN\tStreaming handlers ignore return values.", outcome.output)

    def test_the_next_poll_waits_for_the_event_loop_until_24(self):
        body = streaming(
            "c.callbackWaitsForEmptyEventLoop = e; const t = globalThis.fired; globalThis.fired = false;"
            " clearTimeout(globalThis.timer);"
            " globalThis.timer = setTimeout(() => { globalThis.fired = true }, %s); s.end(String(t))"
        )
        events = [Event("true"), Event("false"), Event("true")]
        self.assertEqual([r.body for r in self.answers(body % "e ? 80 : 60000", events)], [b"undefined", b"true", b"false"])
        outcome = self.call(body % 60000, events, env=test_node.MODERN)
        self.assertEqual([r.body for r in outcome.answers], [b"undefined", b"false", b"false"])

    def test_a_stream_that_is_never_ended_keeps_the_invocation_open(self):
        # As on AWS it runs into its timeout: the process neither ends nor polls.
        for body in ("return", "s.write('x')"):
            begin = time.monotonic()
            outcome = self.call(streaming("setTimeout(() => process.exit(9), 700).unref(); " + body), settled=False)
            self.assertEqual(outcome.status, 9)
            self.assertGreater(time.monotonic() - begin, 0.6)
            self.assertEqual([r.path for r in outcome.api.requests].count("/2018-06-01/runtime/invocation/next"), 1)

    def test_the_context_of_a_streaming_handler(self):
        body = streaming("s.end(JSON.stringify([Object.keys(c), c.awsRequestId, typeof c.done]))")
        keys, request, done = json.loads(self.answers(body)[0].body)
        self.assertEqual((keys[0], request, done), ("callbackWaitsForEmptyEventLoop", "request-1", "undefined"))

    def test_other_kinds_of_handlers(self):
        mark = "Symbol.for('aws.lambda.runtime.handler.streaming')"
        outcome = self.call("exports.h = async () => {}; exports.h[%s] = 'request'" % mark)
        self.assertEqual(json.loads(outcome.answers[0].body)["errorType"], "Runtime.MalformedStreamingHandler")
        outcome = self.call("exports.h = async () => typeof awslambda",
                            env={"AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA": "true"})
        self.assertEqual(outcome.answers[0].body, b'"undefined"')
        module = "export const h = awslambda.streamifyResponse(async (e, s) => { s.end('esm') })"
        self.assertEqual(self.call("", files={"app.mjs": module}).answers[0].body, b"esm")

    def test_children_do_not_get_the_connection(self):
        body = streaming(
            "s.write('x'); await new Promise((r) => setTimeout(r, 20)); s.end(require('child_process')"
            ".execSync('ls /proc/self/fd', {stdio: ['inherit', 'pipe', 'inherit']}).toString())"
        )
        self.assertEqual(self.answers(body)[0].body.split(), [b"x0", b"1", b"2", b"3"])


class BlankStreaming(Streaming):
    """The same in a process that was started before it knew whose it was."""

    blank = True


test_node.add_classes(globals(), Streaming)
test_node.add_classes(globals(), BlankStreaming)

if __name__ == "__main__":
    unittest.main()
