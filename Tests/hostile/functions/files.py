# SPDX-License-Identifier: Apache-2.0
"""Looks for what can be read, written, followed or inherited that should not be. Each try says what it achieved, or nothing."""

import errno
import fcntl
import os
import socket
import stat
import struct
import threading
import time


def attempt(action):
    try:
        return repr(action())[:300]
    except (OSError, ValueError, OverflowError):
        return None


def walk(top, seconds=20):
    """Every path below `top` that is no directory, without following links; of the own threads one process only."""
    deadline = time.monotonic() + seconds
    for directory, names, files in os.walk(top):
        names[:] = [name for name in names if not os.path.islink(os.path.join(directory, name))]
        if directory == "/proc":
            names[:] = [name for name in names if not name.isdigit() or name in ("1", str(os.getpid()))]
        for name in files + [name for name in os.listdir(directory) if os.path.islink(os.path.join(directory, name))]:
            yield os.path.join(directory, name)
        assert time.monotonic() < deadline, "there is no end of it"


def mine(path):
    return path.startswith((f"/proc/{os.getpid()}/", "/proc/self/", "/proc/thread-self/"))


def writable(event):
    """Opens everything below /proc for writing; what may be written is the function's own."""
    found, harmless = {}, 0
    for path in walk("/proc"):
        if mine(path):
            continue
        try:
            # Not O_TRUNC, and nothing is written: opening is what is asked here.
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            found[path] = None
            continue
        opened = os.fstat(descriptor)
        if path.startswith("/proc/1/"):
            # Some files of a process may be opened by everybody, and ask who it is when they are written.
            found[path] = attempt(lambda: os.write(descriptor, b"0\n"))
            os.close(descriptor)
            continue
        os.close(descriptor)
        # A masked file is /dev/null.
        is_null = stat.S_ISCHR(opened.st_mode) and opened.st_rdev == os.makedev(1, 3)
        found[path] = None if is_null else "opened for writing"
        harmless += is_null
    return found


def readable(event):
    """Reads the beginning of everything below /proc and looks for the words given; reading must not block."""
    found, count = {}, 0
    for path in walk("/proc"):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            found[path] = None
            continue
        try:
            content = os.read(descriptor, 1 << 20)
        except OSError:
            content = b""
        os.close(descriptor)
        told = [word for word in event["words"] if word.encode() in content]
        found[path] = f"tells {told}" if told else None
    return found


def init_and_others(event):
    for pid in ("1", *(p for p in os.listdir("/proc") if p.isdigit() and p not in ("1", str(os.getpid())))):
        if pid != "1" and int(pid) in event.get("own", []):
            continue
        for name in ("mem", "maps", "environ", "auxv", "stack", "syscall", "io", "pagemap", "smaps", "fd/0", "fd/3", "cwd/x", "root/etc/shadow", "exe", "map_files", "personality", "timers"):
            yield f"read_{pid}_{name}", lambda: open(f"/proc/{pid}/{name}", "rb").read(1) or None
        for name in ("mem", "oom_score_adj", "oom_adj", "clear_refs", "uid_map", "gid_map", "projid_map", "setgroups", "comm", "loginuid", "sched", "autogroup", "timerslack_ns", "attr/current", "make-it-fail", "coredump_filter"):
            yield f"write_{pid}_{name}", lambda: put(f"/proc/{pid}/{name}", "0")
        for link in ("cwd", "root", "exe"):
            yield f"link_{pid}_{link}", lambda: os.readlink(f"/proc/{pid}/{link}")
        yield f"list_{pid}_fd", lambda: os.listdir(f"/proc/{pid}/fd")


def put(path, text):
    with open(path, "w") as file:
        file.write(text)


