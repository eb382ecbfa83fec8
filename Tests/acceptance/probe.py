# SPDX-License-Identifier: Apache-2.0
"""A function that tries things and says how they went. `what` names the thing."""

import ctypes
import errno
import glob
import mmap
import os
import pathlib
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
# Of x86_64 and of arm64.
CALLS = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "unshare": (272, 97), "setns": (308, 268), "bpf": (321, 280),
    "keyctl": (250, 219), "perf_event_open": (298, 241), "io_uring_setup": (425, 425), "userfaultfd": (323, 282),
    "mount": (165, 40), "umount2": (166, 39), "reboot": (169, 142), "init_module": (175, 105), "personality": (135, 92),
    "clock_settime": (227, 112),
}


def call(name, *arguments):
    number = CALLS[name][0 if os.uname().machine == "x86_64" else 1]
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[
        ctypes.c_long(a) if isinstance(a, int) else ctypes.c_char_p(a) for a in arguments])
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def connect(host, port, seconds=3):
    with socket.create_connection((host, port), timeout=seconds) as connection:
        # The redirect accepts every connection first; the policy then ends it.
        connection.settimeout(seconds)
        if connection.recv(1) == b"":
            raise ConnectionResetError(errno.ECONNRESET, "closed at once")


def ptrace_child(event):
    child = os.fork()
    if child == 0:
        time.sleep(2)
        os._exit(0)
    try:
        call("ptrace", 16, child, 0, 0)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def udp_out(event):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        s.connect(("192.0.2.1", 9999))
        s.send(b"x")
        s.send(b"x")
        s.recv(1)


def kill_outside(event):
    allowed = []
    for pid in range(2, 500):
        try:
            os.kill(pid, 0)
            allowed.append(pid)
        except ProcessLookupError:
            pass
    mine = {int(p) for p in os.listdir("/proc") if p.isdigit()}
    if set(allowed) <= mine:
        raise PermissionError(errno.EPERM, "only its own")


def listen_elsewhere_reached(event):
    with socket.create_server(("0.0.0.0", 18999)) as listener:
        listener.settimeout(1)
        listener.accept()


def netlink_route_change(event):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        # RTM_NEWLINK that takes lo down.
        body = struct.pack("=BxHiII", 0, 0, 1, 0, 1)
        s.send(struct.pack("=IHHII", 16 + len(body), 16, 5, 1, 0) + body)
        answer = s.recv(4096)
        code = struct.unpack_from("=i", answer, 16)[0]
        if code:
            raise OSError(-code, os.strerror(-code))


def write(path):
    with open(path, "w") as file:
        file.write("0")


