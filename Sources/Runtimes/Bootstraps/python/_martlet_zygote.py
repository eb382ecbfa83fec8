# SPDX-License-Identifier: Apache-2.0
"""A process that others are forked from: what it has loaded they have, and their memory is its own until they write to it.

It has no capability. With each request come the namespaces of a sandbox that was made for one child, below its own.
"""

import array
import ctypes
import gc
import os
import resource
import socket
import struct
import threading

# As of every blank process.
_CHANNEL = 4
_NAMESPACES = 6
# RLIMIT_DATA in MiB (0 for none), user and group.
_REQUEST = struct.Struct("<III")
_PROGRAM_BYTES_MAX = 64 * 1024
# As of every runtime's process. The zygote itself has no such limit: all that is below it would count.
_PROCESSES_MAX = 1024
_LIBRARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libmartlet-zygote.so")


class _Hooks(ctypes.Structure):
    """struct zygote_hooks: nothing of Python's runs between them, as in os.fork."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("before", "parent", "child")]

    def __init__(self):
        python = ctypes.pythonapi
        functions = (python.PyOS_BeforeFork, python.PyOS_AfterFork_Parent, python.PyOS_AfterFork_Child)
        super().__init__(*(ctypes.cast(function, ctypes.c_void_p).value for function in functions))


class _Library:
    """What is done between the walls, in C (zygote.h): there memory is copied once, and nothing of Python's runs in a process on the way."""

    def __init__(self, program):
        # The interpreter's lock is held: what is forked has it.
        library = ctypes.PyDLL(_LIBRARY, use_errno=True)
        self._fork_into = library.zygote_fork_into
        self._fork_into.argtypes = [ctypes.c_int * _NAMESPACES, ctypes.POINTER(_Hooks)]
        self._hooks = _Hooks()
        self._confine = library.zygote_confine
        self._confine.argtypes = [
            ctypes.c_uint, ctypes.c_uint, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_size_t,
        ]
        self._program = program

    def fork_into(self, namespaces):
        """As os.fork, into a sandbox: a process that is a child of the sandbox's first one."""
        return _checked(self._fork_into((ctypes.c_int * _NAMESPACES)(*namespaces), self._hooks))

    def confine(self, data_mib, user, group):
        _checked(self._confine(user, group, _PROCESSES_MAX, data_mib << 20, self._program, len(self._program)))


def _checked(result):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def serve(settle=None):
    """Forks as it is asked to, and returns in the children only, each in its sandbox and with nothing but what is its own.

    `settle` closes what a child has inherited beyond the descriptors that it is given; without it all of that is closed.
    """
    channel = socket.socket(fileno=_CHANNEL)
    library = _Library(channel.recv(_PROGRAM_BYTES_MAX))
    gc.collect()
    # What is there now is not looked at again, and so not written to, in any child.
    gc.freeze()
    if shares_writable_memory():
        # What one child wrote others would read.
        os._exit(1)
    channel.send(b"ready")
    room = socket.CMSG_SPACE((_NAMESPACES + 3) * 4)
    while True:
        request, ancillary, _, _ = channel.recvmsg(_REQUEST.size, room, socket.MSG_CMSG_CLOEXEC)
        if not request:
            # Nobody has use for it.
            os._exit(0)
        descriptors = array.array("i")
        for _, _, data in ancillary:
            descriptors.frombytes(data)
        try:
            child = library.fork_into(descriptors[:_NAMESPACES])
        except OSError:
            # Whoever waits for it sees the end of its channel below; the next may have better luck.
            child = -1
        if child == 0:
            channel.detach()
            try:
                _settle_in(library, descriptors[_NAMESPACES:], settle or _close_others, *_REQUEST.unpack(request))
            except BaseException:
                # Whoever waits for it sees the end of its channel, of which nobody else has a copy then.
                os._exit(1)
            return
        for descriptor in descriptors:
            os.close(descriptor)
        _reap()


def keep(objects):
    """For the life of the process, with all that they refer to."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(objects))


def _reap():
    """Those that have ended; one that comes in is not waited for, since the next is asked for."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        # There is none.
        pass


def shares_writable_memory():
    with open("/proc/self/maps") as file:
        return any("w" in line.split()[1] and "s" in line.split()[1] for line in file)


def _close_others():
    os.closerange(_CHANNEL + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def _settle_in(library, descriptors, settle, data_mib, user, group):
    os.setsid()
    output, telemetry, channel = descriptors
    # All anew: what was the zygote's all its children would have a part in.
    null = os.open("/dev/null", os.O_RDONLY)
    for descriptor, number in ((null, 0), (output, 1), (output, 2), (telemetry, 3), (channel, _CHANNEL)):
        os.dup2(descriptor, number)
    settle()
    # Another number than the zygote's, by which OpenSSL knows that it was forked.
    os.write(_CHANNEL, b"here %d" % os.getpid())
    if os.read(_CHANNEL, 16) != b"go":
        os._exit(0)
    # The control group that it was put into meanwhile is the root of those that it sees.
    library.confine(data_mib, user, group)
    set_native_id = getattr(threading.main_thread(), "_set_native_id", None)
    if set_native_id is not None:
        set_native_id()
