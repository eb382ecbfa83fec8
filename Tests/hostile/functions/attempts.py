# SPDX-License-Identifier: Apache-2.0
"""Calls with the arguments that would do harm, one after the other; each says what it achieved, or nothing."""

import ctypes
import errno
import os
import resource
import signal
import socket
import stat
import struct
import subprocess
import time

libc = ctypes.CDLL(None, use_errno=True)
X86 = os.uname().machine == "x86_64"
# Of x86_64 and of arm64; the newer ones have one number everywhere.
NUMBERS = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fspick": (433, 433), "mount_setattr": (442, 442), "swapon": (167, 224), "quotactl": (179, 60), "acct": (163, 89),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "unshare": (272, 97), "setns": (308, 268),
    "bpf": (321, 280), "perf_event_open": (298, 241), "io_uring_setup": (425, 425), "userfaultfd": (323, 282),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218), "syslog": (103, 116),
    "init_module": (175, 105), "finit_module": (313, 273), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "personality": (135, 92), "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171),
    "capset": (126, 91), "seccomp": (317, 277), "landlock_create_ruleset": (444, 444), "memfd_secret": (447, 447),
    "fanotify_init": (300, 262), "sched_setattr": (314, 274), "ioprio_set": (251, 30), "prctl": (157, 167),
    "process_madvise": (440, 440), "setdomainname": (171, 162), "io_setup": (206, 0), "prlimit64": (302, 261),
    "setrlimit": (160, 164), "shmctl": (31, 195), "shmget": (29, 194),
}


def call(name, *arguments):
    """The result; raises OSError. Bytes and ctypes objects are passed by address."""
    passed = [
        ctypes.c_char_p(a) if isinstance(a, bytes) else ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    passed += [ctypes.c_long(0)] * (6 - len(passed))
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(NUMBERS[name][0 if X86 else 1]), *passed)
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def tracing():
    child = os.fork()
    if child == 0:
        signal.pause()
    buffer = ctypes.create_string_buffer(64)
    vector = (ctypes.c_ulong * 2)(ctypes.addressof(buffer), 64)
    remote = (ctypes.c_ulong * 2)(id(buffer), 8)
    yield "ptrace_traceme", lambda: call("ptrace", 0)
    yield "ptrace_attach", lambda: call("ptrace", 16, child)
    yield "ptrace_seize", lambda: call("ptrace", 0x4206, child)
    for pid in (child, os.getppid(), 1):
        yield f"process_vm_readv_{pid}", lambda: call("process_vm_readv", pid, vector, 1, remote, 1, 0)
        yield f"process_vm_writev_{pid}", lambda: call("process_vm_writev", pid, vector, 1, remote, 1, 0)
        yield f"pidfd_getfd_{pid}", lambda: call("pidfd_getfd", call("pidfd_open", pid, 0), 1, 0)
        yield f"kcmp_{pid}", lambda: call("kcmp", os.getpid(), pid, 0, 1, 1)
        yield f"process_madvise_{pid}", lambda: call("process_madvise", call("pidfd_open", pid, 0), vector, 1, 21, 0)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def mounts():
    root = os.open("/", os.O_RDONLY)
    for kind in (b"tmpfs", b"proc", b"sysfs", b"cgroup", b"cgroup2", b"overlay", b"devpts", b"mqueue", b"ext4", b"fuse", b"binfmt_misc"):
        yield f"mount_{kind.decode()}", lambda: call("mount", b"none", b"/tmp", kind, 0, b"")
        yield f"fsopen_{kind.decode()}", lambda: call("fsopen", kind, 0)
    for name, flags in (("bind", 4096), ("remount_writable", 32), ("bind_remount_writable", 4096 | 32), ("shared", 1 << 20), ("move", 8192)):
        for target in (b"/", b"/usr", b"/var/task", b"/proc/sys", b"/tmp"):
            yield f"mount_{name}_{target.decode()}", lambda: call("mount", target, target, b"", flags, b"")
    for target in (b"/proc", b"/tmp", b"/proc/sys", b"/dev/null", b"/dev/shm", b"/var/task"):
        yield f"umount_{target.decode()}", lambda: call("umount2", target, 2)
    yield "pivot_root", lambda: call("pivot_root", b"/tmp", b"/tmp")
    yield "chroot", lambda: os.chroot("/tmp")
    yield "open_tree", lambda: call("open_tree", root, b".", 1)
    yield "move_mount", lambda: call("move_mount", root, b"", -100, b"/tmp", 4)
    yield "fspick", lambda: call("fspick", -100, b"/tmp", 0)
    yield "mount_setattr", lambda: call("mount_setattr", -100, b"/", 0, struct.pack("QQQQ", 0, 1, 0, 0), 32)
    yield "swapon", lambda: call("swapon", b"/tmp/swap", 0)
    yield "quotactl", lambda: call("quotactl", 0x80000800, b"/dev/loop0", 0, 0)
    yield "acct", lambda: call("acct", b"/tmp/acct")
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
    yield "name_to_handle_at", lambda: call("name_to_handle_at", -100, b"/usr", handle, ctypes.byref(ctypes.c_int()), 0)
    for inode in (2, 128, 256):
        yield f"open_by_handle_at_{inode}", lambda: call("open_by_handle_at", root, struct.pack("IiII", 8, 1, inode, 0), 0)
    yield "fanotify_init", lambda: call("fanotify_init", 0, 0)


