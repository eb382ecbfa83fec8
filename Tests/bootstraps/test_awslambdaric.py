# SPDX-License-Identifier: Apache-2.0
"""Our Python bootstrap beside AWS's own runtime client: same payloads, same log lines.

Needs a Python that has `awslambdaric` (PyPI) installed, named by MARTLET_TEST_AWSLAMBDARIC; skipped without.
What is knowingly different is in KNOWN.
"""

import os
import re
import unittest

import test_python
from fake_runtime_api import BOOTSTRAPS, Event, run

PYTHON = os.environ.get("MARTLET_TEST_AWSLAMBDARIC")
JSON_LOGS = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "DEBUG"}
CONTEXT = {
    "Lambda-Runtime-Client-Context": '{"client":{"app_title":"t"},"custom":{"a":1}}',
    "Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId":"ci","cognitoIdentityPoolId":"cp"}',
}

# Ours answers with a MarshalError where AWS's client dies of text that no UTF-8 can hold.
KNOWN = ["return '\\ud800'"]

MORE = [
    "return '\u00fc\\u2028\U0001f600'",
    "return 1e400, 1e22, 0.1, -0.0, 10**30",
    "import fractions; return fractions.Fraction(1, 2)",
    "import collections; return collections.OrderedDict(a=1)",
    "import decimal; return [decimal.Decimal('Infinity'), decimal.Decimal('1E+5'), -decimal.Decimal('NaN')]",
    "return b'\\xff'",
    "return c",
    "return (i for i in ())",
    "import enum; return enum.Enum('C', 'A', type=str).A",
    "import urllib.parse; return urllib.parse.urlsplit('http://a/b')",
    "import time; return time.gmtime(0)",
    "return {1: 2, '1': 3, 1.5: 2, None: 1, True: 2, False: 1}",
    "return repr(c) + str(c.client_context) + str(c.identity)",
    "raise KeyError('k') from ValueError('x')",
    "raise Exception('multi\\nline')",
    "raise OSError(2, 'm', 'f')",
    "eval('1+')",
    "assert 0",
    "import logging; logging.getLogger().error('x\\ny', exc_info=ValueError('q'))",
    "import logging; logging.getLogger('q.r').critical('c'); logging.warning({'a': 1})",
    "c.log('z')",
]

MORE_JSON = [
    "import logging; logging.info('i', extra={'z': [1]}); logging.getLogger('n').debug({'d': 1}); logging.log(35, 'o')",
    "import logging\n    try: 1 / 0\n    except Exception: logging.exception('ex')\n    raise ValueError('v\\nw')",
    "import logging; logging.warning({'a': 1}); logging.error('%(x)s', {'x': 2})",
    "import logging; logging.warning('\u00fc\\n\U0001f600', extra={'d': object, 's': {1}, 'n': None, 'level': 'own'})",
    "import logging; logging.error('s', stack_info=True); logging.error('t', extra={'tenantId': 1, 'stackTrace': 2})",
    "import logging, asyncio\n    async def f(): logging.error('in a task')\n    asyncio.run(f())",
    "import logging; logging.getLogger('a').setLevel(5); logging.getLogger('a').log(7, 'low'); logging.log(99, 'high')",
    "import logging; h = logging.getLogger().handlers[0]; h.setFormatter(logging.Formatter('%(name)s %(message)s\\n'));"
    " logging.error('plain')",
    "raise type('E', (Exception,), {'__str__': lambda s: ''})()",
    "import logging; logging.warning('w', exc_info=KeyError('k')); return set()",
    "c.log('text')",
]

LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "NOTSET", "bogus", ""]


def normal(text):
    text = re.sub(r"/[\w./-]*/bootstrap-test-\w+", "/var/task", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME", text)
    # A notice about updates of AWS's managed runtimes, which we don't have.
    text = re.sub(r'\{"timestamp": "TIME", "level": "WARNING", "message": "LAMBDA_WARNING[^\n]*\n?', "", text)
    return re.sub(r"\[WARNING\]\tTIME\t\tLAMBDA_WARNING[^\n]*\n?", "", text)


@unittest.skipUnless(PYTHON, "MARTLET_TEST_AWSLAMBDARIC names no Python with awslambdaric")
class BesideAWS(unittest.TestCase):
    maxDiff = None

    def observe(self, command, source, handler, event, framed, env, headers):
        events = [Event(event, headers=dict(CONTEXT, **headers))]
        outcome = run(command, {"app.py": source}, handler, events, env=env, framed=framed, kill=True)
        frames = [normal(f.rstrip("\r\n")) for f in outcome.frames]
        return {
            "answers": [(r.path, normal(r.body.decode("utf-8", "replace"))) for r in outcome.answers],
            "types": [r.headers["content-type"] for r in outcome.answers if r.path.endswith("/response")],
            # With their types.
            "frames": [(t, f) for t, f in zip(outcome.frame_types, frames) if f],
            "output": normal(outcome.output),
        }

    def compare(self, source, handler="app.h", event="{}", env=None, headers=None):
        version = os.path.basename(os.path.realpath(PYTHON)).replace("python", "")
        env = dict(env or {}, AWS_EXECUTION_ENV="AWS_Lambda_python" + version)
        for framed in (True, False):
            with self.subTest(source=source, handler=handler, framed=framed):
                rest = (source, handler, event, framed)
                theirs = self.observe(
                    [PYTHON, "-m", "awslambdaric", handler], *rest, dict(env, PYTHONPATH="."), headers or {}
                )
                ours = self.observe(
                    [PYTHON, os.path.join(BOOTSTRAPS, "python/bootstrap.py")], *rest, env, headers or {}
                )
                self.assertEqual(ours, theirs)

    def test_results(self):
        for body, event, _ in test_python.RESULTS:
            self.compare(test_python.source(body), event=event)

    def test_errors(self):
        for body, _, _ in test_python.ERRORS:
            if body not in KNOWN:
                self.compare(test_python.source(body))

    def test_failures_of_the_initialisation(self):
        # Not the last two: we leave the import system's frames out of their stack traces.
        for body, handler, _, _, trace in test_python.INIT_FAILURES:
            if trace == [] or body == "def h(:":
                self.compare(body, handler)

    def test_more(self):
        for body in MORE:
            self.compare(test_python.source(body))
        for body in MORE_JSON:
            self.compare(test_python.source(body), env=JSON_LOGS)

    def test_levels(self):
        body = "import logging; [logging.log(n, 'm') for n in range(0, 60, 5)]; logging.getLogger('x').debug('d')"
        for level in LEVELS:
            for form in ("JSON", "Text"):
                self.compare(
                    test_python.source(body), env={"AWS_LAMBDA_LOG_FORMAT": form, "AWS_LAMBDA_LOG_LEVEL": level}
                )

    def test_failures_of_the_initialisation_in_json(self):
        for body, handler, _, _, trace in test_python.INIT_FAILURES:
            if trace == [] or body == "def h(:":
                self.compare(body, handler, env=JSON_LOGS)

    def test_tenants(self):
        source = test_python.source("import logging; logging.error('m'); return [c.tenant_id, repr(c)]")
        for env in ({}, JSON_LOGS):
            self.compare(source, env=env, headers={"Lambda-Runtime-Aws-Tenant-Id": "t-1"})

    def test_trace_ids(self):
        source = test_python.source("import os; return os.environ.get('_X_AMZN_TRACE_ID')")
        for value in (None, "Root=1-0;Parent=2;Sampled=1"):
            self.compare(source, headers={"Lambda-Runtime-Trace-Id": value})


if __name__ == "__main__":
    unittest.main()
