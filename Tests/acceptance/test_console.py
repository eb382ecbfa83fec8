# SPDX-License-Identifier: Apache-2.0
"""The web console: its page in a real browser."""

import functools
import http.server
import json
import threading
import time
import urllib.parse

import pytest

from console_page import CONTRAST, HOSTILE, TALKER, Session, browser, enter, follow, open_page, tile  # noqa: F401
from harness import PYTHON, zip_of


@pytest.fixture
def mapped_queue(server, name):
    """A function's queue, with a mapping that is off. To be asked for before a page: both are there until the page has ended,
    as one that is in the middle of looking at them would complain."""
    server.deploy(name, TALKER)
    queue = server.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:{server.credentials['region']}:000000000000:{name}"
    mapping = server.client().create_event_source_mapping(FunctionName=name, EventSourceArn=arn, Enabled=False)
    yield queue
    server.client().delete_event_source_mapping(UUID=mapping["UUID"])
    server.client("sqs").delete_queue(QueueUrl=queue)


def test_walk_through(open_page, server, name, tmp_path):
    """Signs in, deploys by upload, invokes, follows the log, sees the chart move, stops a runaway by its budget, signs out."""
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
    page.until(f"Number({tile('Invocations')}) === 3", "the invocations so far")
    page.until(f"{tile('Errors')} === '1 (33 %)'", "that which failed")
    cold = sum("Init Duration: " in text for _, text in server.log(name))
    page.until(f"parseInt({tile('Cold starts')}) === {cold}", "those that the log has")
    assert page.run("document.querySelectorAll('.chart .bar.one').length") >= 1
    assert page.run("document.querySelectorAll('.chart .bar.alarm').length") >= 1
    assert page.run("document.querySelectorAll('.chart .dot.one, .chart .line.one').length") >= 1
    for number in range(5):
        server.invoke(name, {"say": str(number)})
    page.until(f"Number({tile('Invocations')}) === 8", "the chart moves")
    page.run("document.querySelector('.chart svg').focus()")
    page.key("ArrowLeft")
    page.until("document.querySelector('.told').textContent.includes('Invocations')", "figures by the keyboard")

    # A runaway: nobody but its budget stops it.
    page.press("Usage", "nav a")
    page.press("Set a budget", "summary")
    for field, value in [("name", f"of-{name}"), ("for", name), ("limit", "40"), ("unit", "requests"), ("period", "day"), ("action", "stop")]:
        page.fill(f"#budget-{field}", value)
    page.press("Set budget", "button")
    row = f"[...document.querySelectorAll('tbody tr')].find((row) => row.querySelector('th').textContent === {json.dumps('of-' + name)})"
    page.until(f"{row}.textContent.includes('of 40 requests a day') && {row}.textContent.includes('Within')", "the budget")
    runaway = threading.Thread(target=run_until_stopped, args=(server, name))
    runaway.start()
    page.until(f"{row}.textContent.includes('Reached') && {row}.textContent.includes('Stopped: {name}')", "the budget is reached")
    runaway.join()
    page.press(name, "tbody td a")
    page.shows("Stopped by a budget. ")
    page.until("[...document.querySelectorAll('.head .badge')].some((badge) => badge.textContent === 'Stopped')")
    assert f"of-{name}" in page.run("document.querySelector('.notice').textContent")
    page.until(f"Number({tile('Throttles')}) >= 1", "what was refused is in the charts")
    page.press("Invoke", "nav a")
    page.fill("#event", "{}")
    page.click("#invoke")
    page.shows("TooManyRequestsException")
    page.press("Usage", "nav a")
    page.until(f"!!{row}", "the budget")
    page.run(f"{row}.querySelector('button').click()")
    page.press("Delete", "dialog button")
    page.until(f"!{row}", "the budget is gone")
    assert server.invoke(name)["said"] == ""

    # By hand.
    follow(page, f"/functions/{name}/invoke")
    page.click("#stop")
    page.press("Stop", "dialog button")
    page.shows("Stopped")
    with pytest.raises(Exception, match="TooManyRequests"):
        server.invoke(name)
    page.click("#start")
    page.until("!!document.querySelector('#stop')", "the function is let in again")
    assert server.invoke(name)["said"] == ""

    page.press("Sign out", "button")
    page.shows("Signed out.")
    assert name not in page.text()
    page.call("Page.reload")
    page.shows("Sign in to Martlet")
    assert page.run("window.pwned") is None