def namespaces():
    for flag in (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        yield f"unshare_{flag:x}", lambda: call("unshare", flag)
    for name in os.listdir("/proc/self/ns"):
        for pid in ("self", "1", str(os.getppid())):
            path = f"/proc/{pid}/ns/{name}"
            yield f"setns_{pid}_{name}", lambda: call("setns", os.open(path, os.O_RDONLY), 0)
    for pid in (os.getpid(), 1):
        yield f"setns_pidfd_{pid}", lambda: call("setns", call("pidfd_open", pid, 0), 0x40000000)


def kernel():
    image = b"\x7fELF" + bytes(60)
    program = struct.pack("HBBi", 0x95, 0, 0, 0)
    address = ctypes.addressof(ctypes.create_string_buffer(program))
    for kind in range(8):
        yield f"bpf_map_{kind}", lambda: call("bpf", 0, struct.pack("IIII", kind, 4, 4, 1) + bytes(112), 128)
        yield f"bpf_load_{kind}", lambda: call("bpf", 5, struct.pack("IIQQ", kind, 1, address, address) + bytes(96), 120)
    for kind in range(6):
        event = struct.pack("IIQ", kind, 120, 0) + bytes(104)
        yield f"perf_{kind}", lambda: call("perf_event_open", event, 0, -1, -1, 0)
    yield "io_uring_setup", lambda: call("io_uring_setup", 8, bytes(120))
    yield "io_setup", lambda: call("io_setup", 65535, ctypes.byref(ctypes.c_ulong()))
    yield "userfaultfd", lambda: call("userfaultfd", 1)
    yield "init_module", lambda: call("init_module", image, len(image), b"")
    yield "finit_module", lambda: call("finit_module", os.open("/var/task/app.py", os.O_RDONLY), b"", 0)
    yield "kexec_load", lambda: call("kexec_load", 0, 0, 0, 0)
    yield "kexec_file_load", lambda: call("kexec_file_load", 0, 0, 0, b"", 0)
    for operation in range(33):
        yield f"keyctl_{operation}", lambda: call("keyctl", operation, -3, 1, 0, 0)
    yield "add_key", lambda: call("add_key", b"user", b"x", b"y", 1, -3)
    yield "request_key", lambda: call("request_key", b"user", b"x", b"y", -3)
    for action in (2, 3, 4, 5, 6, 7, 8, 9, 10):
        yield f"syslog_{action}", lambda: call("syslog", action, ctypes.create_string_buffer(64), 64)
    for operation in range(4):
        yield f"seccomp_{operation}", lambda: call("seccomp", operation, 0, struct.pack("I", 0))
    yield "landlock", lambda: call("landlock_create_ruleset", 0, 0, 1)
    yield "memfd_secret", lambda: call("memfd_secret", 0)
    yield "reboot", lambda: os.system("exec /sbin/reboot -f 2>/dev/null") == 0 or refuse()


def refuse():
    raise PermissionError(errno.EPERM, "refused")


def clocks():
    now = struct.pack("qq", 0, 0)
    for clock in range(12):
        yield f"clock_settime_{clock}", lambda: call("clock_settime", clock, now)
    yield "settimeofday", lambda: call("settimeofday", now, 0)
    yield "settimeofday_zone", lambda: call("settimeofday", 0, struct.pack("ii", 60, 0))
    yield "adjtimex", lambda: call("adjtimex", struct.pack("I", 0x8001) + bytes(204))


def identity():
    for user in (0, 1, 1000, 65534):
        yield f"setuid_{user}", lambda: os.setuid(user)
        yield f"setresuid_{user}", lambda: os.setresuid(user, user, user)
        yield f"setgid_{user}", lambda: os.setgid(user)
        yield f"setgroups_{user}", lambda: os.setgroups([user])
        path = f"/tmp/owned{user}"
        open(path, "w").close()
        yield f"chown_{user}", lambda: os.chown(path, user, user)
    header = struct.pack("II", 0x20080522, 0)
    yield "capset", lambda: call("capset", header, b"\xff" * 24)
    for operation, name in ((28, "securebits"), (35, "mm"), (22, "seccomp_strict"), (47, "ambient"), (24, "capbset_drop"), (57, "io_flusher")):
        # PR_CAP_AMBIENT_RAISE of CAP_NET_RAW; SECBIT_KEEP_CAPS; PR_SET_MM_START_CODE.
        first = {47: 2, 28: 16, 35: 1, 22: 3}.get(operation, 1)
        yield f"prctl_{name}", lambda: call("prctl", operation, first, 13, 0, 0)
    yield "prctl_seccomp_filter", lambda: call("prctl", 22, 2, 0, 0, 0)
    yield "prctl_no_new_privileges_off", lambda: call("prctl", 38, 0, 0, 0, 0)
    yield "sethostname", lambda: socket.sethostname("x")
    yield "setdomainname", lambda: call("setdomainname", b"x", 1)
    for persona in (0x0040000, 0x0400000, 0x0100000, 8, 0x4000000):
        yield f"personality_{persona:x}", lambda: call("personality", persona)


def limits():
    names = {name: value for name, value in vars(resource).items() if name.startswith("RLIMIT_")}
    for name, number in names.items():
        _, hard = resource.getrlimit(number)
        if hard != resource.RLIM_INFINITY:
            yield f"raise_{name}", lambda: resource.setrlimit(number, (hard + 1, hard + 1))
            yield f"unlimit_{name}", lambda: resource.prlimit(0, number, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            yield f"raise_init_{name}", lambda: resource.prlimit(1, number, (hard, hard))
    yield "nice", lambda: os.setpriority(os.PRIO_PROCESS, 0, -1)
    for policy in (os.SCHED_FIFO, os.SCHED_RR):
        yield f"policy_{policy}", lambda: os.sched_setscheduler(0, policy, os.sched_param(1))
    yield "deadline", lambda: call("sched_setattr", 0, struct.pack("IIQiIQQQ", 48, 6, 0, 0, 0, 10**7, 2 * 10**7, 2 * 10**7), 0)
    yield "ioprio_realtime", lambda: call("ioprio_set", 1, 0, 1 << 13)
    yield "mlock", lambda: lock(1 << 20)
    yield "mlockall", lambda: raising(libc.mlockall(3))
    yield "shm_lock", lambda: call("shmctl", call("shmget", 0, 1 << 20, 0o1600), 11, 0)
    yield "huge_pages", lambda: call("shmget", 0, 2 << 20, 0o5600)


def lock(count):
    block = ctypes.create_string_buffer(count)
    raising(libc.mlock(block, ctypes.c_size_t(count)))


def raising(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), "refused")


def nodes():
    for kind, name in ((stat.S_IFCHR, "character"), (stat.S_IFBLK, "block")):
        for major, minor in ((1, 1), (1, 2), (1, 3), (5, 0), (7, 0), (8, 0), (10, 200), (10, 229), (10, 237), (254, 0)):
            for directory in ("/tmp", "/dev/shm"):
                path = f"{directory}/node{major}{minor}"
                yield f"mknod_{name}_{major}_{minor}_{directory}", lambda: os.mknod(path, kind | 0o666, os.makedev(major, minor))
    directory = os.open("/tmp", os.O_RDONLY)
    yield "mknodat", lambda: os.mknod("node", stat.S_IFBLK | 0o666, os.makedev(8, 0), dir_fd=directory)


def socket_options():
    stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0xFFFF))
    program = struct.pack("HxxxxxxP", 1, ctypes.addressof(code))
    # SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF, SO_ATTACH_REUSEPORT_EBPF.
    for option in (26, 50, 51, 52):
        yield f"filter_{option}", lambda: datagram.setsockopt(socket.SOL_SOCKET, option, program)
        yield f"filter_{option}_high", lambda: raising(libc.syscall(
            ctypes.c_long(54 if X86 else 208), ctypes.c_long(datagram.fileno()), ctypes.c_long(1 | 1 << 32),
            ctypes.c_long(option | 1 << 32), program, ctypes.c_long(16)))
    yield "mark", lambda: stream.setsockopt(socket.SOL_SOCKET, 36, 1)
    yield "debug", lambda: stream.setsockopt(socket.SOL_SOCKET, socket.SO_DEBUG, 1)
    yield "priority", lambda: stream.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, 7)
    yield "force_buffer", lambda: stream.setsockopt(socket.SOL_SOCKET, 33, 1 << 28)
    yield "transparent", lambda: stream.setsockopt(socket.IPPROTO_IP, 19, 1)
    yield "repair", lambda: stream.setsockopt(socket.IPPROTO_TCP, 19, 1)
    yield "packet_filter", lambda: stream.setsockopt(socket.IPPROTO_IP, 64, bytes(92))
    yield "link_down", lambda: interface(stream, 0x8914, struct.pack("16sh14x", b"lo", 0))
    yield "address", lambda: interface(stream, 0x8916, struct.pack("16sHH4s8x", b"lo", 2, 0, bytes([10, 0, 0, 1])))
    yield "tunnel", lambda: os.open("/dev/net/tun", os.O_RDWR)


