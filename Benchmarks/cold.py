# SPDX-License-Identifier: Apache-2.0
"""First invocations of functions that say hello, in Python and in Node.js, beside the start of the bare interpreters, and beside sandboxes of
others in which Python says it.

One at a time, each when an environment can be ready for it: MARTLET_BENCH_POOL names another way to begin than fork.
"""

import contextlib
import os
import subprocess
import time

from harness import NODE, PYTHON, ROLE, wait_until, zip_of
from sandboxes import Sandboxes

COLD = int(os.environ.get("MARTLET_BENCH_COLD", 200))
POOL = os.environ.get("MARTLET_BENCH_POOL", "fork")
# Others' sandboxes are measured beside each so-and-so-many of ours.
EVERY = {"bubblewrap": 4, "crun": 4, "podman": 12}
# Label, settings, files, the floor's command, goals of p50 and p99.
KINDS = [
    ("Python", {"Runtime": PYTHON, "Handler": "app.handler"}, {"app.py": "def handler(event, context): return 'hello'"},
     ["/usr/bin/python3", "-c", "pass"], 1 / 3, 1),
    ("Node.js", {"Runtime": NODE, "Handler": "app.handler"}, {"app.js": "exports.handler = async () => 'hello'"},
     ["node", "-e", "0"], 0.15, None),
]


def function(label, number):
    return f"{label[0].lower()}-{number}"


def deploy(server, kinds):
    client = server.client()
    for label, settings, files, _, _, _ in kinds:
        for number in range(COLD):
            client.create_function(
                FunctionName=function(label, number), Role=ROLE, MemorySize=1792, Code={"ZipFile": zip_of(files)}, **settings)
    last = function(kinds[-1][0], COLD - 1)
    wait_until(lambda: client.get_function_configuration(FunctionName=last)["State"] == "Active", 120, "functions active")
    time.sleep(2)


def cold(server_of, connection_of, quantile, results):
    kinds = [kind for kind in KINDS if kind[1]["Runtime"]]
    calls, floors = ({kind[0]: [] for kind in kinds} for _ in range(2))
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(
            contextlib.closing(server_of("--pool", POOL, "--keep-alive", "1s", "--account-concurrency", "1000")))
        sandboxes = stack.enter_context(contextlib.closing(Sandboxes()))
        # Of each other sandbox, and of the first invocations just before.
        others, besides = ({name: [] for name in sandboxes.commands} for _ in range(2))
        server.start()
        deploy(server, kinds)
        connection = connection_of(server)
        for number in range(COLD):
            for label, _, _, command, _, _ in kinds:
                path, body = f"/2015-03-31/functions/{function(label, number)}/invocations", b"{}"
                headers = connection.sign("POST", path, body)
                data, elapsed = connection.send("POST", path, headers, body)
                assert data == b'"hello"', data
                calls[label].append(elapsed)
                # What was taken is made anew; the floor is measured when that is done.
                time.sleep(0.4)
                start = time.perf_counter()
                subprocess.run(command, check=True)
                floors[label].append((time.perf_counter() - start) * 1_000)
            for name, times in others.items():
                if number % EVERY[name] == 0:
                    times.append(sandboxes.milliseconds(name))
                    besides[name].append(calls["Python"][-1])
                    # Podman works on when it has ended, and so does the kernel with the namespaces of each.
                    time.sleep(1 if name == "podman" else 0.4)
        add(results, quantile, kinds, calls, floors)
        for name, times in others.items():
            results.add(
                f"a cold invocation, Python, --pool {POOL}, p50, beside {name}", quantile(besides[name], 0.5), "ms", name,
                quantile(times, 0.5))


def add(results, quantile, kinds, calls, floors):
    for label, _, _, command, median_goal, p99_goal in kinds:
        for what, share, goal in (("p50", 0.5, median_goal), ("p99", 0.99, p99_goal)):
            results.add(
                f"a cold invocation, {label}, --pool {POOL}, {what}", quantile(calls[label], share), "ms",
                " ".join(command[-3:]).replace("/usr/bin/", ""), quantile(floors[label], share), goal)
