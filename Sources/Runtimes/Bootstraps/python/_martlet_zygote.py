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
# setns(2) takes them in this order: the first gives what the others ask for.
_NAMESPACES = (
    0x10000000,  # CLONE_NEWUSER
    0x00020000,  # CLONE_NEWNS
    0x40000000,  # CLONE_NEWNET
    0x08000000,  # CLONE_NEWIPC
    0x04000000,  # CLONE_NEWUTS
    0x20000000,  # CLONE_NEWPID
)
_CLONE_NEWCGROUP = 0x02000000
_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_CAPBSET_DROP, _PR_CAP_AMBIENT = 4, 22, 24, 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_EINVAL = 22
# RLIMIT_DATA in MiB (0 for none), user and group.
_REQUEST = struct.Struct("<III")
_PROGRAM_BYTES_MAX = 64 * 1024
# As of every runtime's process. The zygote itself has no such limit: all that is below it would count.
_PROCESSES_MAX = 1024


class _Kernel:
    """The system calls that Python has no name for; each raises OSError."""

    def __init__(self, program):
        self._library = ctypes.CDLL(None, use_errno=True)
        self._program = ctypes.create_string_buffer(program, len(program))
        # struct sock_fprog: the padding is the pointer's.
        self._filter = ctypes.create_string_buffer(
            struct.pack("@HP", len(program) // 8, ctypes.addressof(self._program))
        )
        self._header = ctypes.create_string_buffer(struct.pack("@Ii", _CAPABILITY_VERSION_3, 0))
        self._no_capabilities = ctypes.create_string_buffer(24)

    def call(self, name, *arguments):
        converted = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]
        if getattr(self._library, name)(*converted) < 0:
            error = ctypes.get_errno()
            raise OSError(error, "%s: %s" % (name, os.strerror(error)))

    def drop_capabilities(self):
        for capability in range(64):
            try:
                self.call("prctl", _PR_CAPBSET_DROP, capability, 0, 0, 0)
            except OSError as error:
                # The kernel knows no higher one.
                if error.errno == _EINVAL and capability > 0:
                    break
                raise
        self.call("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
        self.call("capset", self._header, self._no_capabilities)

    def install_filter(self):
        self.call("prctl", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(self._filter), 0, 0)


def serve(settle=None):
    """Forks as it is asked to, and returns in the children only, each in its sandbox and with nothing but what is its own.

    `settle` closes what a child has inherited beyond the descriptors that it is given; without it all of that is closed.
    """
    channel = socket.socket(fileno=_CHANNEL)
    kernel = _Kernel(channel.recv(_PROGRAM_BYTES_MAX))
    gc.collect()
    # What is there now is not looked at again, and so not written to, in any child.
    gc.freeze()
    if shares_writable_memory():
        # What one child wrote others would read.
        os._exit(1)
    channel.send(b"ready")
    room = socket.CMSG_SPACE((len(_NAMESPACES) + 3) * 4)
    while True:
        request, ancillary, _, _ = channel.recvmsg(_REQUEST.size, room, socket.MSG_CMSG_CLOEXEC)
        if not request:
            # Nobody has use for it.
            os._exit(0)
        descriptors = array.array("i")
        for _, _, data in ancillary:
            descriptors.frombytes(data)
        try:
            child = os.fork()
        except OSError:
            # Whoever waits for it sees the end of its channel below; the next may have better luck.
            child = -1
        if child == 0:
            channel.detach()
            try:
                _come_in(kernel, descriptors, settle or _close_others, *_REQUEST.unpack(request))
            except BaseException:
                # Whoever waits for it sees the end of its channel, of which nobody else has a copy then.
                os._exit(1)
            return
        for descriptor in descriptors:
            os.close(descriptor)
        _reap()


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


def _limit(which, most):
    hard = resource.getrlimit(which)[1]
    value = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (value, value))


def _close_others():
    os.closerange(_CHANNEL + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def _come_in(kernel, descriptors, settle, data_mib, user, group):
    for namespace, descriptor in zip(_NAMESPACES, descriptors):
        kernel.call("setns", descriptor, namespace)
    # Only a child is inside the pid namespace, and only its child is left to that namespace's first process. Its number is
    # another than the zygote's, by which OpenSSL knows that it was forked.
    if os.fork() != 0 or os.fork() != 0:
        os._exit(0)
    while os.getppid() != 1:
        os.sched_yield()
    os.setsid()
    output, telemetry, channel = descriptors[len(_NAMESPACES) :]
    # All anew: what was the zygote's all its children would have a part in.
    null = os.open("/dev/null", os.O_RDONLY)
    for descriptor, number in ((null, 0), (output, 1), (output, 2), (telemetry, 3), (channel, _CHANNEL)):
        os.dup2(descriptor, number)
    settle()
    os.write(_CHANNEL, b"here %d" % os.getpid())
    if os.read(_CHANNEL, 16) != b"go":
        os._exit(0)
    # The root of what it sees of control groups is the one that it was put into meanwhile.
    kernel.call("unshare", _CLONE_NEWCGROUP)
    _limit(resource.RLIMIT_NPROC, _PROCESSES_MAX)
    if data_mib:
        _limit(resource.RLIMIT_DATA, data_mib << 20)
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    kernel.drop_capabilities()
    # As any process is after execve(2); changes of user and capabilities made it otherwise.
    kernel.call("prctl", _PR_SET_DUMPABLE, 1, 0, 0, 0)
    kernel.install_filter()
    set_native_id = getattr(threading.main_thread(), "_set_native_id", None)
    if set_native_id is not None:
        set_native_id()