DENIED = {
    "ptrace_child": ptrace_child,
    "process_vm_readv": lambda e: call("process_vm_readv", os.getppid(), 0, 0, 0, 0, 0),
    "read_shadow": lambda e: open("/etc/shadow").read(),
    "read_root_home": lambda e: os.listdir("/root")[0],
    "mount": lambda e: call("mount", b"none", b"/tmp", b"tmpfs", 0, 0),
    "umount": lambda e: call("umount2", b"/proc", 2),
    "unshare_user": lambda e: call("unshare", 0x10000000),
    "unshare_net": lambda e: call("unshare", 0x40000000),
    "setns": lambda e: call("setns", os.open("/proc/self/ns/net", os.O_RDONLY), 0),
    "raw_socket": lambda e: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
    "packet_socket": lambda e: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "netlink_route_change": netlink_route_change,
    "vsock": lambda e: socket.socket(40, socket.SOCK_STREAM),
    "alg": lambda e: socket.socket(38, socket.SOCK_SEQPACKET),
    "bpf": lambda e: call("bpf", 0, 0, 0),
    "keyctl": lambda e: call("keyctl", 0, -3, 1),
    "perf": lambda e: call("perf_event_open", 0, 0, -1, -1, 0),
    "io_uring": lambda e: call("io_uring_setup", 1, 0),
    "userfaultfd": lambda e: call("userfaultfd", 0),
    "write_task": lambda e: write("/var/task/x"),
    "write_usr": lambda e: write("/usr/x"),
    "write_etc": lambda e: write("/etc/x"),
    "write_proc_sys": lambda e: write("/proc/sys/kernel/core_pattern"),
    "chroot": lambda e: os.chroot("/tmp"),
    "mknod": lambda e: os.mknod("/tmp/node", 0o060666, os.makedev(8, 0)),
    "kill_outside": kill_outside,
    "setuid_root": lambda e: (os.setuid(0), os.getuid() and None, write("/etc/x")),
    "reboot": lambda e: call("reboot", 0xFEE1DEAD, 672274793, 0, 0),
    "module": lambda e: call("init_module", 0, 0, b""),
    "sethostname": lambda e: socket.sethostname("x"),
    "clock": lambda e: time.clock_settime(time.CLOCK_REALTIME, 0),
    "personality": lambda e: call("personality", 0x0400000),
    "udp_out": udp_out,
    "tcp_25": lambda e: connect("192.0.2.1", 25),
    "tcp_server": lambda e: connect("127.0.0.1", e["port"]),
    "tcp_host_loopback": lambda e: connect("host.martlet.internal", e["port"]),
    "tcp_metadata": lambda e: connect("169.254.169.254", 80),
    "listen_elsewhere_reached": listen_elsewhere_reached,
    "raise_priority": lambda e: os.setpriority(os.PRIO_PROCESS, 0, -10),
}


def child_of_process(queue):
    queue.put(os.getpid())


def use_multiprocessing():
    import multiprocessing

    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=child_of_process, args=(queue,))
    process.start()
    found = queue.get(timeout=30)
    process.join()
    with context.Pool(2) as pool:
        return found == process.pid and pool.map(abs, [-1, -2, 3]) == [1, 2, 3]


def use_shared_memory():
    from multiprocessing import shared_memory

    block = shared_memory.SharedMemory(create=True, size=1 << 20)
    try:
        block.buf[0] = 7
        other = shared_memory.SharedMemory(block.name)
        found = other.buf[0]
        other.close()
        return found == 7
    finally:
        block.close()
        block.unlink()


def use_threads():
    results = []
    threads = [threading.Thread(target=lambda i=i: results.append(i)) for i in range(50)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    return sorted(results) == list(range(50))


def use_loopback():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), timeout=30)
        server, _ = listener.accept()
        client.sendall(b"hi")
        answer = server.recv(2)
        client.close()
        server.close()
        return answer == b"hi"


def execute_from_tmp():
    path = pathlib.Path("/tmp/run.sh")
    path.write_text("#!/bin/sh\necho yes\n")
    path.chmod(0o755)
    return subprocess.check_output([str(path)], text=True) == "yes\n"


def deep(count):
    return 0 if count == 0 else 1 + deep(count - 1)


def use_large_stack():
    threading.stack_size(64 << 20)
    sys.setrecursionlimit(100_000)
    result = []
    thread = threading.Thread(target=lambda: result.append(deep(5_000)))
    thread.start()
    thread.join()
    threading.stack_size(0)
    return result == [5_000]


def use_unix_socket():
    a, b = socket.socketpair()
    a.sendall(b"x")
    return b.recv(1) == b"x"


def signal_child():
    child = subprocess.Popen(["sleep", "100"])
    child.terminate()
    return child.wait(30) == -signal.SIGTERM


def link_in_tmp():
    path = f"/tmp/link{random.random()}"
    os.symlink("/var/task/app.py", path)
    return "def link_in_tmp" in open(path).read()