def settings(event):
    for name in ("kernel/core_pattern", "kernel/core_pipe_limit", "kernel/modprobe", "kernel/hostname", "kernel/sysrq", "kernel/panic", "kernel/randomize_va_space", "kernel/yama/ptrace_scope", "kernel/ns_last_pid", "kernel/msgmax", "kernel/shmmax", "kernel/sem", "vm/overcommit_memory", "vm/drop_caches", "vm/mmap_min_addr", "fs/file-max", "fs/suid_dumpable", "fs/protected_symlinks", "fs/mqueue/queues_max", "net/ipv4/ip_forward", "net/ipv4/ip_unprivileged_port_start", "net/ipv4/ping_group_range", "net/core/bpf_jit_enable", "net/ipv4/conf/all/route_localnet", "user/max_user_namespaces", "user/max_inotify_instances"):
        yield f"sysctl_{name}", lambda: put(f"/proc/sys/{name}", "1")
    for name in ("sysrq-trigger", "kmsg", "kcore", "acpi/wakeup", "irq/default_smp_affinity", "mtrr", "timer_list", "bus/pci/00", "scsi/scsi"):
        yield f"write_{name}", lambda: null_is_nothing(f"/proc/{name}")


def null_is_nothing(path):
    descriptor = os.open(path, os.O_WRONLY)
    if os.fstat(descriptor).st_rdev == os.makedev(1, 3):
        raise PermissionError(errno.EPERM, "masked")
    return "opened"


def own_process(event):
    yield "oom_score_adj", lambda: put("/proc/self/oom_score_adj", str(event["floor"] - 1)) or "lowered"
    yield "oom_score_adj_least", lambda: put("/proc/self/oom_score_adj", "-1000")
    # Not projid_map, which anybody may write, since it gives nothing.
    for name in ("uid_map", "gid_map"):
        yield name, lambda: put(f"/proc/self/{name}", "0 0 1")
    yield "setgroups", lambda: put("/proc/self/setgroups", "allow")
    yield "loginuid", lambda: put("/proc/self/loginuid", "0")
    yield "exec_self_writable", lambda: os.open("/proc/self/exe", os.O_WRONLY)
    for path in ("/usr/bin/env", "/var/task/app.py", "/etc/passwd", "/etc/resolv.conf", "/etc/hosts", "/dev/x", "/x", "/opt/x", "/var/x", "/var/runtime/x", "/proc/x"):
        for flags, name in ((os.O_WRONLY | os.O_CREAT, "create"), (os.O_RDWR, "open"), (os.O_WRONLY | os.O_TRUNC, "truncate")):
            if os.path.exists(path) or flags & os.O_CREAT:
                yield f"{name}_{path}", lambda: os.open(path, flags)
        yield f"touch_{path}", lambda: os.utime(path) or "touched"
        yield f"chmod_{path}", lambda: os.chmod(path, 0o777) or "changed"
        yield f"rename_{path}", lambda: os.rename(path, path + "2") or "renamed"
        yield f"unlink_{path}", lambda: os.unlink(path) or "gone"
        yield f"link_{path}", lambda: os.link(path, "/tmp/linked") or "linked"
    descriptor = os.open("/usr/bin/env", os.O_RDONLY)
    yield "reopen_descriptor", lambda: os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY)
    yield "memory_of_program", lambda: through_memory_file()
    directory = os.open("/tmp", os.O_RDONLY)
    for depth in (8, 64):
        yield f"up_{depth}", lambda: outside(os.open("../" * depth + "root", os.O_RDONLY, dir_fd=directory))
    yield "host_root", lambda: outside(os.open("/proc/self/root/root", os.O_RDONLY))
    for name in ("shadow", "gshadow", "machine-id", "sudoers", "ssh", "fstab", "crontab", "martlet"):
        yield f"read_{name}", lambda: open(f"/etc/{name}").read()


def outside(descriptor):
    names = os.listdir(descriptor)
    if not names:
        raise FileNotFoundError(errno.ENOENT, "empty")
    return names


