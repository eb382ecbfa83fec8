# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus of one's own that scrapes one server, and what its samples are read with."""

import json
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
import pathlib

from harness import wait_until

SAMPLE = re.compile(r'([a-z_]+)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def samples(text):
    """Pairs of a name with its labels, and a value."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = SAMPLE.fullmatch(line).groups()
        found[name, frozenset(LABEL.findall(labels or ""))] = float(value)
    return found


def total(found, name, **labels):
    """The sum of all samples of that name that have such labels."""
    return sum(value for (each, has), value in found.items() if each == name and set(labels.items()) <= has)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Prometheus:
    def __init__(self, target, *, credentials=None, rules=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="martlet-prometheus-"))
        job = {"job_name": "martlet", "scrape_interval": "1s", "static_configs": [{"targets": [target]}]}
        if credentials:
            job["basic_auth"] = dict(zip(("username", "password"), credentials))
        config = {"global": {"evaluation_interval": "1s"}, "scrape_configs": [job]}
        if rules:
            config["rule_files"] = [str(rules)]
        # JSON is YAML.
        (self.directory / "prometheus.yml").write_text(json.dumps(config))
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={self.directory}/prometheus.yml", f"--storage.tsdb.path={self.directory}/data",
             f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"], cwd=self.directory)
        wait_until(self.is_ready, 60, "Prometheus ready")

    def is_ready(self):
        try:
            return urllib.request.urlopen(self.url + "/-/ready", timeout=5).status == 200
        except OSError:
            return False

    def get(self, path, **parameters):
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(parameters)}", timeout=30) as answer:
            return json.load(answer)["data"]

    def query(self, text):
        """The value of an expression of one element; nothing where it has none."""
        result = self.get("/api/v1/query", query=text)["result"]
        return float(result[0]["value"][1]) if result else None

    def wait_for_scrape(self):
        """A scrape that began after this was called."""
        now = time.time()
        wait_until(
            lambda: any(
                each["health"] == "up" and each["lastScrape"] and self.query("timestamp(up)") > now + 1
                for each in self.get("/api/v1/targets")["activeTargets"]), 60, "a scrape")

    def close(self):
        self.process.terminate()
        self.process.wait(60)
        shutil.rmtree(self.directory, ignore_errors=True)