def run_until_stopped(server, name):
    client = server.client()
    for _ in range(1_000):
        try:
            client.invoke(FunctionName=name, Payload=b"{}")
        except client.exceptions.TooManyRequestsException:
            return
        time.sleep(0.05)


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


def test_an_alias_shares_its_invocations_by_keyboard(open_page, server, name):
    """With what is so now in the form; a change that somebody else made meanwhile is not undone."""
    server.deploy(name, TALKER)
    client = server.client()
    for number in (1, 2):
        client.update_function_configuration(FunctionName=name, Description=str(number))
        assert client.publish_version(FunctionName=name)["Version"] == str(number)
    for alias in ("live", "next"):
        client.create_alias(FunctionName=name, Name=alias, FunctionVersion="1")
    routing = lambda alias: client.get_alias(FunctionName=name, Name=alias).get("RoutingConfig")  # noqa: E731
    client.update_alias(FunctionName=name, Name="next", RoutingConfig={"AdditionalVersionWeights": {"2": 0.125}})
    page = open_page(f"#/functions/{name}/versions")
    page.shows("1 (87.5 %), 2 (12.5 %)")
    assert page.run("document.querySelector('#share-weight').disabled")
    page.run("document.querySelector('#share-alias').focus()")
    page.key("Tab")
    assert page.run("document.activeElement.id") == "share-version"
    page.key("Tab")
    # An option is chosen by its first letter.
    page.call("Input.dispatchKeyEvent", type="keyDown", key="2", code="Digit2", windowsVirtualKeyCode=50, text="2")
    page.call("Input.dispatchKeyEvent", type="keyUp", key="2", code="Digit2", windowsVirtualKeyCode=50)
    page.until("!document.querySelector('#share-weight').disabled", "the weight")
    page.key("Tab")
    page.run("document.activeElement.select()")
    page.type("30")
    page.key("Tab")
    assert page.run("document.activeElement.textContent") == "Share invocations"
    page.key("Enter")
    page.shows("1 (70 %), 2 (30 %)")
    assert routing("live") == {"AdditionalVersionWeights": {"2": 0.3}}

    page.fill("#share-alias", "next")
    assert page.run("['version', 'additional', 'weight'].map((each) => document.querySelector(`#share-${each}`).value)") == ["1", "2", "12.5"]
    client.update_alias(FunctionName=name, Name="next", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})
    page.fill("#share-weight", "20")
    page.may_complain = ("412",)
    page.press("Share invocations", "button")
    page.shows("The Revision Id provided does not match")
    assert routing("next") == {"AdditionalVersionWeights": {"2": 0.5}}
    page.call("Page.reload")
    page.shows("1 (50 %), 2 (50 %)")
    page.fill("#share-alias", "next")
    page.fill("#share-additional", "")
    page.press("Share invocations", "button")
    page.until("document.querySelector('#announcer').textContent.includes('next is changed')", "the change")
    assert not (routing("next") or {}).get("AdditionalVersionWeights")


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


def test_sources_and_usage(mapped_queue, open_page, server, name):
    page = open_page("#/sources")
    page.until(f"[...document.querySelectorAll('table a')].some((link) => link.textContent === {json.dumps(name)})", "the mapping")
    page.until(f"[...document.querySelectorAll('tbody th')].some((cell) => cell.textContent === {json.dumps(name)})", "the queue")
    server.client("sqs").send_message(QueueUrl=mapped_queue, MessageBody="x", DelaySeconds=300)
    row = f"[...document.querySelectorAll('tbody tr')].find((row) => row.querySelector('th').textContent === {json.dumps(name)})"
    page.until(f"{row}.querySelector('[data-name=Delayed]').textContent === '1'", "the delayed message")
    for body in ("y", "z"):
        server.client("sqs").send_message(QueueUrl=mapped_queue, MessageBody=body)
    page.until(f"{row}.querySelector('[data-name=Waiting]').textContent === '2'", "the messages")
    follow(page, f"/functions/{name}/sources")
    page.until("document.querySelector('[data-name=Lag]')?.textContent === '2 waiting'", "the mapping's lag")
    server.invoke(name)
    page.press("Usage", "nav a")
    page.until(f"[...document.querySelectorAll('tbody th')].some((cell) => cell.textContent === {json.dumps(name)})", "the function's usage")
    bill = json.loads(server.martlet("usage", "--output", "json").stdout)
    assert float(page.run(tile("Price")).removeprefix("$")) == pytest.approx(float(bill["usd"]), abs=6e-7)


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


