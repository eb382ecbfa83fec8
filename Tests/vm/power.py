# SPDX-License-Identifier: Apache-2.0
"""Power cuts: what the server acknowledged is there after the next start, whatever its disk had not yet been told to keep.

The guest's disk logs every write and every flush (qemu's blklogwrites). After the cut the disk is made anew from that log: all
that was written before the last flush, and of what came later all, nothing or a random part, in that order of rounds. A write
that was not flushed may be lost by any disk, and one that overtook it may be there.
"""

import os
import random
import shutil
import struct
import time

import image
import machine

ROUNDS = int(os.environ.get("MARTLET_POWER_ROUNDS", "4"))
BOOT_SECONDS = 400
DISK_MEGABYTES = 256
# Of the log, as of the Linux dm-log-writes target: Documentation/admin-guide/device-mapper/log-writes.rst.
MAGIC, SECTOR, DISCARD = 0x6A736677736872, 512, 4


class Log:
    """The writes in qemu's log, in order, and how many of them were followed by a flush."""

    def __init__(self, path):
        self.file = open(path, "rb")
        magic, _, self.flushed, sector = struct.unpack("<QQQI", self.file.read(28))
        if magic != MAGIC or sector != SECTOR:
            raise image.Unavailable(f"{path} is no log of writes")

    def __iter__(self):
        position, index = SECTOR, 0
        while True:
            self.file.seek(position)
            header = self.file.read(32)
            if len(header) < 32:
                return
            sector, count, flags, _ = struct.unpack("<QQQQ", header)
            if (sector, count, flags) == (0, 0, 0):
                return
            length = 0 if flags & DISCARD else count * SECTOR
            self.file.seek(position + SECTOR)
            content = self.file.read(length)
            if len(content) < length:
                # The cut came in the middle of it.
                return
            yield index, sector * SECTOR, content
            position, index = position + SECTOR + length, index + 1


def after_cut(disk, log, keep):
    """Writes to the image as it was at the boot what the log says; `keep` decides on each write that no flush followed."""
    dropped = 0
    with open(disk, "r+b") as file:
        for index, offset, content in log:
            if index < log.flushed or keep():
                file.seek(offset)
                file.write(content)
            else:
                dropped += 1
    return dropped


class Model:
    """What has to be there: the state acknowledged last, or the one that was asked for when the power went."""

    def __init__(self):
        self.functions, self.asked, self.acknowledged = {}, None, 0

    def ask(self, event):
        self.asked = event

    def acknowledge(self, event):
        assert event["number"] == self.asked["number"]
        self.functions = self.after(self.asked)
        self.acknowledged += 1
        self.asked = None

    def after(self, asked):
        functions = {name: dict(state) for name, state in self.functions.items()}
        name = asked["name"]
        if asked["change"] == "delete":
            functions.pop(name)
        else:
            state = functions.setdefault(name, {})
            state.update({key: asked[key] for key in ("sha256", "result", "description") if key in asked})
        return functions

    def check(self, found):
        """Nil, or what is wrong; then goes on from what was found."""
        allowed = [self.functions] + ([self.after(self.asked)] if self.asked else [])
        wrong = None if found in allowed else f"found {found}, acknowledged {self.functions}, asked {self.asked}"
        self.functions, self.asked = found, None
        return wrong


def one_round(outcome, kernel, root, model, number, seconds, keep, least=0):
    """A boot that finds what the last one left, changes things for that long, and loses its power.

    Not before `least` changes were acknowledged in all rounds, however slow the machine is.
    """
    disk, log = image.WORK / "disk.ext4", image.WORK / "disk.log"
    written = image.WORK / "disk.written"
    shutil.copyfile(disk, written)
    log.unlink(missing_ok=True)
    log.touch()
    nodes = [
        f"driver=file,node-name=f,filename={written}", "driver=raw,node-name=r,file=f", f"driver=file,node-name=l,filename={log}",
        "driver=raw,node-name=m,file=l", "driver=blklogwrites,node-name=disk,file=r,log=m"]
    guest = machine.Machine(
        kernel, root, f"vm.power={number}", image.WORK / "power.log", [part for node in nodes for part in ("-blockdev", node)]
        + ["-device", "virtio-blk-pci,drive=disk"])
    found, cut = False, None
    try:
        for event in guest.follow(BOOT_SECONDS, until=lambda: cut if model.acknowledged >= least else None):
            if event["kind"] == "found":
                found, cut = True, time.monotonic() + seconds
                wrong = model.check(event["functions"])
                if wrong:
                    outcome.fail(f"power cut {number}: {wrong}")
            elif event["kind"] == "asked":
                model.ask(event)
            elif event["kind"] == "acknowledged":
                model.acknowledge(event)
    except TimeoutError as error:
        if cut is None:
            outcome.fail(f"power cut {number}: {error}")
    if not found or time.monotonic() < cut:
        outcome.fail(f"power cut {number}: the guest ended by itself")
        return False
    dropped = after_cut(disk, Log(log), keep)
    print(f"vm: power cut {number}: {model.acknowledged} changes acknowledged so far, {dropped} unflushed writes lost", flush=True)
    return True


def run(outcome, kernel, root):
    seed = int(os.environ.get("MARTLET_POWER_SEED", time.time_ns() % 1_000_000))
    print(f"vm: power cuts with MARTLET_POWER_SEED={seed}", flush=True)
    generator, model, before = random.Random(seed), Model(), len(outcome.failures)
    image.disk(image.WORK / "disk.ext4", DISK_MEGABYTES)
    keeps = [lambda: False, lambda: generator.random() < 0.5, lambda: True]
    survived = 0
    # The last boot only looks at what the cut before it has left.
    for number in range(ROUNDS + 1):
        seconds = generator.uniform(1, 8) if number < ROUNDS else 0
        failures = len(outcome.failures)
        least = ROUNDS if number == ROUNDS - 1 else 0
        if not one_round(outcome, kernel, root, model, number, seconds, keeps[number % len(keeps)], least):
            break
        survived += number > 0 and len(outcome.failures) == failures
    if survived < ROUNDS and len(outcome.failures) == before:
        outcome.fail(f"only {survived} of {ROUNDS} power cuts were looked at")
    if model.acknowledged < ROUNDS:
        outcome.fail(f"only {model.acknowledged} changes were acknowledged in {ROUNDS} rounds")
    failed = len(outcome.failures) - before
    outcome.line(f"vm: power cuts: {survived} passed, {failed} failed, {model.acknowledged} changes acknowledged")
