# SPDX-License-Identifier: Apache-2.0
"""SnapStart: the process that has initialised a version, and that the version's environments are forked from.

`Snapshot.take` returns in the children only, each in a sandbox of its own. A fork takes along memory, but neither threads nor a
private share of what descriptors stand for: what can't be had anew in the child makes the process one that is not forked from.
"""

import sys

_before = set(sys.modules)

import fcntl  # noqa: E402
import io  # noqa: E402
import os  # noqa: E402
import resource  # noqa: E402
import select  # noqa: E402
import socket  # noqa: E402
import stat  # noqa: E402
import tarfile  # noqa: E402
import tempfile  # noqa: E402
import threading  # noqa: E402

import _martlet_blank  # noqa: E402
import _martlet_zygote  # noqa: E402

# What a function might have a module of its own in the place of.
_LOADED = {name for name in set(sys.modules) - _before if not name.startswith("_martlet_")}

# As of every blank process.
_CHANNEL = 4
_REASON_BYTES_MAX = 200
_VARIABLES_BYTES_MAX = 64 * 1024
# Descriptors that the function can have: the standard streams, the log's and the channel's come before.
_FIRST = 5
_TEMPORARY = "/tmp"
# Each environment copies it before its first invocation.
_TEMPORARY_BYTES_MAX = 32 << 20


class NotForkable(Exception):
    """Says what of this process no child could have."""


class Snapshot:
    def __init__(self, directories):
        """The directories are those that the function's modules are looked for in."""
        # While it is set a fork makes no process of the function's.
        self.is_forking = False
        _martlet_blank.give_up_hidden(_LOADED, directories)
        _show({b"_MARTLET_SNAPSHOT": None})

    def run_before_hooks(self):
        hooks = _hooks("get_before_snapshot")
        while hooks:
            function, arguments, keywords = hooks.pop()
            function(*arguments, **keywords)

    def run_after_hooks(self):
        for function, arguments, keywords in _hooks("get_after_restore"):
            function(*arguments, **keywords)

    def take(self, connection):
        """Forks as it is asked to; returns in each child when it may begin, connected anew.

        Where it can't be forked from, says so and waits for its end.
        """
        # Answered by nobody: whatever comes next comes to a child.
        connection.send(connection.get("restore/next"))
        self.is_forking = True
        try:
            _check_processes()
            descriptors = _Descriptors(connection.number)
            _check_threads()
        except (NotForkable, OSError) as error:
            _decline(error)
            while _hear(_VARIABLES_BYTES_MAX):
                pass
        _martlet_zygote.serve(descriptors.settle)
        try:
            descriptors.restore()
        except Exception as error:
            # The invocation that waits gets another environment.
            _decline(error)
            os._exit(1)
        os.write(_CHANNEL, b"ready")
        items = [item.partition(b"=") for item in _hear(_VARIABLES_BYTES_MAX).split(b"\0") if item]
        variables = {name: value for name, _, value in items}
        os.environb.update(variables)
        _show(variables)
        _hear(16)
        os.close(_CHANNEL)
        self.is_forking = False
        connection.reconnect()


def _show(changes):
    """Changes variables where the kernel shows those that the process was started with; None takes one away."""
    with open("/proc/self/environ", "rb") as file:
        shown = dict(item.partition(b"=")[::2] for item in file.read().split(b"\0") if item)
    shown.update((name, value) for name, value in changes.items() if name in shown)
    block = b"".join(b"%s=%s\0" % (name, value) for name, value in shown.items() if value is not None)
    _martlet_blank.EnvironmentBlock().replace(block)


def _hooks(getter):
    module = sys.modules.get("snapshot_restore_py")
    return getattr(module, getter)() if module is not None else []


def _decline(error):
    os.write(_CHANNEL, b"no " + str(error).encode("utf-8", "replace")[:_REASON_BYTES_MAX])


def _hear(most):
    message = os.read(_CHANNEL, most)
    if not message:
        # Nobody has use for it.
        os._exit(0)
    return message


def _check_processes():
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return
    raise NotForkable("it has started processes that run, or that it has not waited for")


def _check_threads():
    if len(sys._current_frames()) > 1:
        names = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
        raise NotForkable("it has started threads that still run: %s" % ", ".join(names))
    if _martlet_zygote.shares_writable_memory():
        raise NotForkable("it shares memory with other processes (multiprocessing, or a file mapped for writing)")
    # A library that can be forked gives up its own threads for that (pthread_atfork(3)).
    if len(os.listdir("/proc/self/task")) > 1:
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        if len(os.listdir("/proc/self/task")) > 1:
            raise NotForkable("a library has started threads that a fork does not end")