def test_a_budget_by_keyboard(open_page, server, name):
    page = open_page("#/usage")
    page.press("Set a budget", "summary")
    page.run("document.querySelector('#budget-name').focus()")
    for text in [f"of-{name}", name, "5"]:
        page.type(text)
        page.key("Tab")
    for _ in range(3):
        page.key("Tab")
    page.key("Enter")
    page.shows("$0.00 of $5.00 a month")
    page.until("document.activeElement.textContent === 'Set budget'", "what had the focus has it again")
    page.run(f"document.querySelector('[aria-label=\"Delete the budget of-{name}\"]').focus()")
    page.key("Enter")
    page.until("document.activeElement.closest('dialog')?.open && document.activeElement.textContent === 'Cancel'")
    page.key("Tab")
    page.key("Enter")
    page.until(f"!document.querySelector('main').textContent.includes('of-{name}')", "it is deleted")


@pytest.mark.parametrize("width, dark", [(360, False), (360, True), (1_280, True)])
def test_fits(open_page, server, name, width, dark):
    """No view is wider than its window, and text stands out from what is behind it."""
    server.deploy(name, TALKER, Environment={"Variables": {"A_RATHER_LONG_NAME_OF_A_VARIABLE": "x" * 200}})
    server.invoke(name, {"say": "y" * 300})
    version = server.client().publish_version(FunctionName=name)["Version"]
    server.client().create_alias(FunctionName=name, Name="a-rather-long-name-of-an-alias", FunctionVersion=version)
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


def test_hostile_names(open_page, server):
    """A function's name of the most that is allowed, a log group's, an alias's and a queue's: what comes from elsewhere is text."""
    name = "x" * 60 + "-_9Z"
    server.deploy(name, "def handler(event, context): print(event['text']); return event['text']\n", Description=HOSTILE,
                  Environment={"Variables": {"HTML": HOSTILE}})
    text = HOSTILE + "\u202e\u0000\x1b[31m' onmouseover='window.pwned=1"
    server.invoke(name, {"text": text})
    client = server.client()
    client.tag_resource(Resource=client.get_function(FunctionName=name)["Configuration"]["FunctionArn"], Tags={"html": HOSTILE})
    client.publish_version(FunctionName=name, Description=HOSTILE)
    client.create_alias(FunctionName=name, Name="x", FunctionVersion="$LATEST", Description=HOSTILE)
    session = Session(server)
    session.sign_in()
    budget = {"TagKey": HOSTILE[:40], "TagValue": HOSTILE, "Limit": "0", "Unit": "usd", "Period": "day", "Action": "stop"}
    assert session.send("PUT", "/console/api/_martlet/budgets/hostile", budget).status == 204
    page = open_page()
    page.shows(name)
    for address in [f"functions/{name}/logs", f"functions/{name}/configuration", f"functions/{name}/versions", "usage"]:
        follow(page, f"/{address}")
        page.shows(HOSTILE)
    assert session.send("DELETE", "/console/api/_martlet/budgets/hostile").status == 204
    follow(page, f"/functions/{name}/invoke?qualifier=" + urllib.parse.quote("$LATEST"))
    page.fill("#event", json.dumps({"text": text}))
    page.click("#invoke")
    page.until("!!document.querySelector('#result')")
    page.fill("#event-name", HOSTILE[:64])
    page.press("Save", "button")
    page.until(f"[...document.querySelectorAll('#saved option')].some((option) => option.textContent === {json.dumps(HOSTILE[:64])})")
    # An address that somebody sends is data too.
    page.may_complain = ("400", "404", "403")
    for address in [f"/functions/{HOSTILE}", f"/{HOSTILE}", f"/functions/{name}/{HOSTILE}", "/functions/%E0%A4%A", "/functions/..%2f..%2fsession"]:
        follow(page, address)
        page.until("!document.querySelector('main').hasAttribute('aria-busy')")
    assert page.run("window.pwned") is None
    assert page.run("document.querySelectorAll('main img, main script, main iframe').length") == 0


# Timers that are quicker than a person, and what the page asks for.
WATCHED = """(() => {
    const [ownFetch, ownInterval] = [fetch, setInterval];
    Object.assign(window, { asked: [], rounds: 0 });
    window.fetch = (address, options) => {
        asked.push(`${options.headers["X-Amz-Target"] ?? address} ${options.body ?? ""}`);
        return ownFetch(address, options);
    };
    window.setInterval = (act) => ownInterval(() => { act(); rounds++; }, 20);
})()"""


