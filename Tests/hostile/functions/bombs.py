# SPDX-License-Identifier: Apache-2.0
"""Takes as much of everything as it can get, and says how much that was."""

import ctypes
import errno
import mmap
import os
import pathlib
import resource
import signal
import socket
import struct
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)


def until_refused(action, most, seconds=40):
    """How often `action` went well, and the errno that ended it."""
    deadline = time.monotonic() + seconds
    for count in range(most):
        try:
            action()
        except (OSError, RuntimeError, MemoryError, ValueError) as error:
            return {"count": count, "errno": errno.errorcode.get(getattr(error, "errno", None), type(error).__name__)}
        if time.monotonic() > deadline:
            return {"count": count, "errno": "TIME"}
    return {"count": most, "errno": None}


def fork_bomb(event):
    """Children that fork on, each of which stays; they are killed by whoever watches over them, or at the end by this."""
    children = []

    def spawn():
        child = os.fork()
        if child == 0:
            for _ in range(4):
                try:
                    os.fork()
                except OSError:
                    pass
            time.sleep(event.get("seconds", 20))
            os._exit(0)
        children.append(child)

    result = until_refused(spawn, 5000)
    result["processes"] = sum(name.isdigit() for name in os.listdir("/proc"))
    os.kill(-1, signal.SIGKILL) if event.get("kill") else None
    return result


def fork_storm(event):
    """Children whose children are nobody's at once: init has to reap each."""
    stop = time.monotonic() + event["seconds"]
    for _ in range(event["forkers"]):
        if os.fork() == 0:
            while time.monotonic() < stop + event.get("longer", 0):
                try:
                    child = os.fork()
                except OSError:
                    continue
                if child == 0:
                    try:
                        os.fork()
                    finally:
                        os._exit(0)
                os.waitpid(child, 0)
            os._exit(0)
    while time.monotonic() < stop:
        time.sleep(0.05)
    return {}


def thread_bomb(event):
    stop = threading.Event()
    threading.stack_size(64 << 10)

    def start():
        thread = threading.Thread(target=stop.wait, daemon=True)
        thread.start()

    result = until_refused(start, 5000)
    stop.set()
    return result


def descriptors(event):
    held = []
    result = {}
    for name, action in (("file", lambda: os.open("/dev/null", os.O_RDONLY)), ("socket", lambda: socket.socket().detach()),
                         ("epoll", lambda: os.dup(os.open("/dev/null", os.O_RDONLY))), ("memfd", lambda: os.memfd_create("x"))):
        result[name] = until_refused(lambda: held.append(action()), 100_000)
        for descriptor in held:
            os.close(descriptor)
        os.closerange(event.get("first", 50), 2048)
        held.clear()
    return result


def inotify(event):
    watches = []
    result = {"instances": until_refused(lambda: watches.append(checked(libc.inotify_init1(0))), 1000)}
    numbers = iter(range(10_000))

    def watch():
        path = f"/tmp/watched{next(numbers)}"
        open(path, "w").close()
        checked(libc.inotify_add_watch(watches[0], path.encode(), 0xFFF))

    result["watches"] = until_refused(watch, 9_000)
    time.sleep(event.get("seconds", 0))
    for descriptor in watches:
        os.close(descriptor)
    return result


def checked(value):
    if value < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return value


def pending_signals(event):
    """Signals that are queued and never taken, and timers that each hold one."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
    result = {"signals": until_refused(lambda: checked(libc.sigqueue(os.getpid(), signal.SIGRTMIN, None)), 200_000)}
    time.sleep(event.get("seconds", 0))
    while signal.sigtimedwait([signal.SIGRTMIN], 0):
        pass
    return result


def message_queues(event):
    realtime = ctypes.CDLL("librt.so.1", use_errno=True) if not hasattr(libc, "mq_open") else libc
    attributes = struct.pack("qqqq", 0, 10, 8192, 0) + bytes(32)
    names, handles = [], []

    def make():
        name = f"/q{len(names)}".encode()
        handles.append(checked(realtime.mq_open(name, os.O_CREAT | os.O_RDWR, 0o600, attributes)))
        names.append(name)

    result = {"posix": until_refused(make, 1000)}
    time.sleep(event.get("seconds", 0))
    for name, handle in zip(names, handles):
        os.close(handle)
        realtime.mq_unlink(name)
    queues = []
    result["system_v"] = until_refused(lambda: queues.append(checked(libc.msgget(0, 0o1600))), 40_000, 3)
    message = ctypes.create_string_buffer(struct.pack("q", 1) + b"x" * 8000)
    full = 0
    for queue in queues[:3000]:
        while libc.msgsnd(queue, message, 8000, 0o4000) == 0:
            full += 8000
    result["bytes"] = full
    for queue in queues:
        libc.msgctl(queue, 0, None)
    return result


def memory(event):
    """Goes on until it is killed; `form` says with what."""
    FORMS[event["form"]]()
    return {"survived": True}


def anonymous():
    held = []
    while True:
        block = mmap.mmap(-1, 16 << 20)
        for offset in range(0, 16 << 20, 4096):
            block[offset] = 1
        held.append(block)


def filled(path_or_descriptor):
    block = b"x" * (1 << 20)
    with open(path_or_descriptor, "wb", buffering=0) as file:
        while True:
            file.write(block)


def pipes():
    import fcntl
    held = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
    while True:
        try:
            for _ in range(480):
                ends = os.pipe()
                held.append(ends)
                os.set_blocking(ends[1], False)
                try:
                    fcntl.fcntl(ends[1], 1031, 1 << 20)
                except OSError:
                    pass
                try:
                    while True:
                        os.write(ends[1], b"x" * 65536)
                except BlockingIOError:
                    pass
        except OSError:
            if os.fork():
                time.sleep(100)
            held.clear()


def socket_buffers():
    """What is sent to oneself and never read, over local sockets and TCP, by more and more processes."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    while True:
        held = []
        try:
            for _ in range(150):
                pairs = [socket.socketpair()]
                client = socket.create_connection(listener.getsockname())
                pairs.append((client, listener.accept()[0]))
                for pair in pairs:
                    held.append(pair)
                    for end in pair:
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
                        end.setblocking(False)
                        try:
                            while True:
                                end.send(b"x" * 65536)
                        except OSError:
                            pass
        except OSError:
            pass
        if os.fork():
            time.sleep(100)


