# SPDX-License-Identifier: Apache-2.0
"""The console in a browser, signed in, and its requests made by hand, for the tests of it."""

import http.client
import json
import ssl
import urllib.parse

import pytest

from browser import Browser

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
        problems = [text for text in page.problems if not any(word in text for word in page.may_complain)]
        page.close()
        assert not problems, problems


def enter(page, server, key=None, secret=None):
    page.shows("Sign in to Martlet")
    known = server.credentials
    page.fill("input[name=key]", key or known["accessKeyId"])
    page.fill("input[name=secret]", secret or known["secretAccessKey"])
    page.press("Sign in", "button")
    if not secret:
        page.until("!!document.querySelector('#sign-out')", "the page after signing in")


def follow(page, hash):
    page.run(f"void (location.hash = {json.dumps('#' + hash)})")


def tile(name):
    """The figure under that name, as an expression."""
    return f"[...document.querySelectorAll('.tiles div')].find((each) => each.querySelector('dt').textContent === {json.dumps(name)})?.querySelector('dd').textContent"


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
