# SPDX-License-Identifier: Apache-2.0
"""One boot of the virtual machine: qemu under software emulation, and what the guest says over its serial console."""

import json
import queue
import shutil
import subprocess
import threading
import time

from image import Unavailable

MARK = "@vm "
EMULATOR = "qemu-system-x86_64"
# A guest that goes on says so every ten seconds, once it has booted.
SILENT_SECONDS = 240
# All that a check of the product waits for ends before, and is that check's failure; beyond it the kernel or the driver hangs.
STALLED_SECONDS = 720


class Machine:
    """A guest with the root image, which it can't change, and perhaps more devices."""

    def __init__(self, kernel_directory, root, arguments, log, devices=()):
        if shutil.which(EMULATOR) is None:
            raise Unavailable(f"{EMULATOR} is not installed")
        boot, = (kernel_directory / "boot").glob("vmlinuz-*")
        command = [
            EMULATOR, "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048", "-nodefaults", "-no-user-config",
            "-display", "none", "-no-reboot", "-serial", "stdio", "-monitor", "none", "-kernel", str(boot),
            "-append", f"console=ttyS0 loglevel=1 panic=-1 root=/dev/nvme0n1 ro init=/vm/guest/init {arguments}",
            # Debian's cloud kernel has this driver built in, so that no initramfs is needed.
            "-drive", f"file={root},format=raw,if=none,id=root,readonly=on", "-device", "nvme,drive=root,serial=root",
            *devices,
        ]
        self.log = open(log, "w")
        self.events = queue.Queue()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.log.write(line)
            self.log.flush()
            if line.startswith(MARK):
                try:
                    self.events.put(json.loads(line[len(MARK):]))
                except ValueError:
                    # Cut off in the middle of a line: it was not said.
                    continue
        self.events.put(None)

    def follow(self, seconds, until=lambda: None):
        """Yields what the guest tells, until it is off, or the time that `until` gives has come: then its power is cut.

        A guest that takes longer than `seconds`, or stands still as a whole, is cut off as well, and TimeoutError raised.
        """
        deadline = time.monotonic() + seconds
        alive = "it never ran"
        try:
            while True:
                end = min(until() or deadline, deadline)
                try:
                    event = self.events.get(timeout=max(0.0, min(end - time.monotonic(), SILENT_SECONDS)))
                except queue.Empty:
                    now = time.monotonic()
                    if until() and now >= end:
                        break
                    what = f"was not done within {seconds} s" if now >= deadline else f"said nothing for {SILENT_SECONDS} s"
                    raise TimeoutError(f"the guest {what}; {alive}") from None
                if event is None:
                    return
                if event["kind"] == "alive":
                    alive = f"at {event['at']} s: load {event['load']}, {event['available']} MiB to be had, {event['quiet']} s at one check"
                    if event["quiet"] > STALLED_SECONDS:
                        raise TimeoutError(f"the guest does not go on; {alive}")
                    continue
                yield event
        finally:
            self.cut()
        # What it had said by then counts.
        while not self.events.empty():
            event = self.events.get()
            if event is not None:
                yield event

    def cut(self):
        """The power: qemu is killed where it stands."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(10)
        self.log.close()
