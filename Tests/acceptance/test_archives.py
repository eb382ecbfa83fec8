# SPDX-License-Identifier: Apache-2.0
"""Deployment packages: what is kept and what is refused."""

import io
import os
import struct
import zipfile

import botocore.exceptions
import pytest

from harness import PYTHON, ROLE, zip_of

HANDLER = "def handler(event, context): return 1"
REFUSAL = "Could not unzip uploaded file. Please check your file, then try to upload again."


def entry(name, mode, content=b""):
    info = zipfile.ZipInfo("placeholder")
    info.filename = name
    info.create_system = 3
    info.external_attr = mode << 16
    return info, content


def archive(*entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("app.py", HANDLER)
        for info, content in entries:
            made.writestr(info, content)
    return out.getvalue()


def many(count):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for i in range(count):
            made.writestr(f"{i:x}", b"")
    return out.getvalue()


def bomb(megabytes):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        made.writestr("app.py", HANDLER)
        with made.open("zero", "w", force_zip64=False) as file:
            for _ in range(megabytes):
                file.write(bytes(1 << 20))
    return out.getvalue()


def lying_bomb():
    """300 MB whose headers say 10 bytes."""
    good = bytearray(bomb(300))
    real = struct.pack("<I", 300 << 20)
    return bytes(good).replace(real, struct.pack("<I", 10))


def encrypted():
    good = bytearray(zip_of({"app.py": HANDLER}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        good[good.index(signature) + offset] |= 1
    return bytes(good)


def corrupt():
    good = bytearray(zip_of({"app.py": HANDLER * 50}))
    good[60] ^= 0xFF
    return bytes(good)


HOSTILE = {
    "traversal": archive(entry("../../../../tmp/evil.py", 0o100644, b"x")),
    "traversal inside": archive(entry("a/../../evil.py", 0o100644, b"x")),
    "absolute": archive(entry("/etc/evil", 0o100644, b"x")),
    "backslashes": archive(entry("..\\..\\evil", 0o100644, b"x")),
    "link out": archive(entry("link", 0o120777, b"/etc/passwd")),
    "link up": archive(entry("link", 0o120777, b"../../etc/passwd")),
    "write through a link": archive(entry("dir", 0o120777, b"/tmp"), entry("dir/evil", 0o100644, b"x")),
    "link chain out": archive(entry("a", 0o120777, b"."), entry("b", 0o120777, b"a/../.."), entry("b/evil", 0o100644, b"x")),
    "device": archive(entry("null", 0o020666)),
    "fifo": archive(entry("fifo", 0o010666)),
    "socket": archive(entry("socket", 0o140666)),
    "no zip": b"this is no zip at all" * 20,
    "nothing": b"\0",
    "tar": b"app.py" + bytes(94) + b"0000644" + bytes(600),
    "truncated": zip_of({"app.py": HANDLER * 100})[:-30],
    "truncated early": zip_of({"app.py": os.urandom(5000)})[:3000],
    "encrypted": encrypted(),
    "corrupt": corrupt(),
    "long name": archive(entry("n" * 300, 0o100644, b"x")),
    "deep": archive(entry("d/" * 2500 + "f", 0o100644, b"x")),
}


def upload(server, name, code):
    return server.client().create_function(
        FunctionName=name, Runtime=PYTHON, Handler="app.handler", Role=ROLE, Timeout=30, Code={"ZipFile": code})


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_packages_are_refused(server, name, kind):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        upload(server, name, HOSTILE[kind])
    assert raised.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert raised.value.response["Error"]["Message"] == REFUSAL
    with pytest.raises(botocore.exceptions.ClientError):
        server.client().get_function(FunctionName=name)


@pytest.mark.parametrize("make", [lambda: bomb(260), lambda: bomb(2000), lying_bomb, lambda: many(120_000)])
def test_bombs_are_refused(server, name, make):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        upload(server, name, make())
    error = raised.value.response["Error"]
    assert error["Code"] == "InvalidParameterValueException"
    assert error["Message"] in (REFUSAL, "Unzipped size must be smaller than 262144000 bytes")


def test_too_large_an_upload_is_refused(server, name):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        upload(server, name, b"PK\x03\x04" + bytes(53 << 20))
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 413)


def test_modes_links_and_names_are_kept(server, name):
    code = archive(
        entry("run.sh", 0o100755, b"#!/bin/sh\necho ran\n"), entry("plain.txt", 0o100640, b"p"),
        entry("ünïcode/日本語.txt", 0o100644, b"u"), entry("dir/link", 0o120777, b"../run.sh"),
        entry("dirlink", 0o120777, b"dir"), entry("setuid", 0o104755, b"s"), entry("empty/", 0o40755))
    source = """
import os, subprocess
def handler(event, context):
    mode = lambda p: oct(os.lstat(p).st_mode)
    return {
        'sh': subprocess.check_output(['/var/task/run.sh'], text=True), 'plain': mode('plain.txt'), 'setuid': mode('setuid'),
        'unicode': open('ünïcode/日本語.txt').read(), 'names': sorted(os.listdir('.')), 'link': os.readlink('dir/link'),
        'through': open('dirlink/link').read(), 'empty': os.path.isdir('empty')}
"""
    out = io.BytesIO(code)
    with zipfile.ZipFile(out, "a") as made:
        made.writestr(*entry("main.py", 0o100644, source))
    server.client().create_function(
        FunctionName=name, Runtime=PYTHON, Handler="main.handler", Role=ROLE, Timeout=30,
        Code={"ZipFile": out.getvalue()})
    server.client().get_waiter("function_active_v2").wait(FunctionName=name)
    result = server.invoke(name)
    assert result["sh"] == "ran\n" and result["unicode"] == "u" and result["link"] == "../run.sh"
    assert result["through"].startswith("#!/bin/sh") and result["empty"]
    assert result["plain"] == "0o100640" and result["setuid"] == "0o100755"
    assert "ünïcode" in result["names"]


def test_a_package_from_windows_works(server, name):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        info = zipfile.ZipInfo("app.py")
        info.create_system = 0
        info.external_attr = 0
        made.writestr(info, HANDLER)
    upload(server, name, out.getvalue())
    server.client().get_waiter("function_active_v2").wait(FunctionName=name)
    assert server.invoke(name) == 1
