# SPDX-License-Identifier: Apache-2.0
"""Runs what needs a kernel of its own: cgroup v2 in every form that a user has it in, and power cuts.

usage: run.py DEBUG RELEASE [suites|servers|power]…: the build folders, and what is run (all).
"""

import collections
import pathlib
import sys
import time

import image
import machine
import power

# How long one boot may take altogether, about six times what two idle cores need.
BOOT_SECONDS = 1_800
CONFIGURATIONS = {
    "suites": ("root", "delegated", "shell", "plain", "container"),
    "servers": ("root", "delegated", "shell", "partial", "plain", "container"),
}
# How often it is tried.
GUESTS = 2
# What a configuration runs at least; fewer means that something was not run.
TESTS_MIN = {"sandbox tests": 14, "server": 1}


class Outcome:
    def __init__(self):
        self.lines, self.failures, self.closed = [], [], set()
        self.told = collections.Counter()

    def fail(self, text):
        self.failures.append(text)
        print(f"vm: FAILED {text}", flush=True)

    def line(self, text):
        self.lines.append(text)
        print(text, flush=True)

    def take(self, event):
        """What the guest said of a check or of a whole configuration."""
        if event["kind"] == "passed":
            print(f"    {event['at']:.0f} s: {event['configuration']}: {event['name']}", flush=True)
        elif event["kind"] == "failed":
            self.told[event["configuration"]] += 1
            self.fail(f"{event['configuration']}: {event['name']}: {event['error']}")
        elif event["kind"] == "doctor":
            print(f"martlet doctor, {event['configuration']}:\n" + "".join(f"    {line}\n" for line in event["text"].splitlines()))
        elif event["kind"] == "closed":
            name = event["configuration"]
            self.closed.add(name)
            skipped = f", {len(event['skipped'])} not for this user" if event["skipped"] else ""
            self.line(f"vm: cgroup v2, {name}: {event['passed']} passed, {event['failed']} failed{skipped}")
            if event["failed"] > self.told[name]:
                self.fail(f"{name}: {event['failed']} failures, of which {self.told[name]} were told")
            if event["passed"] + event["failed"] < TESTS_MIN[name.rsplit(", ", 1)[1]]:
                self.fail(f"{name}: only {event['passed'] + event['failed']} tests ran")


def boot(outcome, kernel, root, what):
    """One guest that runs all configurations to their end.

    Where it hangs as a whole, which is not what a check says of the product, those that are left run in another one, once.
    """
    left = list(CONFIGURATIONS[what])
    for guest in range(GUESTS):
        try:
            if not run_guest(outcome, kernel, root, what, left):
                outcome.fail(f"{what}: the guest ended before it was done")
            break
        except TimeoutError as error:
            if guest + 1 == GUESTS:
                outcome.fail(f"{what}: {error}")
                break
            show_log(what)
            outcome.line(f"vm: {what}: {error}; what was left ({', '.join(left)}) ran in another guest")
    if left:
        outcome.fail(f"{what}: {', '.join(left)} did not run to their end")


def run_guest(outcome, kernel, root, what, left):
    """Takes the configurations that were run to their end off `left`; false where it ended before it was done."""
    done = False
    before = len(outcome.closed)
    names = list(left)
    for event in machine.Machine(kernel, root, f"vm.{what}={','.join(names)}", image.WORK / f"{what}.log").follow(BOOT_SECONDS):
        done = done or event["kind"] == "done"
        outcome.take(event)
        # They run in the order in which they were asked for.
        del left[:len(left) - len(names) + len(outcome.closed) - before]
    return done


def show_log(what):
    """The guest's own words are the cause of a failure; without the marked lines, which were read already."""
    path = image.WORK / f"{what}.log"
    if path.exists():
        lines = [line for line in path.read_text(errors="replace").splitlines() if not line.startswith(machine.MARK)]
        print(f"== end of {path}\n" + "\n".join(lines[-400:]))


def main(arguments):
    debug, release, *asked = arguments
    parts = asked or ["suites", "servers", "power"]
    outcome, start = Outcome(), time.monotonic()
    try:
        kernel = image.kernel()
        root = image.root_image(kernel, pathlib.Path(debug), pathlib.Path(release))
        print(f"vm: {kernel.name}, root image made in {time.monotonic() - start:.0f} s", flush=True)
        for part in parts:
            began, failures = time.monotonic(), len(outcome.failures)
            if part in CONFIGURATIONS:
                boot(outcome, kernel, root, part)
            elif part == "power":
                power.run(outcome, kernel, root)
            else:
                raise SystemExit(f"run.py: there is no part {part!r}")
            print(f"vm: {part} took {time.monotonic() - began:.0f} s", flush=True)
            if len(outcome.failures) > failures:
                show_log(part)
    except image.Unavailable as error:
        outcome.fail(f"the virtual machine can't be had: {error}")
    print("\n".join(["", *outcome.lines]))
    print(f"vm: {len(outcome.failures)} failures in {time.monotonic() - start:.0f} s")
    return 1 if outcome.failures or not outcome.lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
