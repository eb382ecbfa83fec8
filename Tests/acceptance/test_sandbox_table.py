# SPDX-License-Identifier: Apache-2.0
"""The table in docs/sandbox.md is what a function says today."""

import os

import sandbox_table


def test_the_table_is_what_a_function_sees(server):
    seen = sandbox_table.ask(server)
    table = sandbox_table.render(sandbox_table.rows(seen)).splitlines()
    recorded = sandbox_table.recorded().splitlines()
    if os.geteuid() != 0:
        # Made as root; an ordinary user's /tmp is a tmpfs and counts differently, and without a control group memory ends there too.
        own = ("| `/tmp`", "| RLIMIT_DATA ")
        table, recorded = ([line for line in lines if not line.startswith(own)] for lines in (table, recorded))
    assert table == recorded, "make sandbox-table"


def test_what_of_ipv6_there_is(server):
    addresses = sandbox_table.ask(server)["addresses"]
    assert {a for a in addresses if ":" in a} in (set(), {"::1", "fd00:6d61:7274::1"}), addresses
