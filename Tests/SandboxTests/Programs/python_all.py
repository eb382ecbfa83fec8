# SPDX-License-Identifier: Apache-2.0
"""What functions in Python commonly do, for the list of system calls that they make. Needs nothing but the standard library."""

import asyncio
import ctypes
import ctypes.util
import errno
import faulthandler
import fcntl
import json
import mmap
import multiprocessing
import os
import pathlib
import select
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import termios
import threading
import time
import urllib.request
import uuid


def files(root):
    path = root / "file"
    path.write_text("text")
    with open(path, "r+b", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        os.posix_fallocate(file.fileno(), 0, 8192)
        os.pwrite(file.fileno(), b"x", 1)
        os.pwritev(file.fileno(), [b"x", b"y"], 1)
        os.preadv(file.fileno(), [bytearray(2)], 0)
        os.writev(file.fileno(), [b"x"])
        os.readv(file.fileno(), [bytearray(2)])
        os.ftruncate(file.fileno(), 10)
        os.fsync(file.fileno())
        os.fdatasync(file.fileno())
        os.fchmod(file.fileno(), 0o640)
        os.fchown(file.fileno(), os.getuid(), os.getgid())
        fcntl.flock(file, fcntl.LOCK_EX)
        fcntl.lockf(file, fcntl.LOCK_EX)
    os.truncate(path, 5)
    os.chown(path, os.getuid(), os.getgid())
    os.lchown(path, os.getuid(), os.getgid())
    os.link(path, root / "link")
    os.symlink(path, root / "symbolic")
    os.readlink(root / "symbolic")
    os.rename(root / "link", root / "renamed")
    os.utime(path, (1, 1))
    os.mkfifo(root / "queue")
    os.mknod(root / "node")
    os.access(path, os.R_OK)
    os.statvfs(root)
    shutil.copy2(path, root / "copied")
    shutil.copytree(root, root.parent / "tree", symlinks=True, ignore=lambda d, n: [x for x in n if x == "queue"])
    shutil.rmtree(root.parent / "tree")
    os.copy_file_range(os.open(path, os.O_RDONLY), os.open(root / "target", os.O_CREAT | os.O_WRONLY), 3)
    with tempfile.TemporaryFile() as temporary, open(path, "rb") as source:
        os.sendfile(temporary.fileno(), source.fileno(), 0, 3)
        with mmap.mmap(temporary.fileno(), 3) as mapped:
            mapped.flush()
    try:
        os.setxattr(path, b"user.workload", b"1")
        os.getxattr(path, b"user.workload")
        os.removexattr(path, b"user.workload")
    except OSError as error:
        # A tmpfs before Linux 6.6 has none.
        assert error.errno == errno.ENOTSUP, error
    os.listxattr(path)
    here = os.getcwd()
    os.chdir(root)
    os.chdir(here)
    os.umask(0o22)
    database = sqlite3.connect(root / "database")
    database.execute("pragma journal_mode = wal")
    database.execute("create table t (x)")
    database.executemany("insert into t values (?)", [(n,) for n in range(1000)])
    database.commit()
    database.close()


def processes():
    subprocess.run(["sh", "-c", "echo x | cat"], stdout=subprocess.DEVNULL, start_new_session=True, check=True)
    subprocess.Popen(["sleep", "10"], close_fds=False).terminate()
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    os.posix_spawn("/bin/true", ["true"], {})
    os.wait()
    os.getpgid(0), os.getpgrp(), os.getsid(0), os.getresuid(), os.getresgid(), os.getgroups(), os.times(), os.getloadavg()
    os.sched_getaffinity(0), os.sched_getscheduler(0), os.sched_getparam(0), os.sched_yield()
    os.sched_get_priority_max(0), os.sched_get_priority_min(0), os.getpriority(os.PRIO_PROCESS, 0)
    os.sched_setaffinity(0, os.sched_getaffinity(0))
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    os.nice(1)
    for method in ("fork", "spawn"):
        pool = multiprocessing.get_context(method).Pool(2)
        pool.map(abs, range(10))
        # Not terminate(), as `with` does: on a busy machine that waits for ever for a worker that has ended holding a lock.
        pool.close()
        pool.join()
    queue = multiprocessing.Queue()
    queue.put(1)
    queue.get()
    process = os.posix_spawn("/bin/sleep", ["sleep", "10"], {})
    descriptor = os.pidfd_open(process)
    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    os.waitid(os.P_PIDFD, descriptor, os.WEXITED)


def threads():
    lock = threading.Condition()
    started = [threading.Thread(target=lambda: lock.acquire() and lock.release()) for _ in range(10)]
    [thread.start() for thread in started]
    [thread.join() for thread in started]
    with lock:
        lock.wait(0.001)


def signals():
    faulthandler.enable()
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    signal.getitimer(signal.ITIMER_REAL)
    signal.pause()
    signal.alarm(0)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
    signal.sigpending()
    signal.sigtimedwait([signal.SIGUSR1], 1)


def sockets(root):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        client.sendall(b"x")
        server.recvmsg(1)
        server.sendmsg([b"x"])
        client.recv(1)
        client.getpeername(), client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        fcntl.ioctl(client, termios.FIONREAD, b"\0" * 4)
        server.shutdown(socket.SHUT_RDWR)
        select.select([client], [], [], 1)
        poller = select.poll()
        poller.register(client)
        poller.poll(1)
        client.close()
    a, b = socket.socketpair()
    socket.send_fds(a, [b"x"], [0])
    socket.recv_fds(b, 1, 1)
    local = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    local.bind(str(root / "socket"))
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", 0))
    datagrams.sendto(b"x", datagrams.getsockname())
    datagrams.recvfrom(1)
    # A name that is looked up elsewhere takes a server that answers.
    for name in ["localhost", *os.environ.get("WORKLOAD_NAMES", "").split()]:
        try:
            socket.getaddrinfo(name, 80)
        except OSError:
            pass
    socket.if_nameindex(), socket.gethostname(), socket.gethostbyname("localhost")
    os.isatty(0)
    os.set_inheritable(a.fileno(), True)
    context = ssl.create_default_context()
    context.load_default_certs()
    try:
        urllib.request.urlopen("https://127.0.0.1:1/", timeout=1)
    except OSError:
        pass


async def loops():
    process = await asyncio.create_subprocess_exec("echo", stdout=asyncio.subprocess.PIPE)
    await process.communicate()
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    await reader.read()
    writer.close()
    server.close()
    await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.001)
    epoll = select.epoll()
    epoll.poll(0.001)


def system():
    os.uname(), os.urandom(8), uuid.uuid4(), time.get_clock_info("monotonic"), time.sleep(0.001), os.cpu_count()
    os.memfd_create("x")
    os.eventfd(1)
    os.sync()
    ctypes.CDLL(ctypes.util.find_library("c")).getpid()
    json.dumps(dict(os.environ))


def main():
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory, "root")
        root.mkdir()
        files(root)
        processes()
        threads()
        signals()
        sockets(root)
        asyncio.run(loops())
        system()
    print("done")


if __name__ == "__main__":
    sys.exit(main())
