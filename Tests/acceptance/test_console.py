# SPDX-License-Identifier: Apache-2.0
"""The web console: its page in a real browser, its sessions over plain HTTP."""

import http.client
import json
import ssl
import time
import urllib.parse

import pytest

from browser import Browser
from harness import PYTHON, ROLE, zip_of
from test_tls import make_certificate

HOSTILE = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'

TALKER = """
import json, os, time

def handler(event, context):
    event = event or {}
    for number in range(event.get("lines", 1)):
        print("line", number, event.get("say", ""), flush=True)
        time.sleep(event.get("pause", 0))
    if event.get("fail"):
        raise ValueError(event["fail"])
    return {"said": event.get("say", ""), "secret": os.environ.get("SECRET")}
"""


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture
def open_page(browser, server):
    """Opens the console, signed in unless told otherwise; fails for whatever a page's console complains of."""
    pages = []

    def open_page(path="", sign_in=True, on=server, may_complain=(), **arguments):
        page = browser.page(f"{on.url}/console{path}", **arguments)
        page.may_complain = may_complain
        pages.append(page)
        if sign_in:
            enter(page, on)
        return page

    yield open_page
    for page in pages:
        # A server that lists neither says so, which the page takes for an answer.
        allowed = ["/_martlet/environments", "/_martlet/budgets", *page.may_complain]
        problems = [text for text in page.problems if not any(word in text for word in allowed)]
        page.close()
        assert problems == []


def enter(page, server, secret=None):
    page.shows("Sign in to Martlet")
    known = server.credentials
    page.fill("input[name=key]", known["accessKeyId"])
    page.fill("input[name=secret]", secret or known["secretAccessKey"])
    page.press("Sign in", "button")
    if not secret:
        page.until("!!document.querySelector('#sign-out')", "the page after signing in")


def follow(page, hash):
    page.run(f"void (location.hash = {json.dumps('#' + hash)})")


class Session:
    """A browser's requests, made by hand."""

    def __init__(self, server):
        self.server = server
        parts = urllib.parse.urlsplit(server.url)
        self.host, self.scheme, self.cookie = parts.netloc, parts.scheme, None

    def send(self, method, path, body=None, origin="own", **headers):
        given = {"X-Martlet-Console": "user", "Origin": self.server.url if origin == "own" else origin, "Cookie": self.cookie}
        given.update({name.replace("_", "-"): value for name, value in headers.items()})
        if self.scheme == "https":
            context = ssl.create_default_context(cafile=self.server.authority)
            connection = http.client.HTTPSConnection(self.host, timeout=120, context=context)
        else:
            connection = http.client.HTTPConnection(self.host, timeout=120)
        connection.request(method, path, body=json.dumps(body) if isinstance(body, (dict, list)) else body,
                           headers={name: value for name, value in given.items() if value is not None})
        answer = connection.getresponse()
        answer.content = answer.read()
        connection.close()
        return answer

    def sign_in(self, key=None, secret=None, **headers):
        known = self.server.credentials
        answer = self.send("POST", "/console/session", {
            "AccessKeyId": key or known["accessKeyId"], "SecretAccessKey": secret or known["secretAccessKey"]}, **headers)
        if answer.status == 200:
            self.cookie = answer.headers["Set-Cookie"].split(";")[0]
        return answer


# The page


