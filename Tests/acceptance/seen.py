# SPDX-License-Identifier: Apache-2.0
"""A function that says what it sees of the sandbox around it. docs/sandbox.md has its answers as a table."""

import os
import pathlib
import pwd
import resource
import socket
import stat

LIMITS = ["NOFILE", "NPROC", "STACK", "MEMLOCK", "CORE", "MSGQUEUE", "NICE", "RTPRIO", "DATA", "AS"]


def status():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def mounts():
    return [line.split()[1:4] for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]


def writable():
    """Every directory of the tree that a file can be made in; /proc and the host's /usr are the mounts' to say."""
    found = []
    for path, directories, _ in os.walk("/"):
        directories[:] = [d for d in directories if os.path.join(path, d) not in ("/proc", "/usr", "/etc/ssl/certs")]
        if os.access(path, os.W_OK):
            found.append(path)
    return sorted(found)


def addresses():
    found, last = set(), None
    for line in pathlib.Path("/proc/net/fib_trie").read_text().splitlines():
        parts = line.split()
        if "|--" in parts:
            last = parts[-1]
        elif "host" in parts and "LOCAL" in parts and line.strip().startswith("/32"):
            found.add(last)
    try:
        for line in pathlib.Path("/proc/net/if_inet6").read_text().splitlines():
            found.add(socket.inet_ntop(socket.AF_INET6, bytes.fromhex(line.split()[0])))
    except FileNotFoundError:
        pass
    return sorted(found)


def routes():
    found = []
    for line in pathlib.Path("/proc/net/route").read_text().splitlines()[1:]:
        device, destination = line.split()[:2]
        found.append(("default" if destination == "00000000" else destination) + " dev " + device)
    return found


def proc_entries():
    """What of /proc is covered: by an empty file or an empty directory."""
    covered = [point for point, _, _ in mounts() if point.startswith("/proc/") and point != "/proc/sys"]
    return sorted(os.path.basename(point) for point in covered)


def handler(event, context):
    seen = status()
    tmp = os.statvfs("/tmp")
    initial = pathlib.Path("/proc/self/environ").read_bytes().decode().rstrip("\0").split("\0")
    return {
        "uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(), "name": pwd.getpwuid(os.getuid()).pw_name,
        "map": pathlib.Path("/proc/self/uid_map").read_text().split(),
        "capabilities": {name: seen[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")},
        "no_new_privileges": seen["NoNewPrivs"], "seccomp": seen["Seccomp"], "filters": seen.get("Seccomp_filters"),
        "directory": os.getcwd(), "host": socket.gethostname(), "system": os.uname().sysname,
        "limits": {name: list(resource.getrlimit(getattr(resource, "RLIMIT_" + name))) for name in LIMITS},
        "environment": dict(line.split("=", 1) for line in initial),
        "addresses": addresses(), "routes": routes(), "interfaces": [name for _, name in socket.if_nameindex()],
        "resolver": pathlib.Path("/etc/resolv.conf").read_text().split(), "mounts": mounts(), "writable": writable(),
        "dev": sorted(os.listdir("/dev")), "covered": proc_entries(), "etc": sorted(os.listdir("/etc")),
        "top": sorted(os.listdir("/")), "processes": sorted(int(p) for p in os.listdir("/proc") if p.isdigit()),
        "pid": os.getpid(), "processors": os.cpu_count(),
        "memory": pathlib.Path("/proc/meminfo").read_text().split("\n")[0].split()[1],
        "cgroup": sorted({line.split(":", 2)[2] for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines()}),
        "tmp": {"mode": oct(stat.S_IMODE(os.stat("/tmp").st_mode)), "bytes": tmp.f_blocks * tmp.f_frsize},
        "shm": os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize,
        "descriptors": sorted(int(d) for d in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{d}")),
    }
