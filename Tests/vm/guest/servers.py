# SPDX-License-Identifier: Apache-2.0
"""Drives the optimised server with its own commands in one setting, from its start to a kill, and looks at what is left."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from report import PROGRESS, Checks, log, read, tell, wait_until
import settings
from settings import TOP

MARTLET = "/vm/release/martlet"
RUNTIME = f"python3.{sys.version_info[1]}"
READY_SECONDS = 180
MEMORY = 192
# 20 ms are the period, and 1,769 MB buy one processor.
QUOTA = f"{20_000 * MEMORY // 1_769} 20000"


class Server:
    def __init__(self, setting, *options):
        self.setting = setting
        self.options = options
        self.data = f"{setting.home}/data"
        self.output = f"{setting.home}/server.log"
        self.process = None

    def start(self, *shell):
        with open(self.output, "w") as output:
            self.process = self.setting.start(
                [*shell, MARTLET, "serve", "--data", self.data, "--listen", "127.0.0.1:0",
                 "--memory", "4096", *self.options], stdout=output, stderr=output)
        self.ready(1)

    def ready(self, times):
        def count():
            assert self.process.poll() is None, f"the server ended with {self.process.returncode}: {self.said()}"
            return self.said().count("martlet ready on ") >= times

        wait_until(count, READY_SECONDS, "ready")

    def said(self):
        with open(self.output) as file:
            return file.read()

    def command(self, *arguments):
        # As the user, but not in the server's group: as from another shell.
        result = subprocess.run(
            [MARTLET, *arguments], env=self.setting.environment(MARTLET_DATA=self.data), capture_output=True, text=True,
            stdin=subprocess.DEVNULL, user=self.setting.uid, group=self.setting.uid, extra_groups=[], timeout=300)
        PROGRESS.touch()
        return result

    def deploy(self, name, memory=MEMORY, timeout=90):
        directory = f"{self.setting.home}/code"
        os.makedirs(directory, exist_ok=True)
        shutil.copy("/vm/guest/function.py", f"{directory}/app.py")
        result = self.command("deploy", directory, "--name", name, "--runtime", RUNTIME, "--handler", "app.handler",
                              "--memory", str(memory), "--timeout", str(timeout))
        assert result.returncode == 0, result

    def invoke(self, name, **event):
        return self.command("invoke", name, "--payload", json.dumps(event), "--log")

    def value(self, name, **event):
        result = self.invoke(name, **event)
        assert result.returncode == 0, result
        return json.loads(result.stdout)

    def processes(self, name):
        """The server's and the spawner's process, by what they run."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/exe") == name:
                    found.append(int(pid))
            except OSError:
                continue
        return sorted(found)

    def groups(self):
        """The directories of its sandboxes' control groups."""
        name = read(f"{self.data}/control-group")
        return [path for parent in TOP.rglob(name) for path in sorted(parent.iterdir()) if path.name.isdigit()]

    def group(self):
        """That of f's environment, known by its memory; what another left is removed in a moment."""

        def look():
            found = [group for group in self.groups() if read(group / "memory.max") == str(MEMORY << 20)]
            return len(found) == 1 and found[0]

        return wait_until(look, 120, f"f's group of {self.groups()}")

    def function_states(self):
        """The states of processes inside sandboxes that are not their init: proc_pid_status(5)."""
        states = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                status = dict(line.split(":", 1) for line in read(f"/proc/{pid}/status").splitlines())
            except OSError:
                continue
            inner = status.get("NSpid", "").split()
            if len(inner) > 1 and inner[-1] != "1":
                states.append(status["State"].split()[0])
        return states

    def kill(self, spawner):
        for pid in self.processes("/vm/release/martlet-spawner")[:1] if spawner else []:
            os.kill(pid, signal.SIGKILL)
        for pid in self.processes(MARTLET):
            os.kill(pid, signal.SIGKILL)

    def gone(self):
        return not self.processes(MARTLET) and not self.processes("/vm/release/martlet-spawner")


