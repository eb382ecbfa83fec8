# SPDX-License-Identifier: Apache-2.0
"""A warm Python function that answers with its event, beside gunicorn and Flask that do the same, nginx that answers with the same bytes, and
ministack's function, alternating in one run."""

import contextlib
import os
import urllib.request

from load import load, request_of
from peers import Gunicorn, Ministack, Nginx
from queues import deploy

SECONDS = float(os.environ.get("MARTLET_BENCH_SECONDS", 4))
ROUNDS = int(os.environ.get("MARTLET_BENCH_ROUNDS", 3))
BODY = b'{"x": 1}'
SOURCE = "def handler(event, context): return event"
# Callers at once, and the memory size with which so many environments have room and none lacks processor time.
SIZES = ((1, 1_792), (16, 832), (64, 192))


def request_to_function(server, connection_of, name):
    """One signature for all: making it is the client's work."""
    path = f"/2015-03-31/functions/{name}/invocations"
    return server.url, request_of(server.url, "POST", path, connection_of(server).sign("POST", path, BODY), BODY)


def throughput(server_of, connection_of, python, quantile, results):
    with contextlib.ExitStack() as stack:
        server, *peers = [
            stack.enter_context(contextlib.closing(made()))
            for made in (lambda: server_of("--account-concurrency", "1000"), Gunicorn, lambda: Nginx(BODY.decode()))]
        server.start()
        for peer in peers:
            # What listens may have no worker yet.
            urllib.request.urlopen(urllib.request.Request(peer.url, BODY, {"Content-Type": "application/json"}), timeout=60).close()
        targets = {
            name: (peer.url, request_of(peer.url, "POST", "/", {"Content-Type": "application/json"}, BODY))
            for name, peer in zip(("gunicorn and Flask", "nginx"), peers)}
        for at_once, size in SIZES:
            name = f"echo-{at_once}"
            server.deploy(name, SOURCE, Runtime=python, MemorySize=size)
            targets["ours"] = request_to_function(server, connection_of, name)
            rates, times = alternate(targets, at_once)
            if at_once > 1:
                add_rates(results, f"warm invocations, Python, {at_once} callers", rates)
            else:
                add_times(results, quantile, times)
        with contextlib.closing(Ministack()) as ministack:
            deploy(ministack, "echo", SOURCE)
            pair = {"ours": request_to_function(server, connection_of, "echo-1"),
                    "ministack": request_to_function(ministack, connection_of, "echo")}
            _, times = alternate(pair, 1)
            for what, share, goal in (("p50", 0.5, 1 / 50), ("p99", 0.99, None)):
                results.add(
                    f"a warm invocation, Python, one caller, {what}, beside ministack", quantile(times["ours"], share), "ms",
                    "ministack", quantile(times["ministack"], share), goal)


def alternate(targets, at_once):
    """Answers a second of each round, and the milliseconds of all answers, by target."""
    rates, times = ({name: [] for name in targets} for _ in range(2))
    for _ in range(ROUNDS):
        for name, (url, request) in targets.items():
            rate, taken = load(url, request, at_once, SECONDS)
            rates[name].append(rate)
            times[name] += taken
    return rates, times


def add_times(results, quantile, times):
    for what, share, goal in (("p50", 0.5, 1), ("p99", 0.99, 3)):
        ours, label = quantile(times["ours"], share), f"a warm invocation, Python, one caller, {what}"
        results.add(label, ours, "ms", "gunicorn and Flask", quantile(times["gunicorn and Flask"], share), goal)
        results.add(f"{label}, beside nginx", ours, "ms", "nginx", quantile(times["nginx"], share))


def add_rates(results, label, rates):
    results.add(
        label, rates["ours"], "a second", "gunicorn and Flask", rates["gunicorn and Flask"], 1.5, more_is_better=True)
    results.add(f"{label}, beside nginx", rates["ours"], "a second", "nginx", rates["nginx"], more_is_better=True)
