# SPDX-License-Identifier: Apache-2.0
"""The Node.js bootstrap against a fake Runtime API, with every Node.js from 16 on that this machine has.

    python3 -m unittest discover Tests/bootstraps
"""

import json
import os
import re
import subprocess
import unittest

from fake_runtime_api import ARN, BOOTSTRAPS, Event, interpreters, run

BOOTSTRAP = os.path.join(BOOTSTRAPS, "nodejs/index.cjs")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"

# files, handler, error type, start of the message
INIT_FAILURES = [
    ({}, "nofile.h", "Runtime.ImportModuleError", "Error: Cannot find module 'nofile'"),
    ({"app.js": "require('zzz')"}, "app.h", "Runtime.ImportModuleError", "Error: Cannot find module 'zzz'"),
    ({"app.mjs": "import 'zzz'"}, "app.h", "Error", "Cannot find package 'zzz'"),
    ({"app.js": "exports.h = ("}, "app.h", "Runtime.UserCodeSyntaxError", "SyntaxError: "),
    ({"app.js": ""}, "app.h", "Runtime.HandlerNotFound", "app.h is undefined or not exported"),
    ({"app.js": "exports.h = 5"}, "app.h", "Runtime.HandlerNotFound", "app.h is not a function"),
    ({"app.js": "exports.h = 0"}, "app.h", "Runtime.HandlerNotFound", "app.h is undefined or not exported"),
    ({"app.js": "exports.a = null"}, "app.a.b", "Runtime.HandlerNotFound", "app.a.b is undefined or not exported"),
    ({"app.js": ""}, "app", "Runtime.MalformedHandlerName", "Bad handler"),
    ({"app.js": ""}, "../app.h", "Runtime.MalformedHandlerName", "'../app.h' is not a valid handler name."),
    ({"app.js": "throw new RangeError('init')"}, "app.h", "RangeError", "init"),
    ({"app.mjs": "await Promise.reject(new Error('late'))"}, "app.h", "Error", "late"),
]

# files, handler: each answers 1
MODULES = [
    ({"app.js": "exports.h = async () => 1"}, "app.h"),
    ({"app.cjs": "exports.h = async () => 1"}, "app.h"),
    ({"app.mjs": "export const h = async () => 1"}, "app.h"),
    ({"app.mjs": "const one = await Promise.resolve(1); export const h = async () => one"}, "app.h"),
    ({"app.js": "export const h = async () => 1", "package.json": '{"type":"module"}'}, "app.h"),
    ({"d/e/app.js": "exports.h = async () => 1"}, "d/e/app.h"),
    ({"app.js": "exports.a = {b: {h: async () => 1}}"}, "app.a.b.h"),
    ({"node_modules/pkg/index.js": "exports.h = async () => 1"}, "pkg.h"),
    ({"app.js": "exports.h = () => ({then: (f) => f(1)})"}, "app.h"),
    # The order of the search.
    ({"app.js": "exports.h = async () => 1", "app.mjs": "x(", "app.cjs": "x("}, "app.h"),
    ({"app.mjs": "export const h = async () => 1", "app.cjs": "x("}, "app.h"),
    ({"app": "exports.h = async () => 1", "app.js": "x("}, "app.h"),
    ({"app.js": "exports.h = async () => 1", "package.json": '{"type":"commonjs"}'}, "app.h"),
    ({"app.cjs": "exports.h = async () => 1", "package.json": '{"type":"module"}'}, "app.h"),
    ({"d/app.js": "export const h = async () => 1", "d/package.json": '{"type":"module"}'}, "d/app.h"),
]

# Of the runtimes before nodejs24.x.
CALLBACK_MODULES = [
    ({"app.js": "exports.h = (e, c, cb) => cb(null, 1)"}, "app.h"),
    ({"app.js": "exports.h = (e, c) => c.succeed(1)"}, "app.h"),
    ({"app.js": "exports.h = (e, c) => { setTimeout(() => c.done(null, 1), 5) }"}, "app.h"),
]

# body of an async function, result
RESULTS = [
    ("return e", '{"a":[1,2.5,null,"\u00fc"]}', '{"a":[1,2.5,null,"\u00fc"]}'),
    ("return undefined", "{}", "null"),
    ("return null", "{}", "null"),
    ("return () => 1", "{}", "null"),
    ("return new Date(0)", "{}", '"1970-01-01T00:00:00.000Z"'),
]

