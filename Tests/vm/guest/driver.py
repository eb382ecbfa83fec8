# SPDX-License-Identifier: Apache-2.0
"""Does in the guest what the host asked for on the kernel's command line."""

import fcntl
import socket
import struct
import sys

import powerloss
import servers
import settings
import suites
from report import tell

# Walls and /tmp do not depend on where the groups are: the other configurations have them for root and for a user.
LIMITS_ONLY = ("shell", "container")
LIMITS = "(ControlGroup|Life)Tests"
# The rest of the filter's tests need a compiler, git and Perl, which the guest has not, and nothing of its control groups.
SUITES = "(ControlGroup|FilterInstalled|Life|Socket|Temporary|Walls)Tests"


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        # SIOCSIFFLAGS with IFF_UP and IFF_RUNNING: netdevice(7).
        fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))


def main(arguments):
    loopback_up()
    asked = dict(argument.split("=", 1) for argument in arguments if argument.startswith("vm."))
    for name in filter(None, asked.get("vm.suites", "").split(",")):
        suites.run(settings.ALL[name](), LIMITS if name in LIMITS_ONLY else SUITES)
    for name in filter(None, asked.get("vm.servers", "").split(",")):
        servers.run(settings.ALL[name]())
    if "vm.power" in asked:
        powerloss.run(int(asked["vm.power"]), seconds=300)
    tell("done")


main(sys.argv[1:])
