# SPDX-License-Identifier: Apache-2.0
import pathlib
import shutil
import subprocess
import uuid

import pytest

import modelled_errors
from harness import ANSWERS, BINARY, ROOT, Server


def pytest_configure(config):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not there: build it, or name another with MARTLET_BIN", returncode=2)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """What one of several processes saw, in the one that started them."""
    for name, counts in getattr(node, "workeroutput", {}).get("answers", {}).items():
        ANSWERS[name].update(counts)


def is_whole(session, exitstatus):
    """Whether every test there is was run to its end."""
    option = session.config.option
    chosen = option.keyword or option.markexpr or option.deselect or option.ignore or option.ignore_glob \
        or getattr(option, "lf", False) or option.collectonly
    paths = [pathlib.Path(argument).resolve() for argument in session.config.args]
    return not chosen and paths == [pathlib.Path(__file__).parent] and exitstatus == pytest.ExitCode.OK


def pytest_sessionfinish(session, exitstatus):
    """When all was run: a run fails in which some operation did not succeed, or an error of the model was not seen."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["answers"] = {name: dict(counts) for name, counts in ANSWERS.items()}
        return
    if not is_whole(session, exitstatus):
        return
    operations = modelled_errors.available()
    found = [f"{name}: no test saw it succeed" for name in operations if not ANSWERS[name]["ok"]]
    found += modelled_errors.problems(ANSWERS)
    errors = sum(len(set(counts) - {"ok"}) for counts in ANSWERS.values())
    modelled = sum(len(modelled_errors.modelled(name)) for name in operations)
    excused = sum(len(modelled_errors.excused(name)) for name in operations)
    print(f"\noperations: {len(modelled_errors.MODEL.operation_names)}, of which {len(modelled_errors.UNAVAILABLE)} are "
          f"not available; {errors} different errors of theirs were seen; of {modelled} in the model {excused} can't occur")
    if found:
        print("\n".join(found))
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


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


@pytest.fixture(scope="session")
def object_store():
    """A real object store that verifies signatures; each module has buckets of its own there."""
    from s3_server import S3Server

    store = S3Server()
    yield store
    store.close()


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
            [path, *arguments], env=server.environment, capture_output=True, text=True, timeout=300)
        assert not check or result.returncode == 0, result.stderr
        return result

    run.path = path
    return run


@pytest.fixture(scope="session")
def client_packages(tmp_path_factory):
    """A bootstrap with AWS's runtime client for Python, its files, and a layer with an extension of AWS's published shape."""
    import sys

    from extension_programs import PUBLISHED, layer_of

    def install(*packages):
        directory = tmp_path_factory.mktemp("packages")
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(directory),
             *packages], check=True)
        return {
            str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts}

    version = "%d.%d" % sys.version_info[:2]
    bootstrap = f'#!/bin/sh\ncd /var/task\nexec python{version} -m awslambdaric "$_HANDLER"\n'
    shebang = PUBLISHED.replace("#!/usr/bin/env python3", f"#!/usr/bin/env python{version}", 1)
    extension = {"published-example": shebang}
    extension.update(("../published-example/" + name, content) for name, content in install("requests==2.32.5").items())
    return bootstrap, install("awslambdaric==3.1.1"), layer_of(extension)
