# SPDX-License-Identifier: Apache-2.0
"""The control groups that a server or a test finds itself with: as root, delegated to a user, and none."""

import os
import pathlib
import subprocess

from report import children_of_group, read, wait_until

TOP = pathlib.Path("/sys/fs/cgroup")
CONTROLLERS = ("memory", "cpu", "pids")
USER = 1000
PATH = "/usr/bin:/usr/sbin:/bin:/sbin"


def hand_out(group, controllers=CONTROLLERS):
    for controller in controllers:
        (group / "cgroup.subtree_control").write_text(f"+{controller}")


class Setting:
    """One way to run things in: which user, which group, and what control groups are to be found then."""

    version = 2
    # Limits without a control group, by their names in `martlet doctor`.
    lacking = ()
    uid = 0

    def __init__(self, name):
        self.name = name
        self.home = f"/tmp/home-{name.replace(' ', '-').replace(',', '')}"
        os.makedirs(self.home, exist_ok=True)
        os.chown(self.home, self.uid, self.uid)

    def enter(self):
        """In the child, before it becomes what it will be."""

    def command(self, command):
        return list(command)

    def environment(self, **more):
        return {"PATH": PATH, "HOME": self.home, "TMPDIR": self.home, "LANG": "C.UTF-8", **more}

    def start(self, command, environment=None, **options):
        return subprocess.Popen(
            self.command(command), env=environment or self.environment(), preexec_fn=self.enter, cwd=self.home,
            stdin=subprocess.DEVNULL, **options)

    def left(self):
        """Groups that nobody but martlet can have made."""
        return [str(path) for path in TOP.rglob("martlet*")]

    def restore(self):
        """What systemd does between a service's end and its next start."""


class Root(Setting):
    """Root at the top of the hierarchy, as a service of systemd's sees it."""

    def __init__(self):
        super().__init__("root")


class User(Setting):
    uid = USER

    def enter(self):
        (self.group / "cgroup.procs").write_text(str(os.getpid()))
        os.setgroups([])
        os.setresgid(self.uid, self.uid, self.uid)
        os.setresuid(self.uid, self.uid, self.uid)


class Delegated(User):
    """An ordinary user in a subtree that is its own, made as systemd makes it for Delegate=yes."""

    def __init__(self):
        super().__init__("delegated user")
        self.slice = TOP / "system.slice"
        self.group = self.slice / "server.service"
        hand_out(TOP)
        self.slice.mkdir(exist_ok=True)
        hand_out(self.slice)
        self.make()

    def make(self):
        self.group.mkdir()
        for name in ("", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
            os.chown(self.group / name, self.uid, self.uid)

    def left(self):
        """Besides groups: a controller that is still handed out keeps everybody out of the group."""
        found = super().left()
        if read(self.group / "cgroup.subtree_control"):
            found.append(f"controllers: {read(self.group / 'cgroup.subtree_control')}")
        return found

    def restore(self):
        # The last of a run has given its groups back and may be about to end still.
        wait_until(lambda: "populated 0" in read(self.group / "cgroup.events"), 120, "the group's last process")
        for path in sorted(self.group.rglob("*"), reverse=True):
            if path.is_dir():
                path.rmdir()
        self.group.rmdir()
        self.make()


class Shell(Delegated):
    """The same with a shell that started it and stays in the group, as under systemd-run --scope."""

    def __init__(self):
        User.__init__(self, "delegated user, from a shell")
        self.slice = TOP / "user.slice"
        self.group = self.slice / "shell.scope"
        hand_out(TOP)
        self.slice.mkdir(exist_ok=True)
        hand_out(self.slice)
        self.make()

    def command(self, command):
        # The last command would take the shell's place.
        return ["bash", "-c", '"$@"; exit $?', "shell", *command]


class Partial(Delegated):
    """An ordinary user in a subtree without the cpu controller, as its own systemd has one on many machines."""

    lacking = ("cpu",)

    def __init__(self):
        User.__init__(self, "delegated user without cpu")
        self.slice = TOP / "app.slice"
        self.group = self.slice / "server.service"
        hand_out(TOP)
        self.slice.mkdir(exist_ok=True)
        hand_out(self.slice, ("memory", "pids"))
        self.make()


class Plain(User):
    """An ordinary user in a group of root's, as after a login."""

    version = 0
    lacking = ("memory", "cpu", "processes", "freezing", "max memory used")

    def __init__(self):
        super().__init__("user without control groups")
        self.group = TOP / "session.scope"
        self.group.mkdir(exist_ok=True)


class Container(Setting):
    """Root in a cgroup namespace of its own, as in a container whose hierarchy may be written."""

    def __init__(self):
        super().__init__("root in a container")
        self.group = TOP / "container.slice"
        hand_out(TOP)
        self.group.mkdir(exist_ok=True)

    def enter(self):
        (self.group / "cgroup.procs").write_text(str(os.getpid()))

    def command(self, command):
        mount = 'umount /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"'
        return ["unshare", "--cgroup", "--mount", "bash", "-c", mount, "container", *command]


ALL = {"root": Root, "delegated": Delegated, "shell": Shell, "partial": Partial, "plain": Plain, "container": Container}
