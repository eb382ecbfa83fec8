# SPDX-License-Identifier: Apache-2.0
"""Processes that do not want to end, or that end what they should not."""

import ctypes
import os
import signal
import threading
import time

libc = ctypes.CDLL(None)


def ignore(event):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    spin(event)


def block_and_spin(event):
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    spin(event)


def spin(event):
    stop = time.monotonic() + event.get("seconds", 60)
    while time.monotonic() < stop:
        pass


def detach(event):
    """A child's child in a session of its own, with nothing left of its parent's."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 64)
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
            while True:
                time.sleep(0.01)
        os._exit(0)
    os.wait()
    if event.get("then") == "spin":
        spin(event)


def zombies(event):
    """Children that have ended and that nobody waits for, then as many that become init's."""
    count = 0
    try:
        for _ in range(3000):
            if os.fork() == 0:
                os._exit(0)
            count += 1
    except OSError:
        pass
    return {"zombies": count}


def stop_self(event):
    os.kill(os.getpid(), signal.SIGSTOP)


def stop_all(event):
    os.kill(-1, signal.SIGSTOP)
    os.kill(os.getpid(), signal.SIGSTOP)


def kill_all(event):
    os.kill(-1, signal.SIGKILL)
    os.kill(1, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def signal_init(event):
    for number in range(1, 65):
        try:
            os.kill(1, number)
            libc.tgkill(1, 1, number)
        except OSError:
            pass
    time.sleep(0.2)
    return {"there": os.path.exists("/proc/1")}


def suspended_vfork(event):
    """vfork: the parent can't run, and can't be interrupted but by SIGKILL, until the child is done, which it never is."""
    number = 58 if os.uname().machine == "x86_64" else None
    if number is None or libc.syscall(number) == 0:
        while True:
            libc.pause()


def pipe_wait(event):
    """Threads and processes that wait for what never comes, in as many ways as there are."""
    ends = os.pipe()
    for action in (lambda: os.read(ends[0], 1), lambda: os.open("/tmp/fifo", os.O_RDONLY), signal.pause, lambda: time.sleep(1e6),
                   lambda: libc.ppoll(None, 0, None, None), lambda: os.waitpid(-1, 0) if os.fork() else time.sleep(1e6)):
        if os.fork() == 0:
            try:
                os.mkfifo("/tmp/fifo")
            except OSError:
                pass
            action()
    os.read(ends[0], 1)


def sync_wait(event):
    """Writes and waits for the disk, which can't be interrupted while it does."""
    for _ in range(8):
        if os.fork() == 0:
            descriptor = os.open(f"/tmp/sync{os.getpid()}", os.O_WRONLY | os.O_CREAT)
            while True:
                os.pwrite(descriptor, b"x" * (1 << 20), 0)
                os.fsync(descriptor)
    spin(event)


def exit_handlers(event):
    import atexit
    atexit.register(lambda: time.sleep(1e6))
    threading.Thread(target=lambda: time.sleep(1e6)).start()
    raise SystemExit(3)


ACTIONS = {name: value for name, value in list(globals().items()) if callable(value) and getattr(value, "__module__", "") == __name__}


def handler(event, context):
    if event.get("what") == "count":
        return {"processes": sum(name.isdigit() for name in os.listdir("/proc"))}
    return ACTIONS[event["what"]](event)