def test_what_is_read_again_and_again(open_page):
    """One reading at a time, of which the last that was begun is shown; who was refused is not asked again in the background."""
    page = open_page(sign_in=False)
    page.run(WATCHED)
    page.run("""Promise.all([import("/console/dom.js"), import("/console/api.js")]).then(([{ repeat }, { ApiError }]) => {
        const view = new AbortController();
        Object.assign(window, { held: [], shown: [], failures: [], leave: () => view.abort() });
        window.refuse = (index, status, name) => held[index].reject(new ApiError(status, name, `no. Request id: ${index}`));
        window.load = repeat({
            every: 5_000, signal: view.signal, failed: (error) => failures.push(error.name),
            read: async (background, mayShow) => {
                const answer = await new Promise((resolve, reject) => held.push({ background, resolve, reject }));
                if (mayShow()) shown.push(answer);
            },
        });
        setInterval(() => {});
    })""")

    def rounds():
        page.run("void (rounds = 0)")
        page.until("rounds > 40")

    page.until("held.length === 1")
    rounds()
    assert page.run("held.map((each) => each.background)") == [True]
    page.run("void load()")
    rounds()
    assert page.run("held.map((each) => each.background)") == [True, False]
    page.run("held[1].resolve('new')")
    page.run("held[0].resolve('old')")
    page.until("held.length === 3")
    assert page.run("shown") == ["new"]
    page.run("refuse(2, 500, 'ServiceException')")
    # A reader of the screen hears once of what goes on.
    page.until("held.length === 4")
    page.run("refuse(3, 500, 'ServiceException')")
    page.until("held.length === 5")
    assert page.run("failures") == ["ServiceException"]
    page.run("refuse(4, 400, 'AccessDeniedException')")
    rounds()
    assert page.run("[held.length, failures]") == [5, ["ServiceException", "AccessDeniedException"]]
    # Who asks by hand is answered, and then all goes on.
    page.run("void load()")
    page.run("refuse(5, 400, 'AccessDeniedException')")
    page.until("failures.length === 3")
    page.run("void load()")
    page.run("held[6].resolve('allowed')")
    page.until("held.length === 8")
    page.run("refuse(7, 400, 'AccessDeniedException')")
    page.until("failures.length === 4")
    page.run("void load()")
    page.run("leave()")
    page.run("held[8].resolve('left')")
    rounds()
    assert page.run("held.length") == 9


def test_a_key_that_may_not_is_told_once(open_page, make_server, name, tmp_path):
    server = make_server()
    server.deploy(name, TALKER)
    policy = {"Statement": [{"Effect": "Allow", "Action": ["lambda:ListFunctions", "lambda:GetFunctionConfiguration"], "Resource": "*"}]}
    (tmp_path / "policy.json").write_text(json.dumps(policy))
    made = server.martlet("key", "create", "--id", "AKIAREADER", "--secret", "reader-secret", "--policy", str(tmp_path / "policy.json"))
    assert made.returncode == 0, made.stderr
    page = open_page(on=server, sign_in=False, may_complain=("400", "403"))
    enter(page, server, key="AKIAREADER", secret="reader-secret")
    page.until("!!document.querySelector('#sign-out')")
    page.run(WATCHED)
    for view in ["/usage", "/environments", "/sources", f"/functions/{name}", f"/functions/{name}/logs", f"/functions/{name}/sources"]:
        page.run("void (asked = [])")
        follow(page, view)
        page.until("!document.querySelector('main').hasAttribute('aria-busy') && !!document.querySelector('main [role=alert]')", view)
        assert "not authorized" in page.text()
        page.run("void (rounds = 0)")
        page.until("rounds > 40")
        asked = page.run("asked")
        assert asked and len(asked) == len(set(asked)), f"{view}: {asked}"
        assert not page.run("!!document.querySelector('#budget-form')")


def test_a_queue_is_asked_once_for_its_row_and_its_mappings(mapped_queue, open_page, name):
    page = open_page()
    page.run(WATCHED)
    follow(page, "/sources")
    page.until("[...document.querySelectorAll('[data-name=Lag]')].some((cell) => cell.textContent === '0 waiting')", "the lag")
    page.until("asked.filter((each) => each.startsWith('AmazonSQS.ListQueues')).length > 3", "some rounds")
    asked = page.run("asked")
    of_queue = sum(each.startswith("AmazonSQS.GetQueueAttributes") and name in each for each in asked)
    assert 1 <= of_queue <= sum(each.startswith("AmazonSQS.ListQueues") for each in asked), asked


def test_what_reports_say(open_page):
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


