# SPDX-License-Identifier: Apache-2.0
"""A process that is started before it is known whose it will be: does what needs no function, waits, becomes one's."""

import gc
import importlib
import os
import sys
from importlib.machinery import PathFinder

# A socket; after the standard streams and the log.
_CHANNEL = 4
_VARIABLES_BYTES_MAX = 64 * 1024
# What most functions import, by themselves or by the AWS SDK.
_USUAL = (
    "base64 concurrent.futures datetime hashlib hmac http.client logging random socket ssl threading traceback "
    "urllib.parse urllib.request"
).split()


class Blank:
    """The process until its function's code is there: `wait`, then `enter`."""

    def __init__(self):
        self._modules = _import_usual()
        if "_MARTLET_ZYGOTE" in os.environ:
            _become_child_of_zygote()

    def wait(self, practise):
        """Returns when it is known whose process this is, with the function's variables."""
        block = EnvironmentBlock()
        # Not while a function waits for it.
        practise()
        gc.collect()
        os.write(_CHANNEL, b"ready")
        variables = _hear()
        _set_variables(variables)
        block.replace(variables)

    def enter(self, connection, directories):
        """Returns when the function's code is in place, and this process in it.

        True when modules that were loaded ahead were given up, `logging` among them: where the function has one of its own
        name, all are loaded anew from where a plain start would have them.
        """
        _hear()
        # The number that the connection has in every other process; closes the channel.
        connection.renumber(_CHANNEL)
        os.chdir(directories[0])
        return give_up_hidden(self._modules, directories)


def _become_child_of_zygote():
    """This process forks as it is asked to, for as long as it lives: what returns is a child, in a sandbox of its own."""
    before = set(sys.modules)
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    zygote = importlib.import_module("_martlet_zygote")
    sys.path.pop(0)
    zygote.serve()
    # The children are as if they had never had it, nor what it needed. To free that would copy memory, which is the zygote's.
    zygote.keep([sys.modules.pop(name) for name in set(sys.modules) - before])


def _hear():
    message = os.read(_CHANNEL, _VARIABLES_BYTES_MAX)
    if not message:
        # Nobody has use for it.
        os._exit(0)
    return message


def _import_usual():
    """The names of the modules that this brought in."""
    before = set(sys.modules)
    for name in _USUAL:
        try:
            importlib.import_module(name)
        except ImportError:
            # An interpreter that was built without it: its functions do without.
            continue
    return set(sys.modules) - before


def _set_variables(block):
    pairs = [item.partition(b"=") for item in block.split(b"\0") if item]
    environment = os.environb
    # All, in their order; the text of those that stay as they are is in the block that is written over. LC_CTYPE Python sets by
    # itself where the locale named is not installed (PEP 538).
    for name in [name for name in environment if name != b"LC_CTYPE"]:
        del environment[name]
    for name, _, value in pairs:
        environment[name] = value


class EnvironmentBlock:
    """Where the kernel shows the process's variables, in /proc/PID/environ: as it was started with, unless written over."""

    def __init__(self):
        self._memory = None
        try:
            with open("/proc/self/stat", "rb") as file:
                # proc_pid_stat(5): env_start and env_end are 50 and 51; the second field may hold anything.
                fields = file.read().rpartition(b")")[2].split()
            self._start, self._end = int(fields[47]), int(fields[48])
            self._memory = os.open("/proc/self/mem", os.O_RDWR | os.O_CLOEXEC)
        except (OSError, ValueError, IndexError):
            # A kernel that forbids it: what is shown is how the process was started, without any function's variables.
            pass

    def replace(self, variables):
        if self._memory is None:
            return
        room = self._end - self._start
        try:
            if len(variables) <= room:
                os.pwrite(self._memory, variables + bytes(room - len(variables)), self._start)
        except OSError:
            # As above.
            pass
        finally:
            os.close(self._memory)


def give_up_hidden(modules, directories):
    """Forgets all of these where the function has one of its own name; true when it did."""
    if not _hides(modules, directories):
        return False
    for name in modules:
        sys.modules.pop(name, None)
    return True


def _hides(modules, directories):
    """Whether the function has a module of its own, in one of the directories, in the place of one of these."""
    names = {name.partition(".")[0] for name in modules}
    found = set()
    for directory in directories:
        try:
            found.update(entry.partition(".")[0] for entry in os.listdir(directory))
        except OSError:
            # No such layer.
            continue
    for name in names & found:
        # A directory that is no package and a file that is no module hide nothing: there is no loader for them.
        spec = PathFinder.find_spec(name, directories)
        if spec is not None and spec.loader is not None:
            return True
    return False