class Scenario:
    """One setting's checks, in the order in which they are made."""

    def __init__(self, setting):
        self.setting = setting
        self.checks = Checks(f"{setting.name}, server")
        self.server = Server(setting)

    NAMES = ["doctor", "start", "invoke", "out_of_memory", "timeout", "frozen", "share", "memory_used", "sigterm",
             "killed_server", "killed_both"]

    def run(self):
        for name in self.NAMES:
            if not self.checks.check(name, getattr(self, name)):
                log(self.server.said()[-3_000:] if self.server.process else "")
                if name == "start":
                    break
        self.end()
        self.checks.close()

    def end(self):
        if not self.server.process:
            return

        def ended():
            # The shell starts another one when the first was killed.
            self.server.kill(spawner=False)
            return self.server.process.poll() is not None

        wait_until(ended, 120, "the server's end")

    @property
    def has_groups(self):
        return self.setting.version == 2

    LIMITS = {
        "memory": ("held by a control group (version 2), without swap", "RLIMIT_DATA"),
        "cpu": ("shared out by memory size, by a control group (version 2)", "any function may use every processor"),
        "processes": ("held by a control group (version 2)", "RLIMIT_NPROC"),
        "freezing": ("idle environments are frozen by a control group (version 2)", "SIGSTOP"),
        "max memory used": ("counted by the control group (version 2)", "the sum of the processes' peaks"),
    }

    def doctor(self):
        process = self.setting.start(
            [MARTLET, "doctor", "--data", self.server.data], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        text, _ = process.communicate(timeout=180)
        tell("doctor", configuration=self.checks.configuration, text=text)
        assert process.returncode == 0, text
        lines = dict(line[4:].split(": ", 1) for line in text.splitlines() if ": " in line)
        marks = {line[4:].split(": ", 1)[0]: line[:2] for line in text.splitlines()}
        for subject, (full, weaker) in self.LIMITS.items():
            lacking = subject in self.setting.lacking
            assert (weaker if lacking else full) in lines[subject], text
            assert marks[subject] == ("--" if lacking else "ok"), text
        assert ("control groups" in lines) == bool(self.setting.lacking), text
        self.nothing_left()

    def start(self):
        self.server.start()
        self.server.deploy("f")
        text = self.server.said()
        warned = "for want of control groups" in text
        assert warned == bool(self.setting.lacking), text
        for subject, (_, weaker) in self.LIMITS.items():
            assert (weaker in text) == (subject in self.setting.lacking), text

    def invoke(self):
        assert self.server.value("f", value=[1, "ü"]) == {"echo": [1, "ü"], "version": "$LATEST"}

    def out_of_memory(self):
        # With a third of a processor: emulated, a tenth takes half a minute to touch so much.
        self.server.deploy("m", memory=512, timeout=60)
        result = self.server.invoke("m", what="take", mebibytes=900, seconds=20)
        assert result.returncode == 1 and "Runtime.OutOfMemory" in result.stdout, result
        assert self.server.value("m", value=1)["echo"] == 1

    def timeout(self):
        self.server.deploy("t", memory=256, timeout=2)
        result = self.server.invoke("t", what="sleep", seconds=60)
        assert result.returncode == 1 and "Task timed out after 2.00 seconds" in result.stdout, result

    def frozen(self):
        if not self.has_groups:
            # Blank environments, which are nobody's yet, are not stopped.
            return wait_until(lambda: "T" in self.server.function_states(), 120, "stopped by a signal")
        group = self.server.group()
        wait_until(lambda: read(group / "cgroup.freeze") == "1", 120, "frozen")
        wait_until(lambda: "frozen 1" in read(group / "cgroup.events"), 120, "frozen")
        assert self.server.value("f", value=2)["echo"] == 2

    def share(self):
        share = self.server.value("f", what="burn", seconds=3)
        if not self.has_groups:
            # There is no promise to keep; what the operator is told must be so.
            assert share > 0.3, share
            return
        group = self.server.group()
        assert read(group / "cpu.max") == QUOTA, read(group / "cpu.max")
        assert read(group / "pids.max") == "1024" and read(group / "memory.swap.max") == "0"
        assert share < 0.2, share

    def memory_used(self):
        result = self.server.invoke("f", what="take", mebibytes=80, seconds=1)
        used = re.search(r"Max Memory Used: (\d+) MB", result.stderr)
        assert result.returncode == 0 and used and 80 <= int(used[1]) <= MEMORY, result

    def processes(self):
        # Enough memory for a thousand processes, and the processors to start them.
        self.server.deploy("g", memory=1_792, timeout=240)
        started = self.server.value("g", what="fork")
        assert 500 < started < 1_024, started

    def nothing_left(self):
        wait_until(self.server.gone, 120, "no process of the server")
        wait_until(lambda: not self.setting.left() or None, 120, f"nothing left of {self.setting.left()}")

    def sigterm(self):
        pids = self.server.processes(MARTLET) + self.server.processes("/vm/release/martlet-spawner")
        os.kill(self.server.processes(MARTLET)[0], signal.SIGTERM)
        assert self.server.process.wait(180) == 0, self.server.said()
        self.nothing_left()
        subprocess.run(["/vm/check-leftovers.sh", self.server.data, *map(str, pids)], check=True, capture_output=True)
        self.setting.restore()

    def killed_server(self):
        self.server.start()
        assert self.server.value("f", value=3)["echo"] == 3
        self.server.kill(spawner=False)
        self.server.process.wait(120)
        # The spawner outlives the server for as long as it takes to tidy up.
        self.nothing_left()
        self.setting.restore()

    def killed_both(self):
        self.server.start()
        assert self.server.value("f", value=4)["echo"] == 4
        self.server.kill(spawner=True)
        self.server.process.wait(120)
        wait_until(self.server.gone, 120, "no process of the server")
        wait_until(lambda: not self.server.function_states(), 120, "no process of a function")
        self.setting.restore()
        self.server.start()
        assert self.server.value("f", value=5)["echo"] == 5
        assert self.server.process.poll() is None
        os.kill(self.server.processes(MARTLET)[0], signal.SIGTERM)
        self.server.process.wait(180)
        self.nothing_left()


class PlainScenario(Scenario):
    """A thousand processes as well, which takes long here; where there are groups the sandbox tests have a smaller limit."""

    NAMES = [*Scenario.NAMES[:-3], "processes", *Scenario.NAMES[-3:]]


class ContainerScenario(Scenario):
    """What differs from root's: where the groups are."""

    NAMES = ["doctor", "start", "invoke", "out_of_memory", "frozen", "sigterm"]


class PartialScenario(Scenario):
    """That the rest holds where one controller is missing, and what is said of it."""

    NAMES = ["doctor", "start", "invoke", "out_of_memory", "frozen", "sigterm"]


class ShellScenario(Scenario):
    """A shell that stays in the delegated group starts the server, and starts it again when it was killed."""

    def run(self):
        self.checks.check("started again from the same shell", self.again)
        self.end()
        self.checks.close()

    def again(self):
        self.server.start("bash", "-c", '"$@"; "$@"; exit $?', "shell")
        self.server.deploy("f")
        assert self.server.value("f", value=1)["echo"] == 1
        assert read(self.server.group() / "pids.max") == "1024"
        self.server.kill(spawner=True)
        self.server.ready(2)
        assert self.server.value("f", value=2)["echo"] == 2
        assert read(self.server.group() / "pids.max") == "1024"
        os.kill(self.server.processes(MARTLET)[0], signal.SIGTERM)
        assert self.server.process.wait(180) == 0, self.server.said()
        self.nothing_left()


def run(setting):
    scenarios = {
        settings.Plain: PlainScenario, settings.Shell: ShellScenario, settings.Container: ContainerScenario,
        settings.Partial: PartialScenario}
    scenarios.get(type(setting), Scenario)(setting).run()