def test_what_metrics_are_shown_as(open_page):
    page = open_page(sign_in=False)

    def spans(minutes, end=1_764_025_920_000):
        return page.run(f"""import('/console/monitor.js').then(({{ spansOf }}) => {{
            const {{ step, spans }} = spansOf({end} - {minutes} * 60_000, {end});
            return [step / 60_000, spans.length, (spans[0].from - {end}) / 60_000, (spans.at(-1).to - {end}) / 60_000];
        }})""")

    assert [spans(minutes) for minutes in (15, 60, 61)] == [[1, 15, -15, 0], [1, 60, -60, 0], [2, 31, -62, 0]]
    for minutes in (180, 720, 1_440, 10_080, 21_600):
        step, count, first, last = spans(minutes)
        assert count <= 61 and first <= -minutes and 0 <= last < step

    # Two spans with values, one without; what is older or newer than all of them is left out.
    results = [
        {"Id": "invocations", "Timestamps": [0, 60, 180], "Values": [5, 7, 9]}, {"Id": "p50", "Timestamps": [60], "Values": [1.5]},
        {"Id": "errors", "Timestamps": [-60, 300], "Values": [1, 1]}, {"Id": "whole_p50", "Timestamps": [0], "Values": [2.5]},
        {"Id": "whole_p99", "Timestamps": [], "Values": []}]
    answer = page.run(f"""import('/console/monitor.js').then(({{ place }}) => {{
        const spans = [0, 1, 2, 3].map((index) => ({{ from: index * 60_000, to: (index + 1) * 60_000 }}));
        return {{ whole: place({json.dumps(results)}, spans, 60_000), spans }};
    }})""")
    assert [span.get("invocations") for span in answer["spans"]] == [5, 7, None, 9]
    assert [span.get("p50") for span in answer["spans"]] == [None, 1.5, None, None]
    assert answer["whole"] == {"p50": 2.5, "invocations": 21, "errors": 0, "throttles": 0, "cold": 0}


def test_charts_of_an_alias_and_of_another_time(open_page, server, name):
    server.deploy(name, TALKER)
    client = server.client()
    client.publish_version(FunctionName=name)
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    for number in range(5):
        server.invoke(name, {}, **({"Qualifier": "live"} if number > 2 else {}))
    page = open_page(f"#/functions/{name}?qualifier=live")
    page.until(f"{tile('Invocations')} === '2'", "those of the alias")
    page.fill("#whose", "")
    page.until(f"{tile('Invocations')} === '5'", "all of them")
    for chosen in ["3600000", "86400000", "1296000000"]:
        page.fill("#range", chosen)
        page.until(f"{tile('Invocations')} === '5' && !!document.querySelector('.charts .bar')", f"the last {chosen} ms")
    page.fill("#range", "custom")
    page.fill("#to", time.strftime("%Y-%m-%dT%H:%M", time.localtime(time.time() - 1_800)))
    page.shows("Nothing was invoked in this time.")
    page.fill("#from", time.strftime("%Y-%m-%dT%H:%M", time.localtime(time.time() + 7_200)))
    page.shows("The end has to be after the beginning")


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


def test_what_another_page_forges_in_the_browser(open_page, server, name, tmp_path):
    """A page on another port has the cookie sent along, as it is of the same site: its requests do nothing, and it can't show the console."""
    server.deploy(name, TALKER)
    invocations = f"{server.url}/console/api/2015-03-31/functions/{name}/invocations"
    (tmp_path / "index.html").write_text(f"""<!doctype html><title>elsewhere</title><iframe name="answer"></iframe>
        <iframe id="framed" src="{server.url}/console"></iframe>
        <form method="post" enctype="text/plain" target="answer" action="{invocations}"><input name="x" value="1"></form>""")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    page = open_page(may_complain=("",))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as elsewhere:
        threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
        page.go(f"http://127.0.0.1:{elsewhere.server_port}/")
        page.run("new Promise((done) => { document.querySelector('[name=answer]').onload = done; document.forms[0].submit(); })")
        for how in ["mode: 'no-cors'", "headers: { 'X-Martlet-Console': 'user' }"]:
            send = f"fetch({json.dumps(invocations)}, {{ method: 'POST', credentials: 'include', body: '{{}}', {how} }})"
            assert page.run(send + ".then(() => 'answered', () => 'refused')") == "refused"
        assert any("frame-ancestors" in problem for problem in page.problems)
        elsewhere.shutdown()
    assert any("403" in problem for problem in page.problems)
    page.go(f"{server.url}/console#/functions/{name}")
    page.shows("Nothing was invoked in this time.")
    assert server.log(name) == []
