# SPDX-License-Identifier: Apache-2.0
"""HTTPS: with a certificate of the test's own, renewed while the server runs."""

import signal
import socket
import ssl
import subprocess
import urllib.request

import botocore.exceptions
import pytest

from harness import BINARY, wait_until

SOURCE = "def handler(event, context): return event"


def make_certificate(directory, name):
    """A self-signed certificate for 127.0.0.1 with that common name, and its key."""
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True)
    return certificate, key


@pytest.fixture
def pair(tmp_path):
    """The files that the server is told to read, holding the pair 'first'."""
    certificate, key = make_certificate(tmp_path, "first")
    own, own_key = tmp_path / "server.pem", tmp_path / "server.key"
    replace(own, certificate.read_bytes())
    replace(own_key, key.read_bytes())
    return own, own_key


def replace(path, content):
    """As certificate clients do it: a whole new file takes the old one's place."""
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_bytes(content)
    new.rename(path)


def served_certificate(server):
    host, port = server.url.split("//")[1].split(":")
    return ssl.get_server_certificate((host, int(port)))


@pytest.fixture
def server(make_server, pair):
    server = make_server("--tls-cert", str(pair[0]), "--tls-key", str(pair[1]))
    server.authority = pair[0]
    return server


def test_boto3_and_the_cli_work_over_https(server, pair, aws):
    assert server.url.startswith("https://127.0.0.1:")
    server.deploy("f", SOURCE)
    assert server.invoke("f", {"a": 1}) == {"a": 1}
    location = server.client().get_function(FunctionName="f")["Code"]["Location"]
    assert location.startswith(server.url)
    trusting = ssl.create_default_context(cafile=str(pair[0]))
    assert urllib.request.urlopen(location, context=trusting).read()[:2] == b"PK"
    assert '"f"' in aws(server, "lambda", "list-functions", "--query", "Functions[].FunctionName").stdout


def test_our_own_commands_trust_the_bundle_and_nobody_else(server):
    assert "Function not found" in server.martlet("invoke", "absent").stderr
    server.authority = None
    refused = server.martlet("invoke", "absent")
    assert refused.returncode == 2 and "AWS_CA_BUNDLE" in refused.stderr, refused.stderr


def test_a_client_that_does_not_trust_it_is_not_served(server):
    server.authority = None
    with pytest.raises(botocore.exceptions.SSLError):
        server.client().list_functions()


def test_plain_http_and_old_versions_are_refused(server, pair):
    host, port = server.url.split("//")[1].split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP/1.1" not in connection.recv(100)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection((host, int(port)), timeout=60) as connection, pytest.raises(ssl.SSLError):
        old.wrap_socket(connection)
    assert served_certificate(server).strip() == pair[0].read_text().strip()


def test_a_renewed_certificate_is_taken_without_a_restart(server, pair, tmp_path):
    certificate, key = make_certificate(tmp_path, "second")
    replace(pair[1], key.read_bytes())
    replace(pair[0], certificate.read_bytes())
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: served_certificate(server).strip() == certificate.read_text().strip(), 60, "the new certificate")


def test_a_renewed_certificate_is_found_without_a_signal(server, pair, tmp_path):
    certificate, key = make_certificate(tmp_path, "third")
    replace(pair[1], key.read_bytes())
    replace(pair[0], certificate.read_bytes())
    wait_until(lambda: served_certificate(server).strip() == certificate.read_text().strip(), 60, "the new certificate")


def test_a_pair_that_does_not_fit_leaves_the_earlier_one(server, pair, tmp_path):
    before = served_certificate(server)
    certificate, _ = make_certificate(tmp_path, "fourth")
    replace(pair[0], certificate.read_bytes())
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: any("certificate not replaced" in line for line in server.lines), 60, "the error line")
    assert served_certificate(server) == before


def test_mistakes_are_one_line(tmp_path, pair):
    other, _ = make_certificate(tmp_path, "other")
    readable = tmp_path / "readable.key"
    readable.write_bytes(pair[1].read_bytes())
    readable.chmod(0o644)
    garbage = tmp_path / "garbage.key"
    garbage.write_text("no key")
    garbage.chmod(0o600)
    cases = [
        ((pair[0], tmp_path / "absent"), "absent can't be read"), ((tmp_path / "absent", pair[1]), "absent can't be read"),
        ((pair[0], readable), "chmod o="), ((pair[0], garbage), "private key in PEM form"),
        ((garbage, pair[1]), "certificate"), ((other, pair[1]), "do not belong together"),
    ]
    for number, ((certificate, key), text) in enumerate(cases):
        result = subprocess.run(
            [str(BINARY), "serve", "--data", str(tmp_path / f"data{number}"), "--listen", "127.0.0.1:0", "--tls-cert",
             str(certificate), "--tls-key", str(key)], capture_output=True, text=True, timeout=120)
        assert result.returncode == 1 and result.stderr.count("\n") == 1 and text in result.stderr, result.stderr
