# SPDX-License-Identifier: Apache-2.0
"""The Python bootstrap against a fake Runtime API, with every CPython from 3.8 on that this machine has.

    python3 -m unittest discover Tests/bootstraps
"""

import json
import os
import re
import socket
import subprocess
import unittest

from fake_runtime_api import ARN, BOOTSTRAPS, Event, FakeRuntimeAPI, interpreters, popen_numbered, run

BOOTSTRAP = os.path.join(BOOTSTRAPS, "python/bootstrap.py")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
NBSP = "\u00a0"
VERSION = "import sys; print('%d_%d_%d' % sys.version_info[:3])"

# handler source, handler name, error type, message, stack trace (None: not compared)
INIT_FAILURES = [
    ("", "nomod.h", "Runtime.ImportModuleError", "Unable to import module 'nomod': No module named 'nomod'", []),
    ("import zzz", "app.h", "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'zzz'", []),
    ("", "app.h", "Runtime.HandlerNotFound", "Handler 'h' missing on module 'app'", []),
    (
        "",
        "app",
        "Runtime.MalformedHandlerName",
        "Bad handler 'app': not enough values to unpack (expected 2, got 1)",
        [],
    ),
    ("", "sys.exit", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module", []),
    ("def h(:", "app.h", "Runtime.UserCodeSyntaxError", None, None),
    ("raise ValueError('init')", "app.h", "ValueError", "init", None),
    ("", ".h", "ValueError", "Empty module name", None),
]

# handler body, event, result
RESULTS = [
    ("return e", '{"a": [1, 2.5, null, true, "x"]}', '{"a": [1, 2.5, null, true, "x"]}'),
    ("return None", "{}", "null"),
    ("return float('nan'), float('inf')", "{}", "[NaN, Infinity]"),
    ("return (1, 2)", "{}", "[1, 2]"),
    ("import decimal; return decimal.Decimal('1.10')", "{}", "1.10"),
    ("import decimal; return [decimal.Decimal('NaN'), decimal.Decimal('12345678901234567890.5')]", "{}",
     "[NaN, 12345678901234567890.5]"),
    ("import collections; P = collections.namedtuple('P', 'x y'); return {'p': [P(1, P(2, 3))]}", "{}",
     '{"p": [{"x": 1, "y": {"x": 2, "y": 3}}]}'),
    ("return {'b': b'xy'}", "{}", '{"b": "xy"}'),
    ("return {b'k': {b'l': 1}}", "{}", '{"k": {"l": 1}}'),
    ("return b'\\x00raw'", "{}", "\0raw"),
    ("return {1: 2, None: 3, True: 4}", "{}", '{"1": 4, "null": 3}'),
    ("import enum; E = enum.IntEnum('E', 'A'); return E.A", "{}", "1"),
]

# handler body, error type, message
ERRORS = [
    ("raise ValueError('bad')", "ValueError", "bad"),
    ("raise Exception()", "Exception", ""),
    ("return {1, 2}", "Runtime.MarshalError",
     "Unable to marshal response: Object of type set is not JSON serializable"),
    ("return bytearray(b'x')", "Runtime.MarshalError",
     "Unable to marshal response: Object of type bytearray is not JSON serializable"),
    ("return {(1, 2): 3}", "Runtime.MarshalError",
     "Unable to marshal response: keys must be str, int, float, bool or None, not tuple"),
    ("import datetime; return datetime.date(2020, 1, 1)", "Runtime.MarshalError",
     "Unable to marshal response: Object of type date is not JSON serializable"),
    ("a = []; a.append(a); return a", "Runtime.MarshalError",
     "Unable to marshal response: Circular reference detected"),
    ("return '\\ud800'", None, None),
]


def source(body):
    return "def h(e, c):\n    " + body + "\n"


class PythonBootstrap:
    maxDiff = None

    python = None
    # Whether the process is started before it knows whose it is.
    blank = False

    @property
    def command(self):
        return [self.python, BOOTSTRAP]

    def call(self, body, events=None, handler="app.h", files=None, **options):
        files = dict(files or {}, **{"app.py": body})
        outcome = run(self.command, files, handler, events or [Event()], blank=self.blank, **options)
        self.assertIsNone(outcome.api.error)
        return outcome

    def test_results(self):
        body = "import sys\n"
        for index, (text, _, _) in enumerate(RESULTS):
            body += "def h%d(e, c):\n    %s\n" % (index, text)
        body += "def h(e, c):\n    n = getattr(sys, 'n', 0); sys.n = n + 1; return globals()['h%d' % n](e, c)\n"
        outcome = self.call(body, [Event(event) for _, event, _ in RESULTS])
        for answer, (text, _, expected) in zip(outcome.answers, RESULTS):
            self.assertTrue(answer.path.endswith("/response"), answer.body)
            self.assertEqual(answer.body.decode(), expected, text)
        self.assertEqual(len(outcome.answers), len(RESULTS))
        self.assertEqual(outcome.output, "")

    def test_text_that_is_not_ascii(self):
        outcome = self.call(source("return e"), [Event('"\u00fc\u2028\\ud83d\\ude00"')])
        new = subprocess.run([self.python, "-c", "import sys; sys.exit(sys.version_info < (3, 12))"]).returncode == 0
        expected = '"\u00fc\u2028\U0001f600"' if new else '"\\u00fc\\u2028\\ud83d\\ude00"'
        self.assertEqual(outcome.answers[0].body.decode(), expected)

    def test_errors(self):
        for body, kind, message in ERRORS:
            outcome = self.call(source(body), [Event(), Event()])
            self.assertEqual(len(outcome.answers), 2, "the process goes on after an error")
            if kind is None:
                continue
            answer = outcome.answers[1]
            self.assertEqual(answer.path, "/2018-06-01/runtime/invocation/request-2/error")
            self.assertEqual(answer.headers["lambda-runtime-function-error-type"], kind)
            payload = json.loads(answer.body)
            self.assertEqual(list(payload), ["errorMessage", "errorType", "requestId", "stackTrace"])
            self.assertEqual(
                (payload["errorMessage"], payload["errorType"], payload["requestId"]), (message, kind, "request-2")
            )

    def test_stack_trace_is_the_functions_own(self):
        body = "def f():\n    raise KeyError('k')\n\ndef h(e, c):\n    f()\n"
        outcome = self.call(body, framed=True)
        trace = json.loads(outcome.answers[0].body)["stackTrace"]
        self.assertEqual(len(trace), 2)
        self.assertRegex(trace[0], r'^  File "[^"]*/app.py", line 5, in h\n    f\(\)\n$')
        self.assertRegex(trace[1], r'^  File "[^"]*/app.py", line 2, in f\n    raise KeyError\(\'k\'\)\n$')
        log = outcome.frames[0].split("\n")
        self.assertEqual(log[0:2], ["[ERROR] KeyError: 'k'", "Traceback (most recent call last):"])
        self.assertRegex(log[2], '^%s%sFile "[^"]*/app.py", line 5, in h$' % (NBSP, NBSP))
        self.assertEqual(len(log), 6)

    def test_failures_of_the_initialisation(self):
        for body, handler, kind, message, trace in INIT_FAILURES:
            outcome = self.call(body, handler=handler, framed=True)
            self.assertEqual(outcome.status, 1)
            self.assertEqual([r.path for r in outcome.api.requests], ["/2018-06-01/runtime/init/error"])
            request = outcome.answers[0]
            payload = json.loads(request.body)
            self.assertEqual(request.headers["lambda-runtime-function-error-type"], kind)
            self.assertEqual((payload["errorType"], payload["requestId"]), (kind, ""))
            if message is not None:
                self.assertEqual(payload["errorMessage"], message)
            if trace is not None:
                self.assertEqual(payload["stackTrace"], trace)
            self.assertTrue(outcome.frames[-1].startswith("[ERROR] %s: " % kind), outcome.frames)

    def test_syntax_errors_name_the_line(self):
        outcome = self.call("x = 1\ndef h(:\n")
        payload = json.loads(outcome.answers[0].body)
        self.assertTrue(payload["errorMessage"].startswith("Syntax error in module 'app': "))
        self.assertRegex(payload["stackTrace"][0], r'^  File "[^"]*/app.py" Line 2\n    def h\(:\n')

    def test_handlers_in_packages(self):
        for handler in ("pkg/sub.h", "pkg.sub.h"):
            files = {"pkg/__init__.py": "", "pkg/sub.py": source("return __name__")}
            self.assertEqual(self.call("", files=files, handler=handler).answers[0].body, b'"pkg.sub"')

    def test_answer_and_next_poll_are_one_write(self):
        outcome = self.call(source("return 'x' * e"), [Event("10"), Event("60000"), Event("1")])
        segments = [(r.path.rsplit("/", 1)[1], r.segment) for r in outcome.api.requests]
        self.assertEqual([name for name, _ in segments], ["next"] + ["response", "next"] * 3)
        for (_, answer), (_, following) in zip(segments[1::2], segments[2::2]):
            self.assertEqual(answer, following)

    def test_large_payloads_and_answers_in_pieces(self):
        event = json.dumps("y" * 6_000_000)
        outcome = self.call(source("return e"), [Event(event)])
        self.assertEqual(len(outcome.answers[0].body), len(event))
        outcome = self.call(source("return e"), [Event('{"k": "v"}'), Event("[]")], split=3)
        self.assertEqual([r.body for r in outcome.answers], [b'{"k": "v"}', b"[]"])

    def test_an_answer_that_was_too_large_does_not_end_the_process(self):
        outcome = self.call(source("return e"), [Event("1", answer_status=413), Event("2")])
        self.assertEqual([r.body for r in outcome.answers], [b"1", b"2"])
        files = {"app.py": source("return e")}
        outcome = run(self.command, files, "app.h", [Event("1", answer_status=400), Event("2")])
        self.assertEqual((outcome.status, len(outcome.answers)), (1, 1))
        self.assertIn("an answer was refused: 400", outcome.output)

    def test_context(self):
        headers = {
            "Lambda-Runtime-Client-Context": '{"client":{"installation_id":"i","app_title":"t\u00fc"},"custom":{"a":1},'
            '"env":{"e":2},"w3c":{"traceparent":"00-1","other":"x","baggage":3}}',
            "Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId":"ci","cognitoIdentityPoolId":"cp"}',
            "Lambda-Runtime-Aws-Tenant-Id": "tenant",
        }
        body = source(
            "import os, time; return [c.aws_request_id, c.log_group_name, c.log_stream_name, c.function_name,"
            " c.memory_limit_in_mb, c.function_version, c.invoked_function_arn, c.tenant_id, c.client_context.client"
            ".installation_id, c.client_context.client.app_title, c.client_context.custom, c.client_context.env,"
            " c.identity.cognito_identity_id, c.identity.cognito_identity_pool_id, c.w3c(),"
            " 200000 < c.get_remaining_time_in_millis() <= 300000,"
            " 0 < c.epoch_deadline_time_in_ms - time.time() * 1000 <= 300000, os.environ['_X_AMZN_TRACE_ID']]"
        )
        stream = "2025/01/01/[$LATEST]0123456789abcdef0123456789abcdef"
        answer = self.call(body, [Event(headers=headers, timeout_ms=300_000)]).answers[0]
        self.assertEqual(
            json.loads(answer.body),
            ["request-1", "/aws/lambda/f", stream, "f", "128", "$LATEST", ARN, "tenant", "i", "t\u00fc", {"a": 1},
             {"e": 2}, "ci", "cp", {"traceparent": "00-1"}, True, True,
             "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"],
        )
        body_bare = source(
            "import os; return [c.client_context, c.identity.cognito_identity_id, c.tenant_id, c.w3c(),"
            " '_X_AMZN_TRACE_ID' in os.environ, c.get_remaining_time_in_millis()]"
        )
        events = [Event(), Event(headers={"Lambda-Runtime-Trace-Id": None}, timeout_ms=-5)]
        answer = self.call(body_bare, events).answers[1]
        self.assertEqual(json.loads(answer.body), [None, None, None, {}, False, 0])

    def test_log_lines(self):
        body = (
            "import logging, sys\n"
            "def h(e, c):\n"
            "    print('one\\ntwo'); print('part', end=''); sys.stderr.write('err\\n')\n"
            "    logging.getLogger().warning('w\\nx'); logging.info('hidden'); c.log('from context\\n')\n"
            "    print(c.aws_request_id, end='')\n"
        )
        frames = self.call(body, [Event(), Event()], framed=True).frames
        first, second = frames[: len(frames) // 2], frames[len(frames) // 2 :]
        for lines, request in ((first, "request-1"), (second, "request-2")):
            self.assertEqual(lines[0:2], ["one", "two"])
            self.assertEqual(set(lines[2:4]), {"part", "err"})
            self.assertRegex(lines[4], r"^\[WARNING\]\t%s\t%s\tw\nx$" % (TIME, request))
            self.assertEqual(lines[5:], ["from context", request])
        output = self.call(body).output
        self.assertRegex(output, r"\[WARNING\]\t%s\trequest-1\tw\nx\n" % TIME)

    def test_logging_is_configured_before_the_function_sees_it(self):
        body = (
            "import logging\n"
            "class R: pass\n"
            "def h(e, c):\n    r = logging.getLogger(); n = logging.__spec__.loader.__class__.__name__\n"
            "    return [len(r.handlers), type(r.handlers[0]).__name__, r.level, r.handlers[0].formatter._fmt, n,"
            " logging.__file__.endswith('logging/__init__.py')]\n"
        )
        expected = [
            1, "LambdaLoggerHandler", 30,
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "SourceFileLoader", True,
        ]
        # A module of the function's own with that name doesn't take its place, as on AWS.
        files = {"logging.py": "raise SystemError('wrong module')"}
        self.assertEqual(json.loads(self.call(body, files=files).answers[0].body), expected)

    def test_json_logs(self):
        body = (
            "import logging\n"
            "def h(e, c):\n"
            "    logging.getLogger('a.b').info('m %s', 1, extra={'k': {'v': 2}})\n"
            "    logging.debug('hidden')\n"
            "    try:\n        1 / 0\n    except Exception:\n        logging.exception('oops')\n"
            "    raise ValueError('x')\n"
        )
        env = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}
        entries = [json.loads(f) for f in self.call(body, framed=True, env=env).frames]
        for entry in entries:
            self.assertRegex(entry.pop("timestamp"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(
            entries[0], {"level": "INFO", "message": "m 1", "logger": "a.b", "requestId": "request-1", "k": {"v": 2}}
        )
        self.assertEqual(
            {k: entries[1][k] for k in ("level", "message", "errorType", "errorMessage", "requestId")},
            {"level": "ERROR", "message": "oops", "errorType": "ZeroDivisionError",
             "errorMessage": "division by zero", "requestId": "request-1"},
        )
        self.assertRegex(entries[1]["location"], r"/app.py:h:8$")
        self.assertEqual(len(entries[1]["stackTrace"]), 1)
        self.assertEqual(
            {k: entries[2][k] for k in ("level", "errorMessage", "errorType", "requestId")},
            {"level": "ERROR", "errorMessage": "x", "errorType": "ValueError", "requestId": "request-1"},
        )
        self.assertEqual(len(entries), 3)

    def test_frames_carry_format_and_level(self):
        body = source(
            "import logging; print('p'); logging.warning('w'); logging.critical('c'); logging.log(35, 'o');"
            " logging.info('hidden'); raise ValueError('x')"
        )
        default, error = 3, 3 | 5 << 2
        cases = [
            ({}, [default] * 4 + [error]),
            ({"AWS_LAMBDA_LOG_LEVEL": "WARN"}, [default, 3 | 4 << 2, 3 | 6 << 2, 3 | 4 << 2, error]),
            ({"AWS_LAMBDA_LOG_FORMAT": "JSON"}, [default, 2 | 4 << 2, 2 | 6 << 2, 2 | 4 << 2, 2 | 5 << 2]),
        ]
        for env, types in cases:
            outcome = self.call(body, framed=True, env=env)
            self.assertEqual(outcome.frame_types, types, (env, outcome.frames))

    def test_levels_below_the_functions_are_not_logged(self):
        body = source("import logging; [logging.log(n, 'm') for n in (10, 20, 30, 40, 50)]")
        for level, shown in (("TRACE", 5), ("DEBUG", 5), ("info", 4), ("WARN", 3), ("ERROR", 2), ("FATAL", 1),
                             ("bogus", 3)):
            for form in ("JSON", "Text"):
                env = {"AWS_LAMBDA_LOG_FORMAT": form, "AWS_LAMBDA_LOG_LEVEL": level}
                self.assertEqual(len(self.call(body, env=env).output.splitlines()), shown, (level, form))

    def test_what_the_function_sees_of_its_process(self):
        body = source(
            "import os, sys; return [sys.argv, sys.path[:3], os.environ.get('_LAMBDA_TELEMETRY_LOG_FD'),"
            " sys.modules['__main__'].__file__, 'traceback' in sys.modules or 'http' in sys.modules,"
            " sys.stdout.fileno(), sys.stdout.encoding, exit.__class__.__name__, os.getcwd() == sys.path[0]]"
        )
        answer = json.loads(self.call(body, framed=True).answers[0].body)
        version = subprocess.run(
            [self.python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True
        ).stdout.strip()
        self.assertEqual(answer[0], [BOOTSTRAP])
        self.assertEqual(answer[1][1:], ["/opt/python/lib/python%s/site-packages" % version, "/opt/python"])
        self.assertEqual(answer[2:4], [None, BOOTSTRAP])
        self.assertEqual(answer[5:], [1, "utf-8", "Quitter", True])

    def test_python_path_is_honoured(self):
        body = source("import sys; return [sys.path[3], __import__('lib').V]")
        with self.subTest():
            outcome = run(
                self.command, {"app.py": body, "more/lib.py": "V = 1"}, "app.h", [Event()], env={"PYTHONPATH": "more"}
            )
            answer = json.loads(outcome.answers[0].body)
            self.assertTrue(answer[0].endswith("more"), answer)

    def test_children_get_neither_the_log_nor_the_connection(self):
        body = source(
            "import subprocess, sys; print('before'); return ["
            "subprocess.check_output(['sh', '-c', 'ls -l /proc/self/fd'], close_fds=False).decode(),"
            " subprocess.call(['echo', 'raw'], stdout=sys.stdout)]"
        )
        outcome = self.call(body, framed=True)
        listing, status = json.loads(outcome.answers[0].body)
        numbers = sorted(int(n) for n in re.findall(r" (\d+) -> ", listing))
        self.assertEqual(numbers, [0, 1, 2, 3], listing)
        self.assertEqual((status, outcome.output, outcome.frames), (0, "raw\n", ["before"]))

    def test_multiprocessing(self):
        body = (
            "import multiprocessing, os\n"
            "def work(q, n):\n    print('child'); q.put(n * 2)\n"
            "def h(e, c):\n"
            "    m = multiprocessing.get_context(e); q = m.SimpleQueue()\n"
            "    p = m.Process(target=work, args=(q, 21)); p.start(); v = q.get(); p.join(); return [v, p.exitcode]\n"
        )
        outcome = self.call(body, [Event('"fork"'), Event('"spawn"')], framed=True)
        self.assertEqual([r.body for r in outcome.answers], [b"[42, 0]", b"[42, 0]"], outcome.output)
        self.assertEqual((outcome.output, outcome.frames), ("child\nchild\n", []))

    def test_a_forked_child_that_returns_answers_nothing(self):
        body = source("import os; pid = os.fork(); return os.waitpid(pid, 0)[1] if pid else 'child'")
        outcome = self.call(body, framed=True)
        self.assertEqual([r.body for r in outcome.answers], [b"0"], outcome.output)

    def test_exits(self):
        cases = [("import sys; sys.exit(7)", 7), ("import sys; sys.exit()", 0), ("import os; os._exit(3)", 3)]
        for body, status in cases:
            outcome = self.call(source(body), framed=True)
            self.assertEqual((outcome.status, outcome.answers), (status, []))
        self.assertEqual(self.call("import sys; sys.exit(5)").status, 5)

    def test_threads_print_whole_lines(self):
        body = (
            "import threading\n"
            "def f(n):\n    for i in range(50): print('%d-%d' % (n, i) + 'x' * 300)\n"
            "def h(e, c):\n"
            "    t = [threading.Thread(target=f, args=(n,)) for n in range(4)]\n"
            "    [x.start() for x in t]; [x.join() for x in t]\n"
        )
        frames = self.call(body, framed=True).frames
        text = "\n".join(frames).replace("\n", "")
        self.assertEqual(text.count("x"), 4 * 50 * 300)

    def test_what_another_thread_prints_while_text_is_written_is_kept(self):
        body = (
            "import sys\n"
            "def h(e, c):\n"
            "    raw, more = sys.stdout.buffer, ['other']\n"
            "    def take(own=raw._take_text):\n"
            "        own()\n"
            "        if more: sys.stdout.write(more.pop())\n"
            "    raw._take_text = take\n"
            "    sys.stdout.write('x' * 9); sys.stdout.write('x' * 9000); print()\n"
        )
        text = "".join(self.call(body, framed=True).frames)
        self.assertEqual((text.count("x"), text.count("other"), len(text)), (9009, 1, 9014))

    def test_parts_of_a_line_keep_their_order(self):
        body = (
            "import io, logging, os, sys\n"
            "def h(e, c):\n"
            "    print('a', 1, None, end=' '); sys.stdout.buffer.write(b'b\\n'); print('c', end='')\n"
            "    logging.warning('w'); print('d' * 9000, end=''); print('d')\n"
            "    print('e', end=''); pid = os.fork()\n"
            "    if not pid: print('child'); os._exit(0)\n"
            "    os.waitpid(pid, 0); print('f')\n"
            "    sys.stdout = io.TextIOWrapper(sys.stdout.buffer, 'latin-1', line_buffering=True); print('g')\n"
            "    sys.stderr.detach().write(b'h'); sys.stdout.write('i')\n"
        )
        outcome = self.call(body, framed=True)
        frames = outcome.frames
        self.assertEqual(outcome.output, "child\n")
        self.assertEqual(frames[:2] + frames[3:6], ["a 1 None b", "c", "d" * 9001, "ef", "g"])
        self.assertRegex(frames[2], "WARNING")
        self.assertEqual(sorted(frames[6:]), ["h", "i"])

    def test_a_function_may_close_its_descriptors(self):
        # The log's is the test's temporary file, found through /proc.
        body = source(
            "import os\n"
            "    for n in sorted(map(int, os.listdir('/proc/self/fd'))):\n"
            # Not readlink: one of them was the listing's own.
            "        if n > 2 and os.path.realpath('/proc/self/fd/%d' % n).endswith('(deleted)'):\n"
            "            os.close(n)\n"
            "            break\n"
            "    print('after'); return 1"
        )
        outcome = self.call(body, framed=True)
        self.assertEqual((outcome.answers[0].body, outcome.output), (b"1", "after\n"))

    def test_start_imports_little(self):
        if self.blank:
            return
        count = "import sys; print(len(sys.modules))"
        bare = int(subprocess.run([self.python, "-c", count], capture_output=True, text=True).stdout)
        answer = self.call(source("import sys; return len(sys.modules)")).answers[0]
        # json and what it needs (re, enum, functools, collections …) are 24 to 26 of them; two are ours.
        self.assertLessEqual(int(answer.body) - bare, 32)

    def test_hostile_answers_end_the_process(self):
        for headers in ({"Content-Length": "5"}, {"Transfer-Encoding": "chunked"}):
            outcome = run(self.command, {"app.py": source("return 1")}, "app.h", [Event(headers=headers)])
            self.assertEqual((outcome.status, outcome.answers), (1, []))
            self.assertIn("martlet runtime: ", outcome.output)

    def test_no_runtime_api(self):
        for address in ("", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:1"):
            env = {"AWS_LAMBDA_RUNTIME_API": address, "PYTHONDONTWRITEBYTECODE": "1"}
            done = subprocess.run(self.command, env=env, capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 1)
            self.assertNotIn("Traceback", done.stderr)


class BlankPythonBootstrap(PythonBootstrap):
    """All of the above in a process that was started before it knew whose it was, and what is only then to be looked at."""

    blank = True

    def test_variables_are_the_functions(self):
        env = {"MINE": "\u00fc=x\n", "EMPTY": "", "PATH": "/mine"}
        body = source(
            "import subprocess, os, sys\n"
            "    shown = [v for v in open('/proc/self/environ', 'rb').read().split(b'\\0') if v]\n"
            "    child = subprocess.run(['/usr/bin/env', '-0'], capture_output=True).stdout\n"
            "    child = [v for v in child.split(b'\\0') if v]\n"
            "    return [dict(os.environ), [v.decode() for v in shown], [v.decode() for v in child], os.getcwd(), sys.path[0]]"
        )
        variables, shown, child, directory, first = json.loads(self.call(body, env=env, framed=True).answers[0].body)
        variables.pop("_X_AMZN_TRACE_ID")
        root = variables["LAMBDA_TASK_ROOT"]
        self.assertEqual((directory, first), (root, root))
        for name, value in env.items():
            self.assertEqual(variables[name], value)
        self.assertEqual([name for name in variables if name.startswith("_MARTLET")], [])
        # What the process was started with is not to be seen any more; what the bootstrap took out is.
        variables.pop("LC_CTYPE", None)
        self.assertEqual(
            {v for v in shown if not v.startswith("_LAMBDA_TELEMETRY")}, {"%s=%s" % v for v in variables.items()})
        self.assertLessEqual({"%s=%s" % v for v in variables.items()}, set(child))

    def test_descriptors_are_those_of_every_process(self):
        body = source("import os; return sorted(int(n) for n in os.listdir('/proc/self/fd'))[:-1]")
        self.assertEqual(json.loads(self.call(body, framed=True).answers[0].body), [0, 1, 2, 3, 4])

    def test_own_modules_hide_those_that_are_loaded_already(self):
        files = {"socket.py": "mine = 1", "hmac/__init__.py": "mine = 2", "http/__init__.py": "mine = 3"}
        body = source("import socket, hmac, http; return [socket.mine, hmac.mine, http.mine]")
        self.assertEqual(self.call(body, files=files).answers[0].body, b"[1, 2, 3]")

    def test_what_is_no_module_hides_nothing(self):
        files = {"email/template.html": "x", "ssl/ca.pem": "x", "socket.json": "{}", "http.txt": "x"}
        body = source(
            "import http.client, urllib.request, email.message\n"
            "    return [issubclass(urllib.request.http.client.RemoteDisconnected, http.client.HTTPException),"
            " issubclass(http.client.HTTPMessage, email.message.Message)]")
        self.assertEqual(self.call(body, files=files).answers[0].body, b"[true, true]")

    def test_logging_is_configured_where_it_was_given_up(self):
        files = {"queue.py": "class Empty(Exception): pass\nclass Full(Exception): pass\nmine = 1"}
        body = source(
            "import logging, queue\n"
            "    logging.error('seen')\n"
            "    return [queue.mine, len(logging.getLogger().handlers), logging.makeLogRecord({}).relativeCreated < 60000]")
        outcome = self.call(body, files=files, framed=True)
        self.assertEqual(outcome.answers[0].body, b"[1, 1, true]")
        self.assertTrue(outcome.frames[0].startswith("[ERROR]\t") and "\tseen" in outcome.frames[0], outcome.frames)

    def test_usual_modules_are_there(self):
        body = source("import sys; return [n for n in ('ssl', 'http.client', 'logging') if n not in sys.modules]")
        self.assertEqual(self.call(body).answers[0].body, b"[]")

    def test_without_a_function_it_ends(self):
        with self.assertRaises(subprocess.TimeoutExpired):
            self.wait_unassigned(closes=False)
        self.assertEqual(self.wait_unassigned(closes=True), 0)

    def wait_unassigned(self, closes):
        """The exit code of a process that is never assigned; the platform goes away or stays."""
        api = FakeRuntimeAPI([])
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        env = {"AWS_LAMBDA_RUNTIME_API": api.address, "PYTHONDONTWRITEBYTECODE": "1", "_MARTLET_BLANK": "."}
        process = popen_numbered(self.command, {4: theirs.fileno()}, env=env)
        theirs.close()
        try:
            with ours:
                self.assertEqual(ours.recv(100), b"ready")
                if closes:
                    ours.close()
                return process.wait(120 if closes else 0.2)
        finally:
            process.kill()
            process.wait()
            api.join()


# A class for each interpreter: a failure names it.
for found in interpreters("python3"):
    version = subprocess.run([found, "-c", VERSION], capture_output=True, text=True).stdout.strip()
    for case in (PythonBootstrap, BlankPythonBootstrap):
        name = "%s_%s" % (case.__name__, version)
        globals()[name] = type(name, (case, unittest.TestCase), {"python": found})


if __name__ == "__main__":
    unittest.main()
