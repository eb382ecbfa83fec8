# SPDX-License-Identifier: Apache-2.0
"""provided.*: a compiled bootstrap, a script, and AWS's own runtime client."""

import io
import os
import subprocess
import sys
import zipfile

import pytest

SERVER_CREDENTIALS = """
import os
def handler(event, context):
    return {k: os.environ[k] for k in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN')}
"""


@pytest.mark.parametrize("runtime", ["provided.al2023", "provided.al2"])
def test_a_compiled_bootstrap(server, name, primes, runtime):
    server.deploy(name, {"bootstrap": primes}, modes={"bootstrap": 0o755}, Runtime=runtime, Handler="none")
    for limit, count in ((10, 4), (100, 25), (1_000_000, 78_498)):
        assert server.invoke(name, {"limit": limit}) == {"limit": limit, "primes": count}


def test_a_bootstrap_that_is_missing_or_not_executable(server, name):
    server.deploy(name, {"readme": "x"}, Runtime="provided.al2023", Handler="none")
    error = server.fail(name)
    assert error["errorType"] == "Runtime.InvalidEntrypoint"
    assert "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]" in error["errorMessage"]
    server.deploy(name + "x", {"bootstrap": "#!/bin/sh\n"}, Runtime="provided.al2023", Handler="none")
    assert server.fail(name + "x")["errorType"] == "Runtime.InvalidEntrypoint"


def test_a_bootstrap_that_ends_or_crashes(server, name, compiled):
    for number, (source, text) in enumerate((
            ("int main(void) { return 7; }", "exit status 7"), ("int main(void) { return 0; }", "without providing a reason"),
            ("#include <stdlib.h>\nint main(void) { abort(); }", "signal: aborted"))):
        each = f"{name}{number}"
        server.deploy(each, {"bootstrap": compiled(source)}, modes={"bootstrap": 0o755}, Runtime="provided.al2023", Handler="x")
        error = server.fail(each)
        assert error["errorType"] == "Runtime.ExitError" and text in error["errorMessage"], error


def test_no_managed_environment_in_provided_functions(server, name):
    script = """#!/bin/sh
id=$(curl -sD - -o /tmp/event "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next" \\
  | tr -d '\\r' | awk 'tolower($1) == "lambda-runtime-aws-request-id:" {print $2}')
printf '"%s %s"' "${AWS_EXECUTION_ENV:-none}" "$_HANDLER" \\
  | curl -s -X POST --data-binary @- "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response"
exec sleep 100
"""
    assert os.path.exists("/usr/bin/curl"), "Scripts/setup.sh installs curl"
    server.deploy(name, {"bootstrap": script}, modes={"bootstrap": 0o755}, Runtime="provided.al2023", Handler="the.handler")
    # It never asks for another event.
    assert server.invoke(name, LogType="None") == "none the.handler"


@pytest.fixture(scope="session")
def runtime_client(tmp_path_factory):
    """awslambdaric with everything it needs, as files of a package."""
    directory = tmp_path_factory.mktemp("awslambdaric")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(directory),
         "awslambdaric==3.1.1"], check=True)
    return directory


def test_awss_own_python_client(server, name, runtime_client):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for path in sorted(runtime_client.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                made.write(path, str(path.relative_to(runtime_client)))
        handler = zipfile.ZipInfo("app.py")
        handler.create_system, handler.external_attr = 3, 0o100644 << 16
        made.writestr(handler, "def handler(event, context): return {'got': event, 'id': context.aws_request_id}")
        bootstrap = zipfile.ZipInfo("bootstrap")
        bootstrap.create_system, bootstrap.external_attr = 3, 0o100755 << 16
        version = "%d.%d" % sys.version_info[:2]
        made.writestr(bootstrap, f"#!/bin/sh\ncd /var/task\nexec python{version} -m awslambdaric \"$_HANDLER\"\n")
    client = server.client()
    client.create_function(
        FunctionName=name, Runtime="provided.al2023", Handler="app.handler", Timeout=30, MemorySize=256,
        Role="arn:aws:iam::000000000000:role/acceptance", Code={"ZipFile": out.getvalue()})
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    for number in range(3):
        answer = server.invoke(name, {"n": number})
        assert answer["got"] == {"n": number} and len(answer["id"]) == 36


def test_a_functions_credentials_are_short_lived_and_accepted(server, name):
    server.deploy(name, SERVER_CREDENTIALS)
    given = server.invoke(name)
    assert given["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    client = server.client(
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"], aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=given["AWS_SESSION_TOKEN"])
    assert client.get_function_configuration(FunctionName=name)["FunctionName"] == name
    assert given["AWS_SECRET_ACCESS_KEY"] != server.credentials["secretAccessKey"]


def test_variables_for_every_function(make_server):
    server = make_server("--function-env", "AWS_ENDPOINT_URL=http://host.martlet.internal:4566")
    server.deploy("f", "import os\ndef handler(event, context): return os.environ['AWS_ENDPOINT_URL']")
    assert server.invoke("f") == "http://host.martlet.internal:4566"
