# SPDX-License-Identifier: Apache-2.0
"""What is on the disk: nothing readable, nothing changed unnoticed, nothing lost."""

import os
import secrets
import stat

import botocore.exceptions

from harness import Server


def raw(directory):
    return [(path, path.read_bytes()) for path in directory.rglob("*") if path.is_file()]


def test_no_byte_of_code_or_variables_is_readable(make_server):
    server = make_server()
    marker, variable = secrets.token_hex(16), secrets.token_hex(16)
    # Stored, not deflated, so that the marker would show.
    server.deploy(
        "secret", {"app.py": f"MARK = '{marker}'\ndef handler(event, context): return MARK\n"},
        Environment={"Variables": {"HIDDEN": variable}})
    assert server.invoke("secret") == marker
    for path, content in raw(server.data):
        for text in (marker, variable, "HIDDEN"):
            assert text.encode() not in content, (path, text)
    server.terminate()
    for path, content in raw(server.data):
        assert marker.encode() not in content and variable.encode() not in content, path


def test_keys_and_stores_belong_to_the_server_alone(make_server):
    server = make_server()
    server.deploy("f", "def handler(event, context): return 1")
    for path in server.data.rglob("*"):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.name in ("credentials", "master.key") or path.suffix == ".sqlite":
            assert mode == 0o600, (path, oct(mode))
    assert stat.S_IMODE(server.data.stat().st_mode) & 0o077 == 0


def test_a_changed_ciphertext_is_refused(make_server):
    server = make_server()
    server.deploy("f", {"app.py": "def handler(event, context): return 1", "pad": os.urandom(20_000).hex()})
    server.terminate()
    objects = [path for path in (server.data / "code").rglob("*") if path.is_file()]
    assert len(objects) == 1
    content = bytearray(objects[0].read_bytes())
    content[len(content) // 2] ^= 1
    objects[0].write_bytes(content)
    server.start()
    try:
        server.invoke("f")
    except (AssertionError, botocore.exceptions.ClientError):
        pass
    else:
        raise AssertionError("changed code was run")
    server.wait_for_line("changed")


def test_another_master_key_is_told_apart(make_server, tmp_path):
    server = make_server()
    server.deploy("f", "def handler(event, context): return 1")
    server.terminate()
    other = tmp_path / "other.key"
    other.write_bytes(os.urandom(32))
    other.chmod(0o600)
    wrong = Server("--master-key-file", str(other), data=server.data)
    try:
        wrong.start()
    except AssertionError:
        assert any("key" in line for line in wrong.lines)
    else:
        wrong.terminate()
        raise AssertionError("started with another master key")


def test_a_restart_keeps_functions_logs_and_usage(make_server):
    server = make_server()
    server.deploy("kept", "def handler(event, context):\n    print('hello')\n    return 1\n", MemorySize=256)
    server.invoke("kept")
    before = server.client().get_function_configuration(FunctionName="kept")
    bill = server.martlet("usage").stdout
    assert server.terminate() == 0
    server.start()
    after = server.client().get_function_configuration(FunctionName="kept")
    for response in (before, after):
        response.pop("ResponseMetadata")
    assert before == after
    assert server.invoke("kept") == 1
    assert "hello" in server.martlet("logs", "kept").stdout
    assert "kept" in bill and "kept" in server.martlet("usage").stdout


def test_deleted_code_leaves_the_disk(make_server):
    server = make_server()
    server.deploy("f", "def handler(event, context): return 1")
    server.client().delete_function(FunctionName="f")
    server.terminate()
    server.start()
    assert [path for path in (server.data / "code").rglob("*") if path.is_file()] == []
