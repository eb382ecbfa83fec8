# SPDX-License-Identifier: Apache-2.0
"""Sandboxes of others, from Debian, in each of which the machine's Python imports a handler, calls it once and ends: bubblewrap, crun and podman.

As a program it measures: each line of its input, a command in JSON, is answered with the milliseconds that it took, its exit code and what
it wrote. Its argument is the mount namespace that is not to change; in another one it takes away cgroup v2 where a machine has v1 too: crun
refuses to start beside both.
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

UNIFIED = "/sys/fs/cgroup/unified"
NAMESPACE = "/proc/self/ns/mnt"
PROGRAM = ["/usr/bin/python3", "-c", "import app; print(app.handler({}, None))"]
MEMORY = 128 * 1_048_576
LINKS = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "sbin": "usr/sbin"}


def bundle(directory, task):
    """What crun starts from: a file system that is the machine's /usr, read-only, and namespaces, a user and a limit of memory."""
    namespaces = ["pid", "ipc", "uts", "mount", "network"]
    mounts = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755"]},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777"]},
        {"destination": "/usr", "source": "/usr", "options": ["rbind", "ro"]},
        {"destination": "/var/task", "source": str(task), "options": ["rbind", "ro"]},
    ]
    document = {
        "ociVersion": "1.0.2", "root": {"path": str(root(directory / "root")), "readonly": True}, "mounts": mounts,
        "process": {
            "terminal": False, "user": {"uid": 65_534, "gid": 65_534}, "args": PROGRAM, "cwd": "/var/task", "noNewPrivileges": True,
            "env": ["PATH=/usr/bin:/bin", "LANG=C.UTF-8"]},
        "linux": {"namespaces": [{"type": name} for name in namespaces], "resources": {"memory": {"limit": MEMORY}}},
    }
    (directory / "config.json").write_text(json.dumps(document))
    return directory


def root(directory):
    """An empty file system to mount into."""
    for name in ("dev", "etc", "proc", "run", "sys", "tmp", "usr", "var/task"):
        (directory / name).mkdir(parents=True)
    for name, target in LINKS.items():
        (directory / name).symlink_to(target)
    return directory


def commands(directory):
    """How each of them is asked for one run."""
    task = directory / "task"
    task.mkdir()
    (task / "app.py").write_text("def handler(event, context): return 'hello'\n")
    links = [word for name, target in LINKS.items() for word in ("--symlink", target, f"/{name}")]
    for name in ("crun", "podman"):
        (directory / name).mkdir()
    bundle(directory / "crun", task)
    # No file of the user's podman is read or written, and what ends leaves no event and no log.
    settings = directory / "podman/containers.conf"
    settings.write_text(
        '[containers]\nlog_driver = "none"\n'
        '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\nlock_type = "file"\nruntime = "crun"\n')
    storage = [f"--{name}={directory / 'podman' / name}" for name in ("root", "runroot", "tmpdir")]
    return {
        "bubblewrap": [
            "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/usr", "/usr", *links, "--proc", "/proc",
            "--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", str(task), "/var/task", "--chdir", "/var/task", *PROGRAM],
        "crun": ["crun", f"--root={directory / 'crun/state'}", "run", f"--bundle={directory / 'crun'}", "bench"],
        # Its own limits are higher than a container may have in some machines.
        "podman": [
            "env", f"CONTAINERS_CONF={settings}", "podman", *storage, "--storage-driver=vfs", "run", "--rm", "--network=none",
            "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", f"--memory={MEMORY}", "--volume=/usr:/usr:ro",
            f"--volume={task}:/var/task:ro", "--workdir=/var/task", "--rootfs", str(root(directory / "podman/rootfs")), *PROGRAM],
    }


class Sandboxes:
    """Those that are installed and start here; says of each other one why it is left out."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="martlet-sandboxes-", ignore_cleanup_errors=True)
        command = [sys.executable, __file__, os.readlink(NAMESPACE)]
        if os.geteuid() == 0:
            command = ["unshare", "--mount", "--propagation=slave", *command]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.commands = commands(pathlib.Path(self.directory.name))
        for name, words in list(self.commands.items()):
            program = next(word for word in words if word in ("bwrap", "crun", "podman"))
            if not shutil.which(program):
                self.leave_out(name, "is not installed: Scripts/setup.sh bench installs it")
                continue
            _, code, output = self.run(name)
            if (code, output.strip()) != (0, "hello"):
                self.leave_out(name, f"does not start here: exit code {code}, {output.strip()[-500:]}")

    def leave_out(self, name, why):
        del self.commands[name]
        print(f"sandboxes: {name} {why}", flush=True)

    def run(self, name):
        """Milliseconds until the command has ended, its exit code, and what it wrote."""
        try:
            self.process.stdin.write(json.dumps(self.commands[name]) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            return 0, 1, "what starts it has ended"

    def milliseconds(self, name):
        elapsed, code, output = self.run(name)
        assert code == 0, (name, output)
        return elapsed

    def close(self):
        # It ends where its input does.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()
        self.directory.cleanup()


def main():
    if len(sys.argv) != 2:
        sys.exit("sandboxes: cold.py starts this, and says which mount namespace is not to change")
    if os.readlink(NAMESPACE) != sys.argv[1] and os.path.ismount(UNIFIED):
        subprocess.run(["umount", UNIFIED], check=True)
    for line in sys.stdin:
        command = json.loads(line)
        start = time.perf_counter()
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        elapsed = (time.perf_counter() - start) * 1_000
        print(json.dumps([elapsed, ended.returncode, ended.stdout]), flush=True)


if __name__ == "__main__":
    main()
