// SPDX-License-Identifier: Apache-2.0
// A function's log, as it is written.

import { logs } from "./api.js";
import { announce, button, failure, h, link, repeat, replace } from "./dom.js";
import { clock, count } from "./format.js";

const linesMax = 2_000;
const lineLengthMax = 16_384;
const every = 1_000;
// Of one round: the next one goes on from there.
const pagesMax = 10;
const seenMax = 100_000;
// What one environment writes late may have an earlier time than what another's event had.
const overlap = 2_000;
const spans = [["5 minutes", 300_000], ["1 hour", 3_600_000], ["24 hours", 86_400_000]];

const kindOf = (text) => {
  if (/^(START|END|REPORT|INIT_START|INIT_REPORT|RESTORE_START|RESTORE_REPORT|EXTENSION|TELEMETRY|XRAY) ?/.test(text)) return "platform";
  if (/\b(ERROR|FATAL|CRITICAL)\b|Task timed out|^Traceback/.test(text.slice(0, 300))) return "error";
  if (/\bWARN(ING)?\b/.test(text.slice(0, 300))) return "warning";
  return "";
};

export function logsTab(configuration, { signal, query }) {
  const group = configuration.LoggingConfig?.LogGroup ?? `/aws/lambda/${configuration.FunctionName}`;
  const list = h("ol", { class: "lines", id: "log-lines", tabindex: 0, "aria-label": "Log" });
  const state = h("p", { class: "hint" });
  const problem = h("div", {});
  const pattern = h("input", { type: "search", id: "pattern", placeholder: "Filter pattern: ERROR, { $.level = \"ERROR\" }", value: query.get("pattern") ?? "",
    "aria-label": "Filter pattern", spellcheck: "false", autocapitalize: "off" });
  const span = h("select", { id: "span", "aria-label": "How far back" }, spans.map(([name, value]) => h("option", { value }, `Last ${name}`)));
  const follow = h("input", { type: "checkbox", id: "follow", checked: true });
  let seen = new Set();
  let from = 0;
  let total = 0;
  let rest;
  let filter = "";

  function lineOf(event) {
    const text = event.message.replace(/\n$/, "");
    const shown = text.length > lineLengthMax ? `${text.slice(0, lineLengthMax)} … ${count(text.length)} characters` : text;
    return h("li", { class: kindOf(text), title: event.logStreamName },
      h("time", {}, clock(new Date(event.timestamp), true)), h("span", { class: "text" }, shown));
  }

  async function read(background, mayShow) {
    const start = rest?.start ?? from;
    let nextToken = rest?.nextToken;
    rest = undefined;
    for (let page = 0; page < pagesMax; page++) {
      const answer = await logs("FilterLogEvents", {
        logGroupName: group, startTime: start, filterPattern: filter || undefined, limit: 5_000, nextToken,
      }, { signal, background });
      if (!mayShow()) return;
      const fresh = answer.events.filter((event) => !seen.has(event.eventId));
      const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
      if (fresh.length) {
        for (const event of fresh) seen.add(event.eventId);
        total += fresh.length;
        list.append(...fresh.slice(-linesMax).map(lineOf));
        while (list.children.length > linesMax) list.firstElementChild.remove();
        from = Math.max(from, fresh.at(-1).timestamp - overlap);
        if (atEnd || !background) list.scrollTop = list.scrollHeight;
      }
      nextToken = answer.nextToken;
      if (!nextToken) break;
    }
    if (nextToken) rest = { start, nextToken };
    if (seen.size > seenMax) seen = new Set([...seen].slice(-seenMax / 2));
    replace(problem);
    if (!background) announce(`${count(total)} lines`);
    state.textContent = total === 0 ? "Nothing was written in this time."
      : `${count(total)} lines${total > linesMax ? `, the last ${count(linesMax)} are shown` : ""}`;
  }

  const load = repeat({
    every, signal, read, isWanted: () => follow.checked,
    failed: (error) => {
      if (error.name === "ResourceNotFoundException") state.textContent = "The function has not written anything yet.";
      else replace(problem, failure(error));
    },
  });

  function begin() {
    seen = new Set();
    total = 0;
    filter = pattern.value;
    rest = undefined;
    from = Date.now() - Number(span.value);
    list.replaceChildren();
    load();
  }

  const form = h("form", { class: "tools", role: "search", on: { submit: (event) => { event.preventDefault(); begin(); } } },
    pattern, span, h("button", { type: "submit" }, "Filter"), h("label", { class: "check" }, follow, "Follow"),
    button("Clear", () => { list.replaceChildren(); }));
  span.addEventListener("change", begin);
  begin();
  return h("section", {}, form, problem, list, state,
    h("p", { class: "hint" }, `Log group ${group}, asked for once a second. Filter patterns are CloudWatch Logs'. `, link("Charts", `/functions/${encodeURIComponent(configuration.FunctionName)}`)));
}