def test_walk_through(open_page, server, name, tmp_path):
    """Signs in, deploys by upload, invokes, follows the log, sees the chart move, stops the function, signs out."""
    archive = tmp_path / "code.zip"
    archive.write_bytes(zip_of({"app.py": TALKER}))
    page = open_page(may_complain=("429",))
    page.click("#create-function")
    page.fill("#function-name", name)
    page.fill("#runtime", PYTHON)
    page.fill("#timeout", "30")
    page.choose_file("#code-zip", archive)
    page.shows("code.zip")
    page.press("Create function", "button")

    page.until("location.hash.endsWith('/invoke') && !!document.querySelector('#event')", "the new function's page")
    page.fill("#event", json.dumps({"say": HOSTILE, "lines": 3}))
    page.click("#invoke")
    page.until("!!document.querySelector('#result')", "the result")
    assert json.loads(page.run("document.querySelector('#result').textContent"))["said"] == HOSTILE
    page.shows("Log tail")
    for word in ["Init", "Billed", "Memory used", "Round trip"]:
        assert word in page.text()
    assert "REPORT RequestId" in page.run("document.querySelector('#log-tail').textContent")

    # An event that is saved is there after a reload; a broken one is not sent.
    page.fill("#event-name", "hello")
    page.press("Save", "button")
    page.call("Page.reload")
    page.until("[...document.querySelectorAll('#saved option')].some((option) => option.value === 'hello')")
    page.fill("#event", "{")
    page.click("#invoke")
    page.shows("No JSON")
    page.fill("#event", json.dumps({"fail": HOSTILE}))
    page.click("#invoke")
    page.shows("Error: Unhandled")

    # A line is there while the function runs.
    page.press("Logs", "nav a")
    page.until(f"[...document.querySelectorAll('#log-lines .text')].some((line) => line.textContent.includes({json.dumps(HOSTILE)}))")
    server.client().invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps({"say": "live-log", "lines": 3, "pause": 2}))
    page.until("document.querySelector('#log-lines').textContent.includes('line 0 live-log')")
    page.fill("#pattern", '"line 0"')
    page.press("Filter", "button")
    page.until("document.querySelectorAll('#log-lines li').length >= 2"
               " && [...document.querySelectorAll('#log-lines .text')].every((line) => line.textContent.startsWith('line 0'))")

    page.press("Monitor", "nav a")
    def invocations():
        return page.run("Number(document.querySelector('.tiles dd')?.textContent)")
    page.until("Number(document.querySelector('.tiles dd')?.textContent) >= 3", "the invocations so far")
    before, bars = invocations(), page.run("document.querySelectorAll('.chart .bar.one').length")
    assert bars >= 1
    assert page.run("document.querySelectorAll('.chart .bar.alarm').length") >= 1
    for number in range(5):
        server.invoke(name, {"say": str(number)})
    page.until(f"Number(document.querySelector('.tiles dd')?.textContent) === {before + 5}", "the chart moves")
    page.run("document.querySelector('.chart svg').focus()")
    page.key("ArrowLeft")
    page.until("document.querySelector('.told').textContent.includes('Invocations')", "figures by the keyboard")

    page.click("#stop")
    page.press("Stop", "dialog button")
    page.shows("Stopped")
    with pytest.raises(Exception, match="TooManyRequests"):
        server.invoke(name)
    page.press("Invoke", "nav a")
    page.fill("#event", "{}")
    page.click("#invoke")
    page.shows("TooManyRequestsException")
    page.click("#start")
    page.until("!!document.querySelector('#stop')", "the function is let in again")
    assert server.invoke(name)["said"] == ""

    page.press("Sign out", "button")
    page.shows("Signed out.")
    assert name not in page.text()
    page.call("Page.reload")
    page.shows("Sign in to Martlet")
    assert page.run("window.pwned") is None


def test_wrong_secret(open_page, server):
    page = open_page(sign_in=False, may_complain=("403",))
    enter(page, server, secret="wrong")
    page.shows("There is no such access key, or its secret is another.")
    assert not page.run("!!document.querySelector('#sign-out')")
    assert page.run("document.querySelector('input[name=secret]') === document.activeElement")
    enter(page, server)


def test_configuration_and_versions(open_page, server, name):
    server.deploy(name, TALKER, Environment={"Variables": {"SECRET": "hush-" + name, "OTHER": HOSTILE}}, Description=HOSTILE)
    page = open_page(f"#/functions/{name}/configuration")
    page.shows("Environment variables")
    assert "hush-" not in page.run("document.documentElement.outerHTML")
    page.press("Show all", "button")
    page.shows("hush-" + name)
    page.shows(HOSTILE)
    page.press("Hide all", "button")
    page.until("!document.documentElement.outerHTML.includes('hush-')")
    page.run("document.querySelector('details.card').open = true")
    page.fill("#set-timeout", "17")
    page.press("Save", "button")
    page.until("document.querySelector('.head .hint').textContent.includes('17 s')", "the new timeout")
    assert server.client().get_function_configuration(FunctionName=name)["Timeout"] == 17
    assert server.invoke(name)["secret"] == "hush-" + name

    page.press("Versions", "nav a")
    page.click("#publish-version")
    page.until("[...document.querySelectorAll('table a')].some((link) => link.textContent === '1')", "the version")
    page.fill("#alias-name", "live")
    page.fill("#alias-version", "1")
    page.press("Create alias", "button")
    page.until("[...document.querySelectorAll('table a')].some((link) => link.textContent === 'live')", "the alias")
    assert server.client().get_alias(FunctionName=name, Name="live")["FunctionVersion"] == "1"
    page.press("live", "table a")
    page.shows("live → version 1")
    assert page.run("window.pwned") is None


def test_new_code_from_a_folder(open_page, server, name, tmp_path):
    server.deploy(name, TALKER)
    folder = tmp_path / "source"
    (folder / "lib").mkdir(parents=True)
    (folder / "app.py").write_text("from lib import words\ndef handler(event, context): return words.TEXT\n")
    (folder / "lib" / "words.py").write_text("TEXT = 'grüße'\n", encoding="utf-8")
    page = open_page(f"#/functions/{name}/configuration")
    page.until("!!document.querySelector('#code-folder')")
    page.choose_file("#code-folder", folder)
    page.shows("2 files")
    page.press("Upload", "button")
    page.until("document.querySelector('#announcer').textContent.includes('The code is in use')", "the new code")
    assert server.invoke(name) == "grüße"


