# SPDX-License-Identifier: Apache-2.0
"""Runs the sandbox tests in one setting, and counts what became of each."""

import re
import subprocess

from report import Checks, log, state_of_processes, tell, wait_until

BUNDLE = "/vm/tests.xctest"
SECONDS_MAX = 600


def run(setting, suites):
    checks = Checks(f"{setting.name}, sandbox tests")
    command = [BUNDLE, "--testing-library", "swift-testing", "--no-parallel", "--filter", rf"^SandboxTests\.{suites}"]
    environment = setting.environment(
        MARTLET_SPAWNER="/vm/martlet-spawner", MARTLET_TEST_CONTROL_GROUPS=str(setting.version))
    output = f"{setting.home}/tests.log"
    with open(output, "w") as file:
        process = setting.start(command, environment, stdout=file, stderr=subprocess.STDOUT)
        try:
            status = process.wait(SECONDS_MAX)
        except subprocess.TimeoutExpired:
            log(state_of_processes())
            process.kill()
            process.wait()
            status = f"nothing after {SECONDS_MAX} s"
    text = open(output).read()
    for line in text.splitlines():
        # "attempt(_:) with 38 test cases" is one test by its runner's count, and ours.
        result = re.match(r"([✔✘➜]) Test (?!run |case )(.*?) (passed|failed|skipped)", line)
        if result and result[3] == "skipped":
            checks.skipped.append(result[2])
        elif result:
            count(checks, result[2], result[3] == "passed")
    closing = re.search(r"Test run with (\d+) tests? in \d+ suites? (passed|failed)", text)

    def ended():
        assert closing and closing[2] == "passed" and status == 0, f"status {status}, {closing and closing[0]}"
        seen = checks.passed + checks.failed + len(checks.skipped)
        assert int(closing[1]) > 0 and int(closing[1]) >= seen - len(checks.skipped), f"{closing[0]}, but {seen} were seen"

    if not checks.check("the run as a whole", ended):
        log(text[-20_000:])
        log(subprocess.run(["dmesg"], capture_output=True, text=True).stdout[-4_000:])

    def left():
        # The spawner ends by itself when whoever started it is gone.
        try:
            wait_until(lambda: not setting.left(), 120, "nothing left")
        except AssertionError:
            raise AssertionError(f"{setting.left()}") from None

    checks.check("no control group is left", left)
    setting.restore()
    checks.close()


def count(checks, name, passed):
    if passed:
        checks.passed += 1
    else:
        checks.failed += 1
        tell("failed", configuration=checks.configuration, name=name, error="see the log")