class _Descriptors:
    """The function's descriptors, as each child is to have them: by number, what makes them anew."""

    def __init__(self, connection):
        self._makers = {}
        self._pipes = {}
        self._locals = {}
        self._pollers = {}
        self._temporary = None
        numbers = sorted(int(name) for name in os.listdir("/proc/self/fd"))
        for number in numbers:
            if number < _FIRST or number == connection:
                continue
            try:
                status = os.fstat(number)
            except OSError:
                # The one that the list was read with.
                continue
            self._makers[number] = self._maker(number, status)
        for number, (path, mode) in self._pipes.items():
            if not any(p == path and m != mode for p, m in self._pipes.values()):
                raise NotForkable("descriptor %d is an end of a pipe whose other end it does not have" % number)
            if mode == os.O_RDONLY and _is_readable(number):
                raise NotForkable("descriptor %d is a pipe with something to be read" % number)
        self._pairs = _local_pairs(self._locals)
        if os.listdir(_TEMPORARY):
            self._temporary = _pack(_TEMPORARY)

    def _maker(self, number, status):
        path = os.readlink("/proc/self/fd/%d" % number)
        flags = _info(number)["flags"]
        if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode) or stat.S_ISCHR(status.st_mode):
            if not path.startswith("/") or path.startswith("/memfd:") or status.st_nlink == 0 or path.startswith("/proc/"):
                raise NotForkable("descriptor %d is %s, which has no name to open it by" % (number, path))
            position = os.lseek(number, 0, os.SEEK_CUR) if stat.S_ISREG(status.st_mode) else 0
            return _File(path, flags, position)
        if stat.S_ISFIFO(status.st_mode) and path.startswith("pipe:"):
            self._pipes[number] = (path, flags & os.O_ACCMODE)
            return None
        if stat.S_ISSOCK(status.st_mode):
            connected = socket.socket(fileno=os.dup(number))
            if connected.family == socket.AF_UNIX:
                self._locals[number] = connected
                return None
            return _dead_socket(number, connected)
        if path == "anon_inode:[eventpoll]":
            self._pollers[number] = _info(number)["tfd"]
            return None
        if path == "anon_inode:[eventfd]":
            count = int(_info(number)["eventfd-count"], 16)
            return lambda: os.eventfd(count, os.EFD_CLOEXEC | (flags & os.O_NONBLOCK))
        raise NotForkable("descriptor %d is %s" % (number, path))

    def settle(self):
        """In a child that has come into its sandbox: of what it inherited, only the copy of /tmp is kept."""
        kept = -1 if self._temporary is None else self._temporary
        first = _FIRST
        if kept >= 0:
            os.closerange(first, kept)
            first = kept + 1
        os.closerange(first, resource.getrlimit(resource.RLIMIT_NOFILE)[1])

    def restore(self):
        if self._temporary is not None:
            _unpack(self._temporary, _TEMPORARY)
            os.close(self._temporary)
        # Out of the way of the numbers that others are to have.
        high = max(self._makers, default=_FIRST) + 1
        made = {number: _moved(make(), high) for number, make in self._makers.items() if make is not None}
        made.update(_pipe_pairs(self._pipes, high))
        made.update(_socket_pairs(self._pairs, high))
        for number, descriptor in made.items():
            os.dup2(descriptor, number, inheritable=False)
            os.close(descriptor)
        for number, targets in self._pollers.items():
            _restore_poller(number, targets)


class _File:
    def __init__(self, path, flags, position):
        self._path = path
        # Made and emptied it was before.
        self._flags = flags & ~(os.O_CREAT | os.O_EXCL | os.O_TRUNC)
        self._position = position

    def __call__(self):
        descriptor = os.open(self._path, self._flags)
        if self._position:
            os.lseek(descriptor, self._position, os.SEEK_SET)
        return descriptor


def _info(number):
    """The fields of /proc/self/fdinfo, of which `tfd` may be there several times."""
    fields = {"tfd": []}
    with open("/proc/self/fdinfo/%d" % number) as file:
        for line in file:
            name, _, value = line.partition(":")
            if name.strip() == "tfd":
                words = line.replace(":", " ").split()
                fields["tfd"].append((int(words[1]), int(words[3], 16), int(words[5], 16)))
            else:
                fields[name.strip()] = value.strip()
    fields["flags"] = int(fields["flags"], 8)
    return fields