def test_sources_and_usage(open_page, server, name):
    server.deploy(name, TALKER)
    queue = server.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:{server.credentials['region']}:000000000000:{name}"
    mapping = server.client().create_event_source_mapping(FunctionName=name, EventSourceArn=arn)
    page = open_page("#/sources")
    try:
        page.until(f"[...document.querySelectorAll('table a')].some((link) => link.textContent === {json.dumps(name)})", "the mapping")
        page.until(f"[...document.querySelectorAll('tbody th')].some((cell) => cell.textContent === {json.dumps(name)})", "the queue")
        server.client("sqs").send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=300)
        row = f"[...document.querySelectorAll('tbody tr')].find((row) => row.querySelector('th').textContent === {json.dumps(name)})"
        page.until(f"{row}.querySelector('[data-name=Delayed]').textContent === '1'", "the delayed message")
    finally:
        server.client().delete_event_source_mapping(UUID=mapping["UUID"])
        server.client("sqs").delete_queue(QueueUrl=queue)
    server.invoke(name)
    page.press("Usage", "nav a")
    page.until(f"[...document.querySelectorAll('tbody th')].some((cell) => cell.textContent === {json.dumps(name)})", "the function's usage")


def test_keyboard_alone(open_page, server):
    """Signs in and reaches a function's creation without a pointer; every stop on the way can be seen."""
    page = open_page(sign_in=False)
    page.shows("Sign in to Martlet")
    known = server.credentials
    page.type(known["accessKeyId"])
    page.key("Tab")
    page.type(known["secretAccessKey"])
    page.key("Enter")
    page.until("!!document.querySelector('#create-function')", "the functions")
    page.until("document.activeElement.tagName === 'H1'", "the heading has the focus")
    page.key("Tab")
    assert page.run("document.activeElement.id") == "create-function"
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.key("Enter")
    page.shows("Handler")
    names = []
    for _ in range(9):
        page.key("Tab")
        names.append(page.run("document.activeElement.id"))
    assert names[1:] == ["function-name", "runtime", "handler", "role", "memory", "timeout", "code-zip", "code-folder"]
    unnamed = page.run("""[...document.querySelectorAll('input, select, textarea, button, a')].filter((control) =>
        !control.textContent.trim() && !control.labels?.length && !control.getAttribute('aria-label')).length""")
    assert unnamed == 0


@pytest.mark.parametrize("width, dark", [(360, False), (360, True), (1_280, True)])
def test_fits(open_page, server, name, width, dark):
    """No view is wider than its window, and text stands out from what is behind it."""
    server.deploy(name, TALKER, Environment={"Variables": {"A_RATHER_LONG_NAME_OF_A_VARIABLE": "x" * 200}})
    server.invoke(name, {"say": "y" * 300})
    page = open_page(width=width, height=800, dark=dark)
    for view in ["/functions", f"/functions/{name}", f"/functions/{name}/invoke", f"/functions/{name}/logs",
                 f"/functions/{name}/configuration", f"/functions/{name}/versions", "/deploy", "/sources", "/usage", "/environments"]:
        follow(page, view)
        page.until("!document.querySelector('main').hasAttribute('aria-busy') && !!document.querySelector('main h1')", view)
        if view.endswith("invoke"):
            page.click("#invoke")
            page.until("!!document.querySelector('#result')")
        if view.endswith("logs"):
            page.until("document.querySelectorAll('#log-lines li').length > 2")
        wide = page.run("document.documentElement.scrollWidth")
        assert wide <= width, f"{view} is {wide} wide"
        faint = page.run(CONTRAST)
        assert faint == [], f"{view}: {faint}"


# Texts with a contrast below that of WCAG 2.1, AA: 4.5, for large ones 3.
CONTRAST = """(() => {
  const parse = (text) => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return { rgb: [r, g, b], a: a / 255 };
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const known = new Map();
  const color = (text) => { if (!known.has(text)) known.set(text, parse(text)); return known.get(text); };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const { rgb, a } = color(getComputedStyle(node).backgroundColor);
      if (a > 0.99) return rgb;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.checkVisibility() || element.closest('.unseen, svg, button:disabled, option, .scroll thead')) continue;
    const style = getComputedStyle(element);
    const a = light(color(style.color).rgb), b = light(behind(element));
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.6 && style.fontWeight >= 700);
    if (contrast < (isLarge ? 3 : 4.5)) found.push(`${node.textContent.trim().slice(0, 40)} ${contrast.toFixed(2)}`);
  }
  return found.slice(0, 10);
})()"""


