# SPDX-License-Identifier: Apache-2.0
"""Says that the guest as a whole goes on, and how it is; and who waits for what, when the driver does not go on."""

import time

from report import PROGRESS, log, read, state_of_processes, tell

PERIOD_SECONDS = 10
# Longer than a check that goes well takes; a whole run of sandbox tests may be longer, and is shown in its middle.
STALLED_SECONDS = 240


def available_mebibytes():
    return next(int(line.split()[1]) >> 10 for line in read("/proc/meminfo").splitlines() if line.startswith("MemAvailable:"))


shown = None
PROGRESS.touch()
while True:
    progress = PROGRESS.stat().st_mtime
    quiet = time.time() - progress
    tell("alive", load=read("/proc/loadavg"), available=available_mebibytes(), quiet=round(quiet))
    if quiet > STALLED_SECONDS and shown != progress:
        shown = progress
        log(state_of_processes())
    time.sleep(PERIOD_SECONDS)
