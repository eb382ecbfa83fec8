# SPDX-License-Identifier: Apache-2.0
"""Chromium without a window, driven over its DevTools protocol: two pipes, no port, no library."""

import base64
import collections
import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Everything waits for a condition; this is when it is given up on a machine that does much else.
PATIENCE = 120


class Browser:
    def __init__(self):
        assert CHROMIUM, "chromium is not installed: Scripts/setup.sh"
        self.profile = tempfile.mkdtemp(prefix="martlet-chromium-")
        to_browser, our_write = os.pipe()
        our_read, from_browser = os.pipe()
        options = [
            "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self.profile}", "--no-first-run", "--disable-gpu",
            "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-extensions", "--no-default-browser-check", "--hide-scrollbars", "--mute-audio",
        ]
        if os.geteuid() == 0:
            options.append("--no-sandbox")

        # The browser reads from 3 and writes to 4, whatever numbers the pipes have here.
        reading, writing = (fcntl.fcntl(end, fcntl.F_DUPFD, 100) for end in (to_browser, from_browser))
        os.close(to_browser)
        os.close(from_browser)
        start = f'exec "$@" 3<&{reading} 4>&{writing} {reading}<&- {writing}>&-'
        self.log = open(pathlib.Path(self.profile) / "stderr", "w+b")
        self.process = subprocess.Popen(
            ["bash", "-c", start, "bash", CHROMIUM, *options, "about:blank"], pass_fds=(reading, writing),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log)
        os.close(reading)
        os.close(writing)
        self._write = os.fdopen(our_write, "wb", buffering=0)
        self._read = os.fdopen(our_read, "rb")
        self._numbers = 0
        self._answers = {}
        self._changed = threading.Condition()
        self._pages = {}
        self._ended = False
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        buffer = b""
        while chunk := self._read.read1(1 << 20):
            buffer += chunk
            while (end := buffer.find(b"\0")) >= 0:
                message = json.loads(buffer[:end])
                buffer = buffer[end + 1:]
                with self._changed:
                    if "id" in message:
                        self._answers[message["id"]] = message
                    elif message.get("sessionId") in self._pages:
                        self._pages[message["sessionId"]]._note(message)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def call(self, method, session=None, **parameters):
        with self._changed:
            self._numbers += 1
            number = self._numbers
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._write.write(json.dumps(message).encode() + b"\0")
        with self._changed:
            arrived = self._changed.wait_for(lambda: number in self._answers or self._ended, PATIENCE)
            if not arrived or number not in self._answers:
                self.log.seek(0)
                raise AssertionError(f"{method}: no answer; {self.log.read()[-2_000:]!r}")
            answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def page(self, url, width=1_280, height=900, dark=False):
        """A tab of a browser profile of its own, with nothing of the others' cookies and storage."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session, target, context)
        self._pages[session] = page
        for domain in ["Page", "Runtime", "Log", "Network", "DOM"]:
            page.call(f"{domain}.enable")
        page.resize(width, height)
        page.dark(dark)
        page.go(url)
        return page

    def close(self):
        try:
            if self.process.poll() is None:
                self.call("Browser.close")
            self.process.wait(30)
        except (AssertionError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait(30)
        finally:
            self._write.close()
            self.log.close()
            shutil.rmtree(self.profile, ignore_errors=True)


class Page:
    def __init__(self, browser, session, target, context):
        self.browser, self.session, self.target, self.context = browser, session, target, context
        # What a user would find in the console of the developer's tools, or not at all: errors, violations, dialogs.
        self.problems = []
        self.requests = collections.deque(maxlen=2_000)

    def _note(self, message):
        method, parameters = message["method"], message["params"]
        if method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(parameters["exceptionDetails"])[:500])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.problems.append(str([value.get("value", value.get("description")) for value in parameters["args"]]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.problems.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        elif method == "Page.javascriptDialogOpening":
            self.problems.append(f"a dialog: {parameters['message']}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
        self.browser.call("Target.disposeBrowserContext", browserContextId=self.context)

    # Looking

    def run(self, expression):
        """The value of a JavaScript expression, promises awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in answer, f"{expression}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    def until(self, expression, what=None, seconds=PATIENCE):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                value = self.run(f"(() => {{ try {{ return ({expression}); }} catch {{ return undefined; }} }})()")
            except AssertionError:
                # The page was left for another while it was asked.
                value = None
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"{what or expression}: not within {seconds} s; the page says:\n{self.text()[:3_000]}\n{self.problems}")

    def text(self):
        return self.run("document.body.innerText") or ""

    def shows(self, text, seconds=PATIENCE):
        self.until(f"document.body.innerText.includes({json.dumps(text)})", f"the page shows {text!r}", seconds)

    def screenshot(self, path):
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=False)
        pathlib.Path(path).write_bytes(base64.b64decode(shot["data"]))

    # Doing

    def go(self, url):
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def resize(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def dark(self, is_dark):
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}])

    def click(self, selector):
        self.until(f"!!document.querySelector({json.dumps(selector)}) && !document.querySelector({json.dumps(selector)}).disabled",
                   f"{selector} is there")
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def press(self, label, within="button, a, summary"):
        """Presses the button or follows the link of that text."""
        find = f"[...document.querySelectorAll({json.dumps(within)})].find((node) => node.textContent.trim() === {json.dumps(label)} && !node.disabled)"
        self.until(f"!!{find}", f"a button {label!r}")
        self.run(f"{find}.click()")

    def fill(self, selector, text):
        """As typing does: the page sees an input and a change."""
        self.until(f"!!document.querySelector({json.dumps(selector)})", f"{selector} is there")
        self.run(f"""(() => {{
            const field = document.querySelector({json.dumps(selector)});
            field.focus();
            field.value = {json.dumps(text)};
            field.dispatchEvent(new Event("input", {{ bubbles: true }}));
            field.dispatchEvent(new Event("change", {{ bubbles: true }}));
        }})()""")

    def choose_file(self, selector, *paths):
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])

    KEYS = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowRight": 39, "Escape": 27, " ": 32}

    def key(self, name, modifiers=0):
        """A key pressed and let go; modifiers: 2 is Control, 8 is Shift."""
        common = {"key": name, "code": "Space" if name == " " else name, "windowsVirtualKeyCode": self.KEYS[name], "modifiers": modifiers}
        text = {"Enter": "\r", " ": " "}.get(name)
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        self.call("Input.insertText", text=text)