ALLOWED = {
    "threads": use_threads, "multiprocessing": use_multiprocessing, "shared_memory": use_shared_memory,
    "subprocess": lambda: subprocess.run("echo $((6*7)) | cat", shell=True, capture_output=True).stdout == b"42\n",
    "loopback_server": use_loopback, "execute_from_tmp": execute_from_tmp, "large_stack": use_large_stack,
    "write_tmp": lambda: pathlib.Path("/tmp/w").write_text("x") == 1, "unix_socket": use_unix_socket,
    "clock_reads": lambda: time.time() > 1.6e9 and time.monotonic() > 0, "random": lambda: len(os.urandom(16)) == 16,
    "locale": lambda: "ü".encode() == b"\xc3\xbc" and sys.getfilesystemencoding() == "utf-8",
    "symlink_tmp": link_in_tmp, "signal_child": signal_child,
    "mmap_exec": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) is not None,
}


def processes(event):
    names = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        names.append(pathlib.Path(path).read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return {"processes": names}


def listing(path):
    try:
        return os.listdir(path)
    except OSError:
        return []


def files(event):
    secrets = ["shadow", "gshadow", "machine-id", "fstab", "sudoers", "ssh", "crontab"]
    return {
        "home": listing("/home"), "root": listing("/root"), "boot": listing("/boot"), "var_lib": listing("/var/lib"),
        "sys": bool(listing("/sys")), "data_directory": os.path.exists("/var/lib/martlet"),
        "etc_secret": [s for s in secrets if os.path.exists(f"/etc/{s}")], "hostname": socket.gethostname(),
        "etc": listing("/etc"), "top": listing("/"), "mounts": pathlib.Path("/proc/self/mounts").read_text(),
    }


def descriptors(event):
    found = []
    for fd in listing("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{fd}"))
        except OSError:
            continue
    return {"descriptors": found}


def fill_tmp(event):
    written, path = 0, pathlib.Path("/tmp/fill")
    block = os.urandom(1 << 20)
    try:
        with open(path, "wb", buffering=0) as file:
            for _ in range(event["megabytes"]):
                if file.write(block) < len(block):
                    raise OSError(errno.ENOSPC, "short write")
                written += 1
        return {"written": written}
    except OSError as error:
        return {"written": written, "error": errno.errorcode[error.errno]}
    finally:
        path.unlink()


def listen(event):
    with socket.create_server(("0.0.0.0", event["port"])) as listener:
        listener.settimeout(event["seconds"])
        try:
            listener.accept()
            return {"accepted": 1}
        except TimeoutError:
            return {"accepted": 0}


def talk(event):
    with socket.create_connection((event["host"], event["port"]), timeout=25) as connection:
        connection.sendall(b"hello")
        return {"answer": connection.recv(100).decode()}


def resolve(event):
    try:
        return {"addresses": [a[4][0] for a in socket.getaddrinfo(event["host"], 80)]}
    except OSError as error:
        return {"error": str(error)}


def leave(event):
    pathlib.Path("/tmp", event["name"]).write_text("x")
    pathlib.Path("/dev/shm", event["name"]).write_text("x")
    return {}


OTHER = {
    "processes": processes, "files": files, "descriptors": descriptors, "fill_tmp": fill_tmp, "listen": listen,
    "talk": talk, "resolve": resolve, "leave": leave,
    "look": lambda e: {"tmp": listing("/tmp"), "shm": listing("/dev/shm")},
    "status": lambda e: {"status": dict(
        line.split(":\t", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines() if ":\t" in line)},
}


def denied(action, event):
    try:
        result = action(event)
    except (OSError, IndexError, AttributeError) as error:
        return {"denied": True, "error": repr(error)}
    return {"denied": False, "result": repr(result)}


def handler(event, context):
    what = event["what"]
    if what in OTHER:
        return OTHER[what](event)
    if what in ALLOWED:
        return {"worked": ALLOWED[what]()}
    if what == "connect":
        return denied(lambda e: connect(e["host"], e["port"]), event)
    return denied(DENIED[what], event)
