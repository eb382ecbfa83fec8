# SPDX-License-Identifier: Apache-2.0
"""docs/guide.md: its commands do as they stand there, one after the other, and print what it says."""

import collections
import difflib
import os
import re
import subprocess
import sys
import time

from harness import BINARY, PYTHON, ROOT

GUIDE = ROOT / "docs/guide.md"
# Commands, and what they print where the guide shows it.
BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:\n?```text\n(.*?)^```\n)?", re.M | re.S)
# What differs from one run to the next.
VARYING = [
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b(?:[0-9a-f]{64}|[a-z0-9]{32})\b"), "ID"),
    (re.compile(r"\b\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|\+\d\d:?\d\d)?)?"), "TIME"),
    (re.compile(r"\b\d{4}-\d\d\b"), "MONTH"),
    (re.compile(r"\d+(?:\.\d+)? (ms|MB|MiB|GB-s)\b"), r"N \1"),
    (re.compile(r"(?<![\d.])\d+\.\d+\b(?!\.)"), "N"),
    (re.compile(r"\b1[0-9]{9}\b"), "N"),
    (re.compile(r"python:3\.\d+\.v\d+\.\d+\.\d+"), "PYTHON"),
    (re.compile(r"\b\d+ bytes\b"), "N bytes"),
    (re.compile(r"(127\.0\.0\.1|localhost):\d+"), r"\1:PORT"),
    (re.compile(r"[ \t]+"), " "),
    # The bill's times.
    (re.compile(r" \d+ (?:\d+|N) N N$", re.M), " N N N N"),
    (re.compile(r"-{2,}"), "--"),
    (re.compile(r" $", re.M), ""),
]
# The server's own log, which shares the terminal.
OWN_LOG = re.compile(r"^\d{4}-\d\d-\d\dT\S+ (trace|debug|info|notice) .*\n", re.M)


def blocks():
    """With the Python that is here."""
    return BLOCK.findall(GUIDE.read_text().replace("python3.12", PYTHON))


def same_each_time(text):
    for pattern, replacement in VARYING:
        text = pattern.sub(replacement, text)
    return text


class Shell:
    """One bash, as a reader of the guide has it open, in an empty home directory."""

    def __init__(self, home):
        self.home, self.output = home, home.parent / "output"
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MARTLET_"))}
        environment.update(
            HOME=str(home), PATH=f"{BINARY.resolve().parent}:{os.path.dirname(sys.executable)}:{environment['PATH']}", AWS_PAGER="",
            MARTLET_DATA=str(home / "data"), MARTLET_LISTEN="127.0.0.1:0")
        self.writer = open(self.output, "wb")
        self.process = subprocess.Popen(
            ["bash"], cwd=home, env=environment, stdin=subprocess.PIPE, stdout=self.writer, stderr=subprocess.STDOUT, text=True)

    def said(self, start):
        return self.output.read_bytes()[start:].decode(errors="replace")

    def run(self, commands, expected, seconds=120):
        """Runs commands, and waits for what they are to print: what runs in the background may be late."""
        start = self.output.stat().st_size
        script, end = self.home.parent / "block", self.home.parent / "end"
        script.write_text(commands)
        end.unlink(missing_ok=True)
        self.process.stdin.write(f". {script} < /dev/null; echo $? > {end}.new; mv {end}.new {end}\n")
        self.process.stdin.flush()
        deadline = time.monotonic() + seconds
        wanted = same_each_time(expected)
        while True:
            is_over = end.exists()
            said = OWN_LOG.sub("", self.said(start))
            if is_over and (not expected or same_each_time(said) == wanted):
                assert end.read_text().strip() == "0", f"{commands}\nended with {end.read_text()}{said}"
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                difference = difflib.unified_diff(
                    wanted.splitlines(), same_each_time(said).splitlines(), "guide", "seen", lineterm="")
                raise AssertionError(f"{commands}\nprinted:\n{said}\n" + "\n".join(difference))
            time.sleep(0.05)

    def close(self):
        """Ends the shell, and with it what it has left running."""
        try:
            self.process.stdin.write("kill $(jobs -p) 2>/dev/null; wait\n")
            self.process.stdin.close()
            self.process.wait(90)
        finally:
            self.writer.close()
            if self.process.poll() is None:
                self.process.kill()


def test_the_commands_do_what_the_guide_shows(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    found = blocks()
    assert len(found) >= 10 and sum(bool(expected) for _, expected in found) >= 8
    shell = Shell(home)
    try:
        for commands, expected in found:
            shell.run(commands, expected)
    finally:
        shell.close()


def anchors(page):
    """Of a page's headings, as GitHub makes them."""
    found = collections.Counter()
    for heading in re.findall(r"^#{1,6} +(.*?) *#*$", re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S), re.M):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        yield f"{slug}-{found[slug]}" if found[slug] else slug
        found[slug] += 1


def test_what_the_pages_link_to_is_there():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target, anchor in re.findall(r"\]\(([^)#\s:]*)(?:#([^)\s]*))?\)", page.read_text()):
            linked = page.parent / target if target else page
            assert linked.exists(), f"{page.name} links to {target}"
            if anchor and linked.suffix == ".md":
                assert anchor in anchors(linked), f"{page.name} links to {target}#{anchor}"
