# SPDX-License-Identifier: Apache-2.0
"""What the reading of topics may take: of time at the end, of memory, and of which librdkafka."""

import subprocess
import time

import pytest

from harness import wait_until
from kafka_cluster import Cluster, Hang
from test_kafka_sources import (  # noqa: F401
    LISTING, WAIT, cluster, flat, mapped, topic, wait_for_offset, wait_for_result)


@pytest.mark.parametrize("is_busy", [False, True])
def test_a_broker_that_hangs_does_not_hold_up_the_end(make_server, name, is_busy):
    """The server ends in its time, with a batch that can't be committed, too; what was not committed comes again."""
    cluster = Cluster()
    door = Hang(cluster)
    try:
        server = make_server("--drain-timeout", "5s")
        server.deploy(name, LISTING.replace("    print", f"    time.sleep({3 if is_busy else 0})\n    print", 1).replace("import base64", "import time, base64", 1))
        made = cluster.topic("topic")
        mapped(server, name, cluster, made, at=[door.server])
        cluster.put(made, "a")
        if is_busy:
            time.sleep(2)
        else:
            wait_for_offset(cluster, made, 1)
        door.hangs.set()
        begin = time.monotonic()
        assert server.terminate() == 0
        taken = time.monotonic() - begin
        assert taken < 25, f"{taken:.1f} s"
        if is_busy:
            door.hangs.clear()
            server.start()
            wait_for_offset(cluster, made, 1)
            assert set(flat(server, name)) == {"a"}
    finally:
        door.close()
        cluster.close()


def test_partitions_wait_for_memory_and_are_read_when_there_is_some(make_server, name, cluster, topic):
    """16 MiB are for 16 partitions."""
    server = make_server("--kafka-memory", "16")
    server.deploy(name, LISTING)
    client = server.client()
    first, second = topic(12), topic(8)
    mapping = mapped(server, name, cluster, first)
    for partition in range(12):
        cluster.put(first, f"first-{partition}", partition=partition)
    wait_until(lambda: len(flat(server, name)) == 12, WAIT, "all of the first")
    other = mapped(server, name, cluster, second)
    for partition in range(8):
        cluster.put(second, f"second-{partition}", partition=partition)
    wait_for_result(client, other, "PROBLEM: 4 partitions wait for memory", "--kafka-memory")
    wait_until(lambda: len(flat(server, name)) == 16, WAIT, "half of the second")
    client.delete_event_source_mapping(UUID=mapping)
    wait_until(lambda: len(flat(server, name)) == 20, WAIT, "all of the second")
    assert len(set(flat(server, name))) == 20
    wait_until(lambda: "PROBLEM" not in client.get_event_source_mapping(UUID=other)["LastProcessingResult"], WAIT, "it is said")


def test_a_librdkafka_that_is_too_old_is_told_of(make_server, name, cluster, topic, tmp_path):
    """One that says so of itself stands for it."""
    source = tmp_path / "old.c"
    source.write_text("int rd_kafka_version(void) { return 0x010600ff; }")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "old.so", source], check=True)
    server = make_server(env={"LD_PRELOAD": str(tmp_path / "old.so")})
    server.deploy(name, LISTING)
    mapping = mapped(server, name, cluster, topic())
    wait_for_result(server.client(), mapping, "PROBLEM: This server's librdkafka is 1.6.0; topics are read with 1.8.2 or newer.")
    server.wait_for_line("a topic is not read", "librdkafka 1.6.0 is older than 1.8.2")