def test_hostile_names(open_page, server):
    """A function's name of the most that is allowed, a log group's, an alias's and a queue's: what comes from elsewhere is text."""
    name = "x" * 60 + "-_9Z"
    server.deploy(name, "def handler(event, context): print(event['text']); return event['text']\n", Description=HOSTILE,
                  Environment={"Variables": {"HTML": HOSTILE}})
    text = HOSTILE + "\u202e\u0000\x1b[31m' onmouseover='window.pwned=1"
    server.invoke(name, {"text": text})
    page = open_page()
    page.shows(name)
    for tab, shown in [("logs", HOSTILE), ("configuration", HOSTILE)]:
        follow(page, f"/functions/{name}/{tab}")
        page.shows(shown)
    follow(page, f"/functions/{name}/invoke?qualifier=" + urllib.parse.quote("$LATEST"))
    page.fill("#event", json.dumps({"text": text}))
    page.click("#invoke")
    page.until("!!document.querySelector('#result')")
    # An address that somebody sends is data too.
    page.may_complain = ("400", "404", "403")
    for address in [f"/functions/{HOSTILE}", f"/{HOSTILE}", f"/functions/{name}/{HOSTILE}", "/functions/%E0%A4%A", "/functions/..%2f..%2fsession"]:
        follow(page, address)
        page.until("!document.querySelector('main').hasAttribute('aria-busy')")
    assert page.run("window.pwned") is None
    assert page.run("document.querySelectorAll('main img, main script, main iframe').length") == 0


def test_what_reports_add_up_to(open_page):
    page = open_page(sign_in=False)
    lines = [
        "REPORT RequestId: 1f\tDuration: 100.50 ms\tBilled Duration: 301 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\tInit Duration: 200.25 ms\t\n",
        "REPORT RequestId: 2f\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 41 MB\tStatus: timeout\n",
        json.dumps({"time": "x", "type": "platform.report", "record": {"requestId": "3f", "status": "error", "errorType": "Runtime.ExitError", "metrics": {
            "durationMs": 5.5, "billedDurationMs": 6, "memorySizeMB": 256, "maxMemoryUsedMB": 50}}}),
        "a REPORT RequestId: 4f", "{\"type\": \"platform.report\"", "{\"type\": \"platform.report\", \"record\": 1}", "REPORT RequestId: ",
    ]
    read = page.run(f"import('/console/reports.js').then((reports) => {json.dumps(lines)}.map((line) => reports.report(line) ?? null))")
    assert [line and line["requestID"] for line in read[:6]] == ["1f", "2f", "3f", None, None, None]
    assert (read[0]["duration"], read[0]["billed"], read[0]["init"], read[0]["used"]) == (100.5, 301, 200.25, 40)
    assert read[1]["status"] == "timeout" and read[2]["errorType"] == "Runtime.ExitError" and read[2]["memory"] == 256

    # Four overlap between 300 and 350; one that ends as the next begins does not.
    ran = [(0, 100), (100, 200), (250, 350), (260, 350), (270, 360), (300, 450)]
    found = [{"at": end, "duration": end - begin, "hasFailed": end == 350, "init": 1 if begin == 0 else None} for begin, end in ran]
    code = f"""import('/console/reports.js').then(({{ series, summary }}) => {{
        const found = {json.dumps(found)}.map((line) => ({{ ...line, init: line.init ?? undefined }}));
        return {{ spans: series(found, 0, 500, 5).spans, whole: summary(found) }};
    }})"""
    answer = page.run(code)
    assert [span["invocations"] for span in answer["spans"]] == [0, 1, 1, 3, 1]
    assert [span["errors"] for span in answer["spans"]] == [0, 0, 0, 2, 0]
    assert [span["most"] for span in answer["spans"]] == [1, 1, 3, 4, 1]
    assert [span["cold"] for span in answer["spans"]] == [0, 1, 0, 0, 0]
    assert answer["spans"][3]["percentiles"] == {"p50": 90, "p90": 100, "p99": 100}
    assert (answer["whole"]["invocations"], answer["whole"]["errors"], answer["whole"]["cold"], answer["whole"]["p50"]) == (6, 2, 1, 100)


def test_session_ends_in_the_page(open_page, make_server):
    server = make_server()
    server.martlet("key", "create", "--id", "AKIAGUEST", "--secret", "guest-secret")
    page = open_page(on=server, sign_in=False, may_complain=("401",))
    page.shows("Sign in to Martlet")
    page.fill("input[name=key]", "AKIAGUEST")
    page.fill("input[name=secret]", "guest-secret")
    page.press("Sign in", "button")
    page.until("!!document.querySelector('#sign-out')")
    assert server.martlet("key", "delete", "AKIAGUEST").returncode == 0
    page.press("Usage", "nav a")
    page.shows("The session is over.")
    assert not page.run("!!document.querySelector('#sign-out')")


# Over plain HTTP


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