def through_memory_file():
    """Writes into the text of a shared library by /proc/self/mem, which goes past page protections: only into a copy."""
    line = next(line for line in open("/proc/self/maps") if "r-xp" in line and "libc" in line)
    start, path = int(line.split("-")[0], 16), line.split()[-1]
    offset = int(line.split()[2], 16)
    with open(path, "rb") as file:
        file.seek(offset)
        before = file.read(16)
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(start)
        memory.write(before)
        memory.seek(start)
        # Padding behind the code's end is where a change can't hurt this process: its own last byte of the page.
        memory.seek(start + 15)
        memory.write(before[15:16])
    with open(path, "rb") as file:
        file.seek(offset)
        if file.read(16) != before:
            return "the file on the disk has changed"
    raise PermissionError(errno.EPERM, "a copy")


def devices(event):
    allowed = {"null", "zero", "full", "random", "urandom", "tty", "fd", "stdin", "stdout", "stderr", "shm", "ptmx", "pts", "core"}
    for name in os.listdir("/dev"):
        yield f"device_{name}", lambda: name if name not in allowed else refuse()
    for name in ("mem", "kmem", "port", "kvm", "net/tun", "fuse", "loop-control", "loop0", "sda", "vda", "console", "kmsg", "ptmx", "tty", "vhost-net", "vsock", "uinput", "mapper/control", "hpet", "cpu/0/msr", "userfaultfd"):
        yield f"open_{name}", lambda: os.open(f"/dev/{name}", os.O_RDWR)
    # Set-uid and set-gid files of the host's /usr give nothing: no new privileges, and nosuid.
    for path in ("/usr/bin/su", "/usr/bin/mount", "/usr/bin/passwd", "/usr/bin/newgrp", "/usr/bin/chsh"):
        if os.path.exists(path):
            yield f"setuid_{path}", lambda: run_setuid(path)


def refuse():
    raise PermissionError(errno.EPERM, "refused")


def run_setuid(path):
    child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open("/dev/null", os.O_RDWR), 1)
            os.dup2(1, 2)
            os.execv(path, [path, "--help"])
        except OSError:
            pass
        os._exit(77)
    deadline = time.monotonic() + 2
    seen = set()
    while time.monotonic() < deadline:
        try:
            status = open(f"/proc/{child}/status").read()
            seen.add(next(line for line in status.splitlines() if line.startswith("Uid:")))
        except OSError:
            break
        if os.waitpid(child, os.WNOHANG)[0]:
            break
    users = {user for line in seen for user in line.split()[1:]}
    if users - {str(os.getuid())}:
        return f"ran as {users}"
    refuse()


def inherited(event):
    """Every descriptor of the process, and what can be done with it."""
    found = []
    for number in sorted(int(name) for name in os.listdir("/proc/self/fd")):
        try:
            kind = os.fstat(number)
            found.append([number, stat.S_IFMT(kind.st_mode), fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE,
                          os.readlink(f"/proc/self/fd/{number}")])
        except OSError:
            continue
    return {"descriptors": found}


def pass_descriptors(event):
    """Sends what was inherited to itself, reads where only writing was meant, and makes a garbage of sockets in flight."""
    found = {}
    for number in (1, 2, 3):
        try:
            os.fstat(number)
        except OSError:
            continue
        one, other = socket.socketpair()
        socket.send_fds(one, [b"x"], [number])
        _, passed, _, _ = socket.recv_fds(other, 1, 1)
        for what, descriptor in (("inherited", number), ("passed", passed[0])):
            found[f"read_{what}_{number}"] = attempt(lambda: os.read(descriptor, 1))
            found[f"seek_{what}_{number}"] = attempt(lambda: os.lseek(descriptor, 0, 0))
            found[f"socket_{what}_{number}"] = attempt(lambda: socket.socket(fileno=os.dup(descriptor)).getsockname())
        found[f"reopen_{number}"] = attempt(lambda: os.open(f"/proc/self/fd/{number}", os.O_RDONLY | os.O_NONBLOCK))
    ring = [socket.socketpair() for _ in range(100)]
    for index, (one, _) in enumerate(ring):
        attempt(lambda: socket.send_fds(one, [b"x"], [pair[1].fileno() for pair in ring[:200 - index]][:250]))
    return found