def _dead_socket(number, original):
    """A connection does not outlive a snapshot: what stands for it is one of its kind that is not connected."""
    with original:
        family, kind = original.family, original.type
        if original.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise NotForkable("descriptor %d is a socket that listens" % number)
        is_blocking = os.get_blocking(number)

    def make():
        descriptor = socket.socket(family, kind).detach()
        os.set_blocking(descriptor, is_blocking)
        return descriptor

    return make


def _pipe_pairs(pipes, high):
    made = {}
    for path in {path for path, _ in pipes.values()}:
        ends = dict(zip((os.O_RDONLY, os.O_WRONLY), os.pipe()))
        for number, (other, mode) in pipes.items():
            if other == path:
                made[number] = _moved(os.dup(ends[mode]), high)
        for end in ends.values():
            os.close(end)
    return made


def _local_pairs(sockets):
    """Which of them are the two ends of one socketpair(2): nobody tells, but what is written to one is read from the other."""
    pairs = []
    try:
        for number, end in sockets.items():
            if end.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) or _is_readable(end):
                raise NotForkable("descriptor %d is a local socket that listens, or has something to be read" % number)
        for number, end in sockets.items():
            if any(number in pair for pair in pairs):
                continue
            end.send(b"?", socket.MSG_DONTWAIT)
            others = [other for other, socket_ in sockets.items() if _is_readable(socket_)]
            if len(others) != 1 or others[0] == number:
                raise NotForkable("descriptor %d is a local socket whose other end it does not have" % number)
            sockets[others[0]].recv(1)
            pairs.append((number, others[0]))
        return [(pair, sockets[pair[0]].type, [os.get_blocking(number) for number in pair]) for pair in pairs]
    finally:
        for end in sockets.values():
            end.close()


def _is_readable(end):
    poll = select.poll()
    poll.register(end, select.POLLIN)
    return bool(poll.poll(0))


def _socket_pairs(pairs, high):
    made = {}
    for numbers, kind, are_blocking in pairs:
        for number, end, is_blocking in zip(numbers, socket.socketpair(socket.AF_UNIX, kind), are_blocking):
            os.set_blocking(end.fileno(), is_blocking)
            made[number] = _moved(end.detach(), high)
    return made


def _moved(descriptor, least):
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, least)
    os.close(descriptor)
    return moved


def _restore_poller(number, targets):
    poller = select.epoll()
    for target, events, _ in targets:
        try:
            poller.register(target, events)
        except OSError:
            # It was closed before, and only the poller has not heard of it.
            continue
    os.dup2(poller.fileno(), number, inheritable=False)
    poller.close()


def _size(directory):
    paths = (os.path.join(parent, name) for parent, _, names in os.walk(directory) for name in names)
    return sum(os.lstat(path).st_size for path in paths)


def _pack(directory):
    """The descriptor of a file without a name that has what is below `directory`: a child may not read the originals, since it has
    another user."""
    if _size(directory) > _TEMPORARY_BYTES_MAX:
        raise NotForkable("it has left more than %d MB in %s" % (_TEMPORARY_BYTES_MAX >> 20, directory))
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            with tarfile.open(fileobj=file, mode="w") as archive:
                for name in os.listdir(directory):
                    archive.add(os.path.join(directory, name), name)
            file.flush()
            return os.dup(file.fileno())
    except OSError as error:
        raise NotForkable("what it has left in %s can't be copied there once: %s" % (directory, error)) from None


def _unpack(descriptor, directory):
    """With its links, modes and times."""
    with tarfile.open(fileobj=io.BufferedReader(_Reader(descriptor), 1 << 20), mode="r") as archive:
        archive.extractall(directory, filter="fully_trusted")


class _Reader(io.RawIOBase):
    """A file from its start, whoever else reads from the same description of it."""

    def __init__(self, descriptor):
        self._descriptor = descriptor
        self._position = 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=os.SEEK_SET):
        base = (0, self._position, os.fstat(self._descriptor).st_size)[whence]
        self._position = base + offset
        return self._position

    def readinto(self, buffer):
        count = os.preadv(self._descriptor, [buffer], self._position)
        self._position += count
        return count
