# SPDX-License-Identifier: Apache-2.0
import pathlib
import shutil
import subprocess
import uuid

import pytest

from harness import BINARY, ROOT, Server


def pytest_configure(config):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not there: build it, or name another with MARTLET_BIN", returncode=2)


@pytest.fixture(scope="session")
def server():
    """One server for all tests that don't change it."""
    server = Server()
    server.start()
    yield server
    server.close()


@pytest.fixture
def make_server():
    """Makes servers with options of their own."""
    made = []

    def make(*options, **arguments):
        server = Server(*options, **arguments)
        made.append(server)
        return server.start()

    yield make
    for server in reversed(made):
        server.close()


@pytest.fixture
def name():
    return "f-" + uuid.uuid4().hex[:12]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """Compiles C to a static program; gives its bytes."""

    def build(source):
        directory = tmp_path_factory.mktemp("compiled")
        text = source.read_text() if isinstance(source, pathlib.Path) else source
        (directory / "bootstrap.c").write_text(text)
        subprocess.run(
            ["cc", "-O1", "-static", "-o", str(directory / "bootstrap"), str(directory / "bootstrap.c")], check=True)
        return (directory / "bootstrap").read_bytes()

    return build


@pytest.fixture(scope="session")
def primes(compiled):
    return compiled(ROOT / "examples/compiled/bootstrap.c")


@pytest.fixture(scope="session")
def aws():
    """The AWS CLI of the environment that runs the tests."""
    import sys

    beside = pathlib.Path(sys.executable).with_name("aws")
    path = str(beside) if beside.exists() else shutil.which("aws")
    assert path, "the AWS CLI is not installed"

    def run(server, *arguments, check=True):
        result = subprocess.run(
            [path, *arguments], env=server.environment, capture_output=True, text=True, timeout=120)
        assert not check or result.returncode == 0, result.stderr
        return result

    return run