def interface(s, command, request):
    import fcntl
    fcntl.ioctl(s, command, request)


def outside():
    mine = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    yield "kill_other", lambda: only(pid for pid in range(2, 5000) if pid not in mine and alive(pid))
    yield "kill_group_other", lambda: only(pid for pid in range(2, 2000) if pid not in mine and alive(-pid))
    yield "limit_other", lambda: only(pid for pid in range(2, 2000) if pid not in mine and limited(pid))
    yield "pidfd_other", lambda: only(pid for pid in range(2, 5000) if pid not in mine and opened(pid))
    yield "signal_init", lambda: os.kill(1, signal.SIGKILL) or (os.kill(1, 0), refuse())


def only(found):
    found = list(found)
    if not found:
        refuse()
    return found


def alive(pid):
    try:
        os.kill(pid, 0)
        return True
    except PermissionError:
        return True
    except OSError:
        return False


def limited(pid):
    try:
        return resource.prlimit(pid, resource.RLIMIT_NOFILE)
    except (ProcessLookupError, PermissionError):
        return None


def opened(pid):
    try:
        os.close(call("pidfd_open", pid, 0))
        return True
    except OSError:
        return False


GROUPS = {
    "tracing": tracing, "mounts": mounts, "namespaces": namespaces, "kernel": kernel, "clocks": clocks,
    "identity": identity, "limits": limits, "nodes": nodes, "socket_options": socket_options, "outside": outside,
}


def attempt(action):
    try:
        return repr(action())
    except (OSError, ValueError):
        return None


def sync():
    with open("/tmp/dirty", "wb") as file:
        file.write(os.urandom(1 << 20) * 64)
    took = {}
    for name, action in (("sync", os.sync), ("syncfs", lambda: libc.syncfs(os.open("/usr", os.O_RDONLY)))):
        began = time.monotonic()
        for _ in range(20):
            action()
        took[name] = time.monotonic() - began
    return took


def core():
    before = resource.getrlimit(resource.RLIMIT_CORE)
    lowered = attempt(lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)) or "lowered")
    return {"limits": before, "lowered": lowered, "after": resource.getrlimit(resource.RLIMIT_CORE)}


def handler(event, context):
    if event["what"] in ("sync", "core"):
        return {"sync": sync, "core": core}[event["what"]]()
    if event["what"] == "program":
        result = subprocess.run(["/var/task/calls", event["mode"]], capture_output=True, text=True, timeout=130)
        return {"lines": result.stdout.splitlines(), "status": result.returncode}
    return {name: attempt(action) for name, action in GROUPS[event["what"]]()}
