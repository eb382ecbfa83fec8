# SPDX-License-Identifier: Apache-2.0
"""What the guest tells the host, over its console: one JSON object in a line, behind a mark."""

import glob
import json
import os
import pathlib
import subprocess
import sys
import time

MARK = "@vm "
# Touched as a check begins and as it ends.
PROGRESS = pathlib.Path("/run/vm-progress")


def tell(kind, **facts):
    sys.stdout.write(MARK + json.dumps({"kind": kind, "at": round(time.monotonic(), 1), **facts}) + "\n")
    sys.stdout.flush()


def log(text):
    """For whoever looks for the cause of a failure."""
    for line in text.splitlines():
        sys.stdout.write(f"    {line}\n")
    sys.stdout.flush()


class Checks:
    """Named checks of one configuration: each is told as it ends, and a failed one does not stop the others."""

    def __init__(self, configuration):
        self.configuration = configuration
        self.passed, self.failed, self.skipped = 0, 0, []

    def check(self, name, action):
        PROGRESS.touch()
        try:
            action()
        except Exception as error:  # Whatever it was, it is this check's failure.
            self.failed += 1
            tell("failed", configuration=self.configuration, name=name, error=f"{type(error).__name__}: {error}")
            return False
        finally:
            PROGRESS.touch()
        self.passed += 1
        tell("passed", configuration=self.configuration, name=name)
        return True

    def close(self):
        tell("closed", configuration=self.configuration, passed=self.passed, failed=self.failed, skipped=self.skipped)


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            PROGRESS.touch()
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s; last was {value!r}")


def read(path):
    with open(path) as file:
        return file.read().strip()


def children_of_group(path):
    return sorted(name for name in os.listdir(path) if os.path.isdir(os.path.join(path, name)))


def state_of_processes():
    """Who waits for what, when something hangs."""
    text = subprocess.run(["ps", "axfo", "pid,ppid,stat,wchan:30,args"], capture_output=True, text=True).stdout
    for path in sorted(glob.glob("/proc/[0-9]*/task/*/stack")):
        try:
            name, stack = read(os.path.dirname(path) + "/comm"), read(path)
        except OSError:
            continue
        if name.startswith(("tests", "martlet", "python3", "mke2fs", "mkfs")):
            text += f"{path} {name}\n{stack}\n"
    return text