def page_tables():
    """One page touched in each region that a page table covers: 4 KB of memory each, and 4 KB of table."""
    held = []
    while True:
        block = mmap.mmap(-1, 1 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        held.append(block)
        for offset in range(0, 1 << 30, 2 << 20):
            block[offset]


def system_v():
    libc.shmat.restype = ctypes.c_void_p
    while True:
        segment = checked(libc.shmget(0, ctypes.c_size_t(16 << 20), 0o1600))
        address = libc.shmat(segment, None, 0)
        ctypes.memset(address, 1, 16 << 20)


FORMS = {
    "anonymous": anonymous, "shared_memory": lambda: filled("/dev/shm/balloon"),
    "memory_file": lambda: filled(os.memfd_create("balloon")), "pipes": pipes, "socket_buffers": socket_buffers,
    "page_tables": page_tables, "system_v": system_v,
}


def fill_tmp(event):
    result = {}
    block = os.urandom(1 << 20)
    with open("/tmp/full", "wb", buffering=0) as file:
        result["mebibytes"] = until_refused(lambda: write_all(file, block), 2000, 120)
    os.unlink("/tmp/full")
    number = iter(range(10 ** 9))
    result["inodes"] = until_refused(lambda: open(f"/tmp/i{next(number)}", "w").close(), 1_000_000, 20)
    for name in os.listdir("/tmp"):
        os.unlink(f"/tmp/{name}")
    with open("/tmp/sparse", "wb") as file:
        result["sparse"] = until_refused(lambda: file.truncate(1 << 45), 1)
        result["sparse_small"] = until_refused(lambda: file.truncate(1 << 40), 1)
    os.unlink("/tmp/sparse")
    with open("/tmp/allocated", "wb") as file:
        result["allocated"] = until_refused(lambda: os.posix_fallocate(file.fileno(), 0, 1 << 30), 1)
    os.unlink("/tmp/allocated")
    return result


def write_all(file, block):
    if file.write(block) < len(block):
        raise OSError(errno.ENOSPC, "short")


def names(event):
    result = {}
    for length in (255, 256, 4095, 4096, 65_536, 1 << 20):
        result[f"name_{length}"] = until_refused(lambda: open("/tmp/" + "n" * length, "w").close(), 1)
    os.chdir("/tmp")
    depth = until_refused(lambda: (os.mkdir("d" * 200), os.chdir("d" * 200)), event["depth"], 10)
    result["depth"] = depth
    result["cwd"] = until_refused(os.getcwd, 1)
    os.chdir("/var/task")
    return result


def log_flood(event):
    """`kind`: lines of that form until so many MiB are written."""
    line = {"lines": b"x" * 99 + b"\n", "long": b"x" * 16_383 + b"\n", "empty": b"\n", "endless": b"x" * 100, "json": b'{"a":' * 16 + b"\n", "binary": bytes(range(1, 101))}[event["kind"]]
    block = line * (65536 // len(line))
    left = event["mebibytes"] << 20
    if event.get("descriptor") == 3:
        block = b"".join(struct.pack(">IIQ", 0xA55A0003, 100, 0) + b"x" * 100 for _ in range(564))
    began = time.monotonic()
    while left > 0:
        left -= os.write(event.get("descriptor", 1), block)
    return {"seconds": time.monotonic() - began}


def log_behind(event):
    """A child that writes lines for ever, also after the invocation is over."""
    import fcntl
    fcntl.fcntl(1, 1031, 1 << 20)
    for _ in range(event.get("writers", 2)):
        if os.fork() == 0:
            while True:
                os.write(1, b"\n" * 65536)
    time.sleep(0.3)
    return {}


def lower_init(event):
    """Makes init, which has the same user, as slow as it can be made."""
    results = {}
    for name, action in (("nice", lambda: os.setpriority(os.PRIO_PROCESS, 1, 19)),
                         ("idle", lambda: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0))),
                         ("affinity", lambda: os.sched_setaffinity(1, {0}))):
        results[name] = until_refused(action, 1)
    return results


def sleep(event):
    time.sleep(event["seconds"])
    return {}


ACTIONS = {
    "fork_bomb": fork_bomb, "fork_storm": fork_storm, "thread_bomb": thread_bomb, "descriptors": descriptors,
    "inotify": inotify, "pending_signals": pending_signals, "message_queues": message_queues, "memory": memory,
    "fill_tmp": fill_tmp, "names": names, "log_flood": log_flood, "log_behind": log_behind, "lower_init": lower_init,
    "sleep": sleep,
}


def handler(event, context):
    return ACTIONS[event["what"]](event)