# body of an async function, error type, message
ERRORS = [
    ("throw new TypeError('bad')", "TypeError", "bad"),
    ("throw 'text'", "string", "text"),
    ("throw 5", "number", "5"),
    ("class E extends Error { constructor() { super('m'); this.name = 'Own' } } throw new E()", "Own", "m"),
    ("const a = {}; a.a = a; return a", "Error", "Unable to stringify response body"),
    ("return 10n", "Error", "Unable to stringify response body"),
    ("return Promise.reject()", "string", "handled"),
    ("throw null", "string", "handled"),
    ("throw {name: 'N', message: 'm', stack: 's'}", "N", "m"),
    ("throw Object.create(null)", "handled", "callback called with Error argument, but there was a problem while "
     "retrieving one or more of its message, name, and stack"),
    ("const a = new Error('bare'); delete a.stack; a.stack = undefined; throw a", "Error", "bare"),
    ("throw new Error('d\x7fel')", "Error", "d%7Fel"),
    ("await new Promise(() => {})", "Runtime.NodeJsExit", "The Lambda runtime client detected an unexpected Node.js "
     "exit code. This is most commonly caused by a Promise that was never settled. For more information, see "
     "https://nodejs.org/docs/latest/api/process.html#exit-codes"),
]

# What AWS's client is before nodejs24.x, and from it on.
LEGACY = {"AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x"}
MODERN = {"AWS_EXECUTION_ENV": "AWS_Lambda_nodejs24.x"}


def handler(body):
    return "exports.h = async (e, c) => { " + body + " }"


class NodeCase:
    maxDiff = None
    node = None
    # Whether the process is started before it knows whose it is.
    blank = False

    def call(self, body, events=None, name="app.h", files=None, env=None, settled=True, **more):
        files = {"app.js": body} if files is None else files
        env = dict(LEGACY, **env or {})
        outcome = run([self.node, BOOTSTRAP], files, name, events or [Event()], env=env, blank=self.blank, **more)
        if settled:
            self.assertIsNone(outcome.api.error)
        return outcome


