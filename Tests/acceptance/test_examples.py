# SPDX-License-Identifier: Apache-2.0
"""The examples, each by its one command."""

import os
import re
import subprocess

from harness import BINARY, ROOT


def run(example):
    result = subprocess.run(
        [ROOT / "examples" / example / "run.sh"], env=dict(os.environ, MARTLET_BIN=str(BINARY.resolve())), capture_output=True,
        text=True, timeout=600)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_orders_through_a_queue():
    output = run("order-queue")
    # Seventeen are taken once, three are tried twice and end as dead letters.
    assert output.count(" euros\n") == 17 and output.count("is no order that can be filled") == 6
    assert output.index("What is left") < output.index('{"number": 13}') < output.index("The bill")


def test_a_nightly_schedule():
    output = run("nightly-schedule")
    # The one that was missed while the server was down ran, under one id.
    assert len(set(re.findall(r"report ([0-9a-f-]{36}) for .* asked for at", output))) == 1
    assert output.count(" euros\n") >= 3
    assert output.index("asked for at") < output.index("What is left") < output.index("nightly\tENABLED") < output.index("The bill")


def test_an_access_log_by_windows():
    output = run("clickstream")
    # The same lines in every run; which window they are in is their time's doing.
    totals = re.findall(r"^requests=(\d+) bytes=(\d+) errors=(\d+)$", output, re.M)
    assert len(totals) == 2 and totals[0] == totals[1] and totals[0][0] == "6000"
    windows = re.findall(r"^window \S+ (\S+) requests=(\d+) .* strange=0 most=/", output, re.M)
    assert {shard for shard, _ in windows} == {"shardId-000000000000", "shardId-000000000001"}
    assert sum(int(count) for _, count in windows) == 6000 and len(windows) >= 4
    assert output.index("The access log") < output.index("What each window") < output.index("The bill")