def lie_in_frames(event):
    """Frames of the runtime's log whose lengths and types are not true, then lines that are none."""
    kinds = [0xA55A0003, 0xA55A0002, 0xA55A0001, 0, 0xFFFFFFFF, 0xA55A001F]
    for kind in kinds[event["from"]:event["to"]]:
        for length in (0, 1, 2**16, 2**23, 2**23 + 1, 2**31, 2**32 - 1):
            os.write(3, struct.pack(">IIQ", kind, length, 2**64 - 1) + b"lies\n")
    for _ in range(event.get("times", 0)):
        os.write(3, struct.pack(">IIQ", 0xA55A0003, 8 << 20, 0) + b"x" * 65000)
    return {}


def races(event):
    """Swaps names below /tmp between directories, links and files as fast as it can."""
    stop = time.monotonic() + event["seconds"]
    targets = ["/etc", "/", "/proc/1/root", "/var/task", "/dev/shm", "/nowhere"]
    count = 0

    def swap(name):
        nonlocal count
        while time.monotonic() < stop:
            for target in targets:
                for action in (lambda: os.mkdir(f"/tmp/{name}"), lambda: os.rmdir(f"/tmp/{name}"),
                               lambda: os.symlink(target, f"/tmp/{name}"), lambda: os.rename(f"/tmp/{name}", f"/tmp/{name}2"),
                               lambda: os.link(f"/tmp/{name}2", f"/tmp/{name}"), lambda: os.unlink(f"/tmp/{name}2"),
                               lambda: os.unlink(f"/tmp/{name}")):
                    attempt(action)
                    count += 1

    threads = [threading.Thread(target=swap, args=(name,)) for name in ("a", "lost+found", "b")]
    [t.start() for t in threads]
    [t.join() for t in threads]
    return {"count": count}


def leave_links(event):
    """Leaves links everywhere that it may write, and takes the rights from its own /tmp."""
    for directory in ("/tmp", "/dev/shm"):
        for index, target in enumerate(("/etc/passwd", "/", "/proc/self/root", "../../../../etc/shadow", "x" * 4000)):
            attempt(lambda: os.symlink(target, f"{directory}/link{index}"))
        attempt(lambda: os.mkfifo(f"{directory}/pipe"))
        attempt(lambda: socket.socket(socket.AF_UNIX).bind(f"{directory}/socket"))
    os.chmod("/tmp", 0)
    return {"mode": stat.S_IMODE(os.stat("/tmp").st_mode)}


def abstract_listen(event):
    server = socket.socket(socket.AF_UNIX)
    server.bind("\0" + event["name"])
    server.listen()
    server.settimeout(event["seconds"])
    try:
        server.accept()
        return {"accepted": 1}
    except TimeoutError:
        return {"accepted": 0}


def abstract_connect(event):
    found = {}
    for name in event["names"]:
        found[name] = attempt(lambda: socket.socket(socket.AF_UNIX).connect("\0" + name) or "connected")
    for line in open("/proc/net/unix").read().splitlines()[1:]:
        path = line.split()[7:]
        if path:
            found[path[0]] = f"seen: {path}"
    return found


GENERATORS = {
    "init_and_others": init_and_others, "settings": settings, "own_process": own_process, "devices": devices,
}
OTHERS = {
    "writable": writable, "readable": readable, "inherited": inherited, "pass_descriptors": pass_descriptors,
    "lie_in_frames": lie_in_frames, "races": races, "leave_links": leave_links, "abstract_listen": abstract_listen,
    "abstract_connect": abstract_connect,
}


def handler(event, context):
    what = event["what"]
    if what in OTHERS:
        return OTHERS[what](event)
    if what == "sleep":
        time.sleep(event["seconds"])
        return {}
    return {name: attempt(action) for name, action in GENERATORS[what](event)}
