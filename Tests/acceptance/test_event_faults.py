# SPDX-License-Identifier: Apache-2.0
"""Numbered events of every kind of source, while the server is killed, its disk is full, and the function fails, hangs and is throttled."""

import json
import os
import pathlib
import random
import subprocess
import tempfile
import threading
import time

import pytest

from aws_services import Services
from event_faults import FUNCTION, Filler, Producer, Recorder, World
from harness import Server, children, wait_until

ROUNDS = int(os.environ.get("MARTLET_FAULT_ROUNDS", "10"))
# Of each source in each round.
EVENTS = 12
# Time that all events have to come to their end on a busy machine, in seconds.
WAIT = 300
# MiB of the data directory's file system.
DISK = 192


@pytest.fixture
def small_disk():
    """A file system that can be filled without harm to others."""
    with tempfile.TemporaryDirectory(prefix="martlet-disk-") as directory:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}m,mode=0700", "martlet", directory], check=True)
        try:
            yield pathlib.Path(directory)
        finally:
            subprocess.run(["umount", "--lazy", directory], check=True)


@pytest.fixture
def no_disk():
    return None


@pytest.fixture
def recorder():
    recorder = Recorder()
    yield recorder
    recorder.close()


@pytest.fixture
def own():
    return None


@pytest.fixture
def moto():
    services = Services()
    yield services
    services.close()


class Faults:
    def __init__(self, server, chance, disk):
        self.server, self.chance, self.disk = server, chance, disk
        # Processes of servers that were killed, which are to be gone in the end.
        self.pids = []
        self.seen = dict.fromkeys(["kill", "throttle"] + (["fill"] if disk else []), 0)
        self.probes = 0

    def round(self, world, turn):
        self.world = world
        producers = [Producer(world, source, turn, EVENTS, self.chance) for source in world.senders]
        [producer.start() for producer in producers]
        faults = list(self.seen) + ["kill"]
        self.chance.shuffle(faults)
        for fault in faults:
            time.sleep(self.chance.uniform(0.1, 0.6))
            getattr(self, fault)()
            self.seen[fault] += 1
        for producer in producers:
            producer.join(WAIT)
            producer.is_stopped.set()
            assert not producer.is_alive(), f"{producer.source} takes nothing any more: {world.problem}"

    def kill(self):
        self.end()
        time.sleep(self.chance.uniform(0, 0.3))
        self.server.start()

    def end(self):
        self.pids += self.server.pids + [child for pid in self.server.pids for child in children(pid)]
        self.server.kill()

    def throttle(self):
        client = self.server.client()
        client.put_function_concurrency(FunctionName=FUNCTION, ReservedConcurrentExecutions=1)

        def is_throttled():
            try:
                # Who has the only place keeps it for a moment, so that the others' events find it taken.
                client.invoke(FunctionName=FUNCTION, Payload=json.dumps({"hold": 0.3}))
            except client.exceptions.TooManyRequestsException:
                return True

        def hold():
            while not over.is_set():
                is_throttled()

        over = threading.Event()
        holder = threading.Thread(target=hold)
        holder.start()
        try:
            wait_until(is_throttled, 60, "a throttled invocation")
            time.sleep(self.chance.uniform(0, 0.5))
        finally:
            over.set()
            holder.join()
        client.delete_function_concurrency(FunctionName=FUNCTION)

    def fill(self):
        filler = Filler(self.disk)
        try:
            assert filler.is_full.wait(60), "the disk can't be filled"

            def is_refused():
                self.probes += 1
                # Room that a store has in its files already is filled as well.
                return not self.world.taken("async", f"async.full.{self.probes}", "", "x" * 200_000)

            wait_until(is_refused, 60, "a refusal while the disk is full")
            time.sleep(self.chance.uniform(0, 1))
            if self.chance.random() < 0.5:
                self.end()
                # One that finds no room says so and ends, or serves what needs none.
                try:
                    self.server.start()
                except AssertionError:
                    assert self.server.process.poll() not in (None, 0), self.server.lines[-20:]
        finally:
            filler.end()
        if self.server.process.poll() is not None:
            self.server.start()


ROOMY = pytest.param("no_disk", id="a disk with room")
FULL = pytest.param("small_disk", id="a disk that fills")
NOBODY = pytest.mark.skip(reason="only root mounts a small file system, to be filled")


@pytest.mark.parametrize(
    "disk", [FULL] if os.geteuid() == 0 else [ROOMY, pytest.param("small_disk", id="a disk that fills", marks=NOBODY)])
@pytest.mark.parametrize("services", ["own", "moto"])
def test_every_event_is_delivered_or_a_dead_letter(request, recorder, services, disk):
    seed = int(os.environ.get("MARTLET_SEED", random.SystemRandom().randrange(2**32)))
    print("MARTLET_SEED =", seed)
    services, disk = request.getfixturevalue(services), request.getfixturevalue(disk)
    options, variables = ["--async-retry-delay", "300ms", "--drain-timeout", "5s"], {}
    options += ["--egress", f"allow=127.0.0.1:{recorder.port}"]
    if services:
        options += ["--aws-endpoint", services.url, "--region", "us-east-1"]
        variables = services.environment
    server = Server(*options, env=variables, data=disk / "data" if disk else None)
    server.start()
    faults = Faults(server, random.Random(seed), disk)
    try:
        world = World(server, recorder, services)
        for turn in range(ROUNDS):
            faults.round(world, turn)
        try:
            wait_until(lambda: not world.missing(), WAIT, "the end of every event")
        except AssertionError:
            lost = world.missing()
            assert not lost, (
                f"seed {seed}: {len(lost)} events were lost: "
                f"{[(number, recorder.plan.get(number), recorder.attempts[number]) for number in lost[:20]]}")
        done = set(recorder.done)
        assert not world.overtaken(), (seed, world.overtaken()[:5])
        for source, sent in world.sent.items():
            numbers = {number for number, _ in sent}
            always = {number for number in numbers if recorder.plan.get(number) == "fail"}
            assert len(numbers) >= ROUNDS * EVENTS and always <= world.dead and not always & done, (seed, source)
            assert numbers & done, (seed, source)
            print(f"{source}: {len(numbers)} events, {len(numbers & done)} delivered, {len(numbers & world.dead)} dead letters, "
                  f"{sum(recorder.attempts[number] for number in numbers)} attempts, {world.refused[source]} refusals")
        print("faults:", faults.seen, "answers:", dict(recorder.answered))
        assert all(recorder.answered[trouble] for trouble in ("fail", "throw", "hang")) and all(faults.seen.values())
    finally:
        server.pids = list(set(server.pids + faults.pids))
        server.close()
