# SPDX-License-Identifier: Apache-2.0
"""The hostile suite's own tools: counting, a neighbour, a look at the server's size, and a server of an ordinary user's."""

import contextlib
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
import threading
import time

import harness
from harness import Server

FUNCTIONS = pathlib.Path(__file__).resolve().parent / "functions"
# An answer of a warm neighbour on a machine that an aggressor and other tests keep busy.
NEIGHBOUR_SECONDS = 25


class Tally:
    """Counts each single try that must not succeed."""

    def __init__(self):
        self.attempts = 0
        self.contained = 0

    def check(self, results):
        """`results` maps what was tried to None, or to what it achieved."""
        self.attempts += len(results)
        escaped = {what: found for what, found in results.items() if found is not None}
        self.contained += len(results) - len(escaped)
        assert not escaped, escaped
        assert results

    def count(self, number=1):
        """For tries that a test has asserted itself."""
        self.attempts += number
        self.contained += number


class Neighbour:
    """A function that does nothing, beside those that do harm."""

    SOURCE = "def handler(event, context):\n    return {'answer': event}\n"

    def __init__(self, server, name="neighbour"):
        self.server, self.name = server, name
        server.deploy(name, self.SOURCE, MemorySize=128)
        server.invoke(name, 0)

    def answers(self, seconds=NEIGHBOUR_SECONDS):
        began = time.monotonic()
        assert self.server.invoke(self.name, 1) == {"answer": 1}
        took = time.monotonic() - began
        assert took < seconds, f"the neighbour took {took:.2f} s"
        return took

    @contextlib.contextmanager
    def undisturbed(self, seconds=NEIGHBOUR_SECONDS, pause=0.2):
        """Invokes it again and again while the body runs, and once more after."""
        stop, times, failures = threading.Event(), [], []

        def watch():
            while not stop.is_set():
                try:
                    times.append(self.answers(seconds))
                except Exception as error:  # noqa: BLE001: reported below, whatever it is
                    failures.append(repr(error))
                    return
                stop.wait(pause)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield times
        finally:
            stop.set()
            thread.join(300)
        assert not failures, failures
        assert times
        self.answers(seconds)


def source(name):
    return (FUNCTIONS / name).read_text()


def resident_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def oom_score_floor():
    """How low a function may put its own score: a spawner with CAP_SYS_RESOURCE keeps it where it has set it."""
    status = pathlib.Path("/proc/self/status").read_text()
    held = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:"))
    return 500 if held & 1 << 24 else 0


class Size:
    """The most memory and descriptors that a server had while the body ran."""

    def __init__(self, server):
        self.pid = server.process.pid
        self.before_kib, self.before_descriptors = resident_kib(self.pid), descriptors(self.pid)
        self.most_kib, self.most_descriptors = self.before_kib, self.before_descriptors

    def __enter__(self):
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self):
        while not self._stop.wait(0.05):
            self.most_kib = max(self.most_kib, resident_kib(self.pid))
            self.most_descriptors = max(self.most_descriptors, descriptors(self.pid))

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join()

    @property
    def grown_mib(self):
        return (self.most_kib - self.before_kib) / 1024

    @property
    def grown_descriptors(self):
        return self.most_descriptors - self.before_descriptors


class UserServer(Server):
    """The same server, run by an ordinary user who has no control group."""

    USER = "nobody"

    def __init__(self, *options, **arguments):
        user = pwd.getpwnam(self.USER)
        # The tree may lie where the user may not go.
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="martlet-hostile-"))
        self.home.chmod(0o755)
        for program in ("martlet", "martlet-spawner", "libmartlet-zygote.so"):
            shutil.copy2(harness.BINARY.with_name(program), self.home / program)
        data = self.home / "data"
        data.mkdir(mode=0o700)
        os.chown(data, user.pw_uid, user.pw_gid)
        super().__init__(*options, data=data, **arguments)

    def command(self):
        user = pwd.getpwnam(self.USER)
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
                str(self.home / "martlet"), *super().command()[1:]]

    def close(self):
        try:
            super().close()
        finally:
            shutil.rmtree(self.home, ignore_errors=True)


def run(*command, **arguments):
    return subprocess.run(command, check=True, capture_output=True, text=True, **arguments)
