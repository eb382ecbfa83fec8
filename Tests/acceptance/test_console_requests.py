# SPDX-License-Identifier: Apache-2.0
"""The console's sessions over plain HTTP, without its page."""

import json
import time
import urllib.parse

from console_page import TALKER, Session
from harness import PYTHON, ROLE
from test_tls import make_certificate


def test_requests_of_other_origins(server, name):
    session = Session(server)
    assert session.sign_in().status == 200
    creation = {"FunctionName": name, "Runtime": PYTHON, "Handler": "app.handler", "Role": ROLE, "Code": {"ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}}
    functions = "/console/api/2015-03-31/functions"
    for headers in [
            {"X_Martlet_Console": None}, {"origin": None}, {"origin": "null"}, {"origin": "http://evil.example"},
            {"origin": server.url.replace("http://", "https://evil.")}, {"origin": server.url + ".evil.example"},
            {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Host": "evil.example"}]:
        for method, path, body in [("POST", functions, creation), ("DELETE", functions + "/" + name, None), ("POST", "/console/session", {})]:
            answer = session.send(method, path, body, **headers)
            assert answer.status == 403, (method, path, headers)
            assert not any(header.lower().startswith("access-control-") for header in answer.headers)
    # What a form can send without asking first.
    answer = session.send("POST", functions, "a=b", origin="http://evil.example", X_Martlet_Console=None,
                          Content_Type="application/x-www-form-urlencoded")
    assert answer.status == 403
    answer = session.send("OPTIONS", functions, origin="http://evil.example", Access_Control_Request_Method="POST", X_Martlet_Console=None)
    assert answer.status == 403 and "Access-Control-Allow-Origin" not in answer.headers
    assert session.send("GET", functions, origin=None).status == 200
    assert session.send("GET", functions, origin=None, X_Martlet_Console=None).status == 403
    assert session.send("DELETE", "/console/session").status == 204
    assert session.send("GET", functions).status == 401


def test_headers_of_what_is_served(server):
    session = Session(server)
    page = session.send("GET", "/console")
    policy = page.headers["Content-Security-Policy"]
    for word in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'",
                 "require-trusted-types-for 'script'"]:
        assert word in policy
    assert "unsafe" not in policy and "http" not in policy
    answer = session.sign_in()
    assert "HttpOnly" in answer.headers["Set-Cookie"] and "SameSite=Strict" in answer.headers["Set-Cookie"]
    for response in [answer, session.send("GET", "/console/api/2015-03-31/functions"), session.send("GET", "/console/api/nowhere")]:
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "sandbox" in response.headers["Content-Security-Policy"]


def test_permissions_are_the_keys(make_server, name, tmp_path):
    server = make_server()
    server.deploy(name, TALKER)
    policy = {"Statement": [{"Effect": "Allow", "Action": ["lambda:ListFunctions", "lambda:GetFunctionConfiguration"], "Resource": "*"}]}
    (tmp_path / "policy.json").write_text(json.dumps(policy))
    made = server.martlet("key", "create", "--id", "AKIAREADER", "--secret", "reader-secret", "--policy", str(tmp_path / "policy.json"))
    assert made.returncode == 0, made.stderr
    session = Session(server)
    assert session.sign_in("AKIAREADER", "reader-secret").status == 200
    functions = "/console/api/2015-03-31/functions"
    assert session.send("GET", functions).status == 200
    assert session.send("GET", f"{functions}/{name}/configuration").status == 200
    for method, path, headers in [
            ("POST", f"{functions}/{name}/invocations", {}), ("DELETE", f"{functions}/{name}", {}), ("GET", "/console/api/_martlet/usage", {}),
            ("GET", "/console/api/_martlet/keys", {}), ("POST", "/console/api/_martlet/keys", {})]:
        answer = session.send(method, path, {}, **headers)
        assert answer.status == 403 and b"not authorized" in answer.content, (path, answer.content)
    answer = session.send("POST", "/console/api/", {"logGroupName": f"/aws/lambda/{name}"}, X_Amz_Target="Logs_20140328.FilterLogEvents")
    assert answer.status == 400 and b"not authorized" in answer.content
    assert server.invoke(name)["said"] == ""


def test_pages_of_functions_are_of_another_origin(server, name):
    """What a function's URL shows by path is on the console's own origin: browsers are told to treat it as another."""
    server.deploy(name, """
def handler(event, context):
    return {
        "statusCode": 200, "headers": {"content-type": "text/html", "clear-site-data": '"cookies"'}, "body": "<script></script>",
        "cookies": ["own=1", "martlet-console=x; Path=/console", "=martlet-console=x; Path=/console"],
    }
""")
    client = server.client()
    url = client.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    for sid, action, extra in [("url", "lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
                               ("via", "lambda:InvokeFunction", {"InvokedViaFunctionUrl": True})]:
        client.add_permission(FunctionName=name, StatementId=sid, Action=action, Principal="*", **extra)
    host = urllib.parse.urlsplit(url).netloc
    session = Session(server)
    by_path = session.send("GET", f"/_martlet/url/{host.split('.')[0]}/")
    assert by_path.status == 200 and by_path.content == b"<script></script>"
    assert by_path.headers["Content-Security-Policy"].startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in by_path.headers["Content-Security-Policy"]
    assert by_path.headers.get_all("Set-Cookie") == ["own=1"] and "Clear-Site-Data" not in by_path.headers
    # A worker's script would answer for the console later.
    assert session.send("GET", f"/_martlet/url/{host.split('.')[0]}/", **{"Service-Worker": "script"}).status == 403
    # By its own name it is of another origin anyway, and has no console.
    for path in ["/", "/console", "/console/api/2015-03-31/functions"]:
        by_name = session.send("GET", path, Host=host)
        assert by_name.content == b"<script></script>" and "Content-Security-Policy" not in by_name.headers


def test_switched_off(make_server):
    server = make_server("--console", "off")
    session = Session(server)
    assert session.send("GET", "/console").status == 404
    assert session.sign_in().status == 404


def test_encrypted(make_server, tmp_path):
    certificate, key = make_certificate(tmp_path, "console")
    key.chmod(0o600)
    server = make_server("--tls-cert", str(certificate), "--tls-key", str(key))
    server.authority = certificate
    session = Session(server)
    answer = session.sign_in()
    assert answer.status == 200 and answer.headers["Set-Cookie"].endswith("; Secure")
    assert session.send("GET", "/console/api/2015-03-31/functions").status == 200


def test_no_secret_over_plain_http(server):
    """A page that came from another machine without encryption has no business with a secret."""
    session = Session(server)
    port = session.host.split(":")[1]
    answer = session.sign_in(Host=f"martlet.example:{port}", origin=f"http://martlet.example:{port}")
    assert answer.status == 403 and b"HTTPS" in answer.content
    answer = session.sign_in(Host="martlet.example", origin="https://martlet.example")
    assert answer.status == 200 and answer.headers["Set-Cookie"].endswith("; Secure")


def test_guessing(make_server):
    server = make_server()
    session = Session(server)
    started = time.monotonic()
    statuses = [session.sign_in(secret="wrong").status for _ in range(30)]
    allowed = 10 + (time.monotonic() - started) + 1
    assert set(statuses) == {403, 429} and statuses.count(403) <= allowed