class NodeBootstrap(NodeCase):
    def test_modules_and_handler_styles(self):
        for files, name in MODULES + CALLBACK_MODULES:
            outcome = self.call("", [Event(), Event()], name, files)
            self.assertEqual([r.body for r in outcome.answers], [b"1", b"1"], (files, outcome.output))

    def test_from_24_on_there_are_no_callbacks(self):
        more = [
            ({"app.js": "exports.h = () => 1"}, "app.h"),
            ({"app.js": "exports.default = {h: () => 1}"}, "app.h"),
            ({"app.mjs": "export default {h: async () => 1}"}, "app.h"),
        ]
        for files, name in MODULES + more:
            outcome = self.call("", [Event(), Event()], name, files, env=MODERN)
            self.assertEqual([r.body for r in outcome.answers], [b"1", b"1"], (files, outcome.output))
        outcome = self.call("exports.h = (e, c, cb) => cb(null, 1)", env=MODERN)
        payload = json.loads(outcome.answers[0].body)
        self.assertEqual((outcome.status, outcome.answers[0].path), (1, "/2018-06-01/runtime/init/error"))
        self.assertEqual(payload["errorType"], "Runtime.CallbackHandlerDeprecated")
        self.assertIn("ERROR\tInit Error \t{", outcome.output)
        for body, kind in (("return 10n", "Runtime.JSONStringifyError"), ("throw null", "object")):
            answer = self.call(handler(body), env=MODERN).answers[0]
            self.assertEqual(json.loads(answer.body)["errorType"], kind)

    def test_context_from_24_on(self):
        headers = {
            "Lambda-Runtime-Client-Context": '{"custom":{"a":1},"w3c":{"traceparent":"00-1","baggage":3,"x":"y"}}',
            "Lambda-Runtime-Aws-Tenant-Id": "tenant",
        }
        body = handler(
            "const i = awslambda.InvokeStore; return [Object.keys(c).includes('callbackWaitsForEmptyEventLoop'),"
            " typeof c.done, c.clientContext, c.w3c(), c.xRayTraceId === process.env._X_AMZN_TRACE_ID,"
            " i.getRequestId(), i.getTenantId(), i.getXRayTraceId() === c.xRayTraceId, i.hasContext()]"
        ) + "; console.log(awslambda.InvokeStore.getRequestId())"
        outcome = self.call(body, [Event(headers=headers)], env=MODERN)
        self.assertEqual(
            json.loads(outcome.answers[0].body),
            [False, "undefined", {"custom": {"a": 1}}, {"traceparent": "00-1"}, True, "request-1", "tenant", True,
             True],
        )
        self.assertRegex(outcome.output, "^%s\t-\tINFO\t-\n$" % TIME)

    def test_results(self):
        for body, event, expected in RESULTS:
            answer = self.call(handler(body), [Event(event)]).answers[0]
            self.assertEqual((answer.path.rsplit("/", 1)[1], answer.body.decode()), ("response", expected), body)

    def test_errors(self):
        for body, kind, message in ERRORS:
            outcome = self.call(handler(body), [Event(), Event()], framed=True)
            self.assertEqual(len(outcome.answers), 2, "the process goes on after an error")
            answer = outcome.answers[1]
            self.assertEqual(answer.path, "/2018-06-01/runtime/invocation/request-2/error")
            self.assertEqual(answer.headers["lambda-runtime-function-error-type"], kind)
            payload = json.loads(answer.body)
            self.assertEqual(list(payload), ["errorType", "errorMessage", "trace"])
            self.assertEqual((payload["errorType"], payload["errorMessage"]), (kind, message))
            self.assertNotIn("index.cjs", answer.body.decode())
            self.assertTrue(all(isinstance(line, str) for line in payload["trace"]), payload)
            self.assertRegex(outcome.frames[1], r"^%s\trequest-2\tERROR\tInvoke Error \t\{" % TIME)

    def test_failures_of_the_initialisation(self):
        for files, name, kind, message in INIT_FAILURES:
            outcome = self.call("", name=name, files=files, framed=True)
            self.assertEqual(outcome.status, 129)
            self.assertEqual([r.path for r in outcome.api.requests], ["/2018-06-01/runtime/init/error"])
            self.assertEqual(outcome.answers[0].headers["lambda-runtime-function-error-type"], kind)
            payload = json.loads(outcome.answers[0].body)
            self.assertEqual(payload["errorType"], kind)
            self.assertTrue(payload["errorMessage"].startswith(message), payload)
            self.assertRegex(outcome.frames[-1], r"^%s\tundefined\tERROR\tUncaught Exception \t\{" % TIME)

    def test_what_nobody_caught(self):
        cases = [
            ("Promise.reject(new Error('lost'))", 128, "Runtime.UnhandledPromiseRejection", "Error: lost"),
            ("Promise.reject('text')", 128, "Runtime.UnhandledPromiseRejection", "text"),
            ("setTimeout(() => { throw new RangeError('thrown') }, 1)", 129, "RangeError", "thrown"),
        ]
        for body, status, kind, message in cases:
            outcome = self.call(handler(body + "; await new Promise((r) => setTimeout(r, 2000))"))
            self.assertEqual(outcome.status, status)
            self.assertEqual([r.path.rsplit("/", 1)[1] for r in outcome.api.requests], ["next", "error"])
            payload = json.loads(outcome.answers[0].body)
            self.assertEqual((payload["errorType"], payload["errorMessage"]), (kind, message))

    def test_callbacks_wait_for_the_event_loop_unless_told_not_to(self):
        body = (
            "let last = 0; exports.h = (e, c, cb) => { const then = last; c.callbackWaitsForEmptyEventLoop = e;"
            " setTimeout(() => { last++ }, e ? 60 : 60000); cb(null, [then, c.callbackWaitsForEmptyEventLoop]) }"
        )
        outcome = self.call(body, [Event("true"), Event("true"), Event("false"), Event("false")])
        self.assertEqual([json.loads(r.body) for r in outcome.answers], [[0, True], [1, True], [2, False], [2, False]])

    def test_only_the_first_answer_counts(self):
        for calls, kind, expected in (
            ("c.succeed(1); c.fail('x'); cb(null, 2); c.done(null, 3)", "response", 1),
            ("c.done(null, 4); cb('x')", "response", 4),
            ("cb(null, 5); c.fail('x')", "response", 5),
            ("c.fail(); c.succeed(1)", "error", "handled"),
            ("cb('y'); c.succeed(1)", "error", "y"),
            ("c.succeed(6); throw new Error('late')", "response", 6),
            ("const o = {a: 1}; c.succeed(o); o.a = 2", "response", {"a": 1}),
            ("cb(undefined, 7)", "response", 7),
            ("", "response", None),
            ("return 8", "response", None),
        ):
            answers = self.call("exports.h = (e, c, cb) => { %s }" % calls, [Event(), Event()]).answers
            self.assertEqual([r.path.rsplit("/", 1)[1] for r in answers], [kind] * 2, calls)
            payload = json.loads(answers[1].body)
            self.assertEqual(payload["errorMessage"] if kind == "error" else payload, expected, calls)

    def test_answer_and_next_poll_are_one_write(self):
        outcome = self.call(handler("return 'x'.repeat(e)"), [Event("10"), Event("9000"), Event("1")])
        segments = [(r.path.rsplit("/", 1)[1], r.segment) for r in outcome.api.requests]
        self.assertEqual([name for name, _ in segments], ["next"] + ["response", "next"] * 3)
        for (_, answer), (_, following) in zip(segments[1::2], segments[2::2]):
            self.assertEqual(answer, following)

    def test_large_payloads_and_answers_in_pieces(self):
        event = json.dumps("y" * 6_000_000)
        self.assertEqual(len(self.call(handler("return e"), [Event(event)]).answers[0].body), len(event))
        outcome = self.call(handler("return e"), [Event('{"k":"v"}'), Event("[]")], split=3)
        self.assertEqual([r.body for r in outcome.answers], [b'{"k":"v"}', b"[]"])

    def test_an_answer_that_was_too_large_does_not_end_the_process(self):
        outcome = self.call(handler("return e"), [Event("1", answer_status=413), Event("2")])
        self.assertEqual([r.body for r in outcome.answers], [b"1", b"2"])
        outcome = run([self.node, BOOTSTRAP], {"app.js": handler("return e")}, "app.h", [Event("1", answer_status=400)])
        self.assertEqual(outcome.status, 1)
        self.assertIn("an answer was refused: 400", outcome.output)

    def test_context(self):
        headers = {
            "Lambda-Runtime-Client-Context": '{"custom":{"a":"\u00fc"}}',
            "Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId":"ci"}',
            "Lambda-Runtime-Aws-Tenant-Id": "tenant",
        }
        body = handler(
            "const r = c.getRemainingTimeInMillis(); return {...c, left: r > 200000 && r <= 300000,"
            " types: ['done', 'fail', 'succeed'].map((n) => typeof c[n]), trace: process.env._X_AMZN_TRACE_ID}"
        )
        answers = self.call(
            body, [Event(headers=headers, timeout_ms=300_000), Event(headers={"Lambda-Runtime-Trace-Id": None})]
        ).answers
        common = {
            "callbackWaitsForEmptyEventLoop": True,
            "functionVersion": "$LATEST",
            "functionName": "f",
            "memoryLimitInMB": "128",
            "logGroupName": "/aws/lambda/f",
            "logStreamName": "2025/01/01/[$LATEST]0123456789abcdef0123456789abcdef",
            "invokedFunctionArn": ARN,
            "types": ["function"] * 3,
        }
        first = dict(
            common,
            clientContext={"custom": {"a": "\u00fc"}},
            identity={"cognitoIdentityId": "ci"},
            tenantId="tenant",
            awsRequestId="request-1",
            left=True,
            trace="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
        )
        self.assertEqual(json.loads(answers[0].body), first)
        self.assertEqual(json.loads(answers[1].body), dict(common, awsRequestId="request-2", left=False))

    def test_log_lines(self):
        body = handler(
            "console.log('a\\nb', {x: 1}); console.error(new Error('e').message); console.warn('%s!', 1);"
            " console.info(); console.debug(1); console.trace('t')"
        )
        expected = ["INFO\ta\nb { x: 1 }", "ERROR\te", "WARN\t1!", "INFO\tundefined", "DEBUG\t1", "TRACE\tt"]
        outcome = self.call(body, framed=True)
        frames = outcome.frames
        self.assertEqual([re.sub("^%s\t" % TIME, "", f) for f in frames], ["request-1\t" + e for e in expected])
        # Text is 3, and the level above it: TRACE is 1.
        self.assertEqual(outcome.frame_types, [3 | level << 2 for level in (3, 5, 4, 3, 2, 1)])
        lines = self.call(body).output.split("\n")
        self.assertEqual(
            [re.sub("^%s\t" % TIME, "", line) for line in lines],
            ["request-1\t" + e.replace("\n", "\r") for e in expected] + [""],
        )

    def test_json_logs(self):
        body = handler(
            "console.debug('hidden'); console.log('m', 1); console.log({a: 1});"
            " console.error('x', new TypeError('bad')); const o = {}; o.o = o; console.log(o); console.log(1n)"
        )
        env = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}
        outcome = self.call(body, framed=True, env=env)
        self.assertEqual(outcome.frame_types, [2 | level << 2 for level in (3, 3, 5, 3, 3)])
        entries = [json.loads(f) for f in outcome.frames]
        for entry in entries:
            self.assertRegex(entry.pop("timestamp"), "^%s$" % TIME)
            self.assertEqual(entry.pop("requestId"), "request-1")
        self.assertEqual(entries[0], {"level": "INFO", "message": "m 1"})
        self.assertEqual(entries[1], {"level": "INFO", "message": {"a": 1}})
        self.assertEqual(
            [entries[2][k] for k in ("level", "errorType", "errorMessage")], ["ERROR", "TypeError", "bad"]
        )
        self.assertIn("[Circular *1]", entries[3]["message"])
        self.assertEqual(entries[4]["message"], "1n")

    def test_json_logs_of_failures_and_tenants(self):
        env = {"AWS_LAMBDA_LOG_FORMAT": "json"}
        event = Event(headers={"Lambda-Runtime-Aws-Tenant-Id": "t"})
        body = handler("class Own extends Error {} throw Object.assign(new Own('no'), {code: 7})")
        outcome = self.call(body, [event], framed=True, env=env)
        entry = json.loads(outcome.frames[0])
        self.assertEqual(outcome.frame_types, [2 | 5 << 2])
        self.assertEqual(
            (entry["level"], entry["requestId"], entry["tenantId"], entry["message"]["errorType"],
             entry["message"]["errorMessage"], entry["message"]["code"]),
            ("ERROR", "request-1", "t", "Own", "no", 7),
        )
        self.assertRegex(entry["message"]["stackTrace"][0], "^Error: no")
        outcome = self.call("console.log('init'); throw new TypeError('no')", env=env)
        first, second = [json.loads(line) for line in outcome.output.splitlines()]
        self.assertEqual((first["message"], "requestId" in first), ("init", False))
        self.assertEqual((second["level"], second["message"]["errorType"]), ("ERROR", "TypeError"))

    def test_levels_below_the_functions_are_not_logged(self):
        names = ["trace", "debug", "info", "log", "warn", "error", "fatal"]
        body = handler(" ".join("console.%s('%s');" % (name, name) for name in names) + " throw new Error('x')")
        for level, shown in (("TRACE", 7), ("DEBUG", 6), ("INFO", 5), ("WARN", 3), ("ERROR", 2), ("FATAL", 1),
                             ("none", 7)):
            for form in ("JSON", "Text"):
                env = {"AWS_LAMBDA_LOG_FORMAT": form, "AWS_LAMBDA_LOG_LEVEL": level}
                lines = self.call(body, env=env).output.splitlines()
                # And the failure, an error.
                self.assertEqual(len(lines), shown + (level != "FATAL"), (level, form))

    def test_where_libraries_look_for_the_request(self):
        body = handler("return globalThis[Symbol.for('aws.lambda.runtime.requestId')]")
        answers = self.call(body, [Event(), Event()]).answers
        self.assertEqual([r.body for r in answers], [b'"request-1"', b'"request-2"'])

    def test_children_get_neither_the_log_nor_the_connection(self):
        body = handler(
            "return [require('child_process').execSync('ls -l /proc/self/fd', {stdio: ['inherit', 'pipe', 'inherit']})"
            ".toString(), process.env._LAMBDA_TELEMETRY_LOG_FD === undefined]"
        )
        listing, removed = json.loads(self.call(body, framed=True).answers[0].body)
        self.assertEqual(sorted(int(n) for n in re.findall(r" (\d+) -> ", listing)), [0, 1, 2, 3], listing)
        self.assertTrue(removed)

    def test_exits(self):
        for body, status in (("process.exit(7)", 7), ("process.exit()", 0)):
            outcome = self.call(handler(body))
            self.assertEqual((outcome.status, outcome.answers), (status, []))

    def test_hostile_answers_end_the_process(self):
        for headers in ({"Content-Length": "5"}, {"Transfer-Encoding": "chunked"}):
            outcome = run([self.node, BOOTSTRAP], {"app.js": handler("return 1")}, "app.h", [Event(headers=headers)])
            self.assertEqual((outcome.status, outcome.answers), (1, []))
            self.assertIn("martlet runtime: ", outcome.output)

    def test_no_runtime_api(self):
        for address in ("", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:1"):
            done = subprocess.run(
                [self.node, BOOTSTRAP], env={"AWS_LAMBDA_RUNTIME_API": address}, capture_output=True, timeout=120
            )
            self.assertEqual(done.returncode, 1, done)

    def test_start_loads_little(self):
        if self.blank:
            return
        # Our files but the stream's, and the function's: no other module from disk.
        body = handler("return Object.keys(require.cache).map((f) => f.split('/').pop()).sort()")
        self.assertEqual(
            json.loads(self.call(body).answers[0].body),
            ["app.js", "connection.cjs", "errors.cjs", "handler.cjs", "index.cjs", "log.cjs"],
        )


class BlankNodeBootstrap(NodeBootstrap):
    """All of the above in a process that was started before it knew whose it was, and what is only then to be looked at."""

    blank = True

    def test_variables_are_the_functions(self):
        env = {"MINE": "\u00fc=x\n", "EMPTY": "", "PATH": "/mine"}
        body = handler(
            "const parts = (text) => text.split('\\0').filter((part) => part !== '');"
            "const shown = parts(require('fs').readFileSync('/proc/self/environ', 'utf8'));"
            "const child = parts(require('child_process').execFileSync('/usr/bin/env', ['-0']).toString());"
            "return [process.env, shown, child, process.cwd()]"
        )
        variables, shown, child, directory = json.loads(self.call(body, env=env, framed=True).answers[0].body)
        variables.pop("_X_AMZN_TRACE_ID")
        self.assertEqual(directory, variables["LAMBDA_TASK_ROOT"])
        for name, value in env.items():
            self.assertEqual(variables[name], value)
        self.assertEqual([name for name in variables if name.startswith("_MARTLET")], [])
        # What the process was started with is not to be seen any more; what the bootstrap took out is.
        self.assertEqual(
            {v for v in shown if not v.startswith("_LAMBDA_TELEMETRY")}, {"%s=%s" % v for v in variables.items()})
        self.assertLessEqual({"%s=%s" % v for v in variables.items()}, set(child))

    def test_the_channel_is_closed(self):
        body = handler("return require('fs').readdirSync('/proc/self/fd').map((n) => { try { return require('fs')"
                       ".readlinkSync('/proc/self/fd/' + n) } catch { return '' } })")
        links = json.loads(self.call(body, framed=True).answers[0].body)
        # The connection; no channel, and nothing of /proc/self/mem.
        self.assertEqual(len([link for link in links if link.startswith("socket:")]), 1, links)
        self.assertEqual([link for link in links if link.endswith("/mem")], [], links)


NODES = [
    (found, subprocess.run([found, "-p", "process.versions.node"], capture_output=True, text=True).stdout.strip())
    for found in interpreters("node")
]


def add_classes(names, case):
    """Adds to a module's names a class of tests for each interpreter: a failure names it."""
    for node, version in NODES:
        name = "%s_%s" % (case.__name__, version.replace(".", "_"))
        names[name] = type(name, (case, unittest.TestCase), {"node": node, "__module__": names["__name__"]})


add_classes(globals(), NodeBootstrap)
add_classes(globals(), BlankNodeBootstrap)

if __name__ == "__main__":
    unittest.main()
