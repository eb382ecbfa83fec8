# SPDX-License-Identifier: Apache-2.0
"""What a function may not do, and what it may: asked from inside."""

import pathlib
import socket
import threading

import pytest

PROBE = pathlib.Path(__file__).with_name("probe.py").read_text()


@pytest.fixture(scope="module")
def probe(server):
    server.deploy("probe", {"app.py": PROBE}, MemorySize=512, Timeout=60)
    port = int(server.url.rsplit(":", 1)[1])

    def ask(what, **arguments):
        return server.invoke("probe", {"what": what, "port": port, **arguments})

    return ask


@pytest.mark.parametrize("what", [
    "ptrace_child", "process_vm_readv", "read_shadow", "read_root_home", "mount", "umount", "unshare_user",
    "unshare_net", "setns", "raw_socket", "packet_socket", "netlink_route_change", "vsock", "alg", "bpf", "keyctl",
    "perf", "io_uring", "userfaultfd", "write_task", "write_usr", "write_etc", "write_proc_sys", "chroot", "mknod",
    "kill_outside", "setuid_root", "reboot", "module", "sethostname", "clock", "personality", "udp_out", "tcp_25",
    "tcp_server", "tcp_host_loopback", "tcp_metadata", "listen_elsewhere_reached", "raise_priority",
])
def test_denied(probe, what):
    result = probe(what)
    assert result["denied"], result


def test_there_is_no_other_process(probe):
    processes = probe("processes")["processes"]
    assert len(processes) <= 4, processes
    assert not any("martlet serve" in p or "systemd" in p for p in processes)


def test_no_file_of_the_host_beyond_the_runtime(probe, server):
    found = probe("files")
    assert found["home"] == [] and found["root"] == []
    assert found["boot"] == [] and found["var_lib"] == []
    assert not found["data_directory"] and not found["sys"]
    assert set(found["etc_secret"]) == set()
    assert found["hostname"] != socket.gethostname()


def test_descriptors_are_only_the_usual(probe):
    descriptors = probe("descriptors")["descriptors"]
    assert len(descriptors) <= 8, descriptors
    assert not any("martlet" in target or target.startswith("/work") for target in descriptors), descriptors


def test_no_capability_and_no_new_privileges(probe):
    status = probe("status")["status"]
    for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[field], 16) == 0, status
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"


@pytest.mark.parametrize("what", [
    "threads", "subprocess", "multiprocessing", "shared_memory", "loopback_server", "write_tmp", "execute_from_tmp",
    "large_stack", "clock_reads", "random", "locale", "symlink_tmp", "unix_socket", "signal_child", "mmap_exec",
])
def test_allowed(probe, what):
    result = probe(what)
    assert result.get("worked") is True, result


def test_tmp_is_512_mb_and_not_the_functions_memory(server, name):
    server.deploy(name, {"app.py": PROBE}, MemorySize=128, Timeout=300)
    assert server.invoke(name, {"what": "fill_tmp", "megabytes": 500}) == {"written": 500}
    result = server.invoke(name, {"what": "fill_tmp", "megabytes": 600})
    assert 440 <= result["written"] <= 512 and result["error"] == "ENOSPC", result
    assert server.invoke(name, {"what": "fill_tmp", "megabytes": 10})["written"] == 10


def test_functions_do_not_see_one_another(server, name):
    for each in ("a", "b"):
        server.deploy(name + each, {"app.py": PROBE})
    server.invoke(name + "a", {"what": "leave", "name": "secret"})
    assert server.invoke(name + "b", {"what": "look"})["tmp"] == []
    assert server.invoke(name + "b", {"what": "look"})["shm"] == []
    assert "secret" in server.invoke(name + "a", {"what": "look"})["tmp"]


def test_a_listener_inside_is_reached_from_nowhere(server, name):
    server.deploy(name + "l", {"app.py": PROBE}, Timeout=60)
    server.deploy(name + "c", {"app.py": PROBE}, Timeout=60)
    port = 18765
    outcome = {}
    thread = threading.Thread(
        target=lambda: outcome.update(server.invoke(name + "l", {"what": "listen", "port": port, "seconds": 5})))
    thread.start()
    try:
        for _ in range(10):
            with pytest.raises(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=0.2)
        assert server.invoke(name + "c", {"what": "connect", "host": "127.0.0.1", "port": port})["denied"]
    finally:
        thread.join()
    assert outcome == {"accepted": 0}


@pytest.fixture
def echo_server():
    """A TCP server on the host's loopback that answers with what it gets, in capitals."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    stop = threading.Event()

    def serve():
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(60)
                connection.sendall(connection.recv(1000).upper())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    stop.set()
    thread.join()
    listener.close()


def test_the_policy_opens_a_port_of_the_host(make_server, echo_server):
    server = make_server("--egress", f"allow=127.0.0.1:{echo_server}")
    server.deploy("out", {"app.py": PROBE})
    assert server.invoke("out", {"what": "talk", "host": "host.martlet.internal", "port": echo_server}) == {"answer": "HELLO"}
    closed = server.invoke("out", {"what": "connect", "host": "host.martlet.internal", "port": echo_server - 1})
    assert closed["denied"]


def test_names_are_resolved(server, probe):
    assert probe("resolve", host="localhost")["addresses"]
    assert probe("resolve", host="absent.invalid")["error"]


def test_no_egress_means_none(make_server, echo_server):
    server = make_server("--egress", "none")
    server.deploy("shut", {"app.py": PROBE})
    for host in ("192.0.2.1", "10.0.0.1", "host.martlet.internal"):
        assert server.invoke("shut", {"what": "connect", "host": host, "port": echo_server})["denied"]
