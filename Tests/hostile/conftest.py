# SPDX-License-Identifier: Apache-2.0
"""What the hostile suite shares: servers, a neighbour that must not notice anything, and the count of attempts."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "acceptance")]

from hostility import Neighbour, Tally  # noqa: E402
from harness import BINARY, Server  # noqa: E402

TALLY = Tally()


def pytest_configure(config):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not there: build it, or name another with MARTLET_BIN", returncode=2)


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"hostile: {TALLY.attempts} attempts, {TALLY.contained} denied or contained")


@pytest.fixture(scope="session")
def tally():
    return TALLY


@pytest.fixture
def make_server():
    """Makes servers with options of their own; each must be gone without a trace afterwards."""
    made = []

    def make(*options, kind=Server, **arguments):
        server = kind(*options, **arguments)
        made.append(server)
        return server.start()

    yield make
    for server in reversed(made):
        server.close()


@pytest.fixture(scope="module")
def server():
    """One server for each module, which must be gone without a trace when the module is done."""
    server = Server()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def neighbour(server):
    """Another function of the module's server."""
    return Neighbour(server)


@pytest.fixture(autouse=True)
def server_stays_well(request):
    """After each test the same server process runs and answers."""
    yield
    if "server" in request.fixturenames:
        server = request.getfixturevalue("server")
        assert server.process.poll() is None, server.lines[-50:]
        assert server.client().list_functions()["Functions"] is not None
        assert [pid for pid in server.pids if not pathlib.Path(f"/proc/{pid}").exists()] == []
